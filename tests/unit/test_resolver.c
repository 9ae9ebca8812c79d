/* SPDX-License-Identifier: BSD-2-Clause */
/* What the resolver gathers from the scripted name server: tests/dns/resolver.cases, and
 * what it holds of it, and for how long. */
#include "suite.h"

#include <stdlib.h>

#include "base/mem.h"
#include "resolverkit.h"
#include "sys/clock.h"

#define CASES_MAX 200

/* --- the cases ------------------------------------------------------------------- */

struct scenario {
	char *name;
	char *ask;
	char *state;
	char *mx;
	char *trouble;
	unsigned tries;
	bool any_host; /* the host lines are not compared */
	struct buf hosts;
	struct buf asked; /* lines */
	struct buf script;
};

static struct scenario scenarios[CASES_MAX];
static size_t scenario_count;

static void
read_line(struct str line)
{
	struct scenario *scenario = &scenarios[scenario_count - 1];
	struct str text = line;

	if (str_eat(&text, STR("ask "))) {
		scenario->ask = mem_strndup(text.p, text.len);
	} else if (str_eat(&text, STR("state "))) {
		scenario->state = mem_strndup(text.p, text.len);
	} else if (str_eat(&text, STR("mx "))) {
		scenario->mx = mem_strndup(text.p, text.len);
	} else if (str_eat(&text, STR("trouble "))) {
		scenario->trouble = mem_strndup(text.p, text.len);
	} else if (str_eat(&text, STR("tries "))) {
		scenario->tries = (unsigned)(text.p[0] - '0');
	} else if (str_eat(&text, STR("asked "))) {
		buf_printf(&scenario->asked, "%.*s\n", STR_ARG(text));
	} else if (str_eat(&text, STR("host "))) {
		scenario->any_host |= str_starts(text, STR("* "));
		buf_printf(&scenario->hosts, "%.*s\n", STR_ARG(text));
	} else {
		buf_printf(&scenario->script, "%.*s\n", STR_ARG(line));
	}
}

static void
read_scenarios(const char *name)
{
	const char *path = suite_path(name);
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (file == NULL) {
		perror(path);
		exit(2);
	}
	free((void *)(uintptr_t)path);
	while ((len = getline(&line, &size, file)) > 0) {
		struct str text = {line, (size_t)len - (line[len - 1] == '\n')};

		if (text.len == 0 || text.p[0] == '#')
			continue;
		if (str_eat(&text, STR("== "))) {
			assert_true(scenario_count < CASES_MAX);
			scenarios[scenario_count++] = (struct scenario){
			    .name = mem_strndup(text.p, text.len), .tries = 2};
		} else if (scenario_count > 0) {
			read_line(text);
		}
	}
	free(line);
	fclose(file);
}

static void
free_scenarios(void)
{
	for (size_t i = 0; i < scenario_count; i++) {
		struct scenario *scenario = &scenarios[i];

		free(scenario->name);
		free(scenario->ask);
		free(scenario->state);
		free(scenario->mx);
		free(scenario->trouble);
		buf_clear(&scenario->hosts);
		buf_clear(&scenario->asked);
		buf_clear(&scenario->script);
	}
}

/* Each line is a question and a number. */
static void
check_asked(struct server_script *server, const struct buf *asked)
{
	struct str rest = {asked->data, asked->len}, line;
	char question[400];

	while (str_cut(&rest, '\n', &line)) {
		size_t digits = 0;
		uint64_t times;

		while (ascii_is_digit(line.p[line.len - digits - 1]))
			digits++;
		assert_true(str_number(str_skip(line, line.len - digits), 1000, &times));
		line.len -= digits + 1;
		assert_true(str_copy(line, question, sizeof(question)));
		if (server_asked(server, question) != times)
			fail_msg("%s was asked %u times", question,
			    server_asked(server, question));
	}
}

