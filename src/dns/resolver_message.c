/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ldns 1.8.3 parses well and does little else that can be built upon: it does not match
 * replies to questions, its denial checks ignore signatures, it aborts on NSEC3 records
 * with an unknown algorithm once they are hashed, and on names it could not read. So
 * names are screened before it sees them, NSEC3 likewise (resolver_denial.c), RRSIG is
 * left where it is, and chains of aliases are walked here.
 *
 * What remains is ldns_wire2pkt() on the octets of a resolver that we chose to believe,
 * at most 64 KiB of them.
 */
#include "dns/resolver_message.h"

#include <assert.h>
#include <ldns/ldns.h>
#include <string.h>

#include "dns/resolver_denial.h"

#define HEADER_SIZE   12
#define EDNS_UDP_SIZE 1232 /* means nothing over TCP, but looks like everyone's */
#define NAME_TEXT_MAX 253
#define LABEL_MAX     63
#define SOA_MINIMUM   6 /* its place in the rdata */

const char *
rr_type_name(enum rr_type type)
{
	switch (type) {
	case RR_A:
		return "A";
	case RR_NS:
		return "NS";
	case RR_CNAME:
		return "CNAME";
	case RR_SOA:
		return "SOA";
	case RR_MX:
		return "MX";
	case RR_TXT:
		return "TXT";
	case RR_AAAA:
		return "AAAA";
	case RR_DS:
		return "DS";
	case RR_TLSA:
		return "TLSA";
	}
	return "?";
}

static bool
is_name_char(char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '_' || c == '*';
}

bool
dns_name_is_valid(struct str name)
{
	size_t label = 0;

	if (str_is(name, "."))
		return true;
	if (name.len == 0 || name.len > NAME_TEXT_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.p[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!is_name_char(name.p[i]) || ++label > LABEL_MAX) {
			return false;
		}
	}
	return label > 0;
}

void
message_ask(const char *name, enum rr_type type, uint16_t id, struct buf *out)
{
	ldns_rdf *owner;
	ldns_pkt *pkt;
	uint8_t *wire = NULL;
	size_t size = 0;

	assert(dns_name_is_valid(str_of(name)));
	owner = ldns_dname_new_frm_str(name);
	assert(owner != NULL);
	pkt = ldns_pkt_query_new(owner, (ldns_rr_type)type, LDNS_RR_CLASS_IN, LDNS_RD);
	assert(pkt != NULL); /* and owner is its */
	ldns_pkt_set_id(pkt, id);
	ldns_pkt_set_edns_udp_size(pkt, EDNS_UDP_SIZE);
	ldns_pkt_set_edns_do(pkt, true);
	if (ldns_pkt2wire(&wire, pkt, &size) != LDNS_STATUS_OK)
		assert(!"a question that cannot be written");
	buf_add(out, wire, size);
	free(wire);
	ldns_pkt_free(pkt);
}

bool
message_id(struct str message, uint16_t *id)
{
	const uint8_t *p = (const uint8_t *)message.p;

	if (message.len < HEADER_SIZE)
		return false;
	*id = (uint16_t)(p[0] << 8 | p[1]);
	return true;
}

bool
message_name(const ldns_rdf *rdf, char out[NEXTHOP_HOST_SIZE])
{
	struct str wire;
	size_t len = 0;

	if (rdf == NULL || ldns_rdf_get_type(rdf) != LDNS_RDF_TYPE_DNAME)
		return false;
	wire = (struct str){(const char *)ldns_rdf_data(rdf), ldns_rdf_size(rdf)};
	while (wire.len > 0 && wire.p[0] != 0) {
		size_t label = (uint8_t)wire.p[0];

		if (label > LABEL_MAX || label >= wire.len ||
		    len + label + 1 >= NEXTHOP_HOST_SIZE)
			return false;
		for (size_t i = 1; i <= label; i++) {
			if (!is_name_char(wire.p[i]))
				return false;
			out[len++] = ascii_lower(wire.p[i]);
		}
		out[len++] = '.';
		wire = str_skip(wire, label + 1);
	}
	if (len == 0)
		out[len++] = '.';
	else if (len > 1)
		len--; /* the last dot */
	out[len] = '\0';
	return dns_name_is_valid((struct str){out, len});
}

