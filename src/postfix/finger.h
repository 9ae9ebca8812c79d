/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * posttls-finger(1) asked what one address of an MX host does: a connection as far as
 * STARTTLS and the EHLO after it, as smtp(8) would make it at `secure`; no mail is
 * offered. Blocks; belongs into a worker.
 */
#ifndef POSTFIX_FINGER_H
#define POSTFIX_FINGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/server.h"
#include "postfix/postfix.h"

#define FINGER_STEP_MS \
	10000 /* connect, greeting, each command, each read of the handshake */
#define FINGER_WHOLE_MS 30000 /* of an address, its second connection included */

/* Postfix's settings that posttls-finger does not read by itself. Borrowed; "" or NULL:
 * it is not given. Library settings (tls_*) it reads from main.cf. */
struct finger_settings {
	const char *ca_file;       /* smtp_tls_CAfile */
	const char *ca_path;       /* smtp_tls_CApath */
	const char *protocols;     /* smtp_tls_mandatory_protocols */
	const char *ciphers;       /* smtp_tls_mandatory_ciphers */
	const char *helo;          /* smtp_helo_name, expanded */
	struct server_rules rules; /* for whom the names are compared */
	int64_t step_ms;           /* 0: FINGER_STEP_MS */
	int64_t whole_ms;          /* 0: FINGER_WHOLE_MS */
};

/* Those of main.cf, with Postfix's defaults where it says nothing of names. NULL: Postfix
 * could not be asked. Borrows their texts. */
struct finger_settings finger_settings_of(const struct postfix_settings *settings);

struct finger_question {
	const char *host;    /* the MX host's name in A-labels, or a literal address */
	const char *address; /* one of its addresses, as inet_ntop(3) writes it */
	unsigned port;
	const char *nexthop; /* of one destination, in A-labels without [] and port; "":
	                      * none. The answer serves all destinations of the host. */
	bool dane;           /* is TLSA the question? */
};

enum finger_outcome {
	FINGER_ASKED,
	FINGER_MISSING,     /* there is no posttls-finger */
	FINGER_FAILED,      /* it could not be run: that is no word of the server */
	FINGER_NO_QUESTION, /* no name, address and port of a server */
};

/*
 * One connection; a second one only after a failed handshake (at `encrypt`), at
 * `dane-only` where that is the question, and with a name of the certificate's where no
 * name matched and so hides whether the chain does. Never after "no STARTTLS". Two
 * connections that disagree are UNSURE.
 *
 * dane-only needs the host by its name, and then posttls-finger chooses the address: what
 * it finds at another address counts for this one only if both show the same certificate.
 *
 * ASKED: *server is filled in, probe.verify and probe.secure for question->nexthop, and
 * why (never NULL) says what was found, in printable words. Otherwise *server is zero
 * with probe.end PROBE_SILENT, and why is what is wrong.
 */
enum finger_outcome finger_ask(const struct postfix *postfix,
    const struct finger_settings *settings, const struct finger_question *question,
    struct server *server, struct err *why);

#endif
