/* SPDX-License-Identifier: BSD-2-Clause */
/* The servers as a witness: what comes of what they do, in a scripted world. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enginerig.h"

static void
expired(const struct finger_question *question, struct server *server)
{
	world_verifies(question, server);
	server->chain = ANSWER_NO;
	server->probe.cause = CAUSE_EXPIRED;
}

static void
has_another_name(const struct finger_question *question, struct server *server)
{
	world_verifies(question, server);
	server->names[0] = '\0';
	names_add(server->names, STR("another.test"));
}

static void
is_plain(const struct finger_question *question, struct server *server)
{
	(void)question;
	server->probe.end = PROBE_PLAIN;
	server->probe.cause = CAUSE_NOT_OFFERED;
}

static void
finds_our_ca_broken(const struct finger_question *question, struct server *server)
{
	(void)question;
	server->probe.end = PROBE_OURS;
}

/* --- what they do decides ---------------------------------------------------------- */

struct outcome {
	const char *what;
	void (*does)(const struct finger_question *question, struct server *server);
	enum level entry;
	enum why why;
};

/* The same deferral, for a certificate that does not verify. */
static const struct outcome outcomes[] = {
    {"self-signed: encrypt", world_self_signed, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC},
    {"expired: encrypt", expired, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC},
    {"another name: encrypt", has_another_name, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC},
    {"it verifies: nothing is weakened", world_verifies, LEVEL_NONE, WHY_CONTRADICTION},
    {"no STARTTLS, once: not yet", is_plain, LEVEL_NONE, WHY_MAY_AFTER},
    {"no answer: it is waited for", world_is_silent, LEVEL_NONE, WHY_NO_ANSWER},
    {"our own CA file: it is our fault", finds_our_ca_broken, LEVEL_NONE, WHY_OUR_FAULT},
};

static void
measurement_decides(void **state)
{
	const struct outcome *outcome = *state;

	rig_new_with(outcome->does);
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.fingered, 1);
	rig_assert_judged("a.test", outcome->entry, outcome->why);
	rig_close();
}

/* What a line says of STARTTLS is an alarm like any other. */
static void
stripped_connection_is_an_alarm(void **state)
{
	(void)state;
	rig_new_with(world_verifies);
	for (int i = 0; i < 3; i++) {
		rig_defer_because("a.test", NOT_OFFERED);
		rig_save();
		world_wait(rig.engine, 11 * MIN);
	}
	rig_assert_judged("a.test", LEVEL_NONE, WHY_CONTRADICTION);
	rig_close();
}

static void
plain_is_cleartext_after_a_while(void **state)
{
	(void)state;
	rig_new_with(is_plain);
	rig_defer("a.test"); /* whatever the line says: it met no TLS */
	world_wait(rig.engine, 11 * MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_MAY_AFTER);
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", LEVEL_DANE, WHY_NOT_ENCRYPTED);
	rig_close();
}

/* --- several hosts ------------------------------------------------------------------ */

static void
answer_two_hosts(struct measure_item *item)
{
	world_add_host(item, "first.test", PROMISE_NONE);
	world_add_host(item, "second.test", PROMISE_NONE);
}

static bool first_is_silent;

static void
second_is_weaker(const struct finger_question *question, struct server *server)
{
	if (strcmp(question->host, "second.test") == 0)
		world_self_signed(question, server);
	else if (first_is_silent)
		world_is_silent(question, server);
	else
		world_verifies(question, server);
}

/* The first verified when it was asked, and is down now. */
static void
better_host_is_awaited(void **state)
{
	(void)state;
	rig_new_with(second_is_weaker);
	world.answer = answer_two_hosts;
	first_is_silent = false;
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_CONTRADICTION);
	first_is_silent = true;
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_AWAITED);
	/* Of whom nothing is known is not waited for. */
	rig_new_with(second_is_weaker);
	world.answer = answer_two_hosts;
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	rig_close();
}

static void
answer_nobody_to_ask(struct measure_item *item)
{
	world_add_host(item, "mx.a.test", PROMISE_NONE);
	item->choice.cut = true;
}

/* More MX hosts than are held: one of them may do better. */
static void
hosts_that_are_not_held_could_not_be_told(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	world.answer = answer_nobody_to_ask;
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_NO_ANSWER);
	rig_close();
}

/* --- names -------------------------------------------------------------------------- */

static void
answer_shared_host(struct measure_item *item)
{
	world_add_host(item, "mx.shared.test", PROMISE_NONE);
}

/* The host's name, and that of one customer. */
static void
serves_a(const struct finger_question *question, struct server *server)
{
	world_verifies(question, server);
	names_add(server->names, STR("a.test"));
}

