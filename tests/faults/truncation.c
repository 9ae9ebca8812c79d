/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that are cut, rewritten or not the ones they seem: faults 11 to 17, 20 to 24. */
#include "faults.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static void
read_log(struct rig *rig, uint32_t to)
{
	rig_write(rig, "log", 0, to);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_expect(rig, 0, to);
}

static void
copied_and_cut_at_rest(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_copy(rig, "log", "log.1");
	rig_truncate(rig, "log", 0);
	rig_pass(rig, 3000);
	rig_write(rig, "log", 100, 110);
	rig_settle(rig);
	rig_expect(rig, 0, 110);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
}

static void
copied_cut_and_regrown(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_write(rig, "log", 100, 105); /* not read yet when it is copied */
	rig_copy(rig, "log", "log.1");
	rig_truncate(rig, "log", 0);
	rig_write(rig, "log", 105, 400);
	rig_settle(rig);
	rig_expect(rig, 0, 400);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
}

/* Nothing was copied: what was not read is lost, and the new lines are exact. */
static void
cut_and_regrown(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_truncate(rig, "log", 0);
	rig_write(rig, "log", 100, 400);
	rig_settle(rig);
	rig_expect(rig, 0, 400);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

static void
copied_while_down(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_kill(rig);
	rig_write(rig, "log", 100, 150);
	rig_copy(rig, "log", "log.1");
	rig_truncate(rig, "log", 0);
	rig_write(rig, "log", 150, 400);
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect(rig, 0, 400);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

static void
copied_twice_and_compressed_while_down(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_kill(rig);
	rig_write(rig, "log", 100, 150);
	rig_copy(rig, "log", "log.2");
	rig_gzip(rig, "log.2");
	rig_truncate(rig, "log", 0);
	rig_write(rig, "log", 150, 300);
	rig_copy(rig, "log", "log.1");
	rig_truncate(rig, "log", 0);
	rig_write(rig, "log", 300, 500);
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect(rig, 0, 500);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

/* Bytes of the first count lines. */
static uint64_t
size_of_lines(uint32_t count)
{
	char line[128];
	uint64_t size = 0;

	for (uint32_t i = 0; i < count; i++)
		size += rig_line(line, sizeof(line), i);
	return size;
}

static void
cut_at_a_line_end(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_truncate(rig, "log", size_of_lines(50));
	rig_pump(rig);
	rig_write(rig, "log", 100, 110);
	rig_settle(rig);
	rig_expect(rig, 0, 110);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
}

static void
cut_at_a_line_end_while_down(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_kill(rig);
	rig_truncate(rig, "log", size_of_lines(50));
	rig_start(rig, FOLLOW_FROM_END);
	rig_write(rig, "log", 100, 110);
	rig_settle(rig);
	rig_expect(rig, 0, 110);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
}

static void
shorter_and_other_text(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_truncate(rig, "log", 0);
	rig_write(rig, "log", 100, 110);
	rig_settle(rig);
	rig_expect(rig, 0, 110);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
}

static void
cut_within_a_line(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_truncate(rig, "log", size_of_lines(50) + 20);
	rig_settle(rig);
	rig_expect(rig, 0, 100);         /* a stump is no line */
	rig_write(rig, "log", 100, 110); /* the first of them is glued to it */
	rig_settle(rig);
	assert_int_equal(rig->got_len, 109);
	assert_int_equal(rig->got[100], 101);
	assert_int_equal(rig->malformed, 1);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
}

/* Only an unfinished line is taken back: nothing that was handed out. */
static void
cut_within_the_unfinished_line(void **state)
{
	struct rig *rig = rig_new(NULL);
	char line[128];
	size_t len = rig_line(line, sizeof(line), 10);

	(void)state;
	read_log(rig, 10);
	rig_write_text(rig, "log", line, len - 1);
	rig_pump(rig);
	rig_truncate(rig, "log", size_of_lines(10));
	rig_pump(rig);
	rig_write(rig, "log", 10, 20);
	rig_settle(rig);
	rig_expect(rig, 0, 20);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 0);
}

static void
cut_twice_between_looks(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_truncate(rig, "log", 0);
	rig_write(rig, "log", 500, 510); /* gone before it is checked */
	rig_truncate(rig, "log", 0);
	rig_write(rig, "log", 100, 110);
	rig_settle(rig);
	rig_expect(rig, 0, 110);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
}

static void
rewritten_in_place(void **state)
{
	struct rig *rig = rig_new(NULL);
	uint64_t size;

	(void)state;
	rig_write(rig, "log", 100, 200);
	size = rig_size(rig, "log");
	rig_start(rig, FOLLOW_FROM_END);
	rig_pump(rig);
	rig_truncate(rig, "log", 0);
	rig_write(rig, "log", 200, 300);
	assert_int_equal(rig_size(rig, "log"), size);
	rig_settle(rig);
	rig_expect(rig, 200, 300);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
}

/* Other text, but the bytes before the offset are the same: the head decides. */
static void
rewritten_with_the_same_end(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 100, 200);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_truncate(rig, "log", 0);
	rig_write(rig, "log", 200, 298);
	rig_write(rig, "log", 198, 200);
	rig_write(rig, "log", 300, 310);
	rig_settle(rig);
	assert_int_equal(rig->got_len, 100 + 98 + 2 + 10);
	assert_int_equal(rig->got[100], 200);
	assert_int_equal(rig->got[199], 199);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
}

static void
unlinked_and_created(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_unlink(rig, "log");
	rig_write(rig, "log", 100, 200);
	rig_settle(rig);
	rig_expect(rig, 0, 200);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

struct impostor {
	const char *name;
	uint32_t read;  /* lines that were read of the old file */
	uint32_t first; /* the new one starts with the old one's first so many lines */
	bool same_birth;
	bool no_birth;
};

static const struct impostor impostors[] = {
    {"20 down, the new file has the old inode number and size", 100, 0, false, false},
    {"21 down, the same inode number and the same first line", 1, 1, false, false},
    {"21 down, the same inode number and first line, more was read", 5, 1, false, false},
    {"21 the same, birth times unknown", 5, 1, false, true},
    {"21 the same, birth times equal", 5, 1, true, false},
    {"22 down, the same first 2 KiB", 100, 40, false, false},
    {"22 down, the same first 2 KiB and birth time", 100, 40, true, false},
};

static int64_t
birth_of(const char *path)
{
	struct follow_position position;
	struct follow *follow;
	struct err err;

	follow = follow_new(path, NULL, FOLLOW_FROM_END, NULL, NULL, &err);
	assert_true(follow_where(follow, &position));
	follow_free(follow);
	return position.birth_ns;
}

/*
 * A new file that passes for the old one. File systems give an inode number again when
 * they like; the stored position is made to name the new one instead.
 */
static void
impostor(void **state)
{
	const struct impostor *im = *state;
	struct rig *rig = rig_new(NULL);
	struct stat st;

	inject.no_birth = im->no_birth;
	read_log(rig, im->read);
	rig_kill(rig);
	rig_tick();
	rig_write(rig, "new", 0, im->first);
	rig_write(rig, "new", 1000, 1100 - im->first);
	rig_rename(rig, "new", "log");
	assert_int_equal(stat(rig->path, &st), 0);
	rig->stored.inode = st.st_ino;
	assert_true(!im->no_birth || rig->stored.birth_ns == 0);
	if (im->same_birth)
		rig->stored.birth_ns = birth_of(rig->path);
	rig->got_len = 0;
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	assert_int_equal(rig->got_len, 100);
	for (uint32_t i = 0; i < rig->got_len; i++)
		assert_int_equal(rig->got[i], i < im->first ? i : 1000 + i - im->first);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 1);
}

/* In place, under a reader that runs: the first 2 KiB stay as they were. */
static void
same_head_in_place(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_truncate(rig, "log", 0);
	rig_write(rig, "log", 0, 40);
	rig_write(rig, "log", 1000, 1400);
	rig->got_len = 0;
	rig_settle(rig);
	assert_int_equal(rig->got_len, 440);
	assert_int_equal(rig->got[39], 39);
	assert_int_equal(rig->got[40], 1000);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
}

static void
grows_from_nothing(void **state)
{
	static const size_t sizes[] = {0, 1, 10};
	char line[128];
	size_t len = rig_line(line, sizeof(line), 0);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct rig *rig = rig_new(NULL);

		rig_write_text(rig, "log", line, sizes[i]);
		rig_start(rig, FOLLOW_FROM_END);
		rig_pass(rig, 2000);
		rig_write_text(rig, "log", line + sizes[i], len - sizes[i]);
		rig_pump(rig);
		rig_write(rig, "log", 1, 100);
		rig_settle(rig);
		rig_expect(rig, 0, 100);
		rig_expect_at_end(rig);
	}
}

