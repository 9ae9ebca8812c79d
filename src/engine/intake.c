/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/intake.h"

#include "core/covered.h"
#include "core/fold_items.h"
#include "engine/intake_sent.h"
#include "engine/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/protection.h"
#include "store/store_sts.h"

#define ENDED_MAX  64 /* destinations that one message waits for */
#define ENDED_BITS 65536

/* So often mail to a destination has its MTA-STS policy looked up. */
#define MAIL_EVERY_MS (6 * SPAN_HOUR_MS)

#define PROOF_APART_MS SPAN_MINUTE_MS /* a proof is wanted so often */

/* --- one item ---------------------------------------------------------------------- */

static void
later(int64_t *at_ms, int64_t than_ms)
{
	if (than_ms > *at_ms)
		*at_ms = than_ms;
}

/* Of what is not FOLD_SENT. */
static void
what_name(unsigned what, const struct rules *rules, char *out, size_t size)
{
	if (what < FOLD_SENT)
		snprintf(out, size, "session:%s",
		    session_grade_name((enum session_grade)(what - FOLD_SESSION)));
	else if (what == FOLD_BOUNCED)
		snprintf(out, size, "bounced");
	else
		snprintf(
		    out, size, "deferred:%s", rules_get(rules, what - FOLD_RULE)->name);
}

/* What does not change from item to item. */
struct intake {
	struct store *store;
	const struct fold *fold;
	const struct intake_how *how;
	int64_t verified_ms; /* the last proof that what is asked for works here */
	int64_t logged_ms;   /* the same, of sessions of the log alone */
	bool news;
	struct intake_sents sent; /* to whomever */
	/* Of hashes of the queue ids of those that wait no more. */
	uint64_t ended[ENDED_BITS / 64];
};

/*
 * A destination does what is asked for by default, so nothing is wrong on our side: if
 * its servers are its own, as anybody can make up a name and a line. Where DNS was never
 * asked for it, it is, where there was no other proof for a while.
 */
static void
note_proof(struct intake *in, struct destination *d, const struct fold_item *item)
{
	int64_t check_ms, proof_ms;

	proof_ms = destination_proof_ms(d, item, in->how->default_level, &check_ms);
	later(&in->verified_ms, proof_ms);
	later(&in->logged_ms, proof_ms);
	if (check_ms - in->verified_ms >= PROOF_APART_MS &&
	    in->how->now_ms - check_ms < PROOF_APART_MS && check_ms <= in->how->now_ms)
		destination_check_servers(d, check_ms);
}

static bool
store_host_cause(struct intake *in, const struct destination *d,
    const struct fold_host *host, struct err *err)
{
	struct host_cause cause = {.cause = host->cause, .at_ms = host->cause_ms};

	return host->cause == CAUSE_NONE ||
	    destination_cause(d, host->cause) == CAUSE_POLICY ||
	    store_host_cause_add(in->store, host->name, host->port, &cause, err);
}

/* In a session that is used again the certificate is not examined anew: what was wrong
 * with it last still is. */
static bool
recall_cause(struct intake *in, struct destination *d, struct err *err)
{
	struct host_cause known;

	if (!d->alarm.pending || d->alarm.cause != CAUSE_NONE ||
	    !cause_is_told_before(str_of(d->alarm.reason)) || d->alarm.relay[0] == '\0' ||
	    d->port == 0)
		return true;
	if (!store_host_cause_get(in->store, d->alarm.relay, d->port, &known, err))
		return false;
	if (host_cause_stands(&known))
		destination_name_cause(d, known.cause);
	return true;
}

/* Is that name one of its own servers', at whatever port? */
static enum answer
has_name(const struct destination *d, const struct fold_host *host)
{
	struct fold_host anywhere = *host;

	anywhere.port = 0;
	return destination_has_server(d, &anywhere);
}

/* A name that DNS does not know of anybody can write. Where it was not asked yet, a past
 * only holds. That a server failed is taken once DNS named it, and, where the queue can
 * be listed, once that shows the message or the server was asked (engine/past.c): a line
 * alone must freeze nobody. */
