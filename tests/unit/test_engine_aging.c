/* SPDX-License-Identifier: BSD-2-Clause */
/* What is remembered ends where nothing verifies any more: a past, a canary, a freeze;
 * and an entry that nobody needs any more is hardly asked about. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "core/answers.h"
#include "enginerig.h"
#include "measure/measure.h"

static void
rig_adopt(const char *domain, enum level level)
{
	const struct destination_pin none = {.set = false};
	struct destination d;

	destination_init(&d, domain);
	destination_adopt(&d, demand_of(level), WHY_NOT_AUTHENTIC, &none, 7 * DAY,
	    world.wall_ms + 7 * DAY, world.wall_ms);
	kit_put(rig.store, &d);
	destination_clear(&d);
}

static unsigned verifying; /* d0.test ... below that do */
static bool first_fails;   /* but for d0.test */

static void
does(const struct finger_question *question, struct server *server)
{
	const char *at = strstr(question->host, "mx.d");

	(at != NULL && (unsigned)(at[4] - '0') < verifying &&
	            !(first_fails && at[4] == '0')
	        ? world_verifies
	        : world_self_signed)(question, server);
}

static void
begin(unsigned verify, bool prober)
{
	verifying = verify;
	first_fails = false;
	rig_new_with(does);
	rig_close();
	if (!prober)
		world.finger = NULL;
	world.sessions_logged = true;
	rig_notify_admin();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
}

static void
verifies(unsigned number)
{
	char domain[32], relay[64];

	snprintf(domain, sizeof(domain), "d%u.test", number);
	snprintf(relay, sizeof(relay), "mx.%s[192.0.2.1]:25", domain);
	rig_log_session("Verified", relay);
	rig_log_status(domain, relay, "2.0.0", "sent (250 Ok)");
	rig_save();
}

static void
fails(const char *domain)
{
	rig_defer_because(domain, NOT_VERIFIED);
	rig_save();
}

struct past {
	const char *what;
	int days;
	bool prober, off, ahead;
	enum why why;
};

static const struct past pasts[] = {
    {"80 days", 80, true, false, false, WHY_HOLD},
    {"100 days", 100, true, false, false, WHY_NOT_AUTHENTIC},
    {"80 days without posttls-finger", 80, false, false, false, WHY_HOLD},
    {"100 days without posttls-finger", 100, false, false, false, WHY_NOT_AUTHENTIC},
    {"100 days in which it did not run", 100, true, true, false, WHY_HOLD},
    {"100 days by which the clock is ahead", 100, true, false, true, WHY_HOLD},
};

static void
past_ends(void **state)
{
	const struct past *past = *state;

	begin(1, past->prober);
	verifies(0);
	world_wait(rig.engine, MIN);
	if (past->off)
		rig_close();
	if (past->off)
		world_pass(past->days * DAY);
	else if (past->ahead)
		world.wall_ms += past->days * DAY;
	else
		for (int i = 0; i < past->days; i++)
			world_wait(rig.engine, DAY);
	if (past->off)
		rig_open(ENGINE_APPLY);
	verifying = 0;
	world_wait(rig.engine, MIN);
	fails("d0.test");
	world_wait(rig.engine, 5 * MIN);
	rig_assert_why("d0.test", past->why);
	rig_close();
}

struct step {
	const char *what;
	int64_t by_ms;
	int times;
};

static const struct step steps[] = {
    {"set ahead by 95 days", 95 * DAY, 1},
    {"set ahead by 8 hours 300 times", 8 * HOUR, 300},
    {"set back by 50 years, and ahead again", -50 * 365 * DAY, -1},
};

/* Then one host proves that verifying works, by a clock that nothing tells from a right
 * one, and a server does worse than it did. */
static void
clock_ends_no_past(void **state)
{
	const struct step *step = *state;

	begin(2, true);
	verifies(0);
	world_wait(rig.engine, HOUR);
	for (int i = 0; i < step->times; i++) {
		world.wall_ms += step->by_ms;
		world_settle(rig.engine);
		world_wait(rig.engine, MIN);
	}
	if (step->times < 0) {
		world.wall_ms += step->by_ms;
		world_wait(rig.engine, 10 * MIN);
		world.wall_ms -= step->by_ms;
		world_settle(rig.engine);
	}
	verifies(1);
	world_wait(rig.engine, HOUR);
	first_fails = true;
	for (int i = 0; i < 6; i++) {
		fails("d0.test");
		world_wait(rig.engine, HOUR);
	}
	rig_assert_judged("d0.test", LEVEL_NONE, WHY_HOLD);
	rig_close();
}

/* The only one that verified does so no more, and mail goes to new ones day after day. */
static void
freeze_by_canary_ends(void **state)
{
	unsigned count = *(const unsigned *)*state;
	char domain[32];

	begin(count, true);
	for (int day = 0; day < 4; day++) {
		for (unsigned i = 0; i < count; i++)
			verifies(i);
		world_wait(rig.engine, DAY);
	}
	verifying = 0;
	for (unsigned day = 0; day < 10; day++) {
		snprintf(domain, sizeof(domain), "n%u.test", day);
		for (int h = 0; h < 24; h++) {
			if (h % 6 == 0)
				fails(domain);
			world_wait(rig.engine, HOUR);
		}
		if (day == 1)
			rig_assert_judged("n1.test", LEVEL_NONE, WHY_FREEZE);
	}
	rig_assert_entry("n9.test", LEVEL_ENCRYPT);
	assert_non_null(strstr(buf_text(&world.bodies), "freeze: over after 7 days"));
	rig_close();
}

