/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/forecast.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/ladder.h"

#define NOW_MS 1 /* of the hypothetical mail; nothing of it is older */

/* --- what the log shows ------------------------------------------------------------ */

/* The grade of its last session. False: it had none. */
static bool
last_session(const struct forecast_server *server, enum session_grade *grade)
{
	int64_t last_ms = 0;

	for (unsigned g = 0; g < SESSION_COUNT; g++) {
		if (server->seen_ms[g] > last_ms) {
			last_ms = server->seen_ms[g];
			*grade = (enum session_grade)g;
		}
	}
	return last_ms != 0;
}

static bool
asks_for_dane(enum level present)
{
	return present == LEVEL_DANE || present == LEVEL_DANE_ONLY;
}

/* What a verified session proves is what was demanded of it. */
static enum level
verified_level(enum level present)
{
	return asks_for_dane(present) ? LEVEL_DANE_ONLY
	    : present == LEVEL_SECURE ? LEVEL_SECURE
	                              : LEVEL_VERIFY;
}

/* Where TLSA records are what is asked for, no certificate authority is; a name is
 * compared only where a certificate is demanded. */
static enum answer
verifies(enum session_grade grade, enum level present, enum dane_state dane)
{
	bool compared = present == LEVEL_VERIFY || present == LEVEL_SECURE;

	if (grade == SESSION_UNTRUSTED)
		return asks_for_dane(present) && dane == DANE_USABLE ? ANSWER_UNSURE
		                                                     : ANSWER_NO;
	return grade == SESSION_TRUSTED && compared ? ANSWER_NO : ANSWER_UNSURE;
}

void
forecast_note_server(
    struct answers *answers, const struct forecast_server *server, enum level present)
{
	enum session_grade grade = SESSION_ANONYMOUS;
	enum answer certified;

	if (!last_session(server, &grade)) {
		if (server->bare_ms == 0)
			return;
		for (enum level l = LEVEL_SECURE; l > LEVEL_MAY; l = measured_next(l))
			answers_note_server(answers, l, ANSWER_NO);
		return;
	}
	answers_note_server(answers, LEVEL_ENCRYPT, ANSWER_YES);
	if (grade == SESSION_VERIFIED) {
		answers_note_server(answers, verified_level(present), ANSWER_YES);
		return;
	}
	certified = verifies(grade, present, answers->dane.state);
	answers_note_server(answers, LEVEL_VERIFY, certified);
	answers_note_server(answers, LEVEL_SECURE, certified);
}

enum level
forecast_best(const struct forecast_server *server, enum level present)
{
	enum session_grade ignored;

	if (server->seen_ms[SESSION_VERIFIED] != 0)
		return verified_level(present);
	return last_session(server, &ignored) ? LEVEL_ENCRYPT : LEVEL_UNKNOWN;
}

enum level
forecast_guess(const struct forecast_server *server, enum level present)
{
	bool compared = present == LEVEL_VERIFY || present == LEVEL_SECURE;
	enum session_grade grade;

	if (!last_session(server, &grade))
		return server->bare_ms != 0 ? LEVEL_MAY : LEVEL_UNKNOWN;
	if (grade == SESSION_VERIFIED)
		return verified_level(present);
	return grade == SESSION_TRUSTED && !compared ? LEVEL_VERIFY : LEVEL_ENCRYPT;
}

/* --- at which levels mail flows ---------------------------------------------------- */

static enum answer
meets_dane(const struct forecast_settings *settings, const struct answers *answers)
{
	if (answers->dane.state == DANE_UNSURE)
		return ANSWER_UNSURE;
	if (answers->dane.state != DANE_USABLE || settings->can_dane == ANSWER_NO)
		return ANSWER_NO;
	if (answers->works[LEVEL_DANE_ONLY] == ANSWER_YES)
		return ANSWER_YES;
	/* Of a session that did not ask for DANE the key is not known. */
	return answers->works[LEVEL_ENCRYPT] == ANSWER_NO ? ANSWER_NO : ANSWER_UNSURE;
}

/* Of servers that were asked, as far as one told. */
static struct measured
measured_told(const struct forecast_settings *settings, const struct answers *answers,
    const struct measured *measured)
{
	struct measured m = *measured;

	for (size_t l = 0; l < LEVEL_COUNT && (!m.answered || m.ours); l++)
		m.meets[l] = ANSWER_UNSURE;
	if (answers->dane.state != DANE_USABLE || settings->can_dane == ANSWER_NO)
		m.meets[LEVEL_DANE_ONLY] = ANSWER_NO;
	return m;
}

