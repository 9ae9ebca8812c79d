/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/alert_group.h"
#include "engine/alerts.h"
#include "engine/engine_impl.h"
#include "engine/told.h"
#include "store/store_outbox.h"
#include "sys/log.h"

#define GROUP_MS (20 * SPAN_SECOND_MS) /* alerts of so long are mailed together */
#define BUSY_MS  10000                 /* of the database, in the worker */
/* Mails within MANY_MS; what comes then is mailed each LONG_MS. */
#define MANY_MAX 12
#define MANY_MS  SPAN_HOUR_MS
#define LONG_MS  (10 * SPAN_MINUTE_MS)
/* One cause: after QUICK_MAX mails the next LONG_MS later, then in twice that, up to
 * SAME_MS, until there was none for OVER_MS. */
#define QUICK_MAX   3
#define SAME_MS     SPAN_HOUR_MS
#define OVER_MS     (2 * SPAN_HOUR_MS)
#define RECENT_MAX  32
#define RECENT_SIZE 64

/* A cause that was mailed. */
struct recent {
	char name[RECENT_SIZE]; /* cut */
	int64_t last_ms;        /* monotonic; 0: none */
	unsigned times;
};

struct alerts {
	struct duty_state base;
	struct told_table told;
	struct alert_group group;
	struct recent recent[RECENT_MAX];
	int64_t
	    mailing_ms;  /* monotonic: when what is new is mailed, if that is to come */
	int64_t writer;  /* of the outbox */
	int64_t last_id; /* there, of the group's last line */
	bool taken;      /* what a process before left there */
	int64_t sent_id; /* there, the last that was sent and is still there; 0: none */
	int64_t tidy_ms; /* monotonic: not before what failed there is tried again */
	int64_t sent_ms[MANY_MAX]; /* monotonic: when the last mails were made; 0: none */
	size_t oldest;             /* of them */
};

static struct told *
told(struct engine *e, const struct destination *d, enum why why)
{
	struct alerts *a = engine_state(e, &duty_alerts);

	return told_of(&a->told, d->id, why);
}

/* As of now. False: it was before, and that could not be stored. */
static bool
tell_anew(struct engine *e, const struct destination *d, enum why why, enum told_for what)
{
	struct alerts *a = engine_state(e, &duty_alerts);

	return told_anew(&a->told, told(e, d, why), what, engine_now(e).mono_ms);
}

void
engine_alerts_stored(struct engine *e, bool stored)
{
	told_ended(&((struct alerts *)engine_state(e, &duty_alerts))->told, stored);
}

static bool
was_told_since(struct engine *e, const struct told *told, int64_t wall_ms)
{
	struct moment now = engine_now(e);

	return told_since(told, now.mono_ms - (now.wall_ms - wall_ms));
}

/* Since mail flowed last. What waited when the entry changed waits on. */
static int64_t
waits_since(const struct destination *d)
{
	int64_t since_ms = d->alarm.first_attempt_ms, entry_ms = d->entry.since_ms;

	if (entry_ms < since_ms && since_ms - entry_ms < SPAN_DAY_MS)
		since_ms = entry_ms;
	return d->past.sent_ms >= since_ms ? d->past.sent_ms + 1 : since_ms;
}

bool
engine_was_alerted_waiting(struct engine *e, const struct destination *d, enum why why)
{
	return d->alarm.raised && was_told_since(e, told(e, d, why), waits_since(d));
}

bool
engine_is_to_alert(
    struct engine *e, const struct destination *d, const struct judged *judged)
{
	enum why why = judged->decision.why;
	const struct told *last = told(e, d, why);
	int64_t now_ms = engine_now(e).mono_ms;

	if (!judged->tell)
		return false;
	if (last->unstored[TOLD_CAUSE] != 0)
		return true;
	/* By a policy it changes as often as its owner, a stranger, has it change. */
	if (judged->map_changed)
		return why != WHY_POLICY || !told_today(last, TOLD_MAX, now_ms);
	return !engine_was_alerted_waiting(e, d, why) &&
	    !told_today(last, TOLD_MAX, now_ms) &&
	    (!told_today(last, 1, now_ms) ||
	        (destination_fails(d) && !was_told_since(e, last, d->past.sent_ms + 1)));
}

static struct recent *
recent_of(struct alerts *a, const char *name)
{
	struct recent *oldest = a->recent;

	for (size_t i = 0; i < RECENT_MAX; i++) {
		if (a->recent[i].last_ms != 0 &&
		    strncmp(a->recent[i].name, name, RECENT_SIZE - 1) == 0)
			return &a->recent[i];
		if (a->recent[i].last_ms < oldest->last_ms)
			oldest = &a->recent[i];
	}
	*oldest = (struct recent){0};
	str_copy((struct str){name, strnlen(name, RECENT_SIZE - 1)}, oldest->name,
	    RECENT_SIZE);
	return oldest;
}

