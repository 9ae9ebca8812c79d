/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/fetches.h"

#include <assert.h>
#include <string.h>

#include "base/span.h"
#include "core/covered.h"
#include "core/host.h"

#define WAIT_MIN_MS SPAN_SECOND_MS
#define WAIT_MAX_MS (10 * SPAN_MINUTE_MS)
#define BARRED_MS   (5 * SPAN_MINUTE_MS)

static struct fetches_one *
find(struct fetches *all, const char *domain)
{
	for (size_t i = 0; i < all->busy_count; i++)
		if (strcmp(all->busy[i].domain, domain) == 0)
			return &all->busy[i];
	return NULL;
}

bool
fetches_is_busy(const struct fetches *all, const char *domain)
{
	for (size_t i = 0; i < all->busy_count; i++)
		if (strcmp(all->busy[i].domain, domain) == 0)
			return true;
	return false;
}

bool
fetches_are_any(const struct fetches *all)
{
	for (size_t i = 0; i < all->busy_count; i++)
		if (all->busy[i].ask == STS_ASK_POLICY)
			return true;
	return false;
}

/* --- room for one like it ----------------------------------------------------------- */

/* What those up to that rank may have together. */
static size_t
share(size_t most, enum fetches_rank rank)
{
	switch (rank) {
	case FETCHES_REST:
		return (most + 1) / 2;
	case FETCHES_WAITED:
		return most - most / 4;
	default:
		return most;
	}
}

static bool
has_share(const size_t counts[FETCHES_RANKS], enum fetches_rank rank, size_t most)
{
	size_t sum = 0;

	for (unsigned r = 0; r < FETCHES_RANKS; r++) {
		sum += counts[r];
		if (r >= (unsigned)rank && sum >= share(most, (enum fetches_rank)r))
			return false;
	}
	return true;
}

/* One thread is not for what nobody waits for, unless there is no other. */
static size_t
asks_max(const struct fetches *all)
{
	size_t most = all->askers / 2;

	if (all->askers == 0 || most > FETCHES_ASKS_MAX)
		return FETCHES_ASKS_MAX;
	return most > 0 ? most : 1;
}

static int64_t
hour_end_ms(const struct fetches *all, int64_t now_ms)
{
	return now_ms - all->hour_ms < SPAN_HOUR_MS ? all->hour_ms + SPAN_HOUR_MS : 0;
}

static bool
hour_has_room(const struct fetches *all, enum fetches_rank rank, int64_t now_ms)
{
	size_t counts[FETCHES_RANKS];

	for (unsigned r = 0; r < FETCHES_RANKS; r++)
		counts[r] = all->hour_counts[r];
	return hour_end_ms(all, now_ms) == 0 || has_share(counts, rank, FETCHES_HOUR_MAX);
}

int64_t
fetches_room_ms(const struct fetches *all, int64_t now_ms)
{
	return hour_has_room(all, FETCHES_REST, now_ms) ? 0 : hour_end_ms(all, now_ms);
}

/* Of those that failed the last time, and so may again for as long as they can: half. */
static bool
have_room_among(const struct fetches *all, const struct fetches_ask *ask, bool asks)
{
	size_t counts[FETCHES_RANKS] = {0}, failing = 0;
	size_t most = asks ? asks_max(all) : FETCHES_MAX;

	for (size_t i = 0; i < all->busy_count; i++) {
		const struct fetches_one *one = &all->busy[i];

		if (asks ? !one->asks : one->ask != STS_ASK_POLICY)
			continue;
		counts[one->rank]++;
		failing += one->fails;
	}
	return has_share(counts, ask->rank, most) &&
	    !(ask->fails && failing >= share(most, FETCHES_REST));
}

bool
fetches_have_room(
    const struct fetches *all, const struct fetches_ask *ask, int64_t now_ms)
{
	return ask->ask == STS_ASK_NOTHING ||
	    (have_room_among(all, ask, true) &&
	        (ask->ask != STS_ASK_POLICY ||
	            (have_room_among(all, ask, false) &&
	                hour_has_room(all, ask->rank, now_ms))));
}

