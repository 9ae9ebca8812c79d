/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries as lines of the policy map: all of them, or what changed since a version. */
#ifndef PUBLISH_MAPLINES_H
#define PUBLISH_MAPLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "publish/textmap.h"
#include "store/store.h"

#define CHANGES_MAX       1000      /* more are put into a new database */
#define CHANGES_BYTES_MAX (4 << 20) /* and so is what would fill the memory */

/*
 * Above an entry stands its why: "SLUG: SENTENCE", of a pin that ends with the time, and
 * of one that ended that it did; at the end the note in parentheses,
 * with \xNN for what is not visible.
 */
#define MAPLINES_UNTIL ", until "
#define MAPLINES_ENDED ", ended"

/* The line of an entry; its texts are in value and why, which the next call may reuse. */
struct map_entry maplines_of(
    const struct entry *entry, struct buf *value, struct buf *why);

/*
 * A struct map_source's each(), whose context is the store. Entries of an unknown level
 * are left out: such a word would stop mail. Of one moment where the caller has begun to
 * read.
 */
bool maplines_each(void *store, map_entry_fn *take, void *taker, struct err *err);

/* What became of the entries after a version of the map. Owned; changes_clear(). */
struct changes {
	struct map_entry items[CHANGES_MAX]; /* value NULL: there is no entry any more */
	size_t count;
	size_t bytes; /* of their texts */
	bool too_many;
};

bool changes_read(
    struct store *store, int64_t version, struct changes *changes, struct err *err);
void changes_clear(struct changes *changes);

#endif
