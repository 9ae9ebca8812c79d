/* SPDX-License-Identifier: BSD-2-Clause */
/* When a destination is asked about and judged: first what is news, then what is due. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/alerts.h"
#include "engine/asked.h"
#include "engine/engine_impl.h"
#include "engine/lanes.h"
#include "engine/nodes.h"
#include "engine/pace.h"
#include "engine/picks.h"
#include "engine/raise.h"
#include "sys/log.h"

#define DUE_EVERY_MS   50 /* an ended lease is re-checked each so often, 20 a second */
#define DUE_BURST      40
#define DUE_BATCH      4 /* as many come together, so that we wake five times a second */
#define AWAY_MS        SPAN_MINUTE_MS /* nobody is due but who is with somebody */
#define JUDGE_MAX      512            /* destinations judged at once */
#define JOBS_PER_ASKER 2
#define IDS_MAX(j)     (JUDGE_MAX + (j)->asked.max + WITNESSES_MAX + SLOW_MAX)

struct judging {
	struct duty_state base;
	struct lanes lanes;
	struct picks picks;
	bool turn;     /* by turns, who came last is the first who has room, and not; */
	bool newest;   /* of those that are new, who came last is first; */
	unsigned keep; /* so much room is left for the others */
	struct resolver_settings resolver; /* borrowed by the askers */
	struct asked asked;                /* who is with the askers */
	int64_t *ids;   /* to judge; room for all that are with somebody, and JUDGE_MAX */
	bool stored;    /* something, in this batch */
	bool look;      /* there may be something to judge */
	bool is_minded; /* whether there is a freeze is known */
	struct raise raise;
	int64_t due_ms; /* wall: the next destination to re-check; 0: none */
	/* Re-checks of ended leases. A hundred thousand that end while the machine is
	 * down must not become as many questions at once. */
	struct pace pace;
};

static bool
open_judging(struct engine *e, struct duty_state *base, struct err *err)
{
	struct judging *j = (struct judging *)base;

	j->look = true;
	j->pace = (struct pace){.burst = DUE_BURST, .every_ms = DUE_EVERY_MS};
	j->resolver = config_resolver(e->config);
	asked_init(
	    &j->asked, (size_t)e->config->dns.workers * JOBS_PER_ASKER * MEASURE_BATCH);
	j->ids = mem_new(IDS_MAX(j), sizeof(*j->ids));
	e->workers[POOL_ASKERS] = e->world->workers_new(e->config->dns.workers,
	    e->world->ask_make, e->world->ask_drop, &j->resolver, err);
	return e->workers[POOL_ASKERS] != NULL && engine_mind_enabled(e, err);
}

static void
close_judging(struct duty_state *base)
{
	struct judging *j = (struct judging *)base;

	asked_clear(&j->asked);
	free(j->ids);
}

static void
hear(struct engine *e, struct duty_state *base, enum news news, const struct moment *now)
{
	(void)e;
	(void)now;
	if (news == NEWS_EVIDENCE || news == NEWS_MAP || news == NEWS_SETTINGS)
		((struct judging *)base)->look = true;
}

/*
 * Judge d and store what came of it. *wants: nothing did, this must be asked first (enum
 * ladder_wants). Witnesses are asked here, once there are answers.
 */
static bool
judge_one(struct engine *e, struct destination *d, const struct answers *answers,
    int64_t now_ms, unsigned *wants, struct err *err)
{
	struct answers known;
	struct judged judged;
	bool done, checks = answers != NULL && destination_checks_servers(d);
	bool was_read = d->alarm.raised && d->alarm.pending;

	*wants = 0;
	if (answers != NULL) {
		known = *answers;
		if (!engine_past(e, d, answers, &known, err) ||
		    !engine_note_failed(e, d, answers, err))
			return false;
		if (!checks && !engine_policy(e, d, &known, err))
			return false;
		if (known.witnesses == NULL)
			engine_add_witnesses(e, d, &known);
		answers = &known;
		if (checks && known.dane.state != DANE_UNSURE &&
		    !engine_note_servers(e, &known.hosts_past, err))
			return false;
	}
	if (!judge_destination(&e->judge, d, answers, now_ms, &judged)) {
		*wants = judged.decision.wants;
		/* Where there is no room it stays pending. */
		if (answers != NULL && engine_ask_witnesses(e, d, answers, *wants))
			*wants = 0;
		return true;
	}
	if (engine_rests_on_old_settings(e, &judged)) {
		judged_clear(&judged); /* it stays as it is, and is judged by new ones */
		return true;
	}
	done = engine_take_judged(e, d, &judged, was_read, now_ms, err);
	judged_clear(&judged);
	if (done) {
		((struct judging *)engine_state(e, &duty_judging))->stored = true;
		witnesses_drop(e->witnessed, d->id);
	}
	return done;
}

