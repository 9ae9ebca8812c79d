/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked for MTA-STS: the TXT record of a domain, the addresses of its policy
 * host. Against the scripted name server. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "measure/measure.h"
#include "resolverkit.h"

#define DOMAIN "d.test"
#define NAME   "_mta-sts.d.test"

static struct resolver *
new_patient_resolver(
    const struct server_script *server, int64_t timeout_ms, unsigned tries)
{
	char *name = resolverkit_name(server);
	struct resolver *resolver = resolverkit_new(&name, 1, timeout_ms, tries);

	free(name);
	return resolver;
}

static struct resolver *
new_resolver(const struct server_script *server)
{
	return new_patient_resolver(server, 5000, 1);
}

struct row {
	const char *name;
	const char *script;
	const char *answer; /* state and id */
	uint32_t ttl_s;
};

static const struct row rows[] = {
    {"a record of several strings", /* case 5 */
        NAME " TXT insecure\n\t" NAME ". 300 IN TXT \"v=STSv1; id=\" \"1;\"\n", "valid 1",
        300},
    {"another record is dropped first", /* case 6 */
        NAME " TXT insecure\n\t" NAME ". 300 IN TXT \"verification=abc\"\n\t" NAME
             ". 300 IN TXT \"v=STSv1; id=a;\"\n",
        "valid a", 300},
    {"two of them announce nothing", /* case 7 */
        NAME " TXT insecure\n\t" NAME ". 300 IN TXT \"v=STSv1; id=1\"\n\t" NAME
             ". 300 IN TXT \"v=STSv1; id=2\"\n",
        "several ", 300},
    {"aliases are followed", /* case 8 */
        NAME " TXT insecure\n\t" NAME ". 300 IN CNAME a.p.test.\n"
             "\ta.p.test. 300 IN CNAME b.p.test.\n"
             "\tb.p.test. 60 IN TXT \"v=STSv1; id=p\"\n",
        "valid p", 60},
    {"a name that does not exist", /* case 18 */
        NAME " TXT nxdomain\n\tauthority test. 900 IN SOA ns.test. h.test. 1 2 3 4 "
             "700\n",
        "none ", 700},
    {"an alias to nothing", /* case 18 */
        NAME " TXT insecure\n\t" NAME ". 300 IN CNAME a.p.test.\n"
             "a.p.test TXT nxdomain\n",
        "none ", 300},
    {"no record of that name", "", "none ", 0},
    {"a failure is no answer", /* case 19 */
        NAME " TXT servfail\n", "unsure ", 0},
    {"nor is what cannot be read", NAME " TXT garbage\n", "unsure ", 0},
    {"nor more records than are held",
        NAME " TXT insecure many=65\n\t" NAME ". 300 IN TXT \"x%u\"\n", "unsure ", 300},
};

static void
texts_are(void **state)
{
	const struct row *row = *state;
	struct server_script *server = server_start("127.0.0.1", 0, row->script);
	struct resolver *resolver = new_resolver(server);
	struct sts_txt txt;
	struct err trouble;
	char found[64];
	uint32_t ttl_s;

	resolver_ask_policy(resolver, DOMAIN, &txt, &ttl_s, &trouble);
	snprintf(found, sizeof(found), "%s %s", sts_txt_name(txt.state), txt.id);
	assert_string_equal(found, row->answer);
	if (row->ttl_s != 0)
		assert_int_equal(ttl_s, row->ttl_s);
	assert_int_equal(trouble.text[0] != '\0', txt.state == STS_TXT_UNSURE);
	resolver_free(resolver);
	server_stop(server);
}

/* Those of one kind do though the other cannot be told. */
static void
addresses_are_had(void **state)
{
	struct server_script *server = server_start("127.0.0.1", 0,
	    "mta-sts.d.test A servfail\n"
	    "mta-sts.d.test AAAA insecure\n\tmta-sts.d.test. 300 IN AAAA 2001:db8::1\n"
	    "mta-sts.e.test A insecure\n\tmta-sts.e.test. 300 IN A 192.0.2.1\n"
	    "mta-sts.f.test A servfail\nmta-sts.f.test AAAA servfail\n");
	struct resolver *resolver = new_resolver(server);
	struct address addresses[4];
	char text[ADDRESS_TEXT_SIZE];
	struct err trouble;

	(void)state;
	assert_int_equal(
	    resolver_ask_addresses(resolver, "mta-sts.d.test", addresses, 4, &trouble),
	    1);
	address_print(&addresses[0], text);
	assert_string_equal(text, "2001:db8::1");
	assert_int_equal(
	    resolver_ask_addresses(resolver, "mta-sts.e.test", addresses, 4, &trouble),
	    1);
	address_print(&addresses[0], text);
	assert_string_equal(text, "192.0.2.1");
	assert_int_equal(
	    resolver_ask_addresses(resolver, "mta-sts.f.test", addresses, 4, &trouble),
	    0);
	assert_string_not_equal(trouble.text, "");
	assert_int_equal(
	    resolver_ask_addresses(resolver, "mta-sts.g.test", addresses, 4, &trouble),
	    0);
	assert_string_equal(trouble.text, "");
	resolver_free(resolver);
	server_stop(server);
}

