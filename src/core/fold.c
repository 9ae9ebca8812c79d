/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/fold.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"

#define PROCESSES 256 /* smtp(8) processes remembered; default_process_limit is 100 */

/* What a process said last. */
struct process {
	uint32_t pid;
	uint64_t used; /* for finding the one that has been silent longest */
	bool has_session;
	enum session_grade grade;
	char peer[NEXTHOP_HOST_SIZE + 64]; /* "host[address]" of that session */
	char queue_id[64];                 /* the message it was for; "": the next */
	char nexthop[NEXTHOP_KEY_SIZE];    /* of its last policy look-up; "": none */
	char reason[128];                  /* and what it said */
	uint16_t next; /* one with the same remainder of its pid, counted from 1; 0: none */
};

/* A status line whose next-hop is not known yet, with what its process had said. */
struct parked {
	char *text;
	char *service;
	struct process process;
	int64_t time_ms;
	bool queued; /* from the queue, not from a log */
};

/* Hash and length of the item's key: others are passed over without a look at them. */
struct slot {
	uint32_t hash;
	uint32_t len;
	struct fold_item *item;
};

struct fold {
	const struct rules *rules;
	struct rules_matcher *matcher;
	struct slot *slots; /* open addressing, a power of two */
	size_t slot_count;
	size_t size;
	struct fold_item *first;
	struct fold_item **last;
	struct fold_counts counts;
	struct process processes[PROCESSES];
	uint16_t by_pid[PROCESSES]; /* the first with that remainder, counted from 1 */
	uint64_t used;
	bool unquoted; /* addresses stand in the log as they are */
	bool sessions_logged;
	bool plain; /* every domain is its own next-hop: the router need not be asked */
	fold_route_fn *router;
	void *router_context;
	struct parked *parked;
	size_t parked_count;
};

struct fold *
fold_new(const struct rules *rules)
{
	struct fold *fold = mem_new(1, sizeof(*fold));

	fold->slot_count = 1024;
	fold->slots = mem_new(fold->slot_count, sizeof(*fold->slots));
	fold->last = &fold->first;
	fold_set_rules(fold, rules);
	return fold;
}

void
fold_set_rules(struct fold *fold, const struct rules *rules)
{
	rules_matcher_free(fold->matcher);
	fold->rules = rules;
	fold->matcher = rules_matcher_new(rules);
}

static void
item_free(struct fold_item *item)
{
	for (size_t i = 0; i < item->queue_id_count; i++)
		free(item->queue_ids[i]);
	free(item->queue_ids);
	if (item->tallies != item->few)
		free(item->tallies);
	free(item);
}

static void
clear_parked(struct parked *parked, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(parked[i].text);
		free(parked[i].service);
	}
	free(parked);
}

void
fold_clear(struct fold *fold)
{
	struct fold_item *item = fold->first;

	while (item != NULL) {
		struct fold_item *next = item->next;

		item_free(item);
		item = next;
	}
	memset(fold->slots, 0, fold->slot_count * sizeof(*fold->slots));
	fold->size = 0;
	fold->first = NULL;
	fold->last = &fold->first;
	fold->counts = (struct fold_counts){0};
}

void
fold_free(struct fold *fold)
{
	if (fold == NULL)
		return;
	fold_clear(fold);
	clear_parked(fold->parked, fold->parked_count);
	rules_matcher_free(fold->matcher);
	free(fold->slots);
	free(fold);
}

/* --- items by key ------------------------------------------------------------------ */

