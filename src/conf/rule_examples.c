/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/rule_examples.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/logline.h"

/* The keys of an example: the texts that a rule matches, and the supposed answer of
 * DNS. */
static const char *const subject_names[] = {
    "reason", "dsn", "service", "status", "dnssec", "cause"};
#define SUBJECT_COUNT (sizeof(subject_names) / sizeof(subject_names[0]))

struct trial {
	const struct rules *rules;
	const struct example_origin *origins;
	struct rules_matcher *matcher;
	struct faults *of_rule; /* by the rule's index */
};

/* What one rule does wrong is one complaint, at the first example that shows it. */
struct faults {
	size_t taken; /* examples of others that it takes */
	size_t taken_index;
	const struct node *first_taken; /* of the rule taken_index */
	size_t missed;                  /* examples of its own that it does not match */
	const struct node *first_missed;
};

/* A text that is not tried at once is logged with this before the older reason. */
#define SUSPENDED STR("delivery temporarily suspended: ")

/* The first of a list, or the one that stands without a list. */
static const struct node *
first_example(const struct node *examples)
{
	if (examples == NULL || examples->kind == NODE_REFUSED)
		return NULL;
	return examples->kind == NODE_LIST ? examples->child : examples;
}

static const struct node *
next_example(const struct node *examples, const struct node *example)
{
	return examples->kind == NODE_LIST ? example->next : NULL;
}

static bool
is_cause(struct str word)
{
	enum cause cause;

	return cause_parse(word, &cause) && cause_is_condition(cause);
}

static void
check_member(struct doc *doc, const struct node *member)
{
	for (size_t i = 0; i < SUBJECT_COUNT; i++) {
		if (!str_is(member->key->text, subject_names[i]))
			continue;
		if (member->kind != NODE_TEXT)
			doc_complain_value(doc, member, subject_names[i],
			    "where a text must be; write it in single quotes");
		else if (strcmp(subject_names[i], "dnssec") == 0 &&
		    !str_is(member->text, "secure") && !str_is(member->text, "insecure"))
			doc_complain_value(doc, member, "dnssec",
			    "is not known here; write secure or insecure");
		else if (strcmp(subject_names[i], "cause") == 0 &&
		    !is_cause(member->text))
			doc_complain_value(doc, member, "cause", RULE_CAUSE_HELP);
		return;
	}
	doc_complain_unknown(doc, member->key, subject_names, SUBJECT_COUNT);
}

/* A whole line of the log, or its end. */
static bool
is_line_of_log(struct str text)
{
	struct logline line;

	return logline_split(text, &line) || str_starts(text, STR("status=")) ||
	    str_starts(text, STR("to=<"));
}

static void
check_text(struct doc *doc, const struct node *text, const char *key)
{
	if (text->kind == NODE_TEXT && is_line_of_log(text->text))
		doc_complain(doc, text,
		    "%s: a whole line of the log; write only the text in the parentheses "
		    "at its end",
		    key);
}

void
example_check(struct doc *doc, const struct node *examples, const char *key)
{
	const struct node *node = first_example(examples);

	if (examples != NULL && node == NULL && examples->kind == NODE_LIST)
		doc_complain(doc, examples, "%s: an empty list; write a text", key);
	for (; node != NULL; node = next_example(examples, node)) {
		if (node->kind == NODE_MAP) {
			for (const struct node *m = node->child; m != NULL; m = m->next)
				check_member(doc, m);
			if (node_find(node, "reason") == NULL)
				doc_complain(doc, node,
				    "%s: an example without reason; write reason: 'TEXT'",
				    key);
			else
				check_text(doc, node_find(node, "reason"), key);
		} else if (node->kind == NODE_LIST || node_is_null(node)) {
			doc_complain_value(doc, node, key,
			    "where a text must be, or {reason: TEXT, service: TEXT, "
			    "...}");
		} else {
			check_text(doc, node, key);
		}
	}
}

static struct str
member_text(const struct node *example, const char *name)
{
	const struct node *node = node_find(example, name);

	return node != NULL ? node->text : STR("");
}

/* An example as what the rules are asked; "suspended" is stripped as for a log line. What
 * it does not say of DNS and the cause is as the rule wants it. */
static struct rule_subject
subject_of(
    const struct node *example, const struct rule_source *rule, enum rule_dnssec *dnssec)
{
	struct rule_subject subject = {.reason = example->text, .cause = rule->cause};
	struct str word = member_text(example, "dnssec");

	if (example->kind == NODE_MAP) {
		subject.reason = member_text(example, "reason");
		subject.dsn = member_text(example, "dsn");
		subject.service = member_text(example, "service");
		subject.status = member_text(example, "status");
		cause_parse(member_text(example, "cause"), &subject.cause);
		if (subject.cause == CAUSE_NONE)
			subject.cause = rule->cause;
	}
	str_eat(&subject.reason, SUSPENDED);
	*dnssec = str_is(word, "secure") ? RULE_DNSSEC_SECURE
	    : str_is(word, "insecure")   ? RULE_DNSSEC_INSECURE
	                                 : rule->dnssec;
	return subject;
}

/*
 * The rule that takes the subject. Where the example does not say what DNS says, rules
 * that want to know stand aside: the text alone shows nothing about them.
 */
static int
taker_of(const struct trial *trial, const struct rule_subject *subject,
    enum rule_dnssec dnssec, unsigned *limit_hits)
{
	int index = -1;

