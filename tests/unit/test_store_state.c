/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to be judged; the map's versions, counters and positions. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "storekit.h"

#define NOW_MS (INT64_C(1795483619) * 1000)

/* --- what to judge ----------------------------------------------------------------- */

static void
put_pending(struct store *store, const char *key, int64_t deferral_ms, int64_t look_ms)
{
	struct destination d;

	destination_init(&d, key);
	d.alarm.pending = deferral_ms != 0;
	d.alarm.time_ms = deferral_ms;
	d.look_ms = look_ms;
	kit_put(store, &d);
}

struct ids {
	int64_t ids[8];
	size_t count;
};

static void
add_id(void *context, int64_t id, const char *key)
{
	struct ids *ids = context;

	(void)key;
	assert_true(ids->count < 8);
	ids->ids[ids->count++] = id;
}

static void
pending_come_oldest_first(void **state)
{
	struct store *store = kit_scratch();
	struct ids all = {.count = 0}, two = {.count = 0};
	struct store_place first = {0}, at = {0};
	size_t count;

	(void)state;
	put_pending(store, "third.test", 300, 0);
	put_pending(store, "none.test", 0, 0);
	put_pending(store, "first.test", 100, 0);
	put_pending(store, "second.test", 200, 0);
	assert_true(
	    store_each_pending(store, false, &first, 8, add_id, &all, &count, &kit_err));
	assert_int_equal(count, 3);
	assert_int_equal(all.count, 3);
	assert_int_equal(all.ids[0], kit_get(store, "first.test").id);
	assert_int_equal(all.ids[1], kit_get(store, "second.test").id);
	assert_int_equal(all.ids[2], kit_get(store, "third.test").id);
	assert_true(
	    store_each_pending(store, false, &at, 2, add_id, &two, &count, &kit_err));
	assert_int_equal(two.count, 2);
	assert_int_equal(two.ids[0], kit_get(store, "first.test").id);
	assert_true(
	    store_each_pending(store, false, &at, 2, add_id, &two, &count, &kit_err));
	assert_int_equal(count, 1);
	assert_int_equal(two.ids[2], kit_get(store, "third.test").id);
	two.count = 0;
	assert_true(store_each_pending_newest(store, 2, add_id, &two, &kit_err));
	assert_int_equal(two.count, 2);
	assert_int_equal(two.ids[0], kit_get(store, "third.test").id);
	assert_int_equal(two.ids[1], kit_get(store, "second.test").id);
	store_close(store);
}

static void
add_due_id(void *context, int64_t id, const char *key, bool known)
{
	assert_false(known);
	add_id(context, id, key);
}

/* All that are due, so many at a time. */
static struct ids
due_at(struct store *store, bool waits, int64_t now_ms, size_t most)
{
	struct store_place at = {0};
	struct ids due = {.count = 0};
	size_t count;

	do {
		assert_true(store_each_due(
		    store, waits, now_ms, &at, most, add_due_id, &due, &count, &kit_err));
	} while (count == most);
	return due;
}

static void
due_are_those_whose_time_is_over(void **state)
{
	struct store *store = kit_scratch();
	struct ids due;
	int64_t at_ms;

	(void)state;
	assert_true(store_next_due(store, 0, &at_ms, &kit_err));
	assert_int_equal(at_ms, 0);
	put_pending(store, "never.test", 0, 0);
	put_pending(store, "later.test", 0, 3000);
	put_pending(store, "now.test", 0, 2000);
	put_pending(store, "before.test", 0, 1000);
	due = due_at(store, false, 2000, 8);
	assert_int_equal(due.count, 2);
	assert_int_equal(due.ids[0], kit_get(store, "before.test").id);
	assert_int_equal(due.ids[1], kit_get(store, "now.test").id);
	assert_int_equal(due_at(store, false, 2000, 1).count, 2); /* one behind another */
	assert_int_equal(due_at(store, false, 999, 8).count, 0);
	assert_true(store_next_due(store, 0, &at_ms, &kit_err));
	assert_int_equal(at_ms, 1000);
	assert_true(store_next_due(store, 1000, &at_ms, &kit_err));
	assert_int_equal(at_ms, 2000);
	assert_true(store_next_due(store, 3000, &at_ms, &kit_err));
	assert_int_equal(at_ms, 0);
	store_close(store);
}

