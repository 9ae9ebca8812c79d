/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <string.h>

#include "base/buf.h"
#include "core/rules.h"

/* --- what a pattern may be --- */

struct refused_row {
	const char *name;
	struct rule_source source;
	const char *key;
	const char *says; /* the beginning of the sentence */
};

static const struct refused_row refused[] = {
    {"a parenthesis that is not closed", {.name = "a", .reason = "^(a$"}, "reason",
        "reason: missing closing parenthesis, at offset 4 of the pattern, behind "
        "\"^(a$\""},
    {"a dsn pattern that does not compile", {.name = "a", .reason = "^a$", .dsn = "*"},
        "dsn", "dsn: quantifier does not follow a repeatable item"},
    {"a service pattern that does not compile",
        {.name = "a", .reason = "^a$", .service = "["}, "service", "service: missing"},
    {"a status pattern that does not compile",
        {.name = "a", .reason = "^a$", .status = "\\"}, "status", "status: "},
    {"a status that no line has", {.name = "a", .reason = "^a$", .status = "^defered$"},
        "status", "status: matches neither \"deferred\" nor \"bounced\""},
    {"no anchor", {.name = "a", .reason = "TLS is required"}, "reason",
        "reason: the pattern does not begin with ^ in every alternative"},
    {"an anchor in the first alternative only", {.name = "a", .reason = "^a$|b"},
        "reason", "reason: the pattern does not begin with ^"},
    {"an anchor that is optional", {.name = "a", .reason = "(?:^)?a$"}, "reason",
        "reason: the pattern does not begin with ^"},
    {"^ that stands for every line", {.name = "a", .reason = "(?m)^a$"}, "reason",
        "reason: the pattern does not begin with ^"},
    {"a dot that stands for everything is no anchor", {.name = "a", .reason = "(?s).*a"},
        "reason", "reason: the pattern does not begin with ^"},
    {"UTF, where bytes are matched", {.name = "a", .reason = "(*UTF)^a$"}, "reason",
        "reason: "},
    {"a pattern that repeats repetitions without end",
        {.name = "a", .reason = "^((((a{1000}){1000}){1000}){1000})$"}, "reason",
        "reason: "},
};

static void
pattern_is_refused(void **state)
{
	const struct refused_row *row = *state;
	struct rules *rules = rules_new();
	const char *key = NULL;
	struct err err = {""};

	assert_false(rules_add(rules, &row->source, &key, &err));
	assert_string_equal(key, row->key);
	err.text[strlen(row->says)] = '\0';
	assert_string_equal(err.text, row->says);
	assert_int_equal(rules_count(rules), 0);
	rules_free(rules);
}

static const char *const anchored[] = {
    "^a", "\\Aa\\z", "^a$|^b$", "^(?:a|b)$", "(?:^a|^b)$", "(?i)^a$", "^", NULL};

static void
add(struct rules *rules, struct rule_source source)
{
	const char *key;
	struct err err;

	if (!rules_add(rules, &source, &key, &err))
		fail_msg("%s", err.text);
}

static void
anchor_is_seen(void **state)
{
	struct rules *rules = rules_new();

	add(rules, (struct rule_source){.name = "a", .reason = *state});
	rules_free(rules);
}

static void
name_is_taken_once(void **state)
{
	struct rules *rules = rules_new();
	struct rule_source source = {.name = "twice", .reason = "^b$"};
	const char *key;
	struct err err;

	(void)state;
	add(rules, (struct rule_source){.name = "twice", .reason = "^a$"});
	assert_false(rules_add(rules, &source, &key, &err));
	assert_string_equal(key, "name");
	assert_string_equal(err.text, "name: \"twice\" is taken by an earlier rule");
	rules_free(rules);
}

