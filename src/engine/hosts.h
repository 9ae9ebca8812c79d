/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MX hosts that were asked, for all destinations that have them: a table in memory,
 * bounded, and the rules of time. It asks nobody and knows no clock: times are arguments.
 */
#ifndef ENGINE_HOSTS_H
#define ENGINE_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/host.h"
#include "core/level.h"
#include "core/nexthop.h"
#include "core/server.h"

#define HOSTS_MAX       2048
#define HOSTS_SERVES_MS 300000 /* so long an answer serves */
#define HOSTS_ANEW_MS   30000 /* after its answer a host is not asked for this time ... */
#define HOSTS_ANEW_MAX \
	300000                /* ... which doubles, up to this, each time it is silent \
	                       */
#define HOSTS_QUICK_MS  3000  /* it answered so soon; not within ... */
#define HOSTS_SLOW_MS   10000 /* ... this: that is remembered for so long */
#define HOSTS_LATELY_MS 3600000
#define HOSTS_APART_MS  5000 /* whatever for: it is connected to once in this time */

/* A time by both clocks. */
struct host_time {
	int64_t wall_ms;
	int64_t mono_ms;
};

/* A question to a host. */
struct host_asked {
	bool there; /* it was asked */
	bool
	    silent; /* no answer: that serves no longer than until it may be asked anew */
	bool ours;  /* we could not ask: that it did not answer is no word of it */
	bool dane;  /* its TLSA records were part of the question */
	unsigned silences; /* in a row before this one */
	struct host_time begun;
	int64_t ended_ms; /* monotonic; only of one that was answered */
};

/* What a destination needs: an answer that was begun after attempt_ms (wall). */
struct host_need {
	int64_t attempt_ms;
	bool dane;
	int64_t serves_ms;  /* so long an answer does; 0: HOSTS_SERVES_MS */
	int64_t silence_ms; /* so long silence does, from its end on; 0: until the host
	                     * may be asked anew */
};

enum host_turn {
	HOST_SERVES,   /* its answer does */
	HOST_IS_ASKED, /* an answer is on its way */
	HOST_ASK,      /* it may be asked now */
	HOST_WAITS,    /* it may be asked later */
};

/*
 * known: the last question that was answered; asking: the one that is under way. *at_ms:
 * with HOST_WAITS, from when on it may be asked (monotonic). What an answer tells is of
 * when it was begun; how soon another one may be is counted from its end, as one that
 * takes its whole time would be old when it comes.
 */
enum host_turn host_turn(const struct host_asked *known, const struct host_asked *asking,
    const struct host_need *need, const struct host_time *now, int64_t *at_ms);

struct host {
	char name[NEXTHOP_HOST_SIZE];
	uint16_t port;
	struct host_asked known;
	struct host_asked asking;
	struct server *answer;      /* of `known`; NULL: it could not be asked */
	struct server *partial;     /* of `asking`: of the addresses that answered */
	unsigned pending;           /* addresses that did not yet */
	int64_t slow_ms;            /* monotonic: when it was slow last; 0: it was not */
	struct host *chain;         /* of one hash */
	struct host *newer, *older; /* in the order of their use */
};

struct hosts; /* opaque */

struct hosts *hosts_new(void);
void hosts_free(struct hosts *hosts);

/* The one of that name (in small letters); NULL: it is not there. */
struct host *hosts_find(struct hosts *hosts, const char *name, uint16_t port);

/* The same, which is no use of it. */
const struct host *hosts_peek(const struct hosts *hosts, const char *name, uint16_t port);

/* The one of that name (in small letters), a new one if need be, for which the one goes
 * that was not used for the longest time. NULL: all are being asked. */
struct host *hosts_get(struct hosts *hosts, const char *name, uint16_t port);

/* So many of its addresses (1 or more) are asked now. */
void host_begin(
    struct host *host, unsigned addresses, bool dane, const struct host_time *now);

/* It was begun with one, while its addresses were looked up: these are so many, 1 or
 * more. */
void host_go_on(struct host *host, unsigned addresses);

/* One of them answered, at mono_ms; server NULL: it could not be asked. True: that was
 * the last one, the answer is complete. */
bool host_answered(struct host *host, const struct server *server, int64_t mono_ms);

/* Its last answer came soon, and it was not slow lately. */
bool host_is_quick(const struct host *host, int64_t mono_ms);
/* Lately. */
bool host_is_slow(const struct host *host, int64_t mono_ms);

/*
 * What its last answer says of the host itself, whatever its destinations want: names are
 * compared by rules. wanted: the level that is asked for by default; it failed if it did
 * less, as far as it answered.
 */
struct host_past host_news(
    const struct host *host, const struct server_rules *rules, enum level wanted);

/* The same of what is wrong there, and of its certificate. */
struct host_cause host_cause_news(
    const struct host *host, const struct server_rules *rules);

#endif
