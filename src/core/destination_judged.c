/* SPDX-License-Identifier: BSD-2-Clause */
/* A destination judged: answers in, evidence out, the decision carried out. */
#include "base/span.h"
#include "core/answers.h"
#include "core/destination_impl.h"

#define SEEN_MS    (90 * SPAN_DAY_MS) /* how long a better past counts */
#define SMTPS_PORT 465                /* smtp_tls_wrappermode */

void
judged_clear(struct judged *judged)
{
	demand_clear(&judged->before);
	*judged = (struct judged){.changed = false};
}

/* --- before it is judged ----------------------------------------------------------- */

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
destination_wants_probe(
    const struct destination *d, enum level default_level, int64_t now_ms)
{
	return !d->pin.set && (!d->alarm.raised || is_settled(d, now_ms)) &&
	    d->entry.level != LEVEL_NONE && d->entry.level != LEVEL_DANE_ONLY &&
	    d->entry.level < default_level && now_ms >= d->entry.lease_end_ms;
}

static void
bring_back(int64_t *at_ms, int64_t latest_ms, int64_t to_ms)
{
	if (*at_ms > latest_ms)
		*at_ms = to_ms;
}

/*
 * Clamps times in the future, left by a clock that was since set back. Our own may be a
 * minute ahead, the log's a day (time zone); what the log reported came before what is
 * decided. The past stays: should the clock be behind now, its times were right.
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

void
destination_catch_up(struct destination *d, int64_t now_ms)
{
	if (is_settled(d, now_ms))
		d->alarm.raised = false;
	mend_times(d, now_ms);
	/* The re-check at its end is a day late: the clock was behind, or the daemon off.
	 * Whether mail failed all that time is not known. */
	if (d->hold.since_ms != 0 && d->look_ms != 0 && now_ms - d->look_ms > SPAN_DAY_MS)
		d->hold.since_ms = now_ms;
}

static void
note_dns(struct destination *d, const struct answers *answers, int64_t now_ms)
{
	enum dane_state state = answers->dane.state;
	bool gone =
	    state == DANE_NONE || state == DANE_UNUSABLE || state == DANE_INSECURE_MX;

	str_copy(str_of(dane_state_name(state)), d->dns.state, sizeof(d->dns.state));
	str_copy(str_of(answers->text), d->dns.text, sizeof(d->dns.text));
	if (!answers->remembered) {
		d->dns.time_ms = now_ms;
		d->dns.until_ms = now_ms + dane_serves_ms(&answers->dane);
		d->dns.signed_domain = answers->dane.signed_domain;
	}
	if (state != DANE_UNSURE)
		d->dns.failures = 0;
	else if (!answers->dane.stale_absence)
		d->dns.failures++;
	if (state == DANE_USABLE)
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
	if (answers->probe_works == ANSWER_YES) {
		destination_seen(d, answers->probed, now_ms);
		d->probe.clean =
		    d->probe.level == answers->probed ? d->probe.clean + 1 : 1;
	} else if (answers->probe_works == ANSWER_NO) {
		d->probe.clean = 0;
	}
	d->probe.level = answers->probed;
	d->probe.works = answers->probe_works;
	d->probe.time_ms = now_ms;
}

void
destination_take_answers(
    struct destination *d, const struct answers *answers, int64_t now_ms)
{
	note_dns(d, answers, now_ms);
	if (answers->probe_asked)
		note_probe(d, answers, now_ms);
}

void
destination_recall(const struct destination *d, int64_t now_ms, struct answers *out)
{
	*out = (struct answers){
	    .remembered = true,
	    .asked_ms = d->dns.time_ms,
	    .other_map = ANSWER_NO,
	    .dane = {.state = DANE_UNSURE, .signed_domain = d->dns.signed_domain},
	    .relay_fits = true,
	};
	/* What is left of its time; nothing where the clock was set back since. */
	if (d->dns.time_ms <= now_ms && now_ms < d->dns.until_ms) {
		int64_t rest_s = (d->dns.until_ms - now_ms + 999) / 1000;

		out->dane.ttl_s = rest_s < UINT32_MAX ? (uint32_t)rest_s : UINT32_MAX;
	}
	dane_state_parse(str_of(d->dns.state), &out->dane.state);
	str_copy(str_of(d->dns.text), out->text, sizeof(out->text));
}

