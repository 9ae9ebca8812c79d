/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/table_batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "publish/lead.h"
#include "publish/table.h"
#include "sys/log.h"

struct item {
	struct published known;
	struct published_want want;
	enum published_step step;
	bool begun;    /* its intent is a new one */
	bool restored; /* what is known was what the table lost */
};

struct table_batch {
	const struct publisher *publisher;
	struct store *store;
	bool is_read_here;
	int64_t now_ms;
	int stop_fd;
	struct buf name;
	struct buf holder; /* of the lease that a batch renews; "": none does */
	struct buf texts;  /* of a listed row */
	struct table_counts counts;
	struct item *items;
	size_t count;
	bool compares;   /* with a listing of all */
	bool restored;   /* ... of a table that lost what we wrote */
	bool is_reading; /* what is known is read in one snapshot, and not locked anew */
};

static void
end_reading(struct table_batch *b)
{
	if (b->is_reading)
		store_rollback(b->store);
	b->is_reading = false;
}

static bool
begin_reading(struct table_batch *b, struct err *err)
{
	if (!b->is_reading)
		b->is_reading = store_begin_read(b->store, err);
	return b->is_reading;
}

struct table_batch *
table_batch_new(const struct publisher *publisher, struct store *store, bool is_read_here,
    int64_t now_ms, int stop_fd)
{
	struct table_batch *b = mem_new(1, sizeof(*b));

	b->publisher = publisher;
	b->store = store;
	b->is_read_here = is_read_here;
	b->now_ms = now_ms;
	b->stop_fd = stop_fd;
	publisher_print_name(publisher, &b->name);
	b->items = mem_new(ROWS_ITEMS_MAX, sizeof(*b->items));
	return b;
}

void
table_batch_free(struct table_batch *b)
{
	if (b == NULL)
		return;
	end_reading(b);
	buf_clear(&b->name);
	buf_clear(&b->holder);
	buf_clear(&b->texts);
	free(b->items);
	free(b);
}

void
table_batch_compares(struct table_batch *b, bool restored)
{
	b->compares = true;
	b->restored = restored;
}

struct published_want
table_want(const struct publisher *p, const struct entry *entry)
{
	struct published_want want = {.lease_ms = 0};

	if (entry == NULL || entry->level == LEVEL_NONE ||
	    entry->level == LEVEL_UNKNOWN ||
	    published_bar(entry->key, entry->level, entry->attributes, p->lowest) !=
	        PUBLISHED_NO_BAR)
		return want;
	str_copy(
	    str_of(level_name(entry->level)), want.text.level, sizeof(want.text.level));
	str_copy(str_of(entry->attributes), want.text.attributes,
	    sizeof(want.text.attributes));
	want.is_pinned = entry->pinned;
	want.since_ms = entry->since_ms;
	want.lease_ms = entry->look_ms;
	return want;
}

/* --- what is known, stored --------------------------------------------------------- */

static bool
put(struct table_batch *b, const struct item *item, struct err *err)
{
	return store_published_put(b->store, buf_text(&b->name), &item->known, err);
}

/* Those that fn says are changed, in one transaction. */
static bool
put_some(struct table_batch *b, bool (*fn)(struct item *item), struct err *err)
{
	bool done = store_begin(b->store, err);

	for (size_t i = 0; done && i < b->count; i++)
		if (fn(&b->items[i]))
			done = put(b, &b->items[i], err);
	if (done && store_commit(b->store, err))
		return true;
	store_rollback(b->store);
	return false;
}

static bool
begin_item(struct item *item)
{
	item->begun =
	    item->step == PUBLISHED_WANT && published_begin(&item->known, &item->want);
	return item->begun;
}

static bool
undo_item(struct item *item)
{
	if (item->begun)
		published_undone(&item->known, &item->want);
	return item->begun;
}

/* --- the answers ------------------------------------------------------------------- */

