/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/world.h"

#include "engine/route_ask.h"
#include "measure/fetcher.h"
#include "measure/measure.h"
#include "publish/target.h"
#include "store/store.h"
#include "store/store_check.h"
#include "sys/clock.h"

#define BUSY_MS 10000 /* of SQLite: the worker may wait, the loop goes on */

/* By a connection of the worker's own. Other targets are another duty's: a database that
 * hangs keeps no map waiting. */
static bool
publish(const struct config *config, const struct postfix *postfix, enum publish_how how,
    int64_t *version, size_t *entries, struct err *err)
{
	struct target_use use = {
	    config, postfix, store_open(config->state, BUSY_MS, err), 0};
	struct exported published = {0};
	bool done = use.store != NULL &&
	    target_publish(&target_map, 0, &use, how, &published, err);

	store_close(use.store);
	*version = published.version;
	*entries = published.entries;
	return done;
}

static bool
publish_other(const struct config *config, const struct postfix *postfix,
    struct target_instance to, enum publish_how how, int stop_fd, int64_t *version,
    struct err *err)
{
	struct target_use use = {
	    config, postfix, store_open(config->state, BUSY_MS, err), stop_fd};
	struct exported published = {0};
	bool done = use.store != NULL &&
	    target_publish(to.target, to.which, &use, how, &published, err);

	store_close(use.store);
	*version = published.version;
	return done;
}

static bool
lags(const struct config *config, struct store *store, bool *lag, struct err *err)
{
	return targets_lag(targets, target_count, config, store, lag, err);
}

static bool
catch_up(const struct config *config, const struct postfix *postfix, struct err *err)
{
	struct target_use use = {
	    config, postfix, store_open(config->state, BUSY_MS, err), 0};
	bool done =
	    use.store != NULL && targets_catch_up(targets, target_count, &use, err);

	store_close(use.store);
	return done;
}

const struct engine_world engine_real_world = {
    .wall_ms = clock_wall_ms,
    .mono_ms = clock_monotonic_ms,
    .running_ms = clock_running_ms,
    .boot = clock_boot,
    .workers_new = workers_new,
    .workers_free = workers_free,
    .submit = workers_submit,
    .done = workers_done,
    .fd = workers_fd,
    .ask_make = measure_make,
    .ask_drop = measure_drop,
    .ask = measure_work,
    .hurry = measure_hurry,
    .ask_policy = measure_ask_policy,
    .ask_addresses = measure_ask_addresses,
    .fetch = fetcher_run,
    .read_settings = postfix_read_settings,
    .files_mark = postfix_files_mark,
    .read_queue = postfix_read_queue,
    .ask_maps = measure_ask_maps,
    .route_ask = route_ask,
    .finger = finger_ask,
    .retry = postfix_retry,
    .flush = postfix_flush,
    .notify = notify_send,
    .notify_command = notify_run,
    .publish = publish,
    .publish_other = publish_other,
    .lead = lead_keep,
    .lags = lags,
    .catch_up = catch_up,
    .check = store_check,
};
