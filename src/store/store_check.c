/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utc.h"
#include "store/schema.h"
#include "store/store_impl.h"
#include "sys/file.h"

#define BUSY_MS   2000
#define HEAD      "SQLite format 3" /* a file of SQLite begins with it, and its NUL */
#define HEAD_SIZE 16

/* The first bytes of the file itself, read by SQLite: to open and close it would lose the
 * locks that this process has on it. -1: it cannot be read; 0: empty, or in memory. */
static ssize_t
read_head(sqlite3 *db, char head[HEAD_SIZE])
{
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;
	int len;

	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) !=
	        SQLITE_OK ||
	    file == NULL || file->pMethods == NULL)
		return 0;
	if (file->pMethods->xFileSize(file, &size) != SQLITE_OK)
		return -1;
	len = size < HEAD_SIZE ? (int)size : HEAD_SIZE;
	if (len > 0 && file->pMethods->xRead(file, head, len, 0) != SQLITE_OK)
		return -1;
	return len;
}

bool
store_has_head(const struct store *store)
{
	char head[HEAD_SIZE];
	ssize_t len = read_head(store->db, head);

	return len <= 0 || (len == HEAD_SIZE && memcmp(head, HEAD, HEAD_SIZE) == 0);
}

/*
 * A slip in the configuration may name a file that is no database of anybody: that is
 * nothing to set aside. One of ours whose header was destroyed is no text.
 */
static bool
may_be_database(sqlite3 *db)
{
	char head[HEAD_SIZE];
	ssize_t len = read_head(db, head);

	if (len > 0 && memcmp(head, HEAD, (size_t)len) == 0)
		return true; /* what is left of a file that was cut there */
	for (ssize_t i = 0; i < len; i++)
		if ((unsigned char)head[i] >= 0x7f ||
		    ((unsigned char)head[i] < ' ' && head[i] != '\n' && head[i] != '\t'))
			return true;
	return false;
}

static enum answer
answer_of(sqlite3 *db)
{
	int rc = sqlite3_errcode(db) & 0xff;

	return rc == SQLITE_CORRUPT || (rc == SQLITE_NOTADB && may_be_database(db))
	    ? ANSWER_NO
	    : ANSWER_UNSURE;
}

static enum answer
fail(sqlite3 *db, struct err *why)
{
	enum answer answer = answer_of(db);

	store_set_words(db, why);
	return answer;
}

/* The first row of quick_check(1) is "ok", or what is wrong. */
static enum answer
quick_check(sqlite3 *db, struct err *why)
{
	enum answer answer = ANSWER_UNSURE;
	sqlite3_stmt *stmt = NULL;
	const char *text;

	if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL) !=
	        SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW) {
		answer = fail(db, why);
	} else {
		text = (const char *)sqlite3_column_text(stmt, 0);
		answer = text != NULL && strcmp(text, "ok") == 0 ? ANSWER_YES : ANSWER_NO;
		/* Behind a line that names the database. */
		if (text != NULL && strchr(text, '\n') != NULL)
			text = strchr(text, '\n') + 1;
		err_set(why, "%s", text != NULL ? text : "no answer");
	}
	sqlite3_finalize(stmt);
	return answer;
}

/* 0 where it cannot be asked. */
static int
number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int out = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		out = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return out;
}

/* What a connection sees of us. */
struct ours {
	int version;
	int tables; /* two of ours, of which one is enough to know them */
};

static struct ours
ours_in(sqlite3 *db)
{
	return (struct ours){
	    .version = number(db, "PRAGMA user_version"),
	    .tables = number(db,
	        "SELECT count(*) FROM sqlite_master WHERE name IN ('destination', "
	        "'log_place')"),
	};
}

/* The file alone, whatever its -wal says: that may be of another database. */
static struct ours
ours_without_wal(const char *path)
{
	struct ours ours = {0};
	struct buf uri = {0};
	sqlite3 *db = NULL;

	buf_printf(&uri, "file:");
	for (const char *p = path; *p != '\0'; p++)
		if (strchr("?#%", *p) != NULL)
			buf_printf(&uri, "%%%02x", (unsigned char)*p);
		else
			buf_add_char(&uri, *p);
	buf_printf(&uri, "?immutable=1");
	if (sqlite3_open_v2(buf_text(&uri), &db,
	        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
	        NULL) == SQLITE_OK)
		ours = ours_in(db);
	sqlite3_close(db);
	buf_clear(&uri);
	return ours;
}

