/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder list: the entries. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

struct list {
	bool json;
	size_t width;
	struct buf out;
};

static void
add_value(struct buf *out, const struct entry *d)
{
	buf_printf(out, "%s", level_label(d->level));
	if (d->attributes[0] != '\0')
		buf_printf(out, " %s", d->attributes);
}

static void
print_json(struct buf *out, const struct entry *d)
{
	buf_printf(out, "{\"destination\":");
	buf_add_json(out, str_of(d->key));
	buf_printf(out, ",\"level\":\"%s\",\"attributes\":", level_name(d->level));
	buf_add_json(out, str_of(d->attributes));
	buf_printf(out, ",\"why\":\"%s\",\"since\":", why_slug(d->why));
	buf_add_json_time(out, d->since_ms);
	buf_printf(out, ",\"look_again\":");
	buf_add_json_time(out, d->look_ms);
	buf_printf(out, ",\"pinned\":%s,\"note\":", d->pinned ? "true" : "false");
	buf_add_json(out, str_of(d->note));
	buf_printf(out, "}\n");
}

static bool
print_entry(void *context, const struct entry *d)
{
	struct list *list = context;
	struct buf value = {0};

	if (list->json) {
		print_json(&list->out, d);
		return true;
	}
	add_value(&value, d);
	buf_printf(&list->out, "%-30s  %-16s  %-14s  ", d->key, buf_text(&value),
	    why_slug(d->why));
	buf_add_time(&list->out, d->since_ms);
	buf_printf(&list->out, "  ");
	buf_add_time(&list->out, d->look_ms);
	buf_add_char(&list->out, '\n');
	buf_clear(&value);
	return true;
}

static int
run_list(const struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	struct list list = {0};
	struct config config;
	struct store *store;
	struct err err;
	int option, status;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option != 'j')
			return cmd_wrong_option(&cmd_list, option, argv);
		list.json = true;
	}
	if (optind < argc)
		return cmd_usage(&cmd_list, "no argument is expected");
	status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
	store = cmd_store(&config, false, &status);
	if (store != NULL) {
		if (!list.json)
			buf_printf(&list.out, "%-30s  %-16s  %-14s  %-19s  %s\n",
			    "DESTINATION", "LEVEL", "WHY", "SINCE", "LOOK AGAIN");
		if (store_each_entry(store, print_entry, &list, &err)) {
			fwrite(buf_text(&list.out), 1, list.out.len, stdout);
			status = cmd_flush();
		} else {
			status = cmd_fail(EX_IOERR, "%s", err.text);
		}
	}
	buf_clear(&list.out);
	store_close(store);
	config_clear(&config);
	return status;
}

const struct command cmd_list = {
    .name = "list",
    .usage = "[--json]",
    .summary = "Show the entries: destination, level, why, since, look again",
    .run = run_list,
};
