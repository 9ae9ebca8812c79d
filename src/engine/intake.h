/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines into the fold, and the fold into the store with the log's position. */
#ifndef ENGINE_INTAKE_H
#define ENGINE_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/fold.h"
#include "logs/follow.h"
#include "store/store.h"

/* A log and where its lines were read up to. path is borrowed. */
struct log_place {
	const char *path;
	struct follow_position position;
};

/* The wanted lines of a buffer into the fold. wall_ms: the time of unstamped lines. */
void intake_lines(struct fold *fold, struct str lines, int64_t wall_ms);

/* Enough for one transaction: to be stored before more lines are taken. What is known of
 * a destination takes 1.3 KB until then, and so does a line that waits for a route. */
bool intake_is_full(const struct fold *fold);

/*
 * The whole fold and the places of all logs, in one transaction: either both are
 * stored, or neither, and the caller tries again with the same fold. On true the fold
 * is empty. default_level: mail that was sent without an entry met it.
 * *news: destinations that wait to be judged now.
 */
bool intake_store(struct store *store, struct fold *fold, const struct rules *rules,
    enum level default_level, const struct log_place *places, size_t place_count,
    bool *news, struct err *err);

#endif
