/* SPDX-License-Identifier: BSD-2-Clause */
/* The outline of DER (X.690): just enough to see what something is. */
#ifndef CORE_DER_H
#define CORE_DER_H

#include <stddef.h>
#include <stdint.h>

#define DER_INTEGER          0x02
#define DER_BIT_STRING       0x03
#define DER_UTC_TIME         0x17
#define DER_GENERALIZED_TIME 0x18
#define DER_SEQUENCE         0x30
#define DER_CONTEXT_0        0xa0 /* [0], constructed */

/*
 * Step into the element with this tag at *p: its content ends at the returned place.
 * NULL: another tag, no definite length, or more than there is. A length that is longer
 * than it need be is accepted, as OpenSSL does.
 */
const uint8_t *der_enter(const uint8_t **p, const uint8_t *end, uint8_t tag);

#endif
