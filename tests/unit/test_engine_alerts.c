/* SPDX-License-Identifier: BSD-2-Clause */
/* When an engine mails alerts, to whom, and how many in one. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "enginerig.h"

static void
alerts_of_a_moment_are_one_mail(void **state)
{
	size_t lines = 0;

	(void)state;
	rig_new_settled();
	rig_notify_admin();
	rig.config.freeze.destinations = 10000;
	for (unsigned i = 0; i < 25; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "a%u.test", i);
		rig_defer_because(domain, TLSA_ERROR);
	}
	rig_save();
	world_settle(rig.engine);
	world_wait(rig.engine, 19 * SECOND);
	assert_int_equal(world.notify.times, 0);
	assert_true(engine_is_idle(rig.engine)); /* no command waits for it */
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.notify.times, 1);
	assert_string_equal(
	    buf_text(&world.subject), "tlsladder: rule-waits: 25 destinations");
	for (const char *p = buf_text(&world.body); *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 20 + 1 + 2);
	assert_non_null(strstr(buf_text(&world.body), "rule-waits: 5 more: "));
	assert_non_null(strstr(buf_text(&world.body),
	    "\nmail to 25 destinations waits now\n"
	    "next: tlsladder list --waiting --why rule-waits\n"));
	world_wait(rig.engine, HOUR);
	assert_int_equal(world.notify.times, 1);
	rig_close();
}

static void
two_causes_are_two_mails(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	rig_defer_because("a.test", TLSA_ERROR);
	rig_defer_because("b.test", REFUSED);
	rig_defer_because("c.test", TLSA_ERROR);
	rig_save();
	world_wait(rig.engine, MIN);
	assert_int_equal(world.notify.times, 2);
	assert_non_null(
	    strstr(buf_text(&world.subjects), "tlsladder: rule-waits: 2 destinations\n"));
	assert_non_null(
	    strstr(buf_text(&world.subjects), "tlsladder: b.test: our-fault\n"));
	rig_close();
}

/* A queue that grows by what was told is no news; another destination is. */
static void
growing_queue_is_told_where_it_is_news(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	for (unsigned i = 0; i < 200; i++) {
		rig_defer_because("a.test", TLSA_ERROR);
		rig_save();
		world_wait(rig.engine, 5 * MIN);
	}
	assert_int_equal(world.notify.times, 1);
	rig_defer_because("b.test", TLSA_ERROR);
	rig_save();
	world_wait(rig.engine, MIN);
	assert_int_equal(world.notify.times, 2);
	assert_string_equal(buf_text(&world.subject), "tlsladder: b.test: rule-waits");
	rig_close();
}

static void
defer_named(const char *domain, unsigned number, int64_t begun_ms)
{
	int age_s = (int)((world.mono_ms - begun_ms) / SECOND) + 8;
	char line[600];

	snprintf(line, sizeof(line),
	    "smtp[%u]: Q%u: to=<u@%s>, relay=mx.%s[192.0.2.1]:25, delay=%d, "
	    "delays=%d/0/0.03/0.02, dsn=4.7.4, status=deferred (TLS is required, but was "
	    "not offered by host mx.%s[192.0.2.1])",
	    100 + number, number, domain, domain, age_s + 1, age_s, domain);
	world_log(rig.engine, line);
}

/* As many names of one's own as one likes, in the same moments. */
static void
names_hide_no_cleartext(void **state)
{
	unsigned names = *(const unsigned *)*state;
	int64_t begun_ms;
	char domain[40];

	rig_new_with(world_does_no_tls);
	rig_notify_admin();
	begun_ms = world.mono_ms;
	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < names; i++) {
			snprintf(domain, sizeof(domain), "n%u.many.example", i);
			defer_named(domain, i, begun_ms);
		}
		rig_save();
		world_wait(rig.engine, 5 * SECOND);
		defer_named("victim.test", 9999, begun_ms);
		rig_save();
		world_wait(rig.engine, 6 * MIN);
	}
	world_wait(rig.engine, 30 * MIN);
	rig_assert_judged("victim.test", LEVEL_DANE, WHY_NOT_ENCRYPTED);
	assert_non_null(strstr(buf_text(&world.bodies), "victim.test: not-encrypted"));
	rig_close();
}

