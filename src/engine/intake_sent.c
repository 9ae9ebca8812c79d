/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/intake_sent.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_report.h"

bool
intake_sent_store(
    struct store *store, int64_t id, const struct intake_sent *sent, struct err *err)
{
	const char *nodes[] = {"", sent->node};
	size_t count = sent->node[0] != '\0' ? 2 : 1;
	char what[STORE_WHAT_SIZE];

	for (size_t i = 0; i < count; i++) {
		store_sent_what(nodes[i], protection_name(sent->protection), what);
		if (!store_tally_add(store, id, sent->day, what, sent->count, err))
			return false;
	}
	return true;
}

static bool
is_of(const struct intake_sent *a, const struct intake_sent *b)
{
	return a->day == b->day && a->protection == b->protection &&
	    strcmp(a->node, b->node) == 0;
}

void
intake_sent_note(struct intake_sents *all, const struct intake_sent *sent)
{
	for (size_t i = all->count; i > 0; i--) {
		if (is_of(&all->items[i - 1], sent)) {
			all->items[i - 1].count += sent->count;
			return;
		}
	}
	all->items = mem_array(all->items, all->count + 1, sizeof(*all->items));
	all->items[all->count++] = *sent;
}

bool
intake_sents_store(struct store *store, const struct intake_sents *all, struct err *err)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct intake_sent *sent = &all->items[i];
		const char *protection = protection_name(sent->protection);

		if (!store_month_add(
		        store, sent->day, "", protection, sent->count, err) ||
		    (sent->node[0] != '\0' &&
		        !store_month_add(
		            store, sent->day, sent->node, protection, sent->count, err)))
			return false;
	}
	return true;
}

void
intake_sents_clear(struct intake_sents *all)
{
	free(all->items);
	*all = (struct intake_sents){0};
}
