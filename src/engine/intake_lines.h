/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines into the fold, and how many of them are enough for one transaction. */
#ifndef ENGINE_INTAKE_LINES_H
#define ENGINE_INTAKE_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "core/fold.h"
#include "logs/feed.h"

/*
 * Lines of a source into the fold, until it has no more, the fold is full, or the
 * monotonic clock shows until_ms; see feed_read(). SOURCE_LINES: there may be more.
 */
enum source_result intake_read(
    struct fold *fold, struct source *source, int64_t until_ms, bool *came);

/* The wanted lines of a buffer into the fold. wall_ms: the time of unstamped lines. */
void intake_lines(struct fold *fold, struct str lines, int64_t wall_ms);

/*
 * Do the first lines wait to be told where mail goes? What is read before that is parked
 * and parsed twice, so that intake_read() ends then; the answer is a moment away.
 */
bool intake_is_early(const struct fold *fold);

/* Enough for one transaction: to be stored before more lines are taken. What is known of
 * a destination takes 1.3 KB until then, and so does a line that waits for a route. */
bool intake_is_full(const struct fold *fold);

#endif
