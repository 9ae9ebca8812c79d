/* SPDX-License-Identifier: BSD-2-Clause */
/* Names that move: faults 1 to 10, 50. */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void
appended(void **state)
{
	struct rig *rig = rig_new(NULL);
	uint32_t n = 0;

	(void)state;
	rig_start(rig, FOLLOW_FROM_START);
	while (n < 100000) {
		uint32_t more = 1 + n % 977;

		rig_write(rig, "log", n, n + more);
		n += more;
		rig_pump(rig);
	}
	rig_expect(rig, 0, n);
	rig_expect_at_end(rig);
}

static void
renamed(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 100);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log.1", 100, 150);
	rig_pump(rig);
	rig_write(rig, "log", 150, 200);
	rig_pump(rig);
	rig_write(rig, "log.1", 200, 201); /* the writer's last word before it reopens */
	rig_settle(rig);
	assert_int_equal(rig->got_len, 201);
	for (uint32_t i = 0; i < rig->got_len; i++)
		assert_int_equal(rig->got[i], i < 150 ? i : i == 150 ? 200 : i - 1);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_ROTATED, 1);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

/* The writer stays in the old file for 30 s, with a line every gap_s seconds. */
static void
two_writers(int gap_s)
{
	struct rig *rig = rig_new(NULL);
	uint32_t old = 0, new = 1000;

	rig_start(rig, FOLLOW_FROM_START);
	rig_write(rig, "log", old, old + 1);
	old++;
	rig_pump(rig);
	rig_rename(rig, "log", "log.1");
	for (int s = 0; s < 30; s++) {
		if (s % gap_s == 0) {
			rig_write(rig, "log.1", old, old + 1);
			old++;
		}
		rig_write(rig, "log", new, new + 1);
		new ++;
		rig_pass(rig, 1000);
	}
	rig_settle(rig);
	/* each once, and those of one file in their order */
	assert_int_equal(rig->got_len, old + new - 1000);
	for (uint32_t i = 0, o = 0, n = 1000; i < rig->got_len; i++)
		assert_int_equal(rig->got[i], rig->got[i] < 1000 ? o++ : n++);
	if (gap_s == 1)
		assert_int_equal(
		    rig->got[old - 1], old - 1); /* all of the old one first */
	rig_expect_at_end(rig);
}

static void
writes_on(void **state)
{
	(void)state;
	two_writers(1);
	two_writers(4); /* longer than a file must be silent to be finished */
}

static void
missing_for_a_minute(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 10);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_rename(rig, "log", "log.1");
	rig_pass(rig, 60000);
	rig_expect_notes(rig, FOLLOW_NOTE_MISSING, 1);
	rig_write(rig, "log", 10, 20);
	rig_settle(rig);
	rig_expect(rig, 0, 20);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_MISSING, 1);
	rig_expect_notes(rig, FOLLOW_NOTE_APPEARED, 1);
}

/* postfix logrotate: mv, HUP, a second, gzip and unlink; the old postlogd writes on. */
static void
postfix_logrotate(struct rig *rig, uint32_t *n, const char *to)
{
	rig_rename(rig, "log", to);
	rig_write(rig, to, *n, *n + 7);
	*n += 7;
	rig_gzip(rig, to);
	rig_write(rig, "log", *n, *n + 9);
	*n += 9;
}

