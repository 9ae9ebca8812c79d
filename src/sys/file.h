/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole files: read with a limit, or written beside the old one, synced, renamed over. */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Append the whole of path to out. False: not readable, or over max octets. */
bool file_read(const char *path, size_t max, struct buf *out, struct err *err);

/*
 * Write text to path (created or truncated, mode 0644), fsync it. Not atomic: for a
 * file that nobody reads yet.
 */
bool file_write(const char *path, struct str text, struct err *err);

/* rename(from, to), then fsync the directory of to. */
bool file_replace(const char *from, const char *to, struct err *err);

/* An exclusive lock on path (created if need be), waiting up to timeout_ms. -1: not had. */
int file_lock(const char *path, int64_t timeout_ms, struct err *err);
void file_unlock(int fd);

#endif
