/* SPDX-License-Identifier: BSD-2-Clause */
/* Something that may fail for a while: said once, tried again ever more slowly. */
#ifndef ENGINE_TROUBLE_H
#define ENGINE_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct trouble {
	bool failing;
	unsigned times; /* in a row */
	int64_t wait_ms;
	int64_t again_ms; /* monotonic: not before */
	struct err last;
};

/*
 * It failed: "cannot WHAT, will try again: ..." the first time, and whenever the reason
 * is another. mono_ms: now. True once, when it lasts.
 */
bool trouble_report(
    struct trouble *trouble, const char *what, const struct err *err, int64_t mono_ms);

/* It went well: "can WHAT again" where it had failed. */
void trouble_over(struct trouble *trouble, const char *what);

/* Did it fail so often that it will not be over by itself soon? */
bool trouble_lasts(const struct trouble *trouble);

/* Is it too early for the next try? */
bool trouble_waits(const struct trouble *trouble, int64_t mono_ms);

#endif
