/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/ladder.h"

#include "base/span.h"

#define BACK_OFF_FIRST_MS (30 * SPAN_SECOND_MS)
#define BACK_OFF_MAX_MS   SPAN_HOUR_MS
#define PROBE_AGAIN_MS    SPAN_HOUR_MS /* between two clean probes */
#define FREEZE_LOOK_MS    (5 * SPAN_MINUTE_MS)
/* An absence that may have expired counts when it is still there so much later. */
#define STALE_ABSENCE_MS 60000

#define TELL_AFTER 2 /* so many answers in a row could not tell: say so, once */

static const char *const action_names[ACTION_COUNT] = {
    [ACTION_KEEP] = "keep",
    [ACTION_SET] = "set",
    [ACTION_REMOVE] = "remove",
    [ACTION_HOLD] = "hold",
};

const char *
action_name(enum action action)
{
	return action_names[action];
}

static enum level
present_level(const struct evidence *ev)
{
	return ev->entry.level != LEVEL_NONE ? ev->entry.level : ev->default_level;
}

/* What a level comes to: `dane` depends on the records (RFC 7672 2.2). */
static enum level
effective_level(const struct evidence *ev, enum level level)
{
	if (level != LEVEL_DANE)
		return level;
	return ev->dane.state == DANE_UNUSABLE ? LEVEL_ENCRYPT : LEVEL_MAY;
}

static struct decision
keep(enum why why, int64_t look_again_ms)
{
	return (struct decision){
	    .action = ACTION_KEEP, .why = why, .look_again_ms = look_again_ms};
}

static struct decision
keep_and_tell(enum why why, int64_t look_again_ms)
{
	struct decision d = keep(why, look_again_ms);

	d.alert = true;
	return d;
}

static struct decision
hold(struct demand entry, enum why why, int64_t look_again_ms)
{
	/* A freeze is one cause: it is told once, by whoever sees it (guard 12). */
	return (struct decision){.action = ACTION_HOLD,
	    .entry = entry,
	    .why = why,
	    .look_again_ms = look_again_ms,
	    .alert = why != WHY_MAY_AFTER && why != WHY_FREEZE};
}

static struct decision
set(struct demand entry, enum why why, int64_t lease_ms, int64_t now_ms)
{
	return (struct decision){.action = ACTION_SET,
	    .entry = entry,
	    .why = why,
	    .look_again_ms = now_ms + lease_ms,
	    .lease_ms = lease_ms,
	    .retry = true};
}

/* No entry of ours; without one there is nothing to do. */
static struct decision
without_entry(const struct evidence *ev, enum why why)
{
	if (ev->entry.level == LEVEL_NONE)
		return keep(why, 0);
	return (struct decision){.action = ACTION_REMOVE, .why = why, .retry = true};
}

/* Guard 13: does the default, which has no attributes, do the same? */
static bool
is_default(const struct evidence *ev, struct demand entry)
{
	return demand_equal(entry, demand_of(ev->default_level)) ||
	    demand_equal(entry, demand_of(effective_level(ev, ev->default_level)));
}

/* The entry is weaker than is allowed now: no weaker than the floor, and no stronger than
 * the default. */
static struct decision
raise_entry(const struct ladder_policy *policy, const struct evidence *ev,
    enum level floor, enum why why, int64_t now_ms)
{
	return ev->default_level <= floor || is_default(ev, demand_of(floor))
	    ? without_entry(ev, why)
	    : set(demand_of(floor), why, policy->recheck_ms, now_ms);
}

/* 30 s, 1 min, 2 min ... 1 h */
static int64_t
back_off(const struct evidence *ev, int64_t now_ms)
{
	unsigned doublings = ev->dns_failures > 0 ? ev->dns_failures - 1 : 0;
	int64_t wait_ms = BACK_OFF_FIRST_MS;

	while (doublings-- > 0 && wait_ms < BACK_OFF_MAX_MS)
		wait_ms *= 2;
	return now_ms + (wait_ms < BACK_OFF_MAX_MS ? wait_ms : BACK_OFF_MAX_MS);
}

static int64_t
doubled(const struct ladder_policy *policy, int64_t lease_ms)
{
	int64_t twice = lease_ms > 0 ? lease_ms * 2 : policy->recheck_ms;

	return twice < policy->recheck_max_ms ? twice : policy->recheck_max_ms;
}

/* --- guards 1 to 4, and 11 for an entry that is there ------------------------------- */

static bool
is_echo(const struct evidence *ev)
{
	if (ev->suspended || ev->attempt_ms < ev->force_ms)
		return true;
	return ev->attempt_level != LEVEL_UNKNOWN &&
	    ev->attempt_level != present_level(ev);
}

/*
 * Is our entry what Postfix complains of? A plain level cannot be: then it is a map that
 * cannot be read, this one or another, and every entry would go, one by one.
 */
