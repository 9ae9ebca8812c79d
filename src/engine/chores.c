/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/chores.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/routes.h"
#include "publish/export.h"
#include "publish/textmap.h"
#include "sys/clock.h"
#include "sys/file.h"

#define LOCK_WAIT_MS 30000
#define BUSY_MS      10000

struct chore *
chore_new(enum chore_kind kind, const struct config *config, const struct postfix *postfix)
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
	postfix_facts_clear(&chore->facts);
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

const char *
chore_map_type(const struct config *config, const struct postfix_facts *facts)
{
	if (strcmp(config->map.type, "auto") != 0)
		return config->map.type;
	return facts->database_type != NULL && facts->database_type[0] != '\0'
	    ? facts->database_type : "hash";
}

static bool
note_export(struct store *store, int64_t version, int64_t live_ms, struct err *err)
{
	if (!store_begin(store, err))
		return false;
	if (!store_map_exported(store, version, live_ms, err)) {
		store_rollback(store);
		return false;
	}
	return store_commit(store, err);
}

/* Version and entries are of one moment; of nothing newer is the map said to be. */
static bool
publish(const struct config *config, const struct postfix *postfix, const char *type,
    struct store *store, int64_t *version, size_t *count, struct err *err)
{
	struct map_source source = {.each = export_each_line, .context = store};
	int64_t exported, entries;
	bool done;

	if (!store_begin_read(store, err))
		return false;
	done = store_map_versions(store, version, &exported, err) &&
	    store_entry_count(store, &entries, err);
	if (done) {
		source.count = *count = (size_t)entries;
		done = textmap_publish(
		    postfix, config->map.file, type, &source, clock_wall_ms() / 1000, err);
	}
	store_rollback(store);
	return done;
}

bool
chore_export(const struct config *config, const struct postfix *postfix, struct store *store,
    int64_t *version, size_t *count, struct err *err)
{
	struct postfix_facts facts = {0};
	struct buf lock_path = {0};
	bool done = true;
	int lock;

	buf_printf(&lock_path, "%s.lock", config->map.file);
	lock = file_lock(buf_text(&lock_path), LOCK_WAIT_MS, err);
	buf_clear(&lock_path);
	if (lock < 0)
		return false;
	if (strcmp(config->map.type, "auto") == 0)
		done = postfix_read_facts(postfix, &facts, err);
	/* Noted now, and not when the database lets us. */
	done = done &&
	    publish(config, postfix, chore_map_type(config, &facts), store, version, count, err) &&
	    note_export(store, *version, clock_wall_ms(), err);
	postfix_facts_clear(&facts);
	file_unlock(lock);
	return done;
}

static bool
do_export(struct chore *chore)
{
	struct store *store = store_open(chore->config->state, BUSY_MS, &chore->err);
	bool done;

	if (store == NULL)
		return false;
	done = chore_export(chore->config, chore->postfix, store, &chore->version,
	    &chore->entries, &chore->err);
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
	case CHORE_FACTS:
		chore->done = postfix_read_facts(chore->postfix, &chore->facts, &chore->err);
		break;
	case CHORE_EXPORT:
		chore->done = do_export(chore);
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
