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
#include "gather/resolver.h"
#include "gather/resolver_message.h"
#include "gather/resolver_server.h"
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

static struct dns_facts *
gather(struct resolver *resolver, const char *ask)
{
	struct dns_facts *facts = mem_new(1, sizeof(*facts));
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
	struct dns_facts *facts = gather(resolver, scenario->ask);
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

/* --- several servers ------------------------------------------------------------- */

#define SIGNED \
	"mx.test A secure\n\tmx.test. 300 IN A 192.0.2.1\n" \
	"_25._tcp.mx.test TLSA secure\n\t_25._tcp.mx.test. 60 IN TLSA 3 1 1 " \
	"cb75e267a8ae9e63c8b81e186371cf263a89024e1337eee6c895c99c703ec6d2\n"

struct pair_row {
	const char *name;
	const char *first; /* the script of the first server; NULL: nobody listens */
	const char *second;
	enum dane_state state;
};

static const struct pair_row pair_rows[] = {
    {"the second server is asked where nobody listens", NULL, SIGNED, DANE_USABLE},
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
	struct dns_facts *facts;

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
	struct dns_facts *facts;
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
	struct dns_facts *facts = gather(resolver, "a.test");

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

/* Hosts whose names never resolve, as many as fit: bounded by time, not by their number.
 */
static void
gathering_is_bounded(void **state)
{
	struct buf script = {0};
	struct server_script *server;
	struct resolver *resolver;
	struct dns_facts *facts;
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
	/* Four waves of 200 ms would be 800, and 128 questions one by one 25 s. */
	assert_true(clock_monotonic_ms() - start_ms < 10000);
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
	struct dns_facts *facts = gather(resolver, "[mx.test]");

	assert_int_equal(facts->ttl_s, row->ttl_s);
	free(facts);
	resolver_free(resolver);
	server_stop(server);
	free(name);
}

/* --- which servers, and whether they are believed -------------------------------- */

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
		skip();
	server = server_start(address, 0, SIGNED);
	buf_printf(&name, "%s@%u", address, server_port(server));
	names[0] = name.data;
	settings.servers = names;
	for (int trust = 0; trust < 2; trust++) {
		struct resolver *resolver;
		struct dns_facts *facts;
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

struct server_row {
	const char *text;
	const char *name; /* NULL: refused */
	bool loopback;
};

static const struct server_row server_rows[] = {
    {"127.0.0.1", "127.0.0.1@53", true},
    {"127.9.8.7@5353", "127.9.8.7@5353", true},
    {"::1", "::1@53", true},
    {"::1@65535", "::1@65535", true},
    {"192.0.2.53", "192.0.2.53@53", false},
    {"2001:db8::53@53", "2001:db8::53@53", false},
    {"::ffff:127.0.0.1", "::ffff:127.0.0.1@53", false},
    {"", NULL, false},
    {"localhost", NULL, false},
    {"127.0.0.1:53", NULL, false},
    {"127.0.0.1@", NULL, false},
    {"127.0.0.1@0", NULL, false},
    {"127.0.0.1@65536", NULL, false},
    {"127.0.0.1@53x", NULL, false},
    {"127.0.0.1 ", NULL, false},
    {"@53", NULL, false},
};

static void
server_is(void **state)
{
	const struct server_row *row = *state;
	struct server server;
	struct err err;

	if (row->name == NULL) {
		assert_false(server_parse(str_of(row->text), &server, &err));
		return;
	}
	assert_true(server_parse(str_of(row->text), &server, &err));
	assert_string_equal(server.name, row->name);
	assert_int_equal(server.loopback, row->loopback);
}

struct conf_row {
	const char *name;
	const char *text;
	const char *servers; /* NULL: refused */
	bool believed;
};

static const struct conf_row conf_rows[] = {
    {"one on loopback", "nameserver 127.0.0.1\n", "127.0.0.1@53 ", true},
    {"no newline at the end", "nameserver 127.0.0.1", "127.0.0.1@53 ", true},
    {"a commented name server is none, an empty line before it or not",
        "\n#nameserver 127.0.0.2\n\n; nameserver 127.0.0.3\n# nameserver 127.0.0.4\n"
        "nameserver ::1\n",
        "::1@53 ", true},
    {"a comment behind the address",
        "nameserver 127.0.0.1# x\nnameserver\t127.0.0.2 ;y\n",
        "127.0.0.1@53 127.0.0.2@53 ", true},
    {"other lines do not matter",
        "options trust-ad timeout:1\nsearch a b\nnameservers 1.1.1.1\n"
        "anchor /x\nnameserver 127.0.0.1\n",
        "127.0.0.1@53 ", true},
    {"an indented line is none, as for libc",
        " nameserver 127.0.0.2\nnameserver 127.0.0.1\n", "127.0.0.1@53 ", true},
    {"the first three",
        "nameserver 127.0.0.1\nnameserver 127.0.0.2\nnameserver 127.0.0.3\n"
        "nameserver 127.0.0.4\n",
        "127.0.0.1@53 127.0.0.2@53 127.0.0.3@53 ", true},
    {"one elsewhere is not believed", "nameserver 192.0.2.53\n", "192.0.2.53@53 ", false},
    {"and left out beside one on loopback",
        "nameserver 192.0.2.53\nnameserver 127.0.0.1\n", "127.0.0.1@53 ", true},
    {"none at all is this machine", "search example.test\n", "127.0.0.1@53 ", true},
    {"CRLF", "nameserver 127.0.0.1\r\n", "127.0.0.1@53 ", true},
    {"a name is no address", "nameserver dns.example.test\n", NULL, false},
};

static void
resolv_conf_gives(void **state)
{
	const struct conf_row *row = *state;
	char directory[] = "/tmp/tlsladder-resolver.XXXXXX";
	struct resolver_settings settings = {.trust_ad = true};
	struct server_list list;
	struct buf path = {0}, names = {0};
	struct err err;
	FILE *file;

	assert_non_null(mkdtemp(directory));
	buf_printf(&path, "%s/resolv.conf", directory);
	settings.resolv_conf = buf_text(&path);
	assert_false(server_list_read(&list, &settings, &err)); /* there is none */
	file = fopen(path.data, "we");
	assert_non_null(file);
	fputs(row->text, file);
	fclose(file);
	assert_int_equal(server_list_read(&list, &settings, &err), row->servers != NULL);
	if (row->servers != NULL) {
		for (unsigned i = 0; i < list.count; i++)
			buf_printf(&names, "%s ", list.items[i].name);
		assert_string_equal(buf_text(&names), row->servers);
		assert_int_equal(list.believed, row->believed);
	}
	unlink(path.data);
	rmdir(directory);
	buf_clear(&path);
	buf_clear(&names);
}

/* --- hostile octets -------------------------------------------------------------- */

struct name_row {
	const char *text;
	bool valid;
};

static const struct name_row name_rows[] = {
    {".", true},
    {"a", true},
    {"_25._tcp.mx.example.test", true},
    {"*.example.test", true},
    {"", false},
    {".a", false},
    {"a.", false},
    {"a..b", false},
    {"a b", false},
    {"a\\000b", false},
    {"a/b", false},
    {"\xc3\xa4.test", false},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test", true},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test", false},
};

static void
name_is_valid(void **state)
{
	const struct name_row *row = *state;

	assert_int_equal(dns_name_is_valid(str_of(row->text)), row->valid);
}

/* A reply with an alias, records, NSEC3 and OPT, written by hand: example.test TLSA. */
static const uint8_t reply_octets[] = {0x12, 0x34, 0x81, 0xa0, 0, 1, 0, 3, 0, 1, 0, 1, 7,
    'e', 'x', 'a', 'm', 'p', 'l', 'e', 4, 't', 'e', 's', 't', 0, 0, 52, 0, 1,
    /* example.test CNAME a.example.test */
    0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 0x2c, 0, 4, 1, 'a', 0xc0, 12,
    /* a.example.test TLSA 3 1 1, twice */
    0xc0, 42, 0, 52, 0, 1, 0, 0, 1, 0x2c, 0, 7, 3, 1, 1, 1, 2, 3, 4, 0xc0, 42, 0, 52, 0,
    1, 0, 0, 0, 60, 0, 3, 3, 1, 0,
    /* b.example.test NSEC3 2 0 65535 aa */
    1, 'b', 0xc0, 12, 0, 50, 0, 1, 0, 0, 1, 0x2c, 0, 12, 2, 0, 0xff, 0xff, 1, 0xaa, 1,
    0xbb, 0, 2, 0x40, 1,
    /* OPT */
    0, 0, 41, 4, 0xd0, 0, 0, 0x80, 0, 0, 0};

static bool
read_octets(const uint8_t *data, size_t len, struct reply *reply)
{
	struct dns_tlsa *tlsas = mem_new(DNS_TLSA_MAX, sizeof(*tlsas));
	struct err err;
	bool done = message_read((struct str){(const char *)data, len}, "example.test",
	    RR_TLSA, 0x1234, NULL, tlsas, reply, &err);

	free(tlsas);
	return done;
}

static void
reply_is_read(void **state)
{
	struct reply reply;

	(void)state;
	assert_true(read_octets(reply_octets, sizeof(reply_octets), &reply));
	assert_int_equal(reply.kind, REPLY_DATA);
	assert_true(reply.ad);
	assert_true(reply.alias);
	assert_string_equal(reply.name, "a.example.test");
	assert_int_equal(reply.count, 2);
	assert_int_equal(reply.ttl_s, 60);
}

static void
no_prefix_is_a_reply(void **state)
{
	struct reply reply;

	(void)state;
	for (size_t len = 0; len < sizeof(reply_octets); len++) {
		uint8_t *copy = mem_new(len, 1); /* its exact size, for the sanitizer */

		memcpy(copy, reply_octets, len);
		assert_false(read_octets(copy, len, &reply));
		free(copy);
	}
}

static void
changed_octets_are_survived(void **state)
{
	uint32_t random = 2463534242;
	struct reply reply;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint8_t *copy = mem_new(sizeof(reply_octets), 1);

		memcpy(copy, reply_octets, sizeof(reply_octets));
		for (int change = 0; change <= round % 4; change++) {
			random ^= random << 13;
			random ^= random >> 17;
			random ^= random << 5;
			copy[12 + random % (sizeof(reply_octets) - 12)] =
			    (uint8_t)(random >> 16);
		}
		if (read_octets(copy, sizeof(reply_octets), &reply)) {
			assert_true(reply.count <= DNS_TLSA_MAX);
			assert_true(dns_name_is_valid(str_of(reply.name)));
		}
		free(copy);
	}
}

/* --------------------------------------------------------------------------------- */

#define ADD_ROWS(fn, rows, format, field) \
	for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) \
	suite_add(fn, &(rows)[i], format, (rows)[i].field)