static bool
is_entry_refused(const struct evidence *ev)
{
	if (!ev->policy_refused || ev->entry.level == LEVEL_NONE || is_echo(ev))
		return false;
	return demand_attributes(ev->entry)[0] != '\0' ||
	    (ev->entry.level == LEVEL_DANE_ONLY && ev->can_dane == ANSWER_NO);
}

/* A try under the present level would tell, unless there was one. */
static struct decision
decide_echo(const struct evidence *ev)
{
	struct decision d = keep(WHY_ECHO, 0);

	d.retry = ev->attempts == 0 || ev->last_attempt_ms < ev->force_ms;
	return d;
}

static struct decision
decide_pinned(const struct evidence *ev)
{
	if (!ev->deferral)
		return keep(WHY_PINNED, 0);
	return is_echo(ev) ? decide_echo(ev) : keep_and_tell(WHY_PIN_NOT_MET, 0);
}

bool
ladder_decide_early(const struct ladder_policy *policy, const struct evidence *ev,
    int64_t now_ms, struct decision *out)
{
	if (ev->pinned) {
		*out = decide_pinned(ev);
	} else if (ev->deferral && ev->fault_ours) {
		/* Without our entry Postfix is back at the default: never weaker. */
		*out = is_entry_refused(ev) ? without_entry(ev, WHY_OUR_ENTRY)
		                            : keep(WHY_OUR_FAULT, 0);
		out->alert = true;
	} else if (ev->default_level == LEVEL_UNKNOWN) {
		*out = keep(WHY_OUR_FAULT, now_ms + BACK_OFF_FIRST_MS);
	} else if (ev->entry.level != LEVEL_NONE && ev->entry.level < policy->lowest) {
		*out = raise_entry(policy, ev, policy->lowest, WHY_LOWEST, now_ms);
	} else if (ev->deferral && !ev->has_rule) {
		*out = keep(WHY_NO_RULE, 0);
	} else if (ev->deferral && ev->fallback == FALLBACK_WAIT &&
	    ev->rule_dnssec == RULE_DNSSEC_ANY) {
		*out = keep(WHY_RULE_WAITS, 0);
		out->alert = ev->rule_alert;
	} else if (ev->deferral && is_echo(ev)) {
		*out = decide_echo(ev);
	} else {
		return false;
	}
	return true;
}

/* --- guard 7 ----------------------------------------------------------------------- */

static struct decision
decide_usable(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	int64_t look_again_ms = now_ms + policy->recheck_ms;
	enum level present = present_level(ev);

	if (present != LEVEL_DANE_ONLY) {
		if (ev->default_level == LEVEL_DANE_ONLY)
			return without_entry(ev, WHY_DANE);
		if (ev->can_dane == ANSWER_YES)
			return set(demand_of(LEVEL_DANE_ONLY), WHY_DANE,
			    policy->recheck_ms, now_ms);
		if (ev->can_dane == ANSWER_NO && ev->entry.level != LEVEL_NONE &&
		    ev->entry.level < ev->default_level) {
			struct decision d = without_entry(ev, WHY_DANE_IMPOSSIBLE);

			d.alert = true;
			return d;
		}
		return keep_and_tell(WHY_DANE_IMPOSSIBLE, now_ms + BACK_OFF_MAX_MS);
	}
	if (ev->deferral && ev->can_dane == ANSWER_NO)
		return keep_and_tell(WHY_DANE_IMPOSSIBLE, now_ms + BACK_OFF_MAX_MS);
	if (ev->entry.level == LEVEL_NONE)
		look_again_ms = 0;
	else if (is_default(ev, ev->entry))
		return without_entry(ev, WHY_NOT_NEEDED);
	return ev->deferral ? keep_and_tell(WHY_DANE_NOT_MET, look_again_ms)
	                    : keep(WHY_DANE, look_again_ms);
}

/* Our dane-only entry, and no usable TLSA any more: only lasting proof ends it. */
static struct decision
decide_withdrawn(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	int64_t since_ms = ev->dane_absent_ms != 0 ? ev->dane_absent_ms : now_ms;
	int64_t until_ms = since_ms + policy->dane_withdrawn_ms;
	int64_t look_again_ms = now_ms + BACK_OFF_MAX_MS;

	if (now_ms >= until_ms)
		return without_entry(ev, WHY_DANE_GONE);
	return keep_and_tell(
	    WHY_DANE_GOING, until_ms < look_again_ms ? until_ms : look_again_ms);
}

/* Guards 8 and 9: whoever publishes TLSA records has promised TLS. */
static bool
is_tls_mandatory(const struct evidence *ev)
{
	return ev->dane.state == DANE_UNUSABLE || ev->dane.state == DANE_INSECURE_MX;
}

