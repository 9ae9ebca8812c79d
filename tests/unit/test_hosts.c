/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/hosts.cases: when an MX host is asked; and the table of them. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "base/str.h"
#include "engine/hosts.h"

#define WALL_MS (INT64_C(1795483619) * 1000)
#define MONO_MS 1000000

struct row {
	struct host_asked known;
	struct host_asked asking;
	struct host_need need;
	const char *turn;
};

static void
die(unsigned line, const char *what, const char *text)
{
	fprintf(stderr, "hosts.cases:%u: %s: %s\n", line, what, text);
	exit(2);
}

static struct str
next_word(struct str *rest)
{
	struct str word;

	if (str_cut(rest, ' ', &word))
		return word;
	word = *rest;
	rest->len = 0;
	return word;
}

static int64_t
seconds(struct str word, unsigned line)
{
	uint64_t value;

	if (!str_number(word, 100000, &value))
		die(line, "no number", word.p);
	return (int64_t)value * SPAN_SECOND_MS;
}

static struct host_asked
read_asked(const char *text, unsigned line)
{
	struct str rest = str_of(text), word = next_word(&rest);
	struct host_asked asked = {.there = true};
	int64_t ago_ms, took_ms = 0;

	if (str_is(word, "never") || str_is(word, "no"))
		return (struct host_asked){.there = false};
	ago_ms = seconds(word, line);
	asked.begun =
	    (struct host_time){.wall_ms = WALL_MS - ago_ms, .mono_ms = MONO_MS - ago_ms};
	while (rest.len > 0) {
		word = next_word(&rest);
		if (str_is(word, "silent"))
			asked.silent = true;
		else if (str_is(word, "dane"))
			asked.dane = true;
		else if (str_is(word, "took"))
			took_ms = seconds(next_word(&rest), line);
		else if (str_is(word, "after"))
			asked.silences =
			    (unsigned)(seconds(next_word(&rest), line) / SPAN_SECOND_MS);
		else if (str_is(word, "clock"))
			asked.begun.wall_ms += SPAN_HOUR_MS;
		else if (!str_is(word, "tells"))
			die(line, "unknown word", word.p);
	}
	asked.ended_ms = asked.begun.mono_ms + took_ms;
	return asked;
}

static struct host_need
read_need(const char *text, unsigned line)
{
	struct str rest = str_of(text), word = next_word(&rest);
	struct host_need need = {.dane = str_is(rest, "dane")};

	if (!str_is(word, "ever"))
		need.attempt_ms = WALL_MS - seconds(word, line);
	return need;
}

static void
turn_is(void **state)
{
	static const struct host_time now = {.wall_ms = WALL_MS, .mono_ms = MONO_MS};
	const struct row *row = *state;
	int64_t at_ms = 0;
	char text[32];

	switch (host_turn(&row->known, &row->asking, &row->need, &now, &at_ms)) {
	case HOST_SERVES:
		assert_string_equal("serves", row->turn);
		break;
	case HOST_IS_ASKED:
		assert_string_equal("wait", row->turn);
		break;
	case HOST_ASK:
		assert_string_equal("ask", row->turn);
		break;
	default:
		snprintf(text, sizeof(text), "%lld",
		    (long long)(at_ms - MONO_MS) / SPAN_SECOND_MS);
		assert_string_equal(text, row->turn);
	}
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));

	(void)context;
	if (count != 5)
		die(line, "not five columns", fields[0]);
	row->known = read_asked(fields[0], line);
	row->asking = read_asked(fields[1], line);
	row->need = read_need(fields[2], line);
	row->turn = fields[3];
	suite_add(turn_is, row, "row %u: %s", line, fields[4]);
}

/* --- the table --------------------------------------------------------------------- */

static const struct server_rules rules = {
    .verify = "hostname", .secure = "nexthop, dot-nexthop"};
static const struct host_time now = {.wall_ms = WALL_MS, .mono_ms = MONO_MS};

static struct server
verifying(const char *name)
{
	struct server server = {.chain = ANSWER_YES,
	    .probe = {.end = PROBE_TLS, .encrypt = ANSWER_YES, .dane = ANSWER_NO}};

	names_add(server.names, str_of(name));
	return server;
}

static struct host_past
news_of(const struct host *host)
{
	return host_news(host, &rules, LEVEL_VERIFY);
}

static void
one_host_a_name_and_port(void **state)
{
	struct hosts *hosts = hosts_new();
	struct host *host = hosts_get(hosts, "mx.a.test", 25);

	(void)state;
	assert_ptr_equal(hosts_get(hosts, "mx.a.test", 25), host);
	assert_ptr_not_equal(hosts_get(hosts, "mx.a.test", 2525), host);
	assert_ptr_not_equal(hosts_get(hosts, "mx.b.test", 25), host);
	hosts_free(hosts);
}

static void
all_addresses_make_one_answer(void **state)
{
	struct hosts *hosts = hosts_new();
	struct host *host = hosts_get(hosts, "mx.a.test", 25);
	struct server good = verifying("mx.a.test");
	struct server plain = {.probe = {.end = PROBE_PLAIN}};
	struct probe probe;

	(void)state;
	host_begin(host, 3, false, &now);
	assert_false(host_answered(host, NULL, MONO_MS)); /* it could not be asked */
	assert_false(host_answered(host, &good, MONO_MS));
	assert_false(host->known.there);
	assert_true(host_answered(host, &good, MONO_MS));
	assert_true(host->known.there && !host->known.silent && !host->asking.there);
	assert_int_equal(host->answer->probe.begun_ms, WALL_MS);
	assert_int_equal(news_of(host).verify_ms, WALL_MS);
	assert_int_equal(news_of(host).proven_ms, WALL_MS);
	assert_int_equal(news_of(host).failed_ms, 0);
	assert_int_equal(host_cause_news(host, &rules).cause, CAUSE_NONE);
	/* They disagree: nothing is sure, and neither did it fail. */
	host_begin(host, 2, false, &now);
	assert_false(host_answered(host, &good, MONO_MS));
	assert_true(host_answered(host, &plain, MONO_MS));
	probe = server_probe(host->answer, &rules, "mx.a.test", "a.test");
	assert_int_equal(probe.verify, ANSWER_UNSURE);
	assert_int_equal(news_of(host).verify_ms, 0);
	assert_int_equal(news_of(host).failed_ms, 0);
	host_begin(host, 1, false, &now);
	assert_true(host_answered(host, NULL, MONO_MS));
	assert_true(host->known.silent);
	assert_int_equal(news_of(host).encrypt_ms, 0);
	hosts_free(hosts);
}

