/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The destination as Postfix looks it up in smtp_tls_policy_maps (smtp_tls_policy.c:
 * iter->dest): a domain, [host], either with :port, or an address literal.
 */
#ifndef CORE_NEXTHOP_H
#define CORE_NEXTHOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ports.h"
#include "base/str.h"

#define NEXTHOP_KEY_SIZE \
	320 /* brackets, 255 octets, port, NUL; UTF-8 counts as bytes \
	     */
#define NEXTHOP_HOST_SIZE 256

struct nexthop {
	char key[NEXTHOP_KEY_SIZE]; /* the map key, folded as Postfix folds it */
	char
	    host[NEXTHOP_HOST_SIZE]; /* domain, host or address without [], IPv6:, port */
	uint16_t port;  /* 25 where none is written; 0: a name of services(5) */
	bool has_port;  /* it is written */
	bool bracketed; /* [host]: no MX look-up */
	bool literal;   /* host is an IPv4 or IPv6 address */
};

/*
 * Parse a next-hop or the domain of a recipient. False for everything that Postfix
 * could not have as a TCP next-hop and that must not enter a map or a question:
 * blanks, quotes, control bytes, empty labels, labels over 63 octets, bytes that are
 * not UTF-8, socket paths. A trailing dot is not forgiven. A port may be a name.
 */
bool nexthop_parse(struct str text, struct nexthop *out);

/* Its port, where the text does not say it as a number: 0 if ports do not either. NULL:
 * it stays as it was parsed. */
void nexthop_take_ports(struct nexthop *nexthop, const struct ports *ports);

/*
 * The text in the case in which Postfix keeps and looks up keys of maps (casefold.c),
 * into out of size octets. False: it has no room, and out is undefined, or it is not
 * UTF-8, and ASCII letters alone are folded.
 */
bool nexthop_fold(struct str text, char *out, size_t size);

/*
 * Is the text refused by nexthop_parse() because Postfix looks up the next-hop of other
 * letters for it, as "ss" for a sharp s? *out is that one then.
 */
bool nexthop_looked_up(struct str text, struct nexthop *out);

/*
 * The domain of a recipient as smtp(8) derives the next-hop from it: behind the last
 * @ of the address (the local part may hold more of them, quoted). False: no @ or
 * nothing behind it. The slice borrows from address.
 */
bool nexthop_recipient_domain(struct str address, struct str *domain);

/*
 * Does Postfix look up ".example.org" (parent) for that next-hop, where it has no entry
 * of its own? It does for domains without brackets and port.
 */
bool nexthop_is_below(const char *key, const char *parent);

/* Is the text an IPv4 or IPv6 address (without brackets)? */
bool nexthop_is_address(struct str text);

#endif
