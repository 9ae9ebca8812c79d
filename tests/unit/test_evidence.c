/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A deferral is an alarm, not evidence: what an attempt was about, how old it is, and
 * what is looked at again. Each was once a way to a weaker level than is safe, or to mail
 * that waits for ever.
 */
#include "suite.h"

#include <stdlib.h>

#include "sim.h"

#define STARTTLS_LOST \
	"lost connection with mx.d.test[192.0.2.1] while receiving the STARTTLS " \
	"response"
#define NO_TLSA "no TLSA records found"

/* To cleartext, by two attempts within the time. */
static void
fall_to_cleartext(struct sim *sim)
{
	sim_defer(sim, NOT_OFFERED);
	sim_wait(sim, 11 * MIN);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_DANE, WHY_NOT_ENCRYPTED);
}

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
	fall_to_cleartext(sim);
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

/* --- better is used at once --------------------------------------------------------- */

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
	fall_to_cleartext(sim);
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
	fall_to_cleartext(sim);
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

/* --- nothing is looked at for ever, nor never --------------------------------------- */

static void
old_deferral_is_none(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	fall_to_cleartext(sim);
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

/* A content filter takes a message every nine minutes; the destination gets none. */
static void
filter_does_not_reset_attempts(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	for (int i = 0; i < 72; i++) {
		sim_log(sim,
		    "smtp[90]: F1: to=<u@d.test>, relay=172.22.1.9[172.22.1.9]:10025, "
		    "delay=0.3, delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 Ok)");
		sim_settle(sim);
		if (sim_row(sim).entry.level == LEVEL_NONE)
			sim_defer(sim, NOT_OFFERED);
		sim_wait(sim, 9 * MIN);
	}
	sim_assert(sim, LEVEL_DANE, WHY_NOT_ENCRYPTED);
	sim_free(sim);
}

/* A newsletter by its sender's relay, which verifies; the destination has no TLS. Read
 * one by one, or a deferral and a newsletter together. */
static void
newsletter_proves_nothing(void **state)
{
	static const char session[] =
	    "smtp[91]: Verified TLS connection established to relay.test[192.0.2.9]:25: "
	    "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)";
	static const char sent[] =
	    "smtp[91]: N1: to=<o@d.test>, relay=relay.test[192.0.2.9]:25, delay=1, "
	    "delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 Ok)";

	(void)state;
	for (unsigned together = 0; together < 2; together++) {
		struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

		sim_defer(sim, NOT_OFFERED);
		for (unsigned i = 0; i < 20; i++) {
			if (together && sim_row(sim).entry.level == LEVEL_NONE)
				sim_log(sim,
				    "smtp[77]: Q1: to=<u@d.test>, "
				    "relay=mx.d.test[192.0.2.1]:25, delay=9, "
				    "delays=8/0/0.03/0.02, dsn=4.7.4, "
				    "status=deferred (" NOT_OFFERED ")");
			sim_log(sim, session);
			sim_log(sim, sent);
			sim_settle(sim);
			if (!together && sim_row(sim).entry.level == LEVEL_NONE)
				sim_defer(sim, NOT_OFFERED);
			sim_wait(sim, MIN);
		}
		sim_assert(sim, LEVEL_DANE, WHY_NOT_ENCRYPTED);
		assert_int_equal(sim_row(sim).past.verify_ms, 0);
		assert_int_equal(sim_row(sim).past.encrypt_ms, 0);
		sim_free(sim);
	}
}

/* Another instance, at a level of its own, in the same log: to the very server that fails
 * here. Its newsletters are no TLS, and reset nothing. */
static void
second_instance_resets_nothing(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim_defer(sim, NOT_OFFERED);
	for (int i = 0; i < 20; i++) {
		sim_log(sim,
		    "smtp[94]: B1: to=<o@d.test>, relay=mx.d.test[192.0.2.1]:25, "
		    "delay=1, "
		    "delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 Ok)");
		sim_settle(sim);
		sim_wait(sim, MIN);
		if (sim_row(sim).entry.level == LEVEL_NONE)
			sim_defer(sim, NOT_OFFERED);
	}
	sim_assert(sim, LEVEL_DANE, WHY_NOT_ENCRYPTED);
	assert_int_equal(sim_row(sim).past.encrypt_ms, 0);
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

static void
deliver_at(struct sim *sim, const char *server)
{
	char text[256];

	snprintf(text, sizeof(text),
	    "smtp[92]: Verified TLS connection established to %s[192.0.2.2]:25: TLSv1.3 "
	    "with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
	    server);
	sim_log(sim, text);
	snprintf(text, sizeof(text),
	    "smtp[92]: V1: to=<o@d.test>, relay=%s[192.0.2.2]:25, delay=1, "
	    "delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 Ok)",
	    server);
	sim_log(sim, text);
	sim_settle(sim);
}

/*
 * DNS names a server, and mail is met there; then one answer of DNS is forged. Sessions
 * at its own servers go on to count, as a past and as mail that flows.
 */
static void
forged_answer_takes_no_server_away(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim->mx = "mx.d.test\nmx2.d.test";
	sim_defer(sim, NOT_VERIFIED);
	deliver_at(sim, "mx2.d.test");
	sim_wait(sim, HOUR);
	sim->mx = "mx.evil.test";
	sim->elsewhere = true;
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_ELSEWHERE);
	sim_wait(sim, MIN);
	deliver_at(sim, "mx2.d.test");
	assert_int_equal(sim_row(sim).past.verify_ms, sim->now_ms);
	assert_false(sim_row(sim).alarm.raised);
	/* The one of the first alarm was named, too, though no session was seen there. */
	sim_wait(sim, MIN);
	deliver_at(sim, "mx.d.test");
	assert_int_equal(sim_row(sim).past.verify_ms, sim->now_ms);
	/* One that DNS never named is none of its own. */
	sim_wait(sim, MIN);
	deliver_at(sim, "relay.test");
	assert_true(sim_row(sim).past.verify_ms < sim->now_ms);
	sim_free(sim);
}

/* More servers than are kept: those that were accepted last are. */
static void
so_many_servers_are_kept(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);
	char name[64];

	(void)state;
	sim->mx = name;
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "mx%d.a-name-of-some-length.test", i);
		sim->elsewhere = true;
		sim_wait(sim, HOUR);
		sim_defer(sim, NOT_VERIFIED);
		deliver_at(sim, name);
		assert_int_equal(sim_row(sim).past.verify_ms, sim->now_ms);
	}
	sim_defer(sim, NOT_VERIFIED);
	snprintf(name, sizeof(name), "mx.evil.test");
	sim_wait(sim, HOUR);
	sim_defer(sim, NOT_VERIFIED);
	deliver_at(sim, "mx35.a-name-of-some-length.test");
	assert_int_equal(sim_row(sim).past.verify_ms, sim->now_ms);
	sim_wait(sim, MIN);
	deliver_at(sim, "mx3.a-name-of-some-length.test");
	assert_true(sim_row(sim).past.verify_ms < sim->now_ms);
	sim_free(sim);
}

