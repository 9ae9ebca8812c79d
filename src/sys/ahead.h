/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file read ahead, by a thread, while what was read before is made use of: reading
 * alone is a third of the work on a large log. One user; the descriptor stays theirs and
 * must stay open.
 */
#ifndef SYS_AHEAD_H
#define SYS_AHEAD_H

#include <stddef.h>
#include <sys/types.h>

struct ahead; /* opaque */

/*
 * Read fd from where it stands, size bytes at a time. Each buffer has space in front of
 * what is read, and a byte behind it. NULL: no thread or memory can be had.
 */
struct ahead *ahead_new(int fd, size_t space, size_t size);
void ahead_free(struct ahead *ahead);

/*
 * Waits for the next read and returns the buffer, whose first `space` bytes are the
 * user's; *len bytes follow. *len is 0 at the end, -1 with *errnum set on failure; then
 * it must not be called again. A buffer stays as it is until the call after the next.
 */
char *ahead_next(struct ahead *ahead, ssize_t *len, int *errnum);

#endif
