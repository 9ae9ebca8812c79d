/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <stdio.h>

#include "core/route.h"

/* --- look-up keys (transport(5), TABLE SEARCH ORDER) -------------------------------- */

struct keys_row {
	const char *recipient;
	bool parents_match;
	const char *keys; /* apart by blanks */
	size_t whole_only;
};

static const struct keys_row keys_rows[] = {
    {"User+Ext@Sub.Example.ORG", false,
        "user+ext@sub.example.org user@sub.example.org sub.example.org .example.org .org "
        "*",
        1},
    {"user@sub.example.org", true,
        "user@sub.example.org sub.example.org example.org org *", 1},
    {"user@localhost", false, "user@localhost localhost *", 1},
    {"user@[192.0.2.1]", false, "user@[192.0.2.1] [192.0.2.1] *", 1},
    {"+user@example.org", false, "+user@example.org example.org .org *", 1},
    {"user", false, "", 0},
};

static void
keys_are(void **state)
{
	const struct keys_row *row = *state;
	struct route_settings settings = {
	    .relayhost = "",
	    .default_transport = "smtp",
	    .recipient_delimiter = "+",
	    .parents_match = row->parents_match,
	};
	char keys[ROUTE_KEYS_MAX][ROUTE_KEY_SIZE];
	char joined[2048] = "";
	size_t whole_only,
	    count = route_keys(&settings, str_of(row->recipient), keys, &whole_only);

	for (size_t i = 0; i < count; i++)
		snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s",
		    i > 0 ? " " : "", keys[i]);
	assert_string_equal(joined, row->keys);
	assert_int_equal(whole_only, row->whole_only);
}

/* What cannot be a key is not asked for. */
static void
long_recipients_have_no_keys(void **state)
{
	struct route_settings settings = {
	    .relayhost = "", .default_transport = "smtp", .recipient_delimiter = "+"};
	char keys[ROUTE_KEYS_MAX][ROUTE_KEY_SIZE], recipient[2 * ROUTE_KEY_SIZE];
	size_t whole_only;

	(void)state;
	memset(recipient, 'a', sizeof(recipient));
	strcpy(recipient + ROUTE_KEY_SIZE, "@d.test");
	assert_int_equal(route_keys(&settings, str_of(recipient), keys, &whole_only), 0);
	/* A NUL is not what the delimiters end with. */
	assert_int_equal(route_keys(&settings, STR("u\0x@d.test"), keys, &whole_only), 4);
	assert_int_equal(route_keys(&settings, STR("u@d."), keys, &whole_only), 3);
}

static void
many_labels_are_bounded(void **state)
{
	struct route_settings settings = {
	    .relayhost = "", .default_transport = "smtp", .recipient_delimiter = ""};
	char keys[ROUTE_KEYS_MAX][ROUTE_KEY_SIZE];
	char recipient[256] = "u@";
	size_t whole_only;

	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(recipient, "a.");
	strcat(recipient, "test");
	assert_int_equal(
	    route_keys(&settings, str_of(recipient), keys, &whole_only), ROUTE_KEYS_MAX);
}

/* --- routes (transport(5), RESULT FORMAT; postconf(5), relayhost) ------------------- */

struct route_row {
	const char *relayhost;
	const char *default_transport;
	const char *found;
	const char *transport;
	const char *key;
};

static const struct route_row route_rows[] = {
    {"", "smtp", "", "smtp", "example.org"},
    {"isp.example", "smtp", "", "smtp", "isp.example"},
    {"[Mail.ISP.example]:587", "smtp", "", "smtp", "[mail.isp.example]:587"},
    {"isp.example", "smtp:[out.example]", "", "smtp", "[out.example]"},
    {"isp.example", "slow:", "", "slow", "isp.example"},
    {"isp.example", "smtp", "smtp:[mx.example]:2525", "smtp", "[mx.example]:2525"},
    {"isp.example", "smtp", "strict:", "strict", "example.org"},
    {"isp.example", "smtp", "strict", "strict", "example.org"},
    {"isp.example", "smtp", ":other.example", "smtp", "other.example"},
    {"", "smtp", ":", "smtp", "example.org"},
    {"", "smtp", "lmtp:unix:private/lmtp", "lmtp", ""},
    {"", "smtp", "error:5.1.2 no such domain", "error", ""},
    {"", "", "", "smtp", "example.org"},
    {"[isp.example]:submission", "smtp", "", "smtp", "[isp.example]:submission"},
    {"[a.example], [b.example]:587", "smtp", "", "smtp", "[b.example]:587"},
    {"[a.example] [b.example]:587", "smtp", "", "smtp", "[b.example]:587"},
    {"a.example\tb.example", "smtp", "", "smtp", "b.example"},
    {" , a.example ,, ", "smtp", "", "smtp", "a.example"},
    {"[a.example] no_such..host", "smtp", "", "smtp", ""},
    {", ,", "smtp", "", "smtp", ""},
    {"", "smtp", "smtp:[a.example]:25 b.example", "smtp", "b.example"},
    {"", "smtp:a.example b.example", "", "smtp", "b.example"},
    /* smtp(8) ends with "valid hostname or network address required" (host_port.c). */
    {"[a.example.]:587", "smtp", "", "smtp", ""},
    {"a.example.", "smtp", "", "smtp", ""},
    {"", "smtp", "error:no mail, sorry", "error", ""},
    {"", "smtp", "retry:later.example", "retry", ""},
    {"", "smtp", "discard:gone.example", "discard", ""},
    {"b c, [a.example]", "smtp", "", "smtp", "[a.example]"},
    {"[a.example],", "smtp", "", "smtp", "[a.example]"},
    {"[a.example], ", "smtp", "", "smtp", "[a.example]"},
    {"", "smtp", "smtp:[IPv6:2001:DB8::1]:26", "smtp", "[ipv6:2001:db8::1]:26"},
};

