/* SPDX-License-Identifier: BSD-2-Clause */
/* An enforced MTA-STS policy that is kept is a floor: whatever else cannot be told. */
#include "suite.h"

#include <string.h>

#include "policykit.h"

static void
begin(const char *txt_id, const char *served)
{
	policykit_begin_at(LEVEL_VERIFY, txt_id, served);
}

/* --- no server is in the policy ------------------------------------------------------
 */

#define UNAVAILABLE "server unavailable or unable to receive mail"

static void
pass_over(const char *domain)
{
	rig_log_status(domain, "none", "4.3.0", "deferred (" UNAVAILABLE ")");
	rig_save();
	world_settle(rig.engine);
}

static void
use_postfix(const char *version)
{
	world.version = version;
	rig_settings_changed();
}

/* Case 70 with a Postfix that passes over MX hosts that its policy does not name: the
 * owner moves. */
static void
passed_over_is_trouble(void **state)
{
	(void)state;
	begin("1", ENFORCE);
	use_postfix("3.11.6");
	policykit_send("d.test");
	world_wait(rig.engine, HOUR);
	rig_assert_entry("d.test", LEVEL_SECURE);
	rig_notify_admin();
	policykit_dns.mx = "mx.new.test";
	pass_over("d.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY_NOT_MET);
	assert_int_equal(world.notify.times, 1);
	kit_assert(STATE, "SELECT count(*) FROM waiting", "1\n");
	world_wait(rig.engine, HOUR);
	policykit_id = "2";
	policykit_served = POLICYKIT("mx.new.test", "604800");
	pass_over("d.test");
	world_wait(rig.engine, MIN);
	kit_assert(STATE,
	    "SELECT instr(attributes, 'match=mx.new.test ') FROM destination", "1\n");
	assert_in_range(world.retry.times, 1, 2);
	rig_close();
}

/* Whatever else the cause is. */
static void
passed_over_is_nothing_without_policy(void **state)
{
	(void)state;
	begin(NULL, NULL);
	use_postfix("3.11.6");
	pass_over("new.test");
	kit_assert(STATE, "SELECT count(*) FROM destination", "0\n");
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	rig_notify_admin();
	pass_over("d.test");
	world_wait(rig.engine, DAY);
	rig_assert_entry("d.test", LEVEL_NONE);
	kit_assert(STATE, "SELECT deferral FROM destination", "0\n");
	kit_assert(STATE, "SELECT count(*) FROM waiting", "0\n");
	assert_int_equal(world.notify.times, 0);
	rig_close();
}

/* When the policy ends, it is no reason for anything weaker. */
static void
passed_over_ends_with_the_policy(void **state)
{
	(void)state;
	begin("1", OTHER);
	use_postfix("3.11.6");
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	pass_over("d.test");
	world_wait(rig.engine, 10 * MIN);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY_NOT_MET);
	policykit_id = "2";
	policykit_served = "version: STSv1\nmode: none\nmax_age: 604800\n";
	pass_over("d.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("d.test", LEVEL_NONE);
	world_wait(rig.engine, 2 * DAY);
	rig_assert_entry("d.test", LEVEL_NONE);
	rig_close();
}

/* --- DANE ----------------------------------------------------------------------------
 */

/* Cases 79 to 82: what DNS says of TLSA beside an enforced policy, and what mail fails
 * for goes on for. */
static const struct beside {
	unsigned number;
	const char *what;
	const char *mx;
	enum dane_state tlsa;
	enum level entry;
	enum why why; /* where mail fails under it */
} besides[] = {
    {79, "usable TLSA records", "mx.d.test address=secure tlsa=usable", DANE_USABLE,
        LEVEL_DANE_ONLY, WHY_DANE_NOT_MET},
    {81, "... of one of two servers",
        "mx.d.test address=secure tlsa=usable\nmx2.d.test address=secure tlsa=none",
        DANE_USABLE, LEVEL_DANE_ONLY, WHY_DANE_NOT_MET},
    {82, "unusable ones", "mx.d.test address=secure tlsa=unusable", DANE_UNUSABLE,
        LEVEL_SECURE, WHY_POLICY_NOT_MET},
    {82, "an MX record that is unsigned", "mx.d.test address=secure tlsa=usable",
        DANE_INSECURE_MX, LEVEL_SECURE, WHY_POLICY_NOT_MET},
};

/* Case 80: a certificate that verifies is no way round DANE that fails. */
static void
dane_stands_before_it(void **state)
{
	const struct beside *row = *state;

	begin("1", ENFORCE);
	rig_notify_admin();
	policykit_dns.mx = row->mx;
	policykit_dns.tlsa = row->tlsa;
	policykit_dns.is_signed = row->tlsa != DANE_INSECURE_MX;
	policykit_send("d.test");
	policykit_defer_sent("d.test");
	rig_assert_entry("d.test", row->entry);
	policykit_assert_attributes("d.test", row->entry == LEVEL_SECURE ? ENTRY : "");
	for (unsigned i = 0; i < 12; i++) {
		policykit_defer("d.test");
		world_wait(rig.engine, 6 * HOUR);
		rig_assert_judged("d.test", row->entry, row->why);
	}
	kit_assert(STATE, "SELECT applied FROM sts", "enforce\n");
	rig_close();
}

/* Case 83: a live one, and TLSA cannot be told any more. */
static void
tlsa_that_is_lost_changes_nothing(void **state)
{
	(void)state;
	begin("1", ENFORCE);
	policykit_defer_sent("d.test");
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	policykit_dns.tlsa = DANE_UNSURE;
	for (unsigned i = 0; i < 12; i++) {
		policykit_defer("d.test");
		world_wait(rig.engine, 6 * HOUR);
		rig_assert_entry("d.test", LEVEL_SECURE);
		policykit_assert_attributes("d.test", ENTRY);
	}
	rig_close();
}

/* --- mail that fails under it --------------------------------------------------------
 */

/* Case 69: the MX host drops STARTTLS, or its certificate goes bad, for longer than any
 * hold: nothing weaker, TXT is asked, and it is told once. */
static void
nothing_weaker_while_it_lives(void **state)
{
	const char *reason = *(const char *const *)*state;

	begin("1", ENFORCE);
	rig_notify_admin();
	policykit_send("d.test");
	world_wait(rig.engine, HOUR);
	policykit_assert_attributes("d.test", ENTRY);
	world.policies_asked = 0;
	for (unsigned i = 0; i < 16; i++) {
		rig_defer_because("d.test", reason);
		rig_save();
		world_settle(rig.engine);
		world_wait(rig.engine, 6 * HOUR);
		rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY_NOT_MET);
		policykit_assert_attributes("d.test", ENTRY);
	}
	assert_in_range(world.policies_asked, 8, 64);
	assert_int_equal(policykit_alerts_of("d.test: policy-not-met"), 1);
	rig_close();
}

