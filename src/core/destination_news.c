/* SPDX-License-Identifier: BSD-2-Clause */
/* What the log reported of a destination. */
#include <string.h>

#include "base/span.h"
#include "core/destination_impl.h"
#include "core/fold.h"
#include "core/host.h"

#define DNS_OLD_MS (5 * SPAN_MINUTE_MS)

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
	destination_later(&d->past.trusted_ms, item->seen_ms[SESSION_TRUSTED]);
	destination_seen(
	    d, in_force && level > LEVEL_VERIFY ? level : LEVEL_VERIFY, verified_ms);
}

/*
 * Trouble that mail met is over when mail flows, also that of DNS, whose failures are
 * counted anew. What a re-check of an entry found is not over: it was found while mail
 * flowed, and would be found and alerted again by each re-check. To be called before the
 * deferral is cleared.
 */
static void
note_trouble_over(struct destination *d)
{
	if (d->alarm.raised || d->entry.level == LEVEL_NONE)
		destination_trouble_over(d);
}

/* Something has begun to wait for its time, which must not begin anew by a line. */
static bool
step_waits(const struct destination *d)
{
	return d->hold.verify_ms != 0 || d->hold.encrypt_ms != 0 || d->hold.may_ms != 0 ||
	    d->alarm.plain.count > 0 || d->alarm.silent_ms != 0 ||
	    d->alarm.contradictions > 0;
}

/*
 * Where the queue can be listed and the servers can be asked, nothing that a line says
 * ends an alarm of mail that waits, as anybody can write it: that its messages left tells
 * the queue, that the servers do better the servers. An alarm of before the entry in
 * force decides nothing any more.
 */
static bool
keeps_alarms(const struct destination *d, const struct destination_spans *spans)
{
	return destination_spans_tell(spans) && d->alarm.raised && !d->alarm.lost &&
	    (d->entry.level == LEVEL_NONE || d->alarm.attempt_ms >= d->entry.force_ms);
}

/* What a line says of an alarm that it does not move is looked into: soon at first, then
 * ever later, as there may be such lines each minute. */
static void
look_into(struct destination *d, int64_t at_ms, int64_t least_ms)
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

static void
look_into_flow(struct destination *d, int64_t at_ms)
{
	if (step_waits(d) || d->entry.level == LEVEL_NONE)
		look_into(d, at_ms, step_waits(d) ? SPAN_MINUTE_MS : SPAN_HOUR_MS);
}

/* Mail flowed: the trouble before is over, or so it seems. */
static void
note_flow(struct destination *d, int64_t at_ms, const struct destination_spans *spans)
{
	destination_later(&d->past.sent_ms, at_ms);
	if (keeps_alarms(d, spans)) {
		look_into_flow(d, at_ms);
		return;
	}
	note_trouble_over(d);
	destination_end_alarm(d);
	if (d->entry.level == LEVEL_NONE && !d->pin.set)
		d->look_ms = 0; /* nothing is left to re-check */
}

void
destination_name_cause(struct destination *d, enum cause cause)
{
	if (d->alarm.raised)
		d->alarm.cause = cause;
}

/*
 * What is known of a weakened entry is as old as mail may be that goes by it: a day. A
 * session that proves more is news at once. flowed: mail did, since it was last looked
 * at.
 */
static void
look_for_better(struct destination *d, bool flowed)
{
	int64_t due_ms = destination_better_ms(d, INT64_MAX);

	if (d->pin.set || d->entry.level == LEVEL_NONE)
		return;
	if (due_ms == 0 && flowed && d->past.sent_ms - d->dns.time_ms >= SPAN_DAY_MS)
		due_ms = d->past.sent_ms;
	if (due_ms != 0 && (d->look_ms == 0 || d->look_ms > due_ms))
		d->look_ms = due_ms;
}

void
destination_take_end(struct destination *d)
{
	if (!d->alarm.raised || d->alarm.lost)
		return;
	note_trouble_over(d);
	destination_end_alarm(d);
	if (d->entry.level == LEVEL_NONE && !d->pin.set)
		d->look_ms = 0;
	else if (d->past.sent_ms > d->alarm.time_ms)
		look_for_better(d, true);
}

bool
destination_take_shown(
    struct destination *d, const char *rule, const struct fold_shown *shown)
{
	struct destination_alarm *alarm = &d->alarm;

