/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/run_report.h"

#include "base/buf.h"
#include "sys/log.h"

void
run_report_decided(
    void *context, const struct destination *d, const struct judged *judged)
{
	const struct decision *decision = &judged->decision;
	struct buf line = {0};

	(void)context;
	if (!judged->changed)
		return;
	buf_printf(&line, "domain=%s action=%s", d->key, action_name(decision->action));
	if (decision->action == ACTION_SET || decision->action == ACTION_HOLD)
		buf_printf(&line, " level=%s", level_name(decision->entry.level));
	buf_printf(&line, " before=%s why=%s", level_name(judged->before.level),
	    why_slug(decision->why));
	if (d->dns.state[0] != '\0')
		buf_printf(&line, " tlsa=%s", d->dns.state);
	if (d->alarm.raised)
		buf_printf(&line, " rule=%s", d->alarm.rule);
	log_info("%s", buf_text(&line));
	buf_clear(&line);
}
