/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of an engine, for engine.c and the duties alone. A duty is what an engine
 * does by itself: it has a row in ENGINE_DUTIES, a file of its own, and in there a state
 * that no other file sees. To add one, write duty_NAME.c, its row and its line in
 * Makefile.am.
 *
 * engine_turn() goes through the rows: whatever is due is started. A duty knows in one
 * place, due(), what it has to do and when; the engine's waiting and its being idle
 * follow from that. What blocks is a task that a worker does for the duty; the engine
 * backs off from a duty whose task failed.
 */
#ifndef ENGINE_ENGINE_IMPL_H
#define ENGINE_ENGINE_IMPL_H

#include "base/buf.h"
#include "engine/backoff.h"
#include "engine/engine.h"
#include "engine/hosts.h"
#include "engine/witnesses.h"
#include "engine/world.h"
#include "publish/table_guard.h"
#include "store/store_node.h"
#include "store/store_sts.h"

/* A turn goes through them in this order. */
#define ENGINE_DUTIES(ROW) \
	ROW(clock)    /* times of a clock that was set back */ \
	ROW(health)   /* a database that is malformed */ \
	ROW(others)   /* what other commands did to the database */ \
	ROW(lead)     /* which of several writes to a table */ \
	ROW(still)    /* whether its log goes on */ \
	ROW(settings) /* Postfix's settings, read when they are needed */ \
	ROW(routes)   /* where lines go whose next-hop the transport maps tell */ \
	ROW(queue)    /* mail that was deferred before the log was read */ \
	ROW(judging)  /* what is news or due is asked about and judged */ \
	ROW(maps)     /* other maps, for all entries once a day */ \
	ROW(policies) /* MTA-STS: TXT records and policies */ \
	ROW(witness)  /* the queue, before anything weaker is written */ \
	ROW(servers)  /* the MX hosts, before a step and at a re-check */ \
	ROW(canary)   /* hosts that are known to verify, beside them */ \
	ROW(tables)   /* the tables of publish */ \
	ROW(export)   /* the map */ \
	ROW(catch_up) /* what targets left for later */ \
	ROW(retry)    /* mail that waits */ \
	ROW(waits)    /* mail that waits for long, or soon bounces */ \
	ROW(alerts)   /* mail to the administrator */ \
	ROW(digest)   /* what happened in a day, mailed as well */ \
	ROW(thinning) /* what is older than the history */ \
	ROW(metrics)  /* what is counted, and the file that has it */

/* A time by both clocks. Timers are monotonic; what is stored is wall time. */
struct moment {
	int64_t mono_ms;
	int64_t wall_ms;
};

#define DUE_NEVER INT64_MAX

/* What a duty has to do. */
struct due {
	int64_t at_ms; /* monotonic: when start() is to be called; DUE_NEVER: not before
	                  a task ends or there is news */
	bool owed;     /* a command does not end before it is done */
};

/* What one duty tells the others. */
enum news {
	NEWS_LOG,          /* what the log said was stored */
	NEWS_EVIDENCE,     /* there may be something to judge */
	NEWS_SETTINGS,     /* Postfix's settings were read, or could not be */
	NEWS_ENTRIES,      /* entries changed: the map in force is an old one */
	NEWS_LATE_ENTRIES, /* the same, of mail that waits, by what others than the log
	                    * said
	                    */
	NEWS_CALM_ENTRIES, /* the same, of a destination whose mail does not fail */
	NEWS_MAP,          /* another one may be in force, by us or by another command */
	NEWS_LEADS,        /* nobody else decides from now on */
	NEWS_DOUBT,        /* Postfix cannot read a map: perhaps ours */
	NEWS_MAIL,         /* there may be mail to retry */
	NEWS_SERVER,       /* an MX host answered */
	NEWS_LISTED,       /* the queue was listed for those that wait for it */
	NEWS_FAILED,       /* what needs the database failed: perhaps it is malformed */
};

/* Every duty's state begins with it. */
struct duty_state {
	const struct duty *duty;
	struct engine_node *node; /* of a duty that each node has; else NULL */
	size_t tasks;             /* that workers have */
	struct backoff backoff;
};

struct engine;
struct task;

