/* SPDX-License-Identifier: BSD-2-Clause */
/* When an engine reads the queue, and retries the mail that waits. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "enginerig.h"

static void
queue_is_read_once(void **state)
{
	static const char *const mails[] = {"QA u@a.test " NOT_VERIFIED,
	    "QB u@b.test " NOT_VERIFIED, "QC u@c.test", NULL};

	(void)state;
	rig_new(ENGINE_APPLY);
	assert_false(engine_left_queue(rig.engine));
	engine_read_queue(rig.engine);
	rig_close();
	/* It was stopped before. */
	rig_open(ENGINE_APPLY);
	assert_true(engine_left_queue(rig.engine));
	engine_read_queue(rig.engine);
	world.queued = mails;
	world_wait(rig.engine, LISTING);
	assert_int_equal(world.queue.times, 2); /* the second time as a witness */
	assert_false(engine_left_queue(rig.engine));
	/* Nobody is asked, and the queue does not say whose server it was. */
	rig_assert_judged("a.test", LEVEL_NONE, WHY_NO_HOST);
	rig_assert_judged("b.test", LEVEL_NONE, WHY_NO_HOST);
	kit_assert(STATE, "SELECT count(*) FROM destination", "2\n");
	assert_string_equal(buf_text(&world.retried), "QA QB ");
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, LISTING);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

