/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps that are held: before cleartext, for a better past, while all is frozen. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "sim.h"

static void
cleartext_takes_attempts_and_time(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_MAY_AFTER);
	assert_int_equal(sim_row(sim).hold.level, LEVEL_DANE);
	sim_wait(sim, HOUR); /* time alone does not do */
	sim_assert(sim, LEVEL_NONE, WHY_MAY_AFTER);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_DANE, WHY_NOT_ENCRYPTED);
	sim_assert_released(sim, 2);
	sim_free(sim);
}

/* What failed at verify tells nothing of encrypt: cleartext takes attempts of its own. */
static void
attempts_count_for_one_level(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->dns = DANE_UNSURE;
	for (int i = 0; i < 4; i++) {
		sim_defer(sim, NO_HANDSHAKE);
		sim_wait(sim, 10 * MIN);
	}
	sim->dns = DANE_NONE;
	sim_defer(sim, NO_HANDSHAKE);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_ONE_RUNG);
	assert_int_equal(sim_row(sim).alarm.attempts, 0);
	sim_suspend(sim, NO_HANDSHAKE);
	sim->now_ms =
	    sim_row(sim).entry.force_ms + 20; /* ended now, began 50 ms before */
	sim_defer(sim, NO_HANDSHAKE);
	assert_int_equal(sim_row(sim).alarm.attempts, 0);
	sim_wait(sim, MIN);
	sim_defer(sim, NO_HANDSHAKE);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_MAY_AFTER);
	assert_int_equal(sim_row(sim).alarm.attempts, 1);
	sim_wait(sim, 10 * MIN - 1000);
	sim_defer(sim, NO_HANDSHAKE);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_MAY_AFTER);
	sim_wait(sim, 2000);
	sim_defer(sim, NO_HANDSHAKE);
	sim_assert(sim, LEVEL_DANE, WHY_ONE_RUNG);
	sim_free(sim);
}

/* Verified yesterday; today it offers no TLS at all. */
static void
begin_hold(struct sim *sim)
{
	sim_deliver(sim);
	sim_wait(sim, DAY);
	sim_defer(sim, NOT_OFFERED);
	sim_wait(sim, 15 * MIN);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	assert_int_equal(sim_row(sim).hold.level, LEVEL_DANE);
	sim_assert_released(sim, 0);
}

static void
hold_lasts_a_day(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	begin_hold(sim);
	assert_int_equal(sim->told, 1);
	for (int i = 0; i < 23; i++) {
		sim_wait(sim, HOUR);
		sim_defer(sim, NOT_OFFERED);
		sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	}
	assert_int_equal(sim->told, 1);
	sim_wait(sim, HOUR); /* one more attempt tells whether it is still so */
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	assert_true(sim->last.decision.retry);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_DANE, WHY_NOT_ENCRYPTED);
	sim_assert_released(sim, 26);
	sim_free(sim);
}

/* An attacker who disturbs DNS for a moment must not be able to keep mail for ever. */
static void
hold_is_not_begun_anew(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);
	int64_t since_ms;

	(void)state;
	begin_hold(sim);
	since_ms = sim_row(sim).hold.may_ms;
	for (int i = 0; i < 11; i++) {
		sim_wait(sim, HOUR);
		sim->dns = DANE_UNSURE;
		sim_defer(sim, NOT_OFFERED);
		sim_assert(sim, LEVEL_NONE, WHY_DNS_UNSURE);
		sim->dns = DANE_NONE;
		sim_wait(sim, HOUR);
		sim_suspend(sim, NOT_OFFERED);
		sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	}
	assert_int_equal(sim_row(sim).hold.may_ms, since_ms);
	assert_int_equal(sim->told, 1);           /* nor to tell of it each time */
	sim->judge.default_level = LEVEL_UNKNOWN; /* postconf did not answer */
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_OUR_FAULT);
	sim->judge.default_level = LEVEL_VERIFY;
	sim->other_map = ANSWER_UNSURE;
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_OTHER_MAP_UNSURE);
	sim->other_map = ANSWER_NO;
	sim_defer(sim, "TLSA lookup error for mx.d.test:25");
	sim_assert(sim, LEVEL_NONE, WHY_RULE_WAITS);
	sim->elsewhere = true;
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_ELSEWHERE);
	sim->elsewhere = false;
	assert_int_equal(sim_row(sim).hold.may_ms, since_ms);
	sim_wait(sim, 2 * HOUR);
	/* The hold is over; but attempts before those that no witness was asked about are
	 * none towards cleartext. */
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_MAY_AFTER);
	sim_wait(sim, 11 * MIN);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_DANE, WHY_NOT_ENCRYPTED);
	sim_free(sim);
}

static void
hold_ends_when_mail_flows(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	begin_hold(sim);
	sim_deliver(sim);
	assert_int_equal(sim_row(sim).hold.may_ms, 0);
	sim_wait(sim, 3 * DAY);
	assert_int_equal(sim_row(sim).entry.level, LEVEL_NONE);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	assert_int_equal(sim->told, 2);
	sim_free(sim);
}

