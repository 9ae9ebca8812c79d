/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/schema.h"

/* Statements that do not depend on the columns of a destination. */
enum sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_DATA_VERSION,
	SQL_PENDING,
	SQL_DUE,
	SQL_NEXT_DUE,
	SQL_TALLY_ADD,
	SQL_TALLIES,
	SQL_DECISION_ADD,
	SQL_DECISIONS,
	SQL_WAITING_COUNT,
	SQL_WAITING_ADD,
	SQL_WAITING_RELEASE,
	SQL_WAITING_FORGET,
	SQL_WAITING_DUE,
	SQL_WAITING_NEXT,
	SQL_WAITING_TAKE,
	SQL_WAITING_DONE,
	SQL_WAITING_GIVE_UP,
	SQL_WAITING_SENT,
	SQL_WAITING_GIVE_BACK,
	SQL_WAITING_AGAIN,
	SQL_FORCE,
	SQL_POSITION_GET,
	SQL_POSITION_PUT,
	SQL_COUNTER_ADD,
	SQL_COUNTER_SET,
	SQL_COUNTER_GET,
	SQL_BLOB_PUT,
	SQL_BLOB_GET,
	SQL_THIN_TALLY,
	SQL_THIN_DECISION,
	SQL_HELD,
	SQL_FAILED,
	/* built from the table of columns */
	SQL_GET,
	SQL_GET_ID,
	SQL_INSERT,
	SQL_UPDATE,
	SQL_ENTRIES,
	SQL_TOUCHED,
	SQL_COUNT,
};

static const char *const texts[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_DATA_VERSION] = "PRAGMA data_version",
    [SQL_PENDING] = "SELECT id FROM destination WHERE pending <> 0 ORDER BY deferral_ms LIMIT ?",
    [SQL_DUE] = "SELECT id FROM destination WHERE look_ms <> 0 AND look_ms <= ?"
                " ORDER BY look_ms LIMIT ?",
    [SQL_NEXT_DUE] = "SELECT coalesce(min(look_ms), 0) FROM destination WHERE look_ms <> 0",
    [SQL_TALLY_ADD] = "INSERT INTO tally(destination, day, what, count) VALUES (?, ?, ?, ?)"
                      " ON CONFLICT(destination, day, what)"
                      " DO UPDATE SET count = count + excluded.count",
    [SQL_TALLIES] = "SELECT day, what, count FROM tally WHERE destination = ?"
                    " ORDER BY day, what",
    [SQL_DECISION_ADD] = "INSERT INTO decision(destination, time_ms, action, before, after, why,"
                         " rule, reason, dns_state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_DECISIONS] = "SELECT time_ms, action, before, after, why, rule, reason, dns_state"
                      " FROM decision WHERE destination = ? ORDER BY id",
    [SQL_WAITING_COUNT] = "SELECT count(*) FROM waiting WHERE destination = ?"
                          " AND queue_id <> ?",
    [SQL_WAITING_ADD] = "INSERT INTO waiting(destination, queue_id, time_ms) VALUES (?, ?, ?)"
                        " ON CONFLICT DO UPDATE SET version = 0, tries = 0"
                        " WHERE version < 0",
    [SQL_WAITING_RELEASE] = "UPDATE waiting SET version = ?, not_before_ms = ?, tries = 0"
                            " WHERE destination = ?",
    [SQL_WAITING_FORGET] = "DELETE FROM waiting WHERE destination = ? AND version = 0",
    [SQL_WAITING_DUE] = "SELECT destination, queue_id FROM waiting WHERE version <> 0"
                        " AND version <> -1 AND version <= ? AND not_before_ms <= ?"
                        " ORDER BY destination LIMIT ?",
    [SQL_WAITING_AGAIN] = "SELECT coalesce(min(not_before_ms), 0) FROM waiting"
                          " WHERE version = -2",
    [SQL_WAITING_NEXT] = "SELECT coalesce(min(not_before_ms), 0) FROM waiting"
                         " WHERE version > 0 AND version <= ? AND not_before_ms > ?",
    [SQL_WAITING_TAKE] = "UPDATE waiting SET version = -1 WHERE destination = ?"
                         " AND queue_id = ?",
    [SQL_WAITING_DONE] = "UPDATE waiting SET version = -2, tries = tries + 1,"
                         " not_before_ms = ?3 + CASE tries WHEN 0 THEN 10000 ELSE 60000 END"
                         " WHERE destination = ?1 AND queue_id = ?2 AND version = -1",
    [SQL_WAITING_GIVE_UP] = "DELETE FROM waiting WHERE version = -2 AND tries >= 3",
    [SQL_WAITING_SENT] = "DELETE FROM waiting WHERE destination = ? AND version = -2",
    [SQL_WAITING_GIVE_BACK] = "UPDATE waiting SET version = 1, not_before_ms = ?"
                              " WHERE version = -1",
    /* LADDER_NOT_YET, written out so that the partial index serves */
    [SQL_FORCE] = "UPDATE destination SET force_ms = ?"
                  " WHERE force_ms = 9223372036854775807",
    [SQL_POSITION_GET] = "SELECT device, inode, birth_ns, offset, head_len, head_hash, mark_len,"
                         " mark_hash FROM log_position WHERE path = ?",
    [SQL_POSITION_PUT] = "INSERT OR REPLACE INTO log_position(path, device, inode, birth_ns,"
                         " offset, head_len, head_hash, mark_len, mark_hash)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_COUNTER_ADD] = "INSERT INTO counter(name, value) VALUES (?, ?)"
                        " ON CONFLICT(name) DO UPDATE SET value = value + excluded.value",
    [SQL_COUNTER_SET] = "INSERT OR REPLACE INTO counter(name, value) VALUES (?, ?)",
    [SQL_COUNTER_GET] = "SELECT value FROM counter WHERE name = ?",
    [SQL_BLOB_PUT] = "INSERT OR REPLACE INTO blob(name, value) VALUES (?, ?)",
    [SQL_BLOB_GET] = "SELECT value FROM blob WHERE name = ?",
    [SQL_THIN_TALLY] = "DELETE FROM tally WHERE day < ?",
    [SQL_THIN_DECISION] = "DELETE FROM decision WHERE time_ms < ?",
    [SQL_HELD] = "SELECT count(*) FROM (SELECT 1 FROM destination"
                 " WHERE hold_since_ms >= ? AND hold_since_ms <> 0 LIMIT ?)",
    [SQL_FAILED] = "SELECT count(*) FROM (SELECT 1 FROM destination"
                   " WHERE deferral_ms >= ? AND deferral <> 0 LIMIT ?)",
};

