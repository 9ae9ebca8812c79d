/* SPDX-License-Identifier: BSD-2-Clause */
/* Deferrals whose messages the queue does not have, or has no more: whatever DNS and the
 * maps say, nothing is made of them, nothing is asked for ever, and no row stays. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "enginerig.h"

struct row {
	const char *what;
	enum dane_state state;
	enum answer other_map;
	bool others_server;
	bool can_dane;
	const char *reason;
};

static const struct row *the_row;

static void
answer(struct measure_item *item)
{
	bool usable = the_row->state == DANE_USABLE;

	item->answers.dane.state = the_row->state;
	item->answers.dane.all_usable = item->answers.dane.signed_domain = usable;
	item->answers.other_map = the_row->other_map;
	if (the_row->others_server)
		item->answers.relay_fits = false;
	if (usable)
		world_add_host(item, "mx.a.test", PROMISE_DANE);
}

static void
begin(const struct row *row)
{
	the_row = row;
	rig_new_with(world_self_signed);
	rig_close();
	rig_notify_admin();
	world.can_dane = row->can_dane;
	world.answer = answer;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
}

static void
assert_over(void)
{
	struct destination d = rig_row("a.test");

	assert_false(d.alarm.raised);
	assert_int_equal(d.look_ms, 0);
	assert_int_equal(d.entry.level, LEVEL_NONE);
}

static void
made_up_line_leaves_nothing(void **state)
{
	unsigned asked;

	begin(*state);
	rig_defer_because("a.test", the_row->reason);
	rig_save();
	world_unqueue(rig_last_id());
	world_wait(rig.engine, MIN);
	assert_over();
	asked = world.asked;
	world_wait(rig.engine, 30 * DAY);
	assert_int_equal(world.asked, asked);
	assert_over();
	assert_int_equal(world.notify.times, 0);
	for (int i = 0; i < 30; i++)
		world_wait(rig.engine, 5 * DAY);
	kit_assert(STATE, "SELECT count(*) FROM destination", "0\n");
	rig_close();
}

/* While it is there it is told of, and looked into; then all is over. */
static void
message_that_leaves_ends_it(void **state)
{
	unsigned asked;

	begin(*state);
	rig_defer_because("a.test", the_row->reason);
	rig_save();
	for (int hour = 0; hour < 48; hour++) {
		world_wait(rig.engine, HOUR);
		if (rig_row("a.test").entry.level == LEVEL_NONE)
			assert_true(rig_row("a.test").alarm.raised);
	}
	if (rig_row("a.test").entry.level != LEVEL_NONE) { /* what it needed */
		rig_close();
		return;
	}
	assert_in_range(world.notify.times, 1, 4);
	/* Without a word in the log. */
	world_unqueue(rig_last_id());
	for (int i = 0; i < 12; i++)
		world_wait(rig.engine, DAY);
	asked = world.asked;
	world_wait(rig.engine, 30 * DAY);
	assert_int_equal(world.asked, asked);
	for (int i = 0; i < 30; i++)
		world_wait(rig.engine, 5 * DAY);
	kit_assert(STATE, "SELECT count(*) FROM destination", "0\n");
	rig_close();
}

static const struct row rows[] = {
    {"DNS that could not tell", DANE_UNSURE, ANSWER_NO, false, true, NOT_VERIFIED},
    {"a name without mail", DANE_NO_MAIL, ANSWER_NO, false, true, NOT_VERIFIED},
    {"another's server", DANE_NONE, ANSWER_NO, true, true, NOT_VERIFIED},
    {"TLSA records", DANE_USABLE, ANSWER_NO, false, true, NOT_VERIFIED},
    {"TLSA records, and no DANE here", DANE_USABLE, ANSWER_NO, false, false,
        NOT_VERIFIED},
    {"another map that could not tell", DANE_NONE, ANSWER_UNSURE, false, true,
        NOT_VERIFIED},
    {"another map that answers", DANE_NONE, ANSWER_YES, false, true, NOT_VERIFIED},
    {"a certificate", DANE_NONE, ANSWER_NO, false, true, NOT_VERIFIED},
    {"unusable TLSA records", DANE_UNUSABLE, ANSWER_NO, false, true, NOT_OFFERED},
    {"a fault of ours", DANE_NONE, ANSWER_NO, false, true, REFUSED},
    {"a rule that waits", DANE_NONE, ANSWER_NO, false, true, TLSA_ERROR},
};

int
main(void)
{
	if (!rig_begin())
		return 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(made_up_line_leaves_nothing, &rows[i],
		    "of a made-up line nothing is left: %s", rows[i].what);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(message_that_leaves_ends_it, &rows[i],
		    "once a message left nothing is asked: %s", rows[i].what);
	return rig_end(suite_run());
}
