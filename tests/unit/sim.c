/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim.h"

#include <stdlib.h>
#include <time.h>

#include "conf/rulefile.h"
#include "engine/intake.h"
#include "suite.h"

static char postfix_rules[] = "rules/postfix.yaml";
static char strict_rules[] = "rules/strict.yaml";

struct sim *
sim_new(enum level default_level, bool strict)
{
	char *files[] = {(char *)(uintptr_t)suite_path(strict_rules),
	    (char *)(uintptr_t)suite_path(postfix_rules)};

	return strict ? sim_with_rules(default_level, files, 2)
	              : sim_with_rules(default_level, files + 1, 1);
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
	sim->store = kit_scratch();
	sim->fold = fold_new(sim->rules);
	sim->judge = (struct judge){.config = &sim->config,
	    .rules = sim->rules,
	    .matcher = rules_matcher_new(sim->rules),
	    .default_level = default_level,
	    .can_dane = ANSWER_YES};
	sim->now_ms = START_MS;
	sim->dns = DANE_NONE;
	sim->other_map = ANSWER_NO;
	return sim;
}

void
sim_free(struct sim *sim)
{
	judged_clear(&sim->last);
	rules_matcher_free(sim->judge.matcher);
	fold_free(sim->fold);
	store_close(sim->store);
	rules_free(sim->rules);
	config_clear(&sim->config);
	free(sim);
}

struct destination
sim_row(struct sim *sim)
{
	return kit_get(sim->store, KEY);
}

static void
assert_quiet(int64_t look_ms, int64_t now_ms)
{
	if (look_ms != 0 && look_ms <= now_ms)
		fail_msg("it would be judged again at once, and again");
}

/* The map is put in place. */
void
sim_export(struct sim *sim)
{
	int64_t version, exported;

	assert_true(store_map_versions(sim->store, &version, &exported, &kit_err));
	if (version == exported)
		return;
	sim->now_ms += EXPORT_MS;
	assert_true(store_map_exported(sim->store, version, sim->now_ms, &kit_err));
}

static void
answer(struct sim *sim, const struct destination *d, struct answers *answers)
{
	enum level above, up_to;

	*answers = (struct answers){.relay_fits = !sim->elsewhere,
	    .other_map = sim->other_map,
	    .dane = {.state = sim->dns,
	        .signed_domain = sim->is_signed,
	        .distrusted = sim->distrusted,
	        .ttl_s = sim->ttl_s}};
	snprintf(answers->text, sizeof(answers->text), "mx.d.test tlsa=%s",
	    dane_state_name(sim->dns));
	if (judge_wants_probe(&sim->judge, d, sim->now_ms, &above, &up_to)) {
		answers->probe_asked = true;
		answers->probed = sim->probed;
		answers->probe_works = sim->probe_works;
	}
	sim->asked++;
}

/* Judge it once, as it stands, and put the map in place. */
static void
judge_now(struct sim *sim)
{
	struct destination d = sim_row(sim);
	struct answers asked;
	struct judged judged;

	if (!judge_destination(&sim->judge, &d, NULL, sim->now_ms, &judged)) {
		if (!judge_remembers(&d, sim->now_ms, &asked))
			answer(sim, &d, &asked);
		assert_true(
		    judge_destination(&sim->judge, &d, &asked, sim->now_ms, &judged));
	}
	kit_begin_transaction(sim->store);
	assert_true(judge_store(sim->store, &d, &judged, sim->now_ms, &kit_err));
	kit_commit(sim->store);
	assert_false(d.alarm.pending);
	sim->told += judged.tell;
	judged_clear(&sim->last);
	sim->last = judged;
	sim_export(sim);
}

/* What the engine does with what is news or due at this moment. */
void
sim_settle(struct sim *sim)
{
	for (int turn = 0; turn < 3; turn++) {
		struct destination d = sim_row(sim);

		if (!d.alarm.pending && (d.look_ms == 0 || d.look_ms > sim->now_ms))
			return;
		judge_now(sim);
	}
	assert_quiet(sim_row(sim).look_ms, sim->now_ms);
}

/* Let time pass; whatever falls due is judged then. */
void
sim_wait(struct sim *sim, int64_t ms)
{
	int64_t until_ms = sim->now_ms + ms;

	sim_settle(sim);
	for (int looks = 0; looks < 5000; looks++) {
		struct destination d = sim_row(sim);

		if (d.look_ms == 0 || d.look_ms > until_ms) {
			sim->now_ms = until_ms > sim->now_ms ? until_ms : sim->now_ms;
			return;
		}
		if (d.look_ms > sim->now_ms)
			sim->now_ms = d.look_ms;
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
	time_t seconds = (time_t)(sim->now_ms / 1000);
	struct buf line = {0};
	char stamp[32];
	struct tm tm;
	bool news;

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(&line, "%s.%03d+00:00 mail postfix/%s\n", stamp,
	    (int)(sim->now_ms % 1000), text);
	intake_lines(sim->fold, (struct str){buf_text(&line), line.len}, sim->now_ms);
	buf_clear(&line);
	if (!intake_store(sim->store, sim->fold, sim->rules, sim->judge.default_level,
	        NULL, 0, &news, &kit_err))
		fail_msg("%s", kit_err.text);
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

void
sim_deliver(struct sim *sim)
{
	sim_attempt(sim, "sent", "250 2.0.0 Ok: queued as 1234");
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
	assert_true(store_waiting_due(sim->store, exported, sim->now_ms, due,
	    STORE_WAITING_MAX, &count, &next, &again, &kit_err));
	assert_int_equal(count, expected);
	assert_true(store_waiting_take(sim->store, due, count, &kit_err));
	assert_true(store_waiting_done(sim->store, due, count, sim->now_ms, &kit_err));
}

/* A lease is as long as was said, less up to a sixteenth. */
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
