/* SPDX-License-Identifier: BSD-2-Clause */
#include "logs/follow_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sys/file.h"

#define STEPS_MAX 32 /* reads in one call before the caller gets a turn: 8 MiB */

/* The position in a file that could not be opened so far; to store it is as good as
 * storing none. */
static const struct follow_position nowhere = {.offset = 1};

void
follow_tell(struct follow *follow, enum follow_note note, const char *format, ...)
{
	struct buf text = {0};
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	if (follow->note != NULL)
		follow->note(follow->context, note, buf_text(&text));
	buf_clear(&text);
}

/* Reported once, until the caller resets *told. */
void
follow_tell_unreadable(struct follow *follow, bool *told, const char *name, int errnum)
{
	struct err err;

	if (*told)
		return;
	*told = true;
	err_set_errno(&err, errnum, "%s cannot be read, trying on", name);
	follow_tell(follow, FOLLOW_NOTE_UNREADABLE, "%s", err.text);
}

void
follow_tell_long(struct follow *follow, const char *name)
{
	follow_tell(follow, FOLLOW_NOTE_LONG_LINE,
	    "%s: a line of %llu bytes before offset %llu was skipped", name,
	    (unsigned long long)follow->lines.skipped,
	    (unsigned long long)follow->lines.offset);
}

struct generation *
follow_last(const struct follow *follow)
{
	return follow->chain_len > 0 ? follow->chain[follow->chain_len - 1] : NULL;
}

bool
follow_knows(const struct follow *follow, const struct identity *id)
{
	size_t done = follow->done_len < DONE_MAX ? follow->done_len : DONE_MAX;

	for (size_t i = 0; i < follow->chain_len; i++)
		if (identity_equal(&follow->chain[i]->id, id))
			return true;
	for (size_t i = 0; i < done; i++)
		if (identity_equal(&follow->done[i], id))
			return true;
	return false;
}

void
follow_remember(struct follow *follow, const struct identity *id)
{
	follow->done[follow->done_len++ % DONE_MAX] = *id;
}

/* Close one that is not in the chain any more. */
void
follow_drop(struct follow *follow, struct generation *generation)
{
	if (follow->watch != NULL)
		watch_remove(follow->watch, generation->watch);
	generation_free(generation);
}

bool
follow_append(struct follow *follow, struct generation *generation)
{
	if (follow->chain_len == CHAIN_MAX)
		return false;
	if (follow->watch != NULL)
		generation->watch = watch_add_file(follow->watch, generation->fd);
	follow->chain[follow->chain_len++] = generation;
	return true;
}

/* The chain begins here; follow->lines is in place. */
void
follow_adopt(struct follow *follow, struct generation *generation)
{
	assert(follow->chain_len == 0);
	follow_append(follow, generation);
	generation_where(generation, &follow->lines, &follow->where);
	follow->has_where = true;
	follow->phase = PHASE_READ;
	follow->quiet_ms = follow->overlap_ms = follow->shrunk_ms = -1;
	follow->read_failed = false;
}

/* A directory or device will never be a log; a missing file may become one. */
static bool
check_path(const char *path, struct err *err)
{
	struct stat st;

	if (path[0] == '\0' || path[strlen(path) - 1] == '/')
		return err_set(err, "cannot follow \"%s\": it names no file", path);
	if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		return true;
	return err_set(err, "cannot follow %s: it is a %s, not a file", path,
	    S_ISDIR(st.st_mode)        ? "directory"
	        : S_ISFIFO(st.st_mode) ? "named pipe (use - and redirect it)"
	                               : "device or socket");
}

struct follow *
follow_new(const char *path, const struct follow_position *position,
    enum follow_from from, follow_note_fn *note, void *context, struct err *err)
{
	struct follow *follow;
	struct buf name = {0};

	if (!check_path(path, err))
		return NULL;
	follow = mem_new(1, sizeof(*follow));
	follow->path = mem_strdup(path);
	buf_add_quoted(&name, str_of(path));
	follow->name = buf_take(&name);
	follow->dir = file_directory(path);
	follow->from = from;
	follow->note = note;
	follow->context = context;
	follow->dir_watch = WATCH_NONE;
	follow->quiet_ms = follow->overlap_ms = follow->shrunk_ms = -1;
	follow->missing_ms = follow->stuck_ms = -1;
	lines_init(&follow->lines);
	follow->watch = watch_new();
	if (position == NULL || position->inode == 0) {
		/* inode 0: there was no file yet, so that all of it is new */
		if (position != NULL && position->offset != nowhere.offset)
			follow->from = FOLLOW_FROM_START;
		follow_open_first(follow);
	} else {
		search_begin(follow, position, false);
		search_step(follow);
	}
	return follow;
}

