/* SPDX-License-Identifier: BSD-2-Clause */
/* The pins of parents, as ".example.org": they apply to every domain below that has no
 * entry of its own, as the default level does elsewhere. */
#include <stdlib.h>

#include "base/mem.h"
#include "engine/engine_impl.h"

void
engine_forget_parents(struct engine *e)
{
	for (size_t i = 0; i < e->judge.parent_count; i++)
		free(e->parents[i].key);
	free(e->parents);
	e->parents = NULL;
	e->judge.parents = NULL;
	e->judge.parent_count = 0;
}

static bool
add_parent(void *context, const struct entry *entry)
{
	struct engine *e = context;

	if (entry->level == LEVEL_NONE)
		return true;
	e->parents =
	    mem_array(e->parents, e->judge.parent_count + 1, sizeof(*e->parents));
	e->parents[e->judge.parent_count++] =
	    (struct judge_parent){mem_strdup(entry->key), entry->level};
	e->judge.parents = e->parents;
	return true;
}

bool
engine_mind_parents(struct engine *e, struct err *err)
{
	engine_forget_parents(e);
	return store_each_parent(e->store, add_parent, e, err);
}
