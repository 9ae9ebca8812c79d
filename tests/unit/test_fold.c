/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines in, news of destinations out. A script is a row: its lines, one a second, and
 * what the fold then holds, as text. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/span.h"
#include "core/fold.h"

#define START_MS (INT64_C(20780) * SPAN_DAY_MS) /* some midnight */
#define NOW_MS   (START_MS + SPAN_HOUR_MS)

static struct rules *rules;

static void
add_rule(const char *name, const char *reason, const char *status, enum rule_dnssec dnssec)
{
	struct rule_source source = {.name = name, .reason = reason, .status = status,
	    .dnssec = dnssec, .fallback = FALLBACK_NEXT};
	const char *key;
	struct err err;

	if (!rules_add(rules, &source, &key, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(2);
	}
}

static void
make_rules(void)
{
	rules = rules_new();
	add_rule("signed", "^Server certificate not verified$", NULL, RULE_DNSSEC_SECURE);
	add_rule("not-verified", "^Server certificate not verified$", NULL, RULE_DNSSEC_ANY);
	add_rule("refused", "^TLS is required, but host \\S+ refused to start TLS: .*$", NULL,
	    RULE_DNSSEC_ANY);
	add_rule("no-tlsa", "^no TLSA records found$", NULL, RULE_DNSSEC_ANY);
	add_rule("ours", "^client TLS configuration problem$", NULL, RULE_DNSSEC_ANY);
	add_rule("signed-only", "^TLSA records unusable$", NULL, RULE_DNSSEC_SECURE);
	add_rule("slow", "^(?:a+)+b$", NULL, RULE_DNSSEC_ANY);
}

/* --- the fold as text -------------------------------------------------------------- */

/* Seconds since the start; each line takes one. */
static long
second(int64_t time_ms)
{
	return (long)((time_ms - START_MS) / 1000);
}

static void
print_tally(struct buf *out, const struct fold_tally *t)
{
	buf_printf(out, "%s", " ");
	if (t->what < FOLD_SENT)
		buf_printf(out, "%s", session_grade_name((enum session_grade)t->what));
	else if (t->what == FOLD_SENT)
		buf_printf(out, "sent");
	else if (t->what == FOLD_BOUNCED)
		buf_printf(out, "bounced");
	else
		buf_printf(out, "%s", rules_get(rules, t->what - FOLD_RULE)->name);
	buf_printf(out, "*%lu", (unsigned long)t->count);
	if (t->day != START_MS / SPAN_DAY_MS)
		buf_printf(out, "/day+%ld", (long)(t->day - START_MS / SPAN_DAY_MS));
}

static void
print_deferral(struct buf *out, const struct fold_item *i)
{
	const struct fold_deferral *d = &i->deferral;

	buf_printf(out, "; %s@%ld %s %u attempts", d->lost ? "lost" : "deferred",
	    second(d->time_ms), rules_get(rules, d->rule)->name, i->attempts);
	if (d->suspended)
		buf_printf(out, " suspended");
	if (d->policy_refused)
		buf_printf(out, " refused");
	if (d->attempt_level != LEVEL_UNKNOWN)
		buf_printf(out, " at %s", level_name(d->attempt_level));
}

static char *
print_fold(const struct fold *fold)
{
	const struct fold_counts *c = fold_counts(fold);
	struct buf out = {0};

	for (const struct fold_item *i = fold_first(fold); i != NULL; i = i->next) {
		buf_printf(&out, "%s%s:", i->key, i->key_known ? " named" : "");
		for (size_t t = 0; t < i->tally_count; t++)
			print_tally(&out, &i->tallies[t]);
		if (i->sent_ms != 0)
			buf_printf(&out, "; sent@%ld", second(i->sent_ms));
		for (int g = 0; g < SESSION_COUNT; g++)
			if (i->seen_ms[g] != 0)
				buf_printf(&out, "; %s@%ld",
				    session_grade_name((enum session_grade)g),
				    second(i->seen_ms[g]));
		if (i->deferred)
			print_deferral(&out, i);
		for (size_t q = 0; q < i->queue_id_count; q++)
			buf_printf(&out, "%s%s", q == 0 ? "; waits " : " ", i->queue_ids[q]);
		buf_printf(&out, "\n");
	}
	if (c->no_nexthop + c->limit_hits + c->ambiguous > 0)
		buf_printf(&out, "%lu without next-hop, %lu at the limit, %lu ambiguous\n",
		    (unsigned long)c->no_nexthop, (unsigned long)c->limit_hits,
		    (unsigned long)c->ambiguous);
	return buf_take(&out);
}

/* --- scripts ----------------------------------------------------------------------- */

#define SESSION(pid, grade, host) \
	"smtp[" pid "]: " grade " TLS connection established to " host \
	":25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
#define STATUS(pid, id, to, relay, status, reason) \
	"smtp[" pid "]: " id ": to=<" to ">, relay=" relay ", delay=1.1, " \
	"delays=0.1/0/0.6/0.4, dsn=4.7.5, status=" status " (" reason ")"
#define MX           "mx.a.test[192.0.2.1]"
#define SENT(pid, id, to) STATUS(pid, id, to, MX ":25", "sent", "250 2.0.0 Ok")
#define DEFERRED(pid, id, to) STATUS(pid, id, to, MX ":25", "deferred", NOT_VERIFIED)
#define NOT_VERIFIED "Server certificate not verified"
#define POLICY(pid, nexthop, reason) \
	"smtp[" pid "]: warning: TLS policy lookup for " nexthop "/mx.example: " reason
#define ECHO(id, to) \
	"error[9]: " id ": to=<" to ">, relay=none, delay=1, delays=1/0/0/0, dsn=4.7.5, " \
	"status=deferred (delivery temporarily suspended: " NOT_VERIFIED ")"

#define LINES 8

struct script {
	const char *name;
	const char *lines[LINES]; /* behind "postfix/" */
	const char *expected;
};

static const struct script scripts[] = {
    {"a session is about the next message of its process",
	{SESSION("1", "Verified", MX), SENT("1", "QA", "u@a.test")},
	"a.test: verified*1 sent*1; sent@2; verified@2\n"},
    {"a session is about every recipient of its message",
	{SESSION("1", "Untrusted", MX), SENT("1", "QA", "u@a.test"), SENT("1", "QA", "v@a.test"),
	    SENT("1", "QA", "w@b.test")},
	"a.test: untrusted*2 sent*2; sent@3; untrusted@3\n"
	"b.test: untrusted*1 sent*1; sent@4; untrusted@4\n"},
    {"a session of another process is not",
	{SESSION("1", "Verified", MX), SENT("2", "QA", "u@a.test")}, "a.test: sent*1; sent@2\n"},
    {"sessions of two processes are kept apart",
	{SESSION("1", "Verified", MX), SESSION("2", "Anonymous", MX), SENT("1", "QA", "u@a.test"),
	    SENT("2", "QB", "u@b.test")},
	"a.test: verified*1 sent*1; sent@3; verified@3\n"
	"b.test: anonymous*1 sent*1; sent@4; anonymous@4\n"},
    {"a session with another host of the destination is not this one's",
	{SESSION("1", "Verified", "mx2.a.test[192.0.2.2]"), SENT("1", "QA", "u@a.test")},
	"a.test: sent*1; sent@2\n"},
    {"an address that begins alike is another",
	{SESSION("1", "Verified", MX),
	    STATUS("1", "QA", "u@a.test", "mx.a.test[192.0.2.11]:25", "sent", "250 Ok")},
	"a.test: sent*1; sent@2\n"},
    {"the next message of the process without a session line went in cleartext",
	{SESSION("1", "Verified", MX), SENT("1", "QA", "u@a.test"), SENT("1", "QB", "u@a.test")},
	"a.test: verified*1 sent*2; sent@3; verified@2\n"},
    {"a connection used again is logged again",
	{SESSION("1", "Verified", MX), SENT("1", "QA", "u@a.test"),
	    "smtp[1]: Verified TLS connection reused to " MX ":25: TLSv1.3 with cipher X (256/256 "
	    "bits)",
	    "smtp[1]: QB: to=<u@a.test>, relay=" MX ":25, conn_use=2, delay=1, "
	    "delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)"},
	"a.test: verified*2 sent*2; sent@4; verified@4\n"},
    {"a process with the number of one that ended says nothing for it",
	{SESSION("1", "Verified", MX), "smtp[1]: SSL_connect error to " MX ":25: lost connection",
	    SENT("1", "QA", "u@a.test"), SENT("1", "QB", "u@a.test")},
	"a.test: verified*1 sent*2; sent@4; verified@3\n"},
    {"mail that is refused over TLS is a session too",
	{SESSION("1", "Trusted", MX),
	    STATUS("1", "QA", "u@a.test", MX ":25", "bounced", "host " MX " said: 550 no")},
	"a.test: trusted*1; trusted@2\n"},
    {"trouble that is none of TLS is nothing",
	{SESSION("1", "Trusted", "mx.b.test[192.0.2.9]"),
	    STATUS("1", "QA", "u@a.test", "none", "deferred",
		"connect to " MX ":25: Connection timed out")},
	""},
    {"a look-up names the next-hop of its own reason",
	{POLICY("1", "[mx.example]:2525", "no TLSA records found"),
	    STATUS("1", "QA", "u@a.test", "none", "deferred", "no TLSA records found"),
	    STATUS("1", "QA", "v@b.test", "none", "deferred", "no TLSA records found")},
	"[mx.example]:2525 named: no-tlsa*2; deferred@3 no-tlsa 2 attempts; waits QA\n"},
    {"a look-up names nothing of another process, reason or server",
	{POLICY("1", "[mx.example]:2525", "no TLSA records found"),
	    STATUS("2", "QA", "u@a.test", "none", "deferred", "no TLSA records found"),
	    DEFERRED("1", "QB", "u@b.test"),
	    STATUS("1", "QC", "u@c.test", MX ":25", "deferred", "no TLSA records found")},
	"a.test: no-tlsa*1; deferred@2 no-tlsa 1 attempts; waits QA\n"
	"b.test: not-verified*1; deferred@3 not-verified 1 attempts; waits QB\n"
	"c.test: no-tlsa*1; deferred@4 no-tlsa 1 attempts; waits QC\n"},
    {"a look-up for a domain that could be none names nothing",
	{POLICY("1", "not a domain", "no TLSA records found"),
	    STATUS("1", "QA", "u@a.test", "none", "deferred", "no TLSA records found")},
	"a.test: no-tlsa*1; deferred@2 no-tlsa 1 attempts; waits QA\n"},
    {"text that only looks like a session or a look-up is none",
	{"smtp[1]: warning: Verified TLS connection established to " MX ":25: TLSv1.3 with",
	    "smtp[1]: TLS policy lookup for [mx.example]/mx.example: no TLSA records found",
	    STATUS("1", "QA", "u@a.test", "none", "deferred", "no TLSA records found")},
	"a.test: no-tlsa*1; deferred@3 no-tlsa 1 attempts; waits QA\n"},
    {"other programs say nothing",
	{"smtpd[1]: " "QA: to=<u@a.test>, relay=none, delay=1, delays=1/0/0/0, dsn=4.7.5, "
	 "status=deferred (" NOT_VERIFIED ")",
	    "local[1]: QA: to=<u@a.test>, relay=local, delay=1, delays=1/0/0/0, dsn=2.0.0, "
	    "status=sent (delivered to mailbox)"},
	""},
    {"attempts are counted, and an echo is none",
	{DEFERRED("1", "QA", "u@a.test"), DEFERRED("1", "QB", "u@a.test"),
	    ECHO("QC", "u@a.test")},
	"a.test: not-verified*3; deferred@2 not-verified 2 attempts; waits QA QB QC\n"},
    {"an echo alone is news of no attempt", {ECHO("QA", "u@a.test")},
	"a.test: not-verified*1; deferred@1 not-verified 0 attempts suspended; waits QA\n"},
    {"an attempt says more than the echo before it",
	{ECHO("QA", "u@a.test"), DEFERRED("1", "QB", "u@a.test")},
	"a.test: not-verified*2; deferred@2 not-verified 1 attempts; waits QA QB\n"},
    {"of two attempts the one that began later counts",
	{STATUS("1", "QA", "u@a.test", MX ":25", "deferred", NOT_VERIFIED),
	    "smtp[2]: QB: to=<u@a.test>, relay=none, delay=60, delays=0/0/55/5, dsn=4.7.5, "
	    "status=deferred (no TLSA records found)"},
	"a.test: not-verified*1 no-tlsa*1; deferred@1 not-verified 2 attempts; waits QA QB\n"},
    {"mail that is sent ends what was deferred before",
	{DEFERRED("1", "QA", "u@a.test"), DEFERRED("1", "QA", "u@a.test"),
	    SENT("1", "QA", "u@a.test")},
	"a.test: not-verified*2 sent*1; sent@3; waits QA\n"},
    {"what is deferred after that counts from one again",
	{DEFERRED("1", "QA", "u@a.test"), SENT("1", "QA", "u@a.test"),
	    DEFERRED("1", "QB", "u@a.test")},
	"a.test: not-verified*2 sent*1; sent@2; deferred@3 not-verified 1 attempts; waits QA QB\n"},
    {"mail that is bounced for TLS is lost, and waits for nothing",
	{STATUS("1", "QA", "u@a.test", MX ":25", "bounced", NOT_VERIFIED)},
	"a.test: not-verified*1 bounced*1; lost@1 not-verified 1 attempts\n"},
    {"a soft bounce is a deferral",
	{STATUS("1", "QA", "u@a.test", MX ":25", "SOFTBOUNCE", NOT_VERIFIED)},
	"a.test: not-verified*1; deferred@1 not-verified 1 attempts; waits QA\n"},
    {"address probes are no mail",
	{STATUS("1", "QA", "u@a.test", MX ":25", "undeliverable", NOT_VERIFIED),
	    STATUS("1", "QB", "u@a.test", MX ":25", "undeliverable-but-not-cached", NOT_VERIFIED),
	    STATUS("1", "QC", "u@a.test", MX ":25", "deliverable", "250 Ok")},
	""},
    {"a probe's session is a session",
	{SESSION("1", "Verified", MX),
	    STATUS("1", "QC", "u@a.test", MX ":25", "deliverable", "250 Ok")},
	"a.test: verified*1; verified@2\n"},
    {"mail on its way to a filter says nothing of its destination",
	{SESSION("1", "Anonymous", "127.0.0.1[127.0.0.1]"),
	    STATUS("1", "QA", "u@a.test", "127.0.0.1[127.0.0.1]:10024", "sent", "250 Ok"),
	    STATUS("1", "QB", "u@a.test", "localhost[::1]:10024", "sent", "250 Ok"),
	    STATUS("1", "QC", "u@a.test", "localhost[127.0.0.1]:10025", "deferred",
		NOT_VERIFIED)},
	"1 without next-hop, 0 at the limit, 0 ambiguous\n"},
    {"a quoted local part writes no line",
	{STATUS("1", "QA",
	    "\\\"x@v.test>, relay=none, delay=0, delays=0/0/0/0, dsn=4.7.5, status=deferred "
	    "(" NOT_VERIFIED ")\\\"@evil.test", MX ":25", "deferred", "host " MX " said: 450 no"),
	    STATUS("1", "QB",
		"\"x@v.test>, relay=none, delay=0, delays=0/0/0/0, dsn=4.7.5, status=deferred "
		"(" NOT_VERIFIED ")\"@evil.test", MX ":25", "deferred", NOT_VERIFIED)},
	"evil.test: not-verified*1; deferred@2 not-verified 1 attempts; waits QB\n"},
    {"a server writes no line",
	{STATUS("1", "QA", "u@a.test", MX ":25", "deferred",
	    "host " MX " said: 450 4.7.5 " NOT_VERIFIED " (in reply to RCPT TO command)"),
	    STATUS("1", "QB", "u@a.test", MX ":25", "deferred",
		"host " MX " refused to talk to me: 421 QX: to=<x@v.test>, relay=none, "
		"delay=0, delays=0/0/0/0, dsn=4.7.5, status=deferred (" NOT_VERIFIED)},
	""},
    {"no domain, or an address for one, is no next-hop",
	{DEFERRED("1", "QA", "root"), DEFERRED("1", "QB", "u@192.0.2.1"),
	    DEFERRED("1", "QC", "u@[192.0.2.1]"), DEFERRED("1", "QD", "u@a..test")},
	"[192.0.2.1]: not-verified*1; deferred@3 not-verified 1 attempts; waits QC\n"
	"3 without next-hop, 0 at the limit, 0 ambiguous\n"},
    {"ASCII letters are folded, others are as they are spelled",
	{DEFERRED("1", "QA", "u@A.Test"), DEFERRED("1", "QB", "u@b\xc3\xbc" "cher.test"),
	    DEFERRED("1", "QC", "u@b\xc3\x9c" "cher.test")},
	"a.test: not-verified*1; deferred@1 not-verified 1 attempts; waits QA\n"
	"b\xc3\xbc" "cher.test: not-verified*1; deferred@2 not-verified 1 attempts; waits QB\n"
	"b\xc3\x9c" "cher.test: not-verified*1; deferred@3 not-verified 1 attempts; waits QC\n"},
    {"the tls= field names the level of the attempt",
	{"smtp[1]: QA: to=<u@a.test>, relay=" MX ":25, delay=1, delays=1/0/0/0, "
	 "tls=!verify, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")"},
	"a.test: not-verified*1; deferred@1 not-verified 1 attempts at verify; waits QA\n"},
    {"Postfix complains of our entry",
	{STATUS("1", "QA", "u@a.test", "none", "deferred", "client TLS configuration problem")},
	"a.test: ours*1; deferred@1 ours 1 attempts refused; waits QA\n"},
    {"a rule for signed domains alone is kept in mind",
	{STATUS("1", "QA", "u@a.test", "none", "deferred", "TLSA records unusable")},
	"a.test: signed-only*1; deferred@1 signed-only 1 attempts; waits QA\n"},
    {"a message waits once",
	{DEFERRED("1", "QA", "u@a.test"), DEFERRED("1", "QA", "v@a.test"),
	    DEFERRED("1", "QA", "w@b.test")},
	"a.test: not-verified*2; deferred@2 not-verified 2 attempts; waits QA\n"
	"b.test: not-verified*1; deferred@3 not-verified 1 attempts; waits QA\n"},
};

#define SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

static void
feed_at(struct fold *fold, const char *line, int64_t time_ms)
{
	struct buf text = {0};
	struct logline split;

	buf_printf(&text, "postfix/%s", line);
	assert_true(logline_split((struct str){buf_text(&text), text.len}, &split));
	fold_line(fold, &split, time_ms, NOW_MS);
	buf_clear(&text);
}

static void
feed(struct fold *fold, const struct script *script, int from, int to)
{
	for (int i = from; i < to && script->lines[i] != NULL; i++)
		feed_at(fold, script->lines[i], START_MS + (i + 1) * 1000);
}

static void
assert_fold(const struct fold *fold, const char *expected)
{
	char *got = print_fold(fold);

	assert_string_equal(got, expected);
	free(got);
}

static void
script_folds(void **state)
{
	const struct script *script = *state;
	struct fold *fold = fold_new(rules);

	feed(fold, script, 0, LINES);
	assert_fold(fold, script->expected);
	fold_clear(fold);
	assert_null(fold_first(fold));
	assert_int_equal(fold_size(fold), 0);
	fold_free(fold);
}

/* What is stored with the log's position is all that the lines behind it need. */
static void
script_goes_on_after_a_restart(void **state)
{
	const struct script *script = *state;

	for (int cut = 0; cut <= LINES; cut++) {
		struct fold *whole = fold_new(rules), *after;
		struct buf saved = {0}, whole_end = {0}, after_end = {0};
		char *expected;

		feed(whole, script, 0, cut);
		fold_save_processes(whole, &saved);
		fold_clear(whole);
		feed(whole, script, cut, LINES);
		after = fold_new(rules);
		fold_load_processes(after, (struct str){buf_text(&saved), saved.len});
		feed(after, script, cut, LINES);
		expected = print_fold(whole);
		assert_fold(after, expected);
		fold_save_processes(whole, &whole_end);
		fold_save_processes(after, &after_end);
		assert_string_equal(buf_text(&after_end), buf_text(&whole_end));
		free(expected);
		buf_clear(&saved);
		buf_clear(&whole_end);
		buf_clear(&after_end);
		fold_free(whole);
		fold_free(after);
	}
}

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
    {"a quoted one with an escaped quote", "454 <\"jo\\\"e x\"@a.test>", "454 <*@a.test>"},
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
	struct fold *fold = fold_new(rules);
	char line[1024];

	snprintf(line, sizeof(line),
	    "smtp[1]: QA: to=<u@a.test>, relay=%s:25, delay=1, delays=1/0/0/0, dsn=4.7.4, "
	    "status=deferred (" REFUSED "%s)", MX, row->said);
	feed_at(fold, line, START_MS);
	assert_non_null(fold_first(fold));
	snprintf(line, sizeof(line), REFUSED "%s", row->kept);
	assert_string_equal(fold_first(fold)->deferral.reason, line);
	fold_free(fold);
}

