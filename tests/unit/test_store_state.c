/* SPDX-License-Identifier: BSD-2-Clause */
/* What the store holds beside destinations: waiting mail, the map's versions, counters,
 * positions, history; and what a copy and a rollback do. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "storekit.h"

#define NOW_MS (INT64_C(1795483619) * 1000)

/* --- waiting mail ------------------------------------------------------------------ */

static void
waits(struct store *store, int64_t id, const char *queue_id)
{
	assert_true(store_waiting_add(store, id, queue_id, NOW_MS, &kit_err));
}

static void
releases(struct store *store, int64_t id, int64_t version, int64_t not_before_ms)
{
	assert_true(store_waiting_release(store, id, version, not_before_ms, &kit_err));
}

/* The queue ids that are due, "id id "; next and again as the store says. */
static void
assert_due(struct store *store, int64_t version, int64_t now_ms, const char *expected,
    int64_t next_ms, int64_t again_ms)
{
	struct waiting due[STORE_WAITING_MAX];
	int64_t next, again;
	struct buf ids = {0};
	size_t count;

	assert_true(store_waiting_due(store, version, now_ms, due, STORE_WAITING_MAX, &count,
	    &next, &again, &kit_err));
	for (size_t i = 0; i < count; i++)
		buf_printf(&ids, "%s ", due[i].queue_id);
	assert_string_equal(buf_text(&ids), expected);
	assert_int_equal(next, next_ms);
	assert_int_equal(again, again_ms);
	buf_clear(&ids);
}

static void
take_and_finish(struct store *store, int64_t version, int64_t now_ms)
{
	struct waiting due[STORE_WAITING_MAX];
	int64_t next, again;
	size_t count;

	assert_true(store_waiting_due(store, version, now_ms, due, STORE_WAITING_MAX, &count,
	    &next, &again, &kit_err));
	assert_true(store_waiting_take(store, due, count, &kit_err));
	assert_true(store_waiting_done(store, due, count, now_ms, &kit_err));
}

static void
waits_for_a_decision(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");

	(void)state;
	waits(store, id, "Q1");
	assert_due(store, 99, NOW_MS, "", 0, 0);
	releases(store, id, 7, 0);
	assert_due(store, 6, NOW_MS, "", 0, 0);
	assert_due(store, 7, NOW_MS, "Q1 ", 0, 0);
	assert_due(store, 8, NOW_MS, "Q1 ", 0, 0);
	store_close(store);
}

static void
waits_for_its_time(void **state)
{
	struct store *store = kit_scratch();
	int64_t a = kit_add(store, "a.test"), b = kit_add(store, "b.test");

	(void)state;
	waits(store, a, "QA");
	waits(store, b, "QB");
	releases(store, a, 1, NOW_MS + 500);
	releases(store, b, 1, NOW_MS + 900);
	assert_due(store, 1, NOW_MS, "", NOW_MS + 500, 0);
	assert_due(store, 1, NOW_MS + 500, "QA ", NOW_MS + 900, 0);
	assert_due(store, 1, NOW_MS + 900, "QA QB ", 0, 0);
	store_close(store);
}

static void
waits_once(void **state)
{
	struct store *store = kit_scratch();
	int64_t a = kit_add(store, "a.test"), b = kit_add(store, "b.test");

	(void)state;
	waits(store, a, "Q1");
	waits(store, a, "Q1");
	waits(store, b, "Q1"); /* the same message to another destination is another */
	releases(store, a, 1, 0);
	releases(store, b, 1, 0);
	assert_due(store, 1, NOW_MS, "Q1 Q1 ", 0, 0);
	store_close(store);
}

/* Deferred again before it was retried: what was decided for it still stands. */
static void
released_stays_released(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");

	(void)state;
	waits(store, id, "Q1");
	releases(store, id, 3, 0);
	waits(store, id, "Q1");
	assert_due(store, 3, NOW_MS, "Q1 ", 0, 0);
	store_close(store);
}

static void
so_many_wait(void **state)
{
	struct store *store = kit_scratch();
	int64_t a = kit_add(store, "a.test"), b = kit_add(store, "b.test");
	struct waiting due[2 * STORE_WAITING_MAX];
	int64_t next, again;
	size_t count;

	(void)state;
	for (int i = 0; i < 70; i++) {
		char queue_id[16];

		snprintf(queue_id, sizeof(queue_id), "Q%d", i);
		waits(store, a, queue_id);
	}
	waits(store, b, "Q1");
	releases(store, a, 1, 0);
	releases(store, b, 1, 0);
	assert_true(store_waiting_due(
	    store, 1, NOW_MS, due, 2 * STORE_WAITING_MAX, &count, &next, &again, &kit_err));
	assert_int_equal(count, 52); /* 51 of the first */
	assert_int_equal(due[50].destination, a);
	assert_int_equal(due[51].destination, b);
	assert_true(store_waiting_due(store, 1, NOW_MS, due, 10, &count, &next, &again, &kit_err));
	assert_int_equal(count, 10);
	store_close(store);
}

