/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * News of files (inotify(7)), to shorten a wait. Nothing may depend on it: queues
 * overflow, network and overlay file systems stay silent, limits are reached. The caller
 * also checks the files now and then; watch_serves() tells how rarely is enough.
 */
#ifndef SYS_WATCH_H
#define SYS_WATCH_H

#include <stdbool.h>

#define WATCH_NONE (-1)

struct watch; /* opaque */

struct watch *watch_new(void); /* NULL: there is no inotify to be had */
void watch_free(struct watch *watch);
int watch_fd(const struct watch *watch); /* readable when there is news */

/* Watch names that come and go in a directory. WATCH_NONE: not possible. The same
 * directory gives the same number again, another one behind the same path another. */
int watch_add_directory(struct watch *watch, const char *path);

/* Watch an open file, whatever its name: written, cut, moved, unlinked. */
int watch_add_file(struct watch *watch, int fd);

void watch_remove(struct watch *watch, int id); /* WATCH_NONE: nothing */

/* Forget the news that is there. */
void watch_drain(struct watch *watch);

/*
 * Is fd on a file system where every change is seen here: a local one? Where it is not,
 * inotify may be silent, and sizes may be old ones (NFS).
 */
bool watch_serves(int fd);

#endif
