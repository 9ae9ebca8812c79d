/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Destinations that wait for witnesses of a step down, and what each witness answered so
 * far. Witnesses are asked side by side, each by a duty of its own: a destination is
 * judged once none is waited for any more (engine_judge_witnessed()). In memory, bounded;
 * after a restart they are asked again.
 */
#ifndef ENGINE_WITNESSES_H
#define ENGINE_WITNESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/answers.h"
#include "core/choice.h"
#include "core/destination.h"
#include "core/reason.h"

#define WITNESSES_MAX       4096  /* destinations; each takes 3 KB */
#define WITNESSES_SERVES_MS 60000 /* so long what was told is good for a decision */

/* What the queue showed, from when the last of the others told: servers may take minutes,
 * and the next listing of a large queue may be as far away, by when they tell no more. */
#define WITNESSES_QUEUE_MAX_MS 3600000 /* but no longer than that */

/* Which alarm a witness spoke of: what tells it from a later one. */
struct witnessed_alarm {
	int64_t time_ms;
	int64_t attempt_ms;
	int64_t last_attempt_ms;
	unsigned attempts;
	char rule[64];
	char reason[REASON_SIZE];
};

/* Its hosts, and what was measured of them so far. */
struct witnessed_servers {
	int64_t news_ms;    /* what they are asked for, as the destination has it ... */
	int64_t attempt_ms; /* ... and not in the future: an answer must be younger */
	int64_t until_ms;   /* monotonic: so long the oldest of them serves */
	bool unrun;         /* one of them could not be asked */
	bool has_past;      /* it or one of them did something before, ever */
	char text[FACT_TEXT_SIZE]; /* for people: of as many hosts as there is room for */
	uint16_t port;
	struct choice choice;
	bool heard[CHOICE_MAX];
	struct probe probes[CHOICE_MAX];
	enum level pasts[CHOICE_MAX];
};

/* A destination. */
struct witnessed {
	int64_t id;
	unsigned wants; /* enum ladder_wants: who is waited for. A witness takes its own
	                 * bit away */
	struct witnesses says;

	struct answers answers;        /* what else was measured of it before */
	int64_t answers_ms;            /* monotonic: when ... */
	char relay[NEXTHOP_HOST_SIZE]; /* ... for an alarm about that server */

	/* of the queues of several nodes: which are still to tell, bits by their places,
	 * and what the others did, of all together */
	uint64_t nodes;
	enum queue_says told;
	bool is_old; /* its alarm was when the queue was asked for */

	/* of the queue: the alarm that a listing is about, from when it begins */
	struct witnessed_alarm alarm;
	int64_t queue_ms; /* monotonic: when it answered; 0: it did not */
	int64_t told_ms;  /* monotonic: when the last of whichever witnesses did */

	/* of a canary: the first attempt that failed, as the destination has it, and not
	 * in the future: what it says must be younger */
	int64_t canary_news_ms;
	int64_t canary_ms;

	struct witnessed_servers *servers; /* owned; NULL: they were not asked */

	size_t at; /* the table's own */
	struct witnessed *chain;
};

struct witnessed_table; /* opaque */

struct witnessed_table *witnesses_new(void);
void witnesses_free(struct witnessed_table *table);

size_t witnesses_count(const struct witnessed_table *table);
/* How many wait for a listing of the node at that place. */
size_t witnesses_of_node(const struct witnessed_table *table, unsigned at);
/* Have all of these an alarm that is old? */
bool witnesses_are_old(const struct witnessed_table *table, unsigned at);
/* How many wait for one of these. */
size_t witnesses_waiting(const struct witnessed_table *table, enum ladder_wants whom);

/* The one at a place below the count, in no order. */
struct witnessed *witnesses_at(const struct witnessed_table *table, size_t at);
/* NULL: there is none. Valid until it is dropped. */
struct witnessed *witnesses_find(const struct witnessed_table *table, int64_t id);
/* The same, new perhaps, and then all zero but its id. Of a full table the one goes for
 * it that waits for nobody, and was told the longest time ago. NULL: all wait. */
struct witnessed *witnesses_get(struct witnessed_table *table, int64_t id);
/* It may be missing. */
void witnesses_drop(struct witnessed_table *table, int64_t id);
/* All that wait for nobody, and got no answer at or after mono_ms. */
void witnesses_drop_old(struct witnessed_table *table, int64_t mono_ms);

/* One of those that it waits for has answered, at mono_ms. */
void witnessed_told(struct witnessed *witnessed, enum ladder_wants who, int64_t mono_ms);

/*
 * The queue of a node says that, of the messages that it has for the destination. True:
 * it is settled, and *says is what all of them say. What one SHOWS no other can take
 * back; else it is gone only where all say so.
 */
bool witnessed_node_told(struct witnessed *witnessed, unsigned at, enum queue_says *says);

/* What the queue showed is about the alarm that d has now. */
void witnessed_note_alarm(struct witnessed *witnessed, const struct destination *d);

/*
 * Does what the queue showed serve for the alarm that d has now? A message that it showed
 * does for all alarms of the same rule; that there is none, for that alarm alone: a later
 * one may be of a message that came since.
 */
bool witnessed_queue_serves(
    const struct witnessed *witnessed, const struct destination *d, int64_t mono_ms);

#endif
