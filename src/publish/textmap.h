/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy map: text and database built beside the live ones, checked with
 * postmap -q, synced and renamed over. Blocks; belongs into a worker or a command.
 */
#ifndef PUBLISH_TEXTMAP_H
#define PUBLISH_TEXTMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/level.h"
#include "gather/postfix.h"

/* A line of the map. Texts are borrowed. */
struct map_entry {
	const char *key;   /* as struct nexthop.key */
	const char *value; /* "encrypt", "secure match=..." */
	const char *why;   /* slug and sentence for the comment line above it */
};

/* The text of the map: header comment, entries in the order given, each with its why.
 * written_s: for the header, seconds since the epoch. */
void textmap_print(
    const struct map_entry *entries, size_t count, int64_t written_s, struct buf *out);

/*
 * Put it in place at path with its database of type ("hash", "lmdb", "cdb", "btree",
 * "texthash", "none"). Every entry is looked up in the new database before it is live.
 * False: nothing was changed at path, and err says why.
 */
bool textmap_publish(const struct postfix *postfix, const char *path, const char *type,
    const struct map_entry *entries, size_t count, int64_t written_s, struct err *err);

/* Is the database at path there and built? For start-up and doctor. */
bool textmap_exists(const char *path, const char *type);

#endif
