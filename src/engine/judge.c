/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/judge.h"

#include <string.h>

#include "base/span.h"
#include "core/reason.h"

/*
 * In a log with whole seconds an attempt in the second of the export may be older or
 * newer than the map. Retry once more, this long after it, so that the order is certain.
 */
#define DOUBT_MS 1100

#define SMTPS_PORT 465

/* maximal_backoff_time and maximal_queue_lifetime, as Postfix has them by default; for
 * before its settings were read. */
#define MAXIMAL_BACKOFF_MS        (4000 * SPAN_SECOND_MS)
#define MAXIMAL_QUEUE_LIFETIME_MS (5 * SPAN_DAY_MS)

struct destination_spans
judge_spans(const struct judge *judge)
{
	const struct postfix_settings *settings = judge->settings;
	int64_t backoff_ms = settings != NULL ? settings->backoff_ms : 0;
	int64_t lifetime_ms = settings != NULL ? settings->queue_lifetime_ms : 0;

	if (backoff_ms == 0)
		backoff_ms = MAXIMAL_BACKOFF_MS;
	return (struct destination_spans){
	    .measured = judge->prober != ANSWER_NO,
	    .listed = judge->asks_queue,
	    .attempts_ms = judge->config->ladder.may_after_ms + 2 * backoff_ms,
	    .alarm_ms = lifetime_ms != 0 ? lifetime_ms : MAXIMAL_QUEUE_LIFETIME_MS,
	    .apart_ms = judge->config->ladder.climb_apart_ms,
	    .policies = judge->config->mta_sts.enable,
	};
}

/* What was measured now is surer than a line of the log, which anybody may write. */
static enum cause
cause_of(const struct destination *d, const struct answers *answers)
{
	const struct measured *measured = answers != NULL && answers->witnesses != NULL
	    ? &answers->witnesses->measured
	    : NULL;

	return measured != NULL && measured->asked && measured->cause != CAUSE_NONE
	    ? measured->cause
	    : d->alarm.cause;
}

static int
match(const struct judge *judge, const struct destination *d, enum rule_dnssec dnssec,
    enum cause cause)
{
	struct rule_subject subject = {
	    .cause = cause,
	    .reason = str_of(d->alarm.reason),
	    .dsn = str_of(d->alarm.dsn),
	    .service = str_of(d->alarm.service),
	    .status = d->alarm.lost ? STR("bounced") : STR("deferred"),
	};

	return rules_match(judge->rules, judge->matcher, &subject, 0, dnssec, NULL);
}

/* What the rules say now: they may be others than when the line was read. */
static int
find_rule(
    const struct judge *judge, const struct destination *d, const struct answers *answers)
{
	return match(judge, d,
	    answers == NULL                   ? RULE_DNSSEC_ANY
	        : answers->dane.signed_domain ? RULE_DNSSEC_SECURE
	                                      : RULE_DNSSEC_INSECURE,
	    cause_of(d, answers));
}

/* As in a fold. */
const char *
judge_alarm_rule(const struct judge *judge, const struct destination *d)
{
	int rule = match(judge, d, RULE_DNSSEC_INSECURE, d->alarm.cause);

	if (rule < 0)
		rule = match(judge, d, RULE_DNSSEC_ANY, d->alarm.cause);
	return rule >= 0 ? rules_get(judge->rules, (size_t)rule)->name : "";
}

static const char *
rule_name(
    const struct judge *judge, const struct destination *d, const struct answers *answers)
{
	return rules_get(judge->rules, (size_t)find_rule(judge, d, answers))->name;
}

/* The pin that Postfix finds where d has no entry of its own; NULL: none. */
static const struct judge_parent *
pinned_parent(const struct judge *judge, const struct destination *d)
{
	const struct judge_parent *nearest = NULL;

	for (size_t i = 0; i < judge->parent_count; i++)
		if (nexthop_is_below(d->key, judge->parents[i].key) &&
		    (nearest == NULL ||
		        strlen(judge->parents[i].key) > strlen(nearest->key)))
			nearest = &judge->parents[i];
	return nearest;
}

/* A configured level stands; else a service of master.cf may have one of its own. */
static enum level
postfix_level(const struct judge *judge, const struct destination *d)
{
	if (judge->config->postfix.default_level != LEVEL_UNKNOWN ||
	    d->transport[0] == '\0')
		return judge->default_level;
	for (size_t i = 0; i < judge->service_count; i++)
		if (strcmp(judge->services[i].name, d->transport) == 0)
			return judge->services[i].level;
	return judge->default_level;
}

