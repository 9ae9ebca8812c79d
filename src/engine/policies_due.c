/* SPDX-License-Identifier: BSD-2-Clause */
/* Of which Policy Domains something is to be asked, and whose turn it is. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/fair.h"
#include "engine/policies_impl.h"
#include "store/store_sts.h"

#define LOOK_FIRST    (FAIR_MAX / 2) /* that are due are looked through ... */
#define LOOK_FURTHER  (FAIR_MAX / 2) /* ... and so many behind them, further each time */
#define LOOK_STEP     (LOOK_FURTHER / 2) /* by that: who is passed over as others leave */
#define SETTLE_MAX    512                /* of whom nothing is to be asked, at a time */
#define LOOK_EVERY_MS 1000               /* where more are due than have turns ... */
#define LOOK_TIMES    20 /* ... and so many times as long as it took, at least */
#define MAIL_PASSED   64 /* that wait for others of their owner, at a time */

/* --- what is due ------------------------------------------------------------------- */

struct looking {
	struct engine *e;
	const struct moment *now;
	struct policies *p;
	/* Of whom nothing is to be asked; NULL: there is none. */
	char (*settle)[NEXTHOP_HOST_SIZE];
	size_t settle_count;
	int64_t count; /* were looked at */
};

/* Monotonic: until when it is not asked, as what came could not be stored; 0: it is. */
static int64_t
unstored_ms(const struct policies *p, const char *domain, enum sts_ask ask,
    const struct moment *now)
{
	int64_t until_ms = fetches_barred_ms(&p->all, domain, now->mono_ms);

	if (ask == STS_ASK_POLICY && backoff_waits(&p->storing, now->mono_ms) &&
	    p->storing.again_ms > until_ms)
		until_ms = p->storing.again_ms;
	return until_ms;
}

/* What is to be asked of it now. */
static enum sts_ask
due_ask(struct engine *e, const struct sts_record *r, const struct moment *now)
{
	struct sts_next next = engine_next_of_policy(e, r, now->wall_ms);

	return next.at_ms > now->wall_ms ? STS_ASK_NOTHING : next.ask;
}

static bool
collect(void *context, const struct sts_record *r)
{
	struct looking *l = context;
	struct policies *p = l->p;
	struct fetches_ask ask = {.domain = r->domain, .ask = due_ask(l->e, r, l->now)};
	int64_t until_ms;

	l->count++;
	if (fetches_is_busy(&p->all, r->domain))
		return true;
	if (ask.ask == STS_ASK_NOTHING) {
		if (l->settle == NULL)
			l->settle = mem_new(SETTLE_MAX, sizeof(*l->settle));
		if (l->settle_count < SETTLE_MAX)
			memcpy(
			    l->settle[l->settle_count++], r->domain, sizeof(r->domain));
		return true;
	}
	until_ms = unstored_ms(p, r->domain, ask.ask, l->now);
	if (until_ms != 0) {
		if (p->again_ms == 0 || until_ms < p->again_ms)
			p->again_ms = until_ms;
		return true;
	}
	ask.fails =
	    ask.ask == STS_ASK_TXT ? r->state.txt_failures > 0 : r->state.failures > 0;
	turns_add(p->turns, &ask, r->waited,
	    strcmp(r->applied, sts_applies_name(STS_APPLIES_ENFORCE)) == 0);
	return true;
}

static bool
settle(struct engine *e, const char *domain, int64_t now_ms, struct err *err)
{
	struct sts_record r;
	bool found, done;

	done = store_begin(e->store, err) &&
	    store_sts_get(e->store, domain, &r, &found, err);
	if (!done)
		return false;
	done = engine_settle_policy(e, &r, false, now_ms, err) &&
	    store_commit(e->store, err);
	sts_record_clear(&r);
	return done;
}

static int64_t
next_look_ms(int64_t began_ms, int64_t ended_ms)
{
	int64_t wait_ms = LOOK_TIMES * (ended_ms - began_ms);

	return ended_ms + (wait_ms > LOOK_EVERY_MS ? wait_ms : LOOK_EVERY_MS);
}

/* Who comes first may be asked slowly, as thousands of names of one owner: the others are
 * looked through a piece at a time. */
static bool
look_at_all(struct looking *l, struct err *err)
{
	struct store *store = l->e->store;
	int64_t now_ms = l->now->wall_ms, *further = &l->p->further;

	if (!store_each_sts_due(store, now_ms, 0, LOOK_FIRST, collect, l, err))
		return false;
	if (l->count < LOOK_FIRST)
		return true;
	if (*further < LOOK_FIRST)
		*further = LOOK_FIRST;
	l->count = 0;
	if (!store_each_sts_due(store, now_ms, *further, LOOK_FURTHER, collect, l, err))
		return false;
	*further = l->count < LOOK_FURTHER ? 0 : *further + LOOK_STEP;
	return true;
}

/* Who is due. Where these are more than are kept, that is not looked for each time that
 * one of them is done. */
static bool
look_through(
    struct engine *e, struct policies *p, const struct moment *now, struct err *err)
{
	struct looking l = {.e = e, .now = now, .p = p};
	bool done;

