/* SPDX-License-Identifier: BSD-2-Clause */
/* The entry that a pin left, and that is what an enforced policy asks for. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "engine/engine_impl.h"
#include "policykit.h"
#include "store/store_sts.h"

#define NONE        "version: STSv1\nmode: none\nmax_age: 604800\n"
#define UNAVAILABLE "server unavailable or unable to receive mail"

struct left {
	const char *what;
	void (*put)(struct destination *d, struct demand entry);
	const char *version;
	const char *reason; /* why mail waits then */
	const char *after;  /* the policy that its owner makes of it */
};

static void
pin(struct destination *d, struct demand entry)
{
	destination_pin(d, entry, world.wall_ms + HOUR, "", world.wall_ms);
}

static void
undo(struct destination *d, struct demand entry)
{
	destination_undo(d, entry, world.wall_ms + HOUR, world.wall_ms);
}

static void
forecast(struct destination *d, struct demand entry)
{
	destination_forecast(d, entry, world.wall_ms);
}

/* As a command does it: with a new version of the map. */
static void
put_like_the_policy(void (*put)(struct destination *d, struct demand entry))
{
	char *attributes = kit_ask(STATE, "SELECT attributes FROM destination");
	struct destination d;
	struct err err;
	int64_t version;
	bool found;

	attributes[strcspn(attributes, "\n")] = '\0';
	assert_true(store_begin(rig.store, &err) &&
	    store_map_changed(rig.store, &version, &err) &&
	    store_get(rig.store, "d.test", &d, &found, &err));
	put(&d, (struct demand){LEVEL_SECURE, attributes});
	assert_true(store_put(rig.store, &d, &err) &&
	    store_entry_version(rig.store, d.id, version, &err) &&
	    store_commit(rig.store, &err));
	destination_clear(&d);
	free(attributes);
	world_wait(rig.engine, 2 * HOUR);
}

static void
begin(const struct left *left)
{
	policykit_begin_at(LEVEL_MAY, "1", ENFORCE);
	rig_notify_admin();
	world.version = left->version;
	rig_settings_changed();
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	put_like_the_policy(left->put);
	rig_assert_entry("d.test", LEVEL_SECURE);
}

static void
defer_for(const char *reason)
{
	rig_defer_because("d.test", reason);
	rig_save();
	world_settle(rig.engine);
	world_wait(rig.engine, 10 * MIN);
}

/* Mail that fails under it is told and asks for the policy anew, which ends it. */
static void
is_the_policys(void **state)
{
	const struct left *left = *state;

	begin(left);
	if (left->put != forecast) /* which nothing has judged again yet */
		assert_int_equal(rig_row("d.test").entry.why, WHY_POLICY);
	defer_for(left->reason);
	assert_int_equal(rig_row("d.test").entry.why, WHY_POLICY);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY_NOT_MET);
	assert_int_equal(policykit_alerts_of("policy-not-met"), 1);
	policykit_id = "2";
	policykit_served = left->after;
	defer_for(left->reason);
	if (strcmp(left->after, NONE) == 0)
		rig_assert_entry("d.test", LEVEL_NONE);
	else
		kit_assert(STATE,
		    "SELECT instr(attributes, 'match=mx.other.test ') FROM destination",
		    "1\n");
	rig_close();
}

/* ... and what no Postfix without CA can meet goes. */
static void
goes_without_authorities(void **state)
{
	begin(*state);
	world.no_authorities = true;
	rig_settings_changed();
	world_wait(rig.engine, HOUR);
	rig_assert_entry("d.test", LEVEL_NONE);
	rig_close();
}

/* --- the pin of a parent ------------------------------------------------------------ */

static void
pin_parent(const char *parent, enum level level)
{
	struct destination d;
	bool found;

	assert_true(store_get(rig.store, parent, &d, &found, &kit_err));
	destination_pin(&d, demand_of(level), 0, "", world.wall_ms);
	kit_put(rig.store, &d);
	assert_true(store_look_below(rig.store, parent, world.wall_ms, &kit_err));
	destination_clear(&d);
	world_wait(rig.engine, MIN);
}

