/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/fold.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/masked.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/covered.h"
#include "core/fold_cause.h"
#include "core/fold_host.h"
#include "core/fold_impl.h"
#include "core/trouble.h"

/* So many lines before it is their turn. */
#define AHEAD_LINE 20
#define AHEAD_SLOT 12
#define AHEAD_ITEM 9
#define AHEAD_HOST 6
#define AHEAD_NAME 3
#define AHEAD_TEXT 4
#define SOON       16 /* a power of two above AHEAD_ITEM */

#define WAITED_US 100000 /* less than lies between two attempts */

#define EXPECTED_TEXT 192 /* queue id, recipient, server */
#define EXPECTED_LINE offsetof(struct parsed, status.recipient)

struct fold *
fold_new(const struct rules *rules)
{
	struct fold *fold = mem_new(1, sizeof(*fold));

	static const char *const any[] = {FOLD_NODE_ANY};

	fold_set_nodes(fold, any, 1);
	fold->outer = "";
	fold_items_init(&fold->items);
	fold_set_rules(fold, rules);
	return fold;
}

static void
reset_counts(struct fold *fold)
{
	free(fold->counts.by_rule);
	fold->counts = (struct fold_counts){
	    .by_rule =
	        mem_new(rules_count(fold->rules) + 1, sizeof(*fold->counts.by_rule))};
}

void
fold_set_rules(struct fold *fold, const struct rules *rules)
{
	rules_matcher_free(fold->matcher);
	fold->rules = rules;
	fold->matcher = rules_matcher_new(rules);
	reset_counts(fold);
}

void
fold_clear(struct fold *fold)
{
	fold_items_empty(&fold->items);
	reset_counts(fold);
	for (unsigned n = 0; n < fold->node_count; n++)
		fold->nodes[n].was_heard = false;
}

void
fold_free(struct fold *fold)
{
	if (fold == NULL)
		return;
	fold_items_clear(&fold->items);
	parked_clear(&fold->parked);
	marks_clear(&fold->marks);
	rules_matcher_free(fold->matcher);
	free(fold->counts.by_rule);
	fold_clear_nodes(fold);
	free(fold);
}

/* --- lines ------------------------------------------------------------------------- */

/*
 * Mail to an address of this machine is on its way to a filter, not to its destination:
 * its status lines say nothing of the recipient's domain.
 */
static bool
is_filter(struct str relay)
{
	const char *at = memchr(relay.p, '[', relay.len);
	struct str address;

	if (at == NULL)
		return false;
	address = str_skip(relay, (size_t)(at + 1 - relay.p));
	return str_starts(address, STR("127.")) || str_starts(address, STR("::1]"));
}

/* It says nothing of the session that its level demands, if it does: news decides. */
static void
take_bare(const struct fold *fold, struct fold_item *item, const struct status_line *s,
    int64_t time_ms)
{
	item->bare_ms = time_ms;
	item->deferred_since_bare = false;
	item->bare_attempt_ms = attempts_began(&fold->node->heard->attempts, s, time_ms);
	fold_host_bare(item, s);
}

/* Most mail is sent at once: it never waited. */
static bool
has_waited(const struct status_line *s)
{
	return s->delay_us - s->attempt_us >= WAITED_US;
}

/*
 * Sent at a level that demands nothing, as Postfix 3.11 says it: by TLS-Required: no,
 * perhaps (RFC 8689), whatever the entry is. Then it is the same as without a session: if
 * more is in force, it says nothing of that. What it met is past all the same.
 */
static bool
demands_nothing(struct fold_item *item, struct fold_host *host,
    const struct status_line *s, int64_t time_ms)
{
	enum level attempt = status_attempt_level(s);

	if (s->tls.len == 0 || (attempt != LEVEL_MAY && attempt != LEVEL_NONE))
		return false;
	if (status_met_level(s) < LEVEL_ENCRYPT)
		return true;
	item->seen_ms[SESSION_UNTRUSTED] = time_ms;
	if (host != NULL)
		host->seen_ms[SESSION_UNTRUSTED] = time_ms;
	return true;
}

