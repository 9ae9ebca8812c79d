/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/ladder_impl.h"

#define ALERT_AFTER 2 /* so many answers in a row could not tell: alert, once */
/* An absence that may have expired counts when it is still there so much later. */
#define STALE_ABSENCE_MS SPAN_MINUTE_MS
#define IDLE_MS          (7 * SPAN_DAY_MS) /* mail is rare where there is none so long */

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

/* --- how a decision is put together ------------------------------------------------ */

enum level
ladder_present(const struct evidence *ev)
{
	return ev->entry.level != LEVEL_NONE ? ev->entry.level : ev->default_level;
}

enum level
ladder_effective(const struct evidence *ev, enum level level)
{
	if (level != LEVEL_DANE)
		return level;
	return ev->dane.state == DANE_UNUSABLE ? LEVEL_ENCRYPT : LEVEL_MAY;
}

enum level
ladder_level_in_force(const struct evidence *ev)
{
	return ladder_effective(ev, ladder_present(ev));
}

enum level
ladder_lowest_rung(const struct evidence *ev)
{
	return ev->can_dane == ANSWER_YES && !ev->no_dane_rung ? LEVEL_DANE : LEVEL_MAY;
}

struct demand
ladder_entry(const struct evidence *ev, enum level level)
{
	return demand_of(level == LEVEL_MAY ? ladder_lowest_rung(ev) : level);
}

bool
ladder_is_default(const struct evidence *ev, struct demand entry)
{
	enum level present = ladder_effective(ev, ev->default_level);

	if (demand_attributes(entry)[0] != '\0')
		return false;
	return entry.level == ev->default_level || entry.level == present ||
	    (present == LEVEL_MAY && ladder_effective(ev, entry.level) == LEVEL_MAY);
}

struct decision
ladder_wants(unsigned wants)
{
	return (struct decision){.wants = wants};
}

struct decision
ladder_keep(enum why why, int64_t look_again_ms)
{
	return (struct decision){
	    .action = ACTION_KEEP, .why = why, .look_again_ms = look_again_ms};
}

struct decision
ladder_keep_and_alert(enum why why, int64_t look_again_ms)
{
	struct decision d = ladder_keep(why, look_again_ms);

	d.alert = true;
	return d;
}

struct decision
ladder_hold(
    const struct evidence *ev, enum level level, enum why why, int64_t look_again_ms)
{
	return (struct decision){.action = ACTION_HOLD,
	    .entry = ladder_entry(ev, level),
	    .why = why,
	    .look_again_ms = look_again_ms,
	    .alert = why_alerts_held(why)};
}

struct decision
ladder_set(struct demand entry, enum why why, int64_t lease_ms, int64_t now_ms)
{
	return (struct decision){.action = ACTION_SET,
	    .entry = entry,
	    .why = why,
	    .look_again_ms = now_ms + lease_ms,
	    .lease_ms = lease_ms,
	    .retry = true};
}

struct decision
ladder_without_entry(const struct evidence *ev, enum why why)
{
	if (ev->entry.level == LEVEL_NONE)
		return ladder_keep(why, 0);
	return (struct decision){.action = ACTION_REMOVE, .why = why, .retry = true};
}

struct decision
ladder_raise_entry(const struct ladder_policy *policy, const struct evidence *ev,
    enum level floor, enum why why, int64_t now_ms)
{
	return level_promise(ev->default_level) <= floor ||
	        ladder_is_default(ev, demand_of(floor))
	    ? ladder_without_entry(ev, why)
	    : ladder_set(demand_of(floor), why, policy->recheck_ms, now_ms);
}

int64_t
ladder_patience(int64_t since_ms, int64_t now_ms, int64_t least_ms, int64_t most_ms)
{
	int64_t wait_ms = since_ms != 0 ? now_ms - since_ms : 0;

	if (wait_ms < least_ms)
		wait_ms = least_ms;
	return now_ms + (wait_ms < most_ms ? wait_ms : most_ms);
}

struct decision
ladder_our_fault(const struct evidence *ev, int64_t now_ms)
{
	int64_t since_ms = ev->measured.unrun_ms;

	if (since_ms == 0)
		return ladder_keep_and_alert(WHY_OUR_FAULT, now_ms + BACK_OFF_MAX_MS);
	if (now_ms - since_ms < BACK_OFF_FIRST_MS)
		return ladder_keep(WHY_OUR_FAULT, now_ms + BACK_OFF_FIRST_MS);
	return ladder_keep_and_alert(WHY_OUR_FAULT,
	    ladder_patience(since_ms, now_ms, BACK_OFF_FIRST_MS, BACK_OFF_MAX_MS));
}

