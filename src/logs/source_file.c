/* SPDX-License-Identifier: BSD-2-Clause */
/* A log file that is written to, and rotated: the door to follow. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "logs/follow.h"
#include "logs/lines.h"
#include "logs/source.h"

_Static_assert(FOLLOW_LINE_MAX <= SOURCE_LINE_MAX, "lines of a file are no longer");
_Static_assert(LINES_SIZE <= SOURCE_CHUNK_MAX, "nor are more of them in a buffer");

struct file {
	struct source source;
	struct follow *follow;
};

/* --- a place as text --------------------------------------------------------------- */

/*
 * "OFFSET INODE DEVICE BIRTH HEAD_LEN HEAD_HASH MARK_LEN MARK_HASH", decimal. The step of
 * the schema that brought places in writes the same.
 */
static void
print_place(const struct follow_position *p, char text[PLACE_TEXT_SIZE])
{
	snprintf(text, PLACE_TEXT_SIZE,
	    "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRIu32 " %" PRIu64
	    " %" PRIu32 " %" PRIu64,
	    p->offset, p->inode, p->device, p->birth_ns, p->head_len, p->head_hash,
	    p->mark_len, p->mark_hash);
}

static bool
eat_number(struct str *text, uint64_t max, uint64_t *out)
{
	struct str word;

	return str_cut(text, ' ', &word) && str_number(word, max, out);
}

/* False: not a place of ours. */
static bool
parse_place(const char *place, struct follow_position *p)
{
	struct str text = str_of(place);
	uint64_t birth, head_len, mark_len;
	bool negative;

	if (!eat_number(&text, UINT64_MAX, &p->offset) ||
	    !eat_number(&text, UINT64_MAX, &p->inode) ||
	    !eat_number(&text, UINT64_MAX, &p->device))
		return false;
	negative = str_eat(&text, STR("-"));
	if (!eat_number(&text, (uint64_t)INT64_MAX + negative, &birth) ||
	    !eat_number(&text, UINT32_MAX, &head_len) ||
	    !eat_number(&text, UINT64_MAX, &p->head_hash) ||
	    !eat_number(&text, UINT32_MAX, &mark_len) ||
	    !str_number(text, UINT64_MAX, &p->mark_hash))
		return false;
	p->birth_ns = (int64_t)(negative ? -birth : birth);
	p->head_len = (uint32_t)head_len;
	p->mark_len = (uint32_t)mark_len;
	return true;
}

/* --- the source -------------------------------------------------------------------- */

static void
on_note(void *context, enum follow_note note, const char *text)
{
	static const enum source_note notes[FOLLOW_NOTE_COUNT] = {
	    [FOLLOW_NOTE_GAP] = SOURCE_GAP,
	    [FOLLOW_NOTE_TRUNCATED] = SOURCE_WARNING,
	    [FOLLOW_NOTE_ROTATED] = SOURCE_INFO,
	    [FOLLOW_NOTE_MISSING] = SOURCE_WARNING,
	    [FOLLOW_NOTE_APPEARED] = SOURCE_INFO,
	    [FOLLOW_NOTE_UNREADABLE] = SOURCE_WARNING,
	    [FOLLOW_NOTE_LONG_LINE] = SOURCE_LONG_LINE,
	    [FOLLOW_NOTE_REFUSED] = SOURCE_WARNING,
	};
	const struct file *file = context;

	source_tell(&file->source, notes[note], text);
}

static bool
has_any(const char *name)
{
	(void)name;
	return true;
}

static struct source *
open_file(const char *name, const char *place, const struct source_options *options,
    struct err *err)
{
	struct file *file = mem_new(1, sizeof(*file));
	struct follow_position position;
	bool known = place != NULL && parse_place(place, &position);

	source_init(&file->source, &source_file, options);
	file->follow = follow_new(name, known ? &position : NULL,
	    options->from_start ? FOLLOW_FROM_START : FOLLOW_FROM_END, on_note, file,
	    err);
	if (file->follow != NULL)
		return &file->source;
	free(file);
	return NULL;
}

static void
close_file(struct source *source)
{
	struct file *file = (struct file *)source;

	follow_free(file->follow);
	free(file);
}

static enum source_result
next_lines(struct source *source, int64_t now_ms, struct str *lines)
{
	struct file *file = (struct file *)source;

	switch (follow_next(file->follow, now_ms, lines)) {
	case FOLLOW_LINES:
		return SOURCE_LINES;
	case FOLLOW_BUSY:
		return SOURCE_BUSY;
	default:
		return SOURCE_IDLE;
	}
}

static char *
exchange(struct source *source, char *spare)
{
	return follow_exchange(((struct file *)source)->follow, spare);
}

static void
where(const struct source *source, char text[PLACE_TEXT_SIZE])
{
	struct follow_position position;

	follow_where(((const struct file *)source)->follow, &position);
	print_place(&position, text);
}

static int
poll_fd(const struct source *source)
{
	return follow_fd(((const struct file *)source)->follow);
}

static int64_t
wait_ms(const struct source *source)
{
	return follow_wait_ms(((const struct file *)source)->follow);
}

/* The bytes of the file at path behind the position, if it is in that file. */
static bool
rest_of(const char *path, const struct follow_position *p, uint64_t *bytes)
{
	struct stat st;

	if (stat(path, &st) != 0 || st.st_dev != p->device || st.st_ino != p->inode ||
	    (uint64_t)st.st_size < p->offset)
		return false;
	*bytes = (uint64_t)st.st_size - p->offset;
	return true;
}

/* Behind a rotation the rest of the old file counts, which is NAME.1 mostly. */
static enum source_behind
behind(const char *name, const char *place, uint64_t *bytes)
{
	struct follow_position position;
	struct buf older = {0};
	uint64_t rest = 0;
	struct stat st;
	bool found;

	if (!parse_place(place, &position) || stat(name, &st) != 0)
		return SOURCE_BEHIND_UNKNOWN;
	if (rest_of(name, &position, bytes))
		return SOURCE_BEHIND;
	buf_printf(&older, "%s.1", name);
	found = rest_of(buf_text(&older), &position, &rest);
	buf_clear(&older);
	*bytes = (uint64_t)st.st_size + rest;
	return found ? SOURCE_BEHIND : SOURCE_BEHIND_AT_LEAST;
}

const struct source_kind source_file = {
    .name = "file",
    .has = has_any,
    .open = open_file,
    .close = close_file,
    .next = next_lines,
    .exchange = exchange,
    .where = where,
    .fd = poll_fd,
    .wait_ms = wait_ms,
    .behind = behind,
};
