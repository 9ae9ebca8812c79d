/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim.h"

#include <stdlib.h>

#include "base/mem.h"
#include "conf/rulefile.h"
#include "engine/engine_impl.h"
#include "enginekit.h"
#include "suite.h"

#define LISTINGS_MS (5 * SPAN_SECOND_MS) /* two of the queue */
#define STATE       "sim.db"
#define LOOKS_MAX   5000
#define JUDGED_MAX  3         /* at one moment */
#define MONO_MS     (2 * MIN) /* more than any rate or freshness of the engine */

static char postfix_rules[] = "rules/postfix.yaml";
static char strict_rules[] = "rules/strict.yaml";

/* The one that runs: the resolver asks it. */
static struct sim *current;

static void
announce(const char *domain, struct sts_txt *out)
{
	(void)domain;
	*out = current->sts_txt;
}

static void
serve(const char *host, struct buf *text, struct fetch_answer *out)
{
	(void)host;
	if (current->sts_policy == NULL)
		return;
	buf_printf(text, "%s", current->sts_policy);
	*out = (struct fetch_answer){
	    .cause = STS_CAUSE_OK, .status = 200, .body = {buf_text(text), text->len}};
}

static void
answer(struct measure_item *item)
{
	item->answers.relay_fits = !current->elsewhere;
	item->answers.other_map = current->other_map;
	item->answers.credentials = current->credentials;
	item->answers.dane = (struct dane_verdict){.state = current->dns,
	    .signed_domain = current->is_signed,
	    .distrusted = current->distrusted,
	    .all_usable = current->all_usable,
	    .ttl_s = current->ttl_s};
	snprintf(item->answers.text, sizeof(item->answers.text), "%s tlsa=%s",
	    current->mx, dane_state_name(current->dns));
	item->answers.sts_txt = current->sts_txt;
	item->answers.witnesses = current->witnessed ? &current->witnesses : NULL;
	/* Postfix says yes or no; an engine that could not ask it decides nothing, so
	 * this one is made to. */
	if (current->judge.can_dane == ANSWER_UNSURE)
		current->engine->judge.can_dane = ANSWER_UNSURE;
	current->asked++;
}

/* The only server: it meets `probed`, or just does not. */
static void
finger(const struct finger_question *question, struct server *server)
{
	enum level level = current->probed;
	bool works = current->probe_works == ANSWER_YES;

	(void)question;
	*server = (struct server){.chain = ANSWER_NO,
	    .probe = {.end = PROBE_TLS, .encrypt = ANSWER_YES, .dane = ANSWER_NO}};
	if (current->probe_works == ANSWER_UNSURE)
		server->probe.end = PROBE_SILENT;
	else if (level == LEVEL_ENCRYPT && !works)
		server->probe.end = PROBE_PLAIN;
	else if (level >= LEVEL_VERIFY && works)
		server->chain = ANSWER_YES;
	names_add(server->names, STR("mx.d.test"));
	if (level == LEVEL_SECURE && works)
		names_add(server->names, STR(KEY));
}

static void
on_judged(void *context, const struct destination *d, const struct judged *judged)
{
	struct sim *sim = context;

	assert_false(d->alarm.pending);
	sim->told += judged->tell;
	sim->last = *judged;
	sim->last.before = (struct demand){0}; /* its text goes with the call */
	sim->judged++;
}

static void
set_counter(struct sim *sim, const char *name, int64_t value)
{
	int64_t is;

	assert_true(store_counter_get(sim->store, name, &is, &kit_err));
	if (is != value)
		assert_true(store_counter_set(sim->store, name, value, &kit_err));
}

/*
 * The world as the test has it now. Only the wall clock is simulated: the other one is
 * ahead each time, so that nothing is held up by rates, nor answered from a minute ago.
 */
static void
enter(struct sim *sim)
{
	world.wall_ms = sim->now_ms;
	world.mono_ms += MONO_MS;
	engine_trust_clock(
	    sim->engine); /* it has no other that could be held against it */
	world.default_level = sim->judge.default_level;
	world.can_dane = sim->judge.can_dane == ANSWER_YES;
	world.finger = sim->probed != LEVEL_UNKNOWN ? finger : NULL;
	/* It is looked for again each hour; here at once. */
	if (sim->probed != LEVEL_UNKNOWN)
		sim->engine->judge.prober = ANSWER_UNSURE;
	world.policy_maps = sim->other_map != ANSWER_NO ? "hash:/etc/postfix/other" : "";
	set_counter(sim, "verified-ms", sim->judge.proof_ms);
	set_counter(sim, "frozen-ms", sim->judge.frozen ? sim->now_ms : 0);
}

struct sim *
sim_new(enum level default_level, bool strict)
{
	char *files[] = {(char *)(uintptr_t)suite_path(strict_rules),
	    (char *)(uintptr_t)suite_path(postfix_rules)};

	return strict ? sim_with_rules(default_level, files, 2)
	              : sim_with_rules(default_level, files + 1, 1);
}