/* By sessions of the log alone. */
static struct measured
measured_by(const struct forecast_settings *settings, const struct answers *answers)
{
	const enum answer *works = answers->works;
	struct measured m = {.asked = true, .auth = ANSWER_UNSURE};

	/* Where it was not asked for, what verifies need not be secure. */
	m.meets[LEVEL_SECURE] = works[LEVEL_SECURE] == ANSWER_UNSURE &&
	        works[LEVEL_VERIFY] == ANSWER_YES && settings->level != LEVEL_SECURE
	    ? ANSWER_NO
	    : works[LEVEL_SECURE];
	m.meets[LEVEL_VERIFY] =
	    works[LEVEL_SECURE] == ANSWER_YES ? ANSWER_YES : works[LEVEL_VERIFY];
	m.meets[LEVEL_ENCRYPT] =
	    m.meets[LEVEL_VERIFY] == ANSWER_YES || works[LEVEL_DANE_ONLY] == ANSWER_YES
	    ? ANSWER_YES
	    : works[LEVEL_ENCRYPT];
	if (m.meets[LEVEL_ENCRYPT] == ANSWER_NO)
		m.meets[LEVEL_VERIFY] = ANSWER_NO;
	/* Secure is probed of servers that verify alone. */
	if (m.meets[LEVEL_VERIFY] == ANSWER_NO)
		m.meets[LEVEL_SECURE] = ANSWER_NO;
	m.meets[LEVEL_DANE_ONLY] = meets_dane(settings, answers);
	m.meets[LEVEL_MAY] = answers->dane.state == DANE_UNUSABLE ||
	        answers->dane.state == DANE_INSECURE_MX
	    ? ANSWER_NO
	    : ANSWER_YES;
	m.meets[LEVEL_DANE] = m.meets[LEVEL_MAY];
	m.answered = m.meets[LEVEL_ENCRYPT] != ANSWER_UNSURE;
	m.promised = answers->dane.state == DANE_INSECURE_MX;
	return m;
}

/* Does mail flow at that level? `dane` asks for what the records say. */
static enum answer
flows(enum level level, const struct answers *answers, const struct measured *m)
{
	if (level <= LEVEL_MAY)
		return ANSWER_YES;
	if (level != LEVEL_DANE)
		return m->meets[level];
	switch (answers->dane.state) {
	case DANE_NONE:
		return ANSWER_YES;
	case DANE_USABLE:
		return m->meets[LEVEL_DANE_ONLY];
	case DANE_UNUSABLE:
		return m->meets[LEVEL_ENCRYPT];
	default: /* which of the hosts is met is a matter of luck */
		return m->meets[LEVEL_ENCRYPT] == ANSWER_NO ? ANSWER_NO : ANSWER_UNSURE;
	}
}

/* --- what the ladder makes of it --------------------------------------------------- */

static struct evidence
evidence_of(const struct forecast_settings *settings, const char *key,
    const struct answers *answers, const struct measured *measured, enum level best_seen)
{
	return (struct evidence){
	    .key = key,
	    .default_level = settings->level,
	    .entry = demand_of(LEVEL_NONE),
	    .lease_end_ms = LADDER_NOT_YET,
	    .deferral = true,
	    .has_rule = true,
	    .fallback = FALLBACK_NEXT,
	    .attempt_ms = NOW_MS,
	    .attempts = 1,
	    .first_attempt_ms = NOW_MS,
	    .last_attempt_ms = NOW_MS,
	    .plain = {1, NOW_MS, NOW_MS},
	    .asked = true,
	    .other_map = answers->other_map,
	    .dane = answers->dane,
	    .can_dane = settings->can_dane,
	    .credentials = answers->credentials,
	    .sts = answers->sts,
	    .sts_attributes = answers->sts_attributes,
	    .sts_allows_none = answers->sts_allows_none,
	    .queue = QUEUE_NONE,
	    .prober = ANSWER_UNSURE,
	    .measured = *measured,
	    .measured_gone = *measured,
	    .canary = CANARY_NONE,
	    .best_seen = best_seen,
	};
}

/* Mail that waits, or may, under that level. */
static void
find_entry(const struct forecast_settings *settings, const char *key,
    const struct answers *answers, const struct measured *m, enum level best_seen,
    struct forecast *out)
{
	struct ladder_policy policy = *settings->policy;
	struct evidence ev = evidence_of(settings, key, answers, m, best_seen);
	struct decision d;

