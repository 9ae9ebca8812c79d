/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/picks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/fair.h"

#define FURTHER 1024 /* that are due, behind the first ones */
#define KINDS   4    /* of what is due */

static void
add_pending(void *context, int64_t id, const char *key)
{
	fair_add(context, id, key);
}

/* Half of them are the oldest ones; the others are behind these, a piece further each
 * time. */
static bool
add_oldest(struct store *store, bool known, struct store_place *further,
    struct fair *fair, struct err *err)
{
	struct store_place at = {0};
	size_t count;

	if (!store_each_pending(
	        store, known, &at, FAIR_MAX / 2, add_pending, fair, &count, err))
		return false;
	if (count < FAIR_MAX / 2)
		return true;
	if (further->time_ms < at.time_ms ||
	    (further->time_ms == at.time_ms && further->id < at.id))
		*further = at;
	if (!store_each_pending(
	        store, known, further, FAIR_MAX / 2, add_pending, fair, &count, err))
		return false;
	if (count < FAIR_MAX / 2)
		*further = (struct store_place){0};
	return true;
}

bool
picks_pending(struct picks *picks, struct store *store, bool known, bool newest,
    size_t most, int64_t *ids, size_t *count, struct err *err)
{
	struct fair *fair = fair_new();
	bool done = newest && !known
	    ? store_each_pending_newest(store, FAIR_MAX, add_pending, fair, err)
	    : add_oldest(store, known, &picks->pending[known], fair, err);

	*count = done ? fair_take(fair, ids, most) : 0;
	fair_free(fair);
	return done;
}

/* --- what is due ------------------------------------------------------------------- */

struct due_kinds {
	struct fair *of[2]; /* by whether DNS told of it */
	size_t count;
};

static void
add_due(void *context, int64_t id, const char *key, bool known)
{
	struct due_kinds *kinds = context;

	fair_add(kinds->of[known], id, key);
	kinds->count++;
}

/* The first ones, and some that are behind them. *more: there are others. */
static bool
add_all_due(struct store *store, bool waits, int64_t now_ms, size_t first,
    struct store_place *further, struct due_kinds *kinds, bool *more, struct err *err)
{
	struct store_place at = {0};
	size_t count;

	if (!store_each_due(
	        store, waits, now_ms, &at, first, add_due, kinds, &count, err))
		return false;
	if (count < first)
		return true;
	*more = true;
	if (further->time_ms < at.time_ms ||
	    (further->time_ms == at.time_ms && further->id < at.id))
		*further = at;
	if (!store_each_due(
	        store, waits, now_ms, further, FURTHER, add_due, kinds, &count, err))
		return false;
	if (count < FURTHER)
		*further = (struct store_place){0};
	return true;
}

/* Those of one kind that may be asked about. */
static size_t
take_kind(struct fair *fair, size_t all, size_t most, picks_may_fn *may, void *context,
    bool known, int64_t *out)
{
	int64_t *ids = mem_new(all + 1, sizeof(*ids));
	size_t count = fair_take(fair, ids, all), left = 0;

	for (size_t i = 0; i < count && left < most; i++)
		if (may(context, ids[i], known))
			out[left++] = ids[i];
	free(ids);
	return left;
}

/* Kinds follow each other so that whose mail waits and whose does not take turns. */
static void
merge(struct picks_due *out, int64_t of[KINDS][PICKS_DUE_MAX], const size_t counts[KINDS],
    unsigned first, size_t most)
{
	for (size_t i = 0; i < most; i++) {
		for (unsigned k = 0; k < KINDS; k++) {
			unsigned kind = (first + k) % KINDS;

			if (i < counts[kind] && out->count < most)
				out->ids[out->count++] = of[kind][i];
		}
	}
}

bool
picks_due(struct picks *picks, struct store *store, int64_t now_ms, size_t most,
    size_t away, picks_may_fn *may, void *context, struct picks_due *out, struct err *err)
{
	int64_t of[KINDS][PICKS_DUE_MAX];
	size_t counts[KINDS] = {0};
	struct due_kinds kinds[2] = {{.count = 0}};
	size_t first;
	bool done = true;

	*out = (struct picks_due){.count = 0};
	most = most < PICKS_DUE_MAX ? most : PICKS_DUE_MAX;
	first = most + away < FAIR_MAX - FURTHER ? most + away : FAIR_MAX - FURTHER;
	for (unsigned waits = 0; waits < 2; waits++) {
		kinds[waits].of[0] = fair_new();
		kinds[waits].of[1] = fair_new();
		done = done &&
		    add_all_due(store, waits != 0, now_ms, first, &picks->due[waits],
		        &kinds[waits], &out->more, err);
		out->found = out->found || kinds[waits].count > 0;
	}
	/* Who is first has what room there is for few. */
	for (unsigned k = 0; done && k < KINDS; k++) {
		unsigned kind = (picks->first + k) % KINDS;
		struct due_kinds *by = &kinds[kind % 2];

		counts[kind] = take_kind(by->of[kind / 2], by->count, most, may, context,
		    kind / 2 != 0, of[kind]);
	}
	merge(out, of, counts, picks->first, most);
	if (out->count > 0)
		picks->first = (picks->first + 1) % KINDS;
	for (unsigned waits = 0; waits < 2; waits++) {
		fair_free(kinds[waits].of[0]);
		fair_free(kinds[waits].of[1]);
	}
	return done;
}
