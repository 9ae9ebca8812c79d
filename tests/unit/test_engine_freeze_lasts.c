/* SPDX-License-Identifier: BSD-2-Clause */
/* A freeze that lasts, and freezes that come and go: how long, what they do to a hold,
 * and what is mailed of them. */
#include "suite.h"

#include <string.h>

#include "base/mem.h"
#include "freezekit.h"

static bool ours, theirs, strangers;

static void
answer_in_turn(const struct finger_question *question, struct server *server)
{
	if (ours || (theirs && strcmp(question->host, "mx.a.test") == 0) ||
	    (strangers && strncmp(question->host, "mx.d", 4) == 0))
		world_self_signed(question, server);
	else
		world_verifies(question, server);
}

static void
defer_since(int64_t begun_ms)
{
	int age_s = (int)((world.mono_ms - begun_ms) / SECOND) + 8;
	char line[400];

	snprintf(line, sizeof(line),
	    "smtp[77]: V1: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=%d, "
	    "delays=%d/0/0.03/0.02, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")",
	    age_s, age_s);
	world_log(rig.engine, line);
	rig_save();
}

/* Before the engine is opened. */
static void
add_canary(void)
{
	struct strings *canaries = &rig.config.probe.canaries;

	canaries->items = mem_new(1, sizeof(*canaries->items));
	canaries->items[0] = mem_strdup("mx.canary.example");
	canaries->count = 1;
}

/* Mail to it was sent, and its server verified. */
static void
open_with_past(void)
{
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	rig_log_session("Verified", "mx.a.test[192.0.2.1]:25");
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
}

/* All servers fail by our fault for so many hours. The moment that this is over one of
 * them does worse, and that is its own: it is held from then on. */
static void
freeze_is_no_hold(void **state)
{
	int hours = *(const int *)*state;
	int64_t begun_ms, over_ms;

	ours = theirs = strangers = false;
	rig_new_with(answer_in_turn);
	rig_close();
	world.sessions_logged = true;
	add_canary();
	open_with_past();
	world_wait(rig.engine, HOUR);
	begun_ms = world.mono_ms;
	ours = hours > 0;
	for (int h = 0; h < hours; h++) {
		defer_since(begun_ms);
		world_wait(rig.engine, HOUR);
		rig_assert_judged("a.test", LEVEL_NONE, WHY_FREEZE);
	}
	ours = false;
	theirs = true;
	over_ms = world.mono_ms;
	while (world.mono_ms - over_ms < 24 * HOUR) {
		defer_since(begun_ms);
		world_wait(rig.engine, 10 * MIN);
		if (world.mono_ms - over_ms < 24 * HOUR)
			rig_assert_entry("a.test", LEVEL_NONE);
	}
	for (int i = 0; i < 6; i++) {
		defer_since(begun_ms);
		world_wait(rig.engine, 10 * MIN);
	}
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Somebody's own servers fail for a while. */
static void
have_strangers_fail(unsigned domains)
{
	strangers = true;
	freezekit_log_failures(domains);
	rig_save();
	world_wait(rig.engine, 5 * MIN);
	strangers = false;
}

static unsigned freezes;

static void
assert_froze(void)
{
	int64_t thawed_ms = 0;
	struct err err;

	assert_true(store_counter_get(rig.store, "thawed-ms", &thawed_ms, &err));
	if (world.wall_ms - thawed_ms < HOUR)
		freezes++;
}

struct freezing {
	const char *what;
	bool strangers; /* by servers of theirs; else by a CA file of ours */
	int64_t set_ms; /* the clock is set by that in the midst of a freeze */
};

static const struct freezing freezings[] = {
    {"servers of strangers that fail several times a day", true, 0},
    {"a CA file of ours that is broken for 20 minutes, again and again", false, 0},
    {"... nor where the clock is set by a day and more in one", false, 25 * HOUR},
    {"... nor where it is set back", false, -25 * HOUR},
};

/* A certificate goes bad for good, and freezes come and go. A hold takes their length
 * more and does not begin anew with each. */
static void
freeze_restarts_no_hold(void **state)
{
	const struct freezing *row = *state;
	int64_t begun_ms;
	int h;

	ours = theirs = strangers = false;
	freezes = 0;
	rig_new_with(answer_in_turn);
	rig_close();
	world.sessions_logged = true;
	if (!row->strangers)
		add_canary();
	open_with_past();
	if (row->strangers)
		freezekit_know(20);
	world_wait(rig.engine, DAY);
	theirs = true;
	begun_ms = world.mono_ms;
	for (h = 0; h < 30 && rig_row("a.test").entry.level == LEVEL_NONE; h++) {
		ours = !row->strangers && h % 5 == 3;
		defer_since(begun_ms);
		world_wait(rig.engine, 10 * MIN);
		if (h == 8)
			world.wall_ms += row->set_ms;
		world_wait(rig.engine, 10 * MIN);
		ours = false;
		if (row->strangers && h % 5 == 3)
			have_strangers_fail(20);
		world_wait(rig.engine, 40 * MIN);
		if (h % 5 == 3)
			assert_froze();
	}
	assert_true(freezes >= 2);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_in_range(world.mono_ms - begun_ms, 24 * HOUR + 1, 28 * HOUR);
	rig_close();
}

/* Somebody's servers fail and verify again each hour, for three days. */
static void
freezes_are_mailed_thrice_a_day(void **state)
{
	unsigned mails;

	(void)state;
	ours = theirs = strangers = false;
	rig_new_with(answer_in_turn);
	rig_close();
	world.sessions_logged = true;
	rig_notify_admin();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	freezekit_know(20);
	world_wait(rig.engine, DAY);
	mails = world.notify.times;
	for (unsigned hour = 0; hour < 72; hour++) {
		have_strangers_fail(20);
		world_wait(rig.engine, HOUR - 5 * MIN);
	}
	assert_in_range(world.notify.times - mails, 1, 4 * 3);
	rig_close();
}

/* Nobody's mail waits, and after a week no canary is known any more: a freeze lasts as
 * long as those that did better last fail, and no longer. */
static void
freeze_goes_by_those_that_did_better(void **state)
{
	(void)state;
	ours = theirs = strangers = false;
	rig_new_with(answer_in_turn);
	rig_close();
	world.sessions_logged = true;
	add_canary();
	open_with_past();
	freezekit_know(5);
	ours = true;
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, 5 * MIN);
	freezekit_assert_frozen(true);
	world_wait(rig.engine, 10 * DAY);
	freezekit_assert_frozen(true);
	ours = false;
	world_wait(rig.engine, 2 * HOUR);
	freezekit_assert_frozen(false);
	rig_close();
}

