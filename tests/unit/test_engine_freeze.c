/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose fault is it? Many names of one server are one server; a few servers that all fail
 * are enough where there is little mail. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "enginerig.h"

#define GREYLISTED \
	"host mx.a.test[192.0.2.1] said: 450 4.2.0 Greylisted (in reply to RCPT TO " \
	"command)"

static const char *good; /* hosts that verify, with a blank around each */

static void
answer(const struct finger_question *question, struct server *server)
{
	char word[NEXTHOP_HOST_SIZE + 2];

	snprintf(word, sizeof(word), " %s ", question->host);
	if (strstr(good, word) != NULL)
		world_verifies(question, server);
	else
		world_self_signed(question, server);
}

static const char *
host_of(const char *domain, char host[NEXTHOP_HOST_SIZE])
{
	snprintf(host, NEXTHOP_HOST_SIZE, "mx.%.200s",
	    strstr(domain, ".many.test") != NULL ? "many.test" : domain);
	return host;
}

/* Names below many.test share a server. */
static void
answer_dns(struct measure_item *item)
{
	char host[NEXTHOP_HOST_SIZE];

	world_add_host(item, host_of(item->nexthop.host, host), PROMISE_NONE);
	snprintf(item->answers.text, sizeof(item->answers.text), "%s tlsa=none", host);
}

static void
log_of(const char *domain, const char *status)
{
	char host[NEXTHOP_HOST_SIZE], relay[NEXTHOP_HOST_SIZE + 32];

	snprintf(relay, sizeof(relay), "%s[192.0.2.1]:25", host_of(domain, host));
	rig_log_status(domain, relay, "2.0.0", status);
}

/* Sessions are not logged: what was sent met the default level, verify. */
static void
verifies(const char *domain)
{
	log_of(domain, "sent (250 2.0.0 Ok)");
	rig_save();
}

static void
fails(const char *domain)
{
	log_of(domain, "deferred (" NOT_VERIFIED ")");
	rig_save();
}

static void
begin(bool prober)
{
	rig_new_settled();
	rig_notify_admin();
	world.answer = answer_dns;
	world.finger = prober ? answer : NULL;
	good = "";
}

static void
assert_frozen(bool frozen)
{
	kit_assert(STATE,
	    "SELECT count(*) FROM counter WHERE name = 'frozen-ms' AND value <> 0",
	    frozen ? "1\n" : "0\n");
}

/* 21 names of one wildcard zone, one server; its certificate goes bad. */
static void
one_stranger_freezes_nobody(void **state)
{
	bool prober = *(const bool *)*state;
	char name[32];

	begin(prober);
	good = " mx.many.test mx.other.test ";
	for (int i = 0; i < 21; i++) {
		snprintf(name, sizeof(name), "n%d.many.test", i);
		verifies(name);
	}
	verifies("other.test");
	world_wait(rig.engine, 20 * MIN);
	good = " mx.other.test ";
	for (int i = 0; i < 21; i++) {
		snprintf(name, sizeof(name), "n%d.many.test", i);
		fails(name);
	}
	world_wait(rig.engine, 2 * MIN);
	assert_frozen(false);
	kit_assert(STATE,
	    "SELECT DISTINCT why FROM destination WHERE pending = 0 AND "
	    "key LIKE '%.many.test'",
	    "hold\n");
	/* Whoever never did better is decided, as ever. */
	fails("plain.test");
	world_wait(rig.engine, 2 * MIN);
	rig_assert_judged("plain.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	rig_close();
}

static const char *const four[] = {"a.test", "b.test", "c.test", "d.test"};

/* 50 mails a day, and our CA file is exchanged. */
static void
small_server_weakens_nothing(void **state)
{
	bool prober = *(const bool *)*state;

	begin(prober);
	rig.config.ladder.hold_encrypt_ms = 4 * SECOND;
	good = " mx.a.test mx.b.test mx.c.test mx.d.test ";
	for (size_t i = 0; i < 4; i++)
		verifies(four[i]);
	world_wait(rig.engine, 2 * HOUR);
	good = ""; /* nobody verifies from now on */
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 4; i++) {
			fails(four[i]);
			world_wait(rig.engine, MIN);
		}
	}
	assert_frozen(true);
	fails("new.test");
	world_wait(rig.engine, 10 * MIN);
	kit_assert(STATE, "SELECT key FROM destination WHERE entry <> 'none'", "");
	rig_assert_judged("new.test", LEVEL_NONE, WHY_FREEZE);
	world_pass(SECOND);
	/* It is mended: mail flows, and who still fails gets what it needs. */
	good = " mx.a.test mx.b.test mx.c.test mx.d.test ";
	for (size_t i = 0; i < 4; i++)
		verifies(four[i]);
	for (int round = 0; round < 2; round++) { /* what failed meanwhile fails again */
		world_wait(rig.engine, 10 * MIN);
		fails("new.test");
	}
	world_wait(rig.engine, 10 * MIN);
	assert_frozen(false);
	kit_assert(
	    STATE, "SELECT key FROM destination WHERE entry <> 'none'", "new.test\n");
	rig_close();
}

