/* SPDX-License-Identifier: BSD-2-Clause */
#include "logs/follow_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

void
follow_path_missing(struct follow *follow, bool at_once)
{
	if (follow->missing_ms < 0)
		follow->missing_ms = follow->now_ms;
	if (follow->missing_told)
		return;
	if (!at_once && follow->now_ms - follow->missing_ms < MISSING_MS)
		return;
	follow->missing_told = true;
	follow_tell(follow, FOLLOW_NOTE_MISSING, "%s does not exist, waiting for it",
	    follow->name);
}

void
follow_path_there(struct follow *follow)
{
	if (follow->missing_told)
		follow_tell(follow, FOLLOW_NOTE_APPEARED, "%s is there", follow->name);
	follow->missing_ms = -1;
	follow->missing_told = false;
	follow->open_failed = false;
	follow->refused = false;
}

static bool
is_missing(int errnum)
{
	return errnum == ENOENT || errnum == ENOTDIR;
}

/* The file at the path could not be opened: once in a while that is all right. */
void
follow_path_trouble(struct follow *follow, int errnum)
{
	if (is_missing(errnum)) {
		follow_path_missing(follow, follow->phase != PHASE_READ);
	} else if (errnum != EINVAL) {
		follow_tell_unreadable(
		    follow, &follow->open_failed, follow->name, errnum);
	} else if (!follow->refused) {
		follow->refused = true;
		follow_tell(follow, FOLLOW_NOTE_REFUSED,
		    "%s is not a file, waiting for one", follow->name);
	}
}

/* Without a position: at the end or the start of what is there. True: it was opened. */
bool
follow_open_first(struct follow *follow)
{
	struct generation *generation;
	struct file_facts facts;
	int errnum;
	bool placed = true;

	generation = generation_open(follow->path, false, &errnum);
	if (generation == NULL) {
		if (is_missing(errnum)) {
			follow->from = FOLLOW_FROM_START; /* all of it will be new */
			follow->has_where = true;
		}
		follow_path_trouble(follow, errnum);
		return false;
	}
	if (follow->from == FOLLOW_FROM_START)
		generation_start(generation, &follow->lines);
	else
		placed = facts_of_fd(generation->fd, &facts) == 0 &&
		    generation_start_at_line(generation, facts.size, &follow->lines);
	if (!placed) {
		follow_tell_unreadable(follow, &follow->open_failed, follow->name, EIO);
		generation_free(generation);
		return false;
	}
	follow_path_there(follow);
	follow_adopt(follow, generation);
	return true;
}

