/* SPDX-License-Identifier: BSD-2-Clause */
/* A parsed line of each kind that is moved to a copy of its text. */
#include "suite.h"

#include <string.h>

#include "core/parsed.h"

static const struct row {
	const char *name;
	enum parsed_kind kind;
	const char *line;
} rows[] = {
    {"a status line", PARSED_STATUS,
        "Mar  1 00:21:30 mail postfix/relay/smtp[42]: 4j9B01zC9F: to=<a@b.example>, "
        "orig_to=<c@b.example>, relay=mx.b.example[192.0.2.1]:25, conn_use=2, "
        "delay=0.64, delays=0.02/0.01/1.4/0.2, tls=verify, dsn=4.7.5, "
        "status=deferred (delivery temporarily suspended: Server certificate not "
        "verified)"},
    {"a session", PARSED_SESSION,
        "Mar  1 00:21:30 mail postfix/smtp[42]: Verified TLS connection established to "
        "mx.b.example[192.0.2.1]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384"},
    {"a policy look-up", PARSED_POLICY,
        "Mar  1 00:21:30 mail postfix/smtp[42]: warning: TLS policy lookup for "
        "b.example/mx.b.example: no TLSA records found"},
    {"a message that expired", PARSED_EXPIRY,
        "Mar  1 00:21:30 mail postfix/qmgr[42]: 4j9B01zC9F: from=<a@b.example>, "
        "status=expired, returned to sender"},
    {"what failed with a server", PARSED_FAULT,
        "Mar  1 00:21:30 mail postfix/smtp[42]: SSL_connect error to "
        "mx.b.example[192.0.2.1]:25: -1"},
    {"a reason to go on to the next server", PARSED_REASON,
        "Mar  1 00:21:30 mail postfix/smtp[42]: 4j9B01zC9F: TLS is required, but was "
        "not offered by host mx.b.example[192.0.2.1]"},
    {"a start", PARSED_START,
        "Mar  1 00:21:30 mail postfix/master[42]: daemon started -- version 3.7.11, "
        "configuration /etc/postfix"},
};

static void
parse(const char *text, struct parsed *out)
{
	struct logline split;

	memset(out, 0, sizeof(*out));
	assert_true(logline_split(str_of(text), &split));
	assert_true(parsed_from(&split, out));
}

/* All of its slices: one that was forgotten is of the old place. */
static void
moved_line_is_as_if_parsed_there(void **state)
{
	const struct row *row = *state;
	static char from[512], to[512];
	struct parsed moved, there;

	assert_true(str_copy(str_of(row->line), from, sizeof(from)));
	assert_true(str_copy(str_of(row->line), to, sizeof(to)));
	parse(from, &moved);
	parse(to, &there);
	assert_int_equal(moved.kind, row->kind);
	parsed_move(&moved, from, to);
	assert_memory_equal(&moved, &there, sizeof(moved));
}

static void
moved_strange_line_is_as_if_parsed_there(void **state)
{
	static const char text[] = "4j9B01zC9F: to=<a@b.example>, relay=none, delay=1, "
	                           "status=odd";
	struct parsed moved;
	char to[sizeof(text)];

	(void)state;
	memcpy(to, text, sizeof(text));
	assert_true(
	    parsed_from_strange((struct str){text, sizeof(text) - 1}, NULL, &moved));
	parsed_move(&moved, text, to);
	assert_ptr_equal(moved.text.p, to);
	assert_int_equal(moved.text.len, sizeof(text) - 1);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(moved_line_is_as_if_parsed_there, &rows[i],
		    "%s is moved: it is as if it had been parsed there", rows[i].name);
	suite_add(moved_strange_line_is_as_if_parsed_there, NULL,
	    "a line that was not understood is moved");
	return suite_run();
}
