/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may come of a day, from the promises alone: nothing is weaker than the servers
 * were at that moment, who did better is held, cleartext takes its time, DANE stays; mail
 * that can flow does not wait longer than a hold, and whoever waits is told of.
 */
#include "days.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/destination.h"
#include "enginekit.h"
#include "suite.h"

#define HOLD_MS      DAY
#define WITHDRAWN_MS (3 * DAY)
#define PAST_MS      (89 * DAY)              /* a day for doubt */
#define PROBE_MS     (5 * MIN + 40 * SECOND) /* a probe serves so long */
#define PLAIN_MS     (10 * MIN + 8000 * SECOND)
#define MAY_AFTER_MS (10 * MIN)
#define SLACK_MS     (9 * HOUR) /* back-offs, and retries that are 4 h apart */
#define UNTOLD_MS    (2 * HOUR)
#define FLOODED_MS   (35 * SECOND) /* a canary is asked once in 30 s at most */
#define JUDGED_MAX   500           /* a day: a freeze is looked at every five minutes */
#define TELLS_MAX    4             /* of one cause, while mail waits */
#define TELLS_TODAY  6             /* of all causes */

static void objects(struct day *day, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
objects(struct day *day, const char *format, ...)
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
static unsigned
hold_of(enum strength strength)
{
	return strength == S_SECURE ? S_VERIFY : strength;
}

static enum strength
past_of(const struct day *day, int64_t now_ms)
{
	for (enum strength s = S_COUNT; s-- > S_CLEAR;)
		if (day->oracle.past_ms[s] != 0 &&
		    now_ms - day->oracle.past_ms[s] < PAST_MS)
			return s;
	return S_NONE;
}

/* Mail waits for TLS now. */
static bool
is_waiting(const struct day *day)
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
	return day_in_force(day, view) == S_DANE && past_of(day, now_ms) == S_DANE
	    ? WITHDRAWN_MS
	    : HOLD_MS;
}

static void
note_due_level(struct oracle *o, enum strength due, int64_t length_ms, int64_t now_ms)
{
	unsigned i = hold_of(due);

	/* One that nobody confirmed within a day of its end begins anew. */
	if (o->hold_ms[i] == 0 ||
	    (now_ms > o->hold_ms[i] + length_ms + DAY &&
	        o->due_ms[i] < o->hold_ms[i] + length_ms))
		o->hold_ms[i] = now_ms;
	o->due_ms[i] = now_ms;
}

/* A step is due, to what the servers do now; where nobody can ask them, by one rung, of
 * which the reason is not told here. */
static void
note_due(struct day *day, int64_t now_ms)
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
forget_failures(struct oracle *o)
{
	memset(o->hold_ms, 0, sizeof(o->hold_ms));
	memset(o->tells, 0, sizeof(o->tells));
	if (o->failed_ms != 0) { /* others that waited are sent after this one */
		o->told_before = o->told;
		o->flowed_ms = world.mono_ms;
	}
	o->told = 0;
	o->failed_ms = 0;
	o->plain = 0;
}

/* --- mail that waited ----------------------------------------------------------------
 */

