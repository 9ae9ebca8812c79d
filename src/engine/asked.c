/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/asked.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

void
asked_init(struct asked *asked, size_t max)
{
	*asked = (struct asked){.ids = mem_new(max, sizeof(*asked->ids)), .max = max};
}

void
asked_clear(struct asked *asked)
{
	free(asked->ids);
	*asked = (struct asked){.ids = NULL};
}

void
asked_add(struct asked *asked, int64_t id)
{
	assert(asked->count < asked->max);
	asked->ids[asked->count++] = id;
}

/* At its place; count: it is not in it. */
static size_t
find(const struct asked *asked, int64_t id)
{
	size_t i = 0;

	while (i < asked->count && asked->ids[i] != id)
		i++;
	return i;
}

bool
asked_has(const struct asked *asked, int64_t id)
{
	return find(asked, id) < asked->count;
}

void
asked_forget(struct asked *asked, int64_t id)
{
	size_t at = find(asked, id);

	if (at < asked->count)
		asked->ids[at] = asked->ids[--asked->count];
}
