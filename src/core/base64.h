/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CORE_BASE64_H
#define CORE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Octets of base64 with line ends and blanks in it, as in PEM. 0: none, something else in
 * it, or more than size. */
size_t base64_decode(struct str text, uint8_t *out, size_t size);

#endif
