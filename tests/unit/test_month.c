/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A month of mail, December 2026, in the scripted world: servers that verify, do not, do
 * no TLS, change in the month; a Postfix that does what its map says. tests/cli/month.t
 * looks at what it leaves in the directory of its argument: mail.log, state.db, and
 * mails, each from "Subject: " to a line "--". It is no test by itself.
 *
 * Every local part begins with "secret", and none may be anywhere but in mail.log.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utc.h"
#include "enginerig.h"
#include "suite.h"

#define DAYS        31
#define STEP_MS     (30 * MIN)
#define FIRST_S     INT64_C(1796083200) /* 2026-12-01 */
#define LIFETIME_MS (5 * DAY)
#define QUEUE_MAX   4000
#define SENDER      "secret-sender@sender.test"

enum tls { TLS_VALID, TLS_SELF_SIGNED, TLS_PLAIN, TLSA_FAILS, TLSA_MATCHES, REJECTS };

/* From which day on a domain's server is what, of the month, from 0. */
static const struct {
	const char *domain;
	int a_day; /* messages */
	enum tls first;
	int second_day;
	enum tls second;
	int third_day;
	enum tls third;
} domains[] = {
    {"good0.test", 20, TLS_VALID, 99, TLS_VALID, 99, TLS_VALID},
    {"good1.test", 9, TLS_VALID, 99, TLS_VALID, 99, TLS_VALID},
    {"good2.test", 3, TLS_VALID, 99, TLS_VALID, 99, TLS_VALID},
    {"self0.test", 8, TLS_SELF_SIGNED, 99, TLS_VALID, 99, TLS_VALID},
    {"self1.test", 1, TLS_SELF_SIGNED, 99, TLS_VALID, 99, TLS_VALID},
    {"plain0.test", 4, TLS_PLAIN, 99, TLS_VALID, 99, TLS_VALID},
    {"plain1.test", 1, TLS_PLAIN, 99, TLS_VALID, 99, TLS_VALID},
    {"dane.test", 6, TLSA_MATCHES, 99, TLS_VALID, 99, TLS_VALID},
    {"heals.test", 5, TLS_SELF_SIGNED, 9, TLS_VALID, 99, TLS_VALID},
    {"breaks.test", 5, TLS_VALID, 12, TLS_SELF_SIGNED, 16, TLS_VALID},
    {"strips.test", 5, TLS_VALID, 14, TLS_PLAIN, 99, TLS_VALID},
    {"tlsa.test", 2, TLS_VALID, 18, TLSA_FAILS, 20, TLS_VALID},
    {"lost.test", 1, TLS_VALID, 3, TLSA_FAILS, 99, TLS_VALID},
    {"full.test", 2, REJECTS, 20, TLS_VALID, 99, TLS_VALID},
};

#define DOMAINS (sizeof(domains) / sizeof(*domains))

struct message {
	char id[16];
	unsigned domain;
	unsigned number;
	int64_t arrival_ms;
	int64_t tried_ms;
};

static struct message queue[QUEUE_MAX];
static size_t queued;
static unsigned messages;
static uint64_t seed = 12;
static FILE *log_file;
static FILE *mail_file;

static unsigned
below(unsigned limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % limit;
}

static enum tls
tls_of(unsigned domain)
{
	int day = (int)((world.wall_ms / 1000 - FIRST_S) / (24 * 60 * 60));

	if (day >= domains[domain].third_day)
		return domains[domain].third;
	return day >= domains[domain].second_day ? domains[domain].second
	                                         : domains[domain].first;
}

static unsigned
find(const char *domain)
{
	for (unsigned i = 0; i < DOMAINS; i++)
		if (strcmp(domains[i].domain, domain) == 0)
			return i;
	return 0;
}

/* --- what is asked ----------------------------------------------------------------- */

