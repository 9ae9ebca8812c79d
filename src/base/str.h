/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slices of bytes that belong to others (borrowed). They live only inside parsers, until
 * the next line is read; what must stay is copied. Never NUL-terminated.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t len;
};

/* Steps of parsers: with a literal there is nothing left of them but a comparison. Where
 * branches are counted (tests/coverage), a step is one function and not many copies. */
#ifdef STR_STEP_COUNTED
#define STR_STEP static inline
#else
#define STR_STEP static inline __attribute__((always_inline))
#endif

/* A slice of a literal: STR("sent"). */
#define STR(literal) ((struct str){literal, sizeof(literal) - 1})

/* The byte order mark of UTF-8, as editors put it before a text. */
#define STR_BOM STR("\xef\xbb\xbf")

/* For printf: "%.*s", STR_ARG(s). Only for text that is known to be harmless. */
#define STR_ARG(s) (int)(s).len, (s).p

STR_STEP struct str
str_of(const char *text)
{
	return (struct str){text, strlen(text)};
}

/* Are len bytes the same? Of a small constant len compilers make a load or two that may
 * overlap, where memcmp() of a length like 7 stays a call. */
STR_STEP bool
str_same_bytes(const char *a, const char *b, size_t len)
{
	if (len > 16)
		return memcmp(a, b, len) == 0;
	if (len >= 8)
		return memcmp(a, b, 8) == 0 && memcmp(a + len - 8, b + len - 8, 8) == 0;
	if (len >= 4)
		return memcmp(a, b, 4) == 0 && memcmp(a + len - 4, b + len - 4, 4) == 0;
	if (len >= 2)
		return memcmp(a, b, 2) == 0 && memcmp(a + len - 2, b + len - 2, 2) == 0;
	return len == 0 || *a == *b;
}

STR_STEP bool
str_equal(struct str a, struct str b)
{
	return a.len == b.len && str_same_bytes(a.p, b.p, a.len);
}

STR_STEP bool
str_is(struct str a, const char *text)
{
	return str_equal(a, str_of(text));
}

STR_STEP bool
str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_same_bytes(s.p, prefix.p, prefix.len);
}

/* Without its first n bytes (n <= len). */
STR_STEP struct str
str_skip(struct str s, size_t n)
{
	return (struct str){s.p + n, s.len - n};
}

/* If s starts with prefix, step over it and be true. */
STR_STEP bool
str_eat(struct str *s, struct str prefix)
{
	if (!str_starts(*s, prefix))
		return false;
	*s = str_skip(*s, prefix.len);
	return true;
}

/* If s ends with end, leave that out and be true. */
STR_STEP bool
str_eat_end(struct str *s, struct str end)
{
	if (s->len < end.len || !str_same_bytes(s->p + s->len - end.len, end.p, end.len))
		return false;
	s->len -= end.len;
	return true;
}

/* Cut s at the first c: what stands before it, s then starts behind it. False: no c. */
STR_STEP bool
str_cut(struct str *s, char c, struct str *before)
{
	const char *at = s->len > 0 ? memchr(s->p, c, s->len) : NULL;

	if (at == NULL)
		return false;
	*before = (struct str){s->p, (size_t)(at - s->p)};
	*s = str_skip(*s, before->len + 1);
	return true;
}

/* The next part of s, which ends before c or where s does; s then starts behind it.
 * False: nothing is left. */
static inline bool
str_next(struct str *s, char c, struct str *part)
{
	if (s->len == 0)
		return false;
	if (!str_cut(s, c, part)) {
		*part = *s;
		s->len = 0;
	}
	return true;
}

/* What parts the items of a list of Postfix (CHARS_COMMA_SP): of main.cf and master.cf,
 * and of a value in a map. */
#define STR_POSTFIX_LIST ", \t\r\n"

/* The next part of s that has none of separators in it, past any of these before it, as
 * mystrtok() of Postfix has it; s then starts behind it. False: nothing is left. */
bool str_next_word(struct str *s, const char *separators, struct str *word);

/* Without blanks and tabs at both ends. */
struct str str_trim(struct str s);

/* Octets of the well-formed UTF-8 sequence (RFC 3629; Unicode, table 3-7) that s begins
 * with; 0: none. */
size_t str_utf8_len(struct str s);

/* The whole of s as a decimal number of at most max. False: not one, or larger. */
bool str_number(struct str s, uint64_t max, uint64_t *out);

/* The whole of s as a hexadecimal number, in lower case. False: not one, or larger. */
bool str_hex(struct str s, uint64_t *out);

/* Case-insensitive for ASCII only: what DNS names, levels and keywords need. */
bool str_equal_nocase(struct str a, struct str b);
bool str_ends_nocase(struct str s, struct str end);

/* Copy into out[size], NUL-terminated. False, and out empty, if it does not fit. */
bool str_copy(struct str s, char *out, size_t size);

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_alnum(char c)
{
	return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

#endif
