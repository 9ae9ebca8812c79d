/* SPDX-License-Identifier: BSD-2-Clause */
/* What an engine does while its database fails: it backs off, reports, and gets over it.
 */
#include "suite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enginerig.h"
#include "store/store_impl.h"

/* --- what cannot be stored ---------------------------------------------------------- */

#define FULL(on) \
	"CREATE TRIGGER full BEFORE " on " BEGIN SELECT RAISE(FAIL, 'it is full'); END"
#define NOT_FULL "DROP TRIGGER full"

static void
decisions_that_cannot_be_stored(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	kit_run(STATE, FULL("UPDATE ON destination"));
	world_settle(rig.engine);
	assert_int_equal(world.asked, 1);
	assert_false(engine_is_idle(rig.engine));
	rig_assert_next("saving", SECOND);
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.asked, 2); /* it is asked about and judged again */
	world_wait(rig.engine, 2 * SECOND);
	assert_int_equal(engine_is_stuck(rig.engine), ENGINE_STUCK);
	kit_run(STATE, NOT_FULL);
	world_wait(rig.engine, 15 * SECOND);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_int_equal(engine_is_stuck(rig.engine), ENGINE_MOVES);
	assert_int_equal(world.export.times, 1);
	rig_close();
}

/* The reader of the log tries again with the same fold, when the engine wakes it. */
static void
lines_that_cannot_be_stored(void **state)
{
	(void)state;
	rig_new_settled();
	kit_run(STATE, FULL("INSERT ON destination"));
	rig_defer_because("a.test", NOT_VERIFIED);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(engine_save(rig.engine, NULL, 0), ENGINE_SAVE_FAILED);
		world_settle(rig.engine);
		rig_assert_next("saving", SECOND << i);
		world_pass(SECOND << i);
	}
	assert_int_equal(engine_is_stuck(rig.engine), ENGINE_STUCK);
	kit_run(STATE, NOT_FULL);
	assert_int_equal(engine_save(rig.engine, NULL, 0), ENGINE_SAVED);
	assert_int_equal(engine_is_stuck(rig.engine), ENGINE_MOVES);
	world_wait(rig.engine, SECOND);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

static void
queue_that_cannot_be_stored(void **state)
{
	static const char *const mails[] = {"QA u@a.test " NOT_VERIFIED, NULL};

	(void)state;
	rig_new_settled();
	world.queued = mails;
	kit_run(STATE, FULL("INSERT ON destination"));
	engine_read_queue(rig.engine);
	world_wait(rig.engine, MIN);
	assert_false(engine_is_idle(rig.engine));
	assert_true(engine_left_queue(rig.engine)); /* for the next start */
	kit_run(STATE, NOT_FULL);
	world_wait(rig.engine, MIN);
	assert_int_equal(world.queue.times, 2); /* the second time as a witness */
	assert_false(engine_left_queue(rig.engine));
	rig_assert_why("a.test", WHY_NO_HOST);
	rig_close();
}

/* Mail is not retried of which it cannot be noted that it is. */
static void
retry_that_cannot_be_noted(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_settle(rig.engine);
	kit_run(STATE, FULL("UPDATE ON waiting"));
	world_wait(rig.engine, MIN);
	assert_int_equal(world.retry.times, 0);
	assert_false(engine_is_idle(rig.engine));
	kit_run(STATE, NOT_FULL);
	world_wait(rig.engine, 15 * SECOND);
	assert_in_range(world.retry.times, 1, 2); /* without a word again after 10 s */
	world_wait(rig.engine, HOUR);
	assert_true(engine_is_idle(rig.engine));
	rig_close();
}

/* Nothing else is stored that day: the back-off ends all the same. */
static void
thinning_that_failed_sleeps(void **state)
{
	(void)state;
	rig_new_settled();
	kit_run(STATE,
	    "CREATE TRIGGER full BEFORE INSERT ON counter WHEN new.name = 'thinned-day'"
	    " BEGIN SELECT RAISE(FAIL, 'it is full'); END");
	world_wait(rig.engine, DAY - world.wall_ms % DAY);
	rig_assert_next("saving", SECOND);
	assert_true(engine_is_idle(rig.engine)); /* no command waits for it */
	world_wait(rig.engine, 3 * SECOND);
	assert_int_equal(engine_is_stuck(rig.engine), ENGINE_STUCK);
	kit_run(STATE, NOT_FULL);
	world_wait(rig.engine, MIN);
	assert_int_equal(engine_is_stuck(rig.engine), ENGINE_MOVES);
	rig_assert_next("thinning", DAY - world.wall_ms % DAY);
	rig_close();
}