/* Names below a domain cost its owner nothing. Of each owner DNS is asked for one: it
 * may be his name servers that hang. */
bool
fetches_may_begin(
    const struct fetches *all, const struct fetches_ask *ask, int64_t now_ms)
{
	struct str owner = host_parent(str_of(ask->domain));
	unsigned asks = 0, fetches = 0;

	for (size_t i = 0; i < all->busy_count; i++) {
		const struct fetches_one *one = &all->busy[i];

		if (strcmp(one->domain, ask->domain) == 0)
			return false;
		if (!str_equal_nocase(host_parent(str_of(one->domain)), owner))
			continue;
		asks += one->asks;
		fetches += one->ask == STS_ASK_POLICY;
	}
	return fetches_have_room(all, ask, now_ms) &&
	    (ask->ask == STS_ASK_NOTHING ||
	        (asks == 0 &&
	            (ask->ask != STS_ASK_POLICY || fetches < FETCHES_OWNER_MAX)));
}

void
fetches_begin(struct fetches *all, const struct fetches_ask *ask, int64_t now_ms)
{
	struct fetches_one *one = &all->busy[all->busy_count++];

	assert(all->busy_count <= FETCHES_BUSY_MAX && ask->ask != STS_ASK_NOTHING);
	*one = (struct fetches_one){.ask = ask->ask,
	    .rank = ask->rank,
	    .fails = ask->fails,
	    .asks = true,
	    .since_ms = now_ms};
	str_copy(str_of(ask->domain), one->domain, sizeof(one->domain));
}

void
fetches_asked(struct fetches *all, const char *domain)
{
	struct fetches_one *one = find(all, domain);

	if (one != NULL)
		one->asks = false;
}

/* --- room where it is --------------------------------------------------------------- */

/* The IPv4 address that is meant by one of NAT64 (RFC 6052) and of 6to4 (RFC 3056). */
static struct address
place_of(const struct address *address)
{
	static const unsigned char nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	struct address v4 = {.length = 4};

	if (address->length == 16 && memcmp(address->octets, nat64, sizeof(nat64)) == 0)
		memcpy(v4.octets, address->octets + 12, 4);
	else if (address->length == 16 && address->octets[0] == 0x20 &&
	    address->octets[1] == 0x02)
		memcpy(v4.octets, address->octets + 2, 4);
	else
		return *address;
	return v4;
}

/* It is connected to the first of each family; to others where that fails. */
static bool
is_first(const struct address *addresses, unsigned at)
{
	for (unsigned i = 0; i < at; i++)
		if (addresses[i].length == addresses[at].length)
			return false;
	return true;
}

/*
 * Places have as many of their first octets in common, of IPv4 and of IPv6. An address
 * that others name besides their own is no connection there, and keeps nobody waiting who
 * is at home there; those who name it so wait for all.
 */
static bool
share_place(const struct fetches_one *one, const struct fetch_request *request, size_t v4,
    size_t v6)
{
	for (unsigned i = 0; i < one->address_count; i++)
		for (unsigned k = 0; k < request->address_count; k++) {
			struct address a = place_of(&one->addresses[i]);
			struct address b = place_of(&request->addresses[k]);

			if ((is_first(one->addresses, i) ||
			        !is_first(request->addresses, k)) &&
			    a.length == b.length &&
			    memcmp(a.octets, b.octets, a.length == 4 ? v4 : v6) == 0)
				return true;
		}
	return false;
}

static int64_t
wait_of(int64_t age_ms)
{
	int64_t wait_ms = age_ms < WAIT_MAX_MS / 10 ? 10 * age_ms : WAIT_MAX_MS;

	return wait_ms > WAIT_MIN_MS ? wait_ms : WAIT_MIN_MS;
}

struct crowd {
	unsigned all, equals; /* equals: of that rank, or a better one */
	int64_t age_ms;
};

static void
join(struct crowd *crowd, const struct fetches_one *other, enum fetches_rank rank,
    int64_t now_ms)
{
	crowd->all++;
	crowd->equals += other->rank >= rank;
	if (now_ms - other->since_ms > crowd->age_ms)
		crowd->age_ms = now_ms - other->since_ms;
}

