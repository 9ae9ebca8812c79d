/* SPDX-License-Identifier: BSD-2-Clause */
/* What commands show to people, made to fit their terminal. */
#ifndef CMD_PAGE_H
#define CMD_PAGE_H

#include <stdint.h>

#include "base/buf.h"

/* Columns of the terminal on standard output; 0: it is none, and nothing is cut. */
size_t page_columns(void);

/* Print whole lines, each cut to fit as width_cut() does. */
void page_print(const struct buf *text);

/* Print whole lines of which nothing is cut: what does not fit goes on in lines of its
 * own, as width_wrap() does it. */
void page_print_whole(const struct buf *text);

/* The same of a paragraph, or of what is to be typed: nothing is cut, see width_wrap().
 */
void page_wrap(const char *text, const char *indent, const char *more, struct buf *out);

/* A key as the first column of a row, and two blanks. On a terminal one that is wider has
 * a line of its own. */
void page_add_key(struct buf *out, const char *key, size_t width);

/* Moments are shown in one zone, which the page names: that of buf_add_time(). The same
 * as "2026-11-24 07:12" and "2026-11-24"; "-" for 0. */
#define PAGE_ZONE "UTC"
void page_add_minute(struct buf *buf, int64_t ms);
void page_add_day(struct buf *buf, int64_t ms);

/* Where no head of the page names it: "2026-11-24 07:12:01 UTC". */
void page_add_moment(struct buf *buf, int64_t ms);

#endif