/* What a duty needs; without it, it is not started. */
enum duty_needs {
	DUTY_APPLIES = 1,  /* an engine that may change something */
	DUTY_STORES = 2,   /* a database that can be written, as far as is known */
	DUTY_SETTINGS = 4, /* fresh settings of Postfix; its tasks borrow them */
	DUTY_LEADS = 8,    /* nobody else who decides: see duty_lead.c */
	DUTY_TELLS = 16,   /* nobody else who tells of mail: engine_tells() */
};

struct duty {
	const char *name;
	const char *what;  /* "retry mail", for "cannot retry mail"; NULL: never fails */
	unsigned needs;    /* enum duty_needs, or-ed */
	bool is_of_node;   /* each node has one, with a back-off of its own */
	bool is_unalerted; /* failures that last are logged alone */
	bool opens_store;  /* its tasks do, each for itself */
	bool is_cut_short; /* finish() ends what its tasks wait for: nobody waits for them
	                    */
	enum engine_stuck stuck; /* what they are for a command that waits */
	size_t state_size;

	/* All may be NULL but due. */
	bool (*open)(struct engine *e, struct duty_state *base, struct err *err);
	/* Each turn, before anything else: for changes that arrive without news. */
	void (*notice)(
	    struct engine *e, struct duty_state *base, const struct moment *now);
	void (*hear)(struct engine *e, struct duty_state *base, enum news news,
	    const struct moment *now);
	/* Only what the duty itself knows: the engine adds needs and back-off. */
	struct due (*due)(const struct engine *e, const struct duty_state *base,
	    const struct moment *now);
	void (*start)(
	    struct engine *e, struct duty_state *base, const struct moment *now);
	/* The engine ends: before its workers are waited for, and after. close() gets
	 * what open() left, even where it failed or was not called. */
	void (*finish)(struct engine *e, struct duty_state *base);
	void (*close)(struct duty_state *base);
};

#define ENGINE_ROW(name) extern const struct duty duty_##name;
ENGINE_DUTIES(ENGINE_ROW)
#undef ENGINE_ROW

/* Who works: what takes long must not keep the others waiting. */
enum pool {
	POOL_HELPERS,  /* they run Postfix's commands */
	POOL_ASKERS,   /* they have a resolver */
	POOL_PROBERS,  /* they connect to servers */
	POOL_FETCHERS, /* they wait for tlsladder-fetch; there are none before the first
	                * policy */
	POOL_COUNT,
};

/* A kind of work for a worker, with its completion and its release. */
struct task_kind {
	size_t size; /* of a struct that begins with a struct task */
	enum pool pool;
	/* In a worker, with the asker's context. False: it failed, and err says why. */
	bool (*work)(struct task *task, void *context);
	/* In the engine's thread, or NULL; task->done tells whether it went well. A
	 * failure was reported and backed off from already. */
	void (*take)(struct engine *e, struct duty_state *base, struct task *task,
	    const struct moment *now);
	void (*release)(struct task *task); /* what it holds; or NULL */
};

struct task {
	struct job job;
	const struct task_kind *kind;
	struct duty_state *base;
	struct task *next; /* of the engine's */
	bool done;
	struct err err;
	/* Borrowed; they outlive the workers. */
	const struct engine_world *world;
	const struct config *config;
	const struct postfix *postfix;
};

/* Who drives the engine, and what for. */
struct driver {
	enum engine_mode mode;
	bool once;          /* see engine_run_once() */
	bool no_more_lines; /* see engine_end_lines() */
	engine_decided_fn *decided;
	void *context;
};

/* Lines are counted once, and by one at a time: see engine_claim(). */
struct counting {
	struct covered *covered; /* the fold's */
	int64_t covered_version; /* of the database, as last seen */
	uint64_t covered_print;  /* covered_hash() of what was taken over last */
	bool is_claimed;
	int lock;           /* negative: it counts without one */
	int64_t since_ms;   /* monotonic: when it was claimed */
	int64_t refused_ms; /* monotonic: another has it since; 0: not known */
};