static bool
is_full(const struct crowd *crowd, unsigned most)
{
	return crowd->equals >= most || crowd->all >= 2 * most;
}

static void
begin_fetch(struct fetches *all, struct fetches_one *one,
    const struct fetch_request *request, int64_t now_ms)
{
	if (hour_end_ms(all, now_ms) == 0) {
		all->hour_ms = now_ms;
		memset(all->hour_counts, 0, sizeof(all->hour_counts));
	}
	all->hour_counts[one->rank]++;
	one->since_ms = now_ms;
	one->address_count = request->address_count;
	memcpy(one->addresses, request->addresses, sizeof(one->addresses));
}

/* An owner has a /64 of IPv6, and as a rule one address of IPv4; whoever rents more has
 * a /48, or some of a /24. */
int64_t
fetches_wait_ms(struct fetches *all, const char *domain,
    const struct fetch_request *request, int64_t now_ms)
{
	struct fetches_one *one = find(all, domain);
	struct str owner = host_parent(str_of(domain));
	struct crowd at = {0}, near = {0};
	unsigned same = 0;

	assert(one != NULL && one->ask == STS_ASK_POLICY);
	for (size_t i = 0; i < all->busy_count; i++) {
		const struct fetches_one *other = &all->busy[i];

		if (other == one || !share_place(other, request, 3, 6))
			continue;
		join(&near, other, one->rank, now_ms);
		if (!share_place(other, request, 4, 8))
			continue;
		join(&at, other, one->rank, now_ms);
		same += str_equal_nocase(host_parent(str_of(other->domain)), owner);
	}
	if (is_full(&at, FETCHES_AT_MAX) || same >= FETCHES_AT_MAX / 2)
		return wait_of(at.age_ms);
	if (is_full(&near, FETCHES_NEAR_MAX))
		return wait_of(near.age_ms);
	begin_fetch(all, one, request, now_ms);
	return 0;
}

void
fetches_end(struct fetches *all, const char *domain)
{
	struct fetches_one *one = find(all, domain);

	if (one != NULL)
		*one = all->busy[--all->busy_count];
}

/* --- what is remembered of others --------------------------------------------------- */

static void
mark(struct fetches_marks *marks, const char *domain, int64_t until_ms, int64_t now_ms)
{
	size_t left = 0;

	for (size_t i = 0; i < marks->count; i++)
		if (marks->items[i].until_ms > now_ms)
			marks->items[left++] = marks->items[i];
	marks->count = left;
	if (left == FETCHES_MARKS_MAX)
		return;
	marks->items[left].print = covered_hash(str_of(domain));
	marks->items[left].until_ms = until_ms;
	marks->count++;
}

/* Until when it is marked; 0: it is not. Where there may be no room for more, until there
 * is: the workers that are busy may fill it. */
static int64_t
marked_ms(const struct fetches_marks *marks, const char *domain, int64_t now_ms)
{
	uint64_t print = covered_hash(str_of(domain));
	int64_t first_ms = INT64_MAX;
	size_t live = 0;

	for (size_t i = 0; i < marks->count; i++) {
		int64_t until_ms = marks->items[i].until_ms;

		if (until_ms <= now_ms)
			continue;
		if (marks->items[i].print == print)
			return until_ms;
		live++;
		if (until_ms < first_ms)
			first_ms = until_ms;
	}
	return live + FETCHES_BUSY_MAX >= FETCHES_MARKS_MAX ? first_ms : 0;
}

void
fetches_bar(struct fetches *all, const char *domain, int64_t now_ms)
{
	mark(&all->barred, domain, now_ms + BARRED_MS, now_ms);
}

int64_t
fetches_barred_ms(const struct fetches *all, const char *domain, int64_t now_ms)
{
	return marked_ms(&all->barred, domain, now_ms);
}

void
fetches_hasten(struct fetches *all, const char *domain, int64_t now_ms)
{
	mark(&all->hastened, domain, now_ms + SPAN_HOUR_MS, now_ms);
}

bool
fetches_may_hasten(const struct fetches *all, const char *domain, int64_t now_ms)
{
	return marked_ms(&all->hastened, domain, now_ms) == 0;
}