int64_t
ladder_most(const struct evidence *ev, int64_t now_ms, int64_t most_ms)
{
	int64_t idle_ms =
	    now_ms - (ev->mail_ms > ev->lease_end_ms ? ev->mail_ms : ev->lease_end_ms);

	if (ev->deferral || ev->entry.level == LEVEL_NONE || ev->mail_ms == 0 ||
	    idle_ms < IDLE_MS)
		return most_ms;
	return idle_ms < LADDER_LEASE_MAX_MS ? idle_ms : LADDER_LEASE_MAX_MS;
}

int64_t
ladder_back_off(unsigned failures, int64_t now_ms, int64_t most_ms)
{
	unsigned doublings = failures > 0 ? failures - 1 : 0;
	int64_t wait_ms = BACK_OFF_FIRST_MS;

	while (doublings-- > 0 && wait_ms < most_ms)
		wait_ms *= 2;
	return now_ms + (wait_ms < most_ms ? wait_ms : most_ms);
}

int64_t
ladder_doubled(const struct ladder_policy *policy, int64_t lease_ms)
{
	int64_t twice = lease_ms > 0 ? lease_ms * 2 : policy->recheck_ms;

	return twice < LADDER_LEASE_MAX_MS ? twice : LADDER_LEASE_MAX_MS;
}

int64_t
ladder_hold_ms(
    const struct ladder_policy *policy, const struct evidence *ev, enum level level)
{
	int64_t hold_ms = level <= LEVEL_MAY ? policy->hold_may_ms
	    : level == LEVEL_ENCRYPT         ? policy->hold_encrypt_ms
	                                     : policy->hold_verify_ms;

	/* DANE is gone only after lasting proof, whoever asks for it: our entry or the
	 * default. */
	if (ladder_present(ev) == LEVEL_DANE_ONLY && ev->best_seen == LEVEL_DANE_ONLY &&
	    hold_ms < policy->dane_withdrawn_ms)
		return policy->dane_withdrawn_ms;
	return hold_ms;
}

/* --- guards 8 and 9: whoever publishes TLSA records has promised TLS --------------- */

/* An entry of the lowest rung, though TLS was promised. True: it was settled. */
static bool
decide_cleartext(const struct ladder_policy *policy, const struct evidence *ev,
    int64_t now_ms, struct decision *out)
{
	enum why why =
	    ev->dane.state == DANE_UNUSABLE ? WHY_TLSA_UNUSABLE : WHY_INSECURE_MX;

	if (level_promise(ev->entry.level) != LEVEL_MAY ||
	    (ev->dane.state != DANE_UNUSABLE && ev->dane.state != DANE_INSECURE_MX))
		return false;
	/* Behind an unsigned MX record one host promised for itself alone: while it is
	 * silent, the others may have the entry. */
	if (ev->dane.state == DANE_INSECURE_MX && ev->prober != ANSWER_NO) {
		if (!ev->measured.asked) {
			*out = ladder_wants(WANTS_SERVERS);
			return true;
		}
		if (ev->measured.answered && !ev->measured.promised)
			return false;
	}
	*out = ev->default_level == LEVEL_DANE /* which does no less by itself */
	    ? ladder_without_entry(ev, why)
	    : ladder_raise_entry(policy, ev, LEVEL_ENCRYPT, why, now_ms);
	out->alert = true;
	return true;
}

/* --- guard 11 ---------------------------------------------------------------------- */

enum answer
ladder_logs_in(const struct evidence *ev, const struct measured *measured)
{
	return ev->credentials == ANSWER_UNSURE && measured->asked ? measured->auth
	                                                           : ev->credentials;
}

/* An entry that would send a password at less than the default. */
static bool
entry_exposes_credentials(const struct evidence *ev)
{
	return ladder_logs_in(ev, &ev->measured) == ANSWER_YES &&
	    ev->entry.level != LEVEL_NONE &&
	    level_promise(ev->entry.level) < level_promise(ev->default_level);
}

/* Mail failed at another's server. Whether a hold goes on the destination's own tell:
 * mail may flow there. */
