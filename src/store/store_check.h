/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is a database whole? And the way out where it is not. Malformed is what will never heal
 * by itself: pages or a header that are not SQLite's, tables that are gone. A full disk,
 * a lock, a file system that is read-only, what may not be read: none of these.
 */
#ifndef STORE_STORE_CHECK_H
#define STORE_STORE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/answer.h"
#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"

/*
 * PRAGMA quick_check of the database at path, by a connection of its own, and every
 * statement of ours compiled. YES: it is whole, or not there. NO: it is malformed, and
 * why says how. UNSURE: it could not be checked, or is no database of ours, for why.
 * Takes some seconds for a million destinations; changes nothing.
 */
enum answer store_check(const char *path, struct err *why);

/* Does the file of an open database still begin as one? Quick: SQLite has its own copy of
 * that, and would not see it. */
bool store_has_head(const struct store *store);

/*
 * Set the malformed database at path aside, with its -wal, under the name that is
 * appended to name: path.damaged-20261124T071201Z. now_s: seconds since the epoch. False:
 * it is where it was.
 */
bool store_set_aside(const char *path, int64_t now_s, struct buf *name, struct err *err);

/* store_blob_get() of a database that may be malformed. False: it cannot be read, or is
 * not there. */
bool store_salvage_blob(const char *path, const char *name, struct buf *out);

#endif
