/* SPDX-License-Identifier: BSD-2-Clause */
/* What may come of mail, from the promises alone: what can flow does not wait longer than
 * a hold. */
#include "days_oracle.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/destination.h"
#include "enginekit.h"
#include "suite.h"

#define WITHDRAWN_MS (3 * DAY)
#define PAST_MS      (89 * DAY) /* a day for doubt */
#define PLAIN_MS     (10 * MIN + 8000 * SECOND)
#define SLACK_MS     (9 * HOUR) /* back-offs, and retries that are 4 h apart */
#define UNTOLD_MS    (2 * HOUR)

void
oracle_objects(struct day *day, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	day_tell(day, "*** %s", text);
	if (day->verdict[0] == '\0')
		snprintf(day->verdict, sizeof(day->verdict), "%s", text);
}

/* verify and secure have one hold. */
unsigned
oracle_hold_of(enum strength strength)
{
	return strength == S_SECURE ? S_VERIFY : strength;
}

enum strength
oracle_past_of(const struct day *day, int64_t now_ms)
{
	for (enum strength s = S_COUNT; s-- > S_CLEAR;)
		if (day->oracle.past_ms[s] != 0 &&
		    now_ms - day->oracle.past_ms[s] < PAST_MS)
			return s;
	return S_NONE;
}

/* Would a password be sent with its mail? */
bool
oracle_logs_in(const struct day *day)
{
	return day->login == ANSWER_YES ||
	    (day->login == ANSWER_UNSURE && day->offers_auth);
}

/* Mail waits for TLS now. */
bool
oracle_is_waiting(const struct day *day)
{
	for (unsigned i = 0; i < day->queued; i++)
		if (day->queue[i].tls)
			return true;
	return false;
}

/* DANE is gone only after three days, whoever asks for it. */
static int64_t
hold_length(const struct day *day, const struct outlook *view, int64_t now_ms)
{
	return day_in_force(day, view) == S_DANE && oracle_past_of(day, now_ms) == S_DANE
	    ? WITHDRAWN_MS
	    : HOLD_MS;
}

static void
note_due_level(struct oracle *o, enum strength due, int64_t length_ms, int64_t now_ms)
{
	unsigned i = oracle_hold_of(due);

	/* One that nobody confirmed within a day of its end begins anew. */
	if (o->hold_ms[i] == 0 ||
	    (now_ms > o->hold_ms[i] + length_ms + DAY &&
	        o->due_ms[i] < o->hold_ms[i] + length_ms))
		o->hold_ms[i] = now_ms;
	o->due_ms[i] = now_ms;
}

/* A step is due, to what the servers do now; where nobody can ask them, by one rung, of
 * which the reason is not told here. */
void
oracle_note_due(struct day *day, int64_t now_ms)
{
	struct outlook view = day_view(day, VIEW_OURS, now_ms);
	enum strength in_force = day_in_force(day, &view);
	int64_t length_ms = hold_length(day, &view, now_ms);

	if (batch.prober && view_answers(&view))
		note_due_level(
		    &day->oracle, view_strongest(&view, in_force), length_ms, now_ms);
	else
		for (enum strength s = S_CLEAR; s < in_force; s++)
			note_due_level(&day->oracle, s, length_ms, now_ms);
}

static void
forget_failures(struct day *day)
{
	struct oracle *o = &day->oracle;

	memset(o->hold_ms, 0, sizeof(o->hold_ms));
	oracle_forget_told(day);
	if (o->failed_ms != 0) { /* others that waited are sent after this one */
		o->told_before = o->told;
		o->flowed_ms = world.mono_ms;
	}
	o->told = 0;
	o->failed_ms = 0;
	o->plain = 0;
}

/* --- mail that waited -------------------------------------------------------------- */

/* What froze ends only with what verifies after it. */
static bool
canaries_failed(const struct day *day, int64_t now_ms)
{
	const struct act *act = shared_act(ACT_CANARIES);

	(void)day;
	return act != NULL && now_ms >= act->from_ms && now_ms < act->to_ms + HOUR;
}

/* A line that says that a server did better holds, as long as a past counts (7.2),
 * whoever wrote it. */
static bool
has_forged_past(const struct day *day, int64_t now_ms)
{
	for (unsigned i = 0; i < day->act_count; i++)
		if (day->acts[i].kind == ACT_LINES && day->acts[i].from_ms < now_ms &&
		    day->acts[i].to_ms > now_ms - 90 * DAY)
			return true;
	return false;
}

/* So long it may wait as things are; INT64_MAX: as long as they are. */
static int64_t
patience(const struct day *day, int64_t now_ms)
{
	struct outlook ours = day_view(day, VIEW_OURS, now_ms);
	struct outlook postfix = day_view(day, VIEW_POSTFIX, now_ms);
	enum strength floor = batch.lowest == LEVEL_MAY ? S_CLEAR
	    : batch.lowest == LEVEL_ENCRYPT             ? S_ENCRYPT
	                                                : S_VERIFY;
	enum strength best = S_NONE;
	int64_t most_ms = HOLD_MS + SLACK_MS, least_ms = 0;

	/* What nobody's patience helps: our own faults, DNS, DANE, a password. */
	if (ours.ours || postfix.ours || view_is_unsure(&ours) ||
	    view_is_unsure(&postfix) || view_promises(&ours) || view_promises(&postfix) ||
	    oracle_logs_in(day) || canaries_failed(day, now_ms) || !batch.prober)
		return INT64_MAX;
	if (has_forged_past(day, now_ms))
		least_ms = most_ms;
	for (unsigned i = 0; i < postfix.count; i++) {
		if (postfix.hosts[i].down || postfix.hosts[i].lame)
			most_ms += HOLD_MS; /* it is waited for, first */
		/* Whether another level helps is up to one that takes mail. */
		if (postfix.hosts[i].tempfails)
			return INT64_MAX;
		if (host_meets(&postfix, i, S_ENCRYPT))
			best = S_ENCRYPT;
		else if (host_meets(&postfix, i, S_CLEAR) && best == S_NONE)
			best = S_CLEAR;
		if (host_meets(&postfix, i, S_VERIFY))
			best = S_VERIFY;
	}
	if (best == S_NONE || best < floor)
		return INT64_MAX;
	/* An entry of ours goes first, then the default is held. */
	if (oracle_past_of(day, now_ms) == S_DANE)
		most_ms += WITHDRAWN_MS;
	else if (oracle_past_of(day, now_ms) <= S_CLEAR && day->oracle.trial_ms == 0 &&
	    view_answers(&postfix) && most_ms == HOLD_MS + SLACK_MS)
		most_ms = SLACK_MS;
	return most_ms > least_ms ? most_ms : least_ms;
}

