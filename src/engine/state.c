/* SPDX-License-Identifier: BSD-2-Clause */
/* The database of an engine, opened, with what was lost of it taken over from the map,
 * and what was decided under another setting to be judged again. */
#include <sys/stat.h>

#include "engine/engine_impl.h"
#include "publish/held.h"
#include "publish/takeover.h"

#define BUSY_MS        1000     /* of SQLite; the engine tries again later anyway */
#define CHECK_SIZE_MAX 33554432 /* bytes that are checked in a fraction of a second */

bool
engine_is_checked_late(const struct config *config)
{
	struct stat st;

	return stat(config->state, &st) == 0 && st.st_size > CHECK_SIZE_MAX;
}

/* Before anything else is put into it: what the log reports belongs to these entries. */
static bool
take_over(struct engine *e, struct err *err)
{
	struct takeover taken;
	struct buf line = {0};
	struct err why;

	/* Every export finds the same, and fails, until the map was seen to. */
	if (held_export(e->store, e->config, &e->postfix, &why) != HELD_NOT) {
		engine_alert(e, why.text);
		return true;
	}
	if (!takeover(e->store, e->config, engine_now(e).wall_ms, &taken, err))
		return false;
	if (taken.entries > 0) {
		takeover_print(e->config, &taken, &line);
		engine_alert(e, buf_text(&line));
	}
	buf_clear(&line);
	return true;
}

bool
engine_open_store(struct engine *e, struct err *err)
{
	if (e->driver.mode == ENGINE_APPLY) {
		e->store = store_open(e->config->state, BUSY_MS, err);
		return e->store != NULL && take_over(e, err);
	}
	e->store = store_open(":memory:", BUSY_MS, err);
	return e->store != NULL && store_load_copy(e->store, e->config->state, err);
}

static bool
look_below_lowest(struct engine *e, struct err *err)
{
	int64_t now_ms = engine_now(e).wall_ms;

	for (enum level l = LEVEL_MAY; l < LEVEL_COUNT; l++)
		if (level_promise(l) < e->config->ladder.lowest &&
		    !store_look_at_level(e->store, l, now_ms, err))
			return false;
	return store_counter_set(e->store, "lowest", e->config->ladder.lowest, err);
}

bool
engine_mind_lowest(struct engine *e, struct err *err)
{
	int64_t lowest = LEVEL_MAY;

	if (!store_counter_get(e->store, "lowest", &lowest, err))
		return false;
	if (lowest == (int64_t)e->config->ladder.lowest)
		return true;
	if (store_begin(e->store, err) && look_below_lowest(e, err) &&
	    store_commit(e->store, err))
		return true;
	store_rollback(e->store);
	return false;
}
