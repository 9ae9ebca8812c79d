/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail that waits is retried once what was decided for it is in force, on the node that
 * has it: elsewhere `postqueue -i` of its id does nothing, and says nothing. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/engine_impl.h"
#include "engine/metrics.h"

#define RETRY_MAX      1000 /* messages of one retry */
#define FLUSH_OVER     50   /* more of one destination: one flush for all */
#define FLUSH_EVERY_MS SPAN_MINUTE_MS

struct retry {
	struct duty_state base;
	bool look;          /* there may be mail to retry */
	bool flush;         /* all of it, whatever was decided */
	int64_t due_ms;     /* wall: when a message is due; 0: none known */
	int64_t again_ms;   /* wall: when one that the log did not mention is retried */
	int64_t flushed_ms; /* monotonic; 0: never */
};

struct retry_task {
	struct task task;
	bool flush; /* postqueue -f instead of the ids */
	bool all;   /* as engine_flush() has it */
	struct waiting *waiting;
	size_t count;
};

static bool
is_on(const struct engine *e)
{
	return e->driver.mode == ENGINE_APPLY && e->config->postfix.retry;
}

/* Messages are due again whose retry failed or was cut short by the end of a process. */
static bool
give_back(struct engine *e, const struct engine_node *node, int64_t not_before_ms,
    struct err *err)
{
	if (store_begin(e->store, err) &&
	    store_waiting_give_back(e->store, node->id, not_before_ms, err) &&
	    store_commit(e->store, err))
		return true;
	store_rollback(e->store);
	return false;
}

static bool
open_retry(struct engine *e, struct duty_state *base, struct err *err)
{
	((struct retry *)base)->look = true;
	return give_back(e, base->node, 0, err);
}

void
engine_flush(struct engine *e)
{
	for (unsigned i = 0; i < e->nodes.count; i++) {
		struct retry *r = engine_state_of(e, &duty_retry, &e->nodes.items[i]);

		r->look = r->flush = true;
	}
}

static void
hear(struct engine *e, struct duty_state *base, enum news news, const struct moment *now)
{
	(void)e;
	(void)now;
	if (news == NEWS_MAIL || news == NEWS_MAP)
		((struct retry *)base)->look = true;
}

/* --- the task ---------------------------------------------------------------------- */

static bool
work(struct task *task, void *context)
{
	struct retry_task *t = (struct retry_task *)task;
	const char **ids;
	bool done;

	(void)context;
	if (t->flush)
		return task->world->flush(task->postfix, &task->err);
	ids = mem_new(t->count, sizeof(*ids));
	for (size_t i = 0; i < t->count; i++)
		ids[i] = store_id_at_node(t->waiting[i].queue_id);
	done = task->world->retry(task->postfix, ids, t->count, &task->err);
	free(ids);
	return done;
}

static bool
mark_taken(struct engine *e, const struct retry_task *t, int64_t now_ms, struct err *err)
{
	return store_begin(e->store, err) &&
	    (t->flush ? store_waiting_take_all(e->store, t->task.base->node->id,
	                    e->map.exported, now_ms, err)
	              : store_waiting_take(e->store, t->waiting, t->count, err)) &&
	    store_commit(e->store, err);
}

static bool
mark_done(struct engine *e, const struct retry_task *t, int64_t now_ms, struct err *err)
{
	return store_begin(e->store, err) &&
	    (t->flush
	            ? store_waiting_done_all(
	                  e->store, t->task.base->node->id, now_ms, err)
	            : store_waiting_done(e->store, t->waiting, t->count, now_ms, err)) &&
	    store_commit(e->store, err);
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	const struct retry_task *t = (const struct retry_task *)task;
	struct err err;

	((struct retry *)base)->look = true;
	if (!task->done && t->flush)
		((struct retry *)base)->flush = t->all;
	if (task->done)
		engine_count(e, t->flush ? METRIC_FLUSHES : METRIC_RETRIES, NULL,
		    t->flush ? 1 : (int64_t)t->count);
	if (task->done
	        ? mark_done(e, t, now->wall_ms, &err)
	        : give_back(e, base->node, now->wall_ms + base->backoff.wait_ms, &err))
		engine_stored(e, "store what was retried");
	else
		engine_not_stored(e, "store what was retried", &err);
}

static void
release(struct task *task)
{
	free(((struct retry_task *)task)->waiting);
}

static const struct task_kind retry_kind = {
    .size = sizeof(struct retry_task), .work = work, .take = take, .release = release};

/* --- what is due ------------------------------------------------------------------- */