	if (strcmp(alarm->rule, rule) == 0 && strcmp(alarm->reason, shown->reason) == 0)
		return false;
	alarm->pending = true;
	alarm->suspended = false;
	alarm->policy_refused = shown->policy_refused;
	alarm->cause = shown->cause;
	str_copy(str_of(rule), alarm->rule, sizeof(alarm->rule));
	str_copy(str_of(shown->reason), alarm->reason, sizeof(alarm->reason));
	alarm->dsn[0] = '\0';
	if (shown->relay[0] != '\0')
		str_copy(str_of(shown->relay), alarm->relay, sizeof(alarm->relay));
	return true;
}

/* It met the level that it was sent at. */
static void
note_sent(struct destination *d, const struct fold_item *item, enum level default_level,
    const struct destination_spans *spans)
{
	enum level level = level_met(d, default_level);

	/* Begun under what applied before, it proves nothing of the present level. */
	if (item->sent_attempt_ms < d->entry.force_ms || !item->sent_proves)
		level = LEVEL_UNKNOWN;
	destination_seen(d, item->sent_level != LEVEL_UNKNOWN ? item->sent_level : level,
	    item->sent_ms);
	note_flow(d, item->sent_ms, spans);
}

/*
 * Sent without a TLS session where the level demands one, it went to a filter, a relay of
 * its sender's or a fallback, or another instance sent it, at a level of its own:
 * whatever fails here fails on.
 */
static bool
went_elsewhere(
    const struct destination *d, const struct fold_item *item, enum level default_level)
{
	return level_promise(level_met(d, default_level)) >= LEVEL_ENCRYPT &&
	    item->bare_attempt_ms >= d->entry.force_ms;
}

