/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Destinations over simulated time: log lines come in, DNS answers, leases end. What is
 * due is judged when its time comes, as the engine does it, on a store in memory.
 */
#include "suite.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/span.h"
#include "core/fold.h"
#include "engine/intake.h"
#include "engine/judge.h"
#include "gather/rulefile.h"
#include "storekit.h"

#define START_MS (INT64_C(1795483619) * 1000) /* 2026-11-24T01:26:59Z, by date(1) */
#define KEY      "d.test"
#define MIN      SPAN_MINUTE_MS
#define HOUR     SPAN_HOUR_MS
#define DAY      SPAN_DAY_MS
#define EXPORT_MS 300 /* from a decision to its map */

/* --- the simulation ---------------------------------------------------------------- */

struct sim {
	struct store *store;
	struct fold *fold;
	struct config config;
	struct rules *rules;
	struct judge judge;
	int64_t now_ms;
	unsigned message;
	/* what is answered when somebody asks */
	enum dane_state dns;
	bool is_signed;
	bool elsewhere;
	bool distrusted;
	enum answer other_map;
	enum level probed; /* LEVEL_UNKNOWN: there is no prober */
	enum answer probe_works;
	/* what came of it */
	unsigned asked;
	unsigned told; /* alerts */
	struct judged last;
};

static char postfix_rules[] = "rules/postfix.yaml";
static char strict_rules[] = "rules/strict.yaml";

static struct sim *
sim_new(enum level default_level, bool strict)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	struct errs errs = {0};
	char *files[2];
	size_t count = 0;

	assert_non_null(sim);
	if (strict)
		files[count++] = (char *)(uintptr_t)suite_path(strict_rules);
	files[count++] = (char *)(uintptr_t)suite_path(postfix_rules);
	sim->rules = rulefile_load(files, count, RULEFILE_COMPILE, &errs);
	assert_non_null(sim->rules);
	config_default(&sim->config);
	sim->store = kit_scratch();
	sim->fold = fold_new(sim->rules);
	sim->judge = (struct judge){.config = &sim->config, .rules = sim->rules,
	    .matcher = rules_matcher_new(sim->rules), .default_level = default_level,
	    .can_dane = ANSWER_YES};
	sim->now_ms = START_MS;
	sim->dns = DANE_NONE;
	sim->other_map = ANSWER_NO;
	return sim;
}

static void
sim_free(struct sim *sim)
{
	rules_matcher_free(sim->judge.matcher);
	fold_free(sim->fold);
	store_close(sim->store);
	rules_free(sim->rules);
	config_clear(&sim->config);
	free(sim);
}

static struct destination
row(struct sim *sim)
{
	return kit_get(sim->store, KEY);
}

static void
assert_quiet(int64_t look_ms, int64_t now_ms)
{
	if (look_ms != 0 && look_ms <= now_ms)
		fail_msg("it would be judged again at once, and again");
}

/* The map is put in place. */
static void
export(struct sim *sim)
{
	int64_t version, exported;

	assert_true(store_map_versions(sim->store, &version, &exported, &kit_err));
	if (version == exported)
		return;
	sim->now_ms += EXPORT_MS;
	assert_true(store_map_exported(sim->store, version, sim->now_ms, &kit_err));
}

static void
answer(struct sim *sim, const struct destination *d, struct asked *asked)
{
	enum level above, up_to;

	*asked = (struct asked){.id = d->id, .relay_fits = !sim->elsewhere,
	    .other_map = sim->other_map,
	    .dane = {.state = sim->dns, .signed_domain = sim->is_signed,
		.distrusted = sim->distrusted}};
	snprintf(asked->text, sizeof(asked->text), "mx.d.test tlsa=%s", dane_state_name(sim->dns));
	if (judge_wants_probe(&sim->judge, d, sim->now_ms, &above, &up_to)) {
		asked->probe_above = above;
		asked->probe_up_to = up_to;
		asked->probed = sim->probed;
		asked->probe_works = sim->probe_works;
	}
	sim->asked++;
}

/* Judge it once, as it stands, and put the map in place. */
static void
judge_now(struct sim *sim)
{
	struct destination d = row(sim);
	struct judged judged = {0};
	struct asked asked;

	if (!judge_destination(&sim->judge, &d, NULL, sim->now_ms, &judged)) {
		answer(sim, &d, &asked);
		assert_true(judge_destination(&sim->judge, &d, &asked, sim->now_ms, &judged));
	}
	kit_begin_transaction(sim->store);
	assert_true(judge_store(sim->store, &d, &judged, sim->now_ms, &kit_err));
	kit_commit(sim->store);
	assert_false(d.pending);
	sim->told += judged.tell;
	sim->last = judged;
	export(sim);
}

