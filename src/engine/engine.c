/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/ask.h"
#include "engine/chores.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/workers.h"

#define FACTS_FRESH_MS  SPAN_MINUTE_MS /* how long Postfix's settings are believed */
#define JOBS_PER_WORKER 2
#define JUDGE_MAX       512 /* destinations fetched at once */
#define RETRY_MAX       1000 /* messages of one retry */
#define FLUSH_OVER      50   /* more of one destination: one flush for all */
#define FLUSH_EVERY_MS  SPAN_MINUTE_MS
#define BACK_OFF_MIN_MS SPAN_SECOND_MS
#define BACK_OFF_MAX_MS SPAN_MINUTE_MS
#define BUSY_MS         1000 /* of SQLite; the engine tries again later anyway */
#define CHORE_THREADS   3 /* a long retry must not keep the map waiting */
#define NOTIFY_GROUP_MS (20 * SPAN_SECOND_MS) /* alerts of so long are one mail */

/* Something that may fail for a while: said once, tried again ever more slowly. */
struct trouble {
	bool failing;
	int64_t wait_ms;
	int64_t again_ms; /* monotonic: not before */
};

struct engine {
	const struct config *config;
	const struct rules *rules;
	enum engine_mode mode;
	engine_decided_fn *decided;
	void *context;

	struct store *store;
	struct fold *fold;
	struct judge judge;
	struct postfix postfix;
	struct ask_settings ask_settings;
	struct workers *askers;
	struct workers *chores;

	struct postfix_facts facts;
	char **other_maps;
	int64_t facts_ms; /* monotonic; 0: never read */
	bool running[CHORE_KINDS];

	int64_t *asking; /* ids that are with the askers */
	size_t asking_count;
	bool look; /* there may be something to judge */

	int64_t export_ms;   /* monotonic: when the map is due; 0: it is in place */
	int64_t map_version; /* as last read */
	int64_t map_exported;
	int64_t data_version;
	int64_t retry_ms; /* wall: when a message is due; 0: none known */
	int64_t again_ms; /* wall: when one is retried of which there was no word */
	bool retry_look;
	int64_t flushed_ms; /* monotonic */
	int64_t due_ms;     /* wall: the next destination to look at again; 0: none */

	struct trouble storing, exporting, retrying, asking_postfix, notifying;
	struct buf alerts;
	size_t alert_count;
	int64_t alert_ms; /* monotonic: when they are sent; 0: none wait */
};

/* --- trouble ----------------------------------------------------------------------- */

static void
trouble_report(struct trouble *t, const char *what, const struct err *err, int64_t mono_ms)
{
	t->wait_ms = t->failing ? t->wait_ms * 2 : BACK_OFF_MIN_MS;
	if (t->wait_ms > BACK_OFF_MAX_MS)
		t->wait_ms = BACK_OFF_MAX_MS;
	t->again_ms = mono_ms + t->wait_ms;
	if (!t->failing)
		log_error("cannot %s, will try again: %s", what, err->text);
	else
		log_debug("still cannot %s: %s", what, err->text);
	t->failing = true;
}

static void
trouble_over(struct trouble *t, const char *what)
{
	if (t->failing)
		log_info("can %s again", what);
	*t = (struct trouble){0};
}

static bool
trouble_waits(const struct trouble *t, int64_t mono_ms)
{
	return t->failing && mono_ms < t->again_ms;
}

/* --- alerts ------------------------------------------------------------------------ */

static void
alert(struct engine *e, const char *line)
{
	log_warning("alert: %s", line);
	if (e->config->notify.to[0] == '\0' || e->mode != ENGINE_APPLY)
		return;
	if (e->alert_ms == 0)
		e->alert_ms = clock_monotonic_ms() + NOTIFY_GROUP_MS;
	if (e->alerts.len < 100000)
		buf_printf(&e->alerts, "%s\n", line);
	e->alert_count++;
}

