/* SPDX-License-Identifier: BSD-2-Clause */
/* How policies are fetched: by few at a time, and what fails by our own fault. */
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

static void
fail_ours(const char *host, struct buf *text, struct fetch_answer *out)
{
	(void)host;
	(void)text;
	*out = (struct fetch_answer){
	    .cause = STS_CAUSE_FETCHER, .detail = "cannot read the CA file"};
}

/* Our own fault is one cause: one alert, soon, and none for each domain. */
static void
own_fault_is_one_alert(void **state)
{
	(void)state;
	policykit_begin("1", NULL);
	rig_notify_admin();
	rig.config.freeze.destinations = 10000;
	world.fetch = fail_ours;
	rig_defer_many("d", 60);
	world_wait(rig.engine, 2 * HOUR);
	assert_int_equal(
	    policykit_alerts_of("cannot fetch MTA-STS policies: cannot read the CA file"),
	    1);
	world_wait(rig.engine, 8 * DAY);
	assert_int_equal(policykit_alerts_of("cannot fetch MTA-STS policies"), 1);
	assert_int_equal(policykit_alerts_of("cannot be renewed"), 0);
	rig_close();
}

/* Of every second domain; those of others fail by themselves. */
static void
fail_some(const char *host, struct buf *text, struct fetch_answer *out)
{
	if ((host[strlen("mta-sts.d")] - '0') % 2 == 0)
		fail_ours(host, text, out);
	else
		*out = (struct fetch_answer){.cause = STS_CAUSE_CONNECT};
}

/* Nothing but a policy that was had ends it. */
static void
own_fault_is_not_ended_by_others(void **state)
{
	(void)state;
	policykit_begin("1", NULL);
	rig_notify_admin();
	rig.config.freeze.destinations = 10000;
	world.fetch = fail_some;
	rig_defer_many("d", 10);
	world_wait(rig.engine, 3 * HOUR);
	assert_int_equal(policykit_alerts_of("cannot fetch MTA-STS policies"), 1);
	policykit_served = ENFORCE;
	world.fetch = policykit_serve;
	rig_defer("d.test");
	world_wait(rig.engine, MIN);
	world.fetch = fail_some;
	world_wait(rig.engine, 20 * HOUR);
	assert_int_equal(policykit_alerts_of("cannot fetch MTA-STS policies"), 1);
	rig_close();
}

static unsigned crashes;

/* It crashes at one domain's policy host, and serves those of others. */
static void
crash_at_one(const char *host, struct buf *text, struct fetch_answer *out)
{
	policykit_serve(host, text, out);
	if (strcmp(host, "mta-sts.crash.test") != 0)
		return;
	buf_reset(text);
	crashes++;
	*out = (struct fetch_answer){
	    .cause = STS_CAUSE_FETCHER, .crashed = true, .detail = "ended by signal 11"};
}

/* A fault of ours, whoever brings it about: told once, and at once, as it may be more
 * than a fault. */
static void
crash_is_one_alert(void **state)
{
	(void)state;
	policykit_begin("1", ENFORCE);
	rig_notify_admin();
	world.fetch = crash_at_one;
	policykit_send("crash.test");
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	assert_int_equal(crashes, 1);
	assert_int_equal(policykit_alerts_of("cannot fetch MTA-STS policies: "
	                                     "mta-sts.crash.test: ended by signal 11"),
	    1);
	for (unsigned minute = 0; minute < 12 * 60; minute++) {
		world_wait(rig.engine, MIN);
		policykit_send("d.test");
	}
	assert_in_range(crashes, 6, 12);
	assert_int_equal(policykit_alerts_of("cannot fetch MTA-STS policies"), 1);
	policykit_assert_attributes("d.test", ENTRY);
	rig_close();
}

static void
fail_ours_now(const char *host, struct buf *text, struct fetch_answer *out)
{
	crash_at_one("mta-sts.crash.test", text, out);
	(void)host;
}

/* What was known of a policy host is known still. */
static void
own_fault_leaves_domains_as_they_were(void **state)
{
	(void)state;
	policykit_begin("1", ENFORCE);
	rig_notify_admin();
	policykit_send("live.test");
	world_wait(rig.engine, MIN);
	policykit_served = NULL;
	policykit_send("dead.test");
	world_wait(rig.engine, 2 * MIN);
	world.fetch = fail_ours_now;
	kit_run(STATE, "UPDATE sts SET detail = 'as it was' WHERE domain = 'dead.test'");
	for (unsigned hour = 0; hour < 3 * 24; hour++) {
		kit_run(STATE, "UPDATE sts SET refresh = 1, next_ms = 1");
		engine_mind_policies(rig.engine);
		world_wait(rig.engine, HOUR);
	}
	kit_assert(STATE,
	    "SELECT cause, detail, failing_ms <> 0 FROM sts WHERE domain ="
	    " 'dead.test'",
	    "connect|as it was|1\n");
	kit_assert(STATE,
	    "SELECT applied, failing_ms, alerted FROM sts WHERE domain ="
	    " 'live.test'",
	    "enforce|0|0\n");
	assert_int_equal(policykit_alerts_of("cannot be renewed"), 0);
	assert_in_range(policykit_alerts_of("cannot fetch MTA-STS policies"), 1, 3);
	rig_close();
}

/* Case 87: our CA file is empty, and 25 domains under a policy fail within ten minutes:
 * a canary tells; without posttls-finger the first ones are told of until it is a freeze.
 */
