/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only user of ldns: questions to a validating resolver over TCP, each answer
 * checked against its question. One struct resolver per thread.
 */
#ifndef DNS_RESOLVER_H
#define DNS_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/address.h"
#include "core/dane.h"
#include "core/nexthop.h"
#include "core/resolver_settings.h"
#include "core/sts_txt.h"

struct resolver; /* opaque */

/* False: no usable server is named. Asks nothing yet. The settings are copied. */
struct resolver *resolver_new(const struct resolver_settings *settings, struct err *err);
void resolver_free(struct resolver *resolver);

/*
 * Everything that decides about a destination: `. NS` as proof that the resolver
 * validates, MX, addresses, TLSA at the next-hop's port (RFC 7672
 * 2.2), and proof of what came without AD (core/proof). Never fails: what could not be
 * had or is not proven is in records as DNS_ERROR, with its first cause in
 * records->trouble. Bounded by tries, hosts, alias hops and steps of proof.
 */
void resolver_gather(struct resolver *resolver, const struct nexthop *nexthop,
    struct dns_records *records);

/* A host's name in A-labels, as smtp(8) makes them. False: it has none. */
bool resolver_ascii(const char *host, char out[NEXTHOP_HOST_SIZE]);

/*
 * The TXT records of _mta-sts.domain, whatever their signatures: those of a domain that
 * is not signed count as well. *ttl_s: how long the answer, or the absence, may be kept.
 * What could not be had is STS_TXT_UNSURE, and trouble says why.
 */
void resolver_ask_policy(struct resolver *resolver, const char *domain,
    struct sts_txt *out, uint32_t *ttl_s, struct err *trouble);

/* The addresses of a host, IPv4 first, at most so many. 0: none; trouble says why if DNS
 * could not tell. */
unsigned resolver_ask_addresses(struct resolver *resolver, const char *host,
    struct address *out, unsigned most, struct err *trouble);

/* From now on, or no more, each server is asked once: how long it takes is then bounded
 * by one timeout a server. */
void resolver_hurry(struct resolver *resolver, bool hurries);

/* What is asked from now on ends at that time (monotonic), answered or not; 0: no more.
 */
void resolver_until(struct resolver *resolver, int64_t until_ms);

/* Only the probe of `. NS`: true with AD. For doctor and start-up. */
bool resolver_validates(struct resolver *resolver, struct err *err);

#endif
