/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one guard that settled a decision. The slug is the same everywhere: explain, list,
 * the map's comments, the log, the manual, the tests. All that is particular to a word is
 * in its row below: a row that leaves something out does not compile.
 */
#ifndef CORE_WHY_H
#define CORE_WHY_H

#include <stdbool.h>

#include "base/str.h"

/* Does a decision with the word alert the administrator? */
enum why_alerts {
	WHY_ALERTS_NEVER,
	WHY_ALERTS_ALWAYS,
	WHY_ALERTS_BY_RULE, /* where the rule of the deferral says `alert: true`, unless
	                     * the level rises */
	WHY_ALERTS_BY_CASE, /* the ladder decides: see BY_CASE below */
};

/* Where THE LADDER of tlsladder(8) has the word: guards are numbered as there. */
#define WHY_GUARD_NONE  0  /* not there: no guard decided this */
#define WHY_GUARD_LEASE 17 /* behind the guards, the end of a lease */

/*
 * A row is W(NAME, slug, sentence, answer, alerts, sent, guard, next):
 *
 * answer  KNOWN: the matter was decided. UNSURE: for now nothing was found out, so a hold
 *         that runs goes on
 * alerts  NEVER, ALWAYS, BY_RULE, BY_CASE, as above. A freeze is one cause, which is
 *         alerted once, by whoever notices it: a step that it holds does not alert
 * sent    what mail that flows makes of it. STAYS: it says nothing of the matter. OVER:
 *         the trouble is over, and news (an alert) should it come back; what stands then
 *         is the why of the entry, or not-needed. PINNED, DANE, POLICY: over, and it is
 *         that word
 *
 * guard   the number of the guard, or one of the two above
 *
 * next    what to type to look further: EXPLAIN of the destination, DOCTOR, RULES, STATUS
 *
 * BY_CASE means: our-fault alerts for a deferral, and not for a default level that is
 * unknown; resolvers-differ, but not where dane-only was tried again and no mail flowed;
 * dns-unsure for a resolver that cannot be trusted, for the second answer in a
 * row that could not tell, and by rule; no-mail for mail that waits, and not at a
 * re-check; contradiction for the third probe in a row; lowest for a step that is held,
 * and not for an entry that is raised; policy where it allows no MX host that is
 * there. What sets an entry alerts where that is cleartext,
 * where a host that did better was given up, and by rule.
 */