static void
alert_decision(struct engine *e, const struct destination *d, const struct judged *judged)
{
	struct buf line = {0};

	buf_printf(&line, "%s: %s: %s", d->key, why_slug(judged->decision.why),
	    why_sentence(judged->decision.why));
	if (d->lost)
		buf_printf(&line, "; mail was bounced");
	if (d->deferral && d->reason[0] != '\0') {
		buf_printf(&line, "; Postfix said: ");
		buf_add_quoted(&line, str_of(d->reason));
	}
	alert(e, buf_text(&line));
	buf_clear(&line);
}

/* --- open and close ---------------------------------------------------------------- */

static bool
open_store(struct engine *e, struct err *err)
{
	if (e->mode == ENGINE_APPLY) {
		e->store = store_open(e->config->state, BUSY_MS, err);
		return e->store != NULL;
	}
	e->store = store_open(":memory:", BUSY_MS, err);
	return e->store != NULL && store_load_copy(e->store, e->config->state, err);
}

/* Before the first export there is no map, and Postfix defers all mail without it. */
static bool
start_map(struct engine *e, struct err *err)
{
	int64_t version;

	if (!store_map_versions(e->store, &e->map_version, &e->map_exported, err))
		return false;
	if (e->map_version == 0) {
		if (!store_begin(e->store, err))
			return false;
		if (!store_map_changed(e->store, &version, err) ||
		    !store_commit(e->store, err)) {
			store_rollback(e->store);
			return false;
		}
	}
	e->export_ms = clock_monotonic_ms();
	return true;
}

/* What was being retried when a process ended, or could not be, is due. */
static bool
give_back(struct engine *e, int64_t not_before_ms, struct err *err)
{
	if (store_begin(e->store, err) &&
	    store_waiting_give_back(e->store, not_before_ms, err) && store_commit(e->store, err))
		return true;
	store_rollback(e->store);
	return false;
}

struct engine *
engine_new(const struct config *config, const struct rules *rules, enum engine_mode mode,
    engine_decided_fn *decided, void *context, struct err *err)
{
	struct engine *e = mem_new(1, sizeof(*e));
	struct buf processes = {0};

	e->config = config;
	e->rules = rules;
	e->mode = mode;
	e->decided = decided;
	e->context = context;
	e->postfix = (struct postfix){
	    .config_directory = config->postfix.config_directory,
	    .command = config->postfix.command.items,
	    .command_count = config->postfix.command.count,
	};
	e->ask_settings.resolver = (struct resolver_settings){
	    .servers = config->dns.resolvers.items,
	    .server_count = (unsigned)config->dns.resolvers.count,
	    .resolv_conf = "/etc/resolv.conf",
	    .trust_ad = config->dns.trust_ad,
	    .timeout_ms = config->dns.timeout_ms,
	    .tries = config->dns.tries,
	};
	e->fold = fold_new(rules);
	e->judge = (struct judge){
	    .config = config, .rules = rules, .matcher = rules_matcher_new(rules)};
	e->look = true;
	e->retry_look = true;
	if (!open_store(e, err) || !store_blob_get(e->store, "processes", &processes, err) ||
	    !start_map(e, err) || !give_back(e, 0, err))
		goto fail;
	fold_load_processes(e->fold, (struct str){buf_text(&processes), processes.len});
	e->askers =
	    workers_new(config->dns.workers, ask_make, ask_drop, &e->ask_settings, err);
	e->chores = workers_new(CHORE_THREADS, NULL, NULL, NULL, err);
	if (e->askers == NULL || e->chores == NULL)
		goto fail;
	e->asking = mem_new((size_t)config->dns.workers * JOBS_PER_WORKER * ASK_BATCH,
	    sizeof(*e->asking));
	buf_clear(&processes);
	return e;
fail:
	buf_clear(&processes);
	engine_free(e);
	return NULL;
}

/* What is left to tell is told now: nobody will come back to it. */
static void
send_last_alerts(struct engine *e)
{
	struct chore *chore;

	if (e->alert_ms == 0)
		return;
	chore = chore_new(CHORE_NOTIFY, e->config, &e->postfix);
	chore->subject = mem_strdup("tlsladder: alerts");
	chore->body = buf_take(&e->alerts);
	chore_work(&chore->job, NULL);
	if (!chore->done)
		log_error("cannot mail the administrator: %s", chore->err.text);
	chore_free(chore);
}

