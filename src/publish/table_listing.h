/* SPDX-License-Identifier: BSD-2-Clause */
/* All rows of a table at once: held against the entries, and those that equal them. */
#ifndef PUBLISH_TABLE_LISTING_H
#define PUBLISH_TABLE_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "conf/publishers.h"
#include "store/store_published.h"

/* The rows, into the store's listing (store_listing_begin()). Outside of a transaction.
 */
bool table_listing_read(
    const struct publisher *publisher, struct store *store, int stop_fd, struct err *err);

/*
 * Was the table restored from a copy, or is it another one? So is one of which that was
 * said before, until table_restored_over(): what it lost may be published in part. The
 * listing was read. was_led: others may have led since, whose doing it is where rows are
 * gone.
 */
bool table_restored(const struct publisher *publisher, struct store *store, bool was_led,
    int64_t now_ms, bool *restored, struct err *err);
/* All is published to it. */
bool table_restored_over(
    const struct publisher *publisher, struct store *store, struct err *err);
/* When it was found to be so last; 0: never. */
bool table_restored_ms(const struct publisher *publisher, struct store *store,
    int64_t *at_ms, struct err *err);

/* Rows that are ours by what the table says of their owner, and that nothing is known of,
 * are known as ours from now on. */
bool table_restore_owned(const struct publisher *publisher, struct store *store,
    int64_t now_ms, struct err *err);

/* Owned; table_rows_clear(). */
struct table_rows {
	struct published *items;
	size_t count;
};

/* Rows that say what an entry says and are not known to be ours, as they would be known.
 * The listing was read; those of another owner are none. */
bool table_listing_equal(const struct publisher *publisher, struct store *store,
    int64_t now_ms, struct table_rows *out, struct err *err);
void table_rows_clear(struct table_rows *rows);

#endif
