/* SPDX-License-Identifier: BSD-2-Clause */
/* Guard 10: an enforced MTA-STS policy. */
#include "core/ladder_impl.h"

#define POLICY_LOOK_MS    SPAN_DAY_MS
#define POLICY_AGE_MAX_MS (STS_MAX_AGE_MAX_S * (int64_t)SPAN_SECOND_MS)

/* Every recheck, and when it ends. */
static int64_t
policy_look(const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	int64_t look_ms = now_ms + policy->recheck_ms;

	return ev->sts_ends_ms > now_ms && ev->sts_ends_ms < look_ms ? ev->sts_ends_ms
	                                                             : look_ms;
}

/* Does this Postfix know what would have to be in the entry, and can it verify? */
static bool
can_enforce(const struct evidence *ev)
{
	return ev->sts_attributes != NULL && !ev->no_authorities;
}

/* That nothing verifies has one cause for all policies, which is told once; of a
 * destination only what waits is. */
static struct decision
note_impossible(const struct evidence *ev, struct decision d)
{
	d.why = ev->no_authorities ? WHY_OUR_FAULT : WHY_POLICY_IMPOSSIBLE;
	d.alert = !ev->no_authorities || (ev->deferral && d.action == ACTION_KEEP);
	return d;
}

static struct decision
decide_impossible(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	bool weaker = ev->entry.level != LEVEL_NONE &&
	    level_promise(ev->entry.level) < level_promise(ev->default_level);

	return note_impossible(ev,
	    weaker || ev->sts_entry
	        ? ladder_without_entry(ev, WHY_POLICY_IMPOSSIBLE)
	        : ladder_keep(WHY_POLICY_IMPOSSIBLE, policy_look(policy, ev, now_ms)));
}

/* Where nobody verifies no policy is met, and the freeze was alerted for all of them.
 * What failed by our fault must fail again without it. */
static bool
decide_frozen(const struct evidence *ev, int64_t now_ms, struct decision *out)
{
	bool frozen =
	    ev->canary == CANARY_FAILS || (ev->frozen && ev->canary != CANARY_VERIFIES);

	if (!frozen && ev->last_attempt_ms >= ev->thawed_ms)
		return false;
	*out = ladder_keep(WHY_FREEZE, frozen ? now_ms + FREEZE_LOOK_MS : 0);
	out->retry = !frozen;
	return true;
}

/* The administrator wants more of all below a parent. */
static bool
is_below_dane_pin(const struct evidence *ev)
{
	return ev->parent_pinned && ev->default_level == LEVEL_DANE_ONLY;
}

bool
ladder_misses_policy(const struct evidence *ev)
{
	struct demand entry = {LEVEL_SECURE, ev->sts_attributes};

	return ev->sts == STS_APPLIES_ENFORCE && can_enforce(ev) &&
	    !is_below_dane_pin(ev) && !demand_equal(ev->entry, entry);
}

/* Anybody can answer that a domain in an unsigned zone takes no mail, and something else
 * later. */
static bool
is_proven_without_mail(const struct evidence *ev)
{
	return ev->dane.state == DANE_NO_MAIL && ev->dane.signed_domain;
}

/*
 * Is its entry to be made, whatever else cannot be told and whatever the reason was? Not
 * where DANE does more: by an entry, by the default while DNS cannot tell or DANE is not
 * gone for long enough, and by records that this Postfix can use and its resolver sees.
 */
bool
ladder_lacks_policy(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	if (!ev->asked || ev->other_map == ANSWER_YES || !ladder_misses_policy(ev))
		return false;
	/* What is ours already is kept right: it may be what this Postfix refuses. */
	if (ev->other_map == ANSWER_UNSURE && !ev->sts_entry)
		return false;
	if (ev->entry.level == LEVEL_DANE_ONLY || is_proven_without_mail(ev))
		return false;
	if (ladder_present(ev) == LEVEL_DANE_ONLY)
		return ev->dane.state != DANE_UNSURE && ev->dane.state != DANE_USABLE &&
		    ev->dane.state != DANE_NO_MAIL &&
		    !ladder_keeps_dane(policy, ev, now_ms);
	return ev->dane.state != DANE_USABLE || ev->can_dane != ANSWER_YES ||
	    ladder_is_blind(ev, now_ms);
}

/* While DNS cannot tell, and where there are records of which there is more to tell, it
 * is looked at again soon. */
struct decision
ladder_lift_to_policy(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	struct demand entry = {LEVEL_SECURE, ev->sts_attributes};
	struct decision d = ladder_set(entry, WHY_POLICY, policy->recheck_ms, now_ms);

	if (ev->dane.state == DANE_UNSURE || ev->dane.state == DANE_USABLE)
		d.look_again_ms =
		    ladder_back_off(ev->dns_failures, now_ms, BACK_OFF_MAX_MS);
	else if (ev->dane.state == DANE_NO_MAIL)
		d.look_again_ms = now_ms + BACK_OFF_MAX_MS;
	d.alert = ev->sts_allows_none;
	return d;
}

