/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries in formats for others. A new one is a function and a row. Each escapes
 * for its own medium.
 */
#ifndef PUBLISH_EXPORT_H
#define PUBLISH_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "publish/textmap.h"
#include "store/store.h"

/* What leaves of a destination: there may be many of them at once. */
struct entry {
	char *key;
	char *attributes;
	char *note;
	enum level level;
	enum why why;
	bool pinned;
	int64_t since_ms;
	int64_t look_ms; /* or when the pin ends; 0: never */
};

/* Entries of one moment, in order of their keys. Owned; entries_clear(). */
struct entries {
	struct entry *items;
	size_t count;
};

/* Read them, and the version of the map that they make, in one transaction. */
bool entries_read(
    struct store *store, struct entries *entries, int64_t *version, struct err *err);
void entries_clear(struct entries *entries);

/* The lines of the policy map. Owned; map_lines_clear(). */
struct map_entry *map_lines(const struct entries *entries);
void map_lines_clear(struct map_entry *lines, size_t count);

struct export_format {
	const char *name;
	void (*print)(const struct entries *entries, int64_t now_ms, struct buf *out);
};

const struct export_format *export_find(const char *name); /* NULL: none of that name */
void export_names(struct buf *out);                        /* "postmap, json, csv" */

bool export_print(const struct export_format *format, struct store *store, int64_t now_ms,
    struct buf *out, struct err *err);

#endif
