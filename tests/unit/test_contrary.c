/* SPDX-License-Identifier: BSD-2-Clause */
/* Evidence to the contrary, and lines that were made up: neither two moments a day apart
 * nor whoever can write a line moves an entry. */
#include "suite.h"

#include <string.h>

#include "engine/engine_impl.h"
#include "enginerig.h"

#define A_TEST "SELECT entry, why FROM destination WHERE key = 'a.test'"

#define A_ENTRY "SELECT entry FROM destination WHERE key = 'a.test'"
#define FULL \
	"host mx.a.test[192.0.2.1] said: 452 4.2.2 mailbox full (in reply to RCPT TO " \
	"command)"

static enum { SELF_SIGNED, GOOD, PLAIN } server_is;

static void
finger(const struct finger_question *q, struct server *server)
{
	*server = (struct server){.probe = {.end = PROBE_PLAIN}};
	if (server_is == PLAIN && strcmp(q->host, "mx.a.test") != 0)
		return;
	server->chain = server_is != SELF_SIGNED ? ANSWER_YES : ANSWER_NO;
	server->probe = (struct probe){.end = PROBE_TLS,
	    .encrypt = ANSWER_YES,
	    .verify = server->chain,
	    .secure = server->chain,
	    .dane = ANSWER_NO};
	names_add(server->names, str_of(q->host));
}

static void
defer_again(const char *id, const char *reason)
{
	char text[512];

	snprintf(text, sizeof(text),
	    "smtp[%u]: %s: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (%s)",
	    strcmp(reason, FULL) == 0 ? 77U : 78U, id, reason);
	world_log(rig.engine, text);
	rig_save();
	world_settle(rig.engine);
}

static void
deliver(const char *domain)
{
	char relay[NEXTHOP_HOST_SIZE + 32];

	snprintf(relay, sizeof(relay), "mx.%s[192.0.2.1]:25", domain);
	rig_log_session("Verified", relay);
	rig_log_status(domain, relay, "2.0.0", "sent (250 Ok)");
	rig_save();
}

static void
name_own_server(struct measure_item *item)
{
	char host[NEXTHOP_HOST_SIZE];

	if (strcmp(item->nexthop.host, "x.example") == 0)
		return; /* it has none */
	snprintf(host, sizeof(host), "mx.%.200s", item->nexthop.host);
	world_add_host(item, host, PROMISE_NONE);
	snprintf(item->answers.text, sizeof(item->answers.text), "%s tlsa=none", host);
}

/* Sessions are logged; a.test verified a day ago. */
static void
begin(bool prober)
{
	rig_new_settled();
	world.sessions_logged = true;
	world.answer = name_own_server;
	world.finger = prober ? finger : NULL;
	server_is = GOOD;
	rig_close();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	deliver("a.test");
	world_settle(rig.engine);
	world_wait(rig.engine, DAY);
	server_is = SELF_SIGNED;
}

/* Two moments a day apart; in between it verifies each hour, and the mail waits for
 * another reason. */
static void
two_moments(bool prober)
{
	begin(prober);
	defer_again("Q2", NOT_VERIFIED);
	kit_assert(STATE, A_TEST, "none|hold\n");
	world_wait(rig.engine, MIN);
	server_is = GOOD;
	for (int i = 0; i < 24; i++) {
		world_wait(rig.engine, HOUR);
		rig_log_session("Verified", "mx.a.test[192.0.2.1]:25");
		defer_again("Q2", FULL);
	}
	world_wait(rig.engine, 10 * MIN);
	server_is = SELF_SIGNED;
	defer_again("Q2", NOT_VERIFIED);
	world_wait(rig.engine, MIN);
	kit_assert(STATE, A_TEST, "none|hold\n");
	/* What lasts is believed all the same. */
	for (int i = 0; i < 26; i++) {
		world_wait(rig.engine, HOUR);
		defer_again("Q2", NOT_VERIFIED);
	}
	kit_assert(STATE, A_ENTRY, "encrypt\n");
	rig_close();
}

static void
probe_that_meets_it_ends_a_hold(void **state)
{
	(void)state;
	two_moments(true);
}

static void
session_begins_a_hold_anew(void **state)
{
	(void)state;
	two_moments(false);
}

/* The clock is set ahead by a day while a step is held: that is no time that passed. */
static void
clock_ends_no_hold(void **state)
{
	(void)state;
	begin(true);
	defer_again("Q2", NOT_VERIFIED);
	kit_assert(STATE, A_TEST, "none|hold\n");
	world_wait(rig.engine, HOUR);
	world.wall_ms += 25 * HOUR;
	defer_again("Q2", NOT_VERIFIED);
	world_wait(rig.engine, MIN);
	kit_assert(STATE, A_TEST, "none|hold\n");
	world.wall_ms -= 25 * HOUR;
	for (int h = 0; h < 22; h++) {
		world_wait(rig.engine, HOUR);
		defer_again("Q2", NOT_VERIFIED);
		kit_assert(STATE, A_TEST, "none|hold\n");
	}
	world_wait(rig.engine, HOUR + MIN);
	defer_again("Q2", NOT_VERIFIED);
	kit_assert(STATE, A_ENTRY, "encrypt\n");
	rig_close();
}

/* Another Postfix in the same log, with a queue and a level of its own, told by its name:
 * what fails there fails there alone, and what flows there ends nothing here. */