static void
first_start_on_a_large_file(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 100);
	rig_truncate(
	    rig, "log", UINT64_C(1) << 30); /* sparse: its blocks do not matter */
	rig_write(rig, "log", 100, 200);
	rig_start(rig, FOLLOW_FROM_END);
	/* stored at once, before the first wait */
	assert_true(rig->has_stored);
	rig_expect_at_end(rig);
	rig_pump(rig);
	assert_int_equal(rig->got_len, 0);
	rig_write(rig, "log", 200, 210);
	rig_settle(rig);
	rig_expect(rig, 200, 210);
	rig_expect_at_end(rig);
}

static void
first_start_without_a_file(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_start(rig, FOLLOW_FROM_END);
	assert_true(rig->has_stored);
	rig_expect_notes(rig, FOLLOW_NOTE_MISSING, 1);
	rig_kill(rig);
	rig_write(rig, "log", 0, 50); /* all of it came after the first start */
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect(rig, 0, 50);
	rig_expect_at_end(rig);
}

void
faults_of_truncation(void)
{
	suite_add(copied_and_cut_at_rest, NULL, "11 copytruncate at rest");
	suite_add(copied_cut_and_regrown, NULL,
	    "12 copytruncate, regrown past the old offset: the copy's rest, then the "
	    "file");
	suite_add(cut_and_regrown, NULL,
	    "12 cut and regrown past the old offset, no copy: one notice, from 0");
	suite_add(copied_while_down, NULL,
	    "13 copytruncate while down, regrown: the rest is in the copy");
	suite_add(copied_twice_and_compressed_while_down, NULL,
	    "13 copytruncate twice while down, the first copy compressed");
	suite_add(cut_at_a_line_end, NULL, "14 cut at a line end: going on there");
	suite_add(cut_at_a_line_end_while_down, NULL, "14 the same while down");
	suite_add(shorter_and_other_text, NULL, "14 shorter and other text: from 0");
	suite_add(cut_within_a_line, NULL, "15 cut within a line: the stump is no line");
	suite_add(cut_within_the_unfinished_line, NULL,
	    "15 an unfinished line is taken back and written again");
	suite_add(cut_twice_between_looks, NULL, "16 cut twice between two checks");
	suite_add(
	    rewritten_in_place, NULL, "17 rewritten in place, the size is the same");
	suite_add(rewritten_with_the_same_end, NULL,
	    "17 rewritten in place, the bytes before the offset are the same");
	suite_add(unlinked_and_created, NULL, "20 unlinked and created while running");
	for (size_t i = 0; i < sizeof(impostors) / sizeof(impostors[0]); i++)
		suite_add(impostor, &impostors[i], "%s", impostors[i].name);
	suite_add(same_head_in_place, NULL, "22 running, the same first 2 KiB");
	suite_add(
	    grows_from_nothing, NULL, "23 empty, 1 and 10 bytes at the first start");
	suite_add(first_start_on_a_large_file, NULL,
	    "24 first start on 1 GiB: no old line, the position is known at once");
	suite_add(first_start_without_a_file, NULL,
	    "24 first start without a file, created while down: all of it is new");
}
