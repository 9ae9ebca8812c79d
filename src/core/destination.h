/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A destination: all that is known of one next-hop, and every way in which that changes.
 * Pure: values in, values out; no store, clock, configuration or rules.
 *
 * Everybody may read the fields. They are assigned by the functions below alone, and by
 * the store when it loads a row (tests/layers.t holds that).
 */
#ifndef CORE_DESTINATION_H
#define CORE_DESTINATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/answer.h"
#include "core/demand.h"
#include "core/facts.h"
#include "core/ladder.h"
#include "core/level.h"
#include "core/nexthop.h"
#include "core/reason.h"
#include "core/why.h"

struct answers;
struct ports;
struct fold_host;
struct fold_item;
struct fold_shown;
struct host_past;

/* The entry in the policy map, or its absence. */
struct destination_entry {
	enum level level; /* LEVEL_NONE: no entry, the default level applies */
	char *attributes; /* owned, of any length; NULL: none */
	enum why why;     /* the decision that made it */
	int64_t since_ms; /* when it was decided */
	int64_t force_ms; /* since when Postfix sees it; 0: ever; LADDER_NOT_YET */
	int64_t lease_ms; /* how long it stands without new proof */
	int64_t lease_end_ms;
	enum level trial;       /* the entry before, which this one climbed from */
	int64_t dane_absent_ms; /* since when TLSA is proven to be gone; 0: not */
};

/* The administrator's word, which no decision changes. */
struct destination_pin {
	bool set;
	int64_t until_ms; /* 0: for good */
	char note[256];
};

/* The deferral that was reported last, and the attempts since mail last flowed. */
struct destination_alarm {
	bool raised;  /* there is a deferral, described by what follows */
	bool pending; /* it was not judged yet */
	int64_t time_ms;
	char rule[64];
	char reason[REASON_SIZE]; /* cut; without local parts */
	char dsn[16];
	char service[64];
	bool lost;           /* the message was bounced */
	bool suspended;      /* qmgr did not even try */
	bool policy_refused; /* Postfix complains of the entry */
	enum level attempt_level;
	char relay[NEXTHOP_HOST_SIZE]; /* as of fold_deferral */
	enum cause cause;              /* what failed there; NONE: not known */
	int64_t attempt_ms; /* the earliest moment at which the attempt can have begun */
	unsigned attempts;
	int64_t first_attempt_ms;
	int64_t last_attempt_ms;
	struct plain_attempts plain; /* of them, and no further apart than they count */
	unsigned contradictions; /* attempts that failed at a level that the servers were
	                            measured to meet, in a row */
	int64_t contradicted_ms; /* the last of them */
	int64_t silent_ms;       /* since when the servers could not tell; 0: they did */
};

/* When mail flowed last, and when a TLS session of that strength was last seen. */
struct destination_past {
	int64_t sent_ms;
	int64_t encrypt_ms;
	int64_t trusted_ms; /* a session with a good chain, whose name nobody compared */
	int64_t verify_ms;
	int64_t secure_ms;
	int64_t dane_ms;
};

/* What DNS answered last. */
struct destination_dns {
	char state[16]; /* dane_state_name(); "" before the first answer */
	char text[2048];
	int64_t time_ms;
	int64_t until_ms;   /* so long the answer may be used again (its TTL); where that
	                     * is over every source is asked anew */
	unsigned failures;  /* answers in a row that could not tell */
	bool signed_domain; /* the domain's MX answer was validated */
	bool all_usable;    /* every MX host has secure usable TLSA */
	int64_t denied_ms;  /* when Postfix last denied TLSA that all hosts have */
};

/* The step that is due and not taken yet, and since when a better past holds the steps to
 * verify or secure, to encrypt, and to cleartext; 0: it does not. */
struct destination_hold {
	enum level level; /* LEVEL_NONE: none */
	int64_t verify_ms;
	int64_t encrypt_ms;
	int64_t may_ms;
};

/* The last probe of a stronger level than the entry's. */
struct destination_probe {
	enum level level; /* LEVEL_UNKNOWN: none since the entry came */
	enum answer works;
	unsigned clean; /* clean probes of that level in a row, far enough apart */
	int64_t time_ms;
	int64_t clean_ms; /* the last clean one that counted */
	bool better;      /* a session was better than the entry when it was made */
};