/* What the engine does with what is news or due at this moment. */
static void
settle(struct sim *sim)
{
	for (int turn = 0; turn < 3; turn++) {
		struct destination d = row(sim);

		if (!d.pending && (d.look_ms == 0 || d.look_ms > sim->now_ms))
			return;
		judge_now(sim);
	}
	assert_quiet(row(sim).look_ms, sim->now_ms);
}

/* Let time pass; whatever falls due is judged then. */
static void
wait_ms(struct sim *sim, int64_t ms)
{
	int64_t until_ms = sim->now_ms + ms;

	settle(sim);
	for (int looks = 0; looks < 5000; looks++) {
		struct destination d = row(sim);

		if (d.look_ms == 0 || d.look_ms > until_ms) {
			sim->now_ms = until_ms > sim->now_ms ? until_ms : sim->now_ms;
			return;
		}
		if (d.look_ms > sim->now_ms)
			sim->now_ms = d.look_ms;
		settle(sim);
	}
	fail_msg("it is judged all the time");
}

/* A line of the log, written now. */
static void
log_line(struct sim *sim, const char *text)
{
	time_t seconds = (time_t)(sim->now_ms / 1000);
	struct buf line = {0};
	char stamp[32];
	struct tm tm;
	bool news;

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(&line, "%s.%03d+00:00 mail postfix/%s\n", stamp, (int)(sim->now_ms % 1000), text);
	intake_lines(sim->fold, (struct str){buf_text(&line), line.len}, sim->now_ms);
	buf_clear(&line);
	if (!intake_store(sim->store, sim->fold, sim->rules, sim->judge.default_level, NULL, 0,
		&news, &kit_err))
		fail_msg("%s", kit_err.text);
}

/* Delivery attempts that took 50 ms; each is another message. */
static void
attempt(struct sim *sim, const char *status, const char *reason)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "smtp[77]: Q%u: to=<u@d.test>, relay=mx.d.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.5, status=%s (%s)",
	    ++sim->message, status, reason);
	log_line(sim, text);
	settle(sim);
}

#define NOT_VERIFIED "Server certificate not verified"
#define NOT_OFFERED  "TLS is required, but was not offered by host mx.d.test[192.0.2.1]"
#define NO_HANDSHAKE "Cannot start TLS: handshake failure"

static void
defer(struct sim *sim, const char *reason)
{
	attempt(sim, "deferred", reason);
}

static void
deliver(struct sim *sim)
{
	attempt(sim, "sent", "250 2.0.0 Ok: queued as 1234");
}

/* qmgr did not try; error(8) says so. */
static void
suspend(struct sim *sim, const char *reason)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "error[78]: Q%u: to=<u@d.test>, relay=none, delay=9, delays=9/0/0/0, dsn=4.7.5, "
	    "status=deferred (delivery temporarily suspended: %s)",
	    ++sim->message, reason);
	log_line(sim, text);
	settle(sim);
}

static void
assert_state(struct sim *sim, enum level entry, enum why why)
{
	struct destination d = row(sim);

	assert_string_equal(level_name(d.entry), level_name(entry));
	assert_string_equal(why_slug(d.why), why_slug(why));
}

/* So much mail is retried now. */
static void
assert_released(struct sim *sim, size_t expected)
{
	struct waiting due[STORE_WAITING_MAX];
	int64_t version, exported, next, again;
	size_t count;

	assert_true(store_map_versions(sim->store, &version, &exported, &kit_err));
	assert_true(store_waiting_due(sim->store, exported, sim->now_ms, due, STORE_WAITING_MAX,
	    &count, &next, &again, &kit_err));
	assert_int_equal(count, expected);
	assert_true(store_waiting_take(sim->store, due, count, &kit_err));
	assert_true(store_waiting_done(sim->store, due, count, sim->now_ms, &kit_err));
}

/* A lease is as long as was said, less up to a sixteenth. */
static void
assert_lease(struct sim *sim, int64_t lease_ms)
{
	struct destination d = row(sim);

	assert_int_equal(d.lease_ms, lease_ms);
	assert_in_range(d.lease_end_ms - d.since_ms, lease_ms - lease_ms / 16, lease_ms);
	assert_int_equal(d.look_ms, d.lease_end_ms);
}

static void
append_decision(void *context, const struct decision_record *r)
{
	buf_printf(context, "%s %s->%s %s\n", r->action, r->before, r->after, r->why);
}

