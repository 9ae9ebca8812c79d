/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail that waits: for a decision, for its map, for its time, for word of its retry. */
#include "suite.h"

#include "store/store_node.h"

#include <stdio.h>

#include "storekit.h"

#define NOW_MS (INT64_C(1795483619) * 1000)

/* The queue ids that are due, "id id "; next and again as the store says. */
static void
assert_due(struct store *store, int64_t version, int64_t now_ms, const char *expected,
    int64_t next_ms, int64_t again_ms)
{
	struct waiting due[STORE_WAITING_MAX];
	int64_t next, again;
	struct buf ids = {0};
	size_t count;

	assert_true(store_waiting_due(store, "", version, now_ms, due, STORE_WAITING_MAX,
	    &count, &next, &again, &kit_err));
	for (size_t i = 0; i < count; i++)
		buf_printf(&ids, "%s ", due[i].queue_id);
	assert_string_equal(buf_text(&ids), expected);
	assert_int_equal(next, next_ms);
	assert_int_equal(again, again_ms);
	buf_clear(&ids);
}

static void
waits_for_a_decision(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");

	(void)state;
	kit_wait(store, id, "Q1", NOW_MS);
	assert_due(store, 99, NOW_MS, "", 0, 0);
	kit_release(store, id, 7, 0);
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
	kit_wait(store, a, "QA", NOW_MS);
	kit_wait(store, b, "QB", NOW_MS);
	kit_release(store, a, 1, NOW_MS + 500);
	kit_release(store, b, 1, NOW_MS + 900);
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
	kit_wait(store, a, "Q1", NOW_MS);
	kit_wait(store, a, "Q1", NOW_MS);
	kit_wait(store, b, "Q1",
	    NOW_MS); /* the same message to another destination is another */
	kit_release(store, a, 1, 0);
	kit_release(store, b, 1, 0);
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
	kit_wait(store, id, "Q1", NOW_MS);
	kit_release(store, id, 3, 0);
	kit_wait(store, id, "Q1", NOW_MS);
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
		kit_wait(store, a, queue_id, NOW_MS);
	}
	kit_wait(store, b, "Q1", NOW_MS);
	kit_release(store, a, 1, 0);
	kit_release(store, b, 1, 0);
	assert_true(store_waiting_due(store, "", 1, NOW_MS, due, 2 * STORE_WAITING_MAX,
	    &count, &next, &again, &kit_err));
	assert_int_equal(count, 52); /* 51 of the first */
	assert_int_equal(due[50].destination, a);
	assert_int_equal(due[51].destination, b);
	assert_true(store_waiting_due(
	    store, "", 1, NOW_MS, due, 10, &count, &next, &again, &kit_err));
	assert_int_equal(count, 10);
	store_close(store);
}

static void
retried_without_word_is_tried_again(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");

	(void)state;
	kit_wait(store, id, "Q1", NOW_MS);
	kit_release(store, id, 1, 0);
	kit_retry(store, 1, NOW_MS);
	assert_due(store, 1, NOW_MS, "", 0, NOW_MS + 10000);
	assert_due(store, 1, NOW_MS + 10000, "Q1 ", 0, NOW_MS + 10000);
	kit_retry(store, 1, NOW_MS + 10000);
	assert_due(store, 1, NOW_MS + 69999, "", 0, NOW_MS + 70000);
	kit_retry(store, 1, NOW_MS + 70000);
	assert_due(store, 1, INT64_MAX, "", 0, 0);
	store_close(store);
}

/* An echo is no change: what was retried for it is not retried again. */
static void
retried_once_a_change(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");

	(void)state;
	kit_wait(store, id, "Q1", NOW_MS);
	kit_release(store, id, 1, 0);
	kit_retry(store, 1, NOW_MS);
	kit_wait(store, id, "Q2", NOW_MS);
	assert_true(store_waiting_release(store, id, 1, 0, false, &kit_err));
	assert_due(store, 1, NOW_MS, "Q2 ", 0, NOW_MS + 10000);
	kit_release(store, id, 2, 0);
	assert_due(store, 2, NOW_MS, "Q1 Q2 ", 0, 0);
	store_close(store);
}

/* The log may be faster than the command that was waited for. */
static void
sent_while_retried_ends_the_retries(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");

	(void)state;
	kit_wait(store, id, "Q1", NOW_MS);
	kit_release(store, id, 1, 0);
	assert_true(store_waiting_take_all(store, "", 1, NOW_MS, &kit_err));
	assert_true(store_waiting_sent(store, id, false, &kit_err));
	assert_true(store_waiting_done_all(store, "", NOW_MS, &kit_err));
	assert_due(store, 1, INT64_MAX, "", 0, 0);
	store_close(store);
}

