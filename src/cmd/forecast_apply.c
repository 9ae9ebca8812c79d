/* SPDX-License-Identifier: BSD-2-Clause */
/* What the state says of the destinations of a forecast, and their entries put into it.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/progress.h"
#include "cmd/scan_forecast.h"
#include "core/destination.h"
#include "engine/twins.h"
#include "publish/target.h"

/* --- what is known ----------------------------------------------------------------- */

static bool
is_pinned(const struct destination *d, int64_t now_ms)
{
	return d->pin.set && (d->pin.until_ms == 0 || d->pin.until_ms > now_ms);
}

/* By its own past, and that of other spellings of its name; of its MX hosts it is known
 * once they are. */
static bool
note_best(struct forecaster *f, const struct destination *d, struct foretold *item,
    struct err *err)
{
	struct destination_spans spans = {0};
	struct answers *answers = mem_new(1, sizeof(*answers));
	bool done = twins_past(f->store, item->nexthop.key, &answers->twins_past, err);

	item->best = destination_evidence(d, answers, &spans, 0, f->now_ms).best_seen;
	free(answers);
	return done;
}

static bool
recall(struct forecaster *f, struct foretold *item, struct err *err)
{
	struct destination d;
	bool found, done;

	if (!store_get(f->store, item->nexthop.key, &d, &found, err))
		return false;
	item->pinned = is_pinned(&d, f->now_ms);
	if (item->pinned)
		item->pin = demand_copy(destination_demand(&d));
	item->busy = d.alarm.raised;
	item->entered =
	    d.entry.level != LEVEL_NONE && !destination_is_forecast(&d, f->now_ms);
	if (item->entered)
		item->present = d.entry.level;
	done = note_best(f, &d, item, err);
	destination_clear(&d);
	return done;
}

/* A pinned parent is the administrator's word on all that is below; of two the one that
 * Postfix finds first, whose name is longer. */
static bool
note_parent(void *context, const struct entry *entry)
{
	struct forecaster *f = context;

	for (size_t i = 0; i < f->count && entry->level != LEVEL_NONE; i++) {
		struct foretold *item = &f->items[i];
		size_t length = strlen(entry->key);

		if (item->entered || length <= item->pin_length ||
		    !nexthop_is_below(item->nexthop.key, entry->key))
			continue;
		demand_clear(&item->pin);
		item->pin = demand_copy((struct demand){entry->level, entry->attributes});
		item->pin_length = length;
		item->pinned = true;
	}
	return true;
}

int
forecast_recall(struct forecaster *f)
{
	struct err err;
	int status = 0;

	if (access(f->config->state, F_OK) != 0)
		return 0;
	f->store = cmd_store(f->config, false, &status);
	if (f->store == NULL)
		return status;
	for (size_t i = 0; i < f->count; i++)
		if (!recall(f, &f->items[i], &err))
			return cmd_fail(EX_IOERR, "%s", err.text);
	return store_each_parent(f->store, note_parent, f, &err)
	    ? 0
	    : cmd_fail(EX_IOERR, "%s", err.text);
}

/* --- put into force ---------------------------------------------------------------- */

bool
forecast_is_applicable(const struct forecaster *f, const struct foretold *item)
{
	/* What weakens mail that goes now has its witnesses, and the daemon for them. */
	return item->entry.level != LEVEL_NONE && !item->pinned && !item->busy &&
	    !item->entered &&
	    level_promise(item->entry.level) >=
	    level_promise(forecast_level_now(f, item->seen));
}

/* Into the map, whose version is one for all of them; 0: nothing has changed yet. */
static bool
store_entry(struct store *store, const struct destination *d,
    struct decision_record *record, int64_t *version, struct err *err)
{
	if (*version == 0 && !store_map_changed(store, version, err))
		return false;
	record->destination = d->id;
	return store_decision_add(store, record, err) &&
	    store_entry_version(store, d->id, *version, err);
}

/* Inside the caller's transaction, in which it may be another than it was. An entry that
 * stays is no decision, and ends when it would have: a forecast that is made again and
 * again keeps none for longer than one. */
static bool
put(struct forecaster *f, struct store *store, struct foretold *item, int64_t *version,
    struct err *err)
{
	struct decision_record record = {.time_ms = f->now_ms,
	    .action = action_name(ACTION_SET),
	    .why = why_slug(WHY_FORECAST),
	    .rule = "",
	    .reason = "",
	    .dns_state = ""};
	struct destination d;
	struct demand before = {0};
	bool found, done = true, ours;

	if (!store_get(store, item->nexthop.key, &d, &found, err))
		return false;
	ours = destination_is_forecast(&d, f->now_ms);
	if (is_pinned(&d, f->now_ms) || d.alarm.raised ||
	    (d.entry.level != LEVEL_NONE && !ours)) {
		destination_clear(&d);
		return true;
	}
	item->stayed = ours && demand_equal(destination_demand(&d), item->entry);
	if (!item->stayed) {
		before = demand_copy(destination_demand(&d));
		destination_forecast(&d, item->entry, f->now_ms);
		record.before = before;
		record.after = destination_demand(&d);
		done = store_put(store, &d, err) &&
		    store_entry(store, &d, &record, version, err);
		demand_clear(&before);
	}
	item->applied = done;
	destination_clear(&d);
	return done;
}

static bool
put_all(struct forecaster *f, struct store *store, struct err *err)
{
	int64_t version = 0;

	for (size_t i = 0; i < f->count; i++) {
		progress_show("storing", i, f->count);
		if (forecast_is_applicable(f, &f->items[i]) &&
		    !put(f, store, &f->items[i], &version, err))
			return false;
	}
	progress_show("writing the map", 0, 0);
	return store_commit(store, err);
}

int
forecast_apply(struct forecaster *f)
{
	struct target_use use = {.config = f->config, .postfix = &f->postfix};
	struct store *store;
	struct err err;
	int status = 0;

	store = cmd_store(f->config, true, &status);
	if (store == NULL)
		return status;
	use.store = store;
	if (!store_begin(store, &err)) {
		status = cmd_fail(EX_IOERR, "%s", err.text);
	} else if (!put_all(f, store, &err)) {
		store_rollback(store);
		status = cmd_fail(EX_IOERR, "%s", err.text);
	} else {
		status = cmd_publish(&use, "entries are");
	}
	progress_end();
	store_close(store);
	return status;
}
