/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/engine.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/engine_impl.h"
#include "sys/clock.h"
#include "sys/log.h"

#define HISTORY_DAYS    400
#define QUEUE_DAYS      10             /* twice the default of maximal_queue_lifetime */
#define QUEUE_UNREAD    "queue-unread" /* the counter that says so */
#define CHORE_THREADS   3              /* a long retry must not keep the map waiting */
#define JOBS_PER_WORKER 2
#define BUSY_MS         1000 /* of SQLite; the engine tries again later anyway */

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
	fold_set_router(e->fold, engine_route, e);
	e->routes = routes_new();
	e->judge = (struct judge){
	    .config = config, .rules = rules, .matcher = rules_matcher_new(rules)};
	e->look = true;
	e->retry_look = true;
	if (!open_store(e, err) ||
	    !store_blob_get(e->store, "processes", &processes, err) ||
	    !engine_start_map(e, err) || !engine_start_judging(e, err) ||
	    !engine_give_back(e, 0, err))
		goto fail;
	fold_load_processes(e->fold, (struct str){buf_text(&processes), processes.len});
	e->askers =
	    workers_new(config->dns.workers, ask_make, ask_drop, &e->ask_settings, err);
	e->chores = workers_new(CHORE_THREADS, NULL, NULL, NULL, err);
	if (e->askers == NULL || e->chores == NULL)
		goto fail;
	e->asking_max = (size_t)config->dns.workers * JOBS_PER_WORKER * ASK_BATCH;
	e->asking = mem_new(e->asking_max, sizeof(*e->asking));
	buf_clear(&processes);
	return e;
fail:
	buf_clear(&processes);
	engine_free(e);
	return NULL;
}

void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	engine_send_last_alerts(e);
	workers_free(e->askers);
	workers_free(e->chores);
	fold_free(e->fold);
	routes_free(e->routes);
	rules_matcher_free(e->judge.matcher);
	postfix_maps_free(e->other_maps);
	postfix_settings_clear(&e->settings);
	store_close(e->store);
	buf_clear(&e->alerts);
	free(e->asking);
	free(e);
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

enum engine_saved
engine_save(struct engine *e, const struct log_place *places, size_t place_count)
{
	struct buf lost = {0};
	uint64_t limit_hits = fold_counts(e->fold)->limit_hits;
	struct err err;
	bool news;

	if (fold_parked(e->fold) > 0)
		return ENGINE_SAVE_WAITS;
	engine_find_lost(e, &lost);
	if (!intake_store(e->store, e->fold, e->rules, e->judge.default_level, places,
	        place_count, &news, &err)) {
		engine_trouble(e, &e->storing, "store what the log says", &err,
		    clock_monotonic_ms());
		buf_clear(&lost);
		return ENGINE_SAVE_FAILED;
	}
	trouble_over(&e->storing, "store what the log says");
	if (limit_hits > 0 && !e->limit_told)
		log_warning("a pattern of the rules ran into its limit, which is no "
		            "match; `tlsladder "
		            "match` counts how often");
	e->limit_told = e->limit_told || limit_hits > 0;
	e->look = e->look || news;
	engine_alert_lost(e, &lost);
	buf_clear(&lost);
	return ENGINE_SAVED;
}

/* --- chores ------------------------------------------------------------------------ */

struct chore *
engine_chore(struct engine *e, enum chore_kind kind)
{
	struct chore *chore = chore_new(kind, e->config, &e->postfix);

	e->running[kind] = true;
	return chore;
}

static void
take_queue(struct engine *e, struct chore *chore, int64_t mono_ms)
{
	int64_t now_ms = clock_wall_ms();

	if (!chore->done) {
		engine_trouble(e, &e->queueing, "read the queue", &chore->err, mono_ms);
		return;
	}
	trouble_over(&e->queueing, "read the queue");
	e->queue_wanted = false;
	for (size_t i = 0; i < chore->queued_count; i++)
		fold_queued(e->fold, str_of(chore->queued[i].queue_id),
		    str_of(chore->queued[i].recipient), str_of(chore->queued[i].reason),
		    now_ms);
	e->unsaved_queue = true;
}

static void
take_chores(struct engine *e, int64_t mono_ms)
{
	struct job *job;

	while ((job = workers_done(e->chores)) != NULL) {
		struct chore *chore = (struct chore *)job;

		e->running[chore->kind] = false;
		switch (chore->kind) {
		case CHORE_SETTINGS:
			engine_take_settings(e, chore, mono_ms);
			break;
		case CHORE_EXPORT:
			engine_take_export(e, chore, mono_ms);
			break;
		case CHORE_CATCH_UP:
			engine_take_catch_up(e, chore, mono_ms);
			break;
		case CHORE_RETRY:
			engine_take_retry(e, chore, mono_ms);
			break;
		case CHORE_QUEUE:
			take_queue(e, chore, mono_ms);
			break;
		case CHORE_ROUTES:
			engine_take_routes(e, chore, mono_ms);
			break;
		case CHORE_NOTIFY:
			engine_take_notify(e, chore, mono_ms);
			break;
		case CHORE_KINDS:
			break;
		}
		chore_free(chore);
	}
}

/* For the next start. Where it cannot be noted the queue is read twice, or by us alone.
 */
static void
note_queue(struct engine *e, bool unread)
{
	struct err ignored;

	store_counter_set(e->store, QUEUE_UNREAD, unread, &ignored);
}

void
engine_read_queue(struct engine *e)
{
	e->queue_wanted = true;
	note_queue(e, true);
}

