/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

/* --- reading ----------------------------------------------------------------------- */

struct collector {
	struct entries *entries;
	size_t size;
};

static bool
collect(void *context, const struct destination *d)
{
	struct collector *c = context;

	/* A word that is no level, written by somebody else, would stop mail. */
	if (d->entry == LEVEL_UNKNOWN)
		return true;

	if (c->entries->count == c->size) {
		c->size = c->size > 0 ? c->size * 2 : 64;
		c->entries->items =
		    mem_array(c->entries->items, c->size, sizeof(*c->entries->items));
	}
	c->entries->items[c->entries->count++] = (struct entry){
	    .key = mem_strdup(d->key),
	    .attributes = mem_strdup(d->attributes),
	    .note = mem_strdup(d->note),
	    .level = d->entry,
	    .why = d->entry_why,
	    .pinned = d->pinned,
	    .since_ms = d->since_ms,
	    .look_ms = d->pinned ? d->pin_until_ms : d->look_ms,
	};
	return true;
}

/* Version and entries must be of one moment: the transaction holds writers off. */
bool
entries_read(struct store *store, struct entries *entries, int64_t *version, struct err *err)
{
	struct collector c = {.entries = entries};
	int64_t exported;

	*entries = (struct entries){0};
	if (!store_begin(store, err))
		return false;
	if (store_map_versions(store, version, &exported, err) &&
	    store_each_entry(store, collect, &c, err) && store_commit(store, err))
		return true;
	store_rollback(store);
	entries_clear(entries);
	return false;
}

void
entries_clear(struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++) {
		free(entries->items[i].key);
		free(entries->items[i].attributes);
		free(entries->items[i].note);
	}
	free(entries->items);
	*entries = (struct entries){0};
}

/* --- postmap ----------------------------------------------------------------------- */

struct map_entry *
map_lines(const struct entries *entries)
{
	struct map_entry *lines = mem_new(entries->count, sizeof(*lines));

	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *d = &entries->items[i];
		struct buf value = {0}, why = {0};

		buf_printf(&value, "%s%s%s", level_name(d->level),
		    d->attributes[0] != '\0' ? " " : "", d->attributes);
		buf_printf(&why, "%s: %s", why_slug(d->why), why_sentence(d->why));
		if (d->note[0] != '\0') {
			buf_printf(&why, " (");
			buf_add_visible(&why, str_of(d->note));
			buf_printf(&why, ")");
		}
		lines[i].key = d->key;
		lines[i].value = buf_take(&value);
		lines[i].why = buf_take(&why);
	}
	return lines;
}

void
map_lines_clear(struct map_entry *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free((void *)(uintptr_t)lines[i].value);
		free((void *)(uintptr_t)lines[i].why);
	}
	free(lines);
}

static void
print_postmap(const struct entries *entries, int64_t now_ms, struct buf *out)
{
	struct map_entry *lines = map_lines(entries);

	textmap_print(lines, entries->count, now_ms / 1000, out);
	map_lines_clear(lines, entries->count);
}

/* --- json, csv --------------------------------------------------------------------- */

/* RFC 3339 in UTC; "" for 0. */
static void
print_time(int64_t ms, char *out, size_t size)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (ms == 0 || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
}

static void
print_json(const struct entries *entries, int64_t now_ms, struct buf *out)
{
	(void)now_ms;
	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *d = &entries->items[i];
		char since[32], look[32];

		print_time(d->since_ms, since, sizeof(since));
		print_time(d->look_ms, look, sizeof(look));
		buf_printf(out, "{\"destination\":");
		buf_add_json(out, str_of(d->key));
		buf_printf(out, ",\"level\":\"%s\",\"attributes\":", level_name(d->level));
		buf_add_json(out, str_of(d->attributes));
		buf_printf(out, ",\"why\":\"%s\",\"since\":\"%s\",\"look_again\":",
		    why_slug(d->why), since);
		if (look[0] != '\0')
			buf_printf(out, "\"%s\"", look);
		else
			buf_printf(out, "null");
		buf_printf(out, ",\"pinned\":%s,\"note\":", d->pinned ? "true" : "false");
		buf_add_json(out, str_of(d->note));
		buf_printf(out, "}\n");
	}
}

/*
 * RFC 4180: quoted, quotes doubled. A spreadsheet runs a field that begins with one of
 * = + - @, so such a field gets an apostrophe.
 */
static void
add_csv(struct buf *out, const char *text)
{
	struct buf visible = {0};

	buf_add_visible(&visible, str_of(text));
	buf_add_char(out, '"');
	if (visible.len > 0 && strchr("=+-@", buf_text(&visible)[0]) != NULL)
		buf_add_char(out, '\'');
	for (const char *p = buf_text(&visible); *p != '\0'; p++) {
		if (*p == '"')
			buf_add_char(out, '"');
		buf_add_char(out, *p);
	}
	buf_add_char(out, '"');
	buf_clear(&visible);
}

static void
print_csv(const struct entries *entries, int64_t now_ms, struct buf *out)
{
	(void)now_ms;
	buf_printf(out, "destination,level,attributes,why,since,look_again,pinned,note\r\n");
	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *d = &entries->items[i];
		char since[32], look[32];

		print_time(d->since_ms, since, sizeof(since));
		print_time(d->look_ms, look, sizeof(look));
		add_csv(out, d->key);
		buf_printf(out, ",%s,", level_name(d->level));
		add_csv(out, d->attributes);
		buf_printf(out, ",%s,%s,%s,%s,", why_slug(d->why), since, look,
		    d->pinned ? "yes" : "no");
		add_csv(out, d->note);
		buf_printf(out, "\r\n");
	}
}

static const struct export_format formats[] = {
    {"postmap", print_postmap},
    {"json", print_json},
    {"csv", print_csv},
};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

const struct export_format *
export_find(const char *name)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

void
export_names(struct buf *out)
{
	for (size_t i = 0; i < FORMATS; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", formats[i].name);
}

bool
export_print(const struct export_format *format, struct store *store, int64_t now_ms,
    struct buf *out, struct err *err)
{
	struct entries entries;
	int64_t version;

	if (!entries_read(store, &entries, &version, err))
		return false;
	format->print(&entries, now_ms, out);
	entries_clear(&entries);
	return true;
}
