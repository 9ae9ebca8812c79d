/* SPDX-License-Identifier: BSD-2-Clause */
/* The system below: faults 40 to 45, 51. What cannot be made here is injected. */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void
read_log(struct rig *rig, uint32_t to)
{
	rig_write(rig, "log", 0, to);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_expect(rig, 0, to);
}

static void
no_descriptor_is_free(void **state)
{
	struct rig *rig = rig_new(NULL);
	struct rlimit limit, none;

	(void)state;
	read_log(rig, 100);
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log.1", 100, 110);
	rig_write(rig, "log", 110, 120);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	rig_pass(rig, 30000);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	rig_expect(rig, 0, 110); /* what is open is read */
	rig_expect_notes(rig, FOLLOW_NOTE_UNREADABLE, 1);
	rig_settle(rig);
	rig_expect(rig, 0, 120);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

struct read_row {
	const char *name;
	struct inject faults;
	unsigned unreadable; /* notes */
};

static const struct read_row read_rows[] = {
    {"41 every read is short", {.read_short = 70}, 0},
    {"41 every third read is interrupted", {.read_breaks = 3}, 0},
    {"41 EIO once", {.read_errno = EIO, .read_fails = 1}, 1},
    {"41 EIO seven times", {.read_errno = EIO, .read_fails = 7}, 1},
    {"41 ESTALE once", {.read_errno = ESTALE, .read_fails = 1}, 1},
    {"41 ESTALE three times", {.read_errno = ESTALE, .read_fails = 3}, 1},
};

static void
read_fails(void **state)
{
	const struct read_row *row = *state;
	struct rig *rig = rig_new(NULL);

	read_log(rig, 1000);
	inject = row->faults;
	rig_write(rig, "log", 1000, 1100);
	rig_pass(rig, 5000);
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log.1", 1100, 1110);
	rig_write(rig, "log", 1110, 1120);
	rig_settle(rig);
	rig_expect(rig, 0, 1120);
	rig_expect_at_end(rig);
	assert_in_range(inject.happened, 1, UINT32_MAX);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
	assert_in_range(
	    rig->notes[FOLLOW_NOTE_UNREADABLE], row->unreadable, row->unreadable);
}

/* A short read that brings nothing new is no end of a file that is rotated already. */
static void
short_read_of_an_old_file(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_kill(rig);
	rig_write(rig, "log", 100, 110);
	rig_rename(rig, "log", "log.2");
	rig_write(rig, "log.1", 110, 120);
	rig_write(rig, "log", 120, 130);
	rig_start(rig, FOLLOW_FROM_END);
	inject.read_short = FOLLOW_MARK_MAX;
	inject.read_shorts = 2;
	rig_settle(rig);
	assert_int_equal(inject.happened, 2);
	rig_expect(rig, 0, 130);
	rig_expect_at_end(rig);
}

/* root may read everything, so the reader becomes the user nobody while it reads. */
static void
become(uid_t uid)
{
	if (getuid() == 0)
		assert_int_equal(seteuid(uid), 0);
}

static void
pass_as_nobody(struct rig *rig, int64_t ms)
{
	become(65534);
	rig_pass(rig, ms);
	become(0);
}

static void
start_as_nobody(struct rig *rig)
{
	assert_int_equal(chmod(rig->dir, 0755), 0);
	rig_write(rig, "log", 0, 100);
	become(65534);
	rig_start(rig, FOLLOW_FROM_START);
	become(0);
	pass_as_nobody(rig, 1000);
	rig_expect(rig, 0, 100);
}

static void
mode_000_at_rotation(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	start_as_nobody(rig);
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log.1", 100, 110);
	rig_write(rig, "log", 110, 120);
	assert_int_equal(chmod(rig->path, 0000), 0);
	pass_as_nobody(rig, 60000);
	rig_expect(rig, 0, 110);
	rig_expect_notes(rig, FOLLOW_NOTE_UNREADABLE, 1);
	assert_int_equal(chmod(rig->path, 0644), 0);
	pass_as_nobody(rig, 15000);
	rig_expect(rig, 0, 120);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_UNREADABLE, 1);
}

static void
directory_without_x(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	start_as_nobody(rig);
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log.1", 100, 110);
	rig_write(rig, "log", 110, 120);
	assert_int_equal(chmod(rig->dir, 0600), 0);
	pass_as_nobody(rig, 60000);
	rig_expect_notes(rig, FOLLOW_NOTE_UNREADABLE, 1);
	assert_int_equal(chmod(rig->dir, 0755), 0);
	pass_as_nobody(rig, 15000);
	rig_expect(rig, 0, 120);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_UNREADABLE, 1);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

