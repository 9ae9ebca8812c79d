/* SPDX-License-Identifier: BSD-2-Clause */
/* What of rule files is read, and each complaint. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/rulefile.h"
#include "sys/file.h"

static char directory[] = "/tmp/test_rulefile.XXXXXX";

/* All complaints, a line each. */
static char *
joined(const struct errs *errs)
{
	struct buf out = {0};

	for (size_t i = 0; i < errs->count; i++)
		buf_printf(&out, "%s%s", i > 0 ? "\n" : "", errs->lines[i]);
	return buf_take(&out);
}

static void
write_file(const char *name, const char *text)
{
	struct err err;

	if (!file_write(name, str_of(text), &err))
		fail_msg("%s", err.text);
}

/* --- one file, or two, and the complaints ------------ */

#define TOP    "rules:\n"
#define A_RULE "- name: a\n  reason: '^A$'\n  fallback: may\n  examples: ['A']\n"

struct row {
	const char *name;
	const char *a;
	const char *b;          /* NULL: one file */
	const char *complaints; /* "": none */
};

#define CAUSES \
	"is not known here; write self-signed, expired, not-yet-valid, name, issuer, " \
	"handshake, not-offered or refused"

static const struct row rows[] = {
    {"a rule", TOP A_RULE, NULL, ""},
    {"every key",
        TOP "- name: all-1\n  reason: '^A'\n  dsn: '^4'\n  service: smtp\n"
            "  status: deferred\n  dnssec: secure\n  fallback: next\n  alert: yes\n"
            "  fault: ours\n"
            "  examples:\n  - {reason: A, dsn: 4.7.5, service: smtp, status: deferred}\n"
            "  counterexamples: [A, {reason: A, dnssec: insecure}]\n",
        NULL, ""},
    {"an example without a list",
        TOP "- name: a\n  reason: '^A$'\n  fallback: wait\n"
            "  examples: A\n  counterexamples: B\n",
        NULL, ""},
    {"an empty file", "", NULL,
        "a.yaml: no rules; write \"rules:\" and below it a list of rules, each beginning "
        "with \"- name: ...\""},
    {"rules that are no list", "rules: {name: a}\n", NULL,
        "a.yaml:1:8: no rules; write \"rules:\" and below it a list of rules, each "
        "beginning with \"- name: ...\""},
    {"a rule that is no mapping", "rules: [x]\n", NULL,
        "a.yaml:1:9: a rule is a mapping; begin it with \"- name: ...\""},
    {"another key at the top", "rule: 1\n" TOP A_RULE, NULL,
        "a.yaml:1:1: unknown key \"rule\"; did you mean \"rules\"?"},
    {"unknown keys", TOP A_RULE "  fallbak: may\n  priority: 1\n", NULL,
        "a.yaml:6:3: unknown key \"fallbak\"; did you mean \"fallback\"?\n"
        "a.yaml:7:3: unknown key \"priority\"; known here: name, override, reason, dsn, "
        "service, "
        "status, dnssec, fallback, alert, fault, hint, cause, entry, examples, "
        "counterexamples"},
    {"an empty rule", "rules:\n- {}\n", NULL,
        "a.yaml:2:3: a rule without name; give it one that explain and the log can show\n"
        "a.yaml:2:3: a rule without reason; write the pattern of the text in "
        "parentheses\n"
        "a.yaml:2:3: a rule without fallback; write may, encrypt, verify, secure, next "
        "or wait\n"
        "a.yaml:2:3: a rule without examples; give at least one text that it matches"},
    {"values that are not known",
        TOP "- name: a b\n  reason: '^A$'\n  fallback: dane\n"
            "  dnssec: 'yes'\n  alert: maybe\n  fault: theirs\n  examples: [A]\n"
            "- name: c\n  reason: '^C$'\n  fallback: wait\n  entry: pin\n"
            "  examples: [C]\n"
            "- name: d\n  reason: '^D$'\n  fallback: next\n  entry: policy\n"
            "  examples: [D]\n",
        NULL,
        "a.yaml:2:9: name: \"a b\" is no name; use letters, digits and hyphens, 64 at "
        "most\n"
        "a.yaml:4:13: fallback: \"dane\" is no fallback; write may, encrypt, verify, "
        "secure, next or wait\n"
        "a.yaml:5:11: dnssec: \"yes\" is not known here; write secure or insecure, or "
        "leave the key out\n"
        "a.yaml:6:10: alert: \"maybe\" is neither true nor false; write true or false\n"
        "a.yaml:7:10: fault: \"theirs\" is not known here; write ours, or leave the key "
        "out\n"
        "a.yaml:12:10: entry: \"pin\" is not known here; write policy, or leave the key "
        "out\n"
        "a.yaml:17:10: entry: under a policy nothing is weakened; write fallback: wait"},
    {"values of a wrong kind",
        TOP "- name: [a]\n  reason: {x: y}\n  fallback:\n"
            "  dsn: ''\n  examples: [[A]]\n  counterexamples: []\n",
        NULL,
        "a.yaml:2:9: name: a list where a text must be; write it in single quotes\n"
        "a.yaml:3:11: reason: a mapping where a text must be; write it in single quotes\n"
        "a.yaml:4:3: fallback: no value where a text must be; write it in single quotes\n"
        "a.yaml:5:8: dsn: \"\" where a text must be; write it in single quotes\n"
        "a.yaml:6:14: examples: a list where a text must be, or {reason: TEXT, service: "
        "TEXT, ...}\n"
        "a.yaml:7:20: counterexamples: an empty list; write a text"},
    {"a name with a hyphen in front",
        TOP "- name: -a\n  reason: '^A$'\n"
            "  fallback: may\n  examples: [A]\n",
        NULL,
        "a.yaml:2:9: name: \"-a\" is no name; use letters, digits and hyphens, 64 at "
        "most"},
    {"a pattern that does not compile",
        TOP "- name: a\n  reason: '^A(b$'\n"
            "  fallback: may\n  examples: [A]\n",
        NULL,
        "a.yaml:3:11: reason: missing closing parenthesis, at offset 5 of the pattern, "
        "behind \"^A(b$\""},
    {"a pattern for the service that does not compile",
        TOP "- name: a\n  reason: '^A$'\n"
            "  service: '*'\n  fallback: may\n  examples: [A]\n",
        NULL,
        "a.yaml:4:12: service: quantifier does not follow a repeatable item, at offset 0 "
        "of the pattern"},
    {"a pattern without an anchor",
        TOP "- name: a\n  reason: 'not verified'\n"
            "  fallback: may\n  examples: [not verified]\n",
        NULL,
        "a.yaml:3:11: reason: the pattern does not begin with ^ in every alternative, so "
        "a "
        "server could write what it looks for into any reply; write '^...$', or "
        "'^(?:...|...)$'"},
    {"the same name in another file", TOP A_RULE,
        TOP "- name: a\n  reason: '^B$'\n  fallback: may\n  examples: [B]\n",
        "b.yaml:2:9: name: \"a\" is taken by the rule in a.yaml, line 2; choose another, "
        "or write \"override: a\" in the one that is to take the other's place"},
    {"a rule that takes the place of another",
        TOP "- {name: b, override: a, reason: '^B$', fallback: may, examples: [B]}\n",
        TOP A_RULE "- {name: c, reason: '^A', fallback: may, examples: [A]}\n", ""},
    {"the same under its name",
        TOP "- {name: a, override: a, reason: '^B$', fallback: may, examples: [B]}\n",
        TOP A_RULE, ""},
    {"the same without a name",
        TOP "- {override: a, reason: '^B$', fallback: may, examples: [B]}\n", TOP A_RULE,
        ""},
    {"a rule that is off", "disable: [a]\n",
        TOP A_RULE "- {name: c, reason: '^A', fallback: may, examples: [A]}\n", ""},
    {"one is no list", "disable: a\n", TOP A_RULE, ""},
    {"override and disable of a name that nobody has",
        "disable: [b, certificate, A1]\n" TOP
        "- {override: aa, reason: '^B$', fallback: may, examples: [B]}\n",
        TOP "- {name: certificates, reason: '^C', fallback: may, examples: [C]}\n",
        "a.yaml:1:11: disable: there is no rule \"b\"; the names are in b.yaml\n"
        "a.yaml:1:14: disable: there is no rule \"certificate\"; did you mean "
        "\"certificates\"?\n"
        "a.yaml:1:27: disable: there is no rule \"A1\"; the names are in b.yaml\n"
        "a.yaml:3:14: override: there is no rule \"aa\"; the names are in b.yaml"},
    {"override twice, and disable of the same",
        "disable: [a]\n" TOP
        "- {name: b, override: a, reason: '^B$', fallback: may, examples: [B]}\n"
        "- {name: c, override: a, reason: '^C$', fallback: may, examples: [C]}\n",
        TOP A_RULE,
        "a.yaml:1:11: disable: \"a\" is overridden in a.yaml, line 3; remove one\n"
        "a.yaml:4:23: override: \"a\" is overridden in a.yaml, line 3, already; remove "
        "one"},
    {"disable of what is no name", "disable: [[a], {}, ~]\n", TOP A_RULE,
        "a.yaml:1:11: disable: a list where the name of a rule must be; write [NAME, "
        "NAME]\n"
        "a.yaml:1:16: disable: a mapping where the name of a rule must be; write [NAME, "
        "NAME]\n"
        "a.yaml:1:20: disable: no value where the name of a rule must be; write [NAME, "
        "NAME]"},
    {"a sentence as cause", TOP A_RULE "  cause: look there\n", NULL,
        "a.yaml:6:10: cause: a sentence for the alert is called hint; write hint: "
        "instead"},
    {"a cause as condition",
        TOP "- {name: a, reason: '^A$', cause: expired, fallback: wait, examples: [A, "
            "{reason: A, cause: expired}], counterexamples: [{reason: A, cause: name}]}\n"
            "- {name: b, reason: '^A$', fallback: may, examples: [A, {reason: A, cause: "
            "name}], counterexamples: [B]}\n",
        NULL, ""},
    {"a cause that is none of them", TOP A_RULE "  cause: tlsa\n", NULL,
        "a.yaml:6:10: cause: \"tlsa\" " CAUSES},
    {"... of an example",
        TOP "- {name: a, reason: '^A$', fallback: may, examples: [{reason: A, cause: "
            "old}]}\n",
        NULL, "a.yaml:2:73: cause: \"old\" " CAUSES},
    {"a status that no line has", TOP A_RULE "  status: defered\n", NULL,
        "a.yaml:6:11: status: matches neither \"deferred\" nor \"bounced\", and there is "
        "no other that a rule is asked about; correct it, or leave the key out"},
    {"a whole line as example",
        TOP "- name: a\n  reason: '^A$'\n  fallback: may\n  examples:\n"
            "  - 'Nov 24 07:00:00 mail postfix/smtp[1]: 4jYQBx3n2tz1bYNB: to=<a@x.test>, "
            "relay=none, delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (A)'\n"
            "  - {reason: 'status=deferred (A)'}\n",
        NULL,
        "a.yaml:6:5: examples: a whole line of the log; write only the text in the "
        "parentheses at its end\n"
        "a.yaml:7:14: examples: a whole line of the log; write only the text in the "
        "parentheses at its end"},
    {"a rule that is too wide is one complaint",
        TOP "- {name: w, reason: '^', fallback: wait, examples: [x]}\n",
        TOP "- {name: a, reason: '^A$', fallback: may, examples: [A, A, A]}\n"
            "- {name: b, reason: '^B$', fallback: may, examples: [B]}\n",
        "a.yaml:2:21: reason: takes 4 examples of rules behind it, the first of \"a\" "
        "(b.yaml, line 2); make the pattern narrower, or move the rule behind them"},
    {"a rule that matches none of its examples",
        TOP "- {name: a, reason: '^A$', fallback: may, examples: [B, C, D]}\n", NULL,
        "a.yaml:2:54: examples: not matched by its rule \"a\" (and 2 more); correct the "
        "text or the pattern"},
    {"a pattern in double quotes",
        TOP "- name: a\n  reason: \"^host \\S+$\"\n  fallback: may\n", NULL,
        "a.yaml:3:18: a \"\\\" that is none of YAML's in double quotes; use single "
        "quotes, in which patterns stand as they are"},
    {"a byte order mark", "\xef\xbb\xbf" TOP A_RULE, NULL, ""},
    {"complaints of two files", "rules:\n- x\n", "rules:\n- y\n",
        "a.yaml:2:3: a rule is a mapping; begin it with \"- name: ...\"\n"
        "b.yaml:2:3: a rule is a mapping; begin it with \"- name: ...\""},
    {"an example that its rule does not match",
        TOP "- name: a\n  reason: '^A$'\n"
            "  fallback: may\n  examples: [A, AB]\n",
        NULL,
        "a.yaml:5:17: examples: not matched by its rule \"a\"; correct the text or the "
        "pattern"},
    {"an example without the service that its rule wants",
        TOP "- name: a\n"
            "  reason: '^A$'\n  service: '^lmtp$'\n  fallback: may\n  examples: [A]\n",
        NULL,
        "a.yaml:6:14: examples: not matched by its rule \"a\" (dsn, service and status "
        "are "
        "empty unless given); correct the text or the pattern"},
    {"an example that an earlier rule takes",
        TOP A_RULE "- name: b\n  reason: '^[AB]$'\n  fallback: may\n  examples: [B, A]\n",
        NULL,
        "a.yaml:9:17: examples: taken by the rule \"a\" (a.yaml, line 2), which stands "
        "before \"b\"; move one of them, or make the first one narrower"},
    {"an example that a rule of an earlier file takes",
        TOP "- name: b\n  reason: '^.$'\n  fallback: wait\n  examples: [B]\n", TOP A_RULE,
        "b.yaml:5:14: examples: taken by the rule \"b\" (a.yaml, line 2), which stands "
        "before \"a\"; move one of them, or make the first one narrower"},
    {"a rule behind does not take an example", TOP A_RULE,
        TOP "- name: b\n  reason: '^.$'\n  fallback: wait\n  examples: [B]\n", ""},
    {"a rule for signed destinations takes no example that does not say so",
        TOP "- name: s\n  reason: '^A$'\n  dnssec: secure\n  fallback: wait\n"
            "  examples: [A]\n",
        TOP A_RULE, ""},
    {"but one that does",
        TOP "- name: s\n  reason: '^A$'\n  dnssec: secure\n  fallback: wait\n"
            "  examples: [A]\n",
        TOP "- name: a\n  reason: '^A$'\n  fallback: may\n"
            "  examples: [{reason: A, dnssec: secure}]\n",
        "b.yaml:5:14: examples: taken by the rule \"s\" (a.yaml, line 2), which stands "
        "before \"a\"; move one of them, or make the first one narrower"},
    {"a rule for signed destinations behind one for all", TOP A_RULE,
        TOP "- name: s\n  reason: '^A$'\n  dnssec: secure\n  fallback: wait\n"
            "  examples: [A]\n",
        "b.yaml:6:14: examples: taken by the rule \"a\" (a.yaml, line 2), which stands "
        "before \"s\"; move one of them, or make the first one narrower"},
    {"what Postfix puts in front of mail not tried is stripped",
        TOP "- name: a\n"
            "  reason: '^A$'\n  fallback: may\n"
            "  examples: ['delivery temporarily suspended: A']\n",
        NULL, ""},
    {"a counterexample that its rule matches",
        TOP "- name: a\n  reason: '^A'\n"
            "  fallback: may\n  examples: [A]\n  counterexamples:\n  - B\n  - AB\n"
            "  - {reason: AC, dsn: 4.7.5}\n",
        NULL,
        "a.yaml:8:5: counterexamples: matched by its rule \"a\"; make the pattern "
        "narrower\n"
        "a.yaml:9:5: counterexamples: matched by its rule \"a\"; make the pattern "
        "narrower"},
    {"an example with an unknown key and a bad dnssec",
        TOP "- name: a\n  reason: '^A$'\n"
            "  fallback: may\n  examples:\n  - {reason: A, dsm: 4, dnssec: no}\n  - "
            "{dsn: 4}\n",
        NULL,
        "a.yaml:6:17: unknown key \"dsm\"; did you mean \"dsn\"?\n"
        "a.yaml:6:33: dnssec: \"no\" is not known here; write secure or insecure\n"
        "a.yaml:7:5: examples: an example without reason; write reason: 'TEXT'"},
    {"an anchor that is none, since .* follows it",
        TOP "- name: a\n  reason: '^.*bad.*$'\n"
            "  fallback: may\n  examples: [bad]\n",
        NULL,
        "a.yaml:3:11: reason: matches what a server says (\"host ... said: ...\"), which "
        "could lower its own level so; make it narrower, or write fallback: wait"},
    {"a server's words",
        TOP "- name: a\n  reason: '^host [^ ]+ said: 450 bad$'\n  fallback: next\n"
            "  examples: ['host a[b] said: 450 bad']\n",
        NULL,
        "a.yaml:3:11: reason: matches what a server says (\"host ... said: ...\"), which "
        "could lower its own level so; make it narrower, or write fallback: wait"},
    {"its greeting",
        TOP "- name: a\n  reason: '^host .* refused to talk to me: 421 bad$'\n"
            "  fallback: encrypt\n"
            "  examples: ['host a[b] refused to talk to me: 421 bad']\n",
        NULL,
        "a.yaml:3:11: reason: matches what a server says (\"host ... said: ...\"), which "
        "could lower its own level so; make it narrower, or write fallback: wait"},
    {"a server's words, to wait",
        TOP "- name: a\n  reason: '^host [^ ]+ said: 450 bad$'\n  fallback: wait\n"
            "  examples: ['host a[b] said: 450 bad']\n",
        NULL, ""},
    {"the same where nothing is weakened",
        TOP "- name: a\n  reason: '^.*bad.*$'\n"
            "  fallback: wait\n  examples: [bad]\n",
        NULL, ""},
    {"an example on which the pattern gives up",
        TOP "- name: a\n"
            "  reason: '^(?:x|xx)+[ab]$'\n  fallback: may\n  examples: ["
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            "xxxx]\n",
        NULL,
        "a.yaml:5:14: examples: a pattern gave up on this text; simplify that of \"a\", "
        "or "
        "of a rule before it"},
    {"YAML that is broken", "rules:\n- name: 'a\n", NULL,
        "a.yaml:2:9: a quote is opened here and never closed"},
    {"an alias for an example",
        "rules:\n- name: a\n  reason: &r '^A$'\n  fallback: may\n"
        "  examples: *r\n",
        NULL,
        "a.yaml:3:11: anchors (&) are not used here; remove it\n"
        "a.yaml:5:13: aliases (*) are not used here; write the value out, or put the "
        "text "
        "in quotes"},
    {"a key that stands twice", TOP A_RULE "  fallback: wait\n", NULL,
        "a.yaml:6:3: key \"fallback\" stands here twice, first in line 4; remove one"},
};

