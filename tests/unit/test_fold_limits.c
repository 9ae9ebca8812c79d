/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fold keeps of a reason, how much it remembers, and when that was. */
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

/* --- the queue -------------------------------------------------------------------- */

/* A recipient is what Postfix has; one with > would end where it does not. */
static void
queue_is_read_as_it_is_meant(void **state)
{
	static const struct {
		const char *recipient, *reason;
		bool is_known;
	} rows[] = {
	    {"u@a.test", NOT_VERIFIED, true},
	    {"u@a.test", "delivery temporarily suspended: " NOT_VERIFIED, true},
	    {"u@a.test", "another", false},
	    {"u>@a.test", NOT_VERIFIED, false},
	    {"u@a.test>, relay=none, delay=1, dsn=4.7.5, status=deferred (x) <",
	        NOT_VERIFIED, false},
	};
	struct rules_matcher *matcher = rules_matcher_new(foldkit_rules);
	struct fold *fold = fold_new(foldkit_rules);
	struct fold_shown shown;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str recipient = str_of(rows[i].recipient),
		           reason = str_of(rows[i].reason);

		assert_int_equal(fold_recognises_queued(foldkit_rules, matcher, STR("QA"),
		                     recipient, reason),
		    rows[i].is_known);
		assert_int_equal(fold_shown(fold, STR("QA"), recipient, reason, &shown),
		    rows[i].is_known);
		if (!rows[i].is_known)
			fold_queued(fold, STR("QA"), recipient, reason, 0, NOW_MS);
	}
	assert_null(fold_first(fold));
	/* That it came in the future, or before Unix, is as if nothing was said of it. */
	fold_queued(fold, STR("QB"), STR("u@b.test"), STR(NOT_VERIFIED),
	    NOW_MS / 1000 + 9, NOW_MS);
	fold_queued(fold, STR("QC"), STR("u@c.test"), STR(NOT_VERIFIED),
	    NOW_MS / 1000 - INT64_C(3000000000), NOW_MS);
	assert_int_equal(fold_first(fold)->waiting->arrival_ms, NOW_MS);
	assert_int_equal(fold_first(fold)->next->waiting->arrival_ms, NOW_MS);
	rules_matcher_free(matcher);
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
	suite_add(queue_is_read_as_it_is_meant, NULL,
	    "what the queue says is read as it is meant");
	suite_add(queue_is_news_of_no_time, NULL,
	    "what the queue says is news of no known time");
	suite_add(queued_reason_names_its_server, NULL,
	    "what the queue says is about the server that its reason names");
	suite_add(
	    unquoted_address_writes_no_line, NULL, "an unquoted address writes no line");
	status = suite_run();
	rules_free(foldkit_rules);
	return status;
}
