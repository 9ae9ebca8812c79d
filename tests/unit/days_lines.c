/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of the log: how they are written, and those of others than the mail of a day. */
#include "days.h"

#include <stdarg.h>
#include <string.h>

#include "enginekit.h"
#include "suite.h"

#define PIDS       4 /* smtp(8) processes */
#define FORGED_PID 5000
#define OTHER_PID  7000

unsigned
days_message(void)
{
	static unsigned message; /* of all days */

	return ++message;
}

void
day_log(const struct day *day, const char *format, ...)
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

unsigned
day_pid(const struct day *day)
{
	return 1000 + day->index % PIDS;
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
	day_log(day,
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

void
days_forge(struct day *day)
{
	struct outlook view = day_view(day, VIEW_TRUTH, world.mono_ms);
	char id[16], relay[64], offered[128];
	unsigned what = days_below(&day->random, 14);

	snprintf(id, sizeof(id), "B%07X", days_message());
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
		day_log(day,
		    "smtp[%u]: Verified TLS connection established to %s: TLSv1.3 with "
		    "cipher "
		    "TLS_AES_256_GCM_SHA384 (256/256 bits)",
		    FORGED_PID, relay);
		break;
	case 10:
		day_log(day,
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
		day_log(day,
		    "qmgr[9]: %s: from=<a@b.test>, status=expired, returned to sender",
		    id);
		break;
	default:
		day_log(day,
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
		    day_pid(day), strict ? "Verified" : "Untrusted", relay);
	other_line(day,
	    "smtp[%u]: %s: to=<w@%s>, relay=%s:25, delay=1, delays=0.9/0/0.03/0.02, "
	    "dsn=4.7.5, status=%s (%s)",
	    day_pid(day), id, day->key, relay, reason[0] == '2' ? "sent" : "deferred",
	    reason);
}

/* Mail to the destination that takes another way: it tells nothing of it. */
void
days_other_way(struct day *day, enum act_kind kind)
{
	char id[16];

	snprintf(id, sizeof(id), "C%07X", days_message());
	switch (kind) {
	case ACT_RELAYED:
		day_log(day,
		    "smtp[%u]: Verified TLS connection established to "
		    "mx.bulk.example[198.51.100.7]:25: "
		    "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
		    OTHER_PID);
		day_log(day,
		    "smtp[%u]: %s: to=<v@%s>, relay=mx.bulk.example[198.51.100.7]:25, "
		    "delay=1, "
		    "delays=0.9/0/0.03/0.02, dsn=2.0.0, status=sent (250 Ok)",
		    OTHER_PID, id, day->key);
		break;
	case ACT_FILTER:
		day_log(day,
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
