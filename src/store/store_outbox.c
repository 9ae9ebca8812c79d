/* SPDX-License-Identifier: BSD-2-Clause */
/* Alerts that are to be mailed: a group of them waits for more. */
#include "store/store_outbox.h"

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
	if (store_begin(store, err) &&
	    store_each_text(store, store_bind(store, SQL_OUTBOX, err, "i", writer), fn,
	        context, err) &&
	    store_finish(
	        store, store_bind(store, SQL_OUTBOX_TAKE, err, "i", writer), err) &&
	    store_commit(store, err))
		return true;
	store_rollback(store);
	return false;
}
