/* SPDX-License-Identifier: BSD-2-Clause */
/* When an engine does what: start and end of its work, settings and routes, the clock,
 * other commands, and the history, in a scripted world. */
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

/* --- settings and routes ----------------------------------------------------------- */

static void
settings_are_read_when_needed(void **state)
{
	(void)state;
	rig_new_settled();
	assert_int_equal(world.settings.times, 1); /* for what a start has to judge */
	world_wait(rig.engine, 10 * MIN);
	assert_int_equal(world.settings.times, 1);
	rig_defer("a.test");
	world_settle(rig.engine);
	assert_int_equal(world.settings.times, 2);
	world_pass(MIN);
	rig_defer("b.test");
	world_settle(rig.engine);
	assert_int_equal(world.settings.times, 2); /* a minute old is fresh */
	world_pass(1);
	world.default_level = LEVEL_DANE_ONLY;
	rig_defer("c.test");
	world_wait(rig.engine, LISTING);
	assert_int_equal(world.settings.times, 3);
	assert_int_equal(rig.decided, 3);
	rig_close();
}

/* The askers borrow from them. */
static void
settings_stay_while_borrowed(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	engine_turn(rig.engine);
	assert_int_equal(world_waiting(), 1); /* the asker */
	world_pass(2 * MIN);
	rig_defer("b.test");
	engine_turn(rig.engine);
	assert_int_equal(world_waiting(), 1); /* neither judged nor read */
	assert_int_equal(world.settings.times, 1);
	assert_true(engine_wait_ms(rig.engine) != 0);
	world_wait(rig.engine, LISTING);
	assert_int_equal(world.settings.times, 2);
	assert_int_equal(rig.decided, 2);
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

static void
lines_wait_for_their_route(void **state)
{
	(void)state;
	rig_new(ENGINE_APPLY);
	world.transport_maps = "hash:/etc/postfix/transport";
	world_settle(rig.engine);
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_defer_because("b.test", NOT_VERIFIED);
	assert_int_equal(engine_save(rig.engine, NULL, 0), ENGINE_SAVE_WAITS);
	assert_false(engine_is_idle(rig.engine));
	rig_assert_next("routes", 0);
	world_settle(rig.engine);
	assert_int_equal(world.routes.times, 1); /* both recipients at once */
	assert_int_equal(engine_save(rig.engine, NULL, 0), ENGINE_SAVED);
	rig_defer_because("b.test", NOT_VERIFIED);
	assert_int_equal(engine_save(rig.engine, NULL, 0), ENGINE_SAVED);
	assert_int_equal(world.routes.times, 1); /* it is remembered */
	world_pass(2 * MIN);
	world_settle(rig.engine); /* new settings: perhaps other routes */
	rig_defer_because("b.test", NOT_VERIFIED);
	assert_int_equal(engine_save(rig.engine, NULL, 0), ENGINE_SAVE_WAITS);
	world_settle(rig.engine);
	assert_int_equal(world.routes.times, 2);
	assert_int_equal(engine_save(rig.engine, NULL, 0), ENGINE_SAVED);
	rig_close();
}

/* A map that fails for one key (socketmap: TEMP) does for nobody else. */
static void
untold_route_keeps_nobody(void **state)
{
	(void)state;
	rig_new(ENGINE_APPLY);
	rig_notify_admin();
	world.transport_maps = "socketmap:unix:/run/s:transport";
	world.untold = "evil.test";
	world_settle(rig.engine);
	rig_defer_because("evil.test", NOT_VERIFIED);
	rig_defer_because("a.test", NOT_VERIFIED);
	assert_int_equal(engine_save(rig.engine, NULL, 0), ENGINE_SAVE_WAITS);
	world_settle(rig.engine);
	rig_save();
	world_settle(rig.engine);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world_wait(rig.engine, MIN / 2);
	assert_int_equal(world.notify.times, 1);
	assert_non_null(
	    strstr(buf_text(&world.body), "cannot tell where some mail goes"));
	/* It is asked again after a minute. */
	world.untold = NULL;
	world_pass(MIN);
	rig_defer_because("evil.test", NOT_VERIFIED);
	world_settle(rig.engine);
	rig_save();
	world_wait(rig.engine, LISTING);
	rig_assert_entry("evil.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Until then no line belongs anywhere. */
static void
lines_wait_for_the_settings(void **state)
{
	(void)state;
	rig_new(ENGINE_APPLY);
	rig_defer_because("a.test", NOT_VERIFIED);
	assert_int_equal(engine_save(rig.engine, NULL, 0), ENGINE_SAVE_WAITS);
	world_settle(rig.engine);
	assert_int_equal(engine_save(rig.engine, NULL, 0), ENGINE_SAVED);
	assert_int_equal(world.routes.times, 0);
	rig_close();
}

/* --- others, clock, history -------------------------------------------------------- */

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
clock_that_is_set_back_is_minded(void **state)
{
	(void)state;
	rig_new_settled();
	world.wall_ms += 365 * DAY;
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world.wall_ms -= 365 * DAY;
	rig.judged = 0;
	world_settle(rig.engine); /* its lease would have ended in a year */
	assert_int_equal(rig.judged, 1);
	assert_in_range(kit_get(rig.store, "a.test").look_ms, world.wall_ms,
	    world.wall_ms + 90 * DAY);
	/* A second back is none. */
	world.wall_ms -= SECOND;
	world_settle(rig.engine);
	assert_int_equal(rig.judged, 1);
	rig_close();
}

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

/* What happens while no daemon runs, or at its start. */
struct meanwhile {
	const char *what;
	int64_t set_ms;    /* the clock is set by that ... */
	int64_t passed_ms; /* ... and so much time passes */
	bool boots;        /* the machine is started anew, at the end of it */
	bool ends;         /* the hold of a day is over */
};

static const struct meanwhile meanwhiles[] = {
    {"nothing", 0, 0, false, false},
    {"a day and more", 0, 25 * HOUR, false, true},
    {"the clock is set by a day and more", 25 * HOUR, MIN, false, false},
    {"it is set back by a year, and a day passes", -365 * DAY, 25 * HOUR, false, true},
    {"it is set back by a year", -365 * DAY, MIN, false, false},
    {"the machine is started anew, its clock is ahead", 25 * HOUR, MIN, true, false},
    {"it was off for more than a day", 0, 25 * HOUR, true, false},
};

static void
hold_lasts_as_long_as_time_passed(void **state)
{
	const struct meanwhile *row = *state;

	rig_new_with(world_self_signed);
	rig_close();
	world.sessions_logged = true;
	rig_open(ENGINE_APPLY);
	rig_log_session("Verified", "mx.a.test[192.0.2.1]:25");
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, DAY);
	rig_defer("a.test");
	world_wait(rig.engine, 5 * MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_HOLD);
	rig_close();
	world.wall_ms += row->set_ms;
	world_pass(row->passed_ms);
	if (row->boots) {
		world.boot++;
		world.booted_ms = world.mono_ms;
	}
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, MIN);
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", row->ends ? LEVEL_ENCRYPT : LEVEL_NONE,
	    row->ends ? WHY_NOT_AUTHENTIC : WHY_HOLD);
	if (!row->ends) {
		world_wait(rig.engine, 24 * HOUR);
		rig_defer("a.test");
		world_wait(rig.engine, MIN);
		rig_assert_entry("a.test", LEVEL_ENCRYPT);
	}
	rig_close();
}

