/* SPDX-License-Identifier: BSD-2-Clause */
/* How far a command is that takes long: one line on standard error, where that is a
 * terminal. For the first thread. */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <stdint.h>

/* What is done of all; all 0: how much there is is not known, and done are bytes. Shown
 * from a fifth of a second after the first call, five times a second. what: a literal. */
void progress_show(const char *what, uint64_t done, uint64_t all);

/* The line is taken away: before anything else is printed. */
void progress_end(void);

#endif