int
main(void)
{
	int status;

	read_scenarios("tests/dns/resolver.cases");
	for (size_t i = 0; i < scenario_count; i++)
		suite_add(facts_are, &scenarios[i], "%s", scenarios[i].name);
	ADD_ROWS(pair_gives, pair_rows, "%s", name);
	ADD_ROWS(ttl_is, ttl_rows, "TTL: %s", name);
	ADD_ROWS(server_is, server_rows, "server \"%s\"", text);
	ADD_ROWS(resolv_conf_gives, conf_rows, "resolv.conf: %s", name);
	ADD_ROWS(name_is_valid, name_rows, "name \"%.20s\"", text);
	suite_add(nobody_listens, NULL, "nobody listens");
	suite_add(server_recovers, NULL, "a timeout is forgotten with its question");
	suite_add(
	    gathering_is_bounded, NULL, "silent hosts without end are not waited for");
	suite_add(
	    ad_from_elsewhere, NULL, "AD from elsewhere is believed only when told to");
	suite_add(reply_is_read, NULL, "a reply written by hand is read");
	suite_add(no_prefix_is_a_reply, NULL, "a reply cut short is none");
	suite_add(changed_octets_are_survived, NULL, "changed octets are survived");
	status = suite_run();
	free_scenarios();
	return status;
}
