/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys/clock.h"

#define PROGRESS_MS 200

static struct {
	int64_t begun_ms; /* 0: nothing is at work */
	int64_t shown_ms;
	const char *what; /* that is shown; NULL: nothing is */
} progress;

void
progress_show(const char *what, uint64_t done, uint64_t all)
{
	int64_t now_ms = clock_monotonic_ms();

	if (progress.begun_ms == 0)
		progress.begun_ms = now_ms;
	if (now_ms - progress.begun_ms < PROGRESS_MS ||
	    (progress.what != NULL && strcmp(progress.what, what) == 0 &&
	        now_ms - progress.shown_ms < PROGRESS_MS) ||
	    !isatty(STDERR_FILENO))
		return;
	progress.shown_ms = now_ms;
	progress.what = what;
	fprintf(stderr, "\r%s", what);
	if (all > 0)
		fprintf(stderr, ": %3" PRIu64 " %%", done * 100 / all);
	else if (done > 0)
		fprintf(stderr, ": %" PRIu64 " MB", done >> 20);
	fprintf(stderr, "\033[K");
}

void
progress_end(void)
{
	if (progress.what != NULL)
		fprintf(stderr, "\r\033[K");
	progress.what = NULL;
	progress.begun_ms = 0;
}
