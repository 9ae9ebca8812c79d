/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose a row of a table is, and what a table that was restored lost. */
#include "suite.h"

#include <string.h>

#include "core/published.h"
#include "rowkit.h"

static struct published
ours(const char *level)
{
	struct published p;
	struct published_want want = rowkit_want(level, "");
	struct rows_line line = {
	    .word = ROWS_OURS, .row = rowkit_row("7", level, "", "")};
	enum published_step step = PUBLISHED_WANT;

	published_init(&p, "a.test");
	published_begin(&p, &want);
	assert_int_equal(
	    published_answered(&p, &want, &step, &line, NOW), PUBLISHED_IS_IN_FORCE);
	assert_int_equal(p.state, PUBLISHED_OURS);
	assert_int_equal(p.intent_count, 0);
	return p;
}

static enum published_news
answer(struct published *p, const struct published_want *want, enum published_step step,
    enum rows_word word)
{
	struct rows_line line = {.word = word,
	    .key = str_of(p->key),
	    .text = STR("too long"),
	    .row = rowkit_row("7", want->text.level, want->text.attributes, "then")};

	return published_answered(p, want, &step, &line, NOW);
}

static void
new_key_is_looked_at_first(void **state)
{
	struct published p;
	const struct published_want want = rowkit_want("may", "");
	struct rows_line line = {.word = ROWS_GONE, .key = STR("a.test")};
	enum published_step step;

	(void)state;
	published_init(&p, "a.test");
	step = published_plan(&p, &want, NOW);
	assert_int_equal(step, PUBLISHED_LOOK);
	assert_int_equal(
	    published_answered(&p, &want, &step, &line, NOW), PUBLISHED_NO_NEWS);
	assert_int_equal(step, PUBLISHED_WANT);
	step = PUBLISHED_LOOK;
	line.word = ROWS_THEIRS;
	line.key = STR(".test"); /* a parent's: in nobody's way */
	published_answered(&p, &want, &step, &line, NOW);
	assert_int_equal(step, PUBLISHED_WANT);
	step = PUBLISHED_LOOK;
	line.key = STR("a.test");
	assert_int_equal(
	    published_answered(&p, &want, &step, &line, NOW), PUBLISHED_IS_THEIRS);
	assert_int_equal(step, PUBLISHED_REST);
	assert_int_equal(p.state, PUBLISHED_THEIRS);
	step = PUBLISHED_LOOK;
	assert_int_equal(published_answered(&p, &want, &step, &line, NOW),
	    PUBLISHED_NO_NEWS); /* said once */
}

static void
changed_row_is_his(void **state)
{
	struct published p = ours("may");
	const struct published_want want = rowkit_want("encrypt", "");

	(void)state;
	assert_int_equal(published_plan(&p, &want, NOW), PUBLISHED_LOOK);
	published_begin(&p, &want);
	assert_int_equal(
	    answer(&p, &want, PUBLISHED_WANT, ROWS_THEIRS), PUBLISHED_IS_TAKEN);
	assert_int_equal(p.state, PUBLISHED_THEIRS);
	assert_int_equal(p.intent_count, 0);
	assert_false(published_is_ours(&p, &(struct rows_row){.level = STR("may")}));
	/* No entry any more: there is nothing to drop. */
	assert_int_equal(published_plan(&p, &(struct published_want){.lease_ms = 0}, NOW),
	    PUBLISHED_REST);
}

static void
deleted_row_is_a_veto(void **state)
{
	struct published p = ours("may");
	struct published_want want = rowkit_want("may", "");

	(void)state;
	assert_int_equal(
	    answer(&p, &want, PUBLISHED_WANT, ROWS_GONE), PUBLISHED_IS_VETOED);
	assert_int_equal(p.state, PUBLISHED_VETOED);
	assert_int_equal(published_plan(&p, &want, NOW + 999), PUBLISHED_REST);
	assert_int_equal(published_plan(&p, &want, NOW + 1000), PUBLISHED_LOOK);
	want.is_pinned = true;
	assert_int_equal(published_plan(&p, &want, NOW), PUBLISHED_REST);
	want.since_ms = NOW + 1;
	assert_int_equal(published_plan(&p, &want, NOW + 2), PUBLISHED_LOOK);
	/* A pin without end is vetoed for good. */
	p = ours("may");
	want.lease_ms = 0;
	want.since_ms = NOW - 1;
	answer(&p, &want, PUBLISHED_WANT, ROWS_GONE);
	assert_int_equal(published_plan(&p, &want, INT64_MAX - 1), PUBLISHED_REST);
}

