/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parsed lines of a source, in order. A few are read and parsed here; of a backlog a
 * thread reads and parses as well, beside the caller. The thread lives for one call of
 * feed_read() only: at rest there is none, and between two calls everything that was read
 * was taken, so that source_where() is its place.
 */
#ifndef LOGS_FEED_H
#define LOGS_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/parsed.h"
#include "logs/source.h"

/* Lines taken after it wanted no more, at most: those of the chunks that were read
 * already. */
#define FEED_BEHIND_MAX 20000

/* Some parsed lines, valid for the call. Called in the thread of feed_read(). False: no
 * more for now; see FEED_BEHIND_MAX. */
typedef bool feed_fn(void *context, const struct parsed *lines, size_t count);

/*
 * outer: as parse_start() has it. Read source until it has nothing more, until `take`
 * wants no more, or until the monotonic clock shows until_ms. SOURCE_LINES: there may be
 * more; SOURCE_IDLE and SOURCE_END are the source's. *came becomes true where whole lines
 * came, wanted or not; else it stays. `take` must not touch the source.
 */
enum source_result feed_read(struct source *source, struct str outer, int64_t until_ms,
    feed_fn *take, void *context, bool *came);

#endif
