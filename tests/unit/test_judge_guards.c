/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands before the ladder's steps: DANE, DNS, other maps, our own faults, pins,
 * rules for signed domains. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* --- rules that tell --------------------------------------------------------------- */

#define TLSA_ERROR "TLSA lookup error for mx.d.test:25"

/* ... and that tell again, when it was over meanwhile. */
static void
rule_with_alert_tells(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_defer(sim, TLSA_ERROR);
	sim_assert(sim, LEVEL_NONE, WHY_RULE_WAITS);
	assert_int_equal(sim->told, 1);
	sim_defer(sim, TLSA_ERROR);
	assert_int_equal(sim->told, 1);
	sim_deliver(sim);
	assert_int_equal(sim_row(sim).why, WHY_NOT_NEEDED);
	sim_defer(sim, TLSA_ERROR);
	assert_int_equal(sim->told, 2);
	sim_free(sim);
}

/* --- DANE -------------------------------------------------------------------------- */

static void
usable_tlsa_is_dane_only(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->dns = DANE_USABLE;
	sim->is_signed = true;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE);
	sim_assert_released(sim, 1);
	sim_wait(sim, MIN);
	sim_defer(sim, NOT_VERIFIED); /* their own records are wrong */
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE_NOT_MET);
	assert_int_equal(sim->told, 1);
	sim_defer(sim, NOT_OFFERED);
	assert_int_equal(sim->told, 1);
	sim_wait(sim, 60 * DAY);
	assert_int_equal(sim_row(sim).entry.level, LEVEL_DANE_ONLY);
	sim_free(sim);
}

static void
tlsa_that_is_withdrawn_must_stay_so(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->dns = DANE_USABLE;
	sim_defer(sim, NOT_VERIFIED);
	sim_wait(sim, MIN);
	sim_deliver(sim);
	sim_wait(sim, 6 * DAY);
	sim->dns = DANE_NONE;
	sim_wait(sim, DAY);
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE_GOING);
	sim_wait(sim, DAY);
	sim->dns = DANE_UNSURE; /* says nothing, and the clock goes on */
	sim_wait(sim, DAY);
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DNS_UNSURE);
	sim->dns = DANE_USABLE; /* it was but a mistake */
	sim_wait(sim, 2 * HOUR);
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE);
	assert_int_equal(sim_row(sim).entry.dane_absent_ms, 0);
	sim->dns = DANE_NONE;
	sim_wait(sim, 7 * DAY);
	sim_await(sim, WHY_DANE_GOING, HOUR);
	sim_wait(sim, 2 * DAY);
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE_GOING);
	sim_wait(sim, DAY);
	sim_assert(sim, LEVEL_NONE, WHY_DANE_GONE);
	assert_int_equal(sim_row(sim).entry.dane_absent_ms, 0);
	sim_free(sim);
}

static void
tlsa_that_appears_ends_a_weak_entry(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_wait(sim, MIN);
	sim_deliver(sim);
	sim->dns = DANE_USABLE;
	sim_wait(sim, 7 * DAY);
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE);
	sim_assert_lease(sim, 7 * DAY);
	sim_free(sim);
}

/* --- what could not tell, what is not ours ----------------------------------------- */

static void
dns_is_asked_ever_more_slowly(void **state)
{
	static const int64_t waits[] = {
	    30000, MIN, 2 * MIN, 4 * MIN, 8 * MIN, 16 * MIN, 32 * MIN, HOUR, HOUR};
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->dns = DANE_UNSURE;
	sim_defer(sim, NOT_VERIFIED);
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		sim_assert(sim, LEVEL_NONE, WHY_DNS_UNSURE);
		assert_int_equal(sim_row(sim).look_ms - sim->now_ms, waits[i]);
		assert_in_range(sim->told, i < 3 ? 0 : 1, i < 1 ? 0 : 1);
		sim_wait(sim, waits[i]);
	}
	sim_assert_history(sim, "keep none->none dns-unsure\n");
	sim->dns = DANE_NONE;
	sim_wait(sim, HOUR);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_int_equal(sim_row(sim).dns.failures, 0);
	sim_free(sim);
}

/* Every destination would say so, each time it is asked about. */
static void
distrusted_resolver_is_told_once(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->dns = DANE_UNSURE;
	sim->distrusted = true;
	sim_defer(sim, NOT_VERIFIED);
	assert_int_equal(sim->told, 1);
	sim_wait(sim, DAY);
	assert_int_equal(sim->told, 1);
	sim_free(sim);
}

/* Two attempts within the TTL are one question. */
static void
answer_is_used_again_for_its_ttl(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, true);

	(void)state;
	sim->is_signed = true; /* which is remembered with it */
	sim->ttl_s = 60;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_SIGNED);
	sim->dns = DANE_USABLE;
	sim->now_ms += 59000;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_SIGNED);
	assert_int_equal(sim->asked, 1);
	sim->now_ms += 1000;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE);
	assert_int_equal(sim->asked, 2);
	sim_free(sim);
}

