/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The output of posttls-finger(1), read as bytes in pieces. Pure. It reports in prose,
 * with what the server said in between: lines are read from the left, and nothing that
 * stands behind a server's mark is taken for a line of posttls-finger's own.
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
#define FINGER_PEM_MAX    24576

/* What one connection showed. */
struct finger_seen {
	enum probe_end end;
	bool verified; /* "Verified TLS connection": the chain, and one of the names */
	bool matched_dane; /* "Matched DANE", and no fallback to secure */
	bool fallback;     /* no usable TLSA: dane-only was not tried, but secure */
	enum cause cause;
	bool auth;
	bool timed_out;   /* a step took too long */
	char address[48]; /* of the server; "" for no connection */
	char leaf[SERVER_LEAF_SIZE];
	char names[NAMES_SIZE]; /* "..." where no certificate was printed */
	char found[200];        /* what settled it, for people: "no STARTTLS",
	                         * "self-signed certificate"; printable */
};

struct finger_reader {
	struct finger_seen seen;
	size_t total; /* bytes so far */
	char line[FINGER_LINE_MAX];
	size_t line_len;
	int place; /* in the conversation */
	bool connected, greeted, ehlo_over, offered, tried, quit, session;
	bool ours;
	char peer[256]; /* name of the certificate that matched */
	char pem[FINGER_PEM_MAX];
	size_t pem_len;
	bool pem_over;
};

/* finger_begin(), any number of pieces, finger_end(). Large: not for a small stack. */
void finger_begin(struct finger_reader *reader);

/* False: enough was read, the program can be ended. */
bool finger_take(struct finger_reader *reader, struct str piece);

/* Whatever came until now counts; what did not come is not known. Borrowed. */
const struct finger_seen *finger_end(struct finger_reader *reader);

#endif