static void
own_fault_is_one_freeze(void **state)
{
	bool prober = *(const bool *)*state;
	char domain[32], relay[64];

	policykit_begin("1", ENFORCE);
	rig_notify_admin();
	for (unsigned round = 0; round < 2; round++) {
		bool good = round == 0;

		world.notify.times = 0;
		if (prober)
			world.finger = good ? world_verifies : world_self_signed;
		for (unsigned i = 0; i < 25; i++) {
			snprintf(domain, sizeof(domain), "c%u.test", i);
			snprintf(relay, sizeof(relay), "mx.%s[192.0.2.1]:25", domain);
			rig_log_session(good ? "Verified" : "Untrusted", relay);
			rig_log_status(domain, relay, "4.7.5",
			    good ? "sent (250 Ok)" : "deferred (" NOT_VERIFIED ")");
			rig_save();
			world_wait(rig.engine, 20 * SECOND);
		}
		world_wait(rig.engine, good ? HOUR : MIN);
	}
	rig_assert_judged("c24.test", LEVEL_SECURE, WHY_FREEZE);
	assert_in_range(world.notify.times, 1, prober ? 1 : 20);
	if (prober)
		assert_non_null(strstr(buf_text(&world.body), "freeze: "));
	rig_close();
}

/* s0.test is at mx.p0.test and has a policy; others are at home, and have none. */
static void
answer_hosted(struct measure_item *item)
{
	const char *host = item->nexthop.host;
	char mx[32];

	policykit_txt(&item->answers.sts_txt);
	if (host[0] != 's')
		item->answers.sts_txt = (struct sts_txt){.state = STS_TXT_NONE};
	snprintf(
	    mx, sizeof(mx), "mx.%.*s%.20s", host[0] == 's', "p", host + (host[0] == 's'));
	world_add_host(item, mx, PROMISE_NONE);
	snprintf(
	    item->answers.text, sizeof(item->answers.text), "%s address=insecure", mx);
}

static void
meet(char kind, unsigned number, const char *grade, const char *status)
{
	char domain[32], relay[64];

	snprintf(domain, sizeof(domain), "%c%u.test", kind, number);
	snprintf(relay, sizeof(relay), "mx.p%u.test[192.0.2.1]:25", number);
	if (grade != NULL)
		rig_log_session(grade, relay);
	rig_log_status(domain, relay, status[0] == 's' ? "2.0.0" : "4.7.5", status);
	rig_save();
	world_settle(rig.engine);
}

/* Mail of five strangers fails at five servers, which have not failed for it; then that
 * of an honest one. */
static void
five_strangers_fail(bool logged)
{
	for (unsigned i = 0; i < 5; i++) {
		meet('s', i, logged ? "Trusted" : NULL, "deferred (" NOT_VERIFIED ")");
		world_wait(rig.engine, LISTING);
	}
	kit_assert(STATE, "SELECT count(*) FROM host WHERE failed_ms <> 0", "0\n");
	rig_defer("honest.test");
	world_wait(rig.engine, 10 * MIN);
}

/* A stranger's domains are at the servers of five providers, by policies that name none
 * of them: the servers are not to blame, and nobody else is held for that. */
static void
strangers_demand_blames_no_server(void **state)
{
	bool logged = *(const bool *)*state;

	policykit_begin("1", POLICYKIT("never.s.test", "604800"));
	world.answer = answer_hosted;
	for (unsigned i = 0; i < 5; i++) {
		meet('s', i, "Verified", "sent (250 Ok)");
		meet('p', i, "Verified", "sent (250 Ok)");
		world_wait(rig.engine, MIN);
	}
	world_wait(rig.engine, HOUR);
	five_strangers_fail(logged);
	rig_assert_entry("honest.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Nor is it by the level secure, at which a domain demands its own name. */
static void
own_name_blames_no_server(void **state)
{
	bool logged = *(const bool *)*state;

	policykit_begin(NULL, NULL);
	world.answer = answer_hosted;
	world.default_level = LEVEL_SECURE;
	rig_settings_changed();
	for (unsigned i = 0; i < 5; i++) {
		meet('p', i, "Verified", "sent (250 Ok)");
		world_wait(rig.engine, MIN);
	}
	world_wait(rig.engine, HOUR);
	five_strangers_fail(logged);
	rig_assert_entry("honest.test", LEVEL_VERIFY);
	/* A chain that is not good, or a server of their own, is. */
	meet('s', 0, "Untrusted", "deferred (" NOT_VERIFIED ")");
	meet('p', 1, "Trusted", "deferred (" NOT_VERIFIED ")");
	world_wait(rig.engine, MIN);
	kit_assert(STATE, "SELECT name FROM host WHERE failed_ms <> 0 ORDER BY name",
	    "mx.honest.test\nmx.p0.test\nmx.p1.test\n");
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
	suite_add(own_fault_is_one_alert, NULL,
	    "what is not fetched by our own fault is one alert");
	suite_add(own_fault_is_not_ended_by_others, NULL,
	    "... and none more while others fail by themselves");
	suite_add(crash_is_one_alert, NULL, "a crash of tlsladder-fetch is one alert");
	suite_add(own_fault_leaves_domains_as_they_were, NULL,
	    "what fails by our own fault says nothing of a policy host");
	suite_add(own_fault_is_one_freeze, &yes,
	    "25 domains under a policy that fail by our fault are one alert");
	suite_add(own_fault_is_one_freeze, &no,
	    "... without posttls-finger a freeze in the end");
	suite_add(strangers_demand_blames_no_server, &yes,
	    "a name that a stranger's policy demands is no server's fault");
	suite_add(own_name_blames_no_server, &yes,
	    "... nor the name that secure demands of it");
	suite_add(own_name_blames_no_server, &no, "... where no session was logged");
	suite_add(strangers_demand_blames_no_server, &no,
	    "... nor where sessions are not logged");
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
