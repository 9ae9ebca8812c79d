/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_impl.h"

/* What the tallies of a node begin with. */
static void
node_prefix(const char *node, char out[STORE_WHAT_SIZE])
{
	out[0] = '\0';
	if (node[0] != '\0')
		snprintf(out, STORE_WHAT_SIZE, STORE_OF_NODE "%s ", node);
}

void
store_sent_what(const char *node, const char *protection, char out[STORE_WHAT_SIZE])
{
	size_t len;

	node_prefix(node, out);
	len = strlen(out);
	snprintf(out + len, STORE_WHAT_SIZE - len, STORE_SENT "%s", protection);
}

bool
store_month_add(struct store *store, int64_t day, const char *node,
    const char *protection, uint64_t count, struct err *err)
{
	char what[STORE_WHAT_SIZE];

	store_sent_what(node, protection, what);
	return store_finish(store,
	    store_bind(store, SQL_MONTH_ADD, err, "isi", day, what, (int64_t)count), err);
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
store_each_month(
    struct store *store, const char *node, month_fn *fn, void *context, struct err *err)
{
	char prefix[STORE_WHAT_SIZE];

	node_prefix(node, prefix);
	return each(
	    store, store_bind(store, SQL_MONTHS, err, "s", prefix), fn, context, err);
}

bool
store_each_sent(struct store *store, const char *node, int64_t first, int64_t end,
    sent_fn *fn, void *context, struct err *err)
{
	char what[STORE_WHAT_SIZE];

	store_sent_what(node, "", what);
	return each(store,
	    store_bind(store, SQL_MONTH_SENT, err, "iis", first, end, what), fn, context,
	    err);
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

/* The changes of one destination so far. */
struct net {
	char *key; /* NULL: none */
	struct demand before, after;
	enum why why;
};

static void
end_net(struct net *net, net_change_fn *fn, void *context)
{
	if (net->key != NULL)
		fn(context, net->key, net->before, net->after, net->why);
	free(net->key);
	demand_clear(&net->before);
	demand_clear(&net->after);
	*net = (struct net){0};
}

static void
add_net(struct net *net, sqlite3_stmt *stmt, net_change_fn *fn, void *context)
{
	const char *key = store_column(stmt, 0).p;
	struct demand before = store_read_demand(stmt, 1, 4);
	struct demand after = store_read_demand(stmt, 2, 5);

	if (net->key == NULL || strcmp(net->key, key) != 0) {
		end_net(net, fn, context);
		if (demand_equal(before, after))
			return;
		net->key = mem_strdup(key);
		net->before = demand_copy(before);
	}
	if (demand_equal(before, after))
		return;
	demand_clear(&net->after);
	net->after = demand_copy(after);
	net->why = WHY_NONE;
	why_parse(store_column(stmt, 3), &net->why);
}

bool
store_each_net_change(struct store *store, int64_t from_ms, int64_t until_ms,
    net_change_fn *fn, void *context, struct err *err)
{
	sqlite3_stmt *stmt =
	    store_bind(store, SQL_NET_CHANGES, err, "ii", from_ms, until_ms);
	struct net net = {0};
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err))
		add_net(&net, stmt, fn, context);
	end_net(&net, fn, context);
	return !failed;
}

bool
store_each_standing_wait(
    struct store *store, standing_wait_fn *fn, void *context, struct err *err)
{
	sqlite3_stmt *stmt = store_prepare(store, SQL_STANDING_WAITS, err);
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		enum why why = WHY_NONE;

		if (!why_parse(store_column(stmt, 1), &why) || why == WHY_NONE)
			why_parse(store_column(stmt, 2), &why);
		fn(context, store_column(stmt, 0).p, why, sqlite3_column_int64(stmt, 3),
		    sqlite3_column_int64(stmt, 4));
	}
	return !failed;
}

bool
store_each_cleartext(struct store *store, int64_t first, int64_t end,
    int64_t before_first, cleartext_fn *fn, void *context, struct err *err)
{
	sqlite3_stmt *stmt =
	    store_bind(store, SQL_CLEARTEXT_SENT, err, "iii", before_first, first, end);
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err))
		fn(context, store_column(stmt, 0).p,
		    (uint64_t)sqlite3_column_int64(stmt, 1),
		    sqlite3_column_int(stmt, 2) != 0);
	return !failed;
}
