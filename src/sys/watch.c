/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/watch.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"

struct watch {
	int fd;
};

struct watch *
watch_new(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct watch *watch;

	if (fd < 0)
		return NULL;
	watch = mem_new(1, sizeof(*watch));
	watch->fd = fd;
	return watch;
}

void
watch_free(struct watch *watch)
{
	if (watch == NULL)
		return;
	close(watch->fd);
	free(watch);
}

int
watch_fd(const struct watch *watch)
{
	return watch->fd;
}

int
watch_add_directory(struct watch *watch, const char *path)
{
	/* not IN_MODIFY: /var/log holds busy files that are none of ours */
	return inotify_add_watch(watch->fd, path,
	    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF |
	        IN_DELETE_SELF | IN_ONLYDIR);
}

int
watch_add_file(struct watch *watch, int fd)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(fd)];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return inotify_add_watch(
	    watch->fd, path, IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF);
}

void
watch_remove(struct watch *watch, int id)
{
	if (id != WATCH_NONE)
		inotify_rm_watch(watch->fd, id);
}

void
watch_drain(struct watch *watch)
{
	/* what happened is of no interest, that something happened is */
	_Alignas(struct inotify_event) char news[16 * 1024];

	/* bounded: a storm of news must not hold us here */
	for (int i = 0; i < 16; i++)
		if (read(watch->fd, news, sizeof(news)) < 0 && errno != EINTR)
			return;
}

bool
watch_serves(int fd)
{
	/* statfs(2), f_type. Not overlay: a copy-up changes the inode behind an fd. */
	static const uint32_t local[] = {
	    0xef53,     /* ext2, ext3, ext4 */
	    0x58465342, /* XFS */
	    0x9123683e, /* btrfs */
	    0x01021994, /* tmpfs */
	    0xf2f52010, /* F2FS */
	    0x2fc12fc1, /* ZFS */
	    0xca451a4e, /* bcachefs */
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if ((uint32_t)fs.f_type == local[i])
			return true;
	return false;
}
