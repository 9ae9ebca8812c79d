/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of the scripted Postfix: messages that wait, listed and retried. */
#include "enginekit_queue.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/status.h"
#include "enginekit.h"
#include "suite.h"

bool
kit_does(struct world_work *work, struct err *err)
{
	work->times++;
	return !work->fails || err_set(err, "it fails");
}

/* The host of a node, "" of the only Postfix. */
const char *
kit_host_of(const struct postfix *postfix)
{
	return postfix->command_count > 0 ? postfix->command[0] : "";
}

bool
kit_does_at(const struct postfix *postfix, struct world_work *work, struct err *err)
{
	bool is_away =
	    world.away != NULL && strcmp(kit_host_of(postfix), world.away) == 0;

	if (is_away)
		world.takes_ms = world.away_ms;
	return kit_does(work, err) && (!is_away || err_set(err, "no route to host"));
}

static struct world_mail *
find_mail(const char *host, struct str id)
{
	for (size_t i = 0; i < world.mail_count; i++)
		if (str_is(id, world.mails[i].id) &&
		    strcmp(world.mails[i].host, host) == 0)
			return &world.mails[i];
	return NULL;
}

static void
queue_at(const char *host, const char *id, const char *recipient, const char *reason)
{
	struct world_mail *mail = find_mail(host, str_of(id));

	if (mail == NULL) {
		if ((world.mail_count & (world.mail_count - 1)) == 0)
			world.mails = mem_array(
			    world.mails, 2 * world.mail_count + 1, sizeof(*world.mails));
		mail = &world.mails[world.mail_count++];
	}
	assert_true(str_copy(str_of(host), mail->host, sizeof(mail->host)) &&
	    str_copy(str_of(id), mail->id, sizeof(mail->id)) &&
	    str_copy(str_of(recipient), mail->recipient, sizeof(mail->recipient)) &&
	    str_copy(str_of(reason), mail->reason, sizeof(mail->reason)));
}

void
world_queue(const char *id, const char *recipient, const char *reason)
{
	queue_at("", id, recipient, reason);
}

static void
unqueue_at(const char *host, const char *id)
{
	struct world_mail *mail = find_mail(host, str_of(id));

	if (mail != NULL)
		*mail = world.mails[--world.mail_count];
}

void
world_unqueue(const char *id)
{
	unqueue_at("", id);
}

/* The queue is changed before the line is written. */
void
kit_note_mail(const char *host, const char *text)
{
	const char *behind = strstr(text, "]: ");
	char id[32], recipient[64], reason[256];
	struct status_line s;

	if (behind == NULL || !status_parse(str_of(behind + 3), &s))
		return;
	assert_true(str_copy(s.queue_id, id, sizeof(id)) &&
	    str_copy(s.recipient, recipient, sizeof(recipient)) &&
	    str_copy(s.reason, reason, sizeof(reason)));
	if (s.status == DELIVERY_DEFERRED)
		queue_at(host, id, recipient, reason);
	else if (s.status <= DELIVERY_BOUNCED)
		unqueue_at(host, id);
}

bool
kit_read_queue(const struct postfix *postfix,
    void (*fn)(void *context, const struct queued *queued), void *context,
    struct queue_refused *refused, struct err *err)
{
	*refused = (struct queue_refused){.count = world.queue_refused};
	for (const char *const *mail = world.queued;
	     mail != NULL && *mail != NULL && !world.queue.fails; mail++) {
		char id[32], recipient[64], reason[256] = "";
		struct queued queued = {.queue_name = "deferred",
		    .queue_id = id,
		    .address = recipient,
		    .delay_reason = reason};

		assert_true(
		    sscanf(*mail, "%31s %63s %255[^\n]", id, recipient, reason) >= 2);
		fn(context, &queued);
	}
	for (size_t i = 0; i < world.mail_count && !world.queue.fails; i++) {
		if (strcmp(world.mails[i].host, kit_host_of(postfix)) != 0)
			continue;
		fn(context,
		    &(struct queued){.queue_name = world.queue_name != NULL
		            ? world.queue_name
		            : "deferred",
		        .queue_id = world.mails[i].id,
		        .address = world.mails[i].recipient,
		        .delay_reason = world.mails[i].reason,
		        .arrival_s = world.arrival_s});
	}
	world_pass(world.queue_ms);
	return kit_does_at(postfix, &world.queue, err);
}

bool
kit_retry_mail(const struct postfix *postfix, const char *const *queue_ids, size_t count,
    struct err *err)
{
	if (!kit_does_at(postfix, &world.retry, err))
		return false;
	for (size_t i = 0; i < count; i++)
		buf_printf(&world.retried, "%s%s%s ", kit_host_of(postfix),
		    kit_host_of(postfix)[0] != '\0' ? ":" : "", queue_ids[i]);
	return true;
}

bool
kit_flush_mail(const struct postfix *postfix, struct err *err)
{
	if (!kit_does_at(postfix, &world.flush, err))
		return false;
	buf_printf(&world.flushed, "%s ", kit_host_of(postfix));
	return true;
}
