/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "base/utc.h"
#include "engine/engine_impl.h"
#include "sys/log.h"

#define GROUP_MS (20 * SPAN_SECOND_MS) /* alerts of so long are one mail */
#define SAME_MAX 20                    /* more with one why are only counted */
#define BODY_MAX 100000

struct alerts {
	struct duty_state base;
	struct buf lines; /* of the group */
	size_t count;
	size_t of_why[WHY_COUNT]; /* of them, decisions by their why */
	size_t lost;              /* of them, destinations whose mail was bounced */
	int64_t due_ms; /* monotonic: the group ends and is sent; 0: there is none */
};

static void
add_line(struct engine *e, const char *line)
{
	struct alerts *a = engine_state(e, &duty_alerts);

	log_warning("alert: %s", line);
	if (e->mode == ENGINE_APPLY && e->config->notify.to[0] != '\0' &&
	    a->lines.len < BODY_MAX)
		buf_printf(&a->lines, "%s\n", line);
}

/* One more alert in the group, which begins with it if need be. */
static void
count_alert(struct engine *e)
{
	struct alerts *a = engine_state(e, &duty_alerts);

	if (e->mode != ENGINE_APPLY)
		return;
	if (a->due_ms == 0)
		a->due_ms = engine_now(e).mono_ms + GROUP_MS;
	a->count++;
}

void
engine_alert(struct engine *e, const char *line)
{
	count_alert(e);
	add_line(e, line);
}

/* Mail that waits on is sent back in the end: when? */
static void
add_bounce(struct engine *e, const struct destination *d, struct buf *line)
{
	char when[UTC_SIZE];
	int64_t bounces_ms;
	struct err err;

	if (!d->alarm.raised || d->alarm.lost)
		return;
	if (!store_waiting_bounces(
	        e->store, d->id, e->settings.queue_lifetime_ms, &bounces_ms, &err)) {
		engine_not_stored(e, "read what waits", &err);
		return;
	}
	if (bounces_ms != 0 && utc_print(bounces_ms / 1000, when))
		buf_printf(line, "; the first message bounces at %s", when);
}

/* The why of d; since_ms: since when its mail waits, 0: it need not. */
static void
alert_why(struct engine *e, const struct destination *d, enum why why, int64_t since_ms,
    bool bounces)
{
	struct alerts *a = engine_state(e, &duty_alerts);
	struct buf line = {0};
	int rule = rules_find(e->rules, d->alarm.rule);
	const char *hint = rule >= 0 ? rules_get(e->rules, (size_t)rule)->hint : NULL;
	char when[UTC_SIZE];

	if (e->mode != ENGINE_APPLY) /* it is only shown, and its why with it */
		return;
	count_alert(e);
	if (++a->of_why[why] > SAME_MAX)
		return;
	buf_printf(&line, "%s: %s: %s", d->key, why_slug(why), why_sentence(why));
	if (why == WHY_DNS_UNSURE) {
		struct str rest = str_of(d->dns.text), first;

		buf_printf(&line, "; ");
		buf_add_quoted(&line, str_cut(&rest, '\n', &first) ? first : rest);
	}
	if (d->alarm.raised && hint != NULL) {
		buf_printf(&line, "; ");
		buf_add_quoted(&line, str_of(hint));
	}
	if (since_ms != 0 && utc_print(since_ms / 1000, when))
		buf_printf(&line, "; mail waits since %s", when);
	if (bounces)
		add_bounce(e, d, &line);
	if (d->alarm.raised && d->alarm.reason[0] != '\0') {
		buf_printf(&line, "; Postfix said: ");
		buf_add_quoted(&line, str_of(d->alarm.reason));
	}
	add_line(e, buf_text(&line));
	buf_clear(&line);
}

void
engine_alert_decision(
    struct engine *e, const struct destination *d, const struct judged *judged)
{
	const struct decision *decision = &judged->decision;
	bool waits = decision->action == ACTION_KEEP || decision->action == ACTION_HOLD;

	alert_why(e, d, decision->why, 0, waits && !decision->retry);
}

