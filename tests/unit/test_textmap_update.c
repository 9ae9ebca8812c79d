/* SPDX-License-Identifier: BSD-2-Clause */
/* A map that is changed in place, and the text that follows later. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "mapkit.h"
#include "publish/textmap.h"

static void
long_value_is_updated(void **state)
{
	const struct map_entry before[] = {{"long.test", "encrypt", "why"}},
	                       after[] = {{"long.test", mapkit_long_value('a'), "why"}};
	struct err err = {{0}};

	(void)state;
	mapkit_remove();
	mapkit_need_type("lmdb");
	assert_true(mapkit_publish(&real_postfix, "lmdb", before, 1, &err));
	assert_true(
	    textmap_update(&real_postfix, fake_path("map"), "lmdb", after, 1, &err));
	mapkit_assert_value("lmdb", "long.test", after[0].value);
}

static const struct map_entry changes[] = {
    {"example.org", "encrypt", "changed"},
    {"new.test", "may", "new"},
    {"[ipv6:2001:db8::1]", NULL, NULL},
    {"was-never-there.test", NULL, NULL},
};
#define CHANGE_COUNT (sizeof(changes) / sizeof(changes[0]))

static const struct map_entry after[] = {
    {"example.org", "encrypt", "changed"},
    {"new.test", "may", "new"},
    {"[mx.test]:2525", "secure match=mx.test:.test", ""},
    {mapkit_buecher, "encrypt", "only-encrypt"},
};

static bool
update(const struct postfix *postfix, const char *type, struct err *err)
{
	return textmap_update(
	    postfix, fake_path("map"), type, changes, CHANGE_COUNT, err);
}

/* The text of what is there after the changes, as late as it may be. */
static bool
write_text(struct timespec when, struct err *err)
{
	struct mapkit_some some = {after, sizeof(after) / sizeof(after[0])};
	const struct map_source source = {some.count, true, mapkit_each, &some};

	return textmap_write_text(
	    fake_path("map"), "lmdb", &source, WRITTEN_S, when, err);
}

static void
lmdb_is_updated_in_place(void **state)
{
	struct buf mark = {0}, later = {0};
	struct stat text, database, again;
	struct err err = {{0}};
	struct timespec when;
	char *written, *before;

	(void)state;
	mapkit_remove();
	textmap_mark(fake_path("map"), "lmdb", &mark);
	assert_int_equal(mark.len, 0);
	mapkit_need_type("lmdb");
	assert_true(
	    mapkit_publish(&real_postfix, "lmdb", mapkit_entries, MAPKIT_ENTRIES, &err));
	textmap_mark(fake_path("map"), "lmdb", &mark);
	textmap_mark(fake_path("map"), "lmdb", &later);
	assert_true(mark.len > 0);
	assert_string_equal(buf_text(&later), buf_text(&mark));
	assert_int_equal(stat(fake_path("map.lmdb"), &database), 0);

	before = fake_get("map");
	assert_true(textmap_can_update("lmdb", changes, CHANGE_COUNT));
	assert_true(update(&real_postfix, "lmdb", &err));
	assert_string_equal(err.text, "");
	for (size_t i = 0; i < CHANGE_COUNT; i++)
		mapkit_assert_value("lmdb", changes[i].key, changes[i].value);
	mapkit_assert_value("lmdb", "[mx.test]:2525", "secure match=mx.test:.test");
	mapkit_assert_value("lmdb", mapkit_buecher, "encrypt");
	mapkit_assert_nothing_beside();

	assert_int_equal(stat(fake_path("map.lmdb"), &again), 0);
	assert_int_equal(again.st_ino, database.st_ino);
	assert_int_equal(stat(fake_path("map"), &text), 0);
	assert_true(text.st_mtime <= again.st_mtime);
	fake_assert("map", before);

	assert_true(textmap_time(fake_path("map"), "lmdb", &when, &err));
	assert_true(write_text(when, &err));
	fake_assert("map", before);
	assert_true(textmap_put_text(fake_path("map"), &err));
	mapkit_assert_missing("map.text");
	mapkit_assert_nothing_beside();
	assert_int_equal(stat(fake_path("map"), &text), 0);
	assert_true(text.st_mtime <= again.st_mtime);
	written = fake_get("map");
	assert_non_null(strstr(written, "# changed\nexample.org\tencrypt\n"));
	assert_null(strstr(written, "2001"));
	free(written);
	free(before);
	buf_reset(&later);
	textmap_mark(fake_path("map"), "lmdb", &later);
	assert_string_not_equal(buf_text(&later), buf_text(&mark));
	buf_clear(&mark);
	buf_clear(&later);
}

