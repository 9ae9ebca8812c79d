/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/trouble.h"

static int
match(const struct rules *rules, struct rules_matcher *matcher,
    const struct rule_subject *subject, unsigned *limit_hits)
{
	int rule =
	    rules_match(rules, matcher, subject, 0, RULE_DNSSEC_INSECURE, limit_hits);

	if (rule < 0) /* it may still be one for signed domains alone */
		rule =
		    rules_match(rules, matcher, subject, 0, RULE_DNSSEC_ANY, limit_hits);
	return rule;
}

static int
match_passed(const struct rules *rules, struct rules_matcher *matcher, struct str reason,
    enum cause cause, struct str service, unsigned *limit_hits)
{
	struct rule_subject subject = {
	    .reason = reason,
	    .cause = cause,
	    .dsn = STR(""),
	    .service = service,
	    .status = STR("deferred"),
	};

	return match(rules, matcher, &subject, limit_hits);
}

/*
 * A fault of ours is one with every server. A server that must wait cannot be used at a
 * weaker level; the others decide, and of these the one that needs the smallest step.
 */
static unsigned
rank_of(const struct rules *rules, int rule)
{
	const struct rule_source *source;

	if (rule < 0)
		return 0;
	source = rules_get(rules, (size_t)rule);
	if (source->fault_ours)
		return 3 + LEVEL_COUNT;
	if (source->fallback == FALLBACK_WAIT)
		return 1;
	if (source->fallback == FALLBACK_LEVEL && source->level > LEVEL_MAY)
		return 3 + (unsigned)source->level;
	return source->fallback == FALLBACK_NEXT ? 3 : 2;
}

unsigned
trouble_rank(const struct rules *rules, struct rules_matcher *matcher, struct str reason,
    struct str service, unsigned *limit_hits)
{
	return rank_of(rules,
	    match_passed(
	        rules, matcher, reason, cause_of_reason(reason), service, limit_hits));
}

/* The rule for its own reason; -1: none, or rules do not apply to it. */
static int
match_own(const struct rules *rules, struct rules_matcher *matcher,
    const struct status_line *s, struct str service, enum cause cause,
    unsigned *limit_hits)
{
	struct rule_subject subject = {
	    .reason = s->own_reason,
	    .cause = cause,
	    .dsn = s->dsn,
	    .service = service,
	    .status = s->status_word,
	};

	/* The last kinds are address probes: no mail waits for them. */
	if (s->status != DELIVERY_DEFERRED && s->status != DELIVERY_BOUNCED &&
	    s->status != DELIVERY_SOFTBOUNCE)
		return -1;
	return match(rules, matcher, &subject, limit_hits);
}

/* Its reason says what the line of TLSRPT does not: STARTTLS that is not offered, or
 * refused. */
static enum cause
cause_in(const struct trouble *trouble, const struct process *p)
{
	enum cause cause = cause_of_reason(trouble->reason);
	char host[NEXTHOP_HOST_SIZE];

	if (cause != CAUSE_NONE || p == NULL || p->fault_count == 0 ||
	    !cause_is_told_before(trouble->reason))
		return cause;
	trouble_copy_server(trouble, host, sizeof(host));
	return process_cause(p, host);
}

struct trouble
trouble_of(const struct rules *rules, struct rules_matcher *matcher,
    const struct status_line *s, struct str service, const struct process *p,
    const struct passed *passed, unsigned *limit_hits)
{
	bool none = memchr(s->relay.p, '[', s->relay.len) == NULL;
	struct trouble own = {
	    .reason = s->own_reason,
	    .dsn = s->dsn,
	    /* Of mail in the queue the reason alone names it. */
	    .server = none ? reason_server(s->own_reason) : s->relay,
	};
	struct trouble other;

	own.cause = cause_in(&own, s->suspended ? NULL : p);
	own.rule = match_own(rules, matcher, s, service, own.cause, limit_hits);
	if (passed == NULL)
		return own;
	other = (struct trouble){
	    .reason = str_of(passed->reason),
	    .dsn = STR(""),
	    .server = str_of(passed->relay),
	    .nowhere = passed->relay[0] == '\0',
	};
	/* Rules may be others than when it was read. */
	other.cause = cause_in(&other, p);
	other.rule =
	    match_passed(rules, matcher, other.reason, other.cause, service, limit_hits);
	return rank_of(rules, other.rule) > rank_of(rules, own.rule) ? other : own;
}

void
trouble_copy_server(const struct trouble *trouble, char *out, size_t size)
{
	struct str host = trouble->server, rest = host;

	str_cut(&rest, '[', &host);
	str_copy(host, out, size);
	for (char *p = out; *p != '\0'; p++)
		*p = ascii_lower(*p);
}
