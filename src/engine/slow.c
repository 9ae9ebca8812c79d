/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/slow.h"

#include "base/span.h"
#include "measure/measure.h"

#define LATELY_MS SPAN_HOUR_MS

void
slow_note(struct slow *slow, int64_t id, int64_t took_ms, int64_t now_ms)
{
	size_t at = (uint64_t)id % SLOW_MAX;

	if (took_ms >= MEASURE_SLOW_MS) {
		slow->items[at].id = id;
		slow->items[at].at_ms = now_ms;
	} else if (slow->items[at].id == id) {
		slow->items[at].at_ms = 0;
	}
}

static bool
is_late(const struct slow *slow, size_t at, int64_t now_ms)
{
	int64_t at_ms = slow->items[at].at_ms;

	return at_ms != 0 && now_ms - at_ms < LATELY_MS;
}

bool
slow_was(const struct slow *slow, int64_t id, int64_t now_ms)
{
	size_t at = (uint64_t)id % SLOW_MAX;

	return slow->items[at].id == id && is_late(slow, at, now_ms);
}

size_t
slow_count(const struct slow *slow, int64_t now_ms)
{
	size_t count = 0;

	for (size_t at = 0; at < SLOW_MAX; at++)
		count += is_late(slow, at, now_ms);
	return count;
}

unsigned
slow_room(const struct slow *slow, unsigned workers)
{
	unsigned most = (workers + 1) / 2;

	return slow->tasks < most ? most - slow->tasks : 0;
}