static void
retried_without_word_is_tried_again(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");

	(void)state;
	waits(store, id, "Q1");
	releases(store, id, 1, 0);
	take_and_finish(store, 1, NOW_MS);
	assert_due(store, 1, NOW_MS, "", 0, NOW_MS + 10000);
	assert_due(store, 1, NOW_MS + 10000, "Q1 ", 0, NOW_MS + 10000);
	take_and_finish(store, 1, NOW_MS + 10000);
	assert_due(store, 1, NOW_MS + 69999, "", 0, NOW_MS + 70000);
	take_and_finish(store, 1, NOW_MS + 70000);
	assert_due(store, 1, INT64_MAX, "", 0, 0);
	store_close(store);
}

static void
sent_ends_the_retries(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");

	(void)state;
	waits(store, id, "Q1");
	releases(store, id, 1, 0);
	take_and_finish(store, 1, NOW_MS);
	waits(store, id, "Q2"); /* not retried yet: not over */
	assert_true(store_waiting_sent(store, id, &kit_err));
	releases(store, id, 2, 0);
	assert_due(store, 2, INT64_MAX, "Q2 ", 0, 0);
	store_close(store);
}

static void
deferred_while_retried_waits_again(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");
	struct waiting due[2];
	int64_t next, again;
	size_t count;

	(void)state;
	waits(store, id, "Q1");
	releases(store, id, 1, 0);
	assert_true(store_waiting_due(store, 1, NOW_MS, due, 2, &count, &next, &again, &kit_err));
	assert_int_equal(count, 1);
	assert_true(store_waiting_take(store, due, count, &kit_err));
	assert_due(store, 1, INT64_MAX, "", 0, 0); /* it is being retried */
	waits(store, id, "Q1");
	assert_true(store_waiting_done(store, due, count, NOW_MS, &kit_err));
	assert_due(store, 1, INT64_MAX, "", 0, 0); /* nothing was decided on it yet */
	releases(store, id, 2, 0);
	assert_due(store, 2, NOW_MS, "Q1 ", 0, 0);
	store_close(store);
}

/* That no more are kept does not mean that one of those is not heard any more. */
static void
deferred_while_retried_waits_again_among_many(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");
	struct waiting due[STORE_WAITING_MAX];
	int64_t next, again;
	size_t count;

	(void)state;
	for (int i = 0; i < STORE_WAITING_MAX; i++) {
		char queue_id[16];

		snprintf(queue_id, sizeof(queue_id), "Q%d", i);
		waits(store, id, queue_id);
	}
	releases(store, id, 1, 0);
	assert_true(store_waiting_due(
	    store, 1, NOW_MS, due, STORE_WAITING_MAX, &count, &next, &again, &kit_err));
	assert_int_equal(count, STORE_WAITING_MAX);
	assert_true(store_waiting_take(store, due, count, &kit_err));
	waits(store, id, "Q7");
	assert_true(store_waiting_done(store, due, count, NOW_MS, &kit_err));
	assert_true(store_waiting_sent(store, id, &kit_err));
	releases(store, id, 2, 0);
	assert_due(store, 2, NOW_MS, "Q7 ", 0, 0);
	store_close(store);
}

static void
given_back_is_due_again(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");
	struct waiting due[2];
	int64_t next, again;
	size_t count;

	(void)state;
	waits(store, id, "Q1");
	releases(store, id, 5, 0);
	assert_true(store_waiting_due(store, 5, NOW_MS, due, 2, &count, &next, &again, &kit_err));
	assert_true(store_waiting_take(store, due, count, &kit_err));
	assert_true(store_waiting_give_back(store, NOW_MS + 1000, &kit_err));
	assert_due(store, 5, NOW_MS, "", NOW_MS + 1000, 0);
	assert_due(store, 5, NOW_MS + 1000, "Q1 ", 0, 0);
	store_close(store);
}

/* --- the map ----------------------------------------------------------------------- */

static void
assert_versions(struct store *store, int64_t version, int64_t exported)
{
	int64_t v, e;

	assert_true(store_map_versions(store, &v, &e, &kit_err));
	assert_int_equal(v, version);
	assert_int_equal(e, exported);
}

