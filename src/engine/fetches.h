/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which Policy Domains are with a worker, and whether one more may be: few are asked for
 * at once, fewer of one owner, at one address and in one network, and not without end in
 * an hour. So no owner of many domains or addresses keeps those of others waiting; and
 * what a stranger can bring about never takes all that there is for policies that are in
 * force. Plain values; times are monotonic.
 */
#ifndef ENGINE_FETCHES_H
#define ENGINE_FETCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fetch.h"
#include "core/sts_state.h"

#define FETCHES_ASKS_MAX \
	4 /* questions for DNS at once: askers are there for what waits */
#define FETCHES_MAX       16 /* fetches at once */
#define FETCHES_OWNER_MAX 2  /* of them of one registered domain */
/* Of them at one address, or in one /64 of IPv6; of one registered domain half of it. */
#define FETCHES_AT_MAX 2
/* Of them in one /24, or in one /48 of IPv6. Both for those of one rank and of better
 * ones; twice as many are there in all. */
#define FETCHES_NEAR_MAX 4
#define FETCHES_HOUR_MAX 10000

/* Of so many domains it is remembered that they are not to be asked for a while. */
#define FETCHES_MARKS_MAX 256

#define FETCHES_BUSY_MAX (FETCHES_ASKS_MAX + FETCHES_MAX)

/* What depends on it. The first may take half of all there is, the first two together
 * three quarters. */
enum fetches_rank {
	FETCHES_REST,
	FETCHES_WAITED, /* mail waits, as it is not known what its owner demands */
	FETCHES_LIVE,   /* an entry rests on it */
	FETCHES_RANKS,
};

/* A question that may be asked. */
struct fetches_ask {
	const char *domain; /* Policy Domain; borrowed */
	enum sts_ask ask;   /* NOTHING needs no room */
	enum fetches_rank rank;
	bool fails; /* it did the last time */
};

struct fetches_one {
	char domain[NEXTHOP_HOST_SIZE];
	enum sts_ask ask;
	enum fetches_rank rank;
	bool fails;
	bool asks; /* DNS has not answered yet */
	int64_t since_ms;
	unsigned address_count; /* 0: it is not fetched yet */
	struct address addresses[FETCH_ADDRESSES_MAX];
};

struct fetches_marks {
	size_t count;
	struct {
		uint64_t print; /* of the domain */
		int64_t until_ms;
	} items[FETCHES_MARKS_MAX];
};

/* {0}: none. */
struct fetches {
	unsigned askers; /* threads that ask DNS, of which half are for others; 0: many */
	size_t busy_count;
	struct fetches_one busy[FETCHES_BUSY_MAX];
	int64_t hour_ms; /* when the hour began */
	unsigned hour_counts[FETCHES_RANKS];
	struct fetches_marks barred, hastened;
};

bool fetches_is_busy(const struct fetches *all, const char *domain);
/* Is any being fetched, or DNS asked for its host? */
bool fetches_are_any(const struct fetches *all);

/* Is there room for one like it, whosever it is? */
bool fetches_have_room(
    const struct fetches *all, const struct fetches_ask *ask, int64_t now_ms);
/* And for this one? */
bool fetches_may_begin(
    const struct fetches *all, const struct fetches_ask *ask, int64_t now_ms);

/* When there is room again where the hour has none for some; 0: it has for all. */
int64_t fetches_room_ms(const struct fetches *all, int64_t now_ms);

/* It may: DNS is asked for it now. */
void fetches_begin(struct fetches *all, const struct fetches_ask *ask, int64_t now_ms);

/* DNS answered. */
void fetches_asked(struct fetches *all, const char *domain);

/*
 * And its policy is to be fetched at those addresses. 0: it may be; else so many
 * milliseconds have to pass first, as others are fetched there: the more the longer these
 * take.
 */
int64_t fetches_wait_ms(struct fetches *all, const char *domain,
    const struct fetch_request *request, int64_t now_ms);

void fetches_end(struct fetches *all, const char *domain);

/* What came of it could not be stored, so that nothing else tells that it was asked: not
 * again within five minutes (RFC 8461 3.3). Of more than are remembered none is asked. */
void fetches_bar(struct fetches *all, const char *domain, int64_t now_ms);

/* Until when it is not to be asked; 0: it may be. */
int64_t fetches_barred_ms(const struct fetches *all, const char *domain, int64_t now_ms);

/* It is fetched sooner than five minutes behind the last time, for mail that waits: not
 * so again within an hour. */
void fetches_hasten(struct fetches *all, const char *domain, int64_t now_ms);
bool fetches_may_hasten(const struct fetches *all, const char *domain, int64_t now_ms);

#endif
