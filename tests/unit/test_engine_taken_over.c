/* SPDX-License-Identifier: BSD-2-Clause */
/* The entry of an enforced policy that was taken over, of which the state has nothing. */
#include "suite.h"

#include <string.h>

#include "engine/engine_impl.h"
#include "policykit.h"
#include "store/store_sts.h"

#define OTHER_NAME "match=mx.other.test servername=hostname"

struct world_of {
	const char *what;
	enum why why;   /* of the entry: from the map's text, or a row of a table */
	const char *id; /* as policykit_id */
	enum level level;
	bool is_signed;
};

static void
adopt(enum why why, const char *attributes)
{
	static const struct destination_pin none = {.set = false};
	struct destination d;

	destination_init(&d, "d.test");
	destination_adopt(&d, (struct demand){LEVEL_SECURE, attributes}, why, &none,
	    7 * DAY, world.wall_ms + 5 * DAY, world.wall_ms);
	kit_put(rig.store, &d);
	destination_clear(&d);
	world_wait(rig.engine, MIN);
}

static void
begin(const struct world_of *w)
{
	policykit_begin_at(w->level, w->id, NULL);
	policykit_dns.is_signed = w->is_signed;
	rig_notify_admin();
	adopt(w->why, ENTRY);
}

/* Its policy cannot be had or told of, or is not announced: that ends nothing while mail
 * flows. */
static void
stays_while_mail_flows(void **state)
{
	begin(*state);
	for (unsigned day = 0; day < 20; day++) {
		policykit_send("d.test");
		world_wait(rig.engine, DAY);
		policykit_assert_attributes("d.test", ENTRY);
	}
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY_UNSURE);
	assert_int_equal(policykit_alerts_of("policy-ended"), 0);
	policykit_id = "2";
	policykit_served = OTHER;
	world_wait(rig.engine, DAY);
	policykit_send("d.test");
	world_wait(rig.engine, DAY);
	policykit_assert_attributes("d.test", OTHER_NAME);
	rig_close();
}

/* Where it fails the hold ends it; not in a zone that is proven signed, by a TXT record
 * that cannot be told. */
static void
is_held_where_mail_fails(void **state)
{
	const struct world_of *w = *state;

	begin(w);
	for (unsigned hour = 0; hour < 23; hour++) {
		rig_defer("d.test");
		world_wait(rig.engine, HOUR);
		rig_assert_entry("d.test", LEVEL_SECURE);
	}
	assert_int_equal(policykit_alerts_of("policy-ended"), 0);
	for (unsigned hour = 0; hour < 8; hour++) {
		rig_defer("d.test");
		world_wait(rig.engine, HOUR);
	}
	if (w->is_signed && w->id != NULL && strcmp(w->id, "?") == 0) {
		rig_assert_entry("d.test", LEVEL_SECURE);
	} else {
		assert_int_not_equal(rig_row("d.test").entry.level, LEVEL_SECURE);
		assert_int_equal(policykit_alerts_of("policy-ended"), 1);
	}
	rig_close();
}

/* One forged answer, or a zone that is broken for a while, ends nothing: the policy is
 * fetched once it is announced again, though nobody's mail fails. */
static void
denied_once(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_MAY, "1", NULL);
	rig_notify_admin();
	adopt(WHY_POLICY, ENTRY);
	policykit_send("d.test");
	world_wait(rig.engine, 6 * DAY); /* and a look */
	policykit_id = NULL;
	policykit_send("d.test");
	world_wait(rig.engine, 2 * DAY);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY_UNSURE);
	rig_defer("d.test");
	world_wait(rig.engine, HOUR);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY_UNSURE);
	policykit_id = "2";
	policykit_served = OTHER;
	policykit_send("d.test");
	world_wait(rig.engine, 2 * DAY);
	policykit_assert_attributes("d.test", OTHER_NAME);
	assert_int_equal(policykit_alerts_of("policy-ended"), 0);
	rig_close();
}

