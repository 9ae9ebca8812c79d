/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The marks of reasons that came lately. To mark a reason takes longer than all the rest
 * of its line, and mail that waits does so in few words. Pure; one owner.
 */
#ifndef CORE_MARKS_H
#define CORE_MARKS_H

#include "base/str.h"
#include "core/witness.h"

struct marked; /* opaque */

/* {0}: none yet. */
struct marks {
	struct marked *items;
};

void marks_clear(struct marks *marks);

/* What reason_mark_of() says of a reason that was not cut. */
struct reason_mark marks_of(struct marks *marks, struct str reason);

#endif
