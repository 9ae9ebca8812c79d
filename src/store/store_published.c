/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store_published.h"

#include "store/store_impl.h"

/* As PUBLISHED_COLUMNS has them. */
enum column {
	COLUMN_PUBLISHER,
	COLUMN_DEST,
	COLUMN_STATE,
	COLUMN_SINCE,
	COLUMN_UNTIL,
	COLUMN_ID,
	COLUMN_POLICY,
	COLUMN_PARAMETERS,
	COLUMN_MODIFIED,
	COLUMN_TEXT,
};

/* The intents are not read yet. */
static void
read_row(sqlite3_stmt *stmt, struct published *out)
{
	*out = (struct published){.state = PUBLISHED_NONE};
	str_copy(store_column(stmt, COLUMN_DEST), out->key, sizeof(out->key));
	published_state_parse(store_column(stmt, COLUMN_STATE), &out->state);
	out->since_ms = sqlite3_column_int64(stmt, COLUMN_SINCE);
	out->until_ms = sqlite3_column_int64(stmt, COLUMN_UNTIL);
	str_copy(store_column(stmt, COLUMN_ID), out->id, sizeof(out->id));
	str_copy(
	    store_column(stmt, COLUMN_POLICY), out->row.level, sizeof(out->row.level));
	str_copy(store_column(stmt, COLUMN_PARAMETERS), out->row.attributes,
	    sizeof(out->row.attributes));
	str_copy(
	    store_column(stmt, COLUMN_MODIFIED), out->modified, sizeof(out->modified));
	str_copy(store_column(stmt, COLUMN_TEXT), out->text, sizeof(out->text));
}

static bool
read_intents(
    struct store *store, const char *publisher, struct published *out, struct err *err)
{
	sqlite3_stmt *stmt =
	    store_bind(store, SQL_PUBLISHED_INTENTS, err, "ss", publisher, out->key);
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		struct published_text *intent;

		if (out->intent_count == ROWS_INTENTS_MAX)
			continue;
		intent = &out->intents[out->intent_count++];
		str_copy(store_column(stmt, 0), intent->level, sizeof(intent->level));
		str_copy(store_column(stmt, 1), intent->attributes,
		    sizeof(intent->attributes));
	}
	return !failed;
}

bool
store_published_get(struct store *store, const char *publisher, const char *key,
    struct published *out, struct err *err)
{
	sqlite3_stmt *stmt =
	    store_bind(store, SQL_PUBLISHED_GET, err, "ss", publisher, key);
	bool failed = false;

	published_init(out, key);
	if (stmt == NULL)
		return false;
	if (!store_step_row(store, stmt, &failed, err))
		return !failed;
	read_row(stmt, out);
	sqlite3_reset(stmt);
	return read_intents(store, publisher, out, err);
}

static bool
put_intents(struct store *store, const char *publisher, const struct published *p,
    struct err *err)
{
	for (unsigned i = 0; i < p->intent_count; i++)
		if (!store_finish(store,
		        store_bind(store, SQL_INTENT_PUT, err, "ssss", publisher, p->key,
		            p->intents[i].level, p->intents[i].attributes),
		        err))
			return false;
	return true;
}

bool
store_published_put(struct store *store, const char *publisher, const struct published *p,
    struct err *err)
{
	if (!store_finish(store,
	        store_bind(store, SQL_INTENTS_DELETE, err, "ss", publisher, p->key), err))
		return false;
	if (published_is_empty(p))
		return store_finish(store,
		    store_bind(store, SQL_PUBLISHED_DELETE, err, "ss", publisher, p->key),
		    err);
	return store_finish(store,
	           store_bind(store, SQL_PUBLISHED_PUT, err, "sssiisssss", publisher,
	               p->key, published_state_name(p->state), p->since_ms, p->until_ms,
	               p->id, p->row.level, p->row.attributes, p->modified, p->text),
	           err) &&
	    put_intents(store, publisher, p, err);
}

bool
store_published_forget(struct store *store, const char *publisher, struct err *err)
{
	return store_finish(store,
	           store_bind(store, SQL_PUBLISHED_FORGET, err, "s", publisher), err) &&
	    store_finish(
	        store, store_bind(store, SQL_INTENTS_FORGET, err, "s", publisher), err);
}

static bool
each(struct store *store, sqlite3_stmt *stmt, const char *publisher, published_fn *fn,
    void *context, struct err *err)
{
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		struct published p;

		read_row(stmt, &p);
		if (!read_intents(store, publisher, &p, err)) {
			sqlite3_reset(stmt);
			return false;
		}
		if (!fn(context, &p)) {
			sqlite3_reset(stmt);
			break;
		}
	}
	return !failed;
}

bool
store_each_published(struct store *store, const char *publisher, const char *after,
    int64_t most, published_fn *fn, void *context, struct err *err)
{
	return each(store,
	    store_bind(store, SQL_PUBLISHED_EACH, err, "ssi", publisher, after, most),
	    publisher, fn, context, err);
}

