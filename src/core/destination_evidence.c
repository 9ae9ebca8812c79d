/* SPDX-License-Identifier: BSD-2-Clause */
/* What the ladder is told of a destination. */
#include <string.h>

#include "core/answers.h"
#include "core/destination_impl.h"

#define SEEN_MS    HOST_PAST_MS /* how long a better past counts */
#define SMTPS_PORT 465          /* smtp_tls_wrappermode */

/*
 * Its own past, that of the keys which are the same name in DNS, and that of its MX
 * hosts: another name of the same servers is no way around it. What TLSA records proved
 * counts for signed destinations alone.
 */
static struct destination_past
past_with_hosts(const struct destination *d, const struct answers *answers)
{
	struct destination_past past = d->past;
	const struct host_past *hosts;

	if (answers == NULL)
		return past;
	destination_past_add(&past, &answers->twins_past);
	hosts = &answers->hosts_past;
	destination_later(&past.encrypt_ms, hosts->encrypt_ms);
	destination_later(&past.encrypt_ms, hosts->dane_ms);
	destination_later(&past.verify_ms, hosts->verify_ms);
	if (answers->dane.signed_domain)
		destination_later(&past.dane_ms, hosts->dane_ms);
	return past;
}

/*
 * Counted back from the last proof that verification works here: where the clock is a
 * year ahead no certificate verifies, and a past of yesterday must still count.
 */
static enum level
best_seen(const struct destination_past *past, int64_t verified_ms, int64_t now_ms)
{
	if (verified_ms != 0 && verified_ms < now_ms)
		now_ms = verified_ms;
	if (past->dane_ms != 0 && now_ms - past->dane_ms < SEEN_MS)
		return LEVEL_DANE_ONLY;
	if (past->secure_ms != 0 && now_ms - past->secure_ms < SEEN_MS)
		return LEVEL_SECURE;
	if (past->verify_ms != 0 && now_ms - past->verify_ms < SEEN_MS)
		return LEVEL_VERIFY;
	if (past->encrypt_ms != 0 && now_ms - past->encrypt_ms < SEEN_MS)
		return LEVEL_ENCRYPT;
	return LEVEL_UNKNOWN;
}

/* The best that was seen after that moment; LEVEL_UNKNOWN: nothing. */
static enum level
seen_since(const struct destination_past *past, int64_t since_ms)
{
	return past->dane_ms > since_ms   ? LEVEL_DANE_ONLY
	    : past->secure_ms > since_ms  ? LEVEL_SECURE
	    : past->verify_ms > since_ms  ? LEVEL_VERIFY
	    : past->encrypt_ms > since_ms ? LEVEL_ENCRYPT
	                                  : LEVEL_UNKNOWN;
}

/* Those that still count: no further back than the next might be. */
static struct plain_attempts
plain_attempts(
    const struct destination *d, const struct destination_spans *spans, int64_t now_ms)
{
	int64_t at_ms = d->alarm.pending ? d->alarm.last_attempt_ms : now_ms;

	return at_ms - d->alarm.plain.last_ms <= spans->attempts_ms
	    ? d->alarm.plain
	    : (struct plain_attempts){0};
}

/* What dane-only says where it finds no TLSA, or no signed MX record. */
static bool
denies_tlsa(const struct destination_alarm *alarm)
{
	return strcmp(alarm->reason, "no TLSA records found") == 0 ||
	    strcmp(alarm->reason, "non DNSSEC destination") == 0;
}

/* Of what the queue shows it is not known when it was tried. */
static bool
is_unplaced(const struct destination_alarm *alarm)
{
	return alarm->raised && alarm->attempt_ms == 0 && alarm->relay[0] == '\0';
}

static int64_t
last_mail_ms(const struct destination *d)
{
	int64_t at_ms = d->entry.since_ms;

	destination_later(&at_ms, d->past.sent_ms);
	destination_later(&at_ms, d->alarm.last_attempt_ms);
	return at_ms;
}

struct evidence
destination_evidence(const struct destination *d, const struct answers *answers,
    const struct destination_spans *spans, int64_t verified_ms, int64_t now_ms)
{
	struct destination_past past = past_with_hosts(d, answers);
	struct evidence ev = {
	    .key = d->key,
	    .entry = destination_demand(d),
	    .force_ms = d->entry.force_ms,
	    .pinned = d->pin.set && (d->pin.until_ms == 0 || now_ms < d->pin.until_ms),
	    .pin_over = d->pin.set && d->pin.until_ms != 0 && now_ms >= d->pin.until_ms,
	    .lease_ms = d->entry.lease_ms,
	    .lease_end_ms = d->entry.lease_end_ms,
	    .deferral = d->alarm.raised,
	    .suspended = d->alarm.suspended,
	    .policy_refused = d->alarm.policy_refused,
	    .unplaced = is_unplaced(&d->alarm),
	    .denies_tlsa = denies_tlsa(&d->alarm),
	    .denied_ms = d->dns.denied_ms,
	    .denied_again = d->dns.denied_ms != 0 && d->past.sent_ms < d->dns.denied_ms,
	    .attempt_level = d->alarm.attempt_level,
	    .attempt_ms = d->alarm.attempt_ms,
	    .attempts = d->alarm.attempts,
	    .first_attempt_ms = d->alarm.first_attempt_ms,
	    .last_attempt_ms = d->alarm.last_attempt_ms,
	    .plain = plain_attempts(d, spans, now_ms),
	    .asked = answers != NULL,
	    .dns_is_old = now_ms - d->dns.time_ms >= SPAN_DAY_MS,
	    .no_dane_rung = str_starts(str_of(d->key), STR("unix:")),
	    .contradictions = d->alarm.contradictions,
	    .silent_since_ms = d->alarm.silent_ms,
	    .other_map = answers != NULL ? answers->other_map : ANSWER_UNSURE,
	    .credentials = ANSWER_NO,
	    .dns_failures = d->dns.failures,
	    .mail_ms = last_mail_ms(d),
	    .best_seen = best_seen(&past, verified_ms, now_ms),
	    .hold_since_ms = {[LEVEL_MAY] = d->hold.may_ms,
	        [LEVEL_ENCRYPT] = d->hold.encrypt_ms,
	        [LEVEL_VERIFY] = d->hold.verify_ms,
	        [LEVEL_SECURE] = d->hold.verify_ms},
	    .dane_absent_ms = d->entry.dane_absent_ms,
	    .sts_entry = destination_is_under_policy(d),
	    .sts_unsure_ms = destination_unsure_policy_ms(d),
	    .forecast_ms = d->entry.why == WHY_FORECAST
	        ? d->entry.since_ms + DESTINATION_FORECAST_MS
	        : 0,
	    .taken_over = d->entry.why == WHY_TAKEN_OVER,
	    .trial = now_ms - d->entry.since_ms <= d->entry.lease_ms ? d->entry.trial
	                                                             : LEVEL_NONE,
	    .seen_since_climb = seen_since(&past, d->entry.since_ms),
	    .better_session = destination_better_ms(d, destination_log_ms(now_ms)) != 0,
	    .clean = d->probe.clean,
	};

	if (answers == NULL)
		return ev;
	if (answers->probe_asked)
		ev.better_session = d->probe.better;
	ev.dane = answers->dane;
	ev.credentials = answers->credentials;
	ev.elsewhere = !answers->relay_fits;
	ev.wrapper = d->port == SMTPS_PORT;
	return ev;
}
