/* SPDX-License-Identifier: BSD-2-Clause */
/* Deferrals that the log reported, and which of them is the destination's alarm. */
#include <string.h>

#include "base/span.h"
#include "core/destination_impl.h"
#include "core/fold.h"

#define DNS_OLD_MS (5 * SPAN_MINUTE_MS)

enum level
destination_level_met(const struct destination *d, enum level default_level)
{
	return d->entry.level != LEVEL_NONE ? d->entry.level : default_level;
}

enum cause
destination_cause(const struct destination *d, enum cause cause)
{
	return cause == CAUSE_NAME && d->entry.attributes != NULL &&
	        strstr(d->entry.attributes, "match=") != NULL
	    ? CAUSE_POLICY
	    : cause;
}

/* Of match=: "mx.d.test:.d.test". */
static bool
has_name(struct str names, struct str host)
{
	struct str name;

	while (str_next(&names, ':', &name)) {
		if (str_equal_nocase(name, host))
			return true;
		if (str_starts(name, STR(".")) && str_ends_nocase(host, name))
			return true;
	}
	return false;
}

/* The names that the level secure demands where its entry has none: the next-hop's. */
static bool
demands_own_name(const struct destination *d, enum level default_level, struct buf *names)
{
	struct nexthop nexthop;

	if (level_promise(destination_level_met(d, default_level)) != LEVEL_SECURE ||
	    !nexthop_parse(str_of(d->key), &nexthop))
		return false;
	buf_printf(names, "%s:.%s", nexthop.host, nexthop.host);
	return true;
}

bool
destination_blames(const struct destination *d, enum level default_level,
    enum cause cause, const char *host, bool untrusted)
{
	struct str rest = str_of(d->entry.attributes != NULL ? d->entry.attributes : "");
	struct str word;
	struct buf own = {0};
	bool demands = false, named = false;

	while (str_next(&rest, ' ', &word)) {
		if (!str_eat(&word, STR("match=")))
			continue;
		demands = true;
		named = named || has_name(word, str_of(host));
	}
	if (!demands && demands_own_name(d, default_level, &own)) {
		demands = true;
		named = has_name((struct str){own.data, own.len}, str_of(host));
	}
	buf_clear(&own);
	if (!demands || (cause == CAUSE_NONE && named))
		return true;
	return cause == CAUSE_NONE ? untrusted
	                           : cause != CAUSE_NAME && cause != CAUSE_POLICY;
}

bool
destination_keeps_alarm(
    const struct destination *d, const struct destination_spans *spans)
{
	return destination_spans_tell(spans) && d->alarm.raised && !d->alarm.lost &&
	    (d->entry.level == LEVEL_NONE || d->alarm.attempt_ms >= d->entry.force_ms);
}

void
destination_look_into(struct destination *d, int64_t at_ms, int64_t least_ms)
{
	int64_t age_ms = at_ms - d->alarm.first_attempt_ms, look_ms;

	if (age_ms > SPAN_HOUR_MS)
		age_ms = SPAN_HOUR_MS;
	if (age_ms < least_ms)
		age_ms = least_ms;
	look_ms = at_ms + age_ms;
	if (!d->pin.set && (d->look_ms == 0 || d->look_ms > look_ms))
		d->look_ms = look_ms;
}

/* What began before the present level was in force tells nothing of it. */
static void
note_attempts(struct destination *d, const struct fold_item *item)
{
	bool all = item->tried.first_ms >= d->entry.force_ms;
	int64_t first_ms = all ? item->tried.first_ms : item->tried.last_ms;

	if (item->tried.count == 0 || item->deferral->attempt_ms < d->entry.force_ms)
		return;
	if (d->alarm.attempts == 0 || first_ms < d->alarm.first_attempt_ms)
		d->alarm.first_attempt_ms = first_ms;
	d->alarm.attempts += all ? item->tried.count : 1;
	destination_later(&d->alarm.last_attempt_ms, item->tried.last_ms);
}

