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
	suite_add(changed_by_hand_it_is_built_anew, NULL,
	    "a large map that somebody else changed is built anew");
	suite_add(very_many_changes_are_built_anew, NULL,
	    "a large map with very many changes is built anew");
	status = suite_run();
	fake_end();
	free(file);
	return kit_end(status);
}
