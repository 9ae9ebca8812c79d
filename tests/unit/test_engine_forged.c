/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines that anybody can write beside those of a message that the queue has: none of them
 * is an attempt of it. */
#include "suite.h"

#include <stdio.h>

#include "engine/engine_impl.h"
#include "enginerig.h"

/* Of mail to a.test, behind "smtp[N]: ID: ". */
static void
line_of(char *text, size_t size, const char *id, const char *reason)
{
	snprintf(text, size,
	    "smtp[77]: %s: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (%s)",
	    id, reason);
}

/* A message that the queue has is tried. */
static void
try(const char *id, const char *reason)
{
	char text[512];

	line_of(text, sizeof(text), id, reason);
	world_log(rig.engine, text);
	rig_save();
	world_settle(rig.engine);
}

/* A line that no attempt is behind, stamped so far ahead. */
static void
forge_line(const char *text, int64_t ahead_ms)
{
	int64_t now_ms = world.wall_ms;

	world.wall_ms += ahead_ms;
	world_log_of(rig.engine, "postfix", text);
	world.wall_ms = now_ms;
	rig_save();
}

static void
forge(const char *id, const char *reason, int64_t ahead_ms)
{
	char text[512];

	line_of(text, sizeof(text), id, reason);
	forge_line(text, ahead_ms);
	world_settle(rig.engine);
}

/* Each line alone, as it is and stamped ahead; then the attempt that counts. */
static void
made_up_lines_are_no_attempts(void **state)
{
	static const int64_t ahead_ms[] = {0, 11 * MIN};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		/* Without posttls-finger their reason decides. */
		rig_new_with(i < 2 ? world_does_no_tls : NULL);
		try("QREAL", NOT_OFFERED);
		world_wait(rig.engine, 11 * MIN - ahead_ms[i % 2]);
		forge("QFORGED", NOT_OFFERED, ahead_ms[i % 2]);
		world_wait(rig.engine, MIN);
		rig_assert_judged("a.test", LEVEL_NONE, WHY_MAY_AFTER);
		assert_int_equal(rig_row("a.test").alarm.plain.count, 1);
		world_wait(rig.engine, 11 * MIN);
		try("QREAL", NOT_OFFERED);
		world_wait(rig.engine, MIN); /* a server is asked each 30 s at most */
		rig_assert_entry("a.test", LEVEL_DANE);
		rig_close();
	}
}

static void
made_up_lines_end_no_hold(void **state)
{
	static const int64_t ahead_ms[] = {0, 2 * HOUR};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		rig_new_with(world_verifies);
		rig_log_session("Verified", "mx.a.test[192.0.2.1]:25");
		rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (ok)");
		rig_save();
		world_wait(rig.engine, HOUR);
		world.finger = world_self_signed;
		try("QREAL", NOT_VERIFIED);
		rig_assert_why("a.test", WHY_HOLD);
		world_wait(rig.engine, DAY + MIN - ahead_ms[i]);
		forge("QFORGED", NOT_VERIFIED, ahead_ms[i]);
		world_wait(rig.engine, 2 * HOUR);
		rig_assert_judged("a.test", LEVEL_NONE, WHY_HOLD);
		try("QREAL", NOT_VERIFIED);
		rig_assert_entry("a.test", LEVEL_ENCRYPT);
		rig_close();
	}
}

/* As often as smtp(8) tries. */
static void
try_for_days(const char *reason)
{
	try("QREAL", reason);
	for (int i = 0; i < 40 && rig_row("a.test").entry.level == LEVEL_NONE; i++) {
		world_wait(rig.engine, 67 * MIN);
		try("QREAL", reason);
	}
}

static void
no_tls_counts_where_nobody_answers(void **state)
{
	(void)state;
	rig_new_with(world_is_silent);
	try_for_days(NOT_OFFERED);
	rig_assert_entry("a.test", LEVEL_DANE);
	rig_close();
}

static void
lines_all_the_time_keep_nobody_waiting(void **state)
{
	char text[512];

	(void)state;
	rig_new_with(world_self_signed);
	line_of(text, sizeof(text), "QREAL", NOT_VERIFIED);
	world_log(rig.engine, text);
	/* A connection takes longer than the next line. */
	for (unsigned n = 0; n < 60; n++) {
		char id[32];

		snprintf(id, sizeof(id), "QF%u", n);
		line_of(text, sizeof(text), id, NOT_VERIFIED);
		forge_line(text, 0);
		for (int t = 0; t < 20; t++)
			engine_turn(rig.engine);
		world_pass(SECOND);
		if (n % 3 == 0)
			world_work();
	}
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	suite_add(made_up_lines_are_no_attempts, NULL,
	    "a line of a message that is not in the queue is no attempt before "
	    "cleartext, whatever its stamp");
	suite_add(made_up_lines_end_no_hold, NULL, "... nor one that ends a hold");
	suite_add(no_tls_counts_where_nobody_answers, NULL,
	    "attempts that met no TLS count where no server answers");
	suite_add(lines_all_the_time_keep_nobody_waiting, NULL,
	    "lines that come faster than servers answer keep nothing from being judged");
	return rig_end(suite_run());
}
