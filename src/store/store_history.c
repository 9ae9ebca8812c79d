/* SPDX-License-Identifier: BSD-2-Clause */
/* What happened: tallies by day, decisions. */
#include <stdio.h>
#include <string.h>

#include "core/covered.h"
#include "store/store_impl.h"

#define ATTRIBUTES_MAX 1024 /* octets, of an entry that stands no more */

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

/* Of attributes of any length: themselves, or what tells them from others. */
struct kept {
	char text[64];
};

static const char *
shorten(const char *attributes, struct kept *kept)
{
	struct str text = str_of(attributes);

	if (text.len <= ATTRIBUTES_MAX)
		return attributes;
	snprintf(kept->text, sizeof(kept->text), "(%zu octets, %016llx)", text.len,
	    (unsigned long long)covered_hash(text));
	return kept->text;
}

/* undo needs the last decision that changed the entry. Of an owner that changes a policy
 * of a thousand names each five minutes the others would fill the disk. */
static bool
is_whole(const struct decision_record *r)
{
	return strcmp(r->action, "hold") != 0 && !demand_equal(r->before, r->after);
}

static bool
shorten_one(struct store *store, int64_t destination, bool *found, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(
	    store, SQL_DECISION_LONG, err, "ii", destination, (int64_t)ATTRIBUTES_MAX);
	struct kept before = {""}, after = {""};
	bool failed = false, done;
	int64_t id;

	*found = stmt != NULL && store_step_row(store, stmt, &failed, err);
	if (!*found)
		return stmt != NULL && !failed;
	id = sqlite3_column_int64(stmt, 0);
	done = store_finish(store,
	    store_bind(store, SQL_DECISION_SHORTEN, err, "iss", id,
	        shorten((const char *)sqlite3_column_text(stmt, 1), &before),
	        shorten((const char *)sqlite3_column_text(stmt, 2), &after)),
	    err);
	sqlite3_reset(stmt);
	return done;
}

static bool
shorten_others(struct store *store, int64_t destination, struct err *err)
{
	bool found = true;

	while (found)
		if (!shorten_one(store, destination, &found, err))
			return false;
	return true;
}

bool
store_decision_add(struct store *store, const struct decision_record *r, struct err *err)
{
	const char *before = demand_attributes(r->before);
	const char *after = demand_attributes(r->after);
	struct kept kept_before, kept_after;
	bool whole = is_whole(r);

	return store_finish(store,
	           store_bind(store, SQL_DECISION_ADD, err, "iisssssssssiis",
	               r->destination, r->time_ms, r->action, level_name(r->before.level),
	               level_name(r->after.level), r->why, r->rule, r->reason,
	               r->dns_state, whole ? before : shorten(before, &kept_before),
	               whole ? after : shorten(after, &kept_after),
	               (int64_t)r->was_pinned, r->was_until_ms,
	               r->was_note != NULL ? r->was_note : ""),
	           err) &&
	    (!whole || shorten_others(store, r->destination, err)) &&
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
