/* SPDX-License-Identifier: BSD-2-Clause */
/* A listing of the queue, for those whom it tells something: for duty_witness.c,
 * witness_listing.c and witness_shown.c alone. */
#ifndef ENGINE_WITNESS_TASK_H
#define ENGINE_WITNESS_TASK_H

#include "core/witness.h"
#include "engine/engine_impl.h"

/* A destination, and its messages among all of them. */
struct witness_ask {
	int64_t id;
	bool given_up; /* nobody waits for what it says */
	size_t from, count;
};

/* What the listing has of a message, or of one that a row stands for. */
struct listed {
	char *queue_id; /* NULL: nothing */
	char *recipient;
	char *reason;
	int64_t arrival_s;
};

#define REASONS_MAX 4 /* recipients of one domain may wait for several */

struct witness_task {
	struct task task;
	struct witness_ask *asks;
	size_t ask_count;
	struct witness_message *messages;
	struct listed **listed; /* of each message REASONS_MAX different ones, or NULL: it
	                         * is as the log says, or not there */
	size_t message_count;
	struct witness_message **by_id;
	const char *rule; /* of the alarm whose messages are being added */
	struct queue_refused refused;
	int64_t took_ms; /* out */
};

/* Its work and release, as of a task_kind. */
bool witness_work(struct task *task, void *context);
void witness_release(struct task *task);

/* Whose queues have messages for that destination: bits by the places of nodes. */
uint64_t witness_nodes(const struct engine *e, int64_t id);

/* The id of a message as it is stored; those of a task are as the node has them. */
#define WITNESS_ID_SIZE (STORE_NODE_SIZE + 256)
void witness_print_id(
    const struct engine_node *node, const char *queue_id, char out[WITNESS_ID_SIZE]);

/*
 * Its messages are not as the last lines of them say; does the listing show one that was
 * deferred for a reason that this rule recognises? Whoever writes another line after each
 * attempt must not keep the alarm of the genuine one from being judged. When the log last
 * told of an attempt of it; 0: it shows none.
 */
int64_t witness_shown_rule_ms(struct engine *e, const struct witness_task *t,
    const struct witness_ask *ask, const char *rule);

/*
 * Where a listing contradicts the log, the alarm is about what the queue has. *taken is
 * set where that is news. False: it was not stored.
 */
bool witness_take_shown(
    struct engine *e, const struct witness_task *t, bool *taken, struct err *err);

#endif
