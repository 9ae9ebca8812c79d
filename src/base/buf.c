/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void
reserve(struct buf *buf, size_t more)
{
	size_t need = buf->len + more + 1;
	size_t size = buf->size > 0 ? buf->size : 64;

	assert(need > more);
	if (need <= buf->size)
		return;
	while (size < need)
		size *= 2;
	buf->data = mem_array(buf->data, size, 1);
	buf->size = size;
}

void
buf_add(struct buf *buf, const void *data, size_t len)
{
	reserve(buf, len);
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void
buf_add_str(struct buf *buf, struct str text)
{
	buf_add(buf, text.p, text.len);
}

void
buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void
buf_vprintf(struct buf *buf, const char *format, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	reserve(buf, 0);
	len = vsnprintf(buf->data + buf->len, buf->size - buf->len, format, ap);
	assert(len >= 0);
	if ((size_t)len >= buf->size - buf->len) {
		reserve(buf, (size_t)len);
		vsnprintf(buf->data + buf->len, buf->size - buf->len, format, again);
	}
	va_end(again);
	buf->len += (size_t)len;
}

void
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_vprintf(buf, format, ap);
	va_end(ap);
}

const char *
buf_text(const struct buf *buf)
{
	return buf->data != NULL ? buf->data : "";
}

char *
buf_take(struct buf *buf)
{
	char *text = buf->data != NULL ? buf->data : mem_strdup("");

	*buf = (struct buf){0};
	return text;
}

void
buf_reset(struct buf *buf)
{
	buf->len = 0;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

void
buf_clear(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){0};
}

void
buf_add_quoted(struct buf *buf, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '\\' || c == '"')
			buf_add_char(buf, '\\');
		if (c < 0x20 || c >= 0x7f)
			buf_printf(buf, "\\x%02x", c);
		else
			buf_add_char(buf, (char)c);
	}
}

/* Are eight bytes printable ASCII without quote and backslash? */
static bool
is_plain_8(const char *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
	uint64_t x, quote, backslash;

	memcpy(&x, p, sizeof(x));
	quote = x ^ ones * '"';
	backslash = x ^ ones * '\\';
	/* A byte that is too small borrows, one from DEL on has its high bit set. */
	return ((x | (x - ones * 0x20) | (x + ones) | ((quote - ones) & ~quote) |
	            ((backslash - ones) & ~backslash)) &
	           high) == 0;
}

/* Add the plain beginning of text in one piece, which is nearly always all of it, and
 * return its length. */
static size_t
add_plain(struct buf *buf, struct str text)
{
	size_t len = 0;

	while (text.len - len >= 8 && is_plain_8(text.p + len))
		len += 8;
	while (len < text.len && text.p[len] >= 0x20 && text.p[len] < 0x7f &&
	    text.p[len] != '"' && text.p[len] != '\\')
		len++;
	if (len > 0)
		buf_add(buf, text.p, len);
	return len;
}

/*
 * Controls, what breaks lines, and Unicode's format characters and those that are
 * Default_Ignorable_Code_Point: they have a line shown in another order, or show nothing,
 * so that two names look alike. A table, as Unicode of the library's version is not the
 * same everywhere.
 */
static bool
is_hidden(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} ranges[] = {
	    {0x00000, 0x0001f},
	    {0x0007f, 0x0009f},
	    {0x000ad, 0x000ad},
	    {0x0034f, 0x0034f},
	    {0x00600, 0x00605},
	    {0x0061c, 0x0061c},
	    {0x006dd, 0x006dd},
	    {0x0070f, 0x0070f},
	    {0x00890, 0x00891},
	    {0x008e2, 0x008e2},
	    {0x0115f, 0x01160},
	    {0x017b4, 0x017b5},
	    {0x0180b, 0x0180f},
	    {0x0200b, 0x0200f},
	    {0x02028, 0x0202e},
	    {0x02060, 0x0206f},
	    {0x03164, 0x03164},
	    {0x0fe00, 0x0fe0f},
	    {0x0feff, 0x0feff},
	    {0x0ffa0, 0x0ffa0},
	    {0x0fff0, 0x0fffb},
	    {0x110bd, 0x110bd},
	    {0x110cd, 0x110cd},
	    {0x13430, 0x1343f},
	    {0x1bca0, 0x1bca3},
	    {0x1d173, 0x1d17a},
	    {0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c <= ranges[i].to)
			return c >= ranges[i].from;
	return false;
}

/* Of so many bytes that are well-formed. */
static uint32_t
code_of(const unsigned char *p, size_t len)
{
	uint32_t code = len == 1 ? p[0] : p[0] & (0x7fu >> len);

	for (size_t i = 1; i < len; i++)
		code = code << 6 | (p[i] & 0x3f);
	return code;
}

void
buf_add_visible(struct buf *buf, struct str text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	size_t i = add_plain(buf, text);

	while (i < text.len) {
		size_t len = str_utf8_len(str_skip(text, i));
		bool hidden = len == 0 || is_hidden(code_of(p + i, len));

		if (len == 0)
			len = 1;
		for (size_t j = 0; j < len && hidden; j++)
			buf_printf(buf, "\\x%02x", p[i + j]);
		if (!hidden)
			buf_add(buf, p + i, len);
		i += len;
	}
}

void
buf_add_utf8(struct buf *buf, struct str text)
{
	size_t begin = buf->len, len;

	buf_add_str(buf, text);
	for (size_t i = 0; i < text.len; i += len) {
		len = str_utf8_len(str_skip(text, i));
		if (len == 0) {
			buf->data[begin + i] = '?';
			len = 1;
		}
	}
}

void
buf_add_json(struct buf *buf, struct str text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	size_t i;

	buf_add_char(buf, '"');
	i = add_plain(buf, text);
	while (i < text.len) {
		size_t len = str_utf8_len(str_skip(text, i));

		if (len == 0) {
			buf_add(buf, "\xef\xbf\xbd", 3);
			len = 1;
		} else if (p[i] == '"' || p[i] == '\\') {
			buf_printf(buf, "\\%c", p[i]);
		} else if (p[i] < 0x20 || p[i] == 0x7f) {
			buf_printf(buf, "\\u%04x", p[i]);
		} else {
			buf_add(buf, p + i, len);
		}
		i += len;
	}
	buf_add_char(buf, '"');
}

void
buf_add_member(struct buf *buf, const char *name, const char *text)
{
	buf_printf(buf, ",\"%s\":", name);
	buf_add_json(buf, str_of(text));
}
