/* SPDX-License-Identifier: BSD-2-Clause */
/* Better is used at once: TLSA, sessions, probes, and another map than ours end an entry.
 */
#include "suite.h"

#include "sim.h"

static void
tlsa_ends_a_weak_entry_within_a_day(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim->dns = DANE_USABLE;
	for (int i = 0; i < 23; i++) {
		sim_wait(sim, HOUR);
		sim_deliver_in(sim, "Untrusted");
		sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	}
	sim_wait(sim, HOUR + MIN);
	sim_deliver_in(sim, "Untrusted");
	sim_assert(sim, LEVEL_DANE_ONLY, WHY_DANE);
	sim_free(sim);
}

static void
dns_is_asked_once_a_day(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);
	unsigned asked;

	(void)state;
	sim_defer(sim, NOT_VERIFIED);
	asked = sim->asked;
	for (int i = 0; i < 6 * 24 - 1; i++) {
		sim_wait(sim, HOUR);
		sim_deliver_in(sim, "Untrusted");
	}
	assert_int_equal(sim->asked - asked, 5);
	sim_assert_history(sim, "set none->encrypt not-authentic\n");
	sim_free(sim);
}

/* A session with TLS where cleartext is allowed: the servers are probed, and it climbs.
 */
static void
better_session_climbs_at_once(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim_fall(sim);
	sim_wait(sim, HOUR);
	sim_deliver(sim);
	sim_assert(sim, LEVEL_DANE, WHY_NOT_ENCRYPTED);
	sim->probed = LEVEL_VERIFY;
	sim->probe_works = ANSWER_YES;
	sim_wait(sim, HOUR);
	sim_deliver_in(sim, "Trusted");
	sim_assert(sim, LEVEL_NONE, WHY_PROBED);
	sim_free(sim);
}

/* The clock was a year ahead when sessions were seen: what is seen after that is news. */
static void
better_session_after_a_clock_that_was_ahead(void **state)
{
	static const char *const before[] = {"Untrusted", "Trusted", "Verified"};

	(void)state;
	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

		sim_deliver_in(sim, before[i]);
		sim_wait(sim, HOUR);
		sim->now_ms += 365 * DAY;
		sim_deliver_in(sim, before[i]);
		sim->now_ms -= 365 * DAY;
		sim_wait(sim, HOUR);
		for (unsigned n = 0; n < 400 && sim_row(sim).entry.level != LEVEL_DANE;
		     n++) {
			sim_defer(sim, NOT_OFFERED);
			sim_wait(sim, 5 * MIN);
		}
		sim_assert(sim, LEVEL_DANE, WHY_NOT_ENCRYPTED);
		sim_wait(sim, HOUR);
		sim_deliver(sim);
		sim->probed = LEVEL_VERIFY;
		sim->probe_works = ANSWER_YES;
		sim_wait(sim, HOUR);
		sim_deliver_in(sim, "Untrusted");
		sim_assert(sim, LEVEL_NONE, WHY_PROBED);
		sim_free(sim);
	}
}

/* A certificate of another name: its chain is good each time, and a probe says no. */
static void
trusted_sessions_are_probed_once_a_day(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);
	unsigned asked;

	(void)state;
	sim->probed = LEVEL_VERIFY;
	sim->probe_works = ANSWER_NO;
	sim_defer(sim, NOT_VERIFIED);
	asked = sim->asked;
	for (int i = 0; i < 48; i++) {
		sim_wait(sim, HOUR);
		sim_deliver_in(sim, "Trusted");
	}
	assert_in_range(sim->asked - asked, 2, 3);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_STILL_NEEDED);
	assert_int_equal(sim_row(sim).entry.lease_ms, 7 * DAY);
	sim_free(sim);
}

/* Without a prober mail tries itself, once; a server that flaps is left alone then. */
static void
better_session_is_tried_once(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim_fall(sim);
	sim_wait(sim, HOUR);
	sim_deliver_in(sim, "Untrusted");
	sim_assert(sim, LEVEL_NONE, WHY_TRIAL);
	sim_wait(sim, MIN);
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_wait(sim, HOUR);
	sim_deliver_in(sim, "Trusted"); /* what verify would say nobody knows */
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_free(sim);
}

static void
may_becomes_dane(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim->judge.can_dane = ANSWER_NO;
	sim_defer(sim, NOT_OFFERED);
	sim_wait(sim, 11 * MIN);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_MAY, WHY_NOT_ENCRYPTED);
	sim->judge.can_dane = ANSWER_YES;
	sim_wait(sim, DAY + MIN);
	sim_deliver(sim);
	sim_assert(sim, LEVEL_DANE, WHY_STILL_NEEDED);
	assert_int_equal(sim_row(sim).entry.why, WHY_NOT_ENCRYPTED);
	sim_wait(sim, HOUR);
	sim_deliver(sim);
	sim_assert(sim, LEVEL_DANE, WHY_STILL_NEEDED);
	sim_free(sim);
}

/* A plugin begins to answer where there is an entry: with mail, that goes in a day. */
static void
other_map_is_asked_once_a_day(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim->other_map = ANSWER_YES;
	sim_wait(sim, DAY + MIN);
	sim_deliver_in(sim, "Untrusted");
	sim_assert(sim, LEVEL_NONE, WHY_OTHER_MAP);
	sim_free(sim);
}

int
main(void)
{
	kit_begin();
	suite_add(tlsa_ends_a_weak_entry_within_a_day, NULL,
	    "TLSA ends a weakened entry with mail within a day");
	suite_add(dns_is_asked_once_a_day, NULL,
	    "DNS of a weakened entry with mail is asked once a day, which is no news");
	suite_add(better_session_climbs_at_once, NULL,
	    "a better session and a clean probe climb at once");
	suite_add(better_session_after_a_clock_that_was_ahead, NULL,
	    "though sessions were seen by a clock that was ahead");
	suite_add(trusted_sessions_are_probed_once_a_day, NULL,
	    "better sessions lead to one probe a day");
	suite_add(better_session_is_tried_once, NULL,
	    "without a prober a better session is tried by mail, once");
	suite_add(may_becomes_dane, NULL, "may of an older state becomes dane");
	suite_add(other_map_is_asked_once_a_day, NULL,
	    "another map that begins to answer ends an entry with mail within a day");
	return kit_end(suite_run());
}