static void
complaints_are(void **state)
{
	const struct row *row = *state;
	char a[] = "a.yaml", b[] = "b.yaml";
	char *files[] = {a, b};
	struct errs errs = {0};
	struct rules *rules;
	char *text;

	write_file(a, row->a);
	write_file(b, row->b != NULL ? row->b : "");
	rules = rulefile_load(files, row->b != NULL ? 2 : 1, RULEFILE_EXAMPLES, &errs);
	text = joined(&errs);
	assert_string_equal(text, row->complaints);
	assert_int_equal(rules == NULL, errs.count > 0);
	free(text);
	errs_clear(&errs);
	rules_free(rules);
}

static void
meaning_is_read(void **state)
{
	char a[] = "a.yaml";
	char *files[] = {a};
	struct errs errs = {0};
	struct rules *rules;
	const struct rule_source *rule;

	(void)state;
	write_file(a,
	    TOP "- {name: a, reason: '^A$', fallback: encrypt}\n"
	        "- {name: b, reason: '^B$', fallback: next, alert: on}\n"
	        "- {name: c, reason: '^C$', fallback: wait, fault: ours, "
	        "dnssec: insecure, dsn: d, service: s, status: bounced, hint: u}\n");
	rules = rulefile_load(files, 1, RULEFILE_COMPILE, &errs);
	assert_non_null(rules);
	assert_int_equal(rules_count(rules), 3);
	rule = rules_get(rules, 0);
	assert_int_equal(rule->fallback, FALLBACK_LEVEL);
	assert_int_equal(rule->level, LEVEL_ENCRYPT);
	assert_false(rule->alert);
	assert_false(rule->fault_ours);
	assert_int_equal(rule->dnssec, RULE_DNSSEC_ANY);
	assert_null(rule->dsn);
	assert_null(rule->hint);
	rule = rules_get(rules, 1);
	assert_int_equal(rule->fallback, FALLBACK_NEXT);
	assert_true(rule->alert);
	rule = rules_get(rules, 2);
	assert_int_equal(rule->fallback, FALLBACK_WAIT);
	assert_true(rule->fault_ours);
	assert_int_equal(rule->dnssec, RULE_DNSSEC_INSECURE);
	assert_string_equal(rule->dsn, "d");
	assert_string_equal(rule->service, "s");
	assert_string_equal(rule->status, "bounced");
	assert_string_equal(rule->hint, "u");
	rules_free(rules);
}