/* Postfix, as it was when its settings were read last. */
struct known_postfix {
	struct postfix_settings settings;
	char **other_maps; /* of smtp_tls_policy_maps; NULL: not known */
	int64_t read_ms;   /* monotonic: when they were read; 0: they are not known */
	unsigned reads;    /* how often they were */
	unsigned stale;    /* why they are to be read again: so many reasons */
	struct table_guard guard; /* tables of publish that it asks */
	bool told_unverified;     /* that it has no CA, where a policy wants one */
};

/*
 * One Postfix: whose lines are told apart in the log, whose commands are run, and which
 * is known by what it says of itself. Without `nodes:` there is one, which has no name.
 * What is one Postfix's belongs to its node; what is decided is decided for all of them.
 */
struct engine_node {
	unsigned at;              /* in the engine's nodes, and in the fold's */
	const char *host;         /* as the log names it, or FOLD_NODE_ANY */
	const char *name;         /* for people; "": it has none */
	char id[STORE_NODE_SIZE]; /* as store.h has it */
	struct postfix postfix;
	struct known_postfix known;
	bool was_asked;   /* for its settings: they came, or could not be had */
	bool is_away;     /* they could not, the last time */
	bool was_read;    /* it has said once what these are: */
	enum level level; /* its default level */
	bool can_dane;
	bool is_told_apart; /* that it differs from others */
	int64_t sum;        /* of its settings */
};

/* What is asked of all nodes, as their settings are known; tasks borrow it. */
struct nodes_asked {
	struct measure_node *items; /* those that told once */
	unsigned count;
	struct table_guard guard; /* tables of publish that one of them asks */
};

/* What was replaced, while tasks may borrow from it. */
struct retired;

struct engine_nodes {
	struct engine_node *items;
	unsigned count;
	struct nodes_asked *asked;
	struct service_level *services; /* the strongest level of each that has its own */
	size_t service_count;
	struct retired *retired;
	uint64_t kept;       /* of what is stored of them, a sum; 0: not known */
	struct postfix here; /* it has the map, and servers are probed by it */
	struct ports ports;  /* which next-hops mean that write none, or a name */
	uint64_t unfollowed; /* lines of hosts that are none, as far as it is stored */
	unsigned told_today; /* such hosts, since told_ms of the monotonic clock */
	int64_t told_ms;
};

struct duty_states {
	struct duty_state **items; /* in the order of the rows, and of nodes */
	size_t count;
};

/* Is the database what was written into it? */
struct state_health {
	bool unchecked;    /* it is not known yet whether it is malformed: the map's text
	                    * is not replaced by what it has */
	bool is_malformed; /* it is, and how: */
	struct err how;
};

struct map_versions {
	int64_t version;    /* of the entries */
	int64_t exported;   /* of what is in force */
	int64_t published;  /* of the map; the same where Postfix reads that */
	bool is_read_here;  /* it does */
	int64_t unasked_ms; /* wall: mail was deferred last as Postfix could not ask one,
	                     * of what was judged; 0: none was */
};

/* What all duties share. What one alone uses is in its state. */
struct engine {
	const struct engine_world *world;
	const struct config *config;
	const struct rules *rules;
	struct driver driver;

	struct store *store;
	struct backoff storing; /* from a database that cannot be written */
	struct state_health health;
	enum answer leads; /* NO: another decides; UNSURE: not known, so nobody does */
	struct map_versions map;

	struct fold *fold;
	struct counting counting;
	bool limit_reported; /* that a pattern ran into its limit */
	int64_t rested_ms;   /* monotonic: when memory was given back last; 0: never */

	struct judge judge;
	struct judge_parent *parents;      /* of the judge */
	struct witnessed_table *witnessed; /* who waits for witnesses */
	struct hosts *hosts;               /* MX hosts that were asked */
	struct buf sts_attributes;         /* what engine_policy() wrote last */
	uint32_t draw; /* a number that spreads what would else happen at once */

	struct engine_nodes nodes;
	/* Of the node by whose settings it is decided: the first that tells them; of the
	 * first, where none does. */
	struct known_postfix *known;

	struct duty_states states;
	struct workers *workers[POOL_COUNT];
	struct task *tasks; /* that workers have */
};

/* --- engine.c --- */

struct moment engine_now(const struct engine *e);

