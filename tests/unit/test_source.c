/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sources of log lines by their interface: places as texts, those that older databases
 * hold, and the lines of a backlog that a thread parses beside the one that takes them.
 */
#include <stdlib.h>
#include <string.h>

#include "../faults/rig.h"
#include "logs/feed.h"
#include "logs/follow.h"
#include "logs/source.h"
#include "storekit.h"
#include "suite.h"
#include "sys/file.h"

static const struct source_options from_start = {.from_start = true},
                                   from_end = {.from_start = false};

static struct source *
must_open(
    const char *path, const struct place *place, const struct source_options *options)
{
	struct err err;
	struct source *source = source_open(path, place, options, &err);

	if (source == NULL)
		fail_msg("%s", err.text);
	return source;
}

/* All that is there now. */
static void
read_all(struct source *source, struct buf *out)
{
	enum source_result result;
	struct str lines;

	while ((result = source_next(source, 1, &lines)) == SOURCE_LINES ||
	    result == SOURCE_BUSY)
		buf_add_str(out, lines);
}

/* --- places ------------------------------------------------------------------------ */

/* 2^64 - 1, and one more than an int64_t holds */
#define LARGEST  "18446744073709551615"
#define TOO_MUCH "9223372036854775808"

static const char *const texts[] = {
    "52341 131 2049 1795400000123456789 1024 81985529216486895 64 7",
    LARGEST " " LARGEST " " LARGEST " 9223372036854775807 4294967295 " LARGEST
            " 4294967295 " LARGEST,
    "0 " TOO_MUCH " 1 -" TOO_MUCH " 0 " TOO_MUCH " 0 9223372036854775807",
};

static void
place_comes_back(void **state)
{
	const struct rig *rig = rig_new(NULL);
	struct place place = {.kind = "file"}, got;
	struct source *source;

	strcpy(place.text, *state);
	source = must_open(rig->path, &place, &from_end);
	source_where(source, &got);
	assert_true(place_equal(&got, &place));
	source_close(source);
}

static const char *const garbled[] = {
    "",
    "1",
    "1 2 3 4 5 6 7",
    "1 2 3 4 5 6 7 8 9",
    "1 2 3 4 5 6 7 8 ",
    "1 2 3 - 5 6 7 8",
    "1  2 3 4 5 6 7 8",
    "x 2 3 4 5 6 7 8",
    "-1 2 3 4 5 6 7 8",
    "18446744073709551616 2 3 4 5 6 7 8",
    "1 2 3 9223372036854775808 5 6 7 8",
    "1 2 3 -9223372036854775809 5 6 7 8",
    "1 2 3 4 4294967296 6 7 8",
    "1 2 3 4 5 6 4294967296 8",
};

/* As if there were none: then the options say where to begin. */
static void
garbled_place_is_none(void **state)
{
	const struct rig *rig = rig_new(NULL);
	struct place place = {.kind = "file"};
	struct buf out = {0};
	struct source *source;

	strcpy(place.text, *state);
	rig_write_text(rig, "log", "one\n", 4);
	source = must_open(rig->path, &place, &from_end);
	read_all(source, &out);
	assert_string_equal(buf_text(&out), "");
	source_close(source);
	source = must_open(rig->path, &place, &from_start);
	read_all(source, &out);
	assert_string_equal(buf_text(&out), "one\n");
	source_close(source);
	buf_clear(&out);
}

static void
place_of_another_kind_is_none(void **state)
{
	const struct rig *rig = rig_new(NULL);
	struct place place;
	struct buf out = {0};
	struct source *source;

	(void)state;
	rig_write_text(rig, "log", "one\n", 4);
	source = must_open(rig->path, NULL, &from_end);
	source_where(source, &place);
	source_close(source);
	rig_write_text(rig, "log", "two\n", 4);
	source = must_open(rig->path, &place, &from_start);
	read_all(source, &out);
	assert_string_equal(buf_text(&out), "two\n");
	source_close(source);
	strcpy(place.kind, "journal");
	source = must_open(rig->path, &place, &from_end);
	read_all(source, &out);
	assert_string_equal(buf_text(&out), "two\n");
	source_close(source);
	buf_clear(&out);
}

/* --- places that an old database holds --------------------------------------------- */

/* As versions 1 to 5 of the database wrote it. */
static void
store_old(const char *database, const char *path, const struct follow_position *p)
{
	struct buf sql = {0};

	buf_printf(&sql,
	    "INSERT OR REPLACE INTO log_position(path, device, inode, birth_ns, offset,"
	    " head_len, head_hash, mark_len, mark_hash)"
	    " VALUES ('%s', %lld, %lld, %lld, %lld, %lld, %lld, %lld, %lld)",
	    path, (long long)p->device, (long long)p->inode, (long long)p->birth_ns,
	    (long long)p->offset, (long long)p->head_len, (long long)p->head_hash,
	    (long long)p->mark_len, (long long)p->mark_hash);
	kit_run(database, buf_text(&sql));
	buf_clear(&sql);
}

