/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports that next-hops do not write as a number, and whose server it is by its port. */
#include "suite.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dane.h"
#include "core/destination.h"
#include "foldkit.h"
#include "postfix/postfix.h"
#include "sys/ports.h"

static const struct {
	const char *text;
	unsigned standard, port;
} named[] = {
    {"example.org", 25, 25},
    {"example.org", 2525, 2525}, /* smtp_tcp_port */
    {"[mx.example]", 2525, 2525},
    {"[2001:db8::1]", 2525, 2525},
    {"example.org", 0, 25}, /* not known */
    {"[mx.example]:25", 2525, 25},
    {"[mx.example]:smtp", 2525, 25},
    {"[mx.example]:submission", 25, 587},
    {"[mx.example]:nntp", 25, 119},
    {"[mx.example]:NNTP", 25, 119},
    {"[mx.example]:readnews", 25, 119},
    {"[mx.example]:uucp", 25, 540},
    {"[mx.example]:nobody", 25, 0},
};

static void
port_is(void **state)
{
	struct ports ports = {0};

	(void)state;
	ports_add(&ports, "uucp", 540);
	ports_add(&ports, "nntp", 119);
	ports_add(&ports, "a-name-that-is-too-long-for-a-service", 1);
	ports_add(&ports, "readnews", 119);
	for (unsigned i = 0; i < 200; i++) {
		char name[PORTS_NAME_SIZE];

		snprintf(name, sizeof(name), "s%u", i);
		ports_add(&ports, name, (uint16_t)(1000 + i));
	}
	ports_sort(&ports);
	assert_int_equal(ports.count, 203);
	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++) {
		struct nexthop nexthop;

		ports.standard = (uint16_t)named[i].standard;
		assert_true(nexthop_parse(str_of(named[i].text), &nexthop));
		nexthop_take_ports(&nexthop, &ports);
		if (nexthop.port != named[i].port)
			fail_msg("%s: %u", named[i].text, nexthop.port);
	}
	ports_clear(&ports);
}

/* --- what this machine and Postfix say -----------------------------------------------
 */

static void
services_are_read(void **state)
{
	const struct servent *service = getservbyname("nntp", "tcp");
	struct ports ports;

	(void)state;
	if (service == NULL)
		suite_skip("services(5) has no nntp");
	ports_read(&ports);
	assert_int_equal(ports_named(&ports, STR("nntp")), 119);
	assert_int_equal(ports_named(&ports, STR("readnews")), 119);
	assert_int_equal(ports_named(&ports, STR("none-of-them")), 0);
	/* One of UDP alone is none. */
	assert_int_equal(ports_named(&ports, STR("tftp")), 0);
	for (size_t i = 0; i < ports.count; i++)
		assert_int_not_equal(ports.services[i].port, 0);
	ports_clear(&ports);
	assert_int_equal(ports_find("nntp"), 119);
	assert_int_equal(ports_find("smtp"), 25);
	assert_int_equal(ports_find("none-of-them"), 0);
}

static const struct {
	const char *setting; /* smtp_tcp_port */
	unsigned port;
} settings_rows[] = {{"smtp", 25}, {"25", 25}, {"2525", 2525}, {"submission", 587},
    {"uucp", 540}, {"", 25}, {NULL, 25}, {"nobody", 25}, {"0", 25}, {"99999", 25}};

static void
standard_is_that_of_postfix(void **state)
{
	struct ports ports = {0};

	(void)state;
	ports_add(&ports, "uucp", 540);
	for (size_t i = 0; i < sizeof(settings_rows) / sizeof(*settings_rows); i++) {
		struct postfix_settings settings = {
		    .tcp_port = (char *)(uintptr_t)settings_rows[i].setting};

		postfix_take_port(&settings, &ports);
		assert_int_equal(ports.standard, settings_rows[i].port);
	}
	ports_clear(&ports);
}

/* What was decided before they were in it stands. */
static void
sum_has_a_port_of_its_own_alone(void **state)
{
	struct postfix_settings settings = {0};
	int64_t usual = postfix_settings_sum(&settings, LEVEL_VERIFY);

	(void)state;
	settings.tcp_port = (char *)(uintptr_t) "smtp";
	assert_true(postfix_settings_sum(&settings, LEVEL_VERIFY) == usual);
	settings.tcp_port = (char *)(uintptr_t) "2525";
	assert_false(postfix_settings_sum(&settings, LEVEL_VERIFY) == usual);
}

/* --- whose server it is --------------------------------------------------------------
 */

#define AT(relay, status, reason) STATUS("1", "QA", "u@a.test", relay, status, reason)

