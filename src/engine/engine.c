/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/covered.h"
#include "engine/alerts.h"
#include "engine/engine_impl.h"
#include "engine/nodes.h"
#include "sys/log.h"
#include "sys/memory.h"
#include "sys/ports.h"

#define HELPERS  4 /* long retries and listings must not keep the map waiting */
#define FRESH_MS SPAN_MINUTE_MS

/* As many as one node keeps that hangs: for its settings, routes, listing and retry. */
#define NODE_HELPERS 4

/* So old may the settings of a node be by which nothing is decided now. */
#define SPARE_MS (10 * SPAN_MINUTE_MS)

/* What was read of the database is read anew soon where there is something to do. */
#define REST_LEAST_MS SPAN_SECOND_MS
#define REST_EVERY_MS (10 * SPAN_SECOND_MS)

#define ENGINE_ROW(name) &duty_##name,
static const struct duty *const duties[] = {ENGINE_DUTIES(ENGINE_ROW)};
#undef ENGINE_ROW

_Static_assert(ENGINE_FDS == POOL_COUNT, "a descriptor a pool");

#define DUTIES (sizeof(duties) / sizeof(duties[0]))

/* --- life -------------------------------------------------------------------------- */

static bool
load_processes(struct engine *e, struct err *err)
{
	struct buf text = {0};
	bool done = intake_load_processes(e->store, e->fold, err) &&
	    store_blob_get(e->store, "covered", &text, err);

	if (done)
		covered_load(
		    e->counting.covered, (struct str){buf_text(&text), text.len});
	buf_clear(&text);
	return done;
}

static void
make_state(struct engine *e, const struct duty *duty, struct engine_node *node)
{
	struct duty_state *state = mem_new(1, duty->state_size);

	state->duty = duty;
	state->node = node;
	e->states.items[e->states.count++] = state;
}

static void
make_states(struct engine *e)
{
	e->states.items = mem_new(DUTIES * e->nodes.count, sizeof(*e->states.items));
	for (size_t i = 0; i < DUTIES; i++) {
		if (!duties[i]->is_of_node)
			make_state(e, duties[i], NULL);
		for (unsigned n = 0; duties[i]->is_of_node && n < e->nodes.count; n++)
			make_state(e, duties[i], &e->nodes.items[n]);
	}
}

static bool
open_duties(struct engine *e, struct err *err)
{
	for (size_t i = 0; i < e->states.count; i++) {
		const struct duty *duty = e->states.items[i]->duty;

		if (duty->open != NULL && !duty->open(e, e->states.items[i], err))
			return false;
	}
	return true;
}

struct engine *
engine_new(const struct config *config, const struct rules *rules, enum engine_mode mode,
    engine_decided_fn *decided, void *context, struct err *err)
{
	return engine_new_in(
	    &engine_real_world, config, rules, mode, decided, context, err);
}

struct engine *
engine_new_in(const struct engine_world *world, const struct config *config,
    const struct rules *rules, enum engine_mode mode, engine_decided_fn *decided,
    void *context, struct err *err)
{
	struct engine *e = mem_new(1, sizeof(*e));

	e->world = world;
	e->config = config;
	e->rules = rules;
	e->driver.mode = mode;
	e->driver.decided = decided;
	e->driver.context = context;
	e->nodes.here = (struct postfix){
	    .config_directory = config->postfix.config_directory,
	    .command = config->postfix.command.items,
	    .command_count = config->postfix.command.count,
	    .environment = &config->postfix.environment,
	    .map_file = config->map.file,
	    .map_seen_as = config_map_seen(config),
	};
	ports_read(&e->nodes.ports);
	e->fold = fold_new(rules);
	fold_set_ports(e->fold, &e->nodes.ports);
	engine_make_nodes(e);
	e->counting.covered = covered_new();
	fold_set_covered(e->fold, e->counting.covered);
	fold_set_outer(e->fold, config->log.nested);
	e->judge = (struct judge){
	    .config = config, .rules = rules, .matcher = rules_matcher_new(rules)};
	e->judge.asks_queue = e->judge.reads_on = mode == ENGINE_APPLY;
	e->judge.prober =
	    mode == ENGINE_APPLY && !config->probe.off ? ANSWER_UNSURE : ANSWER_NO;
	fold_keep_alarms(e->fold, e->judge.prober != ANSWER_NO);
	e->witnessed = witnesses_new();
	e->hosts = hosts_new();
	make_states(e);
	if (engine_open_store(e, err) && load_processes(e, err) && open_duties(e, err) &&
	    engine_mind_nodes(e, err)) {
		e->workers[POOL_HELPERS] = world->workers_new(
		    HELPERS + NODE_HELPERS * (e->nodes.count - 1), NULL, NULL, NULL, err);
		if (e->workers[POOL_HELPERS] != NULL)
			return e;
	}
	engine_free(e);
	return NULL;
}

