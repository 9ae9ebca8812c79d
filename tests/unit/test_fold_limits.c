/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fold keeps of a reason, how much it remembers, and lines that wait. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "foldkit.h"

/* --- reasons ----------------------------------------------------------------------- */

struct reason_row {
	const char *name;
	const char *said; /* behind "refused to start TLS: " */
	const char *kept;
};

static const struct reason_row reason_rows[] = {
    {"an address in brackets", "454 <joe@a.test> no", "454 <*@a.test> no"},
    {"a bare one", "454 joe@a.test", "454 *@a.test"},
    {"one behind a colon", "454 mailto:joe@a.test", "454 mailto:*@a.test"},
    {"two of them", "454 <joe@a.test>,<jim@b.test>", "454 <*@a.test>,<*@b.test>"},
    {"a quoted local part with blanks", "454 <\"joe <m> (x)\"@a.test>", "454 <*@a.test>"},
    {"a quoted one with an escaped quote", "454 <\"jo\\\"e x\"@a.test>",
        "454 <*@a.test>"},
    {"a quote that began nowhere", "454 joe x\"@a.test", "454 joe *@a.test"},
    {"an @ at the start", "@a.test", "*@a.test"},
    {"nothing but @", "@@@", "*@*@*@"},
    {"no address", "454 TLS not available", "454 TLS not available"},
};

#define REFUSED "TLS is required, but host mx.a.test[192.0.2.1] refused to start TLS: "

static void
no_local_part_is_kept(void **state)
{
	const struct reason_row *row = *state;
	struct fold *fold = fold_new(foldkit_rules);
	char line[1024];

	snprintf(line, sizeof(line),
	    "smtp[1]: QA: to=<u@a.test>, relay=%s:25, delay=1, delays=1/0/0/0, "
	    "dsn=4.7.4, "
	    "status=deferred (" REFUSED "%s)",
	    MX, row->said);
	foldkit_feed(fold, line, START_MS);
	assert_non_null(fold_first(fold));
	snprintf(line, sizeof(line), REFUSED "%s", row->kept);
	assert_string_equal(fold_first(fold)->deferral->reason, line);
	fold_free(fold);
}

/* Wherever the reason is cut, no part of an address before the @ is left. */
static void
no_local_part_is_left_at_the_cut(void **state)
{
	(void)state;
	for (int pad = 150; pad < 200; pad++) {
		struct fold *fold = fold_new(foldkit_rules);
		char line[1024];

		snprintf(line, sizeof(line),
		    "smtp[1]: QA: to=<u@a.test>, relay=" MX
		    ":25, delay=1, delays=1/0/0/0, "
		    "dsn=4.7.4, status=deferred (" REFUSED
		    "%0*d <\"secret secret\"@a.test> "
		    "secret@a.test)",
		    pad, 0);
		foldkit_feed(fold, line, START_MS);
		assert_non_null(fold_first(fold));
		assert_null(strstr(fold_first(fold)->deferral->reason, "sec"));
		fold_free(fold);
	}
}

/* --- limits ------------------------------------------------------------------------ */

static void
session_and_mail(struct fold *fold, int pid, bool session)
{
	char line[512];

	if (session) {
		snprintf(line, sizeof(line),
		    "smtp[%d]: Verified TLS connection established to " MX
		    ":25: TLSv1.3 with",
		    pid);
	} else {
		snprintf(line, sizeof(line),
		    "smtp[%d]: Q%d: to=<u@p%d.test>, relay=" MX ":25, delay=1, "
		    "delays=1/0/0/0, dsn=2.0.0, status=sent (250 Ok)",
		    pid, pid, pid);
	}
	foldkit_feed(fold, line, START_MS);
}

/* More processes than are remembered: the latest 256 are. */
static void
forgets_the_oldest_processes(void **state)
{
	struct fold *fold = fold_new(foldkit_rules);
	int verified = 0, at = 0;

	(void)state;
	for (int pid = 1; pid <= 300; pid++)
		session_and_mail(fold, pid, true);
	for (int pid = 1; pid <= 300; pid++)
		session_and_mail(fold, pid, false);
	for (struct fold_item *i = fold_first(fold); i != NULL; i = i->next, at++) {
		verified += i->seen_ms[SESSION_VERIFIED] != 0;
		assert_int_equal(i->seen_ms[SESSION_VERIFIED] != 0, at >= 300 - 256);
	}
	assert_int_equal(verified, 256);
	fold_free(fold);
}

