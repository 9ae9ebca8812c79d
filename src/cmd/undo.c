/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder undo: the last decision on a destination taken back, for a day or, where it
 * took the place of a pin, for as long as that stands. */
#include "cmd/cmd.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/span.h"
#include "cmd/attribute.h"
#include "cmd/nodes.h"
#include "cmd/pin.h"
#include "cmd/pin_warn.h"
#include "sys/clock.h"

#define UNDONE_FOR_MS SPAN_DAY_MS

/* The last decision that made the entry what it is; texts of their own. */
struct last {
	bool found;
	struct demand before;
	struct demand after;
	struct destination_pin was; /* the pin before; not set: none */
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
	    .after = demand_copy(record->after),
	    .was = {.set = record->was_pinned, .until_ms = record->was_until_ms}};
	str_copy(str_of(record->was_note), last->was.note, sizeof(last->was.note));
}

/* A record of an old database (schema 3 and before) has no attributes: its level tells.
 */
static bool
is_the_one(struct demand entry, struct demand after)
{
	return entry.level == after.level &&
	    (demand_equal(entry, after) || demand_attributes(after)[0] == '\0');
}

static void
choose(const struct last *last, int64_t now_ms, struct pin *pin)
{
	const struct destination_pin *was = &last->was;

	demand_clear(&pin->entry);
	pin->entry = demand_copy(last->before);
	pin->gives_back = was->set && (was->until_ms == 0 || was->until_ms > now_ms);
	pin->until_ms = pin->gives_back ? was->until_ms : now_ms + UNDONE_FOR_MS;
	if (pin->gives_back)
		memcpy(pin->note, was->note, sizeof(pin->note));
}

struct undoing {
	const struct pins *pins;
	const struct postfix_settings *settings; /* empty where Postfix was not asked */
};

/* What this Postfix does not know would stop all mail to the destination. */
static bool
is_known(const struct undoing *u, const struct pin *pin, int *status)
{
	struct buf why = {0};
	bool known = attribute_all_known(
	    demand_attributes(pin->entry), u->settings->version, &why);

	if (!known)
		*status = cmd_fail(EX_DATAERR,
		    "of the entry that %s had before %s is not known to the installed "
		    "Postfix; `tlsladder set %s LEVEL` pins another",
		    pin->nexthop.key, buf_text(&why), pin->nexthop.key);
	buf_clear(&why);
	return known;
}

/* Exactly the entry that stood before, never a guess: what is not recorded stays. */
static bool
choose_before(void *context, struct store *store, struct pin *pin, int *status)
{
	const struct undoing *u = context;
	struct last last = {.found = false};
	struct destination d;
	struct err err;
	bool found = false, done, stands;

	done = store_get(store, pin->nexthop.key, &d, &found, &err) &&
	    (!found || store_each_decision(store, d.id, take_decision, &last, &err));
	stands = done && last.found && is_the_one(destination_demand(&d), last.after);
	destination_clear(&d);
	if (!done)
		*status = cmd_fail(EX_IOERR, "%s", err.text);
	else if (!found)
		*status = cmd_unknown(pin->nexthop.key);
	else if (!stands)
		*status = cmd_fail(EX_DATAERR,
		    "there is no decision on %s to take back; "
		    "`tlsladder explain %s` shows what was decided",
		    pin->nexthop.key, pin->nexthop.key);
	else
		choose(&last, u->pins->now_ms, pin);
	last_clear(&last);
	return stands && is_known(u, pin, status);
}

static int
undo_all(const struct config *config, struct pins *pins)
{
	struct cmd_nodes nodes = {0};
	struct undoing undoing = {pins, &nodes.settings};
	struct err ignored;
	bool asked = cmd_nodes_ask(config, &nodes, &ignored);
	enum level standard = pin_warn_standard(config, asked ? &nodes.settings : NULL);
	int status;

	pins->now_ms = clock_wall_ms();
	status = pins_apply(config, pins, choose_before, &undoing);
	if (status == 0) {
		status = pins_print(pins);
		pin_warn_of_cleartext(config, standard, pins);
		pin_warn_of_policies(
		    config, standard, asked ? &nodes.settings : NULL, pins);
		pin_warn_of_dane(config, standard, pins);
	}
	cmd_nodes_clear(&nodes);
	return status;
}

static int
run_undo(const struct options *options, int argc, char **argv)
{
	struct pins pins = {.action = PIN_UNDO};
	struct config config;
	int status = cmd_no_options(&cmd_undo, argc, argv);

	if (status != 0)
		return status;
	if (optind == argc)
		return cmd_usage(&cmd_undo, "a domain is needed");
	status =
	    pins_add_arguments(&pins, &cmd_undo, argv + optind, (size_t)(argc - optind));
	if (status == 0)
		status = cmd_load(options, &config, NULL);
	if (status == 0) {
		status = undo_all(&config, &pins);
		config_clear(&config);
	}
	pins_clear(&pins);
	return status;
}

const struct command cmd_undo = {
    .name = "undo",
    .usage = "DOMAIN...",
    .summary = "Take the last decision on a destination back",
    .help =
        "The entry becomes what it was before that decision and stays so for a day;\n"
        "then the ladder decides again. \"unset\" ends that earlier. A pin comes back\n"
        "as it was, with its note and its end. All are taken back, or none.\n",
    .run = run_undo,
};