void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	send_last_alerts(e);
	workers_free(e->askers);
	workers_free(e->chores);
	fold_free(e->fold);
	rules_matcher_free(e->judge.matcher);
	postfix_maps_free(e->other_maps);
	postfix_facts_clear(&e->facts);
	store_close(e->store);
	buf_clear(&e->alerts);
	free(e->asking);
	free(e);
}

bool
engine_set_rules(struct engine *e, const struct rules *rules, struct err *err)
{
	bool news;

	if (!intake_store(e->store, e->fold, e->rules, e->judge.default_level, NULL, 0, &news,
		err))
		return false;
	e->look = e->look || news;
	fold_set_rules(e->fold, rules);
	rules_matcher_free(e->judge.matcher);
	e->judge.matcher = rules_matcher_new(rules);
	e->judge.rules = rules;
	e->rules = rules;
	e->facts_ms = 0;
	return true;
}

struct store *
engine_store(struct engine *e)
{
	return e->store;
}

struct fold *
engine_fold(struct engine *e)
{
	return e->fold;
}

bool
engine_save(struct engine *e, const struct log_place *places, size_t place_count)
{
	struct err err;
	bool news;

	if (!intake_store(e->store, e->fold, e->rules, e->judge.default_level, places,
		place_count, &news, &err)) {
		trouble_report(&e->storing, "store what the log says", &err, clock_monotonic_ms());
		return false;
	}
	trouble_over(&e->storing, "store what the log says");
	e->look = e->look || news;
	return true;
}

/* --- chores ------------------------------------------------------------------------ */

static struct chore *
start_chore(struct engine *e, enum chore_kind kind)
{
	struct chore *chore = chore_new(kind, e->config, &e->postfix);

	e->running[kind] = true;
	return chore;
}

static void
take_facts(struct engine *e, struct chore *chore, int64_t mono_ms)
{
	bool ours;

	postfix_facts_clear(&e->facts);
	postfix_maps_free(e->other_maps);
	e->other_maps = NULL;
	e->facts = chore->facts;
	chore->facts = (struct postfix_facts){0};
	e->facts_ms = mono_ms;
	if (!chore->done) {
		trouble_report(&e->asking_postfix, "ask postconf", &chore->err, mono_ms);
		e->judge.default_level = LEVEL_UNKNOWN;
		e->judge.can_dane = ANSWER_UNSURE;
		return;
	}
	trouble_over(&e->asking_postfix, "ask postconf");
	e->judge.default_level = e->config->postfix.default_level != LEVEL_UNKNOWN
	    ? e->config->postfix.default_level : e->facts.level;
	e->judge.can_dane = e->facts.can_dane ? ANSWER_YES : ANSWER_NO;
	e->other_maps = postfix_other_maps(e->facts.policy_maps, e->config->map.file, &ours);
}

static void
take_export(struct engine *e, struct chore *chore, int64_t mono_ms)
{
	if (!chore->done) {
		trouble_report(&e->exporting, "export the map", &chore->err, mono_ms);
		e->export_ms = e->exporting.again_ms;
		return;
	}
	trouble_over(&e->exporting, "export the map");
	log_info("map=%s version=%" PRId64 " entries=%zu", e->config->map.file, chore->version,
	    chore->entries);
	e->map_exported = chore->version;
	e->export_ms = e->map_version > e->map_exported
	    ? mono_ms + e->config->map.settle_ms : 0;
	e->retry_look = true;
	e->look = true;
}

static bool
mark_taken(struct engine *e, const struct chore *chore, struct err *err)
{
	if (store_begin(e->store, err) &&
	    store_waiting_take(e->store, chore->waiting, chore->waiting_count, err) &&
	    store_commit(e->store, err))
		return true;
	store_rollback(e->store);
	return false;
}

