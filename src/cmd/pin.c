/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/pin.h"

#include <string.h>
#include <sysexits.h>

#include "cmd/cmd.h"
#include "engine/chores.h"
#include "sys/clock.h"

static void
pin_destination(struct destination *d, const struct pin *pin, int64_t now_ms)
{
	d->entry.level = pin->level;
	d->pin.set = pin->pinned;
	d->pin.until_ms = d->pin.set && pin->for_ms > 0 ? now_ms + pin->for_ms : 0;
	str_copy(
	    str_of(pin->attributes), d->entry.attributes, sizeof(d->entry.attributes));
	str_copy(str_of(pin->note), d->pin.note, sizeof(d->pin.note));
	d->why = pin->why;
	d->entry.why = pin->level != LEVEL_NONE ? pin->why : WHY_NONE;
	d->entry.since_ms = now_ms;
	d->entry.force_ms = LADDER_NOT_YET;
	d->alarm.attempts = 0;
	d->alarm.first_attempt_ms = 0;
	d->alarm.last_attempt_ms = 0;
	d->look_ms = d->pin.until_ms;
	d->entry.lease_ms = 0;
	d->entry.lease_end_ms = d->pin.until_ms;
	d->hold.level = LEVEL_NONE;
	d->hold.since_ms = 0;
	d->entry.trial = LEVEL_NONE;
	d->entry.dane_absent_ms = 0;
	/* What waits is tried again under the new level, and judged anew if it fails. */
	d->alarm.pending = false;
}

/* With its record; inside the caller's transaction. */
static bool
pin_store(struct store *store, const struct pin *pin, int64_t now_ms, struct err *err)
{
	struct decision_record record = {.time_ms = now_ms,
	    .action = pin->action,
	    .why = why_slug(pin->why),
	    .rule = "",
	    .reason = "",
	    .dns_state = "",
	    .after = level_name(pin->level),
	    .after_attributes = pin->attributes};
	char attributes[STORE_ATTRIBUTES_SIZE];
	struct destination d;
	int64_t version;
	bool found;

	if (!store_get(store, pin->key, &d, &found, err))
		return false;
	if (!found)
		destination_init(&d, pin->key);
	record.before = level_name(d.entry.level);
	memcpy(attributes, d.entry.attributes, sizeof(attributes));
	record.before_attributes = attributes;
	pin_destination(&d, pin, now_ms);
	if (!store_put(store, &d, err))
		return false;
	record.destination = d.id;
	return store_decision_add(store, &record, err) &&
	    store_map_changed(store, &version, err) &&
	    store_entry_version(store, d.id, version, err) &&
	    store_waiting_release(store, d.id, version, 0, true, err);
}

int
pin_apply(
    const struct config *config, struct pin *pin, pin_choose_fn *choose, void *context)
{
	struct postfix postfix = cmd_postfix(config);
	struct store *store;
	struct err err;
	int64_t version;
	size_t entries;
	int status = 0;

	store = cmd_store(config, choose == NULL, &status);
	if (store == NULL)
		return status;
	if (!store_begin(store, &err)) {
		status = cmd_fail(EX_IOERR, "%s", err.text);
	} else if (choose != NULL && !choose(context, store, pin, &status)) {
		store_rollback(store);
	} else if (!pin_store(store, pin, clock_wall_ms(), &err) ||
	    !store_commit(store, &err)) {
		store_rollback(store);
		status = cmd_fail(EX_IOERR, "%s", err.text);
	} else if (!chore_export(
	               config, &postfix, store, false, &version, &entries, &err)) {
		status = cmd_fail(EX_CANTCREAT,
		    "the entry is stored, but the map is not exported: %s", err.text);
	}
	store_close(store);
	return status;
}
