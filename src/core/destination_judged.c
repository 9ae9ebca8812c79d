/* SPDX-License-Identifier: BSD-2-Clause */
/* A destination judged: answers in, evidence out, the decision carried out. */
#include <string.h>

#include "base/span.h"
#include "core/answers.h"
#include "core/destination_impl.h"

/* Servers that could not tell are looked at each hour at least; and again as late as
 * that, where many are. */
#define WATCHED_MS (2 * SPAN_HOUR_MS)

void
judged_clear(struct judged *judged)
{
	demand_clear(&judged->before);
	*judged = (struct judged){.changed = false};
}

/* --- before it is judged ----------------------------------------------------------- */

/*
 * Is the deferral that led to the present entry all that is known when its lease ends?
 * No mail was sent since: perhaps there was none. It is no reason against a trial.
 */
static bool
is_settled(const struct destination *d, int64_t now_ms)
{
	bool under_another = d->alarm.suspended ||
	    d->alarm.attempt_ms < d->entry.force_ms ||
	    (d->alarm.attempt_level != LEVEL_UNKNOWN &&
	        d->alarm.attempt_level != d->entry.level);

	return d->alarm.raised && !d->alarm.pending && d->entry.level != LEVEL_NONE &&
	    now_ms >= d->entry.lease_end_ms && under_another;
}

bool
destination_wants_probe(
    const struct destination *d, enum level default_level, int64_t now_ms)
{
	return !d->pin.set && d->entry.level != LEVEL_NONE &&
	    d->entry.level != LEVEL_DANE_ONLY &&
	    level_promise(d->entry.level) < level_promise(default_level) &&
	    (now_ms >= d->entry.lease_end_ms ||
	        destination_better_ms(d, destination_log_ms(now_ms)) != 0);
}

int64_t
destination_news_ms(const struct destination *d)
{
	int64_t news_ms = d->again_ms;

	if (d->alarm.raised) {
		destination_later(&news_ms, d->alarm.last_attempt_ms);
		destination_later(&news_ms, d->alarm.attempt_ms);
		/* A session speaks against a hold, if they confirm it. */
		if (d->hold.level != LEVEL_NONE)
			destination_later(&news_ms, destination_met_ms(d, LEVEL_ENCRYPT));
	}
	destination_later(&news_ms, destination_better_ms(d, INT64_MAX));
	return news_ms;
}

int64_t
destination_met_ms(const struct destination *d, enum level level)
{
	int64_t met_ms = 0;

	if (level < LEVEL_ENCRYPT || level == LEVEL_FINGERPRINT)
		return 0;
	destination_later(&met_ms, d->past.dane_ms);
	if (level != LEVEL_DANE_ONLY)
		destination_later(&met_ms, d->past.secure_ms);
	if (level <= LEVEL_VERIFY)
		destination_later(&met_ms, d->past.verify_ms);
	if (level == LEVEL_ENCRYPT)
		destination_later(&met_ms, d->past.encrypt_ms);
	return met_ms;
}

static void
bring_back(int64_t *at_ms, int64_t latest_ms, int64_t to_ms)
{
	if (*at_ms > latest_ms)
		*at_ms = to_ms;
}

/*
 * Clamps times in the future, left by a clock that was since set back. Our own may be a
 * minute ahead, the log's a day (time zone). Attempts were before they are judged: a line
 * that anybody stamps ahead must end no time to wait. The past stays: should the clock be
 * behind now, its times were right.
 */
