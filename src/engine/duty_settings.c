/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Postfix's settings, read when a duty needs fresh ones. The tasks of such duties borrow
 * from them, so they are not replaced while such a task runs.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/engine_impl.h"
#include "engine/nodes.h"
#include "sys/log.h"

#define LOOK_MS SPAN_MINUTE_MS /* so often Postfix's files are looked at */

/* Whoever can write a line can say that Postfix was reloaded: the first one is believed
 * at once, each of more that follow only when twice the time has passed. */
#define HEED_MS     SPAN_SECOND_MS
#define HEED_MAX_MS (10 * SPAN_MINUTE_MS)

struct settings {
	struct duty_state base;
	uint64_t mark;     /* of the files that they were read from */
	int64_t looked_ms; /* monotonic: when these were looked at last */
	unsigned starts;   /* fold_starts(), as far as they were heeded */
	int64_t heeded_ms; /* monotonic: when they were last */
	int64_t heed_ms;   /* not again within that time; 0: never yet */
};

struct settings_task {
	struct task task;
	struct postfix_settings settings; /* out */
	uint64_t mark;                    /* before they were read */
	unsigned stale;                   /* reasons to read them, by then */
};

/* --- are they what Postfix works by? ----------------------------------------------- */

void
engine_doubt_settings(struct engine *e)
{
	for (unsigned i = 0; i < e->nodes.count; i++)
		e->nodes.items[i].known.stale++;
}

static void
look_at_files(struct engine *e, struct settings *s, int64_t mono_ms)
{
	struct engine_node *node = s->base.node;
	uint64_t mark;

	s->looked_ms = mono_ms;
	if (node->known.read_ms == 0 || s->base.tasks > 0)
		return;
	mark = e->world->files_mark(&node->postfix, &node->known.settings);
	if (mark == s->mark)
		return;
	s->mark = mark;
	node->known.stale++;
}

bool
engine_settings_stand(struct engine *e)
{
	bool stand = true;

	for (unsigned i = 0; i < e->nodes.count; i++) {
		look_at_files(e, engine_state_of(e, &duty_settings, &e->nodes.items[i]),
		    engine_now(e).mono_ms);
		stand = stand && e->nodes.items[i].known.stale == 0;
	}
	return stand;
}

static unsigned
starts(const struct engine *e, const struct settings *s)
{
	fold_select(e->fold, s->base.node->at);
	return fold_starts(e->fold);
}

/* When the log's lines that Postfix was started or reloaded are heeded. */
static int64_t
heeds_ms(const struct engine *e, const struct settings *s)
{
	return starts(e, s) == s->starts ? DUE_NEVER : s->heeded_ms + s->heed_ms;
}

static void
heed_starts(struct engine *e, struct settings *s, int64_t mono_ms)
{
	bool calm = s->heed_ms == 0 || mono_ms - s->heeded_ms > 4 * s->heed_ms;

	s->starts = starts(e, s);
	s->heeded_ms = mono_ms;
	if (calm)
		s->heed_ms = HEED_MS;
	else if (s->heed_ms < HEED_MAX_MS) {
		s->heed_ms *= 2;
		if (s->heed_ms >= HEED_MAX_MS) {
			s->heed_ms = HEED_MAX_MS;
			engine_alert(e,
			    "the log says again and again that Postfix was reloaded; its "
			    "settings are read every ten minutes then. Who writes these "
			    "lines?");
		}
	}
	s->base.node->known.stale++;
}

static void
notice(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct settings *s = (struct settings *)base;

	if (heeds_ms(e, s) <= now->mono_ms)
		heed_starts(e, s, now->mono_ms);
	if (now->mono_ms - s->looked_ms >= LOOK_MS)
		look_at_files(e, s, now->mono_ms);
}

/* --- what was decided under others ------------------------------------------------- */

static bool
store_sum(struct engine *e, int64_t sum, int64_t known, int64_t now_ms, struct err *err)
{
	return store_begin(e->store, err) &&
	    store_counter_set(e->store, POSTFIX_SETTINGS_COUNTER, sum, err) &&
	    (known == 0 || store_look_at_all(e->store, now_ms, err)) &&
	    store_commit(e->store, err);
}

/* Other settings than the decisions rest on: they are made again. */
static void
judge_again(struct engine *e, const struct moment *now)
{
	int64_t sum, known = 0;
	struct err err;

	if (e->driver.mode != ENGINE_APPLY || e->judge.settings == NULL ||
	    !engine_know_nodes(e))
		return;
	sum = engine_nodes_sum(e);
	if (!store_counter_get(e->store, POSTFIX_SETTINGS_COUNTER, &known, &err)) {
		engine_not_stored(e, "read what settings there were", &err);
		return;
	}
	if (known == sum)
		return;
	if (!store_sum(e, sum, known, now->wall_ms, &err)) {
		engine_not_stored(e, "store Postfix's settings", &err);
		return;
	}
	engine_stored(e, "store Postfix's settings");
	if (known == 0)
		return;
	log_info("Postfix has other settings: what was decided is judged again");
	engine_tell(e, NEWS_EVIDENCE);
}

