/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/judge.h"

#include <string.h>

#include "base/span.h"

#define SEEN_MS    (90 * SPAN_DAY_MS) /* how long a better past counts */
#define SMTPS_PORT 465                /* smtp_tls_wrappermode */

#define DNS_TTL_MAX_MS \
	(5 * SPAN_MINUTE_MS) /* an answer is used again no longer than this */

/*
 * An attempt that a log with whole seconds puts into the second of the export is
 * settled by one more retry; it must begin so much later that the stamp is no doubt.
 */
#define DOUBT_MS 1100

struct ladder_policy
judge_policy(const struct config *config)
{
	return (struct ladder_policy){
	    .lowest = config->ladder.lowest,
	    .may_after_attempts = config->ladder.may_after_attempts,
	    .may_after_ms = config->ladder.may_after_ms,
	    .hold_encrypt_ms = config->ladder.hold_encrypt_ms,
	    .hold_may_ms = config->ladder.hold_may_ms,
	    .recheck_ms = config->ladder.recheck_ms,
	    .recheck_max_ms = JUDGE_LOOK_MAX_MS,
	    .dane_withdrawn_ms = config->ladder.dane_withdrawn_ms,
	};
}

/*
 * Counted back from the last proof that verification works here: where the clock is a
 * year ahead no certificate verifies, and a past of yesterday must still count.
 */
static enum level
best_seen(const struct judge *judge, const struct destination *d, int64_t now_ms)
{
	if (judge->verified_ms != 0 && judge->verified_ms < now_ms)
		now_ms = judge->verified_ms;
	if (d->past.dane_ms != 0 && now_ms - d->past.dane_ms < SEEN_MS)
		return LEVEL_DANE_ONLY;
	if (d->past.secure_ms != 0 && now_ms - d->past.secure_ms < SEEN_MS)
		return LEVEL_SECURE;
	if (d->past.verify_ms != 0 && now_ms - d->past.verify_ms < SEEN_MS)
		return LEVEL_VERIFY;
	if (d->past.encrypt_ms != 0 && now_ms - d->past.encrypt_ms < SEEN_MS)
		return LEVEL_ENCRYPT;
	return LEVEL_UNKNOWN;
}

/* What the rules say now: they may be others than when the line was read. */
static int
find_rule(
    const struct judge *judge, const struct destination *d, const struct answers *answers)
{
	enum rule_dnssec dnssec = answers == NULL ? RULE_DNSSEC_ANY
	    : answers->dane.signed_domain         ? RULE_DNSSEC_SECURE
	                                          : RULE_DNSSEC_INSECURE;
	struct rule_subject subject = {
	    .reason = str_of(d->alarm.reason),
	    .dsn = str_of(d->alarm.dsn),
	    .service = str_of(d->alarm.service),
	    .status = d->alarm.lost ? STR("bounced") : STR("deferred"),
	};

	return rules_match(judge->rules, judge->matcher, &subject, 0, dnssec, NULL);
}

static const char *
rule_name(
    const struct judge *judge, const struct destination *d, const struct answers *answers)
{
	return rules_get(judge->rules, (size_t)find_rule(judge, d, answers))->name;
}

/* A configured level stands; else a service of master.cf may have one of its own. */
static enum level
default_level(const struct judge *judge, const struct destination *d)
{
	if (judge->config->postfix.default_level != LEVEL_UNKNOWN ||
	    judge->settings == NULL || d->transport[0] == '\0')
		return judge->default_level;
	return postfix_service_level(judge->settings, d->transport);
}

