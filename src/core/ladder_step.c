/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A step down: guards 11 to 16. What is measured decides how far; the reason of the
 * deferral only where nothing can be measured.
 */
#include "core/ladder_impl.h"

#define ASKED_LOOK_MS      (2 * SPAN_MINUTE_MS)  /* more than a fetch may take */
#define ASKED_MAX_MS       (30 * SPAN_MINUTE_MS) /* ... and more than its turn takes */
#define NEWER_LOOK_MS      (5 * SPAN_MINUTE_MS)  /* its own line is waited for */
#define UNWATCHED_MS       SPAN_DAY_MS  /* a hold that nobody confirmed begins anew */
#define SENT_PLAIN_MS      SPAN_HOUR_MS /* smtp(8) does by itself, at the latest */
#define CONTRADICTIONS_MAX 3            /* so many: alert, once, and mail waits */

/* The step that is due. */
struct step {
	enum level present; /* what the level in force comes to */
	enum level level;   /* may is the lowest rung */
	enum why why;
	bool measured; /* by the servers; else by the reason alone */
	bool gone;     /* who did better, or did not answer, is waited for no longer */
	bool back;     /* a trial failed: it goes back to what it climbed from */
	enum answer logs_in; /* is a password sent there? */
};

/* --- guard 13: by the reason alone -------------------------------------------------- */

/*
 * The strongest weaker level at which the reason need not come again; LEVEL_NONE: there
 * is none. A fallback of encrypt says that authentication failed, so another kind of
 * authentication is tried first; one of may says that there is no TLS at all.
 */
static enum level
weaker_level(enum level present, enum fallback fallback, enum level fallback_level)
{
	enum level next = measured_next(present);

	if (fallback == FALLBACK_NEXT)
		return next;
	if (fallback_level >= LEVEL_ENCRYPT && next >= fallback_level)
		return next;
	return fallback_level < present ? fallback_level : LEVEL_NONE;
}

static enum why
reason_why(enum fallback fallback, enum level fallback_level)
{
	if (fallback == FALLBACK_NEXT)
		return WHY_ONE_RUNG;
	return fallback_level == LEVEL_MAY    ? WHY_NOT_ENCRYPTED
	    : fallback_level == LEVEL_ENCRYPT ? WHY_NOT_AUTHENTIC
	                                      : WHY_NO_DANE;
}

static void
by_reason(const struct evidence *ev, struct step *step)
{
	step->measured = false;
	step->level = weaker_level(step->present, ev->fallback, ev->fallback_level);
	step->why = reason_why(ev->fallback, ev->fallback_level);
}

/*
 * Guard 2: a reason that cannot come at the level in force, so that Postfix does not use
 * it. Only dane-only complains of TLSA that are not there; no certificate is checked
 * below verify; nothing is required at the lowest rung.
 */
static bool
is_impossible(const struct evidence *ev, enum level present)
{
	if (ev->denies_tlsa)
		return present < LEVEL_DANE_ONLY;
	return ev->fallback == FALLBACK_LEVEL && ev->fallback_level >= present;
}

/* --- guard 12: the witnesses -------------------------------------------------------- */

static unsigned
missing(const struct evidence *ev, enum level present)
{
	unsigned wants = 0;

	if (ev->queue == QUEUE_NOT_ASKED)
		wants |= WANTS_QUEUE;
	if (ev->prober != ANSWER_NO && !ev->measured.asked)
		wants |= WANTS_SERVERS;
	/* Beside the others, so that nobody waits for it afterwards. */
	if (wants != 0 && level_is_authenticated(present) &&
	    ev->canary == CANARY_NOT_ASKED)
		wants |= WANTS_CANARY;
	return wants;
}

bool
ladder_queue_settles(const struct evidence *ev, int64_t now_ms, struct decision *out)
{
	switch (ev->queue) {
	case QUEUE_GONE:
		*out = ladder_keep(WHY_GONE, 0);
		out->ends_alarm = true;
		return true;
	case QUEUE_NEWER:
		*out = ladder_keep(WHY_NEWER,
		    ladder_patience(
		        ev->last_attempt_ms, now_ms, NEWER_LOOK_MS, BACK_OFF_MAX_MS));
		return true;
	case QUEUE_UNREADABLE:
		*out = ladder_keep_and_alert(WHY_QUEUE_UNREAD,
		    ladder_patience(
		        ev->unread_ms, now_ms, BACK_OFF_FIRST_MS, BACK_OFF_MAX_MS));
		return true;
	default:
		return false;
	}
}

