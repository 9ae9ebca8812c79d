/* SPDX-License-Identifier: BSD-2-Clause */
/* A log file that is written to, and rotated: the door to follow. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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
};
