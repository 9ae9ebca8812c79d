/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mail of a day (core/digest.h), at four in the morning, UTC, or when the daemon runs
 * after that. Its worker writes into the database how far it came: before sendmail(1) is
 * run, that it is, and after, that the days are told. Ended between the two, nobody knows
 * whether it was mailed: then it is not mailed again that day, and the next one has these
 * days once more.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/digest.h"
#include "engine/alerts.h"
#include "engine/engine_impl.h"
#include "store/store_report.h"
#include "sys/log.h"

#define SOON_MS   (10 * SPAN_MINUTE_MS) /* after the start: the log is being caught up */
#define APART_MS  (12 * SPAN_HOUR_MS)   /* whatever the clock is set to */
#define RETRY_MS  (10 * SPAN_MINUTE_MS) /* at most, where sendmail(1) fails */
#define BUSY_MS   10000
#define WEEKS     30             /* days: none in cleartext before is news */
#define FROM_DAY  "digest-from"  /* the counters: the first day that is not told, */
#define TRIED_DAY "digest-tried" /* and on which day it is being mailed; 0: it is not */

struct digest_state {
	struct duty_state base;
	int64_t not_before_ms; /* monotonic */
	int64_t day;           /* it was done with last, or there was nothing to say */
	/* What did not take the mail of text_day yet, as engine_mail() has it. */
	unsigned left;
	int64_t text_day;
	char *subject;
	char *text;
};

struct digest_task {
	struct task task;
	int64_t now_ms;
	int64_t day;
	unsigned ways;   /* that are to take it */
	unsigned taken;  /* of them, those that did */
	bool is_nothing; /* there is nothing to say, or not today */
	char *subject;   /* NULL: it is to be made */
	char *text;
};

/* --- in the worker ----------------------------------------------------------------- */

struct gathered {
	struct digest *digest;
	int64_t lifetime_ms;
};

static void
add_change(void *context, const char *key, struct demand before, struct demand after,
    enum why why)
{
	digest_add_change(context, key, before, after, why);
}

static void
add_cleartext(void *context, const char *key, uint64_t count, bool is_new)
{
	digest_add_cleartext(context, key, count, is_new);
}

static void
add_wait(
    void *context, const char *key, enum why why, int64_t arrival_ms, int64_t failed_ms)
{
	struct gathered *g = context;

	digest_add_wait(g->digest, key, why, failed_ms != 0 ? failed_ms : arrival_ms,
	    store_bounces_ms(arrival_ms, g->lifetime_ms));
}

static bool
gather(struct store *store, struct digest *d, struct err *err)
{
	struct gathered g = {.digest = d};

	return store_begin_read(store, err) &&
	    store_counter_get(store, STORE_QUEUE_LIFETIME, &g.lifetime_ms, err) &&
	    store_each_net_change(store, d->first_day * SPAN_DAY_MS,
	        d->end_day * SPAN_DAY_MS, add_change, d, err) &&
	    store_each_standing_wait(store, add_wait, &g, err) &&
	    store_each_cleartext(store, d->first_day, d->end_day, d->first_day - WEEKS,
	        add_cleartext, d, err) &&
	    store_commit(store, err);
}

/* The days before this one are told, or there is nothing to tell of them. */
static bool
note_told(struct store *store, int64_t day, struct err *err)
{
	if (store_begin(store, err) && store_counter_set(store, FROM_DAY, day, err) &&
	    store_counter_set(store, TRIED_DAY, 0, err) && store_commit(store, err))
		return true;
	store_rollback(store);
	return false;
}

/* Its texts, where there is something to say. */
static bool
compose(struct digest_task *t, struct store *store, int64_t from, struct err *err)
{
	struct buf subject = {0}, text = {0};
	enum digest_says says;
	struct digest d;

	digest_begin(&d, from, t->day, t->now_ms);
	if (!gather(store, &d, err)) {
		store_rollback(store);
		digest_clear(&d);
		return false;
	}
	says = digest_says(&d);
	t->is_nothing = says != DIGEST_NEWS;
	if (says == DIGEST_NEWS) {
		digest_subject(&d, &subject);
		digest_text(&d, &text);
		t->subject = buf_take(&subject);
		t->text = buf_take(&text);
	}
	digest_clear(&d);
	return says != DIGEST_NOTHING || note_told(store, t->day, err);
}

