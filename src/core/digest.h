/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mail of a day to the administrator: entries that came and went, what waits and why,
 * what still goes in cleartext, and whether there is anything to say. Of each part the
 * first rows stand there, the worst first, the others are counted: its length is bounded.
 * Days are those of UTC, since the epoch. Texts that are added are borrowed for the call.
 * Pure.
 */
#ifndef CORE_DIGEST_H
#define CORE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "core/demand.h"
#include "core/why.h"

#define DIGEST_ROWS_MAX 30 /* of a part */
#define DIGEST_KEY_MAX  300
#define DIGEST_WEEK     7 /* days; what is no news in itself is said once in so many */
#define DIGEST_AT_MS    (4 * SPAN_HOUR_MS) /* of the day behind those, when it is made */

enum digest_part {
	DIGEST_CAME,
	DIGEST_WENT,
	DIGEST_CHANGED,
	DIGEST_PASSED, /* entries that came and went, or changed to and fro */
	DIGEST_WAITS,
	DIGEST_CLEARTEXT,
	DIGEST_PARTS,
};

struct digest_row {
	int64_t rank; /* the lowest first */
	char *line;
};

struct digest {
	int64_t first_day, end_day; /* end_day is not in it */
	int64_t now_ms;
	bool is_news;
	uint64_t cleartext; /* messages */
	struct {
		struct digest_row rows[DIGEST_ROWS_MAX];
		size_t shown;
		size_t count;
	} parts[DIGEST_PARTS];
	char key[DIGEST_KEY_MAX]; /* of the entry that came or went first; "": none */
};

/* It ends with digest_clear(). now_ms: wall. */
void digest_begin(
    struct digest *digest, int64_t first_day, int64_t end_day, int64_t now_ms);
void digest_clear(struct digest *digest);

/* An entry was before at the beginning of these days, is after at their end, and changed
 * between. LEVEL_NONE: there is none. why: of its last change. */
void digest_add_change(struct digest *digest, const char *key, struct demand before,
    struct demand after, enum why why);

/* Mail waits there now. since_ms: when it first failed since it last flowed; bounces_ms:
 * when the first message comes back; 0: not known. */
void digest_add_wait(struct digest *digest, const char *key, enum why why,
    int64_t since_ms, int64_t bounces_ms);

/* So many messages were sent there in cleartext. is_new: none was in the weeks before. */
void digest_add_cleartext(
    struct digest *digest, const char *key, uint64_t messages, bool is_new);

enum digest_says {
	DIGEST_NOTHING, /* nothing happened: these days are done with */
	DIGEST_LATER,   /* no news, but figures: the next one has these days as well */
	DIGEST_NEWS,
};

/* Once all was added. News: an entry changed; mail waits since the digest before, for an
 * hour or longer; mail went in cleartext where none did before; or a week is over, and
 * mail waits or went so. */
enum digest_says digest_says(const struct digest *digest);

/* One line, without a newline; and lines, of which the last is the command to type. */
void digest_subject(const struct digest *digest, struct buf *out);
void digest_text(const struct digest *digest, struct buf *out);

#endif
