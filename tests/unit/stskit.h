/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of tests/cases/sts-*.cases: their notation of texts, and their numbers. */
#ifndef TESTS_STSKIT_H
#define TESTS_STSKIT_H

#include "base/buf.h"

/* \n \r \t, \_ a blank, \xNN; {TEXT*N} N times TEXT, # in it counts from 1; $E, $A; with
 * line_end "/" is the end of a line. */
void sts_text(const char *field, bool line_end, struct buf *out);

/* "-" is "". */
const char *sts_field(const char *field);

/* Words parted by blanks, borrowed; more than most fail the test. */
size_t sts_split(const char *text, struct str *words, size_t most);

#endif
