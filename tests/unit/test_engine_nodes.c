/* SPDX-License-Identifier: BSD-2-Clause */
/* Several Postfix servers behind one log: what is one's is looked for and done there. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nodekit.h"

/* --- whose a message is ------------------------------------------------------------ */

static void
message_is_retried_where_it_is(void **state)
{
	(void)state;
	nodekit_new_two();
	nodekit_defer("node2", "QA", "a.test");
	world_wait(rig.engine, LISTING + SECOND);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_string_equal(buf_text(&world.retried), "node2:QA ");
	/* another message of the same id */
	nodekit_defer("node1", "QA", "b.test");
	world_wait(rig.engine, LISTING + SECOND);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	assert_string_equal(buf_text(&world.retried), "node2:QA node1:QA ");
	kit_assert(
	    STATE, "SELECT queue_id FROM waiting ORDER BY 1", "node1/QA\nnode2/QA\n");
	rig_close();
}

/* That a message of the same id is sent on another node tells nothing of it. */
static void
message_that_is_sent_is_that_of_its_node(void **state)
{
	(void)state;
	nodekit_new_two();
	nodekit_defer("node1", "QA", "a.test");
	nodekit_defer("node2", "QA", "a.test");
	world_wait(rig.engine, LISTING);
	world_log_at(rig.engine, "node1",
	    "smtp[77]: QA: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=20, "
	    "delays=19/0/0.03/0.02, dsn=2.0.0, status=sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, 3 * LISTING);
	kit_assert(STATE, "SELECT queue_id FROM waiting", "node2/QA\n");
	rig_close();
}

/* Nobody's line weakens anything for a host that is no node, and it is told once. */
static void
host_that_is_no_node_is_not_followed(void **state)
{
	(void)state;
	nodekit_new_two();
	nodekit_defer("stranger", "QA", "a.test");
	nodekit_defer("stranger", "QB", "a.test");
	world_wait(rig.engine, MIN);
	kit_assert(STATE, "SELECT count(*) FROM destination", "0\n");
	assert_int_equal(rig_count_mailed("lines of the host \"stranger\" are not"), 1);
	nodekit_defer("stranger", "QC", "a.test");
	rig_close();
	rig_open(ENGINE_APPLY);
	nodekit_defer("stranger", "QD", "a.test");
	world_wait(rig.engine, MIN);
	assert_int_equal(rig_count_mailed("lines of the host \"stranger\" are not"), 1);
	kit_assert(STATE, "SELECT value FROM counter WHERE name = 'unfollowed'", "4\n");
	rig_close();
}

/* Of a batch all are told, and of many that are made up one that writes on is told on
 * the day after at the latest. */
static void
hosts_that_are_no_node_are_told(void **state)
{
	char name[80];

	(void)state;
	nodekit_new_two();
	nodekit_defer_at("node3", "QA", "a.test");
	nodekit_defer("loghost", "QB", "a.test");
	world_wait(rig.engine, MIN);
	assert_int_equal(rig_count_mailed("lines of the host \"node3\" are not"), 1);
	assert_int_equal(rig_count_mailed("lines of the host \"loghost\" are not"), 1);
	for (int i = 0; i < 440; i++) {
		snprintf(name, sizeof(name), "made-up-%d", i);
		nodekit_defer(name, "QA", "a.test");
		world_wait(rig.engine, MIN);
	}
	assert_int_equal(rig_count_mailed("\" are not followed, as it is none"), 8);
	assert_int_equal(rig_count_mailed("and more hosts are not followed"), 1);
	nodekit_defer("node4", "QA", "a.test");
	world_wait(rig.engine, DAY);
	nodekit_defer("node4", "QA", "a.test");
	nodekit_defer("node3", "QA", "a.test");
	world_wait(rig.engine, MIN);
	assert_int_equal(rig_count_mailed("lines of the host \"node4\" are not"), 1);
	assert_int_equal(rig_count_mailed("lines of the host \"node3\" are not"), 1);
	rig_close();
}

static void
any_has_the_lines_of_other_hosts(void **state)
{
	(void)state;
	rig_new_settled();
	nodekit_add("node1", true);
	nodekit_add("any", false);
	nodekit_reopen();
	world_log(rig.engine,
	    "smtp[77]: QA: to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")");
	rig_save();
	nodekit_defer("node1", "QA", "b.test");
	world_wait(rig.engine, LISTING);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	kit_assert(STATE, "SELECT queue_id FROM waiting ORDER BY 1", "QA\nnode1/QA\n");
	rig_close();
}

/* More of one destination than rows are kept, and a few here have none. */
static void
messages_without_a_row_are_flushed_on_their_node(void **state)
{
	char id[16];

	(void)state;
	nodekit_new_two();
	nodekit_defer_at("node1", "QX", "a.test");
	for (unsigned i = 0; i < 60; i++) {
		snprintf(id, sizeof(id), "Q%u", i);
		nodekit_defer_at("node2", id, "a.test");
	}
	rig_save();
	world_wait(rig.engine, LISTING);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	world_wait(rig.engine, 30 * SECOND);
	assert_non_null(strstr(buf_text(&world.flushed), "node2 "));
	rig_close();
}

/* Which nodes there are may change; of one that is gone nobody can be asked. */
static void
mail_of_a_node_that_is_gone_is_forgotten(void **state)
{
	(void)state;
	nodekit_new_two();
	nodekit_defer("node1", "QA", "a.test");
	nodekit_defer("node2", "QB", "b.test");
	world_wait(rig.engine, LISTING);
	rig_close();
	free(rig.config.nodes.items[1].host);
	free(rig.config.nodes.items[1].command.items[0]);
	rig.config.nodes.items[1].host = mem_strdup("node3");
	rig.config.nodes.items[1].command.items[0] = mem_strdup("node3");
	world.queue.times = 0;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	world_wait(rig.engine, LISTING);
	kit_assert(STATE, "SELECT queue_id FROM waiting", "node1/QA\n");
	assert_true(world.queue.times >= 2);
	rig_close();
}

/* --- a node that does not answer ---------------------------------------------------- */

static void
node_that_fails_holds_up_no_other(void **state)
{
	(void)state;
	nodekit_new_two();
	world.away = "node1";
	world.away_ms = MIN; /* each of its commands hangs so long */
	nodekit_defer("node1", "QA", "a.test");
	nodekit_defer("node2", "QB", "b.test");
	world_wait(rig.engine, LISTING + SECOND);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	rig_assert_entry("a.test", LEVEL_NONE);
	assert_string_equal(buf_text(&world.retried), "node2:QB ");
	world_wait(rig.engine, HOUR);
	rig_assert_entry("a.test", LEVEL_NONE);
	assert_true(rig_count_mailed("on node1: no route to host") > 0);
	assert_int_equal(rig_count_mailed("on node2"), 0);
	world.away = NULL;
	world_wait(rig.engine, 2 * HOUR);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_non_null(strstr(buf_text(&world.retried), "node1:QA "));
	rig_close();
}

/* Its mail waits on both, and one of them tells. */
static void
one_node_suffices_as_a_witness(void **state)
{
	(void)state;
	nodekit_new_two();
	world.away = "node1";
	world.away_ms = MIN;
	nodekit_defer_at("node1", "QA", "a.test");
	nodekit_defer_at("node2", "QB", "a.test");
	rig_save();
	world_wait(rig.engine, LISTING + SECOND);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_string_equal(buf_text(&world.retried), "node2:QB ");
	rig_close();
}

/* From the start on, before it said anything. */
static void
node_that_never_answered_holds_up_no_other(void **state)
{
	(void)state;
	rig_new_settled();
	nodekit_add("node1", true);
	nodekit_add("node2", true);
	world.away = "node1";
	world.away_ms = 10 * SECOND;
	nodekit_reopen();
	nodekit_defer("node2", "QB", "b.test");
	world_wait(rig.engine, 15 * SECOND);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	assert_string_equal(buf_text(&world.retried), "node2:QB ");
	rig_close();
}

/* Where its mail goes another node tells, so that lines of all of them can be stored. */
static void
routes_of_a_node_that_hangs_are_anothers(void **state)
{
	(void)state;
	rig_new_settled();
	nodekit_add("node1", true);
	nodekit_add("node2", true);
	world.transport_maps = "hash:/transport";
	nodekit_reopen();
	nodekit_defer_at("node1", "QA", "a.test");
	nodekit_defer_at("node2", "QB", "b.test");
	world.away = "node1";
	world.away_ms = 10 * SECOND; /* as long as a look-up may take */
	world_wait(rig.engine, 12 * SECOND);
	rig_save();
	world_wait(rig.engine, LISTING + SECOND);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	assert_string_equal(buf_text(&world.retried), "node2:QB ");
	kit_assert(
	    STATE, "SELECT queue_id FROM waiting ORDER BY 1", "node1/QA\nnode2/QB\n");
	rig_close();
}

/* --- nodes that differ ------------------------------------------------------------- */

static void
strongest_level_counts(void **state)
{
	(void)state;
	rig_new_settled();
	rig_notify_admin();
	nodekit_add("node1", true);
	nodekit_add("node2", true);
	world.default_level = LEVEL_MAY;
	world.other = "node2";
	world.other_level = LEVEL_VERIFY;
	buf_reset(&world.bodies);
	rig_close();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	nodekit_defer("node2", "QA", "a.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_int_equal(rig_count_mailed("the nodes differ: node1"), 1);
	world_wait(rig.engine, HOUR);
	assert_int_equal(rig_count_mailed("the nodes differ"), 1);
	/* While node2 cannot be asked its level stands. */
	world.away = "node2";
	nodekit_defer("node1", "QB", "b.test");
	world_wait(rig.engine, 2 * MIN);
	rig_assert_entry("b.test", LEVEL_ENCRYPT);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Without nodes nothing is written that an older version would not know. */
static void
one_postfix_has_no_name(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_wait(rig.engine, LISTING);
	kit_assert(
	    STATE, "SELECT count(*) FROM waiting WHERE queue_id LIKE '%/%'", "0\n");
	kit_assert(STATE,
	    "SELECT count(*) FROM blob WHERE name IN ('nodes', 'known-nodes')", "0\n");
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	suite_add(message_is_retried_where_it_is, NULL,
	    "a message is retried on the node that has it");
	suite_add(message_that_is_sent_is_that_of_its_node, NULL,
	    "a message that was sent is that of its node");
	suite_add(hosts_that_are_no_node_are_told, NULL,
	    "all hosts that are no node are told, and of made-up ones a few a day");
	suite_add(host_that_is_no_node_is_not_followed, NULL,
	    "a host that is no node is not followed, counted, and told once");
	suite_add(any_has_the_lines_of_other_hosts, NULL,
	    "the node any has the lines of all other hosts");
	suite_add(messages_without_a_row_are_flushed_on_their_node, NULL,
	    "messages without a row are flushed on the node that has them");
	suite_add(mail_of_a_node_that_is_gone_is_forgotten, NULL,
	    "mail of a node that is configured no more is forgotten");
	suite_add(node_that_fails_holds_up_no_other, NULL,
	    "a node whose commands hang holds up no other, and is told by name");
	suite_add(one_node_suffices_as_a_witness, NULL,
	    "of mail that waits on two nodes one that answers is enough");
	suite_add(node_that_never_answered_holds_up_no_other, NULL,
	    "a node that never answered holds up no other");
	suite_add(routes_of_a_node_that_hangs_are_anothers, NULL,
	    "where the mail of a node that hangs goes another one tells");
	suite_add(strongest_level_counts, NULL,
	    "where nodes differ the strongest level counts, and it is told once");
	suite_add(one_postfix_has_no_name, NULL,
	    "one Postfix has no name, neither in the database");
	return rig_end(suite_run());
}
