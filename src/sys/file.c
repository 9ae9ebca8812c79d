/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/fd.h"

#define LOCK_LOOK_AGAIN_MS 10

/* Closes fd. */
static bool
read_whole(int fd, const char *path, size_t max, struct buf *out, struct err *err)
{
	size_t before = out->len;
	bool done = fd_read_all(fd, max, out);

	if (!done && errno == EFBIG)
		err_set(err, "%s is larger than %zu bytes", path, max);
	else if (!done)
		err_set_errno(err, errno, "cannot read %s", path);
	close(fd);
	if (!done && out->data != NULL) {
		out->len = before;
		out->data[before] = '\0';
	}
	return done;
}

static bool
open_to_read(const char *path, int flags, int *fd, struct err *err)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	return *fd >= 0 ||
	    err_set_errno(err, errno, "cannot read %s", *path != '\0' ? path : "\"\"");
}

bool
file_read(const char *path, size_t max, struct buf *out, struct err *err)
{
	int fd;

	return open_to_read(path, 0, &fd, err) && read_whole(fd, path, max, out, err);
}

bool
file_read_regular(const char *path, size_t max, struct buf *out, struct err *err)
{
	struct stat st;
	int fd;

	if (!open_to_read(path, O_NONBLOCK, &fd, err))
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return read_whole(fd, path, max, out, err);
	close(fd);
	return err_set(err, "%s is no regular file", path);
}

char *
file_directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return mem_strdup(".");
	return mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static bool
give_to_directory_owner(int fd, const char *path)
{
	char *directory = file_directory(path);
	struct stat st;
	bool done = stat(directory, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0;

	free(directory);
	return done;
}

/* -1: not created, with errno, or where it cannot be given, with *given false and nothing
 * left there. */
static int
open_new(const char *path, unsigned mode, bool *given)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	int failed;

	*given = true;
	if (fd < 0)
		return -1;
	if (fchmod(fd, mode) == 0 &&
	    (geteuid() != 0 || give_to_directory_owner(fd, path)))
		return fd;
	failed = errno;
	close(fd);
	unlink(path);
	*given = false;
	errno = failed;
	return -1;
}

static bool
not_made(const char *path, bool given, struct err *err)
{
	return err_set_errno(err, errno,
	    given ? "cannot create %s" : "cannot give %s to the owner of its directory",
	    path);
}

bool
file_make(const char *path, unsigned mode, struct err *err)
{
	bool given;
	int fd = open_new(path, mode, &given);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || (given && errno == EEXIST) || not_made(path, given, err);
}

/* What is there goes: a FIFO that somebody else made would keep us waiting for a reader,
 * and a file of theirs stay open to them. */
int
file_create(const char *path, struct err *err)
{
	bool given;
	int fd;

	if (unlink(path) != 0 && errno != ENOENT) {
		err_set_errno(err, errno, "cannot create %s", path);
		return -1;
	}
	fd = open_new(path, 0644, &given);
	if (fd < 0)
		not_made(path, given, err);
	return fd;
}

bool
file_append(int fd, const char *path, struct str text, struct err *err)
{
	return fd_write_all(fd, text) ||
	    err_set_errno(err, errno, "cannot write %s", path);
}

bool
file_finish(int fd, const char *path, struct err *err)
{
	int failed = fsync(fd) != 0 ? errno : 0;

	if (close(fd) != 0 && failed == 0)
		failed = errno;
	if (failed == 0)
		return true;
	unlink(path);
	return err_set_errno(err, failed, "cannot write %s", path);
}

bool
file_write(const char *path, struct str text, struct err *err)
{
	int fd = file_create(path, err);

	if (fd < 0)
		return false;
	if (file_append(fd, path, text, err))
		return file_finish(fd, path, err);
	close(fd);
	unlink(path);
	return false;
}

#define COPY_SIZE 65536 /* bytes copied at once */

static bool
copy_all(int in, int out)
{
	char bytes[COPY_SIZE];
	ssize_t n;

	while ((n = read(in, bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && !fd_write_all(out, (struct str){bytes, (size_t)n}))
			return false;
	return n == 0;
}

bool
file_copy(const char *from, const char *to, struct err *err)
{
	int in, out, failed;

	if (!open_to_read(from, 0, &in, err))
		return false;
	out = file_create(to, err);
	if (out < 0) {
		close(in);
		return false;
	}
	failed = copy_all(in, out) ? 0 : errno;
	close(in);
	if (close(out) != 0 && failed == 0)
		failed = errno;
	return failed == 0 ||
	    err_set_errno(err, failed, "cannot copy %s to %s", from, to);
}

static bool
sync_path(const char *path, int flags, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	int failed;

	if (fd < 0)
		return err_set_errno(err, errno, "cannot open %s", path);
	failed = fsync(fd) != 0 ? errno : 0;
	close(fd);
	return failed == 0 || err_set_errno(err, failed, "cannot sync %s", path);
}

bool
file_sync(const char *path, struct err *err)
{
	return sync_path(path, 0, err);
}

bool
file_sync_directory(const char *path, struct err *err)
{
	char *directory = file_directory(path);
	bool done = sync_path(directory, O_DIRECTORY, err);

	free(directory);
	return done;
}

bool
file_replace(const char *from, const char *to, struct err *err)
{
	if (rename(from, to) != 0)
		return err_set_errno(err, errno, "cannot rename %s to %s", from, to);
	return file_sync_directory(to, err);
}

/* A rename would put a file in the place of a device. A link is replaced itself. */
static bool
may_replace(const char *path, struct err *err)
{
	struct stat st;

	return lstat(path, &st) != 0 || S_ISREG(st.st_mode) || S_ISLNK(st.st_mode) ||
	    err_set(err, "%s is no regular file", path);
}

bool
file_write_over(const char *path, struct str text, struct err *err)
{
	struct buf beside = {0};
	bool done;

	buf_printf(&beside, "%s%s", path, FILE_BESIDE);
	done = may_replace(path, err) && file_write(buf_text(&beside), text, err);
	if (done && !file_replace(buf_text(&beside), path, err)) {
		unlink(buf_text(&beside));
		done = false;
	}
	buf_clear(&beside);
	return done;
}

/*
 * flock(2) has no time limit, and a signal to end it would need a handler; locks are held
 * for a short time, so trying again now and then is enough. The file is opened for
 * reading, so that any user who may read it may lock it, not its owner alone.
 */
int
file_lock(const char *path, int64_t timeout_ms, struct err *err)
{
	const struct timespec pause = {.tv_nsec = LOCK_LOOK_AGAIN_MS * 1000000L};
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	int fd, failed;

	if (!file_make(path, 0644, err))
		return -1;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		err_set_errno(err, errno, "cannot open the lock %s", path);
		return -1;
	}
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		failed = errno;
		if (failed == EINTR)
			continue;
		if (failed == EWOULDBLOCK && clock_monotonic_ms() < deadline_ms) {
			nanosleep(&pause, NULL);
			continue;
		}
		close(fd);
		if (failed == EWOULDBLOCK)
			err_set(err, "%s is locked by another process", path);
		else
			err_set_errno(err, failed, "cannot lock %s", path);
		return failed == EWOULDBLOCK ? FILE_LOCKED : -1;
	}
	return fd;
}

void
file_unlock(int fd)
{
	if (fd >= 0)
		close(fd);
}
