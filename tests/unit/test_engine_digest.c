/* SPDX-License-Identifier: BSD-2-Clause */
/* When an engine mails the digest of a day, and how often. The world begins on
 * 2026-11-24, at 01:27. */
#include "suite.h"

#include <string.h>

#include "enginerig.h"

static char *words[] = {(char *)"digest"};

/* Mails whose subject begins with a day. */
static unsigned
digests(void)
{
	unsigned count = 0;

	for (const char *p = buf_text(&world.subjects);
	     (p = strstr(p, "tlsladder: 2026-")) != NULL; p++)
		count++;
	return count;
}

static void
forget_mails(void)
{
	buf_reset(&world.subjects);
	buf_reset(&world.bodies);
	world.notify.times = world.command.times = 0;
}

/* An entry comes on that day; then it is half past four of the next. */
static void
begin(void)
{
	rig_new_with(world_self_signed);
	rig_notify_admin();
	rig.config.notify.no_digest = false;
	world_wait(rig.engine, 4 * HOUR);
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	while (world.mail_count > 0)
		world_unqueue(world.mails[0].id);
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	forget_mails();
}

static void
until_morning(void)
{
	int64_t past_ms = world.wall_ms % DAY;

	world_wait(rig.engine, DAY - past_ms + 4 * HOUR + 30 * MIN);
}

static void
day_is_told_once(void **state)
{
	(void)state;
	begin();
	world_wait(rig.engine, DAY - world.wall_ms % DAY + 4 * HOUR - SECOND);
	assert_int_equal(digests(), 0);
	world_wait(rig.engine, 2 * SECOND);
	assert_int_equal(digests(), 1);
	assert_string_equal(
	    buf_text(&world.subject), "tlsladder: 2026-11-24: 1 entry came");
	assert_string_equal(buf_text(&world.body),
	    "2026-11-24, in UTC\n\nEntries that came:\n"
	    "  a.test: encrypt; not-authentic: no certificate that verifies\n\n"
	    "next: tlsladder explain a.test\n");
	world_wait(rig.engine, 5 * DAY);
	assert_int_equal(digests(), 1);
	rig_close();
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, DAY);
	assert_int_equal(digests(), 1);
	rig_close();
}

static void
quiet_days_have_none(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	rig.config.notify.no_digest = false;
	world_wait(rig.engine, 30 * DAY);
	assert_int_equal(world.notify.times, 0);
	rig_close();
}

static void
is_not_sent(void **state)
{
	const char *how = *state;

	begin();
	if (strcmp(how, "never") == 0)
		rig.config.notify.no_digest = true;
	else
		rig.config.notify.to[0] = '\0';
	until_morning();
	world_wait(rig.engine, 2 * DAY);
	assert_int_equal(world.notify.times, 0);
	rig_close();
}

/* For three hours; then the mail is what it would have been. */
static void
failure_loses_nothing(void **state)
{
	(void)state;
	begin();
	world.notify.fails = true;
	until_morning();
	world_wait(rig.engine, 2 * HOUR);
	assert_in_range(digests(), 10, 30);
	world.notify.fails = false;
	forget_mails();
	world_wait(rig.engine, HOUR);
	assert_int_equal(digests(), 1);
	assert_non_null(strstr(buf_text(&world.bodies), "  a.test: encrypt; "));
	world_wait(rig.engine, 3 * DAY);
	assert_int_equal(digests(), 1);
	rig_close();
}

/* The daemon is started anew, and then it is another day. */
static void
failure_outlives_the_process(void **state)
{
	(void)state;
	begin();
	world.notify.fails = true;
	until_morning();
	rig_close();
	forget_mails();
	world.notify.fails = false;
	world_pass(DAY);
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, HOUR);
	assert_int_equal(digests(), 1);
	assert_string_equal(buf_text(&world.subject),
	    "tlsladder: 2026-11-24 to 2026-11-25: 1 entry came");
	rig_close();
}

static void
restart_sends_no_second(void **state)
{
	(void)state;
	begin();
	until_morning();
	assert_int_equal(digests(), 1);
	for (unsigned i = 0; i < 5; i++) {
		rig_close();
		rig_open(ENGINE_APPLY);
		world_wait(rig.engine, HOUR);
	}
	assert_int_equal(digests(), 1);
	rig_close();
}

/* Whether that one was mailed nobody knows. */
static void
killed_while_mailing(void **state)
{
	(void)state;
	begin();
	until_morning();
	kit_run(STATE, "UPDATE counter SET value = 20782 WHERE name = 'digest-tried'");
	kit_run(STATE, "UPDATE counter SET value = 20781 WHERE name = 'digest-from'");
	forget_mails();
	rig_close();
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, 12 * HOUR);
	assert_int_equal(digests(), 0);
	until_morning();
	assert_int_equal(digests(), 1);
	assert_string_equal(buf_text(&world.subject),
	    "tlsladder: 2026-11-24 to 2026-11-25: 1 entry came");
	rig_close();
}

static void
log_is_caught_up_before(void **state)
{
	(void)state;
	begin();
	rig_close();
	forget_mails();
	world_pass(3 * DAY);
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, 9 * MIN);
	assert_int_equal(digests(), 0);
	world_wait(rig.engine, 2 * MIN);
	assert_int_equal(digests(), 1);
	rig_close();
}

