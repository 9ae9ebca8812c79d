/* SPDX-License-Identifier: BSD-2-Clause */
/* What an engine does about ten thousand MTA-STS policies: it takes seconds. */
#include "suite.h"

#include <string.h>

#include "engine/engine_impl.h"
#include "enginerig.h"

#define MANY    10000
#define WAITING 2000
#define OTHER   "version: STSv1\nmode: enforce\nmx: mx.other.test\nmax_age: 604800\n"
#define ENTRY   "match=mx.d.test servername=hostname"

static const char *id; /* that DNS has of all but quick.test, which has no policy */

static void
announce(const char *domain, struct sts_txt *out)
{
	(void)domain;
	*out = (struct sts_txt){.state = STS_TXT_VALID};
	snprintf(out->id, sizeof(out->id), "%s", id);
}

static void
answer(struct measure_item *item)
{
	const char *host = item->nexthop.host;

	announce(host, &item->answers.sts_txt);
	if (strcmp(host, "quick.test") == 0)
		item->answers.sts_txt = (struct sts_txt){.state = STS_TXT_NONE};
	snprintf(item->answers.text, sizeof(item->answers.text),
	    "mx.%.200s address=insecure", host);
}

static void
serve(const char *host, struct buf *text, struct fetch_answer *out)
{
	(void)host;
	buf_printf(text, "%s", OTHER);
	*out = (struct fetch_answer){
	    .cause = STS_CAUSE_OK, .status = 200, .body = {buf_text(text), text->len}};
}

static void
begin(const char *txt_id)
{
	rig_new_settled();
	id = txt_id;
	world.answer = answer;
	world.policy = announce;
	world.fetch = serve;
	world.can_dane = true;
}

/* That many policies, fetched at the same moment, whose TXT records were asked then; and
 * destinations under them. */
static void
keep_many(unsigned count, int64_t fetched_ms)
{
	int64_t ends_ms = world.wall_ms + 90 * DAY;
	struct buf sql = {0};

	world.turns = 10 * count;
	buf_printf(&sql,
	    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %u)"
	    " INSERT INTO sts SELECT 'p' || i || '.test', 'enforce', 604800, 'mx.d.test',"
	    " '1', %lld, 'valid', '1', %lld, %lld, 0, 0, 'ok', 0, 0, '', 0, 0, 0, %lld,"
	    " 1, 'enforce', '', 0, 0 FROM n;"
	    " INSERT INTO destination(key, entry, attributes, why, entry_why, force_ms,"
	    " since_ms, lease_ms, lease_end_ms) SELECT domain, 'secure', '" ENTRY "',"
	    " 'policy', 'policy', 1, %lld, 604800000, %lld FROM sts;"
	    " INSERT INTO sts_key SELECT d.id, d.key FROM destination d JOIN sts ON"
	    " sts.domain = d.key;",
	    count - 1, (long long)fetched_ms, (long long)fetched_ms,
	    (long long)fetched_ms, (long long)world.wall_ms, (long long)fetched_ms,
	    (long long)ends_ms);
	kit_run(STATE, buf_text(&sql));
	buf_clear(&sql);
}

/* A row for each hour of a day: TXT records asked. After a first day, in which all are
 * due at once. */
static void
looks_are_spread_over_the_day(void **state)
{
	unsigned least = MANY, most = 0, before;

	(void)state;
	begin("1");
	keep_many(MANY, world.wall_ms - HOUR);
	engine_mind_policies(rig.engine);
	for (int hour = 0; hour < 72; hour++) {
		before = world.policies_asked;
		world_wait(rig.engine, HOUR);
		if (hour < 48)
			continue;
		before = world.policies_asked - before;
		least = before < least ? before : least;
		most = before > most ? before : most;
	}
	print_message("# TXT records an hour, of %d: %u to %u\n", MANY, least, most);
	/* Once in eighteen hours, as the mean. */
	assert_in_range(least, MANY / 18 / 2, MANY / 18);
	assert_in_range(most, MANY / 18, MANY / 18 * 2);
	assert_int_equal(world.fetches, 0);
	rig_close();
}

static void
assert_changed(unsigned count)
{
	struct buf expected = {0};

	buf_printf(&expected, "%u\n", count);
	kit_assert(STATE,
	    "SELECT count(*) FROM destination WHERE attributes = 'match=mx.other.test "
	    "servername=hostname'",
	    buf_text(&expected));
	kit_assert(STATE,
	    "SELECT value - version FROM counter JOIN target"
	    " WHERE counter.name = 'map-version' AND target.name = 'map'",
	    "0\n");
	buf_clear(&expected);
}

/* What mail waits for is in force within a second. */
static void
assert_mail_is_in_the_next_map(void)
{
	world.export.times = 0;
	rig_defer("quick.test");
	world_settle(rig.engine);
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.export.times, 1);
}

/* One provider's policy; the administrator has all fetched at once. They are judged
 * twenty a second. */
