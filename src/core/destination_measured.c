/* SPDX-License-Identifier: BSD-2-Clause */
/* What servers were measured to do, and what is known of the attempts that failed. */
#include "core/answers.h"
#include "core/destination_impl.h"
#include "core/fold.h"

/*
 * When the last attempt was, as far as anybody but its line tells: its message is in the
 * queue, and the witnesses were asked since. Lines anybody can write.
 */
static int64_t
last_attempt_ms(const struct destination *d, const struct evidence *ev)
{
	int64_t at_ms = d->alarm.last_attempt_ms;

	if (ev->queue == QUEUE_SHOWS && ev->shown_ms < at_ms)
		at_ms = ev->shown_ms;
	return ev->served_ms < at_ms ? ev->served_ms : at_ms;
}

/* Up to when attempts count that were counted now: one that the queue shows is known by
 * its line, which came after it began. No later than the line of the alarm: that of
 * another message may be of a clock that was ahead. */
static int64_t
counted_ms(const struct destination *d, const struct evidence *ev)
{
	int64_t at_ms = ev->last_attempt_ms;

	if (ev->queue == QUEUE_SHOWS && ev->shown_ms != WITNESSED_ANY)
		destination_later(&at_ms,
		    ev->shown_ms < d->alarm.time_ms ? ev->shown_ms : d->alarm.time_ms);
	return at_ms;
}

/* An attempt that is new since at_ms: an answer that is read twice is one answer. */
static bool
is_fresh_attempt(const struct destination *d, const struct evidence *ev, int64_t at_ms)
{
	return d->alarm.raised && !d->alarm.suspended && ev->last_attempt_ms > at_ms;
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
last_attempt(const struct destination *d, const struct evidence *ev)
{
	struct plain_attempts one = {1, ev->last_attempt_ms, counted_ms(d, ev)};

	if (ev->last_attempt_ms == d->alarm.last_attempt_ms)
		destination_later(&one.first_ms, d->alarm.time_ms - FOLD_CLAIM_MS);
	return one;
}

/*
 * Where the servers cannot be asked, or could not tell, the reason decides alone: also of
 * an attempt of which Postfix does not say where it was, and of the first one, which
 * found out that nobody can.
 */
static void
take_reason(
    struct destination *d, struct evidence *ev, const struct destination_spans *spans)
{
	if (!ev->has_rule || ev->fault_ours || !met_no_tls(ev) ||
	    !is_fresh_attempt(d, ev, d->alarm.plain.last_ms))
		return;
	destination_add_plain(d, last_attempt(d, ev), spans);
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

	ev->last_attempt_ms = last_attempt_ms(d, ev);
	if (ev->last_attempt_ms < ev->attempt_ms)
		ev->attempt_ms = ev->last_attempt_ms;
	if (ev->plain.last_ms > ev->last_attempt_ms)
		ev->plain.last_ms = ev->last_attempt_ms;
	if (ev->prober == ANSWER_NO && is_witnessed(ev))
		take_reason(d, ev, spans);
	if (!m->asked)
		return;
	/* Who does not answer us, or not in one voice, may have answered Postfix: at a
	 * server that its log names. */
	if (is_witnessed(ev) && alarm->relay[0] != '\0' &&
	    (!m->answered || m->meets[LEVEL_ENCRYPT] == ANSWER_UNSURE))
		take_reason(d, ev, spans);
	if (!m->answered)
		return;
	/* Nobody does TLS: whatever the attempt was about, it met none, if there was one.
	 */
	if (m->meets[LEVEL_ENCRYPT] == ANSWER_NO && m->meets[LEVEL_MAY] == ANSWER_YES &&
	    is_witnessed(ev) && is_fresh_attempt(d, ev, alarm->plain.last_ms))
		destination_add_plain(d, last_attempt(d, ev), spans);
	/* Whatever Postfix met, TLS is there. Attempts that did not meet it must not wait
	 * for the moment in which somebody strips it here as well. */
	if (m->meets[LEVEL_ENCRYPT] == ANSWER_YES)
		alarm->plain = (struct plain_attempts){0};
	if (m->meets[ladder_level_in_force(ev)] != ANSWER_YES)
		alarm->contradictions = 0;
	else if (is_fresh_attempt(d, ev, alarm->contradicted_ms)) {
		alarm->contradictions++;
		alarm->contradicted_ms = counted_ms(d, ev);
	}
	ev->plain = alarm->plain;
	ev->contradictions = alarm->contradictions;
}
