/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/yaml.h"

#include <yaml.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/file.h"

#define DIRECTIVES_MAX 16

/* Makes a tree of libyaml's events. */
struct builder {
	struct doc *doc;
	struct str source;
	yaml_parser_t parser;
};

static struct node *
add_node(struct doc *doc, enum node_kind kind, const yaml_event_t *event)
{
	return doc_add_node(
	    doc, kind, event->start_mark.line + 1, event->start_mark.column + 1);
}

/* libyaml's words where they can be replaced by what a postmaster should do. */
static const struct {
	const char *problem;
	const char *ours;
} problems[] = {
    {"mapping values are not allowed in this context",
        "a \":\" where no key can be; check the indentation and the blank behind each "
        "\":\", or put the text in quotes"},
    {"block sequence entries are not allowed in this context",
        "a \"-\" where no list can begin; begin it on a line of its own, and put a "
        "single - in quotes"},
    {"could not find expected ':'",
        "a key without \":\"; write KEY: VALUE, and check the indentation"},
    {"did not find expected key",
        "no key where one must be; check the indentation and the quotes"},
    {"did not find expected ',' or '}'", "a \",\" or \"}\" is missing"},
    {"did not find expected ',' or ']'", "a \",\" or \"]\" is missing"},
    {"did not find expected node content",
        "no value where one must be; put a text that begins with : or - in quotes"},
    {"did not find expected <document start>",
        "nothing may stand behind the end of the document"},
    {"found unexpected end of stream", "a quote is opened here and never closed"},
    {"found character that cannot start any token",
        "no value can begin with this; indent with blanks, not tabs, and put a text "
        "that begins with @, % or ` in quotes"},
    {"found unknown escape character",
        "a \"\\\" that is none of YAML's in double quotes; use single quotes, in which "
        "patterns stand as they are"},
    {"control characters are not allowed", "a control character; remove it"},
    {"invalid leading UTF-8 octet", "no UTF-8 text; save the file as UTF-8"},
    {"invalid trailing UTF-8 octet", "no UTF-8 text; save the file as UTF-8"},
    {"incomplete UTF-8 octet sequence", "no UTF-8 text; save the file as UTF-8"},
};

/* Where an octet of the source stands; libyaml's reader knows the offset alone. */
static void
locate(struct str source, size_t offset, size_t *line, size_t *column)
{
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < offset && i < source.len; i++) {
		if (source.p[i] == '\n') {
			(*line)++;
			*column = 1;
		} else if (((unsigned char)source.p[i] & 0xc0) != 0x80) {
			(*column)++;
		}
	}
}

static void
complain_syntax(struct builder *b)
{
	const yaml_parser_t *parser = &b->parser;
	const char *problem = parser->problem != NULL ? parser->problem : "out of memory";
	size_t line = parser->problem_mark.line + 1;
	size_t column = parser->problem_mark.column + 1;

	if (parser->error == YAML_READER_ERROR)
		locate(b->source, parser->problem_offset, &line, &column);
	/* The end of the file is no help: the quote that was opened is. */
	if (strcmp(problem, "found unexpected end of stream") == 0) {
		line = parser->context_mark.line + 1;
		column = parser->context_mark.column + 1;
	}
	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
		if (strcmp(problem, problems[i].problem) == 0) {
			doc_complain_at(b->doc, line, column, "%s", problems[i].ours);
			return;
		}
	}
	doc_complain_at(b->doc, line, column,
	    "no valid YAML: %s; what in it means nothing to YAML belongs in single "
	    "quotes",
	    problem);
}

static bool
next_event(struct builder *b, yaml_event_t *event)
{
	if (yaml_parser_parse(&b->parser, event) != 0)
		return true;
	complain_syntax(b);
	return false;
}

static struct node *build(struct builder *b, const yaml_event_t *event, size_t depth);

static void
refuse_ornaments(
    struct doc *doc, const struct node *node, const void *anchor, const void *tag)
{
	if (anchor != NULL)
		doc_complain(doc, node, "anchors (&) are not used here; remove it");
	if (tag != NULL)
		doc_complain(doc, node, "tags (!) are not used here; remove it");
}

