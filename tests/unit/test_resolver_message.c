/* SPDX-License-Identifier: BSD-2-Clause */
/* A reply's octets, good and hostile, and the names that may be asked for. */
#include "suite.h"

#include <stdlib.h>

#include "base/mem.h"
#include "dns/resolver_message.h"

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

#define HEADER_SIZE   12
#define QUESTION_TYPE 27 /* its low octet */

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
	struct message_room room = {.tlsas = tlsas};
	struct err err;
	bool done = message_read((struct str){(const char *)data, len}, "example.test",
	    RR_TLSA, 0x1234, &room, reply, &err);

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

static uint32_t
next_random(uint32_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 17;
	*random ^= *random << 5;
	return *random;
}

/* Up to four octets behind the header changed, as every type of question. */
static void
changed_octets_are_survived(void **state)
{
	static const enum rr_type types[] = {
	    RR_TLSA, RR_MX, RR_A, RR_CNAME, RR_SOA, RR_DS, RR_TXT};
	struct mx_record *mx = mem_new(DNS_HOSTS_MAX, sizeof(*mx));
	struct dns_tlsa *tlsas = mem_new(DNS_TLSA_MAX, sizeof(*tlsas));
	uint8_t *copy = mem_new(sizeof(reply_octets), 1);
	struct str message = {(const char *)copy, sizeof(reply_octets)};
	struct txt_records texts = {.unread = false};
	struct message_room room = {mx, tlsas, &texts};
	uint32_t random = 2463534242;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		enum rr_type type = types[round / 4 % 7];
		struct reply reply;
		struct err err;

		memcpy(copy, reply_octets, sizeof(reply_octets));
		copy[QUESTION_TYPE] = (uint8_t)type;
		for (unsigned change = 0; change <= round % 4; change++) {
			size_t at = HEADER_SIZE +
			    next_random(&random) % (sizeof(reply_octets) - HEADER_SIZE);

			copy[at] = (uint8_t)next_random(&random);
		}
		if (!message_read(
		        message, "example.test", type, 0x1234, &room, &reply, &err))
			continue;
		assert_true(dns_name_is_valid(str_of(reply.name)));
		assert_true(reply.count <= DNS_HOSTS_MAX);
		assert_true(reply.proof.denial_count <= PROOF_DENIALS_MAX);
	}
	buf_clear(&texts.octets);
	free(copy);
	free(tlsas);
	free(mx);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(name_rows) / sizeof(name_rows[0]); i++)
		suite_add(
		    name_is_valid, &name_rows[i], "name \"%.20s\"", name_rows[i].text);
	suite_add(reply_is_read, NULL, "a reply written by hand is read");
	suite_add(no_prefix_is_a_reply, NULL, "a reply cut short is none");
	suite_add(changed_octets_are_survived, NULL, "changed octets are survived");
	return suite_run();
}