static void
renew_watch(struct follow *follow)
{
	int id, fd;

	if (follow->watch == NULL)
		return;
	/* another number: the directory was replaced by another one */
	id = watch_add_directory(follow->watch, follow->dir);
	if (id == follow->dir_watch)
		return;
	watch_remove(follow->watch, follow->dir_watch);
	follow->dir_watch = id;
	fd = open(follow->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	follow->dir_is_local = fd >= 0 && watch_serves(fd);
	if (fd >= 0)
		close(fd);
}

/*
 * While a file is open its inode number cannot be given to another one, so that device
 * and number are enough. On an overlay both may change under us, with the copy-up.
 */
static bool
is_last(struct follow *follow, const struct file_facts *facts)
{
	struct generation *last = follow_last(follow);
	struct file_facts now;

	if (facts->id.device == last->id.device && facts->id.inode == last->id.inode)
		return true;
	if (facts_of_fd(last->fd, &now) != 0)
		return false;
	last->id = now.id;
	return facts->id.device == now.id.device && facts->id.inode == now.id.inode;
}

/* Open path, which was seen with these facts, as the newest of the chain. */
static bool
append(struct follow *follow, const char *path, const struct file_facts *seen,
    bool may_be_gzip, int *errnum)
{
	struct generation *generation = generation_open(path, may_be_gzip, errnum);

	if (generation == NULL)
		return false;
	if (generation->id.device != seen->id.device ||
	    generation->id.inode != seen->id.inode ||
	    !follow_append(follow, generation)) {
		*errnum = EAGAIN; /* the names have moved on, or there are too many */
		generation_free(generation);
		return false;
	}
	return true;
}

/* An older generation cannot be opened. True: give it up and go on with the newer. */
static bool
give_up(struct follow *follow, const struct sibling *sibling, int errnum)
{
	struct buf name = {0};
	bool stuck;

	if (errnum == EAGAIN || is_missing(errnum))
		return false;
	if (follow->stuck_ms < 0)
		follow->stuck_ms = follow->now_ms;
	stuck = follow->now_ms - follow->stuck_ms >= STUCK_MS;
	buf_add_quoted(&name, str_of(sibling->path));
	follow_tell_unreadable(follow, &follow->open_failed, buf_text(&name), errnum);
	/* no free descriptor is our own trouble, and will pass */
	stuck = stuck && errnum != EMFILE && errnum != ENFILE;
	if (stuck)
		follow_tell(follow, FOLLOW_NOTE_GAP,
		    "%s cannot be read; its lines are lost", buf_text(&name));
	buf_clear(&name);
	return stuck;
}

/* A rotated file that is newer than the last one we hold. False: try again later. */
static bool
append_sibling(struct follow *follow, const struct sibling *sibling)
{
	struct buf name = {0};
	int errnum;

	if (sibling->is_foreign) {
		buf_add_quoted(&name, str_of(sibling->path));
		follow_tell(follow, FOLLOW_NOTE_REFUSED,
		    "%s is compressed by a program that is not known here; its lines are "
		    "lost",
		    buf_text(&name));
		buf_clear(&name);
		follow_remember(follow, &sibling->facts.id);
		return true;
	}
	if (append(follow, sibling->path, &sibling->facts, true, &errnum))
		return true;
	if (!give_up(follow, sibling, errnum))
		return false;
	follow_remember(follow, &sibling->facts.id);
	return true;
}

/*
 * Reports a gap: the last check is so long ago (stopped, no time) that more than one
 * rotation may lie between, and our file is gone, so generations between may be missing.
 */
static void
tell_gap(struct follow *follow, const struct file_facts *last, int64_t away_ms)
{
	if (last->is_linked || away_ms < REST_MS + REST_MS / 2)
		return;
	follow_tell(follow, FOLLOW_NOTE_GAP,
	    "%s was not looked at for %lld s and the file read last (inode %llu) was "
	    "removed; "
	    "lines of generations between it and the oldest one left may be lost",
	    follow->name, (long long)(away_ms / 1000),
	    (unsigned long long)last->id.inode);
}

/* The last one we hold: under another name, or what a compressor made of it. */
static const struct sibling *
find_last(const struct follow *follow, const struct siblings *list,
    const struct file_facts *last)
{
	const struct sibling *found = siblings_find(list, &last->id);
	int64_t nearest_ns = 0;

	if (found != NULL || last->is_linked)
		return found;
	for (size_t i = 0; i < list->count; i++) {
		const struct sibling *sibling = &list->items[i];
		int64_t ns = llabs(sibling->facts.mtime_ns - last->mtime_ns);

		/* compressors keep the time; it tells apart what else is equal */
		if (sibling->is_gzip && sibling->kind != SIBLING_OTHER &&
		    (found == NULL || ns < nearest_ns) &&
		    generation_is_packed_at(follow_last(follow), sibling->path)) {
			found = sibling;
			nearest_ns = ns;
		}
	}
	return found;
}

/* The path shows another file, or none: find what is newer than the last one. */
static bool
discover(struct follow *follow, int64_t away_ms)
{
	struct siblings list;
	const struct sibling *found;
	struct file_facts last;
	size_t before = follow->chain_len;
	int errnum = siblings_read(follow->path, &list);
	bool complete = errnum == 0;

	if (errnum == 0)
		errnum = facts_of_fd(follow_last(follow)->fd, &last);
	if (errnum != 0) {
		if (errnum != EAGAIN)
			follow_path_trouble(follow, errnum);
		siblings_clear(&list);
		return false;
	}
	found = find_last(follow, &list, &last);
	for (size_t i = 0; complete && i < list.count; i++) {
		const struct sibling *sibling = &list.items[i];

		if (sibling_is_newer(sibling, found, &last) &&
		    !follow_knows(follow, &sibling->facts.id))
			complete = append_sibling(follow, sibling);
	}
	if (complete)
		follow->stuck_ms = -1;
	if (found == NULL && list.live_errnum == 0)
		tell_gap(follow, &last, away_ms);
	if (complete && list.live_errnum == 0) {
		complete = append(follow, follow->path, &list.live, false, &errnum);
		if (complete)
			follow_tell(follow, FOLLOW_NOTE_ROTATED,
			    "%s is a new file; what is left of the old one comes first",
			    follow->name);
		else if (errnum != EAGAIN)
			follow_path_trouble(follow, errnum);
	}
	siblings_clear(&list);
	return follow->chain_len > before;
}

bool
follow_look(struct follow *follow)
{
	int64_t away_ms = follow->was_looked ? follow->now_ms - follow->looked_ms : 0;
	struct file_facts facts;
	int errnum;

	follow->looked_ms = follow->now_ms;
	follow->was_looked = true;
	renew_watch(follow);
	if (follow->phase != PHASE_READ)
		return false;
	errnum = facts_of_path(follow->path, &facts);
	if (errnum == 0 && !facts.is_regular)
		errnum = EINVAL;
	if (errnum == 0 && is_last(follow, &facts)) {
		follow_path_there(follow);
		return false;
	}
	if (errnum != 0)
		follow_path_trouble(follow, errnum);
	if (errnum != 0 && !is_missing(errnum))
		return false;
	return discover(follow, away_ms);
}
