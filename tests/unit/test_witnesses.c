/* SPDX-License-Identifier: BSD-2-Clause */
/* What the witnesses of a step down say, and what is made of it. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "engine/witnesses.h"
#include "sim.h"

static struct sim *
sim_witnessed(void)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	sim->witnessed = true;
	sim->witnesses = (struct witnesses){
	    .queue = QUEUE_SHOWS,
	    .shown_ms = WITNESSED_ANY,
	    .served_ms = WITNESSED_ANY,
	    .prober = ANSWER_YES,
	    .measured = {.asked = true, .answered = true},
	    .canary = CANARY_NONE,
	};
	for (size_t l = 0; l < LEVEL_COUNT; l++)
		sim->witnesses.measured.meets[l] = ANSWER_NO;
	sim->witnesses.measured.meets[LEVEL_MAY] = ANSWER_YES;
	return sim;
}

static void
message_that_is_gone_ends_the_alarm(void **state)
{
	struct sim *sim = sim_witnessed();

	(void)state;
	sim_deliver_in(sim, "Verified");
	sim_wait(sim, HOUR);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim->witnesses.queue = QUEUE_GONE;
	sim_wait(sim, DAY);
	sim_assert(sim, LEVEL_NONE, WHY_GONE);
	assert_false(sim_row(sim).alarm.raised);
	assert_int_equal(sim_row(sim).hold.may_ms, 0);
	assert_int_equal(sim_row(sim).alarm.attempts, 0);
	assert_int_equal(sim_row(sim).look_ms, 0);
	sim_free(sim);
}

/* The reason is about a certificate; the servers do no TLS at all. */
static void
probe_makes_an_attempt_count(void **state)
{
	struct sim *sim = sim_witnessed();

	(void)state;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_MAY_AFTER);
	assert_int_equal(sim_row(sim).alarm.plain.count, 1);
	sim_wait(sim, 10 * MIN);
	assert_int_equal(sim_row(sim).alarm.plain.count, 1);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_DANE, WHY_NOT_ENCRYPTED);
	sim_free(sim);
}

static void
contradiction_weakens_nothing(void **state)
{
	struct sim *sim = sim_witnessed();

	(void)state;
	sim->witnesses.measured.meets[LEVEL_VERIFY] = ANSWER_YES;
	for (unsigned i = 1; i <= 5; i++) {
		sim_defer(sim, NOT_VERIFIED);
		sim_assert(sim, LEVEL_NONE, WHY_CONTRADICTION);
		assert_int_equal(sim->told, i >= 3);
		assert_int_equal(sim->last.decision.retry, i < 3);
		sim_wait(sim, 2 * HOUR); /* a re-check is no attempt */
		assert_int_equal(sim_row(sim).alarm.contradictions, i);
	}
	sim_deliver(sim);
	sim_free(sim);
}

static void
silent_servers_are_waited_for(void **state)
{
	struct sim *sim = sim_witnessed();
	unsigned asked;

	(void)state;
	sim->witnesses.measured.answered = false;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_NO_ANSWER);
	asked = sim->asked;
	sim_wait(sim, DAY - MIN);
	sim_assert(sim, LEVEL_NONE, WHY_NO_ANSWER);
	assert_in_range(sim->asked - asked, 20, 40);
	assert_int_equal(sim->told, 1);
	sim_wait(sim, 2 * MIN);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_int_equal(sim->told, 2);
	sim_free(sim);
}

static void
servers_that_answer_are_waited_for_anew(void **state)
{
	struct sim *sim = sim_witnessed();

	(void)state;
	sim->witnesses.measured.answered = false;
	sim_defer(sim, NOT_VERIFIED);
	sim_wait(sim, 20 * HOUR);
	sim->witnesses.measured.answered = true;
	sim_wait(sim, HOUR);
	sim_assert(sim, LEVEL_NONE, WHY_MAY_AFTER);
	assert_int_equal(sim_row(sim).alarm.silent_ms, 0);
	sim_free(sim);
}

