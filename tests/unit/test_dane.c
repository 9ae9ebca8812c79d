/* SPDX-License-Identifier: BSD-2-Clause */
/* The DANE verdict over tests/cases/dane.cases, and the records it stands on. */
#include "suite.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/dane.h"

#define ROWS_MAX 500

enum column { NUMBER, MX, HOSTS, STATE, DEFAULT, REASON, ACTION, WHAT, COLUMNS };

struct word {
	const char *text;
	enum dns_answer answer;
};

static const struct word answer_words[] = {
    {"s", DNS_SECURE},
    {"i", DNS_INSECURE},
    {"e", DNS_ERROR},
    {"-", DNS_NONE_SECURE},
    {"-i", DNS_NONE_INSECURE},
    {"u", DNS_UNREACHABLE},
};

static enum dns_answer
parse_answer(struct str text)
{
	for (size_t i = 0; i < sizeof(answer_words) / sizeof(answer_words[0]); i++)
		if (str_is(text, answer_words[i].text))
			return answer_words[i].answer;
	fail_msg("no answer: %.*s", STR_ARG(text));
	return DNS_NOT_ASKED;
}

/* Cut the next word off; the separator is gone. False: nothing is left. */
static bool
next_word(struct str *rest, char separator, struct str *word)
{
	if (rest->len == 0)
		return false;
	if (!str_cut(rest, separator, word)) {
		*word = *rest;
		rest->len = 0;
	}
	*word = str_trim(*word);
	return true;
}

static unsigned
parse_small(struct str text)
{
	uint64_t number;

	if (!str_number(text, 255, &number))
		fail_msg("no number: %.*s", STR_ARG(text));
	return (unsigned)number;
}

/* "3.1.1", "3.1.1/31", "3.1.0/bad" */
static struct dns_tlsa
parse_record(struct str text)
{
	static const uint16_t lengths[] = {91, 32, 64};
	struct dns_tlsa tlsa = {.der_exact = true};
	struct str word;

	assert_true(next_word(&text, '.', &word));
	tlsa.usage = (uint8_t)parse_small(word);
	assert_true(next_word(&text, '.', &word));
	tlsa.selector = (uint8_t)parse_small(word);
	assert_true(next_word(&text, '/', &word));
	tlsa.matching = (uint8_t)parse_small(word);
	tlsa.length = tlsa.matching < 3 ? lengths[tlsa.matching] : 32;
	if (text.len > 0 && str_is(text, "bad"))
		tlsa.der_exact = false;
	else if (text.len > 0)
		tlsa.length = (uint16_t)parse_small(text);
	return tlsa;
}

static void
parse_address(struct str text, struct dns_host *host)
{
	struct str a = text;

	if (str_cut(&text, ',', &a))
		host->address = dns_answer_merge(parse_answer(a), parse_answer(text));
	else
		host->address = parse_answer(text);
}

static void
parse_tlsa(struct str text, struct dns_host *host)
{
	struct str word;

	assert_true(next_word(&text, ':', &word));
	host->stale = str_is(word, "-old");
	host->tlsa = host->stale ? DNS_NONE_SECURE : parse_answer(word);
	while (next_word(&text, ',', &word)) {
		assert_true(host->tlsa_count < DNS_TLSA_MAX);
		host->tlsas[host->tlsa_count++] = parse_record(word);
	}
}

static void
parse_host(struct str text, struct dns_host *host)
{
	struct str word;

	while (next_word(&text, ' ', &word)) {
		if (str_eat(&word, STR("A="))) {
			parse_address(word, host);
		} else if (str_eat(&word, STR("C="))) {
			host->alias = true;
			host->cname = parse_answer(word);
		} else if (str_eat(&word, STR("T="))) {
			parse_tlsa(word, host);
		} else if (str_is(word, "C")) {
			host->alias = true;
		} else if (str_is(word, "literal")) {
			host->literal = true;
		} else {
			fail_msg("no word of a host: %.*s", STR_ARG(word));
		}
	}
}

