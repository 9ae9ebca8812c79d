/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Canaries: before a step below an authenticated level, a host of somebody else that is
 * known to verify is connected to. If it verifies now, our own CA file, clock and network
 * are as they should be; if it does not, they are not.
 *
 * A canary is a host that a probe found to verify within the last days: what the log
 * calls verified may have been so by TLSA records. Hosts that the log calls so, and those
 * of the configuration, are candidates, which become canaries by being asked. A few are
 * kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/engine_impl.h"

#define CANDIDATES    16   /* of different parent domains */
#define CANDIDATES_OF 256  /* are looked through for them, ... */
#define STRIDE        7919 /* ... so far apart: a prime that is greater */
#define ASKED_MAX     12   /* for one destination, until one verifies: the first, ... */
#define AT_ONCE       4    /* ... and, where it does not, so many at once */
#define SPOKEN_MS     SPAN_HOUR_MS          /* who verified since then speaks for us */
#define KEPT          3                     /* so many are proven: checked ... */
#define KEPT_MS       SPAN_HOUR_MS          /* ... this often, ... */
#define LACK_MS       (5 * SPAN_SECOND_MS)  /* ... and where there are fewer, with news */
#define KNOWN_MS      (7 * SPAN_DAY_MS)     /* so long it is known to verify */
#define FRESH_MS      (6 * SPAN_DAY_MS)     /* then it is proven anew */
#define TRIED_MS      SPAN_DAY_MS           /* one that does not verify is left alone */
#define SILENT_MS     (10 * SPAN_MINUTE_MS) /* ... and one that is silent */
#define SERVES_MS     (10 * SPAN_MINUTE_MS) /* so long its answer does */
#define CACHED_MS     (10 * SPAN_SECOND_MS)
#define NO_ROOM_MS    SPAN_SECOND_MS

struct candidate {
	char name[NEXTHOP_HOST_SIZE];
	uint16_t port;
	bool proven; /* a canary */
	bool fresh;
};

struct canary {
	struct duty_state base;
	struct candidate candidates[CANDIDATES];
	size_t count;
	int64_t cached_ms; /* monotonic: when they were read; 0: not, or others came */
	bool look;
	bool keep;         /* whether there are enough is to be checked */
	bool lacks;        /* there are not: it is checked again soon after news */
	int64_t keep_ms;   /* monotonic: not before then */
	int64_t failed_ms; /* wall: when one failed, and no other verified; 0: none did */
	int64_t since_ms;  /* wall: since when none of those that were asked verifies */
	int64_t proven_ms; /* wall: when a probe found one of those that are known to
	                      verify last */
	int64_t at_ms; /* monotonic: when a host may be asked; DUE_NEVER: none waits */
};

/* --- candidates -------------------------------------------------------------------- */

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
	struct canary *c;
	struct known *known;
	size_t count;
};

