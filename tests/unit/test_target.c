/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of targets, with one that does as a test says. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fake.h"
#include "publish/target.h"
#include "storekit.h"

static struct config config;

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

static size_t
script_count(const struct config *unused)
{
	(void)unused;
	return script.wanted ? 1 : 0;
}

static void
script_lock_path(const struct config *unused, size_t which, struct buf *path)
{
	(void)unused;
	(void)which;
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
    .count = script_count,
    .lock_path = script_lock_path,
    .open = script_open,
    .close = script_close,
    .verify = script_verify,
    .publish = script_publish,
    .rebuild = script_rebuild,
    .note = script_note,
};

static const struct target *const two[] = {&target_map, &target_script};

static struct err others_err; /* of the script */

/* Both, with a small map and a Postfix that is played: was it published to the map? */
static bool
publish_two(struct store *store, struct exported *out)
{
	static char type[] = "none";
	struct config small = config;
	const struct target_use use = {&small, &fake_postfix, store, 0};

	small.map.type = type;
	return targets_publish(two, 2, &use, false, out, &others_err, &kit_err);
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
	kit_put_level(store, "a.test", LEVEL_MAY);
	return store;
}

static void
assert_both(bool map)
{
	assert_true(map);
	assert_string_equal(others_err.text, "");
}

/* The map has it, which another target that failed changes nothing of. */
static void
assert_map_alone(bool map)
{
	assert_true(map);
	assert_true(others_err.text[0] != '\0');
}

static void
each_gets_what_it_lacks(void **state)
{
	struct store *store = begin_script("each.db");
	struct exported published;

	(void)state;
	assert_both(publish_two(store, &published));
	assert_int_equal(published.version, 1);
	assert_int_equal(published.entries, 1);
	assert_int_equal(script.rebuilds, 1);
	assert_int_equal(script.publishes, 0);
	assert_int_equal(script.entries, 1);
	assert_target(store, "map", 1);
	assert_target(store, "script", 1);
	kit_put_level(store, "b.test", LEVEL_MAY);
	kit_put_level(store, "a.test", LEVEL_NONE);
	assert_both(publish_two(store, &published));
	assert_int_equal(script.rebuilds, 1);
	assert_int_equal(script.publishes, 1);
	assert_int_equal(script.changes, 2);
	assert_int_equal(script.had, 1);
	assert_target(store, "script", 3);
	assert_both(publish_two(store, &published)); /* nothing is new */
	assert_int_equal(script.rebuilds + script.publishes, 2);
	script.is_strange = true;
	assert_both(publish_two(store, &published));
	assert_int_equal(script.rebuilds, 2);
	script.is_strange = false;
	script.refuses = true;
	kit_put_level(store, "c.test", LEVEL_MAY);
	assert_both(publish_two(store, &published));
	assert_int_equal(script.publishes, 2);
	assert_int_equal(script.rebuilds, 3);
	assert_int_equal(script.closes, 5);
	store_close(store);
}

static void
failed_target_holds_up_no_other(void **state)
{
	struct store *store = begin_script("fails.db");
	struct exported published;

	(void)state;
	script.fails = true;
	assert_map_alone(publish_two(store, &published));
	assert_string_equal(others_err.text, "script: it is down");
	assert_int_equal(published.version, 1);
	assert_target(store, "map", 1);
	assert_target(store, "script", 0);
	assert_true(fake_has("large", "\na.test\tmay\n"));
	assert_true(kit_get(store, "a.test").entry.force_ms != LADDER_NOT_YET);
	kit_put_level(store, "b.test", LEVEL_MAY);
	script.no_open = true;
	assert_map_alone(publish_two(store, &published));
	assert_string_equal(others_err.text, "script: nobody is there");
	assert_true(fake_has("large", "\nb.test\tmay\n"));
	script.no_open = script.fails = false;
	script.notes_fail = true;
	assert_map_alone(publish_two(store, &published));
	assert_target(store, "script", 0);
	script.notes_fail = false;
	assert_both(publish_two(store, &published));
	assert_target(store, "script", 2);
	/* It missed some, and gets them all at once. */
	script.fails = true;
	kit_put_level(store, "c.test", LEVEL_MAY);
	assert_map_alone(publish_two(store, &published));
	kit_put_level(store, "d.test", LEVEL_MAY);
	script.fails = false;
	assert_both(publish_two(store, &published));
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
	struct exported published;
	struct destination d = kit_get(store, "a.test");

	(void)state;
	d.entry.force_ms = LADDER_NOT_YET;
	kit_put(store, &d);
	fake_put("large", "# a table of somebody else's\n");
	assert_false(publish_two(store, &published));
	assert_non_null(strstr(kit_err.text, "not written by tlsladder"));
	assert_string_equal(others_err.text, "");
	assert_int_equal(published.version, 0);
	assert_target(store, "map", 0);
	assert_target(store, "script", 1);
	assert_true(kit_get(store, "a.test").entry.force_ms == LADDER_NOT_YET);
	script.fails = true;
	kit_put_level(store, "b.test", LEVEL_MAY);
	assert_false(publish_two(store, &published)); /* both */
	assert_non_null(strstr(kit_err.text, "not written by tlsladder"));
	assert_string_equal(others_err.text, "script: it is down");
	fake_put("large", NULL);
	assert_map_alone(publish_two(store, &published));
	assert_string_equal(others_err.text, "script: it is down");
	assert_target(store, "map", 2);
	assert_target(store, "script", 1);
	assert_true(kit_get(store, "a.test").entry.force_ms != LADDER_NOT_YET);
	store_close(store);
}

