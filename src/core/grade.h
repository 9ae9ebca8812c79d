/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a destination is able to, as `check` shows it: a grade, and the level at which
 * its mail would flow. Pure. It sees one moment and no deferral, so the ladder's waits
 * and holds are no part of it (core/ladder decides).
 */
#ifndef CORE_GRADE_H
#define CORE_GRADE_H

#include <stdbool.h>

#include "base/answer.h"
#include "core/dane.h"
#include "core/level.h"
#include "core/why.h"

enum grade {
	GRADE_UNSURE, /* could not tell, or no mail flows */
	GRADE_RED,    /* cleartext */
	GRADE_YELLOW, /* encrypted */
	GRADE_GREEN,  /* DANE, or a certificate that verifies */
	GRADE_COUNT,
};

/* What was asked. Zero it. */
struct grade_facts {
	enum level default_level; /* LEVEL_UNKNOWN: Postfix could not be asked */
	enum level lowest;
	enum answer can_dane;  /* can this Postfix do dane-only? */
	enum answer other_map; /* does another policy map answer for it? */
	enum dane_state dane;
	bool probed;
	/* Does mail flow at a server of it, by level: encrypt, verify, secure, dane-only.
	 */
	enum answer works[LEVEL_COUNT];
};

struct grading {
	enum grade grade;
	enum level level; /* LEVEL_UNKNOWN: cannot tell, or another's to decide */
	enum why why;     /* WHY_NONE: the servers were not asked, or none answered */
	bool waits;       /* there is no level at which mail would flow */
};

/* The servers of one destination, one after the other: mail flows if it does at one. */
void grade_note(struct grade_facts *facts, enum level level, enum answer works);

struct grading grade_judge(const struct grade_facts *facts);

const char *grade_name(enum grade grade); /* "green", "yellow", "red", "?" */

#endif