/* All decisions so far, a line each. */
static void
assert_history(struct sim *sim, const char *expected)
{
	struct buf got = {0};

	assert_true(
	    store_each_decision(sim->store, row(sim).id, append_decision, &got, &kit_err));
	assert_string_equal(buf_text(&got), expected);
	buf_clear(&got);
}

/* --- leases and trials ------------------------------------------------------------- */

static void
self_signed_gets_a_lease_and_a_trial(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_int_equal(row(sim).force_ms, START_MS + EXPORT_MS);
	assert_lease(sim, 7 * DAY);
	assert_released(sim, 1);
	wait_ms(sim, MIN);
	deliver(sim);
	assert_false(row(sim).deferral);
	wait_ms(sim, 6 * DAY);
	assert_state(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	wait_ms(sim, DAY);
	assert_state(sim, LEVEL_NONE, WHY_TRIAL);
	assert_int_equal(row(sim).trial, LEVEL_ENCRYPT);
	wait_ms(sim, HOUR);
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_ENCRYPT, WHY_TRIAL_FAILED);
	assert_lease(sim, 14 * DAY);
	assert_released(sim, 1);
	assert_history(sim, "set none->encrypt not-authentic\n"
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
		defer(sim, NOT_VERIFIED);
		assert_state(sim, LEVEL_ENCRYPT, i == 0 ? WHY_NOT_AUTHENTIC : WHY_TRIAL_FAILED);
		assert_lease(sim, days[i] * DAY);
		wait_ms(sim, MIN);
		deliver(sim);
		wait_ms(sim, days[i] * DAY);
		assert_state(sim, LEVEL_NONE, WHY_TRIAL);
		wait_ms(sim, HOUR);
	}
	sim_free(sim);
}

static void
trial_that_works_is_the_end_of_it(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	defer(sim, NOT_VERIFIED);
	wait_ms(sim, MIN);
	deliver(sim);
	wait_ms(sim, 7 * DAY);
	assert_state(sim, LEVEL_NONE, WHY_TRIAL);
	wait_ms(sim, HOUR);
	deliver(sim);
	assert_true(row(sim).seen_verify_ms != 0);
	wait_ms(sim, 8 * DAY);
	/* Now it is a destination that did better. */
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_NONE, WHY_HOLD);
	sim_free(sim);
}

/* What flaps is no attack: it is not held each time. */
static void
fall_soon_after_the_climb_is_put_back(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	defer(sim, NOT_VERIFIED);
	wait_ms(sim, MIN);
	deliver(sim);
	wait_ms(sim, 7 * DAY);
	assert_state(sim, LEVEL_NONE, WHY_TRIAL);
	wait_ms(sim, HOUR);
	deliver(sim);
	wait_ms(sim, 3 * DAY);
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_ENCRYPT, WHY_TRIAL_FAILED);
	assert_lease(sim, 14 * DAY);
	sim_free(sim);
}

/* Under the old map mail still flows for a moment: that is no word on the trial. */
static void
sent_before_the_map_proves_nothing(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);
	struct destination d;

	(void)state;
	defer(sim, NOT_VERIFIED);
	wait_ms(sim, MIN);
	deliver(sim);
	wait_ms(sim, 7 * DAY);
	assert_state(sim, LEVEL_NONE, WHY_TRIAL);
	d = row(sim);
	d.force_ms = sim->now_ms + 1000; /* the export took so long */
	kit_put(sim->store, &d);
	deliver(sim);
	assert_int_equal(row(sim).trial, LEVEL_ENCRYPT);
	assert_int_equal(row(sim).seen_verify_ms, 0);
	wait_ms(sim, HOUR);
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_ENCRYPT, WHY_TRIAL_FAILED);
	sim_free(sim);
}

