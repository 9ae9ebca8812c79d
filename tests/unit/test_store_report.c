/* SPDX-License-Identifier: BSD-2-Clause */
/* What a report is made of stays when days are thinned and destinations deleted. */
#include "suite.h"

#include "base/span.h"
#include "store/store_report.h"
#include "storekit.h"

#define MONTHS "SELECT month, what, count FROM tally_month ORDER BY 1, 2"

static void
add_month(void *context, const char *month, const char *what, uint64_t count)
{
	buf_printf(context, "%s %s %lu\n", month, what, (unsigned long)count);
}

static void
assert_months_of(struct store *store, const char *node, const char *expected)
{
	struct buf out = {0};

	assert_true(store_each_month(store, node, add_month, &out, &kit_err));
	assert_string_equal(buf_text(&out), expected);
	buf_clear(&out);
}

static void
assert_months(struct store *store, const char *expected)
{
	assert_months_of(store, "", expected);
}

/* Days 0 to 30 are January of 1970, 31 to 58 February. */
static void
send_by(struct store *store, const char *node, int64_t id, int64_t day,
    const char *protection, uint64_t count)
{
	char what[STORE_WHAT_SIZE];

	store_sent_what(node, protection, what);
	assert_true(store_tally_add(store, id, day, what, count, &kit_err));
	assert_true(store_month_add(store, day, node, protection, count, &kit_err));
}

static void
send(struct store *store, int64_t id, int64_t day, const char *protection, uint64_t count)
{
	assert_true(store_tally_add(store, id, day, "sent", count, &kit_err));
	send_by(store, "", id, day, protection, count);
}

static void
thin(struct store *store, struct thin_span span)
{
	assert_true(store_thin(store, span.day, 0, &kit_err));
	assert_true(store_thin_destinations(store, &span, 100, &kit_err));
	assert_true(span.after == INT64_MAX);
}

static struct store *
some_mail(void)
{
	struct store *store;
	int64_t a, b, c;

	kit_remove("report.db");
	store = kit_open("report.db");
	a = kit_add(store, "a.test");
	b = kit_add(store, "b.test");
	c = kit_add(store, "c.test");
	send(store, a, 0, "dane", 1);
	send(store, a, 30, "cleartext", 2);
	send(store, a, 31, "dane", 4);
	send(store, a, 33, "mta-sts", 8);
	send(store, b, 30, "encrypted", 16);
	send(store, b, 30, "verified", 32);
	send(store, c, 31, "unknown", 64);
	return store;
}

#define JANUARY \
	"1970-01 sent:cleartext 2\n1970-01 sent:dane 1\n1970-01 sent:encrypted 16\n" \
	"1970-01 sent:verified 32\n"
#define FEBRUARY "1970-02 sent:dane 4\n1970-02 sent:mta-sts 8\n1970-02 sent:unknown 64\n"

static void
months_are_counted(void **state)
{
	struct store *store = some_mail();

	(void)state;
	assert_months(store, JANUARY FEBRUARY);
	store_close(store);
}

static void
add_sent(void *context, const char *key, const char *protection, uint64_t count)
{
	buf_printf(context, "%s %s %lu\n", key, protection, (unsigned long)count);
}

static void
destinations_of_a_month(void **state)
{
	struct store *store = some_mail();
	struct buf out = {0};

	(void)state;
	assert_true(store_each_sent(store, "", 0, 31, add_sent, &out, &kit_err));
	assert_string_equal(buf_text(&out),
	    "a.test cleartext 2\na.test dane 1\nb.test encrypted 16\nb.test verified "
	    "32\n");
	buf_reset(&out);
	assert_true(store_each_sent(store, "", 31, 59, add_sent, &out, &kit_err));
	assert_string_equal(
	    buf_text(&out), "a.test dane 4\na.test mta-sts 8\nc.test unknown 64\n");
	buf_clear(&out);
	store_close(store);
}

/* Nothing of a month goes before all of it does, or a destination would have two grades.
 */
static void
thinned_days_leave_grades(void **state)
{
	struct store *store = some_mail();

	(void)state;
	thin(store, (struct thin_span){.day = 30});
	assert_months(store, JANUARY FEBRUARY);
	kit_assert(
	    "report.db", "SELECT count(*) FROM tally WHERE what GLOB 'sent:*'", "7\n");
	kit_assert("report.db",
	    "SELECT count(*) FROM tally WHERE day < 30 AND what = 'sent'", "0\n");
	for (int again = 0; again < 2; again++) {
		thin(store, (struct thin_span){.day = 33 + again});
		assert_months(store,
		    "1970-01 grade:red 1\n1970-01 grade:yellow 1\n" JANUARY FEBRUARY);
	}
	thin(store, (struct thin_span){.day = 400});
	kit_assert("report.db", "SELECT count(*) FROM tally", "0\n");
	assert_months(store,
	    "1970-01 grade:red 1\n1970-01 grade:yellow 1\n" JANUARY
	    "1970-02 grade:? 1\n1970-02 grade:green 1\n" FEBRUARY);
	store_close(store);
}