void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < e->states.count; i++)
		if (e->states.items[i]->duty->finish != NULL)
			e->states.items[i]->duty->finish(e, e->states.items[i]);
	for (size_t i = 0; i < POOL_COUNT; i++)
		e->world->workers_free(e->workers[i]);
	while (e->tasks != NULL) {
		struct task *task = e->tasks;

		e->tasks = task->next;
		engine_drop(task);
	}
	for (size_t i = 0; i < e->states.count; i++) {
		if (e->states.items[i]->duty->close != NULL)
			e->states.items[i]->duty->close(e->states.items[i]);
		free(e->states.items[i]);
	}
	free(e->states.items);
	witnesses_free(e->witnessed);
	hosts_free(e->hosts);
	ports_clear(&e->nodes.ports);
	buf_clear(&e->sts_attributes);
	engine_forget_parents(e);
	engine_unclaim(e);
	fold_free(e->fold);
	covered_free(e->counting.covered);
	rules_matcher_free(e->judge.matcher);
	engine_free_nodes(e);
	store_close(e->store);
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

/* --- what duties share ------------------------------------------------------------- */

struct moment
engine_now(const struct engine *e)
{
	return (struct moment){
	    .mono_ms = e->world->mono_ms(), .wall_ms = e->world->wall_ms()};
}

bool
engine_read_versions(struct engine *e, struct err *err)
{
	struct target_state map;
	struct buf here = {0};
	bool done =
	    store_map_versions(e->store, &e->map.version, &e->map.exported, err) &&
	    store_target_get(e->store, STORE_MAP, &map, err) &&
	    store_read_here(e->store, &here, err);

	if (done) {
		e->map.published = map.version;
		e->map.is_read_here = strcmp(buf_text(&here), STORE_MAP) == 0;
	}
	buf_clear(&here);
	return done;
}

int64_t
engine_at_wall(const struct moment *now, int64_t wall_ms)
{
	return wall_ms <= now->wall_ms ? now->mono_ms
	                               : now->mono_ms + (wall_ms - now->wall_ms);
}

void *
engine_state(const struct engine *e, const struct duty *duty)
{
	size_t i = 0;

	while (e->states.items[i]->duty != duty)
		i++;
	return e->states.items[i];
}

void *
engine_state_of(
    const struct engine *e, const struct duty *duty, const struct engine_node *node)
{
	size_t i = 0;

	while (e->states.items[i]->duty != duty)
		i++;
	assert(duty->is_of_node);
	return e->states.items[i + node->at];
}

void
engine_tell(struct engine *e, enum news news)
{
	struct moment now = engine_now(e);

	for (size_t i = 0; i < e->states.count; i++)
		if (e->states.items[i]->duty->hear != NULL)
			e->states.items[i]->duty->hear(e, e->states.items[i], news, &now);
}

void
engine_stored(struct engine *e, const char *what)
{
	backoff_over(&e->storing, what);
}

void
engine_not_stored(struct engine *e, const char *what, const struct err *err)
{
	store_rollback(e->store);
	engine_failed(e, &e->storing, what, err, true);
	engine_tell(e, NEWS_FAILED);
}

enum engine_saved
engine_save(struct engine *e, const struct log_place *places, size_t place_count)
{
	struct destination_spans spans = judge_spans(&e->judge);
	struct buf lost = {0};
	uint64_t limit_hits = fold_counts(e->fold)->limit_hits;
	struct intake_how how;
	struct err err;
	bool news;

	if (fold_parked(e->fold) > 0)
		return ENGINE_SAVE_WAITS;
	spans.listed = spans.listed && !e->driver.once;
	fold_keep_alarms(e->fold, destination_spans_tell(&spans));
	engine_mind_clock(e);
	engine_find_lost(e, &lost);
	how = (struct intake_how){
	    .rules = e->rules,
	    .default_level = e->judge.default_level,
	    .leads = e->leads == ANSWER_YES,
	    .spans = &spans,
	    .counted = e->driver.once && e->counting.is_claimed
	        ? &e->counting.covered_print
	        : NULL,
	    .now_ms = engine_now(e).wall_ms,
	    .is_followed = !e->driver.once,
	    .purpose = e->driver.mode == ENGINE_APPLY ? INTAKE_KEEP
	        : e->driver.no_more_lines             ? INTAKE_IMAGINE_LAST
	                                              : INTAKE_IMAGINE,
	};
	if (!intake_store(e->store, e->fold, &how, places, place_count, &news, &err)) {
		engine_failed(e, &e->storing, "store what the log says", &err, true);
		engine_tell(e, NEWS_FAILED);
		buf_clear(&lost);
		return ENGINE_SAVE_FAILED;
	}
	engine_unclaim(e);
	engine_stored(e, "store what the log says");
	if (limit_hits > 0 && !e->limit_reported)
		log_warning("a pattern of the rules ran into its limit, which is no "
		            "match; `tlsladder "
		            "match` counts how often");
	e->limit_reported = e->limit_reported || limit_hits > 0;
	engine_tell(e, NEWS_LOG);
	if (news) {
		engine_tell(e, NEWS_EVIDENCE);
		engine_mind_wait(e); /* whether or not anything is decided of it */
	}
	if (spans.listed)
		engine_ask_given_up(e, NULL);
	engine_mind_unfollowed(e);
	engine_alert_lost(e, &lost);
	buf_clear(&lost);
	return ENGINE_SAVED;
}