/* One attempt is enough for an alert, or it would stay unseen until may_after is over. */
static void
stripped_starttls_is_told_at_once(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_deliver(sim);
	sim_wait(sim, DAY);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	assert_int_equal(sim->told, 1);
	sim_wait(sim, DAY - 1000);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim_wait(sim, HOUR);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim_defer(sim, NOT_OFFERED); /* the first of yesterday counts no more */
	sim_assert(sim, LEVEL_NONE, WHY_MAY_AFTER);
	sim_wait(sim, 10 * MIN);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_DANE, WHY_NOT_ENCRYPTED);
	sim_free(sim);
}

/* A clock a year ahead fails every certificate: what verified before it must count. */
static void
better_past_counts_from_the_last_proof(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_deliver(sim);
	sim->judge.proof_ms = sim->now_ms + DAY;
	sim_wait(sim, 365 * DAY);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim_free(sim);
	sim = sim_new(LEVEL_VERIFY, false);
	sim_deliver(sim);
	sim_wait(sim, 365 * DAY);
	sim->judge.proof_ms = sim->now_ms - DAY;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_free(sim);
}

static void
better_past_ends_after_90_days(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_deliver(sim);
	sim_wait(sim, 88 * DAY);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim_wait(sim, DAY + MIN);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_free(sim);
	sim = sim_new(LEVEL_VERIFY, false);
	sim_deliver(sim);
	sim_wait(sim, 90 * DAY);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_free(sim);
}

static void
freeze_holds_and_thaws(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->judge.frozen = true;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_FREEZE);
	assert_true(sim_row(sim).hold.encrypt_ms == 0); /* no reason to freeze on */
	assert_int_equal(sim->told, 0); /* the engine tells of the freeze */
	sim_wait(sim, 20 * MIN);
	sim_assert(sim, LEVEL_NONE, WHY_FREEZE);
	sim->judge.frozen = false;
	sim_wait(sim, 5 * MIN);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_free(sim);
	sim = sim_new(LEVEL_VERIFY, false);
	sim_deliver(sim);
	sim->judge.frozen = true;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_FREEZE);
	assert_true(sim_row(sim).hold.encrypt_ms == 0); /* nor does it begin a hold */
	sim_free(sim);
}

/* A session at the same server, of a destination that is another. */
static void
deliver_to_another(struct sim *sim, const char *grade)
{
	char text[300];

	snprintf(text, sizeof(text),
	    "smtp[78]: %s TLS connection established to mx.d.test[192.0.2.1]:25: TLSv1.3 "
	    "with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
	    grade);
	sim_log(sim, text);
	sim_log(sim,
	    "smtp[78]: QANOTHER: to=<u@other.test>, relay=mx.d.test[192.0.2.1]:25, "
	    "delay=9, delays=8/0/0.03/0.02, dsn=2.0.0, status=sent (250 Ok)");
	sim_settle(sim);
}

/* It climbed, its server was seen since in a session of that grade, and fails. */
static void
fail_after_climb(struct sim *sim, const char *grade)
{
	sim->probed = LEVEL_VERIFY;
	sim->probe_works = ANSWER_NO;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_wait(sim, MIN);
	sim_deliver_in(sim, "Untrusted");
	sim->probe_works = ANSWER_YES;
	sim_wait(sim, 8 * DAY);
	sim_assert(sim, LEVEL_NONE, WHY_PROBED);
	sim_wait(sim, DAY);
	deliver_to_another(sim, grade);
	sim_wait(sim, HOUR);
	sim->probe_works = ANSWER_NO;
	sim_defer(sim, NOT_VERIFIED);
}

static void
climb_that_failed_goes_by_its_servers(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	fail_after_climb(sim, "Verified");
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim_free(sim);
	sim = sim_with_sessions(LEVEL_VERIFY);
	fail_after_climb(sim, "Untrusted");
	sim_assert(sim, LEVEL_ENCRYPT, WHY_TRIAL_FAILED);
	sim_free(sim);
}

int
main(void)
{
	kit_begin();
	suite_add(attempts_count_for_one_level, NULL,
	    "attempts at another level, and those from before it, never count");
	suite_add(
	    cleartext_takes_attempts_and_time, NULL, "cleartext takes attempts and time");
	suite_add(hold_lasts_a_day, NULL,
	    "a destination that did better is held for a day, and alerted of once");
	suite_add(stripped_starttls_is_told_at_once, NULL,
	    "STARTTLS that was stripped causes an alert at the first attempt");
	suite_add(better_past_counts_from_the_last_proof, NULL,
	    "a better past is counted back from the last session that verified");
	suite_add(hold_is_not_begun_anew, NULL,
	    "what could not tell, and echoes, do not begin a hold anew");
	suite_add(hold_ends_when_mail_flows, NULL, "a hold ends when mail flows");
	suite_add(
	    better_past_ends_after_90_days, NULL, "a better past counts for 90 days");
	suite_add(climb_that_failed_goes_by_its_servers, NULL,
	    "a climb that failed goes back at once, unless its servers did better since, "
	    "for whomever");
	suite_add(freeze_holds_and_thaws, NULL, "a freeze holds, and thaws by itself");
	return kit_end(suite_run());
}
