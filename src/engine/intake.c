/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/intake.h"

#include <stdio.h>

#include "core/prefilter.h"
#include "sys/clock.h"

#define ITEMS_MAX  20000
#define PARKED_MAX 5000

/* A minute as a stamp writes it, and when it began; 0: there is no such time. */
struct minute {
	struct stamp stamp;
	int64_t begin_ms;
};

static bool
is_in_minute(const struct stamp *a, const struct stamp *b)
{
	return a->minute == b->minute && a->hour == b->hour && a->day == b->day &&
	    a->month == b->month && a->year == b->year && a->has_zone == b->has_zone &&
	    a->zone_minutes == b->zone_minutes;
}

/* The calendar takes longer than all the rest of a line: it is asked once a minute of
 * the log, as clocks are put forward and back at the beginning of one. */
static int64_t
time_of(struct minute *minute, const struct stamp *stamp, int64_t now_ms)
{
	if (!is_in_minute(&minute->stamp, stamp)) {
		minute->stamp = *stamp;
		minute->stamp.second = 0;
		minute->stamp.microsecond = 0;
		minute->begin_ms = clock_of_stamp(&minute->stamp, now_ms);
	}
	if (minute->begin_ms == 0)
		return 0;
	return minute->begin_ms + stamp->second * 1000 + stamp->microsecond / 1000;
}

void
intake_lines(struct fold *fold, struct str lines, int64_t wall_ms)
{
	int64_t shift_ms = clock_offset_ms(), time_ms;
	struct minute minute = {
	    .begin_ms = 0}; /* of no month: as lines without a stamp */
	struct logline split;
	struct prefilter prefilter;
	struct str line;

	prefilter_start(
	    &prefilter, lines, PREFILTER_TROUBLE | PREFILTER_SENT | PREFILTER_TLS);
	while (prefilter_next(&prefilter, &line)) {
		if (!logline_split(line, &split))
			continue;
		/* Where the clock is shifted, the log's is not. */
		time_ms = time_of(&minute, &split.stamp, wall_ms - shift_ms);
		fold_line(fold, &split, time_ms != 0 ? time_ms + shift_ms : 0, wall_ms);
	}
}

bool
intake_is_full(const struct fold *fold)
{
	return fold_size(fold) >= ITEMS_MAX || fold_parked(fold) >= PARKED_MAX;
}

/* --- one item ---------------------------------------------------------------------- */

static void
later(int64_t *at_ms, int64_t than_ms)
{
	if (than_ms > *at_ms)
		*at_ms = than_ms;
}

/* Which strength a verified session proves depends on what was demanded of it. */
static void
note_sessions(
    struct destination *d, const struct fold_item *item, enum level default_level)
{
	enum level level = d->entry.level != LEVEL_NONE ? d->entry.level : default_level;
	int64_t verified_ms = item->seen_ms[SESSION_VERIFIED];
	/* The second of the export is the entry's, too: many a log has whole seconds. */
	bool in_force = verified_ms + 999 >= d->entry.force_ms;

	destination_seen(d, LEVEL_ENCRYPT, item->seen_ms[SESSION_ANONYMOUS]);
	destination_seen(d, LEVEL_ENCRYPT, item->seen_ms[SESSION_UNTRUSTED]);
	destination_seen(d, LEVEL_ENCRYPT, item->seen_ms[SESSION_TRUSTED]);
	destination_seen(
	    d, in_force && level > LEVEL_VERIFY ? level : LEVEL_VERIFY, verified_ms);
}

/*
 * Trouble that mail met is over when mail flows; the next time it is news again, and
 * alerted, also that of DNS, whose failures are counted anew. What a re-check of an entry
 * found is not over: it was found while mail flowed, and would be found and alerted again
 * by each re-check. To be called before d->alarm.raised is cleared.
 */
static void
note_trouble_over(struct destination *d)
{
	if (!d->alarm.raised && d->entry.level != LEVEL_NONE)
		return;
	d->why = why_once_sent(
	    d->why, d->entry.level != LEVEL_NONE ? d->entry.why : WHY_NOT_NEEDED);
	d->dns.failures = 0;
}

