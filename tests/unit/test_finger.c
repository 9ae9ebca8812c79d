/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How posttls-finger is asked, how often, and what its answers come to together. What it
 * prints is taken from tests/cases/finger.cases.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fake.h"
#include "postfix/finger.h"
#include "sys/clock.h"

#define CONNECTIONS_MAX 3

/* Plays N.out at the Nth call. */
#define PLAYER \
	"n=0\n" \
	"while read -r call; do n=$((n + 1)); done " \
	"<\"$FAKE_DIR/posttls-finger.calls\"\n" \
	"exec cat \"$FAKE_DIR/$n.out\"\n"

static const struct finger_settings settings = {
    .ca_file = "/etc/ca.pem",
    .protocols = ">=TLSv1.2",
    .ciphers = "high",
    .helo = "mail.test",
    .rules = {.verify = "hostname", .secure = "nexthop, dot-nexthop"},
};

/* --- the player -------------------------------------------------------------------- */

/* The output of a case. Free. */
static char *
output_of(const char *name)
{
	FILE *f = fopen(suite_path("tests/cases/finger.cases"), "r");
	struct buf out = {0};
	size_t size = 0;
	char *text = NULL;
	bool is_it = false;
	ssize_t len;

	assert_non_null(f);
	while ((len = getline(&text, &size, f)) >= 0) {
		if (strncmp(text, "= ", 2) == 0) {
			text[len - 1] = '\0';
			is_it = strcmp(text + 2, name) == 0;
		} else if (is_it && text[0] == '|') {
			buf_add_str(&out, str_of(len > 2 ? text + 2 : "\n"));
		}
	}
	free(text);
	fclose(f);
	if (out.len == 0)
		fail_msg("no case \"%s\"", name);
	return buf_take(&out);
}

/* The outputs of the first, second, ... connection. */
static void
play(const char *const names[CONNECTIONS_MAX])
{
	fake_reset();
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		char file[16];
		char *out = NULL;

		snprintf(file, sizeof(file), "%d.out", i + 1);
		if (names[i] != NULL)
			out = output_of(names[i]);
		fake_put(file, out);
		free(out);
	}
	fake_put("posttls-finger.sh", PLAYER);
}

static const char *
answer_letter(enum answer answer)
{
	static const char *const letters[] = {
	    [ANSWER_UNSURE] = "?", [ANSWER_NO] = "-", [ANSWER_YES] = "+"};

	return letters[answer];
}

/* "tls +--? self-signed": encrypt, verify, secure, dane, and why not. */
static void
assert_probe(const struct probe *probe, const char *expected)
{
	char text[100];

	snprintf(text, sizeof(text), "%s %s%s%s%s %s%s", probe_end_name(probe->end),
	    answer_letter(probe->encrypt), answer_letter(probe->verify),
	    answer_letter(probe->secure), answer_letter(probe->dane),
	    cause_name(probe->cause), probe->auth ? " auth" : "");
	assert_string_equal(text, expected);
}

static void
assert_calls(unsigned count)
{
	char *calls = fake_get("posttls-finger.calls");
	unsigned seen = 0;

	for (const char *at = calls; *at != '\0'; at++)
		seen += *at == '\n';
	assert_int_equal(seen, count);
	free(calls);
}

/* --- what several connections come to ---------------------------------------------- */

