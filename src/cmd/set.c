/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder set: pins, entries that tlsladder never changes. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/span.h"
#include "cmd/nodes.h"
#include "cmd/pin_file.h"
#include "cmd/pin_warn.h"
#include "sys/clock.h"

/* The command line. */
struct order {
	int64_t for_ms;   /* 0: for good */
	const char *note; /* NULL: none */
	const char *from; /* the file; NULL: none */
	char **words;     /* DOMAIN... LEVEL [ATTR=VALUE]... */
	size_t count;
	size_t level_at; /* where the level stands in them */
	enum level level;
};

static int
read_options(int argc, char **argv, struct order *order)
{
	static const struct option longs[] = {{"for", required_argument, NULL, 'f'},
	    {"note", required_argument, NULL, 'n'},
	    {"from", required_argument, NULL, 'F'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option == 'f') {
			if (!span_parse(str_of(optarg), &order->for_ms) ||
			    order->for_ms == 0)
				return cmd_usage(&cmd_set,
				    "--for wants a time like 90s, 10m, 6h, 7d or 2w");
		} else if (option == 'n') {
			order->note = optarg;
		} else if (option == 'F') {
			order->from = optarg;
		} else {
			return cmd_wrong_option(&cmd_set, option, argv);
		}
	}
	order->words = argv + optind;
	order->count = (size_t)(argc - optind);
	return 0;
}

/* The level is the first word behind a domain that can be one. */
static int
find_level(struct order *order)
{
	struct buf why = {0}, ignored = {0};
	size_t last = 0, i;

	if (order->count < 2)
		return cmd_usage(&cmd_set, "a domain and a level are needed");
	for (i = 1; i < order->count; i++) {
		if (strchr(order->words[i], '=') == NULL)
			last = i;
		if (pin_read_level(order->words[i], &order->level, &ignored))
			break;
	}
	buf_clear(&ignored);
	order->level_at = i;
	if (i < order->count)
		return 0;
	if (last == 0)
		return cmd_usage(&cmd_set, "a level is needed before the attributes");
	pin_read_level(order->words[last], &order->level, &why);
	cmd_usage(&cmd_set, "\"%s\" %s", order->words[last], buf_text(&why));
	buf_clear(&why);
	return EX_USAGE;
}

static int
read_arguments(int argc, char **argv, struct order *order, struct pins *pins)
{
	int status = read_options(argc, argv, order);

	if (status != 0)
		return status;
	if (order->note != NULL && strlen(order->note) >= sizeof(((struct pin *)0)->note))
		return cmd_usage(&cmd_set,
		    "the note is too long: %zu bytes, and %zu are kept",
		    strlen(order->note), sizeof(((struct pin *)0)->note) - 1);
	if (order->from != NULL)
		return order->count == 0
		    ? 0
		    : cmd_usage(&cmd_set, "with --from no destination is expected");
	status = find_level(order);
	if (status != 0)
		return status;
	return pins_add_arguments(pins, &cmd_set, order->words, order->level_at);
}

/* What the words say of the entry. settings: of no version where Postfix could not be
 * asked. */
static int
read_entries(
    const struct order *order, const struct postfix_settings *settings, struct pins *pins)
{
	char *const *words = order->words + order->level_at + 1;
	struct buf attributes = {0}, why = {0};
	int status = 0;

	if (order->from != NULL)
		return pin_read_file(order->from, settings->version, pins);
	if (!pin_read_attributes(words, order->count - order->level_at - 1, order->level,
	        settings->version, &attributes, &why))
		status = cmd_usage(&cmd_set, "%s", buf_text(&why));
	for (size_t i = 0; i < pins->count && status == 0; i++)
		pins->items[i].entry =
		    demand_copy((struct demand){order->level, buf_text(&attributes)});
	buf_clear(&attributes);
	buf_clear(&why);
	return status;
}

static bool
has_attributes(const struct order *order, const struct pins *pins)
{
	bool has = order->from == NULL && order->level_at + 1 < order->count;

	for (size_t i = 0; i < pins->count && order->from != NULL; i++)
		has = has || demand_attributes(pins->items[i].entry)[0] != '\0';
	return has;
}

static int
set_all(const struct order *order, const struct config *config, struct pins *pins)
{
	struct cmd_nodes nodes = {0};
	struct err err;
	bool asked = cmd_nodes_ask(config, &nodes, &err);
	enum level standard = pin_warn_standard(config, asked ? &nodes.settings : NULL);
	int status = read_entries(order, &nodes.settings, pins);

	pins->now_ms = clock_wall_ms();
	for (size_t i = 0; i < pins->count; i++) {
		struct pin *pin = &pins->items[i];

		pin->until_ms = order->for_ms > 0 ? pins->now_ms + order->for_ms : 0;
		if (order->note != NULL)
			str_copy(str_of(order->note), pin->note, sizeof(pin->note));
	}
	if (status == 0 && !asked && has_attributes(order, pins))
		cmd_warn("cannot check the attributes: %s; Postfix will say it if it "
		         "does not know one",
		    err.text);
	if (status == 0 && asked)
		pin_warn_of_passwords(&nodes, pins);
	if (status == 0)
		status = pins_apply(config, pins, NULL, NULL);
	if (status == 0) {
		status = pins_print(pins);
		pin_warn_of_policies(
		    config, standard, asked ? &nodes.settings : NULL, pins);
		pin_warn_of_dane(config, standard, pins);
	}
	cmd_nodes_clear(&nodes);
	return status;
}

static int
run_set(const struct options *options, int argc, char **argv)
{
	struct pins pins = {.action = PIN_SET};
	struct order order = {.level = LEVEL_UNKNOWN};
	struct config config;
	int status = read_arguments(argc, argv, &order, &pins);

	if (status == 0)
		status = cmd_load(options, &config, NULL);
	if (status == 0) {
		status = set_all(&order, &config, &pins);
		config_clear(&config);
	}
	pins_clear(&pins);
	return status;
}

const struct command cmd_set = {
    .name = "set",
    .usage = "{DOMAIN... LEVEL [ATTR=VALUE]... | --from FILE} [--for TIME] "
             "[--note TEXT]",
    .summary = "Pin destinations to a level",
    .help = "DOMAIN  as Postfix looks it up: a domain, [host] or [host]:port; or\n"
            "        .example.org for all domains below it\n"
            "LEVEL   may, encrypt, dane, verify, secure or dane-only\n"
            "ATTR    an attribute of smtp_tls_policy_maps, as match=.example.org\n"
            "--from  a file with a line of DOMAIN LEVEL [ATTR=VALUE]... each; - is\n"
            "        standard input, and a # begins a comment\n"
            "--for   the pin ends by itself after this time (10m, 6h, 7d, 2w)\n"
            "--note  who wanted it and why; shown by explain and list --json, and in\n"
            "        the map, addresses in it without their local parts\n"
            "All are set, or none.\n",
    .run = run_set,
};
