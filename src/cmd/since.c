/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/since.h"

#include <time.h>

#include "base/span.h"
#include "base/str.h"
#include "sys/clock.h"

/* mktime(3) makes of 30 February a day of March. */
static bool
is_of_calendar(const struct tm *tm)
{
	struct tm same = *tm;

	return timegm(&same) != (time_t)-1 && same.tm_mday == tm->tm_mday;
}

bool
since_parse(const char *text, int64_t *ms)
{
	static const struct {
		const char *form;
		bool is_utc;
	} forms[] = {
	    {"%Y-%m-%d %H:%M:%S", false},
	    {"%Y-%m-%d %H:%M", false},
	    {"%Y-%m-%dT%H:%M:%S", false},
	    {"%Y-%m-%dT%H:%M", false},
	    {"%Y-%m-%dT%H:%M:%SZ", true},
	    {"%Y-%m-%dT%H:%MZ", true},
	    {"%Y-%m-%d", false},
	};

	if (span_parse(str_of(text), ms)) {
		if (*ms == 0) /* nothing was written since now */
			return false;
		*ms = clock_wall_ms() - *ms;
		return true;
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(text, forms[i].form, &tm);
		time_t time;

		if (end == NULL || *end != '\0')
			continue;
		if (!is_of_calendar(&tm))
			return false;
		time = forms[i].is_utc ? timegm(&tm) : mktime(&tm);
		*ms = (int64_t)time * SPAN_SECOND_MS;
		return time != (time_t)-1;
	}
	return false;
}
