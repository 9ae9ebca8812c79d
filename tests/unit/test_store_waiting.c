/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail that waits: for a decision, for its map, for its time, for word of its retry. */
#include "suite.h"

#include "storekit.h"

#define NOW_MS (INT64_C(1795483619) * 1000)

static void
waits(struct store *store, int64_t id, const char *queue_id)
{
	kit_wait(store, id, queue_id, NOW_MS);
}

static void
releases(struct store *store, int64_t id, int64_t version, int64_t not_before_ms)
{
	assert_true(
	    store_waiting_release(store, id, version, not_before_ms, true, &kit_err));
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

	assert_true(store_waiting_due(store, version, now_ms, due, STORE_WAITING_MAX,
	    &count, &next, &again, &kit_err));
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

	assert_true(store_waiting_due(store, version, now_ms, due, STORE_WAITING_MAX,
	    &count, &next, &again, &kit_err));
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
	assert_true(store_waiting_due(store, 1, NOW_MS, due, 2 * STORE_WAITING_MAX,
	    &count, &next, &again, &kit_err));
	assert_int_equal(count, 52); /* 51 of the first */
	assert_int_equal(due[50].destination, a);
	assert_int_equal(due[51].destination, b);
	assert_true(store_waiting_due(
	    store, 1, NOW_MS, due, 10, &count, &next, &again, &kit_err));
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

/* An echo is no change: what was retried for it is not retried again. */
static void
retried_once_a_change(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");

	(void)state;
	waits(store, id, "Q1");
	releases(store, id, 1, 0);
	take_and_finish(store, 1, NOW_MS);
	waits(store, id, "Q2");
	assert_true(store_waiting_release(store, id, 1, 0, false, &kit_err));
	assert_due(store, 1, NOW_MS, "Q2 ", 0, NOW_MS + 10000);
	releases(store, id, 2, 0);
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
	waits(store, id, "Q1");
	releases(store, id, 1, 0);
	assert_true(store_waiting_take_all(store, 1, NOW_MS, &kit_err));
	assert_true(store_waiting_sent(store, id, &kit_err));
	assert_true(store_waiting_done_all(store, NOW_MS, &kit_err));
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
	waits(store, a, "QA");
	waits(store, b, "QB");
	releases(store, a, 1, 0);
	releases(store, b, 2, 0);
	assert_true(store_waiting_take_all(store, 1, NOW_MS, &kit_err));
	assert_due(store, 2, NOW_MS, "QB ", 0, 0);
	waits(store, a, "QA2"); /* not decided: none of the flush's */
	assert_true(store_waiting_done_all(store, NOW_MS, &kit_err));
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
			waits(store, id, p);
		releases(store, id, i == 38 ? 2 : 1, 0);
	}
	assert_true(store_waiting_due_few(
	    store, 1, NOW_MS, 3, due, STORE_WAITING_MAX, &count, &kit_err));
	assert_int_equal(count, 3);
	assert_string_equal(due[0].queue_id, "123");
	assert_true(store_waiting_due_few(
	    store, 1, NOW_MS, 2, due, STORE_WAITING_MAX, &count, &kit_err));
	assert_int_equal(count, 0);
	assert_true(
	    store_waiting_due_few(store, 1, NOW_MS, 4, due, 10, &count, &kit_err));
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
	waits(store, id, "Q1");
	releases(store, id, 1, 0);
	assert_true(
	    store_waiting_due(store, 1, NOW_MS, due, 2, &count, &next, &again, &kit_err));
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
	assert_true(
	    store_waiting_due(store, 5, NOW_MS, due, 2, &count, &next, &again, &kit_err));
	assert_true(store_waiting_take(store, due, count, &kit_err));
	assert_true(store_waiting_give_back(store, NOW_MS + 1000, &kit_err));
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
	waits(store, id, "Q1");
	releases(store, id, 5, NOW_MS + 30 * INT64_C(86400000));
	assert_true(store_bring_back(store, NOW_MS, INT64_C(90) * 86400000, &kit_err));
	assert_due(store, 5, NOW_MS, "Q1 ", 0, 0);
	waits(store, id, "Q2");
	releases(store, id, 5, NOW_MS + 60000);
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
	waits(store, id, "Q1");
	releases(store, id, 1, 0);
	for (int i = 0; i < 3; i++)
		take_and_finish(store, 1, NOW_MS + i * 100000);
	assert_due(store, 1, INT64_MAX, "", 0, 0);
	releases(store, id, 2, 0); /* a change is news */
	assert_due(store, 2, NOW_MS, "Q1 ", 0, 0);
	store_close(store);
}

