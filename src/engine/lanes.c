/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/lanes.h"

#include <limits.h>

#include "base/span.h"
#include "measure/measure.h"

#define LATELY_MS SPAN_HOUR_MS
#define FIRST_MS  750 /* as resolvers answer in mostly, whom they have to ask for it */

void
lanes_note(struct lanes *lanes, int64_t id, int64_t took_ms, int64_t now_ms)
{
	size_t at = (uint64_t)id % SLOW_MAX;

	if (took_ms >= MEASURE_SLOW_MS) {
		lanes->items[at].id = id;
		lanes->items[at].at_ms = lanes->slow_ms = now_ms;
	} else if (lanes->items[at].id == id) {
		lanes->items[at].at_ms = 0;
	}
}

static bool
is_lately(int64_t at_ms, int64_t now_ms)
{
	return at_ms != 0 && now_ms - at_ms < LATELY_MS;
}

bool
lanes_was_slow(const struct lanes *lanes, int64_t id, int64_t now_ms)
{
	size_t at = (uint64_t)id % SLOW_MAX;

	return lanes->items[at].id == id && is_lately(lanes->items[at].at_ms, now_ms);
}

size_t
lanes_slow_count(const struct lanes *lanes, int64_t now_ms)
{
	size_t count = 0;

	if (!is_lately(lanes->slow_ms, now_ms))
		return 0;
	for (size_t at = 0; at < SLOW_MAX; at++)
		count += is_lately(lanes->items[at].at_ms, now_ms);
	return count;
}

/* For those that are new or were slow. */
static unsigned
of_others(unsigned workers)
{
	return workers - (workers < 8 ? workers / 2 != 0 : workers / 8);
}

static unsigned
most_of(enum lane lane, unsigned workers)
{
	return lane == LANE_KNOWN ? UINT_MAX
	    : lane == LANE_SLOW   ? (workers + 3) / 4
	                          : of_others(workers);
}

unsigned
lanes_room(const struct lanes *lanes, enum lane lane, unsigned workers)
{
	unsigned most = most_of(lane, workers), used = lanes->tasks[lane];
	unsigned both = lanes->tasks[LANE_NEW] + lanes->tasks[LANE_SLOW], left;

	if (lane == LANE_KNOWN)
		return most;
	left = both < of_others(workers) ? of_others(workers) - both : 0;
	most = used < most ? most - used : 0;
	most = most < left ? most : left;
	/* One at least, or neither would have a turn beside the other. */
	return most == 0 && used == 0 ? 1 : most;
}

int64_t
lanes_most_ms(const struct lanes *lanes, enum lane lane, unsigned workers)
{
	return lane != LANE_SLOW && lanes->tasks[lane] >= of_others(workers) / 2
	    ? FIRST_MS
	    : 0;
}
