/* SPDX-License-Identifier: BSD-2-Clause */
/* What the log reported of a destination. */
#include "core/destination_impl.h"
#include "core/fold.h"

/* The level that mail meets without a word of Postfix. */
static enum level
level_met(const struct destination *d, enum level default_level)
{
	return d->entry.level != LEVEL_NONE ? d->entry.level : default_level;
}

/* Which strength a verified session proves depends on what was demanded of it. */
static void
note_sessions(
    struct destination *d, const struct fold_item *item, enum level default_level)
{
	enum level level = level_met(d, default_level);
	int64_t verified_ms = item->seen_ms[SESSION_VERIFIED];
	/* The second of the export is the entry's, too: many a log has whole seconds. */
	bool in_force = verified_ms + 999 >= d->entry.force_ms;

	destination_seen(d, LEVEL_ENCRYPT, item->seen_ms[SESSION_ANONYMOUS]);
	destination_seen(d, LEVEL_ENCRYPT, item->seen_ms[SESSION_UNTRUSTED]);
	destination_seen(d, LEVEL_ENCRYPT, item->seen_ms[SESSION_TRUSTED]);
	destination_seen(
	    d, in_force && level > LEVEL_VERIFY ? level : LEVEL_VERIFY, verified_ms);
}

/*
 * Trouble that mail met is over when mail flows; the next time it is news again, and
 * alerted, also that of DNS, whose failures are counted anew. What a re-check of an entry
 * found is not over: it was found while mail flowed, and would be found and alerted again
 * by each re-check. To be called before the deferral is cleared.
 */
static void
note_trouble_over(struct destination *d)
{
	bool has_entry = d->entry.level != LEVEL_NONE;

	if (!d->alarm.raised && has_entry)
		return;
	d->why = why_once_sent(d->why, has_entry ? d->entry.why : WHY_NOT_NEEDED);
	d->dns.failures = 0;
}

/* Mail flowed: it met the level that it was sent at, and the trouble before is over. */
static void
note_sent(struct destination *d, const struct fold_item *item, enum level default_level)
{
	enum level level = level_met(d, default_level);

	/* Begun under what applied before, it proves nothing of the present level. */
	if (item->sent_attempt_ms < d->entry.force_ms || !item->sent_proves)
		level = LEVEL_UNKNOWN;
	destination_seen(d, item->sent_level != LEVEL_UNKNOWN ? item->sent_level : level,
	    item->sent_ms);
	destination_later(&d->past.sent_ms, item->sent_ms);
	note_trouble_over(d);
	d->alarm.raised = false;
	d->alarm.pending = false;
	destination_forget_attempts(d);
	destination_forget_hold(d);
	if (d->entry.level == LEVEL_NONE && !d->pin.set)
		d->look_ms = 0; /* nothing is left to re-check */
}

/* What began before the present level was in force tells nothing of it. */
static void
note_attempts(struct destination *d, const struct fold_item *item)
{
	bool all = item->first_attempt_ms >= d->entry.force_ms;
	int64_t first_ms = all ? item->first_attempt_ms : item->last_attempt_ms;

	if (item->attempts == 0 || item->deferral->attempt_ms < d->entry.force_ms)
		return;
	if (d->alarm.attempts == 0 || first_ms < d->alarm.first_attempt_ms)
		d->alarm.first_attempt_ms = first_ms;
	d->alarm.attempts += all ? item->attempts : 1;
	destination_later(&d->alarm.last_attempt_ms, item->last_attempt_ms);
}

/*
 * As in a fold: the attempt that began last tells most, unless the clock went back, and a
 * real one tells more than one that was suspended.
 */
static bool
tells_less(const struct destination_alarm *known, const struct fold_deferral *f)
{
	return known->raised && !known->suspended &&
	    (f->suspended ||
	        (fold_is_earlier(f->attempt_ms, f->time_ms, known->attempt_ms) &&
	            f->time_ms >= known->time_ms));
}

static void
note_deferral(struct destination *d, const struct fold_item *item, const char *rule)
{
	const struct fold_deferral *f = item->deferral;
	struct destination_alarm *alarm = &d->alarm;

	note_attempts(d, item);
	if (tells_less(alarm, f)) {
		/* Mail that waits since before the present level is to be retried all the
		 * same. */
		alarm->pending = alarm->pending || alarm->attempt_ms < d->entry.force_ms;
		return;
	}
	alarm->raised = true;
	alarm->pending = true;
	alarm->time_ms = f->time_ms;
	alarm->lost = f->lost;
	alarm->suspended = f->suspended;
	alarm->policy_refused = f->policy_refused;
	alarm->attempt_level = f->attempt_level;
	alarm->attempt_ms = f->attempt_ms;
	str_copy(str_of(rule), alarm->rule, sizeof(alarm->rule));
	str_copy(str_of(f->reason), alarm->reason, sizeof(alarm->reason));
	str_copy(str_of(f->dsn), alarm->dsn, sizeof(alarm->dsn));
	str_copy(str_of(f->service), alarm->service, sizeof(alarm->service));
	str_copy(str_of(f->relay), alarm->relay, sizeof(alarm->relay));
}

void
destination_take_news(struct destination *d, const struct fold_item *item,
    enum level default_level, const char *rule)
{
	if (item->transport[0] != '\0')
		str_copy(str_of(item->transport), d->transport, sizeof(d->transport));
	note_sessions(d, item, default_level);
	if (item->sent_ms != 0)
		note_sent(d, item, default_level);
	if (item->deferred)
		note_deferral(d, item, rule);
}
