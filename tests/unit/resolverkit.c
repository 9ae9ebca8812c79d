/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <string.h>

#include "base/mem.h"
#include "resolverkit.h"

int64_t
resolverkit_timeout(const char *script)
{
	return script != NULL && strstr(script, "silent") != NULL ? SHORT_MS : LONG_MS;
}

struct resolver *
resolverkit_new(char *const *servers, unsigned count, int64_t timeout_ms, unsigned tries)
{
	struct resolver_settings settings = {.servers = servers,
	    .server_count = count,
	    .timeout_ms = timeout_ms,
	    .tries = tries};
	struct resolver *resolver;
	struct err err;

	resolver = resolver_new(&settings, &err);
	if (resolver == NULL)
		fail_msg("%s", err.text);
	return resolver;
}

char *
resolverkit_name(const struct server_script *server)
{
	struct buf name = {0};

	buf_printf(&name, "127.0.0.1@%u", server_port(server));
	return buf_take(&name);
}

struct dns_records *
resolverkit_gather(struct resolver *resolver, const char *ask)
{
	struct dns_records *facts = mem_new(1, sizeof(*facts));
	struct nexthop nexthop;

	assert_true(nexthop_parse(str_of(ask), &nexthop));
	resolver_gather(resolver, &nexthop, facts);
	return facts;
}
