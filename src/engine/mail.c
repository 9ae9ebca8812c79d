/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail to the administrator: notify.to, notify.command, notify.template. */
#include "base/utc.h"
#include "core/template.h"
#include "engine/alerts.h"
#include "engine/engine_impl.h"

unsigned
engine_mail_ways(const struct config *config)
{
	return (config->notify.to[0] != '\0' ? ENGINE_MAIL_TO : 0) |
	    (config->notify.command.count > 0 ? ENGINE_MAIL_COMMAND : 0);
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
static unsigned
send(const struct task *task, unsigned ways, const struct notify_mail *mail,
    struct err *err)
{
	const struct strings *command = &task->config->notify.command;
	unsigned taken = 0;
	struct err second;

	if ((ways & ENGINE_MAIL_TO) != 0 && task->world->notify(task->postfix, mail, err))
		taken |= ENGINE_MAIL_TO;
	if ((ways & ENGINE_MAIL_COMMAND) == 0)
		return taken;
	if (task->world->notify_command(command->items, command->count, mail, &second))
		return taken | ENGINE_MAIL_COMMAND;
	if ((ways & ~taken & ENGINE_MAIL_TO) == 0)
		*err = second;
	else
		err_set(err, "%s; %s", err->text, second.text);
	return taken;
}

unsigned
engine_mail(const struct task *task, unsigned ways, const char *kind, const char *subject,
    const char *text, struct err *err)
{
	struct notify_mail mail = {
	    .to = task->config->notify.to, .from = task->config->notify.from};
	struct buf filled = {0}, body = {0};
	unsigned taken;

	fill(task, kind, subject, text, &filled, &body);
	mail.subject = buf_text(&filled);
	mail.body = buf_text(&body);
	taken = send(task, ways, &mail, err);
	buf_clear(&filled);
	buf_clear(&body);
	return taken;
}

static bool
mail_by(struct task *task, unsigned ways, const struct alert_mail *mail, unsigned *taken)
{
	unsigned took = ways == 0
	    ? 0
	    : engine_mail(task, ways, "alert", mail->subject, mail->text, &task->err);

	*taken |= took;
	return took == ways;
}

/* What sendmail(1) does not take the command has at once, as it is for those whose mail
 * is what is broken. */
bool
engine_mail_alerts(struct task *task, const struct alert_mail *mails, size_t count,
    unsigned *taken, void (*taken_all)(struct task *task))
{
	unsigned ways = engine_mail_ways(task->config);
	unsigned command = ways & ENGINE_MAIL_COMMAND;
	bool beside[ALERT_MAILS_MAX] = {0}, done = true, all = true;
	struct err first;

	for (size_t i = 0; i < count; i++) {
		beside[i] = (ways & ENGINE_MAIL_TO) != 0 &&
		    mail_by(task, ENGINE_MAIL_TO, &mails[i], taken);
		if (beside[i])
			continue;
		first = task->err;
		done = done && command == ways;
		if (command != 0 && mail_by(task, command, &mails[i], taken))
			continue;
		done = all = false;
		if (command != 0 && command != ways) {
			struct err second = task->err;

			err_set(&task->err, "%s; %s", first.text, second.text);
		}
	}
	if (command == 0)
		return done;
	if (all)
		taken_all(task);
	for (size_t i = 0; i < count; i++)
		if (beside[i])
			done = mail_by(task, command, &mails[i], taken) && done;
	return done;
}
