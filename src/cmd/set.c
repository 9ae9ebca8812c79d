/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder set and unset: pins, entries that tlsladder never changes. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/span.h"
#include "cmd/attribute.h"
#include "cmd/pin.h"

/* [--for TIME] [--note TEXT] may stand anywhere behind the command. */
static int
read_arguments(const struct command *command, int argc, char **argv, struct pin *pin,
    char ***rest, int *rest_count)
{
	static const struct option longs[] = {{"for", required_argument, NULL, 'f'},
	    {"note", required_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option == 'f' && command == &cmd_set) {
			if (!span_parse(str_of(optarg), &pin->for_ms) || pin->for_ms == 0)
				return cmd_usage(command,
				    "--for wants a time like 90s, 10m, 6h or 7d");
		} else if (option == 'n' && command == &cmd_set) {
			pin->note = optarg;
		} else {
			return cmd_wrong_option(command, option, argv);
		}
	}
	*rest = argv + optind;
	*rest_count = argc - optind;
	return 0;
}

/* A pin stands above the guard of passwords: whoever sets it should know. */
static void
warn_of_password(const struct postfix *postfix, const struct postfix_settings *settings,
    const struct nexthop *nexthop, enum level level)
{
	const char *keys[] = {nexthop->host, nexthop->key};
	struct err ignored;
	enum answer found;

	if (!settings->logs_in || level_promise(level) >= level_promise(settings->level))
		return;
	found = postfix_maps_have(postfix, settings->password_maps, keys, 2, &ignored);
	if (found == ANSWER_YES || (found == ANSWER_UNSURE && nexthop->bracketed))
		fprintf(stderr,
		    "tlsladder: warning: Postfix logs in at %s: the password goes at "
		    "%s\n",
		    nexthop->key, level_name(level));
}

static int
run_set(const struct options *options, int argc, char **argv)
{
	struct pin pin = {.action = PIN_SET, .note = ""};
	struct postfix_settings settings = {0};
	struct buf attributes = {0};
	struct nexthop nexthop;
	struct postfix postfix;
	struct config config;
	struct err err;
	char **rest = NULL;
	int count = 0, status;

	status = read_arguments(&cmd_set, argc, argv, &pin, &rest, &count);
	if (status != 0)
		return status;
	if (count < 2)
		return cmd_usage(&cmd_set, "a domain and a level are needed");
	if (!cmd_nexthop(&cmd_set, rest[0], &nexthop))
		return EX_USAGE;
	if (!level_parse(str_of(rest[1]), &pin.entry.level) ||
	    pin.entry.level == LEVEL_FINGERPRINT || pin.entry.level == LEVEL_NONE)
		return cmd_usage(&cmd_set,
		    "\"%s\" is no level: may, encrypt, dane, verify, secure or dane-only",
		    rest[1]);
	if (strlen(pin.note) >= sizeof(((struct destination *)0)->pin.note))
		return cmd_usage(&cmd_set, "the note is too long");
	status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
	postfix = cmd_postfix(&config);
	if (!postfix_read_settings(&postfix, &settings, &err)) {
		if (count > 2)
			fprintf(stderr,
			    "tlsladder: warning: cannot check the attributes: %s\n",
			    err.text);
	} else {
		warn_of_password(&postfix, &settings, &nexthop, pin.entry.level);
	}
	for (int i = 2; i < count && status == 0; i++) {
		const char *fault =
		    attribute_fault(rest + 2, i - 1, pin.entry.level, settings.version);

		if (fault != NULL)
			status = cmd_usage(&cmd_set, "\"%s\" %s", rest[i], fault);
		buf_printf(&attributes, "%s%s", i > 2 ? " " : "", rest[i]);
	}
	pin.key = nexthop.key;
	pin.entry.attributes = buf_text(&attributes);
	if (status == 0)
		status = pin_apply(&config, &pin, NULL, NULL);
	buf_clear(&attributes);
	postfix_settings_clear(&settings);
	config_clear(&config);
	return status;
}

static int
run_unset(const struct options *options, int argc, char **argv)
{
	struct pin pin = {.action = PIN_UNSET};
	struct nexthop nexthop;
	struct config config;
	char **rest = NULL;
	int count = 0, status;

	status = read_arguments(&cmd_unset, argc, argv, &pin, &rest, &count);
	if (status != 0)
		return status;
	if (count != 1)
		return cmd_usage(&cmd_unset, "one domain is needed");
	if (!cmd_nexthop(&cmd_unset, rest[0], &nexthop))
		return EX_USAGE;
	status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
	pin.key = nexthop.key;
	status = pin_apply(&config, &pin, NULL, NULL);
	config_clear(&config);
	return status;
}

const struct command cmd_set = {
    .name = "set",
    .usage = "DOMAIN LEVEL [ATTR=VALUE]... [--for TIME] [--note TEXT]",
    .summary = "Pin a destination to a level",
    .help = "DOMAIN  as Postfix looks it up: a domain, [host] or [host]:port\n"
            "LEVEL   may, encrypt, dane, verify, secure or dane-only\n"
            "ATTR    an attribute of smtp_tls_policy_maps, as match=.example.org\n"
            "--for   the pin ends by itself after this time (10m, 6h, 7d)\n"
            "--note  who wanted it and why; shown by list, explain and in the map\n",
    .run = run_set,
};

const struct command cmd_unset = {
    .name = "unset",
    .usage = "DOMAIN",
    .summary = "Take a pin or an entry away; the ladder decides again",
    .run = run_unset,
};
