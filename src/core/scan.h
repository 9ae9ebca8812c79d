/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of a buffer that can matter, found by literals searched for over the whole
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
	SCAN_TLS = 4,     /* TLS sessions, policy look-ups */
};

struct scan {
	const char *at; /* not looked at yet */
	const char *end;
	const char *status; /* next hits, at or behind `at`; end: none */
	const char *tls;
	unsigned want;
};

/* Begin with a buffer of whole lines (the last newline may be missing). */
void scan_start(struct scan *scan, struct str lines, unsigned want);

/* The next line that may be wanted, without newline and CR before it. False: no more. */
bool scan_next(struct scan *scan, struct str *line);

/* Newlines between two places in a buffer, for line numbers. */
uint64_t scan_count_lines(const char *from, const char *to);

#endif
