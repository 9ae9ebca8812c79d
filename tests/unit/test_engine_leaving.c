/* SPDX-License-Identifier: BSD-2-Clause */
/* How messages leave the queue, one or many: whose alarm is over then, and whose is not.
 */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "enginerig.h"

#define LISTINGS (5 * SECOND) /* two, by which a message is gone */

/* How a message leaves the queue, and whether its alarm is over by that. */
static const struct {
	const char *program;
	const char *text; /* behind its id */
	bool ends;
} leaves[] = {
    {"qmgr[7]", ": from=<s@s.test>, status=expired, returned to sender", true},
    {"qmgr[7]", ": from=<>, status=force-expired, returned to sender", true},
    {"qmgr[7]", "X: from=<>, status=expired, returned to sender", false},
    {"qmgr[7]", ": from=<a>, status=expired, returned to sender>, size=1", false},
    {"cleanup[7]", ": from=<>, status=expired, returned to sender", false},
    {"smtp[77]",
        ": to=<u@A.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, "
        "delays=8/0/0.03/0.02, dsn=5.1.1, status=bounced (host said: 550 no user)",
        true},
    {"smtp[77]",
        ": to=<u@b.test>, relay=mx.b.test[192.0.2.1]:25, delay=9, "
        "delays=8/0/0.03/0.02, dsn=5.1.1, status=bounced (host said: 550 no user)",
        false},
};

static void
message_that_leaves_ends_its_alarm(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		char line[512];

		rig_new_settled();
		rig_defer_because("a.test", NOT_OFFERED);
		rig_save();
		world_settle(rig.engine);
		rig_assert_why("a.test", WHY_MAY_AFTER);
		snprintf(line, sizeof(line), "%s: %s%s", leaves[i].program, rig_last_id(),
		    leaves[i].text);
		world_log(rig.engine, line);
		if (leaves[i].ends)
			world_unqueue(rig_last_id());
		rig_save();
		world_wait(rig.engine, LISTINGS);
		assert_int_equal(rig_row("a.test").alarm.raised, !leaves[i].ends);
		assert_int_equal(rig_row("a.test").alarm.attempts, !leaves[i].ends);
		assert_int_equal(rig_row("a.test").look_ms == 0, leaves[i].ends);
		kit_assert(STATE, "SELECT count(*) FROM waiting",
		    leaves[i].ends ? "0\n" : "1\n");
		rig_close();
	}
}

/* Another one waits for the same. */
static void
others_that_wait_keep_the_alarm(void **state)
{
	char line[512];

	(void)state;
	rig_new_settled();
	rig_defer_because("a.test", NOT_OFFERED);
	rig_defer_because("a.test", NOT_OFFERED);
	rig_save();
	world_settle(rig.engine);
	snprintf(line, sizeof(line),
	    "qmgr[7]: %s: from=<s@s.test>, status=expired, returned to sender",
	    rig_last_id());
	world_log(rig.engine, line);
	world_unqueue(rig_last_id());
	rig_save();
	world_wait(rig.engine, LISTINGS);
	assert_true(rig_row("a.test").alarm.raised);
	kit_assert(STATE, "SELECT count(*) FROM waiting", "1\n");
	rig_close();
}

/* A line of that message, which is in the queue then unless it was made up. */
static void
defer_id(const char *id, bool made_up)
{
	char line[400];

	snprintf(line, sizeof(line),
	    "smtp[77]: %s: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")",
	    id);
	world_log(rig.engine, line);
	if (made_up)
		world_unqueue(id);
}

#define BY \
	": to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, " \
	"delays=8/0/0.03/0.02, "

/* Lines that anybody can make up behind each attempt of Q1, which waits on. */
static const struct {
	const char *program;
	const char *id;
	const char *text;
} invented[] = {
    {"qmgr[7]", "Q1", ": from=<s@s.test>, status=expired, returned to sender"},
    {"smtp[77]", "Q1", BY "dsn=5.1.1, status=bounced (host said: 550 no user)"},
    {"smtp[77]", "Q1", BY "dsn=2.0.0, status=sent (250 Ok)"},
    {"smtp[77]", "Q1", BY "dsn=4.7.5, status=deferred (" REFUSED ")"},
    {"smtp[77]", "X1", BY "dsn=4.7.5, status=deferred (" REFUSED ")"},
    {"smtp[77]", "X1", BY "dsn=2.0.0, status=sent (250 Ok)"},
};

#define INVENTED (sizeof(invented) / sizeof(invented[0]))

/* The next attempt of Q1, and that line. */
static void
defer_and_invent(size_t i, bool later)
{
	char line[512];

	defer_id("Q1", false);
	if (later)
		rig_save();
	if (i < INVENTED) {
		snprintf(line, sizeof(line), "%s: %s%s", invented[i].program,
		    invented[i].id, invented[i].text);
		world_log(rig.engine, line);
	}
	world_unqueue("X1");
	world_queue("Q1", "u@a.test", NOT_VERIFIED);
	rig_save();
}

