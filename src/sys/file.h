/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole files: read with a limit, or written beside the old one, synced, renamed over. */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Append the whole of path to out. False: not readable, or over max octets; out is then
 * as it was.
 */
bool file_read(const char *path, size_t max, struct buf *out, struct err *err);

/* The same, of nothing but a regular file: a FIFO would keep whoever opens it waiting. */
bool file_read_regular(const char *path, size_t max, struct buf *out, struct err *err);

/*
 * Make an empty file of that mode, whatever the umask; one that is there stays as it is.
 * What root makes belongs to the owner of the directory, who must be able to replace it.
 */
bool file_make(const char *path, unsigned mode, struct err *err);

/*
 * Write text to path, which is made anew as file_make() does, with mode 0644, and fsync
 * it. Not atomic: for a file that is not read yet. What was there, whatever it is, is
 * unlinked, not opened. False: there is no file of ours at path, so that a full disk gets
 * its space back.
 */
bool file_write(const char *path, struct str text, struct err *err);

/*
 * The same in pieces: a descriptor (-1: not created), all of each piece, and the end of
 * it, which fsyncs and closes. Where a piece fails, close(2) and unlink(2) are the
 * caller's.
 */
int file_create(const char *path, struct err *err);
bool file_append(int fd, const char *path, struct str text, struct err *err);
bool file_finish(int fd, const char *path, struct err *err);

/* All bytes of from into to, which is made anew as by file_create(); not synced. */
bool file_copy(const char *from, const char *to, struct err *err);

/* fsync what another program wrote there. */
bool file_sync(const char *path, struct err *err);

/* rename(from, to), then fsync the directory of to. */
bool file_replace(const char *from, const char *to, struct err *err);

/*
 * Write text beside path and put it there: who reads it sees the old one or the new one.
 * False: path is as it was, and nothing lies beside it. What is there and no regular file
 * is refused.
 */
#define FILE_BESIDE ".new"
bool file_write_over(const char *path, struct str text, struct err *err);

/* The directory that path is in, "." where it names none; to be freed. */
char *file_directory(const char *path);

/* fsync the directory that path is in. */
bool file_sync_directory(const char *path, struct err *err);

#define FILE_LOCKED (-2)

/*
 * An exclusive lock on path (created if need be), waiting up to timeout_ms. Negative: not
 * had; FILE_LOCKED: another holder has it. It holds between threads too, and goes with
 * the process.
 */
int file_lock(const char *path, int64_t timeout_ms, struct err *err);
void file_unlock(int fd);

#endif
