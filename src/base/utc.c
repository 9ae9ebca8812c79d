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

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t
days_of(int64_t year, int64_t month)
{
	static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Days from the epoch to the first of January of that year. */
static int64_t
days_to(int64_t year)
{
	int64_t before = year - 1;

	return (year - 1970) * 365 + (before / 4 - before / 100 + before / 400) -
	    (1969 / 4 - 1969 / 100 + 1969 / 400);
}

bool
utc_parse(struct str text, int64_t *s)
{
	static const char form[] = "0000-00-00T00:00:00Z"; /* 0: a digit */
	int64_t part[6] = {0}, days;
	size_t at = 0;

	if (text.len != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (form[i] != '0' ? text.p[i] != form[i] : !ascii_is_digit(text.p[i]))
			return false;
		if (form[i] != '0')
			at++;
		else
			part[at] = part[at] * 10 + (text.p[i] - '0');
	}
	if (part[0] < 1970 || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
	    part[2] > days_of(part[0], part[1]) || part[3] > 23 || part[4] > 59 ||
	    part[5] > 59)
		return false;
	days = days_to(part[0]) + part[2] - 1;
	for (int64_t month = 1; month < part[1]; month++)
		days += days_of(part[0], month);
	*s = ((days * 24 + part[3]) * 60 + part[4]) * 60 + part[5];
	return true;
}
