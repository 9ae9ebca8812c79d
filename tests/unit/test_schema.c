/* SPDX-License-Identifier: BSD-2-Clause */
/* An empty database is made at once, and is what the steps make of it. */
#include "suite.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/buf.h"
#include "store/schema.h"
#include "store/schema_impl.h"

typedef bool upgrade_fn(sqlite3 *db, struct err *err);

/* A row a line; to be cleared. */
static void
ask(sqlite3 *db, const char *sql, struct buf *out)
{
	sqlite3_stmt *stmt;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		buf_printf(out, "%s\n", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
}

static sqlite3 *
make(upgrade_fn *upgrade)
{
	struct err err;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	if (!upgrade(db, &err))
		fail_msg("%s", err.text);
	return db;
}

/* Statements to stand in schema_newest.c, should they differ. */
static void
is_what_the_steps_make(void **state)
{
	static const char words[] = "SELECT sql FROM sqlite_master"
	                            " WHERE sql IS NOT NULL ORDER BY rowid";
	static const char version[] = "PRAGMA user_version";
	sqlite3 *by_steps = make(schema_upgrade_by_steps),
	        *at_once = make(schema_upgrade);
	struct buf steps = {0}, once = {0};

	(void)state;
	ask(by_steps, words, &steps);
	ask(at_once, words, &once);
	ask(by_steps, version, &steps);
	ask(at_once, version, &once);
	assert_string_equal(buf_text(&once), buf_text(&steps));
	buf_clear(&steps);
	buf_clear(&once);
	sqlite3_close(by_steps);
	sqlite3_close(at_once);
}

/* Else they would have to be put in. */
static void
steps_leave_no_rows(void **state)
{
	sqlite3 *db = make(schema_upgrade_by_steps);
	struct buf names = {0}, counts = {0};
	struct str rest, name;

	(void)state;
	ask(db, "SELECT name FROM sqlite_master WHERE type = 'table'", &names);
	rest = (struct str){buf_text(&names), names.len};
	while (str_cut(&rest, '\n', &name)) {
		struct buf sql = {0};

		buf_printf(&sql, "SELECT count(*) FROM %.*s", STR_ARG(name));
		buf_reset(&counts);
		ask(db, buf_text(&sql), &counts);
		assert_string_equal(buf_text(&counts), "0\n");
		buf_clear(&sql);
	}
	buf_clear(&names);
	buf_clear(&counts);
	sqlite3_close(db);
}

int
main(void)
{
	suite_add(is_what_the_steps_make, NULL,
	    "an empty database becomes what the steps make of it");
	suite_add(steps_leave_no_rows, NULL, "the steps leave no rows in it");
	return suite_run();
}
