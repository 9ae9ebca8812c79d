/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nobody waits unseen: mail that waits for long although no decision alerted, and mail
 * that soon bounces, are alerted, each once as long as the trouble lasts. Most decisions
 * that make mail wait alert by themselves; the others mostly end within minutes.
 */
#include "base/span.h"
#include "engine/alerts.h"
#include "engine/engine_impl.h"
#include "engine/nodes.h"

#define LONG_MS  (4 * SPAN_HOUR_MS)    /* at most; half a working day is left to act */
#define SOON_MS  (12 * SPAN_HOUR_MS)   /* before the first message bounces */
#define TRIED_MS (30 * SPAN_MINUTE_MS) /* not before mail failed for so long */
#define EVERY_MS TRIED_MS
#define LOOK_MS  EVERY_MS       /* before it is alerted: is it in the queue? */
#define PAUSE_MS SPAN_SECOND_MS /* between slices */
#define SLICE    500            /* destinations */

struct waits {
	struct duty_state base;
	int64_t due_ms; /* monotonic; 0: nothing waits */
	int64_t after;  /* the last destination of the slices before */
	int64_t
	    next_ms; /* wall: when one that was looked at comes to its time; 0: none */
	bool frozen; /* there is a freeze */
};

static bool
open_waits(struct engine *e, struct duty_state *base, struct err *err)
{
	(void)err;
	((struct waits *)base)->due_ms = engine_now(e).mono_ms;
	return true;
}

void
engine_mind_wait(struct engine *e)
{
	struct waits *w = engine_state(e, &duty_waits);
	int64_t at_ms = engine_now(e).mono_ms + EVERY_MS;

	if (w->due_ms == 0 || w->due_ms > at_ms)
		w->due_ms = at_ms;
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct waits *w = (const struct waits *)base;

	(void)e;
	(void)now;
	return (struct due){.at_ms = w->due_ms != 0 ? w->due_ms : DUE_NEVER};
}

static int64_t
later(int64_t a_ms, int64_t b_ms)
{
	return a_ms > b_ms ? a_ms : b_ms;
}

/* Of two times; 0: never. */
static int64_t
sooner(int64_t a_ms, int64_t b_ms)
{
	return a_ms == 0 || (b_ms != 0 && b_ms < a_ms) ? b_ms : a_ms;
}

/* When its wait is to be alerted because nothing else did; 0: never, as things are. */
static int64_t
long_at(const struct engine *e, const struct waits *w, const struct store_wait *wait,
    int64_t since_ms)
{
	int64_t long_ms = LONG_MS, lifetime_ms = engine_queue_lifetime_ms(e);
	bool was_alerted = wait->alerted_ms != 0 && wait->alerted_ms >= wait->failed_ms;

	if (lifetime_ms != 0 && lifetime_ms / 4 < long_ms)
		long_ms = lifetime_ms / 4;
	if ((wait->is_frozen && w->frozen) || (was_alerted && wait->is_same))
		return 0; /* a freeze is one cause, and alerted as such */
	return was_alerted ? later(since_ms, wait->decided_ms) + long_ms
	                   : since_ms + long_ms;
}

/* The same because its first message soon bounces. */
static int64_t
soon_at(const struct engine *e, const struct store_wait *wait, int64_t since_ms,
    int64_t now_ms)
{
	int64_t bounces_ms =
	    store_bounces_ms(wait->arrival_ms, engine_queue_lifetime_ms(e));
	int64_t soon_ms = bounces_ms - SOON_MS;

	if (bounces_ms <= now_ms || wait->alerted_ms >= later(soon_ms, wait->failed_ms) ||
	    (wait->bounce_ms != 0 && wait->bounce_ms >= wait->failed_ms))
		return 0;
	return later(soon_ms, since_ms + TRIED_MS);
}

