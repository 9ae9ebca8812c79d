/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads for what may block: a job goes in, done it comes out in the loop's thread. A
 * job is owned by its holder: the caller until workers_submit(), a worker while its
 * work() runs, the caller again when workers_done() returns it. Two queues, one lock, one
 * eventfd; nothing else is shared.
 */
#ifndef SYS_WORKERS_H
#define SYS_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Embed as first member of the job. */
struct job {
	struct job *next;
	/* Runs in a worker. context is the worker's own, made by workers_new()'s make. */
	void (*work)(struct job *job, void *context);
};

struct workers; /* opaque */

/*
 * Up to count threads: one, and another when a job finds all of them busy; who is idle
 * for some seconds ends. make(argument) gives each thread its context (called in that
 * thread), drop(context) frees it; both may be NULL. Submitting and freeing is for one
 * thread alone.
 */
struct workers *workers_new(unsigned count, void *(*make)(void *argument),
    void (*drop)(void *context), void *argument, struct err *err);

/* Waits for jobs that run, drops those that do not; their owner frees what is left. */
void workers_free(struct workers *workers);

void workers_submit(struct workers *workers, struct job *job); /* first in, first out */
struct job *workers_done(struct workers *workers);             /* NULL: none is done */
int workers_fd(const struct workers *workers);   /* readable while one is done */
size_t workers_pending(struct workers *workers); /* submitted and not yet returned */

#endif
