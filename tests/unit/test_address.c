/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/addresses.cases: where a policy host may be; networks, and NAT64. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/address.h"
#include "stskit.h"

struct row {
	char **fields; /* without the number, which test_sts looks at */
};

static void
addresses_are_allowed(void **state)
{
	const struct row *row = *state;
	struct str words[8];
	size_t count = sts_split(sts_field(row->fields[1]), words, 8);
	struct network networks[8], prefixes[8];
	size_t network_count = 0, prefix_count = 0;
	struct address address;

	for (size_t i = 0; i < count; i++)
		assert_true(str_eat(&words[i], STR("nat64="))
		        ? network_parse(words[i], &prefixes[prefix_count++])
		        : network_parse(words[i], &networks[network_count++]));
	assert_true(address_parse(str_of(row->fields[0]), &address));
	assert_string_equal(
	    address_is_allowed(&address, prefixes, prefix_count, networks, network_count)
	        ? "yes"
	        : "no",
	    row->fields[2]);
}

/* RFC 6052 2.4: 192.0.0.170 and 171 behind a prefix of each length. */
static void
records_show_a_prefix(void **state)
{
	static const struct {
		const char *record;
		const char *prefix; /* "": none */
		unsigned bits;
	} rows[] = {
	    {"64:ff9b::c000:aa", "64:ff9b::", 96},
	    {"2a00:64:1:2:3:4:c000:ab", "2a00:64:1:2:3:4::", 96},
	    {"2a00:64:1:2:c0:0:aa00:0", "2a00:64:1:2::", 64},
	    {"2a00:64:1:2c0:0:aa::", "2a00:64:1:200::", 56},
	    {"2a00:64:1:c000:0:aa00::", "2a00:64:1::", 48},
	    {"2a00:64:1c0:0:aa::", "2a00:64:100::", 40},
	    {"2a00:64:c000:aa::", "2a00:64::", 32},
	    {"2a00:64::c000:ac", "", 0},
	    {"2a00:64::1", "", 0},
	    {"192.0.0.170", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[ADDRESS_TEXT_SIZE] = "";
		struct network prefix = {.bits = 0};
		struct address record;

		assert_true(address_parse(str_of(rows[i].record), &record));
		if (address_nat64(&record, &prefix))
			address_print(&prefix.address, text);
		assert_string_equal(text, rows[i].prefix);
		assert_int_equal(prefix.bits, rows[i].bits);
	}
}

static void
networks_of_another_form(void **state)
{
	static const char *const wrong[] = {"", "/", "10.0.0.0/", "10.0.0.0/33",
	    "10.0.0.1/8", "10.0.0/8", "::/129", "fd00::1/8", "10.0.0.0/-1", "a.test",
	    "10.0.0.0/8 ", "[::1]", "10.0.0.0/0008", "1.2.3.4.5"};
	struct network network;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(network_parse(str_of(wrong[i]), &network));
	assert_true(network_parse(STR("0.0.0.0/0"), &network));
	assert_true(network_parse(STR("::1/128"), &network));
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));

	(void)context;
	if (count != 5) {
		fprintf(stderr, "addresses.cases:%u: %zu columns, not 5\n", line, count);
		exit(2);
	}
	row->fields = suite_keep(mem_new(count, sizeof(*fields)));
	memcpy(row->fields, fields + 1, (count - 1) * sizeof(*fields));
	suite_add(addresses_are_allowed, row, "addresses, row %u: %s", line, fields[4]);
}

int
main(void)
{
	suite_read_table("tests/cases/addresses.cases", add_row, NULL);
	suite_add(records_show_a_prefix, NULL, "what ipv4only.arpa shows of a NAT64");
	suite_add(networks_of_another_form, NULL, "networks of another form");
	return suite_run();
}
