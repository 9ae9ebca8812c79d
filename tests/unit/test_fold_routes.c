/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose next-hop a line is of, as a look-up says, and lines that wait for one. */
#include "suite.h"

#include "foldkit.h"

struct routes {
	enum answer answer;
	const char *key;
};

static enum answer
route_all(void *context, struct str recipient, struct str domain, struct route *route)
{
	const struct routes *routes = context;

	assert_true(recipient.len > domain.len);
	if (routes->answer == ANSWER_YES) {
		snprintf(route->key, sizeof(route->key), "%s", routes->key);
		snprintf(route->transport, sizeof(route->transport), "relay");
	}
	return routes->answer;
}

static void
route_names_the_next_hop(void **state)
{
	struct routes routes = {ANSWER_YES, "[relay.test]:25"};
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	fold_set_router(fold, route_all, &routes);
	foldkit_feed(fold, DEFERRED("1", "QA", "u@a.test"), START_MS + 1000);
	foldkit_assert(fold,
	    "[relay.test]:25: not-verified*1; deferred@1 not-verified 1 attempts; "
	    "waits QA\n");
	assert_string_equal(fold_first(fold)->transport, "relay");
	routes.answer = ANSWER_NO;
	fold_clear(fold);
	foldkit_feed(fold, DEFERRED("1", "QB", "u@a.test"), START_MS + 2000);
	foldkit_assert(fold, "1 without next-hop, 0 at the limit, 0 ambiguous\n");
	fold_free(fold);
}

/* Where every domain is its own next-hop, no one is asked; a domain that is known then
 * is asked for again when that is over. */
static void
plain_fold_asks_no_router(void **state)
{
	struct routes routes = {ANSWER_YES, "[relay.test]:25"};
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	fold_set_router(fold, route_all, &routes);
	fold_set_plain(fold, true);
	foldkit_feed(fold, SENT("1", "QA", "u@a.test"), START_MS);
	foldkit_feed(fold, SENT("1", "QB", "u@A.Test"), START_MS + 1000);
	foldkit_assert(fold, "a.test: sent*2; sent@1\n");
	assert_string_equal(fold_first(fold)->transport, "smtp");
	fold_set_plain(fold, false);
	foldkit_feed(fold, SENT("1", "QC", "u@a.test"), START_MS + 2000);
	foldkit_assert(fold,
	    "a.test: sent*2; sent@1\n"
	    "[relay.test]:25: sent*1; sent@2\n");
	fold_free(fold);
}

/* A next-hop that a look-up named is not by that the way of mail to such a domain. */
static void
address_without_brackets_stays_none(void **state)
{
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	foldkit_feed(fold, POLICY("1", "192.0.2.9", "no TLSA records found"), START_MS);
	foldkit_feed(fold,
	    STATUS("1", "QA", "u@192.0.2.9", "none", "deferred", "no TLSA records found"),
	    START_MS);
	foldkit_feed(fold, SENT("1", "QB", "u@192.0.2.9"), START_MS + 1000);
	foldkit_assert(fold,
	    "192.0.2.9 named: no-tlsa*1; deferred@0 no-tlsa 1 attempts; waits QA\n");
	fold_free(fold);
}

/* Whatever stands behind the name of a known domain, it is another one, or none. */
static void
known_domain_is_the_whole_of_it(void **state)
{
	static const char line[] =
	    "smtp[1]: QB: to=<u@a.test\0\0>, relay=" MX ":25, delay=1, "
	    "delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)";
	struct logline split = {.program = STR("smtp"), .service = STR("smtp"), .pid = 1};
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	foldkit_feed(fold, SENT("1", "QA", "u@a.test"), START_MS);
	split.text = (struct str){line + 9, sizeof(line) - 10};
	fold_line(fold, &split, START_MS + 1000, NOW_MS);
	foldkit_feed(fold, SENT("1", "QC", "u@a.test."), START_MS + 2000);
	foldkit_feed(fold, SENT("1", "QD", "u@a.tes"), START_MS + 3000);
	foldkit_assert(fold, "a.test: sent*1; sent@0\na.tes: sent*1; sent@3\n");
	fold_free(fold);
}

/* ... and the service of one that a policy look-up named, if it is the same. */
static void
route_names_the_service(void **state)
{
	struct routes routes = {ANSWER_UNSURE, "a.test"};
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	fold_set_router(fold, route_all, &routes);
	foldkit_feed(fold, POLICY("1", "a.test", "no TLSA records found"), START_MS);
	foldkit_feed(fold,
	    STATUS("1", "QA", "u@a.test", "none", "deferred", "no TLSA records found"),
	    START_MS + 1000);
	assert_int_equal(fold_parked(fold), 1);
	routes.answer = ANSWER_YES;
	fold_unpark(fold);
	assert_string_equal(fold_first(fold)->key, "a.test");
	assert_string_equal(fold_first(fold)->transport, "relay");
	fold_clear(fold);
	routes.key = "b.test";
	foldkit_feed(fold,
	    STATUS("1", "QB", "u@a.test", "none", "deferred", "no TLSA records found"),
	    START_MS + 2000);
	assert_string_equal(fold_first(fold)->key, "a.test");
	assert_string_equal(fold_first(fold)->transport, "");
	fold_free(fold);
}

