/* SPDX-License-Identifier: BSD-2-Clause */
/* An engine beside domains that announce an MTA-STS policy, and their policy hosts. */
#ifndef TESTS_POLICYKIT_H
#define TESTS_POLICYKIT_H

#include "enginerig.h"

/* A policy in mode enforce. */
#define POLICYKIT(mx, max_age) \
	"version: STSv1\nmode: enforce\nmx: " mx "\nmax_age: " max_age "\n"
#define ENFORCE POLICYKIT("mx.d.test", "604800")
#define OTHER   POLICYKIT("mx.other.test", "604800")
#define ENTRY   "match=mx.d.test servername=hostname" /* of ENFORCE */

extern const char *policykit_id; /* that DNS has; NULL: none, "?": it could not tell */
extern const char *policykit_served; /* the policy that is served; NULL: none */

/* As DNS has it now. */
void policykit_txt(struct sts_txt *out);

/* An engine that has settled, in that world; the MX host of a domain is mx.DOMAIN. */
void policykit_begin(const char *txt_id, const char *served);

/* What else DNS has of every domain, for policykit_begin_at(). */
struct policykit_dns {
	const char *mx; /* the server, or what DNS could not tell; of several words: the
	                 * text of the answer */
	enum dane_state tlsa;
	enum answer other_map;
	bool is_signed;
	bool silent; /* it told no server at all */
};

extern struct policykit_dns policykit_dns;

/* policykit_begin() beside another default level, where an answer is as policykit_dns
 * says: at first mx.d.test, without TLSA, unsigned. */
void policykit_begin_at(enum level level, const char *txt_id, const char *served);

/* What the MX host is, for tests that change the rest of the answer. */
void policykit_answer(struct measure_item *item);

/* What the policy hosts answer. */
void policykit_serve(const char *host, struct buf *text, struct fetch_answer *out);

/* Deferred, and the queue shows it still. */
void policykit_defer(const char *domain);

/* Deferred, and sent under the entry that this brought. */
void policykit_defer_sent(const char *domain);

void policykit_send(const char *domain);

void policykit_assert_attributes(const char *domain, const char *attributes);

/* How often that stands in the mails to the administrator. */
unsigned policykit_alerts_of(const char *text);

#endif
