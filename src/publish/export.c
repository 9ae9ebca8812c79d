/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/export.h"

#include <string.h>

#include "base/utc.h"
#include "publish/maplines.h"

#define PIECE 65536 /* bytes passed on at once */

/* --- postmap ----------------------------------------------------------------------- */

static void
postmap_head(size_t count, int64_t now_ms, struct buf *out)
{
	textmap_print_head(count, now_ms / 1000, out);
}

static void
postmap_entry(const struct entry *d, struct buf *out)
{
	struct buf value = {0}, why = {0};
	struct map_entry line = maplines_of(d, &value, &why);

	textmap_print_entry(&line, out);
	buf_clear(&value);
	buf_clear(&why);
}

/* --- json, csv --------------------------------------------------------------------- */

/* "" for 0. */
static void
print_time(int64_t ms, char out[UTC_SIZE])
{
	out[0] = '\0';
	if (ms != 0)
		(void)utc_print(ms / 1000, out);
}

static void
json_entry(const struct entry *d, struct buf *out)
{
	char since[UTC_SIZE], look[UTC_SIZE];

	print_time(d->since_ms, since);
	print_time(d->look_ms, look);
	buf_printf(out, "{\"destination\":");
	buf_add_json(out, str_of(d->key));
	buf_printf(out, ",\"level\":\"%s\",\"attributes\":", level_name(d->level));
	buf_add_json(out, str_of(d->attributes));
	buf_printf(out,
	    ",\"why\":\"%s\",\"since\":\"%s\",\"look_again\":", why_slug(d->why), since);
	if (look[0] != '\0')
		buf_printf(out, "\"%s\"", look);
	else
		buf_printf(out, "null");
	buf_printf(out, ",\"pinned\":%s,\"note\":", d->pinned ? "true" : "false");
	buf_add_json(out, str_of(d->note));
	buf_printf(out, "}\n");
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
csv_head(size_t count, int64_t now_ms, struct buf *out)
{
	(void)count;
	(void)now_ms;
	buf_printf(
	    out, "destination,level,attributes,why,since,look_again,pinned,note\r\n");
}

static void
csv_entry(const struct entry *d, struct buf *out)
{
	char since[UTC_SIZE], look[UTC_SIZE];

	print_time(d->since_ms, since);
	print_time(d->look_ms, look);
	add_csv(out, d->key);
	buf_printf(out, ",%s,", level_name(d->level));
	add_csv(out, d->attributes);
	buf_printf(out, ",%s,%s,%s,%s,", why_slug(d->why), since, look,
	    d->pinned ? "yes" : "no");
	add_csv(out, d->note);
	buf_printf(out, "\r\n");
}

/* --- all of them ------------------------------------------------------------------- */

static const struct export_format formats[] = {
    {.name = "postmap",
        .help = "the policy map, each entry with its reason",
        .head = postmap_head,
        .entry = postmap_entry},
    {.name = "json", .help = "one JSON object a line", .entry = json_entry},
    {.name = "csv",
        .help = "for a spreadsheet, as RFC 4180 has it",
        .head = csv_head,
        .entry = csv_entry},
};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

const struct export_format *
export_find(const char *name)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (name == NULL || strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

void
export_names(struct buf *out)
{
	for (size_t i = 0; i < FORMATS; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", formats[i].name);
}

void
export_help(struct buf *out)
{
	buf_printf(out, "FORMAT is one of\n");
	for (size_t i = 0; i < FORMATS; i++)
		buf_printf(out, "  %-8s %s%s\n", formats[i].name, formats[i].help,
		    i == 0 ? " (the default)" : "");
}

struct printer {
	const struct export_format *format;
	export_sink_fn *sink;
	void *context;
	struct buf out;
};

static void
pass_on(struct printer *printer)
{
	printer->sink(
	    printer->context, (struct str){buf_text(&printer->out), printer->out.len});
	buf_reset(&printer->out);
}

static bool
print_entry(void *context, const struct entry *d)
{
	struct printer *printer = context;

	if (d->level == LEVEL_UNKNOWN)
		return true;
	printer->format->entry(d, &printer->out);
	if (printer->out.len >= PIECE)
		pass_on(printer);
	return true;
}

static bool
print_all(struct printer *printer, struct store *store, int64_t now_ms, struct err *err)
{
	int64_t count;

	if (!store_entry_count(store, &count, err))
		return false;
	if (printer->format->head != NULL)
		printer->format->head((size_t)count, now_ms, &printer->out);
	if (!store_each_entry(store, print_entry, printer, err))
		return false;
	if (printer->format->tail != NULL)
		printer->format->tail(&printer->out);
	pass_on(printer);
	return true;
}

bool
export_print(const struct export_format *format, struct store *store, int64_t now_ms,
    export_sink_fn *sink, void *context, struct err *err)
{
	struct printer printer = {.format = format, .sink = sink, .context = context};
	bool done;

	if (!store_begin_read(store, err))
		return false;
	done = print_all(&printer, store, now_ms, err) && store_commit(store, err);
	if (!done)
		store_rollback(store);
	buf_clear(&printer.out);
	return done;
}
