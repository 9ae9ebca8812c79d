/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue as a witness: what an engine does with what a listing shows. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/engine_impl.h"
#include "enginerig.h"

/* The queue is listed, and DNS asked, and so on. */
static void
turns(unsigned count)
{
	while (count-- > 0) {
		engine_turn(rig.engine);
		world_work();
	}
}

static void
message_that_is_shown(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_settle(rig.engine);
	assert_int_equal(world.queue.times, 1);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Anybody may write a line; and whoever deletes a message ends its alarm. */
static void
message_that_is_gone(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_unqueue(rig_last_id());
	world_settle(rig.engine);
	assert_int_equal(world.queue.times, 1);
	assert_int_equal(rig.judged, 0);
	assert_false(engine_is_idle(rig.engine));
	rig_assert_next("witness", LISTING);
	world_wait(rig.engine, LISTING);
	assert_int_equal(world.queue.times, 2);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_assert_why("a.test", WHY_GONE);
	assert_false(rig_row("a.test").alarm.raised);
	assert_int_equal(rig_row("a.test").alarm.attempts, 0);
	kit_assert(STATE, "SELECT count(*) FROM waiting", "0\n");
	assert_true(engine_is_idle(rig.engine));
	rig.judged = 0;
	world_wait(rig.engine, 2 * DAY); /* and nothing of it is judged again */
	assert_int_equal(rig.judged, 0);
	assert_int_equal(world.queue.times, 2);
	rig_close();
}

/* Somebody's message that cannot be read costs nobody else the listing; but what is not
 * in it may be that one. */
static void
listing_with_lines_that_are_no_messages(void **state)
{
	(void)state;
	rig_new_settled();
	world.queue_refused = 1;
	rig_defer("a.test");
	rig_defer("b.test");
	world_unqueue(rig_last_id());
	world_settle(rig.engine);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world_wait(rig.engine, HOUR);
	rig_assert_entry("b.test", LEVEL_NONE);
	rig_assert_why("b.test", WHY_QUEUE_UNREAD);
	assert_true(rig_row("b.test").alarm.raised);
	world.queue_refused = 0;
	world_wait(rig.engine, 2 * HOUR);
	rig_assert_why("b.test", WHY_GONE);
	rig_close();
}

/* A listing is no snapshot. */
static void
message_that_is_missed_once(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_unqueue(rig_last_id());
	world_settle(rig.engine);
	rig_close();
	rig_open(ENGINE_APPLY); /* a restart does not count it again */
	world_queue(rig_last_id(), "u@a.test", NOT_VERIFIED);
	world_wait(rig.engine, LISTING);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	kit_assert(STATE, "SELECT absences FROM waiting", "-1\n");
	rig_close();
}

/* Each alarm must be absent twice, not the first of them alone. */
static void
absences_are_counted_by_message(void **state)
{
	char left[40];

	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_unqueue(rig_last_id());
	world_settle(rig.engine);
	world_pass(SECOND);
	rig_defer("a.test");
	world_unqueue(rig_last_id());
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.queue.times, 2);
	assert_true(rig_row("a.test").alarm.pending);
	snprintf(left, sizeof(left), "%s|1\n", rig_last_id());
	kit_assert(STATE, "SELECT queue_id, absences FROM waiting", left);
	world_wait(rig.engine, LISTING);
	rig_assert_why("a.test", WHY_GONE);
	rig_close();
}

