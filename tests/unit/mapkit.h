/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps in the directory of fake.h: what is published there, and what is found then. */
#ifndef TESTS_MAPKIT_H
#define TESTS_MAPKIT_H

#include "fake.h"
#include "publish/textmap.h"

#define WRITTEN_S 1795483619 /* 2026-11-24T01:26:59Z, by date(1) */

#define OLD_TEXT "# TLS policy of Postfix, 0 entries, written by tlsladder long ago.\n"

extern const char mapkit_buecher[]; /* a key beyond ASCII */

/* One of each kind: a domain, an address with its port, one of IPv6, UTF-8. */
#define MAPKIT_ENTRIES 4
extern const struct map_entry mapkit_entries[MAPKIT_ENTRIES];

/* A source of entries that are in memory: mapkit_each() with it as context. */
struct mapkit_some {
	const struct map_entry *entries;
	size_t count;
};
bool mapkit_each(void *context, map_entry_fn *take, void *taker, struct err *err);

void mapkit_begin(void);    /* for main(), before the first test; with fake_begin() */
int mapkit_end(int status); /* after the last; returns status */

/* Publish these at fake_path("map"), or another path. False: it failed, err says why. */
bool mapkit_publish(const struct postfix *postfix, const char *type,
    const struct map_entry *some, size_t count, struct err *err);
bool mapkit_publish_at(const char *path, const struct postfix *postfix, const char *type,
    const struct map_entry *all, size_t count, struct err *err);

/* The map, and what a run that was cut short leaves beside it. */
void mapkit_remove(void);

/* "secure match=..." of 72 kB, as the names of a policy of many servers; until the
 * program ends. */
char *mapkit_long_value(char last);

void mapkit_assert_missing(const char *name);
void mapkit_assert_nothing_beside(void); /* no work file is left */

/* With the Postfix of this machine: skips the test where there is none, or one without
 * this type. An empty map of it is there then. */
void mapkit_need_type(const char *type);
/* What it finds in the map; NULL: nothing. */
void mapkit_assert_value(const char *type, const char *key, const char *expected);

#endif
