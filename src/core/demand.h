/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an entry of the policy map demands of a destination: a level with its attributes,
 * as they stand behind the key. They belong together: an entry is compared as a whole.
 */
#ifndef CORE_DEMAND_H
#define CORE_DEMAND_H

#include <stdbool.h>

#include "base/buf.h"
#include "core/level.h"

/*
 * A value. Its text is immutable, of any length, and borrowed unless it came from
 * demand_copy(): a demand is good as long as what it was taken from.
 */
struct demand {
	enum level level;       /* LEVEL_NONE: there is no entry */
	const char *attributes; /* "match=.example.org ciphers=high"; NULL or "": none */
};

/* A level without attributes. */
struct demand demand_of(enum level level);

/* Never NULL. */
const char *demand_attributes(struct demand demand);

bool demand_equal(struct demand a, struct demand b);

/* As it stands in the map: "encrypt", "secure match=.example.org". */
void demand_print(struct demand demand, struct buf *out);

/* The same with a text of its own; demand_clear(). */
struct demand demand_copy(struct demand demand);

/* What demand_copy() made, and {0}; it is LEVEL_UNKNOWN then. */
void demand_clear(struct demand *demand);

#endif
