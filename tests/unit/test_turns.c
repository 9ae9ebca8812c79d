/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <string.h>

#include "base/buf.h"
#include "engine/turns.h"

/* A word each: DOMAIN, behind a slash w (mail waits), l (an entry rests on it), f (it
 * failed). */
struct row {
	const char *due, *turns, *what;
};

static const struct row rows[] = {
    {"", "", "nobody is due"},
    {"a.test/ b.test/l c.test/w d.test/wl", "d.test c.test b.test a.test",
        "what mail waits for, what entries rest on, the rest"},
    {"a.test/lf b.test/l c.test/wf d.test/ e.test/f",
        "b.test c.test a.test d.test e.test", "behind its equals what failed"},
    {"1.a.test/ 2.a.test/ 3.a.test/ b.test/ 1.c.test/",
        "1.a.test b.test 1.c.test 2.a.test 3.a.test", "owners by turns"},
    {"1.a.test/w 2.a.test/w b.test/ c.test/w", "1.a.test c.test 2.a.test b.test",
        "... among equals"},
};

static void
add(struct turns *turns, struct str word)
{
	char domain[64];
	struct str name;
	struct fetches_ask ask = {.domain = domain, .ask = STS_ASK_TXT};

	assert_true(str_cut(&word, '/', &name));
	assert_true(str_copy(name, domain, sizeof(domain)));
	ask.fails = memchr(word.p, 'f', word.len) != NULL;
	turns_add(turns, &ask, memchr(word.p, 'w', word.len) != NULL,
	    memchr(word.p, 'l', word.len) != NULL);
}

static void
come_in_order(void **state)
{
	const struct row *row = *state;
	struct turns *turns = turns_new();
	struct str rest = str_of(row->due), word;
	struct buf said = {0};
	struct turn *items;
	size_t count;

	while (str_next(&rest, ' ', &word))
		add(turns, word);
	count = turns_take(turns, &items);
	for (size_t i = 0; i < count; i++)
		buf_printf(&said, "%s%s", i > 0 ? " " : "", items[i].ask.domain);
	assert_string_equal(buf_text(&said), row->turns);
	assert_false(turns_are_more(turns));
	buf_clear(&said);
	turns_free(turns);
}

static void
many_hide_nobody(void **state)
{
	struct turns *turns = turns_new();
	char domain[64];
	struct fetches_ask ask = {.domain = domain, .ask = STS_ASK_POLICY};
	struct turn *items;

	(void)state;
	for (unsigned i = 0; i < 8000; i++) {
		snprintf(domain, sizeof(domain), "d%u.evil.test", i);
		turns_add(turns, &ask, true, false);
	}
	snprintf(domain, sizeof(domain), "honest.test");
	turns_add(turns, &ask, true, false);
	snprintf(domain, sizeof(domain), "live.test");
	turns_add(turns, &ask, true, true);
	assert_int_equal(turns_take(turns, &items), TURNS_MAX);
	assert_true(turns_are_more(turns));
	assert_string_equal(items[0].domain, "live.test");
	assert_int_equal(items[0].ask.rank, FETCHES_LIVE);
	assert_string_equal(items[1].domain, "d0.evil.test");
	assert_int_equal(items[1].ask.rank, FETCHES_WAITED);
	assert_int_equal(items[1].ask.ask, STS_ASK_POLICY);
	assert_string_equal(items[2].domain, "honest.test");
	turns_free(turns);
}

static bool
is_among(const struct turn *items, size_t count, const char *domain)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(items[i].domain, domain) == 0)
			return true;
	return false;
}

/* More than are kept have an owner of whom one is asked at a time, and come first: others
 * have turns beside them. */
static void
better_ones_leave_room(void **state)
{
	struct turns *turns = turns_new();
	char domain[64];
	struct fetches_ask ask = {.domain = domain, .ask = STS_ASK_TXT};
	struct turn *items;
	size_t count;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(domain, sizeof(domain), "d%u.evil.test", i);
		turns_add(turns, &ask, true, false);
	}
	snprintf(domain, sizeof(domain), "rest.test");
	turns_add(turns, &ask, false, false);
	snprintf(domain, sizeof(domain), "live.test");
	turns_add(turns, &ask, false, true);
	count = turns_take(turns, &items);
	assert_int_equal(count, TURNS_MAX);
	assert_true(is_among(items, count, "live.test"));
	assert_string_equal(items[count - 1].domain, "rest.test");
	assert_string_equal(items[0].domain, "d0.evil.test");
	turns_free(turns);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(come_in_order, &rows[i], "%s", rows[i].what);
	suite_add(many_hide_nobody, NULL, "8000 names of an owner hide nobody");
	suite_add(better_ones_leave_room, NULL, "... nor those that come behind them");
	return suite_run();
}
