/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is the database whole? Checked once a day, after it failed, and at the start where it
 * is too large to be checked before. One that is malformed will not heal by itself:
 * whoever drives the engine sees engine_malformed() and ends it.
 */
#include <sys/stat.h>

#include "base/span.h"
#include "engine/engine_impl.h"
#include "store/store_check.h"
#include "sys/log.h"

#define CHECK_EVERY_MS  (25 * SPAN_HOUR_MS) /* not at the same hour for ever */
#define HEAD_EVERY_MS   SPAN_SECOND_MS
#define FAILED_EVERY_MS (10 * SPAN_MINUTE_MS) /* a full disk fails for long */

struct health {
	struct duty_state base;
	int64_t due_ms;     /* monotonic */
	int64_t head_ms;    /* monotonic: when its first bytes were last read */
	int64_t checked_ms; /* monotonic: when a check last began; 0: never */
};

static bool
open_health(struct engine *e, struct duty_state *base, struct err *err)
{
	struct health *h = (struct health *)base;
	int64_t mono_ms = engine_now(e).mono_ms;

	(void)err;
	e->health.unchecked =
	    e->driver.mode == ENGINE_APPLY && engine_is_checked_late(e->config);
	h->due_ms = e->health.unchecked ? mono_ms : mono_ms + CHECK_EVERY_MS;
	return true;
}

static void
hear(struct engine *e, struct duty_state *base, enum news news, const struct moment *now)
{
	struct health *h = (struct health *)base;

	if (news == NEWS_FAILED &&
	    (h->checked_ms == 0 || now->mono_ms - h->checked_ms >= FAILED_EVERY_MS ||
	        store_met_damage(e->store)) &&
	    now->mono_ms < h->due_ms)
		h->due_ms = now->mono_ms;
}

/* What other processes meet at once, and this one might not for days. */
static void
notice(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct health *h = (struct health *)base;

	if (e->driver.mode != ENGINE_APPLY || now->mono_ms - h->head_ms < HEAD_EVERY_MS)
		return;
	h->head_ms = now->mono_ms;
	if (!store_has_head(e->store) && now->mono_ms < h->due_ms)
		h->due_ms = now->mono_ms;
}

struct check_task {
	struct task task;
	enum answer whole;
	struct err why;
};

static bool
work(struct task *task, void *context)
{
	struct check_task *t = (struct check_task *)task;

	(void)context;
	t->whole = task->world->check(task->config->state, &t->why);
	return true;
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	const struct check_task *t = (const struct check_task *)task;
	struct health *h = (struct health *)base;

	h->due_ms = now->mono_ms + CHECK_EVERY_MS;
	if (t->whole == ANSWER_UNSURE)
		log_warning("cannot check the database: %s", t->why.text);
	if (t->whole == ANSWER_NO) {
		e->health.is_malformed = true;
		e->health.how = t->why;
	} else {
		e->health.unchecked = false;
	}
}

static const struct task_kind check_kind = {
    .size = sizeof(struct check_task), .work = work, .take = take};

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct health *h = (const struct health *)base;

	(void)now;
	return (struct due){
	    .at_ms = base->tasks > 0 || e->health.is_malformed ? DUE_NEVER : h->due_ms};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct check_task *t = engine_task(e, base, &check_kind);

	((struct health *)base)->checked_ms = now->mono_ms;
	engine_submit(e, &t->task);
}

const struct duty duty_health = {
    .name = "health",
    .needs = DUTY_APPLIES,
    .state_size = sizeof(struct health),
    .open = open_health,
    .notice = notice,
    .hear = hear,
    .due = due,
    .start = start,
};