/* --- evidence ---------------------------------------------------------------------- */

/*
 * Counted back from the last proof that verification works here: where the clock is a
 * year ahead no certificate verifies, and a past of yesterday must still count.
 */
static enum level
best_seen(const struct destination_past *past, int64_t verified_ms, int64_t now_ms)
{
	if (verified_ms != 0 && verified_ms < now_ms)
		now_ms = verified_ms;
	if (past->dane_ms != 0 && now_ms - past->dane_ms < SEEN_MS)
		return LEVEL_DANE_ONLY;
	if (past->secure_ms != 0 && now_ms - past->secure_ms < SEEN_MS)
		return LEVEL_SECURE;
	if (past->verify_ms != 0 && now_ms - past->verify_ms < SEEN_MS)
		return LEVEL_VERIFY;
	if (past->encrypt_ms != 0 && now_ms - past->encrypt_ms < SEEN_MS)
		return LEVEL_ENCRYPT;
	return LEVEL_UNKNOWN;
}

struct evidence
destination_evidence(const struct destination *d, const struct answers *answers,
    int64_t verified_ms, int64_t now_ms)
{
	struct nexthop nexthop;
	struct evidence ev = {
	    .entry = destination_demand(d),
	    .force_ms = d->entry.force_ms,
	    .pinned = d->pin.set && (d->pin.until_ms == 0 || now_ms < d->pin.until_ms),
	    .lease_ms = d->entry.lease_ms,
	    .lease_end_ms = d->entry.lease_end_ms,
	    .deferral = d->alarm.raised,
	    .suspended = d->alarm.suspended,
	    .policy_refused = d->alarm.policy_refused,
	    .attempt_level = d->alarm.attempt_level,
	    .attempt_ms = d->alarm.attempt_ms,
	    .attempts = d->alarm.attempts,
	    .first_attempt_ms = d->alarm.first_attempt_ms,
	    .last_attempt_ms = d->alarm.last_attempt_ms,
	    .other_map = answers != NULL ? answers->other_map : ANSWER_UNSURE,
	    .dns_failures = d->dns.failures,
	    .best_seen = best_seen(&d->past, verified_ms, now_ms),
	    .hold_since_ms = d->hold.since_ms,
	    .dane_absent_ms = d->entry.dane_absent_ms,
	    .trial = now_ms - d->entry.since_ms <= d->entry.lease_ms ? d->entry.trial
	                                                             : LEVEL_NONE,
	};

	if (answers == NULL)
		return ev;
	ev.dane = answers->dane;
	ev.elsewhere = !answers->relay_fits;
	ev.wrapper =
	    nexthop_parse(str_of(d->key), &nexthop) && nexthop.port == SMTPS_PORT;
	if (answers->probed != LEVEL_UNKNOWN)
		ev.probe = (struct probe_evidence){.level = d->probe.level,
		    .works = d->probe.works,
		    .clean = d->probe.clean};
	return ev;
}

/* --- the decision ------------------------------------------------------------------ */

/* It goes on after a moment in which nothing could be told: that is no news. */
static bool
is_old_hold(const struct destination *d, const struct decision *decision)
{
	return decision->why == WHY_HOLD && d->hold.since_ms != 0 &&
	    why_could_not_tell(d->why) && d->hold.level == decision->entry.level;
}

