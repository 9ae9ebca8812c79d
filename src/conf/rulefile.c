/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/rulefile.h"

#include <stdlib.h>

#include "base/mem.h"
#include "conf/doc.h"
#include "conf/rule_examples.h"
#include "conf/rule_order.h"
#include "conf/yaml.h"

#define RULES_MAX     1000
#define RULE_NAME_MAX 64

enum rule_key {
	KEY_NAME,
	KEY_OVERRIDE,
	KEY_REASON,
	KEY_DSN,
	KEY_SERVICE,
	KEY_STATUS,
	KEY_DNSSEC,
	KEY_FALLBACK,
	KEY_ALERT,
	KEY_FAULT,
	KEY_HINT,
	KEY_CAUSE,
	KEY_ENTRY,
	KEY_EXAMPLES,
	KEY_COUNTEREXAMPLES,
	KEY_COUNT,
};

static const char *const key_names[KEY_COUNT] = {
    [KEY_NAME] = "name",
    [KEY_OVERRIDE] = "override",
    [KEY_REASON] = "reason",
    [KEY_DSN] = "dsn",
    [KEY_SERVICE] = "service",
    [KEY_STATUS] = "status",
    [KEY_DNSSEC] = "dnssec",
    [KEY_FALLBACK] = "fallback",
    [KEY_ALERT] = "alert",
    [KEY_FAULT] = "fault",
    [KEY_HINT] = "hint",
    [KEY_CAUSE] = "cause",
    [KEY_ENTRY] = "entry",
    [KEY_EXAMPLES] = "examples",
    [KEY_COUNTEREXAMPLES] = "counterexamples",
};

/* One rule as it is read: its nodes by key. */
struct draft {
	struct rule_place place;
	struct doc *doc;
	const struct node *rule;
	const struct node *nodes[KEY_COUNT];
};

struct loader {
	struct draft **drafts; /* in the order of the files */
	size_t draft_count;
	struct rule_disable *disables; /* one a file */
	size_t disable_count;
	struct rules *rules;
	struct example_origin *origins; /* by the rule's index */
	enum rulefile_check check;
};

/* Its text, or NULL if there is none; what is no text is complained of. */
static const char *
text_of(const struct draft *draft, enum rule_key key)
{
	const struct node *node = draft->nodes[key];

	if (node == NULL || node->kind == NODE_REFUSED)
		return NULL;
	if (node->kind == NODE_TEXT && node->text.len > 0 && !node_is_null(node))
		return node->text.p;
	doc_complain_value(draft->doc, node, key_names[key],
	    "where a text must be; write it in single quotes");
	return NULL;
}

/* One of count words, by its index; absent: 0. */
static size_t
word_of(const struct draft *draft, enum rule_key key, const char *const *words,
    size_t count, const char *help)
{
	const char *text = text_of(draft, key);

	if (text == NULL)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	doc_complain_value(draft->doc, draft->nodes[key], key_names[key], help);
	return 0;
}

static void
read_name(const struct draft *draft, struct rule_source *source)
{
	struct str name;
	bool good;
	enum rule_key key = draft->nodes[KEY_NAME] != NULL ? KEY_NAME : KEY_OVERRIDE;

	source->name = text_of(draft, key);
	if (source->name == NULL)
		return;
	name = str_of(source->name);
	good = name.len <= RULE_NAME_MAX && name.p[0] != '-';
	for (size_t i = 0; i < name.len; i++)
		good = good && (ascii_is_alnum(name.p[i]) || name.p[i] == '-');
	if (good)
		return;
	doc_complain_value(draft->doc, draft->nodes[key], key_names[key],
	    "is no name; use letters, digits and hyphens, 64 at most");
	source->name = NULL;
}

static void
read_fallback(const struct draft *draft, struct rule_source *source)
{
	static const struct {
		const char *word;
		enum fallback fallback;
		enum level level;
	} meanings[] = {
	    {"wait", FALLBACK_WAIT, LEVEL_UNKNOWN},
	    {"next", FALLBACK_NEXT, LEVEL_UNKNOWN},
	    {"may", FALLBACK_LEVEL, LEVEL_MAY},
	    {"encrypt", FALLBACK_LEVEL, LEVEL_ENCRYPT},
	    {"verify", FALLBACK_LEVEL, LEVEL_VERIFY},
	    {"secure", FALLBACK_LEVEL, LEVEL_SECURE},
	};
	const char *words[sizeof(meanings) / sizeof(meanings[0])];
	size_t count = sizeof(meanings) / sizeof(meanings[0]), i;

	for (i = 0; i < count; i++)
		words[i] = meanings[i].word;
	i = word_of(draft, KEY_FALLBACK, words, count,
	    "is no fallback; write may, encrypt, verify, secure, next or wait");
	source->fallback = meanings[i].fallback;
	source->level = meanings[i].level;
}

