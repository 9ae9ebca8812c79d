/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines that are none, or none yet: faults 25 to 32 and 53. */
#include "faults.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/logline.h"
#include "core/status.h"

static void
line_in_two_parts(bool killed)
{
	struct rig *rig = rig_new(NULL);
	char line[128];
	size_t len = rig_line(line, sizeof(line), 10);

	rig_write(rig, "log", 0, 10);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_write_text(rig, "log", line, 30);
	rig_pass(rig, 10000);
	rig_expect(rig, 0, 10);
	if (killed) {
		rig_kill(rig);
		rig_start(rig, FOLLOW_FROM_END);
		rig_pass(rig, 2000);
	}
	rig_write_text(rig, "log", line + 30, len - 30);
	rig_settle(rig);
	rig_expect(rig, 0, 11);
	assert_int_equal(rig->malformed, 0);
	rig_expect_at_end(rig);
}

static void
unfinished(void **state)
{
	(void)state;
	line_in_two_parts(false);
}

static void
unfinished_and_killed(void **state)
{
	(void)state;
	line_in_two_parts(true);
}

/* When the rest of the stump comes after all, it is no line of its own. */
static void
unfinished_and_rotated(void **state)
{
	struct rig *rig = rig_new(NULL);
	char line[128];
	size_t len = rig_line(line, sizeof(line), 10);

	(void)state;
	rig_write(rig, "log", 0, 10);
	rig_start(rig, FOLLOW_FROM_START);
	rig_write_text(rig, "log", line, 30);
	rig_pump(rig);
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log", 10, 20);
	rig_settle(rig);
	rig_expect(rig, 0, 20);
	assert_int_equal(rig->malformed, 1);
	rig_write_text(rig, "log.1", line + 30, len - 30);
	rig_settle(rig);
	rig_expect(rig, 0, 20);
	assert_int_equal(rig->malformed, 1);
	rig_expect_at_end(rig);
}

/* Killed right after the stump was handed out: it is not counted again. */
static void
unfinished_rotated_and_killed(void **state)
{
	struct rig *rig = rig_new(NULL);
	char line[128];
	size_t len = rig_line(line, sizeof(line), 10);

	(void)state;
	rig_write(rig, "log", 0, 10);
	rig_write_text(rig, "log", line, 30);
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log.1", 0, 0);
	rig_start(rig, FOLLOW_FROM_START);
	rig_kill(rig);
	rig_rename(rig, "log.1", "log");
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log", 10, 20);
	while (rig->malformed == 0) {
		rig_step(rig, 1);
		rig->now_ms += 500;
	}
	rig_kill(rig);
	rig_write_text(rig, "log.1", line + 30, len - 30); /* a fragment */
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect(rig, 0, 20);
	assert_int_equal(rig->malformed, 1);
	rig_expect_at_end(rig);
}

static void
byte_by_byte(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_start(rig, FOLLOW_FROM_START);
	for (uint32_t i = 0; i < 40; i++) {
		char line[128];
		size_t len = rig_line(line, sizeof(line), i);

		for (size_t j = 0; j < len; j++) {
			rig_write_text(rig, "log", line + j, 1);
			if ((i + j) % 3 == 0)
				rig_pump(rig);
		}
	}
	rig_pump(rig);
	rig_expect(rig, 0, 40);
	rig_expect_at_end(rig);
}

static size_t
resident_kib(void)
{
	unsigned long size, resident;
	FILE *f = fopen("/proc/self/statm", "re");
	int fields = f != NULL ? fscanf(f, "%lu %lu", &size, &resident) : 0;

	if (f != NULL)
		fclose(f);
	return fields == 2 ? resident * (size_t)sysconf(_SC_PAGESIZE) / 1024 : 0;
}

static void
write_long(struct rig *rig, char c, size_t len)
{
	char *text = mem_new(len + 1, 1);

	memset(text, c, len);
	text[len] = '\n';
	rig_write_text(rig, "log", text, len + 1);
	free(text);
}

struct long_row {
	const char *name;
	size_t len;
	bool is_line;
};

static const struct long_row long_rows[] = {
    {"29 a line of 64 KiB - 1", FOLLOW_LINE_MAX - 1, true},
    {"29 a line of 64 KiB", FOLLOW_LINE_MAX, true},
    {"29 a line of 64 KiB + 1", FOLLOW_LINE_MAX + 1, false},
    {"29 a line of 320 KiB, more than is read at once", 320 * 1024, false},
    {"29 a line of 10 MiB", 10 * 1024 * 1024, false},
};