/* How long what is remembered counts, and what counts. */
struct destination_spans {
	bool measured; /* attempts met no TLS where the servers were measured to do none
	                * for each of them; false: where the log says so, ... */
	bool listed;   /* whether a message is in the queue still, the queue tells; ... of
	                * such a message */
	int64_t attempts_ms; /* attempts that met no TLS count no further apart:
	                      * ladder.may_after.time + 2 x maximal_backoff_time */
	int64_t alarm_ms;    /* no alarm is older: maximal_queue_lifetime */
	int64_t apart_ms;    /* clean probes count so far apart: ladder.climb.apart */
	bool policies;       /* whoever was sent mail has its MTA-STS policy looked up */
};

/* The queue can be listed and the servers can be asked: no line ends an alarm. */
static inline bool
destination_spans_tell(const struct destination_spans *spans)
{
	return spans->listed && spans->measured;
}

/*
 * Times in ms since the epoch, 0: never. It owns the text of its entry: what was begun
 * with destination_init(), destination_copy() or store_get() ends with
 * destination_clear(). Everything else in it is a plain value.
 */
struct destination {
	int64_t id; /* 0: not in the database yet */
	char key[NEXTHOP_KEY_SIZE];
	uint16_t port;      /* of the key; 0: a name that services(5) does not have */
	char transport[64]; /* master.cf service, where known; "" for smtp */
	enum why why;       /* the last decision */
	int64_t look_ms;    /* when to judge it again without news; 0: only on news */
	int64_t again_ms;   /* when the administrator had it decided anew last */
	struct destination_entry entry;
	struct destination_pin pin;
	struct destination_alarm alarm;
	struct destination_past past;
	struct destination_dns dns;
	struct destination_hold hold;
	struct destination_probe probe;
	char facts[FACTS_SIZE]; /* what fact sources answered last, but for DNS */
};

/* A new one, with every level at "none" or "unknown". */
void destination_init(struct destination *destination, const char *key);
void destination_clear(struct destination *destination); /* of key "" then */

/* to is uninitialized before, and owns its texts afterwards. */
void destination_copy(struct destination *to, const struct destination *from);

/* to becomes what from was; from is cleared. */
void destination_move(struct destination *to, struct destination *from);

/* Its port by what ports say, which the store hands over with what it loads. */
void destination_take_ports(struct destination *destination, const struct ports *ports);

/* Whatever is later in more. */
void destination_past_add(
    struct destination_past *past, const struct destination_past *more);

/* The entry as a whole, borrowed from it; LEVEL_NONE: none. */
struct demand destination_demand(const struct destination *destination);

/* --- news from the log -------------------------------------------------------------- */

/*
 * What the log reported since the last news. default_level: mail that was sent without an
 * entry met it. waits: the rule of the alarm that stands leads to no entry. Mail that
 * flows by a weakened entry leads to a re-check where a session was better than the
 * entry, and a day after DNS was asked.
 */
void destination_take_news(struct destination *destination, const struct fold_item *item,
    enum level default_level, bool waits, const struct destination_spans *spans);

/* What the same news say of one of its servers, into out. The destination as it was, or
 * as it is after them. */
void destination_host_news(const struct destination *destination,
    const struct fold_host *host, enum level default_level, struct host_past *out);

/* What failed at the server of its alarm, if there is one: of a session that is used
 * again the log does not say it, and whoever asks the servers knows better. */
void destination_name_cause(struct destination *destination, enum cause cause);

/*
 * No message waits for it any more, though none was sent: they were bounced for another
 * reason, or expired. An alarm that is about a bounce is judged all the same.
 */
void destination_take_end(struct destination *destination);

/*
 * The queue shows its messages, and none as the alarm has it: what it has of them stands
 * in its place, as the same attempt. rule: the name of the one that recognised it. False:
 * it is what the alarm has, so that nothing is new.
 */
bool destination_take_shown(
    struct destination *destination, const char *rule, const struct fold_shown *shown);

