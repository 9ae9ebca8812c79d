/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A place in a source of log lines: what kind of source it is, and a short text that
 * this kind alone understands (an offset with what identifies the file, a cursor). A
 * plain value, stored in the same transaction as what the lines before it led to.
 */
#ifndef CORE_PLACE_H
#define CORE_PLACE_H

#include <stdbool.h>
#include <string.h>

#define PLACE_KIND_SIZE 16
#define PLACE_TEXT_SIZE 512

/* {0}: none; a kind's text may be empty. */
struct place {
	char kind[PLACE_KIND_SIZE];
	char text[PLACE_TEXT_SIZE];
};

static inline bool
place_equal(const struct place *a, const struct place *b)
{
	return strcmp(a->kind, b->kind) == 0 && strcmp(a->text, b->text) == 0;
}

#endif
