/* SPDX-License-Identifier: BSD-2-Clause */
/* The only user of zlib: a gzip file, of one or more members, read from its start. */
#ifndef LOGS_GZIP_H
#define LOGS_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define GZIP_FIRST_MAX 4096

struct gzip; /* opaque */

/* Do these first bytes of a file say that it is a gzip file? */
bool gzip_is(struct str first);

/*
 * Decompress what read(2) gives of fd (which stays the caller's), after `first`, at most
 * GZIP_FIRST_MAX bytes that were read from it before.
 */
struct gzip *gzip_new(int fd, struct str first);
void gzip_free(struct gzip *gzip);

/*
 * Up to size bytes. 0: the end, checksum and length were right. -1: damaged, cut or
 * unreadable, for good; what could be decompressed was handed out before.
 */
ptrdiff_t gzip_read(struct gzip *gzip, char *out, size_t size, struct err *err);

/* Compressed bytes used so far, for a progress display. */
uint64_t gzip_used(const struct gzip *gzip);

#endif