/* DNS knows nothing of the servers that lines name. */
static void
answer_others(struct measure_item *item)
{
	answer_dns(item);
	item->answers.relay_fits = strncmp(item->relay, "mx.made-up", 10) != 0;
}

static void
made_up_servers_freeze_nobody(void **state)
{
	static const char *const lines[] = {
	    "2.0.0, status=sent (250 Ok)", "4.7.5, status=deferred (" NOT_VERIFIED ")"};

	(void)state;
	begin(false);
	world.answer = answer_others;
	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < 5; i++) {
			char text[512];

			snprintf(text, sizeof(text),
			    "smtp[77]: QM%u: to=<u@m%u.test>, relay=mx.made-up%u.test"
			    "[192.0.2.1]:25, delay=9, delays=8/0/0.03/0.02, dsn=%s",
			    i, i, i, lines[round % 2]);
			world_log_of(rig.engine, "postfix", text);
		}
		rig_save();
		world_wait(rig.engine, 2 * MIN);
		assert_frozen(false);
	}
	fails("new.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("new.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	rig_close();
}

/* Our CA file is exchanged, and somebody writes that a server verified which has no mail
 * now. */
static void
one_line_ends_no_freeze(void **state)
{
	(void)state;
	begin(false);
	for (int twice = 0; twice < 2; twice++) {
		verifies("quiet.test");
		world_wait(rig.engine, HOUR);
	}
	verifies("e.test");
	for (size_t i = 0; i < 4; i++)
		verifies(four[i]);
	world_wait(rig.engine, HOUR);
	fails("e.test");
	for (size_t i = 0; i < 4; i++)
		fails(four[i]);
	world_wait(rig.engine, MIN);
	assert_frozen(true);
	fails("new.test"); /* it is judged again every five minutes */
	for (int lines = 0; lines < 3; lines++) {
		verifies("quiet.test");
		world_wait(rig.engine, HOUR);
		assert_frozen(true);
	}
	verifies("a.test");
	world_wait(rig.engine, MIN);
	assert_frozen(true);
	verifies("b.test");
	world_wait(rig.engine, 10 * MIN);
	assert_frozen(false);
	rig_close();
}

/* The first of the four: with a canary nobody is weakened, not even the first. */
static void
canary_freezes_at_once(void **state)
{
	(void)state;
	begin(true);
	good = " mx.a.test mx.b.test ";
	verifies("a.test");
	verifies("b.test");
	world_wait(rig.engine, HOUR);
	good = "";
	fails("new.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("new.test", LEVEL_NONE, WHY_FREEZE);
	assert_frozen(true);
	assert_non_null(strstr(buf_text(&world.body), "freeze: a server that is known"));
	rig_close();
}

/* Two servers, one of which fails: that is no sign of anything. */
static void
one_of_two_is_no_sign(void **state)
{
	(void)state;
	begin(false);
	verifies("a.test");
	verifies("b.test");
	world_wait(rig.engine, HOUR);
	fails("a.test");
	fails("b.test");
	fails("new.test");
	world_wait(rig.engine, MIN);
	assert_frozen(false);
	rig_assert_judged("new.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	rig_close();
}

/* Twenty servers fail, and another one verifies: it is not us. */
static void
whoever_verifies_speaks_against_it(void **state)
{
	bool another = *(const bool *)*state;
	char name[32];

	begin(false);
	for (int i = 0; i < 25; i++) {
		snprintf(name, sizeof(name), "p%d.test", i);
		verifies(name);
	}
	world_wait(rig.engine, HOUR);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "p%d.test", i);
		fails(name);
		world_pass(10 * SECOND);
		if (another && i == 10)
			verifies("p24.test");
	}
	world_wait(rig.engine, SECOND);
	assert_frozen(!another);
	rig_close();
}