/* --- a disk that is full: nothing is committed -------------------------------------- */

static bool is_full;
static bool is_ours;

static int
refuse(void *context)
{
	(void)context;
	return is_full;
}

static void
fill_disk(void)
{
	sqlite3_commit_hook(engine_store(rig.engine)->db, refuse, NULL);
	is_full = true;
	buf_reset(&world.bodies);
}

static void
verifies_or_not(const struct finger_question *question, struct server *server)
{
	if (is_ours)
		world_self_signed(question, server);
	else
		world_verifies(question, server);
}

static void
open_with(void (*does)(const struct finger_question *question, struct server *server))
{
	is_full = is_ours = false;
	rig_new_with(does);
	rig_close();
	world.sessions_logged = true;
	rig_notify_admin();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
}

/* Its alerts come with the transaction that would remember them. */
static void
full_disk_alerts_once(void **state)
{
	(void)state;
	open_with(world_does_no_tls);
	rig_defer_because("a.test", NOT_OFFERED);
	rig_save();
	world_wait(rig.engine, MIN);
	fill_disk();
	world_wait(rig.engine, 10 * HOUR);
	assert_int_equal(rig_count_mailed("a.test: may-after"), 1);
	assert_in_range(world.notify.times, 1, 6); /* what cannot be stored is told */
	is_full = false;
	world_wait(rig.engine, 10 * HOUR);
	assert_int_equal(rig_count_mailed("a.test: may-after"), 1);
	rig_close();
}

static void
full_disk_alerts_one_decision(void **state)
{
	(void)state;
	open_with(world_does_no_tls);
	for (int i = 0; i < 2; i++) {
		rig_defer_because("a.test", NOT_OFFERED);
		rig_save();
		if (i == 0)
			world_wait(rig.engine, 11 * MIN);
	}
	fill_disk();
	world_wait(rig.engine, 10 * HOUR);
	rig_assert_entry("a.test", LEVEL_NONE);
	assert_in_range(rig_count_mailed("a.test: not-encrypted"), 0, 1);
	is_full = false;
	world_wait(rig.engine, HOUR);
	rig_assert_entry("a.test", LEVEL_DANE);
	assert_int_equal(rig_count_mailed("a.test: not-encrypted"), 1);
	rig_close();
}

static void
on_hosts(void (*each)(const char *domain, const char *relay))
{
	char domain[32], relay[64];

	for (unsigned i = 0; i < 6; i++) {
		snprintf(domain, sizeof(domain), "d%u.test", i);
		snprintf(relay, sizeof(relay), "mx.d%u.test[192.0.2.1]:25", i);
		each(domain, relay);
	}
}

static void
verify(const char *domain, const char *relay)
{
	rig_log_session("Verified", relay);
	rig_log_status(domain, relay, "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, MIN);
}

static void
defer(const char *domain, const char *relay)
{
	(void)relay;
	rig_defer_because(domain, NOT_VERIFIED);
}

static void
defer_and_wait(const char *domain, const char *relay)
{
	defer(domain, relay);
	rig_save();
	world_wait(rig.engine, MIN);
}

static void
full_disk_alerts_one_freeze(void **state)
{
	(void)state;
	open_with(verifies_or_not);
	on_hosts(verify);
	world_wait(rig.engine, HOUR);
	on_hosts(defer_and_wait);
	is_ours = true;
	world_wait(rig.engine, 10 * MIN);
	on_hosts(defer);
	rig_save();
	fill_disk();
	world_wait(rig.engine, 6 * HOUR);
	assert_int_equal(rig_count_mailed("freeze: "), 1);
	is_full = false;
	world_wait(rig.engine, HOUR);
	assert_int_equal(rig_count_mailed("freeze: "), 1);
	kit_assert(STATE, "SELECT count(*) FROM counter WHERE name = 'frozen-ms'", "1\n");
	rig_close();
}

/* --- is it what was written? ----------------------------------------------------------
 */

static void
failing_database_is_checked(void **state)
{
	(void)state;
	rig_new_settled();
	assert_int_equal(world.checks, 0);
	kit_run(STATE, FULL("INSERT ON waiting"));
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	assert_int_equal(world.checks, 1); /* not at each try */
	assert_null(engine_malformed(rig.engine));
	world_wait(rig.engine, 11 * MIN);
	rig_save();
	assert_null(engine_malformed(rig.engine));
	kit_run(STATE, NOT_FULL);
	rig_close();
}

static void
malformed_database_is_exported_no_more(void **state)
{
	unsigned exported;

	(void)state;
	rig_new_settled();
	world.whole = ANSWER_NO;
	world_wait(rig.engine, 2 * DAY);
	assert_int_equal(world.checks, 1);
	assert_non_null(engine_malformed(rig.engine));
	assert_string_equal(engine_malformed(rig.engine), "its pages are mixed up");
	assert_int_equal(engine_is_stuck(rig.engine), ENGINE_STUCK);
	exported = world.export.times;
	kit_put_level(engine_store(rig.engine), "a.test", LEVEL_MAY);
	world_wait(rig.engine, MIN);
	assert_int_equal(world.export.times, exported);
	rig_close();
}

static void
defer_during_check(void)
{
	world.during_check = NULL;
	rig_defer_because("a.test", NOT_VERIFIED);
	for (int i = 0; i < 20; i++) {
		engine_save(rig.engine, NULL, 0);
		engine_turn(rig.engine);
		world_work();
	}
	assert_int_equal(world.export.times, 1);
	assert_int_equal(world.how, PUBLISH_CHANGES);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
}

/* The text of the map is what would heal it. */
static void
large_database_is_checked_meanwhile(void **state)
{
	(void)state;
	rig_new_settled();
	rig_close();
	kit_run(STATE,
	    "CREATE TABLE filler (x);"
	    "INSERT INTO filler VALUES (zeroblob(34 << 20))");
	world.during_check = defer_during_check;
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, MIN);
	assert_int_equal(world.checks, 1);
	assert_null(world.during_check);
	assert_int_equal(world.export.times, 2);
	assert_int_equal(world.how, PUBLISH_ANEW);
	rig_close();
}