static void
started_without_permission(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	start_as_nobody(rig);
	rig_kill(rig);
	rig_write(rig, "log", 100, 110);
	assert_int_equal(chmod(rig->path, 0000), 0);
	become(65534);
	rig_start(rig, FOLLOW_FROM_END);
	become(0);
	pass_as_nobody(rig, 60000);
	assert_int_equal(chmod(rig->path, 0644), 0);
	pass_as_nobody(rig, 15000);
	rig_expect(rig, 0, 110);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
	rig_expect_notes(rig, FOLLOW_NOTE_UNREADABLE, 1);
}

/* Nothing was read yet, and nothing is old but what is there when it can be opened. */
static void
first_start_without_permission(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	assert_int_equal(chmod(rig->dir, 0755), 0);
	rig_write(rig, "log", 0, 100);
	assert_int_equal(chmod(rig->path, 0000), 0);
	for (int i = 0; i < 2; i++) {
		become(65534);
		rig_start(rig, FOLLOW_FROM_END);
		become(0);
		assert_false(rig->has_stored);
		rig->has_stored = true; /* as of a caller that stores it all the same */
		pass_as_nobody(rig, 3000);
		rig_kill(rig);
		rig->has_stored = true;
	}
	assert_int_equal(chmod(rig->path, 0644), 0);
	rig_start(rig, FOLLOW_FROM_END);
	rig_write(rig, "log", 100, 110);
	rig_settle(rig);
	rig_expect(rig, 100, 110);
	rig_expect_at_end(rig);
}

static void
rotate_and_check(struct rig *rig)
{
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log.1", 100, 110);
	rig_write(rig, "log", 110, 120);
	rig_settle(rig);
	rig_expect(rig, 0, 120);
	rig_expect_at_end(rig);
}

static void
no_inotify(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	inject.no_inotify = true;
	read_log(rig, 100);
	assert_int_equal(follow_fd(rig->follow), -1);
	assert_int_equal(follow_wait_ms(rig->follow), 1000);
	rotate_and_check(rig);
}

static void
no_watches(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	inject.no_watches = true;
	read_log(rig, 100);
	assert_int_equal(follow_wait_ms(rig->follow), 1000);
	rotate_and_check(rig);
}

