/* SPDX-License-Identifier: BSD-2-Clause */
/* The back-off of what may fail for a while: reported once, tried ever more slowly. */
#ifndef ENGINE_BACKOFF_H
#define ENGINE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct backoff {
	bool failing;
	unsigned times; /* in a row */
	int64_t wait_ms;
	int64_t again_ms; /* monotonic: not before */
	struct err last;
	/* Where these are not 0: the longest wait, and how many failures in a row last.
	 */
	int64_t most_ms;
	unsigned lasts;
};

/*
 * It failed: "cannot WHAT, will try again: ..." the first time, and whenever the reason
 * is another; without "will try again" unless again. mono_ms: now. True once, when it
 * lasts.
 */
bool backoff_report(struct backoff *backoff, const char *what, const struct err *err,
    bool again, int64_t mono_ms);

/* It went well: "can WHAT again" where it had failed. */
void backoff_over(struct backoff *backoff, const char *what);

/* Did it fail so often that it will not be over by itself soon? */
bool backoff_lasts(const struct backoff *backoff);

/* Is it too early for the next try? */
bool backoff_waits(const struct backoff *backoff, int64_t mono_ms);

#endif
