/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of MTA-STS policies. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "store/store_sts.h"
#include "storekit.h"

#define NOW_MS (INT64_C(1795483619) * 1000)

static struct sts_record
full_record(void)
{
	return (struct sts_record){.domain = "d.test",
	    .state = {.policy = sts_policy_of(
	                  STS_MODE_ENFORCE, 604800, STR("mx.d.test *.p.test")),
	        .id = "1",
	        .fetched_ms = NOW_MS,
	        .owed_ms = -11,
	        .txt = {.state = STS_TXT_VALID, .id = "2"},
	        .txt_ms = NOW_MS + 1,
	        .txt_next_ms = NOW_MS + 2,
	        .txt_failures = 3,
	        .txt_failing_ms = NOW_MS + 4,
	        .cause = STS_CAUSE_TLS_NAME,
	        .tried_ms = NOW_MS + 5,
	        .failures = 6,
	        .failed_id = "3",
	        .failing_ms = NOW_MS + 7,
	        .alerted = STS_ALERT_ENDING,
	        .refresh = 10},
	    .mail_ms = NOW_MS + 8,
	    .next_ms = NOW_MS + 9,
	    .applied = "enforce",
	    .detail = "www.d.test"};
}

static void
assert_same(const struct sts_record *a, const struct sts_record *b)
{
	const struct sts_state *s = &a->state, *t = &b->state;

	assert_string_equal(a->domain, b->domain);
	assert_true(sts_policy_equal(&s->policy, &t->policy));
	assert_int_equal(s->policy.max_age_s, t->policy.max_age_s);
	assert_string_equal(s->id, t->id);
	assert_int_equal(s->fetched_ms, t->fetched_ms);
	assert_int_equal(s->owed_ms, t->owed_ms);
	assert_int_equal(s->policy.cut, t->policy.cut);
	assert_int_equal(s->txt.state, t->txt.state);
	assert_string_equal(s->txt.id, t->txt.id);
	assert_int_equal(s->txt_ms, t->txt_ms);
	assert_int_equal(s->txt_next_ms, t->txt_next_ms);
	assert_int_equal(s->txt_failures, t->txt_failures);
	assert_int_equal(s->txt_failing_ms, t->txt_failing_ms);
	assert_int_equal(s->cause, t->cause);
	assert_int_equal(s->tried_ms, t->tried_ms);
	assert_int_equal(s->failures, t->failures);
	assert_string_equal(s->failed_id, t->failed_id);
	assert_int_equal(s->failing_ms, t->failing_ms);
	assert_int_equal(s->alerted, t->alerted);
	assert_int_equal(s->refresh, t->refresh);
	assert_int_equal(a->mail_ms, b->mail_ms);
	assert_int_equal(a->next_ms, b->next_ms);
	assert_string_equal(a->applied, b->applied);
	assert_string_equal(a->detail, b->detail);
}

/* Case 77: nothing is dropped at a start. */
static void
all_of_it_is_kept(void **state)
{
	struct sts_record record = full_record(), found;
	struct store *store = kit_open("sts.db");
	bool is;

	(void)state;
	assert_true(store_sts_put(store, &record, &kit_err));
	store_close(store);
	store = kit_open("sts.db");
	assert_true(store_sts_get(store, "d.test", &found, &is, &kit_err) && is);
	assert_same(&found, &record);
	sts_record_clear(&found);
	sts_record_clear(&record);
	assert_true(store_sts_get(store, "e.test", &found, &is, &kit_err) && !is);
	assert_string_equal(found.domain, "e.test");
	assert_int_equal(found.state.fetched_ms, 0);
	store_close(store);
}

/* What a database has by mistake becomes neither a policy nor a pattern. */
static void
strange_words_are_no_policy(void **state)
{
	struct sts_record record = full_record(), found;
	struct store *store = kit_open("odd.db");
	bool is;

	(void)state;
	assert_true(store_sts_put(store, &record, &kit_err));
	kit_run("odd.db", "UPDATE sts SET mx = 'mx.d.test hostname x{y}'");
	assert_true(store_sts_get(store, "d.test", &found, &is, &kit_err) && is);
	assert_string_equal(found.state.policy.mx, "mx.d.test");
	sts_record_clear(&found);
	kit_run("odd.db", "UPDATE sts SET mode = 'doubt', txt = 'odd'");
	assert_true(store_sts_get(store, "d.test", &found, &is, &kit_err) && is);
	assert_int_equal(found.state.fetched_ms, 0);
	assert_int_equal(found.state.txt.state, STS_TXT_UNSURE);
	sts_record_clear(&found);
	sts_record_clear(&record);
	store_close(store);
}

