/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of one key in a table that others write to as well, and what to ask of
 * the table next. Pure. The rules (who may change a row):
 *
 *   a row is ours where it is as we read it back last, or as an intent that was stored
 *   before it was asked for, and no row was there before; every other is somebody else's
 *   a row of ours that somebody changed is his for good
 *   one of ours that somebody deleted is vetoed: it is not put back before the lease of
 *   the entry ends, unless the entry is pinned after that
 *   what we wrote and the table lost is neither: published_survey()
 *
 * The order of calls is: published_plan() or published_compare(); for a look its answer;
 * for the others published_begin(), which is stored before the table is asked, and the
 * answer, which is stored after it.
 */
#ifndef CORE_PUBLISHED_H
#define CORE_PUBLISHED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/level.h"
#include "core/rows.h"

enum published_state {
	PUBLISHED_NONE,    /* nothing is known */
	PUBLISHED_OURS,    /* the row was read back as it is here */
	PUBLISHED_THEIRS,  /* somebody else's row is there */
	PUBLISHED_VETOED,  /* somebody deleted ours */
	PUBLISHED_REFUSED, /* the database takes no such row */
	PUBLISHED_STATE_COUNT,
};

#define PUBLISHED_LEVEL_SIZE 16
#define PUBLISHED_TEXT_SIZE  256

/* What a row says. level "": there is none. */
struct published_text {
	char level[PUBLISHED_LEVEL_SIZE];
	char attributes[ROWS_ATTRIBUTES_MAX + 1];
};

/* Plain values. */
struct published {
	char key[ROWS_KEY_MAX + 1];
	enum published_state state;
	int64_t since_ms; /* when that state began */
	int64_t until_ms; /* of a veto: its end */
	/* Our row as it was read back last; level "": none is known. */
	char id[ROWS_ID_MAX + 1];
	struct published_text row;
	char modified[ROWS_MODIFIED_MAX + 1];
	/* What we began to write, and do not know whether it was done. */
	unsigned intent_count;
	struct published_text intents[ROWS_INTENTS_MAX];
	char text[PUBLISHED_TEXT_SIZE]; /* of a refusal: the database's words */
};

/* What the table is to say; text.level "": there is to be no row. */
struct published_want {
	struct published_text text;
	bool is_pinned;
	int64_t since_ms; /* of the entry */
	int64_t lease_ms; /* its end, or the pin's; 0: it has none */
};

/* Why an entry is in no table; or not in that one. */
enum published_bar {
	PUBLISHED_NO_BAR,
	PUBLISHED_BAR_KEY,  /* rows_is_key(): the key is not ASCII, or too long */
	PUBLISHED_BAR_WEAK, /* below the publisher's lowest */
	PUBLISHED_BAR_LONG, /* the attributes are too long */
};

enum published_bar published_bar(
    const char *key, enum level level, const char *attributes, enum level lowest);

enum published_step {
	PUBLISHED_REST, /* nothing is to be asked */
	PUBLISHED_LOOK, /* whether a row is there; then published_looked() */
	PUBLISHED_WANT,
	PUBLISHED_DROP,
};

/* A new one of that key; its length is at most ROWS_KEY_MAX. */
void published_init(struct published *p, const char *key);

/* Is there anything to remember? */
bool published_is_empty(const struct published *p);

/* What is to be asked, for all that is known. */
enum published_step published_plan(
    const struct published *p, const struct published_want *want, int64_t now_ms);

/* What an answer is for those who look on. */
enum published_news {
	PUBLISHED_NO_NEWS,
	PUBLISHED_IS_IN_FORCE, /* the row says what it is to say, or is gone as it should
	                        */
	PUBLISHED_IS_THEIRS,   /* a row of somebody else is there, first seen now */
	PUBLISHED_IS_TAKEN,    /* somebody changed our row: it is his */
	PUBLISHED_IS_VETOED,   /* somebody deleted our row */
	PUBLISHED_IS_REFUSED,  /* the database takes no such row, first said now */
	PUBLISHED_IS_BUSY,     /* again later */
};

/* The same, where the table was listed: listed is the row of the key, NULL for none. What
 * the row tells becomes part of what is known. */
enum published_step published_compare(struct published *p,
    const struct published_want *want, const struct rows_row *listed,
    enum published_news *news, int64_t now_ms);

/*
 * Of all rows that were read back as ours, what became of them. Somebody who deletes some
 * has his way; where the rows of a table are older than they were, or most are gone at
 * once, it was restored from a copy, or it is another one.
 */
struct published_survey {
	size_t known;
	size_t gone;
	size_t older;
};

void published_survey(struct published_survey *survey, const struct published *p,
    const struct rows_row *listed);
bool published_is_restored(const struct published_survey *survey);

/* Such a table was listed: what is known of the key is what is there. What somebody else
 * changed stays known as it was, so that it is his. True: p changed. */
bool published_restore(
    struct published *p, const struct rows_row *listed, int64_t now_ms);

/* Before a want is asked for: what is begun. True: p changed. */
bool published_begin(struct published *p, const struct published_want *want);

/* The lines of what is asked, appended; step is no REST. A lease is the caller's. */
void published_print(const struct published *p, const struct published_want *want,
    enum published_step step, struct buf *out);

/* The answer to a look, a want or a drop. After a look the next step is *step. */
enum published_news published_answered(struct published *p,
    const struct published_want *want, enum published_step *step,
    const struct rows_line *answer, int64_t now_ms);

/* The row, of others as far as is known, becomes ours, as the administrator says. False:
 * it is not what is wanted, and nothing changed. */
bool published_adopt(struct published *p, const struct published_want *want,
    const struct rows_row *row, int64_t now_ms);

/* Is a row that says that ours? Of a table that was asked, not listed. */
bool published_is_ours(const struct published *p, const struct rows_row *row);

/* The database says that nothing stands of what was begun, that before did not. */
void published_undone(struct published *p, const struct published_want *want);

const char *published_state_name(enum published_state state);
/* False: no such name, and *out is PUBLISHED_NONE. */
bool published_state_parse(struct str name, enum published_state *out);

#endif
