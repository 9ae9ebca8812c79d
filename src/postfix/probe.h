/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * posttls-finger(1) asked to connect as smtp(8) would at a level. Blocks; belongs into a
 * worker. It tries one server, as far as EHLO and STARTTLS; no mail is offered.
 */
#ifndef POSTFIX_PROBE_H
#define POSTFIX_PROBE_H

#include "base/err.h"
#include "core/level.h"
#include "postfix/postfix.h"

enum probe_outcome {
	PROBE_UNSURE, /* no connection, or a reply that says nothing; err tells */
	PROBE_NO,     /* connected, and mail would not flow at this level */
	PROBE_YES,
	PROBE_MISSING, /* there is no posttls-finger */
};

/* Mail settings that decide who is trusted. Borrowed. */
struct probe_settings {
	const char *ca_file; /* smtp_tls_CAfile, "" for none */
	const char *ca_path;
	int64_t timeout_ms;  /* for connecting, and for each reply */
	int64_t whole_ms;    /* for a host, whatever is asked of it */
	int64_t deadline_ms; /* monotonic: when that is over; 0: it begins with this */
};

/* key: the next-hop as in struct nexthop.key. level: encrypt, verify, secure or
 * dane-only. */
enum probe_outcome probe_server(const struct postfix *postfix,
    const struct probe_settings *settings, const char *key, enum level level,
    struct err *err);

/*
 * What posttls-finger printed, judged for a level. err gets what was found, of a YES as
 * well: "verified session", "the certificate does not verify: self-signed certificate".
 * A certificate's names may be in it, without control characters. For tests.
 */
enum probe_outcome probe_read(struct str output, enum level level, struct err *err);

#endif
