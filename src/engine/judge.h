/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One destination judged: core/destination says what is known of it and carries out what
 * is decided, the ladder decides; here the rules, the settings and the store come in. No
 * I/O but the store's.
 */
#ifndef ENGINE_JUDGE_H
#define ENGINE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/config.h"
#include "core/destination.h"
#include "core/ladder.h"
#include "core/rules.h"
#include "measure/measure.h"
#include "postfix/postfix.h"
#include "store/store.h"

/* Everything is re-checked by then: the longest lease. */
#define JUDGE_LOOK_MAX_MS LADDER_LEASE_MAX_MS

/* A key like ".example.org" that is pinned: Postfix asks for it where a domain below has
 * no entry of its own. */
struct judge_parent {
	char *key;
	enum level level;
};

/* What is the same for all destinations of a moment. Borrowed. */
struct judge {
	const struct config *config;
	const struct rules *rules;
	struct rules_matcher *matcher;
	enum level default_level;
	const struct postfix_settings *settings; /* for how long mail waits; or NULL */
	const struct service_level *services;    /* those with a level of their own */
	size_t service_count;
	bool no_authorities; /* Postfix has no CA: nothing verifies */
	enum answer can_dane;
	bool frozen;
	int64_t thawed_ms;  /* when the last freeze ended; 0: never */
	int64_t worked_ms;  /* when the log last proved that the default level works; 0:
	                       never */
	int64_t proof_ms;   /* when something last proved that verifying works here, by
	                     * which a past is counted back; 0: never */
	enum answer prober; /* are the servers asked, before a step and at a re-check? NO:
	                     * nobody can, or must not; the reason of a deferral decides
	                     */
	const struct judge_parent *parents;
	size_t parent_count;
	bool asks_queue; /* a step down needs the queue as a witness; false: there is
	                  * none to ask, as for the log of another machine */
	bool reads_on;   /* lines follow; false: what is there has to decide */
};

/* The settings as destinations want them. */
struct destination_spans judge_spans(const struct judge *judge);

/* What is known before any witness was asked. */
struct witnesses judge_no_witnesses(const struct judge *judge);

/* The rule that recognises the alarm of d as a line of the log; "": none does. What it
 * demands of DNS is left out. */
const char *judge_alarm_rule(const struct judge *judge, const struct destination *d);

/*
 * The evidence on destination. answers NULL: nobody was asked yet, and the ladder says
 * so where that is needed.
 */
struct evidence judge_evidence(const struct judge *judge, const struct destination *d,
    const struct answers *answers, int64_t now_ms);

/*
 * Do the answers of before still serve, so that nothing need be asked anew? Each source
 * that would be asked says how long its own do (measure_serves()). The end of a lease is
 * a search for news. Then answers is filled in with them.
 */
bool judge_remembers(const struct judge *judge, const struct measure_settings *settings,
    const struct destination *d, int64_t now_ms, struct answers *answers);

/*
 * Judge and write the outcome into *d, not yet into the store, and into *out, which ends
 * with judged_clear(). False: more has to be asked first, out->decision.wants; there is
 * nothing else in *out then, and *d is untouched.
 */
bool judge_destination(const struct judge *judge, struct destination *d,
    const struct answers *answers, int64_t now_ms, struct judged *out);

/*
 * Put a judged destination into the store: its row, its decision, the map's version,
 * its waiting mail. Inside the caller's transaction.
 */
bool judge_store(struct store *store, struct destination *d, const struct judged *judged,
    int64_t now_ms, struct err *err);

#endif
