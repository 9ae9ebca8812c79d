/* SPDX-License-Identifier: BSD-2-Clause */
#include "storekit.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "suite.h"
#include "sys/file.h"

struct err kit_err;

/* In memory where there is room for it: databases are synced to disk all the time. */
static char *dir;

void
kit_begin(void)
{
	dir = scratch_new(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL);
}

int
kit_end(int status)
{
	scratch_remove(dir);
	free(dir);
	return status;
}

const char *
kit_path(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

void
kit_write(const char *name, const void *data, size_t len)
{
	FILE *file = fopen(kit_path(name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

void
kit_remove(const char *name)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char path[300];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", kit_path(name), ends[i]);
		unlink(path);
	}
}

static struct store *
must_open(const char *path)
{
	struct store *store = store_open(path, 0, &kit_err);

	if (store == NULL)
		fail_msg("%s", kit_err.text);
	return store;
}

/* Made once by whoever has many: the steps of the schema take longer than most tests. */
void
kit_new(const char *name)
{
	static struct buf empty;
	struct store *store;

	kit_remove(name);
	if (empty.len > 0) {
		kit_write(name, empty.data, empty.len);
		return;
	}
	store = kit_open(name);
	store_close(store); /* what was in the log of SQLite is in the file then */
	if (!file_read(kit_path(name), SIZE_MAX, &empty, &kit_err))
		fail_msg("%s", kit_err.text);
}

struct store *
kit_scratch(void)
{
	return must_open(":memory:");
}

struct store *
kit_open(const char *name)
{
	return must_open(kit_path(name));
}

int64_t
kit_add(struct store *store, const char *key)
{
	struct destination d;

	destination_init(&d, key);
	kit_put(store, &d);
	assert_true(d.id > 0);
	return d.id;
}

struct destination
kit_get(struct store *store, const char *key)
{
	struct destination d;
	bool found;

	if (!store_get(store, key, &d, &found, &kit_err))
		fail_msg("%s", kit_err.text);
	if (!found)
		fail_msg("%s is not there", key);
	suite_keep(d.entry.attributes);
	return d;
}

void
kit_put(struct store *store, struct destination *d)
{
	if (!store_put(store, d, &kit_err))
		fail_msg("%s", kit_err.text);
}

void
kit_decide(struct store *store, int64_t id, int64_t time_ms, const char *action)
{
	struct decision_record r = {.destination = id,
	    .time_ms = time_ms,
	    .action = action,
	    .before = {.level = LEVEL_NONE},
	    .after = {.level = LEVEL_MAY, .attributes = "match=.d.test"},
	    .why = "not-encrypted",
	    .rule = "refused",
	    .reason = "it's \"so\"",
	    .dns_state = "none"};

	assert_true(store_decision_add(store, &r, &kit_err));
}

void
kit_wait(struct store *store, int64_t id, const char *queue_id, int64_t time_ms)
{
	struct waiting_mail mail = {.queue_id = queue_id,
	    .domain = "d.test",
	    .rule = "r",
	    .reason = reason_mark_of(STR("reason"), false),
	    .time_ms = time_ms};

	assert_true(store_waiting_add(store, id, &mail, 1, &kit_err));
}

void
kit_release(struct store *store, int64_t id, int64_t version, int64_t not_before_ms)
{
	assert_true(
	    store_waiting_release(store, id, version, not_before_ms, true, &kit_err));
}

void
kit_retry(struct store *store, int64_t version, int64_t now_ms)
{
	struct waiting due[STORE_WAITING_MAX];
	int64_t next, again;
	size_t count;

	assert_true(store_waiting_due(store, "", version, now_ms, due, STORE_WAITING_MAX,
	    &count, &next, &again, &kit_err));
	assert_true(store_waiting_take(store, due, count, &kit_err));
	assert_true(store_waiting_done(store, due, count, now_ms, &kit_err));
}

void
kit_begin_transaction(struct store *store)
{
	if (!store_begin(store, &kit_err))
		fail_msg("%s", kit_err.text);
}

void
kit_commit(struct store *store)
{
	if (!store_commit(store, &kit_err))
		fail_msg("%s", kit_err.text);
}

/* --- past the code under test ------------------------------------------------------ */

static int
append_row(void *context, int count, char **values, char **names)
{
	(void)names;
	for (int i = 0; i < count; i++)
		buf_printf(context, "%s%s", i > 0 ? "|" : "",
		    values[i] != NULL ? values[i] : "NULL");
	buf_add_char(context, '\n');
	return 0;
}

static void
execute(const char *name, const char *sql, struct buf *out)
{
	sqlite3 *db;
	char *message = NULL;

	assert_int_equal(sqlite3_open(kit_path(name), &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, append_row, out, &message) != SQLITE_OK)
		fail_msg("%s", message);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

void
kit_run(const char *name, const char *sql)
{
	struct buf out = {0};

	execute(name, sql, &out);
	buf_clear(&out);
}

char *
kit_ask(const char *name, const char *sql)
{
	struct buf out = {0};

	execute(name, sql, &out);
	return buf_take(&out);
}

void
kit_assert(const char *name, const char *sql, const char *expected)
{
	char *got = kit_ask(name, sql);

	assert_string_equal(got, expected);
	free(got);
}

void
kit_put_level(struct store *store, const char *key, enum level level)
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