static void
mend_times(struct destination *d, int64_t now_ms)
{
	int64_t soon_ms = now_ms + SPAN_MINUTE_MS;
	int64_t *const logged[] = {&d->alarm.time_ms, &d->alarm.attempt_ms,
	    &d->alarm.first_attempt_ms, &d->alarm.last_attempt_ms,
	    &d->alarm.plain.first_ms, &d->alarm.plain.last_ms, &d->alarm.contradicted_ms};

	if (d->entry.force_ms != LADDER_NOT_YET)
		bring_back(&d->entry.force_ms, soon_ms, now_ms);
	bring_back(&d->again_ms, soon_ms, now_ms);
	/* Or neither DNS nor the servers would be asked again until then. */
	bring_back(&d->probe.time_ms, soon_ms, now_ms);
	bring_back(&d->probe.clean_ms, soon_ms, now_ms);
	if (d->dns.time_ms > soon_ms)
		d->dns.time_ms = d->dns.until_ms = now_ms;
	bring_back(&d->entry.since_ms, soon_ms, now_ms);
	bring_back(&d->hold.verify_ms, soon_ms, now_ms);
	bring_back(&d->hold.encrypt_ms, soon_ms, now_ms);
	bring_back(&d->hold.may_ms, soon_ms, now_ms);
	bring_back(&d->alarm.silent_ms, soon_ms, now_ms);
	bring_back(&d->dns.denied_ms, soon_ms, now_ms);
	bring_back(&d->entry.dane_absent_ms, soon_ms, now_ms);
	if (!d->pin.set)
		bring_back(&d->entry.lease_end_ms, soon_ms + d->entry.lease_ms,
		    now_ms + d->entry.lease_ms);
	for (size_t i = 0; i < sizeof(logged) / sizeof(logged[0]); i++)
		bring_back(logged[i], now_ms, now_ms - 1);
	bring_back(&d->past.sent_ms, destination_log_ms(now_ms), now_ms - 1);
}

/* Was it judged, and does no message wait as long? What is news is of a log read late. */
static bool
is_outlived(
    const struct destination *d, const struct destination_spans *spans, int64_t now_ms)
{
	return d->alarm.raised && !d->alarm.pending &&
	    now_ms - d->alarm.time_ms > spans->alarm_ms;
}

/*
 * Were its servers not looked at for so long that nobody knows what they did? They were
 * silent before, and not since: of a wait that is watched each look asks DNS first.
 */
static bool
is_unwatched(const struct destination *d, int64_t now_ms)
{
	return d->alarm.silent_ms != 0 && now_ms - d->dns.time_ms > WATCHED_MS;
}

void
destination_catch_up(
    struct destination *d, const struct destination_spans *spans, int64_t now_ms)
{
	if (is_settled(d, now_ms))
		d->alarm.raised = false;
	mend_times(d, now_ms);
	if (is_unwatched(d, now_ms))
		d->alarm.silent_ms = 0;
	if (is_outlived(d, spans, now_ms)) {
		destination_trouble_over(d);
		destination_end_alarm(d);
	}
}

/* Was dane-only met, as an entry or as the default? */
static bool
had_dane(const struct destination *d, const struct answers *answers)
{
	return d->entry.level == LEVEL_DANE_ONLY ||
	    (d->entry.level == LEVEL_NONE &&
	        (d->past.dane_ms != 0 || answers->hosts_past.dane_ms != 0));
}

static bool
is_gone(enum dane_state state)
{
	return state == DANE_NONE || state == DANE_UNUSABLE || state == DANE_INSECURE_MX;
}

static bool
was_gone(const struct destination *d)
{
	static const enum dane_state states[] = {
	    DANE_NONE, DANE_UNUSABLE, DANE_INSECURE_MX};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(d->dns.state, dane_state_name(states[i])) == 0)
			return true;
	return false;
}

#define DAILY_MS (26 * SPAN_HOUR_MS) /* DNS is asked once a day at least */

/* How long TLSA is gone: the time between two looks counts where both told so, and none
 * was missed between them. */
