/* SPDX-License-Identifier: BSD-2-Clause */
/* Whoever writes lines all the time delays nothing: a message whose servers do no TLS
 * waits no longer beside such lines than without them. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "enginerig.h"

#define OWN       "mx.a.test[192.0.2.1]:25"
#define ANOTHER   "mx.another.test[192.0.2.9]:25"
#define RETRIES_S 300  /* minimal_backoff_time, doubled after each attempt */
#define ENOUGH_S  1000 /* may_after takes 600, and the third attempt is at 900 */

static bool tells_names = true;

static void
answer(struct measure_item *item)
{
	item->answers.relay_fits =
	    item->relay[0] == '\0' || strcmp(item->relay, "mx.a.test") == 0;
	if (tells_names)
		snprintf(item->answers.text, sizeof(item->answers.text),
		    "mx.%.200s address=insecure tlsa=none", item->nexthop.host);
}

static void
log_tls(const char *id, const char *relay, const char *tls, const char *what,
    int64_t begun_ms)
{
	long age_s = (long)((world.mono_ms - begun_ms) / SECOND) + 8;
	char line[600];

	snprintf(line, sizeof(line),
	    "smtp[77]: %s: to=<u@a.test>, relay=%s, delay=%ld, delays=%ld/0/0.03/0.02, "
	    "%sdsn=4.7.5, status=%s",
	    id, relay, age_s, age_s, tls, what);
	world_log(rig.engine, line);
}

static void
log_of(const char *id, const char *relay, const char *what, int64_t begun_ms)
{
	log_tls(id, relay, "", what, begun_ms);
}

/* A line that anybody can write, or two; the queue has Q1 for what really happened. */
struct made_up {
	const char *name;
	const char *id; /* NULL: a new one each time */
	const char *relay;
	const char *what, *then;
	const char *tls; /* NULL: none */
};

static const struct made_up lines[] = {
    {"nothing", "Q1", OWN, NULL, NULL, NULL},
    {"another reason", "Q1", OWN, "deferred (" NOT_VERIFIED ")", NULL, NULL},
    {"... of other messages", NULL, OWN, "deferred (" NOT_VERIFIED ")", NULL, NULL},
    {"a fault of ours", "Q1", OWN, "deferred (" REFUSED ")", NULL, NULL},
    {"a rule that waits", "Q1", OWN, "deferred (" TLSA_ERROR ")", NULL, NULL},
    {"no TLSA records", "Q1", OWN, "deferred (no TLSA records found)", NULL, NULL},
    {"another server", "Q1", ANOTHER, "deferred (" NOT_OFFERED ")", NULL, NULL},
    {"... for other messages", NULL, ANOTHER, "deferred (" NOT_OFFERED ")", NULL, NULL},
    {"another level", "Q1", OWN, "deferred (" NOT_OFFERED ")", NULL, "tls=may, "},
    {"a bounce", "Q1", OWN, "bounced (" NOT_VERIFIED ")", NULL, NULL},
    {"... of other messages", NULL, OWN, "bounced (" NOT_VERIFIED ")", NULL, NULL},
    {"a bounce, and mail", "Q1", OWN, "bounced (" NOT_OFFERED ")", "sent (250 Ok)", NULL},
    {"... of other messages", NULL, OWN, "bounced (" NOT_OFFERED ")", "sent (250 Ok)",
        NULL},
    {"mail", "Q1", OWN, "sent (250 Ok)", NULL, NULL},
};

static void
make_up(const struct made_up *line, unsigned number, int64_t begun_ms)
{
	char id[24];

	if (line->what == NULL)
		return;
	snprintf(id, sizeof(id), "X%u", number);
	log_tls(line->id != NULL ? line->id : id, line->relay,
	    line->tls != NULL ? line->tls : "", line->what, begun_ms);
	if (line->then != NULL)
		log_of(
		    line->id != NULL ? line->id : id, line->relay, line->then, begun_ms);
	world_unqueue(id);
	world_queue("Q1", "u@a.test", NOT_OFFERED);
	rig_save();
}

static bool
is_retried(void)
{
	bool retried = strstr(buf_text(&world.retried), "Q1") != NULL;

	buf_reset(&world.retried);
	return retried;
}

/* Instead of a time after which it is written: with each attempt. */
#define IN_ONE_PIECE (-1)
#define BEHIND       (-2)

