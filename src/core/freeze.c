/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/freeze.h"

#define EXACT_MS (10 * SPAN_SECOND_MS) /* how exactly the end of the cause is known */

/* What a probe finds to verify after it speaks against a canary; no line of the log does.
 */
static bool
is_canary_heard(const struct freeze_facts *facts, int64_t soon_ms)
{
	return facts->canary_ms > soon_ms - SPAN_MINUTE_MS - FREEZE_LAST_MS &&
	    facts->canary_ms != 0 &&
	    (facts->canary_ms > facts->probed_ms || facts->probed_ms > soon_ms) &&
	    facts->canary_ms <= soon_ms;
}

static enum freeze_news
cause(const struct freeze_limits *limits, const struct freeze_facts *facts,
    int64_t verified_ms, int64_t since_ms)
{
	if (facts->held >= limits->destinations)
		return FREEZE_BEGINS_HELD;
	/* Where no session ever verified, that none does now is no sign of a fault. */
	if (facts->failed >= limits->destinations && verified_ms < since_ms &&
	    verified_ms != 0)
		return FREEZE_BEGINS_FAILED;
	if (facts->last >= FREEZE_LEAST && facts->last_failed == facts->last)
		return FREEZE_BEGINS_LAST;
	return FREEZE_NO_NEWS;
}

/* While the cause lasts, its time is stored anew this often, not with each judgement. */
static bool
is_outdated(int64_t frozen_ms, int64_t now_ms)
{
	return now_ms - frozen_ms >= EXACT_MS || frozen_ms - now_ms >= EXACT_MS;
}

/* How long the freeze lasted that was stored, if it is over. */
static int64_t
lasted(const struct freeze_facts *facts, int64_t now_ms, const struct freeze_outcome *out)
{
	int64_t to_ms = out->ended_ms < now_ms ? out->ended_ms : now_ms;
	int64_t from_ms = facts->begun_ms != 0 ? facts->begun_ms : facts->frozen_ms;

	return facts->frozen_ms != 0 && from_ms < to_ms ? to_ms - from_ms : 0;
}

/* Of who ever verified nobody does: for so long that no canary is known any more. Its
 * begin goes with the clock where that is set (engine_shift_freeze()). */
static bool
is_given_up(const struct freeze_outcome *out, int64_t now_ms)
{
	int64_t from_ms = out->begun_ms != 0 ? out->begun_ms : out->frozen_ms;

	return out->frozen_ms != 0 && now_ms - from_ms >= FREEZE_MOST_MS;
}

/*
 * frozen_ms says when the condition was last true. A lasting cause produces no new
 * failures, so their absence proves nothing: what verified after that time thaws, and
 * else a time after which nobody is known who could.
 */
struct freeze_outcome
freeze_judge(
    const struct freeze_limits *limits, const struct freeze_facts *facts, int64_t now_ms)
{
	int64_t since_ms = now_ms - limits->time_ms, soon_ms = now_ms + SPAN_MINUTE_MS;
	struct freeze_outcome out = {.verified_ms = facts->verified_ms,
	    .frozen_ms = facts->frozen_ms,
	    .begun_ms = facts->begun_ms,
	    .ended_ms = facts->thawed_ms};
	enum freeze_news begins;

	if (out.verified_ms > soon_ms) {
		out.verified_ms = since_ms - 1;
		out.store_verified = true;
	}
	if (out.frozen_ms > soon_ms) {
		out.frozen_ms = 0;
		out.ended_ms = now_ms;
		out.lasted_ms = lasted(facts, now_ms, &out);
	}
	begins = cause(limits, facts, out.verified_ms, since_ms);
	if (is_canary_heard(facts, soon_ms)) {
		/* It failed at that moment, and not until now. */
		if (out.frozen_ms == 0)
			out.news = FREEZE_BEGINS_CANARY;
		if (facts->canary_ms > out.frozen_ms)
			out.frozen_ms = facts->canary_ms;
	} else if (begins != FREEZE_NO_NEWS) {
		if (out.frozen_ms == 0)
			out.news = begins;
		if (out.frozen_ms == 0 || is_outdated(out.frozen_ms, now_ms))
			out.frozen_ms = now_ms;
	} else if (out.frozen_ms != 0 && out.verified_ms > out.frozen_ms) {
		out.news = FREEZE_ENDS;
		out.frozen_ms = 0;
		out.ended_ms = out.verified_ms;
		out.lasted_ms = lasted(facts, now_ms, &out);
	}
	if (out.news != FREEZE_ENDS && begins == FREEZE_NO_NEWS &&
	    !is_canary_heard(facts, soon_ms) && is_given_up(&out, now_ms)) {
		out.news = FREEZE_GIVEN_UP;
		out.frozen_ms = 0;
		out.ended_ms = now_ms;
		out.lasted_ms = lasted(facts, now_ms, &out);
	}
	if (out.frozen_ms == 0)
		out.begun_ms = 0;
	else if (out.news != FREEZE_NO_NEWS || out.begun_ms == 0)
		out.begun_ms = out.frozen_ms;
	out.frozen = out.frozen_ms != 0;
	out.thawed_ms = out.ended_ms <= now_ms ? out.ended_ms : 0;
	out.store_frozen =
	    out.frozen_ms != facts->frozen_ms || out.begun_ms != facts->begun_ms;
	return out;
}

enum cause
freeze_one_cause(const unsigned counts[CAUSE_COUNT])
{
	enum cause most = CAUSE_NONE;
	unsigned known = 0;

	for (enum cause c = CAUSE_NONE + 1; c < CAUSE_COUNT; c++) {
		known += counts[c];
		if (most == CAUSE_NONE || counts[c] > counts[most])
			most = c;
	}
	return known >= FREEZE_LEAST && known >= counts[CAUSE_NONE] &&
	        counts[most] * 10 >= known * 9
	    ? most
	    : CAUSE_NONE;
}

const char *
freeze_advice(enum cause cause)
{
	switch (cause) {
	case CAUSE_ISSUER:
	case CAUSE_SELF_SIGNED:
		return "this machine's CA file (smtp_tls_CAfile), and what answers in "
		       "their "
		       "place";
	case CAUSE_EXPIRED:
	case CAUSE_NOT_YET_VALID:
		return "this machine's clock";
	case CAUSE_NAME:
	case CAUSE_POLICY:
	case CAUSE_TLSA:
		return "this machine's resolver";
	case CAUSE_HANDSHAKE:
		return "the TLS settings of this Postfix, and the network";
	case CAUSE_NOT_OFFERED:
	case CAUSE_REFUSED:
		return "the network: what stands between may take STARTTLS away";
	default:
		return "this machine's CA file (smtp_tls_CAfile), resolver, network and "
		       "clock";
	}
}
