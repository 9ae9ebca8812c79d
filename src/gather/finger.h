/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * posttls-finger(1) asked to connect as smtp(8) would at a level. Blocks; belongs into a
 * worker. It tries one server, as far as EHLO and STARTTLS; no mail is offered.
 */
#ifndef GATHER_FINGER_H
#define GATHER_FINGER_H

#include "base/err.h"
#include "core/level.h"
#include "gather/postfix.h"

enum finger {
	FINGER_UNSURE,  /* no connection, or a reply that says nothing; err tells */
	FINGER_NO,      /* connected, and mail would not flow at this level */
	FINGER_YES,
	FINGER_MISSING, /* there is no posttls-finger */
};

/* Mail settings that decide who is trusted. Borrowed. */
struct finger_settings {
	const char *ca_file; /* smtp_tls_CAfile, "" for none */
	const char *ca_path;
	int64_t timeout_ms;
};

/* key: the next-hop as in struct nexthop.key. level: encrypt, verify, secure or
 * dane-only. */
enum finger finger_probe(const struct postfix *postfix, const struct finger_settings *settings,
    const char *key, enum level level, struct err *err);

/*
 * What posttls-finger printed, judged for a level. err gets what was found, of a YES as
 * well: "verified session", "the certificate does not verify: self-signed certificate".
 * A certificate's names may be in it, without control characters. For tests.
 */
enum finger finger_read(struct str output, enum level level, struct err *err);

#endif
