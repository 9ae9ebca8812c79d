/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a server's TLS does not do, as Postfix says it: in a line before the status line
 * (tls_verify.c), in that of TLSRPT (3.10 and newer), or in the reason itself. A cause is
 * the name of an alarm, never evidence: whoever writes a line may at most name a wrong
 * one. Pure.
 */
#ifndef CORE_CAUSE_H
#define CORE_CAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum cause {
	CAUSE_NONE, /* not known */
	CAUSE_SELF_SIGNED,
	CAUSE_EXPIRED,
	CAUSE_NOT_YET_VALID,
	CAUSE_NAME,
	CAUSE_POLICY, /* none of the names that are demanded of it by its destination
	                 alone */
	CAUSE_ISSUER,
	CAUSE_TLSA, /* no matching TLSA record */
	CAUSE_HANDSHAKE,
	CAUSE_NOT_OFFERED,
	CAUSE_REFUSED,
	CAUSE_OTHER,
	CAUSE_COUNT,
};

/* What failed last at an MX host, as a line of the log or a probe told; times in ms since
 * the epoch. */
struct host_cause {
	enum cause cause;
	int64_t at_ms;
	int64_t until_ms; /* so long the certificate that was seen there last is, or was,
	                   * in force; 0: not known */
	int64_t met_ms;   /* when it last verified; 0: never. Kept elsewhere */
	int64_t
	    tls_ms; /* when a session with it was last encrypted; 0: never. Likewise */
};

/* Is it what fails there now, as far as is known? */
bool host_cause_stands(const struct host_cause *cause);

const char *cause_name(enum cause cause);     /* "self-signed" ..., "" for none */
const char *cause_sentence(enum cause cause); /* without a full stop; "" for none */
bool cause_parse(struct str name, enum cause *cause);

/* May a rule ask for it (tlsladder.yaml(5), cause)? */
bool cause_is_condition(enum cause cause);

/* Of "self-signed certificate", "num=62:hostname mismatch": what stands behind the server
 * in "certificate verification failed for HOST[ADDRESS]:PORT: ". OTHER: another text. */
enum cause cause_of_verdict(struct str text);

/* Of failure_type= and failure_reason= (or "") of a line of TLSRPT. */
enum cause cause_of_report(struct str type, struct str reason);

/* Of the reason of a status line. NONE: it does not say, as of a certificate. */
enum cause cause_of_reason(struct str reason);

/* Is it about a certificate, so that a line before it, or what the server did before,
 * says which cause it has? */
bool cause_is_told_before(struct str reason);

#endif
