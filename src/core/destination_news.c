/* SPDX-License-Identifier: BSD-2-Clause */
/* What the log reported of a destination. */
#include <string.h>

#include "base/span.h"
#include "core/destination_impl.h"
#include "core/fold.h"
#include "core/host.h"

/* Which strength a verified session proves depends on what was demanded of it. */
static enum level
level_proven(const struct destination *d, enum level default_level, int64_t verified_ms)
{
	enum level level = destination_level_met(d, default_level);
	/* The second of the export is the entry's, too: many a log has whole seconds. */
	bool in_force = verified_ms + 999 >= d->entry.force_ms;

	return in_force && level > LEVEL_VERIFY ? level : LEVEL_VERIFY;
}

static int64_t
encrypted_ms(const int64_t seen_ms[SESSION_COUNT])
{
	int64_t at_ms = seen_ms[SESSION_ANONYMOUS];

	destination_later(&at_ms, seen_ms[SESSION_UNTRUSTED]);
	destination_later(&at_ms, seen_ms[SESSION_TRUSTED]);
	return at_ms;
}

static void
note_sessions(
    struct destination *d, const struct fold_item *item, enum level default_level)
{
	int64_t verified_ms = item->seen_ms[SESSION_VERIFIED], trusted_ms = verified_ms;

	destination_later(&trusted_ms, item->seen_ms[SESSION_TRUSTED]);
	destination_note_session(d, encrypted_ms(item->seen_ms), trusted_ms);
	destination_seen(d, LEVEL_ENCRYPT, encrypted_ms(item->seen_ms));
	destination_later(&d->past.trusted_ms, item->seen_ms[SESSION_TRUSTED]);
	destination_seen(d, level_proven(d, default_level, verified_ms), verified_ms);
}

/* While its mail fails another may have taken it: until DNS tells whose server that is.
 */
static bool
is_unproven(const struct destination *d, const struct fold_item *item,
    const struct fold_host *host)
{
	return (d->alarm.raised || item->deferral != NULL) &&
	    item->host_count < FOLD_HOSTS_MAX &&
	    destination_has_server(d, host) == ANSWER_UNSURE;
}

