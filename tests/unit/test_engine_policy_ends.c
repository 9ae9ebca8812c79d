/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands above the entry of an MTA-STS policy, and what is left once it ends. */
#include "suite.h"

#include <string.h>

#include "engine/engine_impl.h"
#include "policykit.h"

#define NONE "version: STSv1\nmode: none\nmax_age: 604800\n"

/* What DNS says beside the MX host. */
static enum dane_state tlsa;
static bool is_elsewhere;
static bool is_silent; /* the MX record cannot be had */

static void
answer(struct measure_item *item)
{
	policykit_answer(item);
	item->answers.dane.state = tlsa;
	item->answers.dane.signed_domain = tlsa == DANE_USABLE;
	item->answers.relay_fits = !is_elsewhere;
	if (!is_silent)
		return;
	item->answers.choice = NULL;
	item->answers.dane.state = DANE_UNSURE;
	snprintf(item->answers.text, sizeof(item->answers.text), "%s MX: SERVFAIL",
	    item->nexthop.host);
}

static void
begin(enum level level, const char *served)
{
	policykit_begin("1", served);
	rig_notify_admin();
	tlsa = DANE_NONE;
	is_elsewhere = is_silent = false;
	world.answer = answer;
	world.default_level = level;
	rig_settings_changed();
}

/* --- DANE by default --------------------------------------------------------------- */

/* Nobody's mail fails: only the daily look finds out. */
static void
dane_by_default_is_withdrawn(void **state)
{
	begin(LEVEL_DANE_ONLY, ENFORCE);
	tlsa = DANE_USABLE;
	for (unsigned i = 0; i < 4; i++) {
		rig_log_session("Verified", "mx.d.test[192.0.2.1]:25");
		policykit_send("d.test");
		world_wait(rig.engine, 12 * HOUR);
	}
	rig_assert_entry("d.test", LEVEL_NONE);
	tlsa = *(const enum dane_state *)*state;
	world_wait(rig.engine, 2 * DAY);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_DANE_GOING);
	world_wait(rig.engine, 2 * DAY);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	assert_int_equal(policykit_alerts_of("d.test: dane-going"), 1);
	rig_close();
}

/* --- the end of a policy ----------------------------------------------------------- */

/* What mail to a policy's domain fails for. */
static const struct hindrance {
	const char *what;
	const char *reason;
	bool is_elsewhere;
} hindrances[] = {
    {"a rule that waits", TLSA_ERROR, false},
    {"our own fault", "TLS is required, but unavailable", false},
    {"no rule", "unexpected server message", false},
    {"an echo", "delivery temporarily suspended: " NOT_VERIFIED, false},
    {"a server of somebody else", NOT_VERIFIED, true},
};

static void
defer(const struct hindrance *h)
{
	rig_defer_because("d.test", h->reason);
	rig_save();
	world_settle(rig.engine);
	world_wait(rig.engine, 2 * MIN);
}

static void
entry_goes_though_mail_fails(void **state)
{
	const struct hindrance *h = *state;

	begin(LEVEL_MAY, ENFORCE);
	policykit_send("d.test");
	world_wait(rig.engine, HOUR);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	is_elsewhere = h->is_elsewhere;
	defer(h);
	rig_assert_entry("d.test", LEVEL_SECURE);
	policykit_id = "2";
	policykit_served = NONE;
	world_wait(rig.engine, HOUR);
	defer(h);
	world_wait(rig.engine, 10 * MIN);
	kit_assert(STATE, "SELECT applied FROM sts", "none\n");
	rig_assert_entry("d.test", LEVEL_NONE);
	rig_close();
}

/* --- told while mail flows -----------------------------------------------------------
 */

/* TLSA records appear that the servers do not meet: nothing waits by them. */
static void
nothing_waits_by_new_tlsa(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_VERIFY, "1", ENFORCE);
	rig_close();
	world.sessions_logged = true;
	world.finger = world_verifies;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	world_wait(rig.engine, MIN);
	rig_log_session("Verified", "mx.d.test[192.0.2.1]:25");
	policykit_send("d.test");
	world_wait(rig.engine, HOUR);
	rig_assert_entry("d.test", LEVEL_SECURE);
	rig_notify_admin();
	buf_reset(&world.bodies);
	policykit_dns.tlsa = DANE_USABLE;
	policykit_dns.is_signed = true;
	for (int64_t ms = 0; ms < 10 * DAY; ms += HOUR) {
		rig_log_session("Verified", "mx.d.test[192.0.2.1]:25");
		policykit_send("d.test");
		world_wait(rig.engine, HOUR);
	}
	assert_true(policykit_alerts_of("dane-not-met: the servers do not meet") > 0);
	assert_int_equal(policykit_alerts_of("mail waits"), 0);
	rig_close();
}

