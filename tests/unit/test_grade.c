/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/grade.cases: what a destination is able to. */
#include "suite.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/grade.h"
#include "ladderdefaults.h"

struct row {
	struct grade_settings settings;
	struct ladder_policy policy;
	struct answers answers;
	const char *grade;
	enum level level;
	enum why why;
	bool waits;
};

/* As slow as a setting may make it. */
static const struct ladder_policy patient = {
    .lowest = LEVEL_MAY,
    .may_after_attempts = 1000,
    .may_after_ms = 30 * SPAN_DAY_MS,
    .hold_verify_ms = 365 * SPAN_DAY_MS,
    .hold_encrypt_ms = 365 * SPAN_DAY_MS,
    .hold_may_ms = 365 * SPAN_DAY_MS,
    .recheck_ms = 90 * SPAN_DAY_MS,
    .climb_probes = 10,
    .climb_apart_ms = 7 * SPAN_DAY_MS,
    .dane_withdrawn_ms = 365 * SPAN_DAY_MS,
};

static void
die(unsigned line, const char *what, const char *text)
{
	fprintf(stderr, "grade.cases:%u: %s: %s\n", line, what, text);
	exit(2);
}

static enum level
level_of(unsigned line, struct str text)
{
	enum level level = LEVEL_UNKNOWN;

	if (!str_is(text, "?") && !level_parse(text, &level))
		die(line, "no level", text.p);
	return level;
}

static enum answer
answer_of(unsigned line, struct str text)
{
	if (!str_is(text, "yes") && !str_is(text, "no") && !str_is(text, "unsure"))
		die(line, "no answer", text.p);
	return str_is(text, "yes") ? ANSWER_YES
	    : str_is(text, "no")   ? ANSWER_NO
	                           : ANSWER_UNSURE;
}

static void
read_probes(struct row *row, unsigned line, const char *text)
{
	struct str rest = str_of(text), probe, level;

	if (str_is(rest, "none"))
		return;
	row->answers.probe_asked = true;
	while (rest.len > 0) {
		if (!str_cut(&rest, ',', &probe)) {
			probe = rest;
			rest.len = 0;
		}
		if (!str_cut(&probe, '=', &level))
			die(line, "no probe", text);
		answers_note_server(
		    &row->answers, level_of(line, level), answer_of(line, probe));
	}
}

static void
read_else(struct row *row, unsigned line, const char *text)
{
	struct str rest = str_of(text), word;

	row->settings.can_dane = ANSWER_YES;
	row->answers.other_map = ANSWER_NO;
	row->answers.credentials = ANSWER_NO;
	row->policy = ladder_defaults;
	row->settings.policy = &row->policy;
	if (str_eat(&rest, STR("policy"))) {
		row->answers.sts = STS_APPLIES_ENFORCE;
		row->answers.sts_allows_none = str_eat(&rest, STR("-of-others"));
		if (!str_eat(&rest, STR("-impossible")))
			row->answers.sts_attributes =
			    "match=mx.a.test servername=hostname";
		if (rest.len == 0 || !str_eat(&rest, STR(",")))
			return;
	}
	word = rest;
	if (str_eat(&word, STR("lowest=")))
		row->policy.lowest = level_of(line, word);
	else if (str_is(word, "patient"))
		row->policy = patient;
	else if (str_is(word, "no-dnssec"))
		row->settings.can_dane = ANSWER_NO;
	else if (str_is(word, "no-authorities"))
		row->settings.no_authorities = true;
	else if (str_is(word, "other-map"))
		row->answers.other_map = ANSWER_YES;
	else if (str_is(word, "other-map?"))
		row->answers.other_map = ANSWER_UNSURE;
	else if (!str_is(word, "-"))
		die(line, "unknown word", text);
}

static void
destination_is(void **state)
{
	const struct row *row = *state;
	struct grading got = grade_judge(&row->settings, "a.test", &row->answers);

	assert_string_equal(grade_name(got.grade), row->grade);
	assert_string_equal(level_name(got.level), level_name(row->level));
	assert_string_equal(why_slug(got.why), why_slug(row->why));
	assert_int_equal(got.waits, row->waits);
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));
	struct str why;

	(void)context;
	if (count != 8)
		die(line, "not eight columns", fields[0]);
	row->settings.default_level = level_of(line, str_of(fields[0]));
	if (!dane_state_parse(str_of(fields[1]), &row->answers.dane.state))
		die(line, "no verdict", fields[1]);
	read_probes(row, line, fields[2]);
	read_else(row, line, fields[3]);
	row->grade = fields[4];
	row->level = level_of(line, str_of(fields[5]));
	why = str_of(fields[6]);
	row->waits = why.len > 0 && why.p[why.len - 1] == '!';
	why.len -= row->waits ? 1 : 0;
	if (!why_parse(why, &row->why))
		die(line, "no why", fields[6]);
	suite_add(destination_is, row, "row %u: %s", line, fields[7]);
}

int
main(void)
{
	suite_read_table("tests/cases/grade.cases", add_row, NULL);
	return suite_run();
}