	policy.may_after_attempts = 1; /* what is to come was not tried yet */
	d = ladder_decide(&policy, &ev, NOW_MS);
	out->why = d.wants != 0 ? WHY_NO_ANSWER : d.why;
	if (d.why == WHY_DANE_NOT_MET && m->meets[LEVEL_DANE_ONLY] != ANSWER_NO)
		out->why = WHY_NO_ANSWER; /* it was not seen to fail */
	if (d.wants != 0 || d.action != ACTION_SET)
		return;
	/* It keeps mail waiting as well. A policy has names of its own, and needs a
	 * certificate that verifies for one of them. */
	if (d.entry.level == LEVEL_DANE_ONLY && m->meets[LEVEL_DANE_ONLY] == ANSWER_NO)
		out->why = WHY_DANE_NOT_MET;
	else if (d.why == WHY_POLICY &&
	    (m->meets[LEVEL_VERIFY] == ANSWER_NO || answers->sts_allows_none))
		out->why = WHY_POLICY_NOT_MET;
	else
		out->entry = d.entry;
}

static enum answer
opposite(enum answer answer)
{
	return answer == ANSWER_YES ? ANSWER_NO
	    : answer == ANSWER_NO   ? ANSWER_YES
	                            : ANSWER_UNSURE;
}

static struct measured
measured_or_seen(const struct forecast_settings *settings, const struct answers *answers,
    const struct measured *measured)
{
	return measured != NULL ? measured_told(settings, answers, measured)
	                        : measured_by(settings, answers);
}

/* Is it a matter of what the records say, which no server was asked to keep? */
static bool
is_promised(const struct answers *answers, enum level level, enum answer flow)
{
	return flow == ANSWER_UNSURE && answers->dane.state == DANE_USABLE &&
	    asks_for_dane(level);
}

/* Is it no matter of the level? */
static bool
is_untold(const struct answers *answers, struct forecast *out)
{
	if (answers->other_map == ANSWER_UNSURE)
		out->why = WHY_OTHER_MAP_UNSURE;
	else if (answers->dane.state == DANE_UNSURE)
		out->why = WHY_DNS_UNSURE;
	else if (answers->dane.state == DANE_NO_MAIL)
		out->why = WHY_NO_MAIL;
	else
		return false;
	return true;
}

struct forecast
forecast_judge(const struct forecast_settings *settings, const char *key,
    const struct answers *answers, const struct measured *measured, enum level best_seen)
{
	struct forecast f = {
	    .waits = ANSWER_UNSURE, .entry = demand_of(LEVEL_NONE), .why = WHY_NONE};
	struct measured m = measured_or_seen(settings, answers, measured);
	enum answer flow;

	if (answers->other_map == ANSWER_YES) {
		f.waits = ANSWER_NO; /* the default level is none of its matter */
		f.why = WHY_OTHER_MAP;
		return f;
	}
	if (is_untold(answers, &f))
		return f;
	flow = flows(settings->level, answers, &m);
	f.waits = opposite(flow);
	f.promised = measured == NULL && is_promised(answers, settings->level, flow);
	if (flow != ANSWER_YES && !f.promised)
		find_entry(settings, key, answers, &m, best_seen, &f);
	else
		f.why =
		    answers->dane.state == DANE_USABLE && asks_for_dane(settings->level)
		    ? WHY_DANE
		    : WHY_NOT_NEEDED;
	return f;
}

/* A pin with names or the like of its own is met by whatever has these: what meets the
 * level with those of the default need not. */
static enum answer
flows_under(struct demand pin, const struct answers *answers, const struct measured *m,
    bool probed)
{
	enum answer flow = flows(pin.level, answers, m);
	bool needs_tls = level_promise(pin.level) > LEVEL_MAY;

	if (needs_tls && m->meets[LEVEL_ENCRYPT] == ANSWER_NO)
		return ANSWER_NO;
	if (!needs_tls || demand_attributes(pin)[0] == '\0')
		return flow;
	return flow == ANSWER_YES && !probed ? ANSWER_YES : ANSWER_UNSURE;
}

struct forecast
forecast_pinned(const struct forecast_settings *settings, const struct answers *answers,
    const struct measured *measured, struct demand pin)
{
	struct forecast_settings s = *settings;
	struct forecast f = {.waits = ANSWER_UNSURE, .entry = pin}, untold = f;
	struct measured m;
	enum answer flow;

	if (pin.level != LEVEL_NONE)
		s.level = pin.level;
	else
		pin.level = settings->level;
	m = measured_or_seen(&s, answers, measured);
	flow = flows_under(pin, answers, &m, measured != NULL);
	/* Cleartext asks DNS for nothing but servers. */
	if (pin.level > LEVEL_MAY && is_untold(answers, &untold))
		flow = ANSWER_UNSURE;
	f.waits = opposite(flow);
	f.promised = measured == NULL && is_promised(answers, pin.level, flow);
	f.why = WHY_PINNED;
	return f;
}

