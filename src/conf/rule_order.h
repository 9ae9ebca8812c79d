/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which rules of the files count, and in what order: `override: NAME` of a rule puts it
 * in the place of the one of that name, `disable: [NAME]` of a file takes one out.
 */
#ifndef CONF_RULE_ORDER_H
#define CONF_RULE_ORDER_H

#include <stddef.h>

#include "base/err.h"
#include "conf/doc.h"

/* A rule as far as its order goes. Borrowed from its document. */
struct rule_place {
	struct doc *doc;
	const struct node *name;          /* a text; NULL: none that can be used */
	const struct node *override;      /* a text; NULL: none */
	const struct rule_place *instead; /* the rule that takes its place */
	struct doc *off_doc;              /* where it is disabled; NULL: it is not */
	const struct node *off;
};

/* A `disable` of a file: a text or a list; NULL: none. */
struct rule_disable {
	struct doc *doc;
	const struct node *names;
};

/*
 * Fill in instead and off of places[0..count), which stand in the order of the files.
 * A name that is not there, and one that is named twice, is a complaint of its document.
 */
void rule_order(struct rule_place *const *places, size_t count,
    const struct rule_disable *disables, size_t disable_count);

/* A line for each that is overridden or off, as FILE:LINE: what. */
void rule_order_note(struct rule_place *const *places, size_t count, struct errs *notes);

#endif
