/* SPDX-License-Identifier: BSD-2-Clause */
/* What an engine does about MTA-STS policies. */
#include "suite.h"

#include "engine/engine_impl.h"
#include "policykit.h"

#define NONE    "version: STSv1\nmode: none\nmax_age: 604800\n"
#define TESTING "version: STSv1\nmode: testing\nmx: mx.d.test\nmax_age: 604800\n"

static void
answer_dane(struct measure_item *item)
{
	policykit_answer(item);
	item->answers.dane.state = DANE_USABLE;
}

static void
answer_signed(struct measure_item *item)
{
	policykit_answer(item);
	item->answers.dane.signed_domain = true;
}

static void
answer_other_map(struct measure_item *item)
{
	policykit_answer(item);
	item->answers.other_map = ANSWER_YES;
}

/* Whatever the reason says; and the mail is retried. */
static void
policy_becomes_an_entry(void **state)
{
	(void)state;
	policykit_begin("1", ENFORCE);
	policykit_defer("d.test");
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	policykit_assert_attributes("d.test", ENTRY);
	assert_int_equal(world.fetches, 1);
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.retry.times, 1);
	kit_assert(STATE, "SELECT applied, txt_id, id FROM sts", "enforce|1|1\n");
	rig_close();
}

/* Case 64: the parent's is not the child's; nothing is kept of whoever has none. */
static void
without_one_nothing_changes(void **state)
{
	(void)state;
	policykit_begin(NULL, ENFORCE);
	policykit_defer("sub.d.test");
	rig_assert_judged("sub.d.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_int_equal(world.fetches, 0);
	kit_assert(STATE, "SELECT count(*) FROM sts", "0\n");
	rig_close();
}

static void
answer_for_an_hour(struct measure_item *item)
{
	policykit_answer(item);
	item->answers.dane.ttl_s = 3600;
}

/* What DNS said of the policy is remembered with the rest; what it could not is not. */
static void
record_is_remembered(void **state)
{
	static const char *const ids[] = {NULL, "?"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		policykit_begin(ids[i], ENFORCE);
		world.answer = answer_for_an_hour;
		policykit_defer("d.test");
		world_wait(rig.engine, SECOND);
		world.asked = 0;
		policykit_defer("d.test");
		world_wait(rig.engine, SECOND);
		assert_int_equal(world.asked, i);
		rig_assert_judged("d.test", i == 0 ? LEVEL_ENCRYPT : LEVEL_NONE,
		    i == 0 ? WHY_NO_EFFECT : WHY_POLICY_UNSURE);
		rig_close();
	}
}

/* Announced and not to be had: held, then as if there were none (RFC 8461 3.3). */
static void
unhad_policy_holds(void **state)
{
	(void)state;
	policykit_begin("1", NULL);
	policykit_defer("d.test");
	world_wait(rig.engine, 2 * SECOND);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_UNSURE);
	assert_int_equal(world.fetches, 1);
	world_wait(rig.engine, 4 * MIN);
	assert_int_equal(world.fetches, 1); /* not again within five minutes */
	world_wait(rig.engine, 2 * MIN);
	assert_int_equal(world.fetches, 2);
	world_wait(rig.engine, 25 * HOUR);
	rig_assert_judged("d.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	rig_log_status("d.test", "mx.d.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	/* It comes late: the entry is its. */
	policykit_served = ENFORCE;
	world_wait(rig.engine, 25 * HOUR);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	rig_close();
}

/* Cases 19 and 20. */
static void
txt_that_cannot_be_told_holds(void **state)
{
	(void)state;
	policykit_begin("?", NULL);
	policykit_defer("d.test");
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_UNSURE);
	kit_assert(STATE, "SELECT hold_level FROM destination", "encrypt\n");
	world_wait(rig.engine, 25 * HOUR);
	rig_assert_entry("d.test", LEVEL_ENCRYPT);
	rig_close();
	policykit_begin("?", NULL);
	world.answer = answer_signed;
	policykit_defer("d.test");
	world_wait(rig.engine, 48 * HOUR);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_UNSURE);
	policykit_id = NULL;
	world_wait(rig.engine, 2 * HOUR);
	rig_assert_entry("d.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Destinations that were sent mail are looked up, and only these. */
static void
sent_mail_is_looked_up(void **state)
{
	(void)state;
	policykit_begin("1", ENFORCE);
	rig_log_status("d.test", "mx.d.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, 2 * SECOND);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	assert_int_equal(world.policies_asked, 1);
	kit_assert(STATE, "SELECT count(*) FROM sts_mail", "0\n");
	rig_close();
}

/* Postfix 3.10 does not log the level: mail with TLS-Required: no goes by an unverified
 * session, or by none, while other mail waits for servers that do not meet the policy. */
static void
tls_required_no_proves_nothing(void **state)
{
	static const char *const sessions[] = {"Untrusted", "Trusted", NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		policykit_begin("1", ENFORCE);
		world.finger = world_self_signed;
		world.sessions_logged = true;
		engine_doubt_settings(rig.engine);
		world_wait(rig.engine, MIN);
		policykit_defer_sent("d.test");
		world_wait(rig.engine, 10 * MIN);
		policykit_defer("d.test");
		world_wait(rig.engine, MIN);
		rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY_NOT_MET);
		world.export.times = 0;
		kit_run(STATE,
		    "CREATE TABLE before AS SELECT seen_verify_ms AS ms FROM "
		    "destination");
		if (sessions[i] != NULL)
			rig_log_session(sessions[i], "mx.d.test[192.0.2.1]:25");
		rig_log_status(
		    "d.test", "mx.d.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
		rig_save();
		world_wait(rig.engine, HOUR);
		rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY_NOT_MET);
		kit_assert(STATE,
		    "SELECT deferral, seen_verify_ms = ms FROM destination, before",
		    "1|1\n");
		assert_int_equal(world.export.times, 0);
		rig_close();
	}
}

/* Cases 63 and 65: a domain has several keys, and all are sent mail at once, or one later
 * than the others. */
static void
every_key_is_looked_up(void **state)
{
	static const char *const keys[] = {"xn--bcher-kva.test",
	    ("b\xc3\xbc"
	     "cher.test"),
	    "[xn--bcher-kva.test]:587"};

	(void)state;
	policykit_begin("1", ENFORCE);
	for (size_t i = 0; i < 2; i++)
		rig_log_status(
		    keys[i], "mx.d.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, 5 * SECOND);
	rig_log_status(keys[2], "mx.d.test[192.0.2.1]:587", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, 5 * SECOND);
	for (size_t i = 0; i < 3; i++)
		rig_assert_judged(keys[i], LEVEL_SECURE, WHY_POLICY);
	assert_int_equal(world.policies_asked, 1);
	assert_int_equal(world.fetches, 1);
	kit_assert(STATE, "SELECT count(*) FROM sts_mail", "0\n");
	rig_close();
}

/* Case 77: a restart loses nothing, and fetches nothing again. */
static void
restart_keeps_it(void **state)
{
	(void)state;
	policykit_begin("1", ENFORCE);
	policykit_defer_sent("d.test");
	rig_close();
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, SECOND);
	world_wait(rig.engine, DAY / 3);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	assert_int_equal(world.fetches, 1);
	rig_close();
}

/* Case 78. */
static void
clock_does_not_matter(void **state)
{
	(void)state;
	policykit_begin("1", ENFORCE);
	policykit_defer_sent("d.test");
	policykit_served = NULL;
	world.wall_ms -= 3650 * DAY;
	world_wait(rig.engine, HOUR);
	rig_assert_entry("d.test", LEVEL_SECURE);
	world.wall_ms += 3650 * DAY;
	world_wait(rig.engine, HOUR);
	rig_assert_entry("d.test", LEVEL_SECURE);
	world_wait(rig.engine, 7 * DAY);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_ENDED);
	rig_close();
}

