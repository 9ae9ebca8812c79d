/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include "base/span.h"
#include "engine/fetches.h"

#define SECOND SPAN_SECOND_MS

/* Parted by blanks. */
static struct fetch_request
at(const char *addresses)
{
	struct fetch_request request = {.address_count = 0};
	struct str rest = str_of(addresses), one;

	while (str_next(&rest, ' ', &one))
		assert_true(
		    address_parse(one, &request.addresses[request.address_count++]));
	return request;
}

/* DNS is asked for its policy host, and answers; 0: it is being fetched; -1: there is no
 * room. */
static int64_t
fetch_of(struct fetches *all, const struct fetches_ask *ask, const char *address,
    int64_t now_ms)
{
	struct fetch_request request = at(address);
	int64_t wait_ms;

	if (!fetches_may_begin(all, ask, now_ms))
		return -1;
	fetches_begin(all, ask, now_ms);
	fetches_asked(all, ask->domain);
	wait_ms = fetches_wait_ms(all, ask->domain, &request, now_ms);
	if (wait_ms > 0)
		fetches_end(all, ask->domain);
	return wait_ms;
}

static int64_t
fetch_ranked(struct fetches *all, const char *domain, enum fetches_rank rank,
    const char *address, int64_t now_ms)
{
	return fetch_of(all,
	    &(struct fetches_ask){.domain = domain, .ask = STS_ASK_POLICY, .rank = rank},
	    address, now_ms);
}

static int64_t
fetch(struct fetches *all, const char *domain, const char *address, int64_t now_ms)
{
	return fetch_ranked(all, domain, FETCHES_LIVE, address, now_ms);
}

static bool
have_room(
    const struct fetches *all, enum sts_ask ask, enum fetches_rank rank, int64_t now_ms)
{
	return fetches_have_room(all,
	    &(struct fetches_ask){.domain = "x.test", .ask = ask, .rank = rank}, now_ms);
}

static void
two_at_one_address(void **state)
{
	struct fetches all = {.askers = 0};

	(void)state;
	assert_int_equal(fetch(&all, "a.test", "192.0.2.1", 0), 0);
	assert_int_equal(fetch(&all, "b.test", "192.0.2.1", 50), 0);
	assert_int_equal(fetch(&all, "c.test", "192.0.2.1", 60), SECOND);
	assert_int_equal(fetch(&all, "d.test", "192.0.2.2", 60), 0);
	assert_int_equal(fetch(&all, "c.test", "192.0.2.1", 30 * SECOND), 300 * SECOND);
	assert_int_equal(fetch(&all, "c.test", "192.0.2.1", SPAN_DAY_MS), 600 * SECOND);
	fetches_end(&all, "a.test");
	assert_false(fetches_is_busy(&all, "a.test"));
	assert_int_equal(fetch(&all, "c.test", "192.0.2.1", 31 * SECOND), 0);
}

/* Strangers name the victim's address besides their own. */
static void
second_address_keeps_nobody(void **state)
{
	struct fetches all = {.askers = 0};

	(void)state;
	assert_int_equal(fetch(&all, "evil1.test", "203.0.113.7 192.0.2.1", 0), 0);
	assert_int_equal(fetch(&all, "evil2.test", "203.0.114.8 192.0.2.1", 0), 0);
	assert_int_equal(fetch(&all, "evil3.test", "203.0.115.9 192.0.2.1", 10), SECOND);
	assert_int_equal(fetch(&all, "victim.test", "192.0.2.1", 55 * SECOND), 0);
	fetches_end(&all, "evil1.test");
	assert_int_equal(fetch(&all, "evil3.test", "203.0.115.9 192.0.2.1", 56 * SECOND),
	    560 * SECOND);
	assert_int_equal(
	    fetch(&all, "six.test", "2001:db8:1::1 192.0.2.1", 57 * SECOND), 0);
	assert_int_equal(
	    fetch(&all, "other.test", "192.0.2.1", 58 * SECOND), 30 * SECOND);
}

static void
unstored_is_barred(void **state)
{
	struct fetches all = {.askers = 0};
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
	struct fetches all = {.askers = 0};

	(void)state;
	assert_int_equal(fetch(&all, "a.evil.test", "192.0.2.1", 0), 0);
	assert_int_equal(fetch(&all, "b.evil.test", "192.0.2.1", 0), SECOND);
	assert_int_equal(fetch(&all, "b.evil.test", "192.0.2.2", 0), 0);
	assert_int_equal(fetch(&all, "d.test", "192.0.2.1", 0), 0);
}