	turns_free(p->turns);
	p->turns = turns_new();
	p->again_ms = 0;
	done = look_at_all(&l, err);
	for (size_t i = 0; done && i < l.settle_count; i++) {
		done = settle(e, l.settle[i], now->wall_ms, err);
		p->wrote = true;
	}
	p->look = p->look || l.settle_count == SETTLE_MAX;
	p->turns_ms = next_look_ms(now->mono_ms, engine_now(e).mono_ms);
	free(l.settle);
	return done;
}

/* Its turn has come, but it may have been asked, or changed, since it was looked for. */
static bool
begin_turn(struct engine *e, struct policies *p, struct turn *turn,
    const struct moment *now, struct err *err)
{
	struct sts_record r;
	struct sts_asked asked;
	bool found, hastened;

	turn->done = true;
	if (!store_sts_get(e->store, turn->domain, &r, &found, err))
		return false;
	turn->ask.ask = found ? due_ask(e, &r, now) : STS_ASK_NOTHING;
	asked = sts_asked(&r.state);
	hastened = turn->ask.ask == STS_ASK_POLICY &&
	    sts_next(&r.state, r.mail_ms, now->wall_ms).at_ms > now->wall_ms;
	sts_record_clear(&r);
	if (turn->ask.ask == STS_ASK_NOTHING ||
	    !fetches_may_begin(&p->all, &turn->ask, now->mono_ms))
		return true;
	if (hastened)
		fetches_hasten(&p->all, turn->domain, now->mono_ms);
	policies_begin(e, p, &turn->ask, 0, &asked, now);
	return true;
}

bool
policies_begin_due(
    struct engine *e, struct policies *p, const struct moment *now, struct err *err)
{
	static const struct fetches_ask first = {
	    .ask = STS_ASK_TXT, .rank = FETCHES_LIVE};
	struct turn *turns;
	size_t count, left = 0;
	bool done = true;

	if ((p->turns == NULL || !turns_are_more(p->turns) ||
	        now->mono_ms >= p->turns_ms) &&
	    !look_through(e, p, now, err))
		return false;
	count = turns_take(p->turns, &turns);
	for (size_t i = 0; done && i < count; i++) {
		if (!turns[i].done && fetches_have_room(&p->all, &first, now->mono_ms) &&
		    fetches_may_begin(&p->all, &turns[i].ask, now->mono_ms))
			done = begin_turn(e, p, &turns[i], now, err);
		left += !turns[i].done;
	}
	if (left == 0) {
		p->look = p->look || turns_are_more(p->turns);
		turns_free(p->turns);
		p->turns = NULL;
	}
	return done && store_sts_next(e->store, now->wall_ms, &p->next_ms, err);
}

/* --- who was sent mail ------------------------------------------------------------- */

/* What DNS is to be asked for one that was sent mail. */
static struct fetches_ask
ask_of_mail(const char *domain)
{
	return (struct fetches_ask){
	    .domain = domain, .ask = STS_ASK_TXT, .rank = FETCHES_REST};
}

bool
policies_have_mail_room(const struct policies *p, const struct moment *now)
{
	struct fetches_ask ask = ask_of_mail("");

	return fetches_have_room(&p->all, &ask, now->mono_ms);
}

/* done false: DNS is being asked for another name of its owner, or what its domain
 * announces for another key of the same; it is looked at again when that is known. begun:
 * it is being asked now, and forgotten once the answer is stored: until then the daemon
 * may be killed. */
static bool
note_mail(struct engine *e, struct policies *p, int64_t id, const char *domain,
    const struct moment *now, bool *done, bool *begun, struct err *err)
{
	struct fetches_ask ask = ask_of_mail(domain);
	bool found;

	if (!engine_note_policy_mail(e, id, domain, now->wall_ms, &found, err))
		return false;
	*done = found || fetches_may_begin(&p->all, &ask, now->mono_ms);
	*begun = !found && *done;
	if (*begun)
		policies_begin(e, p, &ask, id, &(struct sts_asked){.refresh = 0}, now);
	p->look = true;
	return true;
}

/* Behind the last one, and from the first again. */
static bool
next_mail(struct engine *e, struct policies *p, int64_t *id, struct err *err)
{
	return store_sts_mail_next(e->store, p->mail_id, id, err) &&
	    (*id != 0 || p->mail_id == 0 || store_sts_mail_next(e->store, 0, id, err));
}

/* The next whose owner is not being asked about already: his name servers may hang. */
bool
policies_look_at_mail(
    struct engine *e, struct policies *p, const struct moment *now, struct err *err)
{
	char domain[NEXTHOP_HOST_SIZE];
	bool done = false, begun = false;
	int64_t id = 1;

	if (!store_begin(e->store, err))
		return false;
	for (unsigned i = 0; i < MAIL_PASSED && !done && id != 0; i++) {
		if (!next_mail(e, p, &id, err))
			return false;
		p->mail_id = id;
		done = true;
		if (id != 0 &&
		    (!engine_policy_domain(e, id, domain, err) ||
		        (domain[0] != '\0' &&
		            !note_mail(e, p, id, domain, now, &done, &begun, err)) ||
		        (done && !begun && !store_sts_mail_done(e->store, id, err))))
			return false;
	}
	p->wrote = p->wrote || id != 0;
	p->mail_ms = id != 0 ? now->mono_ms + POLICIES_MAIL_EVERY_MS : 0;
	return store_commit(e->store, err);
}
