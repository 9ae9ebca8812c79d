/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines that look like news of a TLS failure and are none: cut and glued records, wrong
 * fields, records in the mouths of senders, clients and servers, long reasons that
 * almost match a rule. Each names a destination of its own.
 * usage: garbage LINES
 * On stderr: how many of them are whole delivery status lines, which no rule matches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_EVERY 10000
#define LONG_LEN   60000

#define RECORD(domain, end) \
	"4Xy%07u: to=<u@" domain \
	"%u.garbage.test>, relay=mx%u.garbage.test[192.0.2.1]:25, " \
	"delay=1, delays=0/0/1/0, dsn=4.7.5, status=deferred " end
#define WORDS "(Server certificate not verified)"

/* %u: a number, as often as it is asked for. */
static const char *const fakes[] = {
    "postfix/smtp[77]: " RECORD("cut", "(Server certificate not verifi"),
    "postfix/smtp[77]: 4Xy%07u: to=<u@glued%u.garbage.test>, relay=mx%uNov 24 06:02:01 "
    "mx "
    "postfix/smtp[78]: " RECORD("inner", WORDS),
    "postfix/smtp[77]: 4Xy%07u: to=<u@gluedNov 24 06:02:01 mx postfix/smtp[78]: " RECORD(
        "inner", WORDS),
    "postfix/smtp[77]: 4Xy%07u: to=<u@short%u.garbage.test>, relay=none, delay=1, "
    "delays=0/0/1/0, dsn=4.7, status=deferred " WORDS,
    "postfix/smtp[77]: 4Xy%07u: to=<u@slow%u.garbage.test>, relay=none, delay=soon, "
    "delays=0/0/1/0, dsn=4.7.5, status=deferred " WORDS,
    "postfix/smtp[77]: 4Xy%07u: to=<u@turned%u.garbage.test>, delay=1, delays=0/0/1/0, "
    "relay=none, dsn=4.7.5, status=deferred " WORDS,
    "postfix/smtp[77]: 4Xy%07u: to=<u@nowhere%u.garbage.test>, delay=1, delays=0/0/1/0, "
    "dsn=4.7.5, status=deferred " WORDS,
    "postfix/smtp[77]: 4Xy-%u: to=<u@id%u.garbage.test>, relay=none, delay=1, "
    "delays=0/0/1/0, dsn=4.7.5, status=deferred " WORDS,
    "postfix/smtp[77]: " RECORD("bare", "Server certificate not verified"),
    "postfix/smtp[77]: " RECORD("more", WORDS " and more"),
    "smtp[77]: " RECORD("other", WORDS),
    "postfix/smtp: warning: " RECORD("other", WORDS),
    "postfix/cleanup[9]: 4Xy%07u: message-id=<status=deferred " WORDS "@%u.test>",
    "postfix/cleanup[9]: 4Xy%07u: message-id=<x> " RECORD("id", WORDS),
    "postfix/cleanup[9]: 4Xy%07u: warning: header Subject: " RECORD("subject", WORDS),
    "postfix/qmgr[7]: 4Xy%07u: from=<\"" RECORD("from", WORDS) "\"@a.test>, size=1, "
                                                               "nrcpt=1 (queue active)",
    "postfix/smtpd[5]: 4Xy%07u: client=" RECORD("client", WORDS) "[192.0.2.9]",
    "postfix/smtpd[5]: connect from " RECORD("client", WORDS) "[192.0.2.9]",
    "postfix/smtpd[5]: NOQUEUE: reject: RCPT from a.test[192.0.2.9]: 554 5.7.1 no; "
    "from=<> to=<u@helo.test> proto=ESMTP helo=<" RECORD("helo", WORDS) ">",
    "rspamd[900]: <ab12cd>; proxy; rspamd_task_write_log: id: <" RECORD(
        "rspamd", WORDS) ">, ip: 192.0.2.9, from: <a@a.test>, (default: F (no action): "
                         "[0.00/15.00] []), len: 9",
    "dovecot: imap-login: Login: user=<" RECORD("user", WORDS) ">, method=PLAIN",
};

#define FAKES (sizeof(fakes) / sizeof(fakes[0]))

/* Whole records, with a reason so long; %s: the filling. */
static const char *const long_reasons[] = {
    "TLS is required, but was not offered by host %s[192.0.2.1",
    "TLS is required, but host %s[192.0.2.1] refused to start TLS",
    "lost connection with %s[192.0.2.1] while receiving the STARTTLS respons",
    "TLSA lookup error for %s:25 ",
    "host mx.test[192.0.2.1] said: 450 %s Server certificate not verified (in reply)",
};

#define LONGS (sizeof(long_reasons) / sizeof(long_reasons[0]))

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void
say_long(unsigned n)
{
	static const char fillings[] = "a[:";
	char filling[LONG_LEN + 1];

	memset(
	    filling, fillings[n / LONG_EVERY / LONGS % (sizeof(fillings) - 1)], LONG_LEN);
	filling[LONG_LEN] = '\0';
	printf(
	    "postfix/smtp[77]: 4Xy%07u: to=<u@long%u.garbage.test>, relay=none, delay=1, "
	    "delays=0/0/1/0, dsn=4.7.5, status=deferred (",
	    n, n);
	printf(long_reasons[n / LONG_EVERY % LONGS], filling);
	puts(")");
}

int
main(int argc, char **argv)
{
	static char buffer[1 << 20];
	unsigned lines = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0, whole = 0;

	if (lines == 0)
		return 64;
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	for (unsigned n = 0; n < lines; n++) {
		fputs("Nov 24 06:02:01 mx ", stdout);
		if (n % LONG_EVERY == LONG_EVERY - 1) {
			say_long(n);
			whole++;
		} else {
			printf(fakes[n % FAKES], n, n, n, n, n, n);
			putchar('\n');
		}
	}
	fprintf(stderr, "%u\n", whole);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 74;
}
