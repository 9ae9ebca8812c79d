/* SPDX-License-Identifier: BSD-2-Clause */
#include "logs/follow_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sys/watch.h"

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* FNV-1a */
uint64_t
follow_hash(const char *bytes, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return h;
}

static int
facts_get(int dirfd, const char *path, int flags, struct file_facts *facts)
{
	struct statx stx;

	if (statx(dirfd, path, flags, STATX_BASIC_STATS | STATX_BTIME, &stx) < 0)
		return errno;
	*facts = (struct file_facts){
	    .id = {.device = makedev(stx.stx_dev_major, stx.stx_dev_minor),
	        .inode = stx.stx_ino},
	    .size = stx.stx_size,
	    .mtime_ns =
	        stx.stx_mtime.tv_sec * INT64_C(1000000000) + stx.stx_mtime.tv_nsec,
	    .is_regular = S_ISREG(stx.stx_mode),
	    .is_linked = stx.stx_nlink > 0,
	};
	if (stx.stx_mask & STATX_BTIME)
		facts->id.birth_ns =
		    stx.stx_btime.tv_sec * INT64_C(1000000000) + stx.stx_btime.tv_nsec;
	return 0;
}

int
facts_of_path(const char *path, struct file_facts *facts)
{
	return facts_get(AT_FDCWD, path, 0, facts);
}

int
facts_of_fd(int fd, struct file_facts *facts)
{
	return facts_get(fd, "", AT_EMPTY_PATH, facts);
}

bool
identity_equal(const struct identity *a, const struct identity *b)
{
	return a->device == b->device && a->inode == b->inode &&
	    a->birth_ns == b->birth_ns;
}

