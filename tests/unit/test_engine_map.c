/* SPDX-License-Identifier: BSD-2-Clause */
/* When an engine writes the map, and what targets leave for later. */
#include "suite.h"

#include "enginerig.h"

static void
changes_of_a_moment_are_one_map(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_settle(rig.engine);
	world_wait(rig.engine, SETTLE / 2);
	rig_defer("b.test");
	world_settle(rig.engine);
	rig_assert_next("export", SETTLE / 2);
	world_wait(rig.engine, SETTLE / 2);
	assert_int_equal(world.export.times, 1);
	rig_close();
}

/* What changes while it is written is another one. */
static void
change_during_the_export_is_exported(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	rig_defer("b.test");
	for (unsigned i = 0; i < 2; i++) { /* DNS, the queue */
		engine_turn(rig.engine);
		world_work();
	}
	engine_turn(rig.engine);
	world_pass(SETTLE);
	engine_turn(rig.engine);
	world_work(); /* the map is written, of both */
	kit_run(STATE, "UPDATE counter SET value = value + 1 WHERE name = 'map-version'");
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.export.times, 2);
	rig_close();
}

/* Postfix cannot read a map, perhaps ours: it is built anew, once a minute. */
static void
doubted_map_is_built_anew(void **state)
{
	(void)state;
	rig_new_settled();
	world.answer = NULL;
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	assert_false(world.anew);
	world.export.times = 0;
	for (int i = 0; i < 5; i++) {
		rig_defer_because("a.test", REFUSED);
		rig_defer_because("b.test", REFUSED);
		rig_save();
		world_wait(rig.engine, 10 * SECOND);
	}
	assert_int_equal(world.export.times, 1);
	assert_true(world.anew);
	world_pass(MIN);
	rig_defer_because("c.test", REFUSED);
	rig_save();
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.export.times, 2);
	rig_close();
}

/* A large map's text: no command waits for it, and it is re-checked once a minute. */
static void
targets_catch_up_later(void **state)
{
	(void)state;
	rig_new_settled();
	world.lag = true;
	rig_defer("a.test");
	world_wait(rig.engine, SETTLE);
	assert_int_equal(world.export.times, 1);
	assert_true(engine_is_idle(rig.engine));
	world_wait(rig.engine, MIN - 1);
	assert_int_equal(world.catch_up.times, 0);
	world_wait(rig.engine, 1);
	assert_int_equal(world.catch_up.times, 1);
	world_wait(rig.engine, MIN);
	assert_int_equal(world.catch_up.times, 2);
	world.lag = false;
	world_wait(rig.engine, HOUR);
	assert_int_equal(world.catch_up.times, 3);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(changes_of_a_moment_are_one_map, NULL,
	    "changes within map.settle are one map");
	suite_add(change_during_the_export_is_exported, NULL,
	    "what changes while a map is written is exported after it");
	suite_add(doubted_map_is_built_anew, NULL,
	    "a map that Postfix cannot read is built anew, once a minute");
	suite_add(targets_catch_up_later, NULL,
	    "what targets left for later is done once a minute, until nothing is left");
	return rig_end(suite_run());
}
