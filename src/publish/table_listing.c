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
