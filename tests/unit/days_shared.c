/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done to all days of a batch: our clock, the path to everybody, our canaries, a
 * flood of names. */
#include "days.h"

#include <stdlib.h>
#include <string.h>

#include "enginekit.h"
#include "suite.h"

#define BEGUN_MONO_MS  1000000    /* as world_reset() has it */
#define CERTS_OFF_MS   (35 * DAY) /* no certificate is valid where the clock is ... */
#define DNSSEC_OFF_MS  (10 * DAY) /* ... and no signature */
#define CANARY_SEEN_MS (15 * MIN) /* an answer serves for ten, and is asked for late */
#define FLOOD_NAMES    3000
#define FLOOD_ASKED_MS 60 /* half a second of a question, of eight askers */
#define FLOOD_PID      8000
#define FLOOD_HOST     "mx.many.example"
#define FLOOD_SUFFIX   ".many.example"

/* --- the clock --------------------------------------------------------------------- */

const struct act *
shared_act(enum act_kind kind)
{
	for (unsigned i = 0; i < batch.shared_count; i++)
		if (batch.shared[i].kind == kind)
			return &batch.shared[i];
	return NULL;
}

int64_t
shared_clock_off(int64_t at_ms)
{
	const struct act *act = shared_act(ACT_CLOCK);

	return act != NULL && act_is_on(act, at_ms) ? batch.clock_ms : 0;
}

void
shared_clock(void)
{
	world.wall_ms = WORLD_START_MS + world.mono_ms - BEGUN_MONO_MS +
	    shared_clock_off(world.mono_ms);
}

static bool
is_off_by(int64_t at_ms, int64_t most_ms)
{
	int64_t off_ms = shared_clock_off(at_ms);

	return off_ms > most_ms || off_ms < -most_ms;
}

void
shared_attack(struct outlook *view, const struct act *act, int64_t at_ms)
{
	if (act->kind == ACT_EVERYBODY)
		for (unsigned i = 0; i < view->count; i++)
			host_attacked(&view->hosts[i], act->mode == 3 ? 1 : act->mode);
	if (act->kind != ACT_CLOCK)
		return;
	if (is_off_by(at_ms, DNSSEC_OFF_MS) && view->mx == MX_SIGNED)
		view->mx = MX_ERROR;
	for (unsigned i = 0; is_off_by(at_ms, CERTS_OFF_MS) && i < view->count; i++)
		if (view->hosts[i].tls > TLS_SELF_SIGNED)
			view->hosts[i].tls = TLS_SELF_SIGNED;
}

/* --- canaries ---------------------------------------------------------------------- */

void
shared_canary_name(unsigned i, char *name, size_t size)
{
	snprintf(name, size, "mx.canary%c.example", (char)('a' + i));
}

/* The first one is in the attacker's hand, where one is. */
static bool
is_his(unsigned i)
{
	const struct act *everybody = shared_act(ACT_EVERYBODY);

	return i == 0 &&
	    (shared_act(ACT_CANARY) != NULL ||
	        (everybody != NULL && everybody->mode == 3));
}

static struct host_view
canary_view(unsigned i, int64_t at_ms)
{
	struct host_view host = {.tls = TLS_VALID};

	shared_canary_name(i, host.name, sizeof(host.name));
	if (is_off_by(at_ms, CERTS_OFF_MS))
		host.tls = TLS_SELF_SIGNED;
	for (unsigned n = 0; n < batch.shared_count; n++) {
		const struct act *act = &batch.shared[n];

		if (!act_is_on(act, at_ms))
			continue;
		if (act->kind == ACT_CANARIES)
			host_attacked(&host, act->mode % 3);
		else if (act->kind == ACT_CANARY && is_his(i) && act->mode < 3)
			host_attacked(&host, act->mode);
		else if (act->kind == ACT_EVERYBODY && !is_his(i))
			host_attacked(&host, act->mode == 3 ? 1 : act->mode);
	}
	return host;
}

/* Those that are down say nothing; where others verify they speak against it. */
bool
shared_canaries_fail(int64_t now_ms)
{
	if (shared_act(ACT_CLOCK) == NULL && shared_act(ACT_EVERYBODY) == NULL)
		return false;
	for (int64_t ago_ms = 0; ago_ms <= CANARY_SEEN_MS; ago_ms += 20 * SECOND) {
		bool fails = false;

		for (unsigned i = 0; i < batch.canaries; i++) {
			struct host_view host = canary_view(i, now_ms - ago_ms);

			if (!host.down && host.tls >= TLS_VALID)
				return false;
			fails = fails || !host.down;
		}
		if (!fails)
			return false;
	}
	return true;
}

