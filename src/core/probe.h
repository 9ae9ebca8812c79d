/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one server did when it was connected to as smtp(8) would: a plain value. Who
 * connects is postfix/probe; what it comes to for a destination is core/measured.
 */
#ifndef CORE_PROBE_H
#define CORE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/answer.h"
#include "base/str.h"
#include "core/cause.h"

/* How far it went. */
enum probe_end {
	PROBE_SILENT,  /* no connection, no greeting, a greeting that refuses, hung up, or
	                * too slow: nothing is known of its TLS */
	PROBE_PLAIN,   /* it answered EHLO and does not offer STARTTLS */
	PROBE_REFUSED, /* it offers STARTTLS and refuses it */
	PROBE_BROKEN,  /* the handshake failed at verify; see `encrypt` */
	PROBE_TLS,     /* a session */
	PROBE_OURS,    /* our CA file or a setting of ours: no verdict on anybody */
	PROBE_END_COUNT,
};

struct probe {
	enum probe_end end;
	/* would mail flow at that level? Unsure where it was not tried, or where two
	 * connections disagree */
	enum answer encrypt;
	enum answer
	    verify; /* chain good, and the host's own name (smtp_tls_verify_cert_match) */
	enum answer
	    secure; /* ... or one of the destination's (smtp_tls_secure_cert_match) */
	enum answer dane; /* "Matched DANE": no fallback to secure counts */
	enum cause cause; /* why not, at the strongest level that was tried */
	bool auth;        /* it offers AUTH, before TLS or after */
	int64_t begun_ms; /* wall: when the connection was begun; 0: not asked */
};

const char *probe_end_name(enum probe_end end); /* "silent", "plain" ... */
bool probe_end_parse(struct str name, enum probe_end *end);

/*
 * Two answers of one server, or of two addresses of one host, made one: at each level
 * what both say alike stays, and what they say differently is UNSURE. The end is that of
 * the one that got further, begun_ms the earlier one. A silent answer says nothing
 * against another one; PROBE_OURS makes both PROBE_OURS.
 */
struct probe probe_merge(const struct probe *a, const struct probe *b);

#endif
