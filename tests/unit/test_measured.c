/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/measured.cases: what the servers did, and what that comes to. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/measured.h"

#define HOSTS_MAX 8

struct row {
	struct measured_host hosts[HOSTS_MAX];
	unsigned count;
	bool gone;
	enum level below;
	const char *flows;
	const char *also;
};

static void
die(unsigned line, const char *what, const char *text)
{
	fprintf(stderr, "measured.cases:%u: %s: %s\n", line, what, text);
	exit(2);
}

static bool
take_level(struct measured_host *host, struct str word)
{
	enum answer answer = ANSWER_YES;

	if (word.len == 2 && word.p[1] == '?')
		answer = ANSWER_UNSURE;
	else if (word.len != 1)
		return false;
	switch (word.p[0]) {
	case 'e':
		host->probe.encrypt = answer;
		return true;
	case 'v':
		host->probe.verify = answer;
		return true;
	case 's':
		host->probe.secure = answer;
		return true;
	case 'd':
		host->probe.dane = answer;
		return true;
	default:
		return false;
	}
}

static void
take_word(struct measured_host *host, unsigned line, struct str word)
{
	if (probe_end_parse(word, &host->probe.end) || take_level(host, word))
		return;
	if (str_is(word, "auth"))
		host->probe.auth = true;
	else if (str_is(word, "mandatory"))
		host->promise = PROMISE_TLS;
	else if (str_is(word, "dane"))
		host->promise = PROMISE_DANE;
	else if (!str_eat(&word, STR("past=")) || !level_parse(word, &host->past))
		die(line, "unknown word", word.p);
}

static void
read_hosts(struct row *row, unsigned line, const char *text)
{
	struct str rest = str_of(text), word;

	row->count = 1;
	for (unsigned i = 0; i < HOSTS_MAX; i++) {
		row->hosts[i].name = "mx";
		row->hosts[i].probe.encrypt = ANSWER_NO;
		row->hosts[i].probe.verify = ANSWER_NO;
		row->hosts[i].probe.secure = ANSWER_NO;
		row->hosts[i].probe.dane = ANSWER_NO;
	}
	while (rest.len > 0) {
		if (!str_cut(&rest, ' ', &word)) {
			word = rest;
			rest.len = 0;
		}
		if (str_is(word, "|") && row->count < HOSTS_MAX)
			row->count++;
		else
			take_word(&row->hosts[row->count - 1], line, word);
	}
}

static void
add_word(struct buf *words, bool is, const char *word)
{
	if (is)
		buf_printf(words, "%s%s", words->len > 0 ? " " : "", word);
}

static void
mail_flows(void **state)
{
	const struct row *row = *state;
	struct measured m = measured_of(row->hosts, row->count, row->gone);
	enum level level = measured_strongest(&m, row->below);
	struct buf also = {0};

	assert_string_equal(level == LEVEL_UNKNOWN ? "?" : level_name(level), row->flows);
	add_word(&also, m.answered, "answered");
	add_word(&also, m.awaited, "awaited");
	add_word(&also, m.promised, "promised");
	add_word(&also, m.ours, "ours");
	add_word(&also, m.auth == ANSWER_YES, "auth");
	add_word(&also, m.auth == ANSWER_UNSURE, "auth?");
	add_word(&also, m.meets[row->below] == ANSWER_YES, "met");
	add_word(&also, m.meets[row->below] == ANSWER_UNSURE, "met?");
	assert_string_equal(also.len > 0 ? buf_text(&also) : "-", row->also);
	buf_clear(&also);
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));

	(void)context;
	if (count != 6)
		die(line, "not six columns", fields[0]);
	read_hosts(row, line, fields[0]);
	row->gone = strcmp(fields[1], "yes") == 0;
	if (!level_parse(str_of(fields[2]), &row->below))
		die(line, "no level", fields[2]);
	row->flows = fields[3];
	row->also = fields[4];
	suite_add(mail_flows, row, "row %u: %s", line, fields[5]);
}

int
main(void)
{
	suite_read_table("tests/cases/measured.cases", add_row, NULL);
	return suite_run();
}
