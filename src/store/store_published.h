/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store's part for tables of databases: whose their rows are, as far as it is known
 * here, and what a table was listed to hold. For errors see store/store.h.
 */
#ifndef STORE_STORE_PUBLISHED_H
#define STORE_STORE_PUBLISHED_H

#include "core/published.h"
#include "store/store.h"

/*
 * What is known of the rows of a publisher's table (core/published.h). Of a key that
 * nothing is known of *out is a new one. Putting an empty one deletes it.
 */
bool store_published_get(struct store *store, const char *publisher, const char *key,
    struct published *out, struct err *err);
bool store_published_put(struct store *store, const char *publisher,
    const struct published *published, struct err *err);
/* All of a publisher. */
bool store_published_forget(struct store *store, const char *publisher, struct err *err);
/* In order of their keys, at most so many, those above after; false: enough. Nothing may
 * be written meanwhile. p is gone after the call. */
typedef bool published_fn(void *context, const struct published *p);
bool store_each_published(struct store *store, const char *publisher, const char *after,
    int64_t most, published_fn *fn, void *context, struct err *err);
/* The same of those without an entry. */
bool store_each_unlisted(struct store *store, const char *publisher, const char *after,
    int64_t most, published_fn *fn, void *context, struct err *err);
/* All publishers that know anything of the key. */
typedef void published_by_fn(
    void *context, const char *publisher, const struct published *p);
bool store_each_publisher_of(struct store *store, const char *key, published_by_fn *fn,
    void *context, struct err *err);
/* Publishers with rows that may be ours. */
bool store_each_publisher(
    struct store *store, target_fn *fn, void *context, struct err *err);

/* The destination's re-check is due at at_ms, unless it is pinned. */
bool store_look_at(struct store *store, const char *key, int64_t at_ms, struct err *err);

/*
 * A listing of a table, of this connection alone and not in the database: begun empty,
 * filled, and asked. found: the row is there; its texts are in texts.
 */
bool store_listing_begin(struct store *store, struct err *err);
bool store_listing_add(
    struct store *store, struct str key, const struct rows_row *row, struct err *err);
bool store_listing_get(struct store *store, const char *key, struct buf *texts,
    struct rows_row *out, bool *found, struct err *err);

/* Each row of it, which is valid for the call. fn false: stop. */
typedef bool listed_fn(void *context, const char *key, const struct rows_row *row);
bool store_each_listed(
    struct store *store, listed_fn *fn, void *context, struct err *err);

#endif