static void
parse_mx(struct str text, struct dns_records *facts)
{
	struct str word;

	facts->resolver_trusted = true;
	while (next_word(&text, ' ', &word)) {
		if (str_is(word, "untrusted")) {
			facts->resolver_trusted = false;
		} else if (str_is(word, "truncated")) {
			facts->truncated = true;
		} else if (str_is(word, "literal")) {
			facts->literal = true;
		} else if (str_is(word, "null")) {
			facts->mx = DNS_SECURE;
			facts->null_mx = true;
		} else if (!str_is(word, "host")) {
			facts->mx = parse_answer(word);
		}
	}
	facts->implicit_mx =
	    facts->mx == DNS_NONE_SECURE || facts->mx == DNS_NONE_INSECURE;
}

static struct dns_records *
parse_facts(const char *mx, const char *hosts)
{
	struct dns_records *facts = mem_new(1, sizeof(*facts));
	struct str rest = str_of(hosts), host;

	parse_mx(str_of(mx), facts);
	if (str_is(rest, "-"))
		return facts;
	while (next_word(&rest, '|', &host)) {
		assert_true(facts->host_count < DNS_HOSTS_MAX);
		parse_host(host, &facts->hosts[facts->host_count++]);
	}
	return facts;
}

static void
verdict_is(void **state)
{
	char *const *fields = *state;
	struct dns_records *facts = parse_facts(fields[MX], fields[HOSTS]);
	struct dane_verdict verdict = dane_judge(facts);

	assert_string_equal(dane_state_name(verdict.state), fields[STATE]);
	assert_int_equal(verdict.mx, facts->mx);
	free(facts);
}

static char *table[ROWS_MAX][COLUMNS];
static size_t row_count;

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	char **row = table[row_count];

	(void)context;
	if (count != COLUMNS || row_count == ROWS_MAX) {
		fprintf(stderr, "dane.cases:%u: %zu columns\n", line, count);
		exit(2);
	}
	row_count++;
	memcpy(row, fields, COLUMNS * sizeof(*row));
	suite_add(verdict_is, row, "%s: %s", row[NUMBER], row[WHAT]);
}

struct signed_row {
	const char *name;
	const char *mx;
	const char *hosts;
	bool is_signed;
};

static const struct signed_row signed_rows[] = {
    {"a validated MX RRset makes a signed domain", "s", "A=i", true},
    {"so does its proven absence", "-", "A=s T=-", true},
    {"an unsigned MX RRset does not, whatever its hosts are", "i", "A=s T=-", false},
    {"nor an error", "e", "-", false},
    {"of [host] the address counts", "host", "A=s T=-", true},
    {"and it may be unsigned", "host", "A=i", false},
    {"an address literal is not signed", "literal", "literal", false},
    {"no word counts of a resolver that does not validate", "s untrusted", "A=s T=-",
        false},
};

static void
domain_is_signed(void **state)
{
	const struct signed_row *row = *state;
	struct dns_records *facts = parse_facts(row->mx, row->hosts);

	assert_int_equal(dane_judge(facts).signed_domain, row->is_signed);
	free(facts);
}

struct host_row {
	const char *name;
	const char *hosts;
	enum dane_host_state state;
	bool promises;
};

static const struct host_row host_rows[] = {
    {"no address", "A=-", DANE_HOST_ABSENT, false},
    {"no answer of an unsigned zone", "A=u", DANE_HOST_UNREACHABLE, false},
    {"an unsigned address", "A=i", DANE_HOST_NONE, false},
    {"no TLSA", "A=s T=-", DANE_HOST_NONE, false},
    {"an address literal", "literal", DANE_HOST_NONE, false},
    {"unusable TLSA", "A=s T=s:1.1.1", DANE_HOST_UNUSABLE, true},
    {"usable TLSA", "A=s T=s:3.1.1", DANE_HOST_USABLE, true},
    {"TLSA that could not be had", "A=s T=e", DANE_HOST_FAILED, false},
    {"an address that could not be had", "A=e", DANE_HOST_FAILED, false},
    {"an absence that may have expired", "A=s T=-old", DANE_HOST_FAILED, false},
};

