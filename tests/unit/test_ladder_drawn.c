/* SPDX-License-Identifier: BSD-2-Clause */
/* What every decision keeps to, whatever is known: of evidence drawn at random. */
#include "suite.h"

#include "base/span.h"
#include "core/ladder.h"

#define NOW_MS (INT64_C(1800000000) * 1000)

#define DRAWS 1000000

/* An xorshift with a fixed seed: the same evidence in each run. */
static unsigned
draw(unsigned below)
{
	static uint32_t x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return (x >> 8) % below;
}

static int64_t
draw_time(void)
{
	static const int64_t ago_s[] = {0, 1, 60, 599, 600, 3600, 86400, 4 * 86400};

	return NOW_MS - ago_s[draw(sizeof(ago_s) / sizeof(ago_s[0]))] * 1000;
}

static enum level
draw_entry(void)
{
	static const enum level levels[] = {LEVEL_NONE, LEVEL_NONE, LEVEL_MAY, LEVEL_DANE,
	    LEVEL_ENCRYPT, LEVEL_VERIFY, LEVEL_SECURE, LEVEL_DANE_ONLY};

	return levels[draw(sizeof(levels) / sizeof(levels[0]))];
}

static struct measured
draw_measured(void)
{
	struct measured m = {
	    .asked = draw(4) != 0,
	    .answered = draw(8) != 0,
	    .ours = draw(20) == 0,
	    .unrun_ms = draw(2) ? NOW_MS - draw(10000) : 0,
	    .promised = draw(4) == 0,
	    .awaited = draw(4) == 0,
	    .auth = draw(ANSWER_YES + 1),
	};

	for (size_t l = 0; l < LEVEL_COUNT; l++)
		m.meets[l] = draw(4) == 0 ? ANSWER_UNSURE : ANSWER_NO + draw(2);
	return m;
}

