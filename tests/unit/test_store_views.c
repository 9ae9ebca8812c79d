/* SPDX-License-Identifier: BSD-2-Clause */
/* What list and status show of a store: the counts that are kept are those that
 * counting would give, whatever happens. */
#include "suite.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "storekit.h"
#include "sys/file.h"

#define DB "views.db"

static void
add_count(void *context, enum level level, enum why why, int64_t count)
{
	buf_printf(
	    context, "%s|%s|%" PRId64 "\n", level_name(level), why_slug(why), count);
}

static bool
add_view(void *context, const struct view *v)
{
	buf_printf(context, "%s|%s|%s|%d|%" PRId64 "\n", v->entry.key,
	    level_name(v->entry.level), why_slug(v->why), v->waits, v->first_ms);
	return true;
}

/* In an order of its own: that of counts is nobody's business. */
static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
sorted(char *text)
{
	char *lines[64] = {NULL}, *rest, *out = calloc(1, strlen(text) + 1);
	size_t count = 0;

	for (char *l = strtok_r(text, "\n", &rest); l != NULL;
	     l = strtok_r(NULL, "\n", &rest))
		lines[count++] = l;
	qsort(lines, count, sizeof(lines[0]), compare);
	for (size_t i = 0; i < count; i++) {
		strcat(out, lines[i]);
		strcat(out, "\n");
	}
	free(text);
	return out;
}

static void
assert_counted(struct store *store)
{
	struct buf entries = {0}, waiting = {0};
	char *got, *wanted;
	int64_t count = -1;

	assert_true(store_entry_count(store, &count, &kit_err));
	buf_printf(&entries, "%" PRId64 "\n", count);
	assert_true(store_each_entry_count(store, add_count, &entries, &kit_err));
	assert_true(store_each_waiting_count(store, add_count, &waiting, &kit_err));
	got = sorted(buf_take(&entries));
	wanted = sorted(kit_ask(DB,
	    "SELECT entry, entry_why, count(*) FROM destination"
	    " WHERE entry <> 'none' GROUP BY 1, 2;"
	    " SELECT count(*) FROM destination WHERE entry <> 'none'"));
	assert_string_equal(got, wanted);
	free(got);
	free(wanted);
	got = sorted(buf_take(&waiting));
	wanted = sorted(kit_ask(DB,
	    "SELECT entry, CASE why WHEN 'none' THEN entry_why ELSE why END, count(*)"
	    " FROM destination WHERE id IN (SELECT destination FROM waiting) GROUP BY 1, "
	    "2"));
	assert_string_equal(got, wanted);
	free(got);
	free(wanted);
}

/* One message waits there, or more than are kept. */
static void
wait_at(struct store *store, unsigned id, const char *queue_id)
{
	char made[16];

	for (unsigned i = 0; i < (queue_id[0] == '\0' ? STORE_WAITING_MAX + 2 : 1); i++) {
		snprintf(made, sizeof(made), "Q%u", i);
		kit_wait(
		    store, id, queue_id[0] == '\0' ? made : queue_id, 1 + (int64_t)i);
	}
}

