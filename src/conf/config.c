/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/config.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/span.h"
#include "conf/config_files.h"
#include "conf/doc.h"
#include "conf/templatefile.h"
#include "conf/value.h"
#include "conf/yaml.h"

#define ITEMS_MAX 64  /* of one list */
#define PATH_SIZE 128 /* of "section.section.key" */

#define KEY(section, type, member, path, ...) \
	{path, &value_##type, offsetof(struct config, section member), \
	    .initial = __VA_ARGS__},
#define IN_LOG(...)     KEY(log., __VA_ARGS__)
#define IN_NONE(...)    KEY(, __VA_ARGS__)
#define IN_MAP(...)     KEY(map., __VA_ARGS__)
#define IN_POSTFIX(...) KEY(postfix., __VA_ARGS__)
#define IN_DNS(...)     KEY(dns., __VA_ARGS__)
#define IN_PROBE(...)   KEY(probe., __VA_ARGS__)
/* All of the ladder: a decision that was made under another value is made again. */
#define IN_LADDER(...)  KEY(ladder., __VA_ARGS__, .change = KEY_JUDGES)
#define IN_FREEZE(...)  KEY(freeze., __VA_ARGS__)
#define IN_MTA_STS(...) KEY(mta_sts., __VA_ARGS__)
#define IN_NOTIFY(...)  KEY(notify., __VA_ARGS__)
#define IN_METRICS(...) KEY(metrics., __VA_ARGS__)

static const struct key keys[] = {
    /* clang-format off */
    CONFIG_LOG(IN_LOG)
    CONFIG_STATE(IN_NONE)
    CONFIG_MAP(IN_MAP)
    CONFIG_POSTFIX(IN_POSTFIX)
    CONFIG_DNS(IN_DNS)
    CONFIG_PROBE(IN_PROBE)
    LADDER_SETTINGS(IN_LADDER)
    FREEZE_SETTINGS(IN_FREEZE)
    CONFIG_MTA_STS(IN_MTA_STS)
    CONFIG_PUBLISH(IN_NONE)
    CONFIG_NODES(IN_NONE)
    CONFIG_NOTIFY(IN_NOTIFY)
    CONFIG_METRICS(IN_METRICS)
    /* clang-format on */
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

const char *
config_key(size_t index, const char **initial)
{
	if (index >= KEY_COUNT)
		return NULL;
	*initial = keys[index].initial;
	return keys[index].path;
}

void
config_show(const struct config *config, size_t index, struct buf *out)
{
	const struct key *key = &keys[index];

	if (key->type->show != NULL)
		key->type->show(key, (const char *)config + key->offset, out);
}

void
config_show_judging(const struct config *config, struct buf *out)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (keys[i].change != KEY_JUDGES)
			continue;
		assert(keys[i].type->show != NULL);
		buf_printf(out, "%s ", keys[i].path);
		config_show(config, i, out);
		buf_add_char(out, '\n');
	}
}

static void *
place_of(const struct key *key, struct config *config)
{
	return (char *)config + key->offset;
}

static void
set_initial(const struct key *key, struct config *config)
{
	bool none = key->none != NULL && strcmp(key->initial, key->none) == 0;
	void *out = place_of(key, config);
	struct buf why = {0};
	bool good = true;

	if (none && (key->type->list || key->type->read != NULL))
		return;
	if (none)
		*(char **)out = mem_strdup("");
	else
		good = key->type->set(key, str_of(key->initial), out, &why);
	assert(good); /* the table, and the directories given to configure */
	buf_clear(&why);
}

static void
clear_value(const struct key *key, struct config *config)
{
	struct strings *list = place_of(key, config);

	if (key->type->clear != NULL)
		key->type->clear(list);
	if (key->type->text)
		free(*(char **)place_of(key, config));
	if (key->type->list)
		strings_clear(list);
}

/* --- the walk --- */

struct walk {
	struct doc *doc;
	struct config *config;
	bool seen[KEY_COUNT];
};

static void
set_text(struct walk *walk, const struct key *key, const struct node *node)
{
	struct buf why = {0};

	if (!key->type->set(key, node->text, place_of(key, walk->config), &why))
		doc_complain_value(walk->doc, node, key->path, buf_text(&why));
	buf_clear(&why);
}

