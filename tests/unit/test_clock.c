/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <stdlib.h>
#include <time.h>

#include "sys/clock.h"

/* Expected values by date(1): TZ=ZONE date -d 'TEXT' +%s. */
struct row {
	const char *name;
	const char *zone; /* TZ */
	int64_t now_s;
	const char *text; /* YYYY-MM-DD hh:mm:ss, year 0000: none written */
	int zone_minutes; /* NO_ZONE: none written */
	int64_t at_s;     /* 0: refused */
};

#define NO_ZONE 9999

/* As POSIX writes it, so that no zone files are needed. */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

/* Moments that the rows refer to, all UTC. */
#define NEW_YEAR_2026 INT64_C(1767225600) /* 2026-01-01 00:00:00 */
#define JULY_2026     INT64_C(1783080000) /* 2026-07-03 12:00:00 */
#define MARCH_2025    INT64_C(1741176000) /* 2025-03-05 12:00:00 */
#define MARCH_2028    INT64_C(1835870400) /* 2028-03-05 12:00:00 */

static const struct row rows[] = {
    {"a zone as written, whatever ours is", BERLIN, JULY_2026, "2026-07-03 14:00:00", 120,
        JULY_2026},
    {"Z is UTC", BERLIN, JULY_2026, "2026-07-03 12:00:00", 0, JULY_2026},
    {"west of UTC", "UTC", JULY_2026, "2026-07-03 05:30:00", -390, JULY_2026},
    {"a half-hour zone", "UTC", JULY_2026, "2026-07-03 17:30:00", 330, JULY_2026},
    {"local summer time", BERLIN, JULY_2026, "0000-07-03 14:00:00", NO_ZONE, JULY_2026},
    {"local winter time", BERLIN, NEW_YEAR_2026, "0000-01-01 01:00:00", NO_ZONE,
        NEW_YEAR_2026},
    {"a year without a zone", BERLIN, JULY_2026, "2019-01-01 01:00:00", NO_ZONE,
        1546300800},
    {"written in December, read in January", "UTC", NEW_YEAR_2026 + 5,
        "0000-12-31 23:59:59", NO_ZONE, NEW_YEAR_2026 - 1},
    {"written in January by a clock ahead, read in December", "UTC", NEW_YEAR_2026 - 5,
        "0000-01-01 00:00:02", NO_ZONE, NEW_YEAR_2026 + 2},
    {"local January while UTC has December", "JST-9", NEW_YEAR_2026 - 3600,
        "0000-01-01 08:00:00", NO_ZONE, NEW_YEAR_2026 - 3600},
    {"local December while UTC has January", "EST5EDT,M3.2.0,M11.1.0",
        NEW_YEAR_2026 + 3600, "0000-12-31 20:00:00", NO_ZONE, NEW_YEAR_2026 + 3600},
    {"half a year back", "UTC", JULY_2026, "0000-01-03 12:00:00", NO_ZONE, 1767441600},
    {"23 hours ahead is this year", "UTC", JULY_2026, "0000-07-04 11:00:00", NO_ZONE,
        JULY_2026 + 23 * 3600},
    {"25 hours ahead was last year", "UTC", JULY_2026, "0000-07-04 13:00:00", NO_ZONE,
        1751634000},
    {"29 February in a leap year", "UTC", MARCH_2028, "0000-02-29 12:00:00", NO_ZONE,
        1835438400},
    {"29 February read in another year is the last one", "UTC", MARCH_2025,
        "0000-02-29 12:00:00", NO_ZONE, 1709208000},
    {"29 February over the year 1900, that had none", "UTC", -2177452800,
        "0000-02-29 12:00:00", NO_ZONE, -2330078400},
    {"29 February of a year that has none", "UTC", MARCH_2025, "2025-02-29 12:00:00",
        NO_ZONE, 0},
    {"31 April", "UTC", JULY_2026, "2026-04-31 12:00:00", NO_ZONE, 0},
    {"day 0", "UTC", JULY_2026, "2026-04-00 12:00:00", NO_ZONE, 0},
    {"month 0: no stamp", "UTC", JULY_2026, "0000-00-00 00:00:00", NO_ZONE, 0},
    {"month 13", "UTC", JULY_2026, "2026-13-01 12:00:00", NO_ZONE, 0},
    {"hour 24", "UTC", JULY_2026, "2026-04-01 24:00:00", NO_ZONE, 0},
    {"a leap second is the second after it", "UTC", JULY_2026, "2016-12-31 23:59:60", 0,
        1483228800},
    {"second 61", "UTC", JULY_2026, "2016-12-31 23:59:61", 0, 0},
    {"the last second before the clock is put forward", BERLIN, JULY_2026,
        "2026-03-29 01:59:59", NO_ZONE, 1774745999},
    {"the first second after it", BERLIN, JULY_2026, "2026-03-29 03:00:00", NO_ZONE,
        1774746000},
    {"a skipped hour is read as winter time", BERLIN, JULY_2026, "2026-03-29 02:30:00",
        NO_ZONE, 1774747800},
    {"an hour that comes twice, read in its first pass", BERLIN, 1792888200,
        "0000-10-25 02:30:00", NO_ZONE, 1792888200},
    {"an hour that comes twice, read in its second pass", BERLIN, 1792891800,
        "0000-10-25 02:30:00", NO_ZONE, 1792891800},
    {"an hour that comes twice, read later", BERLIN, 1793000000, "2026-10-25 02:30:00",
        NO_ZONE, 1792891800},
    {"a change of half an hour (Lord Howe)", "LHST-10:30LHDT-11,M10.1.0,M4.1.0",
        JULY_2026, "2026-04-05 01:15:00", NO_ZONE, 1775312100},
};

static void
stamp_is_at(void **state)
{
	const struct row *row = *state;
	int year, month, day, hour, minute, second;
	struct stamp stamp;
	int64_t at_ms;

	assert_int_equal(sscanf(row->text, "%d-%d-%d %d:%d:%d", &year, &month, &day,
	                     &hour, &minute, &second),
	    6);
	stamp = (struct stamp){
	    .year = (int16_t)year,
	    .month = (int8_t)month,
	    .day = (int8_t)day,
	    .hour = (int8_t)hour,
	    .minute = (int8_t)minute,
	    .second = (int8_t)second,
	    .has_zone = row->zone_minutes != NO_ZONE,
	    .zone_minutes =
	        (int16_t)(row->zone_minutes != NO_ZONE ? row->zone_minutes : 0),
	    .microsecond = 123456,
	};
	setenv("TZ", row->zone, 1);
	tzset();
	at_ms = clock_of_stamp(&stamp, row->now_s * 1000);
	assert_int_equal(at_ms, row->at_s != 0 ? row->at_s * 1000 + 123 : 0);
}

static void
clocks_run(void **state)
{
	int64_t monotonic_ms = clock_monotonic_ms();
	int64_t real_ms = (int64_t)time(NULL) * 1000;

	(void)state;
	assert_true(clock_monotonic_ms() >= monotonic_ms);
	/* Shifted by the -1000000 s that main() set; a minute for a slow machine. */
	assert_in_range(clock_wall_ms() + 1000000000 - real_ms + 1000, 0, 61000);
}

int
main(void)
{
	setenv("TLSLADDER_NOW_OFFSET", "-1000000", 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(stamp_is_at, &rows[i], "%s", rows[i].name);
	suite_add(clocks_run, NULL, "the wall clock is shifted by TLSLADDER_NOW_OFFSET");
	return suite_run();
}
