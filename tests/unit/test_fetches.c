/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include "base/span.h"
#include "engine/fetches.h"

#define SECOND SPAN_SECOND_MS

static struct fetch_request
at(const char *address)
{
	struct fetch_request request = {.address_count = 1};

	assert_true(address_parse(str_of(address), &request.addresses[0]));
	return request;
}

/* DNS is asked for its policy host, and answers; 0: it is being fetched. */
static int64_t
fetch(struct fetches *all, const char *domain, const char *address, int64_t now_ms)
{
	struct fetch_request request = at(address);
	int64_t wait_ms;

	assert_true(fetches_have_room(all, STS_ASK_POLICY, now_ms));
	fetches_begin(all, domain, STS_ASK_POLICY, now_ms);
	fetches_asked(all);
	wait_ms = fetches_wait_ms(all, domain, &request, now_ms);
	if (wait_ms > 0)
		fetches_end(all, domain, STS_ASK_POLICY);
	return wait_ms;
}

static void
two_at_one_address(void **state)
{
	struct fetches all = {.asks = 0};

	(void)state;
	assert_int_equal(fetch(&all, "a.test", "192.0.2.1", 0), 0);
	assert_int_equal(fetch(&all, "b.test", "192.0.2.1", 50), 0);
	assert_int_equal(fetch(&all, "c.test", "192.0.2.1", 60), SECOND);
	assert_int_equal(fetch(&all, "d.test", "192.0.2.2", 60), 0);
	assert_int_equal(fetch(&all, "c.test", "192.0.2.1", 30 * SECOND), 300 * SECOND);
	assert_int_equal(fetch(&all, "c.test", "192.0.2.1", SPAN_DAY_MS), 600 * SECOND);
	fetches_end(&all, "a.test", STS_ASK_POLICY);
	assert_false(fetches_is_busy(&all, "a.test"));
	assert_int_equal(fetch(&all, "c.test", "192.0.2.1", 31 * SECOND), 0);
}

static void
unstored_is_barred(void **state)
{
	struct fetches all = {.asks = 0};
	char domain[32];

	(void)state;
	fetches_bar(&all, "a.test", SECOND);
	assert_int_equal(fetches_barred_ms(&all, "a.test", SECOND), 301 * SECOND);
	assert_int_equal(fetches_barred_ms(&all, "b.test", SECOND), 0);
	assert_int_equal(fetches_barred_ms(&all, "a.test", 301 * SECOND), 0);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(domain, sizeof(domain), "d%u.test", i);
		fetches_bar(&all, domain, 400 * SECOND);
	}
	assert_int_equal(fetches_barred_ms(&all, "b.test", 400 * SECOND), 700 * SECOND);
	assert_int_equal(fetches_barred_ms(&all, "b.test", 700 * SECOND), 0);
}

/* Names below a domain cost its owner nothing. */
static void
one_of_an_owner_at_one_address(void **state)
{
	struct fetches all = {.asks = 0};

	(void)state;
	assert_int_equal(fetch(&all, "a.evil.test", "192.0.2.1", 0), 0);
	assert_int_equal(fetch(&all, "b.evil.test", "192.0.2.1", 0), SECOND);
	assert_int_equal(fetch(&all, "b.evil.test", "192.0.2.2", 0), 0);
	assert_int_equal(fetch(&all, "d.test", "192.0.2.1", 0), 0);
}

static void
two_in_one_network(void **state)
{
	struct fetches all = {.asks = 0};

	(void)state;
	assert_int_equal(fetch(&all, "a.test", "2001:db8:1:2::1", 0), 0);
	assert_int_equal(fetch(&all, "b.test", "2001:db8:1:2::2", 0), 0);
	assert_int_equal(fetch(&all, "c.test", "2001:db8:1:2:3::4", 0), SECOND);
	assert_int_equal(fetch(&all, "c.test", "2001:db8:1:3::1", 0), 0);
}

static void
sixteen_at_once(void **state)
{
	struct fetches all = {.asks = 0};
	char domain[16], address[16];

	(void)state;
	for (int i = 0; i < FETCHES_MAX; i++) {
		snprintf(domain, sizeof(domain), "d%d.test", i);
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		assert_int_equal(fetch(&all, domain, address, 0), 0);
	}
	assert_false(fetches_have_room(&all, STS_ASK_POLICY, 0));
	assert_true(fetches_have_room(&all, STS_ASK_TXT, 0));
	fetches_begin(&all, "x.test", STS_ASK_TXT, 0);
	fetches_begin(&all, "y.test", STS_ASK_TXT, 0);
	assert_false(fetches_have_room(&all, STS_ASK_TXT, 0));
	fetches_asked(&all);
	fetches_end(&all, "x.test", STS_ASK_TXT);
	assert_true(fetches_have_room(&all, STS_ASK_TXT, 0));
	assert_false(fetches_have_room(&all, STS_ASK_POLICY, 0));
	fetches_end(&all, "d7.test", STS_ASK_POLICY);
	assert_true(fetches_have_room(&all, STS_ASK_POLICY, 0));
}

static void
so_many_an_hour(void **state)
{
	struct fetches all = {.asks = 0};
	int64_t now_ms = SPAN_DAY_MS;

	(void)state;
	for (int i = 0; i < FETCHES_HOUR_MAX; i++) {
		assert_int_equal(fetch(&all, "a.test", "192.0.2.1", now_ms + i), 0);
		fetches_end(&all, "a.test", STS_ASK_POLICY);
	}
	now_ms += SPAN_MINUTE_MS;
	assert_false(fetches_have_room(&all, STS_ASK_POLICY, now_ms));
	assert_true(fetches_have_room(&all, STS_ASK_TXT, now_ms));
	assert_int_equal(fetches_room_ms(&all, now_ms), SPAN_DAY_MS + SPAN_HOUR_MS);
	now_ms = SPAN_DAY_MS + SPAN_HOUR_MS;
	assert_int_equal(fetches_room_ms(&all, now_ms), 0);
	assert_int_equal(fetch(&all, "a.test", "192.0.2.1", now_ms), 0);
}

int
main(void)
{
	suite_add(two_at_one_address, NULL,
	    "two are fetched at one address, others wait the longer these take");
	suite_add(unstored_is_barred, NULL,
	    "what could not be stored is not asked again for five minutes");
	suite_add(
	    one_of_an_owner_at_one_address, NULL, "one of each owner at one address");
	suite_add(two_in_one_network, NULL, "... or in one /64 of IPv6");
	suite_add(sixteen_at_once, NULL, "sixteen at once, and TXT records beside them");
	suite_add(so_many_an_hour, NULL, "ten thousand an hour");
	return suite_run();
}
