/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a server fails: rules that ask for it, what is kept of it, and what is told. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "conf/rulefile.h"
#include "core/freeze.h"
#include "enginerig.h"

#define GOOD_UNTIL_MS (INT64_C(1767225600) * 1000) /* 2026-01-01 */

static const char own_rules[] =
    "rules:\n"
    "- name: old\n"
    "  reason: '^Server certificate not (?:verified|trusted)$'\n"
    "  cause: expired\n"
    "  fallback: wait\n"
    "  examples: ['Server certificate not verified']\n";

static enum cause cause; /* what the servers show */

static void
answer(const struct finger_question *question, struct server *server)
{
	world_self_signed(question, server);
	server->probe.cause = cause;
	server->until_ms = GOOD_UNTIL_MS;
}

/* What smtp(8) says of the server of a domain before its status line. */
static void
log_verdict(const char *domain, const char *verdict)
{
	char text[256];

	snprintf(text, sizeof(text),
	    "smtp[77]: server certificate verification failed for mx.%s[192.0.2.1]:25: "
	    "%s",
	    domain, verdict);
	world_log(rig.engine, text);
}

static void
fails(const char *domain, const char *verdict)
{
	log_verdict(domain, verdict);
	rig_defer(domain);
}

static void
begin(bool prober)
{
	rig_new_with(prober ? answer : NULL);
	rig_notify_admin();
}

static void
assert_told(const char *text)
{
	if (strstr(buf_text(&world.body), text) == NULL)
		fail_msg("not told: %s\nbut: %s", text, buf_text(&world.body));
}

static void
assert_cause(const char *domain, const char *expected)
{
	struct destination d = rig_row(domain);

	assert_string_equal(cause_name(d.alarm.cause), expected);
	destination_clear(&d);
}

/* --- a rule for a cause ------------------------------------------------------------- */

static void
rule_for_a_cause_waits(void **state)
{
	(void)state;
	begin(true);
	cause = CAUSE_EXPIRED;
	fails("a.test", "certificate has expired");
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_RULE_WAITS);
	assert_string_equal(rig_row("a.test").alarm.rule, "old");
	assert_told("; cause: expired at mx.a.test, its certificate was good until "
	            "2026-01-01T00:00:00Z");
	kit_assert(STATE, "SELECT name, cause, until_ms FROM host",
	    "mx.a.test|expired|1767225600000\n");
	rig_close();
}

static void
without_a_prober_its_end_is_not_known(void **state)
{
	(void)state;
	begin(false);
	fails("a.test", "certificate has expired");
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_RULE_WAITS);
	assert_told("; cause: expired at mx.a.test, until when its certificate was good "
	            "is not known");
	rig_close();
}

/* One that the log names, and the servers do not, keeps no mail. */
static void
made_up_cause_holds_nothing(void **state)
{
	(void)state;
	begin(true);
	cause = CAUSE_SELF_SIGNED;
	fails("a.test", "certificate has expired");
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_cause("a.test", "self-signed");
	rig_close();
}

/* ... and one that it does not name does not get past the rule. */
static void
made_up_cause_weakens_nothing(void **state)
{
	(void)state;
	begin(true);
	cause = CAUSE_EXPIRED;
	fails("a.test", "num=62:hostname mismatch");
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_RULE_WAITS);
	rig_defer("b.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("b.test", LEVEL_NONE, WHY_RULE_WAITS);
	assert_cause("b.test", "expired");
	rig_close();
}

/* The first is self-signed, the second verifies, and is not secure: its name is another.
 */
static void
two_hosts(struct measure_item *item)
{
	world_add_host(item, "mx.a.test", PROMISE_NONE);
	world_add_host(item, "mx.elsewhere.test", PROMISE_NONE);
}

static void
second_verifies(const struct finger_question *question, struct server *server)
{
	if (strcmp(question->host, "mx.a.test") == 0)
		world_self_signed(question, server);
	else
		world_verifies(question, server);
}

static void
cause_of_a_host_that_does_well_is_another(void **state)
{
	(void)state;
	rig_new_with(second_verifies);
	world.answer = two_hosts;
	fails("a.test", "self-signed certificate");
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_CONTRADICTION);
	assert_cause("a.test", "self-signed");
	rig_close();
}

/* --- what is kept --------------------------------------------------------------------
 */

static void
session_that_is_used_again_has_the_last_cause(void **state)
{
	(void)state;
	begin(false);
	fails("a.test", "certificate has expired");
	world_wait(rig.engine, MIN);
	rig_defer("a.test");
	assert_cause("a.test", "expired");
	/* Once it verified, it is another matter. */
	world_wait(rig.engine, MIN);
	rig_log_session("Verified", "mx.a.test[192.0.2.1]:25");
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, MIN);
	rig_defer("a.test");
	assert_cause("a.test", "");
	rig_close();
}

static void
answer_dns(struct measure_item *item)
{
	char host[NEXTHOP_HOST_SIZE];

	snprintf(host, sizeof(host), "mx.%.200s", item->nexthop.host);
	world_add_host(item, host, PROMISE_NONE);
	snprintf(item->answers.text, sizeof(item->answers.text), "%s tlsa=none", host);
}

