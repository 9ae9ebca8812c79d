/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What DNS says about a destination, and what DANE makes of it (RFC 7672, RFC 7671,
 * as Postfix does it: smtp_tls_policy.c, tls_dane.c). Plain values in, plain values
 * out: dns/resolver asks, this judges.
 */
#ifndef CORE_DANE_H
#define CORE_DANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/nexthop.h"

#define DNS_HOSTS_MAX \
	64 /* MX hosts held; more: truncated, which means could not tell \
	    */
#define DNS_TLSA_MAX      32 /* TLSA records held a host */
#define DNS_ADDRESSES_MAX 16 /* addresses held a host, of each kind */

#define DNS_TROUBLE_SIZE 224

/* An answer to one question. Error is no answer: timeout, SERVFAIL, bogus, mismatched,
 * malformed, truncated, more records than are held, or one that is neither validated nor
 * proven to be unsigned (core/proof.h). */
enum dns_answer {
	DNS_NOT_ASKED,
	DNS_ERROR,
	DNS_SECURE,        /* data, validated */
	DNS_INSECURE,      /* data of a zone that is proven to be unsigned */
	DNS_NONE_SECURE,   /* NODATA or NXDOMAIN, proven */
	DNS_NONE_INSECURE, /* NODATA or NXDOMAIN, of a zone proven to be unsigned */
	DNS_UNREACHABLE,   /* no answer, of a zone proven to be unsigned: it hides nothing
	                    */
};

/* One TLSA record, with just what decides whether Postfix can use it. */
struct dns_tlsa {
	uint8_t usage;
	uint8_t selector;
	uint8_t matching;
	uint16_t length;  /* octets of the association data */
	bool der_exact;   /* matching 0: the data is exactly one DER object of its kind */
	uint8_t data[64]; /* its first octets, for explain */
};

/* A host's addresses of one kind. */
struct dns_addresses {
	enum dns_answer answer; /* INSECURE and NONE_INSECURE are not proven where the
	                         * other kind is secure (dns_answer_merge()) */
	uint32_t ttl_s;         /* 0 where there was no answer */
	unsigned count;         /* held, of what may be more */
	uint8_t octets[DNS_ADDRESSES_MAX][16]; /* in network order; of A the first 4 */
};

struct dns_host {
	char name[NEXTHOP_HOST_SIZE]; /* the MX host, A-label */
	uint16_t preference;
	bool literal;            /* the MX name is an address: no DANE (RFC 7672 2.2) */
	enum dns_answer address; /* the better of A and AAAA */
	struct dns_addresses a, aaaa;
	bool alias;                     /* the name is a CNAME */
	char target[NEXTHOP_HOST_SIZE]; /* where that leads */
	enum dns_answer cname; /* only where the address is insecure and an alias */
	char base[NEXTHOP_HOST_SIZE]; /* TLSA base domain that answered or was asked last
	                               */
	enum dns_answer tlsa;
	uint32_t tlsa_ttl_s; /* 0 where it was not asked, or not answered */
	bool stale; /* TLSA is absent by an answer that may have expired: asked again in a
	             * minute before it counts */
	unsigned tlsa_count;
	struct dns_tlsa tlsas[DNS_TLSA_MAX];
};

struct dns_records {
	char domain[NEXTHOP_HOST_SIZE]; /* the next-hop in A-labels; "" if it has none */
	bool resolver_trusted; /* `. NS` was just seen with AD, over a channel to believe
	                        */
	char trouble[DNS_TROUBLE_SIZE]; /* why not, or what failed first; "" if nothing
	                                   did */
	bool permissive;                /* it passed on what a signed zone cannot have */
	enum dns_answer mx;             /* DNS_NOT_ASKED for [host] and literals */
	uint32_t mx_ttl_s;              /* 0 where it was not asked, or not answered */
	bool null_mx;                   /* RFC 7505 */
	bool implicit_mx; /* no MX: the domain itself is the host (RFC 5321 5.1) */
	bool truncated;   /* more hosts or records than are held */
	bool literal;     /* the next-hop is an address */
	unsigned host_count;
	struct dns_host hosts[DNS_HOSTS_MAX];
	uint32_t ttl_s; /* the smallest TTL seen, 0 where an answer failed */
};

/* What one MX host adds to the verdict; the last that is there counts. */
enum dane_host_state {
	DANE_HOST_ABSENT,      /* no address: Postfix does not use it */
	DANE_HOST_UNREACHABLE, /* its unsigned name has no answer: Postfix cannot use it
	                        */
	DANE_HOST_NONE,        /* no TLSA: nothing is promised */
	DANE_HOST_UNUSABLE,    /* secure TLSA, none usable: it promises TLS */
	DANE_HOST_FAILED,      /* could not tell */
	DANE_HOST_USABLE,      /* secure usable TLSA: it promises what that says */
	DANE_HOST_STATE_COUNT,
};

