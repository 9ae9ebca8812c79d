/* SPDX-License-Identifier: BSD-2-Clause */
/* Genuine logs, and how another parser reads them. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/logline.h"
#include "core/status.h"

/* One line of a log, and how another parser reads it. */
struct genuine {
	unsigned line;
	const char *text;
	char *fields[10]; /* of the .tsv, NULL: no status line */
	bool refused;     /* by its header kind, on purpose */
};

static char **
read_lines(const char *name, size_t *count)
{
	const char *path = suite_path(name);
	FILE *f = fopen(path, "re");
	char **lines = NULL, *line = NULL;
	size_t size = 0;
	ssize_t len;

	*count = 0;
	if (f == NULL) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(2);
	}
	while ((len = getline(&line, &size, f)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		lines = mem_array(lines, *count + 1, sizeof(*lines));
		lines[(*count)++] = suite_keep(line);
		line = NULL;
		size = 0;
	}
	free(line);
	fclose(f);
	return suite_keep(lines);
}

static void
cut_fields(char *row, char **fields, size_t max)
{
	for (size_t i = 0; i < max; i++)
		fields[i] = strsep(&row, "\t");
}

/* The corpus: line queue_id recipient domain relay dsn status reason rule */
static void
corpus_line_is(void **state)
{
	const struct genuine *g = *state;
	struct logline line;
	struct status_line s;
	bool ok = logline_split(str_of(g->text), &line) && status_parse(line.text, &s);

	assert_int_equal(ok, g->fields[0] != NULL);
	if (!ok)
		return;
	assert_true(str_is(s.queue_id, g->fields[1]));
	assert_true(str_is(s.recipient, g->fields[2]));
	assert_true(str_is(s.domain, g->fields[3]));
	assert_true(str_is(s.relay, g->fields[4]));
	assert_true(str_is(s.dsn, g->fields[5]));
	assert_true(str_is(s.status_word, g->fields[6]));
	assert_true(str_is(s.reason, g->fields[7]));
}

static void
corpus_others_are_refused(void **state)
{
	const struct genuine *lines = *state;

	for (const struct genuine *g = lines; g->text != NULL; g++) {
		struct logline line;
		struct status_line s;

		if (g->fields[0] == NULL)
			assert_false(logline_split(str_of(g->text), &line) &&
			    status_parse(line.text, &s));
	}
}

static void
add_corpus(const char *log, const char *expected)
{
	size_t line_count, row_count;
	char **lines = read_lines(log, &line_count),
	     **rows = read_lines(expected, &row_count);
	struct genuine *all = mem_new(line_count + 1, sizeof(*all));

	for (size_t i = 0; i < line_count; i++)
		all[i] = (struct genuine){.line = (unsigned)i + 1, .text = lines[i]};
	for (size_t i = 1; i < row_count; i++) {
		char *fields[10] = {NULL};
		size_t line;

		cut_fields(rows[i], fields, 9);
		line = strtoul(fields[0], NULL, 10);
		if (line == 0 || line > line_count)
			exit(2);
		memcpy(all[line - 1].fields, fields, sizeof(fields));
		suite_add(
		    corpus_line_is, &all[line - 1], "%s:%zu to %s", log, line, fields[3]);
	}
	suite_add(
	    corpus_others_are_refused, all, "%s: no other line is a status line", log);
}

/* The published lines: line source class domain dsn status reason header */
static void
published_line_is(void **state)
{
	const struct genuine *g = *state;
	struct logline line;
	struct status_line s;
	bool ok = logline_split(str_of(g->text), &line) && status_parse(line.text, &s);

	assert_int_equal(
	    ok, strcmp(g->fields[2], "not-a-status-line") != 0 && !g->refused);
	if (!ok)
		return;
	assert_true(str_is(s.domain, g->fields[3]));
	assert_true(str_is(s.dsn, g->fields[4]));
	assert_true(str_is(s.status_word, g->fields[5]));
	assert_true(str_is(s.reason, g->fields[6]));
}

static void
add_published(void)
{
	size_t line_count, row_count;
	char **lines = read_lines("tests/logs/wild/lines.log", &line_count);
	char **rows = read_lines("tests/logs/wild/lines.tsv", &row_count);
	struct genuine *all = mem_new(line_count, sizeof(*all));

	if (row_count != line_count + 1)
		exit(2);
	for (size_t i = 0; i < line_count; i++) {
		struct genuine *g = &all[i];

		*g = (struct genuine){.line = (unsigned)i + 1, .text = lines[i]};
		cut_fields(rows[i + 1], g->fields, 8);
		/* A line inside another program's text, and a stamp that no logger
		 * writes: tests/logs/wild/refused.txt says why. */
		g->refused = strcmp(g->fields[7], "nested") == 0 ||
		    strcmp(g->fields[7], "epoch-pipes") == 0;
		suite_add(published_line_is, g, "published line %u is %s (%s)", g->line,
		    g->fields[2], g->fields[7]);
	}
}

static void
fragment_is_no_deferral(void **state)
{
	struct logline line;
	struct status_line s;

	assert_false(logline_split(str_of(*state), &line) &&
	    status_parse(line.text, &s) && s.status == DELIVERY_DEFERRED);
}

static void
add_fragments(void)
{
	size_t count;
	char **rows = read_lines("tests/logs/wild/fragments.tsv", &count);

	for (size_t i = 1; i < count; i++) {
		char *fields[3];

		cut_fields(rows[i], fields, 3);
		suite_add(
		    fragment_is_no_deferral, fields[2], "fragment %zu is no deferral", i);
	}
}

int
main(void)
{
	add_corpus("tests/logs/corpus/verify-maillog.log",
	    "tests/logs/corpus/verify-maillog.expected.tsv");
	add_corpus("tests/logs/corpus/verify-syslog.log",
	    "tests/logs/corpus/verify-syslog.expected.tsv");
	add_corpus("tests/logs/corpus/dane-only-rfc3339.log",
	    "tests/logs/corpus/dane-only-rfc3339.expected.tsv");
	add_published();
	add_fragments();
	return suite_run();
}
