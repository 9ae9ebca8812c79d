/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes in, whole lines out, in place: what a reader of logs keeps between two reads.
 * Before what is not handed out yet stand up to FOLLOW_MARK_MAX bytes of what was, so
 * that the next read can overlap them and prove that it goes on where the last ended.
 */
#ifndef LOGS_LINES_H
#define LOGS_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "logs/follow.h"

/*
 * One read. 256 KiB stay in the second-level cache while they are parsed; larger reads
 * were not faster.
 */
#define LINES_ROOM (256u * 1024)

/* Before it stands what is left of the reads before: less than a line, and a mark. */
#define LINES_SPACE (FOLLOW_MARK_MAX + FOLLOW_LINE_MAX + 1)

#define LINES_SIZE (LINES_SPACE + LINES_ROOM + 1)

struct lines {
	char *own;    /* LINES_SIZE bytes */
	char *data;   /* that, or the buffer that lines_room_in() was given */
	size_t floor; /* where valid bytes begin */
	size_t start; /* of what is not handed out yet */
	size_t end;
	uint64_t offset; /* in the file, behind the last whole line that was dealt with */
	bool skipping;   /* in a line that is too long: it begins at offset */
	bool fragment;   /* skipping because offset is within a line */
	uint64_t skipped;
	char mark[FOLLOW_MARK_MAX]; /* the bytes before offset */
	size_t mark_len;
};

enum lines_result {
	LINES_NONE, /* no newline yet */
	LINES_SOME, /* one or more whole lines, each at most FOLLOW_LINE_MAX bytes and \n
	             */
	LINES_LONG, /* a longer one was skipped; lines->skipped is its length */
};

void lines_init(struct lines *lines);
void lines_clear(struct lines *lines);

/*
 * Forget everything; go on at offset, before which stands mark, as much of it as there
 * is. Where it ends within a line, the rest of that line is skipped silently.
 */
void lines_reset(struct lines *lines, uint64_t offset, struct str mark);

/*
 * LINES_ROOM bytes of room for the next ones; what was handed out is gone.
 * lines_added(): so many came.
 */
char *lines_room(struct lines *lines);
void lines_added(struct lines *lines, size_t len);

/*
 * The same in another owner's buffer, where the room is behind LINES_SPACE bytes and
 * before one more. The buffer that was used until now may go after the call.
 */
void lines_room_in(struct lines *lines, char *data);

/*
 * The buffer becomes the caller's, and the lines in it that were handed out stay as they
 * are. spare takes its place: one that was got so before, or NULL for a new one. free().
 */
char *lines_exchange(struct lines *lines, char *spare);

/* The bytes right before the room, for the overlap: at most FOLLOW_MARK_MAX. */
size_t lines_overlap(const struct lines *lines);

/* Where in the file the room begins. */
uint64_t lines_read_offset(const struct lines *lines);

/* Forget what was not handed out: it is to be read again. */
void lines_rewind(struct lines *lines);

/* Treat all bytes that are there as handed out, newline or not: for seeking. */
void lines_discard(struct lines *lines);

/* The next whole lines; call until LINES_NONE before more bytes are added. */
enum lines_result lines_take(struct lines *lines, struct str *out);

/*
 * What stands behind the last newline when nothing more will come, as a line with a
 * newline of our own: LINES_NONE if there is nothing. LINES_LONG: it was too long.
 */
enum lines_result lines_take_stump(struct lines *lines, struct str *out);

#endif
