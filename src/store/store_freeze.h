/* SPDX-License-Identifier: BSD-2-Clause */
/* What the database counts of parent domains for a freeze. */
#ifndef STORE_STORE_FREEZE_H
#define STORE_STORE_FREEZE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/freeze.h"
#include "store/store.h"

/*
 * What guard 15 counts (core/freeze.h), into held, failed, last and last_failed: parent
 * domains that failed since since_ms, up to most of them, and those that did better last.
 * What is after soon_ms is of a clock that was ahead. level: what is asked for by
 * default, which says what it is to do better.
 */
struct freeze_span {
	int64_t since_ms;
	int64_t last_since_ms; /* the same for those that did better last */
	int64_t soon_ms;
	int64_t verified_ms; /* failures before do not count */
	int64_t most;
	enum level level;
};

/*
 * Since when servers of so many parent domains did what level asks for, and none of these
 * failed since; 0: there are not as many. Nothing after soon_ms counts.
 */
bool store_proven_by(struct store *store, unsigned parents, enum level level,
    int64_t soon_ms, int64_t *at_ms, struct err *err);

/* A host of each of those that did better last, FREEZE_LAST at most, as it is counted. It
 * must not use this again. */
bool store_each_last(struct store *store, enum level level, int64_t soon_ms, host_fn *fn,
    void *context, struct err *err);

bool store_freeze_counts(struct store *store, const struct freeze_span *span,
    struct freeze_facts *facts, struct err *err);

#endif
