/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: what the ladder rests on: holds that end in time, canaries, pins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "cmd/doctor.h"
#include "core/nexthop.h"
#include "postfix/probe.h"
#include "store/store.h"
#include "sys/clock.h"

#define BUSY_MS      5000
#define PROBE_MS     10000
#define WHOLE_MS     30000
#define KNOWN_MS     (7 * SPAN_DAY_MS) /* so long a canary is known to verify */
#define HOSTS_MAX    100
#define CANARIES_MAX 8
#define PINS_MAX     1000

/* --- holds ------------------------------------------------------------------------- */

static void
add_span(struct buf *out, int64_t ms)
{
	if (ms % SPAN_DAY_MS == 0)
		buf_printf(out, "%lldd", (long long)(ms / SPAN_DAY_MS));
	else if (ms % SPAN_HOUR_MS == 0)
		buf_printf(out, "%lldh", (long long)(ms / SPAN_HOUR_MS));
	else
		buf_printf(out, "%llds", (long long)(ms / SPAN_SECOND_MS));
}

static void
check_holds(struct doctor *d)
{
	const struct ladder_policy *policy = &d->config->ladder;
	const struct {
		const char *level;
		int64_t ms;
	} holds[] = {{"verify", policy->hold_verify_ms},
	    {"encrypt", policy->hold_encrypt_ms}, {"may", policy->hold_may_ms}};
	int64_t lifetime_ms = d->settings.queue_lifetime_ms;
	int64_t right_ms = lifetime_ms / 2 < SPAN_DAY_MS ? lifetime_ms / 2 : SPAN_DAY_MS;
	struct buf longer = {0}, value = {0}, lifetime = {0};

	for (size_t i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
		if (holds[i].ms < lifetime_ms)
			continue;
		buf_printf(&longer, "%s%s: ", longer.len > 0 ? ", " : "", holds[i].level);
		add_span(&longer, holds[i].ms);
		buf_printf(&value, "%s%s: ", value.len > 0 ? ", " : "{", holds[i].level);
		add_span(&value, right_ms);
	}
	add_span(&lifetime, lifetime_ms);
	buf_add_char(&value, '}');
	if (longer.len == 0) {
		doctor_say(
		    d, DOCTOR_OK, "hold", "every hold ends before the mail bounces");
	} else {
		doctor_advise_yaml(d, "ladder", "hold", buf_text(&value));
		doctor_say(d, DOCTOR_WARNING, "hold",
		    "ladder.hold is {%s}, but mail bounces after %s "
		    "(maximal_queue_lifetime)",
		    buf_text(&longer), buf_text(&lifetime));
	}
	buf_clear(&longer);
	buf_clear(&value);
	buf_clear(&lifetime);
}

/* --- canaries ---------------------------------------------------------------------- */

static void
check_canary(struct doctor *d, const char *host)
{
	struct probe_settings settings = {.ca_file = d->settings.ca_file,
	    .ca_path = d->settings.ca_path,
	    .timeout_ms = PROBE_MS,
	    .whole_ms = WHOLE_MS};
	struct nexthop nexthop;
	struct buf key = {0};
	struct err err = {{0}};

	if (!nexthop_parse(str_of(host), &nexthop))
		return; /* the configuration takes no other */
	buf_printf(&key, "[%s]:%u", nexthop.host, nexthop.port);
	switch (
	    probe_server(&d->postfix, &settings, buf_text(&key), LEVEL_VERIFY, &err)) {
	case PROBE_YES:
		doctor_say(d, DOCTOR_OK, "canary", "%s verifies", host);
		break;
	case PROBE_MISSING: /* reported by the check of posttls-finger */
		break;
	case PROBE_NO:
	case PROBE_UNSURE:
		doctor_advise(d,
		    "# in %s: probe: {canaries: [...]}, with servers of others that "
		    "verify;"
		    " see tlsladder check --probe",
		    d->options->config_file);
		doctor_say(d, DOCTOR_WARNING, "canary", "%s does not verify: %s", host,
		    err.text);
		break;
	}
	buf_clear(&key);
}

static bool
count_host(void *context, const char *name, uint16_t port)
{
	(void)name, (void)port;
	return ++*(size_t *)context < HOSTS_MAX;
}

