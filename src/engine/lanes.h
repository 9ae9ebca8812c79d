/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lanes for what asks DNS: who is known, who is new, and who was slow lately. Zones cost
 * little, and hundreds of slow ones would keep all others waiting: so those, and the ones
 * of which nobody knows, get only some of the workers, and whoever was slow is asked
 * about by itself. Bounded: one may take the place of another. It knows no clock.
 */
#ifndef ENGINE_LANES_H
#define ENGINE_LANES_H

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
struct lanes {
	struct {
		int64_t id;
		int64_t at_ms; /* 0: it was not */
	} items[SLOW_MAX];
	int64_t slow_ms;       /* when the last was; 0: none */
	unsigned tasks[LANES]; /* that are being asked about; the caller's */
};

/* It took so long. */
void lanes_note(struct lanes *lanes, int64_t id, int64_t took_ms, int64_t now_ms);
bool lanes_was_slow(const struct lanes *lanes, int64_t id, int64_t now_ms);
/* How many there are. */
size_t lanes_slow_count(const struct lanes *lanes, int64_t now_ms);
/* How many more tasks there may be now, of so many workers: an eighth of these is for
 * those that are known, one at least, and a quarter at most for those that were slow. */
unsigned lanes_room(const struct lanes *lanes, enum lane lane, unsigned workers);
/* How long DNS has for a first answer about one that is asked about in that lane now; 0:
 * as long as it takes. While many of a lane are asked about, nobody knows which of them
 * are slow, or have become so: then it is not long, and whoever is late was slow. */
int64_t lanes_most_ms(const struct lanes *lanes, enum lane lane, unsigned workers);

#endif
