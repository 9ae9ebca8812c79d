/* SPDX-License-Identifier: BSD-2-Clause */
/* Hundreds of registered domains, each with a message that waits, and with servers that
 * keep a connection for as long as they may: they wait for each other, nobody else does.
 */
#include "suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "enginerig.h"

#define FLOOD   300 /* domains */
#define SLOW_MS (20 * SECOND)

static void
flood(void)
{
	rig_slow_ms = SLOW_MS;
	rig_slow_asked = 0;
	rig_defer_many("drop", FLOOD);
}

/* How long after its alarm a server of it was connected to. */
static int64_t
asked_after_ms(const char *domain)
{
	int64_t begun_ms = world.mono_ms;
	char name[64];

	snprintf(name, sizeof(name), "mx.%s ", domain);
	rig_defer_because(domain, NOT_VERIFIED);
	buf_reset(&world.fingered_hosts);
	rig_save();
	world_settle(rig.engine);
	while (world.mono_ms - begun_ms < 5 * MIN &&
	    strstr(buf_text(&world.fingered_hosts), name) == NULL)
		world_wait(rig.engine, SECOND / 2);
	return world.mono_ms - begun_ms;
}

/* Nobody knows it, as nobody knows those. */
static void
new_destination_is_next(void **state)
{
	(void)state;
	rig_new_with(rig_some_are_slow);
	flood();
	world_wait(rig.engine, MIN);
	assert_in_range(asked_after_ms("honest.example"), 0, 5 * SECOND);
	world_wait(rig.engine, 5 * SECOND);
	rig_assert_entry("honest.example", LEVEL_ENCRYPT);
	assert_in_range(rig_slow_asked, 50, 1000);
	rig_close();
}

/* They were asked before, all of them, and are to be again. */
static void
new_destination_is_next_later(void **state)
{
	(void)state;
	rig_new_with(rig_some_are_slow);
	flood();
	for (int i = 0; i < 12; i++) {
		world_wait(rig.engine, 5 * MIN);
		rig_defer_many("drop", FLOOD);
	}
	assert_in_range(asked_after_ms("honest.example"), 0, 3 * SECOND);
	rig_close();
}

/* In the middle of those that nobody knows. */
static void
past_goes_first(void **state)
{
	(void)state;
	rig_new_with(rig_some_are_slow);
	world.sessions_logged = true;
	rig_close();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	rig_log_session("Untrusted", "mx.honest.example[192.0.2.1]:25");
	rig_log_status("honest.example", "mx.honest.example[192.0.2.1]:25", "2.0.0",
	    "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, HOUR);
	rig_slow_asked = 0;
	for (unsigned i = 0; i < 2 * FLOOD; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "drop%u.test", i);
		rig_defer_because(domain, NOT_VERIFIED);
		if (i == FLOOD)
			rig_defer_because("honest.example", NOT_VERIFIED);
	}
	buf_reset(&world.fingered_hosts);
	rig_save();
	world_wait(rig.engine, 3 * SECOND);
	assert_non_null(strstr(buf_text(&world.fingered_hosts), "mx.honest.example "));
	rig_close();
}

/* Its server answers as soon as that: each alarm of it is heard. */
static void
whoever_answers_soon_goes_first(void **state)
{
	(void)state;
	rig_new_with(rig_some_are_slow);
	rig_defer("honest.example");
	world_wait(rig.engine, HOUR);
	flood();
	for (int i = 0; i < 10; i++) {
		world_wait(rig.engine, 6 * MIN);
		rig_defer_many("drop", FLOOD);
	}
	buf_reset(&world.fingered_hosts);
	rig_defer_because("honest.example", NOT_OFFERED);
	rig_save();
	world_wait(rig.engine, 3 * SECOND);
	assert_non_null(strstr(buf_text(&world.fingered_hosts), "mx.honest.example "));
	rig_close();
}

/* --- DNS --------------------------------------------------------------------------- */

/* A zone that takes so long to be asked about. */
static void
answers_slowly(struct measure_item *item)
{
	if (strncmp(item->nexthop.host, "lame", 4) == 0) {
		item->answers.dane.state = DANE_UNSURE;
		world.takes_ms += 10 * SECOND;
		item->took_ms = 10 * SECOND;
	}
	if (strncmp(item->nexthop.host, "tardy", 5) == 0)
		world.takes_ms += item->took_ms = 3 * SECOND / 2;
}

static int64_t
judged_after_ms(const char *domain)
{
	int64_t begun_ms = world.mono_ms;

	rig_defer_because(domain, NOT_VERIFIED);
	rig_save();
	while (world.mono_ms - begun_ms < 10 * MIN &&
	    rig_row(domain).entry.level == LEVEL_NONE)
		world_wait(rig.engine, SECOND);
	return world.mono_ms - begun_ms;
}

/* Zones that were slow before, and are asked about again with each attempt. */
static void
slow_zones_delay_nobody(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	world.answer = answers_slowly;
	rig_defer_many("lame", 2 * FLOOD);
	for (int i = 0; i < 4; i++) {
		world_wait(rig.engine, 5 * MIN);
		rig_defer_many("lame", 2 * FLOOD);
	}
	world_wait(rig.engine, SECOND);
	assert_in_range(judged_after_ms("honest.example"), 0, 5 * SECOND);
	rig_close();
}

/* How long after its alarm DNS is asked about it. */
static int64_t
looked_up_after_ms(const char *domain, const char *reason)
{
	int64_t begun_ms = world.mono_ms;
	char key[64];

	snprintf(key, sizeof(key), "%s ", domain);
	rig_defer_because(domain, reason);
	buf_reset(&world.asked_keys);
	rig_save();
	world_settle(rig.engine);
	while (world.mono_ms - begun_ms < 10 * MIN &&
	    strstr(buf_text(&world.asked_keys), key) == NULL)
		world_wait(rig.engine, SECOND / 10);
	return world.mono_ms - begun_ms;
}

