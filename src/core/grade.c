/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/grade.h"

#include "base/span.h"

/* Of the hypothetical destination: late enough for mail that waits for as long as a
 * setting may demand, as 0 means never. */
#define NOW_MS (10000 * SPAN_DAY_MS)

/* --- what was measured -------------------------------------------------------------- */

static bool
promises_tls(const struct answers *answers)
{
	return answers->dane.state == DANE_UNUSABLE ||
	    answers->dane.state == DANE_INSECURE_MX;
}

static enum answer
dane_flows(const struct grade_settings *settings, const struct answers *answers)
{
	if (answers->dane.state != DANE_USABLE || settings->can_dane == ANSWER_NO)
		return ANSWER_NO;
	return answers->probe_asked ? answers->works[LEVEL_DANE_ONLY] : ANSWER_YES;
}

/* Would mail flow at this level? */
static enum answer
flows(const struct grade_settings *settings, const struct answers *answers,
    enum level level)
{
	const enum answer *works = answers->works;
	enum answer encrypted =
	    works[LEVEL_SECURE] == ANSWER_YES || works[LEVEL_VERIFY] == ANSWER_YES
	    ? ANSWER_YES /* what verifies is encrypted as well */
	    : works[LEVEL_ENCRYPT];

	switch (level) {
	case LEVEL_NONE:
	case LEVEL_MAY:
		return ANSWER_YES;
	case LEVEL_DANE: /* without usable TLSA it asks for nothing, or for TLS */
		return promises_tls(answers) ? encrypted : ANSWER_YES;
	case LEVEL_ENCRYPT:
		return encrypted;
	case LEVEL_VERIFY:
		return works[LEVEL_SECURE] == ANSWER_YES ? ANSWER_YES
		                                         : works[LEVEL_VERIFY];
	case LEVEL_SECURE: /* is asked of servers that verify; unless it works, it is not
	                    */
		return works[LEVEL_SECURE] == ANSWER_YES ? ANSWER_YES
		    : works[LEVEL_VERIFY] == ANSWER_YES  ? ANSWER_NO
		                                         : works[LEVEL_VERIFY];
	case LEVEL_DANE_ONLY:
		return dane_flows(settings, answers);
	default: /* fingerprints are not probed, but without TLS there is none */
		return encrypted == ANSWER_NO ? ANSWER_NO : ANSWER_UNSURE;
	}
}

/* What the rules would say of the deferral: no TLS at all, or no proof of who it is. */
static enum level
fallback_level(const struct answers *answers)
{
	return answers->works[LEVEL_VERIFY] == ANSWER_NO &&
	        answers->works[LEVEL_ENCRYPT] == ANSWER_NO
	    ? LEVEL_MAY
	    : LEVEL_ENCRYPT;
}

/* --- what the ladder makes of it ---------------------------------------------------- */

/* Where the destination stands. */
struct step {
	struct demand entry;
	enum why why; /* of the entry */
	enum level present;
};

/* The names of a policy are nothing that was probed: known is what it allows, and whose
 * certificate verifies for no name of its own. */
static enum answer
flows_now(const struct grade_settings *settings, const struct answers *answers,
    const struct step *at)
{
	if (at->why == WHY_POLICY)
		return answers->sts_allows_none ||
		        flows(settings, answers, LEVEL_VERIFY) == ANSWER_NO
		    ? ANSWER_NO
		    : ANSWER_YES;
	return flows(settings, answers, at->present);
}

static struct evidence
evidence_of(const struct grade_settings *settings, const char *key,
    const struct answers *answers, const struct step *at, bool deferral)
{
	unsigned attempts = settings->policy->may_after_attempts;
	int64_t first_ms = NOW_MS - settings->policy->may_after_ms;

	return (struct evidence){
	    .key = key,
	    .default_level = settings->default_level,
	    .entry = at->entry,
	    .lease_end_ms = LADDER_NOT_YET,
	    .deferral = deferral,
	    .has_rule = true,
	    .fallback = FALLBACK_LEVEL,
	    .fallback_level = fallback_level(answers),
	    .attempt_ms = NOW_MS,
	    .attempts = attempts,
	    .first_attempt_ms = first_ms,
	    .last_attempt_ms = NOW_MS,
	    .plain = {attempts, first_ms, NOW_MS},
	    .asked = true,
	    .credentials = answers->credentials,
	    .queue = QUEUE_NONE,
	    .prober = ANSWER_NO,
	    .canary = CANARY_NONE,
	    .other_map = answers->other_map,
	    .dane = answers->dane,
	    .can_dane = settings->can_dane,
	    .sts = answers->sts == STS_APPLIES_ENFORCE ? STS_APPLIES_ENFORCE
	                                               : STS_APPLIES_NOTHING,
	    .sts_attributes = answers->sts_attributes,
	    .sts_allows_none = answers->sts_allows_none,
	    .sts_entry = at->why == WHY_POLICY,
	    .no_authorities = settings->no_authorities,
	};
}

/* Is there a level, though the ladder keeps what is there? */
static bool
tells_level(enum why why)
{
	return why == WHY_DANE || why == WHY_DANE_NOT_MET || why == WHY_NOT_NEEDED ||
	    why == WHY_STILL_NEEDED || why == WHY_POLICY || why == WHY_POLICY_NOT_MET;
}

