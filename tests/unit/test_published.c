/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose a row of a table is: the rules, and the two that write it, in any order. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "core/published.h"

#define NOW 1000000

static struct published_want
wants(const char *level, const char *attributes)
{
	struct published_want want = {.since_ms = NOW - 10, .lease_ms = NOW + 1000};

	str_copy(str_of(level), want.text.level, sizeof(want.text.level));
	str_copy(str_of(attributes), want.text.attributes, sizeof(want.text.attributes));
	return want;
}

static struct rows_row
row_of(const char *id, const char *level, const char *attributes, const char *modified)
{
	return (struct rows_row){.id = str_of(id),
	    .level = str_of(level),
	    .attributes = str_of(attributes),
	    .modified = str_of(modified),
	    .active = true};
}

static struct published
ours(const char *level)
{
	struct published p;
	struct published_want want = wants(level, "");
	struct rows_line line = {.word = ROWS_OURS, .row = row_of("7", level, "", "")};
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
	    .row = row_of("7", want->text.level, want->text.attributes, "then")};

	return published_answered(p, want, &step, &line, NOW);
}

static void
new_key_is_looked_at_first(void **state)
{
	struct published p;
	const struct published_want want = wants("may", "");
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
	const struct published_want want = wants("encrypt", "");

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
	struct published_want want = wants("may", "");

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
	const struct published_want want = wants("may", ""), other = wants("encrypt", "");
	const struct published_want none = {.lease_ms = 0};
	struct rows_row row = row_of("9", "may", "", "");
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
	const struct published_want want = wants("may", "");

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
	const struct published_want want = wants("may", ""), none = {.lease_ms = 0};
	struct rows_row row = row_of("7", "may", "", "");
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
	const struct published_want other = wants("encrypt", "a=9"),
	                            first = wants("encrypt", "");
	struct published p;

	(void)state;
	published_init(&p, "a.test");
	for (size_t i = 0; i < ROWS_INTENTS_MAX; i++) {
		const struct published_want want = wants("encrypt", attributes[i]);

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
	const struct published_want want = wants("may", ""), none = {.lease_ms = 0};
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
	const struct rows_row rows[] = {row_of("8", "may", "", ""),
	    row_of("7", "encrypt", "", ""), row_of("7", "may", "match=a.test", ""),
	    row_of("7", "may", "", "now"), {.id = STR("7"), .level = STR("may")}};
	const struct published_want want = wants("may", "");
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
	const struct published_want want = wants("may", ""), none = {.lease_ms = 0};
	struct rows_line line = {.word = ROWS_OURS, .key = STR("a.test")};
	enum published_step step = PUBLISHED_WANT;
	struct published p;

	(void)state;
	memset(modified, 'x', sizeof(modified));
	modified[sizeof(modified) - 1] = '\0';
	published_init(&p, "a.test");
	published_begin(&p, &want);
	line.row = row_of("7", "encrypt", "", "");
	assert_int_equal(
	    published_answered(&p, &want, &step, &line, NOW), PUBLISHED_IS_BUSY);
	line.row = row_of("7", "may", "match=a.test", "");
	assert_int_equal(
	    published_answered(&p, &want, &step, &line, NOW), PUBLISHED_IS_BUSY);
	line.row = row_of(longer, "may", "", "");
	assert_int_equal(
	    published_answered(&p, &want, &step, &line, NOW), PUBLISHED_IS_BUSY);
	line.row = row_of("7", "may", "", modified);
	assert_int_equal(
	    published_answered(&p, &want, &step, &line, NOW), PUBLISHED_IS_BUSY);
	line.row = row_of("7", "may", "", "");
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
	const struct published_want want = wants("may", "");
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

/* --- two at one row ---------------------------------------------------------------- */

/*
 * A row of a table, and who wrote last what it says: by that the model knows what nobody
 * is told. The helper is played by its contract. The administrator inserts, changes,
 * switches off, deletes; we want, change our mind, stop wanting, and end at any point,
 * between what is stored and what is answered.
 */
struct table_row {
	bool exists;
	bool active;
	bool is_ours;    /* we wrote all of it last */
	bool is_excused; /* he wrote just what we had begun to write, after we had */
	unsigned id;
	unsigned modified;
	struct published_text text;
};

struct game {
	uint32_t seed;
	struct table_row row;
	unsigned next_id, next_modified;
	struct published known;
	struct published_want want;
	int64_t now;
	bool rests;  /* the administrator */
	bool begins; /* we looked, and have not asked yet */
};

static unsigned
draw(struct game *g, unsigned below)
{
	g->seed = g->seed * 1664525u + 1013904223u;
	return (g->seed >> 8) % below;
}

static const char *const levels[] = {"may", "encrypt", "dane-only"};

static struct published_text
draw_text(struct game *g)
{
	return wants(levels[draw(g, 3)], draw(g, 2) ? "" : "match=a.test").text;
}

static void
administrator(struct game *g)
{
	switch (draw(g, 4)) {
	case 0:
		if (!g->row.exists)
			g->row = (struct table_row){
			    true, true, false, false, ++g->next_id, 0, draw_text(g)};
		break;
	case 1:
		if (g->row.exists) {
			g->row.text = draw_text(g);
			g->row.modified = ++g->next_modified;
			g->row.is_ours = false;
		}
		break;
	case 2:
		if (g->row.exists) {
			g->row.active = !g->row.active;
			g->row.modified = ++g->next_modified;
			g->row.is_ours = false;
		}
		break;
	default:
		g->row.exists = false;
	}
	g->row.is_excused = g->begins;
	for (unsigned i = 0; i < g->known.intent_count; i++)
		if (memcmp(&g->known.intents[i], &g->row.text, sizeof(g->row.text)) == 0)
			g->row.is_excused = true;
}

static void
print_number(unsigned n, char out[16])
{
	snprintf(out, 16, "%u", n);
}

static bool
equals(const struct table_row *row, const struct rows_line *line)
{
	return row->active && str_is(line->level, row->text.level) &&
	    str_is(line->attributes, row->text.attributes);
}

/* Is it the row that the line says is ours, or one that equals an intent? */
static bool
may_change(const struct game *g, const struct rows_item *item,
    const struct rows_request *request)
{
	char id[16], modified[16];

	print_number(g->row.id, id);
	print_number(g->row.modified, modified);
	if (item->line.has_row && !str_is(item->line.row.id, id))
		return false;
	for (unsigned i = 0; i < item->intent_count; i++)
		if (equals(&g->row, &request->intents[item->intent + i]))
			return true;
	return item->line.has_row && g->row.active && str_is(item->line.row.id, id) &&
	    str_is(item->line.row.level, g->row.text.level) &&
	    str_is(item->line.row.attributes, g->row.text.attributes) &&
	    (str_is(item->line.row.modified, modified) ||
	        (g->row.modified == 0 && item->line.row.modified.len == 0));
}

/* What the helper does; out: what it answers. */
static enum rows_word
helper(struct game *g, const struct rows_item *item, const struct rows_request *request)
{
	const struct rows_line *line = &item->line;
	struct published_text text = {.level = ""};

	if (line->word == ROWS_LOOK)
		return g->row.exists ? ROWS_THEIRS : ROWS_GONE;
	if (!g->row.exists) {
		if (line->word == ROWS_DROP || line->has_row)
			return ROWS_GONE;
		str_copy(line->level, text.level, sizeof(text.level));
		str_copy(line->attributes, text.attributes, sizeof(text.attributes));
		g->row =
		    (struct table_row){true, true, true, false, ++g->next_id, 0, text};
		return ROWS_OURS;
	}
	if (!may_change(g, item, request))
		return ROWS_THEIRS;
	/* Nothing of the administrator's is ever changed or dropped, unless he wrote just
	 * what we had begun to write. */
	assert_true(g->row.is_ours || g->row.is_excused);
	if (line->word == ROWS_DROP) {
		g->row.exists = false;
		return ROWS_GONE;
	}
	str_copy(line->level, text.level, sizeof(text.level));
	str_copy(line->attributes, text.attributes, sizeof(text.attributes));
	if (strcmp(text.level, g->row.text.level) != 0 ||
	    strcmp(text.attributes, g->row.text.attributes) != 0)
		g->row.modified = ++g->next_modified;
	g->row.text = text;
	g->row.is_ours = true;
	return ROWS_OURS;
}

/* One request of one key, cut short at a place that is drawn. True: to its end. */
static bool
ask(struct game *g, enum published_step *step)
{
	struct buf text = {0};
	struct rows_request request;
	struct rows_line line = {.key = str_of(g->known.key)};
	struct published before = g->known;
	enum published_step asked = *step;
	unsigned cut = draw(g, 8);
	char id[16], modified[16];
	bool begun = false;
	struct err err;

	published_print(&g->known, &g->want, *step, &text);
	buf_printf(&text, "end\n");
	if (*step == PUBLISHED_WANT)
		begun = published_begin(&g->known, &g->want);
	assert_true(
	    rows_request_parse((struct str){buf_text(&text), text.len}, &request, &err));
	if (cut == 0) {
		; /* we end before it is asked */
	} else if (cut == 1) {
		/* The database says that nothing stands. */
		if (begun)
			published_undone(&g->known, &g->want);
	} else {
		g->begins = begun;
		if (!g->rests && draw(g, 4) == 0)
			administrator(g); /* between the look and the change */
		g->begins = false;
		line.word = helper(g, &request.items[0], &request);
		print_number(g->row.id, id);
		print_number(g->row.modified, modified);
		line.row = row_of(id, g->row.text.level, g->row.text.attributes,
		    g->row.modified == 0 ? "" : modified);
		line.row.active = g->row.active;
	}
	rows_request_clear(&request);
	buf_clear(&text);
	if (cut <= 2)
		return false;
	if (published_answered(&g->known, &g->want, step, &line, g->now) ==
	    PUBLISHED_IS_VETOED)
		assert_true(before.row.level[0] != '\0' || asked == PUBLISHED_WANT);
	return true;
}

/* As table_batch does: a look first, and where that ends well the rest. */
static void
publish(struct game *g)
{
	enum published_step step = published_plan(&g->known, &g->want, g->now);

	if (step == PUBLISHED_LOOK && !ask(g, &step))
		return;
	if (step != PUBLISHED_REST && step != PUBLISHED_LOOK)
		ask(g, &step);
}

/* Is there nothing to do, but to see that all is as it was? */
static bool
is_settled(const struct game *g)
{
	return published_plan(&g->known, &g->want, g->now) == PUBLISHED_REST ||
	    (g->known.state == PUBLISHED_OURS && g->known.intent_count == 0 &&
	        memcmp(&g->known.row, &g->want.text, sizeof(g->known.row)) == 0) ||
	    g->known.state == PUBLISHED_THEIRS;
}

/* Nobody disturbs: after a few rounds the row is ours as wanted, or somebody else's, or
 * vetoed, or gone. */
static void
settle(struct game *g)
{
	for (int i = 0; i < 200 && (i < 30 || !is_settled(g)); i++)
		publish(g);
	assert_true(is_settled(g));
	if (g->want.text.level[0] == '\0') {
		/* What is left there is somebody else's. */
		assert_true(!g->row.exists || !g->row.is_ours);
	} else if (g->known.state == PUBLISHED_OURS) {
		assert_true(g->row.exists && g->row.active);
		assert_string_equal(g->row.text.level, g->want.text.level);
		assert_string_equal(g->row.text.attributes, g->want.text.attributes);
	} else if (g->known.state == PUBLISHED_VETOED) {
		assert_true(!g->row.exists || !g->row.is_ours);
	}
}

static void
play(unsigned seed)
{
	struct game g = {.seed = seed * 2654435761u, .now = NOW};

	published_init(&g.known, "a.test");
	g.want = wants("may", "");
	for (int i = 0; i < 12; i++) {
		g.now += draw(&g, 300);
		switch (draw(&g, 5)) {
		case 0:
			administrator(&g);
			break;
		case 1:
			g.want.text = draw_text(&g);
			break;
		case 2:
			g.want.text = (struct published_text){.level = ""};
			break;
		default:
			publish(&g);
		}
		assert_true(g.known.intent_count <= ROWS_INTENTS_MAX);
	}
	g.now += 2000;
	g.rests = true;
	for (int i = 0; i < 3; i++)
		publish(&g);
	settle(&g);
}

static void
two_write_one_row(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 10000; seed++)
		play(seed);
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
	suite_add(two_write_one_row, NULL,
	    "10,000 times two write one row, and none is lost or taken");
	for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++)
		suite_add(older_is, &stamps[i], "\"%s\" was \"%s\"", stamps[i].listed,
		    stamps[i].known);
	suite_add(few_that_are_gone, NULL,
	    "a few rows that are gone were deleted, most of them were lost");
	suite_add(owner_that_tells, NULL, "a row that is back is ours by its owner");
	return suite_run();
}
