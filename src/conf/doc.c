/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/doc.h"

#include <stdlib.h>

#include "base/like.h"
#include "base/mem.h"

#define COMPLAINTS_MAX 50 /* more are no help, and hostile text has thousands */
#define SHOWN_MAX      60 /* octets of a value that are repeated in a complaint */

struct complaint {
	size_t line;
	size_t column;
	char *text;
};

struct doc {
	char *name;
	const struct node *root;
	struct node **nodes; /* all of them, to free them */
	size_t count;
	size_t size;
	struct complaint complaints[COMPLAINTS_MAX];
	size_t complaint_count;
	bool too_many;
};

struct doc *
doc_new(const char *name)
{
	struct doc *doc = mem_new(1, sizeof(*doc));

	doc->name = mem_strdup(name);
	return doc;
}

const char *
doc_name(const struct doc *doc)
{
	return doc->name;
}

const struct node *
doc_root(const struct doc *doc)
{
	return doc->root;
}

bool
doc_has_complaints(const struct doc *doc)
{
	return doc->complaint_count > 0;
}

struct node *
doc_add_node(struct doc *doc, enum node_kind kind, size_t line, size_t column)
{
	struct node *node = mem_new(1, sizeof(*node));

	if (doc->count == doc->size) {
		doc->size = doc->size > 0 ? 2 * doc->size : 64;
		doc->nodes = mem_array(doc->nodes, doc->size, sizeof(*doc->nodes));
	}
	doc->nodes[doc->count++] = node;
	node->kind = kind;
	node->line = line;
	node->column = column;
	return node;
}

size_t
doc_node_count(const struct doc *doc)
{
	return doc->count;
}

void
doc_set_root(struct doc *doc, const struct node *root)
{
	doc->root = root;
}

__attribute__((format(printf, 4, 0))) static void
complain_va(struct doc *doc, size_t line, size_t column, const char *format, va_list ap)
{
	struct buf text = {0};

	if (doc->complaint_count == COMPLAINTS_MAX) {
		doc->too_many = true;
		return;
	}
	buf_vprintf(&text, format, ap);
	doc->complaints[doc->complaint_count++] =
	    (struct complaint){.line = line, .column = column, .text = buf_take(&text)};
}

void
doc_complain_at(struct doc *doc, size_t line, size_t column, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	complain_va(doc, line, column, format, ap);
	va_end(ap);
}

void
doc_complain(struct doc *doc, const struct node *node, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	complain_va(doc, node != NULL ? node->line : 0, node != NULL ? node->column : 0,
	    format, ap);
	va_end(ap);
}

bool
node_is_null(const struct node *node)
{
	struct str text = node->text;

	if (node->kind != NODE_TEXT || !node->plain)
		return false;
	return text.len == 0 || str_is(text, "~") || str_is(text, "null");
}

const struct node *
node_find(const struct node *map, const char *key)
{
	const struct node *node = map->kind == NODE_MAP ? map->child : NULL;

	while (node != NULL && !str_is(node->key->text, key))
		node = node->next;
	return node;
}

void
node_describe(const struct node *node, struct buf *out)
{
	struct str text = node->text;

	if (node->kind != NODE_TEXT) {
		buf_printf(out, node->kind == NODE_LIST ? "a list" : "a mapping");
		return;
	}
	if (node_is_null(node)) {
		buf_printf(out, "no value");
		return;
	}
	if (text.len > SHOWN_MAX)
		text.len = SHOWN_MAX;
	buf_add_char(out, '"');
	buf_add_visible(out, text);
	buf_printf(out, text.len < node->text.len ? "...\"" : "\"");
}

void
doc_complain_value(
    struct doc *doc, const struct node *value, const char *key, const char *why)
{
	bool at_key = node_is_null(value) && value->key != NULL;
	struct buf shown = {0};

	node_describe(value, &shown);
	doc_complain(
	    doc, at_key ? value->key : value, "%s: %s %s", key, buf_text(&shown), why);
	buf_clear(&shown);
}

bool
doc_misses_blank(struct str text, const char *const *known, size_t count, size_t *len)
{
	struct str name;

	if (!str_cut(&text, ':', &name))
		return false;
	for (size_t i = 0; i < count; i++)
		if (str_is(name, known[i])) {
			*len = name.len + 1;
			return true;
		}
	return false;
}

void
doc_complain_unknown(
    struct doc *doc, const struct node *key, const char *const *known, size_t count)
{
	const char *like = like_nearest(key->text, known, count);
	struct buf text = {0};
	size_t len;

	buf_printf(&text, "unknown key ");
	node_describe(key, &text);
	if (doc_misses_blank(key->text, known, count, &len)) {
		buf_printf(&text, "; put a blank behind \"%.*s\"", (int)len, key->text.p);
	} else if (like != NULL) {
		buf_printf(&text, "; did you mean \"%s\"?", like);
	} else {
		buf_printf(&text, "; known here: ");
		for (size_t i = 0; i < count; i++)
			buf_printf(&text, "%s%s", i > 0 ? ", " : "", known[i]);
	}
	doc_complain(doc, key, "%s", buf_text(&text));
	buf_clear(&text);
}

static bool
stands_before(const struct complaint *a, const struct complaint *b)
{
	return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* Insertion sort: few, almost sorted, and equal places keep their order. */
static void
sort_complaints(struct complaint *list, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct complaint c = list[i];
		size_t j = i;

		while (j > 0 && stands_before(&c, &list[j - 1])) {
			list[j] = list[j - 1];
			j--;
		}
		list[j] = c;
	}
}

bool
doc_close(struct doc *doc, struct errs *errs)
{
	bool good = doc->complaint_count == 0;

	sort_complaints(doc->complaints, doc->complaint_count);
	for (size_t i = 0; i < doc->complaint_count; i++) {
		const struct complaint *c = &doc->complaints[i];

		errs_add(errs, doc->name, c->line, c->column, "%s", c->text);
		free(c->text);
	}
	if (doc->too_many)
		errs_add(errs, doc->name, 0, 0,
		    "more than %d complaints; mend these, and the rest is shown",
		    COMPLAINTS_MAX);
	for (size_t i = 0; i < doc->count; i++) {
		free((char *)doc->nodes[i]->text.p);
		free(doc->nodes[i]);
	}
	free(doc->nodes);
	free(doc->name);
	free(doc);
	return good;
}