ssize_t
file_read_at(int fd, char *out, size_t size, uint64_t offset)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = pread(fd, out + got, size - got, (off_t)(offset + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* Is it a gzip file? -1: errno. */
static int
sniff(int fd)
{
	char first[2];
	ssize_t n = file_read_at(fd, first, sizeof(first), 0);

	return n < 0 ? -1 : gzip_is((struct str){first, (size_t)n});
}

struct generation *
generation_open(const char *path, bool may_be_gzip, int *errnum)
{
	/* not blocking: a FIFO in its place must not hold us */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct generation *generation;
	struct file_facts facts;
	struct buf name = {0};
	int is_gzip = 0;

	if (fd < 0) {
		*errnum = errno;
		return NULL;
	}
	*errnum = facts_of_fd(fd, &facts);
	if (*errnum == 0 && !facts.is_regular)
		*errnum = EINVAL;
	if (*errnum == 0 && may_be_gzip && (is_gzip = sniff(fd)) < 0)
		*errnum = errno;
	if (*errnum != 0) {
		close(fd);
		return NULL;
	}
	buf_add_quoted(&name, str_of(path));
	generation = mem_new(1, sizeof(*generation));
	generation->fd = fd;
	generation->watch = WATCH_NONE;
	generation->id = facts.id;
	generation->name = buf_take(&name);
	generation->is_local = watch_serves(fd);
	generation->gzip = is_gzip ? gzip_new(fd, STR("")) : NULL;
	generation->is_whole = is_gzip;
	return generation;
}

void
generation_free(struct generation *generation)
{
	if (generation == NULL)
		return;
	gzip_free(generation->gzip);
	close(generation->fd);
	free(generation->name);
	free(generation);
}

/* The head is what stands before the offset, so that a stored one never changes. */
static void
extend_head(struct generation *generation, const struct lines *lines)
{
	size_t want = (size_t)smaller(lines->offset, FOLLOW_HEAD_MAX);
	ssize_t n;

	if (generation->head_len >= want || generation->gzip != NULL)
		return;
	n = file_read_at(generation->fd, generation->head + generation->head_len,
	    want - generation->head_len, generation->head_len);
	if (n > 0)
		generation->head_len += (size_t)n;
}

bool
generation_head_is(
    const struct generation *generation, const struct follow_position *position)
{
	return generation->head_len >= position->head_len &&
	    follow_hash(generation->head, position->head_len) == position->head_hash;
}

bool
position_is_sane(const struct follow_position *position)
{
	return position->head_len <= smaller(position->offset, FOLLOW_HEAD_MAX) &&
	    position->mark_len == smaller(position->offset, FOLLOW_MARK_MAX);
}

enum compare_result
generation_resume(struct generation *generation, const struct follow_position *position,
    struct lines *lines)
{
	char mark[FOLLOW_MARK_MAX];
	struct file_facts facts;
	ssize_t n;

	if (!position_is_sane(position))
		return COMPARE_REPLACED;
	if (facts_of_fd(generation->fd, &facts) != 0)
		return COMPARE_FAILED;
	n = file_read_at(generation->fd, generation->head, position->head_len, 0);
	generation->hashed_len = 0;
	generation->head_len = n > 0 ? (size_t)n : 0;
	if (n < 0)
		return COMPARE_FAILED;
	if (!generation_head_is(generation, position))
		return COMPARE_REPLACED;
	if (facts.size < position->offset)
		return COMPARE_SHRUNK;
	n = file_read_at(generation->fd, mark, position->mark_len,
	    position->offset - position->mark_len);
	if (n < 0)
		return COMPARE_FAILED;
	if (n != (ssize_t)position->mark_len ||
	    follow_hash(mark, position->mark_len) != position->mark_hash)
		return COMPARE_REPLACED;
	lines_reset(lines, position->offset, (struct str){mark, position->mark_len});
	return COMPARE_SAME;
}

void
generation_start(struct generation *generation, struct lines *lines)
{
	lines_reset(lines, 0, STR(""));
	generation->head_len = 0;
	generation->hashed_len = 0;
	generation->was_idle = false;
}

/* Where the line begins that the byte before size is in; size if that is a newline. */
static bool
find_line_start(int fd, uint64_t size, uint64_t *start)
{
	char block[16 * 1024];

	while (size > 0) {
		size_t len = (size_t)smaller(size, sizeof(block));
		const char *newline;

		if (file_read_at(fd, block, len, size - len) != (ssize_t)len)
			return false;
		newline = memrchr(block, '\n', len);
		if (newline != NULL) {
			*start = size - len + (uint64_t)(newline - block) + 1;
			return true;
		}
		size -= len;
	}
	*start = 0;
	return true;
}

bool
generation_start_at_line(
    struct generation *generation, uint64_t size, struct lines *lines)
{
	char mark[FOLLOW_MARK_MAX];
	uint64_t start;
	size_t len;

	if (!find_line_start(generation->fd, size, &start))
		return false;
	len = (size_t)smaller(start, sizeof(mark));
	if (file_read_at(generation->fd, mark, len, start - len) != (ssize_t)len)
		return false;
	lines_reset(lines, start, (struct str){mark, len});
	generation->head_len = 0;
	generation->hashed_len = 0;
	generation->was_idle = false;
	extend_head(generation, lines);
	return true;
}

/* Do the first len bytes of the file still stand there? */
static enum compare_result
compare_head(const struct generation *generation, size_t len)
{
	char now[FOLLOW_HEAD_MAX];
	ssize_t n = file_read_at(generation->fd, now, len, 0);

	if (n < 0)
		return COMPARE_FAILED;
	return n == (ssize_t)len && memcmp(now, generation->head, len) == 0
	    ? COMPARE_SAME
	    : COMPARE_REPLACED;
}

/*
 * Each read takes the last bytes that are known once more, in the same call: if they
 * differ, the file was cut or rewritten since, however long it has become again.
 */
enum read_result
generation_read(struct generation *generation, struct lines *lines, int *errnum)
{
	char before[FOLLOW_MARK_MAX];
	char *room = lines_room(lines);
	size_t overlap = lines_overlap(lines);
	uint64_t from = lines_read_offset(lines) - overlap;
	ssize_t n;

	if (generation->gzip != NULL)
		return generation_read_packed(generation, room, LINES_ROOM, lines);
	memcpy(before, room - overlap, overlap);
	do {
		n = pread(
		    generation->fd, room - overlap, overlap + LINES_ROOM, (off_t)from);
	} while (n < 0 && errno == EINTR);
	*errnum = n < 0 ? errno : 0;
	if (n < (ssize_t)overlap || memcmp(before, room - overlap, overlap) != 0) {
		memcpy(room - overlap, before, overlap);
		return n < 0 ? READ_FAILED : READ_CHANGED;
	}
	if ((size_t)n == overlap) {
		generation->was_idle = true;
		return READ_EOF;
	}
	if (generation->was_idle &&
	    compare_head(generation, generation->head_len) != COMPARE_SAME)
		return READ_CHANGED;
	generation->was_idle = false;
	lines_added(lines, (size_t)n - overlap);
	return READ_DATA;
}

enum compare_result
generation_compare(
    struct generation *generation, const struct lines *lines, uint64_t *size)
{
	char mark[FOLLOW_MARK_MAX];
	struct file_facts facts;
	enum compare_result head;
	ssize_t n;

	if (facts_of_fd(generation->fd, &facts) != 0)
		return COMPARE_FAILED;
	*size = facts.size;
	head =
	    compare_head(generation, (size_t)smaller(generation->head_len, facts.size));
	if (head != COMPARE_SAME)
		return head;
	if (facts.size < lines->offset)
		return COMPARE_SHRUNK;
	n = file_read_at(
	    generation->fd, mark, lines->mark_len, lines->offset - lines->mark_len);
	if (n < 0)
		return COMPARE_FAILED;
	return n == (ssize_t)lines->mark_len && memcmp(mark, lines->mark, (size_t)n) == 0
	    ? COMPARE_SAME
	    : COMPARE_REPLACED;
}

void
generation_where(struct generation *generation, const struct lines *lines,
    struct follow_position *position)
{
	size_t head_len;

	extend_head(generation, lines);
	head_len = (size_t)smaller(generation->head_len, lines->offset);
	if (generation->hashed_len != head_len || head_len == 0) {
		generation->head_hash = follow_hash(generation->head, head_len);
		generation->hashed_len = head_len;
	}
	*position = (struct follow_position){
	    .device = generation->id.device,
	    .inode = generation->id.inode,
	    .birth_ns = generation->id.birth_ns,
	    .offset = lines->offset,
	    .head_len = (uint32_t)head_len,
	    .head_hash = generation->head_hash,
	    .mark_len = (uint32_t)lines->mark_len,
	    .mark_hash = follow_hash(lines->mark, lines->mark_len),
	};
}