static struct decision
decide_elsewhere(const struct evidence *ev)
{
	bool is_held = false;

	for (enum level l = LEVEL_NONE; l < LEVEL_COUNT; l++)
		is_held = is_held || ev->hold_since_ms[l] != 0;
	return is_held && ev->prober != ANSWER_NO && !ev->measured.asked
	    ? ladder_wants(WANTS_SERVERS)
	    : ladder_keep_and_alert(WHY_ELSEWHERE, 0);
}

/* --- all of them ------------------------------------------------------------------- */

/* A rule's alert is about what is weakened, and about mail that waits. */
static bool
is_climb(const struct evidence *ev, const struct decision *d)
{
	enum level after = d->action == ACTION_SET ? d->entry.level
	    : d->action == ACTION_REMOVE           ? ev->default_level
	                                           : LEVEL_NONE;

	return level_promise(after) > level_promise(ladder_present(ev));
}

/* It may take mail again, and an entry is as old then as it was: from the end of its
 * lease on it is looked at ever more seldom. */
static struct decision
decide_no_mail(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	struct decision d = ladder_keep(WHY_NO_MAIL, 0);

	if (!ev->deferral && ev->entry.level != LEVEL_NONE && ev->lease_end_ms != 0 &&
	    now_ms >= ev->lease_end_ms)
		d.look_again_ms = ladder_patience(
		    ev->lease_end_ms, now_ms, policy->recheck_ms, LADDER_LEASE_MAX_MS);
	d.alert = ev->deferral;
	return d;
}

static struct decision
decide(const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	struct decision d;

	if (ev->other_map == ANSWER_UNSURE)
		return ladder_keep_and_alert(WHY_OTHER_MAP_UNSURE,
		    ladder_patience(ev->deferral ? ev->last_attempt_ms : ev->lease_end_ms,
		        now_ms, BACK_OFF_FIRST_MS,
		        ladder_most(ev, now_ms, BACK_OFF_MAX_MS)));
	if (ev->dane.state == DANE_UNSURE) {
		/* "We could not ask" is not "there is none": whoever can break DNS for us
		 * must not be able to talk us down. */
		d = ladder_keep(WHY_DNS_UNSURE,
		    ev->dane.stale_absence
		        ? now_ms + STALE_ABSENCE_MS
		        : ladder_back_off(ev->dns_failures, now_ms,
		              ladder_most(ev, now_ms, BACK_OFF_MAX_MS)));
		d.alert = ev->dane.distrusted ||
		    (!ev->dane.stale_absence &&
		        (ev->dns_failures == ALERT_AFTER ||
		            (ev->dns_failures > ALERT_AFTER && ev->deferral &&
		                ev->sts_entry)));
		return d;
	}
	if (ev->dane.state == DANE_NO_MAIL)
		return decide_no_mail(policy, ev, now_ms);
	if (ev->deferral && ev->elsewhere)
		return decide_elsewhere(ev);
	if (ev->dane.state == DANE_USABLE)
		return ladder_decide_usable(policy, ev, now_ms);
	if (ev->sts == STS_APPLIES_ENFORCE ? ladder_keeps_dane(policy, ev, now_ms)
	                                   : ev->entry.level == LEVEL_DANE_ONLY &&
	            ev->default_level != LEVEL_DANE_ONLY)
		return ladder_decide_withdrawn(policy, ev, now_ms);
	if (ev->sts == STS_APPLIES_ENFORCE)
		return ladder_by_policy(policy, ev, now_ms);
	if (ev->sts_entry)
		return ladder_without_policy(policy, ev, now_ms);
	if (decide_cleartext(policy, ev, now_ms, &d))
		return d;
	if (entry_exposes_credentials(ev)) {
		d = ladder_without_entry(ev, WHY_CREDENTIALS);
		d.alert = true;
		return d;
	}
	if (!ev->deferral)
		return ladder_up(policy, ev, now_ms);
	if (ev->dane.state == DANE_INSECURE_MX && ev->default_level == LEVEL_DANE)
		return ladder_keep_and_alert(WHY_INSECURE_MX, 0);
	if (ev->fallback == FALLBACK_WAIT) /* with its dnssec condition met */
		return ladder_must_ask_queue(ev, now_ms, &d)
		    ? d
		    : ladder_keep_and_alert(WHY_SIGNED, 0);
	return ladder_step(policy, ev, now_ms);
}

