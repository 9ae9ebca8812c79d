/* SPDX-License-Identifier: BSD-2-Clause */
/* History: tallies of the days, decisions, and what is forgotten of them. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "storekit.h"

#define NOW_MS (INT64_C(1795483619) * 1000)

static void
append_tally(void *context, int64_t day, const char *what, uint64_t count)
{
	buf_printf(context, "%ld %s %lu\n", (long)day, what, (unsigned long)count);
}

static void
assert_tallies(struct store *store, int64_t id, const char *expected)
{
	struct buf out = {0};

	assert_true(store_each_tally(store, id, append_tally, &out, &kit_err));
	assert_string_equal(buf_text(&out), expected);
	buf_clear(&out);
}

static void
append_decision(void *context, const struct decision_record *r)
{
	buf_printf(context, "%ld %ld %s %s %s %s %s %s %s\n", (long)r->destination,
	    (long)r->time_ms, r->action, level_name(r->before.level),
	    level_name(r->after.level), r->why, r->rule, r->reason, r->dns_state);
}

static void
assert_decisions(struct store *store, int64_t id, const char *expected)
{
	struct buf out = {0};

	assert_true(store_each_decision(store, id, append_decision, &out, &kit_err));
	assert_string_equal(buf_text(&out), expected);
	buf_clear(&out);
}

static void
tallies_add_up(void **state)
{
	struct store *store = kit_scratch();
	int64_t a = kit_add(store, "a.test"), b = kit_add(store, "b.test");

	(void)state;
	assert_true(store_tally_add(store, a, 2, "sent", 3, &kit_err));
	assert_true(store_tally_add(store, a, 1, "sent", 1, &kit_err));
	assert_true(store_tally_add(store, a, 2, "sent", INT64_C(5000000000), &kit_err));
	assert_true(store_tally_add(store, a, 2, "bounced", 1, &kit_err));
	assert_true(store_tally_add(store, b, 2, "sent", 7, &kit_err));
	assert_tallies(store, a, "1 sent 1\n2 bounced 1\n2 sent 5000000003\n");
	assert_tallies(store, b, "2 sent 7\n");
	store_close(store);
}

static void
decisions_come_oldest_first(void **state)
{
	struct store *store = kit_scratch();
	int64_t a = kit_add(store, "a.test"), b = kit_add(store, "b.test");

	(void)state;
	kit_decide(store, a, 2000, "set");
	kit_decide(store, b, 2500, "hold");
	kit_decide(store, a, 1000,
	    "remove"); /* the clock was set back: order of events counts */
	assert_decisions(store, a,
	    "1 2000 set none may not-encrypted refused it's \"so\" none\n"
	    "1 1000 remove none may not-encrypted refused it's \"so\" none\n");
	store_close(store);
}

static void
append_pin(void *context, const struct decision_record *r)
{
	buf_printf(
	    context, "%d %ld %s\n", r->was_pinned, (long)r->was_until_ms, r->was_note);
}

static void
a_decision_knows_the_pin_before(void **state)
{
	struct store *store = kit_scratch();
	int64_t a = kit_add(store, "a.test");
	struct decision_record r = {.destination = a,
	    .time_ms = 1000,
	    .action = "pin",
	    .why = "pinned",
	    .rule = "",
	    .reason = "",
	    .dns_state = "",
	    .was_pinned = true,
	    .was_until_ms = INT64_C(5000000000000),
	    .was_note = "ticket 7"};
	struct buf out = {0};

	(void)state;
	kit_decide(store, a, 500, "set");
	assert_true(store_decision_add(store, &r, &kit_err));
	assert_true(store_each_decision(store, a, append_pin, &out, &kit_err));
	assert_string_equal(buf_text(&out), "0 0 \n1 5000000000000 ticket 7\n");
	buf_clear(&out);
	store_close(store);
}

static void
count_decision(void *context, const struct decision_record *r)
{
	int64_t *counts =
	    context; /* of what changed an entry; of what did not; the first */

	counts[strcmp(r->action, "set") == 0 ? 0 : 1]++;
	if (counts[0] + counts[1] == 2)
		counts[2] = r->time_ms;
}

/* A destination that fails in two ways by turns, for years. */
static void
decisions_without_effect_are_few(void **state)
{
	struct store *store = kit_scratch();
	int64_t a = kit_add(store, "a.test"), b = kit_add(store, "b.test");
	int64_t counts[3] = {0};

	(void)state;
	kit_decide(store, a, 1, "set");
	kit_decide(store, b, 1, "keep");
	for (int64_t i = 0; i < 1000; i++)
		kit_decide(store, a, 1000 + i, i % 2 == 0 ? "keep" : "hold");
	kit_decide(store, a, 2000, "set");
	assert_true(store_each_decision(store, a, count_decision, counts, &kit_err));
	assert_int_equal(counts[0], 2);
	assert_int_equal(counts[1], STORE_KEEPS_MAX);
	assert_int_equal(counts[2], 2000 - STORE_KEEPS_MAX); /* the newest ones */
	assert_decisions(
	    store, b, "2 1 keep none may not-encrypted refused it's \"so\" none\n");
	store_close(store);
}

static void
history_is_thinned(void **state)
{
	struct store *store = kit_scratch();
	int64_t a = kit_add(store, "a.test");

	(void)state;
	assert_true(store_tally_add(store, a, 9, "sent", 1, &kit_err));
	assert_true(store_tally_add(store, a, 10, "sent", 2, &kit_err));
	kit_decide(store, a, 10 * SPAN_DAY_MS - 1, "set");
	kit_decide(store, a, 10 * SPAN_DAY_MS, "keep");
	assert_true(store_thin(store, 10, 0, &kit_err));
	assert_tallies(store, a, "10 sent 2\n");
	assert_decisions(store, a,
	    "1 864000000 keep none may not-encrypted refused it's \"so\" none\n");
	kit_get(store, "a.test"); /* the destination itself stays */
	store_close(store);
}

int
main(void)
{
	kit_begin();
	suite_add(tallies_add_up, NULL, "tallies add up a day and a kind");
	suite_add(
	    decisions_come_oldest_first, NULL, "decisions come in the order of events");
	suite_add(a_decision_knows_the_pin_before, NULL,
	    "a decision knows the pin that it took the place of");
	suite_add(decisions_without_effect_are_few, NULL,
	    "decisions that changed nothing: the last hundred of a destination stay");
	suite_add(history_is_thinned, NULL, "history before a day is forgotten");
	return kit_end(suite_run());
}