/* As `tlsladder policy --drop`. */
static void
drop(void)
{
	struct sts_record r;
	struct err err;
	bool found;

	assert_true(store_begin(rig.store, &err) &&
	    store_sts_get(rig.store, "d.test", &r, &found, &err) && found);
	sts_take_drop(&r.state);
	assert_true(store_sts_put(rig.store, &r, &err) &&
	    store_sts_news(rig.store, "d.test", world.wall_ms, &err) &&
	    store_commit(rig.store, &err));
	sts_record_clear(&r);
	engine_mind_policies(rig.engine);
	engine_tell(rig.engine, NEWS_EVIDENCE);
	world_wait(rig.engine, HOUR);
}

/* The administrator knows better than DNS. */
static void
ends_where_it_is_dropped(void **state)
{
	begin(*state);
	policykit_send("d.test");
	world_wait(rig.engine, 6 * DAY); /* and a look */
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY_UNSURE);
	drop();
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_ENDED);
	rig_close();
}

/* What was had here ends: it expires, and the administrator drops it. */
static void
ends_where_it_was_had(void **state)
{
	bool dropped = *(const bool *)*state;

	policykit_begin_at(LEVEL_MAY, "1", POLICYKIT("mx.d.test", "86400"));
	adopt(WHY_NONE, ENTRY);
	policykit_send("d.test");
	world_wait(rig.engine, HOUR);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	policykit_served = NULL;
	if (dropped)
		drop();
	else
		world_wait(rig.engine, 25 * HOUR);
	rig_assert_entry("d.test", LEVEL_NONE);
	rig_close();
}

/* An entry of another form is none of a policy. */
static void
another_form(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_MAY, "1", NULL);
	adopt(WHY_NONE, "match=mx.d.test");
	assert_int_equal(rig_row("d.test").entry.why, WHY_NONE);
	rig_close();
}

int
main(void)
{
	static const struct world_of worlds[] = {
	    {"from the map, not to be had", WHY_POLICY, "1", LEVEL_MAY, false},
	    {"from the map, TXT cannot be told", WHY_POLICY, "?", LEVEL_MAY, false},
	    {"not to be had, a signed zone", WHY_POLICY, "1", LEVEL_ENCRYPT, true},
	    {"TXT cannot be told, a signed zone", WHY_POLICY, "?", LEVEL_VERIFY, true},
	    {"a row, not to be had", WHY_NONE, "1", LEVEL_MAY, false},
	    {"a row, TXT cannot be told, a signed zone", WHY_NONE, "?", LEVEL_MAY, true},
	    {"from the map, at verify", WHY_POLICY, "1", LEVEL_VERIFY, false},
	    {"none is announced", WHY_POLICY, NULL, LEVEL_MAY, false},
	    {"none is announced, at verify", WHY_POLICY, NULL, LEVEL_VERIFY, false},
	    {"none is announced, a signed zone", WHY_POLICY, NULL, LEVEL_MAY, true},
	};
	static const bool no = false, yes = true;

	if (!rig_begin())
		return 1;
	for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++) {
		suite_add(stays_while_mail_flows, &worlds[i],
		    "the entry stays while mail flows: %s", worlds[i].what);
		suite_add(is_held_where_mail_fails, &worlds[i], "... and is held: %s",
		    worlds[i].what);
	}
	for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++)
		suite_add(ends_where_it_is_dropped, &worlds[i],
		    "it ends where it is dropped: %s", worlds[i].what);
	suite_add(denied_once, NULL, "that none is announced for a while ends nothing");
	suite_add(
	    ends_where_it_was_had, &no, "it ends where the policy was had, and expired");
	suite_add(ends_where_it_was_had, &yes, "... and was dropped");
	suite_add(another_form, NULL, "an entry of another form is none of a policy");
	return rig_end(suite_run());
}
