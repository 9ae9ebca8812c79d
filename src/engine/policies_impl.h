/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the duty of MTA-STS policies, for its two files alone: duty_policies.c
 * asks and takes answers, policies_due.c says of whom.
 */
#ifndef ENGINE_POLICIES_IMPL_H
#define ENGINE_POLICIES_IMPL_H

#include "engine/engine_impl.h"
#include "engine/fetches.h"
#include "engine/turns.h"

#define POLICIES_MAIL_EVERY_MS \
	250 /* a destination that was sent mail is looked up each so often */

struct policies {
	struct duty_state base;
	bool look;
	bool is_begun;   /* what was left without a look has one */
	int64_t next_ms; /* wall: when something is to be asked; 0: never */
	int64_t mail_ms; /* monotonic: when the next that was sent mail is; 0: none was */
	int64_t mail_id; /* the last that was; 0: none */
	struct fetches all;
	struct turns *turns; /* who is due; NULL: that is to be looked for */
	int64_t turns_ms;    /* monotonic: when it is again, where more are due */
	int64_t further;     /* so many that are due are skipped then, behind the first
	                      * ones */
	struct backoff fetching; /* from what fails by our own fault */
	int64_t told_ms;         /* monotonic: when that was alerted; 0: it was not */
	struct backoff storing;  /* from policies that cannot be stored */
	int64_t again_ms; /* monotonic: when what waits for that may be asked; 0: nothing
	                     does */
	int64_t large_octets; /* of entries over STS_ENTRY_SMALL, and of those made since
	                       * they were counted: */
	int64_t large_ms;     /* monotonic; 0: they were not */
	int64_t mx_octets;    /* the same of names over STS_MX_SMALL */
	int64_t mx_ms;
	int64_t full_ms; /* monotonic: when it was alerted that there is no room; 0: it
	                  * was not */
	bool wrote;      /* something, in this turn */
	int stop_fd;     /* ends the fetchers; 0: there were none yet */
};

/* --- duty_policies.c --- */

/* It may (fetches_may_begin()): DNS is asked, and then, for a policy, its host.
 * destination: that was sent mail; 0: the domain is known already. */
void policies_begin(struct engine *e, struct policies *p, const struct fetches_ask *ask,
    int64_t destination, const struct sts_asked *asked, const struct moment *now);

/* --- policies_due.c --- */

/* All that may be asked now is, and what is only to be settled is settled. */
bool policies_begin_due(
    struct engine *e, struct policies *p, const struct moment *now, struct err *err);

/* Is there room for a question about one that was sent mail? */
bool policies_have_mail_room(const struct policies *p, const struct moment *now);

/* The next one that was sent mail. */
bool policies_look_at_mail(
    struct engine *e, struct policies *p, const struct moment *now, struct err *err);

#endif
