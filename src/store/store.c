/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store_impl.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/schema.h"
#include "sys/file.h"

/* For the pages that one batch of lines changes. With less, SQLite writes them before the
 * batch is over, reads them, and writes them again. In KiB, negative by its convention.
 */
#define CACHE_SIZE "-16384"

/* --- running statements ------------------------------------------------------------ */

bool
store_fail(struct store *store, struct err *err)
{
	int rc = sqlite3_errcode(store->db) & 0xff;

	store->met_damage =
	    store->met_damage || rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
	store_set_words(store->db, err);
	return err_wrap(err, "database");
}

sqlite3_stmt *
store_prepare(struct store *store, enum sql which, struct err *err)
{
	struct buf built = {0};
	const char *text =
	    store_sql[which] != NULL ? store_sql[which] : store_sql_sts[which];

	if (store->statements[which] != NULL)
		return store->statements[which];
	if (text == NULL) {
		store_build_sql(which, &built);
		text = buf_text(&built);
	}
	if (sqlite3_prepare_v3(store->db, text, -1, SQLITE_PREPARE_PERSISTENT,
	        &store->statements[which], NULL) != SQLITE_OK)
		store_fail(store, err);
	buf_clear(&built);
	return store->statements[which];
}

sqlite3_stmt *
store_bind(struct store *store, enum sql which, struct err *err, const char *format, ...)
{
	sqlite3_stmt *stmt = store_prepare(store, which, err);
	va_list ap;

	if (stmt == NULL)
		return NULL;
	va_start(ap, format);
	for (int at = 1; *format != '\0'; format++, at++) {
		if (*format == 'i')
			sqlite3_bind_int64(stmt, at, va_arg(ap, int64_t));
		else
			sqlite3_bind_text(
			    stmt, at, va_arg(ap, const char *), -1, SQLITE_STATIC);
	}
	va_end(ap);
	return stmt;
}

bool
store_step_row(struct store *store, sqlite3_stmt *stmt, bool *failed, struct err *err)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW)
		return true;
	*failed = rc != SQLITE_DONE;
	if (*failed)
		store_fail(store, err);
	sqlite3_reset(stmt);
	return false;
}

bool
store_each_text(struct store *store, sqlite3_stmt *stmt, store_text_fn *fn, void *context,
    struct err *err)
{
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err))
		fn(context, sqlite3_column_int64(stmt, 0),
		    (const char *)sqlite3_column_text(stmt, 1));
	return !failed;
}

bool
store_each_name(struct store *store, sqlite3_stmt *stmt, target_fn *fn, void *context,
    struct err *err)
{
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err))
		fn(context, store_column(stmt, 0).p);
	return !failed;
}

bool
store_finish(struct store *store, sqlite3_stmt *stmt, struct err *err)
{
	bool done;

	if (stmt == NULL)
		return false;
	done = sqlite3_step(stmt) == SQLITE_DONE;
	if (!done)
		store_fail(store, err);
	sqlite3_reset(stmt);
	return done;
}

bool
store_finish_int(struct store *store, sqlite3_stmt *stmt, int64_t *out, struct err *err)
{
	bool failed = false;

	if (stmt == NULL)
		return false;
	if (!store_step_row(store, stmt, &failed, err))
		return !failed;
	*out = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return true;
}

bool
store_finish_ids(
    struct store *store, sqlite3_stmt *stmt, int64_t *ids, size_t *count, struct err *err)
{
	bool failed = false;

	*count = 0;
	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err))
		ids[(*count)++] = sqlite3_column_int64(stmt, 0);
	return !failed;
}

struct str
store_column(sqlite3_stmt *stmt, int at)
{
	const char *text = (const char *)sqlite3_column_text(stmt, at);

	return text != NULL ? (struct str){text, (size_t)sqlite3_column_bytes(stmt, at)}
	                    : STR("");
}

/* --- opening ----------------------------------------------------------------------- */

/*
 * SQLite makes its files as the umask says, which belongs to all threads. One that is
 * there is not opened here: to close a file is to lose SQLite's locks on it. If none can
 * be made, SQLite says so.
 */
static void
make_private(const char *path)
{
	struct err ignored;

	if (strcmp(path, ":memory:") != 0)
		file_make(path, 0640, &ignored);
}

