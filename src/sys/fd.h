/* SPDX-License-Identifier: BSD-2-Clause */
/* All that a descriptor gives, or takes, whatever signals come in between. */
#ifndef SYS_FD_H
#define SYS_FD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * Append all until its end to out. False: errno tells why, EFBIG where it is over max
 * octets; out then has a part of it.
 */
bool fd_read_all(int fd, size_t max, struct buf *out);

/* False: errno tells why; a part of text may be written. */
bool fd_write_all(int fd, struct str text);

#endif