/* The mail that led to the entry was deleted: nothing was ever sent. */
static void
lease_ends_where_no_mail_was_sent(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);
	unsigned asked;

	(void)state;
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	asked = sim->asked;
	wait_ms(sim, 8 * DAY);
	assert_state(sim, LEVEL_NONE, WHY_TRIAL);
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
	defer(sim, NOT_OFFERED);
	assert_state(sim, LEVEL_MAY, WHY_NOT_ENCRYPTED);
	wait_ms(sim, HOUR);
	defer(sim, NO_HANDSHAKE);
	assert_state(sim, LEVEL_MAY, WHY_NOTHING_WEAKER);
	asked = sim->asked;
	wait_ms(sim, 30 * DAY);
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
	defer(sim, NOT_VERIFIED);
	wait_ms(sim, MIN);
	deliver(sim);
	wait_ms(sim, 7 * DAY);
	assert_state(sim, LEVEL_ENCRYPT, WHY_STILL_NEEDED);
	assert_int_equal(row(sim).lease_ms, 14 * DAY);
	sim->probe_works = ANSWER_UNSURE; /* its server was down */
	wait_ms(sim, 14 * DAY);
	assert_state(sim, LEVEL_ENCRYPT, WHY_STILL_NEEDED);
	sim->probe_works = ANSWER_YES;
	while (row(sim).why != WHY_PROBED)
		wait_ms(sim, MIN);
	assert_state(sim, LEVEL_ENCRYPT, WHY_PROBED);
	assert_int_equal(row(sim).probe_clean, 1);
	wait_ms(sim, HOUR - 2 * MIN);
	assert_state(sim, LEVEL_ENCRYPT, WHY_PROBED);
	wait_ms(sim, 2 * MIN);
	assert_state(sim, LEVEL_NONE, WHY_PROBED);
	sim_free(sim);
}

static void
lease_that_ends_unsent_is_probed(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->probed = LEVEL_VERIFY;
	sim->probe_works = ANSWER_NO;
	defer(sim, NOT_VERIFIED);
	wait_ms(sim, 7 * DAY);
	assert_state(sim, LEVEL_ENCRYPT, WHY_STILL_NEEDED);
	assert_int_equal(row(sim).lease_ms, 14 * DAY);
	sim_free(sim);
}

/* --- echoes ------------------------------------------------------------------------ */

static void
echo_changes_nothing_but_is_retried(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);
	int64_t look_ms;

	(void)state;
	defer(sim, NOT_VERIFIED);
	look_ms = row(sim).look_ms;
	suspend(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_int_equal(row(sim).look_ms, look_ms);
	assert_int_equal(sim->asked, 1);
	assert_history(sim, "set none->encrypt not-authentic\n");
	/* so near to the export that a stamp of whole seconds would not tell */
	assert_released(sim, 0);
	wait_ms(sim, 1100);
	assert_released(sim, 2);
	sim_free(sim);
}

static void
attempt_from_before_the_map_is_an_echo(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->config.ladder.may_after_attempts = 1;
	defer(sim, NO_HANDSHAKE); /* verify -> encrypt */
	assert_state(sim, LEVEL_ENCRYPT, WHY_ONE_RUNG);
	sim->now_ms = row(sim).force_ms + 20; /* ended now, began 50 ms before */
	defer(sim, NO_HANDSHAKE);
	assert_state(sim, LEVEL_ENCRYPT, WHY_ONE_RUNG);
	wait_ms(sim, MIN);
	defer(sim, NO_HANDSHAKE);
	assert_state(sim, LEVEL_MAY, WHY_ONE_RUNG);
	sim_free(sim);
}

/* Postfix 3.11 names the level of the attempt: it settles nothing at another one. */
static void
tls_field_tells_an_echo(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->dns = DANE_UNSURE;
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_NONE, WHY_DNS_UNSURE);
	wait_ms(sim, 10000);
	log_line(sim, "smtp[77]: QTLS: to=<u@d.test>, relay=mx.d.test[192.0.2.1]:25, delay=9, "
	              "delays=8/0/0.03/0.02, tls=!secure, dsn=4.7.5, status=deferred "
	              "(" NOT_VERIFIED ")");
	settle(sim);
	assert_state(sim, LEVEL_NONE, WHY_DNS_UNSURE);
	sim->dns = DANE_NONE;
	wait_ms(sim, HOUR);
	assert_int_equal(row(sim).entry, LEVEL_NONE);
	sim_free(sim);
}

/* --- cleartext, holds, freeze ------------------------------------------------------ */

static void
cleartext_takes_attempts_and_time(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	defer(sim, NOT_OFFERED);
	assert_state(sim, LEVEL_NONE, WHY_MAY_AFTER);
	assert_int_equal(row(sim).hold_level, LEVEL_MAY);
	wait_ms(sim, HOUR); /* time alone does not do */
	assert_state(sim, LEVEL_NONE, WHY_MAY_AFTER);
	defer(sim, NOT_OFFERED);
	assert_state(sim, LEVEL_MAY, WHY_NOT_ENCRYPTED);
	assert_released(sim, 2);
	sim_free(sim);
}

/* Verified yesterday; today it offers no TLS at all. */
static void
begin_hold(struct sim *sim)
{
	deliver(sim);
	wait_ms(sim, DAY);
	defer(sim, NOT_OFFERED);
	wait_ms(sim, 15 * MIN);
	defer(sim, NOT_OFFERED);
	assert_state(sim, LEVEL_NONE, WHY_HOLD);
	assert_int_equal(row(sim).hold_level, LEVEL_MAY);
	assert_released(sim, 0);
}

