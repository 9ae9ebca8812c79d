/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tlsladder remembers, in SQLite: every SQL statement is here. The database is the
 * only meeting point of the daemon and the other commands. One struct store a thread.
 *
 * Every function that returns bool fails with SQLite's own words in err: a full disk, a
 * lock, a broken file. Nothing of a failed transaction stays (store_rollback()), so the
 * caller tries the whole of it again.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/answer.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "core/destination.h"
#include "core/freeze.h"
#include "core/host.h"
#include "core/ladder.h"
#include "core/place.h"
#include "core/witness.h"

#define STORE_KEEPS_MAX   100 /* decisions without effect kept a destination */
#define STORE_WAITING_MAX 51  /* messages kept a destination; one over the flush limit */

struct ports;
struct store; /* opaque */

/*
 * Open or create the database at path (":memory:" for a scratch one) and bring it to
 * the newest schema. busy_ms: how long to wait for another process's lock.
 */
struct store *store_open(const char *path, int64_t busy_ms, struct err *err);
void store_close(struct store *store);

/* Ports that destinations have which are loaded from now on: destination_take_ports().
 * Borrowed. */
void store_set_ports(struct store *store, const struct ports *ports);
/* Forgets what it keeps of the file in memory; outside of a transaction. */
void store_rest(struct store *store);

/* Copy the whole of path into an opened scratch store: what would happen, without it
 * happening. A path that does not exist leaves it empty. */
bool store_load_copy(struct store *store, const char *path, struct err *err);

/* Did SQLite find what it read to be malformed (store/store_check.h), ever since it was
 * opened? */
bool store_met_damage(const struct store *store);

bool store_begin(struct store *store, struct err *err); /* takes the writer's lock */
/* All reads until store_commit() see one snapshot; writers need not wait for it. */
bool store_begin_read(struct store *store, struct err *err);
bool store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store);

/* Changes whenever another connection has committed. */
bool store_data_version(struct store *store, int64_t *version, struct err *err);

/* found: is it there? If not, *out is a new one of that key. It ends with
 * destination_clear(), which may be left out where it is false. */
bool store_get(struct store *store, const char *key, struct destination *out, bool *found,
    struct err *err);
bool store_get_id(struct store *store, int64_t id, struct destination *out, bool *found,
    struct err *err);
/* Insert (id 0; it is then set) or update. */
bool store_put(struct store *store, struct destination *destination, struct err *err);

/* Behind whom one of the following goes on; zero: from the first on. */
struct store_place {
	int64_t time_ms, id;
};

/* Destinations with news, to be judged: the oldest deferral first, from behind *after on,
 * at most so many; those that DNS told of before or that are pinned, or the others. key:
 * valid in the call. *after becomes the place of the last, and *count how many. */
typedef void pending_fn(void *context, int64_t id, const char *key);
bool store_each_pending(struct store *store, bool known, struct store_place *after,
    size_t most, pending_fn *fn, void *context, size_t *count, struct err *err);
/* The others, the newest deferral first. */
bool store_each_pending_newest(
    struct store *store, size_t most, pending_fn *fn, void *context, struct err *err);
/* Those that are due at now_ms, in the same way: whose mail waits, or not. known: as
 * above. */
typedef void due_fn(void *context, int64_t id, const char *key, bool known);
bool store_each_due(struct store *store, bool waits, int64_t now_ms,
    struct store_place *after, size_t most, due_fn *fn, void *context, size_t *count,
    struct err *err);
/* The earliest time after that at which one is due; 0: none. */
bool store_next_due(
    struct store *store, int64_t after_ms, int64_t *at_ms, struct err *err);
/*
 * The clock was set by so much, when it was at before_ms: holds, attempts that failed,
 * other waiting and what was alerted of it, of up to a minute after that, go with it, and
 * so do ends of pins and forecasts. At seen_ms it was not set yet: those that were put
 * since then by the clock as it is now stay.
 */
bool store_shift(struct store *store, int64_t by_ms, int64_t seen_ms, int64_t before_ms,
    struct err *err);
