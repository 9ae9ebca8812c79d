/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules that are shipped: their examples, and lines that Postfix wrote. */
#include "suite.h"

#include <stdlib.h>

#include "conf/rulefile.h"

static struct rules *
load_shipped(const char *first, const char *second)
{
	char *files[] = {(char *)(uintptr_t)suite_path(first),
	    second != NULL ? (char *)(uintptr_t)suite_path(second) : NULL};
	struct errs errs = {0};
	struct rules *rules =
	    rulefile_load(files, second != NULL ? 2 : 1, RULEFILE_EXAMPLES, &errs);

	for (size_t i = 0; i < errs.count; i++)
		print_message("# %s\n", errs.lines[i]);
	errs_clear(&errs);
	free(files[0]);
	free(files[1]);
	return rules;
}

static void
shipped_rules_prove_themselves(void **state)
{
	struct rules *rules = load_shipped("rules/postfix.yaml", NULL);

	(void)state;
	assert_non_null(rules);
	rules_free(rules);
	rules = load_shipped("rules/strict.yaml", "rules/postfix.yaml");
	assert_non_null(rules);
	assert_int_equal(rules_get(rules, 0)->dnssec, RULE_DNSSEC_SECURE);
	rules_free(rules);
}

/* Field number n (from 0) of a line of a table with tabs, without its newline. */
static struct str
field(const char *line, unsigned n)
{
	struct str rest = str_of(line), value;

	if (rest.len > 0 && rest.p[rest.len - 1] == '\n')
		rest.len--;
	while (n-- > 0)
		assert_true(str_cut(&rest, '\t', &value));
	return str_cut(&rest, '\t', &value) ? value : rest;
}

/* line, queue_id, recipient, domain, relay, dsn, status, reason, rule */
static void
logged_reasons_find_their_rule(void **state)
{
	struct rules *rules = load_shipped("rules/postfix.yaml", NULL);
	struct rules_matcher *matcher;
	char *path = (char *)(uintptr_t)suite_path(*state), *line = NULL;
	FILE *f = fopen(path, "re");
	size_t size = 0, rows_seen = 0;

	assert_non_null(rules);
	assert_non_null(f);
	matcher = rules_matcher_new(rules);
	assert_true(getline(&line, &size, f) > 0);
	while (getline(&line, &size, f) > 0) {
		struct rule_subject subject = {.reason = field(line, 7),
		    .dsn = field(line, 5),
		    .status = field(line, 6),
		    .service = STR("smtp")};
		struct str expected = field(line, 8);
		int index;

		str_eat(&subject.reason, STR("delivery temporarily suspended: "));
		index = rules_match(rules, matcher, &subject, 0, RULE_DNSSEC_ANY, NULL);
		if (!str_is(
		        expected, index < 0 ? "" : rules_get(rules, (size_t)index)->name))
			fail_msg("%s", line);
		rows_seen++;
	}
	assert_true(rows_seen > 100);
	free(line);
	free(path);
	fclose(f);
	rules_matcher_free(matcher);
	rules_free(rules);
}

int
main(void)
{
	suite_add(
	    shipped_rules_prove_themselves, NULL, "the shipped rules prove themselves");
	suite_add(logged_reasons_find_their_rule,
	    "tests/logs/corpus/verify-maillog.expected.tsv", "reasons at verify");
	suite_add(logged_reasons_find_their_rule,
	    "tests/logs/corpus/dane-only-rfc3339.expected.tsv", "reasons at dane-only");
	return suite_run();
}