static bool
mark_done(struct engine *e, const struct chore *chore, struct err *err)
{
	if (store_begin(e->store, err) &&
	    store_waiting_done(
		e->store, chore->waiting, chore->waiting_count, clock_wall_ms(), err) &&
	    store_commit(e->store, err))
		return true;
	store_rollback(e->store);
	return false;
}

static void
take_retry(struct engine *e, struct chore *chore, int64_t mono_ms)
{
	struct err err;

	e->retry_look = true;
	if (chore->done) {
		trouble_over(&e->retrying, "retry mail");
		if (!mark_done(e, chore, &err))
			trouble_report(&e->storing, "store what was retried", &err, mono_ms);
		return;
	}
	trouble_report(&e->retrying, "retry mail", &chore->err, mono_ms);
	if (!give_back(e, clock_wall_ms() + e->retrying.wait_ms, &err))
		trouble_report(&e->storing, "store what was retried", &err, mono_ms);
}

static void
take_queue(struct engine *e, struct chore *chore, int64_t mono_ms)
{
	int64_t now_ms = clock_wall_ms();

	if (!chore->done) {
		trouble_report(&e->asking_postfix, "read the queue", &chore->err, mono_ms);
		return;
	}
	for (size_t i = 0; i < chore->queued_count; i++)
		fold_queued(e->fold, str_of(chore->queued[i].queue_id),
		    str_of(chore->queued[i].recipient), str_of(chore->queued[i].reason), now_ms);
	engine_save(e, NULL, 0);
}

static void
take_notify(struct engine *e, struct chore *chore, int64_t mono_ms)
{
	if (chore->done)
		trouble_over(&e->notifying, "mail the administrator");
	else
		trouble_report(&e->notifying, "mail the administrator", &chore->err, mono_ms);
}

static void
take_chores(struct engine *e, int64_t mono_ms)
{
	struct job *job;

	while ((job = workers_done(e->chores)) != NULL) {
		struct chore *chore = (struct chore *)job;

		e->running[chore->kind] = false;
		switch (chore->kind) {
		case CHORE_FACTS:
			take_facts(e, chore, mono_ms);
			break;
		case CHORE_EXPORT:
			take_export(e, chore, mono_ms);
			break;
		case CHORE_RETRY:
			take_retry(e, chore, mono_ms);
			break;
		case CHORE_QUEUE:
			take_queue(e, chore, mono_ms);
			break;
		case CHORE_NOTIFY:
			take_notify(e, chore, mono_ms);
			break;
		case CHORE_KINDS:
			break;
		}
		chore_free(chore);
	}
}

void
engine_read_queue(struct engine *e)
{
	if (!e->running[CHORE_QUEUE])
		workers_submit(e->chores, &start_chore(e, CHORE_QUEUE)->job);
}

/* --- judging ----------------------------------------------------------------------- */

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

/* Guard 12: is it us? */
static bool
is_frozen(struct engine *e, int64_t now_ms, bool *frozen, struct err *err)
{
	int64_t most = e->config->ladder.freeze_destinations;
	int64_t since_ms = now_ms - e->config->ladder.freeze_ms;
	int64_t held = 0, failed = 0, verified_ms = 0;

	if (!store_freeze_counts(e->store, since_ms, most, &held, &failed, err) ||
	    !store_counter_get(e->store, "verified-ms", &verified_ms, err))
		return false;
	*frozen = held >= most || (failed >= most && verified_ms < since_ms && verified_ms != 0);
	return true;
}

/* Judge d and store what came of it. *needs: it must be asked about first. */
static bool
judge_one(struct engine *e, struct destination *d, const struct asked *asked, int64_t now_ms,
    bool *needs, struct err *err)
{
	struct judged judged = {0};

	*needs = false;
	if (!judge_destination(&e->judge, d, asked, now_ms, &judged)) {
		*needs = true;
		return true;
	}
	if (!judge_store(e->store, d, &judged, now_ms, err))
		return false;
	if (judged.map_changed)
		e->map_version++;
	if (judged.map_changed && e->export_ms == 0)
		e->export_ms = clock_monotonic_ms() + e->config->map.settle_ms;
	e->retry_look = e->retry_look || judged.decision.retry;
	if (judged.changed && e->decided != NULL)
		e->decided(e->context, d, &judged);
	if (judged.changed && judged.decision.alert)
		alert_decision(e, d, &judged);
	return true;
}

