/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of the ladder, for the files ladder*.c alone. */
#ifndef CORE_LADDER_IMPL_H
#define CORE_LADDER_IMPL_H

#include "base/span.h"
#include "core/ladder.h"

#define FREEZE_LOOK_MS    (5 * SPAN_MINUTE_MS)
#define BACK_OFF_FIRST_MS (30 * SPAN_SECOND_MS)
#define BACK_OFF_MAX_MS   SPAN_HOUR_MS

/* --- ladder.c: how a decision is put together -------------------------------------- */

/* The level in force: the entry's or the default. */
enum level ladder_present(const struct evidence *ev);

/* What a level comes to for this destination: `dane` depends on its records (RFC
 * 7672 2.2). */
enum level ladder_effective(const struct evidence *ev, enum level level);

/* The entry for a level of the ladder: may is the lowest rung. */
struct demand ladder_entry(const struct evidence *ev, enum level level);

/* Guard 16: does the default, which has no attributes, do the same? */
bool ladder_is_default(const struct evidence *ev, struct demand entry);

/* Guard 11: is a password sent there? Where that could not be told, a server that offers
 * no AUTH is sent none. */
enum answer ladder_logs_in(const struct evidence *ev, const struct measured *measured);

struct decision ladder_wants(unsigned wants);
struct decision ladder_keep(enum why why, int64_t look_again_ms);
struct decision ladder_keep_and_alert(enum why why, int64_t look_again_ms);
/* Guard 2: what was measured is our fault. What may be over the next moment is asked
 * again soon, and told where it lasts. */
struct decision ladder_our_fault(const struct evidence *ev, int64_t now_ms);
struct decision ladder_hold(
    const struct evidence *ev, enum level level, enum why why, int64_t look_again_ms);
struct decision ladder_set(
    struct demand entry, enum why why, int64_t lease_ms, int64_t now_ms);
/* The entry is weaker than is allowed now: no weaker than the floor, and no stronger than
 * the default. */
struct decision ladder_raise_entry(const struct ladder_policy *policy,
    const struct evidence *ev, enum level floor, enum why why, int64_t now_ms);
/* No entry of ours; without one there is nothing to do. */
struct decision ladder_without_entry(const struct evidence *ev, enum why why);

/* As long again as it took since since_ms (0: it begins now), within these bounds. */
int64_t ladder_patience(
    int64_t since_ms, int64_t now_ms, int64_t least_ms, int64_t most_ms);
/* 30 s, 1 min, 2 min ... most_ms */
int64_t ladder_back_off(unsigned failures, int64_t now_ms, int64_t most_ms);
/* So far apart; or where nothing was sent there for a week, nor since the end of the
 * lease, as long as nothing was, since that would have it looked at. */
int64_t ladder_most(const struct evidence *ev, int64_t now_ms, int64_t most_ms);
/* Twice the lease, within its bounds. */
int64_t ladder_doubled(const struct ladder_policy *policy, int64_t lease_ms);

/* Is dane-only in force, and the absence of TLSA records not proven for long enough to
 * end it? By an entry; by the default only where DANE was seen to work. */
bool ladder_keeps_dane(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms);
/* Is the entry weaker than the default? */
bool ladder_is_weakened(const struct evidence *ev);
/* By the guards alone, whoever looks for what. */
struct decision ladder_decide_any(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms);

/* --- ladder_floor.c: what the settings forbid --------------------------------------- */

/* The least that a decision may leave this destination with, as a promise of TLS, and the
 * word for it: no step goes below, and an entry that is below goes. */
enum level ladder_floor(
    const struct ladder_policy *policy, const struct evidence *ev, enum why *why);

/* --- ladder_dane.c: guard 7 ----------------------------------------------------------
 */

/* There are secure usable TLSA records. */
struct decision ladder_decide_usable(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms);
/* Our dane-only entry, and no usable TLSA any more: only lasting proof ends it. */
struct decision ladder_decide_withdrawn(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms);

/* --- ladder_early.c: guards 1 to 4 -------------------------------------------------- */

/* True: one of them settled it. */
bool ladder_early(const struct ladder_policy *policy, const struct evidence *ev,
    int64_t now_ms, struct decision *out);

/* --- ladder_step.c: guards 11 to 16, a step down ----------------------------------- */

/* Guard 12: did the queue settle it? Only once it was asked. */
bool ladder_queue_settles(
    const struct evidence *ev, int64_t now_ms, struct decision *out);

/*
 * Whoever can only write a line moves nothing, neither hold nor attempts: before its
 * reason settles anything it is asked whether the message is there. True: it is to be
 * asked, or that settled it.
 */
bool ladder_must_ask_queue(
    const struct evidence *ev, int64_t now_ms, struct decision *out);

/* Guard 10: there may be an enforced policy that could not be had. True: the weakening to
 * that level waits, or is held. */
bool ladder_is_policy_unsure(const struct ladder_policy *policy,
    const struct evidence *ev, enum level level, int64_t now_ms, struct decision *out);

struct decision ladder_step(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms);

/* --- ladder_pin.c: the end of a pin ------------------------------------------------- */

/* Is there an entry that a pin left which is over? */
bool ladder_is_left_by_pin(const struct evidence *ev);
/* decision.pin_stays: the end is put off until more is known. */
struct decision ladder_end_pin(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms);

/* --- ladder_up.c: the end of a lease, news of something better --------------------- */

struct decision ladder_up(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms);

/* Guard 2: does Postfix's resolver not see the TLSA records that ours does? */
bool ladder_is_blind(const struct evidence *ev, int64_t now_ms);

/* --- ladder_sts.c: the entry that an enforced policy asks for ---------------------- */

/* Is there one that has an entry, and is it not in place? */
bool ladder_misses_policy(const struct evidence *ev);
/* Where nothing that stands above it settles the matter: is that entry to be made? */
bool ladder_lacks_policy(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms);
/* Is its entry there, and there is nothing to be enforced any more, or no way to? */
bool ladder_outlives_policy(const struct evidence *ev);
/* ... which then goes, whatever else could not be told. */
struct decision ladder_end_policy(const struct evidence *ev);
/* Its entry is there; may there be the policy that it was made by, which nobody here ever
 * had? */
bool ladder_lost_policy(const struct evidence *ev);
/* Its entry is there, and no policy is known that is to be enforced. */
struct decision ladder_without_policy(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms);
struct decision ladder_lift_to_policy(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms);
/* A destination that lacks it is looked at again within a day. */
void ladder_watch_policy(
    const struct evidence *ev, int64_t now_ms, struct decision *decision);
struct decision ladder_by_policy(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms);

#endif
