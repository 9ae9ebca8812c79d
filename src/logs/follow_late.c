/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file that was finished stays open for a while: a writer that was slow to reopen the
 * log, or never does, is heard all the same. What it writes is handed out as it comes;
 * the position stays with the newer file. What is still unread in it when the reader ends
 * is not read later, as a place belongs to one file.
 */
#include "logs/follow_impl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* An unlinked file holds its blocks as long as we hold it. */
#define LATE_UNLINKED_MS 120000

static void
drop(struct follow *follow, size_t i)
{
	follow_drop(follow, follow->late[i].generation);
	follow->late_len--;
	memmove(&follow->late[i], &follow->late[i + 1],
	    (follow->late_len - i) * sizeof(follow->late[0]));
}

void
late_add(
    struct follow *follow, struct generation *generation, uint64_t offset, bool mid_line)
{
	if (follow->late_len == LATE_MAX)
		drop(follow, 0);
	follow->late[follow->late_len++] = (struct late){
	    .generation = generation,
	    .offset = offset,
	    .mid_line = mid_line,
	    .idle_ms = follow->now_ms,
	};
	if (generation->is_whole)
		drop(follow, follow->late_len - 1);
}

void
late_clear(struct follow *follow)
{
	while (follow->late_len > 0)
		drop(follow, 0);
}

/* Whole lines of bytes that stand at late->offset; steps over what is none. */
static bool
take(struct late *late, char *bytes, size_t len, struct str *lines)
{
	struct str text = {bytes, len};
	struct str rest;
	const char *newline;

	if (late->mid_line) {
		late->mid_line = !str_cut(&text, '\n', &rest);
		late->offset += late->mid_line ? len : rest.len + 1;
		if (late->mid_line || text.len == 0)
			return false;
	}
	newline = memrchr(text.p, '\n', text.len);
	if (newline == NULL && text.len <= FOLLOW_LINE_MAX)
		return false;
	if (newline == NULL) {
		late->mid_line = true;
		late->offset += text.len;
		return false;
	}
	*lines = (struct str){text.p, (size_t)(newline - text.p) + 1};
	late->offset += lines->len;
	return true;
}

bool
late_read(struct follow *follow, struct str *lines)
{
	char *room = lines_room(&follow->lines); /* nothing is added to it */

	for (size_t i = 0; i < follow->late_len; i++) {
		struct late *late = &follow->late[i];
		struct file_facts facts;
		ssize_t n = pread(
		    late->generation->fd, room, FOLLOW_LINE_MAX + 1, (off_t)late->offset);

		if (n > 0) {
			late->idle_ms = follow->now_ms;
			if (take(late, room, (size_t)n, lines))
				return true;
		}
		if (facts_of_fd(late->generation->fd, &facts) == 0 && !facts.is_linked &&
		    follow->now_ms - late->idle_ms >= LATE_UNLINKED_MS)
			drop(follow, i--);
	}
	return false;
}