/* Wherever the reason is cut, no part of an address before the @ is left. */
static void
no_local_part_is_left_at_the_cut(void **state)
{
	(void)state;
	for (int pad = 150; pad < 200; pad++) {
		struct fold *fold = fold_new(rules);
		char line[1024];

		snprintf(line, sizeof(line),
		    "smtp[1]: QA: to=<u@a.test>, relay=" MX ":25, delay=1, delays=1/0/0/0, "
		    "dsn=4.7.4, status=deferred (" REFUSED "%0*d <\"secret secret\"@a.test> "
		    "secret@a.test)", pad, 0);
		feed_at(fold, line, START_MS);
		assert_non_null(fold_first(fold));
		assert_null(strstr(fold_first(fold)->deferral.reason, "sec"));
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
		    "smtp[%d]: Verified TLS connection established to " MX ":25: TLSv1.3 with", pid);
	} else {
		snprintf(line, sizeof(line),
		    "smtp[%d]: Q%d: to=<u@p%d.test>, relay=" MX ":25, delay=1, "
		    "delays=1/0/0/0, dsn=2.0.0, status=sent (250 Ok)", pid, pid, pid);
	}
	feed_at(fold, line, START_MS);
}

/* More processes than are remembered: the latest 256 are. */
static void
forgets_the_oldest_processes(void **state)
{
	struct fold *fold = fold_new(rules);
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
	struct fold *fold = fold_new(rules);
	struct buf saved = {0};

	(void)state;
	for (int i = 0; i < 256; i++)
		buf_printf(&saved, "%d\t%lu\t0\t0\t\t\t\t\n", 5000 + i, 4294967290UL + (unsigned)i % 6);
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
	struct fold *fold = fold_new(rules);
	char line[512];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), DEFERRED("1", "Q%d", "u@a.test"), i);
		feed_at(fold, line, START_MS);
	}
	assert_int_equal(fold_first(fold)->queue_id_count, 51);
	assert_string_equal(fold_first(fold)->queue_ids[50], "Q50");
	assert_int_equal(fold_first(fold)->attempts, 100);
	fold_free(fold);
}

