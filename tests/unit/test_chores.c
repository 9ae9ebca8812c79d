/* SPDX-License-Identifier: BSD-2-Clause */
/* The map of a large state, with the Postfix of this machine. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "engine/chores.h"
#include "engine/judge.h"
#include "fake.h"
#include "storekit.h"

#define MANY 2500 /* so many that a map is changed in place */

static struct config config;

static void
assert_level(const char *key, const char *expected)
{
	struct buf map = {0};
	struct err err = {{0}};
	char *value;

	buf_printf(&map, "lmdb:%s", config.map.file);
	postfix_lookup(&real_postfix, buf_text(&map), key, &value, &err);
	assert_string_equal(err.text, "");
	assert_string_equal(value != NULL ? value : "none", expected);
	free(value);
	buf_clear(&map);
}

static void
put(struct store *store, const char *key, enum level level)
{
	struct destination d;
	int64_t version;
	bool found;

	assert_true(store_get(store, key, &d, &found, &kit_err));
	if (!found)
		destination_init(&d, key);
	d.entry.level = level;
	kit_put(store, &d);
	assert_true(store_map_changed(store, &version, &kit_err));
	assert_true(store_entry_version(store, d.id, version, &kit_err));
}

/* firm-0.example up to, not including, firm-COUNT.example. */
static void
put_firms(struct store *store, unsigned count, enum level level)
{
	char key[32];

	kit_begin_transaction(store);
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "firm-%u.example", i);
		put(store, key, level);
	}
	kit_commit(store);
}

/* The inode of the database afterwards: another one if it was built anew. */
static ino_t export(struct store *store, bool anew)
{
	int64_t version, wanted, exported;
	struct stat st;
	size_t count;

	if (!chore_export(
	        &config, &real_postfix, store, anew, &version, &count, &kit_err))
		fail_msg("%s", kit_err.text);
	assert_true(store_map_versions(store, &wanted, &exported, &kit_err));
	assert_int_equal(version, wanted);
	assert_int_equal(exported, wanted);
	assert_int_equal(stat(fake_path("large.lmdb"), &st), 0);
	return st.st_ino;
}

static struct store *
large(const char *name)
{
	struct store *store;

	if (!fake_has_postfix())
		suite_skip("Postfix is not installed");
	store = kit_open(name);
	put_firms(store, MANY, LEVEL_ENCRYPT);
	return store;
}

static void
large_map_is_changed_in_place(void **state)
{
	struct store *store = large("place.db");
	ino_t first = export(store, false);
	char *text;

	(void)state;
	put(store, "firm-7.example", LEVEL_MAY);
	put(store, "firm-8.example", LEVEL_NONE);
	put(store, "new.example", LEVEL_DANE_ONLY);
	assert_int_equal(export(store, false), first);
	assert_level("firm-7.example", "may");
	assert_level("firm-8.example", "none");
	assert_level("new.example", "dane-only");
	assert_level("firm-9.example", "encrypt");
	text = fake_get("large");
	assert_non_null(strstr(text, "\nfirm-7.example\tmay\n"));
	assert_null(strstr(text, "\nfirm-8.example\t"));
	assert_non_null(strstr(text, "\nnew.example\tdane-only\n"));
	free(text);
	assert_int_equal(export(store, false), first);
	assert_int_not_equal(export(store, true), first);
	assert_level("firm-7.example", "may");
	store_close(store);
}

/* As a decision, they pass through destination, store and text into the database. */
static void
attributes_reach_the_map_whole(void **state)
{
	struct decision decision = {.action = ACTION_SET, .why = WHY_DANE};
	struct evidence ev = {.best_seen = LEVEL_UNKNOWN};
	struct store *store = large("attributes.db");
	struct buf attributes = {0}, value = {0};
	struct judged judged;
	struct destination d;
	char *text;

	(void)state;
	buf_printf(&attributes, "match=");
	while (attributes.len < 72 * 1024)
		buf_printf(&attributes, "mx.%zu.example:", attributes.len);
	buf_printf(&attributes, ".example ciphers=high");
	decision.entry =
	    (struct demand){.level = LEVEL_SECURE, .attributes = buf_text(&attributes)};
	demand_print(decision.entry, &value);
	destination_init(&d, "long.example");
	destination_decide(&d, &ev, &decision, NULL, 1000, 1000, &judged);
	assert_true(judged.map_changed);
	kit_begin_transaction(store);
	assert_true(judge_store(store, &d, &judged, 1000, &kit_err));
	kit_commit(store);
	judged_clear(&judged);
	destination_clear(&d);

	export(store, false);
	assert_level("long.example", buf_text(&value));
	text = fake_get("large");
	buf_add_char(&value, '\n');
	assert_non_null(strstr(text, buf_text(&value)));
	free(text);
	store_close(store);
	buf_clear(&attributes);
	buf_clear(&value);
}

/* What is in it is not known any more. */
static void
changed_by_hand_it_is_built_anew(void **state)
{
	struct store *store = large("hand.db");
	ino_t first = export(store, false);
	struct buf map = {0};

	(void)state;
	buf_printf(&map, "lmdb:%s", config.map.file);
	assert_true(postfix_map_put(
	    &real_postfix, buf_text(&map), STR("firm-9.example\tmay\n"), &kit_err));
	assert_level("firm-9.example", "may");
	put(store, "firm-7.example", LEVEL_MAY);
	assert_int_not_equal(export(store, false), first);
	assert_level("firm-7.example", "may");
	assert_level("firm-9.example", "encrypt");
	buf_clear(&map);
	store_close(store);
}

static void
very_many_changes_are_built_anew(void **state)
{
	struct store *store = large("many.db");
	ino_t first = export(store, false);

	(void)state;
	put_firms(store, 1001, LEVEL_MAY);
	assert_int_not_equal(export(store, false), first);
	assert_level("firm-1000.example", "may");
	assert_level("firm-1001.example", "encrypt");
	store_close(store);
}

int
main(void)
{
	char type[] = "lmdb", *file;
	int status;

	kit_begin();
	fake_begin();
	file = mem_strdup(fake_path("large"));
	config.map.type = type;
	config.map.file = file;
	suite_add(large_map_is_changed_in_place, NULL,
	    "a large map is changed in place, and built anew when asked for");
	suite_add(attributes_reach_the_map_whole, NULL,
	    "attributes of 72 kB come from a decision into the map");
	suite_add(changed_by_hand_it_is_built_anew, NULL,
	    "a large map that somebody else changed is built anew");
	suite_add(very_many_changes_are_built_anew, NULL,
	    "a large map with very many changes is built anew");
	status = suite_run();
	fake_end();
	free(file);
	return kit_end(status);
}