static bool
is_signalled(const struct rig *rig)
{
	struct pollfd fd = {.fd = follow_fd(rig->follow), .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

/* More names than a queue of inotify holds (fs.inotify.max_queued_events, 16384). */
static void
queue_overflows(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	read_log(rig, 100);
	rig_write_text(rig, "x", "", 0);
	for (int i = 0; i < 10000; i++) {
		rig_rename(rig, "x", "y");
		rig_rename(rig, "y", "x");
	}
	assert_true(is_signalled(rig));
	rotate_and_check(rig);
	assert_false(is_signalled(rig)); /* and it does not keep us awake */
}

/* At rest only one check a minute; each kind of news is signalled. */
static void
rests(void **state)
{
	struct rig *rig = rig_new(NULL);
	int fd;

	(void)state;
	read_log(rig, 100);
	fd = open(rig->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (follow_wait_ms(rig->follow) == 1000) {
		print_message(
		    "# the directory for temporary files is on no local file system\n");
		close(fd);
		skip();
	}
	close(fd);
	assert_int_equal(follow_wait_ms(rig->follow), 60000);
	assert_false(is_signalled(rig));
	rig_write(rig, "other", 0, 1); /* a new name in the directory */
	assert_true(is_signalled(rig));
	rig_pump(rig);
	rig_write(rig, "other", 1, 1000); /* another program's lines are not ours */
	assert_false(is_signalled(rig));
	rig_write(rig, "log", 100, 101);
	assert_true(is_signalled(rig));
	rig_pump(rig);
	assert_false(is_signalled(rig));
	rig_rename(rig, "log", "log.1");
	assert_true(is_signalled(rig));
	rig_pump(rig);
	assert_int_equal(follow_wait_ms(rig->follow), 1000);
	rig_write(rig, "log", 101, 102);
	assert_true(is_signalled(rig));
	rig_settle(rig);
	assert_int_equal(follow_wait_ms(rig->follow), 60000);
	rig_truncate(rig, "log", 0);
	assert_true(is_signalled(rig));
	rig_expect(rig, 0, 102);
}

static void
on_tmpfs(void **state)
{
	struct rig *rig;

	(void)state;
	if (access("/dev/shm", W_OK) != 0) {
		print_message("# there is no tmpfs at /dev/shm\n");
		skip();
	}
	rig = rig_new("/dev/shm");
	read_log(rig, 100);
	rotate_and_check(rig);
}

/* In a mount namespace of its own. 77: it cannot be made here. */
static int
overlay_child(struct rig *rig)
{
	char *options = NULL;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", rig->dir, "tmpfs", 0, NULL) < 0)
		return 77;
	if (mkdir(rig_path(rig, "lower"), 0755) < 0 ||
	    mkdir(rig_path(rig, "upper"), 0755) < 0 ||
	    mkdir(rig_path(rig, "work"), 0755) < 0 ||
	    mkdir(rig_path(rig, "merged"), 0755) < 0)
		return 1;
	rig_write(rig, "lower/log", 0, 100);
	if (asprintf(&options, "lowerdir=%s,upperdir=%s,workdir=%s",
	        rig_path(rig, "lower"), rig_path(rig, "upper"),
	        rig_path(rig, "work")) < 0 ||
	    mount("overlay", rig_path(rig, "merged"), "overlay", 0, options) < 0)
		return 77;
	free(options);
	rig_set_path(rig, "merged/log");
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_write(rig, "merged/log", 100, 110); /* now it is copied up */
	rig_settle(rig);
	rig_rename(rig, "merged/log", "merged/log.1");
	rig_write(rig, "merged/log.1", 110, 115);
	rig_write(rig, "merged/log", 115, 120);
	rig_settle(rig);
	rig_expect(rig, 0, 120);
	rig_expect_at_end(rig);
	assert_int_equal(follow_wait_ms(rig->follow), 1000);
	return 0;
}

static void
on_overlay(void **state)
{
	struct rig *rig = rig_new(NULL);
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(overlay_child(rig));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message(
		    "# an overlay cannot be mounted here (needs CAP_SYS_ADMIN)\n");
		skip();
	}
	assert_int_equal(status, 0);
}

/* There is no NFS server here: sizes are made stale between the program and libc. */
static void
stale_size(void **state)
{
	struct rig *rig = rig_new(NULL);
	struct stat st;

	(void)state;
	inject.is_network = true;
	read_log(rig, 100);
	rig_write(rig, "log", 100, 110);
	assert_int_equal(stat(rig->path, &st), 0);
	inject.stale_inode = st.st_ino;
	inject.stale_size = 700;
	rig_pass(rig, 3000);
	rig_expect(rig, 0, 100);
	inject.stale_inode = 0;
	rig_pass(rig, 2000);
	rig_expect(rig, 0, 110);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 0);
	rig_expect_at_end(rig);
	assert_int_equal(follow_wait_ms(rig->follow), 1000);
	/* a real cut is believed a little later, and other text at once */
	rig_truncate(rig, "log", 0);
	rig_pass(rig, 10000);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 1);
	rig_write(rig, "log", 110, 120);
	rig_pass(rig, 1000);
	rig_truncate(rig, "log", 0);
	rig_write(rig, "log", 120, 121);
	rig_pass(rig, 1000);
	rig_expect_notes(rig, FOLLOW_NOTE_TRUNCATED, 2);
	rig_expect(rig, 0, 121);
}

/* Times of files after the clock was set: no line depends on them while we run. */
static void
clock_set(void **state)
{
	static const time_t steps_s[] = {-3600, 365 * 86400};

	(void)state;
	for (size_t i = 0; i < sizeof(steps_s) / sizeof(steps_s[0]); i++) {
		struct rig *rig = rig_new(NULL);
		struct timespec times[2];

		read_log(rig, 100);
		rig_rename(rig, "log", "log.1");
		rig_write(rig, "log.1", 100, 110);
		rig_pump(rig);
		rig_write(rig, "log", 110, 120);
		clock_gettime(CLOCK_REALTIME, &times[0]);
		times[0].tv_sec += steps_s[i];
		times[1] = times[0];
		assert_int_equal(utimensat(AT_FDCWD, rig->path, times, 0), 0);
		rig_pass(rig, 2000);
		rig_rename(rig, "log.1", "log.2");
		rig_rename(rig, "log", "log.1");
		rig_write(rig, "log.1", 120, 130);
		rig_write(rig, "log", 130, 140);
		assert_int_equal(utimensat(AT_FDCWD, rig->path, times, 0), 0);
		rig_settle(rig);
		rig_expect(rig, 0, 140);
		rig_expect_at_end(rig);
		rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
	}
}

