/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which hosts of a destination smtp(8) would try, from its DNS records: plain values,
 * pure. What they do is measured; what that comes to is core/measured's.
 */
#ifndef CORE_CHOICE_H
#define CORE_CHOICE_H

#include <stdbool.h>

#include "core/dane.h"
#include "core/measured.h"
#include "core/nexthop.h"

#define CHOICE_MAX       16
#define CHOICE_ADDRESSES 5 /* smtp_mx_address_limit, as Postfix has it by default */

#define CHOICE_ADDRESSES_MAX 8 /* held a host: more than smtp(8) tries of all */

struct chosen_address {
	uint8_t length; /* 4 or 16 */
	uint8_t octets[16];
};

/* A host, with the addresses that smtp(8) may connect to. */
struct chosen_host {
	char name[NEXTHOP_HOST_SIZE]; /* as in dns_host */
	bool literal;                 /* the name is the address */
	enum promise promise;
	unsigned address_count; /* 0 of a literal */
	struct chosen_address addresses[CHOICE_ADDRESSES_MAX];
};

struct choice {
	char domain[NEXTHOP_HOST_SIZE]; /* the next-hop, in A-labels */
	unsigned count;
	bool cut; /* there are more than are held: what those do could not be told */
	struct chosen_host hosts[CHOICE_MAX]; /* in the order of preference */
};

/* Postfix's settings. */
struct choice_limits {
	unsigned addresses; /* smtp_mx_address_limit; 0: none */
	bool ipv4, ipv6;    /* inet_protocols */
};

/*
 * The hosts whose addresses are the first of that many by preference. Among equal
 * preferences smtp(8) draws lots, so all of them count, or none. A host without an
 * address that can be used does not count.
 */
void choice_of(const struct dns_records *records, const struct choice_limits *limits,
    struct choice *out);

#endif
