/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the text of a log line says. Postfix's grammar (global/log_adhoc.c), from the
 * left: the quoted local part of an address, the server's reply and a certificate's
 * subject are written by others, and may hold anything that looks like ours.
 */
#ifndef CORE_STATUS_H
#define CORE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "core/cause.h"
#include "core/level.h"
#include "core/logline.h"

enum delivery_status {
	DELIVERY_SENT,
	DELIVERY_DEFERRED,
	DELIVERY_BOUNCED,
	DELIVERY_SOFTBOUNCE,
	DELIVERY_DELIVERABLE, /* the last three are address probes, not mail */
	DELIVERY_UNDELIVERABLE,
	DELIVERY_UNDELIVERABLE_NOT_CACHED,
	DELIVERY_COUNT,
};

/* QUEUEID: to=<A>[, orig_to=<B>], relay=R[, conn_use=N], delay=D[, delays=a/b/c/d]
 * [, tls=T], dsn=X.Y.Z, status=WORD (REASON). Slices borrow from the line. */
struct status_line {
	/* What is read of every line stands first, close together. */
	struct str queue_id;
	struct str domain; /* behind its last @, as spelled; empty without one */
	struct str relay;
	struct str tls;    /* Postfix 3.11: what was asked of TLS and what became of it */
	int64_t delay_us;  /* since the message arrived */
	int64_t before_us; /* of it until qmgr(8) took it up; 0: not told */
	int64_t attempt_us; /* set-up and transmission time, 0 where not written */
	enum delivery_status status;
	bool suspended; /* the reason had "delivery temporarily suspended: ": not tried */
	/* Where addresses are logged as they are (Postfix before 3.5), a recipient may
	 * have written this: an address ends in it twice, or where it was cut. */
	bool ambiguous;
	struct str recipient;
	struct str dsn; /* empty before Postfix 2.3 */
	struct str status_word;
	struct str reason;     /* between the outer brackets */
	struct str own_reason; /* the same without what makes it suspended */
};

/* The text behind "prog[pid]: ". False: not a status line, or a cut or glued one; *out
 * is then of no use. */
bool status_parse(struct str text, struct status_line *out);

/* The level of the attempt that tls= names: "!verify", "dane:encrypt", "may?" ->
 * verify, dane, may. LEVEL_UNKNOWN where the field is missing or says unknown. */
enum level status_attempt_level(const struct status_line *line);

/* The level that a delivery met, as tls= has it: "verify", "dane:encrypt" -> verify,
 * encrypt; "dane" is by TLSA records, dane-only. LEVEL_UNKNOWN: not said, undecided, not
 * met. */
enum level status_met_level(const struct status_line *line);

/* "QID: from=<A>, status=expired, returned to sender", of qmgr(8); also force-expired. */
bool expiry_parse(struct str text, struct str *queue_id);

/* "daemon started -- version V, configuration DIR", "reload -- version ...", of
 * master(8). */
bool start_parse(struct str text);

/* Does the version in it quote addresses in its log, unless its main.cf says otherwise?
 * That is 3.5 and newer. */
bool start_quotes(struct str text);

/* How a TLS session was authenticated: what the session line calls it. */
enum session_grade {
	SESSION_ANONYMOUS,
	SESSION_UNTRUSTED,
	SESSION_TRUSTED,
	SESSION_VERIFIED,
	SESSION_COUNT,
};

/* "Verified TLS connection established to mx.example[192.0.2.1]:25: TLSv1.3 ..." */
struct session_line {
	enum session_grade grade;
	struct str host;
	struct str address;
	struct str protocol;
};

bool session_parse(struct str text, struct session_line *out);
const char *session_grade_name(enum session_grade grade); /* "verified" ... */

/* "TLS policy lookup for NEXTHOP/MX: REASON", a warning: the only line in which
 * Postfix names the next-hop (smtp_connect.c); for a reason of the look-up alone. */
struct policy_line {
	struct str nexthop;
	struct str host;
	struct str reason;
};

bool policy_parse(struct str text, struct policy_line *out);

/* Which part of TLS failed. */
enum tls_step {
	TLS_CERTIFICATE,
	TLS_HANDSHAKE,
	TLS_START, /* it was not offered, or refused */
};

/* "certificate verification failed for mx.example[192.0.2.1]:25: CAUSE",
 * "SSL_connect error to mx.example[192.0.2.1]:25: CAUSE", "TLSRPT: status=failure, ...":
 * which server it is about, and what failed. */
struct fault_line {
	enum tls_step step;
	enum cause cause;
	uint16_t port; /* 0: not told */
	struct str host;
};

bool fault_parse(struct str text, struct fault_line *out);

/*
 * "QID: REASON": smtp(8) goes on to the next server of that message, as TLS with this one
 * failed. True for reasons of TLS alone; a server's own words are none.
 */
struct reason_line {
	enum tls_step step;
	struct str queue_id;
	struct str reason;
	struct str host; /* that the reason names; empty: none */
};

bool reason_parse(struct str text, struct reason_line *out);

/* The server that a reason of smtp(8) is about, its name alone, borrowed from the text;
 * empty: it names none. */
struct str reason_server(struct str reason);

#endif