static const struct row {
	const char *name;
	const char *outputs[CONNECTIONS_MAX];
	unsigned calls;
	const char *host, *address, *nexthop;
	bool dane;
	const char *probe;
	const char *why;
} rows[] = {
    {"host and destination are named", {"two names"}, 1, "mx.odd.test", "127.0.0.1",
        "odd.test", false, "tls +++?  auth", "verified session"},
    {"the host alone is named", {"two names"}, 1, "mx.odd.test", "127.0.0.1", "x.test",
        false, "tls ++-? name auth", "verified session"},
    {"the destination alone is named", {"two names"}, 1, "mx.x.test", "127.0.0.1",
        "odd.test", false, "tls +-+? name auth", "verified session"},
    {"no destination is asked for", {"two names"}, 1, "mx.odd.test", "127.0.0.1", "",
        false, "tls ++??  auth", "verified session"},
    {"a bad chain needs no second connection", {"a self-signed certificate"}, 1,
        "mx.selfsigned.test", "10.53.1.33", "selfsigned.test", false,
        "tls +--? self-signed", "self-signed certificate"},
    {"a mismatch hides a good chain",
        {"no name matches", "the same certificate asked for its own name"}, 2,
        "mx.wrongname-cert.test", "10.53.1.36", "wrongname-cert.test", false,
        "tls +--? name", "num=62:hostname mismatch; elsewhere.test: verified session"},
    {"... and a bad one",
        {"... and no name matches: that hides the expiry",
            "a certificate that has expired"},
        2, "mx.x.test", "10.53.1.35", "x.test", false, "tls +--? expired",
        "num=62:hostname mismatch; mx.expired-cert.test: certificate has expired"},
    {"... and a certificate names nobody", {"a certificate that names nobody"}, 1,
        "mx.x.test", "127.0.0.1", "x.test", false, "tls +--? name auth",
        "num=62:hostname mismatch"},
    {"... and the second connection tells nothing", {"no name matches", "no greeting"}, 2,
        "mx.x.test", "10.53.1.36", "x.test", false, "tls +--? name",
        "num=62:hostname mismatch; elsewhere.test: no reply in time"},
    {"... and then there is no STARTTLS", {"no name matches", "no STARTTLS"}, 2,
        "mx.x.test", "10.53.1.36", "x.test", false, "tls ???? ",
        "num=62:hostname mismatch; elsewhere.test: STARTTLS is not offered"},
    {"... and then there is another certificate",
        {"no name matches", "a self-signed certificate"}, 2, "mx.x.test", "10.53.1.36",
        "x.test", false, "tls +??? ",
        "num=62:hostname mismatch; elsewhere.test: self-signed certificate"},
    {"no STARTTLS: never a second connection", {"no STARTTLS"}, 1, "mx.plain.test",
        "10.53.1.32", "plain.test", true, "plain ???? not-offered",
        "STARTTLS is not offered"},
    {"STARTTLS is refused: never", {"STARTTLS is refused"}, 1, "mx.x.test", "10.53.1.41",
        "x.test", true, "refused ???? refused", "STARTTLS is refused"},
    {"nobody there: never", {"nobody listens"}, 1, "mx.x.test", "10.53.1.50", "x.test",
        true, "silent ???? ", "no connection"},
    {"our own fault: never", {"our CA file is missing"}, 1, "mx.x.test", "10.53.1.37",
        "x.test", true, "ours ???? ", "the CA file cannot be used"},
    {"a failed handshake, and one at encrypt",
        {"TLS 1.0: no handshake at secure",
            "... and one without a certificate at encrypt"},
        2, "mx.x.test", "10.53.1.43", "x.test", true, "broken +??? handshake",
        "the TLS handshake fails; encrypt: anonymous session"},
    {"a failed handshake at encrypt as well",
        {"rubbish in the place of a handshake", "rubbish in the place of a handshake"}, 2,
        "mx.x.test", "10.53.1.40", "x.test", false, "broken -??? handshake",
        "the TLS handshake fails; encrypt: the TLS handshake fails"},
    {"a failed handshake, then no STARTTLS",
        {"rubbish in the place of a handshake", "no STARTTLS"}, 2, "mx.x.test",
        "10.53.1.40", "x.test", false, "broken ???? handshake",
        "the TLS handshake fails; encrypt: STARTTLS is not offered"},
    {"a failed handshake, then silence",
        {"rubbish in the place of a handshake", "no greeting"}, 2, "mx.x.test",
        "10.53.1.40", "x.test", false, "broken ???? handshake",
        "the TLS handshake fails; encrypt: no reply in time"},
    {"TLSA is met",
        {"a certificate by a known authority, and a name that matches",
            "a TLSA record of the server's key"},
        2, "mx.valid-ca.test", "10.53.1.1", "valid-ca.test", true, "tls ++++ ",
        "verified session; dane-only: verified session"},
    {"TLSA is not met",
        {"a certificate by a known authority, and a name that matches",
            "a TLSA record of another key"},
        2, "mx.valid-ca.test", "10.53.1.5", "valid-ca.test", true, "tls +++- tlsa",
        "verified session; dane-only: num=65:no matching DANE TLSA records"},
    {"secure in the place of DANE is not DANE",
        {"a certificate by a known authority, and a name that matches",
            "no TLSA records, and a certificate that verifies: no DANE"},
        2, "mx.valid-ca.test", "10.53.1.37", "valid-ca.test", true, "tls +++- ",
        "verified session; dane-only: verified session"},
    {"TLSA at another address with another certificate",
        {"a certificate by a known authority, and a name that matches",
            "a TLSA record of the server's key"},
        2, "mx.valid-ca.test", "10.53.1.37", "valid-ca.test", true, "tls +++? ",
        "verified session; dane-only: verified session"},
    {"TLSA at another address with the same certificate",
        {"a certificate by a known authority, and a name that matches",
            "no TLSA records, and a certificate that verifies: no DANE"},
        2, "mx.valid-ca.test", "10.53.1.99", "valid-ca.test", true, "tls +++- ",
        "verified session; dane-only: verified session"},
    {"TLSA that cannot be had",
        {"a certificate by a known authority, and a name that matches",
            "TLSA records that cannot be had"},
        2, "mx.valid-ca.test", "10.53.1.37", "valid-ca.test", true, "tls +++? ",
        "verified session; dane-only: no connection"},
    {"STARTTLS at first, and none at dane-only",
        {"a certificate by a known authority, and a name that matches",
            "TLSA records, and no STARTTLS"},
        2, "mx.valid-ca.test", "10.53.1.7", "valid-ca.test", true, "tls ???? not-offered",
        "verified session; dane-only: STARTTLS is not offered"},
    {"a mismatch and TLSA: three connections",
        {"no name matches", "the same certificate asked for its own name",
            "a TLSA record of the server's key"},
        3, "mx.x.test", "10.53.1.1", "x.test", true, "tls +--+ name",
        "num=62:hostname mismatch; elsewhere.test: verified session; dane-only: verified "
        "session"},
    {"a literal address has no TLSA, and is asked for as it is",
        {"an address that the certificate names"}, 1, "127.0.0.1", "127.0.0.1",
        "127.0.0.1", true, "tls +++?  auth", "verified session"},
    {"... and is not met by a domain of that form",
        {"an address that it names as if it were a domain"}, 1, "127.0.0.2", "127.0.0.2",
        "127.0.0.2", false, "tls +--? name auth", "num=64:IP address mismatch"},
    {"Postfix says verified, and we find no such name", {"two names"}, 1, "mx.y.test",
        "127.0.0.1", "y.test", false, "tls +???  auth", "verified session"},
    {"Postfix finds no name, and we do", {"no name matches", "no name matches"}, 1,
        "elsewhere.test", "10.53.1.36", "x.test", false, "tls +??? ",
        "num=62:hostname mismatch"},
};