/* Whatever keeps it from its entry may be over tomorrow, and nobody tells. */
void
ladder_watch_policy(const struct evidence *ev, int64_t now_ms, struct decision *d)
{
	struct demand entry = {LEVEL_SECURE, ev->sts_attributes};
	struct demand after = d->action == ACTION_SET ? d->entry
	    : d->action == ACTION_REMOVE              ? demand_of(LEVEL_NONE)
	                                              : ev->entry;
	int64_t look_ms = now_ms + POLICY_LOOK_MS;

	if (d->wants != 0 || ev->sts != STS_APPLIES_ENFORCE ||
	    after.level == LEVEL_DANE_ONLY ||
	    (can_enforce(ev) && demand_equal(after, entry)))
		return;
	if (ev->sts_ends_ms > now_ms && ev->sts_ends_ms < look_ms)
		look_ms = ev->sts_ends_ms;
	if (d->look_again_ms == 0 || d->look_again_ms > look_ms)
		d->look_again_ms = look_ms;
}

/* That none is announced ends no policy that lives, and how long that one does is not
 * known: the answer may be forged, or of a zone that is broken for a while. A signed one
 * is no proof either: it may be that of an unsigned zone behind a CNAME. */
bool
ladder_lost_policy(const struct evidence *ev)
{
	return ev->sts_entry && ev->sts_lost &&
	    (ev->sts == STS_APPLIES_NOTHING || sts_may_weaken(ev->sts) == ANSWER_UNSURE);
}

bool
ladder_outlives_policy(const struct evidence *ev)
{
	return ev->asked && ev->sts_entry && !ev->pinned &&
	    ev->default_level != LEVEL_UNKNOWN &&
	    (ev->sts != STS_APPLIES_ENFORCE || !can_enforce(ev)) &&
	    !ladder_lost_policy(ev);
}

struct decision
ladder_end_policy(const struct evidence *ev)
{
	struct decision d = ladder_without_entry(ev, WHY_POLICY_ENDED);

	d.alert = ev->sts_lost;
	return ev->sts == STS_APPLIES_ENFORCE ? note_impossible(ev, d) : d;
}

/* No mail was sent for as long as any policy lives: whichever it was has ended. */
static bool
is_forgotten(const struct evidence *ev, int64_t now_ms)
{
	return !ev->deferral && ev->mail_ms != 0 &&
	    now_ms - ev->mail_ms >= POLICY_AGE_MAX_MS;
}

/* A hold is of a rung. */
static enum level
rung_of_default(const struct evidence *ev)
{
	enum level level = level_promise(ev->default_level);

	return level > LEVEL_VERIFY ? LEVEL_VERIFY : level;
}

/*
 * Under the entry of a policy that enforces nothing here: it ends at once, but where that
 * is only not known. While mail flows nothing is lost by it; where mail fails, the hold
 * of any weakening is the bound.
 */
struct decision
ladder_without_policy(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	struct decision d;

	if (!ladder_lost_policy(ev) || is_forgotten(ev, now_ms))
		return ladder_end_policy(ev);
	if (!ev->deferral)
		return ladder_keep(
		    WHY_POLICY_UNSURE, now_ms + ladder_most(ev, now_ms, POLICY_LOOK_MS));
	if (!ev->frozen && ev->canary == CANARY_NOT_ASKED)
		return ladder_wants(WANTS_CANARY);
	if (decide_frozen(ev, now_ms, &d) ||
	    ladder_is_policy_unsure(policy, ev, rung_of_default(ev), now_ms, &d))
		return d;
	return ladder_end_policy(ev);
}

/* The entry that it asks for, whatever the reason and the default are. */
struct decision
ladder_by_policy(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	struct demand entry = {LEVEL_SECURE, ev->sts_attributes};
	struct decision d;

	if (!can_enforce(ev))
		return decide_impossible(policy, ev, now_ms);
	if (is_below_dane_pin(ev))
		return ladder_without_entry(ev, WHY_PINNED);
	if (!demand_equal(ev->entry, entry))
		return ladder_lift_to_policy(policy, ev, now_ms);
	if (!ev->deferral)
		return ladder_keep(WHY_POLICY, policy_look(policy, ev, now_ms));
	/* Is it us who cannot verify? Then each of them would be told of. */
	if (!ev->frozen && ev->canary == CANARY_NOT_ASKED)
		return ladder_wants(WANTS_CANARY);
	return decide_frozen(ev, now_ms, &d)
	    ? d
	    : ladder_keep_and_alert(WHY_POLICY_NOT_MET, policy_look(policy, ev, now_ms));
}