static bool
store_hosts(struct intake *in, const struct fold_item *item, const struct destination *d,
    struct err *err)
{
	for (size_t i = 0; i < item->host_count; i++) {
		const struct fold_host *host = &item->hosts[i];
		enum answer own = has_name(d, host);
		struct fold_host told = *host;
		struct host_past news;
		bool done;

		if (own == ANSWER_NO)
			continue;
		/* By an entry that only who leads knows it may have been less. */
		told.sent_proves = host->sent_proves && in->how->leads;
		destination_host_news(d, &told, in->how->default_level, &news);
		if (own != ANSWER_YES || in->how->spans->listed)
			news.failed_ms = 0;
		done = destination_has_server(d, host) == ANSWER_YES
		    ? store_host_add(in->store, host->name, host->port, &news, err)
		    : store_host_told(
		          in->store, host->name, host->port, &news, d->id, err);
		if (!done || !store_host_cause(in, d, host, err))
			return false;
	}
	return true;
}

static struct waiting_mail
waiting_of(const struct intake *in, const struct fold_waiting *w)
{
	return (struct waiting_mail){
	    .queue_id = w->queue_id,
	    .domain = w->domain,
	    .rule = rules_get(in->how->rules, w->rule)->name,
	    .reason = w->reason,
	    .time_ms = w->time_ms,
	    .arrival_ms = w->arrival_ms,
	};
}

static void
note_ended(struct intake *in, const struct fold *fold)
{
	size_t count;
	const struct fold_ended *ended = fold_ended(fold, &count);

	for (size_t i = 0; i < count; i++) {
		uint32_t bit = fold_items_hash(str_of(ended[i].queue_id)) % ENDED_BITS;

		in->ended[bit / 64] |= UINT64_C(1) << bit % 64;
	}
}

static bool
has_ended(const struct intake *in, const struct fold_waiting *w)
{
	uint32_t bit = w->hash % ENDED_BITS;

	return (in->ended[bit / 64] >> bit % 64 & 1) != 0;
}

static bool
arrived_before(const struct fold_waiting *a, const struct fold_waiting *b)
{
	return a->arrival_ms != 0 &&
	    (b->arrival_ms == 0 || a->arrival_ms < b->arrival_ms);
}

/* Of a destination that is under no policy it says nothing. */
static bool
tells(const struct intake *in, const struct destination *d, const struct fold_waiting *w)
{
	return !rules_get(in->how->rules, w->rule)->under_policy ||
	    destination_is_under_policy(d);
}

/* Those that are asked for: where nobody can ask for a message, whether one waits, since
 * when, and those that wait no more. */
static size_t
choose_waiting(const struct intake *in, const struct fold_item *item,
    const struct destination *d, bool is_new, struct waiting_mail mails[FOLD_WAITING_MAX])
{
	bool all = !is_new || in->how->purpose != INTAKE_IMAGINE_LAST;
	const struct fold_waiting *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < item->waiting_count; i++) {
		const struct fold_waiting *w = &item->waiting[i];

		if (!tells(in, d, w))
			continue;
		if (all || has_ended(in, w))
			mails[count++] = waiting_of(in, w);
		else if (first == NULL || arrived_before(w, first))
			first = w;
	}
	if (first != NULL)
		mails[count++] = waiting_of(in, first);
	return count;
}

/* Those of which no more is known are older. */
static bool
store_waiting(struct intake *in, const struct fold_item *item,
    const struct destination *d, bool is_new, struct err *err)
{
	struct waiting_mail mails[FOLD_WAITING_MAX];
	size_t count = choose_waiting(in, item, d, is_new, mails);

	if (!store_waiting_add(in->store, d->id, mails, count, err))
		return false;
	for (size_t i = 0; i < item->unkept_count; i++) {
		struct waiting_mail unkept = waiting_of(in, &item->unkept[i]);

		if (tells(in, d, &item->unkept[i]) &&
		    !store_waiting_unkept(in->store, d->id, &unkept, err))
			return false;
	}
	return true;
}

