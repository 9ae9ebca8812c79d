/* SPDX-License-Identifier: BSD-2-Clause */
/* History: tallies of the days, decisions, and what is forgotten of them. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
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

struct attributes {
	size_t octets;
	char first[80], last[80]; /* of the ones before, cut */
};

static void
note_attributes(void *context, const struct decision_record *r)
{
	struct attributes *all = context;
	const char *before = demand_attributes(r->before);

	snprintf(
	    all->octets == 0 ? all->first : all->last, sizeof(all->last), "%s", before);
	all->octets += strlen(before) + strlen(demand_attributes(r->after));
}

/* Of the last that changed the entry undo needs them; of the others, what tells them
 * apart. */
static void
long_attributes_are_kept_once(void **state)
{
	struct store *store = kit_open("long.db");
	int64_t id = kit_add(store, "a.test");
	struct attributes all = {.octets = 0};
	char *texts[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		texts[i] = mem_new(100001, 1);
		memset(texts[i], 'a' + i, 100000);
	}
	for (int i = 0; i < 20; i++) {
		struct decision_record r = {.destination = id,
		    .time_ms = i,
		    .action = i % 4 == 3 ? "keep" : "set",
		    .before = {LEVEL_SECURE, texts[i % 2]},
		    .after = {LEVEL_SECURE, texts[i % 4 == 3 ? i % 2 : 1 - i % 2]},
		    .why = "policy",
		    .rule = "",
		    .reason = "",
		    .dns_state = ""};

		assert_true(store_decision_add(store, &r, &kit_err));
	}
	assert_true(store_each_decision(store, id, note_attributes, &all, &kit_err));
	assert_in_range(all.octets, 200000, 202000);
	assert_true(str_starts(str_of(all.first), STR("(100000 octets, ")));
	assert_true(str_starts(str_of(all.last), STR("(100000 octets, ")));
	assert_string_not_equal(all.first, all.last);
	kit_assert("long.db",
	    "SELECT id FROM decision WHERE length(before_attributes) = 100000", "19\n");
	for (int i = 0; i < 2; i++)
		free(texts[i]);
	store_close(store);
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
	struct thin_span span = {.day = 10};

	(void)state;
	assert_true(store_tally_add(store, a, 9, "sent", 1, &kit_err));
	assert_true(store_tally_add(store, a, 10, "sent", 2, &kit_err));
	kit_decide(store, a, 10 * SPAN_DAY_MS - 1, "set");
	kit_decide(store, a, 10 * SPAN_DAY_MS, "keep");
	assert_true(store_thin(store, 10, 0, &kit_err));
	assert_true(store_thin_destinations(store, &span, 100, &kit_err));
	assert_true(span.after == INT64_MAX);
	assert_tallies(store, a, "10 sent 2\n");
	assert_decisions(store, a,
	    "1 864000000 keep none may not-encrypted refused it's \"so\" none\n");
	kit_get(store, "a.test"); /* the destination itself stays */
	store_close(store);
}

/* --- who is not heard of any more -------------------------------------------------- */

#define IDLE_MS (100 * SPAN_DAY_MS)

struct idle_row {
	const char *name;
	bool stays;
	const char *sql; /* what is known of destination 1 beside */
};

#define OLD "99 * 86400000"
#define NEW "100 * 86400000"

