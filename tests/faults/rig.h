/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A log in a directory of its own, a writer of numbered lines, and a reader whose clock
 * and store belong to the test. The oracle: every number once, in order.
 */
#ifndef TESTS_FAULTS_RIG_H
#define TESTS_FAULTS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logs/follow.h"

struct rig {
	char *dir;
	char *path; /* dir/log */
	struct follow *follow;
	int64_t now_ms;
	bool has_stored;
	struct follow_position stored; /* what a database would hold */
	uint32_t *got;                 /* numbers of the lines, as they came */
	size_t got_len;
	size_t got_size;
	unsigned malformed; /* lines without a number, or with something behind it */
	const char *broken; /* a promise of follow.h that was broken; NULL: none */
	unsigned notes[FOLLOW_NOTE_COUNT];
	char note[FOLLOW_NOTE_COUNT][1200]; /* the last one of each */
};

/*
 * A fresh one, with a directory below base (NULL: $TMPDIR or /tmp). There is one at a
 * time: the one before is cleared away, at the end of the program the last one. Faults
 * of inject.h are off again.
 */
struct rig *rig_new(const char *base);

/* Follow dir/name instead of dir/log. */
void rig_set_path(struct rig *rig, const char *name);

/* dir/name; valid until the eighth next call. */
const char *rig_path(const struct rig *rig, const char *name);

/* Append lines number from..to-1 to dir/name, created if need be. */
void rig_write(const struct rig *rig, const char *name, uint32_t from, uint32_t to);
void rig_write_text(
    const struct rig *rig, const char *name, const void *text, size_t len);

/* The same through a descriptor that a slow writer keeps. */
int rig_open_writer(const struct rig *rig, const char *name);
void rig_write_fd(int fd, uint32_t from, uint32_t to);

/* A line as text; the length. */
size_t rig_line(char *out, size_t size, uint32_t number);

void rig_rename(const struct rig *rig, const char *from, const char *to);
/* dir/log.1 -> log.2 and so on, the first count of them, then log -> log.1. */
void rig_shift(const struct rig *rig, unsigned count);
/* Until the clock that file systems read has gone on: what is made now is younger than
 * what was made before. */
void rig_tick(void);
void rig_copy(const struct rig *rig, const char *from, const char *to);
void rig_unlink(const struct rig *rig, const char *name);
void rig_truncate(const struct rig *rig, const char *name, uint64_t size);
uint64_t rig_size(const struct rig *rig, const char *name);

/* name -> name.gz as gzip(1) does it: times kept, then the original is unlinked. */
void rig_gzip(const struct rig *rig, const char *name);

/* Start to read at the stored position, if any. Fails the test if it cannot. */
void rig_start(struct rig *rig, enum follow_from from);

/* Stop without a word, as kill -9 does. What was stored is what was handed out. */
void rig_kill(struct rig *rig);

/* All that can be read at this moment; each chunk is stored with its position. */
void rig_pump(struct rig *rig);

/* At most count chunks. True: there may be more at once. */
bool rig_step(struct rig *rig, unsigned count);

/* Count a line as if it had come. */
void rig_got(struct rig *rig, uint32_t number);

/* Let time pass, a second a step, reading at each. */
void rig_pass(struct rig *rig, int64_t ms);

/* Long enough for rotations to be finished. */
void rig_settle(struct rig *rig);

/* Fails the test unless the lines from..to-1 came, once each and in order. */
#define rig_expect(rig, from, to) rig_expect_at(rig, from, to, __FILE__, __LINE__)
void rig_expect_at(
    const struct rig *rig, uint32_t from, uint32_t to, const char *file, int line);

/* The position stands at the end of dir/log. */
#define rig_expect_at_end(rig) rig_expect_at_end_at(rig, __FILE__, __LINE__)
void rig_expect_at_end_at(const struct rig *rig, const char *file, int line);

/* So many notes of this kind were given since the start. */
#define rig_expect_notes(rig, kind, count) \
	rig_expect_notes_at(rig, kind, count, __FILE__, __LINE__)
void rig_expect_notes_at(const struct rig *rig, enum follow_note kind, unsigned count,
    const char *file, int line);

#endif
