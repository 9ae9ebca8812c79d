/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The level a destination may have, given what is known. Pure: no clock, no DNS, no
 * store; the same evidence gives the same decision, so a test is a line in a table.
 * Guards run in order, the first that applies settles it (tlsladder(8), THE LADDER).
 *
 * A deferral is an alarm, never evidence: before anything weaker than what applies now is
 * written, witnesses must agree. Where one was not asked yet, the decision says which it
 * wants, and nothing else: ask, and call again.
 */
#ifndef CORE_LADDER_H
#define CORE_LADDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/answer.h"
#include "base/span.h"
#include "core/dane.h"
#include "core/demand.h"
#include "core/level.h"
#include "core/measured.h"
#include "core/rules.h"
#include "core/settings.h"
#include "core/sts_state.h"
#include "core/why.h"

#define LADDER_NOT_YET INT64_MAX /* decided, but the map is not in place yet */

#define LADDER_LEASE_MAX_MS (90 * SPAN_DAY_MS) /* a lease is doubled up to that */

/*
 * The administrator's settings (tlsladder.yaml(5), ladder): a row is one of them, read as
 * conf/config.h says. Another value has the engine judge again what was decided.
 */
/* clang-format off */
#define LADDER_SETTINGS(K) \
	K(level, lowest, "ladder.lowest", "may", .words = "may encrypt verify") \
	K(number, may_after_attempts, "ladder.may_after.attempts", "2", \
	  .min = 1, .max = 1000) \
	K(span, may_after_ms, "ladder.may_after.time", "10m", .max = 30 * SPAN_DAY_MS) \
	K(span, hold_verify_ms, "ladder.hold.verify", "24h", /* a step to verify or secure */ \
	  .max = 365 * SPAN_DAY_MS) \
	K(span, hold_encrypt_ms, "ladder.hold.encrypt", "24h", .max = 365 * SPAN_DAY_MS) \
	K(span, hold_may_ms, "ladder.hold.may", "24h", .max = 365 * SPAN_DAY_MS) \
	K(span, recheck_ms, "ladder.recheck", "7d", \
	  .min = SPAN_SECOND_MS, .max = 90 * SPAN_DAY_MS) \
	K(number, climb_probes, "ladder.climb.probes", "2", /* before an entry climbs ... */ \
	  .min = 1, .max = 10) \
	K(span, climb_apart_ms, "ladder.climb.apart", "1h", /* ... so far apart */ \
	  .min = SPAN_SECOND_MS, .max = 7 * SPAN_DAY_MS) \
	K(span, dane_withdrawn_ms, "ladder.dane_withdrawn", "3d", .max = 365 * SPAN_DAY_MS)
/* clang-format on */

struct ladder_policy {
	LADDER_SETTINGS(SETTING_MEMBER)
};

/* What the queue says of the message that raised the alarm. */
enum queue_says {
	QUEUE_NOT_ASKED,
	QUEUE_SHOWS,      /* it is there, deferred for the reason of the alarm */
	QUEUE_NEWER,      /* it is there; a newer attempt was made or is under way */
	QUEUE_GONE,       /* it is in the queue no more */
	QUEUE_UNREADABLE, /* the listing failed */
	QUEUE_NONE,       /* there is no queue to ask: the log of another machine */
};

/* A canary is a host that is known to verify: does it verify now? */
enum canary_says {
	CANARY_NOT_ASKED,
	CANARY_NONE, /* none is known, or there is no prober */
	CANARY_VERIFIES,
	CANARY_FAILS,
};

/* What a decision wants to be asked before it can be made. */
enum ladder_wants {
	WANTS_DNS = 1, /* DNS, the other policy maps, credentials */
	WANTS_QUEUE = 2,
	WANTS_SERVERS = 4,
	WANTS_CANARY = 8,
};

/* Attempts that met no TLS, by themselves or by the probe that was made for them, and
 * within the window of ladder.may_after. */
struct plain_attempts {
	unsigned count;
	int64_t first_ms;
	int64_t last_ms;
};

/* All times in ms since the epoch; 0: never. */
struct evidence {
	const char *key; /* the next-hop that it is; NULL: one that no setting names */

	/* what applies now */
	enum level default_level;
	struct demand entry; /* LEVEL_NONE: no entry */
	int64_t force_ms;    /* since when Postfix sees that; 0: ever, LADDER_NOT_YET */
	bool pinned;         /* by itself, or without an entry below a parent that is */
	bool parent_pinned;  /* a parent is, to default_level */
	bool pin_over;       /* the entry is what a pin left that is over */
	int64_t lease_ms;    /* the present lease's length; 0: a pin's */
	int64_t lease_end_ms;

	/* the alarm to judge; none at the end of a lease */
	bool deferral;
	bool suspended; /* qmgr did not even try */
	bool has_rule;
	bool fault_ours;
	bool policy_refused; /* Postfix complains of the policy that it found, or did not
	                      */
	bool unplaced;       /* the queue has it, and names no server: not one of its own,
	                      * for all that is known. A line that follows will tell */
	bool denies_tlsa;    /* Postfix says that there is no TLSA, or no DNSSEC */
	int64_t denied_ms;   /* when it last did so though there are, for all hosts */
	bool denied_again;   /* ... and no mail flowed since then */
	enum rule_dnssec rule_dnssec; /* the rule's condition */
	bool rule_cause; /* ... is a cause, which the servers tell for certain */
	bool rule_alert; /* the rule wants an alert */
	enum fallback fallback;
	enum level fallback_level;
	enum level attempt_level; /* from tls=, else LEVEL_UNKNOWN */
	int64_t attempt_ms;       /* the earliest moment at which it can have begun */
	unsigned attempts; /* real ones since mail last flowed, this one included */
	int64_t first_attempt_ms;
	int64_t last_attempt_ms;
	struct plain_attempts plain;