bool
message_number(const ldns_rr *rr, size_t index, size_t octets, uint32_t *number)
{
	const ldns_rdf *rdf = ldns_rr_rdf(rr, index);
	const uint8_t *p;

	if (rdf == NULL || ldns_rdf_size(rdf) != octets)
		return false;
	p = ldns_rdf_data(rdf);
	*number = 0;
	for (size_t i = 0; i < octets; i++)
		*number = *number << 8 | p[i];
	return true;
}

static void
note_ttl(struct reply *reply, uint32_t ttl_s)
{
	if (ttl_s < reply->ttl_s)
		reply->ttl_s = ttl_s;
}

/* Is this record one of type for name? */
static bool
is_record(const ldns_rr *rr, const char *name, enum rr_type type)
{
	char owner[NEXTHOP_HOST_SIZE];

	return ldns_rr_get_type(rr) == (ldns_rr_type)type &&
	    ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
	    message_name(ldns_rr_owner(rr), owner) && strcmp(owner, name) == 0;
}

/*
 * A host that cannot be asked for is none that smtp(8) could use, and dns_lookup.c skips
 * it as well. If no other is left this is still an answer with data: not the same as no
 * MX at all, which would make the domain itself the host.
 */
static void
take_mx(const ldns_rr *rr, struct mx_record *mx, struct reply *reply)
{
	struct mx_record *record;
	uint32_t preference;

	if (reply->count == DNS_HOSTS_MAX) {
		reply->overflow = true;
		return;
	}
	record = &mx[reply->count];
	if (!message_number(rr, 0, 2, &preference) ||
	    !message_name(ldns_rr_rdf(rr, 1), record->name))
		return;
	if (strcmp(record->name, ".") == 0) {
		reply->root_mx = true;
		return;
	}
	record->preference = (uint16_t)preference;
	reply->count++;
}

/* A record that cannot be read is unusable, but it is one: it promises TLS. */
static void
take_tlsa(const ldns_rr *rr, struct dns_tlsa *tlsas, struct reply *reply)
{
	const ldns_rdf *data = ldns_rr_rdf(rr, 3);
	struct dns_tlsa *tlsa;
	uint32_t usage = 255, selector = 255, matching = 255;

	if (reply->count == DNS_TLSA_MAX) {
		reply->overflow = true;
		return;
	}
	tlsa = &tlsas[reply->count++];
	*tlsa = (struct dns_tlsa){0};
	message_number(rr, 0, 1, &usage);
	message_number(rr, 1, 1, &selector);
	message_number(rr, 2, 1, &matching);
	tlsa->usage = (uint8_t)usage;
	tlsa->selector = (uint8_t)selector;
	tlsa->matching = (uint8_t)matching;
	if (data == NULL || ldns_rdf_size(data) == 0)
		return;
	tlsa->length = (uint16_t)ldns_rdf_size(data);
	tlsa->der_exact = matching == 0 &&
	    dane_der_is_exact(tlsa->selector, ldns_rdf_data(data), tlsa->length);
	memcpy(tlsa->data, ldns_rdf_data(data),
	    tlsa->length < sizeof(tlsa->data) ? tlsa->length : sizeof(tlsa->data));
}

/* Its strings are joined (RFC 8461 3.1); with one that cannot be, none of them counts. */
static void
take_txt(const ldns_rr *rr, struct txt_records *texts, struct reply *reply)
{
	struct buf data = {0};

	if (reply->count == STS_TXT_RECORDS_MAX) {
		reply->overflow = true;
		return;
	}
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		buf_add(&data, ldns_rdf_data(ldns_rr_rdf(rr, i)),
		    ldns_rdf_size(ldns_rr_rdf(rr, i)));
	if (!sts_txt_join((struct str){buf_text(&data), data.len}, &texts->octets))
		texts->unread = true;
	buf_clear(&data);
	texts->ends[reply->count++] = texts->octets.len;
}