/* Is there certainly none? Not if it could not be determined or another map decides
 * it. */
static bool
tells_that_mail_waits(enum why why, bool deferral)
{
	if (why == WHY_NO_MAIL || why == WHY_DANE_IMPOSSIBLE)
		return true;
	return deferral && why != WHY_DNS_UNSURE && why != WHY_OTHER_MAP &&
	    why != WHY_OTHER_MAP_UNSURE;
}

/* Where the ladder ends with this mail, a step at a time. */
static struct grading
walk(
    const struct grade_settings *settings, const char *key, const struct answers *answers)
{
	struct step at = {demand_of(LEVEL_NONE), WHY_NONE, settings->default_level};
	struct grading g = {0};

	for (int step = 0; step < LEVEL_COUNT; step++) {
		enum answer flow = flows_now(settings, answers, &at);
		struct evidence ev =
		    evidence_of(settings, key, answers, &at, flow == ANSWER_NO);
		struct decision d = ladder_decide(settings->policy, &ev, NOW_MS);

		if (d.action == ACTION_SET) {
			at = (struct step){d.entry, d.why, d.entry.level};
			continue;
		}
		/* A policy's entry stands while DNS cannot tell of DANE. */
		if (d.why == WHY_DNS_UNSURE && at.why == WHY_POLICY)
			d.why = WHY_POLICY;
		g.why = d.why == WHY_STILL_NEEDED ? at.why : d.why;
		g.waits = tells_that_mail_waits(d.why, ev.deferral);
		if (d.action == ACTION_KEEP && tells_level(d.why))
			g.level = at.present;
		/* Without usable TLSA only the servers can tell. */
		if (flow == ANSWER_UNSURE && g.level != LEVEL_UNKNOWN &&
		    at.present != LEVEL_DANE_ONLY)
			g = (struct grading){0};
		break;
	}
	/* That its certificate verifies is what the probe showed. */
	if (g.why == WHY_NOT_AUTHENTIC && level_is_authenticated(g.level))
		g.why = WHY_PROBED;
	return g;
}

/* --- the grade ---------------------------------------------------------------------- */

/* Of the level that it is able to, where nothing less was asked for. */
static enum grade
grade_of(const struct grading *able, bool unsure)
{
	/* Secure TLSA, usable or not, is a promise of TLS (RFC 7672 2.2.3): all that is
	 * left there is cleartext. */
	if (able->why == WHY_TLSA_UNUSABLE || able->why == WHY_INSECURE_MX)
		return GRADE_RED;
	if (able->waits || unsure || able->level == LEVEL_UNKNOWN)
		return GRADE_UNSURE;
	return level_is_authenticated(able->level) ? GRADE_GREEN
	    : able->level == LEVEL_ENCRYPT         ? GRADE_YELLOW
	                                           : GRADE_RED;
}

struct grading
grade_judge(
    const struct grade_settings *settings, const char *key, const struct answers *answers)
{
	/* What it is able to is none of the administrator's: nothing is forbidden there,
	 * and it has no key that a setting could name. */
	struct ladder_policy freest = *settings->policy;
	struct grade_settings strictest = {.default_level = LEVEL_DANE_ONLY,
	    .policy = &freest,
	    .can_dane = settings->can_dane};
	struct grade_settings here = *settings;
	struct answers alone = *answers;
	struct grading able, g;

	freest.lowest = LEVEL_MAY;
	/* A Postfix that could not be asked is taken for one that demands the most. */
	if (here.default_level == LEVEL_UNKNOWN)
		here = strictest;
	if (here.can_dane == ANSWER_UNSURE)
		here.can_dane = strictest.can_dane = ANSWER_YES;
	alone.other_map = ANSWER_NO;
	/* What its owner wants is not what its servers are able to. */
	alone.sts = STS_APPLIES_NOTHING;
	able = walk(&strictest, NULL, &alone);
	able.grade =
	    grade_of(&able, flows(&strictest, &alone, able.level) == ANSWER_UNSURE);
	alone.sts = answers->sts;
	g = able.level == LEVEL_UNKNOWN && able.grade == GRADE_UNSURE &&
	        alone.sts != STS_APPLIES_ENFORCE
	    ? able
	    : walk(&here, key, &alone);
	g.grade = able.grade;
	/* Another map is asked for a level only where there is one. */
	if (answers->other_map == ANSWER_YES ||
	    (answers->other_map == ANSWER_UNSURE && g.level != LEVEL_UNKNOWN)) {
		g = walk(&here, key, answers);
		g.grade = able.grade;
	}
	/* Whatever servers are able to, none flows where their own policy shuts it out.
	 */
	if (g.why == WHY_POLICY_NOT_MET && g.grade != GRADE_RED)
		g.grade = GRADE_UNSURE;
	return g;
}

const char *
grade_name(enum grade grade)
{
	static const char *const names[GRADE_COUNT] = {
	    [GRADE_UNSURE] = "?",
	    [GRADE_RED] = "red",
	    [GRADE_YELLOW] = "yellow",
	    [GRADE_GREEN] = "green",
	};

	return names[grade];
}