bool
engine_left_queue(struct engine *e)
{
	struct err ignored;
	int64_t unread;

	return store_counter_get(e->store, QUEUE_UNREAD, &unread, &ignored) &&
	    unread != 0;
}

static void
save_queue(struct engine *e)
{
	e->unsaved_queue = engine_save(e, NULL, 0) != ENGINE_SAVED;
	if (!e->unsaved_queue)
		note_queue(e, false);
}

static void
try_queue(struct engine *e, int64_t mono_ms)
{
	if (e->queue_wanted && !e->running[CHORE_QUEUE] &&
	    !trouble_waits(&e->queueing, mono_ms))
		workers_submit(e->chores, &engine_chore(e, CHORE_QUEUE)->job);
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
	    e->map_version > e->map_exported)
		engine_map_changed(e);
	engine_find_lag(e, clock_monotonic_ms());
}

/* Once a day what is older than the history goes. */
static void
thin_history(struct engine *e, int64_t mono_ms)
{
	int64_t today = clock_wall_ms() / SPAN_DAY_MS, thinned = 0;
	struct err err;

	if (e->mode != ENGINE_APPLY || today == e->thinned_day ||
	    trouble_waits(&e->storing, mono_ms))
		return;
	if (!store_counter_get(e->store, "thinned-day", &thinned, &err) ||
	    (thinned != today &&
	        (!store_begin(e->store, &err) ||
	            !store_thin(e->store, today - HISTORY_DAYS,
	                (today - QUEUE_DAYS) * SPAN_DAY_MS, &err) ||
	            !store_counter_set(e->store, "thinned-day", today, &err) ||
	            !store_commit(e->store, &err)))) {
		store_rollback(e->store);
		engine_trouble(e, &e->storing, "thin the history", &err, mono_ms);
		return;
	}
	e->thinned_day = today;
}

/* What was decided while the clock was ahead must not wait until it is there again. */
static void
mind_clock(struct engine *e, int64_t mono_ms)
{
	int64_t now_ms = clock_wall_ms();
	struct err err;

	if (now_ms < e->clock_ms - SPAN_MINUTE_MS)
		e->clock_minded = false;
	e->clock_ms = now_ms;
	if (e->clock_minded || trouble_waits(&e->storing, mono_ms))
		return;
	e->clock_minded = store_begin(e->store, &err) &&
	    store_bring_back(e->store, now_ms, JUDGE_LOOK_MAX_MS, &err) &&
	    store_commit(e->store, &err);
	e->look = true;
	e->retry_look = true;
	if (e->clock_minded)
		return;
	store_rollback(e->store);
	engine_trouble(e, &e->storing, "look at the times to come", &err, mono_ms);
}

void
engine_turn(struct engine *e)
{
	int64_t mono_ms = clock_monotonic_ms();

	mind_clock(e, mono_ms);
	take_chores(e, mono_ms);
	engine_take_answers(e, mono_ms);
	notice_others(e);
	engine_try_settings(e, mono_ms);
	try_queue(e, mono_ms);
	if (e->unsaved_queue && !trouble_waits(&e->storing, mono_ms))
		save_queue(e);
	engine_try_judging(e, mono_ms);
	engine_try_export(e, mono_ms);
	engine_try_catch_up(e, mono_ms);
	engine_try_retry(e, mono_ms);
	engine_try_notify(e, mono_ms);
	thin_history(e, mono_ms);
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
	else if (e->asking_count == 0 && !e->running[CHORE_SETTINGS]) {
		if (e->due_ms != 0)
			sooner(&wait_ms, e->due_ms - now_ms);
		if (e->look || (e->unsaved_queue && fold_parked(e->fold) == 0))
			sooner(&wait_ms, 0);
	}
	if (e->queue_wanted && !e->running[CHORE_QUEUE])
		sooner(
		    &wait_ms, e->queueing.failing ? e->queueing.again_ms - mono_ms : 0);
	if (e->alert_ms != 0 && !e->running[CHORE_NOTIFY])
		sooner(&wait_ms, e->alert_ms - mono_ms);
	if (e->mode != ENGINE_APPLY)
		return wait_ms;
	if (e->export_ms != 0 && !e->running[CHORE_EXPORT])
		sooner(&wait_ms, e->export_ms - mono_ms);
	if (e->lag_ms != 0 && !e->running[CHORE_CATCH_UP])
		sooner(&wait_ms, e->lag_ms - mono_ms);
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
engine_is_working(const struct engine *e)
{
	for (size_t i = 0; i < CHORE_KINDS; i++)
		if (e->running[i])
			return true;
	return e->asking_count > 0;
}

enum engine_stuck
engine_is_stuck(const struct engine *e)
{
	if (trouble_lasts(&e->exporting))
		return ENGINE_STUCK_MAP;
	return trouble_lasts(&e->asking_postfix) || trouble_lasts(&e->routing) ||
	        trouble_lasts(&e->storing) || trouble_lasts(&e->retrying)
	    ? ENGINE_STUCK
	    : ENGINE_MOVES;
}

bool
engine_is_idle(struct engine *e)
{
	bool apply = e->mode == ENGINE_APPLY;
	bool exporting = apply && e->export_ms != 0;
	bool retrying = apply && (e->retry_look || e->retry_ms != 0);

	return !engine_is_working(e) && !e->look && !e->queue_wanted &&
	    !e->unsaved_queue && fold_parked(e->fold) == 0 && !exporting && !retrying;
}
