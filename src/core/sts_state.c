/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/sts_state.h"

#include <assert.h>
#include <string.h>

#include "base/span.h"

#define WINDOW_MS   (5 * SPAN_MINUTE_MS) /* between tries (RFC 8461 3.3) */
#define BACKOFF_MAX SPAN_DAY_MS
#define RENEW_MS    (7 * SPAN_DAY_MS)
#define ENDING_MS   (7 * SPAN_DAY_MS)
#define MAIL_MS     (30 * SPAN_DAY_MS)
#define MAIL_AGES   168 /* ... and a short policy for so many times its max_age */

static const char *const words[] = {
    [STS_APPLIES_UNSURE] = "unsure",
    [STS_APPLIES_UNHAD] = "unhad",
    [STS_APPLIES_NOTHING] = "nothing",
    [STS_APPLIES_NONE] = "none",
    [STS_APPLIES_TESTING] = "testing",
    [STS_APPLIES_ENFORCE] = "enforce",
};

const char *
sts_applies_name(enum sts_applies applies)
{
	assert(applies < STS_APPLIES_COUNT);
	return words[applies];
}

void
sts_state_clear(struct sts_state *state)
{
	sts_policy_clear(&state->policy);
	*state = (struct sts_state){0};
}

struct sts_asked
sts_asked(const struct sts_state *state)
{
	struct sts_asked asked = {.refresh = state->refresh};

	if (state->txt.state == STS_TXT_VALID)
		memcpy(asked.id, state->txt.id, sizeof(asked.id));
	return asked;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* 5 minutes after the first failure, then doubled, up to a day. */
static int64_t
backoff_ms(unsigned failures)
{
	int64_t ms = WINDOW_MS;

	for (unsigned i = 1; i < failures && ms < BACKOFF_MAX; i++)
		ms *= 2;
	return earlier(ms, BACKOFF_MAX);
}

/* A time to wait from a moment on; over, where that is in the future: the clock was set
 * back. */
static int64_t
after(int64_t since_ms, int64_t wait_ms, int64_t now_ms)
{
	return since_ms > now_ms ? now_ms : since_ms + wait_ms;
}

static int64_t
max_age_ms(const struct sts_state *state)
{
	return state->policy.max_age_s * SPAN_SECOND_MS;
}

static bool
is_live(const struct sts_state *state, int64_t now_ms)
{
	return state->fetched_ms > 0 && state->policy.max_age_s > 0 &&
	    now_ms < state->fetched_ms + max_age_ms(state);
}

/* --- what happened ------------------------------------------------------------------ */

static void
all_is_well(struct sts_state *state)
{
	if (state->failing_ms == 0 && state->txt_failing_ms == 0)
		state->alerted = STS_ALERT_NONE;
}

/* draw as a time below so many ms: draws that follow each other lie apart, and many of
 * them evenly (multiples of the golden ratio). */
static int64_t
drawn_ms(uint32_t draw, int64_t below_ms)
{
	return (
	    int64_t)((uint64_t)(draw * UINT32_C(2654435769)) * (uint64_t)below_ms >> 32);
}

/* A policy that is announced is asked for at least once a day, and at other moments than
 * those of others; where none is, as long as DNS says so. */
static int64_t
txt_wait_ms(const struct sts_state *state, uint32_t ttl_s, uint32_t draw)
{
	int64_t ttl_ms = ttl_s * SPAN_SECOND_MS;

	switch (state->txt.state) {
	case STS_TXT_UNSURE:
		return backoff_ms(state->txt_failures);
	case STS_TXT_VALID:
		return SPAN_DAY_MS / 2 + drawn_ms(draw, SPAN_DAY_MS / 2);
	default:
		return later(SPAN_HOUR_MS, earlier(ttl_ms, SPAN_DAY_MS));
	}
}

/* What was asked for since then is still to be done. */
static void
end_refresh(struct sts_state *state, const struct sts_asked *asked)
{
	if (state->refresh == asked->refresh)
		state->refresh = 0;
}

/* By a clock that the machine was started with it is over: that may be wrong. */
static bool
is_doubted(const struct sts_state *state, int64_t now_ms)
{
	return state->owed_ms > 0 &&
	    now_ms >= state->fetched_ms - state->owed_ms + max_age_ms(state);
}

/* It is over where its owner announces nothing any more. */
static void
confirm_end(struct sts_state *state, int64_t now_ms)
{
	if (!is_doubted(state, now_ms) || state->txt.state == STS_TXT_VALID ||
	    state->txt.state == STS_TXT_UNSURE)
		return;
	state->fetched_ms -= state->owed_ms;
	state->owed_ms = 0;
}

void
sts_take_txt(struct sts_state *state, const struct sts_txt *txt,
    const struct sts_asked *asked, uint32_t ttl_s, uint32_t draw, int64_t now_ms)
{
	state->txt = *txt;
	state->txt_ms = now_ms;
	confirm_end(state, now_ms);
	if (txt->state != STS_TXT_UNSURE)
		state->txt_failures = 0;
	else if (state->txt_failures < UINT16_MAX)
		state->txt_failures++;
	state->txt_next_ms = now_ms + txt_wait_ms(state, ttl_s, draw);
	if (txt->state == STS_TXT_VALID || !is_live(state, now_ms))
		state->txt_failing_ms = 0;
	else if (state->txt_failing_ms == 0 || state->txt_failing_ms > now_ms)
		state->txt_failing_ms = now_ms;
	/* Nothing else may be fetched than what is announced or kept. */
	if (txt->state != STS_TXT_VALID && !is_live(state, now_ms))
		end_refresh(state, asked);
	if (state->refresh != 0 && state->refresh != asked->refresh)
		state->txt_ms = 0;
	all_is_well(state);
}

/*
 * Where the last fetch is in the future: certificates are checked by the same clock, so
 * that one set back by much fetches nothing. A fetch that succeeds shows that it is the
 * present one which is right.
 */
bool
sts_take_policy(struct sts_state *state, struct sts_policy *policy,
    const struct sts_asked *asked, int64_t now_ms)
{
	bool news = !is_live(state, now_ms) || !sts_policy_equal(&state->policy, policy);

	sts_policy_clear(&state->policy);
	state->policy = *policy;
	*policy = (struct sts_policy){0};
	state->fetched_ms = now_ms;
	state->owed_ms = 0;
	if (asked->id[0] != '\0')
		memcpy(state->id, asked->id, sizeof(state->id));
	state->cause = STS_CAUSE_OK;
	state->tried_ms = 0;
	state->failures = 0;
	state->failed_id[0] = '\0';
	state->failing_ms = 0;
	end_refresh(state, asked);
	all_is_well(state);
	return news;
}

void
sts_take_failure(struct sts_state *state, enum sts_cause cause,
    const struct sts_asked *asked, int64_t now_ms)
{
	assert(cause != STS_CAUSE_OK);
	if (strcmp(state->failed_id, asked->id) != 0)
		state->failures = 0;
	if (state->failures < UINT16_MAX)
		state->failures++;
	memcpy(state->failed_id, asked->id, sizeof(state->failed_id));
	state->tried_ms = now_ms;
	end_refresh(state, asked);
	if (cause == STS_CAUSE_FETCHER) {
		if (state->cause == STS_CAUSE_OK)
			state->cause = cause;
		return;
	}
	state->cause = cause;
	/* One in the future is of a clock that was ahead. */
	if (state->failing_ms == 0 || state->failing_ms > now_ms)
		state->failing_ms = now_ms;
}

static void
note_refresh(struct sts_state *state)
{
	if (++state->refresh == 0)
		state->refresh = 1;
}

void
sts_take_trouble(struct sts_state *state, int64_t now_ms)
{
	int64_t at_ms = state->txt_ms == 0 || state->txt_ms > now_ms
	    ? now_ms
	    : later(now_ms, state->txt_ms + WINDOW_MS);

	state->txt_next_ms = earlier(state->txt_next_ms, at_ms);
	/* What it fails for may be a name that was not kept. */
	if (state->policy.cut && is_live(state, now_ms) &&
	    after(later(state->fetched_ms, state->tried_ms), WINDOW_MS, now_ms) <= now_ms)
		note_refresh(state);
}

void
sts_take_refresh(struct sts_state *state)
{
	state->txt_ms = 0;
	note_refresh(state);
}

void
sts_take_drop(struct sts_state *state)
{
	sts_policy_clear(&state->policy);
	state->fetched_ms = 0;
	state->owed_ms = 0;
	str_copy(STR(STS_ID_DROPPED), state->id, sizeof(state->id));
	state->txt_failing_ms = 0;
	state->alerted = STS_ALERT_NONE;
	note_refresh(state); /* what is on its way may be what was dropped */
}

void
sts_take_alert(struct sts_state *state, enum sts_alert alert)
{
	state->alerted = alert;
}

/* --- what follows ------------------------------------------------------------------- */

/* Had, and over within the time that has to be between two fetches: its owner does not
 * want it kept. */
static bool
is_unkept(const struct sts_state *state, int64_t now_ms)
{
	return state->fetched_ms > 0 && state->failures == 0 &&
	    strcmp(state->id, state->txt.id) == 0 && now_ms >= state->fetched_ms &&
	    now_ms < state->fetched_ms + WINDOW_MS;
}

enum sts_applies
sts_applies(const struct sts_state *state, int64_t now_ms)
{
	static const enum sts_applies by_mode[] = {
	    [STS_MODE_NONE] = STS_APPLIES_NONE,
	    [STS_MODE_TESTING] = STS_APPLIES_TESTING,
	    [STS_MODE_ENFORCE] = STS_APPLIES_ENFORCE,
	};

	if (is_live(state, now_ms))
		return by_mode[state->policy.mode];
	if (state->txt.state == STS_TXT_UNSURE)
		return STS_APPLIES_UNSURE;
	if (state->txt.state == STS_TXT_VALID && !is_unkept(state, now_ms))
		return STS_APPLIES_UNHAD;
	return STS_APPLIES_NOTHING;
}

bool
sts_was_had(const struct sts_state *state)
{
	return state->fetched_ms != 0 || state->id[0] != '\0';
}

enum answer
sts_may_weaken(enum sts_applies applies)
{
	switch (applies) {
	case STS_APPLIES_ENFORCE:
		return ANSWER_NO;
	case STS_APPLIES_UNSURE:
	case STS_APPLIES_UNHAD:
		return ANSWER_UNSURE;
	default:
		return ANSWER_YES;
	}
}

int64_t
sts_ends_ms(const struct sts_state *state, int64_t now_ms)
{
	if (!is_live(state, now_ms))
		return 0;
	return earlier(state->fetched_ms, now_ms) + max_age_ms(state);
}

/*
 * Of a policy that is live: at once if another is announced, else half-way to its end,
 * but not twice in five minutes: one that ends before then is fetched for mail. Where the
 * fetch is far in the future, or its end is doubted, that clock was wrong, or this one
 * is.
 */
static int64_t
renewal_ms(const struct sts_state *state, int64_t now_ms)
{
	int64_t half_ms = earlier(max_age_ms(state) / 2, RENEW_MS);
	int64_t due_ms = state->fetched_ms + later(WINDOW_MS, half_ms);
	bool other =
	    state->txt.state == STS_TXT_VALID && strcmp(state->txt.id, state->id) != 0;

	if (other || state->fetched_ms > now_ms + SPAN_HOUR_MS ||
	    is_doubted(state, now_ms))
		due_ms = 0;
	if (state->failures == 0)
		return due_ms < state->fetched_ms + max_age_ms(state) ? due_ms : -1;
	/* An id that was not tried yet waits for no other one's failures. */
	if (other && strcmp(state->txt.id, state->failed_id) != 0)
		return due_ms;
	return later(due_ms, after(state->tried_ms, backoff_ms(state->failures), now_ms));
}

/* -1: nothing is to be fetched. */
static int64_t
wanted_ms(const struct sts_state *state, int64_t mail_ms, int64_t now_ms)
{
	if (state->txt.state != STS_TXT_VALID && !is_live(state, now_ms))
		return -1;
	if (is_live(state, now_ms))
		return renewal_ms(state, now_ms);
	if (state->failures == 0 && strcmp(state->txt.id, state->id) == 0 &&
	    mail_ms <= state->fetched_ms)
		return -1; /* nobody needs it */
	if (is_unkept(state, now_ms))
		return state->fetched_ms + WINDOW_MS;
	if (state->failures == 0 || strcmp(state->txt.id, state->failed_id) != 0)
		return now_ms;
	return after(state->tried_ms, backoff_ms(state->failures), now_ms);
}

/* Not twice in five minutes, whatever is announced meanwhile: ids cost nothing. */
static int64_t
fetch_ms(const struct sts_state *state, int64_t mail_ms, int64_t now_ms)
{
	int64_t at_ms = wanted_ms(state, mail_ms, now_ms);

	if (at_ms < 0)
		return at_ms;
	if (state->refresh != 0)
		return now_ms;
	if (state->fetched_ms != 0)
		at_ms = later(at_ms, after(state->fetched_ms, WINDOW_MS, now_ms));
	if (state->tried_ms != 0)
		at_ms = later(at_ms, after(state->tried_ms, WINDOW_MS, now_ms));
	return at_ms;
}

bool
sts_may_hasten(const struct sts_state *state, int64_t now_ms)
{
	return sts_applies(state, now_ms) == STS_APPLIES_ENFORCE &&
	    state->txt.state == STS_TXT_VALID && strcmp(state->txt.id, state->id) != 0 &&
	    (state->tried_ms == 0 ||
	        after(state->tried_ms, WINDOW_MS, now_ms) <= now_ms) &&
	    wanted_ms(state, now_ms, now_ms) <= now_ms;
}

/* -1: it is not to be asked. */
static int64_t
txt_due_ms(const struct sts_state *state, int64_t mail_ms, int64_t now_ms)
{
	bool negative =
	    state->txt.state != STS_TXT_VALID && state->txt.state != STS_TXT_UNSURE;

	if (state->txt_ms == 0 || state->txt_ms > now_ms) /* the clock was set back */
		return now_ms;
	if (negative && !is_live(state, now_ms) && mail_ms <= state->txt_ms)
		return -1;
	return state->txt_next_ms;
}

/* How long after mail is the policy kept up? A week for one of an hour: who wants it kept
 * for so short is asked again and again. */
static int64_t
kept_up_ms(const struct sts_state *state)
{
	return state->fetched_ms == 0 || state->policy.max_age_s == 0
	    ? MAIL_MS
	    : earlier(MAIL_MS, later(SPAN_DAY_MS, MAIL_AGES * max_age_ms(state)));
}

struct sts_next
sts_next(const struct sts_state *state, int64_t mail_ms, int64_t now_ms)
{
	int64_t txt, fetch;

	if (state->refresh == 0 && mail_ms < now_ms - kept_up_ms(state))
		return (struct sts_next){STS_ASK_NOTHING, 0};
	txt = txt_due_ms(state, mail_ms, now_ms);
	fetch = fetch_ms(state, mail_ms, now_ms);
	/* Where both are due TXT is first: what is fetched is then what it announces. */
	if (txt >= 0 && (fetch < 0 || txt <= later(fetch, now_ms)))
		return (struct sts_next){STS_ASK_TXT, txt};
	if (fetch >= 0)
		return (struct sts_next){STS_ASK_POLICY, fetch};
	return (struct sts_next){STS_ASK_NOTHING, 0};
}

/* Was it asked lately? Not by a daemon that did not run, or had another clock. */
static bool
is_present(int64_t asked_ms, int64_t now_ms)
{
	return asked_ms >= now_ms - 2 * SPAN_DAY_MS;
}

/* Since when it is not renewed as it should be; 0: it is. */
static int64_t
trouble_ms(const struct sts_state *state, int64_t now_ms)
{
	int64_t fetch_ms = is_present(state->tried_ms, now_ms) ? state->failing_ms : 0;
	int64_t txt_ms = is_present(state->txt_ms, now_ms) ? state->txt_failing_ms : 0;

	return fetch_ms == 0 || txt_ms == 0 ? later(fetch_ms, txt_ms)
	                                    : earlier(fetch_ms, txt_ms);
}

/* After a day, or half-way from then to the end where that is earlier; once more within a
 * week of the end. Of a short policy that would be the same alert again. */
int64_t
sts_alert_ms(const struct sts_state *state, int64_t now_ms)
{
	int64_t since_ms = trouble_ms(state, now_ms);
	int64_t ends_ms = sts_ends_ms(state, now_ms), first_ms;

	if (ends_ms == 0 || state->policy.mode == STS_MODE_NONE || since_ms == 0)
		return 0;
	first_ms = earlier(since_ms + SPAN_DAY_MS, since_ms + (ends_ms - since_ms) / 2);
	if (state->alerted == STS_ALERT_NONE)
		return first_ms;
	return state->alerted == STS_ALERT_DAY && ends_ms - ENDING_MS > first_ms
	    ? ends_ms - ENDING_MS
	    : 0;
}

enum sts_alert
sts_alert_due(const struct sts_state *state, int64_t now_ms)
{
	int64_t at_ms = sts_alert_ms(state, now_ms);

	if (at_ms == 0 || now_ms < at_ms)
		return STS_ALERT_NONE;
	return state->alerted == STS_ALERT_NONE ? STS_ALERT_DAY : STS_ALERT_ENDING;
}
