/* SPDX-License-Identifier: BSD-2-Clause */
/* The way up and down: leases, trials, echoes, holds, the clock. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* --- leases and trials ------------------------------------------------------------- */

static void
self_signed_gets_a_lease_and_a_trial(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_int_equal(sim_row(sim).entry.force_ms, START_MS + EXPORT_MS);
	sim_assert_lease(sim, 7 * DAY);
	sim_assert_released(sim, 1);
	sim_wait(sim, MIN);
	sim_deliver(sim);
	assert_false(sim_row(sim).alarm.raised);
	sim_wait(sim, 6 * DAY);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_wait(sim, DAY);
	sim_assert(sim, LEVEL_NONE, WHY_TRIAL);
	assert_int_equal(sim_row(sim).entry.trial, LEVEL_ENCRYPT);
	sim_wait(sim, HOUR);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_TRIAL_FAILED);
	sim_assert_lease(sim, 14 * DAY);
	sim_assert_released(sim, 1);
	sim_assert_history(sim,
	    "set none->encrypt not-authentic\n"
	    "remove encrypt->none trial\n"
	    "set none->encrypt trial-failed\n");
	sim_free(sim);
}

static void
flapping_lengthens_the_leases(void **state)
{
	static const int days[] = {7, 14, 28, 56, 90, 90};
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		sim_defer(sim, NOT_VERIFIED);
		sim_assert(
		    sim, LEVEL_ENCRYPT, i == 0 ? WHY_NOT_AUTHENTIC : WHY_TRIAL_FAILED);
		sim_assert_lease(sim, days[i] * DAY);
		sim_wait(sim, MIN);
		sim_deliver(sim);
		sim_wait(sim, days[i] * DAY);
		sim_assert(sim, LEVEL_NONE, WHY_TRIAL);
		sim_wait(sim, HOUR);
	}
	sim_free(sim);
}

static void
trial_that_works_is_the_end_of_it(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_defer(sim, NOT_VERIFIED);
	sim_wait(sim, MIN);
	sim_deliver(sim);
	sim_wait(sim, 7 * DAY);
	sim_assert(sim, LEVEL_NONE, WHY_TRIAL);
	sim_wait(sim, HOUR);
	sim_deliver(sim);
	assert_true(sim_row(sim).past.verify_ms != 0);
	sim_wait(sim, 8 * DAY);
	/* Now it is a destination that did better. */
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim_free(sim);
}

/* What verified since it climbed is as good a past as any. */
static void
fall_after_it_verified_is_held(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_defer(sim, NOT_VERIFIED);
	sim_wait(sim, MIN);
	sim_deliver(sim);
	sim_wait(sim, 7 * DAY);
	sim_assert(sim, LEVEL_NONE, WHY_TRIAL);
	sim_wait(sim, HOUR);
	sim_deliver(sim);
	sim_wait(sim, 3 * DAY);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	assert_int_equal(sim->told, 1);
	sim_wait(sim, DAY + MIN);
	sim_defer(sim, NOT_VERIFIED); /* it flaps: twice the lease */
	sim_assert(sim, LEVEL_ENCRYPT, WHY_TRIAL_FAILED);
	sim_assert_lease(sim, 14 * DAY);
	sim_free(sim);
}

/* Under the old map mail still flows for a moment: that is no word on the trial. */
static void
sent_before_the_map_proves_nothing(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);
	struct destination d;

	(void)state;
	sim_defer(sim, NOT_VERIFIED);
	sim_wait(sim, MIN);
	sim_deliver(sim);
	sim_wait(sim, 7 * DAY);
	sim_assert(sim, LEVEL_NONE, WHY_TRIAL);
	d = sim_row(sim);
	d.entry.force_ms = sim->now_ms + 1000; /* the export took so long */
	kit_put(sim->store, &d);
	sim_deliver(sim);
	assert_int_equal(sim_row(sim).entry.trial, LEVEL_ENCRYPT);
	assert_int_equal(sim_row(sim).past.verify_ms, 0);
	sim_wait(sim, HOUR);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_TRIAL_FAILED);
	sim_free(sim);
}

