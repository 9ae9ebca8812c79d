/* SPDX-License-Identifier: BSD-2-Clause */
/* Times stored while the clock was ahead are brought back, or they would delay their work
 * until the clock reaches them again. */
#include "base/span.h"
#include "core/covered.h"
#include "engine/engine_impl.h"

struct clock {
	struct duty_state base;
	int64_t wall_ms; /* of the last turn */
	bool minded;     /* no time in the store is further ahead than it can be */
	/* When the clock was last known not to be set; monotonic 0: never. */
	struct moment trusted;
};

/* A minute: less is how a clock is disciplined. */
static bool
is_set(int64_t by_ms)
{
	return by_ms >= SPAN_MINUTE_MS || by_ms <= -SPAN_MINUTE_MS;
}

/*
 * Time that did not pass ends no hold: where the clock is set, or time was slept through,
 * what waits goes with it.
 */
void
engine_mind_clock(struct engine *e)
{
	struct clock *c = (struct clock *)engine_state(e, &duty_clock);
	struct moment now = engine_now(e);
	int64_t by_ms =
	    now.wall_ms - c->trusted.wall_ms - (now.mono_ms - c->trusted.mono_ms);
	struct err err;

	if (c->trusted.mono_ms != 0 && !is_set(by_ms))
		return;
	if (c->trusted.mono_ms != 0 &&
	    (!store_begin(e->store, &err) ||
	        !store_shift(e->store, by_ms, now.wall_ms - by_ms, &err) ||
	        !store_commit(e->store, &err))) {
		engine_not_stored(e, "have what waits go with the clock", &err);
		return;
	}
	c->trusted = now;
}

void
engine_trust_clock(struct engine *e)
{
	((struct clock *)engine_state(e, &duty_clock))->trusted = engine_now(e);
}

static void
notice(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct clock *c = (struct clock *)base;

	engine_mind_clock(e);
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

/* Else the lines of that time would pass for those that were read already. The log's
 * stamps may be a day ahead (time zone). */
static bool
bring_back_covered(struct engine *e, int64_t now_ms, struct err *err)
{
	int64_t to = now_ms / SPAN_SECOND_MS;
	int64_t latest = (now_ms + SPAN_DAY_MS + SPAN_MINUTE_MS) / SPAN_SECOND_MS;
	/* Lines that are not stored yet are not stored as read. */
	struct covered *stored = covered_new();
	struct buf text = {0}, before = {0};
	bool done = store_blob_get(e->store, "covered", &text, err);

	if (done) {
		covered_load(stored, (struct str){buf_text(&text), text.len});
		covered_save(stored, &before);
		covered_bring_back(stored, latest, to);
		buf_reset(&text);
		covered_save(stored, &text);
		covered_load(
		    e->counting.covered, (struct str){buf_text(&text), text.len});
		covered_bring_back(e->counting.covered, latest, to);
		done = str_equal((struct str){buf_text(&text), text.len},
		           (struct str){buf_text(&before), before.len}) ||
		    store_blob_put(e->store, "covered",
		        (struct str){buf_text(&text), text.len}, err);
	}
	buf_clear(&before);
	buf_clear(&text);
	covered_free(stored);
	return done;
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct clock *c = (struct clock *)base;
	struct err err;

	c->minded = store_begin(e->store, &err) &&
	    store_bring_back(e->store, now->wall_ms, JUDGE_LOOK_MAX_MS, &err) &&
	    bring_back_covered(e, now->wall_ms, &err) && store_commit(e->store, &err);
	if (c->minded)
		engine_stored(e, "read the times to come");
	else
		engine_not_stored(e, "read the times to come", &err);
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