static void
note_mail(void *context, const struct waiting_mail *mail)
{
	struct buf *out = context;

	buf_printf(out, "%s %s %s %lld%s %lld %lld %u\n", mail->queue_id, mail->domain,
	    mail->rule, (long long)mail->reason.len, mail->reason.cut ? "+" : "",
	    (long long)(mail->time_ms - NOW_MS), (long long)mail->arrival_ms,
	    mail->absences);
}

static void
assert_mails(struct store *store, int64_t id, const char *expected)
{
	struct buf out = {0};

	assert_true(store_each_waiting(store, id, note_mail, &out, &kit_err));
	assert_string_equal(buf_text(&out), expected);
	buf_clear(&out);
}

/* What the queue must show of it is of its last line, when it arrived of its first. */
static void
mail_is_known_by_its_last_line(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test"), other = kit_add(store, "b.test"), first;
	struct waiting_mail mail = {.queue_id = "Q1",
	    .domain = "a.test",
	    .rule = "one",
	    .reason = reason_mark_of(STR("reason"), true),
	    .time_ms = NOW_MS,
	    .arrival_ms = 1000};

	(void)state;
	assert_true(store_waiting_add(store, id, &mail, 1, &kit_err));
	kit_wait(store, id, "Q2", NOW_MS + 5);
	kit_wait(store, other, "Q1", NOW_MS);
	assert_mails(store, id, "Q1 a.test one 6+ 0 1000 0\nQ2 d.test r 6 5 0 0\n");
	assert_true(store_waiting_first(store, id, &first, &kit_err));
	assert_int_equal(first, 1000);
	assert_true(store_waiting_first(store, other, &first, &kit_err));
	assert_int_equal(first, 0);
	assert_true(store_waiting_absent(store, id, "Q1", NOW_MS, 1, &kit_err));
	assert_mails(store, id, "Q1 a.test one 6+ 0 1000 1\nQ2 d.test r 6 5 0 0\n");
	mail.time_ms = NOW_MS + 9;
	mail.arrival_ms = 2000;
	mail.rule = "two";
	assert_true(store_waiting_add(store, id, &mail, 1, &kit_err));
	assert_mails(store, id, "Q1 a.test two 6+ 9 1000 0\nQ2 d.test r 6 5 0 0\n");
	/* What is said of an older line of it does not count. */
	assert_true(store_waiting_absent(store, id, "Q1", NOW_MS, 1, &kit_err));
	assert_true(store_waiting_gone(store, id, "Q1", NOW_MS, &kit_err));
	assert_mails(store, id, "Q1 a.test two 6+ 9 1000 0\nQ2 d.test r 6 5 0 0\n");
	assert_true(store_waiting_gone(store, id, "Q1", NOW_MS + 9, &kit_err));
	assert_mails(store, id, "Q2 d.test r 6 5 0 0\n");
	assert_mails(store, other, "Q1 d.test r 6 0 0 0\n");
	store_close(store);
}

static void
note_id(void *context, const struct waiting_mail *mail)
{
	buf_printf(context, "%s ", mail->queue_id);
}

static void
assert_ids(struct store *store, int64_t id, const char *expected)
{
	struct buf out = {0};

	assert_true(store_each_waiting(store, id, note_id, &out, &kit_err));
	assert_string_equal(out.len > 0 ? buf_text(&out) : "", expected);
	buf_clear(&out);
}

/* To another recipient it may be deferred meanwhile, by the same attempt. */
static void
sent_waits_no_more(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");
	const int64_t whole = NOW_MS, exact = NOW_MS + 500;

	(void)state;
	waits(store, id, "Q2");
	kit_wait(store, id, "Q1", exact);
	assert_true(store_waiting_end_sent(store, "Q1", "d.test", exact - 1, &kit_err));
	assert_true(store_waiting_end_sent(store, "Q1", "e.test", exact + 1, &kit_err));
	assert_ids(store, id, "Q1 Q2 ");
	assert_true(store_waiting_end_sent(store, "Q1", "d.test", exact + 1, &kit_err));
	assert_ids(store, id, "Q2 ");
	/* In a log with whole seconds it may be of the end of its second. */
	assert_true(store_waiting_end_sent(store, "Q2", "d.test", whole + 999, &kit_err));
	assert_ids(store, id, "Q2 ");
	assert_true(
	    store_waiting_end_sent(store, "Q2", "d.test", whole + 1000, &kit_err));
	assert_ids(store, id, "");
	/* Retried, and not deferred since. */
	waits(store, id, "Q3");
	releases(store, id, 1, 0);
	take_and_finish(store, 1, NOW_MS);
	assert_true(store_waiting_end_sent(store, "Q3", "d.test", whole - 10, &kit_err));
	assert_ids(store, id, "");
	store_close(store);
}

