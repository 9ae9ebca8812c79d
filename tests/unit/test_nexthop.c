/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <string.h>

#include "core/level.h"
#include "core/nexthop.h"

/* 22 of U+023A: 44 octets, folded 66, which is no label. */
#define SHORTER_2 "\xc8\xba\xc8\xba"
#define SHORTER_22 \
	SHORTER_2 SHORTER_2 SHORTER_2 SHORTER_2 SHORTER_2 SHORTER_2 SHORTER_2 SHORTER_2 \
	    SHORTER_2 SHORTER_2 SHORTER_2

struct row {
	const char *text;
	const char *key; /* NULL: refused */
	const char *host;
	unsigned port;
	bool bracketed;
	bool literal;
};

static const struct row rows[] = {
    {"Example.ORG", "example.org", "example.org", 25, false, false},
    {"b\xc3\xbc"
     "cher.test",
        "b\xc3\xbc"
        "cher.test",
        "b\xc3\xbc"
        "cher.test",
        25, false, false},
    {"B\xc3\x9c"
     "CHER.test",
        "b\xc3\xbc"
        "cher.test",
        "b\xc3\xbc"
        "cher.test",
        25, false, false},
    {"[MX.B\xc3\x9c"
     "CHER.test]:26",
        "[mx.b\xc3\xbc"
        "cher.test]:26",
        "mx.b\xc3\xbc"
        "cher.test",
        26, true, false},
    {"\xd0\x9f\xd0\x9e.test", "\xd0\xbf\xd0\xbe.test", "\xd0\xbf\xd0\xbe.test", 25, false,
        false},
    {"\xce\xa3.test", "\xcf\x83.test", "\xcf\x83.test", 25, false, false},
    {"\xc2\xb5.test", "\xce\xbc.test", "\xce\xbc.test", 25, false, false},
    {"\xc8\xba.test", "\xe2\xb1\xa5.test", "\xe2\xb1\xa5.test", 25, false, false},
    {SHORTER_22 ".test", NULL, NULL, 0, false, false},
    {"xn--bcher-kva.test", "xn--bcher-kva.test", "xn--bcher-kva.test", 25, false, false},
    {"[mx.example]:2525", "[mx.example]:2525", "mx.example", 2525, true, false},
    {"mx.example:587", "mx.example:587", "mx.example", 587, false, false},
    {"[192.0.2.1]", "[192.0.2.1]", "192.0.2.1", 25, true, true},
    {"[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]", "2001:db8::1", 25, true, true},
    {"[2001:db8::1]:26", "[2001:db8::1]:26", "2001:db8::1", 26, true, true},
    {"[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", "::ffff:192.0.2.1", 25, true, true},
    {"_dmarc.example", "_dmarc.example", "_dmarc.example", 25, false, false},
    {"localhost", "localhost", "localhost", 25, false, false},
    {"192.0.2.1", "192.0.2.1", "192.0.2.1", 25, false, true},
    {"", NULL, NULL, 0, false, false},
    {".example.org", NULL, NULL, 0, false, false},
    {"example.org.", NULL, NULL, 0, false, false},
    {"example..org", NULL, NULL, 0, false, false},
    {"-f", NULL, NULL, 0, false, false},
    {"exa mple.org", NULL, NULL, 0, false, false},
    {"exa\tmple.org", NULL, NULL, 0, false, false},
    {"exa\"mple.org", NULL, NULL, 0, false, false},
    {"example.org\n", NULL, NULL, 0, false, false},
    {"example.org may", NULL, NULL, 0, false, false},
    {"a\xff.test", NULL, NULL, 0, false, false},
    {"a\xe2\x80\xa8.test", NULL, NULL, 0, false, false},
    {"a\xc2\x85.test", NULL, NULL, 0, false, false},
    {"stra\xc3\x9f"
     "e.test",
        NULL, NULL, 0, false, false},
    {"\xc5\xbf"
     "ecure.test",
        NULL, NULL, 0, false, false},
    {"\xe2\x84\xaa"
     "elvin.test",
        NULL, NULL, 0, false, false},
    {"\xcf\x83\xcf\x82.test", NULL, NULL, 0, false, false},
    {"\xef\xac\x81sh.test", NULL, NULL, 0, false, false},
    {"\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0.test",
        "\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0.test",
        "\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0.test", 25, false, false},
    {"[example.org", NULL, NULL, 0, false, false},
    {"[]", NULL, NULL, 0, false, false},
    {"[example.org]:", NULL, NULL, 0, false, false},
    {"[example.org]x", NULL, NULL, 0, false, false},
    {"[IPv6:example.org]", NULL, NULL, 0, false, false},
    {"example.org:", NULL, NULL, 0, false, false},
    {"example.org:0", NULL, NULL, 0, false, false},
    {"example.org:65536", NULL, NULL, 0, false, false},
    {"example.org:smtp", "example.org:smtp", "example.org", 25, false, false},
    {"[example.org]:submission", "[example.org]:submission", "example.org", 587, true,
        false},
    {"[example.org]:submissions", "[example.org]:submissions", "example.org", 465, true,
        false},
    {"[example.org]:ssmtp", "[example.org]:ssmtp", "example.org", 465, true, false},
    {"[example.org]:urd", "[example.org]:urd", "example.org", 465, true, false},
    {"example.org:mail", "example.org:mail", "example.org", 25, false, false},
    {"example.org:nntp", "example.org:nntp", "example.org", 0, false, false},
    {"[example.org]:X11-1", "[example.org]:x11-1", "example.org", 0, true, false},
    {"example.org:-x", NULL, NULL, 0, false, false},
    {"example.org:1x/tcp", NULL, NULL, 0, false, false},
    {"example.org:a b", NULL, NULL, 0, false, false},
    {"example.org:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, NULL, 0, false, false},
    {"private/lmtp", NULL, NULL, 0, false, false},
    {"unix:private/lmtp", NULL, NULL, 0, false, false},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test", NULL, NULL,
        0, false, false},
    {"$(reboot).test", NULL, NULL, 0, false, false},
    {"%n%s.test", NULL, NULL, 0, false, false},
    {"[IPv6:", NULL, NULL, 0, false, false},
    {"[IPv6:]", NULL, NULL, 0, false, false},
    {"[mx.example]x:25", NULL, NULL, 0, false, false},
    {"[::1:2.3.4.5555]", NULL, NULL, 0, false, false},
    {":25", NULL, NULL, 0, false, false},
    {"[]:25", NULL, NULL, 0, false, false},
    {"example.org:1:2", NULL, NULL, 0, false, false},
    {"example.org:.x", NULL, NULL, 0, false, false},
    {"example.org:a/b", NULL, NULL, 0, false, false},
    {"example.org:12345678901234567890", NULL, NULL, 0, false, false},
};

