/* SPDX-License-Identifier: BSD-2-Clause */
/* What is forgotten: old history, and destinations and hosts that nobody uses. */
#include "base/span.h"
#include "store/store_impl.h"

#define DELETED_MAX 100 /* destinations of a slice, each with a history of its own */
#define NAME_SIZE   STORE_HOST_SIZE

bool
store_thin(struct store *store, int64_t day, int64_t waiting_since_ms, struct err *err)
{
	return store_finish(store,
	           store_bind(store, SQL_THIN_WAITING, err, "i", waiting_since_ms),
	           err) &&
	    store_finish(store, store_bind(store, SQL_THIN_MONTH, err, "i", day), err) &&
	    store_finish(store,
	        store_bind(store, SQL_THIN_DECISION, err, "i", day * SPAN_DAY_MS), err);
}

/* Its tallies become part of those of all, then it goes with what is left of it. */
static bool
delete_one(struct store *store, int64_t id, struct err *err)
{
	static const enum sql steps[] = {SQL_IDLE_MONTHS, SQL_IDLE_GRADES,
	    SQL_IDLE_TALLIES, SQL_IDLE_DECISIONS, SQL_IDLE_DELETE};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!store_finish(store, store_bind(store, steps[i], err, "i", id), err))
			return false;
	return true;
}

/* Those that nothing is known of any more, at most DELETED_MAX, oldest first. */
static bool
find_idle(struct store *store, const struct thin_span *span, int64_t last,
    int64_t ids[DELETED_MAX], size_t *count, struct err *err)
{
	return store_finish_ids(store,
	    store_bind(store, SQL_IDLE, err, "iiiiii", span->after, last, span->idle_ms,
	        span->past_ms, span->idle_ms / SPAN_DAY_MS, (int64_t)DELETED_MAX),
	    ids, count, err);
}

bool
store_thin_destinations(
    struct store *store, struct thin_span *span, int64_t most, struct err *err)
{
	static const enum sql thinned[] = {SQL_THIN_GRADES, SQL_THIN_TALLY};
	int64_t ids[DELETED_MAX], last = INT64_MAX;
	size_t count;

	if (!store_finish_int(store,
	        store_bind(store, SQL_THIN_LAST, err, "ii", span->after, most), &last,
	        err) ||
	    !find_idle(store, span, last, ids, &count, err))
		return false;
	if (count == DELETED_MAX)
		last = ids[count - 1];
	for (size_t i = 0; i < count; i++)
		if (!delete_one(store, ids[i], err))
			return false;
	for (size_t i = 0; i < sizeof(thinned) / sizeof(thinned[0]); i++)
		if (!store_finish(store,
		        store_bind(
		            store, thinned[i], err, "iii", span->after, last, span->day),
		        err))
			return false;
	span->after = last;
	return true;
}

bool
store_thin_hosts(struct store *store, int64_t since_ms, const char *kept, char *after,
    size_t size, int64_t most, struct err *err)
{
	sqlite3_stmt *stmt =
	    store_bind(store, SQL_THIN_HOST_LAST, err, "si", after, most);
	char last[NAME_SIZE] = "";
	bool failed = false;

	if (stmt == NULL)
		return false;
	if (store_step_row(store, stmt, &failed, err)) {
		str_copy(store_column(stmt, 0), last, sizeof(last));
		sqlite3_reset(stmt);
	}
	if (failed ||
	    !store_finish(store,
	        store_bind(
	            store, SQL_THIN_HOST, err, "ssis", after, last, since_ms, kept),
	        err))
		return false;
	str_copy(str_of(last), after, size);
	return true;
}