static void
long_ttl_is_five_minutes(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, true);

	(void)state;
	sim->is_signed = true;
	sim->ttl_s = UINT32_MAX;
	sim_defer(sim, NOT_VERIFIED);
	sim->now_ms += 5 * MIN;
	sim_defer(sim, NOT_VERIFIED);
	assert_int_equal(sim->asked, 2);
	sim->now_ms -= HOUR; /* an answer of a clock that was set back */
	sim_defer(sim, NOT_VERIFIED);
	assert_int_equal(sim->asked, 3);
	sim_free(sim);
}

static void
failure_is_never_used_again(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->ttl_s = 60;
	sim->dns = DANE_UNSURE;
	sim_defer(sim, NOT_VERIFIED);
	sim->dns = DANE_NONE;
	sim->now_ms += 1000;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_int_equal(sim->asked, 2);
	sim_free(sim);
}

/* The server that mail was deferred at is new: so may the answer be. */
static void
new_server_is_asked_about(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, true);

	(void)state;
	sim->is_signed = true;
	sim->ttl_s = 60;
	sim_defer(sim, NOT_VERIFIED);
	sim_log(sim,
	    "smtp[77]: QNEW: to=<u@d.test>, relay=mx9.d.test[192.0.2.9]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")");
	sim_settle(sim);
	sim_wait(sim, MIN);
	assert_int_equal(sim->asked, 2);
	sim_free(sim);
}

static void
port_465_is_never_in_cleartext(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);
	struct destination d;
	struct evidence ev;
	struct answers asked = {.relay_fits = true};

	(void)state;
	destination_init(&d, "[mx.d.test]:465");
	ev = judge_evidence(&sim->judge, &d, &asked, START_MS);
	assert_true(ev.wrapper);
	destination_init(&d, "d.test");
	ev = judge_evidence(&sim->judge, &d, &asked, START_MS);
	assert_false(ev.wrapper);
	sim_free(sim);
}

static void
entry_goes_where_another_map_answers(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim->other_map = ANSWER_YES;
	sim_wait(sim, HOUR);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_OTHER_MAP);
	sim_assert_released(sim, 2);
	sim_free(sim);
}

static void
other_server_says_nothing(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->elsewhere = true;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_ELSEWHERE);
	assert_int_equal(sim_row(sim).look_ms, 0);
	sim_free(sim);
}

static void
our_own_entry_goes_when_postfix_refuses_it(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_defer(sim, "client TLS configuration problem");
	sim_assert(sim, LEVEL_NONE, WHY_OUR_FAULT);
	assert_int_equal(sim->told, 1);
	sim_assert_released(sim, 0);
	sim->dns = DANE_USABLE;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE);
	sim_wait(sim, HOUR);
	sim_defer(sim, "client TLS configuration problem"); /* a map that is gone, say */
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_OUR_FAULT);
	sim->judge.can_dane = ANSWER_NO;
	sim_defer(sim, "client TLS configuration problem");
	sim_assert(sim, LEVEL_NONE, WHY_OUR_ENTRY);
	/* The queue was asked each time, as anybody may write such a line, and DNS
	 * before. */
	assert_int_equal(sim->asked, 4);
	sim_free(sim);
}

static void
rule_that_waits_waits_whatever_dns_says(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->dns = DANE_UNSURE;
	sim->judge.default_level = LEVEL_DANE_ONLY;
	sim_defer(sim, "TLSA lookup error for mx.d.test:25");
	sim_assert(sim, LEVEL_NONE, WHY_RULE_WAITS);
	sim_free(sim);
}

/* --- pins -------------------------------------------------------------------------- */

static void
pin_stands_until_it_ends(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);
	int64_t until_ms;

	(void)state;
	sim_pin(sim, LEVEL_ENCRYPT, DAY);
	until_ms = sim_row(sim).pin.until_ms;
	sim_wait(sim, HOUR);
	sim->dns = DANE_USABLE;
	for (int i = 0; i < 3; i++) {
		sim_defer(sim, NO_HANDSHAKE);
		sim_assert(sim, LEVEL_ENCRYPT, WHY_PIN_NOT_MET);
		sim_suspend(sim, NO_HANDSHAKE);
	}
	assert_int_equal(sim->told, 1);
	assert_int_equal(sim_row(sim).look_ms, until_ms);
	sim_deliver(sim);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_PINNED);
	sim_defer(sim, NO_HANDSHAKE);
	assert_int_equal(sim->told, 2); /* mail flowed: it is news again */
	sim_deliver(sim);
	sim->dns = DANE_NONE;
	sim_wait(sim, DAY);
	sim_assert(sim, LEVEL_NONE, WHY_TRIAL);
	assert_false(sim_row(sim).pin.set);
	assert_null(sim_row(sim).entry.attributes);
	assert_int_equal(
	    sim_row(sim).entry.trial, LEVEL_NONE); /* it was no finding of ours */
	sim_free(sim);
}