static void
note_absence(struct destination *d, const struct answers *answers, int64_t now_ms)
{
	enum dane_state state = answers->dane.state;
	int64_t passed_ms = now_ms - d->dns.time_ms;

	if (state == DANE_USABLE) {
		d->entry.dane_absent_ms = 0;
	} else if (d->entry.dane_absent_ms == 0) {
		if (is_gone(state) && had_dane(d, answers))
			d->entry.dane_absent_ms = now_ms;
	} else if (!answers->remembered && passed_ms > 0 &&
	    !(is_gone(state) && was_gone(d) && passed_ms <= DAILY_MS)) {
		d->entry.dane_absent_ms = passed_ms < now_ms - d->entry.dane_absent_ms
		    ? d->entry.dane_absent_ms + passed_ms
		    : now_ms;
	}
}

static void
note_dns(struct destination *d, const struct answers *answers, int64_t now_ms)
{
	enum dane_state state = answers->dane.state;

	note_absence(d, answers, now_ms);
	str_copy(str_of(dane_state_name(state)), d->dns.state, sizeof(d->dns.state));
	str_copy(str_of(answers->text), d->dns.text, sizeof(d->dns.text));
	if (!answers->remembered) {
		d->dns.time_ms = now_ms;
		d->dns.until_ms = now_ms + dane_serves_ms(&answers->dane);
		d->dns.signed_domain = answers->dane.signed_domain;
		d->dns.all_usable = answers->dane.all_usable;
	}
	if (state != DANE_UNSURE)
		d->dns.failures = 0;
	else if (!answers->dane.stale_absence)
		d->dns.failures++;
	if (!answers->remembered && state != DANE_UNSURE && answers->relay_fits &&
	    d->alarm.raised && d->alarm.relay[0] != '\0')
		destination_accept_server(d, d->alarm.relay, now_ms);
	if (!answers->remembered && state != DANE_UNSURE)
		destination_settle_servers(d);
}

/* Clean probes count while the same level works, and far enough apart. */
static void
note_clean_probe(struct destination *d, enum level level,
    const struct destination_spans *spans, int64_t now_ms)
{
	destination_seen(d, level, now_ms);
	if (d->probe.level != level)
		d->probe.clean = 0;
	if (d->probe.clean > 0 && now_ms - d->probe.clean_ms < spans->apart_ms &&
	    now_ms >= d->probe.clean_ms)
		return;
	d->probe.clean++;
	d->probe.clean_ms = now_ms;
}

static void
note_probe(struct destination *d, const struct answers *answers,
    const struct destination_spans *spans, int64_t now_ms)
{
	d->probe.better = destination_better_ms(d, destination_log_ms(now_ms)) != 0;
	d->probe.time_ms = now_ms;
	if (answers->probed == LEVEL_UNKNOWN) {
		d->probe.level = LEVEL_UNKNOWN;
		d->probe.clean = 0;
		return;
	}
	if (answers->probe_works == ANSWER_YES)
		note_clean_probe(d, answers->probed, spans, now_ms);
	else if (answers->probe_works == ANSWER_NO)
		d->probe.clean = 0;
	d->probe.level = answers->probed;
	d->probe.works = answers->probe_works;
}

/*
 * Since the last look nobody asked the servers, as DNS could not tell of them: that is no
 * time in which they were silent. Or whoever breaks DNS between two moments would have
 * one silence of them.
 */
static void
note_unwatched(struct destination *d, const struct answers *answers, int64_t now_ms)
{
	int64_t *silent_ms = &d->alarm.silent_ms;
	int64_t from_ms = d->dns.time_ms > *silent_ms ? d->dns.time_ms : *silent_ms;

	if (*silent_ms == 0 || answers->remembered || now_ms <= from_ms ||
	    (answers->witnesses != NULL && answers->witnesses->measured.asked))
		return;
	*silent_ms += now_ms - from_ms;
}

/*
 * A line of the text of facts: since when a policy may be there that is not known, and
 * when that was so last. What is known for less than a day in between does not end it:
 * whose answers come and go would have mail wait without end.
 */
#define UNSURE_POLICY   "unsure-policy"
#define UNSURE_AGAIN_MS SPAN_DAY_MS