/* One flush is for all that are due, however many were named. */
static void
flush_takes_all_that_are_due(void **state)
{
	struct store *store = kit_scratch();
	int64_t a = kit_add(store, "a.test"), b = kit_add(store, "b.test");

	(void)state;
	kit_wait(store, a, "QA", NOW_MS);
	kit_wait(store, b, "QB", NOW_MS);
	kit_release(store, a, 1, 0);
	kit_release(store, b, 2, 0);
	assert_true(store_waiting_take_all(store, "", 1, NOW_MS, &kit_err));
	assert_due(store, 2, NOW_MS, "QB ", 0, 0);
	kit_wait(store, a, "QA2", NOW_MS); /* not decided: none of the flush's */
	assert_true(store_waiting_done_all(store, "", NOW_MS, &kit_err));
	assert_due(store, 1, NOW_MS + 9999, "", 0, NOW_MS + 10000);
	assert_due(store, 2, NOW_MS + 10000, "QA QB ", 0, NOW_MS + 10000);
	store_close(store);
}

static void
sent_ends_the_retries(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");

	(void)state;
	kit_wait(store, id, "Q1", NOW_MS);
	kit_release(store, id, 1, 0);
	kit_retry(store, 1, NOW_MS);
	kit_wait(store, id, "Q2", NOW_MS); /* not retried yet: not over */
	assert_true(store_waiting_sent(store, id, false, &kit_err));
	kit_release(store, id, 2, 0);
	assert_due(store, 2, INT64_MAX, "Q2 ", 0, 0);
	store_close(store);
}

static void
few_do_not_stand_behind_many(void **state)
{
	struct store *store = kit_scratch();
	struct waiting due[STORE_WAITING_MAX];
	size_t count;

	(void)state;
	for (int i = 0; i < 40; i++) {
		char key[16];
		int64_t id;

		snprintf(key, sizeof(key), "d%d.test", i);
		id = kit_add(store, key);
		/* The first have four, the last three. */
		for (const char *p = i < 39 ? "1234" : "123"; *p != '\0'; p++)
			kit_wait(store, id, p, NOW_MS);
		kit_release(store, id, i == 38 ? 2 : 1, 0);
	}
	assert_true(store_waiting_due_few(
	    store, "", 1, NOW_MS, 3, due, STORE_WAITING_MAX, &count, &kit_err));
	assert_int_equal(count, 3);
	assert_string_equal(due[0].queue_id, "123");
	assert_true(store_waiting_due_few(
	    store, "", 1, NOW_MS, 2, due, STORE_WAITING_MAX, &count, &kit_err));
	assert_int_equal(count, 0);
	assert_true(
	    store_waiting_due_few(store, "", 1, NOW_MS, 4, due, 10, &count, &kit_err));
	assert_int_equal(count, 10);
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
	kit_wait(store, id, "Q1", NOW_MS);
	kit_release(store, id, 1, 0);
	assert_true(store_waiting_due(
	    store, "", 1, NOW_MS, due, 2, &count, &next, &again, &kit_err));
	assert_int_equal(count, 1);
	assert_true(store_waiting_take(store, due, count, &kit_err));
	assert_due(store, 1, INT64_MAX, "", 0, 0); /* it is being retried */
	kit_wait(store, id, "Q1", NOW_MS);
	assert_true(store_waiting_done(store, due, count, NOW_MS, &kit_err));
	assert_due(store, 1, INT64_MAX, "", 0, 0); /* nothing was decided on it yet */
	kit_release(store, id, 2, 0);
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
		kit_wait(store, id, queue_id, NOW_MS);
	}
	kit_release(store, id, 1, 0);
	assert_true(store_waiting_due(store, "", 1, NOW_MS, due, STORE_WAITING_MAX,
	    &count, &next, &again, &kit_err));
	assert_int_equal(count, STORE_WAITING_MAX);
	assert_true(store_waiting_take(store, due, count, &kit_err));
	kit_wait(store, id, "Q7", NOW_MS);
	assert_true(store_waiting_done(store, due, count, NOW_MS, &kit_err));
	assert_true(store_waiting_sent(store, id, false, &kit_err));
	kit_release(store, id, 2, 0);
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
	kit_wait(store, id, "Q1", NOW_MS);
	kit_release(store, id, 5, 0);
	assert_true(store_waiting_due(
	    store, "", 5, NOW_MS, due, 2, &count, &next, &again, &kit_err));
	assert_true(store_waiting_take(store, due, count, &kit_err));
	assert_true(store_waiting_give_back(store, "", NOW_MS + 1000, &kit_err));
	assert_due(store, 5, NOW_MS, "", NOW_MS + 1000, 0);
	assert_due(store, 5, NOW_MS + 1000, "Q1 ", 0, 0);
	store_close(store);
}

/* Released while the clock was ahead. */
static void
brought_back_is_due(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");

	(void)state;
	kit_wait(store, id, "Q1", NOW_MS);
	kit_release(store, id, 5, NOW_MS + 30 * INT64_C(86400000));
	assert_true(store_bring_back(store, NOW_MS, INT64_C(90) * 86400000, &kit_err));
	assert_due(store, 5, NOW_MS, "Q1 ", 0, 0);
	kit_wait(store, id, "Q2", NOW_MS);
	kit_release(store, id, 5, NOW_MS + 60000);
	assert_true(store_bring_back(store, NOW_MS, INT64_C(90) * 86400000, &kit_err));
	assert_due(store, 5, NOW_MS, "", NOW_MS + 60000, 0);
	store_close(store);
}

