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
answers_note_server(struct answers *answers, enum level level, enum answer works)
{
	/* Unsure, no, yes: in this order. */
	if (works > answers->works[level])
		answers->works[level] = works;
}
