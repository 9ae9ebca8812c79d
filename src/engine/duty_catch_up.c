/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work that targets left for later when they were published to. They are re-checked once
 * a minute until nothing is left; this also detects a database that was rebuilt by hand
 * from the old text.
 */
#include "base/span.h"
#include "engine/engine_impl.h"

#define EVERY_MS SPAN_MINUTE_MS

struct catch_up {
	struct duty_state base;
	int64_t due_ms; /* monotonic; 0: nothing is left */
};

/* If the database cannot be read, the state stays as it was. */
static void
find_lag(struct engine *e, struct catch_up *c, const struct moment *now)
{
	struct err ignored;
	bool lag;

	if (e->driver.mode != ENGINE_APPLY ||
	    !e->world->lags(e->config, e->store, &lag, &ignored))
		return;
	if (!lag)
		c->due_ms = 0;
	else if (c->due_ms == 0)
		c->due_ms = now->mono_ms + EVERY_MS;
}

static void
hear(struct engine *e, struct duty_state *base, enum news news, const struct moment *now)
{
	if (news == NEWS_MAP)
		find_lag(e, (struct catch_up *)base, now);
}

static bool
work(struct task *task, void *context)
{
	(void)context;
	return task->world->catch_up(task->config, task->postfix, &task->err);
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	struct catch_up *c = (struct catch_up *)base;

	(void)task;
	c->due_ms = 0;
	find_lag(e, c, now);
}

static const struct task_kind catch_up_kind = {
    .size = sizeof(struct task), .work = work, .take = take};

/* No command waits for it: the map is in force. */
static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct catch_up *c = (const struct catch_up *)base;

	(void)now;
	return (struct due){
	    .at_ms = c->due_ms == 0 || base->tasks > 0 || e->health.unchecked
	        ? DUE_NEVER
	        : c->due_ms};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	(void)now;
	engine_submit(e, engine_task(e, base, &catch_up_kind));
}

const struct duty duty_catch_up = {
    .name = "catch_up",
    .what = "bring the map up to date",
    .needs = DUTY_APPLIES | DUTY_LEADS,
    .opens_store = true,
    .state_size = sizeof(struct catch_up),
    .hear = hear,
    .due = due,
    .start = start,
};
