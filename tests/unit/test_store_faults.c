/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store on a bad day: another process has the lock, the disk is full or broken, the
 * power went. Whatever happens, position and counters are of one moment, and the same
 * batch can be stored again.
 */
#include "store/store_freeze.h"
#include "suite.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_trouble.h"
#include "storekit.h"
#include "sys/clock.h"
#include "sys/file.h"

#define NOW_MS (INT64_C(1795483619) * 1000)

/* --- a batch, and what must hold after any number of them --------------------------- */

/* What a batch of log lines leads to: after the n-th, all of it says n. */
static bool
store_batch(struct store *store, int64_t n, struct err *err)
{
	struct place at = {.kind = "file"};
	struct destination d;
	bool found;

	snprintf(at.text, sizeof(at.text), "%" PRId64 " 2 1", n * 1000);
	if (!store_begin(store, err) || !store_get(store, "a.test", &d, &found, err))
		return false;
	if (!found)
		destination_init(&d, "a.test");
	d.alarm.attempts++;
	memset(d.dns.text, 'x', sizeof(d.dns.text) - 1);
	if (!store_put(store, &d, err) ||
	    !store_tally_add(store, d.id, 1, "sent", 1, err) ||
	    !store_counter_add(store, "lines", 1, err) ||
	    !store_place_put(store, "/log", &at, err))
		return false;
	for (int i = 0; i < 5; i++) {
		char key[64];

		snprintf(key, sizeof(key), "n%" PRId64 "-%d.test", n, i);
		destination_init(&d, key);
		memset(d.dns.text, 'y', sizeof(d.dns.text) - 1);
		if (!store_put(store, &d, err))
			return false;
	}
	return store_commit(store, err);
}

static void
must_store_batch(struct store *store, int64_t n)
{
	if (!store_batch(store, n, &kit_err))
		fail_msg("%s", kit_err.text);
}

static void
add_count(void *context, int64_t day, const char *what, uint64_t count)
{
	(void)day;
	(void)what;
	*(int64_t *)context += (int64_t)count;
}

/* How many batches are in it; fails if it is not a whole number of them. */
static int64_t
batches(struct store *store)
{
	struct place at = {0};
	int64_t lines, tallied = 0;
	struct destination d;
	char key[64];
	bool found;

	assert_true(store_counter_get(store, "lines", &lines, &kit_err));
	assert_true(store_place_get(store, "/log", &at, &found, &kit_err));
	assert_int_equal(found, lines > 0);
	assert_int_equal(strtoll(at.text, NULL, 10), lines * 1000);
	assert_true(store_get(store, "a.test", &d, &found, &kit_err));
	assert_int_equal(found, lines > 0);
	if (found) {
		assert_int_equal(d.alarm.attempts, lines);
		assert_true(store_each_tally(store, d.id, add_count, &tallied, &kit_err));
	}
	assert_int_equal(tallied, lines);
	for (int64_t n = 1; n <= lines + 1; n++) {
		snprintf(key, sizeof(key), "n%" PRId64 "-4.test", n);
		assert_true(store_get(store, key, &d, &found, &kit_err));
		assert_int_equal(found, n <= lines);
	}
	return lines;
}

/* --- locks ------------------------------------------------------------------------- */

static void
locked_fails_and_works_later(void **state)
{
	struct store *mine = kit_open("busy.db"), *other = kit_open("busy.db");

	(void)state;
	must_store_batch(mine, 1);
	kit_begin_transaction(other);
	assert_false(store_batch(mine, 2, &kit_err));
	assert_non_null(strstr(kit_err.text, "locked"));
	store_rollback(mine);
	assert_int_equal(batches(mine), 1); /* reading goes on */
	store_rollback(other);
	must_store_batch(mine, 2);
	assert_int_equal(batches(other), 2);
	store_close(mine);
	store_close(other);
}

