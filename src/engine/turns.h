/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn it is, of Policy Domains of which something is to be asked: what mail waits
 * for and what entries rest on come before the rest, what failed the last time behind its
 * equals; among these each owner has one turn before another has two (engine/fair.h). Of
 * each such kind some have turns, however many come before it.
 * Pure.
 */
#ifndef ENGINE_TURNS_H
#define ENGINE_TURNS_H

#include "engine/fetches.h"

#define TURNS_MAX 512 /* are kept; who is behind is looked for again */

struct turn {
	char domain[NEXTHOP_HOST_SIZE];
	struct fetches_ask ask; /* of that domain */
	bool done;              /* its turn came; for the caller */
};

struct turns;

/* To be freed by turns_free(). */
struct turns *turns_new(void);
void turns_free(struct turns *turns);

/* One more, that has been due no longer than those before it. ask: but for its rank. */
void turns_add(
    struct turns *turns, const struct fetches_ask *ask, bool is_waited, bool is_live);

/* All were added: the first of them, in their order, until turns are freed. */
size_t turns_take(struct turns *turns, struct turn **out);

/* Were there more than are kept? */
bool turns_are_more(const struct turns *turns);

#endif
