/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"
#include "base/span.h"
#include "engine/engine_impl.h"
#include "sys/clock.h"
#include "sys/log.h"

#define GROUP_MS (20 * SPAN_SECOND_MS) /* alerts of so long are one mail */

void
engine_alert(struct engine *e, const char *line)
{
	log_warning("alert: %s", line);
	if (e->config->notify.to[0] == '\0' || e->mode != ENGINE_APPLY)
		return;
	if (e->alert_ms == 0)
		e->alert_ms = clock_monotonic_ms() + GROUP_MS;
	if (e->alerts.len < 100000)
		buf_printf(&e->alerts, "%s\n", line);
	e->alert_count++;
}

void
engine_alert_decision(struct engine *e, const struct destination *d, const struct judged *judged)
{
	struct buf line = {0};

	buf_printf(&line, "%s: %s: %s", d->key, why_slug(judged->decision.why),
	    why_sentence(judged->decision.why));
	if (judged->decision.why == WHY_DNS_UNSURE) {
		buf_printf(&line, "; ");
		buf_add_quoted(&line, str_of(d->dns_text));
	}
	if (d->lost)
		buf_printf(&line, "; mail was bounced");
	if (d->deferral && d->reason[0] != '\0') {
		buf_printf(&line, "; Postfix said: ");
		buf_add_quoted(&line, str_of(d->reason));
	}
	engine_alert(e, buf_text(&line));
	buf_clear(&line);
}

void
engine_take_notify(struct engine *e, struct chore *chore, int64_t mono_ms)
{
	if (chore->done)
		trouble_over(&e->notifying, "mail the administrator");
	else
		trouble_report(&e->notifying, "mail the administrator", &chore->err, mono_ms);
}

void
engine_try_notify(struct engine *e, int64_t mono_ms)
{
	struct chore *chore;
	struct buf subject = {0};

	if (e->alert_ms == 0 || mono_ms < e->alert_ms || e->running[CHORE_NOTIFY])
		return;
	chore = engine_chore(e, CHORE_NOTIFY);
	buf_printf(&subject, "tlsladder: %zu alert%s", e->alert_count,
	    e->alert_count == 1 ? "" : "s");
	chore->subject = buf_take(&subject);
	chore->body = buf_take(&e->alerts);
	e->alert_ms = 0;
	e->alert_count = 0;
	workers_submit(e->chores, &chore->job);
}

/* What is left to tell is told now: nobody will come back to it. */
void
engine_send_last_alerts(struct engine *e)
{
	struct chore *chore;

	if (e->alert_ms == 0)
		return;
	chore = chore_new(CHORE_NOTIFY, e->config, &e->postfix);
	chore->subject = mem_strdup("tlsladder: alerts");
	chore->body = buf_take(&e->alerts);
	chore_work(&chore->job, NULL);
	if (!chore->done)
		log_error("cannot mail the administrator: %s", chore->err.text);
	chore_free(chore);
}
