/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may come of entries, from the promises alone: nothing is weaker than the servers
 * were at that moment, who did better is held, cleartext takes its time, DANE stays, and
 * whoever waits is told of.
 */
#include "days_oracle.h"

#include <stdlib.h>
#include <string.h>

#include "core/destination.h"
#include "enginekit.h"
#include "suite.h"

#define PROBE_MS            (5 * MIN + 40 * SECOND) /* a probe serves so long */
#define MAY_AFTER_MS        (10 * MIN)
#define FLOODED_MS          (35 * SECOND) /* a canary is asked once in 30 s at most */
#define JUDGED_MAX          60            /* a day: hourly, and a few times at first */
#define JUDGED_ATTACKED_MAX 120 /* servers that are up now and then begin anew */
#define FROZEN_MAX          300 /* a day: a freeze is looked at every five minutes */

/* --- a step down ------------------------------------------------------------------- */

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
		oracle_objects(day, "usable TLSA, and %s", level_name(after));
	else if (before == LEVEL_DANE_ONLY && had_usable(day, now_ms, 3 * DAY - HOUR) &&
	    view_has_usable(&truth) == view_has_usable(&postfix))
		oracle_objects(
		    day, "dane-only is gone, and TLSA were there within three days");
	else if (view_promises(&truth) && level_strength(after, &truth) == S_CLEAR &&
	    after != LEVEL_NONE)
		oracle_objects(day, "TLSA promise TLS, and %s", level_name(after));
}

static void
check_hold(struct day *day, enum strength after, int64_t now_ms)
{
	const struct oracle *o = &day->oracle;
	enum strength past = oracle_past_of(day, now_ms);
	int64_t hold_ms = o->hold_ms[oracle_hold_of(after)];

	if (past <= after)
		return;
	/* A trial that failed. */
	if (o->trial != S_NONE && after >= o->trial && o->seen_since <= after &&
	    now_ms - o->trial_ms < 90 * DAY)
		return;
	if (hold_ms == 0 || now_ms < hold_ms + HOLD_MS - MIN)
		oracle_objects(day, "%s after %.1f h, and it did %s in 90 days",
		    strength_name(after),
		    hold_ms == 0 ? 0.0 : (double)(now_ms - hold_ms) / (double)HOUR,
		    strength_name(past));
	else if (o->failed_ms < hold_ms + HOLD_MS - MIN)
		oracle_objects(day, "%s, and no attempt failed at the end of the hold",
		    strength_name(after));
}

static void
check_cleartext(struct day *day, int64_t now_ms)
{
	const struct oracle *o = &day->oracle;

	if (o->plain == 0)
		oracle_objects(day, "cleartext, and no attempt met a server without TLS");
	/* "No posttls-finger: the reason decides" (7.1), and a line may repeat it of a
	 * message that waits. */
	else if (!batch.prober && day_has(day, ACT_LINES))
		return;
	else if (o->plain < 2)
		oracle_objects(day, "cleartext after one attempt");
	else if (now_ms - o->plain_first_ms < MAY_AFTER_MS - SECOND)
		oracle_objects(day, "cleartext after %.1f min",
		    (double)(now_ms - o->plain_first_ms) / (double)MIN);
}

/* A password is sent at the default or better. */
static void
check_login(struct day *day, enum level level, const struct outlook *view)
{
	if (oracle_logs_in(day) && level != LEVEL_NONE &&
	    level_strength(level, view) < level_strength(batch.default_level, view))
		oracle_objects(day, "a password at %s", level_name(level));
}

