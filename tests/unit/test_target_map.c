/* SPDX-License-Identifier: BSD-2-Clause */
/* The map of a large state as a target, with the Postfix of this machine. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "engine/judge.h"
#include "fake.h"
#include "publish/target.h"
#include "storekit.h"

#define MANY 2500 /* so many that a map is changed in place */

static struct config config;

/* Of the large map; "none" where it has no entry. To be freed. */
static char *
level_of(const char *key)
{
	struct buf map = {0};
	struct err err = {{0}};
	char *value;

	buf_printf(&map, "%s:%s", config.map.type, config.map.file);
	postfix_lookup(&real_postfix, buf_text(&map), key, &value, &err);
	assert_string_equal(err.text, "");
	buf_clear(&map);
	return value != NULL ? value : mem_strdup("none");
}

static void
assert_level(const char *key, const char *expected)
{
	char *value = level_of(key);

	assert_string_equal(value, expected);
	free(value);
}

/* firm-0.example up to, not including, firm-COUNT.example. */
static void
put_firms(struct store *store, unsigned count, enum level level)
{
	char key[32];

	kit_begin_transaction(store);
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "firm-%u.example", i);
		kit_put_level(store, key, level);
	}
	kit_commit(store);
}

static struct exported
publish_all(struct store *store, bool anew)
{
	const struct target_use use = {&config, &real_postfix, store, 0};
	struct exported published;
	struct err others;

	if (!targets_publish(
	        targets, target_count, &use, anew, &published, &others, &kit_err))
		fail_msg("%s", kit_err.text);
	assert_string_equal(others.text, "");
	return published;
}

static const char *
database(void)
{
	return fake_path(
	    strcmp(config.map.type, "lmdb") == 0 ? "large.lmdb" : "large.db");
}

/* The inode of the database afterwards: another one if it was built anew. */
static ino_t export(struct store *store, bool anew)
{
	struct exported published = publish_all(store, anew);
	int64_t wanted, exported;
	struct stat st;

	assert_true(store_map_versions(store, &wanted, &exported, &kit_err));
	assert_int_equal(published.version, wanted);
	assert_int_equal(exported, wanted);
	assert_int_equal(stat(database(), &st), 0);
	return st.st_ino;
}

static bool
lags(struct store *store)
{
	bool lag;

	assert_true(targets_lag(targets, target_count, &config, store, &lag, &kit_err));
	return lag;
}

static void
catch_up(struct store *store)
{
	const struct target_use use = {&config, &real_postfix, store, 0};

	if (!targets_catch_up(targets, target_count, &use, &kit_err))
		fail_msg("%s", kit_err.text);
}

/* The text was written long ago. */
static void
age_text(const char *name)
{
	kit_run(name,
	    "UPDATE target SET since_ms = since_ms - 300000 WHERE name = 'map-text'");
}

static char lmdb[] = "lmdb", hash[] = "hash";

static struct store *
large_of(char *type, const char *name)
{
	struct store *store;

	config.map.type = type;
	if (!fake_has_type(type))
		suite_skip("this Postfix has no such map type (postfix-lmdb)");
	/* A new state takes over what a map of ours has. */
	unlink(fake_path("large"));
	unlink(database());
	kit_remove(name);
	store = kit_open(name);
	put_firms(store, MANY, LEVEL_ENCRYPT);
	return store;
}

static struct store *
large(const char *name)
{
	return large_of(lmdb, name);
}

static void
large_map_is_changed_in_place(void **state)
{
	struct store *store = large("place.db");
	ino_t first = export(store, false);

	(void)state;
	kit_put_level(store, "firm-7.example", LEVEL_MAY);
	kit_put_level(store, "firm-8.example", LEVEL_NONE);
	kit_put_level(store, "new.example", LEVEL_DANE_ONLY);
	assert_int_equal(export(store, false), first);
	assert_level("firm-7.example", "may");
	assert_level("firm-8.example", "none");
	assert_level("new.example", "dane-only");
	assert_level("firm-9.example", "encrypt");
	/* The text follows later. */
	assert_true(fake_has("large", "\nfirm-7.example\tencrypt\n"));
	assert_true(lags(store));
	catch_up(store);
	assert_true(lags(store));
	assert_true(fake_has("large", "\nfirm-7.example\tencrypt\n"));
	age_text("place.db");
	catch_up(store);
	assert_false(lags(store));
	assert_true(fake_has("large", "\nfirm-7.example\tmay\n"));
	assert_false(fake_has("large", "\nfirm-8.example\t"));
	assert_true(fake_has("large", "\nnew.example\tdane-only\n"));
	assert_true(fake_has("large", "/large.lmdb\n"));
	assert_int_not_equal(access(fake_path("large.text"), F_OK), 0);
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
	buf_add_char(&value, '\n');
	assert_true(fake_has("large", buf_text(&value)));
	store_close(store);
	buf_clear(&attributes);
	buf_clear(&value);
}

/* While the text lags that brings old entries back, and nothing else may be published for
 * long. */
