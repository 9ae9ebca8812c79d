/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools of workers without a thread, for enginekit: what is submitted waits until
 * world_work(). As sys/workers.h has them.
 */
#ifndef ENGINEKIT_POOLS_H
#define ENGINEKIT_POOLS_H

#include <stdint.h>

#include "sys/workers.h"

struct workers *pool_new(unsigned count, void *(*make)(void *argument),
    void (*drop)(void *context), void *argument, struct err *err);
void pool_free(struct workers *workers);
void pool_submit(struct workers *workers, struct job *job);
struct job *pool_done(struct workers *workers);
/* Monotonic: when the next of those that take time (world.takes_ms) is done; INT64_MAX:
 * there is none. */
int64_t pool_next_ms(void);
int pool_fd(const struct workers *workers);

#endif
