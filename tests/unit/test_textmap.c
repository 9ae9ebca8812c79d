/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fake.h"
#include "publish/textmap.h"

#define WRITTEN_S 1795483619 /* 2026-11-24T01:26:59Z, by date(1) */

static const char buecher[] = "b\xc3\xbc"
                              "cher.test";

#define OLD_TEXT "# TLS policy of Postfix, 0 entries, written by tlsladder long ago.\n"

static const struct map_entry entries[] = {
    {"example.org", "dane-only", "tlsa-usable: the servers have TLSA records"},
    {"[mx.test]:2525", "secure match=mx.test:.test", "why \n\"not\""},
    {"[ipv6:2001:db8::1]", "may", ""},
    {buecher, "encrypt", "only-encrypt"},
};
#define ENTRY_COUNT (sizeof(entries) / sizeof(entries[0]))

struct some {
	const struct map_entry *entries;
	size_t count;
};

static bool
each(void *context, map_entry_fn *take, void *taker, struct err *err)
{
	const struct some *some = context;

	for (size_t i = 0; i < some->count; i++)
		if (!take(taker, &some->entries[i], err))
			return false;
	return true;
}

static bool
publish_at(const char *path, const struct postfix *postfix, const char *type,
    const struct map_entry *all, size_t count, struct err *err)
{
	struct some some = {all, count};
	const struct map_source source = {count, false, each, &some};

	return textmap_publish(postfix, path, type, &source, WRITTEN_S, err);
}

static bool
publish(const struct postfix *postfix, const char *type, const struct map_entry *some,
    size_t count, struct err *err)
{
	return publish_at(fake_path("map"), postfix, type, some, count, err);
}

static void
assert_file(const char *name, const char *text)
{
	char *got = fake_get(name);

	assert_string_equal(got, text);
	free(got);
}

static void
assert_missing(const char *name)
{
	struct stat st;

	assert_int_not_equal(lstat(fake_path(name), &st), 0);
}