/* When mail was last sent that way, and flowed; 0: none did. */
static int64_t
bare_flow(
    const struct destination *d, const struct fold_item *item, enum level default_level)
{
	return went_elsewhere(d, item, default_level) ? 0 : item->bare_ms;
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

	if (spans->measured || f->count == 0 || f->last_ms < d->entry.force_ms)
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
	    destination_met_ms(d, level_promise(level_met(d, default_level)));

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

/*
 * How much an attempt there tells of the destination: nothing at another level than the
 * one in force, or at another's server; little at one that DNS named once, and does not
 * any more; most at one that it names.
 */
static int
rank_of(const struct destination *d, enum level default_level, enum level attempt_level,
    const char *relay, int64_t at_ms)
{
	char name[NEXTHOP_HOST_SIZE];
	struct fold_host host = {.name = name, .flow_ms = at_ms};
	enum answer own;

	if (attempt_level != LEVEL_UNKNOWN &&
	    attempt_level != level_met(d, default_level))
		return 0;
	str_copy(str_of(relay), name, sizeof(name));
	if (name[0] == '\0')
		return 2;
	if (destination_names_server(d, &host))
		return 3;
	own = destination_has_server(d, &host);
	return own == ANSWER_NO ? 0 : own == ANSWER_YES ? 1 : 2;
}

/* At a server of which DNS may tell something else now? */
static bool
is_new_server(const struct destination *d, const struct fold_deferral *f)
{
	return f->time_ms - d->dns.time_ms > DNS_OLD_MS &&
	    !str_equal_nocase(str_of(f->relay), str_of(d->alarm.relay));
}

/*
 * Where the queue and the servers tell, the line that comes next does not take the place
 * of an alarm: not while that is being judged, or whoever writes lines all the time kept
 * it from being; nor that of mail that waits for what is said of mail that was bounced,
 * nor that of an attempt that tells more, as far as DNS told lately. It is looked into.
 * And one that tells more takes it, whenever its attempt began.
 */
static bool
stands(const struct destination *d, enum level default_level,
    const struct fold_deferral *f, bool waits, const struct destination_spans *spans,
    bool *outranked)
{
	int known, next;

	*outranked = false;
	if (!keeps_alarms(d, spans) || d->alarm.suspended || f->suspended)
		return false;
	if (f->lost)
		return true;
	known =
	    rank_of(d, default_level, d->alarm.attempt_level, d->alarm.relay, f->time_ms);
	next = rank_of(d, default_level, f->attempt_level, f->relay, f->time_ms);
	/* A reason that only lets mail wait says nothing of what the servers can do. */
	*outranked = next > known || (next == known && waits && !f->waits);
	if (*outranked)
		return false;
	return next == known ? d->alarm.pending
	                     : next < known && (d->alarm.pending || !is_new_server(d, f));
}

/* That server may be one of its own since DNS was asked last. */
static void
look_into_line(struct destination *d, const struct fold_deferral *f)
{
	if (!str_equal_nocase(str_of(f->relay), str_of(d->alarm.relay)))
		d->dns.until_ms = 0;
	look_into(d, f->time_ms, SPAN_MINUTE_MS);
}

static void
note_alarm(struct destination *d, enum level default_level, const struct fold_deferral *f,
    bool *waits, const struct destination_spans *spans)
{
	struct destination_alarm *alarm = &d->alarm;
	bool outranked, first = stands(d, default_level, f, *waits, spans, &outranked);

	if (!outranked && tells_less(alarm, f)) {
		/* Mail that waits since before the present level is to be retried all the
		 * same. */
		alarm->pending = alarm->pending || alarm->attempt_ms < d->entry.force_ms;
		return;
	}
	if (first) {
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
	alarm->cause = f->cause;
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

static void
note_deferral(struct destination *d, const struct fold_item *item,
    enum level default_level, bool waits, const struct destination_spans *spans)
{
	note_ceased(d, item, default_level, spans);
	note_attempts(d, item);
	note_plain(d, &item->plain, spans);
	/* Where encryption is all that is asked for, there was none. */
	if (level_promise(level_met(d, default_level)) <= LEVEL_ENCRYPT)
		note_plain(d, &item->broken, spans);
	for (unsigned i = 0; i < item->other_count; i++)
		note_alarm(d, default_level, &item->others[i], &waits, spans);
	note_last(d, item, default_level, &waits, spans);
}

static void
plan_recheck(
    struct destination *d, const struct fold_item *item, enum level default_level)
{
	if (!d->alarm.raised &&
	    level_promise(d->entry.level) < level_promise(default_level))
		look_for_better(d, item->sent_ms != 0 || item->bare_ms != 0);
}

/*
 * A step down is held, and a session at one of its own servers met what is in force: that
 * is evidence to the contrary, if the servers confirm it, so they are asked now.
 */
static void
mind_hold(struct destination *d, const struct fold_item *item, enum level default_level)
{
	enum level level = level_promise(level_met(d, default_level));
	int64_t since_ms = d->hold.verify_ms, met_ms = 0;

	destination_later(&since_ms, d->hold.encrypt_ms);
	destination_later(&since_ms, d->hold.may_ms);
	if (since_ms == 0 || !d->alarm.raised || d->pin.set || level < LEVEL_ENCRYPT)
		return;
	for (size_t i = 0; i < item->host_count; i++) {
		const struct fold_host *host = &item->hosts[i];

		if (destination_has_server(d, host) != ANSWER_YES)
			continue;
		destination_later(&met_ms, host->seen_ms[SESSION_VERIFIED]);
		for (int grade = 0; level == LEVEL_ENCRYPT && grade < SESSION_COUNT;
		     grade++)
			destination_later(&met_ms, host->seen_ms[grade]);
	}
	if (met_ms > since_ms && (d->look_ms == 0 || d->look_ms > met_ms))
		d->look_ms = met_ms;
}

/* --- whose news it is --------------------------------------------------------------- */

/* Whoever the server is, what failed there is over where it takes mail. */
static bool
has_failed(const struct destination *d, const struct fold_host *host)
{
	return d->alarm.raised &&
	    str_equal_nocase(str_of(d->alarm.relay), str_of(host->name));
}

/* Sessions at servers of its own alone, as far as each server is known. */
static void
leave_sessions(const struct destination *d, struct fold_item *own)
{
	int64_t seen_ms[SESSION_COUNT] = {0};
	bool others = false;

	for (size_t i = 0; i < own->host_count; i++) {
		const struct fold_host *host = &own->hosts[i];

		if (destination_has_server(d, host) == ANSWER_NO) {
			others = true;
			continue;
		}
		for (int grade = 0; grade < SESSION_COUNT; grade++)
			destination_later(&seen_ms[grade], host->seen_ms[grade]);
	}
	if (others && own->host_count < FOLD_HOSTS_MAX)
		memcpy(own->seen_ms, seen_ms, sizeof(seen_ms));
}

/* Mail that was sent by servers of its own alone; one without a name is. */
static void
leave_flow(const struct destination *d, struct fold_item *own, bool keeps)
{
	const struct fold_host *last = NULL;
	int64_t flow_ms = 0, named_ms = 0;
	bool ended = false;

	for (size_t i = 0; i < own->host_count; i++) {
		const struct fold_host *host = &own->hosts[i];

		destination_later(&named_ms, host->flow_ms);
		if (host->flow_ms == 0 ||
		    (destination_has_server(d, host) == ANSWER_NO &&
		        !has_failed(d, host)))
			continue;
		destination_later(&flow_ms, host->flow_ms);
		ended = ended || !host->deferred_since;
		if (last == NULL || host->tried.count < last->tried.count)
			last = host;
	}
	if (own->sent_ms > named_ms)
		return;
	if (own->sent_ms != flow_ms) {
		own->sent_ms = flow_ms;
		own->sent_level = LEVEL_UNKNOWN;
		own->sent_proves = false;
	}
	/* What a line ends is the caller's to say. */
	if (keeps)
		return;
	own->deferred = own->deferred && !ended;
	if (last == NULL || last->tried.count >= own->tried.count)
		return;
	own->tried = last->tried;
	own->plain = last->plain;
	own->broken = last->broken;
}

/* The same of mail that was sent without a session: a filter's, or a relay's, is none. */
static void
leave_bare(const struct destination *d, struct fold_item *own)
{
	const struct fold_host *last = NULL;
	int64_t named_ms = 0;

	for (size_t i = 0; i < own->host_count; i++) {
		const struct fold_host *host = &own->hosts[i];

		destination_later(&named_ms, host->bare_ms);
		if (host->bare_ms == 0 ||
		    (destination_has_server(d, host) == ANSWER_NO &&
		        !has_failed(d, host)))
			continue;
		if (last == NULL || host->bare_ms > last->bare_ms)
			last = host;
	}
	if (own->bare_ms > named_ms)
		return;
	own->bare_ms = last != NULL ? last->bare_ms : 0;
	own->bare_attempt_ms = last != NULL ? last->bare_attempt_ms : 0;
	own->deferred_since_bare =
	    last != NULL ? last->deferred_since_bare : own->deferred;
}

/* Where no line ends a deferral, flow that came after it is told beside it. */
static void
end_in_order(struct destination *d, const struct fold_item *item, int64_t bare_ms,
    const struct destination_spans *spans)
{
	int64_t flow_ms = item->sent_ms;

	destination_later(&flow_ms, bare_ms);
	if (destination_spans_tell(spans) && item->deferred &&
	    flow_ms > item->deferral->time_ms && !keeps_alarms(d, spans))
		note_flow(d, flow_ms, spans);
}

void
destination_take_news(struct destination *d, const struct fold_item *news,
    enum level default_level, bool waits, const struct destination_spans *spans)
{
	struct fold_item copy = *news;
	const struct fold_item *item = &copy;
	bool keeps = destination_spans_tell(spans);
	int64_t bare_ms;

	destination_accept_servers(d, item);
	leave_sessions(d, &copy);
	leave_flow(d, &copy, keeps);
	leave_bare(d, &copy);
	bare_ms = bare_flow(d, item, default_level);
	if (item->transport[0] != '\0')
		str_copy(str_of(item->transport), d->transport, sizeof(d->transport));
	note_sessions(d, item, default_level);
	if (item->sent_ms != 0)
		note_sent(d, item, default_level, spans);
	destination_later(&d->past.sent_ms, item->bare_ms);
	if (bare_ms != 0)
		note_flow(d, bare_ms, spans);
	if (item->deferred && (keeps || bare_ms == 0 || item->deferred_since_bare))
		note_deferral(d, item, default_level, waits, spans);
	end_in_order(d, item, bare_ms, spans);
	plan_recheck(d, item, default_level);
	mind_hold(d, item, default_level);
}

/* Under `dane` and dane-only it is TLSA records that verify a server. */
static bool
is_by_dane(const struct destination *d, enum level default_level, int64_t at_ms)
{
	/* As in note_sessions(). */
	bool in_force = at_ms + 999 >= d->entry.force_ms;
	enum level level = in_force ? level_met(d, default_level) : default_level;

	return level == LEVEL_DANE || level == LEVEL_DANE_ONLY;
}

void
destination_host_news(const struct destination *d, const struct fold_host *host,
    enum level default_level, struct host_past *out)
{
	int64_t verified_ms = host->seen_ms[SESSION_VERIFIED];
	enum level sent = host->sent_level;

	*out = (struct host_past){.failed_ms = host->failed_ms};
	for (int grade = 0; grade < SESSION_VERIFIED; grade++)
		host_past_seen(out, LEVEL_ENCRYPT, host->seen_ms[grade]);
	host_past_seen(out,
	    is_by_dane(d, default_level, verified_ms) ? LEVEL_DANE_ONLY : LEVEL_VERIFY,
	    verified_ms);
	if (sent == LEVEL_UNKNOWN && host->sent_proves &&
	    host->sent_attempt_ms >= d->entry.force_ms)
		sent = level_met(d, default_level);
	host_past_seen(out, sent, host->sent_ms);
}