/* --- the columns of a destination -------------------------------------------------- */

enum column_type {
	COLUMN_INT,    /* int64_t */
	COLUMN_COUNT,  /* unsigned, and enums that are stored as numbers */
	COLUMN_BOOL,
	COLUMN_TEXT,   /* char[size] */
	COLUMN_LEVEL,  /* enum level, by its name */
	COLUMN_WHY,    /* enum why, by its slug */
};

struct column {
	const char *name;
	enum column_type type;
	size_t offset;
	size_t size;
};

#define COLUMN(field, type) \
	{#field, type, offsetof(struct destination, field), \
	    sizeof(((struct destination *)0)->field)}

static const struct column columns[] = {
    COLUMN(id, COLUMN_INT),
    COLUMN(key, COLUMN_TEXT),
    COLUMN(entry, COLUMN_LEVEL),
    COLUMN(attributes, COLUMN_TEXT),
    COLUMN(why, COLUMN_WHY),
    COLUMN(entry_why, COLUMN_WHY),
    COLUMN(since_ms, COLUMN_INT),
    COLUMN(force_ms, COLUMN_INT),
    COLUMN(look_ms, COLUMN_INT),
    COLUMN(lease_ms, COLUMN_INT),
    COLUMN(lease_end_ms, COLUMN_INT),
    COLUMN(pinned, COLUMN_BOOL),
    COLUMN(pin_until_ms, COLUMN_INT),
    COLUMN(note, COLUMN_TEXT),
    COLUMN(pending, COLUMN_BOOL),
    COLUMN(deferral, COLUMN_BOOL),
    COLUMN(deferral_ms, COLUMN_INT),
    COLUMN(rule, COLUMN_TEXT),
    COLUMN(reason, COLUMN_TEXT),
    COLUMN(dsn, COLUMN_TEXT),
    COLUMN(service, COLUMN_TEXT),
    COLUMN(lost, COLUMN_BOOL),
    COLUMN(suspended, COLUMN_BOOL),
    COLUMN(policy_refused, COLUMN_BOOL),
    COLUMN(attempt_level, COLUMN_LEVEL),
    COLUMN(relay, COLUMN_TEXT),
    COLUMN(transport, COLUMN_TEXT),
    COLUMN(attempt_ms, COLUMN_INT),
    COLUMN(attempts, COLUMN_COUNT),
    COLUMN(first_attempt_ms, COLUMN_INT),
    COLUMN(last_attempt_ms, COLUMN_INT),
    COLUMN(dns_state, COLUMN_TEXT),
    COLUMN(dns_text, COLUMN_TEXT),
    COLUMN(dns_ms, COLUMN_INT),
    COLUMN(dns_failures, COLUMN_COUNT),
    COLUMN(dns_until_ms, COLUMN_INT),
    COLUMN(dns_signed, COLUMN_BOOL),
    COLUMN(seen_encrypt_ms, COLUMN_INT),
    COLUMN(seen_verify_ms, COLUMN_INT),
    COLUMN(seen_dane_ms, COLUMN_INT),
    COLUMN(sent_ms, COLUMN_INT),
    COLUMN(hold_level, COLUMN_LEVEL),
    COLUMN(hold_since_ms, COLUMN_INT),
    COLUMN(dane_absent_ms, COLUMN_INT),
    COLUMN(trial, COLUMN_LEVEL),
    COLUMN(probe_level, COLUMN_LEVEL),
    COLUMN(probe_works, COLUMN_COUNT),
    COLUMN(probe_clean, COLUMN_COUNT),
    COLUMN(probe_ms, COLUMN_INT),
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

void
destination_init(struct destination *d, const char *key)
{
	*d = (struct destination){.entry = LEVEL_NONE, .hold_level = LEVEL_NONE,
	    .trial = LEVEL_NONE};
	str_copy(str_of(key), d->key, sizeof(d->key));
}

static void
bind_column(sqlite3_stmt *stmt, int at, const struct column *c, const struct destination *d)
{
	const char *field = (const char *)d + c->offset;

	switch (c->type) {
	case COLUMN_INT:
		sqlite3_bind_int64(stmt, at, *(const int64_t *)(const void *)field);
		break;
	case COLUMN_COUNT:
		sqlite3_bind_int64(stmt, at, *(const unsigned *)(const void *)field);
		break;
	case COLUMN_BOOL:
		sqlite3_bind_int(stmt, at, *(const bool *)(const void *)field);
		break;
	case COLUMN_TEXT:
		sqlite3_bind_text(stmt, at, field, -1, SQLITE_STATIC);
		break;
	case COLUMN_LEVEL:
		sqlite3_bind_text(stmt, at,
		    level_name(*(const enum level *)(const void *)field), -1, SQLITE_STATIC);
		break;
	case COLUMN_WHY:
		sqlite3_bind_text(stmt, at, why_slug(*(const enum why *)(const void *)field), -1,
		    SQLITE_STATIC);
		break;
	}
}

static struct str
column_str(sqlite3_stmt *stmt, int at)
{
	const char *text = (const char *)sqlite3_column_text(stmt, at);

	return text != NULL ? (struct str){text, (size_t)sqlite3_column_bytes(stmt, at)} : STR("");
}

static void
read_column(sqlite3_stmt *stmt, int at, const struct column *c, struct destination *d)
{
	char *field = (char *)d + c->offset;

	switch (c->type) {
	case COLUMN_INT:
		*(int64_t *)(void *)field = sqlite3_column_int64(stmt, at);
		break;
	case COLUMN_COUNT:
		*(unsigned *)(void *)field = (unsigned)sqlite3_column_int64(stmt, at);
		break;
	case COLUMN_BOOL:
		*(bool *)(void *)field = sqlite3_column_int(stmt, at) != 0;
		break;
	case COLUMN_TEXT:
		str_copy(column_str(stmt, at), field, c->size);
		break;
	case COLUMN_LEVEL:
		if (!level_parse(column_str(stmt, at), (enum level *)(void *)field))
			*(enum level *)(void *)field = LEVEL_UNKNOWN;
		break;
	case COLUMN_WHY:
		if (!why_parse(column_str(stmt, at), (enum why *)(void *)field))
			*(enum why *)(void *)field = WHY_NONE;
		break;
	}
}

static void
read_destination(sqlite3_stmt *stmt, struct destination *d)
{
	destination_init(d, "");
	for (size_t i = 0; i < COLUMNS; i++)
		read_column(stmt, (int)i, &columns[i], d);
}

static void
add_names(struct buf *sql, size_t from, const char *suffix)
{
	for (size_t i = from; i < COLUMNS; i++)
		buf_printf(sql, "%s%s%s", i > from ? ", " : "", columns[i].name, suffix);
}

static void
build_sql(enum sql which, struct buf *sql)
{
	if (which == SQL_INSERT) {
		buf_printf(sql, "INSERT INTO destination(");
		add_names(sql, 1, "");
		buf_printf(sql, ") VALUES (?");
		for (size_t i = 2; i < COLUMNS; i++)
			buf_printf(sql, ", ?");
		buf_printf(sql, ")");
		return;
	}
	if (which == SQL_UPDATE) {
		buf_printf(sql, "UPDATE destination SET ");
		add_names(sql, 1, " = ?");
		buf_printf(sql, " WHERE id = ?");
		return;
	}
	buf_printf(sql, "SELECT ");
	add_names(sql, 0, "");
	buf_printf(sql, " FROM destination ");
	buf_printf(sql, "%s", which == SQL_GET ? "WHERE key = ?"
	        : which == SQL_GET_ID       ? "WHERE id = ?"
	        : which == SQL_ENTRIES      ? "WHERE entry <> 'none' ORDER BY key"
	        : "WHERE since_ms >= ?1 OR deferral_ms >= ?1 ORDER BY key");
}

/* --- running statements ------------------------------------------------------------ */

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_COUNT];
};

