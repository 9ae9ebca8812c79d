/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/resolver_denial.h"

#include <string.h>

#define NSEC_BITS       1 /* places in the rdata */
#define NSEC3_ALGORITHM 0
#define NSEC3_FLAGS     1
#define NSEC3_TIMES     2
#define NSEC3_SALT      3
#define NSEC3_BITS      5

#define NSEC3_SHA1      1
#define NSEC3_OPT_OUT   1   /* the flag */
#define NSEC3_TIMES_MAX 150 /* more are not hashed (RFC 9276 3.2) */

/* RFC 4034 4.1.2: blocks of a window, a length up to 32, and so many octets. */
static bool
has_type(const ldns_rdf *bits, unsigned type)
{
	const uint8_t *p, *end;

	if (bits == NULL || ldns_rdf_get_type(bits) != LDNS_RDF_TYPE_BITMAP)
		return false;
	p = ldns_rdf_data(bits);
	end = p + ldns_rdf_size(bits);
	while (end - p >= 2 && end - p - 2 >= p[1]) {
		unsigned octet = (type & 0xff) / 8;

		if (p[0] == type >> 8)
			return octet < p[1] && (p[2 + octet] & 0x80 >> (type & 7)) != 0;
		p += 2 + p[1];
	}
	return false;
}

static void
add_denial(const ldns_rdf *bits, struct proof_reply *proof)
{
	if (proof->denial_count == PROOF_DENIALS_MAX)
		return;
	proof->denials[proof->denial_count++] = (struct proof_denial){
	    .ns = has_type(bits, LDNS_RR_TYPE_NS),
	    .soa = has_type(bits, LDNS_RR_TYPE_SOA),
	    .ds = has_type(bits, LDNS_RR_TYPE_DS),
	};
}

/* The first label of an NSEC3 record is the hash of the name that it is about. ldns ends
 * the program when it is asked for an unknown algorithm: that was screened. */
static bool
is_hash_of(
    const char *label, size_t len, const ldns_rr *rr, uint32_t times, const char *name)
{
	const ldns_rdf *salt = ldns_rr_rdf(rr, NSEC3_SALT);
	const uint8_t *data;
	char text[NEXTHOP_HOST_SIZE];
	ldns_rdf *owner, *hash;
	bool same = false;

	if (salt == NULL || ldns_rdf_size(salt) == 0 || times > NSEC3_TIMES_MAX)
		return false;
	data = ldns_rdf_data(salt);
	if (ldns_rdf_size(salt) != 1 + (size_t)data[0])
		return false;
	owner = ldns_dname_new_frm_str(name);
	if (owner == NULL)
		return false;
	hash =
	    ldns_nsec3_hash_name(owner, NSEC3_SHA1, (uint16_t)times, data[0], data + 1);
	if (hash != NULL && message_name(hash, text))
		same = strlen(text) == len && memcmp(text, label, len) == 0;
	ldns_rdf_deep_free(hash);
	ldns_rdf_deep_free(owner);
	return same;
}

static void
read_nsec3(const ldns_rr *rr, const char *owner, const char *name, bool denials_wanted,
    struct proof_reply *proof)
{
	const char *dot = strchr(owner, '.');
	uint32_t algorithm, flags, times;

	if (!message_number(rr, NSEC3_ALGORITHM, 1, &algorithm) ||
	    algorithm != NSEC3_SHA1 || !message_number(rr, NSEC3_FLAGS, 1, &flags) ||
	    !message_number(rr, NSEC3_TIMES, 2, &times) || dot == owner)
		return;
	if ((flags & NSEC3_OPT_OUT) != 0)
		str_copy(dot != NULL ? str_of(dot + 1) : STR("."), proof->opt_out,
		    sizeof(proof->opt_out));
	if (denials_wanted &&
	    is_hash_of(owner, dot != NULL ? (size_t)(dot - owner) : strlen(owner), rr,
	        times, name))
		add_denial(ldns_rr_rdf(rr, NSEC3_BITS), proof);
}

void
denial_read(const ldns_rr_list *authority, const char *name, bool denials_wanted,
    struct proof_reply *proof)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(authority); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(authority, i);
		char owner[NEXTHOP_HOST_SIZE];

		if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN ||
		    !message_name(ldns_rr_owner(rr), owner))
			continue;
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA && proof->zone[0] == '\0')
			memcpy(proof->zone, owner, sizeof(proof->zone));
		else if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_NSEC && denials_wanted &&
		    strcmp(owner, name) == 0)
			add_denial(ldns_rr_rdf(rr, NSEC_BITS), proof);
		else if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_NSEC3)
			read_nsec3(rr, owner, name, denials_wanted, proof);
	}
}