bool
store_each_unlisted(struct store *store, const char *publisher, const char *after,
    int64_t most, published_fn *fn, void *context, struct err *err)
{
	return each(store,
	    store_bind(store, SQL_PUBLISHED_UNLISTED, err, "ssi", publisher, after, most),
	    publisher, fn, context, err);
}

bool
store_each_publisher_of(struct store *store, const char *key, published_by_fn *fn,
    void *context, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_PUBLISHED_OF, err, "s", key);
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		struct published p;

		read_row(stmt, &p);
		fn(context, store_column(stmt, COLUMN_PUBLISHER).p, &p);
	}
	return !failed;
}

bool
store_each_publisher(struct store *store, target_fn *fn, void *context, struct err *err)
{
	return store_each_name(
	    store, store_prepare(store, SQL_PUBLISHERS, err), fn, context, err);
}

bool
store_look_at(struct store *store, const char *key, int64_t at_ms, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_LOOK_AT, err, "is", at_ms, key), err);
}

/* --- a listing --------------------------------------------------------------------- */

/* In a file of SQLite's own, not in memory: a table may have a million rows. */
bool
store_listing_begin(struct store *store, struct err *err)
{
	if (sqlite3_exec(store->db,
	        "CREATE TEMP TABLE IF NOT EXISTS listing (dest TEXT PRIMARY KEY,"
	        " id TEXT NOT NULL, policy TEXT NOT NULL, parameters TEXT NOT NULL,"
	        " active INTEGER NOT NULL, modified TEXT NOT NULL,"
	        " owner TEXT NOT NULL) WITHOUT ROWID",
	        NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(store, err);
	return store_finish(store, store_prepare(store, SQL_LISTING_DELETE, err), err);
}

static void
bind_str(sqlite3_stmt *stmt, int at, struct str text)
{
	sqlite3_bind_text(
	    stmt, at, text.len > 0 ? text.p : "", (int)text.len, SQLITE_STATIC);
}

bool
store_listing_add(
    struct store *store, struct str key, const struct rows_row *row, struct err *err)
{
	sqlite3_stmt *stmt = store_prepare(store, SQL_LISTING_ADD, err);

	if (stmt == NULL)
		return false;
	bind_str(stmt, 1, key);
	bind_str(stmt, 2, row->id);
	bind_str(stmt, 3, row->level);
	bind_str(stmt, 4, row->attributes);
	sqlite3_bind_int(stmt, 5, row->active);
	bind_str(stmt, 6, row->modified);
	bind_str(stmt, 7, row->owner);
	return store_finish(store, stmt, err);
}

/* Appends the column, and a NUL. */
static size_t
keep(sqlite3_stmt *stmt, int at, struct buf *texts)
{
	size_t begin = texts->len;

	buf_add_str(texts, store_column(stmt, at));
	buf_add_char(texts, '\0');
	return begin;
}

/* The texts of a row are copied, as they last no longer than the next step. */
static void
read_listed(sqlite3_stmt *stmt, struct buf *texts, struct rows_row *out)
{
	size_t id, level, attributes, modified, owner;

	buf_reset(texts);
	id = keep(stmt, 0, texts);
	level = keep(stmt, 1, texts);
	attributes = keep(stmt, 2, texts);
	modified = keep(stmt, 4, texts);
	owner = keep(stmt, 5, texts);
	*out = (struct rows_row){
	    .id = str_of(texts->data + id),
	    .level = str_of(texts->data + level),
	    .attributes = str_of(texts->data + attributes),
	    .modified = str_of(texts->data + modified),
	    .owner = str_of(texts->data + owner),
	    .active = sqlite3_column_int(stmt, 3) != 0,
	};
}

bool
store_each_listed(struct store *store, listed_fn *fn, void *context, struct err *err)
{
	sqlite3_stmt *stmt = store_prepare(store, SQL_LISTING_EACH, err);
	struct buf texts = {0}, key = {0};
	bool failed = false, goes_on = true;

	while (stmt != NULL && goes_on && store_step_row(store, stmt, &failed, err)) {
		struct rows_row row;

		buf_reset(&key);
		buf_add_str(&key, store_column(stmt, 6));
		read_listed(stmt, &texts, &row);
		goes_on = fn(context, buf_text(&key), &row);
	}
	if (stmt != NULL && !goes_on)
		sqlite3_reset(stmt);
	buf_clear(&texts);
	buf_clear(&key);
	return stmt != NULL && !failed;
}

bool
store_listing_get(struct store *store, const char *key, struct buf *texts,
    struct rows_row *out, bool *found, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_LISTING_GET, err, "s", key);
	bool failed = false;

	*found = false;
	buf_reset(texts);
	if (stmt == NULL)
		return false;
	if (!store_step_row(store, stmt, &failed, err))
		return !failed;
	*found = true;
	read_listed(stmt, texts, out);
	sqlite3_reset(stmt);
	return true;
}