/* The mail that led to the entry was deleted: nothing was ever sent. */
static void
lease_ends_where_no_mail_was_sent(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);
	unsigned asked;

	(void)state;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	asked = sim->asked;
	sim_wait(sim, 8 * DAY);
	sim_assert(sim, LEVEL_NONE, WHY_TRIAL);
	assert_true(sim->asked - asked <= 2);
	sim_free(sim);
}

/* An entry that is of no use: mail fails under it as well, and goes on failing. */
static void
useless_entry_is_not_judged_for_ever(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);
	unsigned asked;

	(void)state;
	sim->config.ladder.may_after_attempts = 1;
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_DANE, WHY_NOT_ENCRYPTED);
	sim_wait(sim, HOUR);
	sim_defer(sim, NO_HANDSHAKE);
	sim_assert(sim, LEVEL_DANE, WHY_MAY_AFTER);
	sim_wait(sim, HOUR);
	sim_defer(sim, NO_HANDSHAKE); /* it should have been sent in cleartext by now */
	sim_assert(sim, LEVEL_DANE, WHY_NOTHING_WEAKER);
	asked = sim->asked;
	sim_wait(sim, 30 * DAY);
	assert_true(sim->asked - asked <= 6);
	sim_free(sim);
}

static void
probes_climb_after_two_clean_ones(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->probed = LEVEL_VERIFY;
	sim->probe_works = ANSWER_NO;
	sim_defer(sim, NOT_VERIFIED);
	sim_wait(sim, MIN);
	sim_deliver(sim);
	sim_wait(sim, 7 * DAY);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_STILL_NEEDED);
	assert_int_equal(sim_row(sim).entry.lease_ms, 14 * DAY);
	sim->probe_works = ANSWER_UNSURE; /* its server was down */
	sim_wait(sim, 14 * DAY);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_STILL_NEEDED);
	sim->probe_works = ANSWER_YES;
	sim_await(sim, WHY_PROBED, MIN);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_PROBED);
	assert_int_equal(sim_row(sim).probe.clean, 1);
	sim_wait(sim, HOUR - 2 * MIN);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_PROBED);
	sim_wait(sim, 2 * MIN);
	sim_assert(sim, LEVEL_NONE, WHY_PROBED);
	sim_free(sim);
}

/* An attacker who can break it after that is no reason to weaken it at once. */
static void
clean_probe_is_a_better_past(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->config.ladder.may_after_attempts = 1;
	sim->probed = LEVEL_VERIFY;
	sim->probe_works = ANSWER_NO;
	sim_defer(sim, NOT_VERIFIED);
	sim_wait(sim, MIN);
	sim_deliver(sim);
	sim->probe_works = ANSWER_YES;
	sim_await(sim, WHY_PROBED, HOUR);
	sim->probed = LEVEL_ENCRYPT;
	sim->probe_works = ANSWER_NO;
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_HOLD);
	sim_free(sim);
}

static void
lease_that_ends_unsent_is_probed(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->probed = LEVEL_VERIFY;
	sim->probe_works = ANSWER_NO;
	sim_defer(sim, NOT_VERIFIED);
	sim_wait(sim, 7 * DAY);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_STILL_NEEDED);
	assert_int_equal(sim_row(sim).entry.lease_ms, 14 * DAY);
	sim_free(sim);
}

/* --- echoes ------------------------------------------------------------------------ */

static void
echo_changes_nothing_but_is_retried(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);
	int64_t look_ms;

	(void)state;
	sim_defer(sim, NOT_VERIFIED);
	look_ms = sim_row(sim).look_ms;
	sim_suspend(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_int_equal(sim_row(sim).look_ms, look_ms);
	assert_int_equal(sim->asked, 1);
	sim_assert_history(sim, "set none->encrypt not-authentic\n");
	sim_assert_released(sim, 1);
	/* so near to the export that a stamp of whole seconds would not tell */
	sim_wait(sim, 1100);
	sim_assert_released(sim, 1);
	sim_free(sim);
}