/* Those that have no room are left out: one is enough to be reached. */
static void
take_address(const ldns_rr *rr, enum rr_type type, struct reply *reply)
{
	const ldns_rdf *data = ldns_rr_rdf(rr, 0);
	size_t size = type == RR_A ? 4 : 16;

	if (data == NULL || ldns_rdf_size(data) != size ||
	    reply->count == DNS_ADDRESSES_MAX)
		return;
	memcpy(reply->addresses[reply->count++], ldns_rdf_data(data), size);
}

/* Of the types that are asked for the sake of proof. */
static void
take_other(const ldns_rr *rr, enum rr_type type, struct reply *reply)
{
	struct proof_reply *proof = &reply->proof;
	uint32_t algorithm = 0, digest = 0;

	reply->count++;
	if (type == RR_SOA) {
		memcpy(proof->zone, reply->name, sizeof(proof->zone));
	} else if (type == RR_CNAME) {
		if (!message_name(ldns_rr_rdf(rr, 0), proof->next))
			proof->next[0] = '\0';
	} else if (type == RR_DS && proof->ds_count++ < PROOF_DS_MAX) {
		message_number(rr, 1, 1, &algorithm);
		message_number(rr, 2, 1, &digest);
		proof->ds[proof->ds_count - 1] = (struct proof_ds){
		    .algorithm = (uint8_t)algorithm, .digest = (uint8_t)digest};
	}
}

/* Take the records of type at the name where the walk stands. False: there are none. */
static bool
take_records(const ldns_rr_list *answer, enum rr_type type,
    const struct message_room *room, struct reply *reply)
{
	bool found = false;

	for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(answer, i);

		if (!is_record(rr, reply->name, type))
			continue;
		found = true;
		note_ttl(reply, ldns_rr_ttl(rr));
		if (type == RR_MX && room->mx != NULL)
			take_mx(rr, room->mx, reply);
		else if (type == RR_TLSA && room->tlsas != NULL)
			take_tlsa(rr, room->tlsas, reply);
		else if (type == RR_TXT && room->texts != NULL)
			take_txt(rr, room->texts, reply);
		else if (type == RR_A || type == RR_AAAA)
			take_address(rr, type, reply);
		else
			take_other(rr, type, reply);
	}
	return found;
}

static const ldns_rr *
find_alias(const ldns_rr_list *answer, const char *name)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(answer, i);

		if (is_record(rr, name, RR_CNAME))
			return rr;
	}
	return NULL;
}

/* Follow the aliases in the message to the records, or to where they end. */
static bool
walk(const ldns_rr_list *answer, enum rr_type type, const struct message_room *room,
    struct reply *reply, struct err *err)
{
	while (!take_records(answer, type, room, reply)) {
		const ldns_rr *alias =
		    type == RR_CNAME ? NULL : find_alias(answer, reply->name);

		if (alias == NULL) {
			reply->kind = reply->alias ? REPLY_ALIAS : REPLY_NONE;
			return true;
		}
		if (++reply->aliases > ALIASES_MAX)
			return err_set(err, "aliases without an end");
		reply->alias = true;
		note_ttl(reply, ldns_rr_ttl(alias));
		if (!message_name(ldns_rr_rdf(alias, 0), reply->name))
			return err_set(err, "an alias to a malformed name");
	}
	reply->kind = REPLY_DATA;
	return true;
}

/* How long an absence may be remembered: RFC 2308 section 5. */
static void
note_negative_ttl(const ldns_rr_list *authority, struct reply *reply)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(authority); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(authority, i);
		uint32_t minimum;

		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA ||
		    !message_number(rr, SOA_MINIMUM, 4, &minimum))
			continue;
		note_ttl(reply, ldns_rr_ttl(rr));
		note_ttl(reply, minimum);
		reply->soa_ttl_s = ldns_rr_ttl(rr);
		reply->soa_minimum_s = minimum;
	}
}