static bool
fail(struct store *store, struct err *err)
{
	return err_set(err, "database: %s", sqlite3_errmsg(store->db));
}

static sqlite3_stmt *
prepare(struct store *store, enum sql which, struct err *err)
{
	struct buf built = {0};
	const char *text = texts[which];

	if (store->statements[which] != NULL)
		return store->statements[which];
	if (text == NULL) {
		build_sql(which, &built);
		text = buf_text(&built);
	}
	if (sqlite3_prepare_v3(store->db, text, -1, SQLITE_PREPARE_PERSISTENT,
		&store->statements[which], NULL) != SQLITE_OK)
		fail(store, err);
	buf_clear(&built);
	return store->statements[which];
}

/*
 * Prepare and bind: format has a letter an argument, i (int64_t) or s (const char *,
 * which must live until the statement is done). NULL: err says why.
 */
static sqlite3_stmt *
bind(struct store *store, enum sql which, struct err *err, const char *format, ...)
{
	sqlite3_stmt *stmt = prepare(store, which, err);
	va_list ap;

	if (stmt == NULL)
		return NULL;
	va_start(ap, format);
	for (int at = 1; *format != '\0'; format++, at++) {
		if (*format == 'i')
			sqlite3_bind_int64(stmt, at, va_arg(ap, int64_t));
		else
			sqlite3_bind_text(stmt, at, va_arg(ap, const char *), -1, SQLITE_STATIC);
	}
	va_end(ap);
	return stmt;
}