static void
attempt_from_before_the_map_is_an_echo(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->config.ladder.may_after_attempts = 1;
	sim_defer(sim, NO_HANDSHAKE); /* verify -> encrypt */
	sim_assert(sim, LEVEL_ENCRYPT, WHY_ONE_RUNG);
	sim->now_ms =
	    sim_row(sim).entry.force_ms + 20; /* ended now, began 50 ms before */
	sim_defer(sim, NO_HANDSHAKE);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_ONE_RUNG);
	sim_wait(sim, MIN);
	sim_defer(sim, NO_HANDSHAKE);
	sim_assert(sim, LEVEL_DANE, WHY_ONE_RUNG);
	sim_free(sim);
}

/* Postfix 3.11 names the level of the attempt: it settles nothing at another one. */
static void
tls_field_tells_an_echo(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->dns = DANE_UNSURE;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_DNS_UNSURE);
	sim_wait(sim, 10000);
	sim_log(sim,
	    "smtp[77]: QTLS: to=<u@d.test>, relay=mx.d.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, tls=!secure, dsn=4.7.5, status=deferred "
	    "(" NOT_VERIFIED ")");
	sim_settle(sim);
	sim_assert(sim, LEVEL_NONE, WHY_DNS_UNSURE);
	sim->dns = DANE_NONE;
	sim_wait(sim, HOUR);
	assert_int_equal(sim_row(sim).entry.level, LEVEL_ENCRYPT);
	sim_free(sim);
}

/* --- the clock --------------------------------------------------------------------- */

static void
clock_that_was_ahead_is_got_over(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->now_ms += 365 * DAY;
	sim_defer(sim, NO_HANDSHAKE);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_ONE_RUNG);
	sim->now_ms = START_MS + HOUR;
	sim_defer(sim, NO_HANDSHAKE); /* an echo at most once */
	for (int i = 0; i < 2; i++) {
		sim_wait(sim, 15 * MIN);
		sim_defer(sim, NO_HANDSHAKE);
	}
	sim_assert(sim, LEVEL_DANE, WHY_ONE_RUNG);
	sim_free(sim);
}

static void
hold_of_a_clock_ahead_is_got_over(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_deliver(sim);
	sim->now_ms += 30 * DAY;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim->now_ms -= 30 * DAY;
	sim_wait(sim, MIN);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim_wait(sim, DAY + MIN);
	sim_defer(sim, NOT_VERIFIED); /* an attempt by the clock as it is now */
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_free(sim);
}

/* What was seen by the right clock counts, and time that did not pass does not. */
static void
hold_of_a_clock_behind_begins_anew(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim_deliver(sim);
	sim->now_ms -= 365 * DAY;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim->now_ms = START_MS + HOUR;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim_wait(sim, DAY + MIN);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_free(sim);
}

/* Of a clock that was a year ahead, and what it had seen to verify; it is right again. */
static struct sim *
sim_set_back(void)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	sim->now_ms += 365 * DAY;
	sim_deliver(sim);
	sim_defer(sim, NOT_VERIFIED);
	sim_wait(sim, DAY + MIN);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_export(sim);
	sim->now_ms = START_MS + HOUR;
	assert_true(
	    store_bring_back(sim->store, sim->now_ms, JUDGE_LOOK_MAX_MS, &kit_err));
	return sim;
}

