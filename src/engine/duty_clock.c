/* SPDX-License-Identifier: BSD-2-Clause */
/* Times stored while the clock was ahead are brought back, or they would delay their work
 * until the clock reaches them again. */
#include "base/span.h"
#include "core/covered.h"
#include "engine/engine_impl.h"
#include "store/store_sts.h"

#define KEEP_MS SPAN_MINUTE_MS /* the stamp is as old as that at most, with news */
/* How much the wall clock may gain on the other while it is disciplined: 500 ppm, the
 * most that adjtimex(2) slews by. It is forgiven this often. */
#define SLEWED(ran_ms) ((ran_ms) / 2000)
#define FORGIVE_MS     SPAN_HOUR_MS
#define LIVE_MS        SPAN_HOUR_MS /* what is remembered ages by so much at once */

/* What the clocks said at one moment, as it is stored: whoever comes next, after a
 * restart, tells by it whether the wall clock was set meanwhile. */
struct clocks {
	int64_t wall_ms;
	int64_t running_ms;
	int64_t boot;
};

struct clock {
	struct duty_state base;
	int64_t wall_ms; /* of the last turn */
	bool minded;     /* no time in the store is further ahead than it can be */
	/* By how much the clock was set is reckoned from then; monotonic 0: never. */
	struct moment trusted;
	int64_t crept_ms; /* it was set by so much before, too little for a shift */
	int64_t boot;
	int64_t kept_ms;  /* monotonic: when the stamp was stored; 0: not yet */
	int64_t lived_ms; /* monotonic: so far what is remembered has aged; 0: not yet */
};

/* A minute: less is put off until it adds up to that. */
static bool
is_set(int64_t by_ms)
{
	return by_ms >= SPAN_MINUTE_MS || by_ms <= -SPAN_MINUTE_MS;
}

/* By how much the wall clock was set that nothing went with yet. */
static int64_t
unminded(const struct clock *c, const struct moment *now)
{
	return c->trusted.mono_ms == 0 ? 0
	                               : c->crept_ms + now->wall_ms - c->trusted.wall_ms -
	        (now->mono_ms - c->trusted.mono_ms);
}

/* Less what slewing explains. */
static int64_t
forgive(int64_t by_ms, int64_t ran_ms)
{
	int64_t slewed_ms = SLEWED(ran_ms);

	return by_ms > slewed_ms ? by_ms - slewed_ms
	    : by_ms < -slewed_ms ? by_ms + slewed_ms
	                         : 0;
}

static struct clocks
stamp_now(const struct engine *e, const struct clock *c, const struct moment *now)
{
	return (struct clocks){now->wall_ms, e->world->running_ms(), c->boot};
}

static bool
read_stamp(struct engine *e, struct clocks *stamp, struct err *err)
{
	return store_counter_get(e->store, "clock-wall-ms", &stamp->wall_ms, err) &&
	    store_counter_get(e->store, "clock-running-ms", &stamp->running_ms, err) &&
	    store_counter_get(e->store, "clock-boot", &stamp->boot, err);
}

static bool
write_stamp(struct engine *e, const struct clocks *stamp, struct err *err)
{
	return store_counter_set(e->store, "clock-wall-ms", stamp->wall_ms, err) &&
	    store_counter_set(e->store, "clock-running-ms", stamp->running_ms, err) &&
	    store_counter_set(e->store, "clock-boot", stamp->boot, err);
}

/*
 * By how much the wall clock was set since. Of a machine that was started anew it cannot
 * be told from time that it was off: that is as time that it slept.
 */
static int64_t
set_by(const struct clocks *since, const struct clocks *now)
{
	int64_t ran_ms = now->running_ms;

	if (since->wall_ms == 0 || since->boot == 0 || now->boot == 0)
		return 0;
	if (since->boot == now->boot)
		ran_ms -= since->running_ms;
	return now->wall_ms - since->wall_ms - ran_ms;
}

/*
 * What waits goes with the clock, which was set by *by_ms; *by_ms: what is left of that.
 * Another process may have done it: what is stored tells. A copy has nobody else. The
 * stamp is of a clock that was not set by what is left, so that this adds up, through
 * restarts as well.
 */
static bool
shift(struct engine *e, const struct clock *c, int64_t *by_ms, const struct moment *now,
    struct err *err)
{
	bool applies = e->driver.mode == ENGINE_APPLY, was_off = false;
	struct clocks at = stamp_now(e, c, now), stored = {0};
	int64_t done_ms, before_ms, seen_ms;

