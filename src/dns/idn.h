/* SPDX-License-Identifier: BSD-2-Clause */
/* Names beyond ASCII: as DNS has them, and the other spellings of the same name. */
#ifndef DNS_IDN_H
#define DNS_IDN_H

#include <stdbool.h>

#include "core/nexthop.h"

#define IDN_TWINS 3

/* The name as DNS has it: U-labels become A-labels as smtp(8) makes them (UTS #46,
 * non-transitional). False: no name that can be asked for. */
bool idn_to_ascii(const char *host, char out[NEXTHOP_HOST_SIZE]);

/*
 * The spellings that DNS has as one name with that host, without itself: of A-labels,
 * composed letters and letters with their marks apart (NFC, NFD) the other two; all
 * three of a host that has some letters so and some so. All in lower case. How many; 0:
 * it has no other, or is no name.
 */
unsigned idn_twins(const char *host, char out[IDN_TWINS][NEXTHOP_HOST_SIZE]);

#endif