/* A letter less, and it is one. */
static void
long_names_are_refused(void **state)
{
	char text[2 * NEXTHOP_KEY_SIZE] = "", key[NEXTHOP_KEY_SIZE];
	struct nexthop nh;

	(void)state;
	while (strlen(text) + 2 < NEXTHOP_HOST_SIZE - 1)
		strcat(text, "a.");
	strcat(text, "b");
	assert_true(nexthop_parse(str_of(text), &nh));
	strcat(text, "bb");
	assert_false(nexthop_parse(str_of(text), &nh));
	memset(text, 'a', sizeof(text));
	text[NEXTHOP_KEY_SIZE] = '\0';
	assert_false(nexthop_parse(str_of(text), &nh));
	assert_false(nexthop_fold(str_of(text), key, sizeof(key)));
	text[NEXTHOP_KEY_SIZE - 1] = '\0';
	assert_true(nexthop_fold(str_of(text), key, sizeof(key)));
	assert_string_equal(key, text);
	/* What becomes longer than there is room for, and what no text is. */
	assert_false(nexthop_fold(STR(SHORTER_22), key, 50));
	assert_false(nexthop_fold(STR("\xc3\x9c\0"), key, sizeof(key)));
	assert_false(nexthop_fold(STR("\xc3"), key, sizeof(key)));
}

static void
ports_have_names(void **state)
{
	struct ports ports = {.standard = 26};
	struct nexthop nh;

	(void)state;
	ports_add(&ports, "nntp", 119);
	assert_true(nexthop_parse(STR("d.test:nntp"), &nh));
	nexthop_take_ports(&nh, NULL);
	assert_int_equal(nh.port, 0);
	nexthop_take_ports(&nh, &ports);
	assert_int_equal(nh.port, 119);
	assert_true(nexthop_parse(STR("d.test"), &nh));
	nexthop_take_ports(&nh, &ports);
	assert_int_equal(nh.port, 26);
	ports.standard = 0;
	assert_true(nexthop_parse(STR("d.test"), &nh));
	nexthop_take_ports(&nh, &ports);
	assert_int_equal(nh.port, 25);
	ports_clear(&ports);
}

static void
nexthop_is(void **state)
{
	const struct row *row = *state;
	struct nexthop nh;

	if (row->key == NULL) {
		assert_false(nexthop_parse(str_of(row->text), &nh));
		return;
	}
	assert_true(nexthop_parse(str_of(row->text), &nh));
	assert_string_equal(nh.key, row->key);
	assert_string_equal(nh.host, row->host);
	assert_int_equal(nh.port, row->port);
	assert_int_equal(nh.bracketed, row->bracketed);
	assert_int_equal(nh.literal, row->literal);
}

/* What is refused, and what Postfix looks up for it; NULL: it is refused otherwise. */
static const char *const others[][2] = {
    {"Stra\xc3\x9f"
     "e.test",
        "strasse.test"},
    {"[\xc5\xbf"
     "ecure.test]:26",
        "[secure.test]:26"},
    {"\xe2\x84\xaa"
     "elvin.test",
        "kelvin.test"},
    {"\xcf\x83\xcf\x82.test", "\xcf\x83\xcf\x83.test"},
    {"\xef\xac\x81sh.test", "fish.test"},
    {"b\xc3\xbc"
     "cher.test",
        NULL},
    {"B\xc3\x9c"
     "CHER.test",
        NULL},
    {"\xc3\x9f..test", NULL},
    {"a\xff.test", NULL},
    {"example..org", NULL},
    {"example.org", NULL},
};