static void
texts_are_copied(void **state)
{
	struct rules *rules = rules_new();
	char name[] = "name", reason[] = "^reason$", dsn[] = "^4", hint[] = "why";
	const struct rule_source *rule;

	(void)state;
	add(rules,
	    (struct rule_source){.name = name,
	        .reason = reason,
	        .dsn = dsn,
	        .fallback = FALLBACK_LEVEL,
	        .level = LEVEL_ENCRYPT,
	        .alert = true,
	        .fault_ours = true,
	        .hint = hint});
	name[0] = reason[0] = dsn[0] = hint[0] = 'X';
	rule = rules_get(rules, 0);
	assert_string_equal(rule->name, "name");
	assert_string_equal(rule->reason, "^reason$");
	assert_string_equal(rule->dsn, "^4");
	assert_null(rule->service);
	assert_null(rule->status);
	assert_int_equal(rule->fallback, FALLBACK_LEVEL);
	assert_int_equal(rule->level, LEVEL_ENCRYPT);
	assert_true(rule->alert);
	assert_true(rule->fault_ours);
	assert_string_equal(rule->hint, "why");
	assert_int_equal(rules_find(rules, "name"), 0);
	assert_int_equal(rules_find(rules, "Name"), -1);
	rules_free(rules);
}

/* --- what matches --- */

/* In this order; the names are what the rows below expect. */
static const struct rule_source table[] = {
    {.name = "lmtp",
        .reason = "^Server certificate not verified$",
        .service = "(?:^|/)lmtp$"},
    {.name = "signed",
        .reason = "^Server certificate not verified$",
        .dnssec = RULE_DNSSEC_SECURE},
    {.name = "unsigned", .reason = "^no DANE$", .dnssec = RULE_DNSSEC_INSECURE},
    {.name = "no-dane", .reason = "^no DANE$"},
    {.name = "certificate", .reason = "^Server certificate not (?:verified|trusted)$"},
    {.name = "bounced", .reason = "^refused: .*$", .status = "^bounced$"},
    {.name = "by-code", .reason = "^refused: .*$", .dsn = "^4\\.7\\."},
    {.name = "start-only", .reason = "^early"},
    {.name = "any-case", .reason = "(?i)^loud$"},
    {.name = "empty", .reason = "^$"},
    {.name = "bytes", .reason = "^b\\xc3.cher$"},
};

struct match_row {
	const char *name;
	struct rule_subject subject;
	enum rule_dnssec dnssec;
	const char *rule; /* NULL: none */
};

#define REASON(text) .reason = {text, sizeof(text) - 1}

static const struct match_row matches[] = {
    {"the whole text", {REASON("Server certificate not trusted")}, 0, "certificate"},
    {"a text in front", {REASON("450 Server certificate not trusted")}, 0, NULL},
    {"a text behind", {REASON("Server certificate not trusted)")}, 0, NULL},
    {"a newline behind", {REASON("Server certificate not trusted\n")}, 0, NULL},
    {"a NUL behind", {REASON("Server certificate not trusted\0")}, 0, NULL},
    {"another case", {REASON("server certificate not trusted")}, 0, NULL},
    {"another case where the pattern allows it", {REASON("LOUD")}, 0, "any-case"},
    {"the rest does not matter without $", {REASON("early message")}, 0, "start-only"},
    {"a line break does not make a second beginning", {REASON("x\nearly")}, 0, NULL},
    {"no text", {REASON("")}, 0, "empty"},
    {"no pointer to a text", {.reason = {NULL, 0}}, 0, "empty"},
    {"bytes that are no UTF-8",
        {REASON("b\xc3\xff"
                "cher")},
        0, "bytes"},
    {"service smtp", {REASON("Server certificate not verified"), .service = {"smtp", 4}},
        RULE_DNSSEC_INSECURE, "certificate"},
    {"service lmtp", {REASON("Server certificate not verified"), .service = {"lmtp", 4}},
        RULE_DNSSEC_SECURE, "lmtp"},
    {"service x/lmtp",
        {REASON("Server certificate not verified"), .service = {"x/lmtp", 6}},
        RULE_DNSSEC_SECURE, "lmtp"},
    {"a signed destination", {REASON("Server certificate not verified")},
        RULE_DNSSEC_SECURE, "signed"},
    {"dnssec not known yet counts as matching",
        {REASON("Server certificate not verified")}, RULE_DNSSEC_ANY, "signed"},
    {"an unsigned destination", {REASON("no DANE")}, RULE_DNSSEC_INSECURE, "unsigned"},
    {"not an unsigned destination", {REASON("no DANE")}, RULE_DNSSEC_SECURE, "no-dane"},
    {"a status", {REASON("refused: 5"), .status = {"bounced", 7}}, 0, "bounced"},
    {"another status, and a dsn",
        {REASON("refused: 4"), .status = {"deferred", 8}, .dsn = {"4.7.5", 5}}, 0,
        "by-code"},
    {"neither status nor dsn", {REASON("refused: 4"), .dsn = {"4.3.0", 5}}, 0, NULL},
};

