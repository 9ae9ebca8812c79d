/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/der.h"

const uint8_t *
der_enter(const uint8_t **p, const uint8_t *end, uint8_t tag)
{
	size_t len, octets;

	if (end - *p < 2 || (*p)[0] != tag)
		return NULL;
	len = (*p)[1];
	*p += 2;
	if (len >= 0x80) {
		octets = len & 0x7f;
		if (octets == 0 || octets > 4 || (size_t)(end - *p) < octets)
			return NULL;
		len = 0;
		while (octets-- > 0)
			len = len << 8 | *(*p)++;
	}
	return len <= (size_t)(end - *p) ? *p + len : NULL;
}