static void
stopped_during_postfix_logrotate(void **state)
{
	struct rig *rig = rig_new(NULL);
	uint32_t n = 50;

	(void)state;
	rig_write(rig, "log", 0, 50);
	rig_start(rig, FOLLOW_FROM_START);
	rig_step(rig, 1);
	rig_write(rig, "log", n, n + 10);
	n += 10;
	postfix_logrotate(rig, &n, "log.20261124-060251");
	rig->now_ms += 5000;
	rig_settle(rig);
	rig_expect(rig, 0, n);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

static void
down_during_postfix_logrotate(void **state)
{
	struct rig *rig = rig_new(NULL);
	uint32_t n = 50;

	(void)state;
	rig_write(rig, "log", 0, 50);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_kill(rig);
	rig_write(rig, "log", n, n + 30000);
	n += 30000;
	postfix_logrotate(rig, &n, "log.20261124-060251");
	postfix_logrotate(rig, &n, "log.20261125-060252");
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect(rig, 0, n);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

static void
down_in_the_middle_of_a_gzip_file(void **state)
{
	struct rig *rig = rig_new(NULL);
	uint32_t n = 50;

	(void)state;
	rig_write(rig, "log", 0, 50);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_kill(rig);
	rig_write(rig, "log", n, n + 100000);
	n += 100000;
	postfix_logrotate(rig, &n, "log.20261124-060251");
	for (int i = 0; i < 8; i++) {
		rig_start(rig, FOLLOW_FROM_END);
		rig_step(rig, 4);
		rig_kill(rig);
	}
	assert_true(rig->got_len > 50 && rig->got_len < 100000);
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect(rig, 0, n);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

static void
down_during_two_rotations(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 1000);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_kill(rig);
	rig_write(rig, "log", 1000, 1100);
	rig_rename(rig, "log", "log.2");
	rig_gzip(rig, "log.2");
	rig_write(rig, "log.1", 1100, 1200);
	rig_write(rig, "log", 1200, 1300);
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect(rig, 0, 1300);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

static void
rotated_copy_deleted(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 100);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_kill(rig);
	rig_write(rig, "log", 100, 110);      /* these are never read */
	rig_write(rig, "log.keep", 110, 120); /* so that the inode is not used again */
	rig_unlink(rig, "log");
	rig_rename(rig, "log.keep", "log");
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 1);
	rig_kill(rig);
	rig_start(rig, FOLLOW_FROM_END); /* it is not reported again */
	rig_settle(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 1);
	assert_int_equal(rig->got_len, 110);
	assert_int_equal(rig->got[99], 99);
	assert_int_equal(rig->got[100], 110);
	rig_expect_at_end(rig);
	/* named with offset and times */
	assert_non_null(strstr(rig->note[FOLLOW_NOTE_GAP], "offset"));
	assert_non_null(strstr(rig->note[FOLLOW_NOTE_GAP], "created 20"));
}

static void
set_age(const struct rig *rig, const char *name, int64_t age_s)
{
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= age_s;
	times[1] = times[0];
	assert_int_equal(utimensat(AT_FDCWD, rig_path(rig, name), times, 0), 0);
}

/* Down so long that the file read last was deleted; what is certainly newer is read. */
static void
deleted_with_newer_ones_left(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 100);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_kill(rig);
	rig->stored.inode = 1; /* made three hours ago, and not there any more */
	rig->stored.birth_ns -= 3 * 3600 * INT64_C(1000000000);
	rig_unlink(rig, "log");
	rig_write(rig, "log.4", 900, 910); /* older than what was read last */
	set_age(rig, "log.4", 4 * 3600);
	rig_write(rig, "log.3", 910, 920); /* its last line came when the next was made */
	set_age(rig, "log.3", 3 * 3600 - 10);
	rig_write(rig, "log.2", 120, 130);
	set_age(rig, "log.2", 2 * 3600);
	rig_gzip(rig, "log.2");
	rig_write(rig, "log.1", 130, 140);
	set_age(rig, "log.1", 3600);
	rig_write(rig, "log", 140, 150);
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 1);
	assert_int_equal(rig->got_len, 130);
	for (uint32_t i = 0; i < rig->got_len; i++)
		assert_int_equal(rig->got[i], i < 100 ? i : i + 20);
	rig_expect_at_end(rig);
}

/* Never up for as long as a file must be silent: the files' own times tell it as well. */
static void
started_again_and_again(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 100);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log.1", 100, 110);
	rig_write(rig, "log", 110, 120);
	for (int i = 0; i < 5; i++) {
		rig_kill(rig);
		rig_start(rig, FOLLOW_FROM_END);
		rig_pump(rig);
		rig->now_ms += 500;
	}
	rig_expect(rig, 0, 110); /* the writer of the old one may have more to say */
	set_age(rig, "log", -3); /* written to three seconds from now */
	rig_kill(rig);
	rig_start(rig, FOLLOW_FROM_END);
	rig_pump(rig);
	rig_expect(rig, 0, 120);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

static int64_t
monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* The reader looks at all once more, and then answers. */
static bool
ask_for_a_look(int reader)
{
	char byte = 0;

	return send(reader, &byte, 1, 0) == 1 && recv(reader, &byte, 1, 0) == 1;
}

/* 50 rotations by another process, as fast as it can write 40 lines for each and the
 * reader can look at it between. */
