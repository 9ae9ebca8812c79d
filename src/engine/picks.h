/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who of the store's destinations is judged next, where more wait than can be: each
 * registered domain in turn, and whose mail waits beside what else is due. However many
 * stand before somebody, whether their turn comes or not, a part of each look goes
 * further through all of them.
 */
#ifndef ENGINE_PICKS_H
#define ENGINE_PICKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

#define PICKS_DUE_MAX 64 /* of those that are due, at a time */

/* Zero it. */
struct picks {
	struct store_place
	    pending[2];            /* how far the look is; by whether DNS told of it */
	struct store_place due[2]; /* by whether its mail waits */
	unsigned first;            /* whose turn it is, of those that are due */
};

/* Ids with news, of which DNS told before (known) or not, up to most. newest: who came
 * last goes first, else last. */
bool picks_pending(struct picks *picks, struct store *store, bool known, bool newest,
    size_t most, int64_t *ids, size_t *count, struct err *err);

/* May it be asked about now? */
typedef bool picks_may_fn(void *context, int64_t id, bool known);

struct picks_due {
	int64_t ids[PICKS_DUE_MAX];
	size_t count;
	bool found; /* somebody is due, though nobody may be asked about */
	bool more;  /* than were looked through */
};

/* Ids that are due, up to most (and PICKS_DUE_MAX), of those that may be asked about: by
 * turns one whose mail waits and one whose does not, one that DNS told of and one that it
 * did not. away: how many may not, at most. */
bool picks_due(struct picks *picks, struct store *store, int64_t now_ms, size_t most,
    size_t away, picks_may_fn *may, void *context, struct picks_due *out,
    struct err *err);

#endif