static void
route_is(void **state)
{
	const struct route_row *row = *state;
	struct route_settings settings = {
	    .relayhost = row->relayhost,
	    .default_transport = row->default_transport,
	    .recipient_delimiter = "",
	};
	struct route route;

	route_of(&settings, STR("example.org"), str_of(row->found), &route);
	assert_string_equal(route.transport, row->transport);
	assert_string_equal(route.key, row->key);
}

/* --- lists (relayhost, transport_maps) ---------------------------------------------- */

#define LIST "[a.example]:25, [b.example]:2525,[b.example]:submission, c.example"

static const struct {
	const char *relayhost, *server, *key;
} picks[] = {
    {LIST, "", "c.example"},
    {LIST, "none", "c.example"},
    {LIST, "a.example[192.0.2.1]:25", "[a.example]:25"},
    {LIST, "A.Example[192.0.2.1]:25", "[a.example]:25"},
    {LIST, "a.example", "[a.example]:25"},
    {LIST, "a.example[192.0.2.1]:26", "c.example"},
    {LIST, "b.example[192.0.2.1", "[b.example]:2525"},
    {LIST, "b.example[192.0.2.1]", "[b.example]:2525"},
    {LIST, "b.example[192.0.2.1]:x", "[b.example]:2525"},
    {LIST, "b.example[192.0.2.1]:65536", "[b.example]:2525"},
    {LIST, "b.example[2001:db8::1]:2525", "[b.example]:2525"},
    {LIST, "b.example[2001:db8::1]:587", "[b.example]:submission"},
    {LIST, "mx.c.example[192.0.2.1]:25", "c.example"},
    {LIST, "mx.other.example[192.0.2.1]:25", "c.example"},
    {"[192.0.2.7]:2525, [b.example]", "192.0.2.7[192.0.2.7]:2525", "[192.0.2.7]:2525"},
    {"[a.example]:smtp, [b.example]", "a.example[192.0.2.1]:25", "[a.example]:smtp"},
    {"[a.example]:nntp, [b.example]", "a.example[192.0.2.1]:119", "[a.example]:nntp"},
    {"[a.example], [b.example]", "a.example[192.0.2.1]:25", "[a.example]"},
    {"[a.example], [a.example]:587", "a.example[192.0.2.1]:587", "[a.example]:587"},
    {"[a.example], [a.example]:587", "a.example[192.0.2.1]:25", "[a.example]"},
    {"[a.example]:25 [b.example]:2525", "a.example[192.0.2.1]:25", "[a.example]:25"},
    {"a.example\tb.example", "b.example[192.0.2.1]:25", "b.example"},
    {"[only.example]:25", "a.example[192.0.2.1]:25", "[only.example]:25"},
};

static void
server_tells_which_of_a_list(void **state)
{
	struct ports ports = {.standard = 25};

	(void)state;
	ports_add(&ports, "nntp", 119);
	for (size_t i = 0; i < sizeof(picks) / sizeof(*picks); i++) {
		/* A list in transport_maps is the same. */
		for (int mapped = 0; mapped < 2; mapped++) {
			struct route_settings settings = {
			    .relayhost = mapped ? "" : picks[i].relayhost,
			    .default_transport = "smtp",
			    .recipient_delimiter = ""};
			char found[256];
			struct route route;

			snprintf(found, sizeof(found), "%s%s", mapped ? "smtp:" : "",
			    mapped ? picks[i].relayhost : "");
			route_of(&settings, STR("example.org"), str_of(found), &route);
			route_pick(&route, str_of(picks[i].server), &ports);
			if (strcmp(route.key, picks[i].key) != 0)
				fail_msg("%s, %s: %s", picks[i].relayhost,
				    picks[i].server, route.key);
		}
	}
	ports_clear(&ports);
}

/* --- relayed domains (relay_domains, relay_transport) ------------------------------- */

#define GATEWAY "smtp:[in.example]:2525"