static struct decision
decide_cleartext(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	enum why why =
	    ev->dane.state == DANE_UNUSABLE ? WHY_TLSA_UNUSABLE : WHY_INSECURE_MX;
	struct decision d =
	    ev->default_level == LEVEL_DANE /* which does no less by itself */
	    ? without_entry(ev, why)
	    : raise_entry(policy, ev, LEVEL_ENCRYPT, why, now_ms);

	d.alert = true;
	return d;
}

/* --- guards 8 to 13 ---------------------------------------------------------------- */

/* `verify` asks for another name than `secure`, and needs no TLSA as `dane-only` does. */
static enum level
next_rung(enum level level)
{
	if (level == LEVEL_DANE_ONLY || level == LEVEL_SECURE)
		return LEVEL_VERIFY;
	if (level > LEVEL_ENCRYPT)
		return LEVEL_ENCRYPT;
	return level == LEVEL_ENCRYPT ? LEVEL_MAY : LEVEL_NONE;
}

/*
 * The strongest weaker level at which the reason need not come again; LEVEL_NONE: there
 * is none. A fallback of encrypt says that authentication failed, so another kind of
 * authentication is tried first; one of may says that there is no TLS at all.
 */
static enum level
weaker_level(enum level present, enum fallback fallback, enum level fallback_level)
{
	enum level next = next_rung(present);

	if (fallback == FALLBACK_NEXT)
		return next;
	if (fallback_level >= present)
		return LEVEL_NONE;
	if (fallback_level == LEVEL_ENCRYPT && level_is_authenticated(next))
		return next;
	return fallback_level;
}

static enum why
step_why(enum fallback fallback, enum level fallback_level)
{
	if (fallback == FALLBACK_NEXT)
		return WHY_ONE_RUNG;
	return fallback_level == LEVEL_MAY    ? WHY_NOT_ENCRYPTED
	    : fallback_level == LEVEL_ENCRYPT ? WHY_NOT_AUTHENTIC
	                                      : WHY_NO_DANE;
}

/* Guard 11: cleartext only after several attempts over some time. One has no span. */
static bool
is_too_early_for_may(const struct ladder_policy *policy, const struct evidence *ev)
{
	if (ev->attempts < policy->may_after_attempts)
		return true;
	return policy->may_after_attempts > 1 &&
	    ev->last_attempt_ms - ev->first_attempt_ms < policy->may_after_ms;
}

/* Once the time is over, one more attempt is made to decide it, a minute apart. */
static struct decision
wait_for_may(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	int64_t over_ms = ev->first_attempt_ms + policy->may_after_ms;
	struct decision d = hold(demand_of(LEVEL_MAY), WHY_MAY_AFTER,
	    now_ms < over_ms ? over_ms : now_ms + SPAN_MINUTE_MS);

	d.retry = now_ms >= over_ms;
	return d;
}

/* Until the time is over and an attempt after it failed as well: what failed an hour ago
 * does not tell what would fail now. */
static bool
is_held(const struct ladder_policy *policy, const struct evidence *ev, enum level level,
    int64_t now_ms, int64_t *until_ms)
{
	int64_t since_ms = ev->hold_since_ms != 0 ? ev->hold_since_ms : now_ms;

	*until_ms = since_ms +
	    (level == LEVEL_MAY ? policy->hold_may_ms : policy->hold_encrypt_ms);
	return ev->best_seen > level &&
	    (now_ms < *until_ms || ev->last_attempt_ms < *until_ms);
}

static struct decision
decide_step(const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	enum level present = effective_level(ev, present_level(ev));
	enum level level = weaker_level(present, ev->fallback, ev->fallback_level);
	enum why why = step_why(ev->fallback, ev->fallback_level);
	int64_t until_ms;

	if (level == LEVEL_NONE || (level == LEVEL_MAY && ev->wrapper))
		return keep(WHY_NOTHING_WEAKER, 0);
	if (level == LEVEL_MAY && ev->dane.state == DANE_UNUSABLE)
		return keep_and_tell(WHY_TLSA_UNUSABLE, 0);
	if (level == LEVEL_MAY && ev->dane.state == DANE_INSECURE_MX)
		return keep_and_tell(WHY_INSECURE_MX, 0);
	if (level < policy->lowest)
		return hold(demand_of(level), WHY_LOWEST, 0);
	if (ev->frozen || ev->last_attempt_ms < ev->thawed_ms) {
		struct decision d = hold(demand_of(level), WHY_FREEZE,
		    ev->frozen ? now_ms + FREEZE_LOOK_MS : 0);

		/* What failed by our fault must fail again without it. */
		d.retry = !ev->frozen;
		return d;
	}
	/* It climbed not long ago: what it needed before is no news, no waiting again. */
	if (ev->trial != LEVEL_NONE && level <= ev->trial && ev->trial < present)
		return set(demand_of(ev->trial), WHY_TRIAL_FAILED,
		    doubled(policy, ev->lease_ms), now_ms);
	/* Before may_after, which tells nobody: whoever did better must not wait unseen.
	 */
	if (is_held(policy, ev, level, now_ms, &until_ms)) {
		struct decision d =
		    hold(demand_of(level), WHY_HOLD, now_ms < until_ms ? until_ms : 0);

		d.retry = now_ms >= until_ms;
		return d;
	}
	if (level == LEVEL_MAY && is_too_early_for_may(policy, ev))
		return wait_for_may(policy, ev, now_ms);
	if (is_default(ev, demand_of(level)))
		return without_entry(ev, WHY_NOT_NEEDED);
	return set(demand_of(level), why, policy->recheck_ms, now_ms);
}

