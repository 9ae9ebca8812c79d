/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/probers.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/fair.h"

/* So many may be connected to at once, where one of the rank is to be the next. */
static const size_t room_of[RANK_COUNT] = {
    [RANK_PAST] = 56,
    [RANK_QUICK] = 52,
    [RANK_NEW] = 48,
    [RANK_SLOW] = 32,
    [RANK_LAST] = 24,
};

/* Turn by turn. */
enum {
	TURN_BY_RANK,
	TURN_OF_NEWEST,
	TURN_OF_OLDEST,
	TURNS,
};

void
probers_add(struct probers *p, const char *const domains[2], int64_t begun_ms)
{
	if (p->busy_count == sizeof(p->busy) / sizeof(p->busy[0]))
		return;
	p->busy[p->busy_count++] = (struct prober){{domains[0], domains[1]}, begun_ms};
}

/* --- ranks ------------------------------------------------------------------------- */

/* Is one of its servers known, and quick? */
static bool
has_quick(const struct probers *p, const struct witnessed *w)
{
	const struct witnessed_servers *of = w->servers;

	for (unsigned i = 0; i < of->choice.count; i++) {
		const struct host *host =
		    hosts_peek(p->hosts, of->choice.hosts[i].name, of->port);

		if (host != NULL && host_is_quick(host, p->now_ms))
			return true;
	}
	return false;
}

static enum prober_rank
rank_of(const struct probers *p, const struct witnessed *w, bool slow)
{
	if (w->servers->has_past)
		return slow ? RANK_SLOW : RANK_PAST;
	if (has_quick(p, w))
		return slow ? RANK_SLOW : RANK_QUICK;
	return slow ? RANK_LAST : RANK_NEW;
}

static enum prober_rank
rank_of_host(
    const struct probers *p, const struct witnessed *w, const struct chosen_host *chosen)
{
	const struct host *host = hosts_peek(p->hosts, chosen->name, w->servers->port);

	return rank_of(p, w, host != NULL && host_is_slow(host, p->now_ms));
}

/* That of the best server that it still has to hear of. */
static enum prober_rank
rank_of_all(const struct probers *p, const struct witnessed *w)
{
	const struct witnessed_servers *of = w->servers;
	bool slow = true;

	for (unsigned i = 0; i < of->choice.count && slow; i++) {
		const struct host *host =
		    hosts_peek(p->hosts, of->choice.hosts[i].name, of->port);

		slow = of->heard[i] || (host != NULL && host_is_slow(host, p->now_ms));
	}
	return rank_of(p, w, slow);
}

/* Nothing was asked for it yet. */
static bool
is_untouched(const struct probers *p, const struct witnessed *w)
{
	const struct witnessed_servers *of = w->servers;

	for (unsigned i = 0; i < of->choice.count; i++)
		if (hosts_peek(p->hosts, of->choice.hosts[i].name, of->port) != NULL)
			return false;
	return true;
}

/* --- turns ------------------------------------------------------------------------- */

static void
put_first(int64_t *ids, size_t count, int64_t id)
{
	size_t at = 0;

	while (at < count && ids[at] != id)
		at++;
	if (at == count)
		return;
	memmove(&ids[1], &ids[0], at * sizeof(*ids));
	ids[0] = id;
}

/* Is it to be the first of all, rather than that other? */
static bool
is_first(
    const struct probers *p, const struct witnessed *w, const struct witnessed *other)
{
	if (p->turn % TURNS == TURN_BY_RANK)
		return false;
	if (other != NULL &&
	    (p->turn % TURNS == TURN_OF_NEWEST ? w->answers_ms <= other->answers_ms
	                                       : w->answers_ms >= other->answers_ms))
		return false;
	return is_untouched(p, w);
}

