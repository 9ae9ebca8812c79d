/* SPDX-License-Identifier: BSD-2-Clause */
/* What Postfix says of a message or a session: texts made by hand. */
#include "suite.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/status.h"

/* --- status lines ------------------------------------------------------------------ */

struct status_row {
	const char *name;
	const char *text;
	const char *domain; /* NULL: refused */
	const char *dsn;
	const char *own_reason;
	int64_t attempt_us;
	const char *level; /* of tls= */
};

#define TAIL \
	", relay=none, delay=1, delays=0.1/0/0.25/0.5, dsn=4.7.5, status=deferred (r)"

static const struct status_row statuses[] = {
    {"a plain line", "4F00: to=<u@d.test>" TAIL, "d.test", "4.7.5", "r", 750000,
        "unknown"},
    {"a long queue id", "4jYQBx3n2tz1bYNB: to=<u@d.test>" TAIL, "d.test", "4.7.5", "r",
        750000, "unknown"},
    {"orig_to and conn_use",
        "4F00: to=<u@d.test>, orig_to=<x>, relay=h[192.0.2.1]:25, conn_use=2, "
        "delay=0.03, "
        "delays=0/0/0.01/0.02, dsn=2.0.0, status=sent (250 ok)",
        "d.test", "2.0.0", "250 ok", 30000, "unknown"},
    {"tls= before dsn= (Postfix 3.11)",
        "4F00: to=<u@d.test>, relay=h[192.0.2.1]:25, delay=1, delays=0/0/1/0, "
        "tls=!verify, "
        "dsn=4.7.5, status=deferred (r)",
        "d.test", "4.7.5", "r", 1000000, "verify"},
    {"tls= with requiretls",
        "4F00: to=<u@d.test>, relay=none, delay=1, delays=0/0/1/0, "
        "tls=dane:encrypt/requiretls?, "
        "dsn=4.7.5, status=deferred (r)",
        "d.test", "4.7.5", "r", 1000000, "dane"},
    {"tls=dane-only",
        "4F00: to=<u@d.test>, relay=none, delay=1, delays=0/0/1/0, tls=dane-only?, "
        "dsn=4.7.5, status=deferred (r)",
        "d.test", "4.7.5", "r", 1000000, "dane-only"},
    {"tls=unknown?",
        "4F00: to=<u@d.test>, relay=none, delay=1, delays=0/0/1/0, tls=unknown?, "
        "dsn=4.7.5, status=deferred (r)",
        "d.test", "4.7.5", "r", 1000000, "unknown"},
    {"no delays, no dsn (before 2.3)",
        "4F00: to=<u@d.test>, relay=h[192.0.2.1], delay=423, status=deferred (r)",
        "d.test", "", "r", 0, "unknown"},
    {"a dsn of the first form, and what is none",
        "4F00: to=<u@d.test>, relay=none, delay=1, "
        "dsn=4.7.55, status=deferred (r)",
        "d.test", "4.7.55", "r", 0, "unknown"},
    {"a dsn with long parts",
        "4F00: to=<u@d.test>, relay=none, delay=1, dsn=4.123.555, "
        "status=deferred (r)",
        "d.test", "4.123.555", "r", 0, "unknown"},
    {"a dsn of letters",
        "4F00: to=<u@d.test>, relay=none, delay=1, dsn=x.7.5, "
        "status=deferred (r)",
        NULL, NULL, NULL, 0, NULL},
    {"a dsn with a letter in the middle",
        "4F00: to=<u@d.test>, relay=none, delay=1, "
        "dsn=4.x.5, status=deferred (r)",
        NULL, NULL, NULL, 0, NULL},
    {"a dsn with a letter at the end",
        "4F00: to=<u@d.test>, relay=none, delay=1, "
        "dsn=4.7.x, status=deferred (r)",
        NULL, NULL, NULL, 0, NULL},
    {"a dsn with commas",
        "4F00: to=<u@d.test>, relay=none, delay=1, dsn=4,7,5, "
        "status=deferred (r)",
        NULL, NULL, NULL, 0, NULL},
    {"a dsn that goes on",
        "4F00: to=<u@d.test>, relay=none, delay=1, dsn=4.7.5x, "
        "status=deferred (r)",
        NULL, NULL, NULL, 0, NULL},
    {"an empty relay", "4F00: to=<u@d.test>, relay=, delay=1, status=deferred (r)", NULL,
        NULL, NULL, 0, NULL},
    {"a relay to the end", "4F00: to=<u@d.test>, relay=none", NULL, NULL, NULL, 0, NULL},
    {"no bracket before the reason",
        "4F00: to=<u@d.test>, relay=none, delay=1, "
        "status=deferred r)",
        NULL, NULL, NULL, 0, NULL},
    {"no bracket behind the reason",
        "4F00: to=<u@d.test>, relay=none, delay=1, "
        "status=deferred (r",
        NULL, NULL, NULL, 0, NULL},
    {"no reason", "4F00: to=<u@d.test>, relay=none, delay=1, status=deferred ", NULL,
        NULL, NULL, 0, NULL},
    {"a quoted local part that is a status line",
        "4F00: to=<\"a>, relay=none, dsn=4.7.4, status=deferred (TLS is required, but "
        "was not "
        "offered by host x\"@dane-ok.test>" TAIL,
        "dane-ok.test", "4.7.5", "r", 750000, "unknown"},
    {"a quoted local part with an escaped quote",
        "4F00: to=<\"a\\\"@victim.test>, x\"@d.test>" TAIL, "d.test", "4.7.5", "r",
        750000, "unknown"},
    {"suspended delivery",
        "4F00: to=<u@d.test>, relay=none, delay=1, delays=0/0/1/0, dsn=4.7.5, "
        "status=deferred "
        "(delivery temporarily suspended: Server certificate not verified)",
        "d.test", "4.7.5", "Server certificate not verified", 1000000, "unknown"},
    {"a reason with brackets of its own",
        "4F00: to=<u@d.test>, relay=none, delay=1, delays=0/0/0/0, dsn=4.0.0, "
        "status=deferred "
        "(a (b) c) d) )",
        "d.test", "4.0.0", "a (b) c) d) ", 0, "unknown"},
    {"a recipient without domain", "4F00: to=<root>" TAIL, "", "4.7.5", "r", 750000,
        "unknown"},
    /* refused */
    {"a reason that was cut",
        "4F00: to=<u@d.test>, relay=none, delay=1, delays=0/0/0/0, "
        "dsn=4.7.5, status=deferred (Server certificate not ver",
        NULL, NULL, NULL, 0, NULL},
    {"a message-id that is a status line",
        "4F00: message-id=<4F01: to=<u@d.test>, relay=none, delay=1, dsn=4.7.5, "
        "status=deferred "
        "(r)>",
        NULL, NULL, NULL, 0, NULL},
    {"a sender that is a status line",
        "4F00: from=<\"4F01: to=<u@d.test>, relay=none, delay=1, status=deferred "
        "(r)\"@x>",
        NULL, NULL, NULL, 0, NULL},
    {"two records glued together within an address",
        "4F00: to=<u@Nov  4 01:26:31 m postfix/smtp[1]: 4F01: to=<v@e.test>" TAIL, NULL,
        NULL, NULL, 0, NULL},
    {"two records glued together",
        "4F00: to=<u@d.test>, relay=none, delay=0.Nov  4 01:26:31 m postfix/smtp[1]: "
        "4F01: "
        "to=<v@e.test>" TAIL,
        NULL, NULL, NULL, 0, NULL},
    {"no queue id", "to=<u@d.test>" TAIL, NULL, NULL, NULL, 0, NULL},
    {"a queue id with a slash", "4F/00: to=<u@d.test>" TAIL, NULL, NULL, NULL, 0, NULL},
    {"NOQUEUE: reject", "NOQUEUE: reject: RCPT from x[192.0.2.1]: 450 to=<u@d.test>",
        NULL, NULL, NULL, 0, NULL},
    {"an unknown status word",
        "4F00: to=<u@d.test>, relay=none, delay=1, dsn=4.7.5, status=delayed (r)", NULL,
        NULL, NULL, 0, NULL},
    {"a dsn that is none",
        "4F00: to=<u@d.test>, relay=none, delay=1, dsn=4.7.5x, status=deferred (r)", NULL,
        NULL, NULL, 0, NULL},
    {"delays that are none",
        "4F00: to=<u@d.test>, relay=none, delay=1, delays=1/2/3, dsn=4.7.5, "
        "status=deferred (r)",
        NULL, NULL, NULL, 0, NULL},
    {"a quote that never ends", "4F00: to=<\"a@d.test>" TAIL, NULL, NULL, NULL, 0, NULL},
    {"nothing behind status=", "4F00: to=<u@d.test>, relay=none, delay=1, status=", NULL,
        NULL, NULL, 0, NULL},
};

