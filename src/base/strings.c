/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/strings.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
strings_add(struct strings *strings, struct str text)
{
	strings->items =
	    mem_array(strings->items, strings->count + 1, sizeof(*strings->items));
	strings->items[strings->count++] = mem_strndup(text.p, text.len);
}

bool
strings_equal(const struct strings *a, const struct strings *b)
{
	bool equal = a->count == b->count;

	for (size_t i = 0; equal && i < a->count; i++)
		equal = strcmp(a->items[i], b->items[i]) == 0;
	return equal;
}

void
strings_clear(struct strings *strings)
{
	for (size_t i = 0; i < strings->count; i++)
		free(strings->items[i]);
	free(strings->items);
	*strings = (struct strings){0};
}