/* Servers that could not tell are waited for until the hold of the next step is over. */
static int64_t
patience_ends(const struct ladder_policy *policy, const struct evidence *ev,
    const struct step *step)
{
	return ev->silent_since_ms +
	    ladder_hold_ms(policy, ev, measured_next(step->present));
}

static bool
is_patience_over(const struct ladder_policy *policy, const struct evidence *ev,
    const struct step *step, int64_t now_ms)
{
	return ev->silent_since_ms != 0 && now_ms >= patience_ends(policy, ev, step);
}

static struct decision
wait_for_answer(const struct ladder_policy *policy, const struct evidence *ev,
    const struct step *step, enum why why, int64_t now_ms)
{
	int64_t look_ms = ladder_patience(
	    ev->silent_since_ms, now_ms, BACK_OFF_FIRST_MS, BACK_OFF_MAX_MS);

	if (ev->silent_since_ms != 0 && look_ms > patience_ends(policy, ev, step))
		look_ms = patience_ends(policy, ev, step);
	return ladder_keep_and_alert(why, look_ms);
}

/* The level in force is met, and mail fails all the same: we and smtp(8) differ. */
static struct decision
decide_contradiction(const struct evidence *ev, int64_t now_ms)
{
	struct decision d = ladder_keep(WHY_CONTRADICTION, now_ms + BACK_OFF_MAX_MS);

	d.alert = ev->contradictions == CONTRADICTIONS_MAX;
	d.retry = ev->contradictions < CONTRADICTIONS_MAX;
	return d;
}

static enum why
measured_why(const struct step *step)
{
	if (step->level <= LEVEL_MAY)
		return WHY_NOT_ENCRYPTED;
	return step->level >= LEVEL_VERIFY && step->present == LEVEL_DANE_ONLY
	    ? WHY_NO_DANE
	    : WHY_NOT_AUTHENTIC;
}

/* A password must not be sent at less than the default; where it could not be told
 * whether there is one, there may be. */
static bool
exposes_credentials(const struct evidence *ev, const struct step *step, enum level level)
{
	return step->logs_in != ANSWER_NO && level < level_promise(ev->default_level);
}

/* What the servers come to. */
static void
by_servers(const struct evidence *ev, const struct measured *m, struct step *step)
{
	step->measured = true;
	step->level = measured_strongest(m, step->present);
	step->why = measured_why(step);
	step->logs_in = ladder_logs_in(ev, m);
}

/* Nothing is known of the level in force, of one between it and the step, or of a
 * password that would go. Fingerprints are no matter of a probe. */
static bool
is_unsure(const struct evidence *ev, const struct measured *m, const struct step *step)
{
	return !m->answered || step->level == LEVEL_UNKNOWN ||
	    (m->meets[step->present] == ANSWER_UNSURE &&
	        step->present != LEVEL_FINGERPRINT) ||
	    (step->level != LEVEL_NONE && step->logs_in == ANSWER_UNSURE &&
	        exposes_credentials(ev, step, step->level));
}

bool
ladder_servers_tell(const struct evidence *ev)
{
	struct step step = {.present = ladder_level_in_force(ev)};

	by_servers(ev, &ev->measured, &step);
	return ev->measured.asked && !ev->measured.ours &&
	    !is_unsure(ev, &ev->measured, &step);
}

/* By its reason alone nobody knows whose server failed: it may be a relay of the
 * sender's. Another attempt is made, whose line names the server. */
static struct decision
await_line(const struct evidence *ev, int64_t now_ms)
{
	struct decision d = ladder_keep(WHY_NO_HOST,
	    ladder_patience(ev->last_attempt_ms, now_ms, NEWER_LOOK_MS, BACK_OFF_MAX_MS));

	d.retry = true;
	return d;
}

