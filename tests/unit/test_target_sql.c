/* SPDX-License-Identifier: BSD-2-Clause */
/* A table of a database as a target, with a helper that a test scripts. */
#include "suite.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "fake.h"
#include "publish/table_guard.h"
#include "publish/target.h"
#include "store/store_published.h"
#include "storekit.h"
#include "sys/child.h"

#define NAME "sql.db"

static struct config config;
static struct store *store;
static struct buf publisher;

static void
begin(void)
{
	kit_remove(NAME);
	fake_put("table", NULL);
	fake_put("table.does", NULL);
	fake_put("table.busy", NULL);
	fake_put("table.bad", NULL);
	fake_put("table.calls", NULL);
	store = kit_open(NAME);
}

static bool
publish(enum publish_how how)
{
	const struct target_use use = {&config, &fake_postfix, store, 0};
	struct exported exported;

	return target_publish(&target_sql, 0, &use, how, &exported, &kit_err);
}

static void
assert_published(void)
{
	if (!publish(PUBLISH_LACKING))
		fail_msg("%s", kit_err.text);
}

/* Each row without its number: "a.test may -". */
static void
assert_rows(const char *expected)
{
	char *text = fake_get("table"), *at = strchr(text, '\n');
	char key[300], level[32], attributes[300];
	struct buf rows = {0};
	int active, len;

	while (at != NULL &&
	    sscanf(at, " %299s %*u %31s %299[^\t] %d %*u%n", key, level, attributes,
	        &active, &len) == 4) {
		buf_printf(&rows, "%s%s %s %s%s", rows.len > 0 ? "; " : "", key, level,
		    attributes, active ? "" : " off");
		at += len;
	}
	assert_string_equal(buf_text(&rows), expected);
	buf_clear(&rows);
	free(text);
}

static enum published_state
state_of(const char *key)
{
	struct published p;

	assert_true(store_published_get(store, buf_text(&publisher), key, &p, &kit_err));
	return p.state;
}

/* By hand: what the administrator does. */
static void
table_is(const char *text)
{
	fake_put("table", text);
}

static void
forget_compared(void)
{
	kit_run(NAME, "DELETE FROM counter WHERE name LIKE 'compared %'");
}

static void
end(void)
{
	store_close(store);
}

/* --- what is published ------------------------------------------------------------- */

static void
entries_become_rows(void **state)
{
	(void)state;
	begin();
	kit_put_level(store, "a.test", LEVEL_ENCRYPT);
	kit_put_level(store,
	    "b\xc3\xbc"
	    "cher.test",
	    LEVEL_ENCRYPT);
	kit_put_level(store, "weak.test", LEVEL_DANE);
	assert_published();
	assert_rows("a.test encrypt -");
	assert_int_equal(state_of("a.test"), PUBLISHED_OURS);
	/* Changes alone, of which those that are new are looked at. */
	fake_put("table.calls", NULL);
	kit_put_level(store, "c.test", LEVEL_VERIFY);
	kit_put_level(store, "a.test", LEVEL_DANE_ONLY);
	kit_put_level(store, "weak.test", LEVEL_ENCRYPT);
	assert_published();
	assert_rows("a.test dane-only -; c.test verify -; weak.test encrypt -");
	assert_false(fake_has("table.calls", "all\n"));
	assert_true(fake_has("table.calls", "look\tc.test\n"));
	assert_true(fake_has("table.calls", "want\ta.test\tdane-only\t-\t1\tencrypt"));
	/* One that is too weak now goes, and one whose entry went. */
	kit_put_level(store, "c.test", LEVEL_NONE);
	kit_put_level(store, "weak.test", LEVEL_MAY);
	assert_published();
	assert_rows("a.test dane-only -");
	assert_int_equal(state_of("c.test"), PUBLISHED_NONE);
	/* Nothing new is nothing done. */
	fake_put("table.calls", NULL);
	assert_published();
	fake_assert("table.calls", "");
	end();
}

static void
same_twice_changes_nothing(void **state)
{
	char *before, *after;

	(void)state;
	begin();
	for (int i = 0; i < 1200; i++) {
		char key[32];

		snprintf(key, sizeof(key), "d%d.test", i);
		kit_put_level(store, key, LEVEL_ENCRYPT);
	}
	assert_published();
	before = fake_get("table");
	fake_put("table.calls", NULL);
	assert_true(publish(PUBLISH_ANEW));
	after = fake_get("table");
	assert_string_equal(before, after);
	fake_assert("table.calls", "all\nend\n");
	free(before);
	free(after);
	end();
}