/* Tables and columns may be gone though all that is left is well formed. */
static enum answer
has_all(const char *path, struct err *why)
{
	struct store *store = store_open(path, BUSY_MS, why);
	enum answer answer = ANSWER_YES;

	if (store == NULL)
		return ANSWER_UNSURE;
	for (size_t i = 0; answer == ANSWER_YES && i < SQL_OF_DATABASE; i++) {
		if (store_prepare(store, (enum sql)i, why) != NULL)
			continue;
		answer = (sqlite3_errcode(store->db) & 0xff) == SQLITE_ERROR
		    ? ANSWER_NO
		    : answer_of(store->db);
	}
	store_close(store);
	return answer;
}

/* It is well formed: is it ours? One of an older version is upgraded when it is opened;
 * one of a newer version, without one (a dump read back has none), or of another program
 * is refused then and left alone. */
static enum answer
is_ours(sqlite3 *db, const char *path, struct err *why)
{
	struct ours ours = ours_in(db), file;

	if (ours.version == schema_version() && ours.tables > 0)
		return has_all(path, why);
	file = ours_without_wal(path);
	if (ours.tables == 0 && file.version == schema_version() && file.tables == 2) {
		err_set(why, "its -wal is of another database");
		return ANSWER_NO;
	}
	if (ours.tables > 0 || ours.version == 0)
		return ANSWER_YES;
	err_set(why, "it is the database of another program");
	return ANSWER_UNSURE;
}

static bool
is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

enum answer
store_check(const char *path, struct err *why)
{
	enum answer answer = ANSWER_YES;
	sqlite3 *db = NULL;

	if (!is_there(path))
		return ANSWER_YES;
	/* Opened for writing: what is in a -wal of a process that was killed counts. */
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
	        NULL) != SQLITE_OK) {
		answer = fail(db, why);
	} else {
		sqlite3_extended_result_codes(db, 1);
		/* A -wal that is not of it must not be written into it. */
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		sqlite3_busy_timeout(db, BUSY_MS);
		answer = quick_check(db, why);
		if (answer == ANSWER_YES)
			answer = is_ours(db, path, why);
	}
	sqlite3_close(db);
	return answer;
}

/* --- setting aside ------------------------------------------------------------------ */

static bool
move(const char *path, const char *suffix, const char *name, struct err *err)
{
	struct buf from = {0}, to = {0};
	bool done;

	buf_printf(&from, "%s%s", path, suffix);
	buf_printf(&to, "%s%s", name, suffix);
	done = rename(buf_text(&from), buf_text(&to)) == 0 || errno == ENOENT ||
	    err_set_errno(
	        err, errno, "cannot rename %s to %s", buf_text(&from), buf_text(&to));
	buf_clear(&from);
	buf_clear(&to);
	return done;
}

/* "20261124T071201Z": a name for a shell, without the colons. */
static void
add_stamp(int64_t now_s, struct buf *name)
{
	char when[UTC_SIZE];

	(void)utc_print(now_s, when);
	for (const char *p = when; *p != '\0'; p++)
		if (*p != '-' && *p != ':')
			buf_add_char(name, *p);
}

bool
store_set_aside(const char *path, int64_t now_s, struct buf *name, struct err *err)
{
	struct buf to = {0}, shm = {0};
	bool done;

	buf_printf(&to, "%s.damaged-", path);
	add_stamp(now_s, &to);
	buf_printf(&shm, "%s-shm", path);
	/* The log first: left behind alone, it would be that of the new database. */
	done = move(path, "-wal", buf_text(&to), err) &&
	    move(path, "", buf_text(&to), err) && file_sync_directory(path, err);
	if (done) {
		unlink(buf_text(&shm)); /* SQLite makes it anew */
		buf_add_str(name, (struct str){buf_text(&to), to.len});
	}
	buf_clear(&to);
	buf_clear(&shm);
	return done;
}

bool
store_salvage_blob(const char *path, const char *name, struct buf *out)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	bool found;

	found = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
	            NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "SELECT value FROM blob WHERE name = ?", -1, &stmt,
	        NULL) == SQLITE_OK &&
	    sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW;
	if (found)
		buf_add(out, sqlite3_column_blob(stmt, 0),
		    (size_t)sqlite3_column_bytes(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return found;
}