static void
make_old(const char *name, const char *sql_file)
{
	struct buf sql = {0};

	assert_true(file_read(suite_path(sql_file), 1000000, &sql, &kit_err));
	kit_run(name, buf_text(&sql));
	buf_clear(&sql);
}

/* Lines 0..99 were read by an old version; 100..199 came since, the log was rotated. */
static void
old_place_goes_on(const char *database, const char *sql_file, bool rotated)
{
	struct rig *rig = rig_new(NULL);
	struct follow_position position;
	struct store *store;
	struct source *source;
	struct place place;
	struct buf out = {0}, wanted = {0};
	char line[200];
	bool found;

	rig_write(rig, "log", 0, 100);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	position = rig->stored;
	rig_kill(rig);
	make_old(database, sql_file);
	store_old(database, rig->path, &position);
	rig_write(rig, "log", 100, 150);
	if (rotated)
		rig_rename(rig, "log", "log.1");
	rig_write(rig, "log", 150, 200);
	for (uint32_t i = 100; i < 200; i++)
		buf_add(&wanted, line, rig_line(line, sizeof(line), i));
	store = kit_open(database);
	assert_true(store_place_get(store, rig->path, &place, &found, &kit_err));
	assert_true(found);
	store_close(store);
	source = must_open(rig->path, &place, &from_end);
	for (int64_t ms = 0; ms < 600000; ms += 1000) {
		struct str lines;

		while (source_next(source, ms, &lines) != SOURCE_IDLE)
			buf_add_str(&out, lines);
	}
	assert_string_equal(buf_text(&out), buf_text(&wanted));
	source_close(source);
	buf_clear(&out);
	buf_clear(&wanted);
}

static void
places_of_version_1_go_on(void **state)
{
	(void)state;
	old_place_goes_on("one.db", "tests/store/v1.sql", false);
	old_place_goes_on("one-rotated.db", "tests/store/v1.sql", true);
}

static void
places_of_version_5_go_on(void **state)
{
	(void)state;
	old_place_goes_on("five.db", "tests/store/v5.sql", false);
	old_place_goes_on("five-rotated.db", "tests/store/v5.sql", true);
}

/* --- a backlog --------------------------------------------------------------------- */

#define BACKLOG 40000

/* What came, and when to want no more. */
struct taker {
	struct source *source;
	size_t came;
	size_t calls;
	size_t stop_at; /* of came */
	bool wrong;
	bool torn; /* its slices do not say what its line says */
};

/* One line in three matters; the n-th of them is for mail to d<n>.test. */
static void
write_backlog(const struct rig *rig)
{
	struct buf text = {0};

	for (size_t i = 0; i < BACKLOG; i++) {
		buf_printf(&text,
		    "Nov 24 07:%02zu:%02zu mail postfix/qmgr[7]: Q%zu: removed\n"
		    "Nov 24 07:%02zu:%02zu mail postfix/smtp[7]: Q%zu: "
		    "to=<u@d%zu.test>, relay=none, delay=1, delays=0/0/1/0, dsn=4.7.5, "
		    "status=deferred (Server certificate not verified)\n"
		    "Nov 24 07:%02zu:%02zu mail dovecot: nothing, status=sent\n",
		    i / 60 % 60, i % 60, i, i / 60 % 60, i % 60, i, i, i / 60 % 60,
		    i % 60);
	}
	rig_write_text(rig, "log", text.data, text.len);
	buf_clear(&text);
}

static bool
take(void *context, const struct parsed *lines, size_t count)
{
	struct taker *taker = context;

	taker->calls++;
	for (size_t i = 0; i < count; i++) {
		const struct status_line *s = &lines[i].status;
		char domain[32];

		snprintf(domain, sizeof(domain), "d%zu.test", taker->came++);
		taker->wrong = taker->wrong || lines[i].kind != PARSED_STATUS ||
		    lines[i].process != lines[0].process || !str_is(s->domain, domain);
		taker->torn = taker->torn ||
		    !str_is(s->reason, "Server certificate not verified") ||
		    !str_is(lines[i].service, "smtp") ||
		    lines[i].text.p[lines[i].text.len - 1] != ')';
	}
	return taker->came < taker->stop_at;
}

/* In how many lines that matter is the log cut at that offset? */
static size_t
lines_before(const struct rig *rig, const struct place *place)
{
	size_t offset = strtoul(place->text, NULL, 10), count = 0;
	struct buf text = {0};
	struct err err;

	assert_true(file_read(rig->path, 1 << 30, &text, &err));
	assert_true(offset <= text.len);
	for (const char *p = text.data;
	     (p = memmem(p, text.data + offset - p, "d (Server", 9)) != NULL; p++)
		count++;
	buf_clear(&text);
	return count;
}