/* The same of all pasts, and of what they are held against. */
bool store_shift_past(
    struct store *store, int64_t by_ms, int64_t before_ms, struct err *err);

/* Holds that began before until_ms take by_ms longer, as though they had begun that much
 * later, but not after until_ms. */
bool store_lengthen_holds(
    struct store *store, int64_t by_ms, int64_t until_ms, struct err *err);

/*
 * The clock may have been set back. Re-checks more than farthest_ms ahead, apart from
 * pins, are due now, and so is mail that is to be retried in hours, and so are policies
 * that would be looked at too late, or never. Hosts that failed more than a day ahead did
 * not.
 */
bool store_bring_back(
    struct store *store, int64_t now_ms, int64_t farthest_ms, struct err *err);

/* All that were decided, or are to be looked at, are due at at_ms, but for pins. */
bool store_look_at_all(struct store *store, int64_t at_ms, struct err *err);
/* All entries of MTA-STS policies are. */
bool store_look_at_policies(struct store *store, int64_t at_ms, struct err *err);

/* The same, as destination_again() does it with each. */
bool store_again_all(struct store *store, int64_t now_ms, struct err *err);

/*
 * An entry, as the map and lists show it; its texts are valid for the call. level is
 * LEVEL_UNKNOWN where another program wrote a word that is no level, which would stop
 * mail in a map.
 */
struct entry {
	const char *key;
	const char *attributes;
	const char *note;
	enum level level;
	enum why why;
	bool pinned;
	int64_t since_ms;
	int64_t look_ms; /* or when the pin ends; 0: never */
};

/* All of them, in order of their keys. fn false: stop. */
typedef bool entry_fn(void *context, const struct entry *entry);
bool store_each_entry(struct store *store, entry_fn *fn, void *context, struct err *err);
/* The same of those behind that key. */
bool store_each_entry_after(
    struct store *store, const char *after, entry_fn *fn, void *context, struct err *err);
/* The pins of ".example.org" and the like, entry or none. */
bool store_each_parent(struct store *store, entry_fn *fn, void *context, struct err *err);
bool store_entry_count(struct store *store, int64_t *count, struct err *err);
/* What came, went (its level is LEVEL_NONE) or was changed after that version of the map.
 */
bool store_each_change(
    struct store *store, int64_t version, entry_fn *fn, void *context, struct err *err);

/*
 * What lists and status show: numbers of entries by level and why, and of destinations
 * whose mail waits by the level of their entry (LEVEL_NONE: none) and what was decided
 * last. They are kept, so that asking takes no time.
 */
typedef void count_fn(void *context, enum level level, enum why why, int64_t count);
bool store_each_entry_count(
    struct store *store, count_fn *fn, void *context, struct err *err);
bool store_each_waiting_count(
    struct store *store, count_fn *fn, void *context, struct err *err);

/* A destination as shown; the texts of its entry are valid for the call. */
struct view {
	struct entry entry; /* LEVEL_NONE: none */
	enum why why;       /* decided last; nothing was: that of the entry */
	bool waits;         /* mail to it waits */
	int64_t first_ms;   /* when the first of that came into the queue; 0: not known */
};

/* All with an entry, or all whose mail waits, in order of their keys. fn false: stop. */
typedef bool view_fn(void *context, const struct view *view);
bool store_each_view(
    struct store *store, bool waiting, view_fn *fn, void *context, struct err *err);
/* One of them, whatever is known of it. found: it is there. */
bool store_view(struct store *store, const char *key, view_fn *fn, void *context,
    bool *found, struct err *err);
/* The one whose mail came into the queue first, of those where that is known. */
bool store_view_first(
    struct store *store, view_fn *fn, void *context, bool *found, struct err *err);

/* It is gone after the call. */
typedef bool destination_fn(void *context, const struct destination *destination);
/* Destinations decided or deferred at or after since_ms, in order of their keys. */
bool store_each_touched(struct store *store, int64_t since_ms, destination_fn *fn,
    void *context, struct err *err);

bool store_tally_add(struct store *store, int64_t id, int64_t day, const char *what,
    uint64_t count, struct err *err);
