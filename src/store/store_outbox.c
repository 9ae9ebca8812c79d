/* SPDX-License-Identifier: BSD-2-Clause */
/* Alerts that are to be mailed: a group of them waits for more. */
#include "store/store_impl.h"

bool
store_outbox_add(
    struct store *store, int64_t writer, const char *line, int64_t *id, struct err *err)
{
	if (!store_finish(
	        store, store_bind(store, SQL_OUTBOX_ADD, err, "is", writer, line), err))
		return false;
	*id = sqlite3_last_insert_rowid(store->db);
	return true;
}

bool
store_outbox_sent(struct store *store, int64_t writer, int64_t id, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_OUTBOX_SENT, err, "ii", writer, id), err);
}

bool
store_outbox_take(
    struct store *store, int64_t writer, outbox_fn *fn, void *context, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_OUTBOX, err, "i", writer);
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err))
		fn(context, sqlite3_column_int64(stmt, 0),
		    (const char *)sqlite3_column_text(stmt, 1));
	return !failed &&
	    store_finish(
	        store, store_bind(store, SQL_OUTBOX_TAKE, err, "i", writer), err);
}
