/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/utc.h"

#include <time.h>

bool
utc_print(int64_t s, char out[UTC_SIZE])
{
	time_t at = (time_t)s;
	struct tm tm;

	out[0] = '\0';
	return gmtime_r(&at, &tm) != NULL &&
	    strftime(out, UTC_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
}
