/* SPDX-License-Identifier: BSD-2-Clause */
/* What fact sources keep of a destination, and read again. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "measure/measure_impl.h"

#define NOW_MS INT64_C(1700000000000)

/* A source that keeps at which level a probe worked; it is in no table. */
static void
sample_unasked(struct answers *answers)
{
	answers->probed = LEVEL_UNKNOWN;
}

static int64_t
sample_serves_ms(const struct answers *answers)
{
	(void)answers;
	return 60000;
}

static void
sample_save(const struct answers *answers, struct buf *out)
{
	if (answers->probed != LEVEL_UNKNOWN)
		buf_printf(out, "%s", level_name(answers->probed));
}

static bool
sample_load(struct str text, struct answers *answers)
{
	return level_parse(text, &answers->probed);
}

static const struct measure_source sample = {
    .name = "sample",
    .unasked = sample_unasked,
    .serves_ms = sample_serves_ms,
    .kept = {.save = sample_save, .load = sample_load},
};

static struct answers_source
recall_sample(const struct destination *d, int64_t now_ms, struct answers *out)
{
	struct answers_source known = {.asked_ms = 0};

	sample.unasked(out);
	measure_recall_one(&sample, d, now_ms, out, &known);
	return known;
}

static void
what_is_kept_is_recalled(void **state)
{
	struct answers answers = {.probed = LEVEL_VERIFY}, out = {0};
	struct answers_source known;
	struct destination d;

	(void)state;
	destination_init(&d, "d.test");
	known = recall_sample(&d, NOW_MS, &out);
	assert_int_equal(known.asked_ms, 0);
	assert_int_equal(out.probed, LEVEL_UNKNOWN);

	measure_keep_one(&sample, &answers, NOW_MS, &d);
	known = recall_sample(&d, NOW_MS + 20000, &out);
	assert_int_equal(out.probed, LEVEL_VERIFY);
	assert_int_equal(known.asked_ms, NOW_MS);
	assert_int_equal(known.serves_ms, 40000);
	known = recall_sample(&d, NOW_MS + 60000, &out);
	assert_int_equal(known.asked_ms, NOW_MS);
	assert_int_equal(known.serves_ms, 0);
	/* The clock was set back. */
	assert_int_equal(recall_sample(&d, NOW_MS - 1, &out).serves_ms, 0);

	/* Nothing was written: what is kept stays. */
	answers.probed = LEVEL_UNKNOWN;
	measure_keep_one(&sample, &answers, NOW_MS + 1, &d);
	assert_int_equal(recall_sample(&d, NOW_MS, &out).asked_ms, NOW_MS);
	destination_clear(&d);
}

static void
what_cannot_be_read_was_not_asked(void **state)
{
	struct answers out = {.probed = LEVEL_VERIFY};
	struct destination d;

	(void)state;
	destination_init(&d, "d.test");
	destination_take_fact(&d,
	    &(struct fact){STR("sample"), NOW_MS, NOW_MS + 60000, STR("of a later day")});
	assert_int_equal(recall_sample(&d, NOW_MS, &out).asked_ms, 0);
	assert_int_equal(out.probed, LEVEL_UNKNOWN);
	destination_clear(&d);
}

static void
what_was_not_asked_is_not_kept(void **state)
{
	struct answers answers = {.remembered = true}, out;
	struct destination d;

	(void)state;
	destination_init(&d, "d.test");
	destination_take_fact(
	    &d, &(struct fact){STR("later"), NOW_MS, NOW_MS, STR("a newer source's")});
	measure_keep(&answers, NOW_MS + 1, &d);
	measure_recall(&d, NOW_MS + 1, &out);
	assert_string_equal(
	    d.facts, "later 1700000000000 1700000000000 a newer source's\n");
	assert_true(out.remembered);
	assert_int_equal(out.other_map, ANSWER_NO);
	assert_true(out.relay_fits);
	for (size_t s = 0; s < FACT_COUNT; s++) {
		assert_false(out.sources[s].asked);
		assert_int_equal(out.sources[s].asked_ms, 0);
	}
	destination_clear(&d);
}

int
main(void)
{
	suite_add(what_is_kept_is_recalled, NULL,
	    "what is kept of an answer is recalled, for the rest of its time");
	suite_add(what_cannot_be_read_was_not_asked, NULL,
	    "what another version kept and cannot be read was not asked");
	suite_add(what_was_not_asked_is_not_kept, NULL,
	    "of what was not asked nothing is kept, and lines of others stay");
	return suite_run();
}
