/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of several name servers is asked, and which is believed; or none listens. */
#include "suite.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "resolverkit.h"

/* --- several servers ------------------------------------------------------------- */

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
	names[0] = resolverkit_name(first);
	names[1] = resolverkit_name(second);
	if (row->first == NULL)
		server_stop(first);
	resolver = resolverkit_new(names, 2, resolverkit_timeout(row->first), 1);
	for (int round = 0; round < 2; round++) {
		facts = resolverkit_gather(resolver, "[mx.test]");
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
	char *name = resolverkit_name(server);
	struct resolver *resolver = resolverkit_new(&name, 1, LONG_MS, 2);
	struct dns_records *facts;
	struct err err;

	(void)state;
	server_stop(server);
	facts = resolverkit_gather(resolver, "example.test");
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
	char *name = resolverkit_name(server);
	struct resolver *resolver = resolverkit_new(&name, 1, SHORT_MS, 1);
	struct dns_records *facts = resolverkit_gather(resolver, "a.test");

	(void)state;
	assert_int_equal(facts->mx, DNS_ERROR);
	free(facts);
	facts = resolverkit_gather(resolver, "b.test");
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
	char *name = resolverkit_name(server);
	struct resolver *resolver = resolverkit_new(&name, 1, LONG_MS, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct dns_records *facts = resolverkit_gather(resolver, steps[i].ask);
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
		facts = resolverkit_gather(resolver, "[mx.test]");
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
	free(resolverkit_gather(resolver, "[mx.test]"));
	assert_int_equal(server_asked(servers[0], "mx.test A"), 1);
	write_resolv_conf(path.data, servers[1]);
	free(resolverkit_gather(resolver, "[mx.test]"));
	assert_int_equal(server_asked(servers[0], "mx.test A"), 1);
	assert_int_equal(server_asked(servers[1], "mx.test A"), 1);
	assert_int_equal(server_asked(servers[1], ". NS"), 1);
	unlink(path.data);
	free(resolverkit_gather(resolver, "[mx.test]"));
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
	for (size_t i = 0; i < sizeof(pair_rows) / sizeof(pair_rows[0]); i++)
		suite_add(pair_gives, &pair_rows[i], "%s", pair_rows[i].name);
	suite_add(nobody_listens, NULL, "no server listens");
	suite_add(opt_out_ends, NULL, "opt-out proves nothing after a bogus answer");
	suite_add(server_recovers, NULL, "a timeout is forgotten with its question");
	suite_add(ad_from_elsewhere, NULL,
	    "AD from elsewhere is believed only when configured");
	suite_add(another_is_named, NULL,
	    "a resolver that stands in resolv.conf since is asked, and one that is gone "
	    "there is kept");
	return suite_run();
}
