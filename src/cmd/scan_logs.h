/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logs read once, in order of time whatever the order of their names: several are merged
 * line by line, so that what two of them hold comes together.
 */
#ifndef CMD_SCAN_LOGS_H
#define CMD_SCAN_LOGS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/config.h"
#include "core/fold.h"
#include "core/forecast.h"

enum scan_pause {
	SCAN_GOES_ON,
	SCAN_WAITS, /* no line comes for a while */
	SCAN_ENDS,  /* none will */
};

struct scan_logs {
	const struct config *config;
	struct fold *fold;
	int64_t since_ms; /* earlier lines are passed over; 0: all count */
	/* Called before lines go into the fold. False: they must not. */
	bool (*begin)(void *context);
	/* Called now and then, where none come for a while, and at the end: the lines
	 * until here are in the fold. False: enough. */
	bool (*pause)(void *context, enum scan_pause pause);
	/* For a display; NULL: none. size 0: not known. */
	void (*progress)(const char *what, uint64_t used, uint64_t size);
	void *context;              /* of these */
	struct forecast_span *span; /* of the lines that count; NULL: not wanted */
};

/* paths: "-" is standard input. An exit status; what failed was reported. */
int scan_logs_read(const struct scan_logs *logs, char *const *paths, size_t count);

#endif
