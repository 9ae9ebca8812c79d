/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder undo: the last decision on a destination taken back for a day. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/span.h"
#include "cmd/pin.h"

#define UNDONE_FOR_MS SPAN_DAY_MS

/* The last decision that made the entry what it is. */
struct last {
	bool found;
	enum level before;
	enum level after;
	char attributes[STORE_ATTRIBUTES_SIZE]; /* before */
};

static void
take_decision(void *context, const struct decision_record *record)
{
	struct last *last = context;
	enum level before, after;

	/* What is held is not done. */
	if (strcmp(record->action, "hold") == 0 ||
	    !level_parse(str_of(record->before), &before) ||
	    !level_parse(str_of(record->after), &after))
		return;
	if (before == after &&
	    strcmp(record->before_attributes, record->after_attributes) == 0)
		return;
	*last = (struct last){.found = true, .before = before, .after = after};
	str_copy(str_of(record->before_attributes), last->attributes,
	    sizeof(last->attributes));
}

/* Exactly the entry that stood before, never a guess: what is not recorded stays. */
static bool
choose_before(void *context, struct store *store, struct pin *pin, int *status)
{
	struct last *last = context;
	struct destination d;
	struct err err;
	bool found;

	if (!store_get(store, pin->key, &d, &found, &err) ||
	    (found && !store_each_decision(store, d.id, take_decision, last, &err))) {
		*status = cmd_fail(EX_IOERR, "%s", err.text);
		return false;
	}
	if (!last->found || d.entry.level != last->after) {
		*status = cmd_fail(
		    EX_DATAERR, "there is no decision on %s to take back", pin->key);
		return false;
	}
	pin->level = last->before;
	pin->attributes = last->attributes;
	return true;
}

static int
run_undo(const struct options *options, int argc, char **argv)
{
	struct pin pin = {.pinned = true,
	    .for_ms = UNDONE_FOR_MS,
	    .attributes = "",
	    .note = "",
	    .why = WHY_UNDONE,
	    .action = "undo"};
	struct last last = {0};
	struct nexthop nexthop;
	struct config config;
	int status;

	status = cmd_no_options(&cmd_undo, argc, argv);
	if (status != 0)
		return status;
	if (argc - optind != 1)
		return cmd_usage(&cmd_undo, "one domain is needed");
	if (!cmd_nexthop(&cmd_undo, argv[optind], &nexthop))
		return EX_USAGE;
	status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
	pin.key = nexthop.key;
	status = pin_apply(&config, &pin, choose_before, &last);
	if (status == 0) {
		printf("%s: %s -> %s%s%s for a day\n", pin.key, level_name(last.after),
		    level_name(last.before), last.attributes[0] != '\0' ? " " : "",
		    last.attributes);
		status = cmd_flush();
	}
	config_clear(&config);
	return status;
}

const struct command cmd_undo = {
    .name = "undo",
    .usage = "DOMAIN",
    .summary = "Take the last decision on a destination back for a day",
    .help = "The entry becomes what it was before that decision and stays so for a day;\n"
            "then the ladder decides again. \"unset\" ends that earlier.\n",
    .run = run_undo,
};
