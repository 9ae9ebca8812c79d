/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue as a witness: before anything weaker is written for a destination, a listing
 * must show a message that was deferred for the reason of its alarm (core/witness.h). One
 * listing serves all that wait when it begins. It also tells what became of messages that
 * left, as the log has it, or of which there was no word. Where it contradicts the log
 * its words stand for the line that the log should have had.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/nexthop.h"
#include "core/witness.h"
#include "engine/engine_impl.h"
#include "engine/witness_task.h"
#include "store/store_sts.h"
#include "sys/log.h"

#define APART_MS    (2 * SPAN_SECOND_MS) /* listings begin so far apart at least ... */
#define APART_TIMES 10 /* ... and so many times as long as the last one took */
/* Who waits for longer than a minute waits for a listing of others, or for so long: the
 * distance between two must not be in the way of mail that fails now. */
#define OLD_MS       SPAN_MINUTE_MS
#define OLD_APART_MS (5 * SPAN_SECOND_MS)
#define PARTIAL_MS   (10 * SPAN_MINUTE_MS)
#define GIVEN_UP_MAX \
	256           /* destinations that one listing is about beside those that wait */
#define GATHER_MS 200 /* alarms of a burst share one: it waits so long for the next */

struct witness {
	struct duty_state base;
	int64_t wanted_ms; /* monotonic: since when somebody waits for a listing */
	int64_t joined_ms; /* monotonic: since when the last of them does */
	int64_t began_ms;  /* monotonic: the last listing; 0: none */
	int64_t took_ms;
	bool failed;       /* it did */
	bool given_up;     /* there may be messages of whose retries there was no word, or
	                    * that left, as the log has it */
	int64_t after;     /* the last destination of the listing before that had some, as
	                    * there were more; 0: it had the rest */
	int64_t unread_ms; /* wall: since when listings fail, or are not whole; 0: the
	                    * last one was */
	bool is_partial; /* lines of the last one were no messages, which was reported */
};

/* --- what came of it --------------------------------------------------------------- */

static bool
store_absence(struct store *store, const struct engine_node *node, int64_t id,
    const struct witness_message *m, struct err *err)
{
	char queue_id[WITNESS_ID_SIZE];

	witness_print_id(node, m->queue_id, queue_id);
	return witness_is_gone(m)
	    ? store_waiting_gone(store, id, queue_id, m->time_ms, err)
	    : store_waiting_absent(store, id, queue_id, m->time_ms, m->absences, err);
}

/* As if the log had said it of the last of them. */
static bool
end_alarm(struct store *store, int64_t id, struct err *err)
{
	struct destination d;
	int64_t look_ms;
	bool found, done;

	if (!store_get_id(store, id, &d, &found, err))
		return false;
	look_ms = d.look_ms;
	destination_take_end(&d);
	done = !found ||
	    (store_put(store, &d, err) &&
	        (look_ms == 0 || store_sts_keep_look(store, id, look_ms, err)));
	destination_clear(&d);
	return done;
}

static bool
are_gone(const struct witness_task *t, const struct witness_ask *ask)
{
	const struct witness_message *first = &t->messages[ask->from];

	return ask->count > 0 &&
	    witness_says(first, ask->count, t->refused.count == 0) == QUEUE_GONE;
}

/* ended: how many alarms are over by it. */
static bool
store_absences(
    struct store *store, const struct witness_task *t, size_t *ended, struct err *err)
{
	if (!store_begin(store, err))
		return false;
	for (size_t i = 0; i < t->ask_count; i++) {
		const struct witness_ask *ask = &t->asks[i];

		bool waits = true;

		for (size_t m = ask->from; m < ask->from + ask->count; m++)
			if (!store_absence(
			        store, t->task.base->node, ask->id, &t->messages[m], err))
				return false;
		if (!ask->given_up || !are_gone(t, ask))
			continue;
		if (!store_waiting_any(store, ask->id, &waits, err))
			return false;
		if (waits) /* on another node */
			continue;
		if (!end_alarm(store, ask->id, err))
			return false;
		++*ended;
	}
	return store_commit(store, err);
}

/* Once, until a listing is whole again. */
static void
report_refused(struct witness *state, const struct queue_refused *refused)
{
	const char *name = state->base.node->name;
	bool is_partial = refused->count > 0;

	if (is_partial && !state->is_partial)
		log_warning(
		    "%zu messages of the queue%s%s cannot be read, and what is not "
		    "among the others counts as unknown: %s",
		    refused->count, name[0] != '\0' ? " on " : "", name,
		    refused->why.text);
	state->is_partial = is_partial;
}

