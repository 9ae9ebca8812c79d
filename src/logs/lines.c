/* SPDX-License-Identifier: BSD-2-Clause */
#include "logs/lines.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

void
lines_init(struct lines *lines)
{
	char *own = mem_array(NULL, LINES_SIZE, 1);

	*lines = (struct lines){.own = own, .data = own};
}

void
lines_clear(struct lines *lines)
{
	free(lines->own);
	*lines = (struct lines){0};
}

void
lines_reset(struct lines *lines, uint64_t offset, struct str mark)
{
	assert(mark.len <= FOLLOW_MARK_MAX && mark.len <= offset);
	*lines = (struct lines){.own = lines->own, .data = lines->own, .offset = offset};
	if (mark.len > 0) {
		memcpy(lines->data, mark.p, mark.len);
		memcpy(lines->mark, mark.p, mark.len);
	}
	lines->mark_len = lines->start = lines->end = mark.len;
	lines->fragment =
	    mark.len > 0 && mark.p[mark.len - 1] != '\n' && mark.p[mark.len - 1] != '\0';
	lines->skipping = lines->fragment;
}

void
lines_rewind(struct lines *lines)
{
	char mark[FOLLOW_MARK_MAX];
	size_t len = lines->mark_len;

	memcpy(mark, lines->mark, len);
	lines_reset(lines, lines->offset, (struct str){mark, len});
}

/* What is left is moved to stand right before the room, wherever it was. */
void
lines_room_in(struct lines *lines, char *data)
{
	size_t keep = smaller(lines->start - lines->floor, FOLLOW_MARK_MAX);
	size_t len = lines->end - lines->start + keep;

	assert(len <= LINES_SPACE);
	memmove(data + LINES_SPACE - len, lines->data + lines->start - keep, len);
	lines->data = data;
	lines->floor = LINES_SPACE - len;
	lines->start = lines->floor + keep;
	lines->end = LINES_SPACE;
}

char *
lines_room(struct lines *lines)
{
	lines_room_in(lines, lines->own);
	return lines->data + lines->end;
}

void
lines_added(struct lines *lines, size_t len)
{
	assert(len < LINES_SIZE - lines->end);
	lines->end += len;
}

size_t
lines_overlap(const struct lines *lines)
{
	return smaller(lines->end - lines->floor, FOLLOW_MARK_MAX);
}

uint64_t
lines_read_offset(const struct lines *lines)
{
	return lines->offset + (lines->skipping ? lines->skipped : 0) +
	    (lines->end - lines->start);
}

char *
lines_exchange(struct lines *lines, char *spare)
{
	size_t from =
	    lines->start - smaller(lines->start - lines->floor, FOLLOW_MARK_MAX);
	char *data = spare != NULL ? spare : mem_array(NULL, LINES_SIZE, 1);
	char *old = lines->own;

	assert(lines->data == old);
	memcpy(data + from, old + from, lines->end - from);
	lines->floor = from;
	lines->own = lines->data = data;
	return old;
}

/* Everything before `to` is dealt with; it ends in a newline. */
static void
step_over(struct lines *lines, size_t to, uint64_t len)
{
	lines->start = to;
	lines->offset += len;
	lines->mark_len = smaller(to - lines->floor, FOLLOW_MARK_MAX);
	memcpy(lines->mark, lines->data + to - lines->mark_len, lines->mark_len);
}

void
lines_discard(struct lines *lines)
{
	step_over(lines, lines->end, lines->end - lines->start);
}

/* True: the newline of the line that is skipped was found. */
static bool
skip(struct lines *lines)
{
	size_t left = lines->end - lines->start;
	const char *from = lines->data + lines->start;
	const char *newline = memchr(from, '\n', left);
	size_t len;

	if (newline == NULL) {
		lines->skipped += left;
		lines->start = lines->end;
		return false;
	}
	len = (size_t)(newline - from);
	lines->skipped += len;
	lines->skipping = lines->fragment = false;
	step_over(lines, lines->start + len + 1, lines->skipped + 1);
	return true;
}

/*
 * Where the whole lines from `start` on end. Every stretch of FOLLOW_LINE_MAX + 1 bytes
 * must hold a newline, or a line that is too long begins there; so one search backwards
 * from the end of each stretch is enough, whatever lies in between.
 */
static size_t
whole_lines(const struct lines *lines, bool *long_follows)
{
	size_t at = lines->start;
	const char *newline;

	*long_follows = false;
	while (lines->end - at > FOLLOW_LINE_MAX) {
		newline = memrchr(lines->data + at, '\n', FOLLOW_LINE_MAX + 1);
		if (newline == NULL) {
			*long_follows = true;
			return at;
		}
		at = (size_t)(newline - lines->data) + 1;
	}
	newline = memrchr(lines->data + at, '\n', lines->end - at);
	return newline != NULL ? (size_t)(newline - lines->data) + 1 : at;
}

/*
 * A block of NULs before a line is a hole: the file was cut to nothing, and a writer that
 * does not append went on at its old offset. The line behind it is whole.
 */
static void
step_over_hole(struct lines *lines)
{
	size_t to = lines->start;

	while (to < lines->end && lines->data[to] == '\0')
		to++;
	if (to > lines->start)
		step_over(lines, to, to - lines->start);
}

enum lines_result
lines_take(struct lines *lines, struct str *out)
{
	bool long_follows;
	size_t to;

	if (lines->skipping) {
		bool fragment = lines->fragment;

		if (!skip(lines))
			return LINES_NONE;
		if (!fragment)
			return LINES_LONG;
	}
	step_over_hole(lines);
	to = whole_lines(lines, &long_follows);
	if (to > lines->start) {
		*out = (struct str){lines->data + lines->start, to - lines->start};
		step_over(lines, to, out->len);
		return LINES_SOME;
	}
	if (!long_follows)
		return LINES_NONE;
	lines->skipping = true;
	lines->skipped = 0;
	return skip(lines) ? LINES_LONG : LINES_NONE;
}

enum lines_result
lines_take_stump(struct lines *lines, struct str *out)
{
	size_t len = lines->end - lines->start;

	if (lines->skipping) {
		bool fragment = lines->fragment;

		lines->skipping = lines->fragment = false;
		step_over(lines, lines->end, lines->skipped + len);
		return fragment ? LINES_NONE : LINES_LONG;
	}
	if (len == 0)
		return LINES_NONE;
	lines->data[lines->end] = '\n'; /* behind the room there is space for it */
	*out = (struct str){lines->data + lines->start, len + 1};
	step_over(lines, lines->end, len);
	return LINES_SOME;
}