typedef void tally_fn(void *context, int64_t day, const char *what, uint64_t count);
bool store_each_tally(
    struct store *store, int64_t id, tally_fn *fn, void *context, struct err *err);

struct decision_record {
	int64_t destination;
	int64_t time_ms;
	const char *action;
	/* The entries, texts borrowed; LEVEL_UNKNOWN where another program wrote it. Of a
	 * hold, after is the one that is due. */
	struct demand before;
	struct demand after;
	const char *why;
	const char *rule;
	const char *reason;
	const char *dns_state;
	/* The pin that was there before, with its end (0: none) and its note. */
	bool was_pinned;
	int64_t was_until_ms;
	const char *was_note; /* NULL, to add: none */
};

/* A destination that fails in two ways by turns causes decisions without end, so only the
 * last STORE_KEEPS_MAX of those that changed no entry are kept. Attributes of more than
 * 1024 octets are kept of the last one that changed the entry; of the others, how many
 * octets they were, and a hash. */
bool store_decision_add(
    struct store *store, const struct decision_record *record, struct err *err);
typedef void decision_fn(void *context, const struct decision_record *record);
bool store_each_decision(
    struct store *store, int64_t id, decision_fn *fn, void *context, struct err *err);

/*
 * Messages that wait. Kept up to STORE_WAITING_MAX a destination. A message is retried
 * once `version` of the map is in place and not_before_ms is over.
 */
struct waiting_mail {
	const char *queue_id;
	const char *domain; /* of the recipient, in small letters */
	const char *rule;   /* that recognised its reason; "" where not known */
	struct reason_mark reason;
	int64_t time_ms;    /* of its last status line */
	int64_t arrival_ms; /* when it came into the queue; 0: not known */
	int absences;       /* complete listings of the queue in a row without it, or
	                     * WITNESS_SHOWN; 0: none was made since it waits */
};

/*
 * A queue id that stands for the messages of "@DOMAIN" that have no row, as there were
 * too many; "@" alone: of whichever domain. Of the last of them the row has the rest. It
 * is not retried. Of nodes: store_node.h.
 */
#define STORE_WAITING_OTHERS '@'

/*
 * They wait, or wait still: they were deferred once more. absences is not read. Where
 * there are too many those make room that the last listing did not show, then the oldest
 * of those that were in none yet, and never one that it showed.
 */
bool store_waiting_add(struct store *store, int64_t id, const struct waiting_mail *mails,
    size_t count, struct err *err);
/* It waits, and no row is kept of it. Its queue id is the node alone, or any id there. */
bool store_waiting_unkept(
    struct store *store, int64_t id, const struct waiting_mail *mail, struct err *err);
/* When the first of a destination's came into the queue, of those where that is known; 0:
 * none. It bounces maximal_queue_lifetime later. */
bool store_waiting_first(
    struct store *store, int64_t id, int64_t *arrival_ms, struct err *err);
/* When the last one of all came into the queue; 0: none is known. */
bool store_waiting_newest(struct store *store, int64_t *arrival_ms, struct err *err);
/* When the first message that came into the queue at first_ms bounces; 0: not known, as
 * one of the two is. lifetime_ms: maximal_queue_lifetime. */
int64_t store_bounces_ms(int64_t first_ms, int64_t lifetime_ms);
/* The same of a destination's. */
bool store_waiting_bounces(struct store *store, int64_t id, int64_t lifetime_ms,
    int64_t *bounces_ms, struct err *err);
/* All of a destination's. Texts are valid for the call. */
typedef void waiting_fn(void *context, const struct waiting_mail *mail);
bool store_each_waiting(
    struct store *store, int64_t id, waiting_fn *fn, void *context, struct err *err);
/* Unless it was deferred once more since time_ms: how many listings it was not in. */
bool store_waiting_absent(struct store *store, int64_t id, const char *queue_id,
    int64_t time_ms, int absences, struct err *err);
/* The same: it is in the queue no more. */
bool store_waiting_gone(struct store *store, int64_t id, const char *queue_id,
    int64_t time_ms, struct err *err);
