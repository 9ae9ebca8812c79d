/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was alerted lately, of which destination: trouble that goes on is not told time
 * and again. In memory, bounded: of many the oldest is forgotten. It knows no clock, and
 * its times are monotonic: the wall clock may be set, again and again.
 */
#ifndef ENGINE_TOLD_H
#define ENGINE_TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/why.h"

#define TOLD_SLOTS 1024 /* causes that are remembered, so many for one hash ... */
#define TOLD_WAYS  4    /* ... each; the oldest makes room */
#define TOLD_MAX   3    /* times that are remembered of a cause */

/* For what it was alerted. */
enum told_for {
	TOLD_CAUSE,
	TOLD_BOUNCES, /* mail that waits soon comes back */
	TOLD_FORS
};

/* A cause, and when it was alerted, the last time first; 0: never. */
struct told {
	int64_t destination; /* 0: none */
	enum why why;
	int64_t at_ms[TOLD_MAX];
	/* In which transaction it was that could not be stored; 0: it was */
	uint64_t unstored[TOLD_FORS];
};

struct told_table {
	struct told rows[TOLD_SLOTS][TOLD_WAYS];
	uint64_t transactions; /* in which something was alerted */
	bool alerted;          /* something is, in this one */
};

/* The row of that cause, an empty one if need be; until the next call. */
struct told *told_of(struct told_table *table, int64_t destination, enum why why);

void told_note(struct told *told, int64_t now_ms);

/* It is alerted, in a transaction. False: it was within a day, in one that could not be
 * stored, so that it comes up again: once is enough. */
bool told_anew(
    struct told_table *table, struct told *told, enum told_for what, int64_t now_ms);

/* That transaction is over. stored: it was committed. */
void told_ended(struct told_table *table, bool stored);

/* Was it told so many times, 1 to TOLD_MAX, within the day before now_ms? */
bool told_today(const struct told *told, unsigned times, int64_t now_ms);

/* Was it told at since_ms or later? */
bool told_since(const struct told *told, int64_t since_ms);

#endif