/* What the servers were measured to do. True: it settles the matter, else *step is set.
 */
static bool
servers_settle(const struct ladder_policy *policy, const struct evidence *ev,
    int64_t now_ms, struct step *step, struct decision *out)
{
	const struct measured *m = &ev->measured;

	if (m->ours) {
		*out = ladder_our_fault(ev, now_ms);
		return true;
	}
	if (is_patience_over(policy, ev, step, now_ms)) {
		step->gone =
		    m->awaited || !m->answered || ladder_logs_in(ev, m) == ANSWER_UNSURE;
		m = &ev->measured_gone;
	}
	if (m->answered && m->meets[step->present] == ANSWER_YES) {
		*out = decide_contradiction(ev, now_ms);
		return true;
	}
	by_servers(ev, m, step);
	if (!is_unsure(ev, m, step))
		return false;
	if (!is_patience_over(policy, ev, step, now_ms)) {
		*out = wait_for_answer(policy, ev, step,
		    m->answered && (m->awaited || step->logs_in == ANSWER_UNSURE)
		        ? WHY_AWAITED
		        : WHY_NO_ANSWER,
		    now_ms);
		return true;
	}
	by_reason(ev, step);
	step->gone = true;
	return false;
}

/* --- guards 8, 9, 11 and 14: what no step may go below ------------------------------ */

/* Guard 9: an unsigned MX record leads to TLSA. Where the servers were asked only a host
 * that answers counts: the others promised nothing. */
static bool
promise_stands(const struct evidence *ev, const struct step *step)
{
	if (ev->dane.state != DANE_INSECURE_MX)
		return false;
	return !step->measured || ev->measured.promised;
}

static bool
is_below_floor(const struct ladder_policy *policy, const struct evidence *ev,
    const struct step *step, struct decision *out)
{
	bool cleartext = step->level <= LEVEL_MAY;
	enum why floor_why;

	if (cleartext && ev->dane.state == DANE_UNUSABLE)
		*out = ladder_keep_and_alert(WHY_TLSA_UNUSABLE, 0);
	else if (cleartext && promise_stands(ev, step))
		*out = ladder_keep_and_alert(WHY_INSECURE_MX, 0);
	else if (step->level == LEVEL_NONE || (cleartext && ev->wrapper))
		*out = ladder_keep_and_alert(WHY_NOTHING_WEAKER, 0);
	else if (exposes_credentials(ev, step, step->level))
		*out = ladder_keep_and_alert(WHY_CREDENTIALS, 0);
	else if (step->level < ladder_floor(policy, ev, &floor_why))
		*out = floor_why == WHY_PINNED
		    ? ladder_keep_and_alert(WHY_PIN_NOT_MET, 0)
		    : ladder_hold(ev, step->level, floor_why, 0);
	else
		return false;
	return true;
}

/* --- guards 14 and 15: not yet ------------------------------------------------------ */

/* Cleartext only after several attempts over some time. One has no span. */
static bool
is_too_early_for_may(const struct ladder_policy *policy, const struct evidence *ev)
{
	if (ev->plain.count < policy->may_after_attempts)
		return true;
	return policy->may_after_attempts > 1 &&
	    ev->plain.last_ms - ev->plain.first_ms < policy->may_after_ms;
}

/*
 * Once the time is over, one more attempt is made to decide it; where there is no word of
 * it, another, ever more slowly. Without an attempt that counts only news tells more.
 */
static struct decision
wait_for_may(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	int64_t over_ms = ev->plain.first_ms + policy->may_after_ms;
	struct decision d = ladder_hold(ev, LEVEL_MAY, WHY_MAY_AFTER, 0);

	if (ev->plain.count == 0)
		return d;
	d.retry = now_ms >= over_ms;
	d.look_again_ms = d.retry
	    ? ladder_patience(over_ms, now_ms, SPAN_MINUTE_MS, BACK_OFF_MAX_MS)
	    : over_ms;
	return d;
}

/* The attempt that is to end a hold met a server that does what is in force, and that did
 * not take the mail. What a session proved the servers are asked to confirm; where nobody
 * can ask them it counts as it is. */