/* Mail that was sent is counted by how it was protected as well. */
static bool
store_sent(struct intake *in, const struct fold_item *item, const struct destination *d,
    const struct fold_tally *tally, struct err *err)
{
	int64_t verified_ms = item->seen_ms[SESSION_VERIFIED] != 0
	    ? item->seen_ms[SESSION_VERIFIED]
	    : item->sent_ms;
	struct intake_sent sent = {
	    .day = tally->day,
	    .node = fold_node_host(in->fold, tally->node),
	    .protection = protection_of((enum sent_by)(tally->what - FOLD_SENT), d,
	        in->how->default_level, verified_ms,
	        fold_is_silent(in->fold, tally->node)),
	    .count = tally->count,
	};

	intake_sent_note(&in->sent, &sent);
	return store_tally_add(in->store, d->id, tally->day, "sent", tally->count, err) &&
	    intake_sent_store(in->store, d->id, &sent, err);
}

static bool
store_tally(struct intake *in, const struct fold_item *item, const struct destination *d,
    const struct fold_tally *tally, struct err *err)
{
	char what[80];

	if (tally->what >= FOLD_SENT && tally->what < FOLD_BOUNCED)
		return store_sent(in, item, d, tally, err);
	what_name(tally->what, in->how->rules, what, sizeof(what));
	return store_tally_add(in->store, d->id, tally->day, what, tally->count, err);
}

/* What is counted of it by days, and its messages that wait. */
static bool
store_counted(struct intake *in, const struct fold_item *item,
    const struct destination *d, bool is_new, struct err *err)
{
	for (size_t i = 0; i < item->tally_count && in->how->purpose == INTAKE_KEEP; i++)
		if (!store_tally(in, item, d, &item->tallies[i], err))
			return false;
	return store_waiting(in, item, d, is_new, err);
}

/* Judged neither now nor later, and nothing is known of it that could change. */
static bool
is_left_out(const struct intake *in, const struct fold_item *item,
    const struct destination *d, bool found)
{
	bool nothing = item->refused != NULL && item->tally_count == 0 &&
	    item->host_count == 0 && !item->deferred;

	if (found || nothing)
		return nothing && !found;
	return in->how->purpose == INTAKE_IMAGINE_LAST && !d->alarm.raised &&
	    !d->alarm.pending && d->look_ms == 0 && item->waiting_count == 0 &&
	    item->unkept_count == 0;
}

/* Where mail goes a policy may be. */
static bool
store_mail(const struct intake *in, const struct destination *d, int64_t before_ms,
    struct err *err)
{
	return in->how->purpose != INTAKE_KEEP || !in->how->spans->policies ||
	    d->past.sent_ms / MAIL_EVERY_MS == before_ms / MAIL_EVERY_MS ||
	    store_sts_mail(in->store, d->id, err);
}

/* Mail that flows ends what an alarm was to be looked at for, and not what a live policy
 * is: its entry is not made yet. */
static bool
keep_look(
    struct intake *in, const struct destination *d, int64_t look_ms, struct err *err)
{
	return look_ms == 0 || d->look_ms != 0 || !in->how->spans->policies ||
	    store_sts_keep_look(in->store, d->id, look_ms, err);
}

static bool
store_item(struct intake *in, const struct fold_item *item, struct err *err)
{
	struct store *store = in->store;
	struct destination d;
	int64_t look_ms, sent_ms;
	bool found, done;
	int rule; /* of the alarm that stands */

	if (!store_get(store, item->key, &d, &found, err))
		return false;
	look_ms = d.look_ms;
	sent_ms = d.past.sent_ms;
	rule = item->deferred && d.alarm.raised ? rules_find(in->how->rules, d.alarm.rule)
	                                        : -1;
	destination_take_news(&d, item, in->how->default_level,
	    rule >= 0 && rule_waits(rules_get(in->how->rules, (size_t)rule)),
	    in->how->spans);
	note_proof(in, &d, item);
	in->news = in->news || d.alarm.pending ||
	    (d.look_ms != 0 && (look_ms == 0 || d.look_ms < look_ms));
	if (is_left_out(in, item, &d, found))
		done = store_hosts(in, item, &d, err);
	else
		done = recall_cause(in, &d, err) && store_put(store, &d, err) &&
		    keep_look(in, &d, look_ms, err) &&
		    (!found || (item->sent_ms == 0 && item->bare_ms == 0) ||
		        store_waiting_sent(
		            store, d.id, destination_spans_tell(in->how->spans), err)) &&
		    store_counted(in, item, &d, !found, err) &&
		    store_hosts(in, item, &d, err) && store_mail(in, &d, sent_ms, err);
	destination_clear(&d);
	return done;
}

