/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose fault is it? Many names of one server are one server; a few servers that all fail
 * are enough where there is little mail. */
#include "suite.h"

#include <string.h>

#include "freezekit.h"

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
	freezekit_assert_frozen(false);
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
	freezekit_assert_frozen(true);
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
	freezekit_assert_frozen(false);
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
		freezekit_assert_frozen(false);
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
	freezekit_assert_frozen(true);
	fails("new.test"); /* it is judged again every five minutes */
	for (int lines = 0; lines < 3; lines++) {
		verifies("quiet.test");
		world_wait(rig.engine, HOUR);
		freezekit_assert_frozen(true);
	}
	verifies("a.test");
	world_wait(rig.engine, MIN);
	freezekit_assert_frozen(true);
	verifies("b.test");
	world_wait(rig.engine, 10 * MIN);
	freezekit_assert_frozen(false);
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
	freezekit_assert_frozen(true);
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
	freezekit_assert_frozen(false);
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
	freezekit_assert_frozen(!another);
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

	rig_new_with(row->prober ? world_verifies : NULL);
	rig_close();
	world.sessions_logged = true;
	rig_notify_admin();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	freezekit_know(20);
	world_wait(rig.engine, HOUR);
	for (unsigned round = 0; round < 3; round++) {
		freezekit_log_failures(20);
		for (unsigned i = 0; i < 20; i++) {
			snprintf(id, sizeof(id), "M%u", i);
			snprintf(to, sizeof(to), "u@d%u.test", i);
			world_unqueue(id);
			if (row->reason != NULL)
				world_queue(id, to, row->reason);
		}
		rig_save();
		freezekit_assert_frozen(false);
		for (unsigned minute = 0; minute < 10; minute++) {
			world_wait(rig.engine, MIN);
			freezekit_assert_frozen(false);
		}
	}
	assert_null(strstr(buf_text(&world.bodies), "freeze"));
	rig_close();
}

int
main(void)
{
	static const bool yes = true, no = false;

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
	for (size_t i = 0; i < sizeof(lines_of) / sizeof(lines_of[0]); i++)
		suite_add(lines_freeze_nobody, &lines_of[i], "no freeze by lines %s",
		    lines_of[i].what);
	return rig_end(suite_run());
}
