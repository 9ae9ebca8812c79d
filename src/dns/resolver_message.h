/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One question and what came back to it, as octets and as values. The only user of
 * ldns, and of little in it: names to wire form, a message to wire form and back. What
 * ldns could verify or match it is not asked to, see resolver_message.c.
 */
#ifndef DNS_RESOLVER_MESSAGE_H
#define DNS_RESOLVER_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/dane.h"
#include "core/proof.h"
#include "core/sts_txt.h"

enum rr_type {
	RR_A = 1,
	RR_NS = 2,
	RR_CNAME = 5,
	RR_SOA = 6,
	RR_MX = 15,
	RR_TXT = 16,
	RR_AAAA = 28,
	RR_DS = 43,
	RR_TLSA = 52,
};

struct mx_record {
	uint16_t preference;
	char name[NEXTHOP_HOST_SIZE]; /* lower case */
};

/* The texts of TXT records, each joined of its strings. Ends with buf_clear(&octets). */
struct txt_records {
	struct buf octets;                /* one behind the other ... */
	size_t ends[STS_TXT_RECORDS_MAX]; /* ... each up to there */
	bool unread;                      /* one is malformed, or too large */
};

enum reply_kind {
	REPLY_DATA,
	REPLY_NONE,   /* NODATA or NXDOMAIN */
	REPLY_ALIAS,  /* an alias whose target is not in the message: ask for it */
	REPLY_REFUSE, /* a well-formed SERVFAIL, REFUSED or the like */
};

struct reply {
	enum reply_kind kind;
	bool ad; /* one bit for the whole chain of aliases */
	bool alias;
	char name[NEXTHOP_HOST_SIZE]; /* where the chain ends; the asked name without one
	                               */
	unsigned aliases;             /* in this message */
	uint32_t ttl_s; /* smallest of what was used; UINT32_MAX: none seen */
	/* Of an absence: the TTL of the SOA record, and what the zone wants it to be at
	 * most */
	uint32_t soa_ttl_s, soa_minimum_s;
	const char *refusal; /* "SERVFAIL" */
	unsigned count;      /* records in mx, tlsas, texts or addresses, of those types;
	                      * else in all */
	uint8_t addresses[DNS_ADDRESSES_MAX][16]; /* of A and AAAA; of A the first 4 */
	bool overflow; /* there were more than there is room for */
	bool root_mx;  /* an MX record with the root as its host */
	/* What core/proof needs of the message; ad is ours to add. Where the message
	 * leads through aliases it is about their end, but for kind. */
	struct proof_reply proof;
};

/* Where records are put, of the types that have a place of their own. */
struct message_room {
	struct mx_record *mx;
	struct dns_tlsa *tlsas;
	struct txt_records *texts;
};

#define ALIASES_MAX 16 /* unbound follows 11, smtp(8) 10 */

const char *rr_type_name(enum rr_type type);

/* Can it be asked for? Letters, digits, -, _ and *; labels of 1 to 63, 253 in all; or
 * "." alone. What does not pass is never handed to ldns, which aborts on some of it. */
bool dns_name_is_valid(struct str name);

/* Append the question: one of class IN, RD, EDNS with DO, CD off. name is valid. */
void message_ask(const char *name, enum rr_type type, uint16_t id, struct buf *out);

/* The id of a message, for finding its question. False: too short to have one. */
bool message_id(struct str message, uint16_t *id);

/*
 * Read the reply to a question. mx has room for DNS_HOSTS_MAX records, tlsas for
 * DNS_TLSA_MAX; they and texts are used for those types only, NULL where the records do
 * not matter. False: not the reply to this question, malformed, truncated, or aliases
 * without an end.
 */
bool message_read(struct str message, const char *name, enum rr_type type, uint16_t id,
    const struct message_room *room, struct reply *reply, struct err *err);

#endif