/* What waits no more is no alarm any more; what mail that flows ends, it says itself.
 * Where the queue can be listed the line is no more than a reason to do so. */
static bool
store_ended(struct intake *in, const struct fold_ended *ended, struct err *err)
{
	int64_t ids[ENDED_MAX];
	size_t count;

	if (in->how->spans->listed)
		return store_waiting_left(in->store, ended->queue_id, ended->domain,
		    ended->begun_ms != 0 && in->how->spans->measured ? INT64_MAX
		                                                     : ended->begun_ms,
		    err);
	if (ended->begun_ms != 0)
		return store_waiting_end_sent(
		    in->store, ended->queue_id, ended->domain, ended->begun_ms, err);
	if (!store_waiting_end(
	        in->store, ended->queue_id, ended->domain, ids, ENDED_MAX, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct destination d;
		int64_t look_ms;
		bool found, done;

		if (!store_get_id(in->store, ids[i], &d, &found, err))
			return false;
		look_ms = d.look_ms;
		destination_take_end(&d);
		done = !found ||
		    (store_put(in->store, &d, err) && keep_look(in, &d, look_ms, err));
		destination_clear(&d);
		if (!done)
			return false;
	}
	return true;
}

/* --- the whole fold ---------------------------------------------------------------- */

static bool
store_deferrals(struct store *store, const struct fold *fold, const struct rules *rules,
    struct err *err)
{
	const struct fold_counts *counts = fold_counts(fold);
	struct buf name = {0};
	bool done = true;

	for (size_t i = 0; done && counts->recognised > 0 && i < rules_count(rules);
	     i++) {
		if (counts->by_rule[i] == 0)
			continue;
		buf_clear(&name);
		buf_printf(&name, METRIC_DEFERRALS ":%s", rules_get(rules, i)->name);
		done = store_counter_add(
		    store, buf_text(&name), (int64_t)counts->by_rule[i], err);
	}
	buf_clear(&name);
	return done;
}

static bool
store_counts(struct store *store, const struct fold *fold, const struct rules *rules,
    struct err *err)
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
	    {"counted-before", counts->known},
	    {"not-understood", counts->strange},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].count > 0 &&
		    !store_counter_add(store, rows[i].name, (int64_t)rows[i].count, err))
			return false;
	return store_deferrals(store, fold, rules, err);
}

/* And when lines came last. */
static bool
store_places(struct store *store, const struct fold *fold, const struct log_place *places,
    size_t count, int64_t now_ms, struct err *err)
{
	bool came =
	    count > 0 && (fold_size(fold) > 0 || fold_counts(fold)->status_lines > 0);

	for (size_t i = 0; i < count; i++) {
		struct place before;
		bool found;

		if (!store_place_get(store, places[i].name, &before, &found, err) ||
		    !store_place_put(store, places[i].name, &places[i].place, err))
			return false;
		came = came || (found && !place_equal(&before, &places[i].place));
	}
	return !came || store_counter_set(store, STORE_LOG_READ, now_ms, err);
}

/* Others may have read logs meanwhile: what they know is taken over. Without a line it
 * is theirs alone. */
static bool
store_covered(struct store *store, const struct fold *fold, const uint64_t *counted,
    struct err *err)
{
	const struct fold_counts *counts = fold_counts(fold);
	bool none = counts->status_lines == 0 && counts->known == 0;
	struct covered *covered = none ? NULL : fold_covered(fold);
	struct buf text = {0};
	bool done = covered == NULL || store_blob_get(store, "covered", &text, err);

