/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/grade.h"

void
grade_note(struct grade_facts *facts, enum level level, enum answer works)
{
	/* One that did not answer says nothing of those that did. */
	if (works > facts->works[level])
		facts->works[level] = works;
}

static struct grading
settle(enum grade grade, enum level level, enum why why)
{
	return (struct grading){.grade = grade, .level = level, .why = why};
}

static struct grading
mail_waits(enum grade grade, enum level level, enum why why)
{
	return (struct grading){
	    .grade = grade, .level = level, .why = why, .waits = true};
}

static struct grading
judge_usable(const struct grade_facts *facts)
{
	if (facts->can_dane == ANSWER_NO)
		return mail_waits(GRADE_UNSURE, LEVEL_UNKNOWN, WHY_DANE_IMPOSSIBLE);
	if (facts->probed && facts->works[LEVEL_DANE_ONLY] == ANSWER_NO)
		return mail_waits(GRADE_UNSURE, LEVEL_DANE_ONLY, WHY_DANE_NOT_MET);
	if (facts->probed && facts->works[LEVEL_DANE_ONLY] == ANSWER_UNSURE)
		return settle(GRADE_UNSURE, LEVEL_DANE_ONLY, WHY_DANE);
	return settle(GRADE_GREEN, LEVEL_DANE_ONLY, WHY_DANE);
}

/* The strongest rung that works, before the default level is looked at. */
static struct grading
judge_servers(const struct grade_facts *facts)
{
	if (facts->works[LEVEL_SECURE] == ANSWER_YES)
		return settle(GRADE_GREEN, LEVEL_SECURE, WHY_PROBED);
	if (facts->works[LEVEL_VERIFY] == ANSWER_YES)
		return settle(GRADE_GREEN, LEVEL_VERIFY, WHY_PROBED);
	if (facts->works[LEVEL_VERIFY] == ANSWER_UNSURE)
		return settle(GRADE_UNSURE, LEVEL_UNKNOWN, WHY_NONE);
	if (facts->works[LEVEL_ENCRYPT] == ANSWER_YES)
		return settle(GRADE_YELLOW, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	if (facts->works[LEVEL_ENCRYPT] == ANSWER_UNSURE)
		return settle(GRADE_UNSURE, LEVEL_UNKNOWN, WHY_NONE);
	/* Secure TLSA, usable or not, is a promise of TLS (RFC 7672 2.2.3). */
	if (facts->dane == DANE_UNUSABLE)
		return mail_waits(GRADE_RED, LEVEL_UNKNOWN, WHY_TLSA_UNUSABLE);
	if (facts->dane == DANE_INSECURE_MX)
		return mail_waits(GRADE_RED, LEVEL_UNKNOWN, WHY_INSECURE_MX);
	return settle(GRADE_RED, LEVEL_MAY, WHY_NOT_ENCRYPTED);
}

/* Nothing stronger than the default is written, but DANE. */
static struct grading
under_default(const struct grade_facts *facts, struct grading g)
{
	enum level level = facts->default_level;

	if (g.level == LEVEL_UNKNOWN || level == LEVEL_UNKNOWN)
		return g;
	/* Below verify these three let mail flow by themselves, whatever the server does.
	 */
	if (level == LEVEL_NONE || level == LEVEL_MAY || level == LEVEL_DANE)
		return settle(g.grade, level, WHY_NOT_NEEDED);
	if (level == LEVEL_FINGERPRINT)
		return settle(g.grade, LEVEL_UNKNOWN, WHY_NONE);
	if (g.level >= level)
		return settle(g.grade, level, WHY_NOT_NEEDED);
	if (g.level < facts->lowest)
		return mail_waits(g.grade, LEVEL_UNKNOWN, WHY_LOWEST);
	return g;
}

static struct grading
judge(const struct grade_facts *facts)
{
	switch (facts->dane) {
	case DANE_USABLE:
		return judge_usable(facts);
	case DANE_UNUSABLE:
	case DANE_INSECURE_MX:
	case DANE_NONE:
		if (!facts->probed)
			return settle(GRADE_UNSURE, LEVEL_UNKNOWN, WHY_NONE);
		return under_default(facts, judge_servers(facts));
	case DANE_NO_MAIL:
		return mail_waits(GRADE_UNSURE, LEVEL_UNKNOWN, WHY_NO_MAIL);
	case DANE_UNSURE:
	case DANE_STATE_COUNT:
		break;
	}
	return settle(GRADE_UNSURE, LEVEL_UNKNOWN, WHY_DNS_UNSURE);
}

struct grading
grade_judge(const struct grade_facts *facts)
{
	struct grading g = judge(facts);

	if (facts->other_map == ANSWER_YES)
		return settle(g.grade, LEVEL_UNKNOWN, WHY_OTHER_MAP);
	if (facts->other_map == ANSWER_UNSURE && g.level != LEVEL_UNKNOWN)
		return settle(g.grade, LEVEL_UNKNOWN, WHY_OTHER_MAP_UNSURE);
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