static struct rules *
table_rules(void)
{
	struct rules *rules = rules_new();

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		add(rules, table[i]);
	return rules;
}

static void
first_rule_is(void **state)
{
	const struct match_row *row = *state;
	struct rules *rules = table_rules();
	struct rules_matcher *matcher = rules_matcher_new(rules);
	int index = rules_match(rules, matcher, &row->subject, 0, row->dnssec, NULL);

	if (row->rule == NULL) {
		assert_int_equal(index, -1);
	} else {
		assert_int_not_equal(index, -1);
		assert_string_equal(rules_get(rules, (size_t)index)->name, row->rule);
	}
	rules_matcher_free(matcher);
	rules_free(rules);
}

static void
matching_goes_on_from_an_index(void **state)
{
	struct rules *rules = table_rules();
	struct rules_matcher *matcher = rules_matcher_new(rules);
	const struct rule_subject subject = {
	    REASON("Server certificate not verified"), .service = {"lmtp", 4}};

	(void)state;
	assert_int_equal(rules_match(rules, matcher, &subject, 0, 0, NULL), 0);
	assert_int_equal(rules_match(rules, matcher, &subject, 1, 0, NULL), 1);
	assert_int_equal(rules_match(rules, matcher, &subject, 2, 0, NULL), 4);
	assert_int_equal(rules_match(rules, matcher, &subject, 5, 0, NULL), -1);
	assert_int_equal(rules_match(rules, matcher, &subject, 99, 0, NULL), -1);
	rules_matcher_free(matcher);
	rules_free(rules);
}

/*
 * Most texts stop at the first byte. For every first byte, patterns of many forms must
 * still match just what they say.
 */
