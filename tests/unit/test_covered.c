/* SPDX-License-Identifier: BSD-2-Clause */
/* A line counts once, whoever reads it; and none is lost, whatever its stamp. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "core/covered.h"

#define WRITER UINT64_C(77)
#define T      INT64_C(1795400000)

static bool
take(struct covered *covered, unsigned source, int64_t second, const char *text)
{
	return covered_take(
	    covered, source, WRITER, second, covered_hash(str_of(text)), false);
}

/* As another process that opens the database finds it. */
static struct covered *
reopened(struct covered *covered)
{
	struct covered *other = covered_new();
	struct buf text = {0};

	covered_save(covered, &text);
	covered_free(covered);
	covered_load(other, (struct str){buf_text(&text), text.len});
	buf_clear(&text);
	return other;
}

static void
a_followed_line_always_counts(void **state)
{
	struct covered *covered = covered_new();
	unsigned log = covered_source(covered, true);

	(void)state;
	assert_true(take(covered, log, T, "a"));
	assert_true(take(covered, log, T, "a"));
	assert_true(take(covered, log, T + 60, "b"));
	assert_true(take(covered, log, T + 30, "c"));
	covered_free(covered);
}

static void
two_followed_logs_do_not_hide_each_other(void **state)
{
	struct covered *covered = covered_new();
	unsigned one = covered_source(covered, true),
	         other = covered_source(covered, true);

	(void)state;
	for (int i = 0; i <= 600; i += 60)
		assert_true(take(covered, one, T + i, "a"));
	assert_true(take(covered, other, T + 300, "b"));
	covered_free(covered);
}

static void
an_hour_that_comes_twice_counts_twice(void **state)
{
	struct covered *covered = covered_new();
	unsigned log = covered_source(covered, true);

	(void)state;
	for (int i = 0; i <= 3600; i += 60)
		assert_true(take(covered, log, T + i, "a"));
	covered = reopened(covered);
	log = covered_source(covered, true);
	for (int i = 0; i <= 3600; i += 60)
		assert_true(take(covered, log, T + i, "a"));
	covered_free(covered);
}

static void
what_a_scan_counted_the_daemon_does_not(void **state)
{
	struct covered *covered = covered_new();
	unsigned scan = covered_source(covered, false), log;

	(void)state;
	for (int i = 0; i <= 600; i += 60)
		assert_true(take(covered, scan, T + i, "a"));
	covered = reopened(covered);
	log = covered_source(covered, true);
	for (int i = 0; i <= 600; i += 60)
		assert_false(take(covered, log, T + i, "a"));
	assert_true(take(covered, log, T + 600, "within the last second, but another"));
	assert_true(take(covered, log, T + 660, "a"));
	covered_free(covered);
}

/* Read in another time zone, or with a made-up stamp. */
static void
a_line_ahead_of_the_clock_hides_no_other(void **state)
{
	struct covered *covered = covered_new();
	unsigned scan = covered_source(covered, false), log;

	(void)state;
	assert_true(take(covered, scan, T, "a"));
	for (int i = 3600; i <= 36000; i += 3600)
		assert_true(covered_take(
		    covered, scan, WRITER, T + i, covered_hash(STR("ahead")), true));
	covered = reopened(covered);
	log = covered_source(covered, true);
	assert_false(take(covered, log, T, "a"));
	for (int i = 60; i <= 36060; i += 60)
		assert_true(take(covered, log, T + i, "written since"));
	covered_free(covered);
}

static void
what_the_daemon_counted_a_scan_does_not(void **state)
{
	struct covered *covered = covered_new();
	unsigned log = covered_source(covered, true), scan;

	(void)state;
	for (int i = 0; i <= 600; i += 60)
		assert_true(take(covered, log, T + i, "a"));
	for (int again = 0; again < 2; again++) {
		covered = reopened(covered);
		scan = covered_source(covered, false);
		assert_int_equal(take(covered, scan, T - 60, "before"), again == 0);
		for (int i = 0; i <= 600; i += 60)
			assert_false(take(covered, scan, T + i, "a"));
		assert_int_equal(take(covered, scan, T + 660, "after"), again == 0);
	}
	covered_free(covered);
}

static void
a_text_that_is_none_is_as_nothing(void **state)
{
	static const char *const texts[] = {"x\n", "77 2 1 2\n", "77 0 5 4\n", "77 0 1\n",
	    "77 0 1 9 4:zz\n", "77 0 1 9 10:a\n", "-1 0 1 9\n", "\n", "77\n", "77 0\n",
	    "77 0 x 9\n", "77 0 1 x\n", "77 0 1 9 4\n", "77 0 1 9 4:0\n",
	    "77 0 1 9 9:1\n", "77 0 1 9 x:1\n", "77 0 4611686018427387904 9\n",
	    "77 0 1 9"};
	struct covered *covered = covered_new();
	unsigned scan;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		covered_load(covered, str_of(texts[i]));
		scan = covered_source(covered, false);
		assert_true(take(covered, scan, 7, texts[i]));
	}
	covered_free(covered);
}

