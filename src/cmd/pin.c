/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/pin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "base/span.h"
#include "cmd/cmd.h"
#include "cmd/page.h"
#include "cmd/progress.h"
#include "publish/target.h"
#include "store/store_sts.h"
#include "sys/clock.h"

/* What the record of decisions calls it. */
static const char *const action_names[] = {
    [PIN_SET] = "pin", [PIN_UNSET] = "unpin", [PIN_UNDO] = "undo"};

/* --- a list of them ---------------------------------------------------------------- */

struct pin *
pins_add(struct pins *pins, const struct nexthop *nexthop)
{
	struct pin *pin;

	/* Room for 2^n of them. */
	if ((pins->count & (pins->count - 1)) == 0)
		pins->items = mem_array(pins->items,
		    pins->count > 0 ? 2 * pins->count : 1, sizeof(*pins->items));
	pin = &pins->items[pins->count++];
	memset(pin, 0, sizeof(*pin));
	pin->nexthop = *nexthop;
	return pin;
}

void
pins_clear(struct pins *pins)
{
	for (size_t i = 0; i < pins->count; i++) {
		demand_clear(&pins->items[i].entry);
		demand_clear(&pins->items[i].before);
	}
	free(pins->items);
	*pins = (struct pins){.action = pins->action};
}

static int
compare(const void *a, const void *b)
{
	const struct pin *const *x = a, *const *y = b;
	int order = strcmp((*x)->nexthop.key, (*y)->nexthop.key);

	return order != 0 ? order : *x < *y ? -1 : 1;
}

bool
pins_find_twice(
    const struct pins *pins, const struct pin **first, const struct pin **second)
{
	const struct pin **sorted = mem_new(pins->count + 1, sizeof(*sorted));
	bool found = false;

	for (size_t i = 0; i < pins->count; i++)
		sorted[i] = &pins->items[i];
	qsort(sorted, pins->count, sizeof(*sorted), compare);
	for (size_t i = 1; i < pins->count && !found; i++) {
		*first = sorted[i - 1];
		*second = sorted[i];
		found = strcmp((*first)->nexthop.key, (*second)->nexthop.key) == 0;
	}
	free(sorted);
	return found;
}

int
pins_add_arguments(
    struct pins *pins, const struct command *command, char *const *names, size_t count)
{
	const struct pin *first, *second;
	struct nexthop nexthop;

	for (size_t i = 0; i < count; i++) {
		if (!cmd_key(command, names[i], &nexthop))
			return EX_USAGE;
		pins_add(pins, &nexthop);
	}
	if (pins_find_twice(pins, &first, &second))
		return cmd_usage(
		    command, "%s is named twice; leave one out", first->nexthop.key);
	return 0;
}

/* --- put into the database and the map --------------------------------------------- */

static void
pin_destination(struct destination *d, const struct pins *pins, const struct pin *pin)
{
	if (pins->action == PIN_SET || pin->gives_back)
		destination_pin(d, pin->entry, pin->until_ms, pin->note, pins->now_ms);
	else if (pins->action == PIN_UNDO)
		destination_undo(d, pin->entry, pin->until_ms, pins->now_ms);
	else
		destination_unpin(d, pins->now_ms);
}

/* With its record; inside the caller's transaction. */
static bool
pin_store(struct store *store, const struct pins *pins, struct pin *pin, int64_t version,
    struct err *err)
{
	struct decision_record record = {.time_ms = pins->now_ms,
	    .action = action_names[pins->action],
	    .rule = "",
	    .reason = "",
	    .dns_state = ""};
	struct destination_pin was;
	struct destination d;
	bool found, done;

