/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines in, news of destinations out. A script is a row: its lines, one a second, and
 * what the fold then holds, as text. */
#include "suite.h"

#include <stdlib.h>

#include "base/buf.h"
#include "foldkit.h"

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
        {SESSION("1", "Untrusted", MX), SENT("1", "QA", "u@a.test"),
            SENT("1", "QA", "v@a.test"), SENT("1", "QA", "w@b.test")},
        "a.test: untrusted*2 sent*2; sent@3; untrusted@3\n"
        "b.test: untrusted*1 sent*1; sent@4; untrusted@4\n"},
    {"a session of another process is not",
        {SESSION("1", "Verified", MX), SENT("2", "QA", "u@a.test")},
        "a.test: sent*1; sent@2\n"},
    {"a session of another host, whose processes have the same numbers, is not",
        {"Sep 10 13:18:46 node2 postfix/" SESSION("1", "Verified", MX),
            "Sep 10 13:18:46 node1 postfix/" SENT("1", "QA", "u@a.test"),
            "Sep 10 13:18:46 node2 postfix/" SENT("1", "QB", "u@b.test")},
        "a.test: sent*1; sent@2\n"
        "b.test: verified*1 sent*1; sent@3; verified@3\n"},
    {"sessions of two processes are kept apart",
        {SESSION("1", "Verified", MX), SESSION("2", "Anonymous", MX),
            SENT("1", "QA", "u@a.test"), SENT("2", "QB", "u@b.test")},
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
        {SESSION("1", "Verified", MX), SENT("1", "QA", "u@a.test"),
            SENT("1", "QB", "u@a.test")},
        "a.test: verified*1 sent*2; sent@3; verified@2\n"},
    {"a connection used again is logged again",
        {SESSION("1", "Verified", MX), SENT("1", "QA", "u@a.test"),
            "smtp[1]: Verified TLS connection reused to " MX
            ":25: TLSv1.3 with cipher X (256/256 "
            "bits)",
            "smtp[1]: QB: to=<u@a.test>, relay=" MX ":25, conn_use=2, delay=1, "
            "delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)"},
        "a.test: verified*2 sent*2; sent@4; verified@4\n"},
    {"a process with the number of one that ended says nothing for it",
        {SESSION("1", "Verified", MX),
            "smtp[1]: SSL_connect error to " MX ":25: lost connection",
            SENT("1", "QA", "u@a.test"), SENT("1", "QB", "u@a.test")},
        "a.test: verified*1 sent*2; sent@4; verified@3; mx.a.test:25 handshake@3\n"},
    {"mail that is refused over TLS is a session too",
        {SESSION("1", "Trusted", MX),
            STATUS(
                "1", "QA", "u@a.test", MX ":25", "bounced", "host " MX " said: 550 no")},
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
        {"smtp[1]: warning: Verified TLS connection established to " MX
         ":25: TLSv1.3 with",
            "smtp[1]: TLS policy lookup for [mx.example]/mx.example: no TLSA records "
            "found",
            STATUS("1", "QA", "u@a.test", "none", "deferred", "no TLSA records found")},
        "a.test: no-tlsa*1; deferred@3 no-tlsa 1 attempts; waits QA\n"},
    {"other programs say nothing",
        {"smtpd[1]: "
         "QA: to=<u@a.test>, relay=none, delay=1, delays=1/0/0/0, dsn=4.7.5, "
         "status=deferred (" NOT_VERIFIED ")",
            "local[1]: QA: to=<u@a.test>, relay=local, delay=1, delays=1/0/0/0, "
            "dsn=2.0.0, "
            "status=sent (delivered to mailbox)"},
        ""},
    {"lmtp has settings and a map of its own",
        {"lmtp[1]: Verified TLS connection established to " MX ":24: TLSv1.3 with",
            "lmtp[1]: QA: to=<u@a.test>, relay=" MX ":24, delay=1, delays=1/0/0/0, "
            "dsn=2.0.0, status=sent (250 2.0.0 Saved)",
            "backend/lmtp[1]: QB: to=<u@a.test>, relay=none, delay=1, delays=1/0/0/0, "
            "dsn=4.7.5, status=deferred (" NOT_VERIFIED ")"},
        ""},
    {"attempts are counted, and an echo is none",
        {DEFERRED("1", "QA", "u@a.test"), DEFERRED("1", "QB", "u@a.test"),
            ECHO("QC", "u@a.test")},
        "a.test: not-verified*3; deferred@2 not-verified 2 attempts; waits QA QB QC\n"},
    {"an echo alone is news of no attempt", {ECHO("QA", "u@a.test")},
        "a.test: not-verified*1; deferred@1 not-verified 0 attempts suspended; waits "
        "QA\n"},
    {"an attempt says more than the echo before it",
        {ECHO("QA", "u@a.test"), DEFERRED("1", "QB", "u@a.test")},
        "a.test: not-verified*2; deferred@2 not-verified 1 attempts; waits QA QB\n"},
    {"of two attempts the one that began later counts",
        {STATUS("1", "QA", "u@a.test", MX ":25", "deferred", NOT_VERIFIED),
            "smtp[2]: QB: to=<u@a.test>, relay=none, delay=60, delays=0/0/55/5, "
            "dsn=4.7.5, "
            "status=deferred (no TLSA records found)"},
        "a.test: not-verified*1 no-tlsa*1; deferred@1 not-verified 2 attempts; waits QA "
        "QB\n"},
    {"where whole seconds leave it open, the one whose line comes later",
        {DEFERRED("1", "QA", "u@a.test"),
            "smtp[2]: QB: to=<u@a.test>, relay=none, delay=2, delays=0/0/1/0.3, "
            "dsn=4.7.5, "
            "status=deferred (no TLSA records found)"},
        "a.test: not-verified*1 no-tlsa*1; deferred@2 no-tlsa 2 attempts; waits QA QB\n"},
    {"mail that is sent ends what was deferred before",
        {DEFERRED("1", "QA", "u@a.test"), DEFERRED("1", "QA", "u@a.test"),
            SENT("1", "QA", "u@a.test")},
        "a.test: not-verified*2 sent*1; sent@3; waits QA\n"},
    {"what is deferred after that counts from one again",
        {DEFERRED("1", "QA", "u@a.test"), SENT("1", "QA", "u@a.test"),
            DEFERRED("1", "QB", "u@a.test")},
        "a.test: not-verified*2 sent*1; sent@2; deferred@3 not-verified 1 attempts; "
        "waits QA QB\n"},
    {"mail that is bounced for TLS is lost, and waits for nothing",
        {STATUS("1", "QA", "u@a.test", MX ":25", "bounced", NOT_VERIFIED)},
        "a.test: not-verified*1 bounced*1; lost@1 not-verified 1 attempts; "
        "bounced 1, " NOT_VERIFIED "\n"},
    {"it is no less lost where other mail is deferred after it",
        {STATUS("1", "QA", "u@a.test", MX ":25", "bounced", NOT_VERIFIED),
            DEFERRED("1", "QB", "u@a.test")},
        "a.test: not-verified*2 bounced*1; deferred@2 not-verified 2 attempts; "
        "bounced 1, " NOT_VERIFIED "; waits QB\n"},
    {"or sent",
        {STATUS("1", "QA", "u@a.test", MX ":25", "bounced", NOT_VERIFIED),
            STATUS("1", "QB", "u@a.test", MX ":25", "bounced", "no TLSA records found"),
            SENT("1", "QC", "u@a.test")},
        "a.test: not-verified*1 bounced*2 no-tlsa*1 sent*1; sent@3; "
        "bounced 2, no TLSA records found\n"},
    {"a soft bounce is a deferral",
        {STATUS("1", "QA", "u@a.test", MX ":25", "SOFTBOUNCE", NOT_VERIFIED)},
        "a.test: not-verified*1; deferred@1 not-verified 1 attempts; waits QA\n"},
    {"address probes are no mail",
        {STATUS("1", "QA", "u@a.test", MX ":25", "undeliverable", NOT_VERIFIED),
            STATUS("1", "QB", "u@a.test", MX ":25", "undeliverable-but-not-cached",
                NOT_VERIFIED),
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
             "\\\"x@v.test>, relay=none, delay=0, delays=0/0/0/0, dsn=4.7.5, "
             "status=deferred "
             "(" NOT_VERIFIED ")\\\"@evil.test",
             MX ":25", "deferred", "host " MX " said: 450 no"),
            STATUS("1", "QB",
                "\"x@v.test>, relay=none, delay=0, delays=0/0/0/0, dsn=4.7.5, "
                "status=deferred "
                "(" NOT_VERIFIED ")\"@evil.test",
                MX ":25", "deferred", NOT_VERIFIED)},
        "evil.test: not-verified*1; deferred@2 not-verified 1 attempts; waits QB\n"},
    {"a server writes no line",
        {STATUS("1", "QA", "u@a.test", MX ":25", "deferred",
             "host " MX " said: 450 4.7.5 " NOT_VERIFIED
             " (in reply to RCPT TO command)"),
            STATUS("1", "QB", "u@a.test", MX ":25", "deferred",
                "host " MX " refused to talk to me: 421 QX: to=<x@v.test>, relay=none, "
                "delay=0, delays=0/0/0/0, dsn=4.7.5, status=deferred (" NOT_VERIFIED)},
        ""},
    {"no domain, or an address for one, is no next-hop",
        {DEFERRED("1", "QA", "root"), DEFERRED("1", "QB", "u@192.0.2.1"),
            DEFERRED("1", "QC", "u@[192.0.2.1]"), DEFERRED("1", "QD", "u@a..test")},
        "[192.0.2.1]: not-verified*1; deferred@3 not-verified 1 attempts; waits QC\n"
        "3 without next-hop, 0 at the limit, 0 ambiguous\n"},
    {"the letters of a domain are folded, as Postfix folds them",
        {DEFERRED("1", "QA", "u@A.Test"),
            DEFERRED("1", "QB",
                "u@b\xc3\xbc"
                "cher.test"),
            DEFERRED("1", "QC",
                "u@b\xc3\x9c"
                "cher.test")},
        "a.test: not-verified*1; deferred@1 not-verified 1 attempts; waits QA\n"
        "b\xc3\xbc"
        "cher.test: not-verified*2; deferred@3 not-verified 2 attempts; waits QB QC\n"},
    {"the tls= field names the level of the attempt",
        {"smtp[1]: QA: to=<u@a.test>, relay=" MX ":25, delay=1, delays=1/0/0/0, "
         "tls=!verify, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")"},
        "a.test: not-verified*1; deferred@1 not-verified 1 attempts at verify; waits "
        "QA\n"},
    {"Postfix complains of our entry",
        {STATUS("1", "QA", "u@a.test", "none", "deferred",
            "client TLS configuration problem")},
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
feed(struct fold *fold, const struct script *script, int from, int to)
{
	for (int i = from; i < to && script->lines[i] != NULL; i++)
		foldkit_feed(fold, script->lines[i], START_MS + (i + 1) * 1000);
}

static void
script_folds(void **state)
{
	const struct script *script = *state;
	struct fold *fold = fold_new(foldkit_rules);

	feed(fold, script, 0, LINES);
	foldkit_assert(fold, script->expected);
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
		struct fold *whole = fold_new(foldkit_rules), *after;
		struct buf saved = {0}, whole_end = {0}, after_end = {0};
		char *expected;

		feed(whole, script, 0, cut);
		fold_save_processes(whole, &saved);
		fold_clear(whole);
		feed(whole, script, cut, LINES);
		after = fold_new(foldkit_rules);
		fold_load_processes(after, (struct str){buf_text(&saved), saved.len});
		feed(after, script, cut, LINES);
		expected = foldkit_print(whole);
		foldkit_assert(after, expected);
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

/* The lines of a message with many recipients, behind its first one, and when the attempt
 * of each began, in ms before or behind the first line. */
#define LATE(id, delay, delays) \
	"smtp[1]: " id ": to=<u@a.test>, relay=" MX ":25, delay=" delay \
	", delays=" delays ", dsn=4.7.5, status=deferred (" NOT_VERIFIED ")"

static const struct {
	const char *line;
	int64_t at_ms; /* behind the first */
	int64_t attempt_ms;
} lates[] = {
    /* of the same session, written late */
    {LATE("QA", "1.3", "0.37/0.69/0.27/0"), 3500, -280},
    /* of a session that began later: it waited longer in qmgr(8) */
    {LATE("QA", "1.8", "0.37/1.1/0.33/0"), 4000, 160},
    /* written at once */
    {LATE("QA", "4.8", "0.37/4.1/0.33/0"), 3500, 3160},
    /* another attempt of it, and another message */
    {LATE("QA", "4.8", "4.2/0.3/0.3/0"), 3500, 3190},
    {LATE("QB", "1.3", "0.37/0.69/0.27/0"), 3500, 3220},
    /* later than any: the id was given to another message */
    {LATE("QA", "1.3", "0.37/0.69/0.27/0"), 3600000, 3599720},
};

static void
attempt_begins_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lates) / sizeof(lates[0]); i++) {
		struct fold *fold = fold_new(foldkit_rules);

		foldkit_feed(fold, LATE("QA", "1.3", "0.37/0.69/0.27/0"), START_MS);
		fold_clear(fold);
		foldkit_feed(fold, lates[i].line, START_MS + lates[i].at_ms);
		assert_int_equal(fold_first(fold)->deferral->attempt_ms - START_MS,
		    lates[i].attempt_ms);
		assert_int_equal(
		    fold_first(fold)->tried.last_ms - START_MS, lates[i].attempt_ms);
		fold_free(fold);
	}
}

int
main(void)
{
	int status;

	foldkit_begin();
	for (size_t i = 0; i < SCRIPTS; i++)
		suite_add(script_folds, &scripts[i], "%s", scripts[i].name);
	for (size_t i = 0; i < SCRIPTS; i++)
		suite_add(script_goes_on_after_a_restart, &scripts[i],
		    "cut at each line by a restart: %s", scripts[i].name);
	suite_add(attempt_begins_once, NULL,
	    "the lines of an attempt tell one beginning, however late they are written");
	status = suite_run();
	rules_free(foldkit_rules);
	return status;
}
