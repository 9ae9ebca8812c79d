/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn it is, of destinations that are to be judged: names below one registered
 * domain cost nothing, so that thousands of them must not stand before somebody else's
 * one. Pure.
 */
#ifndef ENGINE_FAIR_H
#define ENGINE_FAIR_H

#include <stddef.h>
#include <stdint.h>

#include "core/nexthop.h"

#define FAIR_MAX 8192 /* are looked through; what is behind waits for its turn */

/* The registered domain of a next-hop or of a host. An address is a domain of its own,
 * and so is what is no next-hop. Itself and no hash of it: whoever could make up a domain
 * that counts as another's would take that one's turns. */
void fair_domain(const char *key, char domain[NEXTHOP_KEY_SIZE]);

struct fair;

/* To be freed by fair_free(). */
struct fair *fair_new(void);
void fair_free(struct fair *fair);

/* One more, that has waited no longer than those before it, up to FAIR_MAX. key: its
 * next-hop, as in the map. */
void fair_add(struct fair *fair, int64_t id, const char *key);
/* The same, that comes behind all of lower ranks. */
void fair_add_ranked(struct fair *fair, int64_t id, const char *key, unsigned rank);

/* Whoever was added last has waited for the longest time. */
void fair_turn_round(struct fair *fair);

/*
 * Into ids[0..most): the first of each registered domain, then the second of each, and so
 * on; among these, who was added first comes first. How many.
 */
size_t fair_take(struct fair *fair, int64_t *ids, size_t most);

/* The same, but that among these come first, in their order, the domains behind after
 * (fair_domain()), and then the others: where each call has room for few, all have a turn
 * before one has another. */
size_t fair_take_after(struct fair *fair, const char *after, int64_t *ids, size_t most);

#endif
