/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The level a destination may have, given what is known. Pure: no clock, no DNS, no
 * store; the same evidence gives the same decision, so a test is a line in a table.
 * Guards run in order, the first that applies settles it (tlsladder(8), THE LADDER).
 */
#ifndef CORE_LADDER_H
#define CORE_LADDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/answer.h"
#include "core/dane.h"
#include "core/demand.h"
#include "core/level.h"
#include "core/rules.h"
#include "core/why.h"

#define LADDER_NOT_YET INT64_MAX /* decided, but the map is not in place yet */

/* The administrator's settings (tlsladder.yaml(5), ladder). */
struct ladder_policy {
	enum level lowest;
	unsigned may_after_attempts;
	int64_t may_after_ms;
	int64_t hold_encrypt_ms;
	int64_t hold_may_ms;
	int64_t recheck_ms;
	int64_t recheck_max_ms;
	int64_t dane_withdrawn_ms;
};

/* What a probe of the next stronger rung found (0 where none was made). */
struct probe_evidence {
	enum level level; /* LEVEL_UNKNOWN: no prober, or nothing probed */
	enum answer works;
	unsigned clean; /* clean probes in a row, this one included */
};

/* All times in ms since the epoch; 0: never. */
struct evidence {
	/* what applies now */
	enum level default_level;
	struct demand entry; /* LEVEL_NONE: no entry */
	int64_t force_ms;    /* since when Postfix sees that; 0: ever, LADDER_NOT_YET */
	bool pinned;
	int64_t lease_ms; /* the present lease's length */
	int64_t lease_end_ms;

	/* the deferral to judge; none at the end of a lease */
	bool deferral;
	bool suspended; /* qmgr did not even try */
	bool has_rule;
	bool fault_ours;
	bool policy_refused; /* Postfix complains of the policy that it found, or did not
	                      */
	enum rule_dnssec rule_dnssec; /* the rule's condition */
	bool rule_alert;              /* the rule wants the administrator told */
	enum fallback fallback;
	enum level fallback_level;
	enum level attempt_level; /* from tls=, else LEVEL_UNKNOWN */
	int64_t attempt_ms;       /* the earliest moment at which it can have begun */
	unsigned attempts; /* real ones since mail last flowed, this one included */
	int64_t first_attempt_ms;
	int64_t last_attempt_ms;

	/* what others say */
	enum answer other_map; /* does another policy map answer for the key? */
	struct dane_verdict dane;
	bool wrapper;         /* TLS from the first byte (port 465): no cleartext there */
	bool elsewhere;       /* the server is none of this destination's */
	enum answer can_dane; /* can this Postfix do dane-only? */
	unsigned
	    dns_failures; /* answers in a row that could not tell, this one included */

	/* the past */
	enum level best_seen;  /* in 90 days; LEVEL_UNKNOWN: no session seen */
	int64_t hold_since_ms; /* since when the step is due that is held; 0: none */
	bool frozen;
	int64_t thawed_ms;      /* when the last freeze ended */
	int64_t dane_absent_ms; /* since when TLSA is proven to be gone; 0: not */
	enum level trial;       /* the entry that it climbed from less than a lease ago;
	                         * LEVEL_NONE: none */
	struct probe_evidence probe;
};

enum action {
	ACTION_KEEP,   /* as it is */
	ACTION_SET,    /* decision.entry */
	ACTION_REMOVE, /* no entry */
	ACTION_HOLD,   /* a step to decision.entry is due and not taken yet */
	ACTION_COUNT,
};

struct decision {
	enum action action;
	struct demand entry; /* of SET: the entry; of HOLD: the one that is due. Its text
	                      * is borrowed from the evidence */
	enum why why;
	int64_t look_again_ms; /* when to judge again without news; 0: only on news */
	int64_t lease_ms;      /* of SET: the new entry's lease */
	bool alert;            /* the administrator should know */
	bool retry;            /* the waiting mail has something to gain from a retry */
};

/*
 * The guards that ask nobody: 1 to 4, and of 11 that an entry below `lowest` is raised.
 * True if one of them settled it, and DNS and maps need not be asked. ladder_decide()
 * runs them as well.
 */
bool ladder_decide_early(const struct ladder_policy *policy, const struct evidence *ev,
    int64_t now_ms, struct decision *out);

struct decision ladder_decide(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms);

const char *action_name(enum action action);

#endif
