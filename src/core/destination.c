/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/destination_impl.h"

#include <stdlib.h>

#include "base/masked.h"
#include "base/span.h"
#include "core/sts_entry.h"

void
destination_init(struct destination *d, const char *key)
{
	*d = (struct destination){.entry = {.level = LEVEL_NONE, .trial = LEVEL_NONE},
	    .hold = {.level = LEVEL_NONE}};
	str_copy(str_of(key), d->key, sizeof(d->key));
	destination_take_ports(d, NULL);
}

void
destination_take_ports(struct destination *d, const struct ports *ports)
{
	struct nexthop nexthop;

	d->port = 0;
	if (d->key[0] == '\0' || !nexthop_parse(str_of(d->key), &nexthop))
		return;
	nexthop_take_ports(&nexthop, ports);
	d->port = nexthop.port;
}

void
destination_clear(struct destination *d)
{
	free(d->entry.attributes);
	destination_init(d, "");
}

/* With a text of its own. NULL where there are none. */
static char *
own_attributes(struct demand entry)
{
	return (char *)(uintptr_t)demand_copy(entry).attributes;
}

void
destination_copy(struct destination *to, const struct destination *from)
{
	*to = *from;
	to->entry.attributes = own_attributes(destination_demand(from));
}

void
destination_move(struct destination *to, struct destination *from)
{
	free(to->entry.attributes);
	*to = *from;
	destination_init(from, "");
}

struct demand
destination_demand(const struct destination *d)
{
	return (struct demand){
	    .level = d->entry.level, .attributes = d->entry.attributes};
}

void
destination_later(int64_t *at_ms, int64_t than_ms)
{
	if (than_ms > *at_ms)
		*at_ms = than_ms;
}

void
destination_past_add(struct destination_past *past, const struct destination_past *more)
{
	destination_later(&past->sent_ms, more->sent_ms);
	destination_later(&past->encrypt_ms, more->encrypt_ms);
	destination_later(&past->trusted_ms, more->trusted_ms);
	destination_later(&past->verify_ms, more->verify_ms);
	destination_later(&past->secure_ms, more->secure_ms);
	destination_later(&past->dane_ms, more->dane_ms);
}

void
destination_forget_attempts(struct destination *d)
{
	d->alarm.attempts = 0;
	d->alarm.first_attempt_ms = 0;
	d->alarm.last_attempt_ms = 0;
	d->alarm.plain = (struct plain_attempts){0};
	d->alarm.contradictions = 0;
	d->alarm.contradicted_ms = 0;
	d->alarm.silent_ms = 0;
}

void
destination_add_plain(struct destination *d, struct plain_attempts more,
    const struct destination_spans *spans)
{
	struct plain_attempts *plain = &d->alarm.plain;

	if (more.count == 0)
		return;
	/* So many cannot all be near enough to the next: the last stands alone. */
	if (more.last_ms - more.first_ms > spans->attempts_ms * (int64_t)(more.count - 1))
		more = (struct plain_attempts){1, more.last_ms, more.last_ms};
	if (plain->count == 0 || more.first_ms - plain->last_ms > spans->attempts_ms) {
		*plain = more;
		return;
	}
	plain->count += more.count;
	if (more.first_ms < plain->first_ms)
		plain->first_ms = more.first_ms;
	destination_later(&plain->last_ms, more.last_ms);
}

#define SESSION_FACT   "session"
#define SESSION_CHAINS "trusted"

/*
 * The past holds, so it stays as it is where a clock that was ahead made it; what is seen
 * once the clock is right again is a line of the text of facts.
 */