/* --- announced late in a hold --------------------------------------------------------
 */

static void
serve_slowly(const char *host, struct buf *text, struct fetch_answer *out)
{
	world.takes_ms += 10 * SECOND;
	policykit_serve(host, text, out);
}

static void
fail_for(int64_t span_ms)
{
	for (int64_t ms = 0; ms < span_ms; ms += HOUR) {
		world_wait(rig.engine, HOUR);
		rig_defer("d.test");
	}
}

/* The hold for the past is over when the next attempt fails; that for the policy begins.
 */
static void
announced_late(void **state)
{
	const char *served = *state;

	policykit_begin_at(LEVEL_VERIFY, NULL, NULL);
	rig_close();
	world.sessions_logged = true;
	world.finger = world_self_signed;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	world_wait(rig.engine, MIN);
	world.fetch = serve_slowly;
	rig_log_session("Verified", "mx.d.test[192.0.2.1]:25");
	policykit_send("d.test");
	world_wait(rig.engine, HOUR);
	rig_defer("d.test");
	world_wait(rig.engine, MIN);
	fail_for(23 * HOUR);
	world_wait(rig.engine, MIN);
	rig_assert_why("d.test", WHY_HOLD);
	policykit_id = "1";
	policykit_served = served;
	world_wait(rig.engine, 2 * HOUR);
	rig_defer("d.test");
	for (unsigned i = 0; i < 60; i++) {
		world_wait(rig.engine, SECOND);
		assert_int_not_equal(rig_row("d.test").entry.level, LEVEL_ENCRYPT);
	}
	if (served != NULL) {
		policykit_assert_attributes("d.test", ENTRY);
		rig_close();
		return;
	}
	fail_for(21 * HOUR);
	world_wait(rig.engine, MIN);
	rig_assert_entry("d.test", LEVEL_NONE);
	fail_for(4 * HOUR);
	world_wait(rig.engine, MIN);
	rig_assert_entry("d.test", LEVEL_ENCRYPT);
	rig_close();
}

/* --- whom a pattern allows -------------------------------------------------------- */

#define WILDCARD POLICYKIT("*.d.test", "604800")

/* Who can spoil answers of DNS gets nothing weaker: the policy is enforced, though mail
 * waits until DNS tells whom it allows. */
static void
silence_is_no_way_out(void **state)
{
	(void)state;
	begin(LEVEL_MAY, WILDCARD);
	is_silent = true;
	policykit_send("d.test");
	world_wait(rig.engine, 10 * MIN);
	kit_assert(STATE, "SELECT applied FROM sts", "enforce\n");
	policykit_assert_attributes(
	    "d.test", "match=no-mx-host-matches.invalid servername=hostname");
	is_silent = false;
	world_wait(rig.engine, HOUR);
	policykit_assert_attributes("d.test", ENTRY);
	rig_close();
}

/* Another policy, whose host is not known: its entry is still that of the one before. */
static void
silence_changes_no_names(void **state)
{
	(void)state;
	begin(LEVEL_MAY, ENFORCE);
	policykit_send("d.test");
	world_wait(rig.engine, HOUR);
	policykit_assert_attributes("d.test", ENTRY);
	is_silent = true;
	policykit_id = "2";
	policykit_served = POLICYKIT("*.other.test", "604800");
	policykit_defer("d.test");
	world_wait(rig.engine, 10 * MIN);
	kit_assert(STATE, "SELECT mx FROM sts", "*.other.test\n");
	policykit_assert_attributes("d.test", ENTRY);
	is_silent = false;
	world_wait(rig.engine, HOUR);
	policykit_assert_attributes(
	    "d.test", "match=no-mx-host-matches.invalid servername=hostname");
	rig_close();
}

/* --- a Postfix without any CA ------------------------------------------------------ */

