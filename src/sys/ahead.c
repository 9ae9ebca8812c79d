/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/ahead.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* Of these two are the user's, the last one and the one before it. With less than two
 * beside them, the threads would wait for each other at every read. */
#define BUFFERS 4
#define USERS   2

struct piece {
	char *data;
	ssize_t len;
	int errnum;
};

/* Pieces go round: the thread fills those that are free, the user takes the full ones. */
struct ahead {
	int fd;
	size_t space;
	size_t size;
	pthread_t thread;
	sem_t empty;
	sem_t full;
	atomic_bool stopping;
	size_t taken; /* the user's count */
	struct piece pieces[BUFFERS];
};

static void
wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0 && errno == EINTR)
		;
}

static void
fill(const struct ahead *ahead, struct piece *piece)
{
	do {
		piece->len = read(ahead->fd, piece->data + ahead->space, ahead->size);
	} while (piece->len < 0 && errno == EINTR);
	piece->errnum = piece->len < 0 ? errno : 0;
}

static void *
run(void *argument)
{
	struct ahead *ahead = argument;

	for (size_t i = 0;; i++) {
		struct piece *piece = &ahead->pieces[i % BUFFERS];
		ssize_t len;

		wait_for(&ahead->empty);
		if (ahead->stopping)
			return NULL;
		fill(ahead, piece);
		len = piece->len;
		sem_post(&ahead->full); /* from here on it is the user's */
		if (len <= 0)
			return NULL;
	}
}

/* Signals are for the thread that made it. */
static bool
start(struct ahead *ahead)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&ahead->thread, NULL, run, ahead);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed == 0;
}

static void
drop(struct ahead *ahead)
{
	sem_destroy(&ahead->empty);
	sem_destroy(&ahead->full);
	for (size_t i = 0; i < BUFFERS; i++)
		free(ahead->pieces[i].data);
	free(ahead);
}

struct ahead *
ahead_new(int fd, size_t space, size_t size)
{
	struct ahead *ahead = calloc(1, sizeof(*ahead));
	bool good = true;

	if (ahead == NULL)
		return NULL;
	ahead->fd = fd;
	ahead->space = space;
	ahead->size = size;
	sem_init(&ahead->empty, 0, BUFFERS);
	sem_init(&ahead->full, 0, 0);
	for (size_t i = 0; i < BUFFERS; i++) {
		ahead->pieces[i].data = malloc(space + size + 1);
		good = good && ahead->pieces[i].data != NULL;
	}
	if (good && start(ahead))
		return ahead;
	drop(ahead);
	return NULL;
}

void
ahead_free(struct ahead *ahead)
{
	if (ahead == NULL)
		return;
	ahead->stopping = true;
	sem_post(&ahead->empty);
	pthread_join(ahead->thread, NULL);
	drop(ahead);
}

char *
ahead_next(struct ahead *ahead, ssize_t *len, int *errnum)
{
	const struct piece *piece = &ahead->pieces[ahead->taken % BUFFERS];

	/* The call before the last gave out one that is free now. */
	if (++ahead->taken > USERS)
		sem_post(&ahead->empty);
	wait_for(&ahead->full);
	*len = piece->len;
	*errnum = piece->errnum;
	return piece->data;
}
