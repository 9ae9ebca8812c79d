/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/str.h"

#define DAY_S 86400

/* 29 February comes back after eight years at most: 1896, 1904. */
#define YEARS_BACK 8

static int64_t offset_ms;
static pthread_once_t offset_once = PTHREAD_ONCE_INIT;

static void
read_offset(void)
{
	const char *text = getenv("TLSLADDER_NOW_OFFSET");

	if (text != NULL)
		offset_ms = strtoll(text, NULL, 10) * 1000;
}

static int64_t
read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_offset_ms(void)
{
	pthread_once(&offset_once, read_offset);
	return offset_ms;
}

int64_t
clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME) + clock_offset_ms();
}

int64_t
clock_monotonic_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_running_ms(void)
{
	return clock_monotonic_ms() + clock_offset_ms();
}

/* The beginning of "3e62f9ab-90d5-4dcb-...". */
int64_t
clock_boot(void)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	unsigned high = 0, low = 0;
	bool read = file != NULL && fscanf(file, "%8x-%4x", &high, &low) == 2;

	if (file != NULL)
		fclose(file);
	return read ? (int64_t)high << 16 | low : 0;
}

static int
days_in_month(int year, int month)
{
	static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Days from 1970-01-01 in the Gregorian calendar; years are counted from March. */
static int64_t
days_of_date(int year, int month, int day)
{
	int64_t y = year - (month <= 2 ? 1 : 0);
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

/* Seconds that local time is ahead of UTC at the moment t. */
static int64_t
zone_at(int64_t t)
{
	time_t at = (time_t)t;
	struct tm local;

	return localtime_r(&at, &local) != NULL ? local.tm_gmtoff : 0;
}

/* The moment at which local clocks show what wall_s would be in UTC. */
static int64_t
from_local(int64_t wall_s, int64_t now_s)
{
	int64_t before = zone_at(wall_s - DAY_S);
	int64_t after = zone_at(wall_s + DAY_S);
	int64_t first = wall_s - before;
	int64_t second = wall_s - after;

	/* Of a change in between, both readings are right, or one, or (skipped) none. */
	if (before == after || zone_at(second) != after)
		return first;
	if (zone_at(first) != before)
		return second;
	return llabs(now_s - first) <= llabs(now_s - second) ? first : second;
}

static bool
is_time(const struct stamp *stamp)
{
	return stamp->month >= 1 && stamp->month <= 12 && stamp->day >= 1 &&
	    stamp->hour >= 0 && stamp->hour < 24 && stamp->minute >= 0 &&
	    stamp->minute < 60 && stamp->second >= 0 && stamp->second <= 60;
}

/* In seconds; false where that year has no such day. */
static bool
read_in_year(const struct stamp *stamp, int year, int64_t now_s, int64_t *at_s)
{
	int64_t wall_s;

	if (stamp->day > days_in_month(year, stamp->month))
		return false;
	wall_s = days_of_date(year, stamp->month, stamp->day) * DAY_S +
	    stamp->hour * 3600 + stamp->minute * 60 + stamp->second;
	*at_s = stamp->has_zone ? wall_s - stamp->zone_minutes * 60
	                        : from_local(wall_s, now_s);
	return true;
}

static int
year_of(int64_t t)
{
	time_t at = (time_t)t;
	struct tm utc;

	return gmtime_r(&at, &utc) != NULL ? utc.tm_year + 1900 : 1970;
}

int64_t
clock_of_stamp(const struct stamp *stamp, int64_t now_ms)
{
	int64_t now_s = now_ms / 1000;
	int64_t at_s = 0;
	int year = stamp->year;
	bool found;

	if (!is_time(stamp))
		return 0;
	if (year != 0) {
		found = read_in_year(stamp, year, now_s, &at_s);
	} else {
		int last = year_of(now_s) + 1; /* a day from now may be next year */

		found = false;
		for (year = last; !found && year >= last - 1 - YEARS_BACK; year--)
			found = read_in_year(stamp, year, now_s, &at_s) &&
			    at_s <= now_s + DAY_S;
	}
	return found ? at_s * 1000 + stamp->microsecond / 1000 : 0;
}
