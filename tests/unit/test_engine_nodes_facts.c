/* SPDX-License-Identifier: BSD-2-Clause */
/* What one of several Postfix servers alone has, or cannot do, is no other's fact. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nodekit.h"

static bool
is_node2(const char *host)
{
	return strcmp(host, "node2") == 0;
}

static void
replace(char **text, const char *with)
{
	free(*text);
	*text = mem_strdup(with);
}

static void
new_two_that(void (*adjust)(const char *host, struct postfix_settings *settings))
{
	nodekit_new_two();
	world.adjust = adjust;
	nodekit_reopen();
}

/* --- routes ------------------------------------------------------------------------ */

static void
node2_relays(const char *host, struct postfix_settings *settings)
{
	if (is_node2(host))
		replace(&settings->relayhost, "[relay.test]");
}

static void
defer_at_relay(const char *host, const char *id, const char *domain)
{
	char text[512];

	snprintf(text, sizeof(text),
	    "smtp[77]: %s: to=<u@%s>, relay=relay.test[192.0.2.9]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")",
	    id, domain);
	world_log_at(rig.engine, host, text);
}

static void
routes_are_those_of_the_node(void **state)
{
	(void)state;
	new_two_that(node2_relays);
	defer_at_relay("node2", "QA", "t.test");
	rig_save();
	world_wait(rig.engine, LISTING + SECOND);
	rig_assert_entry("[relay.test]", LEVEL_ENCRYPT);
	kit_assert(STATE, "SELECT key FROM destination", "[relay.test]\n");
	rig_close();
}

static void
node2_relays_and_is_late(const char *host, struct postfix_settings *settings)
{
	node2_relays(host, settings);
	if (is_node2(host))
		world.takes_ms = 300;
}

/* Its lines wait for its own settings, and no longer than it is asked. */
static void
routes_of_a_late_node_are_its_own(void **state)
{
	(void)state;
	nodekit_new_two();
	world.adjust = node2_relays_and_is_late;
	rig_close();
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, 100);
	defer_at_relay("node2", "QA", "t.test");
	nodekit_defer_at("node1", "QB", "b.test");
	world_wait(rig.engine, SECOND);
	rig_save();
	world_wait(rig.engine, LISTING + SECOND);
	kit_assert(STATE, "SELECT key, entry FROM destination ORDER BY 1",
	    "[relay.test]|encrypt\nb.test|encrypt\n");
	rig_close();
}

static void
node2_has_transports(const char *host, struct postfix_settings *settings)
{
	node2_relays(host, settings);
	if (is_node2(host))
		replace(&settings->transport_maps, "hash:/transport");
}

/* Where nobody else routes mail as it does, nothing is taken of it. */
static void
routes_of_a_node_that_hangs_are_not_of_one_that_differs(void **state)
{
	(void)state;
	new_two_that(node2_has_transports);
	world.away = "node2";
	world.away_ms = 10 * SECOND;
	defer_at_relay("node2", "QA", "t.test");
	nodekit_defer_at("node1", "QB", "b.test");
	world_wait(rig.engine, 12 * SECOND);
	rig_save();
	world_wait(rig.engine, LISTING + SECOND);
	kit_assert(
	    STATE, "SELECT key, entry FROM destination ORDER BY 1", "b.test|encrypt\n");
	world.away = NULL;
	world_wait(rig.engine, 10 * MIN);
	assert_int_equal(rig_count_mailed("cannot tell where some mail goes"), 1);
	defer_at_relay("node2", "QA", "t.test");
	rig_save();
	world_wait(rig.engine, LISTING + SECOND);
	rig_assert_entry("[relay.test]", LEVEL_ENCRYPT);
	rig_close();
}

/* --- passwords and other maps ------------------------------------------------------ */

static void
node2_logs_in(const char *host, struct postfix_settings *settings)
{
	if (is_node2(host)) {
		settings->logs_in = true;
		replace(&settings->password_maps, "hash:/passwords");
	}
}

/* As the measurer has it, where the map has every destination. */
static void
password_is_there(struct measure_item *item)
{
	const struct measure_settings *settings = world.measured;

	for (unsigned i = 0; i < settings->node_count; i++) {
		const struct measure_node *node = &settings->nodes[i];
		bool said = item->said_credentials.answer == ANSWER_YES &&
		    item->said_credentials.by == node->bit;

		if (!node->credentials.used || (node->is_away && !said))
			continue;
		assert_string_equal(node->credentials.maps, "hash:/passwords");
		item->answers.sources[FACT_credentials].asked = true;
		item->answers.of_nodes = true;
		item->answers.credentials = ANSWER_YES;
		item->answers.credentials_by = node->bit;
	}
}

/* In whatever order they stand, and while the one that has it cannot be asked. */
static void
password_of_one_node_holds_for_all(void **state)
{
	(void)state;
	new_two_that(node2_logs_in);
	world.answer = password_is_there;
	nodekit_defer("node2", "QA", "a.test");
	world_wait(rig.engine, LISTING + SECOND);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_CREDENTIALS);
	world.away = "node2";
	world_wait(rig.engine, HOUR);
	nodekit_defer("node1", "QB", "a.test");
	world_wait(rig.engine, DAY);
	nodekit_defer("node1", "QC", "a.test");
	world_wait(rig.engine, DAY);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_CREDENTIALS);
	rig_close();
}

static void
node2_has_another_map(const char *host, struct postfix_settings *settings)
{
	if (is_node2(host))
		replace(&settings->policy_maps, "hash:/other");
}

static void
map_is_there(struct measure_item *item)
{
	const struct measure_settings *settings = world.measured;

	assert_int_equal(settings->node_count, 2);
	assert_null(settings->nodes[0].other_maps[0]);
	assert_string_equal(settings->nodes[1].other_maps[0], "hash:/other");
	item->answers.other_map = ANSWER_YES;
}

static void
map_of_one_node_is_asked_for_all(void **state)
{
	(void)state;
	new_two_that(node2_has_another_map);
	world.answer = map_is_there;
	nodekit_defer("node1", "QA", "a.test");
	world_wait(rig.engine, LISTING + SECOND);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_OTHER_MAP);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	suite_add(routes_are_those_of_the_node, NULL,
	    "mail of a node goes where that node sends it, from its first line on");
	suite_add(routes_of_a_late_node_are_its_own, NULL,
	    "lines of a node whose settings come late wait for them");
	suite_add(routes_of_a_node_that_hangs_are_not_of_one_that_differs, NULL,
	    "where the mail of a node that hangs goes nobody tells who routes otherwise");
	suite_add(password_of_one_node_holds_for_all, NULL,
	    "a password that one node has holds for all, while that is away as well");
	suite_add(map_of_one_node_is_asked_for_all, NULL,
	    "another policy map that one node has is asked for all");
	return rig_end(suite_run());
}