/* For those who ask what the daemon goes by. */
static void
note_settings(struct engine *e, const struct moment *now)
{
	struct buf nodes = {0};
	struct err err;

	if (e->driver.mode != ENGINE_APPLY)
		return;
	if (e->config->nodes.count > 0)
		engine_print_nodes(e, &nodes);
	if (!(store_begin(e->store, &err) &&
	        (e->judge.settings == NULL ||
	            (store_blob_put(e->store, STORE_DEFAULT_LEVEL,
	                 str_of(level_name(e->judge.default_level)), &err) &&
	                store_counter_set(e->store, STORE_QUEUE_LIFETIME,
	                    engine_queue_lifetime_ms(e), &err) &&
	                store_counter_set(
	                    e->store, STORE_SETTINGS_READ, now->wall_ms, &err))) &&
	        (nodes.len == 0 ||
	            store_blob_put(e->store, STORE_NODES,
	                (struct str){nodes.data, nodes.len}, &err)) &&
	        store_commit(e->store, &err)))
		engine_not_stored(e, "store Postfix's settings", &err);
	buf_clear(&nodes);
}

/* --- reading them ------------------------------------------------------------------ */

static bool
work(struct task *task, void *context)
{
	struct settings_task *t = (struct settings_task *)task;

	(void)context;
	return task->world->read_settings(task->postfix, &t->settings, &task->err);
}

/* Which target is in force where it is published. */
static void
note_read_here(struct engine *e, bool map_is_read, size_t first)
{
	struct buf name = {0}, was = {0};
	struct err err;

	if (e->driver.mode != ENGINE_APPLY)
		return;
	if (e->known->guard.named != 0 && !map_is_read)
		publisher_print_name(&e->config->publish.items[first], &name);
	else
		buf_printf(&name, "%s", STORE_MAP);
	if (!store_read_here(e->store, &was, &err) ||
	    (strcmp(buf_text(&was), buf_text(&name)) != 0 &&
	        (!store_read_here_put(e->store, buf_text(&name), &err) ||
	            !engine_read_versions(e, &err))))
		engine_not_stored(e, "store where entries are in force", &err);
	buf_clear(&name);
	buf_clear(&was);
}

static void
take_maps(struct engine *e, struct engine_node *node)
{
	struct known_postfix *known = &node->known;
	size_t first = 0;
	bool ours = engine_take_maps(e, known, &first);

	if (postfix_has_authorities(&known->settings))
		known->told_unverified = false;
	if (e->known == known)
		note_read_here(e, ours, first);
}

/* Nothing is decided without an answer of some node. A scan goes on, to show that. */
static void
take_none(struct engine *e, struct engine_node *node)
{
	if (e->nodes.count == 1)
		engine_retire_settings(e, &node->known);
	if (e->driver.mode == ENGINE_APPLY)
		node->known.read_ms = 0;
	engine_note_node(e, node, false);
	engine_ask_nodes(e);
	if (e->config->nodes.count > 0) {
		struct moment now = engine_now(e);

		note_settings(e, &now);
		judge_again(e, &now);
	}
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	struct settings *s = (struct settings *)base;
	struct settings_task *t = (struct settings_task *)task;
	struct engine_node *node = base->node;

	node->known.read_ms = now->mono_ms;
	node->known.stale -= t->stale;
	if (task->done) {
		engine_retire_settings(e, &node->known);
		node->known.reads++;
		node->known.settings = t->settings;
		t->settings = (struct postfix_settings){0};
		/* At first nobody knew where they are. */
		s->mark = t->mark != 0
		    ? t->mark
		    : e->world->files_mark(&node->postfix, &node->known.settings);
		s->looked_ms = now->mono_ms;
		engine_note_node(e, node, true);
		take_maps(e, node);
		engine_ask_nodes(e);
		note_settings(e, now);
		engine_keep_nodes(e);
		judge_again(e, now);
	} else {
		take_none(e, node);
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
	struct due due = {DUE_NEVER, base->node->known.stale > 0};

	if (base->tasks == 0)
		/* notice() heeds a line then */
		due.at_ms = engine_settings_are_wanted(e, base->node, now)
		    ? now->mono_ms
		    : heeds_ms(e, (const struct settings *)base);
	return due;
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct settings_task *t = engine_task(e, base, &settings_kind);

	(void)now;
	engine_free_retired(e);
	t->stale = base->node->known.stale;
	if (base->node->known.read_ms != 0)
		t->mark = e->world->files_mark(
		    &base->node->postfix, &base->node->known.settings);
	engine_submit(e, &t->task);
}

bool
engine_asks_settings(struct engine *e)
{
	for (unsigned i = 0; i < e->nodes.count; i++)
		if (((const struct duty_state *)engine_state_of(
		         e, &duty_settings, &e->nodes.items[i]))
		        ->tasks > 0)
			return true;
	return false;
}

const struct duty duty_settings = {
    .name = "settings",
    .what = "ask postconf",
    .is_of_node = true,
    .stuck = ENGINE_STUCK,
    .state_size = sizeof(struct settings),
    .notice = notice,
    .due = due,
    .start = start,
};