static const struct {
	const char *what;
	unsigned standard;
	const char *lines[2];
	const char *relay; /* of the deferral; NULL: there is none any more */
	const char *host;  /* of the first server, and its port */
	unsigned port;
} relays[] = {
    {"the next-hop's port is not named", 25, {AT(MX ":25", "deferred", NOT_VERIFIED)},
        "mx.a.test", "mx.a.test", 25},
    {"another port is", 25, {AT(MX ":587", "deferred", NOT_VERIFIED)}, "mx.a.test:587",
        "mx.a.test", 587},
    {"that of smtp_tcp_port is not", 2525, {AT(MX ":2525", "deferred", NOT_VERIFIED)},
        "mx.a.test", "mx.a.test", 2525},
    {"25 is where that is another", 2525, {AT(MX ":25", "deferred", NOT_VERIFIED)},
        "mx.a.test:25", "mx.a.test", 25},
    {"an old Postfix writes none", 2525, {AT(MX, "deferred", NOT_VERIFIED)}, "mx.a.test",
        "mx.a.test", 2525},
    {"what another port took does not end it", 25,
        {AT(MX ":25", "deferred", NOT_VERIFIED), AT(MX ":587", "sent", "250 Ok")},
        "mx.a.test", "mx.a.test", 25},
    {"what its own took does", 25,
        {AT(MX ":25", "deferred", NOT_VERIFIED), AT(MX ":25", "sent", "250 Ok")}, NULL,
        "mx.a.test", 25},
};

static void
relay_has_a_port(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(relays) / sizeof(*relays); i++) {
		struct fold *fold = fold_new(foldkit_rules);
		struct ports ports = {.standard = (uint16_t)relays[i].standard};
		const struct fold_item *item;

		fold_set_ports(fold, &ports);
		for (int64_t l = 0; l < 2 && relays[i].lines[l] != NULL; l++)
			foldkit_feed(fold, relays[i].lines[l], NOW_MS + l * 1000);
		item = fold_first(fold);
		assert_non_null(item);
		if (item->deferred != (relays[i].relay != NULL) ||
		    (item->deferred &&
		        strcmp(item->deferral->relay, relays[i].relay) != 0))
			fail_msg("%s: %s", relays[i].what, item->deferral->relay);
		assert_string_equal(item->hosts[0].name, relays[i].host);
		assert_int_equal(item->hosts[0].port, relays[i].port);
		fold_free(fold);
	}
}

static const struct {
	const char *key;
	unsigned port;
	enum answer own;
} owners[] = {
    {"d.test", 25, ANSWER_YES}, {"d.test", 0, ANSWER_YES}, /* not told */
    {"d.test", 587, ANSWER_NO}, {"[mx.d.test]:587", 587, ANSWER_YES},
    {"[mx.d.test]:587", 25, ANSWER_NO}, {"[mx.d.test]:submission", 587, ANSWER_YES},
    {"[mx.d.test]:nntp", 119, ANSWER_YES}, {"[mx.d.test]:nntp", 25, ANSWER_NO},
    {"[mx.d.test]:nobody", 25, ANSWER_YES}, /* nobody knows that port */
};

static void
server_is_its_own_by_its_port(void **state)
{
	struct ports ports = {.standard = 25};

	(void)state;
	ports_add(&ports, "nntp", 119);
	for (size_t i = 0; i < sizeof(owners) / sizeof(*owners); i++) {
		char name[] = "mx.d.test";
		struct fold_host host = {
		    .name = name, .port = (uint16_t)owners[i].port, .flow_ms = NOW_MS};
		struct destination d;

		destination_init(&d, owners[i].key);
		destination_take_ports(&d, &ports);
		d.dns.time_ms = NOW_MS;
		strcpy(d.dns.state, dane_state_name(DANE_NONE));
		strcpy(d.dns.text, "mx.d.test usable=0/0");
		if (destination_has_server(&d, &host) != owners[i].own)
			fail_msg("%s, port %u", owners[i].key, owners[i].port);
		destination_clear(&d);
	}
	ports_clear(&ports);
}

int
main(void)
{
	int status;

	foldkit_begin();
	suite_add(port_is, NULL, "a port is a number, a name, or that of mail");
	suite_add(services_are_read, NULL, "names are those of services(5)");
	suite_add(standard_is_that_of_postfix, NULL, "that of mail is smtp_tcp_port");
	suite_add(sum_has_a_port_of_its_own_alone, NULL,
	    "another smtp_tcp_port has all judged again, the usual one does not");
	suite_add(relay_has_a_port, NULL, "a deferral names the port of another server");
	suite_add(server_is_its_own_by_its_port, NULL,
	    "a server is the destination's own by name and port");
	status = suite_run();
	rules_free(foldkit_rules);
	return status;
}
