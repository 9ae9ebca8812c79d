/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include "engine/backoff.h"

#define STEPS 8

/* Failures at these milliseconds; -1 ends the row. What is reported after the last. */
struct row {
	const char *name;
	int64_t at_ms[STEPS];
	int64_t again_ms;
	bool lasts;
};

static const struct row rows[] = {
    {"the first: again after a second", {5, -1}, 1005, false},
    {"the second, when its time has come: after two", {0, 1000, -1}, 3000, false},
    {"one that lasts is alerted once, at its third try", {0, 1000, 3000, -1}, 7000, true},
    {"the fourth is not alerted again", {0, 1000, 3000, 7000, -1}, 15000, false},
    {"never after more than a quarter of a minute",
        {0, 1000, 3000, 7000, 15000, 30000, -1}, 45000, false},
    {"what fails beside it, before its time, is no further try", {0, 1, 2, 999, -1}, 1000,
        false},
    {"nor does it count towards what lasts", {0, 1000, 1001, 1002, -1}, 3000, false},
};

static void
backoff_grows(void **state)
{
	const struct row *row = *state;
	struct backoff backoff = {0};
	struct err err;
	bool lasts = false;

	err_set(&err, "no space");
	assert_false(backoff_waits(&backoff, 0));
	for (int i = 0; i < STEPS && row->at_ms[i] >= 0; i++)
		lasts = backoff_report(&backoff, "do it", &err, true, row->at_ms[i]);
	assert_int_equal(lasts, row->lasts);
	assert_true(backoff_waits(&backoff, row->again_ms - 1));
	assert_false(backoff_waits(&backoff, row->again_ms));
	backoff_over(&backoff, "do it");
	assert_false(backoff_waits(&backoff, 0));
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(backoff_grows, &rows[i], "%s", rows[i].name);
	return suite_run();
}
