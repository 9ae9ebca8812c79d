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
told_anew(struct told_table *table, struct told *told, enum told_for what, int64_t now_ms)
{
	bool anew = told->unstored[what] == 0 || !told_today(told, 1, now_ms);

	table->alerted = true;
	told->unstored[what] = table->transactions + 1;
	if (anew)
		told_note(told, now_ms);
	return anew;
}

void
told_ended(struct told_table *table, bool stored)
{
	uint64_t this = table->transactions + 1;

	if (!table->alerted)
		return;
	for (size_t i = 0; stored && i < TOLD_SLOTS * TOLD_WAYS; i++)
		for (size_t what = 0; what < TOLD_FORS; what++) {
			struct told *told = &table->rows[i / TOLD_WAYS][i % TOLD_WAYS];

			if (told->unstored[what] == this)
				told->unstored[what] = 0;
		}
	table->transactions = this;
	table->alerted = false;
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