/* A rule of one's own stands where the shipped one stood. */
static void
overriding_keeps_the_place(void **state)
{
	char a[] = "a.yaml", b[] = "b.yaml";
	char *files[] = {a, b};
	struct errs errs = {0}, notes = {0};
	struct rules *rules;
	char *text;

	(void)state;
	write_file(a,
	    "disable: [three]\n" TOP "- {name: own, reason: '^O$', fallback: may}\n"
	    "- {name: mine, override: two, reason: '^M$', fallback: may}\n");
	write_file(b,
	    TOP "- {name: one, reason: '^1$', fallback: may}\n"
	        "- {name: two, reason: '^2$', fallback: may}\n"
	        "- {name: three, reason: '^3$', fallback: may}\n"
	        "- {name: four, reason: '^4$', fallback: may}\n");
	rules = rulefile_load_noting(files, 2, RULEFILE_COMPILE, &notes, &errs);
	assert_non_null(rules);
	assert_int_equal(rules_count(rules), 4);
	assert_string_equal(rules_get(rules, 0)->name, "own");
	assert_string_equal(rules_get(rules, 1)->name, "one");
	assert_string_equal(rules_get(rules, 2)->name, "mine");
	assert_string_equal(rules_get(rules, 3)->name, "four");
	text = joined(&notes);
	assert_string_equal(text,
	    "a.yaml:4: \"mine\" takes the place of \"two\" (b.yaml, line 3)\n"
	    "a.yaml:1: \"three\" (b.yaml, line 4) is off");
	free(text);
	errs_clear(&notes);
	rules_free(rules);
}