/* Nobody knows of it but the queue. */
static void
given_up_waits_for_news(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");

	(void)state;
	kit_wait(store, id, "Q1", NOW_MS);
	kit_release(store, id, 1, 0);
	for (int i = 0; i < 3; i++)
		kit_retry(store, 1, NOW_MS + i * 100000);
	assert_due(store, 1, INT64_MAX, "", 0, 0);
	kit_release(store, id, 2, 0); /* a change is news */
	assert_due(store, 2, NOW_MS, "Q1 ", 0, 0);
	store_close(store);
}

/* Each has ids of its own; and a domain may look like a node's name. */
static void
message_is_its_nodes(void **state)
{
	static const char *const nodes[] = {"", "n1/"};
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test"), next, again;
	struct waiting_mail unkept = {
	    .queue_id = "", .domain = "n1/b", .rule = "", .time_ms = NOW_MS};
	struct waiting due[4];
	char node[STORE_NODE_SIZE];
	size_t count;
	bool has;

	(void)state;
	kit_wait(store, id, "Q1", NOW_MS);
	kit_wait(store, id, "n1/Q1", NOW_MS);
	kit_wait(store, id, "n2/Q1", NOW_MS);
	assert_true(store_waiting_unkept(store, id, &unkept, &kit_err));
	assert_true(store_waiting_has_others(store, "n1/", id, &has, &kit_err));
	assert_false(has);
	assert_true(store_waiting_has_others(store, "", id, &has, &kit_err));
	assert_true(has);
	unkept.queue_id = "n1/";
	assert_true(store_waiting_unkept(store, id, &unkept, &kit_err));
	assert_true(store_waiting_has_others(store, "n1/", id, &has, &kit_err));
	assert_true(has);
	store_node_of("@n1/b", node);
	assert_string_equal(node, "");
	store_node_of("n1/@n1/b", node);
	assert_string_equal(node, "n1/");
	assert_string_equal(store_id_at_node("n1/@n1/b"), "@n1/b");
	kit_release(store, id, 1, 0);
	assert_true(store_waiting_due(
	    store, "n1/", 1, NOW_MS, due, 4, &count, &next, &again, &kit_err));
	assert_int_equal(count, 1);
	assert_string_equal(due[0].queue_id, "n1/Q1");
	assert_true(store_waiting_due(
	    store, "", 1, NOW_MS, due, 4, &count, &next, &again, &kit_err));
	assert_int_equal(count, 1);
	assert_string_equal(due[0].queue_id, "Q1");
	/* Of another node nobody can be asked. */
	assert_true(store_waiting_forget(store, nodes, 2, &kit_err));
	assert_true(store_waiting_due(
	    store, "n2/", 1, NOW_MS, due, 4, &count, &next, &again, &kit_err));
	assert_int_equal(count, 0);
	assert_true(store_waiting_any(store, id, &has, &kit_err));
	assert_true(has);
	store_close(store);
}

int
main(void)
{
	kit_begin();
	suite_add(waits_for_a_decision, NULL, "mail waits for a decision and its map");
	suite_add(waits_for_its_time, NULL, "mail waits until not before is over");
	suite_add(waits_once, NULL, "a message waits once a destination");
	suite_add(
	    released_stays_released, NULL, "deferred again, what is released stays so");
	suite_add(so_many_wait, NULL, "no more than 51 messages are kept a destination");
	suite_add(retried_without_word_is_tried_again, NULL,
	    "a message of which there is no word is tried twice more");
	suite_add(brought_back_is_due, NULL,
	    "mail of a clock that was ahead does not wait for that time");
	suite_add(retried_once_a_change, NULL,
	    "a message is retried once a change, whatever echoes follow");
	suite_add(sent_while_retried_ends_the_retries, NULL,
	    "mail that is sent while it is retried is retried no more");
	suite_add(few_do_not_stand_behind_many, NULL,
	    "few messages of a destination do not stand behind the many of others");
	suite_add(flush_takes_all_that_are_due, NULL, "a flush is for all that are due");
	suite_add(
	    sent_ends_the_retries, NULL, "sent mail ends the retries, not the waiting");
	suite_add(deferred_while_retried_waits_again, NULL,
	    "deferred while it is retried, a message waits for a decision again");
	suite_add(deferred_while_retried_waits_again_among_many, NULL,
	    "deferred while it is retried, it does so too where 51 are kept");
	suite_add(
	    given_back_is_due_again, NULL, "what could not be retried is due again");
	suite_add(given_up_waits_for_news, NULL,
	    "what was retried in vain waits on, for a change too");
	suite_add(message_is_its_nodes, NULL,
	    "a message is its node's, whatever a domain looks like");
	return kit_end(suite_run());
}
