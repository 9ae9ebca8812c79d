/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/table_guard.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "postfix/postfix.h"
#include "publish/table.h"
#include "store/store_published.h"

#define BUSY_MS 10000

unsigned
table_guard_take(const struct config *config, char **maps, size_t *first)
{
	unsigned named = 0;

	for (size_t i = 0; i < config->publish.count; i++) {
		const char *map = config->publish.items[i].map;

		if (*map == '\0' || !postfix_maps_drop(maps, map))
			continue;
		if (named == 0)
			*first = i;
		named |= 1U << i;
	}
	return named;
}

struct guard {
	const struct publisher *publisher;
	struct buf name;
	struct store *store;
	const char *const *keys;
	enum answer *answers;
	size_t *asked; /* the indices of what the request has */
	size_t count;
};

/* The row that Postfix finds, if it is one: a parent's may be a pin of ours. */
static bool
take_line(
    struct guard *g, const struct rows_line *line, enum answer *answer, struct err *err)
{
	char key[ROWS_KEY_MAX + 1];
	struct published p;

	if (line->word != ROWS_THEIRS) {
		if (line->word != ROWS_GONE && *answer == ANSWER_NO)
			*answer = ANSWER_UNSURE;
		return true;
	}
	if (!str_copy(line->key, key, sizeof(key)))
		return true;
	if (!store_published_get(g->store, buf_text(&g->name), key, &p, err))
		return false;
	if (!published_is_ours(&p, &line->row))
		*answer = ANSWER_YES;
	return true;
}

static bool
ask_some(struct guard *g, struct err *err)
{
	struct table_exchange x = {.request = {0}};
	bool done;

	for (size_t i = 0; i < g->count; i++) {
		const struct rows_line line = {
		    .word = ROWS_LOOK, .key = str_of(g->keys[g->asked[i]])};

		rows_line_print(&line, &x.request);
	}
	done = table_ask(g->publisher, &x, 0, err);
	for (size_t i = 0; done && i < g->count; i++)
		done = take_line(g, &x.answer.lines[i], &g->answers[g->asked[i]], err);
	for (size_t i = 0; !done && i < g->count; i++)
		if (g->answers[g->asked[i]] == ANSWER_NO)
			g->answers[g->asked[i]] = ANSWER_UNSURE;
	table_exchange_clear(&x);
	g->count = 0;
	return done;
}

/* Keys that no table of ours can have may be in it by somebody else, and MariaDB would
 * find them for others: nobody can tell. They are left to those who ask smtp(8)'s way. */
static bool
ask_table(struct guard *g, size_t count, struct err *err)
{
	bool done = true;

	for (size_t i = 0; i < count; i++) {
		struct err now;

		if (rows_is_key(str_of(g->keys[i])))
			g->asked[g->count++] = i;
		if (g->count > 0 && (g->count == ROWS_ITEMS_MAX || i + 1 == count) &&
		    !ask_some(g, &now)) {
			*err = now;
			done = false;
		}
	}
	return done;
}

bool
table_guard_ask(const void *context, const char *const *keys, size_t count,
    enum answer *answers, struct err *err)
{
	const struct table_guard *guard = context;
	struct guard g = {.keys = keys, .answers = answers};
	bool done = true;

	/* Where there is no state nothing is ours, and none is made. */
	g.store = store_open(
	    access(guard->config->state, F_OK) == 0 ? guard->config->state : ":memory:",
	    BUSY_MS, err);
	if (g.store == NULL) {
		for (size_t i = 0; i < count; i++)
			if (answers[i] == ANSWER_NO)
				answers[i] = ANSWER_UNSURE;
		return false;
	}
	g.asked = mem_new(ROWS_ITEMS_MAX, sizeof(*g.asked));
	for (size_t i = 0; i < guard->config->publish.count; i++) {
		if ((guard->named & 1U << i) == 0)
			continue;
		g.publisher = &guard->config->publish.items[i];
		buf_reset(&g.name);
		publisher_print_name(g.publisher, &g.name);
		done = ask_table(&g, count, err) && done;
	}
	buf_clear(&g.name);
	free(g.asked);
	store_close(g.store);
	return done;
}
