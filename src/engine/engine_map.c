/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "base/span.h"
#include "engine/engine_impl.h"
#include "publish/target.h"
#include "sys/clock.h"
#include "sys/log.h"

/* Before the first export there is no map, and Postfix defers all mail without it. */
bool
engine_start_map(struct engine *e, struct err *err)
{
	int64_t version;

	if (!store_map_versions(e->store, &e->map_version, &e->map_exported, err))
		return false;
	if (e->map_version == 0) {
		if (!store_begin(e->store, err))
			return false;
		if (!store_map_changed(e->store, &version, err) ||
		    !store_commit(e->store, err)) {
			store_rollback(e->store);
			return false;
		}
	}
	e->export_ms = clock_monotonic_ms();
	e->map_doubted = true; /* nobody knows what happened to it meanwhile */
	return true;
}

void
engine_map_changed(struct engine *e)
{
	if (e->export_ms == 0)
		e->export_ms = clock_monotonic_ms() + e->config->map.settle_ms;
}

/* Ours, perhaps: it is gone, or was changed by hand. Written anew, once a minute. */
void
engine_map_doubted(struct engine *e)
{
	int64_t mono_ms = clock_monotonic_ms();

	if (e->map_doubted_ms != 0 && mono_ms - e->map_doubted_ms < SPAN_MINUTE_MS)
		return;
	e->map_doubted_ms = mono_ms;
	e->map_doubted = true;
	engine_map_changed(e);
}

void
engine_take_export(struct engine *e, struct chore *chore, int64_t mono_ms)
{
	if (!chore->done) {
		engine_trouble(e, &e->exporting, "export the map", &chore->err, mono_ms);
		e->export_ms = e->exporting.again_ms;
		return;
	}
	trouble_over(&e->exporting, "export the map");
	if (chore->anew)
		e->map_doubted = false;
	log_info("map=%s version=%" PRId64 " entries=%zu", e->config->map.file,
	    chore->version, chore->entries);
	e->map_exported = chore->version;
	e->export_ms =
	    e->map_version > e->map_exported ? mono_ms + e->config->map.settle_ms : 0;
	e->retry_look = true;
	e->look = true;
	engine_find_lag(e, mono_ms);
}

void
engine_try_export(struct engine *e, int64_t mono_ms)
{
	struct chore *chore;

	if (e->mode != ENGINE_APPLY || e->export_ms == 0 || mono_ms < e->export_ms ||
	    e->running[CHORE_EXPORT])
		return;
	chore = engine_chore(e, CHORE_EXPORT);
	chore->anew = e->map_doubted;
	workers_submit(e->chores, &chore->job);
}

void
engine_find_lag(struct engine *e, int64_t mono_ms)
{
	struct err ignored;
	bool lag;

	if (e->mode != ENGINE_APPLY ||
	    !targets_lag(targets, target_count, e->config, e->store, &lag, &ignored))
		return;
	if (!lag)
		e->lag_ms = 0;
	else if (e->lag_ms == 0)
		e->lag_ms = mono_ms + SPAN_MINUTE_MS;
}

void
engine_take_catch_up(struct engine *e, struct chore *chore, int64_t mono_ms)
{
	e->lag_ms = 0;
	engine_find_lag(e, mono_ms);
	if (chore->done)
		trouble_over(&e->catching_up, "bring the map up to date");
	else
		engine_trouble(
		    e, &e->catching_up, "bring the map up to date", &chore->err, mono_ms);
}

/* Once a minute until nothing is left: a database that somebody built of the old text is
 * noticed by that too. */
void
engine_try_catch_up(struct engine *e, int64_t mono_ms)
{
	if (e->lag_ms == 0 || mono_ms < e->lag_ms || e->running[CHORE_CATCH_UP])
		return;
	workers_submit(e->chores, &engine_chore(e, CHORE_CATCH_UP)->job);
}