/* It is stored as told; the mail waits for more. */
static void
alerts_outlive_the_process(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	rig_defer("a.test");
	rig_defer_because("b.test", TLSA_ERROR);
	rig_save();
	world_wait(rig.engine, 10 * SECOND);
	assert_int_equal(world.notify.times, 0);
	kit_run(STATE, "CREATE TABLE killed AS SELECT * FROM outbox");
	rig_close(); /* which mails, and forgets it */
	kit_assert(STATE, "SELECT count(*) FROM outbox", "0\n");
	kit_run(STATE, "INSERT INTO outbox SELECT * FROM killed; DROP TABLE killed");
	world.notify.times = 0;
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, MIN);
	assert_int_equal(world.notify.times, 1);
	assert_string_equal(buf_text(&world.subject), "tlsladder: b.test: rule-waits");
	assert_non_null(strstr(buf_text(&world.body), "b.test: rule-waits: "));
	kit_assert(STATE, "SELECT count(*) FROM outbox", "0\n");
	rig_close();
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, MIN);
	assert_int_equal(world.notify.times, 1);
	rig_close();
}

/* All that waited is sent; one that comes then fails. */
static void
fail_after_flow(const char *reason)
{
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	while (world.mail_count > 0)
		world_unqueue(world.mails[0].id);
	world_wait(rig.engine, 30 * SECOND);
	rig_defer_because("a.test", reason);
	rig_save();
	world_wait(rig.engine, MIN);
}

/* Each of both that is done to it, in turn, cannot be. */
static void
what_is_mailed_is_forgotten_later(void **state)
{
	static const char *const refused[] = {"UPDATE", "DELETE"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char text[160];

		rig_new_settled();
		rig_close();
		rig_notify_admin();
		kit_run(
		    STATE, "INSERT INTO outbox(writer, line) VALUES (1, 'a.test: left')");
		snprintf(text, sizeof(text),
		    "CREATE TRIGGER locked BEFORE %s ON outbox BEGIN SELECT RAISE(FAIL, "
		    "'it is locked'); END",
		    refused[i]);
		kit_run(STATE, text);
		rig_open(ENGINE_APPLY);
		world_wait(rig.engine, 5 * MIN);
		assert_int_equal(world.notify.times, i);
		kit_run(STATE, "DROP TRIGGER locked");
		world_wait(rig.engine, 2 * MIN);
		assert_int_equal(world.notify.times, 1);
		kit_assert(STATE, "SELECT count(*) FROM outbox", "0\n");
		rig_close();
		rig_open(ENGINE_APPLY);
		world_wait(rig.engine, 2 * MIN);
		assert_int_equal(world.notify.times, 1);
		rig_close();
	}
}

/* Two made-up reasons in turn. */
static void
one_cause_is_told_once_a_day(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	for (unsigned i = 0; i < 200; i++) {
		rig_defer_because("a.test", i % 2 ? TLSA_ERROR : REFUSED);
		rig_save();
		world_wait(rig.engine, 30 * SECOND);
	}
	assert_in_range(world.notify.times, 2, 3); /* and one that mail waits for long */
	world_wait(rig.engine, DAY);
	world.notify.times = 0;
	rig_defer_because("a.test", REFUSED);
	rig_save();
	world_wait(rig.engine, MIN);
	assert_int_equal(world.notify.times, 0); /* the same mail waits */
	fail_after_flow(TLSA_ERROR);
	assert_int_equal(world.notify.times, 1);
	rig_close();
}

/* Mail flows and fails in turn, and the clock is a day further each time, or back. */
static void
clock_makes_no_alerts(void **state)
{
	unsigned lines = 0;

	(void)state;
	rig_new_settled();
	rig_notify_admin();
	for (unsigned i = 0; i < 200; i++) {
		world.wall_ms += (i % 2 ? -1 : 1) * 25 * HOUR;
		world_settle(rig.engine);
		fail_after_flow(TLSA_ERROR);
		world_wait(rig.engine, 4 * MIN);
	}
	for (const char *p = buf_text(&world.bodies);
	     (p = strstr(p, "a.test: rule-waits: ")) != NULL; p++)
		lines++;
	assert_int_equal(lines, 3); /* within 16 hours */
	assert_in_range(world.notify.times, 2, 3);
	rig_close();
}

static void
answer_ours(const struct finger_question *question, struct server *server)
{
	(void)question;
	*server = (struct server){.chain = ANSWER_NO, .probe = {.end = PROBE_OURS}};
}

/* Our CA file is broken, which each re-check of an entry finds, and those that a better
 * session a day leads to; no mail waits. It is mended for a while, and broken again. */