static bool
is_met_now(const struct evidence *ev, int64_t now_ms)
{
	return ev->prober == ANSWER_NO && ev->met_ms != 0 && ev->met_ms <= now_ms &&
	    ev->met_ms >= ev->last_attempt_ms;
}

/* A hold that nobody confirmed within a day of its end begins anew: whoever prepared it
 * long ago must not profit from it. What a freeze adds is in its beginning. */
static int64_t
held_since(const struct evidence *ev, enum level level, int64_t hold_ms, int64_t now_ms)
{
	int64_t since_ms = ev->hold_since_ms[level];

	return since_ms == 0 || now_ms > since_ms + hold_ms + UNWATCHED_MS ? now_ms
	                                                                   : since_ms;
}

/*
 * Until the time is over and an attempt after it failed as well: what failed an hour ago
 * does not tell what would fail now.
 */
static bool
is_held(const struct ladder_policy *policy, const struct evidence *ev, enum level level,
    int64_t now_ms, struct decision *out)
{
	int64_t hold_ms = ladder_hold_ms(policy, ev, level);
	int64_t since_ms = held_since(ev, level, hold_ms, now_ms);
	int64_t until_ms = since_ms + hold_ms;

	if (ev->best_seen <= level ||
	    (now_ms >= until_ms && ev->last_attempt_ms >= until_ms &&
	        !is_met_now(ev, now_ms)))
		return false;
	*out = ladder_hold(ev, level, WHY_HOLD, now_ms < until_ms ? until_ms : 0);
	out->since_ms = since_ms;
	out->retry = now_ms >= until_ms && ev->last_attempt_ms < until_ms;
	return true;
}

/* Guard 15. A canary speaks for itself, whatever others do. */
static bool
is_frozen(const struct evidence *ev, const struct step *step, int64_t now_ms,
    struct decision *out)
{
	bool frozen =
	    ev->canary == CANARY_FAILS || (ev->frozen && ev->canary != CANARY_VERIFIES);

	if (!frozen && ev->last_attempt_ms >= ev->thawed_ms)
		return false;
	*out = ladder_hold(
	    ev, step->level, WHY_FREEZE, frozen ? now_ms + FREEZE_LOOK_MS : 0);
	/* What failed by our fault must fail again without it. */
	out->retry = !frozen;
	return true;
}

/*
 * It climbed not long ago: what it needed before is no news. Back to that where the
 * reason leads as low or lower; where the servers were measured, to what they meet, if
 * that is no weaker.
 */
static void
go_back(const struct evidence *ev, struct step *step)
{
	enum level trial = level_promise(ev->trial);

	if (ev->trial == LEVEL_NONE || ev->trial == LEVEL_UNKNOWN ||
	    trial >= step->present || step->level <= LEVEL_NONE)
		return;
	if (step->measured ? step->level < trial : step->level > trial)
		return;
	step->back = true;
	if (!step->measured)
		step->level = trial;
}

/*
 * Guard 10. Not for ever, as who can break an unsigned TXT record can deny it as well; in
 * a signed zone nobody can. A hold for the past may have begun long before the policy was
 * announced.
 */
bool
ladder_is_policy_unsure(const struct ladder_policy *policy, const struct evidence *ev,
    enum level level, int64_t now_ms, struct decision *out)
{
	int64_t hold_ms = ladder_hold_ms(policy, ev, level);
	int64_t since_ms = held_since(ev, level, hold_ms, now_ms);

	if (sts_may_weaken(ev->sts) != ANSWER_UNSURE && !ladder_lost_policy(ev))
		return false;
	if (ev->sts_unsure_ms > since_ms)
		since_ms = ev->sts_unsure_ms;
	if (ev->sts_asked && now_ms < since_ms + ASKED_MAX_MS) {
		*out = ladder_hold(ev, level, WHY_POLICY_ASKED, now_ms + ASKED_LOOK_MS);
		out->since_ms = since_ms;
		return true;
	}
	if (ev->sts == STS_APPLIES_UNSURE && ev->dane.signed_domain) {
		*out = ladder_keep_and_alert(WHY_POLICY_UNSURE,
		    ladder_patience(
		        ev->last_attempt_ms, now_ms, BACK_OFF_FIRST_MS, BACK_OFF_MAX_MS));
		return true;
	}
	if (now_ms >= since_ms + hold_ms)
		return false;
	*out = ladder_hold(ev, level, WHY_POLICY_UNSURE, since_ms + hold_ms);
	out->since_ms = since_ms;
	return true;
}

