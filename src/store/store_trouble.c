/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store_trouble.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "store/store_impl.h"
#include "sys/disk.h"

/* What the system refused, where SQLite knows it; 0: nothing. */
static int
refused(sqlite3 *db)
{
	int rc = sqlite3_errcode(db) & 0xff;

	return rc == SQLITE_IOERR || rc == SQLITE_CANTOPEN ? sqlite3_system_errno(db) : 0;
}

bool
store_set_words(sqlite3 *db, struct err *err)
{
	int errnum = refused(db);

	return errnum != 0 ? err_set_errno(err, errnum, "%s", sqlite3_errmsg(db))
	                   : err_set(err, "%s", sqlite3_errmsg(db));
}

static enum store_trouble
of_system(int errnum, const char *path)
{
	if (errnum == ENOSPC || errnum == EDQUOT || disk_is_full(path))
		return STORE_FULL;
	if (errnum == EROFS || disk_is_read_only(path))
		return STORE_READ_ONLY;
	return errnum == EACCES || errnum == EPERM ? STORE_DENIED : STORE_BROKEN;
}

enum store_trouble
store_trouble_of_disk(const char *path)
{
	return of_system(0, path);
}

enum store_trouble
store_trouble_of(sqlite3 *db, const char *path)
{
	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return STORE_FINE;
	case SQLITE_FULL:
		return STORE_FULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return STORE_LOCKED;
	case SQLITE_CORRUPT:
		return STORE_MALFORMED;
	case SQLITE_NOTADB:
		return STORE_FOREIGN;
	case SQLITE_READONLY:
		return disk_is_read_only(path) ? STORE_READ_ONLY : STORE_DENIED;
	default:
		return of_system(refused(db), path);
	}
}

enum store_trouble
store_trouble(const char *path, int64_t busy_ms, struct err *why)
{
	enum store_trouble trouble;
	struct store *store = store_open_or(path, busy_ms, &trouble, why);

	if (store == NULL)
		return trouble;
	if (!store_begin(store, why)) {
		trouble = store_trouble_of(store->db, path);
		if (trouble == STORE_READ_ONLY)
			err_set_errno(why, EROFS, "%s", path);
		else
			err_wrap(why, "%s", path);
	}
	store_rollback(store);
	store_close(store);
	if (trouble != STORE_FINE || !disk_is_full(path))
		return trouble;
	err_set_errno(why, ENOSPC, "%s", path);
	return STORE_FULL;
}

bool
store_trouble_passes(enum store_trouble trouble)
{
	return trouble == STORE_FULL || trouble == STORE_READ_ONLY ||
	    trouble == STORE_LOCKED;
}
