/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log lines folded into news per destination: a destination that is seen a million
 * times is one item. Lines of one smtp(8) process belong together: a session line, a
 * policy look-up and what it says of servers that it passes over tell what its next
 * status lines are about. Pure; one owner.
 */
#ifndef CORE_FOLD_H
#define CORE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/answer.h"
#include "base/buf.h"
#include "core/logline.h"
#include "core/nexthop.h"
#include "core/parsed.h"
#include "core/protection.h"
#include "core/reason.h"
#include "core/route.h"
#include "core/rules.h"
#include "core/status.h"
#include "core/witness.h"

#define FOLD_ENDED_MAX \
	4096 /* of one fold; the queue tells of others that they are gone */
#define FOLD_HOSTS_MAX    16 /* servers of one item: as many as smtp(8) tries, and more */
#define FOLD_STRANGE_SIZE 512 /* of a line that was not understood */
#define FOLD_WAITING_MAX  51  /* as are worth keeping: more are flushed together */

/* What a tally counts. FOLD_RULE + n: deferrals that rule n recognised. */
enum fold_what {
	FOLD_SESSION,                             /* + enum session_grade */
	FOLD_SENT = FOLD_SESSION + SESSION_COUNT, /* + enum sent_by */
	FOLD_BOUNCED = FOLD_SENT + SENT_BY_COUNT, /* with a reason that a rule knows */
	FOLD_RULE,
};

#define FOLD_FEW_TALLIES 3 /* most have these: sent, and sessions of a grade or two */

struct fold_tally {
	int64_t day; /* since the epoch, UTC */
	unsigned what;
	unsigned node; /* that sent it; of all else 0 */
	uint64_t count;
};

/* A deferral that a rule recognised. */
struct fold_deferral {
	int64_t time_ms;    /* of the line */
	int64_t attempt_ms; /* the earliest moment at which the attempt can have begun */
	unsigned rule;
	const char *rule_name; /* borrowed from the rules */
	bool waits;            /* it leads to no entry, though the fault is not ours */
	bool lost;
	bool suspended;
	bool policy_refused;
	enum level attempt_level;
	char reason[REASON_SIZE]; /* cut, addresses without their local parts */
	char dsn[16];
	char service[64];
	/* The host it was about; "" for none. "host:port" for another port than the
	 * next-hop's: that is no server of its own, which has no such name. */
	char relay[NEXTHOP_HOST_SIZE];
	enum cause cause; /* what failed there; NONE: not told */
};

#define FOLD_OTHERS_MAX 6 /* of one piece of a log */

#define FOLD_CLAIM_MS 10000 /* longer than that no attempt is believed to have taken */

/* Attempts of one kind. */
struct fold_attempts {
	unsigned count;
	/* When the first can have begun at the earliest; of those that met no TLS no
	 * longer than FOLD_CLAIM_MS before its line was written: how long it took is
	 * only what the line says. */
	int64_t first_ms;
	int64_t last_ms;  /* when the last can have begun at the earliest */
	int64_t begun_ms; /* the same of the first */
};

/* A server of a destination: what happened there. What every line touches stands first,
 * as in fold_item. */
struct fold_host {
	char *name; /* in small letters */
	uint32_t name_len;
	uint16_t port;
	bool sent_proves; /* as in fold_item, of mail that was sent there */
	/* By the order of lines, of the destination since then: a deferral, and attempts
	 * as in fold_item. */
	bool deferred_since;
	enum level sent_level;          /* as in fold_item */
	int64_t seen_ms[SESSION_COUNT]; /* last session of each grade; 0: none */
	int64_t flow_ms; /* mail was sent there, but for the bare one; 0: none */
	int64_t sent_ms; /* that tells its level; 0: none */
	int64_t sent_attempt_ms;
	struct fold_attempts tried;
	/* Seldom: */
	struct fold_attempts plain, broken;
	int64_t failed_ms; /* the last attempt that met less than was asked for */
	enum cause cause;  /* why its TLS failed last; NONE: it did not, or not told */
	int64_t cause_ms;
	/* The bare one, as in fold_item. */
	int64_t bare_ms;
	int64_t bare_attempt_ms;
	bool deferred_since_bare;
};