static void
facts_are(void **state)
{
	const struct scenario *scenario = *state;
	struct server_script *server =
	    server_start("127.0.0.1", 0, buf_text(&scenario->script));
	char *name = resolverkit_name(server);
	struct resolver *resolver = resolverkit_new(
	    &name, 1, resolverkit_timeout(buf_text(&scenario->script)), scenario->tries);
	struct dns_records *facts = resolverkit_gather(resolver, scenario->ask);
	struct buf hosts = {0};

	dane_describe(facts, &hosts);
	if (!scenario->any_host)
		assert_string_equal(buf_text(&hosts), buf_text(&scenario->hosts));
	assert_string_equal(dns_answer_name(facts->mx),
	    scenario->mx != NULL ? scenario->mx : "not-asked");
	if (scenario->trouble == NULL)
		assert_string_equal(facts->trouble, "");
	else if (strstr(facts->trouble, scenario->trouble) == NULL)
		fail_msg("trouble is: %s", facts->trouble);
	assert_string_equal(dane_state_name(dane_judge(facts).state), scenario->state);
	check_asked(server, &scenario->asked);
	buf_clear(&hosts);
	free(facts);
	resolver_free(resolver);
	server_stop(server);
	free(name);
}

/* --- what is held for fact sources ------------------------------------------------ */

#define SIXTEEN_AND_MORE \
	"\tb.test. 50 IN A 192.0.2.1\n\tb.test. 50 IN A 192.0.2.2\n" \
	"\tb.test. 50 IN A 192.0.2.3\n\tb.test. 50 IN A 192.0.2.4\n" \
	"\tb.test. 50 IN A 192.0.2.5\n\tb.test. 50 IN A 192.0.2.6\n" \
	"\tb.test. 50 IN A 192.0.2.7\n\tb.test. 50 IN A 192.0.2.8\n" \
	"\tb.test. 50 IN A 192.0.2.9\n\tb.test. 50 IN A 192.0.2.10\n" \
	"\tb.test. 50 IN A 192.0.2.11\n\tb.test. 50 IN A 192.0.2.12\n" \
	"\tb.test. 50 IN A 192.0.2.13\n\tb.test. 50 IN A 192.0.2.14\n" \
	"\tb.test. 50 IN A 192.0.2.15\n\tb.test. 50 IN A 192.0.2.16\n" \
	"\tb.test. 50 IN A 192.0.2.17\n"

static const char held_script[] =
    "held.test MX secure\n"
    "\theld.test. 300 IN MX 10 a.test.\n\theld.test. 200 IN MX 20 b.test.\n"
    "a.test A secure\n"
    "\ta.test. 100 IN A 192.0.2.1\n\ta.test. 90 IN A 192.0.2.2\n"
    "a.test AAAA secure\n\ta.test. 80 IN CNAME c.test.\n"
    "\tc.test. 70 IN AAAA 2001:db8::1\n"
    "_25._tcp.a.test TLSA secure\n\t_25._tcp.a.test. 60 IN TLSA 3 1 1 "
    "cb75e267a8ae9e63c8b81e186371cf263a89024e1337eee6c895c99c703ec6d2\n"
    "b.test A secure\n" SIXTEEN_AND_MORE "b.test AAAA servfail\n";