static void
fault_without_mail_is_told_once(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	world.finger = world_self_signed;
	rig_defer("a.test");
	rig_save();
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	world_log(rig.engine, "qmgr[7]: QA: removed");
	while (world.mail_count > 0)
		world_unqueue(world.mails[0].id);
	rig_save();
	for (unsigned i = 0; i < 2; i++) {
		world.finger = answer_ours;
		world.notify.times = 0;
		for (unsigned day = 0; day < 40; day++) {
			rig_log_session("Trusted", "mx.a.test[192.0.2.1]:25");
			rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0",
			    "sent (250 Ok)");
			rig_save();
			world_wait(rig.engine, DAY + 2 * HOUR);
		}
		assert_int_equal(world.notify.times, 1);
		world.finger = world_self_signed;
		world_wait(rig.engine, 20 * DAY);
		assert_int_equal(world.notify.times, 1);
	}
	rig_close();
}

static void
last_alerts_are_sent_at_the_end(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	rig_defer_because("a.test", TLSA_ERROR);
	rig_save();
	world_settle(rig.engine);
	rig_close();
	assert_int_equal(world.notify.times, 1);
	assert_string_equal(buf_text(&world.subject), "tlsladder: a.test: rule-waits");
}

/* Five days after it came, which was nine seconds before the line (delay=). */
static void
mail_that_waits_has_an_end(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	rig_defer_because("a.test", TLSA_ERROR);
	rig_save();
	world_settle(rig.engine);
	rig_close();
	assert_non_null(strstr(buf_text(&world.body), "a.test: rule-waits: "));
	assert_non_null(strstr(buf_text(&world.body),
	    "; the first message bounces at 2026-11-29T01:26:50Z; Postfix said: "));
	assert_non_null(
	    strstr(buf_text(&world.body), "; next: tlsladder explain a.test\n"));
}

static void
alert_to_nobody_is_no_mail(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer_because("a.test", TLSA_ERROR);
	rig_save();
	world_wait(rig.engine, MIN);
	rig_close();
	assert_int_equal(world.notify.times, 0);
}

/* Beside the mail, and instead of it; one that fails does not keep the other back. */
static void
command_has_the_alerts(void **state)
{
	static char *words[] = {(char *)"alert"};

	(void)state;
	rig_new_settled();
	rig.config.notify.command = (struct strings){words, 1};
	rig_defer_because("a.test", TLSA_ERROR);
	rig_save();
	world_wait(rig.engine, MIN);
	assert_int_equal(world.notify.times, 0);
	assert_int_equal(world.command.times, 1);
	assert_non_null(strstr(buf_text(&world.body), "a.test: rule-waits: "));
	rig_notify_admin();
	world.notify.fails = true;
	rig_defer_because("b.test", TLSA_ERROR);
	rig_save();
	world_wait(rig.engine, MIN);
	assert_int_equal(world.notify.times, 1);
	assert_int_equal(world.command.times, 2);
	rig.config.notify.command = (struct strings){0};
	rig_close();
}

static const char *outbox; /* what is in it while the command runs */

static void
look_into_outbox(void)
{
	kit_assert(STATE, "SELECT count(*) FROM outbox", outbox);
}

/* The command may hang until the daemon is killed. */
static void
what_was_mailed_is_noted_before_the_command(void **state)
{
	static char *words[] = {(char *)"alert"};

	(void)state;
	rig_new_settled();
	rig_notify_admin();
	rig.config.notify.command = (struct strings){words, 1};
	world.commanded = look_into_outbox;
	outbox = "0\n";
	rig_defer_because("a.test", TLSA_ERROR);
	rig_defer_because("b.test", REFUSED);
	rig_save();
	world_wait(rig.engine, MIN);
	assert_int_equal(world.notify.times, 2);
	assert_int_equal(world.command.times, 2);
	/* What nobody took is still there. */
	world.notify.fails = true;
	outbox = "1\n";
	rig_defer_because("c.test", TLSA_ERROR);
	rig_save();
	world_wait(rig.engine, MIN);
	assert_int_equal(world.command.times, 3);
	kit_assert(STATE, "SELECT count(*) FROM outbox", "0\n");
	world.commanded = NULL;
	rig.config.notify.command = (struct strings){0};
	rig_close();
}