/* clang-format off */
#define WHY_WORDS(W) \
	W(NONE, "none", \
	  "nothing was decided yet", \
	  KNOWN, NEVER, STAYS, WHY_GUARD_NONE, EXPLAIN) \
	W(PINNED, "pinned", \
	  "the administrator set this level", \
	  KNOWN, NEVER, STAYS, 1, EXPLAIN) \
	W(PIN_NOT_MET, "pin-not-met", \
	  "mail fails at the level that the administrator set", \
	  KNOWN, ALWAYS, PINNED, 1, EXPLAIN) \
	W(OUR_FAULT, "our-fault", \
	  "the fault is in this Postfix, not at the destination", \
	  UNSURE, BY_CASE, OVER, 2, DOCTOR) \
	W(OUR_ENTRY, "our-entry", \
	  "Postfix refused our own entry, so it goes", \
	  KNOWN, ALWAYS, STAYS, 2, EXPLAIN) \
	W(NO_EFFECT, "no-effect", \
	  "this reason cannot come at the level in force: Postfix uses another", \
	  KNOWN, ALWAYS, OVER, 2, DOCTOR) \
	W(RESOLVERS_DIFFER, "resolvers-differ", \
	  "usable TLSA records, but Postfix does not see them: its resolver is another", \
	  KNOWN, BY_CASE, OVER, 2, DOCTOR) \
	W(NO_RULE, "no-rule", \
	  "no rule knows this reason", \
	  UNSURE, ALWAYS, OVER, 3, RULES) \
	W(RULE_WAITS, "rule-waits", \
	  "the rule for this reason says wait", \
	  UNSURE, ALWAYS, OVER, 3, EXPLAIN) \
	W(ECHO, "echo", \
	  "the attempt began before the present level was in force", \
	  UNSURE, NEVER, STAYS, 4, EXPLAIN) \
	W(OTHER_MAP, "other-map", \
	  "another map in smtp_tls_policy_maps decides here", \
	  KNOWN, NEVER, STAYS, 5, EXPLAIN) \
	W(OTHER_MAP_UNSURE, "other-map-unsure", \
	  "another map in smtp_tls_policy_maps could not be asked", \
	  UNSURE, ALWAYS, OVER, 5, DOCTOR) \
	W(DNS_UNSURE, "dns-unsure", \
	  "DNS could not tell, so nothing weaker", \
	  UNSURE, BY_CASE, OVER, 6, EXPLAIN) \
	W(NO_MAIL, "no-mail", \
	  "the domain has no server that takes mail", \
	  UNSURE, BY_CASE, OVER, 6, EXPLAIN) \
	W(ELSEWHERE, "elsewhere", \
	  "the server is none of this destination's: Postfix used another next-hop", \
	  UNSURE, ALWAYS, OVER, 6, EXPLAIN) \
	W(DANE, "dane", \
	  "usable TLSA records: DANE and nothing less", \
	  KNOWN, NEVER, STAYS, 7, EXPLAIN) \
	W(DANE_NOT_MET, "dane-not-met", \
	  "the servers do not meet their TLSA records: mail waits", \
	  KNOWN, ALWAYS, DANE, 7, EXPLAIN) \
	W(DANE_IMPOSSIBLE, "dane-impossible", \
	  "usable TLSA records, but this Postfix cannot do DANE", \
	  KNOWN, ALWAYS, OVER, 7, DOCTOR) \
	W(DANE_GOING, "dane-going", \
	  "TLSA is gone with proof, but not for long enough", \
	  KNOWN, ALWAYS, OVER, 7, EXPLAIN) \
	W(DANE_GONE, "dane-gone", \
	  "TLSA is gone with proof for long enough", \
	  KNOWN, BY_RULE, STAYS, 7, EXPLAIN) \
	W(TLSA_UNUSABLE, "tlsa-unusable", \
	  "TLSA records, none usable: TLS is mandatory, and only cleartext would help", \
	  KNOWN, ALWAYS, OVER, 8, EXPLAIN) \
	W(INSECURE_MX, "insecure-mx", \
	  "TLSA behind an unsigned MX record: TLS is mandatory, and only cleartext would help", \
	  KNOWN, ALWAYS, OVER, 9, EXPLAIN) \
	W(POLICY, "policy", \
	  "an enforced MTA-STS policy: its servers, verified, and nothing less", \
	  KNOWN, BY_CASE, STAYS, 10, EXPLAIN) \
	W(POLICY_NOT_MET, "policy-not-met", \
	  "no server meets the enforced MTA-STS policy: mail waits", \
	  KNOWN, ALWAYS, POLICY, 10, EXPLAIN) \
	W(POLICY_IMPOSSIBLE, "policy-impossible", \
	  "an enforced MTA-STS policy, which this Postfix cannot be told: nothing weaker", \
	  KNOWN, ALWAYS, OVER, 10, DOCTOR) \
	W(POLICY_UNSURE, "policy-unsure", \
	  "an MTA-STS policy may be there and could not be had, so nothing weaker yet", \
	  UNSURE, ALWAYS, OVER, 10, EXPLAIN) \
	W(POLICY_ASKED, "policy-asked", \
	  "an MTA-STS policy is announced, and is being fetched", \
	  UNSURE, NEVER, OVER, 10, EXPLAIN) \
	W(POLICY_ENDED, "policy-ended", \
	  "the MTA-STS policy enforces nothing any more", \
	  KNOWN, BY_RULE, STAYS, 10, EXPLAIN) \
	W(CREDENTIALS, "credentials", \
	  "Postfix logs in there: a password goes at the default level or not at all", \
	  KNOWN, ALWAYS, OVER, 11, EXPLAIN) \
	W(GONE, "gone", \
	  "the message is no longer in the queue: nothing waits", \
	  KNOWN, NEVER, OVER, 12, EXPLAIN) \
	W(NEWER, "newer", \
	  "the queue shows a newer attempt: its own line decides", \
	  UNSURE, BY_RULE, OVER, 12, EXPLAIN) \
	W(NO_HOST, "no-host", \
	  "the queue names no server: the line of the next attempt decides", \
	  UNSURE, NEVER, OVER, 12, EXPLAIN) \
	W(QUEUE_UNREAD, "queue-unread", \
	  "the queue could not be read, so nothing weaker", \
	  UNSURE, ALWAYS, OVER, 12, DOCTOR) \
	W(NO_ANSWER, "no-answer", \
	  "no server told what it can do, so nothing weaker yet", \
	  UNSURE, ALWAYS, OVER, 12, EXPLAIN) \
	W(AWAITED, "awaited", \
	  "a server that did better or may offer AUTH says nothing: it is waited for", \
	  UNSURE, ALWAYS, OVER, 12, EXPLAIN) \
	W(CONTRADICTION, "contradiction", \
	  "the servers meet the level at which mail fails: Postfix and we differ", \
	  KNOWN, BY_CASE, OVER, 12, EXPLAIN) \
	W(SIGNED, "signed", \
	  "a rule keeps signed domains from being weakened", \
	  KNOWN, ALWAYS, OVER, 13, EXPLAIN) \
	W(NOT_AUTHENTIC, "not-authentic", \
	  "no certificate that verifies", \
	  KNOWN, BY_CASE, STAYS, 13, EXPLAIN) \
	W(NOT_ENCRYPTED, "not-encrypted", \
	  "the server does no TLS", \
	  KNOWN, ALWAYS, STAYS, 13, EXPLAIN) \
	W(NO_DANE, "no-dane", \
	  "no TLSA records, proven", \
	  KNOWN, BY_CASE, STAYS, 13, EXPLAIN) \
	W(ONE_RUNG, "one-rung", \
	  "TLS fails at this level: one rung weaker", \
	  KNOWN, BY_CASE, STAYS, 13, EXPLAIN) \
	W(NOTHING_WEAKER, "nothing-weaker", \
	  "no weaker level would help", \
	  KNOWN, ALWAYS, OVER, 13, EXPLAIN) \
	W(LOWEST, "lowest", \
	  "weaker than ladder.lowest allows: mail waits", \
	  KNOWN, BY_CASE, OVER, 14, EXPLAIN) \
	W(MAY_AFTER, "may-after", \
	  "too early for cleartext (ladder.may_after)", \
	  KNOWN, BY_RULE, OVER, 14, EXPLAIN) \
	W(HOLD, "hold", \
	  "it did better lately (ladder.hold)", \
	  KNOWN, ALWAYS, OVER, 14, EXPLAIN) \
	W(FREEZE, "freeze", \
	  "too many fail alike: our own fault is more likely", \
	  KNOWN, BY_RULE, OVER, 15, STATUS) \
	W(NOT_NEEDED, "not-needed", \
	  "the default level does the same", \
	  KNOWN, BY_RULE, STAYS, 16, EXPLAIN) \
	W(FORECAST, "forecast", \
	  "made before another default level, which needs it, is set", \
	  KNOWN, NEVER, STAYS, WHY_GUARD_LEASE, EXPLAIN) \
	W(TAKEN_OVER, "taken-over", \
	  "taken over from the table, where the tlsladder that led before put it", \
	  KNOWN, NEVER, STAYS, WHY_GUARD_LEASE, EXPLAIN) \
	W(TRIAL, "trial", \
	  "lifted on trial: mail itself tries the stronger level", \
	  KNOWN, NEVER, STAYS, WHY_GUARD_LEASE, EXPLAIN) \
	W(TRIAL_FAILED, "trial-failed", \
	  "the trial failed: back to what worked", \
	  KNOWN, BY_CASE, STAYS, WHY_GUARD_LEASE, EXPLAIN) \
	W(PROBED, "probed", \
	  "a stronger level was probed and works", \
	  KNOWN, NEVER, STAYS, WHY_GUARD_LEASE, EXPLAIN) \
	W(STILL_NEEDED, "still-needed", \
	  "nothing stronger is known to work", \
	  KNOWN, NEVER, STAYS, WHY_GUARD_LEASE, EXPLAIN) \
	W(SILENT, "silent", \
	  "nobody tells since the end of the lease whether it is still needed", \
	  UNSURE, ALWAYS, STAYS, WHY_GUARD_LEASE, EXPLAIN) \
	W(UNDONE, "undone", \
	  "the administrator took the last decision back", \
	  KNOWN, NEVER, STAYS, WHY_GUARD_NONE, EXPLAIN)

