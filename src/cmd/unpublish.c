/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder unpublish: our rows are taken out of tables that are published to no more. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "publish/table_batch.h"
#include "sys/clock.h"

struct left {
	const struct config *config;
	const char *login; /* this one alone; NULL: all */
	struct publishers publishers;
	bool is_listed; /* the one that was asked for is in publish still */
};

static bool
is_listed(const struct config *config, const struct publisher *publisher)
{
	for (size_t i = 0; i < config->publish.count; i++)
		if (strcmp(config->publish.items[i].sql, publisher->sql) == 0 &&
		    strcmp(config->publish.items[i].login, publisher->login) == 0)
			return true;
	return false;
}

static void
add_publisher(void *context, const char *name)
{
	struct left *left = context;
	struct publisher p;

	if (!publisher_parse_name(str_of(name), &p))
		return;
	left->publishers.items = mem_array(left->publishers.items,
	    left->publishers.count + 1, sizeof(*left->publishers.items));
	left->publishers.items[left->publishers.count++] = p;
}

static bool
forget(struct store *store, const char *name, struct err *err)
{
	if (store_begin(store, err) && store_published_forget(store, name, err) &&
	    store_target_forget(store, name, err) && store_commit(store, err))
		return true;
	store_rollback(store);
	return false;
}

static int
unpublish_one(struct store *store, const struct publisher *publisher)
{
	struct table_batch *batch =
	    table_batch_new(publisher, store, false, clock_wall_ms(), 0);
	struct table_counts counts;
	struct buf name = {0};
	struct err err;
	int status = 0;

	publisher_print_name(publisher, &name);
	table_batch_compares(batch, false);
	if (!table_batch_drop_all(batch, &err) || !table_batch_end(batch, &counts, &err))
		status = cmd_fail(EX_UNAVAILABLE, "%s: %s", publisher->login, err.text);
	else if (counts.busy > 0)
		status = cmd_fail(EX_UNAVAILABLE,
		    "%s: %zu rows are locked by others; try again later",
		    publisher->login, counts.busy);
	else if (!forget(store, buf_text(&name), &err))
		status = cmd_fail(EX_IOERR, "%s", err.text);
	else
		printf("%zu row%s taken out of the table of %s\n", counts.asked,
		    counts.asked == 1 ? "" : "s", publisher->login);
	table_batch_free(batch);
	buf_clear(&name);
	return status;
}

static int
unpublish(struct left *left, struct store *store)
{
	size_t done = 0;
	struct err err;
	int status = 0;

	if (!store_each_publisher(store, add_publisher, left, &err))
		return cmd_fail(EX_IOERR, "%s", err.text);
	for (size_t i = 0; i < left->publishers.count; i++) {
		const struct publisher *p = &left->publishers.items[i];
		int one;

		if (left->login != NULL && strcmp(p->login, left->login) != 0)
			continue;
		if (is_listed(left->config, p)) {
			left->is_listed = true;
			continue;
		}
		one = unpublish_one(store, p);
		status = one != 0 ? one : status;
		done++;
	}
	if (done == 0 && left->is_listed)
		return cmd_fail(EX_CONFIG,
		    "publish still names the table, and the daemon would put its rows "
		    "back; take it out of there first, and restart the daemon");
	if (done == 0)
		printf("no table has rows of ours that publish does not name\n");
	return status;
}

static int
run_unpublish(const struct options *options, int argc, char **argv)
{
	struct left left = {.login = NULL};
	struct config config;
	struct store *store;
	int status = cmd_no_options(&cmd_unpublish, argc, argv);

	if (status != 0)
		return status;
	if (argc - optind > 1)
		return cmd_usage(&cmd_unpublish, "one login file at most");
	if (optind < argc)
		left.login = argv[optind];
	status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
	left.config = &config;
	store = cmd_store(&config, false, &status);
	if (store != NULL)
		status = unpublish(&left, store);
	store_close(store);
	publishers_clear(&left.publishers);
	config_clear(&config);
	return status != 0 ? status : cmd_flush();
}

const struct command cmd_unpublish = {
    .name = "unpublish",
    .usage = "[LOGIN]",
    .summary = "Take our rows out of tables that publish does not name any more",
    .help = "LOGIN  of the table with that login file alone\n",
    .run = run_unpublish,
};