/* One step of a statement that gives rows: false and *done at their end. */
static bool
step_row(struct store *store, sqlite3_stmt *stmt, bool *failed, struct err *err)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW)
		return true;
	*failed = rc != SQLITE_DONE;
	if (*failed)
		fail(store, err);
	sqlite3_reset(stmt);
	return false;
}

/* Run a statement that gives no rows. */
static bool
finish(struct store *store, sqlite3_stmt *stmt, struct err *err)
{
	bool done;

	if (stmt == NULL)
		return false;
	done = sqlite3_step(stmt) == SQLITE_DONE;
	if (!done)
		fail(store, err);
	sqlite3_reset(stmt);
	return done;
}

/* One integer from a statement that gives one row; missing: left as it is. */
static bool
finish_int(struct store *store, sqlite3_stmt *stmt, int64_t *out, struct err *err)
{
	bool failed = false;

	if (stmt == NULL)
		return false;
	if (!step_row(store, stmt, &failed, err))
		return !failed;
	*out = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return true;
}

/* --- opening ----------------------------------------------------------------------- */

/*
 * SQLite makes its files as the umask says, which belongs to all threads. Only what was
 * not there is opened here: to close a file is to lose SQLite's locks on it.
 */
static void
create_private(const char *path)
{
	int fd;

	if (strcmp(path, ":memory:") == 0)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd >= 0)
		close(fd);
}