static void
hold_lasts_a_day(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	begin_hold(sim);
	assert_int_equal(sim->told, 1);
	for (int i = 0; i < 23; i++) {
		wait_ms(sim, HOUR);
		defer(sim, NOT_OFFERED);
		assert_state(sim, LEVEL_NONE, WHY_HOLD);
	}
	assert_int_equal(sim->told, 1);
	wait_ms(sim, HOUR);
	assert_state(sim, LEVEL_MAY, WHY_NOT_ENCRYPTED);
	assert_released(sim, 25);
	sim_free(sim);
}

/* Whoever can disturb DNS for a moment must not be able to keep mail for ever. */
static void
hold_is_not_begun_anew(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);
	int64_t since_ms;

	(void)state;
	begin_hold(sim);
	since_ms = row(sim).hold_since_ms;
	for (int i = 0; i < 11; i++) {
		wait_ms(sim, HOUR);
		sim->dns = DANE_UNSURE;
		defer(sim, NOT_OFFERED);
		assert_state(sim, LEVEL_NONE, WHY_DNS_UNSURE);
		sim->dns = DANE_NONE;
		wait_ms(sim, HOUR);
		suspend(sim, NOT_OFFERED);
		assert_state(sim, LEVEL_NONE, WHY_HOLD);
	}
	assert_int_equal(row(sim).hold_since_ms, since_ms);
	sim->judge.default_level = LEVEL_UNKNOWN; /* postconf did not answer */
	defer(sim, NOT_OFFERED);
	assert_state(sim, LEVEL_NONE, WHY_OUR_FAULT);
	sim->judge.default_level = LEVEL_VERIFY;
	sim->other_map = ANSWER_UNSURE;
	defer(sim, NOT_OFFERED);
	assert_state(sim, LEVEL_NONE, WHY_OTHER_MAP_UNSURE);
	sim->other_map = ANSWER_NO;
	wait_ms(sim, 2 * HOUR);
	assert_state(sim, LEVEL_MAY, WHY_NOT_ENCRYPTED);
	sim_free(sim);
}

static void
hold_ends_when_mail_flows(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	begin_hold(sim);
	deliver(sim);
	assert_int_equal(row(sim).hold_since_ms, 0);
	wait_ms(sim, 3 * DAY);
	assert_int_equal(row(sim).entry, LEVEL_NONE);
	defer(sim, NOT_OFFERED);
	assert_state(sim, LEVEL_NONE, WHY_MAY_AFTER);
	sim_free(sim);
}

static void
better_past_ends_after_90_days(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	deliver(sim);
	wait_ms(sim, 89 * DAY);
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_NONE, WHY_HOLD);
	wait_ms(sim, HOUR);
	assert_state(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_free(sim);
	sim = sim_new(LEVEL_VERIFY, false);
	deliver(sim);
	wait_ms(sim, 90 * DAY);
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_free(sim);
}

static void
freeze_holds_and_thaws(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->judge.frozen = true;
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_NONE, WHY_FREEZE);
	assert_true(row(sim).hold_since_ms != 0);
	assert_int_equal(sim->told, 1);
	wait_ms(sim, 20 * MIN);
	assert_state(sim, LEVEL_NONE, WHY_FREEZE);
	assert_int_equal(sim->told, 1);
	sim->judge.frozen = false;
	wait_ms(sim, 5 * MIN);
	assert_state(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
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
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_DANE_ONLY, WHY_DANE);
	assert_released(sim, 1);
	wait_ms(sim, MIN);
	defer(sim, NOT_VERIFIED); /* their own records are wrong */
	assert_state(sim, LEVEL_DANE_ONLY, WHY_DANE_NOT_MET);
	assert_int_equal(sim->told, 1);
	defer(sim, NOT_OFFERED);
	assert_int_equal(sim->told, 1);
	wait_ms(sim, 60 * DAY);
	assert_int_equal(row(sim).entry, LEVEL_DANE_ONLY);
	sim_free(sim);
}