static void
put_forced(struct store *store, const char *key, int64_t force_ms)
{
	struct destination d;

	destination_init(&d, key);
	d.force_ms = force_ms;
	kit_put(store, &d);
}

static void
in_force_once_exported(void **state)
{
	struct store *store = kit_scratch();
	int64_t version;

	(void)state;
	assert_versions(store, 0, 0);
	put_forced(store, "ever.test", 0);
	put_forced(store, "old.test", 1000);
	put_forced(store, "new.test", LADDER_NOT_YET);
	put_forced(store, "newer.test", LADDER_NOT_YET);
	assert_true(store_map_changed(store, &version, &kit_err));
	assert_int_equal(version, 1);
	assert_true(store_map_changed(store, &version, &kit_err));
	assert_int_equal(version, 2);
	assert_true(store_map_exported(store, 2, NOW_MS, &kit_err));
	assert_versions(store, 2, 2);
	assert_int_equal(kit_get(store, "ever.test").force_ms, 0);
	assert_int_equal(kit_get(store, "old.test").force_ms, 1000);
	assert_int_equal(kit_get(store, "new.test").force_ms, NOW_MS);
	assert_int_equal(kit_get(store, "newer.test").force_ms, NOW_MS);
	store_close(store);
}

/* Which of the entries were in that map is not known: all wait for the next one. */
static void
changed_while_exported_is_not_in_force(void **state)
{
	struct store *store = kit_scratch();
	int64_t version;

	(void)state;
	assert_true(store_map_changed(store, &version, &kit_err));
	put_forced(store, "late.test", LADDER_NOT_YET);
	assert_true(store_map_changed(store, &version, &kit_err));
	assert_true(store_map_exported(store, 1, NOW_MS, &kit_err));
	assert_versions(store, 2, 1);
	assert_true(kit_get(store, "late.test").force_ms == LADDER_NOT_YET);
	assert_true(store_map_exported(store, 2, NOW_MS + 5, &kit_err));
	assert_int_equal(kit_get(store, "late.test").force_ms, NOW_MS + 5);
	store_close(store);
}

/* --- counters, blobs, positions ---------------------------------------------------- */

static void
counters_add_and_set(void **state)
{
	struct store *store = kit_scratch();
	int64_t value = 77;

	(void)state;
	assert_true(store_counter_get(store, "none", &value, &kit_err));
	assert_int_equal(value, 0);
	assert_true(store_counter_add(store, "lines", 5, &kit_err));
	assert_true(store_counter_add(store, "lines", INT64_C(10000000000), &kit_err));
	assert_true(store_counter_get(store, "lines", &value, &kit_err));
	assert_int_equal(value, INT64_C(10000000005));
	assert_true(store_counter_set(store, "lines", -1, &kit_err));
	assert_true(store_counter_get(store, "lines", &value, &kit_err));
	assert_int_equal(value, -1);
	store_close(store);
}

static void
blobs_are_bytes(void **state)
{
	static const char bytes[] = "a\0b\n\xff\t";
	struct str value = {bytes, sizeof(bytes) - 1};
	struct store *store = kit_scratch();
	struct buf out = {0};

	(void)state;
	assert_true(store_blob_get(store, "p", &out, &kit_err));
	assert_int_equal(out.len, 0);
	assert_true(store_blob_put(store, "p", value, &kit_err));
	assert_true(store_blob_get(store, "p", &out, &kit_err));
	assert_int_equal(out.len, value.len);
	assert_memory_equal(out.data, bytes, value.len);
	buf_reset(&out);
	assert_true(store_blob_put(store, "p", STR(""), &kit_err));
	assert_true(store_blob_get(store, "p", &out, &kit_err));
	assert_int_equal(out.len, 0);
	assert_true(store_blob_put(store, "p", (struct str){NULL, 0}, &kit_err));
	assert_true(store_blob_get(store, "p", &out, &kit_err));
	assert_int_equal(out.len, 0);
	buf_clear(&out);
	store_close(store);
}

static const struct follow_position positions[] = {
    {.device = 2049, .inode = 131, .birth_ns = INT64_C(1795400000123456789), .offset = 52341,
	.head_len = 1024, .head_hash = UINT64_C(0x0123456789abcdef), .mark_len = 64,
	.mark_hash = UINT64_C(0xfedcba9876543210)},
    {.device = UINT64_MAX, .inode = UINT64_MAX, .birth_ns = INT64_MAX, .offset = UINT64_MAX,
	.head_len = UINT32_MAX, .head_hash = UINT64_MAX, .mark_len = UINT32_MAX,
	.mark_hash = UINT64_MAX},
    {.device = 1, .inode = UINT64_C(1) << 63, .birth_ns = INT64_MIN, .offset = 0,
	.head_hash = UINT64_C(1) << 63, .mark_hash = UINT64_C(0x7fffffffffffffff)},
    {.device = 0},
};