static bool ours, theirs, strangers;

static void
answer_in_turn(const struct finger_question *question, struct server *server)
{
	if (ours || (theirs && strcmp(question->host, "mx.a.test") == 0) ||
	    (strangers && strncmp(question->host, "mx.d", 4) == 0))
		world_self_signed(question, server);
	else
		world_verifies(question, server);
}

static void
defer_since(int64_t begun_ms)
{
	int age_s = (int)((world.mono_ms - begun_ms) / SECOND) + 8;
	char line[400];

	snprintf(line, sizeof(line),
	    "smtp[77]: V1: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=%d, "
	    "delays=%d/0/0.03/0.02, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")",
	    age_s, age_s);
	world_log(rig.engine, line);
	rig_save();
}

/* Before the engine is opened. */
static void
add_canary(void)
{
	struct strings *canaries = &rig.config.probe.canaries;

	canaries->items = mem_new(1, sizeof(*canaries->items));
	canaries->items[0] = mem_strdup("mx.canary.example");
	canaries->count = 1;
}

/* Mail to it was sent, and its server verified. */
static void
open_with_past(void)
{
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	rig_log_session("Verified", "mx.a.test[192.0.2.1]:25");
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
}

/* All servers fail by our fault for so many hours. The moment that this is over one of
 * them does worse, and that is its own: it is held from then on. */