/* A change: all of a destination's are retried; else those that nothing was decided for,
 * and not again what was or is being retried for the change before. */
bool store_waiting_release(struct store *store, int64_t id, int64_t version,
    int64_t not_before_ms, bool change, struct err *err);

/* It waits no more for recipients of that domain ("": for nobody). ids[0..max): the
 * destinations for which it did, and nothing waits now. */
bool store_waiting_end(struct store *store, const char *queue_id, const char *domain,
    int64_t *ids, size_t max, size_t *count, struct err *err);

/*
 * The same where the queue can be listed: whether it is gone a listing tells, as anybody
 * can write such a line (store_waiting_given_up()).
 * begun_ms as of store_waiting_end_sent(); 0: it was not sent.
 */
bool store_waiting_left(struct store *store, const char *queue_id, const char *domain,
    int64_t begun_ms, struct err *err);

/* A destination whose mail waits. Times in ms since the epoch, 0: not known, or never. */
struct store_wait {
	int64_t destination;
	int64_t first_ms;   /* since when its first message waits, as far as is known */
	int64_t arrival_ms; /* when that came into the queue */
	int64_t failed_ms;  /* when mail first failed since it last flowed */
	int64_t decided_ms; /* when something else was decided last */
	int64_t alerted_ms; /* when the administrator was alerted last */
	int64_t bounce_ms;  /* ... that its first message soon bounces */
	bool is_raised;     /* it has an alarm */
	bool is_same;       /* what was decided last is what was alerted */
	bool is_frozen;
};

/* Those whose ids are above after, at most max, in their order. */
bool store_waits(struct store *store, int64_t after, struct store_wait *out, size_t max,
    size_t *count, struct err *err);

/* The administrator was alerted of it, for that why; bounce_ms: and that it soon bounces;
 * 0: not. Known until no mail waits for it; nothing is noted where none does. */
bool store_wait_alerted(struct store *store, int64_t id, const char *why, int64_t now_ms,
    int64_t bounce_ms, struct err *err);

/* Messages that came before arrival_ms, or were known to wait before then where that is
 * unknown, wait no more. */
bool store_waiting_outlived(struct store *store, int64_t arrival_ms, struct err *err);

/* It was sent to a recipient of that domain, by an attempt that began at begun_ms or
 * later: it waits no more, unless it was deferred to another one since then. */
bool store_waiting_end_sent(struct store *store, const char *queue_id, const char *domain,
    int64_t begun_ms, struct err *err);

struct waiting {
	int64_t destination;
	char queue_id[256];
};

/* Those of a node to retry now: at most max. *next_ms: when the next one will be;
 * *again_ms: when one that the log did not mention is tried again; 0: none. */
bool store_waiting_due(struct store *store, const char *node, int64_t version,
    int64_t now_ms, struct waiting *out, size_t max, size_t *count, int64_t *next_ms,
    int64_t *again_ms, struct err *err);
/* The same without those of destinations that have more than few. */
bool store_waiting_due_few(struct store *store, const char *node, int64_t version,
    int64_t now_ms, size_t few, struct waiting *out, size_t max, size_t *count,
    struct err *err);
/* These are being retried now. */
bool store_waiting_take(
    struct store *store, const struct waiting *taken, size_t count, struct err *err);
/* The same for all of a node that are due, as one flush retries them; and that they were.
 */
bool store_waiting_take_all(struct store *store, const char *node, int64_t version,
    int64_t now_ms, struct err *err);
bool store_waiting_done_all(
    struct store *store, const char *node, int64_t now_ms, struct err *err);
/* Messages of a node whose retry was begun and not finished are due again. */
bool store_waiting_give_back(
    struct store *store, const char *node, int64_t not_before_ms, struct err *err);
/*
 * Retried. postqueue -i does nothing for a message that is just being delivered to
 * another of its recipients, and does not say so: one that the log does not mention is
 * tried twice more, 10 s and 60 s later. Then it waits on without being retried, until
 * the log mentions it, the queue has it no more, or a change: whether it is gone, two
 * listings tell. A deferral makes it wait for a decision as before;
 * store_waiting_sent(): mail to the destination flowed, and what was retried is retried
 * no more, by no change either, until it is deferred, or a listing shows it: then as
 * often as if none had.
 */
