/* SPDX-License-Identifier: BSD-2-Clause */
/* What list and status show: counts that triggers keep (schema.c, step 12), and
 * destinations with what waits for them. */
#include "base/buf.h"
#include "store/store_impl.h"

#define VIEW_WHY   9 /* behind the columns of an entry */
#define VIEW_WAITS 10
#define VIEW_FIRST 11

static bool
each_count(
    struct store *store, sqlite3_stmt *stmt, count_fn *fn, void *context, struct err *err)
{
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		enum level level = LEVEL_UNKNOWN;
		enum why why = WHY_NONE;

		level_parse(store_column(stmt, 0), &level);
		why_parse(store_column(stmt, 1), &why);
		fn(context, level, why, sqlite3_column_int64(stmt, 2));
	}
	return !failed;
}

bool
store_each_entry_count(struct store *store, count_fn *fn, void *context, struct err *err)
{
	return each_count(
	    store, store_prepare(store, SQL_ENTRY_COUNTS, err), fn, context, err);
}

bool
store_each_waiting_count(
    struct store *store, count_fn *fn, void *context, struct err *err)
{
	return each_count(
	    store, store_prepare(store, SQL_WAITING_COUNTS, err), fn, context, err);
}

bool
store_each_counter(struct store *store, const char *prefix, store_text_fn *fn,
    void *context, struct err *err)
{
	return store_each_text(
	    store, store_bind(store, SQL_COUNTERS, err, "s", prefix), fn, context, err);
}

bool
store_each_policy_count(
    struct store *store, store_text_fn *fn, void *context, struct err *err)
{
	return store_each_text(
	    store, store_prepare(store, SQL_POLICY_COUNTS, err), fn, context, err);
}

static bool
show(sqlite3_stmt *stmt, view_fn *fn, void *context)
{
	struct view view = {.waits = sqlite3_column_int(stmt, VIEW_WAITS) != 0,
	    .first_ms = sqlite3_column_int64(stmt, VIEW_FIRST)};
	enum why last = WHY_NONE;

	store_read_entry(stmt, &view.entry);
	why_parse(store_column(stmt, VIEW_WHY), &last);
	view.why = last != WHY_NONE ? last : view.entry.why;
	return fn(context, &view);
}

static bool
each(struct store *store, sqlite3_stmt *stmt, view_fn *fn, void *context, int64_t *count,
    struct err *err)
{
	bool failed = false;

	*count = 0;
	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		(*count)++;
		if (!show(stmt, fn, context)) {
			sqlite3_reset(stmt);
			break;
		}
	}
	return !failed;
}

bool
store_each_view(
    struct store *store, bool waiting, view_fn *fn, void *context, struct err *err)
{
	int64_t count;

	return each(store,
	    store_prepare(store, waiting ? SQL_VIEWS_WAITING : SQL_VIEWS, err), fn,
	    context, &count, err);
}

bool
store_view(struct store *store, const char *key, view_fn *fn, void *context, bool *found,
    struct err *err)
{
	int64_t count;
	bool done = each(
	    store, store_bind(store, SQL_VIEW, err, "s", key), fn, context, &count, err);

	*found = count > 0;
	return done;
}

/* Its key, into out; nothing: there is none. */
static bool
find_first(struct store *store, struct buf *out, struct err *err)
{
	sqlite3_stmt *stmt = store_prepare(store, SQL_WAITING_NEXT_ARRIVAL, err);
	bool failed = false;

	if (stmt == NULL)
		return false;
	if (store_step_row(store, stmt, &failed, err)) {
		buf_add_str(out, store_column(stmt, 0));
		sqlite3_reset(stmt);
	}
	return !failed;
}

bool
store_view_first(
    struct store *store, view_fn *fn, void *context, bool *found, struct err *err)
{
	struct buf key = {0};
	bool done = find_first(store, &key, err);

	*found = false;
	if (done && key.len > 0)
		done = store_view(store, buf_text(&key), fn, context, found, err);
	buf_clear(&key);
	return done;
}
