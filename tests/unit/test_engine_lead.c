/* SPDX-License-Identifier: BSD-2-Clause */
/* Of several tlsladders with one table one decides, and nobody while that is not known.
 */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "enginerig.h"

#define TABLE "proxy:pgsql:/x/table"

static void
begin(const char *sql, const char *schema, enum answer leads, const char *holder)
{
	struct publisher *item = mem_new(1, sizeof(*item));

	rig_new(ENGINE_APPLY);
	rig_close();
	item->sql = mem_strdup(sql);
	item->schema = mem_strdup(schema);
	item->login = mem_strdup("/x/login");
	item->map = mem_strdup(TABLE);
	item->lowest = LEVEL_MAY;
	rig.config.publish = (struct publishers){item, 1};
	world.policy_maps = TABLE;
	world.lead.leads = leads;
	str_copy(str_of(holder), world.lead.holder, sizeof(world.lead.holder));
	rig_open(ENGINE_APPLY);
	rig_notify_admin();
	world_settle(rig.engine);
}

static void
leads(enum answer leads, const char *holder, size_t taken_over)
{
	world.lead = (struct lead){.leads = leads, .taken_over = taken_over};
	str_copy(str_of(holder), world.lead.holder, sizeof(world.lead.holder));
}

static bool
has_entry(const char *domain)
{
	return rig_row(domain).entry.level != LEVEL_NONE;
}

static unsigned
times_told(const char *text)
{
	unsigned count = 0;
	const char *at = world.bodies.data != NULL ? buf_text(&world.bodies) : "";

	while ((at = strstr(at, text)) != NULL) {
		count++;
		at++;
	}
	return count;
}

/* Whoever stands by asks each 3 s. */
static void
wait_for_table(void)
{
	for (int s = 0; s < 4 && world.table.times == 0; s++)
		world_wait(rig.engine, SECOND);
	assert_int_equal(world.table.times, 1);
}

/* No session is logged, so that what was sent proves the level in force: which that was
 * only who leads knows. */
