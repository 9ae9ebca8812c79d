/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/engine_impl.h"
#include "sys/clock.h"

#define RETRY_MAX      1000 /* messages of one retry */
#define FLUSH_OVER     50   /* more of one destination: one flush for all */
#define FLUSH_EVERY_MS SPAN_MINUTE_MS

/* What was being retried when a process ended, or could not be, is due. */
bool
engine_give_back(struct engine *e, int64_t not_before_ms, struct err *err)
{
	if (store_begin(e->store, err) &&
	    store_waiting_give_back(e->store, not_before_ms, err) &&
	    store_commit(e->store, err))
		return true;
	store_rollback(e->store);
	return false;
}

static bool
mark_taken(struct engine *e, const struct chore *chore, struct err *err)
{
	if (!store_begin(e->store, err))
		return false;
	if ((chore->flush ? store_waiting_take_all(
	                        e->store, e->map_exported, clock_wall_ms(), err)
	                  : store_waiting_take(
	                        e->store, chore->waiting, chore->waiting_count, err)) &&
	    store_commit(e->store, err))
		return true;
	store_rollback(e->store);
	return false;
}

static bool
mark_done(struct engine *e, const struct chore *chore, struct err *err)
{
	int64_t now_ms = clock_wall_ms();

	if (!store_begin(e->store, err))
		return false;
	if ((chore->flush ? store_waiting_done_all(e->store, now_ms, err)
	                  : store_waiting_done(e->store, chore->waiting,
	                        chore->waiting_count, now_ms, err)) &&
	    store_commit(e->store, err))
		return true;
	store_rollback(e->store);
	return false;
}

void
engine_take_retry(struct engine *e, struct chore *chore, int64_t mono_ms)
{
	struct err err;

	e->retry_look = true;
	if (chore->done) {
		trouble_over(&e->retrying, "retry mail");
		if (!mark_done(e, chore, &err))
			engine_trouble(
			    e, &e->storing, "store what was retried", &err, mono_ms);
		return;
	}
	engine_trouble(e, &e->retrying, "retry mail", &chore->err, mono_ms);
	if (!engine_give_back(e, clock_wall_ms() + e->retrying.wait_ms, &err))
		engine_trouble(e, &e->storing, "store what was retried", &err, mono_ms);
}

/* More messages of one destination than are worth naming? */
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

/* No flush for now: whom it is not for need not wait for it, unless that is a crowd. */
static bool
find_few(struct engine *e, struct chore *chore, int64_t now_ms, int64_t mono_ms,
    struct err *err)
{
	e->retry_ms = now_ms + FLUSH_EVERY_MS - (mono_ms - e->flushed_ms);
	e->again_ms = 0;
	chore->flush = false;
	if (!store_waiting_due_few(e->store, e->map_exported, now_ms, FLUSH_OVER,
	        chore->waiting, RETRY_MAX, &chore->waiting_count, err))
		return false;
	if (chore->waiting_count == RETRY_MAX)
		chore->waiting_count = 0;
	return true;
}

/* What is to be retried now, and how. */
static bool
find_due(struct engine *e, struct chore *chore, int64_t now_ms, int64_t mono_ms,
    struct err *err)
{
	if (!store_waiting_due(e->store, e->map_exported, now_ms, chore->waiting,
	        RETRY_MAX, &chore->waiting_count, &e->retry_ms, &e->again_ms, err))
		return false;
	chore->flush = wants_flush(chore->waiting, chore->waiting_count);
	if (chore->flush && e->flushed_ms != 0 &&
	    mono_ms - e->flushed_ms < FLUSH_EVERY_MS)
		return find_few(e, chore, now_ms, mono_ms, err);
	return true;
}

void
engine_try_retry(struct engine *e, int64_t mono_ms)
{
	int64_t now_ms = clock_wall_ms();
	struct chore *chore;
	struct err err;

	if ((e->retry_ms != 0 && now_ms >= e->retry_ms) ||
	    (e->again_ms != 0 && now_ms >= e->again_ms))
		e->retry_look = true;
	if (!e->config->postfix.retry || e->mode != ENGINE_APPLY) {
		e->retry_look = false;
		return;
	}
	if (!e->retry_look || e->running[CHORE_RETRY] ||
	    trouble_waits(&e->retrying, mono_ms))
		return;
	chore = chore_new(CHORE_RETRY, e->config, &e->postfix);
	chore->waiting = mem_new(RETRY_MAX, sizeof(*chore->waiting));
	if (!find_due(e, chore, now_ms, mono_ms, &err)) {
		engine_trouble(e, &e->storing, "find mail to retry", &err, mono_ms);
		chore_free(chore);
		return;
	}
	e->retry_look = false;
	if (chore->waiting_count == 0) {
		chore_free(chore);
		return;
	}
	if (!mark_taken(e, chore, &err)) {
		engine_trouble(e, &e->storing, "store what is retried", &err, mono_ms);
		e->retry_look = true;
		chore_free(chore);
		return;
	}
	if (chore->flush)
		e->flushed_ms = mono_ms;
	e->running[CHORE_RETRY] = true;
	workers_submit(e->chores, &chore->job);
}
