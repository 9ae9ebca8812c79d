/* SPDX-License-Identifier: BSD-2-Clause */
/* What a copy and a rollback do, and two connections. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "storekit.h"

#define NOW_MS (INT64_C(1795483619) * 1000)

static void
copies_into_a_scratch_store(void **state)
{
	struct store *store = kit_open("source.db"), *copy = kit_scratch();

	(void)state;
	kit_add(store, "a.test");
	assert_true(store_counter_set(store, "lines", 5, &kit_err));
	/* still open, and the rows are in the WAL alone */
	assert_true(store_load_copy(copy, kit_path("source.db"), &kit_err));
	kit_get(copy, "a.test");
	kit_begin_transaction(copy);
	kit_add(copy, "b.test");
	kit_commit(copy);
	store_close(copy);
	store_close(store);
	kit_assert("source.db", "SELECT key FROM destination", "a.test\n");
}

static void
copy_of_nothing_is_empty(void **state)
{
	struct store *copy = kit_scratch();

	(void)state;
	assert_true(store_load_copy(copy, kit_path("missing.db"), &kit_err));
	assert_int_not_equal(access(kit_path("missing.db"), F_OK), 0);
	kit_add(copy, "a.test");
	store_close(copy);
}

static void
copy_of_what_cannot_be_read_fails(void **state)
{
	struct store *copy = kit_scratch();

	(void)state;
	assert_int_equal(symlink("loop.db", kit_path("loop.db")), 0);
	assert_false(store_load_copy(copy, kit_path("loop.db"), &kit_err));
	assert_non_null(strstr(kit_err.text, "loop.db"));
	kit_write("text.db", "this is no database, and long enough to be seen", 47);
	assert_false(store_load_copy(copy, kit_path("text.db"), &kit_err));
	assert_non_null(strstr(kit_err.text, "text.db"));
	assert_non_null(strstr(kit_err.text, "file is not a database"));
	store_close(copy);
}

static void
copy_of_a_newer_one_fails(void **state)
{
	struct store *copy = kit_scratch();

	(void)state;
	store_close(kit_open("newer.db"));
	kit_run("newer.db", "PRAGMA user_version = 99");
	assert_false(store_load_copy(copy, kit_path("newer.db"), &kit_err));
	assert_non_null(strstr(kit_err.text, "newer tlsladder"));
	store_close(copy);
}

static void
rollback_leaves_nothing(void **state)
{
	struct store *store = kit_open("rollback.db");
	int64_t id = kit_add(store, "a.test"), version;
	struct place place = {"file", "99 1"};
	struct destination d;
	bool found;

	(void)state;
	store_rollback(store); /* of nothing: does nothing */
	kit_begin_transaction(store);
	kit_add(store, "b.test");
	kit_wait(store, id, "Q1", NOW_MS);
	assert_true(store_tally_add(store, id, 1, "sent", 1, &kit_err));
	assert_true(store_map_changed(store, &version, &kit_err));
	assert_true(store_blob_put(store, "p", STR("x"), &kit_err));
	assert_true(store_place_put(store, "/log", &place, &kit_err));
	kit_decide(store, id, NOW_MS, "set");
	store_rollback(store);
	assert_true(store_get(store, "b.test", &d, &found, &kit_err));
	assert_false(found);
	store_close(store);
	kit_assert("rollback.db",
	    "SELECT count(*) FROM waiting; SELECT count(*) FROM tally;"
	    " SELECT count(*) FROM counter; SELECT count(*) FROM blob;"
	    " SELECT count(*) FROM log_place; SELECT count(*) FROM decision",
	    "0\n0\n0\n0\n0\n0\n");
}

static void
others_are_noticed(void **state)
{
	struct store *mine = kit_open("both.db"), *other = kit_open("both.db");
	int64_t before, after;

	(void)state;
	assert_true(store_data_version(mine, &before, &kit_err));
	kit_add(mine, "mine.test");
	assert_true(store_data_version(mine, &after, &kit_err));
	assert_int_equal(after, before);
	kit_add(other, "other.test");
	assert_true(store_data_version(mine, &after, &kit_err));
	assert_int_not_equal(after, before);
	kit_get(mine, "other.test");
	store_close(mine);
	store_close(other);
}

int
main(void)
{
	kit_begin();
	suite_add(copies_into_a_scratch_store, NULL,
	    "a copy is a copy, the source is untouched");
	suite_add(
	    copy_of_nothing_is_empty, NULL, "a copy of no file is empty, and makes none");
	suite_add(copy_of_what_cannot_be_read_fails, NULL,
	    "a copy of what is not readable fails");
	suite_add(copy_of_a_newer_one_fails, NULL, "a copy of a newer one fails");
	suite_add(rollback_leaves_nothing, NULL, "a rollback leaves nothing");
	suite_add(others_are_noticed, NULL, "what another connection commits is noticed");
	return kit_end(suite_run());
}
