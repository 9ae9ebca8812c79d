/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include "base/span.h"
#include "engine/lanes.h"
#include "measure/measure.h"

static void
who_was_slow_is_so_for_an_hour(void **state)
{
	static struct lanes lanes;
	const int64_t at_ms = SPAN_DAY_MS;

	(void)state;
	assert_int_equal(lanes_slow_count(&lanes, at_ms), 0);
	lanes_note(&lanes, 1, MEASURE_SLOW_MS - 1, at_ms);
	assert_int_equal(lanes_slow_count(&lanes, at_ms), 0);
	lanes_note(&lanes, 1, MEASURE_SLOW_MS, at_ms);
	lanes_note(&lanes, 2, MEASURE_SLOW_MS, at_ms + SPAN_MINUTE_MS);
	assert_int_equal(lanes_slow_count(&lanes, at_ms + SPAN_MINUTE_MS), 2);
	assert_true(lanes_was_slow(&lanes, 1, at_ms + SPAN_HOUR_MS - 1));
	assert_int_equal(lanes_slow_count(&lanes, at_ms + SPAN_HOUR_MS - 1), 2);
	assert_false(lanes_was_slow(&lanes, 1, at_ms + SPAN_HOUR_MS));
	assert_int_equal(lanes_slow_count(&lanes, at_ms + SPAN_HOUR_MS), 1);
	assert_int_equal(
	    lanes_slow_count(&lanes, at_ms + SPAN_MINUTE_MS + SPAN_HOUR_MS), 0);
	lanes_note(&lanes, 3, MEASURE_SLOW_MS, at_ms + SPAN_DAY_MS);
	assert_int_equal(lanes_slow_count(&lanes, at_ms + SPAN_DAY_MS), 1);
}

static void
who_was_fast_is_slow_no_more(void **state)
{
	static struct lanes lanes;

	(void)state;
	lanes_note(&lanes, 1, MEASURE_SLOW_MS, SPAN_DAY_MS);
	lanes_note(&lanes, 2, MEASURE_SLOW_MS, SPAN_DAY_MS);
	lanes_note(&lanes, 2, 0, SPAN_DAY_MS);
	assert_true(lanes_was_slow(&lanes, 1, SPAN_DAY_MS));
	assert_false(lanes_was_slow(&lanes, 2, SPAN_DAY_MS));
	assert_int_equal(lanes_slow_count(&lanes, SPAN_DAY_MS), 1);
}

int
main(void)
{
	suite_add(who_was_slow_is_so_for_an_hour, NULL,
	    "who was slow is so for an hour, each for its own");
	suite_add(who_was_fast_is_slow_no_more, NULL, "who was fast is slow no more");
	return suite_run();
}
