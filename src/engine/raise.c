/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/raise.h"

#include "base/strings.h"
#include "engine/alerts.h"
#include "engine/engine_impl.h"

#define RAISE_MAX 512 /* at once */

struct below {
	enum level lowest;
	struct strings keys;
};

static bool
add_below(void *context, const struct entry *entry)
{
	struct below *below = context;

	if (!entry->pinned && entry->level != LEVEL_UNKNOWN &&
	    level_promise(entry->level) < below->lowest)
		strings_add(&below->keys, str_of(entry->key));
	return below->keys.count < RAISE_MAX;
}

/* What cannot be judged without an answer is due, as all others are. */
static bool
judge(
    struct engine *e, struct destination *d, int64_t now_ms, bool *waits, struct err *err)
{
	bool was_read = d->alarm.raised && d->alarm.pending, done = true, kept;
	struct judged judged;

	if (!engine_is_policy_kept(e, d, &kept, err))
		return false;
	if (kept || !judge_destination(&e->judge, d, NULL, now_ms, &judged))
		return true;
	*waits = engine_rests_on_old_settings(e, &judged);
	if (!*waits)
		done = engine_take_judged(e, d, &judged, was_read, now_ms, err);
	judged_clear(&judged);
	return done;
}

static bool
raise_one(struct engine *e, const char *key, int64_t now_ms, bool *waits, struct err *err)
{
	struct destination d;
	bool found, done;

	if (!store_get(e->store, key, &d, &found, err))
		return false;
	done = !found || judge(e, &d, now_ms, waits, err);
	destination_clear(&d);
	return done;
}

/* Until it waits for Postfix's settings, by which all of them are judged. */
static bool
raise_all(struct engine *e, const struct strings *keys, bool *waits, struct err *err)
{
	int64_t now_ms = engine_now(e).wall_ms;
	bool done = store_begin(e->store, err) && engine_mind_freeze(e, now_ms, err) &&
	    engine_mind_parents(e, err);

	for (size_t i = 0; done && !*waits && i < keys->count; i++)
		done = raise_one(e, keys->items[i], now_ms, waits, err);
	done = done && store_commit(e->store, err);
	engine_alerts_stored(e, done);
	return done;
}

/* Those behind raise->after. */
static bool
raise_some(struct engine *e, struct raise *raise, struct below *below, struct err *err)
{
	raise->waits = false;
	if (!store_each_entry_after(e->store, raise->after, add_below, below, err) ||
	    (below->keys.count > 0 && !raise_all(e, &below->keys, &raise->waits, err)))
		return false;
	raise->done = below->keys.count < RAISE_MAX && !raise->waits;
	if (!raise->done && !raise->waits)
		str_copy(str_of(below->keys.items[RAISE_MAX - 1]), raise->after,
		    sizeof(raise->after));
	return true;
}

bool
engine_raise(struct engine *e, struct raise *raise, struct err *err)
{
	struct below below = {.lowest = e->config->ladder.lowest};
	bool done;

	raise->done = raise->done || e->driver.once;
	if (raise->done)
		return true;
	raise->minded = raise->minded || engine_mind_config(e, err);
	done = raise->minded && raise_some(e, raise, &below, err);
	strings_clear(&below.keys);
	return done;
}