/* host: with which there was a session; NULL: none. */
static void
take_sent(struct fold *fold, struct fold_item *item, struct fold_host *host,
    const struct process *p, bool session, const struct parsed *line)
{
	const struct status_line *s = &line->status;
	enum sent_by sent_by = protection_sent_by(session, session ? p->grade : 0, s);
	int64_t time_ms = line->time_ms;

	fold_item_tally(
	    item, time_ms, FOLD_SENT + (unsigned)sent_by, fold_selected(fold));
	if (!fold->past && has_waited(s))
		fold_items_end(&fold->items, fold_message(fold, s->queue_id), s->domain,
		    attempts_began(&fold->node->heard->attempts, s, time_ms));
	if ((fold->node->sessions_logged && !session && s->tls.len == 0) ||
	    demands_nothing(item, host, s, time_ms)) {
		take_bare(fold, item, s, time_ms);
		return;
	}
	item->sent_ms = time_ms;
	item->sent_proves = !fold->node->sessions_logged && s->tls.len == 0;
	item->sent_level = status_met_level(s);
	item->sent_attempt_ms = attempts_began(&fold->node->heard->attempts, s, time_ms);
	if (host == NULL)
		host = fold_host_get(item, s);
	if (host != NULL)
		fold_host_sent(host, item);
	/* Another server may be none of its own, or it is the queue that tells: news
	 * decides. */
	if (item->deferred && (fold->keeps_alarms || fold_host_differs(item, s)))
		return;
	item->deferred = false;
	if (item->tried.count == 0)
		return;
	item->tried = (struct fold_attempts){0};
	item->plain = (struct fold_attempts){0};
	item->broken = (struct fold_attempts){0};
}

/* The look-up names no service: that is the route's, if it leads to the same next-hop. */
static enum answer
route_named(struct fold *fold, const struct process *p, const struct status_line *s,
    struct route *out)
{
	enum answer routed = ANSWER_NO;

	if (fold->router != NULL)
		routed = fold->router(fold->router_context, s->recipient, s->domain, out);
	if (routed == ANSWER_UNSURE)
		return ANSWER_UNSURE;
	if (routed == ANSWER_NO || strcmp(out->key, p->nexthop) != 0)
		out->transport[0] = '\0';
	memcpy(out->key, p->nexthop, sizeof(out->key));
	return ANSWER_YES;
}

/* Where a status line belongs. UNSURE: park it. */
static enum answer
route(struct fold *fold, const struct process *p, const struct status_line *s,
    struct route *out, bool *named)
{
	struct nexthop nh;

	*named = process_named(p, s);
	if (*named)
		return route_named(fold, p, s, out);
	if (is_filter(s->relay) || !nexthop_parse(s->domain, &nh) ||
	    (nh.literal && !nh.bracketed))
		return ANSWER_NO;
	if (fold->router != NULL && !fold->node->plain)
		return fold->router(fold->router_context, s->recipient, s->domain, out);
	memcpy(out->key, nh.key, sizeof(out->key));
	str_copy(fold->node->plain ? STR("smtp") : STR(""), out->transport,
	    sizeof(out->transport));
	return ANSWER_YES;
}

/*
 * The item of a domain that is its own next-hop and was seen before: what most of a log
 * is about, found without parsing it again. NULL: to be found the long way.
 */
static struct fold_item *
find_own(const struct fold *fold, const struct process *p, const struct status_line *s,
    uint32_t hash)
{
	struct fold_item *item;

	if ((fold->router != NULL && !fold->node->plain) || process_named(p, s) ||
	    is_filter(s->relay))
		return NULL;
	item = fold_items_find(&fold->items, s->domain, hash);
	return item != NULL && item->own ? item : NULL;
}

/* The item of a status line's next-hop, new perhaps, of a list that which has the server.
 * UNSURE: park it. */
static enum answer
find_or_make(struct fold *fold, const struct process *p, const struct parsed *line,
    struct str server, struct fold_item **item)
{
	const struct status_line *s = &line->status;
	enum answer answer;
	struct route to = {.others = ""};
	bool named;

	*item = find_own(fold, p, s, line->hash);
	if (*item != NULL)
		return ANSWER_YES;
	answer = route(fold, p, s, &to, &named);
	if (answer != ANSWER_YES)
		return answer;
	if (!named)
		route_pick(&to, server, fold->ports);
	*item = fold_items_get(&fold->items, to.key);
	if ((*item)->port == 0)
		fold_take_port(fold, *item);
	(*item)->key_known = (*item)->key_known || named;
	if (to.transport[0] != '\0')
		memcpy((*item)->transport, to.transport, sizeof((*item)->transport));
	(*item)->own =
	    (*item)->own || (!named && (fold->router == NULL || fold->node->plain));
	return ANSWER_YES;
}

struct trouble
fold_trouble(struct fold *fold, const struct parsed *line, const struct process *p,
    const struct passed *passed)
{
	unsigned limit_hits = 0;
	struct trouble trouble = trouble_of(fold->rules, fold->matcher, &line->status,
	    line->service, p, passed, &limit_hits);

	fold->counts.limit_hits += limit_hits;
	return trouble;
}