static void
positions_come_back(void **state)
{
	struct store *store = kit_scratch();
	struct follow_position got;
	bool found = true;

	(void)state;
	assert_true(store_position_get(store, "/var/log/mail.log", &got, &found, &kit_err));
	assert_false(found);
	assert_true(store_position_put(store, "/other", &positions[0], &kit_err));
	for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
		const struct follow_position *p = &positions[i];

		assert_true(store_position_put(store, "/var/log/mail.log", p, &kit_err));
		assert_true(
		    store_position_get(store, "/var/log/mail.log", &got, &found, &kit_err));
		assert_true(found);
		assert_true(got.device == p->device && got.inode == p->inode &&
		    got.birth_ns == p->birth_ns && got.offset == p->offset &&
		    got.head_len == p->head_len && got.head_hash == p->head_hash &&
		    got.mark_len == p->mark_len && got.mark_hash == p->mark_hash);
	}
	assert_true(store_position_get(store, "/other", &got, &found, &kit_err));
	assert_true(found);
	assert_true(got.mark_hash == positions[0].mark_hash);
	store_close(store);
}

/* --- history ----------------------------------------------------------------------- */

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
	    (long)r->time_ms, r->action, r->before, r->after, r->why, r->rule, r->reason,
	    r->dns_state);
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
decide(struct store *store, int64_t id, int64_t time_ms, const char *action)
{
	struct decision_record r = {.destination = id, .time_ms = time_ms, .action = action,
	    .before = "none", .after = "may", .why = "not-encrypted", .rule = "refused",
	    .reason = "it's \"so\"", .dns_state = "none"};

	assert_true(store_decision_add(store, &r, &kit_err));
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
	decide(store, a, 2000, "set");
	decide(store, b, 2500, "hold");
	decide(store, a, 1000, "remove"); /* the clock was set back: order of events counts */
	assert_decisions(store, a,
	    "1 2000 set none may not-encrypted refused it's \"so\" none\n"
	    "1 1000 remove none may not-encrypted refused it's \"so\" none\n");
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
	decide(store, a, 10 * SPAN_DAY_MS - 1, "set");
	decide(store, a, 10 * SPAN_DAY_MS, "keep");
	assert_true(store_thin(store, 10, &kit_err));
	assert_tallies(store, a, "10 sent 2\n");
	assert_decisions(store, a,
	    "1 864000000 keep none may not-encrypted refused it's \"so\" none\n");
	kit_get(store, "a.test"); /* the destination itself stays */
	store_close(store);
}

/* --- copy, rollback, two connections ----------------------------------------------- */

static void
copies_into_a_scratch_store(void **state)
{
	struct store *store = kit_open("source.db"), *copy = kit_scratch();

	(void)state;
	kit_add(store, "a.test");
	assert_true(store_counter_set(store, "lines", 5, &kit_err));
	/* still open, and the rows are in the WAL alone */
	assert_true(store_load_copy(copy, kit_path("source.db"), &kit_err));
	kit_get(copy, "a.test");
	kit_begin_transaction(copy);
	kit_add(copy, "b.test");
	kit_commit(copy);
	store_close(copy);
	store_close(store);
	kit_assert("source.db", "SELECT key FROM destination", "a.test\n");
}

static void
copy_of_nothing_is_empty(void **state)
{
	struct store *copy = kit_scratch();

	(void)state;
	assert_true(store_load_copy(copy, kit_path("missing.db"), &kit_err));
	assert_int_not_equal(access(kit_path("missing.db"), F_OK), 0);
	kit_add(copy, "a.test");
	store_close(copy);
}

static void
copy_of_what_cannot_be_read_fails(void **state)
{
	struct store *copy = kit_scratch();

	(void)state;
	assert_int_equal(symlink("loop.db", kit_path("loop.db")), 0);
	assert_false(store_load_copy(copy, kit_path("loop.db"), &kit_err));
	assert_non_null(strstr(kit_err.text, "loop.db"));
	kit_write("text.db", "this is no database, and long enough to be seen", 47);
	assert_false(store_load_copy(copy, kit_path("text.db"), &kit_err));
	assert_non_null(strstr(kit_err.text, "text.db"));
	store_close(copy);
}