static void
connections_come_to(void **state)
{
	const struct row *row = *state;
	struct finger_question question = {.host = row->host,
	    .address = row->address,
	    .port = 25,
	    .nexthop = row->nexthop,
	    .dane = row->dane};
	int64_t before_ms = clock_wall_ms();
	struct server server;
	struct err why;

	play(row->outputs);
	assert_int_equal(
	    finger_ask(&fake_postfix, &settings, &question, &server, &why), FINGER_ASKED);
	assert_probe(&server.probe, row->probe);
	assert_string_equal(why.text, row->why);
	assert_calls(row->calls);
	assert_true(server.probe.begun_ms >= before_ms &&
	    server.probe.begun_ms <= clock_wall_ms());
}

/* --- how it is asked --------------------------------------------------------------- */

static const struct finger_question valid = {
    .host = "mx.a.test", .address = "192.0.2.1", .port = 2525, .nexthop = "a.test"};

static enum finger_outcome
ask(const struct finger_question *question, struct server *server, struct err *why)
{
	return finger_ask(&fake_postfix, &settings, question, server, why);
}

static void
words_of_all_levels(void **state)
{
	static const char *const outputs[] = {"no name matches",
	    "the same certificate asked for its own name",
	    "a TLSA record of the server's key"};
	struct finger_question question = valid;
	struct server server;
	struct err why;

	(void)state;
	play(outputs);
	question.dane = true;
	ask(&question, &server, &why);
	fake_assert("posttls-finger.calls",
	    "posttls-finger [-C] [-t] [10] [-T] [10] [-l] [secure] [-F] [/etc/ca.pem] "
	    "[-p] [>=TLSv1.2] [-g] [high] [-o] [myhostname=mail.test] [--] "
	    "[[192.0.2.1]:2525] [mx.a.test] [a.test] [.a.test]\n"
	    "posttls-finger [-C] [-t] [10] [-T] [10] [-l] [secure] [-F] [/etc/ca.pem] "
	    "[-p] [>=TLSv1.2] [-g] [high] [-o] [myhostname=mail.test] [--] "
	    "[[192.0.2.1]:2525] [elsewhere.test]\n"
	    "posttls-finger [-C] [-t] [10] [-T] [10] [-l] [dane-only] [-F] [/etc/ca.pem] "
	    "[-p] [>=TLSv1.2] [-g] [high] [-o] [myhostname=mail.test] [-a] [ipv4] [--] "
	    "[[mx.a.test]:2525] [mx.a.test] [a.test]\n");
}

