/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/clock.h"

struct queue {
	struct job *first;
	struct job *last;
};

/* How long a thread waits for its next job before it ends: longer than a batch pauses. */
#define IDLE_MS 5000

/* Where a thread can be. */
struct place {
	struct workers *workers;
	pthread_t thread;
	bool joinable; /* for who submits and frees alone */
	bool runs;     /* until it ends by itself */
};

struct workers {
	pthread_mutex_t lock; /* guards all below but what stays as it was made */
	pthread_cond_t wake;  /* something waits, or stopping */
	struct queue waiting;
	struct queue done;
	size_t pending;
	unsigned unmanned; /* jobs that wait: more than idle, and a thread is missing */
	unsigned running;  /* threads */
	unsigned idle;     /* of them, or soon */
	bool stopping;

	int fd; /* readable exactly while done has a job */
	void *(*make)(void *argument);
	void (*drop)(void *context);
	void *argument;
	struct place *places;
	unsigned count;
};

static void
queue_put(struct queue *queue, struct job *job)
{
	job->next = NULL;
	if (queue->first == NULL)
		queue->first = job;
	else
		queue->last->next = job;
	queue->last = job;
}

static struct job *
queue_take(struct queue *queue)
{
	struct job *job = queue->first;

	if (job != NULL) {
		queue->first = job->next;
		job->next = NULL;
	}
	return job;
}

static void
put_done(struct workers *workers, struct job *job)
{
	if (workers->done.first == NULL)
		eventfd_write(workers->fd, 1); /* from 0 to 1: cannot block or fail */
	queue_put(&workers->done, job);
}

/* Waits for a job, with the lock. NULL: the thread is to end. Of those that none comes
 * for one stays, and sleeps until there is one. */
static struct job *
next_job(struct workers *workers)
{
	int64_t end_ms = clock_monotonic_ms() + IDLE_MS;
	struct timespec end = {end_ms / 1000, end_ms % 1000 * 1000000};
	bool waited = false;

	while (!workers->stopping && workers->waiting.first == NULL) {
		if (workers->running == 1)
			pthread_cond_wait(&workers->wake, &workers->lock);
		else if (waited)
			return NULL;
		else
			waited = pthread_cond_timedwait(
			             &workers->wake, &workers->lock, &end) != 0;
	}
	return workers->stopping ? NULL : queue_take(&workers->waiting);
}

static void *
run_worker(void *argument)
{
	struct place *place = argument;
	struct workers *workers = place->workers;
	void *context = workers->make != NULL ? workers->make(workers->argument) : NULL;
	struct job *job;

	pthread_mutex_lock(&workers->lock);
	while ((job = next_job(workers)) != NULL) {
		workers->unmanned--;
		workers->idle--;
		pthread_mutex_unlock(&workers->lock);
		job->work(job, context);
		pthread_mutex_lock(&workers->lock);
		workers->idle++;
		put_done(workers, job);
	}
	workers->running--;
	workers->idle--;
	place->runs = false;
	pthread_mutex_unlock(&workers->lock);
	if (workers->drop != NULL)
		workers->drop(context);
	return NULL;
}

static void
join(struct place *place)
{
	if (place->joinable)
		pthread_join(place->thread, NULL);
	place->joinable = false;
}

/* With the lock. Signals are for the thread that polls: workers start with all of them
 * blocked. */
static int
start_thread(struct workers *workers)
{
	struct place *place = workers->places;
	sigset_t all, before;
	int failed;

	while (place->runs)
		place++;
	join(place);
	place->workers = workers;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&place->thread, NULL, run_worker, place);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed == 0) {
		place->joinable = place->runs = true;
		workers->running++;
		workers->idle++;
	}
	return failed;
}

struct workers *
workers_new(unsigned count, void *(*make)(void *argument), void (*drop)(void *context),
    void *argument, struct err *err)
{
	struct workers *workers = mem_new(1, sizeof(*workers));
	pthread_condattr_t monotonic;
	int failed;

	pthread_mutex_init(&workers->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&workers->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	workers->make = make;
	workers->drop = drop;
	workers->argument = argument;
	workers->places = mem_new(count, sizeof(*workers->places));
	workers->count = count;
	workers->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_lock(&workers->lock);
	failed = workers->fd < 0 ? errno : start_thread(workers);
	pthread_mutex_unlock(&workers->lock);
	if (failed == 0)
		return workers;
	err_set_errno(err, failed, "cannot start a worker thread");
	workers_free(workers);
	return NULL;
}

void
workers_free(struct workers *workers)
{
	if (workers == NULL)
		return;
	pthread_mutex_lock(&workers->lock);
	workers->stopping = true;
	pthread_cond_broadcast(&workers->wake);
	pthread_mutex_unlock(&workers->lock);
	for (unsigned i = 0; i < workers->count; i++)
		join(&workers->places[i]);
	if (workers->fd >= 0)
		close(workers->fd);
	pthread_cond_destroy(&workers->wake);
	pthread_mutex_destroy(&workers->lock);
	free(workers->places);
	free(workers);
}

void
workers_submit(struct workers *workers, struct job *job)
{
	pthread_mutex_lock(&workers->lock);
	workers->pending++;
	workers->unmanned++;
	queue_put(&workers->waiting, job);
	/* Where none can be started, those that run take it. */
	if (workers->unmanned > workers->idle && workers->running < workers->count)
		(void)start_thread(workers);
	pthread_cond_signal(&workers->wake);
	pthread_mutex_unlock(&workers->lock);
}

struct job *
workers_done(struct workers *workers)
{
	struct job *job;
	eventfd_t count;

	pthread_mutex_lock(&workers->lock);
	job = queue_take(&workers->done);
	if (job != NULL) {
		workers->pending--;
		if (workers->done.first == NULL)
			eventfd_read(workers->fd, &count);
	}
	pthread_mutex_unlock(&workers->lock);
	return job;
}

int
workers_fd(const struct workers *workers)
{
	return workers->fd;
}

size_t
workers_pending(struct workers *workers)
{
	size_t pending;

	pthread_mutex_lock(&workers->lock);
	pending = workers->pending;
	pthread_mutex_unlock(&workers->lock);
	return pending;
}