static void
change_for_many_is_one_export(void **state)
{
	(void)state;
	begin("2");
	keep_many(MANY, world.wall_ms - HOUR);
	kit_run(STATE, "UPDATE sts SET refresh = 1");
	engine_mind_policies(rig.engine);
	world.export.times = 0;
	world_wait(rig.engine, 10 * MIN);
	assert_int_equal(world.fetches, MANY);
	assert_changed(MANY);
	print_message("# maps for %d entries: %u\n", MANY, world.export.times);
	assert_int_equal(world.export.times, 1);
	assert_int_equal(world.retry.times + world.flush.times, 0); /* no mail waits */
	/* Where mail waits it is another matter. */
	world_wait(rig.engine, 20 * SECOND);
	assert_mail_is_in_the_next_map();
	rig_close();
}

/* Each domain's own look finds it, once in eighteen hours as the mean. */
static void
change_seen_over_a_day_is_few_exports(void **state)
{
	(void)state;
	begin("1");
	keep_many(MANY, world.wall_ms - HOUR);
	engine_mind_policies(rig.engine);
	world_wait(rig.engine, 24 * HOUR);
	id = "2";
	world.export.times = 0;
	world_wait(rig.engine, 25 * HOUR);
	assert_int_equal(world.fetches, MANY);
	assert_changed(MANY);
	print_message("# maps for %d entries that change over a day: %u\n", MANY,
	    world.export.times);
	assert_in_range(world.export.times, 1, 400);
	/* ... and what mail waits for does not wait with them. */
	assert_mail_is_in_the_next_map();
	rig_close();
}

static size_t
blanks(const struct buf *text)
{
	size_t count = 0;

	for (size_t i = 0; i < text->len; i++)
		count += text->data[i] == ' ';
	return count;
}

/* The same, and mail of all waits: that of the first is retried at once, and nobody waits
 * for long. Each message is retried by its id, and once more as the log says nothing of
 * it here. */
static void
change_that_mail_waits_for_is_some_exports(void **state)
{
	(void)state;
	begin("1");
	rig.config.freeze.destinations = 10 * WAITING;
	keep_many(WAITING, world.wall_ms - HOUR);
	rig_defer_many("p", WAITING);
	world_wait(rig.engine, 10 * MIN);
	kit_assert(STATE, "SELECT count(*) FROM destination WHERE why = 'policy-not-met'",
	    "2000\n");
	id = "2";
	kit_run(
	    STATE, "UPDATE sts SET refresh = 1, next_ms = 1 WHERE domain = 'p7.test'");
	engine_mind_policies(rig.engine);
	world.export.times = world.retry.times = world.flush.times = 0;
	buf_reset(&world.retried);
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.export.times, 1);
	assert_int_equal(world.retry.times, 1);
	kit_run(
	    STATE, "UPDATE sts SET refresh = 1, next_ms = 1 WHERE domain <> 'p7.test'");
	engine_mind_policies(rig.engine);
	world_wait(rig.engine, 2 * MIN + 10 * SECOND);
	assert_changed(WAITING);
	print_message("# maps for %d entries that mail waits for: %u, retries %u, "
	              "messages %zu, flushes %u\n",
	    WAITING, world.export.times, world.retry.times, blanks(&world.retried),
	    world.flush.times);
	assert_in_range(world.export.times, 2, 12);
	assert_in_range(world.flush.times, 0, 3);
	rig_close();
}

/* --- name servers that hang ----------------------------------------------------------
 */

static unsigned live_asked;

static void
hang_but_live(const char *domain, struct sts_txt *out)
{
	announce(domain, out);
	if (strcmp(domain, "p0.test") == 0)
		live_asked++;
	else
		world.takes_ms = MIN;
}

/* More of a stranger's names are due than are looked through, and have been for longer.
 */
static void
hanging_names_hide_no_live_policy(void **state)
{
	(void)state;
	begin("1");
	keep_many(1, world.wall_ms - HOUR);
	kit_run(STATE,
	    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i <"
	    " 9000) INSERT INTO sts SELECT 'd' || i || '.evil.test', '', 0, '', '', 0,"
	    " 'unsure', '', 1, 1, 1, 0, 'ok', 0, 0, '', 0, 0, 0, 9000000000000, 1, '',"
	    " '', 0, 0 FROM n;"
	    " UPDATE sts SET next_ms = 2, refresh = 1 WHERE domain = 'p0.test'");
	world.policy = hang_but_live;
	live_asked = 0;
	engine_mind_policies(rig.engine);
	world_wait(rig.engine, SECOND);
	assert_int_equal(live_asked, 1);
	assert_in_range(world.policies_asked, 2, 4);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	suite_add(looks_are_spread_over_the_day, NULL,
	    "ten thousand policies are looked at evenly over the day");
	suite_add(change_for_many_is_one_export, NULL,
	    "a change of ten thousand policies is one map");
	suite_add(change_seen_over_a_day_is_few_exports, NULL,
	    "... that is seen over a day: a map in five minutes, as the mean");
	suite_add(change_that_mail_waits_for_is_some_exports, NULL,
	    "... that mail waits for: the first at once, all within half a minute");
	suite_add(hanging_names_hide_no_live_policy, NULL,
	    "9000 names below name servers that hang hide no live policy");
	return rig_end(suite_run());
}