/* --- asking ------------------------------------------------------------------------ */

struct judging_task {
	struct task task;
	enum lane lane;
	int64_t most_ms; /* for each of the job */
	struct measure_job ask;
};

static bool
work(struct task *task, void *context)
{
	task->world->ask(&((struct judging_task *)task)->ask.job, context);
	return true;
}

/* One of which all is known that was asked for. */
static bool
judge_answered(struct engine *e, int64_t id, const struct answers *answers,
    int64_t now_ms, struct err *err)
{
	struct destination d;
	unsigned wants;
	bool found, done;

	if (!store_get_id(e->store, id, &d, &found, err))
		return false;
	if (!found)
		witnesses_drop(e->witnessed, id);
	done = !found || judge_one(e, &d, answers, now_ms, &wants, err);
	destination_clear(&d);
	return done;
}

/* The answers of one job, judged in one transaction. */
static bool
judge_answers(
    struct engine *e, const struct measure_job *job, int64_t now_ms, struct err *err)
{
	if (!store_begin(e->store, err) || !engine_mind_freeze(e, now_ms, err) ||
	    !engine_mind_parents(e, err))
		return false;
	for (unsigned i = 0; i < job->count; i++) {
		const struct measure_item *item = &job->items[i];

		if (!item->left && !item->late &&
		    !judge_answered(e, item->id, &item->answers, now_ms, err))
			return false;
	}
	return store_commit(e->store, err);
}

/* Where it was not stored they stay pending, and are asked about again. */
static void
end_batch(struct engine *e, struct judging *j, bool done, const struct err *err)
{
	engine_alerts_stored(e, done);
	if (!done)
		engine_not_stored(e, "store decisions", err);
	else if (j->stored)
		engine_stored(e, "store decisions");
	j->look = true;
}

