/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/candidates.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/engine_impl.h"
#include "store/store_freeze.h"

#define CANDIDATES_OF 256               /* are looked through for them, ... */
#define STRIDE        7919              /* ... so far apart: a prime that is greater */
#define KNOWN_MS      (7 * SPAN_DAY_MS) /* so long it is known to verify */
#define FRESH_MS      (6 * SPAN_DAY_MS) /* then it is proven anew */

/* Days are counted back as for a past: where the clock is a year ahead nothing verifies,
 * and who did yesterday must be asked. */
static int64_t
today_ms(const struct engine *e)
{
	int64_t now_ms = engine_now(e).wall_ms, proof_ms = e->judge.proof_ms;

	return proof_ms != 0 && proof_ms < now_ms ? proof_ms : now_ms;
}

/* One of a parent domain that was proven. */
struct known {
	char name[NEXTHOP_HOST_SIZE];
	uint16_t port;
	int64_t verify_ms;
};

struct gathering {
	struct engine *e;
	struct candidates *all;
	struct known *known;
	size_t count;
	bool logged; /* those that follow are from the log */
};

/* Anybody can write a line: who is only told of is connected to where DNS names it. */
static bool
tells_where(const struct gathering *g, struct candidate *candidate)
{
	struct err ignored;
	bool told;

	return store_host_told_by(g->e->store, candidate->name, candidate->port, &told,
	           candidate->of, &ignored) &&
	    (!told || candidate->of[0] != '\0');
}

/* The first of each parent domain. False: there are enough. */
static bool
add(void *context, const char *name, uint16_t port)
{
	const struct gathering *g = context;
	struct candidates *c = g->all;
	struct str parent = host_parent(str_of(name));
	struct candidate *candidate = &c->items[c->count];
	struct host_past past;
	struct err ignored;

	if (c->count == CANDIDATES)
		return false;
	for (size_t i = 0; i < c->count; i++)
		if (str_equal(host_parent(str_of(c->items[i].name)), parent))
			return true;
	if (parent.len == 0 || !store_host_get(g->e->store, name, port, &past, &ignored))
		return true;
	*candidate = (struct candidate){
	    .port = port,
	    .proven = past.proven_ms > today_ms(g->e) - KNOWN_MS,
	    .fresh = past.proven_ms > today_ms(g->e) - FRESH_MS,
	};
	if (str_copy(str_of(name), candidate->name, sizeof(candidate->name)) &&
	    (!g->logged || tells_where(g, candidate)))
		c->count++;
	return c->count < CANDIDATES;
}

static void
add_configured(struct gathering *g)
{
	const struct strings *names = &g->e->config->probe.canaries;
	struct nexthop nexthop;

	for (size_t i = 0; i < names->count; i++)
		if (nexthop_parse(str_of(names->items[i]), &nexthop))
			add(g, nexthop.host, nexthop.port);
}

static bool
note_known(void *context, const char *name, uint16_t port)
{
	struct gathering *g = context;
	struct known *known = &g->known[g->count];
	struct host_past past;
	struct err ignored;

	if (!store_host_get(g->e->store, name, port, &past, &ignored) ||
	    !str_copy(str_of(name), known->name, sizeof(known->name)))
		return true;
	known->port = port;
	known->verify_ms = past.verify_ms;
	if (past.proven_ms > g->all->proven_ms)
		g->all->proven_ms = past.proven_ms;
	return ++g->count < CANDIDATES_OF;
}

static int
compare_known(const void *a, const void *b)
{
	const struct known *one = *(const struct known *const *)a;
	const struct known *two = *(const struct known *const *)b;

	return (one->verify_ms < two->verify_ms) - (one->verify_ms > two->verify_ms);
}

/*
 * Anybody may have servers of their own proven, and have them fail afterwards: by turns
 * one of those that were proven last, one of those that verified last, and any other,
 * which the hour chooses.
 */
static void
add_known(struct gathering *g)
{
	struct known *by_verify[CANDIDATES_OF];
	size_t hour = (size_t)(today_ms(g->e) / SPAN_HOUR_MS);

	if (g->count == 0)
		return;
	for (size_t i = 0; i < g->count; i++)
		by_verify[i] = &g->known[i];
	qsort(by_verify, g->count, sizeof(by_verify[0]), compare_known);
	for (size_t i = 0; i < g->count; i++) {
		const struct known *any = &g->known[(hour + i * STRIDE) % g->count];

		add(g, g->known[i].name, g->known[i].port);
		add(g, by_verify[i]->name, by_verify[i]->port);
		add(g, any->name, any->port);
	}
}

void
candidates_gather(struct engine *e, struct candidates *all)
{
	struct gathering g = {.e = e, .all = all};
	int64_t since_ms = today_ms(e) - KNOWN_MS;
	struct err err;

	g.known = mem_new(CANDIDATES_OF, sizeof(*g.known));
	all->count = 0;
	all->proven_ms = 0;
	add_configured(&g);
	if (!store_each_verified_parent(
	        e->store, true, since_ms, CANDIDATES_OF, note_known, &g, &err))
		engine_not_stored(e, "find canaries", &err);
	add_known(&g);
	g.logged = true;
	if (!store_each_verified_parent(
	        e->store, false, since_ms, CANDIDATES_OF, add, &g, &err))
		engine_not_stored(e, "find canaries", &err);
	free(g.known);
}

void
candidates_gather_last(struct engine *e, struct candidates *all)
{
	struct gathering g = {.e = e, .all = all, .logged = true};
	struct err err;

	all->count = 0;
	all->proven_ms = 0;
	if (!store_each_last(e->store, e->judge.default_level,
	        engine_now(e).wall_ms + SPAN_MINUTE_MS, add, &g, &err))
		engine_not_stored(e, "find servers that verified", &err);
}
