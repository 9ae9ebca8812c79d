/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One log read once from its beginning to its end: a file, a gzip file (known by its
 * first bytes, whatever its name), or "-", standard input. For match and scan.
 */
#ifndef LOGS_READER_H
#define LOGS_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum reader_result {
	READER_LINES,  /* whole lines, the last newline included */
	READER_MORE,   /* nothing whole yet: call again */
	READER_LONG,   /* a longer line was skipped, see reader_skipped() */
	READER_END,    /* over */
	READER_FAILED, /* unreadable or damaged from here on; what came before was good */
};

enum reader_how {
	READER_ALONE, /* in the thread that calls */
	READER_AHEAD, /* large files by a thread, while the last lines are made use of */
};

struct reader; /* opaque */

struct reader *reader_open(const char *path, enum reader_how how, struct err *err);
void reader_free(struct reader *reader);

/*
 * The next whole lines, valid until the next call, each of at most FOLLOW_LINE_MAX
 * bytes; they may hold any byte. One read(2) a call at most. A last line without
 * newline gets one. After READER_FAILED comes READER_END.
 */
enum reader_result reader_next(struct reader *reader, struct str *lines, struct err *err);

/* Of READER_ALONE: as source_exchange() has it. */
char *reader_exchange(struct reader *reader, char *spare);

/* Will the next call read(2)? Then poll a pipe first, to not wait for it. */
bool reader_wants_input(const struct reader *reader);

/* What it reads, for poll(2). Owned by the reader. */
int reader_fd(const struct reader *reader);

/* Of the line skipped last: its length, and the offset behind it. */
void reader_skipped(const struct reader *reader, uint64_t *len, uint64_t *offset);

/* For a progress display: bytes of the file used, and its size (0: unknown). */
void reader_progress(const struct reader *reader, uint64_t *used, uint64_t *size);

#endif