/* When what is new now is mailed, together. Trouble that goes on making news, or somebody
 * who writes it into the log, is no reason to fill a mailbox. */
static int64_t
next_mailing(struct alerts *a, int64_t now_ms)
{
	int64_t oldest_ms = a->sent_ms[a->oldest];
	bool many = oldest_ms != 0 && now_ms - oldest_ms < MANY_MS;

	if (a->mailing_ms <= now_ms)
		a->mailing_ms = now_ms + (many ? LONG_MS : GROUP_MS);
	return a->mailing_ms;
}

static int64_t
begin_cause(struct alerts *a, const char *name, int64_t now_ms)
{
	struct recent *r = recent_of(a, name);
	bool daily = alert_group_is_daily(name);

	if (r->last_ms != 0 && now_ms - r->last_ms > (daily ? SPAN_DAY_MS : OVER_MS))
		r->times = 0;
	if (daily && r->times > 0)
		r->last_ms += SPAN_DAY_MS;
	else if (r->times < QUICK_MAX)
		r->last_ms = next_mailing(a, now_ms);
	else if (r->times < QUICK_MAX + 3)
		r->last_ms = now_ms + (LONG_MS << (r->times - QUICK_MAX));
	else
		r->last_ms = now_ms + SAME_MS;
	r->times++;
	return r->last_ms;
}

/* always: mail goes in cleartext there, which waits for no more than LONG_MS. */
static struct alert_cause *
add_to_group(struct engine *e, const char *line, bool always, struct buf *kept)
{
	struct alerts *a = engine_state(e, &duty_alerts);
	int64_t now_ms = engine_now(e).mono_ms;
	struct alert_cause *cause = alert_group_add(&a->group, line, always, kept);

	if (cause->count == 1)
		cause->due_ms = begin_cause(a, cause->name, now_ms);
	if (always && cause->due_ms > now_ms + LONG_MS)
		cause->due_ms = now_ms + LONG_MS;
	return cause;
}

/* Into the mail of its cause. always: as it may not be crowded out by names that somebody
 * made up. */
static void
mail_line(struct engine *e, const char *line, bool always)
{
	struct alerts *a = engine_state(e, &duty_alerts);
	struct alert_cause *cause;
	struct buf kept = {0};
	struct err ignored;

	if (e->driver.mode != ENGINE_APPLY || engine_mail_ways(e->config) == 0)
		return;
	cause = add_to_group(e, line, always, &kept);
	/* With the decision, where it is one: killed before the mail, the next process
	 * sends it. What cannot be stored is mailed all the same. */
	if (kept.len > 0 && e->store != NULL &&
	    store_outbox_add(
	        e->store, a->writer, buf_text(&kept), &a->last_id, &ignored) &&
	    cause->first_id == 0)
		cause->first_id = a->last_id;
	buf_clear(&kept);
}

void
engine_alert_policy(struct engine *e, const char *line, bool soon)
{
	struct alerts *a = engine_state(e, &duty_alerts);
	int64_t latest_ms = engine_now(e).mono_ms + SAME_MS;

	engine_alert(e, line);
	for (size_t i = 0; soon && i < a->group.count; i++)
		if (alert_group_is_daily(a->group.causes[i].name) &&
		    a->group.causes[i].due_ms > latest_ms)
			a->group.causes[i].due_ms = latest_ms;
}

void
engine_alert(struct engine *e, const char *line)
{
	log_warning("alert: %s", line);
	mail_line(e, line, false);
}

/* The why of d; since_ms: since when its mail waits, 0: it need not. */
static void
alert_why(struct engine *e, const struct destination *d, enum why why, int64_t since_ms,
    bool bounces, bool cleartext)
{
	struct buf line = {0};

	if (e->driver.mode != ENGINE_APPLY) /* it is only shown, and its why with it */
		return;
	engine_describe_alert(e, d, why, since_ms, bounces, &line);
	log_warning("alert: %s", buf_text(&line));
	mail_line(e, buf_text(&line), cleartext);
	buf_clear(&line);
}

void
engine_alert_decision(
    struct engine *e, const struct destination *d, const struct judged *judged)
{
	const struct decision *decision = &judged->decision;
	bool waits = decision->action == ACTION_KEEP || decision->action == ACTION_HOLD;

	if (tell_anew(e, d, decision->why, TOLD_CAUSE))
		alert_why(e, d, decision->why, 0, waits && !decision->retry,
		    decision->action == ACTION_SET &&
		        level_promise(decision->entry.level) == LEVEL_MAY);
}

void
engine_alert_wait(
    struct engine *e, const struct destination *d, int64_t since_ms, bool soon)
{
	if (tell_anew(e, d, d->why, soon ? TOLD_BOUNCES : TOLD_CAUSE))
		alert_why(e, d, d->why, since_ms, true, false);
}

