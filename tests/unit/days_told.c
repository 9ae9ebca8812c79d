/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the administrator may be told, and how often: "Every state in which mail waits is
 * told once, with its cause, ... and once more 12 h before" it bounces (7.5), and again
 * where mail flowed and then fails again, which somebody can make up, but not without
 * end. Alerts are counted where they are made, behind all that keeps them back.
 */
#include "days_oracle.h"

#include <string.h>

#include "core/destination.h"
#include "engine/engine_impl.h"
#include "enginekit.h"
#include "suite.h"

#define SOON_MS     (12 * HOUR + 31 * MIN) /* what waits is looked at each half hour */
#define ENTRIES_MAX 4                      /* a day */

void __real_engine_alert_decision(struct engine *engine,
    const struct destination *destination, const struct judged *judged);
void __wrap_engine_alert_decision(struct engine *engine,
    const struct destination *destination, const struct judged *judged);
void __real_engine_alert_wait(
    struct engine *engine, const struct destination *destination, int64_t since_ms);
void __wrap_engine_alert_wait(
    struct engine *engine, const struct destination *destination, int64_t since_ms);

/* The moment is the last of its kind. True: that are more than so many in 24 hours. */
static bool
is_too_often(int64_t at_ms[TELLS_DAY + 1], int64_t now_ms)
{
	for (unsigned i = TELLS_DAY; i > 0; i--)
		at_ms[i] = at_ms[i - 1];
	at_ms[0] = now_ms;
	return at_ms[TELLS_DAY] != 0 && now_ms - at_ms[TELLS_DAY] < DAY;
}

static void
note_told(struct day *day, enum why why)
{
	day->alerts++;
	day->oracle.told++;
	day_tell(day, "the administrator is alerted: %s", why_slug(why));
}

/* No mail waits: what a re-check finds is told once as long as things are as they are, or
 * a day later where mail failed again since. */
static void
check_idle(struct day *day, enum why why, int64_t now_ms)
{
	int64_t before_ms = day->oracle.told_at_ms[why][1];
	bool failed_again =
	    day->oracle.flowed_ms > before_ms && now_ms - before_ms >= DAY;

	if (before_ms > day_changed_ms(day, now_ms) && !failed_again &&
	    !day_is_attacked(day, before_ms - DAY, now_ms))
		oracle_objects(
		    day, "%s is alerted again, and no mail waits", why_slug(why));
}

static void
count_told(struct day *day, enum why why, int64_t now_ms)
{
	struct oracle *o = &day->oracle;

	if (is_too_often(o->told_at_ms[why], now_ms))
		oracle_objects(day, "%s is alerted more than %d times in 24 h",
		    why_slug(why), TELLS_DAY);
	if (!oracle_is_waiting(day)) {
		check_idle(day, why, now_ms);
		return;
	}
	if (++o->tells[why] > o->most_tells)
		o->most_tells = o->tells[why];
	/* Each wait, not each day of an attack that makes one wait many. */
	if (o->tells[why] > 1 &&
	    !day_is_attacked(day, now_ms - LIFETIME_MS - 2 * DAY, now_ms))
		oracle_objects(
		    day, "%s is alerted %u times", why_slug(why), o->tells[why]);
}

/* Each change of the map that is alerted is one, whatever was before. */
static void
count_entry(struct day *day, int64_t now_ms)
{
	struct oracle *o = &day->oracle;

	if (o->entries_day != now_ms / DAY)
		o->entries = 0;
	o->entries_day = now_ms / DAY;
	if (++o->entries > o->most_entries)
		o->most_entries = o->entries;
	if (o->entries > ENTRIES_MAX)
		oracle_objects(day, "%u entries are alerted in a day", o->entries);
}

void
__wrap_engine_alert_decision(
    struct engine *engine, const struct destination *d, const struct judged *judged)
{
	struct day *day = day_of_key(d->key);

	__real_engine_alert_decision(engine, d, judged);
	if (day == NULL || day->end_ms == 0)
		return;
	note_told(day, judged->decision.why);
	if (judged->map_changed)
		count_entry(day, world.mono_ms);
	else
		count_told(day, judged->decision.why, world.mono_ms);
}

/* Of the messages that wait the first one soon bounces. */
static bool
is_soon(const struct day *day, int64_t now_ms)
{
	for (unsigned i = 0; i < day->queued; i++)
		if (day->queue[i].arrival_ms + LIFETIME_MS - now_ms <= SOON_MS)
			return true;
	return false;
}

void
__wrap_engine_alert_wait(
    struct engine *engine, const struct destination *d, int64_t since_ms)
{
	struct day *day = day_of_key(d->key);

	__real_engine_alert_wait(engine, d, since_ms);
	if (day == NULL || day->end_ms == 0)
		return;
	note_told(day, d->why);
	if (is_soon(day, world.mono_ms) && day->oracle.soon++ == 0)
		return;
	count_told(day, d->why, world.mono_ms);
}

void
oracle_forget_told(struct day *day)
{
	memset(day->oracle.tells, 0, sizeof(day->oracle.tells));
	day->oracle.soon = 0;
}