/* Without an entry of its own. */
static enum level
default_level(const struct judge *judge, const struct destination *d)
{
	const struct judge_parent *parent = pinned_parent(judge, d);

	return parent != NULL ? parent->level : postfix_level(judge, d);
}

/* Not behind a socket, nor where TLS begins with the first byte. */
static bool
can_probe(const struct destination *d)
{
	return d->port != 0 && d->port != SMTPS_PORT;
}

struct witnesses
judge_no_witnesses(const struct judge *judge)
{
	return (struct witnesses){
	    .queue = judge->asks_queue ? QUEUE_NOT_ASKED : QUEUE_NONE,
	    .shown_ms = WITNESSED_ANY,
	    .served_ms = WITNESSED_ANY,
	    .prober = judge->prober,
	    .canary = judge->prober == ANSWER_NO ? CANARY_NONE : CANARY_NOT_ASKED,
	};
}

/*
 * What the witnesses say: the queue, the servers, a canary. Where there is no prober the
 * ladder gets to know, and the reason of the deferral decides alone.
 */
static void
take_witnesses(const struct judge *judge, const struct destination *d,
    const struct answers *answers, struct evidence *ev)
{
	struct witnesses none = judge_no_witnesses(judge);
	const struct witnesses *w =
	    answers != NULL && answers->witnesses != NULL ? answers->witnesses : &none;

	ev->queue = w->queue;
	ev->shown_ms = w->shown_ms;
	ev->unread_ms = w->unread_ms;
	ev->served_ms = w->served_ms;
	ev->unplaced = ev->unplaced && judge->reads_on;
	ev->prober = can_probe(d) ? w->prober : ANSWER_NO;
	ev->measured = w->measured;
	ev->measured_gone = w->measured_gone;
	ev->canary = w->canary;
}

struct evidence
judge_evidence(const struct judge *judge, const struct destination *d,
    const struct answers *answers, int64_t now_ms)
{
	struct destination_spans spans = judge_spans(judge);
	struct evidence ev =
	    destination_evidence(d, answers, &spans, judge->proof_ms, now_ms);
	int rule = d->alarm.raised ? find_rule(judge, d, answers) : -1;

	ev.default_level = default_level(judge, d);
	/* The administrator's word as well, where nothing of its own stands above it. */
	ev.parent_pinned = pinned_parent(judge, d) != NULL;
	ev.pinned = ev.pinned || (ev.parent_pinned && d->entry.level == LEVEL_NONE);
	ev.pin_over = ev.pin_over && !ev.pinned;
	ev.can_dane = judge->can_dane;
	ev.frozen = judge->frozen;
	ev.thawed_ms = judge->thawed_ms;
	ev.worked_ms = judge->worked_ms;
	if (rule >= 0) {
		const struct rule_source *source = rules_get(judge->rules, (size_t)rule);

		ev.has_rule = true;
		ev.fault_ours = source->fault_ours;
		ev.rule_alert = source->alert;
		ev.rule_dnssec = source->dnssec;
		ev.rule_cause = source->cause != CAUSE_NONE;
		ev.fallback = source->fallback;
		ev.fallback_level = source->level;
		/* Where there is no policy any more it says nothing. */
		if (source->under_policy) {
			ev.fallback = FALLBACK_NEXT;
			ev.suspended = ev.suspended || !ev.sts_entry;
		}
		/* Whatever the rule says: words are no evidence. */
		if (reason_is_servers(str_of(d->alarm.reason))) {
			ev.fallback = FALLBACK_WAIT;
			ev.rule_dnssec = RULE_DNSSEC_ANY;
		}
	}
	if (answers != NULL) {
		ev.sts = answers->sts;
		ev.sts_attributes = answers->sts_attributes;
		ev.sts_allows_none = answers->sts_allows_none;
		ev.sts_asked = answers->sts_asked;
		ev.sts_lost = answers->sts_lost;
		ev.sts_ends_ms = answers->sts_ends_ms;
	}
	ev.no_authorities = judge->no_authorities;
	ev.met_ms = destination_met_ms(d, ladder_level_in_force(&ev));
	take_witnesses(judge, d, answers, &ev);
	return ev;
}

/* At a re-check the servers are asked for levels above the entry's. d is as it will be
 * judged. */
static bool
wants_probe(const struct judge *judge, const struct destination *d, int64_t now_ms)
{
	return destination_wants_probe(d, default_level(judge, d), now_ms);
}

static void
copy_as_judged(const struct judge *judge, const struct destination *d, int64_t now_ms,
    struct destination *next)
{
	struct destination_spans spans = judge_spans(judge);