struct store *
store_open(const char *path, int64_t busy_ms, struct err *err)
{
	struct store *store = mem_new(1, sizeof(*store));

	create_private(path);
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
	    SQLITE_OK) {
		err_set(err, "cannot open %s: %s", path, sqlite3_errmsg(store->db));
		store_close(store);
		return NULL;
	}
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_busy_timeout(store->db, (int)busy_ms);
	/* First, so that a file that is not ours stays as it is. */
	if (!schema_upgrade(store->db, path, err)) {
		err_wrap(err, "cannot use %s", path);
		store_close(store);
		return NULL;
	}
	/* WAL with NORMAL: after power loss the last transactions may be gone, position
	 * and effects together, and the log is read again from there. */
	if (sqlite3_exec(store->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", NULL,
		NULL, NULL) != SQLITE_OK) {
		err_set(err, "cannot use %s: %s", path, sqlite3_errmsg(store->db));
		store_close(store);
		return NULL;
	}
	return store;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	free(store);
}

bool
store_load_copy(struct store *store, const char *path, struct err *err)
{
	sqlite3 *from = NULL;
	sqlite3_backup *backup;
	struct stat st;
	bool done;

	if (stat(path, &st) != 0)
		return errno == ENOENT || err_set_errno(err, errno, "cannot read %s", path);
	if (sqlite3_open_v2(path, &from, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
		err_set(err, "cannot read %s: %s", path, sqlite3_errmsg(from));
		sqlite3_close(from);
		return false;
	}
	sqlite3_busy_timeout(from, 10000);
	backup = sqlite3_backup_init(store->db, "main", from, "main");
	done = backup != NULL && sqlite3_backup_step(backup, -1) == SQLITE_DONE;
	if (!done)
		err_set(err, "cannot copy %s: %s", path, sqlite3_errmsg(store->db));
	sqlite3_backup_finish(backup);
	sqlite3_close(from);
	return done && schema_upgrade(store->db, path, err);
}

bool
store_begin(struct store *store, struct err *err)
{
	return finish(store, prepare(store, SQL_BEGIN, err), err);
}

bool
store_commit(struct store *store, struct err *err)
{
	return finish(store, prepare(store, SQL_COMMIT, err), err);
}

void
store_rollback(struct store *store)
{
	if (sqlite3_get_autocommit(store->db) == 0)
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

bool
store_data_version(struct store *store, int64_t *version, struct err *err)
{
	return finish_int(store, prepare(store, SQL_DATA_VERSION, err), version, err);
}

/* --- destinations ------------------------------------------------------------------ */

static bool
get(struct store *store, sqlite3_stmt *stmt, struct destination *out, bool *found,
    struct err *err)
{
	bool failed = false;

	*found = false;
	if (stmt == NULL)
		return false;
	if (!step_row(store, stmt, &failed, err))
		return !failed;
	read_destination(stmt, out);
	*found = true;
	sqlite3_reset(stmt);
	return true;
}

bool
store_get(struct store *store, const char *key, struct destination *out, bool *found,
    struct err *err)
{
	return get(store, bind(store, SQL_GET, err, "s", key), out, found, err);
}

bool
store_get_id(struct store *store, int64_t id, struct destination *out, bool *found,
    struct err *err)
{
	return get(store, bind(store, SQL_GET_ID, err, "i", id), out, found, err);
}

bool
store_put(struct store *store, struct destination *d, struct err *err)
{
	bool is_new = d->id == 0;
	sqlite3_stmt *stmt = prepare(store, is_new ? SQL_INSERT : SQL_UPDATE, err);

	if (stmt == NULL)
		return false;
	for (size_t i = 1; i < COLUMNS; i++)
		bind_column(stmt, (int)i, &columns[i], d);
	if (!is_new)
		sqlite3_bind_int64(stmt, (int)COLUMNS, d->id);
	if (!finish(store, stmt, err))
		return false;
	if (is_new)
		d->id = sqlite3_last_insert_rowid(store->db);
	return true;
}

static bool
read_ids(struct store *store, sqlite3_stmt *stmt, int64_t *ids, size_t max, size_t *count,
    struct err *err)
{
	bool failed = false;

	*count = 0;
	if (stmt == NULL)
		return false;
	while (step_row(store, stmt, &failed, err)) {
		assert(*count < max);
		ids[(*count)++] = sqlite3_column_int64(stmt, 0);
	}
	return !failed;
}

bool
store_pending(struct store *store, int64_t *ids, size_t max, size_t *count, struct err *err)
{
	return read_ids(
	    store, bind(store, SQL_PENDING, err, "i", (int64_t)max), ids, max, count, err);
}

bool
store_due(struct store *store, int64_t now_ms, int64_t *ids, size_t max, size_t *count,
    struct err *err)
{
	return read_ids(store, bind(store, SQL_DUE, err, "ii", now_ms, (int64_t)max), ids, max,
	    count, err);
}

bool
store_next_due(struct store *store, int64_t *at_ms, struct err *err)
{
	return finish_int(store, prepare(store, SQL_NEXT_DUE, err), at_ms, err);
}

static bool
each(struct store *store, sqlite3_stmt *stmt, destination_fn *fn, void *context,
    struct err *err)
{
	struct destination d;
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (step_row(store, stmt, &failed, err)) {
		read_destination(stmt, &d);
		if (!fn(context, &d)) {
			sqlite3_reset(stmt);
			break;
		}
	}
	return !failed;
}

bool
store_each_entry(struct store *store, destination_fn *fn, void *context, struct err *err)
{
	return each(store, prepare(store, SQL_ENTRIES, err), fn, context, err);
}

bool
store_each_touched(struct store *store, int64_t since_ms, destination_fn *fn, void *context,
    struct err *err)
{
	return each(store, bind(store, SQL_TOUCHED, err, "i", since_ms), fn, context, err);
}

/* --- history ----------------------------------------------------------------------- */

bool
store_tally_add(struct store *store, int64_t id, int64_t day, const char *what,
    uint64_t count, struct err *err)
{
	return finish(store,
	    bind(store, SQL_TALLY_ADD, err, "iisi", id, day, what, (int64_t)count), err);
}

bool
store_each_tally(struct store *store, int64_t id, tally_fn *fn, void *context, struct err *err)
{
	sqlite3_stmt *stmt = bind(store, SQL_TALLIES, err, "i", id);
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (step_row(store, stmt, &failed, err))
		fn(context, sqlite3_column_int64(stmt, 0),
		    (const char *)sqlite3_column_text(stmt, 1),
		    (uint64_t)sqlite3_column_int64(stmt, 2));
	return !failed;
}

bool
store_decision_add(struct store *store, const struct decision_record *r, struct err *err)
{
	return finish(store,
	    bind(store, SQL_DECISION_ADD, err, "iisssssss", r->destination, r->time_ms, r->action,
		r->before, r->after, r->why, r->rule, r->reason, r->dns_state),
	    err);
}

bool
store_each_decision(
    struct store *store, int64_t id, decision_fn *fn, void *context, struct err *err)
{
	sqlite3_stmt *stmt = bind(store, SQL_DECISIONS, err, "i", id);
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (step_row(store, stmt, &failed, err)) {
		struct decision_record r = {
		    .destination = id,
		    .time_ms = sqlite3_column_int64(stmt, 0),
		    .action = (const char *)sqlite3_column_text(stmt, 1),
		    .before = (const char *)sqlite3_column_text(stmt, 2),
		    .after = (const char *)sqlite3_column_text(stmt, 3),
		    .why = (const char *)sqlite3_column_text(stmt, 4),
		    .rule = (const char *)sqlite3_column_text(stmt, 5),
		    .reason = (const char *)sqlite3_column_text(stmt, 6),
		    .dns_state = (const char *)sqlite3_column_text(stmt, 7),
		};

		fn(context, &r);
	}
	return !failed;
}

bool
store_thin(struct store *store, int64_t day, struct err *err)
{
	return finish(store, bind(store, SQL_THIN_TALLY, err, "i", day), err) &&
	    finish(store, bind(store, SQL_THIN_DECISION, err, "i", day * 86400000), err);
}

/* --- mail that waits --------------------------------------------------------------- */

bool
store_waiting_add(
    struct store *store, int64_t id, const char *queue_id, int64_t now_ms, struct err *err)
{
	int64_t count = 0;

	if (!finish_int(
		store, bind(store, SQL_WAITING_COUNT, err, "is", id, queue_id), &count, err))
		return false;
	if (count >= STORE_WAITING_MAX)
		return true; /* so many are flushed together, whoever they are */
	return finish(store, bind(store, SQL_WAITING_ADD, err, "isi", id, queue_id, now_ms), err);
}

bool
store_waiting_release(struct store *store, int64_t id, int64_t version,
    int64_t not_before_ms, struct err *err)
{
	return finish(store,
	    bind(store, SQL_WAITING_RELEASE, err, "iii", version, not_before_ms, id), err);
}

bool
store_waiting_forget(struct store *store, int64_t id, struct err *err)
{
	return finish(store, bind(store, SQL_WAITING_FORGET, err, "i", id), err);
}

bool
store_waiting_due(struct store *store, int64_t version, int64_t now_ms, struct waiting *out,
    size_t max, size_t *count, int64_t *next_ms, int64_t *again_ms, struct err *err)
{
	sqlite3_stmt *stmt =
	    bind(store, SQL_WAITING_DUE, err, "iii", version, now_ms, (int64_t)max);
	bool failed = false;

	*count = 0;
	*next_ms = 0;
	*again_ms = 0;
	if (stmt == NULL)
		return false;
	while (step_row(store, stmt, &failed, err)) {
		struct waiting *w = &out[*count];

		w->destination = sqlite3_column_int64(stmt, 0);
		if (str_copy(column_str(stmt, 1), w->queue_id, sizeof(w->queue_id)))
			(*count)++;
	}
	return !failed &&
	    finish_int(store, bind(store, SQL_WAITING_NEXT, err, "ii", version, now_ms), next_ms,
		err) &&
	    finish_int(store, prepare(store, SQL_WAITING_AGAIN, err), again_ms, err);
}

bool
store_waiting_take(
    struct store *store, const struct waiting *taken, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!finish(store,
			bind(store, SQL_WAITING_TAKE, err, "is", taken[i].destination,
			    taken[i].queue_id),
			err))
			return false;
	return true;
}

bool
store_waiting_done(struct store *store, const struct waiting *done, size_t count,
    int64_t now_ms, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!finish(store,
			bind(store, SQL_WAITING_DONE, err, "isi", done[i].destination,
			    done[i].queue_id, now_ms),
			err))
			return false;
	return finish(store, prepare(store, SQL_WAITING_GIVE_UP, err), err);
}