static void *
commit_it(void *store)
{
	store_commit(store, &kit_err);
	return NULL;
}

static void
waits_for_a_lock(void **state)
{
	struct store *other = kit_open("wait.db");
	struct store *mine = store_open(kit_path("wait.db"), 10000, &kit_err);
	pthread_t thread;

	(void)state;
	assert_non_null(mine);
	kit_begin_transaction(other);
	assert_int_equal(pthread_create(&thread, NULL, commit_it, other), 0);
	kit_begin_transaction(mine);
	assert_int_equal(pthread_join(thread, NULL), 0);
	kit_commit(mine);
	store_close(mine);
	store_close(other);
}

/* Two processes that start at once on an old database: one of them brings it up to date.
 */
static void
upgrades_beside_another(void **state)
{
	struct store *other = kit_open("upgrade.db");

	(void)state;
	kit_run("upgrade.db", "PRAGMA user_version = 1");
	kit_begin_transaction(other);
	assert_null(store_open(kit_path("upgrade.db"), 0, &kit_err));
	assert_non_null(strstr(kit_err.text, "locked"));
	store_rollback(other);
	store_close(other);
}

static void
opens_beside_another(void **state)
{
	struct store *other = kit_open("beside.db"), *mine;
	struct destination d;
	bool found = true;

	(void)state;
	kit_begin_transaction(other);
	mine = store_open(kit_path("beside.db"), 0, &kit_err);
	assert_non_null(mine);
	assert_true(store_get(mine, "example.org", &d, &found, &kit_err));
	assert_false(found);
	store_rollback(other);
	store_close(mine);
	store_close(other);
}

/* --- writes that fail -------------------------------------------------------------- */

static struct {
	bool armed;
	bool stays;  /* all that follow fail too */
	long left;   /* writes that still succeed */
	long writes; /* seen while armed */
	int error;
} disk;

typedef ssize_t pwrite_fn(int fd, const void *data, size_t len, off_t at);
typedef ssize_t write_fn(int fd, const void *data, size_t len);

static bool
disk_fails(void)
{
	if (!disk.armed)
		return false;
	disk.writes++;
	if (disk.left > 0) {
		disk.left--;
		return false;
	}
	if (!disk.stays)
		disk.armed = false;
	errno = disk.error;
	return true;
}

static ssize_t
failing_pwrite(int fd, const void *data, size_t len, off_t at)
{
	return disk_fails() ? -1 : pwrite(fd, data, len, at);
}

static ssize_t
failing_write(int fd, const void *data, size_t len)
{
	return disk_fails() ? -1 : write(fd, data, len);
}

/* SQLite's own hook for what it asks of the system. */
static void
watch_disk(bool on)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	static pwrite_fn *const pwrite_hook = failing_pwrite;
	static write_fn *const write_hook = failing_write;

	vfs->xSetSystemCall(vfs, "pwrite", on ? (sqlite3_syscall_ptr)pwrite_hook : NULL);
	vfs->xSetSystemCall(
	    vfs, "pwrite64", on ? (sqlite3_syscall_ptr)pwrite_hook : NULL);
	vfs->xSetSystemCall(vfs, "write", on ? (sqlite3_syscall_ptr)write_hook : NULL);
}

struct fault {
	const char *name;
	int error;
	bool stays;
	const char *words;
};

static const struct fault faults[] = {
    {"the disk is full for one write", ENOSPC, false, "full"},
    {"the disk is full and stays so", ENOSPC, true, "full"},
    {"one write meets an I/O error", EIO, false, "I/O error"},
    {"a quota is used up", EDQUOT, true, "error"},
};

