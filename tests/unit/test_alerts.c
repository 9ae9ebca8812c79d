/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alerts are repeated when trouble comes back: mail fails, flows, and fails again an hour
 * later. One row for each word that may alert.
 */
#include "suite.h"

#include <string.h>

#include "engine/engine_impl.h"
#include "sim.h"

#define TLSA_ERROR "TLSA lookup error for mx.d.test:25"
#define CLIENT_TLS "client TLS configuration problem"
#define NO_TLSA    "no TLSA records found"

/* Rules that want the administrator alerted, whatever is decided. */
static const char alert_rules[] =
    "rules:\n"
    "  - {name: not-verified, fallback: encrypt, alert: true,\n"
    "     reason: '^Server certificate not verified$',\n"
    "     examples: ['Server certificate not verified']}\n"
    "  - {name: not-offered, fallback: may, alert: true,\n"
    "     reason: '^TLS is required, but was not offered by host \\S+$',\n"
    "     examples: ['TLS is required, but was not offered by host "
    "mx.test[192.0.2.1]']}\n"
    "  - {name: no-handshake, fallback: next, alert: true,\n"
    "     reason: '^Cannot start TLS: handshake failure$',\n"
    "     examples: ['Cannot start TLS: handshake failure']}\n"
    "  - {name: no-tlsa, fallback: verify, alert: true,\n"
    "     reason: '^no TLSA records found$', examples: ['no TLSA records found']}\n";

enum which_rules { SHIPPED, STRICT, ALERTING };

struct trouble {
	enum why why;
	enum level default_level;
	enum which_rules rules;
	const char *reason;
	void (*prepare)(struct sim *sim); /* NULL: nothing */
};

/* --- what is the case before mail fails -------------------------------------------- */

static void
pinned(struct sim *sim)
{
	sim_pin(sim, LEVEL_VERIFY, 0);
	sim_wait(sim, MIN);
}

static void
other_map_unsure(struct sim *sim)
{
	sim->other_map = ANSWER_UNSURE;
}

static void
dns_unsure(struct sim *sim)
{
	sim->dns = DANE_UNSURE;
}

static void
no_mail(struct sim *sim)
{
	sim->dns = DANE_NO_MAIL;
}

static void
elsewhere(struct sim *sim)
{
	sim->elsewhere = true;
}

static void
usable(struct sim *sim)
{
	sim->dns = DANE_USABLE;
}

static void
unusable(struct sim *sim)
{
	sim->dns = DANE_UNUSABLE;
}

static void
insecure_mx(struct sim *sim)
{
	sim->dns = DANE_INSECURE_MX;
}

static void
usable_without_dane(struct sim *sim)
{
	sim->dns = DANE_USABLE;
	sim->judge.can_dane = ANSWER_NO;
}

/* An entry of dane-only, found by a deferral. */
static void
has_dane(struct sim *sim)
{
	sim->dns = DANE_USABLE;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE);
	sim_wait(sim, MIN);
	sim_deliver(sim);
}

static void
has_refused_dane(struct sim *sim)
{
	has_dane(sim);
	sim->judge.can_dane = ANSWER_NO;
}

static void
loses_dane(struct sim *sim)
{
	has_dane(sim);
	sim->dns = DANE_NONE;
}

static void
lost_dane(struct sim *sim)
{
	struct destination d;

	loses_dane(sim);
	d = sim_row(sim);
	d.entry.dane_absent_ms = sim->now_ms - 4 * DAY;
	kit_put(sim->store, &d);
}

static void
is_signed(struct sim *sim)
{
	sim->is_signed = true;
}

static void
lowest_is_verify(struct sim *sim)
{
	sim->config.ladder.lowest = LEVEL_VERIFY;
}

static struct rules *no_rules;

/* The rule that the line was read by is there no more. */
static void
ruleless(struct sim *sim)
{
	struct judge *judge = &sim->engine->judge;

	judge->rules = no_rules;
	rules_matcher_free(judge->matcher);
	judge->matcher = rules_matcher_new(no_rules);
}

static void
all_usable(struct sim *sim)
{
	sim->dns = DANE_USABLE;
	sim->all_usable = true;
}

