/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/told.h"

#include <stddef.h>
#include <string.h>

#include "base/span.h"

struct told *
told_of(struct told_table *table, int64_t destination, enum why why)
{
	uint64_t hash = (uint64_t)destination * WHY_COUNT + (uint64_t)why;
	struct told *slot = table->rows[hash % TOLD_SLOTS], *oldest = slot;

	for (size_t i = 0; i < TOLD_WAYS; i++) {
		if (slot[i].destination == destination && slot[i].why == why)
			return &slot[i];
		if (slot[i].at_ms[0] < oldest->at_ms[0])
			oldest = &slot[i];
	}
	*oldest = (struct told){.destination = destination, .why = why};
	return oldest;
}

void
told_note(struct told *told, int64_t now_ms)
{
	memmove(told->at_ms + 1, told->at_ms, sizeof(told->at_ms) - sizeof(*told->at_ms));
	told->at_ms[0] = now_ms;
}

bool
told_today(const struct told *told, unsigned times, int64_t now_ms)
{
	int64_t at_ms = told->at_ms[times - 1];

	return at_ms != 0 && now_ms - at_ms < SPAN_DAY_MS;
}

bool
told_since(const struct told *told, int64_t since_ms)
{
	return told->at_ms[0] != 0 && told->at_ms[0] >= since_ms;
}
