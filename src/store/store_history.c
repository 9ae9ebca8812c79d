/* SPDX-License-Identifier: BSD-2-Clause */
/* What happened: tallies by day, decisions. */
#include "store/store_impl.h"

bool
store_tally_add(struct store *store, int64_t id, int64_t day, const char *what,
    uint64_t count, struct err *err)
{
	return store_finish(store,
	    store_bind(store, SQL_TALLY_ADD, err, "iisi", id, day, what, (int64_t)count),
	    err);
}

bool
store_each_tally(
    struct store *store, int64_t id, tally_fn *fn, void *context, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_TALLIES, err, "i", id);
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err))
		fn(context, sqlite3_column_int64(stmt, 0),
		    (const char *)sqlite3_column_text(stmt, 1),
		    (uint64_t)sqlite3_column_int64(stmt, 2));
	return !failed;
}

bool
store_decision_add(struct store *store, const struct decision_record *r, struct err *err)
{
	return store_finish(store,
	           store_bind(store, SQL_DECISION_ADD, err, "iisssssssssiis",
	               r->destination, r->time_ms, r->action, level_name(r->before.level),
	               level_name(r->after.level), r->why, r->rule, r->reason,
	               r->dns_state, demand_attributes(r->before),
	               demand_attributes(r->after), (int64_t)r->was_pinned,
	               r->was_until_ms, r->was_note != NULL ? r->was_note : ""),
	           err) &&
	    store_finish(store,
	        store_bind(store, SQL_DECISION_FORGET, err, "ii", r->destination,
	            (int64_t)STORE_KEEPS_MAX),
	        err);
}

struct demand
store_read_demand(sqlite3_stmt *stmt, int level, int attributes)
{
	struct demand demand = {
	    .attributes = (const char *)sqlite3_column_text(stmt, attributes)};

	if (!level_parse(store_column(stmt, level), &demand.level))
		demand.level = LEVEL_UNKNOWN;
	return demand;
}

bool
store_each_decision(
    struct store *store, int64_t id, decision_fn *fn, void *context, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_DECISIONS, err, "i", id);
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		struct decision_record r = {
		    .destination = id,
		    .time_ms = sqlite3_column_int64(stmt, 0),
		    .action = (const char *)sqlite3_column_text(stmt, 1),
		    .before = store_read_demand(stmt, 2, 8),
		    .after = store_read_demand(stmt, 3, 9),
		    .why = (const char *)sqlite3_column_text(stmt, 4),
		    .rule = (const char *)sqlite3_column_text(stmt, 5),
		    .reason = (const char *)sqlite3_column_text(stmt, 6),
		    .dns_state = (const char *)sqlite3_column_text(stmt, 7),
		    .was_pinned = sqlite3_column_int64(stmt, 10) != 0,
		    .was_until_ms = sqlite3_column_int64(stmt, 11),
		    .was_note = (const char *)sqlite3_column_text(stmt, 12),
		};

		fn(context, &r);
	}
	return !failed;
}