static void
built_of_the_old_text_it_is_repaired(void **state)
{
	struct store *store = large("text.db");
	struct buf map = {0};

	(void)state;
	export(store, false);
	assert_false(lags(store));
	kit_put_level(store, "firm-7.example", LEVEL_MAY);
	kit_put_level(store, "new.example", LEVEL_DANE_ONLY);
	export(store, false);
	assert_level("firm-7.example", "may");
	buf_printf(&map, "%s:%s", config.map.type, config.map.file);
	assert_true(postfix_postmap(&real_postfix, buf_text(&map), &kit_err));
	assert_level("firm-7.example", "encrypt");
	assert_level("new.example", "none");
	catch_up(store);
	assert_level("firm-7.example", "may");
	assert_level("new.example", "dane-only");
	assert_false(lags(store));
	assert_true(fake_has("large", "\nfirm-7.example\tmay\n"));
	buf_clear(&map);
	store_close(store);
}

/* Killed at any step, the next publication or the next minute puts all right. */
static void
stopped_before_it_was_noted_it_is_built_anew(void **state)
{
	struct store *store = large("killed.db");
	ino_t first = export(store, false);
	char *text;

	(void)state;
	/* The database was changed, and not noted; half of a text lies about. */
	kit_put_level(store, "firm-7.example", LEVEL_MAY);
	export(store, false);
	kit_run("killed.db",
	    "UPDATE target SET version = version - 1, since_ms = 1"
	    "  WHERE name = 'map';"
	    "UPDATE blob SET value = 'older' WHERE name = 'map-mark'");
	fake_put("large.text", "# half");
	assert_int_not_equal(export(store, false), first);
	assert_level("firm-7.example", "may");
	assert_false(lags(store));
	assert_int_not_equal(access(fake_path("large.text"), F_OK), 0);

	/* The text was put in place, and not noted. */
	kit_put_level(store, "firm-8.example", LEVEL_MAY);
	first = export(store, false);
	age_text("killed.db");
	catch_up(store);
	text = fake_get("large");
	kit_run("killed.db",
	    "UPDATE target SET version = version - 1, since_ms = 1"
	    " WHERE name = 'map-text'");
	assert_true(lags(store));
	fake_put("large.text", "# half");
	catch_up(store);
	assert_false(lags(store));
	assert_true(fake_has("large", "\nfirm-8.example\tmay\n"));
	assert_int_equal(export(store, false), first);
	free(text);
	store_close(store);
}

/* What is to be published comes first; the text is that of the database. */
static void
text_has_nothing_that_the_database_lacks(void **state)
{
	struct store *store = large("first.db");

	(void)state;
	export(store, false);
	kit_put_level(store, "firm-7.example", LEVEL_MAY);
	export(store, false);
	kit_put_level(store, "firm-8.example", LEVEL_MAY);
	age_text("first.db");
	catch_up(store);
	assert_false(lags(store));
	assert_level("firm-8.example", "may");
	assert_true(fake_has("large", "\nfirm-8.example\tmay\n"));
	store_close(store);
}

