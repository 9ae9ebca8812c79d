/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/told.h"

#include "base/span.h"
#include "suite.h"

static struct told_table tables[2];

static void
knows_how_often(void **state)
{
	struct told_table *table = &tables[0];
	struct told *told = told_of(table, 1, WHY_DNS_UNSURE);

	(void)state;
	for (unsigned i = 1; i <= TOLD_MAX; i++)
		assert_false(told_today(told, i, SPAN_DAY_MS));
	assert_false(told_since(told, INT64_MIN));
	for (unsigned i = 1; i <= TOLD_MAX; i++) {
		told_note(told, i * SPAN_HOUR_MS);
		assert_true(told_today(told, i, i * SPAN_HOUR_MS));
		if (i < TOLD_MAX)
			assert_false(told_today(told, i + 1, i * SPAN_HOUR_MS));
	}
	assert_true(told_since(told, TOLD_MAX * SPAN_HOUR_MS));
	assert_false(told_since(told, TOLD_MAX * SPAN_HOUR_MS + 1));
	/* The first of them is a day ago first. */
	assert_true(told_today(told, TOLD_MAX, SPAN_DAY_MS + SPAN_HOUR_MS - 1));
	assert_false(told_today(told, TOLD_MAX, SPAN_DAY_MS + SPAN_HOUR_MS));
	assert_true(told_today(told, 1, SPAN_DAY_MS + SPAN_HOUR_MS));
	assert_ptr_equal(told, told_of(table, 1, WHY_DNS_UNSURE));
	assert_false(told_today(told_of(table, 1, WHY_ELSEWHERE), 1, SPAN_DAY_MS));
	assert_false(told_today(told_of(table, 2, WHY_DNS_UNSURE), 1, SPAN_DAY_MS));
}

/* More than there is room for: what was told last is known. */
static void
forgets_the_oldest(void **state)
{
	struct told_table *table = &tables[1];
	int64_t count = 2 * TOLD_SLOTS * TOLD_WAYS;

	(void)state;
	for (int64_t i = 1; i <= count; i++)
		told_note(told_of(table, i, WHY_DNS_UNSURE), i);
	for (int64_t i = count; i > count - 100; i--)
		assert_true(told_since(told_of(table, i, WHY_DNS_UNSURE), i));
	assert_false(told_since(told_of(table, 1, WHY_DNS_UNSURE), 0));
}

int
main(void)
{
	suite_add(
	    knows_how_often, NULL, "a cause is known by how often it was told, and when");
	suite_add(forgets_the_oldest, NULL,
	    "of more than there is room for the oldest are forgotten");
	return suite_run();
}