/* A message that waits, as the last of its lines had it. */
struct fold_waiting {
	uint32_t hash; /* of its queue id: another has another, or nearly always */
	unsigned rule;
	int64_t time_ms;
	int64_t arrival_ms;   /* when the message came into the queue */
	char *texts;          /* which the next ones are of */
	const char *queue_id; /* as fold_message() has it */
	const char *domain;   /* of the recipient, in small letters */
	struct reason_mark reason;
};

/* A message that waits no more: it was sent, bounced, or expired. */
struct fold_ended {
	char *queue_id;   /* as fold_message() has it */
	char *domain;     /* of the recipient, in small letters; "": to whomever */
	int64_t begun_ms; /* the attempt that sent it, as of fold_deferral; 0: not sent */
};

/* News of one destination since the last fold_clear(). What every line touches stands
 * first, close together. */
struct fold_item {
	int64_t sent_ms;
	int64_t sent_attempt_ms; /* the earliest moment at which that can have begun */
	int64_t seen_ms[SESSION_COUNT]; /* last session of each grade; 0: none */
	enum level
	    sent_level;   /* that Postfix says it was sent at; LEVEL_UNKNOWN: does not */
	bool sent_proves; /* that it was sent is all that tells of its level */
	bool deferred;    /* since the last mail that was sent */
	bool key_known;   /* Postfix named it; else it is the recipient's domain */
	bool own; /* mail to the domain of this name comes here: the fold's own note */
	uint16_t port; /* of its key; 0: not known */
	size_t tally_count;
	struct fold_tally *tallies; /* few, while they suffice */
	struct fold_host *hosts;
	size_t host_count;
	struct fold_attempts tried; /* real ones since the last mail that was sent */
	struct fold_tally few[FOLD_FEW_TALLIES];
	char key[NEXTHOP_KEY_SIZE];
	/* Seldom: */
	struct fold_attempts plain;  /* of those: a rule says that there is no TLS */
	struct fold_attempts broken; /* ... that TLS fails at this level */
	/* As sent_ms, of mail that was sent without a TLS session, though sessions are
	 * logged. */
	int64_t bare_ms;
	int64_t bare_attempt_ms;
	bool
	    deferred_since_bare; /* by the order of lines: many a log has whole seconds */
	char transport[ROUTE_NAME_SIZE]; /* of master.cf, "" where not known */
	struct fold_waiting *waiting;
	uint64_t waiting_bits; /* of their hashes: most that are new are known to be */
	size_t waiting_count;
	size_t waiting_next; /* the oldest, once there are as many as are kept */
	/* Those that were not kept, of each node: as the last of them, of whose id the
	 * node is left; domain "" where they are of several. */
	struct fold_waiting *unkept;
	size_t unkept_count; /* 0: all were */
	unsigned lost; /* messages that were bounced, whatever came of the next ones */
	char *lost_reason;      /* of the last of them; NULL: none */
	struct fold_item *next; /* in order of appearance */
	/* The latest; a real one before an echo. NULL: none since the fold was cleared.
	 */
	struct fold_deferral *deferral;
	/* Where no line ends an alarm, others that tell something else, the first of each
	 * kind: whichever of them tells most of the destination, news decide. */
	struct fold_deferral *others;
	unsigned other_count;
	/* The latest that a rule recognised which is for destinations under a policy
	 * alone: whether it says anything, news decide. Nothing else here counts it but
	 * waiting. NULL: none. */
	struct fold_deferral *refused;
	bool others_cut; /* there were more */
};

struct fold_counts {
	uint64_t status_lines;
	uint64_t sessions;
	uint64_t recognised; /* a rule matched */
	uint64_t *by_rule;   /* ... each of them: rules_count() numbers, the fold's */
	uint64_t limit_hits; /* patterns that ran into their limit */
	uint64_t ambiguous;  /* an unquoted address may have written it */
	uint64_t known;      /* counted before: not counted here */
	uint64_t strange;    /* like status lines, but not understood */
	uint64_t unfollowed; /* lines of hosts that are no node */
	uint64_t
	    no_nexthop; /* a rule matched, but the line names no next-hop to act on */
};