static void
status_is(void **state)
{
	const struct status_row *row = *state;
	struct status_line line;

	if (row->domain == NULL) {
		assert_false(status_parse(str_of(row->text), &line));
		return;
	}
	assert_true(status_parse(str_of(row->text), &line));
	assert_true(str_is(line.domain, row->domain));
	assert_true(str_is(line.dsn, row->dsn));
	assert_true(str_is(line.own_reason, row->own_reason));
	assert_int_equal(line.attempt_us, row->attempt_us);
	assert_string_equal(level_name(status_attempt_level(&line)), row->level);
}

static const struct {
	const char *text;
	int64_t us; /* -1: no number of seconds */
} seconds[] = {
    {"0", 0},
    {"7", 7000000},
    {"12", 12000000},
    {"30073", INT64_C(30073000000)},
    {"123456", INT64_C(123456000000)},
    {"1234567", INT64_C(1234567000000)},
    {"12345678", INT64_C(12345678000000)},
    {"123456789", INT64_C(123456789000000)},
    {"2147483647", INT64_C(2147483647000000)},
    {"0000000000000012", 12000000},
    {"0.1", 100000},
    {"0.01", 10000},
    {"0.07", 70000},
    {"1.13", 1130000},
    {"12.34", 12340000},
    {"0.123", 123000},
    {"0.12345", 123450},
    {"0.123456", 123456},
    {"0.1234567", 123456},
    {"0.000000999", 0},
    {"1234.56", INT64_C(1234560000)},
    {"12345.6", INT64_C(12345600000)},
    {"123456.7", INT64_C(123456700000)},
    {"1234567.8", INT64_C(1234567800000)},
    {"9.99999999999999999999", 9999999},
    {"2147483647.999999", INT64_C(2147483647999999)},
    {"2147483648", -1},
    {"99999999999999999999", -1},
    {"", -1},
    {".", -1},
    {".5", -1},
    {"1.", -1},
    {"1234567.", -1},
    {"12345678.", -1},
    {"1..2", -1},
    {"1.2.3", -1},
    {"-1", -1},
    {"+1", -1},
    {" 1", -1},
    {"1e3", -1},
    {"1.\xb0", -1},
    {"\xff", -1},
    {"0x1", -1},
};