/* The first of each parent domain. False: there are enough. */
static bool
add(void *context, const char *name, uint16_t port)
{
	const struct gathering *g = context;
	struct canary *c = g->c;
	struct str parent = host_parent(str_of(name));
	struct candidate *candidate = &c->candidates[c->count];
	struct host_past past;
	struct err ignored;

	if (c->count == CANDIDATES)
		return false;
	for (size_t i = 0; i < c->count; i++)
		if (str_equal(host_parent(str_of(c->candidates[i].name)), parent))
			return true;
	if (parent.len == 0 || !store_host_get(g->e->store, name, port, &past, &ignored))
		return true;
	*candidate = (struct candidate){
	    .port = port,
	    .proven = past.proven_ms > today_ms(g->e) - KNOWN_MS,
	    .fresh = past.proven_ms > today_ms(g->e) - FRESH_MS,
	};
	if (str_copy(str_of(name), candidate->name, sizeof(candidate->name)))
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
	if (past.proven_ms > g->c->proven_ms)
		g->c->proven_ms = past.proven_ms;
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

/* Those of the administrator, canaries, and who may become one. */
static void
gather(struct engine *e, struct canary *c)
{
	struct gathering g = {.e = e, .c = c};
	int64_t since_ms = today_ms(e) - KNOWN_MS, now_ms = engine_now(e).mono_ms;
	struct err err;

	if (c->cached_ms != 0 && now_ms - c->cached_ms < CACHED_MS)
		return;
	g.known = mem_new(CANDIDATES_OF, sizeof(*g.known));
	c->cached_ms = now_ms;
	c->count = 0;
	c->proven_ms = 0;
	add_configured(&g);
	if (!store_each_verified_parent(
	        e->store, true, since_ms, CANDIDATES_OF, note_known, &g, &err))
		engine_not_stored(e, "find canaries", &err);
	add_known(&g);
	if (!store_each_verified_parent(
	        e->store, false, since_ms, CANDIDATES_OF, add, &g, &err))
		engine_not_stored(e, "find canaries", &err);
	free(g.known);
}

/* --- asking one -------------------------------------------------------------------- */

struct canary_task {
	struct task task;
	struct measure_job ask; /* of the host as a destination: its addresses */
	char name[NEXTHOP_HOST_SIZE];
	uint16_t port;
};

static bool
work(struct task *task, void *context)
{
	task->world->ask(&((struct canary_task *)task)->ask.job, context);
	return true;
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	const struct canary_task *t = (const struct canary_task *)task;
	struct host *host = hosts_get(e->hosts, t->name, t->port);
	struct chosen_host chosen = t->ask.items[0].choice.hosts[0];

	((struct canary *)base)->look = true;
	if (t->ask.items[0].choice.count == 0 || chosen.literal ||
	    chosen.address_count == 0) {
		if (host_answered(host, NULL, now->mono_ms))
			engine_tell(e, NEWS_SERVER);
		return;
	}
	memcpy(chosen.name, t->name, sizeof(chosen.name));
	/* It is to verify by its certificate, whatever TLSA records it has. */
	chosen.promise = PROMISE_NONE;
	host_go_on(host, chosen.address_count);
	engine_ask_host(e, &chosen, t->port, t->name);
}

static const struct task_kind canary_kind = {
    .size = sizeof(struct canary_task), .pool = POOL_ASKERS, .work = work, .take = take};

static void
ask(struct engine *e, struct canary *c, const struct candidate *candidate,
    struct host *host, const struct host_time *now)
{
	struct canary_task *t = engine_task(e, &c->base, &canary_kind);
	char key[NEXTHOP_KEY_SIZE];

	snprintf(key, sizeof(key), "[%s]:%u", candidate->name, candidate->port);
	t->ask.settings = measure_settings_of(&e->postfix, &e->settings, NULL);
	t->ask.count = 1;
	memcpy(t->name, candidate->name, sizeof(t->name));
	t->port = candidate->port;
	host_begin(host, 1, false, now);
	if (nexthop_parse(str_of(key), &t->ask.items[0].nexthop)) {
		engine_submit(e, &t->task);
		return;
	}
	engine_drop(&t->task);
	host_answered(host, NULL, now->mono_ms);
}

/* --- what they say for one destination ---------------------------------------------- */

struct relation {
	struct str parent;
	bool related;
};

static void
compare(void *context, struct str host)
{
	struct relation *r = context;

	r->related = r->related || str_equal(host_parent(host), r->parent);
}

/* Of the same parent domain as one of its MX hosts? */
static bool
is_related(const struct candidate *candidate, const struct witnessed *w)
{
	struct relation r = {.parent = host_parent(str_of(candidate->name))};

	for (unsigned i = 0; w->servers != NULL && i < w->servers->choice.count; i++)
		compare(&r, str_of(w->servers->choice.hosts[i].name));
	dane_each_host(w->answers.text, compare, &r);
	return r.related;
}

/* What it did. NOT_ASKED: it did not answer. */
static enum canary_says
says_of(const struct engine *e, const struct host *host)
{
	struct server_rules rules = finger_settings_of(&e->settings).rules;
	struct probe probe;

	if (host->answer == NULL || host->answer->probe.end == PROBE_SILENT)
		return CANARY_NOT_ASKED;
	probe = server_probe(host->answer, &rules, host->name, "");
	if (probe.end != PROBE_TLS)
		return CANARY_FAILS;
	return probe.verify == ANSWER_YES ? CANARY_VERIFIES
	    : probe.verify == ANSWER_NO   ? CANARY_FAILS
	                                  : CANARY_NOT_ASKED;
}

/* One that is silent is so for a while: each of the others may take half a minute. */
static struct host_need
need_of(int64_t attempt_ms)
{
	return (struct host_need){
	    .attempt_ms = attempt_ms, .serves_ms = SERVES_MS, .silence_ms = SILENT_MS};
}

/*
 * A probe that verified since they fail, and since the destination does, shows that it is
 * theirs: whoever was asked is whoever wanted to be. A session of the log shows nothing:
 * anybody may have written it.
 */
static bool
is_spoken_against(const struct canary *c, const struct witnessed *w, int64_t now_ms)
{
	return c->since_ms != 0 && c->proven_ms > c->since_ms &&
	    c->proven_ms > w->canary_ms && c->proven_ms > now_ms - SPOKEN_MS &&
	    c->proven_ms <= now_ms;
}

/* Who is to be asked, or waited for. */
struct next {
	const struct candidate *candidates[AT_ONCE];
	size_t count;
	bool is_spoken_against; /* they fail, and another verified */
};

static void
add_next(struct next *next, const struct candidate *candidate)
{
	if (next->count < AT_ONCE)
		next->candidates[next->count++] = candidate;
}

static enum host_turn
turn_of(const struct host *host, const struct witnessed *w, const struct moment *now,
    int64_t *at_ms)
{
	struct host_time time = {.wall_ms = now->wall_ms, .mono_ms = now->mono_ms};
	struct host_need need = need_of(w->canary_ms);

	return host == NULL ? HOST_WAITS
	                    : host_turn(&host->known, &host->asking, &need, &time, at_ms);
}

/*
 * One that verifies is enough; those that are silent, and candidates that were never
 * proven and do not verify, say nothing. NOT_ASKED: those in *next must answer first;
 * for one that may not be asked yet others are, in a burst alarm after alarm.
 */
static enum canary_says
says(struct engine *e, struct canary *c, const struct witnessed *w, struct next *next)
{
	struct moment now = engine_now(e);
	enum canary_says all = CANARY_NONE;
	struct next resting = {.count = 0};
	size_t asked = 0, most = 1;
	int64_t at_ms;

	*next = (struct next){.count = 0};
	gather(e, c);
	for (size_t i = 0; i < c->count && asked < ASKED_MAX && next->count < most; i++) {
		const struct candidate *candidate = &c->candidates[i];
		const struct host *host;
		enum host_turn turn;
		enum canary_says one;

		if (is_related(candidate, w))
			continue;
		asked++;
		host = hosts_get(e->hosts, candidate->name, candidate->port);
		turn = turn_of(host, w, &now, &at_ms);
		if (turn != HOST_SERVES) {
			add_next(turn == HOST_WAITS ? &resting : next, candidate);
			continue;
		}
		one = says_of(e, host);
		if (one == CANARY_VERIFIES)
			return one;
		if (one == CANARY_FAILS && candidate->proven)
			all = CANARY_FAILS;
		most = AT_ONCE;
	}
	if (next->count == 0)
		*next = resting;
	if (next->count > 0)
		return CANARY_NOT_ASKED;
	next->is_spoken_against =
	    all == CANARY_FAILS && is_spoken_against(c, w, now.wall_ms);
	return next->is_spoken_against ? CANARY_VERIFIES : all;
}

/* Where mail flowed since, it is not known when it began to fail again. */
static int64_t
first_failed_ms(const struct destination *d)
{
	int64_t first_ms = d->alarm.first_attempt_ms;

	return first_ms != 0 && d->past.sent_ms < first_ms ? first_ms
	                                                   : d->alarm.attempt_ms;
}

void
engine_ask_canary(struct engine *e, struct witnessed *w, const struct destination *d)
{
	int64_t now_ms = engine_now(e).wall_ms;

	w->canary_news_ms = first_failed_ms(d);
	/* As for its servers: the clock of the log may be ahead. */
	w->canary_ms = w->canary_news_ms < now_ms ? w->canary_news_ms : now_ms - 1;
	((struct canary *)engine_state(e, &duty_canary))->look = true;
}

enum canary_says
engine_canary(struct engine *e, const struct witnessed *w, const struct destination *d)
{
	struct next next;

	if (e->judge.prober == ANSWER_NO)
		return CANARY_NONE;
	/* It was asked for an alarm that is over. */
	if (w->canary_ms == 0 || w->canary_news_ms < first_failed_ms(d))
		return CANARY_NOT_ASKED;
	return says(e, engine_state(e, &duty_canary), w, &next);
}

int64_t
engine_canary_failed_ms(const struct engine *e)
{
	return ((const struct canary *)engine_state(e, &duty_canary))->failed_ms;
}

/* --- the duty ---------------------------------------------------------------------- */

/* Ask that one, as soon as it may be. */
static void
ask_next(struct engine *e, struct canary *c, const struct candidate *candidate,
    const struct witnessed *w, const struct moment *now)
{
	struct host_time time = {.wall_ms = now->wall_ms, .mono_ms = now->mono_ms};
	struct host *host = hosts_get(e->hosts, candidate->name, candidate->port);
	int64_t at_ms = now->mono_ms + NO_ROOM_MS;
	enum host_turn turn = turn_of(host, w, now, &at_ms);

	if (turn == HOST_ASK)
		ask(e, c, candidate, host, &time);
	else if (turn == HOST_WAITS && at_ms < c->at_ms)
		c->at_ms = at_ms;
}

static void
note_said(struct canary *c, enum canary_says all, const struct next *next,
    const struct moment *now)
{
	if (all == CANARY_NONE)
		return;
	c->failed_ms = all == CANARY_FAILS ? now->wall_ms : 0;
	if (all == CANARY_FAILS && c->since_ms == 0)
		c->since_ms = now->wall_ms;
	if (all == CANARY_VERIFIES && !next->is_spoken_against)
		c->since_ms = 0;
}

/* Not long ago. */
static bool
was_tried(const struct host *host, int64_t mono_ms)
{
	return host->known.there &&
	    mono_ms - host->known.ended_ms < (host->known.silent ? SILENT_MS : TRIED_MS);
}

/* A few canaries are to be known when something fails. */
static void
keep_some(struct engine *e, struct canary *c, const struct moment *now)
{
	struct host_time time = {.wall_ms = now->wall_ms, .mono_ms = now->mono_ms};
	unsigned fresh = 0;

	c->cached_ms = 0;
	gather(e, c);
	for (size_t i = 0; i < c->count; i++)
		fresh += c->candidates[i].fresh;
	for (size_t i = 0; i < c->count && fresh < KEPT; i++) {
		const struct candidate *candidate = &c->candidates[i];
		struct host *host;

		host = hosts_get(e->hosts, candidate->name, candidate->port);
		if (candidate->fresh || host == NULL || host->asking.there ||
		    was_tried(host, now->mono_ms))
			continue;
		ask(e, c, candidate, host, &time);
		fresh++;
	}
	c->lacks = fresh < KEPT;
	if (!c->lacks)
		c->keep_ms = now->mono_ms + KEPT_MS;
}

static void
hear(struct engine *e, struct duty_state *base, enum news news, const struct moment *now)
{
	struct canary *c = (struct canary *)base;

	if (news == NEWS_SERVER || news == NEWS_SETTINGS)
		c->look = true;
	if (news == NEWS_SERVER)
		c->cached_ms = 0;
	if (news == NEWS_LOG && e->judge.prober != ANSWER_NO &&
	    level_is_authenticated(e->judge.default_level) &&
	    (c->lacks || now->mono_ms >= c->keep_ms))
		c->keep = true;
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct canary *c = (const struct canary *)base;
	bool waits = witnesses_waiting(e->witnessed, WANTS_CANARY) > 0;
	int64_t at_ms = !waits ? DUE_NEVER : c->look ? now->mono_ms : c->at_ms;

	if (c->keep && e->judge.prober != ANSWER_NO && c->keep_ms < at_ms)
		at_ms = c->keep_ms > now->mono_ms ? c->keep_ms : now->mono_ms;
	return (struct due){at_ms, waits};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct canary *c = (struct canary *)base;
	size_t count = witnesses_count(e->witnessed), told = 0;
	int64_t *ids = mem_new(count + 1, sizeof(*ids));

	c->look = false;
	c->at_ms = DUE_NEVER;
	for (size_t i = 0; i < count; i++) {
		struct witnessed *w = witnesses_at(e->witnessed, i);
		struct next next;

		if ((w->wants & WANTS_CANARY) == 0)
			continue;
		if (e->judge.prober != ANSWER_NO) {
			enum canary_says all = says(e, c, w, &next);

			if (all == CANARY_NOT_ASKED) {
				for (size_t n = 0; n < next.count; n++)
					ask_next(e, c, next.candidates[n], w, now);
				continue;
			}
			note_said(c, all, &next, now);
		}
		w->wants &= ~(unsigned)WANTS_CANARY;
		ids[told++] = w->id;
	}
	if (c->keep && now->mono_ms >= c->keep_ms) {
		c->keep = false;
		c->keep_ms = now->mono_ms + LACK_MS;
		if (e->judge.prober != ANSWER_NO)
			keep_some(e, c, now);
	}
	if (told > 0)
		engine_judge_witnessed(e, ids, told);
	free(ids);
}

const struct duty duty_canary = {
    .name = "canary",
    .needs = DUTY_STORES | DUTY_SETTINGS,
    .state_size = sizeof(struct canary),
    .hear = hear,
    .due = due,
    .start = start,
};
