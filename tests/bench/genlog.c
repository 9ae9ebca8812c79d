/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mail log of any size on standard output, in the shapes that Postfix, Dovecot and
 * rspamd give it. The same options give the same bytes.
 *
 *   -s MIB      size (800)
 *   -d PERCENT  lines that are deferrals (3)
 *   -t PERCENT  deferrals that TLS is the reason of (50)
 *   -n DOMAINS  destinations (5000, at least 2); half of the mail goes to the first
 *               hundredth
 *   -r SEED
 *   -i          RFC 3339 stamps instead of "Nov 24 07:00:00"
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINES_A_SECOND 200
#define SMTP_PROCESSES 50

struct genlog {
	uint64_t size;
	double deferred;
	unsigned tls_percent;
	uint32_t domains;
	uint64_t seed;
	bool iso;
	uint64_t bytes;
	uint64_t lines;
	uint64_t deferrals;
	uint64_t messages;
};

/* %1$s: the destination, %2$u: the last part of its address. */
static const struct {
	const char *dsn;
	bool reached; /* a server was; else relay=none */
	const char *reason;
} tls_reasons[] =
    {
        {"4.7.5", true, "Server certificate not verified"},
        {"4.7.5", true, "Server certificate not trusted"},
        {"4.7.4", true,
            "TLS is required, but was not offered by host mx.%1$s[192.0.2.%2$u]"},
        {"4.7.5", true, "Cannot start TLS: handshake failure"},
        {"4.7.0", true,
            "TLS is required, but host mx.%1$s[192.0.2.%2$u] refused to start TLS: "
            "454 4.7.0 TLS not available due to local problem"},
        {"4.7.5", false, "no TLSA records found"},
        {"4.7.5", false, "non DNSSEC destination"},
        {"4.7.5", false, "TLSA lookup error for mx.%1$s:25"},
        {"4.7.5", false,
            "delivery temporarily suspended: Server certificate not verified"},
        {"4.4.2", true,
            "lost connection with mx.%1$s[192.0.2.%2$u] while receiving the STARTTLS "
            "response"},
},
  other_reasons[] = {
      {"4.4.1", false, "connect to mx.%1$s[192.0.2.%2$u]:25: Connection timed out"},
      {"4.2.2", true,
          "host mx.%1$s[192.0.2.%2$u] said: 452 4.2.2 Mailbox full (in reply to RCPT "
          "TO command)"},
      {"4.7.1", true,
          "host mx.%1$s[192.0.2.%2$u] said: 450 4.7.1 <mail.example.org>: Helo command "
          "rejected: Host not found, see https://www.example.net/%1$s (in reply to RCPT "
          "TO command)"},
      {"4.4.3", false,
          "Host or domain name not found. Name service error for name=%1$s type=MX: "
          "Host not found, try again"},
      {"4.0.0", true,
          "host mx.%1$s[192.0.2.%2$u] said: 421 Try again later, TLS is required, but "
          "was not offered by host x (in reply to end of DATA command)"},
};

/* xorshift64*: fast, and the same everywhere. */
static uint32_t
roll(struct genlog *g, uint32_t below)
{
	g->seed ^= g->seed >> 12;
	g->seed ^= g->seed << 25;
	g->seed ^= g->seed >> 27;
	return (
	    uint32_t)(((g->seed * UINT64_C(2685821657736338717)) >> 32) * below >> 32);
}

static void
count(struct genlog *g, int written)
{
	if (written < 0)
		exit(74);
	g->bytes += (uint64_t)written;
}

#define SAY(g, ...) count(g, printf(__VA_ARGS__))

/* Stamp and host. The log begins on the first of March and grows by days. */
static void
begin_line(struct genlog *g)
{
	uint64_t s = g->lines++ / LINES_A_SECOND;
	unsigned day = 1 + (unsigned)(s / 86400 % 31), hour = s / 3600 % 24;

	if (g->iso)
		SAY(g, "2026-03-%02uT%02u:%02u:%02u.%06u+01:00 mail ", day, hour,
		    (unsigned)(s / 60 % 60), (unsigned)(s % 60),
		    (unsigned)(g->lines % LINES_A_SECOND * (1000000 / LINES_A_SECOND)));
	else
		SAY(g, "Mar %2u %02u:%02u:%02u mail ", day, hour, (unsigned)(s / 60 % 60),
		    (unsigned)(s % 60));
}

#define LINE(g, ...) (begin_line(g), SAY(g, __VA_ARGS__))

/* One destination in twenty fails at TLS, always; mail to the others is sent, or deferred
 * for other reasons. */
