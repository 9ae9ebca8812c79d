/* SPDX-License-Identifier: BSD-2-Clause */
/* Destinations whose mail waits, and what the administrator knows of that. */
#include "store/store_impl.h"

bool
store_waits(struct store *store, int64_t after, struct store_wait *out, size_t max,
    size_t *count, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_WAITS, err, "ii", after, (int64_t)max);
	bool failed = false;

	*count = 0;
	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err))
		out[(*count)++] = (struct store_wait){
		    .destination = sqlite3_column_int64(stmt, 0),
		    .first_ms = sqlite3_column_int64(stmt, 1),
		    .arrival_ms = sqlite3_column_int64(stmt, 2),
		    .failed_ms = sqlite3_column_int64(stmt, 3),
		    .decided_ms = sqlite3_column_int64(stmt, 4),
		    .alerted_ms = sqlite3_column_int64(stmt, 5),
		    .bounce_ms = sqlite3_column_int64(stmt, 6),
		    .is_raised = sqlite3_column_int(stmt, 7) != 0,
		    .is_same = sqlite3_column_int(stmt, 8) != 0,
		    .is_frozen = sqlite3_column_int(stmt, 9) != 0,
		};
	return !failed;
}

bool
store_wait_alerted(struct store *store, int64_t id, const char *why, int64_t now_ms,
    int64_t bounce_ms, struct err *err)
{
	return store_finish(store,
	    store_bind(store, SQL_WAIT_ALERTED, err, "iisi", id, now_ms, why, bounce_ms),
	    err);
}
