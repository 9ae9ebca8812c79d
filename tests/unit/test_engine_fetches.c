/* SPDX-License-Identifier: BSD-2-Clause */
/* When policies are fetched: by few at a time, seldom where that brings nothing, and with
 * a turn for everybody. */
#include "suite.h"

#include <limits.h>
#include <string.h>

#include "engine/engine_impl.h"
#include "policykit.h"

/* Case 88: sixteen at a time, and nobody else waits for them. */
static void
fetches_are_few_at_a_time(void **state)
{
	unsigned most = 0;

	(void)state;
	policykit_begin("1", NULL);
	rig.config.freeze.destinations = 10000;
	rig_defer_many("a", 100);
	for (int turn = 0; turn < 400; turn++) {
		unsigned before = world.fetches;

		engine_turn(rig.engine);
		world_work();
		if (world.fetches - before > most)
			most = world.fetches - before;
	}
	assert_int_equal(world.fetches, 100);
	assert_in_range(most, 1, 16);
	rig_close();
}

static unsigned crowd_before; /* fetches when the one that stands alone was */

static void
note_alone(const char *host, struct buf *text, struct fetch_answer *out)
{
	(void)text;
	*out = (struct fetch_answer){.cause = STS_CAUSE_CONNECT};
	if (strcmp(host, "mta-sts.alone.test") == 0)
		crowd_before = world.fetches - 1;
}

/* MTASTS: two at one address, so that its owner keeps nobody else waiting. */
static void
one_address_delays_no_other(void **state)
{
	unsigned most = 0;

	(void)state;
	policykit_begin("1", NULL);
	rig.config.freeze.destinations = 10000;
	world.fetch = note_alone;
	world.one_place = "mta-sts.crowd";
	crowd_before = UINT_MAX;
	rig_defer_many("crowd", 500);
	rig_defer("alone.test");
	for (int turn = 0; turn < 2000 && crowd_before == UINT_MAX; turn++) {
		unsigned before = world.fetches;

		engine_turn(rig.engine);
		world_work();
		if (world.fetches - before > most)
			most = world.fetches - before;
	}
	assert_in_range(most, 1, 3);
	assert_in_range(crowd_before, 0, 499);
	world_wait(rig.engine, 10 * MIN);
	kit_assert(STATE, "SELECT count(*) FROM sts WHERE failures = 0", "0\n");
	world.one_place = NULL;
	rig_close();
}

/* --- what cannot be stored -----------------------------------------------------------
 */

/* Small rows fit, and the log goes on. */
static void
unstored_is_fetched_seldom(void **state)
{
	(void)state;
	policykit_begin("1", ENFORCE);
	rig_notify_admin();
	kit_run(STATE,
	    "CREATE TRIGGER full BEFORE INSERT ON sts WHEN NEW.mx <> '' BEGIN"
	    " SELECT RAISE(ABORT, 'database or disk is full'); END");
	policykit_send("d.test");
	for (unsigned minute = 0; minute < 60; minute++) {
		world_wait(rig.engine, MIN);
		policykit_send("other.test");
	}
	assert_in_range(world.fetches, 12, 26);
	assert_int_equal(policykit_alerts_of("cannot store an MTA-STS policy"), 1);
	kit_run(STATE, "DROP TRIGGER full");
	world_wait(rig.engine, 6 * MIN);
	policykit_assert_attributes("d.test", ENTRY);
	rig_close();
}

/* --- one that changes all the time ----------------------------------------------------
 */

/* An owner of one domain, whose mail we send: ids cost him nothing. */
static void
flapping_policy_is_bounded(void **state)
{
	unsigned fetches;

	(void)state;
	policykit_begin("1", OTHER);
	rig_notify_admin();
	policykit_defer("d.test");
	world_wait(rig.engine, 10 * MIN);
	fetches = world.fetches;
	for (unsigned i = 0; i < 24 * 30; i++) {
		policykit_id = i % 2 == 0 ? "a" : "b";
		policykit_served =
		    i % 2 == 0 ? POLICYKIT("mx.evil.test", "604800") : OTHER;
		kit_run(STATE, "UPDATE sts SET txt_next_ms = 1, next_ms = 1");
		engine_mind_policies(rig.engine);
		policykit_defer("d.test");
		world_wait(rig.engine, 2 * MIN - LISTING);
	}
	assert_in_range(world.fetches - fetches, 24 * 6, 24 * 12 + 1);
	assert_in_range(policykit_alerts_of("d.test: policy: "), 1, 4);
	rig_close();
}

