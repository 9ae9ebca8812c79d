/* SPDX-License-Identifier: BSD-2-Clause */
/* MX hosts: what they did, whichever destinations have them. */
#include "store/store_impl.h"

#define PARENT_SIZE 256

bool
store_host_add(struct store *store, const char *name, uint16_t port,
    const struct host_past *news, struct err *err)
{
	char parent[PARENT_SIZE] = "";

	str_copy(host_parent(str_of(name)), parent, sizeof(parent));
	return store_finish(store,
	    store_bind(store, SQL_HOST_ADD, err, "sisiiiii", name, (int64_t)port, parent,
	        news->encrypt_ms, news->verify_ms, news->dane_ms, news->proven_ms,
	        news->failed_ms),
	    err);
}

bool
store_host_get(struct store *store, const char *name, uint16_t port,
    struct host_past *out, struct err *err)
{
	sqlite3_stmt *stmt =
	    store_bind(store, SQL_HOST_GET, err, "si", name, (int64_t)port);
	bool failed = false;

	*out = (struct host_past){0};
	if (stmt == NULL)
		return false;
	if (!store_step_row(store, stmt, &failed, err))
		return !failed;
	*out = (struct host_past){
	    .encrypt_ms = sqlite3_column_int64(stmt, 0),
	    .verify_ms = sqlite3_column_int64(stmt, 1),
	    .dane_ms = sqlite3_column_int64(stmt, 2),
	    .proven_ms = sqlite3_column_int64(stmt, 3),
	    .failed_ms = sqlite3_column_int64(stmt, 4),
	};
	sqlite3_reset(stmt);
	return true;
}

bool
store_each_verified(struct store *store, bool proven, int64_t since_ms, int64_t most,
    host_fn *fn, void *context, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store,
	    proven ? SQL_HOST_PROVEN : SQL_HOST_VERIFIED, err, "ii", since_ms, most);
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		if (!fn(context, (const char *)sqlite3_column_text(stmt, 0),
		        (uint16_t)sqlite3_column_int64(stmt, 1))) {
			sqlite3_reset(stmt);
			break;
		}
	}
	return !failed;
}

bool
store_thin_hosts(struct store *store, int64_t since_ms, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_THIN_HOST, err, "i", since_ms), err);
}
