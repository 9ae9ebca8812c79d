/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose fault it is that a policy is not had, or that a name is not met: ours is told
 * once, and is no domain's; a stranger's is no server's. */
#include "suite.h"

#include <string.h>

#include "engine/engine_impl.h"
#include "policykit.h"

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

int
main(void)
{
	static const bool yes = true, no = false;

	if (!rig_begin())
		return 1;
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
	return rig_end(suite_run());
}
