/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries in formats for others. A new one is its functions and a row in export.c:
 * usage, help and complaints are made of the table. Each escapes for its own medium.
 * There may be very many entries: they pass one by one.
 */
#ifndef PUBLISH_EXPORT_H
#define PUBLISH_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"

struct export_format {
	const char *name;
	const char *help; /* what it is for, in a few words */
	void (*head)(size_t count, int64_t now_ms, struct buf *out); /* NULL: none */
	void (*entry)(const struct entry *entry, struct buf *out);
	void (*tail)(struct buf *out); /* behind the last entry; NULL: nothing */
};

/* The format of that name, NULL for the default one; NULL: there is none. */
const struct export_format *export_find(const char *name);
void export_names(struct buf *out); /* all of them, parted by ", " */
void export_help(struct buf *out);  /* a line for each */

/* In pieces of whole lines, as they come. False, after some of them perhaps: err. */
typedef void export_sink_fn(void *context, struct str piece);
bool export_print(const struct export_format *format, struct store *store, int64_t now_ms,
    export_sink_fn *sink, void *context, struct err *err);

#endif