static void
as_little_as_is_set(void **state)
{
	static const char *const outputs[] = {"rubbish in the place of a handshake",
	    "rubbish in the place of a handshake", NULL};
	struct finger_settings bare = {
	    .rules = {.verify = "", .secure = ""}, .ca_path = "", .step_ms = 1};
	struct finger_question question = valid;
	struct server server;
	struct err why;

	(void)state;
	play(outputs);
	fake_put("posttls-finger.sh",
	    "echo \"$MAIL_CONFIG\" >\"$FAKE_DIR/config-seen\"\n" PLAYER);
	question.address = "2001:db8::1";
	question.nexthop = "";
	assert_int_equal(
	    finger_ask(&fake_postfix, &bare, &question, &server, &why), FINGER_ASKED);
	assert_int_equal(server.probe.end, PROBE_BROKEN);
	fake_assert("posttls-finger.calls",
	    "posttls-finger [-C] [-t] [1] [-T] [1] [-l] [secure] [--] "
	    "[[2001:db8::1]:2525] [mx.a.test]\n"
	    "posttls-finger [-C] [-t] [1] [-T] [1] [-l] [encrypt] [--] "
	    "[[2001:db8::1]:2525]\n");
	fake_assert("config-seen", "/etc/postfix-9\n");
}

/* What comes from outside: MX names and addresses from DNS, next-hops from a log. */
static const struct finger_question refused[] = {
    {"", "192.0.2.1", 25, "a.test", false},
    {"-F", "192.0.2.1", 25, "a.test", false},
    {"mx.a.test]:25", "192.0.2.1", 25, "a.test", false},
    {"mx a.test", "192.0.2.1", 25, "a.test", false},
    {"mx.a.test\n", "192.0.2.1", 25, "a.test", false},
    {"mx.\xc3\xbc.test", "192.0.2.1", 25, "a.test", false},
    {"mx.a.test", "", 25, "a.test", false},
    {"mx.a.test", "mx.a.test", 25, "a.test", false},
    {"mx.a.test", "192.0.2.1]:24 [x", 25, "a.test", false},
    {"mx.a.test", "fe80::1%eth0", 25, "a.test", false},
    {"mx.a.test", "192.0.2.1", 0, "a.test", false},
    {"mx.a.test", "192.0.2.1", 65536, "a.test", false},
};

