/* SPDX-License-Identifier: BSD-2-Clause */
/* What was measured of one destination, by whoever asks: a plain value. */
#ifndef CORE_ANSWERS_H
#define CORE_ANSWERS_H

#include <stdbool.h>

#include "base/answer.h"
#include "core/dane.h"
#include "core/level.h"

struct answers {
	bool relay_fits; /* the server of the deferral is one of the destination's, or
	                    none was */
	bool remembered; /* the answer of before, not a new one */
	enum answer other_map; /* another policy map answers for the key */
	struct dane_verdict dane;
	char text[2048];   /* the DNS answers, a line a host */
	bool probe_asked;  /* the servers were to be probed */
	enum level probed; /* the strongest level that works, else the weakest tried;
	                    * LEVEL_UNKNOWN: nothing was probed, or nothing can */
	enum answer probe_works;
};

#endif