/* Nothing was changed: nothing is done, whatever the type. */
static void
published_once_it_is_left_alone(void **state)
{
	struct store *store = large("same.db");
	ino_t first = export(store, false);
	struct stat before, after;

	(void)state;
	assert_int_equal(stat(fake_path("large"), &before), 0);
	assert_int_equal(export(store, false), first);
	assert_int_equal(stat(fake_path("large"), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
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
	buf_printf(&map, "%s:%s", config.map.type, config.map.file);
	assert_true(postfix_map_put(
	    &real_postfix, buf_text(&map), STR("firm-9.example\tmay\n"), &kit_err));
	assert_level("firm-9.example", "may");
	kit_put_level(store, "firm-7.example", LEVEL_MAY);
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

/* As cheap as in place: the text does not change, and few entries are looked up. */
static void
hash_is_changed_in_a_copy(void **state)
{
	struct store *store = large_of(hash, "copy.db");
	ino_t first = export(store, false), second;

	(void)state;
	kit_put_level(store, "firm-7.example", LEVEL_MAY);
	kit_put_level(store, "firm-8.example", LEVEL_NONE);
	kit_put_level(store, "new.example", LEVEL_DANE_ONLY);
	second = export(store, false);
	assert_int_not_equal(second, first);
	assert_level("firm-7.example", "may");
	assert_level("firm-8.example", "none");
	assert_level("new.example", "dane-only");
	assert_level("firm-9.example", "encrypt");
	assert_true(fake_has("large", "\nfirm-7.example\tencrypt\n"));
	assert_true(lags(store));
	age_text("copy.db");
	catch_up(store);
	assert_false(lags(store));
	assert_true(fake_has("large", "\nfirm-7.example\tmay\n"));
	assert_false(fake_has("large", "\nfirm-8.example\t"));
	assert_true(fake_has("large", "/large.db\n"));
	assert_int_equal(export(store, false), second);
	store_close(store);
}

/* --- killed ------------------------------------------------------------------------- */

/* What the map may have at any moment: before the changes of change_some(), or after. */
static const struct {
	const char *key;
	enum level level;
	const char *before;
	const char *after;
} some[] = {
    {"firm-7.example", LEVEL_MAY, "encrypt", "may"},
    {"firm-8.example", LEVEL_NONE, "encrypt", "none"},
    {"new.example", LEVEL_DANE_ONLY, "none", "dane-only"},
    {"firm-9.example", LEVEL_ENCRYPT, "encrypt", "encrypt"},
};
#define SOME (sizeof(some) / sizeof(some[0]))

/*
 * Stands before each command of Postfix: at the COUNTth postmap it kills who publishes,
 * before that or, where AFTER is there, behind it.
 */
#define KILLER \
	"#!/bin/sh\n" \
	"here=$(dirname \"$0\")\n" \
	"case $1 in postmap) ;; *) exec \"$@\" ;; esac\n" \
	"echo >>\"$here/killer.calls\"\n" \
	"[ $(wc -l <\"$here/killer.calls\") -eq $(cat \"$here/killer.count\") ] || " \
	"exec \"$@\"\n" \
	"[ ! -e \"$here/killer.after\" ] || \"$@\" >/dev/null\n" \
	"kill -9 $PPID\n"

/* True: it was killed. */
static bool
publish_killed(const char *name)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		char word[256], *words[2] = {word, NULL};
		struct postfix killer = real_postfix;
		struct target_use use = {&config, &killer, NULL, 0};
		struct exported published;
		struct err others, err;

		snprintf(word, sizeof(word), "%s", fake_path("killer"));
		killer.command = words;
		killer.command_count = 1;
		use.store = store_open(kit_path(name), 1000, &err);
		_exit(use.store == NULL ||
		    !targets_publish(targets, target_count, &use, PUBLISH_LACKING,
		        &published, &others, &err));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSIGNALED(status))
		assert_int_equal(status, 0);
	return WIFSIGNALED(status);
}

static void
assert_old_or_new(void)
{
	for (size_t i = 0; i < SOME; i++) {
		char *level = level_of(some[i].key);

		if (strcmp(level, some[i].before) != 0 &&
		    strcmp(level, some[i].after) != 0)
			fail_msg("%s is %s", some[i].key, level);
		free(level);
	}
}

static bool
killed_once(char *type, unsigned count, bool after)
{
	struct store *store = large_of(type, "kill.db");
	char number[16];
	bool killed;

	export(store, false);
	for (size_t i = 0; i < SOME; i++)
		kit_put_level(store, some[i].key, some[i].level);
	store_close(store);
	snprintf(number, sizeof(number), "%u", count);
	fake_put("killer.calls", NULL);
	fake_put("killer.count", number);
	fake_put("killer.after", after ? "" : NULL);
	killed = publish_killed("kill.db");
	assert_old_or_new();
	store = kit_open("kill.db");
	export(store, false);
	for (size_t i = 0; i < SOME; i++)
		assert_level(some[i].key, some[i].after);
	assert_int_not_equal(access(fake_path("large.new"), F_OK), 0);
	assert_int_not_equal(access(fake_path("large.new.db"), F_OK), 0);
	store_close(store);
	return killed;
}

/* Put, delete, look up: before and behind each of them. */
static void
killed_at_any_postmap_no_reader_sees_anything_else(void **state)
{
	char *type = strcmp(*state, "hash") == 0 ? hash : lmdb;
	unsigned count = 1;

	fake_put("killer", KILLER);
	assert_int_equal(chmod(fake_path("killer"), 0755), 0);
	while (killed_once(type, count, false))
		assert_true(killed_once(type, count++, true));
	assert_int_equal(count, 4);
}

int
main(void)
{
	char *file;
	int status;

	kit_begin();
	fake_begin();
	file = mem_strdup(fake_path("large"));
	config.map.file = file;
	suite_add(large_map_is_changed_in_place, NULL,
	    "a large map is changed in place, and built anew when asked for");
	suite_add(attributes_reach_the_map_whole, NULL,
	    "attributes of 72 kB come from a decision into the map");
	suite_add(changed_by_hand_it_is_built_anew, NULL,
	    "a large map that another program changed is built anew");
	suite_add(very_many_changes_are_built_anew, NULL,
	    "a large map with very many changes is built anew");
	suite_add(built_of_the_old_text_it_is_repaired, NULL,
	    "a large map that was built by hand of its old text is repaired");
	suite_add(stopped_before_it_was_noted_it_is_built_anew, NULL,
	    "a large map: killed before the note");
	suite_add(text_has_nothing_that_the_database_lacks, NULL,
	    "a large map: what is new comes before the text");
	suite_add(
	    hash_is_changed_in_a_copy, NULL, "a large map of hash is changed in a copy");
	suite_add(killed_at_any_postmap_no_reader_sees_anything_else, "lmdb",
	    "a large map of lmdb: killed at any postmap");
	suite_add(killed_at_any_postmap_no_reader_sees_anything_else, "hash",
	    "a large map of hash: killed at any postmap");
	suite_add(published_once_it_is_left_alone, NULL,
	    "a map that is as it should be is left alone");
	status = suite_run();
	fake_end();
	free(file);
	return kit_end(status);
}
