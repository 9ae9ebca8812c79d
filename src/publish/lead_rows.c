/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/lead_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/destination.h"
#include "publish/table_batch.h"
#include "publish/table_listing.h"
#include "publish/takeover.h"
#include "store/store_published.h"

struct taking {
	const struct config *config;
	const struct publisher *publisher;
	struct store *store;
	int64_t now_ms;
	struct buf name; /* of the publisher */
	int64_t version; /* of the entries that change; 0: none yet */
	size_t changed;
	char **unlisted; /* keys of entries without a row */
	size_t unlisted_count;
	struct buf texts;
	struct err *err;
	bool failed;
};

/* --- one destination ---------------------------------------------------------------- */

static bool
store_changed(struct taking *t, struct destination *d, struct demand before)
{
	const struct decision_record record = {
	    .time_ms = t->now_ms,
	    .action = "take over",
	    .before = before,
	    .after = destination_demand(d),
	    .why = why_slug(WHY_TAKEN_OVER),
	    .rule = "",
	    .reason = "",
	    .dns_state = "",
	};
	struct decision_record of = record;

	if ((t->version == 0 && !store_map_changed(t->store, &t->version, t->err)) ||
	    !store_put(t->store, d, t->err))
		return false;
	of.destination = d->id;
	t->changed++;
	return store_decision_add(t->store, &of, t->err) &&
	    store_entry_version(t->store, d->id, t->version, t->err) &&
	    store_waiting_release(t->store, d->id, t->version, 0, true, t->err);
}

/* Was that entry in the table when we led? A pin that was is as old as that: what the
 * table says now was said after it. */
static bool
was_there(struct taking *t, const char *key, struct demand had, bool *was)
{
	const struct entry entry = {
	    .key = key, .level = had.level, .attributes = demand_attributes(had)};
	const struct published_want want = table_want(t->publisher, &entry);
	struct published p;

	if (!rows_is_key(str_of(key))) {
		*was = false;
		return true;
	}
	if (!store_published_get(t->store, buf_text(&t->name), key, &p, t->err))
		return false;
	*was = p.state == PUBLISHED_OURS && want.text.level[0] != '\0' &&
	    strcmp(p.row.level, want.text.level) == 0 &&
	    strcmp(p.row.attributes, want.text.attributes) == 0;
	return true;
}

static bool
is_same(const struct destination *d, struct demand entry, const struct rows_owner *owner)
{
	int64_t apart_ms = owner->until_ms - d->pin.until_ms;

	if (d->pin.set != owner->is_pinned || !demand_equal(destination_demand(d), entry))
		return false;
	/* The table has whole seconds; 0 is no end. */
	return !d->pin.set || apart_ms == 0 ||
	    (d->pin.until_ms != 0 && apart_ms > 0 && apart_ms < SPAN_SECOND_MS);
}

/* What weakens the entry that we had, or what the settings forbid, is looked at now. */
static int64_t
look_ms(const struct taking *t, const struct destination *d, struct demand entry)
{
	enum level promise = level_promise(entry.level);

	return promise < t->config->ladder.lowest || promise < t->publisher->lowest ||
	        promise < level_promise(d->entry.level)
	    ? t->now_ms
	    : takeover_look_ms(t->config, d->key, t->now_ms);
}

static void
adopt(const struct taking *t, struct destination *d, struct demand entry,
    const struct rows_owner *owner)
{
	struct destination_pin pin = {
	    .set = owner->is_pinned, .until_ms = owner->until_ms};

	if (pin.set && d->pin.set && demand_equal(destination_demand(d), entry))
		str_copy(str_of(d->pin.note), pin.note, sizeof(pin.note));
	if (entry.level == LEVEL_NONE) {
		destination_unpin(d, t->now_ms);
		return;
	}
	destination_stood_by(d, entry.level);
	destination_adopt(d, entry, pin.set ? WHY_PINNED : WHY_TAKEN_OVER, &pin,
	    t->config->ladder.recheck_ms, look_ms(t, d, entry), t->now_ms);
}

