/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose server it was: what is sent by a filter, a relay or another instance says nothing
 * of the destination's own servers, and these are known however DNS is forged.
 */
#include "suite.h"

#include <stdio.h>

#include "sim.h"

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

#define RELAY_SESSION \
	"smtp[91]: Verified TLS connection established to relay.test[192.0.2.9]:25: " \
	"TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"

/* What goes another way while mail waits: how often, and its lines. */
static const struct {
	int64_t every_ms;
	const char *reason;
	enum level entry;
	const char *lines[2];
} others[] = {
    {50 * MIN, NOT_VERIFIED, LEVEL_ENCRYPT,
        {"smtp[90]: F1: to=<u@d.test>, relay=172.22.1.9[172.22.1.9]:10025, delay=0.3, "
         "delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 Ok)"}},
    {20 * HOUR, NOT_OFFERED, LEVEL_DANE,
        {"smtp[90]: F1: to=<u@d.test>, relay=172.22.1.9[172.22.1.9]:10025, delay=0.3, "
         "delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 Ok)"}},
    {50 * MIN, NOT_VERIFIED, LEVEL_ENCRYPT,
        {RELAY_SESSION,
            "smtp[91]: N1: to=<o@d.test>, relay=relay.test[192.0.2.9]:25, delay=1, "
            "delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 Ok)"}},
    {20 * HOUR, NOT_OFFERED, LEVEL_DANE,
        {RELAY_SESSION,
            "smtp[91]: N1: to=<o@d.test>, relay=relay.test[192.0.2.9]:25, delay=1, "
            "delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 Ok)"}},
};

/* The destination verified until yesterday; its mail is tried again each hour. */
static void
other_ways_do_not_reset_a_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct sim *sim = sim_with_sessions(LEVEL_VERIFY);
		int64_t begun_ms, other_ms;
		unsigned told;

		sim_deliver_in(sim, "Verified");
		sim_wait(sim, DAY);
		sim_defer(sim, others[i].reason);
		sim_assert(sim, LEVEL_NONE, WHY_HOLD);
		begun_ms = other_ms = sim->now_ms;
		told = sim->told;
		while (sim->now_ms < begun_ms + DAY - 5 * MIN) {
			for (; other_ms <= sim->now_ms; other_ms += others[i].every_ms)
				for (unsigned l = 0; l < 2; l++)
					if (others[i].lines[l] != NULL)
						sim_log(sim, others[i].lines[l]);
			sim_settle(sim);
			sim_wait(sim, 5 * MIN);
			if ((sim->now_ms - begun_ms) % HOUR == 0)
				sim_defer(sim, others[i].reason);
			assert_int_equal(sim->told, told);
		}
		sim_assert(sim, LEVEL_NONE, WHY_HOLD);
		sim_wait(sim, 10 * MIN);
		sim_defer(sim, others[i].reason);
		assert_int_equal(sim_row(sim).entry.level, others[i].entry);
		sim_free(sim);
	}
}

/* A newsletter by its sender's relay, which verifies; the destination has no TLS. Read
 * one by one, or a deferral and a newsletter together. */