/* Of many spans the nearest become one: what was counted counts once all the same. Those
 * of another writer are no reason to. */
static void
many_spans_become_fewer(void **state)
{
	static const uint64_t writers[] = {1, 2, 3};
	struct covered *covered = covered_new();
	struct buf text = {0};
	unsigned scan;
	int count[3] = {150, 5, 180};

	(void)state;
	for (int w = 0; w < 3; w++)
		for (int i = 0; i < count[w]; i++) {
			scan = covered_source(covered, false);
			assert_true(covered_take(covered, scan, writers[w],
			    T + 1000 * i + (i % 7) * 10, covered_hash(STR("a")), false));
		}
	covered = reopened(covered);
	covered_save(covered, &text);
	for (int w = 0; w < 3; w++) {
		char begin[8];
		int spans = 0;

		snprintf(begin, sizeof(begin), "%d 0 ", w + 1);
		for (const char *p = buf_text(&text); *p != '\0'; p = strchr(p, '\n') + 1)
			spans += strncmp(p, begin, 4) == 0;
		assert_int_equal(spans, count[w] > 100 ? 100 : count[w]);
	}
	buf_clear(&text);
	scan = covered_source(covered, false);
	for (int w = 0; w < 3; w++)
		for (int i = 0; i < count[w]; i++)
			assert_false(covered_take(covered, scan, writers[w],
			    T + 1000 * i + (i % 7) * 10, covered_hash(STR("a")), false));
	covered_free(covered);
}

/* Lines that were read while the clock was ahead hide none that come once it is right. */
static void
a_clock_that_is_right_again_hides_nothing(void **state)
{
	struct covered *covered = covered_new();
	unsigned scan = covered_source(covered, false), other;

	(void)state;
	for (int i = 0; i <= 100; i++)
		assert_true(take(covered, scan, T + i, "a"));
	other = covered_source(covered, false);
	assert_true(take(covered, other, T + 5000, "ahead"));
	covered_bring_back(covered, T + 50, T + 50);
	other = covered_source(covered, false);
	assert_false(take(covered, other, T + 20, "a"));
	assert_true(take(covered, other, T + 80, "a"));
	assert_true(take(covered, other, T + 5000, "ahead"));
	covered_free(covered);
}

/* The clock of who follows was put back: what another read at that hour is another. */
static void
behind_a_clock_that_was_put_back_all_counts(void **state)
{
	struct covered *covered = covered_new();
	unsigned log = covered_source(covered, true),
	         scan = covered_source(covered, false);

	(void)state;
	assert_true(take(covered, log, T + 600, "later"));
	assert_true(take(covered, scan, T, "a"));
	assert_true(take(covered, log, T, "a"));
	assert_true(take(covered, scan, T + 700, "b"));
	assert_false(take(covered, log, T + 700, "b"));
	covered = reopened(covered);
	log = covered_source(covered, true);
	assert_true(take(covered, log, T, "a"));
	covered_free(covered);
}

int
main(void)
{
	suite_add(many_spans_become_fewer, NULL,
	    "of many spans the nearest become one, and none is forgotten");
	suite_add(a_clock_that_is_right_again_hides_nothing, NULL,
	    "a clock that is right again hides nothing");
	suite_add(behind_a_clock_that_was_put_back_all_counts, NULL,
	    "behind a clock that was put back all counts");
	suite_add(a_followed_line_always_counts, NULL,
	    "a line of a log that is followed always counts");
	suite_add(two_followed_logs_do_not_hide_each_other, NULL,
	    "two logs that are followed do not hide each other");
	suite_add(an_hour_that_comes_twice_counts_twice, NULL,
	    "an hour that comes twice counts twice, over a restart as well");
	suite_add(what_a_scan_counted_the_daemon_does_not, NULL,
	    "what a scan counted the daemon does not");
	suite_add(a_line_ahead_of_the_clock_hides_no_other, NULL,
	    "a line ahead of the clock hides no other");
	suite_add(what_the_daemon_counted_a_scan_does_not, NULL,
	    "what the daemon counted a scan does not, however often");
	suite_add(a_text_that_is_none_is_as_nothing, NULL,
	    "a stored text that is none is as nothing");
	return suite_run();
}
