/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/causes.h"

#include <string.h>

#include "cmd/cmd.h"
#include "core/dane.h"

#define HOSTS_MAX 32 /* a destination is not asked for more (core/choice.h) */

struct walk {
	struct store *store;
	struct err *err;
	struct buf *out;
	bool json;
	bool failed;
	uint16_t port;
	unsigned count;
	char names[HOSTS_MAX][NEXTHOP_HOST_SIZE];
};

void
causes_describe(const struct host_cause *cause, struct buf *out)
{
	buf_printf(out, "%s at ", cause_name(cause->cause));
	buf_add_time(out, cause->at_ms);
	buf_printf(out, ": %s", cause_sentence(cause->cause));
	if (cause->cause == CAUSE_EXPIRED && cause->until_ms == 0) {
		buf_printf(out, "; until when it was good is not known");
	} else if (cause->cause == CAUSE_EXPIRED) {
		buf_printf(out, "; it was good until ");
		buf_add_time(out, cause->until_ms);
	}
	if (!host_cause_stands(cause)) {
		buf_printf(out, "; it verified at ");
		buf_add_time(out, cause->met_ms);
	}
}

void
causes_describe_json(const struct host_cause *cause, struct buf *out)
{
	buf_add_member(out, "cause", cause_name(cause->cause));
	buf_add_time_member(out, "cause_time", cause->at_ms);
	buf_add_time_member(out, "certificate_until", cause->until_ms);
	buf_printf(out, ",\"over\":%s", host_cause_stands(cause) ? "false" : "true");
}

static void
print_host(struct walk *walk, const char *name, const struct host_cause *cause)
{
	struct buf *out = walk->out;

	if (walk->json) {
		buf_printf(out, "%s{\"host\":", walk->count > 1 ? "," : "");
		buf_add_json(out, str_of(name));
		causes_describe_json(cause, out);
		buf_add_char(out, '}');
		return;
	}
	buf_printf(out, "%s  ", walk->count > 1 ? "" : "\nservers that failed\n");
	buf_add_visible(out, str_of(name));
	buf_add_char(out, ' ');
	causes_describe(cause, out);
	buf_add_char(out, '\n');
}

static void
add_host(void *context, struct str name)
{
	struct walk *walk = context;
	struct host_cause cause;
	char *host;

	if (walk->failed || walk->count == HOSTS_MAX)
		return;
	host = walk->names[walk->count];
	if (!str_copy(name, host, NEXTHOP_HOST_SIZE))
		return;
	for (char *p = host; *p != '\0'; p++)
		*p = ascii_lower(*p);
	for (unsigned i = 0; i < walk->count; i++)
		if (strcmp(walk->names[i], host) == 0)
			return;
	walk->failed =
	    !store_host_cause_get(walk->store, host, walk->port, &cause, walk->err);
	if (walk->failed || cause.cause == CAUSE_NONE)
		return;
	walk->count++;
	print_host(walk, host, &cause);
}

/* Those that DNS named, and that of the last deferral. */
static bool
walk_hosts(struct walk *walk, const struct destination *d)
{
	if (d->port == 0)
		return true;
	walk->port = d->port;
	dane_each_host(d->dns.text, add_host, walk);
	if (d->alarm.relay[0] != '\0')
		add_host(walk, str_of(d->alarm.relay));
	return !walk->failed;
}

bool
causes_print(
    struct store *store, const struct destination *d, struct buf *out, struct err *err)
{
	struct walk walk = {.store = store, .err = err, .out = out};

	return walk_hosts(&walk, d);
}

bool
causes_print_json(
    struct store *store, const struct destination *d, struct buf *out, struct err *err)
{
	struct walk walk = {.store = store, .err = err, .out = out, .json = true};
	bool done;

	buf_printf(out, ",\"causes\":[");
	done = walk_hosts(&walk, d);
	buf_add_char(out, ']');
	return done;
}
