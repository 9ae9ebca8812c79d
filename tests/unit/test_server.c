/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/merge.cases, and what one connection tells to several destinations. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/server.h"

/* --- two answers ------------------------------------------------------------------- */

struct row {
	struct probe a, b;
	const char *both;
};

static void
die(unsigned line, const char *what)
{
	fprintf(stderr, "merge.cases:%u: %s\n", line, what);
	exit(2);
}

static bool
take_level(struct probe *probe, struct str word)
{
	enum answer *const levels[] = {
	    &probe->encrypt, &probe->verify, &probe->secure, &probe->dane};
	const char *at = word.len > 0 ? strchr("evsd", word.p[0]) : NULL;

	if (at == NULL || word.len > 2 || (word.len == 2 && word.p[1] != '?'))
		return false;
	*levels[at - strchr("evsd", 'e')] = word.len == 2 ? ANSWER_UNSURE : ANSWER_YES;
	return true;
}

static struct probe
read_probe(const char *text, unsigned line)
{
	struct probe probe = {.encrypt = ANSWER_NO,
	    .verify = ANSWER_NO,
	    .secure = ANSWER_NO,
	    .dane = ANSWER_NO};
	struct str rest = str_of(text), word;

	while (rest.len > 0) {
		if (!str_cut(&rest, ' ', &word)) {
			word = rest;
			rest.len = 0;
		}
		if (str_is(word, "auth"))
			probe.auth = true;
		else if (!take_level(&probe, word) && !probe_end_parse(word, &probe.end))
			die(line, "unknown word");
	}
	return probe;
}

static void
add_answer(struct buf *out, char level, enum answer answer)
{
	if (answer != ANSWER_NO)
		buf_printf(out, " %c%s", level, answer == ANSWER_UNSURE ? "?" : "");
}

static void
show(const struct probe *probe, struct buf *out)
{
	buf_printf(out, "%s", probe_end_name(probe->end));
	if (probe->end == PROBE_TLS || probe->end == PROBE_BROKEN)
		add_answer(out, 'e', probe->encrypt);
	if (probe->end == PROBE_TLS) {
		add_answer(out, 'v', probe->verify);
		add_answer(out, 's', probe->secure);
		add_answer(out, 'd', probe->dane);
	}
	if (probe->auth)
		buf_printf(out, " auth");
}

static void
assert_probe(const struct probe *probe, const char *expected)
{
	struct buf text = {0};

	show(probe, &text);
	assert_string_equal(buf_text(&text), expected);
	buf_clear(&text);
}

static void
answers_are_merged(void **state)
{
	const struct row *row = *state;
	struct probe one = probe_merge(&row->a, &row->b);
	struct probe other = probe_merge(&row->b, &row->a);

	assert_probe(&one, row->both);
	assert_probe(&other, row->both);
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));

	(void)context;
	if (count != 4)
		die(line, "not four columns");
	row->a = read_probe(fields[0], line);
	row->b = read_probe(fields[1], line);
	row->both = fields[2];
	suite_add(answers_are_merged, row, "row %u: %s", line, fields[3]);
}

static void
when_and_why(void **state)
{
	struct probe a = {.end = PROBE_TLS, .begun_ms = 20, .cause = CAUSE_NONE};
	struct probe b = {.end = PROBE_TLS, .begun_ms = 10, .cause = CAUSE_ISSUER};
	struct probe none = {.end = PROBE_SILENT};

	(void)state;
	assert_int_equal(probe_merge(&a, &b).begun_ms, 10);
	assert_int_equal(probe_merge(&b, &a).begun_ms, 10);
	assert_int_equal(probe_merge(&a, &none).begun_ms, 20);
	assert_int_equal(probe_merge(&none, &a).begun_ms, 20);
	assert_int_equal(probe_merge(&a, &b).cause, CAUSE_ISSUER);
	assert_int_equal(probe_merge(&b, &a).cause, CAUSE_ISSUER);
}

/* --- one server, several destinations ---------------------------------------------- */

static const struct server_rules rules = {
    .verify = "hostname", .secure = "nexthop, dot-nexthop"};

static struct server
server_with(enum answer chain, const char *names, enum cause cause)
{
	struct server server = {
	    .probe = {.end = PROBE_TLS, .encrypt = ANSWER_YES, .cause = cause},
	    .chain = chain,
	    .leaf = "AA"};

	str_copy(str_of(names), server.names, sizeof(server.names));
	return server;
}

static const struct destination_row {
	const char *name;
	enum answer chain;
	const char *names;
	enum cause cause;
	const char *host, *nexthop;
	const char *probe;
	enum cause why;
} destinations[] = {
    {"host and destination are named", ANSWER_YES, "mx.a.test a.test", CAUSE_NONE,
        "mx.a.test", "a.test", "tls e v s d?", CAUSE_NONE},
    {"hosted: the host alone", ANSWER_YES, "mx.host.test", CAUSE_NONE, "mx.host.test",
        "a.test", "tls e v d?", CAUSE_NAME},
    {"the destination alone", ANSWER_YES, "mail.a.test", CAUSE_NAME, "mx.host.test",
        "a.test", "tls e s d?", CAUSE_NAME},
    {"another destination of the same host", ANSWER_YES, "mx.a.test a.test", CAUSE_NONE,
        "mx.a.test", "b.test", "tls e v d?", CAUSE_NAME},
    {"nobody of them", ANSWER_YES, "x.test", CAUSE_NAME, "mx.a.test", "a.test",
        "tls e d?", CAUSE_NAME},
    {"a chain that is bad, whatever the names", ANSWER_NO, "mx.a.test a.test",
        CAUSE_SELF_SIGNED, "mx.a.test", "a.test", "tls e d?", CAUSE_SELF_SIGNED},
    {"a chain that is not known", ANSWER_UNSURE, "mx.a.test", CAUSE_NAME, "mx.a.test",
        "b.test", "tls e v? d?", CAUSE_NAME},
    {"names that are not all known", ANSWER_YES, "mx.a.test ...", CAUSE_NONE, "mx.a.test",
        "b.test", "tls e v s? d?", CAUSE_NONE},
};