static void
note_hold(struct destination *d, const struct decision *decision, enum level best,
    int64_t now_ms)
{
	/* Whoever disturbs DNS for a moment must not be able to begin a hold anew. */
	if (why_could_not_tell(decision->why))
		return;
	if (decision->action != ACTION_HOLD) {
		destination_forget_hold(d);
		return;
	}
	d->hold.level = decision->entry.level;
	/* What a freeze holds and never did better must not count as a reason for it. */
	if (decision->why != WHY_HOLD &&
	    (decision->why != WHY_FREEZE || best <= decision->entry.level))
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
set_lease(struct destination *d, int64_t lease_ms, int64_t now_ms)
{
	d->entry.lease_ms = lease_ms;
	d->entry.lease_end_ms = now_ms + spread(d->key, lease_ms);
}

static struct demand
entry_after(const struct destination *d, const struct decision *decision)
{
	return decision->action == ACTION_SET   ? decision->entry
	    : decision->action == ACTION_REMOVE ? demand_of(LEVEL_NONE)
	                                        : destination_demand(d);
}

static void
change_entry(struct destination *d, const struct decision *decision, int64_t now_ms)
{
	/* What it climbed from, should it fall back soon. A pin was no finding of ours.
	 */
	bool climbs = decision->why == WHY_TRIAL || decision->why == WHY_PROBED;
	enum level trial = climbs && !d->pin.set ? d->entry.level : LEVEL_NONE;

	destination_reset_entry(d, entry_after(d, decision), decision->why, now_ms);
	d->entry.trial = trial;
	if (d->entry.level != LEVEL_NONE)
		set_lease(d, decision->lease_ms, now_ms);
}

/* When to re-check; never a time that is over: it would be judged without end. */
static int64_t
next_look(const struct destination *d, const struct decision *decision,
    int64_t recheck_ms, int64_t now_ms)
{
	if (d->pin.set)
		return d->pin.until_ms;
	if (d->entry.level == LEVEL_NONE ||
	    (decision->look_again_ms != 0 && decision->lease_ms == 0))
		return decision->look_again_ms;
	return d->entry.lease_end_ms > now_ms ? d->entry.lease_end_ms
	                                      : now_ms + recheck_ms;
}

/* An echo tells nothing new: what was last decided still stands. */
static bool
is_change(const struct destination *d, const struct decision *decision, bool map_changed)
{
	if (decision->why == WHY_ECHO)
		return false;
	return map_changed || decision->why != d->why ||
	    (decision->action == ACTION_HOLD && decision->entry.level != d->hold.level);
}

void
destination_decide(struct destination *d, const struct evidence *ev,
    const struct decision *decision, const char *rule, int64_t recheck_ms, int64_t now_ms,
    struct judged *out)
{
	struct demand before = destination_demand(d);
	bool map_changed = !demand_equal(entry_after(d, decision), before);
	bool changed = is_change(d, decision, map_changed);

	*out = (struct judged){.decision = *decision,
	    .before = demand_copy(before),
	    .map_changed = map_changed,
	    .changed = changed,
	    /* A change is news, and so is the failure of DNS that makes it too many. */
	    .tell = decision->alert && !is_old_hold(d, decision) &&
	        (changed || (decision->why == WHY_DNS_UNSURE && !ev->dane.distrusted))};
	note_hold(d, decision, ev->best_seen, now_ms);
	if (map_changed)
		change_entry(d, decision, now_ms);
	else if (decision->lease_ms != 0)
		set_lease(d, decision->lease_ms, now_ms);
	if (!ev->pinned)
		d->pin.set = false;
	if (rule != NULL)
		str_copy(str_of(rule), d->alarm.rule, sizeof(d->alarm.rule));
	if (decision->why != WHY_ECHO)
		d->why = decision->why;
	if (decision->why != WHY_ECHO || d->look_ms <= now_ms)
		d->look_ms = next_look(d, decision, recheck_ms, now_ms);
	d->alarm.pending = false;
	/* What the decision borrowed from the entry before is gone. */
	if (decision->action == ACTION_SET)
		out->decision.entry = destination_demand(d);
}
