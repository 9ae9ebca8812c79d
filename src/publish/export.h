/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries in formats for others. A new one is two functions and a row. Each escapes
 * for its own medium. There may be very many entries: they pass one by one.
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

#define CHANGES_MAX 1000 /* more are put into a new database */

/* The lines of the policy map: a struct map_source's each(), whose context is the store.
 * Of one moment where the caller has begun to read. */
bool export_each_line(void *store, map_entry_fn *take, void *taker, struct err *err);

/* What became of the entries after that version of the map. Owned; changes_clear(). */
struct changes {
	struct map_entry items[CHANGES_MAX]; /* value NULL: there is no entry any more */
	size_t count;
	bool too_many;
};

bool export_changes(
    struct store *store, int64_t version, struct changes *changes, struct err *err);
void changes_clear(struct changes *changes);

struct export_format {
	const char *name;
	void (*head)(size_t count, int64_t now_ms, struct buf *out); /* NULL: none */
	void (*entry)(const struct entry *entry, struct buf *out);
};

const struct export_format *export_find(const char *name); /* NULL: none of that name */
void export_names(struct buf *out);                        /* "postmap, json, csv" */

/* In pieces of whole lines, as they come. False, after some of them perhaps: err. */
typedef void export_sink_fn(void *context, struct str piece);
bool export_print(const struct export_format *format, struct store *store, int64_t now_ms,
    export_sink_fn *sink, void *context, struct err *err);

#endif