static void
sent_proves_nothing_of_a_server(void **state)
{
	const bool *led = *state;

	begin("postgresql", "own", *led ? ANSWER_YES : ANSWER_NO, *led ? "" : "mx2:1");
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_log_status("b.test", "mx.b.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, MIN);
	kit_assert(STATE, "SELECT count(*) FROM host WHERE verify_ms <> 0",
	    *led ? "1\n" : "0\n");
	rig_close();
}

/* The longest time in which the lease was not asked for. */
static int64_t
longest_pause_ms(int64_t within_ms)
{
	int64_t end_ms = world.mono_ms + within_ms, last_ms = world.mono_ms,
	        longest_ms = 0;

	while (world.mono_ms < end_ms) {
		unsigned times = world.leading.times;

		world_wait(rig.engine, SECOND);
		if (world.leading.times != times)
			last_ms = world.mono_ms;
		else if (world.mono_ms - last_ms > longest_ms)
			longest_ms = world.mono_ms - last_ms;
	}
	return longest_ms;
}

static void
log_that_stands_leaves_the_lease(void **state)
{
	(void)state;
	begin("postgresql", "own", ANSWER_YES, "");
	assert_true(
	    store_counter_set(rig.store, STORE_LOG_READ, world.wall_ms, &kit_err));
	world.arrival_s = world.wall_ms / SECOND - 60;
	world_queue("OLD1", "u@old.test", NOT_VERIFIED);
	assert_in_range(longest_pause_ms(20 * MIN), 0, 10 * SECOND);
	assert_int_equal(times_told("stands still"), 0);
	/* It came since, and is deferred. */
	world.arrival_s = world.wall_ms / SECOND;
	assert_in_range(longest_pause_ms(9 * MIN), 40 * SECOND, 50 * SECOND);
	assert_int_equal(times_told("stands still"), 1);
	assert_in_range(longest_pause_ms(11 * MIN), 40 * SECOND, 50 * SECOND);
	assert_int_equal(times_told("stands still"), 1);
	rig_log_status("b.test", "mx.b.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	assert_true(
	    store_counter_set(rig.store, STORE_LOG_READ, world.wall_ms, &kit_err));
	world_wait(rig.engine, MIN);
	assert_in_range(longest_pause_ms(20 * MIN), 0, 10 * SECOND);
	assert_int_equal(times_told("stands still"), 1);
	rig_close();
}

static void
mailcow_has_no_lease(void **state)
{
	(void)state;
	begin("mariadb", "mailcow", ANSWER_NO, "mx2:1");
	rig_defer("a.test");
	world_wait(rig.engine, 10 * SECOND);
	assert_true(has_entry("a.test"));
	assert_int_equal(world.leading.times, 0);
	rig_close();
}

static void
leader_renews_and_decides(void **state)
{
	(void)state;
	begin("postgresql", "own", ANSWER_YES, "");
	rig_defer("a.test");
	world_wait(rig.engine, 10 * MIN);
	assert_true(has_entry("a.test"));
	assert_int_equal(world.leading.times, 61); /* each 10 s */
	assert_int_equal(times_told("lead"), 0);
	rig_close();
}

static void
standby_follows_and_does_nothing(void **state)
{
	(void)state;
	begin("postgresql", "own", ANSWER_NO, "mx2:1");
	rig_defer("a.test");
	world_wait(rig.engine, HOUR);
	assert_false(has_entry("a.test"));
	assert_true(rig_row("a.test").alarm.raised);
	assert_int_equal(world.table.times, 0);
	assert_int_equal(world.retry.times, 0);
	assert_int_equal(times_told("a.test"), 0);
	assert_int_equal(times_told("lead"), 0);
	/* The other one does not renew it. */
	leads(ANSWER_YES, "mx2:1", 3);
	wait_for_table();
	assert_true(world.table_how == PUBLISH_ANEW);
	leads(ANSWER_YES, "", 0);
	world_wait(rig.engine, 10 * SECOND);
	assert_true(has_entry("a.test"));
	assert_true(world.table.times > 1);
	assert_true(world.retry.times > 0);
	/* The next renewals are no news. */
	world_wait(rig.engine, HOUR);
	assert_int_equal(times_told("mx2:1 did not renew its lease"), 1);
	rig_close();
}

/* Nor has it a digest of its own: the leader's tells of all. */
static void
standby_has_no_digest(void **state)
{
	(void)state;
	begin("postgresql", "own", ANSWER_NO, "mx2:1");
	rig.config.notify.no_digest = false;
	rig_defer("a.test");
	for (int hour = 0; hour < 3 * 24; hour++)
		world_wait(rig.engine, HOUR);
	assert_int_equal(world.bodies.len, 0);
	leads(ANSWER_YES, "", 0);
	for (int hour = 0; hour < 24; hour++)
		world_wait(rig.engine, HOUR);
	assert_true(times_told("a.test") > 0);
	rig_close();
}

static void
leader_that_loses_it_stops(void **state)
{
	(void)state;
	begin("postgresql", "own", ANSWER_YES, "");
	leads(ANSWER_NO, "mx2:1", 0);
	world_wait(rig.engine, 10 * SECOND);
	world.table.times = 0;
	rig_defer("a.test");
	world_wait(rig.engine, HOUR);
	assert_false(has_entry("a.test"));
	assert_int_equal(world.table.times, 0);
	/* All rows are compared once more when it leads again. */
	leads(ANSWER_YES, "mx2:1", 0);
	world.table_how = PUBLISH_CHANGES;
	wait_for_table();
	assert_true(world.table_how == PUBLISH_ANEW);
	rig_close();
}

/* The database is away: the lease lasts for 30 s. */
static void
nobody_decides_without_a_lease(void **state)
{
	(void)state;
	begin("postgresql", "own", ANSWER_YES, "");
	world.leading.fails = true;
	world_wait(rig.engine, 28 * SECOND);
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	assert_true(has_entry("a.test"));
	world_wait(rig.engine, SECOND);
	rig_defer("b.test");
	world_wait(rig.engine, HOUR);
	assert_false(has_entry("b.test"));
	assert_int_equal(times_told("cannot renew the lease of the table"), 1);
	world.leading.fails = false;
	world_wait(rig.engine, 20 * SECOND);
	assert_true(has_entry("b.test"));
	rig_close();
}

/* Nor does it keep the lease from one that can; alone it goes on with it. */
static void
nobody_leads_who_cannot_store(void **state)
{
	unsigned asked;

	(void)state;
	begin("postgresql", "own", ANSWER_YES, "");
	world_wait(rig.engine, 15 * SECOND); /* renewed after 10 s */
	kit_run(STATE,
	    "CREATE TRIGGER full BEFORE INSERT ON destination "
	    "BEGIN SELECT RAISE(FAIL, 'disk full'); END");
	rig_defer("a.test");
	asked = world.leading.times;
	world_wait(rig.engine, 30 * SECOND);
	assert_int_equal(world.leading.times, asked);
	world_wait(rig.engine, 6 * SECOND);
	assert_int_equal(world.leading.times, asked + 1);
	kit_run(STATE, "DROP TRIGGER full");
	rig_save();
	world_settle(rig.engine);
	asked = world.leading.times;
	world_wait(rig.engine, MIN);
	assert_int_equal(world.leading.times, asked + 6);
	assert_true(has_entry("a.test"));
	rig_close();
}

static void
lease_that_is_too_long(void **state)
{
	(void)state;
	begin("postgresql", "own", ANSWER_NO, "mx2:1");
	world.lead.is_shortened = true;
	world_wait(rig.engine, 3 * SECOND);
	world.lead.is_shortened = false;
	world_wait(rig.engine, MIN);
	assert_int_equal(times_told("would have lasted for longer than 30 s"), 1);
	rig_close();
}

/* A process that was stopped for a while, as by SIGSTOP: what is due is not done before
 * the database was asked. */
static void
nobody_goes_on_after_a_stop(void **state)
{
	unsigned tables;

	(void)state;
	begin("postgresql", "own", ANSWER_YES, "");
	world_wait(rig.engine, 5 * SECOND);
	tables = world.table.times;
	leads(ANSWER_NO, "mx2:1", 0);
	world.mono_ms += 2 * HOUR; /* the hourly comparison is overdue */
	world.wall_ms += 2 * HOUR;
	world_settle(rig.engine);
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	assert_int_equal(world.table.times, tables);
	assert_false(has_entry("a.test"));
	rig_close();
}

static void
lose(const char *domain)
{
	char relay[64];

	snprintf(relay, sizeof(relay), "mx.%s[192.0.2.1]:25", domain);
	rig_log_status(
	    domain, relay, "5.7.5", "bounced (Server certificate not verified)");
	rig_save();
	world_wait(rig.engine, MIN);
}

static void
mail_that_was_bounced_is_told_once(void **state)
{
	(void)state;
	begin("postgresql", "own", ANSWER_NO, "mx2:1");
	lose("a.test");
	assert_int_equal(times_told("mail was bounced"), 0);
	leads(ANSWER_YES, "", 0);
	world_wait(rig.engine, 5 * SECOND);
	lose("b.test");
	assert_int_equal(times_told("b.test: mail was bounced"), 1);
	assert_int_equal(times_told("mail was bounced"), 1);
	rig_close();
}

/* The database is away for days: mail waits, and comes back. Whoever stood by tells as
 * well, as the one that led may be gone with it. */
static void
nobody_waits_untold_without_a_lease(void **state)
{
	const bool *led = *state;
	char text[300];

	begin("postgresql", "own", *led ? ANSWER_YES : ANSWER_NO, *led ? "" : "mx2:1");
	world_wait(rig.engine, MIN);
	world.leading.fails = true;
	world_wait(rig.engine, 5 * MIN);
	lose("b.test");
	assert_int_equal(times_told("b.test: mail was bounced"), *led ? 1 : 0);
	world_wait(rig.engine, 10 * MIN);
	lose("c.test");
	assert_int_equal(times_told("c.test: mail was bounced"), 1);
	for (int h = 0; h < 5 * 24; h++) {
		snprintf(text, sizeof(text),
		    "smtp[77]: QA: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, "
		    "delay=%d, delays=%d/0/0.03/0.02, dsn=4.7.5, status=deferred "
		    "(Server certificate not verified)",
		    h * 3600 + 10, h * 3600 + 9);
		world_log(rig.engine, text);
		rig_save();
		world_wait(rig.engine, HOUR);
		if (h == 2 || h == 5 || h == 106)
			assert_int_equal(times_told("a.test: "), h == 2 ? 0 : 1);
	}
	assert_int_equal(times_told("a.test: "), 2); /* and before it bounced */
	assert_false(has_entry("a.test"));
	rig_close();
}

int
main(void)
{
	static const bool yes = true, no = false;

	if (!rig_begin())
		return 2;
	suite_add(log_that_stands_leaves_the_lease, NULL,
	    "one whose log stands still while mail is deferred says so, and leaves the "
	    "lease");
	suite_add(sent_proves_nothing_of_a_server, &yes,
	    "without sessions in the log mail that was sent proves the level in force");
	suite_add(sent_proves_nothing_of_a_server, &no,
	    "... to whoever leads alone, as another may have had an entry");
	suite_add(mailcow_has_no_lease, NULL, "mailcow's table has no lease");
	suite_add(leader_renews_and_decides, NULL,
	    "who leads renews the lease each 10 s, and decides");
	suite_add(standby_follows_and_does_nothing, NULL,
	    "who stands by follows, and takes over with an alert");
	suite_add(standby_has_no_digest, NULL, "who stands by mails nothing");
	suite_add(
	    leader_that_loses_it_stops, NULL, "who loses the lease decides nothing");
	suite_add(nobody_decides_without_a_lease, NULL,
	    "without an answer for 30 s nobody decides, which is alerted once");
	suite_add(nobody_leads_who_cannot_store, NULL,
	    "who cannot store anything does not renew the lease");
	suite_add(lease_that_is_too_long, NULL,
	    "a lease that lasts for too long is told by who stands by");
	suite_add(mail_that_was_bounced_is_told_once, NULL,
	    "mail that was bounced is told by who leads alone");
	suite_add(nobody_waits_untold_without_a_lease, &yes,
	    "without an answer whoever led tells of mail that waits and bounces");
	suite_add(nobody_waits_untold_without_a_lease, &no,
	    "... and whoever stood by, after ten minutes");
	suite_add(nobody_goes_on_after_a_stop, NULL,
	    "who was stopped asks before anything else");
	return rig_end(suite_run());
}
