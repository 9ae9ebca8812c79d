/* SPDX-License-Identifier: BSD-2-Clause */
/* The map in force: exported when entries changed, and at the start. */
#include <inttypes.h>

#include "base/span.h"
#include "engine/engine_impl.h"
#include "engine/metrics.h"
#include "sys/log.h"

/*
 * What the log was read for is in force at once. Other changes may be of one cause, a
 * provider's policy or MX hosts for ten thousand destinations, which are judged for
 * minutes, or looked at for a day: a map is not made for each few of them.
 */
#define QUIET_MS    (2 * SPAN_SECOND_MS)  /* no mail waits: until none came so long */
#define CALM_MAX_MS (10 * SPAN_MINUTE_MS) /* ... but no longer than that */
#define CALM_MS     (2 * SPAN_SECOND_MS)  /* at least between two of these maps; ... */
#define FOLLOW_MS   (20 * SPAN_SECOND_MS) /* what comes so soon behind one follows it */
#define CALM_LONG_MS \
	(5 * SPAN_MINUTE_MS)        /* ... the longer the more follow each other \
	                             */
#define LATE_MS      SPAN_SECOND_MS /* mail waits: between two of these maps; ... */
#define LATE_LONG_MS (30 * SPAN_SECOND_MS) /* ... the longer the more ... */
#define LATE_CROWD   10                    /* ... of more than so many changes */

/* Changes that are not in the map yet, of one kind. Times are monotonic. */
struct unmapped {
	unsigned count;
	int64_t first_ms;
	int64_t last_ms;
	int64_t not_before_ms; /* after the last map with some of them */
	int64_t apart_ms;      /* from that one */
};

struct export
{
	struct duty_state base;
	int64_t due_ms;   /* monotonic: when the map is due; 0: not for what hurries */
	int64_t again_ms; /* the same, of what was told while one is being made */
	struct unmapped calm; /* of destinations whose mail does not fail */
	struct unmapped late; /* of mail that waits, by what others than the log said */
	bool doubted;         /* the next one is built anew */
	int64_t tried;        /* the version of the last one that made changes alone */
	int64_t doubted_ms;   /* monotonic: when Postfix last doubted it; 0: never */
};

/* Before the first export there is no map, and Postfix defers all mail without it. */
static bool
open_export(struct engine *e, struct duty_state *base, struct err *err)
{
	struct export *x = (struct export *)base;
	int64_t version;

	if (!engine_read_versions(e, err))
		return false;
	if (e->map.version == 0) {
		if (!store_begin(e->store, err))
			return false;
		if (!store_map_changed(e->store, &version, err) ||
		    !store_commit(e->store, err)) {
			store_rollback(e->store);
			return false;
		}
	}
	x->due_ms = engine_now(e).mono_ms;
	x->doubted = true; /* the map may have changed meanwhile */
	return true;
}

/* --- when it is due ---------------------------------------------------------------- */

/* Changes within settle_ms are collected in one map. */
static void
settle(const struct engine *e, struct export *x, int64_t mono_ms)
{
	int64_t at_ms = mono_ms + e->config->map.settle_ms;
	int64_t *due_ms = x->base.tasks > 0 ? &x->again_ms : &x->due_ms;

	if (*due_ms == 0 || at_ms < *due_ms)
		*due_ms = at_ms;
}

static void
note_change(struct unmapped *c, int64_t mono_ms)
{
	if (c->count++ == 0)
		c->first_ms = mono_ms;
	c->last_ms = mono_ms;
}

static int64_t
later(int64_t a_ms, int64_t b_ms)
{
	return a_ms > b_ms ? a_ms : b_ms;
}

