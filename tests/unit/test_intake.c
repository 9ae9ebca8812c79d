/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines into the store: nothing twice, and nothing lost. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "intakekit.h"
#include "sys/file.h"

/* --- a genuine log, cut where one likes -------------------------------------------- */

/* All that is stored, but for when a message began to wait. */
static const char everything[] =
    "SELECT * FROM destination ORDER BY id; SELECT * FROM tally ORDER BY 1, 2, 3;"
    "SELECT destination, queue_id, version, not_before_ms, tries FROM waiting ORDER BY "
    "1, 2;"
    "SELECT name, value FROM counter ORDER BY 1; SELECT name, hex(value) FROM blob;"
    "SELECT * FROM log_place";

/* The end of the line that holds at, or of the text. */
static size_t
line_end(const struct buf *log, size_t at)
{
	const char *newline = memchr(log->data + at, '\n', log->len - at);

	return newline != NULL ? (size_t)(newline + 1 - log->data) : log->len;
}

/* Read the log in pieces of at least so many bytes, each stored with its position; after
 * each the process ends and another goes on. What is in the store then; to be freed. */
static char *
read_in_pieces(const struct buf *log, size_t first, size_t then)
{
	struct intake_how how = intakekit_how(LEVEL_VERIFY);
	size_t at = 0, size = first;
	struct buf processes = {0};

	kit_remove("pieces.db");
	while (at < log->len) {
		size_t end =
		    line_end(log, at + size < log->len ? at + size - 1 : log->len - 1);
		struct log_place place = {
		    .name = "/var/log/mail.log", .place = {.kind = "file"}};
		struct store *store = kit_open("pieces.db");
		struct fold *fold = fold_new(intakekit_rules);
		bool news;

		snprintf(place.place.text, sizeof(place.place.text), "%zu 7", end);
		buf_reset(&processes);
		assert_true(store_blob_get(store, "processes", &processes, &kit_err));
		fold_load_processes(
		    fold, (struct str){buf_text(&processes), processes.len});
		intake_lines(fold, (struct str){log->data + at, end - at}, START_MS);
		assert_true(intake_store(store, fold, &how, &place, 1, &news, &kit_err));
		fold_free(fold);
		store_close(store);
		at = end;
		size = then;
	}
	buf_clear(&processes);
	return kit_ask("pieces.db", everything);
}

static void
pieces_equal_the_whole(void **state)
{
	const char *name = *state, *path = suite_path(name);
	struct buf log = {0};
	char *whole, *pieces;

	assert_true(file_read(path, 10000000, &log, &kit_err));
	whole = read_in_pieces(&log, log.len, 1);
	assert_non_null(strstr(whole, "selfsigned.test"));
	assert_non_null(strstr(whole, "session:verified"));
	for (int i = 1; i < 20; i++) {
		pieces = read_in_pieces(&log, log.len * (size_t)i / 20, log.len);
		assert_string_equal(pieces, whole);
		free(pieces);
	}
	pieces = read_in_pieces(&log, 2000, 2000);
	assert_string_equal(pieces, whole);
	free(pieces);
	free(whole);
	buf_clear(&log);
}

/* --- lines of our own -------------------------------------------------------------- */

static void
failed_store_keeps_the_fold(void **state)
{
	struct log_place place = {
	    .name = "/log", .place = {.kind = "file", .text = "99 1"}};
	struct intake_how how = intakekit_how(LEVEL_VERIFY);
	struct store *store, *other;
	struct fold *fold = fold_new(intakekit_rules);
	bool news = true, found;
	struct place at;
	int64_t lines;

	(void)state;
	store = kit_open("kept.db");
	other = kit_open("kept.db");
	intakekit_read(fold, 1, SESSION("Verified"));
	intakekit_read(fold, 2, DEFERRED("QA"));
	kit_begin_transaction(other);
	assert_false(intake_store(store, fold, &how, &place, 1, &news, &kit_err));
	assert_non_null(strstr(kit_err.text, "locked"));
	assert_false(news);
	assert_int_equal(fold_size(fold), 1);
	store_rollback(other);
	assert_true(store_place_get(other, "/log", &at, &found, &kit_err));
	assert_false(found);
	intakekit_read(fold, 3, DEFERRED("QB")); /* reading goes on meanwhile */
	assert_true(intake_store(store, fold, &how, &place, 1, &news, &kit_err));
	assert_true(news);
	assert_int_equal(fold_size(fold), 0);
	assert_true(intake_store(store, fold, &how, &place, 1, &news, &kit_err));
	assert_false(news);
	assert_int_equal(kit_get(store, "a.test").alarm.attempts, 2);
	assert_true(store_counter_get(store, "status-lines", &lines, &kit_err));
	assert_int_equal(lines, 2);
	assert_true(store_place_get(store, "/log", &at, &found, &kit_err));
	assert_true(found);
	assert_string_equal(at.kind, "file");
	assert_string_equal(at.text, "99 1");
	fold_free(fold);
	store_close(store);
	store_close(other);
	kit_assert("kept.db", "SELECT what, count FROM tally ORDER BY 1",
	    "deferred:certificate-not-verified|2\nsession:verified|1\n");
	kit_assert("kept.db", "SELECT queue_id FROM waiting ORDER BY 1", "QA\nQB\n");
}

