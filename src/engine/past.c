/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The past of MX hosts, in the database: written from the log with the rest of a fold
 * (engine/intake.h) and here from probes, read for whatever is judged.
 */
#include <string.h>

#include "engine/engine_impl.h"
#include "engine/twins.h"

struct past {
	struct engine *e;
	uint16_t port;
	bool failed;
	struct host_past *out;
	struct err *err;
};

static void
add_host(struct past *past, const char *name)
{
	struct host_past host;

	if (past->failed)
		return;
	past->failed =
	    !store_host_get(past->e->store, name, past->port, &host, past->err);
	if (!past->failed)
		host_past_add(past->out, &host);
}

static void
add_named(void *context, struct str name)
{
	char host[NEXTHOP_HOST_SIZE];

	if (str_copy(name, host, sizeof(host)))
		add_host(context, host);
}

bool
engine_past(struct engine *e, const struct destination *d, const struct answers *answers,
    struct answers *known, struct err *err)
{
	struct past past = {.e = e, .out = &known->hosts_past, .err = err};

	known->hosts_past = (struct host_past){0};
	known->twins_past = (struct destination_past){0};
	if (!twins_past(e->store, d->key, &known->twins_past, err))
		return false;
	if (d->port == 0)
		return true;
	past.port = d->port;
	/* Those that smtp(8) would try, and whoever else DNS named, as far as it is kept.
	 */
	for (unsigned i = 0; answers->choice != NULL && i < answers->choice->count; i++)
		add_host(&past, answers->choice->hosts[i].name);
	dane_each_host(
	    answers->text[0] != '\0' ? answers->text : d->dns.text, add_named, &past);
	if (d->alarm.raised && d->alarm.relay[0] != '\0' && answers->relay_fits)
		add_host(&past, d->alarm.relay);
	return !past.failed;
}

/* The session of that attempt: its chain was not good. */
static bool
was_untrusted(const struct destination *d)
{
	return d->past.encrypt_ms >= d->alarm.attempt_ms &&
	    d->past.encrypt_ms > d->past.trusted_ms;
}

/* Is its alarm about a server of its own, that did not do what it should? */
static bool
has_failed(struct engine *e, const struct destination *d, const struct answers *answers)
{
	int rule = rules_find(e->rules, d->alarm.rule);

	/* The queue does not tell when that attempt was. */
	if (!d->alarm.raised || d->alarm.suspended || d->alarm.attempt_ms == 0 ||
	    d->alarm.relay[0] == '\0' ||
	    !destination_blames(d, e->judge.default_level, d->alarm.cause, d->alarm.relay,
	        was_untrusted(d)) ||
	    rule < 0 || answers->dane.state == DANE_UNSURE)
		return false;
	/* As in a fold. */
	return !rules_get(e->rules, (size_t)rule)->fault_ours &&
	    rules_get(e->rules, (size_t)rule)->fallback != FALLBACK_WAIT;
}

static bool
note_failed(struct engine *e, const struct destination *d, int64_t at_ms, struct err *err)
{
	struct host_past news = {
	    .failed_ms = at_ms < d->alarm.time_ms ? at_ms : d->alarm.time_ms};

	return d->port == 0 ||
	    store_host_add(e->store, d->alarm.relay, d->port, &news, err);
}

bool
engine_note_failed(struct engine *e, const struct destination *d,
    const struct answers *answers, struct err *err)
{
	return e->judge.asks_queue || answers->remembered || !answers->relay_fits ||
	    !has_failed(e, d, answers) || note_failed(e, d, d->alarm.time_ms, err);
}

/* Another alarm may have come since it was asked about. */
static bool
note_shown(struct engine *e, const struct witnessed *w, const struct destination *d,
    struct err *err)
{
	return !w->answers.relay_fits || strcmp(w->relay, d->alarm.relay) != 0 ||
	    strcmp(w->alarm.rule, d->alarm.rule) != 0 || !has_failed(e, d, &w->answers) ||
	    note_failed(e, d, w->says.shown_ms, err);
}

bool
engine_note_shown(struct engine *e, const int64_t *ids, size_t count, struct err *err)
{
	bool done = true;

	for (size_t i = 0; done && e->judge.prober == ANSWER_NO && i < count; i++) {
		const struct witnessed *w = witnesses_find(e->witnessed, ids[i]);
		struct destination d;
		bool found;

		if (w == NULL || w->says.queue != QUEUE_SHOWS)
			continue;
		done = store_get_id(e->store, ids[i], &d, &found, err) &&
		    (!found || note_shown(e, w, &d, err));
		destination_clear(&d);
	}
	return done;
}

static bool
raise_verified(struct engine *e, int64_t at_ms, struct err *err)
{
	int64_t verified_ms;

	if (!store_counter_get(e->store, "verified-ms", &verified_ms, err))
		return false;
	return verified_ms >= at_ms ||
	    store_counter_set(e->store, "verified-ms", at_ms, err);
}

static bool
asks_for_dane(const struct engine *e)
{
	return e->judge.default_level == LEVEL_DANE ||
	    e->judge.default_level == LEVEL_DANE_ONLY;
}

