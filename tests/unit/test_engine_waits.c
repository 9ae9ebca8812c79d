/* SPDX-License-Identifier: BSD-2-Clause */
/* Nobody waits unseen: mail that waits for long, and mail that soon bounces. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "enginerig.h"

#define HALF_HOUR (30 * MIN)
#define STEP      (5 * MIN)

static const char *queue_id = "QW";

static void
defer(const char *reason)
{
	char text[512];

	snprintf(text, sizeof(text),
	    "smtp[77]: %s: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (%s)",
	    queue_id, reason);
	world_log(rig.engine, text);
	rig_save();
	world_settle(rig.engine);
}

/* It is tried once an hour, and fails again when it is retried. */
static void
fail_for(const char *reason, int64_t ms)
{
	unsigned retried = world.retry.times;

	for (int64_t at_ms = STEP; at_ms <= ms; at_ms += STEP) {
		world_wait(rig.engine, STEP);
		if (world.retry.times != retried || at_ms % HOUR == 0)
			defer(reason);
		retried = world.retry.times;
	}
}

/* Mail to a.test was deferred nine seconds after it came, at the beginning. */
static void
begin(const char *reason)
{
	rig_new(ENGINE_APPLY);
	world.default_level = LEVEL_ENCRYPT;
	world_settle(rig.engine);
	rig_notify_admin();
	queue_id = "QW";
	rig.config.ladder.may_after_attempts = 1000000;
	defer(reason);
}

static void
assert_mail(unsigned times, const char *text)
{
	assert_int_equal(world.notify.times, times);
	assert_non_null(strstr(buf_text(&world.body), text));
}

/* may-after alerts by rule alone. */
static void
long_wait_is_alerted(void **state)
{
	(void)state;
	begin(NOT_OFFERED);
	fail_for(NOT_OFFERED, 4 * HOUR - STEP);
	assert_int_equal(world.notify.times, 0);
	assert_string_equal(why_slug(kit_get(rig.store, "a.test").why), "may-after");
	fail_for(NOT_OFFERED, HALF_HOUR);
	assert_mail(1, "a.test: may-after: ");
	assert_mail(1, "; mail waits since 2026-11-24T01:26:");
	assert_mail(1, "; the first message bounces at 2026-11-29T01:26:50Z");
	fail_for(NOT_OFFERED, 4 * DAY + 8 * HOUR - HALF_HOUR);
	assert_int_equal(world.notify.times, 1);
	fail_for(NOT_OFFERED, HALF_HOUR);
	assert_mail(2, "; the first message bounces at 2026-11-29T01:26:50Z");
	fail_for(NOT_OFFERED, 11 * HOUR);
	assert_int_equal(world.notify.times, 2);
	rig_close();
}

/* What a decision alerted waits on for days. */
static void
bounce_is_alerted_once_more(void **state)
{
	(void)state;
	begin(TLSA_ERROR);
	fail_for(TLSA_ERROR, 4 * DAY);
	assert_mail(1, "a.test: rule-waits: ");
	rig_close(); /* what was alerted is known after it */
	rig_open(ENGINE_APPLY);
	fail_for(TLSA_ERROR, 12 * HOUR - HALF_HOUR);
	assert_int_equal(world.notify.times, 1);
	fail_for(TLSA_ERROR, 2 * HALF_HOUR);
	assert_mail(2, "a.test: rule-waits: ");
	fail_for(TLSA_ERROR, 11 * HOUR);
	assert_int_equal(world.notify.times, 2);
	rig_close();
}

/* Two causes in turn, eight hours each, for three days; one alerts by itself, the other
 * does once it lasted. */
static void
cause_that_comes_back_is_not_alerted_again(void **state)
{
	(void)state;
	begin(TLSA_ERROR);
	for (unsigned i = 0; i < 9; i++)
		fail_for(i % 2 == 0 ? TLSA_ERROR : NOT_OFFERED, 8 * HOUR);
	assert_int_equal(world.notify.times, 2);
	assert_mail(2, "a.test: may-after: ");
	rig_close();
}

/* The clock was a year behind when it was alerted, and is right again; there is always
 * another message that waits. */