/* Case 84: the administrator's pin stands above it. */
static void
pin_stands_above_it(void **state)
{
	struct destination d;
	bool found;

	(void)state;
	begin("1", ENFORCE);
	assert_true(store_get(rig.store, "d.test", &d, &found, &kit_err));
	destination_pin(&d, demand_of(LEVEL_MAY), 0, "", world.wall_ms);
	kit_put(rig.store, &d);
	destination_clear(&d);
	for (unsigned i = 0; i < 4; i++) {
		policykit_send("d.test");
		world_wait(rig.engine, DAY);
		rig_assert_entry("d.test", LEVEL_MAY);
	}
	rig_close();
}

/* --- whatever else cannot be told ----------------------------------------------------
 */

/* A forged MX record leads to a host whose TLSA records are bogus. */
static void
tlsa_that_cannot_be_told(void **state)
{
	policykit_begin_at(*(const enum level *)*state, "1", ENFORCE);
	policykit_dns.mx = "mx.evil.test";
	policykit_dns.tlsa = DANE_UNSURE;
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("d.test", LEVEL_SECURE);
	policykit_assert_attributes("d.test", ENTRY);
	world_wait(rig.engine, 3 * DAY);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_DNS_UNSURE);
	policykit_dns.tlsa = DANE_USABLE;
	world_wait(rig.engine, HOUR);
	rig_assert_judged("d.test", LEVEL_DANE_ONLY, WHY_DANE);
	rig_close();
}

