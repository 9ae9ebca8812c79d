/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder set and unset: pins, entries that tlsladder never changes. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/span.h"
#include "engine/chores.h"
#include "engine/judge.h"
#include "sys/clock.h"

/* What is asked for. */
struct pin {
	struct nexthop nexthop;
	enum level level; /* LEVEL_NONE: unset */
	struct buf attributes;
	int64_t for_ms; /* 0: for good */
	const char *note;
};

/* Attributes of smtp_tls_policy_maps: a wrong one stops mail that flowed (postconf(5)). */
static const struct {
	const char *name;
	int major, minor; /* of the Postfix that knows it first */
	bool authenticated; /* makes sense at verify and secure alone */
} known_attributes[] = {
    {"ciphers", 2, 3, false},
    {"protocols", 2, 3, false},
    {"exclude", 2, 3, false},
    {"match", 2, 3, true},
    {"tafile", 2, 11, true},
    {"servername", 3, 4, false},
    {"connection_reuse", 3, 4, false},
    {"enable_rpk", 3, 9, false},
};

static bool
is_older(const char *version, int major, int minor)
{
	int has_major = 0, has_minor = 0;

	if (version == NULL || sscanf(version, "%d.%d", &has_major, &has_minor) != 2)
		return false; /* could not tell; Postfix will say */
	return has_major < major || (has_major == major && has_minor < minor);
}

/* NULL, or what is wrong with it. */
static const char *
attribute_fault(const char *argument, enum level level, const char *version)
{
	const char *equals = strchr(argument, '=');
	size_t known = sizeof(known_attributes) / sizeof(known_attributes[0]);
	size_t i = 0;

	if (equals == NULL || equals[1] == '\0')
		return "is not ATTR=VALUE";
	for (const char *p = argument; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
			return "has a blank or a byte that is not ASCII in it";
	while (i < known && (strlen(known_attributes[i].name) != (size_t)(equals - argument) ||
	    memcmp(known_attributes[i].name, argument, (size_t)(equals - argument)) != 0))
		i++;
	if (i == known)
		return "is no attribute of smtp_tls_policy_maps";
	if (known_attributes[i].authenticated && level != LEVEL_VERIFY && level != LEVEL_SECURE)
		return "is for verify and secure alone";
	if (is_older(version, known_attributes[i].major, known_attributes[i].minor))
		return "is not known to the installed Postfix";
	return NULL;
}

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
				return cmd_usage(command, "--for wants a time like 90s, 10m, 6h or 7d");
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

static void
pin_destination(struct destination *d, const struct pin *pin, int64_t now_ms)
{
	d->entry = pin->level;
	d->pinned = pin->level != LEVEL_NONE;
	d->pin_until_ms = d->pinned && pin->for_ms > 0 ? now_ms + pin->for_ms : 0;
	str_copy(str_of(buf_text(&pin->attributes)), d->attributes, sizeof(d->attributes));
	str_copy(str_of(d->pinned ? pin->note : ""), d->note, sizeof(d->note));
	d->why = d->pinned ? WHY_PINNED : WHY_NONE;
	d->entry_why = d->why;
	d->since_ms = now_ms;
	d->force_ms = LADDER_NOT_YET;
	d->look_ms = d->pin_until_ms;
	d->lease_ms = 0;
	d->lease_end_ms = d->pin_until_ms;
	d->hold_level = LEVEL_NONE;
	d->hold_since_ms = 0;
	d->trial = LEVEL_NONE;
	d->dane_absent_ms = 0;
	/* What waits is tried again under the new level, and judged anew if it fails. */
	d->pending = false;
}

static bool
store_pin(struct store *store, const struct pin *pin, int64_t now_ms, struct err *err)
{
	struct decision_record record = {.time_ms = now_ms, .rule = "", .reason = "",
	    .dns_state = "", .after = level_name(pin->level)};
	struct destination d;
	int64_t version;
	bool found;

	if (!store_get(store, pin->nexthop.key, &d, &found, err))
		return false;
	if (!found)
		destination_init(&d, pin->nexthop.key);
	record.before = level_name(d.entry);
	pin_destination(&d, pin, now_ms);
	record.action = pin->level != LEVEL_NONE ? "pin" : "unpin";
	record.why = why_slug(d.why);
	if (!store_put(store, &d, err))
		return false;
	record.destination = d.id;
	return store_decision_add(store, &record, err) &&
	    store_map_changed(store, &version, err) &&
	    store_waiting_release(store, d.id, version, 0, err);
}

/* The database first, then the map: the daemon sees the one and need not do the other. */
static int
apply(const struct config *config, const struct pin *pin)
{
	struct postfix postfix = cmd_postfix(config);
	struct store *store;
	struct err err;
	int64_t version;
	size_t entries;
	int status = 0;

	store = cmd_store(config, true, &status);
	if (store == NULL)
		return status;
	if (!store_begin(store, &err) || !store_pin(store, pin, clock_wall_ms(), &err) ||
	    !store_commit(store, &err)) {
		store_rollback(store);
		status = cmd_fail(EX_IOERR, "%s", err.text);
	} else if (!chore_export(config, &postfix, store, &version, &entries, &err)) {
		status = cmd_fail(EX_CANTCREAT,
		    "the entry is stored, but the map is not exported: %s", err.text);
	}
	store_close(store);
	return status;
}

static int
run_set(const struct options *options, int argc, char **argv)
{
	struct pin pin = {.note = ""};
	struct postfix_facts facts = {0};
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
	if (!cmd_nexthop(&cmd_set, rest[0], &pin.nexthop))
		return EX_USAGE;
	if (!level_parse(str_of(rest[1]), &pin.level) || pin.level == LEVEL_FINGERPRINT ||
	    pin.level == LEVEL_NONE)
		return cmd_usage(&cmd_set,
		    "\"%s\" is no level: may, encrypt, dane, verify, secure or dane-only", rest[1]);
	if (strlen(pin.note) >= sizeof(((struct destination *)0)->note))
		return cmd_usage(&cmd_set, "the note is too long");
	status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
	postfix = cmd_postfix(&config);
	if (count > 2 && !postfix_read_facts(&postfix, &facts, &err))
		fprintf(stderr, "tlsladder: warning: cannot check the attributes: %s\n", err.text);
	for (int i = 2; i < count && status == 0; i++) {
		const char *fault = attribute_fault(rest[i], pin.level, facts.version);

		if (fault != NULL)
			status = cmd_usage(&cmd_set, "\"%s\" %s", rest[i], fault);
		buf_printf(&pin.attributes, "%s%s", i > 2 ? " " : "", rest[i]);
	}
	if (status == 0 && pin.attributes.len >= sizeof(((struct destination *)0)->attributes))
		status = cmd_usage(&cmd_set, "the attributes are too long");
	if (status == 0)
		status = apply(&config, &pin);
	buf_clear(&pin.attributes);
	postfix_facts_clear(&facts);
	config_clear(&config);
	return status;
}

static int
run_unset(const struct options *options, int argc, char **argv)
{
	struct pin pin = {.level = LEVEL_NONE, .note = ""};
	struct config config;
	char **rest = NULL;
	int count = 0, status;

	status = read_arguments(&cmd_unset, argc, argv, &pin, &rest, &count);
	if (status != 0)
		return status;
	if (count != 1)
		return cmd_usage(&cmd_unset, "one domain is needed");
	if (!cmd_nexthop(&cmd_unset, rest[0], &pin.nexthop))
		return EX_USAGE;
	status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
	status = apply(&config, &pin);
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