static void
names_are_each_destinations_own(void **state)
{
	(void)state;
	rig_new_with(serves_a);
	world.default_level = LEVEL_SECURE;
	world_pass(2 * MIN);
	world.answer = answer_shared_host;
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_defer_because("b.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.fingered, 1);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_CONTRADICTION);
	rig_assert_judged("b.test", LEVEL_VERIFY, WHY_NOT_AUTHENTIC);
	rig_close();
}

static void
explain_knows_what_they_did(void **state)
{
	char *facts;

	(void)state;
	rig_new_with(second_is_weaker);
	world.answer = answer_two_hosts;
	first_is_silent = true;
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	facts = kit_ask(STATE, "SELECT facts FROM destination");
	assert_non_null(strstr(facts,
	    "first.test answer=silent; second.test answer=tls meets=encrypt "
	    "cause=self-signed"));
	free(facts);
	rig_close();
}

/* --- nobody to ask ------------------------------------------------------------------ */

static void
without_a_prober_the_reason_decides(void **state)
{
	(void)state;
	rig_new_with(NULL);
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	rig_assert_judged("a.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	/* It is installed. */
	world.finger = world_verifies;
	rig_defer("b.test");
	world_wait(rig.engine, SECOND);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	world_wait(rig.engine, HOUR);
	rig_defer("c.test");
	world_wait(rig.engine, SECOND);
	rig_assert_judged("c.test", LEVEL_NONE, WHY_CONTRADICTION);
	rig_close();
}

/* A container that is made anew has no command for a while. */
static void
prober_that_was_there_is_awaited(void **state)
{
	(void)state;
	rig_new_with(world_verifies);
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_CONTRADICTION);
	world.finger = NULL;
	rig_defer("b.test");
	world_wait(rig.engine, 5 * MIN);
	rig_assert_entry("b.test", LEVEL_NONE);
	world.finger = world_verifies;
	rig_defer("b.test");
	world_wait(rig.engine, 10 * MIN);
	rig_assert_judged("b.test", LEVEL_NONE, WHY_CONTRADICTION);
	/* It was removed. */
	world.finger = NULL;
	rig_defer("c.test");
	world_wait(rig.engine, HOUR);
	rig_assert_judged("c.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	rig_close();
}

static void
servers_that_must_not_be_asked_are_not(void **state)
{
	(void)state;
	rig_new_settled();
	rig_close();
	rig.config.probe.off = true;
	rig_open(ENGINE_APPLY);
	world.finger = world_verifies;
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.fingered, 0);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
	/* Nor for an imagined decision. */
	rig_new(ENGINE_IMAGINE);
	world.finger = world_verifies;
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.fingered, 0);
	assert_int_equal(rig.decided, 1);
	rig_close();
}

/* --- a password that may go with the mail, by a map for root alone ------------------ */

static bool offers_auth;

static void
knows_no_password(struct measure_item *item)
{
	item->answers.relay_fits = true;
	item->answers.other_map = ANSWER_NO;
	item->answers.dane.state = DANE_NONE;
	item->answers.credentials = ANSWER_UNSURE;
	snprintf(item->answers.text, sizeof(item->answers.text),
	    "mx.a.test tlsa=none; mx2.a.test tlsa=none");
	world_add_host(item, "mx.a.test", PROMISE_NONE);
	world_add_host(item, "mx2.a.test", PROMISE_NONE);
}

static void
may_offer_auth(const struct finger_question *question, struct server *server)
{
	world_self_signed(question, server);
	server->probe.auth = offers_auth;
}

static void
is_dead_beside_another(const struct finger_question *question, struct server *server)
{
	if (strcmp(question->host, "mx2.a.test") == 0)
		world_is_silent(question, server);
	else
		may_offer_auth(question, server);
}

static void
dead_server_is_awaited_for_its_auth(void **state)
{
	(void)state;
	offers_auth = false;
	rig_new_with(is_dead_beside_another);
	world.logs_in = true;
	world.answer = knows_no_password;
	for (unsigned hour = 0; hour < 23; hour++) {
		rig_defer("a.test");
		world_wait(rig.engine, HOUR);
		rig_assert_judged("a.test", LEVEL_NONE, WHY_AWAITED);
	}
	for (unsigned hour = 0; hour < 3; hour++) {
		rig_defer("a.test");
		world_wait(rig.engine, HOUR);
	}
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

static void
auth_that_comes_later_ends_an_entry(void **state)
{
	(void)state;
	offers_auth = false;
	rig_new_with(may_offer_auth);
	world.logs_in = true;
	world.answer = knows_no_password;
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world_wait(rig.engine, 8 * DAY); /* a lease that is over is prolonged */
	rig_assert_judged("a.test", LEVEL_ENCRYPT, WHY_STILL_NEEDED);
	offers_auth = true;
	world_wait(rig.engine, 15 * DAY);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_CREDENTIALS);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		suite_add(measurement_decides, &outcomes[i], "%s", outcomes[i].what);
	suite_add(stripped_connection_is_an_alarm, NULL,
	    "a connection that is stripped of STARTTLS weakens nothing");
	suite_add(plain_is_cleartext_after_a_while, NULL,
	    "no STARTTLS: cleartext, once may_after is over");
	suite_add(better_host_is_awaited, NULL, "a host that did better is awaited");
	suite_add(hosts_that_are_not_held_could_not_be_told, NULL,
	    "of more hosts than are held nothing can be told");
	suite_add(names_are_each_destinations_own, NULL,
	    "one connection; each destination has names of its own");
	suite_add(explain_knows_what_they_did, NULL, "what they did is kept");
	suite_add(without_a_prober_the_reason_decides, NULL,
	    "without posttls-finger the reason decides; it is looked for each hour");
	suite_add(prober_that_was_there_is_awaited, NULL,
	    "a posttls-finger that was there is no less for once");
	suite_add(servers_that_must_not_be_asked_are_not, NULL,
	    "probe.servers: no, and an imagined decision: nobody is asked");
	suite_add(dead_server_is_awaited_for_its_auth, NULL,
	    "a dead server that may offer AUTH is awaited, and then it is gone");
	suite_add(auth_that_comes_later_ends_an_entry, NULL,
	    "an entry goes when a server begins to offer AUTH");
	return rig_end(suite_run());
}
