/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of the map read back: an entry with what its comment says of it. Texts of
 * older versions are read as well; what they do not say of a pin is that it ends. Blocks.
 */
#ifndef PUBLISH_MAPREAD_H
#define PUBLISH_MAPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "core/destination.h"

struct mapread {
	char key[NEXTHOP_KEY_SIZE];
	enum level level;
	struct buf attributes;
	enum why why;               /* WHY_NONE: the comment names none that is known */
	struct destination_pin pin; /* its note is cut where it is longer */
};

/*
 * line: of the text, without its end; comment: the line before it, "" for none. False: no
 * entry. {0} before the first call; each one may reuse it; mapread_clear() at the end.
 */
bool mapread_entry(struct str comment, struct str line, struct mapread *out);
void mapread_clear(struct mapread *out);

/* Is it the comment that stands above an entry: does it begin with a why? */
bool mapread_is_why(struct str comment);

/* A line of a text; valid in the call. */
struct mapread_line {
	struct str text;             /* without its end */
	size_t number;               /* from 1 on */
	bool is_whole;               /* it ends; one that does not was cut */
	bool has_why;                /* the line above is a comment with a why */
	const struct mapread *entry; /* NULL: it is none */
};

/* false: no more lines are wanted */
typedef bool mapread_fn(void *context, const struct mapread_line *line, struct err *err);

/* All lines of the text at path, in their order; of one that is not there none. False: it
 * cannot be read, or what fn returned, which sets err then. */
bool mapread_each(const char *path, mapread_fn *fn, void *context, struct err *err);

#endif