struct decision
ladder_decide_any(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	struct decision d;

	if (ladder_early(policy, ev, now_ms, &d))
		return d;
	if (!ev->asked)
		return ladder_wants(WANTS_DNS);
	if (ev->other_map == ANSWER_YES)
		return ladder_without_entry(ev, WHY_OTHER_MAP);
	return decide(policy, ev, now_ms);
}

bool
ladder_is_weakened(const struct evidence *ev)
{
	return ev->entry.level != LEVEL_NONE &&
	    level_promise(ev->entry.level) < level_promise(ev->default_level);
}

/* The earlier of two times to look again; 0: only on news. */
static int64_t
sooner(int64_t a_ms, int64_t b_ms)
{
	return a_ms == 0 || (b_ms != 0 && b_ms < a_ms) ? b_ms : a_ms;
}

/*
 * Nothing is made of an alarm, and nothing waits for what it was about, once the queue
 * has its message no more: whatever the reason is, and whoever could not tell.
 */
static struct decision
mind_queue(const struct evidence *ev, int64_t now_ms, struct decision d)
{
	if (!ev->deferral || ev->default_level == LEVEL_UNKNOWN || d.wants != 0 ||
	    d.why == WHY_ECHO)
		return d;
	if (ev->queue == QUEUE_NOT_ASKED)
		return ladder_wants(WANTS_QUEUE);
	if (ev->queue == QUEUE_GONE)
		ladder_queue_settles(ev, now_ms, &d);
	return d;
}

/* Is there anything that it could be judged for without news? */
static bool
is_of_no_concern(const struct evidence *ev, const struct decision *d)
{
	return d->action == ACTION_KEEP && ev->entry.level == LEVEL_NONE &&
	    (!ev->deferral || d->ends_alarm) && ev->sts_ends_ms == 0;
}

/*
 * An alarm is a reason to look, and none to stay: what it leaves as it is may go up, as
 * it would without.
 */
static struct decision
look_up(const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms,
    struct decision d)
{
	struct evidence calm = *ev;
	struct decision up;

	if (!ev->deferral || ev->pinned || d.action != ACTION_KEEP ||
	    (ev->entry.level == LEVEL_NONE && ev->sts != STS_APPLIES_ENFORCE) ||
	    (!d.ends_alarm && !ladder_is_weakened(ev) && !ladder_outlives_policy(ev)))
		return d;
	if (!ev->asked && !ev->dns_is_old && now_ms < ev->lease_end_ms &&
	    !ev->better_session)
		return d;
	calm.deferral = false;
	up = ladder_decide_any(policy, &calm, now_ms);
	if (d.wants != 0 || up.wants != 0)
		return ladder_wants(d.wants | up.wants);
	if (up.why == WHY_TRIAL && !d.ends_alarm && d.why != WHY_ELSEWHERE)
		return d; /* mail that fails at less need not try more */
	if (up.action != ACTION_KEEP) {
		up.ends_alarm = d.ends_alarm;
		return up;
	}
	d.look_again_ms = sooner(d.look_again_ms, up.look_again_ms);
	d.lease_ms = up.lease_ms;
	return d;
}

/* A policy gets its entry whoever could not tell and whatever waits. So nothing of that
 * keeps it once there is none to enforce. */
static struct decision
end_policy(const struct evidence *ev, struct decision d)
{
	struct decision end;

	if (d.wants != 0 || d.action != ACTION_KEEP || !ladder_outlives_policy(ev))
		return d;
	end = ladder_end_policy(ev);
	end.ends_alarm = d.ends_alarm;
	return end;
}

struct decision
ladder_decide(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	struct decision d;

	if (ladder_is_left_by_pin(ev))
		return ladder_end_pin(policy, ev, now_ms);
	d = mind_queue(ev, now_ms, ladder_decide_any(policy, ev, now_ms));
	d = end_policy(ev, look_up(policy, ev, now_ms, d));
	if (is_of_no_concern(ev, &d))
		d.look_again_ms = 0;
	ladder_watch_policy(ev, now_ms, &d);
	if (d.wants == 0 && !d.ends_alarm && ev->deferral && ev->rule_alert &&
	    why_alerts(d.why) != WHY_ALERTS_NEVER && !is_climb(ev, &d))
		d.alert = true;
	return d;
}