static struct node *
build_text(struct builder *b, const yaml_event_t *event)
{
	struct node *node = add_node(b->doc, NODE_TEXT, event);
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;

	refuse_ornaments(b->doc, node, event->data.scalar.anchor, event->data.scalar.tag);
	if (memchr(text, '\0', len) != NULL) {
		doc_complain(b->doc, node, "a text with a NUL character; remove it");
		node->kind = NODE_REFUSED;
		return node;
	}
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = (struct str){mem_strndup(text, len), len};
	return node;
}

static struct node *
build_list(struct builder *b, const yaml_event_t *event, size_t depth)
{
	struct node *list = add_node(b->doc, NODE_LIST, event);
	const struct node **end = &list->child;
	yaml_event_t item;

	refuse_ornaments(b->doc, list, event->data.sequence_start.anchor,
	    event->data.sequence_start.tag);
	while (next_event(b, &item)) {
		struct node *node = NULL;
		bool over = item.type == YAML_SEQUENCE_END_EVENT;

		if (!over)
			node = build(b, &item, depth + 1);
		yaml_event_delete(&item);
		if (over)
			return list;
		if (node == NULL)
			return NULL;
		*end = node;
		end = &node->next;
	}
	return NULL;
}

/* May this key begin a member of map? If not, it was complained of. */
static bool
accept_key(struct doc *doc, const struct node *map, const struct node *key)
{
	struct buf shown = {0};
	const struct node *other;

	if (key->kind == NODE_REFUSED)
		return false;
	if (key->kind != NODE_TEXT) {
		doc_complain(
		    doc, key, "a key must be a single word; write it like file: VALUE");
		return false;
	}
	other = node_find(map, key->text.p);
	if (other == NULL)
		return true;
	node_describe(key, &shown);
	doc_complain(doc, key, "key %s stands here twice, first in line %zu; remove one",
	    buf_text(&shown), other->key->line);
	buf_clear(&shown);
	return false;
}

/* The value behind a key. NULL: the document ends here. */
static struct node *
build_value(struct builder *b, size_t depth)
{
	struct node *value;
	yaml_event_t event;

	if (!next_event(b, &event))
		return NULL;
	value = build(b, &event, depth);
	yaml_event_delete(&event);
	return value;
}

static struct node *
build_map(struct builder *b, const yaml_event_t *event, size_t depth)
{
	struct node *map = add_node(b->doc, NODE_MAP, event);
	const struct node **end = &map->child;
	size_t keys = 0;
	yaml_event_t item;

	refuse_ornaments(
	    b->doc, map, event->data.mapping_start.anchor, event->data.mapping_start.tag);
	while (next_event(b, &item)) {
		struct node *key = NULL, *value = NULL;
		bool over = item.type == YAML_MAPPING_END_EVENT;

		if (!over)
			key = build(b, &item, depth + 1);
		yaml_event_delete(&item);
		if (over)
			return map;
		if (key != NULL)
			value = build_value(b, depth + 1);
		if (value == NULL)
			return NULL;
		if (keys++ == YAML_KEYS_MAX) {
			doc_complain(b->doc, key,
			    "more than %d keys in one mapping; leave some out",
			    YAML_KEYS_MAX);
			return NULL;
		}
		if (!accept_key(b->doc, map, key))
			continue;
		value->key = key;
		*end = value;
		end = &value->next;
	}
	return NULL;
}

/* The node that begins with event. NULL: stop here, there was a complaint. */
static struct node *
build(struct builder *b, const yaml_event_t *event, size_t depth)
{
	struct node *node;
	size_t line = event->start_mark.line + 1, column = event->start_mark.column + 1;

	if (depth > YAML_DEPTH_MAX) {
		doc_complain_at(b->doc, line, column,
		    "nested deeper than %d levels; no key stands so deep",
		    YAML_DEPTH_MAX);
		return NULL;
	}
	if (doc_node_count(b->doc) >= YAML_NODES_MAX) {
		doc_complain_at(b->doc, line, column,
		    "more than %d values in one file; divide it", YAML_NODES_MAX);
		return NULL;
	}
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return build_text(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return build_list(b, event, depth);
	case YAML_MAPPING_START_EVENT:
		return build_map(b, event, depth);
	default:
		/* Copies of copies of copies fill any memory. */
		node = add_node(b->doc, NODE_REFUSED, event);
		doc_complain(b->doc, node,
		    "aliases (*) are not used here; write the value out, or put the text "
		    "in quotes");
		return node;
	}
}

