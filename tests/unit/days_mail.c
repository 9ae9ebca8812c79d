/* SPDX-License-Identifier: BSD-2-Clause */
/* What Postfix does with mail, and what stands in the log of it. */
#include "days.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "enginekit.h"
#include "suite.h"

#define RETRY_FIRST_MS (5 * MIN)
#define RETRY_MAX_MS   (4 * HOUR)
#define YOUNG_MS       (5 * MIN) /* no cleartext after a failed handshake before that */
#define PIDS           4         /* smtp(8) processes */
#define FORGED_PID     5000
#define OTHER_PID      7000
#define STORY_LINES    60

static unsigned message; /* of all days */

/* The last lines of a story; what is older is cut off. */
static char story[STORY_LINES][512];
static unsigned story_lines;

void
day_tell(const struct day *day, const char *format, ...)
{
	int64_t at_ms = world.mono_ms - day->begin_ms;
	char *line = story[story_lines % STORY_LINES];
	size_t len;
	va_list ap;

	/* What comes after the objection matters no more. */
	if (!day->story || day->verdict[0] != '\0')
		return;
	len = (size_t)snprintf(line, sizeof(story[0]), "day %2d %02d:%02d:%02d  ",
	    (int)(at_ms / DAY), (int)(at_ms / HOUR % 24), (int)(at_ms / MIN % 60),
	    (int)(at_ms / SECOND % 60));
	va_start(ap, format);
	vsnprintf(line + len, sizeof(story[0]) - len, format, ap);
	va_end(ap);
	story_lines++;
}

void
day_print_story(void)
{
	unsigned first = story_lines > STORY_LINES ? story_lines - STORY_LINES : 0;

	if (first > 0)
		print_message("#   (%u lines before)\n", first);
	for (unsigned i = first; i < story_lines; i++)
		print_message("#   %s\n", story[i % STORY_LINES]);
	story_lines = 0;
}