static void
message_with_another_reason(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_queue(
	    rig_last_id(), "u@a.test", "connect to mx.a.test: Connection refused");
	world_settle(rig.engine);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_assert_why("a.test", WHY_NEWER);
	assert_true(rig_row("a.test").alarm.raised);
	/* Its own line decides. */
	world_pass(MIN);
	--rig.message;
	rig_defer("a.test");
	world_settle(rig.engine);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

static void
message_that_is_retried(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_queue(rig_last_id(), "u@a.test", "");
	world_settle(rig.engine);
	rig_assert_why("a.test", WHY_NEWER);
	world_queue(rig_last_id(), "u@a.test", NOT_VERIFIED);
	world_wait(rig.engine, 5 * MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Mail waits for another reason; a line that says more about it is not believed. */
static void
reason_that_was_made_up(void **state)
{
	char line[512];

	(void)state;
	rig_new_settled();
	rig.config.ladder.may_after_attempts = 1;
	rig_defer("a.test");
	snprintf(line, sizeof(line),
	    "smtp[77]: %s: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.4, status=deferred (%s)",
	    rig_last_id(), NOT_OFFERED);
	world_log(rig.engine, line);
	world_queue(rig_last_id(), "u@a.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_assert_why("a.test", WHY_NEWER);
	rig_close();
}

static void
queue_that_cannot_be_read(void **state)
{
	(void)state;
	rig_new(ENGINE_APPLY);
	rig_notify_admin();
	world_settle(rig.engine);
	world.queue.fails = true;
	rig_defer("a.test");
	world_settle(rig.engine);
	assert_int_equal(world.queue.times, 1);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_assert_why("a.test", WHY_QUEUE_UNREAD);
	assert_true(rig_row("a.test").alarm.raised);
	assert_true(engine_is_idle(rig.engine));
	world_wait(rig.engine, 25 * SECOND);
	assert_non_null(strstr(buf_text(&world.body), "a.test: queue-unread: "));
	world.queue.fails = false;
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* 10,000 alarms of 2000 destinations. */
static void
flood_is_one_listing(void **state)
{
	(void)state;
	rig_new_settled();
	rig.config.freeze.destinations = 100000;
	for (unsigned i = 0; i < 5; i++)
		rig_defer_many("a", 2000);
	world_settle(rig.engine);
	assert_int_equal(world.queue.times, 1);
	kit_assert(
	    STATE, "SELECT count(*) FROM destination WHERE entry = 'encrypt'", "2000\n");
	assert_int_equal(witnesses_count(rig.engine->witnessed), 0);
	rig_close();
}

/* Who waits takes a bounded room; the others are asked about afterwards. */
static void
crowd_waits_in_turn(void **state)
{
	unsigned listings = 0, most = 3 * WITNESSES_MAX / 2;
	char *left;

	(void)state;
	rig_new_settled();
	rig.config.freeze.destinations = 100000;
	rig_defer_many("a", most);
	for (int i = 0; i < 4; i++) {
		world_settle(rig.engine);
		listings = world.queue.times;
		assert_in_range(witnesses_count(rig.engine->witnessed), 0, WITNESSES_MAX);
		world_wait(rig.engine, LISTING);
	}
	assert_in_range(listings, 2, 3);
	left = kit_ask(STATE, "SELECT count(*) FROM destination WHERE pending");
	assert_string_equal(left, "0\n");
	free(left);
	rig_close();
}

static void
alarm_during_a_listing_waits_for_the_next(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	turns(1);
	engine_turn(rig.engine);
	assert_int_equal(world_waiting(), 2); /* the queue is being listed, beside the
	                                       * server that is asked */
	world_pass(100);
	rig_defer("b.test");
	turns(2);
	world_settle(rig.engine);
	assert_int_equal(world.queue.times, 1);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_assert_entry("b.test", LEVEL_NONE);
	world_wait(rig.engine, LISTING - 101);
	assert_int_equal(world.queue.times, 1);
	world_wait(rig.engine, 1);
	assert_int_equal(world.queue.times, 2);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	rig_close();
}

/* What was not there is no answer for the message that came meanwhile. */
static void
answer_is_about_its_alarm(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_unqueue(rig_last_id());
	world_settle(rig.engine);
	world_pass(LISTING);
	engine_turn(rig.engine);
	world_work(); /* absent twice */
	rig_defer("a.test");
	world_settle(rig.engine);
	assert_int_equal(world.queue.times, 2);
	assert_true(rig_row("a.test").alarm.raised);
	world_wait(rig.engine, LISTING);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Of a large queue. */
static void
listings_keep_their_distance(void **state)
{
	(void)state;
	rig_new_settled();
	world.queue_ms = 3 * SECOND;
	rig_defer("a.test");
	world_settle(rig.engine);
	rig_defer("b.test");
	world_wait(rig.engine, 27 * SECOND - 1);
	assert_int_equal(world.queue.times, 1);
	world_wait(rig.engine, 1);
	assert_int_equal(world.queue.times, 2);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	rig_close();
}

/* DNS that answered before a long wait is asked again, and the queue is not. */
static void
old_answers_are_asked_anew(void **state)
{
	(void)state;
	rig_new_settled();
	world.queue_ms = 70 * SECOND;
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.queue.times, 1);
	assert_int_equal(world.asked, 2);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_int_equal(witnesses_count(rig.engine->witnessed), 0);
	rig_close();
}

/* It was refused for good: nothing waits for an entry. */
static void
bounced_mail_is_no_witness(void **state)
{
	(void)state;
	rig_new_settled();
	world_log(rig.engine,
	    "smtp[77]: Q1: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=5.7.5, status=bounced (" NOT_VERIFIED ")");
	rig_save();
	world_settle(rig.engine);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_assert_why("a.test", WHY_GONE);
	rig_close();
}

/* The log is of another machine, perhaps. */
static void
imagining_asks_no_queue(void **state)
{
	(void)state;
	rig_new(ENGINE_IMAGINE);
	world_settle(rig.engine);
	rig_defer("a.test");
	world_unqueue(rig_last_id());
	world_settle(rig.engine);
	assert_int_equal(rig.decided, 1);
	assert_int_equal(world.queue.times, 0);
	rig_close();
}

/* A hold that is over is not for a message that was deleted meanwhile. */
static void
held_step_asks_again(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer_because("a.test", NOT_OFFERED);
	rig_save();
	world_settle(rig.engine);
	rig_assert_why("a.test", WHY_MAY_AFTER);
	world_unqueue(rig_last_id());
	world_wait(rig.engine, 11 * MIN);
	rig_assert_why("a.test", WHY_GONE);
	assert_int_equal(rig_row("a.test").alarm.plain.count, 0);
	assert_int_equal(rig_row("a.test").look_ms, 0);
	assert_int_equal(world.queue.times, 3);
	rig_close();
}

/* How a message leaves the queue, and whether its alarm is over by that. */
static const struct {
	const char *program;
	const char *text; /* behind its id */
	bool ends;
} leaves[] = {
    {"qmgr[7]", ": from=<s@s.test>, status=expired, returned to sender", true},
    {"qmgr[7]", ": from=<>, status=force-expired, returned to sender", true},
    {"qmgr[7]", "X: from=<>, status=expired, returned to sender", false},
    {"qmgr[7]", ": from=<a>, status=expired, returned to sender>, size=1", false},
    {"cleanup[7]", ": from=<>, status=expired, returned to sender", false},
    {"smtp[77]",
        ": to=<u@A.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, "
        "delays=8/0/0.03/0.02, dsn=5.1.1, status=bounced (host said: 550 no user)",
        true},
    {"smtp[77]",
        ": to=<u@b.test>, relay=mx.b.test[192.0.2.1]:25, delay=9, "
        "delays=8/0/0.03/0.02, dsn=5.1.1, status=bounced (host said: 550 no user)",
        false},
};

static void
message_that_leaves_ends_its_alarm(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		char line[512];

		rig_new_settled();
		rig_defer_because("a.test", NOT_OFFERED);
		rig_save();
		world_settle(rig.engine);
		assert_why("a.test", WHY_MAY_AFTER);
		snprintf(line, sizeof(line), "%s: %s%s", leaves[i].program, last_id(),
		    leaves[i].text);
		world_log(rig.engine, line);
		rig_save();
		assert_int_equal(row("a.test").alarm.raised, !leaves[i].ends);
		assert_int_equal(row("a.test").alarm.attempts, !leaves[i].ends);
		assert_int_equal(row("a.test").look_ms == 0, leaves[i].ends);
		kit_assert(STATE, "SELECT count(*) FROM waiting",
		    leaves[i].ends ? "0\n" : "1\n");
		rig_close();
	}
}

/* Another one waits for the same. */
static void
others_that_wait_keep_the_alarm(void **state)
{
	char line[512];

	(void)state;
	rig_new_settled();
	rig_defer_because("a.test", NOT_OFFERED);
	rig_defer_because("a.test", NOT_OFFERED);
	rig_save();
	world_settle(rig.engine);
	snprintf(line, sizeof(line),
	    "qmgr[7]: %s: from=<s@s.test>, status=expired, returned to sender",
	    last_id());
	world_log(rig.engine, line);
	rig_save();
	assert_true(row("a.test").alarm.raised);
	kit_assert(STATE, "SELECT count(*) FROM waiting", "1\n");
	rig_close();
}

/* --- many messages ----------------------------------------------------------------- */

/* A line of that message, which is in the queue then unless it was made up. */
static void
defer_id(const char *id, bool made_up)
{
	char line[400];

	snprintf(line, sizeof(line),
	    "smtp[77]: %s: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")",
	    id);
	world_log(rig.engine, line);
	if (made_up)
		world_unqueue(id);
}

static void
send_id(const char *id)
{
	char line[400];

	snprintf(line, sizeof(line),
	    "smtp[78]: %s: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=3609, "
	    "delays=3608/0/0.03/0.02, dsn=2.0.0, status=sent (250 Ok)",
	    id);
	world_log(rig.engine, line);
	world_unqueue(id);
}

static void
defer_many(const char *prefix, unsigned count, bool made_up)
{
	for (unsigned i = 0; i < count; i++) {
		char id[32];

		snprintf(id, sizeof(id), "%s%u", prefix, i);
		defer_id(id, made_up);
	}
}

static void
certificate_is_bad(const struct finger_question *q, struct server *server)
{
	*server = (struct server){.chain = ANSWER_YES,
	    .probe = {.end = PROBE_TLS, .encrypt = ANSWER_YES, .dane = ANSWER_NO}};
	names_add(server->names, str_of(q->host));
}

/* A certificate was seen lately, so that a step down is held for days. */
static void
rig_new_held(void)
{
	rig_new_settled();
	rig_notify_admin();
	world.sessions_logged = true;
	world.finger = certificate_is_bad;
	rig_close();
	rig_open(ENGINE_APPLY);
	world_log(rig.engine,
	    "smtp[78]: Verified TLS connection established to "
	    "mx.a.test[192.0.2.1]:25: TLSv1.3 with cipher "
	    "TLS_AES_256_GCM_SHA384 (256/256 bits)");
	send_id("Q0");
	rig_save();
	world_wait(rig.engine, DAY);
}

static void
sent_mail_leaves_nothing(void **state)
{
	const unsigned counts[] = {5, 60};

	(void)state;
	for (size_t c = 0; c < 2; c++) {
		rig_new_held();
		defer_many("Q", counts[c], false);
		rig_save();
		world_wait(rig.engine, HOUR);
		assert_true(row("a.test").alarm.raised);
		for (unsigned i = 0; i < counts[c]; i++) {
			char id[32];

			snprintf(id, sizeof(id), "Q%u", i);
			send_id(id);
		}
		rig_save();
		kit_assert(STATE, "SELECT count(*) FROM waiting", "0\n");
		world_wait(rig.engine, 2 * DAY);
		defer_id("R1", false);
		rig_save();
		world_wait(rig.engine, MIN);
		assert_true(row("a.test").alarm.raised);
		kit_assert(STATE, "SELECT queue_id, absences FROM waiting", "R1|-1\n");
		rig_close();
	}
}

/* Before, behind and around the line of the one that is there, in one piece of the log or
 * in several. */
static void
made_up_ids_hide_nothing(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 8; bits++) {
		rig_new_settled();
		defer_many("X", (bits & 1) != 0 ? 60 : 0, true);
		if ((bits & 4) != 0)
			rig_save();
		defer_id("Q1", false);
		if ((bits & 4) != 0)
			rig_save();
		defer_many("Y", (bits & 2) != 0 ? 60 : 0, true);
		rig_save();
		world_wait(rig.engine, MIN);
		assert_true(row("a.test").alarm.raised);
		world_wait(rig.engine, HOUR);
		defer_id("Q1", false);
		rig_save();
		world_wait(rig.engine, MIN);
		rig_assert_entry("a.test", LEVEL_ENCRYPT);
		rig_close();
	}
}

/* Where none of them is there, they are gone as one would be. */
static void
many_that_are_gone_are_gone(void **state)
{
	(void)state;
	rig_new_settled();
	defer_many("X", 60, true);
	rig_save();
	world_wait(rig.engine, HOUR);
	assert_false(row("a.test").alarm.raised);
	kit_assert(STATE, "SELECT count(*) FROM waiting", "0\n");
	rig_close();
}

/* postqueue -i does nothing while a message is on its way to another recipient. */
static void
message_that_was_given_up_is_there(void **state)
{
	(void)state;
	rig_new_settled();
	world.finger = certificate_is_bad;
	rig_defer("a.test");
	world_wait(rig.engine, HOUR);
	kit_assert(STATE, "SELECT count(*) FROM waiting", "1\n");
	assert_true(row("a.test").alarm.raised);
	/* And it counts as there for whoever asks. */
	world_wait(rig.engine, DAY);
	kit_assert(STATE, "SELECT count(*) FROM waiting", "1\n");
	assert_true(row("a.test").alarm.raised);
	rig_close();
}

/* It was deleted, which the log does not say. */
static void
message_that_was_given_up_is_gone(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_settle(rig.engine);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world_unqueue(last_id());
	world_wait(rig.engine, 2 * MIN);
	kit_assert(STATE, "SELECT count(*) FROM waiting", "0\n");
	assert_false(row("a.test").alarm.raised);
	assert_int_equal(world.queue.times, 3);
	assert_true(engine_is_idle(rig.engine));
	rig_close();
}

/* Other mail flowed, so it is retried no more; it may have been sent as well. */
static void
message_that_was_retried_while_mail_flowed(void **state)
{
	(void)state;
	for (int is_there = 0; is_there < 2; is_there++) {
		rig_new_settled();
		defer_id("Q1", false);
		defer_id("Q2", false);
		rig_save();
		world_wait(rig.engine, 5000);
		rig_assert_entry("a.test", LEVEL_ENCRYPT);
		kit_assert(STATE, "SELECT DISTINCT tries FROM waiting", "1\n");
		send_id("Q2");
		rig_save();
		if (!is_there)
			world_unqueue("Q1");
		world_wait(rig.engine, MIN);
		kit_assert(STATE, "SELECT queue_id FROM waiting", is_there ? "Q1\n" : "");
		assert_true(engine_is_idle(rig.engine));
		rig_close();
	}
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	suite_add(message_that_is_shown, NULL,
	    "a message that the queue shows is a witness at once");
	suite_add(message_that_is_gone, NULL,
	    "one that two listings miss ends its alarm, for good");
	suite_add(listing_with_lines_that_are_no_messages, NULL,
	    "lines of a listing that are no messages cost nobody else anything");
	suite_add(message_that_is_missed_once, NULL,
	    "one that a listing misses is looked for again, by the next start too");
	suite_add(
	    absences_are_counted_by_message, NULL, "each message must be missed twice");
	suite_add(message_with_another_reason, NULL,
	    "one with another reason is waited for: its own line decides");
	suite_add(message_that_is_retried, NULL, "and so is one that is being retried");
	suite_add(reason_that_was_made_up, NULL,
	    "a reason that the queue does not show is not believed");
	suite_add(queue_that_cannot_be_read, NULL,
	    "a queue that cannot be read weakens nothing, and is alerted");
	suite_add(flood_is_one_listing, NULL, "10,000 alarms are one listing");
	suite_add(crowd_waits_in_turn, NULL, "who waits takes a bounded room");
	suite_add(alarm_during_a_listing_waits_for_the_next, NULL,
	    "an alarm that comes while a listing is made waits for the next");
	suite_add(answer_is_about_its_alarm, NULL,
	    "what is absent is no answer for an alarm that came meanwhile");
	suite_add(listings_keep_their_distance, NULL,
	    "listings begin ten times as far apart as the last one took");
	suite_add(old_answers_are_asked_anew, NULL,
	    "DNS that answered before a long listing is asked again");
	suite_add(
	    bounced_mail_is_no_witness, NULL, "mail that was bounced is no witness");
	suite_add(imagining_asks_no_queue, NULL, "what is only imagined asks no queue");
	suite_add(
	    held_step_asks_again, NULL, "at the end of a hold the queue is asked again");
	suite_add(message_that_leaves_ends_its_alarm, NULL,
	    "a message that expires or is bounced ends its alarm");
	suite_add(
	    others_that_wait_keep_the_alarm, NULL, "while others wait the alarm stays");
	suite_add(sent_mail_leaves_nothing, NULL,
	    "mail that was sent leaves nothing that hides the next alarm");
	suite_add(made_up_ids_hide_nothing, NULL,
	    "ids that were made up do not end the alarm of a message that is there");
	suite_add(
	    many_that_are_gone_are_gone, NULL, "more than are kept are gone as one is");
	suite_add(message_that_was_given_up_is_there, NULL,
	    "a message of whose retries there is no word waits on");
	suite_add(message_that_was_given_up_is_gone, NULL,
	    "unless two listings of the queue miss it");
	suite_add(message_that_was_retried_while_mail_flowed, NULL,
	    "one that was retried while mail flowed waits as long as the queue has it");
	return rig_end(suite_run());
}