static bool
is_weak(const struct genlog *g, uint32_t n)
{
	return n % 20 == 7 % g->domains;
}

static void
pick_domain(struct genlog *g, bool weak, char *out, size_t size, unsigned *address)
{
	static const char *const ends[] = {
	    "example", "mail.example", "test", "co.example"};
	uint32_t large = g->domains / 100, n;

	do {
		n = large > 20 && roll(g, 2) == 0 ? roll(g, large) : roll(g, g->domains);
	} while (is_weak(g, n) != weak);
	*address = n % 250 + 1;
	snprintf(out, size, "firm-%" PRIu32 ".%s", n, ends[n % 4]);
}

static void
pick_id(struct genlog *g, char *out, size_t size)
{
	snprintf(out, size, "4j%08" PRIX32 "z%03" PRIX64,
	    (uint32_t)(g->messages * 2654435761u), g->messages & 0xfff);
}

static void
say_session(struct genlog *g, unsigned pid, const char *grade, const char *domain,
    unsigned address)
{
	LINE(g,
	    "postfix/smtp[%u]: %s TLS connection established to mx.%s[192.0.2.%u]:25: "
	    "TLSv1.3 "
	    "with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 "
	    "server-signature RSA-PSS (2048 bits) server-digest SHA256\n",
	    pid, grade, domain, address);
}

/* A message comes, goes to its destination and is gone. */
static void
say_message(struct genlog *g)
{
	unsigned smtpd = 20000 + roll(g, 30), smtp = 30000 + roll(g, SMTP_PROCESSES),
	         address;
	unsigned client = 1 + roll(g, 250);
	char domain[64], id[32];

	g->messages++;
	pick_id(g, id, sizeof(id));
	pick_domain(g, false, domain, sizeof(domain), &address);
	LINE(g, "postfix/smtpd[%u]: connect from client-%u.example.org[198.51.100.%u]\n",
	    smtpd, client, client);
	if (roll(g, 2) == 0)
		LINE(g,
		    "postfix/smtpd[%u]: Anonymous TLS connection established from "
		    "client-%u.example.org[198.51.100.%u]: TLSv1.3 with cipher "
		    "TLS_AES_256_GCM_SHA384 (256/256 bits)\n",
		    smtpd, client, client);
	LINE(g,
	    "postfix/smtpd[%u]: %s: client=client-%u.example.org[198.51.100.%u], "
	    "sasl_method=PLAIN, sasl_username=user%u@example.org\n",
	    smtpd, id, client, client, client);
	LINE(g,
	    "postfix/cleanup[%u]: %s: message-id=<%" PRIx64
	    ".%s@client-%u.example.org>\n",
	    21000 + client % 9, id, g->seed, id, client);
	LINE(g,
	    "postfix/qmgr[2307]: %s: from=<user%u@example.org>, size=%u, nrcpt=1 (queue "
	    "active)\n",
	    id, client, 400 + roll(g, 90000));
	LINE(g,
	    "postfix/smtpd[%u]: disconnect from client-%u.example.org[198.51.100.%u] "
	    "ehlo=2 "
	    "starttls=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=8\n",
	    smtpd, client, client);
	if (roll(g, 10) < 7)
		say_session(
		    g, smtp, roll(g, 4) == 0 ? "Untrusted" : "Verified", domain, address);
	LINE(g,
	    "postfix/smtp[%u]: %s: to=<person%u@%s>, relay=mx.%s[192.0.2.%u]:25, "
	    "delay=%u.%02u, "
	    "delays=0.02/0.01/%u.%02u/0.%02u, dsn=2.0.0, status=sent (250 2.0.0 Ok: "
	    "queued as "
	    "4k%08" PRIX32 ")\n",
	    smtp, id, client, domain, domain, address, roll(g, 3), roll(g, 100),
	    roll(g, 2), roll(g, 100), roll(g, 100), roll(g, UINT32_MAX));
	LINE(g, "postfix/qmgr[2307]: %s: removed\n", id);
}

