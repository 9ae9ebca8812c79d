/* SPDX-License-Identifier: BSD-2-Clause */
/* When an engine judges a destination, and whom it asks before. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "enginerig.h"

static void
news_is_judged_exported_retried(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_settle(rig.engine);
	assert_int_equal(world.asked, 1);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_int_equal(world.export.times, 0);
	assert_int_equal(world.retry.times, 0); /* the map of before is in force */
	world_wait(rig.engine, SETTLE);
	assert_int_equal(world.export.times, 1);
	assert_false(world.anew);
	assert_int_equal(world.retry.times, 1);
	rig_close();
}

/* Eight askers, all but one with a job of 16 that nobody knows; none is asked about twice
 * at a time. */
static void
askers_get_so_many(void **state)
{
	(void)state;
	rig_new_settled();
	rig.config.freeze.destinations = 10000;
	rig_defer_many("a", 300);
	engine_turn(rig.engine);
	assert_int_equal(world_waiting(), 7);
	rig_defer("a7.test");
	engine_turn(rig.engine);
	assert_int_equal(world_waiting(), 7);
	assert_true(engine_wait_ms(rig.engine) != 0);
	world_work();
	assert_int_equal(world.asked, 7 * 16);
	world_settle(rig.engine);
	assert_int_equal(world.asked, 300); /* the answers are good for the news of a7 */
	kit_assert(STATE, "SELECT count(*) FROM destination WHERE pending", "0\n");
	rig_close();
}

/* While few wait, each is another asker's. */
static void
few_are_asked_side_by_side(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer_many("a", 5);
	engine_turn(rig.engine);
	assert_int_equal(world_waiting(), 5);
	world_settle(rig.engine);
	rig_close();
}

static void
answer_own_server(struct measure_item *item)
{
	snprintf(item->answers.text, sizeof(item->answers.text), "mx.%s tlsa=none",
	    item->nexthop.host);
}

/* A hundred thousand leases that end together must not be as many questions at once. */
static void
ended_leases_are_rechecked_slowly(void **state)
{
	(void)state;
	rig_new_settled();
	rig.config.freeze.destinations = 10000;
	world.answer = answer_own_server;
	rig_defer_many("a", 100);
	world_wait(rig.engine, MIN);
	kit_run(STATE, "UPDATE destination SET look_ms = 1, lease_end_ms = 1");
	world.asked = 0;
	world_settle(rig.engine);
	assert_int_equal(world.asked, 40);
	world_wait(rig.engine, SECOND);
	assert_in_range(world.asked, 55, 65);
	world_wait(rig.engine, 2 * SECOND);
	assert_int_equal(world.asked, 100);
	rig_close();
}

static void
answer_for_an_hour(struct measure_item *item)
{
	item->answers.dane.ttl_s = 3600;
	snprintf(item->answers.text, sizeof(item->answers.text), "mx.%s tlsa=none",
	    item->nexthop.host);
}

/* An answer is good for its TTL, unless another map has to be asked anyway. */
static void
answer_is_remembered(void **state)
{
	static const char *const maps[] = {"", "hash:/etc/postfix/other"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		rig_new(ENGINE_APPLY);
		world.policy_maps = maps[i];
		world.answer = answer_for_an_hour;
		world_settle(rig.engine);
		rig_defer("a.test");
		world_wait(rig.engine, SECOND);
		assert_int_equal(world.asked, 1);
		rig_defer("a.test");
		world_wait(rig.engine, SECOND);
		assert_int_equal(world.asked, 1 + i);
		rig_close();
	}
}

static void
answer_one_server(struct measure_item *item)
{
	snprintf(
	    item->answers.text, sizeof(item->answers.text), "mx.shared.test tlsa=none");
	world_add_host(item, "mx.shared.test", PROMISE_NONE);
}

/* Whose leases end together may share a server: it is probed once for all of them. */
static void
probes_of_a_server_are_shared(void **state)
{
	(void)state;
	rig_new_settled();
	world.answer = answer_one_server;
	world.finger = world_self_signed;
	rig_defer_many("a", 3);
	world_wait(rig.engine, 10 * MIN);
	assert_int_equal(world.fingered, 1);
	kit_run(STATE, "UPDATE destination SET look_ms = 1, lease_end_ms = 1");
	world.asked = 0;
	world_settle(rig.engine);
	assert_int_equal(world.asked, 3);
	assert_int_equal(world.fingered, 2);
	kit_assert(
	    STATE, "SELECT count(*) FROM destination WHERE why = 'still-needed'", "3\n");
	rig_close();
}

/* What the administrator forbids does not last until its lease ends. */
static void
raised_lowest_is_minded_at_once(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
	rig.config.ladder.lowest = LEVEL_VERIFY;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_close();
}

static void
store_entries(unsigned count)
{
	const struct destination_pin none = {.set = false};
	struct destination d;
	char key[32];

	assert_true(store_begin(rig.store, &kit_err));
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "e%u.test", i);
		destination_init(&d, key);
		destination_adopt(&d, demand_of(LEVEL_ENCRYPT), WHY_NOT_AUTHENTIC, &none,
		    7 * DAY, world.wall_ms + 6 * DAY, world.wall_ms);
		assert_true(store_put(rig.store, &d, &kit_err));
		destination_clear(&d);
	}
	assert_true(store_commit(rig.store, &kit_err));
}