/* state.c: the database of its mode, into e->store. */
bool engine_open_store(struct engine *e, struct err *err);
/* What was decided under other values of keys with KEY_JUDGES is due. */
bool engine_mind_config(struct engine *e, struct err *err);
/* What MTA-STS policies enforce is, where mta_sts.enable is false. */
bool engine_mind_enabled(struct engine *e, struct err *err);

/* What versions are there, and which of them is in force: into map_*. */
bool engine_read_versions(struct engine *e, struct err *err);

/* Monotonic: when it will be wall_ms, or now. */
int64_t engine_at_wall(const struct moment *now, int64_t wall_ms);

/* The state of one of the rows; of one that each node has, that of the first, or of node.
 */
void *engine_state(const struct engine *e, const struct duty *duty);
void *engine_state_of(
    const struct engine *e, const struct duty *duty, const struct engine_node *node);

/* Every duty that listens hears it, before this returns. */
void engine_tell(struct engine *e, enum news news);

/* A task of that kind, zeroed but for its head. The caller fills it in and submits it,
 * or drops it. */
void *engine_task(
    struct engine *e, struct duty_state *base, const struct task_kind *kind);
void engine_submit(struct engine *e, struct task *task);
void engine_drop(struct task *task);

/* Of a duty: settings that are older than a minute are not believed, nor are those that
 * were changed since, as far as that is known. */
bool engine_settings_are_fresh(
    const struct engine *e, const struct duty_state *base, const struct moment *now);
/* Does a duty wait for fresh ones of that node, and is none at work with the old ones? */
bool engine_settings_are_wanted(
    const struct engine *e, const struct engine_node *node, const struct moment *now);

/* It failed: reported, and if it lasts alerted, where it is to be. */
void engine_failed(struct engine *e, struct backoff *backoff, const char *what,
    const struct err *err, bool alerted);
/* What workers have done is taken by its duties. */
void engine_take_tasks(struct engine *e, struct workers *workers);

/* The database could, or could not: "cannot WHAT". A failure rolls back. */
void engine_stored(struct engine *e, const char *what);
void engine_not_stored(struct engine *e, const char *what, const struct err *err);

/* --- duty_settings.c --- */

/* Have Postfix's settings read again. */
void engine_doubt_settings(struct engine *e);

/* Are they what Postfix works by now, as far as its files tell? False: they are read
 * again, and nothing must be decided before. */
bool engine_settings_stand(struct engine *e);

/* --- duty_retry.c --- */

/* All mail that waits is retried, on each node. */
void engine_flush(struct engine *e);

/* --- duty_metrics.c --- */

/* That word of engine/metrics.h happened so often, of that kind (NULL: there is but one).
 * Both are constants. */
void engine_count(struct engine *e, const char *word, const char *what, int64_t number);
void engine_count_decision(struct engine *e, const struct judged *judged);
void engine_count_answers(struct engine *e, const struct measure_job *job);

/* --- duty_lead.c --- */

/* Is it us who tells the administrator of mail? While nobody can know who leads whoever
 * led last does, and after ten minutes whoever stood by as well: that one may be gone. */
bool engine_tells(const struct engine *e);

/* --- duty_judging.c --- */

/* Witnesses answered for these: judge those that wait for nobody else. */
void engine_judge_witnessed(struct engine *e, const int64_t *ids, size_t count);

/* --- known.c --- */

/* What witnesses answered of it, as far as that serves now, becomes part of what is
 * known. */
void engine_add_witnesses(
    struct engine *e, const struct destination *d, struct answers *known);
/* Those of whom witnesses told already go first, before that is old. */
void engine_put_told_first(const struct engine *e, int64_t *ids, size_t count);

/* --- policies.c: what is kept of a Policy Domain --- */

/* Is one enforced that d may lack the entry of? Then no reason of a deferral settles
 * anything before DNS was asked. */
bool engine_is_policy_kept(
    struct engine *e, const struct destination *d, bool *kept, struct err *err);

/* What MTA-STS says of d becomes part of what is known, and what DNS just answered
 * becomes part of what is kept. Inside a transaction; the entry's text is good until the
 * next. */
bool engine_policy(struct engine *e, const struct destination *d, struct answers *known,
    struct err *err);