static void
report(const struct table_batch *b, const struct item *item, enum published_news news)
{
	static const char *const says[] = {
	    [PUBLISHED_IS_THEIRS] = "a row of somebody else is there, and is left alone",
	    [PUBLISHED_IS_TAKEN] =
	        "our row was changed by somebody else, and is left alone from now on",
	    [PUBLISHED_IS_VETOED] =
	        ("our row was deleted by somebody else, and is not put "
	         "back before the lease of its entry ends"),
	    [PUBLISHED_IS_REFUSED] = "the database takes no such row",
	    [PUBLISHED_IS_BUSY] = NULL,
	};
	const char *text = says[news];
	struct buf key = {0};

	if (text == NULL)
		return;
	buf_add_quoted(&key, str_of(item->known.key));
	log_warning("destination=%s table=%s: %s%s%s", buf_text(&key),
	    b->publisher->login, text, news == PUBLISHED_IS_REFUSED ? ": " : "",
	    news == PUBLISHED_IS_REFUSED ? item->known.text : "");
	buf_clear(&key);
}

/* Somebody else's row is another map's answer: guard 5 is to see it. */
static bool
judge_anew(struct table_batch *b, const struct item *item, enum published_news news,
    struct err *err)
{
	return !b->is_read_here ||
	    (news != PUBLISHED_IS_THEIRS && news != PUBLISHED_IS_TAKEN) ||
	    store_look_at(b->store, item->known.key, b->now_ms, err);
}

static bool
take(struct table_batch *b, struct item *item, const struct rows_line *answer,
    struct err *err)
{
	struct published before = item->known;
	enum published_news news =
	    published_answered(&item->known, &item->want, &item->step, answer, b->now_ms);

	if (!b->compares && (news == PUBLISHED_IS_TAKEN || news == PUBLISHED_IS_VETOED)) {
		item->known = before;
		undo_item(item);
		b->counts.doubted++;
		return put(b, item, err);
	}
	if (news == PUBLISHED_IS_BUSY)
		b->counts.busy++;
	report(b, item, news);
	return put(b, item, err) && judge_anew(b, item, news, err);
}

static bool
is_asked(const struct item *item, bool looks)
{
	return item->step != PUBLISHED_REST && (item->step == PUBLISHED_LOOK) == looks;
}

static bool
take_answers(
    struct table_batch *b, bool looks, const struct rows_answer *answer, struct err *err)
{
	size_t at = 0;
	bool done = store_begin(b->store, err);

	for (size_t i = 0; done && i < b->count; i++)
		if (is_asked(&b->items[i], looks))
			done = take(b, &b->items[i], &answer->lines[at++], err);
	if (done && store_commit(b->store, err))
		return true;
	store_rollback(b->store);
	return false;
}

/* --- the exchanges ----------------------------------------------------------------- */

/* Who was no leader any more when it wrote has written nothing. */
static bool
print_lease(struct table_batch *b, struct buf *out, struct err *err)
{
	struct rows_line line = {.word = ROWS_RENEW, .seconds = LEAD_S};

	if (!lead_has_lease(b->publisher))
		return true;
	if (b->holder.len == 0 && !lead_print_name(b->store, &b->holder, err))
		return false;
	line.holder = str_of(buf_text(&b->holder));
	return rows_line_print(&line, out) ||
	    err_set(err, "\"%s\" cannot be asked for", buf_text(&b->holder));
}

static size_t
print(const struct table_batch *b, bool looks, struct buf *out)
{
	size_t count = 0;

	for (size_t i = 0; i < b->count; i++) {
		const struct item *item = &b->items[i];

		if (!is_asked(item, looks))
			continue;
		published_print(&item->known, &item->want, item->step, out);
		count++;
	}
	return count;
}

static bool
look(struct table_batch *b, struct err *err)
{
	struct table_exchange x = {.request = {0}};
	bool done = true;

	if (print(b, true, &x.request) > 0)
		done = table_ask(b->publisher, &x, b->stop_fd, err) &&
		    take_answers(b, true, &x.answer, err);
	table_exchange_clear(&x);
	return done;
}

/* An intent is printed only where it is from an earlier run: a row that equals what is
 * begun now, and is there before, is somebody else's. */
static bool
change(struct table_batch *b, struct err *err)
{
	struct table_exchange x = {.request = {0}};
	bool done = print_lease(b, &x.request, err);
	size_t count = done ? print(b, false, &x.request) : 0;

	done = done && (count == 0 || put_some(b, begin_item, err));

	if (done && count > 0) {
		struct err ignored;

		b->counts.asked += count;
		done = table_ask(b->publisher, &x, b->stop_fd, err);
		if (!done && x.answer.end == ROWS_FAILED)
			put_some(b, undo_item, &ignored);
		done = done && take_answers(b, false, &x.answer, err);
	}
	table_exchange_clear(&x);
	return done;
}

