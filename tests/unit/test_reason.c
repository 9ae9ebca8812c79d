/* SPDX-License-Identifier: BSD-2-Clause */
/* A reason as it is kept, without the local parts of addresses, and cut; and whose it is.
 */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/masked.h"
#include "base/mem.h"
#include "core/reason.h"

static const struct {
	const char *reason, *kept;
} rows[] = {
    {"", ""},
    {"Server certificate not verified", "Server certificate not verified"},
    {"<user@d.test>: refused", "<*@d.test>: refused"},
    {"user@d.test refused", "*@d.test refused"},
    {"(user@d.test) to:user@e.test", "(*@d.test) to:*@e.test"},
    {"@d.test", "*@d.test"},
    {"a@b@c", "*@*@c"},
    {"<\"a b\"@d.test> refused", "<*@d.test> refused"},
    {"<\"a \\\"b\"@d.test> refused", "<*@d.test> refused"},
    {"\"a b\"@d.test", "*@d.test"},
    {"no beginning\"@d.test", "no *@d.test"},
    {"\"@d.test", "*@d.test"},
    {"user@", "*@"},
    {"r = 'user@d.test'", "r = '*@d.test'"},
    {"{\"address\": \"user@d.test\"}", "{\"address\": \"*@d.test\"}"},
    {"o'brien@d.test", "*@d.test"},
    {"'o''brien@d.test'", "'*@d.test'"},
    {"say \\\"a \\\\\\\"b\\\"@d.test", "say *@d.test"},
    {"<a b@d.test>: refused", "<*@d.test>: refused"},
    {"a < b, user@d.test", "a < b, *@d.test"},
    {"to=<a b@d.test>, orig_to=<c d@e@f.test>", "to=<*@d.test>, orig_to=<*@*@f.test>"},
    {"to=<a> b@d.test>, from=<>, relay=x", "to=<*@d.test>, from=<>, relay=x"},
    {"to=<root>, orig_to=<user>, relay=x", "to=<*>, orig_to=<*>, relay=x"},
    {"to=<a b@d.test>, orig_to=<use", "to=<*@d.test>, orig_to=<*"},
    {"to=<", "to=<"},
    {"for user 'postfix'@'localhost'", "for user 'postfix'@'localhost'"},
    {"to=<'user'@'d.test'>", "to=<*@'d.test'>"},
    {"r='user'@'d.test'", "*@'d.test'"},
};

static void
local_parts_are_not_kept(void **state)
{
	char kept[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		masked_copy(str_of(rows[i].reason), kept, sizeof(kept));
		assert_string_equal(kept, rows[i].kept);
	}
}

static const struct {
	const char *address, *text, *left;
} known[] = {
    {"user@d.test", "u = 'user' AND d = 'd'", "u = '*' AND d = 'd'"},
    {"user@d.test", "near \\\"USER\\\": error", "near \\\"*\\\": error"},
    {"user@d.test", "(&(uid=user)(mail=%user%))", "(&(uid=*)(mail=%*%))"},
    {"user@d.test", "the user's 'users', 'auser', 'user",
        "the user's 'users', 'auser', 'user"},
    {"o'user@d.test", "'o''user' and 'o\\'user''", "'*' and '*''"},
    {"t@d.test", "t 't' t", "t '*' t"},
    {"u@d.test", "'u'u'", "'*'*'"},
    {"user@d.test", "'", "'"},
    {"user@d.test", "", ""},
    {"user", "'user'", "'user'"},
    {"@d.test", "''", "''"},
};

static void
known_ones_are_hidden(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		char *text = mem_strdup(known[i].text);

		masked_hide(text, known[i].address);
		assert_string_equal(text, known[i].left);
		free(text);
	}
}

/* At each length: what is kept is the beginning of what there is room for. */
static void
it_is_cut(void **state)
{
	static const char reason[] =
	    "<user@d.test>: host mx.d.test said: 450 user@d.test";
	char whole[128], kept[128];

	(void)state;
	masked_copy(STR(reason), whole, sizeof(whole));
	for (size_t size = 1; size <= strlen(whole) + 2; size++) {
		size_t len = size - 1 < strlen(whole) ? size - 1 : strlen(whole);

		memset(kept, 'x', sizeof(kept));
		masked_copy(STR(reason), kept, size);
		assert_int_equal(strlen(kept), len);
		assert_memory_equal(kept, whole, len);
		assert_int_equal(kept[size], 'x');
	}
}

static void
servers_words_are_known(void **state)
{
	(void)state;
	assert_true(reason_is_servers(STR(
	    "host mx.d.test[192.0.2.1] said: 450 later (in reply to RCPT TO command)")));
	assert_true(reason_is_servers(
	    STR("host mx.d.test[192.0.2.1] refused to talk to me: 421")));
	assert_false(reason_is_servers(STR("host mx.d.test said: 450 later")));
	assert_false(reason_is_servers(STR("host mx.d.test[192.0.2.1] is away")));
	assert_false(reason_is_servers(STR("lost connection with mx.d.test[192.0.2.1]")));
}

int
main(void)
{
	suite_add(local_parts_are_not_kept, NULL, "local parts are not kept");
	suite_add(known_ones_are_hidden, NULL, "local parts that are known are hidden");
	suite_add(it_is_cut, NULL, "a reason is cut to what there is room for");
	suite_add(servers_words_are_known, NULL, "what a server says is known");
	return suite_run();
}