bool store_waiting_done(struct store *store, const struct waiting *done, size_t count,
    int64_t now_ms, struct err *err);
/* listed: a listing tells whether those are there that have no row, but a domain. */
bool store_waiting_sent(struct store *store, int64_t id, bool listed, struct err *err);
/* Destinations with messages at a node that are retried no more, for any of these
 * reasons, and that no listing showed since: at most max, with ids above after, in their
 * order. */
bool store_waiting_given_up(struct store *store, const char *node, int64_t after,
    int64_t *ids, size_t max, size_t *count, struct err *err);

/*
 * The version of the entries grows with every changed one. A target is where they are
 * published (publish/target.h); STORE_MAP is the policy map. One of the targets is read
 * by the Postfix whose log is followed, and what is published there is in force.
 */
#define STORE_MAP "map"

bool store_map_changed(struct store *store, int64_t *version, struct err *err);
/* The destination's entry, or its end, comes with that version. */
bool store_entry_version(
    struct store *store, int64_t id, int64_t version, struct err *err);
/* exported: the version that the target has that is read here. */
bool store_map_versions(
    struct store *store, int64_t *version, int64_t *exported, struct err *err);
/* The target of that name, which is read here, has that version since now_ms: what came
 * with it or before is in force from then on, and what changed while it was published is
 * not. */
bool store_map_exported(struct store *store, const char *name, int64_t version,
    int64_t now_ms, struct err *err);

/* Which target is read here, STORE_MAP where nobody said so. */
bool store_read_here(struct store *store, struct buf *name, struct err *err);
bool store_read_here_put(struct store *store, const char *name, struct err *err);

struct target_state {
	int64_t version;  /* of the entries; 0: nothing was published */
	int64_t since_ms; /* when that version came; 0: not known */
};

/* All zero: nothing was published there. */
bool store_target_get(
    struct store *store, const char *name, struct target_state *out, struct err *err);
/* Published again, a version keeps its time. */
bool store_target_put(struct store *store, const char *name, int64_t version,
    int64_t now_ms, struct err *err);

/* Forget the version of that target, as if nothing had been published there. */
bool store_target_forget(struct store *store, const char *name, struct err *err);
/* Those whose name begins so. Valid in the call; nothing may be written meanwhile. */
typedef void target_fn(void *context, const char *name);
bool store_each_target(struct store *store, const char *prefix, target_fn *fn,
    void *context, struct err *err);

/* Where the log of that name was read up to. found: false where none is stored. */
bool store_place_get(struct store *store, const char *log, struct place *out, bool *found,
    struct err *err);
bool store_place_put(
    struct store *store, const char *log, const struct place *place, struct err *err);

/* Names of counters, and of a blob, that the daemon leaves for other commands. */
#define STORE_DEFAULT_LEVEL "default-level" /* the blob: a level's name */
#define STORE_QUEUE_LIFETIME \
	"queue-lifetime"                   /* maximal_queue_lifetime, ms; 0: unknown \
	                                    */
#define STORE_SETTINGS_READ "settings-ms"  /* when Postfix's settings were read */
#define STORE_LOG_READ      "read-ms"      /* when the last line of the log was read */
#define STORE_JUDGED_UNDER  "judged-under" /* the blob: config_show_judging() */
#define STORE_NODES         "nodes"        /* the blob: HOST, LEVEL, STATE, WHY a line */
#define STORE_UNFOLLOWED \
	"unfollowed" /* the counter of lines of hosts that are no node; a blob: hosts */
#define STORE_AGAIN "again-ms" /* when all was to be decided anew, or one */

bool store_counter_add(
    struct store *store, const char *name, int64_t add, struct err *err);
bool store_counter_set(
    struct store *store, const char *name, int64_t value, struct err *err);
bool store_counter_get(
    struct store *store, const char *name, int64_t *value, struct err *err);