struct evidence
judge_evidence(const struct judge *judge, const struct destination *d,
    const struct answers *answers, int64_t now_ms)
{
	int rule = d->alarm.raised ? find_rule(judge, d, answers) : -1;
	struct nexthop nexthop;
	struct evidence ev = {
	    .default_level = default_level(judge, d),
	    .entry = d->entry.level,
	    .force_ms = d->entry.force_ms,
	    .pinned = d->pin.set && (d->pin.until_ms == 0 || now_ms < d->pin.until_ms),
	    .lease_ms = d->entry.lease_ms,
	    .lease_end_ms = d->entry.lease_end_ms,
	    .deferral = d->alarm.raised,
	    .suspended = d->alarm.suspended,
	    .policy_refused = d->alarm.policy_refused,
	    .attributes = d->entry.attributes[0] != '\0',
	    .attempt_level = d->alarm.attempt_level,
	    .attempt_ms = d->alarm.attempt_ms,
	    .attempts = d->alarm.attempts,
	    .first_attempt_ms = d->alarm.first_attempt_ms,
	    .last_attempt_ms = d->alarm.last_attempt_ms,
	    .other_map = answers != NULL ? answers->other_map : ANSWER_UNSURE,
	    .can_dane = judge->can_dane,
	    .dns_failures = d->dns.failures,
	    .best_seen = best_seen(judge, d, now_ms),
	    .hold_since_ms = d->hold.since_ms,
	    .frozen = judge->frozen,
	    .thawed_ms = judge->thawed_ms,
	    .dane_absent_ms = d->entry.dane_absent_ms,
	    .trial = now_ms - d->entry.since_ms <= d->entry.lease_ms ? d->entry.trial
	                                                             : LEVEL_NONE,
	};

	if (answers != NULL) {
		ev.dane = answers->dane;
		ev.elsewhere = !answers->relay_fits;
		ev.wrapper =
		    nexthop_parse(str_of(d->key), &nexthop) && nexthop.port == SMTPS_PORT;
		if (answers->probed != LEVEL_UNKNOWN)
			ev.probe = (struct probe_evidence){.level = d->probe.level,
			    .works = d->probe.works,
			    .clean = d->probe.clean};
	}
	if (rule >= 0) {
		const struct rule_source *source = rules_get(judge->rules, (size_t)rule);

		ev.has_rule = true;
		ev.fault_ours = source->fault_ours;
		ev.rule_alert = source->alert;
		ev.rule_dnssec = source->dnssec;
		ev.fallback = source->fallback;
		ev.fallback_level = source->level;
	}
	return ev;
}

/* What was answers becomes part of what is known. */
static void
note_answers(struct destination *d, const struct answers *answers, int64_t now_ms)
{
	bool gone = answers->dane.state == DANE_NONE ||
	    answers->dane.state == DANE_UNUSABLE ||
	    answers->dane.state == DANE_INSECURE_MX;

	str_copy(str_of(dane_state_name(answers->dane.state)), d->dns.state,
	    sizeof(d->dns.state));
	str_copy(str_of(answers->text), d->dns.text, sizeof(d->dns.text));
	if (!answers->remembered) {
		int64_t ttl_ms = (int64_t)answers->dane.ttl_s * 1000;

		d->dns.time_ms = now_ms;
		d->dns.until_ms =
		    now_ms + (ttl_ms < DNS_TTL_MAX_MS ? ttl_ms : DNS_TTL_MAX_MS);
		d->dns.signed_domain = answers->dane.signed_domain;
	}
	d->dns.failures = answers->dane.state == DANE_UNSURE ? d->dns.failures + 1 : 0;
	if (answers->dane.state == DANE_USABLE)
		d->entry.dane_absent_ms = 0;
	else if (gone && d->entry.level == LEVEL_DANE_ONLY &&
	    d->entry.dane_absent_ms == 0)
		d->entry.dane_absent_ms = now_ms;
}

/* Clean probes count while the same level works. */
static void
note_probe(struct destination *d, const struct answers *answers, int64_t now_ms)
{
	if (answers->probed == LEVEL_UNKNOWN) {
		d->probe.level = LEVEL_UNKNOWN;
		d->probe.clean = 0;
		return;
	}
	if (answers->probe_works == ANSWER_YES)
		destination_seen(d, answers->probed, now_ms);
	if (answers->probe_works == ANSWER_YES)
		d->probe.clean =
		    d->probe.level == answers->probed ? d->probe.clean + 1 : 1;
	else if (answers->probe_works == ANSWER_NO)
		d->probe.clean = 0;
	d->probe.level = answers->probed;
	d->probe.works = answers->probe_works;
	d->probe.time_ms = now_ms;
}

