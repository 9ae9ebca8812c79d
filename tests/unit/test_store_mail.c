/* SPDX-License-Identifier: BSD-2-Clause */
/* Which messages wait: how each is known, which of many are kept, and when it waits no
 * more.
 */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "storekit.h"

#define NOW_MS (INT64_C(1795483619) * 1000)

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
	kit_wait(store, id, "Q2", NOW_MS);
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
	kit_wait(store, id, "Q3", NOW_MS);
	kit_release(store, id, 1, 0);
	kit_retry(store, 1, NOW_MS);
	assert_true(store_waiting_end_sent(store, "Q3", "d.test", whole - 10, &kit_err));
	assert_ids(store, id, "");
	store_close(store);
}

/* Which destinations have messages that a listing is to tell of. */
static void
assert_doubted(struct store *store, size_t expected)
{
	int64_t ids[4];
	size_t count;

	assert_true(store_waiting_given_up(store, "", 0, ids, 4, &count, &kit_err));
	assert_int_equal(count, expected);
}

/* The log is one witness, the queue a better one. */
static void
left_waits_for_a_listing(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "a.test");
	struct waiting due[4];
	int64_t next_ms, again_ms;
	size_t count;

	(void)state;
	kit_wait(store, id, "Q1", NOW_MS);
	assert_doubted(store, 0);
	assert_true(store_waiting_left(store, "Q1", "e.test", 0, &kit_err));
	assert_true(store_waiting_left(store, "Q1", "d.test", NOW_MS - 10, &kit_err));
	assert_doubted(store, 0);
	assert_true(store_waiting_left(store, "Q1", "", 0, &kit_err));
	assert_doubted(store, 1);
	/* It is there: as if it had not been said. */
	assert_true(store_waiting_absent(store, id, "Q1", NOW_MS, -1, &kit_err));
	assert_doubted(store, 0);
	/* And so it is if another entry comes meanwhile: to retry what is gone does
	 * nothing. */
	assert_true(store_waiting_left(store, "Q1", "", 0, &kit_err));
	kit_release(store, id, 1, 0);
	assert_true(store_waiting_due(
	    store, "", 1, NOW_MS, due, 4, &count, &next_ms, &again_ms, &kit_err));
	assert_int_equal(count, 1);
	/* It is gone. */
	assert_true(store_waiting_left(store, "Q1", "d.test", NOW_MS + 1000, &kit_err));
	assert_true(store_waiting_gone(store, id, "Q1", NOW_MS, &kit_err));
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
	kit_release(store, id, 1, 0);
	kit_wait(store, id, "R4", NOW_MS + 104);
	assert_true(
	    store_waiting_end(store, "R4", "d.test", &others, 1, &count, &kit_err));
	assert_true(store_waiting_sent(store, id, false, &kit_err));
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
	suite_add(mail_is_known_by_its_last_line, NULL,
	    "mail that waits is known by its last line");
	suite_add(sent_waits_no_more, NULL, "a message that was sent waits no more");
	suite_add(left_waits_for_a_listing, NULL,
	    "one that left, as the log has it, waits for a listing");
	suite_add(newest_are_kept, NULL, "of more than are kept the newest stay");
	suite_add(seen_make_no_room, NULL, "but none makes room that the queue showed");
	return kit_end(suite_run());
}
