/* SPDX-License-Identifier: BSD-2-Clause */
/* An enforced MTA-STS policy is had anew in time: another that is announced while one is
 * being fetched, a short one before it ends, any by a clock that was ahead. */
#include "suite.h"

#include <string.h>

#include "engine/engine_impl.h"
#include "policykit.h"
#include "store/store_sts.h"

/* --- while it is being fetched -------------------------------------------------------
 */

/* d.test waits for a policy that is on its way, with that text. */
static void
begin_slow(const char *text)
{
	policykit_begin_at(LEVEL_VERIFY, "1", text);
	world.hanging = true;
	rig_defer("d.test");
	world_wait(rig.engine, 5 * SECOND);
	assert_int_equal(world.fetches, 0);
}

/* Another key of the domain is judged meanwhile, and by then another is announced. */
static void
other_id_meanwhile(void **state)
{
	(void)state;
	begin_slow(OTHER);
	policykit_id = "2";
	rig_defer("[d.test]:587");
	world_wait(rig.engine, 5 * SECOND);
	kit_assert(STATE, "SELECT txt_id FROM sts", "2\n");
	world.hanging = false;
	world_work();
	policykit_served = ENFORCE;
	world_wait(rig.engine, 6 * MIN);
	kit_assert(STATE, "SELECT id, mx FROM sts", "2|mx.d.test\n");
	policykit_assert_attributes("d.test", ENTRY);
	assert_int_equal(world.fetches, 2);
	rig_close();
}

static void
ask_anew(void)
{
	struct err err;
	bool found;

	assert_true(store_begin(rig.store, &err) &&
	    store_sts_refresh(rig.store, "d.test", &found, &err) && found &&
	    store_commit(rig.store, &err));
	engine_mind_policies(rig.engine);
	world_wait(rig.engine, SECOND);
}

static void
asked_anew_meanwhile(void **state)
{
	(void)state;
	begin_slow(OTHER);
	ask_anew();
	world.hanging = false;
	world_work();
	policykit_served = ENFORCE;
	world_wait(rig.engine, MIN);
	kit_assert(STATE, "SELECT refresh, mx FROM sts", "0|mx.d.test\n");
	policykit_assert_attributes("d.test", ENTRY);
	rig_close();
}

/* No time there has to be between two fetches counts. */
static void
asked_anew_at_once(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_VERIFY, "1", NULL);
	rig_defer("d.test");
	world_wait(rig.engine, 20 * SECOND);
	assert_int_equal(world.fetches, 1);
	policykit_served = ENFORCE;
	ask_anew();
	policykit_assert_attributes("d.test", ENTRY);
	rig_close();
}

/* --- the clock -----------------------------------------------------------------------
 */

/* Ten years ahead for ten minutes, in which certificates are of another time; the engine
 * may be ended meanwhile. */
static void
clock_that_was_ahead(void **state)
{
	bool restart = *(const bool *)*state;

	policykit_begin_at(LEVEL_MAY, "1", ENFORCE);
	policykit_send("d.test");
	world_wait(rig.engine, HOUR);
	policykit_assert_attributes("d.test", ENTRY);
	policykit_served = NULL;
	world.wall_ms += 3650 * DAY;
	world_wait(rig.engine, 10 * MIN);
	policykit_assert_attributes("d.test", ENTRY);
	if (restart)
		rig_close();
	world.wall_ms -= 3650 * DAY;
	if (restart)
		rig_open(ENGINE_APPLY);
	world_wait(rig.engine, MIN);
	policykit_assert_attributes("d.test", ENTRY);
	policykit_served = ENFORCE;
	world.policies_asked = 0;
	world_wait(rig.engine, 5 * DAY);
	assert_in_range(world.policies_asked, 5, 10);
	assert_in_range(world.fetches, 2, 5);
	policykit_assert_attributes("d.test", ENTRY);
	rig_close();
}

/* Nor is one that is asked about daily left alone until it ends. */
static void
clock_that_was_a_month_ahead(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_MAY, "1", POLICYKIT("mx.d.test", "31557600"));
	policykit_send("d.test");
	world_wait(rig.engine, HOUR);
	world.wall_ms += 40 * DAY;
	world_wait(rig.engine, 10 * MIN);
	world.wall_ms -= 40 * DAY;
	world.policies_asked = 0;
	world_wait(rig.engine, 5 * DAY);
	assert_in_range(world.policies_asked, 5, 10);
	rig_close();
}

/* --- short policies ------------------------------------------------------------------
 */

static void
short_one_is_kept_up(void **state)
{
	policykit_begin_at(LEVEL_MAY, "1", *(const char *const *)*state);
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	for (unsigned mail = 0; mail < 24; mail++) {
		world_wait(rig.engine, 2 * HOUR);
		policykit_assert_attributes("d.test", ENTRY);
		policykit_send("d.test");
	}
	rig_close();
}

/* That it ends is told before it does. */
static void
short_one_that_ends_is_told_of(void **state)
{
	policykit_begin_at(LEVEL_MAY, "1", *(const char *const *)*state);
	rig_notify_admin();
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("d.test", LEVEL_SECURE);
	policykit_served = NULL;
	while (world.notify.times == 0 && rig_row("d.test").entry.level != LEVEL_NONE)
		world_wait(rig.engine, MIN);
	rig_assert_entry("d.test", LEVEL_SECURE);
	assert_non_null(strstr(buf_text(&world.body), "cannot be renewed"));
	assert_non_null(strstr(buf_text(&world.body), "it ends within a day"));
	world_wait(rig.engine, DAY);
	rig_assert_entry("d.test", LEVEL_NONE);
	assert_int_equal(world.notify.times, 1);
	rig_close();
}

int
main(void)
{
	static const bool no = false, yes = true;
	static const char *const shorts[] = {POLICYKIT("mx.d.test", "600"),
	    POLICYKIT("mx.d.test", "1800"), POLICYKIT("mx.d.test", "3600"),
	    POLICYKIT("mx.d.test", "86400")};

	if (!rig_begin())
		return 1;
	suite_add(other_id_meanwhile, NULL,
	    "another id while a policy is being fetched: the new one is in five minutes");
	suite_add(asked_anew_meanwhile, NULL,
	    "so it is where the administrator asks for it meanwhile");
	suite_add(asked_anew_at_once, NULL, "who waits for nothing");
	suite_add(clock_that_was_ahead, &no,
	    "a clock that was ahead does not end what is asked of it");
	suite_add(clock_that_was_ahead, &yes, "... nor over a restart");
	suite_add(clock_that_was_a_month_ahead, NULL,
	    "... nor puts it off until the policy ends");
	for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++) {
		suite_add(short_one_is_kept_up, &shorts[i],
		    "a short one is renewed in time: %zu", i);
		suite_add(short_one_that_ends_is_told_of, &shorts[i],
		    "... and told of before it ends");
	}
	return rig_end(suite_run());
}