/* Whichever write of a batch fails: nothing of it stays, and then it is stored once. */
static void
failed_write_leaves_nothing(void **state)
{
	const struct fault *fault = *state;
	struct store *store, *reader;
	int64_t done = 1;
	long failures = 0;
	bool stored;

	unlink(kit_path("full.db"));
	unlink(kit_path("full.db-wal"));
	unlink(kit_path("full.db-shm"));
	watch_disk(true);
	store = kit_open("full.db");
	reader = kit_open("full.db");
	must_store_batch(store, done);
	for (long n = 0;; n++) {
		disk.stays = fault->stays;
		disk.left = n;
		disk.error = fault->error;
		disk.armed = true;
		kit_err.text[0] = '\0';
		stored = store_batch(store, done + 1, &kit_err);
		if (!stored) {
			failures++;
			assert_non_null(strstr(kit_err.text, fault->words));
			store_rollback(store);
		}
		disk.armed = false;
		assert_int_equal(batches(reader), done + stored);
		if (!stored)
			must_store_batch(store, done + 1);
		done++;
		assert_int_equal(batches(reader), done);
		if (stored)
			break;
	}
	assert_true(failures >= 3);
	store_close(store);
	store_close(reader);
	watch_disk(false);
	kit_assert("full.db", "PRAGMA integrity_check", "ok\n");
}

/* --- what it is that fails -----------------------------------------------------------
 */

struct trouble_row {
	const char *what;
	const char *sql;  /* of another program, before; NULL: none */
	const char *text; /* what the file is instead; NULL: a database */
	int error;        /* every write meets it */
	enum store_trouble expected;
	const char *words;
};

static const struct trouble_row troubles[] = {
    {"nothing", NULL, NULL, 0, STORE_FINE, ""},
    {"the disk is full", NULL, NULL, ENOSPC, STORE_FULL, "No space left"},
    {"a quota is used up", NULL, NULL, EDQUOT, STORE_FULL, "quota"},
    {"the file system is read-only", NULL, NULL, EROFS, STORE_READ_ONLY, "Read-only"},
    {"the disk is broken", NULL, NULL, EIO, STORE_BROKEN, "Input/output error"},
    {"it is of a newer version", "PRAGMA user_version = 999", NULL, 0, STORE_NEWER,
        "of a newer tlsladder (version 999"},
    {"it has a version that is none", "PRAGMA user_version = -1", NULL, 0, STORE_FOREIGN,
        "another program"},
    {"it is no database", NULL, "a text of somebody, and long enough to be looked at", 0,
        STORE_FOREIGN, "not a database"},
};

static void
trouble_is_told_apart(void **state)
{
	const struct trouble_row *row = *state;
	enum store_trouble found;
	struct err why = {{0}};

	kit_remove("trouble.db");
	if (row->text != NULL)
		kit_write("trouble.db", row->text, strlen(row->text));
	else
		store_close(kit_open("trouble.db"));
	if (row->sql != NULL)
		kit_run("trouble.db", row->sql);
	watch_disk(true);
	disk.stays = true;
	disk.left = 0;
	disk.error = row->error;
	disk.armed = row->error != 0;
	found = store_trouble(kit_path("trouble.db"), 0, &why);
	disk.armed = false;
	watch_disk(false);
	assert_int_equal(found, row->expected);
	assert_non_null(strstr(why.text, row->words));
	if (row->text == NULL)
		kit_assert("trouble.db", "PRAGMA quick_check", "ok\n");
}

static void
lock_is_trouble_that_passes(void **state)
{
	struct store *other = kit_open("held.db");
	struct err why = {{0}};

	(void)state;
	kit_begin_transaction(other);
	assert_int_equal(store_trouble(kit_path("held.db"), 0, &why), STORE_LOCKED);
	assert_non_null(strstr(why.text, "locked"));
	store_rollback(other);
	assert_int_equal(store_trouble(kit_path("held.db"), 0, &why), STORE_FINE);
	store_close(other);
	assert_true(store_trouble_passes(STORE_LOCKED));
	assert_true(store_trouble_passes(STORE_FULL));
	assert_true(store_trouble_passes(STORE_READ_ONLY));
	assert_false(store_trouble_passes(STORE_NEWER));
	assert_false(store_trouble_passes(STORE_DENIED));
	assert_false(store_trouble_passes(STORE_BROKEN));
}

