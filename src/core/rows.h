/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tlsladder-mariadb and tlsladder-pgsql are asked on their standard input and answer
 * on their standard output: lines of fields parted by one tab, an empty field is "-". No
 * field holds a control byte. One run is one batch, one listing, or the schema.
 *
 *	lease HOLDER SECONDS          take or renew it in the transaction of the batch
 *	renew HOLDER SECONDS          the same, but it is not taken from another, not even
 *	                              where it ended
 *	intent KEY LEVEL ATTRIBUTES   before its want or drop, up to ROWS_INTENTS_MAX:
 *	                              we began to write that, a row that equals it is ours
 *	owner KEY OWNER               before its want, in a table of our own: what its row
 *	                              says of that; without it ROWS_OWNER
 *	want KEY LEVEL ATTRIBUTES     there is no row of ours that we know of
 *	want KEY LEVEL ATTRIBUTES ID LEVEL ATTRIBUTES MODIFIED
 *	                              ... our row, as read back last
 *	drop KEY [ID LEVEL ATTRIBUTES MODIFIED]
 *	look KEY                      whose row answers for it, its own or a parent's
 *	all                           alone: every row
 *	rights                        alone: may all be done? Changes nothing
 *	schema                        alone: SQL that makes our own tables; no connection
 *	end                           without it nothing is done
 *
 * Answers, one for each want, drop and look, in their order, after all was read back:
 *
 *	ours KEY ID LEVEL ATTRIBUTES MODIFIED   in force as asked
 *	theirs KEY ID LEVEL ATTRIBUTES ACTIVE   somebody else's, or no more as ours was;
 *	                              left alone. To a look: KEY may be a parent's
 *	gone KEY                      no row: dropped, or deleted by somebody else
 *	busy KEY                      again later
 *	refused KEY TEXT              the database refuses what that key would have
 *	row KEY ID LEVEL ATTRIBUTES ACTIVE MODIFIED OWNER       one of all
 *	standby HOLDER [SECONDS]      alone: the lease is another's, nothing was written;
 *	                              SECONDS: it would have lasted for longer than any,
 *	                              and lasts for that now
 *	grant TEXT                    to rights: SQL that gives what is missing, up to
 *	                              ROWS_GRANTS_MAX; then "failed rights"
 *	failed CLASS TEXT             last: nothing of the batch stands
 *	unsure CLASS TEXT             last: whether the batch stands is not known
 *	done                          last: the answer is whole
 *
 * An ID is "-" where the table has none. MODIFIED is the text of the database, "-" where
 * it was never modified. To schema the answer is the SQL alone.
 */
#ifndef CORE_ROWS_H
#define CORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define ROWS_ITEMS_MAX      500 /* want, drop and look of a request */
#define ROWS_INTENTS_MAX    8   /* of an item */
#define ROWS_KEY_MAX        255 /* octets, as the following */
#define ROWS_ATTRIBUTES_MAX 255
#define ROWS_GRANTS_MAX     4
#define ROWS_ID_MAX         20
#define ROWS_MODIFIED_MAX   40
#define ROWS_HOLDER_MAX     128
#define ROWS_OWNER_MAX      64
#define ROWS_TEXT_MAX       1024 /* of what others wrote: a row, a database's words */
#define ROWS_LINE_MAX       8192
#define ROWS_REQUEST_MAX    (4U * 1024 * 1024)
#define ROWS_ANSWER_MAX     (2U * 1024 * 1024) /* to a batch; a listing has no limit */
#define ROWS_LEASE_MAX_S    3600

enum rows_word {
	ROWS_LEASE,
	ROWS_RENEW,
	ROWS_INTENT,
	ROWS_OWNER_IS,
	ROWS_WANT,
	ROWS_DROP,
	ROWS_LOOK,
	ROWS_ALL,
	ROWS_RIGHTS,
	ROWS_SCHEMA,
	ROWS_END,
	/* of answers */
	ROWS_OURS,
	ROWS_THEIRS,
	ROWS_GONE,
	ROWS_BUSY,
	ROWS_REFUSED,
	ROWS_ROW,
	ROWS_STANDBY,
	ROWS_GRANT,
	ROWS_FAILED,
	ROWS_UNSURE,
	ROWS_DONE,
	ROWS_WORD_COUNT,
};

/* Why nothing was done, and what helps (SQL errors by number or SQLSTATE). */
enum rows_class {
	ROWS_CLASS_BUSY,      /* locked by others: again, with back-off */
	ROWS_CLASS_OUTAGE,    /* not reached, or stopped */
	ROWS_CLASS_READ_ONLY, /* no host of the login file takes changes */
	ROWS_CLASS_RIGHTS,    /* a GRANT is missing, or the password is wrong */
	ROWS_CLASS_LOGIN,     /* the login file is refused */
	ROWS_CLASS_FAULT,     /* all else */
	ROWS_CLASS_COUNT,
};