/* The clock is set by less than a minute, again and again; and what it is disciplined by
 * without being set, which is no matter. */
struct creep {
	const char *what;
	int64_t by_ms;
	int64_t every_ms;
	bool restarts; /* the daemon is started anew each time */
	bool slews;
};

static const struct creep creeps[] = {
    {"59 s each 5 s", 59 * SECOND, 5 * SECOND, false, false},
    {"59 s each minute", 59 * SECOND, MIN, false, false},
    {"30 s each minute, and the daemon starts anew", 30 * SECOND, MIN, true, false},
    {"59 s each ten minutes", 59 * SECOND, 10 * MIN, false, false},
    {"-59 s each minute", -59 * SECOND, MIN, false, false},
    {"500 ppm, slowly", 300, 10 * MIN, false, true},
    {"-500 ppm, slowly", -300, 10 * MIN, false, true},
    {"5 s each three hours", 5 * SECOND, 3 * HOUR, false, true},
};

static void
clock_that_creeps_ends_no_hold(void **state)
{
	const struct creep *row = *state;
	int64_t begun_ms, since_ms, lately_ms = 0;

	rig_new_with(world_self_signed);
	rig_close();
	world.sessions_logged = true;
	rig.config.ladder.hold_encrypt_ms = row->slews ? 4 * DAY : 4 * HOUR;
	rig_open(ENGINE_APPLY);
	rig_log_session("Verified", "mx.a.test[192.0.2.1]:25");
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, DAY);
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_HOLD);
	begun_ms = world.mono_ms;
	since_ms = rig_row("a.test").hold.encrypt_ms;
	while (world.mono_ms - begun_ms <
	    rig.config.ladder.hold_encrypt_ms - row->every_ms - 20 * MIN) {
		world.wall_ms += row->by_ms;
		if (row->restarts) {
			rig_close();
			rig_open(ENGINE_APPLY);
		}
		world_wait(rig.engine, row->every_ms);
		if (world.mono_ms - lately_ms < 10 * MIN)
			continue;
		lately_ms = world.mono_ms;
		rig_defer("a.test");
		world_wait(rig.engine, SECOND);
		rig_assert_entry("a.test", LEVEL_NONE);
	}
	if (row->slews) /* the hold does not go with it */
		assert_true(rig_row("a.test").hold.encrypt_ms == since_ms);
	world_wait(rig.engine, row->every_ms < 2 * HOUR ? 0 : row->every_ms - 2 * HOUR);
	for (int i = 0; i < 7; i++) {
		rig_defer("a.test");
		world_wait(rig.engine, 30 * MIN);
	}
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
	rig.config.ladder.hold_encrypt_ms = DAY;
}

