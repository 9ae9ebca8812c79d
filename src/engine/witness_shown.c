/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue's words in the place of the log's. */
#include <stdio.h>

#include "base/span.h"
#include "engine/witness_task.h"

struct which {
	const struct engine *e;
	uint64_t nodes;
};

static void
add_node(void *context, const struct waiting_mail *mail)
{
	struct which *which = context;
	char id[STORE_NODE_SIZE];

	store_node_of(mail->queue_id, id);
	for (unsigned i = 0; i < which->e->nodes.count; i++)
		if (strcmp(which->e->nodes.items[i].id, id) == 0)
			which->nodes |= UINT64_C(1) << i;
}

uint64_t
witness_nodes(const struct engine *e, int64_t id)
{
	struct which which = {e, e->nodes.count == 1};
	struct err ignored; /* then it is as if none were known of */

	if (e->nodes.count > 1)
		store_each_waiting(e->store, id, add_node, &which, &ignored);
	return which.nodes;
}

void
witness_print_id(
    const struct engine_node *node, const char *queue_id, char out[WITNESS_ID_SIZE])
{
	snprintf(out, WITNESS_ID_SIZE, "%s%s", node->id, queue_id);
}

/* The message waits for what the listing has, not for what the log last said. */
static bool
store_shown(struct engine *e, const struct engine_node *node, int64_t id,
    const struct witness_message *m, const struct listed *listed,
    const struct fold_shown *shown, struct err *err)
{
	char queue_id[WITNESS_ID_SIZE];
	struct waiting_mail mail = {
	    .queue_id = queue_id,
	    .domain = m->domain,
	    .rule = rules_get(e->rules, shown->rule)->name,
	    .reason = shown->mark,
	    .time_ms = m->time_ms,
	    .arrival_ms = listed->arrival_s * SPAN_SECOND_MS,
	};

	witness_print_id(node, listed->queue_id, queue_id);
	return store_waiting_add(e->store, id, &mail, 1, err);
}

/* The queue may name another's server: a relay of the sender's, say. */
static bool
is_elsewhere(const struct destination *d, const struct fold_shown *shown, int64_t now_ms)
{
	char name[NEXTHOP_HOST_SIZE];
	struct fold_host host = {.name = name, .flow_ms = now_ms};

	str_copy(str_of(shown->relay), name, sizeof(name));
	return name[0] != '\0' && destination_has_server(d, &host) == ANSWER_NO;
}

static bool
is_of_rule(struct engine *e, const struct destination *d, const struct listed *listed,
    const char *rule)
{
	struct fold_shown shown;

	for (unsigned i = 0; listed != NULL && i < REASONS_MAX; i++) {
		if (listed[i].queue_id == NULL)
			return false;
		if (fold_shown(e->fold, str_of(listed[i].queue_id),
		        str_of(listed[i].recipient), str_of(listed[i].reason), &shown) &&
		    strcmp(rules_get(e->rules, shown.rule)->name, rule) == 0 &&
		    !is_elsewhere(d, &shown, engine_now(e).wall_ms))
			return true;
	}
	return false;
}

/* Mostly all is as the log says. */
static bool
has_listed(const struct witness_task *t, const struct witness_ask *ask)
{
	for (size_t i = ask->from; i < ask->from + ask->count; i++)
		if (t->listed[i] != NULL)
			return true;
	return false;
}

int64_t
witness_shown_rule_ms(struct engine *e, const struct witness_task *t,
    const struct witness_ask *ask, const char *rule)
{
	int64_t at_ms = 0;
	struct destination d;
	struct err ignored; /* whatever comes of it cannot be stored either */
	bool found;

	if (!has_listed(t, ask) || !store_get_id(e->store, ask->id, &d, &found, &ignored))
		return 0;
	for (size_t i = ask->from; found && i < ask->from + ask->count; i++)
		if (t->messages[i].time_ms > at_ms &&
		    is_of_rule(e, &d, t->listed[i], rule))
			at_ms = t->messages[i].time_ms;
	destination_clear(&d);
	return at_ms;
}

/*
 * Where none of the messages that the alarm is about is as the log says, the alarm is
 * about what the queue has of them: about the newest of which a rule knows the reason.
 */
static bool
take_contradicted(struct engine *e, const struct witness_task *t,
    const struct witness_ask *ask, struct destination *d, bool *taken, struct err *err)
{
	const struct witness_message *newest = NULL;
	struct fold_shown of_newest;
	char relay[NEXTHOP_HOST_SIZE];

	/* Rows that stand for many come first, and are newer than what they replaced. */
	for (size_t i = ask->from + ask->count; i-- > ask->from;) {
		const struct witness_message *m = &t->messages[i];
		struct fold_shown shown;
		bool known = false;

		for (unsigned j = 0; t->listed[i] != NULL && j < REASONS_MAX && !known;
		     j++) {
			const struct listed *listed = &t->listed[i][j];

			if (listed->queue_id == NULL)
				break;
			known = fold_shown(e->fold, str_of(listed->queue_id),
			    str_of(listed->recipient), str_of(listed->reason), &shown);
			if (known &&
			    !store_shown(
			        e, t->task.base->node, ask->id, m, listed, &shown, err))
				return false;
		}
		if (known && (newest == NULL || m->time_ms > newest->time_ms)) {
			newest = m;
			of_newest = shown;
		}
	}
	memcpy(relay, d->alarm.relay, sizeof(relay));
	if (newest == NULL ||
	    !destination_take_shown(
	        d, rules_get(e->rules, of_newest.rule)->name, &of_newest))
		return true;
	*taken = true;
	/* What was measured for an attempt at that server is not about this one. */
	if (strcmp(relay, d->alarm.relay) != 0)
		witnesses_drop(e->witnessed, ask->id);
	return store_put(e->store, d, err);
}

bool
witness_take_shown(
    struct engine *e, const struct witness_task *t, bool *taken, struct err *err)
{
	if (!store_begin(e->store, err))
		return false;
	for (size_t i = 0; i < t->ask_count; i++) {
		const struct witness_ask *ask = &t->asks[i];
		struct destination d;
		bool found, done = true;

		/* Another queue may have what the alarm is about. */
		if (ask->count == 0 ||
		    witness_nodes(e, ask->id) != UINT64_C(1) << t->task.base->node->at ||
		    witness_says(&t->messages[ask->from], ask->count,
		        t->refused.count == 0) != QUEUE_NEWER)
			continue;
		if (!store_get_id(e->store, ask->id, &d, &found, err))
			return false;
		if (found && d.alarm.raised && !d.alarm.lost)
			done = take_contradicted(e, t, ask, &d, taken, err);
		destination_clear(&d);
		if (!done)
			return false;
	}
	return store_commit(e->store, err);
}
