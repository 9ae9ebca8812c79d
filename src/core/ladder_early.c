/* SPDX-License-Identifier: BSD-2-Clause */
/* Guards 1 to 4, which ask nobody but the queue. */
#include "core/ladder_impl.h"

#define EFFECT_MS \
	(10 * SPAN_MINUTE_MS) /* proxymap(8) may serve the map before so long \
	                       */

static bool
is_echo(const struct evidence *ev)
{
	if (ev->suspended || ev->attempt_ms < ev->force_ms)
		return true;
	return ev->attempt_level != LEVEL_UNKNOWN &&
	    ev->attempt_level != ladder_present(ev);
}

/* Guard 2: long after the entry came Postfix demands more, which mail does not meet: by a
 * map that is not ours, by -o, or as it does not see ours. A message may ask for less by
 * itself. */
static bool
is_without_effect(const struct evidence *ev)
{
	return !ev->suspended && ev->entry.level != LEVEL_NONE &&
	    ev->force_ms != LADDER_NOT_YET && ev->attempt_level != LEVEL_UNKNOWN &&
	    ev->attempt_level != LEVEL_FINGERPRINT &&
	    level_promise(ev->attempt_level) > level_promise(ev->entry.level) &&
	    ev->attempt_ms >= ev->force_ms + EFFECT_MS;
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
	struct decision d = ladder_keep(WHY_ECHO, 0);

	d.retry = ev->attempts == 0 || ev->last_attempt_ms < ev->force_ms;
	return d;
}

bool
ladder_must_ask_queue(const struct evidence *ev, int64_t now_ms, struct decision *out)
{
	if (ev->queue != QUEUE_NOT_ASKED)
		return ladder_queue_settles(ev, now_ms, out);
	*out = ladder_wants(WANTS_QUEUE);
	return true;
}

/* Mail waits and goes on to, for a reason that the queue has to show: a line that
 * somebody made up would hide another reason, and alert. */
static struct decision
decide_waits(const struct evidence *ev, enum why why, int64_t now_ms)
{
	struct decision d;

	return ladder_must_ask_queue(ev, now_ms, &d) ? d : ladder_keep_and_alert(why, 0);
}

static struct decision
decide_pinned(const struct evidence *ev, int64_t now_ms)
{
	if (!ev->deferral)
		return ladder_keep(WHY_PINNED, 0);
	return is_echo(ev) ? decide_echo(ev) : decide_waits(ev, WHY_PIN_NOT_MET, now_ms);
}

/* Without an entry, below a parent that is pinned to less: an enforced policy gets one,
 * which Postfix asks for before the parent's. */
static bool
asks_more_than_parent(const struct ladder_policy *policy, const struct evidence *ev,
    int64_t now_ms, struct decision *out)
{
	if (!ev->parent_pinned || ev->entry.level != LEVEL_NONE ||
	    level_promise(ev->default_level) >= LEVEL_SECURE)
		return false;
	if (!ev->asked)
		*out = ladder_wants(WANTS_DNS);
	else if (ladder_lacks_policy(policy, ev, now_ms))
		*out = ladder_lift_to_policy(policy, ev, now_ms);
	else
		return false;
	return true;
}

/* While mail waits for it: did another message show that it is over? Then it is tried
 * again. Of one that Postfix did not try for a day nobody knows whether it is there. */
static void
look_whether_over(const struct evidence *ev, int64_t now_ms, struct decision *d)
{
	if (ev->last_attempt_ms + SPAN_DAY_MS <= now_ms)
		return;
	d->retry = ev->worked_ms > ev->last_attempt_ms;
	d->look_again_ms = ladder_patience(
	    ev->first_attempt_ms, now_ms, BACK_OFF_FIRST_MS, BACK_OFF_MAX_MS);
}

/* The fault is ours. Without our entry Postfix is back at the default. */
static struct decision
decide_fault(const struct evidence *ev, int64_t now_ms)
{
	struct decision d;

	if (ladder_must_ask_queue(ev, now_ms, &d))
		return d;
	if (!is_entry_refused(ev)) {
		d = ladder_keep_and_alert(WHY_OUR_FAULT, 0);
		look_whether_over(ev, now_ms, &d);
		return d;
	}
	d = ladder_without_entry(ev, WHY_OUR_ENTRY);
	d.alert = true;
	return d;
}

/*
 * A rule that waits for a cause: the log named it, which anybody can write. So the
 * servers are asked, who also tell until when their certificate was good.
 */
static struct decision
decide_wait(const struct evidence *ev, int64_t now_ms)
{
	struct decision d;

	if (!ev->rule_cause || ev->prober == ANSWER_NO || ev->measured.asked ||
	    is_echo(ev) || ev->elsewhere)
		return decide_waits(ev, WHY_RULE_WAITS, now_ms);
	if (ladder_queue_settles(ev, now_ms, &d))
		return d;
	if (!ev->asked)
		return ladder_wants(WANTS_DNS);
	/* Nobody knows whom to ask. */
	if (ev->dane.state == DANE_UNSURE || ev->dane.state == DANE_NO_MAIL)
		return decide_waits(ev, WHY_RULE_WAITS, now_ms);
	return ladder_wants(
	    WANTS_SERVERS | (ev->queue == QUEUE_NOT_ASKED ? WANTS_QUEUE : 0));
}

bool
ladder_early(const struct ladder_policy *policy, const struct evidence *ev,
    int64_t now_ms, struct decision *out)
{
	enum why floor_why;
	enum level floor = ladder_floor(policy, ev, &floor_why);

	if (asks_more_than_parent(policy, ev, now_ms, out)) {
		return true;
	} else if (ev->pinned) {
		*out = decide_pinned(ev, now_ms);
	} else if (ev->deferral && ev->fault_ours) {
		*out = decide_fault(ev, now_ms);
	} else if (ev->default_level == LEVEL_UNKNOWN) {
		*out = ladder_keep(WHY_OUR_FAULT, now_ms + BACK_OFF_FIRST_MS);
	} else if (ladder_lacks_policy(policy, ev, now_ms)) {
		*out = ladder_lift_to_policy(policy, ev, now_ms);
	} else if (ev->entry.level != LEVEL_NONE &&
	    level_promise(ev->entry.level) < floor) {
		*out = ladder_raise_entry(policy, ev, floor, floor_why, now_ms);
	} else if (ev->deferral && !ev->has_rule) {
		*out = ladder_keep_and_alert(WHY_NO_RULE, 0);
	} else if (ev->deferral && ev->fallback == FALLBACK_WAIT &&
	    ev->rule_dnssec == RULE_DNSSEC_ANY) {
		*out = decide_wait(ev, now_ms);
	} else if (ev->deferral && is_without_effect(ev)) {
		*out = decide_waits(ev, WHY_NO_EFFECT, now_ms);
	} else if (ev->deferral && is_echo(ev)) {
		*out = decide_echo(ev);
	} else {
		return false;
	}
	return true;
}
