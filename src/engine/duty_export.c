/* SPDX-License-Identifier: BSD-2-Clause */
/* The map in force: exported when entries changed, and at the start. */
#include <inttypes.h>

#include "base/span.h"
#include "engine/engine_impl.h"
#include "sys/log.h"

/* Ten thousand entries may change by one policy, one after the other: a map is not made
 * for each few of them while no mail waits for it. */
#define CALM_MS (10 * SPAN_SECOND_MS)

struct export
{
	struct duty_state base;
	int64_t due_ms;     /* monotonic: when the map is due; 0: it is in place */
	int64_t calm_ms;    /* monotonic: not before that, where no mail waits for it */
	bool hurries;       /* mail does, or did, since the last one was begun */
	bool doubted;       /* the next one is built anew */
	int64_t tried;      /* the version of the last one that made changes alone */
	int64_t doubted_ms; /* monotonic: when Postfix last doubted it; 0: never */
};

/* Before the first export there is no map, and Postfix defers all mail without it. */
static bool
open_export(struct engine *e, struct duty_state *base, struct err *err)
{
	struct export *x = (struct export *)base;
	int64_t version;

	if (!store_map_versions(e->store, &e->map_version, &e->map_exported, err))
		return false;
	if (e->map_version == 0) {
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

/* When it is due, if it is: changes within settle_ms are collected in one map. */
static int64_t
settled_ms(const struct engine *e, const struct export *x, int64_t mono_ms)
{
	int64_t at_ms = mono_ms + e->config->map.settle_ms;

	return x->hurries || x->calm_ms < at_ms ? at_ms : x->calm_ms;
}

static void
settle(const struct engine *e, struct export *x, int64_t mono_ms)
{
	int64_t at_ms = settled_ms(e, x, mono_ms);

	if (x->due_ms == 0 || at_ms < x->due_ms)
		x->due_ms = at_ms;
}

/* Postfix cannot read a map, perhaps ours: it is gone, or was changed by hand. Write it
 * anew, at most once a minute. */
static void
doubt(const struct engine *e, struct export *x, int64_t mono_ms)
{
	if (x->doubted_ms != 0 && mono_ms - x->doubted_ms < SPAN_MINUTE_MS)
		return;
	x->doubted_ms = mono_ms;
	x->doubted = x->hurries = true;
	settle(e, x, mono_ms);
}

static void
hear(struct engine *e, struct duty_state *base, enum news news, const struct moment *now)
{
	struct export *x = (struct export *)base;

	x->hurries = x->hurries || news == NEWS_ENTRIES;
	if (news == NEWS_ENTRIES || news == NEWS_CALM_ENTRIES)
		settle(e, x, now->mono_ms);
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
	e->map_exported = t->version;
	x->calm_ms = now->mono_ms + CALM_MS;
	x->due_ms = e->map_version > e->map_exported || x->doubted
	    ? settled_ms(e, x, now->mono_ms)
	    : 0;
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
	return !e->is_malformed &&
	    (!e->unchecked ||
	        (e->map_version > e->map_exported && e->map_version != x->tried));
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct export *x = (const struct export *)base;

	(void)now;
	if (x->due_ms == 0)
		return (struct due){DUE_NEVER, false};
	return (struct due){
	    base->tasks > 0 || !may_export(e, x) ? DUE_NEVER : x->due_ms, true};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct export_task *t = engine_task(e, base, &export_kind);
	struct export *x = (struct export *)base;

	(void)now;
	x->hurries = false;
	t->had = e->map_exported;
	t->how = x->doubted ? PUBLISH_ANEW : PUBLISH_LACKING;
	if (e->unchecked) {
		t->how = PUBLISH_CHANGES;
		x->tried = e->map_version;
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