/* sendmail(1) fails for some hours; by the same process or by the next one. */
static void
mail_that_failed_is_sent_again(void **state)
{
	const bool *restarts = *state;

	rig_new_settled();
	rig_notify_admin();
	world.notify.fails = true;
	rig_defer_because("a.test", TLSA_ERROR);
	rig_save();
	world_wait(rig.engine, 2 * HOUR);
	assert_in_range(world.notify.times, 2, 30);
	rig_defer_because("b.test", TLSA_ERROR);
	rig_save();
	world_wait(rig.engine, HOUR);
	if (*restarts) {
		rig_close();
		rig_open(ENGINE_APPLY);
	}
	world.notify.fails = false;
	buf_reset(&world.bodies);
	world_wait(rig.engine, 2 * HOUR);
	assert_int_equal(rig_count_mailed("a.test: rule-waits: "), 1);
	assert_int_equal(rig_count_mailed("b.test: rule-waits: "), 1);
	kit_assert(STATE, "SELECT count(*) FROM outbox", "0\n");
	rig_close();
}

static void
mails_are_filled_in(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	rig.config.notify.text =
	    mem_strdup("Subject: [{kind}] {subject}\n\nAt {time}:\n{text}\n-- \nus\n");
	rig_defer_because("a.test", TLSA_ERROR);
	rig_save();
	world_wait(rig.engine, MIN);
	assert_string_equal(buf_text(&world.subject), "[alert] a.test: rule-waits");
	assert_non_null(strstr(
	    buf_text(&world.body), "At 2026-11-24T01:27:19Z:\na.test: rule-waits: "));
	assert_non_null(
	    strstr(buf_text(&world.body), "; next: tlsladder explain a.test\n-- \nus\n"));
	rig_close();
}

/* Somebody writes lines of mail that was bounced, of another message each. */
static void
endless_news_fill_no_mailbox(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	for (int second = 0; second < 3 * 3600; second += 20) {
		rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "5.7.4",
		    "bounced (" NOT_VERIFIED ")");
		rig_save();
		world_wait(rig.engine, 20 * SECOND);
	}
	/* 540 lines: three, then after 10, 20 and 40 minutes, and then each hour */
	assert_in_range(world.notify.times, 6, 8);
	assert_non_null(strstr(buf_text(&world.subject), "mail was bounced: "));
	rig_close();
}

/* The same with another word in each. */
static void
endless_causes_fill_no_mailbox(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	for (int second = 0; second < 3 * 3600; second += 20) {
		char line[64];

		snprintf(line, sizeof(line), "cause %d: it is another", second);
		engine_alert(rig.engine, line);
		world_wait(rig.engine, 20 * SECOND);
	}
	assert_in_range(world.notify.times, 12, 16 * 3);
	rig_close();
}

/* Each minute another destination of a provider. */
static void
cause_that_goes_on_is_mailed_less_often(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	for (unsigned i = 0; i < 12 * 60; i++) {
		char domain[16];

		snprintf(domain, sizeof(domain), "p%u.test", i);
		rig_defer_because(domain, TLSA_ERROR);
		rig_save();
		world_wait(rig.engine, MIN);
		if (i < 3)
			assert_int_equal(world.notify.times, i + 1);
		if (i == 11)
			assert_int_equal(world.notify.times, 3);
		if (i == 14)
			assert_int_equal(world.notify.times, 4);
	}
	assert_in_range(world.notify.times, 14, 18);
	assert_string_equal(
	    buf_text(&world.subject), "tlsladder: rule-waits: 60 destinations");
	/* another cause waits for none of that */
	rig_defer_because("a.test", REFUSED);
	rig_save();
	world_wait(rig.engine, 30 * SECOND);
	assert_string_equal(buf_text(&world.subject), "tlsladder: a.test: our-fault");
	rig_close();
}

/* One is mailed, and the other one waits for more when the process is killed. */
static void
alerts_that_wait_outlive_the_process(void **state)
{
	static const char *const domains[] = {
	    "a0.test", "a1.test", "a2.test", "b.test", NULL};

	(void)state;
	rig_new_settled();
	rig_notify_admin();
	for (const char *const *domain = domains; *domain != NULL; domain++) {
		rig_defer_because(*domain, TLSA_ERROR);
		rig_save();
		world_wait(rig.engine, MIN);
	}
	rig_defer_because("c.test", REFUSED);
	rig_save();
	world_wait(rig.engine, MIN);
	assert_string_equal(buf_text(&world.subjects),
	    "tlsladder: a0.test: rule-waits\ntlsladder: a1.test: rule-waits\n"
	    "tlsladder: a2.test: rule-waits\ntlsladder: c.test: our-fault\n");
	kit_run(STATE, "CREATE TABLE killed AS SELECT * FROM outbox");
	rig_close();
	kit_run(STATE, "INSERT INTO outbox SELECT * FROM killed; DROP TABLE killed");
	buf_reset(&world.subjects);
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, MIN);
	assert_non_null(
	    strstr(buf_text(&world.subjects), "tlsladder: b.test: rule-waits\n"));
	assert_null(strstr(buf_text(&world.subjects), "tlsladder: a"));
	kit_assert(STATE, "SELECT count(*) FROM outbox", "0\n");
	rig_close();
}