/* How long it takes until an attempt of Q1 finds an entry by which it is sent. */
static int64_t
waits_s(const struct made_up *line, int64_t every_ms, int64_t listing_ms)
{
	int64_t begun_ms, next_ms, line_ms, again_ms = RETRIES_S * SECOND;
	unsigned number = 0;
	bool tried = false;

	rig_new_with(world_does_no_tls);
	world.answer = answer;
	rig_close();
	world.sessions_logged = true; /* else what was sent is a past, which holds */
	rig_open(ENGINE_APPLY);
	world.queue_ms = listing_ms;
	begun_ms = next_ms = world.mono_ms;
	line_ms = begun_ms + 20;
	while (world.mono_ms - begun_ms < 2 * ENOUGH_S * SECOND) {
		if (world.mono_ms >= next_ms || is_retried()) {
			if (tried && rig_row("a.test").entry.level == LEVEL_DANE)
				break;
			tried = true;
			log_of("Q1", OWN, "deferred (" NOT_OFFERED ")", begun_ms);
			if (every_ms == IN_ONE_PIECE)
				make_up(line, number++, begun_ms);
			rig_save();
			if (every_ms == BEHIND) {
				world_wait(rig.engine, 10);
				make_up(line, number++, begun_ms);
			}
			next_ms = world.mono_ms + again_ms;
			again_ms *= 2;
		}
		if (every_ms > 0 && world.mono_ms >= line_ms) {
			make_up(line, number++, begun_ms);
			line_ms = world.mono_ms + every_ms;
		}
		world_wait(rig.engine, SECOND / 2);
	}
	begun_ms = world.mono_ms - begun_ms;
	world.queue_ms = 0;
	rig_close();
	return begun_ms / SECOND;
}

static void
delays_nothing(void **state)
{
	const struct made_up *line = *state;

	assert_in_range(waits_s(line, SECOND, 0), 600, ENOUGH_S);
	assert_in_range(waits_s(line, 20 * SECOND, 5500), 600, ENOUGH_S);
	assert_in_range(waits_s(line, MIN, 0), 600, ENOUGH_S);
	assert_in_range(waits_s(line, IN_ONE_PIECE, 0), 600, ENOUGH_S);
	assert_in_range(waits_s(line, BEHIND, 0), 600, ENOUGH_S);
}

/* More servers than an answer holds, say. */
static void
names_that_dns_does_not_tell(void **state)
{
	const struct made_up *line = *state;

	tells_names = false;
	assert_in_range(waits_s(line, MIN, 0), 600, ENOUGH_S);
	assert_in_range(waits_s(line, BEHIND, 0), 600, ENOUGH_S);
	tells_names = true;
}