static void
count_canaries(struct doctor *d, struct store *store)
{
	int64_t since_ms = clock_wall_ms() - KNOWN_MS;
	size_t proven = 0, said = 0;
	struct err err;

	if (!store_each_verified(
	        store, true, since_ms, HOSTS_MAX, count_host, &proven, &err) ||
	    !store_each_verified(
	        store, false, since_ms, HOSTS_MAX, count_host, &said, &err)) {
		doctor_say(d, DOCTOR_WARNING, "canary", "%s", err.text);
		return;
	}
	if (proven + said == 0)
		doctor_advise(d,
		    "# they come from the log; or in %s: probe: {canaries: "
		    "[mx.example.org]}",
		    d->options->config_file);
	doctor_say(d, DOCTOR_OK, "canary",
	    proven + said == 0
	        ? "none is configured, and none known yet: a fault of ours is seen by "
	          "the number of those that fail"
	        : "%zu servers verified in the last week, %zu of them probed",
	    proven > said ? proven : said, proven);
}

static void
check_canaries(struct doctor *d, struct store *store)
{
	const struct strings *canaries = &d->config->probe.canaries;

	if (d->config->probe.off) {
		doctor_say(d, DOCTOR_OK, "canary", "probe.servers is no: none is asked");
		return;
	}
	for (size_t i = 0; i < canaries->count && i < CANARIES_MAX; i++)
		check_canary(d, canaries->items[i]);
	if (canaries->count == 0 && store != NULL)
		count_canaries(d, store);
}

/* --- pins -------------------------------------------------------------------------- */

struct pin_list {
	char *keys[PINS_MAX];
	enum level levels[PINS_MAX];
	size_t count;
};

/* Under these levels nothing says that the server is the one that the password is for. */
static bool
take_pin(void *context, const struct entry *entry)
{
	struct pin_list *pins = context;

	if (entry->pinned && !level_is_authenticated(entry->level)) {
		pins->keys[pins->count] = mem_strdup(entry->key);
		pins->levels[pins->count++] = entry->level;
	}
	return pins->count < PINS_MAX;
}

/* Passwords are for a server, or for the next-hop as it is written. Where they may not be
 * read, who names a server is one that they are for. */
static void
check_pin(struct doctor *d, const char *key, enum level level)
{
	struct nexthop nexthop;
	const char *keys[2];
	enum answer found;
	struct err ignored;

	if (!nexthop_parse(str_of(key), &nexthop))
		return;
	keys[0] = nexthop.host;
	keys[1] = nexthop.key;
	found =
	    postfix_maps_have(&d->postfix, d->settings.password_maps, keys, 2, &ignored);
	if (found == ANSWER_NO || (found == ANSWER_UNSURE && !nexthop.bracketed))
		return;
	doctor_add_self(d, &d->advice);
	buf_printf(&d->advice, " unset ");
	buf_add_shell(&d->advice, key);
	buf_add_char(&d->advice, '\n');
	doctor_say(d, DOCTOR_WARNING, "pin",
	    "%s is pinned to %s, and Postfix logs in there: the password goes to a "
	    "server "
	    "that did not prove who it is",
	    key, level_name(level));
}

static void
check_pins(struct doctor *d, struct store *store)
{
	struct pin_list *pins;
	struct err err;

	if (!d->settings.logs_in || store == NULL)
		return;
	pins = mem_new(1, sizeof(*pins));
	if (!store_each_entry(store, take_pin, pins, &err))
		doctor_say(d, DOCTOR_WARNING, "pin", "%s", err.text);
	for (size_t i = 0; i < pins->count; i++) {
		check_pin(d, pins->keys[i], pins->levels[i]);
		free(pins->keys[i]);
	}
	free(pins);
}

void
doctor_check_ladder(struct doctor *d)
{
	struct store *store = NULL;
	struct err ignored;

	if (!d->has_postfix)
		return;
	if (d->can_open)
		store = store_open(d->config->state, BUSY_MS, &ignored);
	check_holds(d);
	check_canaries(d, store);
	check_pins(d, store);
	store_close(store);
}
