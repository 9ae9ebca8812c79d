/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file that people write, as a tree whose nodes know their line and column, and the
 * complaints about it. conf/yaml makes the tree; config and rulefile walk it and say
 * where they stumbled. The tree lives until doc_close().
 */
#ifndef CONF_DOC_H
#define CONF_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum node_kind {
	NODE_TEXT,
	NODE_LIST,
	NODE_MAP,
	NODE_REFUSED, /* complained of already: no second complaint */
};

struct node {
	enum node_kind kind;
	bool plain;               /* a text without quotes */
	size_t line;              /* from 1 */
	size_t column;            /* from 1, in characters */
	struct str text;          /* of a text; without NULs, but one behind it */
	const struct node *key;   /* of a member of a mapping: its key, a text */
	const struct node *child; /* the first of a list or mapping */
	const struct node *next;
};

struct doc; /* opaque */

/* An empty document without complaints. */
struct doc *doc_new(const char *name);

/* What it was called; borrowed. */
const char *doc_name(const struct doc *doc);

/* NULL: an empty document, or one that could not be read. */
const struct node *doc_root(const struct doc *doc);
bool doc_has_complaints(const struct doc *doc);

/* For the maker of the tree (conf/yaml). The node is the document's; root may be NULL. */
struct node *doc_add_node(
    struct doc *doc, enum node_kind kind, size_t line, size_t column);
size_t doc_node_count(const struct doc *doc);
void doc_set_root(struct doc *doc, const struct node *root);

/* A complaint about the place of node; NULL: about the file as a whole. */
void doc_complain(struct doc *doc, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void doc_complain_at(struct doc *doc, size_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* `key: "value" why`, at the value, or at its key where there is no value. */
void doc_complain_value(
    struct doc *doc, const struct node *value, const char *key, const char *why);

/* Is it one of the known keys and a value, without the blank between: "file:/x"? *len: of
 * the key, with its colon. */
bool doc_misses_blank(
    struct str text, const char *const *known, size_t count, size_t *len);

/* `unknown key "fiel"; did you mean "file"?`, or which keys are known. */
void doc_complain_unknown(
    struct doc *doc, const struct node *key, const char *const *known, size_t count);

/* Free it. Its complaints are appended to errs, ordered by place; true: there are none.
 */
bool doc_close(struct doc *doc, struct errs *errs);

/* No value, written as nothing, ~ or null. */
bool node_is_null(const struct node *node);

/* The member of a mapping with that key, or NULL. */
const struct node *node_find(const struct node *map, const char *key);

/* What stands there, for a complaint: `"5"` (cut if long), `a list`, `no value`. */
void node_describe(const struct node *node, struct buf *out);

#endif