static void
one_destination(void **state)
{
	const struct destination_row *row = *state;
	struct server server = server_with(row->chain, row->names, row->cause);
	struct probe probe = server_probe(&server, &rules, row->host, row->nexthop);

	assert_probe(&probe, row->probe);
	assert_int_equal(probe.cause, row->why);
}

static void
literal_address(void **state)
{
	struct server server = server_with(ANSWER_YES, "", CAUSE_NONE);
	struct probe probe;

	(void)state;
	server.probe.verify = ANSWER_YES;
	server.probe.secure = ANSWER_YES;
	probe = server_probe(&server, &rules, "192.0.2.1", "192.0.2.1");
	assert_probe(&probe, "tls e v s d?");
}

/* Of the host alone, as a canary: that it names no next-hop is no fault. */
static void
of_no_destination(void **state)
{
	struct server server = server_with(ANSWER_YES, "mx.a.test", CAUSE_NONE);
	struct probe probe = server_probe(&server, &rules, "mx.a.test", "");

	(void)state;
	assert_int_equal(probe.verify, ANSWER_YES);
	assert_int_equal(probe.secure, ANSWER_UNSURE);
	assert_int_equal(probe.cause, CAUSE_NONE);
	probe = server_probe(&server, &rules, "mx.b.test", "");
	assert_int_equal(probe.verify, ANSWER_NO);
	assert_int_equal(probe.cause, CAUSE_NAME);
}

static void
without_session(void **state)
{
	struct server server = {
	    .probe = {.end = PROBE_PLAIN, .cause = CAUSE_NOT_OFFERED}};
	struct probe probe = server_probe(&server, &rules, "mx.a.test", "a.test");

	(void)state;
	assert_probe(&probe, "plain");
	assert_int_equal(probe.cause, CAUSE_NOT_OFFERED);
}

/* --- addresses of one host --------------------------------------------------------- */

static void
same_certificate(void **state)
{
	struct server a = server_with(ANSWER_YES, "mx.a.test", CAUSE_NONE);
	struct server both = server_merge(&a, &a);

	(void)state;
	assert_memory_equal(&both, &a, sizeof(a));
}

static void
other_certificate(void **state)
{
	struct server a = server_with(ANSWER_YES, "mx.a.test b.test", CAUSE_NONE);
	struct server b = server_with(ANSWER_YES, "mx.a.test", CAUSE_NONE);
	struct server both;
	struct probe probe;

	(void)state;
	b.leaf[0] = 'B';
	both = server_merge(&a, &b);
	assert_string_equal(both.leaf, "");
	probe = server_probe(&both, &rules, "mx.a.test", "b.test");
	assert_probe(&probe, "tls e v s? d?");
	b.chain = ANSWER_NO;
	both = server_merge(&a, &b);
	probe = server_probe(&both, &rules, "mx.a.test", "b.test");
	assert_probe(&probe, "tls e v? s? d?");
}

static void
address_without_answer(void **state)
{
	struct server a = server_with(ANSWER_YES, "mx.a.test", CAUSE_NONE);
	struct server silent = {.probe = {.end = PROBE_SILENT, .begun_ms = 5}};
	struct server both = server_merge(&silent, &a);

	(void)state;
	assert_string_equal(both.names, "mx.a.test");
	assert_int_equal(both.chain, ANSWER_YES);
	assert_int_equal(both.probe.begun_ms, 5);
	both = server_merge(&a, &silent);
	assert_string_equal(both.names, "mx.a.test");
	assert_int_equal(both.probe.end, PROBE_TLS);
}

static void
address_without_tls(void **state)
{
	struct server a = server_with(ANSWER_YES, "mx.a.test", CAUSE_NONE);
	struct server plain = {.probe = {.end = PROBE_PLAIN}};
	struct server both[2];

	(void)state;
	both[0] = server_merge(&plain, &a);
	both[1] = server_merge(&a, &plain);
	for (int i = 0; i < 2; i++) {
		struct probe probe =
		    server_probe(&both[i], &rules, "mx.a.test", "a.test");

		assert_probe(&probe, "tls e? v? s? d?");
	}
	a.chain = ANSWER_NO;
	both[0] = server_merge(&plain, &a);
	both[1] = server_merge(&a, &plain);
	for (int i = 0; i < 2; i++) {
		struct probe probe =
		    server_probe(&both[i], &rules, "mx.a.test", "a.test");

		assert_probe(&probe, "tls e? d?");
	}
}

int
main(void)
{
	suite_read_table("tests/cases/merge.cases", add_row, NULL);
	suite_add(when_and_why, NULL, "the earlier begin, and a cause");
	for (size_t i = 0; i < sizeof(destinations) / sizeof(destinations[0]); i++)
		suite_add(one_destination, &destinations[i], "%s", destinations[i].name);
	suite_add(literal_address, NULL, "a literal address was asked for by itself");
	suite_add(of_no_destination, NULL, "a server alone fails for no next-hop's name");
	suite_add(without_session, NULL, "without a session names do not matter");
	suite_add(same_certificate, NULL, "addresses with the same certificate are one");
	suite_add(
	    other_certificate, NULL, "addresses with other certificates are unsure");
	suite_add(address_without_answer, NULL, "an address that is silent says nothing");
	suite_add(address_without_tls, NULL, "an address without TLS beside one with it");
	return suite_run();
}