/* Mail flowed: it met the level that it was sent at, and the trouble before is over. */
static void
note_sent(struct destination *d, const struct fold_item *item, enum level default_level)
{
	enum level level = d->entry.level != LEVEL_NONE ? d->entry.level : default_level;

	/* Begun under what applied before, it proves nothing of the present level. */
	if (item->sent_attempt_ms < d->entry.force_ms || !item->sent_proves)
		level = LEVEL_UNKNOWN;
	destination_seen(d, item->sent_level != LEVEL_UNKNOWN ? item->sent_level : level,
	    item->sent_ms);
	later(&d->past.sent_ms, item->sent_ms);
	note_trouble_over(d);
	d->alarm.raised = false;
	d->alarm.pending = false;
	d->alarm.attempts = 0;
	d->alarm.first_attempt_ms = 0;
	d->alarm.last_attempt_ms = 0;
	d->hold.level = LEVEL_NONE;
	d->hold.since_ms = 0;
	if (d->entry.level == LEVEL_NONE && !d->pin.set)
		d->look_ms = 0; /* at nothing any more */
}

/* What began before the present level was in force tells nothing of it. */
static void
note_attempts(struct destination *d, const struct fold_item *item)
{
	bool all = item->first_attempt_ms >= d->entry.force_ms;
	int64_t first_ms = all ? item->first_attempt_ms : item->last_attempt_ms;

	if (item->attempts == 0 || item->deferral.attempt_ms < d->entry.force_ms)
		return;
	if (d->alarm.attempts == 0 || first_ms < d->alarm.first_attempt_ms)
		d->alarm.first_attempt_ms = first_ms;
	d->alarm.attempts += all ? item->attempts : 1;
	later(&d->alarm.last_attempt_ms, item->last_attempt_ms);
}

static void
note_deferral(
    struct destination *d, const struct fold_item *item, const struct rules *rules)
{
	const struct fold_deferral *f = &item->deferral;

	note_attempts(d, item);
	/* As in a fold: the attempt that began last tells most, unless the clock went
	 * back. Mail that waits since before the present level is to be retried all the
	 * same. */
	if (d->alarm.raised && !d->alarm.suspended &&
	    (f->suspended ||
	        (fold_is_earlier(f->attempt_ms, f->time_ms, d->alarm.attempt_ms) &&
	            f->time_ms >= d->alarm.time_ms))) {
		d->alarm.pending =
		    d->alarm.pending || d->alarm.attempt_ms < d->entry.force_ms;
		return;
	}
	d->alarm.raised = true;
	d->alarm.pending = true;
	d->alarm.time_ms = f->time_ms;
	d->alarm.lost = f->lost;
	d->alarm.suspended = f->suspended;
	d->alarm.policy_refused = f->policy_refused;
	d->alarm.attempt_level = f->attempt_level;
	d->alarm.attempt_ms = f->attempt_ms;
	str_copy(str_of(rules_get(rules, f->rule)->name), d->alarm.rule,
	    sizeof(d->alarm.rule));
	str_copy(str_of(f->reason), d->alarm.reason, sizeof(d->alarm.reason));
	str_copy(str_of(f->dsn), d->alarm.dsn, sizeof(d->alarm.dsn));
	str_copy(str_of(f->service), d->alarm.service, sizeof(d->alarm.service));
	str_copy(str_of(f->relay), d->alarm.relay, sizeof(d->alarm.relay));
}

static void
what_name(unsigned what, const struct rules *rules, char *out, size_t size)
{
	if (what < FOLD_SENT)
		snprintf(out, size, "session:%s",
		    session_grade_name((enum session_grade)(what - FOLD_SESSION)));
	else if (what == FOLD_SENT)
		snprintf(out, size, "sent");
	else if (what == FOLD_BOUNCED)
		snprintf(out, size, "bounced");
	else
		snprintf(
		    out, size, "deferred:%s", rules_get(rules, what - FOLD_RULE)->name);
}

/* What does not change from item to item. */
struct intake {
	struct store *store;
	const struct rules *rules;
	enum level default_level;
	int64_t verified_ms; /* the last proof that what is asked for works here */
	bool news;
};

