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
	char before[STORE_ENTRY_SIZE];
	char after[STORE_ENTRY_SIZE];
};

static void
take_decision(void *context, const struct decision_record *record)
{
	struct last *last = context;

	if (strcmp(record->before, record->after) != 0 && strcmp(record->action, "hold") != 0)
		last->found =
		    str_copy(str_of(record->before), last->before, sizeof(last->before)) &&
		    str_copy(str_of(record->after), last->after, sizeof(last->after));
}

/* "secure match=.example.org"; the attributes are what is behind the blank. */
static bool
parse_entry(const char *text, enum level *level, const char **attributes)
{
	struct str rest = str_of(text), name;

	*attributes = str_cut(&rest, ' ', &name) ? rest.p : "";
	return level_parse(**attributes != '\0' ? name : str_of(text), level);
}

/* Exactly the entry that stood before, never a guess: what is not recorded stays. */
static bool
choose_before(void *context, struct store *store, struct pin *pin, int *status)
{
	struct last *last = context;
	const char *ignored;
	struct destination d;
	enum level after;
	struct err err;
	bool found;

	if (!store_get(store, pin->key, &d, &found, &err) ||
	    (found && !store_each_decision(store, d.id, take_decision, last, &err))) {
		*status = cmd_fail(EX_IOERR, "%s", err.text);
		return false;
	}
	if (!last->found || !parse_entry(last->after, &after, &ignored) || d.entry != after ||
	    !parse_entry(last->before, &pin->level, &pin->attributes)) {
		*status = cmd_fail(
		    EX_DATAERR, "there is no decision on %s to take back", pin->key);
		return false;
	}
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
		printf("%s: %s -> %s for a day\n", pin.key, last.after, last.before);
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