struct sim *
sim_with_sessions(enum level default_level)
{
	struct sim *sim = sim_new(default_level, false);

	world.sessions_logged = true; /* for the next time that it asks */
	fold_set_sessions(engine_fold(sim->engine), true);
	return sim;
}

struct sim *
sim_with_rules(enum level default_level, char **files, size_t count)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	struct errs errs = {0};

	assert_non_null(sim);
	sim->rules = rulefile_load(files, count, RULEFILE_COMPILE, &errs);
	assert_non_null(sim->rules);
	config_default(&sim->config);
	free(sim->config.state);
	kit_new(STATE);
	sim->config.state = mem_strdup(kit_path(STATE));
	sim->config.postfix.retry = false; /* see sim_assert_released() */
	sim->judge = (struct judge){.config = &sim->config,
	    .rules = sim->rules,
	    .matcher = rules_matcher_new(sim->rules),
	    .default_level = default_level,
	    .can_dane = ANSWER_YES};
	sim->dns = DANE_NONE;
	sim->sts_txt.state = STS_TXT_NONE;
	sim->mx = "mx.d.test";
	sim->other_map = ANSWER_NO;
	sim->credentials = ANSWER_NO;
	world_reset();
	world.answer = answer;
	world.policy = announce;
	world.fetch = serve;
	current = sim;
	sim->engine = engine_new_in(&scripted_world, &sim->config, sim->rules,
	    ENGINE_APPLY, on_judged, sim, &kit_err);
	if (sim->engine == NULL) {
		fail_msg("%s", kit_err.text);
		abort(); /* never: the analyzer does not know */
	}
	/* Another connection than the engine's, as another command has. */
	sim->store = kit_open(STATE);
	sim->now_ms = START_MS;
	enter(sim);
	world_settle(sim->engine);
	world.export_ms = EXPORT_MS;
	return sim;
}

void
sim_free(struct sim *sim)
{
	engine_free(sim->engine);
	rules_matcher_free(sim->judge.matcher);
	store_close(sim->store);
	rules_free(sim->rules);
	config_clear(&sim->config);
	free(sim);
	world_reset();
}

struct destination
sim_row(struct sim *sim)
{
	return kit_get(sim->store, KEY);
}

static int64_t
look_ms(struct sim *sim)
{
	struct destination d;
	int64_t at_ms;
	bool found;

	assert_true(store_get(sim->store, KEY, &d, &found, &kit_err));
	at_ms = found ? d.look_ms : 0;
	destination_clear(&d);
	return at_ms;
}

static void
assert_quiet(struct sim *sim)
{
	int64_t wait_ms, at_ms = look_ms(sim);

	assert_true(engine_is_idle(sim->engine));
	if (at_ms == 0)
		return;
	if (at_ms <= sim->now_ms)
		fail_msg("it would be judged again at once, and again");
	wait_ms = engine_wait_ms(sim->engine);
	if (wait_ms < 0 || wait_ms > at_ms - sim->now_ms)
		fail_msg("the engine would sleep when it is due");
}

/* Until nothing is left to do at this moment, but that the clock goes on meanwhile. */
void
sim_settle(struct sim *sim)
{
	unsigned judged = sim->judged;

	enter(sim);
	world_settle(sim->engine);
	/* What was judged is exported when it had time to settle. */
	while (!engine_is_idle(sim->engine)) {
		world.mono_ms += sim->config.map.settle_ms;
		world_settle(sim->engine);
	}
	sim->now_ms = world.wall_ms;
	if (sim->judged - judged > JUDGED_MAX)
		fail_msg("it is judged again at once, and again");
	assert_quiet(sim);
}

/* The map is put in place. */
void
sim_export(struct sim *sim)
{
	sim_settle(sim);
}

/* Let time pass; whatever falls due is judged then. */
void
sim_wait(struct sim *sim, int64_t ms)
{
	int64_t until_ms = sim->now_ms + ms;

	sim_settle(sim);
	for (int looks = 0; looks < LOOKS_MAX; looks++) {
		int64_t at_ms = look_ms(sim);

		if (at_ms == 0 || at_ms > until_ms) {
			sim->now_ms = until_ms > sim->now_ms ? until_ms : sim->now_ms;
			return;
		}
		if (at_ms > sim->now_ms)
			sim->now_ms = at_ms;
		sim_settle(sim);
	}
	fail_msg("it is judged all the time");
}

void
sim_await(struct sim *sim, enum why why, int64_t step_ms)
{
	int64_t until_ms = sim->now_ms + 100 * DAY;

	while (sim_row(sim).why != why) {
		if (sim->now_ms >= until_ms)
			fail_msg("100 days, and the decision %s never came; it is %s",
			    why_slug(why), why_slug(sim_row(sim).why));
		sim_wait(sim, step_ms);
	}
}

