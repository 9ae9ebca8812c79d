/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only caller of clock_gettime() and localtime_r(). Tests shift the wall clock with
 * the environment variable TLSLADDER_NOW_OFFSET (seconds), read once.
 */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include <stdint.h>

#include "core/logline.h"

int64_t clock_wall_ms(void);      /* since the epoch */
int64_t clock_offset_ms(void);    /* of a shifted clock: 0 but in tests */
int64_t clock_monotonic_ms(void); /* for every timer */

/* Time that passed since this machine was started, but for what it slept, whichever
 * process asks; in tests it is shifted with the wall clock. And which start it was, a
 * number of its own; 0: cannot be told. */
int64_t clock_running_ms(void);
int64_t clock_boot(void);

/*
 * When a line was written, in ms since the epoch, from the parts of its stamp. 0: no
 * stamp, or a date or time that does not exist.
 *
 * Without a year: the latest year that puts it not more than a day after now. Without
 * a zone: local time. An hour that the clock ran through twice is the one nearer to
 * now; one that it skipped is read as if it had not yet been moved forward.
 */
int64_t clock_of_stamp(const struct stamp *stamp, int64_t now_ms);

#endif
