/* SPDX-License-Identifier: BSD-2-Clause */
/* So many things may begin at once, and one more each so often. */
#ifndef ENGINE_PACE_H
#define ENGINE_PACE_H

#include <stddef.h>
#include <stdint.h>

/* The first two are the caller's, the rest zero at first. */
struct pace {
	int64_t burst;
	int64_t every_ms;
	int64_t left;
	int64_t at_ms; /* monotonic: when the last one came; 0: none did */
};

/* How many may begin now; mono_ms: monotonic, not 0. */
size_t pace_left(struct pace *pace, int64_t mono_ms);
/* So many did. */
void pace_use(struct pace *pace, size_t count);

#endif
