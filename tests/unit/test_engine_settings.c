/* SPDX-License-Identifier: BSD-2-Clause */
/* When Postfix's settings are read, and what was decided under others. */
#include "suite.h"

#include <string.h>

#include "enginerig.h"

#define RELOADED "master[99]: reload -- version 3.7.11, configuration /etc/postfix"
#define STARTED  "master[99]: daemon started -- version 3.7.11, configuration /etc/postfix"

/* An entry of encrypt, in force, under a default of verify; mail goes by it. */
static void
begin_with_an_entry(void)
{
	rig_new_settled();
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	world_log(rig.engine,
	    "smtp[1]: QA: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=1, "
	    "delays=0/0/0.2/0.1, dsn=2.0.0, status=sent (250 Ok)");
	rig_save();
	world_settle(rig.engine);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world.settings.times = 0;
	world.asked = 0;
}

/* Nobody needs them, and a daemon whose log is silent has a turn a minute. */
static void
pass_a_minute(void)
{
	world_pass(MIN);
	world_settle(rig.engine);
}

static void
log_says_so(void **state)
{
	const char *line = *state;

	begin_with_an_entry();
	world.default_level = LEVEL_ENCRYPT;
	world_log(rig.engine, line);
	world_settle(rig.engine);
	assert_int_equal(world.settings.times, 1);
	rig_assert_entry("a.test", LEVEL_NONE); /* it equals the default now */
	rig_close();
}

/* Anybody can write such lines: mail is decided all the same, and postconf is not run for
 * each of them. */
static void
lines_again_and_again(void **state)
{
	(void)state;
	begin_with_an_entry();
	rig_notify_admin();
	rig_defer("b.test");
	for (int i = 0; i < 36000; i++) {
		world_log(rig.engine, RELOADED);
		world_settle(rig.engine);
		world_pass(SECOND / 10);
	}
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	assert_in_range(world.settings.times, 5, 70); /* once a minute anyway */
	assert_non_null(strstr(buf_text(&world.body), "again and again"));
	/* the last of them is heeded as well */
	world.default_level = LEVEL_ENCRYPT;
	world_wait(rig.engine, 10 * MIN);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_close();
}

static void
other_lines_do_not(void **state)
{
	static const char *const lines[] = {
	    "smtp[99]: reload -- version 3.7.11, configuration /etc/postfix",
	    "master[99]: terminating on signal 15",
	    "master[99]: warning: reload -- version 3.7.11, configuration /etc/postfix",
	};

	(void)state;
	begin_with_an_entry();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		world_log(rig.engine, lines[i]);
	world_settle(rig.engine);
	assert_int_equal(world.settings.times, 0);
	rig_close();
}

static void
files_are_looked_at_once_a_minute(void **state)
{
	(void)state;
	begin_with_an_entry();
	pass_a_minute();
	assert_int_equal(world.settings.times, 0);
	world.files_mark = 7;
	world.default_level = LEVEL_ENCRYPT;
	world_pass(SECOND);
	world_settle(rig.engine);
	assert_int_equal(world.settings.times, 0);
	pass_a_minute();
	assert_int_equal(world.settings.times, 1);
	rig_assert_entry("a.test", LEVEL_NONE);
	pass_a_minute();
	assert_int_equal(world.settings.times, 1);
	rig_close();
}

/* smtp(8) takes a change without a line in the log, and may fail by it at once. */
static void
files_are_looked_at_before_a_step(void **state)
{
	(void)state;
	begin_with_an_entry();
	world.files_mark = 7;
	world.default_level = LEVEL_ENCRYPT;
	rig_defer("b.test");
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.settings.times, 1);
	rig_assert_entry("b.test", LEVEL_NONE);
	kit_assert(
	    STATE, "SELECT why FROM destination WHERE key = 'b.test'", "no-effect\n");
	rig_close();
}

/* The level that was believed is not the one that Postfix works by. */
static void
reason_that_cannot_occur(void **state)
{
	(void)state;
	rig_new(ENGINE_APPLY);
	world.default_level = LEVEL_ENCRYPT;
	world_settle(rig.engine);
	world.default_level = LEVEL_VERIFY;
	world.settings.times = 0;
	world_pass(20 * SECOND);
	rig_defer("a.test");
	world_settle(rig.engine);
	assert_int_equal(world.settings.times, 1);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* It is: asked once, and then alerted. */
static void
reason_that_cannot_occur_all_the_same(void **state)
{
	(void)state;
	rig_new(ENGINE_APPLY);
	world.default_level = LEVEL_ENCRYPT;
	world_settle(rig.engine);
	world.settings.times = 0;
	world_pass(20 * SECOND);
	rig_defer("a.test");
	world_settle(rig.engine);
	assert_int_equal(world.settings.times, 1);
	kit_assert(
	    STATE, "SELECT why FROM destination WHERE key = 'a.test'", "no-effect\n");
	rig_close();
}

/* Those that are the same change nothing. */
static void
same_settings_are_no_news(void **state)
{
	(void)state;
	begin_with_an_entry();
	world.files_mark = 7;
	world_log(rig.engine, RELOADED);
	pass_a_minute();
	assert_in_range(world.settings.times, 1, 2);
	assert_int_equal(world.asked, 0);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* They changed while no daemon ran. */
static void
others_at_the_start(void **state)
{
	(void)state;
	begin_with_an_entry();
	rig_close();
	world.default_level = LEVEL_ENCRYPT;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	rig_defer("b.test"); /* somebody needs them */
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_close();
}

/* A pin is the administrator's. */
static void
pins_stay(void **state)
{
	(void)state;
	begin_with_an_entry();
	kit_run(STATE, "UPDATE destination SET pinned = 1");
	world.default_level = LEVEL_ENCRYPT;
	world_log(rig.engine, STARTED);
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* What cannot be read now is read later; nothing is decided meanwhile. */
static void
settings_that_cannot_be_read(void **state)
{
	(void)state;
	begin_with_an_entry();
	rig_defer("b.test");
	world.settings.fails = true;
	world_log(rig.engine, RELOADED);
	world_settle(rig.engine);
	rig_assert_entry("b.test", LEVEL_NONE);
	world.settings.fails = false;
	world_wait(rig.engine, 2 * MIN);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	rig_close();
}

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

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(log_says_so, RELOADED, "they are read again when Postfix reloaded");
	suite_add(
	    log_says_so, STARTED, "... or started; an entry equal to the default goes");
	suite_add(lines_again_and_again, NULL, "anybody can write that: not each time");
	suite_add(other_lines_do_not, NULL, "by no other line");
	suite_add(files_are_looked_at_once_a_minute, NULL,
	    "main.cf and master.cf are looked at once a minute");
	suite_add(files_are_looked_at_before_a_step, NULL,
	    "... and before an entry is written: by other settings it is decided anew");
	suite_add(reason_that_cannot_occur, NULL,
	    "a reason that cannot come at the level in force has them read");
	suite_add(reason_that_cannot_occur_all_the_same, NULL,
	    "... once, before it is believed");
	suite_add(same_settings_are_no_news, NULL, "the same settings change nothing");
	suite_add(others_at_the_start, NULL,
	    "what changed while no daemon ran has decisions made again");
	suite_add(pins_stay, NULL, "pins stay");
	suite_add(settings_that_cannot_be_read, NULL,
	    "while they cannot be read nothing is decided");
	suite_add(settings_are_read_when_needed, NULL,
	    "Postfix's settings are read when they are needed, and believed for a "
	    "minute");
	suite_add(settings_stay_while_borrowed, NULL,
	    "no new settings while an asker is at work with the old ones");
	return rig_end(suite_run());
}
