/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/digest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/utc.h"

#define WAITED_MS  SPAN_HOUR_MS
#define KEY_OCTETS 255 /* that are shown; a key of DNS has no more */

void
digest_begin(struct digest *d, int64_t first_day, int64_t end_day, int64_t now_ms)
{
	*d =
	    (struct digest){.first_day = first_day, .end_day = end_day, .now_ms = now_ms};
}

void
digest_clear(struct digest *d)
{
	for (size_t part = 0; part < DIGEST_PARTS; part++)
		for (size_t i = 0; i < d->parts[part].shown; i++)
			free(d->parts[part].rows[i].line);
	*d = (struct digest){0};
}

/* Behind those of the same rank; the last makes room. */
static void
add_row(struct digest *d, enum digest_part part, int64_t rank, struct buf *line)
{
	struct digest_row *rows = d->parts[part].rows;
	size_t shown = d->parts[part].shown, at = shown;

	d->parts[part].count++;
	while (at > 0 && rows[at - 1].rank > rank)
		at--;
	if (at == DIGEST_ROWS_MAX) {
		buf_clear(line);
		return;
	}
	if (shown == DIGEST_ROWS_MAX)
		free(rows[--shown].line);
	memmove(rows + at + 1, rows + at, (shown - at) * sizeof(*rows));
	rows[at] = (struct digest_row){rank, buf_take(line)};
	d->parts[part].shown = shown + 1;
}

static void
add_key(struct buf *line, const char *key)
{
	struct str text = str_of(key);

	if (text.len > KEY_OCTETS)
		text.len = KEY_OCTETS;
	buf_add_visible(line, text);
}

static void
add_why(struct buf *line, enum why why)
{
	buf_printf(line, "%s: %s", why_slug(why), why_sentence(why));
}

static enum digest_part
part_of(struct demand before, struct demand after)
{
	if (demand_equal(before, after))
		return DIGEST_PASSED;
	if (before.level == LEVEL_NONE)
		return DIGEST_CAME;
	return after.level == LEVEL_NONE ? DIGEST_WENT : DIGEST_CHANGED;
}

void
digest_add_change(struct digest *d, const char *key, struct demand before,
    struct demand after, enum why why)
{
	enum digest_part part = part_of(before, after);
	struct buf line = {0};

	d->is_news = true;
	if (d->key[0] == '\0')
		str_copy(str_of(key), d->key, sizeof(d->key));
	add_key(&line, key);
	buf_printf(&line, ": ");
	if (part == DIGEST_CHANGED && before.level == after.level)
		buf_printf(&line, "%s, other attributes", level_label(after.level));
	else if (part == DIGEST_CHANGED)
		buf_printf(&line, "%s, was %s", level_label(after.level),
		    level_label(before.level));
	else if (part != DIGEST_PASSED)
		buf_printf(&line, "%s",
		    level_label(part == DIGEST_CAME ? after.level : before.level));
	if (part != DIGEST_PASSED)
		buf_printf(&line, "; ");
	add_why(&line, why);
	add_row(d, part, after.level, &line);
}

/* Not what the digest before had, nor what may be over in minutes. */
static bool
is_new_wait(const struct digest *d, int64_t since_ms)
{
	int64_t before_ms = d->first_day * SPAN_DAY_MS + DIGEST_AT_MS;

	return since_ms > before_ms - WAITED_MS && d->now_ms - since_ms >= WAITED_MS;
}

void
digest_add_wait(
    struct digest *d, const char *key, enum why why, int64_t since_ms, int64_t bounces_ms)
{
	char when[UTC_SIZE];
	struct buf line = {0};

	d->is_news = d->is_news || is_new_wait(d, since_ms);
	add_key(&line, key);
	buf_printf(&line, ": ");
	if (since_ms != 0 && utc_print(since_ms / 1000, when))
		buf_printf(&line, "since %s, ", when);
	if (bounces_ms != 0 && utc_print(bounces_ms / 1000, when))
		buf_printf(&line, "the first message bounces at %s, ", when);
	add_why(&line, why);
	add_row(d, DIGEST_WAITS, bounces_ms != 0 ? bounces_ms : INT64_MAX, &line);
}

