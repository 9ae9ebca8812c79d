/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of the map read back: an entry with what its comment says of it. Texts of
 * older versions are read as well; what they do not say of a pin is that it ends.
 */
#ifndef PUBLISH_MAPREAD_H
#define PUBLISH_MAPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/destination.h"

struct mapread {
	char key[NEXTHOP_KEY_SIZE];
	enum level level;
	struct buf attributes;
	enum why why;               /* WHY_NONE: the comment names none that is known */
	struct destination_pin pin; /* its note is cut where it is longer */
};

/*
 * line: of the text, without its end; comment: the line before it, "" for none. False: no
 * entry. {0} before the first call; each one may reuse it; mapread_clear() at the end.
 */
bool mapread_entry(struct str comment, struct str line, struct mapread *out);
void mapread_clear(struct mapread *out);

/* Is it the comment that stands above an entry: does it begin with a why? */
bool mapread_is_why(struct str comment);

#endif