	do {
		index = rules_match(trial->rules, trial->matcher, subject,
		    /* NOLINTNEXTLINE(bugprone-misplaced-widening-cast): -1 becomes 0 */
		    (size_t)(index + 1), dnssec, limit_hits);
	} while (dnssec == RULE_DNSSEC_ANY && index >= 0 &&
	    rules_get(trial->rules, (size_t)index)->dnssec != RULE_DNSSEC_ANY);
	return index;
}

static bool
is_own(const struct trial *trial, size_t index, const struct rule_subject *subject,
    enum rule_dnssec dnssec)
{
	return rules_match(trial->rules, trial->matcher, subject, index, dnssec, NULL) ==
	    (int)index;
}

static bool
looks_at_more(const struct rule_source *rule)
{
	return rule->dsn != NULL || rule->service != NULL || rule->status != NULL;
}

static void
note(size_t *count, const struct node **first, const struct node *example)
{
	if ((*count)++ == 0)
		*first = example;
}

static void
try_example(const struct trial *trial, size_t index, const struct node *example)
{
	const struct example_origin *origin = &trial->origins[index];
	const struct rule_source *rule = rules_get(trial->rules, index);
	unsigned limit_hits = 0;
	enum rule_dnssec dnssec;
	struct rule_subject subject = subject_of(example, rule, &dnssec);
	int taker = taker_of(trial, &subject, dnssec, &limit_hits);
	struct faults *of_taker;

	if (taker == (int)index)
		return;
	if (limit_hits > 0) {
		doc_complain(origin->doc, example,
		    "examples: a pattern gave up on this text; simplify that of \"%s\", "
		    "or of a rule before it",
		    rule->name);
	} else if (taker < 0 || !is_own(trial, index, &subject, dnssec)) {
		note(&trial->of_rule[index].missed, &trial->of_rule[index].first_missed,
		    example);
	} else {
		of_taker = &trial->of_rule[taker];
		if (of_taker->taken == 0)
			of_taker->taken_index = index;
		note(&of_taker->taken, &of_taker->first_taken, example);
	}
}

static void
try_counterexample(const struct trial *trial, size_t index, const struct node *example)
{
	const struct rule_source *rule = rules_get(trial->rules, index);
	enum rule_dnssec dnssec;
	struct rule_subject subject = subject_of(example, rule, &dnssec);

	if (is_own(trial, index, &subject, dnssec))
		doc_complain(trial->origins[index].doc, example,
		    "counterexamples: matched by its rule \"%s\"; make the pattern "
		    "narrower",
		    rule->name);
}

/* One example is where to look; of several, the pattern that takes them. */
static void
complain_taken(const struct trial *trial, size_t index)
{
	const struct example_origin *origin = &trial->origins[index];
	const struct faults *faults = &trial->of_rule[index];
	const struct example_origin *other = &trial->origins[faults->taken_index];
	const char *name = rules_get(trial->rules, index)->name;
	const char *other_name = rules_get(trial->rules, faults->taken_index)->name;

	if (faults->taken == 1)
		doc_complain(other->doc, faults->first_taken,
		    "examples: taken by the rule \"%s\" (%s, line %zu), which stands "
		    "before \"%s\"; move one of them, or make the first one narrower",
		    name, doc_name(origin->doc), origin->name->line, other_name);
	else
		doc_complain(origin->doc, origin->reason,
		    "reason: takes %zu examples of rules behind it, the first of \"%s\" "
		    "(%s, line %zu); make the pattern narrower, or move the rule behind "
		    "them",
		    faults->taken, other_name, doc_name(other->doc),
		    faults->first_taken->line);
}

static void
complain(const struct trial *trial, size_t index)
{
	const struct example_origin *origin = &trial->origins[index];
	const struct faults *faults = &trial->of_rule[index];
	const struct rule_source *rule = rules_get(trial->rules, index);
	struct buf more = {0};

	if (faults->taken > 0)
		complain_taken(trial, index);
	if (faults->missed > 1)
		buf_printf(&more, " (and %zu more)", faults->missed - 1);
	if (faults->missed > 0)
		doc_complain(origin->doc, faults->first_missed,
		    "examples: not matched by its rule \"%s\"%s%s; correct the text or "
		    "the "
		    "pattern",
		    rule->name, buf_text(&more),
		    looks_at_more(rule) && faults->first_missed->kind == NODE_TEXT
		        ? " (dsn, service and status are empty unless given)"
		        : "");
	buf_clear(&more);
}

static void
try_rule(const struct trial *trial, size_t index)
{
	const struct node *examples = trial->origins[index].examples;
	const struct node *counters = trial->origins[index].counterexamples;
	const struct node *node;

	for (node = first_example(examples); node; node = next_example(examples, node))
		try_example(trial, index, node);
	for (node = first_example(counters); node; node = next_example(counters, node))
		try_counterexample(trial, index, node);
}

void
example_try_all(const struct rules *rules, const struct example_origin *origins)
{
	struct trial trial = {.rules = rules,
	    .origins = origins,
	    .matcher = rules_matcher_new(rules),
	    .of_rule = mem_new(rules_count(rules) + 1, sizeof(struct faults))};

	for (size_t i = 0; i < rules_count(rules); i++)
		try_rule(&trial, i);
	for (size_t i = 0; i < rules_count(rules); i++)
		complain(&trial, i);
	free(trial.of_rule);
	rules_matcher_free(trial.matcher);
}