static void
crowd_is_flushed_once_a_minute(void **state)
{
	(void)state;
	rig_new_settled();
	rig.config.freeze.destinations = 10000;
	for (int i = 0; i < 60; i++)
		rig_defer_because("a.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.flush.times, 1);
	assert_int_equal(world.retry.times, 0);
	for (int i = 0; i < 60; i++)
		rig_defer_because("b.test", NOT_VERIFIED);
	rig_defer_because("c.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, LISTING);
	assert_int_equal(world.flush.times, 1);
	assert_int_equal(world.retry.times, 1); /* who are few need not wait for it */
	assert_false(engine_is_idle(rig.engine));
	world_wait(rig.engine, 58 * SECOND - LISTING);
	assert_int_equal(world.flush.times, 1);
	world_wait(rig.engine, 3 * SECOND);
	assert_int_equal(world.flush.times, 2);
	rig_close();
}

static void
retry_that_is_off_is_off(void **state)
{
	(void)state;
	rig_new(ENGINE_APPLY);
	rig.config.postfix.retry = false;
	world_settle(rig.engine);
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_int_equal(world.retry.times + world.flush.times, 0);
	assert_true(engine_is_idle(rig.engine));
	rig_close();
}

/* Three times, the last a minute after the one before; then it is Postfix's. */
static void
mail_without_word_is_retried_thrice(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.retry.times, 1);
	world_wait(rig.engine, 10 * SECOND);
	assert_int_equal(world.retry.times, 2);
	world_wait(rig.engine, MIN);
	assert_int_equal(world.retry.times, 3);
	world_wait(rig.engine, HOUR);
	assert_int_equal(world.retry.times, 3);
	rig_close();
}

/* What was being retried when a process ended is retried by the next. */
static void
retry_cut_short_is_done_again(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_settle(rig.engine);
	world_pass(SETTLE);
	engine_turn(rig.engine);
	world_work();
	engine_turn(rig.engine);
	kit_assert(STATE, "SELECT version FROM waiting", "-1\n");
	assert_int_equal(world_waiting(), 1);
	rig_close();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	assert_int_equal(world.retry.times, 1);
	rig_close();
}

#define OUR_FAULT "client TLS configuration problem"

static void
name_server(struct measure_item *item)
{
	snprintf(item->answers.text, sizeof(item->answers.text), "mx.%s tlsa=none",
	    item->nexthop.host);
}

static void
log_verified(const char *domain)
{
	char relay[64];

	snprintf(relay, sizeof(relay), "mx.%s[192.0.2.1]:25", domain);
	rig_log_session("Verified", relay);
	rig_log_status(domain, relay, "2.0.0", "sent (250 ok)");
	rig_save();
}

/* The map was gone, say: once another message verifies, what waited is tried at once. */
static void
fault_of_ours_that_is_over(void **state)
{
	(void)state;
	rig_new_settled();
	world.answer = name_server;
	log_verified("good.test");
	world_wait(rig.engine, MIN);
	rig_defer_because("a.test", OUR_FAULT);
	rig_save();
	world_wait(rig.engine, 10 * MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_OUR_FAULT);
	assert_int_equal(world.retry.times, 0);
	log_verified("good.test");
	world_wait(rig.engine, HOUR);
	assert_true(world.retry.times > 0);
	rig_close();
}

/* Is that queue id retried, and how often? */
static unsigned
retries_of(unsigned message)
{
	char id[32];
	unsigned count = 0;
	const char *at = buf_text(&world.retried);

	snprintf(id, sizeof(id), "Q%u ", message);
	for (; (at = strstr(at, id)) != NULL; at += strlen(id))
		count += at == buf_text(&world.retried) || at[-1] == ' ';
	return count;
}

/*
 * A few of each of twelve domains, and more than a flush is better for of one: each
 * message once, whose next line is then its end, and no more than one flush a minute.
 */
static void
fault_that_is_over_is_one_retry(void **state)
{
	unsigned first, last;

	(void)state;
	rig_new_settled();
	world.answer = name_server;
	log_verified("good.test");
	world_wait(rig.engine, MIN);
	first = rig.message + 1;
	for (int i = 0; i < 36; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "few%d.test", i % 12);
		rig_defer_because(domain, OUR_FAULT);
	}
	last = rig.message;
	for (int i = 0; i < 60; i++)
		rig_defer_because("crowd.test", OUR_FAULT);
	rig_save();
	world_wait(rig.engine, 10 * MIN);
	assert_int_equal(world.retry.times + world.flush.times, 0);
	log_verified("good.test");
	for (int s = 0; s < 3600 && world.retry.times == 0; s++)
		world_wait(rig.engine, SECOND);
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.flush.times, 1);
	for (unsigned n = first; n <= rig.message; n++) {
		char domain[32] = "crowd", line[256];

		if (n <= last)
			snprintf(domain, sizeof(domain), "few%u", (n - first) % 12);
		snprintf(line, sizeof(line),
		    "smtp[7%u]: Q%u: to=<u@%s.test>, relay=mx[192.0.2.1]:25, delay=9, "
		    "delays=9/0/0/0, dsn=2.0.0, status=sent (250 Ok)",
		    n, n, domain);
		world_log(rig.engine, line);
	}
	rig_save();
	world_wait(rig.engine, HOUR);
	for (unsigned n = first; n <= last; n++)
		if (retries_of(n) != 1)
			fail_msg("message %u: %u retries: %s", n - first, retries_of(n),
			    buf_text(&world.retried));
	assert_int_equal(world.flush.times, 1);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(queue_is_read_once, NULL,
	    "the queue is read once, by the next start if need be");
	suite_add(crowd_is_flushed_once_a_minute, NULL,
	    "a crowd is flushed, once a minute; the few do not wait for it");
	suite_add(retry_that_is_off_is_off, NULL, "postfix.retry: false retries nothing");
	suite_add(mail_without_word_is_retried_thrice, NULL,
	    "mail of which there is no word is retried three times");
	suite_add(retry_cut_short_is_done_again, NULL,
	    "a retry that a restart cut short is done again");
	suite_add(fault_that_is_over_is_one_retry, NULL,
	    "a fault of ours that is over is one retry of each message, and one flush of "
	    "a "
	    "crowd");
	suite_add(fault_of_ours_that_is_over, NULL,
	    "mail that a fault of ours deferred is retried when others show that it is "
	    "over");
	return rig_end(suite_run());
}
