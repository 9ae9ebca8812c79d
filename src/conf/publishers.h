/* SPDX-License-Identifier: BSD-2-Clause */
/* The key publish: tables of databases that entries are published to beside the map. */
#ifndef CONF_PUBLISHERS_H
#define CONF_PUBLISHERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "conf/doc.h"
#include "core/level.h"

#define PUBLISHERS_MAX 8

struct publisher {
	char *sql;         /* "mariadb" or "postgresql" */
	char *login;       /* the login file; an absolute path */
	char *schema;      /* "mailcow" or "own" */
	char *map;         /* how smtp_tls_policy_maps names the table; "": it does not */
	enum level lowest; /* nothing weaker is written to this table */
};

/* Owned; publishers_clear(). Zero: none. */
struct publishers {
	struct publisher *items;
	size_t count;
};

/* The list at node, appended to *out; what is wrong in it is complained of. */
void publishers_read(struct doc *doc, const struct node *list, struct publishers *out);
void publishers_clear(struct publishers *publishers);

/* Its name in the database and in lock files' names, the same wherever it stands in the
 * list: "sql mariadb mailcow /etc/tlsladder/mariadb.cnf". */
#define PUBLISHER_PREFIX "sql "
void publisher_print_name(const struct publisher *publisher, struct buf *out);
/* Of a name: without map, and nothing is too weak. Owned, as an item of publishers.
 * False: it is none. */
bool publisher_parse_name(struct str name, struct publisher *out);

#endif
