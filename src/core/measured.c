/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/measured.h"

/* From the strongest down. `dane` and `fingerprint` are levels of the administrator's;
 * what is measured for them is what they come to. */
static const enum level rungs[] = {
    LEVEL_DANE_ONLY, LEVEL_SECURE, LEVEL_VERIFY, LEVEL_ENCRYPT, LEVEL_MAY};

#define RUNG_COUNT (sizeof(rungs) / sizeof(rungs[0]))

enum level
measured_next(enum level level)
{
	for (size_t i = 0; i < RUNG_COUNT; i++)
		if (rungs[i] < level)
			return rungs[i];
	return LEVEL_NONE;
}

/* A host that says nothing now may do again what it did before. */
static enum answer
silent_meets(const struct measured_host *host, enum level level, bool gone)
{
	return !gone && host->past != LEVEL_UNKNOWN && host->past >= level ? ANSWER_UNSURE
	                                                                   : ANSWER_NO;
}

static enum answer
cleartext(const struct measured_host *host)
{
	/* Without TLS or with: at the lowest rung TLS is used where it works. After a
	 * failed handshake smtp(8) goes on in cleartext once the message is old enough.
	 */
	return host->promise == PROMISE_NONE ? ANSWER_YES : ANSWER_NO;
}

static enum answer
session_meets(const struct measured_host *host, enum level level)
{
	switch (level) {
	case LEVEL_ENCRYPT:
		return host->probe.encrypt;
	case LEVEL_VERIFY:
		return host->probe.verify;
	case LEVEL_SECURE:
		return host->probe.secure;
	case LEVEL_DANE_ONLY:
		return host->promise == PROMISE_DANE ? host->probe.dane : ANSWER_NO;
	default:
		return cleartext(host);
	}
}

enum answer
measured_host_meets(const struct measured_host *host, enum level level, bool gone)
{
	switch (host->probe.end) {
	case PROBE_SILENT:
		return silent_meets(host, level, gone);
	case PROBE_PLAIN:
	case PROBE_REFUSED:
		return level == LEVEL_MAY ? cleartext(host) : ANSWER_NO;
	case PROBE_BROKEN:
		return level == LEVEL_ENCRYPT ? host->probe.encrypt
		    : level == LEVEL_MAY      ? cleartext(host)
		                              : ANSWER_NO;
	case PROBE_TLS:
		return session_meets(host, level);
	default:
		return ANSWER_UNSURE;
	}
}

static enum answer
better(enum answer a, enum answer b)
{
	if (a == ANSWER_YES || b == ANSWER_YES)
		return ANSWER_YES;
	return a == ANSWER_UNSURE || b == ANSWER_UNSURE ? ANSWER_UNSURE : ANSWER_NO;
}

/* Does it offer AUTH? One that is gone offers nothing. */
static enum answer
auth_of(const struct measured_host *host, bool gone)
{
	if (host->probe.end == PROBE_OURS || (host->probe.end == PROBE_SILENT && !gone))
		return ANSWER_UNSURE;
	return host->probe.end != PROBE_SILENT && host->probe.auth ? ANSWER_YES
	                                                           : ANSWER_NO;
}

static enum level
best_of(const struct measured_host *host, bool gone)
{
	for (size_t i = 0; i < RUNG_COUNT; i++)
		if (measured_host_meets(host, rungs[i], gone) == ANSWER_YES)
			return rungs[i];
	return LEVEL_NONE;
}

struct measured
measured_of(const struct measured_host *hosts, unsigned count, bool gone)
{
	struct measured m = {.asked = true};
	enum level best = LEVEL_UNKNOWN;

	for (size_t l = 0; l < LEVEL_COUNT; l++)
		m.meets[l] = ANSWER_NO;
	m.auth = ANSWER_NO;
	for (unsigned i = 0; i < count; i++) {
		const struct measured_host *host = &hosts[i];
		bool answered =
		    host->probe.end != PROBE_SILENT && host->probe.end != PROBE_OURS;

		m.answered = m.answered || answered;
		m.ours = m.ours || host->probe.end == PROBE_OURS;
		m.promised = m.promised || (answered && host->promise != PROMISE_NONE);
		m.awaited = m.awaited ||
		    (host->probe.end == PROBE_SILENT && !gone &&
		        host->past != LEVEL_UNKNOWN);
		for (size_t r = 0; r < RUNG_COUNT; r++)
			m.meets[rungs[r]] = better(
			    m.meets[rungs[r]], measured_host_meets(host, rungs[r], gone));
		m.auth = better(m.auth, auth_of(host, gone));
		if (answered && best_of(host, gone) > best) {
			best = best_of(host, gone);
			m.cause = host->probe.cause;
		}
	}
	/* Where nobody can be asked it is smtp(8) alone that knows. */
	if (!m.answered)
		m.auth = ANSWER_UNSURE;
	/* What is asked for there is met by less. */
	m.meets[LEVEL_DANE] = m.meets[LEVEL_MAY];
	m.meets[LEVEL_FINGERPRINT] = ANSWER_UNSURE;
	return m;
}

static void
describe(const struct measured_host *host, struct buf *out)
{
	enum level best = best_of(host, false);

	buf_add_visible(out, str_of(host->name));
	buf_printf(out, " answer=%s", probe_end_name(host->probe.end));
	if (host->probe.end != PROBE_SILENT && host->probe.end != PROBE_OURS)
		buf_printf(
		    out, " meets=%s", best == LEVEL_MAY ? "cleartext" : level_name(best));
	else if (host->past != LEVEL_UNKNOWN)
		buf_printf(out, " past=%s", level_name(host->past));
	if (host->probe.cause != CAUSE_NONE)
		buf_printf(out, " cause=%s", cause_name(host->probe.cause));
}

void
measured_describe(const struct measured_host *hosts, unsigned count, struct buf *out)
{
	for (unsigned i = 0; i < count; i++) {
		if (i > 0)
			buf_printf(out, "; ");
		describe(&hosts[i], out);
	}
}

void
measured_text(const struct measured_host *hosts, unsigned count, char *out, size_t size)
{
	struct buf text = {0};

	measured_describe(hosts, count, &text);
	while (
	    !str_copy((struct str){buf_text(&text), text.len}, out, size) && count > 0) {
		buf_reset(&text);
		measured_describe(hosts, --count, &text);
	}
	buf_clear(&text);
}

struct measured
measured_in_part(struct measured m)
{
	for (enum level l = LEVEL_MAY; l < LEVEL_COUNT; l++)
		if (m.meets[l] == ANSWER_NO)
			m.meets[l] = ANSWER_UNSURE;
	if (m.auth == ANSWER_NO)
		m.auth = ANSWER_UNSURE;
	return m;
}

enum level
measured_strongest(const struct measured *measured, enum level below)
{
	for (enum level l = measured_next(below); l != LEVEL_NONE; l = measured_next(l)) {
		if (measured->meets[l] == ANSWER_YES)
			return l;
		if (measured->meets[l] == ANSWER_UNSURE)
			return LEVEL_UNKNOWN;
	}
	return LEVEL_NONE;
}