static void
note_unsure_policy(struct destination *d, const struct answers *answers, int64_t now_ms)
{
	bool lost = answers->sts_lost && destination_is_under_policy(d);
	struct fact fact;

	if (sts_may_weaken(answers->sts) != ANSWER_UNSURE && !lost)
		return;
	if (!facts_find(d->facts, UNSURE_POLICY, &fact) || fact.asked_ms > now_ms ||
	    now_ms - fact.until_ms > UNSURE_AGAIN_MS)
		fact.asked_ms = now_ms;
	fact = (struct fact){.name = STR(UNSURE_POLICY),
	    .asked_ms = fact.asked_ms,
	    .until_ms = now_ms,
	    .text = STR("")};
	facts_put(d->facts, &fact);
}

int64_t
destination_unsure_policy_ms(const struct destination *d)
{
	struct fact fact;

	return facts_find(d->facts, UNSURE_POLICY, &fact) ? fact.asked_ms : 0;
}

void
destination_take_answers(struct destination *d, const struct answers *answers,
    const struct destination_spans *spans, int64_t now_ms)
{
	note_unwatched(d, answers, now_ms);
	note_dns(d, answers, now_ms);
	note_unsure_policy(d, answers, now_ms);
	if (answers->probe_asked)
		note_probe(d, answers, spans, now_ms);
}

void
destination_take_fact(struct destination *d, const struct fact *fact)
{
	facts_put(d->facts, fact);
}

void
destination_recall_dns(const struct destination *d, int64_t now_ms, struct answers *out)
{
	out->sources[FACT_dns] =
	    answers_source_of(d->dns.time_ms, d->dns.until_ms, now_ms);
	out->dane = (struct dane_verdict){.state = DANE_UNSURE,
	    .signed_domain = d->dns.signed_domain,
	    .all_usable = d->dns.all_usable};
	dane_state_parse(str_of(d->dns.state), &out->dane.state);
	str_copy(str_of(d->dns.text), out->text, sizeof(out->text));
}

/* --- the decision ------------------------------------------------------------------ */

/* Since when a better past holds the step to that level. */
static int64_t *
hold_since(struct destination_hold *hold, enum level level)
{
	return level_promise(level) <= LEVEL_MAY ? &hold->may_ms
	    : level == LEVEL_ENCRYPT             ? &hold->encrypt_ms
	                                         : &hold->verify_ms;
}

/* It goes on after a moment in which nothing was found out: that is no news. */
static bool
is_old_hold(struct destination *d, const struct decision *decision)
{
	return decision->why == WHY_HOLD && why_could_not_tell(d->why) &&
	    d->hold.level == decision->entry.level &&
	    *hold_since(&d->hold, decision->entry.level) == decision->since_ms;
}

/* Nobody confirmed it for so long that it is another one. */
static bool
begins_anew(struct destination *d, const struct decision *decision, int64_t now_ms)
{
	int64_t since_ms = *hold_since(&d->hold, decision->entry.level);

	return decision->why == WHY_HOLD && since_ms != 0 &&
	    since_ms != decision->since_ms && decision->since_ms == now_ms;
}

/* Whatever is decided: the servers were found to do what the hold waits for. */
static bool
is_met(const struct evidence *ev)
{
	return ev->measured.asked && ev->measured.answered && !ev->measured.ours &&
	    ev->measured.meets[ladder_level_in_force(ev)] == ANSWER_YES;
}

static void
note_hold(
    struct destination *d, const struct decision *decision, const struct evidence *ev)
{
	int64_t *since_ms = hold_since(&d->hold, decision->entry.level);

	if (ev->deferral && is_met(ev)) {
		destination_forget_hold(d);
		return;
	}
	/* Whoever disturbs DNS for a moment must not be able to begin a hold anew. */
	if (why_could_not_tell(decision->why) && decision->action != ACTION_HOLD)
		return;
	if (decision->action != ACTION_HOLD) {
		destination_forget_hold(d);
		return;
	}
	d->hold.level = decision->entry.level;
	/* A freeze begins none: what fails by our fault tells nothing of theirs. */
	if (decision->why == WHY_HOLD || decision->why == WHY_POLICY_UNSURE ||
	    decision->why == WHY_POLICY_ASKED)
		*since_ms = decision->since_ms;
}