/*
 * When its own servers last proved that what is asked for by default works here: sessions
 * at servers that DNS named, of a destination whose mail does not fail; 0: never. *check:
 * DNS was never asked, so that it cannot be told of a session; it was at that time (0:
 * there was none).
 */
int64_t destination_proof_ms(const struct destination *destination,
    const struct fold_item *news, enum level default_level, int64_t *check_ms);

/* Is the entry an MTA-STS policy's? */
bool destination_is_under_policy(const struct destination *destination);

/* The names of servers that DNS named as its own when mail met them, a blank behind each;
 * borrowed. */
struct str destination_own_servers(const struct destination *destination);

/* DNS is asked whose servers those are, and nothing is decided; but not of one that is
 * judged anyway, or was. */
void destination_check_servers(struct destination *destination, int64_t check_ms);
bool destination_checks_servers(const struct destination *destination);

/* What DNS answered then. */
void destination_take_servers(struct destination *destination,
    const struct answers *answers, const struct destination_spans *spans, int64_t now_ms);

/*
 * Is that server one of its own, by its port (0: not told), and by what DNS answered
 * lately, or named when mail met it before? Else mail went there by a relay of its
 * sender's, say. What was not asked, or is as old as an MX record may live, could not
 * tell.
 */
enum answer destination_has_server(
    const struct destination *destination, const struct fold_host *host);

/* Is mail that it took mail that flows? Whose it is has to be told for that, but where
 * nobody was asked yet. */
enum answer destination_flows_at(
    const struct destination *destination, const struct fold_host *host);

/* It did as well as that at at_ms (0: it did not): the past that a hold goes by. */
void destination_seen(struct destination *destination, enum level level, int64_t at_ms);

/* --- judging: these in turn --------------------------------------------------------- */

/*
 * May its servers be probed before it is judged? True for an entry that is weaker than
 * default_level, at the end of its lease and where a session was better than it.
 */
bool destination_wants_probe(
    const struct destination *destination, enum level default_level, int64_t now_ms);

/* What its servers do tells of it only if they were asked after that moment: when the
 * attempt of its alarm began, or a session that was better than its entry;
 * and when it was to be decided anew. 0: ever. */
int64_t destination_news_ms(const struct destination *destination);

/* When a session last met that level, as far as it was one of the destination's; 0: none
 * did. */
int64_t destination_met_ms(const struct destination *destination, enum level level);

/*
 * What passed since it was judged last: a deferral that the entry settled, or that is
 * older than mail waits, is over; times that a clock was set back from are mended.
 */
void destination_catch_up(struct destination *destination,
    const struct destination_spans *spans, int64_t now_ms);

/* What was measured of it now becomes part of what is known. */
void destination_take_answers(struct destination *destination,
    const struct answers *answers, const struct destination_spans *spans, int64_t now_ms);

/* What one fact source answered becomes part of it, to be kept. */
void destination_take_fact(struct destination *destination, const struct fact *fact);

/* What DNS answered last, into its fields of out; the others stay (measure_recall()). */
void destination_recall_dns(
    const struct destination *destination, int64_t now_ms, struct answers *out);

/*
 * The ladder's evidence, as far as it is about the destination; default level, rule,
 * can_dane, frozen, thawed_ms and the witnesses are the caller's to fill in. answers
 * NULL: nobody was asked. verified_ms: when a session verified last, of any destination;
 * 0: never. Texts are borrowed from the destination.
 */
struct evidence destination_evidence(const struct destination *destination,
    const struct answers *answers, const struct destination_spans *spans,
    int64_t verified_ms, int64_t now_ms);

/*
 * What the servers were measured to do (ev->measured, once it is complete otherwise) says
 * of the alarm: an attempt that met no TLS counts, if its message is in the queue, and so
 * does one that failed at a level that they meet. Where they cannot be asked (ev->prober)
 * an attempt counts by its reason, unless the news of it did. Into the destination, and
 * into ev.
 */
void destination_take_measured(struct destination *destination, struct evidence *ev,
    const struct destination_spans *spans);

/* What a decision came to. */
struct judged {
	struct decision decision; /* its text is borrowed from the destination */
	struct demand before;     /* the entry before, with a text of its own */
	bool changed;             /* action, entry or why are not what they were */
	bool map_changed;         /* an entry came, went or is another */
	bool tell;                /* the administrator was not alerted of this yet */
};

