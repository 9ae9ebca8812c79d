/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a key of the configuration can hold: one type a kind of value, each with what it
 * accepts and with the words that help who wrote something else.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct key;
struct doc;
struct node;

struct value_type {
	/*
	 * Put text into out, or say in why what is wrong, to stand behind the text: `is
	 * no time; write it like ...`. A list is set item by item.
	 */
	bool (*set)(const struct key *key, struct str text, void *out, struct buf *why);
	/* The other way round: as it would be written, of a list each item behind a
	 * blank. NULL: it has no short text. */
	void (*show)(const struct key *key, const void *in, struct buf *out);
	bool text;           /* out is a char *, with memory of its own */
	bool list;           /* out is a struct strings */
	bool no_alone;       /* of a list: a text is no list of one */
	const char *instead; /* of a text: what to do where a list is wanted; or NULL */

	/* Of a list whose items have keys, or of a mapping whose keys are not known, set
	 * NULL: read it into out, and free that. */
	bool map;
	void (*read)(struct doc *doc, const struct node *list, void *out);
	void (*clear)(void *out);
};

/* What another value means for what was decided under the old one. */
enum key_change {
	KEY_NEXT,   /* it counts from the next time on */
	KEY_JUDGES, /* all entries and alarms are due, and judged again by duty_judging */
};

struct key {
	const char *path; /* "ladder.may_after.time" */
	const struct value_type *type;
	size_t offset;       /* in struct config */
	const char *initial; /* as it would be written; of a list its only item */
	const char *words;   /* the ones to choose from, with blanks between */
	const char *none;    /* the word for an empty value or list; NULL: needs one */
	int64_t min;         /* of a number, or milliseconds */
	int64_t max;
	enum key_change change;
};

/* What the key takes, to stand behind a complaint: "; write it like ...". */
void value_add_help(const struct key *key, struct buf *out);

extern const struct value_type value_word;        /* char *, one of key.words */
extern const struct value_type value_second_word; /* bool: the second of key.words? */
extern const struct value_type value_level;       /* enum level, auto: unknown */
extern const struct value_type value_boolean;     /* bool */
extern const struct value_type value_span;        /* int64_t milliseconds */
extern const struct value_type value_number;      /* unsigned */
extern const struct value_type value_path;        /* char *, absolute */
extern const struct value_type value_map_path;    /* char *, one that main.cf can name */
extern const struct value_type value_table;       /* char *, TYPE:NAME as in main.cf */
extern const struct value_type value_mail;        /* char * */
extern const struct value_type value_program;     /* char *, as syslog names one */
extern const struct value_type value_logs;        /* absolute paths, or - */
extern const struct value_type value_paths;       /* absolute paths */
extern const struct value_type value_command;     /* words */
extern const struct value_type value_variables;   /* names of the environment's */
extern const struct value_type value_resolvers;   /* ADDRESS or ADDRESS@PORT */
extern const struct value_type value_networks;    /* ADDRESS or ADDRESS/BITS */
extern const struct value_type value_domains;     /* of mail: DOMAIN, .DOMAIN */
extern const struct value_type value_hosts;       /* HOST or HOST:PORT */
extern const struct value_type value_publishers;  /* struct publishers */
extern const struct value_type value_nodes;       /* struct nodes */

#endif
