/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/mapread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utc.h"
#include "publish/maplines.h"
#include "publish/textmap.h"

/* "# SLUG: rest". */
static bool
cut_why(struct str *comment, enum why *why)
{
	struct str slug;

	return str_eat(comment, STR("# ")) && str_cut(comment, ':', &slug) &&
	    why_parse(slug, why);
}

bool
mapread_is_why(struct str comment)
{
	enum why why;

	return cut_why(&comment, &why);
}

/* No more than fits, and no half of a letter beyond ASCII. */
static void
copy_note(struct str note, char *out, size_t size)
{
	if (note.len >= size) {
		note.len = size - 1;
		while (note.len > 0 && ((unsigned char)note.p[note.len] & 0xc0) == 0x80)
			note.len--;
	}
	str_copy(note, out, size);
}

/* "\xNN" -> the byte. */
static bool
eat_byte(struct str *text, char *byte)
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;

	if (text->len < 4 || !str_starts(*text, STR("\\x")))
		return false;
	high = memchr(digits, text->p[2], 16);
	low = memchr(digits, text->p[3], 16);
	if (high == NULL || low == NULL || (high == digits && low == digits))
		return false;
	*byte = (char)((high - digits) * 16 + (low - digits));
	*text = str_skip(*text, 4);
	return true;
}

/* As maplines.c wrote it. */
static void
read_note(struct str text, struct destination_pin *pin)
{
	struct buf note = {0};
	char byte;

	if (!str_eat(&text, STR(" (")) || text.len == 0 || text.p[text.len - 1] != ')')
		return;
	text.len--;
	while (text.len > 0) {
		if (!eat_byte(&text, &byte)) {
			byte = text.p[0];
			text = str_skip(text, 1);
		}
		buf_add_char(&note, byte);
	}
	copy_note((struct str){buf_text(&note), note.len}, pin->note, sizeof(pin->note));
	buf_clear(&note);
}

/* The sentence may be that of another version: then it ends where a note begins. */
static struct str
skip_sentence(struct str text, enum why why)
{
	if (str_eat(&text, STR(" ")) && str_eat(&text, str_of(why_sentence(why))))
		return text;
	while (text.len > 0 && !str_starts(text, STR(" (")) &&
	    !str_starts(text, STR(MAPLINES_UNTIL)))
		text = str_skip(text, 1);
	return text;
}

static void
read_pin(struct str text, enum why why, struct destination_pin *pin)
{
	struct str rest = skip_sentence(text, why), until;
	int64_t until_s;

	pin->set = !str_eat(&rest, STR(MAPLINES_ENDED));
	if (pin->set && str_eat(&rest, STR(MAPLINES_UNTIL)) &&
	    rest.len >= sizeof("0000-00-00T00:00:00Z") - 1) {
		until = (struct str){rest.p, sizeof("0000-00-00T00:00:00Z") - 1};
		if (utc_parse(until, &until_s))
			pin->until_ms = until_s * 1000;
		rest = str_skip(rest, until.len);
	}
	read_note(rest, pin);
}

static bool
is_plain(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < ' ' || (unsigned char)text.p[i] >= 0x7f)
			return false;
	return true;
}

/* "KEY<tab>LEVEL ATTRIBUTES". */
static bool
read_line(struct str line, struct mapread *out)
{
	struct str key, level = line;

	if (line.len == 0 || line.p[0] == '#' || !str_cut(&line, '\t', &key) ||
	    memchr(key.p, '\0', key.len) != NULL ||
	    !nexthop_fold(key, out->key, sizeof(out->key)) || !textmap_is_key(out->key))
		return false;
	if (!str_cut(&line, ' ', &level)) {
		level = line;
		line.len = 0;
	}
	buf_reset(&out->attributes);
	buf_add_str(&out->attributes, line);
	return level_parse(level, &out->level) && out->level != LEVEL_NONE &&
	    is_plain(line);
}

bool
mapread_entry(struct str comment, struct str line, struct mapread *out)
{
	out->why = WHY_NONE;
	out->pin = (struct destination_pin){.set = false};
	if (!read_line(line, out))
		return false;
	if (cut_why(&comment, &out->why) &&
	    (out->why == WHY_PINNED || out->why == WHY_UNDONE))
		read_pin(comment, out->why, &out->pin);
	return true;
}

void
mapread_clear(struct mapread *out)
{
	buf_clear(&out->attributes);
}

static bool
each_line(FILE *file, mapread_fn *fn, void *context, struct err *err)
{
	struct mapread_line at = {.number = 0};
	struct mapread found = {0};
	struct buf comment = {0};
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	bool done = true;

	while (done && (len = getline(&line, &size, file)) > 0) {
		struct str above = {buf_text(&comment), comment.len};

		at.text = (struct str){line, (size_t)len};
		at.number++;
		at.is_whole = line[len - 1] == '\n';
		at.text.len -= at.is_whole;
		at.has_why = mapread_is_why(above);
		at.entry = mapread_entry(above, at.text, &found) ? &found : NULL;
		done = fn(context, &at, err);
		buf_reset(&comment);
		if (at.text.len > 0 && at.text.p[0] == '#')
			buf_add_str(&comment, at.text);
	}
	free(line);
	buf_clear(&comment);
	mapread_clear(&found);
	return done;
}

bool
mapread_each(const char *path, mapread_fn *fn, void *context, struct err *err)
{
	FILE *file = fopen(path, "re");
	bool done;

	if (file == NULL)
		return errno == ENOENT ||
		    err_set_errno(err, errno, "cannot read %s", path);
	done = each_line(file, fn, context, err);
	if (done && ferror(file))
		done = err_set_errno(err, errno, "cannot read %s", path);
	fclose(file);
	return done;
}