/* Neither keeps the other waiting: who asks has both. */
static void
mail_that_waits_is_due_by_itself(void **state)
{
	struct store *store = kit_scratch();
	struct destination d;
	struct ids due;

	(void)state;
	put_pending(store, "before.test", 0, 1000);
	put_pending(store, "now.test", 0, 2000);
	destination_init(&d, "waits.test");
	d.alarm.raised = true;
	d.look_ms = 2000;
	kit_put(store, &d);
	due = due_at(store, true, 2000, 8);
	assert_int_equal(due.count, 1);
	assert_int_equal(due.ids[0], kit_get(store, "waits.test").id);
	due = due_at(store, false, 2000, 8);
	assert_int_equal(due.count, 2);
	assert_int_equal(due.ids[0], kit_get(store, "before.test").id);
	store_close(store);
}

struct keys {
	struct buf text;
	size_t most; /* stop at so many; 0: never */
	size_t count;
};

static bool
add_key(void *context, const struct destination *d)
{
	struct keys *keys = context;

	buf_printf(&keys->text, "%s ", d->key);
	return ++keys->count != keys->most;
}

static bool
add_entry(void *context, const struct entry *entry)
{
	struct keys *keys = context;

	buf_printf(&keys->text, "%s=%s ", entry->key, level_name(entry->level));
	return ++keys->count != keys->most;
}

static void
assert_keys(struct keys *keys, const char *expected)
{
	assert_string_equal(buf_text(&keys->text), expected);
	buf_clear(&keys->text);
	keys->count = 0;
}

static void
put_entry(struct store *store, const char *key, enum level level, int64_t since_ms)
{
	struct destination d;

	destination_init(&d, key);
	d.entry.level = level;
	d.entry.since_ms = since_ms;
	kit_put(store, &d);
}

static void
entries_come_by_their_keys(void **state)
{
	struct store *store = kit_scratch();
	struct keys keys = {0};

	(void)state;
	put_entry(store, "z.test", LEVEL_MAY, 10);
	put_entry(store, "none.test", LEVEL_NONE, 20);
	put_entry(store, "[a.test]:25", LEVEL_ENCRYPT, 30);
	put_entry(store, "m.test", LEVEL_DANE_ONLY, 40);
	assert_true(store_each_entry(store, add_entry, &keys, &kit_err));
	assert_keys(&keys, "[a.test]:25=encrypt m.test=dane-only z.test=may ");
	keys.most = 2;
	assert_true(store_each_entry(store, add_entry, &keys, &kit_err));
	assert_keys(&keys, "[a.test]:25=encrypt m.test=dane-only ");
	keys.most = 0; /* that it stopped early leaves nothing behind */
	assert_true(store_each_entry(store, add_entry, &keys, &kit_err));
	assert_keys(&keys, "[a.test]:25=encrypt m.test=dane-only z.test=may ");
	put_pending(store, "deferred.test", 35, 0);
	assert_true(store_each_touched(store, 30, add_key, &keys, &kit_err));
	assert_keys(&keys, "[a.test]:25 deferred.test m.test ");
	store_close(store);
}

static void
changes_come_with_their_version(void **state)
{
	static const struct {
		const char *key;
		enum level level;
		int64_t version;
	} rows[] = {{"never.test", LEVEL_NONE, 0}, {"old.test", LEVEL_MAY, 3},
	    {"new.test", LEVEL_ENCRYPT, 5}, {"gone.test", LEVEL_NONE, 4}};
	struct store *store = kit_scratch();
	struct keys keys = {0};
	int64_t count;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_entry(store, rows[i].key, rows[i].level, 1);
		assert_true(store_entry_version(
		    store, kit_get(store, rows[i].key).id, rows[i].version, &kit_err));
	}
	assert_true(store_each_change(store, 3, add_entry, &keys, &kit_err));
	assert_keys(&keys, "gone.test=none new.test=encrypt ");
	assert_true(store_each_change(store, 5, add_entry, &keys, &kit_err));
	assert_keys(&keys, "");
	assert_true(store_entry_count(store, &count, &kit_err));
	assert_int_equal(count, 2);
	store_close(store);
}

/* --- the map ----------------------------------------------------------------------- */

static void
assert_versions(struct store *store, int64_t version, int64_t exported)
{
	int64_t v, e;

	assert_true(store_map_versions(store, &v, &e, &kit_err));
	assert_int_equal(v, version);
	assert_int_equal(e, exported);
}

static void
put_forced(struct store *store, const char *key, int64_t force_ms)
{
	struct destination d;

	destination_init(&d, key);
	d.entry.force_ms = force_ms;
	kit_put(store, &d);
}

