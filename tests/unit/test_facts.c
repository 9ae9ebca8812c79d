/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of facts: what is put is found, whatever stands beside it. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "core/facts.h"

static void
put(char facts[FACTS_SIZE], const char *name, int64_t asked_ms, struct str text)
{
	facts_put(facts, &(struct fact){str_of(name), asked_ms, asked_ms + 60000, text});
}

static void
what_is_put_is_found(void **state)
{
	char facts[FACTS_SIZE] = "";
	struct fact fact;

	(void)state;
	assert_false(facts_find(facts, "ipv6", &fact));
	put(facts, "ipv6", 1000, STR("mx.a.test yes"));
	put(facts, "ip", 2000, STR(""));
	assert_true(facts_find(facts, "ipv6", &fact));
	assert_true(str_is(fact.name, "ipv6"));
	assert_true(str_is(fact.text, "mx.a.test yes"));
	assert_int_equal(fact.asked_ms, 1000);
	assert_int_equal(fact.until_ms, 61000);
	assert_true(facts_find(facts, "ip", &fact));
	assert_int_equal(fact.text.len, 0);
	assert_false(facts_find(facts, "ipv", &fact));
}

static void
it_is_put_in_place_of_the_one_before(void **state)
{
	char facts[FACTS_SIZE] = "other 1 2 theirs\n";

	(void)state;
	put(facts, "ipv6", 1000, STR("no"));
	put(facts, "ipv6", 2000, STR("yes"));
	assert_string_equal(facts, "ipv6 2000 62000 yes\nother 1 2 theirs\n");
}

static void
a_text_is_one_line_and_no_more(void **state)
{
	char facts[FACTS_SIZE] = "", longest[2 * FACT_TEXT_SIZE];
	struct fact fact;

	(void)state;
	put(facts, "ipv6", 1000, STR("yes\nother 1 2 forged\n"));
	assert_string_equal(facts, "ipv6 1000 61000 yes\n");
	memset(longest, 'x', sizeof(longest));
	facts_put(facts,
	    &(struct fact){STR("ipv6"), INT64_MAX, INT64_MAX,
	        (struct str){longest, sizeof(longest)}});
	assert_true(facts_find(facts, "ipv6", &fact));
	assert_int_equal(fact.text.len, FACT_TEXT_SIZE - 1);
	assert_int_equal(fact.until_ms, INT64_MAX);
	/* A name of 31 bytes has room as well. */
	put(facts, "abcdefghijklmnopqrstuvwxyz01234", INT64_MAX - 60000,
	    (struct str){longest, sizeof(longest)});
	assert_true(facts_find(facts, "abcdefghijklmnopqrstuvwxyz01234", &fact));
	assert_int_equal(fact.text.len, FACT_TEXT_SIZE - 1);
}

static void
what_has_no_room_goes_oldest_first(void **state)
{
	char facts[FACTS_SIZE] = "", text[FACT_TEXT_SIZE], name[16];
	struct fact fact;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "source%d", i);
		put(facts, name, 1000 + i, (struct str){text, sizeof(text)});
		assert_true(strlen(facts) < sizeof(facts));
		assert_true(facts_find(facts, name, &fact));
	}
	assert_false(facts_find(facts, "source0", &fact));
	for (int i = 20 - FACTS_SIZE / FACT_LINE_SIZE; i < 20; i++) {
		snprintf(name, sizeof(name), "source%d", i);
		assert_true(facts_find(facts, name, &fact));
		assert_int_equal(fact.text.len, FACT_TEXT_SIZE - 1);
	}
}

/* Of another version, of a disk that lost its end, of an administrator. */
static void
what_cannot_be_read_is_not_there(void **state)
{
	static const char *const texts[] = {"ipv6", "ipv6 ", "ipv6 1", "ipv6 1 ",
	    "ipv6 1 2", "ipv6 -1 2 x\n", "ipv6 one 2 x\n", "ipv6 1 two x\n",
	    "ipv6  1 2 x\n", "\n\n\n", "ipv6 9223372036854775808 2 x\n", "\xff\xfe\n"};
	struct fact fact;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char facts[FACTS_SIZE];

		snprintf(facts, sizeof(facts), "%s", texts[i]);
		if (facts_find(facts, "ipv6", &fact))
			fail_msg("\"%s\" was read", texts[i]);
		put(facts, "ipv6", 1000, STR("yes"));
		assert_true(facts_find(facts, "ipv6", &fact));
		assert_int_equal(fact.asked_ms, 1000);
	}
}

static void
the_last_line_needs_no_end(void **state)
{
	char facts[FACTS_SIZE] = "other 1 2 theirs\nipv6 3 4 yes";
	struct fact fact;

	(void)state;
	assert_true(facts_find(facts, "ipv6", &fact));
	assert_true(str_is(fact.text, "yes"));
	put(facts, "new", 1000, STR("x"));
	assert_string_equal(facts, "new 1000 61000 x\nother 1 2 theirs\nipv6 3 4 yes\n");
}

int
main(void)
{
	suite_add(what_is_put_is_found, NULL, "what is put is found, by its whole name");
	suite_add(it_is_put_in_place_of_the_one_before, NULL,
	    "it is put in place of the one before, and the others stay");
	suite_add(a_text_is_one_line_and_no_more, NULL,
	    "a text is one line of the size allowed, and writes no other");
	suite_add(what_has_no_room_goes_oldest_first, NULL,
	    "what has no room goes, what was put first before the others");
	suite_add(what_cannot_be_read_is_not_there, NULL,
	    "a line that cannot be read is as if it was not there");
	suite_add(the_last_line_needs_no_end, NULL, "the last line needs no end");
	return suite_run();
}