static void
lines_that_are_none_are_skipped(void **state)
{
	static const char text[] =
	    "\n\r\n\0\0\0\nstatus=deferred\nTLS connection established to\n"
	    "Nov 24 01:27:00 mail postfix/smtp[1]: status=deferred ()\n"
	    "Nov 24 01:27:00 mail postfix/smtp[1]: QA: to=<u@a.test>, relay=none, "
	    "delay=0, "
	    "delays=0/0/0/0, dsn=4.7.5, status=deferred (" NOT_VERIFIED "\n"
	    "Nov 24 01:27:00 mail postfix/smtp[1]: QA: to=<u@a.test>, relay=none, "
	    "delay=0, "
	    "delays=0/0/0/0, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")";
	struct fold *fold = fold_new(intakekit_rules);

	(void)state;
	intake_lines(fold, (struct str){text, sizeof(text) - 1}, START_MS);
	assert_int_equal(fold_size(fold), 1); /* of the last, whose newline is to come */
	assert_int_equal(fold_first(fold)->tried.count, 1);
	fold_free(fold);
}

/* The times are those of date(1). */
static const struct {
	const char *stamp; /* "": none; lines without one are of now */
	int64_t time_ms;
} stamps[] = {
    {"2026-11-24T01:26:59.250Z m ", INT64_C(1795483619250)},
    {"2026-11-24T01:27:00Z m ", INT64_C(1795483620000)},
    {"2026-11-24T01:27:59.999999Z m ", INT64_C(1795483679999)},
    {"2026-11-24T01:27:59+01:00 m ", INT64_C(1795480079000)},
    {"", START_MS + 5},
    {"2026-11-24T01:27:59+01:00 m ", INT64_C(1795480079000)},
    {"2026-11-24T02:27:59+01:00 m ", INT64_C(1795483679000)},
    {"2026-11-23T02:27:59+01:00 m ", INT64_C(1795397279000)},
    {"2026-10-23T02:27:59+01:00 m ", INT64_C(1792718879000)},
    {"2025-10-23T02:27:60+01:00 m ", INT64_C(1761182880000)},
    {"2026-02-30T01:00:00Z m ", START_MS + 5}, /* no such day */
    {"2026-02-30T01:00:01Z m ", START_MS + 5},
};

static void
each_line_has_its_own_time(void **state)
{
	struct fold *fold = fold_new(intakekit_rules);
	struct fold_item *item;
	struct buf text = {0};
	size_t count = sizeof(stamps) / sizeof(stamps[0]);

	(void)state;
	for (size_t i = 0; i < count; i++)
		buf_printf(&text,
		    "%spostfix/smtp[1]: QA: to=<u@d%zu.test>, relay=none, delay=0, "
		    "delays=0/0/0/0, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")\n",
		    stamps[i].stamp, i);
	intake_lines(fold, (struct str){buf_text(&text), text.len}, START_MS + 5);
	item = fold_first(fold);
	for (size_t i = 0; i < count; i++, item = item->next) {
		assert_non_null(item);
		assert_int_equal(item->deferral->time_ms, stamps[i].time_ms);
	}
	assert_null(item);
	buf_clear(&text);
	fold_free(fold);
}

static void
is_full_until_it_is_stored(void **state)
{
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(intakekit_rules);
	struct buf text = {0};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		assert_false(intake_is_full(fold));
		buf_reset(&text);
		buf_printf(&text,
		    "postfix/smtp[1]: QA: to=<u@d%d.test>, relay=h.test[192.0.2.1]:25, "
		    "delay=0, "
		    "delays=0/0/0/0, dsn=2.0.0, status=sent (250 Ok)\n",
		    i);
		intake_lines(fold, (struct str){buf_text(&text), text.len}, START_MS);
	}
	assert_true(intake_is_full(fold));
	intakekit_store(store, fold);
	assert_false(intake_is_full(fold));
	buf_clear(&text);
	fold_free(fold);
	store_close(store);
}