static void
set_list(struct walk *walk, const struct key *key, const struct node *list)
{
	size_t count = 0;

	if (list->child == NULL && (key->none == NULL || *key->none != '\0'))
		doc_complain(walk->doc, list,
		    "%s: an empty list; leave the key out for %s", key->path,
		    key->initial);
	for (const struct node *item = list->child; item != NULL; item = item->next) {
		if (item->kind == NODE_REFUSED)
			continue;
		if (count++ == ITEMS_MAX) {
			doc_complain(walk->doc, item,
			    "%s: more than %d items; leave some out", key->path,
			    ITEMS_MAX);
			return;
		}
		if (item->kind != NODE_TEXT || node_is_null(item))
			doc_complain_value(walk->doc, item, key->path,
			    "in a list of words; put an item that "
			    "begins with : or - in quotes");
		else
			set_text(walk, key, item);
	}
}

/* Is the text the key's word for nothing? */
static bool
means_none(const struct key *key, const struct node *node)
{
	if (key->none == NULL || node->kind != NODE_TEXT)
		return false;
	return str_is(node->text, key->none) ||
	    (*key->none == '\0' && node_is_null(node));
}

/* A list or a mapping, where there can be none. */
static void
complain_of_kind(struct walk *walk, const struct key *key, const struct node *node)
{
	struct buf why = {0};

	buf_printf(&why,
	    key->type->list ? "where a word or a list of words must be"
	                    : "where a single word must be");
	value_add_help(key, &why);
	if (node->kind == NODE_LIST && key->type->instead != NULL)
		buf_printf(&why, ": %s", key->type->instead);
	doc_complain_value(walk->doc, node, key->path, buf_text(&why));
	buf_clear(&why);
}

static void
set_value(struct walk *walk, const struct key *key, const struct node *node)
{
	if (node->kind == NODE_REFUSED)
		return;
	if (node->kind == (key->type->map ? NODE_MAP : NODE_LIST) &&
	    key->type->read != NULL)
		key->type->read(walk->doc, node, place_of(key, walk->config));
	else if (node->kind == NODE_LIST && key->type->list)
		set_list(walk, key, node);
	else if (means_none(key, node) && (key->type->list || key->type->read != NULL))
		return;
	else if (key->type->read != NULL)
		doc_complain(walk->doc, node, "%s: a %s must stand here; write %s: %s",
		    key->path, key->type->map ? "mapping" : "list", key->path,
		    key->type->map ? "{HOST: {command: [...]}}" : "[...]");
	else if (means_none(key, node))
		*(char **)place_of(key, walk->config) = mem_strdup("");
	else if (node_is_null(node))
		doc_complain(walk->doc, node->key,
		    "%s: no value; leave the key out for %s", key->path, key->initial);
	else if (node->kind != NODE_TEXT)
		complain_of_kind(walk, key, node);
	else if (key->type->no_alone)
		doc_complain_value(
		    walk->doc, node, key->path, "is no list; write [WORD, WORD]");
	else
		set_text(walk, key, node);
}

/* What may stand below "map.", as "file", "type", "settle": each once. */
static size_t
known_below(const char *prefix, char names[KEY_COUNT][PATH_SIZE], const char **known)
{
	size_t count = 0;

	for (size_t i = 0; i < KEY_COUNT; i++) {
		struct str rest = str_of(keys[i].path), name;

		if (!str_eat(&rest, str_of(prefix)))
			continue;
		if (!str_cut(&rest, '.', &name))
			name = rest;
		if (count > 0 && str_is(name, names[count - 1]))
			continue;
		str_copy(name, names[count], PATH_SIZE);
		known[count] = names[count];
		count++;
	}
	return count;
}

/* A key that is known elsewhere is mostly one with the wrong indentation. */
static const char *
known_elsewhere(struct str name)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const char *dot = strrchr(keys[i].path, '.');

		if (dot != NULL && str_is(name, dot + 1))
			return keys[i].path;
	}
	return NULL;
}