struct names {
	char text[128];
};

static bool
add_name(void *context, const struct sts_record *record)
{
	struct names *names = context;

	strcat(strcat(names->text, record->domain), " ");
	return strcmp(record->domain, "stop.test") != 0;
}

static void
put_ranked(struct store *store, const char *domain, int64_t next_ms, const char *applied,
    unsigned failures)
{
	struct sts_record record = {.next_ms = next_ms,
	    .state = {
	        .txt = {.state = STS_TXT_NONE}, .txt_ms = NOW_MS, .failures = failures}};

	snprintf(record.domain, sizeof(record.domain), "%s", domain);
	snprintf(record.applied, sizeof(record.applied), "%s", applied);
	assert_true(store_sts_put(store, &record, &kit_err));
}

static void
put(struct store *store, const char *domain, int64_t next_ms, int64_t fetched_ms)
{
	struct sts_record record = {.next_ms = next_ms,
	    .state = {.fetched_ms = fetched_ms,
	        .txt = {.state = STS_TXT_NONE},
	        .txt_ms = NOW_MS}};

	snprintf(record.domain, sizeof(record.domain), "%s", domain);
	assert_true(store_sts_put(store, &record, &kit_err));
}

static void
those_that_wait_come_in_turn(void **state)
{
	struct store *store = kit_scratch();
	int64_t next_ms, mail;
	struct names due = {""}, ranked = {""}, some = {""}, behind = {""}, all = {""},
	             left = {""};

	(void)state;
	put(store, "third.test", 30, 0);
	put(store, "none.test", 0, 0);
	put(store, "kept.test", 0, 1);
	put(store, "first.test", 10, 0);
	put(store, "stop.test", 20, 0);
	assert_true(store_each_sts_due(store, 20, 0, 9, add_name, &due, &kit_err));
	assert_string_equal(due.text, "first.test stop.test ");
	assert_true(store_each_sts_due(store, 20, 0, 1, add_name, &some, &kit_err));
	assert_string_equal(some.text, "first.test ");
	assert_true(store_each_sts_due(store, 20, 1, 9, add_name, &behind, &kit_err));
	assert_string_equal(behind.text, "stop.test ");
	put_ranked(store, "third.test", 30, "enforce", 0);
	put_ranked(store, "first.test", 10, "", 1);
	assert_true(store_each_sts_due(store, 30, 0, 9, add_name, &ranked, &kit_err));
	assert_string_equal(ranked.text, "third.test stop.test ");
	assert_true(store_sts_next(store, 20, &next_ms, &kit_err) && next_ms == 30);
	assert_true(store_sts_next(store, 30, &next_ms, &kit_err) && next_ms == 0);
	assert_true(store_sts_thin(store, NOW_MS, 0, &kit_err));
	assert_true(store_each_sts(store, add_name, &all, &kit_err));
	assert_string_equal(all.text, "first.test kept.test none.test stop.test ");
	assert_true(store_sts_mail(store, 7, &kit_err)); /* of a deleted destination */
	assert_true(store_sts_thin(store, NOW_MS + 1, 0, &kit_err));
	assert_true(store_sts_mail_next(store, 0, &mail, &kit_err) && mail == 0);
	assert_true(store_each_sts(store, add_name, &left, &kit_err));
	assert_string_equal(left.text, "first.test kept.test stop.test ");
	store_close(store);
}

/* A policy that ended before, of a domain without mail since, and what is asked for one.
 */