static void
what_is_not_asked_is_wanted(void **state)
{
	struct sim *sim = sim_witnessed();
	struct answers answers = {.relay_fits = true,
	    .other_map = ANSWER_NO,
	    .dane = {.state = DANE_NONE},
	    .witnesses = &sim->witnesses};
	struct judged judged;
	struct destination d, before;

	(void)state;
	destination_init(&d, KEY);
	d.alarm.raised = d.alarm.pending = true;
	str_copy(STR(NOT_VERIFIED), d.alarm.reason, sizeof(d.alarm.reason));
	str_copy(STR("smtp"), d.alarm.service, sizeof(d.alarm.service));
	before = d;
	assert_false(judge_destination(&sim->judge, &d, NULL, START_MS, &judged));
	assert_int_equal(judged.decision.wants, WANTS_DNS);
	sim->witnesses.queue = QUEUE_NOT_ASKED;
	sim->witnesses.measured.asked = false;
	sim->witnesses.canary = CANARY_NOT_ASKED;
	assert_false(judge_destination(&sim->judge, &d, &answers, START_MS, &judged));
	assert_int_equal(
	    judged.decision.wants, WANTS_QUEUE | WANTS_SERVERS | WANTS_CANARY);
	judged_clear(&judged);
	assert_memory_equal(&d, &before, sizeof(d));
	sim_free(sim);
}

/* A rule that names one server is no more than its words either. */
static void
words_are_no_evidence(void **state)
{
	static const char rules[] =
	    "rules:\n- name: mine\n"
	    "  reason: '^host mx\\.d\\.test\\[[^ ]+\\] (?:said|refused to talk to me): "
	    "4'\n"
	    "  fallback: encrypt\n"
	    "  examples: ['host mx.d.test[192.0.2.1] said: 450 no']\n";
	static const char *const reasons[] = {"host mx.d.test[192.0.2.1] said: 450 no",
	    "host mx.d.test[192.0.2.1] refused to talk to me: 421 no"};
	char *files[1];

	(void)state;
	kit_write("mine.yaml", rules, strlen(rules));
	files[0] = (char *)(uintptr_t)kit_path("mine.yaml");
	for (size_t i = 0; i < 2; i++) {
		struct sim *sim = sim_with_rules(LEVEL_VERIFY, files, 1);

		sim_defer(sim, reasons[i]);
		sim_assert(sim, LEVEL_NONE, WHY_RULE_WAITS);
		sim_free(sim);
	}
}

/* What one queue shows no other takes back; gone is what all of them miss. */
static void
several_queues_say_one_thing(void **state)
{
	static const struct {
		enum queue_says first, second, both;
	} rows[] = {
	    {QUEUE_GONE, QUEUE_GONE, QUEUE_GONE},
	    {QUEUE_GONE, QUEUE_NEWER, QUEUE_NEWER},
	    {QUEUE_NEWER, QUEUE_GONE, QUEUE_NEWER},
	    {QUEUE_UNREADABLE, QUEUE_GONE, QUEUE_UNREADABLE},
	    {QUEUE_UNREADABLE, QUEUE_SHOWS, QUEUE_SHOWS},
	    {QUEUE_NEWER, QUEUE_SHOWS, QUEUE_SHOWS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct witnessed w = {.nodes = 5, .told = QUEUE_GONE};
		enum queue_says says = rows[i].first;

		assert_false(witnessed_node_told(&w, 0, &says));
		says = rows[i].second;
		assert_true(witnessed_node_told(&w, 2, &says));
		assert_int_equal(says, rows[i].both);
	}
	for (unsigned at = 0; at < 3; at += 2) {
		struct witnessed w = {.nodes = 5, .told = QUEUE_GONE};
		enum queue_says says = QUEUE_SHOWS;

		assert_true(witnessed_node_told(&w, at, &says));
		assert_int_equal(says, QUEUE_SHOWS);
	}
}

int
main(void)
{
	kit_begin();
	suite_add(message_that_is_gone_ends_the_alarm, NULL,
	    "a message that is gone takes alarm, attempts and hold with it");
	suite_add(probe_makes_an_attempt_count, NULL,
	    "an attempt counts where the probe for it met no TLS");
	suite_add(contradiction_weakens_nothing, NULL,
	    "servers that meet the level are no reason; the third attempt is told");
	suite_add(silent_servers_are_waited_for, NULL,
	    "silent servers are waited for as long as a hold, then the reason decides");
	suite_add(servers_that_answer_are_waited_for_anew, NULL,
	    "servers that answered are waited for anew");
	suite_add(what_is_not_asked_is_wanted, NULL,
	    "what was not asked is wanted, and nothing is touched");
	suite_add(words_are_no_evidence, NULL,
	    "what a server says weakens nothing, whatever a rule says of it");
	suite_add(several_queues_say_one_thing, NULL,
	    "the queues of several nodes say one thing, and one that shows it is enough");
	return kit_end(suite_run());
}
