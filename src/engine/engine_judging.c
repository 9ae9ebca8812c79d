/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/freeze.h"
#include "engine/engine_impl.h"
#include "sys/clock.h"
#include "sys/log.h"

#define DUE_EVERY_MS   50 /* a look at an ended lease each so often, 20 a second */
#define DUE_BURST      40
#define PROBE_MS       30000 /* for connecting, and for each reply */
#define PROBE_EVERY_MS 5000  /* of one MX host */
#define JUDGE_MAX      512   /* destinations fetched at once */

static bool
look_below_lowest(struct engine *e, struct err *err)
{
	for (enum level l = LEVEL_MAY; l < e->config->ladder.lowest; l++)
		if (!store_look_at_level(e->store, l, clock_wall_ms(), err))
			return false;
	return store_counter_set(e->store, "lowest", e->config->ladder.lowest, err);
}

/* What the administrator forbids from now on does not last until its lease ends. */
bool
engine_start_judging(struct engine *e, struct err *err)
{
	int64_t lowest = LEVEL_MAY;

	if (!store_counter_get(e->store, "lowest", &lowest, err))
		return false;
	if (lowest == (int64_t)e->config->ladder.lowest)
		return true;
	if (store_begin(e->store, err) && look_below_lowest(e, err) &&
	    store_commit(e->store, err))
		return true;
	store_rollback(e->store);
	return false;
}

static bool
is_asked(const struct engine *e, int64_t id)
{
	for (size_t i = 0; i < e->asking_count; i++)
		if (e->asking[i] == id)
			return true;
	return false;
}

static void
forget_asked(struct engine *e, int64_t id)
{
	for (size_t i = 0; i < e->asking_count; i++) {
		if (e->asking[i] == id) {
			e->asking[i] = e->asking[--e->asking_count];
			return;
		}
	}
}

/* Alerted once, for all destinations that it holds. */
static void
alert_freeze(struct engine *e, enum freeze_news news, const struct freeze_facts *facts)
{
	struct buf line = {0};

	buf_printf(&line, "freeze: within %lld minutes ",
	    (long long)(e->config->ladder.freeze_ms / SPAN_MINUTE_MS));
	if (news == FREEZE_BEGINS_HELD)
		buf_printf(&line, "%lld destinations or more do worse than before",
		    (long long)facts->held);
	else
		buf_printf(&line, "%lld destinations or more failed and none verified",
		    (long long)facts->failed);
	buf_printf(&line,
	    ": look at this machine's CA file (smtp_tls_CAfile), resolver, "
	    "network and clock; nothing is weakened until sessions verify again");
	engine_alert(e, buf_text(&line));
	buf_clear(&line);
}

/* Guard 12, before destinations are judged. Inside a transaction. */
static bool
look_at_all(struct engine *e, int64_t now_ms, struct err *err)
{
	struct freeze_limits limits = {
	    .destinations = e->config->ladder.freeze_destinations,
	    .time_ms = e->config->ladder.freeze_ms};
	struct freeze_facts facts = {0};
	struct freeze_outcome freeze;

	if (!store_freeze_counts(e->store, now_ms - limits.time_ms, limits.destinations,
	        &facts.held, &facts.failed, err) ||
	    !store_counter_get(e->store, "verified-ms", &facts.verified_ms, err) ||
	    !store_counter_get(e->store, "frozen-ms", &facts.frozen_ms, err) ||
	    !store_counter_get(e->store, "thawed-ms", &facts.thawed_ms, err))
		return false;
	freeze = freeze_judge(&limits, &facts, now_ms);
	if (freeze.store_verified &&
	    !store_counter_set(e->store, "verified-ms", freeze.verified_ms, err))
		return false;
	if (freeze.news == FREEZE_ENDS)
		log_info("no freeze any more: sessions verify again");
	else if (freeze.news != FREEZE_NO_NEWS)
		alert_freeze(e, freeze.news, &facts);
	e->judge.frozen = freeze.frozen;
	e->judge.thawed_ms = freeze.thawed_ms;
	e->judge.verified_ms = freeze.verified_ms;
	return !freeze.store_frozen ||
	    (store_counter_set(e->store, "frozen-ms", freeze.frozen_ms, err) &&
	        store_counter_set(e->store, "thawed-ms", freeze.ended_ms, err));
}

/* What was judged is stored, reported and alerted. */
static bool
take_judged(struct engine *e, struct destination *d, const struct judged *judged,
    int64_t now_ms, struct err *err)
{
	if (!judge_store(e->store, d, judged, now_ms, err))
		return false;
	if (judged->map_changed) {
		e->map_version++;
		engine_map_changed(e);
	}
	if (judged->decision.alert && d->alarm.raised && d->alarm.policy_refused)
		engine_map_doubted(e);
	e->retry_look = e->retry_look || judged->decision.retry;
	if (judged->changed && e->decided != NULL)
		e->decided(e->context, d, judged);
	if (judged->tell)
		engine_alert_decision(e, d, judged);
	return true;
}

