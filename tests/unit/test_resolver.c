/* SPDX-License-Identifier: BSD-2-Clause */
/* The resolver against the scripted name server: tests/dns/resolver.cases, and what needs
 * more than one server or none. */
#include "suite.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../dns/server.h"
#include "base/mem.h"
#include "dns/resolver.h"
#include "sys/clock.h"

#define CASES_MAX 200

/* Where a script says silent, something has to time out; else nothing may, be the machine
 * as busy as it will. */
#define SHORT_MS 300
#define LONG_MS  10000

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

static int64_t
timeout_for(const char *script)
{
	return script != NULL && strstr(script, "silent") != NULL ? SHORT_MS : LONG_MS;
}

static struct resolver *
new_resolver(char *const *servers, unsigned count, int64_t timeout_ms, unsigned tries)
{
	struct resolver_settings settings = {.servers = servers,
	    .server_count = count,
	    .timeout_ms = timeout_ms,
	    .tries = tries};
	struct resolver *resolver;
	struct err err;

	resolver = resolver_new(&settings, &err);
	if (resolver == NULL)
		fail_msg("%s", err.text);
	return resolver;
}

static char *
server_name(const struct server_script *server)
{
	struct buf name = {0};

	buf_printf(&name, "127.0.0.1@%u", server_port(server));
	return buf_take(&name);
}

