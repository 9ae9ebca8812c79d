/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The authority section of a reply: which zone it is of, and what its NSEC and NSEC3
 * records say of the asked name. Their signatures are the resolver's business: what is
 * read here counts as much as the AD bit of the reply does.
 */
#ifndef DNS_RESOLVER_DENIAL_H
#define DNS_RESOLVER_DENIAL_H

#include <ldns/ldns.h>
#include <stdbool.h>

#include "core/nexthop.h"
#include "core/proof.h"

/* Fills zone (unless the answer has set it), opt_out and, if wanted, the denials of
 * name. Records that cannot be read, NSEC3 with an unknown algorithm or with more than
 * 150 iterations among them, are as if they were not there. */
void denial_read(const ldns_rr_list *authority, const char *name, bool denials_wanted,
    struct proof_reply *proof);

/* A name as text in lower case, the root as ".". False: none that could be asked for. */
bool message_name(const ldns_rdf *rdf, char out[NEXTHOP_HOST_SIZE]);

/* Rdata of an unsigned number of so many octets. False: it is something else. */
bool message_number(const ldns_rr *rr, size_t index, size_t octets, uint32_t *number);

#endif
