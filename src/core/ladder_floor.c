/* SPDX-License-Identifier: BSD-2-Clause */
/* Guard 14: what the administrator's settings forbid, whatever the servers do. */
#include "core/ladder_impl.h"

enum level
ladder_floor(const struct ladder_policy *policy, const struct evidence *ev, enum why *why)
{
	(void)ev;
	*why = WHY_LOWEST;
	return policy->lowest;
}