struct news {
	const char *what;
	struct probe probe;
	enum answer chain;
	enum level wanted;
	const char *is; /* a letter each: encrypt, verify (and proven), dane, failed */
};

static const struct news news[] = {
    {"verified", {.end = PROBE_TLS, .encrypt = ANSWER_YES, .dane = ANSWER_NO}, ANSWER_YES,
        LEVEL_VERIFY, "ev"},
    {"a bad certificate", {.end = PROBE_TLS, .encrypt = ANSWER_YES, .dane = ANSWER_NO},
        ANSWER_NO, LEVEL_VERIFY, "ef"},
    {"a bad certificate that nobody asks for",
        {.end = PROBE_TLS, .encrypt = ANSWER_YES, .dane = ANSWER_NO}, ANSWER_NO,
        LEVEL_ENCRYPT, "e"},
    {"TLSA matched, and no certificate",
        {.end = PROBE_TLS, .encrypt = ANSWER_YES, .dane = ANSWER_YES}, ANSWER_NO,
        LEVEL_VERIFY, "ed"},
    {"no TLS", {.end = PROBE_PLAIN}, ANSWER_UNSURE, LEVEL_VERIFY, "f"},
    {"no TLS, of which encrypt is asked", {.end = PROBE_PLAIN}, ANSWER_UNSURE,
        LEVEL_ENCRYPT, "f"},
    {"no TLS, which nobody asks for", {.end = PROBE_PLAIN}, ANSWER_UNSURE, LEVEL_MAY, ""},
    {"a handshake that works at encrypt alone",
        {.end = PROBE_BROKEN, .encrypt = ANSWER_YES}, ANSWER_UNSURE, LEVEL_VERIFY, "ef"},
    {"the same where that is all", {.end = PROBE_BROKEN, .encrypt = ANSWER_YES},
        ANSWER_UNSURE, LEVEL_ENCRYPT, "e"},
    {"silence", {.end = PROBE_SILENT}, ANSWER_UNSURE, LEVEL_VERIFY, ""},
    {"our own fault", {.end = PROBE_OURS}, ANSWER_UNSURE, LEVEL_VERIFY, ""},
};

static void
answer_is_news(void **state)
{
	const struct news *row = *state;
	struct hosts *hosts = hosts_new();
	struct host *host = hosts_get(hosts, "mx.a.test", 25);
	struct server server = {.probe = row->probe, .chain = row->chain};
	struct host_past past;
	char text[8];

	names_add(server.names, STR("mx.a.test"));
	host_begin(host, 1, true, &now);
	assert_true(host_answered(host, &server, MONO_MS));
	past = host_news(host, &rules, row->wanted);
	assert_int_equal(past.verify_ms, past.proven_ms);
	snprintf(text, sizeof(text), "%s%s%s%s", past.encrypt_ms != 0 ? "e" : "",
	    past.verify_ms != 0 ? "v" : "", past.dane_ms != 0 ? "d" : "",
	    past.failed_ms != 0 ? "f" : "");
	assert_string_equal(text, row->is);
	hosts_free(hosts);
}

/* The one that was not used for the longest time goes, but none that is being asked. */
static void
table_is_bounded(void **state)
{
	struct hosts *hosts = hosts_new();
	struct host *first = hosts_get(hosts, "first.test", 25), *second;
	struct server good = verifying("second.test");
	char name[32];

	(void)state;
	host_begin(first, 1, false, &now);
	second = hosts_get(hosts, "second.test", 25);
	host_begin(second, 1, false, &now);
	host_answered(second, &good, MONO_MS);
	for (unsigned i = 0; i < 3 * HOSTS_MAX; i++) {
		snprintf(name, sizeof(name), "h%u.test", i);
		assert_non_null(hosts_get(hosts, name, 25));
		if (i % 100 == 0)
			assert_true(hosts_get(hosts, "second.test", 25)->known.there);
	}
	assert_ptr_equal(hosts_get(hosts, "first.test", 25), first);
	for (unsigned i = 0; i < HOSTS_MAX - 2; i++) {
		snprintf(name, sizeof(name), "n%u.test", i);
		host_begin(hosts_get(hosts, name, 25), 1, false, &now);
	}
	host_begin(hosts_get(hosts, "second.test", 25), 1, false, &now);
	assert_null(hosts_get(hosts, "one-more.test", 25));
	hosts_free(hosts);
}

int
main(void)
{
	suite_read_table("tests/cases/hosts.cases", add_row, NULL);
	suite_add(one_host_a_name_and_port, NULL, "a host is a name and a port");
	suite_add(all_addresses_make_one_answer, NULL, "all addresses make one answer");
	for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++)
		suite_add(answer_is_news, &news[i], "news of a host: %s", news[i].what);
	suite_add(table_is_bounded, NULL, "the table is bounded");
	return suite_run();
}
