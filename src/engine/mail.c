/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail to the administrator: notify.to, notify.command, notify.template. */
#include "base/utc.h"
#include "core/template.h"
#include "engine/engine_impl.h"

bool
engine_has_mail(const struct config *config)
{
	return config->notify.to[0] != '\0' || config->notify.command.count > 0;
}

static void
fill(const struct task *task, const char *kind, const char *subject, const char *text,
    struct buf *filled_subject, struct buf *body)
{
	const char *template = task->config->notify.text;
	char host[NOTIFY_HOST_SIZE], now[UTC_SIZE];
	const char *texts[TEMPLATE_PLACE_COUNT] = {
	    [TEMPLATE_HOST] = host,
	    [TEMPLATE_KIND] = kind,
	    [TEMPLATE_SUBJECT] = subject,
	    [TEMPLATE_TEXT] = text,
	    [TEMPLATE_TIME] = now,
	};

	notify_host(host);
	utc_print(task->world->wall_ms() / 1000, now);
	template_fill(
	    template != NULL ? template : template_built_in, texts, filled_subject, body);
}

/* The command runs beside the mail: it is for those whose mail is what is broken. */
static bool
send(const struct task *task, const struct notify_mail *mail, struct err *err)
{
	const struct strings *command = &task->config->notify.command;
	struct err second;
	bool done = mail->to[0] == '\0' || task->world->notify(task->postfix, mail, err);

	if (command->count == 0 ||
	    task->world->notify_command(command->items, command->count, mail, &second))
		return done;
	if (done)
		*err = second;
	else
		err_set(err, "%s; %s", err->text, second.text);
	return false;
}

bool
engine_mail(const struct task *task, const char *kind, const char *subject,
    const char *text, struct err *err)
{
	struct notify_mail mail = {
	    .to = task->config->notify.to, .from = task->config->notify.from};
	struct buf filled = {0}, body = {0};
	bool done;

	fill(task, kind, subject, text, &filled, &body);
	mail.subject = buf_text(&filled);
	mail.body = buf_text(&body);
	done = send(task, &mail, err);
	buf_clear(&filled);
	buf_clear(&body);
	return done;
}
