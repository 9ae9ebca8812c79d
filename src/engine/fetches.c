/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/fetches.h"

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

int64_t
fetches_room_ms(const struct fetches *all, int64_t now_ms)
{
	return all->hour_count >= FETCHES_HOUR_MAX && now_ms - all->hour_ms < SPAN_HOUR_MS
	    ? all->hour_ms + SPAN_HOUR_MS
	    : 0;
}

bool
fetches_have_room(const struct fetches *all, enum sts_ask ask, int64_t now_ms)
{
	if (all->busy_count == FETCHES_BUSY_MAX)
		return false;
	if (ask == STS_ASK_NOTHING)
		return true;
	return all->asks < FETCHES_ASKS_MAX &&
	    (ask != STS_ASK_POLICY ||
	        (all->fetches < FETCHES_MAX && fetches_room_ms(all, now_ms) == 0));
}

void
fetches_begin(struct fetches *all, const char *domain, enum sts_ask ask, int64_t now_ms)
{
	struct fetches_one *one = &all->busy[all->busy_count++];

	*one = (struct fetches_one){.since_ms = now_ms};
	str_copy(str_of(domain), one->domain, sizeof(one->domain));
	all->asks++;
	all->fetches += ask == STS_ASK_POLICY;
}

void
fetches_asked(struct fetches *all)
{
	all->asks--;
}

/* An owner has a /64 of IPv6, and as a rule one address of IPv4. */
static bool
is_one_place(const struct address *a, const struct address *b)
{
	return a->length == b->length &&
	    memcmp(a->octets, b->octets, a->length == 16 ? 8 : a->length) == 0;
}

static bool
share_place(const struct fetches_one *one, const struct fetch_request *request)
{
	for (unsigned i = 0; i < one->address_count; i++)
		for (unsigned k = 0; k < request->address_count; k++)
			if (is_one_place(&one->addresses[i], &request->addresses[k]))
				return true;
	return false;
}

static int64_t
wait_of(int64_t age_ms)
{
	int64_t wait_ms = age_ms < WAIT_MAX_MS / 10 ? 10 * age_ms : WAIT_MAX_MS;

	return wait_ms > WAIT_MIN_MS ? wait_ms : WAIT_MIN_MS;
}

int64_t
fetches_wait_ms(struct fetches *all, const char *domain,
    const struct fetch_request *request, int64_t now_ms)
{
	struct fetches_one *one = find(all, domain);
	struct str owner = host_parent(str_of(domain));
	int64_t age_ms = 0;
	unsigned there = 0, same = 0;

	for (size_t i = 0; i < all->busy_count; i++) {
		const struct fetches_one *other = &all->busy[i];

		if (other == one || !share_place(other, request))
			continue;
		there++;
		same += str_equal_nocase(host_parent(str_of(other->domain)), owner);
		if (now_ms - other->since_ms > age_ms)
			age_ms = now_ms - other->since_ms;
	}
	if (there >= FETCHES_AT_MAX || same >= FETCHES_AT_MAX / 2)
		return wait_of(age_ms);
	if (now_ms - all->hour_ms >= SPAN_HOUR_MS) {
		all->hour_ms = now_ms;
		all->hour_count = 0;
	}
	all->hour_count++;
	if (one != NULL) {
		one->since_ms = now_ms;
		one->address_count = request->address_count;
		memcpy(one->addresses, request->addresses, sizeof(one->addresses));
	}
	return 0;
}

void
fetches_end(struct fetches *all, const char *domain, enum sts_ask ask)
{
	struct fetches_one *one = find(all, domain);

	all->fetches -= ask == STS_ASK_POLICY;
	if (one != NULL)
		*one = all->busy[--all->busy_count];
}

static void
drop_ended(struct fetches *all, int64_t now_ms)
{
	size_t left = 0;

	for (size_t i = 0; i < all->barred_count; i++)
		if (all->barred[i].until_ms > now_ms)
			all->barred[left++] = all->barred[i];
	all->barred_count = left;
}

void
fetches_bar(struct fetches *all, const char *domain, int64_t now_ms)
{
	drop_ended(all, now_ms);
	if (all->barred_count < FETCHES_BARRED_MAX)
		all->barred[all->barred_count++] = (struct fetches_barred){
		    covered_hash(str_of(domain)), now_ms + BARRED_MS};
}

int64_t
fetches_barred_ms(const struct fetches *all, const char *domain, int64_t now_ms)
{
	uint64_t print = covered_hash(str_of(domain));
	int64_t first_ms = INT64_MAX;
	size_t live = 0;

	for (size_t i = 0; i < all->barred_count; i++) {
		const struct fetches_barred *barred = &all->barred[i];

		if (barred->until_ms <= now_ms)
			continue;
		if (barred->print == print)
			return barred->until_ms;
		live++;
		if (barred->until_ms < first_ms)
			first_ms = barred->until_ms;
	}
	/* The workers that are busy may fill it. */
	return live + FETCHES_BUSY_MAX >= FETCHES_BARRED_MAX ? first_ms : 0;
}