/* --- the turn: loops over the duties ----------------------------------------------- */

static void
not_before(struct due *due, const struct backoff *backoff, int64_t mono_ms)
{
	if (backoff_waits(backoff, mono_ms) && due->at_ms < backoff->again_ms)
		due->at_ms = backoff->again_ms;
}

/* What a duty has to do and when it may, without regard to Postfix's settings. */
static struct due
due_of(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	unsigned needs = base->duty->needs;
	struct due due = {DUE_NEVER, false};

	if ((needs & DUTY_APPLIES) != 0 && e->driver.mode != ENGINE_APPLY)
		return due;
	if ((needs & DUTY_LEADS) != 0 && e->leads != ANSWER_YES && !e->driver.once)
		return due;
	if ((needs & DUTY_TELLS) != 0 && !engine_tells(e))
		return due;
	due = base->duty->due(e, base, now);
	if ((needs & DUTY_STORES) != 0)
		not_before(&due, &e->storing, now->mono_ms);
	not_before(&due, &base->backoff, now->mono_ms);
	return due;
}

static bool
are_fresh(const struct known_postfix *known, const struct moment *now, int64_t fresh_ms)
{
	return known->read_ms != 0 && known->stale == 0 &&
	    now->mono_ms - known->read_ms <= fresh_ms;
}

bool
engine_settings_are_fresh(
    const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	/* Others tell in the place of a node that cannot be asked. */
	return base->node != NULL && !base->node->is_away
	    ? are_fresh(&base->node->known, now, FRESH_MS)
	    : are_fresh(e->known, now, FRESH_MS) && engine_know_nodes(e);
}

/* Does that duty go by the settings of that node? One that decides goes by one node's,
 * and by what the others said lately. */
static bool
goes_by(const struct duty_state *base, const struct engine_node *node)
{
	return (base->duty->needs & DUTY_SETTINGS) != 0 &&
	    (base->node == NULL || base->node == node);
}

bool
engine_settings_are_wanted(
    const struct engine *e, const struct engine_node *node, const struct moment *now)
{
	const struct known_postfix *known = &node->known;
	/* Those that changed are read though nobody needs them now: what was decided
	 * under others is judged again. */
	bool wanted = known->stale > 0;
	bool is_spare = known != e->known && are_fresh(known, now, SPARE_MS);

	if (are_fresh(known, now, FRESH_MS))
		return false;
	for (size_t i = 0; i < e->states.count; i++) {
		const struct duty_state *base = e->states.items[i];

		if (!goes_by(base, node))
			continue;
		if (base->tasks > 0)
			return false;
		if (is_spare && base->node == NULL)
			continue;
		wanted = wanted || due_of(e, base, now).at_ms <= now->mono_ms;
	}
	return wanted;
}

/* When it is started. What waits for fresh settings is not: they are due themselves. */
static int64_t
start_ms(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	int64_t at_ms = due_of(e, base, now).at_ms;

	return at_ms <= now->mono_ms && (base->duty->needs & DUTY_SETTINGS) != 0 &&
	        !engine_settings_are_fresh(e, base, now)
	    ? DUE_NEVER
	    : at_ms;
}

void
engine_turn(struct engine *e)
{
	struct moment now = engine_now(e);

	for (size_t i = 0; i < e->states.count; i++)
		if (e->states.items[i]->duty->notice != NULL)
			e->states.items[i]->duty->notice(e, e->states.items[i], &now);
	for (size_t i = 0; i < POOL_COUNT; i++)
		if (e->workers[i] != NULL)
			engine_take_tasks(e, e->workers[i]);
	for (size_t i = 0; i < e->states.count; i++) {
		now = engine_now(e);
		if (start_ms(e, e->states.items[i], &now) <= now.mono_ms)
			e->states.items[i]->duty->start(e, e->states.items[i], &now);
	}
}