/*
 * Where mail to a recipient goes: YES with *route filled in; NO: nowhere that smtp(8)
 * looks up; UNSURE: not known yet, the line is parked until fold_unpark().
 */
typedef enum answer fold_route_fn(
    void *context, struct str recipient, struct str domain, struct route *route);

/*
 * Did an attempt surely begin before another? attempt_ms and time_ms of its line. Stamps
 * of whole seconds leave a second open: there the line that is written last counts.
 */
bool fold_is_earlier(int64_t attempt_ms, int64_t time_ms, int64_t than_attempt_ms);

struct fold; /* opaque */

/* rules is borrowed and may be exchanged while the fold is empty (fold_set_rules). */
struct fold *fold_new(const struct rules *rules);
void fold_free(struct fold *fold);
void fold_set_rules(struct fold *fold, const struct rules *rules);

/*
 * The Postfix servers whose lines are folded, by the host field that each writes: what is
 * one Postfix's, as its queue ids, its settings and where it sends mail, is kept of each.
 * One that is called "any" has the lines of every host that is none of the others; its
 * messages have no name before their ids. Lines of a host that is none are counted and
 * not taken. Before anything is folded; hosts are borrowed. Without it there is one,
 * called "any".
 */
#define FOLD_NODES_MAX 64
#define FOLD_NODE_ANY  "any"
void fold_set_nodes(struct fold *fold, const char *const *hosts, unsigned count);

/* The one that is told of from now on, and whose the next of fold_queued() are: by its
 * place in the hosts. The first one at the beginning. */
void fold_select(struct fold *fold, unsigned node);
/* What that one is called in the log; "": there is one alone, of any name. */
const char *fold_node_host(const struct fold *fold, unsigned node);
/* In a router, fold_parked_fn: whose line it is. */
unsigned fold_selected(const struct fold *fold);

/*
 * A queue id as it is kept: "NODE/ID", which is a message in a fleet; of "any" the id
 * alone. Valid until the next call.
 */
struct str fold_message(struct fold *fold, struct str queue_id);

/* A host that is no node. */
struct fold_stranger {
	char host[256]; /* cut */
	uint64_t lines; /* ever, or since it was put in the place of another */
	uint64_t noted; /* as many as there were at fold_note_strangers() */
};

/* Lines of hosts that are no node, ever; and these, but of more than can be kept the ones
 * with many lines. Until the next line. */
#define FOLD_STRANGERS_MAX 32
uint64_t fold_unfollowed(
    const struct fold *fold, const struct fold_stranger **strangers, unsigned *count);
void fold_note_strangers(struct fold *fold);

/* Without a router every domain is its own next-hop. */
void fold_set_router(struct fold *fold, fold_route_fn *router, void *context);

/* Is every domain its own next-hop, with smtp as its transport? Then the router is not
 * asked, which would take longer than all the rest of a line. */
void fold_set_plain(struct fold *fold, bool plain);

/*
 * Does this Postfix quote addresses in its log (3.5 and newer)? If not, a recipient can
 * write a whole status line, and a line that looks like two is refused. UNSURE: not known
 * yet, such a line is parked.
 */
void fold_set_quoted(struct fold *fold, enum answer quoted);

/* Is what follows of a log that this Postfix did not write, as far as is known, and that
 * names no version that quotes? Then a line that looks like two is refused as well. */
void fold_set_foreign(struct fold *fold, bool foreign);

/* The program whose text may be a whole line: logline_split_nested(). Borrowed. */
void fold_set_outer(struct fold *fold, const char *outer);
struct str fold_outer(const struct fold *fold);

/*
 * What our Postfix calls itself in its log (syslog_name, up to a slash), names apart by
 * blanks; "": not known. Once a line of that name was seen, those of others are another
 * instance's, with a queue, a level and maps of its own, and tell nothing. Copied.
 */
void fold_set_names(struct fold *fold, const char *names);

/* The ports that next-hops have which write none, or a name. Borrowed; NULL: those that
 * Postfix has by default. */
void fold_set_ports(struct fold *fold, const struct ports *ports);

/* Is it known that the selected one logs no session? Then mail without one may have had
 * one. */
