/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A log file, read on through rename, copytruncate and inode reuse, with nothing lost
 * and nothing twice. One thread owns a struct follow. Nothing here waits: the caller
 * polls follow_fd() (it only shortens the wait) and calls follow_next() at least once
 * a minute at rest, once a second while a generation is being finished.
 */
#ifndef LOGS_FOLLOW_H
#define LOGS_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define FOLLOW_HEAD_MAX 1024  /* bytes of the head that identify a file */
#define FOLLOW_MARK_MAX 64    /* bytes before the offset that identify the place */
#define FOLLOW_LINE_MAX 65536 /* a longer line is skipped to its newline and counted */

/*
 * A place in a log: behind a newline, at 0, or at the end of a file that was finished
 * without one. A plain value: stored in the same transaction as what the lines before
 * it led to. In a gzip file the offset counts decompressed bytes.
 */
struct follow_position {
	uint64_t device;
	uint64_t inode;
	int64_t birth_ns;   /* birth time of the inode, 0 where unknown */
	uint64_t offset;    /* bytes of whole lines handed out */
	uint32_t head_len;  /* at most FOLLOW_HEAD_MAX, at most offset */
	uint64_t head_hash; /* of the first head_len bytes */
	uint32_t mark_len;  /* the smaller of FOLLOW_MARK_MAX and offset */
	uint64_t mark_hash; /* of the mark_len bytes before offset */
};

enum follow_from {
	FOLLOW_FROM_END,
	FOLLOW_FROM_START,
};

/* What may have been lost or skipped; each is reported once. */
enum follow_note {
	FOLLOW_NOTE_GAP, /* lines may be lost: counted, named with offset and times */
	FOLLOW_NOTE_TRUNCATED,  /* the file was cut or rewritten in place */
	FOLLOW_NOTE_ROTATED,    /* a newer generation took over */
	FOLLOW_NOTE_MISSING,    /* no file at the path (once, not at every check) */
	FOLLOW_NOTE_APPEARED,   /* it is there again */
	FOLLOW_NOTE_UNREADABLE, /* open or read failed; tried again */
	FOLLOW_NOTE_LONG_LINE,  /* a line over FOLLOW_LINE_MAX was skipped */
	FOLLOW_NOTE_REFUSED,    /* not a regular file, unknown compressor */
	FOLLOW_NOTE_COUNT,
};

/* text is one sentence that names the file; it lives for the call only. */
typedef void follow_note_fn(void *context, enum follow_note note, const char *text);

enum follow_result {
	FOLLOW_LINES, /* chunk holds one or more whole lines, the last newline included */
	FOLLOW_IDLE,  /* nothing now; position may have moved to a newer generation */
	FOLLOW_BUSY,  /* nothing yet, but call again at once (seeking through a .gz) */
};

struct follow; /* opaque */

/*
 * Follow path from position (NULL: none is stored; then `from` decides). The file need
 * not exist. position is believed only where device, inode, birth time, head and mark
 * agree; else rotated generations beside the log are searched for it. NULL: path can
 * never be followed (a directory, a FIFO, a device).
 */
struct follow *follow_new(const char *path, const struct follow_position *position,
    enum follow_from from, follow_note_fn *note, void *context, struct err *err);
void follow_free(struct follow *follow);

/*
 * The next whole lines, valid until the next call. What stands in the chunk may hold
 * any byte. now_ms is the monotonic clock. A last line without newline stays where it
 * is until its newline comes or its generation is finished.
 */
enum follow_result follow_next(struct follow *follow, int64_t now_ms, struct str *lines);

/* As source_exchange() has it. */
char *follow_exchange(struct follow *follow, char *spare);

/*
 * The place behind the last chunk handed out. Store it with the chunk's effects, and
 * once right after follow_new(). False: there is none yet (a file that could not be
 * opened so far); storing *out does no harm. Inode 0: there was no file, and
 * all of the next one is new.
 */
bool follow_where(const struct follow *follow, struct follow_position *out);

/* To poll for reading beside other things: -1 where there is none (inotify failed). */
int follow_fd(const struct follow *follow);

/* Milliseconds until follow_next() wants to re-check though nothing was signalled. */
int64_t follow_wait_ms(const struct follow *follow);

#endif
