/* SPDX-License-Identifier: BSD-2-Clause */
/* The servers as a witness: who is asked when, and what comes of it, in a scripted world.
 */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "enginerig.h"

#define NOT_OFFERED "TLS is required, but was not offered by host mx.a.test[192.0.2.1]"

/* --- servers ----------------------------------------------------------------------- */

/* What the servers do, all of them. */
static void
verifies(const struct finger_question *question, struct server *server)
{
	*server = (struct server){.chain = ANSWER_YES,
	    .probe = {.end = PROBE_TLS, .encrypt = ANSWER_YES, .dane = ANSWER_NO}};
	names_add(server->names, str_of(question->host));
}

static void
self_signed(const struct finger_question *question, struct server *server)
{
	verifies(question, server);
	server->chain = ANSWER_NO;
	server->probe.cause = CAUSE_SELF_SIGNED;
}

static void
expired(const struct finger_question *question, struct server *server)
{
	verifies(question, server);
	server->chain = ANSWER_NO;
	server->probe.cause = CAUSE_EXPIRED;
}

static void
has_another_name(const struct finger_question *question, struct server *server)
{
	verifies(question, server);
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
is_silent(const struct finger_question *question, struct server *server)
{
	(void)question;
	server->probe.end = PROBE_SILENT;
}

static void
finds_our_ca_broken(const struct finger_question *question, struct server *server)
{
	(void)question;
	server->probe.end = PROBE_OURS;
}

/* A new engine, with servers that do that. */
static void
begin(void (*does)(const struct finger_question *question, struct server *server))
{
	rig_new_settled();
	world.finger = does;
}

static void
assert_why(const char *domain, enum why why)
{
	assert_string_equal(why_slug(kit_get(rig.store, domain).why), why_slug(why));
}

static void
assert_judged(const char *domain, enum level entry, enum why why)
{
	assert_why(domain, why);
	rig_assert_entry(domain, entry);
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
    {"self-signed: encrypt", self_signed, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC},
    {"expired: encrypt", expired, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC},
    {"another name: encrypt", has_another_name, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC},
    {"it verifies: nothing is weakened", verifies, LEVEL_NONE, WHY_CONTRADICTION},
    {"no STARTTLS, once: not yet", is_plain, LEVEL_NONE, WHY_MAY_AFTER},
    {"no answer: it is waited for", is_silent, LEVEL_NONE, WHY_NO_ANSWER},
    {"our own CA file: it is our fault", finds_our_ca_broken, LEVEL_NONE, WHY_OUR_FAULT},
};

static void
measurement_decides(void **state)
{
	const struct outcome *outcome = *state;

	begin(outcome->does);
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.fingered, 1);
	assert_judged("a.test", outcome->entry, outcome->why);
	rig_close();
}

/* What a line says of STARTTLS is an alarm like any other. */
static void
stripped_connection_is_an_alarm(void **state)
{
	(void)state;
	begin(verifies);
	for (int i = 0; i < 3; i++) {
		rig_defer_because("a.test", NOT_OFFERED);
		rig_save();
		world_wait(rig.engine, 11 * MIN);
	}
	assert_judged("a.test", LEVEL_NONE, WHY_CONTRADICTION);
	rig_close();
}

static void
plain_is_cleartext_after_a_while(void **state)
{
	(void)state;
	begin(is_plain);
	rig_defer("a.test"); /* whatever the line says: it met no TLS */
	world_wait(rig.engine, 11 * MIN);
	assert_judged("a.test", LEVEL_NONE, WHY_MAY_AFTER);
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	assert_judged("a.test", LEVEL_DANE, WHY_NOT_ENCRYPTED);
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
		self_signed(question, server);
	else if (first_is_silent)
		is_silent(question, server);
	else
		verifies(question, server);
}