/* In each place, and the last one with as little behind it as there can be. */
static void
seconds_are_exact(void **state)
{
	static const char *const forms[] = {
	    "Q: to=<u@d.test>, relay=h, delay=%s, status=sent (o)",
	    "Q: to=<u@d.test>, relay=h, delay=1, delays=0/0/%s/0, status=sent (o)",
	    "Q: to=<u@d.test>, relay=h, delay=1, delays=0/%s/0/0, status=sent (o)",
	    "Q: to=<u@d.test>, relay=h, delay=1, delays=0/0/0/%s, status=sent (o)",
	};
	struct buf text = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		for (size_t k = 0; k < sizeof(forms) / sizeof(forms[0]); k++) {
			const char *at = strstr(forms[k], "%s");
			struct status_line line;
			bool good;

			buf_reset(&text);
			buf_add(&text, forms[k], (size_t)(at - forms[k]));
			buf_add_str(&text, str_of(seconds[i].text));
			buf_add_str(&text, str_of(at + 2));
			good =
			    status_parse((struct str){buf_text(&text), text.len}, &line);
			assert_int_equal(good, seconds[i].us >= 0);
			if (good)
				assert_int_equal(
				    line.attempt_us, k % 2 == 1 ? seconds[i].us : 0);
		}
	}
	buf_clear(&text);
}

