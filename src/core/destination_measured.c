/* SPDX-License-Identifier: BSD-2-Clause */
/* What servers were measured to do, and what is known of the attempts that failed. */
#include "core/destination_impl.h"
#include "core/fold.h"

/* An attempt that is new since at_ms: an answer that is read twice is one answer. */
static bool
is_fresh_attempt(const struct destination *d, int64_t at_ms)
{
	return d->alarm.raised && !d->alarm.suspended && d->alarm.last_attempt_ms > at_ms;
}

/* Does the reason say that the attempt met no TLS, or none that the level takes? */
static bool
met_no_tls(const struct evidence *ev)
{
	if (ev->fallback == FALLBACK_NEXT)
		return level_promise(ladder_level_in_force(ev)) <= LEVEL_ENCRYPT;
	return ev->fallback == FALLBACK_LEVEL && ev->fallback_level == LEVEL_MAY;
}

/* The attempt of the alarm; how long it took is only what its line says. */
static struct plain_attempts
last_attempt(const struct destination *d)
{
	struct plain_attempts one = {
	    1, d->alarm.last_attempt_ms, d->alarm.last_attempt_ms};

	destination_later(&one.first_ms, d->alarm.time_ms - FOLD_CLAIM_MS);
	return one;
}

/*
 * Where nobody can ask the servers the reason decides alone: also of an attempt of which
 * Postfix does not say where it was, and of the first one, which found out that nobody
 * can.
 */
static void
take_reason(
    struct destination *d, struct evidence *ev, const struct destination_spans *spans)
{
	if (!ev->has_rule || ev->fault_ours || !met_no_tls(ev) ||
	    !is_fresh_attempt(d, d->alarm.plain.last_ms))
		return;
	destination_add_plain(d, last_attempt(d), spans);
	ev->plain = d->alarm.plain;
}

/* A line alone, of a message that is not in the queue, is no attempt. */
static bool
is_witnessed(const struct evidence *ev)
{
	return ev->queue == QUEUE_SHOWS || ev->queue == QUEUE_NONE;
}

void
destination_take_measured(
    struct destination *d, struct evidence *ev, const struct destination_spans *spans)
{
	const struct measured *m = &ev->measured;
	struct destination_alarm *alarm = &d->alarm;

	if (ev->prober == ANSWER_NO)
		take_reason(d, ev, spans);
	if (!m->asked || !m->answered)
		return;
	/* Nobody does TLS: whatever the attempt was about, it met none, if there was one.
	 */
	if (m->meets[LEVEL_ENCRYPT] == ANSWER_NO && m->meets[LEVEL_MAY] == ANSWER_YES &&
	    is_witnessed(ev) && is_fresh_attempt(d, alarm->plain.last_ms))
		destination_add_plain(d, last_attempt(d), spans);
	/* Whatever Postfix met, TLS is there. Attempts that did not meet it must not wait
	 * for the moment in which somebody strips it here as well. */
	if (m->meets[LEVEL_ENCRYPT] == ANSWER_YES)
		alarm->plain = (struct plain_attempts){0};
	if (m->meets[ladder_level_in_force(ev)] != ANSWER_YES)
		alarm->contradictions = 0;
	else if (is_fresh_attempt(d, alarm->contradicted_ms)) {
		alarm->contradictions++;
		alarm->contradicted_ms = alarm->last_attempt_ms;
	}
	ev->plain = alarm->plain;
	ev->contradictions = alarm->contradictions;
}