int64_t *
probers_in_turn(const struct probers *p, bool beside, size_t *count)
{
	bool ranked = p->turn % TURNS != TURN_OF_OLDEST;
	size_t all = witnesses_count(p->table);
	const struct witnessed *first = NULL;
	struct fair *fair = fair_new();
	int64_t *ids = mem_new(all + 1, sizeof(*ids));

	for (size_t i = 0; i < all; i++) {
		const struct witnessed *w = witnesses_at(p->table, i);

		if ((w->wants & WANTS_SERVERS) == 0 ||
		    (!beside && (w->wants & WANTS_QUEUE) != 0))
			continue;
		fair_add_ranked(fair, w->id, w->servers->choice.domain,
		    ranked ? rank_of_all(p, w) : 0);
		if (is_first(p, w, first))
			first = w;
	}
	*count = fair_take_after(fair, p->after, ids, all);
	if (first != NULL)
		put_first(ids, *count, first->id);
	fair_free(fair);
	return ids;
}

void
probers_had_turn(struct probers *p, const struct witnessed *w)
{
	fair_domain(w->servers->choice.domain, p->after);
	p->turn++;
	p->had_turn = true;
}

/* --- shares of one domain ---------------------------------------------------------- */

/* How many addresses of that domain are being connected to. */
static size_t
held_by(const struct probers *p, const char *domain)
{
	size_t count = 0;

	for (size_t i = 0; i < p->busy_count; i++)
		count += strcmp(p->busy[i].domains[0], domain) == 0 ||
		    strcmp(p->busy[i].domains[1], domain) == 0;
	return count;
}

static bool
is_waiting(const struct probers *p, int64_t id)
{
	const struct witnessed *w = witnesses_find(p->table, id);

	return w != NULL && (w->wants & WANTS_SERVERS) != 0;
}

/* Of that domain, by whomever that still waits; else one that is free. */
static struct foremost *
foremost_of(struct probers *p, const char *domain)
{
	struct foremost *spare = NULL;

	for (unsigned i = 0; i < FOREMOST_MAX; i++) {
		struct foremost *f = &p->foremost[i];

		if (f->id != 0 && !is_waiting(p, f->id))
			f->id = 0;
		if (f->id != 0 && strcmp(f->domain, domain) == 0)
			return f;
		if (f->id == 0)
			spare = f;
	}
	return spare;
}

/*
 * One that has more addresses than that is asked when nobody else of its domain is; until
 * then nobody of it is asked that comes behind, as hosts with one address would overtake
 * it for ever. Who comes behind somebody that was just asked is not the next by that.
 */
static bool
has_share(struct probers *p, int64_t id, const char *name, unsigned addresses)
{
	char domain[NEXTHOP_KEY_SIZE];
	struct foremost *first;
	size_t held;

	fair_domain(name, domain);
	first = foremost_of(p, domain);
	if (first != NULL && first->id != 0 && first->id != id)
		return false;
	held = held_by(p, domain);
	if (held == 0 || held + addresses <= PROBERS_SHARE)
		return true;
	if (first != NULL && !p->had_turn) {
		first->id = id;
		str_copy(str_of(domain), first->domain, sizeof(first->domain));
	}
	return false;
}

/* --- room -------------------------------------------------------------------------- */

/* Where too many are young it is when the first of them is not. */
static bool
has_place(struct probers *p, enum prober_rank rank)
{
	int64_t old_ms = INT64_MAX;
	size_t young = 0;

	if (p->busy_count >= room_of[rank])
		return false;
	for (size_t i = 0; i < p->busy_count; i++) {
		int64_t at_ms = p->busy[i].begun_ms + PROBERS_YOUNG;

		young += at_ms > p->now_ms;
		if (at_ms > p->now_ms && at_ms < old_ms)
			old_ms = at_ms;
	}
	if (young < PROBERS_BUSY)
		return true;
	if (old_ms < p->wait_ms)
		p->wait_ms = old_ms;
	return false;
}

void
probers_take_turn(struct probers *p, const struct witnessed *w)
{
	if (!has_place(p, rank_of_all(p, w)))
		return;
	for (unsigned i = 0; i < FOREMOST_MAX; i++)
		if (p->foremost[i].id == w->id)
			p->foremost[i].id = 0;
}

bool
probers_have_room(
    struct probers *p, const struct witnessed *w, const struct chosen_host *host)
{
	unsigned addresses = host->literal ? 1 : host->address_count;

	return has_place(p, rank_of_host(p, w, host)) &&
	    has_share(p, w->id, host->name, addresses) &&
	    has_share(p, w->id, w->servers->choice.domain, addresses);
}
