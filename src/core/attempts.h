/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the attempts began that status lines tell of. Of a message with many recipients
 * the lines of one attempt are written one after the other, for seconds, so that the time
 * of a line tells little. They have in common how long the message had waited when
 * qmgr(8) took it up, and when it had come: the line that is written soonest tells that
 * best. Pure; one owner.
 */
#ifndef CORE_ATTEMPTS_H
#define CORE_ATTEMPTS_H

#include <stdint.h>

#include "base/buf.h"
#include "core/status.h"

#define ATTEMPTS_MAX 64 /* messages; of the others each line stands for itself */

struct attempt {
	uint32_t hash;      /* of its queue id; 0: none */
	int64_t before_us;  /* as in struct status_line: another attempt has another */
	int64_t arrival_ms; /* the earliest that a line of it tells */
};

/* {0}: none yet. By hash. */
struct attempts {
	struct attempt items[ATTEMPTS_MAX];
};

/* The line is one of its attempt, whose other lines are to come or came. */
void attempts_note(
    struct attempts *attempts, const struct status_line *line, int64_t time_ms);

/* The earliest moment at which the attempt of a line can have begun. time_ms: of the
 * line. */
int64_t attempts_began(
    const struct attempts *attempts, const struct status_line *line, int64_t time_ms);

/* Lines of text, to be stored with the log's position, and brought back from among
 * others. */
void attempts_save(const struct attempts *attempts, struct buf *out);
void attempts_load(struct attempts *attempts, struct str saved);

#endif