static void
begun_row_is_ours_later(void **state)
{
	struct published p;
	const struct published_want want = rowkit_want("may", ""),
	                            other = rowkit_want("encrypt", "");
	const struct published_want none = {.lease_ms = 0};
	struct rows_row row = rowkit_row("9", "may", "", "");
	struct buf out = {0};

	(void)state;
	published_init(&p, "a.test");
	assert_true(published_begin(&p, &want));
	assert_false(published_begin(&p, &want));
	assert_true(published_is_ours(&p, &row));
	row.active = false;
	assert_false(published_is_ours(&p, &row));
	assert_int_equal(published_plan(&p, &other, NOW), PUBLISHED_LOOK);
	published_print(&p, &other, PUBLISHED_WANT, &out);
	assert_string_equal(
	    buf_text(&out), "intent\ta.test\tmay\t-\nwant\ta.test\tencrypt\t-\n");
	assert_int_equal(published_plan(&p, &none, NOW), PUBLISHED_DROP);
	buf_reset(&out);
	published_print(&p, &none, PUBLISHED_DROP, &out);
	assert_string_equal(buf_text(&out), "intent\ta.test\tmay\t-\ndrop\ta.test\n");
	assert_int_equal(
	    answer(&p, &none, PUBLISHED_DROP, ROWS_GONE), PUBLISHED_IS_IN_FORCE);
	assert_true(published_is_empty(&p));
	/* Nothing stands of it: it is no intent any more. */
	published_begin(&p, &want);
	published_undone(&p, &want);
	assert_true(published_is_empty(&p));
	buf_clear(&out);
}

static void
refusal_is_said_once(void **state)
{
	struct published p;
	const struct published_want want = rowkit_want("may", "");

	(void)state;
	published_init(&p, "a.test");
	published_begin(&p, &want);
	assert_int_equal(
	    answer(&p, &want, PUBLISHED_WANT, ROWS_REFUSED), PUBLISHED_IS_REFUSED);
	assert_string_equal(p.text, "too long");
	assert_int_equal(
	    answer(&p, &want, PUBLISHED_WANT, ROWS_REFUSED), PUBLISHED_NO_NEWS);
	assert_int_equal(answer(&p, &want, PUBLISHED_WANT, ROWS_BUSY), PUBLISHED_IS_BUSY);
	assert_int_equal(
	    answer(&p, &want, PUBLISHED_WANT, ROWS_OURS), PUBLISHED_IS_IN_FORCE);
	assert_int_equal(p.state, PUBLISHED_OURS);
	assert_string_equal(p.text, "");
}

static void
listing_tells_what_to_ask(void **state)
{
	struct published p = ours("may"), unknown;
	const struct published_want want = rowkit_want("may", ""), none = {.lease_ms = 0};
	struct rows_row row = rowkit_row("7", "may", "", "");
	enum published_news news;

	(void)state;
	assert_int_equal(published_compare(&p, &want, &row, &news, NOW), PUBLISHED_REST);
	assert_int_equal(published_compare(&p, &none, &row, &news, NOW), PUBLISHED_DROP);
	assert_int_equal(published_compare(&p, &want, NULL, &news, NOW), PUBLISHED_WANT);
	row.modified = STR("2026-11-28 10:00:00");
	assert_int_equal(published_compare(&p, &want, &row, &news, NOW), PUBLISHED_WANT);
	published_init(&unknown, "b.test");
	assert_int_equal(
	    published_compare(&unknown, &want, NULL, &news, NOW), PUBLISHED_WANT);
	assert_int_equal(
	    published_compare(&unknown, &want, &row, &news, NOW), PUBLISHED_REST);
	assert_int_equal(unknown.state, PUBLISHED_THEIRS);
	assert_int_equal(news, PUBLISHED_IS_THEIRS);
	assert_int_equal(
	    published_compare(&unknown, &want, NULL, &news, NOW), PUBLISHED_WANT);
	assert_int_equal(
	    published_compare(&unknown, &none, &row, &news, NOW), PUBLISHED_REST);
	assert_true(published_is_empty(&unknown));
}