/* The answers of one job, judged in one transaction. */
static bool
judge_answers(struct engine *e, const struct ask_job *job, struct err *err)
{
	int64_t now_ms = clock_wall_ms();

	if (!store_begin(e->store, err) || !is_frozen(e, now_ms, &e->judge.frozen, err))
		return false;
	for (unsigned i = 0; i < job->count; i++) {
		struct destination d;
		bool found, needs;

		if (!store_get_id(e->store, job->asked[i].id, &d, &found, err))
			return false;
		if (found && !judge_one(e, &d, &job->asked[i], now_ms, &needs, err))
			return false;
	}
	return store_commit(e->store, err);
}

static void
take_answers(struct engine *e, int64_t mono_ms)
{
	struct job *done;
	struct err err;

	while ((done = workers_done(e->askers)) != NULL) {
		struct ask_job *job = (struct ask_job *)done;

		for (unsigned i = 0; i < job->count; i++)
			forget_asked(e, job->asked[i].id);
		if (job->err.text[0] != '\0')
			log_warning("cannot ask another policy map: %s", job->err.text);
		if (judge_answers(e, job, &err)) {
			trouble_over(&e->storing, "store decisions");
		} else {
			/* They stay pending and are asked about again. */
			store_rollback(e->store);
			trouble_report(&e->storing, "store decisions", &err, mono_ms);
		}
		e->look = true;
		free(job);
	}
}

static void
submit(struct engine *e, struct ask_job *job)
{
	job->job.work = ask_work;
	job->postfix = &e->postfix;
	job->other_maps = e->other_maps;
	workers_submit(e->askers, &job->job);
}

static size_t
room(const struct engine *e)
{
	size_t max = (size_t)e->config->dns.workers * JOBS_PER_WORKER * ASK_BATCH;

	return max - e->asking_count;
}

/* Judge what needs no asking, and have asked what does. */
static bool
judge_ids(struct engine *e, const int64_t *ids, size_t count, struct err *err)
{
	/* Few in a job while few wait, so that they are asked about side by side. */
	size_t batch = count / e->config->dns.workers + 1;
	int64_t now_ms = clock_wall_ms();
	struct ask_job *job = NULL;
	bool done = false;

	if (batch > ASK_BATCH)
		batch = ASK_BATCH;
	if (!store_begin(e->store, err) || !is_frozen(e, now_ms, &e->judge.frozen, err))
		goto out;
	for (size_t i = 0; i < count && room(e) > 0; i++) {
		struct destination d;
		bool found, needs;

		if (is_asked(e, ids[i]))
			continue;
		if (!store_get_id(e->store, ids[i], &d, &found, err))
			goto out;
		if (!found)
			continue;
		if (!judge_one(e, &d, NULL, now_ms, &needs, err))
			goto out;
		if (!needs)
			continue;
		if (job == NULL)
			job = mem_new(1, sizeof(*job));
		if (!nexthop_parse(str_of(d.key), &job->asked[job->count].nexthop))
			continue;
		job->asked[job->count++].id = d.id;
		e->asking[e->asking_count++] = d.id;
		if (job->count == batch) {
			submit(e, job);
			job = NULL;
		}
	}
	done = store_commit(e->store, err);
out:
	if (job != NULL && job->count > 0)
		submit(e, job);
	else
		free(job);
	return done;
}

