/* SPDX-License-Identifier: BSD-2-Clause */
/* What one of several Postfix servers alone has, or cannot do, is no other's fact. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nodekit.h"
#include "policykit.h"

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

/* --- what each can do, and demands ------------------------------------------------- */

static const char *first; /* of the file: what is decided must not hang on it */

static void
new_two_from(void (*adjust)(const char *host, struct postfix_settings *settings))
{
	rig_new_settled();
	rig_notify_admin();
	nodekit_add(first, true);
	nodekit_add(strcmp(first, "node1") == 0 ? "node2" : "node1", true);
	world.adjust = adjust;
	nodekit_reopen();
}

/* "smtp unix - - n - - smtp -o smtp_tls_security_level=encrypt" */
static void
node1_is_lax_for_smtp(const char *host, struct postfix_settings *settings)
{
	if (is_node2(host))
		return;
	settings->services = mem_new(1, sizeof(*settings->services));
	settings->service_count = 1;
	settings->services[0] =
	    (struct service_level){.name = mem_strdup("smtp"), .level = LEVEL_ENCRYPT};
}

static void
service_has_the_strongest_level(void **state)
{
	first = *state;
	new_two_from(node1_is_lax_for_smtp);
	nodekit_defer("node2", "QA", "a.test");
	world_wait(rig.engine, LISTING + SECOND);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

static void
version_is_older_at_node2(const char *host, struct postfix_settings *settings)
{
	replace(&settings->version, is_node2(host) ? "3.7.11" : "3.11.0");
}

static void
policy_is_told_in_words_of_all(void **state)
{
	struct destination d;

	first = *state;
	policykit_begin("1", ENFORCE);
	nodekit_add(first, true);
	nodekit_add(strcmp(first, "node1") == 0 ? "node2" : "node1", true);
	world.adjust = version_is_older_at_node2;
	nodekit_reopen();
	for (unsigned i = 0; i < 3; i++) {
		nodekit_defer("node2", "QA", "d.test");
		world_wait(rig.engine, 10 * MIN);
	}
	d = rig_row("d.test");
	assert_int_equal(d.entry.level, LEVEL_SECURE);
	kit_assert(
	    STATE, "SELECT attributes FROM destination WHERE key = 'd.test'", ENTRY "\n");
	rig_close();
}

/* --- over a restart ---------------------------------------------------------------- */

static void
restart_without_node2(void)
{
	rig_close();
	world.away = "node2";
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
}

/* What it demands stands, and nothing is asked anew. */
static void
node_that_is_away_at_the_start_is_as_it_was(void **state)
{
	unsigned asked;

	(void)state;
	nodekit_new_two();
	world.default_level = LEVEL_DANE;
	world.other = "node2";
	world.other_level = LEVEL_VERIFY;
	nodekit_reopen();
	nodekit_defer("node2", "QA", "a.test");
	world_wait(rig.engine, LISTING + SECOND);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world_log_at(rig.engine, "node2",
	    "smtp[77]: QA: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=20, "
	    "delays=19/0/0.03/0.02, dsn=2.0.0, status=sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, HOUR);
	restart_without_node2();
	asked = world.asked;
	world_wait(rig.engine, HOUR);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world.away = NULL;
	world_wait(rig.engine, HOUR);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_int_equal(world.asked, asked);
	rig_close();
}

static unsigned recalled;

static void
node2_is_recalled(struct measure_item *item)
{
	const struct measure_settings *settings = world.measured;

	(void)item;
	assert_int_equal(settings->node_count, 2);
	assert_true(settings->nodes[1].is_away);
	assert_true(settings->nodes[1].credentials.used);
	recalled++;
}

static void
password_of_a_node_that_is_away_at_the_start_holds(void **state)
{
	(void)state;
	new_two_that(node2_logs_in);
	world.answer = password_is_there;
	nodekit_defer("node2", "QA", "a.test");
	world_wait(rig.engine, LISTING + SECOND);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_CREDENTIALS);
	world.adjust = NULL;
	world.answer = node2_is_recalled;
	restart_without_node2();
	nodekit_defer("node1", "QB", "b.test");
	world_wait(rig.engine, LISTING + SECOND);
	assert_int_equal(recalled, 1);
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
	for (size_t i = 0; i < 2; i++) {
		static const char *const firsts[] = {"node1", "node2"};

		suite_add(service_has_the_strongest_level, firsts[i],
		    "a service has the strongest level that a node gives it, %s first",
		    firsts[i]);
		suite_add(policy_is_told_in_words_of_all, firsts[i],
		    "a policy's entry has what the oldest Postfix knows, %s first",
		    firsts[i]);
	}
	suite_add(node_that_is_away_at_the_start_is_as_it_was, NULL,
	    "a node that is away at the start demands what it did, and nothing is asked");
	suite_add(password_of_a_node_that_is_away_at_the_start_holds, NULL,
	    "a node that is away at the start logs in as it did");
	return rig_end(suite_run());
}
