/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/run_heal.h"

#include "base/span.h"
#include "publish/target_map.h"
#include "store/store_check.h"
#include "sys/log.h"

#define BUSY_MS 1000

void
heal_note(struct heal *heal, const char *why)
{
	err_set(&heal->why, "%s", why);
}

/* The new database, as far as the old one still says what it needs. */
static void
salvage(const struct config *config, const char *from)
{
	struct err ignored;
	struct store *store = store_open(config->state, BUSY_MS, &ignored);

	if (store != NULL)
		target_map_salvage(store, from);
	store_close(store);
}

bool
heal_set_aside(
    struct heal *heal, const struct config *config, int64_t now_ms, struct err *err)
{
	struct buf name = {0};
	bool done;

	log_error("%s is malformed: %s", config->state, heal->why.text);
	if (heal->last_ms != 0 && now_ms - heal->last_ms < SPAN_HOUR_MS)
		return err_set(err,
		    "%s is malformed for the second time within an hour: look at the "
		    "disk",
		    config->state);
	done = store_set_aside(config->state, now_ms / 1000, &name, err);
	if (done) {
		salvage(config, buf_text(&name));
		heal->healed = true;
		heal->last_ms = now_ms;
		err_set(&heal->line,
		    "the state %s was malformed (%s) and is kept as %s; a new one is "
		    "made "
		    "of the map and the log",
		    config->state, heal->why.text, buf_text(&name));
	}
	buf_clear(&name);
	return done;
}

static bool
check(struct heal *heal, const struct config *config, int64_t now_ms, struct err *err)
{
	return store_check(config->state, &heal->why) != ANSWER_NO ||
	    heal_set_aside(heal, config, now_ms, err);
}

bool
heal_check(
    struct heal *heal, const struct config *config, int64_t now_ms, struct err *err)
{
	return engine_is_checked_late(config) || check(heal, config, now_ms, err);
}

struct engine *
heal_engine(struct heal *heal, const struct config *config, const struct rules *rules,
    engine_decided_fn *decided, int64_t now_ms, struct err *err)
{
	struct engine *engine =
	    engine_new(config, rules, ENGINE_APPLY, decided, NULL, err);

	if (engine == NULL && heal->line.text[0] == '\0' &&
	    check(heal, config, now_ms, err) && heal->line.text[0] != '\0')
		engine = engine_new(config, rules, ENGINE_APPLY, decided, NULL, err);
	if (engine != NULL && heal->line.text[0] != '\0') {
		engine_alert(engine, heal->line.text);
		heal->line.text[0] = '\0';
	}
	return engine;
}