/* Put what is known of a Policy Domain now, and when it is to be looked at again. Where
 * something else applies than its destinations were judged by, or changed, they are
 * judged anew. Inside a transaction. */
bool engine_settle_policy(struct engine *e, struct sts_record *record, bool changed,
    int64_t now_ms, struct err *err);

/* What is to be asked of it next. For mail that waits under its policy another one is had
 * at once, once in an hour, though this one was fetched less than 5 minutes ago. */
struct sts_next engine_next_of_policy(
    struct engine *e, const struct sts_record *record, int64_t now_ms);

/* What came of a fetch. Inside a transaction. */
bool engine_put_policy(struct engine *e, struct sts_record *record,
    const struct fetch_answer *fetched, const struct sts_asked *asked, int64_t now_ms,
    struct err *err);

/* The Policy Domain of a destination that was sent mail; "": it can have none. */
bool engine_policy_domain(
    struct engine *e, int64_t id, char domain[NEXTHOP_HOST_SIZE], struct err *err);

/* A destination was sent mail. Of a domain that is known, only that is news, and the
 * destination if it is a new one of it; found false: of the domain nothing is known, and
 * nothing was stored. Inside a transaction. */
bool engine_note_policy_mail(struct engine *e, int64_t id, const char *domain,
    int64_t now_ms, bool *found, struct err *err);

/* --- duty_policies.c --- */

/* What is to be asked about a policy changed. */
void engine_mind_policies(struct engine *e);

/* Have the entries of policies that are not small room for that many octets more? Then
 * they are taken. */
bool engine_has_policy_room(struct engine *e, size_t octets);

/* The same of the names of policies that are kept. */
bool engine_has_names_room(struct engine *e, size_t octets);
/* That there is none for those of domain: once a day the administrator is told. */
void engine_tell_no_names_room(struct engine *e, const char *domain);

/* engine_next_of_policy(): was it not done so in this hour? */
bool engine_may_hasten_policy(struct engine *e, const char *domain);

/* --- duty_witness.c --- */

/* The witnesses that a duty asks. */
#define ENGINE_WITNESSES (WANTS_QUEUE | WANTS_SERVERS | WANTS_CANARY)

/*
 * d is judged once those of these witnesses (enum ladder_wants) have answered that a duty
 * asks; answers: what else was measured of it. False: none does, too many wait already,
 * or DNS has to tell which servers there are.
 */
bool engine_ask_witnesses(struct engine *e, const struct destination *d,
    const struct answers *answers, unsigned wants);

/* Messages of a node (NULL: of any) may have been retried in vain (store_waiting_done()),
 * or left (store_waiting_left()): a listing tells whether they are there. */
void engine_ask_given_up(struct engine *e, const struct engine_node *node);

/* Is the queue of a node being listed, by whichever duty? One at a time does. */
bool engine_is_listing(const struct engine *e, const struct engine_node *node);
/* When the next one may be; 0: at any time. Monotonic. */
int64_t engine_next_listing_ms(const struct engine *e, const struct engine_node *node);
/* It was: the next listing keeps its distance. Monotonic. Of one that failed (done:
 * false) how long it hung tells nothing of the queue, and the engine backs off from that;
 * unless the one before failed as well: it may be too large to be listed. */
void engine_note_listing(struct engine *e, const struct engine_node *node,
    int64_t began_ms, int64_t took_ms, bool done);

/* --- duty_servers.c: the servers as a witness --- */

/* Have the servers of d asked, as DNS named them. Without a choice of hosts: those that
 * they were when it was asked for them before. False: they are not known. */
bool engine_ask_servers(struct engine *e, struct witnessed *w,
    const struct destination *d, const struct answers *answers);

/* Does what they were measured to do still serve, for d as it is now? */
bool engine_servers_serve(
    const struct engine *e, const struct witnessed *w, const struct destination *d);

/* The addresses of an MX host are connected to, for destination nexthop; host_begin()
 * was called. */
void engine_ask_host(struct engine *e, const struct chosen_host *chosen, uint16_t port,
    const char *nexthop);

/* --- duty_canary.c: hosts that are known to verify --------------------------------- */