/* The counter that finds the oldest must not begin anew: all that came before would
 * seem to be newer for ever. */
static void
remembers_after_four_billion_sessions(void **state)
{
	struct fold *fold = fold_new(foldkit_rules);
	struct buf saved = {0};

	(void)state;
	for (int i = 0; i < 256; i++)
		buf_printf(&saved, "%d\t%lu\t0\t0\t\t\t\t\n", 5000 + i,
		    4294967290UL + (unsigned)i % 6);
	fold_load_processes(fold, (struct str){buf_text(&saved), saved.len});
	for (int pid = 1; pid <= 20; pid++)
		session_and_mail(fold, pid, true);
	for (int pid = 1; pid <= 20; pid++)
		session_and_mail(fold, pid, false);
	for (struct fold_item *i = fold_first(fold); i != NULL; i = i->next)
		assert_true(i->seen_ms[SESSION_VERIFIED] != 0);
	buf_clear(&saved);
	fold_free(fold);
}

static void
keeps_51_messages(void **state)
{
	struct fold *fold = fold_new(foldkit_rules);
	char line[512];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), DEFERRED("1", "Q%d", "u@a.test"), i);
		foldkit_feed(fold, line, START_MS);
	}
	assert_int_equal(fold_first(fold)->waiting_count, 51);
	assert_string_equal(fold_first(fold)->waiting[50].queue_id, "Q50");
	assert_int_equal(fold_first(fold)->tried.count, 100);
	fold_free(fold);
}

static void
many_destinations_are_found_again(void **state)
{
	struct fold *fold = fold_new(foldkit_rules);
	char line[512];

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 5000; i++) {
			snprintf(
			    line, sizeof(line), DEFERRED("1", "Q1", "u@d%d.test"), i);
			foldkit_feed(fold, line, START_MS);
		}
	assert_int_equal(fold_size(fold), 5000);
	for (struct fold_item *i = fold_first(fold); i != NULL; i = i->next)
		assert_int_equal(i->tried.count, 2);
	fold_free(fold);
}

static void
slow_pattern_is_counted(void **state)
{
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	foldkit_feed(fold,
	    STATUS("1", "QA", "u@a.test", "none", "deferred",
	        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab!"),
	    START_MS);
	assert_null(fold_first(fold));
	assert_true(fold_counts(fold)->limit_hits > 0);
	fold_free(fold);
}

static void
hostile_state_is_skipped(void **state)
{
	static const char saved[] = "x\n1\t2\n1\t2\t3\t4\t5\t6\t7\t8\n"
	                            "7\t1\t1\t99\tp[1]\tQ\t\t\n"
	                            "-1\t1\t1\t1\tp[1]\tQ\t\t\n"
	                            "9\t18446744073709551615\t1\t3\t" MX "\tQ9\t\t\n"
	                            "8\t1\t1\t3\t" MX "\tQ8\t\t\nno newline at its end";
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	fold_load_processes(fold, (struct str){saved, sizeof(saved) - 1});
	session_and_mail(fold, 7, false);
	session_and_mail(fold, 8, false);
	session_and_mail(fold, 9, false); /* its number leaves none for the next */
	foldkit_assert(fold,
	    "p7.test: sent*1; sent@0\n"
	    "p8.test: verified*1 sent*1; sent@0; verified@0\n"
	    "p9.test: sent*1; sent@0\n");
	fold_free(fold);
}

/* --- time -------------------------------------------------------------------------- */

static void
tallies_are_of_days(void **state)
{
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	foldkit_feed(fold, SENT("1", "QA", "u@a.test"), START_MS + SPAN_DAY_MS - 1);
	foldkit_feed(fold, SENT("1", "QB", "u@a.test"), START_MS + SPAN_DAY_MS);
	foldkit_feed(fold, SENT("1", "QC", "u@a.test"), START_MS + SPAN_DAY_MS + 1);
	foldkit_assert(fold, "a.test: sent*1 sent*2/day+1; sent@86400\n");
	fold_free(fold);
}

static void
many_days_are_kept(void **state)
{
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int day = 0; day < 10; day++)
			foldkit_feed(fold, SENT("1", "QA", "u@a.test"),
			    START_MS + day * SPAN_DAY_MS);
	assert_int_equal(fold_first(fold)->tally_count, 10);
	for (int day = 0; day < 10; day++)
		assert_int_equal(fold_first(fold)->tallies[day].count, 2);
	fold_free(fold);
}