/* What is only imagined has what decides, and no more. */
static void
scratch_has_what_decides(void **state)
{
	static const char counts[] = "SELECT (SELECT count(*) FROM destination),"
	                             " (SELECT count(*) FROM waiting),"
	                             " (SELECT count(*) FROM host WHERE verify_ms > 0),"
	                             " (SELECT count(*) FROM tally),"
	                             " (SELECT count(*) FROM sts_mail)";
	struct intake_how how = intakekit_how(LEVEL_VERIFY);
	struct store *store = kit_open("imagined.db");
	struct fold *fold = fold_new(intakekit_rules);
	bool news;

	(void)state;
	how.purpose = INTAKE_IMAGINE_LAST;
	intakekit_read(fold, 1, SESSION("Verified"));
	intakekit_read(fold, 2, SENT("QA"));
	assert_true(intake_store(store, fold, &how, NULL, 0, &news, &kit_err));
	assert_false(news);
	kit_assert("imagined.db", counts, "0|0|1|0|0\n");
	how.purpose = INTAKE_IMAGINE; /* a line that comes later may tell of it */
	intakekit_read(fold, 3, SESSION("Verified"));
	intakekit_read(fold, 4, SENT("QB"));
	assert_true(intake_store(store, fold, &how, NULL, 0, &news, &kit_err));
	assert_true(kit_get(store, "a.test").past.verify_ms > 0);
	how.purpose = INTAKE_IMAGINE_LAST; /* as this one */
	intakekit_read(fold, 5, DEFERRED("QC"));
	assert_true(intake_store(store, fold, &how, NULL, 0, &news, &kit_err));
	assert_true(news);
	kit_assert("imagined.db", counts, "1|1|1|0|0\n");
	assert_true(kit_get(store, "a.test").past.verify_ms > 0);
	intakekit_read(fold, 6, SENT("QC")); /* what is known changes */
	assert_true(intake_store(store, fold, &how, NULL, 0, &news, &kit_err));
	assert_false(kit_get(store, "a.test").alarm.pending);
	fold_free(fold);
	store_close(store);
}

#define EXPIRED(id) \
	"mail postfix/qmgr[3]: " id \
	": from=<u@b.test>, status=expired, returned to sender\n"

/* Whether an alarm ends is as where every message is stored. */
static void
scratch_has_few_messages(void **state)
{
	static const char waiting[] = "SELECT queue_id FROM waiting ORDER BY 1";
	static const char *const lines[] = {DEFERRED("QA"), DEFERRED("QB"),
	    DEFERRED("QC"), EXPIRED("QB"), DEFERRED("QD"), DEFERRED("QE"), EXPIRED("QA"),
	    EXPIRED("QC"), EXPIRED("QD"), EXPIRED("QE")};
	struct intake_how how = intakekit_how(LEVEL_VERIFY);
	struct store *store = kit_open("few.db");
	struct fold *fold = fold_new(intakekit_rules);
	bool news;

	(void)state;
	how.purpose = INTAKE_IMAGINE_LAST;
	for (int i = 0; i < 4; i++)
		intakekit_read(fold, 1 + i, lines[i]);
	assert_true(intake_store(store, fold, &how, NULL, 0, &news, &kit_err));
	kit_assert("few.db", waiting, "QA\n"); /* the first; QB waits no more */
	assert_true(kit_get(store, "a.test").alarm.raised);
	for (int i = 4; i < 6; i++)
		intakekit_read(fold, 1 + i, lines[i]);
	assert_true(intake_store(store, fold, &how, NULL, 0, &news, &kit_err));
	kit_assert("few.db", waiting, "QA\nQD\nQE\n"); /* not new any more */
	store_close(store);
	store = kit_open("none.db");
	for (int i = 0; i < 10; i++)
		intakekit_read(fold, 1 + i, lines[i]);
	assert_true(intake_store(store, fold, &how, NULL, 0, &news, &kit_err));
	kit_assert("none.db", waiting, "");
	assert_false(kit_get(store, "a.test").alarm.raised);
	fold_free(fold);
	store_close(store);
}

int
main(void)
{
	static const char *const logs[] = {"tests/logs/corpus/verify-maillog.log",
	    "tests/logs/corpus/verify-syslog.log",
	    "tests/logs/corpus/dane-only-rfc3339.log"};

	intakekit_begin();
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++)
		suite_add(pieces_equal_the_whole, logs[i],
		    "read in pieces, with restarts, it is as read at once: %s", logs[i]);
	suite_add(failed_store_keeps_the_fold, NULL,
	    "what could not be stored is kept, and stored once");
	suite_add(
	    lines_that_are_none_are_skipped, NULL, "lines that are none are skipped");
	suite_add(each_line_has_its_own_time, NULL, "each line has its own time");
	suite_add(is_full_until_it_is_stored, NULL,
	    "20,000 destinations are enough, until they are stored");
	suite_add(scratch_has_what_decides, NULL,
	    "what is only imagined has what decides, and no more");
	suite_add(scratch_has_few_messages, NULL,
	    "of messages that wait what is only imagined has those that decide");
	return intakekit_end(suite_run());
}
