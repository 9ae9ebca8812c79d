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
#include "engine/candidates.h"
#include "engine/engine_impl.h"

#define ASKED_MAX  12 /* for one destination, until one verifies: the first, ... */
#define AT_ONCE    4  /* ... and, where it does not, so many at once */
#define SPOKEN_MS  SPAN_HOUR_MS          /* who verified since then speaks for us */
#define KEPT       3                     /* so many are proven: checked ... */
#define KEPT_MS    SPAN_HOUR_MS          /* ... this often, ... */
#define LACK_MS    (5 * SPAN_SECOND_MS)  /* ... and where there are fewer, with news */
#define TRIED_MS   SPAN_DAY_MS           /* one that does not verify is left alone */
#define SILENT_MS  (10 * SPAN_MINUTE_MS) /* ... and one that is silent */
#define SERVES_MS  (10 * SPAN_MINUTE_MS) /* so long its answer does */
#define THAW_MS    SPAN_MINUTE_MS /* in a freeze they are asked, after news of ... */
#define FROZEN_MS  (10 * SPAN_MINUTE_MS) /* ... the log and without any, so often */
#define LAST_MS    SPAN_HOUR_MS          /* ... and those that did better last */
#define CACHED_MS  (10 * SPAN_SECOND_MS)
#define NO_ROOM_MS SPAN_SECOND_MS

struct canary {
	struct duty_state base;
	struct candidates known;
	int64_t cached_ms; /* monotonic: when they were read; 0: not, or others came */
	bool look;
	bool keep;       /* whether there are enough is to be checked */
	bool lacks;      /* there are not: it is checked again soon after news */
	int64_t keep_ms; /* monotonic: not before then */
	bool thaws;      /* in a freeze: there was news of the log */
	int64_t thaw_ms; /* monotonic: when that it is over was checked last; 0: never */
	int64_t
	    last_ms; /* monotonic: when those that did better last were asked, in it */
	int64_t failed_ms; /* wall: when one failed, and no other verified; 0: none did */
	int64_t since_ms;  /* wall: since when none of those that were asked verifies */
	int64_t at_ms; /* monotonic: when a host may be asked; DUE_NEVER: none waits */
};

/* Those of the administrator, canaries, and who may become one. */
static void
gather(struct engine *e, struct canary *c)
{
	int64_t now_ms = engine_now(e).mono_ms;

	if (c->cached_ms != 0 && now_ms - c->cached_ms < CACHED_MS)
		return;
	c->cached_ms = now_ms;
	candidates_gather(e, &c->known);
}

/* --- asking one -------------------------------------------------------------------- */

struct canary_task {
	struct task task;
	struct measure_job ask; /* of the host as a destination: its addresses ... */
	bool itself;            /* ... or of the destination that is said to have it */
	bool by_dane;           /* it may verify by TLSA records */
	char name[NEXTHOP_HOST_SIZE];
	uint16_t port;
};

static bool
work(struct task *task, void *context)
{
	task->world->ask(&((struct canary_task *)task)->ask.job, context);
	return true;
}

/* The host as DNS has it: itself, or one of the destination. NULL: it has it not. */
static const struct chosen_host *
chosen_of(const struct canary_task *t)
{
	const struct measure_item *item = &t->ask.items[0];

	for (unsigned i = 0; i < item->choice.count && item->nexthop.port == t->port;
	     i++) {
		const struct chosen_host *chosen = &item->choice.hosts[i];

		if (!chosen->literal && chosen->address_count > 0 &&
		    (t->itself ||
		        str_equal_nocase(str_of(chosen->name), str_of(t->name))))
			return chosen;
	}
	return NULL;
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	const struct canary_task *t = (const struct canary_task *)task;
	struct host *host = hosts_get(e->hosts, t->name, t->port);
	const struct chosen_host *named = chosen_of(t);
	struct chosen_host chosen;

	((struct canary *)base)->look = true;
	if (named == NULL) {
		if (host_answered(host, NULL, now->mono_ms))
			engine_tell(e, NEWS_SERVER);
		return;
	}
	chosen = *named;
	memcpy(chosen.name, t->name, sizeof(chosen.name));
	/* A canary is to verify by its certificate, whatever TLSA records it has. */
	if (!t->by_dane)
		chosen.promise = PROMISE_NONE;
	host_go_on(host, chosen.address_count);
	engine_ask_host(e, &chosen, t->port, t->name);
}