static void
newsletter_proves_nothing(void **state)
{
	static const char session[] = RELAY_SESSION;
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

/* DNS fails, and nothing tells whose the servers are that take mail to it, with a session
 * or without: what waits fails on, and begins no wait anew. */
static void
nobodys_server_ends_no_alarm(void **state)
{
	static const char *const lines[][2] = {
	    {RELAY_SESSION,
	        "smtp[91]: N1: to=<o@d.test>, relay=relay.test[192.0.2.9]:25, delay=1, "
	        "delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 Ok)"},
	    {NULL,
	        "smtp[90]: F1: to=<u@d.test>, relay=172.22.1.9[172.22.1.9]:10025, "
	        "delay=0.3, delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 Ok)"}};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct sim *sim = sim_with_sessions(LEVEL_VERIFY);
		struct destination before, after;

		sim->dns = DANE_UNSURE;
		sim_defer(sim, NOT_VERIFIED);
		sim_wait(sim, 20 * MIN);
		before = sim_row(sim);
		assert_true(before.alarm.raised);
		assert_int_equal(before.alarm.attempts, 1);
		for (unsigned l = 0; l < 2; l++)
			if (lines[i][l] != NULL)
				sim_log(sim, lines[i][l]);
		sim_settle(sim);
		after = sim_row(sim);
		assert_true(after.alarm.raised);
		assert_int_equal(after.alarm.attempts, 1);
		assert_int_equal(after.past.sent_ms, before.past.sent_ms);
		assert_true(after.dns.failures >= before.dns.failures);
		/* Where DNS tells that it is its own, it is over with the next one. */
		sim->dns = DANE_NONE;
		sim->mx = "mx.d.test\nrelay.test";
		sim_wait(sim, HOUR);
		assert_int_equal(sim_row(sim).dns.failures, 0);
		if (lines[i][0] != NULL) {
			sim_defer(sim, NOT_VERIFIED);
			sim_wait(sim, MIN);
			sim_log(sim, lines[i][0]);
			sim_log(sim, lines[i][1]);
			sim_settle(sim);
			assert_false(sim_row(sim).alarm.raised);
		}
		sim_free(sim);
	}
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

#define FALLBACK "fallback.test[192.0.2.9]:25"

/* What no server takes goes to a fallback relay, by an attempt of which the last line
 * says; its session verifies. */
static void
fall_back(struct sim *sim)
{
	sim_log(sim,
	    "smtp[77]: QF: TLS is required, but was not offered by host "
	    "mx.d.test[192.0.2.1]");
	sim_log(sim,
	    "smtp[77]: Verified TLS connection established to " FALLBACK
	    ": TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)");
	sim_log(sim,
	    "smtp[77]: QF: to=<u@d.test>, relay=" FALLBACK
	    ", delay=9, delays=8/0/0.03/0.02, dsn=4.7.1, status=deferred (host "
	    "fallback.test[192.0.2.9] said: 450 4.7.1 Try again later (in reply to RCPT "
	    "TO command))");
	sim_settle(sim);
}

/* Its sessions hold until DNS tells whose server it is, at once or after a while; what
 * the destination did before holds on. */
static void
fallback_relay_is_no_past(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct sim *sim = sim_with_sessions(LEVEL_VERIFY);
		bool unsure = i % 2 != 0, did_better = i / 2 != 0;
		int64_t before_ms = 0;

		if (did_better) {
			sim_deliver_in(sim, "Verified");
			before_ms = sim_row(sim).past.verify_ms;
			assert_int_not_equal(before_ms, 0);
			sim_wait(sim, HOUR);
		}
		sim->dns = unsure ? DANE_UNSURE : DANE_NONE;
		fall_back(sim);
		assert_true(sim_row(sim).alarm.raised);
		if (unsure) {
			/* What DNS told before it failed is known. */
			assert_int_equal(
			    sim_row(sim).past.verify_ms > before_ms, !did_better);
			fall_back(sim);
			sim->dns = DANE_NONE;
			sim_wait(sim, HOUR);
		}
		assert_int_equal(sim_row(sim).past.verify_ms, before_ms);
		/* Its own server's are one. */
		sim_wait(sim, MIN);
		sim_deliver_in(sim, "Verified");
		assert_true(sim_row(sim).past.verify_ms > before_ms);
		sim_free(sim);
	}
}

/* It takes its own server for another's where DNS cannot tell, and then DNS names it. */
static void
session_of_its_own_is_a_past(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);
	int64_t seen_ms;

	(void)state;
	sim->dns = DANE_UNSURE;
	sim_defer(sim, NOT_VERIFIED);
	sim_wait(sim, MIN);
	deliver_at(sim, "mx2.d.test");
	seen_ms = sim_row(sim).past.verify_ms;
	assert_int_not_equal(seen_ms, 0);
	sim->dns = DANE_NONE;
	sim->mx = "mx.d.test\nmx2.d.test";
	sim_wait(sim, HOUR);
	assert_int_equal(sim_row(sim).past.verify_ms, seen_ms);
	sim_free(sim);
}

/* Servers that nobody is known to own, more than are kept, and with long names: what
 * there is no room for holds, as all did before DNS told. */
static void
past_without_room_holds(void **state)
{
	static const unsigned lengths[] = {1, 20, 60};

	(void)state;
	for (size_t l = 0; l < sizeof(lengths) / sizeof(*lengths); l++) {
		struct sim *sim = sim_with_sessions(LEVEL_VERIFY);
		int64_t first_ms = 0, last_ms, verify_ms;

		sim->dns = DANE_UNSURE;
		sim_defer(sim, NOT_OFFERED);
		for (unsigned i = 0; i < 5; i++) {
			char server[300];

			sim_wait(sim, MIN);
			snprintf(server, sizeof(server), "s%u%0*d.test", i,
			    (int)lengths[l], 0);
			deliver_at(sim, server);
			assert_true(sim_row(sim).alarm.raised);
			if (first_ms == 0)
				first_ms = sim_row(sim).past.verify_ms;
		}
		last_ms = sim_row(sim).past.verify_ms;
		assert_true(last_ms > first_ms && first_ms != 0);
		sim->dns = DANE_NONE;
		sim_wait(sim, HOUR);
		verify_ms = sim_row(sim).past.verify_ms;
		assert_in_range(verify_ms, first_ms, last_ms);
		assert_true(verify_ms < last_ms);
		sim_free(sim);
	}
}

