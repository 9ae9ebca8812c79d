/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What fact sources answered last, as a text that is kept with a destination: a line
 * each, "NAME ASKED_MS UNTIL_MS TEXT". A new source needs no column for it. Lines of
 * names that nobody knows here stay while there is room, as another version of the
 * program wrote them; a line that cannot be read is as if it was not there.
 */
#ifndef CORE_FACTS_H
#define CORE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define FACTS_SIZE     2048 /* of all lines */
#define FACT_TEXT_SIZE 240  /* of one text; what is longer is cut */
#define FACT_LINE_SIZE 320  /* so that there is room for FACTS_SIZE / FACT_LINE_SIZE */

/* Texts are borrowed. Times in ms since the epoch. */
struct fact {
	struct str name;  /* one word of at most 31 bytes */
	int64_t asked_ms; /* when it was answered */
	int64_t until_ms; /* so long the answer may be used again */
	struct str text;  /* one line; it is cut at a control character */
};

/* The line of that name. False: there is none that can be read. */
bool facts_find(const char *facts, const char *name, struct fact *out);

/* In place of the line of that name, if there is one. The line put last has room before
 * those that were put earlier. fact borrows nothing from facts. */
void facts_put(char facts[FACTS_SIZE], const struct fact *fact);

#endif
