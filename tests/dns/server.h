/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A name server on loopback that says what a script tells it to, over TCP, and badly
 * where the script wants it. In a thread of its own.
 *
 * A script is lines. At the left margin a question and how it is answered, indented
 * below it the records, in the form of a zone file; `authority` before one puts it there:
 *
 *	example.test MX secure
 *		example.test. 300 IN MX 10 mx.example.test.
 *
 * How, in words: secure or insecure (AD or not), nxdomain, servfail, refused, truncated
 * (TC); many=N, the record N times with %u in it counted up; and the lies: id, question,
 * query (not a response), twice, garbage, short (a message of five octets), silent
 * (nothing comes), close (nor ever will), half (closed in the middle), octets (in parts).
 * A question that stands there several times is answered in that order, then ever like
 * the last. What is not in the script has no records, secure; `. NS` has one. SOA and DS
 * that are not in it are those of a zone of two labels that is proven to be unsigned.
 */
#ifndef TESTS_DNS_SERVER_H
#define TESTS_DNS_SERVER_H

#include <stdbool.h>

struct server_script; /* opaque */

/* Start serving text on address:port, 0 for any. A mistake ends the program. */
struct server_script *server_start(const char *address, unsigned port, const char *text);
void server_stop(struct server_script *server); /* and frees it */

unsigned server_port(const struct server_script *server);

/* How often was this asked, as "example.test MX"? After server_stop() no more. */
unsigned server_asked(struct server_script *server, const char *question);

#endif