static void
rows_of_others_are_left_alone(void **state)
{
	(void)state;
	begin();
	assert_true(store_read_here_put(store, buf_text(&publisher), &kit_err));
	table_is("9\na.test\t1\tmay\t-\t1\t0\nB.test\t2\tverify\t-\t0\t0\n");
	kit_put_level(store, "a.test", LEVEL_ENCRYPT);
	kit_put_level(store, "b.test", LEVEL_ENCRYPT);
	kit_put_level(store, "c.test", LEVEL_ENCRYPT);
	assert_published();
	assert_rows("a.test may -; B.test verify - off; c.test encrypt -");
	assert_int_equal(state_of("a.test"), PUBLISHED_THEIRS);
	assert_int_equal(state_of("b.test"), PUBLISHED_THEIRS);
	/* They are judged anew, so that guard 5 sees it. */
	assert_true(kit_get(store, "a.test").look_ms != 0);
	assert_int_equal(kit_get(store, "c.test").look_ms, 0);
	/* He changes ours, and deletes one. */
	kit_put_level(store, "e.test", LEVEL_ENCRYPT);
	assert_published();
	table_is("99\nc.test\t10\tmay\t-\t1\t17\n");
	kit_put_level(store, "c.test", LEVEL_VERIFY);
	kit_put_level(store, "e.test", LEVEL_VERIFY);
	/* All is compared then: a row that he had, and is gone, is in nobody's way. */
	assert_published();
	assert_rows("c.test may -; a.test encrypt -; b.test encrypt -");
	assert_int_equal(state_of("c.test"), PUBLISHED_THEIRS);
	assert_int_equal(state_of("e.test"), PUBLISHED_VETOED);
	forget_compared();
	assert_published();
	assert_rows("c.test may -; a.test encrypt -; b.test encrypt -");
	assert_int_equal(state_of("e.test"), PUBLISHED_VETOED);
	kit_put_level(store, "c.test", LEVEL_NONE);
	assert_published();
	assert_rows("c.test may -; a.test encrypt -; b.test encrypt -");
	end();
}

/* --- failures ---------------------------------------------------------------------- */

static void
failure_is_told(void **unused)
{
	static const struct {
		const char *does;
		const char *says;
	} rows[] = {
	    {"outage", "the database cannot be reached: Can't connect to server (2002)"},
	    {"login", "the login file is refused: others may read it"},
	    {"rights", "the database refuses the user: INSERT command denied (1142)"},
	    {"missing", "the listing is not whole"},
	};

	(void)unused;
	begin();
	kit_put_level(store, "a.test", LEVEL_ENCRYPT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_put("table.does", rows[i].does);
		assert_false(publish(PUBLISH_LACKING));
		assert_string_equal(kit_err.text, rows[i].says);
	}
	fake_put("table.does", NULL);
	assert_published();
	/* Of changes there is one attempt, and no listing behind it. */
	fake_put("table.does", "outage");
	fake_put("table.calls", NULL);
	kit_put_level(store, "b.test", LEVEL_ENCRYPT);
	assert_false(publish(PUBLISH_LACKING));
	assert_false(fake_has("table.calls", "all\n"));
	kit_assert(NAME, "SELECT count(*) FROM published_intent", "0\n");
	fake_put("table.does", NULL);
	kit_put_level(store, "c.test", LEVEL_ENCRYPT);
	assert_published();
	assert_rows("a.test encrypt -; b.test encrypt -; c.test encrypt -");
	end();
}

static void
locked_row_is_asked_again(void **state)
{
	(void)state;
	begin();
	kit_put_level(store, "a.test", LEVEL_ENCRYPT);
	kit_put_level(store, "b.test", LEVEL_ENCRYPT);
	fake_put("table.busy", "a.test");
	fake_put("table.bad", "b.test");
	assert_false(publish(PUBLISH_LACKING));
	assert_string_equal(kit_err.text, "1 rows are locked by others");
	assert_rows("");
	fake_put("table.busy", NULL);
	assert_published();
	assert_rows("a.test encrypt -");
	assert_int_equal(state_of("b.test"), PUBLISHED_REFUSED);
	fake_put("table.bad", NULL);
	forget_compared();
	assert_published();
	assert_rows("a.test encrypt -; b.test encrypt -");
	end();
}

/* Whoever ends does not wait for a database that hangs. */
static void
hang_is_ended(void **state)
{
	struct target_use use = {&config, &fake_postfix, NULL, 0};
	struct exported exported;

	(void)state;
	begin();
	kit_put_level(store, "a.test", LEVEL_ENCRYPT);
	fake_put("table.does", "hang");
	use.store = store;
	use.stop_fd = child_stopper(&kit_err);
	assert_true(use.stop_fd > 0);
	child_stop(use.stop_fd);
	assert_false(
	    target_publish(&target_sql, 0, &use, PUBLISH_LACKING, &exported, &kit_err));
	assert_non_null(strstr(kit_err.text, " was stopped"));
	close(use.stop_fd);
	end();
}

