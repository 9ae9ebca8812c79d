/* SPDX-License-Identifier: BSD-2-Clause */
/* The key nodes: several Postfix servers whose lines stand in one log. */
#ifndef CONF_NODES_H
#define CONF_NODES_H

#include <stddef.h>

#include "base/strings.h"
#include "conf/doc.h"

#define NODES_MAX 64 /* as a fold takes */

struct node_setting {
	char *host;             /* as the log names it, in small letters; or "any" */
	struct strings command; /* before every command that is run there */
};

/* Owned; nodes_clear(). Zero: none, which is one Postfix, of whatever name. */
struct nodes {
	struct node_setting *items;
	size_t count;
};

/* The mapping at node, into *out; what is wrong in it is complained of. */
void nodes_read(struct doc *doc, const struct node *map, struct nodes *out);
void nodes_clear(struct nodes *nodes);

#endif