/* Have one asked for d. */
void engine_ask_canary(
    struct engine *e, struct witnessed *w, const struct destination *d);

/* What one says for d as it is now, whose other answers w has. */
enum canary_says engine_canary(
    struct engine *e, const struct witnessed *w, const struct destination *d);

/* duty_still.c: mail is deferred of which no line came. */
bool engine_log_stands(struct engine *e);

/* When one last failed, while none verified; 0: none did. */
int64_t engine_canary_failed_ms(const struct engine *e);

/* --- take_judged.c ----------------------------------------------------------------- */

/* What was judged of d is stored, reported and alerted. was_read: the log said something
 * of it. In a transaction. */
bool engine_take_judged(struct engine *e, struct destination *d,
    const struct judged *judged, bool was_read, int64_t now_ms, struct err *err);

/*
 * Would an entry change by settings that Postfix has no more? A reason that cannot come
 * at the level in force says so too, unless they were read just now.
 */
bool engine_rests_on_old_settings(struct engine *e, const struct judged *judged);

/* --- duty_clock.c ------------------------------------------------------------------ */

/* Before times of a clock that may have been set are stored, or held against others. */
void engine_mind_clock(struct engine *e);

/* What the clocks say together is right: neither was set. */
void engine_trust_clock(struct engine *e);

/* --- freeze.c ---------------------------------------------------------------------- */

/* Guard 15, before destinations are judged: into e->judge. Inside a transaction. */
bool engine_mind_freeze(struct engine *e, int64_t now_ms, struct err *err);
/* The clock was set by so much: so was the beginning of a freeze that lasts. */
bool engine_shift_freeze(struct engine *e, int64_t by_ms, struct err *err);

/* Which parents of domains are pinned now, for the judge; at the beginning of each
 * transaction in which destinations are judged. engine_forget_parents(): at the end. */
bool engine_mind_parents(struct engine *e, struct err *err);
void engine_forget_parents(struct engine *e);

/* --- past.c: what MX hosts did before ---------------------------------------------- */

/* The servers of a destination, as DNS names them, did that before: what it proves of us.
 * In the caller's transaction. */
bool engine_note_servers(struct engine *e, const struct host_past *past, struct err *err);

/* When something last proved that verifying works here, from which days are counted back:
 * a probe and a session of the log, whichever is earlier. Our clock may be ahead, by
 * which a probe is dated, and anybody may have written a line. Where nobody can probe, or
 * none proved it yet, a session alone. 0: nothing did.
 *
 * Where nothing else verifies that proof may stand still for ever: the time that the
 * daemon ran since is added, by a clock that nobody sets; not that in which it did not.
 */
bool engine_proof_ms(struct engine *e, int64_t *at_ms, struct err *err);

/* The clock was set by so much: time that did not pass ends no past, and no proof is
 * older for it. In the caller's transaction. */
bool engine_shift_past(struct engine *e, int64_t by_ms, int64_t now_ms, struct err *err);

/* It ran so long since this was called last. In the caller's transaction. */
bool engine_live(struct engine *e, int64_t ran_ms, int64_t now_ms, struct err *err);

/* The best that hosts of d did, for whomever, and that keys did which are the same name
 * in DNS, into known, a copy of answers. False: the database could not tell. */
bool engine_past(struct engine *e, const struct destination *d,
    const struct answers *answers, struct answers *known, struct err *err);

/* The server of the alarm of d failed, if these answers say that it is one of its own:
 * where no queue can be listed, as then its line is all there is. */
bool engine_note_failed(struct engine *e, const struct destination *d,
    const struct answers *answers, struct err *err);

/* The same of destinations of which the queue shows a message that was deferred for what
 * their alarms are about, no later than it was. Where servers are asked nobody's alarm
 * counts, but what they were found to do (engine_note_host()). In a transaction. */
bool engine_note_shown(
    struct engine *e, const int64_t *ids, size_t count, struct err *err);

/* A host has answered: that is its past from now on. Outside of a transaction. */
void engine_note_host(struct engine *e, const struct host *host);

/* --- duty_waits.c ------------------------------------------------------------------ */

/* Mail to a destination that was judged waits, perhaps for long. */
void engine_mind_wait(struct engine *e);

#endif