struct first_round {
	const char *what;
	bool known;      /* was the honest one asked about before? */
	int64_t most_ms; /* so long it waits for those */
};

static const struct first_round first_rounds[] = {
    {"one that was asked about before", true, SECOND},
    {"one that nobody knows, either", false, SECOND},
};

/* Nobody knows that they are slow. */
static void
first_round_of_slow_zones(void **state)
{
	const struct first_round *row = *state;
	int64_t longest_ms = 0;

	rig_new_with(world_self_signed);
	world.answer = answers_slowly;
	for (unsigned i = 0; i < 20 && row->known; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "honest%u.example", i);
		rig_defer(domain);
	}
	world_wait(rig.engine, HOUR);
	rig_defer_many("lame", FLOOD);
	for (unsigned i = 0; i < 20; i++) {
		char domain[32];
		int64_t after_ms;

		world_wait(rig.engine, 700);
		snprintf(domain, sizeof(domain), "honest%u.example", i);
		after_ms =
		    looked_up_after_ms(domain, row->known ? NOT_OFFERED : NOT_VERIFIED);
		longest_ms = after_ms > longest_ms ? after_ms : longest_ms;
	}
	print_message("# beside %d zones that are slow: %s waits %" PRId64
	              " ms at most\n",
	    FLOOD, row->what, longest_ms);
	assert_in_range(longest_ms, 0, row->most_ms);
	rig_close();
}

/* DNS told of them before, as quickly as of others. */
static void
known_zones_become_slow(void **state)
{
	int64_t longest_ms = 0;

	(void)state;
	rig_new_with(world_self_signed);
	rig.config.ladder.lowest = LEVEL_VERIFY;
	for (unsigned i = 0; i < 20; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "honest%u.example", i);
		rig_defer(domain);
	}
	rig_defer_many("lame", FLOOD);
	world_wait(rig.engine, 3 * HOUR);
	world.answer = answers_slowly;
	for (unsigned i = 0; i < FLOOD; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "lame%u.test", i);
		rig_defer_because(domain, NOT_OFFERED);
	}
	rig_save();
	for (unsigned i = 0; i < 20; i++) {
		char domain[32];
		int64_t after_ms;

		world_wait(rig.engine, 700);
		snprintf(domain, sizeof(domain), "honest%u.example", i);
		after_ms = looked_up_after_ms(domain, NOT_OFFERED);
		longest_ms = after_ms > longest_ms ? after_ms : longest_ms;
	}
	print_message("# beside %d zones that became slow: one that is known waits "
	              "%" PRId64 " ms at most\n",
	    FLOOD, longest_ms);
	assert_in_range(longest_ms, 0, 45 * SECOND);
	rig_close();
}

/* One that is late at first is asked again beside them, and takes its time. */
static void
late_zone_is_asked_again(void **state)
{
	int64_t longest_ms = 0;

	(void)state;
	rig_new_with(world_self_signed);
	world.answer = answers_slowly;
	rig_defer_many("lame", FLOOD);
	for (unsigned i = 0; i < 20; i++) {
		char domain[32];
		int64_t after_ms;

		world_wait(rig.engine, 700);
		snprintf(domain, sizeof(domain), "tardy%u.example", i);
		after_ms = judged_after_ms(domain);
		longest_ms = after_ms > longest_ms ? after_ms : longest_ms;
	}
	print_message(
	    "# beside %d zones that are slow: one that answers after 1.5 s waits "
	    "%" PRId64 " ms at most\n",
	    FLOOD, longest_ms);
	assert_in_range(longest_ms, 0, 20 * SECOND);
	rig_close();
}

/* Of a batch one is slow: the others are not asked behind it. */
static void
slow_zone_delays_no_other_of_its_batch(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	world.answer = answers_slowly;
	rig_defer_because("lame.test", NOT_VERIFIED);
	for (unsigned i = 0; i < 100; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "d%u.test", i);
		rig_defer_because(domain, NOT_VERIFIED);
	}
	rig_save();
	world_wait(rig.engine, 15 * SECOND);
	kit_assert(
	    STATE, "SELECT count(*) FROM destination WHERE entry = 'encrypt'", "100\n");
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	suite_add(new_destination_is_next, NULL,
	    "300 domains of slow servers: who comes behind them is asked next");
	suite_add(new_destination_is_next_later, NULL,
	    "... when they were asked before, and are to be again");
	suite_add(
	    past_goes_first, NULL, "who has a past is asked before all who have none");
	suite_add(whoever_answers_soon_goes_first, NULL,
	    "who answered soon is asked before all who are slow");
	suite_add(slow_zones_delay_nobody, NULL,
	    "600 zones that were slow before keep nobody else waiting");
	for (size_t i = 0; i < sizeof(first_rounds) / sizeof(first_rounds[0]); i++)
		suite_add(first_round_of_slow_zones, &first_rounds[i],
		    "300 zones that nobody knows to be slow: %s waits for a moment",
		    first_rounds[i].what);
	suite_add(known_zones_become_slow, NULL,
	    "300 zones that DNS told of become slow: who is known waits a minute at "
	    "most");
	suite_add(late_zone_is_asked_again, NULL,
	    "... one that is late itself waits for some of them");
	suite_add(slow_zone_delays_no_other_of_its_batch, NULL,
	    "a zone that is slow delays no other that is asked about with it for long");
	return rig_end(suite_run());
}
