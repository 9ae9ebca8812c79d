/* SPDX-License-Identifier: BSD-2-Clause */
/* One log read once: plain, compressed, from a pipe; and standard input followed. */
#include "suite.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "../faults/rig.h"
#include "base/buf.h"
#include "logs/follow.h"
#include "logs/reader.h"
#include "logs/source.h"

/* All that comes, as one text. The result that ended it. */
static enum reader_result
read_all(const char *path, struct buf *out, uint64_t *long_lines)
{
	struct err err;
	struct reader *reader = reader_open(path, READER_AHEAD, &err);
	enum reader_result result;
	struct str lines;

	if (reader == NULL)
		fail_msg("%s", err.text);
	*long_lines = 0;
	while ((result = reader_next(reader, &lines, &err)) != READER_END &&
	    result != READER_FAILED) {
		if (result == READER_LINES)
			buf_add_str(out, lines);
		*long_lines += result == READER_LONG;
	}
	if (result == READER_FAILED) {
		assert_non_null(strstr(err.text, path));
		assert_int_equal(reader_next(reader, &lines, &err), READER_END);
	}
	reader_free(reader);
	return result;
}

/* Append text as one gzip member. */
static void
add_member(const char *path, struct str text)
{
	gzFile gz = gzopen(path, "ab");

	assert_non_null(gz);
	if (text.len > 0)
		assert_int_equal(gzwrite(gz, text.p, (unsigned)text.len), text.len);
	assert_int_equal(gzclose(gz), Z_OK);
}

struct row {
	const char *name;
	const char *parts[3]; /* gzip: a member each */
	const char *tail;     /* raw bytes behind it all, at most 8 */
	size_t tail_len;
	uint64_t cut; /* bytes taken off the end */
	const char *wanted;
	enum reader_result end;
	bool packed;
};

static const struct row rows[] = {
    {"an empty file", {""}, "", 0, 0, "", READER_END, false},
    {"one newline", {"\n"}, "", 0, 0, "\n", READER_END, false},
    {"one byte", {"x"}, "", 0, 0, "x\n", READER_END, false},
    {"lines", {"one\ntwo\n"}, "", 0, 0, "one\ntwo\n", READER_END, false},
    {"the last line without its newline", {"one\ntwo"}, "", 0, 0, "one\ntwo\n",
        READER_END, false},
    {"gzip", {"one\ntwo\n"}, "", 0, 0, "one\ntwo\n", READER_END, true},
    {"gzip of nothing", {""}, "", 0, 0, "", READER_END, true},
    {"gzip, the last line without its newline", {"one\ntwo"}, "", 0, 0, "one\ntwo\n",
        READER_END, true},
    {"gzip, two members with a line across them", {"one\ntw", "o\nthree\n"}, "", 0, 0,
        "one\ntwo\nthree\n", READER_END, true},
    {"gzip, an empty member in the middle", {"one\n", "", "two\n"}, "", 0, 0,
        "one\ntwo\n", READER_END, true},
    {"gzip, padded with zeros", {"one\n"}, "\0\0\0\0\0", 5, 0, "one\n", READER_END, true},
    {"gzip, other bytes behind it", {"one\n"}, "garbage", 7, 0, "one\n", READER_END,
        true},
    {"gzip, a broken member behind it", {"one\n"}, "\x1f\x8bxxxx", 6, 0, "one\n",
        READER_FAILED, true},
    {"gzip, cut in its checksum", {"one\ntwo\n"}, "", 0, 6, "one\ntwo\n", READER_FAILED,
        true},
    {"gzip, cut: an unfinished line is none", {"one\ntwo"}, "", 0, 6, "one\n",
        READER_FAILED, true},
    {"gzip, cut in its head", {"one\n"}, "", 0, 19, "", READER_FAILED, true},
};

static void
reads(void **state)
{
	const struct row *row = *state;
	struct rig *rig = rig_new(NULL);
	struct buf text = {0};
	uint64_t long_lines;

	for (size_t i = 0; i < 3 && row->parts[i] != NULL; i++) {
		if (row->packed)
			add_member(rig->path, str_of(row->parts[i]));
		else
			rig_write_text(rig, "log", row->parts[i], strlen(row->parts[i]));
	}
	rig_write_text(rig, "log", row->tail, row->tail_len);
	rig_truncate(rig, "log", rig_size(rig, "log") - row->cut);
	assert_int_equal(read_all(rig->path, &text, &long_lines), row->end);
	assert_string_equal(buf_text(&text), row->wanted);
	assert_int_equal(long_lines, 0);
	buf_clear(&text);
}