/* "ladder.lowest:" on one line. *last: what stands behind the last dot. */
static bool
is_path_in_one(struct str name, const char **last)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (str_is(name, keys[i].path) && strchr(keys[i].path, '.') != NULL) {
			*last = strrchr(name.p, '.') + 1;
			return true;
		}
	}
	return false;
}

static void
complain_unknown(struct walk *walk, const struct node *key, const char *prefix)
{
	char names[KEY_COUNT][PATH_SIZE];
	const char *known[KEY_COUNT];
	size_t count = known_below(prefix, names, known);
	const char *elsewhere = known_elsewhere(key->text), *last;

	if (is_path_in_one(key->text, &last))
		doc_complain(walk->doc, key,
		    "unknown key \"%.*s\"; write \"%s:\" below \"%.*s:\"",
		    STR_ARG(key->text), last, (int)(last - key->text.p - 1), key->text.p);
	else if (elsewhere != NULL)
		doc_complain(walk->doc, key, "unknown key \"%.*s\"; did you mean \"%s\"?",
		    STR_ARG(key->text), elsewhere);
	else
		doc_complain_unknown(walk->doc, key, known, count);
}

static void walk_map(struct walk *walk, const struct node *map, const char *prefix);

/* The member of a mapping, whose key is name behind prefix ("", "ladder.", ...). */
static void
walk_member(struct walk *walk, const struct node *node, const char *prefix)
{
	struct str name = node->key->text;
	struct buf path = {0};
	bool known = false;

	if (memchr(name.p, '.', name.len) != NULL) {
		complain_unknown(walk, node->key, prefix);
		return;
	}
	buf_printf(&path, "%s%s", prefix, name.p);
	for (size_t i = 0; i < KEY_COUNT && !known; i++) {
		if (strcmp(keys[i].path, buf_text(&path)) == 0) {
			known = true;
			walk->seen[i] = true;
			set_value(walk, &keys[i], node);
		}
	}
	buf_add_char(&path, '.');
	for (size_t i = 0; i < KEY_COUNT && !known; i++) {
		if (str_starts(str_of(keys[i].path), str_of(buf_text(&path)))) {
			known = true;
			walk_map(walk, node, buf_text(&path));
		}
	}
	if (!known)
		complain_unknown(walk, node->key, prefix);
	buf_clear(&path);
}

/* Could that be the value of the key? */
static bool
accepts(const struct key *key, struct str text)
{
	struct config scratch = {0};
	struct buf ignored = {0};
	bool good = !key->type->no_alone && key->type->set != NULL &&
	    key->type->set(key, text, place_of(key, &scratch), &ignored);

	clear_value(key, &scratch);
	buf_clear(&ignored);
	return good;
}

/* "probe: no" is meant to switch something, and is no name of a host. */
static bool
could_mean(const struct key *key, struct str text)
{
	static const char *const switches[] = {
	    "no", "off", "false", "never", "yes", "on", "true", "always"};
	bool is_free = key->type->list || (key->type->text && key->words == NULL);

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (is_free && str_is(text, switches[i]))
			return false;
	return accepts(key, text);
}

/* "file:/x", of a key that may stand here. */
static bool
complain_of_blank(struct walk *walk, const struct node *value, const char *prefix)
{
	char names[KEY_COUNT][PATH_SIZE];
	const char *known[KEY_COUNT];
	size_t count = known_below(prefix, names, known), len;
	struct buf shown = {0};

	if (!doc_misses_blank(value->text, known, count, &len))
		return false;
	node_describe(value, &shown);
	doc_complain(walk->doc, value,
	    "%s where keys must stand; put a blank behind \"%.*s\"", buf_text(&shown),
	    (int)len, value->text.p);
	buf_clear(&shown);
	return true;
}

/* A text of which no key below prefix can be the meaning: they are named. */
static bool
complain_of_text(struct walk *walk, const struct node *value, const char *prefix)
{
	char names[KEY_COUNT][PATH_SIZE];
	const char *known[KEY_COUNT];
	size_t count = known_below(prefix, names, known);
	struct buf shown = {0};

	buf_printf(&shown, "%.*s: ", (int)strlen(prefix) - 1, prefix);
	node_describe(value, &shown);
	buf_printf(&shown, " where keys must stand:");
	for (size_t i = 0; i < count; i++)
		buf_printf(&shown, "%s %s", i > 0 ? "," : "", known[i]);
	doc_complain(walk->doc, value, "%s", buf_text(&shown));
	buf_clear(&shown);
	return true;
}

