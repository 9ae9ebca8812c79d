/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Destinations that were slow to be asked about lately, as their zones are, and those of
 * which nobody knows whether they are. Zones cost little, and hundreds of them would keep
 * all others waiting: so they get only some of the workers, and whoever was slow is asked
 * about by itself. Bounded: one may take the place of another. It knows no clock.
 */
#ifndef ENGINE_SLOW_H
#define ENGINE_SLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOW_MAX 4096

enum lane {
	LANE_KNOWN, /* DNS told of it before */
	LANE_NEW,   /* it did not */
	LANE_SLOW,  /* it was slow lately */
	LANES,
};

/* Zero it. Times are monotonic. */
struct slow {
	struct {
		int64_t id;
		int64_t at_ms; /* 0: it was not */
	} items[SLOW_MAX];
	unsigned tasks[LANES]; /* that are being asked about; the caller's */
};

/* It took so long. */
void slow_note(struct slow *slow, int64_t id, int64_t took_ms, int64_t now_ms);
bool slow_was(const struct slow *slow, int64_t id, int64_t now_ms);
/* How many there are. */
size_t slow_count(const struct slow *slow, int64_t now_ms);
/* How many more tasks there may be now, of so many workers: an eighth of these is for
 * those that are known, one at least, and a quarter at most for those that were slow. */
unsigned slow_room(const struct slow *slow, enum lane lane, unsigned workers);

#endif
