/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was alerted lately, of which destination: trouble that goes on is not told time
 * and again. In memory, bounded: of many the oldest is forgotten. It knows no clock.
 */
#ifndef ENGINE_TOLD_H
#define ENGINE_TOLD_H

#include <stdint.h>

#include "core/why.h"

#define TOLD_SLOTS 1024 /* causes that are remembered, so many for one hash ... */
#define TOLD_WAYS  4    /* ... each; the oldest makes room */

/* A cause, and how often it was alerted since a time: wall clock. */
struct told {
	int64_t destination; /* 0: none */
	enum why why;
	unsigned count;
	int64_t since_ms;
	int64_t last_ms;
};

struct told_table {
	struct told rows[TOLD_SLOTS][TOLD_WAYS];
};

/* The row of that cause, a new one if need be: what was a day before now_ms is over. */
struct told *told_lately(
    struct told_table *table, int64_t destination, enum why why, int64_t now_ms);

#endif