	destination_copy(next, d);
	destination_catch_up(next, &spans, now_ms);
}

bool
judge_remembers(const struct judge *judge, const struct measure_settings *settings,
    const struct destination *d, int64_t now_ms, struct answers *answers)
{
	struct measure_item item = {.probing = MEASURE_PROBE_NONE};
	struct destination next;
	bool looks_for_news;

	copy_as_judged(judge, d, now_ms, &next);
	looks_for_news = !d->alarm.raised || wants_probe(judge, &next, now_ms);
	destination_clear(&next);
	if (looks_for_news || !nexthop_parse(str_of(d->key), &item.nexthop))
		return false;
	item.nexthop.port = d->port;
	measure_recall(d, now_ms, &item.answers);
	if (!measure_serves(settings, &item))
		return false;
	*answers = item.answers;
	/* A server that is not in the answer may be in a newer one. */
	return measure_relay_fits(d->alarm.relay, d->key, d->dns.text);
}

/* At a re-check that wants one, what the servers were measured to do is a probe. */
static bool
note_probe(const struct judge *judge, const struct destination *d, int64_t now_ms,
    struct answers *answers)
{
	struct evidence ev = {.prober = ANSWER_UNSURE};

	take_witnesses(judge, d, answers, &ev);
	if (!wants_probe(judge, d, now_ms) || !ev.measured.asked)
		return false;
	answers_note_measured(answers, &ev.measured, level_promise(d->entry.level),
	    default_level(judge, d));
	return true;
}

/* The next state of the destination, and what is decided on it. */
static struct decision
decide(const struct judge *judge, const struct ladder_policy *policy,
    const struct answers *answers, int64_t now_ms, struct destination *next,
    struct evidence *ev)
{
	struct destination_spans spans = judge_spans(judge);

	if (answers != NULL) {
		destination_take_answers(next, answers, &spans, now_ms);
		measure_keep(answers, now_ms, next);
	}
	*ev = judge_evidence(judge, next, answers, now_ms);
	/* What keeps the best host from a level above is not why mail fails at one that
	 * it meets. */
	if (ev->measured.meets[ladder_level_in_force(ev)] != ANSWER_YES)
		destination_name_cause(next, cause_of(next, answers));
	destination_take_measured(next, ev, &spans);
	return ladder_decide(policy, ev, now_ms);
}

bool
judge_destination(const struct judge *judge, struct destination *d,
    const struct answers *answers, int64_t now_ms, struct judged *out)
{
	const struct ladder_policy *policy = &judge->config->ladder;
	struct decision decision;
	struct destination next;
	struct answers with;
	struct evidence ev;
	bool wants = false;

	if (d->key[0] == '.' &&
	    (!d->pin.set || (d->pin.until_ms != 0 && d->pin.until_ms <= now_ms))) {
		destination_end_parent(d, now_ms, out);
		return true;
	}
	if (answers != NULL && destination_checks_servers(d)) {
		struct destination_spans spans = judge_spans(judge);

		destination_take_servers(d, answers, &spans, now_ms);
		measure_keep(answers, now_ms, d);
		*out =
		    (struct judged){.decision = {.action = ACTION_KEEP, .why = d->why}};
		return true;
	}
	copy_as_judged(judge, d, now_ms, &next);
	if (answers != NULL) {
		with = *answers;
		wants = wants_probe(judge, &next, now_ms) &&
		    !note_probe(judge, &next, now_ms, &with);
		answers = &with;
	}
	decision = decide(judge, policy, answers, now_ms, &next, &ev);
	if (decision.wants != 0) {
		*out = (struct judged){.decision = decision};
		destination_clear(&next);
		return false;
	}
	if (wants) { /* none is needed, or none can be made: it counts as made */
		destination_clear(&next);
		copy_as_judged(judge, d, now_ms, &next);
		answers_note_measured(&with, NULL, LEVEL_UNKNOWN, LEVEL_UNKNOWN);
		decision = decide(judge, policy, answers, now_ms, &next, &ev);
	}
	destination_decide(&next, &ev, &decision,
	    ev.has_rule ? rule_name(judge, d, answers) : NULL, policy->recheck_ms, now_ms,
	    out);
	destination_move(d, &next);
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
	bool held = judged->decision.action == ACTION_HOLD;
	struct decision_record record = {
	    .time_ms = now_ms,
	    .action = action_name(judged->decision.action),
	    .before = judged->before,
	    .after = held ? judged->decision.entry : destination_demand(d),
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