/* The daemon starts with rules whose examples are wrong: mail is at stake, not style. */
static void
daemon_does_without_examples(void **state)
{
	char a[] = "a.yaml";
	char *files[] = {a};
	struct errs errs = {0};
	struct rules *rules;

	(void)state;
	write_file(a, TOP "- {name: a, reason: '^A$', fallback: may, examples: [B]}\n");
	rules = rulefile_load(files, 1, RULEFILE_COMPILE, &errs);
	assert_non_null(rules);
	rules_free(rules);
}

static void
missing_file_is_named(void **state)
{
	char a[] = "nowhere.yaml";
	char *files[] = {a};
	struct errs errs = {0};

	(void)state;
	assert_null(rulefile_load(files, 1, RULEFILE_COMPILE, &errs));
	assert_int_equal(errs.count, 1);
	assert_string_equal(errs.lines[0],
	    "nowhere.yaml: cannot be read: No such file or directory; rules: of the "
	    "configuration, or the command line, names it");
	errs_clear(&errs);
}

static void
too_many_rules_are_refused(void **state)
{
	char a[] = "a.yaml";
	char *files[] = {a};
	struct buf text = {0};
	struct errs errs = {0};

	(void)state;
	buf_printf(&text, TOP);
	for (int i = 0; i < 1001; i++)
		buf_printf(&text, "- {name: r%d, reason: '^A$', fallback: may}\n", i);
	write_file(a, buf_text(&text));
	assert_null(rulefile_load(files, 1, RULEFILE_COMPILE, &errs));
	assert_int_equal(errs.count, 1);
	assert_string_equal(
	    errs.lines[0], "a.yaml:1002:3: more than 1000 rules; leave some out");
	errs_clear(&errs);
	buf_clear(&text);
}

int
main(void)
{
	int status;

	if (mkdtemp(directory) == NULL || chdir(directory) != 0)
		return 99;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(complaints_are, &rows[i], "%s", rows[i].name);
	suite_add(meaning_is_read, NULL, "what a rule says is read");
	suite_add(overriding_keeps_the_place, NULL,
	    "a rule that overrides stands where the other stood, and that is noted");
	suite_add(daemon_does_without_examples, NULL, "the daemon does not try examples");
	suite_add(missing_file_is_named, NULL, "a file that is not there is named");
	suite_add(too_many_rules_are_refused, NULL, "1001 rules are too many");
	status = suite_run();
	unlink("a.yaml");
	unlink("b.yaml");
	if (chdir("/") != 0 || rmdir(directory) != 0)
		return 99;
	return status;
}