/* The first verified when it was asked, and is down now. */
static void
better_host_is_awaited(void **state)
{
	(void)state;
	begin(second_is_weaker);
	world.answer = answer_two_hosts;
	first_is_silent = false;
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	assert_judged("a.test", LEVEL_NONE, WHY_CONTRADICTION);
	first_is_silent = true;
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	assert_judged("a.test", LEVEL_NONE, WHY_AWAITED);
	/* Of whom nothing is known is not waited for. */
	begin(second_is_weaker);
	world.answer = answer_two_hosts;
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	assert_judged("a.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
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
	begin(self_signed);
	world.answer = answer_nobody_to_ask;
	rig_defer("a.test");
	world_wait(rig.engine, MIN);
	assert_judged("a.test", LEVEL_NONE, WHY_NO_ANSWER);
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
	verifies(question, server);
	names_add(server->names, STR("a.test"));
}

static void
names_are_each_destinations_own(void **state)
{
	(void)state;
	begin(serves_a);
	world.default_level = LEVEL_SECURE;
	world_pass(2 * MIN);
	world.answer = answer_shared_host;
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_defer_because("b.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.fingered, 1);
	assert_judged("a.test", LEVEL_NONE, WHY_CONTRADICTION);
	assert_judged("b.test", LEVEL_VERIFY, WHY_NOT_AUTHENTIC);
	rig_close();
}

/* --- when they are asked ------------------------------------------------------------ */

static void
answer_serves_older_alarms_alone(void **state)
{
	(void)state;
	begin(self_signed);
	world.answer = answer_shared_host;
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_defer_because("b.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, 10 * SECOND);
	assert_int_equal(world.fingered, 1);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	rig_defer("c.test"); /* ten seconds younger */
	world_wait(rig.engine, 19 * SECOND);
	assert_int_equal(world.fingered, 1);
	rig_assert_entry("c.test", LEVEL_NONE);
	world_wait(rig.engine, 2 * SECOND);
	assert_int_equal(world.fingered, 2);
	rig_assert_entry("c.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Another attempt failed while its server was being asked about the one before. */
static void
younger_alarm_is_not_answered_by_an_older_probe(void **state)
{
	(void)state;
	begin(self_signed);
	rig_defer("a.test");
	engine_turn(rig.engine);
	while (world.asked == 0) {
		world_work();
		engine_turn(rig.engine);
	}
	assert_true(world_waiting() > 0); /* the queue and the server */
	world_pass(SECOND);
	rig_defer("a.test");
	world_wait(rig.engine, 20 * SECOND);
	assert_int_equal(world.fingered, 1);
	rig_assert_entry("a.test", LEVEL_NONE);
	world_wait(rig.engine, 20 * SECOND);
	assert_int_equal(world.fingered, 2);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* A log whose clock is ahead, of a machine in another time zone. */
static void
attempt_of_the_future_is_one_of_now(void **state)
{
	int64_t now_ms;

	(void)state;
	begin(self_signed);
	now_ms = world.wall_ms;
	world.wall_ms += 2 * HOUR;
	rig_defer_because("a.test", NOT_VERIFIED);
	world.wall_ms = now_ms;
	rig_save();
	world_wait(rig.engine, 5 * SECOND);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

static unsigned many;

static void
answer_of_500(struct measure_item *item)
{
	char name[NEXTHOP_HOST_SIZE];

	snprintf(name, sizeof(name), "mx%u.test", (unsigned)item->id % 500);
	world_add_host(item, name, PROMISE_NONE);
	many++;
}

static void
ten_thousand_share_five_hundred(void **state)
{
	(void)state;
	begin(self_signed);
	rig.config.freeze.destinations = 100000;
	world.answer = answer_of_500;
	rig_defer_many("a", 10000);
	world_wait(rig.engine, MIN);
	assert_int_equal(world.fingered, 500);
	kit_assert(STATE, "SELECT entry, count(*) FROM destination GROUP BY entry",
	    "encrypt|10000\n");
	rig_close();
}

/* What one host did is news of all that have it: the freeze is not late for them. */
static void
freeze_counts_them_as_they_are_judged(void **state)
{
	(void)state;
	begin(self_signed);
	rig_notify_admin();
	rig_defer_many("a", 100);
	/* Nobody failed yet: each is known to when it was asked. */
	kit_run(STATE, "UPDATE host SET failed_ms = 0, verify_ms = 1");
	world_wait(rig.engine, 10 * SECOND);
	kit_assert(
	    STATE, "SELECT count(*) > 70 FROM destination WHERE why = 'freeze'", "1\n");
	kit_assert(
	    STATE, "SELECT value > 0 FROM counter WHERE name = 'frozen-ms'", "1\n");
	rig_close();
}

static void
explain_knows_what_they_did(void **state)
{
	char *facts;

	(void)state;
	begin(second_is_weaker);
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

static void
so_many_at_once(void **state)
{
	size_t most = 0;

	(void)state;
	begin(self_signed);
	rig.config.freeze.destinations = 1000;
	rig_defer_many("a", 100);
	for (int i = 0; i < 1000 && world.fingered < 100; i++) {
		unsigned before = world.fingered;

		engine_turn(rig.engine);
		world_work();
		if (world.fingered - before > most)
			most = world.fingered - before;
	}
	assert_int_equal(most, 16);
	world_wait(rig.engine, MIN);
	kit_assert(
	    STATE, "SELECT count(*) FROM destination WHERE entry = 'encrypt'", "100\n");
	rig_close();
}

/* --- servers that hold the connection ----------------------------------------------- */

#define HELD_MS (30 * SECOND) /* as long as a probe may take */

static unsigned held;

static bool
is_tarpit(const char *host)
{
	return strstr(host, "tarpit.test") != NULL;
}

/* Sixteen at once take as long as one. */
static void
holds(const struct finger_question *question, struct server *server)
{
	self_signed(question, server);
	if (!is_tarpit(question->host))
		return;
	held++;
	world_pass(HELD_MS / 16);
	*server = (struct server){.probe = {.end = PROBE_SILENT}};
}

static void
holds_whole(const struct finger_question *question, struct server *server)
{
	(void)question;
	world_pass(HELD_MS);
	*server = (struct server){.probe = {.end = PROBE_SILENT}};
}

static void
answer_five_tarpits(struct measure_item *item)
{
	char name[NEXTHOP_HOST_SIZE];

	for (int i = 0; i < 5 && is_tarpit(item->nexthop.host); i++) {
		snprintf(name, sizeof(name), "mx%d.%.100s", i, item->nexthop.host);
		world_add_host(item, name, PROMISE_NONE);
	}
}

/* An answer that comes when half a minute is over is one all the same. */
static void
host_that_holds_its_connection_is_no_answer(void **state)
{
	(void)state;
	begin(holds_whole);
	rig_defer("a.test");
	world_wait(rig.engine, 2 * MIN);
	assert_judged("a.test", LEVEL_NONE, WHY_NO_ANSWER);
	assert_in_range(world.fingered, 1, 2);
	world_wait(rig.engine, DAY);
	assert_in_range(world.fingered, 12, 40); /* once an hour at last */
	rig_close();
}

/* Nor does mail that fails each minute have it asked all the time. */
static void
host_that_holds_its_connection_is_left_alone(void **state)
{
	unsigned before;

	(void)state;
	begin(holds_whole);
	for (int i = 0; i < 60; i++) {
		rig_defer("a.test");
		world_wait(rig.engine, MIN);
	}
	before = world.fingered;
	for (int i = 0; i < 60; i++) {
		rig_defer("a.test");
		world_wait(rig.engine, MIN);
	}
	assert_in_range(world.fingered - before, 5, 12);
	rig_close();
}

static void
one_domain_does_not_hold_them_all(void **state)
{
	char domain[64];
	size_t most = 0;

	(void)state;
	begin(holds);
	world.answer = answer_five_tarpits;
	for (int i = 0; i < 16; i++) {
		snprintf(domain, sizeof(domain), "n%d.tarpit.test", i);
		rig_defer_because(domain, NOT_VERIFIED);
	}
	rig_save();
	held = 0;
	for (int i = 0; i < 20; i++) {
		unsigned before = held;

		engine_turn(rig.engine);
		world_work();
		if (held - before > most)
			most = held - before;
		if (i == 8)
			rig_defer("a.test");
	}
	assert_int_equal(most, 4);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* They are re-read each minute while something is judged; probes take long. */
static void
settings_are_read_while_servers_are_asked(void **state)
{
	(void)state;
	begin(self_signed);
	rig_defer("a.test");
	while (world.asked == 0) {
		engine_turn(rig.engine);
		if (world.asked == 0)
			world_work();
	}
	world_pass(2 * MIN);
	rig_defer("b.test");
	engine_turn(rig.engine);
	world_settle(rig.engine);
	assert_int_equal(world.settings.times, 2);
	rig_close();
}

/* --- nobody to ask ------------------------------------------------------------------ */

static void
without_a_prober_the_reason_decides(void **state)
{
	(void)state;
	begin(NULL);
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	assert_judged("a.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	/* It is installed. */
	world.finger = verifies;
	rig_defer("b.test");
	world_wait(rig.engine, SECOND);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	world_wait(rig.engine, HOUR);
	rig_defer("c.test");
	world_wait(rig.engine, SECOND);
	assert_judged("c.test", LEVEL_NONE, WHY_CONTRADICTION);
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
	world.finger = verifies;
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.fingered, 0);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
	/* Nor for an imagined decision. */
	rig_new(ENGINE_IMAGINE);
	world.finger = verifies;
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.fingered, 0);
	assert_int_equal(rig.decided, 1);
	rig_close();
}

/* --- with the queue ----------------------------------------------------------------- */

/* Message by message: the server is asked while the queue is. */
static void
queue_and_servers_are_asked_side_by_side(void **state)
{
	(void)state;
	begin(self_signed);
	rig_defer("a.test");
	engine_turn(rig.engine);
	world_work(); /* DNS */
	engine_turn(rig.engine);
	assert_int_equal(world_waiting(), 2);
	world_settle(rig.engine);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
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
	suite_add(answer_serves_older_alarms_alone, NULL,
	    "an answer serves the alarms that were before it, 30 s later there is "
	    "another");
	suite_add(younger_alarm_is_not_answered_by_an_older_probe, NULL,
	    "an alarm that came meanwhile is not answered by the probe of the one "
	    "before");
	suite_add(attempt_of_the_future_is_one_of_now, NULL,
	    "the clock of the log is ahead: it is not waited for");
	suite_add(ten_thousand_share_five_hundred, NULL,
	    "10,000 destinations on 500 hosts: 500 probes");
	suite_add(freeze_counts_them_as_they_are_judged, NULL,
	    "a freeze counts them while they are judged");
	suite_add(explain_knows_what_they_did, NULL, "what they did is kept");
	suite_add(so_many_at_once, NULL, "sixteen addresses are connected to at once");
	suite_add(host_that_holds_its_connection_is_no_answer, NULL,
	    "a host that holds its connection is no answer");
	suite_add(host_that_holds_its_connection_is_left_alone, NULL,
	    "a host that holds its connection is not asked by every alarm");
	suite_add(one_domain_does_not_hold_them_all, NULL,
	    "four of the sixteen are of one domain at most");
	suite_add(settings_are_read_while_servers_are_asked, NULL,
	    "servers that are being asked do not keep Postfix's settings from being "
	    "read");
	suite_add(without_a_prober_the_reason_decides, NULL,
	    "without posttls-finger the reason decides; it is looked for each hour");
	suite_add(servers_that_must_not_be_asked_are_not, NULL,
	    "probe.servers: no, and an imagined decision: nobody is asked");
	suite_add(queue_and_servers_are_asked_side_by_side, NULL,
	    "queue and servers are asked side by side");
	return rig_end(suite_run());
}