bool
store_waiting_sent(struct store *store, int64_t id, struct err *err)
{
	return finish(store, bind(store, SQL_WAITING_SENT, err, "i", id), err);
}

bool
store_waiting_give_back(struct store *store, int64_t not_before_ms, struct err *err)
{
	return finish(store, bind(store, SQL_WAITING_GIVE_BACK, err, "i", not_before_ms), err);
}

/* --- the map ----------------------------------------------------------------------- */

bool
store_counter_add(struct store *store, const char *name, int64_t add, struct err *err)
{
	return finish(store, bind(store, SQL_COUNTER_ADD, err, "si", name, add), err);
}

bool
store_counter_get(struct store *store, const char *name, int64_t *value, struct err *err)
{
	*value = 0;
	return finish_int(store, bind(store, SQL_COUNTER_GET, err, "s", name), value, err);
}

bool
store_counter_set(struct store *store, const char *name, int64_t value, struct err *err)
{
	return finish(store, bind(store, SQL_COUNTER_SET, err, "si", name, value), err);
}

bool
store_map_changed(struct store *store, int64_t *version, struct err *err)
{
	return store_counter_add(store, "map-version", 1, err) &&
	    store_counter_get(store, "map-version", version, err);
}

bool
store_map_versions(struct store *store, int64_t *version, int64_t *exported, struct err *err)
{
	return store_counter_get(store, "map-version", version, err) &&
	    store_counter_get(store, "map-exported", exported, err);
}

