/* SPDX-License-Identifier: BSD-2-Clause */
/* A moment as RFC 3339 writes it in UTC: 2026-11-24T07:12:01Z. */
#ifndef BASE_UTC_H
#define BASE_UTC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define UTC_SIZE 32

/* s: seconds since the epoch. False: no calendar has it; out is "" then. */
bool utc_print(int64_t s, char out[UTC_SIZE]);

/* What utc_print() wrote, of the years 1970 to 9999. False: another form, or no such day
 * or time; *s is left as it was. */
bool utc_parse(struct str text, int64_t *s);

#endif