void
engine_fds(const struct engine *e, int fds[ENGINE_FDS])
{
	for (size_t i = 0; i < POOL_COUNT; i++)
		fds[i] = e->workers[i] != NULL ? e->world->fd(e->workers[i]) : -1;
}

const char *
engine_next(const struct engine *e, int64_t *wait_ms)
{
	struct moment now = engine_now(e);
	struct due due = {DUE_NEVER, false};
	const char *name = NULL;

	/* A caller whose engine_save() failed tries it again then. */
	if (backoff_waits(&e->storing, now.mono_ms)) {
		due.at_ms = e->storing.again_ms;
		name = "saving";
	}
	for (size_t i = 0; i < e->states.count; i++) {
		int64_t at_ms = start_ms(e, e->states.items[i], &now);

		if (at_ms < due.at_ms) {
			due.at_ms = at_ms;
			name = e->states.items[i]->duty->name;
		}
	}
	*wait_ms = due.at_ms == DUE_NEVER ? -1
	    : due.at_ms > now.mono_ms     ? due.at_ms - now.mono_ms
	                                  : 0;
	return name;
}

int64_t
engine_wait_ms(const struct engine *e)
{
	int64_t wait_ms;

	engine_next(e, &wait_ms);
	return wait_ms;
}

void
engine_rest(struct engine *e)
{
	int64_t wait_ms = engine_wait_ms(e), mono_ms = engine_now(e).mono_ms;

	if (e->tasks != NULL || (wait_ms >= 0 && wait_ms < REST_LEAST_MS) ||
	    (e->rested_ms != 0 && mono_ms - e->rested_ms < REST_EVERY_MS))
		return;
	e->rested_ms = mono_ms;
	store_rest(e->store);
	memory_trim();
}

bool
engine_is_working(const struct engine *e)
{
	for (size_t i = 0; i < e->states.count; i++)
		if (e->states.items[i]->tasks > 0 &&
		    !e->states.items[i]->duty->is_cut_short)
			return true;
	return false;
}

const char *
engine_malformed(const struct engine *e)
{
	return e->health.is_malformed ? e->health.how.text : NULL;
}

/* Of a duty that each node has: others go on. */
static bool
lasts_everywhere(const struct engine *e, const struct duty_state *base)
{
	for (size_t i = 0; i < e->states.count; i++)
		if (e->states.items[i]->duty == base->duty &&
		    !backoff_lasts(&e->states.items[i]->backoff))
			return false;
	return true;
}

enum engine_stuck
engine_is_stuck(const struct engine *e)
{
	enum engine_stuck stuck = e->health.is_malformed || backoff_lasts(&e->storing)
	    ? ENGINE_STUCK
	    : ENGINE_MOVES;

	for (size_t i = 0; i < e->states.count; i++)
		if (e->states.items[i]->duty->stuck > stuck &&
		    lasts_everywhere(e, e->states.items[i]))
			stuck = e->states.items[i]->duty->stuck;
	return stuck;
}

bool
engine_forget_outlived(struct engine *e)
{
	struct destination_spans spans = judge_spans(&e->judge);
	int64_t now_ms = engine_now(e).wall_ms;
	struct err err;

	if (store_begin(e->store, &err) &&
	    store_waiting_outlived(e->store, now_ms - spans.alarm_ms, &err) &&
	    store_commit(e->store, &err))
		return true;
	engine_not_stored(e, "forget mail that was sent back", &err);
	return false;
}

void
engine_end_lines(struct engine *e)
{
	e->driver.no_more_lines = true;
}

void
engine_run_once(struct engine *e)
{
	e->driver.once = true;
	fold_forget_processes(e->fold); /* of the log that the daemon follows */
	e->judge.reads_on = false;
	fold_keep_alarms(e->fold, false); /* nobody would wait for a listing */
}

const char *
engine_left_undone(const struct engine *e)
{
	for (size_t i = 0; i < e->states.count; i++)
		if (e->states.items[i]->backoff.failing &&
		    !e->states.items[i]->duty->is_unalerted)
			return e->states.items[i]->duty->what;
	return NULL;
}

bool
engine_is_idle(const struct engine *e)
{
	struct moment now = engine_now(e);

	for (size_t i = 0; i < e->states.count; i++)
		if (e->states.items[i]->tasks > 0 ||
		    due_of(e, e->states.items[i], &now).owed)
			return false;
	return true;
}