static void
note_unproven(
    struct destination *d, const struct fold_item *item, enum level default_level)
{
	for (size_t i = 0; i < item->host_count; i++) {
		const struct fold_host *host = &item->hosts[i];
		int64_t verified_ms = host->seen_ms[SESSION_VERIFIED];

		if (!is_unproven(d, item, host))
			continue;
		destination_later(&d->past.trusted_ms, host->seen_ms[SESSION_TRUSTED]);
		destination_seen_at(
		    d, host->name, LEVEL_ENCRYPT, encrypted_ms(host->seen_ms));
		destination_seen_at(d, host->name,
		    level_proven(d, default_level, verified_ms), verified_ms);
		destination_seen_at(d, host->name, host->sent_level, host->sent_ms);
	}
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

static void
look_into_flow(struct destination *d, int64_t at_ms)
{
	if (step_waits(d) || d->entry.level == LEVEL_NONE)
		destination_look_into(
		    d, at_ms, step_waits(d) ? SPAN_MINUTE_MS : SPAN_HOUR_MS);
}

/* Mail flowed: the trouble before is over, or so it seems. */
static void
note_flow(struct destination *d, int64_t at_ms, const struct destination_spans *spans)
{
	destination_later(&d->past.sent_ms, at_ms);
	if (destination_keeps_alarm(d, spans)) {
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

/* Somebody took mail of which it cannot be told yet whose server that is. What waits is
 * not over by it, but may be. */
static void
note_unsure_flow(
    struct destination *d, int64_t at_ms, const struct destination_spans *spans)
{
	if (d->alarm.raised)
		look_into_flow(d, at_ms);
	else
		note_flow(d, at_ms, spans);
}

/* It met the level that it was sent at. */
static void
note_sent(struct destination *d, const struct fold_item *item, enum level default_level)
{
	enum level level = destination_level_met(d, default_level);

	/* Begun under what applied before, it proves nothing of the present level. */
	if (item->sent_attempt_ms < d->entry.force_ms || !item->sent_proves)
		level = LEVEL_UNKNOWN;
	destination_seen(d, item->sent_level != LEVEL_UNKNOWN ? item->sent_level : level,
	    item->sent_ms);
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
	return level_promise(destination_level_met(d, default_level)) >= LEVEL_ENCRYPT &&
	    item->bare_attempt_ms >= d->entry.force_ms;
}

/* When mail was last sent that way, and flowed; 0: none did. */
static int64_t
bare_flow(
    const struct destination *d, const struct fold_item *item, enum level default_level)
{
	return went_elsewhere(d, item, default_level) ? 0 : item->bare_ms;
}

static void
plan_recheck(
    struct destination *d, const struct fold_item *item, enum level default_level)
{
	if (level_promise(d->entry.level) < level_promise(default_level))
		look_for_better(d, item->sent_ms != 0 || item->bare_ms != 0);
}

/*
 * A step down is held, and a session at one of its own servers met what is in force: that
 * is evidence to the contrary, if the servers confirm it, so they are asked now.
 */
static void
mind_hold(struct destination *d, const struct fold_item *item, enum level default_level)
{
	enum level level = level_promise(destination_level_met(d, default_level));
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

/* Whose server took mail? */
static enum answer
took(const struct destination *d, const struct fold_host *host)
{
	return has_failed(d, host) ? ANSWER_YES : destination_flows_at(d, host);
}

/* Sessions at servers of its own alone, as far as each server is known. */
static void
leave_sessions(const struct destination *d, struct fold_item *own)
{
	int64_t seen_ms[SESSION_COUNT] = {0};
	bool others = false;

	for (size_t i = 0; i < own->host_count; i++) {
		const struct fold_host *host = &own->hosts[i];

		if (destination_has_server(d, host) == ANSWER_NO ||
		    is_unproven(d, own, host)) {
			others = true;
			continue;
		}
		for (int grade = 0; grade < SESSION_COUNT; grade++)
			destination_later(&seen_ms[grade], host->seen_ms[grade]);
	}
	if (others && own->host_count < FOLD_HOSTS_MAX)
		memcpy(own->seen_ms, seen_ms, sizeof(seen_ms));
}

/* Mail that was sent by servers of its own alone, and whoever cannot be told to be
 * another's; one without a name is. When it flowed, which takes one of its own; 0: it did
 * not. */
static int64_t
leave_flow(const struct destination *d, struct fold_item *own, bool keeps)
{
	const struct fold_host *last = NULL;
	int64_t flow_ms = 0, sent_ms = 0, named_ms = 0;
	bool ended = false;

	for (size_t i = 0; i < own->host_count; i++) {
		const struct fold_host *host = &own->hosts[i];
		enum answer is_own = took(d, host);

		destination_later(&named_ms, host->flow_ms);
		if (host->flow_ms == 0 || is_own == ANSWER_NO)
			continue;
		destination_later(&sent_ms, host->flow_ms);
		if (is_own == ANSWER_UNSURE)
			continue;
		destination_later(&flow_ms, host->flow_ms);
		ended = ended || !host->deferred_since;
		if (last == NULL || host->tried.count < last->tried.count)
			last = host;
	}
	if (own->sent_ms > named_ms)
		return own->sent_ms;
	if (own->sent_ms != sent_ms || (flow_ms != sent_ms && d->alarm.raised)) {
		own->sent_ms = sent_ms;
		own->sent_level = LEVEL_UNKNOWN;
		own->sent_proves = false;
	}
	/* What a line ends is the caller's to say. */
	if (keeps)
		return flow_ms;
	own->deferred = own->deferred && !ended;
	if (last == NULL || last->tried.count >= own->tried.count)
		return flow_ms;
	own->tried = last->tried;
	own->plain = last->plain;
	own->broken = last->broken;
	return flow_ms;
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
		if (host->bare_ms == 0 || took(d, host) == ANSWER_NO ||
		    ((d->alarm.raised || own->deferred) &&
		        took(d, host) == ANSWER_UNSURE))
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
end_in_order(struct destination *d, const struct fold_item *item, int64_t flow_ms,
    const struct destination_spans *spans)
{
	if (destination_spans_tell(spans) && item->deferred &&
	    flow_ms > item->deferral->time_ms && !destination_keeps_alarm(d, spans))
		note_flow(d, flow_ms, spans);
}

void
destination_take_news(struct destination *d, const struct fold_item *news,
    enum level default_level, bool waits, const struct destination_spans *spans)
{
	struct fold_item copy = *news;
	const struct fold_item *item = &copy;
	bool keeps = destination_spans_tell(spans);
	int64_t flow_ms, bare_ms;

	destination_accept_servers(d, item);
	leave_sessions(d, &copy);
	flow_ms = leave_flow(d, &copy, keeps);
	leave_bare(d, &copy);
	bare_ms = bare_flow(d, item, default_level);
	if (item->transport[0] != '\0')
		str_copy(str_of(item->transport), d->transport, sizeof(d->transport));
	note_sessions(d, item, default_level);
	note_unproven(d, item, default_level);
	if (item->sent_ms != 0)
		note_sent(d, item, default_level);
	if (flow_ms != 0)
		note_flow(d, flow_ms, spans);
	else if (item->sent_ms != 0)
		note_unsure_flow(d, item->sent_ms, spans);
	destination_later(&d->past.sent_ms, item->bare_ms);
	if (bare_ms != 0)
		note_flow(d, bare_ms, spans);
	if (item->deferred && (keeps || bare_ms == 0 || item->deferred_since_bare))
		destination_take_deferral(d, item, default_level, waits, spans);
	destination_take_refused(d, item, default_level, spans);
	destination_later(&flow_ms, bare_ms);
	end_in_order(d, item, flow_ms, spans);
	plan_recheck(d, item, default_level);
	mind_hold(d, item, default_level);
}

/* Under `dane` and dane-only it is TLSA records that verify a server. */
static bool
is_by_dane(const struct destination *d, enum level default_level, int64_t at_ms)
{
	/* As in note_sessions(). */
	bool in_force = at_ms + 999 >= d->entry.force_ms;
	enum level level =
	    in_force ? destination_level_met(d, default_level) : default_level;

	return level == LEVEL_DANE || level == LEVEL_DANE_ONLY;
}

static bool
is_blamed(
    const struct destination *d, const struct fold_host *host, enum level default_level)
{
	int64_t untrusted_ms = host->seen_ms[SESSION_UNTRUSTED];

	destination_later(&untrusted_ms, host->seen_ms[SESSION_ANONYMOUS]);
	return destination_blames(d, default_level, host->cause, host->name,
	    untrusted_ms > host->seen_ms[SESSION_TRUSTED]);
}

void
destination_host_news(const struct destination *d, const struct fold_host *host,
    enum level default_level, struct host_past *out)
{
	int64_t verified_ms = host->seen_ms[SESSION_VERIFIED];
	enum level sent = host->sent_level;

	*out = (struct host_past){.failed_ms = host->failed_ms};
	if (!is_blamed(d, host, default_level))
		out->failed_ms = 0;
	for (int grade = 0; grade < SESSION_VERIFIED; grade++)
		host_past_seen(out, LEVEL_ENCRYPT, host->seen_ms[grade]);
	host_past_seen(out,
	    is_by_dane(d, default_level, verified_ms) ? LEVEL_DANE_ONLY : LEVEL_VERIFY,
	    verified_ms);
	if (sent == LEVEL_UNKNOWN && host->sent_proves &&
	    host->sent_attempt_ms >= d->entry.force_ms)
		sent = destination_level_met(d, default_level);
	host_past_seen(out, sent, host->sent_ms);
}