	if (applies && !read_stamp(e, &stored, err))
		return false;
	if (applies && stored.wall_ms != 0) {
		*by_ms = set_by(&stored, &at);
		was_off = stored.boot != at.boot;
	}
	done_ms = is_set(*by_ms) ? *by_ms : 0;
	before_ms = now->wall_ms - done_ms;
	seen_ms = c->trusted.mono_ms != 0 ? c->trusted.wall_ms : stored.wall_ms;
	*by_ms -= done_ms;
	at.wall_ms -= *by_ms;
	return (!applies || write_stamp(e, &at, err)) &&
	    (done_ms == 0 ||
	        (store_shift(e->store, done_ms, seen_ms, before_ms, err) &&
	            store_sts_shift(e->store, done_ms, before_ms, was_off, err) &&
	            engine_shift_past(e, done_ms, now->wall_ms, err) &&
	            engine_shift_freeze(e, done_ms, err)));
}

/*
 * Time that did not pass ends no hold and no pin: where the clock is set, or time was
 * slept through, what waits goes with it; so it does where that was before this process.
 * Little by little as well: less than a minute each turn would end any hold.
 */
void
engine_mind_clock(struct engine *e)
{
	struct clock *c = (struct clock *)engine_state(e, &duty_clock);
	struct moment now = engine_now(e);
	bool first = c->trusted.mono_ms == 0;
	int64_t by_ms = first ? 0 : unminded(c, &now);
	int64_t ran_ms = now.mono_ms - c->trusted.mono_ms;
	struct err err;

	if (first ? e->driver.mode == ENGINE_APPLY : is_set(by_ms)) {
		if (!store_begin(e->store, &err) || !shift(e, c, &by_ms, &now, &err) ||
		    !store_commit(e->store, &err)) {
			engine_not_stored(e, "have what waits go with the clock", &err);
			return;
		}
		c->kept_ms = now.mono_ms;
	} else if (!first && ran_ms < FORGIVE_MS) {
		return;
	} else if (!first) {
		by_ms = forgive(by_ms, ran_ms);
	}
	c->trusted = now;
	c->crept_ms = by_ms;
}

/* What is not stored now is next time: nobody waits for it. */
static void
keep_stamp(struct engine *e, struct clock *c, const struct moment *now)
{
	struct clocks at = stamp_now(e, c, now);
	struct err ignored;

	at.wall_ms -= unminded(c, now);
	if (e->driver.mode != ENGINE_APPLY)
		return;
	c->kept_ms = now->mono_ms;
	if (!store_begin(e->store, &ignored) || !write_stamp(e, &at, &ignored) ||
	    !store_commit(e->store, &ignored))
		store_rollback(e->store);
}

/* What is not stored now is next time. */
static void
live(struct engine *e, struct clock *c, const struct moment *now)
{
	int64_t ran_ms = now->mono_ms - c->lived_ms;
	struct err ignored;

	if (e->driver.mode != ENGINE_APPLY)
		return;
	if (c->lived_ms != 0 &&
	    (!store_begin(e->store, &ignored) ||
	        !engine_live(e, ran_ms, now->wall_ms, &ignored) ||
	        !store_commit(e->store, &ignored))) {
		store_rollback(e->store);
		return;
	}
	c->lived_ms = now->mono_ms;
}

void
engine_trust_clock(struct engine *e)
{
	struct clock *c = (struct clock *)engine_state(e, &duty_clock);

	c->trusted = engine_now(e);
	c->crept_ms = 0;
	keep_stamp(e, c, &c->trusted);
}

/* Before the daemon confines itself: it is read from a file. */
static bool
open_clock(struct engine *e, struct duty_state *base, struct err *err)
{
	(void)err;
	((struct clock *)base)->boot = e->world->boot();
	return true;
}

static void
hear(struct engine *e, struct duty_state *base, enum news news, const struct moment *now)
{
	struct clock *c = (struct clock *)base;

	if (news == NEWS_LOG && now->mono_ms - c->kept_ms >= KEEP_MS)
		keep_stamp(e, c, now);
}

static void
finish(struct engine *e, struct duty_state *base)
{
	struct clock *c = (struct clock *)base;
	struct moment now = engine_now(e);

	if (e->store == NULL || c->trusted.mono_ms == 0)
		return;
	engine_mind_clock(e);
	keep_stamp(e, c, &now);
	live(e, c, &now);
}

static void
notice(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct clock *c = (struct clock *)base;

	engine_mind_clock(e);
	if (c->lived_ms == 0 || now->mono_ms - c->lived_ms >= LIVE_MS)
		live(e, c, now);
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
    .open = open_clock,
    .hear = hear,
    .notice = notice,
    .due = due,
    .start = start,
    .finish = finish,
};