/* Many lines, plain and compressed, are the same many lines. */
static void
reads_many(void **state)
{
	struct rig *rig = rig_new(NULL);
	struct buf plain = {0}, packed = {0};
	uint64_t long_lines;

	(void)state;
	rig_write(rig, "log", 0, 50000);
	assert_int_equal(read_all(rig->path, &plain, &long_lines), READER_END);
	assert_int_equal(plain.len, rig_size(rig, "log"));
	rig_gzip(rig, "log");
	assert_int_equal(
	    read_all(rig_path(rig, "log.gz"), &packed, &long_lines), READER_END);
	assert_int_equal(packed.len, plain.len);
	assert_memory_equal(packed.data, plain.data, plain.len);
	buf_clear(&plain);
	buf_clear(&packed);
}

static void
skips_long_lines(void **state)
{
	struct rig *rig = rig_new(NULL);
	struct buf text = {0}, line = {0};
	uint64_t long_lines;

	(void)state;
	for (size_t i = 0; i < FOLLOW_LINE_MAX + 1; i++)
		buf_add_char(&line, 'x');
	rig_write_text(rig, "log", "one\n", 4);
	rig_write_text(rig, "log", line.data, line.len);
	rig_write_text(rig, "log", "\ntwo\n", 5);
	rig_write_text(rig, "log", line.data, line.len); /* and no newline at the end */
	assert_int_equal(read_all(rig->path, &text, &long_lines), READER_END);
	assert_string_equal(buf_text(&text), "one\ntwo\n");
	assert_int_equal(long_lines, 2);
	buf_clear(&text);
	buf_clear(&line);
}

/*
 * Nine MiB, which a thread reads ahead: lines of every length across its buffers, longer
 * ones than a line may be, and a last one without newline.
 */
static void
reads_large_file(void **state)
{
	struct rig *rig = rig_new(NULL);
	struct buf text = {0}, all = {0}, wanted = {0};
	uint64_t long_lines;

	(void)state;
	for (size_t i = 0; all.len < 9u << 20; i++) {
		size_t len = i % 500 == 250 ? FOLLOW_LINE_MAX + i : i * 7919 % 3001;
		size_t from = all.len;

		for (size_t n = 0; n < len; n++)
			buf_add_char(&all, (char)('a' + (n + i) % 26));
		buf_add_char(&all, '\n');
		if (len <= FOLLOW_LINE_MAX)
			buf_add(&wanted, all.data + from, len + 1);
	}
	rig_write_text(rig, "log", all.data, all.len);
	rig_write_text(rig, "log", "the end", 7);
	buf_add(&wanted, "the end\n", 8);
	assert_int_equal(read_all(rig->path, &text, &long_lines), READER_END);
	assert_int_equal(text.len, wanted.len);
	assert_memory_equal(text.data, wanted.data, wanted.len);
	assert_int_equal(long_lines, 12);
	buf_clear(&text);
	buf_clear(&all);
	buf_clear(&wanted);
}

/* Who has seen enough of it ends the thread. */
static void
leaves_large_file(void **state)
{
	struct rig *rig = rig_new(NULL);
	enum reader_result result;
	struct reader *reader;
	struct str lines;
	struct err err;

	(void)state;
	rig_write(rig, "log", 0, 300000);
	assert_true(rig_size(rig, "log") > 5u << 20);
	for (unsigned calls = 0; calls < 4; calls++) {
		reader = reader_open(rig->path, READER_AHEAD, &err);
		assert_non_null(reader);
		for (unsigned i = 0; i < calls; i++) {
			result = reader_next(reader, &lines, &err);
			assert_true(result == READER_LINES || result == READER_MORE);
		}
		reader_free(reader);
	}
}

static void
refuses(void **state)
{
	struct rig *rig = rig_new(NULL);
	struct err err;

	(void)state;
	assert_null(reader_open(rig->path, READER_AHEAD, &err));
	assert_non_null(strstr(err.text, "No such file"));
	assert_null(reader_open(rig->dir, READER_AHEAD, &err));
	assert_non_null(strstr(err.text, "directory"));
}

/* Standard input is a pipe of ours; the old one comes back. The end to write to. */
static int
pipe_to_stdin(int *old)
{
	int ends[2];

	*old = dup(STDIN_FILENO);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	return ends[1];
}

static void
give_stdin_back(int old)
{
	if (old >= 0) {
		dup2(old, STDIN_FILENO);
		close(old);
	}
}

