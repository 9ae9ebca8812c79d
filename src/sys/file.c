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

bool
file_make(const char *path, unsigned mode, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	int failed = 0;

	if (fd < 0)
		return errno == EEXIST ||
		    err_set_errno(err, errno, "cannot create %s", path);
	if (fchmod(fd, mode) != 0 ||
	    (geteuid() == 0 && !give_to_directory_owner(fd, path)))
		failed = errno;
	close(fd);
	if (failed == 0)
		return true;
	unlink(path);
	return err_set_errno(
	    err, failed, "cannot give %s to the owner of its directory", path);
}

int
file_create(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0) {
		err_set_errno(err, errno, "cannot create %s", path);
	} else if (fchmod(fd, 0644) != 0) {
		err_set_errno(err, errno, "cannot write %s", path);
		close(fd);
		unlink(path);
		fd = -1;
	}
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
	out = open(to, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0) {
		err_set_errno(err, errno, "cannot write %s", to);
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