static void
idle_ones_are_forgotten(void **state)
{
	struct store *store = kit_open("idle.db");
	struct names left = {""};

	(void)state;
	put(store, "ended.test", 30, 1);
	put(store, "unhad.test", 30, 0);
	put(store, "lives.test", 30, 1);
	put(store, "mailed.test", 30, 1);
	kit_run("idle.db",
	    "UPDATE sts SET txt = 'valid', tried_ms = 1, txt_ms = 1,"
	    " max_age_s = CASE domain WHEN 'lives.test' THEN 1000 ELSE 1 END,"
	    " mail_ms = CASE domain WHEN 'mailed.test' THEN 90000 ELSE 1 END");
	assert_true(store_sts_thin(store, 0, 1000, &kit_err));
	assert_true(store_each_sts(store, add_name, &left, &kit_err));
	assert_string_equal(left.text, "ended.test lives.test mailed.test unhad.test ");
	left.text[0] = '\0';
	assert_true(store_sts_thin(store, 0, 1002, &kit_err));
	assert_true(store_each_sts(store, add_name, &left, &kit_err));
	assert_string_equal(left.text, "lives.test mailed.test ");
	store_close(store);
}

static void
asked_no_sooner(void **state)
{
	struct store *store = kit_open("off.db");
	int64_t next_ms;

	(void)state;
	put(store, "a.test", 10, 0);
	put(store, "never.test", 0, 0);
	assert_true(store_sts_put_off(store, "a.test", 70, &kit_err));
	assert_true(store_sts_put_off(store, "never.test", 70, &kit_err));
	assert_true(store_sts_next(store, 20, &next_ms, &kit_err) && next_ms == 70);
	kit_assert(
	    "off.db", "SELECT next_ms FROM sts WHERE domain = 'never.test'", "0\n");
	store_close(store);
}

/* All spellings of a Policy Domain are judged anew, pins are not. */
static void
news_are_for_its_destinations(void **state)
{
	struct store *store = kit_scratch();
	int64_t id = kit_add(store, "d.test"), port = kit_add(store, "[d.test]:587");
	int64_t pin = kit_add(store, "D.example"), other = kit_add(store, "e.test");
	struct destination pinned = kit_get(store, "D.example");

	(void)state;
	destination_pin(&pinned, demand_of(LEVEL_MAY), 0, "", NOW_MS);
	kit_put(store, &pinned);
	assert_true(store_sts_key(store, id, "d.test", &kit_err) &&
	    store_sts_key(store, port, "e.test", &kit_err) &&
	    store_sts_key(store, port, "d.test", &kit_err) &&
	    store_sts_key(store, pin, "d.test", &kit_err) &&
	    store_sts_key(store, other, "e.test", &kit_err));
	assert_true(store_sts_news(store, "d.test", NOW_MS, &kit_err));
	assert_int_equal(kit_get(store, "d.test").look_ms, NOW_MS);
	assert_int_equal(kit_get(store, "[d.test]:587").look_ms, NOW_MS);
	assert_int_equal(kit_get(store, "e.test").look_ms, 0);
	assert_int_equal(kit_get(store, "D.example").look_ms, 0);
	store_close(store);
}

static void
mail_is_remembered_until_it_was_looked_at(void **state)
{
	struct store *store = kit_scratch();
	int64_t id;

	(void)state;
	assert_true(store_sts_mail_next(store, 0, &id, &kit_err) && id == 0);
	assert_true(
	    store_sts_mail(store, 7, &kit_err) && store_sts_mail(store, 7, &kit_err));
	assert_true(store_sts_mail_next(store, 0, &id, &kit_err) && id == 7);
	assert_true(store_sts_mail_next(store, 7, &id, &kit_err) && id == 0);
	assert_true(store_sts_mail_done(store, 7, &kit_err));
	assert_true(store_sts_mail_next(store, 0, &id, &kit_err) && id == 0);
	store_close(store);
}

int
main(void)
{
	kit_begin();
	suite_add(all_of_it_is_kept, NULL, "every field is there after a restart");
	suite_add(strange_words_are_no_policy, NULL,
	    "a word that is not known is neither policy nor pattern");
	suite_add(those_that_wait_come_in_turn, NULL,
	    "those that wait come in turn, and no policy is thinned");
	suite_add(idle_ones_are_forgotten, NULL,
	    "what ended, of domains without mail, is forgotten, and nothing that lives");
	suite_add(asked_no_sooner, NULL, "what is put off is asked no sooner");
	suite_add(news_are_for_its_destinations, NULL,
	    "another policy is news for every spelling of its domain");
	suite_add(mail_is_remembered_until_it_was_looked_at, NULL,
	    "mail is remembered until it was looked at");
	return kit_end(suite_run());
}
