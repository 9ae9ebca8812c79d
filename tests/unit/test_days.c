/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Days in the life of a daemon: thousands of them, each a destination of its own over
 * weeks, made up from a number. Whatever attackers and bad luck do, the promises hold.
 *
 * test_days [attacked|honest]: these alone. TLSLADDER_DAYS: how many attacked days, and
 * as many honest ones. TLSLADDER_SEED: the number of the first. One day alone tells its
 * story.
 */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "conf/rulefile.h"
#include "days.h"
#include "engine/engine_impl.h"
#include "enginekit.h"
#include "storekit.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1 /* gcc's word */
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define DAYS 300 /* it is slow */
#else
#define DAYS 10000
#endif
#define OBJECTIONS 5 /* are told as a story */
#define TURNS_MAX  2000
#define ENOUGH     500   /* days, to say what part of them ... */
#define WEEKS_PART 5     /* ... lasts for weeks: every fifth */
#define ALL_PAIRS  10000 /* days have each of them */

static struct rules *rules;
static struct config config;
static unsigned days_count = DAYS;
static uint64_t days_first = 1;

static struct {
	unsigned days, objections;
	unsigned sent, bounced;
	int64_t waited_ms;
	uint64_t first_objection;
	char verdict[256];
} sum;

/* --- a batch ----------------------------------------------------------------------- */

/* In memory, where no other connection sees it: the engine's own notes what is exported.
 */
static bool
publish(const struct config *of, const struct postfix *postfix, enum publish_how how,
    int64_t *version, size_t *entries, struct err *err)
{
	struct store *store = engine_store(batch.engine);
	int64_t exported;

	(void)of;
	(void)postfix;
	(void)how;
	*entries = 0;
	return store_map_versions(store, version, &exported, err) &&
	    (*version == exported ||
	        store_map_exported(store, STORE_MAP, *version, world.wall_ms, err));
}

static void
configure_canaries(void)
{
	struct strings *names = &config.probe.canaries;
	char name[32];

	while (names->count > 0)
		free(names->items[--names->count]);
	names->items = mem_array(names->items, batch.canaries + 1, sizeof(*names->items));
	for (; names->count < batch.canaries; names->count++) {
		shared_canary_name((unsigned)names->count, name, sizeof(name));
		names->items[names->count] = mem_strdup(name);
	}
}

static void
open_engine(void)
{
	static struct engine_world in_memory;

	in_memory = scripted_world;
	in_memory.publish = publish;
	world_reset();
	world.default_level = batch.default_level;
	world.sessions_logged = world.logs_in = true;
	world.answer = days_answer;
	world.finger = batch.prober ? days_finger : NULL;
	config.ladder.lowest = batch.lowest;
	configure_canaries();
	batch.engine = engine_new_in(
	    &in_memory, &config, rules, ENGINE_APPLY, oracle_judged, NULL, &kit_err);
	if (batch.engine == NULL)
		fail_msg("%s", kit_err.text);
	world_settle(batch.engine);
}

static void
save(void)
{
	while (engine_save(batch.engine, NULL, 0) == ENGINE_SAVE_WAITS)
		world_settle(batch.engine);
}

static void
pass(int64_t ms)
{
	world_pass(ms);
	shared_clock();
}

/* Until nothing is to be done before half a minute is over. */
static void
settle(void)
{
	int64_t wait_ms;

	for (int turns = 0; turns < TURNS_MAX; turns++) {
		save();
		world_settle(batch.engine);
		if (batch.flushed != world.flush.times) {
			batch.flushed = world.flush.times;
			pass(1200);
			days_retry(NULL);
			continue;
		}
		if (world.retried.len > 0) {
			struct buf ids = world.retried;

			world.retried = (struct buf){0};
			pass(1200);
			days_retry(buf_text(&ids));
			buf_clear(&ids);
			continue;
		}
		if (engine_is_idle(batch.engine))
			return;
		engine_next(batch.engine, &wait_ms);
		if (wait_ms < 0 || wait_ms > 31 * SECOND)
			return;
		pass(wait_ms);
	}
	fail_msg("it does not come to rest");
}

static int64_t
next_event(void)
{
	int64_t at_ms = INT64_MAX;

	for (unsigned i = 0; i < batch.count; i++)
		if (world.mono_ms < batch.days[i].end_ms &&
		    day_next_ms(&batch.days[i]) < at_ms)
			at_ms = day_next_ms(&batch.days[i]);
	return at_ms;
}

static void
end_days(void)
{
	for (unsigned i = 0; i < batch.count; i++) {
		struct day *day = &batch.days[i];

		if (day->end_ms != 0 && world.mono_ms >= day->end_ms) {
			day_tell(day, "the end");
			oracle_end(day);
			/* What is left in the queue is deleted. */
			while (day->queued > 0)
				world_unqueue(day->queue[--day->queued].id);
			day->mail_ms = day->retry_ms = INT64_MAX;
			day->forge_ms = day->other_ms = INT64_MAX;
			day->end_ms = 0;
		}
	}
}

static bool
is_over(void)
{
	for (unsigned i = 0; i < batch.count; i++)
		if (batch.days[i].end_ms != 0)
			return false;
	return true;
}

static void
flood(void)
{
	if (world.mono_ms < shared_flood_ms())
		return;
	shared_flood();
	for (unsigned i = 0; i < batch.count; i++) {
		struct day *day = &batch.days[i];

		if (!day_is_flooded(day) || day->end_ms == 0)
			continue;
		day->mail_ms = world.mono_ms;
		day_run(day);
	}
	shared_flood();
	settle();
	for (unsigned i = 0; i < batch.count; i++)
		oracle_flooded(&batch.days[i]);
	shared_flood_over();
}