	if (!store_get(store, pin->nexthop.key, &d, &found, err))
		return false;
	demand_clear(&pin->before);
	pin->before = demand_copy(destination_demand(&d));
	was = d.pin;
	pin_destination(&d, pins, pin);
	/* A policy that was kept out by the pin is no news any more. */
	done = store_put(store, &d, err) &&
	    (d.pin.set || store_sts_keep_look(store, d.id, pins->now_ms, err)) &&
	    (pin->nexthop.key[0] != '.' ||
	        store_look_below(store, pin->nexthop.key, pins->now_ms, err));
	record.destination = d.id;
	record.before = pin->before;
	record.after = destination_demand(&d);
	record.why = why_slug(d.why);
	record.was_pinned = was.set && (was.until_ms == 0 || was.until_ms > pins->now_ms);
	record.was_until_ms = was.until_ms;
	record.was_note = was.note;
	done = done && store_decision_add(store, &record, err) &&
	    store_entry_version(store, d.id, version, err) &&
	    store_waiting_release(store, d.id, version, 0, true, err);
	destination_clear(&d);
	return done;
}

/* All that cannot be are reported, not the first alone. */
static bool
choose_all(struct store *store, struct pins *pins, pin_choose_fn *choose, void *context,
    int *status)
{
	bool good = true;

	for (size_t i = 0; i < pins->count && choose != NULL; i++)
		good = choose(context, store, &pins->items[i], status) && good;
	return good;
}

static bool
store_all(struct store *store, struct pins *pins, struct err *err)
{
	int64_t version;

	if (!store_map_changed(store, &version, err))
		return false;
	for (size_t i = 0; i < pins->count; i++) {
		progress_show("storing", i, pins->count);
		if (!pin_store(store, pins, &pins->items[i], version, err))
			return false;
	}
	progress_show("writing the map", 0, 0);
	return store_commit(store, err);
}

int
pins_apply(
    const struct config *config, struct pins *pins, pin_choose_fn *choose, void *context)
{
	struct postfix postfix = cmd_postfix(config);
	struct target_use use = {.config = config, .postfix = &postfix};
	struct store *store;
	struct err err;
	int status = 0;

	store = cmd_store(config, pins->action != PIN_UNDO, &status);
	if (store == NULL)
		return status;
	use.store = store;
	if (!store_begin(store, &err)) {
		status = cmd_fail(EX_IOERR, "%s", err.text);
	} else if (!choose_all(store, pins, choose, context, &status)) {
		store_rollback(store);
	} else if (!store_all(store, pins, &err)) {
		store_rollback(store);
		status = cmd_fail(EX_IOERR, "%s", err.text);
	} else {
		status = cmd_publish(&use, "entry is");
	}
	progress_end();
	store_close(store);
	return status;
}

/* --- what was done ----------------------------------------------------------------- */

static void
print_end(const struct pins *pins, const struct pin *pin, struct buf *out)
{
	if (pins->action == PIN_UNSET) {
		buf_printf(out, ", the ladder decides");
	} else if (pins->action == PIN_UNDO && !pin->gives_back) {
		buf_printf(out, " for a day");
	} else if (pin->until_ms == 0) {
		buf_printf(out, ", pinned");
	} else if (pins->action == PIN_SET) {
		buf_printf(out, ", pinned for ");
		buf_add_span(out, pin->until_ms - pins->now_ms);
	} else {
		buf_printf(
		    out, pin->entry.level != LEVEL_NONE ? ", pinned until " : " until ");
		page_add_moment(out, pin->until_ms);
	}
}

int
pins_print(const struct pins *pins)
{
	struct buf out = {0};

	for (size_t i = 0; i < pins->count; i++) {
		const struct pin *pin = &pins->items[i];

		buf_add_visible(&out, str_of(pin->nexthop.key));
		buf_printf(&out, ": %s -> ", level_name(pin->before.level));
		if (pins->action == PIN_UNSET)
			buf_printf(&out, "none");
		else
			demand_print(pin->entry, &out);
		print_end(pins, pin, &out);
		buf_add_char(&out, '\n');
	}
	page_print_whole(&out);
	buf_clear(&out);
	/* Who closed it does not want to know. */
	return fflush(stdout) != 0 && errno == EBADF ? 0 : cmd_flush();
}
