/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of a buffer that matter, each with its time, parsed. One owner. */
#ifndef LOGS_PARSE_H
#define LOGS_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/parsed.h"
#include "core/prefilter.h"

/* A minute as a stamp writes it, and when it began; 0: there is no such time. */
struct parse_minute {
	struct stamp stamp;
	int64_t begin_ms;
};

struct parse {
	struct prefilter prefilter;
	struct parse_minute minute;
	struct logline_head head;
	/* Of the lines with that head: */
	unsigned head_of; /* head->changes; 0: none */
	int64_t time_ms;  /* when they were written; 0: they do not tell */
	uint64_t writer;  /* for core/covered.h; 0: not known yet */
	struct str outer;
	int64_t wall_ms;
	int64_t shift_ms;
};

/* Begin with a buffer of whole lines. outer: as logline_split_nested() has it, borrowed;
 * wall_ms: the time of lines without a stamp. */
void parse_start(
    struct parse *parse, struct str lines, struct str outer, int64_t wall_ms);

/* The next line that may matter, found by a few of its bytes. False: no more. */
bool parse_find(struct parse *parse, struct str *line);

/* False: it does not matter after all. The slices borrow from line, which may be a copy
 * of what parse_find() gave. */
bool parse_line(struct parse *parse, struct str line, struct parsed *out);

#endif
