/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A deferral is an alarm, not evidence: what an attempt was about, how old it is, and
 * what is re-checked. Each was once a way to a weaker level than is safe, or to mail
 * that waits for ever.
 */
#include "suite.h"

#include "sim.h"

#define STARTTLS_LOST \
	"lost connection with mx.d.test[192.0.2.1] while receiving the STARTTLS " \
	"response"
#define NO_TLSA "no TLSA records found"

/* --- attempts and holds grow old ---------------------------------------------------- */

static void
hold_of_a_month_ago_begins_anew(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);
	unsigned told;

	(void)state;
	sim_deliver_in(sim, "Verified");
	sim_wait(sim, DAY);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	told = sim->told;
	sim_wait(sim, 25 * HOUR + 30 * DAY); /* the message was deleted */
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	assert_int_equal(sim->told, told + 1);
	sim_free(sim);
}

/* The same within the time that mail waits: nobody confirmed it within a day. */
static void
hold_that_nobody_confirmed_begins_anew(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);
	unsigned told;

	(void)state;
	sim_deliver_in(sim, "Verified");
	sim_wait(sim, DAY);
	sim_defer(sim, NOT_VERIFIED);
	told = sim->told;
	sim_wait(sim, 2 * DAY + MIN);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	assert_int_equal(sim_row(sim).hold.encrypt_ms, sim->now_ms);
	assert_int_equal(sim->told, told + 1);
	sim_free(sim);
}

static void
attempt_of_two_days_ago_counts_no_more(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim_defer(sim, NOT_OFFERED);
	sim_wait(sim, 2 * DAY);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_MAY_AFTER);
	assert_int_equal(sim_row(sim).alarm.plain.count, 1);
	sim_free(sim);
}

static void
attempt_about_something_else_does_not_count(void **state)
{
	static const char *const reasons[] = {
	    "client TLS configuration problem", STARTTLS_LOST, NOT_VERIFIED};

	(void)state;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

		sim->dns = DANE_UNSURE;
		sim_defer(sim, reasons[i]);
		sim_wait(sim, 11 * MIN);
		sim->dns = DANE_NONE;
		sim_defer(sim, NOT_OFFERED);
		sim_assert(sim, LEVEL_NONE, WHY_MAY_AFTER);
		sim_free(sim);
	}
}

static void
hold_of_another_step_does_not_count(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim_deliver_in(sim, "Verified");
	sim_wait(sim, HOUR);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim_wait(sim, 25 * HOUR);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	assert_int_equal(sim_row(sim).hold.may_ms, sim->now_ms);
	sim_wait(sim, 12 * HOUR);
	sim_defer(sim, NOT_VERIFIED); /* which has been over since */
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_free(sim);
}

/* One connection that is stripped, after a climb and a week of verified mail. */
static void
one_stripped_connection_is_not_enough(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim_fall(sim);
	sim->probed = LEVEL_VERIFY;
	sim->probe_works = ANSWER_YES;
	sim_wait(sim, 7 * DAY);
	sim_await(sim, WHY_PROBED, HOUR);
	sim_wait(sim, 2 * HOUR);
	sim_assert(sim, LEVEL_NONE, WHY_PROBED);
	for (int i = 0; i < 6; i++) {
		sim_wait(sim, DAY);
		sim_deliver_in(sim, "Verified");
	}
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_CONTRADICTION);
	/* The probe is stripped as well. */
	sim->probed = LEVEL_ENCRYPT;
	sim->probe_works = ANSWER_NO;
	sim_wait(sim, MIN);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim_free(sim);
}

/* --- nothing counts for ever, nor never --------------------------------------------- */

static void
old_deferral_is_none(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim_fall(sim);
	sim_wait(sim, DAY);
	sim_defer(sim, STARTTLS_LOST); /* and the message was deleted */
	sim_assert(sim, LEVEL_DANE, WHY_RULE_WAITS);
	sim->dns = DANE_USABLE;
	sim->probed = LEVEL_VERIFY;
	sim->probe_works = ANSWER_YES;
	sim_wait(sim, 20 * DAY);
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE);
	sim_free(sim);
}

static void
one_attempt_is_not_judged_for_ever(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim_defer(sim, NOT_OFFERED);
	sim_wait(sim, 2 * DAY);
	assert_in_range(sim->asked, 2, 12);
	assert_int_equal(sim_row(sim).look_ms, 0);
	sim_free(sim);
}

