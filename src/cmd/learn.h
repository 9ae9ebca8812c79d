/* SPDX-License-Identifier: BSD-2-Clause */
/* What destinations did before the first start, of the rotated logs. */
#ifndef CMD_LEARN_H
#define CMD_LEARN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct learn_paths {
	char **items;
	size_t count;
};

/* The rotated logs beside the log of that name that were written to since since_ms. */
void learn_find(struct learn_paths *paths, const char *log, int64_t since_ms);
void learn_clear(struct learn_paths *paths);

#endif
