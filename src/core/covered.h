/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which lines of logs were counted, so that a line counts once, whoever reads it and
 * however often: of each writer (a host and its syslog_name) the spans of time that were
 * read without a gap. Within a span all lines are counted; at its two ends, where a file
 * may be cut within a second, the lines themselves are known. Pure; one owner.
 */
#ifndef CORE_COVERED_H
#define CORE_COVERED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct covered; /* opaque */

struct covered *covered_new(void);
void covered_free(struct covered *covered);

/* What covered_save() wrote; anything else is as nothing. What this process read since
 * covered_new() stays known. */
void covered_load(struct covered *covered, struct str saved);

/* All that is known, for covered_load(). */
void covered_save(const struct covered *covered, struct buf *out);

/* The lines of one source follow each other without a gap. followed: each of them is read
 * once, by its place, whatever their stamps; only who reads once can have counted it. */
unsigned covered_source(struct covered *covered, bool followed);

/* A line of a source, at that second. writer, print: covered_hash() of who wrote it and
 * of its text. ahead: that second was still to come when the line was read; what others
 * will write until then is not read, so it is not kept of a log that is read once.
 * False: it was counted before; true: it is now. */
bool covered_take(struct covered *covered, unsigned source, uint64_t writer,
    int64_t second, uint64_t print, bool ahead);

/* The clock was ahead and is right again: no line after the second latest was read. What
 * ends after it ends at the second to, so that lines from then on count. */
void covered_bring_back(struct covered *covered, int64_t latest, int64_t to);

uint64_t covered_hash(struct str text);

#endif
