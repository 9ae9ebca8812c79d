/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/demand.h"

#include <stdlib.h>

#include "base/mem.h"

struct demand
demand_of(enum level level)
{
	return (struct demand){.level = level};
}

const char *
demand_attributes(struct demand demand)
{
	return demand.attributes != NULL ? demand.attributes : "";
}

bool
demand_equal(struct demand a, struct demand b)
{
	return a.level == b.level &&
	    str_equal(str_of(demand_attributes(a)), str_of(demand_attributes(b)));
}

void
demand_print(struct demand demand, struct buf *out)
{
	const char *attributes = demand_attributes(demand);

	buf_add_str(out, str_of(level_name(demand.level)));
	if (attributes[0] == '\0')
		return;
	buf_add_char(out, ' ');
	buf_add_str(out, str_of(attributes));
}

struct demand
demand_copy(struct demand demand)
{
	const char *attributes = demand_attributes(demand);

	return (struct demand){.level = demand.level,
	    .attributes = attributes[0] != '\0' ? mem_strdup(attributes) : NULL};
}

void
demand_clear(struct demand *demand)
{
	free((void *)(uintptr_t)demand->attributes);
	*demand = (struct demand){0};
}
