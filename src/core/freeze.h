/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guard 15: do so many destinations fail at once that the fault is ours? Pure: what was
 * counted goes in, what is the case and what to store comes out
 * (tests/cases/freeze.cases).
 */
#ifndef CORE_FREEZE_H
#define CORE_FREEZE_H

#include <stdbool.h>
#include <stdint.h>

/* The administrator's settings (tlsladder.yaml(5), ladder.freeze). */
struct freeze_limits {
	unsigned destinations;
	int64_t time_ms; /* within which they fail */
};

/* Times in ms since the epoch; 0: never. */
struct freeze_facts {
	int64_t held;        /* destinations that do worse than before, within the time */
	int64_t failed;      /* destinations that failed, within the time */
	int64_t verified_ms; /* when a session last proved that verifying works */
	int64_t frozen_ms;   /* when the condition was last true; 0: there is no freeze */
	int64_t thawed_ms;   /* when the last freeze ended */
};

enum freeze_news {
	FREEZE_NO_NEWS,
	FREEZE_BEGINS_HELD,   /* too many do worse than before */
	FREEZE_BEGINS_FAILED, /* too many failed, and no session verified */
	FREEZE_ENDS,          /* a session verified after the condition was last true */
};

struct freeze_outcome {
	enum freeze_news news;
	/* what holds for the destinations that are judged now */
	bool frozen;
	int64_t thawed_ms; /* attempts before that failed by our fault; 0: none did */
	/* what to store */
	bool store_verified;
	int64_t verified_ms; /* also where it need not be stored: what it is now */
	bool store_frozen;   /* these two, in one transaction */
	int64_t frozen_ms;
	int64_t ended_ms; /* the fact thawed_ms of next time */
};

/* now_ms: the wall clock. Facts in the future are of a clock that was set back since. */
struct freeze_outcome freeze_judge(
    const struct freeze_limits *limits, const struct freeze_facts *facts, int64_t now_ms);

#endif
