/* SPDX-License-Identifier: BSD-2-Clause */
/* What an engine does while a program that it runs fails: it backs off, reports, and gets
 * over it. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enginerig.h"

/* --- what a worker does for a duty ------------------------------------------------- */

struct row {
	const char *name;
	const char *what; /* in the alert */
	void (*prepare)(void);
	struct world_work *work;
	enum engine_stuck stuck;
};

static void
need_settings(void)
{
	world_pass(2 * MIN);
	rig_defer("a.test");
}

static void
need_routes(void)
{
	world.transport_maps = "hash:/etc/postfix/transport";
	world_pass(2 * MIN);
	rig_defer("a.test");
	world_settle(rig.engine);
	rig_defer_because("b.test", NOT_VERIFIED);
}

static void
need_queue(void)
{
	engine_read_queue(rig.engine);
}

static void
need_map(void)
{
	rig_defer("a.test");
}

static void
need_flush(void)
{
	for (int i = 0; i < 60; i++)
		rig_defer_because("a.test", NOT_VERIFIED);
	rig_save();
}

static const struct row rows[] = {
    {"Postfix's settings", "cannot ask postconf: it fails\n", need_settings,
        &world.settings, ENGINE_STUCK},
    {"the transport maps", "cannot ask the transport maps: it fails\n", need_routes,
        &world.routes, ENGINE_STUCK},
    {"the queue", "cannot read the queue: it fails\n", need_queue, &world.queue,
        ENGINE_MOVES},
    {"the map", "cannot export the map: it fails\n", need_map, &world.export,
        ENGINE_STUCK_MAP},
    {"a retry", "cannot retry mail: it fails\n", need_map, &world.retry, ENGINE_STUCK},
};

static void
work_is_tried_ever_more_slowly(void **state)
{
	static const int64_t waits[] = {
	    SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND, 15 * SECOND, 15 * SECOND};
	const struct row *row = *state;
	struct world_work *work = row->work;
	unsigned times = 1;
	struct buf mail = {0};

	rig_new_settled();
	rig_notify_admin();
	row->prepare();
	work->fails = true;
	work->times = 0;
	world_settle(rig.engine);
	for (int i = 0; i < 100 && work->times == 0; i++)
		world_wait(rig.engine, SETTLE / 2);
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_int_equal(work->times, times++);
		assert_false(engine_is_idle(rig.engine));
		assert_int_equal(
		    engine_is_stuck(rig.engine), times > 3 ? row->stuck : ENGINE_MOVES);
		world_wait(rig.engine, waits[i] - 1);
		assert_int_equal(work->times, times - 1);
		world_wait(rig.engine, 1);
	}
	/* The administrator learns of it once, at the third time. */
	assert_int_equal(world.notify.times, 1);
	buf_printf(&mail, "%snext: tlsladder doctor\n", row->what);
	assert_string_equal(buf_text(&world.body), buf_text(&mail));
	buf_clear(&mail);
	work->fails = false;
	world_wait(rig.engine, 15 * SECOND);
	assert_int_equal(work->times, times + 1);
	assert_int_equal(engine_is_stuck(rig.engine), ENGINE_MOVES);
	rig_save();
	world_wait(rig.engine, HOUR);
	assert_true(engine_is_idle(rig.engine));
	if (row->work != &world.queue) /* which is empty */
		rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* One a minute, whatever came of the last. */
static void
failed_flush_waits_a_minute(void **state)
{
	(void)state;
	rig_new_settled();
	world.flush.fails = true;
	need_flush();
	world_wait(rig.engine, SETTLE);
	assert_int_equal(world.flush.times, 1);
	world.flush.fails = false;
	world_wait(rig.engine, MIN - 1);
	assert_int_equal(world.flush.times, 1);
	assert_false(engine_is_idle(rig.engine));
	world_wait(rig.engine, 1);
	assert_int_equal(world.flush.times, 2);
	rig_close();
}

/* Its mail was delivered meanwhile: nothing is left that would end the back-off. */
static void
failed_retry_without_mail_sleeps(void **state)
{
	(void)state;
	rig_new_settled();
	world.retry.fails = true;
	rig_defer("a.test");
	world_wait(rig.engine, SETTLE);
	assert_int_equal(world.retry.times, 1);
	kit_run(STATE, "DELETE FROM waiting");
	world_wait(rig.engine, HOUR);
	assert_int_equal(world.retry.times, 1);
	assert_true(engine_is_idle(rig.engine));
	rig_close();
}