static void
host_is(void **state)
{
	const struct host_row *row = *state;
	struct dns_records *facts = parse_facts("i", row->hosts);

	assert_string_equal(dane_host_state_name(dane_judge_host(facts, 0)),
	    dane_host_state_name(row->state));
	assert_int_equal(
	    dane_host_promises_tls(dane_judge_host(facts, 0)), row->promises);
	free(facts);
}

struct stale_row {
	const char *name;
	const char *mx;
	const char *hosts;
	bool stale;
};

static const struct stale_row stale_rows[] = {
    {"alone it is", "s", "A=s T=-old", true},
    {"beside an error it is not", "s", "A=s T=-old | A=s T=e", false},
    {"beside usable TLSA it is not", "s", "A=s T=-old | A=s T=s:3.1.1", false},
    {"a fresh absence is not", "s", "A=s T=-", false},
    {"nor without trust", "s untrusted", "A=s T=-old", false},
};

static void
absence_is_stale(void **state)
{
	const struct stale_row *row = *state;
	struct dns_records *facts = parse_facts(row->mx, row->hosts);

	assert_int_equal(dane_judge(facts).stale_absence, row->stale);
	free(facts);
}

/* A self-signed Ed25519 certificate and its public key, made by OpenSSL. */
#define KEY_HEX \
	"302a300506032b6570032100cb75e267a8ae9e63c8b81e186371cf263a89024e1337eee6c895c9" \
	"9c" \
	"703ec6d2"
#define CERTIFICATE_HEX \
	"3082012c3081dfa0030201020214337a1602c4aad00e62b365331b419a82ba212bf0300506032b" \
	"65" \
	"70300c310a300806035504030c016d301e170d3236313132343036353830375a170d3336313132" \
	"31" \
	"3036353830375a300c310a300806035504030c016d302a300506032b6570032100cb75e267a8ae" \
	"9e" \
	"63c8b81e186371cf263a89024e1337eee6c895c99c703ec6d2a3533051301d0603551d0e041604" \
	"14" \
	"97737055bb34be01fd1b87c1e6162ce5d4b93ff4301f0603551d2304183016801497737055bb34" \
	"be" \
	"01fd1b87c1e6162ce5d4b93ff4300f0603551d130101ff040530030101ff300506032b65700341" \
	"00" \
	"0dbe2b9a5d5b55bd498d95340143beaac1d70556e3fabf7d4b5aec8a7b58bf4a7d2600043cc025" \
	"d9" \
	"859b419ef0db2044fb6edc7735d344422494a67348a4fc05"

struct der_row {
	const char *name;
	unsigned selector;
	const char *hex;
	bool exact;
};

static const struct der_row der_rows[] = {
    {"a certificate is one", 0, CERTIFICATE_HEX, true},
    {"a key is one", 1, KEY_HEX, true},
    {"a key is no certificate", 0, KEY_HEX, false},
    {"a certificate is no key", 1, CERTIFICATE_HEX, false},
    {"an octet behind a certificate", 0, CERTIFICATE_HEX "00", false},
    {"an octet behind a key", 1, KEY_HEX "00", false},
    {"a digest is no key", 1,
        "cb75e267a8ae9e63c8b81e186371cf263a89024e1337eee6c895c99c703ec6d2", false},
    {"nothing at all", 1, "", false},
    {"a tag alone", 1, "30", false},
    {"a length beyond the end", 1, "3084ffffffff", false},
    {"a length of eight octets", 1, "30880000000000000000", false},
    {"no definite length", 1, "3080300003000000", false},
    {"a key without its bits", 1, "30023000", false},
    {"an inner length beyond the outer one", 1,
        "30043000"
        "0305",
        false},
    {"the least that looks like a key", 1, "300430000300", true},
    {"the same with a long form of length", 1,
        "30820004"
        "30000300",
        true},
    {"a selector of the future", 2, KEY_HEX, false},
};