static void
long_line(void **state)
{
	const struct long_row *row = *state;
	struct rig *rig = rig_new(NULL);

	rig_write(rig, "log", 0, 10);
	write_long(rig, 'x', row->len);
	rig_write(rig, "log", 10, 20);
	write_long(rig, 'y', row->len);
	write_long(rig, 'z', row->len);
	rig_write(rig, "log", 20, 30);
	rig_start(rig, FOLLOW_FROM_START);
	rig_settle(rig);
	rig_expect(rig, 0, 30);
	assert_int_equal(rig->malformed, row->is_line ? 3 : 0);
	rig_expect_notes(rig, FOLLOW_NOTE_LONG_LINE, row->is_line ? 0 : 3);
	rig_expect_at_end(rig);
}

/* A reader that is killed within a long line skips it from its start again. */
static void
endless_line(void **state)
{
	/* holes are read fastest in memory */
	struct rig *rig = rig_new(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL);
	size_t resident;
	uint64_t place;

	(void)state;
	rig_write(rig, "log", 0, 10);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	place = rig->stored.offset;
	rig_write_text(rig, "log", "x", 1);
	resident = resident_kib();
	rig_truncate(rig, "log", 3 * (UINT64_C(1) << 30)); /* sparse, and no newline */
	rig_pump(rig);
	assert_in_range(resident_kib(), 0, resident + 2048);
	assert_int_equal(rig->stored.offset, place);
	rig_write_text(rig, "log", "\n", 1);
	rig_kill(rig);
	rig_start(rig, FOLLOW_FROM_END);
	rig_write(rig, "log", 10, 20);
	rig_pump(rig);
	rig_expect(rig, 0, 20);
	rig_expect_notes(rig, FOLLOW_NOTE_LONG_LINE, 1);
	rig_expect_at_end(rig);
}

static void
nul_bytes(void **state)
{
	static const char with_nul[] =
	    "Nov 24 06:02:51 mx postfix/smtp[1]: a\0b line 7.\n";
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 10);
	rig_write_text(rig, "log", with_nul, sizeof(with_nul) - 1);
	rig_write(rig, "log", 10, 20);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_expect(rig, 0, 20);
	assert_int_equal(rig->malformed, 1);
	rig_expect_at_end(rig);
}

/* A writer that does not append, after the file was cut to nothing: a hole. */
static void
nul_block_at_the_head(void **state)
{
	struct rig *rig = rig_new(NULL);
	char line[128];
	size_t len;

	(void)state;
	rig_write(rig, "log", 0, 100);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_truncate(rig, "log", 0);
	rig_truncate(rig, "log", 1024 * 1024);
	rig_write(rig, "log", 100, 200);
	rig_settle(rig);
	rig_expect(rig, 0, 200);
	assert_int_equal(rig->malformed, 0);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
	rig_expect_at_end(rig);
	/* down in the middle of the block */
	rig_truncate(rig, "log", 0);
	rig_truncate(rig, "log", 300000);
	rig_pump(rig);
	rig_kill(rig);
	len = rig_line(line, sizeof(line), 200);
	rig_write_text(rig, "log", line, len);
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect(rig, 0, 201);
	rig_expect_at_end(rig);
}

/* What is handed out is what stands in the file, byte by byte. */
static void
bytes_are_kept(void **state)
{
	static const char text[] =
	    "one\r\n\rtwo\rthree\n\xff\xfe\xc3\x28\n\x1b[2J\x7f\n%n%s%d\n"
	    "\t \n\n\x80\0\x01\n";
	struct rig *rig = rig_new(NULL);
	struct buf came = {0};
	struct str chunk;

	(void)state;
	rig_write_text(rig, "log", text, sizeof(text) - 1);
	rig_start(rig, FOLLOW_FROM_START);
	while (follow_next(rig->follow, rig->now_ms, &chunk) == FOLLOW_LINES)
		buf_add_str(&came, chunk);
	assert_int_equal(came.len, sizeof(text) - 1);
	assert_memory_equal(came.data, text, came.len);
	buf_clear(&came);
}

/* Names of files are shown quoted: what stands in them reaches no terminal. */
static void
names_are_quoted(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_set_path(rig, "log\x1b[2J%n");
	rig_start(rig, FOLLOW_FROM_START);
	rig_expect_notes(rig, FOLLOW_NOTE_MISSING, 1);
	assert_null(strchr(rig->note[FOLLOW_NOTE_MISSING], '\x1b'));
	assert_non_null(strstr(rig->note[FOLLOW_NOTE_MISSING], "\\x1b[2J%n"));
}