static void
tlsa_that_is_withdrawn_must_stay_so(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->dns = DANE_USABLE;
	defer(sim, NOT_VERIFIED);
	wait_ms(sim, MIN);
	deliver(sim);
	wait_ms(sim, 6 * DAY);
	sim->dns = DANE_NONE;
	wait_ms(sim, DAY);
	assert_state(sim, LEVEL_DANE_ONLY, WHY_DANE_GOING);
	wait_ms(sim, DAY);
	sim->dns = DANE_UNSURE; /* says nothing, and the clock goes on */
	wait_ms(sim, DAY);
	assert_state(sim, LEVEL_DANE_ONLY, WHY_DNS_UNSURE);
	sim->dns = DANE_USABLE; /* it was but a mistake */
	wait_ms(sim, 2 * HOUR);
	assert_state(sim, LEVEL_DANE_ONLY, WHY_DANE);
	assert_int_equal(row(sim).dane_absent_ms, 0);
	sim->dns = DANE_NONE;
	wait_ms(sim, 7 * DAY);
	while (row(sim).why != WHY_DANE_GOING)
		wait_ms(sim, HOUR);
	wait_ms(sim, 2 * DAY);
	assert_state(sim, LEVEL_DANE_ONLY, WHY_DANE_GOING);
	wait_ms(sim, DAY);
	assert_state(sim, LEVEL_NONE, WHY_DANE_GONE);
	assert_int_equal(row(sim).dane_absent_ms, 0);
	sim_free(sim);
}

static void
tlsa_that_appears_ends_a_weak_entry(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	wait_ms(sim, MIN);
	deliver(sim);
	sim->dns = DANE_USABLE;
	wait_ms(sim, 7 * DAY);
	assert_state(sim, LEVEL_DANE_ONLY, WHY_DANE);
	assert_lease(sim, 7 * DAY);
	sim_free(sim);
}

/* --- what could not tell, what is not ours ----------------------------------------- */

static void
dns_is_asked_ever_more_slowly(void **state)
{
	static const int64_t waits[] = {30000, MIN, 2 * MIN, 4 * MIN, 8 * MIN, 16 * MIN,
	    32 * MIN, HOUR, HOUR};
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->dns = DANE_UNSURE;
	defer(sim, NOT_VERIFIED);
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_state(sim, LEVEL_NONE, WHY_DNS_UNSURE);
		assert_int_equal(row(sim).look_ms - sim->now_ms, waits[i]);
		assert_in_range(sim->told, i < 3 ? 0 : 1, i < 1 ? 0 : 1);
		wait_ms(sim, waits[i]);
	}
	assert_history(sim, "keep none->none dns-unsure\n");
	sim->dns = DANE_NONE;
	wait_ms(sim, HOUR);
	assert_state(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_int_equal(row(sim).dns_failures, 0);
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
	defer(sim, NOT_VERIFIED);
	assert_int_equal(sim->told, 1);
	wait_ms(sim, DAY);
	assert_int_equal(sim->told, 1);
	sim_free(sim);
}

static void
entry_goes_where_another_map_answers(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim->other_map = ANSWER_YES;
	wait_ms(sim, HOUR);
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_NONE, WHY_OTHER_MAP);
	assert_released(sim, 2);
	sim_free(sim);
}

static void
other_server_says_nothing(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->elsewhere = true;
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_NONE, WHY_ELSEWHERE);
	assert_int_equal(row(sim).look_ms, 0);
	sim_free(sim);
}

static void
our_own_entry_goes_when_postfix_refuses_it(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	defer(sim, "client TLS configuration problem");
	assert_state(sim, LEVEL_NONE, WHY_OUR_FAULT);
	assert_int_equal(sim->told, 1);
	assert_released(sim, 0);
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	wait_ms(sim, HOUR);
	defer(sim, "client TLS configuration problem");
	assert_state(sim, LEVEL_NONE, WHY_OUR_ENTRY);
	assert_int_equal(sim->asked, 1); /* nobody was asked for it */
	sim_free(sim);
}

static void
rule_that_waits_needs_no_answers(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->dns = DANE_UNSURE;
	sim->judge.default_level = LEVEL_DANE_ONLY;
	defer(sim, "TLSA lookup error for mx.d.test:25");
	assert_state(sim, LEVEL_NONE, WHY_RULE_WAITS);
	assert_int_equal(sim->asked, 0);
	sim_free(sim);
}

/* Each mail that is lost is told, whatever else was said of the destination before. */
static void
lost_mail_is_told(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	deliver(sim);
	wait_ms(sim, DAY);
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_NONE, WHY_HOLD);
	assert_int_equal(sim->told, 1);
	attempt(sim, "bounced", NOT_VERIFIED);
	assert_int_equal(sim->told, 2);
	assert_false(sim->last.decision.retry);
	wait_ms(sim, MIN);
	attempt(sim, "bounced", NOT_VERIFIED);
	assert_int_equal(sim->told, 3);
	wait_ms(sim, DAY); /* no news: nothing is told again */
	assert_true(sim->told <= 4);
	sim_free(sim);
}

