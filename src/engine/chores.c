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
#include "sys/log.h"

#define LOCK_WAIT_MS 30000
#define BUSY_MS      10000

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

const char *
chore_map_type(const struct config *config, const struct postfix_settings *settings)
{
	if (strcmp(config->map.type, "auto") != 0)
		return config->map.type;
	return settings->database_type != NULL && settings->database_type[0] != '\0'
	    ? settings->database_type
	    : "hash";
}

/* Of a map smaller than that a new one is as fast, and what is done most is one thing. */
#define UPDATE_FROM 2000

/* A map that is about to be written. */
struct export
{
	const struct postfix *postfix;
	const char *path;
	const char *type;
	struct store *store;
	struct map_source source;
	int64_t version;
	int64_t exported;
	bool ours;    /* a map of ours was there */
	bool as_left; /* and it is as we left it */
};

/* What we left there last; how much of it is as it was. */
static void
compare_mark(struct export *export)
{
	struct buf now = {0}, left = {0};
	struct err err;
	struct str path;

	textmap_mark(export->path, export->type, &now);
	if (store_blob_get(export->store, "map-mark", &left, &err) && left.len > 0) {
		struct str text = {buf_text(&left), left.len};

		export->as_left = strcmp(buf_text(&now), buf_text(&left)) == 0;
		/* The path itself may hold no blank (tlsladder.yaml(5)). */
		export->ours = str_cut(&text, ' ', &path) &&
		    str_eat(&path, str_of(export->path)) &&
		    (path.len == 0 || path.p[0] == '.');
	}
	buf_clear(&now);
	buf_clear(&left);
}

static bool
try_update(const struct export *export, int64_t now_s)
{
	struct changes *changes;
	struct err err = {{0}};
	bool done = false;

	if (export->source.count < UPDATE_FROM || export->exported == 0 ||
	    !textmap_can_update(export->type, NULL, 0) || !export->as_left)
		return false;
	changes = mem_new(1, sizeof(*changes));
	if (export_changes(export->store, export->exported, changes, &err) &&
	    !changes->too_many &&
	    textmap_can_update(export->type, changes->items, changes->count))
		done = textmap_update(export->postfix, export->path, export->type,
		    changes->items, changes->count, &export->source, now_s, &err);
	if (!done && err.text[0] != '\0')
		log_warning("cannot update the map, will build it anew: %s", err.text);
	changes_clear(changes);
	free(changes);
	return done;
}

/* Version and entries are of one moment; of nothing newer is the map said to be. */
static bool
write_map(struct export *export, bool anew, struct err *err)
{
	int64_t entries, now_s = clock_wall_ms() / 1000;
	bool done;

	if (!store_begin_read(export->store, err))
		return false;
	done =
	    store_map_versions(export->store, &export->version, &export->exported, err) &&
	    store_entry_count(export->store, &entries, err);
	if (done) {
		compare_mark(export);
		done = export->ours || textmap_may_replace(export->path, err);
	}
	if (done) {
		export->source.count = (size_t)entries;
		done = (!anew && try_update(export, now_s)) ||
		    textmap_publish(export->postfix, export->path, export->type,
		        &export->source, now_s, err);
	}
	store_rollback(export->store);
	return done;
}

/* Now, and not when the database lets us. */
static bool
note_export(const struct export *export, struct err *err)
{
	int64_t live_ms = clock_wall_ms();
	struct buf mark = {0};
	bool done;

	textmap_mark(export->path, export->type, &mark);
	done = store_begin(export->store, err);
	if (done) {
		done = store_map_exported(export->store, export->version, live_ms, err) &&
		    store_blob_put(export->store, "map-mark",
		        (struct str){buf_text(&mark), mark.len}, err) &&
		    store_commit(export->store, err);
		if (!done)
			store_rollback(export->store);
	}
	buf_clear(&mark);
	return done;
}

bool
chore_export(const struct config *config, const struct postfix *postfix,
    struct store *store, bool anew, int64_t *version, size_t *count, struct err *err)
{
	struct export export = {
	    .postfix = postfix,
	    .path = config->map.file,
	    .store = store,
	    .source = {.each = export_each_line, .context = store},
	};
	struct postfix_settings settings = {0};
	struct buf lock_path = {0};
	bool done = true;
	int lock;

	buf_printf(&lock_path, "%s.lock", config->map.file);
	lock = file_lock(buf_text(&lock_path), LOCK_WAIT_MS, err);
	buf_clear(&lock_path);
	if (lock < 0)
		return false;
	if (strcmp(config->map.type, "auto") == 0)
		done = postfix_read_settings(postfix, &settings, err);
	export.type = chore_map_type(config, &settings);
	done = done && write_map(&export, anew, err) && note_export(&export, err);
	*version = export.version;
	*count = export.source.count;
	postfix_settings_clear(&settings);
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
	done = chore_export(chore->config, chore->postfix, store, chore->anew,
	    &chore->version, &chore->entries, &chore->err);
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
