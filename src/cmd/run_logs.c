/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/run_logs.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "logs/follow.h"
#include "sys/clock.h"
#include "sys/log.h"

#define READ_MS 200 /* then what was read is stored, and others have a turn */

/* One of them. */
struct watched {
	const char *path;
	struct follow *follow;
	struct follow_position stored; /* as the store has it */
	bool ended;                    /* standard input is over */
	struct logs *logs;
};

struct logs {
	struct watched *items;
	size_t count;
	int64_t gaps; /* to be counted with the next save */
	int64_t long_lines;
};

static void
on_note(void *context, enum follow_note note, const char *text)
{
	struct watched *log = context;

	switch (note) {
	case FOLLOW_NOTE_GAP:
		log->logs->gaps++;
		log_warning("%s", text);
		break;
	case FOLLOW_NOTE_LONG_LINE:
		log->logs->long_lines++;
		log_warning("%s", text);
		break;
	case FOLLOW_NOTE_TRUNCATED:
	case FOLLOW_NOTE_MISSING:
	case FOLLOW_NOTE_UNREADABLE:
	case FOLLOW_NOTE_REFUSED:
		log_warning("%s", text);
		break;
	case FOLLOW_NOTE_ROTATED:
	case FOLLOW_NOTE_APPEARED:
	case FOLLOW_NOTE_COUNT:
		log_info("%s", text);
		break;
	}
}

static bool
open_one(struct watched *log, const struct config *config, struct store *store,
    bool *fresh, struct err *err)
{
	struct follow_position position;
	bool found;

	if (!store_position_get(store, log->path, &position, &found, err))
		return false;
	*fresh = *fresh || !found;
	log->follow = follow_new(log->path, found ? &position : NULL,
	    config->log.from_start ? FOLLOW_FROM_START : FOLLOW_FROM_END, on_note, log,
	    err);
	if (log->follow == NULL)
		return false;
	follow_where(log->follow, &log->stored);
	return true;
}

struct logs *
logs_open(const struct config *config, struct store *store, bool *fresh, struct err *err)
{
	struct logs *logs = mem_new(1, sizeof(*logs));

	*fresh = false;
	logs->count = config->log.files.count;
	logs->items = mem_new(logs->count, sizeof(*logs->items));
	for (size_t i = 0; i < logs->count; i++) {
		logs->items[i].path = config->log.files.items[i];
		logs->items[i].logs = logs;
		if (!open_one(&logs->items[i], config, store, fresh, err)) {
			logs_close(logs);
			return NULL;
		}
	}
	return logs;
}

void
logs_close(struct logs *logs)
{
	if (logs == NULL)
		return;
	for (size_t i = 0; i < logs->count; i++)
		follow_free(logs->items[i].follow);
	free(logs->items);
	free(logs);
}

/* Read one log for a while. True: there is more. */
static bool
read_one(struct watched *log, struct fold *fold, int64_t until_ms, bool *came)
{
	for (;;) {
		int64_t mono_ms = clock_monotonic_ms();
		struct str lines;

		switch (follow_next(log->follow, mono_ms, &lines)) {
		case FOLLOW_LINES:
			intake_lines(fold, lines, clock_wall_ms());
			*came = true;
			break;
		case FOLLOW_BUSY:
			break;
		case FOLLOW_IDLE:
			return false;
		case FOLLOW_END:
			log->ended = true;
			return false;
		}
		if (mono_ms >= until_ms || intake_is_full(fold))
			return true;
	}
}

bool
logs_read(struct logs *logs, struct fold *fold, bool *came)
{
	int64_t until_ms = clock_monotonic_ms() + READ_MS;
	bool more = false;

	for (size_t i = 0; i < logs->count; i++)
		if (!logs->items[i].ended)
			more = read_one(&logs->items[i], fold, until_ms, came) || more;
	return more;
}

bool
logs_have_moved(const struct logs *logs)
{
	for (size_t i = 0; i < logs->count; i++) {
		struct follow_position now;

		follow_where(logs->items[i].follow, &now);
		if (memcmp(&now, &logs->items[i].stored, sizeof(now)) != 0)
			return true;
	}
	return false;
}

struct log_place *
logs_places(const struct logs *logs, size_t *count)
{
	struct log_place *places = mem_new(logs->count, sizeof(*places));

	*count = logs->count;
	for (size_t i = 0; i < logs->count; i++) {
		places[i].path = logs->items[i].path;
		follow_where(logs->items[i].follow, &places[i].position);
	}
	return places;
}

void
logs_stored(struct logs *logs, const struct log_place *places)
{
	for (size_t i = 0; i < logs->count; i++)
		logs->items[i].stored = places[i].position;
}

bool
logs_store_notes(struct logs *logs, struct store *store)
{
	struct err err;

	if (logs->gaps == 0 && logs->long_lines == 0)
		return true;
	if (!store_begin(store, &err) ||
	    !store_counter_add(store, "gaps", logs->gaps, &err) ||
	    !store_counter_add(store, "long-lines", logs->long_lines, &err) ||
	    !store_commit(store, &err)) {
		store_rollback(store);
		return false;
	}
	logs->gaps = 0;
	logs->long_lines = 0;
	return true;
}

bool
logs_are_over(const struct logs *logs)
{
	for (size_t i = 0; i < logs->count; i++)
		if (!logs->items[i].ended)
			return false;
	return true;
}

int64_t
logs_wait_ms(const struct logs *logs, int64_t longest_ms)
{
	for (size_t i = 0; i < logs->count; i++) {
		int64_t wait_ms = logs->items[i].ended
		    ? longest_ms
		    : follow_wait_ms(logs->items[i].follow);

		longest_ms = wait_ms < longest_ms ? wait_ms : longest_ms;
	}
	return longest_ms;
}

size_t
logs_count(const struct logs *logs)
{
	return logs->count;
}

int
logs_fd(const struct logs *logs, size_t index)
{
	return logs->items[index].ended ? -1 : follow_fd(logs->items[index].follow);
}