static struct evidence
draw_evidence(void)
{
	struct evidence ev = {
	    .default_level = draw(20) == 0 ? LEVEL_UNKNOWN : LEVEL_NONE + draw(8),
	    .entry = {.level = draw_entry(),
	        .attributes = draw(4) == 0 ? "match=.example" : NULL},
	    .force_ms = draw(4) == 0 ? draw_time() : 0,
	    .pinned = draw(20) == 0,
	    .lease_ms = SPAN_DAY_MS,
	    .lease_end_ms = draw_time() + (int64_t)draw(2) * SPAN_HOUR_MS,
	    .deferral = draw(4) != 0,
	    .suspended = draw(20) == 0,
	    .has_rule = draw(10) != 0,
	    .fault_ours = draw(20) == 0,
	    .policy_refused = draw(3) == 0,
	    .rule_dnssec = draw(2) ? RULE_DNSSEC_ANY : RULE_DNSSEC_SECURE,
	    .rule_cause = draw(4) == 0,
	    .rule_alert = draw(2),
	    .fallback = draw(FALLBACK_LEVEL + 1),
	    .fallback_level =
	        (enum level[]){LEVEL_MAY, LEVEL_ENCRYPT, LEVEL_VERIFY}[draw(3)],
	    .attempt_level = draw(10) == 0 ? LEVEL_MAY + draw(7) : LEVEL_UNKNOWN,
	    .attempt_ms = draw_time(),
	    .attempts = draw(4),
	    .first_attempt_ms = draw_time(),
	    .last_attempt_ms = draw_time(),
	    .plain = {draw(4), draw_time(), draw_time()},
	    .unplaced = draw(10) == 0,
	    .denies_tlsa = draw(10) == 0,
	    .denied_ms = draw(10) == 0 ? draw_time() : 0,
	    .denied_again = draw(2) == 0,
	    .asked = draw(20) != 0,
	    .other_map = draw(10) == 0 ? draw(ANSWER_YES + 1) : ANSWER_NO,
	    .credentials = draw(10) == 0 ? draw(ANSWER_YES + 1) : ANSWER_NO,
	    .dane = {.state = draw(DANE_STATE_COUNT),
	        .distrusted = draw(4) == 0,
	        .all_usable = draw(2)},
	    .sts = draw(3) == 0 ? draw(STS_APPLIES_COUNT) : STS_APPLIES_NOTHING,
	    .sts_attributes = draw(4) == 0 ? NULL : "match=.example",
	    .sts_allows_none = draw(4) == 0,
	    .sts_asked = draw(8) == 0,
	    .no_authorities = draw(20) == 0,
	    .sts_ends_ms = draw(2) ? NOW_MS + SPAN_HOUR_MS : 0,
	    .queue = draw(QUEUE_NONE + 1),
	    .prober = draw(ANSWER_YES + 1),
	    .measured = draw_measured(),
	    .measured_gone = draw_measured(),
	    .canary = draw(CANARY_FAILS + 1),
	    .contradictions = draw(5),
	    .silent_since_ms = draw(2) ? draw_time() : 0,
	    .no_dane_rung = draw(10) == 0,
	    .wrapper = draw(10) == 0,
	    .elsewhere = draw(10) == 0,
	    .can_dane = draw(ANSWER_YES + 1),
	    .dns_failures = 1 + draw(4),
	    .best_seen = draw_entry(),
	    .met_ms = draw(2) ? draw_time() : 0,
	    .hold_since_ms = {[LEVEL_MAY] = draw(2) ? draw_time() : 0,
	        [LEVEL_ENCRYPT] = draw(2) ? draw_time() : 0,
	        [LEVEL_VERIFY] = draw(2) ? draw_time() : 0},
	    .frozen = draw(10) == 0,
	    .thawed_ms = draw(4) == 0 ? draw_time() : 0,
	    .mail_ms = draw(2) ? draw_time() : 0,
	    .worked_ms = draw(4) == 0 ? draw_time() : 0,
	    .dane_absent_ms = draw(2) ? draw_time() : 0,
	    .trial = draw(4) == 0 ? draw_entry() : LEVEL_NONE,
	    .seen_since_climb = draw(2) ? draw_entry() : LEVEL_UNKNOWN,
	    .better_session = draw(4) == 0,
	    .clean = draw(4),
	};

	ev.forecast_ms = ev.entry.level != LEVEL_NONE && draw(4) == 0
	    ? draw_time() + (int64_t)draw(2) * SPAN_HOUR_MS
	    : 0;
	ev.parent_pinned = draw(10) == 0 && ev.default_level != LEVEL_UNKNOWN &&
	    ev.default_level != LEVEL_NONE;
	ev.pinned = ev.pinned || (ev.parent_pinned && ev.entry.level == LEVEL_NONE);
	ev.taken_over = ev.entry.level != LEVEL_NONE && draw(8) == 0;
	ev.sts_entry = ev.entry.level == LEVEL_SECURE && draw(2);
	return ev;
}

#define DANE_WITHDRAWN_MS (3 * SPAN_DAY_MS)

/* dane-only is in force and was met, and DANE is not gone for long enough. */
static bool
must_keep_dane(const struct evidence *ev)
{
	return (ev->entry.level == LEVEL_DANE_ONLY ||
	           (ev->entry.level == LEVEL_NONE &&
	               ev->default_level == LEVEL_DANE_ONLY &&
	               ev->best_seen == LEVEL_DANE_ONLY)) &&
	    (ev->dane_absent_ms == 0 || NOW_MS - ev->dane_absent_ms < DANE_WITHDRAWN_MS);
}

/* A policy is no reason to fall from DANE at once, and one that has ended leaves nothing
 * behind. */
static void
assert_policy(const struct evidence *ev, const struct decision *d)
{
	if (ev->pinned || !ev->asked || ev->default_level == LEVEL_UNKNOWN)
		return;
	if (d->why == WHY_POLICY && d->action == ACTION_SET && must_keep_dane(ev) &&
	    ev->dane.state != DANE_USABLE)
		fail_msg("DANE that is not gone for long enough makes way for a policy");
	if (d->why == WHY_POLICY && d->action == ACTION_SET && ev->no_authorities)
		fail_msg("a policy is to be enforced where nothing verifies");
	if (ev->sts_entry &&
	    (ev->sts != STS_APPLIES_ENFORCE || ev->no_authorities ||
	        ev->sts_attributes == NULL) &&
	    d->action != ACTION_SET && d->action != ACTION_REMOVE)
		fail_msg("%s keeps what a policy left that has ended", why_slug(d->why));
}