static void
unchecked_database_is_tried_again(void **state)
{
	(void)state;
	rig_new_settled();
	world.whole = ANSWER_UNSURE;
	world_wait(rig.engine, 2 * DAY);
	assert_int_equal(world.checks, 1);
	assert_null(engine_malformed(rig.engine));
	rig_close();
}

static void
clock_that_cannot_be_minded(void **state)
{
	(void)state;
	rig_new_settled();
	world.wall_ms += 365 * DAY;
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	kit_run(STATE, FULL("UPDATE ON destination"));
	world.wall_ms -= 365 * DAY;
	world_wait(rig.engine, MIN);
	assert_true(kit_get(rig.store, "a.test").look_ms > world.wall_ms + 90 * DAY);
	kit_run(STATE, NOT_FULL);
	world_wait(rig.engine, MIN);
	assert_true(kit_get(rig.store, "a.test").look_ms <= world.wall_ms + 90 * DAY);
	rig_close();
}

/* --- there is none -------------------------------------------------------------------
 */

static void
engine_without_database_is_none(void **state)
{
	struct err err;

	(void)state;
	rig_new_settled();
	rig_close();
	free(rig.config.state);
	rig.config.state = strdup("/nowhere/at/all.db");
	assert_null(engine_new_in(
	    &scripted_world, &rig.config, rig.rules, ENGINE_APPLY, NULL, NULL, &err));
	assert_true(err.text[0] != '\0');
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(decisions_that_cannot_be_stored, NULL,
	    "a decision that cannot be stored is made again");
	suite_add(full_disk_alerts_once, NULL,
	    "that mail waits is alerted once, though it cannot be stored");
	suite_add(full_disk_alerts_one_decision, NULL,
	    "so is a decision, until it can be stored");
	suite_add(full_disk_alerts_one_freeze, NULL, "so is a freeze");
	suite_add(lines_that_cannot_be_stored, NULL,
	    "lines that cannot be stored wait in the fold");
	suite_add(queue_that_cannot_be_stored, NULL,
	    "a queue that cannot be stored is stored later");
	suite_add(retry_that_cannot_be_noted, NULL,
	    "mail is retried once it can be noted that it is");
	suite_add(thinning_that_failed_sleeps, NULL,
	    "a thinning that failed and works again does not wake the loop");
	suite_add(failing_database_is_checked, NULL,
	    "a database that fails is checked, but not at each try");
	suite_add(malformed_database_is_exported_no_more, NULL,
	    "a database that is malformed is exported no more, and that is known");
	suite_add(large_database_is_checked_meanwhile, NULL,
	    "while a large database is checked, changes alone are made in the map");
	suite_add(unchecked_database_is_tried_again, NULL,
	    "a check that could not be made changes nothing");
	suite_add(clock_that_cannot_be_minded, NULL,
	    "a clock that was set back is minded once it can be");
	suite_add(engine_without_database_is_none, NULL,
	    "without a database there is no engine");
	return rig_end(suite_run());
}
