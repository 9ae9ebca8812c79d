/* SPDX-License-Identifier: BSD-2-Clause */
/* A clock that is set, creeps or is ahead: a hold lasts as long as time passes, and
 * nothing ends or is forgotten early, in a scripted world. */
#include "suite.h"

#include "enginerig.h"

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

/* What lasts for so long, whoever put it there. */
struct term {
	const char *what;
	const char *key;
	void (*put)(struct destination *d);
	int64_t lasts_ms;
	enum level level;
	enum why why;
};

static void
pin(struct destination *d)
{
	destination_pin(
	    d, demand_of(LEVEL_ENCRYPT), world.wall_ms + 7 * DAY, "", world.wall_ms);
}

static void
undo(struct destination *d)
{
	destination_undo(
	    d, demand_of(LEVEL_ENCRYPT), world.wall_ms + 7 * DAY, world.wall_ms);
}

static void
forecast(struct destination *d)
{
	destination_forecast(d, demand_of(LEVEL_SECURE), world.wall_ms);
}

static const struct term terms[] = {
    {"a pin", "a.test", pin, 7 * DAY, LEVEL_ENCRYPT, WHY_PINNED},
    {"a pin of a parent", ".a.test", pin, 7 * DAY, LEVEL_ENCRYPT, WHY_PINNED},
    {"an undo", "a.test", undo, 7 * DAY, LEVEL_ENCRYPT, WHY_UNDONE},
    {"a forecast", "a.test", forecast, 30 * DAY, LEVEL_SECURE, WHY_FORECAST},
};

static const struct wrong {
	const char *what;
	int64_t set_ms;
	bool stops; /* it is set while no daemon runs */
	bool boots; /* the machine starts with that clock */
} wrongs[] = {
    {"40 days ahead", 40 * DAY, false, false},
    {"40 days ahead at a start", 40 * DAY, true, false},
    {"40 days ahead at boot", 40 * DAY, true, true},
    {"40 days behind", -40 * DAY, false, false},
    {"five years ahead", 5 * 365 * DAY, false, false},
};

static void
put(const struct term *term)
{
	struct destination d;
	bool found;

	assert_true(store_get(rig.store, term->key, &d, &found, &kit_err));
	term->put(&d);
	kit_put(rig.store, &d);
	destination_clear(&d);
}

static void
set_clock(const struct wrong *wrong, int64_t set_ms)
{
	if (wrong->stops)
		rig_close();
	world.wall_ms += set_ms;
	if (wrong->boots) {
		world.boot++;
		world.booted_ms = world.mono_ms;
	}
	if (wrong->stops)
		rig_open(ENGINE_APPLY);
}

static void
assert_stands(const struct term *term)
{
	struct destination d = rig_row(term->key);

	assert_int_equal(d.entry.level, term->level);
	assert_int_equal(d.entry.why, term->why);
}

static void
keep_for(const struct term *term, int64_t ms)
{
	for (int64_t end_ms = world.mono_ms + ms; world.mono_ms < end_ms;) {
		int64_t left_ms = end_ms - world.mono_ms;

		world_wait(rig.engine, left_ms < HOUR ? left_ms : HOUR);
		assert_stands(term);
	}
}

static void
assert_ends(const struct term *term)
{
	struct destination d;

	world_wait(rig.engine, 2 * MIN);
	d = rig_row(term->key);
	assert_false(d.entry.level == term->level && d.entry.why == term->why &&
	    d.look_ms > world.wall_ms + HOUR);
	assert_true(term->put == forecast || d.entry.level == LEVEL_NONE);
}

/* And not when the clock says so. */
static void
term_ends_in_time(const struct term *term, const struct wrong *wrong, bool comes_back)
{
	int64_t end_ms;

	rig_new_with(world_verifies);
	put(term);
	end_ms = world.mono_ms + term->lasts_ms;
	keep_for(term, DAY);
	set_clock(wrong, wrong->set_ms);
	keep_for(term, 30 * HOUR);
	if (comes_back)
		set_clock(wrong, -wrong->set_ms);
	keep_for(term, end_ms - world.mono_ms - MIN);
	assert_ends(term);
	rig_close();
}

static void
what_has_an_end_lasts_as_long(void **state)
{
	const struct wrong *wrong = *state;

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
		for (unsigned back = 0; back < 2; back++) {
			print_message("# %s\n", terms[i].what);
			term_ends_in_time(&terms[i], wrong, back == 1);
		}
}

/* Put there by the clock that is set already, before the daemon noticed. */
static void
what_came_after_is_of_the_clock(void **state)
{
	const struct wrong *wrong = *state;

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		int64_t end_ms;

		print_message("# %s\n", terms[i].what);
		rig_new_with(world_verifies);
		set_clock(wrong, wrong->set_ms);
		world_wait(rig.engine, 2 * HOUR);
		world.wall_ms -= wrong->set_ms;
		world_pass(SECOND);
		put(&terms[i]);
		end_ms = world.mono_ms + terms[i].lasts_ms;
		keep_for(&terms[i], end_ms - world.mono_ms - MIN);
		assert_ends(&terms[i]);
		rig_close();
	}
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(clock_that_is_set_back_is_minded, NULL,
	    "a clock that is set back makes what is far ahead due");
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
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		suite_add(what_has_an_end_lasts_as_long, &wrongs[i],
		    "a pin and a forecast last as long as time passes: a clock %s",
		    wrongs[i].what);
		if (wrongs[i].stops)
			continue;
		suite_add(what_came_after_is_of_the_clock, &wrongs[i],
		    "... and so do those put when it was right again, after a clock %s",
		    wrongs[i].what);
	}
	return rig_end(suite_run());
}
