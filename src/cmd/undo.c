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

/* The last decision that made the entry what it is; texts of their own. */
struct last {
	bool found;
	struct demand before;
	struct demand after;
};

static void
last_clear(struct last *last)
{
	demand_clear(&last->before);
	demand_clear(&last->after);
}

static void
take_decision(void *context, const struct decision_record *record)
{
	struct last *last = context;

	/* What is held is not done. */
	if (strcmp(record->action, "hold") == 0 ||
	    record->before.level == LEVEL_UNKNOWN ||
	    record->after.level == LEVEL_UNKNOWN ||
	    demand_equal(record->before, record->after))
		return;
	last_clear(last);
	*last = (struct last){.found = true,
	    .before = demand_copy(record->before),
	    .after = demand_copy(record->after)};
}

/* A record of an old database (schema 3 and before) has no attributes: its level tells.
 */
static bool
is_the_one(struct demand entry, struct demand after)
{
	return entry.level == after.level &&
	    (demand_equal(entry, after) || demand_attributes(after)[0] == '\0');
}

/* Exactly the entry that stood before, never a guess: what is not recorded stays. */
static bool
choose_before(void *context, struct store *store, struct pin *pin, int *status)
{
	struct last *last = context;
	struct destination d;
	struct err err;
	bool found, done, stands;

	done = store_get(store, pin->key, &d, &found, &err) &&
	    (!found || store_each_decision(store, d.id, take_decision, last, &err));
	stands = last->found && is_the_one(destination_demand(&d), last->after);
	destination_clear(&d);
	if (!done)
		*status = cmd_fail(EX_IOERR, "%s", err.text);
	else if (!stands)
		*status = cmd_fail(
		    EX_DATAERR, "there is no decision on %s to take back", pin->key);
	pin->entry = last->before;
	return done && stands;
}

static void
print_undone(const struct pin *pin, const struct last *last)
{
	struct buf entry = {0};

	demand_print(last->before, &entry);
	printf("%s: %s -> %s for a day\n", pin->key, level_name(last->after.level),
	    buf_text(&entry));
	buf_clear(&entry);
}

static int
run_undo(const struct options *options, int argc, char **argv)
{
	struct pin pin = {.action = PIN_UNDO, .for_ms = UNDONE_FOR_MS};
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
		print_undone(&pin, &last);
		status = cmd_flush();
	}
	last_clear(&last);
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