static const char *
refusal_name(unsigned rcode)
{
	static const char *const names[] = {
	    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};

	return rcode < sizeof(names) / sizeof(names[0]) ? names[rcode] : "an error code";
}

/* Is the packet the reply to this question? */
static bool
answers_question(const ldns_pkt *pkt, const char *name, enum rr_type type, uint16_t id,
    struct err *err)
{
	const ldns_rr_list *questions = ldns_pkt_question(pkt);
	char asked[NEXTHOP_HOST_SIZE];
	const ldns_rr *question;

	if (ldns_pkt_id(pkt) != id || !ldns_pkt_qr(pkt) ||
	    ldns_pkt_get_opcode(pkt) != LDNS_PACKET_QUERY)
		return err_set(err, "no reply to this question");
	if (ldns_rr_list_rr_count(questions) != 1)
		return err_set(err, "a reply without its question");
	question = ldns_rr_list_rr(questions, 0);
	if (ldns_rr_get_type(question) != (ldns_rr_type)type ||
	    ldns_rr_get_class(question) != LDNS_RR_CLASS_IN ||
	    !message_name(ldns_rr_owner(question), asked) ||
	    !str_equal_nocase(str_of(asked), str_of(name)))
		return err_set(err, "a reply to another question");
	if (ldns_pkt_tc(pkt))
		return err_set(err, "a truncated reply");
	return true;
}

static bool
read_packet(const ldns_pkt *pkt, enum rr_type type, const struct message_room *room,
    struct reply *reply, struct err *err)
{
	unsigned rcode = ldns_pkt_get_rcode(pkt) | ldns_pkt_edns_extended_rcode(pkt) << 4;

	reply->ad = ldns_pkt_ad(pkt);
	if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) {
		reply->kind = REPLY_REFUSE;
		reply->refusal = refusal_name(rcode);
		return true;
	}
	if (!walk(ldns_pkt_answer(pkt), type, room, reply, err))
		return false;
	denial_read(ldns_pkt_authority(pkt), reply->name, type == RR_DS, &reply->proof);
	if (rcode == LDNS_RCODE_NXDOMAIN && reply->kind == REPLY_DATA)
		return err_set(err, "records of a name that does not exist");
	if (rcode == LDNS_RCODE_NXDOMAIN)
		reply->kind = REPLY_NONE;
	if (reply->kind == REPLY_NONE)
		note_negative_ttl(ldns_pkt_authority(pkt), reply);
	reply->proof.kind = reply->alias   ? PROOF_ALIAS
	    : reply->kind == REPLY_DATA    ? PROOF_DATA
	    : rcode == LDNS_RCODE_NXDOMAIN ? PROOF_NXDOMAIN
	                                   : PROOF_NODATA;
	return true;
}

bool
message_read(struct str message, const char *name, enum rr_type type, uint16_t id,
    const struct message_room *room, struct reply *reply, struct err *err)
{
	ldns_pkt *pkt = NULL;
	bool done;

	*reply = (struct reply){.ttl_s = UINT32_MAX, .soa_ttl_s = UINT32_MAX};
	if (room->texts != NULL) {
		buf_reset(&room->texts->octets);
		room->texts->unread = false;
	}
	if (message.len < HEADER_SIZE || message.len > UINT16_MAX ||
	    ldns_wire2pkt(&pkt, (const uint8_t *)message.p, message.len) !=
	        LDNS_STATUS_OK)
		return err_set(err, "a malformed reply");
	for (size_t i = 0; name[i] != '\0'; i++)
		reply->name[i] = ascii_lower(name[i]);
	done = answers_question(pkt, name, type, id, err) &&
	    read_packet(pkt, type, room, reply, err);
	ldns_pkt_free(pkt);
	return done;
}