static void
run_batch(void)
{
	open_engine();
	while (!is_over()) {
		int64_t at_ms = next_event(), wait_ms, now_ms = world.mono_ms;

		for (unsigned i = 0; i < batch.count; i++)
			if (batch.days[i].end_ms != 0 && batch.days[i].end_ms < at_ms)
				at_ms = batch.days[i].end_ms;
		if (shared_flood_ms() < at_ms)
			at_ms = shared_flood_ms();
		engine_next(batch.engine, &wait_ms);
		if (wait_ms >= 0 && now_ms + wait_ms < at_ms)
			at_ms = now_ms + wait_ms;
		if (at_ms > now_ms)
			pass(at_ms - now_ms);
		flood();
		for (unsigned i = 0; i < batch.count; i++)
			if (batch.days[i].end_ms != 0 &&
			    day_next_ms(&batch.days[i]) <= world.mono_ms)
				day_run(&batch.days[i]);
		settle();
		end_days();
	}
	engine_free(batch.engine);
	batch.engine = NULL;
}

/* --- what came of it --------------------------------------------------------------- */

static void
note_day(const struct day *day)
{
	sum.days++;
	sum.sent += day->sent;
	sum.bounced += day->bounced;
	table_note(day);
}

static void
make_batch(uint64_t number, bool honest)
{
	world_reset();
	batch_generate(number, honest);
	for (unsigned i = 0; i < DAYS_BATCH; i++)
		day_generate(
		    &batch.days[batch.count++], number * DAYS_BATCH + i, i, honest);
}

static void
tell_story(uint64_t day, bool honest)
{
	make_batch(day / DAYS_BATCH, honest);
	batch.days[day % DAYS_BATCH].story = true;
	day_describe(&batch.days[day % DAYS_BATCH]);
	run_batch();
	day_print_story();
}

static void
run_days(bool honest)
{
	uint64_t first = days_first, end = days_first + days_count;
	uint64_t bad[OBJECTIONS];
	unsigned bad_count = 0;

	memset(&sum, 0, sizeof(sum));
	for (uint64_t b = first / DAYS_BATCH; b * DAYS_BATCH < end; b++) {
		make_batch(b, honest);
		run_batch();
		for (unsigned i = 0; i < batch.count; i++) {
			const struct day *day = &batch.days[i];

			if (day->number < first || day->number >= end)
				continue;
			note_day(day);
			if (day->verdict[0] == '\0')
				continue;
			sum.objections++;
			print_message("# day %llu (%s): %s\n",
			    (unsigned long long)day->number, act_name(day->acts[0].kind),
			    day->verdict);
			if (bad_count < OBJECTIONS)
				bad[bad_count++] = day->number;
		}
	}
	print_message("# %u days, %u messages sent, %u bounced, %u objections\n",
	    sum.days, sum.sent, sum.bounced, sum.objections);
	for (unsigned i = 0; i < bad_count; i++)
		tell_story(bad[i], honest);
	if (days_count == 1 && bad_count == 0)
		tell_story(days_first, honest);
	if (bad_count > 0)
		fail_msg("%u days with objections, the first is %llu", sum.objections,
		    (unsigned long long)bad[0]);
}

static void
attacked(void **state)
{
	(void)state;
	run_days(false);
}

static void
honest(void **state)
{
	(void)state;
	run_days(true);
}

static const char *only = ""; /* of the two */

static bool
runs(bool honest_days)
{
	return strcmp(only, honest_days ? "attacked" : "honest") != 0;
}

static void
summary(void **state)
{
	unsigned all, weeks = table_weeks(&all);

	(void)state;
	table_print();
	if (all >= ENOUGH && weeks * WEEKS_PART < all)
		fail_msg("%u of %u days lasted two to four weeks", weeks, all);
	if (days_count < ALL_PAIRS)
		return;
	if (runs(false) && table_missing(false) > 0)
		fail_msg("attackers, or two of them, had no such days");
	if (runs(true) && table_missing(true) > 0)
		fail_msg("troubles, or two of them, had no such days");
}

static bool
begin(void)
{
	char file[] = "rules/postfix.yaml";
	char *files[] = {(char *)(uintptr_t)suite_path(file)};
	struct errs errs = {0};

	kit_begin();
	world_reset();
	config_default(&config);
	free(config.state);
	config.state = mem_strdup(":memory:");
	/* The days have nothing to do with each other; and few tasks are faster. */
	config.freeze.destinations = 1000000;
	config.dns.workers = 1;
	rules = rulefile_load(files, 1, RULEFILE_COMPILE, &errs);
	return rules != NULL;
}

static unsigned long
from_environment(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

int
main(int argc, char **argv)
{
	int status;

	if (argc > 1)
		only = argv[1];

	/* What the engine logs of so many days is read by nobody. */
	if (getenv("TLSLADDER_VERBOSE") == NULL &&
	    freopen("/dev/null", "w", stderr) == NULL)
		return 1;
	if (!begin())
		return kit_end(1);
	days_count = (unsigned)from_environment("TLSLADDER_DAYS", DAYS);
	days_first = from_environment("TLSLADDER_SEED", 1);
	/* One by one, who waits for it. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (runs(false))
		suite_add(attacked, NULL, "%u attacked days", days_count);
	if (runs(true))
		suite_add(honest, NULL, "%u honest days", days_count);
	suite_add(summary, NULL, "their summary");
	status = suite_run();
	config_clear(&config);
	rules_free(rules);
	world_reset();
	return kit_end(status);
}