/* clang-format on */

#define WHY_ENUM(name, slug, sentence, answer, alerts, sent, guard, next) WHY_##name,
enum why { WHY_WORDS(WHY_ENUM) WHY_COUNT };
#undef WHY_ENUM

const char *why_slug(enum why why);     /* "dns-unsure" */
const char *why_sentence(enum why why); /* "DNS could not tell, so nothing weaker" */

/* The word of a slug. False: there is none; *why is left as it was. */
bool why_parse(struct str slug, enum why *why);

/* Nothing was found out about the destination: DNS, a map or the reason did not tell. */
bool why_could_not_tell(enum why why);

enum why_alerts why_alerts(enum why why);

/* Does a step down that is due, and held with the word, alert by itself? With ALWAYS and
 * BY_CASE it does. */
bool why_alerts_held(enum why why);

/*
 * The word that stands once mail flowed: why itself where that says nothing of the
 * matter; entry_why, the word of the entry that applies, where the trouble is over and
 * has no word of its own for that.
 */
enum why why_once_sent(enum why why, enum why entry_why);

/* The command that an alert with the word ends in, "explain"; of_one: its argument is the
 * destination, else it has none. */
const char *why_next(enum why why, bool *of_one);

/* 1 to 16, WHY_GUARD_LEASE or WHY_GUARD_NONE. */
int why_guard(enum why why);

#endif
