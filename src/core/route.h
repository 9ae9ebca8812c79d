/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a recipient to the next-hop that smtp(8) looks up, as Postfix routes it
 * (transport(5); trivial-rewrite: transport.c, resolve.c). Pure: the caller asks the
 * transport maps. What depends on the sender cannot be known from a log line.
 */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/answer.h"
#include "base/str.h"
#include "core/nexthop.h"

#define ROUTE_KEY_SIZE    512 /* a recipient address as look-up key */
#define ROUTE_KEYS_MAX    40  /* address, address without extension, domain, parents, * */
#define ROUTE_NAME_SIZE   64  /* a service of master.cf */
#define ROUTE_OTHERS_SIZE 192

/* What main.cf says. Borrowed texts, never NULL. */
struct route_settings {
	const char *relayhost;
	const char *default_transport; /* "smtp" or "smtp:[host]" */
	const char *recipient_delimiter;
	bool parents_match; /* transport_maps is in parent_domain_matches_subdomains */
	/* Of domains that are relayed, where relay_transport has a next-hop of its own;
	 * NULL is "". */
	const char *relay_domains;
	const char *relay_transport;
	bool relay_parents_match; /* relay_domains is in there */
};

struct route {
	char transport[ROUTE_NAME_SIZE]; /* "smtp", "relay", "local" ... */
	char key[NEXTHOP_KEY_SIZE]; /* the next-hop; "" where it is none for smtp(8) */
	/* Of a list, those before it, a blank behind each, as many as there is room for;
	 * "": it is none. smtp(8) tries them in turn, and looks up a policy for each.
	 * Where nobody knows whether the domain is relayed, those of relay_transport as
	 * well. */
	char others[ROUTE_OTHERS_SIZE];
};

/*
 * The keys under which transport maps are asked for a recipient, in order: the first
 * that is found counts. whole_only: those for maps that see whole addresses alone
 * (regexp, pcre, tcp). Returns their number; 0: the recipient has no domain or is too
 * long.
 */
size_t route_keys(const struct route_settings *settings, struct str recipient,
    char keys[ROUTE_KEYS_MAX][ROUTE_KEY_SIZE], size_t *whole_only);

/*
 * Is the domain in relay_domains, as domain_list_match() of Postfix has it? The first
 * item that matches tells. UNSURE: before it stands a table or a file, which nobody asks.
 */
enum answer route_is_relayed(const struct route_settings *settings, struct str domain);

/*
 * The route of a recipient's domain. found: the value of the first key that was found,
 * "" for none (p == NULL too).
 */
void route_of(const struct route_settings *settings, struct str domain, struct str found,
    struct route *out);

/* The key becomes that of the list which has that server, "host" or "host[address]:port".
 * It stays the last one where none or that one has it: a domain does not tell its
 * servers. ports may be NULL. */
void route_pick(struct route *route, struct str server, const struct ports *ports);

#endif