static bool
run(struct table_batch *b, struct err *err)
{
	bool done;

	end_reading(b);
	done = look(b, err) && change(b, err);
	b->count = 0;
	return done;
}

/* --- the keys ---------------------------------------------------------------------- */

static struct item *
begin(struct table_batch *b, const char *key, const struct published_want *want,
    struct err *err)
{
	struct item *item = &b->items[b->count];

	*item = (struct item){.want = *want, .step = PUBLISHED_REST};
	return begin_reading(b, err) &&
	        store_published_get(b->store, buf_text(&b->name), key, &item->known, err)
	    ? item
	    : NULL;
}

static bool
end(struct table_batch *b, const struct item *item, struct err *err)
{
	if (item->step != PUBLISHED_REST)
		b->count++;
	return b->count < ROWS_ITEMS_MAX || run(b, err);
}

bool
table_batch_add(struct table_batch *b, const char *key, const struct published_want *want,
    struct err *err)
{
	struct item *item;

	if (!rows_is_key(str_of(key)))
		return true;
	item = begin(b, key, want, err);
	if (item == NULL)
		return false;
	item->step = published_plan(&item->known, want, b->now_ms);
	return end(b, item, err);
}

/* What the listing tells of a key that is not to be asked for is stored at once. */
static bool
put_compared(struct table_batch *b, struct item *item, const struct published *before,
    enum published_news news, struct err *err)
{
	if (item->step != PUBLISHED_REST ||
	    (!item->restored && item->known.state == before->state &&
	        published_is_empty(&item->known) == published_is_empty(before)))
		return true;
	end_reading(b);
	report(b, item, news);
	return put(b, item, err) && judge_anew(b, item, news, err);
}

bool
table_batch_compare(struct table_batch *b, const char *key,
    const struct published_want *want, struct err *err)
{
	struct rows_row row;
	struct published before;
	enum published_news news;
	struct item *item;
	bool found;

	if (!rows_is_key(str_of(key)))
		return true;
	item = begin(b, key, want, err);
	if (item == NULL ||
	    !store_listing_get(b->store, key, &b->texts, &row, &found, err))
		return false;
	before = item->known;
	if (b->restored)
		item->restored =
		    published_restore(&item->known, found ? &row : NULL, b->now_ms);
	item->step =
	    published_compare(&item->known, want, found ? &row : NULL, &news, b->now_ms);
	return put_compared(b, item, &before, news, err) && end(b, item, err);
}

#define SLICE 500

struct keys {
	char items[SLICE][ROWS_KEY_MAX + 1];
	size_t count;
};

static bool
add_key(void *context, const struct published *p)
{
	struct keys *keys = context;

	str_copy(str_of(p->key), keys->items[keys->count++], ROWS_KEY_MAX + 1);
	return true;
}

typedef bool list_fn(struct store *store, const char *publisher, const char *after,
    int64_t most, published_fn *fn, void *context, struct err *err);
typedef bool key_fn(struct table_batch *b, const char *key,
    const struct published_want *want, struct err *err);

/* What is done changes what is listed: slice by slice. */
static bool
want_none_of(struct table_batch *b, list_fn *list, key_fn *key, struct err *err)
{
	const struct published_want none = table_want(b->publisher, NULL);
	struct keys *keys = mem_new(1, sizeof(*keys));
	char after[ROWS_KEY_MAX + 1] = "";
	bool done = true;

	do {
		keys->count = 0;
		done =
		    list(b->store, buf_text(&b->name), after, SLICE, add_key, keys, err);
		for (size_t i = 0; done && i < keys->count; i++)
			done = key(b, keys->items[i], &none, err);
		if (keys->count > 0)
			memcpy(after, keys->items[keys->count - 1], sizeof(after));
	} while (done && keys->count == SLICE);
	free(keys);
	return done;
}

bool
table_batch_drop_all(struct table_batch *b, struct err *err)
{
	return want_none_of(b, store_each_published, table_batch_add, err);
}

bool
table_batch_compare_unlisted(struct table_batch *b, struct err *err)
{
	return want_none_of(b, store_each_unlisted, table_batch_compare, err);
}

bool
table_batch_end(struct table_batch *b, struct table_counts *counts, struct err *err)
{
	bool done = run(b, err);

	*counts = b->counts;
	return done;
}
