/* SPDX-License-Identifier: BSD-2-Clause */
/* Status lines whose next-hop is not known yet, with the last lines of their process. */
#ifndef CORE_PARKED_H
#define CORE_PARKED_H

#include <stdbool.h>
#include <stddef.h>

#include "core/parsed.h"
#include "core/passed.h"
#include "core/processes.h"

struct parked_line {
	char *text;
	char *service;
	struct process process; /* used is 0 where it had logged nothing */
	struct passed *passed;  /* what was said of servers before it; NULL: nothing */
	int64_t time_ms;
	bool queued;   /* from the queue, not from a log */
	unsigned node; /* whose: the fold's */
};

/* {0}: none yet. In the order in which they came. */
struct parked {
	struct parked_line *lines;
	size_t count;
	size_t size;
};

/* Copies of all that is given; process and passed may be NULL. */
void parked_add(struct parked *parked, const struct process *process,
    const struct passed *passed, const struct parsed *line, bool queued, unsigned node);

/* The line as it was; it borrows from the parked one. */
bool parked_parse(const struct parked_line *parked, struct parsed *out);

void parked_clear(struct parked *parked);

#endif