/* What was weakened before there was a policy. */
static void
weaker_entry_rises(void **state)
{
	(void)state;
	begin(NULL, NULL);
	rig_defer("d.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("d.test", LEVEL_ENCRYPT);
	policykit_dns.tlsa = DANE_UNSURE;
	policykit_id = "1";
	policykit_served = ENFORCE;
	policykit_send("d.test");
	world_wait(rig.engine, DAY);
	policykit_send("d.test");
	world_wait(rig.engine, DAY);
	rig_assert_entry("d.test", LEVEL_SECURE);
	rig_close();
}

static void
postfix_without_dane(void **state)
{
	policykit_begin_at(*(const enum level *)*state, "1", ENFORCE);
	world.can_dane = false;
	rig_settings_changed();
	rig_notify_admin();
	policykit_dns.tlsa = DANE_USABLE;
	policykit_send("d.test");
	world_wait(rig.engine, DAY);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	policykit_assert_attributes("d.test", ENTRY);
	assert_int_equal(world.notify.times, 1); /* before the policy was there */
	assert_null(strstr(buf_text(&world.body), "mail waits"));
	rig_close();
}

#define WILDCARD POLICYKIT("*.d.test", "604800")

/* An entry that was made of names that DNS told stays while it tells none. */
static void
names_stay_while_dns_is_silent(void **state)
{
	(void)state;
	begin("1", WILDCARD);
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	policykit_assert_attributes("d.test", ENTRY);
	policykit_dns.mx = "a.d.test MX: SERVFAIL";
	policykit_dns.tlsa = DANE_UNSURE;
	kit_run(STATE, "UPDATE destination SET look_ms = 1");
	world_wait(rig.engine, DAY);
	policykit_assert_attributes("d.test", ENTRY);
	rig_assert_why("d.test", WHY_DNS_UNSURE);
	policykit_dns.mx = "mx2.d.test";
	policykit_dns.tlsa = DANE_NONE;
	world_wait(rig.engine, 2 * HOUR);
	policykit_assert_attributes("d.test", "match=mx2.d.test servername=hostname");
	rig_close();
}

/* Mail waits for a reason that lets nothing be weakened; then a policy comes. */
static void
alarm_that_waits_is_no_hindrance(void **state)
{
	(void)state;
	begin("1", NULL);
	rig_defer_because("d.test", TLSA_ERROR);
	rig_save();
	world_wait(rig.engine, MIN);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_RULE_WAITS);
	policykit_served = ENFORCE;
	policykit_send("[d.test]:587");
	world_wait(rig.engine, DAY);
	rig_assert_entry("d.test", LEVEL_SECURE);
	rig_close();
}

/* --- what kept it out is over --------------------------------------------------------
 */

/* Whoever forges the answer to the one look that there is. */
static void
null_mx_is_no_way_out(void **state)
{
	policykit_begin_at(*(const enum level *)*state, "1", ENFORCE);
	policykit_dns.tlsa = DANE_NO_MAIL;
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	policykit_assert_attributes("d.test", ENTRY);
	world_wait(rig.engine, 2 * DAY);
	policykit_assert_attributes("d.test", ENTRY);
	rig_close();
}

/* Nor does it take the names from an entry. */
static void
null_mx_leaves_the_names(void **state)
{
	(void)state;
	begin("1", WILDCARD);
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	policykit_dns.tlsa = DANE_NO_MAIL;
	kit_run(STATE, "UPDATE destination SET look_ms = 1");
	world_wait(rig.engine, DAY);
	policykit_assert_attributes("d.test", ENTRY);
	rig_close();
}

static void
send_for(int64_t span_ms)
{
	for (int64_t ms = 0; ms < span_ms; ms += 20 * MIN) {
		policykit_send("d.test");
		world_wait(rig.engine, 20 * MIN);
	}
}

#define WITHDRAWN (3 * DAY) /* ladder.dane_withdrawn: it was met by default */

struct hindrance {
	const char *what;
	enum dane_state tlsa;
	bool is_signed;
	enum answer other_map;
	enum level level;
	const char *version;
	int64_t within_ms;
};