bool
store_map_exported(struct store *store, int64_t version, int64_t now_ms, struct err *err)
{
	int64_t newest = 0;

	if (!store_counter_get(store, "map-version", &newest, err) ||
	    !store_counter_set(store, "map-exported", version, err))
		return false;
	/* Something changed while the map was built: it will be in force with the next. */
	if (newest != version)
		return true;
	return finish(store, bind(store, SQL_FORCE, err, "i", now_ms), err);
}

/* --- log position, blobs ----------------------------------------------------------- */

bool
store_position_get(struct store *store, const char *path, struct follow_position *out,
    bool *found, struct err *err)
{
	sqlite3_stmt *stmt = bind(store, SQL_POSITION_GET, err, "s", path);
	bool failed = false;

	*found = false;
	if (stmt == NULL)
		return false;
	if (!step_row(store, stmt, &failed, err))
		return !failed;
	*out = (struct follow_position){
	    .device = (uint64_t)sqlite3_column_int64(stmt, 0),
	    .inode = (uint64_t)sqlite3_column_int64(stmt, 1),
	    .birth_ns = sqlite3_column_int64(stmt, 2),
	    .offset = (uint64_t)sqlite3_column_int64(stmt, 3),
	    .head_len = (uint32_t)sqlite3_column_int64(stmt, 4),
	    .head_hash = (uint64_t)sqlite3_column_int64(stmt, 5),
	    .mark_len = (uint32_t)sqlite3_column_int64(stmt, 6),
	    .mark_hash = (uint64_t)sqlite3_column_int64(stmt, 7),
	};
	*found = true;
	sqlite3_reset(stmt);
	return true;
}