/* A handshake through tlsproxy(8), of a server that is not the last: no line names it. */
static void
fail_unnamed(struct sim *sim)
{
	char text[256];

	snprintf(text, sizeof(text), "smtp[93]: U%u: Cannot start TLS: handshake failure",
	    ++sim->message);
	sim_log(sim, text);
	snprintf(text, sizeof(text),
	    "smtp[93]: U%u: to=<u@d.test>, relay=none, delay=9, delays=8/0/0.03/0.02, "
	    "dsn=4.4.1, status=deferred (connect to mx2.d.test[192.0.2.2]:25: Connection "
	    "refused)",
	    sim->message);
	sim_log(sim, text);
	sim_settle(sim);
}

/* Where nobody can be asked, it counts; else the servers are asked. */
static void
unnamed_handshake_counts_without_a_prober(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_ENCRYPT);

	(void)state;
	fail_unnamed(sim);
	sim_assert(sim, LEVEL_NONE, WHY_MAY_AFTER);
	assert_int_equal(sim_row(sim).alarm.plain.count, 1);
	sim_wait(sim, 11 * MIN);
	assert_int_equal(sim_row(sim).alarm.plain.count, 1);
	fail_unnamed(sim);
	sim_assert(sim, LEVEL_DANE, WHY_ONE_RUNG);
	sim_free(sim);

	sim = sim_with_sessions(LEVEL_VERIFY); /* encrypt is tried before */
	fail_unnamed(sim);
	sim_assert(sim, LEVEL_ENCRYPT, WHY_ONE_RUNG);
	assert_int_equal(sim_row(sim).alarm.plain.count, 0);
	sim_free(sim);

	sim = sim_with_sessions(LEVEL_ENCRYPT);
	sim->probed = LEVEL_ENCRYPT;
	sim->probe_works = ANSWER_UNSURE;
	fail_unnamed(sim);
	sim_wait(sim, 11 * MIN);
	fail_unnamed(sim);
	sim_assert(sim, LEVEL_NONE, WHY_NO_ANSWER);
	assert_int_equal(sim_row(sim).alarm.plain.count, 0);
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
	suite_add(tlsa_ends_a_weak_entry_within_a_day, NULL,
	    "TLSA ends a weakened entry with mail within a day");
	suite_add(dns_is_asked_once_a_day, NULL,
	    "DNS of a weakened entry with mail is asked once a day, which is no news");
	suite_add(better_session_climbs_at_once, NULL,
	    "a better session and a clean probe climb at once");
	suite_add(trusted_sessions_are_probed_once_a_day, NULL,
	    "better sessions lead to one probe a day");
	suite_add(better_session_is_tried_once, NULL,
	    "without a prober a better session is tried by mail, once");
	suite_add(may_becomes_dane, NULL, "may of an older state becomes dane");
	suite_add(old_deferral_is_none, NULL,
	    "a deferral older than mail waits does not keep a weak entry");
	suite_add(one_attempt_is_not_judged_for_ever, NULL,
	    "one attempt whose mail is gone is judged a few times");
	suite_add(filter_does_not_reset_attempts, NULL,
	    "mail that a content filter takes does not reset attempts");
	suite_add(newsletter_proves_nothing, NULL,
	    "mail by its sender's relay is no past, and resets no attempts");
	suite_add(second_instance_resets_nothing, NULL,
	    "what a second instance sends in cleartext resets no attempts");
	suite_add(other_map_is_asked_once_a_day, NULL,
	    "another map that begins to answer ends an entry with mail within a day");
	suite_add(forged_answer_takes_no_server_away, NULL,
	    "a forged answer of DNS takes no server away");
	suite_add(so_many_servers_are_kept, NULL,
	    "of many servers those that were named last are kept");
	suite_add(unnamed_handshake_counts_without_a_prober, NULL,
	    "a handshake that names no server counts where nobody can be asked");
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