static void
freeze_is_no_hold(void **state)
{
	int hours = *(const int *)*state;
	int64_t begun_ms, over_ms;

	ours = theirs = strangers = false;
	rig_new_with(answer_in_turn);
	rig_close();
	world.sessions_logged = true;
	add_canary();
	open_with_past();
	world_wait(rig.engine, HOUR);
	begun_ms = world.mono_ms;
	ours = hours > 0;
	for (int h = 0; h < hours; h++) {
		defer_since(begun_ms);
		world_wait(rig.engine, HOUR);
		rig_assert_judged("a.test", LEVEL_NONE, WHY_FREEZE);
	}
	ours = false;
	theirs = true;
	over_ms = world.mono_ms;
	while (world.mono_ms - over_ms < 24 * HOUR) {
		defer_since(begun_ms);
		world_wait(rig.engine, 10 * MIN);
		if (world.mono_ms - over_ms < 24 * HOUR)
			rig_assert_entry("a.test", LEVEL_NONE);
	}
	for (int i = 0; i < 6; i++) {
		defer_since(begun_ms);
		world_wait(rig.engine, 10 * MIN);
	}
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Lines of messages to servers of so many domains, which fail. */
static void
log_failures(unsigned domains)
{
	char line[400];

	for (unsigned i = 0; i < domains; i++) {
		snprintf(line, sizeof(line),
		    "smtp[%u]: M%u: to=<u@d%u.test>, relay=mx.d%u.test[192.0.2.1]:25, "
		    "delay=10, delays=9/0/0.03/0.02, dsn=4.7.5, status=deferred "
		    "(" NOT_VERIFIED ")",
		    900 + i, i, i, i);
		world_log(rig.engine, line);
	}
}

/* Somebody's own servers fail for a while. */
static void
have_strangers_fail(unsigned domains)
{
	strangers = true;
	log_failures(domains);
	rig_save();
	world_wait(rig.engine, 5 * MIN);
	strangers = false;
}

static void
know_domains(unsigned domains)
{
	char domain[32], relay[64];

	for (unsigned i = 0; i < domains; i++) {
		snprintf(domain, sizeof(domain), "d%u.test", i);
		snprintf(relay, sizeof(relay), "mx.d%u.test[192.0.2.1]:25", i);
		rig_log_session("Verified", relay);
		rig_log_status(domain, relay, "2.0.0", "sent (250 Ok)");
		rig_save();
		world_wait(rig.engine, MIN);
	}
}

static unsigned freezes;

static void
assert_froze(void)
{
	int64_t thawed_ms = 0;
	struct err err;

	assert_true(store_counter_get(rig.store, "thawed-ms", &thawed_ms, &err));
	if (world.wall_ms - thawed_ms < HOUR)
		freezes++;
}

struct freezing {
	const char *what;
	bool strangers; /* by servers of theirs; else by a CA file of ours */
	int64_t set_ms; /* the clock is set by that in the midst of a freeze */
};

static const struct freezing freezings[] = {
    {"servers of strangers that fail several times a day", true, 0},
    {"a CA file of ours that is broken for 20 minutes, again and again", false, 0},
    {"... nor where the clock is set by a day and more in one", false, 25 * HOUR},
    {"... nor where it is set back", false, -25 * HOUR},
};

/* A certificate goes bad for good, and freezes come and go. A hold takes their length
 * more and does not begin anew with each. */
static void
freeze_restarts_no_hold(void **state)
{
	const struct freezing *row = *state;
	int64_t begun_ms;
	int h;

	ours = theirs = strangers = false;
	freezes = 0;
	rig_new_with(answer_in_turn);
	rig_close();
	world.sessions_logged = true;
	if (!row->strangers)
		add_canary();
	open_with_past();
	if (row->strangers)
		know_domains(20);
	world_wait(rig.engine, DAY);
	theirs = true;
	begun_ms = world.mono_ms;
	for (h = 0; h < 30 && rig_row("a.test").entry.level == LEVEL_NONE; h++) {
		ours = !row->strangers && h % 5 == 3;
		defer_since(begun_ms);
		world_wait(rig.engine, 10 * MIN);
		if (h == 8)
			world.wall_ms += row->set_ms;
		world_wait(rig.engine, 10 * MIN);
		ours = false;
		if (row->strangers && h % 5 == 3)
			have_strangers_fail(20);
		world_wait(rig.engine, 40 * MIN);
		if (h % 5 == 3)
			assert_froze();
	}
	assert_true(freezes >= 2);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_in_range(world.mono_ms - begun_ms, 24 * HOUR + 1, 28 * HOUR);
	rig_close();
}

/* Somebody's servers fail and verify again each hour, for three days. */
static void
freezes_are_mailed_thrice_a_day(void **state)
{
	unsigned mails;

	(void)state;
	ours = theirs = strangers = false;
	rig_new_with(answer_in_turn);
	rig_close();
	world.sessions_logged = true;
	rig_notify_admin();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	know_domains(20);
	world_wait(rig.engine, DAY);
	mails = world.notify.times;
	for (unsigned hour = 0; hour < 72; hour++) {
		have_strangers_fail(20);
		world_wait(rig.engine, HOUR - 5 * MIN);
	}
	assert_in_range(world.notify.times - mails, 1, 4 * 3);
	rig_close();
}

struct lines {
	const char *what;
	bool prober;
	const char *reason; /* for which mail waits, in truth; NULL: none does */
};

static const struct lines lines_of[] = {
    {"of messages that the queue does not have", true, NULL},
    {"... without posttls-finger, too", false, NULL},
    {"of messages that wait for another reason", true, GREYLISTED},
    {"... without posttls-finger, too", false, GREYLISTED},
    {"of messages that wait for that reason, at servers that verify", true, NOT_VERIFIED},
};

/* All that did better last fail, as lines say that anybody may have written. */
static void
lines_freeze_nobody(void **state)
{
	const struct lines *row = *state;
	char id[16], to[32];

	ours = theirs = strangers = false;
	rig_new_with(row->prober ? answer_in_turn : NULL);
	rig_close();
	world.sessions_logged = true;
	rig_notify_admin();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	know_domains(20);
	world_wait(rig.engine, HOUR);
	for (unsigned round = 0; round < 3; round++) {
		log_failures(20);
		for (unsigned i = 0; i < 20; i++) {
			snprintf(id, sizeof(id), "M%u", i);
			snprintf(to, sizeof(to), "u@d%u.test", i);
			world_unqueue(id);
			if (row->reason != NULL)
				world_queue(id, to, row->reason);
		}
		rig_save();
		assert_frozen(false);
		for (unsigned minute = 0; minute < 10; minute++) {
			world_wait(rig.engine, MIN);
			assert_frozen(false);
		}
	}
	assert_null(strstr(buf_text(&world.bodies), "freeze"));
	rig_close();
}

/* Nobody's mail waits, and after a week no canary is known any more: a freeze lasts as
 * long as those that did better last fail, and no longer. */
static void
freeze_goes_by_those_that_did_better(void **state)
{
	(void)state;
	ours = theirs = strangers = false;
	rig_new_with(answer_in_turn);
	rig_close();
	world.sessions_logged = true;
	add_canary();
	open_with_past();
	know_domains(5);
	ours = true;
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, 5 * MIN);
	assert_frozen(true);
	world_wait(rig.engine, 10 * DAY);
	assert_frozen(true);
	ours = false;
	world_wait(rig.engine, 2 * HOUR);
	assert_frozen(false);
	rig_close();
}

