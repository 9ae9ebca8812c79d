/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A cache of routes by recipient, good while Postfix's settings are: in memory alone, as
 * it holds addresses. When it is full it begins anew.
 */
#ifndef ENGINE_ROUTE_CACHE_H
#define ENGINE_ROUTE_CACHE_H

#include <stdbool.h>

#include "base/str.h"
#include "core/route.h"

struct route_cache; /* opaque */

struct route_cache *route_cache_new(void);
void route_cache_free(struct route_cache *cache); /* NULL is accepted */
void route_cache_clear(struct route_cache *cache);

/* False: not known. *out has an empty key where the recipient goes nowhere we act on. */
bool route_cache_get(
    const struct route_cache *cache, struct str recipient, struct route *out);
void route_cache_put(
    struct route_cache *cache, struct str recipient, const struct route *route);

#endif