/* They agree that there is a step to be taken. */
static void
witnessed(struct sim *sim)
{
	sim->witnessed = true;
	sim->witnesses = (struct witnesses){
	    .queue = QUEUE_SHOWS,
	    .shown_ms = WITNESSED_ANY,
	    .served_ms = WITNESSED_ANY,
	    .prober = ANSWER_NO,
	    .measured = {.asked = true, .answered = true},
	    .measured_gone = {.asked = true, .answered = true},
	    .canary = CANARY_NONE,
	};
}

static void
logs_in(struct sim *sim)
{
	witnessed(sim);
	sim->credentials = ANSWER_YES;
}

static void
queue_newer(struct sim *sim)
{
	witnessed(sim);
	sim->witnesses.queue = QUEUE_NEWER;
}

static void
queue_unreadable(struct sim *sim)
{
	witnessed(sim);
	sim->witnesses.queue = QUEUE_UNREADABLE;
}

static void
servers_silent(struct sim *sim)
{
	witnessed(sim);
	sim->witnesses.prober = ANSWER_YES;
	sim->witnesses.measured.answered = false;
}

static void
best_server_silent(struct sim *sim)
{
	witnessed(sim);
	sim->witnesses.prober = ANSWER_YES;
	sim->witnesses.measured.awaited = true;
}

static void
servers_do_verify(struct sim *sim)
{
	witnessed(sim);
	sim->witnesses.prober = ANSWER_YES;
	sim->witnesses.measured.meets[LEVEL_VERIFY] = ANSWER_YES;
}

static void
delivered(struct sim *sim)
{
	sim_deliver(sim);
}

static void
frozen(struct sim *sim)
{
	sim->judge.frozen = true;
}

static void
cleartext_at_once(struct sim *sim)
{
	sim->config.ladder.may_after_attempts = 1;
}

static void
lifted_on_trial(struct sim *sim)
{
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_wait(sim, MIN);
	sim_deliver(sim);
	sim_await(sim, WHY_TRIAL, HOUR);
}

/* Stronger than the default: main.cf was strict when it was made. */
static void
has_stronger_entry(struct sim *sim)
{
	struct destination d;

	sim_deliver(sim);
	d = sim_row(sim);
	d.entry.level = LEVEL_VERIFY;
	d.entry.why = WHY_PROBED;
	d.entry.lease_ms = 7 * DAY;
	d.entry.lease_end_ms = d.look_ms = sim->now_ms + 7 * DAY;
	kit_put(sim->store, &d);
}

static void
enforces(struct sim *sim, const char *policy)
{
	sim->sts_txt = (struct sts_txt){.state = STS_TXT_VALID, .id = "1"};
	sim->sts_policy = policy;
}

static void
enforces_others(struct sim *sim)
{
	enforces(
	    sim, "version: STSv1\nmode: enforce\nmx: mx.other.test\nmax_age: 604800\n");
}

static void
has_policy(struct sim *sim)
{
	enforces(sim, "version: STSv1\nmode: enforce\nmx: mx.d.test\nmax_age: 604800\n");
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_SECURE, WHY_POLICY);
	sim_wait(sim, MIN);
	sim_deliver(sim);
	sim_wait(sim, HOUR);
}

static void
cannot_be_told(struct sim *sim)
{
	enforces(sim, "version: STSv1\nmode: enforce\nmx: mx.d.test\nmax_age: 604800\n");
	world.version = "3.3.0";
	sim_wait(sim, 2 * MIN);
}

static void
txt_unsure(struct sim *sim)
{
	sim->sts_txt.state = STS_TXT_UNSURE;
}

static void
policy_is_switched_off(struct sim *sim)
{
	has_policy(sim);
	sim->config.mta_sts.enable = false;
}

