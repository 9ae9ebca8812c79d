/* SPDX-License-Identifier: BSD-2-Clause */
/* A resolver that asks scripted name servers. */
#ifndef TESTS_RESOLVERKIT_H
#define TESTS_RESOLVERKIT_H

#include "../dns/server.h"
#include "dns/resolver.h"

/* Where a script says silent, something has to time out; else nothing may, be the machine
 * as busy as it will. */
#define SHORT_MS 300
#define LONG_MS  10000

/* A script: mx.test and its TLSA record, proven by DNSSEC. */
#define SIGNED \
	"mx.test A secure\n\tmx.test. 300 IN A 192.0.2.1\n" \
	"_25._tcp.mx.test TLSA secure\n\t_25._tcp.mx.test. 60 IN TLSA 3 1 1 " \
	"cb75e267a8ae9e63c8b81e186371cf263a89024e1337eee6c895c99c703ec6d2\n"

/* How long to wait for the answers of that script; NULL: of no server. */
int64_t resolverkit_timeout(const char *script);

/* Or the test fails. */
struct resolver *resolverkit_new(
    char *const *servers, unsigned count, int64_t timeout_ms, unsigned tries);

/* ADDRESS@PORT, to be freed. */
char *resolverkit_name(const struct server_script *server);

/* What is gathered of that next-hop, to be freed. */
struct dns_records *resolverkit_gather(struct resolver *resolver, const char *ask);

#endif