/* By the last lines of its messages, or by the rule of its alarm; *shown_ms: when the log
 * last told of an attempt of what it SHOWS. */
static enum queue_says
says_of(struct engine *e, const struct witness_task *t, const struct witness_ask *ask,
    const struct witnessed *w, int64_t *shown_ms)
{
	const struct witness_message *messages =
	    ask->count > 0 ? &t->messages[ask->from] : NULL;
	enum queue_says says = witness_says(messages, ask->count, t->refused.count == 0);
	int64_t rule_ms;

	*shown_ms = 0;
	if (says == QUEUE_SHOWS)
		*shown_ms = witness_shown_ms(messages, ask->count, STORE_WAITING_OTHERS);
	if ((says != QUEUE_NEWER && says != QUEUE_SHOWS) || w == NULL)
		return says;
	rule_ms = witness_shown_rule_ms(e, t, ask, w->alarm.rule);
	if (rule_ms > *shown_ms)
		*shown_ms = rule_ms;
	return rule_ms != 0 ? QUEUE_SHOWS : says;
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	struct witness *state = (struct witness *)base;
	const struct witness_task *t = (const struct witness_task *)task;
	int64_t *ids = mem_new(t->ask_count + 1, sizeof(*ids));
	size_t count = 0, ended = 0;
	bool taken = false;
	struct err err;

	fold_select(e->fold, base->node->at);
	engine_note_listing(e, base->node, state->began_ms, t->took_ms, task->done);
	log_debug("the queue was listed in %" PRId64 " ms, for %zu destinations",
	    t->took_ms, t->ask_count);
	state->given_up = state->given_up && task->done;
	state->wanted_ms = now->mono_ms;
	if (task->done && t->refused.count == 0)
		state->unread_ms = 0;
	else if (state->unread_ms == 0)
		state->unread_ms = now->wall_ms;
	if (task->done)
		report_refused(state, &t->refused);
	if (task->done && !store_absences(e->store, t, &ended, &err)) {
		/* The next listing tells it again. */
		engine_not_stored(e, "store what the queue shows", &err);
		free(ids);
		return;
	}
	if (task->done)
		engine_tell(e, NEWS_MAIL); /* one that left is there, and to be retried */
	for (size_t i = 0; i < t->ask_count; i++) {
		const struct witness_ask *ask = &t->asks[i];
		struct witnessed *w = witnesses_find(e->witnessed, ask->id);
		enum queue_says says = QUEUE_UNREADABLE;
		int64_t shown_ms = 0;

		if (task->done)
			says = says_of(e, t, ask, w, &shown_ms);
		if (ask->given_up || w == NULL || (w->wants & WANTS_QUEUE) == 0 ||
		    says == QUEUE_NOT_ASKED ||
		    !witnessed_node_told(w, base->node->at, &says))
			continue;
		w->says.queue = says;
		w->says.shown_ms = shown_ms;
		w->says.unread_ms = state->unread_ms;
		w->queue_ms = now->mono_ms;
		/* Of what is gone nobody else need tell. */
		witnessed_told(
		    w, says == QUEUE_GONE ? ENGINE_WITNESSES : WANTS_QUEUE, now->mono_ms);
		ids[count++] = ask->id;
	}
	/* Where it told of nobody who is to be judged, Postfix's settings are not read.
	 */
	if (count + ended > 0 || !task->done)
		engine_judge_witnessed(e, ids, count);
	free(ids);
	engine_tell(e, NEWS_LISTED);
	if (task->done && !witness_take_shown(e, t, &taken, &err))
		engine_not_stored(e, "store what the queue shows", &err);
	else if (taken)
		engine_tell(e, NEWS_EVIDENCE);
}

static const struct task_kind witness_kind = {.size = sizeof(struct witness_task),
    .work = witness_work,
    .take = take,
    .release = witness_release};

/* --- who waits --------------------------------------------------------------------- */

/* One that answers, where there is one. */
static unsigned
any_node(const struct engine *e)
{
	for (unsigned i = 0; i < e->nodes.count; i++)
		if (!((const struct duty_state *)engine_state_of(
		          e, &duty_witness, &e->nodes.items[i]))
		         ->backoff.failing)
			return i;
	return 0;
}

static bool
is_old(const struct destination *d, int64_t now_ms)
{
	int64_t at_ms = d->alarm.raised ? d->alarm.last_attempt_ms : 0;

	return at_ms != 0 && now_ms - at_ms > OLD_MS;
}

