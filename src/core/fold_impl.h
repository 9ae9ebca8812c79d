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

struct fold {
	const struct rules *rules;
	struct rules_matcher *matcher;
	struct fold_items items;
	struct fold_counts counts;
	struct processes processes;
	struct passed_table passed;
	enum answer quoted; /* addresses are in the log */
	bool foreign;       /* ... of another Postfix, and its log does not say so */
	bool unparking;
	bool past;               /* only what went well is taken */
	struct covered *covered; /* NULL: every line counts */
	unsigned source;
	fold_known_fn *known;
	void *known_context;
	const char *outer;
	uint64_t strange;
	char strange_line[FOLD_STRANGE_SIZE];
	bool sessions_logged;
	bool silent;    /* no session is logged, surely */
	char *names;    /* of our Postfix; "": not known */
	bool own_names; /* a line of one of them was seen */
	bool keeps_alarms;
	bool plain; /* every domain is its own next-hop: the router need not be asked */
	fold_route_fn *router;
	void *router_context;
	struct parked parked;
	bool was_unparked;
	unsigned starts;
	struct attempts attempts;
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

/* Did another instance of Postfix write it? (fold_set_names()) */
bool fold_is_of_another(struct fold *fold, const struct parsed *line);

#endif
