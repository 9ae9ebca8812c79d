/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of the policy map, for the files textmap*.c alone. */
#ifndef PUBLISH_TEXTMAP_IMPL_H
#define PUBLISH_TEXTMAP_IMPL_H

#include "publish/textmap.h"

#define TEXTMAP_NEW  ".new"  /* beside the live files: a text with its database */
#define TEXTMAP_TEXT ".text" /* a text alone */

/*
 * How a few entries come and go in a large database. LMDB does each at once or not at
 * all, for readers of the live file as well; what Berkeley DB leaves of a file where it
 * is stopped no reader may meet, so it is at work in a copy.
 */
enum map_update {
	MAP_UPDATE_NONE, /* it is built anew */
	MAP_UPDATE_LIVE,
	MAP_UPDATE_COPY,
};

/*
 * What postmap(1) adds to the name of the text (NULL: it makes no file of its own), and
 * how it names that file while it is at work: Berkeley DB puts something before its name,
 * cdb behind it.
 */
struct map_type {
	const char *name;
	const char *suffix;
	const char *work_prefix;
	const char *work_suffix;
	bool is_looked_up;
	enum map_update update;
};

/* The files of one publication. */
struct edition {
	const struct postfix *postfix;
	const struct map_type *type;
	const char *live_text;
	char *text;          /* beside the live ones */
	char *live_database; /* NULL: the type has none */
	char *database;
	char *work; /* what postmap leaves of the database where it is stopped */
	char *map;  /* "type:text" */
	char *live_map;
};

/* NULL: no such type. */
const struct map_type *textmap_find_type(const char *name);

/* postfix and type are set. suffix: of the files beside the live ones. */
void edition_init(struct edition *edition, const char *path, const char *suffix);
void edition_clear(struct edition *edition);
void edition_remove(const struct edition *edition); /* what is beside the live files */

/* The text beside the live one, synced. */
bool edition_write_text(const struct edition *edition, const struct map_source *source,
    int64_t written_s, struct err *err);

/* textmap_verify.c: is all of the text beside in the database beside? */
bool edition_verify(const struct edition *edition, struct err *err);

bool textmap_is_ascii(const char *text);

/* May the two stand in a line of the map? */
bool textmap_is_entry(const struct map_entry *entry);

#endif
