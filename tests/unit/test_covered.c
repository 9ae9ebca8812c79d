/* SPDX-License-Identifier: BSD-2-Clause */
/* A line counts once, whoever reads it; and none is lost, whatever its stamp. */
#include "core/covered.h"
#include "suite.h"

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
	    "77 0 1 9 4:zz\n", "77 0 1 9 10:a\n", "-1 0 1 9\n"};
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

int
main(void)
{
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
