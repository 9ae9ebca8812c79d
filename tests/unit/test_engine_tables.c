/* SPDX-License-Identifier: BSD-2-Clause */
/* When an engine publishes to tables of databases, and what comes of it. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "enginerig.h"

#define TABLE "proxy:mysql:/x/table"
#define NAME  "sql mariadb mailcow /x/login"

/* An engine with one item of publish, in that list of maps; what a start does is done. */
static void
begin(const char *policy_maps)
{
	struct publisher *item = mem_new(1, sizeof(*item));

	rig_new(ENGINE_APPLY);
	rig_close();
	item->sql = mem_strdup("mariadb");
	item->schema = mem_strdup("mailcow");
	item->login = mem_strdup("/x/login");
	item->map = mem_strdup(TABLE);
	item->lowest = LEVEL_MAY;
	rig.config.publish = (struct publishers){item, 1};
	world.policy_maps = policy_maps;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	world.export_ms = 0;
	world.export.times = world.table.times = 0;
}

static int64_t
version_of(const char *name)
{
	struct target_state state;

	assert_true(store_target_get(rig.store, name, &state, &kit_err));
	return state.version;
}

/* Alerts are mailed, and this is in the last of them. */
static bool
is_alerted(const char *text)
{
	return world.body.data != NULL && strstr(buf_text(&world.body), text) != NULL;
}

static void
none_is_none(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	world_wait(rig.engine, 2 * HOUR);
	assert_int_equal(world.table.times, 0);
	rig_close();
}

static void
table_gets_changes_and_is_compared(void **state)
{
	(void)state;
	begin("hash:"
	      "/somewhere");
	assert_true(world.table_how == PUBLISH_ANEW); /* at the start */
	rig_defer("a.test");
	world_wait(rig.engine, SECOND); /* from the start on */
	assert_int_equal(world.table.times, 1);
	assert_true(world.table_how == PUBLISH_LACKING);
	assert_int_equal(version_of(NAME), version_of(STORE_MAP));
	world_wait(rig.engine, HOUR - 2 * SECOND);
	assert_true(world.table_how == PUBLISH_LACKING);
	world_wait(rig.engine, 2 * SECOND);
	assert_true(world.table_how == PUBLISH_ANEW);
	rig_close();
}

/* It keeps the map and mail waiting no longer, and is alerted after a minute, once. */
static void
table_that_is_away_holds_up_nothing(void **state)
{
	(void)state;
	begin("hash:"
	      "/somewhere");
	rig_notify_admin();
	world.table.fails = true;
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.export.times, 1);
	assert_int_equal(world.retry.times, 1);
	assert_true(engine_is_idle(rig.engine)); /* no command waits for it */
	world_wait(rig.engine, 59 * SECOND);
	assert_int_equal(world.table.times, 6); /* 0, 1, 3, 7, 15, 31 s */
	assert_false(is_alerted("cannot publish to the table"));
	world_wait(rig.engine, 10 * MIN);
	assert_true(is_alerted("cannot publish to the table of /x/login: it fails"));
	assert_in_range(world.table.times, 16, 18); /* one a minute */
	buf_reset(&world.body);
	world_wait(rig.engine, HOUR);
	assert_false(is_alerted("cannot publish to the table"));
	world.table.fails = false;
	world_wait(rig.engine, MIN);
	assert_int_equal(version_of(NAME), version_of(STORE_MAP));
	assert_int_equal(world.flush.times, 0); /* Postfix does not read it */
	rig_close();
}

/* What Postfix reads is in force where that is. */
static void
mail_waits_for_the_table_that_is_read(void **state)
{
	char both[512];

	(void)state;
	begin(TABLE);
	world.table.fails = true;
	rig_defer("a.test");
	world_wait(rig.engine, 10 * SECOND);
	assert_true(rig_row("a.test").entry.level != LEVEL_NONE);
	assert_int_equal(world.export.times, 1);
	assert_int_equal(world.retry.times, 0);
	assert_true(rig_row("a.test").entry.force_ms == LADDER_NOT_YET);
	world.table.fails = false;
	world_wait(rig.engine, MIN);
	assert_true(world.retry.times > 0);
	assert_true(rig_row("a.test").entry.force_ms != LADDER_NOT_YET);
	assert_int_equal(world.export.times, 1);
	/* The map is named: it counts from then on. */
	rig_close();
	snprintf(both, sizeof(both), "hash:%s, " TABLE, rig.config.map.file);
	world.policy_maps = both;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	world.table.fails = true;
	world.retry.times = 0;
	rig_defer("b.test");
	world_wait(rig.engine, 10 * SECOND);
	assert_int_equal(world.retry.times, 1);
	rig_close();
}

