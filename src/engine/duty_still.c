/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A log that stands still while mail is deferred: of several tlsladders with one table
 * the one that leads would decide nothing any more, and keep its lease. So where no line
 * came for a while the queue is listed: a deferred message that came later had lines.
 * Then that is told, and the lease is left to one whose log goes on (duty_lead.c).
 */
#include "base/buf.h"
#include "base/span.h"
#include "base/utc.h"
#include "engine/engine_impl.h"
#include "publish/lead.h"
#include "sys/log.h"

#define STILL_MS SPAN_MINUTE_MS /* no line for so long; and as far apart are clocks */
#define LOOK_MS  (5 * SPAN_MINUTE_MS) /* how often, while none comes */

struct still {
	struct duty_state base;
	bool shared;
	bool stands;    /* mail is deferred of which no line came */
	int64_t due_ms; /* monotonic */
};

static bool
open_still(struct engine *e, struct duty_state *base, struct err *err)
{
	struct still *s = (struct still *)base;

	(void)err;
	s->shared = e->driver.mode == ENGINE_APPLY && lead_is_shared(e->config);
	s->due_ms = engine_now(e).mono_ms + LOOK_MS;
	return true;
}

static void
hear(struct engine *e, struct duty_state *base, enum news news, const struct moment *now)
{
	struct still *s = (struct still *)base;

	(void)e;
	if (news != NEWS_LOG)
		return;
	s->due_ms = now->mono_ms + LOOK_MS;
	if (s->stands)
		log_info("the log goes on");
	s->stands = false;
}

bool
engine_log_stands(struct engine *e)
{
	bool stands = false;

	for (unsigned i = 0; i < e->nodes.count; i++)
		stands = stands ||
		    ((const struct still *)engine_state_of(
		         e, &duty_still, &e->nodes.items[i]))
		        ->stands;
	return stands;
}

struct still_task {
	struct task task;
	int64_t began_ms, took_ms; /* monotonic; out */
	int64_t came_s;            /* out: the deferred message that came last; 0: none */
	struct queue_refused refused;
};

static void
note_mail(void *context, const struct queued *queued)
{
	struct still_task *t = context;

	if (queued->delay_reason[0] != '\0' && queued->arrival_s > t->came_s)
		t->came_s = queued->arrival_s;
}

static bool
work(struct task *task, void *context)
{
	struct still_task *t = (struct still_task *)task;
	bool done;

	(void)context;
	t->began_ms = task->world->mono_ms();
	done =
	    task->world->read_queue(task->postfix, note_mail, t, &t->refused, &task->err);
	t->took_ms = task->world->mono_ms() - t->began_ms;
	return done;
}

static void
tell(struct engine *e, int64_t read_ms, int64_t came_ms)
{
	char last[UTC_SIZE] = "", came[UTC_SIZE] = "";
	struct buf line = {0};

	utc_print(read_ms / SPAN_SECOND_MS, last);
	utc_print(came_ms / SPAN_SECOND_MS, came);
	buf_printf(&line,
	    "the log stands still: no line of it came since %s, and mail that came at %s "
	    "is "
	    "deferred; the lease of the table is left to another tlsladder",
	    last, came);
	engine_alert(e, buf_text(&line));
	buf_clear(&line);
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	const struct still_task *t = (const struct still_task *)task;
	int64_t read_ms = 0, came_ms = t->came_s * SPAN_SECOND_MS;
	struct err ignored;

	engine_note_listing(e, base->node, t->began_ms, t->took_ms, task->done);
	((struct still *)base)->due_ms = now->mono_ms + LOOK_MS;
	if (!task->done || engine_log_stands(e) ||
	    !store_counter_get(e->store, STORE_LOG_READ, &read_ms, &ignored) ||
	    read_ms == 0 || came_ms <= read_ms + STILL_MS ||
	    now->wall_ms - came_ms < STILL_MS)
		return;
	((struct still *)base)->stands = true;
	tell(e, read_ms, came_ms);
}

static const struct task_kind still_kind = {
    .size = sizeof(struct still_task), .work = work, .take = take};

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct still *s = (const struct still *)base;
	int64_t next_ms = engine_next_listing_ms(e, base->node);

	(void)now;
	if (!s->shared || e->driver.once || engine_is_listing(e, base->node) ||
	    base->tasks > 0)
		return (struct due){.at_ms = DUE_NEVER};
	return (struct due){.at_ms = s->due_ms > next_ms ? s->due_ms : next_ms};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct still_task *t = engine_task(e, base, &still_kind);

	(void)now;
	engine_submit(e, &t->task);
}

const struct duty duty_still = {
    .name = "still",
    .what = "list the queue, as the log stands still",
    .is_of_node = true,
    .needs = DUTY_APPLIES,
    .state_size = sizeof(struct still),
    .open = open_still,
    .hear = hear,
    .due = due,
    .start = start,
};