/* Servers that could not tell are waited for, until they do. */
static void
note_silence(struct destination *d, const struct evidence *ev,
    const struct decision *decision, int64_t now_ms)
{
	if (decision->why == WHY_NO_ANSWER || decision->why == WHY_AWAITED) {
		if (d->alarm.silent_ms == 0)
			d->alarm.silent_ms = now_ms;
	} else if (ladder_servers_tell(ev)) {
		d->alarm.silent_ms = 0;
	}
}

/*
 * Leases that began together do not end together: up to a sixteenth is taken off, as
 * much for each destination as its name says (FNV-1a).
 */
static int64_t
spread(const char *key, int64_t lease_ms)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return lease_ms - (int64_t)(h % (uint64_t)(lease_ms / 16 + 1));
}

static void
set_lease(struct destination *d, int64_t lease_ms, int64_t now_ms)
{
	d->entry.lease_ms = lease_ms;
	d->entry.lease_end_ms = now_ms + spread(d->key, lease_ms);
}

/* What was taken over was found to be needed here. */
static void
renew_lease(struct destination *d, const struct decision *decision, int64_t now_ms)
{
	set_lease(d, decision->lease_ms, now_ms);
	if (d->entry.why == WHY_TAKEN_OVER)
		d->entry.why = decision->why;
}

static struct demand
entry_after(const struct destination *d, const struct decision *decision)
{
	return decision->action == ACTION_SET   ? decision->entry
	    : decision->action == ACTION_REMOVE ? demand_of(LEVEL_NONE)
	                                        : destination_demand(d);
}

static void
change_entry(struct destination *d, const struct decision *decision, int64_t now_ms)
{
	/* What it climbed from, should it fall back soon; a pin is no finding of ours. */
	bool climbs = decision->why == WHY_TRIAL || decision->why == WHY_PROBED;
	enum level trial = climbs && !d->pin.set ? d->entry.level : LEVEL_NONE;
	/* The same rung in another word is there for the same reason. */
	enum why why = decision->why == WHY_STILL_NEEDED ? d->entry.why : decision->why;

	destination_reset_entry(d, entry_after(d, decision), why, now_ms);
	d->entry.trial = trial;
	if (d->entry.level != LEVEL_NONE)
		set_lease(d, decision->lease_ms, now_ms);
}

/* What an enforced policy asks for and is there already is the policy's from now on,
 * whoever put it there: a pin that is over, a forecast. */
static void
note_policy(struct destination *d, const struct evidence *ev)
{
	struct demand entry = {LEVEL_SECURE, ev->sts_attributes};

	if (ev->asked && ev->sts == STS_APPLIES_ENFORCE && ev->sts_attributes != NULL &&
	    !d->pin.set && demand_equal(destination_demand(d), entry))
		d->entry.why = WHY_POLICY;
}

/* When to re-check; never a time that is over: it would be judged without end. */
static int64_t
next_look(const struct destination *d, const struct decision *decision,
    int64_t recheck_ms, int64_t now_ms)
{
	if (d->pin.set && !decision->pin_stays)
		return d->pin.until_ms;
	if (d->entry.level == LEVEL_NONE ||
	    (decision->look_again_ms != 0 &&
	        (decision->lease_ms == 0 ||
	            decision->look_again_ms < d->entry.lease_end_ms)))
		return decision->look_again_ms;
	return d->entry.lease_end_ms > now_ms ? d->entry.lease_end_ms
	                                      : now_ms + recheck_ms;
}

/* An echo puts nothing off. */
static void
plan_look(struct destination *d, const struct decision *decision, int64_t look_ms,
    int64_t now_ms)
{
	if (decision->why != WHY_ECHO || d->look_ms <= now_ms ||
	    (look_ms != 0 && look_ms < d->look_ms))
		d->look_ms = look_ms;
}

