/* SPDX-License-Identifier: BSD-2-Clause */
/* A status line whose reason a rule recognised, and which of them an item has. */
#include <string.h>

#include "base/masked.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/fold_cause.h"
#include "core/fold_host.h"
#include "core/fold_impl.h"

bool
fold_is_earlier(int64_t attempt_ms, int64_t time_ms, int64_t than_attempt_ms)
{
	int64_t open_ms = time_ms % SPAN_SECOND_MS == 0 ? SPAN_SECOND_MS : 0;

	return attempt_ms + open_ms < than_attempt_ms;
}

static bool
is_same_kind(const struct fold_deferral *a, const struct fold_deferral *b)
{
	return a->rule == b->rule && a->lost == b->lost && a->suspended == b->suspended &&
	    a->attempt_level == b->attempt_level && strcmp(a->relay, b->relay) == 0;
}

/* One that is not the item's deferral any more, or is not to be. */
static void
keep_other(struct fold *fold, struct fold_item *item, const struct fold_deferral *other,
    const struct fold_deferral *taken)
{
	if (!fold->keeps_alarms || is_same_kind(other, taken))
		return;
	for (unsigned i = 0; i < item->other_count; i++)
		if (is_same_kind(&item->others[i], other))
			return;
	if (item->other_count == FOLD_OTHERS_MAX) {
		item->others_cut = true;
		return;
	}
	if (item->others == NULL)
		item->others = mem_new(FOLD_OTHERS_MAX, sizeof(*item->others));
	item->others[item->other_count++] = *other;
}

static struct fold_deferral
deferral_of(struct fold *fold, const struct parsed *line, const struct trouble *trouble)
{
	const struct status_line *s = &line->status;
	unsigned rule = (unsigned)trouble->rule;
	struct fold_deferral d = {
	    .time_ms = line->time_ms,
	    .rule = rule,
	    .rule_name = rules_get(fold->rules, rule)->name,
	    .waits = rule_waits(rules_get(fold->rules, rule)),
	    .lost = s->status == DELIVERY_BOUNCED,
	    .suspended = s->suspended,
	    .policy_refused = fold_is_policy_refused(trouble),
	    .attempt_level = status_attempt_level(s),
	};

	attempts_note(&fold->node->heard->attempts, s, d.time_ms);
	d.attempt_ms = attempts_began(&fold->node->heard->attempts, s, d.time_ms);
	trouble_copy_server(trouble, d.relay, sizeof(d.relay));
	masked_copy(trouble->reason, d.reason, sizeof(d.reason));
	str_copy(trouble->dsn, d.dsn, sizeof(d.dsn));
	str_copy(line->service, d.service, sizeof(d.service));
	return d;
}

static void
take_refused(struct fold *fold, struct fold_item *item, const struct parsed *line,
    const struct trouble *trouble)
{
	const struct status_line *s = &line->status;
	struct fold_deferral d = deferral_of(fold, line, trouble);

	if (d.lost)
		return;
	fold_item_waits(item, fold_message(fold, s->queue_id), s, d.rule,
	    marks_of(&fold->marks, s->own_reason), d.time_ms);
	fold_host_mark_port(item, fold_host_port(trouble->server), d.relay);
	if (item->refused == NULL)
		item->refused = mem_new(1, sizeof(*item->refused));
	*item->refused = d;
}

void
fold_take_deferral(struct fold *fold, struct fold_item *item, const struct parsed *line,
    const struct trouble *trouble)
{
	const struct status_line *s = &line->status;
	unsigned rule = (unsigned)trouble->rule;
	int64_t time_ms = line->time_ms;
	struct fold_deferral d;

	if (rules_get(fold->rules, rule)->under_policy) {
		take_refused(fold, item, line, trouble);
		return;
	}
	d = deferral_of(fold, line, trouble);
	fold_item_tally(item, time_ms, FOLD_RULE + rule, 0);
	fold_host_failed(item, s, rules_get(fold->rules, rule), time_ms);
	item->deferred_since_bare = true;
	if (d.lost)
		fold_item_lost(item, s->own_reason, time_ms);
	else
		fold_item_waits(item, fold_message(fold, s->queue_id), s, rule,
		    marks_of(&fold->marks, s->own_reason), time_ms);
	if (!d.suspended)
		fold_item_tried(item,
		    trouble->nowhere ? NULL : rules_get(fold->rules, rule), d.attempt_ms,
		    time_ms);
	fold_cause_deferred(item, trouble->cause, fold_host_port(trouble->server), &d);
	fold_host_mark_port(item, fold_host_port(trouble->server), d.relay);
	/* A line repeated by qmgr(8) tells less than an attempt; so does an attempt that
	 * began earlier and took longer. */
	if (item->deferred && !item->deferral->suspended &&
	    (d.suspended ||
	        (fold_is_earlier(d.attempt_ms, time_ms, item->deferral->attempt_ms) &&
	            time_ms >= item->deferral->time_ms))) {
		keep_other(fold, item, &d, item->deferral);
		return;
	}
	if (item->deferred)
		keep_other(fold, item, item->deferral, &d);
	item->deferred = true;
	if (item->deferral == NULL)
		item->deferral = mem_new(1, sizeof(*item->deferral));
	*item->deferral = d;
}