/* Does something else speak against every server? */
bool
shared_disturbs(int64_t from_ms, int64_t to_ms)
{
	for (unsigned i = 0; i < batch.shared_count; i++) {
		const struct act *act = &batch.shared[i];
		bool harmless = act->kind == ACT_FLOOD ||
		    (act->kind == ACT_CLOCK && batch.clock_ms <= CERTS_OFF_MS &&
		        batch.clock_ms >= -CERTS_OFF_MS);

		if (!harmless && act->from_ms <= to_ms && act->to_ms >= from_ms)
			return true;
	}
	return false;
}

/* --- the flood --------------------------------------------------------------------- */

int64_t
shared_flood_ms(void)
{
	const struct act *act = shared_act(ACT_FLOOD);

	return act != NULL && batch.flooded < FLOOD_NAMES ? act->from_ms : INT64_MAX;
}

bool
shared_is_flooding(void)
{
	return batch.flooded > 0 && batch.flooded < FLOOD_NAMES;
}

static void
flood_id(unsigned i, char *id, size_t size)
{
	snprintf(id, size, "F%07X", i);
}

void
shared_flood(void)
{
	char text[512], id[16];

	for (unsigned i = 0; i < FLOOD_NAMES / 2; i++) {
		flood_id(++batch.flooded, id, sizeof(id));
		snprintf(text, sizeof(text),
		    "smtp[%d]: %s: to=<u@n%u" FLOOD_SUFFIX ">, relay=" FLOOD_HOST
		    "[192.0.2.66]:25, delay=1, delays=0.9/0/0.03/0.02, dsn=4.7.5, "
		    "status=deferred (TLS is required, but was not offered by "
		    "host " FLOOD_HOST "[192.0.2.66])",
		    FLOOD_PID, id, batch.flooded);
		world_log(batch.engine, text);
	}
}

void
shared_flood_over(void)
{
	char id[16];

	for (unsigned i = 1; i <= batch.flooded; i++) {
		flood_id(i, id, sizeof(id));
		world_unqueue(id);
	}
}

/* --- what is answered -------------------------------------------------------------- */

static bool
is_of_flood(const char *name)
{
	size_t len = strlen(name), behind = strlen(FLOOD_SUFFIX);

	return len > behind && strcmp(name + len - behind, FLOOD_SUFFIX) == 0;
}

bool
shared_answer(struct measure_item *item)
{
	char name[32];

	if (is_of_flood(item->nexthop.host)) {
		world_pass(FLOOD_ASKED_MS);
		world_add_host(item, FLOOD_HOST, PROMISE_NONE);
		return true;
	}
	for (unsigned i = 0; i < SHARED_CANARIES; i++) {
		shared_canary_name(i, name, sizeof(name));
		if (strcmp(name, item->nexthop.host) == 0)
			return true; /* the kit adds its address */
	}
	return false;
}

bool
shared_finger(const struct finger_question *question, struct server *server)
{
	if (is_of_flood(question->host)) {
		server->probe.end =
		    shared_act(ACT_FLOOD)->mode == 2 ? PROBE_SILENT : PROBE_PLAIN;
		server->probe.cause = CAUSE_NOT_OFFERED;
		return true;
	}
	for (unsigned i = 0; i < SHARED_CANARIES; i++) {
		struct host_view host = canary_view(i, world.mono_ms);

		if (strcmp(host.name, question->host) != 0)
			continue;
		if (host.down)
			return true;
		server->probe.end = host.tls == TLS_PLAIN ? PROBE_PLAIN : PROBE_TLS;
		server->probe.encrypt = host.tls == TLS_PLAIN ? ANSWER_NO : ANSWER_YES;
		server->probe.cause = host.tls == TLS_PLAIN ? CAUSE_NOT_OFFERED
		    : host.tls >= TLS_VALID                 ? CAUSE_NONE
		                                            : CAUSE_SELF_SIGNED;
		server->chain = host.tls >= TLS_VALID ? ANSWER_YES : ANSWER_NO;
		names_add(server->names, str_of(question->host));
		return true;
	}
	return false;
}
