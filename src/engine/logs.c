/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/logs.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/covered.h"
#include "logs/source.h"
#include "sys/clock.h"
#include "sys/log.h"

#define READ_MS 200 /* then what was read is stored, and others have a turn */

/* One of them. */
struct watched {
	const char *name;
	struct source *source;
	struct place stored; /* as the store has it */
	bool ended;          /* standard input is over */
	bool gap;            /* since the last line: what follows is not joined to it */
	unsigned place;      /* of the fold's covered; 0: none yet */
	const struct fold *fold; /* of which that is */
	struct logs *logs;
};

struct logs {
	struct watched *items;
	size_t count;
	int64_t gaps; /* to be counted with the next save */
	int64_t long_lines;
};

static void
on_note(void *context, enum source_note note, const char *text)
{
	struct watched *log = context;

	log->logs->gaps += note == SOURCE_GAP;
	log->gap = log->gap || note == SOURCE_GAP;
	log->logs->long_lines += note == SOURCE_LONG_LINE;
	if (note == SOURCE_INFO)
		log_info("%s", text);
	else
		log_warning("%s", text);
}

static bool
open_one(struct watched *log, bool from_start, struct store *store, bool *fresh,
    struct err *err)
{
	struct source_options options = {from_start, on_note, log};
	struct place place;
	bool found;

	if (!store_place_get(store, log->name, &place, &found, err))
		return false;
	*fresh = *fresh || !found;
	log->source = source_open(log->name, found ? &place : NULL, &options, err);
	if (log->source == NULL)
		return false;
	source_where(log->source, &log->stored);
	return true;
}

struct logs *
logs_open(char *const *names, size_t count, bool from_start, struct store *store,
    bool *fresh, struct err *err)
{
	struct logs *logs = mem_new(1, sizeof(*logs));

	*fresh = false;
	logs->count = count;
	logs->items = mem_new(count, sizeof(*logs->items));
	for (size_t i = 0; i < count; i++) {
		logs->items[i].name = names[i];
		logs->items[i].logs = logs;
		if (!open_one(&logs->items[i], from_start, store, fresh, err)) {
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
		source_close(logs->items[i].source);
	free(logs->items);
	free(logs);
}

/* Read one log for a while. True: there is more. */
static bool
read_one(struct watched *log, struct fold *fold, int64_t until_ms, bool *came)
{
	enum source_result result;

	if (log->place == 0 || log->gap || log->fold != fold)
		log->place =
		    covered_source(fold_covered(fold), strcmp(log->name, "-") != 0);
	log->gap = false;
	log->fold = fold;
	fold_set_source(fold, log->place);
	result = intake_read(fold, log->source, until_ms, came);

	log->ended = result == SOURCE_END;
	return result == SOURCE_LINES;
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
		struct place now;

		source_where(logs->items[i].source, &now);
		if (!place_equal(&now, &logs->items[i].stored))
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
		places[i].name = logs->items[i].name;
		source_where(logs->items[i].source, &places[i].place);
	}
	return places;
}

void
logs_stored(struct logs *logs, const struct log_place *places)
{
	for (size_t i = 0; i < logs->count; i++)
		logs->items[i].stored = places[i].place;
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
		    : source_wait_ms(logs->items[i].source);

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
	return logs->items[index].ended ? -1 : source_fd(logs->items[index].source);
}