static void
unwanted_target_is_left_alone(void **state)
{
	struct store *store = begin_script("unwanted.db");
	struct exported published;

	(void)state;
	script.wanted = false;
	script.fails = true;
	assert_both(publish_two(store, &published));
	assert_int_equal(script.rebuilds + script.closes, 0);
	assert_target(store, "script", 0);
	store_close(store);
}

/* The Postfix whose log is followed may read another one than the map. */
static void
another_is_read_here(void **state)
{
	struct store *store = begin_script("here.db");
	struct exported published;
	struct destination d = kit_get(store, "a.test");
	int64_t version, exported;

	(void)state;
	d.entry.force_ms = LADDER_NOT_YET;
	kit_put(store, &d);
	assert_true(store_read_here_put(store, "script", &kit_err));
	script.fails = true;
	assert_map_alone(publish_two(store, &published));
	assert_int_equal(published.version, 1); /* of the map */
	assert_true(store_map_versions(store, &version, &exported, &kit_err));
	assert_int_equal(exported, 0);
	assert_true(kit_get(store, "a.test").entry.force_ms == LADDER_NOT_YET);
	script.fails = false;
	assert_both(publish_two(store, &published));
	assert_true(store_map_versions(store, &version, &exported, &kit_err));
	assert_int_equal(exported, 1);
	assert_true(kit_get(store, "a.test").entry.force_ms != LADDER_NOT_YET);
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
		assert_int_equal(target->count == NULL, target->print_name == NULL);
		assert_int_equal(i == 0, strcmp(target->name, STORE_MAP) == 0);
	}
}

/* As the daemon goes through them: the map, and then whatever is configured. */
static void
all_that_are_configured(void **state)
{
	struct publisher tables[2] = {{0}};
	struct config with_two = {.publish = {tables, 2}};
	struct target_instance at;

	(void)state;
	assert_true(targets_instance(&with_two, 0, &at));
	assert_ptr_equal(at.target, &target_map);
	for (size_t i = 0; i < 2; i++) {
		assert_true(targets_instance(&with_two, 1 + i, &at));
		assert_ptr_equal(at.target, &target_sql);
		assert_int_equal(at.which, i);
	}
	assert_false(targets_instance(&with_two, 3, &at));
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
	suite_add(all_that_are_configured, NULL,
	    "targets are the map, and each that is configured");
	suite_add(rows_are_whole, NULL, "each row of the table is whole");
	suite_add(each_gets_what_it_lacks, NULL, "a target gets what it lacks");
	suite_add(failed_target_holds_up_no_other, NULL,
	    "a target that fails holds up no other");
	suite_add(failed_map_holds_up_no_other, NULL,
	    "a map that fails holds up no target, and puts nothing in force");
	suite_add(another_is_read_here, NULL,
	    "an entry is in force where it is read here, if that is not the map");
	suite_add(unwanted_target_is_left_alone, NULL,
	    "a target that is not configured is left alone");
	status = suite_run();
	fake_end();
	free(file);
	return kit_end(status);
}
