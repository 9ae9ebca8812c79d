/* SPDX-License-Identifier: BSD-2-Clause */
/* Guard 7: secure usable TLSA records, those that Postfix does not see, and those that
 * are there no more. */
#include "core/ladder_impl.h"

#define BLIND_MS SPAN_DAY_MS /* Postfix is believed not to see TLSA so long */

/* The default was met lately, so that DANE has to be proven before it is demanded; under
 * the entry of a policy likewise. */
static bool
must_prove_dane(const struct evidence *ev)
{
	return (ev->entry.level == LEVEL_NONE || ev->sts_entry) &&
	    level_is_authenticated(ev->default_level) &&
	    ev->best_seen >= ev->default_level && ev->prober != ANSWER_NO;
}

/* The queue does not show what the alarm says: anybody may have written that line, of a
 * message that waits for another reason, while others flow without a certificate. Whether
 * they do with one the past tells (must_prove_dane()). */
static bool
is_unshown(const struct evidence *ev)
{
	return ev->deferral && !level_is_authenticated(ladder_level_in_force(ev)) &&
	    (ev->queue == QUEUE_NEWER || ev->queue == QUEUE_UNREADABLE);
}

/* Then the servers have to tell, or the queue. */
static struct decision
raise_unshown(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	struct decision d;

	if (ev->prober != ANSWER_NO && !ev->measured.asked)
		return ladder_wants(WANTS_SERVERS);
	if (ev->prober != ANSWER_NO && ev->measured.meets[LEVEL_DANE_ONLY] == ANSWER_YES)
		return ladder_set(
		    demand_of(LEVEL_DANE_ONLY), WHY_DANE, policy->recheck_ms, now_ms);
	if (ladder_misses_policy(ev))
		return ladder_lift_to_policy(policy, ev, now_ms);
	ladder_queue_settles(ev, now_ms, &d);
	return d;
}

static struct decision
raise_to_dane(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	if (is_unshown(ev))
		return raise_unshown(policy, ev, now_ms);
	if (must_prove_dane(ev)) {
		if (!ev->measured.asked)
			return ladder_wants(WANTS_SERVERS);
		/* What is not met is told when the floor is there. */
		if (ev->measured.meets[LEVEL_DANE_ONLY] != ANSWER_YES &&
		    ladder_misses_policy(ev))
			return ladder_lift_to_policy(policy, ev, now_ms);
		if (ev->measured.ours)
			return ladder_our_fault(ev, now_ms);
		if (ev->measured.meets[LEVEL_DANE_ONLY] == ANSWER_NO)
			return ladder_keep_and_alert(WHY_DANE_NOT_MET, 0);
		if (ev->measured.meets[LEVEL_DANE_ONLY] == ANSWER_UNSURE)
			return ladder_keep_and_alert(WHY_NO_ANSWER,
			    ladder_patience(ev->silent_since_ms, now_ms,
			        BACK_OFF_FIRST_MS, BACK_OFF_MAX_MS));
	}
	return ladder_set(
	    demand_of(LEVEL_DANE_ONLY), WHY_DANE, policy->recheck_ms, now_ms);
}

/*
 * Guard 2: Postfix's resolver does not see what ours does. dane-only would keep all mail
 * waiting, so it is tried again after a day, and not with the next deferral.
 */
bool
ladder_is_blind(const struct evidence *ev, int64_t now_ms)
{
	if (ev->deferral && ev->denies_tlsa && ev->dane.all_usable)
		return true;
	return ladder_present(ev) != LEVEL_DANE_ONLY && ev->denied_ms != 0 &&
	    now_ms < ev->denied_ms + BLIND_MS;
}

static struct decision
decide_blind(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	struct decision d;

	if (ev->deferral && ev->denies_tlsa && ladder_must_ask_queue(ev, now_ms, &d))
		return d;
	d = ladder_keep(WHY_RESOLVERS_DIFFER, now_ms + BLIND_MS);
	/* That they differ is told when the floor is there. */
	if (ev->entry.level == LEVEL_DANE_ONLY && ladder_misses_policy(ev))
		return ladder_lift_to_policy(policy, ev, now_ms);
	if (ev->entry.level == LEVEL_DANE_ONLY)
		d = ladder_without_entry(ev, WHY_RESOLVERS_DIFFER);
	else if (ev->entry.level == LEVEL_NONE && ev->default_level == LEVEL_DANE_ONLY)
		d.look_again_ms = 0;
	/* That it was tried again in vain is no news. */
	d.alert = d.action != ACTION_REMOVE || !ev->denied_again;
	return d;
}

struct decision
ladder_decide_usable(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	int64_t look_again_ms = now_ms + policy->recheck_ms;
	enum level present = ladder_present(ev);

	if (ladder_is_blind(ev, now_ms))
		return decide_blind(policy, ev, now_ms);
	if (present != LEVEL_DANE_ONLY) {
		if (ev->default_level == LEVEL_DANE_ONLY)
			return ladder_without_entry(ev, WHY_DANE);
		if (ev->can_dane == ANSWER_YES)
			return raise_to_dane(policy, ev, now_ms);
		if (ev->sts == STS_APPLIES_ENFORCE)
			return ladder_by_policy(policy, ev, now_ms);
		if (ev->can_dane == ANSWER_NO && ev->entry.level != LEVEL_NONE &&
		    level_promise(ev->entry.level) < level_promise(ev->default_level)) {
			struct decision d = ladder_without_entry(ev, WHY_DANE_IMPOSSIBLE);

			d.alert = true;
			return d;
		}
		return ladder_keep_and_alert(
		    WHY_DANE_IMPOSSIBLE, now_ms + BACK_OFF_MAX_MS);
	}
	if (ev->deferral && ev->can_dane == ANSWER_NO)
		return ladder_keep_and_alert(
		    WHY_DANE_IMPOSSIBLE, now_ms + BACK_OFF_MAX_MS);
	if (ev->entry.level == LEVEL_NONE)
		look_again_ms = 0;
	else if (ladder_is_default(ev, ev->entry))
		return ladder_without_entry(ev, WHY_NOT_NEEDED);
	return ev->deferral ? ladder_keep_and_alert(WHY_DANE_NOT_MET, look_again_ms)
	                    : ladder_keep(WHY_DANE, look_again_ms);
}

static int64_t
withdrawn_ms(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	return (ev->dane_absent_ms != 0 ? ev->dane_absent_ms : now_ms) +
	    policy->dane_withdrawn_ms;
}

static bool
is_withdrawn(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	return now_ms >= withdrawn_ms(policy, ev, now_ms);
}

bool
ladder_keeps_dane(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	return ladder_present(ev) == LEVEL_DANE_ONLY &&
	    (ev->entry.level == LEVEL_DANE_ONLY || ev->best_seen == LEVEL_DANE_ONLY) &&
	    !is_withdrawn(policy, ev, now_ms);
}

struct decision
ladder_decide_withdrawn(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	int64_t until_ms = withdrawn_ms(policy, ev, now_ms);
	int64_t look_again_ms = now_ms + BACK_OFF_MAX_MS;

	if (is_withdrawn(policy, ev, now_ms))
		return ladder_without_entry(ev, WHY_DANE_GONE);
	return ladder_keep_and_alert(
	    WHY_DANE_GOING, until_ms < look_again_ms ? until_ms : look_again_ms);
}
