/* SPDX-License-Identifier: BSD-2-Clause */
/* Is there room where a file is? */
#ifndef SYS_DISK_H
#define SYS_DISK_H

#include <stdbool.h>

/*
 * Of the file system that the directory of path is on: no room for a batch of lines, or
 * for another file, as statvfs(3) has it for who is not root; a quota it does not see.
 * False as well where it cannot be told.
 */
bool disk_is_full(const char *path);

/* It cannot be written by anybody. */
bool disk_is_read_only(const char *path);

#endif
