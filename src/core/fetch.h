/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tlsladder-fetch is asked on its standard input and answers on its standard output,
 * as text. The one who asks has resolved the policy host; the fetcher asks no DNS.
 *
 *	host mta-sts.example.test          tlsladder-fetch 1
 *	ca-file /etc/ssl/certs/ca.pem      cause ok
 *	port 443                           status 200
 *	connect-ms 10000                   address 192.0.2.1
 *	time-ms 60000                      confined seccomp landlock
 *	network 192.0.2.0/24               detail TEXT
 *	nat64 2001:db8:64::/96             body 78
 *	address 192.0.2.1                  (an empty line, then as many octets)
 *	(an empty line)
 */
#ifndef CORE_FETCH_H
#define CORE_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/address.h"
#include "core/sts.h"

#define FETCH_ADDRESSES_MAX 32
#define FETCH_NETWORKS_MAX  64
#define FETCH_NAT64_MAX     4
#define FETCH_PATH_SIZE     1024
#define FETCH_DETAIL_SIZE   256
#define FETCH_CONFINED_SIZE 32
#define FETCH_REQUEST_MAX   16384                 /* octets of a request */
#define FETCH_ANSWER_MAX    (STS_BODY_MAX + 1024) /* octets of an answer */
#define FETCH_TIME_MAX_MS   600000

/* Plain values. */
struct fetch_request {
	char host[NEXTHOP_HOST_SIZE];  /* mta-sts.DOMAIN, in A-labels */
	char ca_file[FETCH_PATH_SIZE]; /* whom to trust, PEM; an absolute path */
	uint16_t port;                 /* 443 but in tests */
	uint32_t connect_ms;           /* to be connected, of time_ms */
	uint32_t time_ms;              /* for all of it */
	unsigned nat64_count; /* prefixes before addresses of IPv4: address_nat64() */
	struct network nat64[FETCH_NAT64_MAX];
	unsigned address_count;
	struct address addresses[FETCH_ADDRESSES_MAX];
	unsigned network_count; /* where addresses may be that are not global */
	struct network networks[FETCH_NETWORKS_MAX];
};

struct fetch_answer {
	enum sts_cause cause;
	bool crashed;    /* cause FETCHER: a signal ended it that tells of a fault in it;
	                  * no answer says so */
	unsigned status; /* of HTTP; 0: there was none */
	char address[ADDRESS_TEXT_SIZE];    /* the server; "": there was none */
	char confined[FETCH_CONFINED_SIZE]; /* what holds the fetcher: "seccomp landlock";
	                                     * "": this system has neither */
	char detail[FETCH_DETAIL_SIZE]; /* more of the cause, printable; "": nothing */
	struct str body; /* where cause is OK; borrowed from what was parsed */
};

/* With 443, 10 s and 60 s, and no address or network; host and ca_file are copied. False:
 * one of them is too long, or no such thing. */
bool fetch_request_init(
    struct fetch_request *request, const char *host, const char *ca_file);

void fetch_request_print(const struct fetch_request *request, struct buf *out);
bool fetch_request_parse(struct str text, struct fetch_request *out, struct err *err);

void fetch_answer_print(const struct fetch_answer *answer, struct buf *out);
/* text: all that came, at most FETCH_ANSWER_MAX. False: it is no whole answer. */
bool fetch_answer_parse(struct str text, struct fetch_answer *out, struct err *err);

#endif