/* Both in one second, and read together, as scan reads a log. */
static void
last_line_of_a_second_counts(void **state)
{
	static const char failed[] =
	    "smtp[77]: Q1: to=<u@d.test>, relay=mx.d.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.4, status=deferred (" NOT_OFFERED ")";
	static const char sent[] =
	    "smtp[77]: Q1: to=<u@d.test>, relay=mx.d.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=2.0.0, status=sent (250 2.0.0 Ok)";

	(void)state;
	for (int flows = 0; flows <= 1; flows++) {
		struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

		world.wall_ms = sim->now_ms;
		world_log(sim->engine, flows ? failed : sent);
		sim_log(sim, flows ? sent : failed);
		sim_settle(sim);
		assert_int_equal(sim_row(sim).alarm.raised, !flows);
		assert_int_equal(sim_row(sim).alarm.plain.count, !flows);
		sim_free(sim);
	}
}

/* --- what Postfix does and we do not see -------------------------------------------- */

static void
entry_without_effect_is_told(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_int_equal(sim->told, 0);
	for (int i = 0; i < 100; i++) {
		sim_wait(sim, HOUR);
		sim_defer(sim, NOT_VERIFIED);
		sim_assert(sim, LEVEL_ENCRYPT, WHY_NO_EFFECT);
	}
	assert_int_equal(sim->told, 1);
	sim_free(sim);
}

/* Postfix's resolver does not validate: dane-only would keep mail waiting. */
static void
other_resolver_is_told(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim->dns = DANE_USABLE;
	sim->all_usable = true;
	sim->ttl_s = 300;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE);
	sim_wait(sim, MIN);
	sim_defer(sim, "non DNSSEC destination");
	sim_assert(sim, LEVEL_NONE, WHY_RESOLVERS_DIFFER);
	assert_int_equal(sim->told, 1);
	sim_wait(sim, HOUR);
	sim_defer(sim, NOT_VERIFIED); /* not to and fro */
	sim_assert(sim, LEVEL_NONE, WHY_RESOLVERS_DIFFER);
	sim_wait(sim, DAY);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE);
	sim_free(sim);
}

/* Verified for weeks, and TLSA that were wrong all along: one temporary refusal. */
static void
refusal_makes_no_outage_of_a_default_that_works(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	for (int i = 0; i < 30; i++) {
		sim_deliver_in(sim, "Verified");
		sim_wait(sim, DAY);
	}
	sim->dns = DANE_USABLE;
	sim->probed = LEVEL_VERIFY;
	sim->probe_works = ANSWER_YES;
	sim_defer(sim,
	    "TLS is required, but host mx.d.test[192.0.2.1] refused to start TLS: 454 "
	    "4.7.0 later");
	sim_assert(sim, LEVEL_NONE, WHY_DANE_NOT_MET);
	assert_int_equal(sim->told, 1);
	sim_deliver_in(sim, "Verified");
	assert_false(sim_row(sim).alarm.raised);
	sim_assert(sim, LEVEL_NONE, WHY_DANE);
	sim_free(sim);
}

static void
tlsa_withdrawn_under_each_default(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_DANE_ONLY);

	(void)state;
	sim_deliver_in(sim, "Verified");
	for (int i = 0; i < 3 * 24; i++) {
		sim_wait(sim, HOUR);
		sim_defer(sim, NO_TLSA);
		sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	}
	sim_wait(sim, HOUR + MIN);
	sim_defer(sim, NO_TLSA);
	sim_assert(sim, LEVEL_SECURE, WHY_NO_DANE);
	sim_free(sim);
}

int
main(void)
{
	kit_begin();
	suite_add(hold_of_a_month_ago_begins_anew, NULL,
	    "a hold of a month ago is no hold: it begins anew, and is told");
	suite_add(hold_that_nobody_confirmed_begins_anew, NULL,
	    "a hold that nobody confirmed within a day of its end begins anew");
	suite_add(attempt_of_two_days_ago_counts_no_more, NULL,
	    "an attempt of two days ago counts no more");
	suite_add(attempt_about_something_else_does_not_count, NULL,
	    "an attempt about something else is none without TLS");
	suite_add(
	    hold_of_another_step_does_not_count, NULL, "each step has a hold of its own");
	suite_add(one_stripped_connection_is_not_enough, NULL,
	    "one stripped connection after a climb weakens nothing");
	suite_add(old_deferral_is_none, NULL,
	    "a deferral older than mail waits does not keep a weak entry");
	suite_add(one_attempt_is_not_judged_for_ever, NULL,
	    "one attempt whose mail is gone is judged a few times");
	suite_add(last_line_of_a_second_counts, NULL,
	    "of one second the line that stands last counts");
	suite_add(
	    entry_without_effect_is_told, NULL, "an entry without effect is told, once");
	suite_add(other_resolver_is_told, NULL,
	    "a resolver of Postfix's that sees no TLSA is told, and not tried each time");
	suite_add(refusal_makes_no_outage_of_a_default_that_works, NULL,
	    "TLSA that are not met do not take the place of a default that is");
	suite_add(tlsa_withdrawn_under_each_default, NULL,
	    "TLSA must be gone for three days under dane-only as well");
	return kit_end(suite_run());
}