/* Postfix 3.11 and later name the level that an attempt was made at. */
static void
entry_without_effect_is_told(void **state)
{
	const char *level = *state;

	rig_new_with(world_self_signed);
	rig_close();
	world.version = "3.11.0";
	rig_notify_admin();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	for (int i = 0; i < 8; i++) {
		char line[300];

		snprintf(line, sizeof(line),
		    "smtp[77]: QX1: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, "
		    "delay=9, delays=8/0/0.03/0.02, tls=%s, dsn=4.7.5, "
		    "status=deferred (" NOT_VERIFIED ")",
		    i == 0 ? "verify" : level);
		world_log(rig.engine, line);
		rig_save();
		world_wait(rig.engine, 15 * MIN);
	}
	rig_assert_judged("a.test", LEVEL_ENCRYPT, WHY_NO_EFFECT);
	assert_non_null(strstr(buf_text(&world.bodies), "a.test: no-effect: "));
	rig_close();
}

int
main(void)
{
	static const unsigned few = 25, many = 500;
	static const bool yes = true, no = false;

	if (!rig_begin())
		return 2;
	suite_add(alerts_of_a_moment_are_one_mail, NULL,
	    "alerts of 20 seconds are one mail, and 20 of a kind its lines");
	suite_add(two_causes_are_two_mails, NULL, "two causes are two mails");
	suite_add(growing_queue_is_told_where_it_is_news, NULL,
	    "a queue that grows is told where a destination is new in it");
	suite_add(endless_news_fill_no_mailbox, NULL,
	    "one cause without end is at last a mail an hour");
	suite_add(endless_causes_fill_no_mailbox, NULL,
	    "after twelve mails in an hour alerts of ten minutes are one");
	suite_add(cause_that_goes_on_is_mailed_less_often, NULL,
	    "a cause that goes on is mailed ever less often, and no other waits for it");
	suite_add(alerts_that_wait_outlive_the_process, NULL,
	    "what waits for more of its cause is mailed by the next process");
	suite_add(what_is_mailed_is_forgotten_later, NULL,
	    "where the database cannot forget what is mailed it does later");
	suite_add(one_cause_is_told_once_a_day, NULL,
	    "a destination's causes that come in turn are one alert each, until mail "
	    "flows");
	suite_add(clock_makes_no_alerts, NULL,
	    "whoever sets the clock makes no more alerts than else");
	suite_add(fault_without_mail_is_told_once, NULL,
	    "a fault of ours that re-checks find is told once, until it is over");
	suite_add(names_hide_no_cleartext, &few,
	    "whose mail goes in cleartext is named, beside 25 names of others");
	suite_add(names_hide_no_cleartext, &many, "... and beside 500");
	suite_add(last_alerts_are_sent_at_the_end, NULL,
	    "what is left to report is sent when the engine ends");
	suite_add(mail_that_waits_has_an_end, NULL,
	    "an alert of mail that waits has the hour at which it bounces");
	suite_add(alerts_outlive_the_process, NULL,
	    "a process that is killed leaves its alerts to the next");
	suite_add(alert_to_nobody_is_no_mail, NULL, "without notify.to there is no mail");
	suite_add(what_was_mailed_is_noted_before_the_command, NULL,
	    "what was mailed is noted before the command has it");
	suite_add(command_has_the_alerts, NULL,
	    "notify.command has the alerts, with mail and without");
	suite_add(mails_are_filled_in, NULL, "notify.template says what mails look like");
	suite_add(entry_without_effect_is_told, "verify",
	    "an entry without effect is told as such where lines name the level");
	suite_add(entry_without_effect_is_told, "secure", "... whichever that is");
	suite_add(
	    mail_that_failed_is_sent_again, &no, "a mail that failed is sent again");
	suite_add(mail_that_failed_is_sent_again, &yes, "... after a restart as well");
	return rig_end(suite_run());
}