static void
lease_of_a_clock_ahead_is_got_over(void **state)
{
	struct sim *sim = sim_set_back();
	struct destination d;

	(void)state;
	assert_int_equal(sim_row(sim).look_ms, sim->now_ms);
	sim_settle(sim);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	d = sim_row(sim);
	assert_true(d.look_ms > sim->now_ms && d.look_ms <= sim->now_ms + 7 * DAY);
	assert_true(d.entry.lease_end_ms > sim->now_ms &&
	    d.entry.lease_end_ms <= sim->now_ms + 7 * DAY);
	assert_true(d.entry.since_ms <= sim->now_ms && d.past.sent_ms <= sim->now_ms &&
	    d.alarm.last_attempt_ms <= sim->now_ms);
	sim_wait(sim, 7 * DAY + HOUR);
	sim_assert(sim, LEVEL_NONE, WHY_TRIAL);
	sim_free(sim);
}

/* A pin ends when the administrator chose; a time that is near enough may be right. */
static void
what_is_not_too_far_ahead_stays(void **state)
{
	struct store *store = kit_scratch();
	struct destination d;

	(void)state;
	kit_add(store, "pin.test");
	d = kit_get(store, "pin.test");
	d.pin.set = true;
	d.pin.until_ms = d.look_ms = START_MS + 3650 * DAY;
	kit_put(store, &d);
	kit_add(store, "near.test");
	d = kit_get(store, "near.test");
	d.look_ms = START_MS + 90 * DAY;
	kit_put(store, &d);
	assert_true(store_bring_back(store, START_MS, JUDGE_LOOK_MAX_MS, &kit_err));
	assert_int_equal(kit_get(store, "pin.test").look_ms, START_MS + 3650 * DAY);
	assert_int_equal(kit_get(store, "near.test").look_ms, START_MS + 90 * DAY);
	store_close(store);
}

int
main(void)
{
	kit_begin();
	suite_add(self_signed_gets_a_lease_and_a_trial, NULL,
	    "a certificate that does not verify: encrypt, a lease, a trial, a longer "
	    "lease");
	suite_add(flapping_lengthens_the_leases, NULL,
	    "each failed trial doubles the lease, up to 90 days");
	suite_add(trial_that_works_is_the_end_of_it, NULL, "a trial that works ends it");
	suite_add(fall_after_it_verified_is_held, NULL,
	    "who falls back after it verified is held first, then put back");
	suite_add(sent_before_the_map_proves_nothing, NULL,
	    "mail sent under the old map is no word on the new level");
	suite_add(lease_ends_where_no_mail_was_sent, NULL,
	    "a lease ends in a trial though no mail was ever sent");
	suite_add(useless_entry_is_not_judged_for_ever, NULL,
	    "a destination that fails at its weakest is re-checked now and then, not all "
	    "the time");
	suite_add(probes_climb_after_two_clean_ones, NULL,
	    "two clean probes an hour apart climb");
	suite_add(clean_probe_is_a_better_past, NULL, "a clean probe is a better past");
	suite_add(lease_that_ends_unsent_is_probed, NULL,
	    "where nothing was sent the end of a lease is probed too");
	suite_add(echo_changes_nothing_but_is_retried, NULL,
	    "an echo changes nothing, and its mail is retried");
	suite_add(attempt_from_before_the_map_is_an_echo, NULL,
	    "an attempt that began before the map is an echo");
	suite_add(tls_field_tells_an_echo, NULL,
	    "an echo does not take the place of what waits for DNS");
	suite_add(clock_that_was_ahead_is_got_over, NULL,
	    "a clock that was a year ahead does not make echoes of a year's attempts");
	suite_add(lease_of_a_clock_ahead_is_got_over, NULL,
	    "a lease of a clock that was ahead is no longer than any other");
	suite_add(what_is_not_too_far_ahead_stays, NULL,
	    "a clock that was ahead: pins and what may be right stay as they are");
	suite_add(hold_of_a_clock_ahead_is_got_over, NULL,
	    "a hold of a clock that was ahead is no longer than any other");
	suite_add(hold_of_a_clock_behind_begins_anew, NULL,
	    "a hold of a clock that was behind begins anew");
	return kit_end(suite_run());
}
