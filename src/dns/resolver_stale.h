/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Absences that may be old: a resolver that serves what has expired (serve-expired) says
 * so with AD and a TTL of 30 seconds. Known to all resolvers of the process, as the one
 * that asks again may be another thread's.
 */
#ifndef DNS_RESOLVER_STALE_H
#define DNS_RESOLVER_STALE_H

#include <stdbool.h>
#include <stdint.h>

#define STALE_TTL_S  30    /* an absence with a longer TTL is fresh */
#define STALE_FOR_MS 60000 /* so much later it counts if it is still the answer */

/* Is this the TTL of an absence that may have expired? Not where the zone itself wants
 * one so short: minimum_s, of its SOA record. What has expired is given STALE_TTL_S. */
bool stale_is_suspect(uint32_t ttl_s, uint32_t minimum_s);

/* A suspect answer has just denied TLSA of name. Does that count? Only if it was denied
 * STALE_FOR_MS ago as well (and not an hour ago). Thread-safe. */
bool stale_counts(const char *name, int64_t now_ms);

#endif
