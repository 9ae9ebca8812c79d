/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From what the MX hosts of a destination did to the levels at which its mail flows: host
 * by host, three answers each. A deferral is an alarm; this is the evidence. Pure.
 */
#ifndef CORE_MEASURED_H
#define CORE_MEASURED_H

#include <stdbool.h>

#include "base/answer.h"
#include "base/buf.h"
#include "core/level.h"
#include "core/probe.h"

/* What the host's TLSA records promise. */
enum promise {
	PROMISE_NONE,
	PROMISE_TLS, /* secure TLSA that are unusable, or that an unsigned MX record leads
	              * to: TLS stays mandatory there (RFC 7672 2.2) */
	PROMISE_DANE, /* secure usable TLSA of a secure MX RRset */
};

/* One of the hosts that smtp(8) would try: the caller leaves out those behind
 * smtp_mx_address_limit, and those without an address. */
struct measured_host {
	const char *name; /* borrowed */
	enum promise promise;
	struct probe probe;
	enum level past; /* the best it did in 90 days; LEVEL_UNKNOWN: nothing is known */
};

/* The levels are may (cleartext), encrypt, verify, secure and dane-only. */
struct measured {
	bool asked;       /* the servers were */
	bool answered;    /* one of them, so that something is known */
	bool ours;        /* no verdict on anybody: our own CA file or setting, or: */
	int64_t unrun_ms; /* since when servers could not be asked, as no process can be
	                   * made, say; 0: that is not why */
	bool promised; /* a host that answers and promised TLS: cleartext is none of its
	                  levels */
	bool awaited;  /* a host that did better before is silent: it is waited for */
	enum answer meets[LEVEL_COUNT]; /* does one host meet it? */
	enum answer auth; /* does one host offer AUTH? UNSURE: a silent one may */
	enum cause cause; /* of the best host that answered */
};

/* What a host meets. gone: silent hosts that did better before are waited for no longer.
 */
enum answer measured_host_meets(
    const struct measured_host *host, enum level level, bool gone);

/*
 * A level is met where one host meets it: smtp(8) goes on to the next host until one
 * does. It is not met where every host was seen not to; else it could not be told.
 */
struct measured measured_of(const struct measured_host *hosts, unsigned count, bool gone);

/* The same where there are more hosts than these: what none of these does is not known.
 */
struct measured measured_in_part(struct measured measured);

/* For people, hosts parted by "; ": "mx.example.org answer=tls meets=encrypt
 * cause=self-signed", past= where that counts. Names come from DNS, in A-labels. */
void measured_describe(
    const struct measured_host *hosts, unsigned count, struct buf *out);
/* The same, of the first hosts for which there is room. */
void measured_text(
    const struct measured_host *hosts, unsigned count, char *out, size_t size);

/*
 * The strongest level below `below` that is met, while every one between is seen not to
 * be: nothing is skipped that could not be told. LEVEL_NONE: none is met; LEVEL_UNKNOWN:
 * it could not be told.
 */
enum level measured_strongest(const struct measured *measured, enum level below);

/* The next weaker level that mail may fall to: dane-only, secure, verify, encrypt, may;
 * LEVEL_NONE below that. */
enum level measured_next(enum level level);

#endif
