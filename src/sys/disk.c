/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/disk.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "sys/file.h"

#define ROOM_MIN UINT64_C(65536) /* what SQLite makes beside a database alone is half */

static bool
ask(const char *path, struct statvfs *fs)
{
	char *directory = file_directory(path);
	bool done = statvfs(directory, fs) == 0;

	free(directory);
	return done;
}

/* Some file systems have as many files as they have room for, and count none. */
bool
disk_is_full(const char *path)
{
	struct statvfs fs;

	return ask(path, &fs) &&
	    ((uint64_t)fs.f_bavail * fs.f_frsize < ROOM_MIN ||
	        (fs.f_files > 0 && fs.f_favail == 0));
}

bool
disk_is_read_only(const char *path)
{
	struct statvfs fs;

	return ask(path, &fs) && (fs.f_flag & ST_RDONLY) != 0;
}
