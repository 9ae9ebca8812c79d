/* SPDX-License-Identifier: BSD-2-Clause */
/* A line of the log into its stamp, program and text: lines made by hand. */
#include "suite.h"

#include "base/buf.h"
#include "core/logline.h"

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
    {"2025-01-26 01:03:02+00:00 mail postfix/smtp[9]: panic: x", "smtp", 9, 2025, 1, 26,
        1, 3, 2, 0, 0, "x"},
    {"2025-01-26T01:03:02Z mail postfix/smtp[9]: error: x", "smtp", 9, 2025, 1, 26, 1, 3,
        2, 0, 0, "x"},
    {"mx_1.a-b  | 2025-01-26T01:03:02Z postfix/smtp[9]: fatal: x", "smtp", 9, 2025, 1, 26,
        1, 3, 2, 0, 0, "x"},
    {"<22>1 2026-09-10T13:18:46Z mx postfix/smtp 417 - [a b=\"\\\"]\"] x", "smtp", 417,
        2026, 9, 10, 13, 18, 46, 0, 0, "x"},
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

#define SMTP " mail postfix/smtp[1]: x"

/* One thing is wrong with each. */
static const char *const refused[] = {
    /* traditional stamps */
    "Nov 04 x4:26:31" SMTP, "Nov 04 0x:26:31" SMTP, "Nov 04 04:x6:31" SMTP,
    "Nov 04 04:60:31" SMTP, "Nov 04 04:26:x1" SMTP, "Nov 04 04:26:61" SMTP,
    "Nov 04 04.26:31" SMTP, "Nov 04 04:26.31" SMTP, "Nov 04 04:26:31." SMTP,
    "Nov 04 04:26:31", "Nov 04 04:26:31.5", "Nov 04 04:26:31postfix/smtp[1]: x",
    "Nov  x 04:26:31" SMTP, "Nov  0 04:26:31" SMTP, "Nov 00 04:26:31" SMTP,
    "Novx04 04:26:31" SMTP, "Nov 04x04:26:31" SMTP, "2013", "2013 ",
    "2013xJun 10 06:28:18" SMTP, "0000 Jun 10 06:28:18" SMTP,
    /* those of RFC 3339 */
    "0000-01-26T01:03:02Z" SMTP, "2025x01-26T01:03:02Z" SMTP, "2025-01x26T01:03:02Z" SMTP,
    "2025-01-26x01:03:02Z" SMTP, "2025-00-26T01:03:02Z" SMTP, "2025-x1-26T01:03:02Z" SMTP,
    "2025-01-00T01:03:02Z" SMTP, "2025-01-32T01:03:02Z" SMTP, "2025-01-xxT01:03:02Z" SMTP,
    "2025-01-26", "2025-01-26T25:03:02Z" SMTP, "2025-01-26T01:03:02.Z" SMTP,
    "2025-01-26T01:03:02Zmail", "2025-01-26T01:03:02", "2025-01-26T01:03:02+01",
    "2025-01-26T01:03:02+16:00" SMTP, "2025-01-26T01:03:02+x1:00" SMTP,
    "2025-01-26T01:03:02+01:60" SMTP, "2025-01-26T01:03:02-01:x0" SMTP,
    "2025-01-26T01:03:02*01:00" SMTP,
    /* programs */
    "Nov 04 04:26:31 mail postfix/smtp12]: x", "Nov 04 04:26:31 mail /smtp[12]: x",
    "Nov 04 04:26:31 mail postfix/sm$tp[12]: x", "Nov 04 04:26:31 mail postfix/[12]: x",
    "Nov 04 04:26:31 mail", "Nov 04 04:26:31 mail ",
    "Nov 04 04:26:31 mail postfix/smtp[12]:", "Nov 04 04:26:31 mail postfix/smtp[12] x",
    "Nov 04 04:26:31 mail postfix/smtp[12: x",
    /* what docker puts in front */
    "\x1b(0mmx-1 | Nov 04 04:26:31" SMTP, "\x1b[", "\x1b[3", "\x1b[3x", "mx-1", "mx-1 ",
    "mx-1 |", "mx-1 |Nov 04 04:26:31" SMTP, "mx-1| Nov 04 04:26:31" SMTP,
    "mx:1 | Nov 04 04:26:31" SMTP, "\x1b[111111111111111111mmx-1 | Nov 04 04:26:31" SMTP,
    /* RFC 5424 */
    "<", "<22", "<22>", "<2222>1 2026-09-10T13:18:46Z mx postfix/smtp 417 - - x",
    "<x>1 2026-09-10T13:18:46Z mx postfix/smtp 417 - - x",
    "<22>1 - mx postfix/smtp 417 - - x", "<22>1 2026-09-10T13:18:46Z",
    "<22>1 2026-09-10T13:18:46Z mx", "<22>1 2026-09-10T13:18:46Z mx postfix/smtp",
    "<22>1 2026-09-10T13:18:46Z mx postfix/smtp 417",
    "<22>1 2026-09-10T13:18:46Z mx postfix/smtp 417 -",
    "<22>1 2026-09-10T13:18:46Z mx postfix/smtp 417 - ",
    "<22>1 2026-09-10T13:18:46Z mx postfix/smtp 417 - x y",
    "<22>1 2026-09-10T13:18:46Z mx postfix/smtp 417 - -x",
    "<22>1 2026-09-10T13:18:46Z mx /smtp 417 - - x",
    "<22>1 2026-09-10T13:18:46Z mx postfix/sm$tp 417 - - x",
    "<22>1 2026-09-10T13:18:46Z mx postfix/smtp 417 - [a b=\"c\\"};

