/* SPDX-License-Identifier: BSD-2-Clause */
/* What an engine keeps of MTA-STS policies and MX hosts of many names, and what of them
 * is in entries. */
#include "suite.h"

#include <stdlib.h>

#include "engine/engine_impl.h"
#include "policykit.h"

#define LONG_NAME "-so-long-a-name-that-not-all-of-them-have-room.d.test"

static unsigned first_host;

/* Forty hosts, of which the text holds some: each time others. */
static void
answer_many_hosts(struct measure_item *item)
{
	char *text = item->answers.text;
	size_t size = sizeof(item->answers.text), used = 0;

	policykit_txt(&item->answers.sts_txt);
	for (unsigned i = 0; i < 40 && used + 1 < size; i++)
		used += (size_t)snprintf(text + used, size - used,
		    "%smx%02u%s address=insecure", i > 0 ? "\n" : "",
		    (first_host + i) % 40, LONG_NAME);
	item->answers.relay_fits = true;
}

/* Before Postfix 3.10.5 an entry has the names of the hosts that a wildcard allows. */
static void
names_beyond_the_text_stay(void **state)
{
	(void)state;
	policykit_begin(
	    "1", "version: STSv1\nmode: enforce\nmx: *.d.test\nmax_age: 604800\n");
	world.answer = answer_many_hosts;
	for (first_host = 0; first_host < 40; first_host += 20) {
		policykit_defer("d.test");
		world_wait(rig.engine, 2 * HOUR);
	}
	for (unsigned i = 0; i < 40; i++) {
		char name[80];
		struct buf sql = {0};

		snprintf(name, sizeof(name), "mx%02u%s", i, LONG_NAME);
		buf_printf(
		    &sql, "SELECT instr(attributes, '%s') <> 0 FROM destination", name);
		kit_assert(STATE, buf_text(&sql), "1\n");
		buf_clear(&sql);
	}
	rig_close();
}

/* A policy that allows so many hosts of names of sixty octets, and mx.d.test. */
static char *
of_names(unsigned count)
{
	struct buf text = {0};

	buf_printf(&text, "version: STSv1\nmode: enforce\nmax_age: 604800\n");
	for (unsigned i = 0; i < count; i++)
		buf_printf(&text, "mx: %052u.a.test\n", i);
	buf_printf(&text, "mx: mx.d.test\n");
	return buf_take(&text);
}

static void
assert_length(const char *domain, size_t least, size_t most)
{
	struct buf sql = {0};

	buf_printf(&sql,
	    "SELECT length(attributes) BETWEEN %zu AND %zu FROM destination"
	    " WHERE key = '%s'",
	    least, most, domain);
	kit_assert(STATE, buf_text(&sql), "1\n");
	buf_clear(&sql);
}

/* 999 mx lines of an owner made an entry of 61 kB, or four times that. */
static void
large_policy_has_a_small_entry(void **state)
{
	char *served = of_names(999);

	world.version = *state;
	policykit_begin("1", served);
	policykit_defer("d.test");
	policykit_assert_attributes("d.test", ENTRY);
	free(served);
	world.version = NULL;
	rig_close();
}

/* Each of 2100 domains has what one may have. */
static void
large_entries_are_bounded_together(void **state)
{
	char *served = of_names(20);

	(void)state;
	policykit_begin("1", served);
	policykit_defer("d.test");
	assert_length("d.test", 1025, 4096);
	kit_run(STATE,
	    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 2100) INSERT INTO destination(key, entry, attributes, why,"
	    " entry_why, force_ms, since_ms, lease_ms, lease_end_ms) SELECT 'p' || i ||"
	    " '.test', 'secure', printf('match=%.4000c', 'x'), 'policy', 'policy', 1, 1,"
	    " 1, 9000000000000 FROM n");
	world_wait(rig.engine, 11 * MIN);
	policykit_defer("d.test");
	assert_length("d.test", 1025, 4096);
	policykit_defer("new.test");
	policykit_assert_attributes(
	    "new.test", "match=no-mx-host-matches.invalid servername=hostname");
	policykit_served = ENFORCE;
	policykit_defer("small.test");
	policykit_assert_attributes("small.test", ENTRY);
	free(served);
	rig_close();
}

static void
assert_names(const char *domain, size_t least, size_t most, const char *cut)
{
	struct buf sql = {0}, expected = {0};

	buf_printf(&sql,
	    "SELECT length(mx) BETWEEN %zu AND %zu, instr(mx, 'mx.d.test') <> 0, cut,"
	    " applied FROM sts WHERE domain = '%s'",
	    least, most, domain);
	buf_printf(&expected, "1|1|%s|enforce\n", cut);
	kit_assert(STATE, buf_text(&sql), buf_text(&expected));
	buf_clear(&sql);
	buf_clear(&expected);
}

/* 300 domains fill what there is for names. Whoever comes later is held to the policy all
 * the same, by the names of its MX hosts; and a policy that is renewed stays whole. */
static void
names_are_bounded_together(void **state)
{
	char *served = of_names(999);

	(void)state;
	policykit_begin_at(LEVEL_VERIFY, "1", served);
	rig_notify_admin();
	policykit_defer("d.test");
	assert_names("d.test", 50000, 60000, "0");
	kit_run(STATE,
	    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < "
	    "300)"
	    " INSERT INTO sts SELECT 'p' || i || '.test', 'enforce', 604800,"
	    " printf('%.60000c', 'x'), '1', 9000000000000, 'valid', '1', 9000000000000, "
	    "0,"
	    " 0, 0, 'ok', 0, 0, '', 0, 0, 0, 0, 0, 'enforce', '', 0, 0 FROM n");
	world_wait(rig.engine, 11 * MIN);
	policykit_defer("new.test");
	assert_names("new.test", 900, 1024, "1");
	world_wait(rig.engine, 11 * MIN);
	policykit_send("sent.test");
	world_wait(rig.engine, 6 * MIN);
	policykit_defer("sent.test");
	world_wait(rig.engine, MIN);
	assert_names("sent.test", 900, 1024, "1");
	kit_assert(STATE,
	    "SELECT key FROM destination WHERE entry = 'secure' AND instr(attributes,"
	    " 'match=mx.d.test:') ORDER BY 1",
	    "new.test\nsent.test\n");
	world_wait(rig.engine, HOUR);
	assert_int_equal(policykit_alerts_of("more names than are kept"), 1);
	world_wait(rig.engine, 8 * DAY);
	assert_names("d.test", 50000, 60000, "0");
	free(served);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	suite_add(names_beyond_the_text_stay, NULL,
	    "of more hosts than an answer is kept of, those that were seen stay");
	suite_add(large_policy_has_a_small_entry, "3.7.11",
	    "of a policy of 1000 names those of MX hosts are in the entry");
	suite_add(large_policy_has_a_small_entry, "3.11.6",
	    "... though Postfix could be told all of them");
	suite_add(names_are_bounded_together, NULL,
	    "what is kept of the names of all policies is bounded, and weakens nobody");
	suite_add(large_entries_are_bounded_together, NULL,
	    "entries of many names are bounded together, small ones are not");
	return rig_end(suite_run());
}