static const struct parent {
	const char *what;
	enum level level;
	enum level entry; /* of the domain below */
} parents[] = {
    {"cleartext", LEVEL_MAY, LEVEL_SECURE},
    {"encrypt", LEVEL_ENCRYPT, LEVEL_SECURE},
    {"verify", LEVEL_VERIFY, LEVEL_SECURE},
    {"secure", LEVEL_SECURE, LEVEL_NONE},
    {"dane-only", LEVEL_DANE_ONLY, LEVEL_NONE},
};

static void
end_policy(void)
{
	policykit_id = "2";
	policykit_served = NONE;
	world_wait(rig.engine, DAY + HOUR);
	rig_assert_entry("d.test", LEVEL_NONE);
}

/* Postfix asks for the domain's own entry first. */
static void
parent_was_pinned(void **state)
{
	const struct parent *row = *state;

	policykit_begin_at(LEVEL_MAY, "1", ENFORCE);
	pin_parent(".test", row->level);
	policykit_send("d.test");
	world_wait(rig.engine, HOUR);
	rig_assert_entry("d.test", row->entry);
	policykit_defer("d.test");
	rig_assert_entry("d.test", row->entry);
	rig_assert_entry(".test", row->level);
	end_policy();
	rig_close();
}

/* No pin of less ends a policy's entry, whichever was first. */
static void
parent_is_pinned(void **state)
{
	const struct parent *row = *state;

	policykit_begin_at(LEVEL_MAY, "1", ENFORCE);
	policykit_send("d.test");
	world_wait(rig.engine, HOUR);
	pin_parent(".test", row->level);
	policykit_send("d.test");
	world_wait(rig.engine, DAY);
	if (row->level == LEVEL_DANE_ONLY)
		rig_assert_judged("d.test", LEVEL_NONE, WHY_PINNED);
	else
		rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	end_policy();
	rig_close();
}

/* Nothing below is weaker than a pin that is put on all of it. */
static void
nothing_is_weaker_than_a_parent(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_VERIFY, NULL, NULL);
	policykit_defer("d.test");
	rig_assert_entry("d.test", LEVEL_ENCRYPT);
	pin_parent(".test", LEVEL_VERIFY);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_PINNED);
	policykit_defer("d.test");
	rig_assert_judged("d.test", LEVEL_NONE, WHY_PIN_NOT_MET);
	rig_close();
}

/* The nearest one is what Postfix finds. */
static void
nearest_parent_counts(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_VERIFY, NULL, NULL);
	policykit_defer("a.d.test");
	rig_assert_entry("a.d.test", LEVEL_ENCRYPT);
	pin_parent(".d.test", LEVEL_MAY);
	pin_parent(".test", LEVEL_VERIFY);
	rig_assert_entry("a.d.test", LEVEL_ENCRYPT);
	rig_close();
}

int
main(void)
{
	static const struct left lefts[] = {
	    {"a pin", pin, "3.7.11", NOT_VERIFIED, NONE},
	    {"a pin, with a Postfix that passes over hosts", pin, "3.11.6", UNAVAILABLE,
	        OTHER},
	    {"undo", undo, "3.7.11", NOT_VERIFIED, OTHER},
	    {"a forecast", forecast, "3.7.11", NOT_VERIFIED, NONE},
	};

	if (!rig_begin())
		return 1;
	for (size_t i = 0; i < sizeof(lefts) / sizeof(lefts[0]); i++)
		suite_add(is_the_policys, &lefts[i],
		    "an entry as the policy's is the policy's: left by %s",
		    lefts[i].what);
	suite_add(goes_without_authorities, &lefts[0],
	    "... and goes where nothing can be verified");
	for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
		suite_add(parent_was_pinned, (void *)(uintptr_t)&parents[i],
		    "below a parent that is pinned a policy is asked as it asks for "
		    "more: "
		    "%s",
		    parents[i].what);
		suite_add(parent_is_pinned, (void *)(uintptr_t)&parents[i],
		    "... and what it has stays when the parent is pinned");
	}
	suite_add(nothing_is_weaker_than_a_parent, NULL,
	    "no entry below a parent that is pinned is weaker than the pin");
	suite_add(nearest_parent_counts, NULL, "... than that of the nearest parent");
	return rig_end(suite_run());
}
