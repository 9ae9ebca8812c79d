/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/answers.h"

void
answers_note_server(struct answers *answers, enum level level, enum answer works)
{
	/* Unsure, no, yes: in this order. */
	if (works > answers->works[level])
		answers->works[level] = works;
}