static bool
alert_one(struct engine *e, const struct store_wait *wait, int64_t since_ms, bool soon,
    int64_t now_ms, struct err *err)
{
	struct destination d;
	bool found, done;

	if (!store_get_id(e->store, wait->destination, &d, &found, err))
		return false;
	if (!found)
		return true;
	/* It is back, after another one. How often it was alerted of mail that flowed
	 * since is no matter: so long this one waits. */
	if (!soon && engine_was_alerted_waiting(e, &d, d.why))
		now_ms = later(wait->alerted_ms, since_ms);
	else
		engine_alert_wait(e, &d, since_ms, soon);
	done = store_wait_alerted(
	    e->store, d.id, why_slug(d.why), now_ms, soon ? now_ms : 0, err);
	destination_clear(&d);
	return done;
}

/*
 * Nothing has it looked for before it is to be alerted: it may have been deleted, of
 * which the log says nothing, and the queue alone tells.
 */
static bool
look_for(struct engine *e, const struct store_wait *wait, int64_t before_ms,
    int64_t now_ms, struct err *err)
{
	struct destination d;
	bool found, done = true;

	if (!store_get_id(e->store, wait->destination, &d, &found, err))
		return false;
	if (!found)
		return true;
	if (destination_look_before(&d, before_ms, now_ms)) {
		done = store_put(e->store, &d, err);
		engine_tell(e, NEWS_EVIDENCE);
	}
	destination_clear(&d);
	return done;
}

static void
note_next(struct waits *w, int64_t at_ms)
{
	if (at_ms != 0 && (w->next_ms == 0 || at_ms < w->next_ms))
		w->next_ms = at_ms;
}

static bool
mind_one(struct engine *e, struct waits *w, const struct store_wait *wait, int64_t now_ms,
    struct err *err)
{
	int64_t since_ms = later(wait->first_ms, wait->failed_ms);
	int64_t long_ms = long_at(e, w, wait, since_ms);
	int64_t soon_ms = soon_at(e, wait, since_ms, now_ms);
	bool soon = soon_ms != 0 && soon_ms <= now_ms;
	int64_t next_ms;

	if (!soon && (long_ms == 0 || long_ms > now_ms)) {
		next_ms = sooner(long_ms, soon_ms);
		note_next(w, next_ms - LOOK_MS > now_ms ? next_ms - LOOK_MS : next_ms);
		return next_ms == 0 || next_ms - LOOK_MS > now_ms ||
		    look_for(e, wait, next_ms, now_ms, err);
	}
	note_next(w, now_ms + EVERY_MS); /* what comes next depends on what was alerted */
	return alert_one(e, wait, since_ms, soon, now_ms, err);
}

static bool
mind_slice(struct engine *e, struct waits *w, const struct moment *now, size_t *count,
    struct err *err)
{
	struct store_wait waits[SLICE];
	int64_t frozen_ms = 0;

	if (!store_begin(e->store, err) ||
	    !store_counter_get(e->store, "frozen-ms", &frozen_ms, err) ||
	    !store_waits(e->store, w->after, waits, SLICE, count, err))
		return false;
	w->frozen = frozen_ms != 0;
	for (size_t i = 0; i < *count; i++) {
		if (waits[i].is_raised && !mind_one(e, w, &waits[i], now->wall_ms, err))
			return false;
		w->after = waits[i].destination;
	}
	return store_commit(e->store, err);
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct waits *w = (struct waits *)base;
	int64_t soonest_ms = now->mono_ms + SPAN_MINUTE_MS;
	struct err err;
	size_t count;
	bool done;

	if (w->after == 0)
		w->next_ms = 0;
	done = mind_slice(e, w, now, &count, &err);
	engine_alerts_stored(e, done);
	if (!done) {
		engine_not_stored(e, "note what waits", &err);
		w->after = 0;
		w->due_ms = soonest_ms;
		return;
	}
	engine_stored(e, "note what waits");
	if (count == SLICE) {
		w->due_ms = now->mono_ms + PAUSE_MS;
		return;
	}
	w->after = 0;
	w->due_ms =
	    w->next_ms == 0 ? 0 : later(engine_at_wall(now, w->next_ms), soonest_ms);
}

const struct duty duty_waits = {
    .name = "waits",
    .needs = DUTY_APPLIES | DUTY_STORES | DUTY_TELLS,
    .state_size = sizeof(struct waits),
    .open = open_waits,
    .due = due,
    .start = start,
};
