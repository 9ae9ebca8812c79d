/* SPDX-License-Identifier: BSD-2-Clause */
/* Times stored while the clock was ahead are brought back, or they would delay their work
 * until the clock reaches them again. */
#include "base/span.h"
#include "engine/engine_impl.h"

struct clock {
	struct duty_state base;
	int64_t wall_ms; /* of the last turn */
	bool minded;     /* no time in the store is further ahead than it can be */
};

static void
notice(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct clock *c = (struct clock *)base;

	(void)e;
	if (now->wall_ms < c->wall_ms - SPAN_MINUTE_MS)
		c->minded = false;
	c->wall_ms = now->wall_ms;
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	bool minded = ((const struct clock *)base)->minded;

	(void)e;
	return (struct due){.at_ms = minded ? DUE_NEVER : now->mono_ms};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct clock *c = (struct clock *)base;
	struct err err;

	c->minded = store_begin(e->store, &err) &&
	    store_bring_back(e->store, now->wall_ms, JUDGE_LOOK_MAX_MS, &err) &&
	    store_commit(e->store, &err);
	if (c->minded)
		engine_stored(e, "look at the times to come");
	else
		engine_not_stored(e, "look at the times to come", &err);
	engine_tell(e, NEWS_EVIDENCE);
	engine_tell(e, NEWS_MAIL);
}

const struct duty duty_clock = {
    .name = "clock",
    .needs = DUTY_STORES,
    .state_size = sizeof(struct clock),
    .notice = notice,
    .due = due,
    .start = start,
};
