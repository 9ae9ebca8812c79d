/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/nodes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define HOST_MAX  64 /* bytes: a queue id is stored behind it */
#define WORDS_MAX 64 /* of a command */
#define EXAMPLE   "write node1: {command: [ssh, node1]}"

static void
clear(struct node_setting *n)
{
	free(n->host);
	strings_clear(&n->command);
}

void
nodes_clear(struct nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++)
		clear(&nodes->items[i]);
	free(nodes->items);
	*nodes = (struct nodes){0};
}

/* What a log has behind the time: a host's name or address. */
static bool
is_host(struct str host)
{
	if (host.len == 0 || host.len > HOST_MAX)
		return false;
	for (size_t i = 0; i < host.len; i++)
		if (!ascii_is_alnum(host.p[i]) && strchr("-._:", host.p[i]) == NULL)
			return false;
	return true;
}

static void
add_word(struct doc *doc, const struct node *word, struct strings *command)
{
	if (word->kind == NODE_REFUSED)
		return;
	if (word->kind != NODE_TEXT || node_is_null(word) || word->text.len == 0) {
		doc_complain_value(doc, word, "nodes.command",
		    "in a list of words; put an item that begins with : or - in quotes");
		return;
	}
	strings_add(command, word->text);
}

static void
read_command(struct doc *doc, const struct node *node, struct strings *command)
{
	size_t count = 0;

	if (node->kind == NODE_REFUSED || node_is_null(node))
		return;
	if (node->kind != NODE_LIST) {
		doc_complain_value(
		    doc, node, "nodes.command", "is no list; write [WORD, WORD]");
		return;
	}
	for (const struct node *word = node->child; word != NULL; word = word->next) {
		if (count++ == WORDS_MAX) {
			doc_complain(
			    doc, word, "nodes.command: more than %d words", WORDS_MAX);
			return;
		}
		add_word(doc, word, command);
	}
}

static bool
is_twice(const struct nodes *all, struct str host)
{
	for (size_t i = 0; i < all->count; i++)
		if (str_equal_nocase(host, str_of(all->items[i].host)))
			return true;
	return false;
}

/* Two that are reached alike are one, and each message of it would wait at both. */
static void
check_command(struct doc *doc, const struct node *node, const struct nodes *all,
    const struct node_setting *new)
{
	for (size_t i = 0; i < all->count; i++)
		if (strings_equal(&all->items[i].command, &new->command))
			doc_complain(doc, node,
			    "nodes: %s and %s have the same command; give each its own, "
			    "or write `any` for one Postfix with several names",
			    all->items[i].host, new->host);
}

static void
read_node(struct doc *doc, const struct node *node, struct nodes *out)
{
	struct str host = node->key->text;
	const char *const known[] = {"command"};
	struct node_setting new = {0};

	if (!is_host(host)) {
		doc_complain_value(doc, node->key, "nodes",
		    "is no host as a log names it; write it as it stands behind the time "
		    "there, or any");
		return;
	}
	if (is_twice(out, host)) {
		doc_complain(doc, node->key,
		    "nodes: \"%.*s\" is listed twice; remove one", STR_ARG(host));
		return;
	}
	if (node->kind != NODE_MAP) {
		if (node->kind != NODE_REFUSED)
			doc_complain_value(
			    doc, node, "nodes", "where keys must stand; " EXAMPLE);
		return;
	}
	new.host = mem_strndup(host.p, host.len);
	for (char *p = new.host; *p != '\0'; p++)
		*p = ascii_lower(*p);
	for (const struct node *key = node->child; key != NULL; key = key->next) {
		if (str_is(key->key->text, known[0]))
			read_command(doc, key, &new.command);
		else
			doc_complain_unknown(doc, key->key, known, 1);
	}
	if (!doc_has_complaints(doc)) /* else it may have one that was refused */
		check_command(doc, node->key, out, &new);
	out->items = mem_array(out->items, out->count + 1, sizeof(*out->items));
	out->items[out->count++] = new;
}

void
nodes_read(struct doc *doc, const struct node *map, struct nodes *out)
{
	for (const struct node *node = map->child; node != NULL; node = node->next) {
		if (out->count == NODES_MAX) {
			doc_complain(doc, node->key, "nodes: more than %d", NODES_MAX);
			return;
		}
		read_node(doc, node, out);
	}
}
