/* SPDX-License-Identifier: BSD-2-Clause */
/* Growing bytes, always ending in a NUL that does not count. {0} is an empty one. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct buf {
	char *data; /* NULL while nothing was ever added */
	size_t len;
	size_t size;
};

void buf_add(struct buf *buf, const void *data, size_t len);
void buf_add_str(struct buf *buf, struct str text);
void buf_add_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* What is in it as a NUL-terminated text, "" when empty; borrowed. */
const char *buf_text(const struct buf *buf);

/* The text, now the caller's (free()); the buf is empty again. */
char *buf_take(struct buf *buf);

void buf_reset(struct buf *buf); /* len = 0, the memory stays */
void buf_clear(struct buf *buf); /* and the memory goes */

/*
 * Text from outside made safe for a terminal, a log line or a comment: anything
 * but printable ASCII becomes \xNN, a backslash or quote gets a backslash before it.
 */
void buf_add_quoted(struct buf *buf, struct str text);

/*
 * The same for text that a person reads as it is: UTF-8 and quotes stay; control bytes,
 * C1 controls, what breaks or turns lines, what shows nothing and what is not UTF-8
 * become \xNN.
 */
void buf_add_visible(struct buf *buf, struct str text);

/* The same bytes, but each that is no part of well-formed UTF-8 becomes '?': as long as
 * text, and the beginning of it as the beginning of text. */
void buf_add_utf8(struct buf *buf, struct str text);

/* A JSON string with its quotes (RFC 8259). Bytes that are not UTF-8 become U+FFFD. */
void buf_add_json(struct buf *buf, struct str text);

/* A member behind others: `,"name":"text"`. */
void buf_add_member(struct buf *buf, const char *name, const char *text);

#endif
