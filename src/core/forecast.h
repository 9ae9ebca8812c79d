/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of a destination's mail where Postfix's default level is another: does it
 * wait without an entry, and which one helps? Pure. The ladder (core/ladder) decides on a
 * destination that has no entry, with mail that waits under that level: what DNS, the
 * servers, an MTA-STS policy, the floors and the past say binds it, while there is
 * neither a queue nor an attempt to count.
 */
#ifndef CORE_FORECAST_H
#define CORE_FORECAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/answer.h"
#include "core/answers.h"
#include "core/demand.h"
#include "core/level.h"
#include "core/measured.h"
#include "core/status.h"
#include "core/why.h"

#define FORECAST_MONTH_MS (30 * SPAN_DAY_MS)

/* What is the same for all destinations. Borrowed. */
struct forecast_settings {
	enum level level;     /* the default level that is to be */
	enum answer can_dane; /* can this Postfix do dane-only? */
	const struct ladder_policy *policy;
};

/* What the log has of one of its servers: when each was last seen, in ms since the epoch;
 * 0: never. */
struct forecast_server {
	int64_t seen_ms[SESSION_COUNT];
	int64_t bare_ms; /* mail was sent without a session, though sessions are logged */
};

struct forecast {
	enum answer waits;   /* would mail wait at that level, without an entry? */
	struct demand entry; /* the one that helps; LEVEL_NONE: none is needed, or none
	                      * does. Its text is borrowed from the answers */
	enum why why;
	bool promised; /* waits is not known, and TLSA records speak against it */
};

/*
 * What the servers' sessions show of the levels at which mail flows, into works of the
 * answers, for one server of the destination's own; the last session of it counts.
 * present: the level that was in force. Only where the servers were not probed.
 */
void forecast_note_server(
    struct answers *answers, const struct forecast_server *server, enum level present);

/* The best level that its sessions show ever; LEVEL_UNKNOWN: none. */
enum level forecast_best(const struct forecast_server *server, enum level present);

/*
 * The best level at which mail flows by the last session of a server, as far as one may
 * guess: a chain that is trusted mostly has the right name. LEVEL_UNKNOWN: nothing was
 * seen. A guess makes no entry.
 */
enum level forecast_guess(const struct forecast_server *server, enum level present);

/*
 * key: the destination's. Of the answers: other_map, credentials, dane, works and the
 * policy's. measured: what the servers were measured to do; NULL: they were not asked,
 * and works has what the log shows. best_seen: the past of 90 days, which holds a weaker
 * entry. Without an answer of DNS nothing can be told.
 */
struct forecast forecast_judge(const struct forecast_settings *settings, const char *key,
    const struct answers *answers, const struct measured *measured, enum level best_seen);

/*
 * The same under a pin, which is the entry then, whatever waits; LEVEL_NONE: pinned to
 * the default level. waits: would mail wait under it? Its text is borrowed.
 */
struct forecast forecast_pinned(const struct forecast_settings *settings,
    const struct answers *answers, const struct measured *measured, struct demand pin);

/* Does mail wait, as far as one may say? Where that could not be told it does, if not the
 * sessions of its servers (guess: the best of forecast_guess()) speak against it, or
 * nobody takes mail. level: the one that is in force then, a pin's or the default. */
bool forecast_waits(const struct forecast *forecast, enum level level,
    enum dane_state dane, enum level guess);

/*
 * Where in time the lines of a log are: parts of it with more than a month between them,
 * in their order. Owned; begins empty, ends with forecast_span_clear().
 */
struct forecast_part {
	int64_t first_ms, last_ms;
	uint64_t lines;
};

struct forecast_span {
	struct forecast_part *parts;
	size_t count;
	size_t last; /* the part that the last line is in */
};

void forecast_span_note(struct forecast_span *span, int64_t at_ms);
void forecast_span_clear(struct forecast_span *span);

/*
 * The log from its first line to its last, without parts at its ends that are a tenth of
 * the lines at most: some clock was wrong. left_out: these, and when the first line of
 * them was; lines 0: there are none.
 */
struct forecast_part forecast_span_of(
    const struct forecast_span *span, struct forecast_part *left_out);

/* So many in a log of that span are in 30 days, rounded, one at least where there was
 * any. A log of less than a day counts as one of a day. */
uint64_t forecast_a_month(uint64_t messages, int64_t span_ms);

#endif