static void
some_are_in_no_table(void **state)
{
	char attributes[300];

	(void)state;
	memset(attributes, 'x', sizeof(attributes));
	attributes[255] = '\0';
	assert_int_equal(
	    published_bar("a.test", LEVEL_MAY, attributes, LEVEL_MAY), PUBLISHED_NO_BAR);
	attributes[255] = 'x';
	attributes[256] = '\0';
	assert_int_equal(published_bar("a.test", LEVEL_MAY, attributes, LEVEL_MAY),
	    PUBLISHED_BAR_LONG);
	assert_int_equal(published_bar("b\xc3\xbc"
	                               "cher.test",
	                     LEVEL_MAY, "", LEVEL_MAY),
	    PUBLISHED_BAR_KEY);
	assert_int_equal(
	    published_bar("a.test", LEVEL_MAY, "", LEVEL_ENCRYPT), PUBLISHED_BAR_WEAK);
	assert_int_equal(published_bar("a.test", LEVEL_DANE, "", LEVEL_ENCRYPT),
	    PUBLISHED_BAR_WEAK); /* it allows cleartext */
	assert_int_equal(
	    published_bar("a.test", LEVEL_ENCRYPT, "", LEVEL_ENCRYPT), PUBLISHED_NO_BAR);
	assert_int_equal(
	    published_bar("[192.0.2.1]:587", LEVEL_DANE_ONLY, "", LEVEL_VERIFY),
	    PUBLISHED_NO_BAR);
}

static void
states_have_names(void **state)
{
	enum published_state parsed;

	(void)state;
	for (enum published_state s = PUBLISHED_NONE; s < PUBLISHED_STATE_COUNT; s++) {
		assert_true(
		    published_state_parse(str_of(published_state_name(s)), &parsed));
		assert_int_equal(parsed, s);
	}
	assert_false(published_state_parse(STR("other"), &parsed));
	assert_int_equal(parsed, PUBLISHED_NONE);
}

/* As it could be stored: a row of which nothing is known but what it says. */
static void
what_is_known_is_not_empty(void **state)
{
	struct published p = ours("may");

	(void)state;
	assert_false(published_is_empty(&p));
	p.state = PUBLISHED_NONE;
	assert_false(published_is_empty(&p));
	published_init(&p, "a.test");
	assert_true(published_is_empty(&p));
	p.state = PUBLISHED_VETOED;
	assert_false(published_is_empty(&p));
}

/* There is no room for another: all that was begun is settled first. */
static void
intents_are_bounded(void **state)
{
	static const char *const attributes[ROWS_INTENTS_MAX + 1] = {
	    "", "a=1", "a=2", "a=3", "a=4", "a=5", "a=6", "a=7", "a=8"};
	const struct published_want other = rowkit_want("encrypt", "a=9"),
	                            first = rowkit_want("encrypt", "");
	struct published p;

	(void)state;
	published_init(&p, "a.test");
	for (size_t i = 0; i < ROWS_INTENTS_MAX; i++) {
		const struct published_want want = rowkit_want("encrypt", attributes[i]);

		assert_true(published_begin(&p, &want));
	}
	assert_int_equal(published_plan(&p, &other, NOW), PUBLISHED_DROP);
	assert_int_equal(published_plan(&p, &first, NOW), PUBLISHED_WANT);
	assert_int_equal(
	    answer(&p, &other, PUBLISHED_DROP, ROWS_GONE), PUBLISHED_IS_BUSY);
	assert_true(published_is_empty(&p));
	/* What was begun is no more than what is undone. */
	published_undone(&p, &other);
	published_begin(&p, &first);
	published_undone(&p, &other);
	assert_int_equal(p.intent_count, 1);
}

/* A veto stands while what was begun before it is taken away. */
static void
veto_outlasts_what_was_begun(void **state)
{
	struct published p = ours("may");
	const struct published_want want = rowkit_want("may", ""), none = {.lease_ms = 0};
	enum published_news news;

	(void)state;
	answer(&p, &want, PUBLISHED_WANT, ROWS_GONE);
	p.intents[p.intent_count++] = want.text;
	assert_int_equal(published_plan(&p, &want, NOW), PUBLISHED_DROP);
	assert_int_equal(
	    answer(&p, &want, PUBLISHED_DROP, ROWS_GONE), PUBLISHED_IS_IN_FORCE);
	assert_int_equal(p.state, PUBLISHED_VETOED);
	assert_int_equal(p.until_ms, NOW + 1000);
	assert_int_equal(p.intent_count, 0);
	/* Nobody wants it: it is forgotten when it is over. */
	assert_int_equal(published_compare(&p, &none, NULL, &news, NOW), PUBLISHED_REST);
	assert_int_equal(p.state, PUBLISHED_VETOED);
	assert_int_equal(
	    published_compare(&p, &none, NULL, &news, NOW + 1000), PUBLISHED_REST);
	assert_true(published_is_empty(&p));
}

