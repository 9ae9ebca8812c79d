/* SPDX-License-Identifier: BSD-2-Clause */
/* What it is that a database fails by: what mends one is the loss of another. */
#ifndef STORE_STORE_TROUBLE_H
#define STORE_STORE_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum store_trouble {
	STORE_FINE,
	STORE_DENIED,    /* may not be read or written by us */
	STORE_FULL,      /* there is no room on the disk */
	STORE_READ_ONLY, /* the file system is */
	STORE_LOCKED,    /* another process holds it */
	STORE_NEWER,     /* of a newer version of this program */
	STORE_FOREIGN,   /* another program's, or no database */
	STORE_MALFORMED, /* see store/store_check.h, which tells it from a foreign one */
	STORE_BROKEN,    /* the system refuses it: why says with which words */
};

/* Opens the database at path, and asks for its lock: what a writer would meet. One that
 * is not there is made. why is set where it is not fine. busy_ms: as of store_open(). */
enum store_trouble store_trouble(const char *path, int64_t busy_ms, struct err *why);

/* Will it end without anybody who touches the database: room, a lock, a remount? */
bool store_trouble_passes(enum store_trouble trouble);

#endif
