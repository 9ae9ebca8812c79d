/* SPDX-License-Identifier: BSD-2-Clause */
/* Targets: the map of a large state, with the Postfix of this machine; and a target that
 * does as a test says. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "engine/judge.h"
#include "fake.h"
#include "publish/target.h"
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

static struct published
publish_all(struct store *store, bool anew)
{
	const struct target_use use = {&config, &real_postfix, store};
	struct published published;

	if (!targets_publish(targets, target_count, &use, anew, &published, &kit_err))
		fail_msg("%s", kit_err.text);
	return published;
}

/* The inode of the database afterwards: another one if it was built anew. */
static ino_t export(struct store *store, bool anew)
{
	struct published published = publish_all(store, anew);
	int64_t wanted, exported;
	struct stat st;

	assert_true(store_map_versions(store, &wanted, &exported, &kit_err));
	assert_int_equal(published.version, wanted);
	assert_int_equal(exported, wanted);
	assert_int_equal(stat(fake_path("large.lmdb"), &st), 0);
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
	const struct target_use use = {&config, &real_postfix, store};

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

static bool
text_has(const char *line)
{
	char *text = fake_get("large");
	bool has = strstr(text, line) != NULL;

	free(text);
	return has;
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

	(void)state;
	put(store, "firm-7.example", LEVEL_MAY);
	put(store, "firm-8.example", LEVEL_NONE);
	put(store, "new.example", LEVEL_DANE_ONLY);
	assert_int_equal(export(store, false), first);
	assert_level("firm-7.example", "may");
	assert_level("firm-8.example", "none");
	assert_level("new.example", "dane-only");
	assert_level("firm-9.example", "encrypt");
	/* The text follows later. */
	assert_true(text_has("\nfirm-7.example\tencrypt\n"));
	assert_true(lags(store));
	catch_up(store);
	assert_true(lags(store));
	assert_true(text_has("\nfirm-7.example\tencrypt\n"));
	age_text("place.db");
	catch_up(store);
	assert_false(lags(store));
	assert_true(text_has("\nfirm-7.example\tmay\n"));
	assert_false(text_has("\nfirm-8.example\t"));
	assert_true(text_has("\nnew.example\tdane-only\n"));
	assert_true(text_has("/large.lmdb\n"));
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
	assert_true(text_has(buf_text(&value)));
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
	put(store, "firm-7.example", LEVEL_MAY);
	put(store, "new.example", LEVEL_DANE_ONLY);
	export(store, false);
	assert_level("firm-7.example", "may");
	buf_printf(&map, "lmdb:%s", config.map.file);
	assert_true(postfix_postmap(&real_postfix, buf_text(&map), &kit_err));
	assert_level("firm-7.example", "encrypt");
	assert_level("new.example", "none");
	catch_up(store);
	assert_level("firm-7.example", "may");
	assert_level("new.example", "dane-only");
	assert_false(lags(store));
	assert_true(text_has("\nfirm-7.example\tmay\n"));
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
	put(store, "firm-7.example", LEVEL_MAY);
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
	put(store, "firm-8.example", LEVEL_MAY);
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
	assert_true(text_has("\nfirm-8.example\tmay\n"));
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
	put(store, "firm-7.example", LEVEL_MAY);
	export(store, false);
	put(store, "firm-8.example", LEVEL_MAY);
	age_text("first.db");
	catch_up(store);
	assert_false(lags(store));
	assert_level("firm-8.example", "may");
	assert_true(text_has("\nfirm-8.example\tmay\n"));
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

/* --- a scripted target ------------------------------------------------------------- */

static struct {
	bool wanted;
	bool fails;   /* whatever is tried */
	bool no_open; /* its open() fails */
	bool refuses; /* publish(), so that it is rebuilt */
	bool is_strange;
	unsigned publishes;
	unsigned rebuilds;
	unsigned closes;
	size_t changes; /* of the last publish() */
	size_t entries; /* of the last rebuild() */
	int64_t had;
	bool notes_fail;
} script;

static bool
script_is_wanted(const struct config *unused)
{
	(void)unused;
	return script.wanted;
}

static void
script_lock_path(const struct config *unused, struct buf *path)
{
	(void)unused;
	buf_printf(path, "%s", fake_path("script.lock"));
}

static bool
script_open(struct target_job *job, struct err *err)
{
	(void)job;
	return !script.no_open || err_set(err, "nobody is there");
}

static void
script_close(struct target_job *job)
{
	(void)job;
	script.closes++;
}

static enum answer
script_verify(struct target_job *job)
{
	(void)job;
	return script.is_strange ? ANSWER_UNSURE : ANSWER_YES;
}

static bool
script_publish(struct target_job *job, const struct changes *changes, struct err *err)
{
	script.publishes++;
	script.changes = changes->count;
	script.had = job->had;
	if (script.refuses)
		return false;
	return !script.fails || err_set(err, "it was lost on the way");
}

static bool
script_rebuild(struct target_job *job, struct err *err)
{
	script.rebuilds++;
	script.entries = job->entries;
	return !script.fails || err_set(err, "it is down");
}

static bool
script_note(struct target_job *job, struct err *err)
{
	(void)job;
	return !script.notes_fail || err_set(err, "no note");
}

static const struct target target_script = {
    .name = "script",
    .is_wanted = script_is_wanted,
    .lock_path = script_lock_path,
    .open = script_open,
    .close = script_close,
    .verify = script_verify,
    .publish = script_publish,
    .rebuild = script_rebuild,
    .note = script_note,
};

static const struct target *const two[] = {&target_map, &target_script};

/* Both, with a small map and a Postfix that is played. */
static bool
publish_two(struct store *store, struct published *out)
{
	static char type[] = "none";
	struct config small = config;
	const struct target_use use = {&small, &fake_postfix, store};

	small.map.type = type;
	return targets_publish(two, 2, &use, false, out, &kit_err);
}

static void
assert_target(struct store *store, const char *name, int64_t version)
{
	struct target_state at;

	assert_true(store_target_get(store, name, &at, &kit_err));
	assert_int_equal(at.version, version);
	assert_true((at.since_ms > 0) == (version > 0));
}

static struct store *
begin_script(const char *name)
{
	struct store *store = kit_open(name);

	fake_put("large", NULL);
	fake_reset();
	memset(&script, 0, sizeof(script));
	script.wanted = true;
	put(store, "a.test", LEVEL_MAY);
	return store;
}

static void
each_gets_what_it_lacks(void **state)
{
	struct store *store = begin_script("each.db");
	struct published published;

	(void)state;
	assert_true(publish_two(store, &published));
	assert_int_equal(published.version, 1);
	assert_int_equal(published.entries, 1);
	assert_int_equal(script.rebuilds, 1);
	assert_int_equal(script.publishes, 0);
	assert_int_equal(script.entries, 1);
	assert_target(store, "map", 1);
	assert_target(store, "script", 1);
	put(store, "b.test", LEVEL_MAY);
	put(store, "a.test", LEVEL_NONE);
	assert_true(publish_two(store, &published));
	assert_int_equal(script.rebuilds, 1);
	assert_int_equal(script.publishes, 1);
	assert_int_equal(script.changes, 2);
	assert_int_equal(script.had, 1);
	assert_target(store, "script", 3);
	assert_true(publish_two(store, &published)); /* nothing is new */
	assert_int_equal(script.rebuilds + script.publishes, 2);
	script.is_strange = true;
	assert_true(publish_two(store, &published));
	assert_int_equal(script.rebuilds, 2);
	script.is_strange = false;
	script.refuses = true;
	put(store, "c.test", LEVEL_MAY);
	assert_true(publish_two(store, &published));
	assert_int_equal(script.publishes, 2);
	assert_int_equal(script.rebuilds, 3);
	assert_int_equal(script.closes, 5);
	store_close(store);
}

static void
failed_target_holds_up_no_other(void **state)
{
	struct store *store = begin_script("fails.db");
	struct published published;

	(void)state;
	script.fails = true;
	assert_false(publish_two(store, &published));
	assert_string_equal(kit_err.text, "script: it is down");
	assert_int_equal(published.version, 1);
	assert_target(store, "map", 1);
	assert_target(store, "script", 0);
	assert_true(text_has("\na.test\tmay\n"));
	assert_true(kit_get(store, "a.test").entry.force_ms != LADDER_NOT_YET);
	put(store, "b.test", LEVEL_MAY);
	script.no_open = true;
	assert_false(publish_two(store, &published));
	assert_string_equal(kit_err.text, "script: nobody is there");
	assert_true(text_has("\nb.test\tmay\n"));
	script.no_open = script.fails = false;
	script.notes_fail = true;
	assert_false(publish_two(store, &published));
	assert_target(store, "script", 0);
	script.notes_fail = false;
	assert_true(publish_two(store, &published));
	assert_target(store, "script", 2);
	/* It missed some, and gets them all at once. */
	script.fails = true;
	put(store, "c.test", LEVEL_MAY);
	assert_false(publish_two(store, &published));
	put(store, "d.test", LEVEL_MAY);
	script.fails = false;
	assert_true(publish_two(store, &published));
	assert_int_equal(script.had, 2);
	assert_int_equal(script.changes, 2);
	assert_target(store, "script", 4);
	store_close(store);
}

/* The first fails: the second is published, and nothing is in force by that. */
static void
failed_map_holds_up_no_other(void **state)
{
	struct store *store = begin_script("map.db");
	struct published published;
	struct destination d = kit_get(store, "a.test");

	(void)state;
	d.entry.force_ms = LADDER_NOT_YET;
	kit_put(store, &d);
	fake_put("large", "# a table of somebody else's\n");
	assert_false(publish_two(store, &published));
	assert_non_null(strstr(kit_err.text, "not written by tlsladder"));
	assert_int_equal(published.version, 0);
	assert_target(store, "map", 0);
	assert_target(store, "script", 1);
	assert_true(kit_get(store, "a.test").entry.force_ms == LADDER_NOT_YET);
	script.fails = true;
	put(store, "b.test", LEVEL_MAY);
	assert_false(publish_two(store, &published)); /* both */
	assert_non_null(strstr(kit_err.text, "not written by tlsladder"));
	fake_put("large", NULL);
	assert_false(publish_two(store, &published));
	assert_string_equal(kit_err.text, "script: it is down");
	assert_target(store, "map", 2);
	assert_target(store, "script", 1);
	assert_true(kit_get(store, "a.test").entry.force_ms != LADDER_NOT_YET);
	store_close(store);
}

static void
unwanted_target_is_left_alone(void **state)
{
	struct store *store = begin_script("unwanted.db");
	struct published published;

	(void)state;
	script.wanted = false;
	script.fails = true;
	assert_true(publish_two(store, &published));
	assert_int_equal(script.rebuilds + script.closes, 0);
	assert_target(store, "script", 0);
	store_close(store);
}

/* The table itself. */
static void
rows_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < target_count; i++) {
		const struct target *target = targets[i];

		assert_true(target->name[0] != '\0' && target->lock_path != NULL &&
		    target->open != NULL && target->close != NULL &&
		    target->verify != NULL && target->publish != NULL &&
		    target->rebuild != NULL);
		assert_int_equal(target->lags == NULL, target->catch_up == NULL);
		assert_int_equal(target->is_read_here, i == 0);
		assert_int_equal(
		    target->is_read_here, strcmp(target->name, STORE_MAP) == 0);
	}
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
	    "a large map that another program changed is built anew");
	suite_add(very_many_changes_are_built_anew, NULL,
	    "a large map with very many changes is built anew");
	suite_add(built_of_the_old_text_it_is_repaired, NULL,
	    "a large map that was built by hand of its old text is repaired");
	suite_add(stopped_before_it_was_noted_it_is_built_anew, NULL,
	    "a large map: killed before the note");
	suite_add(text_has_nothing_that_the_database_lacks, NULL,
	    "a large map: what is new comes before the text");
	suite_add(published_once_it_is_left_alone, NULL,
	    "a map that is as it should be is left alone");
	suite_add(rows_are_whole, NULL, "each row of the table is whole");
	suite_add(each_gets_what_it_lacks, NULL, "a target gets what it lacks");
	suite_add(failed_target_holds_up_no_other, NULL,
	    "a target that fails holds up no other");
	suite_add(failed_map_holds_up_no_other, NULL,
	    "a map that fails holds up no target, and puts nothing in force");
	suite_add(unwanted_target_is_left_alone, NULL,
	    "a target that is not configured is left alone");
	status = suite_run();
	fake_end();
	free(file);
	return kit_end(status);
}