/* Every prefix of a status line is refused or harmless: no read past its end (ASan). */
static void
cut_lines_are_refused(void **state)
{
	const char *text = statuses[2].text;

	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		char *copy = mem_strndup(text, len);
		char *exact = mem_new(len > 0 ? len : 1, 1);
		struct status_line line;

		memcpy(exact, copy, len);
		assert_false(status_parse((struct str){exact, len}, &line));
		free(exact);
		free(copy);
	}
}

/* --- other lines ------------------------------------------------------------------- */

static void
sessions_are_read(void **state)
{
	struct session_line s;

	(void)state;
	assert_true(session_parse(
	    STR("Verified TLS connection established to "
	        "mx.d.test[192.0.2.1]:25: TLSv1.3 with cipher X (1/2 bits)"),
	    &s));
	assert_int_equal(s.grade, SESSION_VERIFIED);
	assert_true(str_is(s.host, "mx.d.test"));
	assert_true(str_is(s.address, "192.0.2.1"));
	assert_true(str_is(s.protocol, "TLSv1.3"));
	assert_true(session_parse(
	    STR("Untrusted TLS connection reused to m[2001:db8::1]:25: TLSv1.2 with"),
	    &s));
	assert_true(str_is(s.address, "2001:db8::1"));
	assert_false(session_parse(
	    STR("Verified TLS connection established from m[1.2.3.4]: T "), &s));
	assert_false(session_parse(
	    STR("verified TLS connection established to m[1.2.3.4]:25: T "), &s));
	assert_false(
	    session_parse(STR("Verified TLS connection established to m[1.2.3.4]"), &s));
}

/* One thing is wrong with each. */
static const char *const no_sessions[] = {"", "Verified ", "Verified TLS connection",
    "Verified TLS connection made to m[1.2.3.4]:25: T ",
    "Verified TLS connection established to m",
    "Verified TLS connection established to m[1.2.3.4",
    "Verified TLS connection established to m[1.2.3.4]25: T ",
    "Verified TLS connection established to m[1.2.3.4]:",
    "Verified TLS connection established to m[1.2.3.4]:25",
    "Verified TLS connection established to m[1.2.3.4]:x: T ",
    "Verified TLS connection established to m[1.2.3.4]:25: TLSv1.3",
    "Vain TLS connection established to m[1.2.3.4]:25: T "};

static void
session_is_refused(void **state)
{
	struct session_line s;

	assert_false(session_parse(str_of(*state), &s));
}

static const struct {
	const char *text;
	const char *queue_id; /* NULL: no expiry */
} expiries[] = {
    {"4F00: from=<a@b.test>, status=expired, returned to sender", "4F00"},
    {"4F00: from=<>, status=force-expired, returned to sender", "4F00"},
    {"4F00: from=<a@b.test>, status=expired, returned to sender.", NULL},
    {"4F00: from=<a@b.test>, size=1", NULL},
    {"4F00: from=<a@b.test", NULL},
    {"4F00: to=<a@b.test>, status=expired, returned to sender", NULL},
    {"4F-0: from=<a@b.test>, status=expired, returned to sender", NULL},
};

static void
expiry_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(expiries) / sizeof(expiries[0]); i++) {
		struct str id;
		bool is_one = expiry_parse(str_of(expiries[i].text), &id);

		assert_int_equal(is_one, expiries[i].queue_id != NULL);
		if (is_one && expiries[i].queue_id != NULL)
			assert_true(str_is(id, expiries[i].queue_id));
	}
}

/* Addresses are quoted from Postfix 3.5 on. */
static const struct {
	const char *text;
	bool starts, quotes;
} starts[] = {
    {"daemon started -- version 3.7.11, configuration /etc/postfix", true, true},
    {"reload -- version 3.5.0, configuration /etc/postfix", true, true},
    {"daemon started -- version 3.4.23, configuration /etc/postfix", true, false},
    {"daemon started -- version 2.11.0, configuration /etc/postfix", true, false},
    {"daemon started -- version 4.0, configuration /etc/postfix", true, true},
    {"daemon started -- version 3", true, false},
    {"daemon started -- version x.5", true, false},
    {"daemon started -- version 3.", true, false},
    {"daemon started -- version 3.5", true, true},
    {"daemon started -- version 3.99999", true, false},
    {"terminating on signal 15", false, false},
};