/* The item that it was folded into, or NULL. *unsure: its next-hop is not known yet. */
static struct fold_item *
take_status(struct fold *fold, const struct process *p, const struct passed *passed,
    const struct parsed *line, bool *unsure)
{
	const struct status_line *s = &line->status;
	int64_t time_ms = line->time_ms;
	bool session = p != NULL && p->has_session &&
	    str_starts(s->relay, (struct str){p->peer, p->peer_len});
	struct trouble trouble = {.rule = -1};
	struct fold_host *host = NULL;
	struct fold_item *item;

	*unsure = false;
	if (s->status != DELIVERY_SENT && !fold->past)
		trouble = fold_trouble(fold, line, p, passed);
	if (trouble.rule < 0 && s->status != DELIVERY_SENT && !session)
		return NULL;
	switch (find_or_make(
	    fold, p, line, trouble.rule < 0 ? s->relay : trouble.server, &item)) {
	case ANSWER_UNSURE:
		*unsure = true;
		return NULL;
	case ANSWER_NO:
		fold->counts.no_nexthop += trouble.rule >= 0;
		return NULL;
	case ANSWER_YES:
		break;
	}
	if (trouble.rule >= 0) {
		fold->counts.recognised++;
		fold->counts.by_rule[trouble.rule]++;
	}
	if (p != NULL && p->fault_count > 0 && !fold->past)
		fold_cause_faults(item, p, time_ms);
	if (session) {
		item->seen_ms[p->grade] = time_ms;
		fold_item_tally(item, time_ms, FOLD_SESSION + p->grade, 0);
		host = fold_host_get(item, s);
		if (host != NULL)
			host->seen_ms[p->grade] = time_ms;
	}
	if (s->status == DELIVERY_SENT)
		take_sent(fold, item, host, p, session, line);
	else if (trouble.rule >= 0)
		fold_take_deferral(fold, item, line, &trouble);
	return item;
}

/* --- lines that wait for a route --------------------------------------------------- */

static void
park(struct fold *fold, const struct process *p, const struct passed *passed,
    const struct parsed *line, bool queued)
{
	parked_add(&fold->parked, p, passed, line, queued, fold_selected(fold));
	fold->node->parked++;
}

void
fold_status(struct fold *fold, struct process *p, const struct passed *passed,
    const struct parsed *line, bool queued)
{
	struct fold_item *item;
	bool unsure;

	if (line->status.ambiguous && !queued) {
		enum answer quoted = fold->foreign ? ANSWER_NO : fold->node->quoted;

		if (quoted == ANSWER_UNSURE && !fold->unparking) {
			park(fold, p, passed, line, queued);
			return;
		}
		if (quoted != ANSWER_YES) {
			fold->counts.ambiguous++;
			return;
		}
	}
	if (line->status.status == DELIVERY_BOUNCED && !fold->past)
		fold_items_end(&fold->items, fold_message(fold, line->status.queue_id),
		    line->status.domain, 0);
	if (p != NULL)
		process_bind(p, &line->status);
	item = take_status(fold, p, passed, line, &unsure);
	fold->counts.status_lines += !unsure && !queued;
	if (unsure)
		park(fold, p, passed, line, queued);
	/* The queue does not tell when the message was tried, so it is news only for a
	 * destination that never had an entry. */
	else if (queued && item != NULL) {
		if (item->deferred)
			item->deferral->attempt_ms = 0;
		if (item->refused != NULL)
			item->refused->attempt_ms = 0;
	}
}

void
fold_unpark(struct fold *fold)
{
	struct parked parked = fold->parked;

	fold->parked = (struct parked){0};
	for (unsigned n = 0; n < fold->node_count; n++)
		fold->nodes[n].parked = 0;
	fold->was_unparked = true;
	fold->unparking = true;
	for (size_t i = 0; i < parked.count; i++) {
		struct parked_line *p = &parked.lines[i];
		struct parsed line;

		fold_select(fold, p->node);
		if (parked_parse(p, &line))
			fold_status(fold, p->process.used != 0 ? &p->process : NULL,
			    p->passed, &line, p->queued);
	}
	fold->unparking = false;
	parked_clear(&parked);
}

/* --- lines in ---------------------------------------------------------------------- */

static const struct passed *
take_passed(struct fold *fold, const struct parsed *line)
{
	return passed_take(&fold->node->heard->passed, line->process, &line->status,
	    line->hash,
	    attempts_began(&fold->node->heard->attempts, &line->status, line->time_ms));
}

