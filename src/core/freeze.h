/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guard 15: do so many servers fail at once that the fault is ours? Counted are the
 * parent domains of MX hosts (core/host.h): names of destinations, and of hosts, anybody
 * can make up; and a line anybody can write, so that it was a probe that found a server
 * to fail, or the queue that shows it. Pure: what was counted goes in, what is the case
 * and what to store comes out (tests/cases/freeze.cases).
 */
#ifndef CORE_FREEZE_H
#define CORE_FREEZE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "core/cause.h"
#include "core/settings.h"

/* The administrator's settings (tlsladder.yaml(5), ladder.freeze), a row each, as in
 * core/ladder.h; each time they count as they are. */
/* clang-format off */
#define FREEZE_SETTINGS(K) \
	K(number, destinations, "ladder.freeze.destinations", "20", .min = 2, .max = 100000) \
	K(span, time_ms, "ladder.freeze.time", "10m", /* within which they fail */ \
	  .min = SPAN_SECOND_MS, .max = 7 * SPAN_DAY_MS)
/* clang-format on */

struct freeze_limits {
	FREEZE_SETTINGS(SETTING_MEMBER)
};

#define FREEZE_LAST    5           /* parent domains that did better last ... */
#define FREEZE_LEAST   3           /* ... of which there must be so many, */
#define FREEZE_LAST_MS SPAN_DAY_MS /* and which failed within this time */

/* So long a canary is known to verify; no freeze is longer that nothing else keeps up. */
#define FREEZE_MOST_MS (7 * SPAN_DAY_MS)

/* Times in ms since the epoch; 0: never. Counts are of parent domains. */
struct freeze_facts {
	int64_t held; /* did better, and failed since anybody verified, within the time */
	int64_t failed; /* failed, within the time */
	unsigned last;  /* of those that did better last: FREEZE_LAST, where there are as
	                 * many */
	unsigned last_failed; /* ... failed since anybody verified */
	int64_t canary_ms;    /* when a canary last failed */
	int64_t verified_ms;  /* when something last proved that verifying works */
	int64_t probed_ms;    /* ... when a probe did, which no line can make up */
	int64_t frozen_ms; /* when the condition was last true; 0: there is no freeze */
	int64_t begun_ms;  /* when it first was */
	int64_t thawed_ms; /* when the last freeze ended */
};

enum freeze_news {
	FREEZE_NO_NEWS,
	FREEZE_BEGINS_HELD,   /* too many do worse than before */
	FREEZE_BEGINS_FAILED, /* too many failed, and no session verified */
	FREEZE_BEGINS_LAST,   /* all that did better last fail */
	FREEZE_BEGINS_CANARY, /* a canary fails */
	FREEZE_ENDS,          /* a session verified after the condition was last true */
	FREEZE_GIVEN_UP,      /* none did, and nobody is known any more who would */
};

struct freeze_outcome {
	enum freeze_news news;
	/* what holds for the destinations that are judged now */
	bool frozen;
	int64_t thawed_ms; /* attempts before that failed by our fault; 0: none did */
	/* what to store */
	bool store_verified;
	int64_t verified_ms; /* also where it need not be stored: what it is now */
	bool store_frozen;   /* these three, in one transaction */
	int64_t frozen_ms;
	int64_t begun_ms;
	int64_t ended_ms; /* the fact thawed_ms of next time */
	/* Of a freeze that ended now, at ended_ms: so long nothing could be told, which
	 * is no part of a hold; 0: none did. */
	int64_t lasted_ms;
};

/* now_ms: the wall clock. Facts in the future are of a clock that was set back since. */
struct freeze_outcome freeze_judge(
    const struct freeze_limits *limits, const struct freeze_facts *facts, int64_t now_ms);

/*
 * Of so many parent domains as failed by each cause: the one that nine of ten have, which
 * is likely to be ours. NONE: they have several, or it is not known of most. It says
 * where to look, and neither freezes nor thaws: anybody may write a line.
 */
enum cause freeze_one_cause(const unsigned counts[CAUSE_COUNT]);

/* What to look at here, where all fail by one cause. */
const char *freeze_advice(enum cause cause);

#endif