static void
note_plain(struct destination *d, const struct fold_attempts *f,
    const struct destination_spans *spans)
{
	struct plain_attempts more = {f->count, f->first_ms, f->last_ms};

	/* Else they are counted once a witness told of them: destination_take_measured().
	 */
	if (spans->measured || spans->listed || f->count == 0 ||
	    f->last_ms < d->entry.force_ms)
		return;
	if ((f->begun_ms != 0 ? f->begun_ms : f->first_ms) < d->entry.force_ms)
		more = (struct plain_attempts){1, f->last_ms, f->last_ms};
	destination_add_plain(d, more, spans);
}

/*
 * A hold is for what goes on failing. Where attempts had ceased to, and a session met
 * what is in force meanwhile, it begins anew; between two that fail a session line tells
 * nothing that lasts, and anybody may have written it. Where the servers can be asked
 * they tell.
 */
static void
note_ceased(struct destination *d, const struct fold_item *item, enum level default_level,
    const struct destination_spans *spans)
{
	int64_t last_ms = d->alarm.last_attempt_ms, first_ms = item->tried.first_ms;
	int64_t met_ms =
	    destination_met_ms(d, level_promise(destination_level_met(d, default_level)));

	if (!spans->measured && d->alarm.raised && last_ms != 0 &&
	    item->tried.count > 0 && first_ms - last_ms > spans->attempts_ms &&
	    met_ms > d->alarm.time_ms && met_ms < first_ms)
		destination_forget_hold(d);
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

/* How much an attempt tells of the destination. */
enum rank {
	OTHERS, /* nothing: at another level than the one in force, or another's server */
	ONCE,   /* at a server that was one of its own, and is not named any more */
	UNSURE, /* at none, or it cannot be told whose it is */
	OWN,
};

static enum rank
rank_of(const struct destination *d, enum level default_level, enum level attempt_level,
    const char *relay, int64_t at_ms)
{
	char name[NEXTHOP_HOST_SIZE];
	struct fold_host host = {.name = name, .flow_ms = at_ms};

	if (attempt_level != LEVEL_UNKNOWN &&
	    attempt_level != destination_level_met(d, default_level))
		return OTHERS;
	str_copy(str_of(relay), name, sizeof(name));
	if (name[0] == '\0')
		return UNSURE;
	if (destination_had_server(d, &host))
		return ONCE;
	switch (destination_has_server(d, &host)) {
	case ANSWER_YES:
		return OWN;
	case ANSWER_NO:
		return OTHERS;
	default:
		return UNSURE;
	}
}

/* At a server of which DNS may tell something else now? */
static bool
is_new_server(const struct destination *d, const struct fold_deferral *f)
{
	return f->time_ms - d->dns.time_ms > DNS_OLD_MS &&
	    !str_equal_nocase(str_of(f->relay), str_of(d->alarm.relay));
}

enum order {
	AGE_TELLS, /* the attempt that began last */
	STANDS,    /* the alarm that is there */
	OUTRANKED, /* ... does not, whenever the attempt began */
};

/*
 * Where the queue and the servers tell, the line that comes next does not take the place
 * of an alarm: not while that is being judged, or whoever writes lines all the time kept
 * it from being; nor that of mail that waits for what is said of mail that was bounced,
 * nor that of an attempt that tells more, as far as DNS told lately.
 */
static enum order
order_of(const struct destination *d, enum level default_level,
    const struct fold_deferral *f, bool waits, const struct destination_spans *spans)
{
	const struct destination_alarm *alarm = &d->alarm;
	enum rank known, next;

	if (!destination_keeps_alarm(d, spans) || alarm->suspended || f->suspended)
		return AGE_TELLS;
	if (f->lost)
		return STANDS;
	known = rank_of(d, default_level, alarm->attempt_level, alarm->relay, f->time_ms);
	next = rank_of(d, default_level, f->attempt_level, f->relay, f->time_ms);
	/* A reason that only lets mail wait says nothing of what the servers can do. */
	if (next > known || (next == known && waits && !f->waits))
		return OUTRANKED;
	return alarm->pending || (next < known && !is_new_server(d, f)) ? STANDS
	                                                                : AGE_TELLS;
}

/* That server may be one of its own since DNS was asked last. */
static void
look_into_line(struct destination *d, const struct fold_deferral *f)
{
	if (!str_equal_nocase(str_of(f->relay), str_of(d->alarm.relay)))
		d->dns.until_ms = 0;
	destination_look_into(d, f->time_ms, SPAN_MINUTE_MS);
}

static void
note_alarm(struct destination *d, enum level default_level, const struct fold_deferral *f,
    bool *waits, const struct destination_spans *spans)
{
	struct destination_alarm *alarm = &d->alarm;
	enum order order = order_of(d, default_level, f, *waits, spans);

	if (order != OUTRANKED && tells_less(alarm, f)) {
		/* Mail that waits since before the present level is to be retried all the
		 * same. */
		alarm->pending = alarm->pending || alarm->attempt_ms < d->entry.force_ms;
		return;
	}
	if (order == STANDS) {
		look_into_line(d, f);
		return;
	}
	*waits = f->waits;
	alarm->raised = true;
	alarm->pending = true;
	alarm->time_ms = f->time_ms;
	alarm->lost = f->lost;
	alarm->suspended = f->suspended;
	alarm->policy_refused = f->policy_refused;
	alarm->attempt_level = f->attempt_level;
	alarm->attempt_ms = f->attempt_ms;
	str_copy(str_of(f->rule_name), alarm->rule, sizeof(alarm->rule));
	str_copy(str_of(f->reason), alarm->reason, sizeof(alarm->reason));
	str_copy(str_of(f->dsn), alarm->dsn, sizeof(alarm->dsn));
	str_copy(str_of(f->service), alarm->service, sizeof(alarm->service));
	str_copy(str_of(f->relay), alarm->relay, sizeof(alarm->relay));
	alarm->cause = destination_cause(d, f->cause);
}

/* Where so many were reported at once that not all are kept, the last stands for those
 * that are not: of no server, at the level in force, so that the witnesses decide. */
static void
note_last(struct destination *d, const struct fold_item *item, enum level default_level,
    bool *waits, const struct destination_spans *spans)
{
	struct fold_deferral last = *item->deferral;

	if (item->others_cut) {
		last.relay[0] = '\0';
		last.attempt_level = LEVEL_UNKNOWN;
		last.lost = last.suspended = false;
	}
	note_alarm(d, default_level, &last, waits, spans);
}

bool
destination_is_under_policy(const struct destination *d)
{
	return d->entry.level == LEVEL_SECURE && d->entry.why == WHY_POLICY;
}

/* What another cause may have as well tells that no server is in the policy where there
 * is one in force, and nothing where there is none. */
void
destination_take_refused(struct destination *d, const struct fold_item *item,
    enum level default_level, const struct destination_spans *spans)
{
	const struct fold_deferral *f = item->refused;
	bool waits = d->alarm.raised;

	if (f == NULL || item->sent_ms > f->time_ms || !destination_is_under_policy(d))
		return;
	note_alarm(d, default_level, f, &waits, spans);
	if (f->suspended || f->attempt_ms < d->entry.force_ms)
		return;
	if (d->alarm.attempts++ == 0)
		d->alarm.first_attempt_ms = f->attempt_ms;
	destination_later(&d->alarm.last_attempt_ms, f->attempt_ms);
}

void
destination_take_deferral(struct destination *d, const struct fold_item *item,
    enum level default_level, bool waits, const struct destination_spans *spans)
{
	note_ceased(d, item, default_level, spans);
	note_attempts(d, item);
	note_plain(d, &item->plain, spans);
	/* Where encryption is all that is asked for, there was none. */
	if (level_promise(destination_level_met(d, default_level)) <= LEVEL_ENCRYPT)
		note_plain(d, &item->broken, spans);
	for (unsigned i = 0; i < item->other_count; i++)
		note_alarm(d, default_level, &item->others[i], &waits, spans);
	note_last(d, item, default_level, &waits, spans);
}
