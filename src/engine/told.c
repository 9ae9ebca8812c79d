/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/told.h"

#include <stddef.h>

#include "base/span.h"

#define TOLD_MS SPAN_DAY_MS

/* Emptied of another's if need be. */
static struct told *
row_of(struct told_table *table, int64_t destination, enum why why)
{
	uint64_t hash = (uint64_t)destination * WHY_COUNT + (uint64_t)why;
	struct told *slot = table->rows[hash % TOLD_SLOTS], *oldest = slot;

	for (size_t i = 0; i < TOLD_WAYS; i++) {
		if (slot[i].destination == destination && slot[i].why == why)
			return &slot[i];
		if (slot[i].last_ms < oldest->last_ms)
			oldest = &slot[i];
	}
	*oldest = (struct told){.destination = destination, .why = why};
	return oldest;
}

struct told *
told_lately(struct told_table *table, int64_t destination, enum why why, int64_t now_ms)
{
	struct told *told = row_of(table, destination, why);
	int64_t over_ms = now_ms - told->since_ms;

	if (over_ms < 0 || over_ms >= TOLD_MS)
		*told = (struct told){
		    .destination = destination, .why = why, .since_ms = now_ms};
	return told;
}
