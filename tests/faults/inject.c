/* SPDX-License-Identifier: BSD-2-Clause */
#include "inject.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NFS_SUPER_MAGIC 0x6969

struct inject inject;

/* The names are the linker's. */
ssize_t __real_pread(int fd, void *out, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *out, size_t size, off_t offset);
int __real_statx(
    int dirfd, const char *path, int flags, unsigned mask, struct statx *stx);
int __wrap_statx(
    int dirfd, const char *path, int flags, unsigned mask, struct statx *stx);
int __real_fstatfs(int fd, struct statfs *fs);
int __wrap_fstatfs(int fd, struct statfs *fs);
int __real_inotify_init1(int flags);
int __wrap_inotify_init1(int flags);
int __real_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);
struct dirent *__real_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

static bool
is_stale(int fd)
{
	struct stat st;

	return inject.stale_inode != 0 && fstat(fd, &st) == 0 &&
	    st.st_ino == inject.stale_inode;
}

ssize_t
__wrap_pread(int fd, void *out, size_t size, off_t offset)
{
	static unsigned calls;

	if (inject.read_breaks > 0 && ++calls % inject.read_breaks == 0) {
		inject.happened++;
		errno = EINTR;
		return -1;
	}
	if (inject.read_fails > 0) {
		inject.read_fails--;
		inject.happened++;
		errno = inject.read_errno;
		return -1;
	}
	if (inject.read_short > 0 && size > inject.read_short) {
		inject.happened++;
		size = inject.read_short;
		if (inject.read_shorts > 0 && --inject.read_shorts == 0)
			inject.read_short = 0;
	}
	if (is_stale(fd)) {
		inject.happened++;
		if ((uint64_t)offset >= inject.stale_size)
			return 0;
		if (size > inject.stale_size - (uint64_t)offset)
			size = inject.stale_size - (uint64_t)offset;
	}
	return __real_pread(fd, out, size, offset);
}

int
__wrap_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	int result = __real_statx(dirfd, path, flags, mask, stx);

	if (result == 0 && inject.stale_inode != 0 && stx->stx_ino == inject.stale_inode)
		stx->stx_size = inject.stale_size;
	if (result == 0 && inject.no_birth)
		stx->stx_mask &= ~(unsigned)STATX_BTIME;
	return result;
}

int
__wrap_fstatfs(int fd, struct statfs *fs)
{
	int result = __real_fstatfs(fd, fs);

	if (inject.is_network)
		fs->f_type = NFS_SUPER_MAGIC;
	return result;
}

int
__wrap_inotify_init1(int flags)
{
	if (!inject.no_inotify)
		return __real_inotify_init1(flags);
	inject.happened++;
	errno = EMFILE;
	return -1;
}

int
__wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	if (!inject.no_watches)
		return __real_inotify_add_watch(fd, path, mask);
	inject.happened++;
	errno = ENOSPC;
	return -1;
}

struct dirent *
__wrap_readdir(DIR *dir)
{
	struct dirent *entry = __real_readdir(dir);
	void (*then)(void) = inject.at_directory_end;

	if (entry == NULL && then != NULL) {
		inject.happened++;
		inject.at_directory_end = NULL;
		then();
		errno = 0; /* as it is at the end of a directory */
	}
	return entry;
}

static bool
is_out_of_memory(void)
{
	if (inject.alloc_fails == 0 || --inject.alloc_fails > 0)
		return false;
	inject.happened++;
	errno = ENOMEM;
	return true;
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return is_out_of_memory() ? NULL : __real_calloc(count, size);
}

void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return is_out_of_memory() ? NULL : __real_reallocarray(old, count, size);
}