/* Of three one never verifies again. */
static void
freeze_ends_by_two(void **state)
{
	int hours = 0;

	(void)state;
	begin(0, false);
	for (unsigned i = 0; i < 3; i++) {
		verifies(i);
		world_wait(rig.engine, HOUR);
	}
	world_wait(rig.engine, DAY);
	for (unsigned i = 0; i < 3; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "d%u.test", i);
		fails(domain);
		world_wait(rig.engine, MIN);
	}
	assert_non_null(strstr(buf_text(&world.bodies), "did better last fail"));
	for (; hours < 5 * 24 && rig_row("d0.test").entry.level == LEVEL_NONE; hours++) {
		fails("d0.test");
		verifies(1);
		verifies(2);
		world_wait(rig.engine, HOUR);
	}
	rig_assert_entry("d0.test", LEVEL_ENCRYPT);
	assert_in_range(hours, 24, 4 * 24);
	rig_close();
}

/* --- a domain that was given up ------------------------------------------------------
 */

enum dead { DEAD_DNS, DEAD_SERVERS, DEAD_MAP, DEAD_MX };

struct given_up {
	const char *what;
	enum dead dead;
};

static const struct given_up given_ups[] = {{"DNS cannot tell", DEAD_DNS},
    {"its servers are silent", DEAD_SERVERS}, {"another map cannot tell", DEAD_MAP},
    {"it takes no mail", DEAD_MX}};

static const struct given_up *given_up; /* NULL: it is not yet */

static void
answer(struct measure_item *item)
{
	if (given_up != NULL && given_up->dead == DEAD_DNS)
		item->answers.dane.state = DANE_UNSURE;
	else if (given_up != NULL && given_up->dead == DEAD_MX)
		item->answers.dane.state = DANE_NO_MAIL;
	else
		world_add_host(item, "mx.a.test", PROMISE_NONE);
	if (given_up != NULL && given_up->dead == DEAD_MAP)
		item->answers.other_map = ANSWER_UNSURE;
}

static void
does_or_is_silent(const struct finger_question *question, struct server *server)
{
	(given_up != NULL && given_up->dead == DEAD_SERVERS
	        ? world_is_silent
	        : world_self_signed)(question, server);
}

/* It has an entry, and no mail any more; when there is some it is looked at. */
static void
given_up_domain_rests(void **state)
{
	unsigned asked;

	given_up = NULL;
	rig_new_with(does_or_is_silent);
	rig_close();
	world.answer = answer;
	world.policy_maps = "hash:/x, socketmap:y";
	world.sessions_logged = true;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	fails("a.test");
	world_wait(rig.engine, 5 * MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world_unqueue(rig_last_id());
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, HOUR);
	given_up = *state;
	asked = world.asked;
	world_wait(rig.engine, 50 * DAY);
	assert_in_range(world.asked - asked, 3, 200);
	asked = world.asked;
	world_wait(rig.engine, 350 * DAY);
	assert_in_range(world.asked - asked, 2, 12);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	asked = world.asked;
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, MIN);
	assert_in_range(world.asked - asked, 1, 3);
	rig_close();
}

/* --- another map -------------------------------------------------------------------- */

static bool other_answers;

static void
answer_of_other(struct measure_item *item)
{
	if (other_answers && strcmp(item->nexthop.host, "a.test") == 0)
		item->answers.other_map = ANSWER_YES;
}

/* It begins to answer, and no mail is sent there. */
static void
other_map_is_asked_daily(void **state)
{
	unsigned asked;

	(void)state;
	other_answers = false;
	rig_new_with(world_self_signed);
	rig_close();
	world.answer = answer_of_other;
	world.policy_maps = "hash:/x, socketmap:y";
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	for (int i = 0; i < 1200; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "b%d.test", i);
		if (i < 3)
			fails(domain);
		else
			rig_adopt(domain, LEVEL_ENCRYPT);
	}
	fails("a.test");
	world_wait(rig.engine, 10 * MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world_unqueue(rig_last_id());
	world_wait(rig.engine, 2 * HOUR);
	other_answers = true;
	asked = world.asked;
	assert_int_equal(world.maps_asked, 2);
	world_wait(rig.engine, DAY);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_OTHER_MAP);
	rig_assert_entry("b1.test", LEVEL_ENCRYPT);
	assert_int_equal(world.maps_asked, 4); /* a thousand keys each */
	assert_in_range(world.asked - asked, 1, 5);
	rig_close();
}

int
main(void)
{
	static const unsigned counts[] = {1, 2};

	if (!rig_begin())
		return 1;
	for (size_t i = 0; i < sizeof(pasts) / sizeof(pasts[0]); i++)
		suite_add(past_ends, &pasts[i], "what was seen %s ago: %s", pasts[i].what,
		    why_slug(pasts[i].why));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		suite_add(clock_ends_no_past, &steps[i],
		    "a past of yesterday holds though the clock was %s", steps[i].what);
	for (size_t i = 0; i < 2; i++)
		suite_add(freeze_by_canary_ends, &counts[i],
		    "a freeze ends when the last %u that verified do so no more",
		    counts[i]);
	suite_add(
	    freeze_ends_by_two, NULL, "a freeze ends by two, where a third is gone");
	for (size_t i = 0; i < sizeof(given_ups) / sizeof(given_ups[0]); i++)
		suite_add(given_up_domain_rests, &given_ups[i],
		    "an entry without mail is asked about ever more seldom where %s",
		    given_ups[i].what);
	suite_add(
	    other_map_is_asked_daily, NULL, "another map is asked daily for all entries");
	return rig_end(suite_run());
}