/* Judge d and store what came of it. *needs: it must be asked about first. */
static bool
judge_one(struct engine *e, struct destination *d, const struct answers *answers,
    int64_t now_ms, bool *needs, struct err *err)
{
	struct judged judged;
	bool done;

	*needs = !judge_destination(&e->judge, d, answers, now_ms, &judged);
	if (*needs)
		return true;
	done = take_judged(e, d, &judged, now_ms, err);
	judged_clear(&judged);
	return done;
}

/* The answers of one job, judged in one transaction. */
static bool
judge_answers(struct engine *e, const struct ask_job *job, struct err *err)
{
	int64_t now_ms = clock_wall_ms();

	if (!store_begin(e->store, err) || !look_at_all(e, now_ms, err))
		return false;
	for (unsigned i = 0; i < job->count; i++) {
		struct destination d;
		bool found, needs, done;

		done = store_get_id(e->store, job->items[i].id, &d, &found, err) &&
		    (!found ||
		        judge_one(e, &d, &job->items[i].answers, now_ms, &needs, err));
		destination_clear(&d);
		if (!done)
			return false;
	}
	return store_commit(e->store, err);
}

void
engine_take_answers(struct engine *e, int64_t mono_ms)
{
	struct job *done;
	struct err err;

	while ((done = workers_done(e->askers)) != NULL) {
		struct ask_job *job = (struct ask_job *)done;

		for (unsigned i = 0; i < job->count; i++)
			forget_asked(e, job->items[i].id);
		if (job->err.text[0] != '\0')
			log_warning("cannot ask another policy map: %s", job->err.text);
		if (judge_answers(e, job, &err)) {
			trouble_over(&e->storing, "store decisions");
		} else {
			/* They stay pending and are asked about again. */
			store_rollback(e->store);
			engine_trouble(e, &e->storing, "store decisions", &err, mono_ms);
		}
		e->look = true;
		free(job);
	}
}

/* The host that a probe would most likely meet: the first of the last answer. */
static size_t
probe_slot(const struct destination *d)
{
	size_t h = 5381;

	for (const char *p = d->dns.text; *p != '\0' && *p != ' ' && *p != '\n'; p++)
		h = h * 33 + (unsigned char)*p;
	return h % ENGINE_PROBE_SLOTS;
}

/*
 * Does the destination want a probe, and may it have one now? False: it has to wait,
 * since its server was probed for another destination just before.
 */
static bool
plan_probe(
    struct engine *e, const struct destination *d, struct ask_item *item, int64_t now_ms)
{
	int64_t mono_ms = clock_monotonic_ms();
	int64_t *last_ms = &e->probed_ms[probe_slot(d)];
	enum level above, up_to;

	if (!judge_wants_probe(&e->judge, d, now_ms, &above, &up_to))
		return true;
	if (*last_ms != 0 && mono_ms - *last_ms < PROBE_EVERY_MS)
		return false;
	*last_ms = mono_ms;
	item->probe_above = above;
	item->probe_up_to = up_to;
	item->answers.probe_asked = true;
	return true;
}

static void
submit(struct engine *e, struct ask_job *job)
{
	job->job.work = ask_work;
	job->postfix = &e->postfix;
	job->other_maps = e->other_maps;
	job->prober = (struct probe_settings){
	    .ca_file = e->settings.ca_file,
	    .ca_path = e->settings.ca_path,
	    .timeout_ms = PROBE_MS,
	};
	workers_submit(e->askers, &job->job);
}

static size_t
room(const struct engine *e)
{
	return e->asking_max - e->asking_count;
}

/* Other maps are asked each time, and a look at the end of a lease is for news. */
static bool
may_remember(const struct engine *e, const struct destination *d, int64_t now_ms)
{
	enum level above, up_to;

	return (e->other_maps == NULL || e->other_maps[0] == NULL) && d->alarm.raised &&
	    !judge_wants_probe(&e->judge, d, now_ms, &above, &up_to);
}

