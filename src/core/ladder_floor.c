/* SPDX-License-Identifier: BSD-2-Clause */
/* Guard 14: what the administrator's settings forbid, and a pin that he put on a parent,
 * whatever the servers do. */
#include "core/ladder_impl.h"

enum level
ladder_floor(const struct ladder_policy *policy, const struct evidence *ev, enum why *why)
{
	enum level pinned = level_promise(ev->default_level);

	if (ev->parent_pinned && pinned > policy->lowest) {
		*why = WHY_PINNED;
		return pinned;
	}
	*why = WHY_LOWEST;
	return policy->lowest;
}