static void
no_question(void **state)
{
	const struct finger_question *question = *state;
	struct server server;
	struct err why;

	fake_reset();
	assert_int_equal(ask(question, &server, &why), FINGER_NO_QUESTION);
	assert_int_equal(server.probe.end, PROBE_SILENT);
	assert_string_not_equal(why.text, "");
	assert_calls(0);
}

/* A next-hop that is no name is not asked for. */
static void
odd_nexthops(void **state)
{
	static const char *const outputs[CONNECTIONS_MAX] = {"two names"};
	static const char *const odd[] = {
	    "-o", "a b", "a;b", "$(x)", "b\xc3\xbc.test", "a/b", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct finger_question question = valid;
		struct server server;
		struct err why;
		char *calls;

		play(outputs);
		question.nexthop = odd[i];
		question.host = "mx.odd.test";
		ask(&question, &server, &why);
		calls = fake_get("posttls-finger.calls");
		assert_string_equal(
		    strstr(calls, " [--] "), " [--] [[192.0.2.1]:2525] [mx.odd.test]\n");
		free(calls);
		assert_int_equal(server.probe.verify, ANSWER_YES);
		assert_int_not_equal(server.probe.secure, ANSWER_YES);
	}
}

/* --- when it does not go well ------------------------------------------------------ */

static void
deadline_of_ours(void **state)
{
	struct finger_settings hasty = settings;
	int64_t begin_ms = clock_monotonic_ms();
	struct server server;
	struct err why;

	(void)state;
	fake_reset();
	hasty.whole_ms = 300;
	fake_put("posttls-finger.sh",
	    "echo 'posttls-finger: Connected to mx.a.test[192.0.2.1]:2525'\n"
	    "exec tail -f /dev/null\n");
	assert_int_equal(
	    finger_ask(&fake_postfix, &hasty, &valid, &server, &why), FINGER_ASKED);
	assert_int_equal(server.probe.end, PROBE_SILENT);
	print_message("# %d ms (wanted: 300)\n", (int)(clock_monotonic_ms() - begin_ms));
	assert_calls(1);
}

static void
no_time_for_another(void **state)
{
	static const char *const outputs[CONNECTIONS_MAX] = {
	    "rubbish in the place of a handshake"};
	struct finger_settings hasty = settings;
	struct server server;
	struct err why;

	(void)state;
	play(outputs);
	hasty.whole_ms = 900;
	finger_ask(&fake_postfix, &hasty, &valid, &server, &why);
	assert_int_equal(server.probe.encrypt, ANSWER_UNSURE);
	assert_calls(1);
}

static void
endless_output(void **state)
{
	struct server server;
	struct err why;

	(void)state;
	fake_reset();
	fake_put("posttls-finger.sh",
	    "echo 'posttls-finger: Connected to mx.a.test[192.0.2.1]:2525'\n"
	    "echo 'posttls-finger: > EHLO x'\n"
	    "exec yes 'posttls-finger: < 250-x'\n");
	assert_int_equal(ask(&valid, &server, &why), FINGER_ASKED);
	assert_int_equal(server.probe.end, PROBE_SILENT);
	assert_calls(1);
}

static void
killed(void **state)
{
	struct server server;
	struct err why;

	(void)state;
	fake_reset();
	fake_put("posttls-finger.sh", "kill -SEGV $$\n");
	assert_int_equal(ask(&valid, &server, &why), FINGER_ASKED);
	assert_int_equal(server.probe.end, PROBE_SILENT);
}

/* By the kernel that has no memory, or by somebody here: that is no word of the server.
 */
static void
ended_by_others(void **state)
{
	static const char *const signals[] = {"KILL", "TERM"};
	struct server server;
	struct err why;
	char script[64];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		fake_reset();
		snprintf(script, sizeof(script), "kill -%s $$\n", signals[i]);
		fake_put("posttls-finger.sh", script);
		assert_int_equal(ask(&valid, &server, &why), FINGER_FAILED);
		assert_string_not_equal(why.text, "");
	}
}

