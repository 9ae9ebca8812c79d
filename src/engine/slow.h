/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Destinations that were slow to be asked about lately, as their zones are. Zones cost
 * little, and hundreds of them would keep all others waiting: few are asked about at
 * once, and each by itself. Bounded: one may take the place of another. It knows no
 * clock.
 */
#ifndef ENGINE_SLOW_H
#define ENGINE_SLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOW_MAX 4096

/* Zero it. Times are monotonic. */
struct slow {
	struct {
		int64_t id;
		int64_t at_ms; /* 0: it was not */
	} items[SLOW_MAX];
	unsigned tasks; /* of those that are being asked about; the caller's */
};

/* It took so long. */
void slow_note(struct slow *slow, int64_t id, int64_t took_ms, int64_t now_ms);
bool slow_was(const struct slow *slow, int64_t id, int64_t now_ms);
/* How many there are. */
size_t slow_count(const struct slow *slow, int64_t now_ms);
/* How many may be asked about now, by so many workers: half of these are for others. */
unsigned slow_room(const struct slow *slow, unsigned workers);

#endif