static void
first_bytes_lose_nothing(void **state)
{
	static const struct {
		const char *reason;
		const char *first; /* the bytes that a match can begin with; NULL: any */
	} rows[] = {
	    {"^abc$", "a"},
	    {"^(?:abc|xbc)$", "ax"},
	    {"^a?xbc$|^[ab]bc$", "abx"},
	    {"^(?=a)abc", "a"},
	    {"^(?!a).bc$", NULL},
	    {"^(?i:A)bc", "aA"},
	    {"^(?:)abc\\z", "a"},
	    {"^\\x{61}\\Qbc\\E$", "a"},
	    {"^(?<x>[a])(?:bc)$", "a"},
	    {"\\A(?>a|x)bc", "ax"},
	    {"(*NO_JIT)^(?:a|x)bc$", "ax"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rules *rules = rules_new();
		struct rules_matcher *matcher;

		add(rules, (struct rule_source){.name = "x", .reason = rows[i].reason});
		matcher = rules_matcher_new(rules);
		for (int c = 1; c < 256; c++) {
			char text[] = {(char)c, 'b', 'c'};
			struct rule_subject subject = {.reason = {text, 3}};
			bool expected = rows[i].first != NULL
			    ? strchr(rows[i].first, c) != NULL
			    : c != 'a' && c != '\n';

			if ((rules_match(rules, matcher, &subject, 0, 0, NULL) == 0) !=
			    expected)
				fail_msg("%s and the byte %d", rows[i].reason, c);
		}
		rules_matcher_free(matcher);
		rules_free(rules);
	}
}

/* More ways to split a text than there are atoms, and none of them ends in b or c. */
static void
hostile_text_ends_at_the_limit(void **state)
{
	struct rules *rules = rules_new();
	struct rules_matcher *matcher;
	struct rule_subject subject;
	struct buf text = {0};
	unsigned hits = 0;

	(void)state;
	add(rules, (struct rule_source){.name = "slow", .reason = "^(?:a|aa)+[bc]$"});
	add(rules,
	    (struct rule_source){.name = "no-jit", .reason = "(*NO_JIT)^(?:a|aa)+[bc]$"});
	add(rules, (struct rule_source){.name = "next", .reason = "^a"});
	matcher = rules_matcher_new(rules);
	for (int i = 0; i < 1000; i++)
		buf_add_char(&text, 'a');
	subject = (struct rule_subject){.reason = {text.data, text.len}};
	assert_int_equal(rules_match(rules, matcher, &subject, 0, 0, &hits), 2);
	assert_int_equal(hits, 2);
	assert_int_equal(rules_match(rules, matcher, &subject, 0, 0, NULL), 2);
	buf_clear(&text);
	rules_matcher_free(matcher);
	rules_free(rules);
}

/* The longest line that is followed, and the form of honest rules. */
static void
long_text_is_no_limit(void **state)
{
	struct rules *rules = rules_new();
	struct rules_matcher *matcher;
	struct rule_subject subject;
	struct buf text = {0};
	unsigned hits = 0;

	(void)state;
	add(rules,
	    (struct rule_source){.name = "host", .reason = "^a[^\\s\\[]+\\[x\\]$"});
	add(rules, (struct rule_source){.name = "middle", .reason = "^a.*: .*[cd]$"});
	add(rules, (struct rule_source){.name = "rest", .reason = "^a(?:a|b).*$"});
	matcher = rules_matcher_new(rules);
	for (int i = 0; i < 65536; i++)
		buf_add_char(&text, 'a');
	subject = (struct rule_subject){.reason = {text.data, text.len}};
	assert_int_equal(rules_match(rules, matcher, &subject, 0, 0, &hits), 2);
	assert_int_equal(hits, 0);
	buf_clear(&text);
	rules_matcher_free(matcher);
	rules_free(rules);
}

static void
no_rules_match_nothing(void **state)
{
	struct rules *rules = rules_new();
	struct rules_matcher *matcher = rules_matcher_new(rules);
	struct rule_subject subject = {REASON("x")};

	(void)state;
	assert_int_equal(rules_match(rules, matcher, &subject, 0, 0, NULL), -1);
	rules_matcher_free(matcher);
	rules_free(rules);
	rules_matcher_free(NULL);
	rules_free(NULL);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		suite_add(
		    pattern_is_refused, &refused[i], "refused: %s", refused[i].name);
	for (size_t i = 0; anchored[i] != NULL; i++)
		suite_add(anchor_is_seen, anchored[i], "%s is anchored", anchored[i]);
	suite_add(name_is_taken_once, NULL, "a name is taken once");
	suite_add(texts_are_copied, NULL, "the texts of a rule are copied");
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++)
		suite_add(first_rule_is, &matches[i], "%s: %s", matches[i].name,
		    matches[i].rule != NULL ? matches[i].rule : "no rule");
	suite_add(matching_goes_on_from_an_index, NULL, "matching goes on from an index");
	suite_add(first_bytes_lose_nothing, NULL, "no match is lost at the first byte");
	suite_add(hostile_text_ends_at_the_limit, NULL,
	    "a text that backtracks without end ends at the limit and is counted");
	suite_add(long_text_is_no_limit, NULL, "64 KiB are no reason to give up");
	suite_add(no_rules_match_nothing, NULL, "without rules nothing matches");
	return suite_run();
}
