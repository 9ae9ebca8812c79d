/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/why.h"

enum answer_column { ANSWER_WAS_KNOWN, ANSWER_WAS_UNSURE };
enum next_column { NEXT_EXPLAIN, NEXT_DOCTOR, NEXT_RULES, NEXT_STATUS };
enum sent_column { SENT_STAYS, SENT_OVER, SENT_PINNED, SENT_DANE, SENT_POLICY };

#define WHY_ROW(name, slug, sentence, answer, alerts, sent, guard, next) \
	{slug, sentence, ANSWER_WAS_##answer, WHY_ALERTS_##alerts, SENT_##sent, guard, \
	    NEXT_##next},

static const struct {
	const char *slug;
	const char *sentence;
	enum answer_column answer;
	enum why_alerts alerts;
	enum sent_column sent;
	int guard;
	enum next_column next;
} rows[WHY_COUNT] = {WHY_WORDS(WHY_ROW)};

const char *
why_slug(enum why why)
{
	return rows[why].slug;
}

const char *
why_sentence(enum why why)
{
	return rows[why].sentence;
}

bool
why_parse(struct str slug, enum why *why)
{
	for (enum why w = WHY_NONE; w < WHY_COUNT; w++) {
		if (str_is(slug, rows[w].slug)) {
			*why = w;
			return true;
		}
	}
	return false;
}

bool
why_could_not_tell(enum why why)
{
	return rows[why].answer == ANSWER_WAS_UNSURE;
}

enum why_alerts
why_alerts(enum why why)
{
	return rows[why].alerts;
}

bool
why_alerts_held(enum why why)
{
	return rows[why].alerts == WHY_ALERTS_ALWAYS ||
	    rows[why].alerts == WHY_ALERTS_BY_CASE;
}

enum why
why_once_sent(enum why why, enum why entry_why)
{
	switch (rows[why].sent) {
	case SENT_STAYS:
		return why;
	case SENT_PINNED:
		return WHY_PINNED;
	case SENT_DANE:
		return WHY_DANE;
	case SENT_POLICY:
		return WHY_POLICY;
	case SENT_OVER:
		break;
	}
	return entry_why;
}

const char *
why_next(enum why why, bool *of_one)
{
	static const char *const commands[] = {
	    [NEXT_EXPLAIN] = "explain",
	    [NEXT_DOCTOR] = "doctor",
	    [NEXT_RULES] = "rules",
	    [NEXT_STATUS] = "status",
	};

	*of_one = rows[why].next == NEXT_EXPLAIN;
	return commands[rows[why].next];
}

int
why_guard(enum why why)
{
	return rows[why].guard;
}