void
digest_add_cleartext(struct digest *d, const char *key, uint64_t messages, bool is_new)
{
	struct buf line = {0};

	d->is_news = d->is_news || is_new;
	d->cleartext += messages;
	add_key(&line, key);
	buf_printf(&line, ": %" PRIu64 " message%s%s", messages, messages == 1 ? "" : "s",
	    is_new ? ", none in the weeks before" : "");
	add_row(d, DIGEST_CLEARTEXT,
	    messages < INT64_MAX ? -(int64_t)messages : INT64_MIN, &line);
}

static size_t
count(const struct digest *d, enum digest_part part)
{
	return d->parts[part].count;
}

enum digest_says
digest_says(const struct digest *d)
{
	bool stands = count(d, DIGEST_CLEARTEXT) > 0 || count(d, DIGEST_WAITS) > 0;

	if (d->is_news || (stands && d->end_day - d->first_day >= DIGEST_WEEK))
		return DIGEST_NEWS;
	return stands ? DIGEST_LATER : DIGEST_NOTHING;
}

/* --- how it reads ------------------------------------------------------------------ */

static void
print_days(const struct digest *d, struct buf *out)
{
	char when[UTC_SIZE] = "";

	utc_print(d->first_day * (SPAN_DAY_MS / 1000), when);
	buf_printf(out, "%.10s", when);
	if (d->end_day - d->first_day <= 1)
		return;
	utc_print((d->end_day - 1) * (SPAN_DAY_MS / 1000), when);
	buf_printf(out, " to %.10s", when);
}

static void
add_figure(struct buf *out, const char **between, uint64_t number, const char *one,
    const char *many)
{
	if (number == 0)
		return;
	buf_printf(out, "%s%" PRIu64 " %s", *between, number, number == 1 ? one : many);
	*between = ", ";
}

void
digest_subject(const struct digest *d, struct buf *out)
{
	const char *between = ": ";

	print_days(d, out);
	add_figure(out, &between, count(d, DIGEST_CAME), "entry came", "entries came");
	add_figure(out, &between, count(d, DIGEST_WENT), "entry went", "entries went");
	add_figure(
	    out, &between, count(d, DIGEST_CHANGED), "entry changed", "entries changed");
	add_figure(out, &between, count(d, DIGEST_PASSED), "entry came and went",
	    "entries came and went");
	add_figure(out, &between, count(d, DIGEST_WAITS), "destination waits",
	    "destinations wait");
	add_figure(
	    out, &between, d->cleartext, "message in cleartext", "messages in cleartext");
}

static void
print_part(
    const struct digest *d, enum digest_part part, const char *head, struct buf *out)
{
	size_t shown = d->parts[part].shown, all = count(d, part);

	if (all == 0)
		return;
	buf_printf(out, "\n%s\n", head);
	for (size_t i = 0; i < shown; i++)
		buf_printf(out, "  %s\n", d->parts[part].rows[i].line);
	if (all > shown)
		buf_printf(out, "  and %zu more\n", all - shown);
}

static void
print_next(const struct digest *d, struct buf *out)
{
	size_t changes = count(d, DIGEST_CAME) + count(d, DIGEST_WENT) +
	    count(d, DIGEST_CHANGED) + count(d, DIGEST_PASSED);

	buf_printf(out, "\nnext: tlsladder ");
	if (count(d, DIGEST_WAITS) > 0)
		buf_printf(out, "list --waiting\n");
	else if (changes == 1)
		buf_printf(out,
		    strchr(d->key, '[') != NULL ? "explain '%s'\n" : "explain %s\n",
		    d->key);
	else
		buf_printf(out, "report\n");
}

void
digest_text(const struct digest *d, struct buf *out)
{
	struct buf head = {0};

	print_days(d, out);
	buf_printf(out, ", in UTC\n");
	print_part(d, DIGEST_CAME, "Entries that came:", out);
	print_part(d, DIGEST_WENT, "Entries that went:", out);
	print_part(d, DIGEST_CHANGED, "Entries that changed:", out);
	print_part(
	    d, DIGEST_PASSED, "Entries that came and went, or changed to and fro:", out);
	print_part(d, DIGEST_WAITS, "Mail that waits now:", out);
	buf_printf(&head, "Sent in cleartext: %" PRIu64 " message%s to %zu destination%s",
	    d->cleartext, d->cleartext == 1 ? "" : "s", count(d, DIGEST_CLEARTEXT),
	    count(d, DIGEST_CLEARTEXT) == 1 ? "" : "s");
	print_part(d, DIGEST_CLEARTEXT, buf_text(&head), out);
	print_next(d, out);
	buf_clear(&head);
}
