/* SPDX-License-Identifier: BSD-2-Clause */
#include "logs/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "logs/gzip.h"
#include "logs/lines.h"
#include "sys/ahead.h"

/* A smaller file is read before a thread has begun. */
#define WORTH_A_THREAD (4u * 1024 * 1024)

struct reader {
	int fd;
	enum reader_how how;
	bool begun; /* the first bytes were seen */
	bool taken; /* no whole line is left of what was read */
	bool ended; /* no more bytes come */
	bool over;  /* and all of them were handed out */
	struct gzip *gzip;
	struct ahead *ahead;
	struct lines lines;
	uint64_t used;
	uint64_t size;
	char path[];
};

struct reader *
reader_open(const char *path, enum reader_how how, struct err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct reader *reader;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		err_set_errno(
		    err, errno, "cannot read %s", *path != '\0' ? path : "\"\"");
		goto fail;
	}
	if (S_ISDIR(st.st_mode)) {
		err_set(err, "cannot read %s: it is a directory", path);
		goto fail;
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* a hint; pipes refuse it */
	reader = mem_new(1, sizeof(*reader) + strlen(path) + 1);
	memcpy(reader->path, path, strlen(path) + 1);
	reader->fd = fd;
	reader->how = how;
	reader->taken = true;
	reader->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	lines_init(&reader->lines);
	return reader;
fail:
	if (fd >= 0 && !is_stdin)
		close(fd);
	return NULL;
}

void
reader_free(struct reader *reader)
{
	if (reader == NULL)
		return;
	ahead_free(reader->ahead);
	if (reader->fd != STDIN_FILENO)
		close(reader->fd);
	gzip_free(reader->gzip);
	lines_clear(&reader->lines);
	free(reader);
}

int
reader_fd(const struct reader *reader)
{
	return reader->fd;
}

bool
reader_wants_input(const struct reader *reader)
{
	return reader->taken && !reader->ended;
}

char *
reader_exchange(struct reader *reader, char *spare)
{
	return lines_exchange(&reader->lines, spare);
}

void
reader_skipped(const struct reader *reader, uint64_t *len, uint64_t *offset)
{
	*len = reader->lines.skipped;
	*offset = reader->lines.offset;
}

void
reader_progress(const struct reader *reader, uint64_t *used, uint64_t *size)
{
	*used = reader->gzip != NULL ? gzip_used(reader->gzip) : reader->used;
	*size = reader->size;
}

static bool
came(struct reader *reader, ptrdiff_t n)
{
	lines_added(&reader->lines, (size_t)n);
	reader->ended = n == 0;
	return true;
}

static bool
read_ahead(struct reader *reader, struct err *err)
{
	int errnum;
	ssize_t n;

	lines_room_in(&reader->lines, ahead_next(reader->ahead, &n, &errnum));
	if (n < 0)
		return err_set_errno(err, errnum, "cannot read %s", reader->path);
	reader->used += (uint64_t)n;
	return came(reader, n);
}

static bool
read_plain(struct reader *reader, size_t size, struct err *err)
{
	char *room = lines_room(&reader->lines);
	ssize_t n;

	do {
		n = read(reader->fd, room, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set_errno(err, errno, "cannot read %s", reader->path);
	reader->used += (uint64_t)n;
	return came(reader, n);
}

static bool
read_gzip(struct reader *reader, struct err *err)
{
	ptrdiff_t n =
	    gzip_read(reader->gzip, lines_room(&reader->lines), LINES_ROOM, err);

	if (n < 0)
		return err_wrap(err, "%s", reader->path);
	return came(reader, n);
}

/* How logs are compressed. No line of a log begins like that. */
static const struct format {
	struct str magic;
	const char *program;
} formats[] = {
    {{"\x1f\x8b", 2}, "gzip"}, /* the one that is read here */
    {{"\xfd"
      "7zXZ",
         5},
        "xz"},
    {{"BZh", 3}, "bzip2"},
    {{"\x28\xb5\x2f\xfd", 4}, "zstd"},
};

/* The format of a file with these first bytes, NULL for none. False: they are too few. */
static bool
find_format(struct str first, const struct format **format)
{
	*format = NULL;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (str_starts(first, formats[i].magic))
			*format = &formats[i];
		else if (str_starts(formats[i].magic, first))
			return false;
	}
	return true;
}

/* The first bytes tell what it is. A pipe may give one at a time. */
static bool
recognise(struct reader *reader, struct err *err)
{
	struct lines *lines = &reader->lines;
	struct str first = {lines->data + lines->start, lines->end - lines->start};
	const struct format *format;

	if (!find_format(first, &format) && !reader->ended)
		return true;
	reader->begun = true;
	if (format != NULL && !gzip_is(first))
		return err_set(err,
		    "cannot read %s: it is compressed with %s, and gzip alone is known "
		    "here; "
		    "unpack it with %s -dc",
		    reader->path, format->program, format->program);
	if (format != NULL) {
		reader->gzip = gzip_new(reader->fd, first);
		lines_reset(lines, 0, STR(""));
	} else if (reader->how == READER_AHEAD && reader->size >= WORTH_A_THREAD) {
		reader->ahead = ahead_new(reader->fd, LINES_SPACE, LINES_ROOM);
	}
	return true;
}

static bool
read_more(struct reader *reader, struct err *err)
{
	const struct lines *lines = &reader->lines;

	if (!reader->begun)
		return read_plain(
		    reader, GZIP_FIRST_MAX - (lines->end - lines->start), err);
	if (reader->gzip != NULL)
		return read_gzip(reader, err);
	if (reader->ahead != NULL)
		return read_ahead(reader, err);
	return read_plain(reader, LINES_ROOM, err);
}

static enum reader_result
end(struct reader *reader, struct str *lines)
{
	if (reader->over)
		return READER_END;
	reader->over = true;
	switch (lines_take_stump(&reader->lines, lines)) {
	case LINES_SOME:
		return READER_LINES;
	case LINES_LONG:
		return READER_LONG;
	default:
		return READER_END;
	}
}

enum reader_result
reader_next(struct reader *reader, struct str *lines, struct err *err)
{
	if (!reader->taken) {
		switch (lines_take(&reader->lines, lines)) {
		case LINES_SOME:
			return READER_LINES;
		case LINES_LONG:
			return READER_LONG;
		case LINES_NONE:
			reader->taken = true;
			return READER_MORE;
		}
	}
	if (reader->ended)
		return end(reader, lines);
	if (!read_more(reader, err) || (!reader->begun && !recognise(reader, err))) {
		/* what is left has no newline: a damaged file's last bytes are no line */
		reader->ended = reader->over = true;
		return READER_FAILED;
	}
	reader->taken = !reader->begun;
	return READER_MORE;
}