static void
addresses_and_ttls_are_held(void **state)
{
	static const uint8_t second[] = {192, 0, 2, 2};
	static const uint8_t sixth[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	struct server_script *server = server_start("127.0.0.1", 0, held_script);
	char *name = resolverkit_name(server);
	struct resolver *resolver =
	    resolverkit_new(&name, 1, resolverkit_timeout(held_script), 1);
	struct dns_records *facts = resolverkit_gather(resolver, "held.test");
	const struct dns_host *a = &facts->hosts[0], *b = &facts->hosts[1];

	(void)state;
	assert_int_equal(facts->host_count, 2);
	assert_int_equal(facts->mx_ttl_s, 200);
	assert_int_equal(a->a.answer, DNS_SECURE);
	assert_int_equal(a->a.ttl_s, 90);
	assert_int_equal(a->a.count, 2);
	assert_memory_equal(a->a.octets[1], second, sizeof(second));
	assert_int_equal(a->aaaa.answer, DNS_SECURE);
	assert_int_equal(a->aaaa.ttl_s, 70);
	assert_int_equal(a->aaaa.count, 1);
	assert_memory_equal(a->aaaa.octets[0], sixth, sizeof(sixth));
	assert_int_equal(a->tlsa_ttl_s, 60);
	/* What has no room is left out; what failed holds nothing. */
	assert_int_equal(b->a.count, DNS_ADDRESSES_MAX);
	assert_int_equal(b->a.octets[DNS_ADDRESSES_MAX - 1][3], 16);
	assert_int_equal(b->aaaa.answer, DNS_ERROR);
	assert_int_equal(b->aaaa.ttl_s, 0);
	assert_int_equal(b->aaaa.count, 0);
	assert_int_equal(facts->ttl_s, 0);
	free(facts);
	resolver_free(resolver);
	server_stop(server);
	free(name);
}

/* Hosts whose names never resolve, as many as fit: bounded by time, not by their number.
 */
static void
gathering_is_bounded(void **state)
{
	struct buf script = {0};
	struct server_script *server;
	struct resolver *resolver;
	struct dns_records *facts;
	int64_t start_ms;
	char *name;

	(void)state;
	buf_printf(&script,
	    "slow.test MX secure many=64\n\tslow.test. 300 IN MX 1 m%%u.test.\n");
	for (int i = 0; i < 64; i++)
		buf_printf(&script, "m%d.test A silent\nm%d.test AAAA silent\n", i, i);
	server = server_start("127.0.0.1", 0, buf_text(&script));
	name = resolverkit_name(server);
	resolver = resolverkit_new(&name, 1, SHORT_MS, 1);
	start_ms = clock_monotonic_ms();
	facts = resolverkit_gather(resolver, "slow.test");
	assert_int_equal(dane_judge(facts).state, DANE_UNSURE);
	/* 128 questions one by one would be 25 s. */
	print_message("# %d ms (wanted: 800)\n", (int)(clock_monotonic_ms() - start_ms));
	free(facts);
	resolver_free(resolver);
	server_stop(server);
	buf_clear(&script);
	free(name);
}

struct ttl_row {
	const char *name;
	const char *script;
	uint32_t ttl_s;
};

static const struct ttl_row ttl_rows[] = {
    {"the smallest TTL counts",
        SIGNED "mx.test AAAA secure\n\tauthority test. 300 IN SOA a. "
               "b. 1 2 3 4 300\n",
        60},
    {"that of an absence too",
        SIGNED "mx.test AAAA secure\n\tauthority test. 300 IN SOA a. "
               "b. 1 2 3 4 17\n",
        17},
    {"an alias has one",
        "mx.test A secure\n\tmx.test. 5 IN CNAME b.test.\n"
        "\tb.test. 300 IN A 192.0.2.1\n",
        5},
    {"none where an answer failed", SIGNED "mx.test AAAA servfail\n", 0},
};

static void
ttl_is(void **state)
{
	const struct ttl_row *row = *state;
	struct server_script *server = server_start("127.0.0.1", 0, row->script);
	char *name = resolverkit_name(server);
	struct resolver *resolver = resolverkit_new(&name, 1, LONG_MS, 1);
	struct dns_records *facts = resolverkit_gather(resolver, "[mx.test]");

	assert_int_equal(facts->ttl_s, row->ttl_s);
	free(facts);
	resolver_free(resolver);
	server_stop(server);
	free(name);
}

int
main(void)
{
	int status;

	read_scenarios("tests/dns/resolver.cases");
	for (size_t i = 0; i < scenario_count; i++)
		suite_add(facts_are, &scenarios[i], "%s", scenarios[i].name);
	for (size_t i = 0; i < sizeof(ttl_rows) / sizeof(ttl_rows[0]); i++)
		suite_add(ttl_is, &ttl_rows[i], "TTL: %s", ttl_rows[i].name);
	suite_add(addresses_and_ttls_are_held, NULL,
	    "addresses of both kinds and the TTL of each answer are held");
	suite_add(
	    gathering_is_bounded, NULL, "silent hosts without end are not waited for");
	status = suite_run();
	free_scenarios();
	return status;
}
