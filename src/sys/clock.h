/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only caller of clock_gettime() and mktime(). Tests shift the wall clock with the
 * environment variable TLSLADDER_NOW_OFFSET (seconds), read once.
 */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include <stdint.h>

#include "core/logline.h"

int64_t clock_wall_ms(void);      /* since the epoch */
int64_t clock_monotonic_ms(void); /* for every timer */

/*
 * When a line was written, in ms since the epoch, from the parts of its stamp; local
 * time where no zone is written; for a stamp without a year, the year that puts it
 * nearest to now and not more than a day in the future. 0: no stamp.
 */
int64_t clock_of_stamp(const struct stamp *stamp, int64_t now_ms);

#endif