static void
no_stamp_is_now(void **state)
{
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	foldkit_feed(fold, DEFERRED("1", "QA", "u@a.test"), 0);
	assert_int_equal(fold_first(fold)->deferral->time_ms, NOW_MS);
	fold_free(fold);
}

/* The attempt took 0.6 s to connect and 0.4 s; each may be 10 ms more. */
static void
attempt_began_before_its_line(void **state)
{
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	foldkit_feed(fold, DEFERRED("1", "QA", "u@a.test"), START_MS + 5000);
	assert_in_range(
	    fold_first(fold)->deferral->attempt_ms, START_MS + 3980, START_MS + 4000);
	assert_int_equal(
	    fold_first(fold)->tried.first_ms, fold_first(fold)->deferral->attempt_ms);
	foldkit_feed(fold, DEFERRED("1", "QB", "u@a.test"), START_MS + 9000);
	assert_in_range(
	    fold_first(fold)->tried.first_ms, START_MS + 3980, START_MS + 4000);
	assert_in_range(
	    fold_first(fold)->tried.last_ms, START_MS + 7980, START_MS + 8000);
	foldkit_feed(fold, SENT("1", "QC", "u@a.test"), START_MS + 20000);
	assert_int_equal(fold_first(fold)->tried.last_ms, 0);
	assert_in_range(
	    fold_first(fold)->sent_attempt_ms, START_MS + 18980, START_MS + 19000);
	fold_free(fold);
}

/* The clock went back an hour: what comes now is the news. */
static void
clock_that_went_back_hides_nothing(void **state)
{
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	foldkit_feed(fold, DEFERRED("1", "QA", "u@a.test"), START_MS + SPAN_HOUR_MS);
	foldkit_feed(fold,
	    STATUS("1", "QB", "u@a.test", "none", "deferred", "no TLSA records found"),
	    START_MS + 1000);
	assert_int_equal(fold_first(fold)->deferral->time_ms, START_MS + 1000);
	fold_free(fold);
}

/* --- routes, the queue ------------------------------------------------------------- */

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

static void
queue_is_news_of_no_time(void **state)
{
	struct fold *fold = fold_new(foldkit_rules);
	const struct fold_waiting *w;

	(void)state;
	fold_queued(fold, STR("QA"), STR("u@A.test"), STR(NOT_VERIFIED),
	    NOW_MS / 1000 - 90000, NOW_MS);
	fold_queued(fold, STR("QB"), STR("u@b.test"),
	    STR("delivery temporarily suspended: " NOT_VERIFIED), 0, NOW_MS);
	fold_queued(fold, STR("QC"), STR("u@c.test"), STR("host said: no"), 0, NOW_MS);
	foldkit_assert(fold,
	    "a.test: not-verified*1; deferred@3600 not-verified 1 attempts; waits QA\n"
	    "b.test: not-verified*1; deferred@3600 not-verified 1 attempts; waits QB\n");
	assert_int_equal(fold_first(fold)->deferral->attempt_ms, 0);
	assert_int_equal(fold_counts(fold)->status_lines, 0);
	w = fold_first(fold)->waiting;
	assert_int_equal(w->arrival_ms, NOW_MS / 1000 * 1000 - 90000 * 1000);
	assert_string_equal(w->domain, "a.test");
	assert_true(reason_mark_fits(&w->reason, STR(NOT_VERIFIED)));
	/* Suspended: it is known by what it was deferred for before. */
	w = fold_first(fold)->next->waiting;
	assert_int_equal(w->arrival_ms, NOW_MS);
	assert_true(reason_mark_fits(&w->reason, STR(NOT_VERIFIED)));
	fold_free(fold);
}