/* The verdict over all hosts: the worst for weakening counts. */
enum dane_state {
	DANE_UNSURE,      /* could not tell: nothing weaker, ask again */
	DANE_USABLE,      /* secure MX (or none needed) and a host with usable TLSA */
	DANE_UNUSABLE,    /* secure TLSA, none usable: TLS stays mandatory */
	DANE_INSECURE_MX, /* unsigned MX RRset, but a host with secure usable TLSA */
	DANE_NONE,        /* proven: no TLSA for any host */
	DANE_NO_MAIL,     /* null MX, or no host has an address: not a TLS matter */
	DANE_STATE_COUNT,
};

struct dane_verdict {
	enum dane_state state;
	enum dns_answer mx; /* DNS_SECURE or DNS_NONE_SECURE: the domain is signed */
	bool distrusted;    /* the resolver was not seen to validate, or was seen not to,
	                     * which is our own fault */
	bool stale_absence; /* DANE_UNSURE only until it was asked again in a minute: no
	                     * failure */
	bool signed_domain; /* the answer to the MX question (or to the host's) validated
	                     */
	bool all_usable;    /* every MX host that has an address has secure usable TLSA */
	uint32_t ttl_s;
};

bool dane_state_parse(struct str name, enum dane_state *state);
const char *dane_state_name(enum dane_state state); /* "usable", "none", "unsure" ... */
const char *dns_answer_name(
    enum dns_answer answer); /* "secure", "insecure", "error" ... */

/*
 * What A and AAAA say together of a host's address: data of one counts though the other
 * failed, as smtp(8) uses it; absent only where neither failed, unreachable where nothing
 * else is the matter.
 */
enum dns_answer dns_answer_merge(enum dns_answer a, enum dns_answer aaaa);

/* Can Postfix use this record? RFC 7672 3.1.3, tls_dane.c parse_tlsa_rr(), dane_tlsa_add.
 */
bool dane_tlsa_is_usable(const struct dns_tlsa *tlsa);

/* How many of a host's TLSA records can be used; 0 where its own answers do not allow it:
 * an address that is not signed (nor its alias), TLSA that are not. */
unsigned dane_host_usable(const struct dns_host *host);

/*
 * Is the data exactly one DER object with the outline of a certificate (selector 0) or
 * a SubjectPublicKeyInfo (1)? The key inside is not examined: a record wrongly held to be
 * usable makes mail wait, the opposite mistake would weaken it.
 */
bool dane_der_is_exact(uint8_t selector, const uint8_t *data, size_t len);

/* The verdict on the host records->hosts[i] by itself, i < host_count. Whether the
 * resolver is trusted, the answer was truncated, and the MX RRset is secure, is not in
 * it: DANE_HOST_USABLE behind an unsigned MX RRset is a promise of that host alone. */
enum dane_host_state dane_judge_host(const struct dns_records *records, unsigned i);

/* Has it promised TLS (RFC 7672 2.2.3), so that it never may be given cleartext? */
bool dane_host_promises_tls(enum dane_host_state state);

const char *dane_host_state_name(enum dane_host_state state); /* "usable", "none" ... */

/*
 * An unsigned MX RRset makes DANE_INSECURE_MX of what would be DANE_USABLE. It leaves
 * DANE_UNUSABLE as it is: the TLSA records are signed even if the MX records are not, and
 * one of them promises STARTTLS (RFC 7672 2.2.3), so neither may end in cleartext.
 */
struct dane_verdict dane_judge(const struct dns_records *records);

/* How long a verdict may be used again, in ms from the answer: its TTL up to 5 minutes; 0
 * where it could not tell. */
int64_t dane_serves_ms(const struct dane_verdict *verdict);

/* One line a host, for explain and check: "mx.example.org address=secure tlsa=secure
 * usable=1/2", with alias, cname=, and base= or target= (where an alias leads), where
 * they differ from the plain case. Bounded; names are A-labels as asked. */
void dane_describe(const struct dns_records *records, struct buf *out);

/* The next host in such a text, which then starts behind its line: lines of what DNS
 * could not tell, and one that was cut, are none of a host. False: there is none left. */
bool dane_next_host(struct str *text, struct str *name);

/* The names of the hosts in such a text, and those that their aliases lead to, in small
 * letters as DNS has them; and whether one is among them, in any letters. */
void dane_each_host(
    const char *text, void (*each)(void *context, struct str name), void *context);
bool dane_describes(const char *text, struct str name);

#endif