static void
in_force_once_exported(void **state)
{
	struct store *store = kit_scratch();
	int64_t version;

	(void)state;
	assert_versions(store, 0, 0);
	put_forced(store, "ever.test", 0);
	put_forced(store, "old.test", 1000);
	put_forced(store, "new.test", LADDER_NOT_YET);
	put_forced(store, "newer.test", LADDER_NOT_YET);
	assert_true(store_map_changed(store, &version, &kit_err));
	assert_int_equal(version, 1);
	assert_true(store_map_changed(store, &version, &kit_err));
	assert_int_equal(version, 2);
	assert_true(store_map_exported(store, STORE_MAP, 2, NOW_MS, &kit_err));
	assert_versions(store, 2, 2);
	assert_int_equal(kit_get(store, "ever.test").entry.force_ms, 0);
	assert_int_equal(kit_get(store, "old.test").entry.force_ms, 1000);
	assert_int_equal(kit_get(store, "new.test").entry.force_ms, NOW_MS);
	assert_int_equal(kit_get(store, "newer.test").entry.force_ms, NOW_MS);
	store_close(store);
}

/* An entry is changed, with the version of the map that it comes with. */
static void
change(struct store *store, const char *key)
{
	int64_t version;

	put_forced(store, key, LADDER_NOT_YET);
	assert_true(store_map_changed(store, &version, &kit_err));
	assert_true(
	    store_entry_version(store, kit_get(store, key).id, version, &kit_err));
}

/* While mail to new destinations keeps coming, every map is out of date when it is
 * built. What is in it is in force all the same. */
static void
changed_while_exported_is_not_in_force(void **state)
{
	struct store *store = kit_scratch();

	(void)state;
	change(store, "soon.test");
	change(store, "late.test");
	assert_true(store_map_exported(store, STORE_MAP, 1, NOW_MS, &kit_err));
	assert_versions(store, 2, 1);
	assert_int_equal(kit_get(store, "soon.test").entry.force_ms, NOW_MS);
	assert_true(kit_get(store, "late.test").entry.force_ms == LADDER_NOT_YET);
	assert_true(store_map_exported(store, STORE_MAP, 2, NOW_MS + 5, &kit_err));
	assert_int_equal(kit_get(store, "soon.test").entry.force_ms, NOW_MS);
	assert_int_equal(kit_get(store, "late.test").entry.force_ms, NOW_MS + 5);
	store_close(store);
}

static void
each_target_has_its_version(void **state)
{
	struct store *store = kit_scratch();
	struct target_state at;

	(void)state;
	change(store, "soon.test");
	assert_true(store_target_get(store, "other", &at, &kit_err));
	assert_int_equal(at.version, 0);
	assert_int_equal(at.since_ms, 0);
	assert_true(store_target_put(store, "other", 1, NOW_MS, &kit_err));
	assert_versions(store, 1, 0);
	assert_true(kit_get(store, "soon.test").entry.force_ms == LADDER_NOT_YET);
	assert_true(store_map_exported(store, STORE_MAP, 1, NOW_MS + 1, &kit_err));
	assert_true(store_target_put(store, "other", 1, NOW_MS + 2, &kit_err));
	assert_true(store_target_get(store, "other", &at, &kit_err));
	assert_int_equal(at.version, 1);
	assert_int_equal(at.since_ms, NOW_MS);
	assert_true(store_target_put(store, "other", 2, NOW_MS + 3, &kit_err));
	assert_true(store_target_get(store, "other", &at, &kit_err));
	assert_int_equal(at.version, 2);
	assert_int_equal(at.since_ms, NOW_MS + 3);
	assert_true(store_target_get(store, STORE_MAP, &at, &kit_err));
	assert_int_equal(at.version, 1);
	assert_int_equal(at.since_ms, NOW_MS + 1);
	store_close(store);
}

static void
assert_entries(struct store *store, int64_t expected)
{
	int64_t count = -1;

	assert_true(store_entry_count(store, &count, &kit_err));
	assert_int_equal(count, expected);
}

/* Whichever program writes: ours, also in a transaction that fails, or sqlite3(1). */
static void
entries_are_counted(void **state)
{
	struct store *store = kit_open("counted.db");
	struct destination d;

	(void)state;
	assert_entries(store, 0);
	destination_init(&d, "a.test");
	kit_put(store, &d);
	assert_entries(store, 0);
	d.entry.level = LEVEL_ENCRYPT;
	kit_put(store, &d);
	assert_entries(store, 1);
	d.entry.level = LEVEL_MAY;
	kit_put(store, &d);
	assert_entries(store, 1);
	destination_init(&d, "b.test");
	d.entry.level = LEVEL_VERIFY;
	kit_put(store, &d);
	assert_entries(store, 2);
	kit_begin_transaction(store);
	d.entry.level = LEVEL_NONE;
	kit_put(store, &d);
	assert_entries(store, 1);
	store_rollback(store);
	assert_entries(store, 2);
	kit_run(
	    "counted.db", "INSERT INTO destination(key, entry) VALUES ('c.test', 'may')");
	assert_entries(store, 3);
	kit_run("counted.db", "DELETE FROM destination WHERE key <> 'b.test'");
	assert_entries(store, 1);
	kit_run("counted.db", "UPDATE destination SET entry = 'none'");
	assert_entries(store, 0);
	store_close(store);
}

