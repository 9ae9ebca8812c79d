/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Postfix's settings, read when a duty needs fresh ones. The tasks of such duties borrow
 * from them, so they are not replaced while such a task runs.
 */
#include "base/mem.h"
#include "engine/engine_impl.h"

struct settings_task {
	struct task task;
	struct postfix_settings settings; /* out */
};

static bool
work(struct task *task, void *context)
{
	struct settings_task *t = (struct settings_task *)task;

	(void)context;
	return task->world->read_settings(task->postfix, &t->settings, &task->err);
}

static void
take_new(struct engine *e)
{
	bool ours;

	e->judge.settings = &e->settings;
	e->judge.default_level = e->config->postfix.default_level != LEVEL_UNKNOWN
	    ? e->config->postfix.default_level
	    : e->settings.level;
	e->judge.can_dane = e->settings.can_dane ? ANSWER_YES : ANSWER_NO;
	e->other_maps =
	    postfix_other_maps(e->settings.policy_maps, e->config->map.file, &ours);
	fold_set_quoted(e->fold, e->settings.quotes_addresses);
	fold_set_sessions(e->fold,
	    e->settings.tls_loglevel[0] >= '1' && e->settings.tls_loglevel[0] <= '9');
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	struct settings_task *t = (struct settings_task *)task;

	(void)base;
	postfix_settings_clear(&e->settings);
	postfix_maps_free(e->other_maps);
	e->other_maps = NULL;
	e->settings = t->settings;
	t->settings = (struct postfix_settings){0};
	e->settings_ms = now->mono_ms;
	if (task->done) {
		take_new(e);
	} else {
		e->judge.settings = NULL;
		e->judge.default_level = LEVEL_UNKNOWN;
		e->judge.can_dane = ANSWER_UNSURE;
		/* Nothing is decided without an answer. A scan goes on, to show
		 * that. */
		if (e->mode == ENGINE_APPLY)
			e->settings_ms = 0;
	}
	engine_tell(e, NEWS_SETTINGS);
}

static void
release(struct task *task)
{
	postfix_settings_clear(&((struct settings_task *)task)->settings);
}

static const struct task_kind settings_kind = {
    .size = sizeof(struct settings_task), .work = work, .take = take, .release = release};

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	bool wanted = base->tasks == 0 && engine_settings_are_wanted(e, now);

	return (struct due){.at_ms = wanted ? now->mono_ms : DUE_NEVER};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	(void)now;
	engine_submit(e, engine_task(e, base, &settings_kind));
}

bool
engine_asks_settings(struct engine *e)
{
	return ((const struct duty_state *)engine_state(e, &duty_settings))->tasks > 0;
}

const struct duty duty_settings = {
    .name = "settings",
    .what = "ask postconf",
    .stuck = ENGINE_STUCK,
    .state_size = sizeof(struct duty_state),
    .due = due,
    .start = start,
};