/* For a day and a quarter, and the daemon is started anew by it. */
static void
clock_that_is_ahead_forgets_nothing(void **state)
{
	(void)state;
	for (int64_t days = 30; days <= 1000; days *= 3) {
		rig_new_with(world_self_signed);
		world.sessions_logged = true;
		rig_close();
		rig_open(ENGINE_APPLY);
		rig_log_session("Verified", "mx.a.test[192.0.2.1]:25");
		rig_log_status(
		    "a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
		rig_save();
		world_wait(rig.engine, DAY);
		for (int turn = 0; turn < 2; turn++) {
			rig_close();
			world.wall_ms += turn == 0 ? days * DAY : -days * DAY;
			rig_open(ENGINE_APPLY);
			world_wait(rig.engine, 30 * HOUR);
		}
		rig_defer_because("a.test", NOT_VERIFIED);
		rig_save();
		world_wait(rig.engine, MIN);
		rig_assert_judged("a.test", LEVEL_NONE, WHY_HOLD);
		rig_close();
	}
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
	suite_add(start_exports_and_sleeps, NULL,
	    "a start puts the map in place, then it sleeps until midnight");
	suite_add(imagining_touches_nothing, NULL,
	    "what is only imagined leaves state, map and mail as they are");
	suite_add(idle_when_nothing_is_left, NULL,
	    "it is idle exactly when nothing is left to do");
	suite_add(settings_are_read_when_needed, NULL,
	    "Postfix's settings are read when they are needed, and believed for a "
	    "minute");
	suite_add(settings_stay_while_borrowed, NULL,
	    "no new settings while an asker is at work with the old ones");
	suite_add(pin_of_a_parent_stands, NULL,
	    "the pin of a parent stands for the domains below, until it ends");
	suite_add(lines_wait_for_their_route, NULL,
	    "lines wait until the transport maps were asked, once a recipient");
	suite_add(untold_route_keeps_nobody, NULL,
	    "a recipient that a transport map cannot tell of keeps nobody else");
	suite_add(lines_wait_for_the_settings, NULL,
	    "before the first settings no line is stored");
	suite_add(other_commands_are_noticed, NULL,
	    "what another command did to the database is exported and judged");
	suite_add(clock_that_is_set_back_is_minded, NULL,
	    "a clock that is set back makes what is far ahead due");
	suite_add(history_is_thinned_once_a_day, NULL,
	    "the history is thinned at the start of each day");
	for (size_t i = 0; i < sizeof(meanwhiles) / sizeof(meanwhiles[0]); i++)
		suite_add(hold_lasts_as_long_as_time_passed, &meanwhiles[i],
		    "a hold lasts as long as time passed: no daemon runs, and %s",
		    meanwhiles[i].what);
	for (size_t i = 0; i < sizeof(creeps) / sizeof(creeps[0]); i++)
		suite_add(clock_that_creeps_ends_no_hold, &creeps[i],
		    "a hold lasts as long as time passes, where the clock is set by %s",
		    creeps[i].what);
	suite_add(clock_that_is_ahead_forgets_nothing, NULL,
	    "a clock that is years ahead for a day has no past forgotten");
	suite_add(names_are_forgotten, NULL,
	    "destinations that had no mail for 90 days are forgotten");
	suite_add(processes_are_of_the_log_that_is_followed, NULL,
	    "a scan knows nothing of the daemon's processes, and leaves them to it");
	suite_add(one_counts_at_a_time, NULL,
	    "lines are counted by one at a time, and nobody keeps the daemon from it for "
	    "ever");
	return rig_end(suite_run());
}