void
sim_pin(struct sim *sim, enum level level, int64_t for_ms)
{
	struct destination d;
	int64_t version;
	bool found;

	assert_true(store_get(sim->store, KEY, &d, &found, &kit_err));
	destination_pin(&d,
	    (struct demand){.level = level, .attributes = "match=mx.d.test"},
	    for_ms != 0 ? sim->now_ms + for_ms : 0, "", sim->now_ms);
	kit_put(sim->store, &d);
	destination_clear(&d);
	assert_true(store_map_changed(sim->store, &version, &kit_err));
	sim_export(sim);
}

/* A line of the log, written now. */
void
sim_log(struct sim *sim, const char *text)
{
	world.wall_ms = sim->now_ms;
	engine_trust_clock(sim->engine);
	world_log(sim->engine, text);
	while (engine_save(sim->engine, NULL, 0) != ENGINE_SAVED)
		world_settle(sim->engine);
}

/* Delivery attempts that took 50 ms; each is another message. */
void
sim_attempt(struct sim *sim, const char *status, const char *reason)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "smtp[77]: Q%u: to=<u@d.test>, relay=mx.d.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.5, status=%s (%s)",
	    ++sim->message, status, reason);
	sim_log(sim, text);
	sim_settle(sim);
}

void
sim_defer(struct sim *sim, const char *reason)
{
	sim_attempt(sim, "deferred", reason);
}

/* And whatever waited; two listings of the queue miss it. */
void
sim_deliver(struct sim *sim)
{
	char text[256];

	while (world.mail_count > 0) {
		snprintf(text, sizeof(text),
		    "smtp[77]: %s: to=<u@d.test>, relay=mx.d.test[192.0.2.1]:25, "
		    "delay=9, delays=8/0/0.03/0.02, dsn=2.0.0, status=sent (250 Ok)",
		    world.mails[0].id);
		sim_log(sim, text);
	}
	sim_attempt(sim, "sent", "250 2.0.0 Ok: queued as 1234");
	enter(sim);
	world_wait(sim->engine, LISTINGS_MS);
	sim->now_ms = world.wall_ms;
}

void
sim_deliver_in(struct sim *sim, const char *grade)
{
	char text[256];

	snprintf(text, sizeof(text),
	    "smtp[77]: %s TLS connection established to mx.d.test[192.0.2.1]:25: "
	    "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
	    grade);
	sim_log(sim, text);
	sim_deliver(sim);
}

void
sim_fall(struct sim *sim)
{
	sim_defer(sim, NOT_OFFERED);
	sim_wait(sim, 11 * MIN);
	sim_defer(sim, NOT_OFFERED);
	sim_assert(sim, LEVEL_DANE, WHY_NOT_ENCRYPTED);
}

/* qmgr did not try; error(8) says so. */
void
sim_suspend(struct sim *sim, const char *reason)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "error[78]: Q%u: to=<u@d.test>, relay=none, delay=9, delays=9/0/0/0, "
	    "dsn=4.7.5, "
	    "status=deferred (delivery temporarily suspended: %s)",
	    ++sim->message, reason);
	sim_log(sim, text);
	sim_settle(sim);
}

void
sim_assert(struct sim *sim, enum level entry, enum why why)
{
	struct destination d = sim_row(sim);

	assert_string_equal(level_name(d.entry.level), level_name(entry));
	assert_string_equal(why_slug(d.why), why_slug(why));
}

/* So much mail is retried now. */
void
sim_assert_released(struct sim *sim, size_t expected)
{
	struct waiting due[STORE_WAITING_MAX];
	int64_t version, exported, next, again;
	size_t count;

	assert_true(store_map_versions(sim->store, &version, &exported, &kit_err));
	assert_true(store_waiting_due(sim->store, "", exported, sim->now_ms, due,
	    STORE_WAITING_MAX, &count, &next, &again, &kit_err));
	assert_int_equal(count, expected);
	assert_true(store_waiting_take(sim->store, due, count, &kit_err));
	assert_true(store_waiting_done(sim->store, due, count, sim->now_ms, &kit_err));
}

/* A lease is as long as stated, less up to a sixteenth. */
void
sim_assert_lease(struct sim *sim, int64_t lease_ms)
{
	struct destination d = sim_row(sim);

	assert_int_equal(d.entry.lease_ms, lease_ms);
	assert_in_range(
	    d.entry.lease_end_ms - d.entry.since_ms, lease_ms - lease_ms / 16, lease_ms);
	assert_int_equal(d.look_ms, d.entry.lease_end_ms);
}

static void
append_decision(void *context, const struct decision_record *r)
{
	buf_printf(context, "%s %s->%s %s\n", r->action, level_name(r->before.level),
	    level_name(r->after.level), r->why);
}

/* All decisions so far, a line each. */
void
sim_assert_history(struct sim *sim, const char *expected)
{
	struct buf got = {0};

	assert_true(store_each_decision(
	    sim->store, sim_row(sim).id, append_decision, &got, &kit_err));
	assert_string_equal(buf_text(&got), expected);
	buf_clear(&got);
}