/* An enforced policy is in force, or DANE is. */
static void
assert_floor(const struct evidence *ev, const struct decision *d)
{
	struct demand entry = d->action == ACTION_SET ? d->entry
	    : d->action == ACTION_REMOVE              ? demand_of(LEVEL_NONE)
	                                              : ev->entry;

	if (ev->pinned || (ev->deferral && ev->fault_ours) || !ev->asked ||
	    (ev->parent_pinned && ev->default_level == LEVEL_DANE_ONLY) ||
	    ev->default_level == LEVEL_UNKNOWN || ev->other_map != ANSWER_NO ||
	    ev->sts != STS_APPLIES_ENFORCE || ev->sts_attributes == NULL ||
	    ev->no_authorities)
		return;
	/* Where it is to be DANE, that is what a reason may delay. */
	if (ev->dane.state == DANE_USABLE && ev->can_dane == ANSWER_YES &&
	    d->why != WHY_DANE_NOT_MET && d->why != WHY_RESOLVERS_DIFFER)
		return;
	if (ev->dane.state == DANE_NO_MAIL || entry.level == LEVEL_DANE_ONLY ||
	    (entry.level == LEVEL_NONE && ev->default_level == LEVEL_DANE_ONLY &&
	        (ev->dane.state == DANE_UNSURE || ev->dane.state == DANE_USABLE ||
	            must_keep_dane(ev))))
		return;
	if (entry.level != LEVEL_SECURE ||
	    strcmp(demand_attributes(entry), ev->sts_attributes) != 0)
		fail_msg("%s: the policy is not in force", why_slug(d->why));
}

/* Whatever is known: what no decision may do. */
static void
assert_safe(const struct evidence *ev, const struct decision *d)
{
	enum level before = level_promise(ladder_level_in_force(ev));
	enum level after = level_promise(d->entry.level);

	/* What was asked is not wanted again, and what cannot be asked never. */
	if (((d->wants & WANTS_DNS) != 0 && ev->asked) ||
	    ((d->wants & WANTS_QUEUE) != 0 && ev->queue != QUEUE_NOT_ASKED) ||
	    ((d->wants & WANTS_SERVERS) != 0 &&
	        (ev->measured.asked || ev->prober == ANSWER_NO)) ||
	    ((d->wants & WANTS_CANARY) != 0 && ev->canary != CANARY_NOT_ASKED))
		fail_msg("it wants %u again", d->wants);
	if (d->wants != 0)
		return;
	assert_policy(ev, d);
	assert_floor(ev, d);
	if (d->action == ACTION_SET && ev->parent_pinned &&
	    after < level_promise(ev->default_level))
		fail_msg("%s: weaker than the pin of a parent", why_slug(d->why));
	if (d->look_again_ms != 0 && d->look_again_ms <= NOW_MS)
		fail_msg("%s: to be judged again without end", why_slug(d->why));
	if (d->action != ACTION_SET || after >= before || !ev->deferral)
		return;
	/* It weakens. */
	if (d->why == WHY_POLICY) {
		assert_true(ev->sts == STS_APPLIES_ENFORCE && after == LEVEL_SECURE);
		return;
	}
	if (d->why == WHY_LOWEST || d->why == WHY_INSECURE_MX ||
	    d->why == WHY_TLSA_UNUSABLE)
		return;
	assert_true(ev->asked && ev->other_map == ANSWER_NO);
	assert_true(ev->sts != STS_APPLIES_ENFORCE);
	assert_true(ev->dane.state != DANE_UNSURE && ev->dane.state != DANE_USABLE);
	assert_true(ev->queue == QUEUE_SHOWS || ev->queue == QUEUE_NONE);
	assert_true(ev->canary != CANARY_FAILS);
	assert_true(ev->canary != CANARY_NOT_ASKED ||
	    !level_is_authenticated(ladder_level_in_force(ev)));
	assert_true(ev->credentials == ANSWER_NO ||
	    (ev->credentials == ANSWER_UNSURE && ev->measured.auth == ANSWER_NO) ||
	    (ev->credentials == ANSWER_UNSURE && ev->silent_since_ms != 0 &&
	        ev->measured_gone.auth == ANSWER_NO) ||
	    after >= level_promise(ev->default_level));
	assert_true(ev->prober == ANSWER_NO || ev->measured.asked);
	assert_true(after != LEVEL_MAY || d->alert);
	assert_true(after != LEVEL_MAY || ev->dane.state != DANE_UNUSABLE);
	assert_true(after != LEVEL_MAY || ev->plain.count >= 2);
}

