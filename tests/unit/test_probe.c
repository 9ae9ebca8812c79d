/* SPDX-License-Identifier: BSD-2-Clause */
/* What is made of posttls-word's output: tests/cases/probe.cases. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "postfix/probe.h"

#define CASES_MAX 200

struct row {
	char *name;
	enum level level;
	enum probe_outcome outcome;
	char *found;
	struct buf output;
};

static const char *const outcome_names[] = {
    [PROBE_UNSURE] = "unsure", [PROBE_NO] = "no", [PROBE_YES] = "yes"};

static void
output_means(void **state)
{
	const struct row *row = *state;
	struct err err = {{0}};
	enum probe_outcome outcome = probe_read(
	    (struct str){buf_text(&row->output), row->output.len}, row->level, &err);

	assert_string_equal(err.text, row->found);
	assert_string_equal(outcome_names[outcome], outcome_names[row->outcome]);
}

/* Whatever is cut off, no more is believed than of the whole. */
static void
cut_output_proves_nothing(void **state)
{
	const struct row *row = *state;
	struct err err;

	if (row->outcome == PROBE_YES)
		return;
	for (size_t len = 0; len <= row->output.len; len++) {
		char *exact =
		    len > 0 ? mem_strndup(row->output.data, len) : mem_strdup("");

		assert_int_not_equal(
		    probe_read((struct str){exact, len}, row->level, &err), PROBE_YES);
		free(exact);
	}
}

static void
nothing_printed_is_no_starttls(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(probe_read((struct str){NULL, 0}, LEVEL_VERIFY, &err), PROBE_NO);
	assert_string_equal(err.text, "STARTTLS is not offered");
}

static _Noreturn void
bad(unsigned line)
{
	printf("Bail out! tests/cases/probe.cases:%u\n", line);
	exit(1);
}

static void
read_meaning(struct row *row, char *text, unsigned line)
{
	struct str rest = str_of(text), level, word;

	if (!str_cut(&rest, ' ', &level) || !level_parse(level, &row->level) ||
	    !str_cut(&rest, ' ', &word))
		bad(line);
	while (!str_is(word, outcome_names[row->outcome]))
		if (++row->outcome > PROBE_YES)
			bad(line);
	row->found = mem_strndup(rest.p, rest.len);
}

static size_t
read_cases(struct row *rows)
{
	FILE *f = fopen(suite_path("tests/cases/probe.cases"), "r");
	size_t count = 0, size = 0;
	char *text = NULL;
	ssize_t len;

	if (f == NULL)
		bad(0);
	for (unsigned line = 1; (len = getline(&text, &size, f)) >= 0; line++) {
		struct row *row = count > 0 ? &rows[count - 1] : NULL;

		if (len > 0 && text[len - 1] == '\n')
			text[--len] = '\0';
		if (len == 0 || text[0] == '#')
			continue;
		if (strncmp(text, "= ", 2) == 0 && count < CASES_MAX)
			rows[count++].name = mem_strdup(text + 2);
		else if (strncmp(text, "| ", 2) == 0 && row != NULL && row->found != NULL)
			buf_printf(&row->output, "%s\n", text + 2);
		else if (row != NULL && row->found == NULL)
			read_meaning(row, text, line);
		else
			bad(line);
	}
	free(text);
	fclose(f);
	return count;
}

int
main(void)
{
	static struct row rows[CASES_MAX];
	size_t count = read_cases(rows);
	int status;

	for (size_t i = 0; i < count; i++) {
		suite_add(output_means, &rows[i], "%s", rows[i].name);
		suite_add(
		    cut_output_proves_nothing, &rows[i], "cut short: %s", rows[i].name);
	}
	suite_add(nothing_printed_is_no_starttls, NULL, "nothing printed: no STARTTLS");
	status = suite_run();
	for (size_t i = 0; i < count; i++) {
		free(rows[i].name);
		free(rows[i].found);
		buf_clear(&rows[i].output);
	}
	return status;
}
