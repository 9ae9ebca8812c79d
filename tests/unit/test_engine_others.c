/* SPDX-License-Identifier: BSD-2-Clause */
/* An engine beside other commands: what they do to the database, pins of theirs, and who
 * counts lines. */
#include "suite.h"

#include "enginerig.h"

static void
other_commands_are_noticed(void **state)
{
	struct destination d;
	int64_t version;

	(void)state;
	rig_new_settled();
	destination_init(&d, "a.test");
	d.entry.level = LEVEL_ENCRYPT;
	d.pin.set = true;
	d.look_ms = d.pin.until_ms = world.wall_ms + HOUR;
	kit_begin_transaction(rig.store);
	kit_put(rig.store, &d);
	assert_true(store_map_changed(rig.store, &version, &kit_err));
	assert_true(store_entry_version(rig.store, d.id, version, &kit_err));
	kit_commit(rig.store);
	world_settle(rig.engine);
	rig_assert_next("export", SETTLE);
	world_wait(rig.engine, SETTLE);
	assert_int_equal(world.export.times, 1);
	world_wait(rig.engine, MIN);                     /* what was counted is stored */
	rig_assert_next("judging", HOUR - SETTLE - MIN); /* the pin ends */
	world_wait(rig.engine, HOUR);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_close();
}

static void
pin_of_a_parent_stands(void **state)
{
	struct destination d;
	bool found;

	(void)state;
	rig_new_settled();
	assert_true(store_get(rig.store, ".test", &d, &found, &kit_err));
	destination_pin(
	    &d, demand_of(LEVEL_SECURE), world.wall_ms + HOUR, "", world.wall_ms);
	kit_put(rig.store, &d);
	destination_clear(&d);
	rig_defer("a.test");
	rig_save();
	world_settle(rig.engine);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_assert_entry(".test", LEVEL_SECURE);
	world_pass(HOUR + MIN);
	world_settle(rig.engine);
	rig_assert_entry(".test", LEVEL_NONE); /* the ladder does not judge it */
	d = kit_get(rig.store, ".test");
	assert_int_equal(d.look_ms, 0);
	assert_false(d.pin.set);
	rig_defer("a.test");
	rig_save();
	world_settle(rig.engine);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* --- who counts lines -------------------------------------------------------------- */

static int64_t
counted(void)
{
	int64_t lines;

	assert_true(store_counter_get(rig.store, "status-lines", &lines, &kit_err));
	return lines;
}

static void
one_counts_at_a_time(void **state)
{
	struct engine *daemon, *command;

	(void)state;
	rig_new_settled();
	daemon = rig.engine;
	store_close(rig.store);
	rig_open(ENGINE_APPLY);
	command = rig.engine;
	engine_run_once(command);
	assert_true(engine_claim(command));
	assert_true(engine_claim(command));
	assert_false(engine_claim(daemon));
	world_pass(SECOND);
	assert_int_equal(engine_claimed_for_ms(command), SECOND);
	rig_defer("a.test");
	assert_int_equal(engine_claimed_for_ms(command), 0);
	assert_true(engine_claim(daemon));
	assert_false(engine_claim(command));
	engine_unclaim(daemon);
	assert_true(engine_claim(command));

	/* It was stopped, and goes on. */
	assert_false(engine_claim(daemon));
	rig_defer_because("b.test", NOT_VERIFIED);
	world_pass(29 * SECOND);
	assert_false(engine_claim(daemon));
	world_pass(2 * SECOND);
	assert_true(engine_claim(daemon));
	rig.engine = daemon;
	rig_defer("b.test");
	assert_int_equal(engine_save(command, NULL, 0), ENGINE_SAVE_FAILED);
	assert_int_equal(counted(), 2);
	engine_free(command);
	rig_close();
}

/* A process id of the log that the daemon follows is another process in a log of last
 * month. */
static void
processes_are_of_the_log_that_is_followed(void **state)
{
	static const char sessions[] =
	    "SELECT what, sum(count) FROM tally WHERE what LIKE 'session:%' GROUP BY 1";
	struct engine *daemon;

	(void)state;
	rig_new_settled();
	daemon = rig.engine;
	rig_log_session("Verified", "mx.a.test[192.0.2.1]:25");
	rig_save();
	store_close(rig.store);
	rig_open(ENGINE_APPLY);
	engine_run_once(rig.engine);
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	kit_assert(STATE, sessions, "");
	engine_free(rig.engine);
	engine_free(daemon);
	store_close(rig.store);
	rig_open(ENGINE_APPLY); /* the daemon, started again */
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	kit_assert(STATE, sessions, "session:verified|1\n");
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(other_commands_are_noticed, NULL,
	    "what another command did to the database is exported and judged");
	suite_add(pin_of_a_parent_stands, NULL,
	    "the pin of a parent stands for the domains below, until it ends");
	suite_add(processes_are_of_the_log_that_is_followed, NULL,
	    "a scan knows nothing of the daemon's processes, and leaves them to it");
	suite_add(one_counts_at_a_time, NULL,
	    "lines are counted by one at a time, and nobody keeps the daemon from it for "
	    "ever");
	return rig_end(suite_run());
}
