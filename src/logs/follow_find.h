/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rotated generations beside a log: mail.log.1, mail.log-20261124,
 * mail.log.20261124-060251.gz, mail-20261124.log, which of them are newer than others.
 * Private to follow.
 */
#ifndef LOGS_FOLLOW_FIND_H
#define LOGS_FOLLOW_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include "logs/follow_file.h"

enum sibling_kind {
	SIBLING_OTHER,    /* mail.log.old, mail.log.save: only searched for a position */
	SIBLING_NUMBERED, /* the larger the older */
	SIBLING_DATED,
};

struct sibling {
	char *path;
	enum sibling_kind kind;
	unsigned long number;
	const char *tag; /* in path: what rotation added to the name */
	size_t tag_len;  /* without the compressor's suffix */
	bool is_gzip;    /* by its name */
	bool is_foreign; /* a compressor that we do not read */
	struct file_facts facts;
};

struct siblings {
	struct sibling *items; /* oldest first */
	size_t count;
	struct file_facts live;
	int live_errnum; /* 0: there is a file at the path itself, and live is it */
};

/*
 * Read the directory until two readings agree, so that a rotation in between is not
 * seen by halves. 0, or an errno (EAGAIN: it does not come to rest; try later).
 */
int siblings_read(const char *path, struct siblings *siblings);
void siblings_clear(struct siblings *siblings);

/* Do two readings show the same files under the same names? */
bool siblings_same(const struct siblings *a, const struct siblings *b);

/* The one that is the same file, or NULL. */
const struct sibling *siblings_find(
    const struct siblings *siblings, const struct identity *id);

/*
 * Does sibling (kind other than OTHER) come after last? found: last among the siblings,
 * or NULL, if it is not there any more; then the times of the last writing decide.
 */
bool sibling_is_newer(const struct sibling *sibling, const struct sibling *found,
    const struct file_facts *last);

#endif