static void
judge_waiting(struct engine *e, int64_t mono_ms)
{
	int64_t ids[JUDGE_MAX], now_ms = clock_wall_ms();
	size_t count;
	struct err err;
	bool done;

	e->look = false;
	done = store_pending(e->store, ids, JUDGE_MAX, &count, &err);
	if (done && count > 0)
		done = judge_ids(e, ids, count, &err);
	if (done)
		done = store_due(e->store, now_ms, ids, JUDGE_MAX, &count, &err);
	if (done && count > 0)
		done = judge_ids(e, ids, count, &err);
	e->due_ms = 0;
	if (done)
		done = store_next_due(e->store, &e->due_ms, &err);
	if (done) {
		trouble_over(&e->storing, "judge");
		return;
	}
	store_rollback(e->store);
	trouble_report(&e->storing, "judge", &err, mono_ms);
	e->look = true;
}

static void
try_judging(struct engine *e, int64_t mono_ms)
{
	if (e->due_ms != 0 && clock_wall_ms() >= e->due_ms)
		e->look = true;
	if (!e->look || room(e) == 0 || trouble_waits(&e->storing, mono_ms))
		return;
	/* A default level of yesterday must not decide today. The maps that the askers
	 * look into belong to the facts: no asking while they are exchanged. */
	if (e->facts_ms == 0 || mono_ms - e->facts_ms > FACTS_FRESH_MS) {
		if (!e->running[CHORE_FACTS] && e->asking_count == 0 &&
		    !trouble_waits(&e->asking_postfix, mono_ms))
			workers_submit(e->chores, &start_chore(e, CHORE_FACTS)->job);
		return;
	}
	judge_waiting(e, mono_ms);
}

/* --- map and retry ----------------------------------------------------------------- */

static void
try_export(struct engine *e, int64_t mono_ms)
{
	if (e->mode != ENGINE_APPLY || e->export_ms == 0 || mono_ms < e->export_ms ||
	    e->running[CHORE_EXPORT])
		return;
	workers_submit(e->chores, &start_chore(e, CHORE_EXPORT)->job);
}

/* More messages of one destination than are worth naming? */
static bool
wants_flush(const struct waiting *waiting, size_t count)
{
	size_t run = 0;

	for (size_t i = 0; i < count; i++) {
		run = i > 0 && waiting[i].destination == waiting[i - 1].destination ? run + 1 : 1;
		if (run > FLUSH_OVER)
			return true;
	}
	return count == RETRY_MAX;
}

static void
try_retry(struct engine *e, int64_t mono_ms)
{
	int64_t now_ms = clock_wall_ms();
	struct chore *chore;
	struct err err;

	if ((e->retry_ms != 0 && now_ms >= e->retry_ms) ||
	    (e->again_ms != 0 && now_ms >= e->again_ms))
		e->retry_look = true;
	if (!e->config->postfix.retry || e->mode != ENGINE_APPLY) {
		e->retry_look = false;
		return;
	}
	if (!e->retry_look || e->running[CHORE_RETRY] || trouble_waits(&e->retrying, mono_ms))
		return;
	chore = chore_new(CHORE_RETRY, e->config, &e->postfix);
	chore->waiting = mem_new(RETRY_MAX, sizeof(*chore->waiting));
	if (!store_waiting_due(e->store, e->map_exported, now_ms, chore->waiting,
		RETRY_MAX, &chore->waiting_count, &e->retry_ms, &e->again_ms, &err)) {
		trouble_report(&e->storing, "find mail to retry", &err, mono_ms);
		chore_free(chore);
		return;
	}
	chore->flush = wants_flush(chore->waiting, chore->waiting_count);
	if (chore->flush && e->flushed_ms != 0 && mono_ms - e->flushed_ms < FLUSH_EVERY_MS) {
		e->retry_ms = now_ms + FLUSH_EVERY_MS - (mono_ms - e->flushed_ms);
		e->again_ms = 0;
		e->retry_look = false;
		chore_free(chore);
		return;
	}
	e->retry_look = false;
	if (chore->waiting_count == 0) {
		chore_free(chore);
		return;
	}
	if (!mark_taken(e, chore, &err)) {
		trouble_report(&e->storing, "store what is retried", &err, mono_ms);
		e->retry_look = true;
		chore_free(chore);
		return;
	}
	if (chore->flush)
		e->flushed_ms = mono_ms;
	e->running[CHORE_RETRY] = true;
	workers_submit(e->chores, &chore->job);
}