/* A default level of yesterday must not decide today, and none must not at all. */
static void
without_settings_nothing_is_decided(void **state)
{
	(void)state;
	rig_new_settled();
	world.settings.fails = true;
	need_settings();
	world_wait(rig.engine, HOUR);
	assert_int_equal(rig.judged, 0);
	assert_int_equal(world.asked, 0);
	world.settings.fails = false;
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* scan shows as much. */
static void
without_settings_it_is_imagined(void **state)
{
	struct destination d;

	(void)state;
	rig_new_settled();
	rig_close();
	world.settings.fails = true;
	rig_open(ENGINE_IMAGINE);
	world_settle(rig.engine);
	rig_defer("a.test");
	world_settle(rig.engine);
	assert_int_equal(rig.judged, 1);
	d = kit_get(engine_store(rig.engine), "a.test");
	assert_string_equal(why_slug(d.why), "our-fault");
	rig_close();
}

/* It would be one more mail that cannot be sent; it is tried again, each ten minutes. */
static void
mail_that_fails_is_not_alerted(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	world.notify.fails = true;
	for (unsigned i = 1; i <= 5; i++) {
		char domain[16];

		snprintf(domain, sizeof(domain), "a%u.test", i);
		rig_defer_because(domain, TLSA_ERROR);
		rig_save();
		world_wait(rig.engine, 3 * HOUR); /* else the next one waits */
		assert_in_range(world.notify.times, i, i * 3 * 6 + 2 * i);
		assert_int_equal(rig_count_mailed("cannot mail"), 0);
		assert_int_equal(rig_count_mailed(domain) > 0, true);
		assert_int_equal(engine_is_stuck(rig.engine), ENGINE_MOVES);
	}
	rig_close();
}

/* Once a minute all the same; the administrator learns of it. */
static void
lag_that_stays_is_alerted(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	world.lag = true;
	world.catch_up.fails = true;
	rig_defer("a.test");
	world_wait(rig.engine, 5 * MIN);
	assert_in_range(world.catch_up.times, 4, 5);
	assert_int_equal(world.notify.times, 1);
	assert_string_equal(buf_text(&world.body),
	    "cannot bring the map up to date: it fails\n"
	    "next: tlsladder doctor\n");
	assert_int_equal(engine_is_stuck(rig.engine), ENGINE_MOVES);
	rig_close();
}

/* A command says then that the entries are stored, but in no map. */
static void
map_is_what_a_command_reports(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_settle(rig.engine);
	world.export.fails = true;
	world.settings.fails = true;
	world_pass(2 * MIN);
	rig_defer("b.test");
	world_wait(rig.engine, MIN);
	assert_int_equal(engine_is_stuck(rig.engine), ENGINE_STUCK_MAP);
	world.export.fails = false;
	world_wait(rig.engine, MIN);
	assert_int_equal(engine_is_stuck(rig.engine), ENGINE_STUCK);
	rig_close();
}

/* --- posttls-finger that cannot be run ---------------------------------------------- */

static bool cannot_run, now_and_then;
static unsigned could_not;

static enum finger_outcome
finger_or_not(const struct postfix *postfix, const struct finger_settings *settings,
    const struct finger_question *question, struct server *server, struct err *why)
{
	if (!cannot_run || (now_and_then && strcmp(question->host, "mx.a.test") != 0))
		return scripted_world.finger(postfix, settings, question, server, why);
	*server = (struct server){.probe = {.end = PROBE_SILENT}};
	could_not++;
	err_set(why, "fork: Resource temporarily unavailable");
	return FINGER_FAILED;
}

static void
open_without_finger(void)
{
	static struct engine_world without;

	without = scripted_world;
	without.finger = finger_or_not;
	rig_new_with(world_self_signed);
	rig_close();
	rig_notify_admin();
	rig.engine = engine_new_in(
	    &without, &rig.config, rig.rules, ENGINE_APPLY, NULL, NULL, &kit_err);
	rig.store = kit_open(STATE);
	world_settle(rig.engine);
	cannot_run = true;
	could_not = 0;
}

/* Not even once hold is over, which is for servers that are silent. */
static void
what_cannot_be_run_says_nothing(void **state)
{
	(void)state;
	open_without_finger();
	for (int hour = 0; hour < 48; hour++) {
		rig_defer_because("a.test", NOT_VERIFIED);
		rig_save();
		world_wait(rig.engine, HOUR);
		rig_assert_judged("a.test", LEVEL_NONE, WHY_OUR_FAULT);
	}
	assert_int_equal(rig_count_mailed("a.test: our-fault"), 1);
	assert_int_equal(rig_count_mailed("cannot run posttls-finger: fork: "), 1);
	cannot_run = false;
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Once: the next try tells. */
static void
what_could_not_be_run_once_is_asked_again(void **state)
{
	(void)state;
	open_without_finger();
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_save();
	world_settle(rig.engine);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_OUR_FAULT);
	cannot_run = false;
	world_wait(rig.engine, 40 * SECOND);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_int_equal(rig_count_mailed("our-fault"), 0); /* nobody need know */
	rig_close();
}

/* After seconds that double: as soon as it has lasted, and no more often. */
static void
what_cannot_be_run_for_long_is_asked_ever_more_rarely(void **state)
{
	unsigned first;

	(void)state;
	open_without_finger();
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, 20 * MIN);
	first = could_not;
	assert_in_range(first, 5, 8);
	world_wait(rig.engine, 23 * HOUR);
	assert_in_range(could_not - first, 20, 30);
	cannot_run = false;
	world_wait(rig.engine, HOUR + MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	/* It begins anew, later. */
	world_wait(rig.engine, DAY);
	cannot_run = true;
	rig_defer_because("b.test", NOT_VERIFIED);
	rig_save();
	world_settle(rig.engine);
	cannot_run = false;
	world_wait(rig.engine, 40 * SECOND);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Every other time: that is as if it could not be run at all. */
static void
what_can_be_run_now_and_then_is_not_asked_without_end(void **state)
{
	(void)state;
	open_without_finger();
	now_and_then = true;
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_defer_because("b.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, DAY);
	assert_in_range(could_not, 1, 60);
	now_and_then = false;
	rig_close();
}

/* --- ends -------------------------------------------------------------------------- */

/* Jobs of every kind are with the workers, some of them done. */
static void
end_takes_what_is_under_way(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	need_routes();
	rig_defer_because("b.test", NOT_VERIFIED);
	engine_read_queue(rig.engine);
	engine_turn(rig.engine);
	assert_true(world_waiting() >= 2);
	rig_close();
	rig_new_settled();
	need_flush();
	engine_turn(rig.engine);
	world_work();
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(work_is_tried_ever_more_slowly, &rows[i],
		    "%s that fails: tried ever more slowly, alerted once", rows[i].name);
	suite_add(failed_flush_waits_a_minute, NULL,
	    "a flush that fails is done again after a minute");
	suite_add(failed_retry_without_mail_sleeps, NULL,
	    "a retry that failed and whose mail is gone does not wake the loop");
	suite_add(without_settings_nothing_is_decided, NULL,
	    "without Postfix's settings nothing is decided");
	suite_add(without_settings_it_is_imagined, NULL,
	    "without Postfix's settings scan shows as much");
	suite_add(mail_that_fails_is_not_alerted, NULL,
	    "a mail to the administrator that fails is not alerted");
	suite_add(map_is_what_a_command_reports, NULL,
	    "of what fails the map is what a command reports");
	suite_add(lag_that_stays_is_alerted, NULL,
	    "what targets cannot do later is alerted, and no command waits for it");
	suite_add(what_cannot_be_run_says_nothing, NULL,
	    "a posttls-finger that cannot be run is our fault, which is told once");
	suite_add(what_cannot_be_run_for_long_is_asked_ever_more_rarely, NULL,
	    "a posttls-finger that cannot be run is tried after seconds that double");
	suite_add(what_can_be_run_now_and_then_is_not_asked_without_end, NULL,
	    "... also where others can be asked meanwhile");
	suite_add(what_could_not_be_run_once_is_asked_again, NULL,
	    "one that could not be run once is run again within the hour");
	suite_add(
	    end_takes_what_is_under_way, NULL, "an engine ends with jobs under way");
	return rig_end(suite_run());
}
