/* SPDX-License-Identifier: BSD-2-Clause */
/* A pin that is over: its level goes with it, whatever happens in that moment. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "enginerig.h"

#define OWN "mx.a.test[192.0.2.1]:25"

static enum dane_state tlsa;

static void
answer(struct measure_item *item)
{
	bool usable = tlsa == DANE_USABLE;

	item->answers.dane.state = tlsa;
	item->answers.dane.all_usable = item->answers.dane.signed_domain = usable;
	item->answers.relay_fits =
	    item->relay[0] == '\0' || strcmp(item->relay, "mx.a.test") == 0;
	world_add_host(item, "mx.a.test", usable ? PROMISE_DANE : PROMISE_NONE);
	snprintf(item->answers.text, sizeof(item->answers.text),
	    "mx.a.test address=secure tlsa=%s", usable ? "usable" : "none");
}

struct end {
	const char *what;
	void (*does)(const struct finger_question *question, struct server *server);
	bool past; /* it verified before */
	bool undone;
	bool dns_fails;
	bool mail; /* a message waits */
};

static void
cannot_tell(struct measure_item *item)
{
	answer(item);
	item->answers.dane.state = DANE_UNSURE;
}

static void
pin_to(enum level level, bool undone)
{
	struct destination d;
	bool found;

	assert_true(store_get(rig.store, "a.test", &d, &found, &kit_err));
	if (undone)
		destination_undo(
		    &d, demand_of(level), world.wall_ms + HOUR, world.wall_ms);
	else
		destination_pin(
		    &d, demand_of(level), world.wall_ms + HOUR, "test", world.wall_ms);
	kit_put(rig.store, &d);
	destination_clear(&d);
}

/* Whatever happens at the moment of its end: the default applies. */
static void
pin_ends(void **state)
{
	const struct end *end = *state;

	tlsa = DANE_NONE;
	rig_new_with(world_verifies);
	world.answer = answer;
	rig_log_session(end->past ? "Verified" : "Untrusted", OWN);
	rig_log_status("a.test", OWN, "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, DAY);
	pin_to(LEVEL_MAY, end->undone);
	world_wait(rig.engine, 50 * MIN);
	if (end->mail) {
		rig_defer_because("a.test", "Cannot start TLS: handshake failure");
		rig_save();
	}
	world_wait(rig.engine, 9 * MIN);
	rig_assert_entry("a.test", LEVEL_MAY);
	world.finger = end->does;
	if (end->dns_fails)
		world.answer = cannot_tell;
	world_wait(rig.engine, 2 * MIN);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_TRIAL);
	world_wait(rig.engine, 20 * DAY);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_close();
}

struct strong {
	enum level level;
	enum level default_level;
};

/* It goes with the pin, and not days later, though mail fails by it. */
static void
strong_pin_ends(void **state)
{
	const struct strong *strong = *state;

	tlsa = DANE_NONE;
	rig_new_with(world_verifies);
	rig_close();
	world.default_level = strong->default_level;
	world.answer = answer;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	rig_log_status("a.test", OWN, "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, HOUR);
	pin_to(strong->level, false);
	world_wait(rig.engine, 50 * MIN);
	if (strong->level == LEVEL_DANE_ONLY) {
		rig_defer_because("a.test", "no TLSA records found");
		rig_save();
	}
	world_wait(rig.engine, 9 * MIN);
	rig_assert_entry("a.test", strong->level);
	world_wait(rig.engine, 2 * MIN);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_close();
}

/* DNS cannot tell at its end: nobody knows whether DANE is to be given up. */
static void
end_waits_for_dns(void **state)
{
	bool usable = *(const bool *)*state;

	tlsa = DANE_NONE;
	rig_new_with(world_verifies);
	world.answer = cannot_tell;
	world.can_dane = true;
	rig_log_status("a.test", OWN, "2.0.0", "sent (250 Ok)");
	rig_save();
	pin_to(LEVEL_DANE_ONLY, false);
	world_wait(rig.engine, 2 * HOUR);
	rig_assert_judged("a.test", LEVEL_DANE_ONLY, WHY_DNS_UNSURE);
	world.answer = answer;
	tlsa = usable ? DANE_USABLE : DANE_NONE;
	world_wait(rig.engine, HOUR + MIN);
	rig_assert_entry("a.test", usable ? LEVEL_DANE_ONLY : LEVEL_NONE);
	assert_false(rig_row("a.test").pin.set);
	rig_close();
}

/* main.cf cannot be read in that moment; then the servers do no TLS, for minutes. */
static void
end_waits_for_default(void **state)
{
	(void)state;
	tlsa = DANE_NONE;
	rig_new_with(world_verifies);
	rig_close();
	world.sessions_logged = true;
	world.answer = answer;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	rig_log_session("Verified", OWN);
	rig_log_status("a.test", OWN, "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, DAY);
	pin_to(LEVEL_MAY, false);
	world_wait(rig.engine, 55 * MIN);
	world.default_level = LEVEL_UNKNOWN;
	world.files_mark++;
	world_wait(rig.engine, 6 * MIN);
	rig_assert_judged("a.test", LEVEL_MAY, WHY_OUR_FAULT);
	world.default_level = LEVEL_VERIFY;
	world.files_mark++;
	world.finger = world_does_no_tls;
	world_wait(rig.engine, 3 * MIN);
	world.finger = world_verifies;
	rig_assert_judged("a.test", LEVEL_NONE, WHY_TRIAL);
	world_wait(rig.engine, 20 * DAY);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_close();
}

static const struct strong strongs[] = {
    {LEVEL_DANE_ONLY, LEVEL_VERIFY},
    {LEVEL_SECURE, LEVEL_VERIFY},
    {LEVEL_VERIFY, LEVEL_MAY},
};

static const struct end ends[] = {
    {"servers that verify", world_verifies, false, false, false, false},
    {"silent servers", world_is_silent, false, false, false, false},
    {"silent servers that verified", world_is_silent, true, false, false, false},
    {"servers without TLS", world_does_no_tls, false, false, false, false},
    {"servers without TLS now", world_does_no_tls, true, false, false, false},
    {"a self-signed certificate", world_self_signed, true, false, false, false},
    {"no DNS", world_does_no_tls, true, false, true, false},
    {"mail that fails", world_does_no_tls, true, false, false, true},
    {"an undo", world_does_no_tls, true, true, false, false},
};

int
main(void)
{
	static const bool yes = true, no = false;

	if (!rig_begin())
		return 1;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		suite_add(pin_ends, &ends[i],
		    "with a pin that is over its level goes, at %s", ends[i].what);
	for (size_t i = 0; i < sizeof(strongs) / sizeof(strongs[0]); i++)
		suite_add(strong_pin_ends, &strongs[i],
		    "... so does %s where the default is %s",
		    level_name(strongs[i].level), level_name(strongs[i].default_level));
	suite_add(end_waits_for_dns, &no,
	    "... dane-only once DNS tells that there are no TLSA records");
	suite_add(end_waits_for_dns, &yes, "... and stays where there are");
	suite_add(end_waits_for_default, NULL,
	    "the end of a pin waits until the default level is known");
	return rig_end(suite_run());
}