static void
message_that_is_there_is_judged_whatever_the_log_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < INVENTED; i++) {
		for (int later = 0; later < 2; later++) {
			bool sent = strstr(invented[i].text, "=sent") != NULL;

			rig_new_with(world_self_signed);
			defer_and_invent(i, later);
			world_wait(rig.engine, MIN);
			/* That it was sent is a past, which only holds. */
			rig_assert_judged("a.test", sent ? LEVEL_NONE : LEVEL_ENCRYPT,
			    sent ? WHY_HOLD : WHY_NOT_AUTHENTIC);
			rig_close();
		}
	}
}

static void
send_id(const char *id)
{
	char line[400];

	snprintf(line, sizeof(line),
	    "smtp[78]: %s: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=3609, "
	    "delays=3608/0/0.03/0.02, dsn=2.0.0, status=sent (250 Ok)",
	    id);
	world_log(rig.engine, line);
	world_unqueue(id);
}

static void
defer_many(const char *prefix, unsigned count, bool made_up)
{
	for (unsigned i = 0; i < count; i++) {
		char id[32];

		snprintf(id, sizeof(id), "%s%u", prefix, i);
		defer_id(id, made_up);
	}
}

/* A certificate was seen lately, so that a step down is held for days. */
static void
rig_new_held(void)
{
	rig_new_settled();
	rig_notify_admin();
	world.sessions_logged = true;
	world.finger = world_self_signed;
	rig_close();
	rig_open(ENGINE_APPLY);
	world_log(rig.engine,
	    "smtp[78]: Verified TLS connection established to "
	    "mx.a.test[192.0.2.1]:25: TLSv1.3 with cipher "
	    "TLS_AES_256_GCM_SHA384 (256/256 bits)");
	send_id("Q0");
	rig_save();
	world_wait(rig.engine, DAY);
}

/* As long as without these lines, after a session that verified a day ago. */
static void
hold_ends_whatever_the_log_says(void **state)
{
	(void)state;
	for (size_t i = 0; i <= INVENTED; i++) {
		rig_new_held();
		for (int hour = 0; hour < 26; hour++) {
			defer_and_invent(i, hour % 2 == 0);
			world_wait(rig.engine, HOUR);
			if (hour < 23)
				rig_assert_judged("a.test", LEVEL_NONE, WHY_HOLD);
		}
		rig_assert_entry("a.test", LEVEL_ENCRYPT);
		rig_close();
	}
}

static void
sent_mail_leaves_nothing(void **state)
{
	const unsigned counts[] = {5, 60};

	(void)state;
	for (size_t c = 0; c < 2; c++) {
		rig_new_held();
		defer_many("Q", counts[c], false);
		rig_save();
		world_wait(rig.engine, HOUR);
		assert_true(rig_row("a.test").alarm.raised);
		for (unsigned i = 0; i < counts[c]; i++) {
			char id[32];

			snprintf(id, sizeof(id), "Q%u", i);
			send_id(id);
		}
		rig_save();
		world_wait(rig.engine, 2 * LISTINGS); /* its alarm is old */
		kit_assert(STATE, "SELECT count(*) FROM waiting", "0\n");
		world_wait(rig.engine, 2 * DAY);
		defer_id("R1", false);
		rig_save();
		world_wait(rig.engine, MIN);
		assert_true(rig_row("a.test").alarm.raised);
		kit_assert(STATE, "SELECT queue_id, absences FROM waiting", "R1|-1\n");
		rig_close();
	}
}

/* Before, behind and around the line of the one that is there, in one piece of the log or
 * in several. */
static void
made_up_ids_hide_nothing(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 8; bits++) {
		rig_new_settled();
		defer_many("X", (bits & 1) != 0 ? 60 : 0, true);
		if ((bits & 4) != 0)
			rig_save();
		defer_id("Q1", false);
		if ((bits & 4) != 0)
			rig_save();
		defer_many("Y", (bits & 2) != 0 ? 60 : 0, true);
		rig_save();
		world_wait(rig.engine, MIN);
		assert_true(rig_row("a.test").alarm.raised);
		world_wait(rig.engine, HOUR);
		defer_id("Q1", false);
		rig_save();
		world_wait(rig.engine, MIN);
		rig_assert_entry("a.test", LEVEL_ENCRYPT);
		rig_close();
	}
}

/* Where none of them is there, they are gone as one would be. */
static void
many_that_are_gone_are_gone(void **state)
{
	(void)state;
	rig_new_settled();
	defer_many("X", 60, true);
	rig_save();
	world_wait(rig.engine, HOUR);
	assert_false(rig_row("a.test").alarm.raised);
	kit_assert(STATE, "SELECT count(*) FROM waiting", "0\n");
	rig_close();
}