static void
words_keep_what_they_state(void **state)
{
	bool silent[WHY_COUNT] = {false}, alerted[WHY_COUNT] = {false};
	struct ladder_policy policy = {
	    .may_after_attempts = 2,
	    .may_after_ms = 10 * SPAN_MINUTE_MS,
	    .hold_verify_ms = SPAN_HOUR_MS,
	    .hold_encrypt_ms = SPAN_HOUR_MS,
	    .hold_may_ms = SPAN_DAY_MS,
	    .recheck_ms = 7 * SPAN_DAY_MS,
	    .climb_probes = 2,
	    .climb_apart_ms = SPAN_HOUR_MS,
	    .dane_withdrawn_ms = DANE_WITHDRAWN_MS,
	};

	(void)state;
	for (unsigned i = 0; i < DRAWS; i++) {
		struct evidence ev = draw_evidence();
		bool by_rule = ev.deferral && ev.rule_alert;
		struct decision d;

		policy.lowest = draw(4) == 0 ? level_promise(draw_entry()) : LEVEL_MAY;
		if (policy.lowest > LEVEL_VERIFY) /* it can be no more */
			policy.lowest = LEVEL_VERIFY;
		d = ladder_decide(&policy, &ev, NOW_MS);
		assert_safe(&ev, &d);
		if (d.wants != 0)
			continue;
		silent[d.why] = silent[d.why] || (!d.alert && !by_rule);
		alerted[d.why] = alerted[d.why] || d.alert;
		switch (why_alerts(d.why)) {
		case WHY_ALERTS_NEVER:
			if (d.alert)
				fail_msg("%s alerts", why_slug(d.why));
			break;
		case WHY_ALERTS_ALWAYS:
			if (!d.alert)
				fail_msg("%s does not alert", why_slug(d.why));
			break;
		case WHY_ALERTS_BY_RULE:
			if (d.alert && !by_rule)
				fail_msg("%s alerts without its rule", why_slug(d.why));
			break;
		case WHY_ALERTS_BY_CASE:
			break;
		}
		/* Otherwise the second alert would never be seen as news. What the end
		 * of a lease finds is told once: mail flows meanwhile. */
		if (d.alert && d.why != WHY_SILENT &&
		    why_once_sent(d.why, WHY_NONE) == d.why && d.action != ACTION_SET &&
		    d.action != ACTION_REMOVE)
			fail_msg("%s alerts, changes no entry, and is never over",
			    why_slug(d.why));
	}
	for (enum why why = WHY_NONE; why < WHY_COUNT; why++) {
		if (why_guard(why) == WHY_GUARD_NONE) {
			assert_false(silent[why] || alerted[why]);
			continue;
		}
		if (alerted[why] != (why_alerts(why) != WHY_ALERTS_NEVER))
			fail_msg("%s was never seen to alert", why_slug(why));
		if (silent[why] != (why_alerts(why) != WHY_ALERTS_ALWAYS))
			fail_msg("%s was never seen without an alert", why_slug(why));
	}
}

int
main(void)
{
	suite_add(words_keep_what_they_state, NULL,
	    "every word alerts as why.h states, of %d kinds of evidence", DRAWS);
	return suite_run();
}