/* Of the queues that have its messages; where none is known of, any tells as much. */
static void
want_listings(struct engine *e, struct witnessed *w)
{
	uint64_t nodes = witness_nodes(e, w->id);

	if (nodes == 0)
		nodes = UINT64_C(1) << any_node(e);
	for (unsigned i = 0; i < e->nodes.count; i++) {
		struct witness *state =
		    engine_state_of(e, &duty_witness, &e->nodes.items[i]);

		if ((nodes >> i & 1) == 0)
			continue;
		state->joined_ms = w->answers_ms;
		if (witnesses_of_node(e->witnessed, i) == 0)
			state->wanted_ms = w->answers_ms;
	}
	w->nodes = nodes;
	w->told = QUEUE_GONE;
}

bool
engine_ask_witnesses(struct engine *e, const struct destination *d,
    const struct answers *answers, unsigned wants)
{
	struct witnessed *w = NULL;

	if ((wants & ENGINE_WITNESSES) != 0)
		w = witnesses_get(e->witnessed, d->id);
	if (w == NULL)
		return false;
	if (w->answers_ms == 0)
		w->says = judge_no_witnesses(&e->judge);
	if ((wants & WANTS_SERVERS) != 0 && !engine_ask_servers(e, w, d, answers)) {
		if (w->answers_ms == 0)
			witnesses_drop(e->witnessed, d->id);
		return false;
	}
	if ((wants & WANTS_CANARY) != 0)
		engine_ask_canary(e, w, d);
	w->answers_ms = engine_now(e).mono_ms;
	w->answers = *answers;
	memcpy(w->relay, d->alarm.relay, sizeof(w->relay));
	w->answers.witnesses = NULL;
	w->answers.choice = w->servers != NULL ? &w->servers->choice : NULL;
	w->wants = wants & ENGINE_WITNESSES;
	w->is_old = is_old(d, engine_now(e).wall_ms);
	if ((w->wants & WANTS_QUEUE) != 0)
		want_listings(e, w);
	return true;
}

static void
add_message(void *context, const struct waiting_mail *mail)
{
	struct witness_task *t = context;
	char node[STORE_NODE_SIZE];
	struct witness_message *m;

	store_node_of(mail->queue_id, node);
	if (strcmp(node, t->task.base->node->id) != 0)
		return;
	/* Doubled when it is full, at each power of two. */
	if ((t->message_count & (t->message_count - 1)) == 0)
		t->messages = mem_array(
		    t->messages, 2 * t->message_count + 1, sizeof(*t->messages));
	m = &t->messages[t->message_count++];
	*m = (struct witness_message){
	    .queue_id = mem_strdup(store_id_at_node(mail->queue_id)),
	    .domain = mem_strdup(mail->domain),
	    .time_ms = mail->time_ms,
	    .reason = mail->reason,
	    .of_alarm = strcmp(mail->rule, t->rule) == 0,
	    .absences = mail->absences,
	};
}

/* w: who waits for it; NULL: nobody does. */
static bool
add_ask(struct engine *e, struct witness_task *t, int64_t id, struct witnessed *w,
    struct err *err)
{
	struct witness_ask *ask = &t->asks[t->ask_count];
	struct destination d;
	bool found, done;

	if (!store_get_id(e->store, id, &d, &found, err))
		return false;
	*ask = (struct witness_ask){
	    .id = id, .given_up = w == NULL, .from = t->message_count};
	if (w != NULL)
		witnessed_note_alarm(w, &d);
	t->rule = judge_alarm_rule(&e->judge, &d);
	done = store_each_waiting(e->store, id, add_message, t, err);
	destination_clear(&d);
	ask->count = t->message_count - ask->from;
	t->ask_count++;
	return done;
}

static bool
waits_for(const struct witnessed *w, const struct engine_node *node)
{
	return (w->wants & WANTS_QUEUE) != 0 && (w->nodes >> node->at & 1) != 0;
}

/* Those that nobody waits for, as nothing is judged of them. */
static bool
add_given_up(struct engine *e, struct witness_task *t, struct err *err)
{
	const struct engine_node *node = t->task.base->node;
	struct witness *state = (struct witness *)t->task.base;
	int64_t ids[GIVEN_UP_MAX];
	size_t count;

	if (!store_waiting_given_up(
	        e->store, node->id, state->after, ids, GIVEN_UP_MAX, &count, err))
		return false;
	if (count == 0 && state->after != 0) {
		state->after = 0;
		return add_given_up(e, t, err);
	}
	state->after = count < GIVEN_UP_MAX ? 0 : ids[count - 1];
	for (size_t i = 0; i < count; i++) {
		const struct witnessed *w = witnesses_find(e->witnessed, ids[i]);

		if ((w == NULL || !waits_for(w, node)) &&
		    !add_ask(e, t, ids[i], NULL, err))
			return false;
	}
	return true;
}