/* 0 whatever it saw, and 1 where a server hangs up: not looked at. */
static void
exit_status(void **state)
{
	static const char *const outputs[CONNECTIONS_MAX] = {"hung up after STARTTLS"};
	struct server server;
	struct err why;

	(void)state;
	play(outputs);
	fake_put("posttls-finger.sh", "cat \"$FAKE_DIR/1.out\"\nexit 1\n");
	assert_int_equal(ask(&valid, &server, &why), FINGER_ASKED);
	assert_int_equal(server.probe.end, PROBE_SILENT);
	assert_string_equal(why.text, "the server hangs up");
}

static void
not_there(void **state)
{
	static char env[] = "env", path[] = "PATH=/nonexistent";
	char *const command[] = {env, path};
	struct postfix nowhere = {.command = command, .command_count = 2};
	struct server server;
	struct err why;

	(void)state;
	assert_int_equal(
	    finger_ask(&nowhere, &settings, &valid, &server, &why), FINGER_MISSING);
	assert_string_not_equal(why.text, "");
	nowhere.command_count = 1;
	env[0] = '/';
	assert_int_equal(
	    finger_ask(&nowhere, &settings, &valid, &server, &why), FINGER_FAILED);
	assert_string_not_equal(why.text, "");
	env[0] = 'e';
}

static void
path_of_ours(void **state)
{
	struct finger_settings unreadable = settings;
	struct postfix plain = {.config_directory = ""};
	struct server server;
	struct err why;

	(void)state;
	unreadable.ca_path = "/nonexistent/certs";
	assert_int_equal(
	    finger_ask(&plain, &unreadable, &valid, &server, &why), FINGER_ASKED);
	assert_int_equal(server.probe.end, PROBE_OURS);
	assert_string_equal(why.text, "the directory of CAs cannot be read");
}

static void
settings_of_main_cf(void **state)
{
	static char high[] = "high", name[] = "mail.test", hostname[] = "nexthop";
	struct postfix_settings main_cf = {
	    .mandatory_ciphers = high, .helo_name = name, .verify_match = hostname};
	struct finger_settings found = finger_settings_of(&main_cf);

	(void)state;
	assert_string_equal(found.ciphers, "high");
	assert_string_equal(found.helo, "mail.test");
	assert_string_equal(found.rules.verify, "nexthop");
	assert_string_equal(found.rules.secure, "nexthop, dot-nexthop");
	assert_string_equal(found.ca_file, "");
	found = finger_settings_of(NULL);
	assert_string_equal(found.rules.verify, "hostname");
}

int
main(void)
{
	int status;

	fake_begin();
	FAKE_ROWS(connections_come_to, rows, "%s", rows[i].name);
	suite_add(words_of_all_levels, NULL, "the words that posttls-finger gets");
	suite_add(as_little_as_is_set, NULL, "... and where little is set");
	FAKE_ROWS(no_question, refused, "no question: %zu", i);
	suite_add(odd_nexthops, NULL, "a next-hop that is no name is not asked for");
	suite_add(deadline_of_ours, NULL, "it is ended at our own deadline");
	suite_add(no_time_for_another, NULL, "no second connection where time is short");
	suite_add(endless_output, NULL, "it is ended where it prints without an end");
	suite_add(killed, NULL, "a crash of it tells nothing");
	suite_add(
	    ended_by_others, NULL, "ended by SIGKILL or SIGTERM it could not be run");
	suite_add(exit_status, NULL, "its exit status tells nothing");
	suite_add(not_there, NULL, "it is not there, or cannot be run");
	suite_add(
	    path_of_ours, NULL, "a directory of CAs that cannot be read is our fault");
	suite_add(settings_of_main_cf, NULL, "what main.cf says");
	status = suite_run();
	fake_end();
	return status;
}