static void
copy_of_a_newer_one_fails(void **state)
{
	struct store *copy = kit_scratch();

	(void)state;
	store_close(kit_open("newer.db"));
	kit_run("newer.db", "PRAGMA user_version = 99");
	assert_false(store_load_copy(copy, kit_path("newer.db"), &kit_err));
	assert_non_null(strstr(kit_err.text, "newer tlsladder"));
	store_close(copy);
}

static void
rollback_leaves_nothing(void **state)
{
	struct store *store = kit_open("rollback.db");
	int64_t id = kit_add(store, "a.test"), version;
	struct destination d;
	bool found;

	(void)state;
	store_rollback(store); /* of nothing: does nothing */
	kit_begin_transaction(store);
	kit_add(store, "b.test");
	waits(store, id, "Q1");
	assert_true(store_tally_add(store, id, 1, "sent", 1, &kit_err));
	assert_true(store_map_changed(store, &version, &kit_err));
	assert_true(store_blob_put(store, "p", STR("x"), &kit_err));
	assert_true(store_position_put(store, "/log", &positions[0], &kit_err));
	decide(store, id, NOW_MS, "set");
	store_rollback(store);
	assert_true(store_get(store, "b.test", &d, &found, &kit_err));
	assert_false(found);
	store_close(store);
	kit_assert("rollback.db",
	    "SELECT count(*) FROM waiting; SELECT count(*) FROM tally;"
	    " SELECT count(*) FROM counter; SELECT count(*) FROM blob;"
	    " SELECT count(*) FROM log_position; SELECT count(*) FROM decision",
	    "0\n0\n0\n0\n0\n0\n");
}

static void
others_are_noticed(void **state)
{
	struct store *mine = kit_open("both.db"), *other = kit_open("both.db");
	int64_t before, after;

	(void)state;
	assert_true(store_data_version(mine, &before, &kit_err));
	kit_add(mine, "mine.test");
	assert_true(store_data_version(mine, &after, &kit_err));
	assert_int_equal(after, before);
	kit_add(other, "other.test");
	assert_true(store_data_version(mine, &after, &kit_err));
	assert_int_not_equal(after, before);
	kit_get(mine, "other.test");
	store_close(mine);
	store_close(other);
}

int
main(void)
{
	kit_begin();
	suite_add(waits_for_a_decision, NULL, "mail waits for a decision and its map");
	suite_add(waits_for_its_time, NULL, "mail waits until not before is over");
	suite_add(waits_once, NULL, "a message waits once a destination");
	suite_add(released_stays_released, NULL, "deferred again, what is released stays so");
	suite_add(so_many_wait, NULL, "no more than 51 messages are kept a destination");
	suite_add(retried_without_word_is_tried_again, NULL,
	    "a message of which there is no word is tried twice more");
	suite_add(sent_ends_the_retries, NULL, "sent mail ends the retries, not the waiting");
	suite_add(deferred_while_retried_waits_again, NULL,
	    "deferred while it is retried, a message waits for a decision again");
	suite_add(deferred_while_retried_waits_again_among_many, NULL,
	    "deferred while it is retried, it does so too where 51 are kept");
	suite_add(given_back_is_due_again, NULL, "what could not be retried is due again");
	suite_add(in_force_once_exported, NULL, "entries are in force from the export on");
	suite_add(changed_while_exported_is_not_in_force, NULL,
	    "an entry that came during the export is in force with the next one");
	suite_add(counters_add_and_set, NULL, "counters add up and can be set");
	suite_add(blobs_are_bytes, NULL, "blobs hold any bytes, and none");
	suite_add(positions_come_back, NULL, "positions come back in their full range");
	suite_add(tallies_add_up, NULL, "tallies add up a day and a kind");
	suite_add(decisions_come_oldest_first, NULL, "decisions come in the order of events");
	suite_add(history_is_thinned, NULL, "history before a day is forgotten");
	suite_add(copies_into_a_scratch_store, NULL, "a copy is a copy, the source is untouched");
	suite_add(copy_of_nothing_is_empty, NULL, "a copy of no file is empty, and makes none");
	suite_add(copy_of_what_cannot_be_read_fails, NULL, "a copy of what is not readable fails");
	suite_add(copy_of_a_newer_one_fails, NULL, "a copy of a newer one fails");
	suite_add(rollback_leaves_nothing, NULL, "a rollback leaves nothing");
	suite_add(others_are_noticed, NULL, "what another connection commits is noticed");
	return kit_end(suite_run());
}