static void
start_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		assert_int_equal(start_parse(str_of(starts[i].text)), starts[i].starts);
		assert_int_equal(start_quotes(str_of(starts[i].text)), starts[i].quotes);
	}
}

static void
long_queue_id_is_none(void **state)
{
	char text[300];
	struct reason_line r;

	(void)state;
	memset(text, 'A', sizeof(text));
	strcpy(text + 255, ": Server certificate not verified");
	assert_true(reason_parse(str_of(text), &r));
	memset(text, 'A', sizeof(text));
	strcpy(text + 256, ": Server certificate not verified");
	assert_false(reason_parse(str_of(text), &r));
}

static void
policy_lines_are_read(void **state)
{
	struct policy_line p;

	(void)state;
	assert_true(policy_parse(
	    STR("TLS policy lookup for [mx.d.test]:587/mx.d.test: no TLSA records found"),
	    &p));
	assert_true(str_is(p.nexthop, "[mx.d.test]:587"));
	assert_true(str_is(p.host, "mx.d.test"));
	assert_true(str_is(p.reason, "no TLSA records found"));
	assert_true(policy_parse(STR("TLS policy lookup error for d.test/m: client TLS "
	                             "configuration problem"),
	    &p));
	assert_true(policy_parse(
	    STR("TLS policy lookup for d.test/m: TLSA lookup error for m:25"), &p));
	assert_true(policy_parse(
	    STR("TLS policy lookup for d.test/m: non DNSSEC destination"), &p));
	assert_true(policy_parse(
	    STR("TLS policy lookup for d.test/m: TLSA records unusable"), &p));
	/* what only a server can be the reason of */
	assert_false(policy_parse(
	    STR("TLS policy lookup for d.test/m: Server certificate not verified"), &p));
	assert_false(policy_parse(
	    STR("TLS policy lookup for d.test/m: Cannot start TLS: handshake failure"),
	    &p));
	assert_false(policy_parse(STR("TLS policy lookup for d.test: x"), &p));
	assert_false(policy_parse(STR("TLS policy lookup for /m: x"), &p));
	assert_false(policy_parse(STR("TLS policy lookup for "), &p));
	assert_true(policy_parse(
	    STR("TLS policy lookup for d.test/m: Temporary lookup error"), &p));
	assert_false(
	    policy_parse(STR("TLS policy lookup for d.test: no TLSA records found"), &p));
	assert_false(
	    policy_parse(STR("TLS policy lookup for /m: no TLSA records found"), &p));
}

static void
servers_that_are_passed_over(void **state)
{
	struct fault_line f;
	struct reason_line r;

	(void)state;
	assert_true(fault_parse(STR("certificate verification failed for "
	                            "mx.a.test[192.0.2.1]:25: self-signed certificate"),
	    &f));
	assert_int_equal(f.step, TLS_CERTIFICATE);
	assert_true(str_is(f.host, "mx.a.test"));
	assert_true(fault_parse(STR("server certificate verification failed for "
	                            "m[fd53::1]:25: num=62:hostname mismatch"),
	    &f));
	assert_true(fault_parse(
	    STR("CA certificate verification failed for m[1]:25: num=65:x"), &f));
	assert_true(
	    fault_parse(STR("SSL_connect error to m[1]:25: lost connection"), &f));
	assert_int_equal(f.step, TLS_HANDSHAKE);
	assert_false(fault_parse(STR("SSL_connect error to smtp.example: -1"), &f));
	assert_false(fault_parse(STR("SSL_connect error to [1]:25: -1"), &f));
	assert_false(fault_parse(STR("certificate verification failed for"), &f));

	assert_true(reason_parse(STR("4jYQBx: Server certificate not verified"), &r));
	assert_true(str_is(r.queue_id, "4jYQBx"));
	assert_true(str_is(r.reason, "Server certificate not verified"));
	assert_int_equal(r.step, TLS_CERTIFICATE);
	assert_int_equal(r.host.len, 0);
	assert_true(reason_parse(STR("QA: Server certificate not trusted"), &r));
	assert_true(reason_parse(STR("QA: Cannot start TLS: handshake failure"), &r));
	assert_int_equal(r.step, TLS_HANDSHAKE);
	assert_true(reason_parse(
	    STR("QA: TLS is required, but was not offered by host mx.a.test[1]"), &r));
	assert_int_equal(r.step, TLS_START);
	assert_true(str_is(r.host, "mx.a.test"));
	assert_true(
	    reason_parse(STR("QA: TLS is required, but host m[1] refused to start "
	                     "TLS: 454 by host x[2]"),
	        &r));
	assert_true(str_is(r.host, "m"));
	assert_true(reason_parse(
	    STR("QA: TLS is required, but our TLS engine is unavailable"), &r));
	assert_int_equal(r.host.len, 0);
	assert_false(reason_parse(
	    STR("QA: host m[1] said: 450 Server certificate not verified"), &r));
	assert_false(reason_parse(STR("Server certificate not verified"), &r));
	assert_false(reason_parse(STR(": Server certificate not verified"), &r));
	assert_false(reason_parse(STR("QA: "), &r));
	assert_false(reason_parse(STR("Q/A: Server certificate not verified"), &r));
}

