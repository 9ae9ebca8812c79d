/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/cause.cases: what Postfix says of TLS that fails, and its words. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/status.h"

struct row {
	const char *server, *cause, *text;
};

static void
log_row(void **state)
{
	const struct row *row = *state;
	struct fault_line fault;
	struct buf server = {0};
	const char *cause = "-";

	if (fault_parse(str_of(row->text), &fault)) {
		buf_add_str(&server, fault.host);
		if (fault.port != 0)
			buf_printf(&server, ":%u", (unsigned)fault.port);
		cause = cause_name(fault.cause);
	} else {
		buf_printf(&server, "-");
	}
	assert_string_equal(buf_text(&server), row->server);
	assert_string_equal(cause, row->cause);
	buf_clear(&server);
}

static void
reason_row(void **state)
{
	const struct row *row = *state;
	enum cause cause = cause_of_reason(str_of(row->text));

	assert_string_equal(cause_is_told_before(str_of(row->text)) ? "before"
	        : cause == CAUSE_NONE                               ? "-"
	                                                            : cause_name(cause),
	    row->cause);
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));
	bool is_log = count == 4 && strcmp(fields[0], "log") == 0;

	(void)context;
	if (count != 4 || (!is_log && strcmp(fields[0], "reason") != 0)) {
		printf("Bail out! cause.cases:%u\n", line);
		exit(2);
	}
	*row = (struct row){fields[1], fields[2], fields[3]};
	suite_add(is_log ? log_row : reason_row, row, "%u: %s: %s", line, row->cause,
	    row->text);
}

static void
words(void **state)
{
	enum cause again;

	(void)state;
	for (enum cause c = CAUSE_NONE; c < CAUSE_COUNT; c++) {
		assert_true(cause_parse(str_of(cause_name(c)), &again));
		assert_int_equal(again, c);
		assert_true(c == CAUSE_NONE || strlen(cause_sentence(c)) > 10);
	}
	assert_false(cause_parse(STR("Expired"), &again));
	assert_false(cause_is_condition(CAUSE_NONE));
	assert_false(cause_is_condition(CAUSE_TLSA));
	assert_false(cause_is_condition(CAUSE_OTHER));
	assert_true(cause_is_condition(CAUSE_EXPIRED));
}

static void
stands(void **state)
{
	struct host_cause cause = {.cause = CAUSE_EXPIRED, .at_ms = 10, .met_ms = 10};

	(void)state;
	assert_true(host_cause_stands(&cause));
	cause.met_ms = 11;
	assert_false(host_cause_stands(&cause));
	/* A session without a certificate that verifies ends what none had. */
	cause = (struct host_cause){.cause = CAUSE_EXPIRED, .at_ms = 10, .tls_ms = 11};
	assert_true(host_cause_stands(&cause));
	cause.cause = CAUSE_NOT_OFFERED;
	assert_false(host_cause_stands(&cause));
	cause.cause = CAUSE_HANDSHAKE;
	assert_false(host_cause_stands(&cause));
	cause.tls_ms = 10;
	assert_true(host_cause_stands(&cause));
	cause = (struct host_cause){.cause = CAUSE_NONE, .until_ms = 5};
	assert_false(host_cause_stands(&cause));
}

int
main(void)
{
	suite_read_table("tests/cases/cause.cases", add_row, NULL);
	suite_add(words, NULL, "every cause has a word and a sentence");
	suite_add(stands, NULL, "a cause is over once the server verified after it");
	return suite_run();
}