/* postqueue -i does nothing while a message is on its way to another recipient. */
static void
message_that_was_given_up_is_there(void **state)
{
	(void)state;
	rig_new_settled();
	world.finger = world_self_signed;
	rig_defer("a.test");
	world_wait(rig.engine, HOUR);
	kit_assert(STATE, "SELECT count(*) FROM waiting", "1\n");
	assert_true(rig_row("a.test").alarm.raised);
	/* And it counts as there for whoever asks. */
	world_wait(rig.engine, DAY);
	kit_assert(STATE, "SELECT count(*) FROM waiting", "1\n");
	assert_true(rig_row("a.test").alarm.raised);
	rig_close();
}

/* It was deleted, which the log does not say. */
static void
message_that_was_given_up_is_gone(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_settle(rig.engine);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world_unqueue(rig_last_id());
	world_wait(rig.engine, 2 * MIN);
	kit_assert(STATE, "SELECT count(*) FROM waiting", "0\n");
	assert_false(rig_row("a.test").alarm.raised);
	assert_int_equal(world.queue.times, 3);
	assert_true(engine_is_idle(rig.engine));
	rig_close();
}

static void
dns_is_unsure(struct measure_item *item)
{
	item->answers.dane.state = DANE_UNSURE;
}

static void
map_is_unsure(struct measure_item *item)
{
	item->answers.other_map = ANSWER_UNSURE;
}

/* Somebody who is asked from time to time as long as the message waits cannot tell; it
 * expires, or is deleted, which the log does not say. */
static void
message_that_nobody_can_tell_of_is_gone(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		bool dns = i & 1, prober = i & 2, expires = i & 4;
		unsigned asked;
		char line[128];

		rig_new_settled();
		world.finger = prober ? world_self_signed : NULL;
		world.answer = dns ? dns_is_unsure : map_is_unsure;
		rig_defer("a.test");
		world_wait(rig.engine, 12 * HOUR);
		rig_assert_judged(
		    "a.test", LEVEL_NONE, dns ? WHY_DNS_UNSURE : WHY_OTHER_MAP_UNSURE);
		assert_true(rig_row("a.test").alarm.raised);
		assert_in_range(world.asked, 12, 24); /* once an hour, in the end */
		world_unqueue(rig_last_id());
		snprintf(line, sizeof(line),
		    "qmgr[7]: %s: from=<s@s.test>, status=expired, returned to sender",
		    rig_last_id());
		if (expires)
			world_log(rig.engine, line);
		rig_save();
		asked = world.asked;
		world_wait(rig.engine, 2 * DAY);
		assert_false(rig_row("a.test").alarm.raised);
		assert_int_equal(rig_row("a.test").look_ms, 0);
		kit_assert(STATE, "SELECT count(*) FROM waiting", "0\n");
		assert_in_range(world.asked - asked, 0, 4);
		rig_close();
	}
}

/* Other mail flowed, so it is retried no more; it may have been sent as well. */
static void
message_that_was_retried_while_mail_flowed(void **state)
{
	(void)state;
	for (int is_there = 0; is_there < 2; is_there++) {
		rig_new_settled();
		defer_id("Q1", false);
		defer_id("Q2", false);
		rig_save();
		world_wait(rig.engine, 5000);
		rig_assert_entry("a.test", LEVEL_ENCRYPT);
		kit_assert(STATE, "SELECT DISTINCT tries FROM waiting", "1\n");
		send_id("Q2");
		rig_save();
		if (!is_there)
			world_unqueue("Q1");
		world_wait(rig.engine, MIN);
		kit_assert(STATE, "SELECT queue_id FROM waiting", is_there ? "Q1\n" : "");
		assert_true(engine_is_idle(rig.engine));
		rig_close();
	}
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	suite_add(message_that_leaves_ends_its_alarm, NULL,
	    "a message that expires or is bounced ends its alarm");
	suite_add(
	    others_that_wait_keep_the_alarm, NULL, "while others wait the alarm stays");
	suite_add(message_that_is_there_is_judged_whatever_the_log_says, NULL,
	    "a message that the queue shows is judged, whatever line was made up of it");
	suite_add(hold_ends_whatever_the_log_says, NULL,
	    "and a hold of its destination is over as if there were no such line");
	suite_add(sent_mail_leaves_nothing, NULL,
	    "mail that was sent leaves nothing that hides the next alarm");
	suite_add(made_up_ids_hide_nothing, NULL,
	    "ids that were made up do not end the alarm of a message that is there");
	suite_add(
	    many_that_are_gone_are_gone, NULL, "more than are kept are gone as one is");
	suite_add(message_that_was_given_up_is_there, NULL,
	    "a message of whose retries there is no word waits on");
	suite_add(message_that_was_given_up_is_gone, NULL,
	    "unless two listings of the queue miss it");
	suite_add(message_that_nobody_can_tell_of_is_gone, NULL,
	    "and so is one of which DNS, or another map, can tell nothing");
	suite_add(message_that_was_retried_while_mail_flowed, NULL,
	    "one that was retried while mail flowed waits as long as the queue has it");
	return rig_end(suite_run());
}