/* A pipe with nothing in it does not hold the daemon. */
static void
follows_standard_input(void **state)
{
	struct place place;
	struct source *source;
	struct str lines;
	struct err err;
	int old, to = pipe_to_stdin(&old);

	(void)state;
	source = source_open("-", NULL, &(struct source_options){0}, &err);
	assert_non_null(source);
	source_where(source, &place);
	assert_string_equal(place.kind, "stdin");
	assert_string_equal(place.text, "");
	assert_int_equal(source_fd(source), STDIN_FILENO);
	assert_int_equal(source_next(source, 0, &lines), SOURCE_IDLE);
	assert_int_equal(write(to, "o", 1), 1);
	assert_int_equal(source_next(source, 0, &lines), SOURCE_IDLE);
	assert_int_equal(write(to, "ne\ntwo\nthr", 10), 10);
	assert_int_equal(source_next(source, 0, &lines), SOURCE_LINES);
	assert_true(str_is(lines, "one\ntwo\n"));
	assert_int_equal(source_next(source, 0, &lines), SOURCE_IDLE);
	assert_true(source_wait_ms(source) > 0);
	assert_int_equal(write(to, "ee", 2), 2);
	close(to);
	assert_int_equal(source_next(source, 0, &lines), SOURCE_LINES);
	assert_true(str_is(lines, "three\n"));
	assert_int_equal(source_next(source, 0, &lines), SOURCE_END);
	assert_int_equal(source_next(source, 0, &lines), SOURCE_END);
	source_close(source);
	give_stdin_back(old);
}

/* The last note that was given. */
static void
on_note(void *context, enum source_note note, const char *text)
{
	assert_int_equal(note, SOURCE_LONG_LINE);
	buf_reset(context);
	buf_add_str(context, str_of(text));
}

/* So many bytes without a newline; read meanwhile, as a pipe holds less. */
static void
write_long(struct source *source, int to, size_t len)
{
	char block[4096];
	struct str lines;

	memset(block, 'x', sizeof(block));
	for (size_t done = 0; done < len; done += sizeof(block)) {
		assert_int_equal(write(to, block, sizeof(block)), sizeof(block));
		assert_int_equal(source_next(source, 0, &lines), SOURCE_IDLE);
	}
}

static void
notes_long_lines_of_standard_input(void **state)
{
	struct buf note = {0};
	struct source *source;
	struct str lines;
	struct err err;
	int old, to = pipe_to_stdin(&old);

	(void)state;
	source = source_open(
	    "-", NULL, &(struct source_options){.note = on_note, .context = &note}, &err);
	assert_non_null(source);
	assert_int_equal(write(to, "one\n", 4), 4);
	assert_int_equal(source_next(source, 0, &lines), SOURCE_LINES);
	write_long(source, to, 1024 * 1024);
	assert_string_equal(buf_text(&note), "");
	assert_int_equal(write(to, "\ntwo\n", 5), 5);
	assert_int_equal(source_next(source, 0, &lines), SOURCE_LINES);
	assert_true(str_is(lines, "two\n"));
	assert_string_equal(buf_text(&note),
	    "standard input: a line of 1048576 bytes before offset 1048581 was skipped");
	write_long(source, to, 128 * 1024);
	close(to);
	assert_int_equal(source_next(source, 0, &lines), SOURCE_END);
	assert_string_equal(buf_text(&note),
	    "standard input: a line of 131072 bytes before offset 1179657 was skipped");
	source_close(source);
	buf_clear(&note);
	give_stdin_back(old);
}

static void
reads_gzip_from_a_pipe(void **state)
{
	struct rig *rig = rig_new(NULL);
	struct buf text = {0};
	uint64_t long_lines;
	char bytes[256];
	ssize_t size;
	int fd, old, to = pipe_to_stdin(&old);

	(void)state;
	add_member(rig->path, STR("one\ntwo\n"));
	fd = open(rig->path, O_RDONLY | O_CLOEXEC);
	size = read(fd, bytes, sizeof(bytes));
	close(fd);
	assert_true(size > 0);
	assert_int_equal(write(to, bytes, (size_t)size), size);
	close(to);
	assert_int_equal(read_all("-", &text, &long_lines), READER_END);
	assert_string_equal(buf_text(&text), "one\ntwo\n");
	buf_clear(&text);
	give_stdin_back(old);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(reads, &rows[i], "read once: %s", rows[i].name);
	suite_add(reads_many, NULL, "read once: many lines, plain and compressed");
	suite_add(
	    skips_long_lines, NULL, "read once: long lines are skipped and counted");
	suite_add(reads_large_file, NULL, "read once: a large file, read ahead");
	suite_add(leaves_large_file, NULL, "read once: a large file is left half read");
	suite_add(
	    refuses, NULL, "read once: what is not there or a directory is refused");
	suite_add(follows_standard_input, NULL,
	    "standard input is followed, and an empty pipe does not block");
	suite_add(notes_long_lines_of_standard_input, NULL,
	    "standard input: long lines are skipped and named");
	suite_add(reads_gzip_from_a_pipe, NULL, "gzip from a pipe");
	return suite_run();
}