/* We end at each place between what is stored and what is answered. */
static void
begun_is_ended_later(void **state)
{
	const char *does = *state;
	pid_t child;
	int status;

	begin();
	kit_put_level(store, "a.test", LEVEL_ENCRYPT);
	assert_published();
	kit_put_level(store, "a.test", LEVEL_VERIFY);
	kit_put_level(store, "b.test", LEVEL_ENCRYPT);
	fake_put("table.does", does);
	store_close(store);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		store = store_open(kit_path(NAME), 1000, &kit_err);
		publish(PUBLISH_LACKING);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WIFSIGNALED(status), strncmp(does, "kill", 4) == 0);
	fake_put("table.does", NULL);
	store = kit_open(NAME);
	kit_assert(NAME, "SELECT dest, policy FROM published_intent ORDER BY dest",
	    "a.test|verify\nb.test|encrypt\n");
	/* In the meantime b.test was given up, and goes. */
	kit_put_level(store, "b.test", LEVEL_NONE);
	assert_published();
	assert_rows("a.test verify -");
	assert_int_equal(state_of("a.test"), PUBLISHED_OURS);
	assert_int_equal(state_of("b.test"), PUBLISHED_NONE);
	kit_assert(NAME, "SELECT count(*) FROM published_intent", "0\n");
	end();
}

/* --- whose row answers (guard 5) --------------------------------------------------- */

static void
guard_sees_rows_of_others(void **state)
{
	static const char *const keys[] = {
	    "ours.test", "his.test", "a.child.test", "none.test", "off.test", "pin.test"};
	enum answer answers[6] = {
	    ANSWER_NO, ANSWER_NO, ANSWER_NO, ANSWER_NO, ANSWER_NO, ANSWER_NO};
	const struct table_guard guard = {&config, 1};

	(void)state;
	begin();
	kit_put_level(store, "ours.test", LEVEL_ENCRYPT);
	assert_published();
	table_is("9\nours.test\t1\tencrypt\t-\t1\t0\nhis.test\t2\tmay\t-\t1\t0\n"
	         ".child.test\t3\tmay\t-\t1\t0\noff.test\t4\tmay\t-\t0\t0\n");
	assert_true(table_guard_ask(&guard, keys, 6, answers, &kit_err));
	assert_int_equal(answers[0], ANSWER_NO);
	assert_int_equal(answers[1], ANSWER_YES);
	assert_int_equal(answers[2], ANSWER_YES);
	assert_int_equal(answers[3], ANSWER_NO);
	assert_int_equal(answers[4], ANSWER_YES);
	fake_put("table.does", "outage");
	answers[1] = ANSWER_NO;
	assert_false(table_guard_ask(&guard, keys, 6, answers, &kit_err));
	assert_int_equal(answers[0], ANSWER_UNSURE);
	assert_int_equal(answers[1], ANSWER_UNSURE);
	assert_int_equal(answers[2], ANSWER_YES);
	assert_non_null(strstr(kit_err.text, "cannot be reached"));
	end();
}

static void
tables_are_no_maps_of_others(void **state)
{
	bool ours;
	char **maps = postfix_other_maps(
	    "mysql:/x/table, hash:/ours proxy:mysql:/other.cf", "/ours", &ours);
	size_t first = 7;

	(void)state;
	assert_int_equal(table_guard_take(&config, maps, &first), 1);
	assert_int_equal(first, 0);
	assert_string_equal(maps[0], "proxy:mysql:/other.cf");
	assert_null(maps[1]);
	first = 7;
	assert_int_equal(table_guard_take(&config, maps, &first), 0);
	assert_int_equal(first, 7);
	postfix_maps_free(maps);
}

int
main(void)
{
	char sql[] = "mariadb", schema[] = "mailcow", map[] = "proxy:mysql:/x/table";
	struct publisher one = {
	    .sql = sql, .schema = schema, .map = map, .lowest = LEVEL_ENCRYPT};
	int status;

	kit_begin();
	fake_begin();
	one.login = mem_strdup(fake_path("table"));
	config.state = mem_strdup(kit_path(NAME));
	config.publish = (struct publishers){&one, 1};
	publisher_print_name(&one, &publisher);
	suite_add(entries_become_rows, NULL, "entries become rows");
	suite_add(same_twice_changes_nothing, NULL, "the same twice changes nothing");
	suite_add(rows_of_others_are_left_alone, NULL, "rows of others are left alone");
	suite_add(failure_is_told, NULL, "a failure is told");
	suite_add(locked_row_is_asked_again, NULL, "a locked row is asked for again");
	suite_add(hang_is_ended, NULL, "what hangs is ended by whoever ends");
	suite_add(begun_is_ended_later, "kill", "killed before anything is done");
	suite_add(begun_is_ended_later, "kill-after", "killed before the answer");
	suite_add(begun_is_ended_later, "silent", "an answer that does not come");
	suite_add(begun_is_ended_later, "unsure", "a connection that is lost");
	suite_add(guard_sees_rows_of_others, NULL, "guard 5 sees rows of others");
	suite_add(tables_are_no_maps_of_others, NULL, "a table of ours is no other map");
	status = suite_run();
	free(one.login);
	free(config.state);
	buf_clear(&publisher);
	fake_end();
	return kit_end(status);
}
