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
#define STORY_LINES    60
#define FALLBACK       "fallback.example[198.51.100.9]:25"

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

/* --- an attempt -------------------------------------------------------------------- */

struct attempt {
	char relay[64];
	char reason[256];
	bool tls;          /* a reason is about TLS */
	bool says_plain;   /* ... and says that there is none */
	bool plain;        /* ... and no host did any */
	enum strength met; /* it was sent; S_NONE: it was not */
	bool relayed;      /* ... but another server has it */
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
			day_log(day, "smtp[%u]: SSL_connect error to %s: -1",
			    day_pid(day), relay);
			note(a, relay, "Cannot start TLS: handshake failure", true);
			return false;
		}
		cleartext = true;
	}
	if ((need == S_DANE && host->tlsa != TLSA_MATCHES) ||
	    (need == S_VERIFY && !host_meets(view, i, S_VERIFY)) ||
	    (need == S_SECURE && !host_meets(view, i, S_SECURE))) {
		day_log(day,
		    "smtp[%u]: certificate verification failed for %s: self-signed "
		    "certificate",
		    day_pid(day), relay);
		note(a, relay, "Server certificate not verified", true);
		return false;
	}
	if (!cleartext)
		day_log(day,
		    "smtp[%u]: %s TLS connection established to %s: TLSv1.3 with cipher "
		    "TLS_AES_256_GCM_SHA384 (256/256 bits)",
		    day_pid(day), session_grade(view, host, need), relay);
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

/* No server of the destination takes it: of each stands a line of the message, and the
 * status line is the fallback relay's. */
static void
fall_back(const struct day *day, const struct mail *mail, struct attempt *a)
{
	for (unsigned i = 0; i < day->act_count; i++) {
		if (day->acts[i].kind != ACT_FALLBACK)
			continue;
		day_log(day, "smtp[%u]: %s: %s", day_pid(day), mail->id, a->reason);
		if (day->acts[i].mode == 1) {
			note(a, "none", "connect to " FALLBACK ": Connection refused",
			    false);
			return;
		}
		day_log(day,
		    "smtp[%u]: Verified TLS connection established to " FALLBACK
		    ": TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
		    day_pid(day));
		a->relayed = day->acts[i].mode == 0;
		note(a, FALLBACK,
		    a->relayed ? "250 2.0.0 Ok: queued as 99"
		               : "host fallback.example[198.51.100.9] said: 450 4.7.1 "
		                 "Try again later (in reply to RCPT TO command)",
		    false);
	}
}

static void
attempt_servers(const struct day *day, const struct mail *mail, struct attempt *a)
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
			day_log(
			    day, "smtp[%u]: %s: %s", day_pid(day), mail->id, a->reason);
		if (need != S_NONE && try_host(day, mail, &view, i, need, a))
			return;
	}
	/* Without a prober the reasons are all that is known. */
	if (!batch.prober)
		a->plain = a->says_plain;
}

static void
attempt(const struct day *day, const struct mail *mail, struct attempt *a)
{
	attempt_servers(day, mail, a);
	/* Those of which a line of the message was seen. */
	if (a->met == S_NONE &&
	    (a->says_plain || strncmp(a->reason, "Server ", 7) == 0 ||
	        strncmp(a->reason, "host ", 5) == 0 ||
	        strncmp(a->reason, "connect ", 8) == 0))
		fall_back(day, mail, a);
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
	bool is_sent;

	attempt(day, mail, &a);
	is_sent = a.met != S_NONE || a.relayed;
	mail->tries++;
	day_log(day,
	    "smtp[%u]: %s: to=<u@%s>, relay=%s, delay=%d, delays=8/0/0.03/0.02, dsn=%s, "
	    "status=%s (%s)",
	    day_pid(day), mail->id, day->key, a.relay,
	    (int)((world.mono_ms - mail->arrival_ms) / SECOND) + 1,
	    is_sent ? "2.0.0" : "4.7.5", is_sent ? "sent" : "deferred", a.reason);
	if (!is_sent) {
		mail->tls = a.tls;
		oracle_failed(day, mail, a.tls, a.plain);
		return;
	}
	was = *mail;
	remove_mail(day, i);
	day->sent++;
	if (a.relayed)
		oracle_relayed(day, &was);
	else
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
		day_log(day,
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
	snprintf(mail->id, sizeof(mail->id), "A%07X", days_message());
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
				days_forge(day);
		else if ((act->kind == ACT_RELAYED || act->kind == ACT_FILTER ||
		             act->kind == ACT_SECOND) &&
		    now_ms >= day->other_ms)
			days_other_way(day, act->kind);
	}
	if (now_ms >= day->forge_ms)
		day->forge_ms =
		    days_bell(now_ms + (1 + days_below(&day->random, 12)) * HOUR);
	if (now_ms >= day->other_ms)
		day->other_ms =
		    days_bell(now_ms + (4 + days_below(&day->random, 16)) * HOUR);
}

static int64_t
next_mail_ms(struct day *day, int64_t now_ms)
{
	int64_t at_ms = days_bell(now_ms + day->every_ms / 2 +
	    (int64_t)(days_random(&day->random) % (uint64_t)day->every_ms));
	int64_t rare_ms = day->rare_ms;

	if (rare_ms == 0 || at_ms < rare_ms)
		return at_ms;
	while (rare_ms <= now_ms)
		rare_ms += 30 * DAY;
	return rare_ms;
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
		new_mail(day);
		day->mail_ms = next_mail_ms(day, now_ms);
		if (day->mail_ms >= day->end_ms)
			day->mail_ms = INT64_MAX;
	}
}