/* That asks this server. */
static struct measurer *
new_measurer(struct server_script *server)
{
	char name[64], *names[] = {name};
	struct resolver_settings settings = {
	    .servers = names, .server_count = 1, .timeout_ms = 5000, .tries = 1};

	snprintf(name, sizeof(name), "127.0.0.1@%u", server_port(server));
	return measure_make(&settings);
}

static void
ask_addresses(struct measurer *measurer, const char *host, struct fetch_request *request,
    struct err *trouble)
{
	assert_true(fetch_request_init(request, host, "/ca.pem"));
	measure_ask_addresses(measurer, request, trouble);
}

/* It is asked for where a policy host has an address of IPv6. */
static void
nat64_is_known(void **state)
{
	struct server_script *server = server_start("127.0.0.1", 0,
	    "mta-sts.d.test AAAA insecure\n\tmta-sts.d.test. 300 IN AAAA 2a00:64::a00:1\n"
	    "mta-sts.e.test A insecure\n\tmta-sts.e.test. 300 IN A 192.0.2.1\n"
	    "ipv4only.arpa A insecure\n\tipv4only.arpa. 300 IN A 192.0.0.170\n"
	    "ipv4only.arpa AAAA insecure\n"
	    "\tipv4only.arpa. 300 IN AAAA 2a00:64::c000:aa\n"
	    "\tipv4only.arpa. 300 IN AAAA 2a00:64::1:0:0\n");
	struct measurer *measurer = new_measurer(server);
	struct fetch_request request;
	char text[ADDRESS_TEXT_SIZE];
	struct err trouble;

	(void)state;
	ask_addresses(measurer, "mta-sts.e.test", &request, &trouble);
	assert_int_equal(request.nat64_count, 0);
	ask_addresses(measurer, "mta-sts.d.test", &request, &trouble);
	assert_int_equal(request.address_count, 1);
	assert_int_equal(request.nat64_count, 1);
	address_print(&request.nat64[0].address, text);
	assert_string_equal(text, "2a00:64::");
	assert_int_equal(request.nat64[0].bits, 96);
	assert_false(address_is_allowed(
	    &request.addresses[0], request.nat64, request.nat64_count, NULL, 0));
	measure_drop(measurer);
	server_stop(server);
}

/* What may be behind the NAT64 is not known: an address of IPv6 is left out. */
static void
nat64_is_unsure(void **state)
{
	struct server_script *server = server_start("127.0.0.1", 0,
	    "mta-sts.d.test AAAA insecure\n\tmta-sts.d.test. 300 IN AAAA 2a00:64::a00:1\n"
	    "mta-sts.e.test A insecure\n\tmta-sts.e.test. 300 IN A 192.0.2.1\n"
	    "mta-sts.e.test AAAA insecure\n\tmta-sts.e.test. 300 IN AAAA 2a00:64::a00:1\n"
	    "ipv4only.arpa A insecure\n\tipv4only.arpa. 300 IN A 192.0.0.170\n"
	    "ipv4only.arpa AAAA servfail\n");
	struct measurer *measurer = new_measurer(server);
	struct fetch_request request;
	struct err trouble;

	(void)state;
	ask_addresses(measurer, "mta-sts.d.test", &request, &trouble);
	assert_int_equal(request.address_count, 0);
	assert_string_not_equal(trouble.text, "");
	ask_addresses(measurer, "mta-sts.e.test", &request, &trouble);
	assert_int_equal(request.address_count, 1);
	assert_int_equal(request.addresses[0].length, 4);
	measure_drop(measurer);
	server_stop(server);
}

/* Nobody waits for some answers: name servers that hang keep an asker for one try. */
static void
hurry_is_one_try(void **state)
{
	struct server_script *server =
	    server_start("127.0.0.1", 0, NAME " TXT insecure silent\n");
	struct resolver *resolver = new_patient_resolver(server, 300, 4);
	struct sts_txt txt;
	struct err trouble;
	uint32_t ttl_s;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		resolver_hurry(resolver, i == 0);
		resolver_ask_policy(resolver, DOMAIN, &txt, &ttl_s, &trouble);
		assert_int_equal(txt.state, STS_TXT_UNSURE);
		assert_int_equal(server_asked(server, NAME " TXT"), i == 0 ? 1 : 1 + 4);
	}
	resolver_free(resolver);
	server_stop(server);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(texts_are, (void *)(uintptr_t)&rows[i], "%s", rows[i].name);
	suite_add(addresses_are_had, NULL, "addresses of a policy host");
	suite_add(nat64_is_known, NULL,
	    "the NAT64 of our site is asked for, and what is behind it is known");
	suite_add(nat64_is_unsure, NULL,
	    "where nobody can tell of a NAT64, addresses of IPv6 are left out");
	suite_add(hurry_is_one_try, NULL, "who is to hurry asks each server once");
	return suite_run();
}
