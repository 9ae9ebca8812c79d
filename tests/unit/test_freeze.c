/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/freeze.cases: when so many fail that the fault is ours. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/freeze.h"

#define NOW_MS (INT64_C(1800000000) * 1000)

struct row {
	struct freeze_facts facts;
	bool frozen;
	enum freeze_news news;
	char *frozen_after, *ended_after, *judged, *verified_after;
};

static const struct freeze_limits limits = {
    .destinations = 20, .time_ms = 10 * SPAN_MINUTE_MS};

static const char *const news_names[] = {
    [FREEZE_NO_NEWS] = "-",
    [FREEZE_BEGINS_HELD] = "held",
    [FREEZE_BEGINS_FAILED] = "failed",
    [FREEZE_BEGINS_LAST] = "last",
    [FREEZE_BEGINS_CANARY] = "canary",
    [FREEZE_ENDS] = "ends",
    [FREEZE_GIVEN_UP] = "given-up",
};

static void
die(unsigned line, const char *what, const char *text)
{
	fprintf(stderr, "freeze.cases:%u: %s: %s\n", line, what, text);
	exit(2);
}

static int64_t
time_of(unsigned line, const char *text)
{
	char *end;
	long long seconds;

	if (strcmp(text, "-") == 0)
		return 0;
	seconds = strtoll(text, &end, 10);
	if (*text == '\0' || *end != '\0')
		die(line, "no time", text);
	return NOW_MS + seconds * 1000;
}

/* As in the table: seconds from now, with a sign. */
static void
assert_time(int64_t time_ms, bool stored, const char *expected)
{
	long long ms = time_ms - NOW_MS, away = ms < 0 ? -ms : ms;
	const char *sign = ms < 0 ? "-" : ms > 0 ? "+" : "";
	char text[64], part[16] = "";

	if (away % 1000 != 0)
		snprintf(part, sizeof(part), ".%03d", (int)(away % 1000));
	if (time_ms == 0)
		snprintf(text, sizeof(text), "-%s", stored ? "*" : "");
	else
		snprintf(text, sizeof(text), "%s%lld%s%s", sign, away / 1000, part,
		    stored ? "*" : "");
	assert_string_equal(text, expected);
}

static void
freeze_is(void **state)
{
	const struct row *row = *state;
	struct freeze_outcome got = freeze_judge(&limits, &row->facts, NOW_MS);

	assert_string_equal(
	    got.frozen ? "frozen" : "free", row->frozen ? "frozen" : "free");
	assert_string_equal(news_names[got.news], news_names[row->news]);
	assert_time(got.frozen_ms, got.store_frozen, row->frozen_after);
	assert_time(got.ended_ms, got.store_frozen, row->ended_after);
	assert_time(got.thawed_ms, false, row->judged);
	assert_time(got.verified_ms, got.store_verified, row->verified_after);
}

/* Judged again at the same time there is no news, and nothing to store. */
static void
freeze_settles(void **state)
{
	const struct row *row = *state;
	struct freeze_outcome first = freeze_judge(&limits, &row->facts, NOW_MS), again;
	struct freeze_facts facts = row->facts;

	facts.verified_ms = first.verified_ms;
	facts.frozen_ms = first.frozen_ms;
	facts.begun_ms = first.begun_ms;
	facts.thawed_ms = first.ended_ms;
	again = freeze_judge(&limits, &facts, NOW_MS);
	assert_int_equal(again.frozen, first.frozen);
	assert_int_equal(again.news, FREEZE_NO_NEWS);
	assert_false(again.store_frozen || again.store_verified);
	assert_true(again.lasted_ms == 0);
}

/* From its begin to its end, however often the condition was found true between. */
static void
freeze_lasts(void **state)
{
	struct freeze_facts facts = {.held = 20, .verified_ms = NOW_MS - 1};
	struct freeze_outcome got = freeze_judge(&limits, &facts, NOW_MS);
	int64_t later_ms = NOW_MS + SPAN_HOUR_MS;

	(void)state;
	assert_true(got.begun_ms == NOW_MS && got.lasted_ms == 0);
	facts.begun_ms = got.begun_ms;
	facts.frozen_ms = got.frozen_ms;
	got = freeze_judge(&limits, &facts, later_ms);
	assert_true(got.frozen_ms == later_ms && got.begun_ms == NOW_MS);
	facts.frozen_ms = got.frozen_ms;
	facts.held = 0;
	facts.verified_ms = later_ms + SPAN_MINUTE_MS;
	got = freeze_judge(&limits, &facts, later_ms + 2 * SPAN_MINUTE_MS);
	assert_true(got.news == FREEZE_ENDS && got.begun_ms == 0 && got.store_frozen);
	assert_true(got.lasted_ms == SPAN_HOUR_MS + SPAN_MINUTE_MS);
	/* A stamp ahead of the clock makes it no longer. */
	got = freeze_judge(&limits, &facts, later_ms + SPAN_SECOND_MS);
	assert_true(got.lasted_ms == SPAN_HOUR_MS + SPAN_SECOND_MS);
	/* The clock was set back, before it began. */
	facts.frozen_ms = facts.begun_ms = later_ms;
	got = freeze_judge(&limits, &facts, NOW_MS);
	assert_true(!got.frozen && got.lasted_ms == 0);
	/* A version before this one stored no begin. */
	facts.frozen_ms = NOW_MS - SPAN_HOUR_MS;
	facts.begun_ms = 0;
	facts.verified_ms = NOW_MS;
	got = freeze_judge(&limits, &facts, NOW_MS);
	assert_true(got.lasted_ms == SPAN_HOUR_MS);
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));

	(void)context;
	if (count != 13 && count != 14)
		die(line, "not thirteen fields, nor fourteen", fields[0]);
	row->facts = (struct freeze_facts){.held = atoi(fields[0]),
	    .failed = atoi(fields[1]),
	    .canary_ms = time_of(line, fields[3]),
	    .verified_ms = time_of(line, fields[4]),
	    .probed_ms = time_of(line, fields[count == 14 ? 13 : 4]),
	    .frozen_ms = time_of(line, fields[5]),
	    .begun_ms = time_of(line, fields[5]),
	    .thawed_ms = time_of(line, fields[6])};
	if (strcmp(fields[2], "-") != 0 &&
	    sscanf(fields[2], "%u/%u", &row->facts.last_failed, &row->facts.last) != 2)
		die(line, "no counts", fields[2]);
	row->frozen = strcmp(fields[7], "frozen") == 0;
	if (!row->frozen && strcmp(fields[7], "free") != 0)
		die(line, "no state", fields[7]);
	while (strcmp(news_names[row->news], fields[8]) != 0)
		if (++row->news > FREEZE_GIVEN_UP)
			die(line, "no news", fields[8]);
	row->frozen_after = fields[9];
	row->ended_after = fields[10];
	row->judged = fields[11];
	row->verified_after = fields[12];
	suite_add(freeze_is, row,
	    "line %u: held %s, failed %s, last %s, canary %s, verified %s, frozen %s: %s",
	    line, fields[0], fields[1], fields[2], fields[3], fields[4], fields[5],
	    fields[7]);
	suite_add(freeze_settles, row, "line %u: and so it stays", line);
}

int
main(void)
{
	suite_read_table("tests/cases/freeze.cases", add_row, NULL);
	suite_add(freeze_lasts, NULL, "a freeze lasts from its begin to its end");
	return suite_run();
}
