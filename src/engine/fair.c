/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/fair.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/fold_items.h"
#include "core/host.h"
#include "core/nexthop.h"

struct waiting {
	int64_t id;
	unsigned turn; /* so many of its domain come before it */
	unsigned place;
};

struct fair {
	size_t count;
	struct waiting waiting[FAIR_MAX];
	uint16_t domains[1 << FAIR_DOMAIN_BITS]; /* how many of it there are */
};

struct fair *
fair_new(void)
{
	return mem_new(1, sizeof(struct fair));
}

void
fair_free(struct fair *fair)
{
	free(fair);
}

uint32_t
fair_domain(const char *key)
{
	struct nexthop nexthop;
	struct str parent = STR("");

	if (nexthop_parse(str_of(key), &nexthop))
		parent = host_parent(str_of(nexthop.host));
	return fold_items_hash(parent.len > 0 ? parent : str_of(key)) >>
	    (32 - FAIR_DOMAIN_BITS);
}

void
fair_add(struct fair *fair, int64_t id, const char *key)
{
	if (fair->count == FAIR_MAX)
		return;
	fair->waiting[fair->count] = (struct waiting){.id = id,
	    .turn = fair->domains[fair_domain(key)]++,
	    .place = (unsigned)fair->count};
	fair->count++;
}

static int
compare(const void *a, const void *b)
{
	const struct waiting *one = a, *two = b;

	if (one->turn != two->turn)
		return one->turn < two->turn ? -1 : 1;
	return one->place < two->place ? -1 : one->place > two->place;
}

size_t
fair_take(struct fair *fair, int64_t *ids, size_t most)
{
	size_t count = fair->count < most ? fair->count : most;

	qsort(fair->waiting, fair->count, sizeof(*fair->waiting), compare);
	for (size_t i = 0; i < count; i++)
		ids[i] = fair->waiting[i].id;
	return count;
}
