/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/pace.h"

size_t
pace_left(struct pace *p, int64_t mono_ms)
{
	int64_t fresh = p->at_ms == 0 ? p->burst : (mono_ms - p->at_ms) / p->every_ms;

	if (fresh > 0) {
		p->at_ms = p->at_ms == 0 || fresh > p->burst
		    ? mono_ms
		    : p->at_ms + fresh * p->every_ms;
		p->left += fresh;
	}
	if (p->left > p->burst)
		p->left = p->burst;
	return (size_t)p->left;
}

void
pace_use(struct pace *p, size_t count)
{
	p->left -= (int64_t)count;
}