void
engine_alert_wait(struct engine *e, const struct destination *d, int64_t since_ms)
{
	alert_why(e, d, d->why, since_ms, true);
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
	struct alerts *a = engine_state(e, &duty_alerts);
	struct str rest = {lines->data, lines->len}, line;
	struct buf text = {0};

	if (e->mode != ENGINE_APPLY)
		return; /* of an old log, for example: no one can act on that */
	while (str_cut(&rest, '\n', &line)) {
		count_alert(e);
		if (++a->lost > SAME_MAX)
			continue;
		buf_reset(&text);
		buf_add_str(&text, line);
		add_line(e, buf_text(&text));
	}
	buf_clear(&text);
}

/* Adds what was only counted, and ends the group. Its lines; free(). */
static char *
end_group(struct engine *e, struct alerts *a)
{
	struct buf line = {0};

	for (size_t why = 0; why < WHY_COUNT; why++) {
		if (a->of_why[why] > SAME_MAX) {
			buf_reset(&line);
			buf_printf(&line, "%s: %zu more: %s", why_slug((enum why)why),
			    a->of_why[why] - SAME_MAX, why_sentence((enum why)why));
			add_line(e, buf_text(&line));
		}
		a->of_why[why] = 0;
	}
	if (a->lost > SAME_MAX) {
		buf_reset(&line);
		buf_printf(&line, "mail to %zu more was bounced", a->lost - SAME_MAX);
		add_line(e, buf_text(&line));
	}
	a->lost = 0;
	buf_clear(&line);
	a->due_ms = 0;
	a->count = 0;
	return buf_take(&a->lines);
}

/* --- the mail ---------------------------------------------------------------------- */

struct mail_task {
	struct task task;
	char *subject;
	char *body;
};

static bool
work(struct task *task, void *context)
{
	const struct mail_task *m = (const struct mail_task *)task;
	struct notify_mail mail = {
	    .to = task->config->notify.to,
	    .from = task->config->notify.from,
	    .subject = m->subject,
	    .body = m->body,
	};

	(void)context;
	return task->world->notify(task->postfix, &mail, &task->err);
}

static void
release(struct task *task)
{
	struct mail_task *m = (struct mail_task *)task;

	free(m->subject);
	free(m->body);
}

/* A mail that failed is not sent again, as its lines are in the log. */
static const struct task_kind mail_kind = {
    .size = sizeof(struct mail_task), .work = work, .release = release};

/* The group's mail; NULL: no recipient is configured. */
static struct task *
make_mail(struct engine *e, struct alerts *a, const char *subject)
{
	char *body = end_group(e, a);
	struct mail_task *m;

	if (e->config->notify.to[0] == '\0') {
		free(body);
		return NULL;
	}
	m = engine_task(e, &a->base, &mail_kind);
	m->subject = mem_strdup(subject);
	m->body = body;
	return &m->task;
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct alerts *a = (const struct alerts *)base;

	(void)e;
	(void)now;
	return (struct due){
	    .at_ms = a->due_ms == 0 || base->tasks > 0 ? DUE_NEVER : a->due_ms};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct alerts *a = (struct alerts *)base;
	struct buf subject = {0};
	struct task *task;

	(void)now;
	buf_printf(
	    &subject, "tlsladder: %zu alert%s", a->count, a->count == 1 ? "" : "s");
	task = make_mail(e, a, buf_text(&subject));
	buf_clear(&subject);
	if (task != NULL)
		engine_submit(e, task);
}

/* The engine ends, so what is left is sent now. */
static void
finish(struct engine *e, struct duty_state *base)
{
	struct alerts *a = (struct alerts *)base;
	struct task *task;

	if (a->due_ms == 0)
		return;
	task = make_mail(e, a, "tlsladder: alerts");
	if (task != NULL && !work(task, NULL))
		log_error("cannot mail the administrator: %s", task->err.text);
	engine_drop(task);
}

static void
close_alerts(struct duty_state *base)
{
	buf_clear(&((struct alerts *)base)->lines);
}

const struct duty duty_alerts = {
    .name = "alerts",
    .what = "mail the administrator",
    .needs = DUTY_APPLIES,
    .is_unalerted = true, /* it would be one more mail that cannot be sent */
    .state_size = sizeof(struct alerts),
    .due = due,
    .start = start,
    .finish = finish,
    .close = close_alerts,
};