static int
make_fifo(const char *path)
{
	return mkfifo(path, 0644);
}

static int
make_directory(const char *path)
{
	return mkdir(path, 0755);
}

static int
make_device(const char *path)
{
	return symlink("/dev/null", path);
}

struct odd_row {
	const char *name;
	int (*make)(const char *path);
};

static const struct odd_row odd_rows[] = {
    {"51 a FIFO in its place", make_fifo},
    {"51 a directory in its place", make_directory},
    {"51 a device in its place", make_device},
};

static void
odd_file(void **state)
{
	const struct odd_row *row = *state;
	struct rig *rig = rig_new(NULL);
	struct follow *follow;
	struct err err;

	read_log(rig, 100);
	rig_rename(rig, "log", "log.1");
	assert_int_equal(row->make(rig->path), 0);
	rig_write(rig, "log.1", 100, 110);
	rig_pass(rig, 60000);
	rig_expect(rig, 0, 110);
	rig_expect_notes(rig, FOLLOW_NOTE_REFUSED, 1);
	/* at the start it is refused for good */
	follow = follow_new(rig->path, NULL, FOLLOW_FROM_START, NULL, NULL, &err);
	assert_null(follow);
	assert_non_null(strstr(err.text, rig->path));
	rig_rename(rig, "log", "odd");
	rig_write(rig, "log", 110, 120);
	rig_settle(rig);
	rig_expect(rig, 0, 120);
	rig_expect_at_end(rig);
}

static void
on_another_mount(void **state)
{
	struct rig *rig = rig_new(NULL);
	char other[] = "/dev/shm/follow-XXXXXX";
	struct stat here, there;
	int fd;

	(void)state;
	fd = mkstemp(other);
	if (fd < 0 || stat(rig->dir, &here) < 0 || fstat(fd, &there) < 0 ||
	    here.st_dev == there.st_dev) {
		print_message("# there is no other file system to write to\n");
		skip();
	}
	read_log(rig, 100);
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log.1", 100, 110);
	rig_write_fd(fd, 110, 120);
	close(fd);
	assert_int_equal(symlink(other, rig->path), 0);
	rig_settle(rig);
	unlink(other);
	rig_expect(rig, 0, 120);
	assert_int_equal(rig->stored.inode, there.st_ino);
}

void
faults_of_the_system(void)
{
	suite_add(no_descriptor_is_free, NULL, "40 EMFILE at rotation, for 30 s");
	for (size_t i = 0; i < sizeof(read_rows) / sizeof(read_rows[0]); i++)
		suite_add(read_fails, &read_rows[i], "%s", read_rows[i].name);
	suite_add(short_read_of_an_old_file, NULL,
	    "41 a short read without news of a file that is rotated");
	suite_add(mode_000_at_rotation, NULL,
	    "42 mode 000 at rotation, for 60 s: reported once");
	suite_add(directory_without_x, NULL, "42 a directory that loses its x bit");
	suite_add(
	    started_without_permission, NULL, "42 started while it must not be read");
	suite_add(first_start_without_permission, NULL,
	    "42 the first start while it must not be read: old lines stay old");
	suite_add(no_inotify, NULL, "43 no inotify: a check each second");
	suite_add(no_watches, NULL, "43 max_user_watches is used up");
	suite_add(queue_overflows, NULL, "43 20,000 renames in the directory");
	suite_add(rests, NULL, "43 at rest a check a minute, and all news is signalled");
	suite_add(on_tmpfs, NULL, "44 on tmpfs");
	suite_add(on_overlay, NULL, "44 on an overlay, copied up while it is read");
	suite_add(stale_size, NULL, "44 a network file system that shows an old size");
	suite_add(clock_set, NULL, "45 files with times of a clock that was set");
	for (size_t i = 0; i < sizeof(odd_rows) / sizeof(odd_rows[0]); i++)
		suite_add(odd_file, &odd_rows[i], "%s", odd_rows[i].name);
	suite_add(on_another_mount, NULL, "51 a symbolic link to another file system");
}
