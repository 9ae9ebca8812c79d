/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/marks.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/fold_items.h"

#define MARKS 1024 /* kept; a reason has one place, where it takes that of another */

struct marked {
	struct reason_mark mark;
	size_t len;     /* 0: no reason is here */
	char text[256]; /* longer ones are not kept */
};

void
marks_clear(struct marks *marks)
{
	free(marks->items);
	*marks = (struct marks){0};
}

struct reason_mark
marks_of(struct marks *marks, struct str reason)
{
	struct marked *at;

	if (reason.len == 0 || reason.len > sizeof(at->text))
		return reason_mark_of(reason, false);
	if (marks->items == NULL)
		marks->items = mem_new(MARKS, sizeof(*marks->items));
	at = &marks->items[fold_items_hash(reason) % MARKS];
	if (!str_equal(reason, (struct str){at->text, at->len})) {
		memcpy(at->text, reason.p, reason.len);
		at->len = reason.len;
		at->mark = reason_mark_of(reason, false);
	}
	return at->mark;
}
