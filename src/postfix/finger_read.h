/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The output of posttls-finger(1) without -c and with -C, read as bytes in pieces. Pure.
 * It reports in prose, with what the server said in between: lines are read from the
 * left, and nothing that stands behind a server's mark is taken for a line of
 * posttls-finger's own.
 */
#ifndef POSTFIX_FINGER_READ_H
#define POSTFIX_FINGER_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "core/names.h"
#include "core/probe.h"
#include "core/server.h"

#define FINGER_OUTPUT_MAX 65536 /* bytes of it that are read */
#define FINGER_LINE_MAX   4096  /* what is longer is cut */
#define FINGER_PEM_MAX    32768 /* of the server's own certificate */

/* What one connection showed. A value. */
struct finger_seen {
	enum probe_end end;
	bool verified; /* "Verified TLS connection": the chain, and one of the names */
	bool trusted;  /* the chain is good: Verified or Trusted */
	bool matched_dane; /* "Matched DANE" and no fallback to secure; verified is set,
	                      too */
	bool fallback;     /* no usable TLSA: secure was tried in its place */
	enum cause cause;
	bool auth;
	char address[48];            /* of the server; "" for no connection */
	char leaf[SERVER_LEAF_SIZE]; /* see struct server */
	int64_t until_ms;            /* as there */
	char names[NAMES_SIZE];      /* "..." where no certificate was printed */
	char found[200]; /* what settled it, for people: "STARTTLS is not offered",
	                  * "self-signed certificate"; printable */
};

/* Where the conversation is. */
enum finger_place {
	FINGER_START,
	FINGER_CONNECTED,
	FINGER_EHLO,     /* EHLO was sent */
	FINGER_ANSWERED, /* ... and is answered to its last line */
	FINGER_STARTTLS, /* was sent */
	FINGER_OVER,     /* QUIT was sent */
};

/* Its fields are the reader's own. Large: not for a small stack. */
struct finger_reader {
	struct finger_seen seen;
	enum finger_place place;
	bool settled;   /* seen.end is final */
	bool offered;   /* STARTTLS */
	bool talks;     /* some line of posttls-finger's was about the server */
	size_t answers; /* lines of the EHLO reply */
	size_t total;   /* bytes so far */
	char line[FINGER_LINE_MAX];
	size_t line_len;
	char peer[256]; /* name of the certificate that matched */
	bool in_chain;  /* behind "Certificate chain" */
	char pem[FINGER_PEM_MAX];
	size_t pem_len;
	bool pem_over;
};

void finger_begin(struct finger_reader *reader);

/* A piece, cut anywhere. False: FINGER_OUTPUT_MAX bytes were read, the program can be
 * ended. */
bool finger_take(struct finger_reader *reader, struct str piece);

/*
 * What came until now counts, what did not is not known. ended: the program ended by
 * itself, so that its silence about any server is a fault of ours
 * (PROBE_OURS). Borrowed; call it once.
 */
const struct finger_seen *finger_end(struct finger_reader *reader, bool ended);

#endif