/* {REASON, the server that it names}: smtp_proto.c, smtp_trouble.c, smtp_tls_policy.c */
static const char *const server_rows[][2] = {
    {"TLS is required, but was not offered by host MX.a.test[192.0.2.1]", "MX.a.test"},
    {"TLS is required, but was not offered by host mx.a.test[2001:db8::1]", "mx.a.test"},
    {"TLS is required, but host mx.a.test[192.0.2.1] refused to start TLS: 454 host "
     "mx.b.test[192.0.2.2]",
        "mx.a.test"},
    {"lost connection with mx.a.test[192.0.2.1] while receiving the STARTTLS response",
        "mx.a.test"},
    {"conversation with mx.a.test[192.0.2.1] timed out while receiving the STARTTLS "
     "response",
        "mx.a.test"},
    {"host mx.a.test[192.0.2.1] said: 454 4.7.0 no (in reply to MAIL FROM command)",
        "mx.a.test"},
    {"TLSA lookup error for mx.a.test:25", "mx.a.test"},
    {"TLSA lookup error for mx.a.test", ""},
    {"Server certificate not verified", ""},
    {"Cannot start TLS: handshake failure", ""},
    {"TLS is required, but our TLS engine is unavailable", ""},
    {"TLS is required, but unavailable[x]", ""},
    {"TLS is required, but was not offered by host [192.0.2.1]", ""},
    {"TLS is required, but was not offered by host mx a.test[192.0.2.1]", ""},
    {"", ""},
};

static void
server_is_named(void **state)
{
	const char *const *row = *state;
	struct str server = reason_server(str_of(row[0]));

	assert_true(str_is(server, row[1]));
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		suite_add(status_is, &statuses[i], "status line: %s", statuses[i].name);
	suite_add(seconds_are_exact, NULL, "seconds are read to the microsecond");
	suite_add(cut_lines_are_refused, NULL, "a line cut anywhere is refused");
	suite_add(sessions_are_read, NULL, "TLS session lines are read");
	for (size_t i = 0; i < sizeof(no_sessions) / sizeof(no_sessions[0]); i++)
		suite_add(
		    session_is_refused, no_sessions[i], "no session: %s", no_sessions[i]);
	suite_add(expiry_is, NULL, "a message that expired is known by its line");
	suite_add(start_is, NULL, "from which version on addresses are quoted");
	suite_add(long_queue_id_is_none, NULL, "a queue id has no more than 255 letters");
	suite_add(policy_lines_are_read, NULL, "TLS policy look-ups name the next-hop");
	suite_add(servers_that_are_passed_over, NULL,
	    "lines of servers that are passed over are read");
	for (size_t i = 0; i < sizeof(server_rows) / sizeof(server_rows[0]); i++)
		suite_add(server_is_named, server_rows[i], "the server of: %s",
		    server_rows[i][0]);
	return suite_run();
}
