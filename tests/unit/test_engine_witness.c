/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue as a witness: what an engine does with what a listing shows. */
#include "suite.h"

#include <stdio.h>

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

/* Mail waits for another reason; a line that says more about it is not believed, and what
 * the queue shows decides. */
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
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
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

/* So many as may be connected to at once are asked beside the listing, so that nobody
 * waits for one after the other. */
static void
many_wait_for_the_queue_first(void **state)
{
	(void)state;
	for (unsigned count = 64; count <= 65; count++) {
		rig_new_with(world_self_signed);
		rig_defer_many("a", count);
		turns(1);
		for (int i = 0; i < 3; i++)
			engine_turn(rig.engine);
		assert_int_equal(world_waiting(), count == 64 ? 1 + 16 : 1);
		world_settle(rig.engine);
		assert_int_equal(world.fingered, count);
		rig_assert_entry("a7.test", LEVEL_ENCRYPT);
		rig_close();
	}
}

/* Until its deadline; what was not listed tells nothing of how large the queue is. */
static void
listing_that_hung_is_made_again_soon(void **state)
{
	(void)state;
	for (int reads = 0; reads < 2; reads++) {
		rig_new_with(world_self_signed);
		world.queue_ms = 300 * SECOND;
		world.queue.fails = true;
		if (reads)
			engine_read_queue(rig.engine);
		else
			rig_defer("a.test");
		world_settle(rig.engine);
		assert_int_equal(world.queue.times, 1);
		world.queue_ms = 0;
		world.queue.fails = false;
		if (reads)
			rig_defer("a.test");
		world_wait(rig.engine, 70 * SECOND);
		rig_assert_entry("a.test", LEVEL_ENCRYPT);
		rig_close();
	}
}

/* Of a queue that is too large to be listed in time, while mail is deferred all the time.
 */
static void
listings_that_hang_are_far_apart(void **state)
{
	(void)state;
	for (int reads = 0; reads < 2; reads++) {
		char domain[32];

		rig_new_with(world_self_signed);
		world.queue_ms = 300 * SECOND;
		world.queue.fails = true;
		if (reads)
			engine_read_queue(rig.engine);
		for (int minute = 0; minute < 8 * 60; minute += 5) {
			snprintf(domain, sizeof(domain), "d%d.test", minute % 60);
			rig_defer(domain);
			world_wait(rig.engine, 5 * MIN);
		}
		assert_in_range(world.queue.times, 8, 12);
		rig_close();
	}
}

/* Its re-check is due, and nobody can tell of it until the next listing, in an hour. */
static void
who_is_with_somebody_wakes_nobody(void **state)
{
	unsigned wakes = 0;

	(void)state;
	rig_new_with(world_self_signed);
	world.queue_ms = 300 * SECOND;
	world.queue.fails = true;
	rig_defer("a.test");
	world_wait(rig.engine, 6 * MIN);
	for (int second = 0; second < 50 * 60; second++) {
		assert_in_range(engine_wait_ms(rig.engine), 1, 40 * MIN);
		wakes += engine_wait_ms(rig.engine) <= SECOND;
		world_wait(rig.engine, SECOND);
	}
	assert_in_range(wakes, 0, 100);
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

/* The first start reads it as a whole. */
static void
reading_of_the_start_is_a_listing(void **state)
{
	(void)state;
	rig_new_settled();
	world.queue_ms = 3 * SECOND;
	engine_read_queue(rig.engine);
	rig_defer("a.test");
	world_settle(rig.engine);
	assert_int_equal(world.queue.times, 1);
	world_wait(rig.engine, 27 * SECOND - 1);
	assert_int_equal(world.queue.times, 1);
	world_wait(rig.engine, 1);
	assert_int_equal(world.queue.times, 2);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Asked for while a listing is being made, it is read behind that. */
static void
nothing_lists_beside_a_listing(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	turns(1);
	engine_turn(rig.engine);
	assert_int_equal(world_waiting(), 2); /* a listing, and a server that is asked */
	engine_read_queue(rig.engine);
	engine_turn(rig.engine);
	assert_int_equal(world_waiting(), 2);
	world_settle(rig.engine);
	assert_int_equal(world.queue.times, 2);
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

/* Twenty that wait for long are looked at again, one a second. They would have a listing
 * each two seconds, for whose distance mail that fails now would have to wait. */
static void
old_alarms_share_a_listing(void **state)
{
	struct buf sql = {0};
	unsigned before;

	(void)state;
	rig_new_settled();
	for (unsigned i = 0; i < 20; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "p%u.test", i);
		rig_defer_because(domain, NOT_OFFERED);
	}
	rig_save();
	world_settle(rig.engine);
	world_wait(rig.engine, 2 * MIN);
	buf_printf(&sql, "UPDATE destination SET look_ms = %lld + 1000 * id",
	    (long long)world.wall_ms + 2LL * MIN);
	kit_run(STATE, buf_text(&sql));
	buf_clear(&sql);
	before = world.queue.times;
	world_wait(rig.engine, 2 * MIN + 10 * SECOND);
	assert_in_range(world.queue.times - before, 1, 5);
	rig_defer("a.test");
	world_wait(rig.engine, 100);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world_wait(rig.engine, 50 * SECOND);
	assert_in_range(world.queue.times - before, 2, 7);
	kit_assert(
	    STATE, "SELECT count(*) FROM destination WHERE why = 'may-after'", "20\n");
	rig_close();
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
	suite_add(alarm_during_a_listing_waits_for_the_next, NULL,
	    "an alarm that comes while a listing is made waits for the next");
	suite_add(listings_that_hang_are_far_apart, NULL,
	    "listings that hang always are made a tenth of the time");
	suite_add(who_is_with_somebody_wakes_nobody, NULL,
	    "while all that are due are with somebody nobody wakes for them");
	suite_add(listing_that_hung_is_made_again_soon, NULL,
	    "a listing that hung and failed is made again soon");
	suite_add(many_wait_for_the_queue_first, NULL,
	    "servers are asked beside the queue where few wait, else after it");
	suite_add(answer_is_about_its_alarm, NULL,
	    "what is absent is no answer for an alarm that came meanwhile");
	suite_add(listings_keep_their_distance, NULL,
	    "listings begin ten times as far apart as the last one took");
	suite_add(reading_of_the_start_is_a_listing, NULL,
	    "what a first start reads of the queue is one of them");
	suite_add(nothing_lists_beside_a_listing, NULL,
	    "while the queue is listed nobody else reads it");
	suite_add(old_answers_are_asked_anew, NULL,
	    "DNS that answered before a long listing is asked again");
	suite_add(
	    bounced_mail_is_no_witness, NULL, "mail that was bounced is no witness");
	suite_add(imagining_asks_no_queue, NULL, "what is only imagined asks no queue");
	suite_add(
	    held_step_asks_again, NULL, "at the end of a hold the queue is asked again");
	suite_add(old_alarms_share_a_listing, NULL,
	    "mail that waits for long takes no listing from mail that fails now");
	return rig_end(suite_run());
}
