/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

struct queue {
	struct job *first;
	struct job *last;
};

struct workers {
	pthread_mutex_t lock; /* guards all below but what stays as it was made */
	pthread_cond_t wake;  /* something waits, or stopping */
	struct queue waiting;
	struct queue done;
	size_t pending;
	bool stopping;

	int fd; /* readable exactly while done has a job */
	void *(*make)(void *argument);
	void (*drop)(void *context);
	void *argument;
	pthread_t *threads;
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

static void *
run_worker(void *argument)
{
	struct workers *workers = argument;
	void *context = workers->make != NULL ? workers->make(workers->argument) : NULL;

	pthread_mutex_lock(&workers->lock);
	while (!workers->stopping) {
		struct job *job = queue_take(&workers->waiting);

		if (job == NULL) {
			pthread_cond_wait(&workers->wake, &workers->lock);
			continue;
		}
		pthread_mutex_unlock(&workers->lock);
		job->work(job, context);
		pthread_mutex_lock(&workers->lock);
		put_done(workers, job);
	}
	pthread_mutex_unlock(&workers->lock);
	if (workers->drop != NULL)
		workers->drop(context);
	return NULL;
}

/* Signals are for the thread that polls: workers start with all of them blocked. */
static int
start_threads(struct workers *workers, unsigned count)
{
	sigset_t all, before;
	int failed = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (failed == 0 && workers->count < count) {
		failed = pthread_create(
		    &workers->threads[workers->count], NULL, run_worker, workers);
		if (failed == 0)
			workers->count++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

struct workers *
workers_new(unsigned count, void *(*make)(void *argument), void (*drop)(void *context),
    void *argument, struct err *err)
{
	struct workers *workers = mem_new(1, sizeof(*workers));
	int failed;

	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->wake, NULL);
	workers->make = make;
	workers->drop = drop;
	workers->argument = argument;
	workers->threads = mem_new(count, sizeof(*workers->threads));
	workers->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	failed = workers->fd < 0 ? errno : start_threads(workers, count);
	if (failed == 0)
		return workers;
	err_set_errno(err, failed, "cannot start %u worker threads", count);
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
		pthread_join(workers->threads[i], NULL);
	if (workers->fd >= 0)
		close(workers->fd);
	pthread_cond_destroy(&workers->wake);
	pthread_mutex_destroy(&workers->lock);
	free(workers->threads);
	free(workers);
}

void
workers_submit(struct workers *workers, struct job *job)
{
	pthread_mutex_lock(&workers->lock);
	workers->pending++;
	queue_put(&workers->waiting, job);
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