/* A message that waits is tried once more. */
static void
say_deferral(struct genlog *g)
{
	bool tls = roll(g, 100) < g->tls_percent;
	unsigned smtp = 30000 + roll(g, SMTP_PROCESSES), address, kind;
	char domain[64], id[32], reason[512], relay[96] = "none";
	const char *dsn, *format;
	bool reached;

	g->deferrals++;
	g->messages++;
	pick_id(g, id, sizeof(id));
	pick_domain(g, tls, domain, sizeof(domain), &address);
	kind = roll(g,
	    tls ? sizeof(tls_reasons) / sizeof(tls_reasons[0])
	        : sizeof(other_reasons) / sizeof(other_reasons[0]));
	dsn = tls ? tls_reasons[kind].dsn : other_reasons[kind].dsn;
	reached = tls ? tls_reasons[kind].reached : other_reasons[kind].reached;
	format = tls ? tls_reasons[kind].reason : other_reasons[kind].reason;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(reason, sizeof(reason), format, domain, address);
#pragma GCC diagnostic pop
	if (reached)
		snprintf(relay, sizeof(relay), "mx.%s[192.0.2.%u]:25", domain, address);
	LINE(g,
	    "postfix/qmgr[2307]: %s: from=<user%u@example.org>, size=%u, nrcpt=1 (queue "
	    "active)\n",
	    id, address, 400 + roll(g, 90000));
	if (tls && kind < 2) {
		LINE(g,
		    "postfix/smtp[%u]: certificate verification failed for "
		    "mx.%s[192.0.2.%u]:25: self-signed certificate\n",
		    smtp, domain, address);
		say_session(g, smtp, "Untrusted", domain, address);
	}
	LINE(g,
	    "postfix/smtp[%u]: %s: to=<person%u@%s>, relay=%s, delay=%u, "
	    "delays=%u/0.01/0.0%u/0, dsn=%s, status=deferred (%s)\n",
	    smtp, id, address, domain, relay, 300 + roll(g, 90000), 300 + roll(g, 90000),
	    roll(g, 10), dsn, reason);
}

static void
say_noise(struct genlog *g)
{
	unsigned user = roll(g, 900), pid = 40000 + roll(g, 2000);

	switch (roll(g, 4)) {
	case 0:
		LINE(g,
		    "dovecot: imap-login: Login: user=<user%u@example.org>, "
		    "method=PLAIN, "
		    "rip=203.0.113.%u, lip=192.0.2.1, mpid=%u, TLS, session=<%016" PRIx64
		    ">\n",
		    user, user % 250, pid, g->seed);
		break;
	case 1:
		LINE(g,
		    "dovecot: imap(user%u@example.org)<%u><%016" PRIx64
		    ">: Disconnected: Logged "
		    "out in=%u out=%u deleted=0 expunged=0 trashed=0 hdr_count=3 "
		    "hdr_bytes=1021 "
		    "body_count=1 body_bytes=%u\n",
		    user, pid, g->seed, roll(g, 5000), roll(g, 90000), roll(g, 90000));
		break;
	case 2:
		LINE(g,
		    "rspamd[%u]: <%06x>; proxy; rspamd_task_write_log: id: <%016" PRIx64
		    "@example.net>, ip: 198.51.100.%u, from: <n%u@example.net>, "
		    "(default: F (no "
		    "action): [-1.20/15.00] "
		    "[ARC_ALLOW(-1.00){example.net:s=a:i=1;},MIME_GOOD(-0.10)"
		    "{text/plain;}]), len: %u, time: %u.%03ums, dns req: 12\n",
		    900 + user % 4, roll(g, 1 << 24), g->seed, user % 250, user,
		    roll(g, 90000), roll(g, 300), roll(g, 1000));
		break;
	default:
		LINE(g,
		    "postfix/postscreen[1999]: CONNECT from [203.0.113.%u]:%u to "
		    "[192.0.2.1]:25\n",
		    user % 250, pid);
	}
}

int
main(int argc, char **argv)
{
	static char buffer[1 << 20];
	struct genlog g = {.size = 800u << 20,
	    .deferred = 0.03,
	    .tls_percent = 50,
	    .domains = 5000,
	    .seed = 1};
	int option;

	while ((option = getopt(argc, argv, "s:d:t:n:r:i")) != -1) {
		switch (option) {
		case 's':
			g.size = strtoull(optarg, NULL, 10) << 20;
			break;
		case 'd':
			g.deferred = strtod(optarg, NULL) / 100;
			break;
		case 't':
			g.tls_percent = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			g.domains = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			g.seed = strtoull(optarg, NULL, 10);
			break;
		case 'i':
			g.iso = true;
			break;
		default:
			return 64;
		}
	}
	if (optind < argc || g.domains < 2)
		return 64;
	g.seed = g.seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	while (g.bytes < g.size) {
		if ((double)g.deferrals < (double)g.lines * g.deferred &&
		    roll(&g, 2) == 0)
			say_deferral(&g);
		else if (roll(&g, 4) == 0)
			say_noise(&g);
		else
			say_message(&g);
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 74;
}