/* Half a record, and the next one glued to it: one line, with one number at most. */
static void
glued_by_a_full_disk(void **state)
{
	static const char half[] =
	    "Nov 24 06:02:51 mx postfix/smtp[9]: 4XyZ: to=<a@victim.exam";
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 10);
	rig_write_text(rig, "log", half, sizeof(half) - 1);
	rig_write(rig, "log", 10, 20);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	assert_int_equal(rig->got_len, 19);
	assert_int_equal(rig->got[10], 11);
	assert_int_equal(rig->malformed, 1);
	rig_expect_at_end(rig);
}

#define HEAD \
	"postfix/smtp[12]: 4bYxkB1LhTz1X: to=<a@dest.test>, " \
	"relay=mx.dest.test[192.0.2.1]:25, " \
	"delay=0.1, delays=0.01/0/0.09/0, "

struct grammar_row {
	const char *name;
	const char *line;
	const char *reason; /* NULL: not a status line */
	bool may_fail;      /* both are right */
};

static const struct grammar_row grammar[] = {
    {"53 tls= of Postfix 3.11 is read",
        "Nov  4 06:02:51 mx " HEAD "tls=dane?, dsn=4.7.5, status=deferred "
        "(Server certificate not verified)",
        "Server certificate not verified", false},
    {"53 a day padded with zero is read",
        "Nov 04 06:02:51 mx " HEAD
        "dsn=4.7.4, status=deferred (TLS is required, but was not "
        "offered by host mx.dest.test[192.0.2.1])",
        "TLS is required, but was not offered by host mx.dest.test[192.0.2.1]", false},
    {"53 a reason that was cut at 2000 bytes is no deferral",
        "Nov 04 06:02:51 mx " HEAD
        "dsn=4.7.4, status=deferred (TLS is required, but was not "
        "offered by host mx.dest.test[192.0.2",
        NULL, false},
    {"32 a record glued to half a record is never a deferral of the half one's domain",
        "Nov 04 06:02:51 mx postfix/smtp[9]: 4XyZ: to=<a@victim.examNov 04 06:02:52 "
        "mx " HEAD "dsn=4.7.5, status=deferred (Server certificate not verified)",
        "Server certificate not verified", true},
};

static void
parses(void **state)
{
	const struct grammar_row *row = *state;
	struct rig *rig = rig_new(NULL);
	struct logline line;
	struct status_line status;
	struct str chunk;
	bool good;

	rig_write_text(rig, "log", row->line, strlen(row->line));
	rig_write_text(rig, "log", "\n", 1);
	rig_start(rig, FOLLOW_FROM_START);
	assert_int_equal(follow_next(rig->follow, rig->now_ms, &chunk), FOLLOW_LINES);
	chunk.len--;
	good = logline_split(chunk, &line) && status_parse(line.text, &status);
	assert_true(good == (row->reason != NULL) || row->may_fail);
	if (!good)
		return;
	assert_true(str_is(status.domain, "dest.test"));
	assert_true(str_is(status.reason, row->reason));
}

void
faults_of_lines(void)
{
	suite_add(unfinished, NULL, "25 a line without newline for 10 s, then its rest");
	suite_add(unfinished_and_killed, NULL, "26 the same, killed in between");
	suite_add(unfinished_and_rotated, NULL,
	    "27 a file that was rotated with half a line: malformed, once");
	suite_add(unfinished_rotated_and_killed, NULL,
	    "27 the same, killed after the stump was seen");
	suite_add(byte_by_byte, NULL, "28 one byte a write");
	for (size_t i = 0; i < sizeof(long_rows) / sizeof(long_rows[0]); i++)
		suite_add(long_line, &long_rows[i], "%s", long_rows[i].name);
	suite_add(endless_line, NULL, "29 3 GiB without a newline, killed in between");
	suite_add(nul_bytes, NULL, "30 NUL within a line");
	suite_add(nul_block_at_the_head, NULL, "30 a block of NULs at the head");
	suite_add(
	    bytes_are_kept, NULL, "31 CR, invalid UTF-8, ESC, DEL and %%n are bytes");
	suite_add(names_are_quoted, NULL, "31 a file's name reaches no terminal");
	suite_add(glued_by_a_full_disk, NULL, "32 a record glued to half a record");
	for (size_t i = 0; i < sizeof(grammar) / sizeof(grammar[0]); i++)
		suite_add(parses, &grammar[i], "%s", grammar[i].name);
}
