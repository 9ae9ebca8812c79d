/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/chores.h"

#include <stdlib.h>

#include "base/mem.h"
#include "engine/routes.h"
#include "publish/target.h"

#define BUSY_MS 10000

struct chore *
chore_new(
    enum chore_kind kind, const struct config *config, const struct postfix *postfix)
{
	struct chore *chore = mem_new(1, sizeof(*chore));

	chore->job.work = chore_work;
	chore->kind = kind;
	chore->config = config;
	chore->postfix = postfix;
	return chore;
}

void
chore_free(struct chore *chore)
{
	if (chore == NULL)
		return;
	postfix_settings_clear(&chore->settings);
	for (size_t i = 0; i < chore->queued_count; i++) {
		free(chore->queued[i].queue_id);
		free(chore->queued[i].recipient);
		free(chore->queued[i].reason);
	}
	free(chore->queued);
	for (size_t i = 0; i < chore->recipient_count; i++)
		free(chore->recipients[i]);
	free(chore->recipients);
	free(chore->routes);
	free(chore->waiting);
	free(chore->subject);
	free(chore->body);
	free(chore);
}

/* --- the map ----------------------------------------------------------------------- */

bool
chore_export(const struct config *config, const struct postfix *postfix,
    struct store *store, bool anew, int64_t *version, size_t *count, struct err *err)
{
	const struct target_use use = {config, postfix, store};
	struct published published;
	bool done = targets_publish(targets, target_count, &use, anew, &published, err);

	*version = published.version;
	*count = published.entries;
	return done;
}

static bool
do_export(struct chore *chore)
{
	struct store *store = store_open(chore->config->state, BUSY_MS, &chore->err);
	bool done;

	if (store == NULL)
		return false;
	done = chore_export(chore->config, chore->postfix, store, chore->anew,
	    &chore->version, &chore->entries, &chore->err);
	store_close(store);
	return done;
}

static bool
do_catch_up(struct chore *chore)
{
	struct store *store = store_open(chore->config->state, BUSY_MS, &chore->err);
	const struct target_use use = {chore->config, chore->postfix, store};
	bool done;

	if (store == NULL)
		return false;
	done = targets_catch_up(targets, target_count, &use, &chore->err);
	store_close(store);
	return done;
}

/* --- mail that waits --------------------------------------------------------------- */

static bool
do_retry(struct chore *chore)
{
	const char **ids;
	bool done;

	if (chore->flush)
		return postfix_flush(chore->postfix, &chore->err);
	ids = mem_new(chore->waiting_count, sizeof(*ids));
	for (size_t i = 0; i < chore->waiting_count; i++)
		ids[i] = chore->waiting[i].queue_id;
	done = postfix_retry(chore->postfix, ids, chore->waiting_count, &chore->err);
	free(ids);
	return done;
}

static void
take_queued(void *context, const struct queued *queued)
{
	struct chore *chore = context;
	struct queued_mail *mail;

	if (queued->delay_reason[0] == '\0')
		return;
	chore->queued =
	    mem_array(chore->queued, chore->queued_count + 1, sizeof(*chore->queued));
	mail = &chore->queued[chore->queued_count++];
	mail->queue_id = mem_strdup(queued->queue_id);
	mail->recipient = mem_strdup(queued->address);
	mail->reason = mem_strdup(queued->delay_reason);
}

static bool
do_notify(struct chore *chore)
{
	struct notify_mail mail = {
	    .to = chore->config->notify.to,
	    .from = chore->config->notify.from,
	    .subject = chore->subject,
	    .body = chore->body,
	};

	return notify_send(chore->postfix, &mail, &chore->err);
}

void
chore_work(struct job *job, void *context)
{
	struct chore *chore = (struct chore *)job;

	(void)context;
	switch (chore->kind) {
	case CHORE_SETTINGS:
		chore->done =
		    postfix_read_settings(chore->postfix, &chore->settings, &chore->err);
		break;
	case CHORE_EXPORT:
		chore->done = do_export(chore);
		break;
	case CHORE_CATCH_UP:
		chore->done = do_catch_up(chore);
		break;
	case CHORE_RETRY:
		chore->done = do_retry(chore);
		break;
	case CHORE_QUEUE:
		chore->done =
		    postfix_read_queue(chore->postfix, take_queued, chore, &chore->err);
		break;
	case CHORE_ROUTES:
		chore->routes = mem_new(chore->recipient_count, sizeof(*chore->routes));
		chore->done = routes_ask(chore->postfix, &chore->route_settings,
		    chore->transport_maps, chore->recipients, chore->recipient_count,
		    chore->routes, &chore->err);
		break;
	case CHORE_NOTIFY:
		chore->done = do_notify(chore);
		break;
	case CHORE_KINDS:
		break;
	}
}