static void
pin_for_good_stands_for_good(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_defer(sim, NOT_VERIFIED); /* and a lease that is over one day */
	sim_pin(sim, LEVEL_SECURE, 0);
	sim_wait(sim, DAY);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_SECURE, WHY_PIN_NOT_MET);
	assert_int_equal(sim_row(sim).look_ms, 0);
	sim_wait(sim, 400 * DAY);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_SECURE, WHY_PIN_NOT_MET);
	assert_string_equal(sim_row(sim).entry.attributes, "match=mx.d.test");
	sim_free(sim);
}

static void
pin_that_ends_in_trouble_is_judged(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_pin(sim, LEVEL_SECURE, DAY);
	sim_wait(sim, HOUR);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_SECURE, WHY_PIN_NOT_MET);
	sim_wait(sim, DAY);
	sim_assert(sim, LEVEL_NONE, WHY_TRIAL); /* verify is the default */
	assert_false(sim_row(sim).pin.set);
	sim_free(sim);
}

/* --- rules for signed domains ------------------------------------------------------ */

static void
strict_rule_keeps_signed_domains(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, true);

	(void)state;
	sim->is_signed = true;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_SIGNED);
	assert_string_equal(sim_row(sim).alarm.rule, "signed-not-weakened");
	assert_int_equal(sim->told, 1);
	sim->dns = DANE_USABLE; /* no rule stands in the way of that */
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE);
	sim_free(sim);
	sim = sim_new(LEVEL_VERIFY, true);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_string_equal(sim_row(sim).alarm.rule, "certificate-not-verified");
	sim_free(sim);
}

static void
nobody_asked_leaves_it_as_it_was(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);
	struct destination d, before;
	struct judged judged;

	(void)state;
	destination_init(&d, KEY);
	d.alarm.raised = d.alarm.pending = true;
	str_copy(STR(NOT_VERIFIED), d.alarm.reason, sizeof(d.alarm.reason));
	str_copy(STR("smtp"), d.alarm.service, sizeof(d.alarm.service));
	before = d;
	assert_false(judge_destination(&sim->judge, &d, NULL, START_MS, &judged));
	assert_memory_equal(&d, &before, sizeof(d));
	sim_free(sim);
}

int
main(void)
{
	kit_begin();
	suite_add(rule_with_alert_tells, NULL,
	    "a rule with an alert tells, each time that it is news");
	suite_add(
	    usable_tlsa_is_dane_only, NULL, "usable TLSA: dane-only, whatever happens");
	suite_add(tlsa_that_is_withdrawn_must_stay_so, NULL,
	    "TLSA must be gone for three days on end");
	suite_add(tlsa_that_appears_ends_a_weak_entry, NULL,
	    "TLSA that appears is seen at the end of the lease");
	suite_add(dns_is_asked_ever_more_slowly, NULL,
	    "DNS that cannot tell is asked ever more slowly, with one alert");
	suite_add(distrusted_resolver_is_told_once, NULL,
	    "a resolver that is not believed causes one alert");
	suite_add(answer_is_used_again_for_its_ttl, NULL,
	    "an answer is used again for its TTL");
	suite_add(
	    long_ttl_is_five_minutes, NULL, "a long TTL is no longer than five minutes");
	suite_add(failure_is_never_used_again, NULL, "a failure is never used again");
	suite_add(new_server_is_asked_about, NULL,
	    "a server that the answer does not hold is asked about");
	suite_add(port_465_is_never_in_cleartext, NULL,
	    "port 465 is known to be TLS from the start");
	suite_add(entry_goes_where_another_map_answers, NULL,
	    "an entry goes where another map answers");
	suite_add(other_server_says_nothing, NULL,
	    "a server of another destination says nothing");
	suite_add(our_own_entry_goes_when_postfix_refuses_it, NULL,
	    "our own entry goes when Postfix refuses it");
	suite_add(rule_that_waits_waits_whatever_dns_says, NULL,
	    "a rule that waits does so whatever DNS says");
	suite_add(
	    pin_stands_until_it_ends, NULL, "a pin stands until it ends, then it goes");
	suite_add(pin_for_good_stands_for_good, NULL, "a pin for good stands for good");
	suite_add(pin_that_ends_in_trouble_is_judged, NULL,
	    "a pin that ends while mail fails is judged");
	suite_add(strict_rule_keeps_signed_domains, NULL,
	    "a rule for signed domains holds for those alone");
	suite_add(nobody_asked_leaves_it_as_it_was, NULL,
	    "where answers are needed, nothing is touched without them");
	return kit_end(suite_run());
}
