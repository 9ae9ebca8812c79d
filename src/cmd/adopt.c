/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder adopt: rows of a table that equal entries become ours. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "cmd/page.h"
#include "cmd/tables.h"
#include "publish/table_listing.h"
#include "sys/clock.h"
#include "sys/file.h"

static void
print_rows(const struct publisher *publisher, const struct table_rows *rows)
{
	struct buf out = {0};

	buf_printf(&out, "in the table of %s equal entries, and are somebody else's:\n",
	    publisher->login);
	for (size_t i = 0; i < rows->count; i++) {
		buf_printf(&out, "  ");
		buf_add_visible(&out, str_of(rows->items[i].key));
		buf_printf(&out, "  %s%s%s\n", rows->items[i].row.level,
		    rows->items[i].row.attributes[0] != '\0' ? " " : "",
		    rows->items[i].row.attributes);
	}
	page_print_whole(&out);
	fflush(stdout);
	buf_clear(&out);
}

/* An end of the input is no. */
static bool
is_answered_yes(size_t count)
{
	char answer[16] = "";

	fprintf(stderr, "Take %zu row%s as ours, to be changed and deleted? [y/N] ",
	    count, count == 1 ? "" : "s");
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y');
}

static bool
store_rows(struct store *store, const struct publisher *publisher,
    const struct table_rows *rows, struct err *err)
{
	struct buf name = {0};
	bool done = store_begin(store, err);

	publisher_print_name(publisher, &name);
	for (size_t i = 0; done && i < rows->count; i++)
		done = store_published_put(store, buf_text(&name), &rows->items[i], err);
	buf_clear(&name);
	if (done && store_commit(store, err))
		return true;
	store_rollback(store);
	return false;
}

static int
adopt_rows(const struct publisher *publisher, struct store *store, bool yes)
{
	struct table_rows rows = {.count = 0};
	struct err err;
	int status = 0;

	if (!table_listing_read(publisher, store, 0, &err)) {
		status = cmd_fail(EX_UNAVAILABLE, "%s: %s", publisher->login, err.text);
	} else if (!table_listing_equal(publisher, store, clock_wall_ms(), &rows, &err)) {
		status = cmd_fail(EX_IOERR, "%s", err.text);
	} else if (rows.count == 0) {
		printf("no row of others in the table of %s equals an entry\n",
		    publisher->login);
	} else {
		print_rows(publisher, &rows);
		if (!yes && !is_answered_yes(rows.count))
			printf("they are left alone\n");
		else if (store_rows(store, publisher, &rows, &err))
			printf("they are ours\n");
		else
			status = cmd_fail(EX_IOERR, "%s", err.text);
	}
	table_rows_clear(&rows);
	return status;
}

/* What is listed must be as it was while somebody thinks about it: the daemon waits. */
static int
adopt(const struct config *config, struct store *store, bool yes)
{
	int status = 0;

	if (config->publish.count == 0)
		return cmd_fail(EX_CONFIG,
		    "publish names no table; `man tlsladder.yaml` has an example");
	for (size_t i = 0; i < config->publish.count; i++) {
		struct err err;
		int lock = tables_lock(config, i, &err), one;

		if (lock < 0)
			return cmd_fail(EX_UNAVAILABLE, "%s", err.text);
		one = adopt_rows(&config->publish.items[i], store, yes);
		file_unlock(lock);
		status = one != 0 ? one : status;
	}
	return status;
}

static int
run_adopt(const struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"yes", no_argument, NULL, 'y'}, {NULL, 0, NULL, 0}};
	struct config config;
	struct store *store;
	bool yes = false;
	int option, status;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option != 'y')
			return cmd_wrong_option(&cmd_adopt, option, argv);
		yes = true;
	}
	if (optind != argc)
		return cmd_usage(&cmd_adopt, "it takes no argument");
	status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
	store = cmd_store(&config, false, &status);
	if (store != NULL)
		status = adopt(&config, store, yes);
	store_close(store);
	config_clear(&config);
	return status != 0 ? status : cmd_flush();
}

const struct command cmd_adopt = {
    .name = "adopt",
    .usage = "[--yes]",
    .summary = "Take rows of a table that equal entries as ours",
    .help = "--yes  without asking\n",
    .run = run_adopt,
};
