/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/choice.cases: the hosts that smtp(8) would try; and what they promise. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/choice.h"

struct row {
	struct dns_records records;
	struct choice_limits limits;
	const char *chosen;
};

static void
die(unsigned line, const char *what, const char *text)
{
	fprintf(stderr, "choice.cases:%u: %s: %s\n", line, what, text);
	exit(2);
}

static void
read_host(struct dns_records *records, unsigned line, struct str word)
{
	struct dns_host *host = &records->hosts[records->host_count++];
	struct str preference, name;
	uint64_t value = 0;

	if (!str_cut(&word, ':', &preference) || !str_number(preference, 65535, &value))
		die(line, "no preference", word.p);
	host->preference = (uint16_t)value;
	host->literal = !str_cut(&word, '=', &name);
	if (host->literal) {
		str_copy(word, host->name, sizeof(host->name));
		return;
	}
	str_copy(name, host->name, sizeof(host->name));
	host->address = DNS_INSECURE;
	for (size_t i = 0; i < word.len && word.p[i] != '-'; i++)
		(word.p[i] == '4' ? &host->a : &host->aaaa)->count++;
}

static void
hosts_are_chosen(void **state)
{
	const struct row *row = *state;
	struct choice choice;
	struct buf text = {0};

	choice_of(&row->records, &row->limits, &choice);
	for (unsigned i = 0; i < choice.count; i++) {
		const struct chosen_host *host = &choice.hosts[i];

		buf_printf(&text, "%s%s%s", i > 0 ? " " : "", host->name,
		    host->literal ? "" : "=");
		for (unsigned a = 0; a < host->address_count; a++)
			buf_add_char(&text, host->addresses[a].length == 4 ? '4' : '6');
	}
	assert_string_equal(choice.count > 0 ? buf_text(&text) : "-", row->chosen);
	assert_false(choice.cut);
	buf_clear(&text);
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));
	struct str rest = str_of(fields[0]), word;

	(void)context;
	if (count != 5)
		die(line, "not five columns", fields[0]);
	while (str_cut(&rest, ' ', &word))
		read_host(&row->records, line, word);
	read_host(&row->records, line, rest);
	row->limits = (struct choice_limits){.addresses = (unsigned)atoi(fields[1]),
	    .ipv4 = strchr(fields[2], '4') != NULL,
	    .ipv6 = strchr(fields[2], '6') != NULL};
	row->chosen = fields[3];
	suite_add(hosts_are_chosen, row, "row %u: %s", line, fields[4]);
}

/* --- more than are held, and promises ---------------------------------------------- */

static const struct choice_limits any = {5, true, true};

static void
more_than_are_held_is_said(void **state)
{
	struct dns_records *records = mem_new(1, sizeof(*records));
	struct choice choice;

	(void)state;
	records->host_count = CHOICE_MAX + 1;
	for (unsigned i = 0; i < records->host_count; i++) {
		records->hosts[i].address = DNS_INSECURE;
		records->hosts[i].a.count = 1;
		snprintf(records->hosts[i].name, NEXTHOP_HOST_SIZE, "h%u", i);
	}
	choice_of(records, &any, &choice);
	assert_int_equal(choice.count, CHOICE_MAX);
	assert_true(choice.cut);
	free(records);
}

static void
set_tlsa(struct dns_host *host, uint8_t usage)
{
	host->address = DNS_SECURE;
	host->a.count = 1;
	host->tlsa = DNS_SECURE;
	host->tlsa_count = 1;
	host->tlsas[0] =
	    (struct dns_tlsa){.usage = usage, .selector = 1, .matching = 1, .length = 32};
}

static enum promise
promise_of(enum dns_answer mx, uint8_t usage)
{
	struct dns_records *records = mem_new(1, sizeof(*records));
	struct choice choice;

	records->resolver_trusted = true;
	records->mx = mx;
	records->host_count = 1;
	set_tlsa(&records->hosts[0], usage);
	choice_of(records, &any, &choice);
	free(records);
	return choice.hosts[0].promise;
}

static void
promises_are_the_hosts_own(void **state)
{
	(void)state;
	assert_int_equal(promise_of(DNS_SECURE, 3), PROMISE_DANE);
	assert_int_equal(promise_of(DNS_INSECURE, 3), PROMISE_TLS);
	assert_int_equal(promise_of(DNS_SECURE, 1), PROMISE_TLS); /* it cannot be used */
}

int
main(void)
{
	suite_read_table("tests/cases/choice.cases", add_row, NULL);
	suite_add(
	    more_than_are_held_is_said, NULL, "more hosts than are held: it is said");
	suite_add(promises_are_the_hosts_own, NULL,
	    "TLSA promise DANE behind a signed MX record, else TLS");
	return suite_run();
}
