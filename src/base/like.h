/* SPDX-License-Identifier: BSD-2-Clause */
/* Which known word was meant: for "did you mean". */
#ifndef BASE_LIKE_H
#define BASE_LIKE_H

#include <stddef.h>

#include "base/str.h"

/*
 * The one of known[0..count) that word most probably is, whatever its case: two slips of
 * the finger away at most, and not more than half of a short word; of several as near one
 * that begins with word, else the first. NULL: none is.
 */
const char *like_nearest(struct str word, const char *const *known, size_t count);

#endif