/* What froze ends only with what verifies after it. */
static bool
canaries_failed(const struct day *day, int64_t now_ms)
{
	return day_has(day, ACT_CANARIES) && now_ms >= batch.shared.from_ms &&
	    now_ms < batch.shared.to_ms + HOUR;
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
	int64_t most_ms = HOLD_MS + SLACK_MS;

	/* What nobody's patience helps: our own faults, DNS, DANE, a password. */
	if (ours.ours || postfix.ours || view_is_unsure(&ours) ||
	    view_is_unsure(&postfix) || view_promises(&ours) || view_promises(&postfix) ||
	    day->login != ANSWER_NO || canaries_failed(day, now_ms) || !batch.prober)
		return INT64_MAX;
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
	if (past_of(day, now_ms) == S_DANE)
		most_ms += WITHDRAWN_MS;
	else if (past_of(day, now_ms) <= S_CLEAR && day->oracle.trial_ms == 0 &&
	    view_answers(&postfix) && most_ms == HOLD_MS + SLACK_MS)
		most_ms = SLACK_MS;
	return most_ms;
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
		objects(day, "mail was %s after %.1f h, which is more than %.1f h", how,
		    (double)(now_ms - from_ms) / (double)HOUR,
		    (double)most_ms / (double)HOUR);
	if (mail->tls && now_ms - from_ms > UNTOLD_MS && day->oracle.told == 0 &&
	    (mail->arrival_ms > day->oracle.flowed_ms || day->oracle.told_before == 0))
		objects(day, "mail was %s after %.1f h, and nobody was told", how,
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
	forget_failures(o);
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
	note_due(day, now_ms);
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
	forget_failures(&day->oracle);
	/* Nothing flowed: whoever was alerted of it knows. */
	day->oracle.told = told;
}

/* "An attempt counts towards `may_after` if it, or the probe made for it, met no TLS"
 * (7.6): a line that repeats the words of an attempt whose message waits is one more,
 * but the probe for it is made then. */
static void
note_probe_of(struct day *day, int64_t now_ms)
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

/* --- a step down ---------------------------------------------------------------------
 */

/* Was it so all the time that a probe serves? */
static bool
was_met(const struct day *day, enum strength strength, int64_t now_ms)
{
	for (int64_t ago_ms = 0; ago_ms <= PROBE_MS; ago_ms += 20 * SECOND) {
		struct outlook view = day_view(day, VIEW_OURS, now_ms - ago_ms);

		if (!view_meets(&view, strength))
			return false;
	}
	return true;
}

static bool
was_unsure(const struct day *day, int64_t now_ms)
{
	for (int64_t ago_ms = 0; ago_ms <= PROBE_MS; ago_ms += 20 * SECOND) {
		struct outlook view = day_view(day, VIEW_OURS, now_ms - ago_ms);

		if (!view_is_unsure(&view))
			return false;
	}
	return true;
}

/* Usable TLSA, in truth: now, or until not long ago. */
static bool
had_usable(const struct day *day, int64_t now_ms, int64_t long_ms)
{
	for (int64_t ago_ms = 0; ago_ms <= long_ms; ago_ms += 30 * MIN) {
		struct outlook view = day_view(day, VIEW_TRUTH, now_ms - ago_ms);

		if (view_has_usable(&view))
			return true;
	}
	return false;
}

static void
check_dane(struct day *day, enum level before, enum level after, int64_t now_ms)
{
	struct outlook truth = day_view(day, VIEW_TRUTH, now_ms);
	struct outlook postfix = day_view(day, VIEW_POSTFIX, now_ms);

	if (view_has_usable(&truth) && after != LEVEL_NONE && after != LEVEL_DANE_ONLY)
		objects(day, "usable TLSA, and %s", level_name(after));
	else if (before == LEVEL_DANE_ONLY && had_usable(day, now_ms, 3 * DAY - HOUR) &&
	    view_has_usable(&truth) == view_has_usable(&postfix))
		objects(day, "dane-only is gone, and TLSA were there within three days");
	else if (view_promises(&truth) && level_strength(after, &truth) == S_CLEAR &&
	    after != LEVEL_NONE)
		objects(day, "TLSA promise TLS, and %s", level_name(after));
}

static void
check_hold(struct day *day, enum strength after, int64_t now_ms)
{
	const struct oracle *o = &day->oracle;
	enum strength past = past_of(day, now_ms);
	int64_t hold_ms = o->hold_ms[hold_of(after)];

	if (past <= after)
		return;
	/* A trial that failed. */
	if (o->trial != S_NONE && after >= o->trial && o->seen_since <= after &&
	    now_ms - o->trial_ms < 90 * DAY)
		return;
	if (hold_ms == 0 || now_ms < hold_ms + HOLD_MS - MIN)
		objects(day, "%s after %.1f h, and it did %s in 90 days",
		    strength_name(after),
		    hold_ms == 0 ? 0.0 : (double)(now_ms - hold_ms) / (double)HOUR,
		    strength_name(past));
	else if (o->failed_ms < hold_ms + HOLD_MS - MIN)
		objects(day, "%s, and no attempt failed at the end of the hold",
		    strength_name(after));
}

static void
check_cleartext(struct day *day, int64_t now_ms)
{
	const struct oracle *o = &day->oracle;

	if (o->plain == 0)
		objects(day, "cleartext, and no attempt met a server without TLS");
	/* "No posttls-finger: the reason decides" (7.1), and a line may repeat it of a
	 * message that waits. */
	else if (!batch.prober && day_has(day, ACT_LINES))
		return;
	else if (o->plain < 2)
		objects(day, "cleartext after one attempt");
	else if (now_ms - o->plain_first_ms < MAY_AFTER_MS - SECOND)
		objects(day, "cleartext after %.1f min",
		    (double)(now_ms - o->plain_first_ms) / (double)MIN);
}

/* A password is sent at the default or better. */
static void
check_login(struct day *day, enum level level, const struct outlook *view)
{
	bool logs_in =
	    day->login == ANSWER_YES || (day->login == ANSWER_UNSURE && day->offers_auth);

	if (logs_in && level != LEVEL_NONE &&
	    level_strength(level, view) < level_strength(batch.default_level, view))
		objects(day, "a password at %s", level_name(level));
}

static void
check_weaker(struct day *day, enum strength before, enum strength after, int64_t now_ms)
{
	if (!is_waiting(day)) {
		objects(day, "%s, and no mail waits for it", strength_name(after));
		return;
	}
	if (was_unsure(day, now_ms))
		objects(day, "%s, and DNS could not tell", strength_name(after));
	for (enum strength s = before; batch.prober && s > after; s--)
		if (was_met(day, s, now_ms))
			objects(day, "%s, and a server meets %s", strength_name(after),
			    strength_name(s));
	if (before >= S_VERIFY && after < S_VERIFY && batch.prober &&
	    level_is_authenticated(batch.default_level) && shared_canaries_fail(now_ms))
		objects(day, "%s, and the canaries fail", strength_name(after));
	/* "No posttls-finger: the reason decides" (7.1): then lines alone prove that our
	 * clock is right, and by one that says that a server verified, a year ahead, the
	 * past is a year old. */
	if (batch.prober || batch.shared.kind != ACT_CLOCK || !batch.thawed)
		check_hold(day, after, now_ms);
	if (after == S_CLEAR)
		check_cleartext(day, now_ms);
}

/* The strongest that the servers do in truth, up to the default. */
static enum strength
best_of(const struct day *day, const struct outlook *truth)
{
	enum strength top = level_strength(batch.default_level, truth);

	(void)day;
	return view_meets(truth, top) ? top : view_strongest(truth, top);
}

/* --- decisions -----------------------------------------------------------------------
 */

static struct day *
day_of(const char *key)
{
	unsigned index = (unsigned)strtoul(key + 1, NULL, 10);

	return key[0] == 'd' && index < batch.count &&
	        strcmp(batch.days[index].key, key) == 0
	    ? &batch.days[index]
	    : NULL;
}

static void
count_judgement(struct day *day, int64_t now_ms)
{
	struct oracle *o = &day->oracle;

	if (o->judged_day != now_ms / DAY)
		o->judged = 0;
	o->judged_day = now_ms / DAY;
	if (++o->judged == JUDGED_MAX)
		objects(day, "it is judged without end");
}

static void
count_alert(struct day *day, enum why why, int64_t now_ms)
{
	struct oracle *o = &day->oracle;

	day->alerts++;
	o->told++;
	if (o->told_day != now_ms / DAY)
		o->told_today = 0;
	o->told_day = now_ms / DAY;
	if (++o->told_today > TELLS_TODAY && !day_is_attacked(day, now_ms - DAY, now_ms))
		objects(day, "%u alerts in a day", o->told_today);
	/* Each wait, not each day of an attack that makes one wait many. */
	if (day_is_attacked(day, now_ms - 5 * DAY, now_ms))
		o->tells[why] = 0;
	if (++o->tells[why] > o->most_tells)
		o->most_tells = o->tells[why];
	if (o->tells[why] > TELLS_MAX)
		objects(day, "%s is alerted %u times", why_slug(why), o->tells[why]);
}

static void
take_entry(struct day *day, enum level level, int64_t now_ms)
{
	struct oracle *o = &day->oracle;
	struct outlook view = day_view(day, VIEW_OURS, now_ms);
	struct outlook truth = day_view(day, VIEW_TRUTH, now_ms);
	enum level old = day->entry;
	enum strength before = day_in_force(day, &view), after;
	bool objected = day->verdict[0] != '\0';

	day->entry = level;
	after = day_in_force(day, &view);
	if (level != LEVEL_NONE && level_promise(level) < batch.lowest)
		objects(day, "%s is below ladder.lowest", level_name(level));
	check_dane(day, old, level, now_ms);
	check_login(day, level, &view);
	if (after < before && before != S_DANE)
		check_weaker(day, before, after, now_ms);
	else if (after < before && old != LEVEL_DANE_ONLY) /* the default */
		check_weaker(day, before, after, now_ms);
	if (after > before) {
		o->trial = before;
		o->trial_ms = now_ms;
		o->seen_since = S_NONE;
	}
	o->better_due_ms = 0;
	day->entry_ms = now_ms;
	if (day->flooded_ms != 0 && day->decided_ms == 0)
		day->decided_ms = now_ms;
	if (!objected && day->verdict[0] != '\0')
		day->weaker++;
	else if (after < before && after < best_of(day, &truth) && day->permitted_ms == 0)
		day->permitted_ms = now_ms;
	if (after < day->weakest && after < best_of(day, &truth)) {
		day->weakest = after;
		day->weakest_ms = now_ms;
	}
}

void
oracle_judged(void *context, const struct destination *d, const struct judged *judged)
{
	struct day *day = day_of(d->key);
	int64_t now_ms = world.mono_ms;

	(void)context;
	if (day == NULL)
		return;
	day_tell(day, "%s%s%s %s%s", judged->changed ? "DECIDED: " : "judged: ",
	    action_name(judged->decision.action), judged->map_changed ? "," : "",
	    judged->map_changed ? level_name(d->entry.level) : "",
	    why_slug(judged->decision.why));
	if (judged->tell)
		day_tell(day, "the administrator is alerted");
	count_judgement(day, now_ms);
	if (judged->tell)
		count_alert(day, judged->decision.why, now_ms);
	if (is_waiting(day)) {
		note_due(day, now_ms);
		note_probe_of(day, now_ms);
	}
	day->lease_end_ms = d->entry.lease_end_ms - world.wall_ms + now_ms;
	if (judged->map_changed)
		take_entry(day, d->entry.level, now_ms);
}

void
oracle_looks(struct day *day)
{
	int64_t now_ms = world.mono_ms, due_ms = day->oracle.better_due_ms;
	struct outlook view = day_view(day, VIEW_TRUTH, now_ms);
	struct outlook ours = day_view(day, VIEW_OURS, now_ms);
	/* A server that DNS did not name within a day may be anybody's. */
	int64_t known_ms =
	    day_has(day, ACT_PROVIDER) || day_has(day, ACT_MX) ? 26 * HOUR : HOUR;

	if (due_ms == 0 || now_ms < due_ms)
		return;
	day->oracle.better_due_ms = -1; /* once for an entry */
	if (due_ms < 0 || day_changed_ms(day, now_ms) > due_ms - known_ms ||
	    day_is_attacked(day, due_ms - HOUR, now_ms) || view_is_unsure(&ours) ||
	    ours.ours)
		return;
	if (day_in_force(day, &view) < best_of(day, &view))
		objects(day, "a session was better than %s, and it stays",
		    level_name(day->entry));
}

void
oracle_flooded(struct day *day)
{
	if (day->flooded_ms == 0)
		return;
	if (day->decided_ms == 0)
		objects(day, "it is not decided amid a flood of names");
	else if (day->decided_ms - day->flooded_ms > FLOODED_MS)
		objects(day,
		    "it is decided %.1f s after it failed, amid a flood of names",
		    (double)(day->decided_ms - day->flooded_ms) / (double)SECOND);
}

void
oracle_end(struct day *day)
{
	int64_t now_ms = world.mono_ms, changed_ms = day_changed_ms(day, now_ms);
	struct outlook view = day_view(day, VIEW_TRUTH, now_ms);
	struct outlook ours = day_view(day, VIEW_OURS, now_ms);
	enum strength best = best_of(day, &view);
	int64_t due_ms = day->lease_end_ms > changed_ms ? day->lease_end_ms : changed_ms;

	if (day->entry == LEVEL_NONE || !batch.prober || view_is_unsure(&ours) ||
	    ours.ours || day_is_attacked(day, now_ms - DAY, now_ms))
		return;
	if (day_in_force(day, &view) < best && due_ms + DAY + 3 * HOUR < now_ms)
		objects(day, "%s is still there, the servers meet %s",
		    level_name(day->entry), strength_name(best));
}
