/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MTA-STS (RFC 8461): the words and limits that its parts share. A domain announces a
 * policy by a TXT record (core/sts_txt.h), serves it by HTTPS (core/sts_answer.h) as a
 * text (core/sts_policy.h); what was had is kept (core/sts_state.h), and an enforced one
 * becomes an entry (core/sts_entry.h).
 */
#ifndef CORE_STS_H
#define CORE_STS_H

#include <stdbool.h>

#include "base/str.h"
#include "core/nexthop.h"

#define STS_BODY_MAX      65536 /* octets of a policy (RFC 8461 3.3) */
#define STS_MX_MAX        1000  /* mx lines of a policy */
#define STS_MAX_AGE_MAX_S 31557600
#define STS_ID_SIZE       33 /* with its NUL */

enum sts_mode {
	STS_MODE_NONE,
	STS_MODE_TESTING,
	STS_MODE_ENFORCE,
	STS_MODE_COUNT,
};

/* "none", "testing", "enforce" */
const char *sts_mode_name(enum sts_mode mode);
bool sts_mode_parse(struct str name, enum sts_mode *mode); /* exactly so */

/*
 * Why a policy was not had: C(NAME, word, sentence, result). result: the word of RFC 8460
 * 4.3 for it, "" where a report has none.
 */
/* clang-format off */
#define STS_CAUSES(C) \
	C(OK, "ok", "it was had", "") \
	C(NO_ADDRESS, "no-address", "the policy host has no address", \
	  "sts-policy-fetch-error") \
	C(REFUSED_ADDRESS, "refused-address", \
	  "the policy host has no address on the public internet", \
	  "sts-policy-fetch-error") \
	C(CONNECT, "connect", "the policy host cannot be reached", \
	  "sts-policy-fetch-error") \
	C(TIMEOUT, "timeout", "the policy host took too long", \
	  "sts-policy-fetch-error") \
	C(TLS, "tls", "there is no TLS with the policy host", \
	  "sts-policy-fetch-error") \
	C(TLS_NAME, "tls-name", "the certificate is not the policy host's", \
	  "sts-webpki-invalid") \
	C(TLS_CA, "tls-ca", "the policy host's certificate is of no trusted authority", \
	  "sts-webpki-invalid") \
	C(TLS_DATE, "tls-date", \
	  "the policy host's certificate has expired or is not valid yet", \
	  "sts-webpki-invalid") \
	C(STATUS, "status", "the policy host answers with another status than 200", \
	  "sts-policy-fetch-error") \
	C(TYPE, "type", "the policy is not sent as plain text", \
	  "sts-policy-fetch-error") \
	C(TOO_LARGE, "too-large", "the policy host's answer is too large", \
	  "sts-policy-fetch-error") \
	C(BROKEN, "broken", "the policy host's answer breaks off, or is no HTTP", \
	  "sts-policy-fetch-error") \
	C(SYNTAX, "syntax", "the policy is not valid", \
	  "sts-policy-invalid") \
	C(FETCHER, "fetcher", "the policy cannot be asked for from here", "")
/* clang-format on */

enum sts_cause {
#define STS_CAUSE_NAME(name, word, sentence, result) STS_CAUSE_##name,
	STS_CAUSES(STS_CAUSE_NAME)
#undef STS_CAUSE_NAME
	    STS_CAUSE_COUNT,
};

const char *sts_cause_name(enum sts_cause cause);     /* "tls-name" */
const char *sts_cause_sentence(enum sts_cause cause); /* without a dot at its end */
const char *sts_cause_result(enum sts_cause cause);
bool sts_cause_parse(struct str name, enum sts_cause *cause);

/*
 * Labels of letters, digits, - and _ (which host names have, in spite of all), none
 * beginning or ending with -, of at most 63 octets each and 253 in all, the last one not
 * of digits alone. Without a dot at the end; a single label is one too.
 */
bool sts_is_host_name(struct str name);

/*
 * The Policy Domain of a next-hop (RFC 8461 3.4): the domain itself, never its parent;
 * the host of [host]. Without the port, in A-labels and lower case. False, and out "": it
 * can have none: an address, what is no host name, or too long for "mta-sts." before it.
 * A next-hop of other letters: make A-labels of it first.
 */
bool sts_policy_domain(const struct nexthop *nexthop, char out[NEXTHOP_HOST_SIZE]);

#endif
