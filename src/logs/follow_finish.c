/* SPDX-License-Identifier: BSD-2-Clause */
/* At the end of the oldest file: whether it is finished, and what comes then. */
#include "logs/follow_impl.h"

#include <string.h>

/* Has any file of the chain, from the at-th on, something in it? */
bool
follow_has_bytes_from(const struct follow *follow, size_t at)
{
	struct file_facts facts;

	for (; at < follow->chain_len; at++)
		if (facts_of_fd(follow->chain[at]->fd, &facts) == 0 && facts.size > 0)
			return true;
	return false;
}

/*
 * Was a newer one still written to, QUIET_MS after it was made and after the first one's
 * last byte? This is judged by times of files, so a reader that is restarted more often
 * than every QUIET_MS gets on as well.
 */
static bool
is_outlived(const struct follow *follow, const struct file_facts *first)
{
	const int64_t quiet_ns = QUIET_MS * INT64_C(1000000);
	struct file_facts facts;

	for (size_t i = 1; i < follow->chain_len; i++)
		if (facts_of_fd(follow->chain[i]->fd, &facts) == 0 && facts.size > 0 &&
		    facts.id.birth_ns > 0 &&
		    facts.mtime_ns - facts.id.birth_ns >= quiet_ns &&
		    facts.mtime_ns - first->mtime_ns >= quiet_ns)
			return true;
	return false;
}

/* At the end of the oldest file: will nothing more come? */
static bool
is_finished(struct follow *follow)
{
	struct generation *first = follow->chain[0];
	struct file_facts facts;

	if (follow->chain_len < 2 || facts_of_fd(first->fd, &facts) != 0)
		return false;
	if (first->gzip != NULL)
		return true;
	if (facts.size > lines_read_offset(&follow->lines))
		return false; /* the read was a short one */
	if (first->is_whole)
		return true;
	/* a writer may be one rotation behind, but not two */
	if (follow_has_bytes_from(follow, 2) || is_outlived(follow, &facts))
		return true;
	if (follow->quiet_ms < 0)
		follow->quiet_ms = follow->now_ms;
	if (follow_has_bytes_from(follow, 1)) {
		if (follow->overlap_ms < 0)
			follow->overlap_ms = follow->now_ms;
		if (follow->now_ms - follow->overlap_ms >= OVERLAP_MS)
			return true;
	} else if (facts.is_linked) {
		return false;
	}
	return follow->now_ms - follow->quiet_ms >= QUIET_MS;
}

/* The rest without newline of a file that is finished. True: it is handed out. */
static bool
take_stump(struct follow *follow, struct str *lines)
{
	struct generation *first = follow->chain[0];

	if (first->is_damaged)
		return false;
	switch (lines_take_stump(&follow->lines, lines)) {
	case LINES_SOME:
		break;
	case LINES_LONG:
		follow_tell_long(follow, first->name);
		return false;
	default:
		return false;
	}
	generation_where(first, &follow->lines, &follow->where);
	return true;
}

/* Leave the oldest file for the next one. */
static void
leave_first(struct follow *follow)
{
	struct generation *first = follow->chain[0];
	bool mid_line = follow->lines.mark_len > 0 &&
	    follow->lines.mark[follow->lines.mark_len - 1] != '\n';

	if (first->is_damaged)
		follow_tell(follow, FOLLOW_NOTE_GAP,
		    "%s %s; lines behind offset %llu of what it held may be lost",
		    first->name, first->trouble.text,
		    (unsigned long long)follow->lines.offset);
	follow_remember(follow, &first->id);
	late_add(follow, first, follow->lines.offset, mid_line);
	follow->chain_len--;
	memmove(follow->chain, follow->chain + 1,
	    follow->chain_len * sizeof(follow->chain[0]));
	generation_start(follow->chain[0], &follow->lines);
	follow->quiet_ms = follow->overlap_ms = follow->shrunk_ms = -1;
}

/* At the end of the oldest file. True: something else is to be read now. */
bool
finish_handle_end(struct follow *follow, struct str *lines, bool *stump)
{
	*stump = false;
	if (!is_finished(follow))
		return false;
	if (follow->overlap_ms < 0 || follow->now_ms - follow->overlap_ms < OVERLAP_MS)
		*stump = take_stump(follow, lines);
	if (!*stump)
		leave_first(follow);
	return true;
}