static struct dns_records *
gather(struct resolver *resolver, const char *ask)
{
	struct dns_records *facts = mem_new(1, sizeof(*facts));
	struct nexthop nexthop;

	assert_true(nexthop_parse(str_of(ask), &nexthop));
	resolver_gather(resolver, &nexthop, facts);
	return facts;
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
	char *name = server_name(server);
	struct resolver *resolver = new_resolver(
	    &name, 1, timeout_for(buf_text(&scenario->script)), scenario->tries);
	struct dns_records *facts = gather(resolver, scenario->ask);
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
	char *name = server_name(server);
	struct resolver *resolver = new_resolver(&name, 1, timeout_for(held_script), 1);
	struct dns_records *facts = gather(resolver, "held.test");
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

/* --- several servers ------------------------------------------------------------- */

#define SIGNED \
	"mx.test A secure\n\tmx.test. 300 IN A 192.0.2.1\n" \
	"_25._tcp.mx.test TLSA secure\n\t_25._tcp.mx.test. 60 IN TLSA 3 1 1 " \
	"cb75e267a8ae9e63c8b81e186371cf263a89024e1337eee6c895c99c703ec6d2\n"

struct pair_row {
	const char *name;
	const char *first; /* the script of the first server; NULL: it does not listen */
	const char *second;
	enum dane_state state;
};

static const struct pair_row pair_rows[] = {
    {"the second server is asked where the first does not listen", NULL, SIGNED,
        DANE_USABLE},
    {"the second server is asked where the first is silent", ". NS silent\n", SIGNED,
        DANE_USABLE},
    {"the second server is asked where the first fails",
        "mx.test A servfail\nmx.test AAAA servfail\n", SIGNED, DANE_USABLE},
    {"a server that does not validate is passed over", ". NS insecure\n\t. 1 IN NS a.\n",
        SIGNED, DANE_USABLE},
    {"it does not stand in for one that fails either", "mx.test A servfail\n",
        ". NS insecure\n\t. 1 IN NS a.\nmx.test A insecure\n\tmx.test. 1 IN A "
        "192.0.2.1\n",
        DANE_UNSURE},
    {"two that do not validate prove nothing", ". NS insecure\n\t. 1 IN NS a.\n",
        ". NS insecure\n\t. 1 IN NS a.\n" SIGNED, DANE_UNSURE},
};

static void
pair_gives(void **state)
{
	const struct pair_row *row = *state;
	struct server_script *first, *second = server_start("127.0.0.1", 0, row->second);
	char *names[2];
	struct resolver *resolver;
	struct dns_records *facts;

	first = server_start("127.0.0.1", 0, row->first != NULL ? row->first : "");
	names[0] = server_name(first);
	names[1] = server_name(second);
	if (row->first == NULL)
		server_stop(first);
	resolver = new_resolver(names, 2, timeout_for(row->first), 1);
	for (int round = 0; round < 2; round++) {
		facts = gather(resolver, "[mx.test]");
		assert_string_equal(dane_state_name(dane_judge(facts).state),
		    dane_state_name(row->state));
		free(facts);
	}
	resolver_free(resolver);
	if (row->first != NULL)
		server_stop(first);
	server_stop(second);
	free(names[0]);
	free(names[1]);
}

static void
nobody_listens(void **state)
{
	struct server_script *server = server_start("127.0.0.1", 0, "");
	char *name = server_name(server);
	struct resolver *resolver = new_resolver(&name, 1, LONG_MS, 2);
	struct dns_records *facts;
	struct err err;

	(void)state;
	server_stop(server);
	facts = gather(resolver, "example.test");
	assert_int_equal(dane_judge(facts).state, DANE_UNSURE);
	assert_false(facts->resolver_trusted);
	assert_non_null(strstr(facts->trouble, "Connection refused"));
	assert_false(resolver_validates(resolver, &err));
	assert_non_null(strstr(err.text, "Connection refused"));
	free(facts);
	resolver_free(resolver);
	free(name);
}

/* A timeout must not make the server unusable for the questions after it. */
static void
server_recovers(void **state)
{
	struct server_script *server = server_start("127.0.0.1", 0,
	    "a.test MX silent\n"
	    "b.test MX secure\n\tb.test. 300 IN MX 0 .\n");
	char *name = server_name(server);
	struct resolver *resolver = new_resolver(&name, 1, SHORT_MS, 1);
	struct dns_records *facts = gather(resolver, "a.test");

	(void)state;
	assert_int_equal(facts->mx, DNS_ERROR);
	free(facts);
	facts = gather(resolver, "b.test");
	assert_int_equal(dane_judge(facts).state, DANE_NO_MAIL);
	assert_int_equal(server_asked(server, ". NS"), 1);
	free(facts);
	resolver_free(resolver);
	server_stop(server);
	free(name);
}

#define DIGEST "cb75e267a8ae9e63c8b81e186371cf263a89024e1337eee6c895c99c703ec6d2"

/* Opt-out proves nothing through a resolver that was seen to pass on a bogus answer. */
static void
opt_out_ends(void **state)
{
	struct server_script *server = server_start("127.0.0.1", 0,
	    "mx.bogus.test A insecure\n\tmx.bogus.test. 300 IN A 192.0.2.1\n"
	    "bogus.test DS secure\n\tbogus.test. 300 IN DS 1 13 2 " DIGEST "\n"
	    "mx.out.test A insecure\n\tmx.out.test. 300 IN A 192.0.2.1\n"
	    "out.test DS insecure\n\tauthority test. 1 IN SOA a.test. b.test. 1 2 3 4 5\n"
	    "\tauthority 2t7b4g4vsa5smi47k61mv5bv1a22bojr.test. 1 IN NSEC3 1 1 0 - "
	    "2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG\n"
	    "test DS secure\n\ttest. 300 IN DS 1 13 2 " DIGEST "\n"
	    "mx.plain.test A insecure\n\tmx.plain.test. 300 IN A 192.0.2.1\n");
	static const struct {
		const char *ask;
		bool permissive;
		enum dane_state state;
	} steps[] = {
	    {"[mx.out.test]", false, DANE_NONE}, {"[mx.bogus.test]", true, DANE_UNSURE},
	    {"[mx.out.test]", true, DANE_UNSURE},
	    {"[mx.plain.test]", false, DANE_NONE}, /* proven with AD */
	};
	char *name = server_name(server);
	struct resolver *resolver = new_resolver(&name, 1, LONG_MS, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct dns_records *facts = gather(resolver, steps[i].ask);
		struct dane_verdict verdict = dane_judge(facts);

		assert_int_equal(verdict.state, steps[i].state);
		assert_int_equal(facts->permissive, steps[i].permissive);
		assert_int_equal(verdict.distrusted, steps[i].permissive);
		if (steps[i].permissive)
			assert_non_null(strstr(facts->trouble, "permissive mode"));
		free(facts);
	}
	/* The answers of a zone are remembered, if they have AD. */
	assert_int_equal(server_asked(server, "bogus.test DS"), 1);
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
	name = server_name(server);
	resolver = new_resolver(&name, 1, SHORT_MS, 1);
	start_ms = clock_monotonic_ms();
	facts = gather(resolver, "slow.test");
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
	char *name = server_name(server);
	struct resolver *resolver = new_resolver(&name, 1, LONG_MS, 1);
	struct dns_records *facts = gather(resolver, "[mx.test]");

	assert_int_equal(facts->ttl_s, row->ttl_s);
	free(facts);
	resolver_free(resolver);
	server_stop(server);
	free(name);
}

/* --- whether a server is believed ------------------------------------------------- */

/* An address of this machine that is not on loopback. False: it has none. */
static bool
own_address(char *text, size_t size)
{
	struct ifaddrs *list = NULL;
	bool found = false;

	if (getifaddrs(&list) != 0)
		return false;
	for (struct ifaddrs *at = list; at != NULL && !found; at = at->ifa_next) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)at->ifa_addr;

		if (in == NULL || in->sin_family != AF_INET ||
		    ntohl(in->sin_addr.s_addr) >> 24 == 127)
			continue;
		found = inet_ntop(AF_INET, &in->sin_addr, text, (socklen_t)size) != NULL;
	}
	freeifaddrs(list);
	return found;
}