/* A row that is not as it was read is asked for. */
static void
row_that_changed_is_asked_for(void **state)
{
	const struct rows_row rows[] = {rowkit_row("8", "may", "", ""),
	    rowkit_row("7", "encrypt", "", ""),
	    rowkit_row("7", "may", "match=a.test", ""), rowkit_row("7", "may", "", "now"),
	    {.id = STR("7"), .level = STR("may")}};
	const struct published_want want = rowkit_want("may", "");
	enum published_news news;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct published p = ours("may");

		assert_int_equal(
		    published_compare(&p, &want, &rows[i], &news, NOW), PUBLISHED_WANT);
		assert_int_equal(p.state, PUBLISHED_OURS);
		p.state = PUBLISHED_REFUSED;
		assert_int_equal(
		    published_compare(&p, &want,
		        &(struct rows_row){
		            .id = STR("7"), .level = STR("may"), .active = true},
		        &news, NOW),
		    PUBLISHED_WANT);
	}
}

/* What the helper says that it was not to say is as if it had said nothing. */
static void
odd_answers_are_busy(void **state)
{
	static const char longer[] = "123456789012345678901";
	char modified[ROWS_MODIFIED_MAX + 2];
	const struct published_want want = rowkit_want("may", ""), none = {.lease_ms = 0};
	struct rows_line line = {.word = ROWS_OURS, .key = STR("a.test")};
	enum published_step step = PUBLISHED_WANT;
	struct published p;

	(void)state;
	memset(modified, 'x', sizeof(modified));
	modified[sizeof(modified) - 1] = '\0';
	published_init(&p, "a.test");
	published_begin(&p, &want);
	line.row = rowkit_row("7", "encrypt", "", "");
	assert_int_equal(
	    published_answered(&p, &want, &step, &line, NOW), PUBLISHED_IS_BUSY);
	line.row = rowkit_row("7", "may", "match=a.test", "");
	assert_int_equal(
	    published_answered(&p, &want, &step, &line, NOW), PUBLISHED_IS_BUSY);
	line.row = rowkit_row(longer, "may", "", "");
	assert_int_equal(
	    published_answered(&p, &want, &step, &line, NOW), PUBLISHED_IS_BUSY);
	line.row = rowkit_row("7", "may", "", modified);
	assert_int_equal(
	    published_answered(&p, &want, &step, &line, NOW), PUBLISHED_IS_BUSY);
	line.row = rowkit_row("7", "may", "", "");
	assert_int_equal(
	    published_answered(&p, &none, &step, &line, NOW), PUBLISHED_IS_BUSY);
	assert_false(
	    published_adopt(&p, &want, &(struct rows_row){.level = STR("may")}, NOW));
	assert_int_equal(p.state, PUBLISHED_NONE);
	assert_int_equal(p.intent_count, 1);
	line.word = ROWS_BUSY;
	step = PUBLISHED_LOOK;
	assert_int_equal(
	    published_answered(&p, &want, &step, &line, NOW), PUBLISHED_IS_BUSY);
	assert_int_equal(step, PUBLISHED_REST);
	assert_true(published_adopt(&p, &want, &line.row, NOW));
	assert_int_equal(p.state, PUBLISHED_OURS);
	assert_false(published_begin(&p, &want)); /* it stands there already */
	assert_false(published_begin(&p, &none));
}

static void
long_refusal_is_cut(void **state)
{
	char text[2 * PUBLISHED_TEXT_SIZE];
	const struct published_want want = rowkit_want("may", "");
	struct rows_line line = {.word = ROWS_REFUSED, .text = {text, sizeof(text)}};
	enum published_step step = PUBLISHED_WANT;
	struct published p;

	(void)state;
	memset(text, 'x', sizeof(text));
	published_init(&p, "a.test");
	assert_int_equal(
	    published_answered(&p, &want, &step, &line, NOW), PUBLISHED_IS_REFUSED);
	assert_int_equal(strlen(p.text), PUBLISHED_TEXT_SIZE - 1);
}

/* --- tables that were restored ------------------------------------------------------ */

static struct published
ours_of(const char *modified)
{
	struct published p;

	published_init(&p, "a.test");
	p.state = PUBLISHED_OURS;
	str_copy(STR("7"), p.id, sizeof(p.id));
	str_copy(STR("encrypt"), p.row.level, sizeof(p.row.level));
	str_copy(str_of(modified), p.modified, sizeof(p.modified));
	return p;
}