void judged_clear(struct judged *judged); /* and {0} */

/*
 * What was decided on that evidence is carried out: the entry set, removed or kept, a
 * step held, the next re-check planned. rule: the name of the rule that applied; NULL:
 * none. recheck_ms: when to judge it again where the decision does not say.
 */
void destination_decide(struct destination *destination, const struct evidence *ev,
    const struct decision *decision, const char *rule, int64_t recheck_ms, int64_t now_ms,
    struct judged *out);

/* It is the parent of others (".example.org"), which nothing is known of but what the
 * administrator said: pin and entry end, and out says so. */
void destination_end_parent(
    struct destination *destination, int64_t now_ms, struct judged *out);

/* Nothing waits any more: alarm, attempts and holds are forgotten. */
void destination_end_alarm(struct destination *destination);

/* Its mail fails, and none flowed since. */
bool destination_fails(const struct destination *destination);

/* It has to wait: it is not judged before at_ms. */
void destination_postpone(struct destination *destination, int64_t at_ms);

/* Its mail waits, and it is judged now unless it is to be before that moment. False: it
 * is as it was. */
bool destination_look_before(
    struct destination *destination, int64_t before_ms, int64_t now_ms);

/* Somebody found something else than is known: everything is asked anew, now. */
void destination_recheck(struct destination *destination, int64_t now_ms);

/* The same at the administrator's word, who knows that something changed: nor does what
 * its servers did before serve any more. A pin stays as it is. */
void destination_again(struct destination *destination, int64_t now_ms);

/* --- the administrator's word ------------------------------------------------------- */

/* This entry (LEVEL_NONE: none), until_ms 0: for good. note of at most 255 bytes. */
void destination_pin(struct destination *destination, struct demand entry,
    int64_t until_ms, const char *note, int64_t now_ms);

/*
 * What failed with one of its servers, as smtp(8) named it. Under an entry with names of
 * its own (match=, an MTA-STS policy's or a pin's) another name is no fault of the
 * server, whose certificate may well be for the name that it has.
 */
enum cause destination_cause(const struct destination *destination, enum cause cause);

/*
 * Is it that server's fault that mail failed there, for that cause? It is not where its
 * destination alone demands a name of it that it need not have: whoever has a domain may
 * point it at any server, and publish a policy that names none; and at the level secure
 * it is the domain's own name (smtp_tls_secure_cert_match as it comes). CAUSE_NONE: not
 * known; untrusted: nor was its chain good. The cause and host are as smtp(8) named them.
 */
bool destination_blames(const struct destination *destination, enum level default_level,
    enum cause cause, const char *host, bool untrusted);

/* Neither pin nor entry: the ladder decides again on the next news. */
void destination_unpin(struct destination *destination, int64_t now_ms);

/*
 * Another tlsladder had an entry of that level, of which this one did not know. Mail that
 * was sent seemed to prove the default level; it proved the entry's, and nothing above.
 * That it was encrypted sessions tell, too: that stays.
 */
void destination_stood_by(struct destination *destination, enum level level);

/*
 * The map has that entry, and nothing else is known of it: it becomes the entry, in force
 * already. pin.set: it is pinned; else it is re-checked at look_ms, which ends its lease
 * of lease_ms. Without a pin, one as a policy's (core/sts_entry.h) is a policy's.
 */
void destination_adopt(struct destination *destination, struct demand entry, enum why why,
    const struct destination_pin *pin, int64_t lease_ms, int64_t look_ms, int64_t now_ms);

/* The entry that mail needs once the default level is another, for which it waits so
 * long; whoever has it decided anew ends that no sooner. */
#define DESTINATION_FORECAST_MS (30 * SPAN_DAY_MS)
void destination_forecast(
    struct destination *destination, struct demand entry, int64_t now_ms);

/* Is its entry such a one, whose time is not over? */
bool destination_is_forecast(const struct destination *destination, int64_t now_ms);

/* The entry before the last decision, pinned until until_ms. */
void destination_undo(struct destination *destination, struct demand before,
    int64_t until_ms, int64_t now_ms);

#endif