/* --- counters, blobs, positions ---------------------------------------------------- */

static void
counters_add_and_set(void **state)
{
	struct store *store = kit_scratch();
	int64_t value = 77;

	(void)state;
	assert_true(store_counter_get(store, "none", &value, &kit_err));
	assert_int_equal(value, 0);
	assert_true(store_counter_add(store, "lines", 5, &kit_err));
	assert_true(store_counter_add(store, "lines", INT64_C(10000000000), &kit_err));
	assert_true(store_counter_get(store, "lines", &value, &kit_err));
	assert_int_equal(value, INT64_C(10000000005));
	assert_true(store_counter_set(store, "lines", -1, &kit_err));
	assert_true(store_counter_get(store, "lines", &value, &kit_err));
	assert_int_equal(value, -1);
	store_close(store);
}

static void
blobs_are_bytes(void **state)
{
	static const char bytes[] = "a\0b\n\xff\t";
	struct str value = {bytes, sizeof(bytes) - 1};
	struct store *store = kit_scratch();
	struct buf out = {0};

	(void)state;
	assert_true(store_blob_get(store, "p", &out, &kit_err));
	assert_int_equal(out.len, 0);
	assert_true(store_blob_put(store, "p", value, &kit_err));
	assert_true(store_blob_get(store, "p", &out, &kit_err));
	assert_int_equal(out.len, value.len);
	assert_memory_equal(out.data, bytes, value.len);
	buf_reset(&out);
	assert_true(store_blob_put(store, "p", STR(""), &kit_err));
	assert_true(store_blob_get(store, "p", &out, &kit_err));
	assert_int_equal(out.len, 0);
	assert_true(store_blob_put(store, "p", (struct str){NULL, 0}, &kit_err));
	assert_true(store_blob_get(store, "p", &out, &kit_err));
	assert_int_equal(out.len, 0);
	buf_clear(&out);
	store_close(store);
}

/* A text is the kind's own: it comes back to the letter, as long as it may be. */
static void
places_come_back(void **state)
{
	struct place longest = {.kind = "fifteen-letters"}, got;
	const struct place places[] = {
	    {"file", "52341 131 2049 1795400000123456789 1024 81985529216486895 64 7"},
	    {"journal",
	        "s=739ad463348b4ceca5a9e69c95a3c93f;i=4ece7;b=6c7c6013a26343b29e9"},
	    {"stdin", ""}, {"other", " \"'\n%s; DROP TABLE log_place "}, {"", ""}};
	struct store *store = kit_scratch();
	bool found = true;

	(void)state;
	memset(longest.text, 'x', sizeof(longest.text) - 1);
	assert_true(store_place_get(store, "/var/log/mail.log", &got, &found, &kit_err));
	assert_false(found);
	assert_true(store_place_put(store, "/other", &longest, &kit_err));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		assert_true(
		    store_place_put(store, "/var/log/mail.log", &places[i], &kit_err));
		assert_true(
		    store_place_get(store, "/var/log/mail.log", &got, &found, &kit_err));
		assert_true(found);
		assert_true(place_equal(&got, &places[i]));
	}
	assert_true(store_place_get(store, "/other", &got, &found, &kit_err));
	assert_true(found);
	assert_true(place_equal(&got, &longest));
	store_close(store);
}

int
main(void)
{
	kit_begin();
	suite_add(pending_come_oldest_first, NULL, "news: the oldest deferral first");
	suite_add(mail_that_waits_is_due_by_itself, NULL,
	    "mail that waits is due beside re-checks");
	suite_add(
	    due_are_those_whose_time_is_over, NULL, "due: those whose time is over");
	suite_add(
	    entries_come_by_their_keys, NULL, "entries come in the order of their keys");
	suite_add(changes_come_with_their_version, NULL,
	    "what changed since a version of the map, and how many entries there are");
	suite_add(
	    in_force_once_exported, NULL, "entries are in force from the export on");
	suite_add(each_target_has_its_version, NULL,
	    "each target has its version, and the time that it came");
	suite_add(entries_are_counted, NULL, "entries are counted");
	suite_add(changed_while_exported_is_not_in_force, NULL,
	    "an entry that came during the export is in force with the next one");
	suite_add(counters_add_and_set, NULL, "counters add up and can be set");
	suite_add(blobs_are_bytes, NULL, "blobs hold any bytes, and none");
	suite_add(places_come_back, NULL, "places come back to the letter");
	return kit_end(suite_run());
}
