/* SPDX-License-Identifier: BSD-2-Clause */
/* Thousands of names of one domain, whose zone does not answer: whatever waits of them,
 * what is due of others has its share, and so has their mail. */
#include "suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "enginerig.h"

#define MANY 9000  /* more than are known to be slow */
#define MORE 10000 /* more than are looked through at once */

static int64_t takes_ms;

static void
answer(struct measure_item *item)
{
	if (strncmp(item->nexthop.host, "lame", 4) == 0) {
		item->answers.dane.state = DANE_UNSURE;
		world.takes_ms += takes_ms;
		item->took_ms = takes_ms;
	}
}

static void
put_lame(struct store *store, int number, bool known, bool pending, int64_t time_ms)
{
	struct destination d;
	char key[64];

	snprintf(key, sizeof(key), "lame%d.evil.test", number);
	destination_init(&d, key);
	d.alarm.raised = true;
	d.alarm.pending = pending;
	d.alarm.time_ms = d.alarm.attempt_ms = time_ms;
	d.alarm.attempts = 1;
	d.alarm.first_attempt_ms = d.alarm.last_attempt_ms = time_ms;
	snprintf(d.alarm.rule, sizeof(d.alarm.rule), "not-verified");
	d.look_ms = pending ? 0 : time_ms;
	if (!pending || known) {
		d.dns.time_ms = time_ms;
		snprintf(d.dns.state, sizeof(d.dns.state), "%s",
		    dane_state_name(known ? DANE_NONE : DANE_UNSURE));
	}
	kit_put(store, &d);
	destination_clear(&d);
}

static struct store *
begin(void)
{
	rig_new_with(world_self_signed);
	world.answer = answer;
	rig_close();
	return kit_open(STATE);
}

/* --- what is due ------------------------------------------------------------------- */

/* Two that are due: a pin that is over, and what DNS could not tell of. */
static void
put_due(struct store *store)
{
	struct destination d;

	destination_init(&d, "pin.example");
	destination_pin(
	    &d, demand_of(LEVEL_MAY), world.wall_ms - MIN, "test", world.wall_ms - HOUR);
	d.look_ms = world.wall_ms - MIN;
	kit_put(store, &d);
	destination_clear(&d);
	destination_init(&d, "unsure.example");
	d.entry.level = LEVEL_ENCRYPT;
	d.dns.time_ms = world.wall_ms - HOUR;
	snprintf(d.dns.state, sizeof(d.dns.state), "%s", dane_state_name(DANE_UNSURE));
	d.look_ms = world.wall_ms - MIN;
	kit_put(store, &d);
	destination_clear(&d);
}

static void
due_has_its_share(void **state)
{
	struct store *store = begin();
	int64_t begun_ms, pin_ms = -1, unsure_ms = -1;

	(void)state;
	takes_ms = 40 * SECOND;
	kit_begin_transaction(store);
	for (int i = 0; i < MANY; i++)
		put_lame(store, i, false, false, world.wall_ms - HOUR - i);
	put_due(store);
	kit_commit(store);
	store_close(store);
	rig_open(ENGINE_APPLY);
	buf_reset(&world.asked_keys);
	begun_ms = world.mono_ms;
	while (world.mono_ms - begun_ms < 10 * MIN && (pin_ms < 0 || unsure_ms < 0)) {
		world_wait(rig.engine, SECOND);
		if (pin_ms < 0 && !rig_row("pin.example").pin.set)
			pin_ms = world.mono_ms - begun_ms;
		if (unsure_ms < 0 &&
		    strstr(buf_text(&world.asked_keys), "unsure.example ") != NULL)
			unsure_ms = world.mono_ms - begun_ms;
	}
	print_message("# beside %d: a pin ends after %" PRId64 " ms, DNS is asked again "
	              "after %" PRId64 " ms\n",
	    MANY, pin_ms, unsure_ms);
	assert_in_range(pin_ms, 0, MIN);
	assert_in_range(unsure_ms, 0, MIN);
	rig_close();
}

/* --- alarms ------------------------------------------------------------------------ */

struct crowd {
	const char *what;
	bool known; /* all of them, by DNS */
	int behind; /* as many more come after it */
};

static const struct crowd crowds[] = {
    {"a new one that comes last", false, 0},
    {"a new one amid them", false, MORE},
    {"one that is known, and comes last", true, 0},
    {"one that is known, amid them", true, MORE},
};

static void
put_crowd(struct store *store, int from, int count, bool known)
{
	kit_begin_transaction(store);
	for (int i = from; i < from + count; i++)
		put_lame(store, i, known, true, world.wall_ms - HOUR + i);
	kit_commit(store);
}

static void
alarm_has_its_share(void **state)
{
	const struct crowd *row = *state;
	struct store *store = begin();
	struct destination d;
	int64_t begun_ms;

	takes_ms = 10 * SECOND;
	put_crowd(store, 0, MORE, row->known);
	destination_init(&d, "honest.example");
	d.alarm.raised = d.alarm.pending = true;
	d.alarm.time_ms = d.alarm.attempt_ms = world.wall_ms - HOUR + MORE;
	snprintf(d.alarm.rule, sizeof(d.alarm.rule), "not-verified");
	if (row->known) {
		d.dns.time_ms = world.wall_ms - HOUR;
		snprintf(
		    d.dns.state, sizeof(d.dns.state), "%s", dane_state_name(DANE_NONE));
	}
	kit_put(store, &d);
	destination_clear(&d);
	put_crowd(store, MORE, row->behind, row->known);
	store_close(store);
	rig_open(ENGINE_APPLY);
	buf_reset(&world.asked_keys);
	begun_ms = world.mono_ms;
	while (world.mono_ms - begun_ms < 3 * MIN &&
	    strstr(buf_text(&world.asked_keys), "honest.example ") == NULL)
		world_wait(rig.engine, SECOND);
	begun_ms = world.mono_ms - begun_ms;
	print_message("# beside %d alarms of one domain: %s is asked about after %" PRId64
	              " ms\n",
	    MORE + row->behind, row->what, begun_ms);
	assert_in_range(begun_ms, 0, MIN);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	suite_add(due_has_its_share, NULL,
	    "what is due of others has its turn beside %d names whose mail waits", MANY);
	for (size_t i = 0; i < sizeof(crowds) / sizeof(crowds[0]); i++)
		suite_add(alarm_has_its_share, &crowds[i],
		    "made-up alarms of one domain: %s waits for no more than a minute",
		    crowds[i].what);
	return rig_end(suite_run());
}