static void log_line(const struct day *day, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
log_line(const struct day *day, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	day_tell(day, "log: %s", text);
	world_log(batch.engine, text);
}

/* Of another instance, whose process ids may be ours. */
static void other_line(const struct day *day, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
other_line(const struct day *day, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	day_tell(day, "the other log: %s", text);
	world_log_of(batch.engine, "postfix-out", text);
}

static unsigned
pid_of(const struct day *day)
{
	return 1000 + day->index % PIDS;
}

/* --- an attempt -------------------------------------------------------------------- */

struct attempt {
	char relay[64];
	char reason[256];
	bool tls;          /* a reason is about TLS */
	bool says_plain;   /* ... and says that there is none */
	bool plain;        /* ... and no host did any */
	enum strength met; /* it was sent; S_NONE: it was not */
};

static void
note(struct attempt *a, const char *relay, const char *reason, bool tls)
{
	snprintf(a->relay, sizeof(a->relay), "%s", relay);
	snprintf(a->reason, sizeof(a->reason), "%s", reason);
	a->tls = a->tls || tls; /* of any host: each has its line */
	a->says_plain = a->says_plain ||
	    strncmp(reason, "TLS is required, but ", 21) == 0 ||
	    strncmp(reason, "Cannot start TLS: ", 18) == 0;
}

static const char *
session_grade(
    const struct outlook *view, const struct host_view *host, enum strength need)
{
	if (need >= S_VERIFY)
		return "Verified";
	return host->tls >= TLS_VALID && !view->ours ? "Trusted" : "Untrusted";
}

/* What that level demands of this host. S_NONE: it is not tried; the reason is noted. */
static enum strength
demanded(const struct outlook *view, const struct host_view *host, enum level level,
    struct attempt *a)
{
	char text[128];

	if (level != LEVEL_DANE && level != LEVEL_DANE_ONLY)
		return level_strength(level, view);
	if (view->mx != MX_SIGNED)
		return S_CLEAR; /* only at `dane`: the other was refused before */
	switch (host->tlsa) {
	case TLSA_MATCHES:
	case TLSA_DIFFERS:
		return S_DANE;
	case TLSA_ERROR:
		snprintf(text, sizeof(text), "TLSA lookup error for %s:25", host->name);
		note(a, "none", text, true);
		return S_NONE;
	case TLSA_UNUSABLE:
		if (level == LEVEL_DANE)
			return S_ENCRYPT;
		note(a, "none", "TLSA records unusable", true);
		return S_NONE;
	default:
		if (level == LEVEL_DANE)
			return S_CLEAR;
		note(a, "none", "no TLSA records found", true);
		return S_NONE;
	}
}

static bool
try_host(const struct day *day, const struct mail *mail, const struct outlook *view,
    unsigned i, enum strength need, struct attempt *a)
{
	const struct host_view *host = &view->hosts[i];
	char relay[64], text[256];
	bool cleartext;

	snprintf(relay, sizeof(relay), "%s[192.0.2.%u]", host->name, i + 1);
	if (host->down) {
		snprintf(
		    text, sizeof(text), "connect to %s:25: Connection refused", relay);
		note(a, "none", text, false);
		return false;
	}
	cleartext = host->tls == TLS_PLAIN;
	if (cleartext && need >= S_ENCRYPT) {
		snprintf(text, sizeof(text),
		    "TLS is required, but was not offered by host %s", relay);
		strcat(relay, ":25");
		note(a, relay, text, true);
		return false;
	}
	strcat(relay, ":25");
	if (host->tls == TLS_BROKEN) {
		if (need >= S_ENCRYPT || world.mono_ms - mail->arrival_ms < YOUNG_MS) {
			log_line(day, "smtp[%u]: SSL_connect error to %s: -1",
			    pid_of(day), relay);
			note(a, relay, "Cannot start TLS: handshake failure", true);
			return false;
		}
		cleartext = true;
	}
	if ((need == S_DANE && host->tlsa != TLSA_MATCHES) ||
	    (need == S_VERIFY && !host_meets(view, i, S_VERIFY)) ||
	    (need == S_SECURE && !host_meets(view, i, S_SECURE))) {
		log_line(day,
		    "smtp[%u]: certificate verification failed for %s: self-signed "
		    "certificate",
		    pid_of(day), relay);
		note(a, relay, "Server certificate not verified", true);
		return false;
	}
	if (!cleartext)
		log_line(day,
		    "smtp[%u]: %s TLS connection established to %s: TLSv1.3 with cipher "
		    "TLS_AES_256_GCM_SHA384 (256/256 bits)",
		    pid_of(day), session_grade(view, host, need), relay);
	a->met = cleartext ? S_CLEAR : need > S_ENCRYPT ? need : S_ENCRYPT;
	if (!host->tempfails && !(day_has(day, ACT_GREYLIST) && mail->tries == 0)) {
		note(a, relay, "250 2.0.0 Ok: queued as 1234", false);
		return true;
	}
	a->met = S_NONE;
	snprintf(text, sizeof(text),
	    "host %.*s said: 450 4.3.0 TLS is required, but was not offered by host %.*s "
	    "(in reply to RCPT TO command)",
	    (int)strlen(relay) - 3, relay, (int)strlen(relay) - 3, relay);
	note(a, relay, text, false);
	return false;
}

static void
attempt(const struct day *day, const struct mail *mail, struct attempt *a)
{
	struct outlook view = day_view(day, VIEW_POSTFIX, world.mono_ms);
	enum level level = day->entry != LEVEL_NONE ? day->entry : batch.default_level;

	*a = (struct attempt){.plain = true};
	for (unsigned i = 0; i < view.count; i++)
		a->plain =
		    a->plain && (view.hosts[i].down || view.hosts[i].tls <= TLS_BROKEN);
	a->plain = a->plain && view_answers(&view);
	if (view.mx == MX_ERROR) {
		note(a, "none",
		    "Host or domain name not found. Name service error for name=d.test "
		    "type=MX: Host not found, try again",
		    false);
		return;
	}
	if (level == LEVEL_DANE_ONLY && view.mx != MX_SIGNED) {
		note(a, "none", "non DNSSEC destination", true);
		return;
	}
	for (unsigned i = 0; i < view.count; i++) {
		enum strength need;

		if (view.hosts[i].lame) /* it has no address, and is left out */
			continue;
		need = demanded(&view, &view.hosts[i], level, a);
		/* Of the hosts before the last one. */
		if (i > 0 && a->reason[0] != '\0')
			log_line(
			    day, "smtp[%u]: %s: %s", pid_of(day), mail->id, a->reason);
		if (need != S_NONE && try_host(day, mail, &view, i, need, a))
			return;
	}
	/* Without a prober the reasons are all that is known. */
	if (!batch.prober)
		a->plain = a->says_plain;
}

static void
remove_mail(struct day *day, unsigned i)
{
	day->queue[i] = day->queue[--day->queued];
}

static void
try_mail(struct day *day, unsigned i)
{
	struct mail *mail = &day->queue[i];
	struct attempt a;
	struct mail was;

	attempt(day, mail, &a);
	mail->tries++;
	log_line(day,
	    "smtp[%u]: %s: to=<u@%s>, relay=%s, delay=%d, delays=8/0/0.03/0.02, dsn=%s, "
	    "status=%s (%s)",
	    pid_of(day), mail->id, day->key, a.relay,
	    (int)((world.mono_ms - mail->arrival_ms) / SECOND) + 1,
	    a.met != S_NONE ? "2.0.0" : "4.7.5", a.met != S_NONE ? "sent" : "deferred",
	    a.reason);
	if (a.met == S_NONE) {
		mail->tls = a.tls;
		oracle_failed(day, mail, a.tls, a.plain);
		return;
	}
	was = *mail;
	remove_mail(day, i);
	day->sent++;
	oracle_sent(day, &was, a.met);
}

static void
plan_retry(struct day *day)
{
	int64_t wait_ms = RETRY_FIRST_MS;

	if (day->queued == 0) {
		day->retry_ms = INT64_MAX;
		return;
	}
	for (unsigned i = 1; i < day->queue[0].tries && wait_ms < RETRY_MAX_MS; i++)
		wait_ms *= 2;
	day->retry_ms = world.mono_ms + (wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS);
}

static void
bounce_old(struct day *day)
{
	for (unsigned i = day->queued; i-- > 0;) {
		struct mail mail = day->queue[i];

		if (world.mono_ms - mail.arrival_ms < LIFETIME_MS)
			continue;
		log_line(day,
		    "qmgr[9]: %s: from=<a@b.test>, status=expired, returned to sender",
		    mail.id);
		world_unqueue(mail.id);
		remove_mail(day, i);
		day->bounced++;
		oracle_bounced(day, &mail);
	}
}

static void
new_mail(struct day *day)
{
	if (day->queued == DAY_QUEUE)
		return;
	struct mail *mail = &day->queue[day->queued++];

	*mail = (struct mail){.arrival_ms = world.mono_ms};
	snprintf(mail->id, sizeof(mail->id), "A%07X", ++message);
	try_mail(day, day->queued - 1);
	if (day->retry_ms == INT64_MAX)
		plan_retry(day);
}

bool
days_retry(const char *ids)
{
	bool tried = false;

	for (unsigned d = 0; d < batch.count; d++) {
		struct day *day = &batch.days[d];

		for (unsigned i = day->queued; i-- > 0;) {
			if (ids != NULL && strstr(ids, day->queue[i].id) == NULL)
				continue;
			day_tell(day, "it is retried");
			try_mail(day, i);
			tried = true;
		}
		if (day->queued == 0)
			day->retry_ms = INT64_MAX;
	}
	return tried;
}

/* --- lines that others write -------------------------------------------------------- */

/* The queue is as it was: only the log has it. */
static void
forged_status(struct day *day, const char *id, const char *status, const char *reason,
    const char *relay)
{
	char old[256] = "";
	bool there = false;

	for (size_t i = 0; i < world.mail_count; i++)
		if (strcmp(world.mails[i].id, id) == 0) {
			snprintf(old, sizeof(old), "%s", world.mails[i].reason);
			there = true;
		}
	log_line(day,
	    "smtp[%u]: %s: to=<u@%s>, relay=%s, delay=1, delays=0.9/0/0.03/0.02, "
	    "dsn=4.7.5, status=%s (%s)",
	    FORGED_PID, id, day->key, relay, status, reason);
	if (there) {
		char to[64];

		snprintf(to, sizeof(to), "u@%s", day->key);
		world_queue(id, to, old);
	} else {
		world_unqueue(id);
	}
}

static void
forge(struct day *day)
{
	struct outlook view = day_view(day, VIEW_TRUTH, world.mono_ms);
	char id[16], relay[64], offered[128];
	unsigned what = days_below(&day->random, 14);

	snprintf(id, sizeof(id), "B%07X", ++message);
	if (day->queued > 0 && days_below(&day->random, 2) == 0)
		snprintf(id, sizeof(id), "%s", day->queue[0].id);
	snprintf(relay, sizeof(relay), "%s[192.0.2.1]:25", view.hosts[0].name);
	snprintf(offered, sizeof(offered),
	    "TLS is required, but was not offered by host %s[192.0.2.1]",
	    view.hosts[0].name);
	day_tell(day, "somebody writes a line:");
	switch (what) {
	case 0:
	case 1:
	case 2:
		forged_status(day, id, "deferred", offered, relay);
		break;
	case 3:
	case 4:
		forged_status(
		    day, id, "deferred", "Server certificate not verified", relay);
		break;
	case 5:
		forged_status(day, id, "deferred", "no TLSA records found", "none");
		break;
	case 6:
		forged_status(day, id, "deferred", "non DNSSEC destination", "none");
		break;
	case 7:
		forged_status(
		    day, id, "deferred", "client TLS configuration problem", "none");
		break;
	case 8:
		forged_status(
		    day, id, "deferred", "Cannot start TLS: handshake failure", relay);
		break;
	case 9:
		batch.thawed = true; /* it is believed, against the canaries */
		log_line(day,
		    "smtp[%u]: Verified TLS connection established to %s: TLSv1.3 with "
		    "cipher "
		    "TLS_AES_256_GCM_SHA384 (256/256 bits)",
		    FORGED_PID, relay);
		break;
	case 10:
		log_line(day,
		    "smtp[%u]: Untrusted TLS connection established to %s: TLSv1.3 with "
		    "cipher "
		    "TLS_AES_256_GCM_SHA384 (256/256 bits)",
		    FORGED_PID, relay);
		forged_status(day, id, "sent", "250 Ok", relay);
		break;
	case 11:
		forged_status(day, id, "sent", "250 Ok", relay);
		break;
	case 12:
		log_line(day,
		    "qmgr[9]: %s: from=<a@b.test>, status=expired, returned to sender",
		    id);
		break;
	default:
		log_line(day,
		    "error[%u]: %s: to=<u@%s>, relay=none, delay=9, delays=9/0/0/0, "
		    "dsn=4.7.5, "
		    "status=bounced (%s)",
		    FORGED_PID, id, day->key, offered);
		break;
	}
}

/* The other instance asks for `verify` half of the time, for `may` else. */
static void
second_instance(struct day *day, const char *id)
{
	struct outlook view = day_view(day, VIEW_POSTFIX, world.mono_ms);
	const struct host_view *host = &view.hosts[0];
	bool verifies = host->tls >= TLS_VALID && !view.ours;
	bool strict = days_below(&day->random, 2) == 0;
	char relay[64], reason[128];

	if (view.mx == MX_ERROR || view.count == 0 || host->down || host->lame)
		return;
	snprintf(relay, sizeof(relay), "%s[192.0.2.1]", host->name);
	snprintf(reason, sizeof(reason), "250 Ok");
	if (strict && host->tls == TLS_PLAIN)
		snprintf(reason, sizeof(reason),
		    "TLS is required, but was not offered by host %s", relay);
	else if (host->tls == TLS_BROKEN)
		snprintf(reason, sizeof(reason), "Cannot start TLS: handshake failure");
	else if (strict && !verifies)
		snprintf(reason, sizeof(reason), "Server certificate not verified");
	else if (host->tls != TLS_PLAIN)
		other_line(day,
		    "smtp[%u]: %s TLS connection established to %s:25: TLSv1.3 with "
		    "cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
		    pid_of(day), strict ? "Verified" : "Untrusted", relay);
	other_line(day,
	    "smtp[%u]: %s: to=<w@%s>, relay=%s:25, delay=1, delays=0.9/0/0.03/0.02, "
	    "dsn=4.7.5, status=%s (%s)",
	    pid_of(day), id, day->key, relay, reason[0] == '2' ? "sent" : "deferred",
	    reason);
}

/* Mail to the destination that takes another way: it tells nothing of it. */
static void
other_way(struct day *day, enum act_kind kind)
{
	char id[16];

	snprintf(id, sizeof(id), "C%07X", ++message);
	switch (kind) {
	case ACT_RELAYED:
		log_line(day,
		    "smtp[%u]: Verified TLS connection established to "
		    "mx.bulk.example[198.51.100.7]:25: "
		    "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
		    OTHER_PID);
		log_line(day,
		    "smtp[%u]: %s: to=<v@%s>, relay=mx.bulk.example[198.51.100.7]:25, "
		    "delay=1, "
		    "delays=0.9/0/0.03/0.02, dsn=2.0.0, status=sent (250 Ok)",
		    OTHER_PID, id, day->key);
		break;
	case ACT_FILTER:
		log_line(day,
		    "smtp[%u]: %s: to=<u@%s>, relay=172.22.1.9[172.22.1.9]:10025, "
		    "delay=0.3, "
		    "delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 Ok)",
		    OTHER_PID, id, day->key);
		break;
	default:
		second_instance(day, id);
		break;
	}
}

/* --- what is due -------------------------------------------------------------------- */

int64_t
day_next_ms(const struct day *day)
{
	int64_t at_ms = day->mail_ms;

	if (day->retry_ms < at_ms)
		at_ms = day->retry_ms;
	if (day->forge_ms < at_ms)
		at_ms = day->forge_ms;
	if (day->other_ms < at_ms)
		at_ms = day->other_ms;
	return at_ms;
}

static void
run_others(struct day *day, int64_t now_ms)
{
	for (unsigned i = 0; i < day->act_count; i++) {
		const struct act *act = &day->acts[i];

		if (!act_is_on(act, now_ms))
			continue;
		if (act->kind == ACT_LINES && now_ms >= day->forge_ms)
			for (unsigned n = 1 + days_below(&day->random, 3); n > 0; n--)
				forge(day);
		else if ((act->kind == ACT_RELAYED || act->kind == ACT_FILTER ||
		             act->kind == ACT_SECOND) &&
		    now_ms >= day->other_ms)
			other_way(day, act->kind);
	}
	if (now_ms >= day->forge_ms)
		day->forge_ms =
		    days_bell(now_ms + (1 + days_below(&day->random, 12)) * HOUR);
	if (now_ms >= day->other_ms)
		day->other_ms =
		    days_bell(now_ms + (4 + days_below(&day->random, 16)) * HOUR);
}

void
day_run(struct day *day)
{
	int64_t now_ms = world.mono_ms;

	if (now_ms >= day->end_ms)
		return;
	oracle_looks(day);
	run_others(day, now_ms);
	if (now_ms >= day->retry_ms) {
		bounce_old(day);
		for (unsigned i = day->queued; i-- > 0;)
			try_mail(day, i);
		plan_retry(day);
	}
	if (now_ms >= day->mail_ms) {
		int64_t every_ms =
		    day_has(day, ACT_RARE) && now_ms > day->begin_ms + 3 * DAY
		    ? 30 * DAY
		    : day->every_ms;

		new_mail(day);
		day->mail_ms = days_bell(now_ms + every_ms / 2 +
		    (int64_t)(days_random(&day->random) % (uint64_t)every_ms));
		if (day->mail_ms >= day->end_ms)
			day->mail_ms = INT64_MAX;
	}
}