/* A row of the table. */
struct rows_row {
	struct str id;
	struct str level;
	struct str attributes;
	struct str modified;
	struct str owner; /* of a table of our own: rows_owner_parse() */
	bool active;
};

/* A line of either side; which of its members it has, the list above says. Texts are
 * borrowed: of who prints, or of the text that was parsed. */
struct rows_line {
	enum rows_word word;
	struct str key;
	struct str level; /* what is wanted */
	struct str attributes;
	bool has_row;
	struct rows_row row; /* what is there, or was */
	struct str holder;
	struct str owner; /* ... and what its row is to say of that */
	uint32_t seconds;
	enum rows_class class;
	struct str text;
};

/*
 * May it be a key of a table? ASCII alone, lower case: tables of MariaDB hold domains for
 * the same that differ in accents, so that one could speak for the other.
 */
bool rows_is_key(struct str key);

/*
 * Whose a row of our own table is: "tlsladder" are ours, "tlsladder pinned" those of a
 * pin, which may end: "tlsladder pinned until 2026-11-24T07:12:01Z". What begins with
 * "tlsladder " and says something else is ours, and no pin. All others are somebody's.
 */
#define ROWS_OWNER "tlsladder"

struct rows_owner {
	bool is_ours;
	bool is_pinned;
	int64_t until_ms; /* 0: for good */
};

struct rows_owner rows_owner_parse(struct str text);
/* out: ROWS_OWNER_MAX + 1 octets. */
void rows_owner_print(bool is_pinned, int64_t until_ms, char *out);

const char *rows_word_name(enum rows_word word);
const char *rows_class_name(enum rows_class class);

/* Appends the line, with its newline. False, and nothing is appended: a field is not of
 * the form that it must have. */
bool rows_line_print(const struct rows_line *line, struct buf *out);

/* line: without its newline. False: no line of this protocol. */
bool rows_line_parse(struct str line, struct rows_line *out, struct err *err);

/* Appends text of others as a field holds it: control bytes and what is no UTF-8 as \xNN,
 * cut to ROWS_TEXT_MAX octets ("..." at its end). What was altered equals nothing that
 * tlsladder writes. */
void rows_add_text(struct buf *out, struct str text);

/* --- rows_batch.c: whole requests and answers --------------------------------------- */

struct rows_item {
	struct rows_line line; /* want, drop or look */
	struct str owner;      /* of a want */
	size_t intent;         /* the first of its intents in rows_request.intents */
	unsigned intent_count;
};

/* {0} is an empty one. Its texts are borrowed from what was parsed. */
struct rows_request {
	enum rows_word what; /* ROWS_WANT: a batch; ROWS_ALL, ROWS_RIGHTS, ROWS_SCHEMA */
	struct str holder;   /* of the lease; "": none is asked for */
	uint32_t lease_s;
	bool renews; /* it is not taken from another */
	struct rows_item *items;
	size_t count;
	struct rows_line *intents;
	size_t intent_count;
};

/* False: it is not whole or has a fault; nothing of it may be done. *out is to be cleared
 * in any case. A key is not named twice by want and drop. */
bool rows_request_parse(struct str text, struct rows_request *out, struct err *err);
void rows_request_clear(struct rows_request *request);

struct rows_answer {
	enum rows_word end;    /* ROWS_DONE, ROWS_FAILED or ROWS_UNSURE */
	enum rows_class class; /* where it is one of the last two */
	struct str text;       /* the same */
	struct str holder;     /* whose the lease is; "": ours, or none was asked for */
	bool is_shortened;     /* and it would have lasted for longer than any */
	struct str grants[ROWS_GRANTS_MAX];
	unsigned grant_count;
	struct rows_line *lines; /* where done and no standby: as many as the request has
	                          * items, each of its item's key and a fitting word */
	size_t count;            /* of lines; else 0 */
};

/*
 * What came of that batch. False: no whole answer, and *out says ROWS_UNSURE. Its texts
 * are borrowed from text; it is to be cleared in any case.
 */
bool rows_answer_parse(struct str text, const struct rows_request *request,
    struct rows_answer *out, struct err *err);
void rows_answer_clear(struct rows_answer *answer);

/*
 * The parents that Postfix asks for when it has no row of key, nearest first: ".b.test"
 * and ".test" of "a.b.test". Steps from one to the next, beginning with the key itself;
 * borrowed from it. False: there is none more; [host] and host:port have none.
 */
bool rows_next_parent(struct str *key);

#endif
