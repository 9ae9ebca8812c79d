/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/fair.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/host.h"

#define FAIR_FEW 16 /* wait, where few do */

struct waiting {
	int64_t id;
	unsigned rank;
	size_t text;    /* where its domain begins */
	unsigned turn;  /* so many of its domain come before it */
	unsigned place; /* among those of one turn */
	const char *domain;
};

struct fair {
	size_t count, size;
	struct waiting *waiting;
	struct buf domains; /* each with a NUL behind it */
};

struct fair *
fair_new(void)
{
	return mem_new(1, sizeof(struct fair));
}

void
fair_free(struct fair *fair)
{
	if (fair == NULL)
		return;
	buf_clear(&fair->domains);
	free(fair->waiting);
	free(fair);
}

void
fair_domain(const char *key, char domain[NEXTHOP_KEY_SIZE])
{
	struct nexthop nexthop;
	struct str parent = STR("");

	if (nexthop_parse(str_of(key), &nexthop))
		parent = host_parent(str_of(nexthop.host));
	str_copy(parent.len > 0 ? parent : str_of(key), domain, NEXTHOP_KEY_SIZE);
}

void
fair_add(struct fair *fair, int64_t id, const char *key)
{
	fair_add_ranked(fair, id, key, 0);
}

void
fair_add_ranked(struct fair *fair, int64_t id, const char *key, unsigned rank)
{
	char domain[NEXTHOP_KEY_SIZE];

	if (fair->count == FAIR_MAX)
		return;
	fair_domain(key, domain);
	if (fair->count == fair->size) {
		fair->size = fair->size == 0 ? FAIR_FEW : 2 * fair->size;
		fair->waiting =
		    mem_array(fair->waiting, fair->size, sizeof(*fair->waiting));
	}
	fair->waiting[fair->count] = (struct waiting){.id = id,
	    .rank = rank,
	    .text = fair->domains.len,
	    .place = (unsigned)fair->count};
	buf_add_str(&fair->domains, str_of(domain));
	buf_add_char(&fair->domains, '\0');
	fair->count++;
}

void
fair_turn_round(struct fair *fair)
{
	unsigned count = (unsigned)fair->count;

	for (unsigned i = 0; i < count; i++)
		fair->waiting[i].place = count - 1 - fair->waiting[i].place;
}

static int
by_place(const struct waiting *one, const struct waiting *two)
{
	return one->place < two->place ? -1 : one->place > two->place;
}

static int
by_domain(const void *a, const void *b)
{
	const struct waiting *one = a, *two = b;
	int order = strcmp(one->domain, two->domain);

	return order != 0 ? order : by_place(one, two);
}

static int
by_turn(const void *a, const void *b)
{
	const struct waiting *one = a, *two = b;

	if (one->rank != two->rank)
		return one->rank < two->rank ? -1 : 1;
	if (one->turn != two->turn)
		return one->turn < two->turn ? -1 : 1;
	return by_place(one, two);
}

/* Turns, in the order of domains. */
static void
take_turns(struct fair *fair)
{
	struct waiting *w = fair->waiting;

	if (fair->count == 0)
		return; /* there is no array */
	for (size_t i = 0; i < fair->count; i++)
		w[i].domain = buf_text(&fair->domains) + w[i].text;
	qsort(w, fair->count, sizeof(*w), by_domain);
	for (size_t i = 0; i < fair->count; i++)
		w[i].turn = i > 0 && strcmp(w[i - 1].domain, w[i].domain) == 0
		    ? w[i - 1].turn + 1
		    : 0;
}

static size_t
take(struct fair *fair, int64_t *ids, size_t most)
{
	size_t count = fair->count < most ? fair->count : most;

	if (count > 0)
		qsort(fair->waiting, fair->count, sizeof(*fair->waiting), by_turn);
	for (size_t i = 0; i < count; i++)
		ids[i] = fair->waiting[i].id;
	return count;
}

size_t
fair_take(struct fair *fair, int64_t *ids, size_t most)
{
	take_turns(fair);
	return take(fair, ids, most);
}

size_t
fair_take_after(struct fair *fair, const char *after, int64_t *ids, size_t most)
{
	unsigned count = (unsigned)fair->count;

	take_turns(fair);
	for (unsigned i = 0; i < count; i++)
		fair->waiting[i].place =
		    i + (strcmp(fair->waiting[i].domain, after) > 0 ? 0 : count);
	return take(fair, ids, most);
}