/*
 * It does what is asked for by default, so nothing is wrong here. DANE needs neither our
 * CA file nor our clock: it proves them only where nothing else is asked for.
 */
static void
note_proof(struct intake *in, const struct destination *d)
{
	later(&in->verified_ms, d->past.verify_ms);
	if (in->default_level != LEVEL_VERIFY && in->default_level != LEVEL_SECURE)
		later(&in->verified_ms, d->past.dane_ms);
	if (in->default_level == LEVEL_ENCRYPT)
		later(&in->verified_ms, d->past.encrypt_ms);
}

static bool
store_item(struct intake *in, const struct fold_item *item, struct err *err)
{
	struct store *store = in->store;
	struct destination d;
	char what[80];
	bool found;

	if (!store_get(store, item->key, &d, &found, err))
		return false;
	if (!found)
		destination_init(&d, item->key);
	if (item->transport[0] != '\0')
		str_copy(str_of(item->transport), d.transport, sizeof(d.transport));
	note_sessions(&d, item, in->default_level);
	if (item->sent_ms != 0)
		note_sent(&d, item, in->default_level);
	if (item->deferred)
		note_deferral(&d, item, in->rules);
	note_proof(in, &d);
	in->news = in->news || d.alarm.pending;
	if (!store_put(store, &d, err))
		return false;
	if (found && item->sent_ms != 0 && !store_waiting_sent(store, d.id, err))
		return false;
	for (size_t i = 0; i < item->tally_count; i++) {
		what_name(item->tallies[i].what, in->rules, what, sizeof(what));
		if (!store_tally_add(store, d.id, item->tallies[i].day, what,
		        item->tallies[i].count, err))
			return false;
	}
	for (size_t i = 0; i < item->queue_id_count; i++)
		if (!store_waiting_add(
		        store, d.id, item->queue_ids[i], item->deferral.time_ms, err))
			return false;
	return true;
}

/* --- the whole fold ---------------------------------------------------------------- */

static bool
store_counts(struct store *store, const struct fold *fold, struct err *err)
{
	const struct fold_counts *counts = fold_counts(fold);
	const struct {
		const char *name;
		uint64_t count;
	} rows[] = {
	    {"status-lines", counts->status_lines},
	    {"sessions", counts->sessions},
	    {"recognised", counts->recognised},
	    {"limit-hits", counts->limit_hits},
	    {"ambiguous", counts->ambiguous},
	    {"no-nexthop", counts->no_nexthop},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].count > 0 &&
		    !store_counter_add(store, rows[i].name, (int64_t)rows[i].count, err))
			return false;
	return true;
}

static bool
store_all(struct intake *in, const struct fold *fold, const struct log_place *places,
    size_t place_count, struct err *err)
{
	struct store *store = in->store;
	struct buf processes = {0};
	bool done;

	if (!store_counter_get(store, "verified-ms", &in->verified_ms, err))
		return false;
	for (const struct fold_item *i = fold_first(fold); i != NULL; i = i->next)
		if (!store_item(in, i, err))
			return false;
	if (!store_counter_set(store, "verified-ms", in->verified_ms, err))
		return false;
	for (size_t i = 0; i < place_count; i++)
		if (!store_position_put(store, places[i].path, &places[i].position, err))
			return false;
	fold_save_processes(fold, &processes);
	done = store_blob_put(
	    store, "processes", (struct str){buf_text(&processes), processes.len}, err);
	buf_clear(&processes);
	return done && store_counts(store, fold, err);
}

bool
intake_store(struct store *store, struct fold *fold, const struct rules *rules,
    enum level default_level, const struct log_place *places, size_t place_count,
    bool *news, struct err *err)
{
	struct intake in = {
	    .store = store, .rules = rules, .default_level = default_level};

	*news = false;
	if (!store_begin(store, err))
		return false;
	if (!store_all(&in, fold, places, place_count, err) ||
	    !store_commit(store, err)) {
		store_rollback(store);
		return false;
	}
	fold_clear(fold);
	*news = in.news;
	return true;
}