bool
judge_remembers(const struct destination *d, int64_t now_ms, struct answers *answers)
{
	enum dane_state state;

	if (now_ms >= d->dns.until_ms || now_ms < d->dns.time_ms ||
	    !dane_state_parse(str_of(d->dns.state), &state) || state == DANE_UNSURE)
		return false;
	*answers = (struct answers){
	    .remembered = true,
	    .other_map = ANSWER_NO,
	    .dane = {.state = state, .signed_domain = d->dns.signed_domain},
	};
	str_copy(str_of(d->dns.text), answers->text, sizeof(answers->text));
	/* A server that is not in the answer may be in a newer one. */
	answers->relay_fits = ask_relay_fits(d->alarm.relay, d->key, d->dns.text);
	return answers->relay_fits;
}

/*
 * Is the deferral that led to the present entry all that is known when its lease ends?
 * No mail was sent since: perhaps there was none. It is no reason against a trial.
 */
static bool
is_settled(const struct destination *d, int64_t now_ms)
{
	bool under_another = d->alarm.suspended ||
	    d->alarm.attempt_ms < d->entry.force_ms ||
	    (d->alarm.attempt_level != LEVEL_UNKNOWN &&
	        d->alarm.attempt_level != d->entry.level);

	return d->alarm.raised && !d->alarm.pending && d->entry.level != LEVEL_NONE &&
	    now_ms >= d->entry.lease_end_ms && under_another;
}

bool
judge_wants_probe(const struct judge *judge, const struct destination *d, int64_t now_ms,
    enum level *above, enum level *up_to)
{
	*above = d->entry.level;
	*up_to = default_level(judge, d);
	return !d->pin.set && (!d->alarm.raised || is_settled(d, now_ms)) &&
	    d->entry.level != LEVEL_NONE && d->entry.level != LEVEL_DANE_ONLY &&
	    d->entry.level < *up_to && now_ms >= d->entry.lease_end_ms;
}

/* It goes on after a moment in which nothing could be told: that is no news. */
static bool
is_old_hold(const struct destination *d, const struct decision *decision)
{
	return decision->why == WHY_HOLD && d->hold.since_ms != 0 &&
	    why_could_not_tell(d->why) && d->hold.level == decision->level;
}

static void
note_hold(struct destination *d, const struct decision *decision, enum level best,
    int64_t now_ms)
{
	/* Whoever disturbs DNS for a moment must not be able to begin a hold anew. */
	if (why_could_not_tell(decision->why))
		return;
	d->hold.level = decision->action == ACTION_HOLD ? decision->level : LEVEL_NONE;
	if (decision->action != ACTION_HOLD) {
		d->hold.since_ms = 0;
		return;
	}
	/* What a freeze holds and never did better must not count as a reason for it. */
	if (decision->why != WHY_HOLD &&
	    (decision->why != WHY_FREEZE || best <= decision->level))
		return;
	if (d->hold.since_ms == 0)
		d->hold.since_ms = now_ms;
}

/*
 * Leases that began together do not end together: up to a sixteenth is taken off, as
 * much for each destination as its name says (FNV-1a).
 */
static int64_t
spread(const char *key, int64_t lease_ms)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return lease_ms - (int64_t)(h % (uint64_t)(lease_ms / 16 + 1));
}

