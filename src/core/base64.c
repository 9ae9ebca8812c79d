/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/base64.h"

static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

size_t
base64_decode(struct str text, uint8_t *out, size_t size)
{
	uint32_t bits = 0;
	size_t len = 0, digits = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];
		int value = value_of(c);

		if (c == '\n' || c == '\r' || c == ' ' || c == '\t' || c == '=')
			continue;
		if (value < 0 || len == size)
			return 0;
		bits = bits << 6 | (uint32_t)value;
		if (++digits % 4 != 1)
			out[len++] = (uint8_t)(bits >> (6 - 2 * ((digits - 1) % 4)));
	}
	return len;
}