/* Is it permitted to write into the directory of path, as SQLite does beside it? */
static bool
may_write_beside(const char *path)
{
	char *directory = file_directory(path);
	bool may = access(directory, W_OK | X_OK) == 0 || errno != EACCES;

	free(directory);
	return may;
}

/* Whose the directory of the state is; NULL: root's, which tells nothing, or nobody's. */
static const char *
owner_of(const char *path)
{
	char *directory = file_directory(path);
	const struct passwd *pw = NULL;
	struct stat st;

	if (stat(directory, &st) == 0 && st.st_uid != 0)
		pw = getpwuid(st.st_uid);
	free(directory);
	return pw != NULL ? pw->pw_name : NULL;
}

/* True: that is what failed. */
static bool
fail_permission(const char *path, const char *verb, struct err *err)
{
	bool may = access(path, R_OK | W_OK) == 0 || errno != EACCES;
	const char *owner;

	if (may && may_write_beside(path))
		return false;
	owner = owner_of(path);
	err_set(err,
	    "cannot %s %s: Permission denied: run it as the user of the daemon%s%s%s",
	    verb, path, owner != NULL ? ": runuser -u " : "", owner != NULL ? owner : "",
	    owner != NULL ? " -- tlsladder ..." : "");
	return true;
}

/* SQLite's words for what the system refuses do not say why. */
static bool
fail_to_open(sqlite3 *db, const char *path, struct err *err)
{
	int errnum = sqlite3_system_errno(db);

	if (fail_permission(path, "open", err))
		return false;
	if (errnum != 0)
		return err_set_errno(err, errnum, "cannot open %s", path);
	return err_set(err, "cannot open %s: %s", path, sqlite3_errmsg(db));
}

/* A version that was refused is no failure of SQLite's; and what was rolled back has left
 * none. */
static enum store_trouble
upgrade_trouble(sqlite3 *db, const char *path)
{
	enum store_trouble trouble = store_trouble_of(db, path);

	if (trouble == STORE_FINE)
		trouble = schema_trouble(db);
	return trouble != STORE_FINE ? trouble : store_trouble_of_disk(path);
}

/* SQLite calls "readonly" what we may not write, and what nobody may. */
static enum store_trouble
fail_to_use(const char *path, enum store_trouble trouble, struct err *err)
{
	if (fail_permission(path, "write", err))
		return STORE_DENIED;
	if (trouble == STORE_READ_ONLY)
		err_set_errno(err, EROFS, "cannot use %s", path);
	else
		err_wrap(err, "cannot use %s", path);
	return trouble;
}

/* WAL with NORMAL: after power loss the last transactions may be gone, position and
 * effects together, and the log is read again from there. */
static enum store_trouble
prepare(sqlite3 *db, const char *path, struct err *err)
{
	enum store_trouble trouble;

	/* First, so that a file that is not ours stays as it is, and a -wal that is not
	 * of it is not written into it. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (!schema_upgrade(db, err)) {
		trouble = upgrade_trouble(db, path);
		return fail_to_use(path, trouble, err);
	}
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	if (sqlite3_exec(db,
	        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
	        "PRAGMA cache_size = " CACHE_SIZE ";",
	        NULL, NULL, NULL) == SQLITE_OK)
		return STORE_FINE;
	trouble = store_trouble_of(db, path);
	store_set_words(db, err);
	return fail_to_use(path, trouble, err);
}

struct store *
store_open_or(
    const char *path, int64_t busy_ms, enum store_trouble *trouble, struct err *err)
{
	struct store *store = mem_new(1, sizeof(*store));

	make_private(path);
	/* Nobody asks how much memory SQLite has, which it would lock each time to count.
	 * Refused where a database was opened before: then it is so already. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	/* One thread uses it: SQLite need not lock it at every call. */
	if (sqlite3_open_v2(path, &store->db,
	        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	        NULL) != SQLITE_OK) {
		*trouble = store_trouble_of(store->db, path);
		fail_to_open(store->db, path, err);
		store_close(store);
		return NULL;
	}
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_busy_timeout(store->db, (int)busy_ms);
	*trouble = prepare(store->db, path, err);
	if (*trouble == STORE_FINE)
		return store;
	store_close(store);
	return NULL;
}