/* Put it into *job, to be asked about; a full job is submitted. */
static bool
have_asked(struct engine *e, struct destination *d, struct ask_job **job, size_t batch,
    int64_t now_ms, struct err *err)
{
	struct ask_item *item;

	if (*job == NULL)
		*job = mem_new(1, sizeof(**job));
	item = &(*job)->items[(*job)->count];
	if (!nexthop_parse(str_of(d->key), &item->nexthop))
		return true;
	if (!plan_probe(e, d, item, now_ms)) {
		destination_postpone(d, now_ms + PROBE_EVERY_MS);
		return store_put(e->store, d, err);
	}
	memcpy(item->relay, d->alarm.raised ? d->alarm.relay : "",
	    d->alarm.raised ? sizeof(d->alarm.relay) : 1);
	item->id = d->id;
	(*job)->count++;
	e->asking[e->asking_count++] = d->id;
	if ((*job)->count == batch) {
		submit(e, *job);
		*job = NULL;
	}
	return true;
}

static bool
judge_or_ask(struct engine *e, struct destination *d, struct ask_job **job, size_t batch,
    int64_t now_ms, struct err *err)
{
	struct answers remembered;
	bool needs;

	if (!judge_one(e, d, NULL, now_ms, &needs, err))
		return false;
	if (needs && may_remember(e, d, now_ms) &&
	    judge_remembers(d, now_ms, &remembered) &&
	    !judge_one(e, d, &remembered, now_ms, &needs, err))
		return false;
	return !needs || have_asked(e, d, job, batch, now_ms, err);
}

/* Judge what needs no asking, and have asked what does. */
static bool
judge_ids(struct engine *e, const int64_t *ids, size_t count, struct err *err)
{
	/* Few in a job while few wait, so that they are asked about side by side. */
	size_t batch = count / e->config->dns.workers + 1;
	int64_t now_ms = clock_wall_ms();
	struct ask_job *job = NULL;
	bool done;

	if (batch > ASK_BATCH)
		batch = ASK_BATCH;
	done = store_begin(e->store, err) && look_at_all(e, now_ms, err);
	for (size_t i = 0; done && i < count && room(e) > 0; i++) {
		struct destination d;
		bool found;

		if (is_asked(e, ids[i]))
			continue;
		done = store_get_id(e->store, ids[i], &d, &found, err) &&
		    (!found || judge_or_ask(e, &d, &job, batch, now_ms, err));
		destination_clear(&d);
	}
	done = done && store_commit(e->store, err);
	if (job != NULL && job->count > 0)
		submit(e, job);
	else
		free(job);
	return done;
}

/*
 * How many looks at ended leases may begin. A hundred thousand that end while the
 * machine is down must not become as many questions at once.
 */
static size_t
due_tokens(struct engine *e, int64_t mono_ms)
{
	int64_t fresh =
	    e->due_token_ms == 0 ? DUE_BURST : (mono_ms - e->due_token_ms) / DUE_EVERY_MS;

	if (fresh > 0) {
		e->due_token_ms = e->due_token_ms == 0 || fresh > DUE_BURST
		    ? mono_ms
		    : e->due_token_ms + fresh * DUE_EVERY_MS;
		e->due_tokens += fresh;
	}
	if (e->due_tokens > DUE_BURST)
		e->due_tokens = DUE_BURST;
	return (size_t)e->due_tokens;
}

static void
judge_waiting(struct engine *e, int64_t mono_ms)
{
	int64_t ids[JUDGE_MAX], now_ms = clock_wall_ms();
	size_t count = 0, tokens = due_tokens(e, mono_ms);
	struct err err;
	bool done;

	e->look = false;
	done = store_pending(e->store, ids, JUDGE_MAX, &count, &err);
	if (done && count > 0)
		done = judge_ids(e, ids, count, &err);
	count = 0;
	if (done && tokens > 0)
		done = store_due(e->store, now_ms, ids, tokens, &count, &err);
	if (done && count > 0)
		done = judge_ids(e, ids, count, &err);
	e->due_tokens -= (int64_t)count;
	e->due_ms = 0;
	if (done)
		done = store_next_due(e->store, &e->due_ms, &err);
	/* What is due and is being asked about, or has no token, is not due right now. */
	if (done && e->due_ms != 0 && e->due_ms <= now_ms)
		e->due_ms = now_ms + DUE_BURST * DUE_EVERY_MS / 2;
	if (done) {
		trouble_over(&e->storing, "judge");
		return;
	}
	store_rollback(e->store);
	engine_trouble(e, &e->storing, "judge", &err, mono_ms);
	e->look = true;
}

void
engine_try_judging(struct engine *e, int64_t mono_ms)
{
	if (e->due_ms != 0 && clock_wall_ms() >= e->due_ms)
		e->look = true;
	if (!e->look || room(e) == 0 || trouble_waits(&e->storing, mono_ms))
		return;
	/* A default level of yesterday must not decide today. */
	if (!engine_settings_are_fresh(e, mono_ms))
		return;
	judge_waiting(e, mono_ms);
}
