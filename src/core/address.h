/* SPDX-License-Identifier: BSD-2-Clause */
/* IP addresses: which of them are on the public internet, and in which networks. */
#ifndef CORE_ADDRESS_H
#define CORE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define ADDRESS_TEXT_SIZE 46 /* of any address, with its NUL */

struct address {
	uint8_t octets[16]; /* in network order; of IPv4 the first 4 */
	unsigned length;    /* 4 or 16 */
};

struct network {
	struct address address; /* behind the first bits all are 0 */
	unsigned bits;
};

/* "192.0.2.1", "2001:db8::1". False: another form. */
bool address_parse(struct str text, struct address *out);
void address_print(const struct address *address, char out[ADDRESS_TEXT_SIZE]);

/* "10.0.0.0/8", "fd00::/8", or an address alone. False: another form, or there are bits
 * behind those that count. */
bool network_parse(struct str text, struct network *out);
bool network_has(const struct network *network, const struct address *address);

/*
 * Can it be that of a host on the public internet? Not those of one machine, link or
 * site, of documentation and tests, multicast, reserved ones, nor IPv6 forms that have an
 * IPv4 address in them, but for the well-known prefix of NAT64 (RFC 6052), which counts
 * as what is in it.
 */
bool address_is_global(const struct address *address);

/*
 * Of a prefix that a site has for NAT64 (RFC 6052), which shows in an AAAA record of
 * ipv4only.arpa, a name without any (RFC 7050): it stands before one of the two addresses
 * that this name has. False: the record shows none.
 */
#define ADDRESS_NAT64_HOST "ipv4only.arpa"
bool address_nat64(const struct address *record, struct network *prefix);

/* Has it one of the six lengths that such a prefix may have? */
bool address_is_nat64_prefix(const struct network *prefix);

/* Is it global, and what is in it, where it is behind one of those prefixes; or in one of
 * the networks? */
bool address_is_allowed(const struct address *address, const struct network *prefixes,
    size_t prefix_count, const struct network *networks, size_t count);

#endif