static void
two_in_one_network(void **state)
{
	struct fetches all = {.askers = 0};

	(void)state;
	assert_int_equal(fetch(&all, "a.test", "2001:db8:1:2::1", 0), 0);
	assert_int_equal(fetch(&all, "b.test", "2001:db8:1:2::2", 0), 0);
	assert_int_equal(fetch(&all, "c.test", "2001:db8:1:2:3::4", 0), SECOND);
	assert_int_equal(fetch(&all, "c.test", "2001:db8:1:3::1", 0), 0);
}

static char names[64][32]; /* of domains, of as many owners */

static const char *
name(unsigned number)
{
	snprintf(names[number], sizeof(names[number]), "d%u.test", number);
	return names[number];
}

/* So many fetches more, each of an owner and in a network of its own, as long as there is
 * room for the rank; how many. */
static unsigned
fetch_many(struct fetches *all, unsigned first, enum fetches_rank rank, int64_t now_ms)
{
	unsigned number = first;
	char address[32];

	do
		snprintf(address, sizeof(address), "192.0.%u.1", number);
	while (fetch_ranked(all, name(number), rank, address, now_ms) == 0 && ++number);
	return number - first;
}

static void
sixteen_at_once(void **state)
{
	struct fetches all = {.askers = 0};

	(void)state;
	assert_int_equal(fetch_many(&all, 0, FETCHES_LIVE, 0), FETCHES_MAX);
	assert_false(have_room(&all, STS_ASK_POLICY, FETCHES_LIVE, 0));
	assert_true(have_room(&all, STS_ASK_TXT, FETCHES_REST, 0));
	fetches_end(&all, "d7.test");
	assert_true(have_room(&all, STS_ASK_POLICY, FETCHES_LIVE, 0));
	fetches_end(&all, "d8.test");
	assert_false(fetches_is_busy(&all, "d8.test"));
	assert_true(fetches_is_busy(&all, "d9.test"));
}

/* Whoever has domains by the hundred, and mail sent to them, does not take it all. */
static void
ranks_have_their_share(void **state)
{
	struct fetches all = {.askers = 0};
	unsigned rest, waited;

	(void)state;
	rest = fetch_many(&all, 0, FETCHES_REST, 0);
	assert_int_equal(rest, FETCHES_MAX / 2);
	waited = fetch_many(&all, rest, FETCHES_WAITED, 0);
	assert_int_equal(rest + waited, FETCHES_MAX * 3 / 4);
	assert_int_equal(fetch_many(&all, rest + waited, FETCHES_LIVE, 0),
	    FETCHES_MAX - rest - waited);
	all = (struct fetches){.askers = 0};
	assert_int_equal(fetch_many(&all, 0, FETCHES_WAITED, 0), FETCHES_MAX * 3 / 4);
	assert_false(have_room(&all, STS_ASK_POLICY, FETCHES_REST, 0));
	assert_true(have_room(&all, STS_ASK_POLICY, FETCHES_LIVE, 0));
}

/* A host that hung once hangs again, for as long. */
static void
failing_have_half(void **state)
{
	struct fetches all = {.askers = 0};
	char address[32];
	unsigned count = 0;

	(void)state;
	do
		snprintf(address, sizeof(address), "192.0.%u.1", count);
	while (fetch_of(&all,
	           &(struct fetches_ask){.domain = name(count),
	               .ask = STS_ASK_POLICY,
	               .rank = FETCHES_LIVE,
	               .fails = true},
	           address, 0) == 0 &&
	    ++count);
	assert_int_equal(count, FETCHES_MAX / 2);
	assert_true(have_room(&all, STS_ASK_POLICY, FETCHES_LIVE, 0));
}

static void
two_of_an_owner(void **state)
{
	struct fetches all = {.askers = 0};

	(void)state;
	assert_int_equal(fetch(&all, "a.evil.test", "192.0.2.1", 0), 0);
	assert_int_equal(fetch(&all, "b.evil.test", "198.51.100.1", 0), 0);
	assert_int_equal(fetch(&all, "c.evil.test", "203.0.113.1", 0), -1);
	assert_int_equal(fetch(&all, "d.test", "203.0.113.1", 0), 0);
	fetches_end(&all, "a.evil.test");
	assert_int_equal(fetch(&all, "c.evil.test", "203.0.113.1", 0), 0);
}

struct near {
	const char *network; /* an address there begins so */
	const char *at[FETCHES_NEAR_MAX + 1];
	const char *other; /* an address elsewhere */
	const char *what;
};