static void
remove_maps(void)
{
	static const char *const names[] = {"map", "map.db", "map.cdb", "map.lmdb",
	    "map.new", "map.new.db", "map.new.cdb", "map.new.lmdb", "__db.map.new.db",
	    "map.new.cdb.tmp", "map.text"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		fake_put(names[i], NULL);
}

static void
assert_nothing_beside(void)
{
	assert_missing("map.new");
	assert_missing("map.new.db");
	assert_missing("map.new.cdb");
	assert_missing("map.new.lmdb");
	assert_missing("__db.map.new.db");
	assert_missing("map.new.cdb.tmp");
}

static void
text_says_why(void **state)
{
	struct buf text = {0};

	(void)state;
	textmap_print_head(ENTRY_COUNT, WRITTEN_S, &text);
	for (size_t i = 0; i < ENTRY_COUNT; i++)
		textmap_print_entry(&entries[i], &text);
	assert_string_equal(buf_text(&text),
	    "# TLS policy of Postfix, 4 entries, written by tlsladder at "
	    "2026-11-24T01:26:59Z.\n"
	    "# Do not edit: the next change overwrites it. An entry of your own is set "
	    "with\n"
	    "# `tlsladder set DOMAIN LEVEL` and undone with `tlsladder unset DOMAIN`.\n"
	    "# tlsa-usable: the servers have TLSA records\n"
	    "example.org\tdane-only\n"
	    "# why \\x0a\"not\"\n"
	    "[mx.test]:2525\tsecure match=mx.test:.test\n"
	    "# \n"
	    "[ipv6:2001:db8::1]\tmay\n"
	    "# only-encrypt\n"
	    "b\xc3\xbc"
	    "cher.test\tencrypt\n");
	buf_clear(&text);
}

/* --- with the Postfix of this machine ------------------------------------------------
 */

struct type_row {
	const char *type;
	const char *database; /* "map" where there is none but the text */
};

static const struct type_row type_rows[] = {
    {"hash", "map.db"},
    {"btree", "map.db"},
    {"cdb", "map.cdb"},
    {"lmdb", "map.lmdb"},
    {"texthash", "map"},
};

/* Skips the test where there is no Postfix, or one without this type. */
static void
need_type(const char *type)
{
	struct err err = {{0}};

	if (!fake_has_postfix())
		suite_skip("Postfix is not installed");
	if (!publish(&real_postfix, type, NULL, 0, &err) &&
	    strstr(err.text, "unsupported dictionary type") != NULL)
		suite_skip("this Postfix has no such map type");
	assert_string_equal(err.text, "");
}

static void
assert_value(const char *type, const char *key, const char *expected)
{
	struct buf map = {0};
	struct err err;
	char *value;

	buf_printf(&map, "%s:%s", type, fake_path("map"));
	assert_int_equal(postfix_lookup(&real_postfix, buf_text(&map), key, &value, &err),
	    expected != NULL ? ANSWER_YES : ANSWER_NO);
	if (expected != NULL)
		assert_string_equal(value, expected);
	free(value);
	buf_clear(&map);
}

static void
type_is_published(void **state)
{
	const struct type_row *row = *state;
	struct stat text, database, again;
	struct err err;

	remove_maps();
	assert_false(textmap_exists(fake_path("map"), row->type));
	need_type(row->type);
	assert_value(row->type, "example.org", NULL);
	assert_int_equal(stat(fake_path(row->database), &database), 0);

	assert_true(publish(&real_postfix, row->type, entries, ENTRY_COUNT, &err));
	for (size_t i = 0; i < ENTRY_COUNT; i++)
		assert_value(row->type, entries[i].key, entries[i].value);
	assert_nothing_beside();
	assert_true(textmap_exists(fake_path("map"), row->type));

	/* Renamed over, not rewritten: smtp(8) notices that at any time. */
	assert_int_equal(stat(fake_path(row->database), &again), 0);
	assert_int_not_equal(again.st_ino, database.st_ino);
	assert_int_equal(again.st_mode & 07777, 0644);
	assert_int_equal(stat(fake_path("map"), &text), 0);
	assert_int_equal(text.st_mode & 07777, 0644);
	assert_true(text.st_mtime <= again.st_mtime);
}

static void
spellings_in_other_case_share_the_first_value(void **state)
{
	static const char upper[] = "b\xc3\x9c"
	                            "cher.test";
	const struct map_entry both[] = {{upper, "may", ""}, {buecher, "encrypt", ""}};
	struct err err;

	(void)state;
	remove_maps();
	need_type("hash");
	assert_true(publish(&real_postfix, "hash", both, 2, &err));
	assert_value("hash", upper, "may");
	assert_value("hash", buecher, "may");
}

/* More than one postmap is asked for, and those of one spelling far from each other. */
static void
many_entries_are_verified(void **state)
{
	const size_t count = 25001;
	struct map_entry *many = mem_new(count, sizeof(*many));
	char(*keys)[32] = mem_new(count, sizeof(*keys));
	struct err err;

	(void)state;
	remove_maps();
	need_type("hash");
	for (size_t i = 0; i < count; i++) {
		snprintf(keys[i], sizeof(keys[i]), "firm-%zu.example", i);
		many[i] = (struct map_entry){keys[i], "encrypt", "why"};
	}
	many[0] = (struct map_entry){buecher, "may", "why"};
	many[count - 1] = (struct map_entry){"b\xc3\x9c"
	                                     "cher.test",
	    "verify", "why"};
	assert_true(publish(&real_postfix, "hash", many, count, &err));
	assert_value("hash", "firm-1.example", "encrypt");
	assert_value("hash", "firm-24999.example", "encrypt");
	assert_value("hash", buecher, "may");
	free(keys);
	free(many);
}

/* "secure match=..." of 72 kB, as the names of a policy of many servers. */
static char *
long_value(char last)
{
	struct buf value = {0};

	buf_printf(&value, "secure match=");
	for (int i = 0; value.len < 72 * 1024; i++)
		buf_printf(&value, "%smx-%d.mail.example", i > 0 ? ":" : "", i);
	buf_add_char(&value, last);
	return suite_keep(buf_take(&value));
}

static void
long_value_is_published(void **state)
{
	const struct type_row *row = *state;
	const struct map_entry some[] = {{"a.test", "encrypt", "why"},
	    {"long.test", long_value('a'), "why"}, {"z.test", "may", "why"}};
	struct err err = {{0}};

	remove_maps();
	need_type(row->type);
	publish(&real_postfix, row->type, some, 3, &err);
	assert_string_equal(err.text, "");
	for (size_t i = 0; i < 3; i++)
		assert_value(row->type, some[i].key, some[i].value);
}

static void
long_value_is_updated(void **state)
{
	const struct map_entry before[] = {{"long.test", "encrypt", "why"}},
	                       after[] = {{"long.test", long_value('a'), "why"}};
	struct err err = {{0}};

	(void)state;
	remove_maps();
	need_type("lmdb");
	assert_true(publish(&real_postfix, "lmdb", before, 1, &err));
	assert_true(
	    textmap_update(&real_postfix, fake_path("map"), "lmdb", after, 1, &err));
	assert_value("lmdb", "long.test", after[0].value);
}

static void
leftovers_are_no_obstacle(void **state)
{
	const struct type_row *row = *state;
	static const char *const names[] = {"map.new.db", "__db.map.new.db",
	    "map.new.cdb", "map.new.cdb.tmp", "map.new.lmdb"};
	struct err err = {{0}};

	remove_maps();
	need_type(row->type);
	fake_put("target", "mine");
	assert_int_equal(symlink(fake_path("target"), fake_path("map.new")), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fake_put(names[i], "half a database");
		chmod(fake_path(names[i]), 0);
	}
	assert_true(publish(&real_postfix, row->type, entries, ENTRY_COUNT, &err));
	assert_value(row->type, "example.org", "dane-only");
	assert_file("target", "mine");
	assert_missing("map.new");
	fake_put("target", NULL);
}

/* Types with a file that is larger than their text, and work files of their own. */
static const struct type_row full_rows[] = {{"hash", "map.db"}, {"cdb", "map.cdb"}};

/* A limit of the process stands for a full disk: the text fits, the database not. */
static void
full_disk_changes_nothing(void **state)
{
	const struct rlimit before = {RLIM_INFINITY, RLIM_INFINITY};
	const struct rlimit limit = {1024, RLIM_INFINITY};
	const struct type_row *row = *state;
	struct stat old, now;
	struct err err;
	bool done;

	remove_maps();
	need_type(row->type);
	assert_true(publish(&real_postfix, row->type, entries, 1, &err));
	assert_int_equal(stat(fake_path(row->database), &old), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	done = publish(&real_postfix, row->type, entries, ENTRY_COUNT, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(done);
	assert_non_null(strstr(err.text, "File too large"));
	assert_int_equal(stat(fake_path(row->database), &now), 0);
	assert_int_equal(now.st_ino, old.st_ino);
	assert_value(row->type, "[mx.test]:2525", NULL);
	assert_nothing_beside();
}

/* --- in place ------------------------------------------------------------------------
 */

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
    {buecher, "encrypt", "only-encrypt"},
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
	struct some some = {after, sizeof(after) / sizeof(after[0])};
	const struct map_source source = {some.count, true, each, &some};

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
	remove_maps();
	textmap_mark(fake_path("map"), "lmdb", &mark);
	assert_int_equal(mark.len, 0);
	need_type("lmdb");
	assert_true(publish(&real_postfix, "lmdb", entries, ENTRY_COUNT, &err));
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
		assert_value("lmdb", changes[i].key, changes[i].value);
	assert_value("lmdb", "[mx.test]:2525", "secure match=mx.test:.test");
	assert_value("lmdb", buecher, "encrypt");
	assert_nothing_beside();

	assert_int_equal(stat(fake_path("map.lmdb"), &again), 0);
	assert_int_equal(again.st_ino, database.st_ino);
	assert_int_equal(stat(fake_path("map"), &text), 0);
	assert_true(text.st_mtime <= again.st_mtime);
	written = fake_get("map");
	assert_string_equal(written, before);
	free(written);

	assert_true(textmap_time(fake_path("map"), "lmdb", &when, &err));
	assert_true(write_text(when, &err));
	assert_file("map", before);
	assert_true(textmap_put_text(fake_path("map"), &err));
	assert_missing("map.text");
	assert_nothing_beside();
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

/* Written while the database was changed once more, the text shows that it is older. */
static void
text_that_lags_is_older(void **state)
{
	struct stat text, database;
	struct timespec when;
	struct err err = {{0}};
	char *written;

	(void)state;
	remove_maps();
	need_type("lmdb");
	assert_true(publish(&real_postfix, "lmdb", entries, ENTRY_COUNT, &err));
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
	assert_missing("map.text");
	assert_false(textmap_put_text(fake_path("map"), &err));
}

/* What a source cannot give leaves no half of a text. */
static void
text_that_fails_leaves_nothing(void **state)
{
	static const struct map_entry bad[] = {{"a.test", "may", ""}, {"b c", "may", ""}};
	struct some some = {bad, 2};
	const struct map_source source = {2, true, each, &some};
	struct timespec when = {0};
	struct err err;

	(void)state;
	remove_maps();
	fake_put("map", OLD_TEXT);
	assert_false(
	    textmap_write_text(fake_path("map"), "lmdb", &source, WRITTEN_S, when, &err));
	assert_missing("map.text");
	assert_file("map", OLD_TEXT);
	assert_false(textmap_time(fake_path("map"), "lmdb", &when, &err));
	assert_non_null(strstr(err.text, "map.lmdb"));
}

/* More of them than are to be in memory at once: 4 MiB of them are verified by one
 * postmap, so that the second is full, too, and the third is not. */
#define LONG_VALUES 130

static void
long_values_are_published(void **state)
{
	const struct type_row *row = *state;
	struct map_entry rows[LONG_VALUES];
	struct buf value = {0};
	struct err err = {{0}};
	char keys[LONG_VALUES][16];

	remove_maps();
	need_type(row->type);
	buf_printf(&value, "secure match=");
	while (value.len < 72000)
		buf_printf(&value, ":mx.example");
	for (size_t i = 0; i < LONG_VALUES; i++) {
		snprintf(keys[i], sizeof(keys[i]), "d%zu.test", i);
		rows[i] = (struct map_entry){keys[i], buf_text(&value), buf_text(&value)};
	}
	assert_true(publish(&real_postfix, row->type, rows, LONG_VALUES, &err));
	assert_string_equal(err.text, "");
	assert_value(row->type, "d0.test", buf_text(&value));
	assert_value(row->type, "d129.test", buf_text(&value));
	if (strcmp(row->type, "lmdb") == 0) {
		rows[0].key = "new.test";
		assert_true(textmap_update(
		    &real_postfix, fake_path("map"), "lmdb", rows, 1, &err));
		assert_value("lmdb", "new.test", buf_text(&value));
	}
	buf_clear(&value);
}

static void
not_all_can_be_updated(void **state)
{
	static const char *const types[] = {
	    "hash", "btree", "cdb", "texthash", "none", "x"};
	const struct map_entry spelling = {buecher, "may", ""};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		assert_false(textmap_can_update(types[i], changes, CHANGE_COUNT));
		assert_false(update(&fake_postfix, types[i], &err));
		assert_non_null(strstr(err.text, "cannot be updated"));
	}
	assert_false(textmap_can_update("lmdb", &spelling, 1));
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

	remove_maps();
	fake_reset();
	fake_put("map", "old text");
	fake_put("map.lmdb", "database");
	fake_put("postmap.sh", row->script);
	assert_false(update(&fake_postfix, "lmdb", &err));
	assert_non_null(strstr(err.text, row->err));
	assert_file("map", "old text");
	assert_nothing_beside();
}

/* --- with a faulty Postfix -----------------------------------------------------------
 */

/* $3 is "-q", or the map to build: its database says what a later query gives back. */
#define BUILDS "case $3 in hash:*) cp \"${3#hash:}\" \"${3#hash:}.db\"; exit;; esac\n"
#define READS  "map=${5#hash:}.db\n"

static const struct fault_row fault_rows[] = {
    {"postmap fails", "echo 'postmap: fatal: open database' >&2; exit 1\n",
        "postmap: exit status 1: postmap: fatal: open database"},
    {"postmap makes no database", "exit 0\n", "cannot open "},
    {"the database has no entry", BUILDS "exit 1\n", "gives back only 0 of 4 entries"},
    {"the database has another value",
        BUILDS READS "grep -v '^#' \"$map\" | sed 's/dane-only/may/'\n",
        "gives back only 3 of 4 entries"},
    {"the database lacks one entry",
        BUILDS READS "grep -v '^#' \"$map\" | grep -v '^example.org'\n",
        "gives back only 3 of 4 entries"},
    {"the database cannot be asked",
        BUILDS "echo 'postmap: fatal: table is broken' >&2; exit 1\n",
        "postmap: fatal: table is broken"},
    {"the database gives back what was not asked", BUILDS "printf 'x.test\\tmay\\n'\n",
        "postmap printed what was not asked"},
};

static void
fault_changes_nothing(void **state)
{
	const struct fault_row *row = *state;
	struct err err;

	remove_maps();
	fake_reset();
	fake_put("map", OLD_TEXT);
	fake_put("map.db", "old database");
	fake_put("postmap.sh", row->script);
	assert_false(publish(&fake_postfix, "hash", entries, ENTRY_COUNT, &err));
	assert_non_null(strstr(err.text, row->err));
	assert_file("map", OLD_TEXT);
	assert_file("map.db", "old database");
	assert_nothing_beside();
}

/* A line of the text that is longer than any line of a log. */
static void
fault_of_a_long_value_changes_nothing(void **state)
{
	const struct map_entry some[] = {{"long.test", long_value('a'), "why"}};
	struct err err;

	(void)state;
	remove_maps();
	fake_reset();
	fake_put("map", OLD_TEXT);
	fake_put("map.db", "old database");
	fake_put("postmap.sh",
	    BUILDS READS "grep -v '^#' \"$map\" | sed 's/examplea$/exampleb/'\n");
	assert_false(publish(&fake_postfix, "hash", some, 1, &err));
	assert_non_null(strstr(err.text, "gives back only 0 of 1 entries"));
	assert_file("map", OLD_TEXT);
	assert_file("map.db", "old database");
	assert_nothing_beside();
}

static void
good_postmap_is_believed(void **state)
{
	struct err err;
	char *calls;

	(void)state;
	remove_maps();
	fake_reset();
	fake_put("postmap.sh", BUILDS READS "grep -v '^#' \"$map\"\n");
	assert_true(publish(&fake_postfix, "hash", entries, ENTRY_COUNT, &err));
	calls = fake_get("postmap.calls");
	assert_non_null(
	    strstr(calls, "/map.new]\npostmap [-c] [/etc/postfix-9] [-q] [-] [hash:"));
	assert_nothing_beside();
	free(calls);
}

static void
type_none_needs_no_postmap(void **state)
{
	struct err err;

	(void)state;
	remove_maps();
	fake_reset();
	assert_true(publish(&fake_postfix, "none", entries, ENTRY_COUNT, &err));
	assert_file("postmap.calls", "");
	assert_true(textmap_exists(fake_path("map"), "none"));
	assert_false(textmap_exists(fake_path("map"), "hash"));
	assert_nothing_beside();
}

static void
directory_that_is_not_there_is_named(void **state)
{
	struct err err;

	(void)state;
	fake_reset();
	assert_false(publish_at(
	    "/nonexistent/map", &fake_postfix, "hash", entries, ENTRY_COUNT, &err));
	assert_string_equal(
	    err.text, "cannot create /nonexistent/map.new: No such file or directory");
	assert_file("postmap.calls", "");
}

static void
unknown_type_is_named(void **state)
{
	struct err err;

	(void)state;
	assert_false(publish(&fake_postfix, "mysql", entries, ENTRY_COUNT, &err));
	assert_string_equal(err.text, "map type mysql cannot be written");
	assert_false(textmap_exists(fake_path("map"), "mysql"));
	assert_false(textmap_is_type("auto"));
	assert_true(textmap_is_type("lmdb"));
}

static const struct map_entry bad_entries[] = {
    {"", "may", "an empty key"},
    {"a b.test", "may", "a blank in a key"},
    {"a.test\nb.test", "may", "a line break in a key"},
    {"#a.test", "may", "a comment as key"},
    {"\"a.test", "may", "a quote in a key"},
    {"a\\.test", "may", "a backslash in a key"},
    {"stra\xc3\x9f"
     "e.test",
        "may", "a key that Postfix folds into strasse.test"},
    {"\xcf\x83\xcf\x82.test", "may", "a key with a final sigma"},
    {"a.test", "", "an empty value"},
    {"a.test", "may\nb.test may", "a line break in a value"},
    {"a.test", " may", "a blank before a value"},
    {"a.test", "may ", "a blank after a value"},
    {"a.test", "secure match=b\xc3\xbc", "a value beyond ASCII"},
};

static void
bad_entry_is_refused(void **state)
{
	const struct map_entry *entry = *state;
	const struct map_entry two[] = {{"good.test", "may", ""}, *entry};
	struct err err;

	remove_maps();
	fake_reset();
	fake_put("map", OLD_TEXT);
	assert_false(publish(&fake_postfix, "none", two, 2, &err));
	assert_non_null(strstr(err.text, "entry 2 cannot stand in a map"));
	assert_file("map", OLD_TEXT);
}

int
main(void)
{
	int failed;

	umask(077); /* as a service may have it; Postfix must be able to read */
	fake_begin();
	suite_add(text_says_why, NULL, "the text says why");
	FAKE_ROWS(type_is_published, type_rows, "%s is published", type_rows[i].type);
	suite_add(lmdb_is_updated_in_place, NULL, "lmdb is updated in place");
	FAKE_ROWS(long_value_is_published, type_rows,
	    "a value of 72 kB is published as %s", type_rows[i].type);
	suite_add(long_value_is_updated, NULL, "a value of 72 kB is updated in place");
	suite_add(text_that_lags_is_older, NULL,
	    "a text that is behind its database is older than that, and says so");
	suite_add(text_that_fails_leaves_nothing, NULL,
	    "a text that cannot be written leaves nothing");
	FAKE_ROWS(long_values_are_published, type_rows, "%s: 130 values of 72 kB",
	    type_rows[i].type);
	suite_add(not_all_can_be_updated, NULL, "what cannot be updated in place");
	for (size_t i = 0; i < sizeof(update_rows) / sizeof(update_rows[0]); i++)
		suite_add(failed_update_is_told, &update_rows[i], "update in place: %s",
		    update_rows[i].name);
	suite_add(many_entries_are_verified, NULL, "25,001 entries are verified");
	suite_add(spellings_in_other_case_share_the_first_value, NULL,
	    "spellings in another case share the first one's value");
	FAKE_ROWS(leftovers_are_no_obstacle, type_rows,
	    "what a crash left is no obstacle for %s", type_rows[i].type);
	FAKE_ROWS(full_disk_changes_nothing, full_rows,
	    "a full disk changes nothing for %s", full_rows[i].type);
	FAKE_ROWS(fault_changes_nothing, fault_rows, "nothing changes where %s",
	    fault_rows[i].name);
	suite_add(fault_of_a_long_value_changes_nothing, NULL,
	    "nothing changes where a value of 72 kB is another");
	suite_add(good_postmap_is_believed, NULL, "what postmap gives back is believed");
	suite_add(type_none_needs_no_postmap, NULL, "type none needs no postmap");
	suite_add(directory_that_is_not_there_is_named, NULL,
	    "a directory that is not there is named");
	suite_add(unknown_type_is_named, NULL, "an unknown type is named");
	FAKE_ROWS(bad_entry_is_refused, bad_entries, "refused: %s", bad_entries[i].why);
	failed = suite_run();
	remove_maps();
	fake_end();
	return failed;
}