static void
check_wait(struct day *day, const struct mail *mail, const char *how)
{
	int64_t now_ms = world.mono_ms;
	int64_t from_ms = day_changed_ms(day, now_ms), most_ms;

	if (from_ms < mail->arrival_ms)
		from_ms = mail->arrival_ms;
	day->waited_long =
	    day->waited_long || (mail->tls && now_ms - from_ms > UNTOLD_MS);
	if (day_is_attacked(day, mail->arrival_ms - 2 * DAY, now_ms))
		return;
	/* As it was before this moment. */
	most_ms = patience(day, now_ms - 1);
	if (most_ms != INT64_MAX && now_ms - from_ms > day->waited_ms)
		day->waited_ms = now_ms - from_ms;
	if (now_ms - from_ms > most_ms)
		oracle_objects(day, "mail was %s after %.1f h, which is more than %.1f h",
		    how, (double)(now_ms - from_ms) / (double)HOUR,
		    (double)most_ms / (double)HOUR);
	if (mail->tls && now_ms - from_ms > UNTOLD_MS && day->oracle.told == 0 &&
	    (mail->arrival_ms > day->oracle.flowed_ms || day->oracle.told_before == 0))
		oracle_objects(day, "mail was %s after %.1f h, and nobody was told", how,
		    (double)(now_ms - from_ms) / (double)HOUR);
}

/* Mail goes to servers that somebody made up. */
static bool
is_forged(const struct day *day, int64_t at_ms)
{
	for (unsigned i = 0; i < day->act_count; i++)
		if (day->acts[i].kind == ACT_MX && act_is_on(&day->acts[i], at_ms))
			return true;
	return false;
}

void
oracle_sent(struct day *day, const struct mail *mail, enum strength met)
{
	struct oracle *o = &day->oracle;
	int64_t now_ms = world.mono_ms;
	struct outlook view = day_view(day, VIEW_POSTFIX, now_ms);
	enum strength in_force = day_in_force(day, &view);
	struct oracle was = *o;

	check_wait(day, mail, "sent");
	forget_failures(day);
	/* "A sent line speaks for a key only if its server is one of the key's MX hosts"
	 * (7.2): what a forged answer names may be taken for another's, so that nothing
	 * is over. */
	if (is_forged(day, now_ms)) {
		memcpy(o->hold_ms, was.hold_ms, sizeof(o->hold_ms));
		o->told = was.told;
		o->plain = was.plain;
	}
	for (enum strength s = S_CLEAR; s <= met; s++)
		o->past_ms[s] = now_ms;
	if (met > o->seen_since)
		o->seen_since = met;
	/* One that proves more than the entry asks for. */
	if (o->better_due_ms == 0 && batch.prober && day->entry != LEVEL_NONE &&
	    in_force == S_CLEAR && met == S_ENCRYPT && now_ms > day->entry_ms + MIN)
		o->better_due_ms = now_ms + 15 * MIN;
}

static void
note_plain(struct oracle *o, int64_t at_ms)
{
	if (o->plain == 0 || at_ms - o->plain_last_ms > PLAIN_MS) {
		o->plain = 0;
		o->plain_first_ms = at_ms;
	}
	o->plain++;
	o->plain_last_ms = at_ms;
}

void
oracle_failed(struct day *day, const struct mail *mail, bool tls, bool plain)
{
	struct oracle *o = &day->oracle;
	int64_t now_ms = world.mono_ms;

	(void)mail;
	if (!tls)
		return;
	o->failed_ms = now_ms;
	oracle_note_due(day, now_ms);
	if (shared_is_flooding() && day->flooded_ms == 0)
		day->flooded_ms = now_ms;
	if (!plain)
		return;
	note_plain(o, now_ms);
}

void
oracle_bounced(struct day *day, const struct mail *mail)
{
	unsigned told = day->oracle.told;

	check_wait(day, mail, "bounced");
	if (day->queued > 0)
		return;
	forget_failures(day);
	/* Nothing flowed: whoever was alerted of it knows. */
	day->oracle.told = told;
}

void
oracle_relayed(struct day *day, const struct mail *mail)
{
	oracle_bounced(day, mail);
}

/* "An attempt counts towards `may_after` if it, or the probe made for it, met no TLS"
 * (7.6): a line that repeats the words of an attempt whose message waits is one more,
 * but the probe for it is made then. */
void
oracle_note_probe(struct day *day, int64_t now_ms)
{
	struct oracle *o = &day->oracle;
	struct outlook view = day_view(day, VIEW_OURS, now_ms);

	if (!batch.prober || !view_answers(&view) || view_meets(&view, S_ENCRYPT))
		return;
	if (o->failed_ms > o->plain_last_ms)
		note_plain(o, o->failed_ms);
	else if (day_has(day, ACT_LINES))
		note_plain(o, now_ms);
}
