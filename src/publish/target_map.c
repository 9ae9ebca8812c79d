/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy map of Postfix as a target. In a large one whose type allows it changes
 * alone are made in its database, and its text follows later: the text is for people, and
 * to write that of a million entries takes longer than all the rest.
 */
#include "publish/target_map.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/span.h"
#include "publish/held.h"
#include "publish/takeover.h"
#include "publish/target.h"
#include "store/store_check.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

/* Below this size a rebuild is as fast as an update, and the common case keeps one path.
 */
#define UPDATE_FROM 2000

#define MARK       "map-mark" /* blob: textmap_mark() of the database as we left it */
#define TEXT       "map-text" /* the text, in the table of targets */
#define TEXT_EVERY (5 * SPAN_MINUTE_MS) /* so often at most a text alone is written */

const char *
target_map_type(const struct config *config, const struct postfix_settings *settings)
{
	if (strcmp(config->map.type, "auto") != 0)
		return config->map.type;
	return settings->database_type != NULL && settings->database_type[0] != '\0'
	    ? settings->database_type
	    : "hash";
}

struct own {
	struct postfix_settings settings; /* read where the type is "auto" */
	const char *path;
	const char *type;
	bool ours;    /* a map of ours was there before */
	bool rebuilt; /* the text is of the same version as the database */
};

static void
map_lock_path(const struct config *config, size_t which, struct buf *path)
{
	(void)which;
	buf_printf(path, "%s.lock", config->map.file);
}

/* The last wall before an export: a state that was emptied meanwhile, as a worker's own
 * connection sees it, gets back what the map has. */
static bool
take_over(struct target_job *job, struct err *err)
{
	struct takeover taken;
	struct buf line = {0};

	if (held_export(job->use.store, job->use.config, job->use.postfix, err) !=
	    HELD_NOT)
		return false;
	if (!takeover(job->use.store, job->use.config, job->now_ms, &taken, err))
		return false;
	if (taken.entries > 0) {
		takeover_print(job->use.config, &taken, &line);
		log_warning("%s", buf_text(&line));
	}
	buf_clear(&line);
	return true;
}

static bool
map_open(struct target_job *job, struct err *err)
{
	struct own *own = mem_new(1, sizeof(*own));
	const struct config *config = job->use.config;

	job->own = own;
	own->path = config->map.file;
	if (strcmp(config->map.type, "auto") == 0 &&
	    !postfix_read_settings(job->use.postfix, &own->settings, err))
		return false;
	own->type = target_map_type(config, &own->settings);
	return take_over(job, err);
}

static void
map_close(struct target_job *job)
{
	struct own *own = job->own;

	if (own == NULL)
		return;
	postfix_settings_clear(&own->settings);
	free(own);
	job->own = NULL;
}

/* The path itself may hold no blank (tlsladder.yaml(5)). */
static bool
is_mark_of(struct str mark, const char *path)
{
	struct str marked;

	return str_cut(&mark, ' ', &marked) && str_eat(&marked, str_of(path)) &&
	    (marked.len == 0 || marked.p[0] == '.');
}

bool
target_map_is_marked(struct store *store, const char *path)
{
	struct buf left = {0};
	struct err err;
	bool marked = store_blob_get(store, MARK, &left, &err) &&
	    is_mark_of((struct str){buf_text(&left), left.len}, path);

	buf_clear(&left);
	return marked;
}

void
target_map_salvage(struct store *store, const char *path)
{
	struct buf mark = {0};
	struct err ignored;

	if (store_salvage_blob(path, MARK, &mark) && mark.len > 0)
		store_blob_put(
		    store, MARK, (struct str){buf_text(&mark), mark.len}, &ignored);
	buf_clear(&mark);
}

/* Compares what is there with the mark that was left. */
static bool
is_as_left(struct store *store, struct own *own)
{
	struct buf now = {0}, left = {0};
	bool as_left = false;
	struct err err;

	textmap_mark(own->path, own->type, &now);
	if (store_blob_get(store, MARK, &left, &err) && left.len > 0) {
		as_left = strcmp(buf_text(&now), buf_text(&left)) == 0;
		own->ours =
		    is_mark_of((struct str){buf_text(&left), left.len}, own->path);
	}
	buf_clear(&now);
	buf_clear(&left);
	return as_left;
}

static enum answer
map_verify(struct target_job *job)
{
	return is_as_left(job->use.store, job->own) ? ANSWER_YES : ANSWER_NO;
}

static bool
map_publish(struct target_job *job, const struct changes *changes, struct err *err)
{
	struct own *own = job->own;

	return job->entries >= UPDATE_FROM &&
	    textmap_can_update(own->type, changes->items, changes->count) &&
	    textmap_update(job->use.postfix, own->path, own->type, changes->items,
	        changes->count, err);
}

static struct map_source
source(struct store *store, const char *type, size_t entries)
{
	return (struct map_source){
	    .count = entries,
	    .lags = entries >= UPDATE_FROM && textmap_can_update(type, NULL, 0),
	    .each = maplines_each,
	    .context = store,
	};
}