static void
server_of_nobody_is_not_kept(void **state)
{
	(void)state;
	begin(true);
	world.answer = answer_dns;
	cause = CAUSE_SELF_SIGNED;
	fails("a.test", "self-signed certificate");
	world_wait(rig.engine, MIN);
	log_verdict("stranger.test", "certificate has expired");
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	kit_assert(STATE, "SELECT name FROM host WHERE cause <> ''", "mx.a.test\n");
	rig_close();
}

/* --- the freeze ----------------------------------------------------------------------
 */

static void
crowd_fails(const char *const *verdicts, unsigned count)
{
	for (unsigned i = 0; i < 25; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "a%u.test", i);
		fails(domain, verdicts[i % count]);
	}
}

/* 25 that did better fail within the time. */
static void
freeze_with(const char *const *verdicts, unsigned count)
{
	begin(false);
	for (unsigned i = 0; i < 25; i++) {
		char domain[32], relay[64];

		snprintf(domain, sizeof(domain), "a%u.test", i);
		snprintf(relay, sizeof(relay), "mx.%s[192.0.2.1]:25", domain);
		rig_log_session("Verified", relay);
		rig_log_status(domain, relay, "2.0.0", "sent (250 Ok)");
	}
	rig_save();
	world_wait(rig.engine, HOUR);
	crowd_fails(verdicts, count);
	world_wait(rig.engine, 2 * MIN);
	kit_assert(STATE,
	    "SELECT count(*) FROM counter WHERE name = 'frozen-ms' AND value <> 0",
	    "1\n");
}

static void
freeze_by_one_cause_says_which(void **state)
{
	static const char *const issuer[] = {"untrusted issuer /CN=X"};
	static const char *const clock[] = {"certificate not yet valid"};

	(void)state;
	freeze_with(issuer, 1);
	assert_told("; by one cause, issuer (");
	assert_told(": look at this machine's CA file (smtp_tls_CAfile)");
	rig_close();
	freeze_with(clock, 1);
	assert_told("; by one cause, not-yet-valid (");
	assert_told(": look at this machine's clock;");
	rig_close();
}

static void
freeze_by_several_says_that(void **state)
{
	static const char *const several[] = {"certificate not yet valid",
	    "num=62:hostname mismatch", "self-signed certificate"};

	(void)state;
	freeze_with(several, 3);
	assert_told("; by several causes, self-signed (");
	assert_told("look at this machine's CA file (smtp_tls_CAfile), resolver, network "
	            "and clock");
	rig_close();
}

static void
one_cause(void **state)
{
	unsigned counts[CAUSE_COUNT] = {0};

	(void)state;
	counts[CAUSE_ISSUER] = 2;
	assert_int_equal(freeze_one_cause(counts), CAUSE_NONE); /* too few */
	counts[CAUSE_ISSUER] = 18;
	assert_int_equal(freeze_one_cause(counts), CAUSE_ISSUER);
	counts[CAUSE_NAME] = 2;
	assert_int_equal(freeze_one_cause(counts), CAUSE_ISSUER);
	counts[CAUSE_EXPIRED] = 1;
	assert_int_equal(freeze_one_cause(counts), CAUSE_NONE); /* several */
	counts[CAUSE_EXPIRED] = 0;
	counts[CAUSE_NONE] = 21;
	assert_int_equal(freeze_one_cause(counts), CAUSE_NONE); /* of most not known */
}

int
main(void)
{
	char shipped[] = "rules/postfix.yaml";
	char *files[2];
	struct errs errs = {0};
	struct rules *rules;

	if (!rig_begin())
		return 2;
	kit_write("own.yaml", own_rules, sizeof(own_rules) - 1);
	files[0] = (char *)(uintptr_t)kit_path("own.yaml");
	files[1] = (char *)(uintptr_t)suite_path(shipped);
	rules = rulefile_load(files, 2, RULEFILE_EXAMPLES, &errs);
	if (rules == NULL)
		return 2;
	rules_free(rig.rules);
	rig.rules = rules;
	suite_add(rule_for_a_cause_waits, NULL,
	    "a rule that waits for a cause says until when the certificate was good");
	suite_add(without_a_prober_its_end_is_not_known, NULL,
	    "... and where nobody can be asked that it is not known");
	suite_add(made_up_cause_holds_nothing, NULL,
	    "a cause that the servers do not confirm keeps no mail");
	suite_add(made_up_cause_weakens_nothing, NULL,
	    "... and is no way around a rule that waits");
	suite_add(cause_of_a_host_that_does_well_is_another, NULL,
	    "a host that meets the level is not asked why mail fails");
	suite_add(session_that_is_used_again_has_the_last_cause, NULL,
	    "a session that is used again has the last cause, until the server verified");
	suite_add(server_of_nobody_is_not_kept, NULL,
	    "of a server that DNS does not name nothing is kept");
	suite_add(freeze_by_one_cause_says_which, NULL,
	    "25 domains that fail by one cause: where to look");
	suite_add(
	    freeze_by_several_says_that, NULL, "... by several causes: how many by each");
	suite_add(one_cause, NULL, "one cause is that of nine of ten");
	return rig_end(suite_run());
}
