/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store_report.h"

#include "store/store_impl.h"

bool
store_month_add(struct store *store, int64_t day, const char *protection, uint64_t count,
    struct err *err)
{
	return store_finish(store,
	    store_bind(store, SQL_MONTH_ADD, err, "isi", day, protection, (int64_t)count),
	    err);
}

/* Rows of two texts and a number. */
static bool
each(
    struct store *store, sqlite3_stmt *stmt, month_fn *fn, void *context, struct err *err)
{
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err))
		fn(context, store_column(stmt, 0).p, store_column(stmt, 1).p,
		    (uint64_t)sqlite3_column_int64(stmt, 2));
	return !failed;
}

bool
store_each_month(struct store *store, month_fn *fn, void *context, struct err *err)
{
	return each(store, store_prepare(store, SQL_MONTHS, err), fn, context, err);
}

bool
store_each_sent(struct store *store, int64_t first, int64_t end, sent_fn *fn,
    void *context, struct err *err)
{
	return each(store, store_bind(store, SQL_MONTH_SENT, err, "ii", first, end), fn,
	    context, err);
}

bool
store_each_change_between(struct store *store, int64_t from_ms, int64_t until_ms,
    change_fn *fn, void *context, struct err *err)
{
	sqlite3_stmt *stmt =
	    store_bind(store, SQL_CHANGES_BETWEEN, err, "ii", from_ms, until_ms);
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		struct decision_record r = {
		    .time_ms = sqlite3_column_int64(stmt, 1),
		    .action = store_column(stmt, 2).p,
		    .before = store_read_demand(stmt, 3, 6),
		    .after = store_read_demand(stmt, 4, 7),
		    .why = store_column(stmt, 5).p,
		    .rule = "",
		    .reason = "",
		    .dns_state = "",
		};

		fn(context, store_column(stmt, 0).p, &r);
	}
	return !failed;
}
