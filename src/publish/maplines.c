/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/maplines.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utc.h"

/* A pin whose text does not say otherwise is one for good: mapread.c reads it back. */
static void
add_end(const struct entry *d, struct buf *why)
{
	char when[UTC_SIZE];

	if (d->why != WHY_PINNED && d->why != WHY_UNDONE)
		return;
	if (!d->pinned)
		buf_printf(why, MAPLINES_ENDED);
	else if (d->look_ms > 0 && utc_print(d->look_ms / 1000, when))
		buf_printf(why, MAPLINES_UNTIL "%s", when);
}

/* A byte that is not visible is written as \xNN, and so is a backslash that would be read
 * as the beginning of one: mapread.c makes bytes of them again. */
static void
add_note(const char *note, struct buf *why)
{
	const char *mark;

	while ((mark = strstr(note, "\\x")) != NULL) {
		buf_add_visible(why, (struct str){note, (size_t)(mark - note)});
		buf_printf(why, "\\x5c");
		note = mark + 1;
	}
	buf_add_visible(why, str_of(note));
}

struct map_entry
maplines_of(const struct entry *d, struct buf *value, struct buf *why)
{
	buf_reset(value);
	buf_reset(why);
	buf_printf(value, "%s%s%s", level_name(d->level),
	    d->attributes[0] != '\0' ? " " : "", d->attributes);
	buf_printf(why, "%s: %s", why_slug(d->why), why_sentence(d->why));
	add_end(d, why);
	if (d->note[0] != '\0') {
		buf_printf(why, " (");
		add_note(d->note, why);
		buf_printf(why, ")");
	}
	return (struct map_entry){
	    .key = d->key, .value = buf_text(value), .why = buf_text(why)};
}

struct lines {
	map_entry_fn *take;
	void *taker;
	struct buf value;
	struct buf why;
	struct err *err;
	bool failed;
};

static bool
take_line(void *context, const struct entry *d)
{
	struct lines *lines = context;
	struct map_entry line;

	if (d->level == LEVEL_UNKNOWN)
		return true;
	line = maplines_of(d, &lines->value, &lines->why);
	lines->failed = !lines->take(lines->taker, &line, lines->err);
	return !lines->failed;
}

bool
maplines_each(void *store, map_entry_fn *take, void *taker, struct err *err)
{
	struct lines lines = {.take = take, .taker = taker, .err = err};
	bool done = store_each_entry(store, take_line, &lines, err);

	buf_clear(&lines.value);
	buf_clear(&lines.why);
	return done && !lines.failed;
}

static bool
take_change(void *context, const struct entry *d)
{
	struct changes *changes = context;
	struct map_entry *change = &changes->items[changes->count];
	struct buf value = {0}, why = {0};

	changes->too_many =
	    changes->count == CHANGES_MAX || changes->bytes > CHANGES_BYTES_MAX;
	if (changes->too_many)
		return false;
	*change = (struct map_entry){.key = mem_strdup(d->key)};
	changes->count++;
	changes->bytes += strlen(d->key);
	if (d->level == LEVEL_NONE || d->level == LEVEL_UNKNOWN)
		return true;
	maplines_of(d, &value, &why);
	changes->bytes += value.len + why.len;
	change->value = buf_take(&value);
	change->why = buf_take(&why);
	return true;
}

bool
changes_read(
    struct store *store, int64_t version, struct changes *changes, struct err *err)
{
	*changes = (struct changes){.count = 0};
	return store_each_change(store, version, take_change, changes, err);
}

void
changes_clear(struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		free((void *)(uintptr_t)changes->items[i].key);
		free((void *)(uintptr_t)changes->items[i].value);
		free((void *)(uintptr_t)changes->items[i].why);
	}
	changes->count = 0;
}