	/* what others say */
	bool asked;            /* DNS, maps and credentials were */
	bool dns_is_old;       /* DNS was asked last a day ago or earlier */
	enum answer other_map; /* does another policy map answer for the key? */
	struct dane_verdict dane;
	bool wrapper;         /* TLS from the first byte (port 465): no cleartext there */
	bool no_dane_rung;    /* to a unix socket: `dane` is no level there */
	bool elsewhere;       /* the server is none of this destination's */
	enum answer can_dane; /* can this Postfix do dane-only? */
	enum answer credentials; /* does it log in there (smtp_sasl_password_maps)?
	                          * UNSURE: where a server offers AUTH */
	unsigned
	    dns_failures; /* answers in a row that could not tell, this one included */

	/* MTA-STS */
	enum sts_applies sts;
	const char *sts_attributes; /* of an enforced policy, behind the level secure;
	                             * NULL: this Postfix cannot be told */
	bool sts_allows_none;       /* ... and it allows no MX host that is there */
	bool no_authorities;        /* this Postfix has no CA: nothing verifies */
	int64_t sts_ends_ms;        /* when the live policy ends; 0: there is none */
	bool sts_asked;             /* one is announced, and is being fetched */
	int64_t sts_unsure_ms;      /* since when it may be there and is not known; 0: not
	                             * told, or before the hold began */
	bool sts_entry;             /* the entry was made by a policy */
	bool sts_lost;              /* ... of which nothing is known here: the entry was
	                             * taken over. What cannot be told, or had, or is
	                             * not announced now does not end it */

	int64_t forecast_ms; /* the entry was made for another default level, for which it
	                      * waits until then; 0: it was not */

	bool taken_over; /* another made the entry, and nothing of it was judged here */

	/* the witnesses */
	enum queue_says queue;
	int64_t shown_ms, served_ms, unread_ms; /* as struct witnesses has them */
	enum answer prober; /* NO: there is no posttls-finger, or it must not be used */
	struct measured measured; /* silent hosts with a better past are waited for */
	struct measured measured_gone; /* the same hosts, and none is waited for; read
	                                * once the wait is over */
	enum canary_says canary;
	unsigned contradictions; /* probes in a row that met the level at which mail
	                          * fails, this one included */
	int64_t silent_since_ms; /* since when the servers could not tell (no-answer,
	                          * awaited) */

	/* the past */
	enum level best_seen; /* in 90 days; LEVEL_UNKNOWN: no session seen */
	int64_t mail_ms; /* when mail was last sent there, or failed, or the entry came */
	int64_t met_ms;  /* when a session last met the level in force; 0: none did */
	int64_t hold_since_ms[LEVEL_COUNT]; /* since when a better past holds the step to
	                                     * that level; 0: it does not */
	bool frozen;
	int64_t thawed_ms; /* when the last freeze ended */
	int64_t
	    worked_ms; /* when the log last proved that the default level works here */
	int64_t dane_absent_ms; /* since when TLSA is proven to be gone; 0: not */
	enum level trial;       /* the entry that it climbed from less than a lease ago;
	                         * LEVEL_NONE: none */
	enum level seen_since_climb; /* the best since then; LEVEL_UNKNOWN: nothing */
	bool better_session; /* one better than the entry was logged since the last probe
	                      */
	unsigned clean; /* clean probes of the same level in a row, this one included */
};

enum action {
	ACTION_KEEP,   /* as it is */
	ACTION_SET,    /* decision.entry */
	ACTION_REMOVE, /* no entry */
	ACTION_HOLD,   /* a step to decision.entry is due and not taken yet */
	ACTION_COUNT,
};

struct decision {
	unsigned wants; /* enum ladder_wants: where not 0, nothing else here counts */
	enum action action;
	struct demand entry; /* of SET: the entry; of HOLD: the one that is due. Its text
	                      * is borrowed from the evidence */
	enum why why;
	int64_t look_again_ms; /* when to judge again without news; 0: only on news */
	int64_t lease_ms;      /* of SET: the new entry's lease */
	int64_t since_ms;      /* of HOLD for a better past: since when it is held */
	bool alert;            /* the administrator should know */
	bool retry;            /* the waiting mail has something to gain from a retry */
	bool pin_stays;  /* the pin is over, and its end is put off until more is known */
	bool ends_alarm; /* the message is gone: alarm, attempts and hold are forgotten */
};

struct decision ladder_decide(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms);

/* The lowest rung as it is written: `dane` where that can be used, as TLSA records that
 * appear count at once then; else `may`. */
enum level ladder_lowest_rung(const struct evidence *ev);

/* What the level in force comes to: `dane` depends on the TLSA records. */
enum level ladder_level_in_force(const struct evidence *ev);

/* Did the servers tell what the level in force and a step down from it come to? Else they
 * are waited for. */
bool ladder_servers_tell(const struct evidence *ev);

/* How long a step down to a level is held for a destination that did better. */
int64_t ladder_hold_ms(
    const struct ladder_policy *policy, const struct evidence *ev, enum level level);

const char *action_name(enum action action);

#endif
