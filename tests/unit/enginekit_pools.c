/* SPDX-License-Identifier: BSD-2-Clause */
#include "enginekit_pools.h"

#include <stdlib.h>

#include "base/mem.h"
#include "enginekit.h"

/* What is done, and comes out later. */
struct late {
	struct job *job;
	int64_t at_ms;
	struct late *next;
};

struct pool {
	unsigned count; /* threads */
	bool hangs;
	struct late *late;
	struct job *waiting;
	struct job *done;
	void (*drop)(void *context);
	void *context;
	struct pool *next;
};

static struct pool *pools;

/* struct workers is the engine's name for it; its inside is not used. */
static struct pool *
pool_of(struct workers *workers)
{
	return (struct pool *)(void *)workers;
}

struct workers *
pool_new(unsigned count, void *(*make)(void *argument), void (*drop)(void *context),
    void *argument, struct err *err)
{
	struct pool *pool = mem_new(1, sizeof(*pool));

	(void)err;
	pool->count = count;
	pool->hangs = world.hanging;
	pool->context = make != NULL ? make(argument) : NULL;
	pool->drop = drop;
	pool->next = pools;
	pools = pool;
	return (struct workers *)(void *)pool;
}

void
pool_free(struct workers *workers)
{
	struct pool *pool = pool_of(workers), **link = &pools;

	if (pool == NULL)
		return;
	while (*link != pool)
		link = &(*link)->next;
	*link = pool->next;
	while (pool->late != NULL) {
		struct late *late = pool->late;

		pool->late = late->next;
		free(late);
	}
	if (pool->drop != NULL)
		pool->drop(pool->context);
	free(pool);
}

static void
put_last(struct job **list, struct job *job)
{
	while (*list != NULL)
		list = &(*list)->next;
	job->next = NULL;
	*list = job;
}

static struct job *
take_first(struct job **list)
{
	struct job *job = *list;

	if (job != NULL)
		*list = job->next;
	return job;
}

void
pool_submit(struct workers *workers, struct job *job)
{
	put_last(&pool_of(workers)->waiting, job);
}

static void
put_late(struct pool *pool, struct job *job)
{
	struct late **link = &pool->late, *late = mem_new(1, sizeof(*late));

	while (*link != NULL)
		link = &(*link)->next;
	*late = (struct late){job, world.mono_ms + world.takes_ms, NULL};
	*link = late;
}

struct job *
pool_done(struct workers *workers)
{
	struct pool *pool = pool_of(workers);

	for (struct late **link = &pool->late; *link != NULL;) {
		struct late *late = *link;

		if (late->at_ms > world.mono_ms) {
			link = &late->next;
			continue;
		}
		put_last(&pool->done, late->job);
		*link = late->next;
		free(late);
	}
	return take_first(&pool->done);
}

int64_t
pool_next_ms(void)
{
	int64_t at_ms = INT64_MAX;

	for (const struct pool *pool = pools; pool != NULL; pool = pool->next)
		for (const struct late *l = pool->late; l != NULL; l = l->next)
			if (l->at_ms < at_ms)
				at_ms = l->at_ms;
	return at_ms;
}

int
pool_fd(const struct workers *workers)
{
	(void)workers;
	return -1;
}

size_t
world_waiting(void)
{
	size_t count = 0;

	for (const struct pool *pool = pools; pool != NULL; pool = pool->next)
		for (const struct job *job = pool->waiting; job != NULL; job = job->next)
			count++;
	return count;
}

/* Those of its threads that are at work still. */
static unsigned
busy(const struct pool *pool)
{
	unsigned count = 0;

	for (const struct late *late = pool->late; late != NULL; late = late->next)
		count++;
	return count;
}

bool
world_work(void)
{
	bool worked = false;

	for (struct pool *pool = pools; pool != NULL; pool = pool->next) {
		struct job *job;

		if (pool->hangs && world.hanging)
			continue;
		while (busy(pool) < pool->count &&
		    (job = take_first(&pool->waiting)) != NULL) {
			world.takes_ms = 0;
			job->work(job, pool->context);
			if (world.takes_ms > 0)
				put_late(pool, job);
			else
				put_last(&pool->done, job);
			worked = true;
		}
	}
	return worked;
}