void fold_set_silent(struct fold *fold, bool silent);
bool fold_is_silent(const struct fold *fold, unsigned node);

/* Lines that look like status lines and were not understood, ever; the beginning of the
 * last one, as it is. */
uint64_t fold_strange(const struct fold *fold, const char **line);

/*
 * Does this Postfix log every TLS session (smtp_tls_loglevel)? Then sessions tell what a
 * destination does, and mail that was sent alone proves no level: a content filter on
 * another host took it, perhaps, or a relay of its sender's.
 */
void fold_set_sessions(struct fold *fold, bool logged);

/* What follows is long ago: sessions and mail that was sent are taken, nothing that
 * failed. */
void fold_set_past(struct fold *fold, bool past);

/* Lines that were counted before are not counted again (core/covered.h, borrowed), and of
 * which of its sources the next ones are. NULL: all count. */
struct covered;
void fold_set_covered(struct fold *fold, struct covered *covered);
struct covered *fold_covered(const struct fold *fold);
void fold_set_source(struct fold *fold, unsigned source);

/* Called for each status line that was counted before, and is not again. */
typedef void fold_known_fn(void *context, const struct parsed *line);
void fold_on_known(struct fold *fold, fold_known_fn *fn, void *context);

/* Lines that wait for a route: how many, whose, and a new try for all of them. */
size_t fold_parked(const struct fold *fold);
size_t fold_parked_of(const struct fold *fold, unsigned node);
bool fold_was_unparked(const struct fold *fold); /* ever */
typedef void fold_parked_fn(void *context, struct str recipient);
void fold_each_parked(struct fold *fold, fold_parked_fn *fn, void *context);
void fold_unpark(struct fold *fold);

/* Lines in, in their order. */
void fold_parsed(struct fold *fold, const struct parsed *lines, size_t count);

/* One, its time as the clock understands its stamp (0: unknown, then now_ms). */
void fold_line(
    struct fold *fold, const struct logline *line, int64_t time_ms, int64_t now_ms);

/* A deferred message as postqueue -j shows it, folded like a deferral line. arrival_s:
 * since the epoch; 0: not known. */
void fold_queued(struct fold *fold, struct str queue_id, struct str recipient,
    struct str reason, int64_t arrival_s, int64_t now_ms);

/* Would fold_queued() make anything of it? In any thread, with a matcher of its own. */
bool fold_recognises_queued(const struct rules *rules, struct rules_matcher *matcher,
    struct str queue_id, struct str recipient, struct str reason);

/* What the queue has of a message, as its status line would have told it. */
struct fold_shown {
	unsigned rule;
	struct reason_mark mark;
	bool policy_refused;
	enum cause cause;
	char reason[REASON_SIZE];
	char relay[NEXTHOP_HOST_SIZE]; /* that the reason names; "" */
};

/* Nothing is folded. False: no rule knows its reason. */
bool fold_shown(struct fold *fold, struct str queue_id, struct str recipient,
    struct str reason, struct fold_shown *out);

/* Mail that is sent leaves deferrals before it, and their attempts: the queue tells
 * whether they are over. False at the beginning. */
void fold_keep_alarms(struct fold *fold, bool keeps);

struct fold_item *fold_first(const struct fold *fold);
const struct fold_ended *fold_ended(const struct fold *fold, size_t *count);
size_t fold_size(const struct fold *fold); /* items */
const struct fold_counts *fold_counts(const struct fold *fold);

/* How often the selected one said that it started or read its settings again, ever. */
unsigned fold_starts(const struct fold *fold);

/* Forget the items and the counts; the last lines of the processes stay. */
void fold_clear(struct fold *fold);

unsigned fold_node_count(const struct fold *fold);

/* Were lines of it read since fold_clear()? Only these change what its processes said. */
bool fold_was_heard(const struct fold *fold, unsigned node);

/* The last lines of the processes of the selected one, to be stored with the log's
 * position and brought back; and of none are known any more. */
void fold_save_processes(const struct fold *fold, struct buf *out);
void fold_load_processes(struct fold *fold, struct str saved);
void fold_forget_processes(struct fold *fold);

#endif
