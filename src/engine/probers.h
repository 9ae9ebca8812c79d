/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose servers are connected to next, and how many at once. Names cost nothing, a
 * registered domain costs little, and a server that keeps a connection for half a minute
 * costs whoever has it nothing: so neither one domain, nor those that are slow, nor those
 * that nobody knows get all there is. It asks nobody and knows no clock.
 */
#ifndef ENGINE_PROBERS_H
#define ENGINE_PROBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/choice.h"
#include "core/nexthop.h"
#include "engine/hosts.h"
#include "engine/witnesses.h"

#define PROBERS_MAX  64 /* addresses that are connected to at once, canaries' too; */
#define PROBERS_BUSY 16 /* so many of them since ... */
#define PROBERS_YOUNG \
	3000            /* ... less than this. An older one only waits: that takes \
	                   1 MB, and no time of the CPU */
#define PROBERS_SHARE 4 /* are of one registered domain */

/* Who goes first; whoever comes behind leaves room for those before. */
enum prober_rank {
	RANK_PAST,  /* the destination has a past, or one of its servers has */
	RANK_QUICK, /* a server of it was quick the last time */
	RANK_NEW,   /* nothing is known of it */
	RANK_SLOW,  /* one of the first two, and this server was slow lately */
	RANK_LAST,  /* none of these, and it was slow */
	RANK_COUNT,
};

/* An address that is being connected to. */
struct prober {
	const char *domains[2]; /* fair_domain() of the host, of the next-hop; borrowed */
	int64_t begun_ms;       /* monotonic */
};

/* Of a domain, whose servers are asked next. */
struct foremost {
	int64_t id; /* of the destination; 0: nobody's */
	char domain[NEXTHOP_KEY_SIZE];
};

/* There are no more: only of a domain of which somebody is asked must others wait. */
#define FOREMOST_MAX (2 * PROBERS_MAX)

/* Zero it. */
struct probers {
	struct foremost foremost[FOREMOST_MAX];
	char after[NEXTHOP_KEY_SIZE]; /* the domain that had its turn last */
	unsigned turn;

	/* Of this moment, for the caller to fill in. */
	int64_t now_ms; /* monotonic */
	struct prober busy[2 * PROBERS_MAX];
	size_t busy_count;
	int64_t wait_ms; /* out: when one more may be connected to, as all but that is
	                  * there. Monotonic */
	bool had_turn; /* somebody had, so that the order is not that of the next turn */
	const struct hosts *hosts;
	const struct witnessed_table *table;
};

/* One more is busy now. */
void probers_add(struct probers *p, const char *const domains[2], int64_t begun_ms);

/*
 * Those that wait for their servers, in the order of their turns: by rank, then each
 * domain after the other. That is every third turn; in the second, who came last of those
 * that nobody knows is first, as hundreds of domains may have been registered to stand
 * before it; in the third, who has waited for the longest time of these, and ranks count
 * nothing, so that all have a turn in the end.
 * beside: also those that still wait for the queue. To be freed.
 */
int64_t *probers_in_turn(const struct probers *p, bool beside, size_t *count);

/* May an address of w be connected to? Then it is its turn, and it may not be any more.
 */
void probers_take_turn(struct probers *p, const struct witnessed *w);

/* May that host of w be connected to now? */
bool probers_have_room(
    struct probers *p, const struct witnessed *w, const struct chosen_host *host);

/* Servers of w were connected to: the next turn is another's. */
void probers_had_turn(struct probers *p, const struct witnessed *w);

#endif
