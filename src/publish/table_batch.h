/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of a table brought to what they are to say, 500 at a time: planned by what the
 * store knows (core/published.h), begun there, asked of the table, and noted. Wherever it
 * is cut short, what is known stays true, and the same once more ends it. Blocks.
 */
#ifndef PUBLISH_TABLE_BATCH_H
#define PUBLISH_TABLE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/publishers.h"
#include "store/store_published.h"

struct table_batch; /* opaque */

/* What became of the keys. */
struct table_counts {
	size_t asked;   /* keys that the table was asked to change */
	size_t busy;    /* locked by others: they are to be asked once more */
	size_t doubted; /* somebody else changed or deleted them, unless the table was
	                 * restored: nothing is known before all are compared */
};

/* store: in no transaction, and not the one whose entries are walked through. Both are
 * borrowed. is_read_here: what is somebody else's is judged anew. stop_fd: of
 * child_stopper(), or 0. */
struct table_batch *table_batch_new(const struct publisher *publisher,
    struct store *store, bool is_read_here, int64_t now_ms, int stop_fd);
void table_batch_free(struct table_batch *batch);

/* What the entry is to be in that table; NULL, and one that the table may not hold: no
 * row. */
struct published_want table_want(
    const struct publisher *publisher, const struct entry *entry);

/* A key. Whatever is due is done when there are enough of them. A key that cannot be in a
 * table is nothing. False: nothing more can be done now. */
bool table_batch_add(struct table_batch *batch, const char *key,
    const struct published_want *want, struct err *err);

/* All that follows is compared, or else what is answered counts; restored: by
 * table_restored(). */
void table_batch_compares(struct table_batch *batch, bool restored);

/* The same where the table was listed into the store (store_listing_begin()). */
bool table_batch_compare(struct table_batch *batch, const char *key,
    const struct published_want *want, struct err *err);

/* No row of ours is wanted any more: of all keys that something is known of, and of those
 * without an entry, compared with the listing. */
bool table_batch_drop_all(struct table_batch *batch, struct err *err);
bool table_batch_compare_unlisted(struct table_batch *batch, struct err *err);

/* Do what is left. */
bool table_batch_end(
    struct table_batch *batch, struct table_counts *counts, struct err *err);

#endif
