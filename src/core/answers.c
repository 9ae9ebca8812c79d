/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/answers.h"

struct answers_source
answers_source_of(int64_t asked_ms, int64_t until_ms, int64_t now_ms)
{
	return (struct answers_source){
	    .asked_ms = asked_ms,
	    .serves_ms = asked_ms <= now_ms && now_ms < until_ms ? until_ms - now_ms : 0,
	};
}

void
answers_note_measured(struct answers *answers, const struct measured *measured,
    enum level above, enum level up_to)
{
	answers->probe_asked = true;
	answers->probed = LEVEL_UNKNOWN;
	answers->probe_works = ANSWER_UNSURE;
	if (measured == NULL)
		return;
	for (enum level l = up_to; l > above && l > LEVEL_MAY; l = measured_next(l)) {
		/* Silence is no answer. */
		enum answer works =
		    measured->answered ? measured->meets[l] : ANSWER_UNSURE;
		bool known = answers->probed != LEVEL_UNKNOWN;

		/* What could not be told is told of where nothing below it is met. */
		if (works != ANSWER_YES && known && answers->probe_works == ANSWER_UNSURE)
			continue;
		answers->probed = l;
		answers->probe_works = works;
		if (works == ANSWER_YES)
			return;
	}
}

void
answers_note_server(struct answers *answers, enum level level, enum answer works)
{
	/* Unsure, no, yes: in this order. */
	if (works > answers->works[level])
		answers->works[level] = works;
}
