/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/route_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CACHE_MAX 50000 /* remembered; then all are asked for anew */

struct remembered {
	char *recipient;
	struct route route;
	struct remembered *next;
};

struct route_cache {
	struct remembered *slots[8192];
	size_t count;
};

struct route_cache *
route_cache_new(void)
{
	return mem_new(1, sizeof(struct route_cache));
}

void
route_cache_clear(struct route_cache *cache)
{
	for (size_t i = 0; i < sizeof(cache->slots) / sizeof(cache->slots[0]); i++) {
		while (cache->slots[i] != NULL) {
			struct remembered *r = cache->slots[i];

			cache->slots[i] = r->next;
			free(r->recipient);
			free(r);
		}
	}
	cache->count = 0;
}

void
route_cache_free(struct route_cache *cache)
{
	if (cache == NULL)
		return;
	route_cache_clear(cache);
	free(cache);
}

static size_t
slot_of(const struct route_cache *cache, struct str recipient)
{
	size_t h = 5381;

	for (size_t i = 0; i < recipient.len; i++)
		h = h * 33 + (unsigned char)recipient.p[i];
	return h % (sizeof(cache->slots) / sizeof(cache->slots[0]));
}

bool
route_cache_get(const struct route_cache *cache, struct str recipient, struct route *out)
{
	const struct remembered *r = cache->slots[slot_of(cache, recipient)];

	while (r != NULL && !str_is(recipient, r->recipient))
		r = r->next;
	if (r != NULL)
		*out = r->route;
	return r != NULL;
}

void
route_cache_put(
    struct route_cache *cache, struct str recipient, const struct route *route)
{
	struct remembered **slot, *r;

	if (cache->count >= CACHE_MAX)
		route_cache_clear(cache);
	slot = &cache->slots[slot_of(cache, recipient)];
	r = mem_new(1, sizeof(*r));
	r->recipient = mem_strndup(recipient.p, recipient.len);
	r->route = *route;
	r->next = *slot;
	*slot = r;
	cache->count++;
}
