/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <stdio.h>

#include "core/fold_items.h"
#include "engine/fair.h"

#define KEYS 8

/* Keys in the order in which they came, and that in which it is their turn. */
struct row {
	const char *name;
	const char *keys[KEYS];
	size_t most;
	int64_t ids[KEYS]; /* from 1, 0 ends them */
};

static const struct row rows[] = {
    {"of several domains, who came first", {"a.test", "b.test", "c.test"}, 8, {1, 2, 3}},
    {"names below one domain do not stand before another's",
        {"n1.a.test", "n2.a.test", "n3.a.test", "b.test"}, 8, {1, 4, 2, 3}},
    {"nor does a host of it, or a port", {"a.test", "[mx.a.test]", "a.test:26", "b.test"},
        8, {1, 4, 2, 3}},
    {"each in turn", {"n1.a.test", "n2.a.test", "m1.b.test", "m2.b.test"}, 8,
        {1, 3, 2, 4}},
    {"below co.uk a domain has three labels", {"a.co.uk", "b.co.uk", "n.a.co.uk"}, 8,
        {1, 2, 3}},
    {"an address is one of its own", {"[192.0.2.1]", "[192.0.2.2]", "n1.a.test"}, 8,
        {1, 2, 3}},
    {"as many as there is room for", {"n1.a.test", "n2.a.test", "b.test"}, 2, {1, 3}},
    {"nobody", {NULL}, 8, {0}},
};

static void
taken_in_turn(void **state)
{
	const struct row *row = *state;
	struct fair *fair = fair_new();
	int64_t ids[KEYS];
	size_t count, expected = 0;

	for (int i = 0; i < KEYS && row->keys[i] != NULL; i++)
		fair_add(fair, i + 1, row->keys[i]);
	count = fair_take(fair, ids, row->most);
	while (expected < KEYS && row->ids[expected] != 0)
		expected++;
	assert_int_equal(count, expected);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(ids[i], row->ids[i]);
	fair_free(fair);
}

/* Whoever looks for a domain that is the same in a hash, to stand in another's place. */
static void
nobody_stands_in_anothers_place(void **state)
{
	struct fair *fair = fair_new();
	char evil[64], key[80];
	int64_t ids[3];

	(void)state;
	for (unsigned i = 0;; i++) {
		snprintf(evil, sizeof(evil), "evil%u.test", i);
		if (fold_items_hash(str_of(evil)) >> 18 ==
		    fold_items_hash(STR("a.test")) >> 18)
			break;
	}
	for (int i = 1; i < 3; i++) {
		snprintf(key, sizeof(key), "n%d.%s", i, evil);
		fair_add(fair, i, key);
	}
	fair_add(fair, 3, "a.test");
	assert_int_equal(fair_take(fair, ids, 3), 3);
	assert_int_equal(ids[1], 3);
	fair_free(fair);
}

static void
what_is_too_much_is_left(void **state)
{
	struct fair *fair = fair_new();
	static int64_t ids[FAIR_MAX + 1];

	(void)state;
	for (int i = 0; i <= FAIR_MAX; i++)
		fair_add(fair, i + 1, i == FAIR_MAX / 2 ? "b.test" : "n.a.test");
	assert_int_equal(fair_take(fair, ids, FAIR_MAX + 1), FAIR_MAX);
	assert_int_equal(ids[0], 1);
	assert_int_equal(ids[1], FAIR_MAX / 2 + 1);
	assert_int_equal(ids[2], 2);
	fair_free(fair);
}

static void
ranks_come_before_domains(void **state)
{
	static const int64_t expected[] = {2, 4, 1, 3};
	struct fair *fair = fair_new();
	int64_t ids[4];

	(void)state;
	fair_add_ranked(fair, 1, "a.test", 2);
	fair_add_ranked(fair, 2, "n1.b.test", 1);
	fair_add_ranked(fair, 3, "c.test", 2);
	fair_add_ranked(fair, 4, "n2.b.test", 1);
	assert_int_equal(fair_take(fair, ids, 4), 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(ids[i], expected[i]);
	fair_free(fair);
}

/* There is room for one at a time. */
static void
who_comes_last_has_a_turn(void **state)
{
	static const char *const keys[] = {"n1.b.test", "n2.b.test", "d.test", "c.test"};
	static const int64_t expected[] = {4, 3, 1, 4};
	char after[NEXTHOP_KEY_SIZE] = "b.test";

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct fair *fair = fair_new();
		int64_t id;

		for (int key = 0; key < 4; key++)
			fair_add(fair, key + 1, keys[key]);
		assert_int_equal(fair_take_after(fair, after, &id, 1), 1);
		assert_int_equal(id, expected[i]);
		fair_domain(keys[id - 1], after);
		fair_free(fair);
	}
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(taken_in_turn, &rows[i], "%s", rows[i].name);
	suite_add(nobody_stands_in_anothers_place, NULL,
	    "a domain whose hash is another's does not stand in its place");
	suite_add(what_is_too_much_is_left, NULL, "what is too much is left");
	suite_add(
	    ranks_come_before_domains, NULL, "a lower rank comes before all of a higher");
	suite_add(who_comes_last_has_a_turn, NULL,
	    "where few are taken at once all have a turn before one has another");
	return suite_run();
}
