/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Once a day, what is older than the history is deleted, and so are destinations and
 * hosts that nothing was heard of for 90 days. That is a walk in slices, as the state may
 * have a million of them, and nothing else is written meanwhile.
 */
#include <string.h>

#include "base/span.h"
#include "engine/engine_impl.h"
#include "store/store_sts.h"

#define HISTORY_DAYS 400
#define QUEUE_DAYS   10   /* at least: twice the default of maximal_queue_lifetime */
#define STS_DAYS     2    /* domains without an MTA-STS policy */
#define SLICE        2000 /* destinations or hosts */
#define PAUSE_MS     100  /* between slices */
#define STRIDE_DAYS \
	2 /* a past of years must not go because a clock is wrong for a day \
	   */
/* The counters that say so, whichever process did: up to which day it was thinned, and on
 * which day of the clock. */
#define THINNED_DAY "thinned-day"
#define THINNED_ON  "thinned-on"

struct thinning {
	struct duty_state base;
	int64_t day;     /* since the epoch: when it was done last; 0: not known */
	int64_t now_ms;  /* wall: as of when the walk thins */
	int64_t next_ms; /* monotonic: the next slice of a walk; 0: there is none */
	struct thin_span span;
	char host[STORE_HOST_SIZE];
};

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct thinning *t = (const struct thinning *)base;
	int64_t today = now->wall_ms / SPAN_DAY_MS;

	(void)e;
	if (t->next_ms != 0)
		return (struct due){.at_ms = t->next_ms};
	return (struct due){.at_ms = t->day == today
	        ? engine_at_wall(now, (today + 1) * SPAN_DAY_MS)
	        : now->mono_ms};
}

/* As of now, or where that is long after it was done last, no more than STRIDE_DAYS on.
 */
static int64_t
thins_as_of(const struct moment *now, int64_t thinned)
{
	int64_t most_ms = (thinned + STRIDE_DAYS) * SPAN_DAY_MS;

	return thinned != 0 && now->wall_ms > most_ms + SPAN_DAY_MS ? most_ms
	                                                            : now->wall_ms;
}

/* Since when a past may still count: as host_past_best() has it, and a day more. Where
 * nothing verifies any more that is long ago, but no history is older than its days. */
static bool
find_past(struct engine *e, int64_t now_ms, int64_t *past_ms, struct err *err)
{
	int64_t at_ms = now_ms, proof_ms;

	if (!engine_proof_ms(e, &proof_ms, err))
		return false;
	if (proof_ms != 0 && proof_ms < at_ms)
		at_ms = proof_ms;
	*past_ms = at_ms - HOST_PAST_MS - SPAN_DAY_MS;
	if (*past_ms < now_ms - HISTORY_DAYS * SPAN_DAY_MS)
		*past_ms = now_ms - HISTORY_DAYS * SPAN_DAY_MS;
	return true;
}

static bool
begin_walk(struct engine *e, struct thinning *t, int64_t now_ms, struct err *err)
{
	int64_t queue_ms = 2 * e->known->settings.queue_lifetime_ms;
	int64_t today = now_ms / SPAN_DAY_MS;

	if (queue_ms < QUEUE_DAYS * SPAN_DAY_MS)
		queue_ms = QUEUE_DAYS * SPAN_DAY_MS;
	t->now_ms = now_ms;
	t->span = (struct thin_span){
	    .day = today - HISTORY_DAYS,
	    .idle_ms = now_ms - HOST_PAST_MS - SPAN_DAY_MS,
	};
	t->host[0] = '\0';
	return store_thin(e->store, t->span.day, today * SPAN_DAY_MS - queue_ms, err) &&
	    store_sts_thin(
	        e->store, now_ms - STS_DAYS * SPAN_DAY_MS, t->span.idle_ms, err) &&
	    find_past(e, now_ms, &t->span.past_ms, err);
}

/* Hosts after all destinations. *over: those were the last. */
static bool
do_slice(struct engine *e, struct thinning *t, bool *over, struct err *err)
{
	const struct strings *canaries = &e->config->probe.canaries;
	struct buf kept = {0};
	bool done;

	*over = false;
	if (t->span.after != INT64_MAX) {
		if (!store_thin_destinations(e->store, &t->span, SLICE, err))
			return false;
		if (t->span.after != INT64_MAX)
			return true;
	}
	for (size_t i = 0; i < canaries->count; i++) /* without their ports */
		buf_printf(&kept, " %.*s ", (int)strcspn(canaries->items[i], ":"),
		    canaries->items[i]);
	done = store_thin_hosts(e->store, t->span.past_ms, buf_text(&kept), t->host,
	    sizeof(t->host), SLICE, err);
	*over = t->host[0] == '\0';
	buf_clear(&kept);
	return done;
}

static bool
note_done(struct engine *e, const struct thinning *t, int64_t today, struct err *err)
{
	return store_counter_set(e->store, THINNED_DAY, t->now_ms / SPAN_DAY_MS, err) &&
	    store_counter_set(e->store, THINNED_ON, today, err);
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct thinning *t = (struct thinning *)base;
	int64_t today = now->wall_ms / SPAN_DAY_MS, thinned = 0, on = 0;
	bool begins = t->next_ms == 0, over = false;
	struct err err;

	t->next_ms = 0; /* after a failure it begins anew */
	if (!store_counter_get(e->store, THINNED_DAY, &thinned, &err) ||
	    !store_counter_get(e->store, THINNED_ON, &on, &err) ||
	    (on != today &&
	        (!store_begin(e->store, &err) ||
	            (begins && !begin_walk(e, t, thins_as_of(now, thinned), &err)) ||
	            !do_slice(e, t, &over, &err) ||
	            (over && !note_done(e, t, today, &err)) ||
	            !store_commit(e->store, &err)))) {
		engine_not_stored(e, "thin the history", &err);
		return;
	}
	engine_stored(e, "thin the history");
	if (on == today || over)
		t->day = today;
	else
		t->next_ms = now->mono_ms + PAUSE_MS;
}

const struct duty duty_thinning = {
    .name = "thinning",
    .needs = DUTY_APPLIES | DUTY_STORES,
    .state_size = sizeof(struct thinning),
    .due = due,
    .start = start,
};
