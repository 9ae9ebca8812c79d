/* SPDX-License-Identifier: BSD-2-Clause */
/* The two that write a row of a table, in any order. */
#include "suite.h"

#include <string.h>

#include "core/published.h"
#include "rowkit.h"

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
	return rowkit_want(levels[draw(g, 3)], draw(g, 2) ? "" : "match=a.test").text;
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
		line.row = rowkit_row(id, g->row.text.level, g->row.text.attributes,
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
	g.want = rowkit_want("may", "");
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

int
main(void)
{
	suite_add(two_write_one_row, NULL,
	    "10,000 times two write one row, and none is lost or taken");
	return suite_run();
}
