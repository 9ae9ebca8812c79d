/* SPDX-License-Identifier: BSD-2-Clause */
/* The examples and counterexamples of rules: their form, and the proof they give. */
#ifndef CONF_RULE_EXAMPLES_H
#define CONF_RULE_EXAMPLES_H

#include "conf/doc.h"
#include "core/rules.h"

#define RULE_CAUSE_HELP \
	"is not known here; write self-signed, expired, not-yet-valid, name, issuer, " \
	"handshake, not-offered or refused"

/* Where a compiled rule was written. Borrowed from its document. */
struct example_origin {
	struct doc *doc;
	const struct node *name;
	const struct node *reason;
	const struct node *examples;        /* may be NULL */
	const struct node *counterexamples; /* may be NULL */
};

/* Complain of what is neither a text nor a mapping of the known keys. NULL is none. */
void example_check(struct doc *doc, const struct node *examples, const char *key);

/*
 * Try each example of each rule: it must be taken by its own rule first, and each
 * counterexample not by its own. origins is indexed as the rules are; complaints go to
 * their documents.
 */
void example_try_all(const struct rules *rules, const struct example_origin *origins);

#endif