bool
store_position_put(struct store *store, const char *path, const struct follow_position *p,
    struct err *err)
{
	return finish(store,
	    bind(store, SQL_POSITION_PUT, err, "siiiiiiii", path, (int64_t)p->device,
		(int64_t)p->inode, p->birth_ns, (int64_t)p->offset, (int64_t)p->head_len,
		(int64_t)p->head_hash, (int64_t)p->mark_len, (int64_t)p->mark_hash),
	    err);
}

bool
store_blob_put(struct store *store, const char *name, struct str value, struct err *err)
{
	sqlite3_stmt *stmt = bind(store, SQL_BLOB_PUT, err, "s", name);

	if (stmt == NULL)
		return false;
	sqlite3_bind_blob64(stmt, 2, value.len > 0 ? value.p : "", value.len, SQLITE_STATIC);
	return finish(store, stmt, err);
}

bool
store_blob_get(struct store *store, const char *name, struct buf *out, struct err *err)
{
	sqlite3_stmt *stmt = bind(store, SQL_BLOB_GET, err, "s", name);
	bool failed = false;

	if (stmt == NULL)
		return false;
	if (!step_row(store, stmt, &failed, err))
		return !failed;
	buf_add(out, sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
	sqlite3_reset(stmt);
	return true;
}

bool
store_freeze_counts(struct store *store, int64_t since_ms, int64_t most, int64_t *held,
    int64_t *failed, struct err *err)
{
	return finish_int(store, bind(store, SQL_HELD, err, "ii", since_ms, most), held, err) &&
	    finish_int(store, bind(store, SQL_FAILED, err, "ii", since_ms, most), failed, err);
}