/* --- the way up -------------------------------------------------------------------- */

static struct decision
decide_lease(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	int64_t lease_ms;

	if (ev->entry.level == LEVEL_NONE)
		return keep(WHY_NOT_NEEDED, 0);
	if (is_default(ev, ev->entry))
		return without_entry(ev, WHY_NOT_NEEDED);
	if (now_ms < ev->lease_end_ms)
		return keep(WHY_STILL_NEEDED, ev->lease_end_ms);
	if (ev->probe.level == LEVEL_UNKNOWN) /* nothing can probe: let mail itself try */
		return without_entry(ev, WHY_TRIAL);
	if (ev->probe.works == ANSWER_UNSURE)
		return keep(WHY_STILL_NEEDED, now_ms + PROBE_AGAIN_MS);
	if (ev->probe.works == ANSWER_NO) {
		lease_ms = doubled(policy, ev->lease_ms);
		struct decision d = keep(WHY_STILL_NEEDED, now_ms + lease_ms);

		d.lease_ms = lease_ms;
		return d;
	}
	if (ev->probe.clean < 2)
		return keep(WHY_PROBED, now_ms + PROBE_AGAIN_MS);
	if (ev->probe.level >= ev->default_level)
		return without_entry(ev, WHY_PROBED);
	return set(demand_of(ev->probe.level), WHY_PROBED, policy->recheck_ms, now_ms);
}

/* A rule's alert is about what is weakened, and about mail that waits. */
static bool
is_climb(const struct evidence *ev, const struct decision *d)
{
	enum level after = d->action == ACTION_SET ? d->entry.level
	    : d->action == ACTION_REMOVE           ? ev->default_level
	                                           : LEVEL_NONE;

	return after > present_level(ev);
}

struct decision
ladder_decide(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	struct decision d;

	if (ladder_decide_early(policy, ev, now_ms, &d))
		return d;
	if (ev->other_map == ANSWER_YES)
		return without_entry(ev, WHY_OTHER_MAP);
	if (ev->other_map == ANSWER_UNSURE) {
		d = keep_and_tell(WHY_OTHER_MAP_UNSURE, now_ms + BACK_OFF_FIRST_MS);
	} else if (ev->dane.state == DANE_UNSURE) {
		/*
		 * "We could not ask" is not "there is none": whoever can break DNS for us
		 * must not be able to talk us down.
		 */
		d = keep(WHY_DNS_UNSURE,
		    ev->dane.stale_absence ? now_ms + STALE_ABSENCE_MS
		                           : back_off(ev, now_ms));
		d.alert = ev->dane.distrusted ||
		    (ev->dns_failures == TELL_AFTER && !ev->dane.stale_absence);
	} else if (ev->dane.state == DANE_NO_MAIL) {
		d = keep(WHY_NO_MAIL, 0);
	} else if (ev->deferral && ev->elsewhere) {
		d = keep_and_tell(WHY_ELSEWHERE, 0);
	} else if (ev->dane.state == DANE_USABLE) {
		d = decide_usable(policy, ev, now_ms);
	} else if (ev->entry.level == LEVEL_DANE_ONLY &&
	    ev->default_level != LEVEL_DANE_ONLY) {
		d = decide_withdrawn(policy, ev, now_ms);
	} else if (ev->entry.level == LEVEL_MAY && is_tls_mandatory(ev)) {
		d = decide_cleartext(policy, ev, now_ms);
	} else if (!ev->deferral) {
		d = decide_lease(policy, ev, now_ms);
	} else if (ev->dane.state == DANE_INSECURE_MX &&
	    ev->default_level == LEVEL_DANE) {
		d = keep_and_tell(WHY_INSECURE_MX, 0);
	} else if (ev->fallback == FALLBACK_WAIT) { /* with its dnssec condition met */
		d = keep_and_tell(WHY_SIGNED, 0);
	} else {
		d = decide_step(policy, ev, now_ms);
	}
	d.alert = d.alert || (ev->deferral && ev->rule_alert && !is_climb(ev, &d));
	return d;
}