static const struct relayed_row {
	const char *relay_domains, *relay_transport;
	bool parents_match;
	const char *relayhost, *found, *server, *transport, *key;
} relayed_rows[] = {
    {"example.org", GATEWAY, true, "", "", "", "smtp", "[in.example]:2525"},
    {"other.test, Example.ORG", GATEWAY, true, "isp.example", "", "", "smtp",
        "[in.example]:2525"},
    {"org", GATEWAY, true, "", "", "", "smtp", "[in.example]:2525"},
    {"org", GATEWAY, false, "", "", "", "smtp", "example.org"},
    {".org", GATEWAY, false, "", "", "", "smtp", "[in.example]:2525"},
    {"!example.org, org", GATEWAY, true, "", "", "", "smtp", "example.org"},
    {"ample.org", GATEWAY, true, "", "", "", "smtp", "example.org"},
    {"other.test", GATEWAY, true, "isp.example", "", "", "smtp", "isp.example"},
    {"example.org", "relay:", true, "isp.example", "", "", "relay", "isp.example"},
    {"example.org", "relay", true, "", "", "", "smtp", "example.org"},
    {"example.org", GATEWAY, true, "", "slow:", "", "slow", "example.org"},
    {"example.org", "slow:in.example", true, "", ":b.example", "", "slow", "b.example"},
    {"example.org", "smtp:a.example b.example", true, "", "", "", "smtp", "b.example"},
    {"example.org", "error:no relay", true, "", "", "", "error", ""},
    /* What is in a table only the server of the line tells. */
    {"hash:/relayed", GATEWAY, true, "", "", "", "smtp", "example.org"},
    {"hash:/relayed", GATEWAY, true, "", "", "in.example[192.0.2.1]:2525", "smtp",
        "[in.example]:2525"},
    {"hash:/relayed", GATEWAY, true, "", "", "in.example[192.0.2.1]:25", "smtp",
        "example.org"},
    {"hash:/relayed", GATEWAY, true, "", "", "mx.example.org[192.0.2.1]:25", "smtp",
        "example.org"},
    {"/relayed", GATEWAY, true, "isp.example", "", "in.example[192.0.2.1]:2525", "smtp",
        "[in.example]:2525"},
    {"hash:/relayed", GATEWAY, true, "", "smtp:b.example", "in.example[192.0.2.1]:2525",
        "smtp", "b.example"},
    {"example.org hash:/relayed", GATEWAY, true, "", "", "", "smtp", "[in.example]:2525"},
    {"", GATEWAY, true, "", "", "in.example[192.0.2.1]:2525", "smtp", "example.org"},
};

static void
relayed_domain_goes(void **state)
{
	const struct relayed_row *row = *state;
	struct route_settings settings = {.relayhost = row->relayhost,
	    .default_transport = "smtp",
	    .recipient_delimiter = "",
	    .relay_domains = row->relay_domains,
	    .relay_transport = row->relay_transport,
	    .relay_parents_match = row->parents_match};
	struct route route;

	route_of(&settings, STR("example.org"), str_of(row->found), &route);
	route_pick(&route, str_of(row->server), NULL);
	assert_string_equal(route.transport, row->transport);
	assert_string_equal(route.key, row->key);
}

/* More than there is room for are tried all the same; the last one counts. */
static void
long_list_is_bounded(void **state)
{
	struct route_settings settings = {
	    .relayhost = "", .default_transport = "smtp", .recipient_delimiter = ""};
	char list[2048] = "smtp:";
	struct route route;

	(void)state;
	for (int i = 0; i < 60; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
		    "[relay%d.example]:25, ", i);
	strcat(list, "[last.example]");
	route_of(&settings, STR("example.org"), str_of(list), &route);
	assert_string_equal(route.key, "[last.example]");
	route_pick(&route, STR("relay59.example[192.0.2.1]:25"), NULL);
	assert_string_equal(route.key, "[last.example]");
	route_pick(&route, STR("relay0.example[192.0.2.1]:25"), NULL);
	assert_string_equal(route.key, "[relay0.example]:25");
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(keys_rows) / sizeof(keys_rows[0]); i++)
		suite_add(keys_are, &keys_rows[i], "look-up keys of %s",
		    keys_rows[i].recipient);
	suite_add(long_recipients_have_no_keys, NULL,
	    "a recipient that is too long for a key has none");
	suite_add(
	    many_labels_are_bounded, NULL, "a domain of a hundred labels is bounded");
	for (size_t i = 0; i < sizeof(route_rows) / sizeof(route_rows[0]); i++)
		suite_add(route_is, &route_rows[i],
		    "relayhost=%s default_transport=%s found=%s: %s",
		    route_rows[i].relayhost, route_rows[i].default_transport,
		    route_rows[i].found, route_rows[i].key);
	for (size_t i = 0; i < sizeof(relayed_rows) / sizeof(relayed_rows[0]); i++)
		suite_add(relayed_domain_goes, &relayed_rows[i],
		    "relay_domains=%s relay_transport=%s found=%s server=%s: %s",
		    relayed_rows[i].relay_domains, relayed_rows[i].relay_transport,
		    relayed_rows[i].found, relayed_rows[i].server, relayed_rows[i].key);
	suite_add(server_tells_which_of_a_list, NULL,
	    "each of a list is a key: its server tells which one it was");
	suite_add(long_list_is_bounded, NULL, "a long list is bounded");
	return suite_run();
}
