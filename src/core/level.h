/* SPDX-License-Identifier: BSD-2-Clause */
/* Postfix TLS security levels (postconf(5), smtp_tls_security_level). */
#ifndef CORE_LEVEL_H
#define CORE_LEVEL_H

#include <stdbool.h>

#include "base/str.h"

/*
 * In our order of strength, weakest first. `dane` is RFC 7672's opportunistic form:
 * it gives no promise for a destination without TLSA, so it stands below verify.
 */
enum level {
	LEVEL_UNKNOWN, /* could not tell */
	LEVEL_NONE,
	LEVEL_MAY,
	LEVEL_ENCRYPT,
	LEVEL_DANE,
	LEVEL_FINGERPRINT,
	LEVEL_VERIFY,
	LEVEL_SECURE,
	LEVEL_DANE_ONLY,
	LEVEL_COUNT,
};

/* The word as it stands in main.cf; "unknown" for LEVEL_UNKNOWN. */
const char *level_name(enum level level);

/*
 * An entry's level for people: the lowest rung, which allows cleartext whatever Postfix
 * calls it, is "cleartext (dane)" or "cleartext (may)"; every other is its word.
 */
const char *level_label(enum level level);

/* False: no such level. Case does not matter (tls_level.c: tls_level_lookup()).
 * "unknown" is not a level. */
bool level_parse(struct str text, enum level *level);

/* Does it demand that the server proves who it is? (tls.h: TLS_MUST_MATCH) */
bool level_is_authenticated(enum level level);

/* What the level promises for certain: `dane` alone promises no more than `may`. The
 * level that allows cleartext is may for whoever compares. */
enum level level_promise(enum level level);

#endif