void
engine_find_lost(const struct engine *e, struct buf *lines)
{
	for (const struct fold_item *i = fold_first(e->fold); i != NULL; i = i->next) {
		if (i->lost == 0)
			continue;
		buf_printf(lines, "%s: mail was bounced", i->key);
		if (i->lost > 1)
			buf_printf(lines, " (%u messages)", i->lost);
		buf_printf(lines, "; Postfix said: ");
		buf_add_quoted(lines, str_of(i->lost_reason));
		buf_add_char(lines, '\n');
	}
}

void
engine_alert_lost(struct engine *e, const struct buf *lines)
{
	struct str rest = {lines->data, lines->len}, line;
	struct buf text = {0};

	if (e->driver.mode != ENGINE_APPLY)
		return; /* of an old log, for example: no one can act on that */
	while (str_cut(&rest, '\n', &line)) {
		buf_reset(&text);
		buf_add_str(&text, line);
		if (engine_tells(e))
			engine_alert(e, buf_text(&text));
		else
			log_info("%s", buf_text(&text));
	}
	buf_clear(&text);
}

/* --- the mail ---------------------------------------------------------------------- */

/* The mails of a group. */
struct mail_task {
	struct task task;
	int64_t writer; /* of the outbox; 0: it is noted there by take() alone */
	int64_t last_id;
	unsigned taken; /* which ways took one of them */
	size_t count;
	struct alert_mail mails[ALERT_MAILS_MAX];
};

/* At once: who takes the task may come too late, as the next way may hang until the
 * daemon is ended, and then the next process would mail it again. */
static void
note_sent(struct task *task)
{
	const struct mail_task *m = (const struct mail_task *)task;
	struct store *store;
	struct err err;

	if (m->writer == 0 || m->last_id == 0)
		return;
	store = store_open(task->config->state, BUSY_MS, &err);
	if (store == NULL || !store_outbox_sent(store, m->writer, m->last_id, &err))
		log_debug("alerts may be mailed once more: %s", err.text);
	store_close(store);
}

static bool
work(struct task *task, void *context)
{
	struct mail_task *m = (struct mail_task *)task;

	(void)context;
	return engine_mail_alerts(task, m->mails, m->count, &m->taken, note_sent);
}

static void
release(struct task *task)
{
	struct mail_task *m = (struct mail_task *)task;

	for (size_t i = 0; i < m->count; i++) {
		free(m->mails[i].subject);
		free(m->mails[i].text);
	}
}

/* What a process before left there. */
struct left {
	struct buf lines;
	int64_t first_id, last_id;
};

static void
add_left(void *context, int64_t id, const char *line)
{
	struct left *left = context;

	buf_printf(&left->lines, "%s\n", line);
	if (left->first_id == 0)
		left->first_id = id;
	left->last_id = id;
}

static void
mail_left(struct engine *e, struct alerts *a, const struct left *left)
{
	struct str rest = {left->lines.data, left->lines.len}, line;
	struct buf text = {0}, kept = {0};

	while (str_cut(&rest, '\n', &line)) {
		buf_reset(&text);
		buf_add_str(&text, line);
		buf_reset(&kept);
		add_to_group(e, buf_text(&text), true, &kept)->first_id = left->first_id;
	}
	if (left->last_id > a->last_id)
		a->last_id = left->last_id;
	buf_clear(&text);
	buf_clear(&kept);
}

/* A command that runs beside the daemon takes nothing of it. */
static bool
is_to_take(const struct engine *e, const struct alerts *a)
{
	return !a->taken && !e->driver.once && e->driver.mode == ENGINE_APPLY &&
	    engine_mail_ways(e->config) != 0;
}

static bool
is_to_tidy(const struct engine *e, const struct alerts *a)
{
	return e->store != NULL && (a->sent_id != 0 || is_to_take(e, a));
}

/* What was sent is forgotten, and what others left is taken: else it is mailed once more.
 * Where the database cannot it is tried again. */
static void
tidy(struct engine *e, struct alerts *a)
{
	int64_t mono_ms = engine_now(e).mono_ms;
	struct left left = {0};
	struct err err = {{0}};

	if (!is_to_tidy(e, a) || mono_ms < a->tidy_ms)
		return;
	if (a->sent_id != 0 && store_outbox_sent(e->store, a->writer, a->sent_id, &err))
		a->sent_id = 0;
	if (is_to_take(e, a) &&
	    store_outbox_take(e->store, a->writer, add_left, &left, &err)) {
		a->taken = true;
		mail_left(e, a, &left);
	}
	buf_clear(&left.lines);
	if (!is_to_tidy(e, a))
		return;
	log_debug("alerts may be mailed once more: %s", err.text);
	a->tidy_ms = mono_ms + SPAN_MINUTE_MS;
}