/* Has one destination more messages than are retried by id? */
static bool
wants_flush(const struct waiting *waiting, size_t count)
{
	size_t run = 0;

	for (size_t i = 0; i < count; i++) {
		run = i > 0 && waiting[i].destination == waiting[i - 1].destination
		    ? run + 1
		    : 1;
		if (run > FLUSH_OVER)
			return true;
	}
	return count == RETRY_MAX;
}

/*
 * As many rows as are kept may be those of other nodes: of those that are to be retried
 * here, have destinations messages here that have none?
 */
static bool
stands_for_others(struct engine *e, const struct engine_node *node,
    const struct retry_task *t, bool *others, struct err *err)
{
	for (size_t i = 0; e->nodes.count > 1 && i < t->count && !*others; i++)
		if ((i == 0 ||
		        t->waiting[i].destination != t->waiting[i - 1].destination) &&
		    !store_waiting_has_others(
		        e->store, node->id, t->waiting[i].destination, others, err))
			return false;
	return true;
}

/*
 * No flush is allowed yet. Meanwhile the mail of destinations with few messages is
 * retried by id, unless there are too many.
 */
static bool
find_few(struct engine *e, struct retry *r, struct retry_task *t,
    const struct moment *now, struct err *err)
{
	r->due_ms = now->wall_ms + FLUSH_EVERY_MS - (now->mono_ms - r->flushed_ms);
	r->again_ms = 0;
	t->flush = t->all = false;
	if (!store_waiting_due_few(e->store, r->base.node->id, e->map.exported,
	        now->wall_ms, FLUSH_OVER, t->waiting, RETRY_MAX, &t->count, err))
		return false;
	if (t->count == RETRY_MAX)
		t->count = 0;
	return true;
}

/* Is there mail that is retried no more, and not known to be there? A listing tells. */
static bool
ask_given_up(struct engine *e, const struct engine_node *node, struct err *err)
{
	int64_t id;
	size_t count;

	if (!store_waiting_given_up(e->store, node->id, 0, &id, 1, &count, err))
		return false;
	if (count > 0)
		engine_ask_given_up(e, node);
	return true;
}

/* What is to be retried now, and how. */
static bool
find_due(struct engine *e, struct retry *r, struct retry_task *t,
    const struct moment *now, struct err *err)
{
	if (!store_waiting_due(e->store, r->base.node->id, e->map.exported, now->wall_ms,
	        t->waiting, RETRY_MAX, &t->count, &r->due_ms, &r->again_ms, err))
		return false;
	t->all = r->flush;
	t->flush = t->all || wants_flush(t->waiting, t->count);
	if (!t->flush && !stands_for_others(e, r->base.node, t, &t->flush, err))
		return false;
	if (t->flush && r->flushed_ms != 0 &&
	    now->mono_ms - r->flushed_ms < FLUSH_EVERY_MS)
		return find_few(e, r, t, now, err);
	return true;
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct retry *r = (const struct retry *)base;
	struct due due = {DUE_NEVER, false};
	int64_t wall_ms = r->due_ms;

	if (!is_on(e))
		return due;
	due.owed = r->look || r->due_ms != 0;
	if (base->tasks > 0)
		return due;
	if (wall_ms == 0 || (r->again_ms != 0 && r->again_ms < wall_ms))
		wall_ms = r->again_ms;
	if (r->look)
		due.at_ms = now->mono_ms;
	else if (wall_ms != 0)
		due.at_ms = engine_at_wall(now, wall_ms);
	return due;
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct retry *r = (struct retry *)base;
	struct retry_task *t = engine_task(e, base, &retry_kind);
	struct err err;

	t->waiting = mem_new(RETRY_MAX, sizeof(*t->waiting));
	r->look = true;
	if (!find_due(e, r, t, now, &err) ||
	    (t->count == 0 && !ask_given_up(e, base->node, &err))) {
		engine_not_stored(e, "find mail to retry", &err);
		engine_drop(&t->task);
		return;
	}
	if (t->count == 0 && !t->flush) {
		r->look = false;
		engine_drop(&t->task);
		return;
	}
	if (!mark_taken(e, t, now->wall_ms, &err)) {
		engine_not_stored(e, "store what is retried", &err);
		engine_drop(&t->task);
		return;
	}
	engine_stored(e, "store what is retried");
	r->look = false;
	r->flush = r->flush && !t->all;
	if (t->flush)
		r->flushed_ms = now->mono_ms;
	engine_submit(e, &t->task);
}

const struct duty duty_retry = {
    .name = "retry",
    .what = "retry mail",
    .is_of_node = true,
    .needs = DUTY_APPLIES | DUTY_STORES | DUTY_LEADS,
    .stuck = ENGINE_STUCK,
    .state_size = sizeof(struct retry),
    .open = open_retry,
    .hear = hear,
    .due = due,
    .start = start,
};
