/* SPDX-License-Identifier: BSD-2-Clause */
/* A moment of the past, as --since has it. */
#ifndef CMD_SINCE_H
#define CMD_SINCE_H

#include <stdbool.h>
#include <stdint.h>

/* A span until now, or a day, or a time of a day: in local time, or with a Z in UTC. In
 * ms since the epoch. False: it is no time. */
bool since_parse(const char *text, int64_t *ms);

#endif
