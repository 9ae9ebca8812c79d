/* SPDX-License-Identifier: BSD-2-Clause */
/* Destinations by the thousand that fail at once. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_impl.h"
#include "enginerig.h"

static void
answer_of_500(struct measure_item *item)
{
	char name[NEXTHOP_HOST_SIZE];

	snprintf(name, sizeof(name), "mx%u.test", (unsigned)item->id % 500);
	world_add_host(item, name, PROMISE_NONE);
}

static void
ten_thousand_share_five_hundred(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	rig.config.freeze.destinations = 100000;
	world.answer = answer_of_500;
	rig_defer_many("a", 10000);
	world_wait(rig.engine, MIN);
	assert_int_equal(world.fingered, 500);
	kit_assert(STATE, "SELECT entry, count(*) FROM destination GROUP BY entry",
	    "encrypt|10000\n");
	rig_close();
}

/* Who waits takes a bounded room; the others are asked about afterwards. */
static void
crowd_waits_in_turn(void **state)
{
	unsigned listings = 0, most = 3 * WITNESSES_MAX / 2;
	char *left;

	(void)state;
	rig_new_settled();
	rig.config.freeze.destinations = 100000;
	rig_defer_many("a", most);
	for (int i = 0; i < 4; i++) {
		world_settle(rig.engine);
		listings = world.queue.times;
		assert_in_range(witnesses_count(rig.engine->witnessed), 0, WITNESSES_MAX);
		world_wait(rig.engine, LISTING);
	}
	assert_in_range(listings, 2, 3);
	left = kit_ask(STATE, "SELECT count(*) FROM destination WHERE pending");
	assert_string_equal(left, "0\n");
	free(left);
	rig_close();
}

/* As many as the table of hosts holds twice over, each with a server of its own. */
static void
many_hosts_at_once_are_asked_once_each(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	for (int i = 0; i < 4000; i++) {
		char line[400];

		snprintf(line, sizeof(line),
		    "smtp[77]: F%d: to=<u@x%d.test>, relay=mx.x%d.test[192.0.2.1]:25, "
		    "delay=9, delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred "
		    "(" NOT_VERIFIED ")",
		    i, i, i);
		world_log(rig.engine, line);
	}
	rig_save();
	world_wait(rig.engine, 10 * MIN);
	assert_int_equal(world.fingered, 4000);
	kit_assert(
	    STATE, "SELECT count(*) FROM destination WHERE entry = 'encrypt'", "4000\n");
	rig_close();
}

static void
assert_decided_within(int64_t ms)
{
	rig_defer_because("honest.example", NOT_VERIFIED);
	rig_save();
	for (int64_t waited_ms = 0;
	     waited_ms < ms && rig_row("honest.example").entry.level == LEVEL_NONE;
	     waited_ms += SECOND)
		world_wait(rig.engine, SECOND);
	rig_assert_entry("honest.example", LEVEL_ENCRYPT);
}

/* Of no message that is there, more than wait for witnesses at once, each of a domain
 * that does exist and takes no connection. */
static void
lines_alone_have_nobody_asked(void **state)
{
	char line[400];

	(void)state;
	rig_slow_ms = 10 * SECOND;
	rig_slow_asked = 0;
	rig_new_with(rig_some_are_slow);
	for (unsigned i = 0; i < 6000; i++) {
		snprintf(line, sizeof(line),
		    "smtp[66]: F%u: to=<u@drop%u.test>, "
		    "relay=mx.drop%u.test[192.0.2.1]:25, "
		    "delay=10, delays=9/0/0.03/0.02, dsn=4.7.5, status=deferred "
		    "(" NOT_VERIFIED ")",
		    i, i, i);
		world_log(rig.engine, line);
		snprintf(line, sizeof(line), "F%u", i);
		world_unqueue(line);
	}
	rig_save();
	world_wait(rig.engine, 500);
	assert_decided_within(MIN);
	world_wait(rig.engine, 10 * MIN);
	assert_in_range(rig_slow_asked, 0, 8); /* none but the last few */
	kit_assert(STATE, "SELECT count(*) FROM destination WHERE pending <> 0", "0\n");
	rig_close();
}

/* Their messages are there. */
static void
slow_servers_keep_their_own_waiting(void **state)
{
	char name[64];

	(void)state;
	rig_slow_ms = 20 * SECOND;
	rig_slow_asked = 0;
	rig_new_with(rig_some_are_slow);
	for (unsigned i = 0; i < 20; i++)
		for (unsigned domain = 0; domain < 20; domain++) {
			snprintf(name, sizeof(name), "n%u.drop%u.test", i, domain);
			rig_defer_because(name, NOT_VERIFIED);
		}
	rig_save();
	world_wait(rig.engine, 5 * MIN);
	assert_decided_within(MIN);
	assert_true(rig_slow_asked > 100);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(ten_thousand_share_five_hundred, NULL,
	    "10,000 destinations on 500 hosts: 500 probes");
	suite_add(crowd_waits_in_turn, NULL, "who waits takes a bounded room");
	suite_add(many_hosts_at_once_are_asked_once_each, NULL,
	    "4000 hosts that are to be asked at once are asked once each");
	suite_add(lines_alone_have_nobody_asked, NULL,
	    "6000 lines without a message have nobody asked, and hold up nobody");
	suite_add(slow_servers_keep_their_own_waiting, NULL,
	    "20 domains of slow servers keep nobody else waiting for long");
	return rig_end(suite_run());
}