/* A CA file of ours that is broken; frozen while it is, and not after. */
static void
break_for(int64_t ms)
{
	ours = true;
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, 5 * MIN);
	assert_frozen(true);
	world_wait(rig.engine, ms - 5 * MIN);
	ours = false;
	world_wait(rig.engine, 40 * MIN);
	rig_log_session("Verified", "mx.a.test[192.0.2.1]:25");
	rig_log_status("a.test", "mx.a.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, 20 * MIN);
	assert_frozen(false);
}

/* Three freezes are mailed in a day, and over; the fourth lasts. */
static void
lasting_freeze_is_mailed(void **state)
{
	(void)state;
	ours = theirs = strangers = false;
	rig_new_with(answer_in_turn);
	rig_close();
	world.sessions_logged = true;
	rig_notify_admin();
	add_canary();
	open_with_past();
	world_wait(rig.engine, DAY);
	for (unsigned i = 0; i < 3; i++)
		break_for(10 * MIN);
	assert_int_equal(rig_count_mailed("freeze: a server that is known to"), 3);
	for (unsigned i = 0; i < 2; i++) /* each for less than four hours */
		break_for(3 * HOUR);
	assert_int_equal(rig_count_mailed("freeze: "), 3);
	break_for(4 * HOUR + 10 * MIN);
	assert_int_equal(rig_count_mailed("freeze: a server that is known to"), 3);
	assert_int_equal(rig_count_mailed("freeze: one that lasts, for four hours"), 1);
	rig_close();
}

int
main(void)
{
	static const bool yes = true, no = false;
	static const int hours[] = {0, 12, 24, 30, 46, 60};

	if (!rig_begin())
		return 2;
	suite_add(one_stranger_freezes_nobody, &yes,
	    "21 names of one server, which goes bad: no freeze");
	suite_add(one_stranger_freezes_nobody, &no, "the same without posttls-finger");
	suite_add(small_server_weakens_nothing, &yes,
	    "a small server with a broken CA file weakens nothing");
	suite_add(small_server_weakens_nothing, &no, "the same without posttls-finger");
	suite_add(
	    canary_freezes_at_once, NULL, "with canaries the first failure freezes");
	suite_add(made_up_servers_freeze_nobody, NULL,
	    "servers that DNS does not name for a destination freeze nobody");
	suite_add(one_line_ends_no_freeze, NULL,
	    "without posttls-finger it takes sessions at three servers to end a freeze");
	suite_add(one_of_two_is_no_sign, NULL, "two servers that fail are no freeze");
	suite_add(whoever_verifies_speaks_against_it, &no,
	    "twenty servers fail within the time: a freeze");
	suite_add(whoever_verifies_speaks_against_it, &yes,
	    "... not where another one verifies meanwhile");
	for (size_t i = 0; i < sizeof(hours) / sizeof(hours[0]); i++)
		suite_add(freeze_is_no_hold, &hours[i],
		    "after a freeze of %d h what fails is held as without it", hours[i]);
	for (size_t i = 0; i < sizeof(freezings) / sizeof(freezings[0]); i++)
		suite_add(freeze_restarts_no_hold, &freezings[i],
		    "no hold lasts for ever by %s", freezings[i].what);
	for (size_t i = 0; i < sizeof(lines_of) / sizeof(lines_of[0]); i++)
		suite_add(lines_freeze_nobody, &lines_of[i], "no freeze by lines %s",
		    lines_of[i].what);
	suite_add(freeze_goes_by_those_that_did_better, NULL,
	    "a freeze lasts while those that did better last fail, mail or none");
	suite_add(freezes_are_mailed_thrice_a_day, NULL,
	    "freezes that begin and end all day are mailed three times a day");
	suite_add(lasting_freeze_is_mailed, NULL, "... and one that lasts as well");
	return rig_end(suite_run());
}