static bool
judge_told(struct engine *e, const int64_t *ids, size_t count, const struct moment *now,
    struct err *err)
{
	if (!store_begin(e->store, err) || !engine_mind_parents(e, err) ||
	    !engine_note_shown(e, ids, count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct witnessed *w = witnesses_find(e->witnessed, ids[i]);

		/* What a host did may be news of thousands: a freeze must not be late. */
		if (i % MEASURE_BATCH == 0 && !engine_mind_freeze(e, now->wall_ms, err))
			return false;
		/* What DNS answered long ago is asked again; then it is judged. */
		if (w != NULL && w->wants == 0 &&
		    now->mono_ms - w->answers_ms <= WITNESSES_SERVES_MS &&
		    !judge_answered(e, ids[i], &w->answers, now->wall_ms, err))
			return false;
	}
	return engine_mind_freeze(e, now->wall_ms, err) && store_commit(e->store, err);
}

void
engine_judge_witnessed(struct engine *e, const int64_t *ids, size_t count)
{
	struct judging *j = engine_state(e, &duty_judging);
	struct moment now = engine_now(e);
	struct err err;

	j->stored = false;
	end_batch(e, j, judge_told(e, ids, count, &now, &err), &err);
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	struct judging *j = (struct judging *)base;
	const struct measure_job *job = &((const struct judging_task *)task)->ask;
	struct err err;

	engine_count_answers(e, job);
	j->lanes.tasks[((const struct judging_task *)task)->lane]--;
	for (unsigned i = 0; i < job->count; i++) {
		asked_forget(&j->asked, job->items[i].id);
		if (job->items[i].late)
			lanes_note(
			    &j->lanes, job->items[i].id, MEASURE_SLOW_MS, now->mono_ms);
		else if (!job->items[i].left)
			lanes_note(&j->lanes, job->items[i].id, job->items[i].took_ms,
			    now->mono_ms);
	}
	if (job->err.text[0] != '\0')
		log_warning("%s", job->err.text);
	j->stored = false;
	end_batch(e, j, judge_answers(e, job, now->wall_ms, &err), &err);
}

static const struct task_kind judging_kind = {
    .size = sizeof(struct judging_task), .pool = POOL_ASKERS, .work = work, .take = take};

static struct judging_task *
make_task(struct engine *e, struct judging *j, enum lane lane)
{
	struct judging_task *t = engine_task(e, &j->base, &judging_kind);

	t->ask.settings = engine_measure_settings(e);
	t->lane = lane;
	/* Who imagines has nobody wait behind those that are slow. */
	if (e->driver.mode == ENGINE_APPLY)
		t->most_ms = lanes_most_ms(&j->lanes, lane, e->config->dns.workers);
	j->lanes.tasks[lane]++;
	return t;
}

static void
drop_task(struct judging *j, struct judging_task *t)
{
	j->lanes.tasks[t->lane]--;
	engine_drop(&t->task);
}

/* How many may be asked about: any of them may have to wait for witnesses. Of a table
 * that is full who waits for none makes room. */
static size_t
room(const struct engine *e, const struct judging *j)
{
	size_t askers = j->asked.max - j->asked.count;
	size_t waiting = witnesses_count(e->witnessed) + j->asked.count, witnesses;

	if (waiting >= WITNESSES_MAX)
		waiting =
		    witnesses_waiting(e->witnessed, ENGINE_WITNESSES) + j->asked.count;
	witnesses = waiting < WITNESSES_MAX ? WITNESSES_MAX - waiting : 0;
	return askers < witnesses ? askers : witnesses;
}

/* Is it with somebody who is being asked? */
static bool
is_with_somebody(const struct engine *e, const struct judging *j, int64_t id)
{
	const struct witnessed *w = witnesses_find(e->witnessed, id);

	return asked_has(&j->asked, id) || (w != NULL && w->wants != 0);
}

/* What there is room for. */
struct allowed {
	const struct engine *e;
	const struct judging *j;
	unsigned slow;
	bool are_new;
	int64_t now_ms;
};

static struct allowed
allowed_now(const struct engine *e, const struct judging *j)
{
	unsigned workers = e->config->dns.workers;

	return (struct allowed){.e = e,
	    .j = j,
	    .slow = lanes_room(&j->lanes, LANE_SLOW, workers),
	    .are_new = lanes_room(&j->lanes, LANE_NEW, workers) > 0,
	    .now_ms = engine_now(e).mono_ms};
}

/* Not those that are with somebody, and of those that were slow as many as may be asked
 * about. */
static bool
may_ask(void *context, int64_t id, bool known)
{
	struct allowed *a = context;

	if (is_with_somebody(a->e, a->j, id))
		return false;
	if (!lanes_was_slow(&a->j->lanes, id, a->now_ms))
		return known || a->are_new;
	if (a->slow == 0)
		return false;
	a->slow--;
	return true;
}

/* Without those that may not be asked about, and at most so many. How many are left. */
static size_t
leave_out(const struct engine *e, const struct judging *j, bool known, int64_t *ids,
    size_t count, size_t most)
{
	struct allowed allowed = allowed_now(e, j);
	size_t left = 0;

	for (size_t i = 0; i < count; i++)
		if (may_ask(&allowed, ids[i], known))
			ids[left++] = ids[i];
	engine_put_told_first(e, ids, left);
	return left < most ? left : most;
}

/* --- judging ----------------------------------------------------------------------- */

/* False: it is none that is asked about. */
static bool
add_item(struct judging *j, struct judging_task *t, const struct destination *d)
{
	struct measure_item *item = &t->ask.items[t->ask.count];

	if (!nexthop_parse(str_of(d->key), &item->nexthop))
		return false;
	item->nexthop.port = d->port;
	if (d->alarm.raised)
		memcpy(item->relay, d->alarm.relay, sizeof(d->alarm.relay));
	item->id = d->id;
	item->most_ms = t->most_ms;
	measure_remind(&t->ask.settings, d, item);
	t->ask.count++;
	asked_add(&j->asked, d->id);
	return true;
}

/* What DNS could not tell of before may be slow. */
static enum lane
lane_of(const struct judging *j, const struct destination *d, int64_t mono_ms)
{
	if (lanes_was_slow(&j->lanes, d->id, mono_ms))
		return LANE_SLOW;
	return d->dns.time_ms == 0 ||
	        strcmp(d->dns.state, dane_state_name(DANE_UNSURE)) == 0
	    ? LANE_NEW
	    : LANE_KNOWN;
}

/* Put it into the task of its lane, to be asked about; a full one is submitted. Where its
 * lane has no room it is looked at again when a task is done. */
static void
have_asked(struct engine *e, struct judging *j, const struct destination *d,
    struct judging_task *tasks[LANES], size_t batch)
{
	enum lane lane = lane_of(j, d, engine_now(e).mono_ms);
	struct judging_task **t = &tasks[lane];