static void
mail_is_retried_once_the_table_is_back(void **state)
{
	(void)state;
	begin(TABLE);
	world.table.fails = true;
	world.answer = NULL;
	rig_defer_because("a.test", REFUSED);
	rig_save();
	world_wait(rig.engine, 5 * MIN);
	assert_int_equal(world.flush.times, 0);
	world.table.fails = false;
	world_wait(rig.engine, MIN); /* it is noticed by then */
	assert_true(world.flush.times == 0);
	world_wait(rig.engine, MIN);
	assert_int_equal(world.flush.times, 1);
	/* What the processes of Postfix said until then is over. */
	world_wait(rig.engine, HOUR + MIN);
	assert_int_equal(world.flush.times, 1);
	rig_close();
}

/* It was away for a second, and nobody saw that here. */
static void
mail_is_retried_after_a_short_absence(void **state)
{
	(void)state;
	begin(TABLE);
	world.answer = NULL;
	world_wait(rig.engine, MIN);
	world.table.times = 0;
	rig_defer_because("a.test", REFUSED);
	rig_save();
	world_wait(rig.engine, 10 * SECOND);
	assert_int_equal(world.table.times, 1);
	world_wait(rig.engine, 30 * SECOND);
	rig_defer_because("b.test", REFUSED); /* a process that goes on failing */
	rig_save();
	world_wait(rig.engine, 19 * SECOND);
	assert_int_equal(world.flush.times, 0);
	world_wait(rig.engine, 10 * SECOND);
	assert_int_equal(world.flush.times, 1);
	world_wait(rig.engine, 10 * MIN);
	assert_int_equal(world.flush.times, 1);
	rig_close();
}

/* One Postfix cannot ask it, for hours; it answers us, and others. */
static void
mail_is_not_retried_each_minute(void **state)
{
	char domain[16];

	(void)state;
	begin(TABLE);
	world.answer = NULL;
	for (int minute = 0; minute < 8 * 60; minute++) {
		snprintf(domain, sizeof(domain), "d%d.test", minute % 30);
		rig_defer_because(domain, REFUSED);
		rig_save();
		world_wait(rig.engine, MIN);
	}
	assert_in_range(world.flush.times, 5, 14);
	/* When that was over for a day it is retried at once again. */
	world_wait(rig.engine, 24 * HOUR);
	world.flush.times = 0;
	rig_defer_because("a.test", REFUSED);
	rig_save();
	world_wait(rig.engine, 3 * MIN);
	assert_int_equal(world.flush.times, 1);
	rig_close();
}

/* Nobody publishes to it any more: the map counts, and it keeps nothing known. */
static void
table_that_is_left_is_forgotten(void **state)
{
	(void)state;
	begin(TABLE);
	assert_true(version_of(NAME) > 0);
	rig_close();
	publishers_clear(&rig.config.publish);
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	assert_int_equal(version_of(NAME), 0);
	rig_defer("a.test");
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.retry.times, 1);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(none_is_none, NULL, "without publish there is nothing to do");
	suite_add(table_gets_changes_and_is_compared, NULL,
	    "a table gets what changed, and is compared each hour");
	suite_add(table_that_is_away_holds_up_nothing, NULL,
	    "a table that is away holds up nothing, and is alerted after a minute");
	suite_add(mail_waits_for_the_table_that_is_read, NULL,
	    "mail is retried once the table has the entry that Postfix reads");
	suite_add(mail_is_retried_once_the_table_is_back, NULL,
	    "mail that a table was in the way of is retried 61 s after it is back");
	suite_add(mail_is_not_retried_each_minute, NULL,
	    "mail that a table which answers is in the way of is retried ever more "
	    "slowly");
	suite_add(mail_is_retried_after_a_short_absence, NULL,
	    "the same where nobody saw that it was away");
	suite_add(table_that_is_left_is_forgotten, NULL,
	    "a table that is published to no more is forgotten");
	return rig_end(suite_run());
}