static const struct near nears[] = {
    {"192.0.2.", {"1", "2", "3", "77", "255"}, "192.0.3.1", "four in one /24"},
    {"2001:db8:1:", {"0::1", "1::1", "2::1", "ff::1", "8000::"}, "2001:db8:2::1",
        "... or in one /48 of IPv6"},
    {"64:ff9b::192.0.2.", {"1", "2", "3", "77", "255"}, "64:ff9b::192.0.3.1",
        "... or one /24 behind NAT64"},
    {"2002:c000:02", {"01::1", "02::1", "03::1", "77::1", "ff:1::"}, "2002:c000:0301::1",
        "... or one /24 of 6to4"},
};

static void
four_in_one_network(void **state)
{
	const struct near *near = *state;
	struct fetches all = {.askers = 0};
	char address[64];

	for (unsigned i = 0; i <= FETCHES_NEAR_MAX; i++) {
		snprintf(address, sizeof(address), "%s%s", near->network, near->at[i]);
		assert_int_equal(fetch(&all, name(i), address, 20 * SECOND * (i / 4)),
		    i < FETCHES_NEAR_MAX ? 0 : 200 * SECOND);
	}
	assert_int_equal(fetch(&all, "y.test", near->other, 0), 0);
}

/* 64:ff9b::/96 is all of IPv4. */
static void
nat64_is_many_networks(void **state)
{
	struct fetches all = {.askers = 0};
	char address[64];

	(void)state;
	for (unsigned i = 0; i < FETCHES_MAX; i++) {
		snprintf(address, sizeof(address), "64:ff9b::192.0.%u.1", i);
		assert_int_equal(fetch(&all, name(i), address, 0), 0);
	}
}

/* A name with an address of somebody else's host takes nothing from what is in force
 * there. */
static void
worse_rank_hinders_no_better(void **state)
{
	struct fetches all = {.askers = 0};

	(void)state;
	assert_int_equal(fetch_ranked(&all, "a.test", FETCHES_REST, "192.0.2.1", 0), 0);
	assert_int_equal(fetch_ranked(&all, "b.test", FETCHES_REST, "192.0.2.1", 0), 0);
	assert_int_equal(
	    fetch_ranked(&all, "c.test", FETCHES_REST, "192.0.2.1", 0), SECOND);
	assert_int_equal(fetch_ranked(&all, "d.test", FETCHES_WAITED, "192.0.2.1", 0), 0);
	assert_int_equal(fetch_ranked(&all, "e.test", FETCHES_LIVE, "192.0.2.1", 0), 0);
	assert_int_equal(
	    fetch_ranked(&all, "f.test", FETCHES_LIVE, "192.0.2.1", 0), SECOND);
}

static bool
asks_txt(struct fetches *all, const char *domain, enum fetches_rank rank, bool fails)
{
	struct fetches_ask ask = {
	    .domain = domain, .ask = STS_ASK_TXT, .rank = rank, .fails = fails};

	if (!fetches_may_begin(all, &ask, 0))
		return false;
	fetches_begin(all, &ask, 0);
	return true;
}

/* Name servers that hang keep an asker for seconds. */
static void
hanging_name_servers_keep_nobody(void **state)
{
	struct fetches all = {.askers = 8};

	(void)state;
	assert_true(asks_txt(&all, "a.evil.test", FETCHES_REST, false));
	assert_false(asks_txt(&all, "b.evil.test", FETCHES_REST, false));
	assert_true(asks_txt(&all, "a.test", FETCHES_REST, false));
	assert_false(asks_txt(&all, "b.test", FETCHES_REST, false));
	assert_true(asks_txt(&all, "c.test", FETCHES_WAITED, false));
	assert_false(asks_txt(&all, "d.test", FETCHES_WAITED, false));
	assert_true(asks_txt(&all, "e.test", FETCHES_LIVE, false));
	assert_false(asks_txt(&all, "f.test", FETCHES_LIVE, false));
	fetches_end(&all, "a.test");
	assert_true(asks_txt(&all, "b.test", FETCHES_REST, false));
	all = (struct fetches){.askers = 8};
	assert_true(asks_txt(&all, "a.test", FETCHES_LIVE, true));
	assert_true(asks_txt(&all, "b.test", FETCHES_LIVE, true));
	assert_false(asks_txt(&all, "c.test", FETCHES_LIVE, true));
	assert_true(asks_txt(&all, "d.test", FETCHES_LIVE, false));
}

