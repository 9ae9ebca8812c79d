/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One generation of a log: a file that is open, whatever its name is by now, and how it
 * is distinguished from others. Private to follow.
 */
#ifndef LOGS_FOLLOW_FILE_H
#define LOGS_FOLLOW_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "logs/follow.h"
#include "logs/gzip.h"
#include "logs/lines.h"

struct identity {
	uint64_t device;
	uint64_t inode;
	int64_t birth_ns; /* 0: unknown to the file system */
};

struct file_facts {
	struct identity id;
	uint64_t size;
	int64_t mtime_ns;
	bool is_regular;
	bool is_linked; /* it still has a name */
};

/* Of a name (symbolic links followed) or an open file. 0, or an errno. */
int facts_of_path(const char *path, struct file_facts *facts);
int facts_of_fd(int fd, struct file_facts *facts);

/* pread(2) until size bytes are there or no more come. -1: errno. */
ssize_t file_read_at(int fd, char *out, size_t size, uint64_t offset);

/* 64 bits, the same on every machine, as positions are stored. */
uint64_t follow_hash(const char *bytes, size_t len);

/* A position with impossible lengths was never ours. */
bool position_is_sane(const struct follow_position *position);

bool identity_equal(const struct identity *a, const struct identity *b);

struct generation {
	int fd;
	int watch; /* of sys/watch */
	struct identity id;
	struct gzip *gzip; /* NULL: the file is read as it is */
	char *name;        /* when it was opened, quoted, for notes */
	bool is_local;     /* sizes are true at once (see watch_serves()) */
	bool is_whole;     /* a copy or compressed: it is not written to any more */
	bool was_idle;     /* the last read met the end */
	bool is_damaged;   /* gzip: nothing more can be had, trouble says why */
	struct err trouble;
	char head[FOLLOW_HEAD_MAX];
	size_t head_len;
	size_t hashed_len; /* of head_hash */
	uint64_t head_hash;
};

/* NULL: *errnum. gzip files are recognised where may_be_gzip. */
struct generation *generation_open(const char *path, bool may_be_gzip, int *errnum);
void generation_free(struct generation *generation);

enum compare_result {
	COMPARE_SAME,
	COMPARE_SHRUNK,   /* shorter, and as far as it goes the same */
	COMPARE_REPLACED, /* other text */
	COMPARE_FAILED,   /* could not tell */
};

/*
 * Is what stands before position->offset what position remembers? Then lines goes on
 * there. Not for a gzip file.
 */
enum compare_result generation_resume(struct generation *generation,
    const struct follow_position *position, struct lines *lines);

/* Are its first bytes those that position remembers? */
bool generation_head_is(
    const struct generation *generation, const struct follow_position *position);

/* Read from the beginning of the file. */
void generation_start(struct generation *generation, struct lines *lines);

/* Read from the start of the last line that begins before size. False: not readable. */
bool generation_start_at_line(
    struct generation *generation, uint64_t size, struct lines *lines);

enum read_result {
	READ_DATA,
	READ_EOF,
	READ_CHANGED, /* what was read before stands there no more */
	READ_FAILED,  /* *errnum */
};

enum read_result generation_read(
    struct generation *generation, struct lines *lines, int *errnum);

/* After READ_CHANGED: what became of the file; *size is its size now. */
enum compare_result generation_compare(
    struct generation *generation, const struct lines *lines, uint64_t *size);

/* The place where lines stands, in this generation. */
void generation_where(struct generation *generation, const struct lines *lines,
    struct follow_position *position);

/* --- follow_packed.c: a generation that was compressed ---------------------------- */

enum seek_result {
	SEEK_FOUND,
	SEEK_MORE,  /* call again */
	SEEK_OTHER, /* not the same text */
};

/*
 * generation_resume() for a gzip file: it is read up to the offset, a few MiB a call, the
 * head is compared first. Before the first call lines is reset to offset 0.
 */
enum seek_result generation_seek(struct generation *generation,
    const struct follow_position *position, struct lines *lines);

/* For generation_read(). */
enum read_result generation_read_packed(
    struct generation *generation, char *room, size_t size, struct lines *lines);

/* Is the gzip file at path what was made of this generation: same size, same head? */
bool generation_is_packed_at(const struct generation *generation, const char *path);

#endif