static void
database_fails(void **state)
{
	(void)state;
	begin();
	kit_run(STATE,
	    "CREATE TRIGGER full BEFORE INSERT ON counter WHEN new.name = 'digest-tried' "
	    "BEGIN SELECT RAISE(FAIL, 'disk full'); END");
	until_morning();
	assert_int_equal(digests(), 0); /* it might be mailed twice */
	kit_run(STATE, "DROP TRIGGER full");
	world_wait(rig.engine, 20 * MIN);
	assert_int_equal(digests(), 1);
	rig_close();
}

/* One that fails is run again, and the mail is not mailed again. */
static void
command_has_it_as_well(void **state)
{
	(void)state;
	begin();
	rig.config.notify.command = (struct strings){words, 1};
	world.command.fails = true;
	until_morning();
	assert_int_equal(digests(), 1);
	assert_true(world.command.times > 1);
	world.command.fails = false;
	world.command.times = 0;
	world_wait(rig.engine, 20 * MIN);
	assert_int_equal(world.command.times, 1);
	world_wait(rig.engine, 10 * HOUR);
	assert_int_equal(world.command.times, 1);
	assert_int_equal(digests(), 1);
	rig.config.notify.command = (struct strings){0};
	rig_close();
}

static void
command_has_it_alone(void **state)
{
	(void)state;
	begin();
	rig.config.notify.to[0] = '\0';
	rig.config.notify.command = (struct strings){words, 1};
	until_morning();
	world_wait(rig.engine, 3 * DAY);
	assert_int_equal(world.command.times, 1);
	rig.config.notify.command = (struct strings){0};
	rig_close();
}

/* A day further and back, fifty times in two days. */
static void
clock_makes_no_digests(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < 50; i++) {
		world.wall_ms += (i % 2 ? -1 : 1) * 25 * HOUR;
		rig_defer_many("b", 1);
		world_wait(rig.engine, HOUR);
	}
	assert_in_range(digests(), 1, 5);
	rig_close();
}

static void
send_bare(const char *domain)
{
	rig_log_status(domain, "mx.b.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, MIN);
}

/* Each day; it is news once, and then once a week, with all days. */
static void
cleartext_is_told_weekly(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	rig.config.notify.no_digest = false;
	world.sessions_logged = true;
	send_bare("other.test"); /* Postfix's settings are read for it */
	until_morning();
	forget_mails();
	for (unsigned day = 0; day < 16; day++) {
		send_bare("b.test");
		until_morning();
	}
	assert_string_equal(buf_text(&world.subjects),
	    "tlsladder: 2026-11-25: 1 message in cleartext\n"
	    "tlsladder: 2026-11-26 to 2026-12-02: 7 messages in cleartext\n"
	    "tlsladder: 2026-12-03 to 2026-12-09: 7 messages in cleartext\n");
	assert_non_null(strstr(buf_text(&world.bodies),
	    "\nSent in cleartext: 1 message to 1 destination\n"
	    "  b.test: 1 message, none in the weeks before\n"));
	assert_non_null(strstr(buf_text(&world.bodies),
	    "\nSent in cleartext: 7 messages to 1 destination\n  b.test: 7 messages\n"));
	rig_close();
}

static void
no_local_part_is_in_it(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	rig.config.notify.no_digest = false;
	world_wait(rig.engine, 4 * HOUR);
	rig_defer_because(
	    "a.test", "host mx.a.test[192.0.2.1] said: 450 <secret@a.test>");
	rig_defer_because("a.test", TLSA_ERROR);
	rig_save();
	until_morning();
	assert_int_equal(digests(), 1);
	assert_non_null(
	    strstr(buf_text(&world.bodies), "Mail that waits now:\n  a.test: "));
	assert_null(strstr(buf_text(&world.bodies), "secret"));
	assert_null(strchr(buf_text(&world.bodies), '@'));
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(day_is_told_once, NULL, "a day is told once, at four of the next");
	suite_add(quiet_days_have_none, NULL, "days on which nothing happened have none");
	suite_add(is_not_sent, "never", "notify.digest: never");
	suite_add(is_not_sent, "nobody", "nobody is there to have it");
	suite_add(
	    failure_loses_nothing, NULL, "where sendmail fails it is mailed later, once");
	suite_add(failure_outlives_the_process, NULL, "... by another process as well");
	suite_add(restart_sends_no_second, NULL, "restarts send no second one");
	suite_add(killed_while_mailing, NULL,
	    "killed while it is mailed: not that day again, and the next has it");
	suite_add(log_is_caught_up_before, NULL,
	    "after a start it waits until the log is caught up");
	suite_add(
	    database_fails, NULL, "what cannot be noted is not mailed, until it can");
	suite_add(command_has_it_as_well, NULL,
	    "notify.command fails and is run again, and nothing is mailed twice");
	suite_add(command_has_it_alone, NULL, "without notify.to the command has it");
	suite_add(
	    clock_makes_no_digests, NULL, "whoever sets the clock makes no more of them");
	suite_add(cleartext_is_told_weekly, NULL,
	    "what goes in cleartext as before is told once a week, with all days");
	suite_add(no_local_part_is_in_it, NULL, "it has no local part of an address");
	return rig_end(suite_run());
}
