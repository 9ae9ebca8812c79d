/* SPDX-License-Identifier: BSD-2-Clause */
/* The way up: what an entry still has to prove. Upward at once, downward slowly. */
#include "core/ladder_impl.h"

/* After a probe that found nothing out, from the end of the lease on. */
#define PROBE_AGAIN_MS     SPAN_HOUR_MS
#define PROBE_AGAIN_MAX_MS SPAN_DAY_MS
/* ... and where nobody answered, or the fault is ours: whoever can silence servers for
 * minutes must do so again and again. */
#define SILENT_AGAIN_MS     (10 * SPAN_MINUTE_MS)
#define SILENT_AGAIN_MAX_MS (6 * SPAN_HOUR_MS)
#define SILENT_TOLD_MS      SPAN_DAY_MS /* what lasts so long is told */

/*
 * The strongest level above the entry, up to the default, that is met: a silent server
 * that did better keeps nobody below what another does. LEVEL_NONE: none is;
 * LEVEL_UNKNOWN: it could not be told.
 */
static enum level
strongest_above(const struct evidence *ev, enum level entry)
{
	enum level none = LEVEL_NONE;

	for (enum level l = ladder_effective(ev, ev->default_level); l > entry;
	     l = measured_next(l)) {
		if (ev->measured.meets[l] == ANSWER_YES)
			return l;
		if (ev->measured.meets[l] == ANSWER_UNSURE)
			none = LEVEL_UNKNOWN;
	}
	return none;
}

/*
 * The lowest rung is written as this Postfix can take it: `may` of an older version, or
 * of a time when it could not do DANE, becomes `dane`; and the other way round.
 */
static bool
is_other_rung(const struct evidence *ev)
{
	enum level level = ev->entry.level;

	return ev->can_dane != ANSWER_UNSURE && level_promise(level) == LEVEL_MAY &&
	    level != ladder_lowest_rung(ev) && demand_attributes(ev->entry)[0] == '\0';
}

static struct decision
keep_for(const struct evidence *ev, int64_t lease_ms, int64_t now_ms)
{
	struct decision d = ladder_keep(WHY_STILL_NEEDED, now_ms + lease_ms);

	if (is_other_rung(ev))
		return ladder_set(
		    ladder_entry(ev, LEVEL_MAY), WHY_STILL_NEEDED, lease_ms, now_ms);
	d.lease_ms = lease_ms;
	return d;
}

static struct decision
still_needed(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	/* News that did not hold says nothing of the lease. */
	if (now_ms < ev->lease_end_ms && !is_other_rung(ev))
		return ladder_keep(
		    ev->taken_over ? WHY_TAKEN_OVER : WHY_STILL_NEEDED, ev->lease_end_ms);
	return keep_for(ev,
	    now_ms < ev->lease_end_ms ? ev->lease_ms
	                              : ladder_doubled(policy, ev->lease_ms),
	    now_ms);
}

/*
 * Without a prober mail itself has to try. Before the lease is over only where a session
 * proves more than the entry demands: TLS where cleartext is allowed; and once, as a
 * server that flaps would be tried with each message.
 */
static bool
may_try(const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	return now_ms >= ev->lease_end_ms ||
	    (level_promise(ev->entry.level) == LEVEL_MAY &&
	        ev->lease_ms <= policy->recheck_ms);
}

/* An entry without a lease was never found necessary. */
static bool
may_climb(const struct ladder_policy *policy, const struct evidence *ev)
{
	return ev->better_session || ev->lease_ms == 0 ||
	    ev->clean >= policy->climb_probes;
}

/* An entry for a default level that is not set yet, which now does nothing, or more than
 * is asked for. Once it is set the entry is weaker, and one like any other. */
static bool
awaits_level(const struct evidence *ev, int64_t now_ms)
{
	return now_ms < ev->forecast_ms &&
	    level_promise(ev->entry.level) >= level_promise(ev->default_level);
}

/* Nobody can tell whether the entry is needed: its lease is not renewed, and ends at the
 * next answer. */
static struct decision
ask_again(
    const struct evidence *ev, int64_t now_ms, int64_t again_ms, int64_t again_max_ms)
{
	/* An entry without a lease says nothing of how long that lasts. */
	bool leased = ev->lease_end_ms != 0;
	int64_t most_ms = ladder_most(ev, now_ms, again_max_ms);
	int64_t look_ms = leased
	    ? ladder_patience(ev->lease_end_ms, now_ms, again_ms, most_ms)
	    : now_ms + most_ms;

	return leased && now_ms - ev->lease_end_ms >= SILENT_TOLD_MS
	    ? ladder_keep_and_alert(WHY_SILENT, look_ms)
	    : ladder_keep(WHY_STILL_NEEDED, look_ms);
}

/* What fails here fails elsewhere as well: it says nothing of these servers. */
static bool
is_our_fault(const struct evidence *ev)
{
	return ev->canary == CANARY_FAILS ||
	    (ev->frozen && ev->canary != CANARY_VERIFIES);
}

struct decision
ladder_up(const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	enum level entry = ladder_effective(ev, ev->entry.level);
	enum level top = ladder_effective(ev, ev->default_level), level;

	if (ev->entry.level == LEVEL_NONE)
		return ladder_keep(WHY_NOT_NEEDED, 0);
	if (awaits_level(ev, now_ms))
		return ladder_keep(WHY_FORECAST, ev->forecast_ms);
	if (ladder_is_default(ev, ev->entry))
		return ladder_without_entry(ev, WHY_NOT_NEEDED);
	/* A server that offered no AUTH may do now. */
	if (ev->credentials == ANSWER_UNSURE && ev->prober != ANSWER_NO &&
	    !ev->measured.asked)
		return ladder_wants(WANTS_SERVERS);
	if (now_ms < ev->lease_end_ms && !ev->better_session)
		return still_needed(policy, ev, now_ms);
	/* Nothing can probe, or not for such a level: let mail itself try. */
	if (ev->prober == ANSWER_NO || top == LEVEL_FINGERPRINT || entry >= top)
		return may_try(policy, ev, now_ms) ? ladder_without_entry(ev, WHY_TRIAL)
		                                   : still_needed(policy, ev, now_ms);
	if (!ev->measured.asked)
		return ladder_wants(WANTS_SERVERS);
	if (ev->measured.ours)
		return ladder_our_fault(ev, now_ms);
	level = strongest_above(ev, entry);
	if (now_ms >= ev->lease_end_ms && !ev->measured.answered)
		return ask_again(ev, now_ms, SILENT_AGAIN_MS, SILENT_AGAIN_MAX_MS);
	if (level == LEVEL_UNKNOWN)
		return ask_again(ev, now_ms, PROBE_AGAIN_MS, PROBE_AGAIN_MAX_MS);
	if (level == LEVEL_NONE && now_ms >= ev->lease_end_ms &&
	    level_is_authenticated(top)) {
		if (ev->canary == CANARY_NOT_ASKED)
			return ladder_wants(WANTS_CANARY);
		if (is_our_fault(ev))
			return ask_again(
			    ev, now_ms, SILENT_AGAIN_MS, SILENT_AGAIN_MAX_MS);
	}
	if (level == LEVEL_NONE)
		return still_needed(policy, ev, now_ms);
	if (!may_climb(policy, ev))
		return ladder_keep(WHY_PROBED, now_ms + policy->climb_apart_ms);
	if (level >= top)
		return ladder_without_entry(ev, WHY_PROBED);
	return ladder_set(demand_of(level), WHY_PROBED, policy->recheck_ms, now_ms);
}