/* Case 70: mail fails under a policy, and its owner has announced another one. */
static void
trouble_brings_the_new_one(void **state)
{
	(void)state;
	policykit_begin("1", OTHER);
	policykit_defer_sent("d.test");
	policykit_assert_attributes("d.test", "match=mx.other.test servername=hostname");
	world_wait(rig.engine, 10 * MIN);
	policykit_id = "2";
	policykit_served = ENFORCE;
	policykit_defer("d.test");
	world_wait(rig.engine, SECOND);
	policykit_assert_attributes("d.test", ENTRY);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	rig_close();
}

/* Cases 41, 68 and 72: nothing is enforced any more. */
static void
entry_goes_with_it(void **state)
{
	static const char *const rows[] = {NONE, TESTING};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		policykit_begin("1", ENFORCE);
		policykit_defer_sent("d.test");
		policykit_id = "2";
		policykit_served = rows[i];
		world_wait(rig.engine, DAY + HOUR);
		rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_ENDED);
		rig_close();
	}
}

/* Cases 73 and 75: it lives from its last fetch, whatever DNS says, and is alerted of. */
static void
it_ends_by_itself_alone(void **state)
{
	(void)state;
	policykit_begin("1", ENFORCE);
	rig_notify_admin();
	policykit_defer_sent("d.test");
	policykit_served = NULL;
	world_wait(rig.engine, 6 * DAY + 23 * HOUR);
	rig_assert_entry("d.test", LEVEL_SECURE);
	assert_in_range(
	    policykit_alerts_of("d.test: its MTA-STS policy cannot be renewed"), 1, 2);
	world_wait(rig.engine, 2 * HOUR);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_ENDED);
	rig_close();
}

