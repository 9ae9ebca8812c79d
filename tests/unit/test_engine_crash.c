/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon is killed after each of the transactions that it makes between a deferral
 * and the delivery of the message, one after the other, and started again: wherever that
 * was, what waits is delivered soon.
 *
 * Postfix here: a message with several recipients, which postqueue -i leaves alone while
 * it is being delivered to another of them, and other mail to the same destination, which
 * flows meanwhile.
 */
#include "suite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ladder.h"
#include "policykit.h"

#define STEPS_MAX 400 /* transactions */
#define SOON_MS   (90 * SECOND)
#define LINES_MAX 64

/* Transactions of the engine's: how many, and with which one it is killed. */
static unsigned steps, killed_at;
static bool hooking;

static int
on_commit(void *context)
{
	(void)context;
	steps++;
	return killed_at != 0 && steps >= killed_at;
}

static int
on_open(sqlite3 *db, const char **message, const void *api)
{
	(void)message;
	(void)api;
	if (hooking)
		sqlite3_commit_hook(db, on_commit, NULL);
	return SQLITE_OK;
}

static bool
is_killed(void)
{
	return killed_at != 0 && steps >= killed_at;
}

/* --- the log: what was not stored is read again ------------------------------------ */

static struct {
	char text[400];
	int64_t wall_ms;
} lines[LINES_MAX];
static size_t line_count, stored_count;

static void
read_lines(void)
{
	int64_t now_ms = world.wall_ms;

	for (size_t i = stored_count; i < line_count; i++) {
		world.wall_ms = lines[i].wall_ms;
		world_log_of(rig.engine, "postfix", lines[i].text);
	}
	world.wall_ms = now_ms;
	if (line_count == stored_count)
		return;
	for (int tries = 0; tries < 10 && !is_killed(); tries++) {
		enum engine_saved saved = engine_save(rig.engine, NULL, 0);

		if (saved == ENGINE_SAVED && !is_killed())
			stored_count = line_count;
		if (saved != ENGINE_SAVE_WAITS)
			return;
		world_settle(rig.engine);
	}
}

static void
log_status(const char *id, const char *what)
{
	assert_true(line_count < LINES_MAX);
	snprintf(lines[line_count].text, sizeof(lines[0].text),
	    "smtp[77]: %s: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=2.0.0, status=%s",
	    id, what);
	lines[line_count++].wall_ms = world.wall_ms;
}

/* --- Postfix ----------------------------------------------------------------------- */

static int64_t busy_until_ms; /* M1 is being delivered to another recipient */
static bool is_delivered;

static bool
is_in_force(void)
{
	struct destination d;
	bool found;
	struct err err;

	assert_true(store_get(rig.store, "a.test", &d, &found, &err));
	found =
	    found && d.entry.level == LEVEL_ENCRYPT && d.entry.force_ms != LADDER_NOT_YET;
	destination_clear(&d);
	return found;
}

static void
attempt(const char *id)
{
	bool flows = is_in_force();

	if (flows) {
		world_unqueue(id);
		log_status(id, "sent (250 Ok)");
		is_delivered = is_delivered || strcmp(id, "M1") == 0;
	} else {
		world_queue(id, "u@a.test", NOT_VERIFIED);
		log_status(id, "deferred (" NOT_VERIFIED ")");
	}
}

static void
postfix(void)
{
	bool retried =
	    strstr(buf_text(&world.retried), "M1 ") != NULL || world.flush.times > 0;

	buf_reset(&world.retried);
	world.flush.times = 0;
	if (retried && !is_delivered && world.mono_ms >= busy_until_ms)
		attempt("M1");
}

/* --- the daemon -------------------------------------------------------------------- */

static void
daemon_starts(void)
{
	hooking = true;
	rig_open(ENGINE_APPLY);
	hooking = false;
}

/* Killed: what it has in memory is lost. */
static void
daemon_is_killed(void)
{
	rig_close();
	killed_at = 0;
	daemon_starts();
}

/* Half a second. */
static void
pass(void)
{
	read_lines();
	if (!is_killed())
		world_wait(rig.engine, SECOND / 2);
	postfix();
	if (is_killed())
		daemon_is_killed();
}

