/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one MX host showed, for whichever of its destinations asks: one connection serves
 * them all. A plain value, to be kept. Pure.
 */
#ifndef CORE_SERVER_H
#define CORE_SERVER_H

#include "core/names.h"
#include "core/probe.h"

#define SERVER_LEAF_SIZE 200 /* of a digest with colons: SHA-512 is 191 characters */

struct server {
	/* end, encrypt, dane, cause, auth and begun_ms are what is measured. verify and
	 * secure are for the names that were asked for; see server_probe(). */
	struct probe probe;
	enum answer chain;           /* trusted and in force, whatever the names */
	char names[NAMES_SIZE];      /* of its certificate (core/names.h) */
	int64_t until_ms;            /* the end of its certificate; 0: not known */
	char leaf[SERVER_LEAF_SIZE]; /* digest of the certificate as printed; "": none
	                                seen */
};

/* How Postfix compares names at the two levels; see names_match(). Borrowed. */
struct server_rules {
	const char *verify; /* smtp_tls_verify_cert_match */
	const char *secure; /* smtp_tls_secure_cert_match */
};

/* The same for one destination: verify and secure held against its names as in
 * names_match(), host being this one's name. A name that does not match a chain that is
 * good is CAUSE_NAME. nexthop "": it is asked for no destination, whose name might be
 * the one that is missing. */
struct probe server_probe(const struct server *server, const struct server_rules *rules,
    const char *host, const char *nexthop);

/* The addresses of one host made one, as probe_merge(); names: those that both have. */
struct server server_merge(const struct server *a, const struct server *b);

#endif