static const struct idle_row idle_rows[] = {
    {"nothing is known", false, "SELECT 1"},
    {"all was long ago", false,
        "UPDATE destination SET sent_ms = " OLD ", since_ms = " OLD
        ", seen_dane_ms = 79 * 86400000;"
        "INSERT INTO tally VALUES (1, 99, 'sent', 1)"},
    {"an entry", true, "UPDATE destination SET entry = 'encrypt'"},
    {"a pin without entry", true, "UPDATE destination SET pinned = 1"},
    {"an alarm, longer than mail waits", false, "UPDATE destination SET deferral = 1"},
    {"an alarm that is to be judged", true,
        "UPDATE destination SET deferral = 1, pending = 1"},
    {"a re-check is planned", true, "UPDATE destination SET look_ms = 5"},
    {"mail", true, "UPDATE destination SET sent_ms = " NEW},
    {"mail that failed", true, "UPDATE destination SET deferral_ms = " NEW},
    {"it was decided anew", true, "UPDATE destination SET again_ms = " NEW},
    {"a past that counts", true, "UPDATE destination SET seen_verify_ms = 80 * 86400000"},
    {"mail of any kind", true, "INSERT INTO tally VALUES (1, 100, 'bounced', 1)"},
    {"mail waits", true,
        "INSERT INTO waiting(destination, queue_id, time_ms) VALUES (1, 'Q', 5)"},
    {"a decision", true,
        "INSERT INTO decision(destination, time_ms, action, before, after, why, rule,"
        " reason, dns_state) VALUES (1, " NEW ", 'keep', 'none', 'none', 'none', '', '',"
        " '')"},
    {"its end is in no map yet", true,
        "UPDATE destination SET map_version = 3; INSERT INTO target VALUES ('map', 2, "
        "0)"},
    {"its end is in the map", false,
        "UPDATE destination SET map_version = 3; INSERT INTO target VALUES ('map', 3, "
        "0)"},
};

static void
idle_is_deleted(void **state)
{
	const struct idle_row *row = *state;
	struct thin_span span = {
	    .idle_ms = IDLE_MS, .past_ms = IDLE_MS - 20 * SPAN_DAY_MS};
	struct store *store;

	kit_remove("idle.db");
	store = kit_open("idle.db");
	kit_add(store, "a.test");
	kit_run("idle.db", row->sql);
	assert_true(store_thin_destinations(store, &span, 100, &kit_err));
	kit_assert(
	    "idle.db", "SELECT count(*) FROM destination", row->stays ? "1\n" : "0\n");
	store_close(store);
}

/* Slices of two, and what the months keep. */
static void
deleting_is_in_slices(void **state)
{
	struct thin_span span = {.day = 5, .idle_ms = IDLE_MS, .past_ms = IDLE_MS};
	struct store *store;
	unsigned slices = 1;

	(void)state;
	kit_remove("idle.db");
	store = kit_open("idle.db");
	for (int i = 0; i < 7; i++) {
		char key[32];
		int64_t id;

		snprintf(key, sizeof(key), "n%d.test", i);
		id = kit_add(store, key);
		assert_true(store_tally_add(store, id, 4, "sent", 1, &kit_err));
		assert_true(store_tally_add(store, id, 30, "sent", 2, &kit_err));
		assert_true(store_tally_add(store, id, 31, "sent", 4, &kit_err));
	}
	kit_run("idle.db", "UPDATE destination SET pinned = 1 WHERE id = 4");
	while (span.after != INT64_MAX) {
		assert_true(store_thin_destinations(store, &span, 2, &kit_err));
		assert_true(++slices < 9);
	}
	assert_true(slices > 3);
	kit_assert("idle.db", "SELECT key FROM destination", "n3.test\n");
	kit_assert("idle.db", "SELECT day FROM tally", "30\n31\n");
	kit_assert("idle.db", "SELECT count FROM tally_month ORDER BY month", "18\n24\n");
	kit_assert("idle.db", "SELECT month FROM tally_month ORDER BY month",
	    "1970-01\n1970-02\n");
	assert_true(store_thin(store, 31, 0, &kit_err));
	kit_assert("idle.db", "SELECT month FROM tally_month", "1970-02\n");
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
	suite_add(long_attributes_are_kept_once, NULL,
	    "long attributes are kept of the last change alone");
	suite_add(decisions_without_effect_are_few, NULL,
	    "decisions that changed nothing: the last hundred of a destination stay");
	suite_add(history_is_thinned, NULL, "history before a day is forgotten");
	for (size_t i = 0; i < sizeof(idle_rows) / sizeof(idle_rows[0]); i++)
		suite_add(idle_is_deleted, &idle_rows[i], "for 90 days %s: %s",
		    idle_rows[i].name, idle_rows[i].stays ? "it stays" : "it is deleted");
	suite_add(deleting_is_in_slices, NULL,
	    "the walk is in slices, and tallies of deleted ones stay by month");
	return kit_end(suite_run());
}
