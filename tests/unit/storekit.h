/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests of what is stored: a directory that goes with the program, stores in it and
 * in memory, and a way to read them without the code under test. */
#ifndef TESTS_STOREKIT_H
#define TESTS_STOREKIT_H

#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

/* The sentence of the last failure. */
extern struct err kit_err;

void kit_begin(void);    /* makes the directory */
int kit_end(int status); /* removes it with all that is in it; returns status */

/* "DIR/name"; the text is good for some calls more. */
const char *kit_path(const char *name);
void kit_write(const char *name, const void *data, size_t len);

void kit_remove(const char *name); /* a database, if it is there */
/* A new database in its place, which has the present schema and nothing else. */
void kit_new(const char *name);

struct store *kit_scratch(void);                                  /* in memory */
struct store *kit_open(const char *name);                         /* or the test fails */
int64_t kit_add(struct store *store, const char *key);            /* a new one; its id */
struct destination kit_get(struct store *store, const char *key); /* or the test fails */
void kit_put(struct store *store, struct destination *d);
/* An entry of that level, new perhaps, in the map's next version. */
void kit_put_level(struct store *store, const char *key, enum level level);
/* Adds one to the history, from none to may with match=.d.test. */
void kit_decide(struct store *store, int64_t id, int64_t time_ms, const char *action);
/* A message for u@d.test waits: the rule "r" recognised "reason". */
void kit_wait(struct store *store, int64_t id, const char *queue_id, int64_t time_ms);
/* What waits for it is due from then on, once the map has that version. */
void kit_release(struct store *store, int64_t id, int64_t version, int64_t not_before_ms);
/* All that is due is retried, and there is no word of it yet. */
void kit_retry(struct store *store, int64_t version, int64_t now_ms);
void kit_begin_transaction(struct store *store);
void kit_commit(struct store *store);

/* Statements, and what one answers: fields parted by |, rows by newlines. */
void kit_run(const char *name, const char *sql);
char *kit_ask(const char *name, const char *sql); /* to be freed */
void kit_assert(const char *name, const char *sql, const char *expected);

#endif