/*
 * An echo tells nothing new, and neither does DNS that was asked in the midst of a lease:
 * what was last decided still stands. So does a fault of ours until a server was asked.
 */
static bool
is_news(const struct destination *d, const struct evidence *ev,
    const struct decision *decision, int64_t now_ms)
{
	if (decision->why == WHY_STILL_NEEDED && d->why == WHY_OUR_FAULT &&
	    !d->alarm.raised && !ev->measured.asked)
		return false;
	if (decision->why == WHY_STILL_NEEDED)
		return decision->action != ACTION_KEEP || ev->measured.asked ||
		    now_ms >= d->entry.lease_end_ms || d->alarm.raised ||
		    why_once_sent(d->why, WHY_NONE) != d->why;
	return decision->why != WHY_ECHO;
}

static bool
is_change(struct destination *d, const struct decision *decision, bool map_changed,
    int64_t now_ms)
{
	return map_changed || decision->why != d->why ||
	    begins_anew(d, decision, now_ms) ||
	    (decision->action == ACTION_HOLD && decision->entry.level != d->hold.level);
}

/* These last, and are to be known for that: alerted though they are no change. A re-check
 * of a contradiction is no more of it. */
static bool
is_worse(const struct destination *d, const struct evidence *ev,
    const struct decision *decision)
{
	return (decision->why == WHY_DNS_UNSURE && !ev->dane.distrusted) ||
	    (decision->why == WHY_CONTRADICTION && d->alarm.pending);
}

void
destination_decide(struct destination *d, const struct evidence *ev,
    const struct decision *decision, const char *rule, int64_t recheck_ms, int64_t now_ms,
    struct judged *out)
{
	struct demand before = destination_demand(d);
	bool map_changed = !demand_equal(entry_after(d, decision), before);
	bool news = is_news(d, ev, decision, now_ms);
	bool changed = news && is_change(d, decision, map_changed, now_ms);

	*out = (struct judged){.decision = *decision,
	    .before = demand_copy(before),
	    .map_changed = map_changed,
	    .changed = changed,
	    .tell = decision->alert && !is_old_hold(d, decision) &&
	        (changed || is_worse(d, ev, decision))};
	/* No witness was asked: anybody may have written the lines before this one. Nor
	 * does an attempt at another's server tell of this one's. Where the servers tell,
	 * each attempt that counts had its witnesses. */
	if (ev->deferral && decision->why != WHY_ECHO &&
	    (decision->why == WHY_ELSEWHERE ? ev->prober == ANSWER_NO
	                                    : ev->queue == QUEUE_NOT_ASKED && !ev->asked))
		d->alarm.plain = (struct plain_attempts){0};
	note_hold(d, decision, ev);
	note_silence(d, ev, decision, now_ms);
	if (decision->why == WHY_RESOLVERS_DIFFER && ev->deferral && ev->denies_tlsa)
		d->dns.denied_ms = now_ms;
	if (decision->ends_alarm)
		destination_end_alarm(d);
	if (map_changed)
		change_entry(d, decision, now_ms);
	else if (decision->lease_ms != 0)
		renew_lease(d, decision, now_ms);
	if (!ev->pinned && !decision->pin_stays)
		d->pin.set = false;
	note_policy(d, ev);
	if (rule != NULL)
		str_copy(str_of(rule), d->alarm.rule, sizeof(d->alarm.rule));
	if (news)
		d->why = decision->why;
	plan_look(d, decision, next_look(d, decision, recheck_ms, now_ms), now_ms);
	/* What came while witnesses were being asked is judged next. */
	d->alarm.pending = d->alarm.raised && d->alarm.last_attempt_ms > ev->served_ms;
	/* What the decision borrowed from the entry before is gone. */
	if (decision->action == ACTION_SET)
		out->decision.entry = destination_demand(d);
}
