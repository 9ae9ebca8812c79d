/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The letter to the postmaster of a destination whose servers do not do what TLS needs:
 * what was found, with its proof, and what to do about it; in English or German. What is
 * no fault is not in it: a certificate that nobody promised to verify is none. Pure.
 */
#ifndef CORE_NOTICE_H
#define CORE_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/probe.h"

enum notice_fault {
	NOTICE_NONE,
	NOTICE_PLAIN,     /* no STARTTLS */
	NOTICE_REFUSED,   /* STARTTLS is offered and refused */
	NOTICE_HANDSHAKE, /* no TLS version or cipher that both have */
	NOTICE_EXPIRED,   /* the certificate's time is over */
	NOTICE_TLSA,      /* no TLSA record matches the certificate (RFC 7672) */
	NOTICE_POLICY, /* MTA-STS is announced, and the policy not to be had (RFC 8461) */
	NOTICE_NO_HOST,  /* the policy allows no MX host of the domain */
	NOTICE_UNPROVEN, /* an enforced policy allows it, and its certificate does not
	                  * verify */
	NOTICE_FAULTS,
};

enum notice_language { NOTICE_ENGLISH, NOTICE_GERMAN, NOTICE_LANGUAGES };

/* "en", "de". False: another. */
bool notice_language_parse(struct str name, enum notice_language *language);

/* Texts are borrowed and may have any bytes. */
struct notice_finding {
	enum notice_fault fault;
	const char *server; /* "mx.example.org[192.0.2.1]:25", or the policy host */
	const char *words;  /* what was seen, as Postfix or the fetcher tells it; "" */
	int64_t at_s;       /* when; since the epoch */
	int64_t until_s;    /* EXPIRED: since when it is over; 0: not known */
};

/*
 * What is wrong at a server that was asked. dane: DNS promises DANE of it (a usable TLSA
 * record behind DNSSEC). policy: an enforced MTA-STS policy allows it, which demands a
 * certificate that verifies; DANE is above that. NONE also where it could not be told, or
 * our side is at fault.
 */
enum notice_fault notice_fault_of(const struct probe *probe, bool dane, bool policy);

/* One line, without a newline. */
void notice_subject(enum notice_language language, const char *domain, struct buf *out);

/*
 * The text, lines of at most 76 columns where words allow it. us: the name of the mail
 * server that asks; "": not known.
 */
void notice_print(enum notice_language language, const char *domain, const char *us,
    const struct notice_finding *findings, size_t count, struct buf *out);

#endif