/* A CA file of ours that is broken; frozen while it is, and not after. */
static void
break_for(int64_t ms)
{
	ours = true;
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, 5 * MIN);
	freezekit_assert_frozen(true);
	world_wait(rig.engine, ms - 5 * MIN);
	ours = false;
	world_wait(rig.engine, 40 * MIN);
	rig_log_session("Verified", "mx.a.test[192.0.2.1]:25");
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, 20 * MIN);
	freezekit_assert_frozen(false);
}

/* Three freezes are mailed in a day, and over; the fourth lasts. */
static void
lasting_freeze_is_mailed(void **state)
{
	(void)state;
	ours = theirs = strangers = false;
	rig_new_with(answer_in_turn);
	rig_close();
	world.sessions_logged = true;
	rig_notify_admin();
	add_canary();
	open_with_past();
	world_wait(rig.engine, DAY);
	for (unsigned i = 0; i < 3; i++)
		break_for(10 * MIN);
	assert_int_equal(rig_count_mailed("freeze: a server that is known to"), 3);
	for (unsigned i = 0; i < 2; i++) /* each for less than four hours */
		break_for(3 * HOUR);
	assert_int_equal(rig_count_mailed("freeze: "), 3);
	break_for(4 * HOUR + 10 * MIN);
	assert_int_equal(rig_count_mailed("freeze: a server that is known to"), 3);
	assert_int_equal(rig_count_mailed("freeze: one that lasts, for four hours"), 1);
	rig_close();
}

int
main(void)
{
	static const int hours[] = {0, 12, 24, 30, 46, 60};

	if (!rig_begin())
		return 2;
	for (size_t i = 0; i < sizeof(hours) / sizeof(hours[0]); i++)
		suite_add(freeze_is_no_hold, &hours[i],
		    "after a freeze of %d h what fails is held as without it", hours[i]);
	for (size_t i = 0; i < sizeof(freezings) / sizeof(freezings[0]); i++)
		suite_add(freeze_restarts_no_hold, &freezings[i],
		    "no hold lasts for ever by %s", freezings[i].what);
	suite_add(freeze_goes_by_those_that_did_better, NULL,
	    "a freeze lasts while those that did better last fail, mail or none");
	suite_add(freezes_are_mailed_thrice_a_day, NULL,
	    "freezes that begin and end all day are mailed three times a day");
	suite_add(lasting_freeze_is_mailed, NULL, "... and one that lasts as well");
	return rig_end(suite_run());
}