static void
many_destinations_are_found_again(void **state)
{
	struct fold *fold = fold_new(rules);
	char line[512];

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 5000; i++) {
			snprintf(line, sizeof(line), DEFERRED("1", "Q1", "u@d%d.test"), i);
			feed_at(fold, line, START_MS);
		}
	assert_int_equal(fold_size(fold), 5000);
	for (struct fold_item *i = fold_first(fold); i != NULL; i = i->next)
		assert_int_equal(i->attempts, 2);
	fold_free(fold);
}

static void
slow_pattern_is_counted(void **state)
{
	struct fold *fold = fold_new(rules);

	(void)state;
	feed_at(fold, STATUS("1", "QA", "u@a.test", "none", "deferred",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab!"), START_MS);
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
	                            "8\t1\t1\t3\t" MX "\tQ8\t\t\nno newline at its end";
	struct fold *fold = fold_new(rules);

	(void)state;
	fold_load_processes(fold, (struct str){saved, sizeof(saved) - 1});
	session_and_mail(fold, 7, false);
	session_and_mail(fold, 8, false);
	assert_fold(fold, "p7.test: sent*1; sent@0\n"
	                  "p8.test: verified*1 sent*1; sent@0; verified@0\n");
	fold_free(fold);
}

/* --- time -------------------------------------------------------------------------- */

static void
tallies_are_of_days(void **state)
{
	struct fold *fold = fold_new(rules);

	(void)state;
	feed_at(fold, SENT("1", "QA", "u@a.test"), START_MS + SPAN_DAY_MS - 1);
	feed_at(fold, SENT("1", "QB", "u@a.test"), START_MS + SPAN_DAY_MS);
	feed_at(fold, SENT("1", "QC", "u@a.test"), START_MS + SPAN_DAY_MS + 1);
	assert_fold(fold, "a.test: sent*1 sent*2/day+1; sent@86400\n");
	fold_free(fold);
}

static void
no_stamp_is_now(void **state)
{
	struct fold *fold = fold_new(rules);

	(void)state;
	feed_at(fold, DEFERRED("1", "QA", "u@a.test"), 0);
	assert_int_equal(fold_first(fold)->deferral.time_ms, NOW_MS);
	fold_free(fold);
}

/* The attempt took 0.6 s to connect and 0.4 s; each may be 10 ms more. */
static void
attempt_began_before_its_line(void **state)
{
	struct fold *fold = fold_new(rules);

	(void)state;
	feed_at(fold, DEFERRED("1", "QA", "u@a.test"), START_MS + 5000);
	assert_in_range(fold_first(fold)->deferral.attempt_ms, START_MS + 3980, START_MS + 4000);
	assert_int_equal(
	    fold_first(fold)->first_attempt_ms, fold_first(fold)->deferral.attempt_ms);
	feed_at(fold, DEFERRED("1", "QB", "u@a.test"), START_MS + 9000);
	assert_in_range(fold_first(fold)->first_attempt_ms, START_MS + 3980, START_MS + 4000);
	assert_in_range(fold_first(fold)->last_attempt_ms, START_MS + 7980, START_MS + 8000);
	feed_at(fold, SENT("1", "QC", "u@a.test"), START_MS + 20000);
	assert_int_equal(fold_first(fold)->last_attempt_ms, 0);
	assert_in_range(fold_first(fold)->sent_attempt_ms, START_MS + 18980, START_MS + 19000);
	fold_free(fold);
}

/* The clock went back an hour: what comes now is the news. */
static void
clock_that_went_back_hides_nothing(void **state)
{
	struct fold *fold = fold_new(rules);

	(void)state;
	feed_at(fold, DEFERRED("1", "QA", "u@a.test"), START_MS + SPAN_HOUR_MS);
	feed_at(fold, STATUS("1", "QB", "u@a.test", "none", "deferred", "no TLSA records found"),
	    START_MS + 1000);
	assert_int_equal(fold_first(fold)->deferral.time_ms, START_MS + 1000);
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
	struct fold *fold = fold_new(rules);

	(void)state;
	fold_set_router(fold, route_all, &routes);
	feed_at(fold, DEFERRED("1", "QA", "u@a.test"), START_MS + 1000);
	assert_fold(fold, "[relay.test]:25: not-verified*1; deferred@1 not-verified 1 attempts; "
	                  "waits QA\n");
	assert_string_equal(fold_first(fold)->transport, "relay");
	routes.answer = ANSWER_NO;
	fold_clear(fold);
	feed_at(fold, DEFERRED("1", "QB", "u@a.test"), START_MS + 2000);
	assert_fold(fold, "1 without next-hop, 0 at the limit, 0 ambiguous\n");
	fold_free(fold);
}

static void
parked_lines_are_folded_later(void **state)
{
	struct routes routes = {ANSWER_UNSURE, "a.test"};
	struct fold *fold = fold_new(rules);

	(void)state;
	fold_set_router(fold, route_all, &routes);
	feed_at(fold, SESSION("1", "Verified", MX), START_MS + 1000);
	feed_at(fold, SENT("1", "QA", "u@a.test"), START_MS + 2000);
	feed_at(fold, SESSION("1", "Anonymous", MX), START_MS + 3000);
	feed_at(fold, SENT("1", "QB", "u@a.test"), START_MS + 4000);
	assert_int_equal(fold_parked(fold), 2);
	assert_null(fold_first(fold));
	assert_int_equal(fold_counts(fold)->status_lines, 0);
	fold_unpark(fold); /* still not known */
	assert_int_equal(fold_parked(fold), 2);
	routes.answer = ANSWER_YES;
	fold_unpark(fold);
	assert_int_equal(fold_parked(fold), 0);
	assert_int_equal(fold_counts(fold)->status_lines, 2);
	assert_fold(fold, "a.test: verified*1 sent*2 anonymous*1; sent@4; anonymous@4; "
	                  "verified@2\n");
	fold_free(fold);
}

static void
queue_is_news_of_no_time(void **state)
{
	struct fold *fold = fold_new(rules);

	(void)state;
	fold_queued(fold, STR("QA"), STR("u@a.test"), STR(NOT_VERIFIED), NOW_MS);
	fold_queued(fold, STR("QB"), STR("u@b.test"),
	    STR("delivery temporarily suspended: " NOT_VERIFIED), NOW_MS);
	fold_queued(fold, STR("QC"), STR("u@c.test"), STR("host said: no"), NOW_MS);
	assert_fold(fold,
	    "a.test: not-verified*1; deferred@3600 not-verified 1 attempts; waits QA\n"
	    "b.test: not-verified*1; deferred@3600 not-verified 1 attempts; waits QB\n");
	assert_int_equal(fold_first(fold)->deferral.attempt_ms, 0);
	assert_int_equal(fold_counts(fold)->status_lines, 0);
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
	struct fold *fold = fold_new(rules);

	(void)state;
	fold_set_quoted(fold, false);
	feed_at(fold, line, START_MS);
	assert_fold(fold, "0 without next-hop, 0 at the limit, 1 ambiguous\n");
	fold_free(fold);
}

int
main(void)
{
	int status;

	make_rules();
	for (size_t i = 0; i < SCRIPTS; i++)
		suite_add(script_folds, &scripts[i], "%s", scripts[i].name);
	for (size_t i = 0; i < SCRIPTS; i++)
		suite_add(script_goes_on_after_a_restart, &scripts[i],
		    "cut at each line by a restart: %s", scripts[i].name);
	for (size_t i = 0; i < sizeof(reason_rows) / sizeof(reason_rows[0]); i++)
		suite_add(no_local_part_is_kept, &reason_rows[i], "no local part is kept: %s",
		    reason_rows[i].name);
	suite_add(no_local_part_is_left_at_the_cut, NULL,
	    "no local part is left where a long reason is cut");
	suite_add(forgets_the_oldest_processes, NULL, "of 300 processes the latest 256 are known");
	suite_add(remembers_after_four_billion_sessions, NULL,
	    "processes are remembered after four billion sessions too");
	suite_add(keeps_51_messages, NULL, "no more than 51 messages are kept a destination");
	suite_add(many_destinations_are_found_again, NULL, "5000 destinations are found again");
	suite_add(slow_pattern_is_counted, NULL, "a pattern at its limit is counted");
	suite_add(hostile_state_is_skipped, NULL, "damaged state of processes is skipped");
	suite_add(tallies_are_of_days, NULL, "tallies are of days, UTC");
	suite_add(no_stamp_is_now, NULL, "a line without a stamp is of now");
	suite_add(attempt_began_before_its_line, NULL, "an attempt began before its line");
	suite_add(clock_that_went_back_hides_nothing, NULL,
	    "a clock that went back hides nothing");
	suite_add(route_names_the_next_hop, NULL, "a route names the next-hop and its service");
	suite_add(parked_lines_are_folded_later, NULL,
	    "lines without a route are folded later, with what their process had said");
	suite_add(queue_is_news_of_no_time, NULL, "what the queue says is news of no known time");
	suite_add(unquoted_address_writes_no_line, NULL, "an unquoted address writes no line");
	status = suite_run();
	rules_free(rules);
	return status;
}