/* Of thousands as well: it is known without asking anybody. */
static void
raised_lowest_asks_nobody(void **state)
{
	(void)state;
	rig_new_settled();
	store_entries(1200);
	rig_close();
	rig.config.ladder.lowest = LEVEL_VERIFY;
	world.asked = 0;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	kit_assert(STATE,
	    "SELECT count(*) FROM destination WHERE entry = 'none' AND why = 'lowest'",
	    "1200\n");
	assert_int_equal(world.asked, 0);
	rig_close();
}

static void
reopen(void)
{
	rig_close();
	rig.judged = 0;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
}

/* Once, and only where what it was decided under is other than it was. */
static void
other_ladder_judges_again(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	reopen();
	assert_int_equal(rig.judged, 0);
	rig.config.freeze.destinations++;
	reopen();
	assert_int_equal(rig.judged, 0);
	rig.config.ladder.hold_may_ms--;
	rig_close();
	rig_open(ENGINE_APPLY);
	engine_run_once(rig.engine); /* a command leaves it to the daemon */
	world_settle(rig.engine);
	assert_int_equal(rig.judged, 0);
	reopen();
	assert_int_equal(rig.judged, 1);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	reopen();
	assert_int_equal(rig.judged, 0);
	rig_close();
}

static void
freeze_is_for_all(void **state)
{
	(void)state;
	rig_new_settled();
	rig.config.freeze.destinations = 5;
	rig_notify_admin();
	store_counter_set(rig.store, "verified-ms", world.wall_ms - DAY, &kit_err);
	rig_defer_many("a", 5);
	world_wait(rig.engine, MIN);
	kit_assert(
	    STATE, "SELECT count(*) FROM destination WHERE entry <> 'none'", "0\n");
	kit_assert(STATE, "SELECT DISTINCT why FROM destination", "freeze\n");
	assert_int_equal(world.notify.times, 1);
	assert_string_equal(buf_text(&world.subject),
	    "tlsladder: freeze: within 10 minutes servers of 5 domains or more failed "
	    "and none verified");
	world_wait(rig.engine, HOUR);
	kit_assert(
	    STATE, "SELECT count(*) FROM destination WHERE entry <> 'none'", "0\n");
	assert_int_equal(world.notify.times, 1);
	/* A probe verifies: it is not us. */
	store_counter_set(rig.store, "verified-ms", world.wall_ms, &kit_err);
	store_counter_set(rig.store, "probed-ms", world.wall_ms, &kit_err);
	world_wait(rig.engine, MIN);
	rig_defer_many("a", 5); /* an attempt from before the thaw proves nothing */
	world_wait(rig.engine, MIN);
	kit_assert(STATE, "SELECT value FROM counter WHERE name = 'frozen-ms'", "0\n");
	kit_assert(
	    STATE, "SELECT DISTINCT entry FROM destination ORDER BY entry", "encrypt\n");
	rig_close();
}

static void
answer_one_server_for_an_hour(struct measure_item *item)
{
	answer_one_server(item);
	item->answers.dane.ttl_s = 3600;
}

/* As the command does it, with the rig's own connection as another process. */
static void
decide_again(const char *key)
{
	struct destination d = kit_get(rig.store, key);

	destination_again(&d, world.wall_ms);
	kit_begin_transaction(rig.store);
	kit_put(rig.store, &d);
	assert_true(store_counter_set(rig.store, STORE_AGAIN, world.wall_ms, &kit_err));
	kit_commit(rig.store);
	destination_clear(&d);
}

/* What is remembered would serve: DNS for an hour, a server for five minutes, settings
 * for one. */
static void
again_asks_all_anew(void **state)
{
	unsigned settings;

	(void)state;
	rig_new_settled();
	world.answer = answer_one_server_for_an_hour;
	world.finger = world_self_signed;
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_int_equal(world.asked, 1);
	assert_int_equal(world.fingered, 1);
	world_wait(rig.engine, MIN);
	settings = world.settings.times;
	decide_again("a.test");
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.asked, 2);
	assert_int_equal(world.fingered, 2);
	assert_true(world.settings.times > settings);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world_wait(rig.engine, MIN);
	assert_int_equal(world.asked, 2); /* once */
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(news_is_judged_exported_retried, NULL,
	    "news is judged, exported when it settled, and then its mail is retried");
	suite_add(askers_get_so_many, NULL,
	    "the askers get a bounded number, none twice at a time");
	suite_add(few_are_asked_side_by_side, NULL, "a few are asked about side by side");
	suite_add(ended_leases_are_rechecked_slowly, NULL,
	    "leases that end together are re-checked 40 at once, then 20 a second");
	suite_add(answer_is_remembered, NULL,
	    "an answer is used again, but not where another map is to be asked");
	suite_add(probes_of_a_server_are_shared, NULL,
	    "a server is probed once for all whose leases end");
	suite_add(again_asks_all_anew, NULL,
	    "again asks settings, DNS and servers, and weakens nothing by itself");
	suite_add(raised_lowest_is_minded_at_once, NULL,
	    "a raised ladder.lowest ends weaker entries at the start");
	suite_add(raised_lowest_asks_nobody, NULL,
	    "... thousands in one pass, and nobody is asked for it");
	suite_add(other_ladder_judges_again, NULL,
	    "another value of ladder: has what was decided judged again, once");
	suite_add(freeze_is_for_all, NULL,
	    "when many fail and none verifies all is frozen, with one alert");
	return rig_end(suite_run());
}
