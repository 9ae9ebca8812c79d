/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a destination, for the files destination*.c alone. */
#ifndef CORE_DESTINATION_IMPL_H
#define CORE_DESTINATION_IMPL_H

#include "base/span.h"
#include "core/destination.h"

/* *at_ms, or than_ms if that is later. */
void destination_later(int64_t *at_ms, int64_t than_ms);

/* Attempts are counted anew, those with a contradiction too; nobody is waited for. */
void destination_forget_attempts(struct destination *destination);

/*
 * Attempts that met no TLS, of count with the first and the last at these times, count
 * together with those before them if they are no further apart than spans->attempts_ms.
 */
void destination_add_plain(struct destination *destination, struct plain_attempts more,
    const struct destination_spans *spans);

/*
 * When a session last proved more than the entry demands, since the entry came and a day
 * after the last probe at the earliest; 0: none did. What comes after latest_ms is left
 * out.
 */
int64_t destination_better_ms(const struct destination *destination, int64_t latest_ms);

/* Sessions were seen then, of any grade, and with a chain that is good; 0: none was. */
void destination_note_session(
    struct destination *destination, int64_t encrypted_ms, int64_t trusted_ms);

/* The latest time that lines of its log can have: its clock may be a day ahead (time
 * zone). */
static inline int64_t
destination_log_ms(int64_t now_ms)
{
	return now_ms + SPAN_DAY_MS + SPAN_MINUTE_MS;
}

/* A session of that level was seen at the server of that name, of which DNS has not told
 * yet whose it is: it is in the past until DNS tells that it is another's. */
void destination_seen_at(
    struct destination *destination, const char *name, enum level level, int64_t at_ms);

/* DNS told now. */
void destination_settle_servers(struct destination *destination);

/* Trouble is over: the next time it is news again, and alerted. */
void destination_trouble_over(struct destination *destination);

/* Since when an MTA-STS policy may be there that is not known; 0: it never was so. */
int64_t destination_unsure_policy_ms(const struct destination *destination);

/* That server, which DNS names, is one of its own from now on; a name without blanks. */
void destination_accept_server(
    struct destination *destination, const char *name, int64_t now_ms);

/* The same of those in the news that DNS named when it was asked last. */
void destination_accept_servers(
    struct destination *destination, const struct fold_item *news);

/* It was one of its own, and DNS names it no more. */
bool destination_had_server(
    const struct destination *destination, const struct fold_host *host);

/* The level that mail meets without a word of Postfix. */
enum level destination_level_met(
    const struct destination *destination, enum level default_level);

/*
 * Where the queue can be listed and the servers can be asked, nothing that a line says
 * ends an alarm of mail that waits, as anybody can write it: that its messages left tells
 * the queue, that the servers do better the servers. An alarm of before the entry in
 * force decides nothing any more.
 */
bool destination_keeps_alarm(
    const struct destination *destination, const struct destination_spans *spans);

/* What a line says of an alarm that it does not move is looked into: after least_ms at
 * the soonest, then ever later, up to an hour, as there may be such lines each minute. */
void destination_look_into(
    struct destination *destination, int64_t at_ms, int64_t least_ms);

/* The deferrals of the news. waits: as destination_take_news() has it. */
void destination_take_deferral(struct destination *destination,
    const struct fold_item *news, enum level default_level, bool waits,
    const struct destination_spans *spans);

/* Those that say something under a policy alone; they say nothing elsewhere. */
void destination_take_refused(struct destination *destination,
    const struct fold_item *news, enum level default_level,
    const struct destination_spans *spans);

/* No step is due. */
void destination_forget_hold(struct destination *destination);

/*
 * Another entry, or none: what was learnt under the one before, or waited for, is not
 * about it. Its lease is the caller's to set. entry may be borrowed from the destination.
 */
void destination_reset_entry(
    struct destination *destination, struct demand entry, enum why why, int64_t now_ms);

#endif