static uint64_t
load_8(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

/* Small and capital letters alike. No more is needed: the table is bounded by a batch. */
static uint32_t
hash(struct str key)
{
	const uint64_t small = UINT64_C(0x2020202020202020);
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t h = key.len, last = 0;

	for (size_t at = 0; at + 8 < key.len; at += 8) {
		h = (h ^ (load_8(key.p + at) | small)) * odd;
		h ^= h >> 29;
	}
	if (key.len >= 8)
		last = load_8(key.p + key.len - 8);
	for (size_t i = 0; key.len < 8 && i < key.len; i++)
		last = last << 8 | (unsigned char)key.p[i];
	h = (h ^ (last | small)) * odd;
	return (uint32_t)(h >> 32);
}

static bool
is_slot_of(const struct slot *slot, struct str key, uint32_t h)
{
	struct str own = {slot->item->key, slot->len};

	return slot->hash == h && slot->len == key.len &&
	    (memcmp(own.p, key.p, key.len) == 0 || str_equal_nocase(own, key));
}

/* Where the item of that key is, in whatever case, or belongs. */
static struct slot *
find_slot(const struct fold *fold, struct str key, uint32_t h)
{
	size_t at = h & (fold->slot_count - 1);

	while (fold->slots[at].item != NULL && !is_slot_of(&fold->slots[at], key, h))
		at = (at + 1) & (fold->slot_count - 1);
	return &fold->slots[at];
}

static struct fold_item *
find_item(const struct fold *fold, struct str key)
{
	return find_slot(fold, key, hash(key))->item;
}

static void
grow(struct fold *fold)
{
	struct slot *old = fold->slots;
	size_t old_count = fold->slot_count;

	fold->slot_count *= 2;
	fold->slots = mem_new(fold->slot_count, sizeof(*fold->slots));
	for (size_t i = 0; i < old_count; i++)
		if (old[i].item != NULL)
			*find_slot(fold, (struct str){old[i].item->key, old[i].len},
			    old[i].hash) = old[i];
	free(old);
}

static struct fold_item *
item_of(struct fold *fold, const char *key, bool key_known)
{
	struct str text = str_of(key);
	uint32_t h = hash(text);
	struct slot *slot = find_slot(fold, text, h);
	struct fold_item *item = slot->item;

	if (item == NULL) {
		item = mem_new(1, sizeof(*item));
		memcpy(item->key, key, text.len + 1);
		item->tallies = item->few;
		*slot = (struct slot){h, (uint32_t)text.len, item};
		*fold->last = item;
		fold->last = &item->next;
		if (++fold->size * 2 > fold->slot_count)
			grow(fold);
	}
	item->key_known = item->key_known || key_known;
	return item;
}

/* Room for one more than there are; no longer in the item itself. */
static void
more_tallies(struct fold_item *item)
{
	struct fold_tally *old = item->tallies != item->few ? item->tallies : NULL;

	item->tallies = mem_array(old, item->tally_count + 1, sizeof(*item->tallies));
	if (old == NULL)
		memcpy(item->tallies, item->few, sizeof(item->few));
}

static void
tally(struct fold_item *item, int64_t time_ms, unsigned what)
{
	int64_t day = time_ms / SPAN_DAY_MS;

	for (size_t i = 0; i < item->tally_count; i++) {
		if (item->tallies[i].day == day && item->tallies[i].what == what) {
			item->tallies[i].count++;
			return;
		}
	}
	if (item->tally_count >= FOLD_FEW_TALLIES)
		more_tallies(item);
	item->tallies[item->tally_count++] = (struct fold_tally){day, what, 1};
}

static void
remember_message(struct fold_item *item, struct str queue_id)
{
	if (item->queue_id_count >= FOLD_QUEUE_IDS)
		return;
	for (size_t i = 0; i < item->queue_id_count; i++)
		if (str_is(queue_id, item->queue_ids[i]))
			return;
	item->queue_ids =
	    mem_array(item->queue_ids, item->queue_id_count + 1, sizeof(*item->queue_ids));
	item->queue_ids[item->queue_id_count++] = mem_strndup(queue_id.p, queue_id.len);
}

/* --- processes --------------------------------------------------------------------- */

static struct process *
find_process(struct fold *fold, uint32_t pid)
{
	uint16_t at = fold->by_pid[pid % PROCESSES];

	while (at != 0 && fold->processes[at - 1].pid != pid)
		at = fold->processes[at - 1].next;
	return at != 0 ? &fold->processes[at - 1] : NULL;
}

static void
link_process(struct fold *fold, struct process *process)
{
	uint16_t *first = &fold->by_pid[process->pid % PROCESSES];

	process->next = *first;
	*first = (uint16_t)(process - fold->processes + 1);
}

static void
unlink_process(struct fold *fold, const struct process *process)
{
	uint16_t *at = &fold->by_pid[process->pid % PROCESSES];

	while (*at != 0 && &fold->processes[*at - 1] != process)
		at = &fold->processes[*at - 1].next;
	if (*at != 0)
		*at = process->next;
}

static struct process *
process_of(struct fold *fold, uint32_t pid)
{
	struct process *process = find_process(fold, pid), *oldest = &fold->processes[0];

	if (process == NULL) {
		for (size_t i = 1; i < PROCESSES; i++)
			if (fold->processes[i].used < oldest->used)
				oldest = &fold->processes[i];
		process = oldest;
		unlink_process(fold, process);
		*process = (struct process){.pid = pid};
		link_process(fold, process);
	}
	process->used = ++fold->used;
	return process;
}

void
fold_save_processes(const struct fold *fold, struct buf *out)
{
	for (size_t i = 0; i < PROCESSES; i++) {
		const struct process *p = &fold->processes[i];

		if (p->used == 0)
			continue;
		buf_printf(out, "%lu\t%llu\t%d\t%d\t%s\t%s\t%s\t%s\n", (unsigned long)p->pid,
		    (unsigned long long)p->used, p->has_session, (int)p->grade, p->peer,
		    p->queue_id, p->nexthop, p->reason);
	}
}

void
fold_load_processes(struct fold *fold, struct str saved)
{
	struct str line, field[7];
	size_t n = 0;

	memset(fold->processes, 0, sizeof(fold->processes));
	memset(fold->by_pid, 0, sizeof(fold->by_pid));
	while (n < PROCESSES && str_cut(&saved, '\n', &line)) {
		struct process *p = &fold->processes[n];
		uint64_t pid, used, has_session, grade;
		bool whole = true;

		for (int i = 0; i < 7; i++)
			whole = whole && str_cut(&line, '\t', &field[i]);
		if (!whole || !str_number(field[0], UINT32_MAX, &pid) ||
		    !str_number(field[1], UINT64_MAX, &used) ||
		    !str_number(field[2], 1, &has_session) ||
		    !str_number(field[3], SESSION_COUNT - 1, &grade) ||
		    !str_copy(field[4], p->peer, sizeof(p->peer)) ||
		    !str_copy(field[5], p->queue_id, sizeof(p->queue_id)) ||
		    !str_copy(field[6], p->nexthop, sizeof(p->nexthop)) ||
		    !str_copy(line, p->reason, sizeof(p->reason)))
			continue;
		p->pid = (uint32_t)pid;
		p->used = used;
		p->has_session = has_session != 0;
		p->grade = (enum session_grade)grade;
		if (p->used > fold->used)
			fold->used = p->used;
		link_process(fold, p);
		n++;
	}
}

/* --- lines ------------------------------------------------------------------------- */

static void
take_session(struct fold *fold, const struct logline *line, const struct session_line *s)
{
	struct process *p = process_of(fold, line->pid);
	struct str peer;

	fold->counts.sessions++;
	p->grade = s->grade;
	p->queue_id[0] = '\0';
	/* "host[address]" stands in one piece in the line. */
	peer = (struct str){s->host.p, s->host.len + s->address.len + 2};
	p->has_session =
	    memchr(peer.p, '\t', peer.len) == NULL && str_copy(peer, p->peer, sizeof(p->peer));
}

static void
take_policy(struct fold *fold, const struct logline *line, const struct policy_line *policy)
{
	struct process *p = process_of(fold, line->pid);
	struct nexthop nh;

	p->nexthop[0] = '\0';
	if (nexthop_parse(policy->nexthop, &nh) && memchr(policy->reason.p, '\t',
	    policy->reason.len) == NULL &&
	    str_copy(policy->reason, p->reason, sizeof(p->reason)))
		memcpy(p->nexthop, nh.key, sizeof(p->nexthop));
}

/*
 * A session line is about the next message of its process, and all its recipients. What
 * comes after that without one was sent without TLS: a connection that is used again is
 * logged again ("reused").
 */
static void
bind_session(struct process *p, struct str queue_id)
{
	if (!p->has_session)
		return;
	p->has_session = p->queue_id[0] == '\0'
	    ? str_copy(queue_id, p->queue_id, sizeof(p->queue_id))
	    : str_is(queue_id, p->queue_id);
}

/*
 * Did Postfix name the next-hop of this attempt? A look-up that fails for the last MX
 * host is the reason of the status line, word for word, and no server was reached. A
 * process that goes on to another destination of the same message would look up, and
 * name, that one before it could fail alike.
 */
static bool
is_named(const struct process *p, const struct status_line *s)
{
	return p != NULL && p->nexthop[0] != '\0' && str_is(s->relay, "none") &&
	    str_is(s->reason, p->reason);
}

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

/* Where the quoted text begins that ends before end; end: nowhere from from on. */
static size_t
quoted_part(struct str text, size_t from, size_t end)
{
	for (size_t i = end - 1; i > from; i--)
		if (text.p[i - 1] == '"' && (i - 1 == from || text.p[i - 2] != '\\'))
			return i - 1;
	return end;
}

/* Where the local part of the address begins whose @ is at at; not before from. */
static size_t
local_part(struct str text, size_t from, size_t at)
{
	size_t start = at;

	if (start > from && text.p[start - 1] == '"')
		start = quoted_part(text, from, start);
	while (start > from && memchr(" <(:", text.p[start - 1], 4) == NULL)
		start--;
	return start;
}

static void
add_bounded(struct str text, char *out, size_t size, size_t *n)
{
	for (size_t i = 0; i < text.len && *n + 1 < size; i++)
		out[(*n)++] = text.p[i];
}

/*
 * The text without the local parts of addresses: "<x@d>" becomes "<*@d>". They are looked
 * for before it is cut: what is cut off may be what tells that one was begun.
 */
static void
copy_reason(struct str reason, char *out, size_t size)
{
	size_t n = 0, from = 0;

	while (from < reason.len && n + 1 < size) {
		const char *hit = memchr(reason.p + from, '@', reason.len - from);
		size_t at = hit != NULL ? (size_t)(hit - reason.p) : reason.len;
		size_t end = hit != NULL ? local_part(reason, from, at) : at;

		add_bounded((struct str){reason.p + from, end - from}, out, size, &n);
		if (hit != NULL)
			add_bounded(STR("*@"), out, size, &n);
		from = at + 1;
	}
	out[n] = '\0';
}

static void
copy_relay(struct str relay, char *out, size_t size)
{
	struct str host;

	out[0] = '\0';
	if (str_cut(&relay, '[', &host) && str_copy(host, out, size))
		for (char *p = out; *p != '\0'; p++)
			*p = ascii_lower(*p);
}

/* Rounded down: Postfix shows two digits of each delay at the least. */
static int64_t
attempt_began(const struct status_line *s, int64_t time_ms)
{
	return time_ms - (s->attempt_us + 10000) / 1000;
}

bool
fold_is_earlier(int64_t attempt_ms, int64_t time_ms, int64_t than_attempt_ms)
{
	int64_t open_ms = time_ms % SPAN_SECOND_MS == 0 ? SPAN_SECOND_MS : 0;

	return attempt_ms + open_ms < than_attempt_ms;
}

static void
take_deferral(struct fold_item *item, const struct status_line *s, const struct logline *line,
    unsigned rule, int64_t time_ms)
{
	struct fold_deferral d = {
	    .time_ms = time_ms,
	    .attempt_ms = attempt_began(s, time_ms),
	    .rule = rule,
	    .lost = s->status == DELIVERY_BOUNCED,
	    .suspended = s->suspended,
	    .policy_refused = str_is(s->own_reason, "client TLS configuration problem"),
	    .attempt_level = status_attempt_level(s),
	};

	tally(item, time_ms, FOLD_RULE + rule);
	if (d.lost)
		tally(item, time_ms, FOLD_BOUNCED);
	else
		remember_message(item, s->queue_id);
	if (!d.suspended) {
		if (item->attempts++ == 0 || d.attempt_ms < item->first_attempt_ms)
			item->first_attempt_ms = d.attempt_ms;
		if (d.attempt_ms > item->last_attempt_ms)
			item->last_attempt_ms = d.attempt_ms;
	}
	/* An echo of qmgr's says less than an attempt, and so does one that began earlier
	 * and took longer. */
	if (item->deferred && !item->deferral.suspended &&
	    (d.suspended ||
	    (fold_is_earlier(d.attempt_ms, time_ms, item->deferral.attempt_ms) &&
	    time_ms >= item->deferral.time_ms)))
		return;
	copy_reason(s->own_reason, d.reason, sizeof(d.reason));
	copy_relay(s->relay, d.relay, sizeof(d.relay));
	str_copy(s->dsn, d.dsn, sizeof(d.dsn));
	str_copy(line->service, d.service, sizeof(d.service));
	item->deferred = true;
	item->deferral = d;
}

static void
take_sent(const struct fold *fold, struct fold_item *item, const struct status_line *s,
    int64_t time_ms)
{
	item->sent_ms = time_ms;
	item->sent_proves = !fold->sessions_logged;
	item->sent_attempt_ms = attempt_began(s, time_ms);
	item->deferred = false;
	item->attempts = 0;
	item->first_attempt_ms = 0;
	item->last_attempt_ms = 0;
	tally(item, time_ms, FOLD_SENT);
}

/* Which rule speaks of this line; -1: none, or it is no business of a rule. */
static int
match(struct fold *fold, const struct status_line *s, const struct logline *line)
{
	struct rule_subject subject = {
	    .reason = s->own_reason,
	    .dsn = s->dsn,
	    .service = line->service,
	    .status = s->status_word,
	};
	unsigned limit_hits = 0;
	int rule;

	/* The last kinds are address probes: no mail waits for them. */
	if (s->status != DELIVERY_DEFERRED && s->status != DELIVERY_BOUNCED &&
	    s->status != DELIVERY_SOFTBOUNCE)
		return -1;
	rule = rules_match(
	    fold->rules, fold->matcher, &subject, 0, RULE_DNSSEC_INSECURE, &limit_hits);
	if (rule < 0) /* it may still be one for signed domains alone */
		rule = rules_match(
		    fold->rules, fold->matcher, &subject, 0, RULE_DNSSEC_ANY, &limit_hits);
	fold->counts.limit_hits += limit_hits;
	return rule;
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

	*named = is_named(p, s);
	if (*named)
		return route_named(fold, p, s, out);
	if (is_filter(s->relay) || !nexthop_parse(s->domain, &nh) ||
	    (nh.literal && !nh.bracketed))
		return ANSWER_NO;
	if (fold->router != NULL && !fold->plain)
		return fold->router(fold->router_context, s->recipient, s->domain, out);
	memcpy(out->key, nh.key, sizeof(out->key));
	str_copy(fold->plain ? STR("smtp") : STR(""), out->transport, sizeof(out->transport));
	return ANSWER_YES;
}

/*
 * The item of a domain that is its own next-hop and was seen before: what most of a log
 * is about, found without parsing it again. NULL: to be found the long way.
 */
static struct fold_item *
find_own(const struct fold *fold, const struct process *p, const struct status_line *s)
{
	struct fold_item *item;

	if ((fold->router != NULL && !fold->plain) || is_named(p, s) || is_filter(s->relay))
		return NULL;
	item = find_item(fold, s->domain);
	return item != NULL && item->own ? item : NULL;
}

/* The item of a status line's next-hop, new perhaps. UNSURE: park it. */
static enum answer
find_or_make(struct fold *fold, const struct process *p, const struct status_line *s,
    struct fold_item **item)
{
	enum answer answer;
	struct route to;
	bool named;

	*item = find_own(fold, p, s);
	if (*item != NULL)
		return ANSWER_YES;
	answer = route(fold, p, s, &to, &named);
	if (answer != ANSWER_YES)
		return answer;
	*item = item_of(fold, to.key, named);
	if (to.transport[0] != '\0')
		memcpy((*item)->transport, to.transport, sizeof((*item)->transport));
	(*item)->own = (*item)->own || (!named && (fold->router == NULL || fold->plain));
	return ANSWER_YES;
}

/* The item that it was folded into, or NULL. *unsure: its next-hop is not known yet. */
static struct fold_item *
take_status(struct fold *fold, const struct process *p, const struct logline *line,
    const struct status_line *s, int64_t time_ms, bool *unsure)
{
	bool session = p != NULL && p->has_session && str_starts(s->relay, str_of(p->peer));
	int rule = s->status == DELIVERY_SENT ? -1 : match(fold, s, line);
	struct fold_item *item;

	*unsure = false;
	if (rule < 0 && s->status != DELIVERY_SENT && !session)
		return NULL;
	switch (find_or_make(fold, p, s, &item)) {
	case ANSWER_UNSURE:
		*unsure = true;
		return NULL;
	case ANSWER_NO:
		fold->counts.no_nexthop += rule >= 0;
		return NULL;
	case ANSWER_YES:
		break;
	}
	if (rule >= 0)
		fold->counts.recognised++;
	if (session) {
		item->seen_ms[p->grade] = time_ms;
		tally(item, time_ms, FOLD_SESSION + p->grade);
	}
	if (s->status == DELIVERY_SENT)
		take_sent(fold, item, s, time_ms);
	else if (rule >= 0)
		take_deferral(item, s, line, (unsigned)rule, time_ms);
	return item;
}

/* --- lines that wait for a route --------------------------------------------------- */

static void
park(struct fold *fold, const struct process *p, struct str text, struct str service,
    int64_t time_ms, bool queued)
{
	struct parked *parked;

	fold->parked =
	    mem_array(fold->parked, fold->parked_count + 1, sizeof(*fold->parked));
	parked = &fold->parked[fold->parked_count++];
	*parked = (struct parked){
	    .text = mem_strndup(text.p, text.len),
	    .service = mem_strndup(service.p, service.len),
	    .time_ms = time_ms,
	    .queued = queued,
	};
	if (p != NULL)
		parked->process = *p;
}

static void
forget_own(struct fold *fold)
{
	for (struct fold_item *item = fold->first; item != NULL; item = item->next)
		item->own = false;
}

void
fold_set_router(struct fold *fold, fold_route_fn *router, void *context)
{
	fold->router = router;
	fold->router_context = context;
	forget_own(fold);
}

void
fold_set_plain(struct fold *fold, bool plain)
{
	fold->plain = plain;
	forget_own(fold);
}

void
fold_set_quoted(struct fold *fold, bool quoted)
{
	fold->unquoted = !quoted;
}

void
fold_set_sessions(struct fold *fold, bool logged)
{
	fold->sessions_logged = logged;
}

size_t
fold_parked(const struct fold *fold)
{
	return fold->parked_count;
}

void
fold_each_parked(const struct fold *fold, fold_parked_fn *fn, void *context)
{
	for (size_t i = 0; i < fold->parked_count; i++) {
		struct status_line s;

		if (status_parse(str_of(fold->parked[i].text), &s))
			fn(context, s.recipient);
	}
}

/* A status line, parked if need be. */
static void
fold_status(struct fold *fold, struct process *p, struct str text, struct str service,
    int64_t time_ms, bool queued)
{
	struct logline line = {.service = service};
	struct fold_item *item;
	struct status_line s;
	bool unsure;

	if (!status_parse(text, &s))
		return;
	if (s.ambiguous && fold->unquoted) {
		fold->counts.ambiguous++;
		return;
	}
	if (p != NULL)
		bind_session(p, s.queue_id);
	item = take_status(fold, p, &line, &s, time_ms, &unsure);
	fold->counts.status_lines += !unsure && !queued;
	if (unsure)
		park(fold, p, text, service, time_ms, queued);
	/* When it was tried, the queue does not say: it is news only where no entry
	 * ever was. */
	else if (queued && item != NULL && item->deferred)
		item->deferral.attempt_ms = 0;
}

void
fold_unpark(struct fold *fold)
{
	struct parked *parked = fold->parked;
	size_t count = fold->parked_count;

	fold->parked = NULL;
	fold->parked_count = 0;
	for (size_t i = 0; i < count; i++)
		fold_status(fold, parked[i].process.used != 0 ? &parked[i].process : NULL,
		    str_of(parked[i].text), str_of(parked[i].service), parked[i].time_ms,
		    parked[i].queued);
	clear_parked(parked, count);
}

/* --- lines in ---------------------------------------------------------------------- */

void
fold_line(struct fold *fold, const struct logline *line, int64_t time_ms, int64_t now_ms)
{
	struct session_line session;
	struct policy_line policy;

	/* Other delivery agents do no TLS of smtp(8)'s, and lmtp(8) does it by settings of
	 * its own; error(8) and qmgr(8) pass smtp(8)'s reasons on. */
	if (!str_is(line->program, "smtp") && !str_is(line->program, "error") &&
	    !str_is(line->program, "qmgr"))
		return;
	if (line->has_severity) {
		if (policy_parse(line->text, &policy))
			take_policy(fold, line, &policy);
	} else if (session_parse(line->text, &session)) {
		take_session(fold, line, &session);
	} else {
		fold_status(fold, find_process(fold, line->pid), line->text, line->service,
		    time_ms != 0 ? time_ms : now_ms, false);
	}
}

/* The queue's words as the status line that they came from. */
void
fold_queued(struct fold *fold, struct str queue_id, struct str recipient, struct str reason,
    int64_t now_ms)
{
	struct buf text = {0};

	/* What qmgr(8) says of a message that it did not try, it was told of one that it
	 * tried. */
	str_eat(&reason, STR("delivery temporarily suspended: "));
	buf_add_str(&text, queue_id);
	buf_printf(&text, ": to=<");
	buf_add_str(&text, recipient);
	buf_printf(&text, ">, relay=none, delay=0, delays=0/0/0/0, status=deferred (");
	buf_add_str(&text, reason);
	buf_printf(&text, ")");
	fold_status(fold, NULL, (struct str){buf_text(&text), text.len}, STR("smtp"), now_ms, true);
	buf_clear(&text);
}

struct fold_item *
fold_first(const struct fold *fold)
{
	return fold->first;
}

size_t
fold_size(const struct fold *fold)
{
	return fold->size;
}

const struct fold_counts *
fold_counts(const struct fold *fold)
{
	return &fold->counts;
}