/* Before may_after, which alerts nobody at first: a destination that did better must not
 * wait silently. */
static bool
is_not_yet(const struct ladder_policy *policy, const struct evidence *ev,
    const struct step *step, int64_t now_ms, struct decision *out)
{
	bool at_once =
	    step->back && step->level != LEVEL_MAY && ev->seen_since_climb <= step->level;

	if (ladder_is_policy_unsure(policy, ev, step->level, now_ms, out))
		return true;
	if (!at_once && is_held(policy, ev, step->level, now_ms, out))
		return true;
	if (step->level != LEVEL_MAY || !is_too_early_for_may(policy, ev))
		return false;
	*out = wait_for_may(policy, ev, now_ms);
	return true;
}

static struct decision
take(const struct ladder_policy *policy, const struct evidence *ev,
    const struct step *step, int64_t now_ms)
{
	struct demand entry = ladder_entry(ev, step->level);
	struct decision d;

	if (ladder_is_default(ev, entry))
		return ladder_without_entry(ev, WHY_NOT_NEEDED);
	d = step->back ? ladder_set(entry, WHY_TRIAL_FAILED,
	                     ladder_doubled(policy, ev->lease_ms), now_ms)
	               : ladder_set(entry, step->why, policy->recheck_ms, now_ms);
	/* Cleartext is never silent; nor is a server that was given up. */
	d.alert = step->level == LEVEL_MAY || step->gone;
	return d;
}

/*
 * Nothing weaker is left. After a failed handshake smtp(8) goes on in cleartext by itself
 * at the lowest rung, once the message is old enough: with each message anew, which is no
 * news for the administrator. Mail waits only where that does not end.
 */
static struct decision
decide_bottom(const struct evidence *ev, const struct step *step)
{
	if (step->present <= LEVEL_MAY && ev->fallback == FALLBACK_NEXT && !ev->wrapper &&
	    ev->last_attempt_ms - ev->first_attempt_ms < SENT_PLAIN_MS)
		return ladder_keep(WHY_MAY_AFTER, 0);
	return ladder_keep_and_alert(WHY_NOTHING_WEAKER, 0);
}

struct decision
ladder_step(const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	struct step step = {
	    .present = ladder_level_in_force(ev), .logs_in = ev->credentials};
	struct decision d;

	if (is_impossible(ev, step.present))
		return ladder_must_ask_queue(ev, now_ms, &d)
		    ? d
		    : ladder_keep_and_alert(WHY_NO_EFFECT, 0);
	by_reason(ev, &step);
	if (step.level == LEVEL_NONE)
		return decide_bottom(ev, &step);
	/* Whatever the servers do, there is no step that it allows. */
	if ((ev->credentials == ANSWER_YES || ev->prober == ANSWER_NO) &&
	    exposes_credentials(ev, &step, measured_next(step.present)))
		return ladder_keep_and_alert(WHY_CREDENTIALS, 0);
	/* Before the servers: of a message that is gone nobody has any asked. */
	if (ladder_queue_settles(ev, now_ms, &d))
		return d;
	if (missing(ev, step.present) != 0)
		return ladder_wants(missing(ev, step.present));
	if (ev->prober != ANSWER_NO && servers_settle(policy, ev, now_ms, &step, &d))
		return d;
	if (!step.measured && ev->unplaced)
		return await_line(ev, now_ms);
	go_back(ev, &step);
	if (is_below_floor(policy, ev, &step, &d))
		return d;
	if (level_is_authenticated(step.present) && ev->canary == CANARY_NOT_ASKED)
		return ladder_wants(WANTS_CANARY);
	/* Before the hold: a freeze that lasts must not let a held step through. */
	if (is_frozen(ev, &step, now_ms, &d) || is_not_yet(policy, ev, &step, now_ms, &d))
		return d;
	return take(policy, ev, &step, now_ms);
}
