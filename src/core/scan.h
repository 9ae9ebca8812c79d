/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of a buffer that can matter, found by a few bytes of them over the whole
 * buffer before any line is cut. Most of a mail log is never looked at more closely.
 */
#ifndef CORE_SCAN_H
#define CORE_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum scan_want {
	SCAN_TROUBLE = 1, /* status lines of mail that was not sent */
	SCAN_SENT = 2,    /* status lines of mail that was */
	SCAN_TLS = 4,     /* TLS sessions with servers, policy look-ups */
};

/* How the bytes are searched for. All find the same. */
enum scan_how {
	SCAN_PLAIN, /* eight bytes at a time, on every machine */
	SCAN_SSE2,
	SCAN_AVX2,
	SCAN_HOW_COUNT,
};

struct scan {
	const char *at; /* not looked at yet */
	const char *end;
	uint64_t line; /* newlines before the line that was returned; at the end: all */
	uint64_t newlines; /* before `at` */
	unsigned want;
	enum scan_how how;
};

/* Begin with a buffer of whole lines (the last newline may be missing). */
void scan_start(struct scan *scan, struct str lines, unsigned want);

/* The next line that may be wanted, without newline and CR before it. False: no more. */
bool scan_next(struct scan *scan, struct str *line);

/* Can this machine do it so? scan_start() takes the last one that it can. */
bool scan_can(enum scan_how how);

#endif
