/* SPDX-License-Identifier: BSD-2-Clause */
/* The entries alone: of a destination, the few columns that the map is made of. */
#include "store/store_impl.h"

void
store_read_entry(sqlite3_stmt *stmt, struct entry *out)
{
	bool pinned = sqlite3_column_int(stmt, 5) != 0;

	*out = (struct entry){
	    .key = store_column(stmt, 0).p,
	    .attributes = store_column(stmt, 2).p,
	    .note = store_column(stmt, 4).p,
	    .pinned = pinned,
	    .since_ms = sqlite3_column_int64(stmt, 7),
	    .look_ms = sqlite3_column_int64(stmt, pinned ? 6 : 8),
	};
	if (!level_parse(store_column(stmt, 1), &out->level))
		out->level = LEVEL_UNKNOWN;
	if (!why_parse(store_column(stmt, 3), &out->why))
		out->why = WHY_NONE;
}

static bool
each(
    struct store *store, sqlite3_stmt *stmt, entry_fn *fn, void *context, struct err *err)
{
	struct entry entry;
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		store_read_entry(stmt, &entry);
		if (!fn(context, &entry)) {
			sqlite3_reset(stmt);
			break;
		}
	}
	return !failed;
}

bool
store_each_entry(struct store *store, entry_fn *fn, void *context, struct err *err)
{
	return each(store, store_prepare(store, SQL_ENTRIES, err), fn, context, err);
}

bool
store_each_entry_after(
    struct store *store, const char *after, entry_fn *fn, void *context, struct err *err)
{
	return each(store, store_bind(store, SQL_ENTRIES_AFTER, err, "s", after), fn,
	    context, err);
}

bool
store_each_parent(struct store *store, entry_fn *fn, void *context, struct err *err)
{
	return each(store, store_prepare(store, SQL_PARENTS, err), fn, context, err);
}

bool
store_each_change(
    struct store *store, int64_t version, entry_fn *fn, void *context, struct err *err)
{
	return each(
	    store, store_bind(store, SQL_CHANGES, err, "i", version), fn, context, err);
}

/* Kept by triggers: counting a million of them takes longer than to change one. */
bool
store_entry_count(struct store *store, int64_t *count, struct err *err)
{
	*count = 0;
	return store_finish_int(
	    store, store_prepare(store, SQL_ENTRY_COUNT, err), count, err);
}
