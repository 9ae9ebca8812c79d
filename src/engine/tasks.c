/* SPDX-License-Identifier: BSD-2-Clause */
/* What workers do for duties, and what comes of it. */
#include <stdlib.h>

#include "base/mem.h"
#include "engine/engine_impl.h"

void
engine_failed(struct engine *e, struct backoff *backoff, const char *what,
    const struct err *err, bool alerted)
{
	struct buf line = {0};

	if (!backoff_report(backoff, what, err, !e->driver.once, e->world->mono_ms()) ||
	    !alerted)
		return;
	buf_printf(&line, "cannot %s: %s", what, err->text);
	engine_alert(e, buf_text(&line));
	buf_clear(&line);
}

static void
work(struct job *job, void *context)
{
	struct task *task = (struct task *)job;

	task->done = task->kind->work(task, context);
}

void *
engine_task(struct engine *e, struct duty_state *base, const struct task_kind *kind)
{
	struct task *task = mem_new(1, kind->size);

	task->job.work = work;
	task->kind = kind;
	task->base = base;
	task->world = e->world;
	task->config = e->config;
	task->postfix = base->node != NULL ? &base->node->postfix : &e->nodes.here;
	return task;
}

void
engine_submit(struct engine *e, struct task *task)
{
	task->next = e->tasks;
	e->tasks = task;
	task->base->tasks++;
	e->world->submit(e->workers[task->kind->pool], &task->job);
}

void
engine_drop(struct task *task)
{
	if (task == NULL)
		return;
	if (task->kind->release != NULL)
		task->kind->release(task);
	free(task);
}

static void
forget_task(struct engine *e, const struct task *task)
{
	struct task **link = &e->tasks;

	while (*link != task)
		link = &(*link)->next;
	*link = task->next;
}

/* "retry mail", with "on NODE" behind it where it has a name. */
static void
print_what(const struct duty_state *base, struct buf *out)
{
	buf_printf(out, "%s", base->duty->what != NULL ? base->duty->what : "");
	if (base->node != NULL && base->node->name[0] != '\0')
		buf_printf(out, " on %s", base->node->name);
}

void
engine_take_tasks(struct engine *e, struct workers *workers)
{
	struct job *job;

	while ((job = e->world->done(workers)) != NULL) {
		struct task *task = (struct task *)job;
		struct duty_state *base = task->base;
		struct moment now = engine_now(e);
		struct buf what = {0};

		forget_task(e, task);
		base->tasks--;
		print_what(base, &what);
		if (task->done)
			backoff_over(&base->backoff, buf_text(&what));
		else
			engine_failed(e, &base->backoff, buf_text(&what), &task->err,
			    !base->duty->is_unalerted);
		buf_clear(&what);
		if (!task->done && base->duty->opens_store)
			engine_tell(e, NEWS_FAILED);
		if (task->kind->take != NULL)
			task->kind->take(e, base, task, &now);
		engine_drop(task);
	}
}
