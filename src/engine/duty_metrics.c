/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine counts, and the file that node_exporter reads. Counts are kept here and
 * stored each minute and at the end, so that counting costs nothing; a daemon that is
 * killed loses the last of them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/engine_impl.h"
#include "engine/metrics.h"
#include "sys/file.h"
#include "sys/log.h"

#define EVERY_MS SPAN_MINUTE_MS

struct count {
	const char *word;
	const char *what; /* NULL: it has but one */
	int64_t number;
};

struct metrics {
	struct duty_state base;
	struct count *counts;
	size_t count;
	int64_t due_ms; /* monotonic */
};

void
engine_count(struct engine *e, const char *word, const char *what, int64_t number)
{
	struct metrics *m = engine_state(e, &duty_metrics);

	if (e->driver.mode != ENGINE_APPLY)
		return;
	for (size_t i = 0; i < m->count; i++) {
		struct count *c = &m->counts[i];

		/* Both are constants: mostly the same pointers. */
		if (c->word == word && c->what == what) {
			c->number += number;
			return;
		}
	}
	m->counts = mem_array(m->counts, m->count + 1, sizeof(*m->counts));
	m->counts[m->count++] = (struct count){word, what, number};
}

void
engine_count_decision(struct engine *e, const struct judged *judged)
{
	if (judged->changed)
		engine_count(e, METRIC_DECISIONS, why_slug(judged->decision.why), 1);
}

void
engine_count_answers(struct engine *e, const struct measure_job *job)
{
	for (unsigned i = 0; i < job->count; i++)
		if (!job->items[i].left && !job->items[i].late)
			engine_count(e, METRIC_DNS,
			    dane_state_name(job->items[i].answers.dane.state), 1);
}

static bool
store_count(struct store *store, const struct count *c, struct err *err)
{
	struct buf name = {0};
	bool done;

	buf_printf(&name, c->what != NULL ? "%s:%s" : "%s", c->word, c->what);
	done = store_counter_add(store, buf_text(&name), c->number, err);
	buf_clear(&name);
	return done;
}

static bool
store_counts(struct engine *e, struct metrics *m, struct err *err)
{
	if (m->count == 0)
		return true;
	if (!store_begin(e->store, err))
		return false;
	for (size_t i = 0; i < m->count; i++)
		if (!store_count(e->store, &m->counts[i], err))
			return false;
	if (!store_commit(e->store, err))
		return false;
	m->count = 0;
	return true;
}

/* --- the file ---------------------------------------------------------------------- */

struct metrics_task {
	struct task task;
	struct buf text;
};

static bool
work(struct task *task, void *context)
{
	const struct metrics_task *t = (const struct metrics_task *)task;

	(void)context;
	return file_write_over(task->config->metrics.textfile,
	    (struct str){buf_text(&t->text), t->text.len}, &task->err);
}

static void
release(struct task *task)
{
	buf_clear(&((struct metrics_task *)task)->text);
}

static const struct task_kind metrics_kind = {
    .size = sizeof(struct metrics_task), .work = work, .release = release};

/* --- the duty ---------------------------------------------------------------------- */

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct metrics *m = (const struct metrics *)base;

	bool has_work = m->count > 0 || e->config->metrics.textfile[0] != '\0';

	(void)now;
	/* No command waits for it. */
	return (struct due){.at_ms = has_work && base->tasks == 0 && !e->driver.once
	        ? m->due_ms
	        : DUE_NEVER};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct metrics *m = (struct metrics *)base;
	struct metrics_task *t;
	struct err err;

	m->due_ms = now->mono_ms + EVERY_MS;
	if (!store_counts(e, m, &err)) {
		engine_not_stored(e, "store what was counted", &err);
		return;
	}
	if (e->config->metrics.textfile[0] == '\0')
		return;
	t = engine_task(e, base, &metrics_kind);
	if (metrics_print(e->store, e->config, e->rules, &t->text, &err)) {
		engine_submit(e, &t->task);
		return;
	}
	engine_not_stored(e, "read what was counted", &err);
	engine_drop(&t->task);
}

static void
finish(struct engine *e, struct duty_state *base)
{
	struct err err;

	if (!store_counts(e, (struct metrics *)base, &err))
		store_rollback(e->store);
}

static void
close_metrics(struct duty_state *base)
{
	free(((struct metrics *)base)->counts);
}

const struct duty duty_metrics = {
    .name = "metrics",
    .what = "write the metrics",
    .needs = DUTY_APPLIES | DUTY_STORES,
    .state_size = sizeof(struct metrics),
    .due = due,
    .start = start,
    .finish = finish,
    .close = close_metrics,
};