/* Owner "": a table that notes none. */
static const struct stamps {
	const char *known, *listed, *owner, *id;
	bool older;
} stamps[] = {
    {"2026-01-02 03:04:05.000002", "2026-01-02 03:04:05.000001", "tlsladder", "7", true},
    {"2026-01-02 03:04:05.000002", "2026-01-02 03:04:05.000003", "tlsladder", "7", false},
    {"2026-01-02 03:04:05", "", "", "7", true},
    {"", "2026-01-02 03:04:05", "", "7", false},
    {"", "", "", "7", false},
    {"2026-01-02 03:04:05", "2026-01-02 01:04:04", "", "7", true},
    /* Clocks of a place are set back in autumn. */
    {"2026-01-02 03:04:05", "2026-01-02 01:04:06", "", "7", false},
    {"2026-01-02 03:04:05", "0000-00-00 00:00:00", "", "7", false},
    /* He deleted ours, and made one. */
    {"2026-01-02 03:04:05", "", "", "8", false},
};

static void
older_is(void **state)
{
	const struct stamps *s = *state;
	const struct rows_row row = {.id = str_of(s->id),
	    .level = STR("may"),
	    .modified = str_of(s->listed),
	    .owner = str_of(s->owner),
	    .active = true};
	struct published p = ours_of(s->known);
	struct published_survey survey = {0};

	published_survey(&survey, &p, &row);
	assert_int_equal(survey.known, 1);
	assert_int_equal(survey.older, s->older ? 1 : 0);
	assert_true(published_is_restored(&survey) == s->older);
	assert_true(published_restore(&p, &row, 1) == s->older);
	assert_string_equal(p.row.level, s->older ? "may" : "encrypt");
	assert_true(p.state == PUBLISHED_OURS);
}

static void
few_that_are_gone(void **state)
{
	struct published p = ours_of("");

	(void)state;
	assert_true(published_is_restored(&(struct published_survey){6, 3, 0}));
	assert_true(published_is_restored(&(struct published_survey){3, 3, 0}));
	assert_false(published_is_restored(&(struct published_survey){2, 2, 0}));
	assert_false(published_is_restored(&(struct published_survey){1000, 499, 0}));
	assert_false(published_is_restored(&(struct published_survey){0, 0, 0}));
	assert_true(published_restore(&p, NULL, 1));
	assert_true(published_is_empty(&p));
}

/* Of what nothing is known the owner tells, and nothing else. */
static void
owner_that_tells(void **state)
{
	struct rows_row row = {.level = STR("may"),
	    .modified = STR("2026-01-02 03:04:05.000001"),
	    .owner = STR("tlsladder"),
	    .active = true};
	struct published p;

	(void)state;
	published_init(&p, "a.test");
	assert_true(published_restore(&p, &row, 1));
	assert_true(p.state == PUBLISHED_OURS);
	published_init(&p, "a.test");
	row.owner = STR("");
	assert_false(published_restore(&p, &row, 1));
	row.owner = STR("administrator");
	assert_false(published_restore(&p, &row, 1));
	row.owner = STR("tlsladder");
	p.state = PUBLISHED_VETOED;
	assert_false(published_restore(&p, &row, 1));
}

int
main(void)
{
	suite_add(new_key_is_looked_at_first, NULL,
	    "a key that nothing is known of is looked at first");
	suite_add(changed_row_is_his, NULL, "a row that he changed is his");
	suite_add(deleted_row_is_a_veto, NULL, "a row that he deleted is a veto");
	suite_add(begun_row_is_ours_later, NULL, "a row that we began to write is ours");
	suite_add(states_have_names, NULL, "each state has its name");
	suite_add(what_is_known_is_not_empty, NULL, "what is known is not empty");
	suite_add(intents_are_bounded, NULL, "no more than eight are begun");
	suite_add(veto_outlasts_what_was_begun, NULL,
	    "a veto stands while what was begun is taken away");
	suite_add(row_that_changed_is_asked_for, NULL, "a row that changed is asked for");
	suite_add(
	    odd_answers_are_busy, NULL, "an answer to something else changes nothing");
	suite_add(long_refusal_is_cut, NULL, "the words of a refusal are cut");
	suite_add(refusal_is_said_once, NULL, "a refusal is said once");
	suite_add(listing_tells_what_to_ask, NULL, "a listing tells what to ask");
	suite_add(some_are_in_no_table, NULL, "some entries are in no table");
	for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++)
		suite_add(older_is, &stamps[i], "\"%s\" was \"%s\"", stamps[i].listed,
		    stamps[i].known);
	suite_add(few_that_are_gone, NULL,
	    "a few rows that are gone were deleted, most of them were lost");
	suite_add(owner_that_tells, NULL, "a row that is back is ours by its owner");
	return suite_run();
}