/* Of few threads half is for what is decided now. */
static void
few_askers(void **state)
{
	static const unsigned asks[][2] = {{1, 1}, {2, 1}, {4, 2}, {6, 3}, {64, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		struct fetches all = {.askers = asks[i][0]};
		unsigned count = 0;

		while (asks_txt(&all, name(count), FETCHES_LIVE, false))
			count++;
		assert_int_equal(count, asks[i][1]);
	}
}

/* So many of that rank in this hour; how many there was room for. */
static unsigned
spend(struct fetches *all, enum fetches_rank rank, int64_t now_ms)
{
	unsigned count = 0;

	while (fetch_ranked(all, "a.test", rank, "192.0.2.1", now_ms) == 0) {
		fetches_end(all, "a.test");
		count++;
	}
	return count;
}

static void
so_many_an_hour(void **state)
{
	struct fetches all = {.askers = 0};
	int64_t now_ms = SPAN_DAY_MS;

	(void)state;
	assert_int_equal(spend(&all, FETCHES_LIVE, SPAN_DAY_MS), FETCHES_HOUR_MAX);
	now_ms += SPAN_MINUTE_MS;
	assert_false(have_room(&all, STS_ASK_POLICY, FETCHES_LIVE, now_ms));
	assert_true(have_room(&all, STS_ASK_TXT, FETCHES_REST, now_ms));
	assert_int_equal(fetches_room_ms(&all, now_ms), SPAN_DAY_MS + SPAN_HOUR_MS);
	now_ms = SPAN_DAY_MS + SPAN_HOUR_MS;
	assert_int_equal(fetches_room_ms(&all, now_ms), 0);
	assert_int_equal(fetch(&all, "a.test", "192.0.2.1", now_ms), 0);
}

/* What nobody waits for leaves half of the hour to others. */
static void
hour_has_shares(void **state)
{
	struct fetches all = {.askers = 0};

	(void)state;
	assert_int_equal(spend(&all, FETCHES_REST, SPAN_DAY_MS), FETCHES_HOUR_MAX / 2);
	assert_int_equal(fetches_room_ms(&all, SPAN_DAY_MS), SPAN_DAY_MS + SPAN_HOUR_MS);
	assert_int_equal(spend(&all, FETCHES_WAITED, SPAN_DAY_MS), FETCHES_HOUR_MAX / 4);
	assert_int_equal(spend(&all, FETCHES_LIVE, SPAN_DAY_MS), FETCHES_HOUR_MAX / 4);
}

static void
hastened_once_an_hour(void **state)
{
	struct fetches all = {.askers = 0};

	(void)state;
	assert_true(fetches_may_hasten(&all, "a.test", SECOND));
	fetches_hasten(&all, "a.test", SECOND);
	assert_false(fetches_may_hasten(&all, "a.test", SPAN_HOUR_MS));
	assert_true(fetches_may_hasten(&all, "b.test", SPAN_HOUR_MS));
	assert_true(fetches_may_hasten(&all, "a.test", SPAN_HOUR_MS + SECOND));
	for (unsigned i = 0; i < 1000; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "d%u.test", i);
		fetches_hasten(&all, domain, SECOND);
	}
	assert_false(fetches_may_hasten(&all, "b.test", SECOND));
}

int
main(void)
{
	suite_add(two_at_one_address, NULL,
	    "two are fetched at one address, others wait the longer these take");
	suite_add(second_address_keeps_nobody, NULL,
	    "... of those that connect to it first: what others name besides is none");
	suite_add(unstored_is_barred, NULL,
	    "what could not be stored is not asked again for five minutes");
	suite_add(
	    one_of_an_owner_at_one_address, NULL, "one of each owner at one address");
	suite_add(two_in_one_network, NULL, "... or in one /64 of IPv6");
	for (size_t i = 0; i < sizeof(nears) / sizeof(nears[0]); i++)
		suite_add(four_in_one_network, &nears[i], "%s", nears[i].what);
	suite_add(nat64_is_many_networks, NULL, "the prefix of NAT64 is no network");
	suite_add(two_of_an_owner, NULL, "two of each owner, wherever they are");
	suite_add(worse_rank_hinders_no_better, NULL,
	    "what nobody waits for keeps no place from what is in force");
	suite_add(sixteen_at_once, NULL, "sixteen at once, and TXT records beside them");
	suite_add(ranks_have_their_share, NULL,
	    "half of them for what nobody waits for, a quarter kept for what is in "
	    "force");
	suite_add(failing_have_half, NULL, "... and half for those that failed");
	suite_add(hanging_name_servers_keep_nobody, NULL,
	    "name servers that hang keep a question of their owner's, and of their rank");
	suite_add(few_askers, NULL, "half of few askers is for what is decided now");
	suite_add(so_many_an_hour, NULL, "ten thousand an hour");
	suite_add(hour_has_shares, NULL, "... with shares as well");
	suite_add(hastened_once_an_hour, NULL, "one is hastened once an hour");
	return suite_run();
}
