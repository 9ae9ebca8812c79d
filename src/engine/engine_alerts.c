/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/engine_impl.h"
#include "sys/clock.h"
#include "sys/log.h"

#define GROUP_MS (20 * SPAN_SECOND_MS) /* alerts of so long are one mail */
#define SAME_MAX 20                    /* more with one why are only counted */
#define BODY_MAX 100000

static void
add_line(struct engine *e, const char *line)
{
	log_warning("alert: %s", line);
	if (e->mode == ENGINE_APPLY && e->config->notify.to[0] != '\0' &&
	    e->alerts.len < BODY_MAX)
		buf_printf(&e->alerts, "%s\n", line);
}

/* One more alert in the group, which begins with it if need be. */
static void
count_alert(struct engine *e)
{
	if (e->mode != ENGINE_APPLY)
		return;
	if (e->alert_ms == 0)
		e->alert_ms = clock_monotonic_ms() + GROUP_MS;
	e->alert_count++;
}

void
engine_alert(struct engine *e, const char *line)
{
	count_alert(e);
	add_line(e, line);
}

void
engine_alert_decision(
    struct engine *e, const struct destination *d, const struct judged *judged)
{
	struct buf line = {0};
	int rule = rules_find(e->rules, d->alarm.rule);
	const char *cause = rule >= 0 ? rules_get(e->rules, (size_t)rule)->cause : NULL;

	if (e->mode != ENGINE_APPLY) /* it is only shown, and its why with it */
		return;
	count_alert(e);
	if (++e->alert_why[judged->decision.why] > SAME_MAX)
		return;
	buf_printf(&line, "%s: %s: %s", d->key, why_slug(judged->decision.why),
	    why_sentence(judged->decision.why));
	if (judged->decision.why == WHY_DNS_UNSURE) {
		struct str rest = str_of(d->dns.text), first;

		buf_printf(&line, "; ");
		buf_add_quoted(&line, str_cut(&rest, '\n', &first) ? first : rest);
	}
	if (d->alarm.raised && cause != NULL) {
		buf_printf(&line, "; ");
		buf_add_quoted(&line, str_of(cause));
	}
	if (d->alarm.raised && d->alarm.reason[0] != '\0') {
		buf_printf(&line, "; Postfix said: ");
		buf_add_quoted(&line, str_of(d->alarm.reason));
	}
	add_line(e, buf_text(&line));
	buf_clear(&line);
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

	if (e->mode != ENGINE_APPLY)
		return; /* of an old log, say: nobody can mend that */
	while (str_cut(&rest, '\n', &line)) {
		count_alert(e);
		if (++e->alert_lost > SAME_MAX)
			continue;
		buf_reset(&text);
		buf_add_str(&text, line);
		add_line(e, buf_text(&text));
	}
	buf_clear(&text);
}

/* Said by trouble_report(); what lasts is told the administrator too. */
void
engine_trouble(struct engine *e, struct trouble *trouble, const char *what,
    const struct err *err, int64_t mono_ms)
{
	struct buf line = {0};

	if (!trouble_report(trouble, what, err, mono_ms))
		return;
	buf_printf(&line, "cannot %s: %s", what, err->text);
	engine_alert(e, buf_text(&line));
	buf_clear(&line);
}

/* What was only counted, and the body of the mail. "" where none is to be sent. */
static char *
end_group(struct engine *e)
{
	struct buf line = {0};

	for (size_t why = 0; why < WHY_COUNT; why++) {
		if (e->alert_why[why] > SAME_MAX) {
			buf_reset(&line);
			buf_printf(&line, "%s: %zu more: %s", why_slug((enum why)why),
			    e->alert_why[why] - SAME_MAX, why_sentence((enum why)why));
			add_line(e, buf_text(&line));
		}
		e->alert_why[why] = 0;
	}
	if (e->alert_lost > SAME_MAX) {
		buf_reset(&line);
		buf_printf(
		    &line, "mail to %zu more was bounced", e->alert_lost - SAME_MAX);
		add_line(e, buf_text(&line));
	}
	e->alert_lost = 0;
	buf_clear(&line);
	e->alert_ms = 0;
	e->alert_count = 0;
	return buf_take(&e->alerts);
}

void
engine_take_notify(struct engine *e, struct chore *chore, int64_t mono_ms)
{
	if (chore->done)
		trouble_over(&e->notifying, "mail the administrator");
	else
		trouble_report(
		    &e->notifying, "mail the administrator", &chore->err, mono_ms);
}

void
engine_try_notify(struct engine *e, int64_t mono_ms)
{
	struct chore *chore;
	struct buf subject = {0};
	char *body;

	if (e->alert_ms == 0 || mono_ms < e->alert_ms || e->running[CHORE_NOTIFY])
		return;
	buf_printf(&subject, "tlsladder: %zu alert%s", e->alert_count,
	    e->alert_count == 1 ? "" : "s");
	body = end_group(e);
	if (e->config->notify.to[0] == '\0') {
		buf_clear(&subject);
		free(body);
		return;
	}
	chore = engine_chore(e, CHORE_NOTIFY);
	chore->subject = buf_take(&subject);
	chore->body = body;
	workers_submit(e->chores, &chore->job);
}

/* What is left to tell is told now: nobody will come back to it. */
void
engine_send_last_alerts(struct engine *e)
{
	struct chore *chore;
	char *body;

	if (e->alert_ms == 0)
		return;
	body = end_group(e);
	if (e->config->notify.to[0] == '\0') {
		free(body);
		return;
	}
	chore = chore_new(CHORE_NOTIFY, e->config, &e->postfix);
	chore->subject = mem_strdup("tlsladder: alerts");
	chore->body = body;
	chore_work(&chore->job, NULL);
	if (!chore->done)
		log_error("cannot mail the administrator: %s", chore->err.text);
	chore_free(chore);
}