/* --- pins -------------------------------------------------------------------------- */

static void
pin(struct sim *sim, enum level level, int64_t for_ms)
{
	struct destination d;
	int64_t version;
	bool found;

	assert_true(store_get(sim->store, KEY, &d, &found, &kit_err));
	if (!found)
		destination_init(&d, KEY);
	d.entry = level;
	d.pinned = true;
	d.why = WHY_PINNED;
	d.pin_until_ms = for_ms != 0 ? sim->now_ms + for_ms : 0;
	d.lease_ms = 0;
	d.lease_end_ms = d.look_ms = d.pin_until_ms;
	d.force_ms = LADDER_NOT_YET;
	snprintf(d.attributes, sizeof(d.attributes), "match=mx.d.test");
	kit_put(sim->store, &d);
	assert_true(store_map_changed(sim->store, &version, &kit_err));
	export(sim);
}

static void
pin_stands_until_it_ends(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);
	int64_t until_ms;

	(void)state;
	pin(sim, LEVEL_ENCRYPT, DAY);
	until_ms = row(sim).pin_until_ms;
	wait_ms(sim, HOUR);
	sim->dns = DANE_USABLE;
	defer(sim, NO_HANDSHAKE);
	assert_state(sim, LEVEL_ENCRYPT, WHY_PINNED);
	assert_int_equal(row(sim).look_ms, until_ms);
	assert_int_equal(sim->asked, 0);
	deliver(sim);
	sim->dns = DANE_NONE;
	wait_ms(sim, DAY);
	assert_state(sim, LEVEL_NONE, WHY_TRIAL);
	assert_false(row(sim).pinned);
	assert_string_equal(row(sim).attributes, "");
	assert_int_equal(row(sim).trial, LEVEL_NONE); /* it was no finding of ours */
	sim_free(sim);
}

static void
pin_for_good_stands_for_good(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	defer(sim, NOT_VERIFIED); /* and a lease that is over one day */
	pin(sim, LEVEL_SECURE, 0);
	wait_ms(sim, DAY);
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_SECURE, WHY_PINNED);
	assert_int_equal(row(sim).look_ms, 0);
	wait_ms(sim, 400 * DAY);
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_SECURE, WHY_PINNED);
	assert_string_equal(row(sim).attributes, "match=mx.d.test");
	sim_free(sim);
}

static void
pin_that_ends_in_trouble_is_judged(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	pin(sim, LEVEL_SECURE, DAY);
	wait_ms(sim, HOUR);
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_SECURE, WHY_PINNED);
	wait_ms(sim, DAY);
	assert_state(sim, LEVEL_NONE, WHY_NOT_NEEDED); /* verify is the default */
	assert_false(row(sim).pinned);
	sim_free(sim);
}

/* --- the clock --------------------------------------------------------------------- */

static void
clock_that_was_ahead_is_got_over(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	sim->now_ms += 365 * DAY;
	defer(sim, NO_HANDSHAKE);
	assert_state(sim, LEVEL_ENCRYPT, WHY_ONE_RUNG);
	sim->now_ms = START_MS + HOUR;
	defer(sim, NO_HANDSHAKE); /* an echo at most once */
	wait_ms(sim, 15 * MIN);
	defer(sim, NO_HANDSHAKE);
	assert_state(sim, LEVEL_MAY, WHY_ONE_RUNG);
	sim_free(sim);
}

static void
hold_of_a_clock_ahead_is_got_over(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, false);

	(void)state;
	deliver(sim);
	sim->now_ms += 30 * DAY;
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_NONE, WHY_HOLD);
	sim->now_ms -= 30 * DAY;
	wait_ms(sim, MIN);
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_NONE, WHY_HOLD);
	wait_ms(sim, HOUR);
	assert_state(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	sim_free(sim);
}

/* --- rules for signed domains ------------------------------------------------------ */

static void
strict_rule_keeps_signed_domains(void **state)
{
	struct sim *sim = sim_new(LEVEL_VERIFY, true);

	(void)state;
	sim->is_signed = true;
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_NONE, WHY_SIGNED);
	assert_string_equal(row(sim).rule, "signed-not-weakened");
	assert_int_equal(sim->told, 1);
	sim->dns = DANE_USABLE; /* no rule stands in the way of that */
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_DANE_ONLY, WHY_DANE);
	sim_free(sim);
	sim = sim_new(LEVEL_VERIFY, true);
	defer(sim, NOT_VERIFIED);
	assert_state(sim, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_string_equal(row(sim).rule, "certificate-not-verified");
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
	d.deferral = d.pending = true;
	str_copy(STR(NOT_VERIFIED), d.reason, sizeof(d.reason));
	str_copy(STR("smtp"), d.service, sizeof(d.service));
	before = d;
	assert_false(judge_destination(&sim->judge, &d, NULL, START_MS, &judged));
	assert_memory_equal(&d, &before, sizeof(d));
	sim_free(sim);
}