static void
read_words(const struct draft *draft, struct rule_source *source)
{
	static const char *const alerts[] = {"false", "no", "off", "true", "yes", "on"};
	static const char *const dnssecs[] = {"", "secure", "insecure"};
	static const char *const faults[] = {"", "ours"};
	static const char *const entries[] = {"", "policy"};

	source->alert = word_of(draft, KEY_ALERT, alerts, 6,
	                    "is neither true nor false; write true or false") >= 3;
	source->dnssec = (enum rule_dnssec)word_of(draft, KEY_DNSSEC, dnssecs, 3,
	    "is not known here; write secure or insecure, or leave the key out");
	source->under_policy =
	    word_of(draft, KEY_ENTRY, entries, 2,
	        "is not known here; write policy, or leave the key out") == 1;
	if (source->under_policy && source->fallback != FALLBACK_WAIT)
		doc_complain(draft->doc, draft->nodes[KEY_ENTRY],
		    "entry: under a policy nothing is weakened; write fallback: wait");
	source->fault_ours =
	    word_of(draft, KEY_FAULT, faults, 2,
	        "is not known here; write ours, or leave the key out") == 1;
}

static void
require(const struct draft *draft, const struct node *rule, enum rule_key key,
    const char *help)
{
	if (draft->nodes[key] == NULL)
		doc_complain(
		    draft->doc, rule, "a rule without %s; %s", key_names[key], help);
}

static void
find_keys(struct draft *draft, const struct node *rule)
{
	for (const struct node *node = rule->child; node != NULL; node = node->next) {
		enum rule_key key = 0;

		while (key < KEY_COUNT && !str_is(node->key->text, key_names[key]))
			key++;
		if (key < KEY_COUNT)
			draft->nodes[key] = node;
		else
			doc_complain_unknown(draft->doc, node->key, key_names, KEY_COUNT);
	}
}

/* Compile, and remember where it stands. */
static void
add_rule(
    struct loader *loader, const struct draft *draft, const struct rule_source *source)
{
	size_t count = rules_count(loader->rules);
	int other = rules_find(loader->rules, source->name);
	const struct node *at;
	const char *key;
	struct err err;

	if (other >= 0) {
		doc_complain(draft->doc, draft->nodes[KEY_NAME],
		    "name: \"%s\" is taken by the rule in %s, line %zu; choose another, "
		    "or "
		    "write \"override: %s\" in the one that is to take the other's place",
		    /* A rule that is there has an origin. */
		    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
		    source->name, doc_name(loader->origins[other].doc),
		    loader->origins[other].name->line, source->name);
		return;
	}
	if (!rules_add(loader->rules, source, &key, &err)) {
		at = draft->nodes[KEY_REASON];
		for (enum rule_key k = 0; k < KEY_COUNT; k++)
			if (strcmp(key, key_names[k]) == 0)
				at = draft->nodes[k];
		doc_complain(draft->doc, at, "%s", err.text);
		return;
	}
	loader->origins = mem_array(loader->origins, count + 1, sizeof(*loader->origins));
	loader->origins[count] = (struct example_origin){
	    .doc = draft->doc,
	    .name = draft->place.name,
	    .reason = draft->nodes[KEY_REASON],
	    .examples = draft->nodes[KEY_EXAMPLES],
	    .counterexamples = draft->nodes[KEY_COUNTEREXAMPLES],
	};
}

/* One of the words; a sentence was once written here, and belongs to hint. */
static enum cause
read_cause(const struct draft *draft)
{
	const struct node *node = draft->nodes[KEY_CAUSE];
	const char *text = text_of(draft, KEY_CAUSE);
	enum cause cause;

	if (text == NULL)
		return CAUSE_NONE;
	if (cause_parse(str_of(text), &cause) && cause_is_condition(cause))
		return cause;
	if (strchr(text, ' ') != NULL)
		doc_complain(draft->doc, node,
		    "cause: a sentence for the alert is called hint; write hint: "
		    "instead");
	else
		doc_complain_value(draft->doc, node, "cause", RULE_CAUSE_HELP);
	return CAUSE_NONE;
}

static void
read_rule(struct loader *loader, const struct draft *draft)
{
	struct rule_source source = {0};

	if (draft->nodes[KEY_OVERRIDE] == NULL)
		require(draft, draft->rule, KEY_NAME,
		    "give it one that explain and the log can show");
	require(draft, draft->rule, KEY_REASON,
	    "write the pattern of the text in parentheses");
	require(draft, draft->rule, KEY_FALLBACK,
	    "write may, encrypt, verify, secure, next or wait");
	if (loader->check == RULEFILE_EXAMPLES)
		require(draft, draft->rule, KEY_EXAMPLES,
		    "give at least one text that it matches");
	read_name(draft, &source);
	read_fallback(draft, &source);
	read_words(draft, &source);
	source.reason = text_of(draft, KEY_REASON);
	source.dsn = text_of(draft, KEY_DSN);
	source.service = text_of(draft, KEY_SERVICE);
	source.status = text_of(draft, KEY_STATUS);
	source.hint = text_of(draft, KEY_HINT);
	source.cause = read_cause(draft);
	example_check(draft->doc, draft->nodes[KEY_EXAMPLES], "examples");
	example_check(draft->doc, draft->nodes[KEY_COUNTEREXAMPLES], "counterexamples");
	if (source.name != NULL && source.reason != NULL)
		add_rule(loader, draft, &source);
}

