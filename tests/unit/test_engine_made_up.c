/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines that anybody can write, or that tell of other mail, beside a message that waits:
 * it is decided as without them, nothing is judged without end, and somebody is told. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "core/answers.h"
#include "enginerig.h"
#include "measure/measure.h"

#define GREYLISTED \
	"host mx.a.test[192.0.2.1] said: 450 4.2.0 Greylisted (in reply to RCPT TO)"
#define LIFE_H 119 /* a message bounces an hour later */

static void
log_of(const char *id, const char *domain, const char *what)
{
	char line[600];

	snprintf(line, sizeof(line),
	    "smtp[77]: %s: to=<u@%s>, relay=mx.%s[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.5, status=%s",
	    id, domain, domain, what);
	world_log(rig.engine, line);
}

/* An attempt of Q1, which the queue shows with that reason until the next. */
static void
attempt(const char *reason)
{
	char what[400];

	snprintf(what, sizeof(what), "deferred (%s)", reason);
	log_of("Q1", "a.test", what);
}

/* A line that changes nothing of what the queue has: Q1, for that reason. */
static void
make_up(const char *id, const char *what, const char *reason)
{
	log_of(id, "a.test", what);
	world_unqueue(id);
	world_queue("Q1", "u@a.test", reason);
}

/* With a past that holds a step down. */
static void
rig_new_verified(void)
{
	rig_new_with(world_self_signed);
	rig_notify_admin();
	world.sessions_logged = true;
	rig_close();
	rig_open(ENGINE_APPLY);
	rig_log_session("Verified", "mx.a.test[192.0.2.1]:25");
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, DAY);
}