static const struct task_kind canary_kind = {
    .size = sizeof(struct canary_task), .pool = POOL_ASKERS, .work = work, .take = take};

static void
ask(struct engine *e, struct canary *c, const struct candidate *candidate,
    struct host *host, bool by_dane, const struct host_time *now)
{
	struct canary_task *t = engine_task(e, &c->base, &canary_kind);
	char key[NEXTHOP_KEY_SIZE];

	snprintf(key, sizeof(key), "[%s]:%u", candidate->name, candidate->port);
	t->ask.settings = measure_settings_of(&e->nodes.here, &e->known->settings, NULL);
	t->ask.count = 1;
	memcpy(t->name, candidate->name, sizeof(t->name));
	t->port = candidate->port;
	t->itself = candidate->of[0] == '\0';
	t->by_dane = by_dane;
	host_begin(host, 1, false, now);
	if (nexthop_parse(
	        str_of(t->itself ? key : candidate->of), &t->ask.items[0].nexthop)) {
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
	struct server_rules rules = finger_settings_of(&e->known->settings).rules;
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
	return c->since_ms != 0 && c->known.proven_ms > c->since_ms &&
	    c->known.proven_ms > w->canary_ms &&
	    c->known.proven_ms > now_ms - SPOKEN_MS && c->known.proven_ms <= now_ms;
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
	for (size_t i = 0; i < c->known.count && asked < ASKED_MAX && next->count < most;
	     i++) {
		const struct candidate *candidate = &c->known.items[i];
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
	if (w->canary_news_ms < d->again_ms)
		w->canary_news_ms = d->again_ms;
	/* At the end of a lease: since then, and not of before. */
	if (!d->alarm.raised && w->canary_news_ms < d->entry.lease_end_ms)
		w->canary_news_ms = d->entry.lease_end_ms;
	if (w->canary_news_ms == 0)
		w->canary_news_ms = 1;
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
	/* It was asked for an alarm that is over. Attempts that came while it was being
	 * asked are judged next, as with the servers. */
	if (w->canary_ms == 0 ||
	    (d->alarm.raised ? d->again_ms > w->canary_news_ms
	                     : w->canary_news_ms < first_failed_ms(d)))
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
		ask(e, c, candidate, host, false, &time);
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

/* Those that want it, at most so many. again: those that are known, whenever they were
 * asked last; else those that are to be proven. Returns how many. */
static unsigned
ask_some(struct engine *e, struct canary *c, const struct moment *now, unsigned most,
    bool again)
{
	struct host_time time = {.wall_ms = now->wall_ms, .mono_ms = now->mono_ms};
	unsigned asked = 0;

	for (size_t i = 0; i < c->known.count && asked < most; i++) {
		const struct candidate *candidate = &c->known.items[i];
		struct host *host = hosts_get(e->hosts, candidate->name, candidate->port);
		bool wants;

		if (host == NULL || host->asking.there)
			continue;
		wants = again ? candidate->proven
		              : !candidate->fresh && !was_tried(host, now->mono_ms);
		if (!wants)
			continue;
		ask(e, c, candidate, host, false, &time);
		asked++;
	}
	return asked;
}

/* A few canaries are to be known when something fails. */
static void
keep_some(struct engine *e, struct canary *c, const struct moment *now)
{
	unsigned fresh = 0;

	c->cached_ms = 0;
	gather(e, c);
	for (size_t i = 0; i < c->known.count; i++)
		fresh += c->known.items[i].fresh;
	if (fresh < KEPT)
		fresh += ask_some(e, c, now, KEPT - fresh, false);
	c->lacks = fresh < KEPT;
	if (!c->lacks)
		c->keep_ms = now->mono_ms + KEPT_MS;
}

/* A freeze ends by a probe, and while no mail fails nobody else has one made. */
static int64_t
thaw_at_ms(const struct engine *e, const struct canary *c)
{
	if (!e->judge.frozen || e->judge.prober == ANSWER_NO)
		return DUE_NEVER;
	return c->thaw_ms == 0 ? 0 : c->thaw_ms + (c->thaws ? THAW_MS : FROZEN_MS);
}

/*
 * What kept it may have no mail that waits, and who was a canary is none after some days:
 * whether those that did better last still fail nobody else would tell. They end it if
 * they do not.
 */
static void
ask_last(struct engine *e, struct canary *c, const struct moment *now)
{
	struct host_time time = {.wall_ms = now->wall_ms, .mono_ms = now->mono_ms};
	enum level level = e->judge.default_level;
	bool by_dane = level == LEVEL_DANE || level == LEVEL_DANE_ONLY;
	struct candidates last;

	c->last_ms = now->mono_ms;
	candidates_gather_last(e, &last);
	for (size_t i = 0; i < last.count; i++) {
		const struct candidate *candidate = &last.items[i];
		struct host *host = hosts_get(e->hosts, candidate->name, candidate->port);

		if (host != NULL && !host->asking.there &&
		    (!host->known.there ||
		        now->mono_ms - host->known.ended_ms >= THAW_MS))
			ask(e, c, candidate, host, by_dane, &time);
	}
}

/* Not when it begins: somebody was asked then. */
static void
ask_in_freeze(struct engine *e, struct canary *c, const struct moment *now)
{
	bool begins = c->thaw_ms == 0;

	c->thaws = false;
	c->thaw_ms = now->mono_ms;
	if (begins)
		return;
	c->cached_ms = 0;
	gather(e, c);
	ask_some(e, c, now, KEPT, true);
	if (now->mono_ms - c->last_ms >= LAST_MS)
		ask_last(e, c, now);
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
	c->thaws = c->thaws || news == NEWS_LOG;
	if (!e->judge.frozen)
		c->thaw_ms = 0;
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct canary *c = (const struct canary *)base;
	bool waits = witnesses_waiting(e->witnessed, WANTS_CANARY) > 0;
	int64_t at_ms = !waits ? DUE_NEVER : c->look ? now->mono_ms : c->at_ms;

	if (c->keep && e->judge.prober != ANSWER_NO && c->keep_ms < at_ms)
		at_ms = c->keep_ms > now->mono_ms ? c->keep_ms : now->mono_ms;
	if (thaw_at_ms(e, c) < at_ms)
		at_ms = thaw_at_ms(e, c) > now->mono_ms ? thaw_at_ms(e, c) : now->mono_ms;
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
		witnessed_told(w, WANTS_CANARY, now->mono_ms);
		ids[told++] = w->id;
	}
	if (c->keep && now->mono_ms >= c->keep_ms) {
		c->keep = false;
		c->keep_ms = now->mono_ms + LACK_MS;
		if (e->judge.prober != ANSWER_NO)
			keep_some(e, c, now);
	}
	if (thaw_at_ms(e, c) <= now->mono_ms)
		ask_in_freeze(e, c, now);
	if (told > 0)
		engine_judge_witnessed(e, ids, told);
	free(ids);
}

const struct duty duty_canary = {
    .name = "canary",
    .needs = DUTY_STORES | DUTY_SETTINGS | DUTY_LEADS,
    .state_size = sizeof(struct canary),
    .hear = hear,
    .due = due,
    .start = start,
};
