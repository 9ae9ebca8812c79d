/* SPDX-License-Identifier: BSD-2-Clause */
/* The database of an engine, opened, with what was lost of it taken over from the map,
 * and what was decided under another setting to be judged again. */
#include <string.h>
#include <sys/stat.h>

#include "engine/engine_impl.h"
#include "publish/held.h"
#include "publish/takeover.h"
#include "sys/log.h"

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
	if (held_export(e->store, e->config, &e->nodes.here, &why) != HELD_NOT) {
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
		if (e->store == NULL)
			return false;
		store_set_ports(e->store, &e->nodes.ports);
		return take_over(e, err);
	}
	e->store = store_open(":memory:", BUSY_MS, err);
	if (e->store == NULL)
		return false;
	store_set_ports(e->store, &e->nodes.ports);
	return store_load_copy(e->store, e->config->state, err);
}

/* Under what the entries were decided, as far as the database tells: before it told, the
 * defaults. */
static bool
read_judged_under(struct engine *e, struct buf *under, bool *told, struct err *err)
{
	struct config defaults;

	if (!store_blob_get(e->store, STORE_JUDGED_UNDER, under, err))
		return false;
	*told = under->len > 0;
	if (*told)
		return true;
	config_default(&defaults);
	config_show_judging(&defaults, under);
	config_clear(&defaults);
	return true;
}

static bool
judge_all(struct engine *e, struct str under, struct err *err)
{
	return store_begin(e->store, err) &&
	    store_look_at_all(e->store, engine_now(e).wall_ms, err) &&
	    store_blob_put(e->store, STORE_JUDGED_UNDER, under, err) &&
	    store_commit(e->store, err);
}

/* What they enforce ends with mta_sts.enable, and not when each is looked at next. */
bool
engine_mind_enabled(struct engine *e, struct err *err)
{
	return e->config->mta_sts.enable ||
	    store_look_at_policies(e->store, engine_now(e).wall_ms, err);
}

bool
engine_mind_config(struct engine *e, struct err *err)
{
	struct buf now = {0}, then = {0};
	bool done, told;

	config_show_judging(e->config, &now);
	done = read_judged_under(e, &then, &told, err);
	if (done && strcmp(buf_text(&now), buf_text(&then)) != 0) {
		if (told)
			log_info("other settings of ladder: what was decided is judged "
			         "again");
		done = judge_all(e, (struct str){now.data, now.len}, err);
		if (!done)
			store_rollback(e->store);
	}
	buf_clear(&now);
	buf_clear(&then);
	return done;
}
