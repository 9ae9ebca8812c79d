/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of a batch share. */
#ifndef SQL_BATCH_IMPL_H
#define SQL_BATCH_IMPL_H

#include "sql/batch.h"

/* What became of a key. */
enum state {
	STATE_OPEN,    /* nothing was done: whose the row is, it says */
	STATE_CLAIMED, /* it was written, or found as it must be */
	STATE_THEIRS,  /* somebody else was faster */
	STATE_BUSY,
	STATE_REFUSED,
};

struct key {
	const struct rows_item *item;
	enum state state;
	bool changed;             /* by us, now */
	char id[ROWS_ID_MAX + 1]; /* of the row that is claimed */
	struct record *found;     /* the row of that name; NULL: there is none */
	struct record *odd;       /* one that the database holds for the same */
	char text[512];           /* why it is refused */
};

struct batch {
	struct connection *connection;
	bool own;
	bool careful;   /* a mark before each change */
	size_t refused; /* keys, for a reason that may be that of the whole table: */
	struct fault why;
	bool again; /* a fault of one key ended the transaction: that is what to do */
	const struct rows_request *request;
	struct key *keys;
	struct str *asked; /* keys of rows that are asked for, in order, once each */
	size_t asked_count;
	struct record **records; /* as they are found, in the order of asked */
	struct record **odd;     /* the same, of rows that have another name */
	bool written;            /* is there a change to commit? */
	bool stray;              /* rows came that have no name of a key */
};

/* Where it stands in asked; asked_count: nowhere. */
size_t batch_place(const struct batch *b, struct str key);

bool batch_says(const struct record *record, struct str level, struct str attributes);
/* Does its owner say that it is ours? Of a table that has none: yes. */
bool batch_is_owned(const struct batch *b, const struct record *record);
bool batch_is_mine(
    const struct batch *b, const struct rows_item *item, const struct record *record);

/* The line of each key, appended. */
void batch_print(struct batch *b, struct buf *answer);
/* The one line where the lease is another's. shortened_s: 0, or what is left of it. */
void batch_print_standby(const char *holder, uint32_t shortened_s, struct buf *answer);

#endif
