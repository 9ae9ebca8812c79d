/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text on a terminal: how many columns it takes, and lines made to fit. UTF-8; what is
 * none takes a column a byte. A sequence that only colours (ESC [ ... m) takes none.
 */
#ifndef BASE_WIDTH_H
#define BASE_WIDTH_H

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

size_t width_of(struct str text);

/* How many bytes of text fit into so many columns; no character is divided. */
size_t width_fit(struct str text, size_t columns);

/*
 * Append a line (without its newline) and a newline, cut at its end, with an ellipsis,
 * to that many columns. Its first word, mostly a domain, is whole however long it is,
 * but for an indented line where no tab ends it, as in the map: where that leaves little
 * room, the rest follows in a line of its own. columns 0: as it is.
 */
void width_cut(struct str line, size_t columns, struct buf *out);

/*
 * The same, but nothing goes: what does not fit follows in lines of their own that begin
 * with indent; each line that goes on ends with more. A break is at a blank that is not
 * in quotes; a word that is too long stays whole.
 */
void width_wrap(struct str line, size_t columns, const char *indent, const char *more,
    struct buf *out);

/*
 * Append a line that complains, broken between words: never within the place at its
 * beginning ("file:line:column: "), nor, where there is room for it in one line, within
 * double quotes, nor within `backquotes`, in which a command stands. A command that is
 * long has a line of its own, as it is to be typed. columns 0: as it is.
 */
void width_wrap_message(struct str line, size_t columns, struct buf *out);

#endif