static int64_t
delivered_after_ms(unsigned step)
{
	int64_t begun_ms;

	rig_new_with(world_self_signed);
	rig_close();
	steps = 0;
	killed_at = 0;
	line_count = stored_count = 0;
	is_delivered = false;
	daemon_starts();
	world_settle(rig.engine);
	begun_ms = world.mono_ms;
	busy_until_ms = begun_ms + 4 * SECOND;
	steps = 0;
	killed_at = step;
	attempt("M1");
	while (!is_delivered && world.mono_ms - begun_ms < 4 * SOON_MS) {
		pass();
		/* More mail comes, to nobody else, and flows once it may. */
		if (world.mono_ms - begun_ms < 5 * SECOND) {
			char id[16];

			snprintf(id, sizeof(id), "N%u", (unsigned)line_count);
			attempt(id);
		}
	}
	rig_close();
	return world.mono_ms - begun_ms;
}

static unsigned last_step;

static void
nobody_is_killed(void **state)
{
	(void)state;
	assert_in_range(delivered_after_ms(0), 1, SOON_MS);
	last_step = steps;
	assert_in_range(last_step, 10, STEPS_MAX);
}

static void
killed_at_each_step(void **state)
{
	(void)state;
	for (unsigned step = 1; step <= last_step; step++) {
		int64_t after_ms = delivered_after_ms(step);

		if (after_ms > SOON_MS)
			fail_msg("killed at %u of %u: %ld s", step, last_step,
			    (long)(after_ms / SECOND));
	}
}

/* --- a policy: case 77 -------------------------------------------------------------- */

static bool
is_exported(void)
{
	char *is = kit_ask(STATE,
	    "SELECT count(*) FROM destination, counter, target WHERE entry = 'secure'"
	    " AND counter.name = 'map-version' AND target.name = 'map'"
	    " AND counter.value = target.version AND map_version <= target.version");
	bool yes = strcmp(is, "1\n") == 0;

	free(is);
	return yes;
}

static bool
is_stored(void)
{
	char *applied = kit_ask(STATE, "SELECT applied FROM sts");
	bool yes = strcmp(applied, "enforce\n") == 0;

	free(applied);
	return yes;
}

/* From mail that was sent until the entry of the policy is in the map. Once the policy is
 * stored nothing is fetched again. */
static int64_t
enforced_after_ms(unsigned step)
{
	unsigned most = 2;
	int64_t begun_ms;

	policykit_begin_at(LEVEL_MAY, "1", POLICYKIT("mx.a.test", "604800"));
	policykit_dns.mx = "mx.a.test";
	rig_close();
	steps = 0;
	killed_at = 0;
	line_count = stored_count = 0;
	daemon_starts();
	world_settle(rig.engine);
	world.fetches = 0;
	begun_ms = world.mono_ms;
	log_status("M1", "sent (250 Ok)");
	steps = 0;
	killed_at = step;
	while (!is_exported() && world.mono_ms - begun_ms < SOON_MS) {
		read_lines();
		if (!is_killed())
			world_wait(rig.engine, SECOND / 2);
		if (!is_killed())
			continue;
		most = is_stored() ? 1 : 2;
		daemon_is_killed();
	}
	assert_in_range(world.fetches, 1, step == 0 ? 1 : most);
	policykit_assert_attributes("a.test", "match=mx.a.test servername=hostname");
	last_step = steps;
	rig_close();
	return world.mono_ms - begun_ms;
}

static void
policy_survives_a_kill(void **state)
{
	unsigned all;

	(void)state;
	assert_in_range(enforced_after_ms(0), 1, SOON_MS - 1);
	all = last_step;
	assert_in_range(all, 4, STEPS_MAX);
	for (unsigned step = 1; step <= all; step++)
		if (enforced_after_ms(step) >= SOON_MS)
			fail_msg("killed at %u of %u", step, all);
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	sqlite3_auto_extension((void (*)(void))on_open);
	suite_add(nobody_is_killed, NULL,
	    "what is retried in vain while other mail flows is delivered soon");
	suite_add(killed_at_each_step, NULL,
	    "... and so it is wherever between two transactions the daemon is killed");
	suite_add(policy_survives_a_kill, NULL,
	    "case 77: a policy is in the map soon wherever it is killed, and fetched "
	    "once when it is stored");
	return rig_end(suite_run());
}