/* A pin of ours that was never in the table is of somebody who set it here meanwhile. */
static bool
set_entry(struct taking *t, const char *key, struct demand entry,
    const struct rows_owner *owner)
{
	struct demand before;
	struct destination d;
	bool known, yields = true, done = true;

	if (!store_get(t->store, key, &d, &known, t->err))
		return false;
	if (d.pin.set && !owner->is_pinned)
		done = was_there(t, key, destination_demand(&d), &yields);
	if (done && yields && !is_same(&d, entry, owner)) {
		before = demand_copy(destination_demand(&d));
		adopt(t, &d, entry, owner);
		done = store_changed(t, &d, before);
		demand_clear(&before);
	}
	destination_clear(&d);
	return done;
}

/* --- all of them -------------------------------------------------------------------- */

/* We know it as ours then, and may change it. */
static bool
note_row(
    struct taking *t, const char *key, struct demand entry, const struct rows_row *row)
{
	const struct entry as = {
	    .key = key, .level = entry.level, .attributes = demand_attributes(entry)};
	const struct published_want want = table_want(t->publisher, &as);
	struct published p;

	published_init(&p, key);
	return !published_adopt(&p, &want, row, t->now_ms) ||
	    store_published_put(t->store, buf_text(&t->name), &p, t->err);
}

/* A row of no entry that there can be is the administrator's, whoever is said to own it.
 */
static bool
take_row(void *context, const char *key, const struct rows_row *row)
{
	struct taking *t = context;
	char attributes[ROWS_ATTRIBUTES_MAX + 1];
	struct demand entry = {.attributes = attributes};
	struct rows_owner owner = rows_owner_parse(row->owner);

	if (!row->active || !level_parse(row->level, &entry.level) ||
	    entry.level == LEVEL_NONE || row->attributes.len >= sizeof(attributes))
		return true;
	str_copy(row->attributes, attributes, sizeof(attributes));
	/* Of ".example.org" and the like there are only pins. */
	owner.is_pinned = owner.is_pinned || key[0] == '.';
	t->failed = !set_entry(t, key, entry, &owner) || !note_row(t, key, entry, row);
	return !t->failed;
}

static bool
note_unlisted(void *context, const struct entry *entry)
{
	struct taking *t = context;
	struct rows_row row;
	bool found;

	if (!rows_is_key(str_of(entry->key)) ||
	    table_want(t->publisher, entry).text.level[0] == '\0')
		return true;
	t->failed =
	    !store_listing_get(t->store, entry->key, &t->texts, &row, &found, t->err);
	if (t->failed || (found && row.active))
		return !t->failed;
	t->unlisted = mem_array(t->unlisted, t->unlisted_count + 1, sizeof(*t->unlisted));
	t->unlisted[t->unlisted_count++] = mem_strdup(entry->key);
	return true;
}

static bool
end_unlisted(struct taking *t)
{
	static const struct rows_owner nobody = {.is_ours = false};
	bool done = true;

	for (size_t i = 0; done && i < t->unlisted_count; i++)
		done = set_entry(t, t->unlisted[i], demand_of(LEVEL_NONE), &nobody);
	return done;
}

static bool
take_all(struct taking *t)
{
	return store_each_listed(t->store, take_row, t, t->err) && !t->failed &&
	    store_each_entry(t->store, note_unlisted, t, t->err) && !t->failed &&
	    end_unlisted(t);
}

bool
lead_rows_take(const struct config *config, const struct publisher *publisher,
    struct store *store, int64_t now_ms, int stop_fd, size_t *changed, struct err *err)
{
	struct taking t = {.config = config,
	    .publisher = publisher,
	    .store = store,
	    .now_ms = now_ms,
	    .err = err};
	bool restored;
	bool done =
	    table_listing_read(publisher, store, stop_fd, err) && store_begin(store, err);

	if (!done)
		return false;
	publisher_print_name(publisher, &t.name);
	/* What is older than what we had is no decision of who led before. */
	done = table_restored(publisher, store, true, now_ms, &restored, err) &&
	    (restored || take_all(&t)) && store_commit(store, err);
	if (done)
		*changed += t.changed;
	else
		store_rollback(store);
	for (size_t i = 0; i < t.unlisted_count; i++)
		free(t.unlisted[i]);
	free(t.unlisted);
	buf_clear(&t.name);
	buf_clear(&t.texts);
	return done;
}