static void
finger(const struct finger_question *question, struct server *server)
{
	const char *dot = strchr(question->host, '.');
	enum tls tls = tls_of(find(dot != NULL ? dot + 1 : ""));

	world_verifies(question, server);
	if (tls == TLS_SELF_SIGNED || tls == TLSA_MATCHES)
		world_self_signed(question, server);
	if (tls == TLSA_MATCHES)
		server->probe.dane = question->dane ? ANSWER_YES : ANSWER_NO;
	if (tls == TLS_PLAIN)
		*server =
		    (struct server){.probe = {.end = PROBE_PLAIN, .encrypt = ANSWER_NO}};
}

static void
answer(struct measure_item *item)
{
	enum tls tls = tls_of(find(item->nexthop.host));
	char host[NEXTHOP_HOST_SIZE + 3];

	snprintf(host, sizeof(host), "mx.%s", item->nexthop.host);
	if (tls == TLSA_MATCHES) {
		item->answers.dane.state = DANE_USABLE;
		item->answers.dane.all_usable = item->answers.dane.signed_domain = true;
	}
	world_add_host(item, host, tls == TLSA_MATCHES ? PROMISE_DANE : PROMISE_NONE);
}

/* --- Postfix ----------------------------------------------------------------------- */

static void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void
log_line(const char *format, ...)
{
	char text[1024], stamp[UTC_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	utc_print(world.wall_ms / 1000, stamp);
	fprintf(log_file, "%.19s+00:00 mail postfix/%s\n", stamp, text);
	world_log(rig.engine, text);
}

static enum level
level_of(const char *domain)
{
	struct destination d;
	bool found;
	enum level level;

	assert_true(store_get(rig.store, domain, &d, &found, &kit_err));
	level = found ? d.entry.level : LEVEL_NONE;
	destination_clear(&d);
	return level == LEVEL_NONE ? LEVEL_VERIFY : level;
}

/* NULL: it is sent, after such a session; "": without one. */
static const char *
attempt(unsigned domain, const char *relay, const char **session, char text[256])
{
	enum tls tls = tls_of(domain);
	enum level level = level_of(domains[domain].domain);
	bool strict = level_is_authenticated(level);

	*session = strict ? "Verified" : "Trusted";
	switch (tls) {
	case TLSA_FAILS:
		*session = "";
		return "TLSA lookup error for mx.d.test:25";
	case TLS_PLAIN:
		*session = "";
		if (level == LEVEL_MAY || level == LEVEL_DANE)
			return NULL;
		snprintf(text, 256, "TLS is required, but was not offered by host %.*s",
		    (int)strlen(relay) - 3, relay);
		return text;
	case TLS_SELF_SIGNED:
		*session = strict ? "" : "Untrusted";
		return strict ? "Server certificate not verified" : NULL;
	case TLSA_MATCHES:
		*session = level == LEVEL_DANE_ONLY ? "Verified" : "";
		return level == LEVEL_DANE_ONLY ? NULL
		                                : "Server certificate not verified";
	case REJECTS:
		snprintf(text, 256,
		    "host %.*s said: 452 4.2.2 <secret-box@full.test>: mailbox full, ask "
		    "\"secret x\"@full.test (in reply to RCPT TO command)",
		    (int)strlen(relay) - 3, relay);
		return below(3) == 0 ? NULL : text;
	default:
		return NULL;
	}
}

/* False: it waits on. */
static bool
try_message(struct message *m)
{
	const char *domain = domains[m->domain].domain, *session, *reason;
	int age_s = (int)((world.wall_ms - m->arrival_ms) / SECOND);
	unsigned pid = 100 + below(40);
	char relay[80], text[256];

	snprintf(relay, sizeof(relay), "mx.%s[192.0.2.%u]:25", domain, m->domain + 1);
	m->tried_ms = world.wall_ms;
	reason = attempt(m->domain, relay, &session, text);
	if (*session != '\0')
		log_line("smtp[%u]: %s TLS connection established to %s: TLSv1.3 with "
		         "cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
		    pid, session, relay);
	log_line("smtp[%u]: %s: to=<secret%u@%s>, relay=%s, delay=%d, "
	         "delays=%d/0/0.03/0.02, dsn=%s, status=%s (%s)",
	    pid, m->id, m->number, domain, relay, age_s + 1, age_s,
	    reason == NULL ? "2.0.0" : "4.7.5", reason == NULL ? "sent" : "deferred",
	    reason == NULL ? "250 2.0.0 Ok: queued as 1234" : reason);
	if (reason == NULL)
		log_line("qmgr[9]: %s: removed", m->id);
	return reason == NULL;
}

static bool
bounce(const struct message *m)
{
	if (world.wall_ms - m->arrival_ms < LIFETIME_MS)
		return false;
	log_line(
	    "qmgr[9]: %s: from=<" SENDER ">, status=expired, returned to sender", m->id);
	log_line("qmgr[9]: %s: removed", m->id);
	world_unqueue(m->id);
	return true;
}

static void
new_message(unsigned domain)
{
	struct message *m = &queue[queued];

	*m = (struct message){
	    .domain = domain, .number = ++messages, .arrival_ms = world.wall_ms};
	snprintf(m->id, sizeof(m->id), "A%07X", messages);
	log_line(
	    "qmgr[9]: %s: from=<" SENDER ">, size=1000, nrcpt=1 (queue active)", m->id);
	if (!try_message(m) && queued < QUEUE_MAX - 1)
		queued++;
}

/* Those that were asked for, and those whose time has come: after 30 minutes, longer the
 * older they are. */
static void
run_queue(void)
{
	bool all = world.flush.times > 0;

	for (size_t i = queued; i-- > 0;) {
		struct message *m = &queue[i];
		int64_t age_ms = world.wall_ms - m->arrival_ms;
		int64_t wait_ms = age_ms > 4 * HOUR ? 2 * HOUR : 30 * MIN;
		bool asked = strstr(buf_text(&world.retried), m->id) != NULL;

		if (bounce(m) ||
		    ((all || asked || world.wall_ms - m->tried_ms >= wait_ms) &&
		        try_message(m)))
			queue[i] = queue[--queued];
	}
	world.flush.times = 0;
	buf_reset(&world.retried);
}

static void
pass(int64_t ms)
{
	rig_save();
	world_wait(rig.engine, ms);
}

static void
keep_mails(void)
{
	fputs(buf_text(&world.letters), mail_file);
	buf_reset(&world.letters);
}

static void
live(void)
{
	int64_t end_ms = (FIRST_S + DAYS * INT64_C(86400)) * 1000;
	unsigned steps = 0;

	while (world.wall_ms < end_ms) {
		for (unsigned i = 0; i < DOMAINS; i++)
			if (below((unsigned)(DAY / STEP_MS)) < (unsigned)domains[i].a_day)
				new_message(i);
		pass(MIN);
		run_queue();
		pass(STEP_MS - MIN);
		keep_mails();
		/* The daemon is started anew now and then. */
		if (++steps % 500 == 0) {
			rig_close();
			rig_open(ENGINE_APPLY);
		}
	}
	/* The digest of the last day. */
	pass(5 * HOUR);
	rig_close();
	keep_mails();
}

static FILE *
create(const char *directory, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	if (file == NULL)
		exit(2);
	return file;
}

/* As it is: what was deleted may still be in it. */
static void
copy_state(const char *directory)
{
	FILE *from = fopen(kit_path(STATE), "rb"), *to = create(directory, "state.db");
	char piece[65536];
	size_t n;

	assert_non_null(from);
	while ((n = fread(piece, 1, sizeof(piece), from)) > 0)
		fwrite(piece, 1, n, to);
	fclose(from);
	assert_int_equal(fclose(to), 0);
}

static void
a_month_passes(void **state)
{
	const char *directory = *state;

	log_file = create(directory, "mail.log");
	mail_file = create(directory, "mails");
	rig_new(ENGINE_APPLY);
	rig_close();
	kit_remove(STATE);
	rig_notify_admin();
	rig.config.notify.no_digest = false;
	world.sessions_logged = true;
	world.answer = answer;
	world.finger = finger;
	world.wall_ms = FIRST_S * 1000;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	live();
	fclose(log_file);
	fclose(mail_file);
	copy_state(directory);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: test_month DIRECTORY\n");
		return 2;
	}
	if (!rig_begin())
		return 2;
	suite_add(a_month_passes, argv[1], "a month passes");
	return rig_end(suite_run());
}