/* --- many --------------------------------------------------------------------------- */

#define FETCHERS 12 /* of sixteen, as no entry rests on them yet */

/* quick.test has no policy. */
static void
answer_quick(struct measure_item *item)
{
	policykit_answer(item);
	if (strcmp(item->nexthop.host, "quick.test") == 0)
		item->answers.sts_txt = (struct sts_txt){.state = STS_TXT_NONE};
}

/* Case 88. */
static void
hanging_policy_hosts_delay_nobody(void **state)
{
	char domain[32];
	int64_t began_ms;

	(void)state;
	policykit_begin("1", ENFORCE);
	world.answer = answer_quick;
	world.hanging = true;
	for (unsigned i = 0; i < 500; i++) {
		snprintf(domain, sizeof(domain), "p%u.test", i);
		rig_defer_because(domain, NOT_VERIFIED);
	}
	rig_save();
	world_wait(rig.engine, 10 * SECOND);
	assert_int_equal(world_waiting(), FETCHERS);
	rig_assert_why("p499.test", WHY_POLICY_ASKED);
	began_ms = world.mono_ms;
	rig_defer("quick.test");
	world_settle(rig.engine);
	while (rig_row("quick.test").entry.level != LEVEL_ENCRYPT &&
	    world.mono_ms - began_ms < MIN)
		world_wait(rig.engine, 10);
	assert_in_range(world.mono_ms - began_ms, 0, 999);
	/* Nor does a reload wait for them. */
	assert_false(engine_is_working(rig.engine));
	world.hanging = false;
	world_wait(rig.engine, MIN);
	rig_assert_why("p499.test", WHY_POLICY);
	rig_close();
}

static unsigned quick; /* fetches that did not hang */

static void
hang_but_few(const char *host, struct buf *text, struct fetch_answer *out)
{
	policykit_serve(host, text, out);
	if (strstr(host, "live.") != NULL || strstr(host, "waited.") != NULL) {
		quick++;
		return;
	}
	buf_reset(text);
	world.takes_ms = MIN;
	*out = (struct fetch_answer){.cause = STS_CAUSE_TIMEOUT};
}

/* Of a stranger's domains mail waits for, or was sent to, by the hundred, and their
 * policy hosts hang. */
static void
hanging_hosts_keep_no_better_rank(void **state)
{
	bool waits = *(const bool *)*state;
	char domain[32];

	policykit_begin("1", ENFORCE);
	rig.config.freeze.destinations = 10000;
	world.fetch = hang_but_few;
	policykit_send("live.test");
	world_wait(rig.engine, MIN);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(domain, sizeof(domain), "p%u.test", i);
		if (waits)
			rig_defer_because(domain, NOT_VERIFIED);
		else
			policykit_send(domain);
	}
	rig_save();
	world_wait(rig.engine, 15 * SECOND);
	kit_assert(STATE,
	    "SELECT count(*) > 50 FROM sts WHERE txt = 'valid' AND failures"
	    " = 0 AND fetched_ms = 0",
	    "1\n");
	quick = 0;
	kit_run(
	    STATE, "UPDATE sts SET refresh = 1, next_ms = 1 WHERE domain = 'live.test'");
	engine_mind_policies(rig.engine);
	world_wait(rig.engine, SECOND);
	assert_int_equal(quick, 1);
	if (!waits) {
		rig_defer("waited.test");
		world_settle(rig.engine);
		world_wait(rig.engine, SECOND);
		assert_int_equal(quick, 2);
	}
	rig_close();
}