/* Mail flows all the time. */
static void
hindrance_that_is_over(void **state)
{
	const struct hindrance *h = *state;

	policykit_begin_at(h->level, "1", ENFORCE);
	if (h->version != NULL)
		use_postfix(h->version);
	policykit_dns.tlsa = h->tlsa;
	policykit_dns.is_signed = h->is_signed;
	policykit_dns.other_map = h->other_map;
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("d.test", LEVEL_NONE);
	send_for(HOUR);
	policykit_dns.tlsa = DANE_NONE;
	policykit_dns.other_map = ANSWER_NO;
	if (h->version != NULL)
		use_postfix("3.7.11");
	send_for(h->within_ms);
	policykit_assert_attributes("d.test", ENTRY);
	rig_close();
}

/* Neither an older version's row nor the end of a pin leaves it out for ever. */
static void
look_that_is_lost(void **state)
{
	(void)state;
	begin("1", ENFORCE);
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	kit_run(
	    STATE, "UPDATE destination SET look_ms = 0, entry = 'none', attributes = ''");
	world_wait(rig.engine, MIN);
	rig_close();
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, MIN);
	policykit_assert_attributes("d.test", ENTRY);
	rig_close();
}

int
main(void)
{
	static const struct hindrance hindrances[] = {
	    {"a null MX that is proven", DANE_NO_MAIL, true, ANSWER_NO, LEVEL_MAY, NULL,
	        25 * HOUR},
	    {"another map", DANE_NONE, false, ANSWER_YES, LEVEL_VERIFY, NULL, 25 * HOUR},
	    {"another map that cannot answer", DANE_NONE, false, ANSWER_UNSURE,
	        LEVEL_VERIFY, NULL, 2 * HOUR},
	    {"DANE by default", DANE_USABLE, true, ANSWER_NO, LEVEL_DANE_ONLY, NULL,
	        25 * HOUR + WITHDRAWN},
	    {"DANE by default that cannot be told", DANE_UNSURE, true, ANSWER_NO,
	        LEVEL_DANE_ONLY, NULL, 2 * HOUR + WITHDRAWN},
	    {"a Postfix that cannot be told", DANE_NONE, false, ANSWER_NO, LEVEL_VERIFY,
	        "3.3.0", 25 * HOUR},
	};
	static const char *failures[] = {NOT_VERIFIED, NOT_OFFERED};
	static const enum level levels[] = {LEVEL_MAY, LEVEL_VERIFY, LEVEL_DANE};

	if (!rig_begin())
		return 1;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		suite_add(tlsa_that_cannot_be_told, &levels[i],
		    "at %s it is a floor though TLSA cannot be told",
		    level_name(levels[i]));
		suite_add(postfix_without_dane, &levels[i],
		    "... and though Postfix cannot do DANE");
		suite_add(null_mx_is_no_way_out, &levels[i],
		    "... and though DNS says that there is no server");
	}
	suite_add(null_mx_leaves_the_names, NULL, "which leaves an entry its names");
	for (size_t i = 0; i < sizeof(hindrances) / sizeof(hindrances[0]); i++)
		suite_add(hindrance_that_is_over, &hindrances[i],
		    "it is made in time though mail flows: %s", hindrances[i].what);
	for (size_t i = 0; i < sizeof(besides) / sizeof(besides[0]); i++)
		suite_add(dane_stands_before_it, (void *)(uintptr_t)&besides[i],
		    "case %u: beside a policy, and mail fails: %s", besides[i].number,
		    besides[i].what);
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		suite_add(nothing_weaker_while_it_lives, &failures[i],
		    "case 69: mail fails under it for four days: %s", failures[i]);
	suite_add(pin_stands_above_it, NULL, "case 84: a pin stands above it");
	suite_add(tlsa_that_is_lost_changes_nothing, NULL,
	    "case 83: TLSA that cannot be told any more changes nothing");
	suite_add(look_that_is_lost, NULL, "a start makes what was left out");
	suite_add(weaker_entry_rises, NULL, "a weaker entry rises to it");
	suite_add(names_stay_while_dns_is_silent, NULL,
	    "its entry keeps its names while DNS tells none");
	suite_add(alarm_that_waits_is_no_hindrance, NULL,
	    "mail that waits for another reason does not keep it out");
	suite_add(passed_over_is_trouble, NULL,
	    "where no server is in the policy, it is asked for anew, and told of");
	suite_add(passed_over_is_nothing_without_policy, NULL,
	    "... by a reason that says nothing where there is none");
	suite_add(
	    passed_over_ends_with_the_policy, NULL, "... nor any more when it has ended");
	return rig_end(suite_run());
}
