/* SPDX-License-Identifier: BSD-2-Clause */
/* When servers are asked, how many at once, and what those cost that hold the connection.
 */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "enginerig.h"

static void
answer_shared_host(struct measure_item *item)
{
	world_add_host(item, "mx.shared.test", PROMISE_NONE);
}

static void
answer_serves_older_alarms_alone(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	world.answer = answer_shared_host;
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_defer_because("b.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, 10 * SECOND);
	assert_int_equal(world.fingered, 1);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	rig_defer("c.test"); /* ten seconds younger */
	world_wait(rig.engine, 19 * SECOND);
	assert_int_equal(world.fingered, 1);
	rig_assert_entry("c.test", LEVEL_NONE);
	world_wait(rig.engine, 2 * SECOND);
	assert_int_equal(world.fingered, 2);
	rig_assert_entry("c.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Another attempt failed while its server was being asked about the one before. */
static void
younger_alarm_is_an_echo(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	rig_defer("a.test");
	engine_turn(rig.engine);
	while (world.asked == 0) {
		world_work();
		engine_turn(rig.engine);
	}
	assert_true(world_waiting() > 0); /* the queue and the server */
	world_pass(SECOND);
	rig_defer("a.test");
	world_wait(rig.engine, 20 * SECOND);
	assert_int_equal(world.fingered, 1);
	rig_assert_entry("a.test", LEVEL_ENCRYPT); /* by the first one */
	/* the other began before that was in force: an echo, for which nobody is asked */
	kit_assert(STATE, "SELECT pending, why FROM destination", "0|not-authentic\n");
	world_wait(rig.engine, 20 * SECOND);
	assert_int_equal(world.fingered, 1);
	rig_close();
}

/* A log whose clock is ahead, of a machine in another time zone. */
static void
attempt_of_the_future_is_one_of_now(void **state)
{
	int64_t now_ms;

	(void)state;
	rig_new_with(world_self_signed);
	now_ms = world.wall_ms;
	world.wall_ms += 2 * HOUR;
	rig_defer_because("a.test", NOT_VERIFIED);
	world.wall_ms = now_ms;
	rig_save();
	world_wait(rig.engine, 5 * SECOND);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* What one host did is news of all that have it: the freeze is not late for them. */
static void
freeze_counts_them_as_they_are_judged(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	rig_notify_admin();
	rig_defer_many("a", 100);
	/* Nobody failed yet: each is known to when it was asked. */
	kit_run(STATE, "UPDATE host SET failed_ms = 0, verify_ms = 1");
	world_wait(rig.engine, 10 * SECOND);
	kit_assert(
	    STATE, "SELECT count(*) > 70 FROM destination WHERE why = 'freeze'", "1\n");
	kit_assert(
	    STATE, "SELECT value > 0 FROM counter WHERE name = 'frozen-ms'", "1\n");
	rig_close();
}

static void
so_many_at_once(void **state)
{
	size_t most = 0;

	(void)state;
	rig_new_with(world_self_signed);
	rig.config.freeze.destinations = 1000;
	rig_defer_many("a", 100);
	for (int i = 0; i < 1000 && world.fingered < 100; i++) {
		unsigned before = world.fingered;

		engine_turn(rig.engine);
		world_work();
		if (world.fingered - before > most)
			most = world.fingered - before;
	}
	assert_int_equal(most, 16);
	world_wait(rig.engine, MIN);
	kit_assert(
	    STATE, "SELECT count(*) FROM destination WHERE entry = 'encrypt'", "100\n");
	rig_close();
}

#define HELD_MS (30 * SECOND) /* as long as a probe may take */

static unsigned held;

static bool
is_tarpit(const char *host)
{
	return strstr(host, "tarpit.test") != NULL;
}

/* Sixteen at once take as long as one. */
static void
holds(const struct finger_question *question, struct server *server)
{
	world_self_signed(question, server);
	if (!is_tarpit(question->host))
		return;
	held++;
	world_pass(HELD_MS / 16);
	world_is_silent(question, server);
}

static void
holds_whole(const struct finger_question *question, struct server *server)
{
	world_pass(HELD_MS);
	world_is_silent(question, server);
}

static void
answer_five_tarpits(struct measure_item *item)
{
	char name[NEXTHOP_HOST_SIZE];

	for (int i = 0; i < 5 && is_tarpit(item->nexthop.host); i++) {
		snprintf(name, sizeof(name), "mx%d.%.100s", i, item->nexthop.host);
		world_add_host(item, name, PROMISE_NONE);
	}
}

/* An answer that comes when half a minute is over is one all the same. */
static void
host_that_holds_its_connection_is_no_answer(void **state)
{
	(void)state;
	rig_new_with(holds_whole);
	rig_defer("a.test");
	world_wait(rig.engine, 2 * MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_NO_ANSWER);
	assert_in_range(world.fingered, 1, 2);
	world_wait(rig.engine, DAY);
	assert_in_range(world.fingered, 12, 40); /* once an hour at last */
	rig_close();
}

/* Nor does mail that fails each minute have it asked all the time. */
static void
host_that_holds_its_connection_is_left_alone(void **state)
{
	unsigned before;

	(void)state;
	rig_new_with(holds_whole);
	for (int i = 0; i < 60; i++) {
		rig_defer("a.test");
		world_wait(rig.engine, MIN);
	}
	before = world.fingered;
	for (int i = 0; i < 60; i++) {
		rig_defer("a.test");
		world_wait(rig.engine, MIN);
	}
	assert_in_range(world.fingered - before, 5, 12);
	rig_close();
}

static void
one_domain_does_not_hold_them_all(void **state)
{
	char domain[64];
	size_t most = 0;

	(void)state;
	rig_new_with(holds);
	world.answer = answer_five_tarpits;
	for (int i = 0; i < 16; i++) {
		snprintf(domain, sizeof(domain), "n%d.tarpit.test", i);
		rig_defer_because(domain, NOT_VERIFIED);
	}
	rig_save();
	held = 0;
	for (int i = 0; i < 20; i++) {
		unsigned before = held;

		engine_turn(rig.engine);
		world_work();
		if (held - before > most)
			most = held - before;
		if (i == 8)
			rig_defer("a.test");
	}
	assert_int_equal(most, 4);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

static void
holds_meanwhile(const struct finger_question *question, struct server *server)
{
	static unsigned drawn;

	if (strcmp(question->host, "wide.tarpit.test") == 0) {
		world_self_signed(question, server);
		return;
	}
	world_is_silent(question, server);
	world.takes_ms = 20 * SECOND + drawn++ * 7919 % 10000;
}

static void
answer_wide(struct measure_item *item)
{
	struct chosen_host *host = &item->choice.hosts[0];

	if (strcmp(item->nexthop.host, "w.tarpit.test") != 0)
		return;
	world_add_host(item, "wide.tarpit.test", PROMISE_NONE);
	host->address_count = 3;
	host->addresses[1] =
	    (struct chosen_address){.length = 4, .octets = {192, 0, 2, 8}};
	host->addresses[2] =
	    (struct chosen_address){.length = 4, .octets = {192, 0, 2, 9}};
}

/* One of four ends at a time, and the next that has one address is always there. */
static void
host_of_many_addresses_is_not_overtaken(void **state)
{
	char domain[64];

	(void)state;
	rig_new_with(holds_meanwhile);
	world.answer = answer_wide;
	for (int i = 0; i < 300; i++) {
		snprintf(domain, sizeof(domain), "n%d.tarpit.test", i);
		rig_defer_because(domain, NOT_VERIFIED);
	}
	rig_save();
	world_wait(rig.engine, MIN);
	rig_defer("w.tarpit.test");
	world_wait(rig.engine, 40 * MIN);
	rig_assert_entry("w.tarpit.test", LEVEL_ENCRYPT);
	rig_close();
}

static void
is_slow(const struct finger_question *question, struct server *server)
{
	world_self_signed(question, server);
	world.takes_ms = 25 * SECOND;
}

static void
answer_many_servers(struct measure_item *item)
{
	char name[NEXTHOP_HOST_SIZE];

	for (unsigned i = 0; i < 6; i++) {
		struct chosen_host *host = &item->choice.hosts[i];

		snprintf(name, sizeof(name), "mx%u.a.test", i);
		world_add_host(item, name, PROMISE_NONE);
		host->address_count = 2;
		host->addresses[1] = (struct chosen_address){
		    .length = 4, .octets = {192, 0, 2, (uint8_t)(9 + i)}};
	}
}

/* A listing of the queue takes that long; the next is ten times as far away. */
static const int64_t listings_ms[] = {SECOND, 10 * SECOND, 30 * SECOND, MIN};

static void
slow_witnesses_come_to_an_end(void **state)
{
	const int64_t *listing_ms = *state;

	rig_new_with(is_slow);
	world.answer = answer_many_servers;
	world.queue_ms = *listing_ms;
	/* One listing was before, so that the next is not at once. */
	rig_defer("b.test");
	world_wait(rig.engine, 5 * *listing_ms);
	rig_defer("a.test");
	world_wait(rig.engine, 40 * *listing_ms + 5 * MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* They are re-read each minute while something is judged; probes take long. */
static void
settings_are_read_while_servers_are_asked(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	rig_defer("a.test");
	while (world.asked == 0) {
		engine_turn(rig.engine);
		if (world.asked == 0)
			world_work();
	}
	world_pass(2 * MIN);
	rig_defer("b.test");
	engine_turn(rig.engine);
	world_settle(rig.engine);
	assert_int_equal(world.settings.times, 2);
	rig_close();
}

/* Message by message: the server is asked while the queue is. */
static void
queue_and_servers_are_asked_side_by_side(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	rig_defer("a.test");
	engine_turn(rig.engine);
	world_work(); /* DNS */
	engine_turn(rig.engine);
	assert_int_equal(world_waiting(), 2);
	world_settle(rig.engine);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(answer_serves_older_alarms_alone, NULL,
	    "an answer serves the alarms that were before it, 30 s later there is "
	    "another");
	suite_add(younger_alarm_is_an_echo, NULL,
	    "an alarm that came meanwhile is an echo once the entry is in force");
	suite_add(attempt_of_the_future_is_one_of_now, NULL,
	    "the clock of the log is ahead: it is not waited for");
	suite_add(freeze_counts_them_as_they_are_judged, NULL,
	    "a freeze counts them while they are judged");
	suite_add(so_many_at_once, NULL, "sixteen addresses are connected to at once");
	suite_add(host_that_holds_its_connection_is_no_answer, NULL,
	    "a host that holds its connection is no answer");
	suite_add(host_that_holds_its_connection_is_left_alone, NULL,
	    "a host that holds its connection is not asked by every alarm");
	suite_add(one_domain_does_not_hold_them_all, NULL,
	    "four of the sixteen are of one domain at most");
	suite_add(host_of_many_addresses_is_not_overtaken, NULL,
	    "a host with many addresses is not overtaken for ever by others of its "
	    "domain");
	for (size_t i = 0; i < sizeof(listings_ms) / sizeof(listings_ms[0]); i++)
		suite_add(slow_witnesses_come_to_an_end, &listings_ms[i],
		    "servers that take more than a minute, and a listing that takes %d s",
		    (int)(listings_ms[i] / SECOND));
	suite_add(settings_are_read_while_servers_are_asked, NULL,
	    "servers that are being asked do not keep Postfix's settings from being "
	    "read");
	suite_add(queue_and_servers_are_asked_side_by_side, NULL,
	    "queue and servers are asked side by side");
	return rig_end(suite_run());
}