static void
note_reason(struct fold *fold, const struct parsed *line)
{
	const struct process *p =
	    processes_find(&fold->node->heard->processes, line->process);
	bool session = p != NULL && p->has_session &&
	    (p->queue_id[0] == '\0' || str_is(line->reason.queue_id, p->queue_id));
	unsigned limit_hits = 0;
	unsigned rank = trouble_rank(
	    fold->rules, fold->matcher, line->reason.reason, line->service, &limit_hits);

	fold->counts.limit_hits += limit_hits;
	passed_note_reason(&fold->node->heard->passed, line->process, &line->reason,
	    session ? p->peer : "", rank, line->time_ms);
	fold_cause_named(&fold->node->heard->processes, line);
}

/* A status line, unless it was counted before. */
static void
fold_counted(struct fold *fold, const struct parsed *line)
{
	struct process *p = processes_find(&fold->node->heard->processes, line->process);
	const struct passed *passed =
	    fold->node->heard->passed.count > 0 ? take_passed(fold, line) : NULL;

	if (fold->covered == NULL || line->writer == 0 ||
	    covered_take(fold->covered, fold->source, line->writer, line->second,
	        line->print, line->is_ahead)) {
		fold_status(fold, p, passed, line, false);
		return;
	}
	fold->counts.known++;
	if (p != NULL)
		process_bind(p, &line->status);
	if (fold->known != NULL)
		fold->known(fold->known_context, line);
}

static void
fold_one(struct fold *fold, const struct parsed *line)
{
	if (!fold_select_host(fold, line) || fold_is_of_another(fold, line))
		return;
	fold->node->was_heard = true;
	switch (line->kind) {
	case PARSED_STATUS:
		fold_counted(fold, line);
		break;
	case PARSED_SESSION:
		fold->counts.sessions++;
		process_note_session(
		    processes_get(&fold->node->heard->processes, line->process),
		    &line->session);
		break;
	case PARSED_POLICY:
		process_note_policy(
		    processes_get(&fold->node->heard->processes, line->process),
		    &line->policy);
		break;
	case PARSED_EXPIRY:
		if (!fold->past)
			fold_items_end(
			    &fold->items, fold_message(fold, line->expired), STR(""), 0);
		break;
	case PARSED_FAULT:
		passed_note_fault(
		    &fold->node->heard->passed, line->process, &line->fault);
		process_note_fault(
		    processes_get(&fold->node->heard->processes, line->process),
		    &line->fault);
		break;
	case PARSED_REASON:
		note_reason(fold, line);
		break;
	case PARSED_START:
		fold->node->starts += !fold->past;
		break;
	case PARSED_STRANGE:
		fold->counts.strange++;
		fold->strange++;
		masked_copy(line->text, fold->strange_line, FOLD_STRANGE_SIZE);
		break;
	}
}

/* What is read of most lines: another processor may have parsed them. */
static void
expect_line(const struct parsed *line)
{
	for (size_t at = 0; at < EXPECTED_LINE; at += 64)
		__builtin_prefetch((const char *)line + at);
}

static void
expect_text(const struct parsed *line)
{
	const char *p = line->kind == PARSED_STATUS ? line->text.p
	    : line->kind == PARSED_SESSION          ? line->session.host.p
	                                            : NULL;

	for (size_t at = 0; p != NULL && at < EXPECTED_TEXT; at += 64)
		__builtin_prefetch(p + at);
}

/* Items are spread over the memory, so what the next lines need is prefetched, each step
 * by what the one before brought near. */
void
fold_parsed(struct fold *fold, const struct parsed *lines, size_t count)
{
	const struct fold_item *soon[SOON] = {NULL};

	for (size_t i = 0; i < count; i++) {
		size_t slot = i + AHEAD_SLOT, item = i + AHEAD_ITEM;

		if (i + AHEAD_LINE < count)
			expect_line(&lines[i + AHEAD_LINE]);
		if (slot < count && lines[slot].kind == PARSED_STATUS)
			fold_items_expect_slot(&fold->items, lines[slot].hash);
		soon[item % SOON] = item < count && lines[item].kind == PARSED_STATUS
		    ? fold_items_expect(&fold->items, lines[item].hash)
		    : NULL;
		fold_item_expect_host(soon[(i + AHEAD_HOST) % SOON]);
		fold_item_expect_name(soon[(i + AHEAD_NAME) % SOON]);
		if (i + AHEAD_TEXT < count)
			expect_text(&lines[i + AHEAD_TEXT]);
		fold_one(fold, &lines[i]);
	}
}

void
fold_line(struct fold *fold, const struct logline *line, int64_t time_ms, int64_t now_ms)
{
	struct parsed parsed;

	if (!parsed_from(line, &parsed))
		return;
	parsed.time_ms = time_ms != 0 ? time_ms : now_ms;
	fold_one(fold, &parsed);
}
