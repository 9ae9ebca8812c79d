/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of a buffer that can matter, found by a few bytes of them over the whole
 * buffer before any line is cut. Most of a mail log is never examined more closely.
 */
#ifndef CORE_PREFILTER_H
#define CORE_PREFILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum prefilter_want {
	PREFILTER_TROUBLE = 1,   /* status lines of mail that was not sent */
	PREFILTER_SENT = 2,      /* status lines of mail that was */
	PREFILTER_TLS = 4,       /* TLS sessions with servers and what failed of them,
	                          * policy look-ups, starts and reloads of Postfix */
	PREFILTER_UNCOUNTED = 8, /* and the numbers of lines are not asked for */
};

/* How the bytes are searched for. All find the same. */
enum prefilter_how {
	PREFILTER_PLAIN, /* eight bytes at a time, on every machine */
	PREFILTER_SSE2,
	PREFILTER_AVX2,
	PREFILTER_HOW_COUNT,
};

struct prefilter {
	const char *at; /* not searched yet */
	const char *end;
	/* Not with PREFILTER_UNCOUNTED: */
	uint64_t line; /* newlines before the line that was returned; at the end: all */
	uint64_t newlines; /* before `at` */
	unsigned want;
	enum prefilter_how how;
};

/* Begin with a buffer of whole lines (the last newline may be missing). */
void prefilter_start(struct prefilter *prefilter, struct str lines, unsigned want);

/* The next line that may be wanted, without newline and CR before it. False: no more. */
bool prefilter_next(struct prefilter *prefilter, struct str *line);

/* Can this machine do it so? prefilter_start() takes the last one that it can. */
bool prefilter_can(enum prefilter_how how);

#endif
