/* SPDX-License-Identifier: BSD-2-Clause */
#include "rowkit.h"

struct published_want
rowkit_want(const char *level, const char *attributes)
{
	struct published_want want = {.since_ms = NOW - 10, .lease_ms = NOW + 1000};

	str_copy(str_of(level), want.text.level, sizeof(want.text.level));
	str_copy(str_of(attributes), want.text.attributes, sizeof(want.text.attributes));
	return want;
}

struct rows_row
rowkit_row(
    const char *id, const char *level, const char *attributes, const char *modified)
{
	return (struct rows_row){.id = str_of(id),
	    .level = str_of(level),
	    .attributes = str_of(attributes),
	    .modified = str_of(modified),
	    .active = true};
}
