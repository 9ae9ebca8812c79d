/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 (FIPS 180-4), for texts that are compared and not to be kept, nor forged. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* The first eight bytes of the hash as a number, the first one highest. */
uint64_t sha256_of(struct str text);

#endif
