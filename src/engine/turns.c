/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/turns.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "engine/fair.h"

enum group {
	GROUP_BOTH, /* mail waits under a policy that is in force */
	GROUP_WAITED,
	GROUP_LIVE,
	GROUP_BOTH_FAILS,
	GROUP_WAITED_FAILS,
	GROUP_LIVE_FAILS,
	GROUP_REST,
	GROUP_REST_FAILS,
	GROUPS,
};

/* Turns that each group has, if it has as many: of one owner no more than a few can be
 * asked at a time, however many wait before others. */
#define GROUP_TURNS (TURNS_MAX / (2 * GROUPS))

struct added {
	size_t text; /* where its domain begins, in names */
	enum sts_ask ask;
	enum fetches_rank rank;
	bool fails;
};

struct turns {
	struct fair *groups[GROUPS]; /* NULL: nobody is in it */
	size_t counts[GROUPS];
	struct buf names; /* each with a NUL behind it */
	struct added *added;
	size_t added_count, added_size;
	struct turn *items; /* once they were taken */
	size_t count;
};

struct turns *
turns_new(void)
{
	return mem_new(1, sizeof(struct turns));
}

static void
free_added(struct turns *turns)
{
	for (size_t g = 0; g < GROUPS; g++) {
		fair_free(turns->groups[g]);
		turns->groups[g] = NULL;
	}
	buf_clear(&turns->names);
	free(turns->added);
	turns->added = NULL;
}

void
turns_free(struct turns *turns)
{
	if (turns == NULL)
		return;
	free_added(turns);
	free(turns->items);
	free(turns);
}

static enum group
group_of(bool fails, bool is_waited, bool is_live)
{
	if (is_waited && is_live)
		return fails ? GROUP_BOTH_FAILS : GROUP_BOTH;
	if (is_waited)
		return fails ? GROUP_WAITED_FAILS : GROUP_WAITED;
	if (is_live)
		return fails ? GROUP_LIVE_FAILS : GROUP_LIVE;
	return fails ? GROUP_REST_FAILS : GROUP_REST;
}

void
turns_add(
    struct turns *turns, const struct fetches_ask *ask, bool is_waited, bool is_live)
{
	enum group group = group_of(ask->fails, is_waited, is_live);

	if (turns->added_count == turns->added_size) {
		turns->added_size = turns->added_size > 0 ? 2 * turns->added_size : 64;
		turns->added =
		    mem_array(turns->added, turns->added_size, sizeof(*turns->added));
	}
	if (turns->groups[group] == NULL)
		turns->groups[group] = fair_new();
	fair_add(turns->groups[group], (int64_t)turns->added_count, ask->domain);
	turns->counts[group]++;
	turns->added[turns->added_count++] = (struct added){
	    .text = turns->names.len,
	    .ask = ask->ask,
	    .rank = is_live ? FETCHES_LIVE
	        : is_waited ? FETCHES_WAITED
	                    : FETCHES_REST,
	    .fails = ask->fails,
	};
	buf_add_str(&turns->names, str_of(ask->domain));
	buf_add_char(&turns->names, '\0');
}

static void
put(struct turns *turns, const struct added *added)
{
	struct turn *turn = &turns->items[turns->count++];

	str_copy(str_of(buf_text(&turns->names) + added->text), turn->domain,
	    sizeof(turn->domain));
	turn->ask = (struct fetches_ask){.domain = turn->domain,
	    .ask = added->ask,
	    .rank = added->rank,
	    .fails = added->fails};
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many of that group have turns, where room for so many is left: those behind it have
 * theirs. */
static size_t
share(const struct turns *turns, size_t group, size_t room)
{
	size_t others = 0;

	for (size_t g = group + 1; g < GROUPS; g++)
		others += least(turns->counts[g], GROUP_TURNS);
	return room > others ? room - others : 0;
}

size_t
turns_take(struct turns *turns, struct turn **out)
{
	int64_t ids[TURNS_MAX];
	size_t room = least(turns->added_count, TURNS_MAX);

	if (turns->items == NULL && room > 0) {
		turns->items = mem_new(room, sizeof(*turns->items));
		for (size_t g = 0; g < GROUPS && turns->count < room; g++) {
			size_t count = turns->groups[g] == NULL
			    ? 0
			    : fair_take(turns->groups[g], ids,
			          share(turns, g, room - turns->count));

			for (size_t i = 0; i < count; i++)
				put(turns, &turns->added[ids[i]]);
		}
		free_added(turns);
	}
	*out = turns->items;
	return turns->count;
}

bool
turns_are_more(const struct turns *turns)
{
	return turns->added_count > TURNS_MAX;
}