/* MX records are forged but for a moment, in which mail flows: whoever forges them again
 * waits for the whole of a hold. */
static void
hold_begins_anew_beside_a_forged_one(void **state)
{
	struct sim *sim = sim_with_sessions(LEVEL_VERIFY);

	(void)state;
	sim_deliver_in(sim, "Verified");
	sim_wait(sim, DAY);
	sim->probed = LEVEL_VERIFY;
	sim->probe_works = ANSWER_NO;
	sim_defer(sim, NOT_VERIFIED);
	sim_assert(sim, LEVEL_NONE, WHY_HOLD);
	sim_wait(sim, 20 * HOUR);
	sim->probe_works = ANSWER_YES;
	sim->elsewhere = true;
	deliver_at(sim, "mx.d.test");
	sim_wait(sim, MIN);
	sim_assert(sim, LEVEL_NONE, WHY_ELSEWHERE);
	assert_int_equal(sim_row(sim).hold.encrypt_ms, 0);
	sim_free(sim);
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

/* A message with TLS-Required: no goes at may, to the server that fails here, with TLS or
 * without; Postfix 3.11 says so. */
static void
sent_by_tls_required_no_proves_nothing(void **state)
{
	static const char *const met[] = {"may:encrypt", "may:none", "none"};

	(void)state;
	for (size_t i = 0; i < sizeof(met) / sizeof(met[0]); i++) {
		struct sim *sim = sim_with_sessions(LEVEL_VERIFY);
		char text[300];

		snprintf(text, sizeof(text),
		    "smtp[94]: B1: to=<o@d.test>, relay=mx.d.test[192.0.2.1]:25, "
		    "delay=1, delays=0.1/0/0.1/0.1, tls=%s, dsn=2.0.0, status=sent (250 "
		    "Ok)",
		    met[i]);
		sim_log(sim,
		    "smtp[77]: Q1: to=<u@d.test>, relay=mx.d.test[192.0.2.1]:25, "
		    "delay=9, delays=8/0/0.03/0.02, tls=!verify, dsn=4.7.4, "
		    "status=deferred (TLSA lookup error for mx.d.test:25)");
		sim_settle(sim);
		assert_true(sim_row(sim).alarm.raised);
		sim_log(sim,
		    "smtp[94]: Untrusted TLS connection established to "
		    "mx.d.test[192.0.2.1]:25: TLSv1.3 with cipher X (256/256 bits)");
		sim_log(sim, text);
		sim_settle(sim);
		assert_true(sim_row(sim).alarm.raised);
		assert_int_equal(sim_row(sim).past.verify_ms, 0);
		sim_free(sim);
	}
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

int
main(void)
{
	kit_begin();
	suite_add(filter_does_not_reset_attempts, NULL,
	    "mail that a content filter takes does not reset attempts");
	suite_add(newsletter_proves_nothing, NULL,
	    "mail by its sender's relay is no past, and resets no attempts");
	suite_add(other_ways_do_not_reset_a_hold, NULL,
	    "and neither begins a hold anew, or alerts again");
	suite_add(nobodys_server_ends_no_alarm, NULL,
	    "nor does any, while DNS cannot tell whose server took it");
	suite_add(fallback_relay_is_no_past, NULL,
	    "a fallback relay's session holds until DNS tells whose it is");
	suite_add(session_of_its_own_is_a_past, NULL,
	    "and stays a past where it is the destination's");
	suite_add(past_without_room_holds, NULL,
	    "and so does what there is no room for to remember whose it is");
	suite_add(hold_begins_anew_beside_a_forged_one, NULL,
	    "what its own servers meet ends a hold, wherever the mail that waits failed");
	suite_add(second_instance_resets_nothing, NULL,
	    "what a second instance sends in cleartext resets no attempts");
	suite_add(sent_by_tls_required_no_proves_nothing, NULL,
	    "mail with TLS-Required: no proves nothing of the level in force");
	suite_add(forged_answer_takes_no_server_away, NULL,
	    "a forged answer of DNS takes no server away");
	suite_add(so_many_servers_are_kept, NULL,
	    "of many servers those that were named last are kept");
	suite_add(unnamed_handshake_counts_without_a_prober, NULL,
	    "a handshake that names no server counts where nobody can be asked");
	return kit_end(suite_run());
}
