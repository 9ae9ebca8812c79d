/* SPDX-License-Identifier: BSD-2-Clause */
/* When an engine does what: start and end of its work, and the history that it thins, in
 * a scripted world. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "enginerig.h"

static int64_t
to_midnight(void)
{
	return DAY - world.wall_ms % DAY;
}

/* --- start, and nothing to do ------------------------------------------------------ */

static void
start_exports_and_sleeps(void **state)
{
	(void)state;
	rig_new(ENGINE_APPLY);
	assert_false(engine_is_idle(rig.engine));
	world_settle(rig.engine);
	assert_int_equal(world.export.times, 1);
	assert_true(world.anew); /* what is there is not known */
	assert_true(engine_is_idle(rig.engine));
	assert_false(engine_is_working(rig.engine));
	rig_assert_next("thinning", to_midnight());
	rig_close();
	/* Another start finds its map, and still does not trust it. */
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	assert_int_equal(world.export.times, 2);
	assert_true(world.anew);
	rig_close();
}

static void
imagining_touches_nothing(void **state)
{
	char *before;

	(void)state;
	rig_new_settled();
	rig_close();
	before = kit_ask(STATE, "SELECT * FROM counter");
	rig_open(ENGINE_IMAGINE);
	engine_read_queue(rig.engine);
	world_settle(rig.engine);
	rig_defer("a.test");
	world_wait(rig.engine, DAY);
	assert_int_equal(rig.decided, 1);
	assert_true(engine_is_idle(rig.engine));
	assert_int_equal(world.export.times + world.retry.times + world.flush.times, 0);
	kit_assert(STATE, "SELECT count(*) FROM destination", "0\n");
	kit_assert(STATE, "SELECT * FROM counter", before);
	free(before);
	rig_close();
}

/* Each thing that is left to do keeps a command from ending, until it is done. */
static void
idle_when_nothing_is_left(void **state)
{
	(void)state;
	rig_new_settled();
	engine_read_queue(rig.engine);
	assert_false(engine_is_idle(rig.engine));
	engine_turn(rig.engine);
	assert_true(engine_is_working(rig.engine)); /* the queue is being read */
	assert_false(engine_is_idle(rig.engine));
	world_settle(rig.engine);
	assert_true(engine_is_idle(rig.engine));
	world_wait(rig.engine, LISTING);
	rig_defer("a.test");
	assert_false(engine_is_idle(rig.engine)); /* news */
	engine_turn(rig.engine);
	assert_true(engine_is_working(rig.engine)); /* it is asked about */
	assert_false(engine_is_idle(rig.engine));
	world_settle(rig.engine);
	assert_false(engine_is_working(rig.engine));
	assert_false(engine_is_idle(rig.engine)); /* an entry that is in no map yet */
	rig_assert_next("export", SETTLE);
	world_pass(SETTLE);
	engine_turn(rig.engine);
	assert_true(engine_is_working(rig.engine));
	engine_turn(rig.engine);
	assert_int_equal(world_waiting(), 1); /* it is exported once at a time */
	world_settle(rig.engine);
	assert_int_equal(world.retry.times, 1);
	/* In 10 s it is retried again if nothing is heard of it: that is not waited for.
	 */
	assert_true(engine_is_idle(rig.engine));
	rig_assert_next("retry", 10 * SECOND);
	rig_close();
}

/* --- history ----------------------------------------------------------------------- */

static void
history_is_thinned_once_a_day(void **state)
{
	static const char add[] = "INSERT OR REPLACE INTO tally VALUES (1, 1, 'sent', 1)";
	static const char count[] = "SELECT count(*) FROM tally";

	(void)state;
	rig_new_settled();
	kit_add(rig.store, "a.test");
	kit_run(STATE, add);
	world_settle(rig.engine);
	kit_assert(STATE, count, "1\n"); /* the start did it for today */
	rig_close();
	rig_open(ENGINE_APPLY); /* ... and another one knows */
	world_settle(rig.engine);
	kit_assert(STATE, count, "1\n");
	world_wait(rig.engine, to_midnight() - 1);
	kit_assert(STATE, count, "1\n");
	rig_assert_next("thinning", 1);
	world_wait(rig.engine, 1);
	kit_assert(STATE, count, "0\n");
	kit_run(STATE, add);
	world_wait(rig.engine, DAY - 1);
	kit_assert(STATE, count, "1\n");
	world_wait(rig.engine, 1);
	kit_assert(STATE, count, "0\n");
	rig_close();
}

static void
deliver(const char *domain)
{
	rig_log_status(domain, "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
}

/* Mail to many names, each once, and never again. */
static void
names_are_forgotten(void **state)
{
	char domain[32];

	(void)state;
	rig_new_settled();
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(domain, sizeof(domain), "n%u.test", i);
		deliver(domain);
	}
	rig_save();
	world_wait(rig.engine, 90 * DAY);
	kit_assert(STATE, "SELECT count(*) FROM destination", "3000\n");
	world_wait(rig.engine, 2 * DAY);
	deliver("live.test");
	rig_save();
	world_wait(rig.engine, 3 * DAY);
	kit_assert(STATE, "SELECT key FROM destination", "live.test\n");
	kit_assert(STATE, "SELECT what FROM tally ORDER BY 1", "sent\nsent:unknown\n");
	kit_assert(STATE, "SELECT count FROM tally_month WHERE what = 'sent'", "3000\n");
	world_wait(rig.engine, 100 * DAY);
	kit_assert(STATE, "SELECT count(*) FROM destination", "0\n");
	world_wait(rig.engine, 340 * DAY);
	kit_assert(STATE,
	    "SELECT count(*) FROM tally_month WHERE month < '2026-12'"
	    " AND what NOT GLOB 'sent:*' AND what NOT GLOB 'grade:*'",
	    "0\n");
	/* Reports are made of these. */
	kit_assert(STATE,
	    "SELECT sum(count) FROM tally_month WHERE what GLOB 'sent:*';"
	    " SELECT sum(count) FROM tally_month WHERE what GLOB 'grade:*'",
	    "3001\n3001\n");
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(start_exports_and_sleeps, NULL,
	    "a start puts the map in place, then it sleeps until midnight");
	suite_add(imagining_touches_nothing, NULL,
	    "what is only imagined leaves state, map and mail as they are");
	suite_add(idle_when_nothing_is_left, NULL,
	    "it is idle exactly when nothing is left to do");
	suite_add(history_is_thinned_once_a_day, NULL,
	    "the history is thinned at the start of each day");
	suite_add(names_are_forgotten, NULL,
	    "destinations that had no mail for 90 days are forgotten");
	return rig_end(suite_run());
}