/* A text that can be a name, or NULL. */
static const struct node *
usable(const struct node *node)
{
	return node != NULL && node->kind == NODE_TEXT && node->text.len > 0 &&
	        !node_is_null(node)
	    ? node
	    : NULL;
}

static void
add_draft(struct loader *loader, struct doc *doc, const struct node *rule)
{
	struct draft *draft;

	if (rule->kind == NODE_REFUSED)
		return;
	if (rule->kind != NODE_MAP) {
		doc_complain(
		    doc, rule, "a rule is a mapping; begin it with \"- name: ...\"");
		return;
	}
	draft = mem_new(1, sizeof(*draft));
	draft->doc = doc;
	draft->rule = rule;
	find_keys(draft, rule);
	draft->place = (struct rule_place){.doc = doc,
	    .name = usable(draft->nodes[KEY_NAME]),
	    .override = usable(draft->nodes[KEY_OVERRIDE])};
	if (draft->nodes[KEY_OVERRIDE] != NULL)
		text_of(draft, KEY_OVERRIDE);
	if (draft->nodes[KEY_NAME] == NULL)
		draft->place.name = draft->place.override;
	loader->drafts =
	    mem_array(loader->drafts, loader->draft_count + 1, sizeof(struct draft *));
	loader->drafts[loader->draft_count++] = draft;
}

/* The rules of a file, which may disable those of others alone. */
static void
read_file(struct loader *loader, struct doc *doc)
{
	static const char *const top[] = {"rules", "disable"};
	const struct node *root = doc_root(doc);
	const struct node *list = root != NULL ? node_find(root, "rules") : NULL;
	const struct node *names = root != NULL ? node_find(root, "disable") : NULL;

	if (root == NULL && doc_has_complaints(doc))
		return;
	if (root != NULL && root->kind == NODE_MAP)
		for (const struct node *n = root->child; n != NULL; n = n->next)
			if (n != list && n != names)
				doc_complain_unknown(doc, n->key, top, 2);
	loader->disables[loader->disable_count++] =
	    (struct rule_disable){.doc = doc, .names = names};
	if (list == NULL && names != NULL)
		return;
	if (list == NULL || list->kind != NODE_LIST || list->child == NULL) {
		doc_complain(doc, list,
		    "no rules; write \"rules:\" and below it a list of "
		    "rules, each beginning with \"- name: ...\"");
		return;
	}
	for (const struct node *rule = list->child; rule != NULL; rule = rule->next) {
		if (loader->draft_count == RULES_MAX) {
			doc_complain(
			    doc, rule, "more than %d rules; leave some out", RULES_MAX);
			return;
		}
		add_draft(loader, doc, rule);
	}
}

/* Those that count, each in its place. */
static void
read_drafts(struct loader *loader, struct errs *notes)
{
	struct rule_place **places = mem_new(loader->draft_count + 1, sizeof(*places));

	for (size_t i = 0; i < loader->draft_count; i++)
		places[i] = &loader->drafts[i]->place;
	rule_order(places, loader->draft_count, loader->disables, loader->disable_count);
	for (size_t i = 0; i < loader->draft_count; i++) {
		const struct draft *draft = loader->drafts[i];

		if (draft->place.override != NULL || draft->place.off != NULL)
			continue;
		/* The place is the first member. */
		if (draft->place.instead != NULL)
			draft = (const struct draft *)draft->place.instead;
		read_rule(loader, draft);
	}
	if (notes != NULL)
		rule_order_note(places, loader->draft_count, notes);
	free(places);
}

static void
clear_loader(struct loader *loader)
{
	for (size_t i = 0; i < loader->draft_count; i++)
		free(loader->drafts[i]);
	free(loader->drafts);
	free(loader->disables);
	free(loader->origins);
}

struct rules *
rulefile_load_noting(char *const *files, size_t count, enum rulefile_check check,
    struct errs *notes, struct errs *errs)
{
	struct loader loader = {.rules = rules_new(),
	    .check = check,
	    .disables = mem_new(count, sizeof(struct rule_disable))};
	struct doc **docs = mem_new(count, sizeof(*docs));
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		docs[i] = yaml_read(files[i],
		    "rules: of the configuration, or the command line, names it");
		read_file(&loader, docs[i]);
	}
	read_drafts(&loader, notes);
	for (size_t i = 0; i < count; i++)
		good = good && !doc_has_complaints(docs[i]);
	/* With a rule missing, the examples of others would be blamed for it. */
	if (good && check == RULEFILE_EXAMPLES)
		example_try_all(loader.rules, loader.origins);
	for (size_t i = 0; i < count; i++)
		good = doc_close(docs[i], errs) && good;
	free(docs);
	clear_loader(&loader);
	if (good)
		return loader.rules;
	rules_free(loader.rules);
	return NULL;
}

struct rules *
rulefile_load(
    char *const *files, size_t count, enum rulefile_check check, struct errs *errs)
{
	return rulefile_load_noting(files, count, check, NULL, errs);
}
