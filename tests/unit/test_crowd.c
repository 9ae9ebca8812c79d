/* SPDX-License-Identifier: BSD-2-Clause */
/* Destinations by the thousand that fail at once. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>

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

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(ten_thousand_share_five_hundred, NULL,
	    "10,000 destinations on 500 hosts: 500 probes");
	suite_add(crowd_waits_in_turn, NULL, "who waits takes a bounded room");
	return rig_end(suite_run());
}
