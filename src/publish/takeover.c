/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/takeover.h"

#include "base/span.h"
#include "publish/mapread.h"
#include "publish/target_map.h"
#include "publish/textmap.h"

/* Counters of the state. */
#define AT_MS   "taken-over-ms"
#define ENTRIES "taken-over-entries"
#define PINS    "taken-over-pins"

#define UNDONE_MS SPAN_DAY_MS /* an undone decision, where the text has no end */

static bool
count(void *context, const struct mapread_line *line, struct err *err)
{
	struct takeover *out = context;

	(void)err;
	if (line->entry != NULL) {
		out->entries++;
		out->pins += line->entry->pin.set;
	}
	return true;
}

/* --- is it called for? -------------------------------------------------------------- */

bool
takeover_is_new(struct store *store, bool *new, struct err *err)
{
	struct target_state map;
	int64_t at_ms;

	if (!store_target_get(store, STORE_MAP, &map, err) ||
	    !store_counter_get(store, AT_MS, &at_ms, err))
		return false;
	*new = map.version == 0 && at_ms == 0;
	return true;
}

/* The header says so, or else the state proves it: it has the mark of the database. */
static bool
is_ours(struct store *store, const struct config *config)
{
	return textmap_is_ours(config->map.file) ||
	    (store != NULL && target_map_is_marked(store, config->map.file));
}

bool
takeover_wanted(struct store *store, const struct config *config, struct takeover *out,
    struct err *err)
{
	bool new = true;

	*out = (struct takeover){0};
	if (store != NULL && !takeover_is_new(store, &new, err))
		return false;
	if (!new || !is_ours(store, config))
		return true;
	return mapread_each(config->map.file, count, out, err);
}

/* --- taking over -------------------------------------------------------------------- */

struct taking {
	struct store *store;
	const struct config *config;
	int64_t now_ms;
	struct takeover taken;
};

int64_t
takeover_look_ms(const struct config *config, const char *key, int64_t now_ms)
{
	int64_t half_ms = config->ladder.recheck_ms / 2;
	uint32_t hash = 2166136261U;

	for (const char *p = key; *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619U;
	return now_ms + half_ms + half_ms * (int64_t)(hash % 1000) / 1000;
}

static bool
record(struct taking *taking, const struct destination *d, struct err *err)
{
	const struct decision_record record = {
	    .destination = d->id,
	    .time_ms = taking->now_ms,
	    .action = "take over",
	    .before = demand_of(LEVEL_NONE),
	    .after = destination_demand(d),
	    .why = why_slug(d->why),
	    .rule = "",
	    .reason = "",
	    .dns_state = "",
	};

	return store_decision_add(taking->store, &record, err);
}

/* An undone decision counts for a while, where the text has no end of it. */
static struct destination_pin
pin_of(const struct mapread *found, int64_t now_ms)
{
	struct destination_pin pin = found->pin;

	if (found->why == WHY_UNDONE && pin.until_ms == 0)
		pin.until_ms = now_ms + UNDONE_MS;
	return pin;
}

static bool
take(void *context, const struct mapread_line *line, struct err *err)
{
	struct taking *taking = context;
	const struct mapread *found = line->entry;
	struct destination_pin pin;
	struct destination d;
	bool known, done = true;

	if (found == NULL)
		return true;
	if (!store_get(taking->store, found->key, &d, &known, err))
		return false;
	if (!known) {
		pin = pin_of(found, taking->now_ms);
		destination_adopt(&d,
		    (struct demand){found->level, buf_text(&found->attributes)},
		    found->why, &pin, taking->config->ladder.recheck_ms,
		    takeover_look_ms(taking->config, found->key, taking->now_ms),
		    taking->now_ms);
		done = store_put(taking->store, &d, err) && record(taking, &d, err);
		count(&taking->taken, line, err);
	}
	destination_clear(&d);
	return done;
}

/* Inside a transaction, which another process may have been faster to begin. */
static bool
take_all(struct taking *taking, struct err *err)
{
	struct store *store = taking->store;
	int64_t version;
	bool new;

	if (!takeover_is_new(store, &new, err))
		return false;
	return !new ||
	    (mapread_each(taking->config->map.file, take, taking, err) &&
	        store_map_changed(store, &version, err) &&
	        store_counter_set(store, AT_MS, taking->now_ms, err) &&
	        store_counter_set(store, ENTRIES, (int64_t)taking->taken.entries, err) &&
	        store_counter_set(store, PINS, (int64_t)taking->taken.pins, err));
}

bool
takeover(struct store *store, const struct config *config, int64_t now_ms,
    struct takeover *out, struct err *err)
{
	struct taking taking = {store, config, now_ms, {0}};

	if (!takeover_wanted(store, config, out, err))
		return false;
	if (out->entries == 0)
		return true;
	*out = (struct takeover){0};
	if (!store_begin(store, err))
		return false;
	if (!take_all(&taking, err) || !store_commit(store, err)) {
		store_rollback(store);
		return err_wrap(
		    err, "cannot take over the entries of %s", config->map.file);
	}
	*out = taking.taken;
	return true;
}

bool
takeover_last(struct store *store, int64_t *at_ms, struct takeover *out, struct err *err)
{
	int64_t entries, pins;

	if (!store_counter_get(store, AT_MS, at_ms, err) ||
	    !store_counter_get(store, ENTRIES, &entries, err) ||
	    !store_counter_get(store, PINS, &pins, err))
		return false;
	*out = (struct takeover){(size_t)entries, (size_t)pins};
	return true;
}

void
takeover_print(const struct config *config, const struct takeover *taken, struct buf *out)
{
	buf_printf(out,
	    "the state %s was missing or empty: %zu %s, %zu of them pinned, taken over "
	    "from %s; what was known beside them is lost",
	    config->state, taken->entries, taken->entries == 1 ? "entry" : "entries",
	    taken->pins, config->map.file);
}