/* --- the power goes ---------------------------------------------------------------- */

static void
read_all(const char *name, struct buf *out)
{
	buf_reset(out);
	assert_true(file_read(kit_path(name), 100000000, out, &kit_err));
}

static void
assert_moment(
    const struct buf *database, const struct buf *wal, int64_t low, int64_t high)
{
	struct store *store;
	int64_t n;

	kit_write("after.db", database->data, database->len);
	kit_write("after.db-wal", wal->data, wal->len);
	unlink(kit_path("after.db-shm"));
	store = kit_open("after.db");
	n = batches(store);
	assert_in_range(n, low, high);
	must_store_batch(store, n + 1); /* the log is read again from there */
	assert_int_equal(batches(store), n + 1);
	store_close(store);
}

enum tear { CUT, ZEROED, SECTOR_LOST };

/* The last transaction reached the disk up to a sector, or but for one. */
static void
torn_wal_is_an_earlier_moment(void **state)
{
	enum tear tear = *(const enum tear *)*state;
	struct buf database = {0}, wal = {0}, torn = {0};
	struct store *store;
	size_t before, cuts = 0;

	unlink(kit_path("torn.db"));
	store = kit_open("torn.db");
	must_store_batch(store, 1);
	must_store_batch(store, 2);
	read_all("torn.db-wal", &wal);
	before = wal.len;
	must_store_batch(store, 3);
	read_all("torn.db-wal", &wal);
	read_all("torn.db", &database);
	assert_true(wal.len > before + 4096);
	assert_moment(&database, &wal, 3, 3);
	for (size_t at = before / 512 * 512; at < wal.len; at += 512) {
		size_t len = wal.len - at < 512 ? wal.len - at : 512;

		buf_reset(&torn);
		buf_add(&torn, wal.data, tear == CUT ? at : wal.len);
		if (tear == ZEROED)
			memset(torn.data + at, 0, wal.len - at);
		if (tear == SECTOR_LOST)
			memset(torn.data + at, 0, len);
		if (torn.len == wal.len && memcmp(torn.data, wal.data, wal.len) == 0)
			continue; /* there was nothing but zeros */
		/* the sector in which the transaction before ends may take that along */
		assert_moment(&database, &torn, at < before ? 1 : 2, 2);
		cuts++;
	}
	assert_true(cuts >= 8);
	store_close(store);
	buf_clear(&database);
	buf_clear(&wal);
	buf_clear(&torn);
}

/* --- many -------------------------------------------------------------------------- */

/* Only where TLSLADDER_TEST_BIG is set: a million destinations, and what is asked of
 * them while the daemon runs. */
static void
count_one(void *context, int64_t id, const char *key)
{
	(void)id;
	(void)key;
	++*(size_t *)context;
}

static void
count_due(void *context, int64_t id, const char *key, bool known)
{
	(void)known;
	count_one(context, id, key);
}

/* By this process, from the page cache as well (proc_pid_io(5)): who has an index needs
 * little of a file. */
static long long
bytes_read(void)
{
	FILE *f = fopen("/proc/self/io", "r");
	long long bytes;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "rchar: %lld", &bytes), 1);
	fclose(f);
	return bytes;
}

static long long
size_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(kit_path(name), &st), 0);
	return st.st_size;
}