static void
verify_for_a_day(void)
{
	rig_log_session("Verified", OWN);
	rig_log_status("a.test", OWN, "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, DAY);
}

static void
rig_open_with_canary(void)
{
	struct strings *canaries = &rig.config.probe.canaries;

	rig_close();
	canaries->items = mem_new(1, sizeof(*canaries->items));
	canaries->items[0] = mem_strdup("canary.example");
	canaries->count = 1;
	world.sessions_logged = true;
	rig_open(ENGINE_APPLY);
}

/* With a past; twice a day the message is said to be bounced, and other mail to flow. */
static void
bounce_ends_no_hold(void **state)
{
	(void)state;
	rig_new_with(world_self_signed);
	world.sessions_logged = true;
	rig_close();
	rig_open(ENGINE_APPLY);
	verify_for_a_day();
	for (int hour = 0; hour < 27; hour++) {
		log_of("Q1", OWN, "deferred (" NOT_VERIFIED ")", world.mono_ms);
		rig_save();
		world_wait(rig.engine, HOUR / 2);
		if (hour % 12 == 11) {
			log_of("Q1", OWN, "bounced (" NOT_VERIFIED ")", world.mono_ms);
			rig_save();
			world_pass(10);
			log_of("Q1", OWN, "sent (250 Ok)", world.mono_ms);
			world_queue("Q1", "u@a.test", NOT_VERIFIED);
			rig_save();
		}
		world_wait(rig.engine, HOUR / 2);
	}
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

static int64_t waits_since_ms;

static void
flow_and_fail(void)
{
	log_of("S1", OWN, "sent (250 Ok)", world.mono_ms);
	world_unqueue("S1");
	log_of("Q1", OWN, "deferred (" NOT_VERIFIED ")", waits_since_ms);
	rig_save();
}

static void
fingers_slowly(const struct finger_question *question, struct server *server)
{
	if (strstr(question->host, "a.test") != NULL)
		world_self_signed(question, server);
	else
		world_verifies(question, server);
	for (int second = 0; second < 6 && waits_since_ms != 0; second++) {
		world_pass(SECOND);
		flow_and_fail();
	}
}

static void
slow_canary_is_heard(void **state)
{
	(void)state;
	rig_new_with(fingers_slowly);
	rig_open_with_canary();
	world_settle(rig.engine);
	waits_since_ms = world.mono_ms;
	log_of("Q1", OWN, "deferred (" NOT_VERIFIED ")", waits_since_ms);
	rig_save();
	for (int second = 0; second < 300; second++) {
		world_wait(rig.engine, SECOND);
		flow_and_fail();
	}
	waits_since_ms = 0;
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Nobody can ask the servers. A message is put on hold after its first attempt, and the
 * line of that is written again and again. */
static void
held_message_is_not_tried(void **state)
{
	(void)state;
	for (int held = 0; held < 2; held++) {
		rig_new_settled();
		world.queue_name = held ? "hold" : NULL;
		for (int minute = 0; minute < 30; minute += 6) {
			log_of("Q1", OWN, "deferred (" NOT_OFFERED ")", world.mono_ms);
			rig_save();
			world_wait(rig.engine, 6 * MIN);
		}
		world.queue_name = NULL;
		rig_assert_entry("a.test", held ? LEVEL_NONE : LEVEL_DANE);
		rig_close();
	}
}

/* Q1 waits for a look-up at one MX host, Q2 met another, which does no TLS. */
static void
message_that_waits_by_rule_holds_up_no_other(void **state)
{
	int64_t begun_ms, again_ms = RETRIES_S * SECOND;

	(void)state;
	rig_new_with(world_does_no_tls);
	begun_ms = world.mono_ms;
	for (int i = 0; i < 3; i++) {
		log_of("Q1", "none", "deferred (" TLSA_ERROR ")", begun_ms);
		log_of("Q2", OWN, "deferred (" NOT_OFFERED ")", begun_ms);
		rig_save();
		world_wait(rig.engine, again_ms);
		again_ms *= 2;
	}
	rig_assert_entry("a.test", LEVEL_DANE);
	rig_close();
}

/* It is at a relay of its sender's that the message waits, as the queue tells. */
static void
message_at_a_relay_is_no_attempt(void **state)
{
	static const char at_relay[] =
	    "TLS is required, but was not offered by host relay.isp.test[192.0.2.9]";

	(void)state;
	rig_new_with(world_does_no_tls);
	world.answer = answer;
	for (int i = 0; i < 4; i++) {
		log_of("Q1", OWN, "deferred (" NOT_OFFERED ")", world.mono_ms);
		world_queue("Q1", "u@a.test", at_relay);
		rig_save();
		world_wait(rig.engine, 11 * MIN);
	}
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_close();
}

/* The administrator asks while a step is held. */
static void
again_is_no_loop(void **state)
{
	struct destination d;

	(void)state;
	rig_new_with(world_self_signed);
	rig_open_with_canary();
	verify_for_a_day();
	log_of("Q1", OWN, "deferred (" NOT_VERIFIED ")", world.mono_ms);
	rig_save();
	world_wait(rig.engine, HOUR);
	d = rig_row("a.test");
	destination_again(&d, world.wall_ms);
	kit_put(rig.store, &d);
	world_wait(rig.engine, HOUR);
	assert_false(rig_row("a.test").alarm.pending);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		suite_add(delays_nothing, &lines[i], "%s: no mail waits longer for it",
		    lines[i].name);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (strcmp(lines[i].relay, ANOTHER) == 0)
			suite_add(names_that_dns_does_not_tell, &lines[i],
			    "%s: nor where its own servers cannot be told",
			    lines[i].name);
	suite_add(bounce_ends_no_hold, NULL,
	    "a bounce and mail that is sent, of a message that is there, end no hold");
	suite_add(slow_canary_is_heard, NULL,
	    "a canary that answers slowly is heard while mail flows and fails");
	suite_add(message_that_waits_by_rule_holds_up_no_other, NULL,
	    "a message that a rule lets wait holds up no other that is tried with it");
	suite_add(message_at_a_relay_is_no_attempt, NULL,
	    "a message that waits at another's server is no attempt at its own");
	suite_add(again_is_no_loop, NULL, "again, while a step is held, is judged once");
	suite_add(held_message_is_not_tried, NULL,
	    "lines of a message that is on hold are no attempts");
	return rig_end(suite_run());
}
