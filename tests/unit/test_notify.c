/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fake.h"
#include "publish/notify.h"

#define FIXED \
	"Auto-Submitted: auto-generated\nTLS-Required: no\nMIME-Version: 1.0\n" \
	"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"

struct mail_row {
	const char *name;
	struct notify_mail mail;
	const char *text;
};

static const struct mail_row mail_rows[] = {
    {"a plain mail",
        {"postmaster@example.org", "tlsladder@example.org", "3 destinations", "a\nb\n"},
        "From: tlsladder <tlsladder@example.org>\nTo: <postmaster@example.org>\n"
        "Subject: 3 destinations\n" FIXED "a\nb\n"},
    {"no sender", {"postmaster", "", "s", "a"},
        "To: <postmaster>\nSubject: s\n" FIXED "a\n"},
    {"a subject with line breaks is one line",
        {"postmaster", "", "s\nBcc: all@example.org\r\n\r\nbody", "a\n"},
        "To: <postmaster>\nSubject: s Bcc: all@example.org    body\n" FIXED "a\n"},
    {"an encoded subject with line breaks is one line",
        {"postmaster", "", "b\xc3\xbc\nBcc: x", "a\n"},
        "To: <postmaster>\nSubject: =?UTF-8?Q?b=C3=BC=20Bcc=3A=20x?=\n" FIXED "a\n"},
    {"a long encoded subject is folded between characters",
        {"postmaster", "",
            "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3"
            "\xbc",
            "a\n"},
        "To: <postmaster>\nSubject: =?UTF-8?Q?=C3=BC=C3=BC=C3=BC=C3=BC=C3=BC=C3=BC=C3=BC"
        "=C3=BC=C3=BC?=\n =?UTF-8?Q?=C3=BC?=\n" FIXED "a\n"},
    {"control bytes in the body are no control bytes",
        {"postmaster", "", "s", "a\r\n\x1b[31m\tb\n.\n"},
        "To: <postmaster>\nSubject: s\n" FIXED "a?\n?[31m\tb\n.\n"},
    {"no body", {"postmaster", "", "s", ""}, "To: <postmaster>\nSubject: s\n" FIXED},
};

static void
mail_is(void **state)
{
	const struct mail_row *row = *state;
	struct buf out = {0};

	notify_print(&row->mail, &out);
	assert_string_equal(buf_text(&out), row->text);
	buf_clear(&out);
}

static void
long_subject_is_cut(void **state)
{
	char subject[301];
	struct notify_mail mail = {"postmaster", "", subject, ""};
	struct buf out = {0};
	const char *line;

	(void)state;
	memset(subject, 'x', 300);
	subject[300] = '\0';
	notify_print(&mail, &out);
	line = strstr(buf_text(&out), "Subject: ");
	assert_non_null(line);
	assert_int_equal(strcspn(line, "\n"), strlen("Subject: ") + 200);
	buf_clear(&out);
}

static const char *const addresses[] = {"postmaster", "postmaster@example.org",
    "a+b=c@example.org", "post.master@b\xc3\xbc\x63her.test"};
static const char *const no_addresses[] = {"", "-t", "a b@example.org", "a@example.org,b",
    "<a@example.org>", "a@example.org\nBcc: b", "\"a b\"@example.org", "|cat", "a:b"};

static void
is_address(void **state)
{
	assert_true(notify_is_address(*state));
}

static void
is_no_address(void **state)
{
	struct notify_mail to = {*state, "", "s", "b"};
	struct notify_mail from = {"postmaster", *state, "s", "b"};
	struct err err;

	fake_reset();
	assert_false(notify_is_address(*state));
	assert_false(notify_send(&fake_postfix, &to, &err));
	assert_string_equal(err.text, "notify.to is not one plain mail address");
	if (from.from[0] != '\0')
		assert_false(notify_send(&fake_postfix, &from, &err));
	fake_assert("sendmail.calls", "");
}

struct send_row {
	const char *name;
	const char *from;
	const char *calls;
};

static const struct send_row send_rows[] = {
    {"with a sender", "tlsladder@example.org",
        "sendmail [-C] [/etc/postfix-9] [-i] [-f] [tlsladder@example.org] [--] "
        "[postmaster]\n"},
    {"without a sender", "",
        "sendmail [-C] [/etc/postfix-9] [-i] [-F] [tlsladder] [--] [postmaster]\n"},
};

static void
mail_is_sent(void **state)
{
	const struct send_row *row = *state;
	struct notify_mail mail = {"postmaster", row->from, "s", "b\n"};
	struct buf expected = {0};
	struct err err;
	char *calls, *input;

	fake_reset();
	fake_put("postconf.out", "\n"); /* this Postfix does not know where it is */
	assert_true(notify_send(&fake_postfix, &mail, &err));
	calls = fake_get("sendmail.calls");
	input = fake_get("sendmail.input");
	notify_print(&mail, &expected);
	assert_string_equal(calls, row->calls);
	assert_string_equal(input, buf_text(&expected));
	buf_clear(&expected);
	free(calls);
	free(input);
}

static void
command_has_the_text(void **state)
{
	static char *reads[] = {(char *)"/bin/sh", (char *)"-c",
	    (char *)"read -r s; read -r e; read -r b; test \"$s,$e,$b\" = 'two "
	            "words,,a?b'"};
	static char *fails[] = {(char *)"false"};
	struct notify_mail mail = {"", "", "two\nwords",
	    "a\x1b"
	    "b\n"};
	struct err err;

	(void)state;
	assert_true(notify_run(reads, 3, &mail, &err));
	assert_false(notify_run(fails, 1, &mail, &err));
	assert_string_equal(err.text, "false: exit status 1");
}

static void
path_of_postfix_is_used(void **state)
{
	struct notify_mail mail = {"postmaster", "", "s", "b\n"};
	struct err err;

	(void)state;
	fake_reset();
	fake_put("postconf.out", "/nonexistent/sendmail\n");
	assert_false(notify_send(&fake_postfix, &mail, &err));
	assert_non_null(strstr(err.text, "/nonexistent/sendmail: exit status 127"));
	fake_assert(
	    "postconf.calls", "postconf [-c] [/etc/postfix-9] [-h] [sendmail_path]\n");
}

static void
refusal_is_told(void **state)
{
	struct notify_mail mail = {"postmaster", "", "s", "b\n"};
	struct err err;

	(void)state;
	fake_reset();
	fake_put("postconf.status", "1");
	fake_put("sendmail.err", "sendmail: fatal: Queue file write error\n");
	fake_put("sendmail.status", "75");
	assert_false(notify_send(&fake_postfix, &mail, &err));
	assert_string_equal(err.text,
	    "sendmail: exit status 75: sendmail: fatal: Queue file write error");
}

int
main(void)
{
	int failed;

	fake_begin();
	FAKE_ROWS(mail_is, mail_rows, "mail: %s", mail_rows[i].name);
	suite_add(long_subject_is_cut, NULL, "a long subject is cut");
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		suite_add(is_address, addresses[i], "address %zu is one", i + 1);
	for (size_t i = 0; i < sizeof(no_addresses) / sizeof(no_addresses[0]); i++)
		suite_add(is_no_address, no_addresses[i], "address %zu is none", i + 1);
	FAKE_ROWS(mail_is_sent, send_rows, "sent %s", send_rows[i].name);
	suite_add(command_has_the_text, NULL,
	    "a command has subject and text on its standard input");
	suite_add(path_of_postfix_is_used, NULL, "sendmail is where Postfix says");
	suite_add(refusal_is_told, NULL, "a refusal is reported");
	failed = suite_run();
	fake_end();
	return failed;
}
