/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Of several tlsladders with one table one leads, the others stand by (publish/lead.h).
 * Nobody is known to lead before the database said so, nor once the lease may be over by
 * our own clock: a process that was stopped finds that out before it does anything else.
 */
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "engine/engine_impl.h"
#include "publish/lead.h"
#include "sys/child.h"
#include "sys/log.h"

/* So long after its lease one that cannot store anything leaves it to others, who ask
 * for it more often. */
#define YIELD_MS (2 * LEAD_STAND_MS)
#define LASTS    7 /* tries that failed, the last some 50 s after the first */
/* Nobody knows for so long who leads that whoever did so may be gone. */
#define ORPHANED_MS (10 * SPAN_MINUTE_MS)
/* Where the log stands still the lease is left to others: so long after it ended, and
 * again so much later, if nobody took it. */
#define LEFT_MS  (5 * LEAD_STAND_MS)
#define LEAVE_MS (10 * SPAN_MINUTE_MS)

struct leading {
	struct duty_state base;
	int stop_fd;       /* of child_stopper(); 0: none */
	int64_t due_ms;    /* monotonic: when the lease is asked for */
	int64_t until_ms;  /* monotonic: so long whose it is is known */
	int64_t unsure_ms; /* monotonic: since when it is not known whose */
	int64_t left_ms;   /* monotonic: when the lease was left last; 0: never */
	bool led;          /* we did, as far as was known last */
	char holder[ROWS_HOLDER_MAX + 1]; /* whose it is; "": ours, or not known */
};

static bool
open_leading(struct engine *e, struct duty_state *base, struct err *err)
{
	struct leading *l = (struct leading *)base;

	base->backoff.most_ms = LEAD_RENEW_MS;
	base->backoff.lasts = LASTS;
	e->leads = ANSWER_YES;
	if (e->driver.mode != ENGINE_APPLY || !lead_is_shared(e->config))
		return true;
	e->leads = ANSWER_UNSURE;
	l->unsure_ms = engine_now(e).mono_ms;
	l->stop_fd = child_stopper(err);
	return l->stop_fd >= 0;
}

static void
finish_leading(struct engine *e, struct duty_state *base)
{
	const struct leading *l = (const struct leading *)base;

	(void)e;
	if (l->stop_fd > 0)
		child_stop(l->stop_fd);
}

static void
close_leading(struct duty_state *base)
{
	const struct leading *l = (const struct leading *)base;

	if (l->stop_fd > 0)
		close(l->stop_fd);
}

static void
set_leads(struct engine *e, struct leading *l, enum answer leads)
{
	if (e->leads == leads)
		return;
	e->leads = leads;
	if (leads == ANSWER_UNSURE)
		l->unsure_ms = engine_now(e).mono_ms;
	else
		l->led = leads == ANSWER_YES;
	if (leads != ANSWER_YES)
		return;
	engine_tell(e, NEWS_LEADS);
	engine_tell(e, NEWS_EVIDENCE);
	engine_tell(e, NEWS_ENTRIES);
	engine_tell(e, NEWS_MAIL);
}

bool
engine_tells(const struct engine *e)
{
	const struct leading *l = engine_state(e, &duty_lead);

	if (e->leads != ANSWER_UNSURE || e->driver.once)
		return e->leads == ANSWER_YES || e->driver.once;
	return l->led || engine_now(e).mono_ms - l->unsure_ms >= ORPHANED_MS;
}

/* Who decides nothing as its log stands still does not keep others from it. */
static bool
leaves(struct engine *e, const struct leading *l, int64_t mono_ms)
{
	return engine_log_stands(e) && l->left_ms != 0 &&
	    mono_ms - l->left_ms < LEAD_S * SPAN_SECOND_MS + LEFT_MS;
}

static void
notice(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct leading *l = (struct leading *)base;

	if (e->leads == ANSWER_UNSURE || l->stop_fd == 0 || now->mono_ms < l->until_ms)
		return;
	if (e->leads == ANSWER_YES)
		log_warning("the lease of the table may be another's: nothing is decided "
		            "before it is renewed");
	set_leads(e, l, ANSWER_UNSURE);
	l->due_ms = leaves(e, l, now->mono_ms) ? now->mono_ms + LEFT_MS : now->mono_ms;
}

