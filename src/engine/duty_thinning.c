/* SPDX-License-Identifier: BSD-2-Clause */
/* Once a day, what is older than the history is deleted. */
#include "base/span.h"
#include "engine/engine_impl.h"

#define HISTORY_DAYS 400
#define QUEUE_DAYS   10            /* twice the default of maximal_queue_lifetime */
#define THINNED_DAY  "thinned-day" /* the counter that says so, whichever process did */

struct thinning {
	struct duty_state base;
	int64_t day; /* since the epoch: when it was done last; 0: not known */
};

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct thinning *t = (const struct thinning *)base;
	int64_t today = now->wall_ms / SPAN_DAY_MS;

	(void)e;
	return (struct due){.at_ms = t->day == today
	        ? engine_at_wall(now, (today + 1) * SPAN_DAY_MS)
	        : now->mono_ms};
}

/* What may still count: as host_past_best() has it, and a day more. */
static bool
thin_hosts(struct engine *e, const struct moment *now, struct err *err)
{
	int64_t at_ms = now->wall_ms, verified_ms;

	if (!store_counter_get(e->store, "verified-ms", &verified_ms, err))
		return false;
	if (verified_ms != 0 && verified_ms < at_ms)
		at_ms = verified_ms;
	return store_thin_hosts(e->store, at_ms - HOST_PAST_MS - SPAN_DAY_MS, err);
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct thinning *t = (struct thinning *)base;
	int64_t today = now->wall_ms / SPAN_DAY_MS, thinned = 0;
	struct err err;

	if (!store_counter_get(e->store, THINNED_DAY, &thinned, &err) ||
	    (thinned != today &&
	        (!store_begin(e->store, &err) ||
	            !store_thin(e->store, today - HISTORY_DAYS,
	                (today - QUEUE_DAYS) * SPAN_DAY_MS, &err) ||
	            !thin_hosts(e, now, &err) ||
	            !store_counter_set(e->store, THINNED_DAY, today, &err) ||
	            !store_commit(e->store, &err)))) {
		engine_not_stored(e, "thin the history", &err);
		return;
	}
	engine_stored(e, "thin the history");
	t->day = today;
}

const struct duty duty_thinning = {
    .name = "thinning",
    .needs = DUTY_APPLIES | DUTY_STORES,
    .state_size = sizeof(struct thinning),
    .due = due,
    .start = start,
};