static void
forget_sent(struct engine *e, struct alerts *a, const struct mail_task *m)
{
	if (m->last_id > a->sent_id)
		a->sent_id = m->last_id;
	tidy(e, a);
}

/* All that is in the outbox is mailed, as a process before would have left it: this one
 * is another from now on. */
static void
mail_again(struct engine *e, struct alerts *a)
{
	if (e->store == NULL || e->driver.once)
		return;
	alert_group_clear(&a->group);
	a->writer++;
	a->last_id = a->sent_id = 0;
	a->taken = false;
	a->tidy_ms = 0;
	tidy(e, a);
}

/* What one way took is not sent again, by which that one would have it twice. */
static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	const struct mail_task *m = (const struct mail_task *)task;

	(void)now;
	if (task->done || m->taken != 0)
		forget_sent(e, (struct alerts *)base, m);
	else
		mail_again(e, (struct alerts *)base);
}

static const struct task_kind mail_kind = {
    .size = sizeof(struct mail_task), .work = work, .take = take, .release = release};

static void
count_waiting(void *context, enum level level, enum why why, int64_t count)
{
	(void)level;
	(void)why;
	*(int64_t *)context += count;
}

static void
add_mail(void *context, const char *subject, const char *text)
{
	struct mail_task *m = context;

	m->mails[m->count].subject = mem_strdup(subject);
	m->mails[m->count].text = mem_strdup(text);
	m->count++;
}

/* Up to which line of the outbox all are mailed, once these are. */
static int64_t
mailed_up_to(struct alerts *a)
{
	int64_t id = a->last_id;

	for (size_t i = 0; i < a->group.count; i++)
		if (a->group.causes[i].first_id != 0 && a->group.causes[i].first_id <= id)
			id = a->group.causes[i].first_id - 1;
	if (a->group.count == 0)
		a->last_id = 0;
	return id;
}

/* Of the causes that are due at due_ms. */
static struct task *
make_mails(struct engine *e, struct alerts *a, int64_t due_ms)
{
	struct mail_task *m = engine_task(e, &a->base, &mail_kind);
	int64_t waiting = 0;
	struct err ignored;

	if (e->store != NULL &&
	    !store_each_waiting_count(e->store, count_waiting, &waiting, &ignored))
		waiting = 0;
	alert_group_end(&a->group, due_ms, waiting, add_mail, m);
	for (size_t i = 0; i < m->count; i++) {
		a->sent_ms[a->oldest] = engine_now(e).mono_ms;
		a->oldest = (a->oldest + 1) % MANY_MAX;
	}
	m->last_id = mailed_up_to(a);
	m->writer = e->store != NULL ? a->writer : 0;
	return &m->task;
}

static bool
open_alerts(struct engine *e, struct duty_state *base, struct err *err)
{
	(void)err;
	((struct alerts *)base)->writer = engine_now(e).wall_ms;
	return true;
}

static void
notice(struct engine *e, struct duty_state *base, const struct moment *now)
{
	(void)now;
	tidy(e, (struct alerts *)base);
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct alerts *a = (const struct alerts *)base;
	int64_t at_ms = base->tasks > 0 ? DUE_NEVER : alert_group_due(&a->group);

	(void)now;
	if (is_to_tidy(e, a) && a->tidy_ms < at_ms)
		at_ms = a->tidy_ms;
	return (struct due){.at_ms = at_ms};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct alerts *a = (struct alerts *)base;

	/* Else it is to tidy up, for which a turn is enough. */
	if (base->tasks == 0 && alert_group_due(&a->group) <= now->mono_ms)
		engine_submit(e, make_mails(e, a, now->mono_ms));
}

/* The engine ends, so what is left is sent now. */
static void
finish(struct engine *e, struct duty_state *base)
{
	struct alerts *a = (struct alerts *)base;
	struct task *task;

	if (a->group.count == 0)
		return;
	task = make_mails(e, a, INT64_MAX);
	((struct mail_task *)task)->writer =
	    0; /* nobody knows whether there is a state */
	if (!work(task, NULL))
		log_error("cannot mail the administrator: %s", task->err.text);
	if (((struct mail_task *)task)->taken != 0)
		forget_sent(e, a, (struct mail_task *)task);
	engine_drop(task);
}

static void
close_alerts(struct duty_state *base)
{
	struct alerts *a = (struct alerts *)base;

	alert_group_clear(&a->group);
}

const struct duty duty_alerts = {
    .name = "alerts",
    .what = "mail the administrator",
    .needs = DUTY_APPLIES,
    .is_unalerted = true, /* it would be one more mail that cannot be sent */
    .state_size = sizeof(struct alerts),
    .open = open_alerts,
    .notice = notice,
    .due = due,
    .start = start,
    .finish = finish,
    .close = close_alerts,
};
