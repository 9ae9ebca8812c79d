/* SPDX-License-Identifier: BSD-2-Clause */
/* What a fold keeps: for fold*.c alone. */
#ifndef CORE_FOLD_IMPL_H
#define CORE_FOLD_IMPL_H

#include "core/attempts.h"
#include "core/fold.h"
#include "core/fold_items.h"
#include "core/marks.h"
#include "core/parked.h"
#include "core/passed.h"
#include "core/processes.h"
#include "core/trouble.h"

/* What the processes of one Postfix said last. Large: what nobody wrote to takes no
 * memory. */
struct fold_heard {
	struct processes processes;
	struct passed_table passed;
	struct attempts attempts;
};

/* What is one Postfix's; see fold_set_nodes(). */
struct fold_node {
	const char *host;
	struct fold_heard *heard;
	bool was_heard;     /* since fold_clear() */
	enum answer quoted; /* addresses are in the log */
	bool sessions_logged;
	bool silent; /* no session is logged, surely */
	bool plain;  /* every domain is its own next-hop: the router need not be asked */
	bool own_names; /* a line of one of them was seen: */
	char *names;    /* what it calls itself; "": not known */
	unsigned starts;
	size_t parked; /* lines */
};

struct fold {
	const struct rules *rules;
	struct rules_matcher *matcher;
	struct fold_items items;
	struct fold_counts counts;
	struct fold_node *nodes;
	unsigned node_count;
	struct fold_node *node; /* whose the line at hand is */
	struct fold_node *any;  /* NULL: none is called that */
	struct buf message;     /* fold_message() */
	uint64_t unfollowed;
	struct fold_stranger strangers[FOLD_STRANGERS_MAX];
	unsigned stranger_count;
	bool foreign; /* ... of another Postfix, and its log does not say so */
	bool unparking;
	bool past;               /* only what went well is taken */
	struct covered *covered; /* NULL: every line counts */
	unsigned source;
	fold_known_fn *known;
	void *known_context;
	const char *outer;
	uint64_t strange;
	char strange_line[FOLD_STRANGE_SIZE];
	const struct ports *ports;
	bool keeps_alarms;
	fold_route_fn *router;
	void *router_context;
	struct parked parked;
	bool was_unparked;
	struct marks marks;
};

/* A status line, which is parked if need be. queued: it is what the queue has. */
void fold_status(struct fold *fold, struct process *process, const struct passed *passed,
    const struct parsed *line, bool queued);

/* trouble_of(), and what runs into a limit is counted. */
struct trouble fold_trouble(struct fold *fold, const struct parsed *line,
    const struct process *process, const struct passed *passed);

/* A deferral, or a message that was bounced, with what a rule makes of it. */
void fold_take_deferral(struct fold *fold, struct fold_item *item,
    const struct parsed *line, const struct trouble *trouble);

/* Postfix complains of its own settings, or of an entry. */
bool fold_is_policy_refused(const struct trouble *trouble);

/* Select the node of a line's host. False: it is of none, which is counted. */
bool fold_select_host(struct fold *fold, const struct parsed *line);
void fold_clear_nodes(struct fold *fold);
/* The port of its key, as the fold was told. */
void fold_take_port(const struct fold *fold, struct fold_item *item);

/* Did another instance of Postfix write it? (fold_set_names()) */
bool fold_is_of_another(struct fold *fold, const struct parsed *line);

#endif
