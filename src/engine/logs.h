/* SPDX-License-Identifier: BSD-2-Clause */
/* The logs that the daemon follows, and how far the database has them. */
#ifndef ENGINE_LOGS_H
#define ENGINE_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/fold.h"
#include "engine/intake.h"
#include "store/store.h"

struct logs; /* opaque */

/*
 * Each from where the store left it, else from its start or its end; *fresh: one of them
 * was never read. The names are borrowed until logs_close(). NULL: err.
 */
struct logs *logs_open(char *const *names, size_t count, bool from_start,
    struct store *store, bool *fresh, struct err *err);
void logs_close(struct logs *logs);

/* Read for a while, lines into the fold. *came: there were some. True: there is more. */
bool logs_read(struct logs *logs, struct fold *fold, bool *came);

/* Does one of them stand elsewhere than the store has it? */
bool logs_have_moved(const struct logs *logs);

/* Where they stand, an array of *count; free(). logs_stored(): the store has that now. */
struct log_place *logs_places(const struct logs *logs, size_t *count);
void logs_stored(struct logs *logs, const struct log_place *places);

/* Gaps and long lines since the last call are added to the store's counters. */
bool logs_store_notes(struct logs *logs, struct store *store);

bool logs_are_over(const struct logs *logs); /* standard input, and it ended */
int64_t logs_wait_ms(const struct logs *logs, int64_t longest_ms);

/* The descriptor that signals news of each of logs_count(); -1: none. */
size_t logs_count(const struct logs *logs);
int logs_fd(const struct logs *logs, size_t index);

#endif