/* It is held against the MX hosts as that of a line. */
static void
queued_reason_names_its_server(void **state)
{
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	fold_queued(fold, STR("QA"), STR("u@a.test"),
	    STR("TLS is required, but host Mx.other.test[192.0.2.1] refused to start "
	        "TLS: "
	        "454 no"),
	    0, NOW_MS);
	fold_queued(fold, STR("QB"), STR("u@b.test"), STR(NOT_VERIFIED), 0, NOW_MS);
	assert_string_equal(fold_first(fold)->deferral->relay, "mx.other.test");
	assert_string_equal(fold_first(fold)->next->deferral->relay, "");
	fold_free(fold);
}

/* Before Postfix 3.5 an address stood in the log as its sender wrote it. */
static void
unquoted_address_writes_no_line(void **state)
{
	static const char line[] =
	    "smtp[1]: QA: to=<x@v.test>, relay=none, delay=0, delays=0/0/0/0, dsn=4.7.4, "
	    "status=deferred (" REFUSED "454 @evil.test>, relay=" MX ":25, delay=1, "
	    "delays=1/0/0/0, dsn=4.0.0, status=deferred (host said: 450 no)";
	struct fold *fold = fold_new(foldkit_rules);

	(void)state;
	fold_set_quoted(fold, ANSWER_NO);
	foldkit_feed(fold, line, START_MS);
	foldkit_assert(fold, "0 without next-hop, 0 at the limit, 1 ambiguous\n");
	fold_free(fold);
}

/* --- nodes ------------------------------------------------------------------------- */

static struct fold *
fold_of(const char *const *hosts, unsigned count)
{
	struct fold *fold = fold_new(foldkit_rules);

	fold_set_nodes(fold, hosts, count);
	return fold;
}

#define LINE_OF(host, id) \
	"Nov 24 00:00:00 " host " postfix/" DEFERRED("1", id, "u@a.test")

static void
id_is_its_hosts(void **state)
{
	static const char *const hosts[] = {"n1", "n2"};
	struct fold *fold = fold_of(hosts, 2);
	const struct fold_item *item;
	const char *host;

	(void)state;
	foldkit_feed(fold, LINE_OF("n1", "QA"), START_MS);
	foldkit_feed(fold, LINE_OF("N2", "QA"), START_MS);
	foldkit_feed(fold, LINE_OF("n3", "QA"), START_MS);
	foldkit_feed(fold, LINE_OF("n1", "QA"), START_MS);
	item = fold_first(fold);
	assert_int_equal(item->waiting_count, 2);
	assert_string_equal(item->waiting[0].queue_id, "n1/QA");
	assert_string_equal(item->waiting[1].queue_id, "n2/QA");
	assert_int_equal(fold_unfollowed(fold, &host), 1);
	assert_string_equal(host, "n3");
	assert_int_equal(fold_counts(fold)->unfollowed, 1);
	fold_free(fold);
}

static void
any_has_no_name(void **state)
{
	static const char *const hosts[] = {"n1", FOLD_NODE_ANY};
	struct fold *fold = fold_of(hosts, 2);
	const struct fold_item *item;
	const char *host;

	(void)state;
	foldkit_feed(fold, LINE_OF("whoever", "QA"), START_MS);
	foldkit_feed(fold, LINE_OF("n1", "QA"), START_MS);
	item = fold_first(fold);
	assert_int_equal(item->waiting_count, 2);
	assert_string_equal(item->waiting[0].queue_id, "QA");
	assert_string_equal(item->waiting[1].queue_id, "n1/QA");
	assert_int_equal(fold_unfollowed(fold, &host), 0);
	fold_free(fold);
}