/* What the listing must show, as of one moment. */
static bool
add_asks(struct engine *e, struct witness_task *t, struct err *err)
{
	size_t count = witnesses_count(e->witnessed);

	t->asks = mem_new(count + GIVEN_UP_MAX, sizeof(*t->asks));
	if (!store_begin_read(e->store, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct witnessed *w = witnesses_at(e->witnessed, i);

		if (waits_for(w, t->task.base->node) && !add_ask(e, t, w->id, w, err))
			return false;
	}
	if (!add_given_up(e, t, err))
		return false;
	return store_commit(e->store, err);
}

/* While others are being asked about, more may come: as long as they do, but not for
 * long. Whoever is not in this listing waits for the next one. */
static int64_t
gathered_ms(const struct engine *e, const struct witness *state)
{
	const struct duty_state *judging = engine_state(e, &duty_judging);
	int64_t last_ms = state->wanted_ms + APART_MS;

	if (judging->tasks == 0)
		return state->wanted_ms;
	return state->joined_ms + GATHER_MS < last_ms ? state->joined_ms + GATHER_MS
	                                              : last_ms;
}

static int64_t
listing_ms(const struct engine *e, const struct witness *state)
{
	int64_t at_ms = gathered_ms(e, state),
	        next_ms = engine_next_listing_ms(e, state->base.node);
	bool waits = witnesses_of_node(e->witnessed, state->base.node->at) > 0;
	int64_t apart_ms = waits && witnesses_are_old(e->witnessed, state->base.node->at)
	    ? OLD_APART_MS
	    : APART_MS;

	if (state->began_ms != 0 && next_ms < state->began_ms + apart_ms)
		next_ms = state->began_ms + apart_ms;
	/* What is not shown may be there all the same, so that nothing is learnt soon. */
	if (state->is_partial && !waits && state->began_ms != 0 &&
	    next_ms < state->began_ms + PARTIAL_MS)
		next_ms = state->began_ms + PARTIAL_MS;
	return next_ms > at_ms ? next_ms : at_ms;
}

int64_t
engine_next_listing_ms(const struct engine *e, const struct engine_node *node)
{
	const struct witness *state = engine_state_of(e, &duty_witness, node);

	return state->began_ms + APART_TIMES * state->took_ms;
}

bool
engine_is_listing(const struct engine *e, const struct engine_node *node)
{
	const struct duty_state *witness = engine_state_of(e, &duty_witness, node);
	const struct duty_state *queue = engine_state_of(e, &duty_queue, node);

	return witness->tasks + queue->tasks > 0;
}

void
engine_note_listing(struct engine *e, const struct engine_node *node, int64_t began_ms,
    int64_t took_ms, bool done)
{
	struct witness *state = engine_state_of(e, &duty_witness, node);

	state->began_ms = began_ms;
	state->took_ms = done || state->failed ? took_ms : 0;
	state->failed = !done;
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct witness *state = (const struct witness *)base;
	bool waits = witnesses_of_node(e->witnessed, base->node->at) > 0;

	(void)now;
	return (struct due){
	    (waits || state->given_up) && !engine_is_listing(e, base->node)
	        ? listing_ms(e, state)
	        : DUE_NEVER,
	    waits};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct witness *state = (struct witness *)base;
	struct witness_task *t = engine_task(e, base, &witness_kind);
	struct err err;

	witnesses_drop_old(e->witnessed, now->mono_ms - WITNESSES_SERVES_MS);
	if (!add_asks(e, t, &err)) {
		engine_not_stored(e, "find mail that waits", &err);
		engine_drop(&t->task);
		return;
	}
	if (t->ask_count == 0) {
		state->given_up = false;
		engine_drop(&t->task);
		return;
	}
	state->began_ms = now->mono_ms;
	engine_submit(e, &t->task);
}

void
engine_ask_given_up(struct engine *e, const struct engine_node *node)
{
	for (unsigned i = 0; i < e->nodes.count; i++) {
		struct witness *state =
		    engine_state_of(e, &duty_witness, &e->nodes.items[i]);

		if (node != NULL && node != &e->nodes.items[i])
			continue;
		if (!state->given_up)
			state->wanted_ms = engine_now(e).mono_ms;
		state->given_up = true;
	}
}

const struct duty duty_witness = {
    .name = "witness",
    .what = "check waiting mail against the queue",
    .is_of_node = true,
    .needs = DUTY_APPLIES | DUTY_STORES | DUTY_LEADS,
    .state_size = sizeof(struct witness),
    .due = due,
    .start = start,
};