static uint8_t
hex_digit(char c)
{
	return (uint8_t)(ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
}

static void
der_is_exact(void **state)
{
	const struct der_row *row = *state;
	size_t len = strlen(row->hex) / 2;
	uint8_t *data = mem_new(len, 1); /* its exact size, for the sanitizer */

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(hex_digit(row->hex[2 * i]) << 4 |
		    hex_digit(row->hex[2 * i + 1]));
	assert_int_equal(
	    dane_der_is_exact((uint8_t)row->selector, data, len), row->exact);
	free(data);
}

static void
hosts_are_described(void **state)
{
	struct dns_records *facts =
	    parse_facts("s", "A=s T=s:3.1.1,1.1.1 | A=i C=s T=- | A=i | literal");
	struct buf out = {0};

	(void)state;
	assert_true(
	    str_copy(STR("mx.example.org"), facts->hosts[0].name, NEXTHOP_HOST_SIZE));
	assert_true(
	    str_copy(STR("MX.example.org"), facts->hosts[0].base, NEXTHOP_HOST_SIZE));
	assert_true(str_copy(STR("alias.test"), facts->hosts[1].name, NEXTHOP_HOST_SIZE));
	assert_true(
	    str_copy(STR("target.test"), facts->hosts[1].base, NEXTHOP_HOST_SIZE));
	assert_true(str_copy(STR("a\nb"), facts->hosts[2].name, NEXTHOP_HOST_SIZE));
	assert_true(str_copy(STR("to.test"), facts->hosts[2].target, NEXTHOP_HOST_SIZE));
	assert_true(str_copy(STR("192.0.2.1"), facts->hosts[3].name, NEXTHOP_HOST_SIZE));
	dane_describe(facts, &out);
	assert_string_equal(buf_text(&out),
	    "mx.example.org address=secure tlsa=secure usable=1/2\n"
	    "alias.test address=insecure alias cname=secure base=target.test tlsa=none\n"
	    "a\\x0ab address=insecure target=to.test tlsa=not-asked\n"
	    "192.0.2.1 literal\n");
	/* By these names a server is logged. */
	assert_true(dane_describes(buf_text(&out), STR("MX.Example.org")));
	assert_true(dane_describes(buf_text(&out), STR("target.test")));
	assert_true(dane_describes(buf_text(&out), STR("To.test")));
	assert_false(dane_describes(buf_text(&out), STR("secure")));
	assert_false(
	    dane_describes("_25._tcp.mx.test TLSA: bogus\nmx.test address=secure\n",
	        STR("_25._tcp.mx.test")));
	assert_true(dane_describes(
	    "_25._tcp.mx.test TLSA: bogus\nmx.test address=secure\n", STR("mx.test")));
	assert_true(dane_describes("192.0.2.1 literal", STR("192.0.2.1")));
	assert_false(dane_describes("mx.test", STR("mx.test"))); /* it was cut */
	assert_false(dane_describes(buf_text(&out), STR("alias")));
	buf_clear(&out);
	free(facts);
}

int
main(void)
{
	suite_read_table("tests/cases/dane.cases", add_row, NULL);
	for (size_t i = 0; i < sizeof(signed_rows) / sizeof(signed_rows[0]); i++)
		suite_add(domain_is_signed, &signed_rows[i], "%s", signed_rows[i].name);
	for (size_t i = 0; i < sizeof(host_rows) / sizeof(host_rows[0]); i++)
		suite_add(host_is, &host_rows[i], "a host: %s", host_rows[i].name);
	for (size_t i = 0; i < sizeof(stale_rows) / sizeof(stale_rows[0]); i++)
		suite_add(absence_is_stale, &stale_rows[i], "only to be asked again: %s",
		    stale_rows[i].name);
	for (size_t i = 0; i < sizeof(der_rows) / sizeof(der_rows[0]); i++)
		suite_add(
		    der_is_exact, &der_rows[i], "one DER object: %s", der_rows[i].name);
	suite_add(hosts_are_described, NULL, "hosts are described in a line each");
	return suite_run();
}