static void
refused_is(void **state)
{
	const char *text = *state;
	struct logline line;

	assert_false(logline_split(str_of(text), &line));
}

/* A name that is longer than any of a container is none. */
static void
long_container_is_refused(void **state)
{
	char text[400];
	struct logline line;

	(void)state;
	memset(text, 'a', sizeof(text));
	strcpy(text + 255, " | Nov 04 04:26:31" SMTP);
	assert_true(logline_split(str_of(text), &line));
	memset(text, 'a', sizeof(text));
	strcpy(text + 257, " | Nov 04 04:26:31" SMTP);
	assert_false(logline_split(str_of(text), &line));
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
	    {"Sep 10 13:18:46 srv mailu-smtp[x]: postfix/smtp[1]: x", "mailu-smtp", NULL},
	    {"Sep 10 13:18:46 srv mailu-smtp[4] postfix/smtp[1]: x", "mailu-smtp", NULL},
	    {"Sep 10 13:18:46 srv mailu-smtp postfix/smtp[1]: x", "mailu-smtp", NULL},
	    {"Sep 10 13:18:46 srv", "mailu-smtp", NULL},
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
	assert_true(logline_is_like_status(
	    STR("4F_0: to=<u@d.test>, relay=none, delay=1, status=sent (x)")));
	assert_false(logline_is_like_status(
	    STR(": to=<u@d.test>, relay=none, delay=1, status=sent (x)")));
	assert_false(logline_is_like_status(
	    STR("4F00: to=<u@d.test>, relay=none, status=sent (x)")));
	assert_false(
	    logline_is_like_status(STR("4F00: to=<u@d.test>, relay=none, delay=1, x")));
	assert_false(logline_is_like_status(STR("")));
}

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
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		suite_add(refused_is, refused[i], "refused: %s", refused[i]);
	suite_add(long_container_is_refused, NULL,
	    "the name of a container has no more than 255 letters");
	suite_add(nested_is, NULL, "a nested line is read of the named program alone");
	suite_add(like_status_is, NULL, "what looks like a status line is known");
	suite_add(heads_change_nothing, NULL,
	    "a line that begins as the one before is split as if it stood alone");
	suite_add(process_ids_are_read_alike, NULL,
	    "so is one that is the same up to its process id");
	return suite_run();
}