struct store *
store_open(const char *path, int64_t busy_ms, struct err *err)
{
	enum store_trouble ignored;

	return store_open_or(path, busy_ms, &ignored, err);
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

static bool
copy_all(sqlite3 *from, sqlite3 *to, const char *path, struct err *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int rc = backup != NULL ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(to);

	sqlite3_backup_finish(backup);
	return rc == SQLITE_DONE ||
	    (!fail_permission(path, "read", err) &&
	        err_set(err, "cannot copy %s: %s", path, sqlite3_errstr(rc)));
}

bool
store_load_copy(struct store *store, const char *path, struct err *err)
{
	sqlite3 *from = NULL;
	struct stat st;
	bool done;

	if (stat(path, &st) != 0)
		return errno == ENOENT ||
		    (!fail_permission(path, "read", err) &&
		        err_set_errno(err, errno, "cannot read %s", path));
	/* Opened for writing: a connection that only reads cannot remove the -wal and
	 * -shm files that it makes. */
	done = sqlite3_open_v2(path, &from, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK ||
	    fail_to_open(from, path, err);
	if (done) {
		sqlite3_busy_timeout(from, 10000);
		done = copy_all(from, store->db, path, err);
	}
	sqlite3_close(from);
	if (!done)
		return false;
	return schema_upgrade(store->db, err) || err_wrap(err, "cannot use %s", path);
}

bool
store_met_damage(const struct store *store)
{
	return store->met_damage;
}

bool
store_begin(struct store *store, struct err *err)
{
	return store_finish(store, store_prepare(store, SQL_BEGIN, err), err);
}

bool
store_begin_read(struct store *store, struct err *err)
{
	return store_finish(store, store_prepare(store, SQL_BEGIN_READ, err), err);
}

bool
store_commit(struct store *store, struct err *err)
{
	return store_finish(store, store_prepare(store, SQL_COMMIT, err), err);
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
	return store_finish_int(
	    store, store_prepare(store, SQL_DATA_VERSION, err), version, err);
}

/* --- counters ---------------------------------------------------------------------- */

bool
store_counter_add(struct store *store, const char *name, int64_t add, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_COUNTER_ADD, err, "si", name, add), err);
}

bool
store_counter_get(struct store *store, const char *name, int64_t *value, struct err *err)
{
	*value = 0;
	return store_finish_int(
	    store, store_bind(store, SQL_COUNTER_GET, err, "s", name), value, err);
}

bool
store_counter_set(struct store *store, const char *name, int64_t value, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_COUNTER_SET, err, "si", name, value), err);
}

/* --- places in logs, blobs --------------------------------------------------------- */

bool
store_place_get(
    struct store *store, const char *log, struct place *out, bool *found, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_PLACE_GET, err, "s", log);
	bool failed = false;

	*found = false;
	if (stmt == NULL)
		return false;
	if (!store_step_row(store, stmt, &failed, err))
		return !failed;
	str_copy(store_column(stmt, 0), out->kind, sizeof(out->kind));
	str_copy(store_column(stmt, 1), out->text, sizeof(out->text));
	*found = true;
	sqlite3_reset(stmt);
	return true;
}

bool
store_place_put(
    struct store *store, const char *log, const struct place *place, struct err *err)
{
	return store_finish(store,
	    store_bind(store, SQL_PLACE_PUT, err, "sss", log, place->kind, place->text),
	    err);
}

void
store_rest(struct store *store)
{
	sqlite3_db_release_memory(store->db);
}

bool
store_blob_put(struct store *store, const char *name, struct str value, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_BLOB_PUT, err, "s", name);

	if (stmt == NULL)
		return false;
	sqlite3_bind_blob64(
	    stmt, 2, value.len > 0 ? value.p : "", value.len, SQLITE_STATIC);
	return store_finish(store, stmt, err);
}

bool
store_blob_get(struct store *store, const char *name, struct buf *out, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_BLOB_GET, err, "s", name);
	bool failed = false;

	if (stmt == NULL)
		return false;
	if (!store_step_row(store, stmt, &failed, err))
		return !failed;
	buf_add(out, sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
	sqlite3_reset(stmt);
	return true;
}