static void
try_notify(struct engine *e, int64_t mono_ms)
{
	struct chore *chore;
	struct buf subject = {0};

	if (e->alert_ms == 0 || mono_ms < e->alert_ms || e->running[CHORE_NOTIFY])
		return;
	chore = start_chore(e, CHORE_NOTIFY);
	buf_printf(&subject, "tlsladder: %zu alert%s", e->alert_count,
	    e->alert_count == 1 ? "" : "s");
	chore->subject = buf_take(&subject);
	chore->body = buf_take(&e->alerts);
	e->alert_ms = 0;
	e->alert_count = 0;
	workers_submit(e->chores, &chore->job);
}

/* --- the turn ---------------------------------------------------------------------- */

/* Another command may have set, unset or exported something. */
static void
notice_others(struct engine *e)
{
	int64_t data_version = e->data_version;
	struct err err;

	if (!store_data_version(e->store, &data_version, &err) ||
	    data_version == e->data_version)
		return;
	e->data_version = data_version;
	e->look = true;
	e->retry_look = true;
	if (store_map_versions(e->store, &e->map_version, &e->map_exported, &err) &&
	    e->map_version > e->map_exported && e->export_ms == 0)
		e->export_ms = clock_monotonic_ms() + e->config->map.settle_ms;
}

void
engine_turn(struct engine *e)
{
	int64_t mono_ms = clock_monotonic_ms();

	take_chores(e, mono_ms);
	take_answers(e, mono_ms);
	notice_others(e);
	try_judging(e, mono_ms);
	try_export(e, mono_ms);
	try_retry(e, mono_ms);
	try_notify(e, mono_ms);
}

void
engine_fds(const struct engine *e, int fds[2])
{
	fds[0] = workers_fd(e->askers);
	fds[1] = workers_fd(e->chores);
}

static void
sooner(int64_t *wait_ms, int64_t than_ms)
{
	if (than_ms < 0)
		than_ms = 0;
	if (*wait_ms < 0 || than_ms < *wait_ms)
		*wait_ms = than_ms;
}

int64_t
engine_wait_ms(struct engine *e)
{
	int64_t mono_ms = clock_monotonic_ms(), now_ms = clock_wall_ms(), wait_ms = -1;

	/* While something fails, its own next try is what to wait for. */
	if (e->storing.failing) {
		sooner(&wait_ms, e->storing.again_ms - mono_ms);
		return wait_ms;
	}
	if (e->asking_postfix.failing)
		sooner(&wait_ms, e->asking_postfix.again_ms - mono_ms);
	else if (e->asking_count == 0 && !e->running[CHORE_FACTS]) {
		if (e->due_ms != 0)
			sooner(&wait_ms, e->due_ms - now_ms);
		if (e->look)
			sooner(&wait_ms, 0);
	}
	if (e->alert_ms != 0 && !e->running[CHORE_NOTIFY])
		sooner(&wait_ms, e->alert_ms - mono_ms);
	if (e->mode != ENGINE_APPLY)
		return wait_ms;
	if (e->export_ms != 0 && !e->running[CHORE_EXPORT])
		sooner(&wait_ms, e->export_ms - mono_ms);
	if (e->retrying.failing)
		sooner(&wait_ms, e->retrying.again_ms - mono_ms);
	else if (!e->running[CHORE_RETRY]) {
		if (e->retry_ms != 0)
			sooner(&wait_ms, e->retry_ms - now_ms);
		if (e->again_ms != 0)
			sooner(&wait_ms, e->again_ms - now_ms);
	}
	return wait_ms;
}

bool
engine_is_idle(struct engine *e)
{
	bool apply = e->mode == ENGINE_APPLY;
	bool exporting = apply && e->export_ms != 0;
	bool retrying = apply && (e->retry_look || e->retry_ms != 0);

	for (size_t i = 0; i < CHORE_KINDS; i++)
		if (e->running[i])
			return false;
	return !e->look && e->asking_count == 0 && !exporting && !retrying;
}