/* Each domain has a policy, and its MX host. */
static void
serve_each(const char *host, struct buf *text, struct fetch_answer *out)
{
	buf_printf(text, "version: STSv1\nmode: enforce\nmx: mx.%s\nmax_age: 604800\n",
	    strchr(host, '.') + 1);
	*out = (struct fetch_answer){
	    .cause = STS_CAUSE_OK, .status = 200, .body = {buf_text(text), text->len}};
}

static void
set_authorities(bool none)
{
	world.no_authorities = none;
	rig_settings_changed();
	world_wait(rig.engine, MIN);
}

/* Mail flows at `may`, and goes on to; one alert for all of them. */
static void
nothing_verifies(void **state)
{
	(void)state;
	begin(LEVEL_MAY, ENFORCE);
	world.fetch = serve_each;
	set_authorities(true);
	for (unsigned i = 0; i < 6; i++) {
		char domain[32], relay[64];

		snprintf(domain, sizeof(domain), "p%u.test", i);
		snprintf(relay, sizeof(relay), "mx.%s[192.0.2.1]:25", domain);
		rig_log_session("Untrusted", relay);
		rig_log_status(domain, relay, "2.0.0", "sent (250 Ok)");
		rig_save();
		world_settle(rig.engine);
		world_wait(rig.engine, 10 * SECOND);
	}
	world_wait(rig.engine, 2 * DAY);
	kit_assert(STATE, "SELECT count(*) FROM sts WHERE applied = 'enforce'", "6\n");
	kit_assert(
	    STATE, "SELECT count(*) FROM destination WHERE entry <> 'none'", "0\n");
	assert_int_equal(policykit_alerts_of("smtp_tls_CAfile"), 1);
	assert_int_equal(world.notify.times, 1);
	set_authorities(false);
	kit_assert(
	    STATE, "SELECT count(*) FROM destination WHERE entry = 'secure'", "6\n");
	set_authorities(true);
	kit_assert(
	    STATE, "SELECT count(*) FROM destination WHERE entry <> 'none'", "0\n");
	assert_int_equal(policykit_alerts_of("smtp_tls_CAfile"), 2);
	assert_int_equal(world.notify.times, 2);
	rig_close();
}

/* --- a Postfix that cannot be told any more ---------------------------------------- */

/* Attributes that it does not know keep all mail waiting. */
static void
postfix_is_older(void **state)
{
	begin(LEVEL_MAY, ENFORCE);
	policykit_send("d.test");
	world_wait(rig.engine, HOUR);
	rig_assert_entry("d.test", LEVEL_SECURE);
	tlsa = *(const enum dane_state *)*state;
	world.version = "3.3.1";
	rig_settings_changed();
	world_wait(rig.engine, MIN);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_IMPOSSIBLE);
	rig_close();
}

int
main(void)
{
	static enum dane_state gone[] = {DANE_NONE, DANE_UNUSABLE, DANE_INSECURE_MX};
	static enum dane_state unsure = DANE_UNSURE;

	if (!rig_begin())
		return 2;
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		suite_add(dane_by_default_is_withdrawn, &gone[i],
		    "DANE by default, which was met, falls to a policy after three days: "
		    "%s",
		    dane_state_name(gone[i]));
	for (size_t i = 0; i < sizeof(hindrances) / sizeof(hindrances[0]); i++)
		suite_add(entry_goes_though_mail_fails, (void *)(uintptr_t)&hindrances[i],
		    "a policy that ends takes its entry along though mail fails: %s",
		    hindrances[i].what);
	suite_add(nothing_waits_by_new_tlsa, NULL,
	    "that TLSA is not met is told, and not that mail waits that flows");
	suite_add(
	    announced_late, ENFORCE, "a policy announced late in a hold is enforced");
	suite_add(announced_late, NULL,
	    "... and holds for as long again where it cannot be had");
	suite_add(silence_is_no_way_out, NULL,
	    "a policy of patterns is enforced while DNS cannot tell the MX hosts");
	suite_add(silence_changes_no_names, NULL, "... and what is there stays");
	suite_add(nothing_verifies, NULL,
	    "a Postfix without any CA enforces none, and that is told once");
	suite_add(postfix_is_older, &gone[0],
	    "an entry goes that Postfix cannot be told of any more");
	suite_add(postfix_is_older, &unsure, "... though DNS cannot tell");
	return rig_end(suite_run());
}
