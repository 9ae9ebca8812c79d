/* SPDX-License-Identifier: BSD-2-Clause */
/* A list of texts. Zero it; what strings_add() added to ends with strings_clear(). */
#ifndef BASE_STRINGS_H
#define BASE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct strings {
	char **items;
	size_t count;
};

/* A copy of the text, which has no NUL. */
void strings_add(struct strings *strings, struct str text);
/* The same texts, in the same order? */
bool strings_equal(const struct strings *a, const struct strings *b);
/* It is empty then. */
void strings_clear(struct strings *strings);

#endif