static void
note_entry(struct destination *d, const struct decision *decision, enum level entry,
    int64_t now_ms)
{
	/* What it climbed from, should it fall back soon. */
	if ((decision->why == WHY_TRIAL || decision->why == WHY_PROBED) && !d->pin.set)
		d->entry.trial = d->entry.level;
	else
		d->entry.trial = LEVEL_NONE;
	d->entry.level = entry;
	d->entry.why = entry != LEVEL_NONE ? decision->why : WHY_NONE;
	d->entry.attributes[0] = '\0';
	d->entry.force_ms = LADDER_NOT_YET;
	d->alarm.attempts = 0; /* each level takes its own */
	d->alarm.first_attempt_ms = 0;
	d->alarm.last_attempt_ms = 0;
	d->entry.since_ms = now_ms;
	d->entry.dane_absent_ms = 0;
	d->probe.level = LEVEL_UNKNOWN;
	d->probe.works = ANSWER_UNSURE;
	d->probe.clean = 0;
	if (entry != LEVEL_NONE) {
		d->entry.lease_ms = decision->lease_ms;
		d->entry.lease_end_ms = now_ms + spread(d->key, decision->lease_ms);
	}
}

static void
bring_back(int64_t *at_ms, int64_t latest_ms, int64_t to_ms)
{
	if (*at_ms > latest_ms)
		*at_ms = to_ms;
}

/*
 * Times to come are of a clock that was set back since, or they are of just now; those of
 * the log may be a day ahead by its time zone. What it told came before what is decided.
 * But a better past stays where it is: should the clock be behind now, it was the right
 * one.
 */
static void
mend_times(struct destination *d, int64_t now_ms)
{
	int64_t soon_ms = now_ms + SPAN_MINUTE_MS,
	        log_ms = now_ms + SPAN_DAY_MS + SPAN_MINUTE_MS;
	int64_t *const of_log[] = {&d->alarm.time_ms, &d->alarm.attempt_ms,
	    &d->alarm.first_attempt_ms, &d->alarm.last_attempt_ms, &d->past.sent_ms};

	if (d->entry.force_ms != LADDER_NOT_YET)
		bring_back(&d->entry.force_ms, soon_ms, now_ms);
	bring_back(&d->entry.since_ms, soon_ms, now_ms);
	bring_back(&d->hold.since_ms, soon_ms, now_ms);
	bring_back(&d->entry.dane_absent_ms, soon_ms, now_ms);
	if (!d->pin.set)
		bring_back(&d->entry.lease_end_ms, soon_ms + d->entry.lease_ms,
		    now_ms + d->entry.lease_ms);
	for (size_t i = 0; i < sizeof(of_log) / sizeof(of_log[0]); i++)
		bring_back(of_log[i], log_ms, now_ms - 1);
}

/* Nobody looked when it was over: the clock was behind, or the time went by unseen. */
static void
renew_hold(struct destination *d, int64_t now_ms)
{
	if (d->hold.since_ms != 0 && d->look_ms != 0 && now_ms - d->look_ms > SPAN_DAY_MS)
		d->hold.since_ms = now_ms;
}

/* When to look again; never a time that is over: it would be judged without end. */
static int64_t
next_look(const struct destination *d, const struct decision *decision,
    const struct ladder_policy *policy, int64_t now_ms)
{
	if (d->pin.set)
		return d->pin.until_ms;
	if (d->entry.level == LEVEL_NONE ||
	    (decision->look_again_ms != 0 && decision->lease_ms == 0))
		return decision->look_again_ms;
	return d->entry.lease_end_ms > now_ms ? d->entry.lease_end_ms
	                                      : now_ms + policy->recheck_ms;
}