/* And that our clock is right: a certificate. A TLSA record was believed by the clock of
 * the resolver, so that it tells only where nothing else does. */
static bool
note_clock(struct engine *e, const struct host_past *news, struct err *err)
{
	int64_t at_ms = asks_for_dane(e) ? news->dane_ms : news->proven_ms;

	return at_ms == 0 || store_counter_set(e->store, "proven-ms", at_ms, err);
}

/* By the clock of the last proof. */
static bool
last_proof_ms(struct engine *e, int64_t *at_ms, struct err *err)
{
	int64_t logged_ms;

	*at_ms = 0;
	if (e->judge.prober != ANSWER_NO &&
	    !store_counter_get(e->store, "proven-ms", at_ms, err))
		return false;
	if (*at_ms == 0)
		return store_counter_get(e->store, "verified-ms", at_ms, err);
	if (!store_counter_get(e->store, "logged-ms", &logged_ms, err))
		return false;
	if (logged_ms != 0 && logged_ms < *at_ms)
		*at_ms = logged_ms;
	return true;
}

bool
engine_proof_ms(struct engine *e, int64_t *at_ms, struct err *err)
{
	int64_t lived_ms;

	if (!last_proof_ms(e, at_ms, err) ||
	    !store_counter_get(e->store, "lived-ms", &lived_ms, err))
		return false;
	if (*at_ms != 0 && lived_ms > *at_ms)
		*at_ms = lived_ms;
	return true;
}

bool
engine_live(struct engine *e, int64_t ran_ms, int64_t now_ms, struct err *err)
{
	int64_t at_ms;

	if (!engine_proof_ms(e, &at_ms, err))
		return false;
	return at_ms == 0 || at_ms + ran_ms > now_ms ||
	    store_counter_set(e->store, "lived-ms", at_ms + ran_ms, err);
}

/* What it proves of us: our CA file, where certificates are what is asked for. As for
 * sessions in the log (engine/intake.c). */
static bool
note_proof(struct engine *e, const struct host_past *news, struct err *err)
{
	int64_t at_ms = asks_for_dane(e) ? news->dane_ms : news->proven_ms;

	if (e->judge.default_level == LEVEL_ENCRYPT)
		at_ms = news->encrypt_ms;
	if (at_ms == 0)
		return true;
	return store_counter_set(e->store, "probed-ms", at_ms, err) &&
	    raise_verified(e, at_ms, err);
}

bool
engine_note_servers(struct engine *e, const struct host_past *past, struct err *err)
{
	enum level level = e->judge.default_level;
	int64_t at_ms = past->verify_ms;

	if (level != LEVEL_VERIFY && level != LEVEL_SECURE && past->dane_ms > at_ms)
		at_ms = past->dane_ms;
	if (level == LEVEL_ENCRYPT && past->encrypt_ms > at_ms)
		at_ms = past->encrypt_ms;
	return past->failed_ms >= at_ms || raise_verified(e, at_ms, err);
}

void
engine_note_host(struct engine *e, const struct host *host)
{
	struct server_rules rules = finger_settings_of(&e->known->settings).rules;
	struct host_past news = host_news(host, &rules, e->judge.default_level);
	struct host_cause cause = host_cause_news(host, &rules);
	struct err err;

	if (!store_begin(e->store, &err) ||
	    !store_host_add(e->store, host->name, host->port, &news, &err) ||
	    !store_host_cause_add(e->store, host->name, host->port, &cause, &err) ||
	    !note_proof(e, &news, &err) || !note_clock(e, &news, &err) ||
	    !store_commit(e->store, &err))
		engine_not_stored(e, "store what a server did", &err);
	if (e->judge.frozen)
		engine_tell(e, NEWS_EVIDENCE); /* it may be over */
}

/* A day of a past of 90, and of the 7 for which a canary is known: less adds up to that,
 * as all rows are written. */
#define SHIFT_MS SPAN_DAY_MS

bool
engine_shift_past(struct engine *e, int64_t by_ms, int64_t now_ms, struct err *err)
{
	static const char *const proofs[] = {"verified-ms", "probed-ms", "proven-ms",
	    "logged-ms", "lived-ms", "frozen-ms", "thawed-ms"};
	int64_t before_ms, at_ms, owed_ms = 0;

	if (!store_counter_get(e->store, "past-owed-ms", &owed_ms, err))
		return false;
	by_ms += owed_ms;
	if (by_ms < SHIFT_MS && by_ms > -SHIFT_MS)
		return store_counter_set(e->store, "past-owed-ms", by_ms, err);
	before_ms = now_ms - by_ms;
	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++)
		if (!store_counter_get(e->store, proofs[i], &at_ms, err) ||
		    (at_ms != 0 && at_ms <= before_ms + SPAN_MINUTE_MS &&
		        !store_counter_set(e->store, proofs[i], at_ms + by_ms, err)))
			return false;
	return store_shift_past(e->store, by_ms, before_ms, err) &&
	    store_counter_set(e->store, "past-owed-ms", 0, err);
}
