/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/pin.h"

#include <sysexits.h>

#include "cmd/cmd.h"
#include "publish/target.h"
#include "sys/clock.h"

/* What the record of decisions calls it. */
static const char *const action_names[] = {
    [PIN_SET] = "pin", [PIN_UNSET] = "unpin", [PIN_UNDO] = "undo"};

static void
pin_destination(struct destination *d, const struct pin *pin, int64_t now_ms)
{
	int64_t until_ms = pin->for_ms > 0 ? now_ms + pin->for_ms : 0;

	if (pin->action == PIN_SET)
		destination_pin(d, pin->entry, until_ms, pin->note, now_ms);
	else if (pin->action == PIN_UNDO)
		destination_undo(d, pin->entry, until_ms, now_ms);
	else
		destination_unpin(d, now_ms);
}

/* With its record; inside the caller's transaction. */
static bool
pin_store(struct store *store, const struct pin *pin, int64_t now_ms, struct err *err)
{
	struct decision_record record = {.time_ms = now_ms,
	    .action = action_names[pin->action],
	    .rule = "",
	    .reason = "",
	    .dns_state = ""};
	struct demand before;
	struct destination d;
	int64_t version;
	bool found, done;

	if (!store_get(store, pin->key, &d, &found, err))
		return false;
	before = demand_copy(destination_demand(&d));
	pin_destination(&d, pin, now_ms);
	done = store_put(store, &d, err);
	record.destination = d.id;
	record.before = before;
	record.after = destination_demand(&d);
	record.why = why_slug(d.why);
	done = done && store_decision_add(store, &record, err) &&
	    store_map_changed(store, &version, err) &&
	    store_entry_version(store, d.id, version, err) &&
	    store_waiting_release(store, d.id, version, 0, true, err);
	destination_clear(&d);
	demand_clear(&before);
	return done;
}

int
pin_apply(
    const struct config *config, struct pin *pin, pin_choose_fn *choose, void *context)
{
	struct postfix postfix = cmd_postfix(config);
	struct target_use use = {.config = config, .postfix = &postfix};
	struct published published;
	struct store *store;
	struct err err;
	int status = 0;

	store = cmd_store(config, choose == NULL, &status);
	if (store == NULL)
		return status;
	use.store = store;
	if (!store_begin(store, &err)) {
		status = cmd_fail(EX_IOERR, "%s", err.text);
	} else if (choose != NULL && !choose(context, store, pin, &status)) {
		store_rollback(store);
	} else if (!pin_store(store, pin, clock_wall_ms(), &err) ||
	    !store_commit(store, &err)) {
		store_rollback(store);
		status = cmd_fail(EX_IOERR, "%s", err.text);
	} else if (!targets_publish(
	               targets, target_count, &use, false, &published, &err)) {
		status = cmd_fail(EX_CANTCREAT,
		    "the entry is stored, but the map is not exported: %s", err.text);
	}
	store_close(store);
	return status;
}