/* Whoever has the file open reads on in what it was. */
static void
berkeley_is_updated_in_a_copy(void **state)
{
	const char *type = *state;
	struct stat before, after_it, old;
	struct err err = {{0}};
	char *text, *database, *linked;

	mapkit_remove();
	mapkit_need_type(type);
	assert_true(
	    mapkit_publish(&real_postfix, type, mapkit_entries, MAPKIT_ENTRIES, &err));
	text = fake_get("map");
	database = fake_get("map.db");
	assert_int_equal(stat(fake_path("map.db"), &before), 0);
	assert_int_equal(link(fake_path("map.db"), fake_path("linked")), 0);
	fake_put("map.new.db", "half a copy"); /* of a run that was stopped */
	assert_true(textmap_can_update(type, changes, CHANGE_COUNT));
	assert_true(update(&real_postfix, type, &err));
	assert_string_equal(err.text, "");
	for (size_t i = 0; i < CHANGE_COUNT; i++)
		mapkit_assert_value(type, changes[i].key, changes[i].value);
	mapkit_assert_value(type, "[mx.test]:2525", "secure match=mx.test:.test");
	mapkit_assert_value(type, mapkit_buecher, "encrypt");
	mapkit_assert_nothing_beside();
	fake_assert("map", text);
	assert_int_equal(stat(fake_path("map.db"), &after_it), 0);
	assert_int_not_equal(after_it.st_ino, before.st_ino);
	assert_int_equal(after_it.st_mode, before.st_mode);
	assert_int_equal(stat(fake_path("linked"), &old), 0);
	assert_int_equal(old.st_ino, before.st_ino);
	assert_int_equal(old.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	linked = fake_get("linked");
	assert_string_equal(linked, database);
	fake_put("linked", NULL);
	free(text);
	free(database);
	free(linked);
}

/* Written while the database was changed once more, the text shows that it is older. */
static void
text_that_lags_is_older(void **state)
{
	struct stat text, database;
	struct timespec when;
	struct err err = {{0}};
	char *written;

	(void)state;
	mapkit_remove();
	mapkit_need_type("lmdb");
	assert_true(
	    mapkit_publish(&real_postfix, "lmdb", mapkit_entries, MAPKIT_ENTRIES, &err));
	assert_true(textmap_time(fake_path("map"), "lmdb", &when, &err));
	assert_true(update(&real_postfix, "lmdb", &err));
	assert_true(write_text(when, &err));
	assert_true(textmap_put_text(fake_path("map"), &err));
	assert_int_equal(stat(fake_path("map.lmdb"), &database), 0);
	assert_int_equal(stat(fake_path("map"), &text), 0);
	assert_true(text.st_mtim.tv_sec < database.st_mtim.tv_sec ||
	    (text.st_mtim.tv_sec == database.st_mtim.tv_sec &&
	        text.st_mtim.tv_nsec < database.st_mtim.tv_nsec));
	written = fake_get("map");
	assert_memory_equal(written, "# TLS policy of Postfix, 4 entries", 34);
	assert_non_null(strstr(written, "may be in the database alone:\n#   "));
	assert_non_null(strstr(written, "/map.lmdb\n"));
	free(written);
	assert_true(textmap_may_replace(fake_path("map"), &err));
	textmap_drop_text(fake_path("map")); /* nothing is there: no matter */
	assert_true(write_text(when, &err));
	textmap_drop_text(fake_path("map"));
	mapkit_assert_missing("map.text");
	assert_false(textmap_put_text(fake_path("map"), &err));
}

/* What a source cannot give leaves no half of a text. */
static void
text_that_fails_leaves_nothing(void **state)
{
	static const struct map_entry bad[] = {{"a.test", "may", ""}, {"b c", "may", ""}};
	struct mapkit_some some = {bad, 2};
	const struct map_source source = {2, true, mapkit_each, &some};
	struct timespec when = {0};
	struct err err;

	(void)state;
	mapkit_remove();
	fake_put("map", OLD_TEXT);
	assert_false(
	    textmap_write_text(fake_path("map"), "lmdb", &source, WRITTEN_S, when, &err));
	mapkit_assert_missing("map.text");
	fake_assert("map", OLD_TEXT);
	assert_false(textmap_time(fake_path("map"), "lmdb", &when, &err));
	assert_non_null(strstr(err.text, "map.lmdb"));
}

static void
not_all_can_be_updated(void **state)
{
	static const char *const types[] = {"cdb", "texthash", "none", "x"};
	const struct map_entry spelling = {mapkit_buecher, "may", ""};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		assert_false(textmap_can_update(types[i], changes, CHANGE_COUNT));
		assert_false(update(&fake_postfix, types[i], &err));
		assert_non_null(strstr(err.text, "cannot be updated"));
	}
	assert_false(textmap_can_update("lmdb", &spelling, 1));
	assert_false(textmap_can_update("hash", &spelling, 1));
}