static const struct trouble troubles[] = {
    {WHY_PIN_NOT_MET, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, pinned},
    {WHY_OUR_FAULT, LEVEL_VERIFY, SHIPPED, CLIENT_TLS, NULL},
    {WHY_OUR_ENTRY, LEVEL_VERIFY, SHIPPED, CLIENT_TLS, has_refused_dane},
    {WHY_NO_EFFECT, LEVEL_ENCRYPT, SHIPPED, NOT_VERIFIED, NULL},
    {WHY_RESOLVERS_DIFFER, LEVEL_DANE_ONLY, SHIPPED, NO_TLSA, all_usable},
    {WHY_NO_RULE, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, ruleless},
    {WHY_RULE_WAITS, LEVEL_VERIFY, SHIPPED, TLSA_ERROR, NULL},
    {WHY_OTHER_MAP_UNSURE, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, other_map_unsure},
    {WHY_DNS_UNSURE, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, dns_unsure},
    {WHY_NO_MAIL, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, no_mail},
    {WHY_ELSEWHERE, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, elsewhere},
    {WHY_DANE_NOT_MET, LEVEL_DANE_ONLY, SHIPPED, NOT_VERIFIED, usable},
    {WHY_DANE_IMPOSSIBLE, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, usable_without_dane},
    {WHY_DANE_GOING, LEVEL_VERIFY, SHIPPED, NO_TLSA, loses_dane},
    {WHY_DANE_GONE, LEVEL_ENCRYPT, ALERTING, NO_TLSA, lost_dane},
    {WHY_TLSA_UNUSABLE, LEVEL_VERIFY, SHIPPED, NOT_OFFERED, unusable},
    {WHY_INSECURE_MX, LEVEL_VERIFY, SHIPPED, NOT_OFFERED, insecure_mx},
    {WHY_POLICY, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, enforces_others},
    {WHY_POLICY_NOT_MET, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, has_policy},
    {WHY_POLICY_IMPOSSIBLE, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, cannot_be_told},
    {WHY_POLICY_UNSURE, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, txt_unsure},
    {WHY_POLICY_ENDED, LEVEL_VERIFY, ALERTING, NOT_VERIFIED, policy_is_switched_off},
    {WHY_CREDENTIALS, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, logs_in},
    {WHY_NEWER, LEVEL_VERIFY, ALERTING, NOT_VERIFIED, queue_newer},
    {WHY_QUEUE_UNREAD, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, queue_unreadable},
    {WHY_NO_ANSWER, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, servers_silent},
    {WHY_AWAITED, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, best_server_silent},
    {WHY_CONTRADICTION, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, servers_do_verify},
    {WHY_SIGNED, LEVEL_VERIFY, STRICT, NOT_VERIFIED, is_signed},
    {WHY_NOT_AUTHENTIC, LEVEL_VERIFY, ALERTING, NOT_VERIFIED, NULL},
    {WHY_NOT_ENCRYPTED, LEVEL_ENCRYPT, SHIPPED, NOT_OFFERED, cleartext_at_once},
    {WHY_NO_DANE, LEVEL_DANE_ONLY, ALERTING, NO_TLSA, NULL},
    {WHY_ONE_RUNG, LEVEL_VERIFY, ALERTING, NO_HANDSHAKE, NULL},
    {WHY_NOTHING_WEAKER, LEVEL_MAY, SHIPPED, NO_HANDSHAKE, NULL},
    {WHY_LOWEST, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, lowest_is_verify},
    {WHY_MAY_AFTER, LEVEL_ENCRYPT, ALERTING, NOT_OFFERED, NULL},
    {WHY_HOLD, LEVEL_VERIFY, SHIPPED, NOT_VERIFIED, delivered},
    {WHY_FREEZE, LEVEL_VERIFY, ALERTING, NOT_VERIFIED, frozen},
    {WHY_TRIAL_FAILED, LEVEL_VERIFY, ALERTING, NOT_VERIFIED, lifted_on_trial},
    {WHY_NOT_NEEDED, LEVEL_ENCRYPT, ALERTING, NOT_VERIFIED, has_stronger_entry},
};

static struct sim *
begin(const struct trouble *t)
{
	char *files[1];

	if (t->rules != ALERTING)
		return sim_new(t->default_level, t->rules == STRICT);
	kit_write("alerts.yaml", alert_rules, strlen(alert_rules));
	files[0] = (char *)(uintptr_t)kit_path("alerts.yaml");
	return sim_with_rules(t->default_level, files, 1);
}

/* Mail fails; the alert of DNS that cannot tell comes with the second question, that of a
 * contradiction with the third attempt, that of handshakes that fail at the lowest rung
 * once they did for an hour. */
