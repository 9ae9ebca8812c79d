/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/witnesses.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define BUCKETS 1024

struct witnessed_table {
	struct witnessed *items[WITNESSES_MAX];
	size_t count;
	struct witnessed *buckets[BUCKETS];
};

struct witnessed_table *
witnesses_new(void)
{
	return mem_new(1, sizeof(struct witnessed_table));
}

void
witnesses_free(struct witnessed_table *table)
{
	if (table == NULL)
		return;
	while (table->count > 0)
		witnesses_drop(table, table->items[0]->id);
	free(table);
}

size_t
witnesses_count(const struct witnessed_table *table)
{
	return table->count;
}

size_t
witnesses_waiting(const struct witnessed_table *table, enum ladder_wants whom)
{
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++)
		count += (table->items[i]->wants & whom) != 0;
	return count;
}

static bool
waits_for_node(const struct witnessed *w, unsigned at)
{
	return (w->wants & WANTS_QUEUE) != 0 && (w->nodes >> at & 1) != 0;
}

size_t
witnesses_of_node(const struct witnessed_table *table, unsigned at)
{
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++)
		count += waits_for_node(table->items[i], at);
	return count;
}

bool
witnesses_are_old(const struct witnessed_table *table, unsigned at)
{
	for (size_t i = 0; i < table->count; i++)
		if (waits_for_node(table->items[i], at) && !table->items[i]->is_old)
			return false;
	return true;
}

struct witnessed *
witnesses_at(const struct witnessed_table *table, size_t at)
{
	return table->items[at];
}

static size_t
bucket(int64_t id)
{
	return (uint64_t)id % BUCKETS;
}

struct witnessed *
witnesses_find(const struct witnessed_table *table, int64_t id)
{
	struct witnessed *w = table->buckets[bucket(id)];

	while (w != NULL && w->id != id)
		w = w->chain;
	return w;
}

/* What those that wait for nobody were told is only worth the asking. */
static void
make_room(struct witnessed_table *table)
{
	const struct witnessed *oldest = NULL;

	for (size_t i = 0; i < table->count; i++) {
		const struct witnessed *w = table->items[i];

		if (w->wants == 0 && (oldest == NULL || w->told_ms < oldest->told_ms))
			oldest = w;
	}
	if (oldest != NULL)
		witnesses_drop(table, oldest->id);
}

struct witnessed *
witnesses_get(struct witnessed_table *table, int64_t id)
{
	struct witnessed *w = witnesses_find(table, id);

	if (w == NULL && table->count == WITNESSES_MAX)
		make_room(table);
	if (w != NULL || table->count == WITNESSES_MAX)
		return w;
	w = mem_new(1, sizeof(*w));
	w->id = id;
	w->at = table->count;
	w->chain = table->buckets[bucket(id)];
	table->buckets[bucket(id)] = w;
	table->items[table->count++] = w;
	return w;
}

void
witnesses_drop(struct witnessed_table *table, int64_t id)
{
	struct witnessed **link = &table->buckets[bucket(id)], *w;

	while (*link != NULL && (*link)->id != id)
		link = &(*link)->chain;
	w = *link;
	if (w == NULL)
		return;
	*link = w->chain;
	table->items[w->at] = table->items[--table->count];
	table->items[w->at]->at = w->at;
	free(w->servers);
	free(w);
}

void
witnesses_drop_old(struct witnessed_table *table, int64_t mono_ms)
{
	for (size_t i = table->count; i-- > 0;) {
		const struct witnessed *w = table->items[i];

		if (w->wants == 0 && w->answers_ms < mono_ms && w->told_ms < mono_ms)
			witnesses_drop(table, w->id);
	}
}

void
witnessed_told(struct witnessed *witnessed, enum ladder_wants who, int64_t mono_ms)
{
	witnessed->wants &= ~(unsigned)who;
	witnessed->told_ms = mono_ms;
}

/* Which of two tells less of what to do. */
static unsigned
rank(enum queue_says says)
{
	return says == QUEUE_UNREADABLE ? 3
	    : says == QUEUE_NOT_ASKED   ? 2
	    : says == QUEUE_NEWER       ? 1
	                                : 0;
}

bool
witnessed_node_told(struct witnessed *witnessed, unsigned at, enum queue_says *says)
{
	witnessed->nodes &= ~(UINT64_C(1) << at);
	if (*says == QUEUE_SHOWS) {
		witnessed->nodes = 0;
		return true;
	}
	if (rank(witnessed->told) > rank(*says))
		*says = witnessed->told;
	witnessed->told = *says;
	return witnessed->nodes == 0;
}

void
witnessed_note_alarm(struct witnessed *witnessed, const struct destination *d)
{
	struct witnessed_alarm *alarm = &witnessed->alarm;

	alarm->time_ms = d->alarm.time_ms;
	alarm->attempt_ms = d->alarm.attempt_ms;
	alarm->last_attempt_ms = d->alarm.last_attempt_ms;
	alarm->attempts = d->alarm.attempts;
	memcpy(alarm->rule, d->alarm.rule, sizeof(alarm->rule));
	memcpy(alarm->reason, d->alarm.reason, sizeof(alarm->reason));
}

bool
witnessed_queue_serves(
    const struct witnessed *witnessed, const struct destination *d, int64_t mono_ms)
{
	const struct witnessed_alarm *alarm = &witnessed->alarm;

	if (witnessed->queue_ms == 0 ||
	    mono_ms - witnessed->told_ms > WITNESSES_SERVES_MS ||
	    mono_ms - witnessed->queue_ms > WITNESSES_QUEUE_MAX_MS ||
	    strcmp(alarm->rule, d->alarm.rule) != 0)
		return false;
	return witnessed->says.queue == QUEUE_SHOWS ||
	    (alarm->time_ms == d->alarm.time_ms &&
	        alarm->attempt_ms == d->alarm.attempt_ms &&
	        alarm->attempts == d->alarm.attempts &&
	        strcmp(alarm->reason, d->alarm.reason) == 0);
}
