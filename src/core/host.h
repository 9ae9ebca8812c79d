/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of an MX host, whichever destinations have it: the past that holds a step
 * down belongs to the server as well as to the destination. Pure values.
 */
#ifndef CORE_HOST_H
#define CORE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "base/str.h"
#include "core/level.h"

#define HOST_PAST_MS (90 * SPAN_DAY_MS) /* how long a better past counts */

/* When it last did something: a session in the log, or a probe. In ms since the epoch, 0:
 * never. */
struct host_past {
	int64_t encrypt_ms;
	int64_t verify_ms; /* its certificate verified, for its own name at least */
	int64_t dane_ms;   /* its certificate matched TLSA records */
	int64_t proven_ms; /* the last probe that found the certificate to verify */
	int64_t failed_ms; /* it did less than was asked of it */
};

/* It did as well as that. `dane` in force and met is dane-only. */
void host_past_seen(struct host_past *past, enum level level, int64_t at_ms);

/* Whatever is later in more. */
void host_past_add(struct host_past *past, const struct host_past *more);

/*
 * The best of 90 days before now_ms, counted back from verified_ms (when any session last
 * verified; 0: never) where that is earlier. dane: a past by TLSA records counts, as for
 * destinations with a secure MX RRset alone; else it was encrypted.
 */
enum level host_past_best(
    const struct host_past *past, bool dane, int64_t verified_ms, int64_t now_ms);

/*
 * The domain that a host's name is registered below, as far as can be told without a list
 * of all registries: its last two labels, or three where these are like co.uk. "": of a
 * literal address, which has none. Borrowed from name.
 */
struct str host_parent(struct str name);

#endif