struct lead_task {
	struct task task;
	int stop_fd;
	int64_t begun_ms; /* monotonic */
	int64_t now_ms;   /* wall */
	struct lead lead;
};

static bool
work(struct task *task, void *context)
{
	struct lead_task *t = (struct lead_task *)task;

	(void)context;
	return task->world->lead(
	    task->config, t->now_ms, t->stop_fd, &t->lead, &task->err);
}

static void
lead(struct engine *e, struct leading *l, const struct lead *lead)
{
	bool is_news = e->leads != ANSWER_YES;
	struct buf line = {0};
	struct err err;

	l->holder[0] = '\0';
	if (lead->holder[0] == '\0') {
		if (is_news)
			log_info("this tlsladder leads: it has the lease of the table");
		set_leads(e, l, ANSWER_YES);
		return;
	}
	buf_printf(&line,
	    "this tlsladder leads from now on, as %s did not renew its lease of the "
	    "table; "
	    "%zu entries are others than here",
	    lead->holder, lead->taken_over);
	engine_alert(e, buf_text(&line));
	buf_clear(&line);
	if (!engine_read_versions(e, &err))
		engine_not_stored(e, "read what is in force", &err);
	set_leads(e, l, ANSWER_YES);
}

static void
stand_by(struct engine *e, struct leading *l, const struct lead *lead)
{
	if (strcmp(l->holder, lead->holder) != 0)
		log_info("%s leads: this tlsladder follows the log, and decides nothing",
		    lead->holder);
	memcpy(l->holder, lead->holder, sizeof(l->holder));
	set_leads(e, l, ANSWER_NO);
	if (lead->is_shortened) {
		struct buf line = {0};

		buf_printf(&line,
		    "the lease of the table, which %s has, would have lasted for longer "
		    "than "
		    "%d s, and was shortened to that: the clock of the database was set "
		    "back",
		    lead->holder, LEAD_S);
		engine_alert(e, buf_text(&line));
		buf_clear(&line);
	}
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	struct leading *l = (struct leading *)base;
	const struct lead_task *done = (const struct lead_task *)task;

	l->due_ms = done->begun_ms + LEAD_RENEW_MS;
	if (!task->done)
		return;
	if (engine_log_stands(e) && e->leads == ANSWER_YES &&
	    (l->left_ms == 0 || now->mono_ms - l->left_ms >= LEAVE_MS)) {
		l->left_ms = now->mono_ms;
		l->due_ms = now->mono_ms + LEAD_S * SPAN_SECOND_MS + LEFT_MS;
	}
	if (done->lead.leads == ANSWER_NO) {
		l->due_ms = done->begun_ms + LEAD_STAND_MS;
		l->until_ms = done->begun_ms + LEAD_S * SPAN_SECOND_MS;
		stand_by(e, l, &done->lead);
		return;
	}
	l->until_ms = done->begun_ms + LEAD_S * SPAN_SECOND_MS;
	if (now->mono_ms < l->until_ms)
		lead(e, l, &done->lead);
}

static const struct task_kind lead_kind = {
    .size = sizeof(struct lead_task), .work = work, .take = take};

/* Who can store nothing decides nothing, and would keep the lease from one who can. */
static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct leading *l = (const struct leading *)base;
	struct due due = {.at_ms = l->due_ms};

	(void)now;
	if (e->storing.failing && l->until_ms != 0 && due.at_ms < l->until_ms + YIELD_MS)
		due.at_ms = l->until_ms + YIELD_MS;
	if (l->stop_fd == 0 || e->driver.once || base->tasks > 0 ||
	    e->health.is_malformed)
		due.at_ms = DUE_NEVER;
	return due;
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct leading *l = (struct leading *)base;
	struct lead_task *task = engine_task(e, base, &lead_kind);

	task->stop_fd = l->stop_fd;
	task->begun_ms = now->mono_ms;
	task->now_ms = now->wall_ms;
	engine_submit(e, &task->task);
}

const struct duty duty_lead = {
    .name = "lead",
    .what = "renew the lease of the table",
    .needs = DUTY_APPLIES,
    .opens_store = true,
    .is_cut_short = true,
    .state_size = sizeof(struct leading),
    .open = open_leading,
    .finish = finish_leading,
    .close = close_leading,
    .notice = notice,
    .due = due,
    .start = start,
};
