/* SPDX-License-Identifier: BSD-2-Clause */
/* Compressed files that are damaged or unknown: fault 52. */
#include "faults.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void
read_log(struct rig *rig, uint32_t to)
{
	rig_write(rig, "log", 0, to);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_expect(rig, 0, to);
}

struct gzip_row {
	const char *name;
	bool damage_end;    /* the checksum */
	unsigned cut_parts; /* of eight */
	uint32_t least;     /* lines that must come out of it */
};

static const struct gzip_row gzip_rows[] = {
    {"52 a .gz file with a wrong checksum: all it holds, and a notice", true, 0, 20000},
    {"52 a .gz file that is cut in half: what decompresses, and a notice", false, 4,
        8000},
    {"52 a .gz file that is cut in its first eighth", false, 7, 1000},
};

static void
damaged_gzip(void **state)
{
	const struct gzip_row *row = *state;
	struct rig *rig = rig_new(NULL);
	uint64_t size;
	size_t i;

	read_log(rig, 100);
	rig_kill(rig);
	rig_write(rig, "log", 100, 20000);
	rig_rename(rig, "log", "log.1");
	rig_gzip(rig, "log.1");
	size = rig_size(rig, "log.1.gz");
	if (row->damage_end) {
		int fd = open(rig_path(rig, "log.1.gz"), O_WRONLY | O_CLOEXEC);

		assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, (off_t)size - 8), 4);
		close(fd);
	}
	rig_truncate(rig, "log.1.gz", size - size * row->cut_parts / 8);
	rig_write(rig, "log", 20000, 20100);
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	for (i = 0; i < rig->got_len && rig->got[i] < 20000; i++)
		assert_int_equal(rig->got[i], i);
	assert_in_range(i, row->least, 20000);
	assert_int_equal(rig->got_len - i, 100);
	assert_int_equal(rig->got[i], 20000);
	assert_int_equal(rig->malformed, 0);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 1);
	rig_expect_at_end(rig);
}

/* gzip(1) is at work: the original is still there, and whole. */
static void
gzip_is_being_written(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_kill(rig);
	rig_write(rig, "log", 100, 20000);
	rig_copy(rig, "log", "log.1");
	rig_gzip(rig, "log.1");
	rig_rename(rig, "log", "log.1");
	rig_truncate(rig, "log.1.gz", 1000);
	rig_write(rig, "log", 20000, 20100);
	rig_start(rig, FOLLOW_FROM_END);
	rig_step(rig, 2);
	rig_unlink(rig, "log.1");
	rig_settle(rig);
	rig_expect(rig, 0, 20100);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
	rig_expect_at_end(rig);
}

/* A compressor that is not known here is named, not guessed at. */
static void
foreign_compressor(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_kill(rig);
	rig_rename(rig, "log", "log.2");
	rig_write_text(rig, "log.1.xz",
	    "\xfd"
	    "7zXZ",
	    6);
	rig_write(rig, "log", 120, 130);
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	assert_int_equal(rig->got_len, 110);
	rig_expect_notes(rig, FOLLOW_NOTE_REFUSED, 1);
	assert_non_null(strstr(rig->note[FOLLOW_NOTE_REFUSED], "log.1.xz"));
	rig_expect_at_end(rig);
}

void
faults_of_packed_files(void)
{
	for (size_t i = 0; i < sizeof(gzip_rows) / sizeof(gzip_rows[0]); i++)
		suite_add(damaged_gzip, &gzip_rows[i], "%s", gzip_rows[i].name);
	suite_add(
	    gzip_is_being_written, NULL, "52 a .gz file that is still being written");
	suite_add(foreign_compressor, NULL, "52 a compressor that is not known: named");
}