static void
rotated_fifty_times(void **state)
{
	struct rig *rig = rig_new(NULL);
	int64_t start = monotonic_ms();
	int pair[2], status;
	pid_t writer;

	(void)state;
	rig_write(rig, "log", 0, 40);
	rig_start(rig, FOLLOW_FROM_START);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	writer = fork();
	assert_true(writer >= 0);
	if (writer == 0) {
		close(pair[0]);
		for (uint32_t i = 1; i <= 50; i++) {
			rig_shift(rig, 50);
			rig_write(rig, "log", 40 * i, 40 * i + 20);
			if (!ask_for_a_look(pair[1]))
				_exit(1);
			rig_write(rig, "log", 40 * i + 20, 40 * i + 40);
		}
		_exit(0);
	}
	close(pair[1]);
	while (waitpid(writer, &status, WNOHANG) == 0) {
		char byte;
		bool asked = recv(pair[0], &byte, 1, MSG_DONTWAIT) == 1;

		rig->now_ms = 1000000 + monotonic_ms() - start;
		rig_pump(rig);
		if (asked)
			assert_int_equal(send(pair[0], &byte, 1, MSG_NOSIGNAL), 1);
	}
	close(pair[0]);
	assert_int_equal(status, 0);
	rig_settle(rig);
	rig_expect(rig, 0, 51 * 40);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

struct scheme {
	const char *name;
	bool down;
	const char *one; /* what the log is called after the first rotation, the second */
	const char *two;
	const char *moved; /* the first one's name after the second rotation */
	unsigned gaps;
};

static const struct scheme schemes[] = {
    {"10 dateext", false, "log-20261124", "log-20261125", "log-20261124", 0},
    {"10 dateext, down", true, "log-20261124", "log-20261125", "log-20261124", 0},
    {"10 dateext with hour and time", true, "log-2026112406", "log-2026112506",
        "log-2026112406", 0},
    {"10 dateext by day first, down", true, "log-30112026", "log-01122026",
        "log-30112026", 0},
    {"10 postfix logrotate names, down", true, "log.20261124-060251",
        "log.20261124-060253", "log.20261124-060251", 0},
    {"10 .1 that becomes .2", false, "log.1", "log.1", "log.2", 0},
    {"10 .1 that becomes .2, down", true, "log.1", "log.1", "log.2", 0},
    {"10 .9 that becomes .10, down", true, "log.9", "log.9", "log.10", 0},
    {"10 numbers, then dates, down", true, "log.1", "log-20261125", "log.1", 0},
    {"10 olddir outside", false, "old/log.1", "old/log.1", "old/log.2", 0},
    {"10 olddir outside, down", true, "old/log.1", "old/log.1", "old/log.2", 1},
};

static void
named_by(void **state)
{
	const struct scheme *scheme = *state;
	struct rig *rig = rig_new(NULL);

	assert_int_equal(mkdir(rig_path(rig, "old"), 0755), 0);
	rig_write(rig, "log", 0, 10);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	if (scheme->down)
		rig_kill(rig);
	rig_write(rig, "log", 10, 20);
	rig_rename(rig, "log", scheme->one);
	rig_tick();
	rig_write(rig, "log", 20, 30);
	if (!scheme->down)
		rig_pump(rig);
	if (strcmp(scheme->one, scheme->moved) != 0)
		rig_rename(rig, scheme->one, scheme->moved);
	rig_rename(rig, "log", scheme->two);
	rig_write(rig, "log", 30, 40);
	if (scheme->down)
		rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, scheme->gaps);
	if (scheme->gaps == 0)
		rig_expect(rig, 0, 40);
	else
		assert_int_equal(rig->got_len, 10 + 10); /* the live file is exact */
	rig_expect_at_end(rig);
}

static struct rig *rotated_rig;

static void
rotate_now(void)
{
	rig_shift(rotated_rig, 3);
	rig_write(rotated_rig, "log", 30, 40);
}

/* A rotation right between the reading of the directory and the check of the path. */
static void
rotated_while_the_directory_is_read(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 10);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_write(rig, "log", 10, 20);
	rig_shift(rig, 1);
	rig_write(rig, "log", 20, 30);
	rotated_rig = rig;
	inject.at_directory_end = rotate_now;
	rig_settle(rig);
	assert_int_equal(inject.happened, 1);
	rig_expect(rig, 0, 40);
	rig_expect_at_end(rig);
}

static void
directory_replaced(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	assert_int_equal(mkdir(rig_path(rig, "dir"), 0755), 0);
	rig_set_path(rig, "dir/log");
	rig_write(rig, "dir/log", 0, 10);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_rename(rig, "dir", "dir.old");
	rig_write(rig, "dir.old/log", 10, 20);
	rig_pass(rig, 3000);
	assert_int_equal(mkdir(rig_path(rig, "dir"), 0755), 0);
	rig_write(rig, "dir/log", 20, 30);
	rig_settle(rig);
	rig_expect(rig, 0, 30);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

void
faults_of_rotation(void)
{
	suite_add(appended, NULL, "1 100,000 lines appended while running");
	suite_add(renamed, NULL, "2 renamed and created: old before new");
	suite_add(writes_on, NULL, "3 the writer goes on in the renamed file for 30 s");
	suite_add(
	    missing_for_a_minute, NULL, "4 missing for 60 s: reported once, no exit");
	suite_add(stopped_during_postfix_logrotate, NULL,
	    "5 postfix logrotate while the reader is stopped");
	suite_add(down_during_postfix_logrotate, NULL,
	    "6 postfix logrotate while the reader is down: the rest is in a .gz file");
	suite_add(down_in_the_middle_of_a_gzip_file, NULL,
	    "6 killed again and again in the middle of the .gz file");
	suite_add(
	    down_during_two_rotations, NULL, "7 down during two rotations: oldest first");
	suite_add(rotated_copy_deleted, NULL,
	    "8 the file read last was deleted while down: one gap notice, the rest "
	    "exact");
	suite_add(deleted_with_newer_ones_left, NULL,
	    "8 deleted, but files that are certainly newer are left");
	suite_add(started_again_and_again, NULL,
	    "2 started anew every half second after a rotation");
	suite_add(rotated_fifty_times, NULL, "9 50 rotations as fast as they go");
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		suite_add(named_by, &schemes[i], "%s", schemes[i].name);
	suite_add(rotated_while_the_directory_is_read, NULL,
	    "9 a rotation while the directory is read");
	suite_add(directory_replaced, NULL, "50 the directory replaced by another one");
}
