/* SPDX-License-Identifier: BSD-2-Clause */
/* The freeze: what is counted for it, what is stored of it, and its alert. */
#include "core/freeze.h"
#include "store/store_freeze.h"

#include "engine/engine_impl.h"
#include "engine/told.h"
#include "sys/log.h"

/* The counter of alerts: the day since the epoch, and how many on it, of TOLD_COUNT. */
#define FREEZES_TOLD "freezes-told"
#define TOLD_COUNT   16
/* Is there a freeze that was only logged as it began? One that lasts is alerted. */
#define FREEZE_UNTOLD "freeze-untold"
#define LASTS_MS      (4 * SPAN_HOUR_MS) /* half a working day is left to act */

static void
describe(const struct engine *e, enum freeze_news news, const struct freeze_facts *facts,
    struct buf *line)
{
	long long minutes = (long long)(e->config->freeze.time_ms / SPAN_MINUTE_MS);

	switch (news) {
	case FREEZE_BEGINS_HELD:
		buf_printf(line,
		    "within %lld minutes servers of %lld domains or more do worse than "
		    "before, and none verified since",
		    minutes, (long long)facts->held);
		break;
	case FREEZE_BEGINS_FAILED:
		buf_printf(line,
		    "within %lld minutes servers of %lld domains or more failed and none "
		    "verified",
		    minutes, (long long)facts->failed);
		break;
	case FREEZE_BEGINS_LAST:
		buf_printf(line,
		    "the servers of all %u domains that did better last fail",
		    facts->last);
		break;
	default:
		buf_printf(line, "a server that is known to verify does not");
		break;
	}
}

/* "; by one cause, issuer", "; by several causes: expired 12, name 9", as far as it is
 * known. */
static void
describe_causes(const unsigned counts[CAUSE_COUNT], struct buf *line)
{
	enum cause one = freeze_one_cause(counts);
	const char *comma = "; by several causes,";

	if (one != CAUSE_NONE) {
		buf_printf(line, "; by one cause, %s (%u domains)", cause_name(one),
		    counts[one]);
		return;
	}
	for (enum cause c = CAUSE_NONE + 1; c < CAUSE_COUNT; c++) {
		if (counts[c] == 0)
			continue;
		buf_printf(line, "%s %s (%u)", comma, cause_name(c), counts[c]);
		comma = ",";
	}
}

/* Lines that somebody makes up have freezes begin and end all day: then they are in the
 * log alone, but for those that last. What cannot be counted is alerted. */
static bool
was_told(struct engine *e, int64_t now_ms)
{
	int64_t told = 0, day = now_ms / SPAN_DAY_MS;
	struct err ignored;

	if (!store_counter_get(e->store, FREEZES_TOLD, &told, &ignored))
		return false;
	if (told / TOLD_COUNT != day)
		told = day * TOLD_COUNT;
	if (told % TOLD_COUNT >= TOLD_MAX)
		return true;
	store_counter_set(e->store, FREEZES_TOLD, told + 1, &ignored);
	return false;
}

static void
describe_end(struct engine *e, int64_t now_ms, struct buf *line)
{
	unsigned counts[CAUSE_COUNT] = {0};
	struct err err;

	if (!store_host_causes(e->store, now_ms - e->config->freeze.time_ms,
	        now_ms + SPAN_MINUTE_MS, counts, &err))
		log_error("cannot read why servers fail: %s", err.text);
	describe_causes(counts, line);
	buf_printf(line, ": look at %s; nothing is weakened until servers verify again",
	    freeze_advice(freeze_one_cause(counts)));
}

/* Alerted once, for all destinations that it holds. */
static void
alert(struct engine *e, enum freeze_news news, const struct freeze_facts *facts,
    int64_t now_ms)
{
	struct buf line = {0};
	struct err ignored;

	buf_printf(&line, "freeze: ");
	describe(e, news, facts, &line);
	describe_end(e, now_ms, &line);
	if (was_told(e, now_ms)) {
		log_warning("%s", buf_text(&line));
		store_counter_set(e->store, FREEZE_UNTOLD, 1, &ignored);
	} else {
		engine_alert(e, buf_text(&line));
	}
	buf_clear(&line);
}

/* What was only logged, and lasts: six a day do at most. begun_ms: 0: it is over. */
static bool
alert_lasting(struct engine *e, int64_t begun_ms, int64_t now_ms, struct err *err)
{
	struct buf line = {0};
	int64_t untold = 0;

	if (!store_counter_get(e->store, FREEZE_UNTOLD, &untold, err))
		return false;
	if (untold == 0 || (begun_ms != 0 && now_ms - begun_ms < LASTS_MS))
		return true;
	if (begun_ms != 0) {
		buf_printf(&line, "freeze: one that lasts, for four hours now");
		describe_end(e, now_ms, &line);
		engine_alert(e, buf_text(&line));
		buf_clear(&line);
	}
	return store_counter_set(e->store, FREEZE_UNTOLD, 0, err);
}

