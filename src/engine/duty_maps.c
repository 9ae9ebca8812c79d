/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guard 5, once a day: does another map answer by now for a key that has an entry? Of all
 * of them, though no mail is sent there and nothing else is to be asked: a postmap a map
 * and a thousand keys. Whoever is found is judged anew.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "engine/engine_impl.h"
#include "engine/nodes.h"
#include "sys/log.h"

#define SLICE    1000
#define FIRST_MS SPAN_HOUR_MS /* after the start */
#define EVERY_MS SPAN_DAY_MS
#define PAUSE_MS SPAN_SECOND_MS /* between slices */

struct maps {
	struct duty_state base;
	int64_t due_ms;               /* monotonic */
	char after[NEXTHOP_KEY_SIZE]; /* the last key of the slice before; "": none */
};

struct maps_task {
	struct task task;
	struct measure_settings settings;
	char (*keys)[NEXTHOP_KEY_SIZE];
	enum answer *answers;
	size_t count;
};

static bool
open_maps(struct engine *e, struct duty_state *base, struct err *err)
{
	(void)err;
	((struct maps *)base)->due_ms = engine_now(e).mono_ms + FIRST_MS;
	return true;
}

static bool
work(struct task *task, void *context)
{
	struct maps_task *t = (struct maps_task *)task;
	const char **keys = mem_new(t->count, sizeof(*keys));
	struct err why = {.text = ""};

	(void)context;
	for (size_t i = 0; i < t->count; i++)
		keys[i] = t->keys[i];
	/* What could not be told is as it was; who is judged tells of it. */
	task->world->ask_maps(&t->settings, keys, t->count, t->answers, &why);
	free(keys);
	return true;
}

static bool
have_judged(struct engine *e, const char *key, int64_t now_ms, struct err *err)
{
	struct destination d;
	bool found, done = store_get(e->store, key, &d, &found, err);

	if (done && found && d.entry.level != LEVEL_NONE && !d.pin.set) {
		destination_recheck(&d, now_ms);
		done = store_put(e->store, &d, err);
	}
	destination_clear(&d);
	return done;
}

static bool
take_all(struct engine *e, const struct maps_task *t, int64_t now_ms, struct err *err)
{
	if (!store_begin(e->store, err))
		return false;
	for (size_t i = 0; i < t->count; i++)
		if (t->answers[i] == ANSWER_YES &&
		    !have_judged(e, t->keys[i], now_ms, err))
			return false;
	return store_commit(e->store, err);
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	struct maps *m = (struct maps *)base;
	const struct maps_task *t = (const struct maps_task *)task;
	struct err err;

	if (!take_all(e, t, now->wall_ms, &err))
		engine_not_stored(e, "store what other maps have", &err);
	else
		engine_tell(e, NEWS_EVIDENCE);
	if (t->count == SLICE) {
		memcpy(m->after, t->keys[SLICE - 1], sizeof(m->after));
		m->due_ms = now->mono_ms + PAUSE_MS;
	} else {
		m->after[0] = '\0';
		m->due_ms = now->mono_ms + EVERY_MS;
	}
}

static void
release(struct task *task)
{
	struct maps_task *t = (struct maps_task *)task;

	free(t->keys);
	free(t->answers);
}

static const struct task_kind maps_kind = {.size = sizeof(struct maps_task),
    .pool = POOL_HELPERS,
    .work = work,
    .take = take,
    .release = release};

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct measure_settings settings = engine_measure_settings(e);

	(void)now;
	return (struct due){.at_ms = base->tasks == 0 && measure_has_maps(&settings)
	        ? ((const struct maps *)base)->due_ms
	        : DUE_NEVER};
}

static bool
add_key(void *context, const struct entry *entry)
{
	struct maps_task *t = context;

	if (str_copy(str_of(entry->key), t->keys[t->count], sizeof(*t->keys)))
		t->count++;
	return t->count < SLICE;
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct maps *m = (struct maps *)base;
	struct maps_task *t = engine_task(e, base, &maps_kind);
	struct err err;

	t->settings = engine_measure_settings(e);
	t->keys = mem_new(SLICE, sizeof(*t->keys));
	t->answers = mem_new(SLICE, sizeof(*t->answers));
	m->due_ms = now->mono_ms + EVERY_MS;
	if (!store_each_entry_after(e->store, m->after, add_key, t, &err)) {
		engine_not_stored(e, "read the entries", &err);
		t->count = 0;
	}
	m->after[0] = '\0';
	if (t->count > 0)
		engine_submit(e, &t->task);
	else
		engine_drop(&t->task);
}

const struct duty duty_maps = {
    .name = "maps",
    .what = "ask the other policy maps",
    .needs = DUTY_APPLIES | DUTY_STORES | DUTY_SETTINGS | DUTY_LEADS,
    .state_size = sizeof(struct maps),
    .open = open_maps,
    .due = due,
    .start = start,
};
