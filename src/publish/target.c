/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/target.h"

#include <stdlib.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#define TARGET_ROW(name) &target_##name,
const struct target *const targets[] = {TARGETS(TARGET_ROW)};
#undef TARGET_ROW

const size_t target_count = sizeof(targets) / sizeof(targets[0]);

static int
take_lock(const struct target *target, const struct config *config, struct err *err)
{
	struct buf path = {0};
	int lock;

	target->lock_path(config, &path);
	lock = file_lock(buf_text(&path), TARGET_LOCK_WAIT_MS, err);
	buf_clear(&path);
	return lock;
}

/* The changes alone, where these are few and the rest is known to be as it was. */
static bool
publish_changes(const struct target *target, struct target_job *job)
{
	struct changes *changes = mem_new(1, sizeof(*changes));
	struct err err = {{0}};
	bool done = changes_read(job->use.store, job->had, changes, &err) &&
	    !changes->too_many && target->publish(job, changes, &err);

	if (!done && err.text[0] != '\0')
		log_warning("cannot update the %s, will build it anew: %s", target->name,
		    err.text);
	changes_clear(changes);
	free(changes);
	return done;
}

static bool
publish_version(const struct target *target, struct target_job *job, enum publish_how how,
    bool *published, struct err *err)
{
	bool as_left = target->verify(job) == ANSWER_YES;

	*published = how == PUBLISH_ANEW || !as_left || job->had != job->version;
	if (!*published)
		return true;
	if (how != PUBLISH_ANEW && as_left && job->had != 0 &&
	    publish_changes(target, job))
		return true;
	if (how != PUBLISH_CHANGES)
		return target->rebuild(job, err);
	*published = false;
	job->version = job->had;
	return true;
}

/* Version and entries are read in one snapshot: no target is noted as newer than its
 * content. */
static bool
publish_snapshot(const struct target *target, struct target_job *job,
    enum publish_how how, bool *published, struct err *err)
{
	struct target_state state;
	int64_t entries = 0, exported;
	bool done;

	if (!store_begin_read(job->use.store, err))
		return false;
	done = store_map_versions(job->use.store, &job->version, &exported, err) &&
	    store_target_get(job->use.store, target->name, &state, err) &&
	    store_entry_count(job->use.store, &entries, err);
	if (done) {
		job->had = state.version;
		job->entries = (size_t)entries;
		done = publish_version(target, job, how, published, err);
	}
	store_rollback(job->use.store);
	return done;
}

/* The time in force is that of the publication, not that at which the database is free.
 */
static bool
note(const struct target *target, struct target_job *job, struct err *err)
{
	struct store *store = job->use.store;
	bool done;

	job->now_ms = clock_wall_ms();
	if (!store_begin(store, err))
		return false;
	done = (target->is_read_here ? store_map_exported(store, STORE_MAP, job->version,
	                                   job->now_ms, err)
	                             : store_target_put(store, target->name, job->version,
	                                   job->now_ms, err)) &&
	    (target->note == NULL || target->note(job, err)) && store_commit(store, err);
	if (!done)
		store_rollback(store);
	return done;
}

bool
target_publish(const struct target *target, const struct target_use *use,
    enum publish_how how, struct published *out, struct err *err)
{
	struct target_job job = {.use = *use, .now_ms = clock_wall_ms()};
	int lock = take_lock(target, use->config, err);
	bool published = false, done;

	*out = (struct published){0};
	if (lock < 0)
		return false;
	done = target->open(&job, err) &&
	    publish_snapshot(target, &job, how, &published, err) &&
	    (!published || note(target, &job, err));
	target->close(&job);
	file_unlock(lock);
	if (done)
		*out = (struct published){.version = job.version, .entries = job.entries};
	return done;
}

/* --- all of them ------------------------------------------------------------------- */

static bool
is_wanted(const struct target *target, const struct config *config)
{
	return target->is_wanted == NULL || target->is_wanted(config);
}

/* The first failure is the caller's to report, so the others are reported here. */
static void
add_failure(const struct target *target, struct err *failure, bool *done, struct err *err)
{
	if (!target->is_read_here)
		err_wrap(failure, "%s", target->name);
	if (*done)
		*err = *failure;
	else
		log_error("cannot publish: %s", failure->text);
	*done = false;
}

bool
targets_publish(const struct target *const *list, size_t count,
    const struct target_use *use, enum publish_how how, struct published *out,
    struct err *err)
{
	bool done = true;

	*out = (struct published){0};
	for (size_t i = 0; i < count; i++) {
		struct published published;
		struct err failure = {{0}};

		if (!is_wanted(list[i], use->config))
			continue;
		if (!target_publish(list[i], use, how, &published, &failure))
			add_failure(list[i], &failure, &done, err);
		else if (list[i]->is_read_here)
			*out = published;
	}
	return done;
}

bool
targets_lag(const struct target *const *list, size_t count, const struct config *config,
    struct store *store, bool *lag, struct err *err)
{
	*lag = false;
	for (size_t i = 0; i < count && !*lag; i++)
		if (list[i]->lags != NULL && is_wanted(list[i], config) &&
		    !list[i]->lags(store, lag, err))
			return false;
	return true;
}

static bool
catch_up(const struct target *target, const struct target_use *use, struct err *err)
{
	struct published ignored;
	bool lags;

	return target->lags(use->store, &lags, err) &&
	    (!lags ||
	        (target_publish(target, use, PUBLISH_LACKING, &ignored, err) &&
	            target->catch_up(use, err)));
}

bool
targets_catch_up(const struct target *const *list, size_t count,
    const struct target_use *use, struct err *err)
{
	bool done = true;

	for (size_t i = 0; i < count; i++) {
		struct err failure = {{0}};

		if (list[i]->lags != NULL && is_wanted(list[i], use->config) &&
		    !catch_up(list[i], use, &failure))
			add_failure(list[i], &failure, &done, err);
	}
	return done;
}