/* Of each node those that are not kept are told by the last of them. */
static void
unkept_are_their_nodes(void **state)
{
	static const char *const hosts[] = {"n1", "n2"};
	struct fold *fold = fold_of(hosts, 2);
	const struct fold_item *item;
	char line[512];

	(void)state;
	for (unsigned i = 0; i < 3 * FOLD_WAITING_MAX; i++) {
		snprintf(line, sizeof(line),
		    "Nov 24 00:00:00 n%u postfix/smtp[1]: Q%u: to=<u@a.test>, relay=" MX
		    ":25, delay=1.1, delays=0.1/0/0.6/0.4, dsn=4.7.5, status=deferred "
		    "(" NOT_VERIFIED ")",
		    i % 2 + 1, i);
		foldkit_feed(fold, line, START_MS);
	}
	item = fold_first(fold);
	assert_int_equal(item->waiting_count, FOLD_WAITING_MAX);
	assert_int_equal(item->unkept_count, 2);
	assert_string_equal(item->unkept[0].queue_id, "n1/");
	assert_string_equal(item->unkept[1].queue_id, "n2/");
	assert_string_equal(item->unkept[1].domain, "a.test");
	fold_free(fold);
}

/* What is known of one tells nothing of the other. */
static void
settings_are_a_nodes(void **state)
{
	static const char *const hosts[] = {"n1", "n2"};
	struct fold *fold = fold_of(hosts, 2);

	(void)state;
	fold_select(fold, 1);
	fold_set_names(fold, "postfix");
	fold_set_silent(fold, true);
	fold_select(fold, 0);
	assert_false(fold_is_silent(fold));
	foldkit_feed(fold,
	    "Nov 24 00:00:00 n2 postfix/master[1]: daemon started -- version 3.7.11, "
	    "configuration /etc/postfix",
	    START_MS);
	assert_int_equal(fold_starts(fold), 1);
	fold_select(fold, 0);
	assert_int_equal(fold_starts(fold), 0);
	fold_free(fold);
}

/* --- a list as next-hop ------------------------------------------------------------ */

static enum answer
route_to_a_list(
    void *context, struct str recipient, struct str domain, struct route *route)
{
	const struct route_settings settings = {
	    "[first.test]:2525, [last.test]:25", "smtp", "", false};

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
	for (size_t i = 0; i < sizeof(reason_rows) / sizeof(reason_rows[0]); i++)
		suite_add(no_local_part_is_kept, &reason_rows[i],
		    "no local part is kept: %s", reason_rows[i].name);
	suite_add(no_local_part_is_left_at_the_cut, NULL,
	    "no local part is left where a long reason is cut");
	suite_add(forgets_the_oldest_processes, NULL,
	    "of 300 processes the latest 256 are known");
	suite_add(remembers_after_four_billion_sessions, NULL,
	    "processes are remembered after four billion sessions too");
	suite_add(
	    keeps_51_messages, NULL, "no more than 51 messages are kept a destination");
	suite_add(
	    many_destinations_are_found_again, NULL, "5000 destinations are found again");
	suite_add(slow_pattern_is_counted, NULL, "a pattern at its limit is counted");
	suite_add(
	    hostile_state_is_skipped, NULL, "damaged state of processes is skipped");
	suite_add(tallies_are_of_days, NULL, "tallies are of days, UTC");
	suite_add(many_days_are_kept, NULL, "as many days as there are, are kept");
	suite_add(no_stamp_is_now, NULL, "a line without a stamp is of now");
	suite_add(
	    attempt_began_before_its_line, NULL, "an attempt began before its line");
	suite_add(clock_that_went_back_hides_nothing, NULL,
	    "a clock that went back hides nothing");
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
	suite_add(queue_is_news_of_no_time, NULL,
	    "what the queue says is news of no known time");
	suite_add(queued_reason_names_its_server, NULL,
	    "what the queue says is about the server that its reason names");
	suite_add(
	    unquoted_address_writes_no_line, NULL, "an unquoted address writes no line");
	status = suite_run();
	rules_free(foldkit_rules);
	suite_add(id_is_its_hosts, NULL,
	    "a queue id is that of its host, and a host that is no node counts alone");
	suite_add(any_has_no_name, NULL, "any has the lines of other hosts, and no name");
	suite_add(unkept_are_their_nodes, NULL,
	    "messages that are not kept are told of each node");
	suite_add(settings_are_a_nodes, NULL, "settings, and starts, are each node's");
	return status;
}
