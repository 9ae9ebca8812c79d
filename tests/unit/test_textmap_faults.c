/* SPDX-License-Identifier: BSD-2-Clause */
/* A map that cannot be published: a postmap that fails or lies, and entries that cannot
 * stand in a map. The map that is there stays as it is. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "mapkit.h"
#include "publish/textmap.h"

struct fault_row {
	const char *name;
	const char *script;
	const char *err; /* part of it */
};

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

	mapkit_remove();
	fake_reset();
	fake_put("map", OLD_TEXT);
	fake_put("map.db", "old database");
	fake_put("postmap.sh", row->script);
	assert_false(
	    mapkit_publish(&fake_postfix, "hash", mapkit_entries, MAPKIT_ENTRIES, &err));
	assert_non_null(strstr(err.text, row->err));
	fake_assert("map", OLD_TEXT);
	fake_assert("map.db", "old database");
	mapkit_assert_nothing_beside();
}

/* A line of the text that is longer than any line of a log. */
static void
fault_of_a_long_value_changes_nothing(void **state)
{
	const struct map_entry some[] = {{"long.test", mapkit_long_value('a'), "why"}};
	struct err err;

	(void)state;
	mapkit_remove();
	fake_reset();
	fake_put("map", OLD_TEXT);
	fake_put("map.db", "old database");
	fake_put("postmap.sh",
	    BUILDS READS "grep -v '^#' \"$map\" | sed 's/examplea$/exampleb/'\n");
	assert_false(mapkit_publish(&fake_postfix, "hash", some, 1, &err));
	assert_non_null(strstr(err.text, "gives back only 0 of 1 entries"));
	fake_assert("map", OLD_TEXT);
	fake_assert("map.db", "old database");
	mapkit_assert_nothing_beside();
}

static void
good_postmap_is_believed(void **state)
{
	struct err err;
	char *calls;

	(void)state;
	mapkit_remove();
	fake_reset();
	fake_put("postmap.sh", BUILDS READS "grep -v '^#' \"$map\"\n");
	assert_true(
	    mapkit_publish(&fake_postfix, "hash", mapkit_entries, MAPKIT_ENTRIES, &err));
	calls = fake_get("postmap.calls");
	assert_non_null(
	    strstr(calls, "/map.new]\npostmap [-c] [/etc/postfix-9] [-q] [-] [hash:"));
	mapkit_assert_nothing_beside();
	free(calls);
}

static void
type_none_needs_no_postmap(void **state)
{
	struct err err;

	(void)state;
	mapkit_remove();
	fake_reset();
	assert_true(
	    mapkit_publish(&fake_postfix, "none", mapkit_entries, MAPKIT_ENTRIES, &err));
	fake_assert("postmap.calls", "");
	assert_true(textmap_exists(fake_path("map"), "none"));
	assert_false(textmap_exists(fake_path("map"), "hash"));
	mapkit_assert_nothing_beside();
}

static void
directory_that_is_not_there_is_named(void **state)
{
	struct err err;

	(void)state;
	fake_reset();
	assert_false(mapkit_publish_at("/nonexistent/map", &fake_postfix, "hash",
	    mapkit_entries, MAPKIT_ENTRIES, &err));
	assert_string_equal(
	    err.text, "cannot create /nonexistent/map.new: No such file or directory");
	fake_assert("postmap.calls", "");
}

static void
unknown_type_is_named(void **state)
{
	struct err err;

	(void)state;
	assert_false(
	    mapkit_publish(&fake_postfix, "mysql", mapkit_entries, MAPKIT_ENTRIES, &err));
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

	mapkit_remove();
	fake_reset();
	fake_put("map", OLD_TEXT);
	assert_false(mapkit_publish(&fake_postfix, "none", two, 2, &err));
	assert_non_null(strstr(err.text, "entry 2 cannot stand in a map"));
	fake_assert("map", OLD_TEXT);
}

int
main(void)
{
	mapkit_begin();
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
	return mapkit_end(suite_run());
}