void
follow_free(struct follow *follow)
{
	if (follow == NULL)
		return;
	search_clear(&follow->search);
	late_clear(follow);
	for (size_t i = 0; i < follow->chain_len; i++)
		generation_free(follow->chain[i]);
	lines_clear(&follow->lines);
	watch_free(follow->watch);
	free(follow->path);
	free(follow->name);
	free(follow->dir);
	free(follow);
}

/* Read on in the chain; IDLE: at its end. */
static enum follow_result
read_chain(struct follow *follow, struct str *lines)
{
	for (int i = 0; i < STEPS_MAX && follow->phase == PHASE_READ; i++) {
		struct generation *first = follow->chain[0];
		bool stump;
		int errnum;

		switch (lines_take(&follow->lines, lines)) {
		case LINES_SOME:
			generation_where(first, &follow->lines, &follow->where);
			return FOLLOW_LINES;
		case LINES_LONG:
			follow_tell_long(follow, first->name);
			continue;
		case LINES_NONE:
			break;
		}
		switch (generation_read(first, &follow->lines, &errnum)) {
		case READ_DATA:
			follow->quiet_ms = follow->shrunk_ms = -1;
			follow->read_failed = false;
			break;
		case READ_EOF:
			follow->shrunk_ms = -1;
			follow->read_failed = false;
			if (!finish_handle_end(follow, lines, &stump))
				return FOLLOW_IDLE;
			if (stump)
				return FOLLOW_LINES;
			break;
		case READ_CHANGED:
			if (!change_handle(follow))
				return FOLLOW_IDLE;
			break;
		case READ_FAILED:
			change_handle_failure(follow, errnum);
			return FOLLOW_IDLE;
		}
	}
	return FOLLOW_BUSY;
}

static enum follow_result
advance(struct follow *follow, struct str *lines)
{
	switch (follow->phase) {
	case PHASE_FIRST:
		return follow_open_first(follow) ? FOLLOW_BUSY : FOLLOW_IDLE;
	case PHASE_SEARCH:
		return search_step(follow);
	case PHASE_READ:
		break;
	}
	return read_chain(follow, lines);
}

/* How long no file need be checked, if nothing is signalled. */
static int64_t
rest_ms(const struct follow *follow)
{
	bool overlaps = follow_has_bytes_from(follow, 1);

	if (follow->phase != PHASE_READ || follow->watch == NULL || overlaps ||
	    follow->dir_watch == WATCH_NONE || !follow->dir_is_local ||
	    follow->missing_ms >= 0 || follow->shrunk_ms >= 0 || follow->read_failed ||
	    follow->open_failed || follow->refused)
		return LOOK_MS;
	for (size_t i = 0; i < follow->chain_len; i++)
		if (!follow->chain[i]->is_local || follow->chain[i]->watch == WATCH_NONE)
			return LOOK_MS;
	for (size_t i = 0; i < follow->late_len; i++)
		if (follow->late[i].generation->watch == WATCH_NONE)
			return LOOK_MS;
	return REST_MS;
}

enum follow_result
follow_next(struct follow *follow, int64_t now_ms, struct str *lines)
{
	enum follow_result result;

	*lines = STR("");
	follow->wait_ms = 0;
	follow->now_ms = now_ms;
	/* under load too: a generation that is open now cannot be lost to a compressor */
	if (!follow->was_looked || now_ms - follow->looked_ms >= LOOK_MS)
		follow_look(follow);
	result = advance(follow, lines);
	if (result == FOLLOW_IDLE) {
		/* in this order: news after the check is signalled again */
		if (follow->watch != NULL)
			watch_drain(follow->watch);
		follow_look(follow);
		result = advance(follow, lines);
	}
	if (result == FOLLOW_IDLE && late_read(follow, lines))
		result = FOLLOW_LINES;
	if (result == FOLLOW_IDLE)
		follow->wait_ms = rest_ms(follow);
	return result;
}

char *
follow_exchange(struct follow *follow, char *spare)
{
	return lines_exchange(&follow->lines, spare);
}

bool
follow_where(const struct follow *follow, struct follow_position *out)
{
	*out = follow->has_where ? follow->where : nowhere;
	return follow->has_where;
}

int
follow_fd(const struct follow *follow)
{
	return follow->watch != NULL ? watch_fd(follow->watch) : -1;
}

int64_t
follow_wait_ms(const struct follow *follow)
{
	return follow->wait_ms;
}
