/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The compiled rules: what a deferral reason means. Pure: no files (conf/rulefile
 * reads them), no clock. The only user of PCRE2. Read-only once built, so any thread
 * may match, each with its own struct rules_matcher.
 */
#ifndef CORE_RULES_H
#define CORE_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "core/cause.h"
#include "core/level.h"

enum fallback {
	FALLBACK_WAIT,  /* never an entry */
	FALLBACK_NEXT,  /* the next weaker rung */
	FALLBACK_LEVEL, /* rule.level */
};

enum rule_dnssec {
	RULE_DNSSEC_ANY,
	RULE_DNSSEC_SECURE,   /* only where the MX RRset was validated */
	RULE_DNSSEC_INSECURE, /* only where it is proven to be unsigned */
};

/* One rule as its author wrote it. The texts are copied by rules_add(). */
struct rule_source {
	const char *name;
	const char *reason;  /* PCRE2 on the reason, required */
	const char *dsn;     /* PCRE2 on "4.7.5", or NULL */
	const char *service; /* PCRE2 on "smtp", "relay/smtp", "error", or NULL */
	const char *status;  /* PCRE2 on "deferred", or NULL */
	enum rule_dnssec dnssec;
	enum cause cause; /* NONE: whatever failed */
	enum fallback fallback;
	enum level level;  /* of FALLBACK_LEVEL: may, encrypt, verify or secure */
	bool under_policy; /* only where the entry is an MTA-STS policy's: the news of a
	                    * destination tell (fold_item.refused) */
	bool alert;
	bool fault_ours;  /* the fault is in our own Postfix: no entry, alert */
	const char *hint; /* what an alert adds to it, or NULL */
};

/* It leads to no entry, though the fault is not ours. */
static inline bool
rule_waits(const struct rule_source *rule)
{
	return rule->fallback == FALLBACK_WAIT && !rule->fault_ours;
}

/* What a rule is asked about. */
struct rule_subject {
	struct str reason; /* without "delivery temporarily suspended: " */
	struct str dsn;
	struct str service;
	struct str status;
	enum cause cause; /* NONE: not known, and no rule that asks for one matches */
};

struct rules;         /* opaque */
struct rules_matcher; /* opaque: match data of one thread */

struct rules *rules_new(void);
void rules_free(struct rules *rules);

/*
 * Compile and append; the order of calls is the order of matching. False: a pattern
 * does not compile (the sentence names the key, the offset in the pattern and
 * PCRE2's reason), a reason is not anchored at its start in every alternative, or the
 * name is taken. *key is then "reason", "dsn", "service", "status" or "name".
 */
bool rules_add(struct rules *rules, const struct rule_source *source, const char **key,
    struct err *err);

size_t rules_count(const struct rules *rules);
const struct rule_source *rules_get(const struct rules *rules, size_t index);

/* Index of the rule of that name, or -1. */
int rules_find(const struct rules *rules, const char *name);

struct rules_matcher *rules_matcher_new(const struct rules *rules);
void rules_matcher_free(struct rules_matcher *matcher);

/*
 * The first rule that matches from index `from` on, or -1. dnssec: what is known of
 * the MX RRset; RULE_DNSSEC_ANY stands for not known yet, and then rules with a dnssec
 * condition count as matching (the caller asks again when it knows).
 * A pattern that hits its match limit does not match; it is counted in
 * *limit_hits, which may be NULL.
 */
int rules_match(const struct rules *rules, struct rules_matcher *matcher,
    const struct rule_subject *subject, size_t from, enum rule_dnssec dnssec,
    unsigned *limit_hits);

#endif