static void
bounce_is_alerted_once_whatever_the_clock(void **state)
{
	(void)state;
	begin(TLSA_ERROR);
	fail_for(TLSA_ERROR, 4 * DAY + 13 * HOUR);
	assert_mail(2, "a.test: rule-waits: ");
	queue_id = "QX";
	defer(TLSA_ERROR);
	world.wall_ms += 365 * DAY;
	queue_id = "QY";
	defer(TLSA_ERROR);
	fail_for(TLSA_ERROR, 4 * DAY + 13 * HOUR);
	assert_int_equal(world.notify.times, 2);
	rig_close();
}

/* It is deleted, of which the log says nothing, and nothing else had it looked for. */
static void
deleted_mail_does_not_bounce(void **state)
{
	static const char *const reasons[] = {TLSA_ERROR, NOT_OFFERED};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const char *reason = reasons[i % 2];

		begin(reason);
		world.finger = i / 2 == 0 ? NULL : world_self_signed;
		fail_for(reason, DAY);
		world_unqueue("QW");
		world.notify.times = 0;
		world_wait(rig.engine, 6 * DAY);
		assert_int_equal(world.notify.times, 0);
		rig_close();
	}
}

static void
short_wait_is_not_alerted(void **state)
{
	(void)state;
	begin(NOT_OFFERED);
	fail_for(NOT_OFFERED, 3 * HOUR);
	world_log(rig.engine,
	    "smtp[77]: QW: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=2.0.0, status=sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, 10 * DAY);
	assert_int_equal(world.notify.times, 0);
	kit_assert(STATE, "SELECT count(*) FROM wait_alert", "0\n");
	rig_close();
}

static void
flow(void)
{
	char text[300];

	snprintf(text, sizeof(text),
	    "smtp[77]: %s: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=2.0.0, status=sent (250 Ok)",
	    queue_id);
	world_log(rig.engine, text);
	rig_save();
	world_unqueue(queue_id);
}

/* It failed and flowed again time and again, each of which was told; then it lasts. */
static void
lasting_wait_is_alerted_however_often_it_ended(void **state)
{
	static const char *const ids[] = {"QA", "QB", "QC", "QD", "QE"};
	const unsigned *ended = *state;

	begin(TLSA_ERROR);
	for (unsigned i = 0; i < *ended; i++) {
		fail_for(TLSA_ERROR, HALF_HOUR);
		flow();
		world_wait(rig.engine, HOUR);
		queue_id = ids[i];
		defer(TLSA_ERROR);
	}
	world.notify.times = 0;
	fail_for(TLSA_ERROR, 4 * HOUR - STEP);
	assert_int_equal(world.notify.times, 0);
	fail_for(TLSA_ERROR, HALF_HOUR);
	assert_mail(1, "a.test: rule-waits: ");
	assert_mail(1, "; mail waits since ");
	fail_for(TLSA_ERROR, 3 * DAY);
	assert_int_equal(world.notify.times, 1);
	rig_close();
}

int
main(void)
{
	static const unsigned three = 3, four = 4;

	if (!rig_begin())
		return 2;
	suite_add(long_wait_is_alerted, NULL,
	    "mail that waits for four hours is alerted where no decision was");
	suite_add(bounce_is_alerted_once_more, NULL,
	    "mail that waits is alerted once more 12 hours before it bounces");
	suite_add(cause_that_comes_back_is_not_alerted_again, NULL,
	    "a cause that comes back while the same mail waits is not alerted again");
	suite_add(bounce_is_alerted_once_whatever_the_clock, NULL,
	    "which is once, though the clock is set meanwhile");
	suite_add(deleted_mail_does_not_bounce, NULL, "mail that was deleted is not");
	suite_add(short_wait_is_not_alerted, NULL, "mail that waits for less is not");
	suite_add(lasting_wait_is_alerted_however_often_it_ended, &three,
	    "what lasts is alerted after three alerts in a day that ended");
	suite_add(lasting_wait_is_alerted_however_often_it_ended, &four,
	    "... and after a fourth that was none");
	return rig_end(suite_run());
}