static void
is_looked_up(void **state)
{
	const char *const *row = *state;
	struct nexthop nh;

	assert_int_equal(nexthop_looked_up(str_of(row[0]), &nh), row[1] != NULL);
	if (row[1] != NULL)
		assert_string_equal(nh.key, row[1]);
}

/* Otherwise a key would be another one when it is read again. */
static void
keys_are_parsed_as_themselves(void **state)
{
	struct nexthop first, again;
	char text[8];

	(void)state;
	for (uint32_t code = 0x80; code < 0x20000; code++) {
		size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

		for (size_t i = len; i-- > 1;)
			text[i] = (char)(0x80 | (code >> 6 * (len - 1 - i) & 0x3f));
		text[0] = (char)((0xf00 >> len & 0xff & ~(0x80 >> len)) |
		    (code >> 6 * (len - 1)));
		text[len] = '\0';
		if (!nexthop_parse(str_of(text), &first))
			continue;
		assert_true(nexthop_parse(str_of(first.key), &again));
		assert_string_equal(again.key, first.key);
		assert_string_equal(again.host, first.host);
	}
}

static const char *const recipients[][2] = {
    {"user@example.org", "example.org"},
    {"\"a>, b@c\"@Example.org", "Example.org"},
    {"user@[192.0.2.1]", "[192.0.2.1]"},
    {"user", NULL},
    {"user@", NULL},
    {"", NULL},
};

static void
parents_are_of_domains(void **state)
{
	(void)state;
	assert_true(nexthop_is_below("a.d.test", ".d.test"));
	assert_true(nexthop_is_below("a.b.d.test", ".d.test"));
	assert_false(nexthop_is_below("d.test", ".d.test"));
	assert_false(nexthop_is_below("ad.test", ".d.test"));
	assert_false(nexthop_is_below(".d.test", ".d.test"));
	assert_false(nexthop_is_below("[a.d.test]", ".d.test"));
	assert_false(nexthop_is_below("a.d.test:25", ".d.test"));
	assert_false(nexthop_is_below("a.d.test", "d.test"));
	assert_false(nexthop_is_below("a.e.test", ".d.test"));
}

static void
recipient_domain_is(void **state)
{
	const char *const *row = *state;
	struct str domain;

	if (row[1] == NULL) {
		assert_false(nexthop_recipient_domain(str_of(row[0]), &domain));
		return;
	}
	assert_true(nexthop_recipient_domain(str_of(row[0]), &domain));
	assert_true(str_is(domain, row[1]));
}

static const char *const addresses[] = {"0.0.0.0", "255.255.255.255", "::", "::1",
    "1::", "2001:db8:1:2:3:4:5:6", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", NULL};
static const char *const no_addresses[] = {"256.1.1.1", "1.2.3", "1.2.3.4.5",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":1", "1:", "1::2::3", "12345::", "::1.2.3",
    "g::", "1.2.3.", "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:1.2.3.4",
    "1:2:3:4:5::6:7:1.2.3.4", "::1:2:3:4:5:6:7:8", "1.2.3.1234", "a.b.c.d", "1:::2",
    "1111:2222:3333:4444:5555:6666:7777:8888:9999::", "", ":", NULL};

static void
is_address(void **state)
{
	assert_true(nexthop_is_address(str_of(*state)));
}

static void
is_no_address(void **state)
{
	assert_false(nexthop_is_address(str_of(*state)));
}

static void
levels_keep_their_names(void **state)
{
	enum level level;

	(void)state;
	for (enum level l = LEVEL_NONE; l < LEVEL_COUNT; l++) {
		assert_true(level_parse(str_of(level_name(l)), &level));
		assert_int_equal(level, l);
	}
	assert_false(level_parse(STR("unknown"), &level));
	assert_false(level_parse(STR("may "), &level));
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(nexthop_is, &rows[i], "next-hop row %zu: %s", i + 1,
		    rows[i].key != NULL ? rows[i].key : "refused");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		suite_add(is_looked_up, others[i], "row %zu is looked up as %s", i + 1,
		    others[i][1] != NULL ? others[i][1] : "itself or never");
	suite_add(long_names_are_refused, NULL, "a name that is too long is refused");
	suite_add(ports_have_names, NULL, "the port that services(5) has is taken");
	suite_add(keys_are_parsed_as_themselves, NULL, "every key is that of itself");
	for (size_t i = 0; i < sizeof(recipients) / sizeof(recipients[0]); i++)
		suite_add(
		    recipient_domain_is, recipients[i], "recipient %s", recipients[i][0]);
	for (size_t i = 0; addresses[i] != NULL; i++)
		suite_add(is_address, addresses[i], "%s is an address", addresses[i]);
	for (size_t i = 0; no_addresses[i] != NULL; i++)
		suite_add(
		    is_no_address, no_addresses[i], "%s is no address", no_addresses[i]);
	suite_add(
	    parents_are_of_domains, NULL, "Postfix looks up the parents of a domain");
	suite_add(levels_keep_their_names, NULL, "a level's name parses to that level");
	return suite_run();
}