/* A number and a text, valid for the call. */
typedef void store_text_fn(void *context, int64_t number, const char *text);

/* Of each counter whose name begins so: its value, and the rest of its name. */
bool store_each_counter(struct store *store, const char *prefix, store_text_fn *fn,
    void *context, struct err *err);
/* How many MTA-STS policies are held: of each mode that there is. */
bool store_each_policy_count(
    struct store *store, store_text_fn *fn, void *context, struct err *err);

bool store_blob_put(
    struct store *store, const char *name, struct str value, struct err *err);
bool store_blob_get(
    struct store *store, const char *name, struct buf *out, struct err *err);

/* Forget decisions, and tallies that have no destination, before day (days since the
 * epoch), and messages that waited already before waiting_since_ms: they are in no queue
 * any more. */
bool store_thin(
    struct store *store, int64_t day, int64_t waiting_since_ms, struct err *err);

/* A walk through all destinations, a slice a call. */
struct thin_span {
	int64_t day;     /* tallies before are forgotten */
	int64_t idle_ms; /* who had no mail since, and nothing else, is deleted */
	int64_t past_ms; /* ... and whose past is from before that */
	int64_t
	    after; /* the last id of the slices before; 0: none. INT64_MAX: it is over */
};

/*
 * Inside a transaction: the next `most` destinations. One without entry, pin, alarm,
 * waiting mail, planned re-check or change that is not in the map is deleted with its
 * history; its tallies are added to those of all destinations by month.
 */
bool store_thin_destinations(
    struct store *store, struct thin_span *span, int64_t most, struct err *err);

/*
 * What an MX host did, by its name in small letters and its port. News: whatever is later
 * than what is known. A host that is not there did nothing.
 */
bool store_host_add(struct store *store, const char *name, uint16_t port,
    const struct host_past *news, struct err *err);
bool store_host_get(struct store *store, const char *name, uint16_t port,
    struct host_past *out, struct err *err);

/* The same of one that only a line of the log has at that destination (its id, 0: it is
 * not stored): DNS did not name it so far, and nobody asked it. */
bool store_host_told(struct store *store, const char *name, uint16_t port,
    const struct host_past *news, int64_t id, struct err *err);
/* Do lines alone tell of it? *key: at which destination; "": that is not there. */
bool store_host_told_by(struct store *store, const char *name, uint16_t port, bool *told,
    char key[NEXTHOP_KEY_SIZE], struct err *err);
/*
 * Why its TLS failed last, and the end of its certificate. News: NONE and 0 are nothing
 * new; met_ms is not stored so. A host that is not there has none.
 */
bool store_host_cause_add(struct store *store, const char *name, uint16_t port,
    const struct host_cause *news, struct err *err);
bool store_host_cause_get(struct store *store, const char *name, uint16_t port,
    struct host_cause *out, struct err *err);
/* Of the hosts that failed within that span, as far as it is known: of how many parent
 * domains by each cause. */
bool store_host_causes(struct store *store, int64_t since_ms, int64_t soon_ms,
    unsigned counts[CAUSE_COUNT], struct err *err);
/* Those whose certificate verified at or after since_ms, the last first, at most so many;
 * proven: by a probe. Texts are valid for the call; false: enough. */
typedef bool host_fn(void *context, const char *name, uint16_t port);
bool store_each_verified(struct store *store, bool proven, int64_t since_ms, int64_t most,
    host_fn *fn, void *context, struct err *err);
/* The same, the last one of each parent domain alone. */
bool store_each_verified_parent(struct store *store, bool proven, int64_t since_ms,
    int64_t most, host_fn *fn, void *context, struct err *err);
/*
 * A slice of a walk through all: of the next `most` those are forgotten that did nothing
 * since since_ms, but for kept, " name name ". after: the name that the slices before
 * ended with; "" at the beginning, and again once all were seen.
 */
#define STORE_HOST_SIZE 256
bool store_thin_hosts(struct store *store, int64_t since_ms, const char *kept,
    char *after, size_t size, int64_t most, struct err *err);

#endif
