/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy map: text and database built beside the live ones, checked with
 * postmap -q, synced and renamed over. Blocks; belongs into a worker or a command.
 * Two at once for one path would meet in the files beside it: the caller holds a lock.
 */
#ifndef PUBLISH_TEXTMAP_H
#define PUBLISH_TEXTMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "postfix/postfix.h"

/* A line of the map. Texts are borrowed. */
struct map_entry {
	const char *key;   /* as struct nexthop.key */
	const char *value; /* "encrypt", "secure match=..." */
	const char *why;   /* slug and sentence for the comment line above it */
};

/* Takes one. False: err says why no more is wanted. */
typedef bool map_entry_fn(void *taker, const struct map_entry *entry, struct err *err);

/* Where the entries come from, however many: each() calls take for one after the other.
 */
struct map_source {
	size_t count; /* for the header */
	bool lags;    /* the text may fall behind its database, and its header says so */
	bool (*each)(void *context, map_entry_fn *take, void *taker, struct err *err);
	void *context;
};

/* Can this map type be written? hash, btree, cdb, lmdb, texthash, none. */
bool textmap_is_type(const char *type);

/*
 * May the key stand in a map? Not where a line of text could not hold it, and not where
 * Postfix would fold it into another domain's: it stores "ss" for a sharp s and a plain
 * sigma for a final one, which IDNA2008 tells apart. An entry for one would then be one
 * for the other.
 */
bool textmap_is_key(const char *key);

/* The text of the map: header comment, and each entry with its why. written_s: seconds
 * since the epoch. */
void textmap_print_head(size_t count, int64_t written_s, struct buf *out);
void textmap_print_entry(const struct map_entry *entry, struct buf *out);

/*
 * Put it in place at path with its database of type. Every entry is looked up in the new
 * database before it goes live. False: no reader sees anything new, and err says why (or
 * the very last steps failed: the new database is live, the text beside it old or not
 * synced). Spellings of a key that Postfix holds for one, as they differ in the case of
 * letters beyond ASCII, get the value of the first. As root, the files get the owner of
 * their directory.
 */
bool textmap_publish(const struct postfix *postfix, const char *path, const char *type,
    const struct map_source *source, int64_t written_s, struct err *err);

/*
 * Make changes in the database (value NULL: the key goes), in the live one of lmdb and in
 * a copy of it that is renamed over it otherwise. As safe for readers as building it
 * anew: each entry is there or not. As fast for a large map as for a small one, but for
 * the time that a copy takes. The text stays as it is, older than the database. False:
 * some of the changes may be live; textmap_publish() puts everything right.
 */
bool textmap_update(const struct postfix *postfix, const char *path, const char *type,
    const struct map_entry *changes, size_t count, struct err *err);

/* Can it be updated? Not all types can, and not all keys: of two that Postfix holds for
 * one, textmap_publish() keeps the first. */
bool textmap_can_update(const char *type, const struct map_entry *changes, size_t count);

/*
 * May the map stand at path, where none of ours stood before? Not if the administrator's
 * own table is there, or a device: a slip in map.file must not be its end.
 */
bool textmap_may_replace(const char *path, struct err *err);

/*
 * The first line of the text: "HEADN entries, written by tlsladder at TIME". Without a
 * number, as people write it who accept a text that was damaged, what the text has is all
 * there is.
 */
#define TEXTMAP_HEAD       "# TLS policy of Postfix, "
#define TEXTMAP_FIRST_LINE TEXTMAP_HEAD "written by tlsladder "

/* Does the first line of the text say that we wrote it? */
bool textmap_is_ours(const char *path);

/*
 * Identifies the file that Postfix reads, to detect that another program wrote to it: its
 * path, inode, size and time, as text, with blanks between them. Empty: there is none.
 */
void textmap_mark(const char *path, const char *type, struct buf *out);

/*
 * The text of a database that was updated, in two steps, so that the long one needs no
 * lock. textmap_write_text() writes it beside the live one and dates it with when, which
 * textmap_time() gave while the database was as source has it: where that changed since,
 * the text is the older one. textmap_put_text() puts it in place, textmap_drop_text()
 * removes it. Of two writers at once one fails or loses its text.
 */
bool textmap_time(
    const char *path, const char *type, struct timespec *when, struct err *err);
bool textmap_write_text(const char *path, const char *type,
    const struct map_source *source, int64_t written_s, struct timespec when,
    struct err *err);
bool textmap_put_text(const char *path, struct err *err);
void textmap_drop_text(const char *path);

/* The file that postmap(1) makes of the text at path; "" for a type without one. */
void textmap_print_database(const char *path, const char *type, struct buf *out);

/* Is there a text at path? */
bool textmap_is_there(const char *path);

/* Is the database at path there and built? For start-up and doctor. */
bool textmap_exists(const char *path, const char *type);

#endif
