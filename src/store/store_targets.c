/* SPDX-License-Identifier: BSD-2-Clause */
/* The version of the entries, and which one is published where. */
#include "store/store_impl.h"

bool
store_map_changed(struct store *store, int64_t *version, struct err *err)
{
	return store_counter_add(store, "map-version", 1, err) &&
	    store_counter_get(store, "map-version", version, err);
}

bool
store_entry_version(struct store *store, int64_t id, int64_t version, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_ENTRY_VERSION, err, "ii", version, id), err);
}

bool
store_target_get(
    struct store *store, const char *name, struct target_state *out, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_TARGET_GET, err, "s", name);
	bool failed = false;

	*out = (struct target_state){0};
	if (stmt == NULL)
		return false;
	if (!store_step_row(store, stmt, &failed, err))
		return !failed;
	out->version = sqlite3_column_int64(stmt, 0);
	out->since_ms = sqlite3_column_int64(stmt, 1);
	sqlite3_reset(stmt);
	return true;
}

bool
store_target_put(struct store *store, const char *name, int64_t version, int64_t now_ms,
    struct err *err)
{
	return store_finish(store,
	    store_bind(store, SQL_TARGET_PUT, err, "sii", name, version, now_ms), err);
}

bool
store_target_forget(struct store *store, const char *name, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_TARGET_FORGET, err, "s", name), err);
}

bool
store_each_target(struct store *store, const char *prefix, target_fn *fn, void *context,
    struct err *err)
{
	return store_each_name(
	    store, store_bind(store, SQL_TARGETS, err, "s", prefix), fn, context, err);
}

#define READ_HERE "read-here" /* blob: the name of a target */

bool
store_read_here(struct store *store, struct buf *name, struct err *err)
{
	buf_reset(name);
	if (!store_blob_get(store, READ_HERE, name, err))
		return false;
	if (name->len == 0)
		buf_printf(name, "%s", STORE_MAP);
	return true;
}

bool
store_read_here_put(struct store *store, const char *name, struct err *err)
{
	return store_blob_put(store, READ_HERE, str_of(name), err);
}

bool
store_map_versions(
    struct store *store, int64_t *version, int64_t *exported, struct err *err)
{
	struct target_state here;
	struct buf name = {0};
	bool done = store_counter_get(store, "map-version", version, err) &&
	    store_read_here(store, &name, err) &&
	    store_target_get(store, buf_text(&name), &here, err);

	buf_clear(&name);
	if (done)
		*exported = here.version;
	return done;
}

bool
store_map_exported(struct store *store, const char *name, int64_t version, int64_t now_ms,
    struct err *err)
{
	return store_target_put(store, name, version, now_ms, err) &&
	    store_finish(
	        store, store_bind(store, SQL_FORCE, err, "ii", now_ms, version), err);
}
