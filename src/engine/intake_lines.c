/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/intake_lines.h"

#include "core/logline.h"
#include "core/prefilter.h"
#include "sys/clock.h"

#define ITEMS_MAX  20000
#define PARKED_MAX 5000

/* A minute as a stamp writes it, and when it began; 0: there is no such time. */
struct minute {
	struct stamp stamp;
	int64_t begin_ms;
};

static bool
is_in_minute(const struct stamp *a, const struct stamp *b)
{
	return a->minute == b->minute && a->hour == b->hour && a->day == b->day &&
	    a->month == b->month && a->year == b->year && a->has_zone == b->has_zone &&
	    a->zone_minutes == b->zone_minutes;
}

/* The calendar takes longer than all the rest of a line: it is asked once a minute of
 * the log, as clocks are put forward and back at the beginning of one. */
static int64_t
time_of(struct minute *minute, const struct stamp *stamp, int64_t now_ms)
{
	if (!is_in_minute(&minute->stamp, stamp)) {
		minute->stamp = *stamp;
		minute->stamp.second = 0;
		minute->stamp.microsecond = 0;
		minute->begin_ms = clock_of_stamp(&minute->stamp, now_ms);
	}
	if (minute->begin_ms == 0)
		return 0;
	return minute->begin_ms + stamp->second * 1000 + stamp->microsecond / 1000;
}

void
intake_lines(struct fold *fold, struct str lines, int64_t wall_ms)
{
	int64_t shift_ms = clock_offset_ms(), time_ms;
	struct minute minute = {
	    .begin_ms = 0}; /* of no month: as lines without a stamp */
	struct logline split;
	struct prefilter prefilter;
	struct str line;

	prefilter_start(
	    &prefilter, lines, PREFILTER_TROUBLE | PREFILTER_SENT | PREFILTER_TLS);
	while (prefilter_next(&prefilter, &line)) {
		if (!logline_split(line, &split))
			continue;
		/* Where the clock is shifted, the log's is not. */
		time_ms = time_of(&minute, &split.stamp, wall_ms - shift_ms);
		fold_line(fold, &split, time_ms != 0 ? time_ms + shift_ms : 0, wall_ms);
	}
}

bool
intake_is_full(const struct fold *fold)
{
	return fold_size(fold) >= ITEMS_MAX || fold_parked(fold) >= PARKED_MAX;
}