static bool
map_rebuild(struct target_job *job, struct err *err)
{
	struct own *own = job->own;
	const struct map_source all = source(job->use.store, own->type, job->entries);

	own->rebuilt = (own->ours || textmap_may_replace(own->path, err)) &&
	    textmap_publish(
	        job->use.postfix, own->path, own->type, &all, job->now_ms / 1000, err);
	return own->rebuilt;
}

static bool
map_note(struct target_job *job, struct err *err)
{
	const struct own *own = job->own;
	struct store *store = job->use.store;
	struct buf mark = {0};
	bool done;

	textmap_mark(own->path, own->type, &mark);
	done =
	    store_blob_put(store, MARK, (struct str){buf_text(&mark), mark.len}, err) &&
	    (!own->rebuilt ||
	        store_target_put(store, TEXT, job->version, job->now_ms, err));
	buf_clear(&mark);
	return done;
}

/* --- the text ---------------------------------------------------------------------- */

/* Versions of the entries, of the database and of the text. */
struct versions {
	int64_t entries;
	struct target_state map;
	struct target_state text;
};

static bool
read_versions(struct store *store, struct versions *out, struct err *err)
{
	int64_t in_force;

	return store_map_versions(store, &out->entries, &in_force, err) &&
	    store_target_get(store, STORE_MAP, &out->map, err) &&
	    store_target_get(store, TEXT, &out->text, err);
}

static bool
map_lags(struct store *store, bool *lags, struct err *err)
{
	struct versions versions;

	if (!read_versions(store, &versions, err))
		return false;
	*lags = versions.text.version != versions.map.version;
	return true;
}

/* A clock that was set back does not keep the text waiting. */
static bool
is_time(const struct versions *versions, int64_t now_ms)
{
	int64_t since_ms = versions->text.since_ms;

	return versions->text.version != versions->map.version &&
	    versions->entries == versions->map.version &&
	    (since_ms > now_ms || now_ms - since_ms >= TEXT_EVERY);
}

/*
 * Writes the text beside the live one, in one snapshot. *version: of its entries; 0:
 * there is nothing to do, or the database was changed since, which the next publication
 * mends.
 */
static bool
write_text(struct target_job *job, int64_t *version, struct err *err)
{
	struct own *own = job->own;
	struct store *store = job->use.store;
	struct versions versions = {0};
	struct timespec when;
	int64_t entries = 0;
	bool done;

	*version = 0;
	/* Taken before the snapshot: if the database changes meanwhile, the text is dated
	 * older. */
	if (!textmap_time(own->path, own->type, &when, err) ||
	    !store_begin_read(store, err))
		return false;
	done = read_versions(store, &versions, err) &&
	    store_entry_count(store, &entries, err);
	if (done && is_time(&versions, job->now_ms) && is_as_left(store, own)) {
		const struct map_source all = source(store, own->type, (size_t)entries);

		done = textmap_write_text(
		    own->path, own->type, &all, job->now_ms / 1000, when, err);
		if (done)
			*version = versions.map.version;
	}
	store_rollback(store);
	return done;
}

/* Runs under the lock. Replaces no newer text, and puts none beside a database that is
 * not ours. */
static bool
put_text(struct target_job *job, int64_t version, struct err *err)
{
	struct own *own = job->own;
	struct versions versions;

	if (!read_versions(job->use.store, &versions, err))
		return false;
	if (versions.text.version >= version || !is_as_left(job->use.store, own)) {
		textmap_drop_text(own->path);
		return true;
	}
	return textmap_put_text(own->path, err) &&
	    store_target_put(job->use.store, TEXT, version, job->now_ms, err);
}

static bool
put_text_locked(struct target_job *job, int64_t version, struct err *err)
{
	struct buf path = {0};
	bool done;
	int lock;

	map_lock_path(job->use.config, job->which, &path);
	lock = file_lock(buf_text(&path), TARGET_LOCK_WAIT_MS, err);
	buf_clear(&path);
	if (lock < 0)
		return false;
	done = put_text(job, version, err);
	file_unlock(lock);
	return done;
}

static bool
map_catch_up(const struct target_use *use, struct err *err)
{
	struct target_job job = {.use = *use, .now_ms = clock_wall_ms()};
	struct versions versions;
	int64_t version = 0;
	bool done = read_versions(use->store, &versions, err);

	if (!done || !is_time(&versions, job.now_ms))
		return done;
	done = map_open(&job, err) && write_text(&job, &version, err) &&
	    (version == 0 || put_text_locked(&job, version, err));
	map_close(&job);
	return done;
}

const struct target target_map = {
    .name = STORE_MAP,
    .lock_path = map_lock_path,
    .open = map_open,
    .close = map_close,
    .verify = map_verify,
    .publish = map_publish,
    .rebuild = map_rebuild,
    .note = map_note,
    .lags = map_lags,
    .catch_up = map_catch_up,
};