static void
fail_once(struct sim *sim, const struct trouble *t)
{
	for (int i = 0; i < 2 && t->why == WHY_CONTRADICTION; i++) {
		unsigned before = sim->told;

		sim_defer(sim, t->reason);
		sim_wait(sim, MIN);
		assert_int_equal(sim->told, before);
	}
	if (t->why == WHY_NOTHING_WEAKER) {
		unsigned before = sim->told;

		sim_defer(sim, t->reason);
		sim_wait(sim, HOUR);
		assert_int_equal(sim->told, before);
	}
	sim_defer(sim, t->reason);
	if (t->why == WHY_DNS_UNSURE)
		sim_wait(sim, MIN);
}

static void
alerts_again(void **state)
{
	const struct trouble *t = *state;
	struct sim *sim = begin(t);
	unsigned before;

	if (t->prepare != NULL)
		t->prepare(sim);
	before = sim->told;
	fail_once(sim, t);
	assert_int_equal(sim->told, before + 1);
	assert_string_equal(why_slug(sim_row(sim).why), why_slug(t->why));
	sim_wait(sim, MIN);
	sim_deliver(sim);
	assert_int_equal(sim->told, before + 1);
	sim_wait(sim, HOUR); /* where there is an entry, a re-check may come first */
	fail_once(sim, t);
	assert_int_equal(sim->told, before + 2);
	/* Another guard applies now where the first decision changed the entry, or where
	 * the mail that flowed (encrypted, before may-after) is a better past. */
	if (why_once_sent(t->why, WHY_NONE) != t->why && t->why != WHY_MAY_AFTER)
		assert_string_equal(why_slug(sim_row(sim).why), why_slug(t->why));
	sim_free(sim);
}

static void
each_word_that_alerts_is_here(void **state)
{
	(void)state;
	for (enum why why = WHY_NONE; why < WHY_COUNT; why++) {
		/* It comes without mail that fails: test_engine_up has it. */
		bool is_here = why == WHY_SILENT;

		for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
			is_here = is_here || troubles[i].why == why;
		if (is_here != (why_alerts(why) != WHY_ALERTS_NEVER))
			fail_msg(
			    "%s alerts, or has a row here, but not both", why_slug(why));
	}
}

/* --- but not what lasts ------------------------------------------------------------ */

/* Found by a re-check, no mail failed: mail that flows on does not disprove it. */
static void
recheck_alerts_once(void **state)
{
	const struct trouble *t = *state;
	struct sim *sim = begin(t);
	unsigned before;

	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_wait(sim, MIN);
	sim_deliver(sim);
	t->prepare(sim);
	before = sim->told;
	sim_await(sim, t->why, HOUR);
	for (int i = 0; i < 10; i++) {
		sim_deliver(sim);
		sim_wait(sim, 2 * HOUR);
		sim_assert(sim, LEVEL_ENCRYPT, t->why);
		assert_int_equal(sim->told, before + 1);
	}
	sim_free(sim);
}

static void
dane_unsure(struct sim *sim)
{
	sim->dns = DANE_USABLE;
	sim->judge.can_dane = ANSWER_UNSURE;
}

static void
distrusted(struct sim *sim)
{
	sim->dns = DANE_UNSURE;
	sim->distrusted = true;
}

static const struct trouble lasting[] = {
    {WHY_OTHER_MAP_UNSURE, LEVEL_VERIFY, SHIPPED, NULL, other_map_unsure},
    {WHY_DNS_UNSURE, LEVEL_VERIFY, SHIPPED, NULL, dns_unsure},
    {WHY_DNS_UNSURE, LEVEL_VERIFY, SHIPPED, NULL, distrusted},
    {WHY_DANE_IMPOSSIBLE, LEVEL_VERIFY, SHIPPED, NULL, dane_unsure},
};

int
main(void)
{
	int status;

	kit_begin();
	no_rules = rules_new();
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
		suite_add(alerts_again, &troubles[i],
		    "%s alerts again when mail flowed in between",
		    why_slug(troubles[i].why));
	suite_add(each_word_that_alerts_is_here, NULL,
	    "each word that may alert has a row here, and no other");
	for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++)
		suite_add(recheck_alerts_once, &lasting[i],
		    "%s, found by a re-check, alerts once while mail flows (%zu)",
		    why_slug(lasting[i].why), i + 1);
	status = kit_end(suite_run());
	rules_free(no_rules);
	return status;
}