static bool
prepare(struct digest_task *t, struct store *store, struct err *err)
{
	int64_t from = 0, tried = 0;

	if (t->subject != NULL)
		return true;
	if (!store_counter_get(store, FROM_DAY, &from, err) ||
	    !store_counter_get(store, TRIED_DAY, &tried, err))
		return false;
	t->is_nothing = true;
	if (from == 0 || from > t->day) /* the first one, or the clock was ahead */
		return note_told(store, t->day, err);
	if (from == t->day)
		return true;
	if (tried == t->day) {
		log_info("a digest was being mailed today when the daemon ended: the "
		         "next one has these days");
		return true;
	}
	return compose(t, store, from, err);
}

/* What counts is the mail, and the command where there is none. */
static unsigned
first_way(const struct config *config)
{
	unsigned ways = engine_mail_ways(config);

	return (ways & ENGINE_MAIL_TO) != 0 ? ENGINE_MAIL_TO : ways;
}

static bool
send(struct digest_task *t, struct store *store, struct err *err)
{
	unsigned first = first_way(t->task.config) & t->ways;
	struct err unnoted;

	if (first != 0 && !store_counter_set(store, TRIED_DAY, t->day, err))
		return false;
	t->taken = engine_mail(&t->task, t->ways, "digest", t->subject, t->text, err);
	if (first != 0 &&
	    !((t->taken & first) != 0 ? note_told(store, t->day, &unnoted)
	                              : store_counter_set(store, TRIED_DAY, 0, &unnoted)))
		log_error("cannot note whether the digest was mailed: %s", unnoted.text);
	return t->taken == t->ways;
}

static bool
work(struct task *task, void *context)
{
	struct digest_task *t = (struct digest_task *)task;
	struct store *store = store_open(task->config->state, BUSY_MS, &task->err);
	bool done;

	(void)context;
	if (store == NULL)
		return false;
	done = prepare(t, store, &task->err) &&
	    (t->is_nothing || send(t, store, &task->err));
	store_close(store);
	return done;
}

/* --- in the engine's thread -------------------------------------------------------- */

static void
forget_text(struct digest_state *s)
{
	free(s->subject);
	free(s->text);
	s->subject = s->text = NULL;
	s->left = 0;
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	struct digest_state *s = (struct digest_state *)base;
	struct digest_task *t = (struct digest_task *)task;

	(void)e;
	forget_text(s);
	if (task->done) {
		s->day = t->day;
		if (!t->is_nothing)
			s->not_before_ms = now->mono_ms + APART_MS;
		return;
	}
	if (t->subject == NULL)
		return;
	s->left = t->ways & ~t->taken;
	s->text_day = t->day;
	s->subject = t->subject;
	s->text = t->text;
	t->subject = t->text = NULL;
}

static void
release(struct task *task)
{
	struct digest_task *t = (struct digest_task *)task;

	free(t->subject);
	free(t->text);
}

static const struct task_kind digest_kind = {
    .size = sizeof(struct digest_task), .work = work, .take = take, .release = release};

static bool
open_digest(struct engine *e, struct duty_state *base, struct err *err)
{
	(void)err;
	base->backoff.most_ms = RETRY_MS;
	((struct digest_state *)base)->not_before_ms = engine_now(e).mono_ms + SOON_MS;
	return true;
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct digest_state *s = (const struct digest_state *)base;
	int64_t today = now->wall_ms / SPAN_DAY_MS, at_ms;

	if (base->tasks > 0 || e->driver.once || e->config->notify.no_digest ||
	    engine_mail_ways(e->config) == 0)
		return (struct due){.at_ms = DUE_NEVER};
	at_ms = engine_at_wall(
	    now, (s->day == today ? today + 1 : today) * SPAN_DAY_MS + DIGEST_AT_MS);
	return (struct due){.at_ms = at_ms > s->not_before_ms ? at_ms : s->not_before_ms};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct digest_state *s = (struct digest_state *)base;
	struct digest_task *t = engine_task(e, base, &digest_kind);

	t->now_ms = now->wall_ms;
	t->day = now->wall_ms / SPAN_DAY_MS;
	t->ways = engine_mail_ways(e->config);
	if (s->text != NULL && s->text_day == t->day) {
		t->ways &= s->left;
		t->subject = s->subject;
		t->text = s->text;
		s->subject = s->text = NULL;
	}
	engine_submit(e, &t->task);
}

static void
close_digest(struct duty_state *base)
{
	forget_text((struct digest_state *)base);
}

const struct duty duty_digest = {
    .name = "digest",
    .what = "mail the digest",
    .needs = DUTY_APPLIES | DUTY_STORES | DUTY_TELLS,
    .is_unalerted = true, /* it would be one more mail that cannot be sent */
    .state_size = sizeof(struct digest_state),
    .open = open_digest,
    .due = due,
    .start = start,
    .close = close_digest,
};