/* A queue of which a listing takes 5 s, and mail each half a minute. */
static void
mail_that_flows_judges_seldom(void **state)
{
	unsigned judged;

	(void)state;
	rig_new_with(world_self_signed);
	rig_notify_admin();
	world.queue_ms = 5500;
	judged = rig.judged;
	for (int64_t ms = 0; ms < LIFE_H * HOUR; ms += MIN / 2) {
		char id[24];

		if (ms % HOUR == 0)
			attempt(NOT_VERIFIED);
		snprintf(id, sizeof(id), "S%lld", (long long)ms);
		log_of(id, "a.test", "sent (250 Ok)");
		rig_save();
		world_wait(rig.engine, MIN / 2);
	}
	world.queue_ms = 0;
	/* Each attempt, and each hour. */
	assert_in_range(rig.judged - judged, 1, 3 * LIFE_H);
	assert_in_range(world.notify.times, 1, 10);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* In one piece of the log with the attempt. */
static void
other_mail_that_was_sent_ends_no_hold(void **state)
{
	(void)state;
	rig_new_verified();
	for (int hour = 0; hour < 26; hour++) {
		attempt(NOT_VERIFIED);
		rig_log_session("Untrusted", "mx.a.test[192.0.2.1]:25");
		make_up("X1", "sent (250 Ok)", NOT_VERIFIED);
		rig_save();
		world_wait(rig.engine, HOUR);
	}
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* More ids than are kept, and a line that ends an alarm. */
static void
many_ids_hide_nothing(void **state)
{
	(void)state;
	for (int sent = 0; sent < 2; sent++) {
		rig_new_with(world_self_signed);
		for (int hour = 0; hour < 30; hour++) {
			attempt(NOT_VERIFIED);
			for (int i = 0; i < 52; i++) {
				char id[24];

				snprintf(id, sizeof(id), "X%d", i);
				make_up(id, "deferred (" REFUSED ")", NOT_VERIFIED);
			}
			rig_save();
			if (sent) {
				make_up("X1", "sent (250 Ok)", NOT_VERIFIED);
				rig_save();
			}
			world_wait(rig.engine, HOUR);
		}
		rig_assert_entry("a.test", LEVEL_ENCRYPT);
		rig_close();
	}
}

/* Each second 300 names fail and are bounced. */
static void
flood_hides_no_message_that_is_there(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	for (int second = 0; second < 60; second++) {
		for (int i = 0; i < 300; i++) {
			char domain[24], id[24];

			snprintf(domain, sizeof(domain), "x%d.test", i);
			snprintf(id, sizeof(id), "F%d", i);
			log_of(id, domain, "deferred (" NOT_VERIFIED ")");
			world_unqueue(id);
			log_of(id, domain, "bounced (no user)");
		}
		rig_save();
		if (second == 4) {
			attempt(NOT_VERIFIED);
			make_up("X1", "sent (250 Ok)", NOT_VERIFIED);
			rig_save();
		}
		world_wait(rig.engine, SECOND);
	}
	assert_true(rig_row("a.test").alarm.raised);
	rig_close();
}

/* Below an entry, the next step is taken. */
static void
another_reason_is_no_echo(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	attempt(NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	log_of("Q1", "a.test", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, HOUR);
	world.finger = world_does_no_tls;
	for (int hour = 0; hour < 30; hour++) {
		attempt(NOT_OFFERED);
		rig_save();
		world_pass(10);
		make_up("Q1", "deferred (" REFUSED ")", NOT_OFFERED);
		rig_save();
		world_wait(rig.engine, HOUR);
	}
	rig_assert_entry("a.test", LEVEL_DANE);
	rig_close();
}

/* After hold the reason decides, as told once. */
static void
silence_is_waited_for_once(void **state)
{
	(void)state;
	rig_new_with(world_is_silent);
	rig_notify_admin();
	for (int hour = 0; hour < LIFE_H - 1; hour++) {
		attempt(NOT_VERIFIED);
		rig_save();
		world_wait(rig.engine, 2 * MIN);
		make_up("Q1", "sent (250 Ok)", NOT_VERIFIED);
		rig_save();
		world_wait(rig.engine, HOUR - 2 * MIN);
	}
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_in_range(world.notify.times, 1, 8);
	rig_close();
}

/* Silent at the alarm, and again when it starts after it was down: what they did in
 * between nobody knows, so that the wait begins anew. */
static void
silence_that_nobody_watched_is_none(void **state)
{
	const int64_t *down_ms = *state;

	rig_new_with(world_is_silent);
	attempt(NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_NO_ANSWER);
	rig_close();
	world_pass(*down_ms);
	rig_open(ENGINE_APPLY);
	attempt(NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, HOUR);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_NO_ANSWER);
	for (int hour = 1; hour < 23; hour++) {
		attempt(NOT_VERIFIED);
		rig_save();
		world_wait(rig.engine, HOUR);
		rig_assert_entry("a.test", LEVEL_NONE);
	}
	for (int hour = 0; hour < 3; hour++) {
		attempt(NOT_VERIFIED);
		rig_save();
		world_wait(rig.engine, HOUR);
	}
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

static bool dns_is_dead;

static void
answer_while_alive(struct measure_item *item)
{
	if (!dns_is_dead) {
		world_add_host(item, "mx.a.test", PROMISE_NONE);
		return;
	}
	item->answers.dane.state = DANE_UNSURE;
	snprintf(item->answers.text, sizeof(item->answers.text), "mx=servfail");
}

/* Silent in two moments; between them DNS cannot tell who they are, so that nobody asks
 * them, and they work. */
static void
silence_behind_dead_dns_is_none(void **state)
{
	const int64_t *dead_ms = *state;

	dns_is_dead = false;
	rig_new_with(world_is_silent);
	world.answer = answer_while_alive;
	attempt(NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, 10 * SECOND);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_NO_ANSWER);
	dns_is_dead = true;
	world.finger = world_verifies;
	world_wait(rig.engine, *dead_ms);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_DNS_UNSURE);
	dns_is_dead = false;
	world.finger = world_is_silent;
	world_wait(rig.engine, 2 * HOUR);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_NO_ANSWER);
	world.finger = world_verifies;
	attempt(NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, HOUR);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_CONTRADICTION);
	rig_close();
}

/* What is not in such a listing may be there. */
static void
listing_with_a_line_that_cannot_be_read(void **state)
{
	unsigned times;

	(void)state;
	rig_new_with(world_self_signed);
	world.queue_refused = 1;
	log_of("Q1", "a.test", "deferred (" NOT_VERIFIED ")");
	rig_save();
	log_of("Q1", "a.test", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, HOUR);
	times = world.queue.times;
	world_wait(rig.engine, HOUR);
	assert_in_range(world.queue.times - times, 0, 10);
	rig_close();
}

