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