/*
 * What speaks against a freeze: a line of the log anybody can write, so that by sessions
 * servers of as many parent domains have to, as it takes to freeze. A day after it was
 * last the case one has to: there may be no more of them.
 */
static bool
bound_proof(
    struct engine *e, int64_t soon_ms, struct freeze_facts *facts, struct err *err)
{
	int64_t at_ms = 0, one_ms = 0;

	if (facts->frozen_ms == 0)
		return true;
	if (!store_proven_by(
	        e->store, FREEZE_LEAST, e->judge.default_level, soon_ms, &at_ms, err) ||
	    !store_proven_by(e->store, 1, e->judge.default_level, soon_ms, &one_ms, err))
		return false;
	if (at_ms < one_ms && one_ms >= facts->frozen_ms + FREEZE_LAST_MS)
		at_ms = one_ms;
	if (at_ms < facts->probed_ms)
		at_ms = facts->probed_ms;
	if (at_ms < facts->verified_ms)
		facts->verified_ms = at_ms;
	return true;
}

static bool
count(struct engine *e, int64_t now_ms, struct freeze_facts *facts, struct err *err)
{
	const struct freeze_limits *limits = &e->config->freeze;
	struct freeze_span span = {
	    .since_ms = now_ms - limits->time_ms,
	    .last_since_ms = now_ms - FREEZE_LAST_MS,
	    .soon_ms = now_ms + SPAN_MINUTE_MS,
	    .most = limits->destinations,
	    .level = e->judge.default_level,
	};

	if (!store_counter_get(e->store, "verified-ms", &facts->verified_ms, err) ||
	    !store_counter_get(e->store, "probed-ms", &facts->probed_ms, err) ||
	    !store_counter_get(e->store, "frozen-ms", &facts->frozen_ms, err) ||
	    !store_counter_get(e->store, "froze-ms", &facts->begun_ms, err) ||
	    !store_counter_get(e->store, "thawed-ms", &facts->thawed_ms, err) ||
	    !bound_proof(e, span.soon_ms, facts, err))
		return false;
	span.verified_ms = facts->verified_ms;
	facts->canary_ms = engine_canary_failed_ms(e);
	return store_freeze_counts(e->store, &span, facts, err);
}

/*
 * What failed by our fault is no time in which it failed by theirs: a hold takes as much
 * longer. It does not begin anew, or whoever has a freeze begin and end, again and again,
 * would keep all mail in holds.
 */
static bool
lengthen_holds(struct engine *e, const struct freeze_outcome *freeze, struct err *err)
{
	return freeze->lasted_ms == 0 ||
	    store_lengthen_holds(e->store, freeze->lasted_ms, freeze->ended_ms, err);
}

bool
engine_mind_freeze(struct engine *e, int64_t now_ms, struct err *err)
{
	struct freeze_facts facts = {0};
	struct freeze_outcome freeze;

	if (!count(e, now_ms, &facts, err))
		return false;
	freeze = freeze_judge(&e->config->freeze, &facts, now_ms);
	if (freeze.store_verified &&
	    !store_counter_set(e->store, "verified-ms", freeze.verified_ms, err))
		return false;
	if (freeze.news == FREEZE_ENDS)
		log_info("no freeze any more: servers verify again");
	else if (freeze.news == FREEZE_GIVEN_UP)
		engine_alert(e,
		    "freeze: over after 7 days in which no server verified that did "
		    "before, as none is known any more that should: what is new is "
		    "weakened again");
	else if (freeze.news != FREEZE_NO_NEWS && !e->judge.frozen) /* else not stored */
		alert(e, freeze.news, &facts, now_ms);
	e->judge.frozen = freeze.frozen;
	e->judge.thawed_ms = freeze.thawed_ms;
	if (!engine_proof_ms(e, &e->judge.proof_ms, err) ||
	    !store_counter_get(e->store, "logged-ms", &e->judge.worked_ms, err))
		return false;
	if (!alert_lasting(e, freeze.frozen ? freeze.begun_ms : 0, now_ms, err))
		return false;
	return !freeze.store_frozen ||
	    (store_counter_set(e->store, "frozen-ms", freeze.frozen_ms, err) &&
	        store_counter_set(e->store, "froze-ms", freeze.begun_ms, err) &&
	        store_counter_set(e->store, "thawed-ms", freeze.ended_ms, err) &&
	        lengthen_holds(e, &freeze, err));
}

bool
engine_shift_freeze(struct engine *e, int64_t by_ms, struct err *err)
{
	int64_t begun_ms = 0;

	return store_counter_get(e->store, "froze-ms", &begun_ms, err) &&
	    (begun_ms == 0 ||
	        store_counter_set(e->store, "froze-ms", begun_ms + by_ms, err));
}
