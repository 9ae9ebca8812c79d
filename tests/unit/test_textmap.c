/* SPDX-License-Identifier: BSD-2-Clause */
/* A map as it is published: its text, and its database by the Postfix of this machine. */
#include "suite.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "mapkit.h"
#include "publish/textmap.h"

static void
text_says_why(void **state)
{
	struct buf text = {0};

	(void)state;
	textmap_print_head(MAPKIT_ENTRIES, WRITTEN_S, &text);
	for (size_t i = 0; i < MAPKIT_ENTRIES; i++)
		textmap_print_entry(&mapkit_entries[i], &text);
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

/* --- with the Postfix of this machine ---------------------------------------------- */

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

static void
type_is_published(void **state)
{
	const struct type_row *row = *state;
	struct stat text, database, again;
	struct err err;

	mapkit_remove();
	assert_false(textmap_exists(fake_path("map"), row->type));
	mapkit_need_type(row->type);
	mapkit_assert_value(row->type, "example.org", NULL);
	assert_int_equal(stat(fake_path(row->database), &database), 0);

	assert_true(mapkit_publish(
	    &real_postfix, row->type, mapkit_entries, MAPKIT_ENTRIES, &err));
	for (size_t i = 0; i < MAPKIT_ENTRIES; i++)
		mapkit_assert_value(
		    row->type, mapkit_entries[i].key, mapkit_entries[i].value);
	mapkit_assert_nothing_beside();
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
	const struct map_entry both[] = {
	    {upper, "may", ""}, {mapkit_buecher, "encrypt", ""}};
	struct err err;

	(void)state;
	mapkit_remove();
	mapkit_need_type("hash");
	assert_true(mapkit_publish(&real_postfix, "hash", both, 2, &err));
	mapkit_assert_value("hash", upper, "may");
	mapkit_assert_value("hash", mapkit_buecher, "may");
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
	mapkit_remove();
	mapkit_need_type("hash");
	for (size_t i = 0; i < count; i++) {
		snprintf(keys[i], sizeof(keys[i]), "firm-%zu.example", i);
		many[i] = (struct map_entry){keys[i], "encrypt", "why"};
	}
	many[0] = (struct map_entry){mapkit_buecher, "may", "why"};
	many[count - 1] = (struct map_entry){"b\xc3\x9c"
	                                     "cher.test",
	    "verify", "why"};
	assert_true(mapkit_publish(&real_postfix, "hash", many, count, &err));
	mapkit_assert_value("hash", "firm-1.example", "encrypt");
	mapkit_assert_value("hash", "firm-24999.example", "encrypt");
	mapkit_assert_value("hash", mapkit_buecher, "may");
	free(keys);
	free(many);
}

static void
long_value_is_published(void **state)
{
	const struct type_row *row = *state;
	const struct map_entry some[] = {{"a.test", "encrypt", "why"},
	    {"long.test", mapkit_long_value('a'), "why"}, {"z.test", "may", "why"}};
	struct err err = {{0}};

	mapkit_remove();
	mapkit_need_type(row->type);
	mapkit_publish(&real_postfix, row->type, some, 3, &err);
	assert_string_equal(err.text, "");
	for (size_t i = 0; i < 3; i++)
		mapkit_assert_value(row->type, some[i].key, some[i].value);
}

static void
leftovers_are_no_obstacle(void **state)
{
	const struct type_row *row = *state;
	static const char *const names[] = {"map.new.db", "__db.map.new.db",
	    "map.new.cdb", "map.new.cdb.tmp", "map.new.lmdb"};
	struct err err = {{0}};

	mapkit_remove();
	mapkit_need_type(row->type);
	fake_put("target", "mine");
	assert_int_equal(symlink(fake_path("target"), fake_path("map.new")), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fake_put(names[i], "half a database");
		chmod(fake_path(names[i]), 0);
	}
	assert_true(mapkit_publish(
	    &real_postfix, row->type, mapkit_entries, MAPKIT_ENTRIES, &err));
	mapkit_assert_value(row->type, "example.org", "dane-only");
	fake_assert("target", "mine");
	mapkit_assert_missing("map.new");
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

	mapkit_remove();
	mapkit_need_type(row->type);
	assert_true(mapkit_publish(&real_postfix, row->type, mapkit_entries, 1, &err));
	assert_int_equal(stat(fake_path(row->database), &old), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	done = mapkit_publish(
	    &real_postfix, row->type, mapkit_entries, MAPKIT_ENTRIES, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(done);
	assert_non_null(strstr(err.text, "File too large"));
	assert_int_equal(stat(fake_path(row->database), &now), 0);
	assert_int_equal(now.st_ino, old.st_ino);
	mapkit_assert_value(row->type, "[mx.test]:2525", NULL);
	mapkit_assert_nothing_beside();
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

	mapkit_remove();
	mapkit_need_type(row->type);
	buf_printf(&value, "secure match=");
	while (value.len < 72000)
		buf_printf(&value, ":mx.example");
	for (size_t i = 0; i < LONG_VALUES; i++) {
		snprintf(keys[i], sizeof(keys[i]), "d%zu.test", i);
		rows[i] = (struct map_entry){keys[i], buf_text(&value), buf_text(&value)};
	}
	assert_true(mapkit_publish(&real_postfix, row->type, rows, LONG_VALUES, &err));
	assert_string_equal(err.text, "");
	mapkit_assert_value(row->type, "d0.test", buf_text(&value));
	mapkit_assert_value(row->type, "d129.test", buf_text(&value));
	if (strcmp(row->type, "lmdb") == 0) {
		rows[0].key = "new.test";
		assert_true(textmap_update(
		    &real_postfix, fake_path("map"), "lmdb", rows, 1, &err));
		mapkit_assert_value("lmdb", "new.test", buf_text(&value));
	}
	buf_clear(&value);
}

int
main(void)
{
	mapkit_begin();
	suite_add(text_says_why, NULL, "the text says why");
	FAKE_ROWS(type_is_published, type_rows, "%s is published", type_rows[i].type);
	FAKE_ROWS(long_value_is_published, type_rows,
	    "a value of 72 kB is published as %s", type_rows[i].type);
	FAKE_ROWS(long_values_are_published, type_rows, "%s: 130 values of 72 kB",
	    type_rows[i].type);
	suite_add(many_entries_are_verified, NULL, "25,001 entries are verified");
	suite_add(spellings_in_other_case_share_the_first_value, NULL,
	    "spellings in another case share the first one's value");
	FAKE_ROWS(leftovers_are_no_obstacle, type_rows,
	    "what a crash left is no obstacle for %s", type_rows[i].type);
	FAKE_ROWS(full_disk_changes_nothing, full_rows,
	    "a full disk changes nothing for %s", full_rows[i].type);
	return mapkit_end(suite_run());
}
