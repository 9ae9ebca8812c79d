/* SPDX-License-Identifier: BSD-2-Clause */
/* The file that is being read was cut, rewritten, or cannot be read any more. */
#include "logs/follow_impl.h"

#include <errno.h>

/* The oldest file holds other text than what was read, or less. */
static void
restart_first(struct follow *follow)
{
	struct generation *first = follow->chain[0];
	struct follow_position wanted;

	follow_tell(follow, FOLLOW_NOTE_TRUNCATED,
	    "%s was cut or rewritten: it does not hold any more what was read up to "
	    "offset "
	    "%llu; lines between the last look and that may be lost",
	    first->name, (unsigned long long)follow->lines.offset);
	follow->shrunk_ms = -1;
	if (follow->chain_len > 1 || follow->lines.offset == 0) {
		generation_start(first, &follow->lines);
		generation_where(first, &follow->lines, &follow->where);
		return;
	}
	/* copytruncate: what was not read yet stands in the copy, if we find it */
	generation_where(first, &follow->lines, &wanted);
	search_begin(follow, &wanted, true);
}

/* It is shorter. True: settled, go on reading. */
static bool
handle_shrunk(struct follow *follow, uint64_t size)
{
	struct generation *first = follow->chain[0];

	if (follow->shrunk_ms < 0) {
		follow->shrunk_ms = follow->now_ms;
		follow->shrunk_size = size;
	}
	if (size < follow->shrunk_size)
		follow->shrunk_size = size;
	if (!first->is_local && follow->now_ms - follow->shrunk_ms < STALE_MS)
		return false;
	if (follow->shrunk_size == 0) {
		restart_first(follow);
		return true;
	}
	if (!generation_start_at_line(first, follow->shrunk_size, &follow->lines))
		return false;
	follow->shrunk_ms = -1;
	follow_tell(follow, FOLLOW_NOTE_TRUNCATED,
	    "%s was cut to %llu bytes; going on there", first->name,
	    (unsigned long long)follow->shrunk_size);
	generation_where(first, &follow->lines, &follow->where);
	return true;
}

bool
change_handle(struct follow *follow)
{
	uint64_t size;

	switch (generation_compare(follow->chain[0], &follow->lines, &size)) {
	case COMPARE_SAME: /* an unfinished line was taken back */
		lines_rewind(&follow->lines);
		follow->shrunk_ms = -1;
		return true;
	case COMPARE_SHRUNK:
		return handle_shrunk(follow, size);
	case COMPARE_REPLACED:
		restart_first(follow);
		return true;
	default:
		return false;
	}
}

/* The file cannot be read any more. A stale handle (NFS) is given up for a new one. */
void
change_handle_failure(struct follow *follow, int errnum)
{
	struct follow_position wanted;

	follow_tell_unreadable(
	    follow, &follow->read_failed, follow->chain[0]->name, errnum);
	if (errnum != ESTALE)
		return;
	generation_where(follow->chain[0], &follow->lines, &wanted);
	for (size_t i = 0; i < follow->chain_len; i++)
		follow_drop(follow, follow->chain[i]);
	follow->chain_len = 0;
	search_begin(follow, &wanted, false);
}