static void
check_weaker(struct day *day, enum strength before, enum strength after, int64_t now_ms)
{
	if (!oracle_is_waiting(day)) {
		oracle_objects(day, "%s, and no mail waits for it", strength_name(after));
		return;
	}
	if (was_unsure(day, now_ms))
		oracle_objects(day, "%s, and DNS could not tell", strength_name(after));
	for (enum strength s = before; batch.prober && s > after; s--)
		if (was_met(day, s, now_ms))
			oracle_objects(day, "%s, and a server meets %s",
			    strength_name(after), strength_name(s));
	if (before >= S_VERIFY && after < S_VERIFY && batch.prober &&
	    level_is_authenticated(batch.default_level) && shared_canaries_fail(now_ms))
		oracle_objects(day, "%s, and the canaries fail", strength_name(after));
	/* "No posttls-finger: the reason decides" (7.1): then lines alone prove that our
	 * clock is right, and by one that says that a server verified, a year ahead, the
	 * past is a year old. */
	if (batch.prober || shared_act(ACT_CLOCK) == NULL || !batch.thawed)
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

/* --- decisions --------------------------------------------------------------------- */

struct day *
day_of_key(const char *key)
{
	unsigned index = (unsigned)strtoul(key + 1, NULL, 10);

	return key[0] == 'd' && index < batch.count &&
	        strcmp(batch.days[index].key, key) == 0
	    ? &batch.days[index]
	    : NULL;
}

/* When the clock is set what waits for a time is looked at, and where it makes signatures
 * expire DNS is asked as when it fails: after 30 s, one minute, two ... (7.3, 6). */
static unsigned
most_by_clock(const struct day *day)
{
	const struct act *act = shared_act(ACT_CLOCK);
	unsigned looks = 2; /* it is ahead, and right again */

	if (act == NULL || act->period_ms == 0)
		return 0;
	if (day->is_signed)
		for (int64_t at_ms = 30 * SECOND; at_ms < act->on_ms;
		     at_ms += at_ms + 30 * SECOND)
			looks++;
	return looks * (unsigned)(DAY / act->period_ms + 1);
}

static void
count_judgement(struct day *day, const struct judged *judged, int64_t now_ms)
{
	struct oracle *o = &day->oracle;
	unsigned most = day_is_attacked(day, now_ms - 2 * DAY, now_ms)
	    ? JUDGED_ATTACKED_MAX + most_by_clock(day)
	    : JUDGED_MAX;

	if (o->judged_day != now_ms / DAY)
		o->judged = o->judged_frozen = 0;
	o->judged_day = now_ms / DAY;
	if (judged->decision.why == WHY_FREEZE)
		o->judged_frozen++;
	else if (++o->judged > o->most_judged)
		o->most_judged = o->judged;
	if (o->judged > most || o->judged_frozen > FROZEN_MAX)
		oracle_objects(day, "it is judged without end");
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
	oracle_forget_told(day); /* whatever waits on does so for something else */
	after = day_in_force(day, &view);
	if (level != LEVEL_NONE && level_promise(level) < batch.lowest)
		oracle_objects(day, "%s is below ladder.lowest", level_name(level));
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
	struct day *day = day_of_key(d->key);
	int64_t now_ms = world.mono_ms;

	(void)context;
	if (day == NULL)
		return;
	day_tell(day, "%s%s%s %s%s", judged->changed ? "DECIDED: " : "judged: ",
	    action_name(judged->decision.action), judged->map_changed ? "," : "",
	    judged->map_changed ? level_name(d->entry.level) : "",
	    why_slug(judged->decision.why));
	count_judgement(day, judged, now_ms);
	if (oracle_is_waiting(day)) {
		oracle_note_due(day, now_ms);
		oracle_note_probe(day, now_ms);
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
	/* A server that DNS did not name within a day may be anybody's; and what a probe
	 * did not confirm, as a relay's session, is asked for again in a day. */
	bool others = day_has(day, ACT_PROVIDER) || day_has(day, ACT_MX) ||
	    day_has(day, ACT_RELAYED) || day_has(day, ACT_FALLBACK);
	int64_t known_ms = others ? 26 * HOUR : HOUR;

	if (due_ms == 0 || now_ms < due_ms)
		return;
	day->oracle.better_due_ms = -1; /* once for an entry */
	if (due_ms < 0 || day_changed_ms(day, now_ms) > due_ms - known_ms ||
	    day_is_attacked(day, due_ms - HOUR, now_ms) || view_is_unsure(&ours) ||
	    ours.ours)
		return;
	if (day_in_force(day, &view) < best_of(day, &view))
		oracle_objects(day, "a session was better than %s, and it stays",
		    level_name(day->entry));
}

void
oracle_flooded(struct day *day)
{
	if (day->flooded_ms == 0 ||
	    shared_disturbs(day->flooded_ms - HOUR, world.mono_ms))
		return;
	if (day->decided_ms == 0)
		oracle_objects(day, "it is not decided amid a flood of names");
	else if (day->decided_ms - day->flooded_ms > FLOODED_MS)
		oracle_objects(day,
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
		oracle_objects(day, "%s is still there, the servers meet %s",
		    level_name(day->entry), strength_name(best));
}
