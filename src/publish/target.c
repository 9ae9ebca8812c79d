/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#define TARGET_ROW(name) &target_##name,
const struct target *const targets[] = {TARGETS(TARGET_ROW)};
#undef TARGET_ROW

const size_t target_count = sizeof(targets) / sizeof(targets[0]);

size_t
target_instances(const struct target *target, const struct config *config)
{
	return target->count != NULL ? target->count(config) : 1;
}

void
target_print_name(const struct target *target, const struct config *config, size_t which,
    struct buf *out)
{
	if (target->print_name != NULL)
		target->print_name(config, which, out);
	else
		buf_printf(out, "%s", target->name);
}

bool
targets_instance(const struct config *config, size_t index, struct target_instance *out)
{
	for (size_t i = 0; i < target_count; i++) {
		size_t count = target_instances(targets[i], config);

		if (index < count) {
			*out = (struct target_instance){targets[i], index};
			return true;
		}
		index -= count;
	}
	return false;
}

static int
take_lock(const struct target *target, size_t which, const struct config *config,
    struct err *err)
{
	struct buf path = {0};
	int lock;

	target->lock_path(config, which, &path);
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
		log_warning(
		    "cannot update the %s, will build it anew: %s", job->name, err.text);
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
	    store_target_get(job->use.store, job->name, &state, err) &&
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
	done = (job->is_read_here ? store_map_exported(
	                                store, job->name, job->version, job->now_ms, err)
	                          : store_target_put(store, job->name, job->version,
	                                job->now_ms, err)) &&
	    (target->note == NULL || target->note(job, err)) && store_commit(store, err);
	if (!done)
		store_rollback(store);
	return done;
}

static bool
find_read_here(struct target_job *job, struct err *err)
{
	struct buf here = {0};
	bool done = store_read_here(job->use.store, &here, err);

	job->is_read_here = done && strcmp(buf_text(&here), job->name) == 0;
	buf_clear(&here);
	return done;
}

static bool
publish_locked(const struct target *target, struct target_job *job, enum publish_how how,
    struct err *err)
{
	bool published = false;
	bool done = find_read_here(job, err) && target->open(job, err) &&
	    publish_snapshot(target, job, how, &published, err) &&
	    (!published || note(target, job, err));

	target->close(job);
	return done;
}

bool
target_publish(const struct target *target, size_t which, const struct target_use *use,
    enum publish_how how, struct exported *out, struct err *err)
{
	struct target_job job = {.use = *use, .which = which, .now_ms = clock_wall_ms()};
	struct buf name = {0};
	int lock = take_lock(target, which, use->config, err);
	bool done;

	*out = (struct exported){0};
	if (lock < 0)
		return false;
	target_print_name(target, use->config, which, &name);
	job.name = buf_text(&name);
	done = publish_locked(target, &job, how, err);
	buf_clear(&name);
	file_unlock(lock);
	if (done)
		*out = (struct exported){.version = job.version, .entries = job.entries};
	return done;
}

/* --- all of them ------------------------------------------------------------------- */

/* The first failure is the caller's to report, so the others are reported here. */
static void
add_failure(const char *name, struct err *failure, bool *done, struct err *err)
{
	if (strcmp(name, STORE_MAP) != 0)
		err_wrap(failure, "%s", name);
	if (*done)
		*err = *failure;
	else
		log_error("cannot publish: %s", failure->text);
	*done = false;
}

static void
publish_one(const struct target *target, size_t which, const struct target_use *use,
    enum publish_how how, struct exported *out, bool *done, struct err *err)
{
	struct err failure = {{0}};
	struct buf name = {0};

	if (!target_publish(target, which, use, how, out, &failure)) {
		target_print_name(target, use->config, which, &name);
		add_failure(buf_text(&name), &failure, done, err);
		buf_clear(&name);
	}
}

bool
targets_publish(const struct target *const *list, size_t count,
    const struct target_use *use, enum publish_how how, struct exported *out,
    struct err *others, struct err *err)
{
	struct exported ignored;
	bool done = true, others_done = true;

	*out = (struct exported){0};
	*others = (struct err){{0}};
	for (size_t i = 0; i < count; i++) {
		size_t instances = target_instances(list[i], use->config);

		for (size_t which = 0; which < instances; which++)
			if (i == 0)
				publish_one(list[i], which, use, how, out, &done, err);
			else
				publish_one(list[i], which, use, how, &ignored,
				    &others_done, others);
	}
	return done;
}

bool
targets_lag(const struct target *const *list, size_t count, const struct config *config,
    struct store *store, bool *lag, struct err *err)
{
	*lag = false;
	for (size_t i = 0; i < count && !*lag; i++)
		if (list[i]->lags != NULL && target_instances(list[i], config) > 0 &&
		    !list[i]->lags(store, lag, err))
			return false;
	return true;
}

static bool
catch_up(const struct target *target, const struct target_use *use, struct err *err)
{
	struct exported ignored;
	bool lags;

	return target->lags(use->store, &lags, err) &&
	    (!lags ||
	        (target_publish(target, 0, use, PUBLISH_LACKING, &ignored, err) &&
	            target->catch_up(use, err)));
}

bool
targets_catch_up(const struct target *const *list, size_t count,
    const struct target_use *use, struct err *err)
{
	bool done = true;

	for (size_t i = 0; i < count; i++) {
		struct err failure = {{0}};

		if (list[i]->lags != NULL && target_instances(list[i], use->config) > 0 &&
		    !catch_up(list[i], use, &failure))
			add_failure(list[i]->name, &failure, &done, err);
	}
	return done;
}
