/* SPDX-License-Identifier: BSD-2-Clause */
/* A generation that was compressed: it can only be read from its start. */
#include <stdlib.h>
#include <string.h>

#include "logs/follow_file.h"

#define SEEK_STEPS 32 /* reads in one generation_seek(): 8 MiB */

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

enum read_result
generation_read_packed(
    struct generation *generation, char *room, size_t size, struct lines *lines)
{
	uint64_t at = lines_read_offset(lines);
	ptrdiff_t n;

	if (generation->is_damaged)
		return READ_EOF;
	n = gzip_read(generation->gzip, room, size, &generation->trouble);
	generation->is_damaged = n < 0;
	if (n <= 0)
		return READ_EOF;
	if (at < FOLLOW_HEAD_MAX) {
		size_t len = (size_t)smaller((uint64_t)n, FOLLOW_HEAD_MAX - at);

		memcpy(generation->head + at, room, len);
		generation->head_len = (size_t)at + len;
	}
	lines_added(lines, (size_t)n);
	return READ_DATA;
}

enum seek_result
generation_seek(struct generation *generation, const struct follow_position *position,
    struct lines *lines)
{
	if (!position_is_sane(position))
		return SEEK_OTHER;
	for (int i = 0; i < SEEK_STEPS; i++) {
		uint64_t at = lines_read_offset(lines);
		char *room;

		if (at >= position->head_len && !generation_head_is(generation, position))
			return SEEK_OTHER;
		if (at == position->offset) {
			lines_rewind(lines); /* it may stand in the middle of a line */
			return follow_hash(lines->mark, lines->mark_len) ==
			        position->mark_hash
			    ? SEEK_FOUND
			    : SEEK_OTHER;
		}
		room = lines_room(lines);
		if (generation_read_packed(generation, room,
		        (size_t)smaller(LINES_ROOM, position->offset - at),
		        lines) != READ_DATA)
			return SEEK_OTHER;
		lines_discard(lines);
	}
	return SEEK_MORE;
}

/* The length of the text, modulo 2^32: the last four bytes (RFC 1952, ISIZE). */
static bool
packed_size_is(int fd, uint64_t size)
{
	unsigned char end[4];
	struct file_facts facts;

	if (facts_of_fd(fd, &facts) != 0 || facts.size < sizeof(end) ||
	    file_read_at(fd, (char *)end, sizeof(end), facts.size - sizeof(end)) !=
	        (ssize_t)sizeof(end))
		return false;
	return ((uint32_t)end[0] | (uint32_t)end[1] << 8 | (uint32_t)end[2] << 16 |
	           (uint32_t)end[3] << 24) == (uint32_t)size;
}

bool
generation_is_packed_at(const struct generation *generation, const char *path)
{
	char head[FOLLOW_HEAD_MAX], packed_head[FOLLOW_HEAD_MAX];
	struct generation *packed;
	struct file_facts facts;
	struct err err;
	ptrdiff_t n = -1;
	int errnum;

	packed = generation_open(path, true, &errnum);
	if (packed == NULL)
		return false;
	if (packed->gzip != NULL && facts_of_fd(generation->fd, &facts) == 0 &&
	    packed_size_is(packed->fd, facts.size))
		n = gzip_read(packed->gzip, packed_head, sizeof(packed_head), &err);
	generation_free(packed);
	return n >= 0 && n == file_read_at(generation->fd, head, sizeof(head), 0) &&
	    memcmp(head, packed_head, (size_t)n) == 0;
}