/* A policy that names another server, and its owner has mended it a minute later. */
static void
mended_policy_waits_for_no_window(void **state)
{
	unsigned fetches;

	(void)state;
	policykit_begin("1", OTHER);
	policykit_send("d.test");
	world_wait(rig.engine, 10 * MIN);
	policykit_id = "2";
	kit_run(STATE, "UPDATE sts SET txt_next_ms = 1, next_ms = 1");
	engine_mind_policies(rig.engine);
	world_wait(rig.engine, MIN);
	policykit_defer("d.test");
	policykit_assert_attributes("d.test", "match=mx.other.test servername=hostname");
	policykit_id = "3";
	policykit_served = ENFORCE;
	kit_run(STATE, "UPDATE sts SET txt_next_ms = 1, next_ms = 1");
	engine_mind_policies(rig.engine);
	world_wait(rig.engine, 5 * SECOND);
	policykit_assert_attributes("d.test", ENTRY);
	fetches = world.fetches;
	for (unsigned i = 4; i < 9; i++) {
		char id[8];

		snprintf(id, sizeof(id), "%u", i);
		policykit_id = id;
		kit_run(STATE, "UPDATE sts SET txt_next_ms = 1, next_ms = 1");
		engine_mind_policies(rig.engine);
		world_wait(rig.engine, 10 * SECOND);
	}
	assert_int_equal(world.fetches, fetches);
	policykit_id = "1";
	rig_close();
}

/* --- many that are due ---------------------------------------------------------------
 */

static unsigned asks, honest_after;

static void
announce_slowly(const char *domain, struct sts_txt *out)
{
	world.takes_ms += 5 * SECOND;
	policykit_txt(out);
	if (strcmp(domain, "honest.test") == 0 && honest_after == UINT_MAX)
		honest_after = asks;
	asks++;
}

/* Policies whose TXT record was to be asked since then. */
static void
put_due(const char *name, unsigned count, const char *applied, int64_t since_ms)
{
	struct buf sql = {0};

	buf_printf(&sql,
	    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < "
	    "%u) INSERT INTO sts(domain, mode, max_age_s, mx, id, fetched_ms, txt, "
	    "txt_id,"
	    " txt_ms, txt_next_ms, txt_failures, txt_failing_ms, cause, tried_ms,"
	    " failures, failed_id, failing_ms, alerted, refresh, mail_ms, next_ms,"
	    " applied, detail) SELECT printf('%s', i), '%s', 604800, 'mx.d.test', '1',"
	    " %lld, 'valid', '1', %lld, %lld, 0, 0, 'ok', 0, 0, '', 0, 0, 0, %lld, %lld,"
	    " '%s', '' FROM n",
	    count, name, applied, (long long)(world.wall_ms - HOUR),
	    (long long)(world.wall_ms - 2 * DAY), (long long)since_ms,
	    (long long)(world.wall_ms - HOUR), (long long)since_ms, applied);
	kit_run(STATE, buf_text(&sql));
	buf_clear(&sql);
}

/* Names below a domain cost nothing, and its owner answers slowly: who comes behind more
 * of them than are looked through at once has a turn all the same. */
static void
many_due_hide_nobody(void **state)
{
	const char *applied = *state;

	policykit_begin("1", ENFORCE);
	world.policy = announce_slowly;
	asks = 0;
	honest_after = UINT_MAX;
	put_due("d%d.evil.test", 10000, "enforce", world.wall_ms - DAY);
	put_due("honest.test", 1, applied, world.wall_ms - HOUR);
	engine_mind_policies(rig.engine);
	world_wait(rig.engine, MIN);
	assert_in_range(honest_after, 0, 11);
	rig_close();
}

int
main(void)
{
	static const bool yes = true, no = false;

	if (!rig_begin())
		return 1;
	suite_add(fetches_are_few_at_a_time, NULL, "sixteen are fetched at a time");
	suite_add(one_address_delays_no_other, NULL,
	    "500 policy hosts at one address keep no other waiting");
	suite_add(unstored_is_fetched_seldom, NULL,
	    "what cannot be stored is fetched each five minutes at most, and told of");
	suite_add(flapping_policy_is_bounded, NULL,
	    "a policy that changes all the time is fetched, and told of, seldom");
	suite_add(hanging_hosts_keep_no_better_rank, &yes,
	    "200 for which mail waits do not keep a live policy from being fetched");
	suite_add(hanging_hosts_keep_no_better_rank, &no,
	    "... 200 that nobody waits for none that mail waits for");
	suite_add(mended_policy_waits_for_no_window, NULL,
	    "for mail that waits another policy is had at once, once in an hour");
	suite_add(many_due_hide_nobody, "enforce",
	    "10000 policies of an owner that are due keep no other waiting");
	suite_add(many_due_hide_nobody, "testing", "... nor one that comes behind them");
	suite_add(hanging_policy_hosts_delay_nobody, NULL,
	    "500 policy hosts that hang delay no other decision by a second");
	return rig_end(suite_run());
}