bool
forecast_waits(const struct forecast *forecast, enum level level, enum dane_state dane,
    enum level guess)
{
	if (forecast->waits != ANSWER_UNSURE)
		return forecast->waits == ANSWER_YES;
	if (dane == DANE_NO_MAIL)
		return false; /* it is returned at once */
	if (forecast->promised)
		return false; /* it mostly is kept */
	if (asks_for_dane(level) && dane == DANE_UNSURE)
		return true;
	if (level == LEVEL_DANE && dane == DANE_INSECURE_MX)
		return guess < LEVEL_ENCRYPT;
	if (asks_for_dane(level))
		return guess != LEVEL_DANE_ONLY;
	/* What DANE verified says nothing of the certificate. */
	return guess < level || (guess == LEVEL_DANE_ONLY && level > LEVEL_ENCRYPT);
}

/* --- the span of a log ------------------------------------------------------------- */

/* Parts that have come near each other are one. */
static void
join(struct forecast_span *span, size_t at)
{
	struct forecast_part *part = &span->parts[at], *next = part + 1;

	if (at + 1 >= span->count || next->first_ms - part->last_ms > FORECAST_MONTH_MS)
		return;
	part->last_ms = next->last_ms;
	part->lines += next->lines;
	span->count--;
	memmove(next, next + 1, (span->count - at - 1) * sizeof(*next));
}

static bool
is_near(const struct forecast_part *part, int64_t at_ms)
{
	return at_ms >= part->first_ms - FORECAST_MONTH_MS &&
	    at_ms <= part->last_ms + FORECAST_MONTH_MS;
}

void
forecast_span_note(struct forecast_span *span, int64_t at_ms)
{
	struct forecast_part *part;
	size_t at = span->last;

	if (span->count == 0 || !is_near(&span->parts[at], at_ms))
		for (at = 0; at < span->count && !is_near(&span->parts[at], at_ms) &&
		     span->parts[at].first_ms < at_ms;
		     at++)
			;
	if (at == span->count || !is_near(&span->parts[at], at_ms)) {
		span->parts = mem_array(span->parts, span->count + 1, sizeof(*part));
		part = &span->parts[at];
		memmove(part + 1, part, (span->count++ - at) * sizeof(*part));
		*part = (struct forecast_part){at_ms, at_ms, 0};
	}
	part = &span->parts[at];
	part->lines++;
	if (at_ms > part->last_ms) {
		part->last_ms = at_ms;
		join(span, at);
	} else if (at_ms < part->first_ms) {
		part->first_ms = at_ms;
		if (at > 0)
			join(span, --at);
	}
	span->last = at < span->count ? at : 0;
}

void
forecast_span_clear(struct forecast_span *span)
{
	free(span->parts);
	*span = (struct forecast_span){0};
}

struct forecast_part
forecast_span_of(const struct forecast_span *span, struct forecast_part *left_out)
{
	const struct forecast_part *parts = span->parts;
	size_t from = 0, to = span->count;
	uint64_t lines = 0;

	*left_out = (struct forecast_part){0};
	for (size_t i = 0; i < to; i++)
		lines += parts[i].lines;
	while (to - from > 1) {
		bool early = parts[from].lines <= parts[to - 1].lines;
		const struct forecast_part *end = &parts[early ? from : to - 1];

		if (left_out->lines + end->lines > lines / 10)
			break;
		if (left_out->lines == 0 || end->first_ms < left_out->first_ms)
			left_out->first_ms = end->first_ms;
		if (left_out->lines == 0 || end->last_ms > left_out->last_ms)
			left_out->last_ms = end->last_ms;
		left_out->lines += end->lines;
		if (early)
			from++;
		else
			to--;
	}
	return to == 0 ? *left_out
	               : (struct forecast_part){parts[from].first_ms,
	                     parts[to - 1].last_ms, lines - left_out->lines};
}

uint64_t
forecast_a_month(uint64_t messages, int64_t span_ms)
{
	uint64_t span = span_ms > SPAN_DAY_MS ? (uint64_t)span_ms : SPAN_DAY_MS;
	double month = (double)messages * (double)FORECAST_MONTH_MS / (double)span;
	uint64_t rounded = (uint64_t)(month + 0.5);

	return messages > 0 && rounded == 0 ? 1 : rounded;
}
