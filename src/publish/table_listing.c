/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/table_listing.h"

#include <stdlib.h>

#include "base/mem.h"
#include "publish/table.h"
#include "publish/table_batch.h"

/* MariaDB takes names that differ in case for the same, and so may others write them. A
 * row of our own table that has another owner is not listed as one of ours. */
static bool
list_row(void *context, const struct rows_line *line, struct err *err)
{
	struct rows_row row = line->row;
	char key[ROWS_KEY_MAX + 1];

	if (line->key.len >= sizeof(key))
		return true;
	for (size_t i = 0; i < line->key.len; i++)
		key[i] = ascii_lower(line->key.p[i]);
	key[line->key.len] = '\0';
	if (row.owner.len > 0 && !rows_owner_parse(row.owner).is_ours)
		row.active = false;
	return !rows_is_key(str_of(key)) ||
	    store_listing_add(context, str_of(key), &row, err);
}

bool
table_listing_read(
    const struct publisher *p, struct store *store, int stop_fd, struct err *err)
{
	enum rows_class class;

	if (!store_listing_begin(store, err) || !store_begin_read(store, err))
		return false;
	if (table_list(p, list_row, store, &class, stop_fd, err) &&
	    store_commit(store, err))
		return true;
	store_rollback(store);
	return false;
}

/* --- restored? ---------------------------------------------------------------------- */

/* Counters of the state, of each table: since when it is being restored, and when one was
 * found to be last. */
#define RESTORING "restoring "
#define RESTORED  "restored "

struct comparison {
	struct store *store;
	struct buf name; /* of the publisher */
	struct buf texts;
	int64_t now_ms;
	struct published_survey survey;
	struct err *err;
	bool failed;
};

static bool
counter(const char *what, const struct publisher *p, struct store *store,
    const int64_t *put, int64_t *got, struct err *err)
{
	struct buf name = {0};
	bool done;

	buf_printf(&name, "%s", what);
	publisher_print_name(p, &name);
	done = put != NULL ? store_counter_set(store, buf_text(&name), *put, err)
	                   : store_counter_get(store, buf_text(&name), got, err);
	buf_clear(&name);
	return done;
}

static bool
survey(void *context, const struct published *p)
{
	struct comparison *c = context;
	struct rows_row row;
	bool found;

	c->failed = !store_listing_get(c->store, p->key, &c->texts, &row, &found, c->err);
	if (!c->failed)
		published_survey(&c->survey, p, found ? &row : NULL);
	return !c->failed;
}

bool
table_restored(const struct publisher *publisher, struct store *store, bool was_led,
    int64_t now_ms, bool *restored, struct err *err)
{
	struct comparison c = {.store = store, .err = err};
	int64_t since_ms;
	bool done;

	if (!counter(RESTORING, publisher, store, NULL, &since_ms, err))
		return false;
	*restored = since_ms != 0;
	if (*restored)
		return true;
	publisher_print_name(publisher, &c.name);
	done = store_each_published(
	           store, buf_text(&c.name), "", INT64_MAX, survey, &c, err) &&
	    !c.failed;
	if (was_led)
		c.survey.gone = 0;
	*restored = done && published_is_restored(&c.survey);
	if (*restored)
		done = counter(RESTORING, publisher, store, &now_ms, NULL, err) &&
		    counter(RESTORED, publisher, store, &now_ms, NULL, err);
	buf_clear(&c.name);
	buf_clear(&c.texts);
	return done;
}

bool
table_restored_over(
    const struct publisher *publisher, struct store *store, struct err *err)
{
	static const int64_t over = 0;

	return counter(RESTORING, publisher, store, &over, NULL, err);
}

bool
table_restored_ms(const struct publisher *publisher, struct store *store, int64_t *at_ms,
    struct err *err)
{
	return counter(RESTORED, publisher, store, NULL, at_ms, err);
}

static bool
own_row(void *context, const char *key, const struct rows_row *row)
{
	struct comparison *c = context;
	struct published p;

	c->failed = !store_published_get(c->store, buf_text(&c->name), key, &p, c->err);
	if (!c->failed && published_is_empty(&p) && published_restore(&p, row, c->now_ms))
		c->failed =
		    !store_published_put(c->store, buf_text(&c->name), &p, c->err);
	return !c->failed;
}

bool
table_restore_owned(const struct publisher *publisher, struct store *store,
    int64_t now_ms, struct err *err)
{
	struct comparison c = {.store = store, .now_ms = now_ms, .err = err};
	bool done = store_begin(store, err);

	if (!done)
		return false;
	publisher_print_name(publisher, &c.name);
	done = store_each_listed(store, own_row, &c, err) && !c.failed &&
	    store_commit(store, err);
	if (!done)
		store_rollback(store);
	buf_clear(&c.name);
	return done;
}

/* --- those that equal entries ------------------------------------------------------- */

struct search {
	const struct publisher *publisher;
	struct store *store;
	int64_t now_ms;
	struct buf name;
	struct buf texts;
	struct table_rows *rows;
	struct err *err;
	bool failed;
};

/* What it would be known as, if the row were written by us. */
static void
add_row(struct search *s, const char *key, const struct published_want *want,
    const struct rows_row *row)
{
	struct published *p;

	s->rows->items =
	    mem_array(s->rows->items, s->rows->count + 1, sizeof(*s->rows->items));
	p = &s->rows->items[s->rows->count];
	published_init(p, key);
	if (published_adopt(p, want, row, s->now_ms))
		s->rows->count++;
}

static bool
compare(void *context, const struct entry *entry)
{
	struct search *s = context;
	const struct published_want want = table_want(s->publisher, entry);
	struct published known;
	struct rows_row row;
	bool found;

	if (want.text.level[0] == '\0')
		return true;
	s->failed = !store_published_get(
	                s->store, buf_text(&s->name), entry->key, &known, s->err) ||
	    !store_listing_get(s->store, entry->key, &s->texts, &row, &found, s->err);
	if (!s->failed && found && known.state != PUBLISHED_OURS)
		add_row(s, entry->key, &want, &row);
	return !s->failed;
}

bool
table_listing_equal(const struct publisher *publisher, struct store *store,
    int64_t now_ms, struct table_rows *out, struct err *err)
{
	struct search s = {.publisher = publisher,
	    .store = store,
	    .now_ms = now_ms,
	    .rows = out,
	    .err = err};
	bool done;

	*out = (struct table_rows){.count = 0};
	publisher_print_name(publisher, &s.name);
	done = store_each_entry(store, compare, &s, err) && !s.failed;
	buf_clear(&s.name);
	buf_clear(&s.texts);
	return done;
}

void
table_rows_clear(struct table_rows *rows)
{
	free(rows->items);
	*rows = (struct table_rows){.count = 0};
}
