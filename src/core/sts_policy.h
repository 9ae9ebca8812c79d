/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of a policy (RFC 8461 3.2), and which MX hosts it allows (4.1). */
#ifndef CORE_STS_POLICY_H
#define CORE_STS_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/sts.h"

#define STS_DROPPED_SIZE 96

/*
 * A policy. What was begun with sts_policy_parse() or sts_policy_of() ends with
 * sts_policy_clear(); {0} is one of mode none without patterns.
 */
struct sts_policy {
	enum sts_mode mode;
	uint32_t max_age_s; /* at most STS_MAX_AGE_MAX_S; 0: it is not kept */
	char *mx; /* patterns as "mx.example.test *.example.test", in lower case and
	           * without a dot at the end, none twice; NULL or "": none. Owned */
	bool cut; /* it has more of them, which are not kept: sts_policy_cut() */
};

/* What was forgiven in its text, for whoever can mend it. */
struct sts_notes {
	unsigned dropped;                     /* mx lines that can match no host */
	char first_dropped[STS_DROPPED_SIZE]; /* the first of them, cut; any octets */
	unsigned blank_lines;
	bool max_age_cut; /* max_age was over STS_MAX_AGE_MAX_S */
};

/*
 * False: it is no valid policy, and err says "line N: ..." or what is missing; out is
 * {0} then. notes may be NULL.
 */
bool sts_policy_parse(
    struct str text, struct sts_policy *out, struct sts_notes *notes, struct err *err);

/* One that was kept. mx: as in struct sts_policy; what is no pattern there is left out,
 * so that nothing in a database can become more than a pattern. */
struct sts_policy sts_policy_of(enum sts_mode mode, uint32_t max_age_s, struct str mx);
void sts_policy_clear(struct sts_policy *policy);

/*
 * A policy is its owner's to make, and all are kept: names of up to so many octets always
 * have room, and all that are longer STS_MX_ALL_MAX together.
 */
#define STS_MX_SMALL   1024
#define STS_MX_ALL_MAX (16 * 1024 * 1024)

/* So that it is small: patterns that allow one of hosts[0..count) are kept first, then
 * those that stand first in it. It allows less than before, never more. Nothing is done
 * to one that is small. */
void sts_policy_cut(struct sts_policy *policy, const struct str *hosts, size_t count);

/* Do both say the same of MX hosts? max_age does not matter. */
bool sts_policy_equal(const struct sts_policy *a, const struct sts_policy *b);

/*
 * Does a pattern, as in struct sts_policy, match the name of a host? "*" stands for
 * exactly one label, the left-most. Case does not matter, nor does a dot at the end of
 * host.
 */
bool sts_mx_matches(struct str pattern, struct str host);

/* Does one of its patterns? Asked of any mode; mode none has none, mostly. */
bool sts_policy_allows(const struct sts_policy *policy, struct str host);

#endif
