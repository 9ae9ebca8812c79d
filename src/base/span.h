/* SPDX-License-Identifier: BSD-2-Clause */
/* Spans of time as people write them: 200ms 90s 10m 6h 7d 2w. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define SPAN_SECOND_MS INT64_C(1000)
#define SPAN_MINUTE_MS (60 * SPAN_SECOND_MS)
#define SPAN_HOUR_MS   (60 * SPAN_MINUTE_MS)
#define SPAN_DAY_MS    (24 * SPAN_HOUR_MS)

/*
 * Milliseconds of a text: digits and one of ms, s, m, h, d, w; 0 may stand alone.
 * False: another form, or more than 10,000 days.
 */
bool span_parse(struct str text, int64_t *ms);

/* The same backwards, in the largest unit up to days that divides it: 90s, 10m, 1h. */
void buf_add_span(struct buf *buf, int64_t ms);

#endif
