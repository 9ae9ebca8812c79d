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
store_map_versions(
    struct store *store, int64_t *version, int64_t *exported, struct err *err)
{
	struct target_state map;

	if (!store_counter_get(store, "map-version", version, err) ||
	    !store_target_get(store, STORE_MAP, &map, err))
		return false;
	*exported = map.version;
	return true;
}

bool
store_map_exported(struct store *store, int64_t version, int64_t now_ms, struct err *err)
{
	return store_target_put(store, STORE_MAP, version, now_ms, err) &&
	    store_finish(
	        store, store_bind(store, SQL_FORCE, err, "ii", now_ms, version), err);
}
