/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a destination is able to, as `check` shows it: a grade, and the level at which
 * its mail would flow. Pure. Both are the ladder's (core/ladder): it judges a destination
 * that is not there, with mail that waits for just the reason that was measured and has
 * waited long enough.
 */
#ifndef CORE_GRADE_H
#define CORE_GRADE_H

#include <stdbool.h>

#include "base/answer.h"
#include "core/answers.h"
#include "core/ladder.h"
#include "core/level.h"
#include "core/why.h"

enum grade {
	GRADE_UNSURE, /* could not tell, or no mail flows */
	GRADE_RED,    /* cleartext */
	GRADE_YELLOW, /* encrypted */
	GRADE_GREEN,  /* DANE, or a certificate that verifies */
	GRADE_COUNT,
};

/* What is the same for all destinations. Borrowed. */
struct grade_settings {
	enum level default_level; /* LEVEL_UNKNOWN: Postfix could not be asked */
	const struct ladder_policy *policy;
	enum answer can_dane; /* can this Postfix do dane-only? */
	bool no_authorities;  /* it has no CA: nothing verifies */
};

struct grading {
	enum grade grade;
	enum level level; /* LEVEL_UNKNOWN: unsure, or decided by another map */
	enum why why;     /* WHY_NONE: the servers were not asked, or none answered */
	bool waits;       /* there is no level at which mail would flow */
};

/* key: the destination's. Of the answers: other_map, credentials, dane, probe_asked,
 * works, and what an enforced policy asks for: sts, sts_attributes and
 * sts_allows_none. */
struct grading grade_judge(const struct grade_settings *settings, const char *key,
    const struct answers *answers);

const char *grade_name(enum grade grade); /* "green", "yellow", "red", "?" */

#endif