void
destination_note_session(struct destination *d, int64_t encrypted_ms, int64_t trusted_ms)
{
	int64_t at_ms = encrypted_ms, known_ms = d->past.encrypt_ms;
	struct fact fact = {.name = STR(SESSION_FACT)};

	destination_later(&at_ms, trusted_ms);
	destination_later(&known_ms, d->past.trusted_ms);
	destination_later(&known_ms, d->past.verify_ms);
	destination_later(&known_ms, d->past.dane_ms);
	if (at_ms == 0 || d->entry.level == LEVEL_NONE ||
	    known_ms <= destination_log_ms(at_ms))
		return;
	fact.asked_ms = trusted_ms != 0 ? trusted_ms : encrypted_ms;
	fact.text = trusted_ms != 0 ? STR(SESSION_CHAINS) : STR("encrypted");
	facts_put(d->facts, &fact);
}

/* When such a session proved more than the entry demands; 0: none did. */
static int64_t
noted_session_ms(const struct destination *d)
{
	struct fact fact;

	return facts_find(d->facts, SESSION_FACT, &fact) &&
	        (level_promise(d->entry.level) == LEVEL_MAY ||
	            (d->entry.level == LEVEL_ENCRYPT &&
	                str_equal(fact.text, STR(SESSION_CHAINS))))
	    ? fact.asked_ms
	    : 0;
}

/* By a clock that was ahead: it tells nothing new once the clock is right again. */
static void
later_until(int64_t *at_ms, int64_t than_ms, int64_t latest_ms)
{
	if (than_ms <= latest_ms)
		destination_later(at_ms, than_ms);
}

int64_t
destination_better_ms(const struct destination *d, int64_t latest_ms)
{
	const struct destination_past *past = &d->past;
	int64_t after_ms = d->entry.force_ms, better_ms = 0;

	/* What a probe for such a session did not confirm is asked again in a day: a
	 * chain that is good may be another name's with each message. */
	if (d->probe.time_ms != 0)
		destination_later(
		    &after_ms, d->probe.time_ms + (d->probe.better ? SPAN_DAY_MS : 0));
	if (noted_session_ms(d) > after_ms)
		return noted_session_ms(d);
	if (level_promise(d->entry.level) == LEVEL_MAY)
		later_until(&better_ms, past->encrypt_ms, latest_ms);
	if (level_promise(d->entry.level) == LEVEL_MAY ||
	    d->entry.level == LEVEL_ENCRYPT) {
		later_until(&better_ms, past->trusted_ms, latest_ms);
		later_until(&better_ms, past->verify_ms, latest_ms);
		later_until(&better_ms, past->dane_ms, latest_ms);
	}
	return better_ms > after_ms ? better_ms : 0;
}

void
destination_forget_hold(struct destination *d)
{
	d->hold = (struct destination_hold){.level = LEVEL_NONE};
}

void
destination_reset_entry(
    struct destination *d, struct demand entry, enum why why, int64_t now_ms)
{
	char *attributes = own_attributes(entry);

	free(d->entry.attributes);
	d->entry = (struct destination_entry){
	    .level = entry.level,
	    .attributes = attributes,
	    .why = entry.level != LEVEL_NONE ? why : WHY_NONE,
	    .since_ms = now_ms,
	    .force_ms = LADDER_NOT_YET,
	    /* Of an entry that is lifted on trial, the time that the trial takes. */
	    .lease_ms = d->entry.lease_ms,
	    .lease_end_ms = d->entry.lease_end_ms,
	    .trial = LEVEL_NONE,
	};
	destination_forget_attempts(d); /* each level takes its own */
	destination_forget_hold(d);
	d->probe = (struct destination_probe){.time_ms = d->probe.time_ms};
}

void
destination_trouble_over(struct destination *d)
{
	d->why = why_once_sent(
	    d->why, d->entry.level != LEVEL_NONE ? d->entry.why : WHY_NOT_NEEDED);
	d->dns.failures = 0;
}

void
destination_end_alarm(struct destination *d)
{
	d->alarm.raised = false;
	d->alarm.pending = false;
	destination_forget_attempts(d);
	destination_forget_hold(d);
}

/* --- the administrator's word ------------------------------------------------------ */

