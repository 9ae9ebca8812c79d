/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/str.h"

/* strchr() would find the end of separators as well. */
static bool
is_one_of(char c, const char *separators)
{
	return c != '\0' && strchr(separators, c) != NULL;
}

bool
str_next_word(struct str *s, const char *separators, struct str *word)
{
	size_t len = 0;

	while (s->len > 0 && is_one_of(s->p[0], separators))
		*s = str_skip(*s, 1);
	while (len < s->len && !is_one_of(s->p[len], separators))
		len++;
	*word = (struct str){s->p, len};
	if (len == 0) /* nothing has no place that could be gone on from */
		return false;
	*s = str_skip(*s, len);
	return true;
}

struct str
str_trim(struct str s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_skip(s, 1);
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool
str_number(struct str s, uint64_t max, uint64_t *out)
{
	size_t few = s.len < 19 ? s.len : 19; /* so many digits always fit */
	uint64_t n = 0;

	for (size_t i = 0; i < few; i++) {
		if (!ascii_is_digit(s.p[i]))
			return false;
		n = n * 10 + (uint64_t)(s.p[i] - '0');
	}
	for (size_t i = few; i < s.len; i++) {
		uint64_t digit = (uint64_t)(s.p[i] - '0');

		if (!ascii_is_digit(s.p[i]) || n > max / 10 || n * 10 > max - digit)
			return false;
		n = n * 10 + digit;
	}
	if (s.len == 0 || n > max)
		return false;
	*out = n;
	return true;
}

bool
str_hex(struct str s, uint64_t *out)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		const char *digit = memchr(digits, s.p[i], 16);

		if (digit == NULL || n > UINT64_MAX >> 4)
			return false;
		n = n << 4 | (uint64_t)(digit - digits);
	}
	if (s.len == 0)
		return false;
	*out = n;
	return true;
}

bool
str_equal_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool
str_ends_nocase(struct str s, struct str end)
{
	return s.len >= end.len && str_equal_nocase(str_skip(s, s.len - end.len), end);
}

bool
str_copy(struct str s, char *out, size_t size)
{
	if (s.len >= size) {
		out[0] = '\0';
		return false;
	}
	if (s.len > 0)
		memcpy(out, s.p, s.len);
	out[s.len] = '\0';
	return true;
}

size_t
str_utf8_len(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t len;

	if (s.len == 0)
		return 0;
	len = p[0] < 0x80                  ? 1
	    : p[0] >= 0xc2 && p[0] <= 0xdf ? 2
	    : (p[0] & 0xf0) == 0xe0        ? 3
	    : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
	                                   : 0;
	if (len == 0 || len > s.len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}