static int64_t
earlier(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

static int64_t
calm_due_ms(const struct unmapped *c)
{
	if (c->count == 0)
		return DUE_NEVER;
	return earlier(
	    later(c->last_ms + QUIET_MS, c->not_before_ms), c->first_ms + CALM_MAX_MS);
}

static int64_t
late_due_ms(const struct engine *e, const struct unmapped *c)
{
	if (c->count == 0)
		return DUE_NEVER;
	return later(c->first_ms + e->config->map.settle_ms, c->not_before_ms);
}

/* DUE_NEVER: the map is in place. */
static int64_t
due_ms(const struct engine *e, const struct export *x)
{
	int64_t at_ms = earlier(calm_due_ms(&x->calm), late_due_ms(e, &x->late));

	return x->due_ms != 0 ? earlier(x->due_ms, at_ms) : at_ms;
}

/* They are in a map that is begun. many: more will come. */
static void
end_changes(
    struct unmapped *c, bool many, int64_t least_ms, int64_t most_ms, int64_t mono_ms)
{
	if (c->count == 0)
		return;
	c->apart_ms = many ? earlier(2 * c->apart_ms, most_ms) : 0;
	c->apart_ms = later(c->apart_ms, least_ms);
	c->not_before_ms = mono_ms + c->apart_ms;
	c->count = 0;
}

static void
begin_map(struct export *x, int64_t mono_ms)
{
	struct unmapped *calm = &x->calm, *late = &x->late;

	/* Some that followed at once: there was no time without any. */
	end_changes(calm,
	    calm->first_ms < calm->not_before_ms + later(calm->apart_ms, FOLLOW_MS),
	    CALM_MS, CALM_LONG_MS, mono_ms);
	end_changes(late, late->count > LATE_CROWD, LATE_MS, LATE_LONG_MS, mono_ms);
	/* One that fails is tried again. */
	x->due_ms = mono_ms;
	x->again_ms = 0;
}

/* Postfix cannot read a map, perhaps ours: it is gone, or was changed by hand. Write it
 * anew, at most once a minute. */
static void
doubt(const struct engine *e, struct export *x, int64_t mono_ms)
{
	if (x->doubted_ms != 0 && mono_ms - x->doubted_ms < SPAN_MINUTE_MS)
		return;
	x->doubted_ms = mono_ms;
	x->doubted = true;
	settle(e, x, mono_ms);
}

static void
hear(struct engine *e, struct duty_state *base, enum news news, const struct moment *now)
{
	struct export *x = (struct export *)base;

	if (news == NEWS_ENTRIES ||
	    (e->driver.once && (news == NEWS_LATE_ENTRIES || news == NEWS_CALM_ENTRIES)))
		settle(e, x, now->mono_ms);
	else if (news == NEWS_LATE_ENTRIES)
		note_change(&x->late, now->mono_ms);
	else if (news == NEWS_CALM_ENTRIES)
		note_change(&x->calm, now->mono_ms);
	else if (news == NEWS_DOUBT)
		doubt(e, x, now->mono_ms);
}

struct export_task {
	struct task task;
	enum publish_how how;
	int64_t had;     /* what the map held before */
	int64_t version; /* out: what it now holds */
	size_t entries;
};

static bool
work(struct task *task, void *context)
{
	struct export_task *t = (struct export_task *)task;

	(void)context;
	return task->world->publish(
	    task->config, task->postfix, t->how, &t->version, &t->entries, &task->err);
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	const struct export_task *t = (const struct export_task *)task;
	struct export *x = (struct export *)base;

	if (!task->done || (t->how == PUBLISH_CHANGES && t->version == t->had))
		return;
	if (t->how == PUBLISH_ANEW)
		x->doubted = false;
	log_info("map=%s version=%" PRId64 " entries=%zu", e->config->map.file,
	    t->version, t->entries);
	if (e->map.is_read_here)
		e->map.exported = t->version;
	e->map.published = t->version;
	engine_count(e, METRIC_EXPORTS, NULL, 1);
	x->due_ms = x->again_ms;
	x->again_ms = 0;
	if (e->map.version <= e->map.published)
		x->calm.count = x->late.count = 0;
	else if (due_ms(e, x) == DUE_NEVER)
		x->due_ms = now->mono_ms + e->config->map.settle_ms;
	if (x->doubted && x->due_ms == 0)
		x->due_ms = now->mono_ms + e->config->map.settle_ms;
	engine_tell(e, NEWS_MAP);
}

static const struct task_kind export_kind = {
    .size = sizeof(struct export_task), .work = work, .take = take};

/*
 * What a malformed database has lost is taken from the map's text: until it was checked,
 * changes are made in the map alone, and its text stays.
 */
static bool
may_export(const struct engine *e, const struct export *x)
{
	return !e->health.is_malformed &&
	    (!e->health.unchecked ||
	        (e->map.version > e->map.published && e->map.version != x->tried));
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct export *x = (const struct export *)base;

	int64_t at_ms = due_ms(e, x);

	(void)now;
	if (at_ms == DUE_NEVER)
		return (struct due){DUE_NEVER, false};
	return (struct due){
	    base->tasks > 0 || !may_export(e, x) ? DUE_NEVER : at_ms, true};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct export_task *t = engine_task(e, base, &export_kind);
	struct export *x = (struct export *)base;

	begin_map(x, now->mono_ms);
	t->had = e->map.published;
	t->how = x->doubted ? PUBLISH_ANEW : PUBLISH_LACKING;
	if (e->health.unchecked) {
		t->how = PUBLISH_CHANGES;
		x->tried = e->map.version;
	}
	engine_submit(e, &t->task);
}

const struct duty duty_export = {
    .name = "export",
    .what = "export the map",
    .needs = DUTY_APPLIES,
    .opens_store = true,
    .stuck = ENGINE_STUCK_MAP,
    .state_size = sizeof(struct export),
    .open = open_export,
    .hear = hear,
    .due = due,
    .start = start,
};