/* One step of many, by a generator of our own so that every run is the same. */
static void
step(struct store *store, unsigned *seed)
{
	static const char *const steps[] = {
	    "UPDATE destination SET entry = 'encrypt', entry_why = 'one-rung' WHERE id = "
	    "%u",
	    "UPDATE destination SET entry = 'dane-only', entry_why = 'dane' WHERE id = "
	    "%u",
	    "UPDATE destination SET entry = 'none', entry_why = 'none' WHERE id = %u",
	    "UPDATE destination SET why = 'dane-not-met' WHERE id = %u",
	    "UPDATE destination SET why = 'none' WHERE id = %u",
	    "+A",
	    "+B",
	    "+", /* more than are kept */
	    "DELETE FROM waiting WHERE destination = %u AND queue_id = 'A'",
	    "DELETE FROM waiting WHERE destination = %u",
	    "DELETE FROM waiting WHERE destination > %u",
	    "DELETE FROM destination WHERE id = %u",
	    "INSERT OR IGNORE INTO destination(id, key, entry, entry_why)"
	    " VALUES (%u, hex(randomblob(9)), 'verify', 'pinned')",
	};
	const char *next;
	char sql[256];
	unsigned id;

	*seed = *seed * 1103515245u + 12345u;
	id = 1 + (*seed >> 8) % 7;
	next = steps[(*seed >> 16) % (sizeof(steps) / sizeof(steps[0]))];
	if (next[0] == '+') {
		wait_at(store, id, &next[1]);
		return;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(sql, sizeof(sql), next, id);
#pragma GCC diagnostic pop
	kit_run(DB, sql);
}

static void
counts_are_right(void **state)
{
	struct store *store = kit_open(DB);
	unsigned seed = 7;

	(void)state;
	for (int i = 0; i < 400; i++) {
		step(store, &seed);
		assert_counted(store);
	}
	store_close(store);
	kit_remove(DB);
}

static void
views_show_what_waits(void **state)
{
	struct store *store = kit_open(DB);
	struct buf out = {0};
	bool found = true;

	(void)state;
	kit_put_level(store, "b.test", LEVEL_DANE_ONLY);
	kit_put_level(store, "c.test", LEVEL_ENCRYPT);
	kit_add(store, "a.test");
	kit_add(store, "d.test");
	assert_true(store_view_first(store, add_view, &out, &found, &kit_err));
	assert_false(found);
	kit_run(DB,
	    "UPDATE destination SET entry_why = 'dane', why = 'dane-not-met' WHERE key < "
	    "'c';"
	    " INSERT INTO waiting(destination, queue_id, time_ms, arrival_ms)"
	    " SELECT id, 'A', 1, 50 FROM destination WHERE key < 'c';"
	    " INSERT INTO waiting(destination, queue_id, time_ms, arrival_ms)"
	    " SELECT id, 'B', 1, 40 FROM destination WHERE key = 'b.test';"
	    " INSERT INTO waiting(destination, queue_id, time_ms, arrival_ms)"
	    " SELECT id, 'C', 1, 0 FROM destination WHERE key = 'b.test'");
	assert_true(store_each_view(store, true, add_view, &out, &kit_err));
	assert_string_equal(buf_text(&out),
	    "a.test|none|dane-not-met|1|50\nb.test|dane-only|dane-not-met|1|40\n");
	buf_reset(&out);
	assert_true(store_each_view(store, false, add_view, &out, &kit_err));
	assert_string_equal(buf_text(&out),
	    "b.test|dane-only|dane-not-met|1|40\nc.test|encrypt|none|0|0\n");
	buf_reset(&out);
	assert_true(store_view(store, "d.test", add_view, &out, &found, &kit_err));
	assert_true(found);
	assert_string_equal(buf_text(&out), "d.test|none|none|0|0\n");
	assert_true(store_view(store, "e.test", add_view, &out, &found, &kit_err));
	assert_false(found);
	buf_reset(&out);
	assert_true(store_view_first(store, add_view, &out, &found, &kit_err));
	assert_true(found);
	assert_string_equal(buf_text(&out), "b.test|dane-only|dane-not-met|1|40\n");
	buf_clear(&out);
	store_close(store);
	kit_remove(DB);
}

/* A database of a released schema. */
static void
make_old(void)
{
	struct buf sql = {0};

	assert_true(
	    file_read(suite_path("tests/store/old/5.sql"), 10000000, &sql, &kit_err));
	kit_run(DB, buf_text(&sql));
	buf_clear(&sql);
}

/* A database of before has counts as soon as it is upgraded. */
static void
counts_of_an_upgraded_one(void **state)
{
	struct store *store;

	(void)state;
	make_old();
	/* words of then are shown as none */
	kit_run(DB,
	    "UPDATE destination SET entry_why = 'none'"
	    " WHERE entry_why IN ('dane-held', 'plain-only');"
	    " UPDATE destination SET why = 'none' WHERE why IN ('dane-held', "
	    "'plain-only')");
	store = kit_open(DB);
	assert_counted(store);
	kit_put_level(store, "new.test", LEVEL_DANE_ONLY);
	assert_counted(store);
	store_close(store);
	kit_remove(DB);
}

/* A database of before knew two spellings of one key as two. */
static void
spellings_become_one(void **state)
{
	struct store *store;

	(void)state;
	make_old();
	kit_run(DB,
	    "DELETE FROM tally; DELETE FROM decision; DELETE FROM waiting;"
	    " DELETE FROM destination;"
	    " INSERT INTO destination(id, key, entry, pinned, seen_verify_ms) VALUES"
	    " (1, 'BÜCHER.test', 'verify', 1, 5), (2, 'bücher.test', 'encrypt', 0, 9),"
	    " (3, 'ÖL.test', 'encrypt', 0, 1), (4, '[ÖL.test]:26', 'may', 0, 1),"
	    " (5, 'Straße.test', 'may', 0, 0), (6, 'plain.test', 'dane-only', 0, 3);"
	    " INSERT INTO tally VALUES (1, 10, 'sent', 2), (2, 10, 'sent', 3), (2, 11, "
	    "'sent', 1),"
	    " (3, 10, 'sent', 7);"
	    " INSERT INTO waiting(destination, queue_id, time_ms) VALUES (1, 'A', 1), "
	    "(2, 'A', 2),"
	    " (2, 'B', 3), (3, 'C', 4);"
	    " INSERT INTO decision(destination, time_ms, action, before, after, why, "
	    "rule, reason,"
	    " dns_state) VALUES (2, 1, 'set', 'none', 'encrypt', 'dane', '', '', '')");
	store = kit_open(DB);
	kit_assert(DB,
	    "SELECT id, key, entry, pinned, seen_verify_ms FROM destination ORDER BY id",
	    "1|bücher.test|verify|1|9\n3|öl.test|encrypt|0|1\n"
	    "4|[öl.test]:26|may|0|1\n5|Straße.test|may|0|0\n"
	    "6|plain.test|dane-only|0|3\n");
	kit_assert(DB, "SELECT * FROM tally ORDER BY destination, day",
	    "1|10|sent|5\n1|11|sent|1\n3|10|sent|7\n");
	kit_assert(DB, "SELECT destination, queue_id FROM waiting ORDER BY 1, 2",
	    "1|A\n1|B\n3|C\n");
	kit_assert(DB, "SELECT destination FROM decision", "1\n");
	assert_counted(store);
	store_close(store);
	kit_remove(DB);
}

static void
again_spares_pins(void **state)
{
	struct store *store = kit_open(DB);

	(void)state;
	kit_put_level(store, "a.test", LEVEL_ENCRYPT);
	kit_put_level(store, "b.test", LEVEL_ENCRYPT);
	kit_add(store, "c.test");
	kit_run(DB,
	    "UPDATE destination SET look_ms = 900, lease_end_ms = 900, dns_until_ms = "
	    "900;"
	    " UPDATE destination SET pinned = 1 WHERE key = 'b.test'");
	assert_true(store_again_all(store, 500, &kit_err));
	store_close(store);
	kit_assert(DB,
	    "SELECT key, look_ms, lease_end_ms, dns_until_ms, again_ms FROM destination"
	    " ORDER BY key",
	    "a.test|500|500|0|500\nb.test|900|900|900|0\nc.test|900|900|900|0\n");
	kit_remove(DB);
}

static void
bounces_when_both_are_known(void **state)
{
	(void)state;
	assert_int_equal(store_bounces_ms(100, 5), 105);
	assert_int_equal(store_bounces_ms(0, 5), 0);
	assert_int_equal(store_bounces_ms(100, 0), 0);
}

int
main(void)
{
	kit_begin();
	suite_add(counts_are_right, NULL, "counts stay right whatever changes");
	suite_add(views_show_what_waits, NULL, "views show what waits, and since when");
	suite_add(counts_of_an_upgraded_one, NULL, "an upgraded database is counted");
	suite_add(spellings_become_one, NULL,
	    "spellings that Postfix folds into one become one destination");
	suite_add(again_spares_pins, NULL,
	    "again has all that is decided decided anew, but for pins");
	suite_add(bounces_when_both_are_known, NULL,
	    "mail bounces a queue's lifetime after it came, if both are known");
	return kit_end(suite_run());
}