static void
ad_from_elsewhere(void **state)
{
	struct resolver_settings settings = {
	    .server_count = 1, .timeout_ms = LONG_MS, .tries = 1};
	struct server_script *server;
	struct buf name = {0};
	char address[64], *names[1];

	(void)state;
	if (!own_address(address, sizeof(address)))
		suite_skip("the machine has no address but loopback");
	server = server_start(address, 0, SIGNED);
	buf_printf(&name, "%s@%u", address, server_port(server));
	names[0] = name.data;
	settings.servers = names;
	for (int trust = 0; trust < 2; trust++) {
		struct resolver *resolver;
		struct dns_records *facts;
		struct err err;

		settings.trust_ad = trust == 1;
		resolver = resolver_new(&settings, &err);
		assert_non_null(resolver);
		facts = gather(resolver, "[mx.test]");
		assert_int_equal(facts->resolver_trusted, trust == 1);
		assert_int_equal(
		    dane_judge(facts).state, trust == 1 ? DANE_USABLE : DANE_UNSURE);
		assert_int_equal(resolver_validates(resolver, &err), trust == 1);
		free(facts);
		resolver_free(resolver);
	}
	server_stop(server);
	buf_clear(&name);
}

static void
write_resolv_conf(const char *path, const struct server_script *server)
{
	struct buf other = {0};
	FILE *file;

	buf_printf(&other, "%s.new", path);
	file = fopen(other.data, "we");
	assert_non_null(file);
	fprintf(file, "nameserver 127.0.0.1@%u\n", server_port(server));
	fclose(file);
	assert_int_equal(rename(other.data, path), 0);
	buf_clear(&other);
}

static void
another_is_named(void **state)
{
	char directory[] = "/tmp/tlsladder-resolver.XXXXXX";
	struct server_script *servers[] = {
	    server_start("127.0.0.1", 0, SIGNED), server_start("127.0.0.1", 0, SIGNED)};
	struct resolver_settings settings = {.timeout_ms = LONG_MS, .tries = 1};
	struct resolver *resolver;
	struct buf path = {0};
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(directory));
	buf_printf(&path, "%s/resolv.conf", directory);
	settings.resolv_conf = path.data;
	write_resolv_conf(path.data, servers[0]);
	resolver = resolver_new(&settings, &err);
	assert_non_null(resolver);
	free(gather(resolver, "[mx.test]"));
	assert_int_equal(server_asked(servers[0], "mx.test A"), 1);
	write_resolv_conf(path.data, servers[1]);
	free(gather(resolver, "[mx.test]"));
	assert_int_equal(server_asked(servers[0], "mx.test A"), 1);
	assert_int_equal(server_asked(servers[1], "mx.test A"), 1);
	assert_int_equal(server_asked(servers[1], ". NS"), 1);
	unlink(path.data);
	free(gather(resolver, "[mx.test]"));
	assert_int_equal(server_asked(servers[1], "mx.test A"), 2);
	rmdir(directory);
	resolver_free(resolver);
	server_stop(servers[0]);
	server_stop(servers[1]);
	buf_clear(&path);
}

int
main(void)
{
	int status;

	read_scenarios("tests/dns/resolver.cases");
	for (size_t i = 0; i < scenario_count; i++)
		suite_add(facts_are, &scenarios[i], "%s", scenarios[i].name);
	for (size_t i = 0; i < sizeof(pair_rows) / sizeof(pair_rows[0]); i++)
		suite_add(pair_gives, &pair_rows[i], "%s", pair_rows[i].name);
	for (size_t i = 0; i < sizeof(ttl_rows) / sizeof(ttl_rows[0]); i++)
		suite_add(ttl_is, &ttl_rows[i], "TTL: %s", ttl_rows[i].name);
	suite_add(addresses_and_ttls_are_held, NULL,
	    "addresses of both kinds and the TTL of each answer are held");
	suite_add(nobody_listens, NULL, "no server listens");
	suite_add(opt_out_ends, NULL, "opt-out proves nothing after a bogus answer");
	suite_add(server_recovers, NULL, "a timeout is forgotten with its question");
	suite_add(
	    gathering_is_bounded, NULL, "silent hosts without end are not waited for");
	suite_add(ad_from_elsewhere, NULL,
	    "AD from elsewhere is believed only when configured");
	suite_add(another_is_named, NULL,
	    "a resolver that stands in resolv.conf since is asked, and one that is gone "
	    "there is kept");
	status = suite_run();
	free_scenarios();
	return status;
}
