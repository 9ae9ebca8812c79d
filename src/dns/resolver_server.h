/* SPDX-License-Identifier: BSD-2-Clause */
/* Which resolvers are asked, and whether their AD bit may be believed. */
#ifndef DNS_RESOLVER_SERVER_H
#define DNS_RESOLVER_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "dns/resolver.h"

#define SERVERS_MAX      8
#define SERVER_FILE_SIZE 128 /* of a path, with a NUL */

struct server {
	struct sockaddr_storage address;
	socklen_t address_size;
	char name[80]; /* "127.0.0.1@53", for people */
	bool loopback; /* 127.0.0.0/8 or ::1 */
};

struct server_list {
	struct server items[SERVERS_MAX];
	unsigned count;
	bool believed; /* of all or of none of them */

	/* Where they are from resolv.conf; else empty. */
	char resolv_conf[SERVER_FILE_SIZE];
	uint64_t inode;
	int64_t changed_ns;
};

/* ADDRESS or ADDRESS@PORT; addresses only, a name would need a resolver. */
bool server_parse(struct str text, struct server *server, struct err *err);

/*
 * The servers to ask, in order: those that are named, else those of resolv.conf (its
 * first three, as libc does; 127.0.0.1 where it has none). Those that may not be
 * believed are left out where there are others: their answers must never mix.
 */
bool server_list_read(
    struct server_list *list, const struct resolver_settings *settings, struct err *err);

/*
 * Read resolv.conf anew if it is another file since, or was written to, as libc does: a
 * resolver that was installed later, or an address by DHCP. True: they were read. One
 * that is not there or names nobody just now leaves them as they are.
 */
bool server_list_refresh(struct server_list *list);

#endif