static void
deleted_ones_leave_grades(void **state)
{
	struct store *store = some_mail();

	(void)state;
	thin(store,
	    (struct thin_span){
	        .idle_ms = 100 * SPAN_DAY_MS, .past_ms = 100 * SPAN_DAY_MS});
	kit_assert("report.db", "SELECT count(*) FROM destination", "0\n");
	assert_months(store,
	    "1970-01 grade:red 1\n1970-01 grade:yellow 1\n" JANUARY
	    "1970-02 grade:? 1\n1970-02 grade:green 1\n" FEBRUARY);
	kit_assert("report.db", "SELECT sum(count) FROM tally_month WHERE what = 'sent'",
	    "127\n");
	store_close(store);
}

/* Of the mail of some_mail(), b's is node1's, and a's of March. */
static struct store *
mail_of_nodes(void)
{
	struct store *store = some_mail();

	send_by(store, "node1", 2, 30, "encrypted", 16);
	send_by(store, "node1", 2, 30, "verified", 32);
	send(store, 1, 60, "dane", 2);
	send(store, 1, 60, "cleartext", 1);
	send_by(store, "node1", 1, 60, "dane", 2);
	send_by(store, "node10", 1, 60, "cleartext", 1);
	return store;
}

#define MARCH "1970-03 sent:cleartext 1\n1970-03 sent:dane 2\n"

static void
nodes_have_figures(void **state)
{
	struct store *store = mail_of_nodes();
	struct buf out = {0};

	(void)state;
	assert_months(store, JANUARY FEBRUARY MARCH);
	assert_months_of(store, "node1",
	    "1970-01 sent:encrypted 16\n1970-01 sent:verified 32\n1970-03 sent:dane 2\n");
	assert_months_of(store, "node10", "1970-03 sent:cleartext 1\n");
	assert_months_of(store, "node", "");
	assert_true(store_each_sent(store, "node1", 0, 99, add_sent, &out, &kit_err));
	assert_string_equal(
	    buf_text(&out), "a.test dane 2\nb.test encrypted 16\nb.test verified 32\n");
	buf_clear(&out);
	store_close(store);
}

/* Each as it is of all. */
static void
nodes_leave_grades(void **state)
{
	struct store *store = mail_of_nodes();

	(void)state;
	thin(store, (struct thin_span){.day = 33});
	assert_months_of(store, "node1",
	    "1970-01 grade:yellow 1\n1970-01 sent:encrypted 16\n1970-01 sent:verified "
	    "32\n"
	    "1970-03 sent:dane 2\n");
	thin(store, (struct thin_span){.day = 400});
	assert_months_of(store, "node1",
	    "1970-01 grade:yellow 1\n1970-01 sent:encrypted 16\n1970-01 sent:verified "
	    "32\n"
	    "1970-03 grade:green 1\n1970-03 sent:dane 2\n");
	assert_months_of(
	    store, "node10", "1970-03 grade:red 1\n1970-03 sent:cleartext 1\n");
	store_close(store);
	store = mail_of_nodes();
	thin(store,
	    (struct thin_span){
	        .idle_ms = 100 * SPAN_DAY_MS, .past_ms = 100 * SPAN_DAY_MS});
	assert_months_of(store, "node1",
	    "1970-01 grade:yellow 1\n1970-01 sent:encrypted 16\n1970-01 sent:verified "
	    "32\n"
	    "1970-03 grade:green 1\n1970-03 sent:dane 2\n");
	assert_months(store,
	    "1970-01 grade:red 1\n1970-01 grade:yellow 1\n" JANUARY
	    "1970-02 grade:? 1\n1970-02 grade:green 1\n" FEBRUARY
	    "1970-03 grade:red 1\n" MARCH);
	store_close(store);
}

static void
add_change(void *context, const char *key, const struct decision_record *r)
{
	buf_printf(context, "%s %ld %s %s -> %s %s %s\n", key, (long)r->time_ms,
	    r->action, level_name(r->before.level), level_name(r->after.level),
	    demand_attributes(r->after), r->why);
}

static void
changes_of_a_span(void **state)
{
	struct store *store = some_mail();
	struct buf out = {0};

	(void)state;
	kit_decide(store, 1, 999, "set");
	kit_decide(store, 2, 1500, "pin");
	kit_decide(store, 1, 1000, "set");
	kit_decide(store, 1, 1200, "keep");
	kit_decide(store, 1, 1300, "hold");
	kit_decide(store, 1, 2000, "remove");
	assert_true(
	    store_each_change_between(store, 1000, 2000, add_change, &out, &kit_err));
	assert_string_equal(buf_text(&out),
	    "a.test 1000 set none -> may match=.d.test not-encrypted\n"
	    "b.test 1500 pin none -> may match=.d.test not-encrypted\n");
	buf_clear(&out);
	store_close(store);
}

int
main(void)
{
	kit_begin();
	suite_add(months_are_counted, NULL, "mail is counted by month and protection");
	suite_add(destinations_of_a_month, NULL, "and by destination from day to day");
	suite_add(thinned_days_leave_grades, NULL,
	    "days that are thinned leave the grades of whole months");
	suite_add(deleted_ones_leave_grades, NULL, "so do destinations that are deleted");
	suite_add(nodes_have_figures, NULL, "what each node sent is counted as well");
	suite_add(nodes_leave_grades, NULL, "and stays as what all sent does");
	suite_add(changes_of_a_span, NULL, "changes of a span are found, and no others");
	return kit_end(suite_run());
}
