/* SPDX-License-Identifier: BSD-2-Clause */
/* A clock that is wrong, and right again, beside an enforced MTA-STS policy that cannot
 * be had any more: it lives as long as time passes. */
#include "suite.h"

#include "policykit.h"

#define WEEK (7 * DAY) /* max_age of ENFORCE */

static void
start_machine(int64_t set_ms, int64_t off_ms)
{
	rig_close();
	world.wall_ms += set_ms;
	world_pass(off_ms);
	world.boot++;
	world.booted_ms = world.mono_ms;
	rig_open(ENGINE_APPLY);
}

static void
set_clock(int64_t set_ms, bool boots)
{
	if (boots)
		start_machine(set_ms, MIN);
	else
		world.wall_ms += set_ms;
	world_wait(rig.engine, SECOND);
}

static const struct wrong {
	const char *what;
	int64_t set_ms;
	bool boots;       /* the machine starts with that clock */
	const char *txt;  /* what DNS says meanwhile */
	int64_t later_ms; /* than after a week by the clock that is right, it may end */
} wrongs[] = {
    {"8 days ahead", 8 * DAY, false, "1", 0},
    {"8 days ahead, and DNS cannot tell", 8 * DAY, false, "?", 0},
    {"8 days ahead, and its TXT record is gone", 8 * DAY, false, NULL, 0},
    {"40 days ahead", 40 * DAY, false, "1", 0},
    {"ten years ahead", 3650 * DAY, false, "1", 0},
    {"8 days behind", -8 * DAY, false, "1", 0},
    {"ten years behind", -3650 * DAY, false, "1", 0},
    {"8 days ahead at boot", 8 * DAY, true, "1", MIN},
    {"8 days ahead at boot, and DNS cannot tell", 8 * DAY, true, "?", MIN},
    {"100 days ahead at boot", 100 * DAY, true, "1", MIN},
    {"8 days behind at boot", -8 * DAY, true, "1", MIN},
    {"ten years behind at boot", -3650 * DAY, true, "?", MIN},
};

/* Mail is sent each half day, as time passes, and the entry is there. */
static void
keep_for(int64_t ms)
{
	int64_t until_ms = world.mono_ms + ms;

	while (world.mono_ms < until_ms) {
		policykit_send("d.test");
		for (unsigned i = 0; i < 24 && world.mono_ms < until_ms; i++) {
			int64_t left_ms = until_ms - world.mono_ms;

			world_wait(rig.engine, left_ms < HOUR / 2 ? left_ms : HOUR / 2);
			rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
		}
	}
}

static void
begin(void)
{
	policykit_begin_at(LEVEL_MAY, "1", ENFORCE);
	policykit_send("d.test");
	world_wait(rig.engine, SECOND);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	policykit_served = NULL;
}

static void
policy_lives_as_long_as_time_passes(void **state)
{
	const struct wrong *row = *state;
	int64_t ends_ms;

	begin();
	ends_ms = world.mono_ms + WEEK;
	keep_for(DAY);
	policykit_id = row->txt;
	set_clock(row->set_ms, row->boots);
	keep_for(30 * HOUR);
	set_clock(-row->set_ms, false);
	keep_for(30 * HOUR);
	policykit_id = "1";
	keep_for(ends_ms - world.mono_ms - MIN);
	world_wait(rig.engine, 2 * MIN + row->later_ms);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_ENDED);
	rig_close();
}

/* It is never right again. */
static void
wrong_clock_ends_it_in_time(void **state)
{
	const struct wrong *row = *state;

	begin();
	policykit_id = row->txt;
	set_clock(row->set_ms, row->boots);
	keep_for(WEEK - 2 * MIN);
	world_wait(rig.engine, 3 * MIN + row->later_ms);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_ENDED);
	rig_close();
}

/* The machine was off for longer than the policy would have lived: that is not told from
 * a clock that is ahead, but by the owner, who announces none any more. */
static void
machine_was_off(void **state)
{
	static const char *const texts[] = {NULL, "1", "?"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		begin();
		keep_for(DAY);
		policykit_id = texts[i];
		start_machine(0, 40 * DAY);
		policykit_send("d.test");
		world_wait(rig.engine, MIN);
		rig_assert_entry("d.test", texts[i] == NULL ? LEVEL_NONE : LEVEL_SECURE);
		if (texts[i] != NULL) {
			policykit_served = ENFORCE;
			policykit_id = "1";
			world_wait(rig.engine, DAY);
			kit_assert(STATE, "SELECT owed_ms FROM sts", "0\n");
			keep_for(5 * DAY);
		}
		rig_close();
	}
}

/* ... and not for so long: who announces nothing has taken back nothing. */
static void
machine_was_off_for_a_day(void **state)
{
	(void)state;
	begin();
	keep_for(DAY);
	policykit_id = NULL;
	start_machine(0, DAY);
	keep_for(4 * DAY);
	policykit_send("d.test");
	world_wait(rig.engine, 26 * HOUR); /* by the clock it is over after 5 */
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_ENDED);
	rig_close();
}

/* Nobody is alerted that it was not renewed for a day. */
static void
wrong_clock_alerts_nobody(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_MAY, "1", POLICYKIT("mx.d.test", "86400"));
	rig_notify_admin();
	policykit_send("d.test");
	world_wait(rig.engine, 13 * HOUR);
	policykit_served = NULL;
	world_wait(rig.engine, 12 * HOUR);
	set_clock(40 * DAY, false);
	world_wait(rig.engine, HOUR);
	policykit_served = POLICYKIT("mx.d.test", "86400");
	set_clock(-40 * DAY, false);
	world_wait(rig.engine, DAY);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	assert_int_equal(policykit_alerts_of("d.test"), 0);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		suite_add(policy_lives_as_long_as_time_passes,
		    (void *)(uintptr_t)&wrongs[i],
		    "a policy lives as long as time passes: the clock is %s, and right",
		    wrongs[i].what);
		suite_add(wrong_clock_ends_it_in_time, (void *)(uintptr_t)&wrongs[i],
		    "... and stays so");
	}
	suite_add(machine_was_off, NULL,
	    "a machine that was off past its end keeps it until nothing is announced");
	suite_add(machine_was_off_for_a_day, NULL,
	    "... and one that was off for a day, until then by the clock");
	suite_add(wrong_clock_alerts_nobody, NULL,
	    "a clock that is ahead for an hour alerts of no policy");
	return rig_end(suite_run());
}