static void
another_instance_tells_nothing(void **state)
{
	(void)state;
	begin(true);
	for (int i = 0; i < 3; i++) {
		world_log_of(rig.engine, "postfix-out",
		    "smtp[77]: O1: to=<o@a.test>, relay=mx.a.test[192.0.2.1]:25, "
		    "delay=9, "
		    "delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (" NOT_VERIFIED
		    ")");
		rig_save();
		world_settle(rig.engine);
	}
	kit_assert(STATE, "SELECT deferral FROM destination WHERE key = 'a.test'", "0\n");
	defer_again("Q2", NOT_VERIFIED);
	kit_assert(STATE, A_TEST, "none|hold\n");
	for (int h = 0; h < 26; h++) {
		world_wait(rig.engine, HOUR);
		world_log_of(rig.engine, "postfix-out",
		    "smtp[78]: Verified TLS connection established to "
		    "mx.a.test[192.0.2.1]:25: TLSv1.3 with cipher X (256/256 bits)");
		world_log_of(rig.engine, "postfix-out",
		    "smtp[78]: O2: to=<o@a.test>, relay=mx.a.test[192.0.2.1]:25, "
		    "delay=1, "
		    "delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 Ok)");
		defer_again("Q2", NOT_VERIFIED);
	}
	kit_assert(STATE, A_ENTRY, "encrypt\n");
	rig_close();
}

/* With a reason that cannot come at the level in force, each 20 hours. */
static void
made_up_reason_moves_no_hold(void **state)
{
	(void)state;
	begin(true);
	for (int h = 0; h < 50; h++) {
		defer_again("Q2", NOT_VERIFIED);
		world_wait(rig.engine, HOUR);
		if (h % 20 != 19)
			continue;
		world_log(rig.engine,
		    "smtp[99]: FORGED1: to=<u@a.test>, relay=none, delay=0, "
		    "delays=0/0/0/0, "
		    "dsn=4.7.5, status=deferred (no TLSA records found)");
		world_unqueue("FORGED1");
		rig_save();
		world_wait(rig.engine, MIN);
	}
	kit_assert(STATE, A_ENTRY, "encrypt\n");
	rig_close();
}

/* Our CA file is broken, nothing can probe, and a stranger's lines say that a domain of
 * his verified. */
static void
made_up_session_thaws_nothing(void **state)
{
	char domain[32];

	(void)state;
	begin(false);
	for (int i = 0; i < 30; i++) {
		snprintf(domain, sizeof(domain), "g%d.test", i);
		deliver(domain);
	}
	world_wait(rig.engine, HOUR);
	for (int h = 0; h < 30; h++) {
		for (int i = 0; i < 30; i++) {
			snprintf(domain, sizeof(domain), "g%d.test", i);
			rig_defer_because(domain, NOT_VERIFIED);
			if (i % 3 == 2)
				deliver("x.example");
			if (i % 10 == 9) {
				rig_save();
				world_settle(rig.engine);
			}
		}
		world_wait(rig.engine, HOUR);
	}
	kit_assert(
	    STATE, "SELECT count(*) FROM destination WHERE entry <> 'none'", "0\n");
	/* It is mended. */
	for (int i = 0; i < 30; i++) {
		snprintf(domain, sizeof(domain), "g%d.test", i);
		deliver(domain);
		world_wait(rig.engine, MIN);
	}
	kit_assert(STATE,
	    "SELECT count(*) FROM counter WHERE name = 'frozen-ms' AND value <> 0",
	    "0\n");
	rig_close();
}

/* The queue shows the message, STARTTLS is stripped for a moment, and a line claims an
 * attempt that took ten minutes. */
static void
claimed_attempt_is_not_ten_minutes(void **state)
{
	bool first = *(const bool *)*state, prober = !first;

	begin(prober);
	server_is = PLAIN;
	for (int i = 0; i < 2; i++) {
		char text[512];
		bool claimed = (i == 0) == first;

		snprintf(text, sizeof(text),
		    "smtp[78]: Q2: to=<u@b.test>, relay=mx.b.test[192.0.2.1]:25, "
		    "delay=709, "
		    "delays=8/0/%s/0.02, dsn=4.7.4, status=deferred (TLS is required, "
		    "but "
		    "was "
		    "not offered by host mx.b.test[192.0.2.1])",
		    claimed ? "700" : "0.03");
		world_log(rig.engine, text);
	}
	rig_save();
	world_settle(rig.engine);
	world_wait(rig.engine, 5 * SECOND);
	kit_assert(STATE, "SELECT entry, why FROM destination WHERE key = 'b.test'",
	    "none|may-after\n");
	rig_close();
}

int
main(void)
{
	static const bool yes = true, no = false;

	if (!rig_begin())
		return 99;
	suite_add(probe_that_meets_it_ends_a_hold, NULL,
	    "two moments of a false certificate a day apart are no reason where a probe "
	    "found the level met in between");
	suite_add(session_begins_a_hold_anew, NULL,
	    "... nor where sessions verified, and nothing can probe");
	suite_add(clock_ends_no_hold, NULL, "a clock that is set ends no hold");
	suite_add(another_instance_tells_nothing, NULL,
	    "another instance in the same log tells nothing");
	suite_add(made_up_reason_moves_no_hold, NULL,
	    "a made-up line whose reason cannot come there moves no hold");
	suite_add(made_up_session_thaws_nothing, NULL,
	    "a made-up session at a server that DNS does not name is no proof against a "
	    "freeze");
	suite_add(claimed_attempt_is_not_ten_minutes, &yes,
	    "an attempt that a line claims to have begun long ago is no time that "
	    "passed");
	suite_add(claimed_attempt_is_not_ten_minutes, &no,
	    "... nor where it comes after a genuine one");
	return rig_end(suite_run());
}