static void
backlog_comes_whole_and_in_order(void **state)
{
	const struct rig *rig = rig_new(NULL);
	struct taker taker = {.stop_at = SIZE_MAX};
	struct source *source;
	struct place place;
	bool came = false;

	(void)state;
	write_backlog(rig);
	source = must_open(rig->path, NULL, &from_start);
	assert_int_equal(
	    feed_read(source, STR(""), INT64_MAX, take, &taker, &came), SOURCE_IDLE);
	assert_true(came);
	assert_int_equal(taker.came, BACKLOG);
	assert_false(taker.wrong);
	assert_false(taker.torn);
	source_where(source, &place);
	assert_int_equal(strtoul(place.text, NULL, 10), rig_size(rig, "log"));
	source_close(source);
}

/* Who wants no more gets few more, and the place is behind the last line that came. */
static void
stops_and_goes_on(void **state)
{
	const struct rig *rig = rig_new(NULL);
	struct taker taker = {0};
	enum source_result result;
	struct source *source;
	struct place place;
	size_t stops = 0;
	bool came = false;

	(void)state;
	write_backlog(rig);
	source = must_open(rig->path, NULL, &from_start);
	do {
		taker.stop_at = taker.came + 1 + stops * 700;
		result = feed_read(source, STR(""), INT64_MAX, take, &taker, &came);
		assert_true(taker.came <= taker.stop_at + FEED_BEHIND_MAX);
		source_where(source, &place);
		assert_int_equal(lines_before(rig, &place), taker.came);
		stops++;
	} while (result == SOURCE_LINES);
	assert_true(stops > 3);
	assert_int_equal(result, SOURCE_IDLE);
	assert_int_equal(taker.came, BACKLOG);
	assert_false(taker.wrong);
	assert_false(taker.torn);
	source_close(source);
}

static void
ends_by_the_clock(void **state)
{
	const struct rig *rig = rig_new(NULL);
	struct taker taker = {.stop_at = SIZE_MAX};
	struct source *source;
	bool came = false;

	(void)state;
	write_backlog(rig);
	source = must_open(rig->path, NULL, &from_start);
	assert_int_equal(
	    feed_read(source, STR(""), 0, take, &taker, &came), SOURCE_LINES);
	assert_true(came);
	assert_true(taker.came > 0 && taker.came < BACKLOG);
	source_close(source);
}

/* Lines that no fold wants have been read as well: their place is to be stored. */
static void
unwanted_lines_came(void **state)
{
	const struct rig *rig = rig_new(NULL);
	struct taker taker = {.stop_at = SIZE_MAX};
	struct source *source = must_open(rig->path, NULL, &from_start);
	bool came = false;

	(void)state;
	assert_int_equal(
	    feed_read(source, STR(""), INT64_MAX, take, &taker, &came), SOURCE_IDLE);
	assert_false(came);
	rig_write_text(rig, "log", "nothing\n", 8);
	assert_int_equal(
	    feed_read(source, STR(""), INT64_MAX, take, &taker, &came), SOURCE_IDLE);
	assert_true(came);
	assert_int_equal(taker.calls, 0);
	source_close(source);
}

static void
whole_file_ends(void **state)
{
	const struct rig *rig = rig_new(NULL);
	struct taker taker = {.stop_at = SIZE_MAX};
	uint64_t used, size;
	struct source *source;
	struct err err;
	bool came = false;

	(void)state;
	write_backlog(rig);
	source = source_open_whole(rig->path, &from_start, &err);
	assert_non_null(source);
	assert_int_equal(
	    feed_read(source, STR(""), INT64_MAX, take, &taker, &came), SOURCE_END);
	assert_int_equal(taker.came, BACKLOG);
	assert_false(taker.wrong);
	assert_false(taker.torn);
	source_progress(source, &used, &size);
	assert_int_equal(used, rig_size(rig, "log"));
	assert_int_equal(size, rig_size(rig, "log"));
	assert_int_equal(
	    feed_read(source, STR(""), INT64_MAX, take, &taker, &came), SOURCE_END);
	assert_int_equal(taker.came, BACKLOG);
	source_close(source);
}

int
main(void)
{
	kit_begin();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		suite_add(place_comes_back, texts[i], "a place comes back: %s", texts[i]);
	for (size_t i = 0; i < sizeof(garbled) / sizeof(garbled[0]); i++)
		suite_add(garbled_place_is_none, garbled[i],
		    "a place that is none: \"%s\"", garbled[i]);
	suite_add(place_of_another_kind_is_none, NULL,
	    "a place is found again, one of another kind is none");
	suite_add(places_of_version_1_go_on, NULL,
	    "places in a database of version 1 go on where they were");
	suite_add(places_of_version_5_go_on, NULL, "those of version 5 too");
	suite_add(
	    backlog_comes_whole_and_in_order, NULL, "a backlog comes whole and in order");
	suite_add(stops_and_goes_on, NULL,
	    "stopped anywhere, the place is that of the lines that came");
	suite_add(ends_by_the_clock, NULL, "time that is over ends it");
	suite_add(unwanted_lines_came, NULL, "unwanted lines came as well");
	suite_add(whole_file_ends, NULL, "a whole file has an end");
	return kit_end(suite_run());
}