/* Of one message u1 waits for TLS, u2 for a greylist, and u3 was sent. */
static void
recipients_with_several_reasons(void **state)
{
	static const char *const queue[] = {"Q1 u1@a.test " NOT_VERIFIED, NULL};

	(void)state;
	rig_new_with(world_self_signed);
	world.queued = queue;
	for (int hour = 0; hour < 30; hour++) {
		attempt(NOT_VERIFIED);
		log_of("Q1", "a.test", "sent (250 Ok)");
		world_queue("Q1", "u2@a.test", GREYLISTED);
		rig_save();
		world_wait(rig.engine, HOUR);
	}
	world.queued = NULL;
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

static void
queue_that_contradicts_is_no_attempt(void **state)
{
	(void)state;
	rig_new_with(world_does_no_tls);
	attempt(NOT_OFFERED);
	rig_save();
	world_wait(rig.engine, 11 * MIN);
	make_up("Q1", "deferred (" REFUSED ")", NOT_OFFERED);
	rig_save();
	world_wait(rig.engine, 5 * MIN);
	kit_assert(STATE,
	    "SELECT count FROM tally WHERE what = 'deferred:tls-not-offered'", "1\n");
	rig_close();
}

/* Between a decision and the map that has it. */
static void
message_that_left_and_is_there_is_retried(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	attempt(NOT_VERIFIED);
	rig_save();
	world_settle(rig.engine);
	make_up("Q1", "bounced (no user)", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_non_null(strstr(buf_text(&world.retried), "Q1"));
	rig_close();
}

/* The daemon was stopped before it knew that the message left: mail that flows a day
 * later has the entry re-checked all the same. */
static void
entry_is_rechecked_once_its_alarm_is_over(void **state)
{
	unsigned judged;

	(void)state;
	rig_new_with(world_self_signed);
	attempt(NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, 10 * SECOND);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	log_of("Q1", "a.test", "sent (250 Ok)");
	rig_save();
	rig_close();
	world_pass(25 * HOUR);
	world.finger = world_verifies;
	rig_open(ENGINE_APPLY);
	judged = rig.judged;
	log_of("S1", "a.test", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, MIN);
	assert_true(rig.judged > judged);
	assert_false(rig_row("a.test").alarm.raised);
	assert_true(rig_row("a.test").dns.time_ms > world.wall_ms - HOUR);
	rig_close();
}

/* Attempts and mail that is sent by turns, in one piece or in several. */
static void
pieces_of_the_log_come_to_the_same(void **state)
{
	(void)state;
	for (unsigned cuts = 0; cuts < 1 << 5; cuts++) {
		rig_new_verified();
		for (unsigned i = 0; i < 6; i++) {
			if (i % 2 == 0)
				attempt(NOT_VERIFIED);
			else
				log_of("X1", "a.test", "sent (250 Ok)");
			if ((cuts >> i & 1) != 0)
				rig_save();
			world_pass(2 * MIN);
		}
		rig_save();
		assert_true(rig_row("a.test").alarm.raised);
		assert_int_equal(rig_row("a.test").alarm.attempts, 3);
		rig_close();
	}
}

/* One message fails each hour, though the servers do well, and other mail flows. */
static void
contradiction_is_told_while_mail_flows(void **state)
{
	(void)state;
	rig_new_with(world_verifies);
	rig_notify_admin();
	for (int64_t ms = 0; ms < LIFE_H * HOUR; ms += 10 * MIN) {
		char id[24];

		if (ms % HOUR == 0) {
			attempt(NOT_VERIFIED);
			rig_save();
			world_wait(rig.engine, 5 * MIN);
		}
		snprintf(id, sizeof(id), "S%lld", (long long)ms);
		log_of(id, "a.test", "sent (250 Ok)");
		rig_save();
		world_wait(rig.engine, ms % HOUR == 0 ? 5 * MIN : 10 * MIN);
	}
	assert_in_range(world.notify.times, 1, 8);
	rig_close();
}

static void
answer_dane(struct measure_item *item)
{
	item->answers.dane = (struct dane_verdict){
	    .state = DANE_USABLE, .signed_domain = true, .all_usable = true};
	world_add_host(item, "mx.a.test", PROMISE_DANE);
	snprintf(item->answers.text, sizeof(item->answers.text),
	    "mx.a.test address=secure tlsa=usable");
}

static void
matches_dane(const struct finger_question *question, struct server *server)
{
	world_self_signed(question, server);
	server->probe.dane = ANSWER_YES;
}

/* Mail flows, encrypted. One message waits for a greylist; somebody writes of its id. */
static void
greylisted_message_raises_nothing(void **state)
{
	bool meets = *(const bool *)*state;

	rig_new_with(meets ? matches_dane : world_self_signed);
	rig_close();
	world.default_level = LEVEL_ENCRYPT;
	world.can_dane = world.sessions_logged = true;
	world.answer = answer_dane;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	rig_log_session("Untrusted", "mx.a.test[192.0.2.1]:25");
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, DAY);
	make_up("Q1", "deferred (" NOT_OFFERED ")", GREYLISTED);
	rig_save();
	world_wait(rig.engine, HOUR);
	rig_assert_entry("a.test", meets ? LEVEL_DANE_ONLY : LEVEL_NONE);
	rig_close();
}

int
main(void)
{
	static const bool yes = true, no = false;
	static const int64_t down_ms[] = {3 * HOUR, 25 * HOUR, 40 * HOUR, 3 * DAY};

	if (!rig_begin())
		return 1;
	suite_add(mail_that_flows_judges_seldom, NULL,
	    "while other mail flows a message that waits is judged once in a while");
	suite_add(other_mail_that_was_sent_ends_no_hold, NULL,
	    "a hold is over in time though other mail is sent with each attempt");
	suite_add(many_ids_hide_nothing, NULL,
	    "more ids than are kept hide no message that is there");
	suite_add(flood_hides_no_message_that_is_there, NULL,
	    "nor do 300 names that fail and are bounced each second");
	suite_add(another_reason_is_no_echo, NULL,
	    "below an entry another reason than the queue's delays nothing");
	suite_add(silence_is_waited_for_once, NULL,
	    "servers that do not answer are waited for once, whatever the log says");
	for (size_t i = 0; i < sizeof(down_ms) / sizeof(down_ms[0]); i++)
		suite_add(silence_that_nobody_watched_is_none, &down_ms[i],
		    "silence that nobody watched for %d h is none",
		    (int)(down_ms[i] / HOUR));
	for (size_t i = 0; i < sizeof(down_ms) / sizeof(down_ms[0]); i++)
		suite_add(silence_behind_dead_dns_is_none, &down_ms[i],
		    "nor is silence with %d h of dead DNS in it",
		    (int)(down_ms[i] / HOUR));
	suite_add(listing_with_a_line_that_cannot_be_read, NULL,
	    "a listing that cannot be read as a whole is made again after a while");
	suite_add(recipients_with_several_reasons, NULL,
	    "of several reasons of a message the one that a rule knows counts");
	suite_add(queue_that_contradicts_is_no_attempt, NULL,
	    "what the queue shows counts as no deferral of its own");
	suite_add(message_that_left_and_is_there_is_retried, NULL,
	    "a message that left before it was retried, and is there, is retried");
	suite_add(pieces_of_the_log_come_to_the_same, NULL,
	    "wherever a piece of the log ends, attempts are the same");
	suite_add(entry_is_rechecked_once_its_alarm_is_over, NULL,
	    "an entry is re-checked with mail as soon as its alarm is over");
	suite_add(contradiction_is_told_while_mail_flows, NULL,
	    "a message that fails though its servers do well is told while mail flows");
	suite_add(greylisted_message_raises_nothing, &no,
	    "a line of a greylisted message raises nobody to dane-only");
	suite_add(greylisted_message_raises_nothing, &yes,
	    "... whose servers do not meet that");
	return rig_end(suite_run());
}
