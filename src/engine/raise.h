/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes of other settings at the daemon's start: what was decided under them is due,
 * and entries below ladder.lowest are raised without asking anybody, and so without the
 * pace of re-checks. */
#ifndef ENGINE_RAISE_H
#define ENGINE_RAISE_H

#include <stdbool.h>

#include "base/err.h"
#include "core/nexthop.h"

struct engine;

/* Zero it: all are to be looked at. */
struct raise {
	bool minded; /* what was decided under other settings is due */
	bool done;
	bool waits;                   /* for Postfix's settings, which are news */
	char after[NEXTHOP_KEY_SIZE]; /* those up to this key were */
};

/* Some hundreds of them, as the log is to be read meanwhile; unless raise->done there are
 * more. By a command none is: it would have to wait for all of them. Outside of a
 * transaction. */
bool engine_raise(struct engine *e, struct raise *raise, struct err *err);

#endif
