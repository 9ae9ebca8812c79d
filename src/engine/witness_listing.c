/* SPDX-License-Identifier: BSD-2-Clause */
/* A listing of a node's queue, made in a worker: what it has of the messages asked about.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/nexthop.h"
#include "core/witness.h"
#include "engine/witness_task.h"

static int
compare(const void *a, const void *b)
{
	struct witness_message *const *x = a, *const *y = b;

	return strcmp((*x)->queue_id, (*y)->queue_id);
}

static void
sort(struct witness_task *t)
{
	t->by_id = mem_new(t->message_count + 1, sizeof(*t->by_id));
	for (size_t i = 0; i < t->message_count; i++)
		t->by_id[i] = &t->messages[i];
	qsort(t->by_id, t->message_count, sizeof(*t->by_id), compare);
}

/* The first of that id, or where it would be. */
static size_t
find(const struct witness_task *t, const char *queue_id)
{
	size_t low = 0, high = t->message_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(t->by_id[middle]->queue_id, queue_id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Nobody tries it, whatever its reason was (names of showq(8)): it is there, and no line
 * tells of an attempt. */
static bool
is_held(const struct queued *queued)
{
	return strcmp(queued->queue_name, "hold") == 0 ||
	    strcmp(queued->queue_name, "maildrop") == 0;
}

static void
keep_listed(
    const struct witness_task *t, const struct witness_message *m, const struct queued *q)
{
	struct listed **all = &t->listed[m - t->messages], *listed;

	if (q->delay_reason[0] == '\0' || is_held(q) ||
	    (m->fits && m->of_alarm && m->queue_id[0] != STORE_WAITING_OTHERS))
		return;
	if (*all == NULL)
		*all = mem_new(REASONS_MAX, sizeof(**all));
	listed = *all;
	for (unsigned i = 0; i < REASONS_MAX; i++) {
		if (listed[i].queue_id == NULL) {
			listed[i] = (struct listed){mem_strdup(q->queue_id),
			    mem_strdup(q->address), mem_strdup(q->delay_reason),
			    q->arrival_s};
			return;
		}
		if (strcmp(listed[i].reason, q->delay_reason) == 0)
			return;
	}
}

/* A message may wait for several destinations. */
static void
take_of_id(
    const struct witness_task *t, const char *queue_id, const struct queued *queued)
{
	for (size_t i = find(t, queue_id); i < t->message_count; i++) {
		struct witness_message *m = t->by_id[i];

		if (strcmp(m->queue_id, queue_id) != 0)
			return;
		if (witness_listed(m, str_of(queued->address),
		        is_held(queued) ? STR("") : str_of(queued->delay_reason)))
			keep_listed(t, m, queued);
	}
}

/* And it may be one of those of its domain of which no more is known. */
static void
take_listed(void *context, const struct queued *queued)
{
	const struct witness_task *t = context;
	char others[1 + NEXTHOP_HOST_SIZE];
	struct str domain;

	take_of_id(t, queued->queue_id, queued);
	if (!nexthop_recipient_domain(str_of(queued->address), &domain) ||
	    !str_copy(domain, others + 1, sizeof(others) - 1))
		return;
	others[0] = STORE_WAITING_OTHERS;
	for (char *p = others + 1; *p != '\0'; p++)
		*p = ascii_lower(*p);
	take_of_id(t, others, queued);
}

/* No listing tells that those of whichever domain are gone. */
static void
take_others(struct witness_message *m)
{
	static const char others[] = {STORE_WAITING_OTHERS, '\0'};

	m->there = m->there || strcmp(m->queue_id, others) == 0;
}

bool
witness_work(struct task *task, void *context)
{
	struct witness_task *t = (struct witness_task *)task;
	int64_t began_ms = task->world->mono_ms();
	bool done;

	(void)context;
	sort(t);
	t->listed = mem_new(t->message_count + 1, sizeof(*t->listed));
	done = task->world->read_queue(
	    task->postfix, take_listed, t, &t->refused, &task->err);
	t->took_ms = task->world->mono_ms() - began_ms;
	if (!done)
		return false;
	for (size_t i = 0; i < t->message_count; i++) {
		take_others(&t->messages[i]);
		witness_ended(&t->messages[i], t->refused.count == 0);
	}
	return true;
}

static void
free_listed(struct listed *listed)
{
	for (unsigned i = 0; listed != NULL && i < REASONS_MAX; i++) {
		free(listed[i].queue_id);
		free(listed[i].recipient);
		free(listed[i].reason);
	}
	free(listed);
}

void
witness_release(struct task *task)
{
	struct witness_task *t = (struct witness_task *)task;

	for (size_t i = 0; i < t->message_count; i++) {
		free(t->messages[i].queue_id);
		free(t->messages[i].domain);
		if (t->listed != NULL)
			free_listed(t->listed[i]);
	}
	free(t->messages);
	free(t->listed);
	free(t->by_id);
	free(t->asks);
}
