/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a message was protected on its way to a recipient: what is counted of mail that was
 * sent. A message to one recipient is one. Pure.
 */
#ifndef CORE_PROTECTION_H
#define CORE_PROTECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/level.h"
#include "core/status.h"

struct destination;

/* The best first. */
enum protection {
	PROTECTION_DANE,      /* a verified session at dane or dane-only */
	PROTECTION_MTA_STS,   /* a verified session under an entry of its policy */
	PROTECTION_VERIFIED,  /* any other verified session */
	PROTECTION_ENCRYPTED, /* any other session */
	PROTECTION_CLEARTEXT, /* none */
	PROTECTION_UNKNOWN,   /* no session is logged, so nobody can tell */
	PROTECTION_COUNT,
};

/* What the lines of a message tell of that. */
enum sent_by {
	SENT_BY_BARE,      /* no session is logged */
	SENT_BY_CLEARTEXT, /* Postfix says so: "tls=may:none" */
	SENT_BY_SESSION,
	SENT_BY_VERIFIED, /* ... that is verified; by what, the level in force tells */
	SENT_BY_DANE,     /* the same, and Postfix says that it is by TLSA records */
	SENT_BY_COUNT,
};

/* Of a status line with status=sent. session: one was logged for it, of that grade. Where
 * none was, tls= of Postfix 3.11 may tell. */
enum sent_by protection_sent_by(
    bool session, enum session_grade grade, const struct status_line *line);

/*
 * What that is at a destination. verified_ms: when the last verified session was; before
 * the entry was in force it met default_level. silent: no session is logged, so that what
 * has none may have had one.
 */
enum protection protection_of(enum sent_by sent_by, const struct destination *destination,
    enum level default_level, int64_t verified_ms, bool silent);

/* "dane", "mta-sts", "verified", "encrypted", "cleartext", "unknown". */
const char *protection_name(enum protection protection);
bool protection_parse(struct str name, enum protection *protection);

#endif
