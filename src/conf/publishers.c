/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/publishers.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/value.h"

#define AT(member) offsetof(struct publisher, member)

static const struct key keys[] = {
    {"sql", &value_word, AT(sql), .words = "mariadb postgresql"},
    {"login", &value_path, AT(login), .initial = NULL},
    {"schema", &value_word, AT(schema), .words = "mailcow own"},
    {"map", &value_table, AT(map), .none = ""},
    {"lowest", &value_level, AT(lowest), .words = "may encrypt verify"},
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static void
clear(struct publisher *p)
{
	free(p->sql);
	free(p->login);
	free(p->schema);
	free(p->map);
	*p = (struct publisher){0};
}

void
publishers_clear(struct publishers *publishers)
{
	for (size_t i = 0; i < publishers->count; i++)
		clear(&publishers->items[i]);
	free(publishers->items);
	*publishers = (struct publishers){0};
}

void
publisher_print_name(const struct publisher *p, struct buf *out)
{
	buf_printf(out, PUBLISHER_PREFIX "%s %s %s", p->sql, p->schema, p->login);
}

bool
publisher_parse_name(struct str name, struct publisher *out)
{
	struct str sql, schema;

	if (!str_eat(&name, STR(PUBLISHER_PREFIX)) || !str_cut(&name, ' ', &sql) ||
	    !str_cut(&name, ' ', &schema) || name.len == 0)
		return false;
	*out = (struct publisher){
	    .sql = mem_strndup(sql.p, sql.len),
	    .schema = mem_strndup(schema.p, schema.len),
	    .login = mem_strndup(name.p, name.len),
	    .map = mem_strdup(""),
	    .lowest = LEVEL_MAY,
	};
	return true;
}

static const struct key *
find(struct str name)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (str_is(name, keys[i].path))
			return &keys[i];
	return NULL;
}

static void
complain_unknown(struct doc *doc, const struct node *node)
{
	const char *known[KEY_COUNT];

	for (size_t i = 0; i < KEY_COUNT; i++)
		known[i] = keys[i].path;
	doc_complain_unknown(doc, node->key, known, KEY_COUNT);
}

static void
read_value(struct doc *doc, const struct key *key, const struct node *node,
    struct publisher *out)
{
	struct buf path = {0}, why = {0};
	bool none = key->none != NULL &&
	    (node_is_null(node) ||
	        (node->kind == NODE_TEXT && str_is(node->text, key->none)));

	buf_printf(&path, "publish.%s", key->path);
	if (node->kind == NODE_REFUSED || none) {
		;
	} else if (node_is_null(node)) {
		doc_complain(doc, node->key, "%s: no value", buf_text(&path));
	} else if (node->kind != NODE_TEXT) {
		buf_printf(&why, "where a single word must be");
		value_add_help(key, &why);
		doc_complain_value(doc, node, buf_text(&path), buf_text(&why));
	} else if (!key->type->set(key, node->text, (char *)out + key->offset, &why)) {
		doc_complain_value(doc, node, buf_text(&path), buf_text(&why));
	}
	buf_clear(&path);
	buf_clear(&why);
}

/* What has no default; a value that was refused was there. */
static void
complain_missing(struct doc *doc, const struct node *item)
{
	static const char *const needed[] = {"sql", "login", "schema"};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (node_find(item, needed[i]) == NULL)
			doc_complain(
			    doc, item, "publish: an item without \"%s:\"", needed[i]);
}

/* mailcow is MariaDB's; and two that write to one table would undo each other. */
static void
check(struct doc *doc, const struct node *item, const struct publishers *all,
    const struct publisher *p)
{
	if (p->sql == NULL || p->login == NULL || p->schema == NULL)
		return;
	if (strcmp(p->schema, "mailcow") == 0 && strcmp(p->sql, "mariadb") != 0)
		doc_complain(doc, node_find(item, "schema"),
		    "publish.schema: mailcow has its table in mariadb; write own");
	for (size_t i = 0; i < all->count; i++)
		if (all->items[i].sql != NULL && all->items[i].login != NULL &&
		    strcmp(all->items[i].sql, p->sql) == 0 &&
		    strcmp(all->items[i].login, p->login) == 0)
			doc_complain(doc, node_find(item, "login"),
			    "publish.login: \"%s\" is listed twice; remove one",
			    p->login);
}

static void
read_item(struct doc *doc, const struct node *item, struct publishers *out)
{
	struct publisher p = {.lowest = LEVEL_UNKNOWN};

	for (const struct node *node = item->child; node != NULL; node = node->next) {
		const struct key *key = find(node->key->text);

		if (key != NULL)
			read_value(doc, key, node, &p);
		else
			complain_unknown(doc, node);
	}
	complain_missing(doc, item);
	check(doc, item, out, &p);
	if (p.map == NULL)
		p.map = mem_strdup("");
	/* Users of mailcow who enforce TLS get their mail sent in cleartext by `may`. */
	if (p.lowest == LEVEL_UNKNOWN)
		p.lowest = p.schema != NULL && strcmp(p.schema, "mailcow") == 0
		    ? LEVEL_ENCRYPT
		    : LEVEL_MAY;
	out->items = mem_array(out->items, out->count + 1, sizeof(*out->items));
	out->items[out->count++] = p;
}

void
publishers_read(struct doc *doc, const struct node *list, struct publishers *out)
{
	for (const struct node *item = list->child; item != NULL; item = item->next) {
		if (item->kind == NODE_REFUSED)
			continue;
		if (out->count == PUBLISHERS_MAX) {
			doc_complain(
			    doc, item, "publish: more than %d items", PUBLISHERS_MAX);
			return;
		}
		if (item->kind == NODE_MAP)
			read_item(doc, item, out);
		else
			doc_complain_value(doc, item, "publish",
			    "where keys must stand; write - {sql: mariadb, login: FILE, "
			    "schema: own}");
	}
}