/* "hold: 2h" is meant for a key below it: the last one that takes such a value. False: it
 * is none of any. */
static bool
complain_of_value(struct walk *walk, const struct node *value, const char *prefix)
{
	const struct key *meant = NULL;
	struct str path = str_of(prefix);
	struct buf shown = {0};

	if (value->kind != NODE_TEXT || path.len == 0)
		return false;
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (str_starts(str_of(keys[i].path), path) &&
		    strchr(keys[i].path + path.len, '.') == NULL &&
		    could_mean(&keys[i], value->text))
			meant = &keys[i];
	if (meant == NULL)
		return complain_of_text(walk, value, prefix);
	node_describe(value, &shown);
	doc_complain(walk->doc, value,
	    "%.*s: %s where keys must stand; write %.*s: {%s: %.*s}", (int)path.len - 1,
	    prefix, buf_text(&shown), STR_ARG(value->key->text), meant->path + path.len,
	    STR_ARG(value->text));
	buf_clear(&shown);
	return true;
}

static void
walk_map(struct walk *walk, const struct node *map, const char *prefix)
{
	/* "dns:" with all of its keys commented out */
	if (node_is_null(map) || map->kind == NODE_REFUSED)
		return;
	if (map->kind == NODE_TEXT && complain_of_blank(walk, map, prefix))
		return;
	if (map->kind != NODE_MAP && complain_of_value(walk, map, prefix))
		return;
	if (map->kind != NODE_MAP) {
		doc_complain(walk->doc, map,
		    "keys must stand here, like \"log:\" and, below "
		    "it, \"  file: /var/log/mail.log\"");
		return;
	}
	for (const struct node *node = map->child; node != NULL; node = node->next)
		walk_member(walk, node, prefix);
}

static bool
read_doc(struct doc *doc, struct config *config, struct errs *errs)
{
	struct walk walk = {.doc = doc, .config = config};
	bool good;

	*config = (struct config){0};
	if (doc_root(doc) != NULL)
		walk_map(&walk, doc_root(doc), "");
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (!walk.seen[i])
			set_initial(&keys[i], config);
	config_check_files(doc, config);
	good = template_read(doc, config->notify.template, &config->notify.text, errs);
	good = doc_close(doc, errs) && good;
	if (!good)
		config_clear(config);
	return good;
}

/* How to get one. An empty file serves, too. */
static void
add_example(const char *path, struct buf *out)
{
	bool is_installed = access(DOCDIR "/tlsladder.yaml", R_OK) == 0;

	buf_printf(out, "copy the example: `install -D -m 644 %s %s`",
	    is_installed ? DOCDIR "/tlsladder.yaml" : "examples/tlsladder.yaml", path);
	if (!is_installed)
		buf_printf(out, " in the directory of the source");
}

bool
config_load(const char *path, struct config *config, struct errs *errs)
{
	struct buf missing = {0};
	bool good;

	add_example(path, &missing);
	good = read_doc(yaml_read(path, buf_text(&missing)), config, errs);
	buf_clear(&missing);
	return good;
}

bool
config_parse(const char *name, struct str text, struct config *config, struct errs *errs)
{
	return read_doc(yaml_parse(name, text), config, errs);
}

void
config_default(struct config *config)
{
	*config = (struct config){0};
	for (size_t i = 0; i < KEY_COUNT; i++)
		set_initial(&keys[i], config);
}

void
config_clear(struct config *config)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		clear_value(&keys[i], config);
	free(config->notify.text);
	*config = (struct config){0};
}

struct resolver_settings
config_resolver(const struct config *config)
{
	return (struct resolver_settings){
	    .servers = config->dns.resolvers.items,
	    .server_count = (unsigned)config->dns.resolvers.count,
	    .resolv_conf = "/etc/resolv.conf",
	    .trust_ad = config->dns.trust_ad,
	    .timeout_ms = config->dns.timeout_ms,
	    .tries = config->dns.tries,
	};
}
