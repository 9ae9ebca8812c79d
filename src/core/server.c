/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/server.h"

#include <string.h>

static enum answer
both(enum answer a, enum answer b)
{
	if (a == ANSWER_NO || b == ANSWER_NO)
		return ANSWER_NO;
	return a == ANSWER_YES && b == ANSWER_YES ? ANSWER_YES : ANSWER_UNSURE;
}

struct probe
server_probe(const struct server *server, const struct server_rules *rules,
    const char *host, const char *nexthop)
{
	struct str names = str_of(server->names);
	struct probe probe = server->probe;

	/* A literal address was asked for by itself; no other destination has it. */
	if (probe.end != PROBE_TLS || names_is_address(str_of(host)))
		return probe;
	probe.verify =
	    both(server->chain, names_match(names, rules->verify, host, nexthop));
	probe.secure =
	    both(server->chain, names_match(names, rules->secure, host, nexthop));
	if (nexthop[0] == '\0' && server->chain != ANSWER_NO && probe.secure == ANSWER_NO)
		probe.secure = ANSWER_UNSURE;
	if (probe.cause == CAUSE_NAME)
		probe.cause = CAUSE_NONE;
	if (probe.cause == CAUSE_NONE && server->chain != ANSWER_NO &&
	    (probe.verify == ANSWER_NO || probe.secure == ANSWER_NO))
		probe.cause = CAUSE_NAME;
	return probe;
}

static enum answer
agreed(enum answer a, enum answer b)
{
	return a == b ? a : ANSWER_UNSURE;
}

static bool
has_session(const struct server *server)
{
	return server->probe.end == PROBE_TLS;
}

struct server
server_merge(const struct server *a, const struct server *b)
{
	struct server one = *a;

	one.probe = probe_merge(&a->probe, &b->probe);
	if (has_session(a) && has_session(b)) {
		one.chain = agreed(a->chain, b->chain);
		names_common(str_of(a->names), str_of(b->names), one.names);
		if (strcmp(a->leaf, b->leaf) != 0)
			one.leaf[0] = '\0';
		if (b->until_ms != 0 && (one.until_ms == 0 || b->until_ms < one.until_ms))
			one.until_ms = b->until_ms;
	} else if (a->probe.end == PROBE_SILENT) {
		one = *b;
		one.probe = probe_merge(&a->probe, &b->probe);
	} else if (b->probe.end != PROBE_SILENT && (has_session(a) || has_session(b))) {
		/* One shows a certificate, the other does not get as far. */
		one.chain =
		    both(a->chain, b->chain) == ANSWER_NO ? ANSWER_NO : ANSWER_UNSURE;
		one.names[0] = '\0';
		names_add_more(one.names);
		one.leaf[0] = '\0';
	}
	return one;
}
