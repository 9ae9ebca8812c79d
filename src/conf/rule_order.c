/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/rule_order.h"

#include <stdlib.h>

#include "base/like.h"
#include "base/mem.h"

struct order {
	struct rule_place *const *places;
	size_t count;
};

/* Where the names of rules stand: in the files beside this one. */
static void
add_files(const struct order *order, const struct doc *doc, struct buf *out)
{
	const struct doc *last = NULL;

	for (size_t i = 0; i < order->count; i++) {
		const struct doc *other = order->places[i]->doc;

		if (other == doc || other == last)
			continue;
		buf_printf(out, "%s%s", last == NULL ? "; the names are in " : ", ",
		    doc_name(other));
		last = other;
	}
	if (last == NULL)
		buf_printf(out,
		    "; no other rule file is read: rules: of the configuration "
		    "lists them");
}

/* The rule of that name that can be overridden or disabled. NULL, complained of at node:
 * there is none. */
static struct rule_place *
find(const struct order *order, struct doc *doc, const struct node *node, const char *key)
{
	const char **known = mem_new(order->count + 1, sizeof(*known)), *like;
	struct rule_place *found = NULL;
	struct buf shown = {0};
	size_t count = 0;

	for (size_t i = 0; i < order->count && found == NULL; i++) {
		struct rule_place *place = order->places[i];

		if (place->name == NULL || place->override != NULL)
			continue;
		if (str_equal(place->name->text, node->text))
			found = place;
		known[count++] = place->name->text.p;
	}
	if (found == NULL) {
		node_describe(node, &shown);
		like = like_nearest(node->text, known, count);
		if (like != NULL)
			buf_printf(&shown, "; did you mean \"%s\"?", like);
		else
			add_files(order, doc, &shown);
		doc_complain(doc, node, "%s: there is no rule %s", key, buf_text(&shown));
		buf_clear(&shown);
	}
	free(known);
	return found;
}

static void
put_in_place(const struct order *order, struct rule_place *place)
{
	struct rule_place *target = find(order, place->doc, place->override, "override");

	if (target == NULL)
		return;
	if (target->instead != NULL)
		doc_complain(place->doc, place->override,
		    "override: \"%s\" is overridden in %s, line %zu, already; remove one",
		    place->override->text.p, doc_name(target->instead->doc),
		    target->instead->override->line);
	else
		target->instead = place;
}

static void
take_out(const struct order *order, struct doc *doc, const struct node *name)
{
	struct rule_place *target;

	if (name->kind == NODE_REFUSED)
		return;
	if (name->kind != NODE_TEXT || node_is_null(name)) {
		doc_complain_value(doc, name, "disable",
		    "where the name of a rule must be; write [NAME, NAME]");
		return;
	}
	target = find(order, doc, name, "disable");
	if (target == NULL)
		return;
	if (target->instead != NULL)
		doc_complain(doc, name,
		    "disable: \"%s\" is overridden in %s, line %zu; remove one",
		    name->text.p, doc_name(target->instead->doc),
		    target->instead->override->line);
	target->off_doc = doc;
	target->off = name;
}

void
rule_order(struct rule_place *const *places, size_t count,
    const struct rule_disable *disables, size_t disable_count)
{
	struct order order = {.places = places, .count = count};

	for (size_t i = 0; i < count; i++)
		if (places[i]->override != NULL)
			put_in_place(&order, places[i]);
	for (size_t i = 0; i < disable_count; i++) {
		const struct node *names = disables[i].names;

		if (names != NULL && names->kind == NODE_LIST)
			for (const struct node *n = names->child; n != NULL; n = n->next)
				take_out(&order, disables[i].doc, n);
		else if (names != NULL)
			take_out(&order, disables[i].doc, names);
	}
}

void
rule_order_note(struct rule_place *const *places, size_t count, struct errs *notes)
{
	for (size_t i = 0; i < count; i++) {
		const struct rule_place *place = places[i], *instead = place->instead;

		if (instead != NULL && instead->name != NULL)
			errs_add(notes, doc_name(instead->doc), instead->override->line,
			    0, "\"%s\" takes the place of \"%s\" (%s, line %zu)",
			    instead->name->text.p, place->name->text.p,
			    doc_name(place->doc), place->name->line);
		if (place->off != NULL)
			errs_add(notes, doc_name(place->off_doc), place->off->line, 0,
			    "\"%s\" (%s, line %zu) is off", place->name->text.p,
			    doc_name(place->doc), place->name->line);
	}
}