static void
million_destinations_are_no_matter(void **state)
{
	int64_t start_ms, at_ms;
	struct store_place first = {0}, due = {0};
	struct freeze_span span = {.since_ms = NOW_MS - 1000,
	    .last_since_ms = NOW_MS - SPAN_DAY_MS,
	    .soon_ms = NOW_MS,
	    .most = 20,
	    .level = LEVEL_VERIFY};
	struct freeze_facts facts = {0};
	struct store *store;
	size_t count, pending = 0;
	long long begun_bytes, took_bytes;

	(void)state;
	store = kit_open("big.db");
	kit_begin_transaction(store);
	for (int i = 0; i < 1000000; i++) {
		struct destination d;
		char key[64];

		snprintf(key, sizeof(key), "d%07d.test", i);
		destination_init(&d, key);
		d.look_ms = NOW_MS + i;
		d.alarm.raised = i % 1000 == 0;
		d.alarm.pending = i % 100000 == 0;
		d.alarm.time_ms = NOW_MS - i;
		d.entry.level = i % 100 == 0 ? LEVEL_ENCRYPT : LEVEL_NONE;
		kit_put(store, &d);
	}
	for (int i = 0; i < 200000; i++) {
		struct host_past past = {
		    .verify_ms = NOW_MS - i, .failed_ms = i % 1000 == 0 ? NOW_MS - i : 0};
		char name[64];

		snprintf(name, sizeof(name), "mx.d%07d.test", i);
		assert_true(store_host_add(store, name, 25, &past, &kit_err));
	}
	kit_commit(store);
	store_close(store);
	begun_bytes = bytes_read();
	start_ms = clock_monotonic_ms();
	store = kit_open("big.db");
	assert_true(store_each_pending(
	    store, false, &first, 512, count_one, &pending, &count, &kit_err));
	assert_int_equal(pending, 10);
	assert_true(store_each_due(
	    store, true, NOW_MS, &due, 512, count_due, &pending, &count, &kit_err));
	assert_int_equal(count, 1);
	assert_true(store_each_pending_newest(store, 512, count_one, &pending, &kit_err));
	assert_int_equal(pending, 21);
	assert_true(store_next_due(store, 0, &at_ms, &kit_err));
	assert_int_equal(at_ms, NOW_MS);
	assert_true(store_freeze_counts(store, &span, &facts, &kit_err));
	assert_int_equal(facts.failed, 2);
	assert_int_equal(facts.last, FREEZE_LAST);
	kit_get(store, "d0999999.test");
	assert_true(store_map_exported(store, STORE_MAP, 0, NOW_MS, &kit_err));
	took_bytes = bytes_read() - begun_bytes;
	print_message("# %lld KiB of %lld, %d ms (wanted: 100)\n", took_bytes / 1024,
	    size_of("big.db") / 1024, (int)(clock_monotonic_ms() - start_ms));
	assert_in_range(took_bytes, 1, size_of("big.db") / 100);
	store_close(store);
}

int
main(void)
{
	static const enum tear tears[] = {CUT, ZEROED, SECTOR_LOST};
	static const char *const tear_names[] = {
	    "cut off", "nothing but zeros from there", "one sector lost"};

	kit_begin();
	suite_add(locked_fails_and_works_later, NULL,
	    "while another has the lock it fails with words, then it works");
	suite_add(waits_for_a_lock, NULL, "a lock is waited for as long as asked");
	suite_add(upgrades_beside_another, NULL, "an upgrade waits for the lock too");
	suite_add(opens_beside_another, NULL, "a reader waits for no other");
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		suite_add(failed_write_leaves_nothing, &faults[i],
		    "nothing stays of a batch where %s", faults[i].name);
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
		suite_add(trouble_is_told_apart, &troubles[i],
		    "it is told what fails: %s", troubles[i].what);
	suite_add(
	    lock_is_trouble_that_passes, NULL, "a lock passes, a newer version not");
	for (size_t i = 0; i < sizeof(tears) / sizeof(tears[0]); i++)
		suite_add(torn_wal_is_an_earlier_moment, &tears[i],
		    "power loss: one earlier moment at every sector, %s", tear_names[i]);
	if (getenv("TLSLADDER_TEST_BIG") != NULL)
		suite_add(
		    million_destinations_are_no_matter, NULL, "a million destinations");
	return kit_end(suite_run());
}