static void
set_pin(struct destination *d, struct destination_pin pin, struct demand entry,
    enum why why, int64_t now_ms)
{
	destination_reset_entry(d, entry, why, now_ms);
	d->pin = pin;
	d->why = why;
	d->entry.lease_ms = 0;
	d->entry.lease_end_ms = pin.until_ms;
	d->look_ms = pin.until_ms;
	/* What waits is tried again under the new level, and judged anew if it fails. */
	d->alarm.pending = false;
}

void
destination_pin(struct destination *d, struct demand entry, int64_t until_ms,
    const char *note, int64_t now_ms)
{
	struct destination_pin pin = {.set = true, .until_ms = until_ms};

	masked_copy(str_of(note), pin.note, sizeof(pin.note));
	set_pin(d, pin, entry, WHY_PINNED, now_ms);
}

void
destination_unpin(struct destination *d, int64_t now_ms)
{
	set_pin(d, (struct destination_pin){.set = false}, demand_of(LEVEL_NONE),
	    WHY_NONE, now_ms);
}

void
destination_undo(
    struct destination *d, struct demand before, int64_t until_ms, int64_t now_ms)
{
	set_pin(d, (struct destination_pin){.set = true, .until_ms = until_ms}, before,
	    WHY_UNDONE, now_ms);
}

void
destination_adopt(struct destination *d, struct demand entry, enum why why,
    const struct destination_pin *pin, int64_t lease_ms, int64_t look_ms, int64_t now_ms)
{
	/* Who made it knew its policy, whatever is said of the reason: a row of a table
	 * has none. */
	if (!pin->set && sts_entry_is_one(entry))
		why = WHY_POLICY;
	set_pin(d, *pin, entry, why, now_ms);
	d->entry.force_ms = 0;
	if (pin->set)
		return;
	d->entry.lease_ms = lease_ms;
	d->entry.lease_end_ms = look_ms;
	d->look_ms = look_ms;
}

void
destination_forecast(struct destination *d, struct demand entry, int64_t now_ms)
{
	set_pin(d, (struct destination_pin){.set = false}, entry, WHY_FORECAST, now_ms);
	d->entry.lease_ms = DESTINATION_FORECAST_MS;
	d->entry.lease_end_ms = now_ms + DESTINATION_FORECAST_MS;
	d->look_ms = d->entry.lease_end_ms;
}

bool
destination_is_forecast(const struct destination *d, int64_t now_ms)
{
	return d->entry.level != LEVEL_NONE && d->entry.why == WHY_FORECAST &&
	    now_ms < d->entry.since_ms + DESTINATION_FORECAST_MS;
}

void
destination_end_parent(struct destination *d, int64_t now_ms, struct judged *out)
{
	bool had = d->entry.level != LEVEL_NONE;

	*out = (struct judged){
	    .decision = {.action = had ? ACTION_REMOVE : ACTION_KEEP, .why = WHY_NONE},
	    .before = demand_copy(destination_demand(d)),
	    .changed = had,
	    .map_changed = had};
	destination_unpin(d, now_ms);
}

/* --- when to judge ----------------------------------------------------------------- */

void
destination_postpone(struct destination *d, int64_t at_ms)
{
	d->look_ms = at_ms;
}

bool
destination_look_before(struct destination *d, int64_t before_ms, int64_t now_ms)
{
	if (!d->alarm.raised || (d->look_ms != 0 && d->look_ms < before_ms))
		return false;
	d->look_ms = now_ms;
	return true;
}

void
destination_recheck(struct destination *d, int64_t now_ms)
{
	d->look_ms = now_ms;
	d->dns.until_ms = 0;
	if (d->entry.lease_end_ms > now_ms) {
		d->entry.lease_end_ms = now_ms;
		/* The next one is as long: it grows by those that ended by themselves. */
		d->entry.lease_ms /= 2;
	}
}

void
destination_again(struct destination *d, int64_t now_ms)
{
	if (d->pin.set)
		return;
	destination_recheck(d, now_ms);
	d->again_ms = now_ms;
}