struct fault_row {
	const char *name;
	const char *script;
	const char *err; /* part of it */
};

static const struct fault_row update_rows[] = {
    {"it fails", "echo 'postmap: fatal: MDB_MAP_FULL' >&2; exit 1\n",
        "postmap: exit status 1: postmap: fatal: MDB_MAP_FULL"},
    {"what comes is not there", "exit 0\n", "does not give back what was changed"},
    {"what goes is there still",
        "case \"$*\" in *-q*) printf 'example.org\\tencrypt\\nnew.test\\tmay\\n'\n"
        "printf '[ipv6:2001:db8::1]\\tmay\\n' ;; esac\n",
        "does not give back what was changed"},
    {"what was changed is as before",
        "case \"$*\" in *-q*) printf 'example.org\\tdane-only\\nnew.test\\tmay\\n' ;; "
        "esac\n",
        "does not give back what was changed"},
};

static void
failed_update_is_told(void **state)
{
	const struct fault_row *row = *state;
	struct err err;

	mapkit_remove();
	fake_reset();
	fake_put("map", "old text");
	fake_put("map.lmdb", "database");
	fake_put("postmap.sh", row->script);
	assert_false(update(&fake_postfix, "lmdb", &err));
	assert_non_null(strstr(err.text, row->err));
	fake_assert("map", "old text");
	mapkit_assert_nothing_beside();
}

static void
failed_update_of_a_copy_changes_nothing(void **state)
{
	const struct fault_row *row = *state;
	struct err err;

	mapkit_remove();
	fake_reset();
	fake_put("map", "old text");
	fake_put("map.db", "database");
	fake_put("postmap.sh", row->script);
	assert_false(update(&fake_postfix, "hash", &err));
	assert_non_null(strstr(err.text, row->err));
	fake_assert("map", "old text");
	fake_assert("map.db", "database");
	mapkit_assert_nothing_beside();
}

/* Nothing is taken for a database that is gone, or that somebody else writes. */
static void
what_cannot_be_copied_is_told(void **state)
{
	struct err err;

	(void)state;
	mapkit_remove();
	fake_reset();
	assert_false(update(&fake_postfix, "hash", &err));
	assert_non_null(strstr(err.text, "cannot look at "));
	assert_int_equal(mkdir(fake_path("map.db"), 0755), 0);
	assert_false(update(&fake_postfix, "hash", &err));
	assert_non_null(strstr(err.text, "map.db"));
	assert_int_equal(rmdir(fake_path("map.db")), 0);
	mapkit_assert_nothing_beside();
	fake_assert("postmap.calls", "");
}

int
main(void)
{
	mapkit_begin();
	suite_add(lmdb_is_updated_in_place, NULL, "lmdb is updated in place");
	suite_add(berkeley_is_updated_in_a_copy, "hash", "hash is updated in a copy");
	suite_add(berkeley_is_updated_in_a_copy, "btree", "btree is updated in a copy");
	suite_add(long_value_is_updated, NULL, "a value of 72 kB is updated in place");
	suite_add(text_that_lags_is_older, NULL,
	    "a text that is behind its database is older than that, and says so");
	suite_add(text_that_fails_leaves_nothing, NULL,
	    "a text that cannot be written leaves nothing");
	suite_add(not_all_can_be_updated, NULL, "what cannot be updated in place");
	for (size_t i = 0; i < sizeof(update_rows) / sizeof(update_rows[0]); i++)
		suite_add(failed_update_is_told, &update_rows[i], "update in place: %s",
		    update_rows[i].name);
	FAKE_ROWS(failed_update_of_a_copy_changes_nothing, update_rows,
	    "update in a copy: %s", update_rows[i].name);
	suite_add(what_cannot_be_copied_is_told, NULL,
	    "update in a copy: there is no database");
	return mapkit_end(suite_run());
}