static void
parked_lines_are_folded_later(void **state)
{
	struct routes routes = {ANSWER_UNSURE, "a.test"};
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	fold_set_router(fold, route_all, &routes);
	foldkit_feed(fold, SESSION("1", "Verified", MX), START_MS + 1000);
	foldkit_feed(fold, SENT("1", "QA", "u@a.test"), START_MS + 2000);
	foldkit_feed(fold, SESSION("1", "Anonymous", MX), START_MS + 3000);
	foldkit_feed(fold, SENT("1", "QB", "u@a.test"), START_MS + 4000);
	assert_int_equal(fold_parked(fold), 2);
	assert_null(fold_first(fold));
	assert_int_equal(fold_counts(fold)->status_lines, 0);
	fold_unpark(fold); /* still not known */
	assert_int_equal(fold_parked(fold), 2);
	routes.answer = ANSWER_YES;
	fold_unpark(fold);
	assert_int_equal(fold_parked(fold), 0);
	assert_int_equal(fold_counts(fold)->status_lines, 2);
	foldkit_assert(fold,
	    "a.test: verified*1 sent*2 anonymous*1; sent@4; anonymous@4; "
	    "verified@2\n");
	fold_free(fold);
}

/* --- a list as next-hop ------------------------------------------------------------ */

static enum answer
route_to_a_list(
    void *context, struct str recipient, struct str domain, struct route *route)
{
	const struct route_settings settings = {
	    .relayhost = "[first.test]:2525, [last.test]:25",
	    .default_transport = "smtp",
	    .recipient_delimiter = ""};

	(void)context;
	(void)recipient;
	route_of(&settings, domain, STR(""), route);
	return ANSWER_YES;
}

static const struct {
	const char *lines[3];
	const char *expected;
} lists[] = {
    /* The second was not reached: its words are the status line's. */
    {{SESSION("1", "Untrusted", "first.test[192.0.2.1]"), "smtp[1]: QA: " NOT_VERIFIED,
         STATUS("1", "QA", "u@a.test", "none", "deferred",
             "connect to last.test[192.0.2.2]:25: Connection timed out")},
        "[first.test]:2525"},
    {{STATUS(
         "1", "QA", "u@a.test", "first.test[192.0.2.1]:2525", "deferred", NOT_VERIFIED)},
        "[first.test]:2525"},
    {{STATUS("1", "QA", "u@a.test", "first.test[192.0.2.1]:2525", "sent", "250 Ok")},
        "[first.test]:2525"},
    {{STATUS("1", "QA", "u@a.test", "last.test[192.0.2.2]:25", "deferred", NOT_VERIFIED)},
        "[last.test]:25"},
    {{STATUS(
         "1", "QA", "u@a.test", "other.test[192.0.2.2]:25", "deferred", NOT_VERIFIED)},
        "[last.test]:25"},
};

static void
each_of_a_list_is_a_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct fold *fold = fold_new(foldkit_rules);

		fold_set_router(fold, route_to_a_list, NULL);
		for (int64_t l = 0; l < 3 && lists[i].lines[l] != NULL; l++)
			foldkit_feed(fold, lists[i].lines[l], NOW_MS + l * 1000);
		assert_non_null(fold_first(fold));
		assert_string_equal(fold_first(fold)->key, lists[i].expected);
		assert_null(fold_first(fold)->next);
		fold_free(fold);
	}
}

int
main(void)
{
	int status;

	foldkit_begin();
	suite_add(
	    route_names_the_next_hop, NULL, "a route names the next-hop and its service");
	suite_add(each_of_a_list_is_a_key, NULL,
	    "of a list the one whose server failed has the deferral, the first as well");
	suite_add(plain_fold_asks_no_router, NULL,
	    "where every domain is its own next-hop no router is asked");
	suite_add(address_without_brackets_stays_none, NULL,
	    "mail to an address without brackets has no next-hop, named before or not");
	suite_add(known_domain_is_the_whole_of_it, NULL,
	    "a domain with more behind it is not the known one");
	suite_add(route_names_the_service, NULL,
	    "a next-hop that a look-up named is of its route's service");
	suite_add(parked_lines_are_folded_later, NULL,
	    "lines without a route are folded later, with the facts of their process");
	status = suite_run();
	rules_free(foldkit_rules);
	return status;
}