/* The one document of the stream. Its root is set once it ended as it should. */
static void
build_document(struct builder *b)
{
	struct node *root = NULL;
	yaml_event_t event;
	yaml_event_type_t type = YAML_NO_EVENT;

	while (next_event(b, &event)) {
		bool go_on = true;

		if (event.type == YAML_DOCUMENT_START_EVENT && root != NULL) {
			doc_complain_at(b->doc, event.start_mark.line + 1,
			    event.start_mark.column + 1,
			    "a second document begins here; a file holds one");
			go_on = false;
		} else if (event.type == YAML_SCALAR_EVENT ||
		    event.type == YAML_SEQUENCE_START_EVENT ||
		    event.type == YAML_MAPPING_START_EVENT ||
		    event.type == YAML_ALIAS_EVENT) {
			root = build(b, &event, 1);
			go_on = root != NULL;
		}
		type = event.type;
		yaml_event_delete(&event);
		if (!go_on)
			return;
		if (type == YAML_STREAM_END_EVENT) {
			doc_set_root(
			    b->doc, root != NULL && node_is_null(root) ? NULL : root);
			return;
		}
	}
}

/*
 * libyaml compares each %TAG with all before it: a file full of them would take minutes.
 * A few do no harm, as no tag is accepted.
 */
static bool
has_many_directives(struct doc *doc, struct str text)
{
	struct str rest = text;
	const char *at;
	size_t line, column, count = 0;

	while (rest.len > 0 && (at = memmem(rest.p, rest.len, "%TAG", 4)) != NULL) {
		rest = str_skip(rest, (size_t)(at - rest.p) + 4);
		if (++count < DIRECTIVES_MAX)
			continue;
		locate(text, (size_t)(at - text.p), &line, &column);
		doc_complain_at(
		    doc, line, column, "tags (!) are not used here; remove it");
		return true;
	}
	return false;
}

static void
parse(struct doc *doc, struct str text)
{
	struct builder b = {.doc = doc};

	str_eat(&text, STR_BOM);
	b.source = text;
	if (text.len > YAML_SIZE_MAX) {
		doc_complain(doc, NULL,
		    "is larger than %d bytes; divide it, or leave something out",
		    YAML_SIZE_MAX);
		return;
	}
	if (has_many_directives(doc, text))
		return;
	if (yaml_parser_initialize(&b.parser) == 0) {
		doc_complain(doc, NULL, "out of memory");
		return;
	}
	/* Without this a byte order mark could choose UTF-16. */
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
	    &b.parser, (const unsigned char *)(text.len > 0 ? text.p : ""), text.len);
	build_document(&b);
	yaml_parser_delete(&b.parser);
}

struct doc *
yaml_parse(const char *name, struct str text)
{
	struct doc *doc = doc_new(name);

	parse(doc, text);
	return doc;
}

/* file_read()'s sentence without the path, which stands before every complaint. */
static void
complain_unread(
    struct doc *doc, const char *path, const char *sentence, const char *missing)
{
	int failed = access(path, R_OK) == 0 ? 0 : errno;
	const char *help = failed == ENOENT || failed == ENOTDIR ? missing
	    : failed == EACCES ? "read it as root, or as the user whose it is"
	                       : "name a file of text";
	struct str text = str_of(sentence);

	if (str_eat(&text, STR("cannot read ")) && str_eat(&text, str_of(path)) &&
	    str_eat(&text, STR(": ")))
		doc_complain(doc, NULL, "cannot be read: %s; %s", text.p, help);
	else if (str_eat(&text, str_of(path)) && str_eat(&text, STR(" ")))
		doc_complain(doc, NULL, "%s; %s", text.p, help);
	else
		doc_complain(doc, NULL, "%s; %s", sentence, help);
}

struct doc *
yaml_read(const char *path, const char *missing)
{
	struct doc *doc = doc_new(path);
	struct buf text = {0};
	struct err err;

	if (file_read(path, YAML_SIZE_MAX, &text, &err))
		parse(doc, (struct str){text.data, text.len});
	else
		complain_unread(doc, path, err.text, missing);
	buf_clear(&text);
	return doc;
}
