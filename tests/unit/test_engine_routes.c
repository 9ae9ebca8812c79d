/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines wait until it is known where their mail goes, and no longer, in a scripted world.
 */
#include "suite.h"

#include <string.h>

#include "enginerig.h"

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

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(lines_wait_for_their_route, NULL,
	    "lines wait until the transport maps were asked, once a recipient");
	suite_add(untold_route_keeps_nobody, NULL,
	    "a recipient that a transport map cannot tell of keeps nobody else");
	suite_add(lines_wait_for_the_settings, NULL,
	    "before the first settings no line is stored");
	return rig_end(suite_run());
}
