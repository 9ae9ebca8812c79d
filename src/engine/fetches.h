/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which Policy Domains are with a worker, and whether one more may be: few are asked for
 * at once, fewer at one address, and not without end in an hour. So no owner of many
 * domains keeps those of others waiting. Plain values; times are monotonic.
 */
#ifndef ENGINE_FETCHES_H
#define ENGINE_FETCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fetch.h"
#include "core/sts_state.h"

#define FETCHES_ASKS_MAX \
	2              /* questions for DNS at once: askers are there for what waits */
#define FETCHES_MAX 16 /* fetches at once */
/* Of them at one address, or in one /64 of IPv6; of one registered domain half of it. */
#define FETCHES_AT_MAX   2
#define FETCHES_HOUR_MAX 10000

/* What came of so many domains, and could not be stored, is remembered. */
#define FETCHES_BARRED_MAX 256

#define FETCHES_BUSY_MAX (FETCHES_ASKS_MAX + FETCHES_MAX)

struct fetches_one {
	char domain[NEXTHOP_HOST_SIZE];
	int64_t since_ms;
	unsigned address_count; /* 0: it is not fetched yet */
	struct address addresses[FETCH_ADDRESSES_MAX];
};

struct fetches_barred {
	uint64_t print; /* of the domain */
	int64_t until_ms;
};

/* {0}: none. */
struct fetches {
	size_t asks;    /* questions that DNS is asked */
	size_t fetches; /* policies that are fetched, or whose hosts DNS is asked for */
	size_t busy_count;
	struct fetches_one busy[FETCHES_BUSY_MAX];
	int64_t hour_ms; /* when the hour began */
	unsigned hour_count;
	size_t barred_count;
	struct fetches_barred barred[FETCHES_BARRED_MAX];
};

bool fetches_is_busy(const struct fetches *all, const char *domain);
bool fetches_have_room(const struct fetches *all, enum sts_ask ask, int64_t now_ms);

/* When there is room again where the hour has none; 0: it has. */
int64_t fetches_room_ms(const struct fetches *all, int64_t now_ms);

/* There is room: DNS is asked for it now. */
void fetches_begin(
    struct fetches *all, const char *domain, enum sts_ask ask, int64_t now_ms);

/* DNS answered. */
void fetches_asked(struct fetches *all);

/*
 * And its policy is to be fetched at those addresses. 0: it may be; else so many
 * milliseconds have to pass first, as others are fetched there: the more the longer these
 * take.
 */
int64_t fetches_wait_ms(struct fetches *all, const char *domain,
    const struct fetch_request *request, int64_t now_ms);

void fetches_end(struct fetches *all, const char *domain, enum sts_ask ask);

/* What came of it could not be stored, so that nothing else tells that it was asked: not
 * again within five minutes (RFC 8461 3.3). Of more than are remembered none is asked. */
void fetches_bar(struct fetches *all, const char *domain, int64_t now_ms);

/* Until when it is not to be asked; 0: it may be. */
int64_t fetches_barred_ms(const struct fetches *all, const char *domain, int64_t now_ms);

#endif
