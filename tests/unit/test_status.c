/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines into events: lines made by hand. */
#include "suite.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/logline.h"
#include "core/status.h"

/* --- prefixes ---------------------------------------------------------------------- */

struct prefix_row {
	const char *line;
	const char *service; /* NULL: refused */
	unsigned pid;
	int year, month, day, hour, minute, second;
	int microsecond;
	int zone; /* minutes, 9999: none written */
	const char *text;
};

static const struct prefix_row prefixes[] = {
    {"Nov  4 01:26:31 mail postfix/smtp[12]: x", "smtp", 12, 0, 11, 4, 1, 26, 31, 0, 9999,
        "x"},
    {"Nov 04 01:26:31 mail postfix/smtp[12]: x", "smtp", 12, 0, 11, 4, 1, 26, 31, 0, 9999,
        "x"},
    {"Feb 29 23:59:60 postfix/relay/smtp[1]: x", "relay/smtp", 1, 0, 2, 29, 23, 59, 60, 0,
        9999, "x"},
    {"2013 Jun 10 06:28:18.123 h postfix/qmgr[7]: x", "qmgr", 7, 2013, 6, 10, 6, 28, 18,
        123000, 9999, "x"},
    {"2025-01-26T01:03:02.997382+01:00 mail postfix/smtp[9]: x", "smtp", 9, 2025, 1, 26,
        1, 3, 2, 997382, 60, "x"},
    {"2025-01-26T01:03:02Z mail mx-out/smtp[9]: x", "smtp", 9, 2025, 1, 26, 1, 3, 2, 0, 0,
        "x"},
    {"2019-05-16T02:13:51-0330 001.mia postfix-inbound/smtp[3]: x", "smtp", 3, 2019, 5,
        16, 2, 13, 51, 0, -210, "x"},
    {"2024-12-30T12:16:31.9+01:00 WARNING postfix/smtp[4]: warning: x", "smtp", 4, 2024,
        12, 30, 12, 16, 31, 900000, 60, "x"},
    {"postfix-1   | Feb 14 15:24:13 183ccece54a3 postfix/smtp[459]: x", "smtp", 459, 0, 2,
        14, 15, 24, 13, 0, 9999, "x"},
    {"postfix/smtp[2379]: 6E72A101196: to=<", "smtp", 2379, 0, 0, 0, 0, 0, 0, 0, 9999,
        "6E72A101196: to=<"},
    {"Nov  4 01:26:31 mail a/b/c/smtp[12]: x", "b/c/smtp", 12, 0, 11, 4, 1, 26, 31, 0,
        9999, "x"},
    {"2026-09-10T13:18:46.685309102Z Sep 10 15:18:46 mx postfix/smtp[417]: x", "smtp",
        417, 2026, 9, 10, 13, 18, 46, 685309, 0, "x"},
    {"postfix-1  | 2026-09-10T13:18:46.685309102Z Sep 10 15:18:46 mx postfix/smtp[4]: x",
        "smtp", 4, 2026, 9, 10, 13, 18, 46, 685309, 0, "x"},
    {"\x1b[36mpostfix-1  |\x1b[0m Feb 14 15:24:13 h postfix/smtp[459]: x", "smtp", 459, 0,
        2, 14, 15, 24, 13, 0, 9999, "x"},
    {"\x1b[1;36mpostfix-1  | \x1b[0mFeb 14 15:24:13 h postfix/smtp[459]: x", "smtp", 459,
        0, 2, 14, 15, 24, 13, 0, 9999, "x"},
    {"Nov 26 10:00:00 host mail.info postfix/smtp[1]: x", "smtp", 1, 0, 11, 26, 10, 0, 0,
        0, 9999, "x"},
    {"<22>1 2026-09-10T13:18:46.685309+02:00 mx postfix/smtp 417 - - x", "smtp", 417,
        2026, 9, 10, 13, 18, 46, 685309, 120, "x"},
    {"<22>1 2026-09-10T13:18:46Z mx postfix/a/smtp 417 - -  warning: x", "a/smtp", 417,
        2026, 9, 10, 13, 18, 46, 0, 0, "x"},
    {"<22>1 2026-09-10T13:18:46Z mx postfix/smtp 417 - [timeQuality tz=\"1\"][a b=\"]\"] "
     "\xef\xbb\xbfx",
        "smtp", 417, 2026, 9, 10, 13, 18, 46, 0, 0, "x"},
    /* refused */
    {"<22>1 2026-09-10T13:18:46Z mx postfix 417 - - x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        NULL},
    {"<22>2 2026-09-10T13:18:46Z mx postfix/smtp 417 - - x", NULL, 0, 0, 0, 0, 0, 0, 0, 0,
        0, NULL},
    {"<22>1 2026-09-10T13:18:46Z mx postfix/smtp 417 - [a b=\"c\" x", NULL, 0, 0, 0, 0, 0,
        0, 0, 0, 0, NULL},
    {"<22>1 2026-09-10T13:18:46Z mx postfix/smtp - - - x", NULL, 0, 0, 0, 0, 0, 0, 0, 0,
        0, NULL},
    {"<22>1 2026-09-10T13:18:46Z mx evil 417 - - postfix/smtp[1]: x", NULL, 0, 0, 0, 0, 0,
        0, 0, 0, 0, NULL},
    {"<999>1 2026-09-10T13:18:46Z mx postfix/smtp 417 - - x", NULL, 0, 0, 0, 0, 0, 0, 0,
        0, 0, NULL},
    {"Nov 26 10:00:00 host mail.none postfix/smtp[1]: x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        NULL},
    {"Nov 26 10:00:00 host evil postfix/smtp[1]: x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        NULL},
    {"2026-09-10T13:18:46.68Z mx evil: Sep 10 15:18:46 mx postfix/smtp[417]: x", NULL, 0,
        0, 0, 0, 0, 0, 0, 0, 0, NULL},
    {"set 10 13:18:46 mx postfix/smtp[417]: x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL},
    {"\x1b[36mevil\x1b[0m: Sep 10 15:18:46 mx postfix/smtp[417]: x", NULL, 0, 0, 0, 0, 0,
        0, 0, 0, 0, NULL},
    {"", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL},
    {"Nov  4 01:26:31 mail smtp[12]: x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL},
    {"Nov  4 01:26:31 mail postfix/smtp: x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL},
    {"Nov  4 01:26:31 mail postfix/smtp[x]: x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL},
    {"Nov  4 01:26:31 mail postfix/smtp[]: x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL},
    {"Nov  4 01:26:31 mail postfix/smtp[99999999999]: x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        NULL},
    {"Nov 32 01:26:31 mail postfix/smtp[1]: x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL},
    {"Nov 04 24:26:31 mail postfix/smtp[1]: x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL},
    {"Nox 04 04:26:31 mail postfix/smtp[1]: x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL},
    {"2025-13-26T01:03:02Z mail postfix/smtp[9]: x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        NULL},
    {"2025-01-26T01:03:02 mail postfix/smtp[9]: x", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        NULL},
    {"Dec 15 13:15:06 srv mailu-smtp[4062297]: Dec 15 05:15:06 srv postfix/smtp[19390]: "
     "x",
        NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL},
    {"Jan 25 10:03:24|1548410604|host postfix/smtp[30521]: x", NULL, 0, 0, 0, 0, 0, 0, 0,
        0, 0, NULL},
    {"4jYQBx3n2tz1bYNB: to=<a@b.test>, relay=none", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        NULL},
};

static void
prefix_is(void **state)
{
	const struct prefix_row *row = *state;
	struct logline line;

	if (row->service == NULL) {
		assert_false(logline_split(str_of(row->line), &line));
		return;
	}
	assert_true(logline_split(str_of(row->line), &line));
	assert_true(str_is(line.service, row->service));
	assert_int_equal(line.pid, row->pid);
	assert_int_equal(line.stamp.year, row->year);
	assert_int_equal(line.stamp.month, row->month);
	assert_int_equal(line.stamp.day, row->day);
	assert_int_equal(line.stamp.hour, row->hour);
	assert_int_equal(line.stamp.minute, row->minute);
	assert_int_equal(line.stamp.second, row->second);
	assert_int_equal(line.stamp.microsecond, row->microsecond);
	assert_int_equal(line.stamp.has_zone, row->zone != 9999);
	if (row->zone != 9999)
		assert_int_equal(line.stamp.zone_minutes, row->zone);
	assert_true(str_is(line.text, row->text));
}

static void
nested_is(void **state)
{
	static const struct {
		const char *line;
		const char *outer;
		const char *text; /* NULL: refused */
	} rows[] = {
	    {"Sep 10 13:18:46 srv mailu-smtp[40]: Sep 10 05:18:46 h postfix/smtp[1]: x",
	        "mailu-smtp", "x"},
	    {"Sep 10 13:18:46 mailu-smtp: Sep 10 05:18:46 h postfix/smtp[1]: x",
	        "mailu-smtp", "x"},
	    {"Sep 10 13:18:46 srv docker/mx[40]:  postfix/smtp[1]: x", "docker/mx", "x"},
	    {"Sep 10 13:18:46 srv mailu-smtp[40]: Sep 10 05:18:46 h postfix/smtp[1]: x",
	        "mailu", NULL},
	    {"Sep 10 13:18:46 srv mailu-smtp[40]: Sep 10 05:18:46 h postfix/smtp[1]: x",
	        "", NULL},
	    {"Sep 10 13:18:46 srv evil[40]: mailu-smtp[40]: postfix/smtp[1]: x",
	        "mailu-smtp", NULL},
	    {"Sep 10 13:18:46 srv mailu-smtp[40]: said: postfix/smtp[1]: x", "mailu-smtp",
	        NULL},
	    {"mailu-smtp[40]: Sep 10 05:18:46 h postfix/smtp[1]: x", "mailu-smtp", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct logline line;
		bool good = logline_split_nested(
		    str_of(rows[i].line), str_of(rows[i].outer), &line);

		assert_int_equal(good, rows[i].text != NULL);
		if (rows[i].text == NULL)
			continue;
		assert_true(str_is(line.text, rows[i].text));
		assert_int_equal(line.stamp.hour, 13);
	}
}

static void
like_status_is(void **state)
{
	(void)state;
	assert_true(logline_is_like_status(
	    STR("{\"log\":\"4F00: to=<u@d.test>, relay=none, delay=1, status=sent (x)")));
	assert_false(logline_is_like_status(
	    STR("dovecot: : to=<u@d.test>, relay=none, delay=1, status=sent (x)")));
	assert_false(logline_is_like_status(STR("4F00: to=<u@d.test>, status=sent (x)")));
	assert_false(logline_is_like_status(STR("job: a, status=done")));
	assert_false(logline_is_like_status(STR("")));
}

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
	assert_false(policy_parse(STR("TLS policy lookup for d.test: x"), &p));
	assert_false(policy_parse(STR("TLS policy lookup for /m: x"), &p));
	assert_false(policy_parse(STR("TLS policy lookup for "), &p));
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

/* --- lines that begin as the one before -------------------------------------------- */

static bool
same_str(struct str a, struct str b)
{
	return a.p == b.p && a.len == b.len;
}

/* Behind that line, is this one split as if it stood alone? */
static void
assert_splits_alike(struct str before, struct str line)
{
	struct logline_head head = {0};
	struct logline alone, next, ignored;
	bool good = logline_split(line, &alone);

	logline_split_next(&head, before, &ignored);
	if (logline_split_next(&head, line, &next) != good)
		fail_msg("\"%.*s\" behind \"%.*s\"", STR_ARG(line), STR_ARG(before));
	if (good &&
	    (memcmp(&alone.stamp, &next.stamp, sizeof(alone.stamp)) != 0 ||
	        !same_str(alone.tag, next.tag) ||
	        !same_str(alone.service, next.service) ||
	        !same_str(alone.program, next.program) || alone.pid != next.pid ||
	        !same_str(alone.text, next.text) ||
	        alone.has_severity != next.has_severity))
		fail_msg("\"%.*s\" behind \"%.*s\"", STR_ARG(line), STR_ARG(before));
}

/* Where the program of a line begins; 0: it has none. */
static size_t
head_len(const char *text)
{
	struct logline line;

	return logline_split(str_of(text), &line) ? (size_t)(line.tag.p - text) : 0;
}

/* The heads of all lines before the rests of all others, whole and not quite. */
static void
heads_change_nothing(void **state)
{
	static const char *const between[] = {"", " ", "  ", "x", "mail ", "| ", "\t"};
	size_t count = sizeof(prefixes) / sizeof(prefixes[0]);
	struct buf made = {0};

	(void)state;
	for (size_t i = 0; i < count * count; i++) {
		const char *before = prefixes[i / count].line, *other;
		size_t len = head_len(before);

		other = prefixes[i % count].line;
		assert_splits_alike(str_of(before), str_of(other));
		for (size_t k = 0; k < sizeof(between) / sizeof(between[0]); k++) {
			for (size_t cut = 0; cut < 2 && cut <= len; cut++) {
				buf_reset(&made);
				buf_add(&made, before, len - cut);
				buf_printf(&made, "%s%s", between[k],
				    other + (cut == 0 ? head_len(other) : 0));
				assert_splits_alike(str_of(before),
				    (struct str){buf_text(&made), made.len});
			}
		}
	}
	buf_clear(&made);
}

/* All up to the bracket before the process id, and then what is one and what is not. */
static void
process_ids_are_read_alike(void **state)
{
	static const char *const behind[] = {"", "1", "1]", "1]:", "1]: ", "]: x",
	    "1]: x", "1] : x", "1]:x", "1]x: x", "1x]: x", " 1]: x", "1 ]: x", "-1]: x",
	    "+1]: x", "0]: x", "0000000000000000000000001]: x", "4294967295]: x",
	    "4294967296]: x", "99999999999999999999999999]: x", "1[2]: x", "[1]: x",
	    "1]: x]: y", "1/smtp[2]: x", "1]: warning: x",
	    "1]: warning:", "1]: fatal: error: x"};
	struct buf made = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		const char *before = prefixes[i].line;
		const char *bracket = strchr(before + head_len(before), '[');

		for (size_t k = 0;
		     bracket != NULL && k < sizeof(behind) / sizeof(behind[0]); k++) {
			buf_reset(&made);
			buf_add(&made, before, (size_t)(bracket + 1 - before));
			buf_printf(&made, "%s", behind[k]);
			assert_splits_alike(
			    str_of(before), (struct str){buf_text(&made), made.len});
		}
	}
	buf_clear(&made);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		suite_add(prefix_is, &prefixes[i], "prefix %s", prefixes[i].line);
	suite_add(nested_is, NULL, "a nested line is read of the named program alone");
	suite_add(like_status_is, NULL, "what looks like a status line is known");
	suite_add(heads_change_nothing, NULL,
	    "a line that begins as the one before is split as if it stood alone");
	suite_add(process_ids_are_read_alike, NULL,
	    "so is one that is the same up to its process id");
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		suite_add(status_is, &statuses[i], "status line: %s", statuses[i].name);
	suite_add(seconds_are_exact, NULL, "seconds are read to the microsecond");
	suite_add(cut_lines_are_refused, NULL, "a line cut anywhere is refused");
	suite_add(sessions_are_read, NULL, "TLS session lines are read");
	suite_add(policy_lines_are_read, NULL, "TLS policy look-ups name the next-hop");
	suite_add(servers_that_are_passed_over, NULL,
	    "lines of servers that are passed over are read");
	return suite_run();
}
