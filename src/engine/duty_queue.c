/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue read at the start: mail that was deferred before the log was read. Of a large
 * queue only what a rule knows is kept, and the next listing is as far from this one as
 * from another.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "engine/engine_impl.h"
#include "sys/log.h"

/* The counter that says so to the next start; "queue-unread NODE/" of one with a name. */
#define QUEUE_UNREAD "queue-unread"

struct queue {
	struct duty_state base;
	bool wanted;  /* it is to be read, until it was */
	bool unsaved; /* what was read is in the fold alone */
};

/* A mail that waits, copied out of postqueue -j. */
struct queued_mail {
	char *queue_id;
	char *recipient;
	char *reason;
	int64_t arrival_s;
};

struct queue_task {
	struct task task;
	const struct rules *rules;
	struct rules_matcher *matcher; /* the worker's */
	int64_t began_ms, took_ms;     /* monotonic; out */
	struct queued_mail *mails;     /* out */
	size_t count;
	struct queue_refused refused; /* out */
};

static void
print_unread(const struct engine_node *node, char *out, size_t size)
{
	snprintf(
	    out, size, QUEUE_UNREAD "%s%s", node->id[0] != '\0' ? " " : "", node->id);
}

/* Where it cannot be noted the queue is read twice, or by us alone. */
static void
note_unread(struct engine *e, const struct engine_node *node, bool unread)
{
	char name[sizeof(QUEUE_UNREAD) + STORE_NODE_SIZE];
	struct err ignored;

	print_unread(node, name, sizeof(name));
	store_counter_set(e->store, name, unread, &ignored);
}

void
engine_read_queue(struct engine *e)
{
	for (unsigned i = 0; i < e->nodes.count; i++) {
		struct queue *q = engine_state_of(e, &duty_queue, &e->nodes.items[i]);

		q->wanted = true;
		note_unread(e, &e->nodes.items[i], true);
	}
}

bool
engine_left_queue(struct engine *e)
{
	for (unsigned i = 0; i < e->nodes.count; i++) {
		char name[sizeof(QUEUE_UNREAD) + STORE_NODE_SIZE];
		struct err ignored;
		int64_t unread;

		print_unread(&e->nodes.items[i], name, sizeof(name));
		if (store_counter_get(e->store, name, &unread, &ignored) && unread != 0)
			return true;
	}
	return false;
}

static void
add_mail(void *context, const struct queued *queued)
{
	struct queue_task *t = context;
	struct queued_mail *mail;

	if (queued->delay_reason[0] == '\0' ||
	    !fold_recognises_queued(t->rules, t->matcher, str_of(queued->queue_id),
	        str_of(queued->address), str_of(queued->delay_reason)))
		return;
	t->mails = mem_array(t->mails, t->count + 1, sizeof(*t->mails));
	mail = &t->mails[t->count++];
	mail->queue_id = mem_strdup(queued->queue_id);
	mail->recipient = mem_strdup(queued->address);
	mail->reason = mem_strdup(queued->delay_reason);
	mail->arrival_s = queued->arrival_s;
}

static bool
work(struct task *task, void *context)
{
	struct queue_task *t = (struct queue_task *)task;

	bool done;

	(void)context;
	t->matcher = rules_matcher_new(t->rules);
	t->began_ms = task->world->mono_ms();
	done =
	    task->world->read_queue(task->postfix, add_mail, t, &t->refused, &task->err);
	t->took_ms = task->world->mono_ms() - t->began_ms;
	return done;
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	struct queue *q = (struct queue *)base;
	const struct queue_task *t = (const struct queue_task *)task;

	engine_note_listing(e, base->node, t->began_ms, t->took_ms, task->done);
	if (!task->done)
		return;
	if (t->refused.count > 0)
		log_warning("%zu messages of the queue%s%s cannot be read: %s",
		    t->refused.count, base->node->name[0] != '\0' ? " on " : "",
		    base->node->name, t->refused.why.text);
	q->wanted = false;
	fold_select(e->fold, base->node->at);
	for (size_t i = 0; i < t->count; i++)
		fold_queued(e->fold, str_of(t->mails[i].queue_id),
		    str_of(t->mails[i].recipient), str_of(t->mails[i].reason),
		    t->mails[i].arrival_s, now->wall_ms);
	q->unsaved = true;
}

static void
release(struct task *task)
{
	struct queue_task *t = (struct queue_task *)task;

	for (size_t i = 0; i < t->count; i++) {
		free(t->mails[i].queue_id);
		free(t->mails[i].recipient);
		free(t->mails[i].reason);
	}
	free(t->mails);
	rules_matcher_free(t->matcher);
}

static const struct task_kind queue_kind = {
    .size = sizeof(struct queue_task), .work = work, .take = take, .release = release};

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct queue *q = (const struct queue *)base;
	struct due due = {.at_ms = DUE_NEVER, .owed = q->wanted || q->unsaved};

	if (q->wanted && !engine_is_listing(e, base->node))
		due.at_ms = engine_next_listing_ms(e, base->node);
	if ((q->unsaved && fold_parked(e->fold) == 0) || due.at_ms < now->mono_ms)
		due.at_ms = now->mono_ms;
	return due;
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct queue *q = (struct queue *)base;
	struct queue_task *t;

	if (q->wanted && !engine_is_listing(e, base->node) &&
	    engine_next_listing_ms(e, base->node) <= now->mono_ms) {
		t = engine_task(e, base, &queue_kind);
		t->rules = e->rules;
		engine_submit(e, &t->task);
	}
	if (!q->unsaved)
		return;
	q->unsaved = engine_save(e, NULL, 0) != ENGINE_SAVED;
	if (!q->unsaved)
		note_unread(e, base->node, q->wanted);
}

const struct duty duty_queue = {
    .name = "queue",
    .what = "read the queue",
    .is_of_node = true,
    .needs = DUTY_STORES,
    .state_size = sizeof(struct queue),
    .due = due,
    .start = start,
};
