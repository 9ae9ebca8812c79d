/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stskit.h"

static const char *
add_escape(const char *p, struct buf *out)
{
	char octet[3] = {p[0], p[0] != '\0' ? p[1] : '\0', '\0'};
	static const char from[] = "nrt_", to[] = "\n\r\t ";
	const char *known = *p != '\0' ? strchr(from, *p) : NULL;

	if (known != NULL) {
		buf_add_char(out, to[known - from]);
		return p + 1;
	}
	if (*p != 'x' || p[1] == '\0' || p[2] == '\0') {
		fprintf(stderr, "no such escape: %s\n", p);
		exit(2);
	}
	memcpy(octet, p + 1, 2);
	buf_add_char(out, (char)strtoul(octet, NULL, 16));
	return p + 3;
}

/* Behind the brace. */
static const char *
add_repeated(const char *p, bool line_end, struct buf *out)
{
	const char *end = strchr(p, '}'), *star = end;
	unsigned long times;

	while (star != NULL && star > p && *star != '*')
		star--;
	if (star == NULL || star == p) {
		fprintf(stderr, "no {TEXT*N}: %s\n", p);
		exit(2);
	}
	times = strtoul(star + 1, NULL, 10);
	for (unsigned long i = 1; i <= times; i++)
		for (const char *c = p; c < star; c++) {
			if (*c == '#')
				buf_printf(out, "%lu", i);
			else
				buf_add_char(out, line_end && *c == '/' ? '\n' : *c);
		}
	return end + 1;
}

void
sts_text(const char *field, bool line_end, struct buf *out)
{
	for (const char *p = field; *p != '\0';) {
		if (*p == '\\') {
			p = add_escape(p + 1, out);
		} else if (*p == '{' && strchr(p, '*') != NULL) {
			p = add_repeated(p + 1, line_end, out);
		} else if (p[0] == '$' && p[1] == 'E') {
			buf_printf(out, "version: STSv1\nmode: enforce\n");
			p += 2;
		} else if (p[0] == '$' && p[1] == 'A') {
			buf_printf(out, "max_age: 604800\n");
			p += 2;
		} else {
			buf_add_char(out, line_end && *p == '/' ? '\n' : *p);
			p++;
		}
	}
}

const char *
sts_field(const char *field)
{
	return strcmp(field, "-") == 0 ? "" : field;
}

size_t
sts_split(const char *text, struct str *words, size_t most)
{
	struct str rest = str_of(text), word;
	size_t count = 0;

	while (str_next(&rest, ' ', &word)) {
		assert_true(count < most);
		words[count++] = word;
	}
	return count;
}