/* Q0, Q1 ... QMAX-1 wait, each a second after the one before. */
static int64_t
fill(struct store *store)
{
	int64_t id = kit_add(store, "a.test");

	for (int i = 0; i < STORE_WAITING_MAX; i++) {
		char queue_id[16];

		snprintf(queue_id, sizeof(queue_id), "Q%d", i);
		kit_wait(store, id, queue_id, NOW_MS + i);
	}
	return id;
}

static void
newest_are_kept(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = fill(store), others;
	size_t count;

	(void)state;
	for (int i = 0; i < STORE_WAITING_MAX - 1; i++) {
		char queue_id[16];

		/* The queue shows all but the last of them, and Q7 no more. */
		snprintf(queue_id, sizeof(queue_id), "Q%d", i);
		assert_true(store_waiting_absent(
		    store, id, queue_id, NOW_MS + i, i == 7 ? 1 : -1, &kit_err));
	}
	kit_wait(store, id, "R1", NOW_MS + 100); /* for Q7 */
	kit_wait(store, id, "R2", NOW_MS + 101); /* for Q50 */
	kit_wait(store, id, "R3", NOW_MS + 102); /* for R1 */
	kit_wait(store, id, "R4", NOW_MS + 103);
	kit_wait(store, id, "R4", NOW_MS + 104);
	assert_ids(store, id,
	    "@d.test Q0 Q1 Q10 Q11 Q12 Q13 Q14 Q15 Q16 Q17 Q18 Q19 Q2 Q20 Q21 Q22 Q23 "
	    "Q24 Q25 Q26 Q27 Q28 Q29 Q3 Q30 Q31 Q32 Q33 Q34 Q35 Q36 Q37 Q38 Q39 Q4 Q40 "
	    "Q41 Q42 Q43 Q44 Q45 Q46 Q47 Q48 Q49 Q5 Q6 Q8 Q9 R3 R4 ");
	/* What stands for the others is not retried, and keeps the destination waiting,
	 * until mail flows. */
	releases(store, id, 1, 0);
	kit_wait(store, id, "R4", NOW_MS + 104);
	assert_true(
	    store_waiting_end(store, "R4", "d.test", &others, 1, &count, &kit_err));
	assert_true(store_waiting_sent(store, id, &kit_err));
	kit_wait(store, id, "R5", NOW_MS + 105);
	assert_ids(store, id,
	    "Q0 Q1 Q10 Q11 Q12 Q13 Q14 Q15 Q16 Q17 Q18 Q19 Q2 Q20 Q21 Q22 Q23 "
	    "Q24 Q25 Q26 Q27 Q28 Q29 Q3 Q30 Q31 Q32 Q33 Q34 Q35 Q36 Q37 Q38 Q39 Q4 Q40 "
	    "Q41 Q42 Q43 Q44 Q45 Q46 Q47 Q48 Q49 Q5 Q6 Q8 Q9 R3 R5 ");
	store_close(store);
}

/* Where all were seen in the queue the new one has no row, but is not forgotten. */
static void
seen_make_no_room(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = fill(store);
	struct buf out = {0};

	(void)state;
	for (int i = 0; i < STORE_WAITING_MAX; i++) {
		char queue_id[16];

		snprintf(queue_id, sizeof(queue_id), "Q%d", i);
		assert_true(
		    store_waiting_absent(store, id, queue_id, NOW_MS + i, -1, &kit_err));
	}
	kit_wait(store, id, "R1", NOW_MS + 100);
	assert_true(store_each_waiting(store, id, note_mail, &out, &kit_err));
	assert_non_null(strstr(buf_text(&out), "@d.test d.test r 6 100 0 0\n"));
	assert_null(strstr(buf_text(&out), "R1"));
	buf_clear(&out);
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
	suite_add(mail_is_known_by_its_last_line, NULL,
	    "mail that waits is known by its last line");
	suite_add(given_up_waits_for_news, NULL,
	    "what was retried in vain waits on, for a change too");
	suite_add(sent_waits_no_more, NULL, "a message that was sent waits no more");
	suite_add(newest_are_kept, NULL, "of more than are kept the newest stay");
	suite_add(seen_make_no_room, NULL, "but none makes room that the queue showed");
	return kit_end(suite_run());
}