int
main(void)
{
	kit_begin();
	suite_add(self_signed_gets_a_lease_and_a_trial, NULL,
	    "a certificate that does not verify: encrypt, a lease, a trial, a longer lease");
	suite_add(flapping_lengthens_the_leases, NULL,
	    "each failed trial doubles the lease, up to 90 days");
	suite_add(trial_that_works_is_the_end_of_it, NULL, "a trial that works ends it");
	suite_add(fall_soon_after_the_climb_is_put_back, NULL,
	    "who falls back within a lease is put back at once");
	suite_add(sent_before_the_map_proves_nothing, NULL,
	    "mail sent under the old map is no word on the new level");
	suite_add(lease_ends_where_no_mail_was_sent, NULL,
	    "a lease ends in a trial though no mail was ever sent");
	suite_add(useless_entry_is_not_judged_for_ever, NULL,
	    "a destination that fails at its weakest is looked at now and then, not all the time");
	suite_add(probes_climb_after_two_clean_ones, NULL, "two clean probes an hour apart climb");
	suite_add(lease_that_ends_unsent_is_probed, NULL,
	    "where nothing was sent the end of a lease is probed too");
	suite_add(echo_changes_nothing_but_is_retried, NULL,
	    "an echo changes nothing, and its mail is retried");
	suite_add(attempt_from_before_the_map_is_an_echo, NULL,
	    "an attempt that began before the map is an echo");
	suite_add(cleartext_takes_attempts_and_time, NULL, "cleartext takes attempts and time");
	suite_add(hold_lasts_a_day, NULL, "who did better is held for a day, and told of once");
	suite_add(hold_is_not_begun_anew, NULL,
	    "what could not tell, and echoes, do not begin a hold anew");
	suite_add(hold_ends_when_mail_flows, NULL, "a hold ends when mail flows");
	suite_add(better_past_ends_after_90_days, NULL, "a better past counts for 90 days");
	suite_add(freeze_holds_and_thaws, NULL, "a freeze holds, and thaws by itself");
	suite_add(usable_tlsa_is_dane_only, NULL, "usable TLSA: dane-only, whatever happens");
	suite_add(tlsa_that_is_withdrawn_must_stay_so, NULL,
	    "TLSA must be gone for three days on end");
	suite_add(tlsa_that_appears_ends_a_weak_entry, NULL,
	    "TLSA that appears is seen at the end of the lease");
	suite_add(dns_is_asked_ever_more_slowly, NULL,
	    "DNS that cannot tell is asked ever more slowly, and told of once");
	suite_add(distrusted_resolver_is_told_once, NULL,
	    "a resolver that is not believed is told of once");
	suite_add(entry_goes_where_another_map_answers, NULL,
	    "an entry goes where another map answers");
	suite_add(other_server_says_nothing, NULL, "a server of another destination says nothing");
	suite_add(our_own_entry_goes_when_postfix_refuses_it, NULL,
	    "our own entry goes when Postfix refuses it");
	suite_add(rule_that_waits_needs_no_answers, NULL, "a rule that waits needs no answers");
	suite_add(lost_mail_is_told, NULL, "each lost mail is told");
	suite_add(pin_stands_until_it_ends, NULL, "a pin stands until it ends, then it goes");
	suite_add(pin_for_good_stands_for_good, NULL, "a pin for good stands for good");
	suite_add(pin_that_ends_in_trouble_is_judged, NULL,
	    "a pin that ends while mail fails is judged");
	suite_add(tls_field_tells_an_echo, NULL, "an echo that falls due is judged once");
	suite_add(clock_that_was_ahead_is_got_over, NULL,
	    "a clock that was a year ahead does not make echoes of a year's attempts");
	suite_add(hold_of_a_clock_ahead_is_got_over, NULL,
	    "a hold of a clock that was ahead is no longer than any other");
	suite_add(strict_rule_keeps_signed_domains, NULL,
	    "a rule for signed domains holds for those alone");
	suite_add(nobody_asked_leaves_it_as_it_was, NULL,
	    "where answers are needed, nothing is touched without them");
	return kit_end(suite_run());
}