bool
judge_destination(const struct judge *judge, struct destination *d,
    const struct answers *answers, int64_t now_ms, struct judged *out)
{
	struct ladder_policy policy = judge_policy(judge->config);
	struct destination next = *d;
	struct evidence ev;
	enum level entry;

	if (is_settled(d, now_ms))
		next.alarm.raised = false;
	mend_times(&next, now_ms);
	renew_hold(&next, now_ms);
	if (answers != NULL) {
		note_answers(&next, answers, now_ms);
		if (answers->probe_asked)
			note_probe(&next, answers, now_ms);
	}
	ev = judge_evidence(judge, &next, answers, now_ms);
	if (answers != NULL)
		out->decision = ladder_decide(&policy, &ev, now_ms);
	else if (!ladder_decide_early(&policy, &ev, now_ms, &out->decision))
		return false;
	out->before = d->entry.level;
	memcpy(
	    out->attributes_before, d->entry.attributes, sizeof(out->attributes_before));
	entry = out->decision.action == ACTION_SET  ? out->decision.level
	    : out->decision.action == ACTION_REMOVE ? LEVEL_NONE
	                                            : d->entry.level;
	out->map_changed = entry != d->entry.level;
	out->changed = out->map_changed || out->decision.why != d->why ||
	    (out->decision.action == ACTION_HOLD && out->decision.level != d->hold.level);
	note_hold(&next, &out->decision, ev.best_seen, now_ms);
	if (out->map_changed)
		note_entry(&next, &out->decision, entry, now_ms);
	else if (out->decision.lease_ms != 0) {
		next.entry.lease_ms = out->decision.lease_ms;
		next.entry.lease_end_ms = now_ms + spread(d->key, out->decision.lease_ms);
	}
	if (d->pin.set && !ev.pinned)
		next.pin.set = false;
	if (ev.has_rule)
		str_copy(str_of(rule_name(judge, d, answers)), next.alarm.rule,
		    sizeof(next.alarm.rule));
	/* An echo tells nothing new: what was last decided still stands. */
	if (out->decision.why != WHY_ECHO) {
		next.why = out->decision.why;
	} else {
		out->changed = false;
	}
	if (out->decision.why != WHY_ECHO || next.look_ms <= now_ms)
		next.look_ms = next_look(&next, &out->decision, &policy, now_ms);
	/* A change is news, and so is the failure of DNS that makes it too many. */
	out->tell = out->decision.alert && !is_old_hold(d, &out->decision) &&
	    (out->changed ||
	        (out->decision.why == WHY_DNS_UNSURE && !ev.dane.distrusted));
	next.alarm.pending = false;
	*d = next;
	return true;
}

static bool
store_release(struct store *store, const struct destination *d,
    const struct judged *judged, int64_t now_ms, struct err *err)
{
	int64_t version = 0, exported = 0, not_before_ms = 0;

	if (judged->map_changed) {
		if (!store_map_changed(store, &version, err) ||
		    !store_entry_version(store, d->id, version, err))
			return false;
	} else if (!store_map_versions(store, &version, &exported, err)) {
		return false;
	}
	if (!judged->decision.retry)
		return true;
	if (!judged->map_changed && d->entry.force_ms != LADDER_NOT_YET &&
	    d->entry.force_ms + DOUBT_MS > now_ms)
		not_before_ms = d->entry.force_ms + DOUBT_MS;
	/* The attempt that decides must have begun after this moment, by the log as well.
	 */
	if (judged->decision.action == ACTION_HOLD)
		not_before_ms = now_ms + DOUBT_MS;
	/* Version 0 means not decided: a map that never changed is version 1 of nothing.
	 */
	return store_waiting_release(store, d->id, version > 0 ? version : 1,
	    not_before_ms, judged->map_changed, err);
}

bool
judge_store(struct store *store, struct destination *d, const struct judged *judged,
    int64_t now_ms, struct err *err)
{
	struct decision_record record = {
	    .time_ms = now_ms,
	    .action = action_name(judged->decision.action),
	    .before = level_name(judged->before),
	    .after =
	        level_name(judged->decision.action == ACTION_HOLD ? judged->decision.level
	                                                          : d->entry.level),
	    .before_attributes = judged->attributes_before,
	    .after_attributes = d->entry.attributes,
	    .why = why_slug(judged->decision.why),
	    .rule = d->alarm.raised ? d->alarm.rule : "",
	    .reason = d->alarm.raised ? d->alarm.reason : "",
	    .dns_state = d->dns.state,
	};

	if (!store_put(store, d, err) || !store_release(store, d, judged, now_ms, err))
		return false;
	record.destination = d->id;
	return !judged->changed || store_decision_add(store, &record, err);
}