	if (*t == NULL && lanes_room(&j->lanes, lane, e->config->dns.workers) == 0)
		return;
	if (*t == NULL)
		*t = make_task(e, j, lane);
	if (add_item(j, *t, d) && (lane == LANE_SLOW || (*t)->ask.count == batch)) {
		engine_submit(e, &(*t)->task);
		*t = NULL;
	}
}

static bool
judge_or_ask(struct engine *e, struct judging *j, struct destination *d,
    struct judging_task *tasks[LANES], size_t batch, const struct moment *now,
    struct err *err)
{
	const struct measure_settings settings = engine_measure_settings(e);
	struct answers remembered;
	unsigned wants = WANTS_DNS;
	bool kept;

	if (!engine_is_policy_kept(e, d, &kept, err) ||
	    (!kept && !judge_one(e, d, NULL, now->wall_ms, &wants, err)))
		return false;
	if (wants != 0 &&
	    judge_remembers(&e->judge, &settings, d, now->wall_ms, &remembered) &&
	    !judge_one(e, d, &remembered, now->wall_ms, &wants, err))
		return false;
	if (wants != 0)
		have_asked(e, j, d, tasks, batch);
	return true;
}

static bool
has_room(const struct engine *e, const struct judging *j, enum lane lane,
    struct judging_task *const tasks[LANES])
{
	if (lane == LANE_KNOWN)
		return room(e, j) > 0 && j->asked.count < j->asked.max / 4 * 3;
	return room(e, j) > 0 &&
	    (tasks[lane] != NULL ||
	        lanes_room(&j->lanes, lane, e->config->dns.workers) > j->keep);
}

/* Judge what needs no asking, and have asked what does. lane: that of most of them. */
static bool
judge_ids(struct engine *e, struct judging *j, enum lane lane, size_t count,
    const struct moment *now, struct err *err)
{
	unsigned workers = e->config->dns.workers;
	unsigned slots = lanes_room(&j->lanes, lane, workers);
	struct judging_task *tasks[LANES] = {NULL};
	/* Few in a task while few wait, so that they are asked about side by side. */
	size_t batch = count / (slots < workers ? slots : workers) + 1;
	bool done;

	if (batch > MEASURE_BATCH)
		batch = MEASURE_BATCH;
	done = store_begin(e->store, err) && engine_mind_freeze(e, now->wall_ms, err) &&
	    engine_mind_parents(e, err);
	for (size_t i = 0; done && i < count && has_room(e, j, lane, tasks); i++) {
		struct destination d;
		bool found;

		done = store_get_id(e->store, j->ids[i], &d, &found, err) &&
		    (!found || judge_or_ask(e, j, &d, tasks, batch, now, err));
		destination_clear(&d);
	}
	done = done && store_commit(e->store, err);
	engine_alerts_stored(e, done);
	for (enum lane l = LANE_KNOWN; l < LANES; l++) {
		if (tasks[l] != NULL && tasks[l]->ask.count > 0)
			engine_submit(e, &tasks[l]->task);
		else if (tasks[l] != NULL)
			drop_task(j, tasks[l]);
	}
	return done;
}

/* Ids that are away: due or pending, and not to be asked about now. */
static size_t
count_away(const struct engine *e, const struct judging *j, const struct moment *now)
{
	return j->asked.count + witnesses_count(e->witnessed) +
	    lanes_slow_count(&j->lanes, now->mono_ms);
}

/* Re-check those that are due, as many as there are tokens for. While none of them may be
 * asked about, of which there is news when somebody is done, nobody wakes for them. */
static bool
judge_due(struct engine *e, struct judging *j, const struct moment *now, struct err *err)
{
	size_t tokens = pace_left(&j->pace, now->mono_ms);
	struct allowed allowed = allowed_now(e, j);
	struct picks_due due = {.count = 0};
	bool all_away;

	if (tokens > 0 &&
	    !picks_due(&j->picks, e->store, now->wall_ms, tokens, count_away(e, j, now),
	        may_ask, &allowed, &due, err))
		return false;
	memcpy(j->ids, due.ids, due.count * sizeof(*due.ids));
	engine_put_told_first(e, j->ids, due.count);
	if (due.count > 0 && !judge_ids(e, j, LANE_KNOWN, due.count, now, err))
		return false;
	pace_use(&j->pace, due.count);
	all_away = due.count == 0 && due.found && !due.more;
	if (!store_next_due(e->store, all_away ? now->wall_ms : 0, &j->due_ms, err))
		return false;
	if (j->due_ms != 0 && j->due_ms <= now->wall_ms)
		j->due_ms = now->wall_ms + DUE_BATCH * DUE_EVERY_MS;
	if (all_away && (j->due_ms == 0 || j->due_ms > now->wall_ms + AWAY_MS))
		j->due_ms = now->wall_ms + AWAY_MS;
	return true;
}

static bool
judge_pending(struct engine *e, struct judging *j, enum lane lane,
    const struct moment *now, struct err *err)
{
	bool known = lane == LANE_KNOWN;
	/* A freeze ends by what was read, though nobody is to be judged. */
	bool minds = known && (e->judge.frozen || !j->is_minded);
	size_t count;

	if (!picks_pending(&j->picks, e->store, known, j->newest,
	        JUDGE_MAX + count_away(e, j, now), j->ids, &count, err))
		return false;
	count = leave_out(e, j, known, j->ids, count, JUDGE_MAX);
	if ((count > 0 || minds) && !judge_ids(e, j, lane, count, now, err))
		return false;
	j->is_minded = true;
	return true;
}

/* Who came last has half of the room, as hundreds may stand before it. */
static bool
judge_new(struct engine *e, struct judging *j, const struct moment *now, struct err *err)
{
	bool done = true;

	j->turn = !j->turn;
	for (int twice = 0; done && twice < 2; twice++) {
		unsigned left = lanes_room(&j->lanes, LANE_NEW, e->config->dns.workers);

		if (left == 0)
			break;
		j->newest = twice == 0 ? j->turn : !j->turn;
		j->keep = twice == 0 ? left / 2 : 0;
		done = judge_pending(e, j, LANE_NEW, now, err);
	}
	j->keep = 0;
	return done;
}

static bool
judge_all(struct engine *e, struct judging *j, const struct moment *now, struct err *err)
{
	return judge_pending(e, j, LANE_KNOWN, now, err) && judge_new(e, j, now, err) &&
	    judge_due(e, j, now, err);
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct judging *j = (const struct judging *)base;
	struct due due = {.at_ms = DUE_NEVER, .owed = j->look};

	if (j->look || (j->due_ms != 0 && j->due_ms <= now->wall_ms))
		due = (struct due){now->mono_ms, true};
	else if (j->due_ms != 0)
		due.at_ms = engine_at_wall(now, j->due_ms);
	if (room(e, j) == 0)
		due.at_ms = DUE_NEVER;
	return due;
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct judging *j = (struct judging *)base;
	struct err err;

	j->look = false;
	j->stored = false;
	if (!engine_raise(e, &j->raise, &err) || !judge_all(e, j, now, &err)) {
		engine_not_stored(e, "judge", &err);
		j->look = true;
	} else if (j->stored) {
		/* To have asked proves nothing: decisions may fail to be stored. */
		engine_stored(e, "judge");
	}
	j->look = j->look || !(j->raise.done || j->raise.waits);
}

const struct duty duty_judging = {
    .name = "judging",
    .needs = DUTY_STORES | DUTY_SETTINGS | DUTY_LEADS,
    .state_size = sizeof(struct judging),
    .open = open_judging,
    .hear = hear,
    .due = due,
    .start = start,
    .close = close_judging,
};
