/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is kept of a Policy Domain (RFC 8461 3.3, 5.1, 10.2), what of it applies, and what
 * is to be asked next. A policy lives from its last fetch for max_age: only a fetch
 * prolongs it, not a TXT record with the same id; and only another policy, its end or the
 * administrator ends it, not a TXT record or a server that is gone.
 *
 * Times in ms since the epoch, 0: never. The clock may jump: the times that are stored go
 * with it (store_sts_shift()), and one in the future counts as now, so that a clock that
 * is wrong, and right again, neither ends a policy nor prolongs it.
 */
#ifndef CORE_STS_STATE_H
#define CORE_STS_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/answer.h"
#include "core/sts_policy.h"
#include "core/sts_txt.h"

/* What the administrator was alerted of since the last success. */
enum sts_alert {
	STS_ALERT_NONE,
	STS_ALERT_DAY,    /* the policy could not be renewed for a day, or for half of the
	                   * time that was left */
	STS_ALERT_ENDING, /* it still cannot, and ends within a week */
};

#define STS_ID_DROPPED "-" /* the administrator dropped the policy */

/* Plain values, but for the text of the policy: ends with sts_state_clear(). {0} is one
 * that nothing is known of. All of it is to be stored. */
struct sts_state {
	struct sts_policy policy; /* while fetched_ms is not 0 */
	char id[STS_ID_SIZE];     /* of the TXT record when it was fetched;
	                           * STS_ID_DROPPED, which none can have */
	int64_t fetched_ms;       /* when; 0: there is no policy */
	int64_t owed_ms; /* it was set so much later where it could not be told whether
	                  * the machine was off or its clock was wrong; < 0: earlier */

	struct sts_txt txt; /* the last answer */
	int64_t txt_ms;     /* when */
	int64_t txt_next_ms;
	unsigned txt_failures;  /* in a row that could not tell */
	int64_t txt_failing_ms; /* since when no answer announced a policy, while one is
	                         * kept */

	enum sts_cause cause; /* of the last fetch; OK: it succeeded, or none was */
	int64_t tried_ms;     /* the last fetch that failed, since the last success */
	unsigned failures;    /* in a row, of failed_id */
	char failed_id[STS_ID_SIZE]; /* what TXT said then; "": no policy */
	int64_t failing_ms;          /* since when fetches fail */

	enum sts_alert alerted;
	unsigned refresh; /* how often the administrator asked for it since it was last
	                   * done: no time to wait counts; 0: he did not */
};

void sts_state_clear(struct sts_state *state);

/*
 * What is known when something is asked, kept with the question: until its answer comes
 * another id may be announced, and the administrator may want it asked anew, and neither
 * is answered by it.
 */
struct sts_asked {
	char id[STS_ID_SIZE]; /* that was announced; "": none */
	unsigned refresh;
};

struct sts_asked sts_asked(const struct sts_state *state);

/* --- what happened ------------------------------------------------------------------ */

/* TXT answered, or not. asked {0}: it may have been before the administrator wanted it.
 * ttl_s: of an answer without a record (SOA), else not read. draw: any number, by which
 * the moments of many domains are spread. */
void sts_take_txt(struct sts_state *state, const struct sts_txt *txt,
    const struct sts_asked *asked, uint32_t ttl_s, uint32_t draw, int64_t now_ms);

/* A fetch succeeded: the policy, of the id that was announced when it was asked for, is
 * moved here, and *policy is {0}. True: it says something else than the one that was
 * live. */
bool sts_take_policy(struct sts_state *state, struct sts_policy *policy,
    const struct sts_asked *asked, int64_t now_ms);

/* A fetch failed, for a cause that is not OK. FETCHER, our own fault, is a try, and says
 * nothing of the policy host: what was known of that stays. */
void sts_take_failure(struct sts_state *state, enum sts_cause cause,
    const struct sts_asked *asked, int64_t now_ms);

/* Mail fails under the policy: TXT is asked now, but not twice within 5 minutes; it is
 * asked when these are over. One that was cut is fetched as well. */
void sts_take_trouble(struct sts_state *state, int64_t now_ms);

/* The administrator wants both asked now, whatever was asked before. */
void sts_take_refresh(struct sts_state *state);

/* The administrator drops the policy. It is fetched anew if it is announced. */
void sts_take_drop(struct sts_state *state);

void sts_take_alert(struct sts_state *state, enum sts_alert alert);

/* --- what follows ------------------------------------------------------------------- */

enum sts_applies {
	STS_APPLIES_NOTHING, /* there is no policy */
	STS_APPLIES_UNSURE,  /* TXT could not tell, or was never asked */
	STS_APPLIES_UNHAD,   /* announced, and not had (yet) */
	STS_APPLIES_NONE,    /* a live one of mode none */
	STS_APPLIES_TESTING,
	STS_APPLIES_ENFORCE,
	STS_APPLIES_COUNT,
};

const char *sts_applies_name(enum sts_applies applies);

/* To be asked when nothing is due of sts_next(). */
enum sts_applies sts_applies(const struct sts_state *state, int64_t now_ms);

/*
 * May a weaker entry than the default be made, as far as MTA-STS goes? NO: never under an
 * enforced policy. UNSURE: hold it (ladder.hold), then as YES, for RFC 8461 3.3 wants
 * mail delivered where there is no policy; in a zone that is proven signed it waits.
 */
enum answer sts_may_weaken(enum sts_applies applies);

/* Was a policy ever had, or dropped? Else that none is known tells nothing of one that
 * another knew, or this one before its state was lost. */
bool sts_was_had(const struct sts_state *state);

/* When the policy that is live ends, a moment to judge anew; 0: none is. */
int64_t sts_ends_ms(const struct sts_state *state, int64_t now_ms);

enum sts_ask {
	STS_ASK_NOTHING,
	STS_ASK_TXT,
	STS_ASK_POLICY, /* by HTTPS */
};

struct sts_next {
	enum sts_ask ask;
	int64_t at_ms; /* in the past or now: at once. 0 where nothing is to be asked */
};

/*
 * What to ask next. mail_ms: when mail to the destination was seen last. Without any in
 * 30 days nothing is asked, of a short policy in 168 times its max_age, or a day; where
 * no policy is announced, only after new mail.
 */
struct sts_next sts_next(const struct sts_state *state, int64_t mail_ms, int64_t now_ms);

/*
 * Mail waits under the policy, and its owner has announced another: may that be fetched
 * at once, where nothing but the last fetch, less than 5 minutes ago, is in its way? To
 * be bounded by the caller: ids cost nothing.
 */
bool sts_may_hasten(const struct sts_state *state, int64_t now_ms);

/* When he is to be alerted next, as far as is known; 0: of nothing. */
int64_t sts_alert_ms(const struct sts_state *state, int64_t now_ms);
/* What the administrator is to be alerted of now; sts_take_alert() when it was done. */
enum sts_alert sts_alert_due(const struct sts_state *state, int64_t now_ms);

#endif