	if (done && covered != NULL && counted != NULL &&
	    covered_hash((struct str){buf_text(&text), text.len}) != *counted)
		done = err_set(err, "the daemon read on meanwhile; run it again");
	if (done && covered != NULL) {
		covered_load(covered, (struct str){buf_text(&text), text.len});
		buf_reset(&text);
		covered_save(covered, &text);
		done = store_blob_put(
		    store, "covered", (struct str){buf_text(&text), text.len}, err);
	}
	buf_clear(&text);
	return done;
}

#define PROCESSES_BLOB "processes"

/* host: of a node; "": there is one alone. */
static void
processes_name(const char *host, struct buf *out)
{
	buf_printf(out, host[0] == '\0' ? PROCESSES_BLOB : PROCESSES_BLOB "/%s", host);
}

/* Those of a node under a name of their own: of many that say little, one is written. */
static bool
store_processes(struct store *store, struct fold *fold, struct err *err)
{
	struct buf text = {0}, name = {0};
	bool done = true;

	for (unsigned i = 0; i < fold_node_count(fold) && done; i++) {
		if (!fold_was_heard(fold, i))
			continue;
		buf_reset(&text);
		buf_reset(&name);
		fold_select(fold, i);
		fold_save_processes(fold, &text);
		processes_name(fold_node_host(fold, i), &name);
		done = store_blob_put(
		    store, buf_text(&name), (struct str){buf_text(&text), text.len}, err);
	}
	buf_clear(&text);
	buf_clear(&name);
	return done;
}

/* Of a node that has none of its own, it is that of before there were nodes: lines of
 * other hosts in it are of other processes. */
bool
intake_load_processes(struct store *store, struct fold *fold, struct err *err)
{
	struct buf text = {0}, name = {0};
	bool done = true;

	for (unsigned i = 0; i < fold_node_count(fold) && done; i++) {
		buf_reset(&text);
		buf_reset(&name);
		processes_name(fold_node_host(fold, i), &name);
		done = store_blob_get(store, buf_text(&name), &text, err) &&
		    (text.len > 0 || store_blob_get(store, PROCESSES_BLOB, &text, err));
		fold_select(fold, i);
		if (done)
			fold_load_processes(
			    fold, (struct str){buf_text(&text), text.len});
	}
	buf_clear(&text);
	buf_clear(&name);
	return done;
}

static bool
store_all(struct intake *in, struct fold *fold, const struct log_place *places,
    size_t place_count, struct err *err)
{
	struct store *store = in->store;
	const struct fold_ended *ended;
	size_t ended_count;

	if (!store_counter_get(store, "verified-ms", &in->verified_ms, err) ||
	    !store_counter_get(store, "logged-ms", &in->logged_ms, err))
		return false;
	note_ended(in, fold);
	for (const struct fold_item *i = fold_first(fold); i != NULL; i = i->next)
		if (!store_item(in, i, err))
			return false;
	if (!intake_sents_store(store, &in->sent, err))
		return false;
	ended = fold_ended(fold, &ended_count);
	for (size_t i = 0; i < ended_count; i++)
		if (!store_ended(in, &ended[i], err))
			return false;
	if (!store_counter_set(store, "verified-ms", in->verified_ms, err) ||
	    !store_counter_set(store, "logged-ms", in->logged_ms, err))
		return false;
	if (!store_places(store, fold, places, place_count, in->how->now_ms, err))
		return false;
	return (!in->how->is_followed || store_processes(store, fold, err)) &&
	    store_covered(store, fold, in->how->counted, err) &&
	    store_counts(store, fold, in->how->rules, err);
}

bool
intake_store(struct store *store, struct fold *fold, const struct intake_how *how,
    const struct log_place *places, size_t place_count, bool *news, struct err *err)
{
	struct intake in = {.store = store, .fold = fold, .how = how};
	bool done;

	*news = false;
	if (!store_begin(store, err))
		return false;
	done = store_all(&in, fold, places, place_count, err) && store_commit(store, err);
	intake_sents_clear(&in.sent);
	if (!done) {
		store_rollback(store);
		return false;
	}
	fold_clear(fold);
	*news = in.news;
	return true;
}