/* Cases 79 and 84. */
static void
others_come_first(void **state)
{
	(void)state;
	policykit_begin("1", ENFORCE);
	world.answer = answer_dane;
	policykit_defer_sent("d.test");
	rig_assert_judged("d.test", LEVEL_DANE_ONLY, WHY_DANE);
	policykit_assert_attributes("d.test", "");
	rig_close();
	policykit_begin("1", ENFORCE);
	world.answer = answer_other_map;
	policykit_defer_sent("d.test");
	rig_assert_judged("d.test", LEVEL_NONE, WHY_OTHER_MAP);
	rig_close();
}

/* Cases 57 and 60: the policy does not name the host, whose certificate is good. */
static void
other_names_are_no_fault_of_the_server(void **state)
{
	(void)state;
	policykit_begin("1",
	    "version: STSv1\nmode: enforce\nmax_age: 604800\n"
	    "mx: a.other.test\nmx: b.other.test\nmx: c.other.test\n"
	    "mx: d.other.test\n");
	rig_notify_admin();
	policykit_defer("d.test");
	world_wait(rig.engine, MIN);
	assert_int_equal(
	    policykit_alerts_of(
	        "it allows a.other.test, b.other.test, c.other.test and 1 more; MX: "
	        "mx.d.test"),
	    1);
	world_log(rig.engine,
	    "smtp[77]: server certificate verification failed for "
	    "mx.d.test[192.0.2.1]:25: num=62:hostname mismatch");
	policykit_defer("d.test");
	kit_assert(
	    STATE, "SELECT cause FROM destination WHERE key = 'd.test'", "policy\n");
	kit_assert(STATE, "SELECT count(*) FROM host WHERE cause <> ''", "0\n");
	world_log(rig.engine,
	    "smtp[77]: server certificate verification failed for "
	    "mx.d.test[192.0.2.1]:25: certificate has expired");
	policykit_defer("d.test");
	kit_assert(
	    STATE, "SELECT cause FROM destination WHERE key = 'd.test'", "expired\n");
	kit_assert(STATE, "SELECT count(*) FROM host WHERE cause <> ''", "1\n");
	rig_close();
}

/* What the administrator switches off enforces nothing. */
static void
it_can_be_switched_off(void **state)
{
	(void)state;
	policykit_begin("1", ENFORCE);
	policykit_defer_sent("d.test");
	rig_close();
	rig.config.mta_sts.enable = false;
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, MIN);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_ENDED);
	rig_close();
	rig.config.mta_sts.enable = true;
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, MIN);
	rig_assert_entry("d.test", LEVEL_SECURE);
	rig_close();
}

/* Switched off, nothing is kept to be looked up. */
static void
switched_off_keeps_nothing(void **state)
{
	(void)state;
	policykit_begin("1", ENFORCE);
	rig.config.mta_sts.enable = false;
	rig_log_status("d.test", "mx.d.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, HOUR);
	kit_assert(STATE, "SELECT count(*) FROM sts_mail", "0\n");
	assert_int_equal(world.fetches, 0);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	suite_add(policy_becomes_an_entry, NULL, "an enforced policy becomes an entry");
	suite_add(without_one_nothing_changes, NULL, "without a policy nothing changes");
	suite_add(record_is_remembered, NULL,
	    "that DNS has no record of a policy is remembered, that it could not tell is "
	    "not");
	suite_add(unhad_policy_holds, NULL, "one that cannot be had holds a step down");
	suite_add(txt_that_cannot_be_told_holds, NULL,
	    "so does a TXT record that cannot be told, for good in a signed domain");
	suite_add(sent_mail_is_looked_up, NULL, "who was sent mail is looked up");
	suite_add(tls_required_no_proves_nothing, NULL,
	    "mail with TLS-Required: no of Postfix 3.10 proves nothing");
	suite_add(every_key_is_looked_up, NULL, "... by every key of the domain");
	suite_add(
	    restart_keeps_it, NULL, "a restart keeps it, and fetches nothing again");
	suite_add(clock_does_not_matter, NULL,
	    "a clock that is set back, and right again, does not matter");
	suite_add(trouble_brings_the_new_one, NULL,
	    "where mail fails under one the new one is fetched at once");
	suite_add(entry_goes_with_it, NULL, "its entry goes with its mode");
	suite_add(
	    it_ends_by_itself_alone, NULL, "it lives from its last fetch for max_age");
	suite_add(others_come_first, NULL, "DANE and other maps come first");
	suite_add(other_names_are_no_fault_of_the_server, NULL,
	    "names that the policy does not have are no fault of the server");
	suite_add(it_can_be_switched_off, NULL, "it can be switched off");
	suite_add(switched_off_keeps_nothing, NULL,
	    "... and then nobody is noted to be looked up");
	return rig_end(suite_run());
}
