/* SPDX-License-Identifier: BSD-2-Clause */
#include "enginekit_pools.h"

#include <stdlib.h>

#include "base/mem.h"
#include "enginekit.h"

struct pool {
	bool hangs;
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

	(void)count;
	(void)err;
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

struct job *
pool_done(struct workers *workers)
{
	return take_first(&pool_of(workers)->done);
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

bool
world_work(void)
{
	bool worked = false;

	for (struct pool *pool = pools; pool != NULL; pool = pool->next) {
		struct job *job;

		if (pool->hangs && world.hanging)
			continue;
		while ((job = take_first(&pool->waiting)) != NULL) {
			job->work(job, pool->context);
			put_last(&pool->done, job);
			worked = true;
		}
	}
	return worked;
}
